/* The Bus Pirate driver: whole ranges. Flash is read by the AVR extended command; pages, and bytes
 * where there are no pages, are written by write-then-read without anything to read.
 *
 * Sources: firmware 6.3, SPI.c: the block is buffered, shifted, answered; community firmware 8.0,
 * spi.c: it is shifted as it comes. Data sheets, "Serial Programming Algorithm": after Write
 * Program Memory Page nothing but Poll RDY/BSY for tWD_FLASH. */
#include <string.h>

#include "buspirate.h"
#include "encode.h"

enum { FLAVOUR_UNITS = 8 /* from there on it pays to know the wire's pace */ };

/* --- reading ---------------------------------------------------------------------------------- */

/* 06 02, word address and byte count in four bytes each, most significant first -> 01 01, then the
 * bytes of flash, by 20 and 28. Firmwares add words to bytes and refuse what is beyond ffff.
 * Replies that fill the packets of an FT232R (62 bytes) are not held back by it. */
enum { PACKET = 62, READ_LIMIT = 0xffff, READ_SMALL = 32, READ_US = 500000 };

static bool readable(const struct buspirate *self, const struct memory *m, uint32_t address,
                     size_t size)
{
    return self->extended && m->kind == MEMORY_FLASH && address % 2 == 0 && size % 2 == 0 &&
           m->isp.read[0].bytes[0] == 0x20 && m->isp.read[1].present &&
           m->isp.read[1].bytes[0] == 0x28;
}

/* The part of it that one command reads; less than READ_SMALL: single instructions are as good. */
static size_t read_piece(const struct buspirate *self, uint32_t word, size_t size)
{
    const uint64_t shift_ns = 4 * buspirate_shift_most_ns(self);
    const uint64_t byte_ns = buspirate_byte_ns(self);
    const uint64_t each_ns = shift_ns > byte_ns ? shift_ns : byte_ns;
    const size_t packets = (size_t)(READ_US * UINT64_C(1000) / each_ns / PACKET) + 1;
    const size_t most = packets * PACKET - 2;
    const size_t limit = self->legacy ? READ_LIMIT : READ_LIMIT - (word & 0xffff);
    size_t piece = size < most ? size : most;
    piece = piece < limit ? piece : limit;
    return piece & ~(size_t)1;
}

static enum status take_data(struct buspirate *self, uint8_t *data, size_t size, struct error *e)
{
    enum { STEP = 512, PATIENCE_MS = 1000 };
    for (size_t done = 0; done < size;) {
        const size_t step = size - done < STEP ? size - done : STEP;
        size_t got = 0;
        const enum status status =
            stream_read(self->stream, data + done, step, PATIENCE_MS, &got, e);
        if (status == STATUS_TIMEOUT)
            return buspirate_went_silent(self, "reading flash", done + got, size, e);
        if (status != STATUS_OK) {
            self->mode = BUSPIRATE_UNKNOWN;
            return status;
        }
        done += step;
        context_advance(self->context, (uint32_t)step);
    }
    return STATUS_OK;
}

/* *refused: nothing was read, for the firmware has other limits than we know of. */
static enum status read_extended(struct buspirate *self, uint32_t word, uint8_t *data, size_t size,
                                 bool *refused, struct error *e)
{
    const uint8_t out[10] = {0x06,
                             0x02,
                             (uint8_t)(word >> 24),
                             (uint8_t)(word >> 16),
                             (uint8_t)(word >> 8),
                             (uint8_t)word,
                             0,
                             0,
                             (uint8_t)(size >> 8),
                             (uint8_t)size};
    uint8_t in[2];
    TRY(buspirate_talk(self, "reading flash", out, sizeof out, in, sizeof in, 0, e));
    *refused = in[0] == 1 && in[1] == 0;
    if (*refused)
        return STATUS_OK;
    if (in[0] != 1 || in[1] != 1)
        return buspirate_wrong_answer(self, "reading flash", in, sizeof in, e);
    return take_data(self, data, size, e);
}

/* By single instructions, four at a time. */
static enum status read_plain(struct programmer *p, const struct memory *m, uint32_t address,
                              uint8_t *data, size_t size, struct error *e)
{
    enum { GROUP = 64 };
    struct isp_exchange batch[GROUP];
    for (size_t done = 0; done < size;) {
        const size_t count = size - done < GROUP ? size - done : GROUP;
        for (size_t i = 0; i < count; i++) {
            const uint32_t offset = address + (uint32_t)(done + i);
            batch[i] = (struct isp_exchange){0};
            encode_instruction(&m->isp.read[offset & 1], offset / 2, 0, batch[i].mosi);
        }
        TRY(buspirate_exchange(p, batch, count, e));
        for (size_t i = 0; i < count; i++)
            data[done + i] = batch[i].miso[3];
        done += count;
        context_advance(p->context, (uint32_t)count);
    }
    return STATUS_OK;
}

