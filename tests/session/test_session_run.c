/* session_run() as the command line calls it: the programmer by its id, here the simulated one. */
#include <stdlib.h>
#include <string.h>

#include "ispflash/session.h"
#include "support/record.h"
#include "support/test.h"

struct bytes {
    struct source source; /* first */
    const uint8_t *data;
    uint32_t size;
};

static enum status load(struct source *self, const struct part *part, const struct memory *memory,
                        struct context *c, struct image **out, struct error *e)
{
    const struct bytes *b = (const struct bytes *)self;
    struct image *image = image_new();
    (void)part, (void)c;
    assert_non_null(image);
    assert_int_equal(image_put(image, memory != NULL ? memory->base : 0, b->data, b->size,
                               IMAGE_OVERLAP_SAME, NULL, e),
                     STATUS_OK);
    *out = image;
    return STATUS_OK;
}

/* Writes `size` bytes of flash with -c dryrun. */
static enum status run(const char *programmer, const char *part, const uint8_t *data, uint32_t size,
                       struct record *record, struct report *report, struct error *e)
{
    struct bytes bytes = {.source = {.load = load, .name = "bytes"}, .data = data, .size = size};
    const struct operation write = {
        .kind = OPERATION_WRITE, .memory = "flash", .source = &bytes.source};
    const struct job job = {
        .programmer = {.id = programmer}, .part = part, .operations = &write, .operation_count = 1};
    struct part_database *parts;
    struct context context;
    assert_int_equal(part_database_open(&parts, e), STATUS_OK);
    context_init(&context, clock_system(), &record->base, NULL);
    const enum status status = session_run(&job, parts, &context, report, e);
    report_free(report);
    part_database_close(parts);
    return status;
}

static void many_parts_are_written_through_the_simulator(void **state)
{
    (void)state;
    static const char *const parts[] = {"m328p", "m32u4",     "m2560",   "t85",
                                        "m8",    "at90s8515", "at89s52", "t13",
                                        "m128",  "usb1286",   "t2313",   "at90s2313"};
    uint8_t data[700];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 13 % 253);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct record record = record_new();
        struct report report;
        struct error e = {0};
        if (run("dryrun", parts[i], data, sizeof data, &record, &report, &e) != STATUS_OK)
            fail_msg("%s: %s\n%s\n%s", parts[i], e.text, e.hint, record.log);
        assert_int_equal(record.begun, record.ended);
    }
}

static void a_whole_flash_of_256_kib_is_planned_without_delay(void **state)
{
    (void)state;
    const uint32_t size = 0x40000;
    uint8_t *data = malloc(size);
    for (uint32_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 13 % 253);
    struct record record = record_new();
    struct report report;
    struct error e = {0};
    assert_int_equal(run("dryrun", "m2560", data, size, &record, &report, &e), STATUS_OK);
    free(data);
}

static void a_programmer_that_is_not_there_is_told_before_anything(void **state)
{
    (void)state;
    const uint8_t byte = 0;
    struct record record = record_new();
    struct report report;
    struct error e = {0};
    assert_int_equal(run("no-such-thing", "m328p", &byte, 1, &record, &report, &e), STATUS_USAGE);
    assert_string_equal(e.state, "the chip was not touched");
    assert_int_equal(record.begun, record.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_parts_are_written_through_the_simulator),
        cmocka_unit_test(a_whole_flash_of_256_kib_is_planned_without_delay),
        cmocka_unit_test(a_programmer_that_is_not_there_is_told_before_anything),
    };
    return cmocka_run_group_tests_name("session_run", tests, NULL, NULL);
}
