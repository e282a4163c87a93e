/* The USBasp driver over a scripted device. */
#include "usb_bench.h"

#include <string.h>

#include "drivers.h"

static const char settings[] =
    "usb=16c0:05dc,03eb:c7b4 vendor=www.fischl.de product=USBasp anyway=usbasp-clone";
static const char capabilities[] = "c0 7f 00 00 00 00 04 00";

static struct usb_bench *opened_with(const char *part, const char *capability)
{
    struct usb_bench *b = usb_bench_new(&usbasp_driver, settings, part);
    usb_bench_expect(b, capabilities, capability);
    assert_int_equal(usb_bench_open(b), STATUS_OK);
    return b;
}

static struct usb_bench *opened(const char *part)
{
    return opened_with(part, "01 00 00 00");
}

static void set_sck(struct usb_bench *b, uint32_t hz, uint32_t wanted_hz)
{
    uint32_t actual_hz = 0;
    assert_int_equal(usbasp_driver.set_sck(&b->programmer, hz, &actual_hz, &b->error), STATUS_OK);
    assert_int_equal(actual_hz, wanted_hz);
}

/* In programming mode at 1.5 MHz. */
static struct usb_bench *entered(const char *part)
{
    struct usb_bench *b = opened(part);
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    set_sck(b, 2000000, 1500000);
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    return b;
}

static void leave(struct usb_bench *b)
{
    usb_bench_expect(b, "c0 02 00 00 00 00 00 00", NULL);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 5 + i / 256 + 3);
}

static enum status read_memory(struct usb_bench *b, enum memory_kind kind, uint32_t address,
                               uint8_t *data, size_t size)
{
    return usbasp_driver.read(&b->programmer, part_memory(b->part, kind), address, data, size,
                              &b->error);
}

static enum status write_flash(struct usb_bench *b, uint32_t address, const uint8_t *data,
                               size_t size)
{
    return usbasp_driver.write(&b->programmer, part_memory(b->part, MEMORY_FLASH), address, data,
                               size, &b->error);
}

/* --- the device and programming mode ------------------------------------------------------------
 */

static void device_is_wanted_by_ids_and_strings(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    assert_int_equal(usb_bench_wanted.ids[0].product, 0x05dc);
    assert_int_equal(usb_bench_wanted.ids[1].vendor, 0x03eb);
    assert_int_equal(usb_bench_wanted.ids[2].vendor, 0);
    assert_string_equal(usb_bench_wanted.manufacturer, "www.fischl.de");
    assert_string_equal(usb_bench_wanted.title, "USBasp");
    assert_string_equal(usb_bench_wanted.anyway, "usbasp-clone");
    usb_bench_free(b);
}

static void session_is_sck_connect_wait_enable_and_disconnect(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    const uint64_t before = b->clock.now_us;
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    assert_in_range(b->clock.now_us - before, 20000, 30000);
    usb_bench_expect(b, "c0 03 30 00 02 00 04 00", "00 30 00 0f");
    assert_int_equal(usb_bench_instruction(b, 0x30, 0, 2, 0), 0x0f);
    leave(b);
}

static void entering_again_releases_reset_and_sets_sck_anew(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    usb_bench_expect(b, "c0 02 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    leave(b);
}

/* Newer firmware hangs for good if it gets an instruction then. */
static void silent_chip_gets_no_instruction(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "01");
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_NO_TARGET);
    struct isp_exchange item = {.mosi = {0xac, 0x53}};
    assert_int_equal(programmer_exchange(&b->programmer, &item, 1, &b->error), STATUS_NO_TARGET);
    leave(b);
}

static void empty_answer_to_enable_is_no_target(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", NULL);
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_NO_TARGET);
    leave(b);
}

static void part_with_reset_active_high_is_refused(void **state)
{
    (void)state;
    struct usb_bench *b = opened("at89s52");
    assert_int_equal(programmer_select(&b->programmer, b->part, &b->error), STATUS_UNSUPPORTED);
    assert_non_null(strstr(b->error.text, "AT89S52 wants RESET high"));
    usb_bench_free(b);
}

/* --- SCK ----------------------------------------------------------------------------------------
 */

