/* What the writers share: a buffer that grows and remembers whether memory ran out. */
#ifndef FORMATS_WRITER_H
#define FORMATS_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/format.h"

struct buffer {
    uint8_t *data; /* malloc'd */
    size_t size, capacity;
    bool failed; /* out of memory: nothing more is added */
};

void buffer_append(struct buffer *b, const void *data, size_t size);
void buffer_fill(struct buffer *b, uint8_t value, size_t size);
void buffer_print(struct buffer *b, const char *format, ...) PRINTF(2, 3); /* short texts */

/* Where memories begin in a file, for its comments. */
struct memory_label {
    uint32_t address;
    const char *name;
};

struct memory_labels {
    const struct memory_label *items;
    size_t count;
};

/* The writers; `base` is where the memory begins. `labels` NULL: no comments. */
void ihex_write(const struct image *image, const struct memory_labels *labels, struct buffer *b);
void srec_write(const struct image *image, struct buffer *b);
MUST_USE enum status raw_write(const struct image *image, uint32_t base, struct buffer *b,
                               struct error *e);
MUST_USE enum status numbers_write(enum format format, const struct image *image, uint32_t base,
                                   struct buffer *b, struct error *e);

#endif
