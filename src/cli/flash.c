/* The line without a command: lists, or a job for one chip. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "conf.h"
#include "ispflash/context.h"
#include "ispflash/part.h"
#include "ispflash/session.h"
#include "job.h"
#include "lists.h"
#include "programmer/programmer.h"

/* --- configuration -------------------------------------------------------------------------- */

/* The last -C FILE in place of those before it, and after it every -C +FILE. */
static enum status read_configuration(const struct settings *s, struct conf *conf, struct error *e)
{
    const char *base = NULL;
    for (size_t i = 0; i < s->configs.count; i++)
        if (s->configs.items[i][0] != '+')
            base = s->configs.items[i];
    enum status status = base != NULL ? conf_read(base, conf, e) : STATUS_OK;
    for (size_t i = 0; i < s->configs.count && status == STATUS_OK; i++)
        if (s->configs.items[i][0] == '+')
            status = conf_read(s->configs.items[i] + 1, conf, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    (void)error_in(e, "-C");
    error_hint(e, "parts and programmers are built in: ispflash needs no such file, leave -C away");
    return status;
}

/* The user's own parts. */
static enum status add_parts(const struct cli *cli, struct part_database *parts, struct error *e)
{
    const struct surroundings *around = cli->around;
    char folder[PATH_MAX] = ""; /* a longer one could not be opened */
    if (around->config_home != NULL && around->config_home[0] == '/')
        (void)snprintf(folder, sizeof folder, "%s/ispflash", around->config_home);
    else if (around->home != NULL && around->home[0] != '\0')
        (void)snprintf(folder, sizeof folder, "%s/.config/ispflash", around->home);
    if (folder[0] != '\0' && !cli->settings.no_config)
        TRY(part_database_add_directory(parts, folder, e));
    for (size_t i = 0; i < cli->settings.part_files.count; i++)
        TRY(part_database_add_file(parts, cli->settings.part_files.items[i], e));
    return STATUS_OK;
}

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

/* "?type", "m328p/S": what avrdude prints of its own data. */
static enum status check_developer_options(const struct settings *s, struct error *e)
{
    const char *const values[] = {s->programmer, s->part};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (values[i] != NULL && ((values[i][0] == '?' && values[i][1] != '\0') ||
                                  (values[i][0] != '?' && strchr(values[i], '/') != NULL)))
            return error_set(e, STATUS_UNSUPPORTED, "-%c %s: such lists are not there yet", "cp"[i],
                             values[i]);
    return STATUS_OK;
}

/* True if a list was asked for; *status tells what came of it. */
static bool run_lists(struct cli *cli, struct part_database *parts, enum status *status,
                      struct error *e)
{
    const struct settings *s = &cli->settings;
    FILE *out = cli->as_avrdude ? cli->sink.options.stream : cli->around->results;
    if (asks_for_list(s->programmer))
        *status = list_programmers(out, e);
    else if (asks_for_list(s->part))
        *status = list_parts(out, parts, e);
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
    if (asks_for_list(s->port))
        *status = list_ports(out, e);
    else if (asks_for_extended_help(s) && programmer != NULL)
        *status = list_extended(out, programmer, e);
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

/* What no programmer of ours can follow. */
static enum status check_letters(struct cli *cli, struct error *e)
{
    const struct text_list *exits = &cli->settings.exit_options;
    if (cli->settings.osccal)
        return error_set(e, STATUS_UNSUPPORTED,
                         "-O: none of the programmers supported so far calibrates the oscillator");
    if (cli->settings.reconnect > 0)
        text_sink_log(&cli->sink, LOG_NOTE,
                      "-r is for boot loaders that start when their port is touched at 1200 baud; "
                      "none of those is supported so far, so nothing is touched");
    for (size_t i = 0; i < exits->count; i++)
        if (strstr(exits->items[i], "reset") == NULL) /* the session's to answer */
            text_sink_log(&cli->sink, LOG_NOTE,
                          "-E %s: no programmer supported so far drives that pin when it leaves",
                          exits->items[i]);
    return STATUS_OK;
}

/* A serial port of the configuration's is meant for programmers on one. */
static enum status take_default_port(struct job *job, const struct conf *conf, struct error *e)
{
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    if (job->programmer.port != NULL || conf->serial == NULL)
        return STATUS_OK;
    TRY(programmer_entries(&entries, e));
    const enum status status = programmer_find(entries, job->programmer.id, &entry, &driver, e);
    if (status == STATUS_OK && (driver->features & PROGRAMMER_SERIAL) != 0)
        job->programmer.port = conf->serial;
    programmer_entries_free(entries);
    return status;
}

static enum status run_job(struct cli *cli, const struct conf *conf, struct part_database *parts,
                           struct error *e)
{
    struct cli_job j;
    struct report report = {0};
    struct context context;
    enum status status = cli_job_init(&j, &cli->settings, conf, e);
    if (status == STATUS_OK)
        status = take_default_port(&j.job, conf, e);
    if (status == STATUS_OK) {
        context_init(&context, clock_system(), &cli->sink.sink, cli->around->cancel);
        cli->told = true; /* the session's ERROR event */
        status = session_run(&j.job, parts, &context, &report, e);
        report_free(&report);
    }
    cli_job_free(&j);
    return status;
}

enum status flash_run(struct cli *cli, struct error *e)
{
    struct conf conf = {0};
    struct part_database *parts = NULL;
    enum status status = check_operands(&cli->settings, e);
    if (status == STATUS_OK)
        status = check_developer_options(&cli->settings, e);
    if (status == STATUS_OK)
        status = check_letters(cli, e);
    if (status == STATUS_OK)
        status = part_database_open(&parts, e);
    if (status == STATUS_OK)
        status = add_parts(cli, parts, e);
    if (status == STATUS_OK && !run_lists(cli, parts, &status, e)) {
        status = read_configuration(&cli->settings, &conf, e);
        if (status == STATUS_OK && !run_plain_lists(cli, &conf, &status, e))
            status = run_job(cli, &conf, parts, e);
    }
    part_database_close(parts);
    conf_free(&conf);
    return status;
}
