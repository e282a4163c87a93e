/* --unique: its grammar, values as bytes, and the two kinds of ledger. Processes that are killed on
 * the way are tests/cli/unique_crash.py's. */
#include "cli/unique.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_bench.h"
#include "support/record.h"
#include "support/test.h"

/* --- grammar and values --------------------------------------------------------------------- */

static void a_template_names_place_field_width_and_format(void **state)
{
    struct unique_template t;
    struct error e = {0};
    (void)state;
    assert_int_equal(unique_parse("eeprom@0x10=serial:8", &t, &e), STATUS_OK);
    assert_string_equal(t.memory, "eeprom");
    assert_int_equal(t.address, 0x10);
    assert_string_equal(t.field, "serial");
    assert_int_equal(t.width, 8);
    assert_int_equal(t.format, UNIQUE_DECIMAL);
    assert_int_equal(unique_parse("flash@32752=mac:6:bytes", &t, &e), STATUS_OK);
    assert_int_equal(t.address, 32752);
    assert_int_equal(t.format, UNIQUE_BYTES);
}

static void a_bad_template_is_named_with_an_example(void **state)
{
    static const char *const bad[] = {
        "",
        "eeprom",
        "@1=a:1",
        "eeprom@=a:1",
        "eeprom@x=a:1",
        "eeprom@1=a",
        "eeprom@1=:1",
        "eeprom@1=a:",
        "eeprom@1=a:0",
        "eeprom@1=a:65",
        "eeprom@1:8",
        "eeprom@-1=a:1",
        "eeprom@1=a:x",
        "eeprom@1=a:1:",
        "eeprom@1=a:1:decimal",
        "eeprom@1=a:8 ",
        "a name far too long for any memory@1=a:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct unique_template t;
        struct error e = {0};
        if (unique_parse(bad[i], &t, &e) != STATUS_USAGE)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(e.text, "--unique"));
        assert_true(e.hint[0] != '\0');
    }
}

