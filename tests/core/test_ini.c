/* The strict reader of small texts. */
#include <stdio.h>
#include <string.h>

#include "core/ini.h"
#include "support/test.h"

struct seen {
    char text[400];
};

static enum status see_section(void *user, const char *name, struct error *e)
{
    struct seen *seen = user;
    if (strcmp(name, "bad") == 0)
        return error_set(e, STATUS_USAGE, "no such section");
    strcat(strcat(strcat(seen->text, "["), name), "]");
    return STATUS_OK;
}

static enum status see_key(void *user, const char *key, const char *value, struct error *e)
{
    struct seen *seen = user;
    if (strcmp(key, "bad") == 0)
        return error_set(e, STATUS_USAGE, "no such key");
    strcat(strcat(strcat(strcat(seen->text, key), "="), value), ",");
    return STATUS_OK;
}

static enum status read_text(const char *text, struct seen *seen, struct error *e)
{
    static const struct ini_handler handler = {.section = see_section, .key = see_key};
    *seen = (struct seen){.text = ""};
    return ini_read("t", text, STATUS_INPUT, &handler, seen, e);
}

static void sections_and_keys_come_in_their_order(void **state)
{
    (void)state;
    struct seen seen;
    struct error e = {0};
    assert_int_equal(
        read_text("# a; comment\n; one more\n\n[one]\na = b c \r\n[two]\n[one]\r\nd=e", &seen, &e),
        STATUS_OK);
    assert_string_equal(seen.text, "[one]a=b c,[two][one]d=e,");
}

static void an_empty_text_is_fine(void **state)
{
    (void)state;
    struct seen seen;
    struct error e = {0};
    assert_int_equal(read_text("", &seen, &e), STATUS_OK);
    assert_string_equal(seen.text, "");
}

static void whatever_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a = b\n", "t:1: a key before the first section"},
        {"[a]\nword\n", "t:2: neither [section] nor key = value"},
        {"[a\nb = c\n", "t:1: a section is [name], alone on its line"},
        {"[]\n", "t:1: a section is [name], alone on its line"},
        {"[a] b\n", "t:1: a section is [name], alone on its line"},
        {"[a]\nb = c\n d\n", "t:3: line begins with a blank"},
        {"[a]\nb = c ; d\n", "t:2: semicolon inside a line"},
        {"[a1234567890123456789012345678901234567890123456789012345678901234]\n",
         "t:1: section name too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen seen;
        struct error e = {0};
        assert_int_equal(read_text(rows[i].text, &seen, &e), STATUS_INPUT);
        assert_string_equal(e.text, rows[i].message);
    }
}

static void a_line_that_inih_would_cut_is_an_error(void **state)
{
    (void)state;
    char text[300];
    struct seen seen;
    struct error e = {0};
    (void)snprintf(text, sizeof text, "[a]\nb = %0192d\n", 1); /* 196 characters: the longest */
    assert_int_equal(read_text(text, &seen, &e), STATUS_OK);
    assert_int_equal(strlen(seen.text), strlen("[a]b=,") + 192);
    (void)snprintf(text, sizeof text, "[a]\nb = %0193d\n", 1);
    assert_int_equal(read_text(text, &seen, &e), STATUS_INPUT);
    assert_string_equal(e.text, "t:2: line too long");
}

static void what_the_handler_says_is_placed_and_stops_the_reading(void **state)
{
    (void)state;
    struct seen seen;
    struct error e = {0};
    assert_int_equal(read_text("[a]\nbad = 1\nc = d\n", &seen, &e), STATUS_USAGE);
    assert_string_equal(e.text, "t:2: no such key");
    assert_string_equal(seen.text, "[a]");
    assert_int_equal(read_text("[a]\n[bad]\nc = d\n", &seen, &e), STATUS_USAGE);
    assert_string_equal(e.text, "t:2: no such section");
    assert_string_equal(seen.text, "[a]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_keys_come_in_their_order),
        cmocka_unit_test(an_empty_text_is_fine),
        cmocka_unit_test(whatever_is_wrong_is_said_with_its_line),
        cmocka_unit_test(a_line_that_inih_would_cut_is_an_error),
        cmocka_unit_test(what_the_handler_says_is_placed_and_stops_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
