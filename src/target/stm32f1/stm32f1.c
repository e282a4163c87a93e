/* STM32F1 over SWD: the table of operations, and reading. */
#include "stm32f1.h"

#include <string.h>

static unsigned stm32f1_traits(const struct programmer_driver *driver)
{
    (void)driver;
    return TARGET_CHIP_ERASE | TARGET_ERASES_PAGES | TARGET_BYTES | TARGET_UNLOCK;
}

static bool stm32f1_readable(const struct target *t, const struct memory *m)
{
    (void)t;
    return m->readable;
}

static bool stm32f1_writable(const struct target *t, const struct memory *m)
{
    (void)t;
    return m->writable;
}

/* Bytes that share their word with others. */
static enum status read_within_word(struct target *t, uint32_t address, uint8_t *data, size_t size,
                                    struct error *e)
{
    uint32_t word;
    TRY(stm32f1_read_word(t, address & ~UINT32_C(3), &word, e));
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(word >> 8 * ((address & 3) + i));
    context_advance(t->context, (uint32_t)size);
    return STATUS_OK;
}

static enum status stm32f1_read(struct target *t, const struct memory *m, uint32_t address,
                                uint8_t *data, size_t size, struct error *e)
{
    const uint32_t begin = m->base + address;
    const size_t to_word = (4 - begin % 4) % 4;
    const size_t head = to_word < size ? to_word : size;
    const size_t middle = (size - head) / 4 * 4, tail = size - head - middle;
    const struct swd_ops *swd = t->programmer->driver->swd;
    if (head > 0)
        TRY(read_within_word(t, begin, data, head, e));
    if (middle > 0)
        TRY(swd->read(t->programmer, begin + (uint32_t)head, data + head, middle, e));
    return tail > 0 ? read_within_word(t, begin + (uint32_t)(head + middle), data + head + middle,
                                       tail, e)
                    : STATUS_OK;
}

/* Going back to 0xa5 makes the chip erase itself: that is for target_unlock(). */
static bool stm32f1_lock_can_become(uint8_t held, uint8_t value)
{
    return held == RDP_OFF || value != RDP_OFF;
}

/* What the chip has loaded counts, and what it will load. */
static bool stm32f1_lock_blocks(const struct target *t, uint8_t lock)
{
    const struct stm32f1 *self = t->state;
    return lock != RDP_OFF || (self->obr & OBR_PROTECTED) != 0;
}

const struct target_ops target_stm32f1 = {
    .name = "STM32F1 over SWD",
    .state_size = sizeof(struct stm32f1),
    .traits = stm32f1_traits,
    .enter = stm32f1_enter,
    .leave = stm32f1_leave,
    .identify = stm32f1_identify,
    .selected = stm32f1_selected,
    .erase = stm32f1_erase,
    .read = stm32f1_read,
    .read_bytes = stm32f1_read_bytes,
    .write_run = stm32f1_write_run,
    .write_byte = stm32f1_write_byte,
    .readable = stm32f1_readable,
    .writable = stm32f1_writable,
    .lock_can_become = stm32f1_lock_can_become,
    .lock_blocks_read = stm32f1_lock_blocks,
    .lock_blocks_write = stm32f1_lock_blocks,
    .is_clone = stm32f1_is_clone,
    .unlock = stm32f1_unlock,
    .write_protected = stm32f1_write_protected,
    .unprotect = stm32f1_unprotect,
};
