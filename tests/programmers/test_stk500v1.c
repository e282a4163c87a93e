/* The STK500v1 driver against a board in simulated time, with the chip model on its pins. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "drivers.h"
#include "fake_board.h"
#include "stk500v1.h"

static const struct programmer_entry entry = {.id = "avrisp", .driver = "stk500v1"};

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct programmer_config config;
    struct programmer programmer;
    struct avr_chip *chip;
    struct fake_board board;
    struct part_database *parts;
    const struct part *part;
    struct error error;
};

static const struct fake_options uno = {.firmware = FAKE_SKETCH, .baud = 19200};

static struct bench *bench_new(const struct fake_options *options, const char *chip)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->clock = fake_clock_new();
    b->record = record_new();
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    struct avr_chip_options chip_options = avr_chip_defaults();
    chip_options.busy = AVR_BUSY_LONGEST;
    b->chip = avr_chip_new(avr_chip_spec(chip), &chip_options);
    if (options->sck_hz > 200000) /* a chip that follows */
        avr_chip_memory(b->chip, AVR_FUSES, NULL)[0] = 0xff;
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    assert_int_equal(part_find(b->parts, chip, &b->part, &b->error), STATUS_OK);
    b->config = (struct programmer_config){.id = "avrisp"};
    b->programmer = (struct programmer){
        .driver = &stk500v1_driver,
        .entry = &entry,
        .config = &b->config,
        .context = &b->context,
        .part = b->part,
        .state = calloc(1, stk500v1_driver.state_size),
    };
    assert_non_null(b->programmer.state);
    (void)fake_board_begin(&b->board, options, &b->clock, &b->context, b->chip);
    b->board.cancel = &b->cancel;
    return b;
}

static enum status bench_open(struct bench *b)
{
    const enum status status = stk500v1_adopt(&b->programmer, &b->board.base, &b->error);
    if (status != STATUS_OK)
        b->programmer.driver->close(&b->programmer);
    return status;
}

static enum status bench_enter(struct bench *b)
{
    return programmer_enter(&b->programmer, &b->error);
}

static void bench_free(struct bench *b)
{
    if (b->board.closed == 0)
        b->programmer.driver->close(&b->programmer);
    assert_int_equal(b->board.closed, 1);
    free(b->programmer.state);
    part_database_close(b->parts);
    avr_chip_free(b->chip);
    free(b);
}

static struct bench *bench_ready(const struct fake_options *options, const char *chip)
{
    struct bench *b = bench_new(options, chip);
    if (bench_open(b) != STATUS_OK || bench_enter(b) != STATUS_OK)
        fail_msg("%s", b->error.text);
    return b;
}

static const struct memory *memory_of(const struct bench *b, enum memory_kind kind)
{
    return part_memory(b->part, kind);
}

/* Reproducible bytes without structure. */
static void fill_random(uint8_t *data, size_t size)
{
    uint32_t x = 0x12345678;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (uint8_t)(x >> 8);
    }
}

