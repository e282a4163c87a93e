/* The ids users type, from programmers.ini (the format is described there) to a table.
 *
 * inih does the syntax. It would cut what is too long for it without a word, and it knows neither
 * required nor double keys; that is looked after here. */
#include "entries.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_SIZE_MAX = 196,  /* inih's line buffer holds 200 with line end and terminator */
    SECTION_SIZE_MAX = 48 /* inih keeps 50 with the terminator */
};

/* Everything in one block of memory: the table, the alias lists, the characters. */
struct reader {
    const char *name; /* of the file */
    const char *text; /* the part of it that inih has not seen yet */
    struct programmer_entry *entries;
    size_t count;
    const char **aliases;
    size_t alias_count;
    char *pool;
    size_t pool_used;
    size_t headings; /* lines that begin a section */
    int line;        /* number of the line inih is looking at */
    struct error *e;
    bool failed;
};

static int entries_fail(struct reader *r, const char *what, const char *word)
{
    if (!r->failed)
        (void)error_set(r->e, STATUS_INTERNAL, "%s:%d: %s%s%s", r->name, r->line, what,
                        word[0] != '\0' ? " " : "", word);
    r->failed = true;
    return 0;
}

/* Copies the first `size` characters of `text`. The pool cannot run out: it is as large as the
 * file, no character of that is copied twice, and behind each word stood one that is not copied. */
static char *entries_copy(struct reader *r, const char *text, size_t size)
{
    char *copy = r->pool + r->pool_used;
    memcpy(copy, text, size);
    copy[size] = '\0';
    r->pool_used += size + 1;
    return copy;
}

/* "a, b c" to a NULL-terminated list. */
static int entries_put_aliases(struct reader *r, struct programmer_entry *entry, const char *value)
{
    const char **list = r->aliases + r->alias_count;
    while (*value != '\0') {
        const size_t size = strcspn(value, ", ");
        if (size > 0)
            r->aliases[r->alias_count++] = entries_copy(r, value, size);
        value += size;
        value += strspn(value, ", ");
    }
    r->aliases[r->alias_count++] = NULL;
    if (list[0] == NULL)
        return entries_fail(r, "no names in", "aliases");
    entry->aliases = list;
    return 1;
}

static int entries_put_text(struct reader *r, const char **place, const char *key,
                            const char *value)
{
    if (*place != NULL)
        return entries_fail(r, "double key", key);
    if (value[0] == '\0')
        return entries_fail(r, "no value for", key);
    *place = entries_copy(r, value, strlen(value));
    return 1;
}

static struct programmer_entry *entries_begin(struct reader *r, const char *id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->entries[i].id, id) == 0) {
            (void)entries_fail(r, "double section", id);
            return NULL;
        }
    }
    struct programmer_entry *entry = &r->entries[r->count++];
    entry->id = entries_copy(r, id, strlen(id));
    return entry;
}

/* inih's handler: 0 is an error. */
static int entries_key(void *user, const char *section, const char *key, const char *value)
{
    struct reader *r = user;
    if (r->failed)
        return 0;
    if (section[0] == '\0')
        return entries_fail(r, "key outside a section:", key);
    struct programmer_entry *entry = r->count > 0 ? &r->entries[r->count - 1] : NULL;
    if (entry == NULL || strcmp(entry->id, section) != 0)
        entry = entries_begin(r, section);
    if (entry == NULL)
        return 0;
    if (strcmp(key, "aliases") == 0)
        return entry->aliases == NULL ? entries_put_aliases(r, entry, value)
                                      : entries_fail(r, "double key", key);
    if (strcmp(key, "summary") == 0)
        return entries_put_text(r, &entry->summary, key, value);
    if (strcmp(key, "driver") == 0)
        return entries_put_text(r, &entry->driver, key, value);
    if (strcmp(key, "needs") == 0)
        return entries_put_text(r, &entry->needs, key, value);
    if (strcmp(key, "settings") == 0)
        return entries_put_text(r, &entry->settings, key, value);
    return entries_fail(r, "unknown key", key);
}

/* inih's fgets(): one line of the text, or what inih would mistreat reported. */
static char *entries_line(char *buffer, int capacity, void *user)
{
    struct reader *r = user;
    if (r->failed || r->text[0] == '\0')
        return NULL;
    r->line++;
    const size_t size = strcspn(r->text, "\n");
    if (size > LINE_SIZE_MAX || size + 2 > (size_t)capacity)
        (void)entries_fail(r, "line too long", "");
    else if (r->text[0] == '[' && size > SECTION_SIZE_MAX)
        (void)entries_fail(r, "section name too long", "");
    else if (r->text[0] == '[' && memchr(r->text, ']', size) == NULL)
        (void)entries_fail(r, "section name without its closing bracket", "");
    else if (size > 0 && (r->text[0] == ' ' || r->text[0] == '\t'))
        (void)entries_fail(r, "line begins with a blank", "");
    else if (strchr("#;", r->text[0]) == NULL && memchr(r->text, ';', size) != NULL)
        (void)entries_fail(r, "semicolon inside a line", "");
    if (r->failed)
        return NULL;
    r->headings += r->text[0] == '[';
    memcpy(buffer, r->text, size);
    buffer[size] = '\n';
    buffer[size + 1] = '\0';
    r->text += size + (r->text[size] == '\n' ? 1 : 0);
    return buffer;
}

/* What only shows when a section is complete. */
static void entries_check(struct reader *r)
{
    for (size_t i = 0; i < r->count && !r->failed; i++) {
        const struct programmer_entry *entry = &r->entries[i];
        const char *what = NULL;
        if (entry->summary == NULL)
            what = "no summary in section";
        else if (entry->driver == NULL && entry->needs == NULL)
            what = "neither driver nor needs in section";
        else if (entry->driver == NULL && entry->settings != NULL)
            what = "settings without a driver in section";
        if (what != NULL)
            (void)entries_fail(r, what, entry->id);
    }
    if (!r->failed && r->count != r->headings)
        (void)entries_fail(r, "a section above is empty or there twice", "");
}

static size_t entries_count(const char *text, size_t size, char wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == wanted;
    return count;
}

static int entries_compare(const void *a, const void *b)
{
    const struct programmer_entry *one = a, *other = b;
    return strcmp(one->id, other->id);
}

enum status programmer_entries_read(const char *name, const char *text, size_t size,
                                    struct programmer_entry **out, struct error *e)
{
    /* Upper bounds: a section needs a bracket, a list of aliases an equals sign for its terminator
     * and its first name, and a comma or a blank for each further name. */
    const size_t sections = entries_count(text, size, '[');
    const size_t names = entries_count(text, size, ',') + entries_count(text, size, ' ') +
                         2 * entries_count(text, size, '=');
    const size_t table_size = (sections + 1) * sizeof(struct programmer_entry);
    const size_t list_size = names * sizeof(char *);
    char *block = calloc(1, table_size + list_size + size + 1);
    if (block == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    struct reader r = {
        .name = name,
        .text = text,
        .entries = (struct programmer_entry *)(void *)block,
        .aliases = (const char **)(void *)(block + table_size),
        .pool = block + table_size + list_size,
        .e = e,
    };
    const int bad_line = ini_parse_stream(entries_line, &r, entries_key, &r);
    if (!r.failed && bad_line != 0) {
        r.line = bad_line;
        (void)entries_fail(&r, "neither [section] nor key = value", "");
    }
    entries_check(&r);
    if (r.failed) {
        free(block);
        return e->code;
    }
    qsort(r.entries, r.count, sizeof r.entries[0], entries_compare);
    *out = r.entries;
    return STATUS_OK;
}
