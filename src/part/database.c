/* The parts by name and by signature. Opening the database lists the sections of the built-in files
 * and reads the names; a part is built when it is first asked for. */
#include "database.h"

#include <stdlib.h>
#include <string.h>

#include "core/embed.h"
#include "core/nearest.h"
#include "outsiders.h"

extern const struct embedded_file part_files[];
extern const size_t part_files_count;

enum { NAME_LENGTH_MAX = 63 };

struct part_library database_library(struct part_database *db)
{
    return (struct part_library){
        .sections = &db->sections, .fields = &db->fields, .arena = &db->arena};
}

/* ---- entries ---- */

int entry_compare(const void *a, const void *b)
{
    const struct entry *const x = a, *const y = b;
    return strcmp(x->identity.id, y->identity.id);
}

struct entry *database_entry(struct part_database *db, const char *id)
{
    const struct entry key = {.identity.id = id};
    return db->entry_count == 0
               ? NULL
               : bsearch(&key, db->entries, db->entry_count, sizeof *db->entries, entry_compare);
}

enum status database_reserve(struct part_database *db, const struct section *first, struct error *e)
{
    size_t needed = db->entry_count;
    for (const struct section *s = first; s != NULL; s = s->next)
        needed += s->kind == SECTION_PART ? 1 : 0;
    if (needed <= db->entry_capacity)
        return STATUS_OK;
    struct entry *const entries = realloc(db->entries, needed * sizeof *entries);
    if (entries == NULL)
        return part_no_memory(e);
    db->entries = entries;
    db->entry_capacity = needed;
    return STATUS_OK;
}

enum status database_identify(struct part_database *db, struct section *first,
                              struct entry *entries, size_t *count, struct error *e)
{
    const struct part_library library = database_library(db);
    *count = 0;
    for (struct section *s = first; s != NULL; s = s->next) {
        if (s->kind != SECTION_PART)
            continue;
        struct entry *const entry = &entries[*count];
        *entry = (struct entry){.section = s};
        TRY(part_identify(&library, s, &entry->identity, e));
        entry->order = (*count)++;
    }
    return STATUS_OK;
}

/* ---- opening ---- */

static enum status scan_built_in(struct part_database *db, struct error *e)
{
    struct part_text *const texts = arena_alloc(&db->arena, part_files_count * sizeof *texts);
    if (texts == NULL)
        return part_no_memory(e);
    for (size_t i = 0; i < part_files_count; i++) {
        texts[i] = (struct part_text){.name = part_files[i].name,
                                      .data = part_files[i].data,
                                      .size = part_files[i].size,
                                      .built_in = true};
        TRY(section_scan(&db->sections, &db->arena, &texts[i], e));
    }
    TRY(database_reserve(db, db->sections.first, e));
    TRY(database_identify(db, db->sections.first, db->entries, &db->entry_count, e));
    qsort(db->entries, db->entry_count, sizeof *db->entries, entry_compare);
    return STATUS_OK;
}

enum status part_database_open(struct part_database **out, struct error *e)
{
    struct part_database *const db = calloc(1, sizeof *db);
    if (db == NULL)
        return part_no_memory(e);
    const enum status status = scan_built_in(db, e);
    if (status != STATUS_OK) {
        part_database_close(db);
        return status;
    }
    *out = db;
    return STATUS_OK;
}

void part_database_close(struct part_database *db)
{
    if (db == NULL)
        return;
    free(db->entries);
    arena_free(&db->arena);
    free(db);
}

/* ---- names ---- */

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What follows the name in an ordering code: speed grade, package and temperature range ("20PU",
 * "MMH", "15AT1"), perhaps a version ("PLQW-1"). Atmel data sheets, "Ordering Information". */
static bool is_ordering_code(const char *code)
{
    size_t digits = 0, letters = 0;
    while (is_digit(*code) && digits < 2)
        code++, digits++;
    while (is_letter(*code) && letters < 4)
        code++, letters++;
    if (letters < 2)
        return false;
    if (is_digit(*code))
        code++;
    if (*code == '-' && is_digit(code[1]))
        code += 2;
    return *code == '\0';
}

/* ST data sheets, "Ordering information": STM32F103C8 is followed by the package (T, H, U, I, Y),
 * the temperature range (6, 7), perhaps more. */
