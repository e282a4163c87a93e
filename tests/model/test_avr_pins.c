/* The chip model against the data sheets' rules: its clock, RESET, SCK and power, broken wires, bad
 * cells; and what it tells of all that. */
#include "avr_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static void the_clock_changes_when_programming_mode_is_left(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    assert_int_equal(avr_chip_cpu_hz(d.chip), 1000000);
    send(&d, 0xac, 0xa0, 0, 0xff);
    wait_ms(&d, 5);
    assert_int_equal(avr_chip_cpu_hz(d.chip), 1000000);
    leave(&d);
    assert_int_equal(avr_chip_cpu_hz(d.chip), 16000000);
    assert_true(avr_chip_running(d.chip, d.now));
    avr_chip_free(d.chip);
}

static void a_chip_fused_for_a_clock_it_does_not_get_is_silent(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memory(&d, AVR_FUSES)[0] = 0xe0; /* external clock */
    assert_false(enter(&d));
    assert_int_equal(avr_chip_cpu_hz(d.chip), 0);
    assert_int_equal(stats(&d)->sck_edges, 0);
    avr_chip_free(d.chip);
}

static void disabled_reset_or_debugwire_end_isp_at_the_next_entry(void **state)
{
    (void)state;
    for (unsigned bit = 6; bit <= 7; bit++) {
        struct desk d = desk_new("t85");
        assert_true(enter(&d));
        send(&d, 0xac, 0xa8, 0, (uint8_t)(0xdf & ~(1u << bit)));
        wait_ms(&d, 5);
        assert_int_equal(send(&d, 0x30, 0, 0, 0), 0x1e);
        leave(&d);
        assert_false(enter(&d));
        assert_true(avr_chip_running(d.chip, d.now));
        avr_chip_free(d.chip);
    }
}

static void sck_above_a_quarter_of_the_clock_gives_bit_errors(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_int_equal(avr_chip_sck_low_min_ns(d.chip), 2001);
    assert_true(enter(&d));
    d.half_ns = 2001;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(send(&d, 0x30, 0, 1, 0), 0x95);
    }
    assert_int_equal(stats(&d)->sck_violations, 0);
    d.half_ns = 2000; /* "less than", so not even just that */
    unsigned wrong = 0;
    for (int i = 0; i < 100; i++) {
        wrong += send(&d, 0x30, 0, 1, 0) != 0x95;
    }
    assert_true(wrong > 50);
    assert_true(stats(&d)->sck_violations > 6000);
    assert_true(stats(&d)->bit_errors > 0);
    avr_chip_free(d.chip);
}

static void a_stray_sck_edge_shifts_the_frames_until_more_follow(void **state)
{
    (void)state;
    struct desk d = desk_new("at90s8515");
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, false, d.now);
    wait_ms(&d, 21);
    avr_chip_set_pin(d.chip, AVR_PIN_SCK, true, d.now += HALF_NS); /* the stray one */
    avr_chip_set_pin(d.chip, AVR_PIN_SCK, false, d.now += HALF_NS);
    unsigned tries = 0;
    uint8_t miso[4] = {0};
    while (miso[2] != 0x53 && tries < 40) {
        avr_chip_set_pin(d.chip, AVR_PIN_SCK, true, d.now += HALF_NS);
        avr_chip_set_pin(d.chip, AVR_PIN_SCK, false, d.now += HALF_NS);
        avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, miso, &d.now, HALF_NS);
        tries++;
    }
    assert_int_equal(tries, 31); /* 1 + 31 = 32 pulses: in step again */
    avr_chip_free(d.chip);
}

static void reset_pulses_shorter_than_two_clocks_are_not_seen(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, true, d.now);
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, false, d.now += 1500);
    assert_true(avr_chip_in_programming_mode(d.chip));
    assert_int_equal(stats(&d)->reset_too_short, 1);
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, true, d.now);
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, false, d.now += 2000);
    assert_false(avr_chip_in_programming_mode(d.chip));
    avr_chip_free(d.chip);
}