static enum status write_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size)
{
    const struct memory *m = memory_of(b, MEMORY_FLASH);
    context_begin(&b->context, STEP_WRITE, m, (uint32_t)size);
    const enum status status =
        b->programmer.driver->write(&b->programmer, m, address, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

static enum status read_memory(struct bench *b, enum memory_kind kind, uint32_t address,
                               uint8_t *data, size_t size)
{
    const struct memory *m = memory_of(b, kind);
    context_begin(&b->context, STEP_READ, m, (uint32_t)size);
    const enum status status =
        b->programmer.driver->read(&b->programmer, m, address, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

static void assert_flash_is(struct bench *b, uint32_t address, const uint8_t *data, size_t size)
{
    size_t flash_size = 0;
    b->board.chip_ns += 100 * AVR_MS;
    avr_chip_settle(b->chip, b->board.chip_ns);
    const uint8_t *flash = avr_chip_memory(b->chip, AVR_FLASH, &flash_size);
    assert_true(address + size <= flash_size);
    assert_memory_equal(flash + address, data, size);
}

/* Nothing the sketch would not understand was sent, no byte lost, the chip never disturbed. */
static void assert_clean(const struct bench *b)
{
    const struct avr_stats *stats = avr_chip_stats(b->chip);
    assert_int_equal(b->board.overflows, 0);
    assert_int_equal(b->board.unknown, 0);
    assert_int_equal(b->board.nosync, 0);
    assert_int_equal(b->board.set_parameter, 0);
    assert_int_equal(stats->busy_violations, 0);
    assert_int_equal(stats->undefined, 0);
    assert_int_equal(stats->interrupted, 0);
}

static bool logged(const struct bench *b, const char *text)
{
    return strstr(b->record.log, text) != NULL;
}

/* --- opening -------------------------------------------------------------------------------- */

static void first_rate_is_that_of_the_sketch_and_verbose_output_says_so(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_OK);
    assert_true(b->clock.now_us - begin < 100000);
    assert_true(logged(b, "firmware=AVR ISP 1.18 (ArduinoISP sketch)"));
    assert_true(logged(b, "port=/dev/ttyFAKE"));
    assert_true(logged(b, "baud=19200"));
    assert_clean(b);
    bench_free(b);
}

static void every_usual_rate_is_found(void **state)
{
    (void)state;
    static const uint32_t rates[] = {115200, 57600, 9600, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct fake_options options = {.firmware = FAKE_SKETCH, .baud = rates[i]};
        struct bench *b = bench_new(&options, "m328p");
        const uint64_t begin = b->clock.now_us;
        assert_int_equal(bench_open(b), STATUS_OK);
        assert_int_equal(b->board.host_baud, rates[i]);
        assert_true(b->clock.now_us - begin < 3000000);
        assert_int_equal(b->board.set_parameter, 0);
        bench_free(b);
    }
}

static void rate_given_with_b_is_the_only_one_tried(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    b->config.baud = 38400;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_int_equal(b->board.host_baud, 38400);
    assert_non_null(strstr(b->error.hint, "leave -b out"));
    bench_free(b);
}

static void native_usb_answers_at_the_first_rate(void **state)
{
    (void)state;
    const struct fake_options leonardo = {.firmware = FAKE_SKETCH, .latency_us = 500};
    struct bench *b = bench_new(&leonardo, "m328p");
    assert_int_equal(bench_open(b), STATUS_OK);
    assert_int_equal(b->board.host_baud, 19200);
    bench_free(b);
}

/* U4: the board's loader has the line first; whatever its rate and manners, the sketch is reached
 * and the loader is never told to write. */
static void board_that_resets_when_opened_needs_no_capacitor(void **state)
{
    (void)state;
    static const struct {
        struct fake_options board;
        uint32_t baud; /* -b */
        uint32_t limit_ms;
    } cases[] = {
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 115200}, 0, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 115200}, 19200, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 57600, .boot_us = 2000000}, 0, 8000},
        {{.firmware = FAKE_SKETCH, .baud = 115200, .boot_baud = 115200}, 0, 4000},
        {{.firmware = FAKE_SKETCH, .baud = 115200, .boot_baud = 115200}, 115200, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 19200}, 0, 2500},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .boot_baud = 19200, .boot_stays = true},
         19200,
         8000},
        {{.firmware = FAKE_SKETCH,
          .baud = 19200,
          .boot_baud = 57600,
          .boot_stays = true,
          .boot_us = 2000000},
         0,
         12000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_new(&cases[i].board, "m328p");
        b->config.baud = cases[i].baud;
        const uint64_t begin = b->clock.now_us;
        if (bench_open(b) != STATUS_OK)
            fail_msg("case %zu: %s", i, b->error.text);
        if (b->clock.now_us - begin > cases[i].limit_ms * 1000u)
            fail_msg("case %zu took %u ms", i, (unsigned)((b->clock.now_us - begin) / 1000));
        assert_int_equal(b->board.boot_pages, 0);
        assert_false(b->board.booting);
        assert_int_equal(bench_enter(b), STATUS_OK);
        bench_free(b);
    }
}

/* U47 */
static void boot_loader_without_a_sketch_is_named_and_nothing_is_written(void **state)
{
    (void)state;
    const struct fake_options board = {
        .firmware = FAKE_BOOTLOADER, .baud = 115200, .boot_baud = 115200};
    struct bench *b = bench_new(&board, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_true(b->clock.now_us - begin < 20000000);
    assert_non_null(strstr(b->error.text, "boot loader"));
    assert_non_null(strstr(b->error.hint, "ArduinoISP"));
    assert_non_null(strstr(b->error.hint, "-c arduino"));
    assert_int_equal(b->board.boot_pages, 0);
    bench_free(b);
}

static void silent_device_ends_in_bounded_time(void **state)
{
    (void)state;
    static const uint32_t rates[] = {0, 19200};
    for (size_t i = 0; i < 2; i++) {
        const struct fake_options board = {.firmware = FAKE_MUTE, .baud = 19200};
        struct bench *b = bench_new(&board, "m328p");
        b->config.baud = rates[i];
        const uint64_t begin = b->clock.now_us;
        assert_int_equal(bench_open(b), STATUS_SILENT);
        assert_true(b->clock.now_us - begin < 15000000);
        assert_string_equal(b->error.text, "/dev/ttyFAKE: no programmer answers");
        assert_non_null(strstr(b->error.hint, "-P"));
        bench_free(b);
    }
}

static void device_of_another_protocol_is_told_from_a_silent_one(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_CHATTER, .baud = 19200};
    struct bench *b = bench_new(&board, "m328p");
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_true(b->clock.now_us - begin < 20000000);
    assert_non_null(strstr(b->error.text, "not in STK500v1 (heard 6f 6b 3e 0d"));
    bench_free(b);
}

