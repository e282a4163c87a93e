/* SCK where the tool chooses it: by the fuses, by trying, and slower again after a bad verify. */
#include <stdlib.h>
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static uint8_t app[1024], large[16384];
static const uint32_t usbasp_rates[] = {500,   1000,   2000,   4000,   8000,    16000,   32000,
                                        93750, 187500, 375000, 750000, 1500000, 3000000, 0};

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 7 % 250);
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 13 % 253);
    return 0;
}

static struct job_bench *bench(const char *chip, uint8_t low_fuse, uint32_t crystal_hz)
{
    struct avr_chip_options options = avr_chip_defaults();
    options.crystal_hz = crystal_hz;
    struct job_bench *b = job_bench_with(chip, RIG_RANGES, chip, &options);
    job_chip(b, AVR_FUSES)[0] = low_fuse;
    return b;
}

/* Its fuses tell nothing. */
static struct job_bench *bench_at90s(void)
{
    struct avr_chip_options options = avr_chip_defaults();
    options.crystal_hz = 8000000;
    return job_bench_with("8515", RIG_RANGES, "8515", &options);
}

struct row {
    const char *chip;
    uint8_t low_fuse;
    uint32_t crystal_hz;
    uint32_t free_hz, usbasp_hz; /* SCK that comes out: any can be set; only a USBasp's */
};

static const struct row rows[] = {
    {"m328p", 0x62, 0, 224999, 187500},          /* factory: 8 MHz / 8 */
    {"m328p", 0xe2, 0, 1799999, 1500000},        /* the same, undivided */
    {"m328p", 0xff, 16000000, 2666665, 1500000}, /* 8 to 16 MHz, which bear less than 2 to 2.67 */
    {"m328p", 0xff, 8000000, 1999999, 1500000},  /* the slowest of these */
    {"m328p", 0xf7, 20000000, 3333332, 3000000}, /* full swing: bears less than 3.33 MHz */
    {"m328p", 0xf7, 16000000, 1500000, 1500000}, /* tried out at 3 MHz, which is too fast */
    {"m328p", 0xe3, 0, 28799, 16000},            /* 128 kHz */
    {"m328p", 0xe4, 32768, 8191, 8000},          /* watch crystal */
    {"m328p", 0x7f, 16000000, 499999, 375000},   /* crystal divided by 8 */
    {"m8", 0xe1, 0, 224999, 187500},             /* factory: 1 MHz */
    {"m8", 0xe4, 0, 1799999, 1500000},           /* 8 MHz */
    {"m8", 0xff, 16000000, 2666665, 1500000},    /* from 1 MHz on */
    {"t85", 0x62, 0, 224999, 187500},            /* factory */
    {"t85", 0xe2, 0, 1799999, 1500000},          /* 8 MHz */
    {"t85", 0xe1, 0, 2399999, 1500000},          /* PLL: 16 MHz */
    {"t13", 0x6a, 0, 269999, 187500},            /* factory: 9.6 MHz / 8 */
    {"t13", 0x7a, 0, 2159999, 1500000},          /* 9.6 MHz */
    {"m2560", 0x62, 0, 224999, 187500},          /* factory */
    {"m2560", 0xff, 16000000, 2666665, 1500000}, /* no version of it runs faster */
    {"usb1286", 0x5e, 16000000, 499998, 375000}, /* factory: crystal divided by 8 */
    {"usb1286", 0xde, 16000000, 1999999, 1500000},
    {"8515", 0x00, 8000000, 1999999, 1500000}, /* nothing tells: tried from 187.5 kHz on */
};

static void expect_clock(const struct row *row, const uint32_t *rates, uint32_t sck_hz)
{
    struct job_bench *b = strcmp(row->chip, "8515") == 0
                              ? bench_at90s()
                              : bench(row->chip, row->low_fuse, row->crystal_hz);
    b->rig->sck_rates = rates;
    job_write(b, "flash", 0, large, strcmp(row->chip, "t13") == 0 ? 1000 : 8000);
    job_expect(b, STATUS_OK);
    if (b->rig->sck_hz != sck_hz)
        fail_msg("%s 0x%02x at %u Hz: SCK %u instead of %u Hz\n%s", row->chip, row->low_fuse,
                 (unsigned)row->crystal_hz, (unsigned)b->rig->sck_hz, (unsigned)sck_hz,
                 b->rig->log);
    job_bench_free(b);
}

static void sck_follows_the_fuses_and_the_chip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_clock(&rows[i], NULL, rows[i].free_hz);
        expect_clock(&rows[i], usbasp_rates, rows[i].usbasp_hz);
    }
}

static void an_internal_oscillator_is_never_asked_too_much(void **state)
{
    (void)state;
    static const uint8_t fuses[] = {0x62, 0xe2, 0xe3};
    for (size_t i = 0; i < sizeof fuses; i++) {
        struct job_bench *b = bench("m328p", fuses[i], 0);
        avr_chip_clear_stats(b->rig->chip);
        job_write(b, "flash", 0, large, sizeof large);
        job_expect(b, STATUS_OK);
        if (fuses[i] != 0xe3) /* entering finds that one by going down */
            assert_int_equal(avr_chip_stats(b->rig->chip)->sck_violations, 0);
        job_bench_free(b);
    }
}

static void small_jobs_are_not_tuned(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xff, 16000000);
    job_read(b, "signature");
    job_read(b, "hfuse");
    job_write(b, "flash", 0, app, 128);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_changes, 1);
    assert_int_equal(b->rig->sck_hz, 187500);
    job_bench_free(b);
}

static void tuning_costs_one_batch_a_step(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xe2, 0);
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_changes, 2); /* entering, the only step */
    assert_int_equal(b->rig->enters, 1);
    assert_int_equal(b->rig->exchanges, 5); /* proof, signature, fuses, probe, lock bits */
    job_bench_free(b);
}

