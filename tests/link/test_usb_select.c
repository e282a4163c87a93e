/* Which of the plugged-in devices -P and the driver's wishes mean. */
#include "support/test.h"

#include <string.h>

#include "usb_link.h"

static const struct usb_id usbasp_ids[] = {{0x16c0, 0x05dc}, {0x03eb, 0xc7b4}, {0, 0}};
static const struct usb_lookalike lookalikes[] = {{0x03eb, 0xc8b4, "a HID device"}, {0, 0, NULL}};
static const struct usb_wanted usbasp = {
    .programmer = "usbasp",
    .ids = usbasp_ids,
    .manufacturer = "www.fischl.de",
    .title = "USBasp",
    .anyway = "usbasp-clone",
    .lookalikes = lookalikes,
};
static const struct usb_wanted clone = {.programmer = "usbasp-clone", .ids = usbasp_ids};

#define DEVICE(v, p, a, where) .vendor = v, .product = p, .bus = 1, .address = a, .path = where
#define USBASP .manufacturer = "www.fischl.de", .title = "USBasp"

static const struct usb_info plain = {DEVICE(0x16c0, 0x05dc, 5, "1-2.3"), USBASP};
static const struct usb_info numbered = {DEVICE(0x16c0, 0x05dc, 6, "1-4"), USBASP,
                                         .serial = "00:12:0042"};
static const struct usb_info foreign = {DEVICE(0x16c0, 0x05dc, 7, "1-5"), .title = "USBHID",
                                        .manufacturer = "zhifengsoft"};
static const struct usb_info old = {DEVICE(0x03eb, 0xc7b4, 8, "1-6"), USBASP};
static const struct usb_info impostor = {DEVICE(0x03eb, 0xc8b4, 9, "1-7"), USBASP};
static const struct usb_info tiny = {DEVICE(0x1781, 0x0c9f, 10, "1-8"), .title = "USBtinyISP"};

/* The path of the device chosen among up to four, or the error's text. */
static const char *choose(const struct usb_wanted *wanted, const char *port,
                          const struct usb_info *a, const struct usb_info *b,
                          const struct usb_info *c, struct error *e)
{
    static struct usb_info infos[3];
    const struct usb_info *const given[] = {a, b, c};
    size_t count = 0, chosen = 99;
    for (size_t i = 0; i < 3; i++)
        if (given[i] != NULL)
            infos[count++] = *given[i];
    *e = (struct error){0};
    if (usb_select(wanted, port, infos, count, &chosen, e) != STATUS_OK)
        return e->text;
    assert_true(chosen < count);
    return infos[chosen].path;
}

static void lone_device_is_found_whatever_else_is_plugged_in(void **state)
{
    (void)state;
    struct error e;
    assert_string_equal(choose(&usbasp, NULL, &tiny, &foreign, &plain, &e), "1-2.3");
    assert_string_equal(choose(&usbasp, "usb", &tiny, &old, NULL, &e), "1-6");
    assert_string_equal(choose(&clone, "usb", &tiny, &foreign, NULL, &e), "1-5");
}

static void port_means_what_its_shape_says(void **state)
{
    (void)state;
    static const struct {
        const char *port, *path;
    } cases[] = {
        {"usb:1-2.3", "1-2.3"},        {"usb:1-4", "1-4"},        {"usb:001:006", "1-4"},
        {"usb:1:5", "1-2.3"},          {"usb:1781:0c9f", "1-8"},  {"usb:1781:0C9F", "1-8"},
        {"usb:16c0:05dc:0042", "1-4"}, {"usb:00:12:0042", "1-4"}, {"usb:0042", "1-4"},
        {"usb:120042", "1-4"},
    };
    struct error e;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(choose(&usbasp, cases[i].port, &plain, &numbered, &tiny, &e),
                            cases[i].path);
}

static void whole_serial_number_wins_over_the_end_of_another(void **state)
{
    (void)state;
    struct usb_info longer = numbered;
    (void)strcpy(longer.serial, "990042");
    (void)strcpy(longer.path, "1-9");
    struct usb_info exact = numbered;
    (void)strcpy(exact.serial, "0042");
    struct error e;
    assert_string_equal(choose(&usbasp, "usb:0042", &longer, &exact, NULL, &e), "1-4");
    assert_string_equal(choose(&usbasp, "usb:42", &longer, &exact, NULL, &e),
                        "2 devices could be the usbasp; which one?");
}

static void several_that_fit_are_listed_and_none_is_taken(void **state)
{
    (void)state;
    struct error e;
    assert_string_equal(choose(&usbasp, NULL, &plain, &numbered, &foreign, &e),
                        "2 devices could be the usbasp; which one?");
    assert_int_equal(e.code, STATUS_NO_DEVICE);
    assert_non_null(strstr(e.hint, "-P usb:1-2.3   16c0:05dc USBasp by www.fischl.de\n"));
    assert_non_null(strstr(e.hint, "-P usb:1-4   16c0:05dc USBasp by www.fischl.de, serial number "
                                   "00:12:0042"));
    assert_null(strstr(e.hint, "1-5"));
    assert_string_equal(choose(&usbasp, "usb:16c0:05dc", &plain, &numbered, NULL, &e),
                        "2 devices could be the usbasp; which one?");
}

