/* The ids users type: the data, the strict reader, the look-up. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "entries.h"
#include "programmer/programmer.h"
#include "support/test.h"

/* --- the built-in data ----------------------------------------------------------------------- */

static int entries_setup(void **state)
{
    struct programmer_entry *entries = NULL;
    struct error e = {0};
    if (programmer_entries(&entries, &e) != STATUS_OK) {
        print_error("%s\n", e.text);
        return -1;
    }
    *state = entries;
    return 0;
}

static int entries_teardown(void **state)
{
    programmer_entries_free(*state);
    return 0;
}

static void the_ids_are_sorted(void **state)
{
    const struct programmer_entry *entries = *state;
    assert_non_null(entries[0].id);
    for (size_t i = 1; entries[i].id != NULL; i++)
        assert_true(strcmp(entries[i - 1].id, entries[i].id) < 0);
}

static void collect(const struct programmer_entry *entry, const char **names, size_t *count)
{
    names[(*count)++] = entry->id;
    for (size_t i = 0; entry->aliases != NULL && entry->aliases[i] != NULL; i++)
        names[(*count)++] = entry->aliases[i];
}

static void no_two_names_are_the_same_even_with_case_ignored(void **state)
{
    const char *names[512];
    size_t count = 0;
    for (const struct programmer_entry *entry = *state; entry->id != NULL; entry++)
        collect(entry, names, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (strcasecmp(names[i], names[j]) == 0)
                fail_msg("%s is there twice", names[i]);
        }
    }
}

static void every_built_in_driver_bears_its_name(void **state)
{
    for (const struct programmer_entry *entry = *state; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        if (driver == NULL)
            continue;
        assert_string_equal(driver->name, entry->driver);
        assert_non_null(driver->proven);
        assert_non_null(driver->open);
        assert_non_null(driver->close);
        assert_non_null(driver->enter);
        assert_non_null(driver->leave);
        assert_true(driver->exchange != NULL || (driver->features & PROGRAMMER_BOOTLOADER) != 0 ||
                    driver->swd != NULL);
    }
}

static void
options_of_a_driver_that_has_none_are_refused_before_a_device_is_looked_for(void **state)
{
    static const char *const options[] = {"vtarg=5"};
    struct context context;
    context_init(&context, clock_system(), NULL, NULL);
    size_t count = 0;
    for (const struct programmer_entry *entry = *state; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        const struct programmer_config config = {
            .id = entry->id, .options = options, .option_count = 1};
        struct programmer *p = NULL;
        struct error e = {0};
        char text[96];
        if (driver == NULL || driver->options_help != NULL)
            continue;
        assert_int_equal(programmer_open(&config, &context, &p, &e), STATUS_USAGE);
        (void)snprintf(text, sizeof text, "-x vtarg=5: %s takes no such options", entry->id);
        assert_string_equal(e.text, text);
        count++;
    }
    assert_true(count > 3);
}

static void programmers_that_scripts_name_are_listed(void **state)
{
    static const char *const ids[] = {
        "arduino", "arduino_as_isp", "arduinoisp", "arduinoisporg", "avrisp",       "avrispmkII",
        "dryrun",  "jtag2updi",      "linuxspi",   "pickit4_isp",   "serialupdi",   "sim",
        "stk500",  "stk500v1",       "stk500v2",   "usbasp",        "usbasp-clone", "usbtiny",
        "wiring",  "buspirate",      "ft232r",     "stlink",        "xplainedmini", "avr109",
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct programmer_entry *entry = *state;
        while (entry->id != NULL && strcmp(entry->id, ids[i]) != 0)
            entry++;
        if (entry->id == NULL)
            fail_msg("%s is missing", ids[i]);
    }
}

/* --- the look-up ----------------------------------------------------------------------------- */

/* Status of a look-up in data of the test's own; no driver is called "none". */
static enum status find_in(const char *text, const char *id, struct error *e)
{
    struct programmer_entry *entries = NULL;
    assert_int_equal(programmer_entries_read("test.ini", text, strlen(text), &entries, e),
                     STATUS_OK);
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    const enum status status = programmer_find(entries, id, &entry, &driver, e);
    assert_true(status == STATUS_OK || (entry == NULL && driver == NULL));
    programmer_entries_free(entries);
    return status;
}

static const char finding[] = "[usbtiny]\nsummary = Tiny\ndriver = none\nneeds = libnone\n"
                              "[usbasp]\nsummary = Asp\nneeds = magic\naliases = asp-one, Asp_Two\n"
                              "[usb]\nsummary = Plain\nneeds = nothing\n"
                              "[later]\nsummary = Later\ndriver = none\n";

static void a_name_without_a_driver_is_answered_with_what_it_needs(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "usbasp", &e), STATUS_UNSUPPORTED);
    assert_string_equal(e.text,
                        "programmer \"usbasp\" (Asp) is known, but ispflash cannot drive it: it "
                        "needs magic");
    assert_non_null(strstr(e.hint, "-c ?"));
}

static void a_driver_left_out_names_the_library(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "usbtiny", &e), STATUS_UNSUPPORTED);
    assert_string_equal(e.text, "programmer \"usbtiny\" (Tiny): this ispflash has no none driver, "
                                "which needs libnone");
    assert_int_equal(find_in(finding, "later", &e), STATUS_UNSUPPORTED);
    assert_string_equal(e.text, "programmer \"later\" (Later): this ispflash has no none driver");
}

static void case_is_ignored_and_aliases_count(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "UsbAsp", &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.text, "(Asp)"));
    assert_int_equal(find_in(finding, "asp_two", &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.text, "(Asp)"));
}

