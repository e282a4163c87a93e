/* A simulated chip on a bench, for tests: instructions as four bytes, time in microseconds. */
#ifndef PROGRAMMERS_CHIP_BENCH_H
#define PROGRAMMERS_CHIP_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "ispflash/part.h"
#include "simulator_chip.h"
#include "support/test.h"

struct bench {
    struct part_database *parts;
    const struct part *part;
    struct chip *chip;
    uint64_t now_ns;
    uint32_t sck_hz;
    uint8_t miso[4]; /* of the last instruction */
};

static inline void bench_place(struct bench *b, const char *name,
                               const struct chip_options *options)
{
    const struct chip_options usual = {.crystal_hz = 8000000};
    struct error e = {0};
    chip_free(b->chip);
    assert_int_equal(part_find(b->parts, name, &b->part, &e), STATUS_OK);
    b->chip = chip_new(b->part, options != NULL ? options : &usual);
    assert_non_null(b->chip);
    b->now_ns = 0;
    b->sck_hz = 100000;
}

static inline void bench_wait_us(struct bench *b, uint64_t us)
{
    b->now_ns += us * 1000;
}

/* Returns the fourth answer byte. */
static inline uint8_t bench_send(struct bench *b, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
    const uint8_t mosi[4] = {b0, b1, b2, b3};
    b->now_ns += UINT64_C(32000000000) / b->sck_hz;
    chip_exchange(b->chip, mosi, b->miso, 0xff, b->sck_hz, b->now_ns);
    return b->miso[3];
}

static inline void bench_reset(struct bench *b)
{
    chip_reset(b->chip, false, b->now_ns);
    bench_wait_us(b, 100);
    chip_reset(b->chip, true, b->now_ns);
    bench_wait_us(b, 25000);
}

static inline void bench_leave(struct bench *b)
{
    chip_reset(b->chip, false, b->now_ns);
    bench_wait_us(b, 1000);
}

/* RESET and Programming Enable; true if the chip answers as its data sheet says. */
static inline bool bench_enter(struct bench *b)
{
    bench_reset(b);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    return b->miso[b->part->enable_reply_byte & 3] == b->part->enable_reply_value;
}

static inline const struct memory *bench_memory(const struct bench *b, const char *name,
                                                size_t *index)
{
    for (size_t i = 0; i < b->part->memory_count; i++) {
        if (strcmp(b->part->memories[i].name, name) == 0) {
            *index = i;
            return &b->part->memories[i];
        }
    }
    fail_msg("%s has no %s", b->part->name, name);
    return NULL;
}

static inline uint8_t *bench_bytes(struct bench *b, const char *name)
{
    size_t index = 0;
    (void)bench_memory(b, name, &index);
    (void)chip_busy(b->chip, b->now_ns);
    return chip_bytes(b->chip, index);
}

/* Into the page buffer. */
static inline void load_word(struct bench *b, uint8_t word, uint8_t low, uint8_t high)
{
    (void)bench_send(b, 0x40, 0, word, low);
    (void)bench_send(b, 0x48, 0, word, high);
}

/* Write Page, and the time it takes. */
static inline void commit(struct bench *b, uint16_t word_address)
{
    (void)bench_send(b, 0x4c, (uint8_t)(word_address >> 8), (uint8_t)word_address, 0);
    bench_wait_us(b, 5000);
}

/* At a byte address. */
static inline uint8_t read_flash(struct bench *b, uint32_t address)
{
    return bench_send(b, (address & 1) != 0 ? 0x28 : 0x20, (uint8_t)(address >> 9),
                      (uint8_t)(address >> 1), 0);
}

/* Chip Erase, and the time it takes. */
static inline void erase(struct bench *b)
{
    (void)bench_send(b, 0xac, 0x80, 0, 0);
    bench_wait_us(b, b->part->erase_us);
}

static inline int bench_setup(void **state)
{
    static struct bench bench;
    struct error e = {0};
    bench = (struct bench){.parts = NULL};
    *state = &bench;
    return part_database_open(&bench.parts, &e) == STATUS_OK ? 0 : -1;
}

static inline int bench_teardown(void **state)
{
    struct bench *b = *state;
    chip_free(b->chip);
    part_database_close(b->parts);
    return 0;
}

#endif
