/* What everything that reaches for a chip begins with. */
#include "run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_own.h"
#include "gang.h"
#include "job.h"
#include "plan_text.h"
#include "programmer/programmer.h"
#include "station.h"

/* The user's own avrdude.rc, in the first of its places that has one. */
static enum status read_user_conf(struct run *r, struct error *e)
{
    const struct surroundings *around = r->cli->around;
    char paths[3][PATH_MAX] = {"", "", ""}; /* a longer one could not be opened */
    if (around->config_home != NULL && around->config_home[0] == '/')
        (void)snprintf(paths[0], sizeof paths[0], "%s/avrdude/avrdude.rc", around->config_home);
    if (around->home != NULL && around->home[0] == '/') {
        (void)snprintf(paths[1], sizeof paths[1], "%s/.config/avrdude/avrdude.rc", around->home);
        (void)snprintf(paths[2], sizeof paths[2], "%s/.avrduderc", around->home);
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (paths[i][0] != '\0' && access(paths[i], R_OK) == 0)
            return conf_read(paths[i], &r->conf, e);
    return STATUS_OK;
}

/* The last -C FILE in place of those before it, the user's own, and every -C +FILE. */
static enum status read_avrdude_conf(struct run *r, struct error *e)
{
    const struct settings *s = &r->cli->settings;
    const char *base = NULL;
    for (size_t i = 0; i < s->configs.count; i++)
        if (s->configs.items[i][0] != '+')
            base = s->configs.items[i];
    enum status status = base != NULL ? conf_read(base, &r->conf, e) : STATUS_OK;
    if (status == STATUS_OK && !s->no_config)
        TRY(read_user_conf(r, e));
    for (size_t i = 0; i < s->configs.count && status == STATUS_OK; i++)
        if (s->configs.items[i][0] == '+')
            status = conf_read(s->configs.items[i] + 1, &r->conf, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    (void)error_in(e, "-C");
    error_hint(e, "parts and programmers are built in: ispflash needs no such file, leave -C away");
    return status;
}

/* Own programmers and parts of it. What is not taken over is said for those who want to know. */
static enum status take_conf(struct run *r, struct error *e)
{
    for (size_t i = 0; i < r->conf.notes.count; i++)
        cli_log(r->cli, LOG_DETAIL, "not taken over: %s", r->conf.notes.items[i]);
    return conf_own_add_parts(&r->conf, r->parts, &r->context, e);
}

static void say_defaults(const struct cli *cli)
{
    const struct settings *s = &cli->settings;
    const bool given[DEFAULT_COUNT] = {
        [DEFAULT_PROGRAMMER] = s->programmer != NULL,
        [DEFAULT_PORT] = s->port != NULL,
        [DEFAULT_PART] = s->part != NULL,
        [DEFAULT_BITCLOCK] = s->sck_hz != 0,
        [DEFAULT_BAUD] = s->baud != 0,
    };
    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        const struct config_value *value = &cli->config.defaults[i];
        if (value->text != NULL && !given[i])
            cli_log(cli, LOG_DETAIL, "%s %s: the default of %s",
                    config_default_name((enum config_default)i), value->text, value->origin);
    }
}

enum status run_read_configuration(struct run *r, struct error *e)
{
    TRY(read_avrdude_conf(r, e));
    TRY(take_conf(r, e));
    say_defaults(r->cli);
    return config_apply(&r->cli->config, &r->conf, e);
}

/* The user's own parts. */
static enum status add_parts(const struct cli *cli, struct part_database *parts, struct error *e)
{
    char folder[PATH_MAX];
    if (!cli->settings.no_config && cli_config_path(cli->around, "", folder, sizeof folder))
        TRY(part_database_add_directory(parts, folder, e));
    for (size_t i = 0; i < cli->settings.part_files.count; i++)
        TRY(part_database_add_file(parts, cli->settings.part_files.items[i], e));
    return STATUS_OK;
}

enum status run_open(struct run *r, struct cli *cli, struct error *e)
{
    *r = (struct run){.cli = cli};
    cli_context(cli, &r->context);
    TRY(part_database_open(&r->parts, e));
    return add_parts(cli, r->parts, e);
}

void run_close(struct run *r)
{
    part_database_close(r->parts);
    conf_free(&r->conf);
}

/* A device's or file's name is meant for programmers on a serial port; usb:... for any. */
static bool port_suits(const char *port, const struct programmer_driver *driver)
{
    return (driver->features & PROGRAMMER_SERIAL) != 0 || strncmp(port, "usb", 3) == 0;
}

static const char *default_port(const struct conf *conf, const struct programmer_driver *driver)
{
    const char *const ports[] = {conf->port, conf->serial};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (ports[i] != NULL && port_suits(ports[i], driver))
            return ports[i];
    return NULL;
}

enum status run_default_port(const struct run *r, struct programmer_config *p, struct error *e)
{
    const struct conf *conf = &r->conf;
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    char baud[16];
    TRY(programmer_entries_with(conf->programmers, &entries, e));
    const enum status status = programmer_find(entries, p->id, &entry, &driver, e);
    if (status == STATUS_OK && p->baud == 0 &&
        programmer_entry_setting(entry, "baud", baud, sizeof baud))
        p->baud = (uint32_t)strtoul(baud, NULL, 0);
    if (status == STATUS_OK && p->port == NULL)
        p->port = default_port(conf, driver);
    programmer_entries_free(entries);
    return status;
}

enum status run_job(struct run *r, struct job *job, struct error *e)
{
    const struct programmer_config *p = &job->programmer;
    if (r->cli->settings.gang.count > 0)
        return gang_run(r, job, e);
    TRY(run_default_port(r, &job->programmer, e));
    return station_run(r, job, p->port != NULL ? p->port : p->id, e);
}

enum status run_settings(struct run *r, struct error *e)
{
    struct cli_job j;
    struct plan_reviewer reviewer;
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    plan_reviewer_init(&reviewer, r->cli, NULL);
    j.job.reviewer = &reviewer.reviewer;
    cli_job_open_terminals(&j, r->cli, &r->context);
    if (status == STATUS_OK)
        status = run_job(r, &j.job, e);
    cli_job_free(&j);
    return status;
}

/* Of -E: not RESET, which is the session's to answer. */
static bool is_pin(const char *word)
{
    static const char *const pins[] = {"vcc", "novcc", "d_high", "d_low"};
    for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++)
        if (strcmp(pins[i], word) == 0)
            return true;
    return false;
}

enum status run_check_settings(struct cli *cli, struct error *e)
{
    const struct text_list *exits = &cli->settings.exit_options;
    if (cli->settings.osccal)
        return error_set(e, STATUS_UNSUPPORTED,
                         "-O: none of the programmers supported so far calibrates the oscillator");
    if (cli->settings.reconnect > 0)
        cli_log(cli, LOG_NOTE,
                "-r is for boot loaders that start when their port is touched at 1200 baud; "
                "none of those is supported so far, so nothing is touched");
    for (size_t i = 0; i < exits->count; i++)
        if (is_pin(exits->items[i]))
            cli_log(cli, LOG_NOTE,
                    "-E %s: no programmer supported so far drives that pin when it leaves",
                    exits->items[i]);
    return STATUS_OK;
}
