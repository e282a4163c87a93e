/* What is taken from an avrdude.conf, and how much is passed over. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/conf.h"
#include "cli/conf_own.h"
#include "programmer/programmer.h"
#include "support/test.h"

static struct conf parse(const char *text)
{
    struct conf conf = {0};
    struct error e = {0};
    assert_int_equal(conf_parse(text, strlen(text), &conf, &e), STATUS_OK);
    return conf;
}

static void defaults_are_taken(void **state)
{
    (void)state;
    struct conf conf = parse("# a comment with default_serial = \"no\";\n"
                             "default_programmer = \"usbtiny\";\n"
                             "default_parallel = \"/dev/parport0\";\n"
                             "default_serial=\"/dev/ttyS0\" ; /* default_serial = \"no\"; */\n"
                             "default_baudrate = 19200;\n"
                             "default_bitclock = 4.0;\n"
                             "allow_subshells = no;\n");
    assert_string_equal(conf.programmer, "usbtiny");
    assert_string_equal(conf.serial, "/dev/ttyS0");
    assert_int_equal(conf.baud, 19200);
    assert_int_equal(conf.sck_hz, 250000);
    conf_free(&conf);
}

static void values_that_say_nothing_are_none(void **state)
{
    (void)state;
    struct conf conf = parse("default_programmer = \"\"; default_serial = \"unknown\";\n"
                             "default_serial = \"@DEFAULT_SER_PORT@\"; default_bitclock = 0;\n"
                             "default_bitclock = 0.0; default_baudrate = \"fast\";");
    assert_null(conf.programmer);
    assert_null(conf.serial);
    assert_int_equal(conf.baud, 0);
    assert_int_equal(conf.sck_hz, 0);
    conf_free(&conf);
}

static void the_last_value_counts(void **state)
{
    (void)state;
    struct conf conf = parse("default_programmer = \"a\"; default_programmer = \"b\";");
    assert_string_equal(conf.programmer, "b");
    conf_free(&conf);
}

/* Whatever stands in a block, the statement behind it must be seen, and none inside. */
static void blocks_are_passed_over(void **state)
{
    (void)state;
    static const char *const blocks[] = {
        "programmer id = \"x\"; desc = \"a ; b \\\" c\"; type = \"arduino\"; ;",
        "programmer parent \"arduino\" id = \"x\"; default_serial = \"no\"; ;",
        "programmer # with a comment\n id = \"a\", \"b\"; usbpid = 0x0001, 0x2; ;",
        "part parent \"m8\" id = \"y\"; signature = 0x1e 0x95 0x0f; ;",
        "part id = \"y\"; memory \"flash\" paged = yes; read_lo = \"0 0 1\", \"x x\"; ; ;",
        "part id = \"y\"; memory \"eeprom\" = NULL; desc = \"z\"; ;",
        "part id = \"y\"; memory \"a\" size = 1; ; memory \"b\" size = 2; ; pagel = 0xD7; ;",
        "part id = \"y\"; memory \"a\" alias \"b\"; ; chip_erase = \"x\"; ;",
        "part ;",
        "serialadapter parent \"ch340\" id = \"z\"; usbvid = 0x1234; ;",
        "something_new = 1, 2, \"three\";",
        "some thing else;",
        "; ; ;",
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "%s\ndefault_programmer = \"seen\";\n", blocks[i]);
        struct conf conf = parse(text);
        assert_non_null(conf.programmer);
        assert_string_equal(conf.programmer, "seen");
        assert_null(conf.serial);
        conf_free(&conf);
    }
}

