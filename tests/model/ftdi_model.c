/* The USB side of an FTDI adapter: requests, packets, latency timer, pins; see ftdi_model.h. */
#include <stdlib.h>
#include <string.h>

#include "ftdi_private.h"

/* Vendor requests, as FTDI's drivers send them. */
enum {
    RESET,
    MODEM_CTRL,
    FLOW_CTRL,
    SET_BAUD,
    SET_DATA,
    POLL_MODEM,
    EVENT_CHAR,
    ERROR_CHAR,
    SET_LATENCY = 9,
    GET_LATENCY,
    SET_BITMODE,
    READ_PINS,
    READ_EEPROM = 0x90
};

enum { STATUS_SIZE = 2, LATENCY_DEFAULT_MS = 16, DEFAULT_BAUD = 9600 };

const char *ftdi_request_name(const struct usb_setup *setup)
{
    static const char *const names[] = {
        "ftdi.reset",       "ftdi.modem-ctrl",  "ftdi.flow-ctrl",
        "ftdi.set-baud",    "ftdi.set-data",    "ftdi.poll-modem",
        "ftdi.event-char",  "ftdi.error-char",  NULL,
        "ftdi.set-latency", "ftdi.get-latency", "ftdi.set-bitmode",
        "ftdi.read-pins",
    };
    if (setup->request < sizeof names / sizeof names[0] && names[setup->request] != NULL)
        return names[setup->request];
    return setup->request == READ_EEPROM ? "ftdi.read-eeprom" : "ftdi.unknown";
}

/* --- FIFOs and pins ------------------------------------------------------------------------- */

bool ftdi_fifo_put(struct ftdi_fifo *f, uint8_t byte)
{
    if (f->count == f->limit)
        return false;
    f->bytes[(f->first + f->count++) % FTDI_FIFO_MAX] = byte;
    return true;
}

uint8_t ftdi_fifo_take(struct ftdi_fifo *f)
{
    const uint8_t byte = f->bytes[f->first];
    f->first = (f->first + 1) % FTDI_FIFO_MAX;
    f->count--;
    return byte;
}

static bool pin_level(const struct ftdi_engine *e, unsigned pin)
{
    return (e->driven >> pin & 1) == 0 || (e->value >> pin & 1) != 0;
}

/* Whether the buffers let signals through: each is driven to its active level. */
static bool buffers_on(const struct ftdi_engine *e)
{
    for (unsigned i = 0; i < e->board->buffer_count; i++) {
        const struct ftdi_buffer *b = &e->board->buffers[i];
        if ((e->driven >> b->pin & 1) == 0 || pin_level(e, b->pin) != b->active_high)
            return false;
    }
    return true;
}

void ftdi_apply_pins(struct ftdi_engine *e)
{
    if (e->chip == NULL)
        return;
    const struct ftdi_board *b = e->board;
    const bool on = buffers_on(e);
    const bool reset = !on || pin_level(e, b->reset);
    /* Edges of one moment: none of SCK is to be seen while RESET is changing. */
    if (reset)
        avr_chip_set_pin(e->chip, AVR_PIN_RESET, true, e->ns);
    avr_chip_set_pin(e->chip, AVR_PIN_SCK, on && pin_level(e, b->sck), e->ns);
    avr_chip_set_pin(e->chip, AVR_PIN_MOSI, on && pin_level(e, b->mosi), e->ns);
    if (!reset)
        avr_chip_set_pin(e->chip, AVR_PIN_RESET, false, e->ns);
}

uint16_t ftdi_read_pins(struct ftdi_engine *e)
{
    uint16_t levels = (uint16_t)(e->value | (uint16_t)~e->driven);
    if (e->chip != NULL && buffers_on(e) && !avr_chip_miso(e->chip, e->ns))
        levels = (uint16_t)(levels & ~(1u << e->board->miso));
    return levels;
}

/* As a UART: TXD idles high, RTS and DTR (pins 2 and 4) are high unless asserted. */
static void uart_pins(struct ftdi_engine *e)
{
    e->driven = 1u << 0 | 1u << 2 | 1u << 4;
    e->value = (uint16_t)(1u << 0 | (e->rts ? 0 : 1u << 2) | (e->dtr ? 0 : 1u << 4));
    ftdi_apply_pins(e);
}

/* --- Time ----------------------------------------------------------------------------------- */

static bool step(struct ftdi_engine *e)
{
    switch (e->mode) {
    case FTDI_MPSSE:
        return ftdi_mpsse_step(e);
    case FTDI_ASYNC_BITBANG:
    case FTDI_SYNC_BITBANG:
        return ftdi_bitbang_step(e);
    case FTDI_UART: /* sent to a line that nobody listens to */
        e->uart_bytes += e->in.count;
        e->in.count = 0;
        return false;
    }
    return false;
}

/* Lets the engine work up to `now`. What it waits for then can only come later. */
static void run_until(struct ftdi_engine *e, uint64_t now)
{
    while (e->ns <= now)
        if (!step(e))
            break;
    if (e->ns < now)
        e->ns = now;
}

