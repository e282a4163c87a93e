/* The simulated chip against the data sheets' rules, one by one: fuses, the clock they choose, and
 * lock bits. */
#include "chip_bench.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
