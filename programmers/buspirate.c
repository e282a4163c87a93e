/* The Bus Pirate as an ISP programmer, by its binary SPI (or raw-wire) mode: CS, or AUX, to RESET,
 * MOSI, MISO and CLK to the pins of those names, +5V or +3V3 to VCC if it is to supply the chip,
 * and the ADC lead to VCC if the voltage is to be shown. */
#include "buspirate.h"

#include <string.h>

#include "drivers.h"

enum {
    POWER_UP_MS = 50,
    RESET_LOW_MS = 21, /* "wait for at least 20 ms and enable serial programming" */
    RESET_PULSE_MS = 1
};

/* --- SPI mode --------------------------------------------------------------------------------- */

enum { COMMON = 4 }; /* speeds that are the same in both orders */

/* By index of 6x; prescalers of 16 MHz. The first is as it was until 2016 and is again since 2025.
 */
static const uint32_t usual_speeds[] = {31250,   125000,  250000,  1000000,
                                        2000000, 2666667, 4000000, 8000000};
static const uint32_t sorted_speeds[] = {31250,   125000,  250000,  1000000, 50000,   1333333,
                                         2000000, 2666667, 3200000, 4000000, 5333333, 8000000};
static const uint32_t raw_speeds[] = {5000, 50000, 100000, 400000};

struct speeds {
    const uint32_t *hz;
    unsigned count;
};

static struct speeds speeds_of(const struct buspirate *self)
{
    if (self->options.raw)
        return (struct speeds){raw_speeds, sizeof raw_speeds / sizeof raw_speeds[0]};
    if (self->order == BUSPIRATE_ORDER_SORTED)
        return (struct speeds){sorted_speeds, sizeof sorted_speeds / sizeof sorted_speeds[0]};
    const unsigned usual = sizeof usual_speeds / sizeof usual_speeds[0];
    return (struct speeds){usual_speeds, self->order == BUSPIRATE_ORDER_USUAL ? usual : COMMON};
}

uint32_t buspirate_speed_hz(const struct buspirate *self, unsigned index)
{
    const struct speeds speeds = speeds_of(self);
    return index < speeds.count ? speeds.hz[index] : 0;
}

/* The fastest that is not faster than `hz`, else the slowest there is. */
static unsigned speed_for(const struct buspirate *self, uint32_t hz)
{
    const struct speeds speeds = speeds_of(self);
    unsigned best = 0;
    for (unsigned i = 1; i < speeds.count; i++)
        if (speeds.hz[i] <= hz && speeds.hz[i] > speeds.hz[best])
            best = i;
    return best;
}

/* 0100wxyz: supply, pull-ups, AUX, CS. A pin that is not RESET stays low, CS high. */
static uint8_t peripherals(const struct programmer *p, bool reset_active)
{
    const struct buspirate *self = p->state;
    const bool level = reset_active == p->part->reset_active_high;
    const bool cs = !self->options.reset_cs || level;
    const bool aux = self->options.reset_aux && level;
    return (uint8_t)(0x40 | (self->supply ? 8 : 0) | (self->options.pull_ups ? 4 : 0) |
                     (aux ? 2 : 0) | (cs ? 1 : 0));
}

/* On a Bus Pirate 5, 4x only remembers CS; 02 and 03 act. */
static enum status set_reset(struct programmer *p, bool active, struct error *e)
{
    struct buspirate *self = p->state;
    const uint8_t command = peripherals(p, active);
    if (self->legacy)
        TRY(buspirate_command(self, "RESET", (command & 1) != 0 ? 0x03 : 0x02, e));
    else
        TRY(buspirate_command(self, "RESET", command, e));
    self->in_reset = active;
    return STATUS_OK;
}

/* PWM on AUX: 16 MHz / (period + 1), half of it high. It goes on in SPI mode. */
static enum status begin_clock(struct buspirate *self, struct error *e)
{
    const unsigned period = 16000 / self->options.clock_khz - 1;
    const unsigned duty = (period + 1) / 2;
    const uint8_t out[6] = {
        0x12, 0x00, (uint8_t)(duty >> 8), (uint8_t)duty, (uint8_t)(period >> 8), (uint8_t)period};
    return buspirate_expect(self, "the clock signal on AUX", out, sizeof out, "\x01", 1, 0, e);
}

/* Bit-bang mode may still say its name, to a zero too many. */
static enum status enter_mode(struct buspirate *self, uint8_t code, const char *name,
                              struct error *e)
{
    enum { NAME_MS = 1500 };
    char text[32];
    size_t size = 0;
    self->mode = BUSPIRATE_UNKNOWN;
    TRY(buspirate_send(self, &code, 1, e));
    TRY(buspirate_listen(self, NAME_MS, name, text, sizeof text, &size, e));
    if (buspirate_ends_in(text, size, name))
        return STATUS_OK;
    (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate does not enter its SPI mode",
                    self->stream->name);
    error_hint(e, "bytes get lost or changed between computer and Bus Pirate: try another cable "
                  "or port, or -b 115200");
    return STATUS_SILENT;
}

