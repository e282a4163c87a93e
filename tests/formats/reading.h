/* One file read in a test: the result or the error, and what was told on the way. */
#ifndef TESTS_FORMATS_READING_H
#define TESTS_FORMATS_READING_H

#include "ispflash/format.h"
#include "support/test.h"

struct reading {
    struct sink sink; /* first: the sink's self is the reading */
    enum status status;
    struct error error;
    struct image *image; /* NULL unless status is STATUS_OK */
    enum format format;
    char told[1024]; /* notes and warnings: "note: text\n" */
};

/* Memories of an ATmega328P, as far as formats look at them. */
extern const struct memory test_flash, test_eeprom, test_lfuse, test_hfuse, test_lock;

/* Reads `text` as the file "file.hex". */
struct reading read_text(enum format format, const char *text, const struct memory *memory);
struct reading read_bytes(const struct format_input *in);
void reading_free(struct reading *r);

/* The image is exactly these bytes from `address` on. */
void assert_image(const struct reading *r, uint32_t address, const char *bytes, size_t size);
void assert_input_error(const struct reading *r, const char *text);

#endif
