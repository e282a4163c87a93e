/* The Bus Pirate driver: commands and answers, and what a wrong one means.
 *
 * Sources: firmware 6.3, SPI.c, binSPI(); community firmware 8.0, spi.c, spi_enter_binary_io();
 * PIC24F Family Reference Manual, "UART": four bytes of receive buffer, and an overrun stops it. */
#include <stdio.h>
#include <string.h>

#include "buspirate.h"

enum {
    REPLY_MS = 1500,     /* an FT232R alone may hold an answer for 16; busy hosts stall for more */
    WRITE_MS = 2000,     /* for the system to take bytes, beyond their time on the wire */
    QUIET_MS = 60,       /* between the pieces of what should not have come */
    LOOP_MOST_NS = 2000, /* 32 instructions of the PIC24 a byte */
    BULK = 4,            /* instructions in one bulk transfer: 16 bytes */
    AT_ONCE_US = 1000,   /* a command so soon after an answer finds the latency timer begun anew */
    PROMPT_US = 6000,    /* no answer that the timer then holds, for 16 ms, comes as soon, */
    LATE_US = 26000,     /* or as late */
    CERTAIN = 6,         /* so many of them, and no prompt one, are no accident, if */
    BEAT_LEAST_US = 14500, /* they have come at the timer's beat on average */
    BEAT_MOST_US = 17500
};

uint64_t buspirate_byte_ns(const struct buspirate *self)
{
    const uint32_t baud = self->baud != 0 ? self->baud : BUSPIRATE_USUAL_BAUD;
    return UINT64_C(10000000000) / baud; /* 8N1: ten bits */
}

static uint64_t clocks_ns(const struct buspirate *self)
{
    return UINT64_C(8000000000) / (self->sck_hz != 0 ? self->sck_hz : 1);
}

uint64_t buspirate_shift_most_ns(const struct buspirate *self)
{
    return clocks_ns(self) + LOOP_MOST_NS;
}

bool buspirate_keeps_up(const struct buspirate *self)
{
    return self->legacy || buspirate_shift_most_ns(self) <= buspirate_byte_ns(self);
}

/* A bulk transfer brings 17 bytes, 16 of which are shifted; fetching and answering each takes up to
 * 48 instructions of the PIC24, as does the command. */
bool buspirate_bulk_keeps_up(const struct buspirate *self, uint32_t baud)
{
    const uint64_t loop_ns = 3000, byte_ns = UINT64_C(10000000000) / baud;
    return 16 * (clocks_ns(self) + loop_ns) + loop_ns <= 17 * byte_ns;
}

bool buspirate_timer_holds(const struct buspirate *self)
{
    const unsigned count = self->held_answers;
    return self->baud != 0 && !self->legacy && self->prompt_answers == 0 && count >= CERTAIN &&
           self->held_us >= (uint64_t)count * BEAT_LEAST_US &&
           self->held_us <= (uint64_t)count * BEAT_MOST_US;
}

static unsigned wire_ms(const struct buspirate *self, size_t bytes)
{
    return (unsigned)(bytes * buspirate_byte_ns(self) / 1000000u) + 1;
}

/* --- what a wrong answer means ---------------------------------------------------------------- */

bool buspirate_ends_in(const char *text, size_t size, const char *last)
{
    const size_t length = strlen(last);
    return size >= length && memcmp(text + size - length, last, length) == 0;
}

enum status buspirate_listen(struct buspirate *self, unsigned quiet_ms, const char *last,
                             char *text, size_t capacity, size_t *size, struct error *e)
{
    enum { MOST = 4096 }; /* nothing a Bus Pirate says by itself is longer */
    size_t used = 0;
    for (size_t total = 0; total < MOST;) {
        uint8_t chunk[64];
        size_t got = 0;
        TRY(stream_read_some(self->stream, chunk, sizeof chunk, quiet_ms, &got, e));
        if (got == 0)
            break;
        total += got;
        for (size_t i = 0; i < got; i++) {
            if (used + 1 == capacity)
                memmove(text, text + 1, --used);
            text[used++] = (char)chunk[i];
        }
        if (last != NULL && buspirate_ends_in(text, used, last))
            break;
    }
    text[used] = '\0';
    *size = used;
    return STATUS_OK;
}

