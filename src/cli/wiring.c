#include "wiring.h"

#include <string.h>

#include "wrapped.h"

enum { LABEL_SIZE = 96, GAP = 24, WRAP = 79 };

/* --- what goes where ------------------------------------------------------------------------ */

size_t wiring_headers(const struct wiring *w,
                      const struct board_header *headers[WIRING_HEADERS_MAX])
{
    static const char *const usual[] = {"isp6", "isp10", NULL};
    const char *const *ids = w->board != NULL ? w->board->headers : usual;
    size_t count = 0;
    while (ids[count] != NULL && count < WIRING_HEADERS_MAX) {
        headers[count] = board_header_find(w->boards, ids[count]);
        count++;
    }
    return count;
}

/* The data sheets of the parts with PDI and PDO (ATmega64, 128, 1281 and 2561, AT90CAN, ATmegaRF:
 * "Pin Mapping Serial Programming") have them on PE0 and PE1, and nobody else has MOSI there. */
bool wiring_by_pdi(const struct part *part)
{
    return part != NULL && part->mosi_pin != NULL && strcmp(part->mosi_pin, "PE0") == 0;
}

bool wiring_has(const struct wiring *w, enum board_wire wire)
{
    return board_wire_of(wire, w->board != NULL && w->board->swd);
}

/* STM32F1 data sheets, "Pin descriptions". */
static const char *stm32_pin(enum board_wire wire)
{
    static const char *const pins[BOARD_WIRES] = {[BOARD_VCC] = "3.3 (VDD)",
                                                  [BOARD_GND] = "G (GND)",
                                                  [BOARD_RESET] = "R (NRST)",
                                                  [BOARD_SWDIO] = "DIO (PA13)",
                                                  [BOARD_SWCLK] = "CLK (PA14)"};
    return pins[wire];
}

static const char *port_pin(const struct part *part, enum board_wire wire)
{
    switch (wire) {
    case BOARD_RESET:
        return part->reset_pin;
    case BOARD_SCK:
        return part->sck_pin;
    case BOARD_MOSI:
        return part->mosi_pin;
    case BOARD_MISO:
        return part->miso_pin;
    case BOARD_VCC:
    case BOARD_GND:
    case BOARD_SWDIO:
    case BOARD_SWCLK:
    case BOARD_WIRES:
        break;
    }
    return NULL;
}

const char *wiring_chip_pin(const struct wiring *w, enum board_wire wire, char out[WIRING_PIN_SIZE])
{
    const char *name = board_wire_name(wire);
    if (w->part != NULL && w->part->family == PART_STM32F1 && stm32_pin(wire) != NULL) {
        (void)snprintf(out, WIRING_PIN_SIZE, "%s", stm32_pin(wire));
        return out;
    }
    const char *pin = w->part != NULL ? port_pin(w->part, wire) : NULL;
    const bool pdi = wiring_by_pdi(w->part);
    const char *function = wire == BOARD_RESET         ? name
                           : pdi && wire == BOARD_MOSI ? "PDI"
                           : pdi && wire == BOARD_MISO ? "PDO"
                                                       : NULL;
    if (pin == NULL || strcmp(pin, name) == 0)
        (void)snprintf(out, WIRING_PIN_SIZE, "%s", name);
    else if (function == NULL)
        (void)snprintf(out, WIRING_PIN_SIZE, "%s", pin);
    else
        (void)snprintf(out, WIRING_PIN_SIZE, "%s (%s)", pin, function);
    return out;
}

/* "10 (PB6)"; "pin 9 (10-pin), pin 1 (6-pin)". */
static void board_label(const struct wiring *w, enum board_wire wire, char out[LABEL_SIZE])
{
    const struct board_header *headers[WIRING_HEADERS_MAX];
    const size_t count = wiring_headers(w, headers);
    size_t used = 0;
    (void)snprintf(out, LABEL_SIZE, "%s", "not connected");
    if (w->board != NULL && w->board->pins[wire] != NULL) {
        (void)snprintf(out, LABEL_SIZE, "%s", w->board->pins[wire]);
        return;
    }
    for (size_t i = 0; i < count && used < LABEL_SIZE; i++) {
        const unsigned pin = board_header_pin(headers[i], board_wire_name(wire));
        used +=
            (size_t)snprintf(out + used, LABEL_SIZE - used, "%spin %u (%.*s)", used > 0 ? ", " : "",
                             pin, (int)strcspn(headers[i]->name, " "), headers[i]->name);
    }
}

/* --- the drawing ---------------------------------------------------------------------------- */

struct pencil {
    const char *across, *down, *top_left, *top_right, *bottom_left, *bottom_right;
    const char *wire_out, *wire_in; /* of a box's side */
};

static const struct pencil ascii = {"-", "|", "+", "+", "+", "+", "+", "+"};
static const struct pencil boxes = {"\xe2\x94\x80", "\xe2\x94\x82", "\xe2\x94\x8c", "\xe2\x94\x90",
                                    "\xe2\x94\x94", "\xe2\x94\x98", "\xe2\x94\x9c", "\xe2\x94\xa4"};

static void repeat(FILE *out, const char *text, size_t count)
{
    while (count-- > 0)
        (void)fputs(text, out);
}