static void killed_run_inside_page_data_is_overcome_and_its_page_not_written(void **state)
{
    (void)state;
    static const size_t left_at[] = {4, 5, 70, 100};
    for (size_t i = 0; i < sizeof left_at / sizeof left_at[0]; i++) {
        struct bench *b = bench_new(&uno, "m328p");
        static const uint8_t begun[4] = {0x64, 0x00, 0x80, 0x46};
        memcpy(b->board.command, begun, sizeof begun);
        memset(b->board.command + 4, 0x11, 128);
        b->board.command_size = left_at[i];
        b->board.page_size = 128;
        if (bench_open(b) != STATUS_OK)
            fail_msg("%zu bytes: %s", left_at[i], b->error.text);
        assert_int_equal(bench_enter(b), STATUS_OK);
        assert_int_equal(avr_chip_stats(b->chip)->instructions[AVR_OP_WRITE_PAGE], 0);
        bench_free(b);
    }
}

static void killed_run_inside_a_short_command_is_overcome(void **state)
{
    (void)state;
    static const uint8_t begun[] = {0x56, 0x30, 0x00, 0x00};
    for (size_t left = 1; left <= sizeof begun; left++) {
        struct bench *b = bench_new(&uno, "m328p");
        memcpy(b->board.command, begun, left);
        b->board.command_size = left;
        assert_int_equal(bench_open(b), STATUS_OK);
        assert_int_equal(b->board.host_baud, 19200);
        bench_free(b);
    }
}

static void the_target_voltage_is_believed_where_it_is_measured(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_STK500, .baud = 115200};
    uint32_t millivolts = 0;
    struct bench *b = bench_ready(&board, "m328p");
    assert_int_equal(stk500v1_driver.voltage(&b->programmer, &millivolts, &b->error), STATUS_OK);
    assert_int_equal(millivolts, 5000);
    bench_free(b);
    b = bench_ready(&uno, "m328p"); /* the sketch answers 0 whatever there is */
    assert_int_equal(stk500v1_driver.voltage(&b->programmer, &millivolts, &b->error),
                     STATUS_UNSUPPORTED);
    bench_free(b);
}

static void real_stk500_is_told_its_device_and_asked_one_thing_at_a_time(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_STK500, .baud = 115200};
    struct bench *b = bench_ready(&board, "m328p");
    static const uint8_t extended[] = {0x45, 0x05, 0x04, 0xd7, 0xc2, 0x01, 0x20};
    bool found = false;
    for (size_t i = 0; i + sizeof extended <= b->board.sent_size; i++)
        found = found || memcmp(b->board.sent + i, extended, sizeof extended) == 0;
    assert_true(found);
    uint8_t data[512];
    fill_random(data, sizeof data);
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_OK);
    assert_true(b->board.ahead_max <= 2);
    assert_flash_is(b, 0, data, sizeof data);
    uint8_t back[512];
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    bench_free(b);
}

/* --- programming mode ----------------------------------------------------------------------- */

static void set_device_block_is_that_of_the_application_note(void **state)
{
    (void)state;
    struct bench *b = bench_new(&uno, "m328p");
    assert_int_equal(bench_open(b), STATUS_OK);
    b->board.sent_size = 0;
    assert_int_equal(bench_enter(b), STATUS_OK);
    static const uint8_t wanted[] = {0x42, 0x86, 0x00, 0x00, 0x01, 0x01, 0x01, 0x01, 0x03,
                                     0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0x04, 0x00, 0x00,
                                     0x00, 0x80, 0x00, 0x20, 0x51, 0x20, 0x50, 0x20};
    assert_int_equal(b->board.sent_size, sizeof wanted);
    assert_memory_equal(b->board.sent, wanted, sizeof wanted);
    bench_free(b);
}

static void enter_again_really_pulses_reset(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    assert_int_equal(b->board.reset_pulses, 1);
    assert_int_equal(bench_enter(b), STATUS_OK);
    assert_int_equal(b->board.reset_pulses, 2);
    assert_true(avr_chip_in_programming_mode(b->chip));
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    assert_false(b->board.in_pmode);
    b->board.chip_ns += 100 * AVR_MS;
    assert_true(avr_chip_running(b->chip, b->board.chip_ns));
    assert_clean(b);
    bench_free(b);
}

static void reset_is_active_high_for_an_at89s(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "at89s52");
    assert_true(b->board.device_code >= 0xe0);
    bench_free(b);
}

/* --- instructions --------------------------------------------------------------------------- */

static void signature_and_fuses_take_one_turn_around(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0x30, 0, 0, 0}}, {.mosi = {0x30, 0, 1, 0}}, {.mosi = {0x30, 0, 2, 0}},
        {.mosi = {0x50, 0, 0, 0}}, {.mosi = {0x58, 8, 0, 0}}, {.mosi = {0x50, 8, 0, 0}},
        {.mosi = {0x58, 0, 0, 0}},
    };
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, batch, 7, &b->error), STATUS_OK);
    assert_int_equal(batch[0].miso[3], 0x1e);
    assert_int_equal(batch[1].miso[3], 0x95);
    assert_int_equal(batch[2].miso[3], 0x0f);
    assert_int_equal(batch[3].miso[3], 0x62);
    assert_int_equal(batch[4].miso[3], 0xd9);
    /* 42 bytes out, the last answer of 3 in, one latency: 28 ms at most; singly it would be 58. */
    assert_true(b->clock.now_us - begin < 29000);
    assert_clean(b);
    bench_free(b);
}

