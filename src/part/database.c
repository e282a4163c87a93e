/* The parts by name and by signature. Opening the database lists the sections of the built-in files
 * and reads the names; a part is built when it is first asked for. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "core/embed.h"
#include "core/nearest.h"
#include "ispflash/part.h"

extern const struct embedded_file part_files[];
extern const size_t part_files_count;

enum { FILE_MAX = 1 << 20, NAME_MAX_LENGTH = 63 };

struct entry {
    struct part_identity identity;
    struct section *section;
    const struct part *part; /* NULL until asked for */
    size_t order;            /* of the section in the files; the user's come first */
};

/* A name that is known to need something else. */
struct outsider {
    const char *name;
    const char *answer;
};

struct part_database {
    struct arena arena;
    struct section_list sections;
    struct field_library fields;
    struct entry *entries; /* sorted by id; one an id */
    size_t entry_count, entry_capacity;
    struct outsider *outsiders; /* read when first needed */
    size_t outsider_count;
    bool outsiders_read;
};

static struct part_library library_of(struct part_database *db)
{
    return (struct part_library){
        .sections = &db->sections, .fields = &db->fields, .arena = &db->arena};
}

/* ---- entries ---- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *const x = a, *const y = b;
    return strcmp(x->identity.id, y->identity.id);
}

static struct entry *entry_of_id(struct part_database *db, const char *id)
{
    const struct entry key = {.identity.id = id};
    return db->entry_count == 0
               ? NULL
               : bsearch(&key, db->entries, db->entry_count, sizeof *db->entries, compare_entries);
}

static enum status reserve_entries(struct part_database *db, size_t more, struct error *e)
{
    if (db->entry_count + more <= db->entry_capacity)
        return STATUS_OK;
    const size_t capacity = db->entry_count + more;
    struct entry *const entries = realloc(db->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return part_no_memory(e);
    db->entries = entries;
    db->entry_capacity = capacity;
    return STATUS_OK;
}

static size_t count_parts(const struct section *first)
{
    size_t count = 0;
    for (const struct section *s = first; s != NULL; s = s->next)
        count += s->kind == SECTION_PART ? 1 : 0;
    return count;
}

/* The entries of the sections from `first` on, in file order, to an array of the caller's. */
static enum status identify_all(struct part_database *db, struct section *first,
                                struct entry *entries, size_t *count, struct error *e)
{
    const struct part_library library = library_of(db);
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
    TRY(reserve_entries(db, count_parts(db->sections.first), e));
    TRY(identify_all(db, db->sections.first, db->entries, &db->entry_count, e));
    qsort(db->entries, db->entry_count, sizeof *db->entries, compare_entries);
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

/* ---- the user's files ---- */

static enum status read_file(struct part_database *db, const char *path, struct part_text *text,
                             struct error *e)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL)
        return error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    char *const data = malloc(FILE_MAX + 1);
    const size_t size = data != NULL ? fread(data, 1, FILE_MAX + 1, file) : 0;
    const int failed = ferror(file) ? errno : 0;
    (void)fclose(file); /* read only: nothing can be lost */
    enum status status = STATUS_OK;
    if (data == NULL)
        status = part_no_memory(e);
    else if (failed != 0)
        status = error_set(e, STATUS_INPUT, "%s: %s", path, strerror(failed));
    else if (size > FILE_MAX)
        status = error_set(e, STATUS_INPUT, "%s: longer than a part file can be", path);
    else {
        text->name = arena_text(&db->arena, path, strlen(path));
        text->data = arena_text(&db->arena, data, size);
        text->size = size;
        if (text->name == NULL || text->data == NULL)
            status = part_no_memory(e);
    }
    free(data);
    return status;
}

