#include <stdlib.h>
#include <string.h>

#include "reading.h"

#define END ":00000001FF\n"
#define ABCD ":0400100041424344E2\n" /* "ABCD" at 0x0010 */

static void assert_reads(const char *text, uint32_t address, const char *bytes)
{
    struct reading r = read_text(FORMAT_IHEX, text, NULL);
    assert_image(&r, address, bytes, strlen(bytes));
    reading_free(&r);
}

static void assert_fails(const char *text, const char *message)
{
    struct reading r = read_text(FORMAT_IHEX, text, &test_flash);
    assert_input_error(&r, message);
}

static struct reading read_allowing(const char *text, unsigned allow)
{
    const struct format_input in = {.name = "file.hex",
                                    .data = (const uint8_t *)text,
                                    .size = strlen(text),
                                    .format = FORMAT_IHEX,
                                    .memory = &test_flash,
                                    .allow = allow};
    return read_bytes(&in);
}

static void a_data_record_goes_to_its_address(void **state)
{
    (void)state;
    assert_reads(ABCD END, 0x10, "ABCD");
}

static void line_ends_and_letter_case_do_not_matter(void **state)
{
    (void)state;
    assert_reads(":0400100041424344e2\r\n:00000001ff\r\n", 0x10, "ABCD");
    assert_reads(":0400100041424344e2\r:00000001fF\r", 0x10, "ABCD");
    assert_reads(":0400100041424344E2\n:00000001FF", 0x10, "ABCD");
}

static void a_byte_order_mark_and_indentation_hide_no_record(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbf" ABCD "  \t" END, 0x10, "ABCD");
}

static void records_may_come_in_any_order_with_gaps(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX,
                                 ":01002000"
                                 "7A65\n" ABCD ":00003000D0\n" END,
                                 &test_flash);
    assert_int_equal(r.status, STATUS_OK);
    assert_int_equal(image_bytes(r.image), 5);
    assert_int_equal(image_low(r.image), 0x10);
    assert_int_equal(image_end(r.image), 0x21);
    assert_false(image_get(r.image, 0x14, NULL));
    reading_free(&r);
}

static void nothing_but_an_end_record_is_an_empty_image(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, END, &test_eeprom);
    assert_int_equal(r.status, STATUS_OK);
    assert_true(image_empty(r.image));
    reading_free(&r);
}

static void other_lines_and_text_behind_a_record_are_passed_over_and_told(void **state)
{
    (void)state;
    struct reading r =
        read_text(FORMAT_IHEX, "\n; made by hand\nhello\n:0400100041424344E2 // text\n" END "\x1a",
                  &test_flash);
    assert_image(&r, 0x10, "ABCD", 4);
    assert_string_equal(
        r.told, "note: file.hex: 2 lines without a record passed over, the first is line 2\n");
    reading_free(&r);
}

static void a_check_without_a_memory_tells_nothing(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, "hello\n" ABCD END, NULL);
    assert_string_equal(r.told, "");
    reading_free(&r);
}

static void an_extended_linear_address_moves_what_follows(void **state)
{
    (void)state;
    assert_reads(":020000040001F9\n" ABCD END, 0x10010, "ABCD");
    assert_reads(":020000040800F2\n" ABCD END, 0x8000010, "ABCD");
}

static void an_extended_segment_address_moves_what_follows(void **state)
{
    (void)state;
    assert_reads(":020000021000EC\n" ABCD END, 0x10010, "ABCD");
    assert_reads(":020000021234B6\n" ABCD END, 0x12350, "ABCD");
}

static void segment_and_linear_address_replace_each_other(void **state)
{
    (void)state;
    assert_reads(":020000021000EC\n:020000040002F8\n" ABCD END, 0x20010, "ABCD");
    assert_reads(":020000040002F8\n:020000021000EC\n" ABCD END, 0x10010, "ABCD");
}

static void offsets_wrap_within_a_segment(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, ":020000021000EC\n:04FFFE0041424344F5\n" END, NULL);
    assert_int_equal(r.status, STATUS_OK);
    uint8_t found[4] = {0};
    assert_int_equal(image_copy(r.image, 0x1fffe, found, 2, 0), 2);
    assert_int_equal(image_copy(r.image, 0x10000, found + 2, 2, 0), 2);
    assert_memory_equal(found, "ABCD", 4);
    reading_free(&r);
}

static void data_run_on_across_64_kib_after_a_linear_address(void **state)
{
    (void)state;
    assert_reads(":020000040001F9\n:04FFFE0041424344F5\n" END, 0x1fffe, "ABCD");
}