static bool has_room(const struct ftdi_engine *e, size_t size)
{
    return e->in.limit - e->in.count >= size;
}

static bool has_answer(const struct ftdi_engine *e, size_t size)
{
    return e->out.count >= size || (e->flush && e->out.count > 0);
}

/* When the engine, left alone, will have come so far; USB_NEVER: it will stop before. */
static uint64_t forecast(const struct ftdi_engine *now,
                         bool (*reached)(const struct ftdi_engine *, size_t), size_t size)
{
    struct ftdi_engine e = *now;
    e.chip = NULL;
    while (!reached(&e, size))
        if (!step(&e))
            return USB_NEVER;
    return e.ns;
}

/* --- Requests ------------------------------------------------------------------------------- */

/* The divisor of 3 MHz, or of 12 MHz with bit 17, in eighths: FTDI AN_120, "Aliasing VCP Baud
 * Rates"; 0 and 1 stand for 1 and 1.5. */
static uint32_t decode_baud(const struct ftdi_engine *e, const struct usb_setup *s)
{
    static const uint8_t eighths[] = {0, 4, 2, 1, 3, 5, 6, 7};
    const bool channels = e->board->mpsse;
    const uint32_t high = channels ? s->index >> 8 : s->index;
    const uint32_t encoded = s->value | (high & 3u) << 16;
    uint32_t divisor = (encoded & 0x3fff) * 8 + eighths[encoded >> 14 & 7];
    if (divisor == 0)
        divisor = 8;
    else if (divisor == 8)
        divisor = 12;
    return ((encoded & 1u << 17) != 0 ? 12000000u : 3000000u) * 8 / divisor;
}

static void clear(struct ftdi_fifo *f)
{
    f->first = f->count = 0;
}

/* 0: both FIFOs and what a mode had set; 1 and 2: one FIFO each, from the chip's own view. */
static void reset(struct ftdi_engine *e, uint16_t which)
{
    if (which != 2)
        clear(&e->in);
    if (which != 1) {
        clear(&e->out);
        e->flush = false;
    }
}

static void set_bitmode(struct ftdi_engine *e, uint16_t value)
{
    const unsigned mode = value >> 8;
    clear(&e->in);
    clear(&e->out);
    e->flush = false;
    if (mode == FTDI_MPSSE && e->board->mpsse) {
        e->mode = FTDI_MPSSE;
        ftdi_mpsse_begin(e);
    } else if (mode == FTDI_ASYNC_BITBANG || mode == FTDI_SYNC_BITBANG) {
        /* The levels are those that the pins had: AN_232R-01 says nothing of a jump. */
        e->value = (uint16_t)(e->value | (uint16_t)~e->driven);
        e->mode = (enum ftdi_mode)mode;
        e->driven = value & 0xff;
    } else {
        e->mode = FTDI_UART;
        uart_pins(e);
        return;
    }
    ftdi_apply_pins(e);
}

static void modem_ctrl(struct ftdi_engine *e, uint16_t value)
{
    if ((value & 0x100) != 0)
        e->dtr = (value & 1) != 0;
    if ((value & 0x200) != 0)
        e->rts = (value & 2) != 0;
    if (e->mode == FTDI_UART)
        uart_pins(e);
}

static bool for_our_channel(const struct ftdi_model *m, uint16_t index)
{
    const unsigned channel = index & 0xff;
    return channel == m->engine.board->channel + 1u ||
           (channel == 0 && m->engine.board->channel == 0) ||
           m->engine.board->device.interfaces == 1;
}

static int reply(struct ftdi_model *m, uint8_t first, uint8_t second, size_t size)
{
    m->reply[0] = first;
    m->reply[1] = second;
    m->reply_size = size;
    return 0;
}

int ftdi_setup(void *self, const struct usb_setup *s, uint64_t *now)
{
    struct ftdi_model *m = self;
    struct ftdi_engine *e = &m->engine;
    run_until(e, *now);
    m->reply_size = 0;
    if (s->request == READ_EEPROM) /* erased: no configuration of its own */
        return reply(m, 0xff, 0xff, 2);
    if (!for_our_channel(m, s->index))
        return reply(m, s->request == GET_LATENCY ? LATENCY_DEFAULT_MS : 0x31, 0x60,
                     s->request == POLL_MODEM ? 2 : 1);
    switch (s->request) {
    case RESET:
        reset(e, s->value);
        break;
    case MODEM_CTRL:
        modem_ctrl(e, s->value);
        break;
    case SET_BAUD:
        e->baud = decode_baud(e, s);
        break;
    case POLL_MODEM:
        return reply(m, 0x31, 0x60, 2);
    case SET_LATENCY:
        m->latency_ms = s->value & 0xff;
        break;
    case GET_LATENCY:
        return reply(m, (uint8_t)m->latency_ms, 0, 1);
    case SET_BITMODE:
        set_bitmode(e, s->value);
        break;
    case READ_PINS:
        return reply(m, (uint8_t)ftdi_read_pins(e), 0, 1);
    case FLOW_CTRL:
    case SET_DATA:
    case EVENT_CHAR:
    case ERROR_CHAR:
        break;
    default:
        return USB_STALL;
    }
    return 0;
}

