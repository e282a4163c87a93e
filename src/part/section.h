/* A part file cut into its sections, and the `key = value` lines of one section. Sections are found
 * by a quick look at the lines that begin with '['; their contents are read, strictly and by inih,
 * only when somebody asks for them. */
#ifndef PART_SECTION_H
#define PART_SECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "ispflash/error.h"

struct part_text {
    const char *name; /* for messages */
    const char *data;
    size_t size;
    bool built_in;
};

enum section_kind { SECTION_PART, SECTION_FAMILY, SECTION_FIELD, SECTION_UNSUPPORTED };

struct setting {
    const char *key, *value;
    const struct part_text *text;
    unsigned line;
    bool taken; /* somebody knew what to do with it */
};

struct section {
    struct section *next; /* in the order of the files */
    enum section_kind kind;
    const char *title; /* "part ATmega328P" */
    const char *name;  /* "ATmega328P" */
    const struct part_text *text;
    unsigned line; /* of the title */
    const char *begin, *end;
    const struct setting *settings; /* NULL until read */
    size_t setting_count;
};

struct section_list { /* zeroed: empty */
    struct section *first, *last;
};

/* Appends the sections of a text. `text` and its bytes must live as long as the list. */
MUST_USE enum status section_scan(struct section_list *list, struct arena *arena,
                                  const struct part_text *text, struct error *e);

/* Reads the lines of a section, once: s->settings. */
MUST_USE enum status section_read(struct section *s, struct arena *arena, struct error *e);

/* "file:line: what", always STATUS_INPUT. */
enum status text_error(const struct part_text *text, unsigned line, struct error *e,
                       const char *format, ...) PRINTF(4, 5);

enum status part_no_memory(struct error *e);

#endif
