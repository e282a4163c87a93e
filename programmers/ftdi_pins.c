#include "ftdi_pins.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/nearest.h"
#include "driver_options.h"
#include "programmer/usb_ids.h"
#include "usb_device.h"

const char ftdi_mpsse_options_help[] =
    "reset=PIN           the pin that is the chip's RESET (SCK, MOSI and MISO are always AD0, "
    "AD1,\n"
    "                    AD2)\n"
    "buff=PIN,...        pins that switch buffers on\n"
    "rdy=PIN pgm=PIN vfy=PIN err=PIN\n"
    "                    lights: programming mode, writing, reading, failed\n"
    "PIN is 0 to 15 or D0 to D7, C0 to C7; ~ before it: low is active; none: no such pin";

const char ftdi_bitbang_options_help[] =
    "sck=PIN mosi=PIN miso=PIN reset=PIN\n"
    "                    the pins of the adapter (also sdo, sdi for mosi, miso)\n"
    "buff=PIN,...        pins that switch buffers on\n"
    "rdy=PIN pgm=PIN vfy=PIN err=PIN\n"
    "                    lights: programming mode, writing, reading, failed\n"
    "PIN is 0 to 7, D0 to D7, or TXD, RXD, RTS, CTS, DTR, DSR, DCD, RI; ~ before it: low is\n"
    "active; none: no such pin";

/* As typed, avrdude.conf's names among them. */
static const struct {
    const char *name;
    enum ftdi_role role;
} keys[] = {
    {"sck", FTDI_SCK},       {"mosi", FTDI_MOSI},   {"sdo", FTDI_MOSI},       {"miso", FTDI_MISO},
    {"sdi", FTDI_MISO},      {"reset", FTDI_RESET}, {"buff", FTDI_BUFFER},    {"rdy", FTDI_READY},
    {"rdyled", FTDI_READY},  {"pgm", FTDI_PROGRAM}, {"pgmled", FTDI_PROGRAM}, {"vfy", FTDI_VERIFY},
    {"vfyled", FTDI_VERIFY}, {"err", FTDI_ERROR},   {"errled", FTDI_ERROR},
};

static const char *const role_names[FTDI_ROLES] = {"SCK",   "MOSI",    "MISO",   "RESET", "buffer",
                                                   "ready", "program", "verify", "error"};

/* --- pins ------------------------------------------------------------------------------------ */

/* "11", "d3", "AD3", "c0", "rts"; -1: no pin. */
static int pin_number(const char *name, enum ftdi_wiring wiring)
{
    static const char *const signals[] = {"txd", "rxd", "rts", "cts", "dtr", "dsr", "dcd", "ri"};
    const int limit = wiring == FTDI_WIRING_MPSSE ? 16 : 8;
    for (int i = 0; wiring == FTDI_WIRING_BITBANG && i < 8; i++)
        if (strcasecmp(name, signals[i]) == 0)
            return i;
    const char *at = name;
    int base = 0;
    if (wiring == FTDI_WIRING_MPSSE && (tolower(*at) == 'a' || tolower(*at) == 'b'))
        at++;
    const bool named = tolower(*at) == 'd' || tolower(*at) == 'c';
    if (named)
        base = tolower(*at++) == 'c' ? 8 : 0;
    char *end;
    const long number = strtol(at, &end, 10);
    if (!isdigit((unsigned char)*at) || *end != '\0' || number >= (named ? 8 : 16) ||
        base + (int)number >= limit || (!named && at != name))
        return -1;
    return base + (int)number;
}

/* "3", "~4", "5,~10,~13": the pins of a role, in place of those it had. */
static enum status take_pins(struct ftdi_pins *pins, enum ftdi_role role, const char *text,
                             enum ftdi_wiring wiring, struct error *e)
{
    uint16_t mask = 0;
    pins->low = (uint16_t)(pins->low & ~pins->mask[role]);
    while (strcmp(text, "none") != 0) {
        char name[8];
        const size_t size = strcspn(text, ",");
        const bool low = text[0] == '~';
        (void)snprintf(name, sizeof name, "%.*s", (int)(size - (low ? 1 : 0)),
                       text + (low ? 1 : 0));
        const int pin = pin_number(name, wiring);
        if (pin < 0)
            return error_set(e, STATUS_USAGE, "%s: there is no pin \"%.*s\"", role_names[role],
                             (int)size, text);
        mask = (uint16_t)(mask | 1u << pin);
        if (low)
            pins->low = (uint16_t)(pins->low | 1u << pin);
        if (text[size] == '\0')
            break;
        text += size + 1;
    }
    pins->mask[role] = mask;
    return STATUS_OK;
}

static bool is_one(uint16_t mask)
{
    return mask != 0 && (mask & (mask - 1)) == 0;
}

static enum status check_pins(const struct ftdi_pins *pins, struct error *e)
{
    for (unsigned i = 0; i < FTDI_ROLES; i++) {
        if (i <= FTDI_RESET && !is_one(pins->mask[i]))
            return error_set(e, STATUS_USAGE, "%s needs one pin", role_names[i]);
        for (unsigned k = i + 1; k < FTDI_ROLES; k++) {
            const uint16_t both = pins->mask[i] & pins->mask[k];
            unsigned pin = 0;
            while (both != 0 && (both >> pin & 1) == 0)
                pin++;
            if (both != 0)
                return error_set(e, STATUS_USAGE, "%s and %s are both on pin %u", role_names[i],
                                 role_names[k], pin);
        }
    }
    const uint16_t wires = pins->mask[FTDI_SCK] | pins->mask[FTDI_MOSI] | pins->mask[FTDI_MISO];
    if ((pins->low & wires) != 0)
        return error_set(e, STATUS_USAGE, "SCK, MOSI and MISO cannot be inverted");
    return STATUS_OK;
}

