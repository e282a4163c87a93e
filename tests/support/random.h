/* Numbers that are the same on every machine and in every run. */
#ifndef SUPPORT_RANDOM_H
#define SUPPORT_RANDOM_H

#include <stdint.h>

struct test_random {
    uint64_t state; /* any value but 0 */
};

/* xorshift64*: G. Marsaglia, "Xorshift RNGs"; S. Vigna, "An experimental exploration". */
static inline uint32_t random_next(struct test_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)((r->state * UINT64_C(2685821657736338717)) >> 32);
}

/* 0 to limit - 1; limit is not 0. */
static inline uint32_t random_below(struct test_random *r, uint32_t limit)
{
    return random_next(r) % limit;
}

#endif
