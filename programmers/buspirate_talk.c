/* The Bus Pirate driver: commands and answers, and what a wrong one means.
 *
 * Sources: firmware 6.3, SPI.c, binSPI(); community firmware 8.0, spi.c, spi_enter_binary_io();
 * PIC24F Family Reference Manual, "UART": four bytes of receive buffer, and an overrun stops it. */
#include <stdio.h>
#include <string.h>

#include "buspirate.h"

enum {
    REPLY_MS = 1500, /* an FT232R alone may hold an answer for 16; busy hosts stall for more */
    WRITE_MS = 2000, /* for the system to take bytes, beyond their time on the wire */
    QUIET_MS = 60,   /* between the pieces of what should not have come */
    LOOP_LEAST_NS = 0,
    LOOP_MOST_NS = 2000, /* 32 instructions of the PIC24 a byte */
    BULK = 4             /* instructions in one bulk transfer: 16 bytes */
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

uint64_t buspirate_shift_least_ns(const struct buspirate *self)
{
    return clocks_ns(self) + LOOP_LEAST_NS;
}

bool buspirate_keeps_up(const struct buspirate *self)
{
    return self->legacy || buspirate_shift_most_ns(self) <= buspirate_byte_ns(self);
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

static enum status went_silent(struct buspirate *self, const char *what, size_t got, size_t size,
                               struct error *e)
{
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
static enum status wrong_answer(struct buspirate *self, const char *what, const uint8_t *heard,
                                size_t size, struct error *e)
{
    char text[400];
    char shown[40];
    size_t used = size < sizeof text / 2 ? size : sizeof text / 2;
    size_t more = 0;
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

enum status buspirate_talk(struct buspirate *self, const char *what, const uint8_t *out,
                           size_t out_size, uint8_t *in, size_t size, unsigned extra_ms,
                           struct error *e)
{
    const unsigned patience_ms = self->options.reply_ms != 0 ? self->options.reply_ms : REPLY_MS;
    size_t got = 0;
    TRY(buspirate_send(self, out, out_size, e));
    const enum status status = stream_read(
        self->stream, in, size, patience_ms + wire_ms(self, out_size + size) + extra_ms, &got, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    self->mode = BUSPIRATE_UNKNOWN;
    if (status != STATUS_TIMEOUT)
        return status;
    if (got > 0 && in[0] != 1)
        return wrong_answer(self, what, in, got, e);
    return went_silent(self, what, got, size, e);
}

enum status buspirate_expect(struct buspirate *self, const char *what, const uint8_t *out,
                             size_t out_size, const char *wanted, size_t size, unsigned extra_ms,
                             struct error *e)
{
    uint8_t in[8];
    TRY(buspirate_talk(self, what, out, out_size, in, size, extra_ms, e));
    if (memcmp(in, wanted, size) == 0)
        return STATUS_OK;
    self->mode = BUSPIRATE_UNKNOWN;
    return wrong_answer(self, what, in, size, e);
}

enum status buspirate_command(struct buspirate *self, const char *what, uint8_t code,
                              struct error *e)
{
    return buspirate_expect(self, what, &code, 1, "\x01", 1, 0, e);
}

void buspirate_chip_sleep(struct buspirate *self, uint64_t us)
{
    self->context->clock->sleep_us(self->context->clock, us);
}

void buspirate_await_chip(struct buspirate *self)
{
    const uint64_t now_us = context_now_us(self->context);
    if (now_us < self->busy_end_us)
        buspirate_chip_sleep(self, self->busy_end_us - now_us);
}

enum status buspirate_write_block(struct buspirate *self, const uint8_t *data, size_t size,
                                  struct error *e)
{
    uint8_t out[5 + BUSPIRATE_BLOCK] = {0x05, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(out + 5, data, size);
    const unsigned shift_ms = (unsigned)(size * buspirate_shift_most_ns(self) / 1000000u);
    return buspirate_expect(self, "write-then-read", out, 5 + size, "\x01", 1, shift_ms, e);
}

/* --- instructions ----------------------------------------------------------------------------- */

/* 0001nnnn and n + 1 bytes -> 01, then one byte for each. The firmware takes the command at once,
 * and each byte as the one before is shifted: where they come faster than that, the four bytes of
 * one instruction are what its receiver holds. */
static enum status bulk(struct buspirate *self, struct isp_exchange *batch, size_t count,
                        struct error *e)
{
    uint8_t out[1 + 4 * BULK];
    uint8_t in[1 + 4 * BULK];
    const size_t size = 4 * count;
    out[0] = (uint8_t)(0x10 | (size - 1));
    for (size_t i = 0; i < count; i++)
        memcpy(out + 1 + 4 * i, batch[i].mosi, 4);
    const unsigned shift_ms = (unsigned)(size * buspirate_shift_most_ns(self) / 1000000u);
    TRY(buspirate_talk(self, "an instruction", out, 1 + size, in, 1 + size, shift_ms, e));
    if (in[0] != 1) {
        self->mode = BUSPIRATE_UNKNOWN;
        return wrong_answer(self, "an instruction", in, 1 + size, e);
    }
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

static bool is_enable(const struct isp_exchange *x)
{
    return x->mosi[0] == 0xac && x->mosi[1] == 0x53;
}

enum status buspirate_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                               struct error *e)
{
    struct buspirate *self = p->state;
    for (size_t done = 0; done < count;) {
        const size_t group = next_group(self, batch + done, count - done);
        TRY(bulk(self, batch + done, group, e));
        if (is_enable(&batch[done]) && batch[done].miso[2] == 0x53)
            self->enterings = 0;
        done += group;
        buspirate_chip_sleep(self, batch[done - 1].wait_us);
    }
    return STATUS_OK;
}
