/* The listener that speaks to programs: every event as one JSON object on a line of its own. The
 * first keys are always "schema" (a number that rises when a key changes its meaning or goes) and
 * "event"; keys may be added at any time. Answers of commands are lines among them. */
#ifndef CLI_JSON_SINK_H
#define CLI_JSON_SINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ispflash/event.h"

enum { JSON_SCHEMA = 1 };

struct json_options {
    FILE *stream;  /* borrowed */
    int verbosity; /* see settings_verbosity(): details from 1, debugging from 2, wire from 3 */
    bool progress; /* also what happens between a step's begin and end */
};

struct json_sink {
    struct sink sink; /* first: events arrive here */
    struct json_options options;
    uint64_t told_us; /* when the last progress was told */
};

/* `s` lives as long as events are sent to it. */
void json_sink_init(struct json_sink *s, const struct json_options *options);

/* An object that begins with "schema" and `event`; NULL without memory, which all of jansson's
 * functions and json_line() take. */
json_t *json_begin(const char *event);
/* Text as JSON; NULL: null. A file's name may hold anything: of a text that is no UTF-8 only the
 * ASCII is kept, each other byte becomes U+FFFD. */
json_t *json_text(const char *text);
json_t *json_bytes(const uint8_t *bytes, size_t size); /* an array of numbers */

/* A hint: an array of its lines. */
json_t *json_lines(const char *text);

/* An error's event, but for its time. */
json_t *json_error_event(const struct error *error);

/* Writes the object as a line, and lets go of it. */
void json_line(FILE *out, json_t *object);

#endif
