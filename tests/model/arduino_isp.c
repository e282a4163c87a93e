/* The "Arduino as ISP" sketch, software 1.18 on an Uno (16 MHz), as it behaves on the wire. */
#include <string.h>

#include "model/stk500v1_private.h"

/* Hardware SPI at the fastest divider up to 166.7 kHz: 16 MHz / 128. Around the four bytes the
 * sketch needs some 14 us more (measured on the real one). */
static const uint64_t half_ns = 4000;
static const uint64_t software_ns = 14000;

static bool spi(struct stk500v1_model *m, uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                uint8_t *answer)
{
    return stk500v1_spi(m, a, b, c, d, half_ns, software_ns, answer);
}

static bool pass_ms(struct stk500v1_model *m, unsigned ms)
{
    return board_pass(m->board, ms * AVR_MS);
}

/* Every function here that returns bool says whether the sketch goes on: false after a reset. */
static bool no_sync(struct stk500v1_model *m)
{
    m->stats.no_sync++;
    return stk500v1_put(m, STK_NOSYNC);
}

/* Reads the end marker; *good says whether it was one. If not, NOSYNC has been sent. */
static bool end_of_command(struct stk500v1_model *m, bool *good)
{
    uint8_t byte;
    if (!stk500v1_get(m, &byte)) {
        return false;
    }
    *good = byte == STK_EOP;
    return *good ? stk500v1_put(m, STK_INSYNC) : no_sync(m);
}

static bool empty_reply(struct stk500v1_model *m)
{
    bool good;
    return end_of_command(m, &good) && (!good || stk500v1_put(m, STK_OK));
}

static bool byte_reply(struct stk500v1_model *m, uint8_t byte)
{
    bool good;
    return end_of_command(m, &good) &&
           (!good || (stk500v1_put(m, byte) && stk500v1_put(m, STK_OK)));
}

static bool sign_on(struct stk500v1_model *m)
{
    bool good;
    return end_of_command(m, &good) &&
           (!good || (stk500v1_put_text(m, "AVR ISP") && stk500v1_put(m, STK_OK)));
}

static bool get_parameter(struct stk500v1_model *m)
{
    uint8_t which;
    if (!stk500v1_get(m, &which)) {
        return false;
    }
    switch (which) {
    case 0x80:
        return byte_reply(m, 2);
    case 0x81:
        return byte_reply(m, 1);
    case 0x82:
        return byte_reply(m, 18);
    case 0x93:
        return byte_reply(m, 'S');
    default:
        return byte_reply(m, 0);
    }
}

/* --- Programming mode ----------------------------------------------------------------------- */

/* RESET low, SCK low, 20 ms; a positive pulse of 100 us; 50 ms; Programming Enable unchecked. */
static bool start_programming(struct stk500v1_model *m)
{
    stk500v1_reset_pin(m, true);
    avr_chip_set_pin(m->chip, AVR_PIN_SCK, false, board_now(m->board));
    if (!pass_ms(m, 20)) {
        return false;
    }
    stk500v1_reset_pin(m, false);
    if (!board_pass(m->board, 100 * AVR_US)) {
        return false;
    }
    stk500v1_reset_pin(m, true);
    if (!pass_ms(m, 50) || !spi(m, 0xac, 0x53, 0x00, 0x00, NULL)) {
        return false;
    }
    m->ram.programming = true;
    return true;
}

static void end_programming(struct stk500v1_model *m)
{
    stk500v1_reset_pin(m, false);
    m->ram.programming = false;
}

static bool universal(struct stk500v1_model *m)
{
    uint8_t bytes[4];
    uint8_t answer;
    return stk500v1_get_all(m, bytes, sizeof bytes) &&
           spi(m, bytes[0], bytes[1], bytes[2], bytes[3], &answer) && byte_reply(m, answer);
}

