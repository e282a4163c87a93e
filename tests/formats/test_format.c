/* Detection, raw files, and how a file's addresses become those of a memory. */
#include <stdlib.h>
#include <string.h>

#include "reading.h"

#define END ":00000001FF\n"
#define EEPROM_BASE ":02000004008179\n"
#define FUSE_BASE ":02000004008278\n"
#define LOCK_BASE ":02000004008377\n"
#define ABCD ":0400100041424344E2\n" /* "ABCD" at 0x0010 */

static void assert_detects(const char *name, const char *data, size_t size, enum format format)
{
    const struct format_input in = {.name = name, .data = (const uint8_t *)data, .size = size};
    struct error e = {0};
    enum format found = FORMAT_AUTO;
    assert_int_equal(format_detect(&in, &found, &e), STATUS_OK);
    assert_int_equal(found, format);
}

static void assert_undetected(const char *name, const char *data, size_t size, const char *message)
{
    const struct format_input in = {.name = name, .data = (const uint8_t *)data, .size = size};
    struct error e = {0};
    enum format found = FORMAT_AUTO;
    assert_int_equal(format_detect(&in, &found, &e), STATUS_INPUT);
    assert_string_equal(e.text, message);
    assert_int_equal(found, FORMAT_AUTO);
}

#define DETECTS(data, format) assert_detects("a.bin", data, sizeof data - 1, format)

static void content_decides_the_format(void **state)
{
    (void)state;
    DETECTS("\x7f"
            "ELF\x01\x01",
            FORMAT_ELF);
    DETECTS(END, FORMAT_IHEX);
    DETECTS("S9030000FC\n", FORMAT_SREC);
    DETECTS("0x1e,0x95,0xf\n", FORMAT_HEX);
    DETECTS("98 # low fuse\n0x10", FORMAT_DECIMAL);
    DETECTS("0142", FORMAT_OCTAL);
    DETECTS("0b1100010", FORMAT_BINARY);
    DETECTS("\x0c\x94\x34\x00", FORMAT_RAW);
    DETECTS("\xe2", FORMAT_RAW);
}

static void a_comment_in_any_alphabet_does_not_hide_a_record(void **state)
{
    (void)state;
    DETECTS("; \xc3\xa9t\xc3\xa9\n\n" END, FORMAT_IHEX);
    DETECTS("hello\nS9030000FC\n", FORMAT_SREC);
}

static void binary_data_before_a_record_are_raw(void **state)
{
    (void)state;
    DETECTS("\x01\x02\n" END, FORMAT_RAW);
}

static void text_that_is_nothing_known_asks_for_the_format(void **state)
{
    (void)state;
    assert_undetected("a.c", "int a;\n", 7, "a.c: is text, but no format that is known");
    assert_undetected("a.txt", "1,,2", 4, "a.txt: is text, but no format that is known");
    assert_undetected("a.txt", "\n", 1, "a.txt: is text, but no format that is known");
    assert_undetected("a.txt", "", 0, "a.txt: empty");
}

static void binary_data_under_the_name_of_a_text_format_are_refused(void **state)
{
    (void)state;
    assert_undetected("a.HEX", "\x01\x02", 2, "a.HEX: is binary, though its name says Intel HEX");
    assert_undetected("a.s19", "\x01\x02", 2,
                      "a.s19: is binary, though its name says Motorola S-record");
    assert_detects(".hex", "\x01\x02", 2, FORMAT_RAW);
    assert_detects("a.hex", "S9030000FC\n", 11, FORMAT_SREC);
}

static void what_was_detected_is_told(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_AUTO, ABCD END, &test_flash);
    assert_image(&r, 0x10, "ABCD", 4);
    assert_int_equal(r.format, FORMAT_IHEX);
    assert_string_equal(r.told, "detail: file.hex: read as Intel HEX\n");
    reading_free(&r);
}

static void elf_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_AUTO,
                                 "\x7f"
                                 "ELF\x01\x01",
                                 &test_flash);
    assert_input_error(&r, "file.hex: the ELF file is cut short, within its header");
    r = read_text(FORMAT_ELF, END, &test_flash);
    assert_input_error(&r, "file.hex: not an ELF file");
    assert_string_equal(r.error.hint, "it looks like Intel HEX: `:i`");
}

static void raw_bytes_begin_where_the_memory_begins(void **state)
{
    (void)state;
    static const struct memory high = {.name = "flash", .base = 0x8000000, .size = 4};
    struct reading r = read_text(FORMAT_RAW, "abcd", &high);
    assert_image(&r, 0x8000000, "abcd", 4);
    reading_free(&r);
    r = read_text(FORMAT_RAW, "abcde", &high);
    assert_input_error(&r, "file.hex: 5 bytes, but flash has 4 (1 too many)");
    r = read_text(FORMAT_IMMEDIATE, "1,2", &high);
    assert_image(&r, 0x8000000, "\x01\x02", 2);
    reading_free(&r);
}