static void fuse_write_waits_before_the_next_instruction(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xac, 0xa8, 0, 0xde}, .wait_us = 4500, .ready_poll = true},
        {.mosi = {0xac, 0xa4, 0, 0xfd}, .wait_us = 4500, .ready_poll = true},
        {.mosi = {0x58, 0x08, 0, 0}},
        {.mosi = {0x50, 0x08, 0, 0}},
    };
    assert_int_equal(programmer_exchange(&b->programmer, batch, 4, &b->error), STATUS_OK);
    assert_int_equal(batch[2].miso[3], 0xde);
    assert_int_equal(batch[3].miso[3] & 7, 0x05);
    assert_true(b->board.ahead_max <= 24); /* fuse writes stand alone: SET_DEVICE was the longest */
    assert_clean(b);
    bench_free(b);
}

static void long_waits_are_cut_short_by_polling(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    struct isp_exchange erase = {
        .mosi = {0xac, 0x80, 0, 0}, .wait_us = 90000, .wait_min_us = 5000, .ready_poll = true};
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(programmer_exchange(&b->programmer, &erase, 1, &b->error), STATUS_OK);
    assert_true(b->clock.now_us - begin < 40000);
    assert_false(avr_chip_busy(b->chip, b->clock.now_us * AVR_US));
    assert_clean(b);
    bench_free(b);
}

/* EEPROM pages as the target layer composes them. */
static size_t eeprom_batch(struct isp_exchange *batch, const uint8_t *data, uint32_t address,
                           size_t pages)
{
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) {
        for (uint8_t k = 0; k < 4; k++)
            batch[count++] = (struct isp_exchange){.mosi = {0xc1, 0, k, data[i * 4 + k]}};
        const uint32_t at = address + (uint32_t)i * 4;
        batch[count++] = (struct isp_exchange){.mosi = {0xc2, (uint8_t)(at >> 8), (uint8_t)at, 0},
                                               .wait_us = 20000,
                                               .wait_min_us = 3600,
                                               .ready_poll = true};
    }
    return count;
}

static uint64_t write_eeprom(struct bench *b, const uint8_t *data, size_t size)
{
    enum { PAGES = 51 };
    struct isp_exchange batch[PAGES * 5];
    const uint64_t begin = b->clock.now_us;
    for (size_t done = 0; done < size; done += PAGES * 4) {
        const size_t pages = (size - done) / 4 < PAGES ? (size - done) / 4 : PAGES;
        const size_t count = eeprom_batch(batch, data + done, (uint32_t)done, pages);
        if (programmer_exchange(&b->programmer, batch, count, &b->error) != STATUS_OK)
            fail_msg("%s", b->error.text);
    }
    return b->clock.now_us - begin;
}

static void eeprom_pages_follow_each_other_without_disturbing_the_chip(void **state)
{
    (void)state;
    static const struct {
        struct fake_options board;
        uint32_t us_a_byte;
    } cases[] = {
        {{.firmware = FAKE_SKETCH, .baud = 19200}, 5900},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .latency_us = 16000}, 6600},
        {{.firmware = FAKE_SKETCH, .baud = 19200, .sck_hz = 10000},
         9000}, /* slower than the wire */
        {{.firmware = FAKE_SKETCH, .baud = 57600}, 3500},
        {{.firmware = FAKE_SKETCH, .baud = 115200}, 3500},
        {{.firmware = FAKE_SKETCH, .baud = 1000000, .sck_hz = 2000000},
         3500},                                                          /* the host must wait */
        {{.firmware = FAKE_SKETCH, .baud = 0, .latency_us = 500}, 3500}, /* native USB */
        {{.firmware = FAKE_SKETCH, .baud = 0, .latency_us = 20000}, 12500},
    };
    uint8_t data[1024];
    fill_random(data, sizeof data);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *b = bench_ready(&cases[i].board, "m328p");
        const uint64_t took_us = write_eeprom(b, data, sizeof data);
        uint8_t back[sizeof data];
        assert_int_equal(read_memory(b, MEMORY_EEPROM, 0, back, sizeof back), STATUS_OK);
        assert_memory_equal(back, data, sizeof data);
        if (took_us > sizeof data * (uint64_t)cases[i].us_a_byte)
            fail_msg("case %zu: %u us a byte", i, (unsigned)(took_us / sizeof data));
        const struct avr_stats *stats = avr_chip_stats(b->chip);
        if (stats->busy_violations != 0)
            fail_msg("case %zu: %u violations", i, (unsigned)stats->busy_violations);
        assert_int_equal(b->board.overflows, 0);
        bench_free(b);
    }
}