static void values_become_bytes(void **state)
{
    static const struct {
        enum unique_format format;
        uint32_t width;
        const char *value;
        const char *bytes; /* as many as `width`; NULL: does not go in */
    } cases[] = {
        {UNIQUE_DECIMAL, 8, "1042", "00001042"},
        {UNIQUE_DECIMAL, 4, "0x412", "1042"},
        {UNIQUE_DECIMAL, 4, "0017", "0017"},
        {UNIQUE_DECIMAL, 3, "1042", NULL},
        {UNIQUE_DECIMAL, 8, "A1", NULL},
        {UNIQUE_DECIMAL, 8, "", NULL},
        {UNIQUE_DECIMAL, 30, "18446744073709551615", "000000000018446744073709551615"},
        {UNIQUE_DECIMAL, 30, "18446744073709551616", NULL},
        {UNIQUE_HEX, 4, "1042", "0412"},
        {UNIQUE_LITTLE, 4, "1042", "\x12\x04\x00\x00"},
        {UNIQUE_BIG, 4, "1042", "\x00\x00\x04\x12"},
        {UNIQUE_LITTLE, 1, "255", "\xff"},
        {UNIQUE_LITTLE, 1, "256", NULL},
        {UNIQUE_BIG, 10, "1", "\0\0\0\0\0\0\0\0\0\1"},
        {UNIQUE_TEXT, 4, "A1", "A1\0\0"},
        {UNIQUE_TEXT, 2, "A1", "A1"},
        {UNIQUE_TEXT, 1, "A1", NULL},
        {UNIQUE_BYTES, 3, "00:1a:FF", "\x00\x1a\xff"},
        {UNIQUE_BYTES, 3, "001aff", "\x00\x1a\xff"},
        {UNIQUE_BYTES, 3, "00-1a", NULL},
        {UNIQUE_BYTES, 3, "00:1a:ff:01", NULL},
        {UNIQUE_BYTES, 1, "0", NULL},
        {UNIQUE_BYTES, 1, "0g", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct unique_template t = {
            .text = "t", .width = cases[i].width, .format = cases[i].format};
        uint8_t bytes[UNIQUE_WIDTH_MAX];
        struct error e = {0};
        const enum status wanted = cases[i].bytes != NULL ? STATUS_OK : STATUS_INPUT;
        if (unique_encode(&t, cases[i].value, bytes, &e) != wanted)
            fail_msg("case %zu: %s", i, e.text);
        if (cases[i].bytes != NULL)
            assert_memory_equal(bytes, cases[i].bytes, t.width);
    }
}

/* --- ledgers -------------------------------------------------------------------------------- */

struct desk {
    struct cli_bench *folder;
    struct record record;
    struct context context;
    struct ledger *ledger;
    struct error e;
};

static int set_up(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    d->folder = cli_bench_new();
    d->record = record_new();
    context_init(&d->context, clock_system(), &d->record.base, NULL);
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *d = *state;
    ledger_close(d->ledger);
    cli_bench_free(d->folder);
    free(d);
    return 0;
}

static void open_it(struct desk *d, const char *name, const char *text)
{
    ledger_close(d->ledger);
    d->ledger = NULL;
    if (text != NULL)
        cli_write_text(name, text);
    if (ledger_open(name, &d->ledger, &d->e) != STATUS_OK)
        fail_msg("%s", d->e.text);
}

/* Reserves one, whose key must be this, and settles it unless `leave`. */
static void give(struct desk *d, const char *key, const char *failure, bool leave)
{
    struct ledger_entry entry = {0};
    if (ledger_reserve(d->ledger, "usb:1-2", &d->context, &entry, &d->e) != STATUS_OK)
        fail_msg("%s", d->e.text);
    assert_string_equal(entry.key, key);
    ledger_entry_free(&entry);
    if (!leave && ledger_settle(d->ledger, failure, &d->context, &d->e) != STATUS_OK)
        fail_msg("%s", d->e.text);
}

static void expect_peek(struct desk *d, enum status status, const char *told)
{
    struct ledger_entry entry = {0};
    assert_int_equal(ledger_peek(d->ledger, &d->context, &entry, &d->e), status);
    assert_non_null(strstr(status == STATUS_OK ? entry.key : d->e.text, told));
    ledger_entry_free(&entry);
}

static void expect_file(const char *name, const char *text)
{
    size_t size;
    uint8_t *data = cli_read_file(name, &size);
    char *found = strndup((const char *)data, size);
    if (strstr(found, text) == NULL)
        fail_msg("%s lacks:\n%s\nit is:\n%s", name, text, found);
    free(found);
    free(data);
}

static void a_counter_gives_each_number_once_and_records_it(void **state)
{
    struct desk *d = *state;
    open_it(d, "c", "# ours\nfirst = 7");
    expect_peek(d, STATUS_OK, "7");
    give(d, "7", NULL, false);
    give(d, "8", "verify-mismatch", false);
    expect_peek(d, STATUS_OK, "9");
    open_it(d, "c", NULL);
    give(d, "9", NULL, false);
    expect_file("c", "first = 7\n7 reserved 20");
    expect_file("c", "Z verify-mismatch usb:1-2\n9 reserved");
}

static void a_counter_ends_with_its_range(void **state)
{
    struct desk *d = *state;
    open_it(d, "c", "first = 1\nlast = 2\n");
    give(d, "1", NULL, false);
    give(d, "2", NULL, false);
    expect_peek(d, STATUS_INPUT, "no number is left");
    open_it(d, "c", "first = 18446744073709551615\n");
    give(d, "18446744073709551615", NULL, false);
    expect_peek(d, STATUS_INPUT, "no number is left");
}

static void a_counter_that_makes_no_sense_is_told_with_its_line(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"# nothing\n", "lacks \"first"},
        {"first = x\n", ":1:"},
        {"first = 1\nfirst = 2\n", ":2:"},
        {"first = 1\nnext = 2\n", ":2:"},
        {"first = 1\n1 reserved t d\nlast = 3\n", ":3:"},
        {"first = 1\n1 programmed t d\n", ":2:"},
        {"first = 1\n1 reserved t d\n1 reserved t d\n", ":3:"},
        {"first = 1\n1 lost t d\n", ":2:"},
        {"first = 1\n1\n", ":2:"},
        {"first = 99999999999999999999\n", ":1:"},
        {"hello\n", ":1:"},
    };
    struct desk *d = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_it(d, "c", cases[i].text);
        expect_peek(d, STATUS_INPUT, cases[i].told);
    }
}