/* Whether `word` is among bytes that may hold zeros. */
static bool contains(const char *text, size_t size, const char *word)
{
    const size_t length = strlen(word);
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(text + i, word, length) == 0)
            return true;
    return false;
}

static const char *hex(const char *bytes, size_t size, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < size && used + 4 < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%02x", i > 0 ? " " : "",
                                 (unsigned)(uint8_t)bytes[i]);
    return out;
}

enum status buspirate_went_silent(struct buspirate *self, const char *what, size_t got, size_t size,
                                  struct error *e)
{
    self->mode = BUSPIRATE_UNKNOWN;
    if (got == 0)
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate does not answer: %s",
                        self->stream->name, what);
    else
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate stopped after %zu of %zu bytes: %s",
                        self->stream->name, got, size, what);
    error_hint(e, "a byte was lost on the way, or its receiver was overrun: a Bus Pirate v3 then "
                  "hears nothing until it is unplugged and plugged in again");
    error_hint(e, "if it happens again, try -b 115200");
    return STATUS_SILENT;
}

/* `heard` begins with what was taken for the answer; the rest is fetched. */
enum status buspirate_wrong_answer(struct buspirate *self, const char *what, const uint8_t *heard,
                                   size_t size, struct error *e)
{
    char text[400];
    char shown[40];
    size_t used = size < sizeof text / 2 ? size : sizeof text / 2;
    size_t more = 0;
    self->mode = BUSPIRATE_UNKNOWN;
    memcpy(text, heard, used);
    if (buspirate_listen(self, QUIET_MS, NULL, text + used, sizeof text - used, &more, e) !=
        STATUS_OK)
        return e->code;
    used += more;
    const char *name = self->stream->name;
    if (contains(text, used, "Bus Pirate") || contains(text, used, "HiZ>")) {
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate started anew: %s", name, what);
        error_hint(e, "its own supply gave way: does the target draw too much from it, or is VCC "
                      "shorted?");
    } else if (contains(text, used, "BBIO1")) {
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate left SPI mode by itself: %s", name,
                        what);
        error_hint(e, "bytes get lost or changed between computer and Bus Pirate: try another "
                      "cable or port, or -b 115200");
    } else if (used > 0 && text[0] == '\0') {
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate refuses: %s", name, what);
    } else {
        (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate answers nonsense (%s): %s", name,
                        hex(text, used, shown, sizeof shown), what);
        error_hint(e, "is something else on the port, or the line noisy? try -b 115200");
    }
    return STATUS_SILENT;
}

/* --- commands --------------------------------------------------------------------------------- */

enum status buspirate_send(struct buspirate *self, const uint8_t *out, size_t size, struct error *e)
{
    const enum status status =
        stream_write(self->stream, out, size, WRITE_MS + wire_ms(self, size), e);
    if (status != STATUS_OK)
        self->mode = BUSPIRATE_UNKNOWN;
    return status;
}

static unsigned patience_ms(const struct buspirate *self)
{
    return self->options.reply_ms != 0 ? self->options.reply_ms : REPLY_MS;
}

