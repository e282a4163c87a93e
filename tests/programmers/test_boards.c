/* The boards: the built-in data against the programmers, look-up, and what the reader refuses. */
#include <stdio.h>
#include <string.h>

#include "programmer/board.h"
#include "programmer/usb_ids.h"
#include "support/test.h"

struct data {
    struct programmer_entry *entries;
    struct board_list *boards;
};

static int open_data(void **state)
{
    static struct data data;
    struct error e = {0};
    if (programmer_entries(&data.entries, &e) != STATUS_OK ||
        boards_open(data.entries, &data.boards, &e) != STATUS_OK) {
        print_error("%s\n", e.text);
        return -1;
    }
    *state = &data;
    return 0;
}

static int close_data(void **state)
{
    struct data *data = *state;
    boards_close(data->boards);
    programmer_entries_free(data->entries);
    return 0;
}

static const struct board *named(const struct data *data, const char *id)
{
    const struct board *board = NULL;
    struct error e = {0};
    if (board_find(data->boards, id, &board, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return board;
}

/* --- the built-in data ----------------------------------------------------------------------- */

static const struct programmer_entry *entry_of(const struct data *data, const char *id)
{
    for (const struct programmer_entry *entry = data->entries; entry->id != NULL; entry++)
        if (strcmp(entry->id, id) == 0)
            return entry;
    return NULL;
}

static void every_programmer_of_a_board_is_one_that_ispflash_drives(void **state)
{
    const struct data *data = *state;
    for (size_t i = 0; i < board_count(data->boards); i++) {
        const struct board *board = board_at(data->boards, i);
        assert_non_null(board->programmers[0]);
        for (const char *const *id = board->programmers; *id != NULL; id++) {
            const struct programmer_entry *entry = entry_of(data, *id);
            if (entry == NULL || entry->driver == NULL)
                fail_msg("%s: there is no programmer %s", board->id, *id);
        }
    }
}

static void every_board_says_where_each_signal_is(void **state)
{
    const struct data *data = *state;
    for (size_t i = 0; i < board_count(data->boards); i++) {
        const struct board *board = board_at(data->boards, i);
        for (enum board_wire wire = BOARD_GND; wire < BOARD_WIRES; wire++) {
            char text[160];
            if (!board_wire_of(wire, board->swd))
                continue;
            (void)board_wire_text(data->boards, board, wire, text, sizeof text);
            if (strncmp(text, "pin ", 4) != 0)
                fail_msg("%s: no %s", board->id, board_wire_name(wire));
        }
    }
}

static void no_two_wires_go_to_one_pin(void **state)
{
    const struct data *data = *state;
    for (size_t i = 0; i < board_count(data->boards); i++) {
        const struct board *b = board_at(data->boards, i);
        for (int wire = 0; wire < BOARD_WIRES; wire++)
            for (int other = 0; other < wire; other++)
                if (b->pins[wire] != NULL && b->pins[other] != NULL &&
                    strcmp(b->pins[wire], b->pins[other]) == 0)
                    fail_msg("%s: two wires on %s", b->id, b->pins[wire]);
    }
}

static void the_headers_are_those_of_the_application_note(void **state)
{
    /* Atmel AVR042, "Connecting the ISP header" */
    static const char *const six[] = {"MISO", "VCC", "SCK", "MOSI", "RESET", "GND"};
    static const unsigned ten[] = {[BOARD_VCC] = 2, [BOARD_GND] = 4,  [BOARD_RESET] = 5,
                                   [BOARD_SCK] = 7, [BOARD_MOSI] = 1, [BOARD_MISO] = 9};
    const struct data *data = *state;
    const struct board_header *isp6 = board_header_find(data->boards, "isp6");
    const struct board_header *isp10 = board_header_find(data->boards, "isp10");
    assert_int_equal(isp6->pin_count, 6);
    assert_int_equal(isp10->pin_count, 10);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(board_header_pin(isp6, six[i]), i + 1);
    for (enum board_wire wire = 0; wire <= BOARD_MISO; wire++)
        assert_int_equal(board_header_pin(isp10, board_wire_name(wire)), ten[wire]);
    assert_null(board_header_find(data->boards, "isp8"));
}

static void ftdi_adapters_have_the_pins_of_their_settings(void **state)
{
    const struct data *data = *state;
    assert_string_equal(named(data, "ft232h")->pins[BOARD_SCK], "AD0");
    assert_string_equal(named(data, "ft232h")->pins[BOARD_RESET], "AD3");
    assert_string_equal(named(data, "tigard")->pins[BOARD_MISO], "BD2");
    assert_string_equal(named(data, "ktlink")->pins[BOARD_RESET], "AC0");
    assert_string_equal(named(data, "ft232r")->pins[BOARD_RESET], "DTR (D4)");
    assert_string_equal(named(data, "arduino-ft232r")->pins[BOARD_SCK], "DSR (D5)");
    assert_string_equal(named(data, "c232hm")->pins[BOARD_RESET], "brown");
    assert_null(named(data, "ft232h")->pins[BOARD_VCC]);
}

/* --- look-up --------------------------------------------------------------------------------- */

static void a_board_is_known_by_its_programmer_and_usb_id(void **state)
{
    const struct data *data = *state;
    assert_ptr_equal(board_of(data->boards, "usbasp", 0, 0), named(data, "usbasp"));
    assert_ptr_equal(board_of(data->boards, "avrisp", 0x2341, 0x0043), named(data, "uno"));
    assert_ptr_equal(board_of(data->boards, "avrisp", 0x1b4f, 0x9205), named(data, "promicro"));
    assert_null(board_of(data->boards, "avrisp", 0, 0));
    assert_null(board_of(data->boards, "avrisp", 0x1234, 0x5678));
    assert_null(board_of(data->boards, "sim", 0, 0));
}

static void names_may_be_shortened_and_wrong_ones_are_answered(void **state)
{
    const struct data *data = *state;
    const struct board *board = NULL;
    struct error e = {0};
    assert_ptr_equal(named(data, "PROM"), named(data, "promicro"));
    assert_int_equal(board_find(data->boards, "usb", &board, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "usbasp   USBasp"));
    e = (struct error){0};
    assert_int_equal(board_find(data->boards, "promcro", &board, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "promicro"));
    assert_null(board);
}

static void a_wire_is_told_by_the_board_or_by_the_headers(void **state)
{
    const struct data *data = *state;
    char text[160];
    assert_string_equal(
        board_wire_text(data->boards, named(data, "promicro"), BOARD_RESET, text, sizeof text),
        "pin 10 (PB6) of the SparkFun Pro Micro");
    assert_string_equal(
        board_wire_text(data->boards, named(data, "usbasp"), BOARD_MISO, text, sizeof text),
        "pin 9 of the 10-pin ISP header, pin 1 of the 6-pin ISP header");
    assert_string_equal(board_wire_text(data->boards, NULL, BOARD_RESET, text, sizeof text),
                        "pin 5 of the 6-pin ISP header, pin 5 of the 10-pin ISP header");
    assert_string_equal(board_wire_text(data->boards, NULL, BOARD_RESET, text, 8), "pin 5 o");
    assert_string_equal(
        board_wire_text(data->boards, named(data, "ft232h"), BOARD_VCC, text, sizeof text), "");
}

/* --- the reader ------------------------------------------------------------------------------ */

#define HEADERS                                                 \
    "[header isp6]\nname = six\ncolumns = 2\npins = MISO VCC\n" \
    "[header isp10]\nname = ten\ncolumns = 2\npins = MOSI -\n"
#define BOARD "[b]\nname = B\nprogrammers = sim\nsource = s\n"

static void what_is_wrong_in_the_data_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {HEADERS BOARD, "test: [b] lacks pins"},
        {HEADERS BOARD "vcc = 1\n", "test: [b] lacks pins"},
        {HEADERS BOARD "vcc = 1\ngnd = 2\nreset = 3\nswdio = 4\n", "test: [b] lacks pins"},
        {HEADERS BOARD "vcc = 1\ngnd = 2\nreset = 3\nswdio = 4\nswclk = 5\nsck = 6\n",
         "test: [b] lacks pins"},
        {HEADERS BOARD "headers = isp8\n", "no [header isp8] above"},
        {HEADERS BOARD "headers = isp6\nheaders = isp6\n", "test:14: headers: double key"},
        {HEADERS BOARD "name = C\n", "name: double key"},
        {HEADERS BOARD "reset = a\nreset = b\n", "reset: double key"},
        {HEADERS BOARD "usb = 1:2\n", "\"1:2\" is no USB id"},
        {HEADERS BOARD "usb = 1234:56789\n", "is no USB id"},
        {HEADERS BOARD "pin = 3\n", "pin: unknown key"},
        {HEADERS BOARD "warning =\n", "warning: no value"},
        {HEADERS BOARD "headers = isp6\n" BOARD, "double section [b]"},
        {HEADERS "[b]\nname = B\n", "lacks name, programmers or source"},
        {HEADERS HEADERS, "double section [header isp6]"},
        {"[header isp6]\nname = six\ncolumns = 2\npins = MISO\n", "[header isp6] is not complete"},
        {"[header isp6]\nname = six\n", "[header isp6] is not complete"},
        {"[header isp6]\ncolumns = two\n", "\"two\" is no number"},
        {"[header isp6]\ncolumns = 2\ncolumns = 2\n", "columns: double key"},
        {"[header isp6]\ncolor = red\n", "color: unknown key"},
        {"", "no [header isp6]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct board_list *list = NULL;
        struct error e = {0};
        assert_int_equal(boards_read("test", cases[i].text, &list, &e), STATUS_INTERNAL);
        if (strstr(e.text, cases[i].told) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].told, e.text);
        assert_null(list);
    }
}

