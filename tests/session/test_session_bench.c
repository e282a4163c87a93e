/* Bytes that are one chip's alone, and chips that come and go on a programmer that stays open. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static uint8_t program[256];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof program; i++)
        program[i] = (uint8_t)(i * 7);
    return 0;
}

/* --- one chip's own bytes ------------------------------------------------------------------- */

struct numbers {
    struct per_chip per_chip; /* first */
    uint8_t next[2];          /* what the sources give */
    unsigned taken;
    enum status fails;
};

static enum status take(struct per_chip *self, const struct session *s, struct context *c,
                        struct error *e)
{
    struct numbers *n = (struct numbers *)self;
    (void)c;
    n->taken++;
    assert_non_null(session_part(s));
    if (n->fails != STATUS_OK)
        return error_set(e, n->fails, "no number is left");
    n->next[0] = 0x12;
    n->next[1] = 0x34;
    return STATUS_OK;
}

/* A job that writes an image, and a number into the EEPROM. */
static struct job_bench *numbered(struct numbers *n, uint8_t image[256])
{
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    *n = (struct numbers){.per_chip = {.take = take}, .next = {0xaa, 0xbb}};
    memcpy(image, program, 256);
    b->job.per_chip = &n->per_chip;
    job_write(b, "flash", 0, image, 256);
    b->sources[job_write(b, "eeprom", 4, n->next, 2)].source.per_chip = true;
    return b;
}

static void a_chips_own_bytes_are_taken_once_and_verified(void **state)
{
    (void)state;
    struct numbers n;
    uint8_t image[256], value;
    struct job_bench *b = numbered(&n, image);
    job_expect(b, STATUS_OK);
    assert_int_equal(n.taken, 1);
    assert_memory_equal(job_chip(b, AVR_EEPROM) + 4, n.next, 2);
    assert_true(image_get(job_report(b, "eeprom")->proven, 4, &value));
    assert_int_equal(value, 0x12);
    assert_int_equal(b->sources[1].loads, 2);
    job_bench_free(b);
}

static void own_bytes_reach_an_image_that_was_merged(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    struct numbers n = {.per_chip = {.take = take}, .next = {0xaa, 0xbb}};
    b->job.per_chip = &n.per_chip;
    job_write(b, "flash", 0, program, 256);
    b->sources[job_write(b, "flash", 0x400, n.next, 2)].source.per_chip = true;
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_FLASH), program, 256);
    assert_memory_equal(job_chip(b, AVR_FLASH) + 0x400, n.next, 2);
    job_bench_free(b);
}

static void nothing_is_taken_for_a_chip_that_is_not_changed(void **state)
{
    static const unsigned flags[] = {JOB_DRY_RUN, JOB_NO_WRITE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct numbers n;
        uint8_t image[256];
        struct job_bench *b = numbered(&n, image);
        b->job.flags |= flags[i];
        job_expect(b, STATUS_OK);
        assert_int_equal(n.taken, 0);
        job_bench_free(b);
    }
}

static void nothing_is_taken_before_the_chip_was_looked_at(void **state)
{
    (void)state;
    struct numbers n;
    uint8_t image[256];
    struct job_bench *b = numbered(&n, image);
    b->job.part = "m168p";
    job_expect(b, STATUS_SIGNATURE);
    assert_int_equal(n.taken, 0);
    job_bench_free(b);
}

static void a_chip_without_a_number_is_not_touched(void **state)
{
    (void)state;
    struct numbers n;
    uint8_t image[256];
    struct job_bench *b = numbered(&n, image);
    n.fails = STATUS_INPUT;
    job_expect(b, STATUS_INPUT);
    job_assert_untouched(b);
    job_bench_free(b);
}

/* --- chips come and go ---------------------------------------------------------------------- */

/* A programmer that stays open, with a chip on it. */
struct open_bench {
    struct job_bench *bench;
    struct session *session;
    uint8_t signature[3]; /* of the last look */
};

static struct open_bench open_bench_new(const char *chip)
{
    struct open_bench o = {.bench = job_bench_new(chip, RIG_RANGES, NULL)};
    struct job_bench *b = o.bench;
    assert_int_equal(
        session_open_on(&b->rig->programmer, b->parts, &b->rig->context, &o.session, &b->error),
        STATUS_OK);
    return o;
}

static void open_bench_free(struct open_bench *o)
{
    session_close(o->session);
    job_bench_free(o->bench);
}

static void expect_look(struct open_bench *o, const char *part, enum status status)
{
    assert_int_equal(session_look(o->session, part, o->signature, &o->bench->error), status);
    assert_true(chip_rig_released(o->bench->rig));
}

static void chips_come_and_go_on_one_open_programmer(void **state)
{
    (void)state;
    struct open_bench o = open_bench_new("m328p");
    struct job_bench *b = o.bench;
    for (unsigned i = 0; i < 2; i++) {
        job_again(b);
        avr_chip_set_fault(b->rig->chip, AVR_FAULT_NO_POWER, true);
        expect_look(&o, NULL, STATUS_NO_TARGET);
        avr_chip_set_fault(b->rig->chip, AVR_FAULT_NO_POWER, false);
        expect_look(&o, NULL, STATUS_OK);
        assert_int_equal(o.signature[1], 0x95);
        job_write(b, "flash", 0, program, 256);
        b->job.flags = JOB_ERASE;
        report_free(&b->report);
        assert_int_equal(session_run_job(o.session, &b->job, &b->report, &b->error), STATUS_OK);
        assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
        assert_true(chip_rig_released(b->rig));
    }
    open_bench_free(&o);
}

static void a_chip_of_another_part_is_seen_all_the_same(void **state)
{
    (void)state;
    struct open_bench o = open_bench_new("m8");
    expect_look(&o, "m328p", STATUS_OK);
    assert_int_equal(o.signature[1], 0x93);
    open_bench_free(&o);
}

static void a_programmer_that_is_lost_is_told_by_a_look(void **state)
{
    (void)state;
    struct open_bench o = open_bench_new("m328p");
    struct chip_rig *rig = o.bench->rig;
    for (unsigned at = 1; at <= 3; at++) {
        chip_rig_clear(rig);
        rig->fail_at = at;
        expect_look(&o, NULL, STATUS_LINK);
        rig->fail_at = 0;
        expect_look(&o, NULL, STATUS_OK);
    }
    open_bench_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chips_own_bytes_are_taken_once_and_verified),
        cmocka_unit_test(own_bytes_reach_an_image_that_was_merged),
        cmocka_unit_test(nothing_is_taken_for_a_chip_that_is_not_changed),
        cmocka_unit_test(nothing_is_taken_before_the_chip_was_looked_at),
        cmocka_unit_test(a_chip_without_a_number_is_not_touched),
        cmocka_unit_test(chips_come_and_go_on_one_open_programmer),
        cmocka_unit_test(a_programmer_that_is_lost_is_told_by_a_look),
        cmocka_unit_test(a_chip_of_another_part_is_seen_all_the_same),
    };
    return cmocka_run_group_tests_name("session_bench", tests, fill, NULL);
}
