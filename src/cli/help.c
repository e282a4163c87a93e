/* Help, all of it from the tables that the program itself goes by. */
#include "help.h"

#include <string.h>

#include "cli.h"
#include "core/nearest.h"
#include "ispflash/format.h"
#include "options.h"
#include "programmer/programmer.h"
#include "terminal/terminal.h"
#include "wrapped.h"

enum { HELP_COLUMN = 26, HELP_WIDTH = 80 };

/* --- options -------------------------------------------------------------------------------- */

/* Behind what stands before `column`, in the column of explanations. */
static void put_explanation(FILE *out, const char *text, size_t column)
{
    if (column >= HELP_COLUMN)
        (void)fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        (void)fprintf(out, "%*s", (int)(HELP_COLUMN - column), "");
    put_wrapped(out, text, HELP_COLUMN, HELP_WIDTH);
}

/* "  -c, --programmer ID   which programmer" */
static void put_option(FILE *out, const struct option_spec *spec)
{
    char head[64] = " ";
    for (const char *c = spec->letters; c != NULL && *c != '\0'; c++)
        (void)snprintf(head + strlen(head), sizeof head - strlen(head), " -%c,", *c);
    if (spec->name != NULL)
        (void)snprintf(head + strlen(head), sizeof head - strlen(head), "%s --%s",
                       spec->letters == NULL ? "    " : "", spec->name);
    else
        head[strlen(head) - 1] = '\0'; /* the last comma */
    if (spec->argument != NULL)
        (void)snprintf(head + strlen(head), sizeof head - strlen(head), " %s", spec->argument);
    (void)fputs(head, out);
    put_explanation(out, spec->help, strlen(head) + 2 > HELP_COLUMN ? HELP_COLUMN : strlen(head));
}

static void put_usage(FILE *out, const char *program)
{
    (void)fprintf(out,
                  "usage: %s -c PROGRAMMER [-P PORT] [-p PART] [-U MEM:OP:FILE[:FMT]]...\n\n"
                  "  %s -c avrisp -p m328p -U flash:w:firmware.hex\n"
                  "  %s -c usbasp -U lfuse:w:0xff:m -U hfuse:w:0xd8:m\n"
                  "  %s -c usbtiny -U eeprom:r:backup.hex:i\n\n",
                  program, program, program, program);
}

void help_short(FILE *out, const char *program)
{
    put_usage(out, program);
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].common)
            put_option(out, &option_table[i]);
}

void help_all(FILE *out, const char *program)
{
    put_usage(out, program);
    for (enum option_group group = 0; group < GROUP_HIDDEN; group++) {
        (void)fprintf(out, "%s%s:\n", group > 0 ? "\n" : "", option_group_title(group));
        for (size_t i = 0; i < option_count; i++)
            if (option_table[i].group == group)
                put_option(out, &option_table[i]);
    }
    (void)fprintf(out,
                  "\nEnvironment, below the options and above the files of ispflash config:\n");
    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        const enum config_default which = (enum config_default)i;
        const int length = fprintf(out, "  %s", config_default_variable(which));
        char text[64];
        (void)snprintf(text, sizeof text, "as --%s", config_default_name(which));
        put_explanation(out, text, length > 0 ? (size_t)length : 0);
    }
    (void)fprintf(out, "\nCommands, as the first word:\n");
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        const int length = fprintf(out, "  %s %s", command->name, command->arguments);
        put_explanation(out, command->summary, length > 0 ? (size_t)length : 0);
    }
}

/* --- version -------------------------------------------------------------------------------- */

static bool is_first_of_driver(const struct programmer_entry *entries,
                               const struct programmer_entry *entry)
{
    for (; entries != entry; entries++)
        if (programmer_driver_of(entries) == programmer_driver_of(entry))
            return false;
    return true;
}

enum status help_version(FILE *out, bool details, struct error *e)
{
    (void)fprintf(out, "ispflash %s\n", ISPFLASH_VERSION);
    if (!details)
        return STATUS_OK;
    struct programmer_entry *entries = NULL;
    TRY(programmer_entries(&entries, e));
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        if (driver != NULL && is_first_of_driver(entries, entry))
            (void)fprintf(out, "driver %s, proven on: %s\n", driver->name, driver->proven);
    }
    programmer_entries_free(entries);
#ifdef __VERSION__
    (void)fprintf(out, "compiler %s\n", __VERSION__);
#endif
    return STATUS_OK;
}

/* --- topics --------------------------------------------------------------------------------- */

/* Several classes share a code only if nobody could act on the difference. */
static void topic_exit_codes(FILE *out)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        const enum status status = (enum status)i;
        (void)fprintf(out, "%3d  %-18s %s\n", error_exit_code(status), error_status_name(status),
                      error_status_text(status));
    }
}

static void topic_formats(FILE *out)
{
    for (const char *letter = "aisrmhdobRIe"; *letter != '\0'; letter++) {
        const char *name = NULL;
        if (format_known(*letter, &name))
            (void)fprintf(out, "%c  %s\n", *letter, name);
    }
}

static const struct topic {
    const char *name;
    void (*print)(FILE *out);
} topics[] = {
    {"exit-codes", topic_exit_codes}, {"formats", topic_formats}, {"terminal", terminal_list}};

enum status help_topic(FILE *out, const char *topic, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, topic);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (strcmp(topics[i].name, topic) == 0) {
            topics[i].print(out);
            return STATUS_OK;
        }
        nearest_offer(&nearest, topics[i].name);
    }
    (void)error_set(e, STATUS_USAGE, "there is no help on \"%s\"", topic);
    nearest_hint(&nearest, e);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        error_hint(e, "%s help %s", "ispflash", topics[i].name);
    return e->code;
}

const char *help_topic_name(size_t index)
{
    return index < sizeof topics / sizeof topics[0] ? topics[index].name : NULL;
}
