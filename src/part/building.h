/* Shared by the files that build a part: build.c, memories.c, stm32f1.c, hazards.c. */
#ifndef PART_BUILDING_H
#define PART_BUILDING_H

#include "build.h"
#include "instructions.h"

enum {
    BYTES_MAX = 1 << 24, /* far more than any of these chips has */
    MEMORIES_MAX = 16,   /* of one part */
    MICROSECONDS_MAX = 10000000,
    SCK_DIVIDER = 4 /* of all but the oldest; see part_sck_limit() */
};

struct building {
    const struct part_library *library;
    struct settings settings;
    struct part *part;
    struct memory *memories;
    const struct field_definition **definitions[MEMORIES_MAX]; /* beside memory.fields */
    enum poll_method poll;                                     /* unless a memory has its own */
    struct error *error;
};

MUST_USE enum status building_parse_poll(const struct setting *setting, enum poll_method *out,
                                         struct error *e);

/* The fields and the factory value of a fuse or lock byte, which is memory `index` of the part. An
 * absent `initial` leaves m->initial at 0xff. */
MUST_USE enum status building_place_fields(struct building *b, const struct setting *fields,
                                           const struct setting *initial, struct memory *m,
                                           size_t index);

/* The memories, their fields, and the boot section. */
MUST_USE enum status building_read_memories(struct building *b);
MUST_USE enum status building_read_boot(struct building *b);

/* What the fields that are placed by then can do to the chip. */
MUST_USE enum status building_read_hazards(struct building *b);

#endif
