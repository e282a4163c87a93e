/* The USBtinyISP driver over a scripted device. */
#include "usb_bench.h"

#include <string.h>

#include "drivers.h"

static const char settings[] = "usb=1781:0c9f";
static const char echo[] = "c0 00 aa 55 34 12 08 00";

static struct usb_bench *opened(const char *part)
{
    struct usb_bench *b = usb_bench_new(&usbtiny_driver, settings, part);
    usb_bench_expect(b, echo, echo);
    assert_int_equal(usb_bench_open(b), STATUS_OK);
    return b;
}

/* In programming mode, at SCK period 1. */
static struct usb_bench *entered(const char *part)
{
    struct usb_bench *b = opened(part);
    uint32_t actual_hz;
    assert_int_equal(usbtiny_driver.set_sck(&b->programmer, 1000000, &actual_hz, &b->error),
                     STATUS_OK);
    usb_bench_expect(b, "c0 05 01 00 01 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 01 00 00 00 00 00", NULL);
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    return b;
}

static void leave(struct usb_bench *b)
{
    usb_bench_expect(b, "c0 06 00 00 00 00 00 00", NULL);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    usb_bench_check(b);
    usb_bench_free(b);
}

static void fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + 1);
}

/* ------------------------------------------------------------------------------------------------
 */

static void session_is_powerup_reset_pulse_wait_and_powerdown(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    assert_int_equal(usb_bench_wanted.ids[0].vendor, 0x1781);
    assert_int_equal(usb_bench_wanted.ids[0].product, 0x0c9f);
    assert_int_equal(usb_bench_wanted.ids[1].vendor, 0);
    assert_string_equal(usb_bench_wanted.title, "");
    usb_bench_expect(b, "c0 05 0a 00 01 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 0a 00 00 00 00 00", NULL);
    const uint64_t before = b->clock.now_us;
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    assert_in_range(b->clock.now_us - before, 20000, 30000);
    usb_bench_expect(b, "c0 07 30 00 01 00 04 00", "00 30 00 95");
    assert_int_equal(usb_bench_instruction(b, 0x30, 0, 1, 0), 0x95);
    leave(b);
}

static void at89s_gets_reset_high(void **state)
{
    (void)state;
    struct usb_bench *b = opened("at89s52");
    usb_bench_expect(b, "c0 05 0a 00 00 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 0a 00 01 00 00 00", NULL);
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    leave(b);
}

static void device_that_does_not_echo_is_refused(void **state)
{
    (void)state;
    struct usb_bench *b = usb_bench_new(&usbtiny_driver, settings, "m328p");
    usb_bench_expect(b, echo, "c0 00 aa 55 34 12 08");
    assert_int_equal(usb_bench_open(b), STATUS_SILENT);
    assert_non_null(strstr(b->error.text, "does not speak the protocol of a USBtinyISP"));
    usb_bench_free(b);
}

static void absent_device_is_no_device(void **state)
{
    (void)state;
    struct usb_bench *b = usb_bench_new(&usbtiny_driver, settings, "m328p");
    b->script.mishap = MISHAP_GONE;
    assert_int_equal(usb_bench_open(b), STATUS_NO_DEVICE);
    usb_bench_free(b);
}

static void other_ports_are_usage_errors(void **state)
{
    (void)state;
    struct error e = {0};
    const struct programmer_entry entry = {.id = "usbtiny"};
    struct programmer_config c = {.port = "/dev/ttyUSB0"};
    assert_int_equal(usbtiny_driver.check(&entry, &c, &e), STATUS_USAGE);
    c.port = "usb:1-2";
    assert_int_equal(usbtiny_driver.check(&entry, &c, &e), STATUS_OK);
}

/* Measured: (96 x period + 140) cycles of 12 MHz for 8 bits. */
static void sck_is_the_fastest_not_above_the_wish_and_told_truly(void **state)
{
    (void)state;
    static const struct {
        uint32_t wanted_hz, actual_hz;
    } cases[] = {
        {4000000, 406779}, {406779, 406779}, {406778, 289156}, {187500, 183206},
        {100000, 95617},   {16000, 15758},   {500, 3976},
    };
    struct usb_bench *b = opened("m328p");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t actual_hz = 0;
        assert_int_equal(
            usbtiny_driver.set_sck(&b->programmer, cases[i].wanted_hz, &actual_hz, &b->error),
            STATUS_OK);
        assert_int_equal(actual_hz, cases[i].actual_hz);
    }
    usb_bench_check(b); /* nothing is sent before programming mode */
    usb_bench_free(b);
}