/* A chip slower than its data sheet: the last poll before the next page shows it. */
static void unproven_wait_is_made_good(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    enum { PAGES = 51 };
    struct isp_exchange batch[PAGES * 5];
    uint8_t data[PAGES * 4];
    uint8_t back[sizeof data];
    fill_random(data, sizeof data);
    const size_t count = eeprom_batch(batch, data, 0, PAGES);
    for (size_t i = 0; i < count; i++)
        if (batch[i].wait_us > 0)
            batch[i].wait_min_us = 500; /* the chip takes 3.6 ms */
    assert_int_equal(programmer_exchange(&b->programmer, batch, count, &b->error), STATUS_OK);
    assert_true(logged(b, "note: the chip takes longer than its data sheet says"));
    assert_int_equal(read_memory(b, MEMORY_EEPROM, 0, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    bench_free(b);
}

/* --- flash ---------------------------------------------------------------------------------- */

/* What wire and firmware need at least: of each block all but the 63 bytes sent ahead must still
 * travel once the block before it is done; then the sketch works on it. */
static uint64_t write_bound_us(size_t pages, uint64_t busy_us)
{
    const uint64_t byte_us = 10000000u / 19200u;
    return pages * ((133 - 63) * byte_us + busy_us);
}

static void writing_and_reading_32_kib_comes_close_to_the_bound_of_wire_and_firmware(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    static uint8_t data[32768];
    static uint8_t back[sizeof data];
    fill_random(data, sizeof data);
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_OK);
    const uint64_t write_us = b->clock.now_us - begin;
    assert_int_equal(b->record.progress, sizeof data);
    assert_flash_is(b, 0, data, sizeof data);
    assert_int_equal(b->board.ahead_max, STK_RING);
    const uint64_t middle = b->clock.now_us;
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
    const uint64_t read_us = b->clock.now_us - middle;
    assert_memory_equal(back, data, sizeof data);
    assert_clean(b);

    const uint64_t busy_us = 129 * (256 + 12) + 30000;
    const uint64_t bound_us = write_bound_us(256, busy_us) + sizeof data * 10000000u / 19200u;
    print_message("write %u ms, read %u ms, bound of both %u ms\n", (unsigned)(write_us / 1000),
                  (unsigned)(read_us / 1000), (unsigned)(bound_us / 1000));
    assert_true((write_us + read_us) * 100 < bound_us * 110);
    bench_free(b);
}

static void pages_of_every_size_arrive(void **state)
{
    (void)state;
    static const char *const chips[] = {"t85", "t2313", "m8", "m328p", "m2560"};
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        struct bench *b = bench_ready(&uno, chips[i]);
        uint8_t data[1024];
        uint8_t back[sizeof data];
        fill_random(data, sizeof data);
        if (b->part->extended_address) {
            struct isp_exchange segment = {.mosi = {0x4d, 0, 0, 0}};
            assert_int_equal(programmer_exchange(&b->programmer, &segment, 1, &b->error),
                             STATUS_OK);
        }
        assert_int_equal(write_flash(b, 0x200, data, sizeof data), STATUS_OK);
        assert_flash_is(b, 0x200, data, sizeof data);
        assert_int_equal(read_memory(b, MEMORY_FLASH, 0x200, back, sizeof back), STATUS_OK);
        assert_memory_equal(back, data, sizeof data);
        assert_clean(b);
        bench_free(b);
    }
}

/* PROG_FLICKER off: the sketch does not wait after a commit. */
static void sketch_without_flicker_never_meets_a_busy_chip(void **state)
{
    (void)state;
    static const uint32_t rates[] = {19200, 115200, 1000000, 0};
    static const char *const chips[] = {"m328p", "t2313"};
    for (size_t i = 0; i < 8; i++) {
        const struct fake_options board = {
            .firmware = FAKE_SKETCH, .baud = rates[i % 4], .no_flicker = true, .latency_us = 500};
        struct bench *b = bench_ready(&board, chips[i / 4]);
        uint8_t data[2048];
        fill_random(data, sizeof data);
        assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_OK);
        assert_flash_is(b, 0, data, sizeof data);
        assert_int_equal(avr_chip_stats(b->chip)->busy_violations, 0);
        bench_free(b);
    }
}

static void what_the_sketch_cannot_do_is_left_to_instructions(void **state)
{
    (void)state;
    static const struct {
        const char *chip;
        enum memory_kind kind;
    } cases[] = {
        {"t441", MEMORY_FLASH},   {"at90s2313", MEMORY_FLASH}, {"at89s52", MEMORY_FLASH},
        {"m328p", MEMORY_EEPROM}, {"m328p", MEMORY_LOCK},
    };
    uint8_t data[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct part *part = NULL;
        struct bench *b = bench_ready(&uno, "m328p");
        if (part_find(b->parts, cases[i].chip, &part, &b->error) != STATUS_OK)
            fail_msg("%s", b->error.text);
        const size_t before = b->board.bytes_in;
        assert_int_equal(b->programmer.driver->write(&b->programmer,
                                                     part_memory(part, cases[i].kind), 0, data,
                                                     sizeof data, &b->error),
                         STATUS_UNSUPPORTED);
        assert_int_equal(b->board.bytes_in, before);
        bench_free(b);
    }
}

