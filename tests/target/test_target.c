/* The AVR family on the tests' chip model: the way in, what is said when the chip is not there, and
 * calls that fail. */
#include <string.h>

#include "support/test.h"
#include "target_bench.h"

/* --- entering ------------------------------------------------------------------------------- */

static void every_part_is_entered_and_identified(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct bench b = bench_ready(all_parts[i], kinds[k], NULL);
            assert_int_equal(b.rig->enters, 1);
            assert_int_equal(b.rig->exchanges, 2); /* one to prove it, one for the signature */
            bench_assert_clean(&b);
            OK(target_leave(b.target, &b.error));
            assert_true(chip_rig_released(b.rig));
            bench_free(&b);
        }
}

static void a_programmer_that_reports_needs_no_echo(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_REPORTS, NULL);
    assert_int_equal(b.rig->enters, 1);
    bench_free(&b);
}

struct fault_row {
    enum avr_fault fault;
    enum chip_rig_kind kind;
    const char *text, *hint;
};

static void a_broken_wire_is_told_by_what_came_back(void **state)
{
    (void)state;
    static const struct fault_row rows[] = {
        {AVR_FAULT_MISO_LOW, RIG_PLAIN, "MISO stays low", "has power"},
        {AVR_FAULT_MISO_HIGH, RIG_PLAIN, "MISO stays high", "MISO is connected"},
        {AVR_FAULT_NO_CLOCK, RIG_PLAIN, "no answer", "clock"},
        {AVR_FAULT_NO_POWER, RIG_PLAIN, "no answer", "power"},
        {AVR_FAULT_ECHO, RIG_PLAIN, "MISO repeats MOSI", "not connected to one another"},
        {AVR_FAULT_MISO_LOW, RIG_BLIND, "the signature read as 00 00 00", "SPI_CLOCK"},
        {AVR_FAULT_MISO_HIGH, RIG_BLIND, "the signature read as ff ff ff", "SPI_CLOCK"},
        {AVR_FAULT_RESET_CUT, RIG_PLAIN, "no answer", "RESET"},
        {AVR_FAULT_MISO_HIGH, RIG_REPORTS, "got no answer to Programming Enable", "has power"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b = bench_new("m328p", rows[i].kind, NULL);
        avr_chip_set_fault(b.rig->chip, rows[i].fault, true);
        assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
        assert_non_null(strstr(b.error.text, rows[i].text));
        assert_non_null(strstr(b.error.hint, rows[i].hint));
        assert_non_null(strstr(b.error.hint, "ispflash doctor")); /* all lines have room */
        bench_free(&b);
    }
}

/* Two attempts at each of two SCKs, as a diagnosis wants them. */
static const char *probed(const char *name, enum chip_rig_kind kind, enum avr_fault fault)
{
    struct bench b = bench_new(name, kind, NULL);
    const struct probe_facts facts = {.voltage_known = false};
    struct isp_probe series[4];
    struct diagnosis d;
    if (fault != AVR_FAULT_COUNT)
        avr_chip_set_fault(b.rig->chip, fault, true);
    for (size_t i = 0; i < 4; i++)
        OK(target_probe(b.target, i < 2 ? 100000 : 8000, &series[i], &b.error));
    diagnose(series, 4, &facts, &d);
    assert_int_equal(avr_chip_stats(b.rig->chip)->instructions[AVR_OP_UNKNOWN], 0);
    assert_false(chip_rig_released(b.rig) && d.symptom == SYMPTOM_NONE);
    bench_free(&b);
    return symptom_name(d.symptom);
}

static void a_probe_tells_how_the_chip_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTS; i++)
        for (int kind = RIG_PLAIN; kind <= RIG_RANGES; kind++)
            assert_string_equal(probed(all_parts[i], (enum chip_rig_kind)kind, AVR_FAULT_COUNT),
                                "none");
    static const struct {
        enum avr_fault fault;
        const char *all, *fourth; /* for programmers that show all bytes, or the fourth alone */
    } rows[] = {
        {AVR_FAULT_MISO_LOW, "miso-low", "miso-low"},
        {AVR_FAULT_MISO_HIGH, "miso-high", "miso-high"},
        {AVR_FAULT_ECHO, "echo", "echo"},
        {AVR_FAULT_MOSI_CUT, "miso-high", "miso-high"},
        {AVR_FAULT_SWAPPED, "miso-high", "miso-high"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(probed("m328p", RIG_PLAIN, rows[i].fault), rows[i].all);
        assert_string_equal(probed("m328p", RIG_BLIND, rows[i].fault), rows[i].fourth);
        assert_string_equal(probed("m328p", RIG_REPORTS, rows[i].fault), "hidden");
    }
}

