/* Ranges of flash and EEPROM: by the driver's own range operations where it has them, else composed
 * of instructions in batches.
 * Sources: ATmega328P data sheet, "Serial Programming Algorithm" and "Data Polling"; ATmega2560
 * data sheet, Load Extended Address; AT90S8515 data sheet, "Data Polling EEPROM". */
#include "avr.h"

enum {
    SEGMENT_SIZE = 0x20000, /* what one value of Load Extended Address covers: 64 Kwords */
    POLL_INTERVAL_US = 500,
    BYTES_A_BATCH = 16 /* of bytes that are programmed singly: up to 20 ms each */
};

const struct isp_command *avr_command(const struct isp_command commands[2], uint32_t offset,
                                      uint32_t *address)
{
    if (!commands[1].present) {
        *address = offset;
        return &commands[0];
    }
    *address = offset / 2;
    return &commands[offset & 1];
}

static bool has_segments(const struct target *t, const struct memory *m)
{
    return m->kind == MEMORY_FLASH && t->part->extended_address;
}

/* 4D 00 nn 00: bits 23 to 16 of the word address. What it holds after entering programming mode is
 * not specified, so it is sent before the first access. */
static enum status select_segment(struct target *t, const struct memory *m, uint32_t address,
                                  struct error *e)
{
    struct avr *self = t->state;
    const int32_t segment = (int32_t)(address / SEGMENT_SIZE);
    if (!has_segments(t, m) || self->segment == segment)
        return STATUS_OK;
    struct isp_exchange *item;
    TRY(avr_queue(t, &item, e));
    *item = (struct isp_exchange){.mosi = {0x4d, 0x00, (uint8_t)segment, 0x00}};
    TRY(avr_flush(t, e));
    self->segment = segment;
    return STATUS_OK;
}

/* How much of [address, address + size) can be done without another Load Extended Address. */
static size_t piece(const struct target *t, const struct memory *m, uint32_t address, size_t size)
{
    const size_t left = SEGMENT_SIZE - address % SEGMENT_SIZE;
    return has_segments(t, m) && left < size ? left : size;
}