/* 1000wxyz: push-pull or open drain; idle low, output changes from active to idle, sampled in the
 * middle; raw wire: three wires. */
static uint8_t configuration(const struct buspirate *self)
{
    return (uint8_t)(0x80 | (self->options.open_drain ? 0 : 8) | (self->options.raw ? 4 : 2));
}

/* The order suits all: speed, then configuration (which makes a Bus Pirate 5 use the speed), then
 * the pins; either of the first two drives CS high, on a Bus Pirate 5 low. Configuration 1000wxyz:
 * push-pull, idle low, output changes from active to idle, sampled in the middle; raw wire: three
 * wires. */
enum status buspirate_begin_spi(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    const uint8_t enter = self->options.raw ? 0x05 : 0x01;
    if (self->options.clock_khz != 0)
        TRY(begin_clock(self, e));
    TRY(enter_mode(self, enter, self->options.raw ? "RAW1" : "SPI1", e));
    self->mode = BUSPIRATE_SPI;
    TRY(buspirate_command(self, "SPI speed", (uint8_t)(0x60 | self->speed), e));
    self->sck_hz = buspirate_speed_hz(self, self->speed);
    TRY(buspirate_command(self, "SPI configuration", configuration(self), e));
    if (self->legacy)
        TRY(buspirate_command(self, "the supply", peripherals(p, false), e));
    TRY(set_reset(p, false, e));
    self->supply_on_us = context_now_us(p->context);
    return STATUS_OK;
}

/* --- programming mode ------------------------------------------------------------------------- */

static enum status ensure_spi(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    if (self->mode == BUSPIRATE_UNKNOWN)
        TRY(buspirate_regain(self, e));
    return self->mode == BUSPIRATE_BITBANG ? buspirate_begin_spi(p, e) : STATUS_OK;
}

/* The chip has had its supply for long enough. */
static enum status await_supply(const struct programmer *p, struct error *e)
{
    const struct buspirate *self = p->state;
    const uint64_t ready_us = self->supply_on_us + POWER_UP_MS * UINT64_C(1000);
    const uint64_t now_us = context_now_us(p->context);
    return self->supply && now_us < ready_us ? context_sleep(p->context, ready_us - now_us, e)
                                             : STATUS_OK;
}

static enum status enter(struct programmer *p, struct error *e)
{
    TRY(await_supply(p, e));
    TRY(set_reset(p, false, e));
    TRY(context_sleep(p->context, RESET_PULSE_MS * 1000u, e));
    TRY(set_reset(p, true, e));
    return context_sleep(p->context, RESET_LOW_MS * 1000u, e);
}

/* Entering in the course of something else: with Programming Enable. A chip that followed before
 * must follow now. */
static enum status enter_again(struct programmer *p, struct error *e)
{
    const struct buspirate *self = p->state;
    const bool followed = self->enterings == 0;
    struct isp_exchange enable = {.mosi = {0xac, 0x53, 0x00, 0x00}};
    TRY(enter(p, e));
    TRY(buspirate_exchange(p, &enable, 1, e));
    if (!followed || enable.miso[p->part->enable_reply_byte] == p->part->enable_reply_value)
        return STATUS_OK;
    return error_set(e, STATUS_NO_TARGET, "the chip does not follow SCK of %lu Hz",
                     (unsigned long)self->sck_hz);
}

static enum status buspirate_enter(struct programmer *p, struct error *e)
{
    enum { HOPELESS = 3 };
    struct buspirate *self = p->state;
    TRY(ensure_spi(p, e));
    if (++self->enterings == HOPELESS && self->probed_voltage && self->voltage_mv < 1000)
        context_log(p->context, LOG_NOTE,
                    "there is no voltage at the ADC lead: either it is not at VCC, or VCC is "
                    "shorted and the Bus Pirate's supply cannot be switched on");
    return enter(p, e);
}

/* In bit-bang mode all pins are inputs: there, too, RESET is released. */
static enum status buspirate_leave(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    buspirate_await_chip(self);
    if (self->mode == BUSPIRATE_SPI)
        return set_reset(p, false, e);
    if (self->mode == BUSPIRATE_UNKNOWN)
        TRY(buspirate_regain(self, e));
    self->in_reset = false;
    return STATUS_OK;
}

/* Setting the speed drives CS high, which ends programming mode. On a Bus Pirate 5 it takes effect
 * with the next configuration, which drives CS low. */
static enum status use_speed(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    const bool was_in_reset = self->in_reset;
    TRY(buspirate_command(self, "SPI speed", (uint8_t)(0x60 | self->speed), e));
    if (self->legacy)
        TRY(buspirate_command(self, "SPI configuration", configuration(self), e));
    self->sck_hz = buspirate_speed_hz(self, self->speed);
    return was_in_reset ? enter_again(p, e) : set_reset(p, false, e);
}

