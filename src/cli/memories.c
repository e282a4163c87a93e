/* `erase`, `read`, `write`, `verify`: the plain-worded forms of -e and -U. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "ispflash/format.h"
#include "run.h"

static enum status check_alone(const struct settings *s, const char *name, struct error *e)
{
    if (s->task_count > 0)
        return error_set(e, STATUS_USAGE, "%s is one operation: -U, -T and -t do not go with it",
                         name);
    if (s->output != NULL || s->check != NULL)
        return error_set(e, STATUS_USAGE, "-o and --check do not go with this command");
    if (s->no_jtag || s->expect_usb)
        return error_set(e, STATUS_USAGE, "--no-jtag and --expect-usb belong to ispflash burn");
    return STATUS_OK;
}

static enum status run_alone(struct cli *cli, struct error *e)
{
    struct run r;
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_read_configuration(&r, e);
    if (status == STATUS_OK)
        status = run_settings(&r, e);
    run_close(&r);
    return status;
}

enum status command_erase(struct cli *cli, struct error *e)
{
    TRY(check_alone(&cli->settings, "erase", e));
    if (cli->settings.operands.count > 0) {
        (void)error_set(e, STATUS_USAGE, "erase takes no \"%s\": it erases the whole chip",
                        cli->settings.operands.items[0]);
        return STATUS_USAGE;
    }
    cli->settings.erase = true;
    return run_alone(cli, e);
}

/* --- one memory, one file ------------------------------------------------------------------- */

/* "FILE:FMT", as -U has it. */
static bool names_format(const char *file)
{
    const size_t length = strlen(file);
    return length >= 3 && file[length - 2] == ':';
}

/* What a person wants to get: numbers for a few bytes, a file as its name says, else Intel HEX. */
static enum format format_for(const char *memory, const char *file)
{
    static const char *const many[] = {"flash", "eeprom", "usersig"};
    static const char *const raw[] = {".bin", ".raw", ".img", ".rom"};
    const enum format named = format_by_name(file);
    const size_t length = strlen(file);
    bool large = false;
    if (named != FORMAT_AUTO && format_writable(named))
        return named;
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++)
        if (length > strlen(raw[i]) && strcmp(file + length - strlen(raw[i]), raw[i]) == 0)
            return FORMAT_RAW;
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        large = large || strncmp(many[i], memory, strlen(memory)) == 0;
    return large ? FORMAT_IHEX : FORMAT_HEX;
}

/* [MEM] FILE[:FMT] as the argument of a -U; the caller frees it. */
static char *update_for(const struct text_list *operands, char letter)
{
    const bool named = operands->count == 2;
    const char *memory = named ? operands->items[0] : "flash";
    const char *file = operands->items[named ? 1 : 0];
    char format[3] = "";
    if (letter == 'r' && !names_format(file))
        (void)snprintf(format, sizeof format, ":%c", (char)format_for(memory, file));
    const size_t size = strlen(memory) + strlen(file) + sizeof ":w::f";
    char *text = malloc(size);
    if (text != NULL)
        (void)snprintf(text, size, "%s:%c:%s%s", memory, letter, file, format);
    return text;
}

static enum status one_memory(struct cli *cli, const char *name, char letter, struct error *e)
{
    struct settings *s = &cli->settings;
    TRY(check_alone(s, name, e));
    if (s->operands.count < 1 || s->operands.count > 2) {
        (void)error_set(e, STATUS_USAGE,
                        "%s takes a file, and before it the memory if it is not "
                        "flash",
                        name);
        error_hint(e, "ispflash %s eeprom settings.eep", name);
        return STATUS_USAGE;
    }
    char *text = update_for(&s->operands, letter);
    if (text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the operation");
    enum status status = settings_add_task(s, TASK_UPDATE, text, e);
    if (status == STATUS_OK)
        status = run_alone(cli, e);
    free(text);
    return status;
}

enum status command_read(struct cli *cli, struct error *e)
{
    cli->settings.whole_read = true;
    return one_memory(cli, "read", 'r', e);
}

enum status command_write(struct cli *cli, struct error *e)
{
    return one_memory(cli, "write", 'w', e);
}

enum status command_verify(struct cli *cli, struct error *e)
{
    return one_memory(cli, "verify", 'v', e);
}
