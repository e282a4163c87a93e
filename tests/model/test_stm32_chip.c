/* The STM32F1 model against what RM0008 and PM0075 say of flash, option bytes and debug port. */
#include "stm32_bench.h"

/* --- The flash controller ------------------------------------------------------------------- */

static void flash_is_locked_until_both_keys_came(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    assert_int_equal(word(&b, CR), LOCK);
    set(&b, CR, 2);
    assert_int_equal(word(&b, CR), LOCK);
    assert_int_equal(dumped(&b, "count.locked-cr-writes "), 1);
    unlock(&b);
    set(&b, CR, 0x80);
    assert_int_equal(word(&b, CR), LOCK);
    stm32_chip_free(b.chip);
}

static void a_wrong_key_is_a_bus_error_and_locks_until_the_reset(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    set(&b, KEYR, KEY1);
    assert_int_equal(put(&b, KEYR, 4, KEY1), STM32_ACK_FAULT);
    assert_int_equal(put(&b, KEYR, 4, KEY1), STM32_ACK_FAULT);
    assert_int_equal(word(&b, CR), LOCK);
    set(&b, AIRCR, 0x05fa0004);
    unlock(&b);
    stm32_chip_free(b.chip);
}

static void a_page_erase_takes_its_time_and_clears_its_page_alone(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    memset(flash(&b), 0, 3072);
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH + 1024 + 12);
    const uint64_t begin = b.now;
    set(&b, CR, 0x42);
    assert_int_equal(word(&b, SR) & BSY, BSY);
    wait_ready(&b);
    assert_in_range(b.now - begin, 30 * STM32_MS, 32 * STM32_MS);
    assert_int_equal(word(&b, SR), EOP);
    assert_int_equal(flash(&b)[1023], 0);
    assert_int_equal(flash(&b)[1024], 0xff);
    assert_int_equal(flash(&b)[2047], 0xff);
    assert_int_equal(flash(&b)[2048], 0);
    stm32_chip_free(b.chip);
}

static void a_read_of_flash_waits_for_the_erase(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    flash(&b)[0] = 0;
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH);
    set(&b, CR, 0x42);
    const uint64_t begin = b.now;
    assert_int_equal(word(&b, FLASH), 0xffffffff);
    assert_in_range(b.now - begin, 29 * STM32_MS, 31 * STM32_MS);
    stm32_chip_free(b.chip);
}

static void flash_takes_half_words_only(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    unlock(&b);
    assert_int_equal(put(&b, FLASH, 2, 0x1234), STM32_ACK_FAULT); /* PG is not set */
    set(&b, CR, 1);
    assert_int_equal(put(&b, FLASH, 4, 0x12345678), STM32_ACK_FAULT);
    assert_int_equal(put(&b, FLASH, 1, 0x12), STM32_ACK_FAULT);
    assert_int_equal(put(&b, FLASH + 1, 2, 0x1234), STM32_ACK_FAULT);
    const uint64_t begin = b.now;
    assert_int_equal(put(&b, FLASH, 2, 0x1234), STM32_ACK_OK);
    assert_int_equal(put(&b, FLASH + 2, 2, 0x5678), STM32_ACK_OK); /* waits for the first */
    assert_in_range(b.now - begin, 52 * STM32_US, 75 * STM32_US);
    assert_int_equal(word(&b, FLASH), 0x56781234);
    assert_int_equal(word(&b, 0), 0x56781234);
    stm32_chip_free(b.chip);
}

static void a_cell_that_is_not_erased_takes_only_zeros(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    flash(&b)[0] = 0xfe;
    unlock(&b);
    set(&b, CR, 1);
    assert_int_equal(put(&b, FLASH, 2, 0x1234), STM32_ACK_OK);
    assert_int_equal(word(&b, SR), PGERR);
    assert_int_equal(flash(&b)[0], 0xfe);
    set(&b, SR, 0x34);
    assert_int_equal(put(&b, FLASH, 2, 0), STM32_ACK_OK);
    wait_ready(&b);
    assert_int_equal(word(&b, SR), EOP);
    assert_int_equal(word(&b, FLASH), 0xffff0000);
    stm32_chip_free(b.chip);
}

