/* The drivers of FTDI chips over a scripted channel: their very bytes, and every call failing. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "drivers.h"
#include "ftdi_pins.h"
#include "support/ftdi_script.h"

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct ftdi_script script;
    struct programmer_entry entry;
    struct programmer_config config;
    struct programmer programmer;
    struct part_database *parts;
    struct error e;
};

static const char mpsse_settings[] = "usb=0403:6014 channel=A reset=3";
static const char bitbang_settings[] = "usb=0403:6001 sck=0 miso=1 mosi=2 reset=4";

static void begin(struct bench *b, const struct programmer_driver *driver, const char *settings,
                  uint16_t release, const struct ftdi_step *steps, size_t count)
{
    *b = (struct bench){.clock = fake_clock_new(), .record = record_new()};
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    ftdi_script_init(&b->script, steps, count, &b->clock, release);
    assert_int_equal(part_database_open(&b->parts, &b->e), STATUS_OK);
    const struct part *part;
    assert_int_equal(part_find(b->parts, "m328p", &part, &b->e), STATUS_OK);
    b->entry =
        (struct programmer_entry){.id = driver->name, .driver = driver->name, .settings = settings};
    b->programmer = (struct programmer){.driver = driver,
                                        .entry = &b->entry,
                                        .config = &b->config,
                                        .context = &b->context,
                                        .part = part,
                                        .state = calloc(1, driver->state_size)};
    assert_non_null(b->programmer.state);
}

static void end(struct bench *b)
{
    b->programmer.driver->close(&b->programmer);
    assert_int_equal(b->script.closed, b->script.opened);
    part_database_close(b->parts);
    free(b->programmer.state);
}

static void check(struct bench *b)
{
    assert_string_equal(b->script.complaint, "");
    assert_int_equal(b->script.at, b->script.step_count);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- MPSSE ------------------------------------------------------------------------------------ */

/* What opening takes: AN_135's synchronisation, then the engine's settings; SCK about 100 kHz. */
#define MPSSE_OPEN                                                             \
    {"latency 16", NULL, 0}, {"mode 00 00", NULL, 0}, {"mode 02 00", NULL, 0}, \
        {"aa 87", "fa aa", 0}, {"ab 87", "fa ab", 0},                          \
    {                                                                          \
        "8a 97 8d 85 86 2c 01 81 87", "00", 0                                  \
    }

static void mpsse_opens_without_driving_a_pin(void **state)
{
    (void)state;
    static const struct ftdi_step steps[] = {MPSSE_OPEN};
    struct bench b;
    begin(&b, &mpsse_driver, "usb=0403:6010 channel=B reset=5", FTDI_RELEASE_FT2232H, steps,
          COUNT(steps));
    assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_OK);
    assert_int_equal(ftdi_script_wanted.id.vendor, 0x0403);
    assert_int_equal(ftdi_script_wanted.id.product, 0x6010);
    assert_int_equal(ftdi_script_wanted.channel, 1);
    check(&b);
    end(&b);
}

static void mpsse_has_sck_low_before_reset_falls(void **state)
{
    (void)state;
    static const struct ftdi_step steps[] = {
        MPSSE_OPEN,
        {"86 1d 00 81 87", "00", 0}, /* 30 MHz / 30 */
        {"80 08 0b 81 87", "00", 0}, /* RESET high, SCK and MOSI low, all three driven */
        {"80 00 0b 81 87", "00", 0}, /* RESET low */
        {"31 03 00 ac 53 00 00 87", "00 ac 53 00", 0},
        {"80 08 08 80 08 00 81 87", "00", 0}, /* RESET high alone driven, then nothing */
    };
    struct bench b;
    uint32_t hz = 0;
    struct isp_exchange x = {.mosi = {0xac, 0x53, 0, 0}};
    begin(&b, &mpsse_driver, mpsse_settings, FTDI_RELEASE_FT232H, steps, COUNT(steps));
    assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_OK);
    assert_int_equal(mpsse_driver.set_sck(&b.programmer, 1020000, &hz, &b.e), STATUS_OK);
    assert_int_equal(hz, 1000000);
    const uint64_t begin_us = b.clock.now_us;
    assert_int_equal(mpsse_driver.enter(&b.programmer, &b.e), STATUS_OK);
    assert_in_range(b.clock.now_us - begin_us, 22000, 40000);
    assert_int_equal(mpsse_driver.exchange(&b.programmer, &x, 1, &b.e), STATUS_OK);
    assert_int_equal(x.miso[2], 0x53);
    assert_int_equal(mpsse_driver.leave(&b.programmer, &b.e), STATUS_OK);
    check(&b);
    end(&b);
}