static const struct programmer_entry *own_entry(const struct conf *conf, const char *id)
{
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct error e = {0};
    assert_non_null(conf->entries);
    if (programmer_find(conf->entries, id, &entry, &driver, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return entry;
}

static void programmers_of_the_users_own_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *block, *id, *driver, *settings;
    } rows[] = {
        {"parent \"usbtiny\" id = \"mine\"; usbvid = 0x1234; usbpid = 0x5678, 0x9abc;", "mine",
         "usbtiny", "usb=1234:5678,1234:9abc"},
        {"parent \"usbtiny\" # same id\n id = \"mine\", \"other\"; desc = \"a; b\";", "other",
         "usbtiny", "usb=1781:0c9f"},
        {"id = \"mine\"; type = \"usbasp\"; usbvendor = \"me\";", "mine", "usbasp",
         "usb=16c0:05dc,03eb:c7b4 product=USBasp anyway=usbasp-clone vendor=me"},
        {"id = \"mine\"; type = \"stk500\"; connection_type = serial; baudrate = 57600;", "mine",
         "stk500v1", "baud=57600"},
        {"parent \"arduino-ft232r\" id = \"mine\"; reset = ~4; sdo = 2;", "mine", "bitbang",
         "usb=0403:6001 miso=3 sck=5 reset=~4 mosi=2"},
        {"id = \"mine\"; type = \"avrftdi\"; usbvid = 0x0403; usbpid = 0x6010; usbdev = \"B\"; "
         "buff = 4, ~5;",
         "mine", "mpsse", "reset=3 usb=0403:6010 buff=4,~5 channel=B"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[400];
        (void)snprintf(text, sizeof text, "programmer %s ;\n", rows[i].block);
        struct conf conf = parse(text);
        const struct programmer_entry *entry = own_entry(&conf, rows[i].id);
        assert_string_equal(entry->driver, rows[i].driver);
        assert_string_equal(entry->settings, rows[i].settings);
        assert_int_equal(conf.notes.count, 0);
        conf_free(&conf);
    }
}

static void programmers_that_are_built_in_or_not_spoken_are_passed_over(void **state)
{
    (void)state;
    struct conf conf = parse("programmer id = \"USBasp\"; type = \"usbasp\"; usbpid = 1; ;"
                             "programmer id = \"stk500v2\"; type = \"stk500v2\"; ;"
                             "programmer id = \"mine\"; type = \"jtagmkii\"; ;"
                             "programmer desc = \"nameless\"; ;");
    assert_null(conf.programmers);
    assert_int_equal(conf.notes.count, 1);
    assert_string_equal(conf.notes.items[0], "programmer mine: type jtagmkii is not spoken here");
    conf_free(&conf);
}

static const struct part *own_part(struct conf *conf, struct part_database *parts, const char *name)
{
    const struct part *part = NULL;
    struct context quiet;
    struct error e = {0};
    context_init(&quiet, clock_system(), NULL, NULL);
    assert_int_equal(conf_own_add_parts(conf, parts, &quiet, &e), STATUS_OK);
    return part_find(parts, name, &part, &e) == STATUS_OK ? part : NULL;
}

static void parts_under_other_names_are_taken(void **state)
{
    (void)state;
    struct part_database *parts = NULL;
    struct error e = {0};
    struct conf conf =
        parse("part parent \"m328p\" id = \"m328x\"; desc = \"ATmega328X\"; mcuid = 999;"
              " signature = 0x1e 0x95 0x77; ;"
              "part parent \"m328x\" id = \"child\"; ;"
              "part parent \"m328p\" id = \"big\"; memory \"flash\" size = 1; ; ;"
              "part parent \"no-such\" id = \"orphan\"; ;"
              "part parent \"m8\" id = \"t85\"; ;"
              "part id = \"whole\"; desc = \"described\"; ;");
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    const struct part *part = own_part(&conf, parts, "m328x");
    assert_non_null(part);
    assert_string_equal(part->name, "ATmega328X");
    assert_memory_equal(part->signature, "\x1e\x95\x77", 3);
    assert_int_equal(part_memory(part, MEMORY_FLASH)->size, 32768);
    part = own_part(&conf, parts, "child");
    assert_non_null(part);
    assert_string_equal(part->twin_of, "ATmega328X");
    assert_null(own_part(&conf, parts, "big"));
    assert_null(own_part(&conf, parts, "orphan"));
    assert_null(own_part(&conf, parts, "whole"));
    assert_int_equal(part_memory(own_part(&conf, parts, "t85"), MEMORY_EEPROM)->size, 512);
    part_database_close(parts);
    conf_free(&conf);
}

static void no_text_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "\n#",
        "/*",
        "/* *",
        "/",
        "\"",
        "\"abc",
        "\"abc\\",
        "default_serial",
        "default_serial =",
        "default_serial = ;",
        "= = =",
        "part",
        "part id",
        "part memory",
        "programmer id = \"x",
        ("\x7f"
         "ELF\x01\xff"),
        "default_programmer = default_serial = \"x\";",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct conf conf = parse(texts[i]);
        conf_free(&conf);
    }
}

static void a_very_long_value_is_cut_and_harms_nothing(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text);
    memcpy(text, "default_programmer = \"", 22);
    memcpy(text + sizeof text - 3, "\";", 3);
    struct conf conf = parse(text);
    assert_int_equal(strlen(conf.programmer), 255);
    conf_free(&conf);
}

static void a_file_that_is_not_there_is_an_input_error(void **state)
{
    (void)state;
    struct conf conf = {0};
    struct error e = {0};
    assert_int_equal(conf_read("/no/such/avrdude.conf", &conf, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "/no/such/avrdude.conf"));
}

static void an_empty_file_says_nothing(void **state)
{
    (void)state;
    struct conf conf = {0};
    struct error e = {0};
    assert_int_equal(conf_read("/dev/null", &conf, &e), STATUS_OK);
    assert_null(conf.programmer);
    assert_int_equal(conf_read("/", &conf, &e), STATUS_INPUT);
}

/* The real one, where it is installed: hundreds of parts, and its defaults near the top. */
static void the_file_of_a_real_installation_is_read(void **state)
{
    (void)state;
    if (access("/etc/avrdude.conf", R_OK) != 0)
        skip();
    struct conf conf = {0};
    struct error e = {0};
    assert_int_equal(conf_read("/etc/avrdude.conf", &conf, &e), STATUS_OK);
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_taken),
        cmocka_unit_test(values_that_say_nothing_are_none),
        cmocka_unit_test(the_last_value_counts),
        cmocka_unit_test(blocks_are_passed_over),
        cmocka_unit_test(programmers_of_the_users_own_are_taken),
        cmocka_unit_test(programmers_that_are_built_in_or_not_spoken_are_passed_over),
        cmocka_unit_test(parts_under_other_names_are_taken),
        cmocka_unit_test(no_text_is_an_error),
        cmocka_unit_test(a_very_long_value_is_cut_and_harms_nothing),
        cmocka_unit_test(a_file_that_is_not_there_is_an_input_error),
        cmocka_unit_test(an_empty_file_says_nothing),
        cmocka_unit_test(the_file_of_a_real_installation_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
