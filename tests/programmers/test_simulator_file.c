/* The simulated programmer: the file in which a chip is kept from run to run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/format.h"
#include "simulator_desk.h"
#include "support/test.h"

static void put_file(struct desk *d, const char *text)
{
    FILE *file = fopen(d->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *get_file(struct desk *d)
{
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(file_read(d->path, &data, &size, &d->e), STATUS_OK);
    char *text = malloc(size + 1);
    assert_non_null(text);
    memcpy(text, data, size);
    text[size] = '\0';
    free(data);
    return text;
}

static void a_chip_is_kept_from_run_to_run(void **state)
{
    struct desk *d = *state;
    d->config.port = d->path;
    desk_begin(d, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xc0, 0x03, 0xff, 0x5a}, .wait_us = 10000},
        {.mosi = {0xac, 0xa8, 0, 0xd1}, .wait_us = 10000},
    };
    assert_int_equal(programmer_exchange(d->programmer, batch, 2, &d->e), STATUS_OK);
    desk_close(d);
    desk_begin(d, NULL); /* the file knows the part */
    assert_int_equal(desk_send(d, 0xa0, 0x03, 0xff, 0), 0x5a);
    assert_int_equal(desk_send(d, 0x58, 0x08, 0, 0), 0xd1);
    assert_int_equal(desk_send(d, 0x30, 0, 2, 0), 0x0f);
}

static void the_file_is_plain_to_read(void **state)
{
    struct desk *d = *state;
    d->config.port = d->path;
    desk_begin(d, "t85");
    struct isp_exchange byte = {.mosi = {0xc0, 0, 0x12, 0x5a}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    desk_close(d);
    char *text = get_file(d);
    assert_non_null(strstr(text, "[chip]\nversion = 1\npart    = attiny85\n"));
    assert_non_null(strstr(text, "\n[flash]\n\n"));
    assert_non_null(strstr(text,
                           "\n[eeprom]\n0x0010 = ff ff 5a ff ff ff ff ff ff ff ff ff ff ff ff "
                           "ff\n\n"));
    assert_non_null(strstr(text, "\n[lfuse]\n0x0000 = 62\n"));
    assert_non_null(strstr(text, "\n[signature]\n0x0000 = 1e 93 0b\n"));
    free(text);
}

static void a_file_can_be_written_by_hand(void **state)
{
    struct desk *d = *state;
    put_file(d, "# mine\n[chip]\npart = m328p\nversion = 1\n\n[flash]\n0x0 = 0C 94\n0x7fff = 00\n"
                "[efuse]\n0x0 = 05\n");
    d->config.port = d->path;
    desk_begin(d, "m328p");
    assert_int_equal(desk_send(d, 0x20, 0, 0, 0), 0x0c);
    assert_int_equal(desk_send(d, 0x28, 0, 0, 0), 0x94);
    assert_int_equal(desk_send(d, 0x28, 0x3f, 0xff, 0), 0x00);
    assert_int_equal(desk_send(d, 0x50, 0x08, 0, 0), 0xfd); /* unimplemented bits are 1 */
    assert_int_equal(desk_send(d, 0x50, 0, 0, 0), 0x62);    /* not named: the factory's */
}

static void a_fuse_in_the_file_is_in_effect_at_once(void **state)
{
    struct desk *d = *state;
    put_file(d, "[chip]\nversion = 1\npart = m328p\n[hfuse]\n0x0 = 59\n"); /* RSTDISBL */
    d->config.port = d->path;
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    assert_false(desk_enable(d));
}

static void a_kept_chip_may_differ_from_minus_p(void **state)
{
    struct desk *d = *state;
    put_file(d, "[chip]\nversion = 1\npart = atmega8\n");
    d->config.port = d->path;
    desk_begin(d, "m328p");
    assert_int_equal(desk_send(d, 0x30, 0, 1, 0), 0x93);
    desk_close(d);
    desk_option(d, "part=m328p");
    assert_int_equal(desk_open(d, "m328p"), STATUS_USAGE);
    assert_non_null(strstr(d->e.text, "holds an ATmega8, -x part asks for an ATmega328P"));
}

static void whatever_is_wrong_with_the_file_is_said_with_its_line(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *text, *message; /* the message without the path before it */
    } rows[] = {
        {"flash\n", ":1: neither [section] nor key = value"},
        {"[flash]\n0x0 = 00\n",
         ":1: not a simulated chip: it begins with [chip], version and part"},
        {"[chip]\n", ": not a simulated chip: no version and part"},
        {"[chip]\nversion = 2\n", ":2: version 2 is not known here, only 1"},
        {"[chip]\nversion = 1\nversion = 1\n", ":3: double key version"},
        {"[chip]\npart = a\npart = b\n", ":3: double key part"},
        {"[chip]\ncolour = red\n", ":2: unknown key colour"},
        {"[chip]\nversion = 1\n[chip]\n", ":3: double section [chip]"},
        {"[chip]\npart =\n", ":2: \"\" is not the name of a part"},
        {"[chip]\nversion = 1\npart = nosuchchip\n", ": there is no part \"nosuchchip\""},
        {"[chip]\nversion = 1\npart = m328p\n[ram]\n", ":4: ATmega328P has no memory \"ram\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n[flash]\n", ":5: double section [flash]"},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n10 = 00\n",
         ":5: \"10\" is not an address such as 0x0010"},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x = 00\n",
         ":5: \"0x\" is not an address such as 0x0010"},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x10 = 0\n",
         ":5: a row has 1 to 16 bytes such as \"0c 94\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x10 = 00  11\n",
         ":5: a row has 1 to 16 bytes such as \"0c 94\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x10 =\n",
         ":5: a row has 1 to 16 bytes such as \"0c 94\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n"
         "0x10 = 0 1 2 3 4 5 6 7 8 9 a b c d e f\n",
         ":5: a row has 1 to 16 bytes such as \"0c 94\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n"
         "0x10 = 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10\n",
         ":5: a row has 1 to 16 bytes such as \"0c 94\""},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x7fff = 00 11\n",
         ":5: row 0x7fff ends beyond the 32768 bytes of flash"},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x8000 = 00\n",
         ":5: row 0x8000 ends beyond the 32768 bytes of flash"},
        {"[chip]\nversion = 1\npart = m328p\n[flash]\n0x10 = 00 11\n0x11 = 00\n",
         ":6: row 0x11: rows must ascend and not overlap"},
    };
    d->config.port = d->path;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put_file(d, rows[i].text);
        assert_int_not_equal(desk_open(d, NULL), STATUS_OK);
        if (strncmp(d->e.text, d->path, strlen(d->path)) != 0 ||
            strcmp(d->e.text + strlen(d->path), rows[i].message) != 0)
            fail_msg("\"%s\" instead of \"%s\"", d->e.text, rows[i].message);
        desk_close(d);
        char *text = get_file(d); /* left as it was */
        assert_string_equal(text, rows[i].text);
        free(text);
    }
}