static enum status read_all(struct programmer *p, const struct memory *m, uint32_t address,
                            uint8_t *data, size_t size, bool leaving, struct error *e)
{
    struct buspirate *self = p->state;
    for (size_t done = 0; done < size;) {
        const uint32_t at = address + (uint32_t)done;
        const uint32_t word = self->legacy ? at / 2 : (at / 2) & 0xffff;
        size_t piece = read_piece(self, word, size - done);
        bool refused = piece < READ_SMALL;
        enum status status = STATUS_OK;
        p->context->leaving = true; /* what the firmware has begun to send is taken */
        if (!refused)
            status = read_extended(self, word, data + done, piece, &refused, e);
        p->context->leaving = leaving;
        if (status == STATUS_OK && refused) {
            piece = size - done < PACKET ? size - done : PACKET;
            status = read_plain(p, m, at, data + done, piece, e);
        }
        if (status != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)at);
        TRY(context_check(p->context, e));
        done += piece;
    }
    return STATUS_OK;
}

enum status buspirate_read(struct programmer *p, const struct memory *m, uint32_t address,
                           uint8_t *data, size_t size, struct error *e)
{
    const struct buspirate *self = p->state;
    if (!readable(self, m, address, size))
        return error_set(e, STATUS_UNSUPPORTED, "%s: the firmware's read does not reach it",
                         m->name);
    const bool leaving = p->context->leaving;
    const enum status status = read_all(p, m, address, data, size, leaving, e);
    p->context->leaving = leaving;
    return status;
}

/* --- writing: what is sent for one page or byte ---------------------------------------------- */

static bool is_paged(const struct memory *m)
{
    return m->page_size > 0 && m->isp.commit.present && m->isp.load[0].present;
}

/* Data sheets say of the parts with RDY/BSY that the page buffer is 0xff after each page write. */
static bool may_skip(const struct memory *m, const uint8_t word[2])
{
    return m->kind == MEMORY_FLASH && m->poll == POLL_READY && word[0] == 0xff && word[1] == 0xff;
}

/* Low byte before high byte: the word enters the buffer with the latter. */
static size_t build_page(const struct memory *m, uint32_t address, const uint8_t *data,
                         uint8_t *out)
{
    const bool words = m->isp.load[1].present;
    size_t size = 0;
    for (uint32_t i = 0; i < m->page_size; i++) {
        if (words && may_skip(m, &data[i & ~1u]))
            continue;
        encode_instruction(&m->isp.load[words ? i & 1 : 0], words ? i / 2 : i, data[i], out + size);
        size += 4;
    }
    if (size == 0) /* an empty page: writing it would change nothing */
        return 0;
    encode_instruction(&m->isp.commit, words ? address / 2 : address, 0, out + size);
    return size + 4;
}

size_t buspirate_build_unit(const struct buspirate_job *job, size_t offset, uint8_t *out)
{
    const struct memory *m = job->m;
    const uint32_t address = job->address + (uint32_t)offset;
    if (is_paged(m))
        return build_page(m, address, job->data + offset, out);
    const bool words = m->isp.write[1].present;
    encode_instruction(&m->isp.write[words ? address & 1 : 0], words ? address / 2 : address,
                       job->data[offset], out);
    return 4;
}

/* --- writing: blocks, each answered before the next ------------------------------------------- */

bool buspirate_wants_out(const struct buspirate_job *job)
{
    struct context *c = job->programmer->context;
    c->leaving = job->leaving;
    const bool answer = context_cancelled(c);
    c->leaving = true;
    return answer;
}

/* The firmware answers when all is shifted; the chip's wait begins then. A chip may have got what
 * the firmware does not answer for. */
static enum status write_block(const struct buspirate_job *job, const uint8_t *block, size_t size,
                               struct error *e)
{
    struct buspirate *self = job->programmer->state;
    buspirate_await_chip(self);
    const enum status status = buspirate_write_block(self, block, size, e);
    buspirate_chip_busy(self, job->wait_us);
    return status;
}

/* Polls that take as long to come as the chip to write: the firmware shifts them as they come, and
 * what follows them comes one byte later. */
static size_t filler_size(const struct buspirate_job *job)
{
    const struct buspirate *self = job->programmer->state;
    const uint64_t byte_ns = buspirate_byte_ns(self), wait_ns = job->wait_us * UINT64_C(1000);
    const size_t bytes = (size_t)((wait_ns + byte_ns - 1) / byte_ns);
    return (bytes - 1 + 3) / 4 * 4;
}

