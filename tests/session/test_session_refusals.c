/* What is refused, and that the chip is as it was then. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static uint8_t app[1024];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 7 % 250);
    return 0;
}

static void expect_text(const struct job_bench *b, const char *text, const char *hint)
{
    if (strstr(b->error.text, text) == NULL)
        fail_msg("%s\nis not in: %s", text, b->error.text);
    if (hint != NULL && strstr(b->error.hint, hint) == NULL)
        fail_msg("%s\nis not in: %s", hint, b->error.hint);
}

/* --- before the chip is touched ------------------------------------------------------------- */

static void nothing_is_touched(struct job_bench *b, enum status status)
{
    job_expect(b, status);
    assert_int_equal(b->rig->calls, 0);
    assert_string_equal(b->error.state, "the chip was not touched");
}

static void an_unknown_part_or_memory_is_found_first(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m382p");
    job_read(b, "flash");
    nothing_is_touched(b, STATUS_USAGE);
    job_again(b);
    b->job.part = "m328p";
    job_read(b, "flsah");
    nothing_is_touched(b, STATUS_USAGE);
    expect_text(b, "memory flsah", "flash");
    job_again(b);
    b->job.part = NULL;
    job_read(b, "nonsense");
    nothing_is_touched(b, STATUS_USAGE);
    job_bench_free(b);
}

static void an_image_too_large_or_an_output_that_fails_is_found_first(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "flash", 0x7ff0, app, 17);
    nothing_is_touched(b, STATUS_INPUT);
    job_again(b);
    const size_t i = job_read(b, "flash");
    b->destinations[i].broken = true;
    nothing_is_touched(b, STATUS_OUTPUT);
    job_bench_free(b);
}

static void fuses_that_cut_isp_off_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const allow[] = {"reset-disable"};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0x59); /* RSTDISBL */
    nothing_is_touched(b, STATUS_REFUSED);
    expect_text(b, "hfuse 0x59 would cut ISP off", "--allow reset-disable");
    job_again(b);
    b->job.flags = JOB_FORCE_SIGNATURE; /* permits nothing of the kind */
    job_write_byte(b, "hfuse", 0x59);
    nothing_is_touched(b, STATUS_REFUSED);
    job_again(b);
    job_write_byte(b, "hfuse", 0x99); /* DWEN */
    nothing_is_touched(b, STATUS_REFUSED);
    expect_text(b, "", "--allow debugwire");
    job_again(b);
    b->job.allow = allow;
    b->job.allow_count = 1;
    job_write_byte(b, "hfuse", 0x59);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_FUSES)[1], 0x59);
    job_bench_free(b);
}

/* --- before anything is erased or written --------------------------------------------------- */

static void unchanged(struct job_bench *b, enum status status)
{
    job_expect(b, status);
    job_assert_untouched(b);
    assert_non_null(strstr(b->error.state, "nothing was erased or written"));
}

static void an_external_clock_is_refused_unless_the_chip_runs_from_one(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "flash", 0, app, 16);
    job_write_byte(b, "lfuse", 0xe0);
    unchanged(b, STATUS_REFUSED);
    expect_text(b, "lfuse 0xe0", "--allow external-clock");
    job_bench_free(b);

    b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct avr_chip_options options = avr_chip_defaults();
    options.external_hz = 8000000;
    avr_chip_free(b->rig->chip);
    b->rig->chip = avr_chip_new(avr_chip_spec("m328p"), &options);
    job_chip(b, AVR_FUSES)[0] = 0x60;
    job_write_byte(b, "lfuse", 0xe0);
    job_expect(b, STATUS_OK);
    job_bench_free(b);
}

static void another_chip_is_named_with_the_p_to_use(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m32u4");
    job_write(b, "flash", 0, app, 16);
    unchanged(b, STATUS_SIGNATURE);
    expect_text(b, "1e 95 0f", "use -p m328p");
    expect_text(b, "ATmega328P", "differ");
    job_again(b);
    b->job.flags = JOB_FORCE_SIGNATURE;
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "warning: the chip is not an ATmega32U4");
    job_bench_free(b);
}

static void a_silent_chip_is_never_written_to_even_forced(void **state)
{
    (void)state;
    static const enum avr_fault faults[] = {AVR_FAULT_MISO_LOW, AVR_FAULT_MISO_HIGH, AVR_FAULT_ECHO,
                                            AVR_FAULT_NO_POWER, AVR_FAULT_NO_CLOCK};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct job_bench *b = job_bench_new("m328p", RIG_BLIND, "m328p");
        avr_chip_set_fault(b->rig->chip, faults[i], true);
        b->job.flags = JOB_FORCE_SIGNATURE | JOB_ERASE;
        job_write(b, "flash", 0, app, 16);
        unchanged(b, STATUS_NO_TARGET);
        assert_null(strstr(b->error.hint, "-F"));
        job_bench_free(b);
    }
}

static void parts_that_differ_must_be_named_before_a_write(void **state)
{
    (void)state;
    struct error e = {0};
    struct part_database *parts;
    struct session s = {.candidate_count = 2};
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    assert_int_equal(part_find(parts, "m328p", &s.candidates[0], &e), STATUS_OK);
    assert_int_equal(part_find(parts, "m32u4", &s.candidates[1], &e), STATUS_OK);
    assert_int_equal(session_part_is_certain(&s, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "use one of -p m328p, m32u4"));
    s.part_named = true;
    assert_int_equal(session_part_is_certain(&s, &e), STATUS_OK);
    s.part_named = false;
    assert_int_equal(part_find(parts, "a6614q", &s.candidates[1], &e), STATUS_OK);
    assert_int_equal(session_part_is_certain(&s, &e), STATUS_OK); /* laid out alike */
    part_database_close(parts);
}