static void mpsse_clock_is_never_faster_than_asked(void **state)
{
    (void)state;
    static const struct {
        uint32_t asked, actual;
    } rates[] = {{30000000, 30000000},
                 {29999999, 15000000},
                 {4000000, 3750000},
                 {187500, 187500},
                 {125000, 125000},
                 {458, 457},
                 {1, 457}};
    struct bench b;
    begin(&b, &mpsse_driver, mpsse_settings, FTDI_RELEASE_FT232H, NULL, 0);
    static const struct ftdi_step steps[] = {MPSSE_OPEN};
    b.script.steps = steps;
    b.script.step_count = COUNT(steps);
    assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_OK);
    b.script.anything = true;
    for (size_t i = 0; i < COUNT(rates); i++) {
        uint32_t hz = 0;
        assert_int_equal(mpsse_driver.set_sck(&b.programmer, rates[i].asked, &hz, &b.e), STATUS_OK);
        assert_int_equal(hz, rates[i].actual);
    }
    end(&b);
}

static void mpsse_says_when_there_is_no_engine(void **state)
{
    (void)state;
    static const struct ftdi_step steps[] = {
        {"latency 16", NULL, 0}, {"mode 00 00", NULL, 0}, {"mode 02 00", NULL, 0},
        {"aa 87", "00 00", 0},   {"ab 87", "00 00", 0},   {"mode 00 00", NULL, 0},
        {"mode 02 00", NULL, 0}, {"aa 87", "00 00", 0},   {"ab 87", "00 00", 0},
    };
    struct bench b;
    begin(&b, &mpsse_driver, mpsse_settings, FTDI_RELEASE_FT232H, steps, COUNT(steps));
    assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_SILENT);
    check(&b);
    end(&b);
}

static void mpsse_refuses_pins_that_the_chip_has_not(void **state)
{
    (void)state;
    struct bench b;
    begin(&b, &mpsse_driver, "usb=0403:6011 channel=A reset=8", FTDI_RELEASE_FT4232H, NULL, 0);
    assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_USAGE);
    assert_int_equal(b.script.at, 0);
    end(&b);
}

/* --- bit-bang --------------------------------------------------------------------------------- */

static void bitbang_begin(struct bench *b)
{
    begin(b, &bitbang_driver, bitbang_settings, FTDI_RELEASE_FT232R, NULL, 0);
    b->script.anything = true;
    assert_int_equal(bitbang_driver.open(&b->programmer, &b->e), STATUS_OK);
}

/* No time passes on this clock, which proves sixteen bytes a baud. */
static void bitbang_clock_is_at_most_what_was_asked(void **state)
{
    (void)state;
    struct bench b;
    bitbang_begin(&b);
    for (uint32_t asked = 16; asked < 2000000; asked = asked * 3 / 2) {
        uint32_t hz = 0;
        assert_int_equal(bitbang_driver.set_sck(&b.programmer, asked, &hz, &b.e), STATUS_OK);
        assert_true(hz <= asked / 2 + 1);
        assert_true(hz > 0);
    }
    end(&b);
}

/* --- every call failing ----------------------------------------------------------------------- */

static enum status whole_job(struct bench *b)
{
    struct programmer *p = &b->programmer;
    const struct programmer_driver *driver = p->driver;
    const struct memory *flash = part_memory(p->part, MEMORY_FLASH);
    struct isp_exchange batch[2] = {
        {.mosi = {0xac, 0x80, 0, 0}, .wait_us = 9000, .ready_poll = true},
        {.mosi = {0x30, 0, 0, 0}}};
    uint8_t page[128] = {1, 2, 3};
    uint32_t hz;
    TRY(driver->set_sck(p, 500000, &hz, &b->e));
    TRY(driver->enter(p, &b->e));
    TRY(driver->exchange(p, batch, 2, &b->e));
    TRY(driver->write(p, flash, 0x100, page, sizeof page, &b->e));
    TRY(driver->read(p, flash, 0x100, page, sizeof page, &b->e));
    return driver->leave(p, &b->e);
}

/* MPSSE needs its two answers to be right; after that, zeros are good enough. */
static void open_for_job(struct bench *b, const struct programmer_driver *driver)
{
    static const struct ftdi_step steps[] = {MPSSE_OPEN};
    if (driver == &mpsse_driver)
        begin(b, driver, mpsse_settings, FTDI_RELEASE_FT232H, steps, COUNT(steps));
    else
        begin(b, driver, bitbang_settings, FTDI_RELEASE_FT232R, NULL, 0);
    b->script.anything = driver == &bitbang_driver;
    assert_int_equal(driver->open(&b->programmer, &b->e), STATUS_OK);
    b->script.anything = true;
}