static void a_reset_in_the_middle_of_an_operation_leaves_cells_undefined(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memset(memory(&d, AVR_FLASH), 0, 32768);
    memory(&d, AVR_LOCK)[0] = 0xfe;
    assert_true(enter(&d));
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 1);
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, true, d.now);
    wait_ms(&d, 100);
    avr_chip_settle(d.chip, d.now);
    assert_int_equal(stats(&d)->interrupted, 1);
    assert_int_equal(memory(&d, AVR_LOCK)[0], 0xfe);
    unsigned odd = 0;
    for (size_t i = 0; i < 32768; i++) {
        odd += memory(&d, AVR_FLASH)[i] != 0xff && memory(&d, AVR_FLASH)[i] != 0x00;
    }
    assert_true(odd > 10000);
    avr_chip_free(d.chip);
}

static void each_wiring_fault_looks_as_on_the_bench(void **state)
{
    (void)state;
    static const struct {
        enum avr_fault fault;
        uint8_t enable[4]; /* what comes back for AC 53 00 00; MISO floats low */
    } faults[] = {
        {AVR_FAULT_MISO_OPEN, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_MISO_LOW, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_MISO_HIGH, {0xff, 0xff, 0xff, 0xff}},
        {AVR_FAULT_ECHO, {0xac, 0x53, 0x00, 0x00}},
        {AVR_FAULT_MOSI_CUT, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_SCK_CUT, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_RESET_CUT, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_SWAPPED, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_NO_POWER, {0x00, 0x00, 0x00, 0x00}},
        {AVR_FAULT_NO_CLOCK, {0x00, 0x00, 0x00, 0x00}},
    };
    struct avr_chip_options options = avr_chip_defaults();
    options.idle = AVR_FLOAT_LOW;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct desk d = desk_with("m328p", &options);
        avr_chip_set_fault(d.chip, faults[i].fault, true);
        pulse_reset(&d, false);
        uint8_t miso[4];
        avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, miso, &d.now, HALF_NS);
        assert_memory_equal(miso, faults[i].enable, 4);
        avr_chip_free(d.chip);
    }
}

static void a_chip_without_power_holds_miso_low(void **state)
{
    (void)state;
    static const uint8_t low[4] = {0};
    struct desk d = desk_with("m328p", NULL); /* MISO floats high */
    uint8_t miso[4];
    avr_chip_set_fault(d.chip, AVR_FAULT_NO_POWER, true);
    pulse_reset(&d, false);
    avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, miso, &d.now, HALF_NS);
    assert_memory_equal(miso, low, 4);
    avr_chip_free(d.chip);
}

static void a_program_that_runs_on_drives_miso(void **state)
{
    (void)state;
    struct desk d = desk_with("m328p", NULL);
    uint8_t first[4], second[4];
    avr_chip_set_fault(d.chip, AVR_FAULT_RUNS_ON, true);
    pulse_reset(&d, false);
    avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, first, &d.now, HALF_NS);
    avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, second, &d.now, HALF_NS);
    assert_memory_not_equal(first, second, 4);
    assert_true(avr_chip_running(d.chip, d.now));
    avr_chip_free(d.chip);
}

static void every_fault_has_a_name_to_be_found_by(void **state)
{
    (void)state;
    for (int f = 0; f < AVR_FAULT_COUNT; f++) {
        assert_int_equal(avr_fault_find(avr_fault_name((enum avr_fault)f)), f);
    }
    assert_int_equal(avr_fault_find("nonsense"), AVR_FAULT_COUNT);
    for (int op = 0; op < AVR_OP_COUNT; op++) {
        assert_non_null(avr_op_name((enum avr_op)op));
    }
    assert_null(avr_chip_spec("atmega9999"));
}

