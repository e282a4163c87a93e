/* What the terminal can complete a word to. */
#ifndef CLI_TERMINAL_COMPLETE_H
#define CLI_TERMINAL_COMPLETE_H

#include <stddef.h>

#include "../options.h"

struct terminal;

/* All that the last word of `before`, the line up to the cursor, may become: commands, memories,
 * settings, files. Returns how many characters of each of them are there already. What memory is
 * too short for is left out. */
size_t complete_line(const struct terminal *t, const char *before, struct text_list *names);

#endif
