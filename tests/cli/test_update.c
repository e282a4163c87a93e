/* The grammar of -U, row by row. */
#include <stdio.h>
#include <string.h>

#include "cli/update.h"
#include "support/test.h"

/* `meaning` is "memory|operation|file|format", or "!" and the start of the sentence. */
struct row {
    const char *text, *meaning;
};

static void check_rows(const struct row *rows, size_t count, enum status refusal)
{
    for (size_t i = 0; i < count; i++) {
        struct update u = {0};
        struct error e = {0};
        char meaning[700];
        const enum status status = update_parse(rows[i].text, &u, &e);
        if (status == STATUS_OK)
            (void)snprintf(meaning, sizeof meaning, "%s|%c|%s|%c", u.memory, "rwv"[u.kind], u.file,
                           (char)u.format);
        else
            (void)snprintf(meaning, sizeof meaning, "!%s", e.text);
        update_free(&u);
        if (rows[i].meaning[0] == '!') {
            assert_int_equal(status, refusal);
            char prefix[700];
            (void)snprintf(prefix, sizeof prefix, "!-U %s: %s", rows[i].text, rows[i].meaning + 1);
            meaning[strlen(prefix) < sizeof meaning ? strlen(prefix) : 0] = '\0';
            assert_string_equal(meaning, prefix);
        } else {
            assert_string_equal(meaning, rows[i].meaning);
        }
    }
}

#define CHECK(rows, refusal) check_rows(rows, sizeof(rows) / sizeof(rows)[0], refusal)

static void memory_operation_file_and_format_are_told_apart(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"flash:w:x.hex:i", "flash|w|x.hex|i"},
        {"flash:w:x.hex", "flash|w|x.hex|a"},
        {"flash:v:x.hex", "flash|v|x.hex|a"},
        {"flash:r:x.bin", "flash|r|x.bin|r"},
        {"flash:r:x.hex:i", "flash|r|x.hex|i"},
        {"flash:r:x.hex:I", "flash|r|x.hex|I"},
        {"eeprom:r:x:s", "eeprom|r|x|s"},
        {"lfuse:w:0xff:m", "lfuse|w|0xff|m"},
        {"lfuse:r:-:h", "lfuse|r|-|h"},
        {"lfuse:r:-:d", "lfuse|r|-|d"},
        {"lfuse:r:-:o", "lfuse|r|-|o"},
        {"lfuse:r:-:b", "lfuse|r|-|b"},
        {"lfuse:r:-:R", "lfuse|r|-|R"},
        {"lfuse:r:-", "lfuse|r|-|r"},
        {"flash:w:-", "flash|w|-|a"},
        {"flash:w:-:i", "flash|w|-|i"},
        {"fl:w:x.hex", "fl|w|x.hex|a"},
        {"FLASH:w:x.hex", "FLASH|w|x.hex|a"},
        {"no-such-memory:w:x", "no-such-memory|w|x|a"},
        {"flash:w:0x12,0x34 0x56:m", "flash|w|0x12,0x34 0x56|m"},
        {"flash:w:a b.hex", "flash|w|a b.hex|a"},
        {"flash:w:\xc3\xbc.hex:i", "flash|w|\xc3\xbc.hex|i"},
        {"all_of_it:r:x", "all_of_it|r|x|r"},
        {"etcetera:r:x", "etcetera|r|x|r"},
    };
    CHECK(rows, STATUS_OK);
}

static void a_file_alone_is_written_to_flash(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"x.hex", "flash|w|x.hex|a"}, {"x.hex:i", "flash|w|x.hex|i"},         {"-", "flash|w|-|a"},
        {"-:i", "flash|w|-|i"},       {"/a/b/x.hex", "flash|w|/a/b/x.hex|a"}, {"x", "flash|w|x|a"},
        {"flash", "flash|w|flash|a"}, {"0xff:m", "flash|w|0xff|m"},
    };
    CHECK(rows, STATUS_OK);
}

