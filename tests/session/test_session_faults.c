/* Jobs that go wrong on the way: what is said, and in what state things are left. */
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

static void expect_text(const char *where, const char *text)
{
    if (strstr(where, text) == NULL)
        fail_msg("%s\nis not in: %s", text, where);
}

/* --- mismatches ----------------------------------------------------------------------------- */

static void cells_never_written_are_recognised(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    avr_chip_set_fault(b->rig->chip, AVR_FAULT_NO_WRITE, true);
    job_write(b, "flash", 0, app, 256);
    job_expect(b, STATUS_VERIFY);
    expect_text(b->error.text, "verify flash: 256 of 256 bytes differ, at 0x0000-0x00ff");
    expect_text(b->error.hint, "they were never written");
    expect_text(b->error.state, "the chip was erased; flash written, not as wanted");
    assert_int_equal(b->report.mismatches, 256);
    assert_int_equal(b->rig->mismatches, 64); /* told one by one up to there */
    job_bench_free(b);
}

static void cells_not_erased_are_recognised(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    memset(job_chip(b, AVR_FLASH), 0x0f, 128);
    avr_chip_set_fault(b->rig->chip, AVR_FAULT_NO_ERASE, true);
    job_write(b, "flash", 0, app, 256);
    job_expect(b, STATUS_VERIFY);
    expect_text(b->error.hint, "the erase did not work");
    job_bench_free(b);
}

static void a_bad_cell_is_named_with_its_bytes(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, 0x21, 0xff, 0x55, 0);
    job_write(b, "flash", 0, app, 256);
    job_expect(b, STATUS_VERIFY);
    expect_text(b->error.text, "1 of 256 bytes differ, at 0x0021; at 0x0021 0xe7 is wanted and "
                               "0x55 was found");
    assert_int_equal(b->rig->mismatches, 1);
    job_bench_free(b);
}

static void an_unstable_cell_is_not_called_a_mismatch(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    memcpy(job_chip(b, AVR_FLASH), app, 256);
    avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, 0x21, 0, 0, 0xff);
    job_verify(b, "flash", 0, app, 256);
    job_expect(b, STATUS_UNVERIFIED);
    expect_text(b->error.text, "cannot be read reliably");
    expect_text(b->error.hint, "unreliable");
    job_bench_free(b);
}

static void lost_address_bits_are_recognised(void **state)
{
    (void)state;
    static uint8_t big[0x20000];
    struct job_bench *b = job_bench_new("m2560", RIG_RANGES, "m2560");
    for (uint32_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)((i * 37 + (i >> 16) * 91 + (i >> 8) * 3) % 251);
    memcpy(job_chip(b, AVR_FLASH), big, 0x10000);
    memcpy(job_chip(b, AVR_FLASH) + 0x10000, big, 0x10000); /* as if bit 16 was lost */
    job_verify(b, "flash", 0, big, sizeof big);
    job_expect(b, STATUS_VERIFY);
    expect_text(b->error.hint, "upper address bits got lost");
    job_bench_free(b);
}

static void bit_errors_on_the_way_back_do_not_condemn_the_chip(void **state)
{
    (void)state;
    unsigned cleared = 0;
    for (uint32_t seed = 0; seed < 30; seed++) {
        struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
        struct avr_chip_options options = avr_chip_defaults();
        options.seed = seed;
        avr_chip_free(b->rig->chip);
        b->rig->chip = avr_chip_new(avr_chip_spec("m328p"), &options);
        memcpy(job_chip(b, AVR_FLASH), app, 256);
        avr_chip_set_fault(b->rig->chip, AVR_FAULT_BIT_ERRORS, true);
        avr_chip_set_bit_error_rate(b->rig->chip, 4000);
        job_verify(b, "flash", 0, app, 256);
        const enum status status = job_run(b);
        /* whatever the noise does, a chip that holds the right bytes is not called wrong ... */
        assert_int_not_equal(status, STATUS_VERIFY);
        cleared += status == STATUS_OK && strstr(b->rig->log, "read wrong once") != NULL;
        job_bench_free(b);
    }
    assert_true(cleared > 0); /* ... and what was read wrong once is told */
}

static struct job_bench *noisy_bench(uint32_t seed, uint32_t bits, uint8_t *image, uint32_t size)
{
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    struct avr_chip_options options = avr_chip_defaults();
    options.seed = seed;
    avr_chip_free(b->rig->chip);
    b->rig->chip = avr_chip_new(avr_chip_spec("m328p"), &options);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)(i * 7 % 250);
    memcpy(job_chip(b, AVR_FLASH), image, size);
    avr_chip_set_fault(b->rig->chip, AVR_FAULT_BIT_ERRORS, true);
    avr_chip_set_bit_error_rate(b->rig->chip, bits);
    job_verify(b, "flash", 0, image, size);
    return b;
}

static void bit_errors_far_apart_are_each_read_again(void **state)
{
    (void)state;
    static uint8_t big[0x8000];
    unsigned cleared = 0;
    for (uint32_t seed = 0; seed < 10; seed++) {
        struct job_bench *b = noisy_bench(seed, 60000, big, sizeof big);
        const enum status status = job_run(b);
        assert_int_not_equal(status, STATUS_VERIFY);
        cleared += status == STATUS_OK;
        job_bench_free(b);
    }
    assert_true(cleared > 5);
}