static void sck_changes_in_programming_mode_without_leaving_it(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint32_t actual_hz;
    usb_bench_expect(b, "c0 05 09 00 00 00 00 00", NULL);
    assert_int_equal(usbtiny_driver.set_sck(&b->programmer, 100000, &actual_hz, &b->error),
                     STATUS_OK);
    leave(b);
}

static void edge_delay_lengthens_the_period(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    uint32_t actual_hz;
    b->config.edge_delay_us = 20;
    assert_int_equal(usbtiny_driver.set_sck(&b->programmer, 1000000, &actual_hz, &b->error),
                     STATUS_OK);
    assert_in_range(actual_hz, 24000, 25000);
    usb_bench_free(b);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void flash_is_read_in_the_largest_blocks_without_pauses(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t wanted[500], data[500];
    fill(wanted, sizeof wanted);
    usb_bench_expect_answer(b, "c0 09 00 00 00 01 f8 00", wanted, 248);
    usb_bench_expect_answer(b, "c0 09 00 00 f8 01 f8 00", wanted + 248, 248);
    usb_bench_expect_answer(b, "c0 09 00 00 f0 02 04 00", wanted + 496, 4);
    const struct memory *flash = part_memory(b->part, MEMORY_FLASH);
    context_begin(&b->context, STEP_READ, flash, sizeof data);
    assert_int_equal(
        usbtiny_driver.read(&b->programmer, flash, 0x100, data, sizeof data, &b->error), STATUS_OK);
    context_end(&b->context, STATUS_OK);
    assert_memory_equal(data, wanted, sizeof data);
    assert_int_equal(b->record.progress, sizeof data);
    assert_int_equal(b->script.most_flying, 3);
    leave(b);
}

static void flash_above_64_kib_is_read_by_instructions(void **state)
{
    (void)state;
    struct usb_bench *b = entered("usb1286");
    uint8_t data[16];
    usb_bench_expect(b, "c0 09 00 00 fc ff 04 00", "01 02 03 04");
    static const char *const words[] = {"20 80 00", "28 80 00", "20 80 01", "28 80 01",
                                        "20 80 02", "28 80 02", "20 80 03", "28 80 03",
                                        "20 80 04", "28 80 04", "20 80 05", "28 80 05"};
    for (size_t i = 0; i < 12; i++) {
        char sent[40], answer[40];
        (void)snprintf(sent, sizeof sent, "c0 07 %s 00 04 00", words[i]);
        (void)snprintf(answer, sizeof answer, "00 00 00 %02zx", i + 0x10);
        usb_bench_expect(b, sent, answer);
    }
    assert_int_equal(usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_FLASH), 0xfffc,
                                         data, sizeof data, &b->error),
                     STATUS_OK);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(data[i], i < 4 ? i + 1 : i - 4 + 0x10);
    assert_int_equal(b->script.most_flying, USB_QUEUE_MAX);
    leave(b);
}

/* The target layer has sent 4D 00 01 00 before. */
static void each_128_kib_begin_with_what_blocks_can_reach(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m2560");
    uint8_t data[2];
    usb_bench_expect(b, "c0 09 00 00 10 00 02 00", "0a 0b");
    assert_int_equal(usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_FLASH),
                                         0x20010, data, sizeof data, &b->error),
                     STATUS_OK);
    assert_memory_equal(data, "\x0a\x0b", 2);
    leave(b);
}

static void eeprom_is_read_in_blocks(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t data[3];
    usb_bench_expect(b, "c0 0b 00 00 05 00 03 00", "01 02 03");
    assert_int_equal(usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_EEPROM), 5,
                                         data, sizeof data, &b->error),
                     STATUS_OK);
    leave(b);
}

