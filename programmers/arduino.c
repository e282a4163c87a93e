/* The boot loaders of Arduino boards, which speak a part of STK500 version 1: uploads flash into
 * the board itself. No fuses, no erase; flash pages erase themselves.
 *
 * Sources: optiboot.c (versions 4 to 8) and ATmegaBOOT_168.c of the Arduino core; application note
 * AVR061, "STK500 Communication Protocol". Loaders keep a few bytes of a command at most and read
 * nothing while they write: one command at a time, except for LOAD_ADDRESS, which is answered at
 * once and goes out together with the command it serves. */
#include "arduino.h"

#include <stdio.h>
#include <string.h>

#include "drivers.h"
#include "stk500v1_protocol.h"

enum {
    RESET_IDLE_MS = 250, /* for the capacitor in the RESET line to discharge */
    RESET_PULSE_US = 100,
    BOOT_MS = 100,  /* from RESET to a loader that listens */
    SYNC_TRIES = 4, /* within the one second a loader waits */
    SYNC_WAIT_MS = 200,
    ATTEMPTS = 6,          /* each with its own reset, over the rates in turn */
    RECOVERIES = 2,        /* of one operation */
    SEGMENT_SIZE = 0x20000 /* bytes that a 16-bit word address reaches */
};

struct arduino {
    struct stk stk;
    int32_t segment; /* last sent; -1: none */
};

/* Uno and newer Nano, older Nano and Pro, Diecimila and other ATmega8/168 boards. */
static const uint32_t usual_rates[] = {115200, 57600, 19200};

/* --- opening -------------------------------------------------------------------------------- */

/* DTR or RTS, through a capacitor, pulls RESET low when it is asserted. */
static enum status pulse_reset(struct programmer *p, struct error *e)
{
    struct arduino *self = p->state;
    struct stream *stream = self->stk.stream;
    TRY(stream_set_lines(stream, false, false, e));
    TRY(context_sleep(p->context, RESET_IDLE_MS * 1000u, e));
    TRY(stream_set_lines(stream, true, true, e));
    TRY(context_sleep(p->context, RESET_PULSE_US, e));
    TRY(stream_set_lines(stream, false, false, e));
    TRY(context_sleep(p->context, BOOT_MS * 1000u, e));
    return stream_discard(stream, 10, 100, e);
}

static enum status meet_at(struct programmer *p, uint32_t baud, enum stk_identity *who,
                           struct error *e)
{
    struct arduino *self = p->state;
    TRY(stk_set_baud(&self->stk, baud, e));
    TRY(pulse_reset(p, e));
    return stk_meet(&self->stk, SYNC_TRIES, SYNC_WAIT_MS, who, e);
}

static enum status nobody_there(const struct programmer *p, enum stk_identity who, struct error *e)
{
    const struct arduino *self = p->state;
    const char *port = self->stk.stream->name;
    char heard[32];
    switch (who) {
    case STK_PROGRAMMER:
        (void)error_set(e, STATUS_SILENT, "%s: a programmer answers (\"%s\"), no boot loader", port,
                        self->stk.sign_on);
        error_hint(e, "to use the board as a programmer: -c arduino_as_isp; to write the board "
                      "itself, take the capacitor off its RESET line");
        break;
    case STK_NONSENSE:
        (void)error_set(e, STATUS_SILENT, "%s: the board answers, but not in STK500v1 (heard %s)",
                        port, stk_heard_text(&self->stk, heard, sizeof heard));
        error_hint(e, "a Mega's loader speaks STK500v2 (-c wiring), a Leonardo's AVR109");
        break;
    case STK_NOBODY:
    case STK_BOOTLOADER:
        (void)error_set(e, STATUS_SILENT, "%s: no boot loader answers", port);
        error_hint(e, "is it the right port (-P), and does the board have a boot loader? press its "
                      "reset button while this runs if it has no automatic reset");
        break;
    }
    if (p->config->baud != 0)
        error_hint(e, "leave -b out to have the usual rates tried");
    return STATUS_SILENT;
}

