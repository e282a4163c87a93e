/* The doctor at the bench: what each broken wire shows, and to which programmer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/session/doctor.h"
#include "support/chip_driver.h"
#include "support/test.h"

struct bench {
    struct doctor_listener listener; /* first */
    struct part_database *parts;
    struct chip_rig *rig;
    struct doctor_request request;
    struct doctor_report report;
    struct error e;
    char told[4096];         /* "wires fails: text\n" */
    struct soak_row rows[8]; /* of a soak */
    size_t row_count;
    unsigned cancel_at_row; /* the user wants out behind it; 0: never */
};

static void on_step(struct doctor_listener *self, const struct doctor_step *step)
{
    static const char *const outcomes[] = {"ok", "fails", "open"};
    struct bench *b = (struct bench *)self;
    const size_t used = strlen(b->told);
    (void)snprintf(b->told + used, sizeof b->told - used, "%s %s: %s\n",
                   doctor_check_name(step->check), outcomes[step->outcome], step->text);
}

static void on_soak(struct doctor_listener *self, const struct soak_row *row)
{
    struct bench *b = (struct bench *)self;
    assert_true(b->row_count < sizeof b->rows / sizeof b->rows[0]);
    b->rows[b->row_count++] = *row;
    if (b->row_count == b->cancel_at_row)
        b->rig->cancel = 1;
}

static struct bench *bench_new(const char *chip, enum chip_rig_kind kind,
                               const struct avr_chip_options *options)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->listener = (struct doctor_listener){.step = on_step, .soak = on_soak};
    assert_int_equal(part_database_open(&b->parts, &b->e), STATUS_OK);
    b->rig = chip_rig_new(chip, kind, options);
    b->request = (struct doctor_request){.part = chip, .listener = &b->listener};
    return b;
}

static enum status bench_run(struct bench *b)
{
    b->request.programmer = b->rig->config;
    const enum status status = doctor_run_on(&b->request, b->parts, &b->rig->context,
                                             &b->rig->programmer, &b->report, &b->e);
    assert_true(chip_rig_released(b->rig));
    assert_int_equal(b->rig->begun, b->rig->ended);
    return status;
}

/* Nothing but Programming Enable and reads reached the chip. */
static void bench_free(struct bench *b)
{
    const struct avr_stats *s = avr_chip_stats(b->rig->chip);
    for (int op = 0; op < AVR_OP_COUNT; op++)
        if (op != AVR_OP_ENABLE && op != AVR_OP_READ_SIGNATURE && op != AVR_OP_READ_FUSE &&
            op != AVR_OP_READ_LOCK && s->instructions[op] != 0)
            fail_msg("%s was sent", avr_op_name((enum avr_op)op));
    chip_rig_free(b->rig);
    part_database_close(b->parts);
    free(b);
}

static bool told(const struct bench *b, const char *text)
{
    return strstr(b->told, text) != NULL;
}

static void expect_told(const struct bench *b, const char *text)
{
    if (!told(b, text))
        fail_msg("\"%s\" is not in:\n%s", text, b->told);
}

static bool suspects(const struct bench *b, enum line line)
{
    for (size_t i = 0; i < b->report.diagnosis.suspect_count; i++)
        if ((b->report.diagnosis.suspects[i].lines & line) != 0)
            return true;
    return false;
}

/* --- a good desk ---------------------------------------------------------------------------- */

static void a_good_desk_passes_every_check(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES, RIG_REPORTS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bench *b = bench_new("m328p", kinds[i], NULL);
        if (bench_run(b) != STATUS_OK)
            fail_msg("%s\n%s", b->e.text, b->told);
        static const char *const checks[] = {"programmer ok", "access ok", "firmware ok",
                                             "supply open",   "wires ok",  "signature ok",
                                             "clock ok",      "lock ok",   "readings ok"};
        for (size_t k = 0; k < sizeof checks / sizeof checks[0]; k++)
            expect_told(b, checks[k]);
        assert_string_equal(b->report.part->name, "ATmega328P");
        assert_int_equal(b->report.diagnosis.symptom, SYMPTOM_NONE);
        bench_free(b);
    }
}

