/* config: fuse and lock bits by their names, in the words of avrdude's. factory: all of them, and
 * the rest of the chip, as it came. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/integer.h"
#include "core/nearest.h"
#include "terminal.h"
#include "words.h"

enum { BY_BYTE = 1, ALL = 2, VERBOSE = 4, CONFIRM = 8 }; /* "favc" */

enum { SETTINGS_MAX = 64 };

struct setting {
    const struct memory *memory;
    const struct field *field;
};

struct settings_found {
    struct setting items[SETTINGS_MAX];
    size_t count;
};

/* --- names ---------------------------------------------------------------------------------- */

static void to_lower(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)tolower((unsigned char)*text);
}

static const char *setting_name(const struct setting *s, char out[FUSE_TEXT_SIZE])
{
    (void)snprintf(out, FUSE_TEXT_SIZE, "%s", s->field->name);
    to_lower(out);
    return out;
}

/* The peer's word for a value, else the data sheet's, else its number. */
static const char *value_label(const struct field *field, uint8_t value, char out[FUSE_TEXT_SIZE])
{
    if (fuse_value_alias(field, value, out)[0] == '\0')
        (void)fuse_value_name(field, value, out);
    to_lower(out);
    return out;
}

/* A pattern with * and ?, case ignored. */
static bool fits_pattern(const char *pattern, const char *text)
{
    if (*pattern == '*')
        return fits_pattern(pattern + 1, text) ||
               (*text != '\0' && fits_pattern(pattern, text + 1));
    if (*pattern == '\0' || *text == '\0')
        return *pattern == *text;
    return (*pattern == '?' || tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) &&
           fits_pattern(pattern + 1, text + 1);
}

static bool matches(const char *typed, const char *name)
{
    if (strpbrk(typed, "*?") != NULL)
        return fits_pattern(typed, name);
    return strncasecmp(typed, name, strlen(typed)) == 0;
}

/* --- settings ------------------------------------------------------------------------------- */

/* All of the part, in its order. */
static void all_settings(const struct terminal *t, struct settings_found *out)
{
    out->count = 0;
    for (size_t i = 0; i < t->part->memory_count; i++) {
        const struct memory *m = &t->part->memories[i];
        for (size_t k = 0; k < m->field_count && out->count < SETTINGS_MAX; k++)
            out->items[out->count++] = (struct setting){.memory = m, .field = &m->fields[k]};
    }
}

static enum status no_setting(const struct terminal *t, const char *typed, struct error *e)
{
    struct nearest nearest;
    struct settings_found all;
    nearest_begin(&nearest, typed);
    all_settings(t, &all);
    for (size_t i = 0; i < all.count; i++)
        nearest_offer(&nearest, all.items[i].field->name);
    (void)error_set(e, STATUS_USAGE, "the %s has no setting %s", t->part->name, typed);
    nearest_hint(&nearest, e);
    error_hint(e, "config without a name shows all of them");
    return STATUS_USAGE;
}

/* Those that `typed` may mean: the one of that very name, else all that fit. */
static enum status find_settings(const struct terminal *t, const char *typed,
                                 struct settings_found *out, struct error *e)
{
    struct settings_found all;
    out->count = 0;
    all_settings(t, &all);
    for (size_t i = 0; i < all.count; i++)
        if (strcasecmp(typed, all.items[i].field->name) == 0) {
            *out = (struct settings_found){.items = {all.items[i]}, .count = 1};
            return STATUS_OK;
        }
    for (size_t i = 0; i < all.count; i++)
        if (matches(typed, all.items[i].field->name))
            out->items[out->count++] = all.items[i];
    return out->count > 0 ? STATUS_OK : no_setting(t, typed, e);
}

static bool present_value(const struct terminal *t, const struct setting *s, uint8_t *value)
{
    uint8_t byte = 0;
    const bool known = session_byte(t->session, s->memory, &byte);
    *value = field_get(s->field, byte);
    return known;
}

/* --- showing -------------------------------------------------------------------------------- */

/* "config bodlevel=bod_2v7 # 5" */
static void put_value(const struct terminal *t, const struct setting *s, uint8_t value,
                      const char *verb, int width, unsigned options)
{
    char name[FUSE_TEXT_SIZE], label[FUSE_TEXT_SIZE];
    const char *meaning = fuse_value_meaning(s->field, value);
    const int length = fprintf(t->out, "%s %s=%s", verb, setting_name(s, name),
                               value_label(s->field, value, label));
    (void)fprintf(t->out, "%*s # %u", length < width ? width - length : 0, "", value);
    if ((options & VERBOSE) != 0 && meaning[0] != '\0')
        (void)fprintf(t->out, " (%s)", meaning);
    if (width > 0 && s->memory->initial_known && field_get(s->field, s->memory->initial) == value)
        (void)fprintf(t->out, " (factory)");
    (void)fputc('\n', t->out);
}

