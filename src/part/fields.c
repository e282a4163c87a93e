#include "fields.h"

#include <stdio.h>
#include <string.h>

enum { CLOCK_MAX_HZ = 100000000 };

unsigned field_shift(uint8_t mask)
{
    unsigned shift = 0;
    while ((mask >> shift & 1) == 0)
        shift++;
    return shift;
}

static const char *const hazard_names[] = {
    [HAZARD_RESET_DISABLE] = "reset-disable",
    [HAZARD_DEBUGWIRE] = "debugwire",
    [HAZARD_EXTERNAL_CLOCK] = "external-clock",
    [HAZARD_CRYSTAL] = "crystal",
    [HAZARD_SLOW_CLOCK] = "slow-clock",
    [HAZARD_CLOCK_DIVIDED] = "clock-divided",
    [HAZARD_SPI_DISABLE] = "spi-disable",
    [HAZARD_LOCK] = "lock",
    [HAZARD_OTHER] = "other",
};
enum { HAZARD_KINDS = sizeof hazard_names / sizeof hazard_names[0] };

const char *part_hazard_name(enum hazard_kind kind)
{
    return hazard_names[kind];
}

bool hazard_kind_find(const char *name, enum hazard_kind *out)
{
    for (size_t i = 0; i < HAZARD_KINDS; i++)
        if (strcmp(name, hazard_names[i]) == 0) {
            *out = (enum hazard_kind)i;
            return true;
        }
    return false;
}

/* ---- definitions ---- */

/* "0 2-5 0x0c": single values and ranges. */
static enum status parse_values(const struct setting *setting, struct arena *arena, uint8_t **out,
                                size_t *count, struct error *e)
{
    bool listed[256] = {false};
    size_t n = 0;
    const char *at = setting->value;
    while (*at != '\0') {
        uint32_t first = 0, last = 0;
        at = number_scan(at, 0xff, &first);
        last = first;
        if (at != NULL && *at == '-')
            at = number_scan(at + 1, 0xff, &last);
        if (at == NULL || last < first || (*at != ' ' && *at != '\0'))
            return setting_error(setting, e, "\"%s\" is not a list of values such as 0 4-7",
                                 setting->value);
        for (uint32_t value = first; value <= last; value++) {
            n += listed[value] ? 0 : 1;
            listed[value] = true;
        }
        at += strspn(at, " ");
    }
    uint8_t *const values = arena_alloc(arena, n);
    if (values == NULL)
        return part_no_memory(e);
    *out = values;
    *count = n;
    for (size_t value = 0, i = 0; value < 256; value++)
        if (listed[value])
            values[i++] = (uint8_t)value;
    return STATUS_OK;
}

/* "external-clock = 0 16 32", "external-clock.text = ...", "external-clock.cure = ..." */
static enum status read_hazards(struct settings *settings, struct arena *arena,
                                struct field_definition *d, struct error *e)
{
    d->hazards = arena_alloc(arena, HAZARD_KINDS * sizeof *d->hazards);
    if (d->hazards == NULL)
        return part_no_memory(e);
    for (size_t i = 0; i < HAZARD_KINDS; i++) {
        const struct setting *const values = settings_take(settings, hazard_names[i]);
        if (values == NULL)
            continue;
        struct field_hazard *const hazard = &d->hazards[d->hazard_count++];
        hazard->kind = (enum hazard_kind)i;
        TRY(parse_values(values, arena, &hazard->values, &hazard->value_count, e));
        const struct setting *const text = settings_take_of(settings, hazard_names[i], "text");
        const struct setting *const cure = settings_take_of(settings, hazard_names[i], "cure");
        hazard->caption = text != NULL ? text->value : NULL;
        hazard->cure = cure != NULL ? cure->value : NULL;
        if (hazard->kind == HAZARD_OTHER && text == NULL)
            return settings_missing(settings, "other.text", e);
    }
    return STATUS_OK;
}