static char *st_ordering_code(char *name)
{
    enum { DEVICE_LENGTH = 11 }; /* stm32f103c8 */
    if (strncmp(name, "stm32", strlen("stm32")) != 0 || strlen(name) < DEVICE_LENGTH + 2 ||
        !is_letter(name[DEVICE_LENGTH]) || !is_digit(name[DEVICE_LENGTH + 1]))
        return NULL;
    return name + DEVICE_LENGTH;
}

/* By id; else by alias, the user's parts first. */
static struct entry *entry_named(struct part_database *db, const char *name)
{
    struct entry *found = database_entry(db, name);
    if (found != NULL)
        return found;
    for (size_t i = 0; i < db->entry_count; i++) {
        struct entry *const entry = &db->entries[i];
        for (size_t j = 0; j < entry->identity.alias_count; j++)
            if (strcmp(entry->identity.aliases[j], name) == 0 &&
                (found == NULL || entry->order < found->order))
                found = entry;
    }
    return found;
}

static enum status unknown_part(struct part_database *db, const char *typed, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, typed);
    for (size_t i = 0; i < db->entry_count; i++) {
        const struct part_identity *const identity = &db->entries[i].identity;
        nearest_offer(&nearest, identity->id);
        for (size_t j = 0; j < identity->alias_count; j++)
            nearest_offer(&nearest, identity->aliases[j]);
    }
    (void)error_set(e, STATUS_USAGE, "there is no part \"%s\"", typed);
    nearest_hint(&nearest, e);
    error_hint(e, "-p ? lists all parts");
    return STATUS_USAGE;
}

static enum status build_entry(struct part_database *db, struct entry *entry,
                               const struct part **out, struct error *e)
{
    const struct part_library library = database_library(db);
    if (entry->part == NULL)
        TRY(part_build(&library, entry->section, &entry->identity, &entry->part, e));
    *out = entry->part;
    return STATUS_OK;
}

enum status part_find(struct part_database *db, const char *typed, const struct part **out,
                      struct error *e)
{
    char name[NAME_LENGTH_MAX + 1];
    if (strlen(typed) > NAME_LENGTH_MAX)
        return error_set(e, STATUS_USAGE, "no part has a name of %zu characters", strlen(typed));
    memcpy(name, typed, strlen(typed) + 1);
    text_to_lower(name);
    /* Twice at most: as it stands, and without an ordering code. */
    for (;;) {
        struct entry *const entry = entry_named(db, name);
        if (entry != NULL)
            return build_entry(db, entry, out, e);
        TRY(outsider_refuse(&db->sections, &db->arena, name, e));
        char *const dash = strchr(name, '-');
        char *const code =
            dash != NULL && is_ordering_code(dash + 1) ? dash : st_ordering_code(name);
        if (code == NULL)
            return unknown_part(db, typed, e);
        *code = '\0';
    }
}

/* ---- signatures ---- */

static int compare_commonness(const void *a, const void *b)
{
    const struct entry *const x = *(struct entry *const *)a, *const y = *(struct entry *const *)b;
    const bool x_twin = x->identity.twin_of != NULL, y_twin = y->identity.twin_of != NULL;
    if (x_twin != y_twin)
        return x_twin ? 1 : -1;
    return x->order < y->order ? -1 : x->order > y->order;
}

enum status part_by_signature(struct part_database *db, const uint8_t signature[3],
                              const struct part **out, size_t capacity, size_t *count,
                              struct error *e)
{
    struct entry **const hits = arena_alloc(&db->arena, (db->entry_count + 1) * sizeof(void *));
    size_t n = 0;
    if (hits == NULL)
        return part_no_memory(e);
    for (size_t i = 0; i < db->entry_count; i++)
        if (memcmp(db->entries[i].identity.signature, signature, 3) == 0)
            hits[n++] = &db->entries[i];
    qsort(hits, n, sizeof(void *), compare_commonness);
    for (size_t i = 0; i < n && i < capacity; i++)
        TRY(build_entry(db, hits[i], &out[i], e));
    *count = n;
    return STATUS_OK;
}

/* ---- listing ---- */

size_t part_count(const struct part_database *db)
{
    return db->entry_count;
}

struct part_entry part_entry_at(const struct part_database *db, size_t index)
{
    const struct part_identity *const identity = &db->entries[index].identity;
    struct part_entry entry = {.id = identity->id,
                               .name = identity->name,
                               .aliases = identity->aliases,
                               .alias_count = identity->alias_count};
    memcpy(entry.signature, identity->signature, sizeof entry.signature);
    return entry;
}