static void lock_bits_are_told_before_anything_is_written(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_chip(b, AVR_LOCK)[0] = 0xfe; /* no further programming */
    b->job.flags = JOB_NO_ERASE;
    job_write(b, "flash", 0, app, 16);
    unchanged(b, STATUS_PROTECTED);
    expect_text(b, "flash cannot be written: lock bits forbid it", "-e");
    job_again(b);
    job_write_byte(b, "lfuse", 0xe2);
    unchanged(b, STATUS_PROTECTED);
    job_again(b);
    job_write_byte(b, "lfuse", 0x62); /* equal: nothing to write */
    job_expect(b, STATUS_OK);
    job_again(b);
    job_write(b, "flash", 0, app, 16); /* the erase lifts them */
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_LOCK)[0] & 0x3f, 0x3f);
    job_bench_free(b);
}

static void a_read_locked_chip_is_not_dumped(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_chip(b, AVR_LOCK)[0] = 0xfc;
    const size_t i = job_read(b, "flash");
    unchanged(b, STATUS_PROTECTED);
    expect_text(b, "flash cannot be read: lock bits forbid it", NULL);
    assert_int_equal(b->destinations[i].stored, 0);
    job_again(b);
    job_verify(b, "flash", 0, app, 16);
    unchanged(b, STATUS_PROTECTED);
    job_again(b);
    job_read(b, "lock"); /* that one may be read */
    job_expect(b, STATUS_OK);
    job_bench_free(b);
}

static void locking_before_a_verify_is_found_in_time(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "flash", 0, app, 16);
    job_write_byte(b, "lock", 0xfc);
    job_verify(b, "flash", 0, app, 16);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_text(b, "lock 0xfc comes too early: flash could not be verified behind it",
                "--allow lock");
    job_bench_free(b);
}

static void lock_bits_cannot_rise_without_an_erase(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_chip(b, AVR_LOCK)[0] = 0xef;
    job_write_byte(b, "lock", 0xff);
    unchanged(b, STATUS_PROTECTED);
    expect_text(b, "only a chip erase can set it", "-e");
    job_bench_free(b);
}

static void an_erase_that_would_wipe_what_was_just_written_is_a_mistake(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "eeprom", 0, app, 16);
    job_read(b, "eeprom");
    job_write(b, "flash", 0, app, 16);
    unchanged(b, STATUS_USAGE);
    expect_text(b, "would wipe the EEPROM written before it", "-e");
    job_again(b);
    job_chip(b, AVR_FUSES)[1] = 0xd1; /* EESAVE */
    job_write(b, "eeprom", 0, app, 16);
    job_read(b, "eeprom");
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_OK);
    job_bench_free(b);
}

static void a_hidden_signature_of_an_old_chip_needs_force_and_erase(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("at90s8515", RIG_PLAIN, "at90s8515");
    job_chip(b, AVR_LOCK)[0] = 0xf9;
    b->job.flags = JOB_ERASE;
    job_write(b, "flash", 0, app, 16);
    unchanged(b, STATUS_PROTECTED);
    expect_text(b, "hides its signature", "-e -F");
    job_again(b);
    b->job.flags = JOB_ERASE | JOB_FORCE_SIGNATURE;
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, 16);
    job_bench_free(b);
}

static void a_hidden_signature_that_turns_out_another_stops_after_the_erase(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("at90s8515", RIG_PLAIN, "at90s2313");
    job_chip(b, AVR_LOCK)[0] = 0xf9;
    b->job.flags = JOB_ERASE | JOB_FORCE_SIGNATURE;
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_SIGNATURE);
    assert_non_null(strstr(b->error.state, "the chip was erased"));
    job_bench_free(b);
}

static void an_erase_the_programmer_cannot_do_is_found_first(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_BOOTLOADER, "m328p");
    b->job.flags = JOB_ERASE;
    nothing_is_touched(b, STATUS_UNSUPPORTED);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_part_or_memory_is_found_first),
        cmocka_unit_test(an_image_too_large_or_an_output_that_fails_is_found_first),
        cmocka_unit_test(fuses_that_cut_isp_off_are_refused_by_name),
        cmocka_unit_test(an_external_clock_is_refused_unless_the_chip_runs_from_one),
        cmocka_unit_test(another_chip_is_named_with_the_p_to_use),
        cmocka_unit_test(a_silent_chip_is_never_written_to_even_forced),
        cmocka_unit_test(parts_that_differ_must_be_named_before_a_write),
        cmocka_unit_test(lock_bits_are_told_before_anything_is_written),
        cmocka_unit_test(a_read_locked_chip_is_not_dumped),
        cmocka_unit_test(locking_before_a_verify_is_found_in_time),
        cmocka_unit_test(lock_bits_cannot_rise_without_an_erase),
        cmocka_unit_test(an_erase_that_would_wipe_what_was_just_written_is_a_mistake),
        cmocka_unit_test(a_hidden_signature_of_an_old_chip_needs_force_and_erase),
        cmocka_unit_test(a_hidden_signature_that_turns_out_another_stops_after_the_erase),
        cmocka_unit_test(an_erase_the_programmer_cannot_do_is_found_first),
    };
    return cmocka_run_group_tests_name("session_refusals", tests, fill, NULL);
}