static void sck_is_the_fastest_option_not_above_the_wish(void **state)
{
    (void)state;
    static const struct {
        uint32_t wanted_hz, actual_hz;
        const char *sent;
    } cases[] = {
        {8000000, 1500000, "c0 0a 0c 00 00 00 01 00"}, {1000000, 750000, "c0 0a 0b 00 00 00 01 00"},
        {200000, 187500, "c0 0a 09 00 00 00 01 00"},   {187500, 187500, "c0 0a 09 00 00 00 01 00"},
        {100000, 93750, "c0 0a 08 00 00 00 01 00"},    {93000, 32000, "c0 0a 07 00 00 00 01 00"},
        {500, 500, "c0 0a 01 00 00 00 01 00"},         {1, 500, "c0 0a 01 00 00 00 01 00"},
    };
    struct usb_bench *b = opened("m328p");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        usb_bench_expect(b, cases[i].sent, "00");
        set_sck(b, cases[i].wanted_hz, cases[i].actual_hz);
    }
    usb_bench_check(b);
    usb_bench_free(b);
}

static void three_megahertz_only_where_the_firmware_says_so(void **state)
{
    (void)state;
    static const char *const able[] = {"01 00 00 01", "21 00 00 00", "81 00 00 00"};
    for (size_t i = 0; i < sizeof able / sizeof able[0]; i++) {
        struct usb_bench *b = opened_with("m328p", able[i]);
        usb_bench_expect(b, "c0 0a 0d 00 00 00 01 00", "00");
        set_sck(b, 3000000, 3000000);
        usb_bench_free(b);
    }
}

static void another_crystal_scales_all_rates(void **state)
{
    (void)state;
    struct usb_bench *b = opened_with("m328p", "21 01 00 00"); /* 16 MHz */
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    set_sck(b, 2000000, 2000000);
    usb_bench_free(b);
}

static void firmware_that_cannot_set_sck_is_unsupported_and_works_on(void **state)
{
    (void)state;
    struct usb_bench *b = opened_with("m328p", NULL);
    uint32_t actual_hz = 77;
    usb_bench_expect(b, "c0 0a 09 00 00 00 01 00", NULL);
    assert_int_equal(usbasp_driver.set_sck(&b->programmer, 187500, &actual_hz, &b->error),
                     STATUS_UNSUPPORTED);
    assert_int_equal(actual_hz, 77);
    assert_non_null(strstr(b->record.log, "detail: toy at usb:1-2: its firmware cannot set SCK"));
    assert_null(strstr(b->record.log, "warning"));
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    leave(b);
}

static void sck_in_programming_mode_takes_effect_by_connecting_again(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    usb_bench_expect(b, "c0 0a 09 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 0a 09 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    set_sck(b, 187500, 187500);
    leave(b);
}

/* Each SCK that the chip cannot follow costs the firmware about 66 ms. */
static void sck_that_the_firmware_lowered_by_itself_is_told(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    b->script.base.info.release = 0x0107;
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    set_sck(b, 1500000, 1500000);
    usb_bench_expect(b, "c0 0a 0c 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    b->steps[b->script.step_count - 1].takes_us = 3 * 66000 + 21000;
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    assert_non_null(strstr(b->record.log, "lowered SCK to about 187500 Hz"));
    leave(b);
}

/* --- ranges -------------------------------------------------------------------------------------
 */

static void small_flash_is_read_with_addresses_in_the_blocks(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t wanted[300], data[300];
    fill(wanted, sizeof wanted);
    usb_bench_expect_answer(b, "c0 04 00 01 00 00 f8 00", wanted, 248);
    usb_bench_expect_answer(b, "c0 04 f8 01 00 00 34 00", wanted + 248, 52);
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0x100, data, sizeof data), STATUS_OK);
    assert_memory_equal(data, wanted, sizeof data);
    usb_bench_expect(b, "c0 07 05 00 00 00 02 00", "aa bb");
    assert_int_equal(read_memory(b, MEMORY_EEPROM, 5, data, 2), STATUS_OK);
    leave(b);
}

static void large_flash_is_addressed_once_and_counts_on(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m2560");
    uint8_t wanted[500], data[500];
    fill(wanted, sizeof wanted);
    usb_bench_expect(b, "c0 09 00 ff 01 00 00 00", NULL); /* 0x1ff00 */
    usb_bench_expect_answer(b, "c0 04 00 ff 00 00 f8 00", wanted, 248);
    usb_bench_expect_answer(b, "c0 04 f8 ff 00 00 08 00", wanted + 248, 8);
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0x1ff00, data, 256), STATUS_OK);
    usb_bench_expect_answer(b, "c0 04 00 00 00 00 f4 00", wanted + 256, 244);
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0x20000, data + 256, 244), STATUS_OK);
    assert_memory_equal(data, wanted, sizeof data);
    /* From now on EEPROM needs its address as well. */
    usb_bench_expect(b, "c0 09 05 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 07 05 00 00 00 02 00", "aa bb");
    assert_int_equal(read_memory(b, MEMORY_EEPROM, 5, data, 2), STATUS_OK);
    leave(b);
}

