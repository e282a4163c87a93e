/* FTDI adapters as boards: the pins are in the settings of their entries in programmers.ini. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boards.h"

enum { PIN_TEXT_SIZE = 16 };

/* The pins of a chip in UART mode, by the number of the data bit (FT232R data sheet, "Bit Bang
 * Mode Options"). */
static const char *const signals[] = {"TXD", "RXD", "RTS", "CTS", "DTR", "DSR", "DCD", "RI"};

/* The wires of the MPSSE engine (FTDI AN_108): TCK/SK, TDI/DO, TDO/DI. */
static const int engine_pins[BOARD_WIRES] = {
    [BOARD_SCK] = 0, [BOARD_MOSI] = 1, [BOARD_MISO] = 2, [BOARD_RESET] = -1};

/* The number in "sck=0", "reset=~4"; -1: none. */
static int pin_of(const struct programmer_entry *entry, enum board_wire wire)
{
    static const char *const keys[BOARD_WIRES] = {
        [BOARD_RESET] = "reset", [BOARD_SCK] = "sck", [BOARD_MOSI] = "mosi", [BOARD_MISO] = "miso"};
    char text[8];
    if (!programmer_entry_setting(entry, keys[wire], text, sizeof text))
        return -1;
    const char *number = text[0] == '~' ? text + 1 : text;
    char *end = NULL;
    const long pin = strtol(number, &end, 10);
    return end != number && *end == '\0' && pin >= 0 && pin < 16 ? (int)pin : -1;
}

/* "AD3", "AC0", "TXD (D0)"; empty: there is none. */
static void pin_text(const struct programmer_entry *entry, enum board_wire wire,
                     char out[PIN_TEXT_SIZE])
{
    const bool mpsse = strcmp(entry->driver, "mpsse") == 0;
    const int pin = mpsse && wire != BOARD_RESET ? engine_pins[wire] : pin_of(entry, wire);
    char channel[4] = "A";
    (void)programmer_entry_setting(entry, "channel", channel, sizeof channel);
    out[0] = '\0';
    if (mpsse && pin >= 0 && pin < 16)
        (void)snprintf(out, PIN_TEXT_SIZE, "%c%c%d", channel[0], pin < 8 ? 'D' : 'C', pin % 8);
    else if (!mpsse && pin >= 0 && pin < 8)
        (void)snprintf(out, PIN_TEXT_SIZE, "%s (D%d)", signals[pin], pin);
}

static enum status add(struct board_list *list, const struct programmer_entry *entry,
                       struct error *e)
{
    static const struct usb_id none = {0};
    struct board *board;
    TRY(boards_add(list, entry->id, &board, e));
    TRY(boards_words(list, entry->id, &board->programmers, e));
    TRY(boards_words(list, "", &board->headers, e));
    TRY(boards_words(list, "", &board->warnings, e));
    board->name = arena_text(&list->arena, entry->summary, strlen(entry->summary));
    board->pins[BOARD_GND] = "GND";
    board->usb = &none;
    board->source = "programmers.ini";
    bool complete = board->name != NULL;
    for (enum board_wire wire = BOARD_RESET; wire <= BOARD_MISO && complete; wire++) {
        char text[PIN_TEXT_SIZE];
        pin_text(entry, wire, text);
        board->pins[wire] = arena_text(&list->arena, text, strlen(text));
        complete = board->pins[wire] != NULL;
    }
    return complete ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "out of memory for the boards");
}

enum status boards_add_ftdi(struct board_list *list, const struct programmer_entry *entries,
                            struct error *e)
{
    const size_t own = list->count;
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        bool there = entry->driver == NULL ||
                     (strcmp(entry->driver, "mpsse") != 0 && strcmp(entry->driver, "bitbang") != 0);
        for (size_t i = 0; i < own && !there; i++)
            there = board_serves(&list->boards[i], entry->id);
        if (!there)
            TRY(add(list, entry, e));
    }
    return STATUS_OK;
}