/* As many units as fit, at most `most`, from *done on, which is moved. */
static size_t build_block(const struct buspirate_job *job, size_t most, size_t *done,
                          uint8_t *block)
{
    const size_t filler = most > 1 ? filler_size(job) : 0;
    const size_t unit_most = is_paged(job->m) ? 4u * job->unit + 4u : 4u;
    size_t size = 0;
    for (size_t units = 0; *done < job->size && units < most; units++) {
        uint8_t *at = block + size;
        const size_t gap = size > 0 ? filler : 0;
        if (size + gap + unit_most > BUSPIRATE_PAGES)
            break;
        const size_t built = buspirate_build_unit(job, *done, at + gap);
        if (built > 0)
            size += buspirate_put_polls(at, gap) + built;
        *done += job->unit;
    }
    return size;
}

static enum status write_blocks(const struct buspirate_job *job, size_t units, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    uint8_t block[BUSPIRATE_PAGES];
    for (size_t done = 0; done < job->size;) {
        const size_t from = done;
        const size_t size = build_block(job, units, &done, block);
        if (buspirate_wants_out(job))
            return error_set(e, STATUS_CANCELLED, "interrupted");
        if (size > 0 && write_block(job, block, size, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(job->address + from));
        context_advance(self->context, (uint32_t)(done - from));
    }
    return STATUS_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool writable(const struct buspirate *self, const struct memory *m)
{
    return self->write_then_read && (is_paged(m) || m->isp.write[0].present) &&
           4 * m->page_size + 4 <= BUSPIRATE_PAGES;
}

/* The chip has heard Load Extended Address before; entering programming mode anew undoes it. */
static enum status restore_segment(struct programmer *p, uint32_t address, struct error *e)
{
    struct isp_exchange load = {.mosi = {0x4d, 0x00, (uint8_t)(address >> 17), 0x00}};
    return p->part->extended_address ? buspirate_exchange(p, &load, 1, e) : STATUS_OK;
}

/* The fastest rate at which bytes are shifted as they come; 0: none. */
static uint32_t streaming_rate(const struct buspirate *self)
{
    static const uint32_t rates[] = {2000000, 1000000, BUSPIRATE_USUAL_BAUD};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (buspirate_shift_most_ns(self) <= UINT64_C(10000000000) / rates[i])
            return rates[i];
    return 0;
}

/* A firmware that passes bytes on as they come must be able to; another may do better at another
 * rate. The user's rate is left alone. */
static enum status suit_rate(const struct buspirate_job *job, struct error *e)
{
    struct programmer *p = job->programmer;
    struct buspirate *self = p->state;
    const bool must = self->streams && !buspirate_keeps_up(self);
    const uint32_t rate = must ? streaming_rate(self) : buspirate_stream_rate(job);
    if (rate != 0 && rate < self->baud && self->has_rate_menu && p->config->baud == 0) {
        TRY(buspirate_use_rate(p, rate, e));
        TRY(restore_segment(p, job->address, e));
    }
    return must && !buspirate_keeps_up(self)
               ? error_set(e, STATUS_UNSUPPORTED, "SCK is too slow for whole pages")
               : STATUS_OK;
}

static enum status write_as_suits(const struct buspirate_job *job, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    const bool many = job->size / job->unit >= FLAVOUR_UNITS;
    const bool may_poll = job->m->poll == POLL_READY;
    if (buspirate_streams_units(job))
        return buspirate_stream_units(job, e);
    if (self->baud == 0 || self->legacy || !may_poll || !many ||
        !(self->streams || buspirate_pipes_units(job)))
        return write_blocks(job, 1, e);
    if (self->pace == BUSPIRATE_PACE_UNKNOWN)
        TRY(buspirate_measure_pace(self, e));
    if (self->pace != BUSPIRATE_PACE_OF_WIRE)
        return write_blocks(job, 1, e);
    return self->streams ? write_blocks(job, SIZE_MAX, e) : buspirate_pipe_units(job, e);
}

/* What the data sheets of the parts with RDY/BSY promise, "Minimum Wait Delay", with a fiftieth to
 * spare for the clocks on the way; of the older ones only the longest that was ever seen is safe.
 */
static uint32_t chip_wait_us(const struct memory *m)
{
    const bool promised = m->poll == POLL_READY && m->write_min_us != 0;
    return promised ? m->write_min_us + m->write_min_us / 50 : m->write_us;
}

enum status buspirate_write(struct programmer *p, const struct memory *m, uint32_t address,
                            const uint8_t *data, size_t size, struct error *e)
{
    struct buspirate *self = p->state;
    const struct buspirate_job job = {.programmer = p,
                                      .m = m,
                                      .address = address,
                                      .data = data,
                                      .size = size,
                                      .unit = is_paged(m) ? m->page_size : 1,
                                      .wait_us = chip_wait_us(m),
                                      .leaving = p->context->leaving};
    if (!writable(self, m))
        return error_set(e, STATUS_UNSUPPORTED, "%s: by single instructions", m->name);
    TRY(suit_rate(&job, e));
    p->context->leaving = true; /* a page that was begun is finished */
    const enum status status = write_as_suits(&job, e);
    buspirate_await_chip(self);
    p->context->leaving = job.leaving;
    return status;
}
