/* The STK500v1 driver on a board in simulated time. */
#include "stk500v1_bench.h"

#include <stdlib.h>
#include <string.h>

#include "drivers.h"
#include "stk500v1.h"
#include "support/test.h"

static const struct programmer_entry entry = {.id = "avrisp", .driver = "stk500v1"};

const struct fake_options uno = {.firmware = FAKE_SKETCH, .baud = 19200};

struct bench *bench_new(const struct fake_options *options, const char *chip)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->clock = fake_clock_new();
    b->record = record_new();
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    struct avr_chip_options chip_options = avr_chip_defaults();
    chip_options.busy = AVR_BUSY_LONGEST;
    b->chip = avr_chip_new(avr_chip_spec(chip), &chip_options);
    if (options->sck_hz > 200000) /* a chip that follows */
        avr_chip_memory(b->chip, AVR_FUSES, NULL)[0] = 0xff;
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    assert_int_equal(part_find(b->parts, chip, &b->part, &b->error), STATUS_OK);
    b->config = (struct programmer_config){.id = "avrisp"};
    b->programmer = (struct programmer){
        .driver = &stk500v1_driver,
        .entry = &entry,
        .config = &b->config,
        .context = &b->context,
        .part = b->part,
        .state = calloc(1, stk500v1_driver.state_size),
    };
    assert_non_null(b->programmer.state);
    (void)fake_board_begin(&b->board, options, &b->clock, &b->context, b->chip);
    b->board.cancel = &b->cancel;
    return b;
}

enum status bench_open(struct bench *b)
{
    const enum status status = stk500v1_adopt(&b->programmer, &b->board.base, &b->error);
    if (status != STATUS_OK)
        b->programmer.driver->close(&b->programmer);
    return status;
}

enum status bench_enter(struct bench *b)
{
    return programmer_enter(&b->programmer, &b->error);
}

struct bench *bench_ready(const struct fake_options *options, const char *chip)
{
    struct bench *b = bench_new(options, chip);
    if (bench_open(b) != STATUS_OK || bench_enter(b) != STATUS_OK)
        fail_msg("%s", b->error.text);
    return b;
}

void bench_free(struct bench *b)
{
    if (b->board.closed == 0)
        b->programmer.driver->close(&b->programmer);
    assert_int_equal(b->board.closed, 1);
    free(b->programmer.state);
    part_database_close(b->parts);
    avr_chip_free(b->chip);
    free(b);
}

static const struct memory *memory_of(const struct bench *b, enum memory_kind kind)
{
    return part_memory(b->part, kind);
}

void bench_fill(uint8_t *data, size_t size)
{
    uint32_t x = 0x12345678;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (uint8_t)(x >> 8);
    }
}

enum status bench_write_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size)
{
    const struct memory *m = memory_of(b, MEMORY_FLASH);
    context_begin(&b->context, STEP_WRITE, m, (uint32_t)size);
    const enum status status =
        b->programmer.driver->write(&b->programmer, m, address, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

enum status bench_read(struct bench *b, enum memory_kind kind, uint32_t address, uint8_t *data,
                       size_t size)
{
    const struct memory *m = memory_of(b, kind);
    context_begin(&b->context, STEP_READ, m, (uint32_t)size);
    const enum status status =
        b->programmer.driver->read(&b->programmer, m, address, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

size_t bench_eeprom_batch(struct isp_exchange *batch, const uint8_t *data, uint32_t address,
                          size_t pages)
{
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        for (uint8_t k = 0; k < 4; k++)
            batch[count++] = (struct isp_exchange){.mosi = {0xc1, 0, k, data[i * 4 + k]}};
        const uint32_t at = address + (uint32_t)i * 4;
        batch[count++] = (struct isp_exchange){.mosi = {0xc2, (uint8_t)(at >> 8), (uint8_t)at, 0},
                                               .wait_us = 20000,
                                               .wait_min_us = 3600,
                                               .ready_poll = true};
    }
    return count;
}

uint64_t bench_write_eeprom(struct bench *b, const uint8_t *data, size_t size)
{
    enum { PAGES = 51 };
    struct isp_exchange batch[PAGES * 5];
    const uint64_t begin = b->clock.now_us;
    for (size_t done = 0; done < size; done += PAGES * 4) {
        const size_t pages = (size - done) / 4 < PAGES ? (size - done) / 4 : PAGES;
        const size_t count = bench_eeprom_batch(batch, data + done, (uint32_t)done, pages);
        if (programmer_exchange(&b->programmer, batch, count, &b->error) != STATUS_OK)
            fail_msg("%s", b->error.text);
    }
    return b->clock.now_us - begin;
}

void bench_assert_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size)
{
    size_t flash_size = 0;
    b->board.chip_ns += 100 * AVR_MS;
    avr_chip_settle(b->chip, b->board.chip_ns);
    const uint8_t *flash = avr_chip_memory(b->chip, AVR_FLASH, &flash_size);
    assert_true(address + size <= flash_size);
    assert_memory_equal(flash + address, data, size);
}

void bench_assert_clean(const struct bench *b)
{
    const struct avr_stats *stats = avr_chip_stats(b->chip);
    assert_int_equal(b->board.overflows, 0);
    assert_int_equal(b->board.unknown, 0);
    assert_int_equal(b->board.nosync, 0);
    assert_int_equal(b->board.set_parameter, 0);
    assert_int_equal(stats->busy_violations, 0);
    assert_int_equal(stats->undefined, 0);
    assert_int_equal(stats->interrupted, 0);
}

bool bench_logged(const struct bench *b, const char *text)
{
    return strstr(b->record.log, text) != NULL;
}