static void every_part_can_be_examined(void **state)
{
    (void)state;
    static const char *const chips[] = {"m32u4", "m2560",     "t85",       "m8",
                                        "t2313", "at90s8515", "at90s1200", "at89s52"};
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        struct bench *b = bench_new(chips[i], RIG_PLAIN, NULL);
        if (bench_run(b) != STATUS_OK)
            fail_msg("%s: %s\n%s", chips[i], b->e.text, b->told);
        bench_free(b);
    }
}

static void without_a_part_the_signature_tells(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->request.part = NULL;
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "signature ok: 1e 95 0f: ATmega328P, or another of that signature");
    bench_free(b);
}

static void a_measured_supply_is_told(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->rig->supply_mv = 3300;
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "supply ok: 3.30 V");
    bench_free(b);
}

/* --- broken wires --------------------------------------------------------------------------- */

static void each_broken_wire_is_among_the_suspects(void **state)
{
    (void)state;
    static const struct {
        enum avr_fault fault;
        enum avr_float idle;
        enum symptom all, fourth; /* to programmers that show all bytes, or the fourth alone */
        enum line line;           /* where it is */
    } rows[] = {
        {AVR_FAULT_MISO_OPEN, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_MISO},
        {AVR_FAULT_MISO_OPEN, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_MISO},
        {AVR_FAULT_MISO_OPEN, AVR_FLOAT_NOISE, SYMPTOM_UNSTEADY, SYMPTOM_UNSTEADY, LINE_MISO},
        {AVR_FAULT_MISO_LOW, AVR_FLOAT_HIGH, SYMPTOM_LOW, SYMPTOM_LOW, LINE_MISO},
        {AVR_FAULT_MISO_HIGH, AVR_FLOAT_LOW, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_MISO},
        {AVR_FAULT_ECHO, AVR_FLOAT_HIGH, SYMPTOM_ECHO, SYMPTOM_ECHO, LINE_MISO},
        {AVR_FAULT_ECHO, AVR_FLOAT_HIGH, SYMPTOM_ECHO, SYMPTOM_ECHO, LINE_MOSI},
        {AVR_FAULT_MOSI_CUT, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_MOSI},
        {AVR_FAULT_MOSI_CUT, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_MOSI},
        {AVR_FAULT_SCK_CUT, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_SCK},
        {AVR_FAULT_SCK_CUT, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_SCK},
        {AVR_FAULT_RESET_CUT, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_RESET},
        {AVR_FAULT_RESET_CUT, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_RESET},
        {AVR_FAULT_RUNS_ON, AVR_FLOAT_HIGH, SYMPTOM_UNSTEADY, SYMPTOM_UNSTEADY, LINE_RESET},
        {AVR_FAULT_SWAPPED, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_MOSI},
        {AVR_FAULT_SWAPPED, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_MOSI},
        {AVR_FAULT_SWAPPED, AVR_FLOAT_NOISE, SYMPTOM_UNSTEADY, SYMPTOM_UNSTEADY, LINE_MOSI},
        {AVR_FAULT_NO_POWER, AVR_FLOAT_HIGH, SYMPTOM_LOW, SYMPTOM_LOW, LINE_VCC},
        {AVR_FAULT_NO_CLOCK, AVR_FLOAT_HIGH, SYMPTOM_HIGH, SYMPTOM_HIGH, LINE_XTAL},
        {AVR_FAULT_NO_CLOCK, AVR_FLOAT_LOW, SYMPTOM_LOW, SYMPTOM_LOW, LINE_XTAL},
    };
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_REPORTS};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < 3; k++) {
            struct avr_chip_options options = avr_chip_defaults();
            options.idle = rows[i].idle;
            struct bench *b = bench_new("m328p", kinds[k], &options);
            avr_chip_set_fault(b->rig->chip, rows[i].fault, true);
            assert_int_equal(bench_run(b), STATUS_NO_TARGET);
            expect_told(b, "wires fails: no answer from the chip");
            assert_false(told(b, "signature"));
            const enum symptom wanted = kinds[k] == RIG_PLAIN   ? rows[i].all
                                        : kinds[k] == RIG_BLIND ? rows[i].fourth
                                                                : SYMPTOM_HIDDEN;
            if (b->report.diagnosis.symptom != wanted || !suspects(b, rows[i].line))
                fail_msg("row %zu, kind %zu: %s", i, k, symptom_name(b->report.diagnosis.symptom));
            assert_non_null(strstr(b->e.state, "nothing was erased or written"));
            bench_free(b);
        }
}

