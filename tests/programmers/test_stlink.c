/* The ST-Link driver against a device that expects certain transfers. */
#include <stdio.h>
#include <string.h>

#include "drivers.h"
#include "usb_bench.h"

#define SETTINGS "usb=0483:3748"

static struct usb_bench *bench(void)
{
    struct usb_bench *b = usb_bench_new(&stlink_driver, SETTINGS, "stm32f103c8");
    b->script.base.info.product = 0x3748;
    return b;
}

/* Sixteen bytes, the rest of them 0. */
static void expect_command(struct usb_bench *b, const char *bytes)
{
    char text[128] = "0000000000001000";
    strcat(text, bytes);
    while (strlen(text) < 2 * (8 + 16))
        strcat(text, "00");
    usb_bench_expect(b, text, NULL);
}

/* Bulk transfers show as SETUP packets of nothing but a size. */
static void expect_transfer(struct usb_bench *b, size_t size, const char *data, const char *answer)
{
    char text[2048];
    (void)snprintf(text, sizeof text, "000000000000%02zx%02zx%s", size & 0xff, size >> 8, data);
    usb_bench_expect(b, text, answer);
}

static void expect_ask(struct usb_bench *b, const char *bytes, const char *answer)
{
    expect_command(b, bytes);
    expect_transfer(b, strlen(answer) / 2, "", answer);
}

static void expect_open(struct usb_bench *b)
{
    expect_ask(b, "f1", "294783044837"); /* V2J37S7 */
    expect_ask(b, "f5", "0000");         /* DFU mode */
    expect_command(b, "f307");
    expect_ask(b, "f5", "0100");
    expect_ask(b, "f2430000", "8000"); /* 4 MHz */
}

static void expect_enter(struct usb_bench *b)
{
    expect_ask(b, "f230a3", "8000");
    expect_ask(b, "f231", "800000007714a01b00000000");
}

static void must(struct usb_bench *b, enum status status)
{
    if (status != STATUS_OK)
        fail_msg("%s", b->error.text);
}

static void device_is_met_and_taken_out_of_dfu_mode(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    expect_open(b);
    must(b, usb_bench_open(b));
    usb_bench_check(b);
    assert_int_equal(usb_bench_wanted.ids[0].product, 0x3748);
    assert_non_null(strstr(b->record.log, "V2J37S7"));
    usb_bench_free(b);
}

static void firmware_that_cannot_say_what_failed_is_refused(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    expect_ask(b, "f1", "238283044837"); /* V2J14S2 */
    assert_int_equal(usb_bench_open(b), STATUS_UNSUPPORTED);
    assert_non_null(strstr(b->error.text, "V2J14S2"));
    assert_non_null(strstr(b->error.hint, "STSW-LINK007"));
    usb_bench_free(b);
}

static void version_3_tells_its_version_and_speeds_at_length(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    char speeds[2 * 52 + 1] = "800000000000000003000000"
                              "c05d0000"  /* 24000 kHz */
                              "401f0000"  /* 8000 */
                              "e40c0000"; /* 3300 */
    memset(speeds + strlen(speeds), '0', sizeof speeds - 1 - strlen(speeds));
    b->script.base.info.product = 0x374f;
    expect_ask(b, "f1", "300083044f37");
    expect_ask(b, "fb", "030008030000000083044f37");
    expect_ask(b, "f5", "0100");
    expect_ask(b, "f262", speeds);
    expect_ask(b, "f2610000e40c0000", "8000000000000000");
    must(b, usb_bench_open(b));
    usb_bench_check(b);
    assert_non_null(strstr(b->record.log, "V3J8M3"));
    usb_bench_free(b);
}

static void words_travel_as_one_list(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    struct swd_word words[] = {{.address = 0xe000edf0, .value = 0xa05f0003, .write = true},
                               {.address = 0x40022010}};
    expect_open(b);
    expect_command(b, "f25103000000");
    /* kinds: take the address, write, read; then a word for each */
    expect_transfer(b, 16, "01020300f0ed00e003005fa010200240", NULL);
    expect_command(b, "f252");
    expect_transfer(b, 24, "",
                    "00000000000000008000000080000000"
                    "8000000080000000");
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->swd->words(&b->programmer, words, 2, &b->error));
    assert_int_equal(words[1].value, 0x80);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void word_that_the_chip_refuses_is_named(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    struct swd_word words[] = {{.address = 0xe0042000}, {.address = 0x08000000}};
    expect_open(b);
    expect_command(b, "f25102000000");
    expect_transfer(b, 12, "03030000002004e000000008", NULL);
    expect_command(b, "f252");
    expect_transfer(b, 16, "", "10640000000000008000000011000000");
    must(b, usb_bench_open(b));
    assert_int_equal(b->programmer.driver->swd->words(&b->programmer, words, 2, &b->error),
                     STATUS_PROTECTED);
    assert_non_null(strstr(b->error.text, "read at 0x08000000"));
    usb_bench_check(b);
    usb_bench_free(b);
}

