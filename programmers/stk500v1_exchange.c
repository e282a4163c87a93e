/* The STK500v1 driver: serial programming instructions, several in flight.
 *
 * Sources: application note AVR061, "Universal Command"; ArduinoISP.ino of the Arduino examples
 * (version 1.18), universal(). */
#include <string.h>

#include "stk500v1.h"

enum {
    FILLERS_MAX = 16,    /* from there on sleeping is faster */
    LONG_WAIT_US = 15000 /* of the chip; longer ones are worth polling for alone */
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

/* Instructions that take as long as the chip's wait, counting the one that comes after it. What the
 * wire paces at four fifths of its rate (see above) is not faster when it piles up in the sketch's
 * ring: SPI is then the slower. A quarter is to spare. */
static size_t filler_count(const struct stk500v1 *self, uint32_t wait_us)
{
    const uint64_t pace_us = instruction_wire_us(self) * 4 / 5;
    const uint64_t instructions = (wait_us + wait_us / 4u) / pace_us + 1;
    return (size_t)(instructions - 1);
}

/* What stands between two instructions: polls, the only instruction a busy chip bears, or the
 * host's own sleep. */
static bool waits_by_filling(const struct stk500v1 *self, const struct isp_exchange *batch,
                             size_t i, size_t count)
{
    return self->pace == PACE_OF_WIRE && i + 1 < count && batch[i].ready_poll &&
           batch[i].wait_us > 0 && filler_count(self, batch[i].wait_us) <= FILLERS_MAX;
}

/* An instruction that writes fuse or lock bits, erases or enables: alone in flight, so that nothing
 * overflows that could give it an operand not its own. */
static bool is_delicate(const struct isp_exchange *x)
{
    return x->mosi[0] == 0xac;
}

/* Poll RDY/BSY: bit 0 of the fourth answer byte is 1 while busy. */
static const uint8_t poll_instruction[4] = {0xf0, 0x00, 0x00, 0x00};

/* Commands for batch[first..], up to and including the first that the host must wait for: then
 * *sleep is set. Returns where the next segment begins. */
static size_t build_segment(const struct stk500v1 *self, struct isp_exchange *batch, size_t first,
                            size_t count, struct stk_command *commands, size_t *built, bool *sleep)
{
    size_t i = first;
    *built = 0;
    *sleep = false;
    while (i < count && !*sleep) {
        const bool fill = waits_by_filling(self, batch, i, count);
        const size_t fillers = fill ? filler_count(self, batch[i].wait_us) : 0;
        if (i > first && (is_delicate(&batch[i]) || *built + 1 + fillers > STK500V1_COMMANDS))
            break;
        commands[(*built)++] = universal(batch[i].mosi, &batch[i].miso[3], i);
        for (size_t k = 0; k < fillers; k++)
            commands[(*built)++] = universal(poll_instruction, NULL, i);
        *sleep = batch[i].wait_us > 0 && !fill;
        if (is_delicate(&batch[i++]))
            break;
    }
    return i;
}

static enum status poll_ready(struct programmer *p, uint32_t limit_us, struct error *e)
{
    enum { STEP_US = 1000 };
    struct stk500v1 *self = p->state;
    const uint64_t end_us = context_now_us(p->context) + limit_us;
    uint8_t answer = 1;
    while ((answer & 1) != 0 && context_now_us(p->context) < end_us) {
        size_t answered = 0;
        const struct stk_command command = universal(poll_instruction, &answer, 0);
        stk500v1_chip_sleep(p, STEP_US);
        const enum status status = stk_run(&self->stk, &command, 1, &answered, e);
        const uint64_t now_us = context_now_us(p->context);
        if (status != STATUS_OK && now_us < end_us)
            stk500v1_chip_sleep(p, (uint32_t)(end_us - now_us));
        TRY(status);
    }
    return STATUS_OK; /* once the full time has passed it is done in any case */
}

static enum status wait_after(struct programmer *p, const struct isp_exchange *x, struct error *e)
{
    if (x->ready_poll && x->wait_us >= LONG_WAIT_US)
        return poll_ready(p, x->wait_us, e);
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
        waits += batch[i].ready_poll && batch[i].wait_us > 0 ? 1 : 0;
    return waits >= OFTEN;
}

enum status stk500v1_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                              struct error *e)
{
    struct stk500v1 *self = p->state;
    struct recovery recovery = {0};
    struct stk_command commands[STK500V1_COMMANDS];
    TRY(stk500v1_ensure_step(p, e));
    if (self->pace == PACE_UNKNOWN && waits_often(batch, count)) {
        const enum status status = measure_pace(p, e);
        if (status != STATUS_OK)
            TRY(stk500v1_recover(p, &recovery, false, status, e));
    }
    for (size_t i = 0; i < count;) {
        size_t built, answered;
        bool sleep;
        const size_t end = build_segment(self, batch, i, count, commands, &built, &sleep);
        enum status status = stk_run(&self->stk, commands, built, &answered, e);
        for (size_t k = i; k < end && status == STATUS_OK; k++)
            note_segment(self, &batch[k]);
        if (status == STATUS_OK && sleep)
            status = wait_after(p, &batch[end - 1], e);
        if (status == STATUS_OK) {
            i = end;
            continue;
        }
        const size_t reached = answered < built ? commands[answered].tag : end - 1;
        const size_t again = group_start(batch, reached);
        TRY(stk500v1_recover(p, &recovery, again > i, status, e));
        i = again;
    }
    return STATUS_OK;
}
