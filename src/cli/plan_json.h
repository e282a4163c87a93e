/* Plans and boot loaders for programs. */
#ifndef CLI_PLAN_JSON_H
#define CLI_PLAN_JSON_H

#include <stdio.h>

#include "ispflash/bootloader.h"
#include "ispflash/session.h"

/* {"schema":1,"event":"plan","part":...,"steps":[{"step","memory","before","ranges":[{"address",
 * "bytes":[...]}]}]}: "ranges" of writes, "before" of fuse and lock bytes that are known. */
void plan_json(FILE *out, const struct session *s, const struct job_step *steps, size_t count);

/* {"schema":1,"event":"bootloader","id":...,"name","kind","parts","lfuse",...}; null: not known, or
 * left as it is. */
void bootloader_json(FILE *out, const struct bootloader *b);

#endif
