/* The simulated chip against the data sheets' rules, one by one. */
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

/* --- flash by pages --------------------------------------------------------------------------- */

static void load_word(struct bench *b, uint8_t word, uint8_t low, uint8_t high)
{
    (void)bench_send(b, 0x40, 0, word, low);
    (void)bench_send(b, 0x48, 0, word, high);
}

static void commit(struct bench *b, uint16_t word_address)
{
    (void)bench_send(b, 0x4c, (uint8_t)(word_address >> 8), (uint8_t)word_address, 0);
    bench_wait_us(b, 5000);
}

static uint8_t read_flash(struct bench *b, uint32_t address)
{
    return bench_send(b, (address & 1) != 0 ? 0x28 : 0x20, (uint8_t)(address >> 9),
                      (uint8_t)(address >> 1), 0);
}

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

static void erase(struct bench *b)
{
    (void)bench_send(b, 0xac, 0x80, 0, 0);
    bench_wait_us(b, b->part->erase_us);
}

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

/* --- fuses ------------------------------------------------------------------------------------ */

static void fuse_bits_go_either_way_and_unimplemented_ones_read_as_1(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xa4, 0, 0x05);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0x50, 0x08, 0, 0), 0xfd);
    (void)bench_send(b, 0xac, 0xa4, 0, 0xff);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0x50, 0x08, 0, 0), 0xff);
}

static void isp_cannot_change_spien(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xa8, 0, 0xff);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0x58, 0x08, 0, 0), 0xdf);
}

static void a_new_clock_counts_from_leaving_on(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    assert_int_equal(chip_clock_hz(b->chip), 1000000);
    (void)bench_send(b, 0xac, 0xa0, 0, 0xe2); /* internal 8 MHz, not divided */
    bench_wait_us(b, 5000);
    assert_int_equal(chip_clock_hz(b->chip), 1000000);
    bench_leave(b);
    assert_int_equal(chip_clock_hz(b->chip), 8000000);
    assert_int_equal(chip_sck_limit_hz(b->chip), 2000000);
}

static void set_fuse_and_come_back(struct bench *b, uint8_t which, uint8_t value, bool alive)
{
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, which, 0, value);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0x1e); /* still in */
    bench_leave(b);
    assert_int_equal(bench_enter(b), alive);
}

static void fuses_that_cut_isp_off_silence_the_chip_once_left(void **state)
{
    struct bench *b = *state;
    set_fuse_and_come_back(b, 0xa8, 0x59, false); /* RSTDISBL */
    set_fuse_and_come_back(b, 0xa8, 0x99, false); /* DWEN */
    set_fuse_and_come_back(b, 0xa0, 0xe0, false); /* external clock, and there is none */
    set_fuse_and_come_back(b, 0xa0, 0xff, true);  /* crystal, and there is one */
}

static void a_crystal_that_is_not_there_does_not_swing(void **state)
{
    struct bench *b = *state;
    const struct chip_options bare = {.crystal_hz = 0};
    bench_place(b, "m328p", &bare);
    bench_bytes(b, "lfuse")[0] = 0xff;
    assert_false(bench_enter(b));
}

static void a_clock_signal_revives_a_chip_that_wants_one(void **state)
{
    struct bench *b = *state;
    const struct chip_options rescued = {.signal_hz = 1000000};
    bench_place(b, "m328p", &rescued);
    bench_bytes(b, "lfuse")[0] = 0xe0;
    assert_true(bench_enter(b));
    assert_int_equal(chip_clock_hz(b->chip), 1000000);
}

