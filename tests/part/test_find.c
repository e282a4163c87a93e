/* Parts by the names people type, and by signature. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ispflash/part.h"
#include "support/test.h"

static int open_database(void **state)
{
    struct part_database *db = NULL;
    struct error e = {0};
    if (part_database_open(&db, &e) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    *state = db;
    return 0;
}

static int close_database(void **state)
{
    part_database_close(*state);
    return 0;
}

static void assert_found(struct part_database *db, const char *typed, const char *name)
{
    struct error e = {0};
    const struct part *part = NULL;
    if (part_find(db, typed, &part, &e) != STATUS_OK)
        fail_msg("%s: %s", typed, e.text);
    assert_string_equal(part->name, name);
}

static void a_part_is_found_by_id_name_alias_and_ordering_code(void **state)
{
    static const char *const names[][2] = {
        {"atmega328p", "ATmega328P"},     {"ATmega328P", "ATmega328P"},
        {"ATMEGA328P", "ATmega328P"},     {"m328p", "ATmega328P"},
        {"M328P", "ATmega328P"},          {"ATmega328P-PU", "ATmega328P"},
        {"atmega328p-aur", "ATmega328P"}, {"ATmega8L-8PU", "ATmega8"},
        {"ATtiny85-20SU", "ATtiny85"},    {"ATtiny13V-10SSU", "ATtiny13"},
        {"ATmega88-15AT1", "ATmega88"},   {"ATA6612C-PLQW-1", "ATA6612C"},
        {"usb1286", "AT90USB1286"},       {"c128", "AT90CAN128"},
        {"at90ls8535", "AT90S8535"},      {"ATmega32U4RC-AU", "ATmega32U4"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_found(*state, names[i][0], names[i][1]);
}

static void what_is_no_ordering_code_is_not_taken_for_one(void **state)
{
    static const char *const names[] = {"atmega328p-",   "atmega328p-b",       "atmega328p-pu2x",
                                        "atmega328p-20", "atmega328p-abcde",   "-pu",
                                        "atmega328p--",  "atmega328p-pu-xxxx", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e = {0};
        const struct part *part = NULL;
        assert_int_equal(part_find(*state, names[i], &part, &e), STATUS_USAGE);
        assert_null(part);
    }
}

static void an_unknown_part_is_a_usage_error_with_the_nearest_names(void **state)
{
    struct error e = {0};
    const struct part *part = NULL;
    assert_int_equal(part_find(*state, "atmega382p", &part, &e), STATUS_USAGE);
    assert_string_equal(e.text, "there is no part \"atmega382p\"");
    assert_non_null(strstr(e.hint, "did you mean \"atmega328p\""));
    assert_null(part);
}

static void a_name_of_absurd_length_is_a_usage_error(void **state)
{
    char name[400];
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct error e = {0};
    const struct part *part = NULL;
    assert_int_equal(part_find(*state, name, &part, &e), STATUS_USAGE);
}

static void a_part_that_needs_another_interface_is_unsupported_and_says_which(void **state)
{
    static const char *const names[][2] = {
        {"ATtiny202", "UPDI"},        {"t1616", "UPDI"},  {"m4809", "UPDI"},
        {"avr128da28", "UPDI"},       {"x128a4u", "PDI"}, {"ATtiny10-TSHR", "TPI"},
        {"attiny11", "high-voltage"}, {"m406", "JTAG"},   {"lgt8f328p", "two-wire"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct error e = {0};
        const struct part *part = NULL;
        assert_int_equal(part_find(*state, names[i][0], &part, &e), STATUS_UNSUPPORTED);
        assert_non_null(strstr(e.text, names[i][1]));
        assert_null(part);
    }
}

static void a_shared_signature_gives_the_commonest_part_first(void **state)
{
    static const uint8_t mega328p[3] = {0x1e, 0x95, 0x0f}, mega88[3] = {0x1e, 0x93, 0x0a};
    const struct part *parts[4] = {NULL};
    struct error e = {0};
    size_t count = 0;
    assert_int_equal(part_by_signature(*state, mega328p, parts, 4, &count, &e), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(parts[0]->id, "atmega328p");
    assert_string_equal(parts[1]->id, "ata6614q");
    assert_int_equal(part_by_signature(*state, mega88, parts, 4, &count, &e), STATUS_OK);
    assert_int_equal(count, 3);
    assert_string_equal(parts[0]->id, "atmega88");
}

static void more_parts_than_fit_are_counted_but_not_written(void **state)
{
    static const uint8_t mega88[3] = {0x1e, 0x93, 0x0a};
    const struct part *parts[2] = {NULL, NULL};
    struct error e = {0};
    size_t count = 0;
    assert_int_equal(part_by_signature(*state, mega88, parts, 1, &count, &e), STATUS_OK);
    assert_int_equal(count, 3);
    assert_non_null(parts[0]);
    assert_null(parts[1]);
}

static void a_signature_of_no_part_gives_none(void **state)
{
    static const uint8_t nobody[3] = {0x00, 0x01, 0x02};
    const struct part *parts[1] = {NULL};
    struct error e = {0};
    size_t count = 7;
    assert_int_equal(part_by_signature(*state, nobody, parts, 1, &count, &e), STATUS_OK);
    assert_int_equal(count, 0);
}

static void a_part_found_twice_is_the_same_part(void **state)
{
    struct error e = {0};
    const struct part *a = NULL, *b = NULL;
    assert_int_equal(part_find(*state, "m328p", &a, &e), STATUS_OK);
    assert_int_equal(part_find(*state, "ATmega328P", &b, &e), STATUS_OK);
    assert_ptr_equal(a, b);
}

static double milliseconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Says how long it took; that it is short is for the benchmark to watch. */
static void opening_and_finding_one_part(void **state)
{
    (void)state;
    struct part_database *db = NULL;
    struct error e = {0};
    const struct part *part = NULL;
    const double begin = milliseconds();
    assert_int_equal(part_database_open(&db, &e), STATUS_OK);
    const double opened = milliseconds();
    assert_int_equal(part_find(db, "m328p", &part, &e), STATUS_OK);
    const double found = milliseconds();
    print_message("opening %.2f ms, first part_find %.2f ms\n", opened - begin, found - opened);
    part_database_close(db);
    part_database_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_found_by_id_name_alias_and_ordering_code),
        cmocka_unit_test(what_is_no_ordering_code_is_not_taken_for_one),
        cmocka_unit_test(an_unknown_part_is_a_usage_error_with_the_nearest_names),
        cmocka_unit_test(a_name_of_absurd_length_is_a_usage_error),
        cmocka_unit_test(a_part_that_needs_another_interface_is_unsupported_and_says_which),
        cmocka_unit_test(a_shared_signature_gives_the_commonest_part_first),
        cmocka_unit_test(more_parts_than_fit_are_counted_but_not_written),
        cmocka_unit_test(a_signature_of_no_part_gives_none),
        cmocka_unit_test(a_part_found_twice_is_the_same_part),
        cmocka_unit_test(opening_and_finding_one_part),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
