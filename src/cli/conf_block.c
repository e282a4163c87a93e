/* Blocks of an avrdude.conf. */
#include "conf_block.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

/* From `memory` to the semicolon that ends it, or `memory "x" = NULL;`. */
static void skip_memory(struct conf_scanner *s, struct conf_block *block)
{
    conf_scan(s);
    if (block->memory[0] == '\0')
        copy(block->memory, sizeof block->memory, s->text);
    conf_scan(s);
    if (conf_at_mark(s, '=')) {
        conf_skip_statement(s);
        return;
    }
    while (s->kind != CONF_END && !conf_at_mark(s, ';')) {
        conf_skip_statement(s);
        conf_scan(s);
    }
}

/* "key = value, value;" */
static void read_item(struct conf_scanner *s, struct conf_block *block)
{
    struct conf_item item = {.value = ""};
    size_t used = 0;
    copy(item.key, sizeof item.key, s->text);
    conf_scan(s);
    for (; s->kind != CONF_END && !conf_at_mark(s, ';'); conf_scan(s)) {
        if (conf_at_mark(s, '=') || conf_at_mark(s, ',') || used >= sizeof item.value)
            continue;
        /* "~ 4" is one value: the pin is inverted. */
        const bool inverted = used > 0 && item.value[used - 1] == '~';
        used += (size_t)snprintf(item.value + used, sizeof item.value - used, "%s%s",
                                 used > 0 && !inverted ? " " : "", s->text);
    }
    if (block->count < CONF_KEYS_MAX)
        block->items[block->count++] = item;
}

void conf_block_read(struct conf_scanner *s, struct conf_block *out)
{
    *out = (struct conf_block){.count = 0};
    for (conf_scan(s); s->kind != CONF_END && !conf_at_mark(s, ';'); conf_scan(s)) {
        if (conf_at_word(s, "parent")) {
            conf_scan(s);
            copy(out->parent, sizeof out->parent, s->text);
        } else if (conf_at_word(s, "memory")) {
            skip_memory(s, out);
        } else if (s->kind == CONF_WORD) {
            read_item(s, out);
        }
    }
}

const char *conf_block_value(const struct conf_block *block, const char *key)
{
    for (size_t i = block->count; i-- > 0;) /* the last one counts */
        if (strcmp(block->items[i].key, key) == 0)
            return block->items[i].value;
    return NULL;
}
