/* What is written is read back the same: random images in every format that can be written. */
#include <stdlib.h>
#include <string.h>

#include "reading.h"
#include "support/random.h"

static const struct memory big = {.name = "flash", .kind = MEMORY_FLASH, .size = 0x40000};
static const struct memory high = {
    .name = "flash", .kind = MEMORY_FLASH, .base = 0x8000000, .size = 0x20000};

static void put_random(struct image *image, uint32_t address, uint32_t size,
                       struct test_random *random)
{
    uint8_t data[300];
    struct error e = {0};
    for (uint32_t i = 0; i < size; i++)
        data[i] = (uint8_t)random_next(random);
    assert_int_equal(image_put(image, address, data, size, IMAGE_OVERLAP_REPLACE, NULL, &e), 0);
}

/* Extents all over the memory, and some that touch its ends and the borders of 64 KiB. */
static struct image *sparse_image(const struct memory *memory, struct test_random *random)
{
    struct image *image = image_new();
    assert_non_null(image);
    for (uint32_t count = random_below(random, 12); count > 0; count--) {
        const uint32_t size = 1 + random_below(random, 300);
        uint32_t offset = random_below(random, memory->size - size);
        if (random_below(random, 4) == 0)
            offset = memory->size - size;
        else if (random_below(random, 4) == 0)
            offset = 0x10000 - random_below(random, size + 1);
        put_random(image, memory->base + offset, size, random);
    }
    return image;
}

static struct reading write_and_read(enum format format, const struct image *image,
                                     const struct memory *memory)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(format_write(format, image, memory, &data, &size, &e), STATUS_OK);
    const struct format_input in = {
        .name = "again", .data = data, .size = size, .format = format, .memory = memory};
    struct reading r = read_bytes(&in);
    free(data);
    assert_string_equal(r.error.text, "");
    assert_int_equal(r.status, STATUS_OK);
    return r;
}

static void formats_with_addresses_keep_bytes_and_holes(void **state)
{
    (void)state;
    static const enum format formats[] = {FORMAT_IHEX, FORMAT_IHEX_COMMENTS, FORMAT_SREC};
    struct test_random random = {.state = 1};
    for (int round = 0; round < 200; round++) {
        const struct memory *memory = round % 2 == 0 ? &big : &high;
        struct image *image = sparse_image(memory, &random);
        for (size_t i = 0; i < 3; i++) {
            struct reading r = write_and_read(formats[i], image, memory);
            assert_true(image_equal(r.image, image));
            assert_null(strstr(r.told, "warning"));
            reading_free(&r);
        }
        image_free(image);
    }
}

static void raw_keeps_bytes_and_turns_holes_into_ff(void **state)
{
    (void)state;
    struct test_random random = {.state = 2};
    for (int round = 0; round < 50; round++) {
        const struct memory *memory = round % 2 == 0 ? &big : &high;
        struct image *image = sparse_image(memory, &random);
        struct reading r = write_and_read(FORMAT_RAW, image, memory);
        assert_int_equal(image_end(r.image), image_end(image));
        static uint8_t wanted[0x40000], found[0x40000];
        const size_t size = image_empty(image) ? 0 : (size_t)(image_end(image) - memory->base);
        (void)image_copy(image, memory->base, wanted, size, 0xff);
        assert_int_equal(image_copy(r.image, memory->base, found, size, 0), size);
        assert_memory_equal(found, wanted, size);
        reading_free(&r);
        image_free(image);
    }
}

static void number_lists_keep_every_value(void **state)
{
    (void)state;
    static const enum format formats[] = {FORMAT_HEX, FORMAT_DECIMAL, FORMAT_OCTAL, FORMAT_BINARY,
                                          FORMAT_ROMAN};
    struct image *image = image_new();
    struct error e = {0};
    uint8_t all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(image_put(image, 0, all, sizeof all, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct reading r = write_and_read(formats[i], image, &big);
        assert_true(image_equal(r.image, image));
        reading_free(&r);
    }
    image_free(image);
}

static void what_is_written_is_detected_again(void **state)
{
    (void)state;
    static const enum format formats[] = {FORMAT_IHEX,    FORMAT_SREC, FORMAT_RAW,
                                          FORMAT_DECIMAL, FORMAT_HEX,  FORMAT_BINARY};
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(
        image_put(image, 0, (const uint8_t *)"\x0c\x94\x00\xff", 4, IMAGE_OVERLAP_SAME, NULL, &e),
        0);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        enum format found = FORMAT_AUTO;
        assert_int_equal(format_write(formats[i], image, &big, &data, &size, &e), STATUS_OK);
        const struct format_input in = {.name = "again", .data = data, .size = size};
        assert_int_equal(format_detect(&in, &found, &e), STATUS_OK);
        assert_int_equal(found, formats[i]);
        free(data);
    }
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_with_addresses_keep_bytes_and_holes),
        cmocka_unit_test(raw_keeps_bytes_and_turns_holes_into_ff),
        cmocka_unit_test(number_lists_keep_every_value),
        cmocka_unit_test(what_is_written_is_detected_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