/* -x KEY=PINS */
static enum status take_option(struct ftdi_pins *pins, const char *option, enum ftdi_wiring wiring,
                               struct error *e)
{
    const size_t size = strcspn(option, "=");
    struct nearest nearest;
    char name[16];
    (void)snprintf(name, sizeof name, "%.*s", (int)size, option);
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const bool fixed = wiring == FTDI_WIRING_MPSSE && keys[i].role <= FTDI_MISO;
        if (strcmp(keys[i].name, name) == 0 && fixed)
            return error_set(e, STATUS_USAGE, "-x %s: %s is a fixed pin of this chip", option,
                             role_names[keys[i].role]);
        if (strcmp(keys[i].name, name) != 0) {
            if (!fixed)
                nearest_offer(&nearest, keys[i].name);
            continue;
        }
        if (option[size] != '=')
            return error_set(e, STATUS_USAGE, "-x %s needs a pin: %s=PIN", option, name);
        if (take_pins(pins, keys[i].role, option + size + 1, wiring, e) != STATUS_OK)
            return error_in(e, "-x %s", option);
        return STATUS_OK;
    }
    (void)error_set(e, STATUS_USAGE, "unknown option -x %s", option);
    nearest_hint(&nearest, e);
    driver_options_hint(e, wiring == FTDI_WIRING_MPSSE
                               ? "reset, buff, rdy, pgm, vfy and err"
                               : "sck, mosi, miso, reset, buff, rdy, pgm, vfy and err");
    return STATUS_USAGE;
}

enum status ftdi_pins_read(const struct programmer_entry *entry,
                           const struct programmer_config *config, enum ftdi_wiring wiring,
                           struct ftdi_pins *out, struct error *e)
{
    const struct programmer p = {.entry = entry};
    struct ftdi_pins pins = {0};
    if (wiring == FTDI_WIRING_MPSSE) {
        pins.mask[FTDI_SCK] = 1u << 0;
        pins.mask[FTDI_MOSI] = 1u << 1;
        pins.mask[FTDI_MISO] = 1u << 2;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[40];
        if (programmer_setting(&p, keys[i].name, text, sizeof text) &&
            take_pins(&pins, keys[i].role, text, wiring, e) != STATUS_OK)
            return error_in(e, "programmers.ini: %s", entry->id);
    }
    for (size_t i = 0; i < config->option_count; i++)
        TRY(take_option(&pins, config->options[i], wiring, e));
    TRY(check_pins(&pins, e));
    *out = pins;
    return STATUS_OK;
}

uint16_t ftdi_pins_set(const struct ftdi_pins *pins, enum ftdi_role role, bool on, uint16_t levels)
{
    const uint16_t mask = pins->mask[role];
    const uint16_t active = (uint16_t)(mask & ~pins->low), passive = mask & pins->low;
    return (uint16_t)((levels & ~mask) | (on ? active : passive));
}

uint16_t ftdi_pins_outputs(const struct ftdi_pins *pins)
{
    uint16_t all = 0;
    for (unsigned i = 0; i < FTDI_ROLES; i++)
        if (i != FTDI_MISO)
            all = (uint16_t)(all | pins->mask[i]);
    return all;
}

/* --- the adapter ----------------------------------------------------------------------------- */

/* avrdude's "ft0" (the first) and "ftSERIAL", as the USB link has them. */
static const char *usb_port(const char *port, char *out, size_t capacity)
{
    enum { DIGITS = 2 }; /* serial numbers have more */
    if (port == NULL || strncmp(port, "ft", 2) != 0 || port[2] == '\0')
        return port;
    const bool number =
        strspn(port + 2, "0123456789") == strlen(port + 2) && strlen(port + 2) <= DIGITS;
    (void)snprintf(out, capacity, "usb:%s%s", number ? "#" : "", port + 2);
    return out;
}

enum status ftdi_check_port(const char *port, struct error *e)
{
    char text[128];
    return usb_check_port(usb_port(port, text, sizeof text), e);
}

enum status ftdi_adapter_open(struct programmer *p, struct ftdi **out, struct error *e)
{
    struct usb_id ids[USB_IDS_MAX + 1];
    char channel[4] = "A";
    if (!programmer_usb_ids(p->entry, ids))
        return error_set(e, STATUS_INTERNAL, "%s: the setting usb= is missing or wrong",
                         p->entry->id);
    (void)programmer_setting(p, "channel", channel, sizeof channel);
    const struct usb_wanted wanted = {.programmer = p->entry->id, .ids = ids};
    char port[128];
    TRY(ftdi_open(&wanted, usb_port(p->config->port, port, sizeof port),
                  (unsigned)(channel[0] - 'A'), p->context, out, e));
    usb_tell_port(p, &(*out)->info);
    return STATUS_OK;
}
