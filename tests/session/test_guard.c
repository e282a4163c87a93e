/* Fuses and lock bits of a job: what is refused, what is said, what passes without a word, and the
 * proof at the end that the chip still answers. */
#include <string.h>

#include "job_bench.h"
#include "support/record.h"
#include "support/test.h"

static uint8_t app[256];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 7 % 250);
    return 0;
}

static void expect_part(const char *whole, const char *text)
{
    if (strstr(whole, text) == NULL)
        fail_msg("%s\nis not in: %s", text, whole);
}

static void nothing_is_touched(struct job_bench *b, enum status status)
{
    job_expect(b, status);
    assert_int_equal(b->rig->calls, 0);
    assert_string_equal(b->error.state, "the chip was not touched");
}

static void allow(struct job_bench *b, const char *const *names, size_t count)
{
    b->job.allow = names;
    b->job.allow_count = count;
}

/* A chip whose board has neither crystal nor clock. */
static struct job_bench *bench_without_crystal(void)
{
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct avr_chip_options options = avr_chip_defaults();
    options.crystal_hz = 0;
    avr_chip_free(b->rig->chip);
    b->rig->chip = avr_chip_new(avr_chip_spec("m328p"), &options);
    return b;
}

/* --- refused -------------------------------------------------------------------------------- */

static void all_that_is_refused_is_named_at_once(void **state)
{
    (void)state;
    static const char *const one[] = {"reset-disable"};
    static const char *const both[] = {"Reset-Disable", "debugwire"};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0x19);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_part(b->error.hint, "--allow reset-disable,debugwire");
    expect_part(b->error.hint, "the way back after debugwire");
    job_again(b);
    allow(b, one, 1);
    job_write_byte(b, "hfuse", 0x19);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_part(b->error.hint, "--allow debugwire");
    job_again(b);
    allow(b, both, 2);
    job_write_byte(b, "hfuse", 0x19);
    job_expect(b, STATUS_OK);
    job_bench_free(b);
}

static void being_forced_permits_none_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *memory;
        uint8_t value;
    } writes[] = {{"hfuse", 0x59}, {"hfuse", 0x99}, {"lfuse", 0xe0}};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
        b->job.flags = JOB_FORCE_SIGNATURE;
        job_write_byte(b, writes[i].memory, writes[i].value);
        job_expect(b, STATUS_REFUSED);
        job_assert_untouched(b);
        job_bench_free(b);
    }
}

static void exchanged_bytes_explain_a_refusal(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0x05);
    job_write_byte(b, "efuse", 0xde);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_part(b->error.hint, "hfuse 0x05 and efuse 0xde look exchanged");
    job_bench_free(b);
}

static void locking_before_flash_is_found_before_reset_goes_low(void **state)
{
    (void)state;
    static const char *const lock[] = {"lock"};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_IN_ORDER | JOB_NO_ERASE;
    job_write_byte(b, "lock", 0xfe);
    job_write(b, "flash", 0, app, 16);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_part(b->error.text, "lock 0xfe comes too early: flash could not be written behind it");
    expect_part(b->error.hint, "--allow lock");
    job_again(b);
    b->job.flags = JOB_IN_ORDER | JOB_NO_ERASE;
    allow(b, lock, 1);
    job_write_byte(b, "lock", 0xfe);
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_PROTECTED); /* the chip's own word */
    assert_int_equal(job_chip(b, AVR_LOCK)[0] & 3, 2);
    job_bench_free(b);
}

static void an_erase_that_would_lift_new_lock_bits_is_refused(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_IN_ORDER;
    job_write_byte(b, "lock", 0xcf);
    job_write(b, "flash", 0, app, 16);
    nothing_is_touched(b, STATUS_REFUSED);
    expect_part(b->error.text, "would lift it again");
    job_again(b);
    b->job.flags = JOB_IN_ORDER;
    job_write_byte(b, "lock", 0xff); /* locks nothing */
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_OK);
    job_bench_free(b);
}

static void a_fuse_behind_lock_bits_is_refused_in_that_order_only(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lock", 0xfc);
    job_write_byte(b, "efuse", 0xfd);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_FUSES)[2], 0xfd);
    job_bench_free(b);
    b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_IN_ORDER;
    job_write_byte(b, "lock", 0xfc);
    job_write_byte(b, "efuse", 0xfd);
    nothing_is_touched(b, STATUS_REFUSED);
    job_bench_free(b);
}