static void bad_cells_stick_and_waver(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    avr_chip_add_bad_cell(d.chip, AVR_FLASH, 0, 0x80, 0x80, 0x00);
    avr_chip_add_bad_cell(d.chip, AVR_FLASH, 1, 0x00, 0x00, 0xff);
    assert_true(enter(&d));
    load_word(&d, 0, 0x00, 0x55);
    send(&d, 0x4c, 0, 0, 0);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x20, 0, 0, 0), 0x80);
    const uint8_t first = send(&d, 0x28, 0, 0, 0);
    unsigned different = 0;
    for (int i = 0; i < 20; i++) {
        different += send(&d, 0x28, 0, 0, 0) != first;
    }
    assert_true(different > 0);
    avr_chip_free(d.chip);
}

static void a_noisy_cable_gives_the_same_errors_for_the_same_seed(void **state)
{
    (void)state;
    uint64_t errors[2];
    for (int run = 0; run < 2; run++) {
        struct desk d = desk_new("m328p");
        assert_true(enter(&d));
        avr_chip_set_fault(d.chip, AVR_FAULT_BIT_ERRORS, true);
        avr_chip_set_bit_error_rate(d.chip, 100);
        for (int i = 0; i < 100; i++) {
            send(&d, 0x30, 0, 0, 0);
        }
        errors[run] = stats(&d)->bit_errors;
        avr_chip_free(d.chip);
    }
    assert_true(errors[0] > 20 && errors[0] < 200);
    assert_int_equal(errors[0], errors[1]);
}

static void power_off_forgets_programming_mode(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    avr_chip_set_pin(d.chip, AVR_PIN_POWER, false, d.now);
    wait_ms(&d, 10);
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0x00);
    avr_chip_set_pin(d.chip, AVR_PIN_POWER, true, d.now);
    assert_false(avr_chip_in_programming_mode(d.chip));
    wait_ms(&d, 21);
    send(&d, 0xac, 0x53, 0, 0);
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0x1e);
    avr_chip_free(d.chip);
}

static void trace_and_dump_name_what_happened(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    avr_chip_trace(d.chip, file);
    assert_true(enter(&d));
    send(&d, 0x30, 0, 1, 0);
    send(&d, 0x48, 0, 1, 0);
    avr_chip_dump(d.chip, file);
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(text, " ac 53 00 00 > -- -- 53 00 enable\n"));
    assert_non_null(strstr(text, " 30 00 01 00 > 00 30 00 95 read-signature\n"));
    assert_non_null(strstr(text, "load-page: high byte without its low\n"));
    assert_non_null(strstr(text, "part atmega328p\n"));
    assert_non_null(strstr(text, "\nfuse.extended 0xff\n"));
    assert_non_null(strstr(text, "\nstate programming\n"));
    assert_non_null(strstr(text, "\nop.read-signature 1\n"));
    assert_non_null(strstr(text, "\ncount.undefined 1\n"));
    free(text);
    avr_chip_free(d.chip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_changes_when_programming_mode_is_left),
        cmocka_unit_test(a_chip_fused_for_a_clock_it_does_not_get_is_silent),
        cmocka_unit_test(disabled_reset_or_debugwire_end_isp_at_the_next_entry),
        cmocka_unit_test(sck_above_a_quarter_of_the_clock_gives_bit_errors),
        cmocka_unit_test(a_stray_sck_edge_shifts_the_frames_until_more_follow),
        cmocka_unit_test(reset_pulses_shorter_than_two_clocks_are_not_seen),
        cmocka_unit_test(a_reset_in_the_middle_of_an_operation_leaves_cells_undefined),
        cmocka_unit_test(each_wiring_fault_looks_as_on_the_bench),
        cmocka_unit_test(a_chip_without_power_holds_miso_low),
        cmocka_unit_test(a_program_that_runs_on_drives_miso),
        cmocka_unit_test(every_fault_has_a_name_to_be_found_by),
        cmocka_unit_test(bad_cells_stick_and_waver),
        cmocka_unit_test(a_noisy_cable_gives_the_same_errors_for_the_same_seed),
        cmocka_unit_test(power_off_forgets_programming_mode),
        cmocka_unit_test(trace_and_dump_name_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
