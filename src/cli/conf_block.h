/* The blocks of an avrdude.conf: `programmer ... ;` and `part ... ;`, with `key = value, value;` in
 * them, nested `memory "name" ... ;` and perhaps `parent "id"` in front. */
#ifndef CLI_CONF_BLOCK_H
#define CLI_CONF_BLOCK_H

#include <stddef.h>

#include "conf_scanner.h"

enum { CONF_KEYS_MAX = 40, CONF_KEY_SIZE = 32, CONF_VALUE_SIZE = 128 };

struct conf_block {
    char parent[64]; /* empty: none */
    struct conf_item {
        char key[CONF_KEY_SIZE];
        char value[CONF_VALUE_SIZE]; /* several are separated by blanks; cut if longer */
    } items[CONF_KEYS_MAX];
    size_t count;    /* more are left out */
    char memory[64]; /* the first memory that it describes; empty: none */
};

/* Reads one, from its first word to the semicolon that ends it. */
void conf_block_read(struct conf_scanner *s, struct conf_block *out);

/* What the block says of the key; NULL: nothing. */
const char *conf_block_value(const struct conf_block *block, const char *key);

#endif