static void foreign_strings_are_named_with_the_programmer_that_takes_them(void **state)
{
    (void)state;
    struct error e;
    assert_string_equal(choose(&usbasp, NULL, &foreign, &tiny, NULL, &e),
                        "no usbasp is plugged in (USB id 16c0:05dc or 03eb:c7b4)");
    assert_string_equal(e.hint, "seen at usb:1-5: 16c0:05dc USBHID by zhifengsoft, not \"USBasp\"; "
                                "if it is a clone: -c usbasp-clone");
    assert_string_equal(choose(&usbasp, "usb:1-5", &foreign, NULL, NULL, &e),
                        "usb:1-5 is 16c0:05dc USBHID by zhifengsoft, not a usbasp (16c0:05dc or "
                        "03eb:c7b4)");
    assert_string_equal(e.hint, "if it is a clone: -c usbasp-clone");
}

static void lookalikes_are_named_with_the_reason(void **state)
{
    (void)state;
    struct error e;
    (void)choose(&usbasp, NULL, &impostor, NULL, NULL, &e);
    assert_string_equal(e.hint, "seen at usb:1-7: 03eb:c8b4 USBasp by www.fischl.de: a HID device");
}

static void absent_device_is_told_with_what_is_there(void **state)
{
    (void)state;
    struct error e;
    assert_string_equal(choose(&usbasp, "usb:1-3", &plain, &tiny, NULL, &e),
                        "no USB device at usb:1-3");
    assert_non_null(strstr(e.hint, "-P usb:1-2.3 "));
    assert_string_equal(choose(&usbasp, "usb:4711", &plain, NULL, NULL, &e),
                        "no usbasp with the serial number 4711 is plugged in");
    assert_string_equal(choose(&usbasp, "usb:003:004", &plain, NULL, NULL, &e),
                        "no USB device at usb:003:004");
    assert_string_equal(choose(&usbasp, NULL, NULL, NULL, NULL, &e),
                        "no usbasp is plugged in (USB id 16c0:05dc or 03eb:c7b4)");
    assert_string_equal(e.hint, "check the cable, and whether lsusb shows the device");
}

static void device_of_another_kind_at_the_place_is_refused(void **state)
{
    (void)state;
    struct error e;
    assert_string_equal(choose(&usbasp, "usb:1-8", &plain, &tiny, NULL, &e),
                        "usb:1-8 is 1781:0c9f USBtinyISP, not a usbasp (16c0:05dc or 03eb:c7b4)");
    assert_string_equal(e.hint, "if it speaks the protocol all the same: -P usb:1781:0c9f");
}

static void port_of_another_sort_is_a_usage_error(void **state)
{
    (void)state;
    static const char *const bad[] = {"/dev/ttyUSB0", "usb:", "USB", "lpt1", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        assert_int_equal(usb_check_port(bad[i], &e), STATUS_USAGE);
    }
    struct error e = {0};
    assert_int_equal(usb_check_port(NULL, &e), STATUS_OK);
    assert_int_equal(usb_check_port("usb:x", &e), STATUS_OK);
}

static void strings_are_cleaned_of_what_cannot_be_printed(void **state)
{
    (void)state;
    char text[] = "US\x01\xff"
                  "B asp\n ";
    usb_clean_string(text);
    assert_string_equal(text, "USB asp");
}

static void serial_number_that_is_no_text_is_told_in_hexadecimal(void **state)
{
    (void)state;
    char text[64], cut[9];
    const uint16_t raw[] = {0x51, 0xff, 0x6e, 0x06, 0x49, 0x86, 0x50, 0x52, 0x24, 0x16, 0x17, 0x87};
    const uint16_t digits[] = {'0', '0', '4', '2', ' '};
    usb_serial_text(raw, sizeof raw / sizeof raw[0], text, sizeof text);
    assert_string_equal(text, "51FF6E064986505224161787");
    usb_serial_text(raw, sizeof raw / sizeof raw[0], cut, sizeof cut);
    assert_string_equal(cut, "51FF6E06");
    usb_serial_text(digits, sizeof digits / sizeof digits[0], text, sizeof text);
    assert_string_equal(text, "0042");
    usb_serial_text(digits, 0, text, sizeof text);
    assert_string_equal(text, "");
    static const char utf8[] = "Q\303\277n\x06"
                               "I\302\206\xe2\x82\xac";
    usb_serial_text_utf8(utf8, sizeof utf8 - 1, text, sizeof text);
    assert_string_equal(text, "51FF6E064986AC");
    usb_serial_text_utf8("8D8210", 6, text, sizeof text);
    assert_string_equal(text, "8D8210");
    usb_serial_text_utf8("\303", 1, text, sizeof text);
    assert_string_equal(text, "03");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_device_is_found_whatever_else_is_plugged_in),
        cmocka_unit_test(port_means_what_its_shape_says),
        cmocka_unit_test(whole_serial_number_wins_over_the_end_of_another),
        cmocka_unit_test(several_that_fit_are_listed_and_none_is_taken),
        cmocka_unit_test(foreign_strings_are_named_with_the_programmer_that_takes_them),
        cmocka_unit_test(lookalikes_are_named_with_the_reason),
        cmocka_unit_test(absent_device_is_told_with_what_is_there),
        cmocka_unit_test(device_of_another_kind_at_the_place_is_refused),
        cmocka_unit_test(port_of_another_sort_is_a_usage_error),
        cmocka_unit_test(serial_number_that_is_no_text_is_told_in_hexadecimal),
        cmocka_unit_test(strings_are_cleaned_of_what_cannot_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