/* A shared signature is declared, and the part it is shared with exists. */
static enum status check_twin(struct part_database *db, const struct entry *entry, struct error *e)
{
    if (entry->identity.twin_of == NULL)
        return STATUS_OK;
    char *const id = text_lower(&db->arena, entry->identity.twin_of);
    if (id == NULL)
        return part_no_memory(e);
    const struct section *const s = entry->section;
    const struct entry *const twin = entry_of_id(db, id);
    if (twin == NULL || memcmp(twin->identity.signature, entry->identity.signature, 3) != 0)
        return text_error(s->text, s->line, e, "[%s]: twin_of: %s is no part of this signature",
                          s->title, entry->identity.twin_of);
    return STATUS_OK;
}

/* Every part of a user's file is built at once, so that its errors come to light. */
static enum status build_new(struct part_database *db, struct section *first, struct entry *added,
                             size_t *count, struct error *e)
{
    const struct part_library library = library_of(db);
    TRY(identify_all(db, first, added, count, e));
    for (size_t i = 0; i < *count; i++) {
        struct entry *const entry = &added[i];
        for (size_t j = 0; j < i; j++)
            if (strcmp(added[j].identity.id, entry->identity.id) == 0)
                return text_error(entry->section->text, entry->section->line, e,
                                  "[%s] is already in line %u", entry->section->title,
                                  added[j].section->line);
        TRY(check_twin(db, entry, e));
        TRY(part_build(&library, entry->section, &entry->identity, &entry->part, e));
    }
    return STATUS_OK;
}

/* New parts hide old ones of the same id. Room is there: see the caller. */
static void merge_entries(struct part_database *db, const struct entry *added, size_t count)
{
    const size_t old_count = db->entry_count;
    for (size_t i = 0; i < old_count; i++)
        db->entries[i].order += count;
    for (size_t i = 0; i < count; i++) {
        struct entry *const hidden = entry_of_id(db, added[i].identity.id);
        if (hidden != NULL) {
            *hidden = added[i];
        } else {
            db->entries[db->entry_count++] = added[i];
            qsort(db->entries, db->entry_count, sizeof *db->entries, compare_entries);
        }
    }
}

static enum status add_text(struct part_database *db, const struct part_text *text, struct error *e)
{
    struct section *const last = db->sections.last;
    enum status status = section_scan(&db->sections, &db->arena, text, e);
    struct section *const first = last != NULL ? last->next : db->sections.first;
    const size_t room = count_parts(first);
    struct entry *const added = arena_alloc(&db->arena, (room + 1) * sizeof *added);
    size_t count = 0;
    if (status == STATUS_OK)
        status = added != NULL ? reserve_entries(db, room, e) : part_no_memory(e);
    if (status == STATUS_OK)
        status = build_new(db, first, added, &count, e);
    if (status == STATUS_OK) {
        merge_entries(db, added, count);
        db->outsiders_read = false;
    } else if (last != NULL) { /* as if the file had never been there */
        last->next = NULL;
        db->sections.last = last;
    } else {
        db->sections = (struct section_list){.first = NULL};
    }
    return status;
}

enum status part_database_add_file(struct part_database *db, const char *path, struct error *e)
{
    struct part_text *const text = arena_alloc(&db->arena, sizeof *text);
    if (text == NULL)
        return part_no_memory(e);
    TRY(read_file(db, path, text, e));
    return add_text(db, text, e);
}