static void slow_sck_makes_smaller_blocks(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    uint32_t actual_hz;
    uint8_t data[40];
    assert_int_equal(usbtiny_driver.set_sck(&b->programmer, 4000, &actual_hz, &b->error),
                     STATUS_OK);
    usb_bench_expect(b, "c0 05 f9 00 01 00 00 00", NULL);
    usb_bench_expect(b, "c0 05 f9 00 00 00 00 00", NULL);
    assert_int_equal(programmer_enter(&b->programmer, &b->error), STATUS_OK);
    usb_bench_expect_answer(b, "c0 09 00 00 00 00 18 00", data, 24); /* 8 ms a byte */
    usb_bench_expect_answer(b, "c0 09 00 00 18 00 10 00", data, 16);
    assert_int_equal(usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_FLASH), 0,
                                         data, sizeof data, &b->error),
                     STATUS_OK);
    leave(b);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static enum status write_flash(struct usb_bench *b, uint32_t address, const uint8_t *data,
                               size_t size)
{
    return usbtiny_driver.write(&b->programmer, part_memory(b->part, MEMORY_FLASH), address, data,
                                size, &b->error);
}

static void page_is_loaded_committed_and_polled(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t page[128];
    fill(page, sizeof page);
    usb_bench_expect_data(b, "40 0a 00 00 80 00 80 00", page, sizeof page);
    usb_bench_expect(b, "c0 07 4c 00 40 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 01");
    usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 01");
    usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 fe");
    assert_int_equal(write_flash(b, 0x80, page, sizeof page), STATUS_OK);
    leave(b);
}

static void polling_ends_with_the_full_time(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t page[128];
    fill(page, sizeof page);
    usb_bench_expect_data(b, "40 0a 00 00 00 00 80 00", page, sizeof page);
    usb_bench_expect(b, "c0 07 4c 00 00 00 04 00", "00 00 00 00");
    const uint32_t write_us = part_memory(b->part, MEMORY_FLASH)->write_us;
    for (uint32_t us = write_us / 2; us < write_us - 200; us += 500)
        usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 ff");
    const uint64_t before = b->clock.now_us;
    assert_int_equal(write_flash(b, 0, page, sizeof page), STATUS_OK);
    assert_in_range(b->clock.now_us - before, write_us, write_us + 2000);
    leave(b);
}

static void questions_come_when_the_chip_is_usually_ready(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t pages[3 * 128];
    fill(pages, sizeof pages);
    for (unsigned i = 0; i < 3; i++) {
        char setup[40], commit[40];
        (void)snprintf(setup, sizeof setup, "40 0a 00 00 %02x %02x 80 00", i * 128 & 0xff,
                       i * 128 >> 8);
        (void)snprintf(commit, sizeof commit, "c0 07 4c 00 %02x 00 04 00", i * 64);
        usb_bench_expect_data(b, setup, pages + i * 128, 128);
        usb_bench_expect(b, commit, "00 00 00 00");
        for (unsigned polls = i == 0 ? 3 : 0; polls > 0; polls--)
            usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 01");
        usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 00");
    }
    assert_int_equal(write_flash(b, 0, pages, sizeof pages), STATUS_OK);
    leave(b);
}

static void commit_above_64_kib_has_the_whole_word_address(void **state)
{
    (void)state;
    struct usb_bench *b = entered("usb1286");
    uint8_t page[256];
    fill(page, sizeof page);
    usb_bench_expect_data(b, "40 0a 00 00 00 02 80 00", page, 128); /* 0x10200 modulo 64 KiB */
    usb_bench_expect_data(b, "40 0a 00 00 80 02 80 00", page + 128, 128);
    usb_bench_expect(b, "c0 07 4c 81 00 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 00");
    assert_int_equal(write_flash(b, 0x10200, page, sizeof page), STATUS_OK);
    leave(b);
}

/* ATmega8: no RDY/BSY; a byte that is not 0xff tells. */
static void old_chips_are_asked_for_a_byte_of_the_page(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m8");
    uint8_t page[64];
    memset(page, 0xff, sizeof page);
    page[3] = 0x42;
    usb_bench_expect_data(b, "40 0a 00 00 40 00 40 00", page, sizeof page);
    usb_bench_expect(b, "c0 07 4c 00 20 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 07 28 00 21 00 04 00", "00 00 00 ff");
    usb_bench_expect(b, "c0 07 28 00 21 00 04 00", "00 00 00 42");
    assert_int_equal(write_flash(b, 0x40, page, sizeof page), STATUS_OK);
    leave(b);
}

static void page_that_cannot_be_asked_for_waits_the_full_time(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m8");
    uint8_t page[64];
    memset(page, 0xff, sizeof page);
    usb_bench_expect_data(b, "40 0a 00 00 00 00 40 00", page, sizeof page);
    usb_bench_expect(b, "c0 07 4c 00 00 00 04 00", "00 00 00 00");
    const uint64_t before = b->clock.now_us;
    assert_int_equal(write_flash(b, 0, page, sizeof page), STATUS_OK);
    const uint32_t write_us = part_memory(b->part, MEMORY_FLASH)->write_us;
    assert_in_range(b->clock.now_us - before, write_us, write_us + 1500);
    leave(b);
}

