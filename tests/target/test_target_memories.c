/* The AVR family on the tests' chip model: what the chip sees when its memories are written and
 * read. */
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "target_bench.h"

/* --- flash ---------------------------------------------------------------------------------- */

static void write_and_check(struct bench *pb, enum memory_kind kind, enum avr_memory model,
                            uint32_t address, uint32_t size)
{
    struct bench b = *pb;
    const struct memory *m = part_memory(b.part, kind);
    struct image *image = bench_pattern_image(address, size), *present = bench_blank_image(m);
    uint8_t *back = malloc(size);
    context_begin(&b.rig->context, STEP_WRITE, m, size);
    OK(target_write(b.target, m, image, present, &b.error));
    context_end(&b.rig->context, STATUS_OK);
    OK(target_read(b.target, m, address, back, size, &b.error));
    const uint8_t *chip = bench_chip(&b, model);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(chip[address + i], bench_pattern(address + i));
        assert_int_equal(back[i], bench_pattern(address + i));
    }
    free(back);
    image_free(image);
    image_free(present);
    bench_assert_clean(&b);
    assert_false(b.rig->progress_wrong);
}

static void flash_is_written_and_read_on_every_part_and_programmer(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    static const enum avr_busy busy[] = {AVR_BUSY_TYPICAL, AVR_BUSY_LONGEST, AVR_BUSY_RANDOM};
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct avr_chip_options options = avr_chip_defaults();
            options.busy = busy[k];
            struct bench b = bench_ready(all_parts[i], kinds[k], &options);
            OK(target_erase(b.target, &b.error));
            write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x40, 0x200);
            bench_free(&b);
        }
}

static void eeprom_is_written_and_read_on_every_part_and_programmer(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < PARTS - 1; i++) /* the last has no EEPROM */
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct bench b = bench_ready(all_parts[i], kinds[k], NULL);
            write_and_check(&b, MEMORY_EEPROM, AVR_EEPROM, 0x10, 0x28);
            bench_free(&b);
        }
}

static void addresses_beyond_128k_are_extended(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_RANGES};
    for (size_t k = 0; k < 2; k++) {
        struct bench b = bench_ready("m2560", kinds[k], NULL);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x1fe00, 0x400);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x0ff00, 0x200);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x3ff00, 0x100);
        assert_in_range(bench_instructions(&b, AVR_OP_EXTENDED_ADDRESS), 1, 8);
        bench_free(&b);
    }
}

static void blank_pages_and_words_are_left_out(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = image_new(), *present = bench_blank_image(flash);
    uint8_t data[512];
    memset(data, 0xff, sizeof data);
    data[0x100] = 0x12; /* one word of the third page */
    OK(image_put(image, 0, data, sizeof data, IMAGE_OVERLAP_SAME, NULL, &b.error));
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_int_equal(bench_instructions(&b, AVR_OP_WRITE_PAGE), 1);
    assert_int_equal(bench_instructions(&b, AVR_OP_LOAD_PAGE), 2);
    assert_int_equal(bench_chip(&b, AVR_FLASH)[0x100], 0x12);
    image_free(image);
    image_free(present);
    bench_assert_clean(&b);
    bench_free(&b);
}

