/* The STK500v1 driver finds its programmer, whatever answers first, and enters programming mode. */
#include "support/test.h"

#include <string.h>

#include "drivers.h"
#include "stk500v1_bench.h"

/* --- opening -------------------------------------------------------------------------------- */

static void first_rate_is_that_of_the_sketch_and_verbose_output_says_so(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_OK);
    assert_true(b->clock.now_us - begin < 100000);
    assert_true(bench_logged(b, "firmware=AVR ISP 1.18 (ArduinoISP sketch)"));
    assert_true(bench_logged(b, "port=/dev/ttyFAKE"));
    assert_true(bench_logged(b, "baud=19200"));
    bench_assert_clean(b);
    bench_free(b);
}

static void every_usual_rate_is_found(void **state)
{
    (void)state;
    static const uint32_t rates[] = {115200, 57600, 9600, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct fake_options options = {.firmware = FAKE_SKETCH, .baud = rates[i]};
        struct bench *b = bench_new(&options, "m328p");
        const uint64_t begin = b->clock.now_us;
        assert_int_equal(bench_open(b), STATUS_OK);
        assert_int_equal(b->board.host_baud, rates[i]);
        assert_true(b->clock.now_us - begin < 3000000);
        assert_int_equal(b->board.set_parameter, 0);
        bench_free(b);
    }
}

static void rate_given_with_b_is_the_only_one_tried(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    b->config.baud = 38400;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_int_equal(b->board.host_baud, 38400);
    assert_non_null(strstr(b->error.hint, "leave -b out"));
    bench_free(b);
}

static void native_usb_answers_at_the_first_rate(void **state)
{
    (void)state;
    const struct fake_options leonardo = {.firmware = FAKE_SKETCH, .latency_us = 500};
    struct bench *b = bench_new(&leonardo, "m328p");
    assert_int_equal(bench_open(b), STATUS_OK);
    assert_int_equal(b->board.host_baud, 19200);
    bench_free(b);
}

/* U4: the board's loader has the line first; whatever its rate and manners, the sketch is reached
 * and the loader is never told to write. */
static void board_that_resets_when_opened_needs_no_capacitor(void **state)
{
    (void)state;
    static const struct {
        struct fake_options board;
        uint32_t baud; /* -b */
        uint32_t limit_ms;
    } cases[] = {
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 115200}, 0, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 115200}, 19200, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 57600, .boot_us = 2000000}, 0, 8000},
        {{.firmware = FAKE_SKETCH, .baud = 115200, .boot_baud = 115200}, 0, 4000},
        {{.firmware = FAKE_SKETCH, .baud = 115200, .boot_baud = 115200}, 115200, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 19200}, 0, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 19200, .boot_stays = true},
         19200,
         8000},
        {{.firmware = FAKE_SKETCH,
          .baud = 19200,
          .boot_baud = 57600,
          .boot_stays = true,
          .boot_us = 2000000},
         0,
         12000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new(&cases[i].board, "m328p");
        b->config.baud = cases[i].baud;
        const uint64_t begin = b->clock.now_us;
        if (bench_open(b) != STATUS_OK)
            fail_msg("case %zu: %s", i, b->error.text);
        if (b->clock.now_us - begin > cases[i].limit_ms * 1000u)
            fail_msg("case %zu took %u ms", i, (unsigned)((b->clock.now_us - begin) / 1000));
        assert_int_equal(b->board.boot_pages, 0);
        assert_false(b->board.booting);
        assert_int_equal(bench_enter(b), STATUS_OK);
        bench_free(b);
    }
}