static void write_protected_pages_are_neither_erased_nor_programmed(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    flash(&b)[4096] = 0;
    assert_true(stm32_chip_preset(b.chip, "wrp", 0xfffffffd));
    assert_int_equal(word(&b, WRPR), 0xfffffffd);
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH + 4096);
    set(&b, CR, 0x42);
    assert_int_equal(word(&b, SR), WRPRTERR);
    set(&b, SR, 0x34);
    set(&b, CR, 4);
    set(&b, CR, 0x44);
    assert_int_equal(word(&b, SR), WRPRTERR);
    assert_int_equal(flash(&b)[4096], 0);
    set(&b, SR, 0x34);
    set(&b, CR, 1);
    assert_int_equal(put(&b, FLASH + 4098, 2, 0x1234), STM32_ACK_OK);
    assert_int_equal(word(&b, SR), WRPRTERR);
    stm32_chip_free(b.chip);
}

static void the_last_bit_of_wrpr_protects_all_that_is_left(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103re");
    assert_true(stm32_chip_preset(b.chip, "wrp", 0x7fffffff));
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH + 61 * 2048);
    set(&b, CR, 0x42);
    wait_ready(&b);
    assert_int_equal(word(&b, SR), EOP);
    set(&b, AR, FLASH + 255 * 2048);
    set(&b, CR, 0x42);
    assert_int_equal(word(&b, SR) & WRPRTERR, WRPRTERR);
    stm32_chip_free(b.chip);
}

static void a_reset_during_an_erase_leaves_a_page_in_pieces(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    memset(flash(&b), 0, 1024);
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH);
    set(&b, CR, 0x42);
    set(&b, AIRCR, 0x05fa0004);
    assert_int_equal(dumped(&b, "count.interrupted "), 1);
    assert_int_not_equal(flash(&b)[0], 0xff);
    stm32_chip_free(b.chip);
}

static void an_erase_that_loses_its_power_is_never_heard_of_again(void **state)
{
    (void)state;
    const struct stm32_chip_options options = {.power_lost_at = 2};
    struct bench b = {.chip = stm32_chip_new(stm32_chip_spec("stm32f103c8"), &options)};
    memset(flash(&b), 0, 2048);
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH);
    set(&b, CR, 0x42);
    wait_ready(&b);
    set(&b, AR, FLASH + 1024);
    set(&b, CR, 0x42);
    uint32_t value;
    assert_int_equal(get(&b, SR, 4, &value), STM32_ACK_NONE);
    assert_int_equal(value, 0);
    assert_int_equal(flash(&b)[0], 0xff);
    assert_int_not_equal(flash(&b)[1024], 0xff);
    stm32_chip_free(b.chip);
}

static void the_second_bank_of_an_xl_part_works_by_itself(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103rg");
    flash(&b)[0x80000] = 0;
    set(&b, KEYR + 0x40, KEY1);
    set(&b, KEYR + 0x40, KEY2);
    assert_int_equal(word(&b, CR), LOCK);
    set(&b, CR + 0x40, 2);
    set(&b, AR + 0x40, FLASH + 0x80000);
    set(&b, CR + 0x40, 0x42);
    const uint64_t begin = b.now;
    assert_int_equal(word(&b, FLASH), 0xffffffff); /* the first bank need not wait */
    assert_true(b.now - begin < STM32_MS);
    assert_int_equal(word(&b, SR + 0x40) & BSY, BSY);
    assert_int_equal(word(&b, FLASH + 0x80000), 0xffffffff);
    stm32_chip_free(b.chip);
}

static void a_bad_cell_raises_no_flag(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    stm32_chip_add_bad_cell(b.chip, 0, 0x01, 0x01);
    unlock(&b);
    set(&b, CR, 1);
    assert_int_equal(put(&b, FLASH, 2, 0x1234), STM32_ACK_OK);
    wait_ready(&b);
    assert_int_equal(word(&b, SR), EOP);
    assert_int_equal(word(&b, FLASH), 0xffff1235);
    stm32_chip_free(b.chip);
}

