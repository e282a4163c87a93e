/* The chip model against the data sheets' rules: instructions, memories, fuses and lock bits. */
#include "avr_bench.h"

#include <string.h>

#include "support/test.h"

static void programming_enable_is_echoed_and_the_signature_read(void **state)
{
    (void)state;
    for (size_t i = 0; avr_chip_spec_at(i) != NULL; i++) {
        const struct avr_chip_spec *spec = avr_chip_spec_at(i);
        const char *name = avr_chip_spec_name(spec);
        if (strcmp(name, "at90s1200") == 0 || strcmp(name, "at89s52") == 0) {
            continue; /* they have tests of their own */
        }
        struct desk d = desk_new(name);
        assert_true(enter(&d));
        for (uint8_t n = 0; n < 3; n++) {
            assert_int_equal(send(&d, 0x30, 0, n, 0), memory(&d, AVR_SIGNATURE)[n]);
        }
        assert_int_equal(stats(&d)->undefined, 0);
        avr_chip_free(d.chip);
    }
}

static void every_byte_is_echoed_one_byte_later(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    uint8_t miso[4];
    avr_chip_instruction(d.chip, (const uint8_t[]){0x20, 0x01, 0x23, 0x45}, miso, &d.now, HALF_NS);
    assert_int_equal(miso[1], 0x20);
    assert_int_equal(miso[2], 0x01);
    assert_int_equal(miso[3], 0xff);
    avr_chip_free(d.chip);
}

static void programming_enable_before_20_ms_is_ignored(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    avr_chip_set_pin(d.chip, AVR_PIN_RESET, false, d.now);
    wait_ms(&d, 19);
    uint8_t miso[4];
    avr_chip_instruction(d.chip, (const uint8_t[]){0xac, 0x53, 0, 0}, miso, &d.now, HALF_NS);
    assert_int_equal(miso[2], 0xff);
    assert_false(avr_chip_in_programming_mode(d.chip));
    assert_int_equal(stats(&d)->enable_failures, 1);
    avr_chip_free(d.chip);
}

static void nothing_is_answered_or_done_without_programming_enable(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    pulse_reset(&d, false);
    memory(&d, AVR_FLASH)[0] = 0x12;
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0xff);
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 20);
    assert_int_equal(memory(&d, AVR_FLASH)[0], 0x12);
    assert_int_equal(stats(&d)->ignored, 2);
    avr_chip_free(d.chip);
}

static void a_flash_page_is_loaded_written_and_read_back(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    for (uint8_t word = 0; word < 64; word++) {
        load_word(&d, (uint8_t)(0x40 + word), (uint8_t)(2 * word), (uint8_t)(2 * word + 1));
    }
    send(&d, 0x4c, 0x00, 0x40, 0);
    assert_int_equal(send(&d, 0xf0, 0, 0, 0) & 1, 1);
    wait_ms(&d, 4);
    assert_int_equal(send(&d, 0xf0, 0, 0, 0) & 1, 0);
    for (uint8_t word = 0; word < 64; word++) {
        assert_int_equal(send(&d, 0x20, 0, (uint8_t)(0x40 + word), 0), 2 * word);
        assert_int_equal(send(&d, 0x28, 0, (uint8_t)(0x40 + word), 0), 2 * word + 1);
    }
    assert_int_equal(memory(&d, AVR_FLASH)[127], 0xff);
    assert_int_equal(memory(&d, AVR_FLASH)[128], 0x00);
    assert_int_equal(stats(&d)->instructions[AVR_OP_WRITE_PAGE], 1);
    assert_int_equal(stats(&d)->undefined, 0);
    avr_chip_free(d.chip);
}

static void words_not_loaded_keep_their_cells_and_ones_cannot_be_written(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memory(&d, AVR_FLASH)[0] = 0xf0;
    memory(&d, AVR_FLASH)[2] = 0x55;
    assert_true(enter(&d));
    load_word(&d, 0, 0x3c, 0x01);
    send(&d, 0x4c, 0, 0, 0);
    wait_ms(&d, 5);
    assert_int_equal(memory(&d, AVR_FLASH)[0], 0x30);
    assert_int_equal(memory(&d, AVR_FLASH)[1], 0x01);
    assert_int_equal(memory(&d, AVR_FLASH)[2], 0x55);
    avr_chip_free(d.chip);
}

