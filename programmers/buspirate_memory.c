/* The Bus Pirate driver: whole ranges. Flash is read by the AVR extended command; pages, and bytes
 * where there are no pages, are written by write-then-read without anything to read.
 *
 * Sources: firmware 6.3, SPI.c: the block is buffered, shifted, answered; community firmware 8.0,
 * spi.c: it is shifted as it comes. Data sheets, "Serial Programming Algorithm": after Write
 * Program Memory Page nothing but Poll RDY/BSY for tWD_FLASH. */
#include <string.h>

#include "buspirate.h"
#include "encode.h"

enum {
    FLAVOUR_UNITS = 8, /* from there on it pays to know the wire's pace */
    PIPE_LEAST = 40,   /* bytes a block: smaller ones are too much frame */
    PIPE_MOST = 64,
    PIPE_WINDOW = 12, /* blocks on their way: answers come in packets, 16 ms apart */
    FRAME = 5,        /* 05 and its two counts */
    FIFO = 4          /* bytes the receiver of a v3 holds while the firmware is busy */
};

/* --- reading ---------------------------------------------------------------------------------- */

/* 06 02, word address and byte count in four bytes each, most significant first -> 01 01, then the
 * bytes of flash, by 20 and 28. Firmwares add words to bytes and refuse what is beyond ffff.
 * Replies that fill the packets of an FT232R (62 bytes) are not held back by it. */
enum { PACKET = 62, READ_LIMIT = 0xffff, READ_SMALL = 32, READ_US = 250000 };

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
        const enum status status =
            stream_read(self->stream, data + done, step, PATIENCE_MS, NULL, e);
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
    if (in[0] != 1 || in[1] != 1) {
        self->mode = BUSPIRATE_UNKNOWN;
        return error_set(e, STATUS_SILENT, "%s: reading flash was answered by %02x %02x",
                         self->stream->name, in[0], in[1]);
    }
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

/* --- writing: what is sent for one page or byte ------------------------------------------------
 */

struct range {
    struct programmer *programmer;
    const struct memory *m;
    uint32_t address;
    const uint8_t *data;
    size_t size;
    uint32_t unit;    /* bytes of a page, or 1 */
    uint32_t wait_us; /* the chip's, after each */
};

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

/* The instructions of the unit at `offset` of the job; *size 0: there is nothing to do. */
static size_t build_unit(const struct range *job, size_t offset, uint8_t *out)
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

/* --- writing: one unit a block -----------------------------------------------------------------
 */

static bool wants_out(struct context *c, bool leaving)
{
    c->leaving = leaving;
    const bool answer = context_cancelled(c);
    c->leaving = true;
    return answer;
}

static void chip_is_writing(const struct range *job)
{
    struct buspirate *self = job->programmer->state;
    self->busy_end_us = context_now_us(self->context) + job->wait_us;
}

/* The firmware answers when all is shifted; the chip's wait begins then. */
static enum status write_singly(const struct range *job, bool leaving, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    uint8_t block[BUSPIRATE_BLOCK];
    for (size_t done = 0; done < job->size; done += job->unit) {
        const size_t size = build_unit(job, done, block);
        if (wants_out(self->context, leaving))
            return error_set(e, STATUS_CANCELLED, "interrupted");
        if (size > 0) {
            buspirate_await_chip(self);
            if (buspirate_write_block(self, block, size, e) != STATUS_OK)
                return error_in(e, "0x%04lx", (unsigned long)(job->address + done));
            chip_is_writing(job);
        }
        context_advance(self->context, job->unit);
    }
    return STATUS_OK;
}

/* --- writing: several units a block, with polls between ----------------------------------------
 */

/* Polls that take as long to come as the chip to write: the firmware shifts them as they come. */
static size_t filler_size(const struct range *job)
{
    const struct buspirate *self = job->programmer->state;
    const uint64_t wait_ns = job->wait_us * UINT64_C(1000);
    return (size_t)(wait_ns / buspirate_byte_ns(self) / 4 + 2) * 4;
}

static size_t add_filler(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = i % 4 == 0 ? 0xf0 : 0x00;
    return size;
}

