/* Sentences on a screen. */
#ifndef CLI_WRAPPED_H
#define CLI_WRAPPED_H

#include <stddef.h>
#include <stdio.h>

/* Writes `text` from column `indent`, where the line stands, broken at blanks before `width` and
 * indented to the same column; ends the line. */
void put_wrapped(FILE *out, const char *text, size_t indent, size_t width);

#endif
