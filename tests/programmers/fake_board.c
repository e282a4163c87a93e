#include "fake_board.h"

#include <string.h>

enum {
    SPI_SOFTWARE_US = 12, /* of the sketch, between instructions */
    SETUP_US = 540000,    /* three lights, each three times 60 ms */
    FLICKER_US = 30000,
    ENTER_US = 70100,
    EEPROM_US = 45000,
    ADAPTER_US = 4096,
    TX_RING = 64
};

static uint32_t byte_us(uint32_t baud)
{
    return baud == 0 ? 1 : 10000000u / baud;
}

/* --- the firmware's pins -------------------------------------------------------------------- */

static void sync_chip(struct fake_board *b)
{
    if (b->chip_ns < b->now_us * AVR_US)
        b->chip_ns = b->now_us * AVR_US;
}

static uint8_t spi(struct fake_board *b, uint8_t a0, uint8_t a1, uint8_t a2, uint8_t a3)
{
    const uint32_t hz = b->options.sck_hz != 0 ? b->options.sck_hz : 125000;
    const uint8_t mosi[4] = {a0, a1, a2, a3};
    uint8_t miso[4] = {0};
    sync_chip(b);
    if (b->chip != NULL && b->in_pmode)
        avr_chip_instruction(b->chip, mosi, miso, &b->chip_ns, 500000000u / hz);
    b->now_us += 32u * 1000000u / hz + SPI_SOFTWARE_US;
    return miso[3];
}

static void reset_pin(struct fake_board *b, bool active)
{
    const bool high = active == (b->device_code >= 0xe0);
    sync_chip(b);
    if (b->chip != NULL)
        avr_chip_set_pin(b->chip, AVR_PIN_RESET, high, b->chip_ns);
}

static void enter(struct fake_board *b)
{
    if (b->in_pmode)
        return;
    reset_pin(b, true);
    b->now_us += 20000;
    reset_pin(b, false);
    b->now_us += 100;
    reset_pin(b, true);
    b->now_us += 50000;
    b->in_pmode = true;
    b->reset_pulses++;
    (void)spi(b, 0xac, 0x53, 0, 0);
}

static void leave(struct fake_board *b)
{
    reset_pin(b, false);
    b->in_pmode = false;
}

/* --- answers -------------------------------------------------------------------------------- */

static bool is_listed(const size_t *list, size_t count)
{
    for (size_t i = 0; i < 8 && list[i] != 0; i++)
        if (list[i] == count)
            return true;
    return false;
}

static void put(struct fake_board *b, uint8_t value)
{
    const uint32_t baud = b->booting ? b->options.boot_baud : b->options.baud;
    const uint32_t latency = b->options.latency_us != 0 ? b->options.latency_us : 500;
    const uint64_t begin = b->wire_out_us > b->now_us ? b->wire_out_us : b->now_us;
    b->wire_out_us = begin + byte_us(baud);
    if (b->wire_out_us > b->now_us + TX_RING * byte_us(baud)) /* print() blocks */
        b->now_us = b->wire_out_us - TX_RING * byte_us(baud);
    b->bytes_out++;
    if (is_listed(b->lose_out, b->bytes_out))
        return;
    /* The adapter passes on what it has every 4.096 ms (Arduino-usbserial: timer 0 overflow). */
    const uint64_t tick_us = baud == 0 ? 1 : ADAPTER_US;
    const uint64_t sent_us = (b->wire_out_us + tick_us - 1) / tick_us * tick_us;
    b->leaving[b->leaving_end++ % (FAKE_QUEUE * 16)] =
        (struct fake_byte){.at_us = sent_us + latency, .baud = baud, .value = value};
}

static void put_all(struct fake_board *b, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put(b, (uint8_t)bytes[i]);
}

/* --- the sketch ----------------------------------------------------------------------------- */

static uint32_t page_of(const struct fake_board *b, uint32_t word)
{
    switch (b->page_size) {
    case 32:
    case 64:
    case 128:
    case 256:
        return word & ~(b->page_size / 2u - 1u);
    default:
        return word;
    }
}

