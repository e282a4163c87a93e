/* The simulated chip against the data sheets' rules, one by one: flash, EEPROM, how long they are
 * busy, and Chip Erase. */
#include "chip_bench.h"

/* --- flash by pages --------------------------------------------------------------------------- */

static void a_page_is_written_from_the_buffer(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0x40, 0x12, 0x34); /* of the address only the place in the page counts */
    load_word(b, 0x01, 0x56, 0x78);
    commit(b, 0x0047);
    assert_int_equal(read_flash(b, 0x80), 0x12);
    assert_int_equal(read_flash(b, 0x81), 0x34);
    assert_int_equal(read_flash(b, 0x82), 0x56);
    assert_int_equal(read_flash(b, 0x83), 0x78);
    assert_int_equal(read_flash(b, 0x84), 0xff);
    assert_int_equal(read_flash(b, 0x00), 0xff);
}

static void cells_go_from_1_to_0_only(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 0xf0, 0x3c);
    commit(b, 0);
    load_word(b, 0, 0x3f, 0x81);
    commit(b, 0);
    assert_int_equal(read_flash(b, 0), 0x30);
    assert_int_equal(read_flash(b, 1), 0x00);
}

static void the_page_buffer_is_empty_after_a_write(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 0, 0);
    commit(b, 0);
    load_word(b, 1, 1, 1);
    commit(b, 0x40);
    assert_int_equal(read_flash(b, 0x80), 0xff);
    assert_int_equal(read_flash(b, 0x82), 1);
}

static void the_page_buffer_is_empty_after_reset(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 0, 0);
    assert_true(bench_enter(b));
    commit(b, 0);
    assert_int_equal(read_flash(b, 0), 0xff);
}

static void two_halves_of_a_page_can_be_written_in_two_goes(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 1, 2);
    commit(b, 0);
    load_word(b, 1, 3, 4);
    commit(b, 0);
    assert_int_equal(read_flash(b, 0), 1);
    assert_int_equal(read_flash(b, 1), 2);
    assert_int_equal(read_flash(b, 2), 3);
    assert_int_equal(read_flash(b, 3), 4);
}

static void beyond_128_kib_the_extended_address_chooses_the_half(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m2560", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0x4d, 0, 1, 0);
    load_word(b, 0, 0xaa, 0xbb);
    commit(b, 0);
    assert_int_equal(read_flash(b, 0), 0xaa);
    (void)bench_send(b, 0x4d, 0, 0, 0);
    assert_int_equal(read_flash(b, 0), 0xff);
    assert_int_equal(bench_bytes(b, "flash")[0x20000], 0xaa);
    assert_int_equal(bench_bytes(b, "flash")[0x20001], 0xbb);
}

static void a_small_chip_knows_no_extended_address(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0x4d, 0, 1, 0);
    assert_int_equal(chip_counts(b->chip)->unknown, 1);
}

static void flash_repeats_beyond_its_end(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m8", NULL);
    bench_bytes(b, "flash")[2] = 0x5a;
    assert_true(bench_enter(b));
    assert_int_equal(read_flash(b, 2 + 8192), 0x5a);
}

/* --- flash byte by byte ----------------------------------------------------------------------- */

static void old_parts_program_each_byte_at_once(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s8515", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0x40, 0x01, 0x02, 0x5a);
    bench_wait_us(b, 20000);
    (void)bench_send(b, 0x48, 0x01, 0x02, 0xa5);
    bench_wait_us(b, 20000);
    assert_int_equal(read_flash(b, 0x204), 0x5a);
    assert_int_equal(read_flash(b, 0x205), 0xa5);
    (void)bench_send(b, 0x40, 0x01, 0x02, 0x0f);
    bench_wait_us(b, 20000);
    assert_int_equal(read_flash(b, 0x204), 0x0a);
    (void)bench_send(b, 0x4c, 0x01, 0x02, 0);
    assert_int_equal(chip_counts(b->chip)->unknown, 1);
}

static void an_at89s52_has_byte_addresses(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at89s52", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0x40, 0x01, 0x03, 0x5a);
    bench_wait_us(b, 10000);
    assert_int_equal(bench_bytes(b, "flash")[0x103], 0x5a);
    assert_int_equal(bench_send(b, 0x20, 0x01, 0x03, 0), 0x5a);
}

/* --- EEPROM ----------------------------------------------------------------------------------- */

static void an_eeprom_byte_is_erased_and_written_in_one(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_bytes(b, "eeprom")[0x123] = 0x00;
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xc0, 0x01, 0x23, 0xa5);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0xa0, 0x01, 0x23, 0), 0xa5);
}

static void an_eeprom_page_changes_the_loaded_bytes_only(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    uint8_t *eeprom = bench_bytes(b, "eeprom");
    memcpy(eeprom + 8, (const uint8_t[]){1, 2, 3, 4}, 4);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xc1, 0, 1, 0xaa);
    (void)bench_send(b, 0xc1, 0, 3, 0xbb);
    (void)bench_send(b, 0xc2, 0, 8, 0);
    bench_wait_us(b, 5000);
    (void)bench_send(b, 0xc2, 0, 12, 0); /* nothing loaded since: nothing changes */
    bench_wait_us(b, 5000);
    eeprom = bench_bytes(b, "eeprom");
    assert_memory_equal(eeprom + 8, ((const uint8_t[]){1, 0xaa, 3, 0xbb}), 4);
    assert_int_equal(eeprom[13], 0xff);
}

/* --- busy ------------------------------------------------------------------------------------- */