static void the_supply_that_is_not_there_is_the_one_cause(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->rig->supply_mv = 200;
    avr_chip_set_fault(b->rig->chip, AVR_FAULT_NO_POWER, true);
    assert_int_equal(bench_run(b), STATUS_NO_TARGET);
    expect_told(b, "supply open: 0.20 V");
    assert_int_equal(b->report.diagnosis.symptom, SYMPTOM_NO_POWER);
    assert_int_equal(b->report.diagnosis.confidence, CONFIDENCE_CERTAIN);
    assert_int_equal(b->report.diagnosis.suspect_count, 1);
    bench_free(b);
}

/* --- the chip ------------------------------------------------------------------------------- */

static void a_slow_chip_is_no_fault(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe3; /* 128 kHz */
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "wires ok: the chip answers at SCK 28 kHz, not at 187.5 kHz");
    expect_told(b, "clock ok: 128 kHz by its fuses");
    assert_int_equal(b->report.diagnosis.symptom, SYMPTOM_TOO_FAST);
    bench_free(b);
}

static void a_clock_that_may_be_anything_promises_nothing(void **state)
{
    (void)state;
    struct avr_chip_options options = avr_chip_defaults();
    options.external_hz = 400000;
    struct bench *b = bench_new("m328p", RIG_PLAIN, &options);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe0; /* a signal from outside */
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "wires ok: the chip answers at SCK 28 kHz, not at 187.5 kHz");
    expect_told(b, "clock open: 0 to 20 MHz by its fuses");
    chip_rig_free(b->rig); /* at 187.5 kHz it may have heard anything */
    part_database_close(b->parts);
    free(b);
}

/* It ought to follow by its fuses, and does only when it is slow: that is the wire. */
static void a_chip_slower_than_its_fuses_promise_has_a_bad_wire(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->rig->noisy_above_hz = 40000;
    avr_chip_set_bit_error_rate(b->rig->chip, 4);
    assert_int_equal(bench_run(b), STATUS_UNVERIFIED);
    expect_told(b, "wires ok: the chip answers at SCK 28 kHz, not at 187.5 kHz");
    expect_told(b, "clock fails: 1 MHz by its fuses: it ought to follow SCK 187.5 kHz");
    assert_int_equal(b->report.diagnosis.symptom, SYMPTOM_UNRELIABLE);
    assert_true(suspects(b, LINE_SCK));
    bench_free(b);
}

static void a_noisy_wire_is_found_by_many_readings(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_set_bit_error_rate(b->rig->chip, 3000);
    avr_chip_set_fault(b->rig->chip, AVR_FAULT_BIT_ERRORS, true);
    assert_int_equal(bench_run(b), STATUS_UNVERIFIED);
    expect_told(b, "readings fails: the connection is unreliable");
    assert_int_equal(b->report.diagnosis.symptom, SYMPTOM_UNRELIABLE);
    chip_rig_free(b->rig); /* misread instructions may have been anything */
    part_database_close(b->parts);
    free(b);
}