static void word_that_was_busy_is_asked_again_and_those_behind_it(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    struct swd_word words[] = {{.address = 0xe0042000}, {.address = 0x4002200c}};
    expect_open(b);
    expect_command(b, "f25102000000");
    expect_transfer(b, 12, "03030000002004e00c200240", NULL);
    expect_command(b, "f252");
    expect_transfer(b, 16, "", "10640000000000008000000010000000");
    expect_ask(b, "f2360c200240", "1000000000000000"); /* still */
    expect_ask(b, "f2360c200240", "8000000001000000");
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->swd->words(&b->programmer, words, 2, &b->error));
    assert_int_equal(words[0].value, 0x6410);
    assert_int_equal(words[1].value, 1);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void firmware_without_lists_is_given_single_words(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    struct swd_word words[] = {{.address = 0x40022004, .value = 0x45670123, .write = true},
                               {.address = 0x4002200c}};
    expect_ask(b, "f1", "260783044837"); /* V2J24S7 */
    expect_ask(b, "f5", "0100");
    expect_ask(b, "f2430000", "8000");
    expect_ask(b, "f2350420024023016745", "8000");
    expect_ask(b, "f2360c200240", "8000000020000000");
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->swd->words(&b->programmer, words, 2, &b->error));
    assert_int_equal(words[1].value, 0x20);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void blocks_end_where_the_address_counter_wraps_and_each_has_its_status(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    uint8_t data[8];
    const char *const good = "800000000000000000000000";
    expect_open(b);
    expect_command(b, "f207fc0f00080400");
    expect_transfer(b, 4, "", "01020304");
    expect_ask(b, "f23e", good);
    expect_command(b, "f207001000080400");
    expect_transfer(b, 4, "", "05060708");
    expect_ask(b, "f23e", good);
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->swd->read(&b->programmer, 0x08000ffc, data, 8, &b->error));
    assert_memory_equal(data, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void failed_block_is_an_error_in_spite_of_its_bytes(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    uint8_t data[4];
    expect_open(b);
    expect_command(b, "f207000000080400");
    expect_transfer(b, 4, "", "00000000");
    expect_ask(b, "f23e", "110000000000000000000000");
    must(b, usb_bench_open(b));
    assert_int_equal(
        b->programmer.driver->swd->read(&b->programmer, 0x08000000, data, 4, &b->error),
        STATUS_PROTECTED);
    assert_non_null(strstr(b->error.text, "read at 0x08000000"));
    usb_bench_check(b);
    usb_bench_free(b);
}

static void written_block_that_was_busy_is_sent_again(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    expect_open(b);
    for (int i = 0; i < 2; i++) {
        expect_command(b, "f208000000200400");
        expect_transfer(b, 4, "aabbccdd", NULL);
        expect_ask(b, "f23e", i == 0 ? "140000000000000000000000" : "800000000000000000000000");
    }
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->swd->write(&b->programmer, 0x20000000,
                                             (const uint8_t *)"\xaa\xbb\xcc\xdd", 4, &b->error));
    usb_bench_check(b);
    usb_bench_free(b);
}

