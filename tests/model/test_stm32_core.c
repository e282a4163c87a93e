/* The core of the STM32F1 model against DDI0403: what the debug registers and resets do, and what a
 * program in SRAM does. */
#include "stm32_bench.h"

static void set_register(struct bench *b, uint32_t number, uint32_t value)
{
    set(b, DCRDR, value);
    set(b, DCRSR, 0x10000 | number);
}

static uint32_t core_register(struct bench *b, uint32_t number)
{
    set(b, DCRSR, number);
    return word(b, DCRDR);
}

static void load(struct bench *b, const uint16_t *code, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(put(b, SRAM + 2 * (uint32_t)i, 2, code[i]), STM32_ACK_OK);
}

static void run_from_sram(struct bench *b)
{
    set_register(b, 15, SRAM);
    set_register(b, 16, 0x01000000);
    set(b, DFSR, 0x1f);
    set(b, DHCSR, 0xa05f0001);
}

static void a_reset_stops_at_its_vector_where_demcr_asks_for_it(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    static const uint8_t vectors[] = {0x00, 0x50, 0x00, 0x20, 0x01, 0x01, 0x00, 0x08};
    memcpy(flash(&b), vectors, sizeof vectors);
    halt(&b);
    set(&b, AIRCR, 0x05fa0004);
    const uint32_t dhcsr = word(&b, DHCSR);
    assert_int_equal(dhcsr & (HALTED | 1 << 25), 1 << 25); /* it runs, and was reset */
    assert_int_equal(word(&b, DHCSR) & 1 << 25, 0);        /* reading cleared that */
    set(&b, DEMCR, 0x01000001);
    set(&b, AIRCR, 0x05fa0004);
    assert_int_equal(word(&b, DHCSR) & HALTED, HALTED);
    assert_int_equal(core_register(&b, 15), 0x08000100);
    assert_int_equal(core_register(&b, 13), 0x20005000);
    assert_int_equal(word(&b, DEMCR), 0x01000001);
    stm32_chip_free(b.chip);
}

static void a_blank_chip_locks_up(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    assert_int_equal(word(&b, DHCSR) & 1 << 19, 1 << 19);
    halt(&b);
    assert_int_equal(core_register(&b, 15), 0xfffffffe);
    assert_int_equal(core_register(&b, 16) & 0x1ff, 3);
    stm32_chip_free(b.chip);
}

/* Programs r2 half-words from r0 to r1, waiting for each: r3 is FLASH_SR. */
static const uint16_t loader[] = {
    0x8804, /* loop: ldrh r4, [r0] */
    0x800c, /* strh r4, [r1] */
    0x3002, /* adds r0, #2 */
    0x3102, /* adds r1, #2 */
    0x681c, /* wait: ldr r4, [r3] */
    0x07e4, /* lsls r4, r4, #31 */
    0xd1fc, /* bne wait */
    0x3a01, /* subs r2, #1 */
    0xd1f6, /* bne loop */
    0xbe00, /* bkpt */
};

static void a_program_in_sram_programs_flash_in_the_flash_s_time(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    halt(&b);
    load(&b, loader, sizeof loader / sizeof loader[0]);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(put(&b, SRAM + 0x100 + 2 * i, 2, i), STM32_ACK_OK);
    unlock(&b);
    set(&b, CR, 1);
    set_register(&b, 0, SRAM + 0x100);
    set_register(&b, 1, FLASH + 0x400);
    set_register(&b, 2, 100);
    set_register(&b, 3, SR);
    run_from_sram(&b);
    const uint64_t begin = b.now;
    assert_int_equal(word(&b, DHCSR) & HALTED, 0);
    while ((word(&b, DHCSR) & HALTED) == 0)
        b.now += 100 * STM32_US;
    /* 52.5 us each and some 16 cycles of 125 ns */
    assert_in_range(b.now - begin, 5250 * STM32_US, 5700 * STM32_US);
    assert_int_equal(word(&b, DFSR), 2);
    assert_int_equal(core_register(&b, 2), 0);
    assert_int_equal(core_register(&b, 15), SRAM + 18);
    assert_int_equal(flash(&b)[0x400 + 2 * 99], 99);
    assert_int_equal(dumped(&b, "count.undefined "), 0);
    stm32_chip_free(b.chip);
}

static void a_program_that_is_halted_goes_on_where_it_was(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    static const uint16_t counting[] = {0x3201, 0xe7fd}; /* adds r2, #1; b . - 2 */
    halt(&b);
    load(&b, counting, 2);
    set_register(&b, 2, 0);
    run_from_sram(&b);
    b.now += STM32_MS;
    halt(&b);
    const uint32_t first = core_register(&b, 2);
    assert_in_range(first, 1000, 4000); /* 8000 cycles */
    b.now += STM32_MS;
    assert_int_equal(core_register(&b, 2), first);
    set(&b, DHCSR, 0xa05f0005); /* one step */
    assert_int_equal(word(&b, DHCSR) & HALTED, HALTED);
    assert_true(core_register(&b, 2) <= first + 1);
    stm32_chip_free(b.chip);
}