/* --- said ----------------------------------------------------------------------------------- */

static void another_clock_is_said_once(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lfuse", 0xff);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: lfuse 0xff changes the clock from Internal RC oscillator 8 MHz");
    job_assert_said(b, "needs a crystal");
    assert_null(strstr(b->rig->log, "warning"));
    job_again(b);
    job_write_byte(b, "lfuse", 0xfe); /* another start-up time of the same crystal */
    job_expect(b, STATUS_OK);
    assert_null(strstr(b->rig->log, "changes the clock"));
    job_bench_free(b);
}

static void a_slower_clock_is_said(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_chip(b, AVR_FUSES)[0] = 0xe2;
    job_write_byte(b, "lfuse", 0x62);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: lfuse 0x62: clock divided by 8");
    job_again(b);
    job_write_byte(b, "lfuse", 0xe3);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "Internal RC oscillator 128 kHz");
    job_assert_said(b, "SCK must stay below");
    job_bench_free(b);
}

static void a_spien_bit_is_said_and_left_alone(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0xff);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: hfuse: SPIEN cannot be changed over ISP and stays as it is");
    job_bench_free(b);
}

static void exchanged_bytes_are_a_warning(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0xfd);
    job_write_byte(b, "efuse", 0xda);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "warning: hfuse 0xfd and efuse 0xda look exchanged");
    job_again(b);
    job_write_byte(b, "hfuse", 0xfd);
    job_write_byte(b, "efuse", 0xde);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "look exchanged");
    job_again(b);
    job_write_byte(b, "efuse", 0xd9);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "warning: efuse 0xd9 is the factory value of hfuse");
    job_bench_free(b);
}

static void unimplemented_bits_are_a_note_and_count_as_equal(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m32u4", RIG_PLAIN, "m32u4");
    job_chip(b, AVR_FUSES)[2] = 0xfb;
    job_write_byte(b, "efuse", 0xcb);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: efuse: 0xcb as given and 0xfb on the chip are the same setting");
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_FUSE), 0);
    assert_int_equal(b->rig->enters, 1); /* nothing changed: nothing to prove */
    job_bench_free(b);
}

/* --- passing -------------------------------------------------------------------------------- */

/* What boards' own "burn bootloader" writes to a factory-fresh chip: boards.txt of the Arduino and
 * SparkFun cores, and the fuse tables of keyboard firmware projects. No efuse: 0x100. */
static const struct board {
    const char *part;
    uint8_t lfuse, hfuse;
    unsigned efuse;
    uint8_t unlock, lock;
} boards[] = {
    {"m32u4", 0xff, 0xd8, 0xcb, 0x3f, 0x2f},  /* Leonardo, Micro */
    {"m32u4", 0xff, 0xd8, 0xfb, 0x3f, 0x2f},  /* Yun */
    {"m32u4", 0xff, 0xd8, 0xce, 0x3f, 0x2f},  /* LilyPad USB */
    {"m32u4", 0xff, 0xd8, 0xf8, 0x3f, 0x2f},  /* MaKey MaKey */
    {"m32u4", 0xff, 0xd0, 0xf8, 0xff, 0xff},  /* A-Star */
    {"m32u4", 0x5e, 0x99, 0xf3, 0xff, 0xff},  /* Atmel DFU */
    {"m16u4", 0x5e, 0xd9, 0xf3, 0xff, 0xff},  /* Atmel DFU, JTAG off */
    {"usb646", 0x5e, 0x9b, 0xf3, 0xff, 0xff}, /* Atmel DFU */
    {"usb1286", 0x5e, 0x99, 0xf3, 0xff, 0xff},  {"m328p", 0xff, 0xde, 0xfd, 0x3f, 0x0f}, /* Uno */
    {"m328p", 0xff, 0xde, 0x05, 0x3f, 0x0f}, /* Uno WiFi, RedBoard */
    {"m328p", 0xff, 0xda, 0xfd, 0x3f, 0x0f}, /* Nano */
    {"m328p", 0xff, 0xd8, 0xfd, 0x3f, 0x0f}, /* BT */
    {"m328p", 0xe2, 0xde, 0x05, 0x3f, 0x2f}, /* Serial 7-Segment */
    {"m328p", 0xd7, 0xd0, 0x04, 0xff, 0xff}, /* USBaspLoader */
    {"m168", 0xff, 0xdd, 0xf8, 0x3f, 0x0f},  /* Diecimila */
    {"m168", 0xc6, 0xdd, 0xf8, 0x3f, 0x0f},  /* Pro 8 MHz */
    {"m168", 0xe2, 0xdd, 0xf8, 0x3f, 0x0f},  /* LilyPad */
    {"m8", 0xdf, 0xca, 0x100, 0x3f, 0x0f},   /* NG */
    {"m1280", 0xff, 0xda, 0xf5, 0x3f, 0x0f}, /* Mega */
    {"m2560", 0xff, 0xd8, 0xfd, 0x3f, 0x0f}, /* Mega 2560 */
    {"m2560", 0xfd, 0xd4, 0xfd, 0x3f, 0x0f}, /* Mega Pro 3.3 V */
    {"m128rfa1", 0xff, 0xda, 0xf5, 0x3f, 0x0f}, {"t85", 0xf1, 0xd5, 0xfe, 0xff, 0xff}, /* Gemma */
    {"m32a", 0x0f, 0xd0, 0x100, 0xff, 0xff}, /* BootloadHID */
    {"m32a", 0x1f, 0xc0, 0x100, 0xff, 0xff}, /* USBaspLoader */
};

