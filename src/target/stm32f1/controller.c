/* The flash controller (FPEC): PM0075, "Reading/programming the embedded Flash memory". */
#include "stm32f1.h"

#include <inttypes.h>

enum { BUSY_LIMIT_US = 1000000 }; /* nothing takes a twentieth of that */

uint32_t stm32f1_registers(const struct memory *flash, uint32_t offset)
{
    const bool second = flash->bank_size != 0 && offset >= flash->bank_size;
    return FLASH_REGISTERS + (second ? FLASH_BANK_STEP : 0);
}

/* Keys that come while it is unlocked do no harm. A wrong one would lock it until the next reset.
 */
enum status stm32f1_unlock_flash(struct target *t, uint32_t registers, struct error *e)
{
    struct swd_word words[] = {
        {.address = registers + FLASH_CR},
        {.address = registers + FLASH_KEYR, .value = FLASH_KEY1, .write = true},
        {.address = registers + FLASH_KEYR, .value = FLASH_KEY2, .write = true},
        {.address = registers + FLASH_SR, .value = SR_CLEAR, .write = true},
        {.address = registers + FLASH_CR}};
    TRY(stm32f1_words(t, &words[0], 1, e));
    if ((words[0].value & CR_LOCK) != 0)
        TRY(stm32f1_words(t, &words[1], 4, e));
    else
        TRY(stm32f1_words(t, &words[3], 2, e));
    if ((words[4].value & CR_LOCK) == 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED, "the flash controller did not take its keys");
    error_hint(e, "it stays locked until the next reset: try again");
    return e->code;
}

enum status stm32f1_judge(uint32_t sr, uint32_t address, struct error *e)
{
    if ((sr & SR_PROTECTED) != 0)
        return error_set(e, STATUS_PROTECTED,
                         "the chip refused to change flash at 0x%08" PRIx32 ": it is protected",
                         address);
    if ((sr & SR_NOT_BLANK) == 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_VERIFY,
                    "the cells at 0x%08" PRIx32 " are not blank after their erase", address);
    error_hint(e, "worn cells look like this; if it is always the same address, the chip is bad");
    return e->code;
}

enum status stm32f1_wait(struct target *t, uint32_t registers, uint32_t least_us, const char *what,
                         struct error *e)
{
    const uint64_t limit_us = context_now_us(t->context) + BUSY_LIMIT_US;
    uint32_t sr;
    TRY(context_sleep(t->context, least_us, e));
    for (;;) {
        TRY(stm32f1_read_word(t, registers + FLASH_SR, &sr, e));
        if ((sr & SR_BUSY) == 0)
            break;
        if (context_now_us(t->context) >= limit_us)
            return error_set(e, STATUS_TIMEOUT,
                             "%s did not end within %u ms: the flash controller stays busy", what,
                             BUSY_LIMIT_US / 1000);
        TRY(context_sleep(t->context, 1000, e));
    }
    return stm32f1_judge(sr, registers + FLASH_SR, e) == STATUS_OK ? STATUS_OK
                                                                   : error_in(e, "%s", what);
}

static enum status erase_bank(struct target *t, uint32_t registers, struct error *e)
{
    struct swd_word begin[] = {
        {.address = registers + FLASH_SR, .value = SR_CLEAR, .write = true},
        {.address = registers + FLASH_CR, .value = CR_MER, .write = true},
        {.address = registers + FLASH_CR, .value = CR_MER | CR_STRT, .write = true}};
    TRY(stm32f1_unlock_flash(t, registers, e));
    TRY(stm32f1_words(t, begin, sizeof begin / sizeof begin[0], e));
    TRY(stm32f1_wait(t, registers, t->part->erase_min_us, "mass erase", e));
    return stm32f1_write_word(t, registers + FLASH_CR, CR_LOCK, e);
}

/* "Mass erase"; what was begun is waited for, whatever the user wishes meanwhile. */
enum status stm32f1_erase(struct target *t, struct error *e)
{
    const struct memory *flash = part_memory(t->part, MEMORY_FLASH);
    const bool leaving = t->context->leaving;
    TRY(context_check(t->context, e));
    t->context->leaving = true;
    enum status status = erase_bank(t, FLASH_REGISTERS, e);
    if (status == STATUS_OK && flash->bank_size != 0 && flash->size > flash->bank_size)
        status = erase_bank(t, FLASH_REGISTERS + FLASH_BANK_STEP, e);
    t->context->leaving = leaving;
    return status;
}
