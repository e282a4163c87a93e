/* The simulated chip against the data sheets' rules, one by one: the way in, SCK, and defects. */
#include "chip_bench.h"

/* --- entering --------------------------------------------------------------------------------- */

static void programming_enable_echoes_53_in_the_third_byte(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    assert_int_equal(b->miso[2], 0x53);
}

static void without_reset_the_chip_is_silent(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(b->miso[2], 0xff);
    assert_int_equal(chip_counts(b->chip)->ignored, 1);
}

static void programming_enable_within_20_ms_is_not_heard(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    chip_reset(b->chip, true, b->now_ns);
    bench_wait_us(b, 10000);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(b->miso[2], 0xff);
    bench_wait_us(b, 10000);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(b->miso[2], 0x53);
}

static void nothing_is_answered_before_programming_enable(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_reset(b);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0xff);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0x1e);
}

static void a_reset_pulse_ends_programming_mode(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    bench_reset(b);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0xff);
}

static void an_at90s1200_enables_without_an_echo(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s1200", NULL);
    bench_reset(b);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(b->miso[2], 0xff);
    assert_int_equal(bench_send(b, 0x30, 0, 1, 0), 0x90);
}

static void an_at89s52_answers_69_in_the_fourth_byte(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at89s52", NULL);
    assert_true(bench_enter(b));
    assert_int_equal(b->miso[3], 0x69);
    assert_int_equal(bench_send(b, 0x28, 0, 0, 0), 0x1e);
    assert_int_equal(bench_send(b, 0x28, 1, 0, 0), 0x52);
    assert_int_equal(bench_send(b, 0x28, 2, 0, 0), 0x06);
}

static void every_byte_comes_back_with_the_next(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0x30, 0x12, 0x01, 0);
    assert_int_equal(b->miso[1], 0x30);
    assert_int_equal(b->miso[2], 0x12);
    assert_int_equal(b->miso[3], 0x95);
}

/* --- SCK -------------------------------------------------------------------------------------- */

static void sck_has_the_limit_of_the_data_sheet(void **state)
{
    struct bench *b = *state;
    const struct chip_options fast = {.crystal_hz = 16000000};
    bench_place(b, "m328p", NULL);
    assert_int_equal(chip_sck_limit_hz(b->chip), 250000);
    bench_place(b, "m328p", &fast);
    bench_bytes(b, "lfuse")[0] = 0xff;
    bench_reset(b);
    assert_int_equal(chip_sck_limit_hz(b->chip), 16000000 / 6);
    bench_place(b, "at90s1200", NULL);
    assert_int_equal(chip_sck_limit_hz(b->chip), 1000000);
    bench_place(b, "at89s52", NULL);
    assert_int_equal(chip_sck_limit_hz(b->chip), 500001);
}

/* Signature bytes misread in 30 readings. */
static unsigned misreadings(struct bench *b, uint32_t sck_hz)
{
    unsigned wrong = 0;
    b->sck_hz = sck_hz;
    for (uint8_t i = 0; i < 30; i++)
        wrong += bench_send(b, 0x30, 0, i % 3, 0) != b->part->signature[i % 3];
    return wrong;
}

static void too_fast_an_sck_gives_bit_errors_the_same_each_time(void **state)
{
    struct bench *b = *state;
    unsigned first = 0;
    for (unsigned run = 0; run < 2; run++) {
        bench_place(b, "m328p", NULL);
        assert_true(bench_enter(b));
        assert_int_equal(misreadings(b, 249000), 0);
        const unsigned wrong = misreadings(b, 300000);
        assert_in_range(wrong, 1, 29);
        assert_true(run == 0 || wrong == first);
        first = wrong;
        assert_int_equal(chip_counts(b->chip)->too_fast, 30);
    }
}

static void far_too_fast_an_sck_is_not_heard_at_all(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    assert_int_equal(misreadings(b, 1000000), 30);
    assert_int_equal(misreadings(b, 100000), 0);
}

/* --- defects ---------------------------------------------------------------------------------- */

static void a_weak_cell_does_not_read_the_same_twice(void **state)
{
    struct bench *b = *state;
    struct chip_options options = {.crystal_hz = 8000000, .cell_count = 1};
    options.cells[0] =
        (struct chip_cell){.memory = MEMORY_FLASH, .address = 5, .defect = CHIP_CELL_WEAK};
    bench_place(b, "m328p", &options);
    assert_true(bench_enter(b));
    assert_int_not_equal(read_flash(b, 5), read_flash(b, 5));
    assert_int_equal(read_flash(b, 4), 0xff);
}

static void a_stuck_cell_keeps_its_value(void **state)
{
    struct bench *b = *state;
    struct chip_options options = {.crystal_hz = 8000000, .cell_count = 1};
    options.cells[0] =
        (struct chip_cell){.memory = MEMORY_EEPROM, .address = 5, .defect = CHIP_CELL_STUCK};
    bench_place(b, "m328p", &options);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xc0, 0, 5, 0x11);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0xa0, 0, 5, 0), 0xff);
}

static void a_worn_out_chip_takes_instructions_and_changes_nothing(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_bytes(b, "flash")[0] = 0x0f;
    assert_true(bench_enter(b));
    chip_wear_out(b->chip, true, false);
    erase(b);
    assert_int_equal(read_flash(b, 0), 0x0f);
    chip_wear_out(b->chip, false, true);
    load_word(b, 1, 1, 1);
    commit(b, 0);
    assert_int_equal(read_flash(b, 2), 0xff);
    erase(b);
    assert_int_equal(read_flash(b, 0), 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programming_enable_echoes_53_in_the_third_byte),
        cmocka_unit_test(without_reset_the_chip_is_silent),
        cmocka_unit_test(programming_enable_within_20_ms_is_not_heard),
        cmocka_unit_test(nothing_is_answered_before_programming_enable),
        cmocka_unit_test(a_reset_pulse_ends_programming_mode),
        cmocka_unit_test(an_at90s1200_enables_without_an_echo),
        cmocka_unit_test(an_at89s52_answers_69_in_the_fourth_byte),
        cmocka_unit_test(every_byte_comes_back_with_the_next),
        cmocka_unit_test(sck_has_the_limit_of_the_data_sheet),
        cmocka_unit_test(too_fast_an_sck_gives_bit_errors_the_same_each_time),
        cmocka_unit_test(far_too_fast_an_sck_is_not_heard_at_all),
        cmocka_unit_test(a_weak_cell_does_not_read_the_same_twice),
        cmocka_unit_test(a_stuck_cell_keeps_its_value),
        cmocka_unit_test(a_worn_out_chip_takes_instructions_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