static void pages_stream_in_blocks_of_many(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    static uint8_t data[1280];
    fill(data, sizeof data);
    usb_bench_expect_data(b, "40 06 00 01 80 01 00 04", data, 1024); /* page 128, first */
    usb_bench_expect_data(b, "40 06 00 05 80 00 00 01", data + 1024, 256);
    context_begin(&b->context, STEP_WRITE, NULL, sizeof data);
    assert_int_equal(write_flash(b, 0x100, data, sizeof data), STATUS_OK);
    context_end(&b->context, STATUS_OK);
    assert_int_equal(b->record.progress, sizeof data);
    leave(b);
}

static void page_of_256_bytes_is_told_in_the_upper_bits(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m2560");
    uint8_t page[256];
    fill(page, sizeof page);
    usb_bench_expect(b, "c0 09 00 00 02 00 00 00", NULL);
    usb_bench_expect_data(b, "40 06 00 00 00 11 00 01", page, sizeof page);
    assert_int_equal(write_flash(b, 0x20000, page, sizeof page), STATUS_OK);
    leave(b);
}

static void what_the_firmware_does_badly_is_left_to_instructions(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    const uint8_t data[4] = {1, 2, 3, 4};
    assert_int_equal(usbasp_driver.write(&b->programmer, part_memory(b->part, MEMORY_EEPROM), 0,
                                         data, sizeof data, &b->error),
                     STATUS_UNSUPPORTED);
    leave(b);
    b = entered("at90s8515");
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_UNSUPPORTED);
    leave(b);
    b = entered("m161"); /* its pages may take longer than the firmware waits */
    static uint8_t page[256];
    assert_int_equal(write_flash(b, 0, page, 128), STATUS_UNSUPPORTED);
    leave(b);
}

static void slow_sck_makes_smaller_blocks_of_whole_pages(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    static uint8_t data[256];
    usb_bench_expect(b, "c0 0a 05 00 00 00 01 00", "00");
    set_sck(b, 8000, 8000);
    usb_bench_expect(b, "c0 0a 05 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    usb_bench_expect_data(b, "40 06 00 00 80 01 80 00", data, 128);
    usb_bench_expect_data(b, "40 06 80 00 80 00 80 00", data, 128);
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_OK);
    usb_bench_expect_answer(b, "c0 04 00 00 00 00 38 00", data, 56); /* 4 ms a byte */
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, data, 56), STATUS_OK);
    leave(b);
}

/* --- waits and failures -------------------------------------------------------------------------
 */

static void instruction_with_a_wait_is_polled_for(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xac, 0x80, 0x00, 0x00}, .wait_us = 9000, .ready_poll = true},
        {.mosi = {0x30, 0x00, 0x00, 0x00}},
    };
    usb_bench_expect(b, "c0 03 ac 80 00 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 03 f0 00 00 00 04 00", "00 00 00 01");
    usb_bench_expect(b, "c0 03 f0 00 00 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 03 30 00 00 00 04 00", "00 00 00 1e");
    assert_int_equal(programmer_exchange(&b->programmer, batch, 2, &b->error), STATUS_OK);
    assert_int_equal(batch[1].miso[3], 0x1e);
    leave(b);
}

static enum status whole_session(struct usb_bench *b)
{
    static uint8_t page[128], data[300];
    fill(page, sizeof page);
    usb_bench_expect(b, "c0 0a 09 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 0a 09 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 01 00 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 00 00 00 00 01 00", "00");
    usb_bench_expect(b, "c0 03 ac 80 00 00 04 00", "00 00 00 00");
    usb_bench_expect_data(b, "40 06 00 00 80 01 80 00", page, sizeof page);
    usb_bench_expect_answer(b, "c0 04 00 00 00 00 f8 00", data, 248);
    usb_bench_expect_answer(b, "c0 04 f8 00 00 00 34 00", data + 248, 52);
    usb_bench_expect(b, "c0 02 00 00 00 00 00 00", NULL);
    struct isp_exchange erase = {.mosi = {0xac, 0x80}, .wait_us = 9000};
    uint32_t actual_hz;
    TRY(usbasp_driver.set_sck(&b->programmer, 187500, &actual_hz, &b->error));
    TRY(programmer_enter(&b->programmer, &b->error));
    TRY(programmer_exchange(&b->programmer, &erase, 1, &b->error));
    TRY(write_flash(b, 0, page, sizeof page));
    return read_memory(b, MEMORY_FLASH, 0, data, sizeof data);
}