/* U47 */
static void boot_loader_without_a_sketch_is_named_and_nothing_is_written(void **state)
{
    (void)state;
    const struct fake_options board = {
        .firmware = FAKE_BOOTLOADER, .baud = 115200, .boot_baud = 115200};
    struct bench *b = bench_new(&board, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_true(b->clock.now_us - begin < 20000000);
    assert_non_null(strstr(b->error.text, "boot loader"));
    assert_non_null(strstr(b->error.hint, "ArduinoISP"));
    assert_non_null(strstr(b->error.hint, "-c arduino"));
    assert_int_equal(b->board.boot_pages, 0);
    bench_free(b);
}

static void silent_device_ends_in_bounded_time(void **state)
{
    (void)state;
    static const uint32_t rates[] = {0, 19200};
    for (size_t i = 0; i < 2; i++) {
        const struct fake_options board = {.firmware = FAKE_MUTE, .baud = 19200};
        struct bench *b = bench_new(&board, "m328p");
        b->config.baud = rates[i];
        const uint64_t begin = b->clock.now_us;
        assert_int_equal(bench_open(b), STATUS_SILENT);
        assert_true(b->clock.now_us - begin < 15000000);
        assert_string_equal(b->error.text, "/dev/ttyFAKE: no programmer answers");
        assert_non_null(strstr(b->error.hint, "-P"));
        bench_free(b);
    }
}

static void device_of_another_protocol_is_told_from_a_silent_one(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_CHATTER, .baud = 19200};
    struct bench *b = bench_new(&board, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_true(b->clock.now_us - begin < 20000000);
    assert_non_null(strstr(b->error.text, "not in STK500v1 (heard 6f 6b 3e 0d"));
    bench_free(b);
}

static void killed_run_inside_page_data_is_overcome_and_its_page_not_written(void **state)
{
    (void)state;
    static const size_t left_at[] = {4, 5, 70, 100};
    for (size_t i = 0; i < sizeof left_at / sizeof left_at[0]; i++) {
        struct bench *b = bench_new(&uno, "m328p");
        static const uint8_t begun[4] = {0x64, 0x00, 0x80, 0x46};
        memcpy(b->board.command, begun, sizeof begun);
        memset(b->board.command + 4, 0x11, 128);
        b->board.command_size = left_at[i];
        b->board.page_size = 128;
        if (bench_open(b) != STATUS_OK)
            fail_msg("%zu bytes: %s", left_at[i], b->error.text);
        assert_int_equal(bench_enter(b), STATUS_OK);
        assert_int_equal(avr_chip_stats(b->chip)->instructions[AVR_OP_WRITE_PAGE], 0);
        bench_free(b);
    }
}

static void killed_run_inside_a_short_command_is_overcome(void **state)
{
    (void)state;
    static const uint8_t begun[] = {0x56, 0x30, 0x00, 0x00};
    for (size_t left = 1; left <= sizeof begun; left++) {
        struct bench *b = bench_new(&uno, "m328p");
        memcpy(b->board.command, begun, left);
        b->board.command_size = left;
        assert_int_equal(bench_open(b), STATUS_OK);
        assert_int_equal(b->board.host_baud, 19200);
        bench_free(b);
    }
}

static void the_target_voltage_is_believed_where_it_is_measured(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_STK500, .baud = 115200};
    uint32_t millivolts = 0;
    struct bench *b = bench_ready(&board, "m328p");
    assert_int_equal(stk500v1_driver.voltage(&b->programmer, &millivolts, &b->error), STATUS_OK);
    assert_int_equal(millivolts, 5000);
    bench_free(b);
    b = bench_ready(&uno, "m328p"); /* the sketch answers 0 whatever there is */
    assert_int_equal(stk500v1_driver.voltage(&b->programmer, &millivolts, &b->error),
                     STATUS_UNSUPPORTED);
    bench_free(b);
}

static void real_stk500_is_told_its_device_and_asked_one_thing_at_a_time(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_STK500, .baud = 115200};
    struct bench *b = bench_ready(&board, "m328p");
    static const uint8_t extended[] = {0x45, 0x05, 0x04, 0xd7, 0xc2, 0x01, 0x20};
    bool found = false;
    for (size_t i = 0; i + sizeof extended <= b->board.sent_size; i++)
        found = found || memcmp(b->board.sent + i, extended, sizeof extended) == 0;
    assert_true(found);
    uint8_t data[512];
    bench_fill(data, sizeof data);
    assert_int_equal(bench_write_flash(b, 0, data, sizeof data), STATUS_OK);
    assert_true(b->board.ahead_max <= 2);
    bench_assert_flash(b, 0, data, sizeof data);
    uint8_t back[512];
    assert_int_equal(bench_read(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    bench_free(b);
}

/* --- programming mode ----------------------------------------------------------------------- */

static void set_device_block_is_that_of_the_application_note(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    assert_int_equal(bench_open(b), STATUS_OK);
    b->board.sent_size = 0;
    assert_int_equal(bench_enter(b), STATUS_OK);
    static const uint8_t wanted[] = {0x42, 0x86, 0x00, 0x00, 0x01, 0x01, 0x01, 0x01, 0x03,
                                     0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0x04, 0x00, 0x00,
                                     0x00, 0x80, 0x00, 0x20, 0x51, 0x20, 0x50, 0x20};
    assert_int_equal(b->board.sent_size, sizeof wanted);
    assert_memory_equal(b->board.sent, wanted, sizeof wanted);
    bench_free(b);
}

static void enter_again_really_pulses_reset(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    assert_int_equal(b->board.reset_pulses, 1);
    assert_int_equal(bench_enter(b), STATUS_OK);
    assert_int_equal(b->board.reset_pulses, 2);
    assert_true(avr_chip_in_programming_mode(b->chip));
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    assert_false(b->board.in_pmode);
    b->board.chip_ns += 100 * AVR_MS;
    assert_true(avr_chip_running(b->chip, b->board.chip_ns));
    bench_assert_clean(b);
    bench_free(b);
}

static void reset_is_active_high_for_an_at89s(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "at89s52");
    assert_true(b->board.device_code >= 0xe0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rate_is_that_of_the_sketch_and_verbose_output_says_so),
        cmocka_unit_test(the_target_voltage_is_believed_where_it_is_measured),
        cmocka_unit_test(every_usual_rate_is_found),
        cmocka_unit_test(rate_given_with_b_is_the_only_one_tried),
        cmocka_unit_test(native_usb_answers_at_the_first_rate),
        cmocka_unit_test(board_that_resets_when_opened_needs_no_capacitor),
        cmocka_unit_test(boot_loader_without_a_sketch_is_named_and_nothing_is_written),
        cmocka_unit_test(silent_device_ends_in_bounded_time),
        cmocka_unit_test(device_of_another_protocol_is_told_from_a_silent_one),
        cmocka_unit_test(killed_run_inside_page_data_is_overcome_and_its_page_not_written),
        cmocka_unit_test(killed_run_inside_a_short_command_is_overcome),
        cmocka_unit_test(real_stk500_is_told_its_device_and_asked_one_thing_at_a_time),
        cmocka_unit_test(set_device_block_is_that_of_the_application_note),
        cmocka_unit_test(enter_again_really_pulses_reset),
        cmocka_unit_test(reset_is_active_high_for_an_at89s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