static void clocks_come_from_the_fuses(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *part, *fuse;
        uint8_t value;
        uint32_t hz;
    } rows[] = {
        {"m328p", "lfuse", 0x62, 1000000},     {"m328p", "lfuse", 0xe2, 8000000},
        {"m328p", "lfuse", 0xe3, 128000},      {"m328p", "lfuse", 0x63, 16000},
        {"m328p", "lfuse", 0xf7, 12000000},    {"m328p", "lfuse", 0xe5, 0},
        {"m8", "lfuse", 0xe1, 1000000},        {"m8", "lfuse", 0xe4, 8000000},
        {"m8", "lfuse", 0xff, 12000000},       {"t13", "lfuse", 0x6a, 1200000},
        {"t13", "lfuse", 0x79, 4800000},       {"t85", "lfuse", 0x62, 1000000},
        {"t85", "lfuse", 0xf1, 16000000},      {"m32u4", "lfuse", 0x5e, 1500000},
        {"at90s2343", "fuse", 0xdf, 12000000}, {"at90s2343", "fuse", 0xde, 1000000},
    };
    const struct chip_options options = {.crystal_hz = 12000000};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bench_place(b, rows[i].part, &options);
        bench_bytes(b, rows[i].fuse)[0] = rows[i].value;
        bench_reset(b);
        if (chip_clock_hz(b->chip) != rows[i].hz)
            fail_msg("%s %s 0x%02x: %u Hz", rows[i].part, rows[i].fuse, rows[i].value,
                     (unsigned)chip_clock_hz(b->chip));
    }
}

static bool needs_a_signal(const struct bench *b, size_t index, uint8_t value)
{
    for (size_t i = 0; i < b->part->hazard_count; i++) {
        const struct hazard *hazard = &b->part->hazards[i];
        if (hazard->memory == &b->part->memories[index] && hazard->kind == HAZARD_EXTERNAL_CLOCK &&
            hazard_hit(hazard, value))
            return true;
    }
    return false;
}

/* Also with a reserved start-up time, which leaves the source as CKSEL has it. */
static void whatever_makes_a_chip_wait_for_a_clock_signal_is_a_hazard(void **state)
{
    struct bench *b = *state;
    const struct chip_options without = {.crystal_hz = 8000000};
    const struct chip_options with = {.crystal_hz = 8000000, .signal_hz = 1234567};
    for (size_t i = 0; i < part_count(b->parts); i++) {
        bench_place(b, part_entry_at(b->parts, i).id, NULL);
        uint8_t *bytes[16];
        assert_in_range(b->part->memory_count, 1, 16);
        for (size_t m = 0; m < b->part->memory_count; m++)
            bytes[m] = chip_bytes(b->chip, m);
        for (size_t m = 0; m < b->part->memory_count; m++) {
            const uint8_t before = bytes[m][0];
            for (unsigned value = 0; b->part->memories[m].kind == MEMORY_FUSE && value < 256;
                 value++) {
                bytes[m][0] = (uint8_t)value;
                const bool waits = chip_clock_of(b->part, bytes, &without) == 0 &&
                                   chip_clock_of(b->part, bytes, &with) != 0;
                if (waits && !needs_a_signal(b, m, (uint8_t)value))
                    fail_msg("%s %s 0x%02x", b->part->name, b->part->memories[m].name, value);
            }
            bytes[m][0] = before;
        }
    }
}

static void a_watch_crystal_swings_with_its_own_oscillator_only(void **state)
{
    struct bench *b = *state;
    const struct chip_options options = {.crystal_hz = 32768};
    bench_place(b, "m328p", &options);
    bench_bytes(b, "lfuse")[0] = 0xe5;
    bench_reset(b);
    assert_int_equal(chip_clock_hz(b->chip), 32768);
    chip_reset(b->chip, false, b->now_ns);
    bench_bytes(b, "lfuse")[0] = 0xff;
    bench_reset(b);
    assert_int_equal(chip_clock_hz(b->chip), 0);
}

