/* Lines of the terminal: words, commands, quotes; addresses and lengths; numbers, characters,
 * strings and files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal/data.h"
#include "cli/terminal/range.h"
#include "cli/terminal/words.h"
#include "core/integer.h"
#include "support/record.h"
#include "support/test.h"

/* --- words ---------------------------------------------------------------------------------- */

/* All commands of the line: words in <>, commands separated by |. */
static void assert_words(const char *line, const char *wanted)
{
    char got[512] = "";
    const char *rest = line;
    while (*rest != '\0') {
        struct text_list words = {0};
        struct error e = {0};
        assert_int_equal(words_next(&rest, &words, &e), STATUS_OK);
        if (got[0] != '\0')
            strcat(got, "|");
        for (size_t i = 0; i < words.count; i++) {
            strcat(got, "<");
            strcat(got, words.items[i]);
            strcat(got, ">");
        }
        text_list_free(&words);
    }
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s, not %s", line, got, wanted);
}

static void a_line_is_taken_apart(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words("   ", "");
    assert_words("part", "<part>");
    assert_words("  dump  flash\t0 16 ", "<dump><flash><0><16>");
    assert_words("part; sig", "<part>|<sig>");
    assert_words("part ; sig;", "<part>|<sig>");
    assert_words("part;sig", "<part;sig>");
    assert_words("sig; ; ;part", "<sig>||<;part>");
    assert_words("part # what it is; sig", "<part>");
    assert_words("# nothing", "");
    assert_words("write eeprom 0 a#b", "<write><eeprom><0><a#b>");
}

static void quotes_and_backslashes_hold_words_together(void **state)
{
    (void)state;
    assert_words("w eeprom 0 \"a b; c # d\" 'x'", "<w><eeprom><0><\"a b; c # d\"><'x'>");
    assert_words("w eeprom 0 \"it's\" '\"'", "<w><eeprom><0><\"it's\"><'\"'>");
    assert_words("w eeprom 0 \"a\\\"b\" '\\''", "<w><eeprom><0><\"a\\\"b\"><'\\''>");
    assert_words("include my\\ file\\;", "<include><my file\\;>");
    assert_words("include \"my file\":i;sig", "<include><\"my file\":i;sig>");
    assert_words("write eeprom 0 ';'; sig", "<write><eeprom><0><';'>|<sig>");
}

static void a_quote_that_does_not_end_is_an_error(void **state)
{
    (void)state;
    static const char *const lines[] = {"write eeprom 0 \"abc", "write eeprom 0 'a", "'", "a\"",
                                        "\"\\\""};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct text_list words = {0};
        struct error e = {0};
        const char *rest = lines[i];
        assert_int_equal(words_next(&rest, &words, &e), STATUS_USAGE);
        assert_non_null(strstr(e.text, "in the middle of a quoted string"));
        text_list_free(&words);
    }
}

static void a_name_is_meant_without_its_quotes(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"abc", "abc"}, {"\"a b\"", "a b"}, {"'a\"b'", "a\"b"}, {"\"a b\":i", "a b:i"}, {"", ""}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char *plain = word_plain(pairs[i][0]);
        assert_string_equal(plain, pairs[i][1]);
        free(plain);
    }
}

/* --- addresses and lengths ------------------------------------------------------------------ */

static const struct memory two_kib = {.name = "eeprom", .kind = MEMORY_EEPROM, .size = 0x800};

