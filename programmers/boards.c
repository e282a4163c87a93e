/* Boards: from the text of boards.ini, which describes its form, to a list, and what is asked of
 * it. */
#include "boards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/embed.h"
#include "core/ini.h"
#include "core/nearest.h"
#include "programmer/usb_ids.h"

extern const struct embedded_file board_files[];

enum { WORDS_MAX = 24 };

struct reader {
    struct board_list *list;
    struct board *board;         /* of the section being read, or */
    struct board_header *header; /* NULL both: before the first */
    unsigned pins_given;         /* bit n: pins[n] of the board */
};

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory for the boards");
}

/* --- values ---------------------------------------------------------------------------------- */

static enum status keep_text(struct board_list *list, const char *value, const char **out,
                             struct error *e)
{
    if (*out != NULL)
        return error_set(e, STATUS_INTERNAL, "double key");
    *out = arena_text(&list->arena, value, strlen(value));
    return *out != NULL ? STATUS_OK : no_memory(e);
}

enum status boards_words(struct board_list *list, const char *text, const char *const **out,
                         struct error *e)
{
    const char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        const size_t length = strcspn(text, " ");
        if (count == WORDS_MAX)
            return error_set(e, STATUS_INTERNAL, "more than %d words", WORDS_MAX);
        words[count] = arena_text(&list->arena, text, length);
        if (words[count++] == NULL)
            return no_memory(e);
        text += length;
    }
    const char **copy = arena_alloc(&list->arena, (count + 1) * sizeof *copy);
    if (copy == NULL)
        return no_memory(e);
    memcpy(copy, words, (count + 1) * sizeof *copy);
    *out = copy;
    return STATUS_OK;
}

static enum status keep_words(struct board_list *list, const char *value, const char *const **out,
                              struct error *e)
{
    if (*out != NULL)
        return error_set(e, STATUS_INTERNAL, "double key");
    return boards_words(list, value, out, e);
}

static enum status keep_usb(struct board_list *list, const char *value, const struct usb_id **out,
                            struct error *e)
{
    const char *const *words = NULL;
    size_t count = 0;
    if (*out != NULL)
        return error_set(e, STATUS_INTERNAL, "double key");
    TRY(boards_words(list, value, &words, e));
    while (words[count] != NULL)
        count++;
    struct usb_id *ids = arena_alloc(&list->arena, (count + 1) * sizeof *ids);
    if (ids == NULL)
        return no_memory(e);
    for (size_t i = 0; i < count; i++) {
        const char *rest = usb_id_read(words[i], &ids[i]);
        if (rest == NULL || *rest != '\0')
            return error_set(e, STATUS_INTERNAL, "\"%s\" is no USB id like 2341:0043", words[i]);
    }
    *out = ids;
    return STATUS_OK;
}

/* One more sentence; the list is made anew. */
static enum status keep_warning(struct board_list *list, const char *value, struct board *board,
                                struct error *e)
{
    size_t count = 0;
    while (board->warnings != NULL && board->warnings[count] != NULL)
        count++;
    const char **all = arena_alloc(&list->arena, (count + 2) * sizeof *all);
    if (all == NULL)
        return no_memory(e);
    for (size_t i = 0; i < count; i++)
        all[i] = board->warnings[i];
    all[count] = arena_text(&list->arena, value, strlen(value));
    board->warnings = all;
    return all[count] != NULL ? STATUS_OK : no_memory(e);
}

/* --- sections -------------------------------------------------------------------------------- */

static enum status take_board_key(struct reader *r, const char *key, const char *value,
                                  struct error *e)
{
    static const char *const wires[BOARD_WIRES] = {"vcc",  "gnd",  "reset", "sck",
                                                   "mosi", "miso", "swdio", "swclk"};
    struct board *board = r->board;
    if (strcmp(key, "name") == 0)
        return keep_text(r->list, value, &board->name, e);
    if (strcmp(key, "source") == 0)
        return keep_text(r->list, value, &board->source, e);
    if (strcmp(key, "programmers") == 0)
        return keep_words(r->list, value, &board->programmers, e);
    if (strcmp(key, "headers") == 0)
        return keep_words(r->list, value, &board->headers, e);
    if (strcmp(key, "usb") == 0)
        return keep_usb(r->list, value, &board->usb, e);
    if (strcmp(key, "warning") == 0)
        return keep_warning(r->list, value, board, e);
    for (unsigned i = 0; i < BOARD_WIRES; i++) {
        if (strcmp(key, wires[i]) != 0)
            continue;
        r->pins_given |= 1u << i;
        return strcmp(value, "-") == 0 ? STATUS_OK : keep_text(r->list, value, &board->pins[i], e);
    }
    return error_set(e, STATUS_INTERNAL, "unknown key");
}

