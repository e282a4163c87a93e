/* Fuse and lock bits by name on a chip: only what was named changes. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

/* A session on the rig's chip, and a wish for it. */
struct setting {
    struct job_bench *bench;
    struct session *session;
    struct fuse_set wish;
};

static struct setting setting_new(const char *chip)
{
    struct setting s = {.bench = job_bench_new(chip, RIG_PLAIN, chip)};
    struct job_bench *b = s.bench;
    assert_int_equal(
        session_open_on(&b->rig->programmer, b->parts, &b->rig->context, &s.session, &b->error), 0);
    assert_int_equal(session_connect(s.session, chip, 0, &b->error), 0);
    fuse_set_init(&s.wish, session_part(s.session));
    return s;
}

static void wish(struct setting *s, const char *text)
{
    if (fuse_set_assign(&s->wish, text, &s->bench->error) != STATUS_OK)
        fail_msg("%s", s->bench->error.text);
}

static void expect(struct setting *s, enum status status)
{
    struct error *e = &s->bench->error;
    const enum status got = session_set_fuses(s->session, &s->wish, NULL, 0, e);
    if (got != status)
        fail_msg("%s: %s", error_status_name(got), e->text);
}

static void setting_free(struct setting *s)
{
    assert_int_equal(session_disconnect(s->session, &s->bench->error), 0);
    session_close(s->session);
    job_bench_free(s->bench);
}

static void only_the_named_bits_change(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    job_chip(s.bench, AVR_FUSES)[1] = 0xda;
    wish(&s, "EESAVE=ee_preserved");
    wish(&s, "BODLEVEL=2V7");
    expect(&s, STATUS_OK);
    assert_int_equal(job_chip(s.bench, AVR_FUSES)[0], 0x62);
    assert_int_equal(job_chip(s.bench, AVR_FUSES)[1], 0xd2);
    assert_int_equal(job_chip(s.bench, AVR_FUSES)[2], 0xfd);
    assert_int_equal(job_instructions(s.bench, AVR_OP_WRITE_FUSE), 2);
    assert_int_equal(s.bench->rig->enters, 2); /* the proof */
    setting_free(&s);
}

static void the_clock_comes_behind_other_fuses_and_lock_bits_last(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    wish(&s, "lfuse=0xff");
    wish(&s, "lock=0xcf");
    wish(&s, "EESAVE=0");
    expect(&s, STATUS_OK);
    assert_non_null(strstr(s.bench->rig->steps, "write hfuse 1/1 ok;write lfuse 1/1 ok;"
                                                "write lock 1/1 ok;leave"));
    setting_free(&s);
}

static void what_is_there_already_is_not_written(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    wish(&s, "BODLEVEL=DISABLED");
    wish(&s, "lfuse=0x62");
    expect(&s, STATUS_OK);
    job_assert_untouched(s.bench);
    assert_int_equal(s.bench->rig->enters, 1);
    setting_free(&s);
}

static void a_bit_that_is_left_open_and_not_as_from_the_factory_is_named(void **state)
{
    (void)state;
    struct setting s = setting_new("m328pb");
    job_chip(s.bench, AVR_FUSES)[2] = 0xff;
    wish(&s, "BODLEVEL=2V7");
    expect(&s, STATUS_OK);
    job_assert_said(s.bench,
                    "efuse: CFD stays CFD_ENABLED (Clock Failure Detection: Enabled); from "
                    "the factory it is CFD_DISABLED");
    assert_int_equal(job_chip(s.bench, AVR_FUSES)[2], 0xfd);
    setting_free(&s);
    s = setting_new("m328pb");
    job_chip(s.bench, AVR_FUSES)[2] = 0xff;
    wish(&s, "BODLEVEL=2V7");
    wish(&s, "CFD=1");
    expect(&s, STATUS_OK);
    assert_null(strstr(s.bench->rig->log, "CFD stays"));
    setting_free(&s);
}

static void what_is_dangerous_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    wish(&s, "BODLEVEL=2V7");
    wish(&s, "SUT_CKSEL=0x20");
    expect(&s, STATUS_REFUSED);
    assert_non_null(strstr(s.bench->error.hint, "--allow external-clock"));
    job_assert_untouched(s.bench);
    setting_free(&s);
}

static void lock_bits_are_heeded_before_anything_is_written(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    job_chip(s.bench, AVR_LOCK)[0] = 0xfe;
    wish(&s, "BODLEVEL=2V7");
    expect(&s, STATUS_PROTECTED);
    setting_free(&s);
    s = setting_new("m328p");
    job_chip(s.bench, AVR_LOCK)[0] = 0xcf;
    wish(&s, "BODLEVEL=2V7");
    wish(&s, "BLB1=NO_LOCK"); /* would have to rise */
    expect(&s, STATUS_PROTECTED);
    job_assert_untouched(s.bench);
    setting_free(&s);
}

static void a_fuse_that_does_not_take_is_found(void **state)
{
    (void)state;
    struct setting s = setting_new("m328p");
    avr_chip_set_fault(s.bench->rig->chip, AVR_FAULT_NO_WRITE, true);
    wish(&s, "BODLEVEL=2V7");
    expect(&s, STATUS_VERIFY);
    setting_free(&s);
}

static void the_chips_bytes_are_a_set(void **state)
{
    (void)state;
    struct setting s = setting_new("m32u4");
    struct fuse_set held;
    session_fuses(s.session, &held);
    assert_true(fuse_set_empty(&held));
    assert_int_equal(session_read_bytes(s.session, 1, &s.bench->error), 0);
    session_fuses(s.session, &held);
    assert_int_equal(held.count, 4);
    assert_int_equal(held.bytes[0].given, 0xff);
    setting_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_named_bits_change),
        cmocka_unit_test(the_clock_comes_behind_other_fuses_and_lock_bits_last),
        cmocka_unit_test(what_is_there_already_is_not_written),
        cmocka_unit_test(a_bit_that_is_left_open_and_not_as_from_the_factory_is_named),
        cmocka_unit_test(what_is_dangerous_is_refused_before_anything_is_written),
        cmocka_unit_test(lock_bits_are_heeded_before_anything_is_written),
        cmocka_unit_test(a_fuse_that_does_not_take_is_found),
        cmocka_unit_test(the_chips_bytes_are_a_set),
    };
    return cmocka_run_group_tests_name("set_fuses", tests, NULL, NULL);
}
