#include "core/ini.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

struct ini_reader {
    const char *name, *text; /* `text`: what inih has not seen yet */
    enum status code, status;
    const struct ini_handler *handler;
    void *user;
    struct error *e;
    unsigned line; /* the one inih is looking at */
    bool in_section;
};

static void ini_fail(struct ini_reader *r, const char *what)
{
    r->status = error_set(r->e, r->code, "%s:%u: %s", r->name, r->line, what);
}

/* "[name]", alone on its line. */
static void ini_begin_section(struct ini_reader *r, const char *line, size_t size)
{
    char name[INI_SECTION_SIZE_MAX + 1];
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\r'))
        size--;
    if (size < 3 || line[size - 1] != ']' || memchr(line, ']', size - 1) != NULL) {
        ini_fail(r, "a section is [name], alone on its line");
    } else if (size - 2 > INI_SECTION_SIZE_MAX) {
        ini_fail(r, "section name too long");
    } else {
        memcpy(name, line + 1, size - 2);
        name[size - 2] = '\0';
        r->in_section = true;
        r->status = r->handler->section(r->user, name, r->e);
        if (r->status != STATUS_OK)
            (void)error_in(r->e, "%s:%u", r->name, r->line);
    }
}

/* inih's fgets(): the next line, or NULL at the end and where inih would misunderstand it. */
static char *ini_next_line(char *buffer, int capacity, void *user)
{
    struct ini_reader *r = user;
    if (r->status != STATUS_OK || r->text[0] == '\0')
        return NULL;
    r->line++;
    const char *line = r->text;
    const size_t size = strcspn(line, "\n");
    if (size > INI_LINE_SIZE_MAX || size + 2 > (size_t)capacity)
        ini_fail(r, "line too long");
    else if (size > 0 && (line[0] == ' ' || line[0] == '\t'))
        ini_fail(r, "line begins with a blank");
    else if (strchr("#;", line[0]) == NULL && memchr(line, ';', size) != NULL)
        ini_fail(r, "semicolon inside a line");
    else if (line[0] == '[')
        ini_begin_section(r, line, size);
    if (r->status != STATUS_OK)
        return NULL;
    memcpy(buffer, line, size);
    buffer[size] = '\n';
    buffer[size + 1] = '\0';
    r->text += size + (line[size] == '\n' ? 1 : 0);
    return buffer;
}

/* inih's handler: 0 is an error. */
static int ini_take_key(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    struct ini_reader *r = user;
    if (r->status != STATUS_OK)
        return 0;
    if (!r->in_section) {
        ini_fail(r, "a key before the first section");
        return 0;
    }
    r->status = r->handler->key(r->user, key, value, r->e);
    if (r->status != STATUS_OK)
        (void)error_in(r->e, "%s:%u", r->name, r->line);
    return r->status == STATUS_OK;
}

enum status ini_read(const char *name, const char *text, enum status code,
                     const struct ini_handler *handler, void *user, struct error *e)
{
    struct ini_reader r = {
        .name = name,
        .text = text,
        .code = code,
        .handler = handler,
        .user = user,
        .e = e,
    };
    const int bad_line = ini_parse_stream(ini_next_line, &r, ini_take_key, &r);
    if (r.status == STATUS_OK && bad_line > 0) {
        r.line = (unsigned)bad_line;
        ini_fail(&r, "neither [section] nor key = value");
    }
    if (r.status == STATUS_OK && bad_line < 0)
        r.status = error_set(e, STATUS_NO_MEMORY, "out of memory");
    return r.status;
}
