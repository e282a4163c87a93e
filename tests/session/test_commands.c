/* Commands in their turn among a job's other operations, and what they have of the session. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

/* What the commands find and do. */
struct probe {
    struct commands commands; /* first */
    const struct memory *writes;
    uint8_t value, found; /* of flash at 0 */
    bool fails, instructs;
    unsigned runs;
};

static enum status look(struct probe *p, struct session *s, struct error *e)
{
    const struct memory *flash = part_memory(session_part(s), MEMORY_FLASH);
    struct image *image = image_new();
    assert_non_null(image);
    const enum status status = session_read(s, flash, 0, 1, image, e);
    (void)image_get(image, 0, &p->found);
    image_free(image);
    return status;
}

static enum status write_byte(struct probe *p, struct session *s, struct error *e)
{
    const struct memory *flash = part_memory(session_part(s), MEMORY_FLASH);
    struct image *image = image_new();
    assert_non_null(image);
    enum status status = image_put(image, 0x100, &p->value, 1, IMAGE_OVERLAP_SAME, NULL, e);
    if (status == STATUS_OK)
        status = session_write(s, flash, image, e);
    image_free(image);
    return status;
}

static enum status run(struct commands *self, struct session *s, struct error *e)
{
    struct probe *p = (struct probe *)self;
    uint8_t lock, miso[4];
    p->runs++;
    assert_true(session_byte(s, part_memory(session_part(s), MEMORY_LOCK), &lock));
    TRY(look(p, s, e));
    TRY(write_byte(p, s, e));
    if (p->instructs) {
        TRY(session_instruction(s, (const uint8_t[]){0x30, 0, 1, 0}, miso, e));
        assert_int_equal(miso[3], 0x95);
    }
    return p->fails ? error_set(e, STATUS_USAGE, "no such command") : STATUS_OK;
}

static void job_commands(struct job_bench *b, struct probe *p)
{
    assert_true(b->job.operation_count < JOB_OPERATIONS);
    p->commands.run = run;
    b->operations[b->job.operation_count++] =
        (struct operation){.kind = OPERATION_COMMANDS, .commands = &p->commands};
}

static void commands_stand_in_their_turn(void **state)
{
    (void)state;
    static const uint8_t before[] = {0x12}, behind[] = {0x02};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct probe p = {.value = 0x55};
    (void)job_write(b, "flash", 0, before, sizeof before);
    job_commands(b, &p);
    (void)job_write(b, "flash", 0, behind, sizeof behind);
    job_expect(b, STATUS_OK);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.found, 0x12);
    assert_int_equal(job_chip(b, AVR_FLASH)[0], 0x02);
    assert_int_equal(job_chip(b, AVR_FLASH)[0x100], 0x55);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    job_bench_free(b);
}

static void no_erase_is_implied_behind_commands(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x02};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, NULL);
    struct probe p = {.value = 0x55};
    job_commands(b, &p);
    (void)job_write(b, "flash", 0, data, sizeof data);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 0);
    assert_int_equal(job_chip(b, AVR_FLASH)[0x100], 0x55);
    job_assert_said(b, "note: flash is written behind -T or -t without an erase");
    job_bench_free(b);
}

static void a_fuse_is_not_moved_behind_commands(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct probe p = {.fails = true};
    (void)job_write_byte(b, "efuse", 0xfd);
    job_commands(b, &p);
    job_expect(b, STATUS_USAGE);
    assert_int_equal(*(job_chip(b, AVR_FUSES) + 2) & 7, 0x05);
    job_bench_free(b);
}

static void what_fails_in_commands_ends_the_job_with_the_chip_s_state(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x02};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct probe p = {.fails = true, .value = 0x55};
    job_commands(b, &p);
    (void)job_write(b, "flash", 0, data, sizeof data);
    job_expect(b, STATUS_USAGE);
    assert_string_equal(b->error.state, "flash written, not verified");
    assert_int_equal(job_chip(b, AVR_FLASH)[0], 0xff);
    job_bench_free(b);
}

static void a_dry_run_runs_no_commands(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct probe p = {.value = 0x55};
    job_commands(b, &p);
    b->job.flags = JOB_DRY_RUN;
    job_expect(b, STATUS_OK);
    assert_int_equal(p.runs, 0);
    job_assert_untouched(b);
    job_bench_free(b);
}

static void a_raw_instruction_is_answered_and_nothing_is_taken_for_known(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    struct probe p = {.value = 0x55, .instructs = true, .fails = true};
    job_commands(b, &p);
    job_expect(b, STATUS_USAGE);
    assert_string_equal(b->error.state, "raw instructions were sent, whatever they did; flash "
                                        "written, not verified");
    job_bench_free(b);
}

static void a_clock_that_was_set_stays(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, NULL);
    struct session *s;
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(session_open_on(&b->rig->programmer, b->parts, &b->rig->context, &s, &e),
                     STATUS_OK);
    assert_int_equal(session_connect(s, "m328p", 0, &e), STATUS_OK);
    assert_int_equal(session_read_bytes(s, 1, &e), STATUS_OK);
    assert_int_equal(session_set_clock(s, 20000, &e), STATUS_OK);
    assert_int_equal(session_clock(s), 20000);
    assert_int_equal(session_tune_clock(s, 1 << 20, true, &e), STATUS_OK);
    assert_int_equal(session_clock(s), 20000);
    image_free(image);
    session_close(s);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_stand_in_their_turn),
        cmocka_unit_test(no_erase_is_implied_behind_commands),
        cmocka_unit_test(a_fuse_is_not_moved_behind_commands),
        cmocka_unit_test(what_fails_in_commands_ends_the_job_with_the_chip_s_state),
        cmocka_unit_test(a_dry_run_runs_no_commands),
        cmocka_unit_test(a_raw_instruction_is_answered_and_nothing_is_taken_for_known),
        cmocka_unit_test(a_clock_that_was_set_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