static void add_byte(const struct part *part, const char *name, unsigned value,
                     struct guard_request *r, struct guard_byte *bytes)
{
    const struct memory *m;
    if (value > 0xff)
        return;
    assert_int_equal(part_memory_find(part, name, &m), MEMORY_FOUND);
    bytes[r->count++] = (struct guard_byte){
        .memory = m, .wanted = (uint8_t)value, .known = m->initial_known, .present = m->initial};
}

static void no_board_is_refused_or_warned(void **state)
{
    (void)state;
    struct error e = {0};
    struct part_database *parts;
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    for (size_t i = 0; i < sizeof boards / sizeof boards[0]; i++) {
        const struct board *board = &boards[i];
        struct fake_clock clock = fake_clock_new();
        struct record record = record_new();
        struct context context;
        struct guard_byte bytes[8];
        struct guard_request r = {.bytes = bytes, .chip_was_read = true};
        context_init(&context, &clock.base, &record.base, NULL);
        assert_int_equal(part_find(parts, board->part, &r.part, &e), STATUS_OK);
        add_byte(r.part, "lock", board->unlock, &r, bytes);
        add_byte(r.part, "efuse", board->efuse, &r, bytes);
        add_byte(r.part, "hfuse", board->hfuse, &r, bytes);
        add_byte(r.part, "lfuse", board->lfuse, &r, bytes);
        add_byte(r.part, "lock", board->lock, &r, bytes);
        if (session_guard(&r, &e) != STATUS_OK)
            fail_msg("board %zu: %s", i, e.text);
        session_guard_say(&r, &context);
        if (strstr(record.log, "warning") != NULL)
            fail_msg("board %zu: %s", i, record.log);
    }
    part_database_close(parts);
}

/* --- the proof at the end ------------------------------------------------------------------- */

static void fuses_come_last_the_clock_behind_them_then_lock_then_out_and_in(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lock", 0xcf);
    job_write_byte(b, "lfuse", 0xff);
    job_write_byte(b, "efuse", 0xfd);
    job_write_byte(b, "hfuse", 0xde);
    job_write(b, "flash", 0x7e00, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->enters, 2);
    expect_part(b->rig->steps, "verify flash 256/256 ok;write hfuse 1/1 ok;write efuse 1/1 ok;"
                               "write lfuse 1/1 ok;write lock 1/1 ok;leave 0/0 ok;enter 0/0 ok;"
                               "identify 0/0 ok;identify 0/0 ok;leave 0/0 ok;");
    assert_int_equal(job_report(b, "lfuse")->before, 0x62);
    assert_int_equal(job_report(b, "lfuse")->after, 0xff);
    assert_int_equal(job_report(b, "lock")->after, 0xcf);
    job_bench_free(b);
}

static void without_verify_the_chip_is_not_entered_again(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_NO_VERIFY;
    job_write_byte(b, "efuse", 0xfd);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->enters, 1);
    job_bench_free(b);
}

static void a_chip_that_cannot_be_entered_again_is_not_asked_to(void **state)
{
    (void)state;
    static const char *const reset[] = {"reset-disable"};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    allow(b, reset, 1);
    job_write_byte(b, "hfuse", 0x59);
    job_expect(b, STATUS_OK);
    assert_int_equal(b->rig->enters, 1);
    job_assert_said(b, "warning: hfuse 0x59: RESET becomes a port pin");
    job_assert_said(b, "note: ISP cannot be entered again");
    job_bench_free(b);
}