static enum status take_header_pins(struct board_list *list, const char *value,
                                    struct board_header *header, struct error *e)
{
    const char *const *words = NULL;
    TRY(keep_words(list, value, &header->pins, e));
    words = header->pins;
    const char **pins = arena_alloc(&list->arena, (WORDS_MAX + 1) * sizeof *pins);
    if (pins == NULL)
        return no_memory(e);
    for (; words[header->pin_count] != NULL; header->pin_count++)
        pins[header->pin_count] =
            strcmp(words[header->pin_count], "-") == 0 ? NULL : words[header->pin_count];
    header->pins = pins;
    return STATUS_OK;
}

static enum status take_header_key(struct reader *r, const char *key, const char *value,
                                   struct error *e)
{
    struct board_header *header = r->header;
    if (strcmp(key, "name") == 0)
        return keep_text(r->list, value, &header->name, e);
    if (strcmp(key, "pins") == 0)
        return take_header_pins(r->list, value, header, e);
    if (strcmp(key, "columns") != 0)
        return error_set(e, STATUS_INTERNAL, "unknown key");
    if (header->columns != 0)
        return error_set(e, STATUS_INTERNAL, "double key");
    if (value[0] < '1' || value[0] > '9' || value[1] != '\0')
        return error_set(e, STATUS_INTERNAL, "\"%s\" is no number from 1 to 9", value);
    header->columns = (unsigned)(value[0] - '0');
    return STATUS_OK;
}

static enum status take_key(void *user, const char *key, const char *value, struct error *e)
{
    struct reader *r = user;
    enum status status;
    if (value[0] == '\0')
        status = error_set(e, STATUS_INTERNAL, "no value");
    else if (r->board != NULL)
        status = take_board_key(r, key, value, e);
    else
        status = take_header_key(r, key, value, e);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "%s", key);
}

static enum status check_headers(const struct board_list *list, const struct board *board,
                                 struct error *e)
{
    for (const char *const *id = board->headers; *id != NULL; id++)
        if (board_header_find(list, *id) == NULL)
            return error_set(e, STATUS_INTERNAL, "[%s]: no [header %s] above", board->id, *id);
    return STATUS_OK;
}

/* A bit each wire. */
static unsigned wires_of(bool swd)
{
    unsigned wires = 0;
    for (unsigned wire = 0; wire < BOARD_WIRES; wire++)
        wires |= board_wire_of((enum board_wire)wire, swd) ? 1u << wire : 0u;
    return wires;
}

/* What shows only when a section is complete; what may be left out is then there, empty. */
static enum status finish_section(struct reader *r, struct error *e)
{
    static const struct usb_id no_ids = {0};
    struct board *board = r->board;
    const struct board_header *header = r->header;
    if (header != NULL && (header->name == NULL || header->columns == 0 || header->pins == NULL ||
                           header->pin_count % header->columns != 0))
        return error_set(e, STATUS_INTERNAL, "[header %s] is not complete", header->id);
    if (board == NULL)
        return STATUS_OK;
    board->swd = (r->pins_given & 1u << BOARD_SWDIO) != 0;
    const bool all_pins = r->pins_given == wires_of(board->swd);
    if (board->name == NULL || board->source == NULL || board->programmers == NULL)
        return error_set(e, STATUS_INTERNAL, "[%s] lacks name, programmers or source", board->id);
    if (!all_pins && (r->pins_given != 0 || board->headers == NULL))
        return error_set(e, STATUS_INTERNAL, "[%s] lacks pins", board->id);
    if (board->usb == NULL)
        board->usb = &no_ids;
    if (board->headers == NULL)
        TRY(boards_words(r->list, "", &board->headers, e));
    if (board->warnings == NULL)
        TRY(boards_words(r->list, "", &board->warnings, e));
    return check_headers(r->list, board, e);
}

