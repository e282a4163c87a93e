/* One programmer and what is put on it: one board, or with --repeat one after another. */
#ifndef CLI_STATION_H
#define CLI_STATION_H

#include "run.h"

/* Reads the job's files, so that what is wrong with them is known before a board is waited for, and
 * so that all boards get the same bytes. */
MUST_USE enum status station_read_files(const struct job *job, struct error *e);

/* Runs the job as --wait, --repeat and --unique say. `device` is what records call the programmer.
 * What the session has told is told; cli->told says so. */
MUST_USE enum status station_run(struct run *r, struct job *job, const char *device,
                                 struct error *e);

#endif
