/* The STK500v1 driver at work: single instructions, EEPROM pages, ranges of flash, and how long
 * they take. */
#include "support/test.h"

#include "stk500v1.h"
#include "stk500v1_bench.h"

/* --- instructions --------------------------------------------------------------------------- */

static void signature_and_fuses_take_one_turn_around(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0x30, 0, 0, 0}}, {.mosi = {0x30, 0, 1, 0}}, {.mosi = {0x30, 0, 2, 0}},
        {.mosi = {0x50, 0, 0, 0}}, {.mosi = {0x58, 8, 0, 0}}, {.mosi = {0x50, 8, 0, 0}},
        {.mosi = {0x58, 0, 0, 0}},
    };
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, batch, 7, &b->error), STATUS_OK);
    assert_int_equal(batch[0].miso[3], 0x1e);
    assert_int_equal(batch[1].miso[3], 0x95);
    assert_int_equal(batch[2].miso[3], 0x0f);
    assert_int_equal(batch[3].miso[3], 0x62);
    assert_int_equal(batch[4].miso[3], 0xd9);
    /* 42 bytes out, the last answer of 3 in, one latency: 28 ms at most; singly it would be 58. */
    assert_true(b->clock.now_us - begin < 29000);
    bench_assert_clean(b);
    bench_free(b);
}

static void fuse_write_waits_before_the_next_instruction(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xac, 0xa8, 0, 0xde}, .wait_us = 4500, .ready_poll = true},
        {.mosi = {0xac, 0xa4, 0, 0xfd}, .wait_us = 4500, .ready_poll = true},
        {.mosi = {0x58, 0x08, 0, 0}},
        {.mosi = {0x50, 0x08, 0, 0}},
    };
    assert_int_equal(programmer_exchange(&b->programmer, batch, 4, &b->error), STATUS_OK);
    assert_int_equal(batch[2].miso[3], 0xde);
    assert_int_equal(batch[3].miso[3] & 7, 0x05);
    assert_true(b->board.ahead_max <= 24); /* fuse writes stand alone: SET_DEVICE was the longest */
    bench_assert_clean(b);
    bench_free(b);
}

static void long_waits_are_cut_short_by_polling(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange erase = {
        .mosi = {0xac, 0x80, 0, 0}, .wait_us = 90000, .wait_min_us = 5000, .ready_poll = true};
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, &erase, 1, &b->error), STATUS_OK);
    assert_true(b->clock.now_us - begin < 40000);
    assert_false(avr_chip_busy(b->chip, b->clock.now_us * AVR_US));
    bench_assert_clean(b);
    bench_free(b);
}

static void eeprom_pages_follow_each_other_without_disturbing_the_chip(void **state)
{
    (void)state;
    static const struct {
        struct fake_options board;
        uint32_t us_a_byte;
    } cases[] = {
        {{.firmware = FAKE_SKETCH, .baud = 19200}, 5900},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .latency_us = 16000}, 6600},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .sck_hz = 10000},
         9000}, /* slower than the wire */
        {{.firmware = FAKE_SKETCH, .baud = 57600}, 3500},
        {{.firmware = FAKE_SKETCH, .baud = 115200}, 3500},
        {{.firmware = FAKE_SKETCH, .baud = 1000000, .sck_hz = 2000000},
         3500},                                                          /* the host must wait */
        {{.firmware = FAKE_SKETCH, .baud = 0, .latency_us = 500}, 3500}, /* native USB */
        {{.firmware = FAKE_SKETCH, .baud = 0, .latency_us = 20000}, 12500},
    };
    uint8_t data[1024];
    bench_fill(data, sizeof data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_ready(&cases[i].board, "m328p");
        const uint64_t took_us = bench_write_eeprom(b, data, sizeof data);
        uint8_t back[sizeof data];
        assert_int_equal(bench_read(b, MEMORY_EEPROM, 0, back, sizeof back), STATUS_OK);
        assert_memory_equal(back, data, sizeof data);
        if (took_us > sizeof data * (uint64_t)cases[i].us_a_byte)
            fail_msg("case %zu: %u us a byte", i, (unsigned)(took_us / sizeof data));
        const struct avr_stats *stats = avr_chip_stats(b->chip);
        if (stats->busy_violations != 0)
            fail_msg("case %zu: %u violations", i, (unsigned)stats->busy_violations);
        assert_int_equal(b->board.overflows, 0);
        bench_free(b);
    }
}