static void put_caption(const struct terminal *t, const struct setting *s, unsigned options)
{
    if ((options & VERBOSE) != 0)
        (void)fprintf(t->out, "# %s\n", s->field->caption);
}

static void put_present(const struct terminal *t, const struct setting *s, unsigned options)
{
    char name[FUSE_TEXT_SIZE];
    uint8_t value = 0;
    put_caption(t, s, options);
    if (present_value(t, s, &value))
        put_value(t, s, value, "config", 0, options);
    else
        (void)fprintf(t->out, "# config %s: %s cannot be read\n", setting_name(s, name),
                      s->memory->name);
}

static int choices_width(const struct setting *s)
{
    int width = 0;
    char label[FUSE_TEXT_SIZE];
    for (size_t i = 0; i < fuse_value_count(s->field); i++) {
        const uint8_t value = fuse_value_at(s->field, i);
        const int length = (int)(strlen("config =") + strlen(s->field->name) +
                                 strlen(value_label(s->field, value, label)));
        width = length > width ? length : width;
    }
    return width;
}

/* All that it can be; what it is not is a comment. */
static void put_choices(const struct terminal *t, const struct setting *s, unsigned options)
{
    const int width = choices_width(s);
    uint8_t present = 0;
    const bool known = present_value(t, s, &present);
    put_caption(t, s, options);
    for (size_t i = 0; i < fuse_value_count(s->field); i++) {
        const uint8_t value = fuse_value_at(s->field, i);
        put_value(t, s, value, known && value == present ? "config" : "# conf", width, options);
    }
}

static void put_byte(const struct terminal *t, const struct memory *m)
{
    uint8_t byte = 0;
    if (session_byte(t->session, m, &byte))
        (void)fprintf(t->out, "# %s 0x%02x\n", m->name, byte);
    else
        (void)fprintf(t->out, "# %s cannot be read\n", m->name);
}

static void show(const struct terminal *t, const struct settings_found *found, bool choices,
                 unsigned options)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct setting *s = &found->items[i];
        const bool first = i == 0 || s[-1].memory != s->memory;
        if ((options & BY_BYTE) != 0 && first)
            put_byte(t, s->memory);
        if (choices)
            put_choices(t, s, options);
        else
            put_present(t, s, options);
    }
}

/* --- setting -------------------------------------------------------------------------------- */

static void hint_values(const struct setting *s, const char *typed, struct error *e)
{
    char label[FUSE_TEXT_SIZE];
    for (size_t i = 0; i < fuse_value_count(s->field); i++) {
        const uint8_t value = fuse_value_at(s->field, i);
        if (matches(typed, value_label(s->field, value, label)))
            error_hint(e, "%s # %u", label, value);
    }
}

/* By its number. */
static enum status number_value(const struct setting *s, const char *typed, uint8_t *value,
                                struct error *e)
{
    int64_t number = 0;
    const int64_t most = field_get(s->field, 0xff);
    TRY(integer_between(typed, s->field->name, 0, most, &number, e));
    *value = (uint8_t)number;
    return STATUS_OK;
}

static bool is_number(const char *typed)
{
    uint8_t bytes[8];
    unsigned size = 0;
    return integer_parse(typed, bytes, &size) != INTEGER_NONE;
}

/* By the peer's name or the data sheet's; the beginning or a pattern will do. */
static bool value_fits(const struct field *field, uint8_t value, const char *typed, bool whole)
{
    char label[FUSE_TEXT_SIZE], name[FUSE_TEXT_SIZE];
    (void)value_label(field, value, label);
    (void)fuse_value_name(field, value, name);
    if (whole)
        return strcasecmp(typed, label) == 0 || strcasecmp(typed, name) == 0;
    return matches(typed, label) || matches(typed, name);
}

static enum status find_value(const struct setting *s, const char *typed, uint8_t *out,
                              struct error *e)
{
    size_t count = 0;
    if (is_number(typed))
        return number_value(s, typed, out, e);
    for (int whole = 1; whole >= 0 && count == 0; whole--)
        for (size_t i = 0; i < fuse_value_count(s->field); i++) {
            const uint8_t value = fuse_value_at(s->field, i);
            if (!value_fits(s->field, value, typed, whole == 1))
                continue;
            *out = value;
            count++;
        }
    if (count == 1)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE,
                    count > 1 ? "%s=%s: several values are called like that"
                              : "%s=%s: no value is called like that",
                    s->field->name, typed);
    hint_values(s, count > 1 ? typed : "*", e);
    return STATUS_USAGE;
}

static unsigned lowest_bit(uint8_t mask)
{
    unsigned bit = 0;
    while (bit < 7 && (mask >> bit & 1) == 0)
        bit++;
    return bit;
}