/* --- Option bytes --------------------------------------------------------------------------- */

static void open_options(struct bench *b)
{
    unlock(b);
    set(b, OPTKEYR, KEY1);
    set(b, OPTKEYR, KEY2);
    assert_int_equal(word(b, CR), 0x200);
}

static void option_bytes_act_after_the_reset(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    assert_int_equal(word(&b, OBR), 0x03fffffc);
    open_options(&b);
    set(&b, CR, 0x220);
    set(&b, CR, 0x260);
    wait_ready(&b);
    set(&b, CR, 0x210);
    assert_int_equal(put(&b, OPTIONS + 4, 2, 0x5a), STM32_ACK_OK);
    wait_ready(&b);
    assert_int_equal(word(&b, OPTIONS + 4), 0xffffa55a); /* the complement is the chip's */
    assert_int_equal(word(&b, OBR), 0x03fffffc);
    set(&b, AIRCR, 0x05fa0004);
    assert_int_equal(word(&b, OBR), 0x03fffffe - ((0xffu ^ 0x5a) << 10));
    stm32_chip_free(b.chip);
}

static void writing_cr_without_optwre_closes_the_option_bytes(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    open_options(&b);
    set(&b, CR, 0x10);
    assert_int_equal(put(&b, OPTIONS, 2, 0xa5), STM32_ACK_FAULT);
    set(&b, CR, 0x210);
    assert_int_equal(word(&b, CR), 0x10);
    stm32_chip_free(b.chip);
}

static void a_protected_chip_hides_its_flash_and_loses_it_when_opened(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    flash(&b)[5000] = 0x12;
    assert_true(stm32_chip_preset(b.chip, "rdp", 0xff));
    uint32_t value;
    assert_int_equal(get(&b, FLASH, 4, &value), STM32_ACK_FAULT);
    assert_int_equal(get(&b, 0, 4, &value), STM32_ACK_FAULT);
    unlock(&b);
    set(&b, CR, 2);
    set(&b, AR, FLASH);
    set(&b, CR, 0x42);
    assert_int_equal(word(&b, SR), WRPRTERR);
    set(&b, SR, 0x34);
    set(&b, OPTKEYR, KEY1);
    set(&b, OPTKEYR, KEY2);
    set(&b, CR, 0x220);
    set(&b, CR, 0x260);
    wait_ready(&b);
    set(&b, CR, 0x210);
    const uint64_t begin = b.now;
    assert_int_equal(put(&b, OPTIONS, 2, 0xa5), STM32_ACK_OK);
    wait_ready(&b);
    assert_in_range(b.now - begin, 30 * STM32_MS, 35 * STM32_MS);
    set(&b, AIRCR, 0x05fa0004);
    assert_int_equal(word(&b, OBR) & 2, 0);
    assert_int_equal(word(&b, FLASH + 5000), 0xffffffff);
    stm32_chip_free(b.chip);
}

/* --- The wire ------------------------------------------------------------------------------- */

static void nothing_answers_without_power_or_wires(void **state)
{
    (void)state;
    static const enum stm32_fault faults[] = {STM32_FAULT_NO_POWER, STM32_FAULT_SWD_CUT};
    for (size_t i = 0; i < 2; i++) {
        struct bench b = bench_new("stm32f103c8");
        stm32_chip_set_fault(b.chip, faults[i], true);
        uint32_t value;
        assert_int_equal(stm32_chip_connect(b.chip, &value, 0), STM32_ACK_NONE);
        assert_int_equal(get(&b, 0xe0042000, 4, &value), STM32_ACK_NONE);
        stm32_chip_free(b.chip);
    }
}