static void voltage_is_measured_against_the_reference(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    uint32_t millivolts = 0;
    expect_open(b);
    expect_ask(b, "f7", "db05000001080000"); /* 1499, 2049 */
    expect_ask(b, "f7", "0000000000000000");
    must(b, usb_bench_open(b));
    must(b, b->programmer.driver->voltage(&b->programmer, &millivolts, &b->error));
    assert_int_equal(millivolts, 3280);
    assert_int_equal(b->programmer.driver->voltage(&b->programmer, &millivolts, &b->error),
                     STATUS_UNSUPPORTED);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void absent_chip_is_told_by_enter(void **state)
{
    (void)state;
    struct usb_bench *b = bench();
    expect_open(b);
    expect_ask(b, "f230a3", "0900");
    expect_command(b, "f221");
    must(b, usb_bench_open(b));
    assert_int_equal(b->programmer.driver->enter(&b->programmer, &b->error), STATUS_NO_TARGET);
    must(b, b->programmer.driver->leave(&b->programmer, &b->error));
    usb_bench_check(b);
    usb_bench_free(b);
}

static void guide_is_a_number_of_seconds(void **state)
{
    (void)state;
    static const char *const wrong[] = {"guide", "guide=", "guide=x", "guide=601", "guid=1"};
    struct error e = {0};
    struct programmer_entry entry = {.id = "stlink", .settings = SETTINGS};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct programmer_config config = {.options = &wrong[i], .option_count = 1};
        assert_int_equal(stlink_driver.check(&entry, &config, &e), STATUS_USAGE);
    }
    const char *const right = "guide=0";
    const struct programmer_config config = {.options = &right, .option_count = 1};
    assert_int_equal(stlink_driver.check(&entry, &config, &e), STATUS_OK);
}

/* A whole life of the driver, with one transfer of it going wrong: the error tells which, and it is
 * closed all the same. */
static void expect_life(struct usb_bench *b)
{
    expect_open(b);
    expect_enter(b);
    expect_ask(b, "f23c00", "8000");
    expect_ask(b, "f2340f00000020", "8000");
    expect_command(b, "f208000000200400");
    expect_transfer(b, 4, "aabbccdd", NULL);
    expect_ask(b, "f23e", "800000000000000000000000");
}

static enum status live(struct usb_bench *b)
{
    struct programmer *p = &b->programmer;
    const struct swd_ops *swd = p->driver->swd;
    TRY(usb_bench_open(b));
    TRY(p->driver->enter(p, &b->error));
    assert_int_equal(swd->core_id(p), 0x1ba01477);
    TRY(swd->reset_line(p, true, &b->error));
    TRY(swd->set_register(p, 15, 0x20000000, &b->error));
    return swd->write(p, 0x20000000, (const uint8_t *)"\xaa\xbb\xcc\xdd", 4, &b->error);
}

static void every_transfer_that_fails_is_an_error(void **state)
{
    (void)state;
    static const struct {
        enum usb_mishap mishap;
        enum status status;
    } rows[] = {
        {MISHAP_STALL, STATUS_SILENT}, {MISHAP_GONE, STATUS_LINK}, {MISHAP_HANG, STATUS_TIMEOUT}};
    struct usb_bench *whole = bench();
    expect_life(whole);
    must(whole, live(whole));
    usb_bench_check(whole);
    const size_t count = whole->script.at;
    usb_bench_free(whole);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 1; k <= count; k++) {
            if (rows[i].mishap == MISHAP_STALL && k <= 2)
                continue; /* it may be the rest of an earlier run: asked again */
            struct usb_bench *b = bench();
            expect_life(b);
            b->script.mishap_at = k;
            b->script.mishap = rows[i].mishap;
            assert_int_equal(live(b), rows[i].status);
            assert_true(b->error.text[0] != '\0');
            b->script.complaint[0] = '\0'; /* what had been queued behind it */
            usb_bench_free(b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_met_and_taken_out_of_dfu_mode),
        cmocka_unit_test(firmware_that_cannot_say_what_failed_is_refused),
        cmocka_unit_test(version_3_tells_its_version_and_speeds_at_length),
        cmocka_unit_test(words_travel_as_one_list),
        cmocka_unit_test(word_that_the_chip_refuses_is_named),
        cmocka_unit_test(word_that_was_busy_is_asked_again_and_those_behind_it),
        cmocka_unit_test(firmware_without_lists_is_given_single_words),
        cmocka_unit_test(blocks_end_where_the_address_counter_wraps_and_each_has_its_status),
        cmocka_unit_test(failed_block_is_an_error_in_spite_of_its_bytes),
        cmocka_unit_test(written_block_that_was_busy_is_sent_again),
        cmocka_unit_test(voltage_is_measured_against_the_reference),
        cmocka_unit_test(absent_chip_is_told_by_enter),
        cmocka_unit_test(guide_is_a_number_of_seconds),
        cmocka_unit_test(every_transfer_that_fails_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
