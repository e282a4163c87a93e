#include "fake_pirate.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL_BAUD = 115200, BUFFER = 4096, PACKET = 62, TIMER_US = 16000 };

/* --- the device ------------------------------------------------------------------------------- */

static void put(struct fake_pirate *f, uint8_t byte)
{
    if (f->host_baud == f->baud && f->out_end < PIRATE_QUEUE)
        f->out[f->out_end++] = byte;
}

static void say(struct fake_pirate *f, const char *text)
{
    for (; *text != '\0'; text++)
        put(f, (uint8_t)*text);
}

/* The chip has a supply of its own, which the ADC lead shows. */
static void set_reset(struct fake_pirate *f, bool reset_low)
{
    f->reset_low = reset_low;
    avr_chip_set_pin(f->chip, AVR_PIN_RESET, !reset_low, f->chip_ns);
}

static uint8_t shift(struct fake_pirate *f, uint8_t byte)
{
    return avr_chip_transfer(f->chip, byte, &f->chip_ns, f->half_ns);
}

static void restart(struct fake_pirate *f)
{
    f->mode = PIRATE_TERMINAL;
    f->zeros = f->menu = 0;
    f->line_size = 0;
    set_reset(f, false);
    f->baud = USUAL_BAUD;
    f->host_baud = USUAL_BAUD; /* the host has switched by the time the banner comes */
    say(f, "\r\nBus Pirate v3b\r\nHiZ>");
}

static void take_choice(struct fake_pirate *f)
{
    const unsigned typed = (unsigned)strtoul(f->line, NULL, 10);
    const unsigned number = f->line[0] == '\0' ? (f->menu == 1 ? 9 : 34) : typed;
    if (f->menu == 1 && number == 10) {
        f->menu = 2;
        say(f, "\r\n(34)>");
    } else if (f->menu == 2) {
        f->menu = 3;
        say(f, "\r\nAdjust your terminal\r\nSpace to con");
        f->baud = number == 34 ? USUAL_BAUD : 4000000 / (number + 1);
        f->rates++;
    } else {
        f->menu = 0;
        say(f, "\r\nHiZ>");
    }
}

static void take_line(struct fake_pirate *f)
{
    f->line[f->line_size] = '\0';
    f->line_size = 0;
    if (f->menu != 0) {
        take_choice(f);
    } else if (f->line[0] == 'b' && !f->options.no_rate_menu) {
        f->menu = 1;
        say(f, "\r\nSet serial port speed\r\n(9)>");
    } else {
        say(f, "\r\nHiZ>");
    }
}

static void terminal(struct fake_pirate *f, uint8_t byte)
{
    if (f->menu == 3) {
        if (byte == ' ') {
            f->menu = 0;
            say(f, "\r\nHiZ>");
        }
    } else if (byte == 0) {
        if (++f->zeros == 20) {
            f->mode = PIRATE_BITBANG;
            say(f, "BBIO1");
        }
    } else if (byte == '\r') {
        take_line(f);
    } else if (byte > ' ' && f->line_size + 1 < sizeof f->line) {
        f->line[f->line_size++] = (char)byte;
        put(f, byte);
    }
}

static void bitbang(struct fake_pirate *f, uint8_t byte)
{
    f->command[f->command_size++] = byte;
    const uint8_t code = f->command[0];
    if (code == 0x12 && f->command_size < 6)
        return;
    f->command_size = 0;
    if (code == 0x00) {
        if (!f->options.legacy || f->zeros++ == 0)
            say(f, "BBIO1");
    } else if (code == 0x01) {
        f->mode = PIRATE_SPI;
        f->half_ns = 4000;
        say(f, "SPI1");
    } else if (code == 0x0f) {
        put(f, 1);
        restart(f);
    } else if (code == 0x14) {
        put(f, 3);
        put(f, 0);
    } else {
        put(f, code == 0x12 || code == 0x13 ? 1 : code >= 0x40 ? code & 0x1f : 0);
    }
}

/* The size of the command that has begun; 0: not known yet. */
static size_t wanted(const struct fake_pirate *f)
{
    const uint8_t *c = f->command;
    const size_t write = (size_t)(c[1] << 8 | c[2]);
    if (c[0] >> 4 == 1)
        return 2u + (c[0] & 15u);
    if (c[0] == 0x05 && !f->options.no_write_then_read)
        return f->command_size < 5 ? 0 : 5 + (!f->options.streams && write > BUFFER ? 0 : write);
    if (c[0] == 0x06 && !f->options.no_extended)
        return f->command_size < 2 ? 0 : c[1] == 2 ? 10 : 2;
    return 1;
}

