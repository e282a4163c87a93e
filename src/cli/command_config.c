/* `ispflash config show`: what holds when the line says nothing, and who says so. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* A default as this very line has it. */
struct shown {
    const char *value, *origin; /* NULL: not set */
    char number[24];            /* where the option's text is not kept */
};

static const char *option_text(const struct settings *s, enum config_default which, char number[24])
{
    uint32_t value = 0;
    switch (which) {
    case DEFAULT_PROGRAMMER:
        return s->programmer;
    case DEFAULT_PORT:
        return s->port;
    case DEFAULT_PART:
        return s->part;
    case DEFAULT_BITCLOCK:
        value = s->sck_hz;
        break;
    case DEFAULT_BAUD:
        value = s->baud;
        break;
    case DEFAULT_COUNT:
        break;
    }
    (void)snprintf(number, 24, "%lu%s", (unsigned long)value,
                   which == DEFAULT_BITCLOCK ? "Hz" : "");
    return value != 0 ? number : NULL;
}

static void look_up(const struct cli *cli, enum config_default which, struct shown *out)
{
    const struct config_value *said = &cli->config.defaults[which];
    const char *option = option_text(&cli->settings, which, out->number);
    out->value = option != NULL ? option : said->text;
    out->origin = option != NULL ? "command line" : said->origin;
}

static void put_text(const struct cli *cli)
{
    const struct config *c = &cli->config;
    FILE *out = cli->around->results;
    const char *name, *origin;
    struct shown shown;
    (void)fprintf(out, "defaults:\n");
    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        look_up(cli, (enum config_default)i, &shown);
        (void)fprintf(out, "  %-10s  %-24s  %s\n", config_default_name((enum config_default)i),
                      shown.value != NULL ? shown.value : "-",
                      shown.origin != NULL ? shown.origin : "not set");
    }
    (void)fprintf(out, c->job_count > 0 ? "jobs, for ispflash run:\n" : "no jobs\n");
    for (size_t i = 0; (name = config_job_name(c, i, &origin)) != NULL; i++)
        (void)fprintf(out, "  %-36s  %s\n", name, origin);
    (void)fprintf(out, "files, the stronger ones last:\n");
    for (size_t i = 0; i < c->file_count; i++)
        (void)fprintf(out, "  %s%s\n", c->files[i].path, c->files[i].found ? "" : " (not there)");
}

static void put_line(FILE *out, const char *event, const char *name, const struct shown *shown)
{
    json_t *o = json_begin(event);
    (void)json_object_set_new(o, "name", json_text(name));
    if (shown->value != NULL || strcmp(event, "default") == 0)
        (void)json_object_set_new(o, "value", json_text(shown->value));
    (void)json_object_set_new(o, "origin", json_text(shown->origin));
    json_line(out, o);
}

static void put_json(const struct cli *cli)
{
    FILE *out = cli->around->results;
    const char *name;
    struct shown shown;
    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        look_up(cli, (enum config_default)i, &shown);
        put_line(out, "default", config_default_name((enum config_default)i), &shown);
    }
    shown.value = NULL;
    for (size_t i = 0; (name = config_job_name(&cli->config, i, &shown.origin)) != NULL; i++)
        put_line(out, "job", name, &shown);
}

enum status command_config(struct cli *cli, struct error *e)
{
    const struct text_list *operands = &cli->settings.operands;
    if (operands->count != 1 || strcmp(operands->items[0], "show") != 0)
        return error_set(e, STATUS_USAGE, "config has one form: ispflash config show");
    if (cli->settings.json)
        put_json(cli);
    else
        put_text(cli);
    return STATUS_OK;
}
