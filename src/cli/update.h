/* The grammar of -U: MEM:OP:FILE[:FMT], or FILE[:FMT] which is flash:w:FILE:a. */
#ifndef CLI_UPDATE_H
#define CLI_UPDATE_H

#include <stdbool.h>

#include "ispflash/error.h"
#include "ispflash/format.h"
#include "ispflash/session.h"

struct update {
    char *memory; /* as typed */
    bool several; /* it is a list, or ALL */
    enum operation_kind kind;
    char *file; /* a path, "-", or the data itself when `format` is immediate; may be empty then */
    enum format format;
};

/* Takes MEM:OP only if the first two colons enclose exactly one character, and FMT only if a colon
 * and at least one character stand before it, so that C:/x.hex is a file. Memory names are not
 * checked: which part has which is not known here. STATUS_USAGE. On success the caller frees with
 * update_free(). */
MUST_USE enum status update_parse(const char *text, struct update *out, struct error *e);
void update_free(struct update *update);

#endif
