/* The STK500v1 driver on a board in simulated time, with the chip model on its pins. */
#ifndef PROGRAMMERS_STK500V1_BENCH_H
#define PROGRAMMERS_STK500V1_BENCH_H

#include "fake_board.h"
#include "programmer/programmer.h"

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct programmer_config config;
    struct programmer programmer;
    struct avr_chip *chip;
    struct fake_board board;
    struct part_database *parts;
    const struct part *part;
    struct error error;
};

/* The ArduinoISP sketch as most have it. */
extern const struct fake_options uno;

/* Nothing is opened yet; `chip` is what is there and what -p names. */
struct bench *bench_new(const struct fake_options *options, const char *chip);
enum status bench_open(struct bench *b);
enum status bench_enter(struct bench *b);
/* Opened and in programming mode. */
struct bench *bench_ready(const struct fake_options *options, const char *chip);
void bench_free(struct bench *b); /* closes what is open; insists on that */

/* Reproducible bytes without structure. */
void bench_fill(uint8_t *data, size_t size);

/* Ranges, as steps of a job. */
enum status bench_write_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size);
enum status bench_read(struct bench *b, enum memory_kind kind, uint32_t address, uint8_t *data,
                       size_t size);
/* EEPROM pages as the target layer composes them: five instructions a page of four bytes. */
size_t bench_eeprom_batch(struct isp_exchange *batch, const uint8_t *data, uint32_t address,
                          size_t pages);
/* Microseconds it took. */
uint64_t bench_write_eeprom(struct bench *b, const uint8_t *data, size_t size);

void bench_assert_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size);
/* Nothing the sketch would not understand was sent, no byte lost, the chip never disturbed. */
void bench_assert_clean(const struct bench *b);
bool bench_logged(const struct bench *b, const char *text);

#endif