static void commit(struct fake_board *b, uint32_t word)
{
    (void)spi(b, 0x4c, (uint8_t)(word >> 8), (uint8_t)word, 0);
    if (!b->options.no_flicker)
        b->now_us += FLICKER_US;
}

static void prog_page(struct fake_board *b)
{
    const size_t length = b->command[1] * 256u + b->command[2];
    const uint8_t *data = b->command + 4;
    if (length > 256) {
        b->crashed = true;
        return;
    }
    if (b->command[4 + length] != 0x20) {
        b->nosync++;
        put(b, 0x15);
        return;
    }
    put(b, 0x14);
    uint32_t page = page_of(b, b->here);
    for (size_t i = 0; i + 1 < length; i += 2) {
        if (page_of(b, b->here) != page) {
            commit(b, page);
            page = page_of(b, b->here);
        }
        (void)spi(b, 0x40, (uint8_t)(b->here >> 8), (uint8_t)b->here, data[i]);
        (void)spi(b, 0x48, (uint8_t)(b->here >> 8), (uint8_t)b->here, data[i + 1]);
        b->here = (b->here + 1) & 0xffff;
    }
    commit(b, page);
    put(b, 0x10);
}

static void read_page(struct fake_board *b)
{
    const size_t length = b->command[1] * 256u + b->command[2];
    put(b, 0x14);
    if (b->command[3] == 'F') {
        for (size_t i = 0; i < length; i += 2) {
            put(b, spi(b, 0x20, (uint8_t)(b->here >> 8), (uint8_t)b->here, 0));
            put(b, spi(b, 0x28, (uint8_t)(b->here >> 8), (uint8_t)b->here, 0));
            b->here = (b->here + 1) & 0xffff;
        }
    } else {
        for (size_t i = 0; i < length; i++) {
            const uint32_t at = b->here * 2 + (uint32_t)i;
            put(b, spi(b, 0xa0, (uint8_t)(at >> 8), (uint8_t)at, 0xff));
        }
    }
    put(b, 0x10);
}

/* Bytes of the command that begins so, EOP included; 0: more are needed to tell. */
static size_t length_of(const uint8_t *command, size_t size)
{
    switch (command[0]) {
    case 0x30:
    case 0x31:
    case 0x50:
    case 0x51:
    case 0x75:
        return 2;
    case 0x41:
        return 3;
    case 0x42:
        return 22;
    case 0x45:
        return 7;
    case 0x55:
        return 4;
    case 0x56:
        return 6;
    case 0x64:
        return size < 4 ? 0 : 5u + command[1] * 256u + command[2];
    case 0x74:
        return 5;
    case 0x20:
        return 1;
    default:
        return 2;
    }
}

static uint8_t parameter(const struct fake_board *b, uint8_t which)
{
    switch (which) {
    case 0x80:
        return 2;
    case 0x81:
        return 1;
    case 0x82:
        return b->options.firmware == FAKE_STK500 ? 15 : 18;
    case 0x84:
        return b->options.firmware == FAKE_STK500 ? 50 : 0;
    default:
        return 0;
    }
}

static void answer_value(struct fake_board *b, uint8_t value)
{
    const char bytes[3] = {0x14, (char)value, 0x10};
    put_all(b, bytes, sizeof bytes);
}

