/* The lists behind -c ?, -c ?type, -p ?, -P ?s and -x help. */
#ifndef CLI_LISTS_H
#define CLI_LISTS_H

#include <stdio.h>

#include "ispflash/error.h"
#include "ispflash/part.h"

MUST_USE enum status list_programmers(FILE *out, struct error *e);
/* The drivers behind them, with the ids of each. */
MUST_USE enum status list_kinds(FILE *out, struct error *e);
void list_parts(FILE *out, const struct part_database *parts);
void list_ports(FILE *out);
/* What -x takes with programmer `id`. */
MUST_USE enum status list_extended(FILE *out, const char *id, struct error *e);

/* The same for programs. */
MUST_USE enum status list_programmers_json(FILE *out, struct error *e);
MUST_USE enum status list_extended_json(FILE *out, const char *id, struct error *e);
void list_parts_json(FILE *out, const struct part_database *parts);
void list_ports_json(FILE *out);

#endif