static void without_either_nothing_lies_beyond_ffff(void **state)
{
    (void)state;
    assert_fails(":04FFFE0041424344F5\n" END,
                 "file.hex:1: data run past 0xffff without an extended address record");
}

static void data_past_32_bits_are_refused(void **state)
{
    (void)state;
    assert_fails(":02000004FFFFFC\n:04FFFE0041424344F5\n" END,
                 "file.hex:2: data beyond the 32-bit addresses");
}

static void start_addresses_are_no_data(void **state)
{
    (void)state;
    assert_reads(":0400000300003800C1\n" ABCD ":04000005000000CD2A\n" END, 0x10, "ABCD");
}

static void a_wrong_checksum_names_the_right_one(void **state)
{
    (void)state;
    assert_fails(END ":0400100041424344E3\n", "file.hex:2: checksum is 0xe3, should be 0xe2");
}

static void in_the_format_with_comments_it_is_a_warning(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX_COMMENTS,
                                 "// flash\n:0400100041424344E3 // 00010> ABCD\n" END, &test_flash);
    assert_image(&r, 0x10, "ABCD", 4);
    assert_string_equal(r.told,
                        "detail: file.hex: 1 line without a record passed over, the first is "
                        "line 1\nwarning: file.hex: 1 wrong checksum, the first in line 2\n");
    reading_free(&r);
}

static void a_short_line_says_how_short(void **state)
{
    (void)state;
    assert_fails(":0400100041424344\n" END, "file.hex:1: short line: 16 of 18 hex digits");
    assert_fails(ABCD ":\n" END, "file.hex:2: short line: 0 of 10 hex digits");
    assert_fails(":040010004142434\n" END, "file.hex:1: short line: 15 of 18 hex digits");
}

static void a_line_longer_than_its_length_byte_is_refused(void **state)
{
    (void)state;
    assert_fails(":030010004142434426\n" END,
                 "file.hex:1: 18 hex digits, but the record's length byte asks for 16");
}

static void a_character_that_is_no_hex_digit_is_shown(void **state)
{
    (void)state;
    assert_fails(":04001000414Z4344E2\n" END, "file.hex:1: column 13 is no hex digit");
}

static void control_records_must_have_their_length(void **state)
{
    (void)state;
    assert_fails(":0100000400FB\n" END, "file.hex:1: a record of type 04 has 2 data bytes, not 1");
    assert_fails(":0100000200FD\n" END, "file.hex:1: a record of type 02 has 2 data bytes, not 1");
    assert_fails(":0100000300FC\n" END, "file.hex:1: a record of type 03 has 4 data bytes, not 1");
    assert_fails(":0100000500FA\n" END, "file.hex:1: a record of type 05 has 4 data bytes, not 1");
    assert_fails(":0100000100FE\n", "file.hex:1: a record of type 01 has 0 data bytes, not 1");
}

static void an_unknown_type_is_refused(void **state)
{
    (void)state;
    assert_fails(":00000006FA\n" END, "file.hex:1: unknown record type 06");
}

static void a_file_cut_short_is_refused_unless_allowed(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, ABCD "\n", &test_flash);
    assert_input_error(&r, "file.hex:1: no end record: the file is cut short");
    assert_string_equal(r.error.hint, "--allow no-end-record takes it as it is");
    r = read_allowing(ABCD, FORMAT_ALLOW_NO_END);
    assert_image(&r, 0x10, "ABCD", 4);
    reading_free(&r);
}

static void data_after_the_end_record_are_refused_unless_allowed(void **state)
{
    (void)state;
    const char *pasted = ":020000040000FA\n" END END ABCD END;
    struct reading r = read_text(FORMAT_IHEX, pasted, &test_flash);
    assert_input_error(&r, "file.hex:4: data after the end record in line 3");
    assert_non_null(strstr(r.error.hint, "`merge`"));
    r = read_allowing(pasted, FORMAT_ALLOW_DATA_AFTER_END);
    assert_image(&r, 0x10, "ABCD", 4);
    reading_free(&r);
}

static void a_second_file_begins_at_base_0(void **state)
{
    (void)state;
    struct reading r = read_allowing(":020000040800F2\n" END ABCD END, FORMAT_ALLOW_DATA_AFTER_END);
    assert_image(&r, 0x10, "ABCD", 4);
    reading_free(&r);
}

static void equal_overlap_is_fine(void **state)
{
    (void)state;
    assert_reads(ABCD ABCD END, 0x10, "ABCD");
}

