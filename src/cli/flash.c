/* The line without a command: lists, or a job for one chip. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "data_lists.h"
#include "lists.h"
#include "run.h"

/* --- lists ---------------------------------------------------------------------------------- */

static bool asks_for_list(const char *value)
{
    return value != NULL && value[0] == '?';
}

static bool asks_for_extended_help(const struct settings *s)
{
    for (size_t i = 0; i < s->extended.count; i++)
        if (strcmp(s->extended.items[i], "help") == 0)
            return true;
    return false;
}

/* "?type": the kinds there are, not the ids. */
static bool asks_for_kinds(const char *value)
{
    return strcmp(value, "?type") == 0 || strcmp(value, "?types") == 0;
}

/* What -p X/FLAGS and -c X/FLAGS print is an answer under either name. */
static bool run_data_lists(struct cli *cli, struct part_database *parts, enum status *status,
                           struct error *e)
{
    const struct settings *s = &cli->settings;
    FILE *out = cli->around->results, *talk = cli->sink.options.stream;
    if (s->programmer != NULL && data_list_is_asked(s->programmer))
        *status = data_list_programmers(out, talk, s->programmer, e);
    else if (s->part != NULL && data_list_is_asked(s->part))
        *status = data_list_parts(out, talk, parts, s->part, e);
    else
        return false;
    return true;
}

/* True if a list was asked for; *status tells what came of it. */
static bool run_lists(struct cli *cli, struct part_database *parts, enum status *status,
                      struct error *e)
{
    const struct settings *s = &cli->settings;
    FILE *out = cli->as_avrdude ? cli->sink.options.stream : cli->around->results;
    *status = STATUS_OK;
    if (asks_for_list(s->programmer) && asks_for_kinds(s->programmer))
        *status = list_kinds(out, e);
    else if (asks_for_list(s->programmer))
        *status = (s->json ? list_programmers_json : list_programmers)(out, e);
    else if (asks_for_list(s->part))
        (s->json ? list_parts_json : list_parts)(out, parts);
    else
        return false;
    cli->exit_code = cli->as_avrdude ? 1 : 0;
    return true;
}

/* The same for lists that avrdude, too, ends with 0. */
static bool run_plain_lists(struct cli *cli, const struct conf *conf, enum status *status,
                            struct error *e)
{
    const struct settings *s = &cli->settings;
    const char *programmer = s->programmer != NULL ? s->programmer : conf->programmer;
    FILE *out = cli->as_avrdude ? cli->sink.options.stream : cli->around->results;
    *status = STATUS_OK;
    if (asks_for_list(s->port))
        (s->json ? list_ports_json : list_ports)(out);
    else if (asks_for_extended_help(s) && programmer != NULL)
        *status = (s->json ? list_extended_json : list_extended)(out, programmer, e);
    else
        return false;
    return true;
}

/* --- the job -------------------------------------------------------------------------------- */

static enum status check_operands(const struct settings *s, struct error *e)
{
    if (s->operands.count == 0)
        return STATUS_OK;
    const char *operand = s->operands.items[0];
    (void)error_set(e, STATUS_USAGE, "\"%s\" belongs to no option", operand);
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, operand) == 0)
            error_hint(e, "a command is the first word: ispflash %s ...", operand);
    error_hint(e, "to write a file to flash: -U %s", operand);
    return e->code;
}

static enum status run_all(struct run *r, struct error *e)
{
    enum status status = STATUS_OK;
    if (run_data_lists(r->cli, r->parts, &status, e) || run_lists(r->cli, r->parts, &status, e))
        return status;
    TRY(run_read_configuration(r, e));
    if (run_plain_lists(r->cli, &r->conf, &status, e))
        return status;
    return run_settings(r, e);
}

enum status flash_run(struct cli *cli, struct error *e)
{
    struct run r;
    TRY(check_operands(&cli->settings, e));
    if (cli->settings.no_jtag || cli->settings.expect_usb)
        return error_set(e, STATUS_USAGE, "--no-jtag and --expect-usb belong to ispflash burn");
    if (cli->settings.soak)
        return error_set(e, STATUS_USAGE, "--soak belongs to ispflash doctor");
    if (cli->settings.output != NULL || cli->settings.check != NULL)
        return error_set(e, STATUS_USAGE, "%s belongs to a command, such as ispflash fuses",
                         cli->settings.output != NULL ? "-o" : "--check");
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_all(&r, e);
    run_close(&r);
    return status;
}
