/* Wirings and boards for programs. */
#include <string.h>

#include "json_sink.h"
#include "wiring.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (; *list != NULL; list++)
        (void)json_array_append_new(array, json_text(*list));
    return array;
}

static json_t *wire_object(const struct wiring *w, enum board_wire wire)
{
    const struct board_header *headers[WIRING_HEADERS_MAX];
    const size_t count = wiring_headers(w, headers);
    json_t *o = json_object(), *pins = json_array();
    char chip_pin[WIRING_PIN_SIZE];
    for (size_t i = 0; i < count; i++) {
        json_t *pin = json_object();
        set(pin, "header", json_text(headers[i]->id));
        set(pin, "pin", json_integer(board_header_pin(headers[i], board_wire_name(wire))));
        (void)json_array_append_new(pins, pin);
    }
    set(o, "wire", json_text(board_wire_name(wire)));
    set(o, "board_pin", json_text(w->board != NULL ? w->board->pins[wire] : NULL));
    set(o, "header_pins", pins);
    set(o, "chip_pin", json_text(wiring_chip_pin(w, wire, chip_pin)));
    return o;
}

void wiring_json(FILE *out, const struct wiring *w)
{
    static const char *const none[] = {NULL};
    json_t *o = json_begin("wiring"), *wires = json_array();
    for (enum board_wire wire = 0; wire < BOARD_WIRES; wire++)
        if (wiring_has(w, wire))
            (void)json_array_append_new(wires, wire_object(w, wire));
    set(o, "board", json_text(w->board != NULL ? w->board->id : NULL));
    set(o, "name", json_text(w->board != NULL ? w->board->name : NULL));
    set(o, "part", json_text(w->part != NULL ? w->part->name : NULL));
    set(o, "wires", wires);
    set(o, "pdi", json_boolean(wiring_by_pdi(w->part)));
    set(o, "warnings", texts(w->board != NULL ? w->board->warnings : none));
    json_line(out, o);
}

void board_json(FILE *out, const struct board *board)
{
    json_t *o = json_begin("board"), *usb = json_array();
    for (const struct usb_id *id = board->usb; id->vendor != 0; id++) {
        char text[10];
        (void)snprintf(text, sizeof text, "%04x:%04x", id->vendor, id->product);
        (void)json_array_append_new(usb, json_text(text));
    }
    set(o, "id", json_text(board->id));
    set(o, "name", json_text(board->name));
    set(o, "programmers", texts(board->programmers));
    set(o, "usb", usb);
    set(o, "headers", texts(board->headers));
    set(o, "source", json_text(board->source));
    json_line(out, o);
}
