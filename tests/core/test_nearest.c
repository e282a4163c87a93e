#include <stdint.h>
#include <string.h>

#include "core/nearest.h"
#include "support/test.h"

static void distance_counts_inserted_dropped_changed_and_swapped_letters(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("m328p", "M328P"), 0);
    assert_int_equal(nearest_distance("m328", "m328p"), 1);
    assert_int_equal(nearest_distance("m328pp", "m328p"), 1);
    assert_int_equal(nearest_distance("m338p", "m328p"), 1);
    assert_int_equal(nearest_distance("m382p", "m328p"), 1);
    assert_int_equal(nearest_distance("", "m328p"), 5);
    assert_int_equal(nearest_distance("usbtiny", "usbasp"), 4);
}

static void a_name_too_long_to_be_one_is_infinitely_far(void **state)
{
    (void)state;
    char name[65];
    memset(name, 'x', 64);
    name[64] = '\0';
    assert_true(nearest_distance(name, "x") == SIZE_MAX);
    assert_true(nearest_distance("x", name) == SIZE_MAX);
    name[63] = '\0';
    assert_int_equal(nearest_distance(name, "x"), 62);
}

static void the_closest_names_are_kept_closest_first_then_as_offered(void **state)
{
    (void)state;
    static const char *const names[] = {"avrisp2", "arduinoisp", "avrusp", "avrisp", "usbasp"};
    struct nearest nearest;
    nearest_begin(&nearest, "avrips");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        nearest_offer(&nearest, names[i]);
    assert_int_equal(nearest.count, 3);
    assert_string_equal(nearest.names[0], "avrisp");
    assert_string_equal(nearest.names[1], "avrisp2");
    assert_string_equal(nearest.names[2], "avrusp");
}

static void a_name_offered_twice_counts_once(void **state)
{
    (void)state;
    struct nearest nearest;
    nearest_begin(&nearest, "atmega382p");
    nearest_offer(&nearest, "atmega328p");
    nearest_offer(&nearest, "ATmega328P");
    assert_int_equal(nearest.count, 1);
}

static void the_hint_lists_what_may_have_been_meant(void **state)
{
    (void)state;
    struct error e = {0};
    struct nearest nearest;
    nearest_begin(&nearest, "flush");
    nearest_hint(&nearest, &e);
    assert_string_equal(e.hint, "");
    nearest_offer(&nearest, "flash");
    nearest_hint(&nearest, &e);
    assert_string_equal(e.hint, "did you mean \"flash\"?");
    e.hint[0] = '\0';
    nearest_offer(&nearest, "blush");
    nearest_offer(&nearest, "plus");
    nearest_hint(&nearest, &e);
    assert_string_equal(e.hint, "did you mean \"flash\", \"blush\" or \"plus\"?");
}

static void nothing_is_suggested_that_shares_no_letter_or_hardly_one(void **state)
{
    (void)state;
    struct nearest nearest;
    nearest_begin(&nearest, "x");
    nearest_offer(&nearest, "y");
    nearest_begin(&nearest, "eeprom");
    nearest_offer(&nearest, "lock");
    nearest_offer(&nearest, "hfuse");
    assert_int_equal(nearest.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distance_counts_inserted_dropped_changed_and_swapped_letters),
        cmocka_unit_test(a_name_too_long_to_be_one_is_infinitely_far),
        cmocka_unit_test(the_closest_names_are_kept_closest_first_then_as_offered),
        cmocka_unit_test(a_name_offered_twice_counts_once),
        cmocka_unit_test(the_hint_lists_what_may_have_been_meant),
        cmocka_unit_test(nothing_is_suggested_that_shares_no_letter_or_hardly_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
