/* The Bus Pirate driver: what this one can do. Versions tell little: the community's firmwares 7
 * and 8 differ from 6 and from one another, and Bus Pirates since have claimed any. */
#include <stdio.h>

#include "buspirate.h"

enum {
    POWER_UP_MS = 20,  /* until there is something to measure */
    PRESENT_MV = 1000, /* at the ADC lead: it is connected, and to something */
    TOO_LOW_MV = 1600  /* no AVR is written below 1.8 V */
};

/* --- voltage ---------------------------------------------------------------------------------- */

/* 14 -> two bytes; 1024 is 6.6 V. */
static enum status read_voltage(struct buspirate *self, struct error *e)
{
    static const uint8_t measure = 0x14;
    uint8_t in[2];
    TRY(buspirate_talk(self, "measuring the voltage", &measure, 1, in, sizeof in, 0, e));
    self->voltage_mv = (unsigned)(in[0] << 8 | in[1]) * 6600 / 1024;
    return STATUS_OK;
}

/* 1xxxxxxx: POWER PULLUP AUX MOSI CLK MISO CS; the pins are inputs here. */
static enum status switch_supply_on(struct buspirate *self, struct error *e)
{
    static const uint8_t power = 0xc0;
    uint8_t pins;
    TRY(buspirate_talk(self, "switching the supply on", &power, 1, &pins, 1, 0, e));
    return context_sleep(self->context, POWER_UP_MS * 1000u, e);
}

static enum status too_low(const struct buspirate *self, struct error *e)
{
    (void)error_set(e, STATUS_NO_TARGET, "the target has only %u.%02u V", self->voltage_mv / 1000,
                    self->voltage_mv % 1000 / 10);
    error_hint(e, "is VCC shorted, or does the target draw more than the Bus Pirate gives (150 "
                  "mA)?");
    return STATUS_NO_TARGET;
}

enum status buspirate_voltage(struct programmer *p, uint32_t *millivolts, struct error *e)
{
    const struct buspirate *self = p->state;
    if (!self->probed_voltage || self->voltage_mv < PRESENT_MV)
        return error_set(e, STATUS_UNSUPPORTED, "%s: the ADC lead is at no voltage",
                         self->stream->name);
    *millivolts = self->voltage_mv;
    return STATUS_OK;
}

/* The ADC lead shows the chip's voltage if somebody has put it there. A chip that has one already
 * gets no second supply. */
enum status buspirate_measure(struct buspirate *self, struct error *e)
{
    char text[24];
    self->supply = true;
    if (self->legacy)
        return STATUS_OK; /* 14 would be another command */
    TRY(read_voltage(self, e));
    self->supply = self->voltage_mv < PRESENT_MV;
    if (self->supply) {
        TRY(switch_supply_on(self, e));
        TRY(read_voltage(self, e));
    } else {
        context_log(self->context, LOG_DETAIL,
                    "the target has a supply: that of the Bus Pirate stays off");
    }
    self->probed_voltage = true;
    if (self->voltage_mv < PRESENT_MV) {
        context_log(self->context, LOG_DETAIL,
                    "the target's voltage is not known: nothing at the ADC lead");
        return STATUS_OK;
    }
    (void)snprintf(text, sizeof text, "%u.%02u V", self->voltage_mv / 1000,
                   self->voltage_mv % 1000 / 10);
    context_value(self->context, "vtarget", text, NULL, 0);
    context_log(self->context, LOG_NOTE, "target voltage %s", text);
    return self->voltage_mv < TOO_LOW_MV ? too_low(self, e) : STATUS_OK;
}

/* --- commands --------------------------------------------------------------------------------- */

/* Is `code` taken in silence, as the beginning of a longer command? What does not know it answers
 * at once, and its other bytes must not follow. */
