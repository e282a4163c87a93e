/* Frame of the Bus Pirate model: firmwares, bytes and faults, pins, reset. */
#include "model/buspirate_model.h"

#include <stdlib.h>
#include <string.h>

#include "model/buspirate_private.h"

static const struct buspirate_firmware firmwares[] = {
    {.name = "v3-5",
     .banner = "Bus Pirate v3a\r\nFirmware v5.10 (r559)  Bootloader v4.4\r\n"
               "DEVID:0x0447 REVID:0x3043 (24FJ64GA002 B5)\r\nhttp://dangerousprototypes.com\r\n",
     .link = BOARD_UART,
     .empty_write = true,
     .write_then_read = true,
     .rate_menu = true,
     .filler = 0xff},
    {.name = "v3-6",
     .banner = "Bus Pirate v3b\r\nFirmware v6.3-beta1 r2151  Bootloader v4.4\r\n"
               "DEVID:0x0447 REVID:0x3046 (24FJ64GA002 B8)\r\nhttp://dangerousprototypes.com\r\n",
     .link = BOARD_UART,
     .empty_write = true,
     .extended = true,
     .write_then_read = true,
     .rate_menu = true,
     .filler = 0xff},
    {.name = "v3-7",
     .banner = "Bus Pirate v3b\r\nCommunity Firmware v7.1 - goo.gl/gCzQnW [HiZ 1-WIRE UART I2C SPI "
               "2WIRE 3WIRE KEYB LCD PIC DIO] Bootloader v4.4\r\n"
               "DEVID:0x0447 REVID:0x3046 (24FJ64GA00 2 B8)\r\nhttp://dangerousprototypes.com\r\n",
     .link = BOARD_UART,
     .empty_write = true,
     .extended = true,
     .wide_speeds = true,
     .write_then_read = true,
     .rate_menu = true,
     .sorted_speeds = true,
     .filler = 0xff},
    {.name = "v3-8",
     .banner = "Bus Pirate v3.5\r\nCommunity Firmware v8.0 - goo.gl/gCzQnW [HiZ 1-WIRE UART I2C "
               "SPI 2WIRE 3WIRE PIC DIO] Bootloader v4.5\r\n"
               "DEVID:0x0447 REVID:0x3046 (24FJ64GA00 2 B8)\r\nhttp://dangerousprototypes.com\r\n",
     .link = BOARD_UART,
     .streams = true,
     .flushes = true,
     .extended = true,
     .wide_speeds = true,
     .write_then_read = true,
     .rate_menu = true},
    {.name = "v4-6",
     .banner = "Bus Pirate v4\r\nFirmware v6.3-beta1 r2151  Bootloader v1\r\n"
               "DEVID:0x1019 REVID:0x0004 (24FJ256GB106 A3)\r\nhttp://dangerousprototypes.com\r\n",
     .link = BOARD_CDC,
     .empty_write = true,
     .extended = true,
     .write_then_read = true,
     .filler = 0xff},
    {.name = "v5", .link = BOARD_CDC, .legacy = true, .extended = true, .write_then_read = true},
};

const struct buspirate_firmware *buspirate_firmware(const char *name)
{
    for (size_t i = 0; i < sizeof firmwares / sizeof *firmwares; i++) {
        if (strcmp(firmwares[i].name, name) == 0) {
            return &firmwares[i];
        }
    }
    return NULL;
}

struct buspirate_model *buspirate_new(struct board *board, struct avr_chip *chip,
                                      const struct buspirate_options *options)
{
    struct buspirate_model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        abort();
    }
    m->board = board;
    m->chip = chip;
    m->options = *options;
    m->random = 1;
    return m;
}

void buspirate_free(struct buspirate_model *m)
{
    free(m);
}

const struct buspirate_stats *buspirate_stats(const struct buspirate_model *m)
{
    return &m->stats;
}

bool buspirate_at_prompt(const struct buspirate_model *m)
{
    return m->at_prompt;
}

uint32_t buspirate_baud(const struct buspirate_model *m)
{
    return m->baud;
}

bool buspirate_supplies(const struct buspirate_model *m)
{
    return m->supply;
}

/* --- Bytes ----------------------------------------------------------------------------------- */