static void an_exact_name_wins_over_longer_ones(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "usb", &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.text, "(Plain)"));
}

static void a_unique_start_is_enough(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "usbt", &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.text, "(Tiny)"));
    assert_int_equal(find_in(finding, "asp", &e), STATUS_UNSUPPORTED); /* two names of one entry */
    assert_non_null(strstr(e.text, "(Asp)"));
}

static void an_ambiguous_start_lists_the_candidates(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(find_in(finding, "us", &e), STATUS_USAGE);
    assert_string_equal(e.text, "programmer \"us\" could be usb, usbasp, usbtiny");
}

static void a_list_of_candidates_that_is_too_long_is_cut_visibly(void **state)
{
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct error e = {0};
    assert_int_equal(programmer_find(*state, "p", &entry, &driver, &e), STATUS_USAGE);
    assert_string_equal(e.text + strlen(e.text) - 5, ", ...");
}

static void an_unknown_name_gets_the_nearest_ones(void **state)
{
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct error e = {0};
    assert_int_equal(programmer_find(*state, "ubstiny", &entry, &driver, &e), STATUS_USAGE);
    assert_string_equal(e.text, "unknown programmer \"ubstiny\"");
    assert_non_null(strstr(e.hint, "usbtiny"));
}

static void no_name_at_all_is_a_mistake_too(void **state)
{
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct error e = {0};
    assert_int_equal(programmer_find(*state, NULL, &entry, &driver, &e), STATUS_USAGE);
    assert_int_equal(programmer_find(*state, "", &entry, &driver, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "-c"));
}

/* --- the strict reader ------------------------------------------------------------------------ */

static void all_fields_are_read(void **state)
{
    (void)state;
    static const char text[] = "# comment; with a semicolon\n\n"
                               "[b]\nsummary = Second\nneeds = time\n"
                               "[a]\nsummary = First one\ndriver = one\nsettings = x=1 y=2\n"
                               "needs = libone\naliases = alpha, beta gamma";
    struct programmer_entry *entries = NULL;
    struct error e = {0};
    assert_int_equal(programmer_entries_read("t", text, strlen(text), &entries, &e), STATUS_OK);
    assert_string_equal(entries[0].id, "a");
    assert_string_equal(entries[0].summary, "First one");
    assert_string_equal(entries[0].driver, "one");
    assert_string_equal(entries[0].settings, "x=1 y=2");
    assert_string_equal(entries[0].needs, "libone");
    assert_string_equal(entries[0].aliases[0], "alpha");
    assert_string_equal(entries[0].aliases[1], "beta");
    assert_string_equal(entries[0].aliases[2], "gamma");
    assert_null(entries[0].aliases[3]);
    assert_string_equal(entries[1].id, "b");
    assert_null(entries[1].driver);
    assert_null(entries[1].aliases);
    assert_null(entries[2].id);
    programmer_entries_free(entries);
}

static void whatever_is_wrong_with_the_data_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"summary = x\n", "t:1: a key before the first section"},
        {"[a]\nsummary = x\nneeds = y\ncolour = red\n", "t:4: unknown key colour"},
        {"[a]\nsummary = x\nsummary = y\n", "t:3: double key summary"},
        {"[a]\naliases = x\naliases = y\n", "t:3: double key aliases"},
        {"[a]\naliases = ,\n", "t:2: no names in aliases"},
        {"[a]\nsummary =\n", "t:2: no value for summary"},
        {"[a]\nsummary = x\nneeds = y\n[a]\nneeds = y\n", "t:4: double section [a]"},
        {"[a]\n[b]\nsummary = x\nneeds = y\n", "t:2: [a] has no summary"},
        {"[a]\nneeds = y\n", "t: [a] has no summary"},
        {"[a]\nsummary = x\n", "t: [a] has neither driver nor needs"},
        {"[a]\nsummary = x\nneeds = y\nsettings = z=1\n", "t: [a] has settings without a driver"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct programmer_entry *entries = NULL;
        struct error e = {0};
        assert_int_equal(
            programmer_entries_read("t", rows[i].text, strlen(rows[i].text), &entries, &e),
            STATUS_INTERNAL);
        assert_string_equal(e.text, rows[i].message);
        assert_null(entries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ids_are_sorted),
        cmocka_unit_test(no_two_names_are_the_same_even_with_case_ignored),
        cmocka_unit_test(every_built_in_driver_bears_its_name),
        cmocka_unit_test(
            options_of_a_driver_that_has_none_are_refused_before_a_device_is_looked_for),
        cmocka_unit_test(programmers_that_scripts_name_are_listed),
        cmocka_unit_test(a_name_without_a_driver_is_answered_with_what_it_needs),
        cmocka_unit_test(a_driver_left_out_names_the_library),
        cmocka_unit_test(case_is_ignored_and_aliases_count),
        cmocka_unit_test(an_exact_name_wins_over_longer_ones),
        cmocka_unit_test(a_unique_start_is_enough),
        cmocka_unit_test(an_ambiguous_start_lists_the_candidates),
        cmocka_unit_test(a_list_of_candidates_that_is_too_long_is_cut_visibly),
        cmocka_unit_test(an_unknown_name_gets_the_nearest_ones),
        cmocka_unit_test(no_name_at_all_is_a_mistake_too),
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(whatever_is_wrong_with_the_data_is_said_with_its_line),
    };
    return cmocka_run_group_tests(tests, entries_setup, entries_teardown);
}
