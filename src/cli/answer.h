/* With --json, what `-` would send to standard output is a value event instead. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>

#include "ispflash/context.h"
#include "ispflash/format.h"

struct output;

/* A file's content, on its way out. */
struct answer {
    const char *name;       /* of the value: a memory's, or "file" */
    enum format format;     /* raw bytes become numbers, all else text */
    const uint8_t *data;    /* the content */
    size_t size;            /* of it, in bytes */
    const uint8_t *numbers; /* the same as numbers, where the content is text; may be NULL */
    size_t number_count;
};

/* Completes `output`, which was opened for `file`. If that is "-" and `json` is not NULL, the
 * answer goes there as a value event, and nothing to standard output. */
MUST_USE enum status answer_commit(const struct answer *a, struct output *output, const char *file,
                                   struct context *json, struct error *e);

#endif
