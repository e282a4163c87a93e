#include "building.h"
#include "stm32f1.h"

#include <stdio.h>
#include <string.h>

/* ---- listing ---- */

static const struct setting *own(const struct section *s, const char *key)
{
    for (size_t i = 0; i < s->setting_count; i++)
        if (strcmp(s->settings[i].key, key) == 0)
            return &s->settings[i];
    return NULL;
}

enum status part_identify(const struct part_library *library, struct section *s,
                          struct part_identity *out, struct error *e)
{
    struct arena *const arena = library->arena;
    struct part_identity identity = {.name = s->name};
    size_t count = 0;
    TRY(section_read(s, arena, e));
    const struct setting *const signature = own(s, "signature");
    const struct setting *const aliases = own(s, "aliases");
    const struct setting *const twin = own(s, "twin_of");
    if (signature == NULL)
        return text_error(s->text, s->line, e, "[%s]: signature is missing", s->title);
    TRY(setting_bytes(signature, identity.signature, sizeof identity.signature, &count, e));
    if (count != sizeof identity.signature)
        return setting_error(signature, e, "a signature has three bytes");
    if (aliases != NULL) {
        TRY(setting_words(aliases, arena, &identity.aliases, &identity.alias_count, e));
        for (const char *c = aliases->value; *c != '\0'; c++)
            if (*c >= 'A' && *c <= 'Z')
                return setting_error(aliases, e, "aliases are written in lower case");
    }
    identity.twin_of = twin != NULL ? twin->value : NULL;
    identity.id = text_lower(arena, s->name);
    if (identity.id == NULL)
        return part_no_memory(e);
    *out = identity;
    return STATUS_OK;
}

/* ---- the part itself ---- */

static enum status take_text(struct building *b, const char *key, const char **out)
{
    const struct setting *const setting = settings_take(&b->settings, key);
    if (setting_absent(setting))
        return settings_missing(&b->settings, key, b->error);
    *out = setting->value;
    return STATUS_OK;
}

static enum status take_yes(struct building *b, const char *key, bool *out)
{
    const struct setting *const setting = settings_take(&b->settings, key);
    return setting_absent(setting) ? STATUS_OK : setting_yes(setting, out, b->error);
}

/* "reset PC6, mosi PB3, miso PB4, sck PB5" */
static enum status read_pins(struct building *b)
{
    struct part *const part = b->part;
    const struct {
        const char *name;
        const char **pin;
    } pins[] = {{"reset", &part->reset_pin},
                {"mosi", &part->mosi_pin},
                {"miso", &part->miso_pin},
                {"sck", &part->sck_pin}};
    const struct setting *const setting = settings_take(&b->settings, "pins");
    if (setting_absent(setting))
        return STATUS_OK;
    char *const text = arena_text(b->library->arena, setting->value, strlen(setting->value));
    if (text == NULL)
        return part_no_memory(b->error);
    char *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(text, " ,\t", &rest); word != NULL;
         word = strtok_r(NULL, " ,\t", &rest), count++) {
        const char *const pin = strtok_r(NULL, " ,\t", &rest);
        if (count >= 4 || strcmp(word, pins[count].name) != 0 || pin == NULL)
            return setting_error(setting, b->error,
                                 "is written as \"reset PC6, mosi PB3, miso PB4, sck PB5\"");
        *pins[count].pin = pin;
    }
    return count == 4 ? STATUS_OK
                      : setting_error(setting, b->error, "needs reset, mosi, miso and sck");
}

/* "2 0x53": the answer byte, counted from 0, and its value. "none": the part has no echo. */
static enum status read_enable(struct building *b)
{
    const struct setting *const setting = settings_take(&b->settings, "enable_reply");
    if (setting == NULL)
        return settings_missing(&b->settings, "enable_reply", b->error);
    b->part->enable_reply_byte = 2;
    if (setting_absent(setting))
        return STATUS_OK;
    uint32_t byte = 0, value = 0;
    const char *at = number_scan(setting->value, 3, &byte);
    at = at != NULL && *at == ' ' ? number_scan(at + 1, 0xff, &value) : NULL;
    if (at == NULL || *at != '\0' || byte < 2)
        return setting_error(setting, b->error, "is byte 2 or 3 and its value, or none");
    b->part->enable_reply_byte = (uint8_t)byte;
    b->part->enable_reply_value = (uint8_t)value;
    return STATUS_OK;
}

static enum status read_erase(struct building *b)
{
    struct settings *const s = &b->settings;
    struct part *const part = b->part;
    const struct setting *const wait = settings_take(s, "erase_us");
    const struct setting *const least = settings_take(s, "erase_min_us");
    const struct setting *const poll = settings_take(s, "erase_poll");
    if (setting_absent(wait))
        return settings_missing(s, "erase_us", b->error);
    TRY(setting_number(wait, MICROSECONDS_MAX, &part->erase_us, b->error));
    TRY(setting_number_if(least, MICROSECONDS_MAX, &part->erase_min_us, b->error));
    if (part->erase_min_us > part->erase_us)
        return setting_error(least, b->error, "more than erase_us");
    part->erase_poll = b->poll == POLL_READY ? POLL_READY : POLL_WAIT;
    part->chip_erase = standard_chip_erase;
    if (setting_absent(poll))
        return STATUS_OK;
    TRY(building_parse_poll(poll, &part->erase_poll, b->error));
    if (part->erase_poll == POLL_VALUE)
        return setting_error(poll, b->error, "is wait or ready");
    return STATUS_OK;
}

