/* The manual against the tables that the program goes by: no option and no exit code is missing,
 * and none says something else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/terminal/terminal.h"
#include "support/test.h"

static int read_manual(void **state)
{
    FILE *file = fopen(MANUAL, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return -1;
    const long size = ftell(file);
    rewind(file);
    char *manual = calloc(1, (size_t)size + 1);
    if (manual == NULL || fread(manual, 1, (size_t)size, file) != (size_t)size)
        return -1;
    *state = manual;
    return fclose(file);
}

static int free_manual(void **state)
{
    free(*state);
    return 0;
}

/* True if a line of the manual begins an item and holds `text` as whole words. */
static bool has_item(const char *manual, const char *text)
{
    const size_t length = strlen(text);
    for (const char *at = manual; (at = strstr(at, text)) != NULL; at += length) {
        const char *line = at;
        while (line > manual && line[-1] != '\n')
            line--;
        if (strncmp(line, ".It ", 4) == 0 && at[-1] == ' ' &&
            (at[length] == ' ' || at[length] == '\n'))
            return true;
    }
    return false;
}

static void every_option_is_in_the_manual(void **state)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        char item[128];
        for (const char *c = spec->letters; c != NULL && *c != '\0'; c++) {
            (void)snprintf(item, sizeof item, "Fl %s%c%s%s", *c == '?' ? "\\&" : "", *c,
                           spec->argument != NULL ? " Ar " : "",
                           spec->argument != NULL ? spec->argument : "");
            if (!has_item(*state, item))
                fail_msg("the manual lacks .It %s", item);
        }
        if (spec->name == NULL)
            continue;
        (void)snprintf(item, sizeof item, "Fl -%s%s%s", spec->name,
                       spec->argument != NULL ? " Ar " : "",
                       spec->argument != NULL ? spec->argument : "");
        if (!has_item(*state, item))
            fail_msg("the manual lacks .It %s", item);
    }
}

static void every_command_is_in_the_manual(void **state)
{
    for (size_t i = 0; i < command_count; i++) {
        char item[64];
        (void)snprintf(item, sizeof item, "Cm %s", command_table[i].name);
        if (!has_item(*state, item))
            fail_msg("the manual lacks .It %s", item);
    }
}

static void every_command_of_the_terminal_is_in_the_manual(void **state)
{
    for (size_t i = 0; i < terminal_command_count; i++) {
        char item[64];
        (void)snprintf(item, sizeof item, "Ic %s", terminal_commands[i].name);
        if ((terminal_commands[i].flags & COMMAND_HIDDEN) == 0 && !has_item(*state, item))
            fail_msg("the manual lacks .It %s", item);
    }
}

static void every_exit_code_is_in_the_manual_word_for_word(void **state)
{
    const char *manual = *state;
    size_t rows = 0;
    for (int i = 0; i < STATUS_COUNT; i++) {
        const enum status status = (enum status)i;
        char row[256];
        (void)snprintf(row, sizeof row, "\n.It %d Ta %s Ta %s\n", error_exit_code(status),
                       error_status_name(status), error_status_text(status));
        if (strstr(manual, row) == NULL)
            fail_msg("the manual lacks%s", row);
    }
    for (const char *at = manual; (at = strstr(at, "\n.It ")) != NULL; at++)
        if (strstr(at, " Ta ") != NULL && strstr(at, " Ta ") < strchr(at + 1, '\n'))
            rows++;
    assert_int_equal(rows, STATUS_COUNT + 1); /* the heading */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_in_the_manual),
        cmocka_unit_test(every_command_is_in_the_manual),
        cmocka_unit_test(every_command_of_the_terminal_is_in_the_manual),
        cmocka_unit_test(every_exit_code_is_in_the_manual_word_for_word),
    };
    return cmocka_run_group_tests(tests, read_manual, free_manual);
}
