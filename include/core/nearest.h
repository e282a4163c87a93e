/* "Did you mean ...?": the known names that lie closest to one that was mistyped. Only ever a hint;
 * nothing runs on a guess.
 *
 *     struct nearest nearest;
 *     nearest_begin(&nearest, typed);
 *     for (...)
 *         nearest_offer(&nearest, candidate);
 *     nearest_hint(&nearest, e);
 */
#ifndef CORE_NEAREST_H
#define CORE_NEAREST_H

#include <stddef.h>

#include "ispflash/error.h"

enum { NEAREST_NAMES = 3 };

struct nearest {
    const char *typed;                /* borrowed */
    const char *names[NEAREST_NAMES]; /* borrowed, closest first, then as offered */
    unsigned distances[NEAREST_NAMES];
    size_t count;
};

/* `typed` must live as long as *n. */
void nearest_begin(struct nearest *n, const char *typed);

/* Keeps `name`, which must live as long as *n, if it is among the closest so far and close enough
 * to be what was meant. A name offered twice counts once. */
void nearest_offer(struct nearest *n, const char *name);

/* Adds the hint `did you mean "a", "b" or "c"?`; no hint if nothing came close. */
void nearest_hint(const struct nearest *n, struct error *e);

/* Letters to insert, drop, change, or swap with their neighbour to make one of the other; case is
 * ignored. Names longer than 63 characters count as SIZE_MAX apart. */
size_t nearest_distance(const char *a, const char *b);

#endif