static void a_probe_sets_sck_where_it_can(void **state)
{
    (void)state;
    struct isp_probe p;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3; /* 128 kHz */
    OK(target_probe(b.target, 187500, &p, &b.error));
    assert_false(p.enabled);
    assert_int_equal(p.sck_hz, 187500);
    OK(target_probe(b.target, 8000, &p, &b.error));
    assert_true(p.enabled);
    assert_int_equal(p.sck_hz, 8000);
    bench_free(&b);
    b = bench_new("m328p", RIG_BLIND, NULL);
    OK(target_probe(b.target, 8000, &p, &b.error));
    assert_true(p.enabled);
    assert_int_equal(p.sck_hz, 0);
    bench_free(&b);
    b = bench_new("m328p", RIG_BOOTLOADER, NULL);
    assert_int_equal(target_probe(b.target, 0, &p, &b.error), STATUS_UNSUPPORTED);
    bench_free(&b);
}

static void nothing_is_written_after_a_probe(void **state)
{
    (void)state;
    struct isp_probe p;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    OK(target_probe(b.target, 0, &p, &b.error));
    assert_int_equal(target_erase(b.target, &b.error), STATUS_NO_TARGET);
    bench_free(&b);
}

static void wrong_answers_are_counted_one_by_one(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *fuse = part_memory(b.part, MEMORY_FUSE);
    const uint8_t right = 0x62, wrong = 0x63;
    unsigned count = 99;
    OK(target_count_wrong(b.target, b.part->signature, &fuse, &right, 1, 4, &count, &b.error));
    assert_int_equal(count, 0);
    OK(target_count_wrong(b.target, b.part->signature, &fuse, &wrong, 1, 4, &count, &b.error));
    assert_int_equal(count, 4);
    bench_free(&b);
}

static void nothing_is_sent_after_a_programmer_reported_no_chip(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_REPORTS, NULL);
    avr_chip_set_fault(b.rig->chip, AVR_FAULT_NO_POWER, true);
    assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(b.rig->exchanges, 0);
    bench_free(&b);
}

