/* The Bus Pirate's SPI mode. */
#include <time.h>

#include "model/buspirate_private.h"

enum { BUFFER = 4096 };

static bool reply(struct buspirate_model *m, bool good)
{
    m->stats.refused += good ? 0 : 1;
    return buspirate_put(m, good ? 1 : 0);
}

/* Set anew with each speed and configuration: CS goes high. */
static void set_up(struct buspirate_model *m)
{
    m->spi_on = true;
    m->half_ns = UINT64_C(500000000) / buspirate_sck_hz(m, m->speed);
    m->cs = m->cs_output = true;
    avr_chip_set_pin(m->chip, AVR_PIN_SCK, false, board_now(m->board));
    buspirate_pins(m);
}

bool buspirate_spi_write(struct buspirate_model *m, unsigned size)
{
    uint8_t buffer[BUFFER];
    uint8_t ignored;
    if (m->options.firmware->streams) {
        for (unsigned i = 0; i < size; i++) {
            if (!buspirate_get(m, buffer) || !buspirate_shift(m, buffer[0], &ignored)) {
                return false;
            }
        }
        return true;
    }
    for (unsigned i = 0; i < size; i++) {
        if (!buspirate_get(m, &buffer[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < size; i++) {
        if (!buspirate_shift(m, buffer[i], &ignored)) {
            return false;
        }
    }
    return true;
}

static bool read_then_answer(struct buspirate_model *m, unsigned size)
{
    uint8_t buffer[BUFFER];
    for (unsigned i = 0; i < size; i++) {
        if (!buspirate_shift(m, m->options.firmware->filler, &buffer[i])) {
            return false;
        }
    }
    if (!buspirate_put(m, 1)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        if (!buspirate_put(m, buffer[i])) {
            return false;
        }
    }
    return true;
}

static bool answer_then_read(struct buspirate_model *m, unsigned size)
{
    if (!buspirate_put(m, 1)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        if (!buspirate_shift(m, m->options.firmware->filler, &byte) || !buspirate_put(m, byte)) {
            return false;
        }
    }
    return true;
}

/* The time that reading has taken is real, also where else it is not: programs tell the order of
 * the speeds by it. */
static void pass_truly(const struct buspirate_model *m, uint64_t begin_ns)
{
    const uint64_t ns = board_now(m->board) - begin_ns;
    const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                                  .tv_nsec = (long)(ns % 1000000000)};
    if (!m->options.paced) {
        nanosleep(&time, NULL);
    }
}

/* 04 and 05. */
static bool write_then_read(struct buspirate_model *m, bool with_cs)
{
    const struct buspirate_firmware *f = m->options.firmware;
    unsigned write, read;
    if (!buspirate_get_16(m, &write) || !buspirate_get_16(m, &read)) {
        return false;
    }
    if ((!f->streams && (write > BUFFER || read > BUFFER)) ||
        (!f->empty_write && write == 0 && read == 0)) {
        return reply(m, false);
    }
    if (with_cs) {
        m->cs = false;
        buspirate_pins(m);
    }
    const uint64_t begin_ns = board_now(m->board);
    if (!buspirate_spi_write(m, write) ||
        !(f->streams ? answer_then_read(m, read) : read_then_answer(m, read))) {
        return false;
    }
    if (write == 0) {
        pass_truly(m, begin_ns);
    }
    if (with_cs) {
        m->cs = true;
        buspirate_pins(m);
    }
    return true;
}

/* Flash words from `address` on, by Read Program Memory. */
static bool read_flash(struct buspirate_model *m, uint32_t address, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t word = address + i / 2;
        const uint8_t bytes[4] = {i % 2 == 0 ? 0x20 : 0x28, (uint8_t)(word >> 8), (uint8_t)word, 0};
        uint8_t answer = 0;
        for (unsigned k = 0; k < 4; k++) {
            if (!buspirate_shift(m, bytes[k], &answer)) {
                return false;
            }
        }
        if (!buspirate_put(m, answer)) {
            return false;
        }
    }
    return true;
}

bool buspirate_extended(struct buspirate_model *m)
{
    uint8_t code;
    uint32_t address, size;
    if (!buspirate_put(m, 1) || !buspirate_get(m, &code)) {
        return false;
    }
    switch (code) {
    case 0:
        return reply(m, true);
    case 1:
        return reply(m, true) && buspirate_put(m, 0) && buspirate_put(m, 1);
    case 2:
        if (!buspirate_get_32(m, &address) || !buspirate_get_32(m, &size)) {
            return false;
        }
        if (address > 0xffff || size > 0xffff || address + size > 0xffff) {
            return reply(m, false);
        }
        return reply(m, true) && read_flash(m, address, size);
    default:
        return reply(m, false);
    }
}

static bool bulk(struct buspirate_model *m, unsigned size)
{
    if (!buspirate_put(m, 1)) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        if (!buspirate_get(m, &byte) || !buspirate_shift(m, byte, &byte) ||
            !buspirate_put(m, byte)) {
            return false;
        }
    }
    return true;
}

static bool basic(struct buspirate_model *m, uint8_t code)
{
    const struct buspirate_firmware *f = m->options.firmware;
    uint8_t byte;
    switch (code) {
    case 0x01:
        return buspirate_put_text(m, "SPI1");
    case 0x02:
    case 0x03:
        m->cs = code == 0x03;
        buspirate_pins(m);
        return reply(m, true);
    case 0x04:
    case 0x05:
        return f->write_then_read ? write_then_read(m, code == 0x04) : reply(m, false);
    case 0x06:
        return f->extended ? buspirate_extended(m) : reply(m, false);
    case 0x0d: /* the sniffer has the pins until any byte comes */
    case 0x0e:
        m->cs_output = false;
        buspirate_pins(m);
        if (!reply(m, true) || !buspirate_get(m, &byte)) {
            return false;
        }
        set_up(m);
        return true;
    default:
        return reply(m, false);
    }
}

static bool set_speed(struct buspirate_model *m, uint8_t code)
{
    const unsigned index = m->options.firmware->wide_speeds ? code & 15u : code & 7u;
    if (buspirate_sck_hz(m, index) == 0) {
        return reply(m, false);
    }
    m->speed = index;
    set_up(m);
    return reply(m, true);
}

static bool command(struct buspirate_model *m, uint8_t code)
{
    m->stats.commands++;
    switch (code >> 4) {
    case 0x0:
        return basic(m, code);
    case 0x1:
        return bulk(m, (code & 15u) + 1);
    case 0x4:
        buspirate_peripherals(m, code);
        return reply(m, true);
    case 0x5:
        return reply(m, m->options.firmware->link == BOARD_CDC && m->open_drain);
    case 0x6:
        return set_speed(m, code);
    case 0x8: /* idle level, edge and sample: as an AVR wants them, or it hears nothing sensible */
        m->open_drain = (code & 8) == 0;
        set_up(m);
        return reply(m, true);
    default:
        return reply(m, false);
    }
}

bool buspirate_spi(struct buspirate_model *m, bool greet)
{
    uint8_t code;
    if (greet) {
        m->speed = 1;
        m->open_drain = true;
        set_up(m);
        if (!buspirate_put_text(m, "SPI1") || !buspirate_answered(m)) {
            return false;
        }
    } else {
        m->half_ns = 250;
    }
    while (buspirate_get(m, &code)) {
        if (code == 0) {
            return true;
        }
        if (!command(m, code) || !buspirate_answered(m)) {
            return false;
        }
    }
    return false;
}
