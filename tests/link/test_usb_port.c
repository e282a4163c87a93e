/* Finding ports by USB identity: the real libserialport looks at a simulated /sys (umockdev). */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include <umockdev.h>

#include "link/stream.h"
#include "support/record.h"

static const struct stream_usb_id boards[] = {{0x2341, 0x0043}, {0x1a86, 0}, {0, 0}};

/* A USB serial adapter as the kernel shows it: device, interface, tty. */
static void plug_in(UMockdevTestbed *bed, unsigned number, unsigned vendor, unsigned product,
                    const char *title, const char *serial)
{
    char text[2048];
    char serial_line[128] = "";
    if (serial != NULL)
        (void)snprintf(serial_line, sizeof serial_line, "A: serial=%s\\n\n", serial);
    (void)snprintf(text, sizeof text,
                   "P: /devices/pci0000:00/usb1/1-%u\n"
                   "N: bus/usb/001/%03u\n"
                   "E: SUBSYSTEM=usb\n"
                   "E: DEVTYPE=usb_device\n"
                   "A: busnum=1\\n\n"
                   "A: devnum=%u\\n\n"
                   "A: idVendor=%04x\\n\n"
                   "A: idProduct=%04x\\n\n"
                   "A: product=%s\\n\n"
                   "%s\n"
                   "P: /devices/pci0000:00/usb1/1-%u/1-%u:1.0\n"
                   "E: SUBSYSTEM=usb\n"
                   "E: DEVTYPE=usb_interface\n\n"
                   "P: /devices/pci0000:00/usb1/1-%u/1-%u:1.0/tty/ttyACM%u\n"
                   "N: ttyACM%u\n"
                   "E: SUBSYSTEM=tty\n"
                   "E: DEVNAME=/dev/ttyACM%u\n"
                   "A: dev=166:%u\n"
                   "L: device=../../../1-%u:1.0\n\n",
                   number + 1, number + 1, number + 1, vendor, product, title, serial_line,
                   number + 1, number + 1, number + 1, number + 1, number, number, number, number,
                   number + 1);
    GError *problem = NULL;
    if (!umockdev_testbed_add_from_string(bed, text, &problem))
        fail_msg("%s", problem->message);
}

static int set_up(void **state)
{
    *state = umockdev_testbed_new();
    assert_true(umockdev_in_mock_environment()); /* the library is preloaded */
    return 0;
}

static int tear_down(void **state)
{
    g_object_unref(*state);
    return 0;
}

static void only_board_plugged_in_is_chosen(void **state)
{
    plug_in(*state, 0, 0x2341, 0x0043, "Arduino Uno", "75630313");
    plug_in(*state, 1, 0x05ac, 0x1234, "something else", NULL);
    char port[64];
    struct error e;
    assert_int_equal(stream_find(boards, port, sizeof port, &e), STATUS_OK);
    assert_string_equal(port, "/dev/ttyACM0");
}

static void product_zero_in_the_table_fits_every_product(void **state)
{
    plug_in(*state, 3, 0x1a86, 0x7523, "USB Serial", NULL);
    char port[64];
    struct error e;
    assert_int_equal(stream_find(boards, port, sizeof port, &e), STATUS_OK);
    assert_string_equal(port, "/dev/ttyACM3");
}

static void several_boards_are_listed_and_none_is_chosen(void **state)
{
    plug_in(*state, 0, 0x2341, 0x0043, "Arduino Uno", "75630313");
    plug_in(*state, 1, 0x1a86, 0x7523, "USB Serial", NULL);
    plug_in(*state, 2, 0x05ac, 0x1234, "something else", NULL);
    char port[64] = "unchanged";
    struct error e;
    assert_int_equal(stream_find(boards, port, sizeof port, &e), STATUS_NO_DEVICE);
    assert_string_equal(port, "unchanged");
    assert_non_null(strstr(e.hint, "-P /dev/ttyACM0: 2341:0043 Arduino Uno, serial 75630313"));
    assert_non_null(strstr(e.hint, "-P /dev/ttyACM1: 1a86:7523 USB Serial"));
    assert_null(strstr(e.hint, "ttyACM2"));
}

static void without_a_known_board_all_ports_are_listed(void **state)
{
    char port[64];
    struct error e;
    assert_int_equal(stream_find(boards, port, sizeof port, &e), STATUS_NO_DEVICE);
    assert_non_null(strstr(e.hint, "no serial port"));
    plug_in(*state, 2, 0x05ac, 0x1234, "something else", NULL);
    assert_int_equal(stream_find(boards, port, sizeof port, &e), STATUS_NO_DEVICE);
    assert_non_null(strstr(e.hint, "-P /dev/ttyACM2: 05ac:1234 something else"));
}

/* Opening a port that is found goes on to fail where the simulated tty has no modem lines or is
 * taken directly; here only the choice counts. */
static void usb_names_choose_by_id_and_by_the_end_of_the_serial_number(void **state)
{
    plug_in(*state, 0, 0x2341, 0x0043, "Arduino Uno", "7563AB13");
    plug_in(*state, 1, 0x2341, 0x0043, "Arduino Uno", "7563AB14");
    struct context context;
    struct record record = record_new();
    context_init(&context, clock_system(), &record.base, NULL);
    const struct stream_options options = {.baud = 19200, .lines_alone = true};
    static const struct {
        const char *name, *port;
    } good[] = {
        {"usb:7563AB13", "/dev/ttyACM0"},     {"usb:b14", "/dev/ttyACM1"},
        {"usb:2341:0043:13", "/dev/ttyACM0"}, {"usb:2341:43:AB14", "/dev/ttyACM1"},
        {"usb:75:63ab1:4", "/dev/ttyACM1"},   {"usb:1-1", "/dev/ttyACM0"},
        {"usb:1-2", "/dev/ttyACM1"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct stream *s = NULL;
        struct error e;
        const enum status status = stream_open(good[i].name, &options, &context, &s, &e);
        if (status != STATUS_OK)
            fail_msg("%s: %s", good[i].name, e.text);
        assert_string_equal(s->name, good[i].port);
        stream_close(s);
    }
    struct stream *s = NULL;
    struct error e;
    assert_int_equal(stream_open("usb:2341:0043", &options, &context, &s, &e), STATUS_NO_DEVICE);
    assert_string_equal(e.text, "usb:2341:0043 fits 2 ports");
    assert_non_null(strstr(e.hint, "ttyACM0"));
    assert_non_null(strstr(e.hint, "ttyACM1"));
    assert_int_equal(stream_open("usb:1-3", &options, &context, &s, &e), STATUS_NO_DEVICE);
    assert_int_equal(stream_open("usb:ffff:0043", &options, &context, &s, &e), STATUS_NO_DEVICE);
    assert_int_equal(stream_open("usb:99", &options, &context, &s, &e), STATUS_NO_DEVICE);
}

#define WITH_TESTBED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TESTBED(only_board_plugged_in_is_chosen),
        WITH_TESTBED(product_zero_in_the_table_fits_every_product),
        WITH_TESTBED(several_boards_are_listed_and_none_is_chosen),
        WITH_TESTBED(without_a_known_board_all_ports_are_listed),
        WITH_TESTBED(usb_names_choose_by_id_and_by_the_end_of_the_serial_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
