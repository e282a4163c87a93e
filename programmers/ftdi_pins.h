/* Which pin of an FTDI adapter is what: from programmers.ini, changed by -x. Pins 0 to 7 are xD0 to
 * xD7 (of an FT232R: TXD, RXD, RTS, CTS, DTR, DSR, DCD, RI), 8 to 15 are xC0 to xC7. */
#ifndef PROGRAMMERS_FTDI_PINS_H
#define PROGRAMMERS_FTDI_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "link/ftdi.h"
#include "programmer/programmer.h"

enum ftdi_role {
    FTDI_SCK,
    FTDI_MOSI,
    FTDI_MISO,
    FTDI_RESET,
    FTDI_BUFFER,  /* switches buffers between adapter and chip on; may be several pins */
    FTDI_READY,   /* lights: programming mode, */
    FTDI_PROGRAM, /* a write, */
    FTDI_VERIFY,  /* a read, */
    FTDI_ERROR,   /* something failed */
    FTDI_ROLES
};

/* Bit n is pin n. Of a pin in `low`, low is active. */
struct ftdi_pins {
    uint16_t mask[FTDI_ROLES];
    uint16_t low;
};

enum ftdi_wiring {
    FTDI_WIRING_MPSSE,  /* SCK, MOSI and MISO are the engine's: pins 0, 1, 2 */
    FTDI_WIRING_BITBANG /* any of the pins 0 to 7 */
};

/* STATUS_USAGE: a -x that is none, a pin that there is not, or two things on one pin. */
MUST_USE enum status ftdi_pins_read(const struct programmer_entry *entry,
                                    const struct programmer_config *config, enum ftdi_wiring wiring,
                                    struct ftdi_pins *out, struct error *e);

/* `levels` with the pins of a role switched on or off. */
uint16_t ftdi_pins_set(const struct ftdi_pins *pins, enum ftdi_role role, bool on, uint16_t levels);

/* All that are driven: everything but MISO. */
uint16_t ftdi_pins_outputs(const struct ftdi_pins *pins);

extern const char ftdi_mpsse_options_help[], ftdi_bitbang_options_help[];

/* Is it a port that ftdi_adapter_open() can be given: as usb_check_port(), or avrdude's "ft0" and
 * "ftSERIAL"? */
MUST_USE enum status ftdi_check_port(const char *port, struct error *e);

/* Opens the adapter as the entry's settings describe it ("usb=0403:6014 channel=A"). */
MUST_USE enum status ftdi_adapter_open(struct programmer *p, struct ftdi **out, struct error *e);

#endif
