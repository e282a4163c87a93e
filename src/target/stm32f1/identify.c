/* Who it is: DBGMCU_IDCODE, the size register, and what the option bytes have made of it. A reading
 * is believed only if the programmer says that it came from the chip, and came twice. */
#include <inttypes.h>
#include <stdio.h>

#include "stm32f1.h"

enum { DEV_ID_MASK = 0xfff };

/* RM0008, "Debug MCU configuration": DEV_ID, and what the data sheets offer of it. */
static const struct density {
    uint16_t id;
    uint16_t least_kib, most_kib;
} densities[] = {{0x410, 64, 128}, {0x412, 16, 32},   {0x414, 256, 512}, {0x418, 64, 256},
                 {0x420, 16, 128}, {0x428, 256, 512}, {0x430, 768, 1024}};

static const struct density *density_of(uint32_t id)
{
    for (size_t i = 0; i < sizeof densities / sizeof densities[0]; i++)
        if (densities[i].id == id)
            return &densities[i];
    return NULL;
}

static enum status unreadable_id(uint32_t idcode, struct error *e)
{
    (void)error_set(e, STATUS_NO_TARGET, "the chip answers, but its chip id reads as 0x%03" PRIx32,
                    idcode & DEV_ID_MASK);
    error_hint(e, "check, likeliest first:");
    error_hint(e, "- SWDIO (DIO) and SWCLK (CLK): they may be swapped, or not in contact");
    error_hint(e, "- the supply of the board, and its ground, which must be the programmer's, too");
    error_hint(e, "- wires that are too long for this clock: -B 480kHz");
    return e->code;
}

/* Reads the id twice, and CPUID with it. */
static enum status read_id(struct target *t, uint32_t *idcode, struct error *e)
{
    struct stm32f1 *self = t->state;
    struct swd_word words[] = {
        {.address = CPUID}, {.address = DBGMCU_IDCODE}, {.address = DBGMCU_IDCODE}};
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    const uint32_t id = words[1].value & DEV_ID_MASK;
    if (words[1].value != words[2].value) {
        t->unreliable = true;
        (void)error_set(e, STATUS_NO_TARGET,
                        "the connection is unreliable: the chip id reads as 0x%03" PRIx32
                        " and then as 0x%03" PRIx32,
                        id, words[2].value & DEV_ID_MASK);
        error_hint(e, "use shorter wires, a good ground, or a slower clock: -B 480kHz");
        return e->code;
    }
    if (id == 0 || id == DEV_ID_MASK || words[1].value == DBGMCU_IDCODE)
        return unreadable_id(words[1].value, e);
    self->cpuid = words[0].value;
    *idcode = words[1].value;
    return STATUS_OK;
}

enum status stm32f1_read_protection(struct target *t, struct error *e)
{
    struct stm32f1 *self = t->state;
    struct swd_word words[] = {{.address = FLASH_REGISTERS + FLASH_OBR},
                               {.address = FLASH_REGISTERS + FLASH_WRPR}};
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    self->obr = words[0].value;
    self->wrpr = words[1].value;
    return STATUS_OK;
}

/* The size register, if it can be believed; else the least that such chips have. */
static enum status read_size(struct target *t, const struct density *density, uint16_t *kib,
                             struct error *e)
{
    struct stm32f1 *self = t->state;
    uint32_t word = 0;
    self->flash_kib = 0;
    const enum status status = stm32f1_read_word(t, FLASH_SIZE, &word, e);
    if (status != STATUS_OK && status != STATUS_PROTECTED)
        return status;
    *e = (struct error){0};
    *kib = (uint16_t)word;
    if (status == STATUS_OK && *kib >= density->least_kib && *kib <= density->most_kib) {
        self->flash_kib = *kib;
        return STATUS_OK;
    }
    context_log(t->context, LOG_WARNING,
                "the size register reads as %u KiB, which no such chip has: a sign of %s; taken to "
                "have %u KiB, -p tells otherwise",
                *kib,
                (self->obr & OBR_PROTECTED) != 0 ? "its read protection"
                                                 : "read protection or of a halt that failed",
                density->least_kib);
    *kib = density->least_kib;
    return STATUS_OK;
}

/* RM0008, "Unique device ID register (96 bits)"; a chip that keeps it to itself is none the worse.
 */
static enum status tell_uid(struct target *t, struct error *e)
{
    enum { UID = 0x1ffff7e8 };
    struct swd_word words[] = {{.address = UID}, {.address = UID + 4}, {.address = UID + 8}};
    char text[32];
    const enum status status = stm32f1_words(t, words, sizeof words / sizeof words[0], e);
    if (status != STATUS_OK && status != STATUS_PROTECTED)
        return status;
    *e = (struct error){0};
    if (status == STATUS_PROTECTED)
        return STATUS_OK;
    (void)snprintf(text, sizeof text, "%08" PRIx32 " %08" PRIx32 " %08" PRIx32, words[0].value,
                   words[1].value, words[2].value);
    context_value(t->context, "uid", text, NULL, 0);
    return STATUS_OK;
}

/* By the part, once it is known; nothing on the chip tells it. */
static void tell_sram(struct target *t)
{
    char text[16];
    if (t->part->sram_size == 0)
        return;
    (void)snprintf(text, sizeof text, "%" PRIu32 " KiB", t->part->sram_size / 1024);
    context_value(t->context, "sram", text, NULL, 0);
}

void stm32f1_selected(struct target *t)
{
    if (t->answers)
        tell_sram(t);
}

static void tell(struct target *t, uint32_t idcode, uint16_t kib)
{
    const struct stm32f1 *self = t->state;
    char text[48];
    (void)snprintf(text, sizeof text, "0x%03" PRIx32, idcode & DEV_ID_MASK);
    context_value(t->context, "chip-id", text, NULL, 0);
    (void)snprintf(text, sizeof text, "0x%08" PRIx32, self->core_id);
    context_value(t->context, "core-id", text, NULL, 0);
    (void)snprintf(text, sizeof text, "%u KiB", kib);
    context_value(t->context, "flash-size", text, NULL, 0);
    context_value(t->context, "protection",
                  (self->obr & OBR_PROTECTED) != 0 ? "read protected"
                  : self->wrpr != UINT32_MAX       ? "write protected in part"
                                                   : "none",
                  NULL, 0);
}

enum status stm32f1_identify(struct target *t, uint8_t signature[3], struct error *e)
{
    uint32_t idcode = 0;
    uint16_t kib = 0;
    TRY(read_id(t, &idcode, e));
    TRY(stm32f1_read_protection(t, e));
    const uint32_t id = idcode & DEV_ID_MASK;
    const struct density *density = density_of(id);
    if (density != NULL)
        TRY(read_size(t, density, &kib, e));
    tell(t, idcode, kib);
    tell_sram(t);
    TRY(tell_uid(t, e));
    signature[0] = (uint8_t)(id >> 8);
    signature[1] = (uint8_t)id;
    signature[2] = (uint8_t)(kib / 16);
    return STATUS_OK;
}

/* By the debug port: all of ST's are Cortex-M3 r1 (RM0008, "Debug support (DBG)"). */
bool stm32f1_is_clone(const struct target *t, const struct part *part, char *out, size_t capacity)
{
    const struct stm32f1 *self = t->state;
    if (part->core_id == 0 || self->core_id == part->core_id)
        return false;
    (void)snprintf(out, capacity,
                   "its debug port has the id 0x%08" PRIx32 " instead of 0x%08" PRIx32
                   ", its core is 0x%08" PRIx32,
                   self->core_id, part->core_id, self->cpuid);
    return true;
}