static enum status begins_command(struct buspirate *self, const uint8_t *out, size_t size,
                                  bool *begins, struct error *e)
{
    uint8_t answer;
    size_t got = 0;
    TRY(buspirate_send(self, out, size, e));
    self->mode = BUSPIRATE_UNKNOWN; /* in case that this is the end */
    TRY(stream_read_some(self->stream, &answer, 1, self->silent_ms, &got, e));
    self->mode = BUSPIRATE_SPI;
    *begins = got == 0;
    return STATUS_OK;
}

/* 05 00 01 00 00 and one byte: 01 from every firmware that has it (with nothing to write, some
 * refuse). */
static enum status probe_write_then_read(struct buspirate *self, struct error *e)
{
    static const uint8_t code = 0x05, rest[5] = {0x00, 0x01, 0x00, 0x00, 0x00};
    TRY(begins_command(self, &code, 1, &self->write_then_read, e));
    if (!self->write_then_read)
        return STATUS_OK;
    return buspirate_expect(self, "write-then-read", rest, sizeof rest, "\x01", 1, 0, e);
}

/* Reads `size` bytes of nothing, RESET being released. Nothing comes in meanwhile that could
 * overrun the receiver. *refused: the firmware will not. */
static enum status read_nothing(struct buspirate *self, size_t size, bool *refused, struct error *e)
{
    const uint8_t read[5] = {0x05, 0x00, 0x00, (uint8_t)(size >> 8), (uint8_t)size};
    uint8_t in[1 + BUSPIRATE_BLOCK + 1];
    TRY(buspirate_talk(self, "write-then-read", read, sizeof read, in, 1, 0, e));
    *refused = in[0] == 0;
    if (in[0] > 1)
        return buspirate_wrong_answer(self, "write-then-read", in, 1, e);
    return *refused ? STATUS_OK
                    : buspirate_talk(self, "write-then-read", NULL, 0, in + 1, size, 0, e);
}

/* A firmware with a buffer refuses one byte more than it holds. Between 2019 and 2025 builds could
 * have it for one direction only. Reading is asked about first, as there no answer can be taken for
 * another, however late it comes. */
static enum status probe_buffer(struct buspirate *self, struct error *e)
{
    static const uint8_t header[5] = {0x05, (BUSPIRATE_BLOCK + 1) >> 8,
                                      (BUSPIRATE_BLOCK + 1) & 0xff};
    static const uint8_t zeros[BUSPIRATE_BLOCK + 1];
    bool refused = false;
    TRY(read_nothing(self, BUSPIRATE_BLOCK + 1, &refused, e));
    if (refused)
        return STATUS_OK;
    TRY(begins_command(self, header, sizeof header, &self->streams, e));
    if (!self->streams)
        return STATUS_OK;
    return buspirate_expect(self, "write-then-read", zeros, sizeof zeros, "\x01", 1, 0, e);
}

/* 06 00 -> 01 01. */
static enum status probe_extended(struct buspirate *self, struct error *e)
{
    static const uint8_t code = 0x06, nothing = 0x00;
    uint8_t answer = 0;
    if (self->options.no_extended)
        return STATUS_OK;
    TRY(buspirate_talk(self, "AVR extended commands", &code, 1, &answer, 1, 0, e));
    self->extended = answer == 1;
    if (!self->extended)
        return STATUS_OK;
    return buspirate_expect(self, "AVR extended commands", &nothing, 1, "\x01", 1, 0, e);
}

/* Does `speed` take less than 160 us a byte, which 50 kHz does? A host that stalls only makes it
 * longer. The answer fills the packets of an FT232R, so that its timer holds nothing back. A
 * firmware that has not got this speed leaves *fast false. */
static enum status is_fast(struct buspirate *self, uint8_t speed, bool *fast, struct error *e)
{
    enum { SIZE = 4 * 62 - 1, SLOW_US = SIZE * 160 };
    uint8_t answer;
    bool refused = false;
    *fast = false;
    TRY(buspirate_talk(self, "SPI speed", &speed, 1, &answer, 1, 0, e));
    if (answer != 1)
        return STATUS_OK;
    const uint64_t begin_us = context_now_us(self->context);
    TRY(read_nothing(self, SIZE, &refused, e));
    *fast = context_now_us(self->context) - begin_us < SLOW_US * 9 / 10;
    return STATUS_OK;
}

