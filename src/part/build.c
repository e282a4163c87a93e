#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instructions.h"

enum {
    BYTES_MAX = 1 << 24 /* what 4D 00 ext 00 could reach, in words */,
    MICROSECONDS_MAX = 10000000
};

struct building {
    const struct part_library *library;
    struct settings settings;
    struct part *part;
    struct memory *memories;
    const struct field_definition **definitions[STANDARD_COUNT]; /* beside memory.fields */
    enum poll_method poll;                                       /* unless a memory has its own */
    struct error *error;
};

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

/* ---- memories ---- */

static enum status parse_poll(const struct setting *setting, enum poll_method *out, struct error *e)
{
    static const char *const names[] = {
        [POLL_WAIT] = "wait", [POLL_READY] = "ready", [POLL_VALUE] = "value"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(setting->value, names[i]) == 0) {
            *out = (enum poll_method)i;
            return STATUS_OK;
        }
    return setting_error(setting, e, "\"%s\" is not wait, ready or value", setting->value);
}

/* `group` holds the key; memory.write_us, or fuses.write_us for fuse and lock bytes. */
static enum status read_times(struct building *b, const char *group, struct memory *m)
{
    struct settings *const s = &b->settings;
    const struct setting *const wait = settings_take_of(s, group, "write_us");
    const struct setting *const least = settings_take_of(s, group, "write_min_us");
    const struct setting *const poll = settings_take_of(s, group, "poll");
    if (setting_absent(wait)) {
        char key[32];
        (void)snprintf(key, sizeof key, "%s.write_us", group);
        return settings_missing(s, key, b->error);
    }
    TRY(setting_number(wait, MICROSECONDS_MAX, &m->write_us, b->error));
    TRY(setting_number_if(least, MICROSECONDS_MAX, &m->write_min_us, b->error));
    if (m->write_min_us > m->write_us)
        return setting_error(least, b->error, "more than write_us");
    if (!setting_absent(poll))
        return parse_poll(poll, &m->poll, b->error);
    const bool bits = m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
    m->poll = bits && b->poll == POLL_VALUE ? POLL_WAIT : b->poll;
    return STATUS_OK;
}

static enum status read_instructions(struct building *b, const char *name, struct memory *m)
{
    const struct setting *const read = settings_take_of(&b->settings, name, "read");
    const struct setting *const write = settings_take_of(&b->settings, name, "write");
    if (read != NULL)
        TRY(instruction_parse(read, '<', m->isp.read, b->error));
    if (write != NULL)
        TRY(instruction_parse(write, '>', m->isp.write, b->error));
    return STATUS_OK;
}

