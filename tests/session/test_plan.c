/* The planner alone: operations in, steps out, no hardware. */
#include "../../src/session/plan.h"

#include <stdio.h>
#include <string.h>

#include "support/record.h"
#include "support/test.h"
#include "target/target.h"

enum { ITEMS = 8 };

static const struct memory memories[] = {
    {.name = "flash", .kind = MEMORY_FLASH, .size = 0x8000, .page_size = 128},
    {.name = "eeprom", .kind = MEMORY_EEPROM, .size = 0x400, .page_size = 4},
    {.name = "lfuse", .kind = MEMORY_FUSE, .size = 1},
    {.name = "hfuse", .kind = MEMORY_FUSE, .size = 1},
    {.name = "lock", .kind = MEMORY_LOCK, .size = 1},
};

struct planning {
    struct operation operations[ITEMS];
    struct source sources[ITEMS];
    struct plan_item items[ITEMS];
    struct plan_request request;
    struct fake_clock clock;
    struct record record;
    struct context context;
    struct plan plan;
    struct error error;
    char text[512]; /* "erase;write flash;verify flash;" */
};

static struct planning *planning_new(unsigned flags)
{
    struct planning *p = test_calloc(1, sizeof *p);
    p->request = (struct plan_request){
        .items = p->items, .flags = flags, .traits = TARGET_CHIP_ERASE | TARGET_BYTES};
    p->clock = fake_clock_new();
    p->record = record_new();
    context_init(&p->context, &p->clock.base, &p->record.base, NULL);
    return p;
}

static void planning_free(struct planning *p)
{
    plan_free(&p->plan);
    for (size_t i = 0; i < p->request.count; i++)
        image_free(p->items[i].image);
    test_free(p);
}

/* One operation: 'r', 'w', 'v' or 'e'; `address` and `value` are of its only byte. */
static void add_at(struct planning *p, char op, size_t memory, uint32_t address, uint8_t value)
{
    const size_t i = p->request.count++;
    assert_true(i < ITEMS);
    p->sources[i].name = "file";
    p->operations[i].source = &p->sources[i];
    p->operations[i].kind = op == 'r'   ? OPERATION_READ
                            : op == 'w' ? OPERATION_WRITE
                            : op == 'v' ? OPERATION_VERIFY
                                        : OPERATION_ERASE;
    p->items[i].operation = &p->operations[i];
    p->items[i].memory = op == 'e' ? NULL : &memories[memory];
    if (op != 'w' && op != 'v')
        return;
    p->items[i].image = image_new();
    assert_int_equal(
        image_put(p->items[i].image, address, &value, 1, IMAGE_OVERLAP_SAME, NULL, &p->error), 0);
}

static void add(struct planning *p, char op, size_t memory)
{
    add_at(p, op, memory, (uint32_t)(memory < 2 ? p->request.count * 16 : 0), 0x12);
}

enum { FLASH, EEPROM, LFUSE, HFUSE, LOCK };

static enum status plan(struct planning *p)
{
    static const char *const names[] = {"erase", "read", "write", "verify"};
    const enum status status = plan_make(&p->request, &p->context, &p->plan, &p->error);
    for (size_t i = 0; i < p->plan.count; i++) {
        const struct plan_step *step = &p->plan.steps[i];
        const size_t used = strlen(p->text);
        (void)snprintf(p->text + used, sizeof p->text - used, "%s%s%s;", names[step->kind],
                       step->memory != NULL ? " " : "",
                       step->memory != NULL ? step->memory->name : "");
    }
    return status;
}

/* `line` is "w0 r0": the letter of the operation and the number of the memory. */
static void expect(unsigned flags, unsigned traits, const char *line, const char *steps)
{
    struct planning *p = planning_new(flags);
    p->request.traits = traits;
    for (const char *at = line; *at != '\0'; at++)
        if (*at == 'e')
            add(p, 'e', 0);
        else if (*at != ' ' && (*at < '0' || *at > '9'))
            add(p, *at, (size_t)(at[1] - '0'));
    assert_int_equal(plan(p), STATUS_OK);
    if (strcmp(p->text, steps) != 0)
        fail_msg("%s gives %s instead of %s", line, p->text, steps);
    planning_free(p);
}