static void execute(struct fake_board *b)
{
    const uint8_t *c = b->command;
    const bool good = c[b->command_size - 1] == 0x20;
    const bool stk500 = b->options.firmware == FAKE_STK500;
    if (c[0] == 0x50 && (!stk500 || b->device_set))
        enter(b);
    if (c[0] == 0x51)
        leave(b);
    if (c[0] == 0x64) {
        prog_page(b);
        return;
    }
    if (!good || c[0] == 0x20) {
        b->nosync++;
        put(b, 0x15);
        return;
    }
    switch (c[0]) {
    case 0x31:
        put(b, 0x14);
        put_all(b, stk500 ? "AVR STK" : "AVR ISP", 7);
        put(b, 0x10);
        return;
    case 0x41:
        answer_value(b, parameter(b, c[1]));
        return;
    case 0x42:
        b->device_code = c[1];
        b->page_size = (uint16_t)(c[13] * 256u + c[14]);
        b->device_set = true;
        break;
    case 0x50:
        if (stk500 && !b->device_set) {
            put_all(b, "\x14\x13", 2);
            return;
        }
        break;
    case 0x55:
        b->here = c[1] + c[2] * 256u;
        break;
    case 0x56:
        answer_value(b, b->spi_answer);
        return;
    case 0x74:
        read_page(b);
        return;
    case 0x30:
    case 0x45:
    case 0x51:
        break;
    default:
        b->unknown++;
        b->set_parameter += c[0] == 0x40 ? 1 : 0;
        put(b, 0x12);
        return;
    }
    put_all(b, "\x14\x10", 2);
}

static bool is_complete(const struct fake_board *b)
{
    const size_t due = length_of(b->command, b->command_size);
    return (due != 0 && b->command_size >= due) || b->command_size == sizeof b->command;
}

static void sketch_byte(struct fake_board *b, uint8_t value)
{
    const uint8_t *c = b->command;
    b->command[b->command_size++] = value;
    if (c[0] == 0x56 && b->command_size == 5)
        b->spi_answer = spi(b, c[1], c[2], c[3], c[4]);
    if (!is_complete(b))
        return;
    execute(b);
    b->command_size = 0;
}

/* --- the boot loader ------------------------------------------------------------------------ */

static void boot_end(struct fake_board *b, uint64_t at_us)
{
    if (b->options.firmware == FAKE_BOOTLOADER) {
        b->boot_end_us = UINT64_MAX; /* nothing to start */
        return;
    }
    b->booting = false;
    b->command_size = 0;
    b->ring_size = 0;
    b->now_us = (b->now_us > at_us ? b->now_us : at_us) + SETUP_US;
}

static void boot_pages(struct fake_board *b, bool write)
{
    const size_t length = b->command[1] * 256u + b->command[2];
    put(b, 0x14);
    for (size_t i = 0; i < length; i++) {
        uint8_t *cell = &b->boot_flash[(b->here * 2 + i) % sizeof b->boot_flash];
        if (write)
            *cell = b->command[4 + i];
        else
            put(b, *cell);
    }
    b->boot_pages += write ? 1 : 0;
    b->now_us += write ? 9000 : 0;
    put(b, 0x10);
}

static void boot_execute(struct fake_board *b)
{
    const uint8_t *c = b->command;
    if (c[b->command_size - 1] != 0x20) { /* the watchdog starts the application */
        if (b->options.firmware == FAKE_BOOTLOADER)
            b->dead = true;
        b->boot_end_us = b->now_us + 16000;
        return;
    }
    switch (c[0]) {
    case 0x41:
        answer_value(b, 3);
        return;
    case 0x56:
        answer_value(b, 0);
        return;
    case 0x55:
        b->here = c[1] + c[2] * 256u;
        break;
    case 0x64:
    case 0x74:
        boot_pages(b, c[0] == 0x64);
        return;
    case 0x75:
        put_all(b, "\x14\x1e\x95\x0f\x10", 5);
        return;
    case 0x51:
        if (!b->options.boot_stays)
            b->boot_end_us = b->now_us + 16000;
        break;
    default:
        break;
    }
    put_all(b, "\x14\x10", 2);
}

static void boot_byte(struct fake_board *b, const struct fake_byte *byte)
{
    if (b->dead || byte->baud != b->options.boot_baud)
        return; /* a framing error does not restart the watchdog */
    b->boot_end_us = b->now_us + (b->options.boot_us != 0 ? b->options.boot_us : 1000000);
    b->command[b->command_size++] = byte->value;
    if (!is_complete(b))
        return;
    boot_execute(b);
    b->command_size = 0;
}

