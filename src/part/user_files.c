/* The user's own part files. A file is taken as a whole or leaves no trace. */
#include "database.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outsiders.h"

enum { FILE_MAX = 1 << 20 };

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
    const struct entry *const twin = database_entry(db, id);
    if (twin == NULL || memcmp(twin->identity.signature, entry->identity.signature, 3) != 0)
        return text_error(s->text, s->line, e, "[%s]: twin_of: %s is no part of this signature",
                          s->title, entry->identity.twin_of);
    return STATUS_OK;
}

/* Every part of a user's file is built at once, so that its errors come to light. */
static enum status build_new(struct part_database *db, struct section *first, struct entry *added,
                             size_t *count, struct error *e)
{
    const struct part_library library = database_library(db);
    for (struct section *s = first; s != NULL; s = s->next) {
        TRY(section_read(s, &db->arena, e));
        if (s->kind == SECTION_UNSUPPORTED)
            TRY(outsider_check(s, &db->arena, e));
    }
    TRY(database_identify(db, first, added, count, e));
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
        struct entry *const hidden = database_entry(db, added[i].identity.id);
        if (hidden != NULL) {
            *hidden = added[i];
        } else {
            db->entries[db->entry_count++] = added[i];
            qsort(db->entries, db->entry_count, sizeof *db->entries, entry_compare);
        }
    }
}

static size_t count_sections(const struct section *first)
{
    size_t count = 0;
    for (const struct section *s = first; s != NULL; s = s->next)
        count++;
    return count;
}

static enum status add_text(struct part_database *db, const struct part_text *text, struct error *e)
{
    struct section *const last = db->sections.last; /* a built-in one at least is there */
    enum status status = section_scan(&db->sections, &db->arena, text, e);
    struct entry *const added =
        arena_alloc(&db->arena, (count_sections(last->next) + 1) * sizeof *added);
    size_t count = 0;
    if (status == STATUS_OK)
        status = added != NULL ? database_reserve(db, last->next, e) : part_no_memory(e);
    if (status == STATUS_OK)
        status = build_new(db, last->next, added, &count, e);
    if (status == STATUS_OK) {
        merge_entries(db, added, count);
    } else {
        last->next = NULL;
        db->sections.last = last;
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

enum status part_database_add_text(struct part_database *db, const char *name, const char *data,
                                   struct error *e)
{
    struct part_text *const text = arena_alloc(&db->arena, sizeof *text);
    if (text == NULL)
        return part_no_memory(e);
    text->name = arena_text(&db->arena, name, strlen(name));
    text->size = strlen(data);
    text->data = arena_text(&db->arena, data, text->size);
    return text->name != NULL && text->data != NULL ? add_text(db, text, e) : part_no_memory(e);
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