static uint8_t noise(struct buspirate_model *m)
{
    m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint8_t)(m->random >> 56);
}

bool buspirate_get(struct buspirate_model *m, uint8_t *byte)
{
    if (board_get(m->board, byte, UINT64_MAX) != BOARD_BYTE) {
        return false;
    }
    if (m->options.fault != BUSPIRATE_FAULT_NONE && ++m->received == m->options.fault_at) {
        m->fault_begun = true;
        m->restart = m->options.fault == BUSPIRATE_FAULT_RESET;
    }
    if (m->options.max_baud != 0 && m->baud > m->options.max_baud) {
        *byte ^= noise(m);
    }
    return !m->restart;
}

bool buspirate_get_16(struct buspirate_model *m, unsigned *value)
{
    uint8_t bytes[2];
    if (!buspirate_get(m, &bytes[0]) || !buspirate_get(m, &bytes[1])) {
        return false;
    }
    *value = (unsigned)(bytes[0] << 8 | bytes[1]);
    return true;
}

bool buspirate_get_32(struct buspirate_model *m, uint32_t *value)
{
    unsigned high, low;
    if (!buspirate_get_16(m, &high) || !buspirate_get_16(m, &low)) {
        return false;
    }
    *value = (uint32_t)high << 16 | low;
    return true;
}

bool buspirate_put(struct buspirate_model *m, uint8_t byte)
{
    if ((m->fault_begun && m->options.fault == BUSPIRATE_FAULT_GARBAGE) ||
        (m->options.max_baud != 0 && m->baud > m->options.max_baud)) {
        byte ^= noise(m);
    }
    return board_put(m->board, byte);
}

bool buspirate_put_text(struct buspirate_model *m, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!buspirate_put(m, (uint8_t)*text)) {
            return false;
        }
    }
    return true;
}

bool buspirate_answered(struct buspirate_model *m)
{
    const uint64_t pulse_ns = 50 * AVR_US;
    if (!m->options.firmware->flushes) {
        return true;
    }
    if (!board_drain(m->board)) {
        return false;
    }
    board_flush(m->board);
    return board_pass(m->board, pulse_ns);
}

/* --- Pins ------------------------------------------------------------------------------------ */

/* Hz by index of 6x, 0: none. SPI1CON1 prescalers from 16 MHz. The community's first firmwares
 * sorted new speeds in among the old ones, which moved those from the fifth on; later they went
 * behind. */
uint32_t buspirate_sck_hz(const struct buspirate_model *m, unsigned index)
{
    static const uint32_t sorted[] = {31250,   125000,  250000,  1000000, 50000,   1333333,
                                      2000000, 2666667, 3200000, 4000000, 5333333, 8000000};
    static const uint32_t usual[] = {31250,   125000,  250000,  1000000,
                                     2000000, 2666667, 4000000, 8000000};
    static const uint32_t wide[] = {50000, 1333333, 3200000, 5333333};
    if (m->options.firmware->sorted_speeds) {
        return index < 12 ? sorted[index] : 0;
    }
    if (index < 8) {
        return usual[index];
    }
    return m->options.firmware->wide_speeds && index < 12 ? wide[index - 8] : 0;
}

void buspirate_pins(struct buspirate_model *m)
{
    const uint64_t now = board_now(m->board);
    const bool output = m->options.reset_on_aux ? m->aux_output : m->cs_output;
    const bool level = m->options.reset_on_aux ? m->aux : m->cs;
    const bool supplied = m->supply && !m->options.supply_short;
    avr_chip_set_pin(m->chip, AVR_PIN_POWER, m->options.powered || supplied, now);
    avr_chip_set_pin(m->chip, AVR_PIN_RESET, !output || level, now);
}

void buspirate_release(struct buspirate_model *m)
{
    m->supply = m->pull_ups = false;
    m->cs_output = m->aux_output = false;
    m->open_drain = m->spi_on = false;
    avr_chip_set_pin(m->chip, AVR_PIN_SCK, false, board_now(m->board));
    buspirate_pins(m);
}

unsigned buspirate_probe_mv(const struct buspirate_model *m)
{
    const bool supplied = m->supply && !m->options.supply_short;
    return m->options.probe && (m->options.powered || supplied) ? 4960 : 20;
}

