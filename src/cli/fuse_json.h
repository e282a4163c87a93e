/* Fuse and lock bytes for programs: what fuse_text.h shows, as one JSON object a line. */
#ifndef CLI_FUSE_JSON_H
#define CLI_FUSE_JSON_H

#include <stdio.h>

#include "ispflash/fuses.h"

/* {"schema":1,"event":"fuses","part":...,"bytes":[{"name","value","fields":[...]}],"options":[...]}
 */
void fuse_json_set(FILE *out, const struct fuse_set *s);

/* {"schema":1,"event":"difference","equal":...,"bytes":[{"name","fields":[{"from","to",...}]}]} */
void fuse_json_difference(FILE *out, const struct fuse_set *a, const struct fuse_set *b);

/* {"schema":1,"event":"choices","memory":...,"field":...,"values":[...]} */
void fuse_json_choices(FILE *out, const struct fuse_field *f, const struct fuse_byte *present);

#endif
