#include "stm32f1.h"

#include <string.h>

#define OPTION_BYTE(title, type, place)                                               \
    {                                                                                 \
        .name = (title), .kind = (type), .base = 0x1ffff800 + 2 * (place), .size = 1, \
        .mask = 0xff, .readable = true                                                \
    }

/* PM0075, "Option byte description": a half-word each, of which the high byte is the complement.
 * RM0008, "Unique device ID register (96 bits)". */
const struct memory stm32f1_memories[STM32F1_MEMORIES] = {
    [STM32F1_FLASH] = {.name = "flash", .kind = MEMORY_FLASH, .readable = true, .writable = true},
    [STM32F1_RDP] = OPTION_BYTE("rdp", MEMORY_LOCK, 0),
    [STM32F1_USER] = OPTION_BYTE("user", MEMORY_FUSE, 1),
    [STM32F1_DATA0] = OPTION_BYTE("data0", MEMORY_FUSE, 2),
    [STM32F1_DATA1] = OPTION_BYTE("data1", MEMORY_FUSE, 3),
    [STM32F1_WRP0] = OPTION_BYTE("wrp0", MEMORY_FUSE, 4),
    [STM32F1_WRP1] = OPTION_BYTE("wrp1", MEMORY_FUSE, 5),
    [STM32F1_WRP2] = OPTION_BYTE("wrp2", MEMORY_FUSE, 6),
    [STM32F1_WRP3] = OPTION_BYTE("wrp3", MEMORY_FUSE, 7),
    [STM32F1_UID] =
        {.name = "uid", .kind = MEMORY_UID, .base = 0x1ffff7e8, .size = 12, .readable = true},
};

/* A number that has to be there. */
static enum status take_number(struct building *b, const char *key, uint32_t max, uint32_t *out)
{
    const struct setting *const setting = settings_take(&b->settings, key);
    if (setting_absent(setting))
        return settings_missing(&b->settings, key, b->error);
    return setting_number(setting, max, out, b->error);
}

/* "x_us" and "x_min_us" */
static enum status take_times(struct building *b, const char *key, const char *least_key,
                              uint32_t *most, uint32_t *least)
{
    TRY(take_number(b, key, MICROSECONDS_MAX, most));
    TRY(take_number(b, least_key, MICROSECONDS_MAX, least));
    if (*least > *most)
        return setting_error(settings_take(&b->settings, least_key), b->error, "more than %s", key);
    return STATUS_OK;
}

static enum status read_flash(struct building *b, struct memory *m)
{
    struct settings *const s = &b->settings;
    TRY(take_number(b, "flash.base", UINT32_MAX, &m->base));
    TRY(take_number(b, "flash.size", BYTES_MAX, &m->size));
    TRY(take_number(b, "flash.page", BYTES_MAX, &m->page_size));
    TRY(setting_number_if(settings_take(s, "flash.bank"), BYTES_MAX, &m->bank_size, b->error));
    TRY(take_times(b, "flash.write_us", "flash.write_min_us", &m->write_us, &m->write_min_us));
    TRY(take_times(b, "flash.erase_us", "flash.erase_min_us", &m->erase_us, &m->erase_min_us));
    if (m->page_size == 0 || m->size == 0 || m->size % m->page_size != 0 ||
        m->bank_size % m->page_size != 0)
        return setting_error(settings_take(s, "flash.page"), b->error,
                             "pages of %lu bytes do not divide %lu bytes",
                             (unsigned long)m->page_size, (unsigned long)m->size);
    return STATUS_OK;
}

static enum status read_option_byte(struct building *b, struct memory *m, size_t index)
{
    const struct setting *const fields = settings_take_of(&b->settings, m->name, "fields");
    const struct setting *const initial = settings_take_of(&b->settings, m->name, "initial");
    if (setting_absent(fields) || setting_absent(initial))
        return settings_missing(&b->settings, m->name, b->error);
    TRY(building_place_fields(b, fields, initial, m, index));
    m->write_mask = m->mask;
    m->writable = true;
    return STATUS_OK;
}

static enum status read_memories(struct building *b)
{
    struct memory *const memories =
        arena_alloc(b->library->arena, STM32F1_MEMORIES * sizeof *memories);
    if (memories == NULL)
        return part_no_memory(b->error);
    memcpy(memories, stm32f1_memories, sizeof stm32f1_memories);
    b->memories = memories;
    b->part->memories = memories;
    b->part->memory_count = STM32F1_MEMORIES;
    TRY(read_flash(b, &memories[STM32F1_FLASH]));
    for (size_t i = STM32F1_RDP; i <= STM32F1_WRP3; i++)
        TRY(read_option_byte(b, &memories[i], i));
    return STATUS_OK;
}

enum status building_read_stm32f1(struct building *b)
{
    struct part *const part = b->part;
    TRY(take_number(b, "core_id", UINT32_MAX, &part->core_id));
    TRY(take_number(b, "sram.size", BYTES_MAX, &part->sram_size));
    TRY(take_number(b, "max_hz", 100000000, &part->clock_max_hz));
    TRY(take_times(b, "erase_us", "erase_min_us", &part->erase_us, &part->erase_min_us));
    return read_memories(b);
}
