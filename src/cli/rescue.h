/* The file that holds what is to be kept while the chip does not. */
#ifndef CLI_RESCUE_H
#define CLI_RESCUE_H

#include "ispflash/format.h"
#include "ispflash/session.h"

struct file_rescue {
    struct rescue rescue; /* first */
    const char *wanted;   /* the name that was asked for; NULL: one of our own */
    char path[128];
    struct output *output; /* owned, from prepare() to save() */
};

/* `wanted` is borrowed; NULL: ispflash-rescue.hex in the current folder, or one with a number. */
void file_rescue_init(struct file_rescue *f, const char *wanted);
void file_rescue_free(struct file_rescue *f); /* takes a zeroed one */

#endif
