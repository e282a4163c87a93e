/* A user's programmers and parts, from the blocks of an avrdude.conf to what ours are made of. */
#ifndef CLI_CONF_OWN_H
#define CLI_CONF_OWN_H

#include "conf.h"
#include "conf_block.h"
#include "ispflash/context.h"
#include "ispflash/part.h"

/* Adds the programmer to conf->programmers if it is one of ours with other names, ids, rate or
 * pins; else a note says what is missing. One whose id is built in is passed over. */
MUST_USE enum status conf_own_programmer(const struct conf_block *block, struct conf *conf,
                                         struct error *e);

/* The same for a part, into conf->parts. */
MUST_USE enum status conf_own_part(const struct conf_block *block, struct conf *conf,
                                   struct error *e);

/* Makes the parts of conf known to `parts`; what cannot be is told as a detail. */
MUST_USE enum status conf_own_add_parts(const struct conf *conf, struct part_database *parts,
                                        struct context *c, struct error *e);

#endif