void buspirate_peripherals(struct buspirate_model *m, uint8_t command)
{
    m->supply = (command & 8) != 0;
    m->pull_ups = (command & 4) != 0;
    m->aux_output = true;
    m->aux = (command & 2) != 0;
    m->cs = (command & 1) != 0;
    m->cs_output = !(m->open_drain && m->cs);
    buspirate_pins(m);
}

bool buspirate_shift(struct buspirate_model *m, uint8_t out, uint8_t *in)
{
    const uint64_t loop_ns = 1000; /* 16 instructions at 16 MHz */
    uint64_t now = board_now(m->board);
    *in = 0xff;
    m->stats.spi_bytes++;
    if (m->open_drain && !(m->pull_ups && m->options.pull_ups)) {
        m->stats.open_drain++;
        now += 16 * m->half_ns;
    } else {
        *in = avr_chip_transfer(m->chip, out, &now, m->half_ns);
    }
    return board_pass_until(m->board, now + loop_ns);
}

/* --- Reset ----------------------------------------------------------------------------------- */

enum { UART_FIFO = 4, CDC_BUFFER = 63, USUAL_BAUD = 115200 };

static void set_up_uart(struct buspirate_model *m, uint32_t baud)
{
    const bool uart = m->options.firmware->link == BOARD_UART;
    m->baud = baud;
    board_set_uart(m->board, baud == USUAL_BAUD ? 114286 : baud, uart ? UART_FIFO : CDC_BUFFER);
    board_set_transmitter(m->board, uart ? UART_FIFO : CDC_BUFFER);
}

/* Initialize() lets time pass before it sets the UART up. What comes meanwhile is lost. */
static bool start(struct buspirate_model *m)
{
    const uint64_t start_ns = board_now(m->board) + 30 * AVR_MS;
    enum board_result result;
    uint8_t lost;
    buspirate_release(m);
    do {
        result = board_get(m->board, &lost, start_ns);
    } while (result == BOARD_BYTE);
    board_clear_overrun(m->board);
    set_up_uart(m, USUAL_BAUD);
    return result == BOARD_TIMEOUT && buspirate_put_text(m, "\r\n") &&
           buspirate_put_text(m, m->options.firmware->banner);
}

/* In the middle of things, as found. */
static bool resume(struct buspirate_model *m)
{
    set_up_uart(m, m->options.found_baud != 0 ? m->options.found_baud : USUAL_BAUD);
    buspirate_release(m);
    switch (m->options.state) {
    case BUSPIRATE_TERMINAL:
    case BUSPIRATE_MENU:
        return buspirate_terminal(m, m->options.state == BUSPIRATE_MENU) &&
               buspirate_bitbang(m, true);
    case BUSPIRATE_BITBANG:
    case BUSPIRATE_I2C:
        break;
    case BUSPIRATE_SPI:
        if (!buspirate_spi(m, false)) {
            return false;
        }
        break;
    case BUSPIRATE_WRITING:
        m->half_ns = 250;
        m->supply = m->cs_output = true;
        m->cs = false;
        buspirate_pins(m);
        if (!buspirate_spi_write(m, 1000) || !buspirate_put(m, 1) || !buspirate_spi(m, false)) {
            return false;
        }
        break;
    }
    return buspirate_bitbang(m, m->options.state == BUSPIRATE_SPI ||
                                    m->options.state == BUSPIRATE_WRITING);
}

/* One life of the firmware, from a reset on or from where it was found. */
static bool live(struct buspirate_model *m, bool found)
{
    if (m->options.firmware->legacy) {
        return buspirate_legacy(m);
    }
    if (found && !resume(m)) {
        return false;
    }
    if (!found && (!start(m) || !buspirate_terminal(m, false) || !buspirate_bitbang(m, true))) {
        return false;
    }
    return true;
}

void buspirate_run(struct buspirate_model *m)
{
    bool found = true;
    do {
        m->restart = false;
        const bool reset = live(m, found);
        m->stats.resets += reset || m->restart ? 1 : 0;
        found = false;
        if (!reset && !m->restart) {
            break;
        }
    } while (!board_stopped(m->board));
    m->stats.hangs = board_overrun(m->board) ? 1 : 0;
}