/* As many units as fit, from *done on, which is moved. */
static size_t build_several(const struct range *job, size_t *done, uint8_t *block)
{
    const size_t filler = filler_size(job);
    const size_t unit_most = is_paged(job->m) ? 4u * job->unit + 4u : 4u;
    size_t size = 0;
    while (*done < job->size) {
        uint8_t *at = block + size;
        const size_t gap = size > 0 ? filler : 0;
        if (size + gap + unit_most > BUSPIRATE_PAGES)
            break;
        const size_t built = build_unit(job, *done, at + gap);
        if (built > 0)
            size += add_filler(at, gap) + built;
        *done += job->unit;
    }
    return size;
}

static enum status write_several(const struct range *job, bool leaving, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    uint8_t block[BUSPIRATE_BLOCK];
    for (size_t done = 0; done < job->size;) {
        const size_t from = done;
        const size_t size = build_several(job, &done, block);
        if (wants_out(self->context, leaving))
            return error_set(e, STATUS_CANCELLED, "interrupted");
        if (size > 0) {
            buspirate_await_chip(self);
            if (buspirate_write_block(self, block, size, e) != STATUS_OK)
                return error_in(e, "0x%04lx", (unsigned long)(job->address + from));
            chip_is_writing(job);
        }
        context_advance(self->context, (uint32_t)(done - from));
    }
    return STATUS_OK;
}

/* --- writing: small blocks without waiting for their answers -----------------------------------
 */

/* A slow wire, and a firmware that shifts a block when it is complete: while it does, no more bytes
 * may come than its receiver holds. Blocks that are shifted in less than that time need no waiting
 * for answers. */
static size_t pipe_block(const struct buspirate *self)
{
    const uint64_t hold_ns = FIFO * buspirate_byte_ns(self) - buspirate_byte_ns(self) / 4;
    const uint64_t each_ns = buspirate_shift_least_ns(self) + 1200; /* 19 instructions a byte */
    const size_t size = (size_t)(hold_ns / each_ns) / 4 * 4;
    return size < PIPE_MOST ? size : PIPE_MOST;
}

struct pipe {
    struct buspirate *self;
    size_t block;                   /* most bytes of one */
    uint32_t wait_us;               /* the chip's, after a unit */
    bool writing;                   /* the last block ended a unit */
    size_t waiting;                 /* blocks without an answer yet */
    uint32_t progress[PIPE_WINDOW]; /* of those, oldest first: bytes done once it is answered */
};

static enum status pipe_take(struct pipe *pipe, struct error *e)
{
    struct buspirate *self = pipe->self;
    const enum status status = buspirate_expect(self, "write-then-read", NULL, 0, "\x01", 1, 0, e);
    if (status != STATUS_OK)
        return status;
    context_advance(self->context, pipe->progress[0]);
    pipe->waiting--;
    memmove(pipe->progress, pipe->progress + 1, pipe->waiting * sizeof pipe->progress[0]);
    return STATUS_OK;
}

static enum status pipe_empty(struct pipe *pipe, struct error *e)
{
    while (pipe->waiting > 0)
        TRY(pipe_take(pipe, e));
    return STATUS_OK;
}

static enum status pipe_push(struct pipe *pipe, const uint8_t *data, size_t size, uint32_t progress,
                             struct error *e)
{
    uint8_t out[FRAME + PIPE_MOST] = {0x05, 0, (uint8_t)size};
    memcpy(out + FRAME, data, size);
    if (pipe->waiting == PIPE_WINDOW)
        TRY(pipe_take(pipe, e));
    TRY(buspirate_send(pipe->self, out, FRAME + size, e));
    pipe->progress[pipe->waiting++] = progress;
    return STATUS_OK;
}

/* After a unit the chip writes; the next block is shifted when all of it has come. Where that is
 * too soon, blocks of polls, which a chip bears while it writes, take up the time. */
static enum status pipe_wait(struct pipe *pipe, size_t size, struct error *e)
{
    const uint64_t byte_ns = buspirate_byte_ns(pipe->self);
    size_t coming = FRAME + size - FIFO;
    while (pipe->writing && coming * byte_ns < pipe->wait_us * UINT64_C(1000)) {
        uint8_t polls[PIPE_MOST];
        const size_t lacking = (size_t)(pipe->wait_us * UINT64_C(1000) / byte_ns) - coming + 1;
        const size_t wanted = lacking > FRAME + 4 ? (lacking - FRAME + 3) / 4 * 4 : 4;
        const size_t count = add_filler(polls, wanted < pipe->block ? wanted : pipe->block);
        TRY(pipe_push(pipe, polls, count, 0, e));
        coming += FRAME + count;
    }
    pipe->writing = false;
    return STATUS_OK;
}

