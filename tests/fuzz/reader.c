/* One reader under arbitrary bytes, in the shape of libFuzzer. FUZZ_FORMAT is the letter of -U.
 * Whatever the bytes: the reader ends, and in an image within the memory that survives writing and
 * reading, or in an error that says something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

static void require_same_after_writing(const struct image *image, enum format format,
                                       const struct memory *memory, struct context *c)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    require(format_write(format, image, memory, &data, &size, &e) == STATUS_OK, e.text);
    const struct format_input again = {
        .name = "again", .data = data, .size = size, .format = format, .memory = memory};
    struct format_result result = {0};
    require(format_read(&again, c, &result, &e) == STATUS_OK, e.text);
    require(image_equal(image, result.image), "another image after writing and reading");
    image_free(result.image);
    free(data);
}

static void read_once(const uint8_t *data, size_t size, const struct memory *memory, unsigned allow)
{
    const struct format_input in = {.name = "fuzz",
                                    .data = data,
                                    .size = size,
                                    .format = (enum format)FUZZ_FORMAT,
                                    .memory = memory,
                                    .allow = allow};
    struct context c;
    struct error e = {0};
    struct format_result result = {0};
    context_init(&c, clock_system(), NULL, NULL);
    const enum status status = format_read(&in, &c, &result, &e);
    if (status != STATUS_OK) {
        require(result.image == NULL, "an image although it failed");
        require(status == e.code && e.text[0] != '\0', "an error without a word");
        require(status == STATUS_INPUT || status == STATUS_UNSUPPORTED, "an odd status");
        return;
    }
    require(result.image != NULL, "success without an image");
    require(result.format != FORMAT_AUTO, "success without a format");
    if (memory != NULL && !image_empty(result.image)) {
        require(image_low(result.image) >= memory->base, "data before the memory");
        require(image_end(result.image) <= (uint64_t)memory->base + memory->size,
                "data beyond the memory");
        require_same_after_writing(result.image, FORMAT_IHEX, memory, &c);
        require_same_after_writing(result.image, FORMAT_SREC, memory, &c);
    }
    image_free(result.image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct memory flash = {.name = "flash", .kind = MEMORY_FLASH, .size = 0x20000};
    static const struct memory hfuse = {.name = "hfuse", .kind = MEMORY_FUSE, .size = 1};
    static const struct memory high = {
        .name = "flash", .kind = MEMORY_FLASH, .base = 0x8000000, .size = 0x10000};
    const unsigned all = FORMAT_ALLOW_NO_END | FORMAT_ALLOW_DATA_AFTER_END | FORMAT_ALLOW_OVERLAP;
    read_once(data, size, NULL, 0);
    read_once(data, size, NULL, all);
    read_once(data, size, &flash, 0);
    read_once(data, size, &flash, all);
    read_once(data, size, &hfuse, all);
    read_once(data, size, &high, all);
    return 0;
}