static enum status add_header(struct board_list *list, const char *id, struct board_header **out,
                              struct error *e)
{
    if (board_header_find(list, id) != NULL)
        return error_set(e, STATUS_INTERNAL, "double section [header %s]", id);
    struct board_header *headers =
        realloc(list->headers, (list->header_count + 1) * sizeof *headers);
    if (headers == NULL)
        return no_memory(e);
    list->headers = headers;
    *out = &headers[list->header_count++];
    **out = (struct board_header){.id = arena_text(&list->arena, id, strlen(id))};
    return (*out)->id != NULL ? STATUS_OK : no_memory(e);
}

enum status boards_add(struct board_list *list, const char *id, struct board **out, struct error *e)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->boards[i].id, id) == 0)
            return error_set(e, STATUS_INTERNAL, "double section [%s]", id);
    struct board *boards = realloc(list->boards, (list->count + 1) * sizeof *boards);
    if (boards == NULL)
        return no_memory(e);
    list->boards = boards;
    *out = &boards[list->count++];
    **out = (struct board){.id = arena_text(&list->arena, id, strlen(id))};
    return (*out)->id != NULL ? STATUS_OK : no_memory(e);
}

static enum status take_section(void *user, const char *name, struct error *e)
{
    static const char prefix[] = "header ";
    struct reader *r = user;
    TRY(finish_section(r, e));
    r->board = NULL;
    r->header = NULL;
    r->pins_given = 0;
    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        return add_header(r->list, name + sizeof prefix - 1, &r->header, e);
    return boards_add(r->list, name, &r->board, e);
}

static int compare_ids(const void *a, const void *b)
{
    const struct board *one = a, *other = b;
    return strcmp(one->id, other->id);
}

static void sort(struct board_list *list)
{
    if (list->count > 0)
        qsort(list->boards, list->count, sizeof *list->boards, compare_ids);
}

static enum status read_list(const char *name, const char *text, struct board_list *list,
                             struct error *e)
{
    static const struct ini_handler handler = {.section = take_section, .key = take_key};
    struct reader r = {.list = list};
    TRY(ini_read(name, text, STATUS_INTERNAL, &handler, &r, e));
    if (finish_section(&r, e) != STATUS_OK)
        return error_in(e, "%s", name);
    if (board_header_find(list, "isp6") == NULL || board_header_find(list, "isp10") == NULL)
        return error_set(e, STATUS_INTERNAL, "%s: no [header isp6] or [header isp10]", name);
    sort(list);
    return STATUS_OK;
}

enum status boards_read(const char *name, const char *text, struct board_list **out,
                        struct error *e)
{
    struct board_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return no_memory(e);
    const enum status status = read_list(name, text, list, e);
    if (status != STATUS_OK) {
        boards_close(list);
        return status;
    }
    *out = list;
    return STATUS_OK;
}

enum status boards_open(const struct programmer_entry *entries, struct board_list **out,
                        struct error *e)
{
    const struct embedded_file *file = &board_files[0];
    struct board_list *list = NULL;
    TRY(boards_read(file->name, file->data, &list, e));
    const enum status status = boards_add_ftdi(list, entries, e);
    if (status != STATUS_OK) {
        boards_close(list);
        return status;
    }
    sort(list);
    *out = list;
    return STATUS_OK;
}

void boards_close(struct board_list *list)
{
    if (list == NULL)
        return;
    free(list->boards);
    free(list->headers);
    arena_free(&list->arena);
    free(list);
}

/* --- questions ------------------------------------------------------------------------------- */

size_t board_count(const struct board_list *list)
{
    return list->count;
}

const struct board *board_at(const struct board_list *list, size_t index)
{
    return &list->boards[index];
}

static enum status unknown_board(const struct board_list *list, const char *id, struct error *e)
{
    struct nearest nearest;
    (void)error_set(e, STATUS_USAGE, "unknown board \"%s\"", id);
    nearest_begin(&nearest, id);
    for (size_t i = 0; i < list->count; i++)
        nearest_offer(&nearest, list->boards[i].id);
    nearest_hint(&nearest, e);
    return STATUS_USAGE;
}