static void parts_without_ready_flag_get_whole_pages(void **state)
{
    (void)state;
    struct bench b = bench_ready("m8", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = bench_pattern_image(0, 1), *present = bench_blank_image(flash);
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_int_equal(bench_instructions(&b, AVR_OP_LOAD_PAGE), flash->page_size);
    assert_int_equal(bench_instructions(&b, AVR_OP_WRITE_PAGE), 1);
    image_free(image);
    image_free(present);
    bench_assert_clean(&b);
    bench_free(&b);
}

static void value_polling_ends_before_the_full_wait(void **state)
{
    (void)state;
    struct bench b = bench_ready("m8", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    b.rig->sck_hz = 200000;
    const uint64_t begin_ns = b.rig->now_ns;
    write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0, 640); /* ten pages */
    const uint64_t wire_ns = b.rig->instructions * 32 * (1000000000u / 200000u);
    const uint64_t waited_us = (b.rig->now_ns - begin_ns - wire_ns) / 1000;
    assert_true(waited_us < 10 * flash->write_us);
    bench_free(&b);
}

static void a_byte_that_cannot_be_polled_for_is_waited_for(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s8515", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = image_new(), *present = bench_blank_image(flash);
    const uint8_t busy_value = flash->poll_values[0];
    OK(image_put(image, 0, &busy_value, 1, IMAGE_OVERLAP_SAME, NULL, &b.error));
    const uint64_t begin_us = b.rig->now_ns / 1000;
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_true(b.rig->now_ns / 1000 - begin_us >= flash->write_us);
    assert_int_equal(bench_instructions(&b, AVR_OP_READ_FLASH), 0);
    image_free(image);
    image_free(present);
    bench_assert_clean(&b);
    bench_free(&b);
}

/* --- EEPROM --------------------------------------------------------------------------------- */

static void only_differing_eeprom_pages_are_written(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *eeprom = part_memory(b.part, MEMORY_EEPROM);
    struct image *present = bench_pattern_image(0, eeprom->size),
                 *image = bench_pattern_image(0, eeprom->size);
    for (uint32_t i = 0; i < eeprom->size; i++)
        avr_chip_memory(b.rig->chip, AVR_EEPROM, NULL)[i] = bench_pattern(i);
    const uint8_t other = 0xa5;
    OK(image_put(image, 0x123, &other, 1, IMAGE_OVERLAP_REPLACE, NULL, &b.error));
    OK(target_write(b.target, eeprom, image, present, &b.error));
    assert_int_equal(bench_instructions(&b, AVR_OP_WRITE_EEPROM_PAGE), 1);
    assert_int_equal(bench_instructions(&b, AVR_OP_LOAD_EEPROM_PAGE), eeprom->page_size);
    assert_int_equal(bench_instructions(&b, AVR_OP_WRITE_EEPROM_BYTE), 0);
    const uint8_t *chip = bench_chip(&b, AVR_EEPROM);
    for (uint32_t i = 0; i < eeprom->size; i++)
        assert_int_equal(chip[i], i == 0x123 ? other : bench_pattern(i));
    image_free(image);
    image_free(present);
    bench_free(&b);
}

static void an_eeprom_page_of_unknown_rest_is_a_defect(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *eeprom = part_memory(b.part, MEMORY_EEPROM);
    struct image *nothing = image_new(), *image = bench_pattern_image(1, 1);
    assert_int_equal(target_write(b.target, eeprom, image, nothing, &b.error), STATUS_INTERNAL);
    image_free(image);
    image_free(nothing);
    bench_free(&b);
}

/* --- bytes ---------------------------------------------------------------------------------- */

static void unimplemented_fuse_bits_are_written_as_1(void **state)
{
    (void)state;
    struct bench b = bench_ready("m32u4", RIG_PLAIN, NULL);
    const struct memory *efuse;
    uint8_t value;
    assert_int_equal(part_memory_find(b.part, "efuse", &efuse), MEMORY_FOUND);
    OK(target_write_byte(b.target, efuse, 0xcb, &b.error)); /* bits 7..4 do not exist */
    OK(target_read_bytes(b.target, &efuse, &value, 1, &b.error));
    assert_int_equal(value & 0x0f, 0x0b);
    assert_int_equal(bench_chip(&b, AVR_FUSES)[2] | 0xf0, 0xfb);
    bench_assert_clean(&b);
    bench_free(&b);
}

static void many_bytes_take_one_exchange(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_BLIND, NULL);
    const struct memory *list[8];
    uint8_t values[8];
    size_t count = 0;
    for (size_t i = 0; i < b.part->memory_count; i++)
        if (b.part->memories[i].kind == MEMORY_FUSE || b.part->memories[i].kind == MEMORY_LOCK)
            list[count++] = &b.part->memories[i];
    const unsigned before = b.rig->exchanges;
    OK(target_read_bytes(b.target, list, values, count, &b.error));
    assert_int_equal(b.rig->exchanges, before + 1);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(values[i] & list[i]->mask, list[i]->initial & list[i]->mask);
    bench_free(&b);
}

