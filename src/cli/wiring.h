/* How a board is wired to a chip, for `ispflash wiring`: as a drawing and as JSON. */
#ifndef CLI_WIRING_H
#define CLI_WIRING_H

#include <stdbool.h>
#include <stdio.h>

#include "ispflash/part.h"
#include "programmer/board.h"

struct wiring {
    const struct board_list *boards;
    const struct board *board; /* NULL: any programmer with an ISP header */
    const struct part *part;   /* NULL: any chip */
};

enum { WIRING_HEADERS_MAX = 4, WIRING_PIN_SIZE = 24 };

/* The board's headers, or the usual ones of ISP where there is no board; returns how many. */
size_t wiring_headers(const struct wiring *w,
                      const struct board_header *headers[WIRING_HEADERS_MAX]);
/* The chip's pin, into `out`: "PB1", "PC6 (RESET)", "PE0 (PDI)"; a name like "SCK" where it is not
 * known. */
const char *wiring_chip_pin(const struct wiring *w, enum board_wire wire,
                            char out[WIRING_PIN_SIZE]);
/* True if this wire is there: those of ISP, or of SWD. */
bool wiring_has(const struct wiring *w, enum board_wire wire);
/* True if the chip is programmed through PDI and PDO. */
bool wiring_by_pdi(const struct part *part);

/* `utf8`: lines may be drawn with box characters. */
void wiring_draw(FILE *out, const struct wiring *w, bool utf8);
void wiring_json(FILE *out, const struct wiring *w);

void board_json(FILE *out, const struct board *board);

#endif
