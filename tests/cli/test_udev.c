/* `ispflash udev`: every line is one that udev takes, and no programmer is left out. */
#include <stdio.h>
#include <string.h>

#include "cli_bench.h"
#include "link/stream.h"
#include "programmer/board.h"
#include "programmer/usb_ids.h"
#include "support/test.h"

static int print_rules(void **state)
{
    struct cli_bench *b = cli_bench_new();
    cli_expect(b, 0, "udev");
    *state = b;
    return 0;
}

/* One `KEY OP "VALUE"` of udev(7); returns what stands behind it, or NULL. */
static const char *take_match(const char *at)
{
    static const char *const keys[] = {
        "ACTION",
        "SUBSYSTEM",
        "ENV{DEVTYPE}",
        "ATTR{idVendor}",
        "ATTR{idProduct}",
        "ATTRS{idVendor}",
        "ATTRS{idProduct}",
        "TAG",
        "ENV{ID_MM_DEVICE_IGNORE}",
        "ENV{ID_MM_PORT_IGNORE}",
        "GOTO",
        "LABEL",
    };
    static const char *const operators[] = {"==", "!=", "+=", "="};
    const char *value = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        for (size_t k = 0; k < sizeof operators / sizeof operators[0]; k++) {
            char head[48];
            (void)snprintf(head, sizeof head, "%s%s\"", keys[i], operators[k]);
            if (strncmp(at, head, strlen(head)) == 0)
                value = at + strlen(head);
        }
    const char *end = value != NULL ? strchr(value, '"') : NULL;
    return end != NULL && end > value ? end + 1 : NULL;
}

static bool is_rule(const char *line)
{
    for (;;) {
        line = take_match(line);
        if (line == NULL || *line == '\0')
            return line != NULL;
        if (strncmp(line, ", ", 2) != 0)
            return false;
        line += 2;
    }
}

static void every_line_is_a_comment_or_a_list_of_matches(void **state)
{
    struct cli_bench *b = *state;
    char text[sizeof b->out];
    size_t rules = 0;
    (void)strcpy(text, b->out);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#')
            continue;
        if (!is_rule(line))
            fail_msg("no rule: %s", line);
        rules++;
    }
    assert_true(rules > 30);
    assert_false(is_rule("SUBSYSTEM==\"usb\" TAG+=\"uaccess\""));
    assert_false(is_rule("SUBSYSTEM=\"\""));
    assert_false(is_rule("SUBSYTEM==\"usb\""));
}

static void expect_rule(const struct cli_bench *b, const char *subsystem, const char *attribute,
                        uint16_t vendor, uint16_t product, const char *mark)
{
    char wanted[160], rule[320];
    (void)snprintf(wanted, sizeof wanted, "%s{idVendor}==\"%04x\", %s{idProduct}==\"%04x\", ",
                   attribute, vendor, attribute, product);
    (void)snprintf(rule, sizeof rule, "%s, %sTAG+=\"uaccess\", ENV{%s}=\"1\"\n", subsystem, wanted,
                   mark);
    if (strstr(b->out, rule) == NULL)
        fail_msg("there is no %s", rule);
}

static void expect_usb(const struct cli_bench *b, uint16_t vendor, uint16_t product)
{
    expect_rule(b, "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\"", "ATTR", vendor, product,
                "ID_MM_DEVICE_IGNORE");
}

static void expect_port(const struct cli_bench *b, uint16_t vendor, uint16_t product)
{
    expect_usb(b, vendor, product);
    expect_rule(b, "SUBSYSTEM==\"tty\"", "ATTRS", vendor, product, "ID_MM_PORT_IGNORE");
}

static void no_programmer_is_left_out(void **state)
{
    const struct cli_bench *b = *state;
    struct programmer_entry *entries = NULL;
    struct error e = {0};
    assert_int_equal(programmer_entries(&entries, &e), STATUS_OK);
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        struct usb_id ids[USB_IDS_MAX + 1] = {{0}};
        if (entry->driver == NULL)
            continue;
        (void)programmer_usb_ids(entry, ids);
        for (const struct usb_id *id = ids; id->vendor != 0; id++)
            expect_usb(b, id->vendor, id->product);
        const struct stream_usb_id *serial = driver != NULL ? driver->serial_ids : NULL;
        for (; serial != NULL && serial->vendor != 0; serial++)
            expect_port(b, serial->vendor, serial->product);
    }
    programmer_entries_free(entries);
}

/* What a driver takes for a board's port has a name, for lists. */
static void every_port_that_is_found_is_that_of_a_board(void **state)
{
    struct programmer_entry *entries = NULL;
    struct board_list *boards = NULL;
    struct error e = {0};
    (void)state;
    assert_int_equal(programmer_entries(&entries, &e), STATUS_OK);
    assert_int_equal(boards_open(entries, &boards, &e), STATUS_OK);
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        const struct stream_usb_id *id = driver != NULL ? driver->serial_ids : NULL;
        for (; id != NULL && id->vendor != 0; id++) {
            bool shown = false;
            for (size_t i = 0; i < board_count(boards) && !shown; i++)
                shown = board_shows(board_at(boards, i), id->vendor, id->product);
            if (!shown)
                fail_msg("%s: %04x:%04x is no board's", entry->id, id->vendor, id->product);
        }
    }
    boards_close(boards);
    programmer_entries_free(entries);
}

static void how_to_load_them_is_told_beside_the_file(void **state)
{
    struct cli_bench *b = *state;
    cli_assert_err(b, "sudo tee /etc/udev/rules.d/60-ispflash.rules");
    cli_assert_err(b, "udevadm control --reload");
    assert_null(strstr(b->out, "sudo"));
    assert_null(strstr(b->out, "1a86:5512")); /* not driven: no rule */
}

static void what_udev_cannot_follow_is_refused(void **state)
{
    (void)state;
    struct cli_bench *b = cli_bench_new();
    cli_expect(b, 2, "udev rules");
    cli_expect(b, 2, "udev --json");
    cli_expect(b, 2, "udev -c usbtiny");
    cli_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_line_is_a_comment_or_a_list_of_matches, print_rules,
                                        cli_tear_down),
        cmocka_unit_test_setup_teardown(no_programmer_is_left_out, print_rules, cli_tear_down),
        cmocka_unit_test(every_port_that_is_found_is_that_of_a_board),
        cmocka_unit_test_setup_teardown(how_to_load_them_is_told_beside_the_file, print_rules,
                                        cli_tear_down),
        cmocka_unit_test(what_udev_cannot_follow_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