static void at90s_lock_bits_block_and_chip_erase_lifts_them(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s8515", RIG_PLAIN, NULL);
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    assert_false(target_readable(b.target, lock));
    OK(target_write_byte(b.target, lock, 0xfd, &b.error)); /* LB1 */
    assert_int_equal(bench_chip(&b, AVR_LOCK)[0] & lock->mask, 0x04);
    assert_true(target_lock_blocks_write(b.target, 0xfd));
    assert_false(target_lock_blocks_read(b.target, 0xfd));
    assert_true(target_lock_blocks_read(b.target, 0xf9));
    OK(target_erase(b.target, &b.error));
    assert_int_equal(bench_chip(&b, AVR_LOCK)[0] & lock->mask, 0x06);
    assert_int_equal(b.rig->enters, 2); /* Chip Erase ends in a RESET pulse there */
    bench_assert_clean(&b);
    bench_free(&b);
}

static void at89s_lock_bits_read_the_other_way_round(void **state)
{
    (void)state;
    struct bench b = bench_ready("at89s52", RIG_PLAIN, NULL);
    assert_false(target_lock_blocks_write(b.target, 0xe3));
    assert_true(target_lock_blocks_write(b.target, 0xe7)); /* LB1 */
    assert_false(target_lock_blocks_read(b.target, 0xe7));
    assert_true(target_lock_blocks_read(b.target, 0xef)); /* LB2 */
    bench_free(&b);
}

static void an_unreadable_byte_is_unsupported(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s1200", RIG_PLAIN, NULL);
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    uint8_t value;
    assert_int_equal(target_read_bytes(b.target, &lock, &value, 1, &b.error), STATUS_UNSUPPORTED);
    bench_free(&b);
}

static void a_raw_instruction_gives_its_answer(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    uint8_t miso[4];
    OK(target_instruction(b.target, (const uint8_t[]){0x30, 0, 1, 0}, miso, &b.error));
    assert_int_equal(miso[3], 0x95);
    bench_free(&b);
}

/* --- boot loader ---------------------------------------------------------------------------- */

static void a_boot_loader_reaches_flash_and_nothing_else(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_BOOTLOADER, NULL);
    uint8_t value, miso[4];
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    assert_int_equal(target_traits(b.target), TARGET_ERASES_PAGES);
    write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0, 0x180);
    assert_int_equal(target_erase(b.target, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_read_bytes(b.target, &lock, &value, 1, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_write_byte(b.target, lock, 0xff, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_instruction(b.target, (const uint8_t[4]){0}, miso, &b.error),
                     STATUS_UNSUPPORTED);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flash_is_written_and_read_on_every_part_and_programmer),
        cmocka_unit_test(eeprom_is_written_and_read_on_every_part_and_programmer),
        cmocka_unit_test(addresses_beyond_128k_are_extended),
        cmocka_unit_test(blank_pages_and_words_are_left_out),
        cmocka_unit_test(parts_without_ready_flag_get_whole_pages),
        cmocka_unit_test(value_polling_ends_before_the_full_wait),
        cmocka_unit_test(a_byte_that_cannot_be_polled_for_is_waited_for),
        cmocka_unit_test(only_differing_eeprom_pages_are_written),
        cmocka_unit_test(an_eeprom_page_of_unknown_rest_is_a_defect),
        cmocka_unit_test(unimplemented_fuse_bits_are_written_as_1),
        cmocka_unit_test(many_bytes_take_one_exchange),
        cmocka_unit_test(at90s_lock_bits_block_and_chip_erase_lifts_them),
        cmocka_unit_test(at89s_lock_bits_read_the_other_way_round),
        cmocka_unit_test(an_unreadable_byte_is_unsupported),
        cmocka_unit_test(a_raw_instruction_gives_its_answer),
        cmocka_unit_test(a_boot_loader_reaches_flash_and_nothing_else),
    };
    return cmocka_run_group_tests_name("target_memories", tests, NULL, NULL);
}
