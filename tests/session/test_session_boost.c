/* The chip's clock is raised while it is written: when, how, when not, and what an end in the
 * middle leaves behind. */
#include <stdlib.h>
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static uint8_t app[4096];
static const uint32_t usbasp_rates[] = {500,   1000,   2000,   4000,   8000,    16000, 32000,
                                        93750, 187500, 375000, 750000, 1500000, 0};

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 7 % 250);
    return 0;
}

/* A factory-fresh chip that is to get flash and fuses. */
static struct job_bench *bench(const char *chip, enum chip_rig_kind kind, uint8_t lfuse)
{
    struct job_bench *b = job_bench_new(chip, kind, chip);
    b->rig->sck_rates = usbasp_rates;
    job_write(b, "flash", 0, app, sizeof app);
    job_write_byte(b, "lfuse", lfuse);
    job_write_byte(b, "hfuse", 0xde);
    return b;
}

static bool was_raised(const struct job_bench *b)
{
    return strstr(b->rig->log, "clock is raised") != NULL;
}

static void assert_done(struct job_bench *b, uint8_t lfuse)
{
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    assert_int_equal(job_chip(b, AVR_FUSES)[0], lfuse);
    assert_int_equal(job_chip(b, AVR_FUSES)[1], 0xde);
    assert_int_equal(job_report(b, "flash")->written, sizeof app);
    assert_int_equal(job_report(b, "flash")->skipped, 0);
    assert_int_equal(job_report(b, "flash")->verified, sizeof app);
    assert_int_equal(job_report(b, "lfuse")->before, 0x62);
    assert_int_equal(job_report(b, "lfuse")->after, lfuse);
    assert_int_equal(b->report.mismatches, 0);
}

static uint64_t time_of(const char *chip, enum chip_rig_kind kind, unsigned flags)
{
    struct job_bench *b = bench(chip, kind, 0xff);
    b->job.flags = flags;
    job_expect(b, STATUS_OK);
    assert_done(b, 0xff);
    const uint64_t us = b->rig->now_ns / 1000;
    job_bench_free(b);
    return us;
}

static void a_fresh_chip_is_written_at_its_undivided_clock(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_RANGES, RIG_REPORTS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct job_bench *b = bench("m328p", kinds[i], 0xff);
        job_expect(b, STATUS_OK);
        assert_true(was_raised(b));
        assert_non_null(strstr(b->rig->values, "sck=1500 kHz;"));
        assert_done(b, 0xff);
        assert_int_equal(job_report(b, "lfuse")->skipped, 0);
        assert_int_equal(job_instructions(b, AVR_OP_WRITE_FUSE), 3);
        assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
        assert_int_equal(avr_chip_stats(b->rig->chip)->sck_violations, 0);
        job_bench_free(b);
    }
}

static void it_pays(void **state)
{
    (void)state;
    const uint64_t slow_us = time_of("m328p", RIG_RANGES, JOB_NO_CLOCK_BOOST);
    const uint64_t fast_us = time_of("m328p", RIG_RANGES, 0);
    print_message("4 KiB: %lu ms, raised %lu ms\n", (unsigned long)(slow_us / 1000),
                  (unsigned long)(fast_us / 1000));
    assert_true(fast_us < slow_us * 45 / 100);
}

static void the_undivided_clock_may_be_what_is_wanted(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xe2);
    job_expect(b, STATUS_OK);
    assert_true(was_raised(b));
    assert_done(b, 0xe2);
    assert_int_equal(job_report(b, "lfuse")->skipped, 0);
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_FUSE), 2);
    job_bench_free(b);
}

static void other_parts_are_raised_too(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        uint8_t lfuse;
    } rows[] = {{"t85", 0xe1}, {"m2560", 0xff}, {"m32u4", 0xff}, {"m1284p", 0xff}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job_bench *b = job_bench_new(rows[i].chip, RIG_RANGES, rows[i].chip);
        job_write(b, "flash", 0, app, sizeof app);
        job_write_byte(b, "lfuse", rows[i].lfuse);
        job_expect(b, STATUS_OK);
        if (!was_raised(b))
            fail_msg("%s: %s", rows[i].chip, b->rig->log);
        assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
        assert_int_equal(job_chip(b, AVR_FUSES)[0], rows[i].lfuse);
        job_bench_free(b);
    }
}

/* --- when not ------------------------------------------------------------------------------- */

