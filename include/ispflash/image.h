/* Sparse memory images. A hole is not 0xff: it says nothing about the memory there. Addresses are
 * byte addresses of one memory (or, for a file with several, of the GNU address map). */
#ifndef ISPFLASH_IMAGE_H
#define ISPFLASH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct image;
struct memory;

/* A run of bytes without a hole; `data` is borrowed until the image changes. */
struct extent {
    uint32_t address;
    uint32_t size; /* never 0 */
    const uint8_t *data;
};

/* One memory's content, by its own addresses (memory->base on); both are borrowed. */
struct memory_image {
    const struct memory *memory;
    const struct image *image;
};

/* NULL when memory is exhausted. */
struct image *image_new(void);
void image_free(struct image *image); /* takes NULL */

/* How image_put treats bytes that are already there. */
enum image_overlap {
    IMAGE_OVERLAP_SAME, /* equal bytes are fine, different ones are STATUS_INPUT */
    IMAGE_OVERLAP_REPLACE
};

/* Copies `size` bytes to `address`. address + size must not exceed 2^32. On a conflict the error
 * names the address, nothing is stored, and `*conflict` (may be NULL) receives the address. */
MUST_USE enum status image_put(struct image *image, uint32_t address, const uint8_t *data,
                               size_t size, enum image_overlap overlap, uint32_t *conflict,
                               struct error *e);

/* Adds all of `from`, IMAGE_OVERLAP_SAME. */
MUST_USE enum status image_merge(struct image *into, const struct image *from, struct error *e);

bool image_empty(const struct image *image);
uint32_t image_bytes(const struct image *image); /* how many are present */
uint32_t image_low(const struct image *image);   /* lowest present address; 0 if empty */
uint64_t image_end(const struct image *image);   /* one past the highest; 0 if empty */

/* The first extent that reaches `from` or beyond, cut to begin at or after it. False: none. */
bool image_next(const struct image *image, uint64_t from, struct extent *extent);

/* True if the byte is present; `value` may be NULL. */
bool image_get(const struct image *image, uint32_t address, uint8_t *value);

/* Copies [address, address + size) into `data`, holes as `fill`. Returns how many were present. */
size_t image_copy(const struct image *image, uint32_t address, uint8_t *data, size_t size,
                  uint8_t fill);

/* True if both hold the same bytes at the same addresses. */
bool image_equal(const struct image *a, const struct image *b);

/* Forgets all bytes at and beyond `end`. */
void image_truncate(struct image *image, uint64_t end);

#endif