/* A memory that a part lacks, although its family has one: its keys mean nothing. */
static void skip_memory(struct building *b, const char *name)
{
    static const char *const keys[] = {"base", "page", "write_us", "write_min_us", "poll",
                                       "busy", "read", "write",    "initial"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        (void)settings_take_of(&b->settings, name, keys[i]);
}

static struct memory *add_memory(struct building *b, int standard)
{
    struct memory *const m = &b->memories[b->part->memory_count++];
    *m = standard_memories[standard];
    return m;
}

/* flash and eeprom */
static enum status read_array(struct building *b, int standard)
{
    struct settings *const s = &b->settings;
    const char *const name = standard_memories[standard].name;
    const struct setting *const size = settings_take_of(s, name, "size");
    if (size == NULL) {
        char key[32];
        (void)snprintf(key, sizeof key, "%s.size", name);
        return settings_missing(s, key, b->error);
    }
    if (setting_absent(size)) {
        skip_memory(b, name);
        return STATUS_OK;
    }
    struct memory *const m = add_memory(b, standard);
    const struct setting *const page = settings_take_of(s, name, "page");
    const struct setting *const base = settings_take_of(s, name, "base");
    const struct setting *const busy = settings_take_of(s, name, "busy");
    TRY(setting_number(size, BYTES_MAX, &m->size, b->error));
    TRY(setting_number_if(page, BYTES_MAX, &m->page_size, b->error));
    TRY(setting_number_if(base, BYTES_MAX, &m->base, b->error));
    if (m->size == 0)
        return setting_error(size, b->error,
                             "0 bytes; \"none\" means that there is no such memory");
    if (m->page_size != 0 && m->size % m->page_size != 0)
        return setting_error(page, b->error, "pages of %lu bytes do not divide %lu bytes",
                             (unsigned long)m->page_size, (unsigned long)m->size);
    TRY(read_times(b, name, m));
    if (!setting_absent(busy)) {
        size_t count = 0;
        TRY(setting_bytes(busy, m->poll_values, sizeof m->poll_values, &count, b->error));
        m->poll_value_count = (uint8_t)count;
    }
    TRY(read_instructions(b, name, m));
    if (m->page_size != 0 && m->kind == MEMORY_FLASH)
        memset(m->isp.write, 0, sizeof m->isp.write); /* 40 and 48 only load the page buffer */
    if (m->page_size == 0) {
        memset(m->isp.load, 0, sizeof m->isp.load);
        m->isp.commit = (struct isp_command){.present = false};
    }
    m->writable = true;
    return STATUS_OK;
}

/* Bits that ISP can change: those an instruction carries, and never SPIEN ("not accessible in
 * serial programming mode": ATmega328P data sheet, "Fuse Bits", and alike in all others). */
static uint8_t writable_bits(const struct memory *m)
{
    const struct isp_command *const write = &m->isp.write[0];
    unsigned bits = write->present ? m->mask : 0;
    unsigned carried = write->map_count == 0 ? 0xff : 0;
    for (size_t i = 0; i < write->map_count; i++)
        carried |= write->maps[i].mask;
    const struct field *const spien = memory_field(m, "SPIEN");
    return (uint8_t)(bits & carried & ~(spien != NULL ? (unsigned)spien->mask : 0u));
}

/* A fuse byte or the lock byte: what its fields say is there. */
static enum status read_bits(struct building *b, int standard)
{
    struct settings *const s = &b->settings;
    const char *const name = standard_memories[standard].name;
    const struct setting *const fields = settings_take_of(s, name, "fields");
    const struct setting *const initial = settings_take_of(s, name, "initial");
    if (setting_absent(fields)) {
        if (standard == STANDARD_LOCK)
            return settings_missing(s, "lock.fields", b->error);
        if (!setting_absent(initial) && fields == NULL)
            return setting_error(initial, b->error, "without %s.fields", name);
        skip_memory(b, name);
        return STATUS_OK;
    }
    const size_t index = b->part->memory_count;
    struct memory *const m = add_memory(b, standard);
    struct field *placed = NULL;
    TRY(fields_place(fields, b->library->sections, b->library->fields, b->library->arena, &placed,
                     &b->definitions[index], &m->field_count, b->error));
    m->fields = placed;
    m->mask = 0;
    for (size_t i = 0; i < m->field_count; i++)
        m->mask |= placed[i].mask;
    uint32_t value = 0xff; /* lock bits are unprogrammed in every new chip */
    TRY(setting_number_if(initial, 0xff, &value, b->error));
    m->initial = (uint8_t)value;
    m->initial_known = initial != NULL ? !setting_absent(initial) : standard == STANDARD_LOCK;
    TRY(read_times(b, "fuses", m));
    TRY(read_instructions(b, name, m));
    m->write_mask = writable_bits(m);
    m->writable = m->write_mask != 0;
    return STATUS_OK;
}

/* signature, calibration, usersig: only ever read */
static enum status read_constant(struct building *b, int standard)
{
    const char *const name = standard_memories[standard].name;
    const struct setting *const size = settings_take_of(&b->settings, name, "size");
    if (setting_absent(size) && standard != STANDARD_SIGNATURE)
        return STATUS_OK;
    struct memory *const m = add_memory(b, standard);
    if (!setting_absent(size))
        TRY(setting_number(size, BYTES_MAX, &m->size, b->error));
    return read_instructions(b, name, m);
}

static enum status read_memories(struct building *b)
{
    b->memories = arena_alloc(b->library->arena, STANDARD_COUNT * sizeof *b->memories);
    if (b->memories == NULL)
        return part_no_memory(b->error);
    b->part->memories = b->memories;
    TRY(read_array(b, STANDARD_FLASH));
    TRY(read_array(b, STANDARD_EEPROM));
    for (int i = STANDARD_FUSE; i <= STANDARD_LOCK; i++)
        TRY(read_bits(b, i));
    for (int i = STANDARD_SIGNATURE; i <= STANDARD_USERSIG; i++)
        TRY(read_constant(b, i));
    return STATUS_OK;
}

/* ---- boot section ---- */

static int compare_sizes(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* From the values of BOOTSZ, which are named by words: 512W. */
static enum status read_boot_field(struct building *b, const struct field *bootsz)
{
    uint32_t *const sizes = arena_alloc(b->library->arena, bootsz->value_count * sizeof *sizes);
    if (sizes == NULL)
        return part_no_memory(b->error);
    for (size_t i = 0; i < bootsz->value_count; i++) {
        uint32_t words = 0;
        const char *const rest = number_scan(bootsz->values[i].name, BYTES_MAX / 2, &words);
        if (rest == NULL || strcmp(rest, "W") != 0) {
            const struct section *const s = b->settings.section;
            return text_error(s->text, s->line, b->error,
                              "[%s]: a value of BOOTSZ is named \"%s\", not by words such as 512W",
                              s->title, bootsz->values[i].name);
        }
        sizes[i] = words * 2;
    }
    qsort(sizes, bootsz->value_count, sizeof *sizes, compare_sizes);
    b->part->boot_sizes = sizes;
    b->part->boot_size_count = bootsz->value_count;
    return STATUS_OK;
}

static enum status read_boot(struct building *b)
{
    const struct setting *const fixed = settings_take(&b->settings, "boot");
    for (size_t i = 0; i < b->part->memory_count; i++) {
        const struct field *const bootsz = memory_field(&b->memories[i], "BOOTSZ");
        if (bootsz == NULL)
            continue;
        if (!setting_absent(fixed))
            return setting_error(fixed, b->error, "a part with BOOTSZ has no fixed boot section");
        return read_boot_field(b, bootsz);
    }
    if (setting_absent(fixed))
        return STATUS_OK;
    uint32_t *const size = arena_alloc(b->library->arena, sizeof *size);
    if (size == NULL)
        return part_no_memory(b->error);
    b->part->boot_sizes = size;
    b->part->boot_size_count = 1;
    return setting_number(fixed, BYTES_MAX, size, b->error);
}

/* ---- hazards ---- */

struct hazard_text {
    const char *caption;
    const char *cure; /* NULL: depends on the interfaces the part has */
};

/* Data sheets, "Fuse Bits", "System Clock and Clock Options", "Memory Lock Bits". */
static const struct hazard_text hazard_texts[] = {
    [HAZARD_RESET_DISABLE] = {"RESET becomes a port pin: ISP can no longer be entered", NULL},
    [HAZARD_DEBUGWIRE] = {"debugWIRE takes the RESET pin over: ISP can no longer be entered", NULL},
    [HAZARD_EXTERNAL_CLOCK] = {"needs a clock signal on the clock input; without one the chip does "
                               "not answer over ISP",
                               "feed a square wave of about 1 MHz to XTAL1/CLKI and rewrite the "
                               "fuse"},
    [HAZARD_CRYSTAL] = {"needs a crystal, resonator or RC network; without it the chip does not "
                        "answer over ISP",
                        "connect one, or feed a square wave to XTAL1, and rewrite the fuse"},
    [HAZARD_SLOW_CLOCK] = {"runs at 32 to 128 kHz, less if divided: SCK must stay below a quarter "
                           "of that",
                           "a slower SCK"},
    [HAZARD_CLOCK_DIVIDED] = {"clock divided by 8: SCK must stay below a quarter of the divided "
                              "clock",
                              "a slower SCK"},
    [HAZARD_SPI_DISABLE] = {"serial programming off; the chip ignores this bit when it is written "
                            "over ISP",
                            NULL},
    [HAZARD_LOCK] = {"flash, EEPROM and fuses can no longer be written, and perhaps not read",
                     "a chip erase"},
    [HAZARD_OTHER] = {NULL, "rewrite the fuse"},
};

static bool has_interface(const struct part *part, const char *name)
{
    for (size_t i = 0; i < part->interface_count; i++)
        if (strcmp(part->interfaces[i], name) == 0)
            return true;
    return false;
}

/* How the part is reached when ISP is shut. */
static const char *other_way_in(const struct part *part, enum hazard_kind kind)
{
    const bool parallel = has_interface(part, "hvpp"), serial = has_interface(part, "hvsp");
    if (kind == HAZARD_DEBUGWIRE)
        return parallel ? "a debugWIRE tool, or high-voltage parallel programming"
               : serial ? "a debugWIRE tool, or high-voltage serial programming"
                        : "a debugWIRE tool";
    if (kind == HAZARD_SPI_DISABLE && has_interface(part, "jtag"))
        return "JTAG, or high-voltage parallel programming";
    return parallel ? "high-voltage parallel programming"
           : serial ? "high-voltage serial programming"
                    : "none is known: the part has no high-voltage programming";
}

static enum status add_hazard(struct building *b, struct hazard *out, const struct memory *m,
                              const struct field *field, const struct field_hazard *from)
{
    uint8_t *const values = arena_alloc(b->library->arena, from->value_count);
    if (values == NULL)
        return part_no_memory(b->error);
    for (size_t i = 0; i < from->value_count; i++)
        values[i] = (uint8_t)(from->values[i] << field_shift(field->mask));
    const struct hazard_text *const usual = &hazard_texts[from->kind];
    const char *const cure = usual->cure != NULL ? usual->cure : other_way_in(b->part, from->kind);
    *out = (struct hazard){
        .kind = from->kind,
        .memory = m,
        .mask = field->mask,
        .values = values,
        .value_count = from->value_count,
        .caption = from->caption != NULL ? from->caption : usual->caption,
        .recovery = from->cure != NULL ? from->cure : cure,
    };
    return STATUS_OK;
}

static enum status read_hazards(struct building *b)
{
    struct part *const part = b->part;
    size_t room = 0;
    for (size_t i = 0; i < part->memory_count; i++)
        for (size_t j = 0; j < b->memories[i].field_count; j++)
            room += b->definitions[i][j]->hazard_count;
    struct hazard *const hazards = arena_alloc(b->library->arena, room * sizeof *hazards);
    if (hazards == NULL)
        return part_no_memory(b->error);
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *const m = &b->memories[i];
        for (size_t j = 0; j < m->field_count; j++) {
            const struct field_definition *const d = b->definitions[i][j];
            for (size_t k = 0; k < d->hazard_count; k++)
                TRY(add_hazard(b, &hazards[part->hazard_count++], m, &m->fields[j],
                               &d->hazards[k]));
        }
    }
    part->hazards = hazards;
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
    if (at != NULL && *at == ' ')
        at = number_scan(at + 1, 0xff, &value);
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
    TRY(parse_poll(poll, &part->erase_poll, b->error));
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

static enum status read_part(struct building *b)
{
    struct settings *const s = &b->settings;
    struct part *const part = b->part;
    const struct setting *const poll = settings_take(s, "poll");
    const struct setting *const interfaces = settings_take(s, "interfaces");
    const struct setting *const notes = settings_take(s, "notes");
    settings_take_own(s, "aliases");
    settings_take_own(s, "signature");
    settings_take_own(s, "twin_of");
    if (setting_absent(poll))
        return settings_missing(s, "poll", b->error);
    if (setting_absent(interfaces))
        return settings_missing(s, "interfaces", b->error);
    TRY(parse_poll(poll, &b->poll, b->error));
    TRY(setting_words(interfaces, b->library->arena, &part->interfaces, &part->interface_count,
                      b->error));
    part->notes = setting_absent(notes) ? NULL : notes->value;
    TRY(take_text(b, "series", &part->series));
    TRY(read_sources(b));
    TRY(read_numbers(b));
    TRY(read_enable(b));
    TRY(read_erase(b));
    TRY(read_pins(b));
    TRY(read_memories(b));
    TRY(read_boot(b));
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
    };
    memcpy(b.part->signature, identity->signature, sizeof b.part->signature);
    TRY(settings_collect(&b.settings, s, library->sections, library->arena, e));
    TRY(read_part(&b));
    TRY(read_hazards(&b));
    for (size_t i = 0; i < b.part->memory_count; i++)
        b.part->reset_as_io |= memory_field(&b.memories[i], "RSTDISBL") != NULL;
    *out = b.part;
    return STATUS_OK;
}
