/* A part's target on the tests' chip model. */
#include "target_bench.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

const char *const all_parts[PARTS] = {"m328p", "m32u4",     "m2560",     "t85",
                                      "m8",    "at90s8515", "at90s1200", "at89s52"};

void bench_ok(enum status status, const struct error *e, int line)
{
    if (status != STATUS_OK)
        fail_msg("line %d: %s: %s", line, error_status_name(status), e->text);
}

struct bench bench_new(const char *name, enum chip_rig_kind kind,
                       const struct avr_chip_options *options)
{
    struct bench b = {0};
    OK(part_database_open(&b.parts, &b.error));
    OK(part_find(b.parts, name, &b.part, &b.error));
    b.rig = chip_rig_new(name, kind, options);
    OK(target_open(&b.rig->programmer, b.part, &b.target, &b.error));
    return b;
}

struct bench bench_ready(const char *name, enum chip_rig_kind kind,
                         const struct avr_chip_options *options)
{
    struct bench b = bench_new(name, kind, options);
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_memory_equal(signature, b.part->signature, 3);
    return b;
}

void bench_free(struct bench *b)
{
    target_close(b->target);
    assert_true(chip_rig_released(b->rig));
    chip_rig_free(b->rig);
    part_database_close(b->parts);
}

uint8_t bench_pattern(uint32_t address)
{
    return (uint8_t)((address * 37 + (address >> 8) * 11 + (address >> 16) * 5) % 251);
}

struct image *bench_pattern_image(uint32_t address, uint32_t size)
{
    struct error e;
    struct image *image = image_new();
    assert_non_null(image);
    uint8_t *data = malloc(size);
    for (uint32_t i = 0; i < size; i++)
        data[i] = bench_pattern(address + i);
    assert_int_equal(image_put(image, address, data, size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    free(data);
    return image;
}

struct image *bench_blank_image(const struct memory *m)
{
    struct error e;
    struct image *image = image_new();
    uint8_t *data = malloc(m->size);
    memset(data, 0xff, m->size);
    assert_int_equal(image_put(image, m->base, data, m->size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    free(data);
    return image;
}

const uint8_t *bench_chip(const struct bench *b, enum avr_memory m)
{
    avr_chip_settle(b->rig->chip, b->rig->now_ns);
    return avr_chip_memory(b->rig->chip, m, NULL);
}

uint64_t bench_instructions(const struct bench *b, enum avr_op op)
{
    return avr_chip_stats(b->rig->chip)->instructions[op];
}

void bench_assert_clean(const struct bench *b)
{
    const struct avr_stats *s = avr_chip_stats(b->rig->chip);
    assert_int_equal(s->busy_violations, 0);
    assert_int_equal(s->undefined, 0);
    assert_int_equal(s->interrupted, 0);
    assert_int_equal(s->sck_violations, 0);
    assert_int_equal(bench_instructions(b, AVR_OP_UNKNOWN), 0);
}