static void the_page_buffer_is_empty_after_a_write_and_after_reset(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    load_word(&d, 0, 0, 0);
    send(&d, 0x4c, 0, 0, 0);
    wait_ms(&d, 5);
    send(&d, 0x4c, 0, 0x40, 0); /* nothing loaded since */
    wait_ms(&d, 5);
    assert_int_equal(memory(&d, AVR_FLASH)[128], 0xff);
    load_word(&d, 1, 0, 0);
    assert_true(enter(&d));
    send(&d, 0x4c, 0, 0, 0);
    wait_ms(&d, 5);
    assert_int_equal(memory(&d, AVR_FLASH)[2], 0xff);
    avr_chip_free(d.chip);
}

static void loads_against_the_rules_are_counted(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    send(&d, 0x48, 0, 0, 0x11);
    assert_int_equal(stats(&d)->undefined_high_without_low, 1);
    load_word(&d, 1, 0x12, 0x34);
    load_word(&d, 1, 0x12, 0x34);
    assert_int_equal(stats(&d)->undefined_word_loaded_twice, 1);
    assert_int_equal(stats(&d)->undefined, 2);
    avr_chip_free(d.chip);
}

static void instructions_while_busy_are_ignored_and_counted(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    load_word(&d, 0, 0x00, 0x00);
    send(&d, 0x4c, 0, 0, 0);
    send(&d, 0xac, 0xa0, 0, 0xe2);
    assert_int_equal(stats(&d)->busy_violations, 1);
    wait_ms(&d, 10);
    assert_int_equal(memory(&d, AVR_FUSES)[0], 0x62);
    assert_int_equal(memory(&d, AVR_FLASH)[0], 0x00);
    avr_chip_free(d.chip);
}

static void busy_lasts_as_long_as_chosen(void **state)
{
    (void)state;
    struct avr_chip_options options = avr_chip_defaults();
    options.busy = AVR_BUSY_LONGEST;
    struct desk d = desk_with("m328p", &options);
    assert_true(enter(&d));
    send(&d, 0xac, 0x80, 0, 0);
    assert_true(avr_chip_busy(d.chip, d.now + 8990 * AVR_US));
    assert_false(avr_chip_busy(d.chip, d.now + 9000 * AVR_US));
    avr_chip_free(d.chip);
}

static void old_megas_are_polled_by_value(void **state)
{
    (void)state;
    struct desk d = desk_new("m8");
    assert_true(enter(&d));
    load_word(&d, 0, 0x12, 0x34);
    send(&d, 0x4c, 0, 0, 0);
    assert_int_equal(send(&d, 0x20, 0, 5, 0), 0xff); /* anywhere in the page */
    assert_int_equal(stats(&d)->busy_violations, 0);
    send(&d, 0x20, 0, 0x20, 0); /* not outside */
    assert_int_equal(stats(&d)->busy_violations, 1);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x20, 0, 0, 0), 0x12);
    send(&d, 0xf0, 0, 0, 0);
    assert_int_equal(stats(&d)->instructions[AVR_OP_UNKNOWN], 1);
    avr_chip_free(d.chip);
}

static void chip_erase_takes_all_but_fuses_and_a_kept_eeprom(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memory(&d, AVR_FLASH)[77] = 0;
    memory(&d, AVR_EEPROM)[7] = 0;
    memory(&d, AVR_LOCK)[0] = 0xfc;
    assert_true(enter(&d));
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 9);
    assert_int_equal(memory(&d, AVR_FLASH)[77], 0xff);
    assert_int_equal(memory(&d, AVR_EEPROM)[7], 0xff);
    assert_int_equal(memory(&d, AVR_LOCK)[0], 0xff);
    assert_int_equal(memory(&d, AVR_FUSES)[0], 0x62);
    memory(&d, AVR_EEPROM)[7] = 0x42;
    send(&d, 0xac, 0xa8, 0, 0xd1); /* EESAVE acts at once */
    wait_ms(&d, 5);
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 9);
    assert_int_equal(memory(&d, AVR_EEPROM)[7], 0x42);
    avr_chip_free(d.chip);
}

static void eeprom_is_written_by_bytes_and_by_pages(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memory(&d, AVR_EEPROM)[9] = 0x00;
    assert_true(enter(&d));
    send(&d, 0xc0, 0x01, 0x02, 0xa5);
    wait_ms(&d, 4);
    assert_int_equal(send(&d, 0xa0, 0x01, 0x02, 0), 0xa5);
    send(&d, 0xc1, 0, 0, 0x11);
    send(&d, 0xc1, 0, 3, 0x44);
    send(&d, 0xc2, 0, 8, 0);
    wait_ms(&d, 4);
    const uint8_t expected[] = {0x11, 0x00, 0xff, 0x44};
    assert_memory_equal(memory(&d, AVR_EEPROM) + 8, expected, sizeof expected);
    send(&d, 0xc0, 0, 9, 0xff); /* erase and write in one */
    wait_ms(&d, 4);
    assert_int_equal(memory(&d, AVR_EEPROM)[9], 0xff);
    avr_chip_free(d.chip);
}