/* U29: drive letters, colons and spaces in file names. */
static void colons_in_file_names_stay_there(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"C:/x.hex", "flash|w|C:/x.hex|a"},
        {"C:\\x.hex", "flash|w|C:\\x.hex|a"},
        {"C:/x.hex:i", "flash|w|C:/x.hex|i"},
        {"flash:w:C:/x.hex", "flash|w|C:/x.hex|a"},
        {"flash:w:C:/x.hex:i", "flash|w|C:/x.hex|i"},
        {"flash:w:C:\\My Files\\x.hex:i", "flash|w|C:\\My Files\\x.hex|i"},
        {"flash:r:C:/x.bin:r", "flash|r|C:/x.bin|r"},
        {"flash:w:a:b:c:i", "flash|w|a:b:c|i"},
        {"flash:w:a:bc", "flash|w|a:bc|a"},
        {"flash:w:12:34:56.hex", "flash|w|12:34:56.hex|a"},
        {"12:34:56.hex", "flash|w|12:34:56.hex|a"},
        {"flash:ww:xy", "flash|w|flash:ww:xy|a"},
        {"flash::x.hex", "flash|w|flash::x.hex|a"},
        {"flash:", "flash|w|flash:|a"},
        {"flash:w:x:i:i", "flash|w|x:i|i"},
        {":x.hex", "flash|w|:x.hex|a"},
    };
    CHECK(rows, STATUS_OK);
}

/* IDEs write this for a board whose chip has no such fuse. */
static void an_empty_immediate_value_is_no_data(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"efuse:w::m", "efuse|w||m"},
        {"efuse:v::m", "efuse|v||m"},
    };
    CHECK(rows, STATUS_OK);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"flash:x:file", "!operation 'x' is not"},
        {"flash:R:file", "!operation 'R' is not"},
        {"a:b:c", "!operation 'b' is not"},
        {"flash:w", "!'w' is no file format"},
        {"flash:w:x.hex:q", "!'q' is no file format"},
        {"flash:w:x.hex:A", "!'A' is no file format"},
        {"flash:w:ab:c", "!'c' is no file format"},
        {"x.hex:2", "!'2' is no file format"},
        {"flash:r:x:a", "!format 'a' (automatic) cannot be written"},
        {"flash:r:x:e", "!format 'e' (ELF) cannot be written"},
        {"lfuse:r:0xff:m", "!format 'm' (immediate data) cannot be written"},
        {"efuse:r::m", "!format 'm' (immediate data) cannot be written"},
        {":w:x.hex", "!no memory is named"},
        {"flash:w:", "!no file is named"},
        {"flash:r:", "!no file is named"},
        {"", "!no file is named"},
    };
    CHECK(rows, STATUS_USAGE);
}

static void lists_of_memories_want_a_format_with_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum format format; /* 0: refused */
    } rows[] = {
        {"flash,eeprom:r:x.hex", FORMAT_IHEX_COMMENTS},
        {"ALL:r:x.hex:i", FORMAT_IHEX},
        {"all:r:x.srec:s", FORMAT_SREC},
        {"etc:w:x.elf", FORMAT_AUTO},
        {"all,-eeprom:w:x.elf:e", FORMAT_ELF},
        {"\\eeprom:v:x.hex:I", FORMAT_IHEX_COMMENTS},
        {"flash,eeprom:r:x.bin:r", (enum format)0},
        {"lfuse,hfuse:r:-:h", (enum format)0},
        {"lfuse,hfuse:w:0x62,0xd9:m", (enum format)0},
        {"all:r:x.elf:e", (enum format)0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct update update = {0};
        struct error e = {0};
        const enum status status = update_parse(rows[i].text, &update, &e);
        if (rows[i].format == 0) {
            assert_int_equal(status, STATUS_USAGE);
            continue;
        }
        assert_string_equal(e.text, "");
        assert_true(update.several);
        assert_int_equal(update.format, rows[i].format);
        update_free(&update);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_operation_file_and_format_are_told_apart),
        cmocka_unit_test(a_file_alone_is_written_to_flash),
        cmocka_unit_test(colons_in_file_names_stay_there),
        cmocka_unit_test(an_empty_immediate_value_is_no_data),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(lists_of_memories_want_a_format_with_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
