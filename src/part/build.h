/* From the lines of a part file to a struct part. The keys are described in parts/avr.part. */
#ifndef PART_BUILD_H
#define PART_BUILD_H

#include "fields.h"
#include "ispflash/part.h"
#include "section.h"

struct part_library {
    const struct section_list *sections;
    struct field_library *fields;
    struct arena *arena;
};

/* What a listing needs, from the part's own lines alone. */
struct part_identity {
    const char *id, *name;
    const char *const *aliases;
    size_t alias_count;
    uint8_t signature[3];
    const char *twin_of; /* NULL; or the commoner part of the same signature */
};

MUST_USE enum status part_identify(const struct part_library *library, struct section *s,
                                   struct part_identity *out, struct error *e);

/* The whole part; lives in the library's arena. */
MUST_USE enum status part_build(const struct part_library *library, struct section *s,
                                const struct part_identity *identity, const struct part **out,
                                struct error *e);

#endif