static bool read_signature(struct stk500v1_model *m)
{
    bool good;
    if (!end_of_command(m, &good)) {
        return false;
    }
    for (uint8_t i = 0; good && i < 3; i++) {
        uint8_t byte;
        if (!spi(m, 0x30, 0x00, i, 0x00, &byte) || !stk500v1_put(m, byte)) {
            return false;
        }
    }
    return !good || stk500v1_put(m, STK_OK);
}

/* --- Pages ---------------------------------------------------------------------------------- */

static unsigned parameter_16(const struct stk500v1_model *m, unsigned offset)
{
    return (unsigned)(m->ram.device[offset] << 8 | m->ram.device[offset + 1]);
}

/* Of the address. A page size other than 32, 64, 128, 256 makes every word a page of its own. */
static uint16_t current_page(const struct stk500v1_model *m)
{
    const unsigned page = parameter_16(m, 12);
    if (page == 32 || page == 64 || page == 128 || page == 256) {
        return (uint16_t)(m->ram.address & ~(page / 2 - 1));
    }
    return m->ram.address;
}

static bool commit(struct stk500v1_model *m, uint16_t page)
{
    /* PROG_FLICKER: the LED is dark for 30 ms, which is all the waiting there is. */
    return spi(m, 0x4c, (uint8_t)(page >> 8), (uint8_t)page, 0, NULL) && pass_ms(m, 30);
}

static bool load_byte(struct stk500v1_model *m, bool high, uint8_t byte)
{
    return spi(m, high ? 0x48 : 0x40, (uint8_t)(m->ram.address >> 8), (uint8_t)m->ram.address, byte,
               NULL);
}

/* The whole block is taken first; an odd length takes one byte more from the buffer. */
static bool program_flash(struct stk500v1_model *m, unsigned size)
{
    bool good;
    if (size > sizeof m->ram.data) {
        m->stats.crashes++; /* overruns the sketch's memory: it does nothing sensible any more */
        uint8_t byte;
        while (stk500v1_get(m, &byte)) {
        }
        return false;
    }
    if (!stk500v1_get_all(m, m->ram.data, size) || !end_of_command(m, &good)) {
        return false;
    }
    if (!good) {
        return true;
    }
    uint16_t page = current_page(m);
    for (unsigned i = 0; i < size; i += 2) {
        if (page != current_page(m)) {
            if (!commit(m, page)) {
                return false;
            }
            page = current_page(m);
        }
        if (!load_byte(m, false, m->ram.data[i]) ||
            !load_byte(m, true, m->ram.data[(i + 1) % sizeof m->ram.data])) {
            return false;
        }
        m->ram.address++;
    }
    return commit(m, page) && stk500v1_put(m, STK_OK);
}

/* 32 bytes at a time are taken and written, 45 ms each. The address stays. */
static bool program_eeprom(struct stk500v1_model *m, unsigned size)
{
    unsigned address = m->ram.address * 2u;
    bool good;
    uint8_t result = STK_OK;
    if (size > parameter_16(m, 14)) {
        result = STK_FAILED; /* and the data are taken for commands */
        size = 0;
    }
    while (size > 0) {
        const unsigned chunk = size < 32 ? size : 32;
        if (!stk500v1_get_all(m, m->ram.data, chunk)) {
            return false;
        }
        for (unsigned i = 0; i < chunk; i++, address++) {
            if (!spi(m, 0xc0, (uint8_t)(address >> 8), (uint8_t)address, m->ram.data[i], NULL) ||
                !pass_ms(m, 45)) {
                return false;
            }
        }
        size -= chunk;
    }
    return end_of_command(m, &good) && (!good || stk500v1_put(m, result));
}

static bool program_page(struct stk500v1_model *m)
{
    uint8_t header[3];
    if (!stk500v1_get_all(m, header, sizeof header)) {
        return false;
    }
    const unsigned size = (unsigned)(header[0] << 8 | header[1]);
    if (header[2] == 'F') {
        return program_flash(m, size);
    }
    return header[2] == 'E' ? program_eeprom(m, size) : stk500v1_put(m, STK_FAILED);
}

