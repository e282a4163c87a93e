/* Boards that serve as programmers, as data: which ids of programmers.ini they answer to and which
 * of their pins goes to which pin of the chip. The built-in ones are programmers/boards.ini, and
 * the FTDI adapters of programmers.ini, whose settings name their pins. */
#ifndef PROGRAMMER_BOARD_H
#define PROGRAMMER_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "link/usb.h"
#include "programmer/programmer.h"

/* The wires to the chip. */
enum board_wire {
    BOARD_VCC,
    BOARD_GND,
    BOARD_RESET,
    BOARD_SCK,
    BOARD_MOSI,
    BOARD_MISO,
    BOARD_SWDIO,
    BOARD_SWCLK,
    BOARD_WIRES
};

/* A connector with pins of fixed meaning. */
struct board_header {
    const char *id, *name;   /* "isp6", "6-pin ISP header" */
    unsigned columns;        /* pins side by side */
    const char *const *pins; /* "MISO", "VCC", ... from pin 1 on; NULL: not connected */
    size_t pin_count;
};

/* All strings live as long as the list. */
struct board {
    const char *id, *name;
    const char *const *programmers; /* ids of programmers.ini; NULL-terminated */
    const char *pins[BOARD_WIRES];  /* what is printed there: "10 (PB6)"; NULL: it has none */
    bool swd;                       /* for STM32s; without SCK, MOSI and MISO */
    const char *const *headers;     /* ids, the usual one first; NULL-terminated */
    const char *const *warnings;    /* sentences; NULL-terminated */
    const struct usb_id *usb;       /* that a board on a serial port shows; ends with vendor 0 */
    const char *source;
};

struct board_list;

/* The built-in ones, sorted by id; `entries` are all programmers. STATUS_INTERNAL if the data is
 * broken. */
MUST_USE enum status boards_open(const struct programmer_entry *entries, struct board_list **out,
                                 struct error *e);
void boards_close(struct board_list *list); /* takes NULL */

/* Any text of that form, zero-terminated; STATUS_INTERNAL with "name:line: what". */
MUST_USE enum status boards_read(const char *name, const char *text, struct board_list **out,
                                 struct error *e);

size_t board_count(const struct board_list *list);
const struct board *board_at(const struct board_list *list, size_t index);

/* By id, case ignored: exact, else unique start. STATUS_USAGE with the nearest names, or with those
 * that begin like that. */
MUST_USE enum status board_find(const struct board_list *list, const char *id,
                                const struct board **out, struct error *e);

bool board_serves(const struct board *b, const char *programmer);
bool board_shows(const struct board *b, uint16_t vendor, uint16_t product);

/* The board that this programmer id (exactly as in programmers.ini) must be; `vendor` and `product`
 * narrow it where the device's USB id is known, else they are 0. NULL: none is known, or several
 * are and nothing tells them apart. */
const struct board *board_of(const struct board_list *list, const char *programmer, uint16_t vendor,
                             uint16_t product);

/* NULL: there is no such header. "isp6" and "isp10" are always there. */
const struct board_header *board_header_find(const struct board_list *list, const char *id);
/* The number of the first pin of that name ("MISO"), from 1; 0: none. */
unsigned board_header_pin(const struct board_header *header, const char *name);

/* True if it is one of the wires of SWD, or of ISP. */
bool board_wire_of(enum board_wire wire, bool swd);

/* "RESET", as on headers. */
const char *board_wire_name(enum board_wire wire);

/* Where a wire begins, for a sentence: "pin 10 (PB6) of the Arduino Uno", "pin 1 of the 6-pin ISP
 * header, pin 9 of the 10-pin ISP header". `b` may be NULL: the board is not known, the ISP headers
 * are meant. Returns `out`. */
const char *board_wire_text(const struct board_list *list, const struct board *b,
                            enum board_wire wire, char *out, size_t capacity);

#endif
