/* The FTDI model by its packets: what AN_108 and AN_232R-01 say of engine, FIFOs and timer. */
#include <string.h>

#include "support/test.h"

#include "ftdi_model.h"

struct bench {
    struct avr_chip *chip;
    struct ftdi_model *model;
    const struct usb_device *device;
    uint64_t now;
};

static struct bench bench_new(const char *adapter)
{
    struct bench b = {.device = ftdi_model_device(adapter)};
    struct avr_chip_options options = avr_chip_defaults();
    options.enable_wait_us = 0;
    b.chip = avr_chip_new(avr_chip_spec("m328p"), &options);
    size_t size;
    avr_chip_memory(b.chip, AVR_FUSES, &size)[0] = 0xff; /* the crystal, 16 MHz */
    b.model = ftdi_model_new(b.chip, b.device);
    return b;
}

static void bench_free(struct bench *b)
{
    ftdi_model_free(b->model);
    avr_chip_free(b->chip);
}

static void request(struct bench *b, uint8_t number, uint16_t value)
{
    const struct usb_setup setup = {.type = 0x40, .request = number, .value = value, .index = 1};
    assert_int_equal(b->device->setup(b->model, &setup, &b->now), 0);
}

static void send(struct bench *b, const uint8_t *bytes, size_t size)
{
    assert_int_equal(b->device->bulk_out(b->model, 0x02, bytes, size, &b->now), (int)size);
}

