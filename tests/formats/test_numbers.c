#include <stdlib.h>
#include <string.h>

#include "reading.h"

static void assert_reads(enum format format, const char *text, const char *bytes, size_t size)
{
    struct reading r = read_text(format, text, &test_eeprom);
    assert_image(&r, 0, bytes, size);
    reading_free(&r);
}

static void assert_fails(enum format format, const char *text, const char *message)
{
    struct reading r = read_text(format, text, &test_lfuse);
    assert_input_error(&r, message);
}

static void immediate_numbers_are_separated_by_comma_or_space(void **state)
{
    (void)state;
    assert_reads(FORMAT_IMMEDIATE, "0x62", "\x62", 1);
    assert_reads(FORMAT_IMMEDIATE, "1,2 , 0x10  3,", "\x01\x02\x10\x03", 4);
}

static void every_c_notation_is_read(void **state)
{
    (void)state;
    assert_reads(FORMAT_IMMEDIATE, "98,0x62,0X62,0142,0b1100010,0B1100010", "bbbbbb", 6);
    assert_reads(FORMAT_IMMEDIATE, "0 00 0x0 0b0 7 010", "\0\0\0\0\7\10", 6);
    assert_reads(FORMAT_IMMEDIATE, "-1,-128", "\xff\x80", 2);
}

static void leading_zeros_do_not_widen_a_number(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IMMEDIATE, "0x00ff", &test_lfuse);
    assert_image(&r, 0, "\xff", 1);
    reading_free(&r);
}

static void data_may_be_wider_than_a_byte(void **state)
{
    (void)state;
    assert_reads(FORMAT_IMMEDIATE, "0x1234,0x0012,300,2L", "\x34\x12\x12\0\x2c\1\2\0\0\0", 10);
    assert_reads(FORMAT_IMMEDIATE, "1.5,-1H", "\0\0\xc0\x3f\xff\xff", 6);
    assert_reads(FORMAT_IMMEDIATE, "'a' '\\n' \"b, c\",9", "a\nb, c\0\x09", 8);
    assert_reads(FORMAT_HEX, "\"#\", 7 # seven\n", "#\0\7", 3);
}

static void wrong_data_say_what_is_wrong(void **state)
{
    (void)state;
    assert_fails(FORMAT_IMMEDIATE, "'ab'", "file.hex: 'ab' is not one character of one byte");
    assert_fails(FORMAT_IMMEDIATE, "\"ab", "file.hex: '\"ab' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "1e99",
                 "file.hex: 1e99 is too large for a floating point "
                 "number of 4 bytes");
    assert_fails(FORMAT_IMMEDIATE, "0x10000HH", "file.hex: 0x10000HH does not fit into 1 byte");
}

static void empty_immediate_data_are_an_empty_image(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IMMEDIATE, "", &test_lfuse);
    assert_int_equal(r.status, STATUS_OK);
    assert_true(image_empty(r.image));
    reading_free(&r);
}

static void a_value_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_fails(FORMAT_IMMEDIATE, "300", "file.hex: '300' does not fit into a byte of lfuse");
    assert_fails(FORMAT_IMMEDIATE, "-129", "file.hex: '-129' does not fit into a byte of lfuse");
    assert_fails(FORMAT_IMMEDIATE, "0x100000062",
                 "file.hex: '0x100000062' does not fit into a byte of lfuse");
}

static void what_is_no_number_is_shown(void **state)
{
    (void)state;
    assert_fails(FORMAT_IMMEDIATE, "0xg1", "file.hex: '0xg1' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "0x", "file.hex: '0x' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "09", "file.hex: '09' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "0b2", "file.hex: '0b2' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "-", "file.hex: '-' is not a number");
    assert_fails(FORMAT_IMMEDIATE, "#1", "file.hex: '#1' is not a number");
    assert_fails(FORMAT_IMMEDIATE,
                 "a\x01"
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 "file.hex: 'a?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is not a number");
}

static void a_missing_number_does_not_shift_the_others(void **state)
{
    (void)state;
    assert_fails(FORMAT_IMMEDIATE, "1,,2", "file.hex: a number is missing before a comma");
    assert_fails(FORMAT_IMMEDIATE, ",1", "file.hex: a number is missing before a comma");
}

static void too_many_numbers_are_refused(void **state)
{
    (void)state;
    assert_fails(FORMAT_IMMEDIATE, "1,2,3", "file.hex: 3 bytes, but lfuse has 1 (2 too many)");
}

