/* What a report says was verified: which bytes, as they were last written. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static const uint8_t zeros[64];
static uint8_t ones[64];

static int fill(void **state)
{
    (void)state;
    memset(ones, 1, sizeof ones);
    return 0;
}

static const struct image *proven(const struct job_bench *b, const char *memory)
{
    return job_report(b, memory)->proven;
}

static void a_verified_write_is_proven_byte_for_byte(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    uint8_t value;
    job_write(b, "flash", 0x100, ones, sizeof ones);
    job_write(b, "flash", 0x200, zeros, sizeof zeros);
    job_write_byte(b, "lfuse", 0xff);
    job_expect(b, STATUS_OK);
    assert_int_equal(image_bytes(proven(b, "flash")), 128);
    assert_int_equal(image_low(proven(b, "flash")), 0x100);
    assert_true(image_get(proven(b, "flash"), 0x13f, &value));
    assert_int_equal(value, 1);
    assert_null(proven(b, "lfuse"));
    assert_null(proven(b, "eeprom"));
    job_bench_free(b);
}

static void without_a_verify_nothing_is_proven(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    b->job.flags |= JOB_NO_VERIFY;
    job_write(b, "flash", 0, ones, sizeof ones);
    job_expect(b, STATUS_OK);
    assert_null(proven(b, "flash"));
    job_bench_free(b);
}

static void what_is_written_over_later_is_not_proven_any_more(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "eeprom", 0, ones, sizeof ones);
    job_expect(b, STATUS_OK);
    job_again(b);
    b->job.flags |= JOB_NO_VERIFY;
    job_verify(b, "eeprom", 0, ones, sizeof ones);
    job_write(b, "eeprom", 8, zeros, 8);
    job_expect(b, STATUS_OK);
    assert_null(proven(b, "eeprom"));
    job_bench_free(b);
}

static void an_erase_takes_the_proof_with_it(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "flash", 0, ones, sizeof ones);
    job_erase(b);
    job_expect(b, STATUS_OK);
    assert_null(proven(b, "flash"));
    job_bench_free(b);
}

static void a_chip_that_holds_it_all_already_is_proven_too(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    for (int i = 0; i < 2; i++) {
        job_again(b);
        b->job.flags |= JOB_SKIP_IF_SAME;
        job_write(b, "flash", 0, ones, sizeof ones);
        job_expect(b, STATUS_OK);
        assert_int_equal(image_bytes(proven(b, "flash")), sizeof ones);
    }
    assert_int_equal(job_report(b, "flash")->skipped, sizeof ones);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verified_write_is_proven_byte_for_byte),
        cmocka_unit_test(without_a_verify_nothing_is_proven),
        cmocka_unit_test(what_is_written_over_later_is_not_proven_any_more),
        cmocka_unit_test(an_erase_takes_the_proof_with_it),
        cmocka_unit_test(a_chip_that_holds_it_all_already_is_proven_too),
    };
    return cmocka_run_group_tests_name("session_proven", tests, fill, NULL);
}