static void the_users_clock_is_kept(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xff, 16000000);
    b->rig->config.sck_hz = 100000;
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_hz, 100000);
    assert_int_equal(b->rig->sck_changes, 1);
    job_bench_free(b);
}

static void what_is_only_read_gets_what_every_clock_bears(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xff, 20000000);
    job_read(b, "flash");
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_hz, 1999999);
    assert_int_equal(avr_chip_stats(b->rig->chip)->sck_violations, 0);
    job_bench_free(b);
}

static void the_choice_is_told(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xf7, 16000000);
    b->rig->sck_rates = usbasp_rates;
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    job_assert_said(b,
                    "detail: SCK 1500 kHz: the fuses clock the chip with 0.4 to 20 MHz, so it may "
                    "be up to 3333.332 kHz; in doubt at 3000 kHz");
    assert_non_null(strstr(b->rig->values, "sck=187.5 kHz;"));
    assert_non_null(strstr(b->rig->values, "sck=1500 kHz;"));
    job_bench_free(b);
}

static void a_programmer_that_enters_anew_for_each_clock_is_served(void **state)
{
    (void)state;
    struct avr_chip_options options = avr_chip_defaults();
    struct job_bench *b = job_bench_with("m328p", RIG_REPORTS, "m328p", &options);
    job_chip(b, AVR_FUSES)[0] = 0xf7;
    b->rig->sck_rates = usbasp_rates;
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_hz, 1500000);
    job_assert_said(b, "in doubt at");
    assert_memory_equal(job_chip(b, AVR_FLASH), large, sizeof large);
    job_bench_free(b);
}

static void bad_wires_are_found_while_trying(void **state)
{
    (void)state;
    struct job_bench *b = bench_at90s();
    avr_chip_set_bit_error_rate(b->rig->chip, 20);
    b->rig->noisy_above_hz = 500000;
    job_write(b, "flash", 0, large, 8000);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_hz, 375000);
    assert_memory_equal(job_chip(b, AVR_FLASH), large, 8000);
    job_bench_free(b);
}

/* From the first reading of flash on, so that only the verify sees it. */
static void a_verify_that_fails_is_repeated_once_slower(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xe2, 0);
    avr_chip_set_bit_error_rate(b->rig->chip, 5000);
    b->rig->noisy_above_hz = 1000000;
    b->rig->noisy_from = sizeof large + 300;
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->sck_hz, 899999);
    job_assert_said(b, "once more with a slower SCK");
    assert_memory_equal(job_chip(b, AVR_FLASH), large, sizeof large);
    assert_int_equal(b->report.mismatches, 0);
    assert_int_equal(job_report(b, "flash")->verified, sizeof large);
    job_bench_free(b);
}

/* Wrong bytes are in the chip then: it is erased and written again. */
static void what_was_written_wrong_is_erased_and_written_again(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xe2, 0);
    avr_chip_set_bit_error_rate(b->rig->chip, 20000);
    b->rig->noisy_above_hz = 1000000;
    b->rig->noisy_from = 200;
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "once more with a slower SCK");
    assert_memory_equal(job_chip(b, AVR_FLASH), large, sizeof large);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 2);
    assert_int_equal(job_report(b, "flash")->written, sizeof large);
    assert_int_equal(job_report(b, "flash")->verified, sizeof large);
    assert_int_equal(b->report.mismatches, 0);
    job_bench_free(b);
}

static void a_bad_cell_is_not_blamed_on_the_clock(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xe2, 0);
    for (uint32_t i = 0; i < 8; i++)
        avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, i, 0, 0, 0xff);
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_UNVERIFIED);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    job_bench_free(b);
    b = bench("m328p", 0xe2, 0);
    avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, 5, 0xff, 0, 0);
    job_write(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_VERIFY);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 2); /* it had its second chance */
    assert_int_equal(b->report.mismatches, 1);
    job_bench_free(b);
}

static void another_content_is_told_without_a_second_try(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xe2, 0);
    job_verify(b, "flash", 0, large, sizeof large);
    job_expect(b, STATUS_VERIFY);
    assert_null(strstr(b->rig->log, "once more"));
    job_bench_free(b);
}

static void tuning_can_fail_at_every_call(void **state)
{
    (void)state;
    struct job_bench *b = bench("m328p", 0xff, 16000000);
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    const unsigned calls = b->rig->calls;
    job_bench_free(b);
    for (unsigned k = 1; k <= calls; k++) {
        b = bench("m328p", 0xff, 16000000);
        job_write(b, "flash", 0, app, sizeof app);
        b->rig->fail_at = k;
        job_expect(b, STATUS_LINK);
        job_bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sck_follows_the_fuses_and_the_chip),
        cmocka_unit_test(an_internal_oscillator_is_never_asked_too_much),
        cmocka_unit_test(small_jobs_are_not_tuned),
        cmocka_unit_test(tuning_costs_one_batch_a_step),
        cmocka_unit_test(the_users_clock_is_kept),
        cmocka_unit_test(what_is_only_read_gets_what_every_clock_bears),
        cmocka_unit_test(the_choice_is_told),
        cmocka_unit_test(a_programmer_that_enters_anew_for_each_clock_is_served),
        cmocka_unit_test(bad_wires_are_found_while_trying),
        cmocka_unit_test(a_verify_that_fails_is_repeated_once_slower),
        cmocka_unit_test(what_was_written_wrong_is_erased_and_written_again),
        cmocka_unit_test(a_bad_cell_is_not_blamed_on_the_clock),
        cmocka_unit_test(another_content_is_told_without_a_second_try),
        cmocka_unit_test(tuning_can_fail_at_every_call),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
