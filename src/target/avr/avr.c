/* Classic AVR (AT90S, ATtiny, ATmega, AT90USB/CAN/PWM) and AT89S51/52 over ISP: the operations that
 * are one instruction each. Entering is in enter.c, ranges are in transfer.c.
 * Sources: ATmega328P data sheet, "Memory Programming"; AVR910, "In-System Programming". */
#include "avr.h"

#include <string.h>

/* RESET in the middle of a self-timed operation leaves cells or lock bits undefined, so what starts
 * one is waited for. The user's wish to stop is heeded right before and after. */
static enum status begin_uninterrupted(struct target *t, struct error *e)
{
    TRY(context_check(t->context, e));
    t->context->leaving = true;
    return STATUS_OK;
}

static bool starts_operation(const struct avr *self, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (self->queue[i].wait_us > 0)
            return true;
    return false;
}

enum status avr_flush(struct target *t, struct error *e)
{
    struct avr *self = t->state;
    const size_t count = self->queued;
    const bool leaving = t->context->leaving;
    self->queued = 0;
    if (starts_operation(self, count))
        TRY(begin_uninterrupted(t, e));
    const enum status status = programmer_exchange(t->programmer, self->queue, count, e);
    t->context->leaving = leaving;
    return status;
}

enum status avr_queue(struct target *t, struct isp_exchange **item, struct error *e)
{
    struct avr *self = t->state;
    if (self->queued == AVR_BATCH)
        TRY(avr_flush(t, e));
    *item = &self->queue[self->queued++];
    **item = (struct isp_exchange){0};
    return STATUS_OK;
}

static unsigned avr_traits(const struct programmer_driver *driver)
{
    const unsigned clock = driver->set_sck != NULL ? TARGET_CLOCK : 0;
    return TARGET_CHIP_ERASE | TARGET_BYTES | clock;
}

static void avr_selected(struct target *t)
{
    struct avr *self = t->state;
    self->segment = -1;
}

static bool avr_readable(const struct target *t, const struct memory *m)
{
    (void)t;
    return m->isp.read[0].present;
}

static bool avr_writable(const struct target *t, const struct memory *m)
{
    (void)t;
    return m->writable && (m->isp.write[0].present || m->isp.load[0].present);
}

static enum status avr_erase(struct target *t, struct error *e)
{
    const struct programmer_driver *driver = t->programmer->driver;
    const bool leaving = t->context->leaving;
    enum status status = STATUS_UNSUPPORTED;
    if (!t->part->chip_erase.present)
        return error_set(e, STATUS_UNSUPPORTED, "%s has no Chip Erase instruction", t->part->name);
    if (driver->erase != NULL) {
        TRY(begin_uninterrupted(t, e));
        status = driver->erase(t->programmer, e);
        t->context->leaving = leaving;
    }
    if (status == STATUS_UNSUPPORTED) {
        struct isp_exchange *item;
        TRY(avr_queue(t, &item, e));
        instruction_encode(&t->part->chip_erase, 0, item->mosi);
        item->wait_us = t->part->erase_us;
        item->wait_min_us = t->part->erase_min_us;
        item->ready_poll = t->part->erase_poll == POLL_READY;
        status = avr_flush(t, e);
    }
    TRY(status);
    /* AT90S8515 data sheet, "Serial Programming Algorithm": after Chip Erase, wait tWD_ERASE, give
     * RESET a positive pulse and start over. */
    return t->part->reenter_after_erase ? avr_reenter(t, e) : STATUS_OK;
}

static enum status avr_read_bytes(struct target *t, const struct memory *const *memories,
                                  uint8_t *values, size_t count, struct error *e)
{
    struct avr *self = t->state;
    for (size_t done = 0; done < count;) {
        const size_t n = count - done < AVR_BATCH ? count - done : AVR_BATCH;
        for (size_t i = 0; i < n; i++) {
            struct isp_exchange *item;
            TRY(avr_queue(t, &item, e));
            instruction_encode(&memories[done + i]->isp.read[0], 0, item->mosi);
        }
        TRY(avr_flush(t, e));
        for (size_t i = 0; i < n; i++)
            values[done + i] =
                instruction_decode(&memories[done + i]->isp.read[0], self->queue[i].miso);
        done += n;
    }
    return STATUS_OK;
}

/* "Unimplemented bits should be programmed to 1" (lock bit and fuse tables of the data sheets). */
static enum status avr_write_byte(struct target *t, const struct memory *m, uint8_t value,
                                  struct error *e)
{
    struct isp_exchange *item;
    TRY(avr_queue(t, &item, e));
    instruction_encode_data(&m->isp.write[0], 0, (uint8_t)(value | (uint8_t)~m->mask), item->mosi);
    item->wait_us = m->write_us;
    item->wait_min_us = m->write_min_us;
    item->ready_poll = m->poll == POLL_READY;
    return avr_flush(t, e);
}

/* LB1 is the lowest implemented bit of the lock byte, LB2 the next; 0 is programmed on an AVR
 * ("Lock Bit Protection Modes"). The AT89S read them the other way round: 1 is programmed, LB2
 * disables Verify ("Program Memory Lock Bits"). */
static uint8_t programmed_lock_bits(const struct target *t, uint8_t lock)
{
    const struct memory *m = part_memory(t->part, MEMORY_LOCK);
    if (m == NULL || m->mask == 0)
        return 0;
    const uint8_t lb1 = (uint8_t)(m->mask & -m->mask);
    const uint8_t bits = t->part->reset_active_high ? lock : (uint8_t)~lock;
    return (uint8_t)((bits & lb1 ? 1 : 0) | (bits & lb1 << 1 & m->mask ? 2 : 0));
}

static bool avr_lock_blocks_read(const struct target *t, uint8_t lock)
{
    return (programmed_lock_bits(t, lock) & 2) != 0;
}

static bool avr_lock_blocks_write(const struct target *t, uint8_t lock)
{
    return programmed_lock_bits(t, lock) != 0;
}

/* The longest that any instruction keeps the chip busy. */
static uint32_t longest_us(const struct part *part)
{
    uint32_t longest = part->erase_us;
    for (size_t i = 0; i < part->memory_count; i++)
        if (part->memories[i].write_us > longest)
            longest = part->memories[i].write_us;
    return longest;
}

static enum status avr_instruction(struct target *t, const uint8_t mosi[4], uint8_t miso[4],
                                   struct error *e)
{
    struct avr *self = t->state;
    struct isp_exchange *item;
    TRY(avr_queue(t, &item, e));
    memcpy(item->mosi, mosi, 4);
    item->wait_us = longest_us(t->part);
    self->segment = -1; /* it may have been Load Extended Address */
    TRY(avr_flush(t, e));
    memcpy(miso, self->queue[0].miso, 4);
    return STATUS_OK;
}

const struct target_ops target_avr = {
    .name = "AVR over ISP",
    .state_size = sizeof(struct avr),
    .traits = avr_traits,
    .enter = avr_enter,
    .identify = avr_identify,
    .selected = avr_selected,
    .set_clock = avr_set_clock,
    .count_wrong = avr_count_wrong,
    .probe = avr_probe,
    .erase = avr_erase,
    .read = avr_read,
    .read_bytes = avr_read_bytes,
    .write_run = avr_write_run,
    .write_byte = avr_write_byte,
    .readable = avr_readable,
    .writable = avr_writable,
    .lock_blocks_read = avr_lock_blocks_read,
    .lock_blocks_write = avr_lock_blocks_write,
    .instruction = avr_instruction,
};