static void a_reservation_that_was_left_is_in_doubt_and_not_given_again(void **state)
{
    struct desk *d = *state;
    open_it(d, "c", "first = 1\n");
    give(d, "1", NULL, true);
    open_it(d, "c", NULL); /* closed: as if its process had ended */
    give(d, "2", NULL, false);
    assert_non_null(strstr(d->record.log, "1 was reserved by a run that ended without a word"));
    expect_file("c", "1 in-doubt 20");
    give(d, "3", NULL, false);
    expect_peek(d, STATUS_OK, "4");
}

static void a_record_that_was_cut_off_is_taken_away(void **state)
{
    struct desk *d = *state;
    open_it(d, "c", "first = 1\n1 reserved t d\n1 programmed t d\n2 rese");
    give(d, "2", NULL, false);
    expect_file("c", "1 programmed t d\n2 reserved 20");
}

static void a_ledger_that_is_not_there_is_not_made(void **state)
{
    struct desk *d = *state;
    assert_int_equal(ledger_open("no-such", &d->ledger, &d->e), STATUS_INPUT);
    assert_non_null(strstr(d->e.hint, "echo \"first = 1\" >no-such"));
    assert_int_equal(ledger_open("no-such.csv", &d->ledger, &d->e), STATUS_INPUT);
    assert_false(cli_file_exists("no-such.csv.lock"));
}

static void a_table_gives_each_row_once_and_gets_the_result(void **state)
{
    struct desk *d = *state;
    open_it(d, "t.csv", "id,mac,note\nA1,00:11,\"a, \"\"b\"\"\"\n\nA2,00:12\nA3,00:13,x\n");
    give(d, "A1", NULL, false);
    give(d, "A2", "verify-mismatch", false);
    expect_peek(d, STATUS_OK, "A3");
    expect_file("t.csv", "id,mac,note,result,time,device\n"
                         "A1,00:11,\"a, \"\"b\"\"\",programmed,20");
    expect_file("t.csv", "A2,00:12,,failed: verify-mismatch,20");
    expect_file("t.csv", "\nA3,00:13,x\n");
    give(d, "A3", NULL, false);
    expect_peek(d, STATUS_INPUT, "no row is left");
}

static void a_table_keeps_its_separator_and_line_ends(void **state)
{
    struct desk *d = *state;
    open_it(d, "t.csv", "id;result;device\r\nA1;;\r\nA2;;\r\n");
    give(d, "A1", NULL, false);
    expect_file("t.csv", "id;result;device;time\r\nA1;programmed;usb:1-2;20");
    expect_file("t.csv", "Z\r\nA2;;\r\n");
}

static void a_row_that_was_left_is_in_doubt(void **state)
{
    struct desk *d = *state;
    open_it(d, "t.csv", "id,result\nA1,\nA2,\nA3,scrapped\n");
    give(d, "A1", NULL, true);
    open_it(d, "t.csv", NULL);
    give(d, "A2", NULL, false);
    expect_file("t.csv", "A1,in doubt,20");
    expect_peek(d, STATUS_INPUT, "no row is left");
}

static void a_row_that_somebody_moved_gets_its_result_all_the_same(void **state)
{
    struct desk *d = *state;
    size_t size;
    open_it(d, "t.csv", "id,result,time,device\nA1,,,\nA2,,,\n");
    give(d, "A1", NULL, true);
    uint8_t *data = cli_read_file("t.csv", &size);
    char *end = strchr(strchr((char *)data, '\n') + 1, '\n');
    const size_t head = strlen("id,result,time,device\n");
    char moved[512];
    (void)snprintf(moved, sizeof moved, "id,result,time,device\nA0,,,\n%.*s\nA2,,,\n",
                   (int)(end - (char *)data - (long)head), (char *)data + head);
    free(data);
    cli_write_text("t.csv", moved);
    assert_int_equal(ledger_settle(d->ledger, NULL, &d->context, &d->e), STATUS_OK);
    expect_file("t.csv", "A0,,,\nA1,programmed,");
    give(d, "A0", NULL, true);
    cli_write_text("t.csv", "id,result,time,device\nA2,,,\n");
    assert_int_equal(ledger_settle(d->ledger, NULL, &d->context, &d->e), STATUS_OUTPUT);
    assert_non_null(strstr(d->e.text, "the row of A0, which was reserved, is not there"));
}