static enum status find_loader(struct programmer *p, struct error *e)
{
    struct arduino *self = p->state;
    const bool fixed = p->config->baud != 0 || !stream_has_baud(self->stk.stream);
    const uint32_t *rates = p->config->baud != 0 ? &p->config->baud : usual_rates;
    const size_t count = fixed ? 1 : sizeof usual_rates / sizeof usual_rates[0];
    enum stk_identity best = STK_NOBODY;
    for (size_t i = 0; i < ATTEMPTS; i++) {
        enum stk_identity who;
        TRY(meet_at(p, rates[i % count], &who, e));
        if (who == STK_BOOTLOADER)
            return STATUS_OK;
        best = who > best ? who : best;
    }
    return nobody_there(p, best, e);
}

enum status arduino_adopt(struct programmer *p, struct stream *stream, struct error *e)
{
    struct arduino *self = p->state;
    self->stk.context = p->context;
    self->stk.stream = stream;
    self->segment = -1;
    TRY(find_loader(p, e));
    context_value(p->context, "port", stream->name, NULL, 0);
    if (self->stk.baud != 0) {
        char rate[16];
        (void)snprintf(rate, sizeof rate, "%lu", (unsigned long)self->stk.baud);
        context_value(p->context, "baud", rate, NULL, 0);
        context_log(p->context, LOG_DETAIL, "boot loader on %s at %s baud", stream->name, rate);
    }
    return STATUS_OK;
}

static enum status arduino_open(struct programmer *p, struct error *e)
{
    struct stream *stream = NULL;
    const uint32_t baud = p->config->baud != 0 ? p->config->baud : usual_rates[0];
    const struct stream_options options = {.baud = baud, .lines_alone = true};
    TRY(stream_open_or_find(p->config->port, p->driver->serial_ids, &options, p->context, &stream,
                            e));
    return arduino_adopt(p, stream, e);
}

static void arduino_close(struct programmer *p)
{
    struct arduino *self = p->state;
    stream_close(self->stk.stream);
    self->stk.stream = NULL;
}

/* A loader that has lost step waits for its watchdog: start it anew. */
static enum status recover(struct programmer *p, unsigned *recoveries, enum status status,
                           struct error *e)
{
    struct arduino *self = p->state;
    if ((status != STATUS_SILENT && status != STATUS_TIMEOUT) || ++*recoveries > RECOVERIES)
        return status;
    const struct error reason = *e;
    enum stk_identity who;
    self->segment = -1;
    TRY(meet_at(p, self->stk.baud, &who, e));
    if (who != STK_BOOTLOADER) {
        *e = reason;
        return status;
    }
    context_log(p->context, LOG_NOTE,
                "out of step with the boot loader (%s): started anew, the "
                "last block is repeated",
                reason.text);
    return STATUS_OK;
}

static enum status arduino_enter(struct programmer *p, struct error *e)
{
    struct arduino *self = p->state;
    return stk_simple(&self->stk, STK_ENTER_PROGMODE, e);
}

/* The loader starts the application, at once or by its watchdog. One that has lost step does so by
 * itself. */
static enum status arduino_leave(struct programmer *p, struct error *e)
{
    struct arduino *self = p->state;
    return self->stk.in_step ? stk_simple(&self->stk, STK_LEAVE_PROGMODE, e) : STATUS_OK;
}

/* --- memories ------------------------------------------------------------------------------- */

/* optiboot on parts above 128 KiB takes bits 23 to 16 of the word address from 4D 00 nn 00. */
static enum status select_segment(struct programmer *p, uint32_t address, struct error *e)
{
    struct arduino *self = p->state;
    const int32_t segment = (int32_t)(address / SEGMENT_SIZE);
    if (!p->part->extended_address || self->segment == segment)
        return STATUS_OK;
    const struct stk_command command = {
        .head = {STK_UNIVERSAL, 0x4d, 0, (uint8_t)segment, 0}, .head_size = 5, .answer_size = 1};
    size_t answered = 0;
    TRY(stk_run(&self->stk, &command, 1, &answered, e));
    self->segment = segment;
    return STATUS_OK;
}

