/* The optiboot boot loader, version 4.4, as found on an Uno: a window after reset in which it
 * answers STK500v1, prolonged by every byte that it hears at its own rate. It programs the
 * microcontroller it runs on: the rig's chip where the board is the target, else the programmer. */
#include <string.h>

#include "model/stk500v1_private.h"

enum { VERSION_MAJOR = 4, VERSION_MINOR = 4, BOOT_SECTION = 512, PAGE = 128 };

/* The watchdog ends the window; a wrong end marker shortens it to the watchdog's minimum. */
static const uint64_t window_ns = 1000 * AVR_MS;
static const uint64_t restart_ns = 16 * AVR_MS;

struct boot {
    struct stk500v1_model *m;
    uint64_t watchdog_ns; /* when it bites */
    uint16_t address;     /* byte address */
};

/* False: the watchdog bit or the board was reset; return. */
static bool get(struct boot *b, uint8_t *byte)
{
    if (board_get(b->m->board, byte, b->watchdog_ns) != BOARD_BYTE) {
        return false;
    }
    if (board_byte_was_clean(b->m->board)) { /* framing errors do not feed the watchdog */
        b->watchdog_ns = board_now(b->m->board) + window_ns;
    }
    return true;
}

static bool put(struct boot *b, uint8_t byte)
{
    return stk500v1_put(b->m, byte);
}

static bool get_all(struct boot *b, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!get(b, &bytes[i])) {
            return false;
        }
    }
    return true;
}

/* The end marker; anything else makes it wait for the watchdog, deaf. */
static bool end_of_command(struct boot *b)
{
    uint8_t byte;
    if (!get(b, &byte)) {
        return false;
    }
    if (byte != STK_EOP) {
        (void)board_pass(b->m->board, restart_ns);
        return false;
    }
    return put(b, STK_INSYNC);
}

static bool skip(struct boot *b, size_t size)
{
    uint8_t bytes[32];
    return get_all(b, bytes, size) && end_of_command(b) && put(b, STK_OK);
}

static bool answer_byte(struct boot *b, uint8_t byte)
{
    return end_of_command(b) && put(b, byte) && put(b, STK_OK);
}

/* What the boot loader finds in its own flash. On a programmer's board that is not the chip. */
static uint8_t *own_flash(struct boot *b, size_t *size)
{
    if (b->m->options.firmware != STK500V1_OPTIBOOT) {
        *size = 0;
        return NULL;
    }
    return avr_chip_memory(b->m->chip, AVR_FLASH, size);
}

/* Erases the page and writes it: twice 3.7 ms, during which the UART holds two bytes at most. */
static bool program_page(struct boot *b)
{
    uint8_t header[3]; /* the high length byte is ignored */
    uint8_t data[256];
    if (!get_all(b, header, sizeof header)) {
        return false;
    }
    const size_t length = header[1] != 0 ? header[1] : 256;
    if (!get_all(b, data, length) || !end_of_command(b)) {
        return false;
    }
    b->m->stats.bootloader_pages++;
    b->m->application_ruined = true;
    size_t size;
    uint8_t *flash = own_flash(b, &size);
    if (header[2] == 'F' && b->address + (size_t)PAGE + BOOT_SECTION <= size) {
        uint8_t *page = flash + b->address / PAGE * PAGE;
        memset(page, 0xff, PAGE);
        memcpy(page, data, length < PAGE ? length : PAGE);
    }
    return board_pass(b->m->board, 7400 * AVR_US) && put(b, STK_OK);
}

static bool read_page(struct boot *b)
{
    uint8_t header[3];
    if (!get_all(b, header, sizeof header) || !end_of_command(b)) {
        return false;
    }
    size_t size;
    const uint8_t *flash = own_flash(b, &size);
    const size_t length = header[1] != 0 ? header[1] : 256;
    for (size_t i = 0; i < length; i++, b->address++) {
        if (!put(b, b->address < size ? flash[b->address] : 0xff)) {
            return false;
        }
    }
    return put(b, STK_OK);
}

static bool signature(struct boot *b)
{
    static const uint8_t uno[] = {0x1e, 0x95, 0x0f}; /* what the programmer's own board is */
    const uint8_t *bytes = b->m->options.firmware == STK500V1_OPTIBOOT
                               ? avr_chip_memory(b->m->chip, AVR_SIGNATURE, NULL)
                               : uno;
    return end_of_command(b) && put(b, bytes[0]) && put(b, bytes[1]) && put(b, bytes[2]) &&
           put(b, STK_OK);
}

static bool get_parameter(struct boot *b)
{
    uint8_t which;
    if (!get(b, &which)) {
        return false;
    }
    return answer_byte(b, which == 0x81 ? VERSION_MAJOR : which == 0x82 ? VERSION_MINOR : 3);
}

static bool load_address(struct boot *b)
{
    uint8_t bytes[2];
    if (!get_all(b, bytes, sizeof bytes)) {
        return false;
    }
    b->address = (uint16_t)(2 * (bytes[0] | bytes[1] << 8));
    return end_of_command(b) && put(b, STK_OK);
}

static bool universal(struct boot *b)
{
    uint8_t bytes[4];
    return get_all(b, bytes, sizeof bytes) && answer_byte(b, 0x00);
}

static bool command(struct boot *b, uint8_t code)
{
    b->m->stats.bootloader_commands += board_byte_was_clean(b->m->board);
    switch (code) {
    case 0x41:
        return get_parameter(b);
    case 0x42:
        return skip(b, 20);
    case 0x45:
        return skip(b, 5);
    case 0x51: /* answers, then lets the watchdog start the application */
        if (end_of_command(b) && put(b, STK_OK)) {
            (void)board_pass(b->m->board, restart_ns);
        }
        return false;
    case 0x55:
        return load_address(b);
    case 0x56:
        return universal(b);
    case 0x64:
        return program_page(b);
    case 0x74:
        return read_page(b);
    case 0x75:
        return signature(b);
    default: /* sync, sign-on, enter and all it does not know: no parameters expected */
        return skip(b, 0);
    }
}

void optiboot_run(struct stk500v1_model *m)
{
    struct boot b = {.m = m, .watchdog_ns = board_now(m->board) + window_ns};
    uint8_t code;
    bool running = true;
    while (running && get(&b, &code)) {
        running = command(&b, code);
    }
}