static void expect_no_boost(struct job_bench *b)
{
    job_expect(b, STATUS_OK);
    if (was_raised(b))
        fail_msg("raised: %s", b->rig->log);
    job_bench_free(b);
}

static void flags_forbid_it(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
    b->job.flags = JOB_IN_ORDER;
    expect_no_boost(b);
    b = bench("m328p", RIG_RANGES, 0xff);
    b->job.flags = JOB_NO_CLOCK_BOOST;
    expect_no_boost(b);
    b = bench("m328p", RIG_RANGES, 0xff);
    b->job.flags = JOB_NO_ERASE;
    expect_no_boost(b);
    b = bench("m328p", RIG_RANGES, 0xff);
    b->rig->config.sck_hz = 125000;
    expect_no_boost(b);
    b = bench("m328p", RIG_BLIND, 0xff); /* its SCK is fixed */
    expect_no_boost(b);
}

static void only_a_fuse_byte_that_is_written_anyway_is_touched(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "flash", 0, app, sizeof app);
    job_write_byte(b, "hfuse", 0xde);
    expect_no_boost(b);
    b = bench("m328p", RIG_RANGES, 0x62); /* it has that already */
    expect_no_boost(b);
}

static void a_look_at_the_fuse_forbids_it(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "flash", 0, app, sizeof app);
    job_read(b, "lfuse");
    job_write_byte(b, "lfuse", 0xff);
    expect_no_boost(b);
}

static void a_chip_that_is_not_divided_stays_as_it_is(void **state)
{
    (void)state;
    static const uint8_t fuses[] = {0xe2, 0x7f, 0x63}; /* undivided, a crystal, 128 kHz */
    for (size_t i = 0; i < sizeof fuses; i++) {
        struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
        job_chip(b, AVR_FUSES)[0] = fuses[i];
        job_expect(b, STATUS_OK);
        if (fuses[i] == 0x63) /* also internal: undivided it is eight times as fast */
            assert_true(was_raised(b));
        else
            assert_false(was_raised(b));
        job_bench_free(b);
    }
}

static void a_low_supply_forbids_it(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
    b->rig->supply_mv = 2500;
    job_expect(b, STATUS_OK);
    assert_false(was_raised(b));
    job_assert_said(b, "detail: the chip's clock is not raised: it has 2500 mV");
    job_bench_free(b);
    b = bench("m328p", RIG_RANGES, 0xff);
    b->rig->supply_mv = 3300;
    job_expect(b, STATUS_OK);
    assert_true(was_raised(b));
    job_bench_free(b);
}

static void a_small_job_is_not_worth_it(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "flash", 0, app, 256);
    job_write_byte(b, "lfuse", 0xff);
    expect_no_boost(b);
}

/* --- doubt ---------------------------------------------------------------------------------- */

static void wires_that_are_too_slow_put_the_fuse_back(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
    avr_chip_set_bit_error_rate(b->rig->chip, 20);
    b->rig->noisy_above_hz = 200000;
    job_expect(b, STATUS_OK);
    assert_true(was_raised(b));
    job_assert_said(b, "lfuse goes back to 0x62");
    assert_done(b, 0xff);
    job_bench_free(b);
}

static void a_first_page_that_reads_wrong_puts_the_fuse_back(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
    avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, 5, 0xff, 0, 0);
    job_expect(b, STATUS_VERIFY); /* at the old clock, too */
    job_assert_said(b, "the first page at the raised clock reads back wrong; lfuse goes back");
    assert_int_equal(job_chip(b, AVR_FUSES)[0], 0x62);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 2);
    job_bench_free(b);
}

/* Wherever they begin to go wrong. */
static void wires_that_go_bad_on_the_way_end_well(void **state)
{
    (void)state;
    unsigned first_page = 0;
    for (uint64_t from = 20; from < 500; from += 10) {
        struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
        avr_chip_set_bit_error_rate(b->rig->chip, 200);
        b->rig->noisy_above_hz = 200000;
        b->rig->noisy_from = from;
        job_expect(b, STATUS_OK);
        assert_done(b, 0xff);
        first_page += strstr(b->rig->log, "the first page") != NULL;
        job_bench_free(b);
    }
    assert_int_not_equal(first_page, 0);
}

/* --- an end in the middle ------------------------------------------------------------------- */

