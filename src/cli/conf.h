/* Defaults: what an avrdude.conf says about them, and what our own configuration puts over that;
 * and programmers and parts that users have added there, as far as they are ours under other names,
 * ids and pins. Those that are built in here are passed over. */
#ifndef CLI_CONF_H
#define CLI_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "options.h"

struct programmer_entry; /* programmer/programmer.h */

/* A part that is another one under its own name. */
struct conf_part {
    char id[64], name[64], parent[64];
    char changes[64]; /* what it describes otherwise than its parent; empty: nothing */
    bool has_signature;
    uint8_t signature[3];
};

/* Zeroed: nothing is said. Freed by conf_free(). */
struct conf {
    char *programmer, *serial;        /* default_programmer, default_serial; NULL: not said */
    char *port, *part;                /* of our own configuration's alone; NULL: not said */
    char *programmers;                /* own ones, as programmers.ini has them; NULL: none */
    struct programmer_entry *entries; /* all of them, built in and own; NULL: not read yet */
    struct conf_part *parts;          /* own ones, owned */
    size_t part_count;
    struct text_list notes; /* what is not taken over, and why */
    uint32_t baud;          /* default_baudrate; 0: not said */
    uint32_t sck_hz;        /* default_bitclock, a period in microseconds there */
};

/* Adds what `text` (`size` bytes) says; what it says again replaces what was there.
 * Whatever cannot be taken over is noted and passed over. STATUS_NO_MEMORY alone. */
MUST_USE enum status conf_parse(const char *text, size_t size, struct conf *conf, struct error *e);

/* The same for a file. STATUS_INPUT: it cannot be read. An empty one says nothing. */
MUST_USE enum status conf_read(const char *path, struct conf *conf, struct error *e);

/* A copy of `text` in place of what *out was; with NULL that stays. */
MUST_USE enum status conf_set(char **out, const char *text, struct error *e);

void conf_free(struct conf *conf);

#endif
