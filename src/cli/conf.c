/* Reads an avrdude.conf: its defaults, and the programmers and parts that users add.
 *
 * Its grammar, as far as it matters here: `#` and C comments; strings in double quotes; statements
 * `name = value;` at the top; and blocks that begin with `programmer`, `part` or `serialadapter`,
 * hold such statements and nested `memory` blocks, and end with a semicolon where a statement would
 * begin. */
#include "conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_block.h"
#include "conf_own.h"
#include "programmer/programmer.h"
#include "quantity.h"

enum status conf_set(char **out, const char *text, struct error *e)
{
    if (text == NULL)
        return STATUS_OK;
    char *copy = strdup(text);
    if (copy == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the configuration");
    free(*out);
    *out = copy;
    return STATUS_OK;
}

/* "unknown" and "@NAME@" are what a build leaves where it found nothing to put. */
static bool is_said(const char *value)
{
    return value[0] != '\0' && value[0] != '@' && strcmp(value, "unknown") != 0;
}

static enum status take_default(const char *name, const char *value, struct conf *conf,
                                struct error *e)
{
    struct error ignored;
    uint32_t number = 0;
    if (!is_said(value))
        return STATUS_OK;
    if (strcmp(name, "default_programmer") == 0)
        return conf_set(&conf->programmer, value, e);
    if (strcmp(name, "default_serial") == 0)
        return conf_set(&conf->serial, value, e);
    /* 0 stands for "not said" there too. */
    if (strcmp(name, "default_baudrate") == 0 &&
        quantity_count(value, UINT32_MAX, &number, &ignored) == STATUS_OK)
        conf->baud = number;
    if (strcmp(name, "default_bitclock") == 0 &&
        quantity_sck(value, &number, &ignored) == STATUS_OK)
        conf->sck_hz = number;
    return STATUS_OK;
}

/* A block of ours to take over; one for another program's devices is only read. */
static enum status take_block(struct conf_scanner *s, struct conf *conf, struct error *e)
{
    struct conf_block block;
    const bool programmer = conf_at_word(s, "programmer"), part = conf_at_word(s, "part");
    conf_block_read(s, &block);
    if (programmer)
        return conf_own_programmer(&block, conf, e);
    return part ? conf_own_part(&block, conf, e) : STATUS_OK;
}

enum status conf_parse(const char *text, size_t size, struct conf *conf, struct error *e)
{
    struct conf_scanner s = {.at = text, .end = text + size};
    for (conf_scan(&s); s.kind != CONF_END; conf_scan(&s)) {
        if (conf_at_word(&s, "programmer") || conf_at_word(&s, "part") ||
            conf_at_word(&s, "serialadapter")) {
            TRY(take_block(&s, conf, e));
            continue;
        }
        char name[CONF_TOKEN_SIZE];
        memcpy(name, s.text, sizeof name);
        const bool named = s.kind == CONF_WORD;
        if (!conf_at_mark(&s, ';'))
            conf_scan(&s);
        if (named && conf_at_mark(&s, '=')) {
            conf_scan(&s);
            if (s.kind == CONF_WORD || s.kind == CONF_STRING)
                TRY(take_default(name, s.text, conf, e));
        }
        conf_skip_statement(&s);
    }
    return STATUS_OK;
}

enum status conf_read(const char *path, struct conf *conf, struct error *e)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t capacity = 0;
    enum status status = STATUS_OK;
    const ssize_t size = getdelim(&text, &capacity, '\0', file); /* all of it: text has no zero */
    if (size >= 0)
        status = conf_parse(text, (size_t)size, conf, e);
    else if (ferror(file))
        status = error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    free(text);
    (void)fclose(file);
    return status;
}

void conf_free(struct conf *conf)
{
    free(conf->programmer);
    free(conf->serial);
    free(conf->port);
    free(conf->part);
    free(conf->programmers);
    programmer_entries_free(conf->entries);
    free(conf->parts);
    text_list_free(&conf->notes);
    *conf = (struct conf){0};
}