static void the_wrong_chip_is_named(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->request.part = "m32u4";
    assert_int_equal(bench_run(b), STATUS_SIGNATURE);
    expect_told(b, "signature fails: the chip is not an ATmega32U4: its signature is 1e 95 0f");
    assert_non_null(strstr(b->e.hint, "use -p m328p"));
    assert_false(told(b, "lock"));
    bench_free(b);
}

static void a_locked_chip_is_told(void **state)
{
    (void)state;
    static const struct {
        uint8_t lock;
        const char *text;
    } rows[] = {{0xfe, "forbid writing"}, {0xfc, "forbid reading and writing"}};
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
        avr_chip_memory(b->rig->chip, AVR_LOCK, NULL)[0] = rows[i].lock;
        assert_int_equal(bench_run(b), STATUS_PROTECTED);
        expect_told(b, rows[i].text);
        expect_told(b, "readings ok"); /* it goes on */
        bench_free(b);
    }
    struct bench *b = bench_new("at90s8515", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_LOCK, NULL)[0] = 0xf9; /* hides its signature */
    assert_int_equal(bench_run(b), STATUS_PROTECTED);
    expect_told(b, "lock fails: the chip is locked and hides its signature");
    bench_free(b);
}

/* Boot lock bits are no lock for ISP: every Arduino has them. */
static void boot_lock_bits_are_no_fault(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_LOCK, NULL)[0] = 0xcf;
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "lock ok: 0xcf: open");
    bench_free(b);
}

static void a_boot_loader_has_no_wires_to_look_at(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_BOOTLOADER, NULL);
    b->request.soak = 100;
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "wires open:");
    expect_told(b, "signature ok: 1e 95 0f");
    assert_false(told(b, "readings"));
    assert_int_equal(b->row_count, 0);
    bench_free(b);
}

/* --- soak ----------------------------------------------------------------------------------- */

static void a_soak_counts_at_each_sck_that_the_fuses_bear(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe2; /* 8 MHz */
    b->request.soak = 300;
    assert_int_equal(bench_run(b), STATUS_OK);
    static const uint32_t clocks[] = {46875, 93750, 187500, 375000, 750000, 1500000, 1799999};
    assert_int_equal(b->row_count, sizeof clocks / sizeof clocks[0]);
    for (size_t i = 0; i < b->row_count; i++) {
        assert_in_range(b->rows[i].sck_hz, clocks[i] - 1, clocks[i]);
        assert_in_range(b->rows[i].reads, 300, 360);
        assert_int_equal(b->rows[i].errors, 0);
    }
    assert_int_equal(avr_chip_stats(b->rig->chip)->sck_violations, 0);
    bench_free(b);
}

static void a_soak_goes_over_gaps_between_the_programmers_rates(void **state)
{
    (void)state;
    static const uint32_t rates[] = {500, 2000, 8000, 32000, 187500, 750000, 3000000, 0};
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe2; /* 8 MHz */
    b->rig->sck_rates = rates;
    b->request.soak = 60;
    assert_int_equal(bench_run(b), STATUS_OK);
    expect_told(b, "clock ok: 8 MHz by its fuses: SCK has to stay below 1800 kHz");
    assert_int_equal(b->row_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(b->rows[i].sck_hz, rates[3 + i]);
    bench_free(b);
}

static void a_soak_keeps_to_the_users_sck(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND};
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = bench_new("m328p", kinds[i], NULL);
        b->request.soak = 300;
        b->rig->config.sck_hz = kinds[i] == RIG_PLAIN ? 100000 : 0;
        assert_int_equal(bench_run(b), STATUS_OK);
        assert_int_equal(b->row_count, 1);
        assert_int_equal(b->rows[0].sck_hz, b->rig->config.sck_hz);
        bench_free(b);
    }
}