static enum status buspirate_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                     struct error *e)
{
    struct buspirate *self = p->state;
    TRY(ensure_spi(p, e));
    const unsigned wanted = self->options.speed_given ? self->options.speed : speed_for(self, hz);
    if (wanted != self->speed || self->sck_hz == 0) {
        self->speed = wanted;
        TRY(use_speed(p, e));
    }
    *actual_hz = self->sck_hz;
    return STATUS_OK;
}

enum status buspirate_use_rate(struct programmer *p, uint32_t baud, struct error *e)
{
    struct buspirate *self = p->state;
    const bool was_in_reset = self->in_reset;
    TRY(buspirate_to_terminal(self, e));
    TRY(buspirate_change_rate(self, baud, e));
    context_log(p->context, LOG_DETAIL, "%lu baud, which SCK keeps up with",
                (unsigned long)self->baud);
    TRY(buspirate_begin_spi(p, e));
    return was_in_reset ? enter_again(p, e) : STATUS_OK;
}

/* --- the device ------------------------------------------------------------------------------- */

static enum status buspirate_check(const struct programmer_entry *entry,
                                   const struct programmer_config *c, struct error *e)
{
    struct buspirate_options options;
    (void)entry;
    TRY(buspirate_options_parse(c, &options, e));
    if (c->baud == 0 || buspirate_is_rate(c->baud))
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "a Bus Pirate cannot work at %lu baud",
                    (unsigned long)c->baud);
    error_hint(e, "it has 115200, and what divides 4000000: 2000000, 1000000, 500000, 250000");
    return STATUS_USAGE;
}

static enum status to_terminal(struct buspirate *self, struct error *e)
{
    static const uint8_t no_clock = 0x13, leave_spi = 0x00;
    if (self->mode == BUSPIRATE_UNKNOWN)
        TRY(buspirate_regain(self, e));
    if (self->mode == BUSPIRATE_SPI) {
        TRY(buspirate_expect(self, "leaving SPI mode", &leave_spi, 1, "BBIO1", 5, 0, e));
        self->mode = BUSPIRATE_BITBANG;
    }
    if (self->options.clock_khz != 0)
        TRY(buspirate_expect(self, "ending the clock signal", &no_clock, 1, "\x01", 1, 0, e));
    if (self->mode == BUSPIRATE_TERMINAL && self->baud > BUSPIRATE_USUAL_BAUD)
        TRY(buspirate_regain(self, e));
    return self->mode == BUSPIRATE_TERMINAL ? STATUS_OK : buspirate_to_terminal(self, e);
}

/* Back to its terminal, at 115200, with the supply off. If something goes wrong on the way, once
 * more from wherever it is then. */
static enum status give_back(struct buspirate *self, struct error *e)
{
    const enum status status = to_terminal(self, e);
    if (status == STATUS_OK || status == STATUS_LINK || !self->greeted)
        return status;
    self->mode = BUSPIRATE_UNKNOWN;
    *e = (struct error){0};
    return to_terminal(self, e);
}

static void buspirate_close(struct programmer *p)
{
    struct buspirate *self = p->state;
    struct error e = {0};
    if (self->stream == NULL)
        return;
    const bool leaving = p->context->leaving;
    p->context->leaving = true; /* nobody interrupts the way out */
    if (self->greeted && give_back(self, &e) != STATUS_OK && e.code != STATUS_LINK)
        context_log(p->context, LOG_NOTE,
                    "the Bus Pirate could not be returned to its terminal (%s): unplug it", e.text);
    p->context->leaving = leaving;
    stream_close(self->stream);
    self->stream = NULL;
}

/* The v3's FTDI adapters and the v4. A Bus Pirate 5 has two ports, of which the user must name the
 * second. */
static const struct stream_usb_id serial_ids[] = {
    {0x0403, 0x6001}, {0x0403, 0x6015}, {0x04d8, 0xfb00}, {0, 0}};

const struct programmer_driver buspirate_driver = {
    .name = "buspirate",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO | PROGRAMMER_SERIAL,
    .state_size = sizeof(struct buspirate),
    .serial_ids = serial_ids,
    .sck_min_hz = 31250,
    .sck_max_hz = 8000000,
    .sck_fixed_hint = "leave -x spifreq and -x rawfreq out",
    .options_help = buspirate_options_help,
    .check = buspirate_check,
    .open = buspirate_open,
    .close = buspirate_close,
    .enter = buspirate_enter,
    .leave = buspirate_leave,
    .exchange = buspirate_exchange,
    .read = buspirate_read,
    .write = buspirate_write,
    .set_sck = buspirate_set_sck,
    .voltage = buspirate_voltage,
};