/* 64 is 2 MHz, or in the other order 50 kHz; there 68 is 3.2 MHz, which elsewhere is 50 kHz, 30 kHz
 * or nothing. So each order is proven by what is fast, and nothing by what is slow. Unproven, the
 * speeds that are the same everywhere must do. */
static enum status probe_order(struct buspirate *self, struct error *e)
{
    enum { ROUNDS = 4 };
    static const uint8_t usual = 0x64, sorted = 0x68;
    for (unsigned i = 0; i < ROUNDS && self->order == BUSPIRATE_ORDER_UNKNOWN; i++) {
        bool fast;
        TRY(is_fast(self, usual, &fast, e));
        if (fast) {
            self->order = BUSPIRATE_ORDER_USUAL;
            break;
        }
        TRY(is_fast(self, sorted, &fast, e));
        self->order = fast ? BUSPIRATE_ORDER_SORTED : BUSPIRATE_ORDER_UNKNOWN;
    }
    return STATUS_OK;
}

static enum status no_such_speed(const struct buspirate *self, struct error *e)
{
    const unsigned count = self->order == BUSPIRATE_ORDER_SORTED  ? 12
                           : self->order == BUSPIRATE_ORDER_USUAL ? 8
                                                                  : 4;
    return error_set(e, STATUS_UNSUPPORTED, "-x spifreq=%u: this firmware has speeds 0 to %u",
                     self->options.speed, count - 1);
}

enum status buspirate_probe(struct buspirate *self, struct error *e)
{
    if (self->options.raw)
        return STATUS_OK;
    TRY(probe_write_then_read(self, e));
    TRY(probe_extended(self, e));
    self->order = BUSPIRATE_ORDER_USUAL; /* the others have write-then-read */
    if (self->write_then_read && !self->legacy) {
        self->order = BUSPIRATE_ORDER_UNKNOWN;
        TRY(probe_order(self, e));
        TRY(probe_buffer(self, e));
    }
    self->write_then_read = self->write_then_read && !self->options.no_write_then_read;
    if (self->options.speed_given && buspirate_speed_hz(self, self->options.speed) == 0)
        return no_such_speed(self, e);
    const uint8_t speed = (uint8_t)(0x60 | self->speed);
    self->sck_hz = buspirate_speed_hz(self, self->speed);
    return self->legacy ? STATUS_OK : buspirate_command(self, "SPI speed", speed, e);
}

/* --- pace ------------------------------------------------------------------------------------- */

/* Polls, which do the chip no harm. A hiccup of the host may look like a slow wire, but not each
 * time. */
enum status buspirate_measure_pace(struct buspirate *self, struct error *e)
{
    enum { ROUNDS = 3, LASTING_US = 45000, LEAST = 256, MOST = 4000 };
    uint8_t polls[MOST];
    const uint64_t byte_ns = buspirate_byte_ns(self);
    const size_t enough = (size_t)(LASTING_US * UINT64_C(1000) / byte_ns);
    const size_t size = (enough < LEAST ? LEAST : enough > MOST ? MOST : enough) / 4 * 4;
    (void)buspirate_put_polls(polls, size);
    self->pace = BUSPIRATE_PACE_OF_WIRE;
    for (unsigned i = 0; i < ROUNDS && self->pace == BUSPIRATE_PACE_OF_WIRE; i++) {
        const uint64_t begin_us = context_now_us(self->context);
        TRY(buspirate_write_block(self, polls, size, e));
        const uint64_t took_us = context_now_us(self->context) - begin_us;
        if (took_us * 1000 * 10 < size * byte_ns * 9)
            self->pace = BUSPIRATE_PACE_NONE;
    }
    return STATUS_OK;
}