static void poll_ready_tells_busy_until_the_time_is_over(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 1, 2);
    (void)bench_send(b, 0x4c, 0, 0, 0);
    assert_int_equal(bench_send(b, 0xf0, 0, 0, 0) & 1, 1);
    bench_wait_us(b, 4500);
    assert_int_equal(bench_send(b, 0xf0, 0, 0, 0) & 1, 0);
    assert_int_equal(chip_counts(b->chip)->busy, 0);
}

static void an_instruction_during_a_write_is_ignored_and_counted(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 1, 2);
    (void)bench_send(b, 0x4c, 0, 0, 0);
    load_word(b, 0, 7, 7);
    (void)bench_send(b, 0xac, 0xa0, 0, 0x00);
    assert_int_equal(chip_counts(b->chip)->busy, 3);
    bench_wait_us(b, 5000);
    commit(b, 0x40);
    assert_int_equal(read_flash(b, 0x80), 0xff);
    assert_int_equal(bench_send(b, 0x50, 0, 0, 0), 0x62);
}

static void value_polling_shows_ff_on_an_atmega8_until_it_is_done(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m8", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 0x12, 0x34);
    (void)bench_send(b, 0x4c, 0, 0, 0);
    assert_int_equal(read_flash(b, 0), 0xff);
    assert_int_equal(read_flash(b, 63), 0xff);
    assert_int_equal(chip_counts(b->chip)->busy, 0);
    (void)read_flash(b, 64); /* another page: not allowed now */
    assert_int_equal(chip_counts(b->chip)->busy, 1);
    bench_wait_us(b, 4500);
    assert_int_equal(read_flash(b, 0), 0x12);
}

static void an_old_eeprom_shows_two_poll_values(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s8515", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xc0, 0, 5, 0x42);
    assert_int_equal(bench_send(b, 0xa0, 0, 5, 0), 0x80);
    size_t index = 0;
    const uint32_t busy_us = bench_memory(b, "eeprom", &index)->write_min_us;
    bench_wait_us(b, busy_us / 2);
    assert_int_equal(bench_send(b, 0xa0, 0, 5, 0), 0x7f);
    bench_wait_us(b, busy_us);
    assert_int_equal(bench_send(b, 0xa0, 0, 5, 0), 0x42);
}

static void an_operation_that_reset_cuts_off_has_not_happened(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    load_word(b, 0, 1, 2);
    (void)bench_send(b, 0x4c, 0, 0, 0);
    assert_true(bench_enter(b));
    assert_int_equal(read_flash(b, 0), 0xff);
    assert_int_equal(chip_counts(b->chip)->interrupted, 1);
}

/* --- chip erase ------------------------------------------------------------------------------- */

static void chip_erase_clears_flash_eeprom_and_lock_but_no_fuse(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_bytes(b, "flash")[0x7fff] = 0;
    bench_bytes(b, "eeprom")[0] = 0;
    bench_bytes(b, "lock")[0] = 0xfc;
    assert_true(bench_enter(b));
    erase(b);
    assert_int_equal(bench_bytes(b, "flash")[0x7fff], 0xff);
    assert_int_equal(bench_bytes(b, "eeprom")[0], 0xff);
    assert_int_equal(bench_bytes(b, "lock")[0], 0xff);
    assert_int_equal(bench_bytes(b, "hfuse")[0], 0xd9);
}

static void eesave_acts_as_soon_as_it_is_programmed(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_bytes(b, "flash")[0] = 0;
    bench_bytes(b, "eeprom")[0] = 0x11;
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xa8, 0, 0xd1);
    bench_wait_us(b, 5000);
    erase(b);
    assert_int_equal(bench_bytes(b, "flash")[0], 0xff);
    assert_int_equal(bench_bytes(b, "eeprom")[0], 0x11);
}

static void an_at90s_wants_a_reset_pulse_after_chip_erase(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s8515", NULL);
    bench_bytes(b, "flash")[0] = 0;
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0x9f, 0, 0); /* 100x xxxx */
    bench_wait_us(b, b->part->erase_us);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0xff);
    (void)bench_send(b, 0xac, 0x53, 0, 0);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0xff);
    assert_true(bench_enter(b));
    assert_int_equal(read_flash(b, 0), 0xff);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0x1e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_written_from_the_buffer),
        cmocka_unit_test(cells_go_from_1_to_0_only),
        cmocka_unit_test(the_page_buffer_is_empty_after_a_write),
        cmocka_unit_test(the_page_buffer_is_empty_after_reset),
        cmocka_unit_test(two_halves_of_a_page_can_be_written_in_two_goes),
        cmocka_unit_test(beyond_128_kib_the_extended_address_chooses_the_half),
        cmocka_unit_test(a_small_chip_knows_no_extended_address),
        cmocka_unit_test(flash_repeats_beyond_its_end),
        cmocka_unit_test(old_parts_program_each_byte_at_once),
        cmocka_unit_test(an_at89s52_has_byte_addresses),
        cmocka_unit_test(an_eeprom_byte_is_erased_and_written_in_one),
        cmocka_unit_test(an_eeprom_page_changes_the_loaded_bytes_only),
        cmocka_unit_test(poll_ready_tells_busy_until_the_time_is_over),
        cmocka_unit_test(an_instruction_during_a_write_is_ignored_and_counted),
        cmocka_unit_test(value_polling_shows_ff_on_an_atmega8_until_it_is_done),
        cmocka_unit_test(an_old_eeprom_shows_two_poll_values),
        cmocka_unit_test(an_operation_that_reset_cuts_off_has_not_happened),
        cmocka_unit_test(chip_erase_clears_flash_eeprom_and_lock_but_no_fuse),
        cmocka_unit_test(eesave_acts_as_soon_as_it_is_programmed),
        cmocka_unit_test(an_at90s_wants_a_reset_pulse_after_chip_erase),
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