static void a_program_that_waits_sees_what_is_written(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    /* str r3, [r2]; ldr r1, [r0]; cmp r1, #0; beq . - 6; bkpt */
    static const uint16_t waiting[] = {0x6013, 0x6801, 0x2900, 0xd0fb, 0xbe00};
    halt(&b);
    load(&b, waiting, 5);
    set(&b, 0x40003000, 0xcccc);
    set(&b, SRAM + 0x100, 0);
    set_register(&b, 0, SRAM + 0x100);
    set_register(&b, 2, 0x40003000);
    set_register(&b, 3, 0xaaaa); /* it feeds the watchdog */
    run_from_sram(&b);
    for (int i = 0; i < 3; i++) {
        b.now += 2000 * STM32_MS;
        assert_int_equal(word(&b, DHCSR) & HALTED, 0);
    }
    assert_true(dumped(&b, "core.instructions ") < 1000); /* not all of them are executed */
    set(&b, SRAM + 0x100, 5);
    assert_int_equal(word(&b, DHCSR) & HALTED, HALTED);
    assert_int_equal(core_register(&b, 1), 5);
    assert_int_equal(dumped(&b, "count.watchdog-resets "), 0);
    stm32_chip_free(b.chip);
}

static void new_code_in_sram_is_what_runs(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    halt(&b);
    for (uint16_t number = 1; number <= 3; number++) {
        const uint16_t code[] = {(uint16_t)(0x2200 | number), 0xbe00}; /* movs r2, #number */
        load(&b, code, 2);
        run_from_sram(&b);
        b.now += STM32_MS;
        assert_int_equal(core_register(&b, 2), number);
    }
    stm32_chip_free(b.chip);
}

static void a_program_that_faults_says_so_in_the_fault_registers(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    static const uint16_t bad[] = {0x6801, 0xbe00}; /* ldr r1, [r0] */
    halt(&b);
    load(&b, bad, 2);
    set_register(&b, 0, 0x30000000);
    run_from_sram(&b);
    b.now += STM32_MS;
    assert_int_equal(word(&b, DHCSR) & 1 << 19, 1 << 19); /* nobody handles it: locked up */
    assert_int_not_equal(word(&b, CFSR), 0);
    assert_int_equal(word(&b, HFSR), 1u << 30);
    set(&b, HFSR, 1u << 30);
    assert_int_equal(word(&b, HFSR), 0);
    stm32_chip_free(b.chip);
}

static void interrupts_may_not_be_masked_in_the_write_that_starts_the_core(void **state)
{
    (void)state;
    struct bench b = bench_new("stm32f103c8");
    halt(&b);
    load(&b, (const uint16_t[]){0xbe00}, 1);
    set_register(&b, 15, SRAM);
    set_register(&b, 16, 0x01000000);
    set(&b, DHCSR, 0xa05f000b);
    set(&b, DHCSR, 0xa05f0009);
    assert_int_equal(dumped(&b, "count.undefined "), 0);
    set(&b, DHCSR, 0xa05f0001);
    assert_int_equal(dumped(&b, "count.undefined "), 1);
    stm32_chip_free(b.chip);
}

static void a_watchdog_resets_a_core_that_is_held_unless_told_to_stop(void **state)
{
    (void)state;
    const struct stm32_chip_options options = {.firmware = STM32_FIRMWARE_WATCHDOG};
    for (int stopped = 0; stopped < 2; stopped++) {
        struct bench b = {.chip = stm32_chip_new(stm32_chip_spec("stm32f103c8"), &options)};
        flash(&b)[5] = 0; /* no longer blank */
        set(&b, AIRCR, 0x05fa0004);
        b.now += STM32_MS;
        halt(&b);
        set(&b, 0xe0042004, stopped != 0 ? 0x100 : 0);
        for (int i = 0; i < 50; i++) {
            b.now += 10 * STM32_MS;
            (void)word(&b, 0xe0042000);
        }
        assert_int_equal(dumped(&b, "count.watchdog-resets "), stopped != 0 ? 0 : 1);
        stm32_chip_free(b.chip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_stops_at_its_vector_where_demcr_asks_for_it),
        cmocka_unit_test(a_blank_chip_locks_up),
        cmocka_unit_test(a_program_in_sram_programs_flash_in_the_flash_s_time),
        cmocka_unit_test(a_program_that_is_halted_goes_on_where_it_was),
        cmocka_unit_test(a_program_that_waits_sees_what_is_written),
        cmocka_unit_test(new_code_in_sram_is_what_runs),
        cmocka_unit_test(a_program_that_faults_says_so_in_the_fault_registers),
        cmocka_unit_test(interrupts_may_not_be_masked_in_the_write_that_starts_the_core),
        cmocka_unit_test(a_watchdog_resets_a_core_that_is_held_unless_told_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