static enum status pipe_send(struct pipe *pipe, const uint8_t *data, size_t size, uint32_t progress,
                             struct error *e)
{
    TRY(pipe_wait(pipe, size, e));
    TRY(pipe_push(pipe, data, size, progress, e));
    pipe->writing = progress > 0;
    return STATUS_OK;
}

static enum status pipe_unit(struct pipe *pipe, const struct range *job, size_t offset,
                             struct error *e)
{
    uint8_t unit[BUSPIRATE_BLOCK];
    const size_t size = build_unit(job, offset, unit);
    if (size == 0)
        context_advance(pipe->self->context, job->unit);
    for (size_t sent = 0; sent < size;) {
        const size_t left = size - sent;
        const size_t piece = left < pipe->block ? left : pipe->block;
        const enum status status =
            pipe_send(pipe, unit + sent, piece, piece == left ? job->unit : 0, e);
        if (status != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(job->address + offset));
        sent += piece;
    }
    return STATUS_OK;
}

static enum status write_piped(const struct range *job, bool leaving, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    struct pipe pipe = {.self = self, .block = pipe_block(self), .wait_us = job->wait_us};
    buspirate_await_chip(self);
    for (size_t done = 0; done < job->size; done += job->unit) {
        if (wants_out(self->context, leaving)) {
            TRY(pipe_empty(&pipe, e));
            chip_is_writing(job);
            return error_set(e, STATUS_CANCELLED, "interrupted");
        }
        TRY(pipe_unit(&pipe, job, done, e));
    }
    TRY(pipe_empty(&pipe, e));
    chip_is_writing(job);
    return STATUS_OK;
}

/* --- writing ------------------------------------------------------------------------------------
 */

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

/* A firmware that passes bytes on as they come must be able to. */
static enum status suit_rate(const struct range *job, struct error *e)
{
    struct programmer *p = job->programmer;
    struct buspirate *self = p->state;
    if (!self->streams || buspirate_keeps_up(self))
        return STATUS_OK;
    TRY(buspirate_adapt_rate(p, e));
    self->pace = BUSPIRATE_PACE_UNKNOWN;
    TRY(restore_segment(p, job->address, e));
    return buspirate_keeps_up(self)
               ? STATUS_OK
               : error_set(e, STATUS_UNSUPPORTED, "SCK is too slow for whole pages");
}

static enum status write_as_suits(const struct range *job, bool leaving, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    const bool pipe = !self->streams && pipe_block(self) >= PIPE_LEAST;
    const bool may_poll = job->m->poll == POLL_READY;
    const bool many = job->size / job->unit >= FLAVOUR_UNITS;
    if (self->baud == 0 || self->legacy || !may_poll || !many || !(pipe || self->streams))
        return write_singly(job, leaving, e);
    if (self->pace == BUSPIRATE_PACE_UNKNOWN)
        TRY(buspirate_measure_pace(self, e));
    if (self->pace != BUSPIRATE_PACE_OF_WIRE)
        return write_singly(job, leaving, e);
    return pipe ? write_piped(job, leaving, e) : write_several(job, leaving, e);
}

/* What the data sheets of the parts with RDY/BSY promise, "Minimum Wait Delay", with a tenth to
 * spare; of the older ones only the longest that was ever seen is safe. */
static uint32_t chip_wait_us(const struct memory *m)
{
    const bool promised = m->poll == POLL_READY && m->write_min_us != 0;
    return promised ? m->write_min_us + m->write_min_us / 10 : m->write_us;
}

enum status buspirate_write(struct programmer *p, const struct memory *m, uint32_t address,
                            const uint8_t *data, size_t size, struct error *e)
{
    struct buspirate *self = p->state;
    const struct range job = {.programmer = p,
                              .m = m,
                              .address = address,
                              .data = data,
                              .size = size,
                              .unit = is_paged(m) ? m->page_size : 1,
                              .wait_us = chip_wait_us(m)};
    if (!writable(self, m))
        return error_set(e, STATUS_UNSUPPORTED, "%s: by single instructions", m->name);
    TRY(suit_rate(&job, e));
    const bool leaving = p->context->leaving;
    p->context->leaving = true; /* a page that was begun is finished */
    const enum status status = write_as_suits(&job, leaving, e);
    buspirate_await_chip(self);
    p->context->leaving = leaving;
    return status;
}