/* --- lost bytes ----------------------------------------------------------------------------- */

static void assert_note_is_calm(const struct bench *b)
{
    assert_true(logged(b, "note: out of step with the programmer"));
    assert_null(strstr(b->record.log, "error"));
    assert_null(strstr(b->record.log, "fail"));
}

static void lost_byte_at_any_place_of_a_write_is_made_good(void **state)
{
    (void)state;
    static uint8_t data[1024];
    static uint8_t back[sizeof data];
    fill_random(data, sizeof data);
    for (size_t lost = 1; lost < 8 * 133 + 4; lost += 19) {
        struct bench *b = bench_ready(&uno, "m328p");
        const uint64_t begin = b->clock.now_us;
        b->board.lose_in[0] = b->board.bytes_in + lost;
        if (write_flash(b, 0, data, sizeof data) != STATUS_OK)
            fail_msg("byte %zu: %s", lost, b->error.text);
        assert_true(b->clock.now_us - begin < 10000000);
        assert_flash_is(b, 0, data, sizeof data);
        assert_note_is_calm(b);
        assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
        assert_memory_equal(back, data, sizeof data);
        assert_int_equal(avr_chip_stats(b->chip)->busy_violations, 0);
        bench_free(b);
    }
}

static void lost_answer_at_any_place_of_a_read_is_made_good(void **state)
{
    (void)state;
    static uint8_t back[4096];
    for (size_t lost = 1; lost < sizeof back; lost += 293) {
        struct bench *b = bench_ready(&uno, "m328p");
        uint8_t *flash = avr_chip_memory(b->chip, AVR_FLASH, NULL);
        fill_random(flash, sizeof back);
        b->board.lose_out[0] = b->board.bytes_out + lost;
        if (read_memory(b, MEMORY_FLASH, 0, back, sizeof back) != STATUS_OK)
            fail_msg("byte %zu: %s", lost, b->error.text);
        assert_memory_equal(back, flash, sizeof back);
        assert_note_is_calm(b);
        bench_free(b);
    }
}

/* A lost byte may have given an instruction another one's address: one page elsewhere may suffer,
 * which nobody but verify can know. All that was asked for is written. */
static void lost_byte_in_eeprom_writes_costs_one_page_at_most(void **state)
{
    (void)state;
    uint8_t data[256];
    fill_random(data, sizeof data);
    for (size_t lost = 1; lost < 1900; lost += 131) {
        struct bench *b = bench_ready(&uno, "m328p");
        b->board.lose_in[0] = b->board.bytes_in + lost;
        (void)write_eeprom(b, data, sizeof data);
        uint8_t back[sizeof data];
        assert_int_equal(read_memory(b, MEMORY_EEPROM, 0, back, sizeof back), STATUS_OK);
        size_t pages = 0;
        for (size_t k = 0; k < sizeof data; k += 4)
            pages += memcmp(back + k, data + k, 4) != 0 ? 1 : 0;
        assert_true(pages <= 1);
        bench_free(b);
    }
}

static void
board_that_resets_in_the_middle_is_entered_again_before_anything_is_written(void **state)
{
    (void)state;
    static uint8_t data[2048];
    fill_random(data, sizeof data);
    for (size_t at = 200; at < 1400; at += 131) {
        const struct fake_options board = {.firmware = FAKE_SKETCH, .baud = 19200};
        struct bench *b = bench_ready(&board, "m328p");
        b->board.options.boot_baud = 115200; /* of no concern at opening */
        b->board.reset_at = b->board.bytes_in + at;
        if (write_flash(b, 0, data, sizeof data) != STATUS_OK)
            fail_msg("byte %zu: %s", at, b->error.text);
        assert_flash_is(b, 0, data, sizeof data);
        assert_int_equal(b->board.boot_pages, 0);
        assert_int_equal(b->board.page_size, 128);
        bench_free(b);
    }
}

static void segment_is_selected_again_after_a_lost_step(void **state)
{
    (void)state;
    static uint8_t data[1024];
    fill_random(data, sizeof data);
    struct bench *b = bench_ready(&uno, "m2560");
    struct isp_exchange segment = {.mosi = {0x4d, 0, 1, 0}};
    assert_int_equal(programmer_exchange(&b->programmer, &segment, 1, &b->error), STATUS_OK);
    b->board.reset_at = b->board.bytes_in + 500;
    assert_int_equal(write_flash(b, 0x20000, data, sizeof data), STATUS_OK);
    assert_flash_is(b, 0x20000, data, sizeof data);
    bench_free(b);
}

