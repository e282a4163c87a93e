/* The STK500v1 driver: serial programming instructions, several in flight.
 *
 * Sources: application note AVR061, "Universal Command"; ArduinoISP.ino of the Arduino examples
 * (version 1.18), universal(). */
#include <string.h>

#include "stk500v1.h"

enum {
    FILLERS_MAX = 16,       /* from there on sleeping is faster */
    WORTH_POLLING_US = 8000 /* between the least and the longest time the chip may take */
};

/* A stretch of a batch that goes out in one stk_run(). */
struct segment {
    size_t end;   /* the batch's first instruction behind it */
    bool sleep;   /* the host must wait after its last one */
    size_t built; /* of `commands` */
    struct stk_command commands[STK500V1_COMMANDS];
    uint8_t polls[STK500V1_COMMANDS]; /* answers to those commands that are fillers */
};

static struct stk_command universal(const uint8_t mosi[4], uint8_t *miso, size_t tag)
{
    struct stk_command command = {.head = {STK_UNIVERSAL, mosi[0], mosi[1], mosi[2], mosi[3]},
                                  .head_size = 5,
                                  .answer = miso,
                                  .answer_size = 1,
                                  .tag = tag};
    return command;
}

/* How long `count` harmless instructions take, the shorter of two tries. */
static enum status time_instructions(struct programmer *p, size_t count, uint64_t *shortest_us,
                                     struct error *e)
{
    enum { ROUNDS = 2 };
    static const uint8_t read_signature[4] = {0x30, 0x00, 0x00, 0x00};
    struct stk500v1 *self = p->state;
    struct stk_command commands[STK500V1_COMMANDS];
    for (size_t i = 0; i < count; i++)
        commands[i] = universal(read_signature, NULL, i);
    *shortest_us = UINT64_MAX;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t answered = 0;
        const uint64_t begin_us = context_now_us(p->context);
        TRY(stk_run(&self->stk, commands, count, &answered, e));
        const uint64_t took_us = context_now_us(p->context) - begin_us;
        *shortest_us = took_us < *shortest_us ? took_us : *shortest_us;
    }
    return STATUS_OK;
}

static uint64_t instruction_wire_us(const struct stk500v1 *self)
{
    return 6u * 10u * 1000000u / self->stk.baud;
}

/* Do many instructions take at least (nearly) as long as their bytes need at this rate? On a native
 * USB port the rate is fiction and they take a fraction of it. The answers may be late by the 16 ms
 * of an FT232R: hence many, and one less to compare. */
static enum status measure_pace(struct programmer *p, struct error *e)
{
    enum { LASTING_US = 100000 };
    struct stk500v1 *self = p->state;
    self->pace = PACE_NONE;
    if (self->stk.baud == 0 || self->stk.ahead == 0)
        return STATUS_OK;
    const uint64_t wire_us = instruction_wire_us(self);
    const size_t enough = (size_t)(LASTING_US / wire_us) + 2;
    const size_t count = enough < STK500V1_COMMANDS ? enough : STK500V1_COMMANDS;
    uint64_t one_us = 0, all_us = 0;
    TRY(time_instructions(p, 1, &one_us, e));
    TRY(time_instructions(p, count, &all_us, e));
    if (all_us > one_us && (all_us - one_us) * 5 > wire_us * (count - 1) * 4)
        self->pace = PACE_OF_WIRE;
    return STATUS_OK;
}

/* Polls that take as long as the chip, with a quarter to spare. What the wire paces at four fifths
 * of its rate (see above) is not faster when it piles up in the sketch's ring: SPI is then the
 * slower. */
static size_t filler_count(const struct stk500v1 *self, uint32_t wait_min_us)
{
    const uint64_t pace_us = instruction_wire_us(self) * 4 / 5;
    return (size_t)((wait_min_us + wait_min_us / 4u + pace_us - 1) / pace_us);
}

/* What stands between two instructions: polls, the only instruction a busy chip bears, or the
 * host's own sleep. */
static bool waits_by_filling(const struct stk500v1 *self, const struct isp_exchange *x)
{
    return self->pace == PACE_OF_WIRE && x->ready_poll && x->wait_us > 0 && x->wait_min_us > 0 &&
           filler_count(self, x->wait_min_us) <= FILLERS_MAX;
}

/* An instruction that writes fuse or lock bits, erases or enables: alone in flight, so that nothing
 * overflows that could give it an operand not its own. */
static bool is_delicate(const struct isp_exchange *x)
{
    return x->mosi[0] == 0xac;
}

/* Poll RDY/BSY: bit 0 of the fourth answer byte is 1 while busy. */
static const uint8_t poll_instruction[4] = {0xf0, 0x00, 0x00, 0x00};

/* Commands for batch[first..], up to and including the first that the host must wait for. */
static void build_segment(const struct stk500v1 *self, struct isp_exchange *batch, size_t first,
                          size_t count, struct segment *s)
{
    s->built = 0;
    s->sleep = false;
    for (s->end = first; s->end < count && !s->sleep;) {
        struct isp_exchange *x = &batch[s->end];
        const bool fill = s->end + 1 < count && waits_by_filling(self, x);
        const size_t fillers = fill ? filler_count(self, x->wait_min_us) : 0;
        if (s->end > first && (is_delicate(x) || s->built + 1 + fillers > STK500V1_COMMANDS))
            return;
        s->commands[s->built++] = universal(x->mosi, &x->miso[3], s->end);
        for (size_t k = 0; k < fillers; k++, s->built++)
            s->commands[s->built] = universal(poll_instruction, &s->polls[s->built], s->end);
        s->sleep = x->wait_us > 0 && !fill;
        s->end++;
        if (is_delicate(x))
            return;
    }
}