static void fail_every_call(const struct programmer_driver *driver)
{
    struct bench b;
    open_for_job(&b, driver);
    const size_t before = b.script.at;
    assert_int_equal(whole_job(&b), STATUS_OK);
    const size_t calls = b.script.at;
    end(&b);
    assert_true(calls > before + 5);
    for (size_t i = before + 1; i <= calls; i++) {
        open_for_job(&b, driver);
        b.script.fail_at = i;
        b.script.fail = i % 2 == 0 ? STATUS_TIMEOUT : STATUS_LINK;
        assert_int_equal(whole_job(&b), b.script.fail);
        assert_non_null(strstr(b.e.text, "made to fail"));
        struct error ignored = {0};
        const size_t failed_at = b.script.at;
        (void)driver->leave(&b.programmer, &ignored);
        assert_true(b.script.at > failed_at); /* RESET is seen to */
        end(&b);
    }
}

static void mpsse_passes_on_the_failure_of_any_call(void **state)
{
    (void)state;
    fail_every_call(&mpsse_driver);
}

static void bitbang_passes_on_the_failure_of_any_call(void **state)
{
    (void)state;
    fail_every_call(&bitbang_driver);
}

/* The stream in which a page is written is heeded to its end; the next one is not begun. */
static void finish_pages_when_the_user_wants_out(const struct programmer_driver *driver)
{
    enum { SIZE = 16384 };
    static uint8_t data[SIZE];
    struct bench b;
    open_for_job(&b, driver);
    const struct memory *flash = part_memory(b.programmer.part, MEMORY_FLASH);
    memset(data, 0x55, SIZE);
    context_begin(&b.context, STEP_WRITE, flash, SIZE);
    b.script.cancel = &b.cancel;
    b.script.cancel_at = b.script.at + 1;
    assert_int_equal(driver->write(&b.programmer, flash, 0, data, SIZE, &b.e), STATUS_CANCELLED);
    assert_int_equal(b.script.at, b.script.cancel_at);
    assert_true(b.record.progress > 0); /* told as done: the pages are whole */
    end(&b);
}

static void mpsse_finishes_pages_when_the_user_wants_out(void **state)
{
    (void)state;
    finish_pages_when_the_user_wants_out(&mpsse_driver);
}

static void bitbang_finishes_pages_when_the_user_wants_out(void **state)
{
    (void)state;
    finish_pages_when_the_user_wants_out(&bitbang_driver);
}

static void opening_fails_with_any_call_and_closes(void **state)
{
    (void)state;
    static const struct ftdi_step steps[] = {MPSSE_OPEN};
    for (size_t i = 1; i <= COUNT(steps); i++) {
        struct bench b;
        begin(&b, &mpsse_driver, mpsse_settings, FTDI_RELEASE_FT232H, steps, COUNT(steps));
        b.script.fail_at = i;
        b.script.fail = STATUS_LINK;
        assert_int_equal(mpsse_driver.open(&b.programmer, &b.e), STATUS_LINK);
        end(&b);
        begin(&b, &bitbang_driver, bitbang_settings, FTDI_RELEASE_FT232R, NULL, 0);
        b.script.anything = true;
        b.script.fail_at = i <= 4 ? i : 4;
        b.script.fail = STATUS_LINK;
        assert_int_equal(bitbang_driver.open(&b.programmer, &b.e), STATUS_LINK);
        end(&b);
    }
}

/* --- pins ------------------------------------------------------------------------------------- */

static enum status read_pins(const char *settings, enum ftdi_wiring wiring, const char *option,
                             struct ftdi_pins *pins, struct error *e)
{
    const struct programmer_entry entry = {.id = "toy", .settings = settings};
    const struct programmer_config config = {.options = &option,
                                             .option_count = option == NULL ? 0 : 1};
    return ftdi_pins_read(&entry, &config, wiring, pins, e);
}