static void a_hex_file_taken_as_raw_is_warned_of(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_RAW, END, &test_flash);
    assert_int_equal(r.status, STATUS_OK);
    assert_string_equal(
        r.told, "warning: file.hex: looks like Intel HEX, but is taken as raw bytes as asked\n");
    reading_free(&r);
}

static void data_beyond_the_memory_name_line_and_amount(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, ABCD ":047FFE004142434475\n" END, &test_flash);
    assert_input_error(&r, "file.hex:2: data up to 0x8001, but flash ends at 0x7fff (32768 "
                           "bytes): 2 bytes too far");
    r = read_text(FORMAT_IHEX, ":0104000041BA\n" END, &test_eeprom);
    assert_input_error(&r, "file.hex:1: the data begin beyond the memory and run to 0x400, but "
                           "eeprom ends at 0x3ff (1024 bytes): 1 byte too far");
}

static void a_file_that_fills_the_memory_to_the_last_byte_fits(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, ":047FFC004142434477\n" END, &test_flash);
    assert_image(&r, 0x7ffc, "ABCD", 4);
    reading_free(&r);
}

static void data_before_the_memory_are_refused(void **state)
{
    (void)state;
    static const struct memory high = {.name = "flash", .base = 0x8000000, .size = 0x10000};
    struct reading r = read_text(FORMAT_IHEX, ABCD END, &high);
    assert_input_error(&r, "file.hex:1: data at 0x10, but flash begins at 0x8000000");
    r = read_text(FORMAT_IHEX, ":020000040800F2\n" ABCD END, &high);
    assert_image(&r, 0x8000010, "ABCD", 4);
    reading_free(&r);
}

static void eeprom_data_may_stand_at_their_gnu_address(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, EEPROM_BASE ABCD END, &test_eeprom);
    assert_image(&r, 0x10, "ABCD", 4);
    assert_string_equal(r.told, "");
    reading_free(&r);
    r = read_text(FORMAT_IHEX, EEPROM_BASE ":0403FE0041424344F1\n" END, &test_eeprom);
    assert_input_error(&r, "file.hex:2: data up to 0x401, but eeprom ends at 0x3ff (1024 "
                           "bytes): 2 bytes too far");
}

static void flash_that_does_not_begin_at_0_keeps_its_addresses(void **state)
{
    (void)state;
    static const struct memory upper = {
        .name = "flash", .kind = MEMORY_FLASH, .base = 0x8000, .size = 0x5000};
    struct reading r = read_text(FORMAT_IHEX, ":048000004142434472\n" EEPROM_BASE ABCD END, &upper);
    assert_image(&r, 0x8000, "ABCD", 4);
    reading_free(&r);
    r = read_text(FORMAT_IHEX, ABCD EEPROM_BASE ABCD END, &upper);
    assert_input_error(&r, "file.hex:1: data at 0x10, but flash begins at 0x8000");
}

static void each_fuse_byte_takes_its_own(void **state)
{
    (void)state;
    const char *fuses = FUSE_BASE ":0300000062DEFDC0\n" LOCK_BASE ":01000000CF30\n" END;
    struct reading r = read_text(FORMAT_IHEX, fuses, &test_hfuse);
    assert_image(&r, 0, "\xde", 1);
    assert_string_equal(r.told, "note: file.hex: only what is for hfuse is used; left out: "
                                "2 bytes for fuses, 1 for lock\n");
    reading_free(&r);
    r = read_text(FORMAT_IHEX, fuses, &test_lfuse);
    assert_image(&r, 0, "\x62", 1);
    reading_free(&r);
    r = read_text(FORMAT_IHEX, fuses, &test_lock);
    assert_image(&r, 0, "\xcf", 1);
    reading_free(&r);
}

static void flash_takes_its_own_and_says_what_is_left_out(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, ABCD EEPROM_BASE ABCD END, &test_flash);
    assert_image(&r, 0x10, "ABCD", 4);
    assert_string_equal(r.told, "note: file.hex: only what is for flash is used; left out: "
                                "4 bytes for eeprom\n");
    reading_free(&r);
}

static void a_file_without_anything_for_the_memory_is_refused(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX, EEPROM_BASE ABCD END, &test_flash);
    assert_input_error(&r, "file.hex: nothing for flash in it, only 4 bytes for eeprom");
}

static void data_for_ram_or_for_nothing_are_refused(void **state)
{
    (void)state;
    struct reading r = read_text(FORMAT_IHEX,
                                 ABCD ":02000004008"
                                      "07A\n" ABCD END,
                                 &test_flash);
    assert_input_error(&r, "file.hex:3: data for RAM at 0x800010, which cannot be programmed");
    r = read_text(FORMAT_IHEX, ABCD ":020000040800F2\n" ABCD END, &test_flash);
    assert_input_error(&r, "file.hex:3: data at 0x8000010, beyond every memory");
}