enum status buspirate_talk(struct buspirate *self, const char *what, const uint8_t *out,
                           size_t out_size, uint8_t *in, size_t size, unsigned extra_ms,
                           struct error *e)
{
    size_t got = 0;
    TRY(buspirate_send(self, out, out_size, e));
    const unsigned limit_ms = patience_ms(self) + wire_ms(self, out_size + size) + extra_ms;
    const enum status status = stream_read(self->stream, in, size, limit_ms, &got, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    self->mode = BUSPIRATE_UNKNOWN;
    if (status != STATUS_TIMEOUT)
        return status;
    if (got > 0 && in[0] != 1)
        return buspirate_wrong_answer(self, what, in, got, e);
    return buspirate_went_silent(self, what, got, size, e);
}

/* The same, of a command whose whole answer is short, so that nothing but the latency timer can
 * hold it: notes how long it took. */
static enum status talk_noted(struct buspirate *self, const char *what, const uint8_t *out,
                              size_t out_size, uint8_t *in, size_t size, unsigned extra_ms,
                              struct error *e)
{
    enum { SHORT = 20 };
    const uint64_t asked_us = context_now_us(self->context);
    const bool at_once = asked_us < self->answered_us + AT_ONCE_US;
    const bool counts = self->mode == BUSPIRATE_SPI && out_size > 0 && out_size <= SHORT &&
                        size <= SHORT && extra_ms == 0;
    TRY(buspirate_talk(self, what, out, out_size, in, size, extra_ms, e));
    self->answered_us = context_now_us(self->context);
    const uint64_t took_us = self->answered_us - asked_us;
    if (counts && at_once && took_us < PROMPT_US) {
        self->prompt_answers++;
    } else if (counts && at_once && took_us < LATE_US) {
        self->held_answers++;
        self->held_us += took_us;
    }
    return STATUS_OK;
}

enum status buspirate_expect(struct buspirate *self, const char *what, const uint8_t *out,
                             size_t out_size, const char *wanted, size_t size, unsigned extra_ms,
                             struct error *e)
{
    uint8_t in[8];
    TRY(talk_noted(self, what, out, out_size, in, size, extra_ms, e));
    if (memcmp(in, wanted, size) == 0)
        return STATUS_OK;
    return buspirate_wrong_answer(self, what, in, size, e);
}

enum status buspirate_command(struct buspirate *self, const char *what, uint8_t code,
                              struct error *e)
{
    return buspirate_expect(self, what, &code, 1, "\x01", 1, 0, e);
}

void buspirate_chip_busy(struct buspirate *self, uint64_t us)
{
    self->busy_end_us = context_now_us(self->context) + us;
}

void buspirate_await_chip(struct buspirate *self)
{
    const uint64_t now_us = context_now_us(self->context);
    if (now_us < self->busy_end_us)
        self->context->clock->sleep_us(self->context->clock, self->busy_end_us - now_us);
}

size_t buspirate_put_polls(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = i % 4 == 0 ? 0xf0 : 0x00;
    return size;
}

enum status buspirate_write_block(struct buspirate *self, const uint8_t *data, size_t size,
                                  struct error *e)
{
    uint8_t out[5 + BUSPIRATE_BLOCK] = {0x05, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(out + 5, data, size);
    const unsigned shift_ms = (unsigned)(size * buspirate_shift_most_ns(self) / 1000000u);
    return buspirate_expect(self, "write-then-read", out, 5 + size, "\x01", 1, shift_ms, e);
}

/* --- instructions ---------------------------------------------------------------------------- */

static size_t put_bulk(const struct isp_exchange *batch, size_t count, uint8_t *out)
{
    out[0] = (uint8_t)(0x10 | (4 * count - 1));
    for (size_t i = 0; i < count; i++)
        memcpy(out + 1 + 4 * i, batch[i].mosi, 4);
    return 1 + 4 * count;
}

static enum status take_bulk(struct buspirate *self, const uint8_t *in, struct isp_exchange *batch,
                             size_t count, struct error *e)
{
    if (in[0] != 1)
        return buspirate_wrong_answer(self, "an instruction", in, 1 + 4 * count, e);
    for (size_t i = 0; i < count; i++)
        memcpy(batch[i].miso, in + 1 + 4 * i, 4);
    return STATUS_OK;
}

/* The Bus Pirate 5 learns how large the flash is from the signature it sees pass: it looks only at
 * the beginning of a bulk transfer. */
static bool goes_alone(const struct buspirate *self, const struct isp_exchange *x)
{
    return self->legacy && x->mosi[0] == 0x30;
}

/* Instructions that may be sent together: while N bytes come, N times byte time / shift time of
 * them are shifted, and four may be left over. */
static size_t group_most(const struct buspirate *self)
{
    const uint64_t shift_ns = buspirate_shift_most_ns(self);
    const uint64_t byte_ns = buspirate_byte_ns(self);
    if (buspirate_keeps_up(self) || shift_ns / (shift_ns - byte_ns) >= BULK)
        return BULK;
    return (size_t)(shift_ns / (shift_ns - byte_ns));
}

static size_t next_group(const struct buspirate *self, const struct isp_exchange *batch,
                         size_t count)
{
    const size_t most = group_most(self);
    size_t size = 0;
    while (size < count && size < most) {
        if (goes_alone(self, &batch[size]))
            return size > 0 ? size : 1;
        if (batch[size++].wait_us > 0)
            break;
    }
    return size;
}

/* 0001nnnn and n + 1 bytes -> 01, then one byte for each. Where it is safe, as many such groups as
 * there are without a wait between them, before their answers are taken. */
static enum status bulk(struct buspirate *self, struct isp_exchange *batch, size_t count,
                        size_t *done, struct error *e)
{
    enum { GROUPS = 32 };
    uint8_t out[GROUPS * (1 + 4 * BULK)], in[GROUPS * (1 + 4 * BULK)];
    size_t groups[GROUPS];
    size_t used = 0, group_count = 0, size = 0;
    const bool ahead = buspirate_timer_holds(self) && buspirate_bulk_keeps_up(self, self->baud);
    do {
        const size_t group = next_group(self, batch + used, count - used);
        size += put_bulk(batch + used, group, out + size);
        groups[group_count++] = group;
        used += group;
    } while (ahead && used < count && group_count < GROUPS && batch[used - 1].wait_us == 0);
    const unsigned shift_ms = (unsigned)(size * buspirate_shift_most_ns(self) / 1000000u);
    TRY(talk_noted(self, "an instruction", out, size, in, size, shift_ms, e));
    *done = 0;
    for (size_t i = 0, at = 0; i < group_count; at += 1 + 4 * groups[i++]) {
        TRY(take_bulk(self, in + at, batch + *done, groups[i], e));
        *done += groups[i];
    }
    return STATUS_OK;
}

/* Programming Enable, answered as the chip does: the data sheets' "Serial Programming
 * Algorithm". An AT90S1200 does not answer it. */
static bool is_enabled(const struct part *part, const struct isp_exchange *x)
{
    return x->mosi[0] == 0xac && x->mosi[1] == 0x53 && part->enable_reply_value != 0 &&
           x->miso[part->enable_reply_byte] == part->enable_reply_value;
}

static uint32_t longest_wait_us(const struct isp_exchange *batch, size_t count)
{
    uint32_t longest_us = 0;
    for (size_t i = 0; i < count; i++)
        longest_us = batch[i].wait_us > longest_us ? batch[i].wait_us : longest_us;
    return longest_us;
}

/* The chip may have understood an instruction whose answer is missing: it is given its time. */
enum status buspirate_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                               struct error *e)
{
    struct buspirate *self = p->state;
    for (size_t done = 0; done < count;) {
        size_t part = 0;
        const enum status status = bulk(self, batch + done, count - done, &part, e);
        if (status != STATUS_OK) {
            buspirate_chip_busy(self, longest_wait_us(batch + done, count - done));
            return status;
        }
        if (is_enabled(p->part, &batch[done]))
            self->enterings = 0;
        done += part;
        buspirate_chip_busy(self, batch[done - 1].wait_us);
        buspirate_await_chip(self);
    }
    return STATUS_OK;
}