static int is_part_file(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 &&
           strcmp(entry->d_name + length - 5, ".part") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

enum status part_database_add_directory(struct part_database *db, const char *path, struct error *e)
{
    struct dirent **names = NULL;
    const int count = scandir(path, &names, is_part_file, compare_names);
    if (count < 0 && errno == ENOENT)
        return STATUS_OK;
    if (count < 0)
        return error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    enum status status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        char file[4096];
        const int length = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        free(names[i]);
        if (status != STATUS_OK)
            continue;
        status = length > 0 && (size_t)length < sizeof file
                     ? part_database_add_file(db, file, e)
                     : error_set(e, STATUS_INPUT, "%s: the path is too long", path);
    }
    free(names);
    return status;
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

/* By id; else by alias, the user's parts first. */
static struct entry *entry_named(struct part_database *db, const char *name)
{
    struct entry *found = entry_of_id(db, name);
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

/* The customary short id: t for attiny, m for atmega, x for atxmega. */
static bool is_short_id_of(const char *id, const char *name)
{
    static const struct {
        const char *start, *letter;
    } rules[] = {{"attiny", "t"}, {"atmega", "m"}, {"atxmega", "x"}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const size_t length = strlen(rules[i].start);
        if (strncmp(name, rules[i].start, length) == 0)
            return id[0] == rules[i].letter[0] && strcmp(id + 1, name + length) == 0;
    }
    return false;
}

static enum status read_outsiders_of(struct part_database *db, struct section *s, struct error *e)
{
    struct settings settings;
    TRY(settings_collect(&settings, s, &db->sections, &db->arena, e));
    const struct setting *const answer = settings_take(&settings, "answer");
    if (answer == NULL)
        return settings_missing(&settings, "answer", e);
    for (size_t i = 0; i < settings.count; i++) {
        const char *const *words = NULL;
        size_t count = 0;
        if (settings.items[i].taken)
            continue;
        TRY(setting_words(&settings.items[i], &db->arena, &words, &count, e));
        struct outsider *const all =
            arena_alloc(&db->arena, (db->outsider_count + count) * sizeof *all);
        if (all == NULL)
            return part_no_memory(e);
        if (db->outsider_count > 0)
            memcpy(all, db->outsiders, db->outsider_count * sizeof *all);
        db->outsiders = all;
        for (size_t j = 0; j < count; j++) {
            all[db->outsider_count].name = words[j];
            all[db->outsider_count++].answer = answer->value;
        }
    }
    return STATUS_OK;
}

static enum status read_outsiders(struct part_database *db, struct error *e)
{
    if (db->outsiders_read)
        return STATUS_OK;
    db->outsider_count = 0;
    for (struct section *s = db->sections.first; s != NULL; s = s->next)
        if (s->kind == SECTION_UNSUPPORTED)
            TRY(read_outsiders_of(db, s, e));
    db->outsiders_read = true;
    return STATUS_OK;
}

static enum status outsider_named(struct part_database *db, const char *name,
                                  const struct outsider **out, struct error *e)
{
    *out = NULL;
    TRY(read_outsiders(db, e));
    for (size_t i = 0; i < db->outsider_count && *out == NULL; i++) {
        const char *const lower = text_lower(&db->arena, db->outsiders[i].name);
        if (lower == NULL)
            return part_no_memory(e);
        if (strcmp(lower, name) == 0 || is_short_id_of(name, lower))
            *out = &db->outsiders[i];
    }
    return STATUS_OK;
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
    const struct part_library library = library_of(db);
    if (entry->part == NULL)
        TRY(part_build(&library, entry->section, &entry->identity, &entry->part, e));
    *out = entry->part;
    return STATUS_OK;
}

enum status part_find(struct part_database *db, const char *typed, const struct part **out,
                      struct error *e)
{
    char name[NAME_MAX_LENGTH + 1];
    const struct outsider *outsider = NULL;
    if (strlen(typed) > NAME_MAX_LENGTH)
        return error_set(e, STATUS_USAGE, "no part has a name of %zu characters", strlen(typed));
    size_t length = 0;
    for (; typed[length] != '\0'; length++) {
        const char c = typed[length];
        name[length] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    name[length] = '\0';
    struct entry *entry = entry_named(db, name);
    if (entry == NULL)
        TRY(outsider_named(db, name, &outsider, e));
    char *const dash = strchr(name, '-');
    if (entry == NULL && outsider == NULL && dash != NULL && is_ordering_code(dash + 1)) {
        *dash = '\0';
        entry = entry_named(db, name);
        if (entry == NULL)
            TRY(outsider_named(db, name, &outsider, e));
    }
    if (entry != NULL)
        return build_entry(db, entry, out, e);
    if (outsider != NULL)
        return error_set(e, STATUS_UNSUPPORTED, "%s %s", outsider->name, outsider->answer);
    return unknown_part(db, typed, e);
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
