/* The small text file of fuse and lock bits. */
#include <stdlib.h>
#include <string.h>

#include "ispflash/fuses.h"
#include "support/test.h"

static struct part_database *parts;
static struct error e;

static int open_parts(void **state)
{
    (void)state;
    return part_database_open(&parts, &e) == STATUS_OK ? 0 : -1;
}

static int close_parts(void **state)
{
    (void)state;
    part_database_close(parts);
    return 0;
}

static const struct part *part(const char *name)
{
    const struct part *found = NULL;
    assert_int_equal(part_find(parts, name, &found, &e), STATUS_OK);
    return found;
}

static enum status read_text(const char *text, const char *expected, struct fuse_set *out)
{
    return fuse_file_read("board.fuses", (const uint8_t *)text, strlen(text), parts,
                          expected != NULL ? part(expected) : NULL, out, &e);
}

static void a_file_names_part_bytes_and_fields(void **state)
{
    (void)state;
    struct fuse_set s;
    assert_int_equal(read_text("# my board\r\n\npart = atmega328p\n lfuse=0xff # crystal\n"
                               "BODLEVEL = 2V7\nlock = 0xcf",
                               NULL, &s),
                     STATUS_OK);
    assert_string_equal(s.part->name, "ATmega328P");
    assert_int_equal(s.bytes[0].value, 0xff);
    assert_int_equal(s.bytes[1].given, 0);
    assert_int_equal(s.bytes[2].given, 0x07);
    assert_int_equal(s.bytes[2].value, 0xfd);
    assert_int_equal(s.bytes[3].value, 0xcf);
}

static void a_file_without_a_part_is_for_the_one_expected(void **state)
{
    (void)state;
    struct fuse_set s;
    assert_int_equal(read_text("lfuse = 0xff\n", "m328p", &s), STATUS_OK);
    assert_int_equal(read_text("lfuse = 0xff\n", NULL, &s), STATUS_INPUT);
    assert_non_null(strstr(e.text, "board.fuses:1: no part is named"));
    assert_int_equal(read_text("part = m328p\nlfuse = 0xff\n", "m328", &s), STATUS_OK); /* alike */
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected, *error;
    } cases[] = {
        {"part = m328p\nlfuse\n", NULL, "board.fuses:2: \"lfuse\" is not name = value"},
        {"part = m328p\nlfuse = 0x1ff\n", NULL, "board.fuses:2: lfuse=0x1ff"},
        {"part = m328p\n\nBODLEVL = 1\n", NULL, "board.fuses:3: the ATmega328P has no"},
        {"part = m328p\nlfuse = 0x62\nCKDIV8 = 1\n", NULL, "board.fuses:3: CKDIV8=1 contradicts"},
        {"part = m32u4\nlfuse = 0x62\n", "m328p",
         "board.fuses:1: the file is for an ATmega32U4, not for the ATmega328P"},
        {"part = m328p\npart = m328p\n", "m328p", "board.fuses:2: a second part line"},
        {"part = m328pp\n", NULL, "board.fuses:1:"},
        {"part = m328p\n", NULL, "board.fuses: no fuse or lock bits are in it"},
        {"", "m328p", "board.fuses: no fuse or lock bits are in it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fuse_set s;
        assert_int_equal(read_text(cases[i].text, cases[i].expected, &s), STATUS_INPUT);
        if (strstr(e.text, cases[i].error) == NULL)
            fail_msg("%s\nis not in: %s", cases[i].error, e.text);
    }
}

static void what_is_no_text_is_told(void **state)
{
    (void)state;
    struct fuse_set s;
    char line[600];
    memset(line, 'x', sizeof line);
    assert_int_equal(fuse_file_read("f", (const uint8_t *)line, sizeof line, parts, NULL, &s, &e),
                     STATUS_INPUT);
    assert_int_equal(fuse_file_read("f", (const uint8_t *)"\0\1", 2, parts, NULL, &s, &e),
                     STATUS_INPUT);
    assert_non_null(strstr(e.text, "f:1: not a line of text"));
}

static void a_written_file_reads_as_the_same_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < part_count(parts); i++) {
        struct fuse_set s, again;
        char *text = NULL;
        size_t size = 0;
        fuse_set_init(&s, part(part_entry_at(parts, i).id));
        for (size_t k = 0; k < s.count; k++) {
            s.bytes[k].value = (uint8_t)(i * 37 + k * 11);
            s.bytes[k].given = 0xff;
        }
        assert_int_equal(fuse_file_write(&s, &text, &size, &e), STATUS_OK);
        if (fuse_file_read("f", (const uint8_t *)text, size, parts, NULL, &again, &e) != STATUS_OK)
            fail_msg("%s\n%s", e.text, text);
        for (size_t k = 0; k < s.count; k++) {
            assert_int_equal(again.bytes[k].value, s.bytes[k].value);
            assert_int_equal(again.bytes[k].given, 0xff);
        }
        free(text);
    }
}

static void fields_alone_are_written_by_name(void **state)
{
    (void)state;
    struct fuse_set s, again;
    char *text = NULL;
    size_t size = 0;
    fuse_set_init(&s, part("m328p"));
    assert_int_equal(fuse_set_assign(&s, "BODLEVEL=2V7", &e), STATUS_OK);
    assert_int_equal(fuse_file_write(&s, &text, &size, &e), STATUS_OK);
    assert_string_equal(text, "# Fuse and lock bits, for: ispflash fuses\n\npart = ATmega328P\n"
                              "efuse.BODLEVEL = 2V7\n");
    assert_int_equal(read_text(text, NULL, &again), STATUS_OK);
    assert_int_equal(again.bytes[2].given, 0x07);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_names_part_bytes_and_fields),
        cmocka_unit_test(a_file_without_a_part_is_for_the_one_expected),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(what_is_no_text_is_told),
        cmocka_unit_test(a_written_file_reads_as_the_same_set),
        cmocka_unit_test(fields_alone_are_written_by_name),
    };
    return cmocka_run_group_tests_name("fuse_file", tests, open_parts, close_parts);
}
