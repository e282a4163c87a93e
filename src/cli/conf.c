/* Reads the defaults of an avrdude.conf.
 *
 * Its grammar, as far as it matters here: `#` and C comments; strings in double quotes; statements
 * `name = value;` at the top; and blocks that begin with `programmer`, `part` or `serialadapter`,
 * hold such statements and nested `memory` blocks, and end with a semicolon where a statement would
 * begin. */
#include "conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quantity.h"

enum { TOKEN_SIZE = 256 };

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK };

struct scanner {
    const char *at, *end;
    enum token_kind kind;
    char text[TOKEN_SIZE]; /* cut if longer: no value of ours is */
};

static void skip_blanks_and_comments(struct scanner *s)
{
    while (s->at < s->end) {
        if (isspace((unsigned char)*s->at)) {
            s->at++;
        } else if (*s->at == '#') {
            while (s->at < s->end && *s->at != '\n')
                s->at++;
        } else if (s->end - s->at >= 2 && strncmp(s->at, "/*", 2) == 0) {
            s->at += 2;
            while (s->end - s->at >= 2 && strncmp(s->at, "*/", 2) != 0)
                s->at++;
            s->at = s->end - s->at >= 2 ? s->at + 2 : s->end;
        } else {
            return;
        }
    }
}

static void keep(struct scanner *s, size_t *length, char c)
{
    if (*length + 1 < sizeof s->text)
        s->text[(*length)++] = c;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+';
}

static void scan(struct scanner *s)
{
    size_t length = 0;
    skip_blanks_and_comments(s);
    if (s->at >= s->end) {
        s->kind = TOKEN_END;
    } else if (*s->at == '"') {
        s->kind = TOKEN_STRING;
        for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
            if (*s->at == '\\' && s->end - s->at >= 2)
                s->at++;
            keep(s, &length, *s->at);
        }
        if (s->at < s->end)
            s->at++;
    } else if (is_word(*s->at)) {
        s->kind = TOKEN_WORD;
        while (s->at < s->end && is_word(*s->at))
            keep(s, &length, *s->at++);
    } else {
        s->kind = TOKEN_MARK;
        keep(s, &length, *s->at++);
    }
    s->text[length] = '\0';
}

static bool at_mark(const struct scanner *s, char mark)
{
    return s->kind == TOKEN_MARK && s->text[0] == mark;
}

static bool at_word(const struct scanner *s, const char *word)
{
    return s->kind == TOKEN_WORD && strcmp(s->text, word) == 0;
}

static void skip_statement(struct scanner *s)
{
    while (s->kind != TOKEN_END && !at_mark(s, ';'))
        scan(s);
}

/* From behind the block's first word to the semicolon that ends it. */
static void skip_block(struct scanner *s)
{
    unsigned depth = 1;
    scan(s);
    while (depth > 0 && s->kind != TOKEN_END) {
        if (at_mark(s, ';')) {
            depth--;
        } else if (at_word(s, "memory")) {
            scan(s); /* its name, then either "= NULL;" or what it holds */
            scan(s);
            if (!at_mark(s, '=')) {
                depth++;
                continue;
            }
            skip_statement(s);
        } else if (s->kind == TOKEN_STRING || at_word(s, "parent")) {
            scan(s); /* what stands between the block's word and its first statement */
            continue;
        } else {
            skip_statement(s);
        }
        if (depth > 0)
            scan(s);
    }
}

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

enum status conf_parse(const char *text, size_t size, struct conf *conf, struct error *e)
{
    struct scanner s = {.at = text, .end = text + size};
    for (scan(&s); s.kind != TOKEN_END; scan(&s)) {
        if (at_word(&s, "programmer") || at_word(&s, "part") || at_word(&s, "serialadapter")) {
            skip_block(&s);
            continue;
        }
        char name[TOKEN_SIZE];
        memcpy(name, s.text, sizeof name);
        const bool named = s.kind == TOKEN_WORD;
        if (!at_mark(&s, ';'))
            scan(&s);
        if (named && at_mark(&s, '=')) {
            scan(&s);
            if (s.kind == TOKEN_WORD || s.kind == TOKEN_STRING)
                TRY(take_default(name, s.text, conf, e));
        }
        skip_statement(&s);
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
    *conf = (struct conf){0};
}