static void reset_board(struct fake_board *b)
{
    b->in_pmode = b->device_set = b->dead = b->crashed = false;
    b->page_size = 0;
    b->device_code = 0;
    b->command_size = 0;
    b->ring_size = 0;
    reset_pin(b, false); /* the pins float, the chip's own resistor pulls */
    b->booting = b->options.boot_baud != 0;
    b->boot_end_us = b->now_us + (b->options.boot_us != 0 ? b->options.boot_us : 1000000);
    if (!b->booting)
        b->now_us += SETUP_US;
}

/* --- time ----------------------------------------------------------------------------------- */

static void take_arrived(struct fake_board *b)
{
    const size_t capacity = b->options.ring != 0 ? b->options.ring : 63;
    while (b->arriving_at < b->arriving_end &&
           b->arriving[b->arriving_at % FAKE_QUEUE].at_us <= b->now_us) {
        const struct fake_byte *byte = &b->arriving[b->arriving_at++ % FAKE_QUEUE];
        if (b->booting && b->boot_end_us <= byte->at_us)
            boot_end(b, b->boot_end_us);
        if (b->ring_size < capacity || b->options.baud == 0)
            b->ring[b->ring_size++ % FAKE_RING] = *byte;
        else
            b->overflows++;
        if (b->ring_size > b->ahead_max)
            b->ahead_max = b->ring_size;
        if (b->options.baud == 0 && b->ring_size == FAKE_RING) /* USB holds the host off */
            break;
    }
}

static void step(struct fake_board *b)
{
    const struct fake_byte byte = b->ring[0];
    memmove(b->ring, b->ring + 1, --b->ring_size * sizeof b->ring[0]);
    switch (b->options.firmware) {
    case FAKE_MUTE:
        return;
    case FAKE_CHATTER:
        put_all(b, "ok>\r\n", 5);
        return;
    case FAKE_SKETCH:
    case FAKE_BOOTLOADER:
    case FAKE_STK500:
        break;
    }
    if (b->booting)
        boot_byte(b, &byte);
    else if (!b->crashed)
        sketch_byte(b, b->options.baud == 0 || byte.baud == b->options.baud ? byte.value : 0xf8);
}

/* The firmware runs as far as it can with the bytes that are on their way to it. */
static void run(struct fake_board *b)
{
    for (;;) {
        if (b->ring_size == 0 && b->arriving_at == b->arriving_end) {
            if (b->booting && b->boot_end_us <= b->clock->now_us)
                boot_end(b, b->boot_end_us);
            return;
        }
        if (b->ring_size == 0) {
            const uint64_t next = b->arriving[b->arriving_at % FAKE_QUEUE].at_us;
            if (b->booting && b->boot_end_us <= next)
                boot_end(b, b->boot_end_us);
            b->now_us = b->now_us > next ? b->now_us : next;
        }
        take_arrived(b);
        if (b->ring_size > 0)
            step(b);
    }
}

/* --- the stream ----------------------------------------------------------------------------- */

static bool faulty(struct fake_board *b, enum fake_fault fault)
{
    return b->fault == fault && b->transfers >= b->fault_at;
}

static enum status begin_transfer(struct fake_board *b, struct error *e)
{
    b->transfers++;
    if (b->cancel_at != 0 && b->transfers >= b->cancel_at)
        *b->cancel = 1;
    if (faulty(b, FAULT_UNPLUG))
        return error_set(e, STATUS_LINK, "the connection to %s was lost", b->base.name);
    return STATUS_OK;
}