/* What is left: "0x22 = INTRCOSC_6CK_65MS: Internal RC oscillator, start-up 6 CK + 65 ms". */
static enum status read_values(struct settings *settings, struct arena *arena,
                               struct field_definition *d, struct error *e)
{
    d->values = arena_alloc(arena, (settings->count + 1) * sizeof *d->values);
    if (d->values == NULL)
        return part_no_memory(e);
    for (size_t i = 0; i < settings->count; i++) {
        struct setting *const item = &settings->items[i];
        uint32_t value = 0;
        if (item->taken || item->key[0] < '0' || item->key[0] > '9')
            continue;
        const char *const rest = number_scan(item->key, 0xff, &value);
        const char *const colon = strchr(item->value, ':');
        if (rest == NULL || *rest != '\0')
            return setting_error(item, e, "is not a value from 0 to 255");
        if (colon == NULL || colon == item->value || colon[1] != ' ')
            return setting_error(item, e, "a value is NAME: what it means");
        for (size_t j = 0; j < d->value_count; j++)
            if (d->values[j].value == value)
                return setting_error(item, e, "this value is already named %s", d->values[j].name);
        const char *const name = arena_text(arena, item->value, (size_t)(colon - item->value));
        if (name == NULL)
            return part_no_memory(e);
        d->values[d->value_count++] = (struct field_value){
            .value = (uint8_t)value, .name = name, .caption = colon + 1 + strspn(colon + 1, " ")};
        item->taken = true;
    }
    return STATUS_OK;
}

static struct field_value *value_of(struct field_definition *d, uint8_t value)
{
    for (size_t i = 0; i < d->value_count; i++)
        if (d->values[i].value == value)
            return &d->values[i];
    return NULL;
}

/* "clock.8000000", "clock.400000-900000", "clock.8000000-" (up to what the part bears). */
static enum status parse_clock(const struct setting *setting, uint32_t *min_hz, uint32_t *max_hz,
                               struct error *e)
{
    const char *at = number_scan(strchr(setting->key, '.') + 1, CLOCK_MAX_HZ, min_hz);
    *max_hz = at != NULL ? *min_hz : 0;
    if (at != NULL && strcmp(at, "-") == 0) {
        *max_hz = UINT32_MAX;
        return STATUS_OK;
    }
    if (at != NULL && *at == '-')
        at = number_scan(at + 1, CLOCK_MAX_HZ, max_hz);
    if (at == NULL || *at != '\0' || *max_hz < *min_hz || *max_hz == 0)
        return setting_error(setting, e, "the clock is HZ, MIN-MAX or MIN-");
    return STATUS_OK;
}

/* "clock.8000000 = 0x02 0x12 0x22": what these values clock the chip with. */
static enum status read_clocks(struct settings *settings, struct arena *arena,
                               struct field_definition *d, struct error *e)
{
    for (size_t i = 0; i < settings->count; i++) {
        struct setting *const item = &settings->items[i];
        uint32_t min_hz = 0, max_hz = 0;
        uint8_t *values = NULL;
        size_t count = 0;
        if (item->taken || strncmp(item->key, "clock.", strlen("clock.")) != 0)
            continue;
        TRY(parse_clock(item, &min_hz, &max_hz, e));
        TRY(parse_values(item, arena, &values, &count, e));
        for (size_t j = 0; j < count; j++) {
            struct field_value *const value = value_of(d, values[j]);
            if (value == NULL || value->clock_max_hz != 0)
                return setting_error(item, e, "value 0x%02x %s", values[j],
                                     value == NULL ? "has no name" : "has a clock already");
            value->clock_min_hz = min_hz;
            value->clock_max_hz = max_hz;
        }
        item->taken = true;
    }
    return STATUS_OK;
}

static enum status read_definition(struct section *s, const struct section_list *all,
                                   struct arena *arena, const struct field_definition **out,
                                   struct field_library *library, struct error *e)
{
    for (struct field_definition *d = library->first; d != NULL; d = d->next)
        if (d->section == s) {
            *out = d;
            return STATUS_OK;
        }
    struct settings settings;
    TRY(settings_collect(&settings, s, all, arena, e));
    struct field_definition *const d = arena_alloc(arena, sizeof *d);
    if (d == NULL)
        return part_no_memory(e);
    d->section = s;
    d->name = arena_text(arena, s->name, strcspn(s->name, "/"));
    const struct setting *const caption = settings_take(&settings, "caption");
    if (caption == NULL)
        return settings_missing(&settings, "caption", e);
    if (d->name == NULL)
        return part_no_memory(e);
    d->caption = caption->value;
    TRY(read_hazards(&settings, arena, d, e));
    TRY(read_values(&settings, arena, d, e));
    TRY(read_clocks(&settings, arena, d, e));
    TRY(settings_all_taken(&settings, e));
    d->next = library->first;
    library->first = d;
    *out = d;
    return STATUS_OK;
}