static void a_table_that_makes_no_sense_is_told(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"\n", "names is missing"},
        {"id,id\nA,B\n", "two columns are named"},
        {"id,mac\nA1,1,2\n", ":2: 3 cells"},
        {"id,mac\n", "no row is left"},
    };
    struct desk *d = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_it(d, "t.csv", cases[i].text);
        expect_peek(d, STATUS_INPUT, cases[i].told);
    }
}

static void what_cannot_be_written_is_not_given(void **state)
{
    struct desk *d = *state;
    struct ledger_entry entry = {0};
    if (getuid() == 0)
        skip(); /* nothing is denied to root */
    open_it(d, "t.csv", "id\nA1\n");
    assert_int_equal(chmod(".", 0555), 0);
    assert_int_equal(ledger_reserve(d->ledger, "d", &d->context, &entry, &d->e), STATUS_OUTPUT);
    assert_int_equal(chmod(".", 0755), 0);
    ledger_entry_free(&entry);
}

/* --- in a job ------------------------------------------------------------------------------- */

static void each_chip_gets_its_own_and_it_is_verified(void **state)
{
    struct desk *d = *state;
    static const uint8_t data[] = {1, 2, 3, 4};
    struct cli_bench *b = d->folder;
    size_t size;
    cli_write_file("a.bin", data, sizeof data);
    cli_write_text("c", "first = 41\n");
    cli_expect(b, 0,
               "-c sim -P one -p m328p -U a.bin:r --unique eeprom@2=serial:2 "
               "--unique flash@0x100=serial:4:le --unique-file c");
    cli_assert_err(b, "41 is programmed and on record");
    cli_expect(b, 0, "-c sim -P two -U a.bin:r --unique eeprom@2=serial:2 --unique-file c");
    cli_expect(b, 0, "-c sim -P one -p m328p -qq -A -U flash:r:f.bin -U eeprom:r:e1.bin");
    cli_expect(b, 0, "-c sim -P two -p m328p -qq -U eeprom:r:e2.bin");
    uint8_t *flash = cli_read_file("f.bin", &size), *one = cli_read_file("e1.bin", &size),
            *two = cli_read_file("e2.bin", &size);
    assert_memory_equal(flash, "\1\2\3\4", 4);
    assert_memory_equal(flash + 0x100, "\x29\0\0\0\xff", 5);
    assert_memory_equal(one,
                        "\xff\xff"
                        "41\xff",
                        5);
    assert_memory_equal(two,
                        "\xff\xff"
                        "42\xff",
                        5);
    free(flash);
    free(one);
    free(two);
}

static void a_chip_that_fails_spends_its_number(void **state)
{
    struct desk *d = *state;
    struct cli_bench *b = d->folder;
    cli_write_text("c", "first = 1\n");
    cli_expect(b, 13,
               "-c sim -p m328p -x stuck-cell=eeprom:3 --unique eeprom@2=serial:2 "
               "--unique-file c");
    cli_assert_err(b, "1 is spent");
    expect_file("c", "1 failed 20");
    /* What fails before the chip is changed takes nothing. */
    cli_expect(b, 9, "-c sim -p m328p -x fail=no-power --unique eeprom@2=serial:2 --unique-file c");
    cli_expect(b, 10, "-c sim -p m8 -x part=m328p --unique eeprom@2=serial:2 --unique-file c");
    cli_expect(b, 0, "-c sim -p m328p --dry-run --unique eeprom@2=serial:2 --unique-file c");
    cli_assert_out(b, "30 32");
    cli_expect(b, 0, "-c sim -p m328p -n --unique eeprom@2=serial:2 --unique-file c");
    cli_expect(b, 0, "-c sim -p m328p --unique eeprom@2=serial:2 --unique-file c");
    cli_assert_err(b, "2 is programmed");
}