static void stretches_are_counted_from_either_end(void **state)
{
    (void)state;
    static const struct {
        const char *address, *length;
        uint32_t start, size;
    } rows[] = {
        {"0x700", "12", 0x700, 12},
        {"1024", "-257", 0x400, 0x300},
        {"-512", "512", 0x600, 0x200},
        {"-256", "-1", 0x700, 0x100},
        {"0", "49", 0, 49},
        {"0", "-49", 0, 2000},
        {"0", "-1", 0, 0x800},
        {"-1", "-1", 0x7ff, 1},
        {"-1", "-2", 0x7ff, 0},
        {"5", "0", 5, 0},
        {"-0x800", "1", 0, 1},
        {"010", "0b11", 8, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int end = 0; end < 2; end++) {
            struct range range;
            struct error e = {0};
            if (range_parse(&two_kib, rows[i].address, rows[i].length,
                            end == 0 ? RANGE_WRAPS : RANGE_STOPS, &range, &e) != STATUS_OK)
                fail_msg("%s", e.text);
            assert_int_equal(range.start, rows[i].start);
            assert_int_equal(range.size, rows[i].size);
        }
}

static void reading_wraps_and_writing_stops_at_the_end(void **state)
{
    (void)state;
    struct range range;
    struct error e = {0};
    assert_int_equal(range_parse(&two_kib, "2046", "4", RANGE_WRAPS, &range, &e), STATUS_OK);
    assert_int_equal(range.size, 4);
    assert_int_equal(range_parse(&two_kib, "2046", "4096", RANGE_WRAPS, &range, &e), STATUS_OK);
    assert_int_equal(range.size, 0x800);
    assert_int_equal(range_parse(&two_kib, "2046", "4", RANGE_STOPS, &range, &e), STATUS_USAGE);
    assert_string_equal(e.text, "4 bytes from 0x7fe on run beyond the end of eeprom (0x7ff)");
}

static void what_is_no_stretch_is_an_error(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"0x800", "1"}, {"-2049", "1"},
                                          {"x", "1"},     {"0", "y"},
                                          {"-1", "-3"},   {"0", "-2049"},
                                          {"1.5", "1"},   {"0", "99999999999"},
                                          {"0x", "1"},    {"0xffffffffffffffffffff", "1"},
                                          {"1H", "1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct range range;
        struct error e = {0};
        if (range_parse(&two_kib, rows[i][0], rows[i][1], RANGE_WRAPS, &range, &e) != STATUS_USAGE)
            fail_msg("%s %s is taken", rows[i][0], rows[i][1]);
    }
}

/* --- data ----------------------------------------------------------------------------------- */

struct bench {
    struct record record;
    struct context context;
    struct data_place place;
    char folder[64];
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    if (b == NULL)
        return -1;
    b->record = record_new();
    context_init(&b->context, clock_system(), &b->record.base, NULL);
    b->place = (struct data_place){.memory = &two_kib, .context = &b->context};
    strcpy(b->folder, "/tmp/ispflash-test-XXXXXX");
    *state = b;
    return mkdtemp(b->folder) != NULL && chdir(b->folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    (void)unlink("a b.bin");
    (void)unlink("two.hex");
    (void)unlink("12");
    const int result = chdir("/") == 0 && rmdir(b->folder) == 0 ? 0 : -1;
    free(b);
    return result;
}

static void to_hex(const struct image *image, uint32_t size, char *text)
{
    *text = '\0';
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = 0;
        text += image_get(image, i, &byte) ? sprintf(text, "%02x", byte) : sprintf(text, "..");
    }
}

static void assert_data(struct bench *b, const char *word, const char *wanted)
{
    char got[512];
    struct data data = {0};
    struct error e = {0};
    if (data_parse(word, &b->place, &data, &e) != STATUS_OK)
        fail_msg("%s: %s", word, e.text);
    to_hex(data.image, data.size, got);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s, not %s", word, got, wanted);
    data_free(&data);
}

static void assert_no_data(struct bench *b, const char *word, enum status status, const char *text)
{
    struct data data = {0};
    struct error e = {0};
    assert_int_equal(data_parse(word, &b->place, &data, &e), status);
    if (strstr(e.text, text) == NULL)
        fail_msg("%s: not said: %s\nbut: %s", word, text, e.text);
}

