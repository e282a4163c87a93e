#include <stdlib.h>
#include <string.h>

#include "reading.h"

#define HEADER "S00600004844521B\n"    /* "HDR" */
#define HELLO "S108003848656C6C6FCB\n" /* "Hello" at 0x38 */
#define END "S9030000FC\n"

static void assert_reads(const char *text, uint32_t address, const char *bytes)
{
    struct reading r = read_text(FORMAT_SREC, text, NULL);
    assert_image(&r, address, bytes, strlen(bytes));
    reading_free(&r);
}

static void assert_fails(const char *text, const char *message)
{
    struct reading r = read_text(FORMAT_SREC, text, &test_flash);
    assert_input_error(&r, message);
}

static void all_three_address_widths_are_read(void **state)
{
    (void)state;
    assert_reads(HEADER HELLO END, 0x38, "Hello");
    assert_reads("S207010000414243"
                 "31\nS804000000FB\n",
                 0x10000, "ABC");
    assert_reads("S30808000000414243"
                 "29\nS70500000000FA\n",
                 0x8000000, "ABC");
}

static void lower_case_and_other_line_ends_are_read(void **state)
{
    (void)state;
    assert_reads("s108003848656c6c6fcb\r\ns9030000fc\r\n", 0x38, "Hello");
}

static void other_lines_and_text_behind_a_record_are_passed_over(void **state)
{
    (void)state;
    struct reading r =
        read_text(FORMAT_SREC, "made by hand\nS108003848656C6C6FCB ; Hello\n" END, &test_flash);
    assert_image(&r, 0x38, "Hello", 5);
    assert_string_equal(
        r.told, "note: file.hex: 1 line without a record passed over, the first is line 1\n");
    reading_free(&r);
}

static void a_record_count_is_checked(void **state)
{
    (void)state;
    assert_reads(HELLO "S5030001FB\n" END, 0x38, "Hello");
    assert_reads(HELLO "S604000001FA\n" END, 0x38, "Hello");
    assert_fails(HELLO "S5030003F9\n" END,
                 "file.hex:2: counts 3 data records, but 1 came before it");
}

static void a_right_count_proves_that_the_file_is_whole(void **state)
{
    (void)state;
    assert_reads(HELLO "S5030001FB\n", 0x38, "Hello");
    assert_fails("S5030000FC\n" HELLO, "file.hex:2: no end record: the file is cut short");
}

static void nothing_but_an_end_record_is_an_empty_image(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_SREC, END, &test_flash);
    assert_int_equal(r.status, STATUS_OK);
    assert_true(image_empty(r.image));
    reading_free(&r);
}

static void what_is_wrong_with_a_line_is_said(void **state)
{
    (void)state;
    assert_fails("S108003848656C6C6FCA\n" END, "file.hex:1: checksum is 0xca, should be 0xcb");
    assert_fails("S108003848656C6C6F\n" END, "file.hex:1: short line: 16 of 18 hex digits");
    assert_fails("S1\n" END, "file.hex:1: short line: 0 of 8 hex digits");
    assert_fails("S108003848656C6C6FCB00\n" END,
                 "file.hex:1: 20 hex digits, but the record's length byte asks for 18");
    assert_fails("S10800384865XC6C6FCB\n" END, "file.hex:1: column 13 is no hex digit");
    assert_fails("S4030000FC\n" END, "file.hex:1: S4 records are reserved");
    assert_fails("S30300"
                 "00FC\n" END,
                 "file.hex:1: an S3 record has 5 bytes at least, not 3");
    assert_fails("S100FF\n" END, "file.hex:1: an S1 record has 3 bytes at least, not 0");
}

static void a_file_cut_short_or_pasted_is_refused(void **state)
{
    (void)state;
    assert_fails(HEADER HELLO, "file.hex:2: no end record: the file is cut short");
    assert_fails(HELLO END HELLO END, "file.hex:3: data after the end record in line 2");
    const struct format_input in = {.name = "file.hex",
                                    .data = (const uint8_t *)(END HELLO),
                                    .size = strlen(END HELLO),
                                    .format = FORMAT_SREC,
                                    .memory = &test_flash,
                                    .allow = FORMAT_ALLOW_DATA_AFTER_END};
    struct reading r = read_bytes(&in);
    assert_image(&r, 0x38, "Hello", 5);
    reading_free(&r);
}

static void a_file_without_records_is_refused(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_SREC, ":00000001FF\n", &test_flash);
    assert_input_error(&r, "file.hex: no S-record in it");
    assert_string_equal(r.error.hint, "it looks like Intel HEX: `:i`");
}

static void assert_writes(uint32_t address, const char *wanted)
{
    struct image *image = image_new();
    struct error e = {0};
    assert_int_equal(
        image_put(image, address, (const uint8_t *)"ABC", 3, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    uint8_t *out;
    size_t size;
    assert_int_equal(format_write(FORMAT_SREC, image, NULL, &out, &size, &e), STATUS_OK);
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(out, wanted, size);
    free(out);
    image_free(image);
}

static void the_highest_address_chooses_the_kind_of_record(void **state)
{
    (void)state;
    assert_writes(0xfffd, "S00B0000697370666C6173689A\nS106FFFD41424337\nS5030001FB\n"
                          "S9030000FC\n");
    assert_writes(0xfffe, "S00B0000697370666C6173689A\nS20700FFFE41424335\nS5030001FB\n"
                          "S804000000FB\n");
    assert_writes(0x1000000, "S00B0000697370666C6173689A\nS308010000004142"
                             "4330\n"
                             "S5030001FB\nS70500000000FA\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_address_widths_are_read),
        cmocka_unit_test(lower_case_and_other_line_ends_are_read),
        cmocka_unit_test(other_lines_and_text_behind_a_record_are_passed_over),
        cmocka_unit_test(a_record_count_is_checked),
        cmocka_unit_test(a_right_count_proves_that_the_file_is_whole),
        cmocka_unit_test(nothing_but_an_end_record_is_an_empty_image),
        cmocka_unit_test(what_is_wrong_with_a_line_is_said),
        cmocka_unit_test(a_file_cut_short_or_pasted_is_refused),
        cmocka_unit_test(a_file_without_records_is_refused),
        cmocka_unit_test(the_highest_address_chooses_the_kind_of_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