static void usb_ids_are_read_strictly(void **state)
{
    static const struct {
        const char *settings;
        bool good;
    } cases[] = {
        {"usb=16c0:05dc", true},
        {"a=b usb=16c0:05dc,03EB:c7b4 c=d", true},
        {"usb=16c0:05d", false},
        {"usb=16c0:05dc,", false},
        {"usb=16c0:05dc;1", false},
        {"usb=16c0-05dc", false},
        {"usb=", false},
        {"bus=16c0:05dc", false},
        {"usb=16c0:05dcc", false},
        {NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct programmer_entry entry = {.id = "x", .settings = cases[i].settings};
        struct usb_id ids[USB_IDS_MAX + 1];
        assert_int_equal(programmer_usb_ids(&entry, ids), cases[i].good);
        if (cases[i].good)
            assert_int_equal(ids[0].vendor, 0x16c0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_programmer_of_a_board_is_one_that_ispflash_drives),
        cmocka_unit_test(every_board_says_where_each_signal_is),
        cmocka_unit_test(no_two_wires_go_to_one_pin),
        cmocka_unit_test(the_headers_are_those_of_the_application_note),
        cmocka_unit_test(ftdi_adapters_have_the_pins_of_their_settings),
        cmocka_unit_test(a_board_is_known_by_its_programmer_and_usb_id),
        cmocka_unit_test(names_may_be_shortened_and_wrong_ones_are_answered),
        cmocka_unit_test(a_wire_is_told_by_the_board_or_by_the_headers),
        cmocka_unit_test(what_is_wrong_in_the_data_is_told_with_its_line),
        cmocka_unit_test(usb_ids_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, open_data, close_data);
}
