/* The boot loader driver against a board in simulated time. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "arduino.h"
#include "drivers.h"
#include "fake_board.h"

static const struct programmer_entry entry = {.id = "arduino", .driver = "arduino"};

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct programmer_config config;
    struct programmer programmer;
    struct fake_board board;
    struct part_database *parts;
    const struct part *part;
    struct error error;
};

static const struct fake_options uno = {
    .firmware = FAKE_BOOTLOADER, .baud = 115200, .boot_baud = 115200};

static struct bench *bench_new(const struct fake_options *options, const char *chip)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->clock = fake_clock_new();
    b->record = record_new();
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    assert_int_equal(part_find(b->parts, chip, &b->part, &b->error), STATUS_OK);
    b->config = (struct programmer_config){.id = "arduino"};
    b->programmer = (struct programmer){
        .driver = &arduino_driver,
        .entry = &entry,
        .config = &b->config,
        .context = &b->context,
        .part = b->part,
        .state = calloc(1, arduino_driver.state_size),
    };
    assert_non_null(b->programmer.state);
    (void)fake_board_begin(&b->board, options, &b->clock, &b->context, NULL);
    b->board.cancel = &b->cancel;
    return b;
}

static void bench_free(struct bench *b)
{
    b->programmer.driver->close(&b->programmer);
    assert_int_equal(b->board.closed, 1);
    free(b->programmer.state);
    part_database_close(b->parts);
    free(b);
}

static enum status bench_open(struct bench *b)
{
    return arduino_adopt(&b->programmer, &b->board.base, &b->error);
}

static struct bench *bench_ready(const struct fake_options *options, const char *chip)
{
    struct bench *b = bench_new(options, chip);
    if (bench_open(b) != STATUS_OK || programmer_enter(&b->programmer, &b->error) != STATUS_OK)
        fail_msg("%s", b->error.text);
    return b;
}

static void count_up(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
}

static enum status write_flash(struct bench *b, uint32_t address, const uint8_t *data, size_t size)
{
    return b->programmer.driver->write(&b->programmer, part_memory(b->part, MEMORY_FLASH), address,
                                       data, size, &b->error);
}

static enum status read_flash(struct bench *b, uint32_t address, uint8_t *data, size_t size)
{
    return b->programmer.driver->read(&b->programmer, part_memory(b->part, MEMORY_FLASH), address,
                                      data, size, &b->error);
}

static void upload_goes_through_the_loader_after_a_reset_pulse(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    assert_int_equal(b->board.lines, 3);
    uint8_t data[1024];
    uint8_t back[sizeof data];
    count_up(data, sizeof data);
    b->board.sent_size = 0;
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(write_flash(b, 0x100, data, sizeof data), STATUS_OK);
    assert_true(b->clock.now_us - begin < 8 * 30000);
    static const uint8_t first[] = {0x55, 0x80, 0x00, 0x20, 0x64, 0x00, 0x80, 0x46};
    assert_memory_equal(b->board.sent, first, sizeof first);
    assert_memory_equal(b->board.boot_flash + 0x100, data, sizeof data);
    assert_int_equal(read_flash(b, 0x100, back, sizeof back), STATUS_OK);
    assert_memory_equal(back, data, sizeof data);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    bench_free(b);
}

static void signature_is_the_loaders(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    uint8_t signature[3];
    assert_int_equal(b->programmer.driver->read(&b->programmer,
                                                part_memory(b->part, MEMORY_SIGNATURE), 0,
                                                signature, 3, &b->error),
                     STATUS_OK);
    assert_memory_equal(signature, "\x1e\x95\x0f", 3);
    bench_free(b);
}

static void usual_rates_are_tried_each_with_its_own_reset(void **state)
{
    (void)state;
    static const uint32_t rates[] = {115200, 57600, 19200};
    for (size_t i = 0; i < 3; i++) {
        const struct fake_options board = {
            .firmware = FAKE_BOOTLOADER, .baud = rates[i], .boot_baud = rates[i]};
        struct bench *b = bench_ready(&board, "m328p");
        assert_int_equal(b->board.host_baud, rates[i]);
        assert_int_equal(b->board.lines, 3 * (i + 1));
        bench_free(b);
    }
}

static void fuses_and_eeprom_are_out_of_reach(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    const size_t before = b->board.bytes_in;
    uint8_t data[4] = {0};
    struct isp_exchange instruction = {.mosi = {0x50, 0, 0, 0}};
    assert_int_equal(programmer_exchange(&b->programmer, &instruction, 1, &b->error),
                     STATUS_UNSUPPORTED);
    assert_int_equal(b->programmer.driver->write(&b->programmer,
                                                 part_memory(b->part, MEMORY_EEPROM), 0, data, 4,
                                                 &b->error),
                     STATUS_UNSUPPORTED);
    assert_int_equal(b->programmer.driver->read(&b->programmer, part_memory(b->part, MEMORY_FUSE),
                                                0, data, 1, &b->error),
                     STATUS_UNSUPPORTED);
    assert_int_equal(b->board.bytes_in, before);
    bench_free(b);
}

/* U47, the other way round. */
static void isp_sketch_in_place_of_a_loader_is_named(void **state)
{
    (void)state;
    const struct fake_options board = {.firmware = FAKE_SKETCH, .baud = 115200};
    struct bench *b = bench_new(&board, "m328p");
    assert_int_equal(bench_open(b), STATUS_SILENT);
    assert_non_null(strstr(b->error.text, "\"AVR ISP\""));
    assert_non_null(strstr(b->error.hint, "arduino_as_isp"));
    bench_free(b);
}

