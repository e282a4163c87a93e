/* Data as people type it: numbers, characters and strings, each as the bytes it stands for. */
#ifndef CORE_LITERAL_H
#define CORE_LITERAL_H

#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"

enum literal_kind { LITERAL_NONE, LITERAL_NUMBER, LITERAL_CHARACTER, LITERAL_STRING };

struct literal {
    enum literal_kind kind; /* LITERAL_NONE: the text is something else */
    uint8_t *bytes;         /* owned */
    size_t size;
};

/* Reads one word; numbers have their low byte first:
 *     12 -1 0x2a 012 0b11 10U 7LL    whole numbers, see core/integer.h
 *     1.5 2e3F 3.14D 0xA.8p2         floating point, 4 bytes, with D 8
 *     'c' '\n'                       a character
 *     "text\n"                       a string, with a zero behind it
 * STATUS_USAGE for one of these that is wrong. Freed by literal_free(). */
MUST_USE enum status literal_parse(const char *word, struct literal *out, struct error *e);
void literal_free(struct literal *literal);

#endif