static void operations_become_these_steps(void **state)
{
    (void)state;
    static const unsigned isp = TARGET_CHIP_ERASE | TARGET_BYTES, boot = TARGET_ERASES_PAGES;
    expect(0, isp, "w0", "erase;write flash;verify flash;");
    expect(0, isp, "r0 w0", "read flash;erase;write flash;verify flash;");
    expect(0, isp, "v0 w0", "verify flash;erase;write flash;verify flash;");
    expect(0, isp, "w1", "write eeprom;verify eeprom;");
    expect(0, isp, "w1 w0", "erase;write flash;verify flash;write eeprom;verify eeprom;");
    expect(0, isp, "w1 r1 w0",
           "write eeprom;verify eeprom;read eeprom;erase;write flash;verify flash;");
    expect(0, isp, "w4 w3 w2 w0",
           "erase;write flash;verify flash;write lfuse;verify lfuse;write hfuse;verify hfuse;"
           "write lock;verify lock;");
    expect(0, isp, "w0 w0 w0", "erase;write flash;verify flash;");
    expect(0, isp, "w0 r0 w0",
           "erase;write flash;verify flash;read flash;write flash;verify flash;");
    expect(0, isp, "e r0 w0", "erase;read flash;write flash;verify flash;");
    expect(0, isp, "w2 w2", "write lfuse;verify lfuse;");
    expect(0, isp, "w2 v0", "verify flash;write lfuse;verify lfuse;");
    expect(0, isp, "w2 v0 w0 w4",
           "verify flash;erase;write flash;verify flash;write lfuse;verify lfuse;write lock;"
           "verify lock;");
    expect(0, isp, "w2 r2 w0",
           "write lfuse;verify lfuse;read lfuse;erase;write flash;verify flash;");
    expect(0, isp, "w2 e w0", "write lfuse;verify lfuse;erase;write flash;verify flash;");
    expect(0, isp, "w2 w4 r0", "write lfuse;verify lfuse;write lock;verify lock;read flash;");
    expect(JOB_IN_ORDER, isp, "w2 v0", "write lfuse;verify lfuse;verify flash;");
    expect(JOB_ERASE, isp, "r0 w0", "erase;read flash;write flash;verify flash;");
    expect(JOB_ERASE, isp, "", "erase;");
    expect(JOB_NO_ERASE, isp, "w0", "write flash;verify flash;");
    expect(JOB_NO_ERASE | JOB_ERASE, isp, "w0", "erase;write flash;verify flash;");
    expect(JOB_NO_VERIFY, isp, "w0 w2", "erase;write flash;write lfuse;");
    expect(JOB_NO_WRITE, isp, "w0 r1", "write flash;read eeprom;");
    expect(JOB_NO_WRITE | JOB_ERASE, isp, "e w0", "write flash;");
    expect(JOB_IN_ORDER, isp, "w2 w0 w0",
           "write lfuse;verify lfuse;erase;write flash;verify flash;write flash;verify flash;");
    expect(0, boot, "w0", "write flash;verify flash;");
    expect(0, isp, "v0 r1 v2", "verify flash;read eeprom;verify lfuse;");
}

/* The ATmega328P's lfuse holds CKSEL and CKDIV8. */
static void the_fuse_that_sets_the_clock_is_the_last_fuse(void **state)
{
    (void)state;
    struct part_database *parts;
    struct planning *p = planning_new(0);
    assert_int_equal(part_database_open(&parts, &p->error), STATUS_OK);
    assert_int_equal(part_find(parts, "m328p", &p->request.part, &p->error), STATUS_OK);
    static const char *const names[] = {"lfuse", "hfuse", "efuse"};
    for (size_t i = 0; i < 3; i++) {
        add(p, 'w', HFUSE);
        assert_int_equal(part_memory_find(p->request.part, names[i], &p->items[i].memory), 0);
    }
    p->request.flags = JOB_NO_VERIFY;
    assert_int_equal(plan(p), STATUS_OK);
    assert_string_equal(p->text, "write hfuse;write efuse;write lfuse;");
    part_database_close(parts);
    planning_free(p);
}

