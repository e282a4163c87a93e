/* Edit distance with swapped neighbours ("optimal string alignment"), and the best few names. */
#include "core/nearest.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 63 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ASCII only: names are, and the user's locale must not change what is found. */
static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

size_t nearest_distance(const char *a, const char *b)
{
    const size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST_NAME || b_length > LONGEST_NAME)
        return SIZE_MAX;
    /* rows[i % 3][j]: distance of the first i characters of a from the first j of b. */
    size_t rows[3][LONGEST_NAME + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *const row = rows[i % 3];
        const size_t *const above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            const char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = smaller(above[j - 1] + (x == y ? 0 : 1), smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                row[j] = smaller(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

void nearest_begin(struct nearest *n, const char *typed)
{
    *n = (struct nearest){.typed = typed};
}

void nearest_offer(struct nearest *n, const char *name)
{
    /* A third of the letters may be wrong, but never all of a very short name. */
    const size_t length = strlen(n->typed);
    const size_t limit = length < 3 ? 1 : smaller((length + 2) / 3, 3);
    const size_t distance = nearest_distance(n->typed, name);
    if (distance > limit || distance >= length)
        return;
    size_t at = n->count;
    for (size_t i = 0; i < n->count; i++) {
        if (nearest_distance(n->names[i], name) == 0)
            return;
        if (at == n->count && distance < n->distances[i])
            at = i;
    }
    if (at == NEAREST_NAMES)
        return;
    const size_t kept = smaller(n->count, NEAREST_NAMES - 1);
    for (size_t i = kept; i > at; i--) {
        n->names[i] = n->names[i - 1];
        n->distances[i] = n->distances[i - 1];
    }
    n->names[at] = name;
    n->distances[at] = (unsigned)distance;
    n->count = kept + 1;
}

void nearest_hint(const struct nearest *n, struct error *e)
{
    char list[(LONGEST_NAME + 6) * NEAREST_NAMES] = "";
    size_t used = 0;
    for (size_t i = 0; i < n->count; i++) {
        const char *separator = i == 0 ? "" : i + 1 < n->count ? ", " : " or ";
        const int length =
            snprintf(list + used, sizeof list - used, "%s\"%s\"", separator, n->names[i]);
        if (length < 0)
            return;
        used += (size_t)length;
    }
    if (n->count > 0)
        error_hint(e, "did you mean %s?", list);
}
