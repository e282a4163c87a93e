/* Field definitions ([field NAME]) and the list that places them in a fuse or lock byte. */
#ifndef PART_FIELDS_H
#define PART_FIELDS_H

#include "ispflash/part.h"
#include "settings.h"

struct field_hazard {
    enum hazard_kind kind;
    uint8_t *values; /* right-aligned */
    size_t value_count;
    const char *caption, *cure; /* NULL: what is usual for the kind */
};

struct field_definition {
    struct field_definition *next;
    const struct section *section;
    const char *name; /* without what stands behind the slash */
    const char *caption;
    struct field_value *values;
    size_t value_count;
    struct field_hazard *hazards;
    size_t hazard_count;
};

/* Read once, then shared by all parts. */
struct field_library { /* zeroed: empty */
    struct field_definition *first;
};

/* "7:RSTDISBL 6:DWEN 2-0:BODLEVEL/atmega48": a field and its bits; a field with a gap is
 * "7,5-0:NAME". Gives the fields of a byte in that order and their definitions beside them. */
MUST_USE enum status fields_place(const struct setting *setting, const struct section_list *all,
                                  struct field_library *library, struct arena *arena,
                                  struct field **fields,
                                  const struct field_definition ***definitions, size_t *count,
                                  struct error *e);

/* The kind for a key such as "reset-disable"; false: no such kind. */
bool hazard_kind_find(const char *name, enum hazard_kind *out);

/* The lowest set bit of a mask that is not 0. */
unsigned field_shift(uint8_t mask);

#endif
