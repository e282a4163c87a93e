/* The Bus Pirate driver: pages one behind the other without waiting for the answers between, for
 * firmwares that do not make the adapter send them. Its latency timer would cost 16 ms each time.
 *
 * Sources: firmware 6.3, SPI.c: a bulk transfer shifts and answers each byte as it comes; a block
 * is buffered, shifted, answered. Community firmware since 2024, spi.c: at the end of each command
 * it waits until the transmitter is empty, and 50 us. PIC24F Family Reference Manual, "UART": four
 * bytes of receive buffer, and the fifth, once complete, stops it. */
#include <string.h>

#include "buspirate.h"

/* --- bulk transfers ----------------------------------------------------------------------------
 * 1F and four instructions -> 01 and 16 bytes, all the way: so the answers' frame is certain. */

enum {
    GROUP = 16, /* bytes to the chip in a bulk transfer */
    FRAMED = 1 + GROUP,
    UNITS_AHEAD = 4,    /* on their way at a time, */
    BYTES_AHEAD = 3072, /* and no more than the system keeps for us meanwhile */
    TIMER_US = 16000,
    CHANGE_US = 450000 /* what a change of rate takes */
};

/* A unit on its way. */
struct bulk_unit {
    uint32_t offset; /* of the job */
    size_t groups;   /* whose answers are still to come; the last ends with a poll */
    bool polled;     /* false: nothing was to do */
};

struct bulk {
    const struct buspirate_job *job;
    struct buspirate *self;
    size_t next;                         /* offset of the unit to send next */
    size_t ahead;                        /* bytes whose answers are still to come */
    struct bulk_unit units[UNITS_AHEAD]; /* oldest first */
    size_t unit_count;
    bool cancelled;
    bool busy;      /* the chip was not ready in time, */
    size_t busy_at; /* with this unit: it is to be written again */
};

static uint32_t unit_wait_us(const struct buspirate_job *job)
{
    const struct buspirate *self = job->programmer->state;
    const struct memory *m = job->m;
    return self->slow_chip || m->write_min_us == 0 ? m->write_us : m->write_min_us;
}

/* What a page takes at a rate, in polls and all. */
static uint64_t unit_us(const struct buspirate_job *job, uint32_t baud)
{
    const size_t bytes = job->m->page_size > 0 ? 4u * job->unit + 4u : 4u;
    return bytes * FRAMED / GROUP * UINT64_C(10000000) / baud + unit_wait_us(job);
}

static bool is_streamable(const struct buspirate_job *job)
{
    const struct buspirate *self = job->programmer->state;
    return buspirate_timer_holds(self) && !self->streams && !self->options.raw &&
           job->m->poll == POLL_READY && job->m->write_us <= TIMER_US;
}

bool buspirate_streams_units(const struct buspirate_job *job)
{
    const struct buspirate *self = job->programmer->state;
    return is_streamable(job) && buspirate_bulk_keeps_up(self, self->baud) &&
           unit_us(job, self->baud) < 2 * TIMER_US;
}

uint32_t buspirate_stream_rate(const struct buspirate_job *job)
{
    enum { RATE = 1000000 };
    const struct buspirate *self = job->programmer->state;
    const uint64_t units = job->size / job->unit, each_us = unit_us(job, RATE);
    if (!is_streamable(job) || buspirate_bulk_keeps_up(self, self->baud) ||
        !buspirate_bulk_keeps_up(self, RATE) || each_us >= TIMER_US ||
        units * (TIMER_US - each_us) < CHANGE_US)
        return 0;
    return RATE;
}

/* The unit's instructions, and polls for as long as the chip may write, in whole groups. A group
 * takes its time on the wire, whatever SCK is. */
static size_t build_groups(const struct bulk *b, size_t offset, uint8_t *out)
{
    uint8_t bytes[2 * BUSPIRATE_BLOCK];
    size_t size = buspirate_build_unit(b->job, offset, bytes);
    size_t used = 0;
    if (size == 0)
        return 0;
    const uint64_t wait_ns = unit_wait_us(b->job) * UINT64_C(1000);
    const uint64_t group_ns = FRAMED * buspirate_byte_ns(b->self);
    const size_t polls = (size_t)((wait_ns + group_ns - 1) / group_ns) * GROUP;
    const size_t total = (size + polls + 4 + GROUP - 1) / GROUP * GROUP;
    (void)buspirate_put_polls(bytes + size, total - size);
    for (size_t at = 0; at < total; at += GROUP, used += FRAMED) {
        out[used] = 0x1f;
        memcpy(out + used + 1, bytes + at, GROUP);
    }
    return used;
}

