/* The drivers that are built in, and how the ids users type lead to them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/embed.h"
#include "core/nearest.h"
#include "drivers.h"
#include "entries.h"
#include "programmer/programmer.h"

extern const struct embedded_file programmer_files[];

/* Sorted by name. A driver that needs an optional library is left out where that is missing: its
 * entries in programmers.ini stay listed and say what they lack. */
static const struct programmer_driver *const drivers[] = {
    &arduino_driver,
    &buspirate_driver,
#ifdef ISPFLASH_LIBFTDI
    &bitbang_driver,
    &mpsse_driver,
#endif
    &sim_driver,
    &stk500v1_driver,
#ifdef ISPFLASH_LIBUSB
    &stlink_driver,
    &usbasp_driver,
    &usbtiny_driver,
#endif
    NULL,
};

enum status programmer_entries(struct programmer_entry **out, struct error *e)
{
    return programmer_entries_with(NULL, out, e);
}

enum status programmer_entries_with(const char *own, struct programmer_entry **out, struct error *e)
{
    const struct embedded_file *file = &programmer_files[0];
    if (own == NULL)
        return programmer_entries_read(file->name, file->data, file->size, out, e);
    const size_t size = file->size + strlen(own);
    char *text = malloc(size + 1);
    if (text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    memcpy(text, file->data, file->size);
    (void)strcpy(text + file->size, own);
    const enum status status = programmer_entries_read("programmers", text, size, out, e);
    free(text);
    return status;
}

void programmer_entries_free(struct programmer_entry *entries)
{
    free(entries);
}

const struct programmer_driver *programmer_driver_of(const struct programmer_entry *entry)
{
    for (size_t i = 0; entry->driver != NULL && drivers[i] != NULL; i++) {
        if (strcmp(drivers[i]->name, entry->driver) == 0)
            return drivers[i];
    }
    return NULL;
}

/* How well a name fits what was typed. */
enum match { MATCH_NONE, MATCH_START, MATCH_CASE_IGNORED, MATCH_EXACT };

static enum match registry_match(const char *name, const char *typed)
{
    if (strcmp(name, typed) == 0)
        return MATCH_EXACT;
    if (strcasecmp(name, typed) == 0)
        return MATCH_CASE_IGNORED;
    return strncasecmp(name, typed, strlen(typed)) == 0 ? MATCH_START : MATCH_NONE;
}

static enum match registry_match_entry(const struct programmer_entry *entry, const char *typed)
{
    enum match best = registry_match(entry->id, typed);
    for (size_t i = 0; entry->aliases != NULL && entry->aliases[i] != NULL; i++) {
        const enum match match = registry_match(entry->aliases[i], typed);
        if (match > best)
            best = match;
    }
    return best;
}

static enum status registry_unknown(const struct programmer_entry *entries, const char *id,
                                    struct error *e)
{
    const enum status status = error_set(e, STATUS_USAGE, "unknown programmer \"%s\"", id);
    struct nearest nearest;
    nearest_begin(&nearest, id);
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        nearest_offer(&nearest, entry->id);
        for (size_t i = 0; entry->aliases != NULL && entry->aliases[i] != NULL; i++)
            nearest_offer(&nearest, entry->aliases[i]);
    }
    nearest_hint(&nearest, e);
    error_hint(e, "-c ? lists all programmers");
    return status;
}

static enum status registry_ambiguous(const struct programmer_entry *entries, const char *id,
                                      struct error *e)
{
    char list[200] = "";
    size_t used = 0;
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const size_t size = strlen(entry->id) + 2;
        if (registry_match_entry(entry, id) != MATCH_START)
            continue;
        if (used + size + sizeof "..." > sizeof list) {
            strcpy(list + used, ", ...");
            break;
        }
        if (used > 0)
            used = (size_t)(stpcpy(list + used, ", ") - list);
        used = (size_t)(stpcpy(list + used, entry->id) - list);
    }
    return error_set(e, STATUS_USAGE, "programmer \"%s\" could be %s", id, list);
}

static enum status registry_without_driver(const struct programmer_entry *entry, const char *id,
                                           struct error *e)
{
    if (entry->driver == NULL)
        (void)error_set(
            e, STATUS_UNSUPPORTED,
            "programmer \"%s\" (%s) is known, but ispflash cannot drive it: it needs %s", id,
            entry->summary, entry->needs);
    else if (entry->needs != NULL)
        (void)error_set(e, STATUS_UNSUPPORTED,
                        "programmer \"%s\" (%s): this ispflash has no %s driver, which needs %s",
                        id, entry->summary, entry->driver, entry->needs);
    else
        (void)error_set(e, STATUS_UNSUPPORTED,
                        "programmer \"%s\" (%s): this ispflash has no %s driver", id,
                        entry->summary, entry->driver);
    error_hint(e, "-c ? lists those it can drive");
    return e->code;
}

enum status programmer_find(const struct programmer_entry *entries, const char *id,
                            const struct programmer_entry **entry,
                            const struct programmer_driver **driver, struct error *e)
{
    if (id == NULL || id[0] == '\0') {
        (void)error_set(e, STATUS_USAGE, "no programmer named");
        error_hint(e, "name it with -c; -c ? lists all programmers");
        return e->code;
    }
    const struct programmer_entry *found = NULL;
    enum match best = MATCH_NONE;
    size_t count = 0;
    for (const struct programmer_entry *it = entries; it->id != NULL; it++) {
        const enum match match = registry_match_entry(it, id);
        if (match == MATCH_NONE || match < best)
            continue;
        count = match == best ? count + 1 : 1;
        best = match;
        found = it;
    }
    if (found == NULL)
        return registry_unknown(entries, id, e);
    if (count > 1)
        return registry_ambiguous(entries, id, e);
    const struct programmer_driver *built = programmer_driver_of(found);
    if (built == NULL)
        return registry_without_driver(found, id, e);
    *entry = found;
    *driver = built;
    return STATUS_OK;
}
