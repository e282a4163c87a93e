#include "outsiders.h"

#include <string.h>
#include <strings.h>

static const struct setting *answer_of(const struct section *s)
{
    for (size_t i = 0; i < s->setting_count; i++)
        if (strcmp(s->settings[i].key, "answer") == 0)
            return &s->settings[i];
    return NULL;
}

enum status outsider_check(struct section *s, struct arena *arena, struct error *e)
{
    TRY(section_read(s, arena, e));
    if (answer_of(s) == NULL)
        return text_error(s->text, s->line, e, "[%s]: answer is missing", s->title);
    return STATUS_OK;
}

/* t for attiny, m for atmega, x for atxmega. `word` has `length` characters. */
static bool is_short_id_of(const char *id, const char *word, size_t length)
{
    static const struct {
        const char *start;
        char letter;
    } rules[] = {{"attiny", 't'}, {"atmega", 'm'}, {"atxmega", 'x'}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const size_t start = strlen(rules[i].start);
        if (length > start && strncasecmp(word, rules[i].start, start) == 0)
            return (id[0] | 0x20) == rules[i].letter && strlen(id + 1) == length - start &&
                   strncasecmp(id + 1, word + start, length - start) == 0;
    }
    return false;
}

/* The word of `list` that `name` means, and its length; NULL: none. */
static const char *word_meant(const char *list, const char *name, size_t *length)
{
    for (const char *word = list; *word != '\0'; word += strspn(word, " \t")) {
        *length = strcspn(word, " \t");
        if ((strlen(name) == *length && strncasecmp(word, name, *length) == 0) ||
            is_short_id_of(name, word, *length))
            return word;
        word += *length;
    }
    return NULL;
}

enum status outsider_refuse(const struct section_list *sections, struct arena *arena,
                            const char *name, struct error *e)
{
    for (struct section *s = sections->first; s != NULL; s = s->next) {
        if (s->kind != SECTION_UNSUPPORTED)
            continue;
        TRY(outsider_check(s, arena, e));
        const struct setting *const answer = answer_of(s);
        for (size_t i = 0; i < s->setting_count; i++) {
            size_t length = 0;
            const char *const word =
                &s->settings[i] != answer ? word_meant(s->settings[i].value, name, &length) : NULL;
            if (word != NULL)
                return error_set(e, STATUS_UNSUPPORTED, "%.*s %s", (int)length, word,
                                 answer->value);
        }
    }
    return STATUS_OK;
}
