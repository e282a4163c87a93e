/* [unsupported] sections: chips that are known by name and cannot be programmed here. */
#ifndef PART_OUTSIDERS_H
#define PART_OUTSIDERS_H

#include "section.h"

/* STATUS_UNSUPPORTED, with what the chip needs, if a section has `name` (any case) or the name that
 * it is the customary short id of; STATUS_OK if none has. */
MUST_USE enum status outsider_refuse(const struct section_list *sections, struct arena *arena,
                                     const char *name, struct error *e);

/* STATUS_INPUT unless such a section says what is the matter with its chips. */
MUST_USE enum status outsider_check(struct section *s, struct arena *arena, struct error *e);

#endif