static void different_overlap_names_both_lines_unless_allowed(void **state)
{
    (void)state;
    const char *twice = ABCD ":020012005845"
                             "4F\n" END;
    struct reading r = read_text(FORMAT_IHEX, twice, &test_flash);
    assert_input_error(&r, "file.hex:2: 0x58 for address 0x12, where line 1 has 0x43");
    assert_string_equal(r.error.hint, "--allow overlap lets the later line win");
    r = read_allowing(twice, FORMAT_ALLOW_OVERLAP);
    assert_image(&r, 0x10, "ABXE", 4);
    reading_free(&r);
}

static void a_file_of_another_kind_is_named(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, "int main(void)\n{\n}\n", &test_flash);
    assert_input_error(&r, "file.hex: no Intel HEX record in it");
    assert_string_equal(r.error.hint, "");
    r = read_text(FORMAT_IHEX, "S00600004844521B\nS9030000FC\n", &test_flash);
    assert_input_error(&r, "file.hex: no Intel HEX record in it");
    assert_string_equal(r.error.hint, "it looks like Motorola S-record: `:s`");
}

static void written_records_are_32_bytes_and_never_cross_64_kib(void **state)
{
    (void)state;
    struct image *image = image_new();
    struct error e = {0};
    uint8_t data[34];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(image_put(image, 0, data, 34, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(image_put(image, 0xffff, data, 2, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    uint8_t *out;
    size_t size;
    assert_int_equal(format_write(FORMAT_IHEX, image, NULL, &out, &size, &e), STATUS_OK);
    const char *wanted =
        ":20000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1FF0\n"
        ":020020002021"
        "9D\n"
        ":01FFFF000001\n"
        ":020000040001F9\n"
        ":0100000001FE\n" END;
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(out, wanted, size);
    free(out);
    image_free(image);
}

static void the_format_with_comments_shows_address_and_text(void **state)
{
    (void)state;
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(
        image_put(image, 0x10, (const uint8_t *)"AB\n", 3, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    uint8_t *out;
    size_t size;
    assert_int_equal(format_write(FORMAT_IHEX_COMMENTS, image, &test_eeprom, &out, &size, &e), 0);
    const char *wanted =
        ":0300100041420A60                                                          "
        " // 00010> AB.\n" END;
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(out, wanted, size);
    free(out);
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_data_record_goes_to_its_address),
        cmocka_unit_test(line_ends_and_letter_case_do_not_matter),
        cmocka_unit_test(a_byte_order_mark_and_indentation_hide_no_record),
        cmocka_unit_test(records_may_come_in_any_order_with_gaps),
        cmocka_unit_test(nothing_but_an_end_record_is_an_empty_image),
        cmocka_unit_test(other_lines_and_text_behind_a_record_are_passed_over_and_told),
        cmocka_unit_test(a_check_without_a_memory_tells_nothing),
        cmocka_unit_test(an_extended_linear_address_moves_what_follows),
        cmocka_unit_test(an_extended_segment_address_moves_what_follows),
        cmocka_unit_test(segment_and_linear_address_replace_each_other),
        cmocka_unit_test(offsets_wrap_within_a_segment),
        cmocka_unit_test(data_run_on_across_64_kib_after_a_linear_address),
        cmocka_unit_test(without_either_nothing_lies_beyond_ffff),
        cmocka_unit_test(data_past_32_bits_are_refused),
        cmocka_unit_test(start_addresses_are_no_data),
        cmocka_unit_test(a_wrong_checksum_names_the_right_one),
        cmocka_unit_test(in_the_format_with_comments_it_is_a_warning),
        cmocka_unit_test(a_short_line_says_how_short),
        cmocka_unit_test(a_line_longer_than_its_length_byte_is_refused),
        cmocka_unit_test(a_character_that_is_no_hex_digit_is_shown),
        cmocka_unit_test(control_records_must_have_their_length),
        cmocka_unit_test(an_unknown_type_is_refused),
        cmocka_unit_test(a_file_cut_short_is_refused_unless_allowed),
        cmocka_unit_test(data_after_the_end_record_are_refused_unless_allowed),
        cmocka_unit_test(a_second_file_begins_at_base_0),
        cmocka_unit_test(equal_overlap_is_fine),
        cmocka_unit_test(different_overlap_names_both_lines_unless_allowed),
        cmocka_unit_test(a_file_of_another_kind_is_named),
        cmocka_unit_test(written_records_are_32_bytes_and_never_cross_64_kib),
        cmocka_unit_test(the_format_with_comments_shows_address_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
