/* Atmel's STK500 with firmware version 1: AVR061 "STK500 Communication Protocol". Wants SET_DEVICE
 * before anything else, knows every command, waits for the chip itself. */
#include <string.h>

#include "model/stk500v1_private.h"

enum {
    HARDWARE_VERSION = 2,
    SOFTWARE_MAJOR = 1,
    SOFTWARE_MINOR = 14,
    BLOCK_MAX = 256,
    PARAMETER_SCK = 0x89,
};

/* SCK_DURATION counts 8 / 7.3728 MHz = 1.085 us for a period. */
static uint64_t half_ns(const struct stk500v1_model *m)
{
    const uint8_t duration = m->ram.parameter[PARAMETER_SCK];
    return (duration != 0 ? duration : 1) * UINT64_C(1085) / 2;
}

static bool spi(struct stk500v1_model *m, uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                uint8_t *answer)
{
    return stk500v1_spi(m, a, b, c, d, half_ns(m), 10000, answer);
}

static bool no_sync(struct stk500v1_model *m)
{
    m->stats.no_sync++;
    return stk500v1_put(m, STK_NOSYNC);
}

/* The end marker, then INSYNC, `size` bytes and `result`. Not a marker: NOSYNC. Commands act before
 * this, on parameters that a lost byte may have shifted: so does the real one. */
static bool reply(struct stk500v1_model *m, const uint8_t *bytes, size_t size, uint8_t result)
{
    uint8_t byte;
    if (!stk500v1_get(m, &byte)) {
        return false;
    }
    if (byte != STK_EOP) {
        return no_sync(m);
    }
    if (!stk500v1_put(m, STK_INSYNC)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!stk500v1_put(m, bytes[i])) {
            return false;
        }
    }
    return stk500v1_put(m, result);
}

static bool reply_ok(struct stk500v1_model *m)
{
    return reply(m, NULL, 0, STK_OK);
}

static bool reply_byte(struct stk500v1_model *m, uint8_t byte)
{
    return reply(m, &byte, 1, STK_OK);
}

/* The longest a chip may take, in place of its own polling. */
static bool wait_write(struct stk500v1_model *m)
{
    uint64_t now = board_now(m->board);
    while (avr_chip_busy(m->chip, now)) {
        now += 100 * AVR_US;
        if (!board_pass_until(m->board, now)) {
            return false;
        }
    }
    return true;
}

static bool enter(struct stk500v1_model *m)
{
    if (!m->ram.device_set) {
        m->stats.sequence_errors++;
        return reply(m, NULL, 0, STK_NODEVICE);
    }
    if (!m->ram.programming) {
        stk500v1_reset_pin(m, false);
        if (!board_pass(m->board, 10 * AVR_MS)) {
            return false;
        }
        stk500v1_reset_pin(m, true);
        if (!board_pass(m->board, 25 * AVR_MS) || !spi(m, 0xac, 0x53, 0, 0, NULL)) {
            return false;
        }
        m->ram.programming = true;
    }
    return reply_ok(m);
}

static bool leave(struct stk500v1_model *m)
{
    stk500v1_reset_pin(m, false);
    m->ram.programming = false;
    return reply_ok(m);
}

static bool set_parameter(struct stk500v1_model *m)
{
    uint8_t bytes[2];
    if (!stk500v1_get_all(m, bytes, sizeof bytes)) {
        return false;
    }
    if (bytes[0] >= 0x80 && bytes[0] <= 0x82) { /* versions can only be read */
        return reply(m, &bytes[0], 1, STK_FAILED);
    }
    m->ram.parameter[bytes[0]] = bytes[1];
    return reply_ok(m);
}

static bool get_parameter(struct stk500v1_model *m)
{
    uint8_t which;
    if (!stk500v1_get(m, &which)) {
        return false;
    }
    if (which < 0x80 || which > 0x98) {
        return reply(m, &which, 1, STK_FAILED);
    }
    return reply_byte(m, m->ram.parameter[which]);
}

static bool set_device(struct stk500v1_model *m)
{
    if (!stk500v1_get_all(m, m->ram.device, sizeof m->ram.device)) {
        return false;
    }
    m->ram.device_set = true;
    return reply_ok(m);
}

static bool set_device_extended(struct stk500v1_model *m)
{
    uint8_t bytes[256];
    return stk500v1_get(m, &bytes[0]) &&
           stk500v1_get_all(m, &bytes[1], bytes[0] > 0 ? bytes[0] - 1u : 0) && reply_ok(m);
}

static bool erase(struct stk500v1_model *m)
{
    return spi(m, 0xac, 0x80, 0, 0, NULL) && wait_write(m) && reply_ok(m);
}

static bool load_address(struct stk500v1_model *m)
{
    uint8_t bytes[2];
    if (!stk500v1_get_all(m, bytes, sizeof bytes)) {
        return false;
    }
    m->ram.address = (uint16_t)(bytes[0] | bytes[1] << 8);
    return reply_ok(m);
}

static bool universal(struct stk500v1_model *m)
{
    uint8_t b[4];
    uint8_t answer;
    return stk500v1_get_all(m, b, sizeof b) && spi(m, b[0], b[1], b[2], b[3], &answer) &&
           reply_byte(m, answer);
}