static bool is_filler(const struct segment *s, size_t i)
{
    return i < s->built && s->commands[i].answer == &s->polls[i];
}

/* The first instruction after which the chip was still busy at the last poll: what followed met a
 * busy chip. `s->end`: none. */
static size_t first_unproven(const struct segment *s)
{
    for (size_t i = 0; i < s->built; i++)
        if (is_filler(s, i) && !is_filler(s, i + 1) && (s->polls[i] & 1) != 0)
            return s->commands[i].tag;
    return s->end;
}

static enum status poll_ready(struct programmer *p, const struct isp_exchange *x, struct error *e)
{
    struct stk500v1 *self = p->state;
    const uint64_t end_us = context_now_us(p->context) + x->wait_us;
    uint8_t answer = 1;
    stk500v1_chip_sleep(p, x->wait_min_us);
    while ((answer & 1) != 0 && context_now_us(p->context) < end_us) {
        enum { STEP_US = 500 };
        size_t answered = 0;
        const struct stk_command command = universal(poll_instruction, &answer, 0);
        const enum status status = stk_run(&self->stk, &command, 1, &answered, e);
        const uint64_t now_us = context_now_us(p->context);
        const uint32_t left_us = now_us < end_us ? (uint32_t)(end_us - now_us) : 0;
        if (status != STATUS_OK)
            stk500v1_chip_sleep(p, left_us);
        TRY(status);
        if ((answer & 1) != 0)
            stk500v1_chip_sleep(p, left_us < STEP_US ? left_us : STEP_US);
    }
    return STATUS_OK; /* once the full time has passed it is done in any case */
}

static enum status wait_after(struct programmer *p, const struct isp_exchange *x, struct error *e)
{
    if (x->ready_poll && x->wait_us >= x->wait_min_us + WORTH_POLLING_US)
        return poll_ready(p, x, e);
    stk500v1_chip_sleep(p, x->wait_us);
    return STATUS_OK;
}

/* Where to begin anew when `tag` was the first without an answer: behind the last instruction that
 * makes the chip write, so that a page is loaded again before it is written again. */
static size_t group_start(const struct isp_exchange *batch, size_t tag)
{
    while (tag > 0 && batch[tag - 1].wait_us == 0)
        tag--;
    return tag;
}

static void note_segment(struct stk500v1 *self, const struct isp_exchange *x)
{
    if (x->mosi[0] != 0x4d)
        return;
    memcpy(self->segment, x->mosi, sizeof self->segment);
    self->segment_known = true;
}

static bool waits_often(const struct isp_exchange *batch, size_t count)
{
    enum { OFTEN = 40 }; /* measuring takes a fifth of a second */
    size_t waits = 0;
    for (size_t i = 0; i < count; i++)
        waits += batch[i].ready_poll && batch[i].wait_min_us > 0 ? 1 : 0;
    return waits >= OFTEN;
}

/* A segment on the wire. *again: where the batch goes on; less than s->end if something must be
 * repeated, for which the reason is the status, or, if that is good, the chip's slowness. */
static enum status run_segment(struct programmer *p, struct isp_exchange *batch, size_t first,
                               struct segment *s, size_t *again, struct error *e)
{
    struct stk500v1 *self = p->state;
    size_t answered = 0;
    enum status status = stk_run(&self->stk, s->commands, s->built, &answered, e);
    if (status != STATUS_OK) {
        *again = group_start(batch, answered < s->built ? s->commands[answered].tag : s->end - 1);
        return status;
    }
    const size_t unproven = first_unproven(s);
    if (unproven < s->end) {
        context_log(p->context, LOG_NOTE,
                    "the chip takes longer than its data sheet says: given "
                    "its time, the last bytes are written again");
        self->pace = PACE_NONE;
        stk500v1_chip_sleep(p, batch[unproven].wait_us);
        *again = group_start(batch, unproven);
        return STATUS_OK;
    }
    for (size_t i = first; i < s->end; i++)
        note_segment(self, &batch[i]);
    if (s->sleep)
        status = wait_after(p, &batch[s->end - 1], e);
    *again = status == STATUS_OK ? s->end : group_start(batch, s->end - 1);
    return status;
}

enum status stk500v1_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                              struct error *e)
{
    struct stk500v1 *self = p->state;
    struct recovery recovery = {0};
    struct segment segment;
    TRY(stk500v1_ensure_step(p, e));
    if (self->pace == PACE_UNKNOWN && waits_often(batch, count)) {
        const enum status status = measure_pace(p, e);
        if (status != STATUS_OK)
            TRY(stk500v1_recover(p, &recovery, false, status, e));
    }
    for (size_t i = 0; i < count;) {
        size_t again = i;
        build_segment(self, batch, i, count, &segment);
        const enum status status = run_segment(p, batch, i, &segment, &again, e);
        if (status != STATUS_OK)
            TRY(stk500v1_recover(p, &recovery, again > i, status, e));
        i = again;
    }
    return STATUS_OK;
}