static void every_transfer_may_fail_in_every_way(void **state)
{
    (void)state;
    static const struct {
        enum usb_mishap mishap;
        enum status status;
    } cases[] = {
        {MISHAP_STALL, STATUS_SILENT}, {MISHAP_GONE, STATUS_LINK},  {MISHAP_SHORT, STATUS_SILENT},
        {MISHAP_HANG, STATUS_TIMEOUT}, {MISHAP_NOISE, STATUS_LINK},
    };
    for (size_t k = 2; k <= 9; k++) { /* 1 is the capabilities, 10 is leaving */
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (cases[i].mishap == MISHAP_NOISE && k >= 8)
                continue; /* reading is repeated */
            struct usb_bench *b = opened("m328p");
            b->script.mishap_at = k;
            b->script.mishap = cases[i].mishap;
            enum status wanted = cases[i].status;
            if (wanted == STATUS_SILENT && cases[i].mishap == MISHAP_SHORT && k <= 5) {
                /* What short answers mean: SCK cannot be set, or no longer; CONNECT has none; no
                 * chip. */
                const enum status meant[] = {STATUS_UNSUPPORTED, STATUS_SILENT, STATUS_OK,
                                             STATUS_NO_TARGET};
                wanted = meant[k - 2];
            }
            assert_int_equal(whole_session(b), wanted);
            assert_string_equal(b->script.complaint, "");
            b->script.at = b->script.step_count - 1;
            if (b->programmer.entered) {
                const enum status left = programmer_leave(&b->programmer, &b->error);
                assert_int_equal(left, cases[i].mishap == MISHAP_GONE ? STATUS_LINK : STATUS_OK);
            }
            usb_bench_free(b);
        }
    }
}

static void disturbed_reads_are_repeated_unless_the_firmware_counts(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t data[2];
    usb_bench_expect(b, "c0 04 05 00 00 00 02 00", "01 02");
    usb_bench_expect(b, "c0 04 05 00 00 00 02 00", "01 02");
    b->script.mishap_at = b->script.at + 1;
    b->script.mishap = MISHAP_NOISE;
    assert_int_equal(read_memory(b, MEMORY_FLASH, 5, data, sizeof data), STATUS_OK);
    leave(b);
    b = entered("m2560");
    usb_bench_expect(b, "c0 09 05 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 04 05 00 00 00 02 00", "01 02");
    b->script.mishap_at = b->script.at + 2;
    b->script.mishap = MISHAP_NOISE;
    assert_int_equal(read_memory(b, MEMORY_FLASH, 5, data, sizeof data), STATUS_LINK);
    leave(b);
}

static void failure_names_the_request_and_the_address(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    b->script.mishap_at = 7;
    b->script.mishap = MISHAP_STALL;
    assert_int_equal(whole_session(b), STATUS_SILENT);
    assert_string_equal(b->error.text, "writing from 0x0000: toy at usb:1-2 refused WRITEFLASH");
    usb_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_is_wanted_by_ids_and_strings),
        cmocka_unit_test(session_is_sck_connect_wait_enable_and_disconnect),
        cmocka_unit_test(entering_again_releases_reset_and_sets_sck_anew),
        cmocka_unit_test(silent_chip_gets_no_instruction),
        cmocka_unit_test(empty_answer_to_enable_is_no_target),
        cmocka_unit_test(part_with_reset_active_high_is_refused),
        cmocka_unit_test(sck_is_the_fastest_option_not_above_the_wish),
        cmocka_unit_test(three_megahertz_only_where_the_firmware_says_so),
        cmocka_unit_test(another_crystal_scales_all_rates),
        cmocka_unit_test(firmware_that_cannot_set_sck_is_unsupported_and_works_on),
        cmocka_unit_test(sck_in_programming_mode_takes_effect_by_connecting_again),
        cmocka_unit_test(sck_that_the_firmware_lowered_by_itself_is_told),
        cmocka_unit_test(small_flash_is_read_with_addresses_in_the_blocks),
        cmocka_unit_test(large_flash_is_addressed_once_and_counts_on),
        cmocka_unit_test(pages_stream_in_blocks_of_many),
        cmocka_unit_test(page_of_256_bytes_is_told_in_the_upper_bits),
        cmocka_unit_test(what_the_firmware_does_badly_is_left_to_instructions),
        cmocka_unit_test(slow_sck_makes_smaller_blocks_of_whole_pages),
        cmocka_unit_test(instruction_with_a_wait_is_polled_for),
        cmocka_unit_test(every_transfer_may_fail_in_every_way),
        cmocka_unit_test(disturbed_reads_are_repeated_unless_the_firmware_counts),
        cmocka_unit_test(failure_names_the_request_and_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
