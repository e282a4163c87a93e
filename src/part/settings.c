#include "settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { USE_DEPTH = 8 };

struct section *section_find(const struct section_list *all, const struct part_text *text,
                             const char *title, const struct section *except)
{
    struct section *found = NULL;
    for (struct section *s = all->first; s != NULL; s = s->next) {
        if (s == except || (s->text != text && !s->text->built_in))
            continue;
        if ((found == NULL || s->text == text) && strcmp(s->title, title) == 0)
            found = s;
    }
    return found;
}

/* What makes a part itself: an heir does not get it from another part, and a family that has notes
 * means them for all its parts. */
static bool is_identity(const char *key)
{
    static const char *const keys[] = {"use", "aliases", "signature", "twin_of", "notes"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static const struct setting *use_of(const struct section *s)
{
    for (size_t i = 0; i < s->setting_count; i++)
        if (strcmp(s->settings[i].key, "use") == 0)
            return &s->settings[i];
    return NULL;
}

/* The section that `use` names, read; NULL where there is no `use`. */
static enum status next_used(struct section *s, const struct section_list *all, struct arena *arena,
                             struct section **out, struct error *e)
{
    const struct setting *const use = use_of(s);
    *out = NULL;
    if (use == NULL)
        return STATUS_OK;
    struct section *const used = section_find(all, use->text, use->value, s);
    if (used == NULL || (used->kind != SECTION_FAMILY && used->kind != SECTION_PART))
        return setting_error(use, e, "there is no [%s]; it names a family or a part", use->value);
    TRY(section_read(used, arena, e));
    *out = used;
    return STATUS_OK;
}

enum status settings_collect(struct settings *out, struct section *s,
                             const struct section_list *all, struct arena *arena, struct error *e)
{
    struct section *chain[USE_DEPTH];
    size_t depth = 0, count = 0;
    TRY(section_read(s, arena, e));
    for (struct section *at = s; at != NULL;) {
        if (depth == USE_DEPTH)
            return text_error(s->text, s->line, e, "[%s]: more than %d uses deep, or in a circle",
                              s->title, USE_DEPTH);
        chain[depth++] = at;
        count += at->setting_count;
        TRY(next_used(at, all, arena, &at, e));
    }
    struct setting *const items = arena_alloc(arena, (count + 1) * sizeof *items);
    if (items == NULL)
        return part_no_memory(e);
    size_t filled = 0;
    for (size_t i = 0; i < depth; i++)
        for (size_t j = 0; j < chain[i]->setting_count; j++) {
            const struct setting *const setting = &chain[i]->settings[j];
            const bool inherited = chain[i]->kind == SECTION_PART
                                       ? !is_identity(setting->key)
                                       : strcmp(setting->key, "use") != 0;
            if (i == 0 || inherited)
                items[filled++] = *setting;
        }
    *out = (struct settings){.section = s, .items = items, .count = filled};
    (void)settings_take(out, "use");
    return STATUS_OK;
}

const struct setting *settings_take(struct settings *settings, const char *key)
{
    const struct setting *found = NULL;
    for (size_t i = 0; i < settings->count; i++) {
        struct setting *const item = &settings->items[i];
        if (strcmp(item->key, key) != 0)
            continue;
        item->taken = true;
        if (found == NULL)
            found = item;
    }
    return found;
}

void settings_take_own(struct settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->section->setting_count; i++)
        if (strcmp(settings->items[i].key, key) == 0)
            settings->items[i].taken = true;
}

const struct setting *settings_take_of(struct settings *settings, const char *memory,
                                       const char *key)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s.%s", memory, key);
    return settings_take(settings, name);
}

enum status settings_all_taken(const struct settings *settings, struct error *e)
{
    for (size_t i = 0; i < settings->count; i++)
        if (!settings->items[i].taken)
            return setting_error(&settings->items[i], e, "unknown key");
    return STATUS_OK;
}

enum status settings_missing(const struct settings *settings, const char *key, struct error *e)
{
    const struct section *const s = settings->section;
    return text_error(s->text, s->line, e, "[%s]: %s is missing", s->title, key);
}

bool setting_absent(const struct setting *setting)
{
    return setting == NULL || strcmp(setting->value, "none") == 0;
}

enum status setting_error(const struct setting *setting, struct error *e, const char *format, ...)
{
    char what[sizeof e->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return text_error(setting->text, setting->line, e, "%s: %s", setting->key, what);
}

/* ---- values ---- */

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

const char *number_scan(const char *text, uint32_t max, uint32_t *out)
{
    int base = 10;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    uint64_t value = 0;
    const char *const begin = text;
    while (digit_value(*text) < base) {
        value = value * (unsigned)base + (unsigned)digit_value(*text++);
        if (value > max)
            return NULL;
    }
    if (text == begin)
        return NULL;
    *out = (uint32_t)value;
    return text;
}

enum status setting_number(const struct setting *setting, uint32_t max, uint32_t *out,
                           struct error *e)
{
    uint32_t value = 0;
    const char *const rest = number_scan(setting->value, max, &value);
    if (rest == NULL || *rest != '\0')
        return setting_error(setting, e, "\"%s\" is not a number from 0 to %lu", setting->value,
                             (unsigned long)max);
    *out = value;
    return STATUS_OK;
}

enum status setting_number_if(const struct setting *setting, uint32_t max, uint32_t *out,
                              struct error *e)
{
    return setting_absent(setting) ? STATUS_OK : setting_number(setting, max, out, e);
}

enum status setting_yes(const struct setting *setting, bool *out, struct error *e)
{
    const bool yes = strcmp(setting->value, "yes") == 0;
    if (!yes && strcmp(setting->value, "no") != 0)
        return setting_error(setting, e, "\"%s\" is neither yes nor no", setting->value);
    *out = yes;
    return STATUS_OK;
}

const char *byte_scan(const char *text, uint8_t *out)
{
    const int high = digit_value(text[0]);
    const int low = high < 16 ? digit_value(text[1]) : 16;
    if (low > 15)
        return NULL;
    *out = (uint8_t)(high * 16 + low);
    return text + 2;
}

enum status setting_bytes(const struct setting *setting, uint8_t *out, size_t capacity,
                          size_t *count, struct error *e)
{
    size_t n = 0;
    for (const char *at = setting->value; *at != '\0'; at += strspn(at, " ")) {
        uint8_t byte = 0;
        at = byte_scan(at, &byte);
        if (at == NULL || (*at != ' ' && *at != '\0'))
            return setting_error(setting, e, "\"%s\" is not a list of bytes such as 1e 95 0f",
                                 setting->value);
        if (n == capacity)
            return setting_error(setting, e, "more than %zu bytes", capacity);
        out[n++] = byte;
    }
    *count = n;
    return STATUS_OK;
}

enum status setting_words(const struct setting *setting, struct arena *arena,
                          const char *const **out, size_t *count, struct error *e)
{
    char *const text = arena_text(arena, setting->value, strlen(setting->value));
    /* No more words than every other character. */
    const char **const words =
        arena_alloc(arena, (strlen(setting->value) / 2 + 1) * sizeof(char *));
    if (text == NULL || words == NULL)
        return part_no_memory(e);
    size_t n = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest))
        words[n++] = word;
    *out = words;
    *count = n;
    return STATUS_OK;
}

void text_to_lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

char *text_lower(struct arena *arena, const char *text)
{
    char *const copy = arena_text(arena, text, strlen(text));
    if (copy != NULL)
        text_to_lower(copy);
    return copy;
}
