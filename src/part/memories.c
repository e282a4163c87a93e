/* Memories as a part file describes them, and the sizes of the boot section. */
#include "building.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status building_parse_poll(const struct setting *setting, enum poll_method *out,
                                struct error *e)
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

static enum status missing_of(struct building *b, const char *memory, const char *key)
{
    char whole[32];
    (void)snprintf(whole, sizeof whole, "%s.%s", memory, key);
    return settings_missing(&b->settings, whole, b->error);
}

/* `group` holds the key; memory.write_us, or fuses.write_us for fuse and lock bytes. */
static enum status read_times(struct building *b, const char *group, struct memory *m)
{
    struct settings *const s = &b->settings;
    const struct setting *const wait = settings_take_of(s, group, "write_us");
    const struct setting *const least = settings_take_of(s, group, "write_min_us");
    const struct setting *const poll = settings_take_of(s, group, "poll");
    if (setting_absent(wait))
        return missing_of(b, group, "write_us");
    TRY(setting_number(wait, MICROSECONDS_MAX, &m->write_us, b->error));
    TRY(setting_number_if(least, MICROSECONDS_MAX, &m->write_min_us, b->error));
    if (m->write_min_us > m->write_us)
        return setting_error(least, b->error, "more than write_us");
    if (!setting_absent(poll))
        return building_parse_poll(poll, &m->poll, b->error);
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
    m->readable = m->isp.read[0].present;
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
    if (size == NULL)
        return missing_of(b, name, "size");
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

enum status building_place_fields(struct building *b, const struct setting *fields,
                                  const struct setting *initial, struct memory *m, size_t index)
{
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
    m->initial_known = !setting_absent(initial);
    if ((m->initial | m->mask) != 0xff)
        return setting_error(initial, b->error, "bits that no field has must be 1");
    return STATUS_OK;
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
            return missing_of(b, name, "fields");
        if (!setting_absent(initial) && fields == NULL)
            return setting_error(initial, b->error, "without %s.fields", name);
        skip_memory(b, name);
        return STATUS_OK;
    }
    const size_t index = b->part->memory_count;
    struct memory *const m = add_memory(b, standard);
    TRY(building_place_fields(b, fields, initial, m, index));
    if (initial == NULL)
        m->initial_known = standard == STANDARD_LOCK;
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

enum status building_read_memories(struct building *b)
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

enum status building_read_boot(struct building *b)
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
