#include "section.h"

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    TITLE_MAX = 47,    /* inih keeps 49 characters of a section's name and cuts the rest off */
    SETTINGS_MAX = 128 /* of one section: the longest field has 64 values */
};

enum status text_error(const struct part_text *text, unsigned line, struct error *e,
                       const char *format, ...)
{
    char what[sizeof e->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(e, STATUS_INPUT, "%s:%u: %s", text->name, line, what);
}

enum status part_no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory for the part database");
}

/* ---- finding sections ---- */

static const struct {
    const char *word; /* with the space behind it */
    enum section_kind kind;
} kinds[] = {
    {"part ", SECTION_PART},
    {"family ", SECTION_FAMILY},
    {"field ", SECTION_FIELD},
    {"unsupported ", SECTION_UNSUPPORTED},
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || c == '.';
}

/* `line` begins with '[' and has no line end. */
static enum status add_section(struct section_list *list, struct arena *arena,
                               const struct part_text *text, unsigned number, const char *line,
                               size_t length, struct error *e)
{
    while (length > 0 && is_blank(line[length - 1]))
        length--;
    if (length < 2 || line[length - 1] != ']')
        return text_error(text, number, e, "a section title must end in ]");
    if (length - 2 > TITLE_MAX)
        return text_error(text, number, e, "a section title has at most %d characters", TITLE_MAX);
    struct section *const s = arena_alloc(arena, sizeof *s);
    char *const title = arena_text(arena, line + 1, length - 2);
    if (s == NULL || title == NULL)
        return part_no_memory(e);
    *s = (struct section){.title = title, .text = text, .line = number, .begin = line};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t word = strlen(kinds[i].word);
        if (strncmp(title, kinds[i].word, word) == 0) {
            s->kind = kinds[i].kind;
            s->name = title + word;
        }
    }
    if (s->name == NULL)
        return text_error(text, number, e,
                          "[%s]: a section is a part, a family, a field or unsupported, and a name",
                          title);
    for (const char *c = s->name; *c != '\0'; c++)
        if (!is_name_character(*c))
            return text_error(text, number, e, "[%s]: names have letters, digits and - _ / . only",
                              title);
    if (s->name[0] == '\0')
        return text_error(text, number, e, "[%s]: has no name", title);
    for (const struct section *other = list->first; other != NULL; other = other->next)
        if (other->text == text && strcmp(other->title, title) == 0)
            return text_error(text, number, e, "[%s] is already in line %u", title, other->line);
    if (list->last != NULL)
        list->last->next = s;
    else
        list->first = s;
    list->last = s;
    return STATUS_OK;
}

enum status section_scan(struct section_list *list, struct arena *arena,
                         const struct part_text *text, struct error *e)
{
    const char *const end = text->data + text->size;
    const char *line = text->data;
    if (memchr(text->data, '\0', text->size) != NULL)
        return text_error(text, 1, e, "not a text file: it holds zero bytes");
    if (text->size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3; /* a byte order mark, as some editors leave it */
    struct section *open = NULL;
    for (unsigned number = 1; line < end; number++) {
        const char *const newline = memchr(line, '\n', (size_t)(end - line));
        const char *const line_end = newline != NULL ? newline : end;
        if (*line == '[') {
            if (open != NULL)
                open->end = line;
            TRY(add_section(list, arena, text, number, line, (size_t)(line_end - line), e));
            open = list->last;
            open->end = end;
        } else if (open == NULL && line != line_end && *line != '#' && *line != ';' &&
                   !is_blank(*line)) {
            return text_error(text, number, e, "a line before the first section");
        }
        line = newline != NULL ? newline + 1 : end;
    }
    return STATUS_OK;
}

/* ---- reading one ---- */

struct reading {
    struct section *section;
    struct arena *arena;
    const char *next; /* where the next line begins */
    unsigned line;    /* the line inih was given last */
    struct setting *settings;
    size_t count;
    struct error *error;
    enum status status;
};

/* Hands inih one line. It would take a line that begins with a blank for more of the value above,
 * and cut a long line in two: neither goes unnoticed here. */
static char *next_line(char *out, int room, void *stream)
{
    struct reading *const r = stream;
    const struct section *const s = r->section;
    if (r->status != STATUS_OK || r->next >= s->end)
        return NULL;
    const char *const newline = memchr(r->next, '\n', (size_t)(s->end - r->next));
    const char *const line_end = newline != NULL ? newline : s->end;
    const size_t length = (size_t)(line_end - r->next);
    r->line = r->next == s->begin ? s->line : r->line + 1;
    if (room < 2 || length + 2 > (size_t)room) {
        r->status =
            text_error(s->text, r->line, r->error, "a line has at most %d characters", room - 2);
        return NULL;
    }
    size_t blank = 0;
    while (blank < length && is_blank(r->next[blank]))
        blank++;
    if (blank > 0 && blank < length) {
        r->status = text_error(s->text, r->line, r->error, "a line must not begin with a blank");
        return NULL;
    }
    memcpy(out, r->next, length);
    out[length] = '\n';
    out[length + 1] = '\0';
    r->next = newline != NULL ? newline + 1 : s->end;
    return out;
}

static enum status add_setting(struct reading *r, const char *key, const char *value)
{
    const struct part_text *const text = r->section->text;
    if (key[0] == '\0')
        return text_error(text, r->line, r->error, "a value without a key");
    if (value[0] == '\0')
        return text_error(text, r->line, r->error, "%s: has no value", key);
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->settings[i].key, key) == 0)
            return text_error(text, r->line, r->error, "%s: is already in line %u", key,
                              r->settings[i].line);
    if (r->count == SETTINGS_MAX)
        return text_error(text, r->line, r->error, "more than %d lines in one section",
                          SETTINGS_MAX);
    struct setting *const setting = &r->settings[r->count];
    *setting = (struct setting){
        .key = arena_text(r->arena, key, strlen(key)),
        .value = arena_text(r->arena, value, strlen(value)),
        .text = text,
        .line = r->line,
    };
    if (setting->key == NULL || setting->value == NULL)
        return part_no_memory(r->error);
    r->count++;
    return STATUS_OK;
}

static int take_line(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    struct reading *const r = user;
    if (r->status == STATUS_OK)
        r->status = add_setting(r, key, value);
    return r->status == STATUS_OK;
}

enum status section_read(struct section *s, struct arena *arena, struct error *e)
{
    if (s->settings != NULL)
        return STATUS_OK;
    struct setting settings[SETTINGS_MAX];
    struct reading r = {.section = s, .arena = arena, .next = s->begin, .settings = settings};
    r.error = e;
    const int result = ini_parse_stream(next_line, &r, take_line, &r);
    TRY(r.status);
    if (result > 0)
        return text_error(s->text, s->line + (unsigned)result - 1, e,
                          "neither a [section], a key = value, nor a # comment");
    if (result < 0)
        return part_no_memory(e);
    struct setting *const kept = arena_alloc(arena, sizeof *kept * (r.count + 1));
    if (kept == NULL)
        return part_no_memory(e);
    memcpy(kept, settings, sizeof *kept * r.count);
    s->settings = kept;
    s->setting_count = r.count;
    return STATUS_OK;
}