static void lock_mode_2_forbids_writing_and_mode_3_reading(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    memory(&d, AVR_FLASH)[4] = 0x99;
    assert_true(enter(&d));
    send(&d, 0xac, 0xe0, 0, 0xfe);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x58, 0, 0, 0), 0xfe);
    send(&d, 0xac, 0xa0, 0, 0xe2);
    send(&d, 0xc0, 0, 0, 1);
    load_word(&d, 0, 0, 0);
    send(&d, 0x4c, 0, 0, 0);
    wait_ms(&d, 5);
    assert_int_equal(stats(&d)->protected_writes, 3);
    assert_int_equal(memory(&d, AVR_FUSES)[0], 0x62);
    assert_int_equal(memory(&d, AVR_FLASH)[0], 0xff);
    assert_int_equal(send(&d, 0x20, 0, 2, 0), 0x99);
    send(&d, 0xac, 0xe0, 0, 0xfc);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x20, 0, 2, 0), 0x02); /* the address */
    assert_int_equal(stats(&d)->protected_reads, 1);
    send(&d, 0xac, 0xe0, 0, 0xff); /* lock bits can only be programmed */
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x58, 0, 0, 0), 0xfc);
    assert_int_equal(send(&d, 0x30, 0, 1, 0), 0x95);
    avr_chip_free(d.chip);
}

static void fuses_have_masks_and_spien_stays(void **state)
{
    (void)state;
    struct desk d = desk_new("m328p");
    assert_true(enter(&d));
    send(&d, 0xac, 0xa4, 0, 0x05);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x50, 0x08, 0, 0), 0xfd);
    send(&d, 0xac, 0xa8, 0, 0xff);
    wait_ms(&d, 5);
    assert_int_equal(send(&d, 0x58, 0x08, 0, 0), 0xdf);
    assert_int_equal(stats(&d)->spien_writes, 1);
    avr_chip_free(d.chip);
}

static void beyond_128_kib_the_extended_address_chooses_the_half(void **state)
{
    (void)state;
    struct desk d = desk_new("m2560");
    memory(&d, AVR_FLASH)[0x00010] = 0x11;
    memory(&d, AVR_FLASH)[0x20010] = 0x22;
    assert_true(enter(&d));
    send(&d, 0x20, 0, 8, 0);
    assert_int_equal(stats(&d)->undefined_extended_address, 1);
    send(&d, 0x4d, 0, 1, 0);
    assert_int_equal(send(&d, 0x20, 0, 8, 0), 0x22);
    load_word(&d, 0, 0x77, 0x66);
    send(&d, 0x4c, 0, 0x80, 0);
    wait_ms(&d, 5);
    assert_int_equal(memory(&d, AVR_FLASH)[0x20100], 0x77);
    send(&d, 0x4d, 0, 0, 0);
    assert_int_equal(send(&d, 0x20, 0, 8, 0), 0x11);
    assert_int_equal(stats(&d)->undefined, 1);
    avr_chip_free(d.chip);
}

static void at90s_writes_bytes_polls_two_values_and_locks_in_byte_2(void **state)
{
    (void)state;
    struct desk d = desk_new("at90s8515");
    d.half_ns = 500;
    assert_true(enter(&d));
    send(&d, 0x48, 0x01, 0x00, 0x5a);
    assert_int_equal(send(&d, 0x28, 0x01, 0x00, 0), 0x7f);
    wait_ms(&d, 4);
    assert_int_equal(memory(&d, AVR_FLASH)[0x201], 0x5a);
    send(&d, 0xc0, 0, 1, 0x33);
    assert_int_equal(send(&d, 0xa0, 0, 1, 0), 0x80);
    wait_ms(&d, 2);
    assert_int_equal(send(&d, 0xa0, 0, 1, 0), 0x7f);
    wait_ms(&d, 2);
    assert_int_equal(send(&d, 0xa0, 0, 1, 0), 0x33);
    send(&d, 0xac, 0xf9, 0, 0); /* both lock bits */
    wait_ms(&d, 4);
    assert_int_equal(memory(&d, AVR_LOCK)[0], 0xf9);
    assert_int_equal(send(&d, 0x30, 0, 1, 0), 0x01); /* signature hidden: 00 01 02 */
    assert_int_equal(stats(&d)->busy_violations, 0);
    avr_chip_free(d.chip);
}

