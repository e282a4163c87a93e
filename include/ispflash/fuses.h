/* Fuse and lock bytes by the names of their fields: from "BODLEVEL=2V7" to bits and back. Pure;
 * nothing here touches a chip. */
#ifndef ISPFLASH_FUSES_H
#define ISPFLASH_FUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "part.h"

enum { FUSE_BYTES_MAX = 12, FUSE_TEXT_SIZE = 96 };

/* One fuse or lock byte, as far as it is known or wanted. */
struct fuse_byte {
    const struct memory *memory;
    uint8_t value; /* bits that are not given are 1 */
    uint8_t given; /* which bits are known or wanted: 0xff after a whole byte */
};

/* The fuse and lock bytes of a part, in its order. */
struct fuse_set {
    const struct part *part;
    struct fuse_byte bytes[FUSE_BYTES_MAX];
    size_t count;
};

/* All bytes of `part`, nothing of them given. The part outlives the set. */
void fuse_set_init(struct fuse_set *s, const struct part *part);
/* The byte of that memory; NULL if it is none of the part's fuse and lock bytes. */
struct fuse_byte *fuse_set_find(struct fuse_set *s, const struct memory *m);
/* Gives whole bytes what the factory gives them, where that is known. */
void fuse_set_factory(struct fuse_set *s);
bool fuse_set_empty(const struct fuse_set *s); /* nothing is given */

/* Takes in one wish:
 *     lfuse=0x5e           a whole byte
 *     BODLEVEL=2V7         a field, by the name or number of one of its values
 *     hfuse.EESAVE=0       the same, where several bytes have such a field
 *     CKDIV8=off           a flag: 0 or programmed, 1 or unprogrammed, on and off for what its
 *                          caption says
 *     CKSEL=2 SUT=2        the parts of SUT_CKSEL
 * Case does not count; avrdude's names (eesave=ee_erased, bodlevel=bod_2v7) and the unique
 * beginning of a name will do. STATUS_USAGE, with the nearest names, for what is unknown, does not
 * fit, or contradicts what was given before. */
MUST_USE enum status fuse_set_assign(struct fuse_set *s, const char *text, struct error *e);

/* `base` takes over the bits that `wish` has given. Both are of one part. */
void fuse_set_apply(const struct fuse_set *wish, struct fuse_set *base);

/* True if both give this byte something else in bits that exist and that both give. */
bool fuse_byte_differs(const struct fuse_byte *a, const struct fuse_byte *b);

/* --- fields ----------------------------------------------------------------------------------- */

/* A name for some bits of a byte: a field of the part file, or the SUT or CKSEL in SUT_CKSEL. */
struct fuse_field {
    const struct memory *memory;
    const struct field *field;
    uint8_t mask; /* in place; field->mask unless it is only a part of the field */
    char name[24];
};

/* By name, as in fuse_set_assign(). STATUS_USAGE with the nearest names. */
MUST_USE enum status fuse_field_find(const struct part *part, const char *name,
                                     struct fuse_field *out, struct error *e);

/* Value `value` (right-aligned) of a field: the name that fuse_set_assign() takes; a number where
 * the value has no name, or one that is not its alone. Returns `out`. */
const char *fuse_value_name(const struct field *field, uint8_t value, char out[FUSE_TEXT_SIZE]);
/* What it means: a caption, "yes" or "no" for a flag, "reserved". */
const char *fuse_value_meaning(const struct field *field, uint8_t value);
/* avrdude's name for it; "" where none is known. Returns `out`. */
const char *fuse_value_alias(const struct field *field, uint8_t value, char out[FUSE_TEXT_SIZE]);

/* How many values the field can hold, and the one of that index, right-aligned and ascending: those
 * that are named, or 0 and 1. */
size_t fuse_value_count(const struct field *field);
uint8_t fuse_value_at(const struct field *field, size_t index);

/* --- a small text file ------------------------------------------------------------------------ */

/* Lines `name = value` as for fuse_set_assign(), `part = NAME` before them, and # comments. `part`
 * is the one the file must be for; NULL: the file has to name it. STATUS_INPUT names the line. */
MUST_USE enum status fuse_file_read(const char *name, const uint8_t *data, size_t size,
                                    struct part_database *parts, const struct part *part,
                                    struct fuse_set *out, struct error *e);
/* The same, with what each field says as comments. *text is malloc'd. */
MUST_USE enum status fuse_file_write(const struct fuse_set *s, char **text, size_t *size,
                                     struct error *e);

#endif
