/* A recording of all that goes over the wire to a programmer, with times: what a bug report needs,
 * and what a later run can be played against with no hardware. A context that has one makes the
 * links of src/link record into it, or answer from it; nothing above them knows.
 *
 * The file is text, an event a line: microseconds since the run began, a word, hexadecimal numbers,
 * ":" and bytes, texts in double quotes, "!" before those of a failure; src/link/recording_link.h
 * tells them apart. Its bytes are those of the chip: a recording of a run that reads flash holds
 * that flash. */
#ifndef LINK_RECORDING_H
#define LINK_RECORDING_H

#include "ispflash/context.h"
#include "ispflash/error.h"

struct recording;

/* Begins a recording in a new file; `title` becomes a comment in it. STATUS_OUTPUT. */
MUST_USE enum status recording_create(const char *path, const char *title, struct recording **out,
                                      struct error *e);

/* Reads a recording for a run to be played against. STATUS_INPUT with the line that is wrong. */
MUST_USE enum status recording_open(const char *path, struct recording **out, struct error *e);

/* The clock of a run that is recorded or played: it shows the times of the events alone. A run that
 * is played sleeps in no time. */
struct clock *recording_clock(struct recording *r);

/* Takes NULL. STATUS_OUTPUT if the file could not be written whole; STATUS_INPUT if the run ended
 * before the recording did. */
MUST_USE enum status recording_close(struct recording *r, struct error *e);

#endif
