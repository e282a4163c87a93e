/* The inside of a part database, shared by those who fill it and those who look things up. */
#ifndef PART_DATABASE_H
#define PART_DATABASE_H

#include "build.h"
#include "ispflash/part.h"

struct entry {
    struct part_identity identity;
    struct section *section;
    const struct part *part; /* NULL until asked for */
    size_t order;            /* of the section in the files; the user's come first */
};

struct part_database {
    struct arena arena;
    struct section_list sections;
    struct field_library fields;
    struct entry *entries; /* sorted by id; one an id */
    size_t entry_count, entry_capacity;
};

struct part_library database_library(struct part_database *db);

/* For qsort() and bsearch() over entries. */
int entry_compare(const void *a, const void *b);

/* NULL: there is none. `id` is lower case. */
struct entry *database_entry(struct part_database *db, const char *id);

/* Makes room for the parts of the sections from `first` on. */
MUST_USE enum status database_reserve(struct part_database *db, const struct section *first,
                                      struct error *e);

/* Fills `entries` with the parts of the sections from `first` on, in their order. */
MUST_USE enum status database_identify(struct part_database *db, struct section *first,
                                       struct entry *entries, size_t *count, struct error *e);

#endif