static void byte_wise_memory_is_polled_by_the_device(void **state)
{
    (void)state;
    struct usb_bench *b = entered("at90s8515");
    const struct memory *flash = part_memory(b->part, MEMORY_FLASH);
    char setup[40], polls[40];
    uint8_t data[18];
    fill(data, sizeof data);
    (void)snprintf(polls, sizeof polls, "c0 08 7f 7f 00 00 00 00");
    usb_bench_expect(b, polls, NULL);
    (void)snprintf(setup, sizeof setup, "40 0a %02x %02x 10 00 10 00", flash->write_us & 0xff,
                   flash->write_us >> 8);
    usb_bench_expect_data(b, setup, data, 16);
    (void)snprintf(setup, sizeof setup, "40 0a %02x %02x 20 00 02 00", flash->write_us & 0xff,
                   flash->write_us >> 8);
    usb_bench_expect_data(b, setup, data + 16, 2);
    assert_int_equal(write_flash(b, 0x10, data, sizeof data), STATUS_OK);
    leave(b);
}

static void eeprom_pages_are_left_to_instructions(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    const uint8_t data[4] = {1, 2, 3, 4};
    assert_int_equal(usbtiny_driver.write(&b->programmer, part_memory(b->part, MEMORY_EEPROM), 0,
                                          data, sizeof data, &b->error),
                     STATUS_UNSUPPORTED);
    leave(b);
}

/* --- waits, interruptions, failures --------------------------------------------------------------
 */

static void instruction_with_a_wait_keeps_the_next_one_back(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xac, 0xa8, 0x00, 0xde}, .wait_us = 4500},
        {.mosi = {0x58, 0x08, 0x00, 0x00}},
    };
    usb_bench_expect(b, "c0 07 ac a8 00 de 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 07 58 08 00 00 04 00", "00 00 00 de");
    const uint64_t before = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, batch, 2, &b->error), STATUS_OK);
    assert_in_range(b->clock.now_us - before, 4500, 5500);
    assert_int_equal(batch[1].miso[3], 0xde);
    leave(b);
}

static void reset_is_released_only_when_the_chip_is_done(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    struct isp_exchange erase = {.mosi = {0xac, 0x80}, .wait_us = 9000, .ready_poll = true};
    usb_bench_expect(b, "c0 07 ac 80 00 00 04 00", "00 00 00 00");
    usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 01");
    b->script.cancel_in_wait = &b->cancel; /* while the instruction itself is under way */
    const uint64_t before = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, &erase, 1, &b->error), STATUS_CANCELLED);
    b->script.at = b->script.step_count; /* how far it came does not matter */
    usb_bench_expect(b, "c0 06 00 00 00 00 00 00", NULL);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    assert_true(b->clock.now_us - before >= 9000);
    usb_bench_free(b);
}

/* Everything once: enter, an instruction with a wait, a page, a read. */
static enum status whole_session(struct usb_bench *b, bool with_expectations)
{
    static uint8_t page[128], read[300];
    fill(page, sizeof page);
    if (with_expectations) {
        usb_bench_expect(b, "c0 05 0a 00 01 00 00 00", NULL);
        usb_bench_expect(b, "c0 05 0a 00 00 00 00 00", NULL);
        usb_bench_expect(b, "c0 07 ac 80 00 00 04 00", "00 00 00 00");
        usb_bench_expect_data(b, "40 0a 00 00 00 00 80 00", page, sizeof page);
        usb_bench_expect(b, "c0 07 4c 00 00 00 04 00", "00 00 00 00");
        usb_bench_expect(b, "c0 07 f0 00 00 00 04 00", "00 00 00 00");
        usb_bench_expect_answer(b, "c0 09 00 00 00 00 f8 00", read, 248);
        usb_bench_expect_answer(b, "c0 09 00 00 f8 00 34 00", read + 248, 52);
        usb_bench_expect(b, "c0 06 00 00 00 00 00 00", NULL);
    }
    struct isp_exchange erase = {.mosi = {0xac, 0x80}, .wait_us = 9000};
    TRY(programmer_enter(&b->programmer, &b->error));
    TRY(programmer_exchange(&b->programmer, &erase, 1, &b->error));
    TRY(write_flash(b, 0, page, sizeof page));
    return usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_FLASH), 0, read,
                               sizeof read, &b->error);
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
    for (size_t k = 2; k <= 9; k++) { /* 1 is the echo, 10 is leaving */
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (cases[i].mishap == MISHAP_NOISE && k >= 7)
                continue; /* reading is repeated */
            struct usb_bench *b = opened("m328p");
            b->script.mishap_at = k;
            b->script.mishap = cases[i].mishap;
            /* A request without data cannot be answered short. */
            const bool harmless = cases[i].mishap == MISHAP_SHORT && k <= 3;
            const enum status status = whole_session(b, true);
            assert_int_equal(status, harmless ? STATUS_OK : cases[i].status);
            assert_string_equal(b->script.complaint, "");
            b->script.at = b->script.step_count - 1;
            const enum status left = programmer_leave(&b->programmer, &b->error);
            assert_int_equal(left, cases[i].mishap == MISHAP_GONE ? STATUS_LINK : STATUS_OK);
            assert_false(b->programmer.entered);
            usb_bench_free(b);
        }
    }
}