static void pins_come_from_settings_and_options(void **state)
{
    (void)state;
    struct ftdi_pins pins;
    struct error e = {0};
    assert_int_equal(
        read_pins("reset=8 buff=5,~10,~13 rdy=~15", FTDI_WIRING_MPSSE, "reset=c1", &pins, &e),
        STATUS_OK);
    assert_int_equal(pins.mask[FTDI_RESET], 1 << 9);
    assert_int_equal(ftdi_pins_set(&pins, FTDI_BUFFER, true, 0), 1 << 5);
    assert_int_equal(ftdi_pins_set(&pins, FTDI_BUFFER, false, 0), 1 << 10 | 1 << 13);
    assert_int_equal(ftdi_pins_outputs(&pins), 3 | 1 << 9 | 1 << 5 | 1 << 10 | 1 << 13 | 1 << 15);
    assert_int_equal(read_pins(bitbang_settings, FTDI_WIRING_BITBANG, "reset=~cts", &pins, &e),
                     STATUS_OK);
    assert_int_equal(pins.mask[FTDI_RESET], 1 << 3);
    assert_int_equal(pins.low, 1 << 3);
}

static void wrong_pins_are_refused_and_explained(void **state)
{
    (void)state;
    static const struct {
        enum ftdi_wiring wiring;
        const char *option, *text;
    } rows[] = {
        {FTDI_WIRING_BITBANG, "sck=2", "SCK and MOSI are both on pin 2"},
        {FTDI_WIRING_BITBANG, "sck=8", "no pin \"8\""},
        {FTDI_WIRING_BITBANG, "sck=~0", "cannot be inverted"},
        {FTDI_WIRING_BITBANG, "sck=0,3", "SCK needs one pin"},
        {FTDI_WIRING_BITBANG, "reset=none", "RESET needs one pin"},
        {FTDI_WIRING_BITBANG, "reset", "reset=PIN"},
        {FTDI_WIRING_BITBANG, "rest=4", "unknown option"},
        {FTDI_WIRING_BITBANG, "reset=", "no pin"},
        {FTDI_WIRING_BITBANG, "reset=rtsx", "no pin"},
        {FTDI_WIRING_MPSSE, "sck=4", "fixed pin"},
        {FTDI_WIRING_MPSSE, "reset=16", "no pin"},
        {FTDI_WIRING_MPSSE, "reset=c8", "no pin"},
        {FTDI_WIRING_MPSSE, "reset=2", "MISO and RESET are both on pin 2"},
        {FTDI_WIRING_MPSSE, "buff=3", "RESET and buffer are both on pin 3"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ftdi_pins pins;
        struct error e = {0};
        const char *settings = rows[i].wiring == FTDI_WIRING_MPSSE ? "reset=3" : bitbang_settings;
        assert_int_equal(read_pins(settings, rows[i].wiring, rows[i].option, &pins, &e),
                         STATUS_USAGE);
        if (strstr(e.text, rows[i].text) == NULL)
            fail_msg("-x %s: %s", rows[i].option, e.text);
    }
}

/* All that programmers.ini says of them is sound. */
static void every_ftdi_programmer_has_its_pins(void **state)
{
    (void)state;
    struct programmer_entry *entries;
    struct error e = {0};
    size_t seen = 0;
    assert_int_equal(programmer_entries(&entries, &e), STATUS_OK);
    for (const struct programmer_entry *it = entries; it->id != NULL; it++) {
        const struct programmer_driver *driver = programmer_driver_of(it);
        const struct programmer_config config = {0};
        char ids[48];
        const struct programmer p = {.entry = it};
        if (driver != &mpsse_driver && driver != &bitbang_driver)
            continue;
        if (driver->check(it, &config, &e) != STATUS_OK)
            fail_msg("%s: %s", it->id, e.text);
        assert_true(programmer_setting(&p, "usb", ids, sizeof ids));
        seen++;
    }
    assert_int_equal(seen, 23);
    programmer_entries_free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mpsse_opens_without_driving_a_pin),
        cmocka_unit_test(mpsse_has_sck_low_before_reset_falls),
        cmocka_unit_test(mpsse_clock_is_never_faster_than_asked),
        cmocka_unit_test(mpsse_says_when_there_is_no_engine),
        cmocka_unit_test(mpsse_refuses_pins_that_the_chip_has_not),
        cmocka_unit_test(bitbang_clock_is_at_most_what_was_asked),
        cmocka_unit_test(mpsse_passes_on_the_failure_of_any_call),
        cmocka_unit_test(bitbang_passes_on_the_failure_of_any_call),
        cmocka_unit_test(mpsse_finishes_pages_when_the_user_wants_out),
        cmocka_unit_test(bitbang_finishes_pages_when_the_user_wants_out),
        cmocka_unit_test(opening_fails_with_any_call_and_closes),
        cmocka_unit_test(pins_come_from_settings_and_options),
        cmocka_unit_test(wrong_pins_are_refused_and_explained),
        cmocka_unit_test(every_ftdi_programmer_has_its_pins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