/* A fresh session on the chip as it was left, at the slow SCK it was found with. */
static void assert_answers(struct job_bench *b, unsigned k)
{
    struct job_bench *again = b;
    job_again(again);
    job_read(again, "signature");
    if (job_run(again) != STATUS_OK)
        fail_msg("call %u leaves a chip that does not answer: %s", k, again->error.text);
}

static void assert_left_well(struct job_bench *b, unsigned k)
{
    const uint8_t lfuse = job_chip(b, AVR_FUSES)[0];
    if (lfuse != 0x62 && lfuse != 0xe2 && lfuse != 0xff)
        fail_msg("call %u leaves lfuse 0x%02x", k, lfuse);
    if (lfuse == 0xe2 && strstr(b->error.state, "lfuse is not back") == NULL)
        fail_msg("call %u leaves lfuse 0xe2 without a word: %s", k, b->error.state);
    assert_answers(b, k);
}

static unsigned calls_of_a_good_run(void)
{
    struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
    job_expect(b, STATUS_OK);
    const unsigned calls = b->rig->calls;
    job_bench_free(b);
    return calls;
}

static void an_interruption_at_any_call_leaves_a_chip_that_answers(void **state)
{
    (void)state;
    const unsigned calls = calls_of_a_good_run();
    unsigned back = 0;
    for (unsigned k = 1; k <= calls; k++) {
        struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
        b->rig->cancel_at = k;
        const enum status status = job_run(b);
        assert_true(status == STATUS_CANCELLED || (status == STATUS_OK && k + 2 >= calls));
        if (status != STATUS_OK) {
            if (job_chip(b, AVR_FUSES)[0] == 0xe2)
                fail_msg("interrupted at call %u: lfuse stays raised: %s", k, b->rig->log);
            back += was_raised(b) && job_chip(b, AVR_FUSES)[0] == 0x62;
            job_assert_rules(b);
        }
        b->rig->cancel_at = 0;
        b->rig->cancel = 0;
        assert_left_well(b, k);
        job_bench_free(b);
    }
    assert_in_range(back, 5, calls);
}

static void a_failure_at_any_call_leaves_a_chip_that_answers(void **state)
{
    (void)state;
    const unsigned calls = calls_of_a_good_run();
    for (unsigned k = 1; k <= calls; k++) {
        struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
        b->rig->fail_at = k;
        job_expect(b, STATUS_LINK);
        assert_int_not_equal(job_chip(b, AVR_FUSES)[0], 0xe2);
        b->rig->fail_at = 0;
        assert_left_well(b, k);
        job_bench_free(b);
    }
}

/* Nothing works from then on: what is left is told. */
static void a_programmer_that_is_gone_leaves_a_chip_that_answers(void **state)
{
    (void)state;
    const unsigned calls = calls_of_a_good_run();
    unsigned told = 0;
    for (unsigned k = 1; k <= calls; k++) {
        struct job_bench *b = bench("m328p", RIG_RANGES, 0xff);
        b->rig->gone_at = k;
        job_expect(b, STATUS_LINK);
        told += strstr(b->error.state, "lfuse is not back") != NULL;
        b->rig->gone_at = 0;
        assert_left_well(b, k);
        job_bench_free(b);
    }
    assert_in_range(told, 5, calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_chip_is_written_at_its_undivided_clock),
        cmocka_unit_test(it_pays),
        cmocka_unit_test(the_undivided_clock_may_be_what_is_wanted),
        cmocka_unit_test(other_parts_are_raised_too),
        cmocka_unit_test(flags_forbid_it),
        cmocka_unit_test(only_a_fuse_byte_that_is_written_anyway_is_touched),
        cmocka_unit_test(a_look_at_the_fuse_forbids_it),
        cmocka_unit_test(a_chip_that_is_not_divided_stays_as_it_is),
        cmocka_unit_test(a_low_supply_forbids_it),
        cmocka_unit_test(a_small_job_is_not_worth_it),
        cmocka_unit_test(wires_that_are_too_slow_put_the_fuse_back),
        cmocka_unit_test(a_first_page_that_reads_wrong_puts_the_fuse_back),
        cmocka_unit_test(wires_that_go_bad_on_the_way_end_well),
        cmocka_unit_test(an_interruption_at_any_call_leaves_a_chip_that_answers),
        cmocka_unit_test(a_failure_at_any_call_leaves_a_chip_that_answers),
        cmocka_unit_test(a_programmer_that_is_gone_leaves_a_chip_that_answers),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
