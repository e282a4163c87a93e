/* Option bytes, and the protection that is made of them. PM0075, "Option byte description", "Option
 * byte programming": they are erased together, and the chip counts as read protected until RDP is
 * written again. So it comes first, and all others are written back behind it. */
#include <string.h>

#include "stm32f1.h"

enum { OPTION_BYTES = 8, OPTIONS = 0x1ffff800, OPTION_SIZE = 2 * OPTION_BYTES, OPTION_WRP0 = 4 };

static size_t index_of(const struct memory *m)
{
    return (m->base - OPTIONS) / 2;
}

/* A half-word each, the low byte of which is the value. */
static enum status read_options(struct target *t, uint8_t bytes[OPTION_BYTES], struct error *e)
{
    struct swd_word words[OPTION_BYTES / 2];
    for (uint32_t i = 0; i < OPTION_BYTES / 2; i++)
        words[i] = (struct swd_word){.address = OPTIONS + 4 * i};
    TRY(stm32f1_words(t, words, OPTION_BYTES / 2, e));
    for (size_t i = 0; i < OPTION_BYTES; i++)
        bytes[i] = (uint8_t)(words[i / 2].value >> 16 * (i % 2));
    return STATUS_OK;
}

enum status stm32f1_read_bytes(struct target *t, const struct memory *const *memories,
                               uint8_t *values, size_t count, struct error *e)
{
    uint8_t bytes[OPTION_BYTES];
    TRY(read_options(t, bytes, e));
    for (size_t i = 0; i < count; i++)
        values[i] = bytes[index_of(memories[i])];
    return STATUS_OK;
}

static enum status erase_options(struct target *t, struct error *e)
{
    struct swd_word words[] = {
        {.address = FLASH_REGISTERS + FLASH_OPTKEYR, .value = FLASH_KEY1, .write = true},
        {.address = FLASH_REGISTERS + FLASH_OPTKEYR, .value = FLASH_KEY2, .write = true},
        {.address = FLASH_REGISTERS + FLASH_CR, .value = CR_OPTWRE | CR_OPTER, .write = true},
        {.address = FLASH_REGISTERS + FLASH_CR,
         .value = CR_OPTWRE | CR_OPTER | CR_STRT,
         .write = true}};
    TRY(stm32f1_unlock_flash(t, FLASH_REGISTERS, e));
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    return stm32f1_wait(t, FLASH_REGISTERS, t->part->erase_min_us, "erase of the option bytes", e);
}

/* Each with its complement, as the controller would make it. */
static enum status program_options(struct target *t, const uint8_t bytes[OPTION_BYTES],
                                   struct error *e)
{
    uint8_t data[OPTION_SIZE];
    for (size_t i = 0; i < OPTION_BYTES; i++) {
        data[2 * i] = bytes[i];
        data[2 * i + 1] = (uint8_t)~bytes[i];
    }
    const struct loader_job job = {.registers = FLASH_REGISTERS,
                                   .address = OPTIONS,
                                   .data = data,
                                   .size = sizeof data,
                                   .page_size = OPTION_SIZE,
                                   .control = CR_OPTWRE | CR_OPTPG,
                                   .page_us = t->part->erase_us}; /* where it lifts RDP */
    return stm32f1_program(t, &job, e);
}

static enum status write_options(struct target *t, const uint8_t bytes[OPTION_BYTES],
                                 struct error *e)
{
    uint8_t found[OPTION_BYTES];
    const bool leaving = t->context->leaving;
    TRY(context_check(t->context, e));
    t->context->leaving = true; /* between the two the chip counts as protected */
    enum status status = erase_options(t, e);
    if (status == STATUS_OK)
        status = program_options(t, bytes, e);
    if (status == STATUS_OK)
        status = stm32f1_write_word(t, FLASH_REGISTERS + FLASH_CR, CR_LOCK, e);
    if (status == STATUS_OK)
        status = read_options(t, found, e);
    t->context->leaving = leaving;
    if (status != STATUS_OK) {
        error_hint(e, "the option bytes may be erased, which protects the chip: `ispflash unlock` "
                      "brings it back");
        return error_in(e, "option bytes");
    }
    for (size_t i = 0; i < OPTION_BYTES; i++)
        if (found[i] != bytes[i])
            return error_set(e, STATUS_VERIFY,
                             "option byte %zu reads as 0x%02x after 0x%02x was written", i,
                             found[i], bytes[i]);
    return STATUS_OK;
}

enum status stm32f1_write_byte(struct target *t, const struct memory *m, uint8_t value,
                               struct error *e)
{
    uint8_t bytes[OPTION_BYTES];
    TRY(read_options(t, bytes, e));
    bytes[index_of(m)] = value;
    return write_options(t, bytes, e);
}

/* --- protection ----------------------------------------------------------------------------- */

enum status stm32f1_unlock(struct target *t, struct error *e)
{
    struct stm32f1 *self = t->state;
    const bool was_protected = (self->obr & OBR_PROTECTED) != 0;
    uint8_t bytes[OPTION_BYTES];
    TRY(read_options(t, bytes, e));
    bytes[0] = RDP_OFF;
    memset(bytes + OPTION_WRP0, 0xff, OPTION_BYTES - OPTION_WRP0);
    TRY(write_options(t, bytes, e));
    TRY(stm32f1_restart(t, e));
    if (was_protected && (self->obr & OBR_PROTECTED) != 0)
        context_log(t->context, LOG_NOTE,
                    "the protection is lifted, but holds until the chip has lost its power");
    return STATUS_OK;
}

/* A 0 of WRPR protects: "Write protection". */
bool stm32f1_write_protected(const struct target *t, uint32_t from, struct target_run *run)
{
    const struct stm32f1 *self = t->state;
    const struct memory *flash = part_memory(t->part, MEMORY_FLASH);
    for (uint32_t bit = from / PROTECTION_BLOCK; flash != NULL && bit < 32; bit++) {
        const uint32_t begin = bit * PROTECTION_BLOCK;
        if (begin >= flash->size)
            return false;
        if ((self->wrpr >> bit & 1) != 0)
            continue;
        const uint32_t left = flash->size - begin;
        *run = (struct target_run){.address = begin,
                                   .size = bit == 31 || left < PROTECTION_BLOCK ? left
                                                                                : PROTECTION_BLOCK};
        return true;
    }
    return false;
}

enum status stm32f1_unprotect(struct target *t, const struct target_run *runs, size_t count,
                              struct error *e)
{
    uint8_t bytes[OPTION_BYTES];
    TRY(read_options(t, bytes, e));
    for (size_t i = 0; i < count; i++) {
        const uint32_t bit = runs[i].address / PROTECTION_BLOCK;
        bytes[OPTION_WRP0 + (bit < 32 ? bit : 31) / 8] |=
            (uint8_t)(1u << (bit < 32 ? bit : 31) % 8);
    }
    TRY(write_options(t, bytes, e));
    return stm32f1_restart(t, e);
}
