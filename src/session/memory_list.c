/* Memories by the names that -U gives: one, or several at once as avrdude 8 has it. */
#include <stdio.h>
#include <string.h>

#include "core/nearest.h"
#include "session_private.h"

static enum status unknown_memory(const struct part *part, const char *name, bool ambiguous,
                                  struct error *e)
{
    struct nearest nearest;
    part = part != NULL ? part : part_generic_avr();
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < part->memory_count; i++)
        nearest_offer(&nearest, part->memories[i].name);
    (void)error_set(e, STATUS_USAGE,
                    ambiguous ? "memory %s: several begin like that"
                              : "memory %s: no part has one of that name",
                    name);
    nearest_hint(&nearest, e);
    return STATUS_USAGE;
}

enum status session_find_memory(const struct part *part, const char *name, struct context *c,
                                const struct memory **out, struct error *e)
{
    *out = NULL;
    switch (part_memory_find(part, name, out)) {
    case MEMORY_FOUND:
        return STATUS_OK;
    case MEMORY_ABSENT:
        if (part != NULL)
            context_log(c, LOG_NOTE, "the %s has no memory %s; skipped", part->name, name);
        return STATUS_OK;
    case MEMORY_UNKNOWN:
        return unknown_memory(part, name, false, e);
    case MEMORY_AMBIGUOUS:
        return unknown_memory(part, name, true, e);
    }
    return error_set(e, STATUS_INTERNAL, "memory %s: no answer", name);
}

/* --- lists ---------------------------------------------------------------------------------- */

/* No part here has memories that are a part of another, so these three mean the same. */
static bool is_all(const char *text)
{
    return strcmp(text, "ALL") == 0 || strcmp(text, "all") == 0 || strcmp(text, "etc") == 0;
}

bool session_is_memory_list(const char *text)
{
    return is_all(text) || strpbrk(text, ",-\\") != NULL;
}

static size_t place_of(const struct memory_list *list, const struct memory *m)
{
    size_t i = 0;
    while (i < list->count && list->items[i].memory != m)
        i++;
    return i;
}

static enum status add(struct memory_list *list, const struct memory *m, bool named,
                       struct error *e)
{
    const size_t at = place_of(list, m);
    if (at == MEMORY_LIST_MAX)
        return error_set(e, STATUS_INTERNAL, "more than %d memories", MEMORY_LIST_MAX);
    if (at == list->count) /* a second time changes nothing */
        list->items[list->count++] = (struct memory_list_item){.memory = m, .named = named};
    return STATUS_OK;
}

static void take_out(struct memory_list *list, const struct memory *m)
{
    const size_t at = place_of(list, m);
    if (at == list->count)
        return;
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof list->items[0]);
}

static enum status add_all(const struct part *part, bool out, struct memory_list *list,
                           struct error *e)
{
    for (size_t i = 0; part != NULL && i < part->memory_count; i++) {
        if (out)
            take_out(list, &part->memories[i]);
        else
            TRY(add(list, &part->memories[i], false, e));
    }
    return STATUS_OK;
}

static enum status take_word(const struct part *part, const char *word, struct context *c,
                             struct memory_list *list, struct error *e)
{
    const struct memory *m = NULL;
    const bool out = word[0] == '-' || word[0] == '\\';
    word += out ? 1 : 0;
    if (word[0] == '\0')
        return STATUS_OK;
    if (is_all(word))
        return add_all(part, out, list, e);
    TRY(session_find_memory(part, word, c, &m, e));
    if (m == NULL)
        return STATUS_OK;
    if (!out)
        return add(list, m, true, e);
    take_out(list, m);
    return STATUS_OK;
}

/* The next word up to a comma, without blanks around it. False: the text is at its end. */
static bool next_word(const char **text, char *word, size_t size)
{
    if (*text == NULL)
        return false;
    const char *begin = *text + strspn(*text, " ");
    size_t length = strcspn(begin, ",");
    *text = begin[length] == ',' ? begin + length + 1 : NULL;
    while (length > 0 && begin[length - 1] == ' ')
        length--;
    (void)snprintf(word, size, "%.*s", (int)length, begin);
    return true;
}

enum status session_list_memories(const struct part *part, const char *text, struct context *c,
                                  struct memory_list *out, struct error *e)
{
    char word[64];
    *out = (struct memory_list){.count = 0};
    if (text == NULL)
        return add_all(part, false, out, e);
    for (const char *rest = text; next_word(&rest, word, sizeof word);)
        TRY(take_word(part, word, c, out, e));
    return STATUS_OK;
}