static void write_then_read(struct fake_pirate *f)
{
    const uint8_t *c = f->command;
    const size_t write = (size_t)(c[1] << 8 | c[2]), read = (size_t)(c[3] << 8 | c[4]);
    const bool refused = !f->options.streams && (write > BUFFER || read > BUFFER);
    f->blocks++;
    put(f, refused ? 0 : 1);
    if (refused)
        return;
    for (size_t i = 0; i < write && !f->options.streams; i++)
        (void)shift(f, c[5 + i]);
    for (size_t i = 0; i < read; i++)
        put(f, shift(f, 0xff));
}

static void extended(struct fake_pirate *f)
{
    const uint8_t *c = f->command;
    const unsigned word = (unsigned)(c[4] << 8 | c[5]), size = (unsigned)(c[8] << 8 | c[9]);
    put(f, c[1] == 2 && word + size > 0xffff ? 0 : 1);
    for (unsigned i = 0; c[1] == 2 && word + size <= 0xffff && i < size; i++) {
        (void)shift(f, i % 2 == 0 ? 0x20 : 0x28);
        (void)shift(f, (uint8_t)((word + i / 2) >> 8));
        (void)shift(f, (uint8_t)(word + i / 2));
        put(f, shift(f, 0));
    }
}

/* Setting speed or configuration drives CS high. */
static void set_speed(struct fake_pirate *f, uint8_t code)
{
    static const uint32_t usual[] = {31250,   125000,  250000,  1000000,
                                     2000000, 2666667, 4000000, 8000000};
    static const uint32_t sorted[] = {31250,   125000,  250000,  1000000, 50000,   1333333,
                                      2000000, 2666667, 3200000, 4000000, 5333333, 8000000};
    const unsigned index = code & 15u;
    const bool known = index < (f->options.sorted ? 12u : 8u);
    if (known) {
        f->half_ns = UINT64_C(500000000) / (f->options.sorted ? sorted : usual)[index];
        set_reset(f, false);
    }
    put(f, known ? 1 : 0);
}

static void run_command(struct fake_pirate *f)
{
    const uint8_t code = f->command[0];
    if (code == 0x00) {
        f->mode = PIRATE_BITBANG;
        set_reset(f, false);
        say(f, "BBIO1");
    } else if (code >> 4 == 1) {
        for (size_t i = 1; i < f->command_size; i++)
            put(f, shift(f, f->command[i]));
    } else if (code == 0x05 && !f->options.no_write_then_read) {
        write_then_read(f);
    } else if (code == 0x06 && !f->options.no_extended) {
        extended(f);
    } else if (code >> 4 == 6) {
        set_speed(f, code);
    } else {
        if (code >> 4 == 8 || code >> 4 == 4)
            set_reset(f, code >> 4 == 4 && (code & 1) == 0);
        put(f, code >> 4 == 4 || code >> 4 == 8 ? 1 : 0);
    }
}

/* A bulk transfer and 06 are answered by 01 at once, before the rest has come. */
static void spi(struct fake_pirate *f, uint8_t byte)
{
    if (f->command_size < sizeof f->command)
        f->command[f->command_size++] = byte;
    if (f->command_size == 1 && (byte >> 4 == 1 || (byte == 0x06 && !f->options.no_extended)))
        put(f, 1);
    if (f->options.streams && f->command[0] == 0x05 && f->command_size > 5)
        (void)shift(f, byte);
    if (wanted(f) == 0 || f->command_size < wanted(f))
        return;
    run_command(f);
    f->command_size = 0;
}

static void take(struct fake_pirate *f, uint8_t byte)
{
    const uint64_t now_ns = f->clock->now_us * 1000 + f->wire_ns;
    f->chip_ns = f->chip_ns > now_ns ? f->chip_ns : now_ns;
    if (f->host_baud != f->baud)
        return;
    if (f->mode == PIRATE_TERMINAL)
        terminal(f, byte);
    else if (f->mode == PIRATE_BITBANG)
        bitbang(f, byte);
    else
        spi(f, byte);
    if (!f->options.streams && f->chip_ns / 1000 > f->clock->now_us)
        f->clock->now_us = f->chip_ns / 1000;
}

