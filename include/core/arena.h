/* Memory that is handed out piece by piece and given back all at once. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena { /* zeroed: empty */
    struct arena_block *blocks;
};

/* Zeroed and aligned for anything; NULL when the machine has no more. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `length` characters with a zero byte behind them; NULL when out of memory. */
char *arena_text(struct arena *arena, const char *text, size_t length);

void arena_free(struct arena *arena);

#endif
