/* A part's target on the tests' chip model. */
#ifndef TARGET_TARGET_BENCH_H
#define TARGET_TARGET_BENCH_H

#include "support/chip_driver.h"
#include "target/target.h"

struct bench {
    struct part_database *parts;
    struct chip_rig *rig;
    const struct part *part;
    struct target *target;
    struct error error;
};

#define OK(call) bench_ok((call), &b.error, __LINE__)

/* Fails the test, with the error, unless the status is STATUS_OK. */
void bench_ok(enum status status, const struct error *e, int line);

/* Nothing is sent yet; `name` is the chip that is there and that of -p. */
struct bench bench_new(const char *name, enum chip_rig_kind kind,
                       const struct avr_chip_options *options);
/* In programming mode, signature read, on a chip that answers. */
struct bench bench_ready(const char *name, enum chip_rig_kind kind,
                         const struct avr_chip_options *options);
void bench_free(struct bench *b); /* asserts that RESET is released */

/* Bytes that differ from their neighbours and between pages and segments; never 0xff. */
uint8_t bench_pattern(uint32_t address);
/* The caller frees them. */
struct image *bench_pattern_image(uint32_t address, uint32_t size);
struct image *bench_blank_image(const struct memory *m);

/* The chip's own bytes, finished. */
const uint8_t *bench_chip(const struct bench *b, enum avr_memory m);
uint64_t bench_instructions(const struct bench *b, enum avr_op op);
/* Nothing the data sheet forbids or leaves open. */
void bench_assert_clean(const struct bench *b);

/* One of each kind; the last has no EEPROM. */
enum { PARTS = 8 };
extern const char *const all_parts[PARTS];

#endif