/* --- the stream --------------------------------------------------------------------------------
 */

static bool fault_acts(struct fake_pirate *f, bool lasting)
{
    return f->fault != PIRATE_NONE &&
           (lasting ? f->transfers >= f->fault_at : f->transfers == f->fault_at);
}

static enum status begin_transfer(struct fake_pirate *f, struct error *e)
{
    f->transfers++;
    if (f->transfers == f->cancel_at)
        *f->cancel = 1;
    if (f->fault == PIRATE_UNPLUG && fault_acts(f, true))
        return error_set(e, STATUS_LINK, "the connection to %s was lost", f->base.name);
    return STATUS_OK;
}

static enum status pirate_write(struct stream *s, const uint8_t *data, size_t size,
                                unsigned timeout_ms, size_t *done, struct error *e)
{
    struct fake_pirate *f = (struct fake_pirate *)s;
    (void)timeout_ms;
    TRY(begin_transfer(f, e));
    for (size_t i = f->fault == PIRATE_DEAF && fault_acts(f, false) ? 1 : 0; i < size; i++) {
        f->wire_ns += UINT64_C(10000000000) / f->host_baud;
        f->clock->now_us += f->wire_ns / 1000;
        f->wire_ns %= 1000;
        take(f, data[i]);
    }
    *done = size;
    return STATUS_OK;
}

static enum status pirate_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                               size_t *done, struct error *e)
{
    struct fake_pirate *f = (struct fake_pirate *)s;
    *done = 0;
    TRY(begin_transfer(f, e));
    if (f->fault == PIRATE_SILENCE && fault_acts(f, true))
        f->out_at = f->out_end;
    if (f->fault == PIRATE_SHORT && fault_acts(f, false) && f->out_at < f->out_end)
        f->out_at++;
    if (f->out_at == f->out_end) {
        f->out_at = f->out_end = 0;
        f->clock->now_us += timeout_ms * 1000u;
        return STATUS_OK;
    }
    if (f->options.stalls)
        f->clock->now_us += 80000;
    if (f->options.holds && f->out_end - f->out_at < PACKET)
        f->clock->now_us = (f->clock->now_us / TIMER_US + 1) * TIMER_US;
    const size_t there = f->out_end - f->out_at;
    *done = size < there ? size : there;
    memcpy(data, f->out + f->out_at, *done);
    f->out_at += *done;
    f->clock->now_us += *done * 10000000u / f->host_baud + 1;
    if (f->fault == PIRATE_WRONG && fault_acts(f, false))
        data[0] ^= 0x55;
    return STATUS_OK;
}

static enum status pirate_drain(struct stream *s, struct error *e)
{
    (void)s;
    (void)e;
    return STATUS_OK;
}

static enum status pirate_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    struct fake_pirate *f = (struct fake_pirate *)s;
    if (f->options.host_max_baud != 0 && baud > f->options.host_max_baud)
        return error_set(e, STATUS_LINK, "cannot set %lu baud", (unsigned long)baud);
    f->host_baud = baud;
    return STATUS_OK;
}

static bool pirate_lower_latency(struct stream *s)
{
    ((struct fake_pirate *)s)->latency_asked++;
    return false;
}

static void pirate_close(struct stream *s)
{
    ((struct fake_pirate *)s)->closed++;
}

static const struct stream_ops pirate_ops = {
    .write = pirate_write,
    .read = pirate_read,
    .drain = pirate_drain,
    .set_baud = pirate_set_baud,
    .lower_latency = pirate_lower_latency,
    .close = pirate_close,
};

struct stream *fake_pirate_begin(struct fake_pirate *f, const struct pirate_options *options,
                                 struct fake_clock *clock, struct context *c, struct avr_chip *chip)
{
    *f = (struct fake_pirate){
        .base = {.ops = &pirate_ops, .context = c, .name = "pirate"},
        .clock = clock,
        .chip = chip,
        .options = *options,
        .baud = USUAL_BAUD,
        .host_baud = USUAL_BAUD,
        .half_ns = 500,
        .mode = options->legacy ? PIRATE_BITBANG : PIRATE_TERMINAL,
    };
    return &f->base;
}