/* A ring of 32 bytes, as on boards with little memory: what is sent ahead gets lost. */
static void device_that_stands_less_is_served_with_care(void **state)
{
    (void)state;
    static uint8_t data[2048];
    fill_random(data, sizeof data);
    const struct fake_options board = {.firmware = FAKE_SKETCH, .baud = 19200, .ring = 32};
    struct bench *b = bench_ready(&board, "m328p");
    if (write_flash(b, 0, data, sizeof data) != STATUS_OK)
        fail_msg("%s", b->error.text);
    assert_flash_is(b, 0, data, sizeof data);
    assert_note_is_calm(b);
    const size_t overflows = b->board.overflows;
    uint8_t back[sizeof data];
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    assert_int_equal(b->board.overflows, overflows);
    bench_free(b);
}

static void hopeless_line_ends_with_the_address_and_advice(void **state)
{
    (void)state;
    static uint8_t data[2048];
    fill_random(data, sizeof data);
    struct bench *b = bench_ready(&uno, "m328p");
    b->board.loose = true;
    const uint64_t begin = b->clock.now_us;
    const enum status status = write_flash(b, 0x400, data, sizeof data);
    assert_true(status == STATUS_SILENT || status == STATUS_TIMEOUT);
    assert_true(b->clock.now_us - begin < 60000000);
    assert_true(b->error.text[0] == '0' && b->error.text[1] == 'x');
    assert_true(b->error.hint[0] != '\0');
    bench_free(b);
}

/* --- a fault at every step ------------------------------------------------------------------ */

/* Open, enter, look, write, read, leave. */
static enum status whole_session(struct bench *b, bool *entered)
{
    static uint8_t data[512];
    static uint8_t back[sizeof data];
    uint8_t eeprom[8];
    struct isp_exchange batch[] = {
        {.mosi = {0x30, 0, 0, 0}},
        {.mosi = {0xac, 0x80, 0, 0}, .wait_us = 9000},
        {.mosi = {0x30, 0, 2, 0}},
    };
    fill_random(data, sizeof data);
    *entered = false;
    TRY(bench_open(b));
    *entered = true;
    enum status status = bench_enter(b);
    if (status == STATUS_OK)
        status = programmer_exchange(&b->programmer, batch, 3, &b->error);
    if (status == STATUS_OK)
        status = write_flash(b, 0, data, sizeof data);
    if (status == STATUS_OK)
        status = read_memory(b, MEMORY_FLASH, 0, back, sizeof back);
    if (status == STATUS_OK)
        status = read_memory(b, MEMORY_EEPROM, 0, eeprom, sizeof eeprom);
    if (status == STATUS_UNSUPPORTED) /* a garbled version: not believed to be the sketch */
        status = STATUS_OK;
    struct error ignored;
    const enum status left = programmer_leave(&b->programmer, &ignored);
    if (status == STATUS_OK && left != STATUS_OK) {
        b->error = ignored;
        return left;
    }
    return status;
}

static size_t transfers_of_a_session(void)
{
    bool entered;
    struct bench *b = bench_new(&uno, "m328p");
    assert_int_equal(whole_session(b, &entered), STATUS_OK);
    const size_t transfers = b->board.transfers;
    bench_free(b);
    assert_true(transfers > 40);
    return transfers;
}

static void unplugging_at_any_transfer_is_a_lost_link(void **state)
{
    (void)state;
    const size_t transfers = transfers_of_a_session();
    for (size_t k = 1; k <= transfers; k++) {
        bool entered;
        struct bench *b = bench_new(&uno, "m328p");
        b->board.fault = FAULT_UNPLUG;
        b->board.fault_at = k;
        assert_int_equal(whole_session(b, &entered), STATUS_LINK);
        assert_non_null(strstr(b->error.text, "/dev/ttyFAKE was lost"));
        bench_free(b);
    }
}

static void silence_from_any_transfer_on_ends_in_bounded_time(void **state)
{
    (void)state;
    const size_t transfers = transfers_of_a_session();
    for (size_t k = 1; k <= transfers; k++) {
        bool entered;
        struct bench *b = bench_new(&uno, "m328p");
        b->board.fault = FAULT_SILENCE;
        b->board.fault_at = k;
        const uint64_t begin = b->clock.now_us;
        const enum status status = whole_session(b, &entered);
        if (status != STATUS_SILENT && status != STATUS_TIMEOUT)
            fail_msg("transfer %zu: status %d, %s", k, (int)status, b->error.text);
        assert_true(b->clock.now_us - begin < 30000000);
        assert_true(b->error.text[0] != '\0');
        bench_free(b);
    }
}