static void a_chip_that_has_not_answered_is_not_written_to(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = bench_pattern_image(0, 16), *present = bench_blank_image(flash);
    OK(target_enter(b.target, &b.error)); /* but not identified */
    assert_int_equal(target_erase(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(target_write(b.target, flash, image, present, &b.error), STATUS_NO_TARGET);
    assert_int_equal(target_write_byte(b.target, part_memory(b.part, MEMORY_FUSE), 0, &b.error),
                     STATUS_NO_TARGET);
    image_free(image);
    image_free(present);
    bench_free(&b);
}

static void a_slow_chip_is_found_by_a_slower_sck(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3; /* 128 kHz internal oscillator */
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_true(target_clock(b.target) < 32000);
    assert_non_null(strstr(b.rig->log, "note: the chip answers at SCK"));
    bench_free(&b);
}

/* ATtiny2313: 4 MHz divided by 8. SCK must stay below 125 kHz; Programming Enable may slip through
 * at 187.5 kHz, the signature then does not. */
static void an_sck_that_was_a_little_too_fast_is_lowered(void **state)
{
    (void)state;
    struct bench b = bench_new("t2313", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0x62;
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_memory_equal(signature, b.part->signature, 3);
    assert_true(target_clock(b.target) < 125000);
    assert_false(target_unreliable(b.target));
    bench_free(&b);
}

static void the_users_sck_is_kept(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    b.rig->config.sck_hz = 100000;
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3;
    assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(b.rig->sck_hz, 100000);
    assert_int_equal(b.rig->sck_changes, 1);
    assert_non_null(strstr(b.error.hint, "-B"));
    bench_free(&b);
}

static void a_fixed_sck_makes_b_a_note(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_BLIND, NULL);
    b.rig->config.sck_hz = 100000;
    OK(target_enter(b.target, &b.error));
    assert_non_null(strstr(b.rig->log, "fixed"));
    bench_free(&b);
}

static void bit_errors_are_called_an_unreliable_connection(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    avr_chip_set_fault(b.rig->chip, AVR_FAULT_BIT_ERRORS, true);
    avr_chip_set_bit_error_rate(b.rig->chip, 12);
    assert_int_equal(target_identify(b.target, signature, &b.error), STATUS_NO_TARGET);
    assert_non_null(strstr(b.error.text, "unreliable"));
    assert_true(target_unreliable(b.target));
    bench_free(&b);
}

/* --- faults --------------------------------------------------------------------------------- */

static enum status whole_job(struct bench *b)
{
    const struct memory *flash = part_memory(b->part, MEMORY_FLASH);
    struct image *image = bench_pattern_image(0, 0x100), *present = bench_blank_image(flash);
    uint8_t signature[3], back[0x100];
    enum status status = target_enter(b->target, &b->error);
    if (status == STATUS_OK)
        status = target_identify(b->target, signature, &b->error);
    if (status == STATUS_OK)
        status = target_erase(b->target, &b->error);
    if (status == STATUS_OK)
        status = target_write(b->target, flash, image, present, &b->error);
    if (status == STATUS_OK)
        status = target_read(b->target, flash, 0, back, sizeof back, &b->error);
    image_free(image);
    image_free(present);
    return status;
}

static void every_call_may_fail_and_reset_is_released(void **state)
{
    (void)state;
    static const char *const parts[] = {"m328p", "m8", "at90s8515", "m2560"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (unsigned k = 1;; k++) {
            struct bench b = bench_new(parts[i], i % 2 == 0 ? RIG_PLAIN : RIG_RANGES, NULL);
            b.rig->fail_at = k;
            const enum status status = whole_job(&b);
            if (status != STATUS_OK) {
                assert_int_equal(status, STATUS_LINK);
                assert_non_null(strstr(b.error.text, "unplugged at call"));
            }
            bench_free(&b); /* asserts that RESET is released */
            if (status == STATUS_OK)
                break;
            assert_true(k < 2000);
        }
    }
}

static void cancelling_stops_at_the_next_transfer(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    b.rig->cancel_at = 5;
    assert_int_equal(whole_job(&b), STATUS_CANCELLED);
    assert_int_equal(b.rig->calls, 5);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_entered_and_identified),
        cmocka_unit_test(a_programmer_that_reports_needs_no_echo),
        cmocka_unit_test(a_broken_wire_is_told_by_what_came_back),
        cmocka_unit_test(a_probe_tells_how_the_chip_answers),
        cmocka_unit_test(a_probe_sets_sck_where_it_can),
        cmocka_unit_test(nothing_is_written_after_a_probe),
        cmocka_unit_test(wrong_answers_are_counted_one_by_one),
        cmocka_unit_test(nothing_is_sent_after_a_programmer_reported_no_chip),
        cmocka_unit_test(a_chip_that_has_not_answered_is_not_written_to),
        cmocka_unit_test(a_slow_chip_is_found_by_a_slower_sck),
        cmocka_unit_test(an_sck_that_was_a_little_too_fast_is_lowered),
        cmocka_unit_test(the_users_sck_is_kept),
        cmocka_unit_test(a_fixed_sck_makes_b_a_note),
        cmocka_unit_test(bit_errors_are_called_an_unreliable_connection),
        cmocka_unit_test(every_call_may_fail_and_reset_is_released),
        cmocka_unit_test(cancelling_stops_at_the_next_transfer),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