static enum status fake_write(struct stream *s, const uint8_t *data, size_t size,
                              unsigned timeout_ms, size_t *done, struct error *e)
{
    struct fake_board *b = (struct fake_board *)s;
    (void)timeout_ms;
    TRY(begin_transfer(b, e));
    const uint32_t baud = b->options.baud == 0 ? 0 : b->host_baud;
    for (size_t i = 0; i < size; i++) {
        const uint64_t begin = b->wire_in_us > b->clock->now_us ? b->wire_in_us : b->clock->now_us;
        if (b->sent_size < sizeof b->sent)
            b->sent[b->sent_size++] = data[i];
        b->wire_in_us = begin + byte_us(baud);
        b->bytes_in++;
        if (b->bytes_in == b->reset_at) {
            run(b);
            b->now_us = b->now_us > b->clock->now_us ? b->now_us : b->clock->now_us;
            reset_board(b);
        }
        if (is_listed(b->lose_in, b->bytes_in) || (b->loose && b->bytes_in % 40 == 0))
            continue;
        if (b->arriving_end - b->arriving_at == FAKE_QUEUE)
            run(b);
        b->arriving[b->arriving_end++ % FAKE_QUEUE] =
            (struct fake_byte){.at_us = b->wire_in_us, .baud = b->host_baud, .value = data[i]};
    }
    *done = size;
    return STATUS_OK;
}

static enum status fake_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                             size_t *done, struct error *e)
{
    struct fake_board *b = (struct fake_board *)s;
    const uint64_t end_us = b->clock->now_us + timeout_ms * 1000u;
    *done = 0;
    TRY(begin_transfer(b, e));
    run(b);
    const bool waiting = b->leaving_at < b->leaving_end && !faulty(b, FAULT_SILENCE);
    const uint64_t first_us =
        waiting ? b->leaving[b->leaving_at % (FAKE_QUEUE * 16)].at_us : UINT64_MAX;
    if (first_us > end_us) {
        b->clock->now_us = end_us;
        return STATUS_OK;
    }
    if (first_us > b->clock->now_us)
        b->clock->now_us = first_us;
    while (*done < size && b->leaving_at < b->leaving_end &&
           b->leaving[b->leaving_at % (FAKE_QUEUE * 16)].at_us <= b->clock->now_us) {
        const struct fake_byte *byte = &b->leaving[b->leaving_at++ % (FAKE_QUEUE * 16)];
        data[(*done)++] = byte->baud == 0 || byte->baud == b->host_baud ? byte->value : 0xfe;
    }
    if (b->fault == FAULT_WRONG && b->transfers >= b->fault_at) {
        data[0] ^= 0x41;
        b->fault = FAULT_NONE;
    }
    if (b->fault == FAULT_SHORT && b->transfers >= b->fault_at) {
        b->leaving_at = b->leaving_end;
        *done = *done > 1 ? 1 : 0;
        b->fault = FAULT_NONE;
    }
    return STATUS_OK;
}

static enum status fake_drain(struct stream *s, struct error *e)
{
    (void)s;
    (void)e;
    return STATUS_OK;
}

static enum status fake_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    (void)e;
    ((struct fake_board *)s)->host_baud = baud;
    return STATUS_OK;
}

static enum status fake_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    struct fake_board *b = (struct fake_board *)s;
    (void)rts;
    (void)e;
    b->lines++;
    run(b);
    if (dtr) {
        b->now_us = b->now_us > b->clock->now_us ? b->now_us : b->clock->now_us;
        reset_board(b);
    }
    return STATUS_OK;
}

static void fake_close(struct stream *s)
{
    ((struct fake_board *)s)->closed++;
}

static const struct stream_ops fake_ops = {
    .write = fake_write,
    .read = fake_read,
    .drain = fake_drain,
    .set_baud = fake_set_baud,
    .set_lines = fake_set_lines,
    .close = fake_close,
};

struct stream *fake_board_begin(struct fake_board *b, const struct fake_options *options,
                                struct fake_clock *clock, struct context *c, struct avr_chip *chip)
{
    memset(b, 0, sizeof *b);
    b->base = (struct stream){.ops = &fake_ops, .context = c, .name = "/dev/ttyFAKE"};
    b->clock = clock;
    b->chip = chip;
    b->options = *options;
    b->now_us = clock->now_us;
    b->booting = options->boot_baud != 0;
    b->boot_end_us = b->now_us + (options->boot_us != 0 ? options->boot_us : 1000000);
    return &b->base;
}
