/* A stretch of a memory as the terminal's commands name it: by an address and a length, both of
 * which may be counted from the memory's end. */
#ifndef CLI_TERMINAL_RANGE_H
#define CLI_TERMINAL_RANGE_H

#include "ispflash/error.h"
#include "ispflash/part.h"

/* Offsets from the memory's first byte. */
struct range {
    uint32_t start, size; /* size 0: nothing */
};

/* What happens to a stretch that runs over the memory's end. */
enum range_end {
    RANGE_WRAPS, /* goes on at its beginning, once around at most: reading */
    RANGE_STOPS  /* STATUS_USAGE: writing */
};

/* A negative address counts from behind the end: -1 is the last byte. */
MUST_USE enum status range_address(const struct memory *m, const char *text, uint32_t *address,
                                   struct error *e);

/* A negative length leads to that far before the end: -1 to the last byte. */
MUST_USE enum status range_parse(const struct memory *m, const char *address, const char *length,
                                 enum range_end end, struct range *out, struct error *e);

#endif
