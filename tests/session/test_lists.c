/* Operations on several memories, on the chip model. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static void lists_are_resolved_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } rows[] = {{"ALL", "flash eeprom lfuse hfuse efuse lock signature calibration"},
                {"all", "flash eeprom lfuse hfuse efuse lock signature calibration"},
                {"signature,etc,-flash,\\eeprom", "signature lfuse hfuse efuse lock calibration"},
                {"ee,fl", "eeprom flash"},
                {"flash , flash,,eeprom,", "flash eeprom"},
                {"-flash", ""},
                {"all,-all,hfuse", "hfuse"},
                {"flash,fuse,prodsig", "flash"}};
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    const struct part *part = NULL;
    struct context quiet;
    context_init(&quiet, clock_system(), NULL, NULL);
    assert_int_equal(part_find(b->parts, "m328p", &part, &b->error), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct memory_list list;
        char names[200] = "";
        assert_int_equal(session_list_memories(part, rows[i].text, &quiet, &list, &b->error),
                         STATUS_OK);
        for (size_t k = 0; k < list.count; k++) {
            (void)strcat(names, k > 0 ? " " : "");
            (void)strcat(names, list.items[k].memory->name);
        }
        assert_string_equal(names, rows[i].names);
        assert_int_equal(session_list_memories(NULL, rows[i].text, &quiet, &list, &b->error),
                         STATUS_OK);
        assert_int_equal(list.count, 0);
    }
    struct memory_list list;
    assert_int_equal(session_list_memories(part, "flash,flush", &quiet, &list, &b->error),
                     STATUS_USAGE);
    assert_int_equal(session_list_memories(NULL, "flash,-flush", &quiet, &list, &b->error),
                     STATUS_USAGE);
    assert_string_equal(b->error.text, "memory flush: no part has one of that name");
    job_bench_free(b);
}

static void one_name_is_no_list(void **state)
{
    (void)state;
    assert_false(session_is_memory_list("flash"));
    assert_false(session_is_memory_list("al"));
    assert_true(session_is_memory_list("ALL"));
    assert_true(session_is_memory_list("flash,"));
    assert_true(session_is_memory_list("-flash"));
}

/* What a list writes: these bytes for every memory. */
static void a_list_writes_each_memory_it_names(void **state)
{
    (void)state;
    static const uint8_t byte[] = {0x5d};
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    (void)job_write(b, "eeprom,flash", 0, byte, 1);
    job_expect(b, STATUS_OK);
    job_assert_rules(b);
    assert_int_equal(job_chip(b, AVR_FLASH)[0], 0x5d);
    assert_int_equal(job_chip(b, AVR_EEPROM)[0], 0x5d);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    job_bench_free(b);
}

static void read_only_memories_of_a_list_are_passed_over(void **state)
{
    (void)state;
    static const uint8_t byte[] = {0x5d};
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    (void)job_write(b, "eeprom,signature", 0, byte, 1);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_EEPROM)[0], 0x5d);
    job_assert_said(b, "signature of the ATmega328P cannot be written; skipped");
    job_bench_free(b);
}

static void a_list_is_read_whole_and_finished_once(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    const size_t i = job_read(b, "ALL,-eeprom");
    job_expect(b, STATUS_OK);
    assert_int_equal(b->destinations[i].stored, 7);
    assert_int_equal(b->destinations[i].finished, 1);
    assert_int_equal(job_report(b, "flash")->read, 32768);
    job_assert_untouched(b);
    job_bench_free(b);
}

static void a_list_of_nothing_that_the_part_has_does_nothing(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    const size_t i = job_read(b, "fuse,prodsig");
    job_expect(b, STATUS_OK);
    assert_int_equal(b->destinations[i].stored, 0);
    assert_int_equal(b->destinations[i].finished, 0);
    job_assert_said(b, "the ATmega328P has no memory prodsig; skipped");
    job_bench_free(b);
}

static void a_wrong_name_in_a_list_ends_the_job_before_the_chip(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, NULL);
    (void)job_read(b, "flash,flush");
    job_expect(b, STATUS_USAGE);
    assert_string_equal(b->error.text, "memory flush: no part has one of that name");
    assert_int_equal(job_instructions(b, AVR_OP_ENABLE), 0);
    job_bench_free(b);
}

static void a_read_only_memory_that_holds_it_is_compared_once(void **state)
{
    (void)state;
    static const uint8_t signature[] = {0x1e, 0x95, 0x0f};
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    (void)job_write(b, "signature", 0, signature, 3);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_report(b, "signature")->verified, 3);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_resolved_in_their_order),
        cmocka_unit_test(one_name_is_no_list),
        cmocka_unit_test(a_list_writes_each_memory_it_names),
        cmocka_unit_test(read_only_memories_of_a_list_are_passed_over),
        cmocka_unit_test(a_list_is_read_whole_and_finished_once),
        cmocka_unit_test(a_list_of_nothing_that_the_part_has_does_nothing),
        cmocka_unit_test(a_wrong_name_in_a_list_ends_the_job_before_the_chip),
        cmocka_unit_test(a_read_only_memory_that_holds_it_is_compared_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