static void a_file_of_zero_bytes_is_no_chip(void **state)
{
    struct desk *d = *state;
    FILE *file = fopen(d->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite("[chip]\n\0\0", 1, 9, file), 9);
    assert_int_equal(fclose(file), 0);
    d->config.port = d->path;
    assert_int_equal(desk_open(d, "m328p"), STATUS_INPUT);
    assert_non_null(strstr(d->e.text, "not a text file"));
}

static void a_port_is_no_file_to_keep_a_chip_in(void **state)
{
    struct desk *d = *state;
    d->config.port = "/dev/null";
    assert_int_equal(desk_open(d, "m328p"), STATUS_USAGE);
    assert_non_null(strstr(d->e.hint, "-c dryrun"));
    d->config.port = d->folder;
    assert_int_equal(desk_open(d, "m328p"), STATUS_USAGE);
}

static void a_file_that_cannot_be_made_is_found_before_the_chip_is_touched(void **state)
{
    struct desk *d = *state;
    d->config.port = "/no/such/folder/chip.state";
    assert_int_equal(desk_open(d, "m328p"), STATUS_OUTPUT);
}

static void a_chip_is_kept_even_when_the_programmer_goes_away(void **state)
{
    struct desk *d = *state;
    d->config.port = d->path;
    desk_option(d, "fail=unplug");
    desk_option(d, "after=3");
    desk_begin(d, "m328p");
    struct isp_exchange byte = {.mosi = {0xc0, 0, 0, 0x5a}};
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    struct isp_exchange wait = {.mosi = {0x30, 0, 0, 0}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &wait, 1, &d->e), STATUS_OK);
    assert_int_equal(programmer_leave(d->programmer, &d->e), STATUS_LINK);
    desk_close(d);
    char *text = get_file(d);
    assert_non_null(strstr(text, "0x0000 = 5a"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(a_chip_is_kept_from_run_to_run),
        DESK_TEST(the_file_is_plain_to_read),
        DESK_TEST(a_file_can_be_written_by_hand),
        DESK_TEST(a_fuse_in_the_file_is_in_effect_at_once),
        DESK_TEST(a_kept_chip_may_differ_from_minus_p),
        DESK_TEST(whatever_is_wrong_with_the_file_is_said_with_its_line),
        DESK_TEST(a_file_of_zero_bytes_is_no_chip),
        DESK_TEST(a_port_is_no_file_to_keep_a_chip_in),
        DESK_TEST(a_file_that_cannot_be_made_is_found_before_the_chip_is_touched),
        DESK_TEST(a_chip_is_kept_even_when_the_programmer_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