static void one_wrong_or_missing_answer_anywhere_is_overcome(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAULT_WRONG, FAULT_SHORT};
    const size_t transfers = transfers_of_a_session();
    for (size_t i = 0; i < 2 * transfers; i++) {
        bool entered;
        struct bench *b = bench_new(&uno, "m328p");
        b->board.fault = faults[i % 2];
        b->board.fault_at = 1 + i / 2;
        const enum status status = whole_session(b, &entered);
        /* A wrong data byte passes for a right one: AVR061 has no checksum. Verify finds it. */
        if (status != STATUS_OK && status != STATUS_SILENT && status != STATUS_TIMEOUT)
            fail_msg("transfer %zu: %s", 1 + i / 2, b->error.text);
        assert_int_equal(b->board.boot_pages, 0);
        bench_free(b);
    }
}

/* --- Ctrl-C --------------------------------------------------------------------------------- */

static void interrupt_at_any_transfer_finishes_the_page_and_releases_the_chip(void **state)
{
    (void)state;
    const size_t transfers = transfers_of_a_session();
    for (size_t k = 1; k < transfers; k++) {
        bool entered;
        struct bench *b = bench_new(&uno, "m328p");
        b->board.cancel_at = k;
        const enum status status = whole_session(b, &entered);
        if (status != STATUS_CANCELLED && status != STATUS_OK)
            fail_msg("transfer %zu: %s", k, b->error.text);
        if (status == STATUS_OK && k + 20 <= transfers)
            fail_msg("not heeded at transfer %zu of %zu", k, transfers);
        assert_false(b->board.in_pmode);
        assert_int_equal(b->board.command_size, 0);
        assert_int_equal(avr_chip_stats(b->chip)->interrupted, 0);
        bench_free(b);
    }
}

static void interrupt_during_a_long_read_is_heeded_within_two_seconds(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    static uint8_t back[32768];
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, 2048), STATUS_OK);
    b->board.cancel_at = b->board.transfers + 20;
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(read_memory(b, MEMORY_FLASH, 0, back, sizeof back), STATUS_CANCELLED);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    assert_true(b->clock.now_us - begin < 2000000);
    assert_false(b->board.in_pmode);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rate_is_that_of_the_sketch_and_verbose_output_says_so),
        cmocka_unit_test(the_target_voltage_is_believed_where_it_is_measured),
        cmocka_unit_test(every_usual_rate_is_found),
        cmocka_unit_test(rate_given_with_b_is_the_only_one_tried),
        cmocka_unit_test(native_usb_answers_at_the_first_rate),
        cmocka_unit_test(board_that_resets_when_opened_needs_no_capacitor),
        cmocka_unit_test(boot_loader_without_a_sketch_is_named_and_nothing_is_written),
        cmocka_unit_test(silent_device_ends_in_bounded_time),
        cmocka_unit_test(device_of_another_protocol_is_told_from_a_silent_one),
        cmocka_unit_test(killed_run_inside_page_data_is_overcome_and_its_page_not_written),
        cmocka_unit_test(killed_run_inside_a_short_command_is_overcome),
        cmocka_unit_test(real_stk500_is_told_its_device_and_asked_one_thing_at_a_time),
        cmocka_unit_test(set_device_block_is_that_of_the_application_note),
        cmocka_unit_test(enter_again_really_pulses_reset),
        cmocka_unit_test(reset_is_active_high_for_an_at89s),
        cmocka_unit_test(signature_and_fuses_take_one_turn_around),
        cmocka_unit_test(fuse_write_waits_before_the_next_instruction),
        cmocka_unit_test(long_waits_are_cut_short_by_polling),
        cmocka_unit_test(eeprom_pages_follow_each_other_without_disturbing_the_chip),
        cmocka_unit_test(unproven_wait_is_made_good),
        cmocka_unit_test(writing_and_reading_32_kib_comes_close_to_the_bound_of_wire_and_firmware),
        cmocka_unit_test(pages_of_every_size_arrive),
        cmocka_unit_test(sketch_without_flicker_never_meets_a_busy_chip),
        cmocka_unit_test(what_the_sketch_cannot_do_is_left_to_instructions),
        cmocka_unit_test(lost_byte_at_any_place_of_a_write_is_made_good),
        cmocka_unit_test(lost_answer_at_any_place_of_a_read_is_made_good),
        cmocka_unit_test(lost_byte_in_eeprom_writes_costs_one_page_at_most),
        cmocka_unit_test(
            board_that_resets_in_the_middle_is_entered_again_before_anything_is_written),
        cmocka_unit_test(segment_is_selected_again_after_a_lost_step),
        cmocka_unit_test(device_that_stands_less_is_served_with_care),
        cmocka_unit_test(hopeless_line_ends_with_the_address_and_advice),
        cmocka_unit_test(unplugging_at_any_transfer_is_a_lost_link),
        cmocka_unit_test(silence_from_any_transfer_on_ends_in_bounded_time),
        cmocka_unit_test(one_wrong_or_missing_answer_anywhere_is_overcome),
        cmocka_unit_test(interrupt_at_any_transfer_finishes_the_page_and_releases_the_chip),
        cmocka_unit_test(interrupt_during_a_long_read_is_heeded_within_two_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