static void lists_mix_notations_lines_and_comments(void **state)
{
    (void)state;
    assert_reads(FORMAT_HEX, "# fuses\n0x1e, 149,\n017 # last\n0b1\n", "\x1e\x95\x0f\x01", 4);
    assert_fails(FORMAT_DECIMAL, "1\n\n# two\n1x\n", "file.hex:4: '1x' is not a number");
}

static void roman_numerals_are_read_in_their_proper_spelling(void **state)
{
    (void)state;
    assert_reads(FORMAT_ROMAN, "0 I iv IX XIV XL XCIX CCLV 0x10",
                 "\x00\x01\x04\x09\x0e\x28\x63\xff\x10", 9);
    assert_fails(FORMAT_ROMAN, "IIII", "file.hex:1: 'IIII' is not a number");
    assert_fails(FORMAT_ROMAN, "IC", "file.hex:1: 'IC' is not a number");
    assert_fails(FORMAT_ROMAN, "MMMM", "file.hex:1: 'MMMM' is not a number");
    assert_fails(FORMAT_ROMAN, "CCLVI", "file.hex:1: 'CCLVI' does not fit into a byte of lfuse");
    assert_fails(FORMAT_DECIMAL, "XIV", "file.hex:1: 'XIV' is not a number");
}

static void assert_writes(enum format format, const char *bytes, size_t size, const char *wanted)
{
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(
        image_put(image, 0, (const uint8_t *)bytes, size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    uint8_t *out;
    size_t out_size;
    assert_int_equal(format_write(format, image, NULL, &out, &out_size, &e), STATUS_OK);
    assert_int_equal(out_size, strlen(wanted));
    assert_memory_equal(out, wanted, out_size);
    free(out);
    image_free(image);
}

static void lists_are_written_as_scripts_expect_them(void **state)
{
    (void)state;
    assert_writes(FORMAT_HEX, "\x1e\x95\x0f\x00", 4, "0x1e,0x95,0xf,0x0\n");
    assert_writes(FORMAT_DECIMAL, "\x62\x00\xff", 3, "98,0,255\n");
    assert_writes(FORMAT_OCTAL, "\x62\x07\x08\x00", 4, "0142,7,010,0\n");
    assert_writes(FORMAT_BINARY, "\x62\x01\x00\x80", 4, "0b1100010,0b1,0b0,0b10000000\n");
    assert_writes(FORMAT_ROMAN, "\x62\x00\xff", 3, "XCVIII,0,CCLV\n");
    assert_writes(FORMAT_HEX, "", 0, "\n");
}

static void a_list_cannot_have_holes(void **state)
{
    (void)state;
    struct image *image = image_new();
    struct error e = {0};
    uint8_t *out = NULL;
    size_t size;
    assert_int_equal(image_put(image, 1, (const uint8_t *)"a", 1, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(format_write(FORMAT_HEX, image, NULL, &out, &size, &e), STATUS_OUTPUT);
    assert_string_equal(e.text, "a list of numbers cannot leave out address 0x0");
    assert_int_equal(image_put(image, 0, (const uint8_t *)"a", 1, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(image_put(image, 5, (const uint8_t *)"a", 1, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(format_write(FORMAT_HEX, image, NULL, &out, &size, &e), STATUS_OUTPUT);
    assert_string_equal(e.text, "a list of numbers cannot leave out address 0x2");
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(immediate_numbers_are_separated_by_comma_or_space),
        cmocka_unit_test(every_c_notation_is_read),
        cmocka_unit_test(leading_zeros_do_not_widen_a_number),
        cmocka_unit_test(data_may_be_wider_than_a_byte),
        cmocka_unit_test(wrong_data_say_what_is_wrong),
        cmocka_unit_test(empty_immediate_data_are_an_empty_image),
        cmocka_unit_test(a_value_that_does_not_fit_is_refused),
        cmocka_unit_test(what_is_no_number_is_shown),
        cmocka_unit_test(a_missing_number_does_not_shift_the_others),
        cmocka_unit_test(too_many_numbers_are_refused),
        cmocka_unit_test(lists_mix_notations_lines_and_comments),
        cmocka_unit_test(roman_numerals_are_read_in_their_proper_spelling),
        cmocka_unit_test(lists_are_written_as_scripts_expect_them),
        cmocka_unit_test(a_list_cannot_have_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