static void images_that_contradict_each_other_are_named(void **state)
{
    (void)state;
    struct planning *p = planning_new(0);
    add_at(p, 'w', FLASH, 0x40, 0x11);
    add_at(p, 'w', FLASH, 0x40, 0x12);
    assert_int_equal(plan(p), STATUS_INPUT);
    assert_non_null(strstr(p->error.text, "wants 0x12 at 0x0040 of flash"));
    assert_non_null(strstr(p->error.text, "wants 0x11"));
    assert_int_equal(p->plan.count, 0);
    planning_free(p);
}

static void images_that_agree_where_they_overlap_are_merged(void **state)
{
    (void)state;
    struct planning *p = planning_new(0);
    add_at(p, 'w', FLASH, 0x40, 0x11);
    add_at(p, 'w', FLASH, 0x40, 0x11);
    assert_int_equal(plan(p), STATUS_OK);
    assert_string_equal(p->text, "erase;write flash;verify flash;");
    assert_non_null(strstr(p->record.log, "note: flash: several files are written in one pass"));
    planning_free(p);
}

static void what_cannot_be_written_over_is_told_at_once(void **state)
{
    (void)state;
    struct planning *p = planning_new(0);
    add_at(p, 'w', FLASH, 0x40, 0x11);
    add(p, 'r', FLASH);
    add_at(p, 'w', FLASH, 0x40, 0x13); /* a bit rises */
    assert_int_equal(plan(p), STATUS_INPUT);
    assert_non_null(strstr(p->error.text, "only an erase between the two could do that"));
    planning_free(p);
    p = planning_new(0);
    add_at(p, 'w', FLASH, 0x40, 0x11);
    add(p, 'r', FLASH);
    add_at(p, 'w', FLASH, 0x40, 0x01); /* one falls */
    assert_int_equal(plan(p), STATUS_OK);
    planning_free(p);
}

static void what_is_loaded_later_is_not_merged(void **state)
{
    (void)state;
    struct planning *p = planning_new(0);
    add(p, 'r', EEPROM);
    add(p, 'w', FLASH);
    add(p, 'w', FLASH);
    image_free(p->items[2].image);
    p->items[2].image = NULL;
    assert_int_equal(plan(p), STATUS_OK);
    assert_string_equal(p->text, "read eeprom;erase;write flash;verify flash;write flash;"
                                 "verify flash;");
    planning_free(p);
}

static void a_changed_order_is_said_and_a_kept_one_is_not(void **state)
{
    (void)state;
    struct planning *p = planning_new(0);
    add(p, 'w', LOCK);
    add(p, 'w', FLASH);
    assert_int_equal(plan(p), STATUS_OK);
    assert_non_null(strstr(p->record.log, "note: written in the order flash, lock"));
    planning_free(p);
    p = planning_new(0);
    add(p, 'w', FLASH);
    add(p, 'w', LOCK);
    assert_int_equal(plan(p), STATUS_OK);
    assert_string_equal(p->record.log, "");
    planning_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_become_these_steps),
        cmocka_unit_test(the_fuse_that_sets_the_clock_is_the_last_fuse),
        cmocka_unit_test(images_that_contradict_each_other_are_named),
        cmocka_unit_test(images_that_agree_where_they_overlap_are_merged),
        cmocka_unit_test(what_cannot_be_written_over_is_told_at_once),
        cmocka_unit_test(what_is_loaded_later_is_not_merged),
        cmocka_unit_test(a_changed_order_is_said_and_a_kept_one_is_not),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