static void every_part_runs_from_the_factory_and_tells_its_signature(void **state)
{
    struct bench *b = *state;
    const struct chip_options options = {.crystal_hz = 8000000, .signal_hz = 8000000};
    for (size_t i = 0; i < part_count(b->parts); i++) {
        bench_place(b, part_entry_at(b->parts, i).id, &options);
        if (b->part->family != PART_AVR_ISP)
            continue;
        bench_reset(b);
        b->sck_hz = chip_sck_limit_hz(b->chip) / 2;
        if (b->sck_hz == 0)
            fail_msg("%s has no clock", b->part->name);
        if (!bench_enter(b) && b->part->enable_reply_value != 0)
            fail_msg("%s does not answer", b->part->name);
        for (uint8_t at = 0; at < 3; at++) {
            const uint8_t got = b->part->reset_active_high ? bench_send(b, 0x28, at, 0, 0)
                                                           : bench_send(b, 0x30, 0, at, 0);
            if (got != b->part->signature[at])
                fail_msg("%s: signature byte %u is %02x", b->part->name, at, got);
        }
    }
}

/* --- lock bits -------------------------------------------------------------------------------- */

static void lock_mode_2_forbids_writing(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    bench_bytes(b, "flash")[0] = 0x77;
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xe0, 0, 0xfe);
    bench_wait_us(b, 5000);
    load_word(b, 0, 0, 0);
    commit(b, 0);
    (void)bench_send(b, 0xc0, 0, 0, 0);
    bench_wait_us(b, 5000);
    (void)bench_send(b, 0xac, 0xa0, 0, 0);
    bench_wait_us(b, 5000);
    assert_int_equal(chip_counts(b->chip)->locked, 3);
    assert_int_equal(read_flash(b, 0), 0x77);
    assert_int_equal(bench_send(b, 0xa0, 0, 0, 0), 0xff);
    assert_int_equal(bench_send(b, 0x50, 0, 0, 0), 0x62);
}

static void lock_mode_3_spoils_reading_but_not_the_signature(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    memset(bench_bytes(b, "flash"), 0x77, 1024);
    bench_bytes(b, "lock")[0] = 0xfc;
    assert_true(bench_enter(b));
    assert_int_not_equal(read_flash(b, 20), 0x77);
    assert_int_equal(bench_send(b, 0x30, 0, 2, 0), 0x0f);
    assert_int_equal(bench_send(b, 0x58, 0, 0, 0), 0xfc);
    assert_int_equal(bench_send(b, 0x50, 0, 0, 0), 0x62);
}

static void lock_bits_are_only_cleared_by_chip_erase(void **state)
{
    struct bench *b = *state;
    bench_place(b, "m328p", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xe0, 0, 0xfe);
    bench_wait_us(b, 5000);
    (void)bench_send(b, 0xac, 0xe0, 0, 0xff);
    bench_wait_us(b, 5000);
    assert_int_equal(bench_send(b, 0x58, 0, 0, 0), 0xfe);
    erase(b);
    assert_int_equal(bench_send(b, 0x58, 0, 0, 0), 0xff);
}

static void an_old_locked_chip_hides_its_signature(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s8515", NULL);
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xf9, 0, 0); /* LB1 and LB2 in byte 1, programmed */
    bench_wait_us(b, 20000);
    assert_int_equal(bench_send(b, 0x30, 0, 0, 0), 0x00);
    assert_int_equal(bench_send(b, 0x30, 0, 1, 0), 0x01);
    assert_int_equal(bench_send(b, 0x30, 0, 2, 0), 0x02);
}

static void an_at89s52_is_locked_step_by_step(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at89s52", NULL);
    assert_true(bench_enter(b));
    assert_int_equal(bench_send(b, 0x24, 0, 0, 0) & 0x1c, 0x00);
    (void)bench_send(b, 0xac, 0xe1, 0, 0);
    bench_wait_us(b, 10000);
    assert_int_equal(bench_send(b, 0x24, 0, 0, 0) & 0x1c, 0x04);
    (void)bench_send(b, 0x40, 0, 0, 0x11); /* mode 2: no writing */
    bench_wait_us(b, 10000);
    assert_int_equal(bench_send(b, 0x20, 0, 0, 0), 0xff);
    (void)bench_send(b, 0xac, 0xe2, 0, 0);
    bench_wait_us(b, 10000);
    assert_int_equal(bench_send(b, 0x24, 0, 0, 0) & 0x1c, 0x0c);
    assert_int_not_equal(bench_send(b, 0x20, 0, 0, 0), 0xff); /* mode 3: no reading */
    (void)bench_send(b, 0xac, 0x80, 0, 0);
    bench_wait_us(b, 500000);
    assert_int_equal(bench_send(b, 0x24, 0, 0, 0) & 0x1c, 0x00);
    assert_int_equal(bench_send(b, 0x20, 0, 0, 0), 0xff);
}