int ftdi_control_in(void *self, uint8_t *packet, size_t size, uint64_t *now)
{
    (void)now;
    const struct ftdi_model *m = self;
    const size_t part = m->reply_size < size ? m->reply_size : size;
    memcpy(packet, m->reply, part);
    return (int)part;
}

int ftdi_control_out(void *self, const uint8_t *packet, size_t size, uint64_t *now)
{
    (void)self;
    (void)packet;
    (void)now;
    return (int)size;
}

/* --- Packets -------------------------------------------------------------------------------- */

static unsigned channel_of(uint8_t endpoint)
{
    return ((endpoint & 0x7fu) - 1) / 2;
}

/* Each packet begins with two bytes of modem and line status. */
static int send_packet(struct ftdi_model *m, uint8_t *packet, size_t payload, uint64_t now)
{
    struct ftdi_engine *e = &m->engine;
    packet[0] = 0x31;
    packet[1] = 0x60;
    size_t size = STATUS_SIZE;
    while (e->out.count > 0 && size < payload + STATUS_SIZE)
        packet[size++] = ftdi_fifo_take(&e->out);
    if (e->out.count == 0)
        e->flush = false;
    m->last_in_ns = now;
    return (int)size;
}

/* A packet goes when it is full, when it was asked for, or when the latency timer has run out, and
 * then also without anything in it. */
int ftdi_bulk_in(void *self, uint8_t endpoint, uint8_t *packet, size_t size, uint64_t *now)
{
    struct ftdi_model *m = self;
    struct ftdi_engine *e = &m->engine;
    if (channel_of(endpoint) != e->board->channel) {
        *now = USB_NEVER;
        return USB_NAK;
    }
    run_until(e, *now);
    const size_t payload = size - STATUS_SIZE;
    const uint64_t expires = m->last_in_ns + m->latency_ms * USB_MS;
    if (has_answer(e, payload) || *now >= expires)
        return send_packet(m, packet, payload, *now);
    const uint64_t full = forecast(e, has_answer, payload);
    *now = full < expires ? full : expires;
    /* With nothing to say, the timer's empty packets are not worth leaping for. */
    return full != USB_NEVER || e->out.count > 0 || e->ns > *now ? USB_BUSY : USB_NAK;
}

int ftdi_bulk_out(void *self, uint8_t endpoint, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct ftdi_model *m = self;
    struct ftdi_engine *e = &m->engine;
    if (channel_of(endpoint) != e->board->channel)
        return (int)size;
    run_until(e, *now);
    if (!has_room(e, size)) {
        *now = forecast(e, has_room, size);
        return *now == USB_NEVER ? USB_NAK : USB_BUSY;
    }
    for (size_t i = 0; i < size; i++)
        (void)ftdi_fifo_put(&e->in, packet[i]);
    return (int)size;
}

void ftdi_unplug(void *self, uint64_t now)
{
    struct ftdi_model *m = self;
    struct ftdi_engine *e = &m->engine;
    run_until(e, now);
    e->mode = FTDI_UART;
    clear(&e->in);
    e->driven = 0;
    ftdi_apply_pins(e);
}

/* --- The whole ------------------------------------------------------------------------------ */

const struct usb_device *ftdi_model_device(const char *name)
{
    const struct ftdi_board *board = ftdi_board_find(name);
    return board == NULL ? NULL : &board->device;
}

const char *ftdi_model_name(size_t index)
{
    const struct ftdi_board *board = ftdi_board_at(index);
    return board == NULL ? NULL : board->device.name;
}

struct ftdi_model *ftdi_model_new(struct avr_chip *chip, const struct usb_device *device)
{
    struct ftdi_model *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    struct ftdi_engine *e = &m->engine;
    e->board = ftdi_board_find(device->name);
    e->chip = chip;
    e->in.limit = e->board->fifo_in;
    e->out.limit = e->board->fifo_out;
    e->baud = DEFAULT_BAUD;
    e->bitbang_factor = 4;
    m->latency_ms = LATENCY_DEFAULT_MS;
    uart_pins(e);
    return m;
}

void ftdi_model_free(struct ftdi_model *m)
{
    free(m);
}

void ftdi_model_set_bitbang_factor(struct ftdi_model *m, unsigned factor)
{
    m->engine.bitbang_factor = factor;
}

size_t ftdi_model_counts(const struct ftdi_model *m, struct usb_count *counts, size_t capacity)
{
    const struct ftdi_engine *e = &m->engine;
    const struct usb_count all[] = {
        {"ftdi.mode", e->mode},
        {"ftdi.driven", e->driven},
        {"ftdi.latency-ms", m->latency_ms},
        {"ftdi.baud", e->baud},
        {"ftdi.commands", e->commands},
        {"ftdi.bad-opcodes", e->bad_opcodes},
        {"ftdi.uart-bytes", e->uart_bytes},
    };
    size_t count = 0;
    for (; count < sizeof all / sizeof all[0] && count < capacity; count++)
        counts[count] = all[count];
    return count;
}