static enum status read_numbers(struct building *b)
{
    struct part *const part = b->part;
    uint32_t code = 0;
    TRY(setting_number_if(settings_take(&b->settings, "max_hz"), 100000000, &part->clock_max_hz,
                          b->error));
    TRY(setting_number_if(settings_take(&b->settings, "stk500"), 0xff, &code, b->error));
    part->stk500_code = (uint8_t)code;
    uint32_t divider = SCK_DIVIDER, supply_mv = 0;
    TRY(setting_number_if(settings_take(&b->settings, "sck_divider"), 0xff, &divider, b->error));
    TRY(setting_number_if(settings_take(&b->settings, "undivided_min_mv"), 10000, &supply_mv,
                          b->error));
    part->sck_divider = (uint8_t)divider;
    part->undivided_min_mv = (uint16_t)supply_mv;
    TRY(take_yes(b, "extended_address", &part->extended_address));
    TRY(take_yes(b, "reset_active_high", &part->reset_active_high));
    TRY(take_yes(b, "old_lock_hides_signature", &part->old_lock_hides_signature));
    return take_yes(b, "reenter_after_erase", &part->reenter_after_erase);
}

/* All sources in one line: "ATDF, avr-libc; pins: data sheet; times: ...". */
static enum status read_sources(struct building *b)
{
    static const char *const kinds[] = {"pins", "times"};
    char text[512];
    const char *values = NULL;
    TRY(take_text(b, "source", &values));
    size_t used = (size_t)snprintf(text, sizeof text, "%s", values);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct setting *const setting = settings_take_of(&b->settings, "source", kinds[i]);
        if (!setting_absent(setting) && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "; %s: %s", kinds[i],
                                     setting->value);
    }
    b->part->source = arena_text(b->library->arena, text, strlen(text));
    return b->part->source != NULL ? STATUS_OK : part_no_memory(b->error);
}

/* What is the AVRs' alone. */
static enum status read_avr(struct building *b)
{
    TRY(read_numbers(b));
    TRY(read_enable(b));
    TRY(read_erase(b));
    TRY(read_pins(b));
    TRY(building_read_memories(b));
    return building_read_boot(b);
}

/* The protocol that reaches the part; AVR serial programming if none is named. */
static enum status read_target(struct building *b)
{
    const struct setting *const target = settings_take(&b->settings, "target");
    if (setting_absent(target)) {
        const struct setting *const poll = settings_take(&b->settings, "poll");
        if (setting_absent(poll))
            return settings_missing(&b->settings, "poll", b->error);
        return building_parse_poll(poll, &b->poll, b->error);
    }
    if (strcmp(target->value, "stm32f1") != 0)
        return setting_error(target, b->error, "\"%s\" is not stm32f1; without it, it is an AVR",
                             target->value);
    b->part->family = PART_STM32F1;
    return STATUS_OK;
}

static enum status read_part(struct building *b)
{
    struct settings *const s = &b->settings;
    struct part *const part = b->part;
    const struct setting *const interfaces = settings_take(s, "interfaces");
    const struct setting *const notes = settings_take(s, "notes");
    settings_take_own(s, "aliases");
    settings_take_own(s, "signature");
    settings_take_own(s, "twin_of");
    TRY(read_target(b));
    if (setting_absent(interfaces))
        return settings_missing(s, "interfaces", b->error);
    TRY(setting_words(interfaces, b->library->arena, &part->interfaces, &part->interface_count,
                      b->error));
    part->notes = setting_absent(notes) ? NULL : notes->value;
    TRY(take_text(b, "series", &part->series));
    TRY(read_sources(b));
    switch (part->family) {
    case PART_AVR_ISP:
        TRY(read_avr(b));
        break;
    case PART_STM32F1:
        TRY(building_read_stm32f1(b));
        break;
    }
    return settings_all_taken(s, b->error);
}

enum status part_build(const struct part_library *library, struct section *s,
                       const struct part_identity *identity, const struct part **out,
                       struct error *e)
{
    struct building b = {.library = library, .error = e};
    b.part = arena_alloc(library->arena, sizeof *b.part);
    if (b.part == NULL)
        return part_no_memory(e);
    *b.part = (struct part){
        .id = identity->id,
        .name = identity->name,
        .aliases = identity->aliases,
        .alias_count = identity->alias_count,
        .family = PART_AVR_ISP,
        .twin_of = identity->twin_of,
    };
    memcpy(b.part->signature, identity->signature, sizeof b.part->signature);
    TRY(settings_collect(&b.settings, s, library->sections, library->arena, e));
    TRY(read_part(&b));
    TRY(building_read_hazards(&b));
    for (size_t i = 0; i < b.part->memory_count; i++)
        b.part->reset_as_io |= memory_field(&b.memories[i], "RSTDISBL") != NULL;
    *out = b.part;
    return STATUS_OK;
}