/* --- fuse and lock bytes of old parts --------------------------------------------------------- */

static void two_bytes_can_share_one_read_instruction(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s2343", NULL);
    bench_bytes(b, "fuse")[0] = 0xde; /* RCEN programmed */
    bench_bytes(b, "lock")[0] = 0xfd; /* LB1 programmed */
    b->sck_hz = 10000;
    assert_true(bench_enter(b));
    const uint8_t answer = bench_send(b, 0x58, 0, 0, 0);
    assert_int_equal(answer & 0x80, 0x00); /* LB1 */
    assert_int_equal(answer & 0x40, 0x40); /* LB2 */
    assert_int_equal(answer & 0x20, 0x00); /* SPIEN */
    assert_int_equal(answer & 0x01, 0x00); /* RCEN */
}

static void an_old_fuse_is_written_in_the_second_byte(void **state)
{
    struct bench *b = *state;
    bench_place(b, "at90s2343", NULL);
    b->sck_hz = 10000;
    bench_bytes(b, "fuse")[0] = 0xde;
    assert_true(bench_enter(b));
    (void)bench_send(b, 0xac, 0xbf, 0, 0);
    bench_wait_us(b, 30000);
    assert_int_equal(bench_send(b, 0x58, 0, 0, 0) & 0x01, 0x01);
    (void)bench_send(b, 0xac, 0xbe, 0, 0);
    bench_wait_us(b, 30000);
    assert_int_equal(bench_send(b, 0x58, 0, 0, 0) & 0x01, 0x00);
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
        cmocka_unit_test(fuse_bits_go_either_way_and_unimplemented_ones_read_as_1),
        cmocka_unit_test(isp_cannot_change_spien),
        cmocka_unit_test(a_new_clock_counts_from_leaving_on),
        cmocka_unit_test(fuses_that_cut_isp_off_silence_the_chip_once_left),
        cmocka_unit_test(a_crystal_that_is_not_there_does_not_swing),
        cmocka_unit_test(a_clock_signal_revives_a_chip_that_wants_one),
        cmocka_unit_test(clocks_come_from_the_fuses),
        cmocka_unit_test(whatever_makes_a_chip_wait_for_a_clock_signal_is_a_hazard),
        cmocka_unit_test(a_watch_crystal_swings_with_its_own_oscillator_only),
        cmocka_unit_test(every_part_runs_from_the_factory_and_tells_its_signature),
        cmocka_unit_test(lock_mode_2_forbids_writing),
        cmocka_unit_test(lock_mode_3_spoils_reading_but_not_the_signature),
        cmocka_unit_test(lock_bits_are_only_cleared_by_chip_erase),
        cmocka_unit_test(an_old_locked_chip_hides_its_signature),
        cmocka_unit_test(an_at89s52_is_locked_step_by_step),
        cmocka_unit_test(two_bytes_can_share_one_read_instruction),
        cmocka_unit_test(an_old_fuse_is_written_in_the_second_byte),
        cmocka_unit_test(sck_has_the_limit_of_the_data_sheet),
        cmocka_unit_test(too_fast_an_sck_gives_bit_errors_the_same_each_time),
        cmocka_unit_test(far_too_fast_an_sck_is_not_heard_at_all),
        cmocka_unit_test(a_weak_cell_does_not_read_the_same_twice),
        cmocka_unit_test(a_stuck_cell_keeps_its_value),
        cmocka_unit_test(a_worn_out_chip_takes_instructions_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