/* The signature the loader was compiled for, not the chip's own. */
static enum status read_signature(struct programmer *p, uint8_t *data, size_t size, struct error *e)
{
    struct arduino *self = p->state;
    uint8_t signature[3];
    size_t answered = 0;
    const struct stk_command command = {
        .head = {STK_READ_SIGN}, .head_size = 1, .answer = signature, .answer_size = 3};
    if (size > sizeof signature)
        return error_set(e, STATUS_UNSUPPORTED, "the signature has three bytes");
    TRY(stk_run(&self->stk, &command, 1, &answered, e));
    memcpy(data, signature, size);
    return STATUS_OK;
}

static enum status flash_only(const struct memory *m, struct error *e)
{
    if (m->kind == MEMORY_FLASH)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNSUPPORTED, "the boot loader reaches flash only, not %s", m->name);
    error_hint(e, "use an ISP programmer for it");
    return STATUS_UNSUPPORTED;
}

/* [address, address + size) in blocks, each as often as recover() allows. `reading` or `writing` is
 * NULL. Loaders of parts with small pages keep only the low byte of a length. */
static enum status transfer(struct programmer *p, const struct memory *m, uint32_t address,
                            uint8_t *reading, const uint8_t *writing, size_t size, struct error *e)
{
    struct arduino *self = p->state;
    const size_t block = m->page_size;
    unsigned recoveries = 0;
    for (size_t done = 0; done < size;) {
        const size_t length = size - done < block ? size - done : block;
        const struct stk_command command = {
            .load_address = true,
            .word_address = (uint16_t)((address + done) / 2),
            .head = {writing != NULL ? STK_PROG_PAGE : STK_READ_PAGE, (uint8_t)(length >> 8),
                     (uint8_t)length, 'F'},
            .head_size = 4,
            .body = writing != NULL ? writing + done : NULL,
            .body_size = writing != NULL ? length : 0,
            .answer = reading != NULL ? reading + done : NULL,
            .answer_size = reading != NULL ? length : 0,
            .progress = (uint32_t)length,
        };
        size_t answered = 0;
        enum status status = select_segment(p, address + (uint32_t)done, e);
        if (status == STATUS_OK)
            status = stk_run(&self->stk, &command, 1, &answered, e);
        if (status == STATUS_OK)
            done += length;
        else if (recover(p, &recoveries, status, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
    }
    return STATUS_OK;
}

static enum status arduino_read(struct programmer *p, const struct memory *m, uint32_t address,
                                uint8_t *data, size_t size, struct error *e)
{
    if (m->kind == MEMORY_SIGNATURE)
        return read_signature(p, data, size, e);
    TRY(flash_only(m, e));
    if (address % 2 != 0 || size % 2 != 0 || m->page_size == 0)
        return error_set(e, STATUS_UNSUPPORTED, "the boot loader reads whole words of flash");
    return transfer(p, m, address, data, NULL, size, e);
}

static enum status arduino_write(struct programmer *p, const struct memory *m, uint32_t address,
                                 const uint8_t *data, size_t size, struct error *e)
{
    TRY(flash_only(m, e));
    if (m->page_size == 0 || m->page_size > STK_BODY_MAX)
        return error_set(e, STATUS_UNSUPPORTED, "no boot loader writes pages of this size");
    return transfer(p, m, address, NULL, data, size, e);
}

/* Boards with such a boot loader, and the USB adapters on their clones. */
static const struct stream_usb_id serial_ids[] = {
    {0x2341, 0x0043}, {0x2341, 0x0001}, {0x2341, 0x0243}, {0x2341, 0x006a}, {0x2a03, 0x0043},
    {0x1a86, 0x7523}, {0x0403, 0x6001}, {0x0403, 0x6015}, {0x10c4, 0xea60}, {0, 0},
};

const struct programmer_driver arduino_driver = {
    .name = "arduino",
    .proven = "model",
    .features = PROGRAMMER_BOOTLOADER,
    .state_size = sizeof(struct arduino),
    .serial_ids = serial_ids,
    .open = arduino_open,
    .close = arduino_close,
    .enter = arduino_enter,
    .leave = arduino_leave,
    .read = arduino_read,
    .write = arduino_write,
};
