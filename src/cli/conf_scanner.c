/* Words and marks of an avrdude.conf. */
#include "conf_scanner.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static void skip_blanks_and_comments(struct conf_scanner *s)
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

static void keep(struct conf_scanner *s, size_t *length, char c)
{
    if (*length + 1 < sizeof s->text)
        s->text[(*length)++] = c;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+';
}

void conf_scan(struct conf_scanner *s)
{
    size_t length = 0;
    skip_blanks_and_comments(s);
    if (s->at >= s->end) {
        s->kind = CONF_END;
    } else if (*s->at == '"') {
        s->kind = CONF_STRING;
        for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
            if (*s->at == '\\' && s->end - s->at >= 2)
                s->at++;
            keep(s, &length, *s->at);
        }
        if (s->at < s->end)
            s->at++;
    } else if (is_word(*s->at)) {
        s->kind = CONF_WORD;
        while (s->at < s->end && is_word(*s->at))
            keep(s, &length, *s->at++);
    } else {
        s->kind = CONF_MARK;
        keep(s, &length, *s->at++);
    }
    s->text[length] = '\0';
}

bool conf_at_mark(const struct conf_scanner *s, char mark)
{
    return s->kind == CONF_MARK && s->text[0] == mark;
}

bool conf_at_word(const struct conf_scanner *s, const char *word)
{
    return s->kind == CONF_WORD && strcmp(s->text, word) == 0;
}

void conf_skip_statement(struct conf_scanner *s)
{
    while (s->kind != CONF_END && !conf_at_mark(s, ';'))
        conf_scan(s);
}
