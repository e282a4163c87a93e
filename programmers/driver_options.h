/* The grammar of -x, for drivers that have options of their own: a table of names, each with a
 * function that takes the value. */
#ifndef DRIVER_OPTIONS_H
#define DRIVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "ispflash/session.h"

struct driver_option {
    const char *name;
    bool wants_value; /* "name=value"; else "name" alone, and value is NULL */
    enum status (*parse)(void *into, const char *value, struct error *e);
};

/* Hands every -x of the configuration to its function, in order, with `into`. STATUS_USAGE names
 * the option and, for an unknown one, the nearest. */
MUST_USE enum status driver_options_parse(const struct programmer_config *config,
                                          const struct driver_option *options, size_t count,
                                          void *into, struct error *e);

/* For an unknown option: the hint that lists those there are, "reset, buff, rdy". */
void driver_options_hint(struct error *e, const char *names);

#endif