static void a_memory_without_a_place_in_the_map_says_so(void **state)
{
    (void)state;
    static const struct memory odd = {.name = "wdtcfg", .kind = MEMORY_FUSE, .size = 1};
    struct reading r = read_text(FORMAT_IHEX, FUSE_BASE ABCD END, &odd);
    assert_input_error(&r, "file.hex: follows the GNU address map, in which wdtcfg has no place");
}

static void letters_are_known_by_name(void **state)
{
    (void)state;
    const char *name = NULL;
    assert_true(format_known('i', &name));
    assert_string_equal(name, "Intel HEX");
    assert_false(format_known('x', NULL));
    assert_true(format_known('a', NULL));
    assert_true(format_writable(FORMAT_ROMAN));
    assert_false(format_writable(FORMAT_IMMEDIATE));
    assert_false(format_writable(FORMAT_ELF));
    assert_false(format_writable(FORMAT_AUTO));
}

static void what_cannot_be_written_says_so(void **state)
{
    (void)state;
    struct image *image = image_new();
    struct error e = {0};
    uint8_t *out = NULL;
    size_t size = 0;
    assert_int_equal(format_write(FORMAT_ELF, image, NULL, &out, &size, &e), STATUS_USAGE);
    assert_string_equal(e.text, "ELF cannot be written");
    assert_null(out);
    image_free(image);
}

static void a_letter_that_is_no_format_is_a_usage_error(void **state)
{
    (void)state;
    struct reading r = read_text((enum format)'x', END, &test_flash);
    assert_int_equal(r.status, STATUS_USAGE);
    assert_string_equal(r.error.text, "file.hex: no such format: x");
}

static void raw_fills_holes_from_the_base_on(void **state)
{
    (void)state;
    static const struct memory high = {.name = "flash", .base = 0x100, .size = 0x100};
    struct image *image = image_new();
    struct error e = {0};
    uint8_t *out;
    size_t size;
    assert_int_equal(format_write(FORMAT_RAW, image, &high, &out, &size, &e), STATUS_OK);
    assert_int_equal(size, 0);
    free(out);
    assert_int_equal(
        image_put(image, 0x102, (const uint8_t *)"ab", 2, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(image_put(image, 0x105, (const uint8_t *)"c", 1, IMAGE_OVERLAP_SAME, NULL, &e),
                     0);
    assert_int_equal(format_write(FORMAT_RAW, image, &high, &out, &size, &e), STATUS_OK);
    assert_int_equal(size, 6);
    assert_memory_equal(out,
                        "\xff\xff"
                        "ab\xff"
                        "c",
                        6);
    free(out);
    assert_int_equal(image_put(image, 0, (const uint8_t *)"c", 1, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    assert_int_equal(format_write(FORMAT_RAW, image, &high, &out, &size, &e), STATUS_OUTPUT);
    assert_string_equal(e.text,
                        "data at 0x0, before the memory begins at 0x100: not for a raw file");
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_decides_the_format),
        cmocka_unit_test(a_comment_in_any_alphabet_does_not_hide_a_record),
        cmocka_unit_test(binary_data_before_a_record_are_raw),
        cmocka_unit_test(text_that_is_nothing_known_asks_for_the_format),
        cmocka_unit_test(binary_data_under_the_name_of_a_text_format_are_refused),
        cmocka_unit_test(what_was_detected_is_told),
        cmocka_unit_test(elf_is_known_by_its_first_bytes),
        cmocka_unit_test(raw_bytes_begin_where_the_memory_begins),
        cmocka_unit_test(a_hex_file_taken_as_raw_is_warned_of),
        cmocka_unit_test(data_beyond_the_memory_name_line_and_amount),
        cmocka_unit_test(a_file_that_fills_the_memory_to_the_last_byte_fits),
        cmocka_unit_test(data_before_the_memory_are_refused),
        cmocka_unit_test(eeprom_data_may_stand_at_their_gnu_address),
        cmocka_unit_test(flash_that_does_not_begin_at_0_keeps_its_addresses),
        cmocka_unit_test(each_fuse_byte_takes_its_own),
        cmocka_unit_test(flash_takes_its_own_and_says_what_is_left_out),
        cmocka_unit_test(a_file_without_anything_for_the_memory_is_refused),
        cmocka_unit_test(data_for_ram_or_for_nothing_are_refused),
        cmocka_unit_test(a_memory_without_a_place_in_the_map_says_so),
        cmocka_unit_test(letters_are_known_by_name),
        cmocka_unit_test(what_cannot_be_written_says_so),
        cmocka_unit_test(a_letter_that_is_no_format_is_a_usage_error),
        cmocka_unit_test(raw_fills_holes_from_the_base_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
