/* The reader of programmers.ini. */
#ifndef PROGRAMMERS_ENTRIES_H
#define PROGRAMMERS_ENTRIES_H

#include <stddef.h>

#include "ispflash/error.h"
#include "programmer/programmer.h"

/* Reads `text` (zero-terminated, `size` bytes long), strictly; errors are "name:line: what" with
 * STATUS_INTERNAL, as the data is our own. The result is one allocation, sorted by id, and ends
 * with an entry whose id is NULL. */
MUST_USE enum status programmer_entries_read(const char *name, const char *text, size_t size,
                                             struct programmer_entry **out, struct error *e);

#endif
