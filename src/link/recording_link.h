/* Recordings, from the side of the links. Shared by the files of src/link/ alone.
 *
 * Events are commands, which the run gives in a fixed order, and answers ("in", "done", and "idle":
 * nothing came), which are there once all commands recorded before them were given. An operation
 * that failed has a "!" and then the name of its status and its message as texts. */
#ifndef LINK_RECORDING_LINK_H
#define LINK_RECORDING_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "link/ftdi.h"
#include "link/recording.h"
#include "link/stream.h"
#include "link/usb.h"

enum { RECORD_NUMBERS = 8, RECORD_TEXTS = 4, RECORD_KIND_SIZE = 12 };

struct record_event {
    uint64_t time_us;
    char kind[RECORD_KIND_SIZE];
    unsigned long numbers[RECORD_NUMBERS];
    unsigned number_count, text_count;
    const uint8_t *bytes; /* NULL: none */
    size_t size;
    const char *texts[RECORD_TEXTS];
    bool failed;   /* its texts are the name of a status and the message */
    unsigned line; /* in its file */
    size_t taken;  /* of its bytes, by the run so far */
    bool used;     /* all of it */
};

struct recording {
    struct clock clock; /* first: cast from struct clock */
    uint64_t now_us;    /* on that clock */
    bool plays;         /* else it records */
    bool differs;       /* that has been said; on its way out the run meets no more resistance */
    char *path;
    FILE *file; /* being written */
    struct record_event *events;
    size_t count, first; /* `first`: all before it are used */
    char *data;          /* all that the events borrow */
};

/* --- recording: nothing fails before recording_close() --------------------------------------- */

/* Adds an event that happens now, or at its `time_us` on the machine's clock if that is not 0.
 * `status` not STATUS_OK: with that failure. */
void record(struct context *c, struct record_event event, enum status status,
            const struct error *e);

/* --- playing --------------------------------------------------------------------------------- */

/* The next command; the error if it is no `kind`, or none is left. `what` says what the run does
 * instead: "sends 30 20". */
MUST_USE enum status replay_expect(struct recording *r, const char *kind, const char *what,
                                   struct record_event **out, struct error *e);
/* The next answer, if all commands before it were given; NULL: none yet. */
struct record_event *replay_answer(struct recording *r);
/* Sets the clock to the event, and returns the failure it has. */
MUST_USE enum status replay_use(struct recording *r, struct record_event *event, struct error *e);
/* STATUS_INPUT: the run does not do what was recorded at `event` (NULL: the end). */
enum status replay_differs(struct recording *r, const struct record_event *event, const char *what,
                           struct error *e);
/* A command without bytes, all of whose numbers must be as recorded. After a difference all is
 * well.
 */
MUST_USE enum status replay_command(struct recording *r, const char *kind,
                                    const unsigned long *numbers, unsigned count, struct error *e);
/* The first bytes as text, for messages. */
const char *record_bytes_text(const uint8_t *bytes, size_t size, char *out, size_t capacity);

/* --- links ----------------------------------------------------------------------------------- */

/* An open link that also records. On failure it is closed. */
MUST_USE enum status record_stream(struct stream **stream, struct error *e);
MUST_USE enum status record_usb(struct usb **usb, struct error *e);
MUST_USE enum status record_ftdi(struct ftdi **ftdi, unsigned channel, struct error *e);

/* A link to the recording of the context. */
MUST_USE enum status replay_stream(struct context *c, struct stream **out, struct error *e);
MUST_USE enum status replay_usb(const char *programmer, struct context *c, struct usb **out,
                                struct error *e);
MUST_USE enum status replay_ftdi(const char *programmer, unsigned channel, struct context *c,
                                 struct ftdi **out, struct error *e);

#endif