static void disturbed_reads_are_repeated(void **state)
{
    (void)state;
    struct usb_bench *b = entered("m328p");
    uint8_t data[3];
    usb_bench_expect(b, "c0 09 00 00 05 00 03 00", "01 02 03");
    usb_bench_expect(b, "c0 09 00 00 05 00 03 00", "01 02 03");
    b->script.mishap_at = b->script.at + 1;
    b->script.mishap = MISHAP_NOISE;
    assert_int_equal(usbtiny_driver.read(&b->programmer, part_memory(b->part, MEMORY_FLASH), 5,
                                         data, sizeof data, &b->error),
                     STATUS_OK);
    assert_memory_equal(data, "\x01\x02\x03", 3);
    leave(b);
}

static void failure_names_the_request_and_the_page(void **state)
{
    (void)state;
    struct usb_bench *b = opened("m328p");
    b->script.mishap_at = 5;
    b->script.mishap = MISHAP_HANG;
    assert_int_equal(whole_session(b, true), STATUS_TIMEOUT);
    assert_non_null(strstr(b->error.text, "page 0x0000: "));
    assert_non_null(strstr(b->error.text, "no answer to FLASH_WRITE within"));
    usb_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_is_powerup_reset_pulse_wait_and_powerdown),
        cmocka_unit_test(at89s_gets_reset_high),
        cmocka_unit_test(device_that_does_not_echo_is_refused),
        cmocka_unit_test(absent_device_is_no_device),
        cmocka_unit_test(other_ports_are_usage_errors),
        cmocka_unit_test(sck_is_the_fastest_not_above_the_wish_and_told_truly),
        cmocka_unit_test(sck_changes_in_programming_mode_without_leaving_it),
        cmocka_unit_test(edge_delay_lengthens_the_period),
        cmocka_unit_test(flash_is_read_in_the_largest_blocks_without_pauses),
        cmocka_unit_test(flash_above_64_kib_is_read_by_instructions),
        cmocka_unit_test(each_128_kib_begin_with_what_blocks_can_reach),
        cmocka_unit_test(eeprom_is_read_in_blocks),
        cmocka_unit_test(slow_sck_makes_smaller_blocks),
        cmocka_unit_test(page_is_loaded_committed_and_polled),
        cmocka_unit_test(polling_ends_with_the_full_time),
        cmocka_unit_test(questions_come_when_the_chip_is_usually_ready),
        cmocka_unit_test(commit_above_64_kib_has_the_whole_word_address),
        cmocka_unit_test(old_chips_are_asked_for_a_byte_of_the_page),
        cmocka_unit_test(page_that_cannot_be_asked_for_waits_the_full_time),
        cmocka_unit_test(byte_wise_memory_is_polled_by_the_device),
        cmocka_unit_test(eeprom_pages_are_left_to_instructions),
        cmocka_unit_test(instruction_with_a_wait_keeps_the_next_one_back),
        cmocka_unit_test(reset_is_released_only_when_the_chip_is_done),
        cmocka_unit_test(every_transfer_may_fail_in_every_way),
        cmocka_unit_test(disturbed_reads_are_repeated),
        cmocka_unit_test(failure_names_the_request_and_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
