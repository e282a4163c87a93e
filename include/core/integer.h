/* Whole numbers as C writes them, with the suffixes that tell how many bytes they take. */
#ifndef CORE_INTEGER_H
#define CORE_INTEGER_H

#include <stdbool.h>
#include <stdint.h>

#include "ispflash/error.h"

enum integer_text {
    INTEGER_NONE,   /* the text is something else */
    INTEGER_FOUND,  /* *bytes and *size are set */
    INTEGER_TOO_BIG /* for its suffix, or for eight bytes */
};

/* Decimal, 0x, 0b and leading 0 (octal), with a sign; behind it U (unsigned) and one of HH, H or S,
 * L, LL for 1, 2, 4 and 8 bytes, case ignored. Without such a size: 0x and 0b take the 1, 2, 4 or 8
 * bytes that their digits, leading zeros included, could fill; others the fewest that hold the
 * value, as a signed number or as an unsigned one. `bytes` are low byte first. */
enum integer_text integer_parse(const char *text, uint8_t bytes[8], unsigned *size);

/* A number, such as an address, between two bounds; `what` names it. STATUS_USAGE. */
MUST_USE enum status integer_between(const char *text, const char *what, int64_t low, int64_t high,
                                     int64_t *value, struct error *e);

#endif