static void at90s_wants_a_reset_pulse_after_chip_erase(void **state)
{
    (void)state;
    struct desk d = desk_new("at90s8515");
    assert_true(enter(&d));
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 20);
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0xff);
    assert_int_equal(stats(&d)->undefined_after_erase, 1);
    assert_true(enter(&d));
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0x1e);
    avr_chip_free(d.chip);
}

static void at90s1200_gives_no_echo_but_a_signature(void **state)
{
    (void)state;
    struct desk d = desk_new("at90s1200");
    assert_int_equal(avr_chip_sck_low_min_ns(d.chip), 63);
    assert_int_equal(avr_chip_sck_high_min_ns(d.chip), 251);
    assert_false(enter(&d));
    assert_int_equal(send(&d, 0x30, 0, 0, 0), 0x1e);
    assert_int_equal(send(&d, 0x30, 0, 1, 0), 0x90);
    assert_int_equal(send(&d, 0x30, 0, 2, 0), 0x01);
    avr_chip_free(d.chip);
}

static void at89s52_is_reset_high_and_counts_bytes(void **state)
{
    (void)state;
    struct desk d = desk_new("at89s52");
    pulse_reset(&d, true);
    assert_int_equal(send(&d, 0xac, 0x53, 0, 0), 0x69);
    assert_int_equal(send(&d, 0x28, 0, 0, 0), 0x1e);
    assert_int_equal(send(&d, 0x28, 1, 0, 0), 0x52);
    assert_int_equal(send(&d, 0x28, 2, 0, 0), 0x06);
    send(&d, 0x40, 0x01, 0x03, 0x2a);
    assert_int_equal(send(&d, 0x20, 0x01, 0x03, 0), 0xaa); /* data polling: bit 7 inverted */
    wait_ms(&d, 1);
    assert_int_equal(send(&d, 0x20, 0x01, 0x03, 0), 0x2a);
    assert_int_equal(memory(&d, AVR_FLASH)[0x103], 0x2a);
    send(&d, 0xac, 0xe2, 0, 0); /* mode 3 before mode 2 */
    assert_int_equal(stats(&d)->undefined, 1);
    send(&d, 0xac, 0xe1, 0, 0);
    wait_ms(&d, 1);
    assert_int_equal(send(&d, 0x24, 0, 0, 0), 0x04);
    send(&d, 0xac, 0x80, 0, 0);
    wait_ms(&d, 500);
    assert_int_equal(send(&d, 0x24, 0, 0, 0), 0x00);
    assert_int_equal(send(&d, 0x20, 0x01, 0x03, 0), 0xff);
    avr_chip_free(d.chip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programming_enable_is_echoed_and_the_signature_read),
        cmocka_unit_test(every_byte_is_echoed_one_byte_later),
        cmocka_unit_test(programming_enable_before_20_ms_is_ignored),
        cmocka_unit_test(nothing_is_answered_or_done_without_programming_enable),
        cmocka_unit_test(a_flash_page_is_loaded_written_and_read_back),
        cmocka_unit_test(words_not_loaded_keep_their_cells_and_ones_cannot_be_written),
        cmocka_unit_test(the_page_buffer_is_empty_after_a_write_and_after_reset),
        cmocka_unit_test(loads_against_the_rules_are_counted),
        cmocka_unit_test(instructions_while_busy_are_ignored_and_counted),
        cmocka_unit_test(busy_lasts_as_long_as_chosen),
        cmocka_unit_test(old_megas_are_polled_by_value),
        cmocka_unit_test(chip_erase_takes_all_but_fuses_and_a_kept_eeprom),
        cmocka_unit_test(eeprom_is_written_by_bytes_and_by_pages),
        cmocka_unit_test(lock_mode_2_forbids_writing_and_mode_3_reading),
        cmocka_unit_test(fuses_have_masks_and_spien_stays),
        cmocka_unit_test(beyond_128_kib_the_extended_address_chooses_the_half),
        cmocka_unit_test(at90s_writes_bytes_polls_two_values_and_locks_in_byte_2),
        cmocka_unit_test(at90s_wants_a_reset_pulse_after_chip_erase),
        cmocka_unit_test(at90s1200_gives_no_echo_but_a_signature),
        cmocka_unit_test(at89s52_is_reset_high_and_counts_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
