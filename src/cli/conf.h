/* Defaults: what an avrdude.conf says about them, and what our own configuration puts over that.
 * The parts and programmers of an avrdude.conf are passed over: ours are built in. */
#ifndef CLI_CONF_H
#define CLI_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"

/* Zeroed: nothing is said. Freed by conf_free(). */
struct conf {
    char *programmer, *serial; /* default_programmer, default_serial; NULL: not said */
    char *port, *part;         /* of our own configuration's alone; NULL: not said */
    uint32_t baud;             /* default_baudrate; 0: not said */
    uint32_t sck_hz;           /* default_bitclock, a period in microseconds there */
};

/* Adds what `text` (`size` bytes) says; what it says again replaces what was there.
 * Whatever does not look like a default is passed over. STATUS_NO_MEMORY alone. */
MUST_USE enum status conf_parse(const char *text, size_t size, struct conf *conf, struct error *e);

/* The same for a file. STATUS_INPUT: it cannot be read. An empty one says nothing. */
MUST_USE enum status conf_read(const char *path, struct conf *conf, struct error *e);

/* A copy of `text` in place of what *out was; with NULL that stays. */
MUST_USE enum status conf_set(char **out, const char *text, struct error *e);

void conf_free(struct conf *conf);

#endif