/* The address of LOAD_ADDRESS counts words in flash and bytes in EEPROM. */
static bool program_page(struct stk500v1_model *m)
{
    uint8_t header[3];
    if (!stk500v1_get_all(m, header, sizeof header)) {
        return false;
    }
    const unsigned size = (unsigned)(header[0] << 8 | header[1]);
    if (size > BLOCK_MAX) {
        return no_sync(m);
    }
    if (!stk500v1_get_all(m, m->ram.data, size)) {
        return false;
    }
    const uint16_t address = m->ram.address;
    for (unsigned i = 0; i < size; i++) {
        const bool flash = header[2] == 'F';
        const unsigned at = flash ? address + i / 2 : address + i;
        const uint8_t code = !flash ? 0xc0 : i % 2 == 0 ? 0x40 : 0x48;
        const bool by_byte = !flash || m->ram.device[12] + m->ram.device[13] == 0;
        if (!spi(m, code, (uint8_t)(at >> 8), (uint8_t)at, m->ram.data[i], NULL) ||
            (by_byte && !wait_write(m))) {
            return false;
        }
    }
    if (header[2] == 'F' && m->ram.device[12] + m->ram.device[13] != 0 &&
        (!spi(m, 0x4c, (uint8_t)(address >> 8), (uint8_t)address, 0, NULL) || !wait_write(m))) {
        return false;
    }
    return reply_ok(m);
}

static bool read_page(struct stk500v1_model *m)
{
    uint8_t header[3];
    if (!stk500v1_get_all(m, header, sizeof header)) {
        return false;
    }
    const unsigned size = (unsigned)(header[0] << 8 | header[1]);
    if (size > BLOCK_MAX) {
        return no_sync(m);
    }
    for (unsigned i = 0; i < size; i++) {
        const bool flash = header[2] == 'F';
        const unsigned at = flash ? m->ram.address + i / 2 : m->ram.address + i;
        const uint8_t code = !flash ? 0xa0 : i % 2 == 0 ? 0x20 : 0x28;
        if (!spi(m, code, (uint8_t)(at >> 8), (uint8_t)at, 0, &m->ram.data[i])) {
            return false;
        }
    }
    return reply(m, m->ram.data, size, STK_OK);
}

static bool read_signature(struct stk500v1_model *m)
{
    uint8_t bytes[3];
    for (uint8_t i = 0; i < 3; i++) {
        if (!spi(m, 0x30, 0, i, 0, &bytes[i])) {
            return false;
        }
    }
    return reply(m, bytes, sizeof bytes, STK_OK);
}

/* Commands with a fixed number of instructions: fuse and lock bytes, calibration. The operand of a
 * write is the n-th byte that came with the command. */
static bool read_bytes(struct stk500v1_model *m, const uint8_t instructions[][2], size_t count)
{
    uint8_t bytes[3];
    for (size_t i = 0; i < count; i++) {
        if (!spi(m, instructions[i][0], instructions[i][1], 0, 0, &bytes[i])) {
            return false;
        }
    }
    return reply(m, bytes, count, STK_OK);
}

static bool write_bytes(struct stk500v1_model *m, const uint8_t *second, size_t count)
{
    uint8_t bytes[3];
    if (!stk500v1_get_all(m, bytes, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!spi(m, 0xac, second[i], 0, bytes[i], NULL) || !wait_write(m)) {
            return false;
        }
    }
    return reply_ok(m);
}

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

static bool needs_programming(uint8_t code)
{
    return code == 0x52 || code == 0x56 || (code >= 0x60 && code <= 0x78);
}

static bool command(struct stk500v1_model *m, uint8_t code)
{
    static const uint8_t fuse_reads[][2] = {{0x50, 0x00}, {0x58, 0x08}, {0x50, 0x08}};
    static const uint8_t fuse_writes[] = {0xa0, 0xa8, 0xa4};
    switch (code) {
    case 0x30:
        return reply_ok(m);
    case 0x31:
        return reply(m, (const uint8_t *)"AVR STK", 7, STK_OK);
    case 0x40:
        return set_parameter(m);
    case 0x41:
        return get_parameter(m);
    case 0x42:
        return set_device(m);
    case 0x45:
        return set_device_extended(m);
    case 0x50:
        return enter(m);
    case 0x51:
        return leave(m);
    case 0x52:
        return erase(m);
    case 0x53:
        return reply_ok(m);
    case 0x55:
        return load_address(m);
    case 0x56:
        return universal(m);
    case 0x62:
        return write_bytes(m, fuse_writes, 2);
    case 0x63:
        return write_bytes(m, (const uint8_t[]){0xe0}, 1);
    case 0x64:
        return program_page(m);
    case 0x65:
        return write_bytes(m, fuse_writes, 3);
    case 0x72:
        return read_bytes(m, fuse_reads, 2);
    case 0x73:
        return read_bytes(m, (const uint8_t[][2]){{0x58, 0x00}}, 1);
    case 0x74:
        return read_page(m);
    case 0x75:
        return read_signature(m);
    case 0x76:
        return read_bytes(m, (const uint8_t[][2]){{0x38, 0x00}}, 1);
    case 0x77:
        return read_bytes(m, fuse_reads, 3);
    case STK_EOP:
        return no_sync(m);
    default:
        return unknown(m);
    }
}

void stk500_run(struct stk500v1_model *m)
{
    m->ram.parameter[0x80] = HARDWARE_VERSION;
    m->ram.parameter[0x81] = SOFTWARE_MAJOR;
    m->ram.parameter[0x82] = SOFTWARE_MINOR;
    m->ram.parameter[0x84] = 50; /* VTARGET, VADJUST: 5.0 V */
    m->ram.parameter[0x85] = 50;
    m->ram.parameter[PARAMETER_SCK] = 3;
    m->ram.parameter[0x98] = 3; /* no top card */
    uint8_t code;
    bool running = true;
    while (running && stk500v1_get(m, &code)) {
        m->stats.commands++;
        if (needs_programming(code) && !m->ram.programming) {
            m->stats.sequence_errors++;
        }
        running = command(m, code);
    }
}