static void silent_board_and_foreign_one_are_told_apart_in_bounded_time(void **state)
{
    (void)state;
    static const enum fake_firmware firmwares[] = {FAKE_MUTE, FAKE_CHATTER};
    static const char *const texts[] = {"no boot loader answers", "not in STK500v1 (heard 6f 6b"};
    for (size_t i = 0; i < 2; i++) {
        const struct fake_options board = {.firmware = firmwares[i], .baud = 115200};
        struct bench *b = bench_new(&board, "m328p");
        const uint64_t begin = b->clock.now_us;
        assert_int_equal(bench_open(b), STATUS_SILENT);
        assert_true(b->clock.now_us - begin < 12000000);
        assert_non_null(strstr(b->error.text, texts[i]));
        bench_free(b);
    }
}

static void lost_byte_restarts_the_loader_and_repeats_the_page(void **state)
{
    (void)state;
    uint8_t data[1024];
    count_up(data, sizeof data);
    for (size_t lost = 1; lost < 8 * 137; lost += 29) {
        struct bench *b = bench_ready(&uno, "m328p");
        b->board.lose_in[0] = b->board.bytes_in + lost;
        if (write_flash(b, 0, data, sizeof data) != STATUS_OK)
            fail_msg("byte %zu: %s", lost, b->error.text);
        assert_memory_equal(b->board.boot_flash, data, sizeof data);
        assert_non_null(strstr(b->record.log, "note: out of step with the boot loader"));
        bench_free(b);
    }
}

static void loader_that_stops_answering_ends_with_the_address(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    uint8_t data[1024];
    count_up(data, sizeof data);
    b->board.fault = FAULT_SILENCE;
    b->board.fault_at = b->board.transfers + 10;
    const uint64_t begin = b->clock.now_us;
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_TIMEOUT);
    assert_true(b->clock.now_us - begin < 10000000);
    assert_int_equal(strncmp(b->error.text, "0x0", 3), 0);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    bench_free(b);
}

static void unplugging_at_any_transfer_is_a_lost_link(void **state)
{
    (void)state;
    for (size_t k = 1; k < 30; k++) {
        struct bench *b = bench_new(&uno, "m328p");
        uint8_t data[1024];
        count_up(data, sizeof data);
        b->board.fault = FAULT_UNPLUG;
        b->board.fault_at = k;
        enum status status = bench_open(b);
        if (status == STATUS_OK)
            status = programmer_enter(&b->programmer, &b->error);
        if (status == STATUS_OK)
            status = write_flash(b, 0, data, sizeof data);
        assert_int_equal(status, STATUS_LINK);
        bench_free(b);
    }
}

static void interrupt_finishes_the_page(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m328p");
    uint8_t data[1024];
    count_up(data, sizeof data);
    b->board.cancel_at = b->board.transfers + 6;
    assert_int_equal(write_flash(b, 0, data, sizeof data), STATUS_CANCELLED);
    assert_int_equal(b->board.command_size, 0);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    bench_free(b);
}

static void segments_of_large_chips_are_selected(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&uno, "m2560");
    uint8_t data[512];
    count_up(data, sizeof data);
    b->board.sent_size = 0;
    assert_int_equal(write_flash(b, 0x1ff00, data, sizeof data), STATUS_OK);
    static const uint8_t low[] = {0x56, 0x4d, 0x00, 0x00, 0x00, 0x20, 0x55, 0x80, 0xff, 0x20};
    static const uint8_t high[] = {0x56, 0x4d, 0x00, 0x01, 0x00, 0x20, 0x55, 0x00, 0x00, 0x20};
    assert_memory_equal(b->board.sent, low, sizeof low);
    assert_memory_equal(b->board.sent + 6 + 4 + 4 + 256 + 1, high, sizeof high);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upload_goes_through_the_loader_after_a_reset_pulse),
        cmocka_unit_test(signature_is_the_loaders),
        cmocka_unit_test(usual_rates_are_tried_each_with_its_own_reset),
        cmocka_unit_test(fuses_and_eeprom_are_out_of_reach),
        cmocka_unit_test(isp_sketch_in_place_of_a_loader_is_named),
        cmocka_unit_test(silent_board_and_foreign_one_are_told_apart_in_bounded_time),
        cmocka_unit_test(lost_byte_restarts_the_loader_and_repeats_the_page),
        cmocka_unit_test(loader_that_stops_answering_ends_with_the_address),
        cmocka_unit_test(unplugging_at_any_transfer_is_a_lost_link),
        cmocka_unit_test(interrupt_finishes_the_page),
        cmocka_unit_test(segments_of_large_chips_are_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
