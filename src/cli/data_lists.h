/* -p PATTERN/FLAGS and -c PATTERN/FLAGS: what is known of parts and programmers, as data. */
#ifndef CLI_DATA_LISTS_H
#define CLI_DATA_LISTS_H

#include <stdbool.h>
#include <stdio.h>

#include "ispflash/error.h"
#include "ispflash/part.h"

/* True for a value of -p or -c that asks for data: it has a slash with letters behind it, or it is
 * "*". */
bool data_list_is_asked(const char *value);

/* Prints to `out` those whose name, id or alias matches the pattern (*, ? and [...], case ignored).
 * Letters: s, S and A for entries of an avrdude.conf, short or with all that is known; t for lines
 * with tabs instead; d (parts) one line each; u (programmers) rules for udev. Others are explained
 * on `talk`. Nothing need match. */
MUST_USE enum status data_list_parts(FILE *out, FILE *talk, struct part_database *parts,
                                     const char *value, struct error *e);
MUST_USE enum status data_list_programmers(FILE *out, FILE *talk, const char *value,
                                           struct error *e);

#endif