#define SEND(bench, ...) \
    send(bench, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

/* The payload of the next packet that has any; time moves on to it. */
static size_t receive(struct bench *b, uint8_t *payload)
{
    for (;;) {
        uint8_t packet[512];
        const int size =
            b->device->bulk_in(b->model, 0x81, packet, b->device->endpoints[0].packet, &b->now);
        if (size == USB_NAK || size == USB_BUSY)
            continue;
        assert_true(size >= 2);
        if (size > 2) {
            memcpy(payload, packet + 2, (size_t)size - 2);
            return (size_t)size - 2;
        }
    }
}

static void enter_mpsse(struct bench *b)
{
    request(b, 0x0b, 0x0000);
    request(b, 0x0b, 0x020b);
    SEND(b, 0x8a, 0x86, 29, 0, 0x80, 0x08, 0x0b);
}

static void engine_echoes_bad_opcodes(void **state)
{
    (void)state;
    struct bench b = bench_new("ft232h");
    enter_mpsse(&b);
    SEND(&b, 0xaa, 0xab, 0x87);
    uint8_t got[510];
    assert_int_equal(receive(&b, got), 4);
    assert_memory_equal(got, ((const uint8_t[]){0xfa, 0xaa, 0xfa, 0xab}), 4);
    bench_free(&b);
}

static void older_engine_has_no_60_mhz_clock(void **state)
{
    (void)state;
    struct bench b = bench_new("ft2232d");
    request(&b, 0x0b, 0x020b);
    SEND(&b, 0x8a, 0x87);
    uint8_t got[62];
    assert_int_equal(receive(&b, got), 2);
    assert_memory_equal(got, ((const uint8_t[]){0xfa, 0x8a}), 2);
    bench_free(&b);
}

static void instruction_takes_32_periods_and_is_answered(void **state)
{
    (void)state;
    struct bench b = bench_new("ft232h");
    enter_mpsse(&b);
    SEND(&b, 0x80, 0x00, 0x0b);
    b.now += AVR_MS;
    const uint64_t begin = b.now;
    SEND(&b, 0x31, 3, 0, 0xac, 0x53, 0, 0, 0x87);
    uint8_t got[510];
    assert_int_equal(receive(&b, got), 4);
    assert_int_equal(got[2], 0x53);
    assert_in_range(b.now - begin, 32 * AVR_US, 33 * AVR_US); /* at 1 MHz */
    assert_true(avr_chip_in_programming_mode(b.chip));
    bench_free(&b);
}

static void answer_that_nobody_asked_for_waits_for_the_latency_timer(void **state)
{
    (void)state;
    struct bench b = bench_new("ft232h");
    enter_mpsse(&b);
    uint8_t got[510];
    SEND(&b, 0x81, 0x87);
    assert_int_equal(receive(&b, got), 1);
    const uint64_t begin = b.now;
    SEND(&b, 0x81);
    assert_int_equal(receive(&b, got), 1);
    assert_in_range(b.now - begin, 16 * AVR_MS, 17 * AVR_MS);
    request(&b, 0x09, 1);
    const uint64_t shorter = b.now;
    SEND(&b, 0x81);
    assert_int_equal(receive(&b, got), 1);
    assert_in_range(b.now - shorter, 1 * AVR_MS, 2 * AVR_MS);
    bench_free(&b);
}

static void engine_stops_while_answers_find_no_room(void **state)
{
    (void)state;
    struct bench b = bench_new("ft2232d");
    request(&b, 0x0b, 0x020b);
    SEND(&b, 0x20, 0xff, 0x0f); /* read 4096 bytes; there is room for 384 */
    b.now += 1000 * AVR_MS;
    uint8_t packet[64];
    uint64_t at = b.now;
    for (int i = 0; i < 2; i++) { /* the FIFO from the host takes 128 bytes, then no more */
        uint8_t filler[64];
        memset(filler, 0x87, sizeof filler);
        assert_int_equal(b.device->bulk_out(b.model, 2, filler, sizeof filler, &at), 64);
    }
    assert_int_equal(b.device->bulk_out(b.model, 2, packet, 64, &at), USB_NAK);
    assert_true(at == USB_NEVER);
    size_t sum = 0;
    uint8_t got[62];
    while (sum < 4096)
        sum += receive(&b, got);
    assert_int_equal(sum, 4096);
    bench_free(&b);
}

static void pins_are_inputs_until_they_are_set(void **state)
{
    (void)state;
    struct bench b = bench_new("ft232h");
    request(&b, 0x0b, 0x02ff);
    SEND(&b, 0x81, 0x87);
    uint8_t got[510];
    assert_int_equal(receive(&b, got), 1);
    assert_int_equal(got[0] & 0xfb, 0xfb);
    assert_int_equal(avr_chip_stats(b.chip)->reset_entries, 0);
    bench_free(&b);
}

static void buffer_keeps_reset_away_until_it_is_switched_on(void **state)
{
    (void)state;
    struct bench b = bench_new("2232hio");
    request(&b, 0x0b, 0x020b);
    SEND(&b, 0x80, 0x10, 0x1b);
    b.now += AVR_MS;
    uint8_t got[510];
    SEND(&b, 0x81, 0x87);
    (void)receive(&b, got);
    assert_int_equal(avr_chip_stats(b.chip)->reset_entries, 0);
    SEND(&b, 0x80, 0x00, 0x1b, 0x81, 0x87);
    (void)receive(&b, got);
    assert_int_equal(avr_chip_stats(b.chip)->reset_entries, 1);
    bench_free(&b);
}

static void bitbang_samples_the_pins_before_each_byte(void **state)
{
    (void)state;
    struct bench b = bench_new("ft232r");
    request(&b, 0x0b, 0x0415);
    request(&b, 0x03, 312); /* about 9600 baud */
    SEND(&b, 0x10, 0x15, 0x00, 0x10);
    uint8_t got[62];
    assert_int_equal(receive(&b, got), 4);
    assert_int_equal(got[1] & 0x15, 0x10);
    assert_int_equal(got[2] & 0x15, 0x15);
    assert_int_equal(got[3] & 0x15, 0x00);
    bench_free(&b);
}

static void bitbang_clocks_four_bytes_in_a_baud_unless_told_otherwise(void **state)
{
    (void)state;
    for (unsigned factor = 4; factor <= 16; factor *= 4) {
        struct bench b = bench_new("ft232r");
        ftdi_model_set_bitbang_factor(b.model, factor);
        request(&b, 0x0b, 0x0415);
        request(&b, 0x03, 300); /* 10000 baud */
        uint8_t got[64] = {0};
        memset(got, 0x10, sizeof got);
        const uint64_t begin = b.now;
        send(&b, got, 64);
        size_t sum = 0;
        while (sum < 62)
            sum += receive(&b, got);
        const uint64_t expected = UINT64_C(62) * 1000000000 / (10000 * factor);
        assert_in_range(b.now - begin, expected * 95 / 100, expected * 105 / 100);
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_echoes_bad_opcodes),
        cmocka_unit_test(older_engine_has_no_60_mhz_clock),
        cmocka_unit_test(instruction_takes_32_periods_and_is_answered),
        cmocka_unit_test(answer_that_nobody_asked_for_waits_for_the_latency_timer),
        cmocka_unit_test(engine_stops_while_answers_find_no_room),
        cmocka_unit_test(pins_are_inputs_until_they_are_set),
        cmocka_unit_test(buffer_keeps_reset_away_until_it_is_switched_on),
        cmocka_unit_test(bitbang_samples_the_pins_before_each_byte),
        cmocka_unit_test(bitbang_clocks_four_bytes_in_a_baud_unless_told_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