/* The drivers' range operations are for these. */
static bool is_bulk(const struct memory *m)
{
    return m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum status read_composed(struct target *t, const struct memory *m, uint32_t address,
                                 uint8_t *data, size_t size, struct error *e)
{
    struct avr *self = t->state;
    while (size > 0) {
        const size_t count = size < AVR_BATCH ? size : AVR_BATCH;
        for (size_t i = 0; i < count; i++) {
            struct isp_exchange *item;
            uint32_t at;
            TRY(avr_queue(t, &item, e));
            const struct isp_command *command =
                avr_command(m->isp.read, address + (uint32_t)i, &at);
            instruction_encode(command, at, item->mosi);
        }
        if (avr_flush(t, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)address);
        for (size_t i = 0; i < count; i++) {
            uint32_t at;
            const struct isp_command *command =
                avr_command(m->isp.read, address + (uint32_t)i, &at);
            data[i] = instruction_decode(command, self->queue[i].miso);
        }
        context_advance(t->context, (uint32_t)count);
        address += (uint32_t)count;
        data += count;
        size -= count;
    }
    return STATUS_OK;
}

enum status avr_read(struct target *t, const struct memory *m, uint32_t address, uint8_t *data,
                     size_t size, struct error *e)
{
    const struct programmer_driver *driver = t->programmer->driver;
    while (size > 0) {
        const size_t count = piece(t, m, address, size);
        enum status status = STATUS_UNSUPPORTED;
        TRY(context_check(t->context, e));
        TRY(select_segment(t, m, address, e));
        if (driver->read != NULL && is_bulk(m))
            status = driver->read(t->programmer, m, address, data, count, e);
        if (status == STATUS_UNSUPPORTED)
            status = read_composed(t, m, address, data, count, e);
        TRY(status);
        address += (uint32_t)count;
        data += count;
        size -= count;
    }
    return STATUS_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

static bool can_poll_for(const struct memory *m, uint8_t value)
{
    for (uint8_t i = 0; i < m->poll_value_count; i++)
        if (m->poll_values[i] == value)
            return false;
    return m->poll == POLL_VALUE && m->isp.read[0].present;
}

static enum status poll_until(struct target *t, const struct memory *m, uint32_t address,
                              uint8_t value, uint32_t first_us, struct error *e)
{
    struct avr *self = t->state;
    for (uint32_t waited_us = first_us;; waited_us += POLL_INTERVAL_US) {
        struct isp_exchange *item;
        uint32_t at;
        TRY(avr_queue(t, &item, e));
        const struct isp_command *command = avr_command(m->isp.read, address, &at);
        instruction_encode(command, at, item->mosi);
        item->wait_us = POLL_INTERVAL_US;
        const size_t last = self->queued - 1;
        TRY(avr_flush(t, e));
        if (instruction_decode(command, self->queue[last].miso) == value ||
            waited_us >= m->write_us)
            return STATUS_OK;
    }
}

/* Sends the queue, which ends with a write of `value` at `address`, and waits until the chip shows
 * it or the full time has passed: then it is done in any case (a cell that cannot take the value
 * never shows it, which is for the verify to find). Nothing interrupts that: the chip is busy. */
static enum status finish_polled(struct target *t, const struct memory *m, uint32_t address,
                                 uint8_t value, struct error *e)
{
    struct avr *self = t->state;
    const bool leaving = t->context->leaving;
    const uint32_t first_us = m->write_min_us / 2;
    self->queue[self->queued - 1].wait_us = first_us;
    TRY(context_check(t->context, e));
    t->context->leaving = true;
    const enum status status = poll_until(t, m, address, value, first_us, e);
    t->context->leaving = leaving;
    return status;
}

/* The last instruction queued programs [address, address + size) with `data`: sees to the wait. */
static enum status finish_write(struct target *t, const struct memory *m, uint32_t address,
                                const uint8_t *data, size_t size, struct error *e)
{
    struct avr *self = t->state;
    for (size_t i = 0; i < size; i++)
        if (can_poll_for(m, data[i]))
            return finish_polled(t, m, address + (uint32_t)i, data[i], e);
    self->queue[self->queued - 1].wait_us = m->write_us;
    self->queue[self->queued - 1].wait_min_us = m->write_min_us;
    self->queue[self->queued - 1].ready_poll = m->poll == POLL_READY;
    return STATUS_OK;
}

/* The page buffer is 0xff after each page write, so that words of 0xffff need no loading. Data
 * sheets say so of the parts with RDY/BSY; the oldest are given whole pages. */
static bool may_skip_word(const struct memory *m, const uint8_t word[2])
{
    return m->kind == MEMORY_FLASH && m->poll == POLL_READY && word[0] == 0xff && word[1] == 0xff;
}

/* Low byte before high byte: the word enters the buffer with the latter. Only the offset within the
 * page is given; the page is chosen by the instruction that programs it. */
static enum status load_page(struct target *t, const struct memory *m, const uint8_t *data,
                             struct error *e)
{
    for (uint32_t i = 0; i < m->page_size; i++) {
        if (m->isp.load[1].present && may_skip_word(m, &data[i & ~1u]))
            continue;
        struct isp_exchange *item;
        uint32_t at;
        TRY(avr_queue(t, &item, e));
        const struct isp_command *command = avr_command(m->isp.load, i, &at);
        instruction_encode_data(command, at, data[i], item->mosi);
    }
    return STATUS_OK;
}

static enum status write_page(struct target *t, const struct memory *m, uint32_t address,
                              const uint8_t *data, struct error *e)
{
    struct isp_exchange *item;
    TRY(load_page(t, m, data, e));
    TRY(avr_queue(t, &item, e));
    instruction_encode(&m->isp.commit, m->isp.load[1].present ? address / 2 : address, item->mosi);
    return finish_write(t, m, address, data, m->page_size, e);
}

static enum status write_one(struct target *t, const struct memory *m, uint32_t address,
                             uint8_t value, struct error *e)
{
    struct isp_exchange *item;
    uint32_t at;
    TRY(avr_queue(t, &item, e));
    const struct isp_command *command = avr_command(m->isp.write, address, &at);
    instruction_encode_data(command, at, value, item->mosi);
    return finish_write(t, m, address, &value, 1, e);
}

/* Sends what is queued once another `unit` might not fit, and reports as done what was sent. */
static enum status send_queued(struct target *t, uint32_t unit, uint32_t *pending, bool all,
                               struct error *e)
{
    const struct avr *self = t->state;
    const size_t limit = unit > 1 ? AVR_BATCH - 1 - unit % AVR_BATCH : BYTES_A_BATCH - 1;
    if (!all && self->queued > 0 && self->queued <= limit)
        return STATUS_OK;
    TRY(avr_flush(t, e));
    context_advance(t->context, *pending);
    *pending = 0;
    return STATUS_OK;
}

static enum status write_composed(struct target *t, const struct memory *m, uint32_t address,
                                  const uint8_t *data, size_t size, struct error *e)
{
    const bool paged = m->page_size > 0 && m->isp.commit.present;
    const uint32_t unit = paged ? m->page_size : 1;
    uint32_t pending = 0;
    for (size_t i = 0; i < size; i += unit) {
        const uint32_t at = address + (uint32_t)i;
        enum status status =
            paged ? write_page(t, m, at, data + i, e) : write_one(t, m, at, data[i], e);
        pending += unit;
        if (status == STATUS_OK)
            status = send_queued(t, unit, &pending, i + unit == size, e);
        if (status != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)at);
    }
    return STATUS_OK;
}

enum status avr_write_run(struct target *t, const struct memory *m, uint32_t address,
                          const uint8_t *data, size_t size, bool blank, struct error *e)
{
    (void)blank; /* pages are not erased here */
    const struct programmer_driver *driver = t->programmer->driver;
    while (size > 0) {
        const size_t count = piece(t, m, address, size);
        enum status status = STATUS_UNSUPPORTED;
        TRY(context_check(t->context, e));
        TRY(select_segment(t, m, address, e));
        if (driver->write != NULL && is_bulk(m))
            status = driver->write(t->programmer, m, address, data, count, e);
        if (status == STATUS_UNSUPPORTED)
            status = write_composed(t, m, address, data, count, e);
        TRY(status);
        address += (uint32_t)count;
        data += count;
        size -= count;
    }
    return STATUS_OK;
}