static void more_bit_errors_than_are_read_again_leave_it_open_what_the_chip_holds(void **state)
{
    (void)state;
    static uint8_t big[0x8000];
    struct job_bench *b = noisy_bench(1, 1500, big, sizeof big);
    job_expect(b, STATUS_UNVERIFIED);
    expect_text(b->error.text, "cannot be read reliably");
    expect_text(b->error.hint, "the connection is unreliable");
    job_bench_free(b);
}

static void a_bad_cell_is_found_among_bit_errors(void **state)
{
    (void)state;
    static uint8_t big[0x8000];
    struct job_bench *b = noisy_bench(1, 60000, big, sizeof big);
    avr_chip_add_bad_cell(b->rig->chip, AVR_FLASH, 0x7000, 0xff, 0x55, 0);
    job_expect(b, STATUS_VERIFY);
    expect_text(b->error.text, "1 of 32768 bytes differ, at 0x7000; at 0x7000 0xcc is wanted and");
    job_bench_free(b);
}

/* --- every call fails once ------------------------------------------------------------------ */

static void add_everything(struct job_bench *b)
{
    job_read(b, "eeprom");
    job_write(b, "flash", 0, app, 512);
    job_write(b, "eeprom", 0, app + 100, 20);
    job_write_byte(b, "lfuse", 0xe2);
    job_write_byte(b, "lock", 0xcf);
}

static void every_failing_call_ends_cleanly(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < 3; i++) {
        unsigned k = 1;
        for (bool failed = true; failed; k++) {
            struct job_bench *b = job_bench_new("m328p", kinds[i], "m328p");
            b->rig->fail_at = k;
            add_everything(b);
            failed = job_run(b) != STATUS_OK;
            assert_true(chip_rig_released(b->rig));
            job_assert_rules(b);
            if (failed) {
                assert_int_equal(b->error.code, STATUS_LINK);
                expect_text(b->error.text, "unplugged at call");
                assert_int_equal(b->rig->errors, 1);
            }
            if (failed && job_instructions(b, AVR_OP_ERASE) == 0 && !b->report.erased &&
                strstr(b->error.state, "nothing was erased or written") != NULL)
                job_assert_untouched(b);
            if (job_instructions(b, AVR_OP_ERASE) > 0 && failed)
                assert_non_null(strstr(b->error.state, "erase"));
            job_bench_free(b);
        }
        assert_true(k > 8);
    }
}

/* Returns false once the job was over before call k. */
static bool interrupt_at(unsigned k, const char *part, enum chip_rig_kind kind)
{
    struct job_bench *b = job_bench_new(part, kind, part);
    b->rig->cancel_at = k;
    job_write(b, "flash", 0, app, 300);
    job_write(b, "eeprom", 0, app + 100, 20);
    job_write_byte(b, "lock", 0xcf);
    const enum status status = job_run(b);
    assert_true(chip_rig_released(b->rig));
    job_assert_rules(b);
    if (status != STATUS_OK)
        assert_int_equal(status, STATUS_CANCELLED);
    assert_int_equal(avr_chip_stats(b->rig->chip)->interrupted, 0);
    const bool reached = b->rig->calls >= k;
    job_bench_free(b);
    return reached;
}

static void every_interruption_ends_cleanly_and_never_in_the_middle_of_a_write(void **state)
{
    (void)state;
    static const char *const parts[] = {"m328p", "m8", "at90s8515"};
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_RANGES};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
        for (size_t i = 0; i < 2; i++) {
            unsigned k = 1;
            while (interrupt_at(k, parts[p], kinds[i]))
                k += k < 40 ? 1 : 17; /* all at first, then some of the many alike */
        }
}

static void the_state_tells_how_far_it_came(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    add_everything(b);
    unsigned erase_call = 0;
    for (unsigned k = 1; erase_call == 0; k++) {
        struct job_bench *trial = job_bench_new("m328p", RIG_RANGES, "m328p");
        trial->rig->fail_at = k;
        add_everything(trial);
        if (job_run(trial) != STATUS_OK && strstr(trial->error.text, "erase:") == trial->error.text)
            erase_call = k;
        if (erase_call != 0)
            expect_text(trial->error.state, "the chip erase began and may not have ended");
        job_bench_free(trial);
    }
    b->rig->fail_at = erase_call + 2; /* reading the lock bits comes between */
    job_expect(b, STATUS_LINK);
    expect_text(b->error.text, "write flash: ");
    expect_text(b->error.state, "the chip was erased; flash written in part; eeprom blank");
    expect_text(b->error.hint, "repeat the command: it begins with an erase");
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_never_written_are_recognised),
        cmocka_unit_test(cells_not_erased_are_recognised),
        cmocka_unit_test(a_bad_cell_is_named_with_its_bytes),
        cmocka_unit_test(an_unstable_cell_is_not_called_a_mismatch),
        cmocka_unit_test(lost_address_bits_are_recognised),
        cmocka_unit_test(bit_errors_on_the_way_back_do_not_condemn_the_chip),
        cmocka_unit_test(bit_errors_far_apart_are_each_read_again),
        cmocka_unit_test(more_bit_errors_than_are_read_again_leave_it_open_what_the_chip_holds),
        cmocka_unit_test(a_bad_cell_is_found_among_bit_errors),
        cmocka_unit_test(every_failing_call_ends_cleanly),
        cmocka_unit_test(every_interruption_ends_cleanly_and_never_in_the_middle_of_a_write),
        cmocka_unit_test(the_state_tells_how_far_it_came),
    };
    return cmocka_run_group_tests_name("session_faults", tests, fill, NULL);
}
