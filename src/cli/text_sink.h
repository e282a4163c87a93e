/* The listener that speaks to a person: signature and part, a bar or a line for each phase, notes,
 * warnings, errors, and the closing summary. All of it is talk and goes to one stream; results go
 * elsewhere. */
#ifndef CLI_TEXT_SINK_H
#define CLI_TEXT_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ispflash/event.h"
#include "options.h"

struct text_options {
    FILE *stream;        /* borrowed */
    const char *program; /* as it was called, for messages */
    bool terminal;       /* `stream` is one that can redraw its line */
    bool color;
    unsigned columns; /* of the terminal */
    int verbosity;    /* see settings_verbosity() */
    bool quell;       /* -q: no progress */
    enum progress_style progress;
    bool as_avrdude; /* say what avrdude 8 says of the signature, and when */
};

struct text_sink {
    struct sink sink; /* first: events arrive here */
    struct text_options options;
    char part[32];
    uint8_t signature[3];
    bool signature_known, signature_shown;
    bool drawn;             /* a bar stands on the last line, unfinished */
    unsigned drawn_percent; /* what it shows */
    uint64_t drawn_us;      /* when it (or the last plain line) was written */
};

/* `s` lives as long as events are sent to it. */
void text_sink_init(struct text_sink *s, const struct text_options *options);

/* An error from before or outside a session, in the same words. */
void text_sink_error(struct text_sink *s, const struct error *error);

#endif