/* A chip slower than its data sheet: the last poll before the next page shows it. */
static void unproven_wait_is_made_good(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    enum { PAGES = 51 };
    struct isp_exchange batch[PAGES * 5];
    uint8_t data[PAGES * 4];
    uint8_t back[sizeof data];
    bench_fill(data, sizeof data);
    const size_t count = bench_eeprom_batch(batch, data, 0, PAGES);
    for (size_t i = 0; i < count; i++)
        if (batch[i].wait_us > 0)
            batch[i].wait_min_us = 500; /* the chip takes 3.6 ms */
    assert_int_equal(programmer_exchange(&b->programmer, batch, count, &b->error), STATUS_OK);
    assert_true(bench_logged(b, "note: the chip takes longer than its data sheet says"));
    assert_int_equal(bench_read(b, MEMORY_EEPROM, 0, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    bench_free(b);
}

/* --- flash ---------------------------------------------------------------------------------- */

/* What wire and firmware need at least: of each block all but the 63 bytes sent ahead must still
 * travel once the block before it is done; then the sketch works on it. */
static uint64_t write_bound_us(size_t pages, uint64_t busy_us)
{
    const uint64_t byte_us = 10000000u / 19200u;
    return pages * ((133 - 63) * byte_us + busy_us);
}

static void writing_and_reading_32_kib_comes_close_to_the_bound_of_wire_and_firmware(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    static uint8_t data[32768];
    static uint8_t back[sizeof data];
    bench_fill(data, sizeof data);
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_write_flash(b, 0, data, sizeof data), STATUS_OK);
    const uint64_t write_us = b->clock.now_us - begin;
    assert_int_equal(b->record.progress, sizeof data);
    bench_assert_flash(b, 0, data, sizeof data);
    assert_int_equal(b->board.ahead_max, STK_RING);
    const uint64_t middle = b->clock.now_us;
    assert_int_equal(bench_read(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
    const uint64_t read_us = b->clock.now_us - middle;
    assert_memory_equal(back, data, sizeof data);
    bench_assert_clean(b);

    const uint64_t busy_us = 129 * (256 + 12) + 30000;
    const uint64_t bound_us = write_bound_us(256, busy_us) + sizeof data * 10000000u / 19200u;
    print_message("write %u ms, read %u ms, bound of both %u ms\n", (unsigned)(write_us / 1000),
                  (unsigned)(read_us / 1000), (unsigned)(bound_us / 1000));
    assert_true((write_us + read_us) * 100 < bound_us * 110);
    bench_free(b);
}

static void pages_of_every_size_arrive(void **state)
{
    (void)state;
    static const char *const chips[] = {"t85", "t2313", "m8", "m328p", "m2560"};
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        struct bench *b = bench_ready(&uno, chips[i]);
        uint8_t data[1024];
        uint8_t back[sizeof data];
        bench_fill(data, sizeof data);
        if (b->part->extended_address) {
            struct isp_exchange segment = {.mosi = {0x4d, 0, 0, 0}};
            assert_int_equal(programmer_exchange(&b->programmer, &segment, 1, &b->error),
                             STATUS_OK);
        }
        assert_int_equal(bench_write_flash(b, 0x200, data, sizeof data), STATUS_OK);
        bench_assert_flash(b, 0x200, data, sizeof data);
        assert_int_equal(bench_read(b, MEMORY_FLASH, 0x200, back, sizeof back), STATUS_OK);
        assert_memory_equal(back, data, sizeof data);
        bench_assert_clean(b);
        bench_free(b);
    }
}

/* PROG_FLICKER off: the sketch does not wait after a commit. */
static void sketch_without_flicker_never_meets_a_busy_chip(void **state)
{
    (void)state;
    static const uint32_t rates[] = {19200, 115200, 1000000, 0};
    static const char *const chips[] = {"m328p", "t2313"};
    for (size_t i = 0; i < 8; i++) {
        const struct fake_options board = {
            .firmware = FAKE_SKETCH, .baud = rates[i % 4], .no_flicker = true, .latency_us = 500};
        struct bench *b = bench_ready(&board, chips[i / 4]);
        uint8_t data[2048];
        bench_fill(data, sizeof data);
        assert_int_equal(bench_write_flash(b, 0, data, sizeof data), STATUS_OK);
        bench_assert_flash(b, 0, data, sizeof data);
        assert_int_equal(avr_chip_stats(b->chip)->busy_violations, 0);
        bench_free(b);
    }
}

static void what_the_sketch_cannot_do_is_left_to_instructions(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        enum memory_kind kind;
    } cases[] = {
        {"t441", MEMORY_FLASH},   {"at90s2313", MEMORY_FLASH}, {"at89s52", MEMORY_FLASH},
        {"m328p", MEMORY_EEPROM}, {"m328p", MEMORY_LOCK},
    };
    uint8_t data[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct part *part = NULL;
        struct bench *b = bench_ready(&uno, "m328p");
        if (part_find(b->parts, cases[i].chip, &part, &b->error) != STATUS_OK)
            fail_msg("%s", b->error.text);
        const size_t before = b->board.bytes_in;
        assert_int_equal(b->programmer.driver->write(&b->programmer,
                                                     part_memory(part, cases[i].kind), 0, data,
                                                     sizeof data, &b->error),
                         STATUS_UNSUPPORTED);
        assert_int_equal(b->board.bytes_in, before);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_and_fuses_take_one_turn_around),
        cmocka_unit_test(fuse_write_waits_before_the_next_instruction),
        cmocka_unit_test(long_waits_are_cut_short_by_polling),
        cmocka_unit_test(eeprom_pages_follow_each_other_without_disturbing_the_chip),
        cmocka_unit_test(unproven_wait_is_made_good),
        cmocka_unit_test(writing_and_reading_32_kib_comes_close_to_the_bound_of_wire_and_firmware),
        cmocka_unit_test(pages_of_every_size_arrive),
        cmocka_unit_test(sketch_without_flicker_never_meets_a_busy_chip),
        cmocka_unit_test(what_the_sketch_cannot_do_is_left_to_instructions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