/* ---- places ---- */

/* "7,5-0" before the colon. */
static enum status parse_place(const struct setting *setting, const char *word, uint8_t *mask,
                               const char **name, struct error *e)
{
    unsigned bits = 0;
    const char *at = word;
    for (;;) {
        uint32_t high = 0, low = 0;
        at = number_scan(at, 7, &high);
        low = high;
        if (at != NULL && *at == '-')
            at = number_scan(at + 1, 7, &low);
        if (at == NULL || low > high || (*at != ',' && *at != ':'))
            return setting_error(setting, e,
                                 "\"%s\" is not a place and a field, such as "
                                 "2-0:BODLEVEL",
                                 word);
        bits |= ((2u << (high - low)) - 1) << low;
        if (*at++ == ':')
            break;
    }
    *mask = (uint8_t)bits;
    *name = at;
    return STATUS_OK;
}

static bool fits(uint8_t value, uint8_t mask)
{
    return (((unsigned)value << field_shift(mask)) & ~(unsigned)mask) == 0;
}

static enum status check_fit(const struct setting *setting, const struct field *field,
                             const struct field_definition *d, struct error *e)
{
    for (size_t i = 0; i < d->value_count; i++)
        if (!fits(d->values[i].value, field->mask))
            return setting_error(setting, e, "value 0x%02x of [%s] has no room in these bits",
                                 d->values[i].value, d->section->title);
    for (size_t i = 0; i < d->hazard_count; i++)
        for (size_t j = 0; j < d->hazards[i].value_count; j++)
            if (!fits(d->hazards[i].values[j], field->mask))
                return setting_error(setting, e, "%s = %u of [%s] has no room in these bits",
                                     hazard_names[d->hazards[i].kind], d->hazards[i].values[j],
                                     d->section->title);
    return STATUS_OK;
}

static enum status place_one(const struct setting *setting, const char *word,
                             const struct section_list *all, struct field_library *library,
                             struct arena *arena, struct field *field,
                             const struct field_definition **definition, struct error *e)
{
    const char *name = NULL;
    char title[64];
    uint8_t mask = 0;
    TRY(parse_place(setting, word, &mask, &name, e));
    (void)snprintf(title, sizeof title, "field %s", name);
    struct section *const s = section_find(all, setting->text, title, NULL);
    if (s == NULL)
        return setting_error(setting, e, "there is no [%s]", title);
    TRY(read_definition(s, all, arena, definition, library, e));
    const struct field_definition *const d = *definition;
    *field = (struct field){.name = d->name,
                            .mask = mask,
                            .caption = d->caption,
                            .values = d->value_count > 0 ? d->values : NULL,
                            .value_count = d->value_count};
    return check_fit(setting, field, d, e);
}

enum status fields_place(const struct setting *setting, const struct section_list *all,
                         struct field_library *library, struct arena *arena, struct field **fields,
                         const struct field_definition ***definitions, size_t *count,
                         struct error *e)
{
    const char *const *words = NULL;
    size_t n = 0;
    TRY(setting_words(setting, arena, &words, &n, e));
    struct field *const placed = arena_alloc(arena, n * sizeof *placed);
    const struct field_definition **const meanings = arena_alloc(arena, n * sizeof(void *));
    if (placed == NULL || meanings == NULL)
        return part_no_memory(e);
    unsigned used = 0;
    for (size_t i = 0; i < n; i++) {
        TRY(place_one(setting, words[i], all, library, arena, &placed[i], &meanings[i], e));
        if ((used & placed[i].mask) != 0)
            return setting_error(setting, e, "%s lies on bits of another field", words[i]);
        used |= placed[i].mask;
    }
    *fields = placed;
    *definitions = meanings;
    *count = n;
    return STATUS_OK;
}
