/* The ids users type, from programmers.ini (the format is described there) to a table. */
#include "entries.h"

#include <stdlib.h>
#include <string.h>

#include "core/ini.h"

/* Everything in one block of memory: the table, the alias lists, the characters. */
struct reader {
    struct programmer_entry *entries;
    size_t count;
    const char **aliases;
    size_t alias_count;
    char *pool;
    size_t pool_used;
};

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
static enum status entries_put_aliases(struct reader *r, struct programmer_entry *entry,
                                       const char *value, struct error *e)
{
    if (entry->aliases != NULL)
        return error_set(e, STATUS_INTERNAL, "double key aliases");
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
        return error_set(e, STATUS_INTERNAL, "no names in aliases");
    entry->aliases = list;
    return STATUS_OK;
}

/* What only shows when a section is complete. */
static enum status entries_check_last(const struct reader *r, struct error *e)
{
    if (r->count == 0)
        return STATUS_OK;
    const struct programmer_entry *entry = &r->entries[r->count - 1];
    if (entry->summary == NULL)
        return error_set(e, STATUS_INTERNAL, "[%s] has no summary", entry->id);
    if (entry->driver == NULL && entry->needs == NULL)
        return error_set(e, STATUS_INTERNAL, "[%s] has neither driver nor needs", entry->id);
    if (entry->driver != NULL && entry->usb != NULL)
        return error_set(e, STATUS_INTERNAL, "[%s]: usb= belongs to the settings", entry->id);
    if (entry->driver == NULL && entry->settings != NULL)
        return error_set(e, STATUS_INTERNAL, "[%s] has settings without a driver", entry->id);
    return STATUS_OK;
}

static enum status entries_section(void *user, const char *id, struct error *e)
{
    struct reader *r = user;
    TRY(entries_check_last(r, e));
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->entries[i].id, id) == 0)
            return error_set(e, STATUS_INTERNAL, "double section [%s]", id);
    }
    r->entries[r->count++].id = entries_copy(r, id, strlen(id));
    return STATUS_OK;
}

static enum status entries_key(void *user, const char *key, const char *value, struct error *e)
{
    struct reader *r = user;
    struct programmer_entry *entry = &r->entries[r->count - 1];
    const struct {
        const char *key, **place;
    } places[] = {
        {"summary", &entry->summary}, {"driver", &entry->driver}, {"settings", &entry->settings},
        {"needs", &entry->needs},     {"usb", &entry->usb},
    };
    if (strcmp(key, "aliases") == 0)
        return entries_put_aliases(r, entry, value, e);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(key, places[i].key) != 0)
            continue;
        if (*places[i].place != NULL)
            return error_set(e, STATUS_INTERNAL, "double key %s", key);
        if (value[0] == '\0')
            return error_set(e, STATUS_INTERNAL, "no value for %s", key);
        *places[i].place = entries_copy(r, value, strlen(value));
        return STATUS_OK;
    }
    return error_set(e, STATUS_INTERNAL, "unknown key %s", key);
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
                         2 * (entries_count(text, size, '=') + entries_count(text, size, ':'));
    const size_t table_size = (sections + 1) * sizeof(struct programmer_entry);
    const size_t list_size = names * sizeof(char *);
    char *block = calloc(1, table_size + list_size + size + 1);
    if (block == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    struct reader r = {
        .entries = (struct programmer_entry *)(void *)block,
        .aliases = (const char **)(void *)(block + table_size),
        .pool = block + table_size + list_size,
    };
    static const struct ini_handler handler = {.section = entries_section, .key = entries_key};
    enum status status = ini_read(name, text, STATUS_INTERNAL, &handler, &r, e);
    if (status == STATUS_OK) {
        status = entries_check_last(&r, e);
        if (status != STATUS_OK)
            (void)error_in(e, "%s", name);
    }
    if (status != STATUS_OK) {
        free(block);
        return status;
    }
    qsort(r.entries, r.count, sizeof r.entries[0], entries_compare);
    *out = r.entries;
    return STATUS_OK;
}