static void another_attempt_on_the_same_chip_takes_no_other_number(void **state)
{
    struct desk *d = *state;
    size_t size;
    cli_write_text("c", "first = 1\n");
    cli_expect(d->folder, 16,
               "-c sim -p m328p -x fail=unplug -x after=200 --retries 1 "
               "--unique flash@0=serial:64 --unique-file c");
    cli_assert_err(d->folder, "once more (1 of 1)");
    uint8_t *data = cli_read_file("c", &size);
    char *text = strndup((const char *)data, size);
    assert_non_null(strstr(text, "1 failed 20"));
    assert_null(strstr(text, "2 reserved"));
    free(text);
    free(data);
}

static void what_does_not_go_together_is_told_before_the_chip_is_touched(void **state)
{
    static const struct {
        int code;
        const char *line, *told;
    } cases[] = {
        {3, "-U 0x12,0x34:m --unique flash@1=serial:2", "holds 0x34 at 0x0001 of flash"},
        {0, "-U 0x12,0xff,0xff:m --unique flash@1=serial:2", "is programmed"},
        {2, "--unique lfuse@0=serial:2", "the same in all"},
        {2, "--unique eeprom@1023=serial:2", "the last byte of eeprom is at 0x3ff"},
        {2, "--unique eprom@0=serial:2", "no part has one of that name"},
        {2, "--unique eeprom@0=number:2", "nothing is named \"number\""},
        {3, "--unique eeprom@0=serial:1", "has more digits"},
        {2, "--unique eeprom@0=serial:4 --unique eeprom@3=serial:4", "want the same bytes"},
        {2, "--unique eeprom@0=serial:4 --in-order", "does not go with --in-order"},
        {2, "--unique eeprom@0=serial:4 --skip-if-same", "does not go with"},
    };
    struct desk *d = *state;
    struct cli_bench *b = d->folder;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        cli_write_text("c", "first = 10\n");
        (void)snprintf(line, sizeof line, "-c sim -p m328p %s --unique-file c", cases[i].line);
        cli_expect(b, cases[i].code, line);
        cli_assert_err(b, cases[i].told);
    }
    cli_expect(b, 2, "-c sim -p m328p --unique eeprom@0=serial:4");
    cli_assert_err(b, "--unique-file has to say what is given");
    cli_expect(b, 2, "-c sim -p m328p --unique-file c");
    cli_expect(b, 2, "fuses -p m328p --unique-file c");
    cli_assert_err(b, "--unique-file means nothing to ispflash fuses");
}

static void a_verify_of_the_file_allows_for_the_number(void **state)
{
    struct desk *d = *state;
    cli_write_text("c", "first = 1\n");
    cli_expect(d->folder, 0,
               "-c sim -p m328p -U 1,2,255,255:m -U flash:v:1,2,255,255:m "
               "-U lock:w:0xcf:m --unique flash@2=serial:2:be --unique-file c");
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_names_place_field_width_and_format),
        cmocka_unit_test(a_bad_template_is_named_with_an_example),
        cmocka_unit_test(values_become_bytes),
        WITH_DESK(a_counter_gives_each_number_once_and_records_it),
        WITH_DESK(a_counter_ends_with_its_range),
        WITH_DESK(a_counter_that_makes_no_sense_is_told_with_its_line),
        WITH_DESK(a_reservation_that_was_left_is_in_doubt_and_not_given_again),
        WITH_DESK(a_record_that_was_cut_off_is_taken_away),
        WITH_DESK(a_ledger_that_is_not_there_is_not_made),
        WITH_DESK(a_table_gives_each_row_once_and_gets_the_result),
        WITH_DESK(a_table_keeps_its_separator_and_line_ends),
        WITH_DESK(a_row_that_was_left_is_in_doubt),
        WITH_DESK(a_row_that_somebody_moved_gets_its_result_all_the_same),
        WITH_DESK(a_table_that_makes_no_sense_is_told),
        WITH_DESK(what_cannot_be_written_is_not_given),
        WITH_DESK(each_chip_gets_its_own_and_it_is_verified),
        WITH_DESK(a_chip_that_fails_spends_its_number),
        WITH_DESK(another_attempt_on_the_same_chip_takes_no_other_number),
        WITH_DESK(what_does_not_go_together_is_told_before_the_chip_is_touched),
        WITH_DESK(a_verify_of_the_file_allows_for_the_number),
    };
    return cmocka_run_group_tests_name("unique", tests, NULL, NULL);
}