static void firmware_that_takes_the_pins_leaves_them_alone_in_reset(void **state)
{
    (void)state;
    const struct stm32_chip_options options = {.firmware = STM32_FIRMWARE_NO_SWD,
                                               .firmware_after_us = 500};
    struct bench b = {.chip = stm32_chip_new(stm32_chip_spec("stm32f103c8"), &options)};
    flash(&b)[5] = 0;
    stm32_chip_cycle_power(b.chip, 0);
    uint32_t value;
    assert_int_equal(stm32_chip_connect(b.chip, &value, STM32_US), STM32_ACK_OK);
    b.now = STM32_MS;
    assert_int_equal(stm32_chip_connect(b.chip, &value, b.now), STM32_ACK_NONE);
    stm32_chip_set_nrst(b.chip, false, b.now);
    assert_int_equal(stm32_chip_connect(b.chip, &value, b.now), STM32_ACK_OK);
    set(&b, DHCSR, 0xa05f0003);
    set(&b, DEMCR, 1);
    stm32_chip_set_nrst(b.chip, true, b.now);
    b.now += STM32_MS;
    assert_int_equal(word(&b, DHCSR) & HALTED, HALTED);
    stm32_chip_free(b.chip);
}

static void the_bus_of_a_sleeping_chip_refuses_until_it_is_halted(void **state)
{
    (void)state;
    const struct stm32_chip_options options = {.firmware = STM32_FIRMWARE_SLEEPS};
    struct bench b = {.chip = stm32_chip_new(stm32_chip_spec("stm32f103c8"), &options)};
    flash(&b)[5] = 0;
    stm32_chip_cycle_power(b.chip, 0);
    uint32_t value;
    assert_int_equal(get(&b, FLASH, 4, &value), STM32_ACK_FAULT);
    halt(&b);
    assert_int_equal(get(&b, FLASH, 4, &value), STM32_ACK_OK);
    stm32_chip_free(b.chip);
}

static void each_part_says_what_it_is(void **state)
{
    (void)state;
    const struct stm32_chip_spec *spec;
    for (size_t i = 0; (spec = stm32_chip_spec_at(i)) != NULL; i++) {
        struct bench b = {.chip = stm32_chip_new(spec, NULL)};
        uint32_t value;
        size_t size;
        assert_non_null(stm32_chip_memory(b.chip, "flash", &size));
        assert_int_equal(get(&b, 0x1ffff7e0, 2, &value), STM32_ACK_OK);
        assert_int_equal(value * 1024, size);
        assert_int_equal(get(&b, FLASH + (uint32_t)size, 4, &value), STM32_ACK_FAULT);
        (void)stm32_chip_memory(b.chip, "sram", &size);
        assert_int_equal(get(&b, SRAM + (uint32_t)size, 4, &value), STM32_ACK_FAULT);
        assert_int_equal(get(&b, SRAM + (uint32_t)size - 4, 4, &value), STM32_ACK_OK);
        stm32_chip_free(b.chip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flash_is_locked_until_both_keys_came),
        cmocka_unit_test(a_wrong_key_is_a_bus_error_and_locks_until_the_reset),
        cmocka_unit_test(a_page_erase_takes_its_time_and_clears_its_page_alone),
        cmocka_unit_test(a_read_of_flash_waits_for_the_erase),
        cmocka_unit_test(flash_takes_half_words_only),
        cmocka_unit_test(a_cell_that_is_not_erased_takes_only_zeros),
        cmocka_unit_test(write_protected_pages_are_neither_erased_nor_programmed),
        cmocka_unit_test(the_last_bit_of_wrpr_protects_all_that_is_left),
        cmocka_unit_test(a_reset_during_an_erase_leaves_a_page_in_pieces),
        cmocka_unit_test(an_erase_that_loses_its_power_is_never_heard_of_again),
        cmocka_unit_test(the_second_bank_of_an_xl_part_works_by_itself),
        cmocka_unit_test(a_bad_cell_raises_no_flag),
        cmocka_unit_test(option_bytes_act_after_the_reset),
        cmocka_unit_test(writing_cr_without_optwre_closes_the_option_bytes),
        cmocka_unit_test(a_protected_chip_hides_its_flash_and_loses_it_when_opened),
        cmocka_unit_test(nothing_answers_without_power_or_wires),
        cmocka_unit_test(firmware_that_takes_the_pins_leaves_them_alone_in_reset),
        cmocka_unit_test(the_bus_of_a_sleeping_chip_refuses_until_it_is_halted),
        cmocka_unit_test(each_part_says_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