static void a_soak_stops_where_it_gets_bad(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe2;
    b->rig->noisy_above_hz = 400000;
    avr_chip_set_bit_error_rate(b->rig->chip, 40);
    b->request.soak = 3000;
    assert_int_equal(bench_run(b), STATUS_UNVERIFIED);
    assert_non_null(strstr(b->e.text, "readings were wrong"));
    assert_true(b->row_count <= 5);
    for (size_t i = 0; i < b->row_count && b->rows[i].sck_hz < 400000; i++)
        assert_int_equal(b->rows[i].errors, 0);
    chip_rig_free(b->rig);
    part_database_close(b->parts);
    free(b);
}

static void a_soak_that_is_interrupted_has_told_its_rows(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b->rig->chip, AVR_FUSES, NULL)[0] = 0xe2;
    b->request.soak = 300;
    b->cancel_at_row = 2;
    assert_int_equal(bench_run(b), STATUS_CANCELLED);
    assert_true(b->row_count >= 2);
    bench_free(b);
}

/* --- what else may happen ------------------------------------------------------------------- */

static void every_call_may_fail_and_reset_is_released(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 200; at++) {
        struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
        b->rig->fail_at = at;
        const enum status status = bench_run(b);
        if (status == STATUS_OK) {
            assert_true(b->rig->calls < at);
            bench_free(b);
            return;
        }
        assert_true(strlen(b->e.text) > 0);
        assert_true(told(b, "fails"));
        bench_free(b);
    }
    fail_msg("it never got through");
}

static void it_can_be_interrupted_at_every_call(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 200; at++) {
        struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
        b->rig->cancel_at = at;
        const enum status status = bench_run(b);
        const bool through = status == STATUS_OK;
        if (!through)
            assert_int_equal(status, STATUS_CANCELLED);
        bench_free(b);
        if (through)
            return;
    }
    fail_msg("it never got through");
}

static void an_unknown_part_is_refused_before_the_chip_is_touched(void **state)
{
    (void)state;
    struct bench *b = bench_new("m328p", RIG_PLAIN, NULL);
    b->request.part = "m328x";
    assert_int_equal(bench_run(b), STATUS_USAGE);
    assert_int_equal(b->rig->calls, 0);
    assert_string_equal(b->told, "");
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_desk_passes_every_check),
        cmocka_unit_test(every_part_can_be_examined),
        cmocka_unit_test(without_a_part_the_signature_tells),
        cmocka_unit_test(a_measured_supply_is_told),
        cmocka_unit_test(each_broken_wire_is_among_the_suspects),
        cmocka_unit_test(the_supply_that_is_not_there_is_the_one_cause),
        cmocka_unit_test(a_slow_chip_is_no_fault),
        cmocka_unit_test(a_clock_that_may_be_anything_promises_nothing),
        cmocka_unit_test(a_chip_slower_than_its_fuses_promise_has_a_bad_wire),
        cmocka_unit_test(a_noisy_wire_is_found_by_many_readings),
        cmocka_unit_test(the_wrong_chip_is_named),
        cmocka_unit_test(a_locked_chip_is_told),
        cmocka_unit_test(boot_lock_bits_are_no_fault),
        cmocka_unit_test(a_boot_loader_has_no_wires_to_look_at),
        cmocka_unit_test(a_soak_counts_at_each_sck_that_the_fuses_bear),
        cmocka_unit_test(a_soak_goes_over_gaps_between_the_programmers_rates),
        cmocka_unit_test(a_soak_keeps_to_the_users_sck),
        cmocka_unit_test(a_soak_stops_where_it_gets_bad),
        cmocka_unit_test(a_soak_that_is_interrupted_has_told_its_rows),
        cmocka_unit_test(every_call_may_fail_and_reset_is_released),
        cmocka_unit_test(it_can_be_interrupted_at_every_call),
        cmocka_unit_test(an_unknown_part_is_refused_before_the_chip_is_touched),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