static void a_missing_crystal_is_told_with_the_way_back(void **state)
{
    (void)state;
    struct job_bench *b = bench_without_crystal();
    job_write(b, "flash", 0, app, sizeof app);
    job_write_byte(b, "lfuse", 0xff);
    job_expect(b, STATUS_NO_TARGET);
    expect_part(b->error.text, "took its new bytes (lfuse 0x62 -> 0xff)");
    expect_part(b->error.hint, "square wave to XTAL1");
    expect_part(b->error.hint, "Bus Pirate");
    expect_part(b->error.hint, "-U lfuse:w:0x62:m");
    expect_part(b->error.state, "lfuse written and verified");
    job_bench_free(b);
}

static void a_missing_clock_signal_is_told_even_if_it_was_allowed(void **state)
{
    (void)state;
    static const char *const external[] = {"external-clock"};
    struct job_bench *b = bench_without_crystal();
    allow(b, external, 1);
    job_write_byte(b, "lfuse", 0xe0);
    job_expect(b, STATUS_NO_TARGET);
    expect_part(b->error.hint, "feed a square wave of about 1 MHz");
    job_bench_free(b);
}

static void a_clock_too_slow_for_the_users_sck_is_told(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->rig->config.sck_hz = 100000;
    job_write_byte(b, "lfuse", 0x63); /* 128 kHz, divided by 8 */
    job_expect(b, STATUS_NO_TARGET);
    expect_part(b->error.hint, "-B 2kHz");
    expect_part(b->error.hint, "-U lfuse:w:0x62:m");
    job_bench_free(b);
}

static void a_fuse_that_reads_otherwise_after_the_second_entry_is_found(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, NULL);
    struct session *s;
    struct error *e = &b->error;
    const struct memory *efuse;
    assert_int_equal(session_open_on(&b->rig->programmer, b->parts, &b->rig->context, &s, e), 0);
    assert_int_equal(session_connect(s, NULL, 0, e), 0);
    assert_int_equal(part_memory_find(session_part(s), "efuse", &efuse), MEMORY_FOUND);
    assert_int_equal(session_read_bytes(s, 3, e), 0);
    assert_int_equal(session_write_byte(s, efuse, 0xfd, e), 0);
    assert_int_equal(session_prove(s, e), STATUS_OK);
    assert_int_equal(session_write_byte(s, efuse, 0xfe, e), 0);
    job_chip(b, AVR_FUSES)[2] = 0xff;
    assert_int_equal(session_prove(s, e), STATUS_VERIFY);
    expect_part(e->text, "efuse is 0xff since programming mode was entered anew");
    assert_int_equal(session_disconnect(s, e), 0);
    session_close(s);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_refused_is_named_at_once),
        cmocka_unit_test(being_forced_permits_none_of_it),
        cmocka_unit_test(exchanged_bytes_explain_a_refusal),
        cmocka_unit_test(locking_before_flash_is_found_before_reset_goes_low),
        cmocka_unit_test(an_erase_that_would_lift_new_lock_bits_is_refused),
        cmocka_unit_test(a_fuse_behind_lock_bits_is_refused_in_that_order_only),
        cmocka_unit_test(another_clock_is_said_once),
        cmocka_unit_test(a_slower_clock_is_said),
        cmocka_unit_test(a_spien_bit_is_said_and_left_alone),
        cmocka_unit_test(exchanged_bytes_are_a_warning),
        cmocka_unit_test(unimplemented_bits_are_a_note_and_count_as_equal),
        cmocka_unit_test(no_board_is_refused_or_warned),
        cmocka_unit_test(fuses_come_last_the_clock_behind_them_then_lock_then_out_and_in),
        cmocka_unit_test(without_verify_the_chip_is_not_entered_again),
        cmocka_unit_test(a_chip_that_cannot_be_entered_again_is_not_asked_to),
        cmocka_unit_test(a_missing_crystal_is_told_with_the_way_back),
        cmocka_unit_test(a_missing_clock_signal_is_told_even_if_it_was_allowed),
        cmocka_unit_test(a_clock_too_slow_for_the_users_sck_is_told),
        cmocka_unit_test(a_fuse_that_reads_otherwise_after_the_second_entry_is_found),
    };
    return cmocka_run_group_tests_name("guard", tests, fill, NULL);
}