static enum status bulk_send(struct bulk *b, struct error *e)
{
    uint8_t out[2 * BUSPIRATE_BLOCK / GROUP * FRAMED];
    const size_t size = build_groups(b, b->next, out);
    b->units[b->unit_count++] = (struct bulk_unit){
        .offset = (uint32_t)b->next, .groups = size / FRAMED, .polled = size > 0};
    b->next += b->job->unit;
    b->ahead += size;
    return size > 0 ? buspirate_send(b->self, out, size, e) : STATUS_OK;
}

/* The answers of the oldest unit: each group's begins with 01, and the last one's ends with the
 * answer to a poll, of which bit 0 says that the chip is busy. */
static enum status bulk_take(struct bulk *b, struct error *e)
{
    const struct bulk_unit unit = b->units[0];
    uint8_t last = 0;
    for (size_t i = 0; i < unit.groups; i++) {
        uint8_t in[FRAMED];
        TRY(buspirate_talk(b->self, "an instruction", NULL, 0, in, sizeof in, 0, e));
        if (in[0] != 1)
            return buspirate_wrong_answer(b->self, "an instruction", in, sizeof in, e);
        last = in[FRAMED - 1];
    }
    b->ahead -= unit.groups * FRAMED;
    b->unit_count--;
    memmove(b->units, b->units + 1, b->unit_count * sizeof b->units[0]);
    if (unit.polled && (last & 1) != 0 && !b->busy) {
        b->busy = true;
        b->busy_at = unit.offset;
    }
    if (!b->busy)
        context_advance(b->self->context, b->job->unit);
    return STATUS_OK;
}

static bool may_send(const struct bulk *b)
{
    return b->next < b->job->size && !b->busy && !b->cancelled && b->unit_count < UNITS_AHEAD &&
           (b->unit_count == 0 || b->ahead < BYTES_AHEAD / 2);
}

/* From b->next on, until the end, the user's wish, or a chip that is not ready in time; all answers
 * are taken. */
static enum status bulk_run(struct bulk *b, struct error *e)
{
    for (;;) {
        b->cancelled = b->cancelled || buspirate_wants_out(b->job);
        const bool send = may_send(b);
        if (!send && b->unit_count == 0)
            return STATUS_OK;
        const size_t at = b->unit_count > 0 ? b->units[0].offset : b->next;
        if ((send ? bulk_send(b, e) : bulk_take(b, e)) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(b->job->address + at));
    }
}

/* Once: the next time it gets the longest that was ever seen. */
static enum status bulk_slower(struct bulk *b, struct error *e)
{
    struct buspirate *self = b->self;
    buspirate_chip_busy(self, b->job->m->write_us);
    buspirate_await_chip(self);
    if (self->slow_chip)
        return error_set(e, STATUS_TIMEOUT, "0x%04lx: the chip is still busy %lu us after a write",
                         (unsigned long)(b->job->address + b->busy_at),
                         (unsigned long)b->job->m->write_us);
    context_log(self->context, LOG_NOTE,
                "the chip takes longer to write than its data sheet says: slower now");
    self->slow_chip = true;
    b->next = b->busy_at;
    b->busy = false;
    return STATUS_OK;
}

enum status buspirate_stream_units(const struct buspirate_job *job, struct error *e)
{
    struct bulk b = {.job = job, .self = job->programmer->state};
    while (b.next < job->size && !b.cancelled) {
        const enum status status = bulk_run(&b, e);
        if (status != STATUS_OK) { /* the chip may be writing */
            buspirate_chip_busy(b.self, job->m->write_us);
            return status;
        }
        if (b.busy)
            TRY(bulk_slower(&b, e));
    }
    return b.cancelled ? error_set(e, STATUS_CANCELLED, "interrupted") : STATUS_OK;
}

