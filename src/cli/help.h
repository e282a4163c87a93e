/* What -h, --help, --version and `ispflash help TOPIC` print. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdbool.h>
#include <stdio.h>

#include "ispflash/error.h"

void help_short(FILE *out, const char *program);
void help_all(FILE *out, const char *program);
/* One line; `details`: also the drivers and the compiler. */
MUST_USE enum status help_version(FILE *out, bool details, struct error *e);
/* STATUS_USAGE with the topics there are. */
MUST_USE enum status help_topic(FILE *out, const char *topic, struct error *e);

/* The topics there are; NULL beyond the last. */
const char *help_topic_name(size_t index);

#endif
