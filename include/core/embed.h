/* Data files that are built into the program; see src/embed.cmake. */
#ifndef CORE_EMBED_H
#define CORE_EMBED_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* without its folder: "programmers.ini" */
    const char *data; /* `size` bytes and a zero byte after them */
    size_t size;
};

#endif
