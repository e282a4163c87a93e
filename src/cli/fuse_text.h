/* Fuse and lock bytes as tables for a person. */
#ifndef CLI_FUSE_TEXT_H
#define CLI_FUSE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "ispflash/fuses.h"

/* Byte by byte, field by field, what is given of it; what would cut ISP off is marked. */
void fuse_text_set(FILE *out, const struct fuse_set *s);

/* "-U lfuse:w:0x62:m ...": the bytes that are wholly given, as one line. */
void fuse_text_options(FILE *out, const struct fuse_set *s);

/* The fields in which b differs from a, as "a -> b". True if there are any. */
bool fuse_text_difference(FILE *out, const struct fuse_set *a, const struct fuse_set *b);

/* The values of a field; a star marks the one that `present` (NULL: none) has. */
void fuse_text_choices(FILE *out, const struct fuse_field *f, const struct fuse_byte *present);

#endif