static bool read_flash(struct stk500v1_model *m, int size)
{
    for (int i = 0; i < size; i += 2, m->ram.address++) {
        const uint8_t high = (uint8_t)(m->ram.address >> 8);
        const uint8_t low = (uint8_t)m->ram.address;
        for (unsigned half = 0; half < 2; half++) {
            uint8_t byte;
            if (!spi(m, half == 0 ? 0x20 : 0x28, high, low, 0, &byte) || !stk500v1_put(m, byte)) {
                return false;
            }
        }
    }
    return true;
}

static bool read_eeprom(struct stk500v1_model *m, int size)
{
    for (int i = 0; i < size; i++) {
        const unsigned address = m->ram.address * 2u + (unsigned)i;
        uint8_t byte;
        if (!spi(m, 0xa0, (uint8_t)(address >> 8), (uint8_t)address, 0xff, &byte) ||
            !stk500v1_put(m, byte)) {
            return false;
        }
    }
    return true;
}

/* The length is a signed 16-bit number: 8000 and above read nothing. */
static bool read_page(struct stk500v1_model *m)
{
    uint8_t header[3];
    bool good;
    if (!stk500v1_get_all(m, header, sizeof header) || !end_of_command(m, &good)) {
        return false;
    }
    if (!good) {
        return true;
    }
    const int size = (int16_t)(header[0] << 8 | header[1]);
    if (header[2] == 'F') {
        return read_flash(m, size) && stk500v1_put(m, STK_OK);
    }
    if (header[2] == 'E') {
        return read_eeprom(m, size) && stk500v1_put(m, STK_OK);
    }
    return stk500v1_put(m, STK_FAILED);
}

/* --- Loop ----------------------------------------------------------------------------------- */

static bool unknown(struct stk500v1_model *m)
{
    uint8_t byte;
    if (!stk500v1_get(m, &byte)) {
        return false;
    }
    if (byte != STK_EOP) {
        return no_sync(m);
    }
    m->stats.unknown++;
    return stk500v1_put(m, STK_UNKNOWN);
}

static bool ignore(struct stk500v1_model *m, size_t size)
{
    uint8_t bytes[8];
    return stk500v1_get_all(m, bytes, size) && empty_reply(m);
}

static bool load_address(struct stk500v1_model *m)
{
    uint8_t bytes[2];
    if (!stk500v1_get_all(m, bytes, sizeof bytes)) {
        return false;
    }
    m->ram.address = (uint16_t)(bytes[0] | bytes[1] << 8);
    return empty_reply(m);
}

static bool command(struct stk500v1_model *m, uint8_t code)
{
    switch (code) {
    case 0x30:
        return empty_reply(m);
    case 0x31:
        return sign_on(m);
    case 0x41:
        return get_parameter(m);
    case 0x42:
        return stk500v1_get_all(m, m->ram.device, sizeof m->ram.device) && empty_reply(m);
    case 0x45:
        return ignore(m, 5);
    case 0x50: /* acts before its end marker is read */
        return (m->ram.programming || start_programming(m)) && empty_reply(m);
    case 0x51:
        end_programming(m);
        return empty_reply(m);
    case 0x55:
        return load_address(m);
    case 0x56:
        return universal(m);
    case 0x60:
        return ignore(m, 2);
    case 0x61:
        return ignore(m, 1);
    case 0x64:
        return program_page(m);
    case 0x74:
        return read_page(m);
    case 0x75:
        return read_signature(m);
    case STK_EOP:
        return no_sync(m);
    default:
        return unknown(m);
    }
}

void arduino_isp_run(struct stk500v1_model *m)
{
    /* setup(): three LEDs blink three times 60 ms each. Only a sketch that just began does so. */
    if (m->options.in_bootloader || board_stats(m->board)->resets > 0) {
        if (!pass_ms(m, 540) ||
            !stk500v1_put_text(m, m->options.chatter != NULL ? m->options.chatter : "")) {
            return;
        }
    }
    uint8_t code;
    bool running = true;
    while (running && stk500v1_get(m, &code)) {
        m->stats.commands++;
        running = command(m, code);
    }
}