/* --- small blocks ------------------------------------------------------------------------------
 * Where the wire is so slow that a block is shifted while the receiver holds what comes behind it.
 */

enum {
    PIPE_LEAST = 40, /* bytes a block: smaller ones are too much frame */
    PIPE_MOST = 72,
    PIPE_WINDOW = 12, /* blocks on their way */
    HEAD = 5,         /* 05 and its two counts */
    FIFO = 4          /* bytes the receiver of a v3 holds */
};

/* Four bytes may lie in the receiver and a fifth may be on its way. Firmwares of which it is not
 * known better wait at the end of a command until the answer is sent, and 50 us. */
static size_t pipe_block(const struct buspirate *self)
{
    const uint64_t byte_ns = buspirate_byte_ns(self);
    const uint64_t hold_ns = (FIFO + 1) * byte_ns - byte_ns / 4;
    const uint64_t end_ns = buspirate_timer_holds(self) ? 0 : byte_ns + 50000;
    const uint64_t shift_ns = hold_ns > end_ns ? hold_ns - end_ns : 0;
    const size_t size = (size_t)(shift_ns / buspirate_shift_most_ns(self)) / 4 * 4;
    return size < PIPE_MOST ? size : PIPE_MOST;
}

bool buspirate_pipes_units(const struct buspirate_job *job)
{
    const struct buspirate *self = job->programmer->state;
    return !self->streams && pipe_block(self) >= PIPE_LEAST;
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
    TRY(buspirate_expect(self, "write-then-read", NULL, 0, "\x01", 1, 0, e));
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
    uint8_t out[HEAD + PIPE_MOST] = {0x05, 0, (uint8_t)size};
    memcpy(out + HEAD, data, size);
    if (pipe->waiting == PIPE_WINDOW)
        TRY(pipe_take(pipe, e));
    TRY(buspirate_send(pipe->self, out, HEAD + size, e));
    pipe->progress[pipe->waiting++] = progress;
    return STATUS_OK;
}

/* After a unit the chip writes; the next block is shifted when all of it has come. Where that is
 * too soon, blocks of polls, which a chip bears while it writes, take up the time. */
static enum status pipe_wait(struct pipe *pipe, size_t size, struct error *e)
{
    const uint64_t byte_ns = buspirate_byte_ns(pipe->self);
    const uint64_t wait_ns = pipe->wait_us * UINT64_C(1000);
    size_t coming = HEAD + size - FIFO;
    while (pipe->writing && coming * byte_ns < wait_ns) {
        uint8_t polls[PIPE_MOST];
        const size_t lacking = (size_t)(wait_ns / byte_ns) - coming + 1;
        const size_t wanted = lacking > HEAD + 4 ? (lacking - HEAD + 3) / 4 * 4 : 4;
        const size_t count =
            buspirate_put_polls(polls, wanted < pipe->block ? wanted : pipe->block);
        TRY(pipe_push(pipe, polls, count, 0, e));
        coming += HEAD + count;
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

static enum status pipe_unit(struct pipe *pipe, const struct buspirate_job *job, size_t offset,
                             struct error *e)
{
    uint8_t unit[BUSPIRATE_PAGES];
    const size_t size = buspirate_build_unit(job, offset, unit);
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

enum status buspirate_pipe_units(const struct buspirate_job *job, struct error *e)
{
    struct buspirate *self = job->programmer->state;
    struct pipe pipe = {.self = self, .block = pipe_block(self), .wait_us = job->wait_us};
    enum status status = STATUS_OK;
    bool cancelled = false;
    buspirate_await_chip(self);
    for (size_t done = 0; done < job->size && status == STATUS_OK && !cancelled;) {
        status = pipe_unit(&pipe, job, done, e);
        done += job->unit;
        cancelled = done < job->size && buspirate_wants_out(job);
    }
    if (status == STATUS_OK)
        status = pipe_empty(&pipe, e);
    buspirate_chip_busy(self, job->wait_us);
    if (status == STATUS_OK && cancelled)
        status = error_set(e, STATUS_CANCELLED, "interrupted");
    return status;
}