/* The upper or lower edge of both boxes; the widths are those of the labels. */
static void draw_edge(FILE *out, const struct pencil *p, size_t left, size_t right, bool top)
{
    const char *from = top ? p->top_left : p->bottom_left;
    const char *to = top ? p->top_right : p->bottom_right;
    (void)fputs(from, out);
    repeat(out, p->across, left + 2);
    (void)fprintf(out, "%s%*s%s", to, GAP, "", from);
    repeat(out, p->across, right + 2);
    (void)fprintf(out, "%s\n", to);
}

/* "--------> RESET", both ends of the wire; data flow into the chip, but on MISO. */
static void draw_wire(FILE *out, const struct pencil *p, enum board_wire wire, bool connected)
{
    const char *name = board_wire_name(wire);
    const size_t length = strlen(name) + 2;
    const size_t before = (GAP - length) / 2, after = GAP - length - before;
    const bool signal = wire != BOARD_VCC && wire != BOARD_GND;
    const char *line = connected ? p->across : " ";
    const char *in = !connected ? " " : signal && wire == BOARD_MISO ? "<" : line;
    const char *out_end = !connected ? " " : signal && wire != BOARD_MISO ? ">" : line;
    (void)fputs(in, out);
    repeat(out, line, before - 1);
    (void)fprintf(out, " %s ", name);
    repeat(out, line, after - 1);
    (void)fputs(out_end, out);
}

static void draw_boxes(FILE *out, const struct wiring *w, const struct pencil *p)
{
    char labels[BOARD_WIRES][LABEL_SIZE], pins[BOARD_WIRES][WIRING_PIN_SIZE];
    size_t left = 0, right = 0;
    for (enum board_wire wire = 0; wire < BOARD_WIRES; wire++) {
        if (!wiring_has(w, wire))
            continue;
        board_label(w, wire, labels[wire]);
        const size_t label = strlen(labels[wire]);
        const size_t pin = strlen(wiring_chip_pin(w, wire, pins[wire]));
        left = label > left ? label : left;
        right = pin > right ? pin : right;
    }
    const char *board = w->board != NULL ? w->board->name : "programmer with an ISP header";
    const size_t width = left + 4 + GAP;
    (void)fprintf(out, "%-*s%s%s\n", (int)width, board, strlen(board) < width ? "" : "  ",
                  w->part != NULL ? w->part->name : "chip");
    draw_edge(out, p, left, right, true);
    for (enum board_wire wire = 0; wire < BOARD_WIRES; wire++) {
        if (!wiring_has(w, wire))
            continue;
        const bool connected = strcmp(labels[wire], "not connected") != 0;
        (void)fprintf(out, "%s %*s %s", p->down, (int)left, labels[wire],
                      connected ? p->wire_out : p->down);
        draw_wire(out, p, wire, connected);
        (void)fprintf(out, "%s %-*s %s\n", connected ? p->wire_in : p->down, (int)right, pins[wire],
                      p->down);
    }
    draw_edge(out, p, left, right, false);
}

/* "  MISO  1 o o 2  VCC", for headers of two columns. */
static void draw_header(FILE *out, const struct board_header *header)
{
    (void)fprintf(out, "\n%s, from above; pin 1 is marked:\n", header->name);
    for (size_t i = 0; i + 1 < header->pin_count; i += 2)
        (void)fprintf(out, "%8s %2zu o o %-2zu %s\n",
                      header->pins[i] != NULL ? header->pins[i] : "-", i + 1, i + 2,
                      header->pins[i + 1] != NULL ? header->pins[i + 1] : "-");
}

/* A sentence with a mark before it. */
static void put_note(FILE *out, const char *mark, const char *text)
{
    (void)fputs(mark, out);
    put_wrapped(out, text, strlen(mark), WRAP);
}

static void draw_notes(FILE *out, const struct wiring *w)
{
    const struct board *board = w->board;
    (void)fputc('\n', out);
    if (board != NULL && board->pins[BOARD_GND] != NULL && board->pins[BOARD_VCC] == NULL)
        put_note(out, "- ", "The chip has a supply of its own, of the adapter's signal voltage.");
    for (size_t i = 0; board != NULL && board->warnings[i] != NULL; i++)
        put_note(out, "! ", board->warnings[i]);
    if (wiring_by_pdi(w->part))
        put_note(out, "! ",
                 "This chip is programmed through PDI and PDO, not through the pins that are MOSI "
                 "and MISO of its SPI.");
    if (w->part == NULL)
        put_note(out, "- ", "-p PART names the pins of the chip.");
    else if (w->part->sck_pin == NULL && w->part->family == PART_AVR_ISP)
        put_note(out, "- ", "The pins of this chip are not known here: see its data sheet.");
    if (w->part != NULL && w->part->reset_active_high)
        put_note(out, "! ", "RESET of this chip is active high: few programmers can do that.");
    if (board != NULL && board->swd)
        put_note(out, "- ",
                 "DIO and CLK of a board's SWD header are SWDIO and SWCLK, and BOOT0 stays at 0.");
    else
        put_note(out, "- ", "Like goes to like, MISO to MISO; nothing else may drive these pins.");
}

void wiring_draw(FILE *out, const struct wiring *w, bool utf8)
{
    const struct board_header *headers[WIRING_HEADERS_MAX];
    const size_t count = wiring_headers(w, headers);
    draw_boxes(out, w, utf8 ? &boxes : &ascii);
    for (size_t i = 0; i < count; i++)
        draw_header(out, headers[i]);
    draw_notes(out, w);
}