static enum status assign(struct terminal *t, const struct setting *s, uint8_t value,
                          unsigned options, struct error *e)
{
    struct fuse_set wish;
    uint8_t before = 0;
    const bool known = present_value(t, s, &before);
    fuse_set_init(&wish, t->part);
    struct fuse_byte *byte = fuse_set_find(&wish, s->memory);
    if (byte == NULL)
        return error_set(e, STATUS_INTERNAL, "%s is no fuse or lock byte", s->memory->name);
    byte->given = s->field->mask;
    byte->value = (uint8_t)(~s->field->mask | (value << lowest_bit(s->field->mask)));
    TRY(session_set_fuses(t->session, &wish, t->job->allow, t->job->allow_count, e));
    if ((options & VERBOSE) != 0 || ((options & CONFIRM) != 0 && !(known && before == value)))
        put_present(t, s, options & ~(unsigned)VERBOSE);
    return STATUS_OK;
}

/* NAME=VALUE */
static enum status set(struct terminal *t, const struct settings_found *found, const char *typed,
                       unsigned options, struct error *e)
{
    uint8_t value = 0;
    if (found->count > 1) {
        (void)error_set(e, STATUS_USAGE, "several settings are called like that");
        for (size_t i = 0; i < found->count; i++)
            error_hint(e, "%s", found->items[i].field->name);
        return STATUS_USAGE;
    }
    if (t->cli->settings.no_write)
        return error_set(e, STATUS_REFUSED, "-n: nothing is written");
    TRY(session_may_change(t->session, e));
    TRY(find_value(&found->items[0], typed, &value, e));
    if (strcmp(fuse_value_meaning(found->items[0].field, value), "reserved") == 0)
        context_log(t->context, LOG_WARNING, "%s=%u is reserved, see the data sheet",
                    found->items[0].field->name, value);
    const enum status status = assign(t, &found->items[0], value, options, e);
    if (status != STATUS_OK)
        session_tell_state(t->session, e);
    return status;
}

static enum status configure(struct terminal *t, char *name, unsigned options, struct error *e)
{
    struct settings_found found;
    char *equals = strchr(name, '=');
    if (equals != NULL)
        *equals = '\0';
    TRY(find_settings(t, name, &found, e));
    if (equals != NULL && equals[1] != '\0')
        return set(t, &found, equals + 1, options, e);
    show(t, &found, equals != NULL, options);
    return STATUS_OK;
}

static enum status configure_words(struct terminal *t, const struct text_list *words,
                                   unsigned options, struct error *e)
{
    struct settings_found all;
    if (words->count > 1)
        return error_set(e, STATUS_USAGE, "one setting at a time, without blanks: NAME=VALUE");
    if (words->count > 0 && (options & ALL) != 0)
        return error_set(e, STATUS_USAGE, "-a shows all of them: no name goes with it");
    if (words->count > 0) {
        char *name = word_plain(words->items[0]);
        if (name == NULL)
            return error_set(e, STATUS_NO_MEMORY, "no memory for the command");
        const enum status status = configure(t, name, options, e);
        free(name);
        return status;
    }
    all_settings(t, &all);
    show(t, &all, (options & ALL) != 0, options);
    return STATUS_OK;
}

enum status terminal_config(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    unsigned options = 0;
    struct text_list words;
    enum status status = terminal_options(arguments, "favc", &options, &words, e);
    if (status == STATUS_OK)
        status = configure_words(t, &words, options, e);
    text_list_free(&words);
    return status;
}

/* --- the chip as it came -------------------------------------------------------------------- */

/* The erase left it alone. */
static enum status blank_eeprom(struct terminal *t, struct error *e)
{
    const struct memory *m = part_memory(t->part, MEMORY_EEPROM);
    uint8_t *blank = malloc(m->size);
    if (blank == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the bytes");
    memset(blank, 0xff, m->size);
    enum status status = cache_write(t->cache, m, m->base, blank, m->size, e);
    free(blank);
    return status == STATUS_OK ? cache_flush(t->cache, e) : status;
}

/* What ISP can write of them. */
static void factory_bytes(const struct terminal *t, struct fuse_set *out)
{
    fuse_set_init(out, t->part);
    fuse_set_factory(out);
    for (size_t i = 0; i < out->count; i++)
        if (!out->bytes[i].memory->writable)
            out->bytes[i].given = 0;
}

enum status terminal_factory(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    struct fuse_set wish;
    if (strcmp(arguments->items[0], "reset") != 0)
        return error_set(e, STATUS_USAGE, "the word behind it is reset, in full");
    const bool keeps = session_eeprom_fate(t->session) == EEPROM_KEPT;
    TRY(cache_erase(t->cache, e));
    if (keeps)
        TRY(blank_eeprom(t, e));
    factory_bytes(t, &wish);
    return session_set_fuses(t->session, &wish, t->job->allow, t->job->allow_count, e);
}