enum status board_find(const struct board_list *list, const char *id, const struct board **out,
                       struct error *e)
{
    const struct board *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct board *board = &list->boards[i];
        if (strcasecmp(board->id, id) == 0) {
            *out = board;
            return STATUS_OK;
        }
        if (strncasecmp(board->id, id, strlen(id)) == 0 && count++ == 0)
            found = board;
    }
    if (count == 0)
        return unknown_board(list, id, e);
    if (count == 1) {
        *out = found;
        return STATUS_OK;
    }
    (void)error_set(e, STATUS_USAGE, "board \"%s\" could be one of %zu", id, count);
    for (; count > 0; found++, count--)
        error_hint(e, "%s   %s", found->id, found->name);
    return STATUS_USAGE;
}

bool board_serves(const struct board *b, const char *programmer)
{
    for (const char *const *id = b->programmers; *id != NULL; id++)
        if (strcmp(*id, programmer) == 0)
            return true;
    return false;
}

bool board_shows(const struct board *b, uint16_t vendor, uint16_t product)
{
    for (const struct usb_id *id = b->usb; id->vendor != 0; id++)
        if (id->vendor == vendor && id->product == product)
            return true;
    return false;
}

const struct board *board_of(const struct board_list *list, const char *programmer, uint16_t vendor,
                             uint16_t product)
{
    const struct board *by_id = NULL, *shown = NULL;
    size_t by_id_count = 0, shown_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct board *board = &list->boards[i];
        if (!board_serves(board, programmer))
            continue;
        by_id = board;
        by_id_count++;
        if (vendor == 0 || !board_shows(board, vendor, product))
            continue;
        shown = board;
        shown_count++;
    }
    if (shown_count == 1)
        return shown;
    return by_id_count == 1 ? by_id : NULL;
}

const struct board_header *board_header_find(const struct board_list *list, const char *id)
{
    for (size_t i = 0; i < list->header_count; i++)
        if (strcmp(list->headers[i].id, id) == 0)
            return &list->headers[i];
    return NULL;
}

unsigned board_header_pin(const struct board_header *header, const char *name)
{
    for (size_t i = 0; i < header->pin_count; i++)
        if (header->pins[i] != NULL && strcmp(header->pins[i], name) == 0)
            return (unsigned)i + 1;
    return 0;
}

bool board_wire_of(enum board_wire wire, bool swd)
{
    switch (wire) {
    case BOARD_VCC:
    case BOARD_GND:
    case BOARD_RESET:
        return true;
    case BOARD_SCK:
    case BOARD_MOSI:
    case BOARD_MISO:
        return !swd;
    case BOARD_SWDIO:
    case BOARD_SWCLK:
        return swd;
    case BOARD_WIRES:
        break;
    }
    return false;
}

const char *board_wire_name(enum board_wire wire)
{
    static const char *const names[BOARD_WIRES] = {
        [BOARD_VCC] = "VCC",     [BOARD_GND] = "GND",    [BOARD_RESET] = "RESET",
        [BOARD_SCK] = "SCK",     [BOARD_MOSI] = "MOSI",  [BOARD_MISO] = "MISO",
        [BOARD_SWDIO] = "SWDIO", [BOARD_SWCLK] = "SWCLK"};
    return names[wire];
}

const char *board_wire_text(const struct board_list *list, const struct board *b,
                            enum board_wire wire, char *out, size_t capacity)
{
    static const char *const usual[] = {"isp6", "isp10", NULL};
    size_t used = 0;
    out[0] = '\0';
    if (b != NULL && b->pins[wire] != NULL) {
        (void)snprintf(out, capacity, "pin %s of the %s", b->pins[wire], b->name);
        return out;
    }
    for (const char *const *id = b != NULL ? b->headers : usual; *id != NULL; id++) {
        const struct board_header *header = board_header_find(list, *id);
        const unsigned pin = board_header_pin(header, board_wire_name(wire));
        if (pin != 0 && used < capacity)
            used += (size_t)snprintf(out + used, capacity - used, "%spin %u of the %s",
                                     used > 0 ? ", " : "", pin, header->name);
    }
    return out;
}