static void whole_numbers_take_the_bytes_they_need(void **state)
{
    static const char *const rows[][2] = {
        {"0", "00"},
        {"12", "0c"},
        {"255", "ff"},
        {"256", "0001"},
        {"65536", "00000100"},
        {"4294967296", "0000000001000000"},
        {"18446744073709551615", "ffffffffffffffff"},
        {"-1", "ff"},
        {"-128", "80"},
        {"-129", "7fff"},
        {"+7", "07"},
        {"012345", "e514"},
        {"0x2a", "2a"},
        {"0X2A", "2a"},
        {"0x002a", "2a00"},
        {"0x01234", "34120000"},
        {"0xcafe", "feca"},
        {"0x123456789", "8967452301000000"},
        {"0b11", "03"},
        {"0b000000011", "0300"},
        {"-0x1", "ff"},
        {"+0x0001", "01"},
        {"7LL", "0700000000000000"},
        {"7l", "07000000"},
        {"7h", "0700"},
        {"7S", "0700"},
        {"7HH", "07"},
        {"7u", "07"},
        {"-1U", "ffffffffffffffff"},
        {"-1UHH", "ff"},
        {"-1huu", NULL},
        {"0x12ul", "12000000"},
        {"0x12LU", "12000000"},
        {"1,", "01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i][1] != NULL)
            assert_data(*state, rows[i][0], rows[i][1]);
        else
            assert_no_data(*state, rows[i][0], STATUS_INPUT, "no such file");
}

static void numbers_that_do_not_fit_are_errors(void **state)
{
    assert_no_data(*state, "300HH", STATUS_USAGE, "300HH does not fit into 1 byte");
    assert_no_data(*state, "-129HH", STATUS_USAGE, "does not fit into 1 byte");
    assert_no_data(*state, "70000h", STATUS_USAGE, "does not fit into 2 bytes");
    assert_no_data(*state, "18446744073709551616", STATUS_USAGE, "does not fit into 8 bytes");
    assert_no_data(*state, "0x12345678901234567", STATUS_USAGE, "does not fit into 8 bytes");
    assert_no_data(*state, "-9223372036854775809", STATUS_USAGE, "does not fit into 8 bytes");
    assert_no_data(*state, "1e39", STATUS_USAGE, "too large for a floating point number of 4");
    assert_no_data(*state, "1e309D", STATUS_USAGE, "too large for a floating point number of 8");
}

static void floating_point_is_single_unless_it_says_double(void **state)
{
    assert_data(*state, "2.718282", "55f82d40");
    assert_data(*state, "1.0F", "0000803f");
    assert_data(*state, "1f", "0000803f");
    assert_data(*state, "1e3", "00007a44");
    assert_data(*state, "-.5", "000000bf");
    assert_data(*state, "1D", "000000000000f03f");
    assert_data(*state, "3.141592653589793D", "182d4454fb210940");
    assert_data(*state, "0xA.8p2", "00002842");
    assert_data(*state, "0xA.8p2D", "0000000000004540");
    assert_data(*state, "0x1.8D", "0080c63f"); /* D is a digit here */
}

static void characters_and_strings_are_as_in_c(void **state)
{
    assert_data(*state, "'A'", "41");
    assert_data(*state, "'\\n'", "0a");
    assert_data(*state, "'\\''", "27");
    assert_data(*state, "'\\x7f'", "7f");
    assert_data(*state, "'\\0'", "00");
    assert_data(*state, "\"Hi\\t\\\"\\101\\x42\"",
                "486909224142"
                "00");
    assert_data(*state, "\"\"", "00");
    assert_data(*state, "\"\xc3\xbc\",", "c3bc00");
    assert_no_data(*state, "'AB'", STATUS_USAGE, "is not one character");
    assert_no_data(*state, "''", STATUS_USAGE, "is not one character");
    assert_no_data(*state, "\"\\q\"", STATUS_USAGE, "there is no escape \\q");
    assert_no_data(*state, "\"\\x\"", STATUS_USAGE, "there is no escape \\x");
    assert_no_data(*state, "\"\\777\"", STATUS_USAGE, "there is no escape \\7");
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void what_is_none_of_it_is_a_file(void **state)
{
    put_file("a b.bin", "xyz");
    put_file("two.hex", ":0100000011EE\n:0100030044B8\n:00000001FF\n");
    put_file("12", "q");
    assert_data(*state, "\"a b.bin\":r", "78797a");
    assert_data(*state, "a b.bin:r", "78797a");
    assert_data(*state, "two.hex", "11....44");
    assert_data(*state, "two.hex:i,", "11....44");
    assert_data(*state, "12:r", "71");
    assert_data(*state, "12", "0c");
    assert_no_data(*state, "none", STATUS_INPUT, "none: no such file");
    assert_no_data(*state, "two.hex:q", STATUS_USAGE, "'q' is no file format");
    assert_no_data(*state, "-:i", STATUS_USAGE, "standard input");
    assert_no_data(*state, "08", STATUS_INPUT, "08: no such file");
}

static enum status image_of(struct bench *b, const char *line, uint32_t address, uint32_t fill,
                            struct image *into, struct error *e)
{
    struct text_list words = {0};
    const char *rest = line;
    assert_int_equal(words_next(&rest, &words, e), STATUS_OK);
    const enum status status =
        data_image(words.items, words.count, &b->place, address, fill, into, e);
    text_list_free(&words);
    return status;
}

static void assert_image(struct bench *b, const char *line, uint32_t address, uint32_t fill,
                         const char *wanted)
{
    char got[512];
    struct error e = {0};
    struct image *image = image_new();
    if (image_of(b, line, address, fill, image, &e) != STATUS_OK)
        fail_msg("%s: %s", line, e.text);
    assert_int_equal(image_low(image), address);
    struct extent extent;
    assert_true(image_next(image, 0, &extent));
    char *text = got;
    for (uint32_t i = 0; i < extent.size; i++)
        text += sprintf(text, "%02x", extent.data[i]);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s, not %s", line, got, wanted);
    image_free(image);
}

static void data_stand_one_behind_the_other(void **state)
{
    assert_image(*state, "1 2 3 4 0xcafe \"Avrdude\"", 0, 0, "01020304feca4176726475646500");
    assert_image(*state, "1, 2 , 3,", 0x700, 0, "010203");
    assert_image(*state, "1 2", 0x7fe, 0, "0102");
}

static void the_last_item_fills_up(void **state)
{
    assert_image(*state, "1 0xcafe", 16, 6, "01fecafecafe");
    assert_image(*state, "1 2 3 4", 0, 2, "0102");
    assert_image(*state, "0x12345678", 0, 6, "785634127856");
}

static void data_that_run_beyond_the_end_are_an_error(void **state)
{
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(image_of(*state, "1 2 3", 0x7fe, 0, image, &e), STATUS_USAGE);
    assert_string_equal(e.text, "3 runs beyond the end: 1 bytes, with room for 0");
    image_truncate(image, 0);
    assert_int_equal(image_of(*state, "0x1234", 0x7ff, 0, image, &e), STATUS_USAGE);
    image_free(image);
    assert_image(*state, "0x0034", 0x7ff, 0, "34"); /* zeros before the number */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_taken_apart),
        cmocka_unit_test(quotes_and_backslashes_hold_words_together),
        cmocka_unit_test(a_quote_that_does_not_end_is_an_error),
        cmocka_unit_test(a_name_is_meant_without_its_quotes),
        cmocka_unit_test(stretches_are_counted_from_either_end),
        cmocka_unit_test(reading_wraps_and_writing_stops_at_the_end),
        cmocka_unit_test(what_is_no_stretch_is_an_error),
        cmocka_unit_test_setup_teardown(whole_numbers_take_the_bytes_they_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_do_not_fit_are_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(floating_point_is_single_unless_it_says_double, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(characters_and_strings_are_as_in_c, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_none_of_it_is_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_stand_one_behind_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_item_fills_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_that_run_beyond_the_end_are_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
