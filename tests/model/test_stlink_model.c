/* The ST-Link model by its packets: what hosts know of the protocol. */
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "stlink_model.h"

struct bench {
    struct stm32_chip *chip;
    const struct usb_device *device;
    struct stlink_model *model;
    uint8_t out;
    uint64_t now;
};

static struct bench bench_new(const char *name, enum stlink_mode mode)
{
    struct bench b = {.chip = stm32_chip_new(stm32_chip_spec("stm32f103c8"), NULL),
                      .device = stlink_model_device(name)};
    b.model = stlink_model_new(b.chip, b.device);
    b.out = b.device->endpoints[1].address;
    stlink_model_set_mode(b.model, mode);
    return b;
}

static void bench_free(struct bench *b)
{
    stlink_model_free(b->model);
    stm32_chip_free(b->chip);
}

static void send(struct bench *b, const uint8_t *bytes, size_t size)
{
    const size_t packet = b->device->endpoints[1].packet;
    for (size_t at = 0; at < size; at += packet) {
        const size_t part = size - at < packet ? size - at : packet;
        assert_int_equal(b->device->bulk_out(b->model, b->out, bytes + at, part, &b->now),
                         (int)part);
    }
}

static void command(struct bench *b, const uint8_t *bytes, size_t size)
{
    uint8_t whole[16] = {0};
    memcpy(whole, bytes, size);
    send(b, whole, sizeof whole);
}

#define COMMAND(bench, ...) \
    command(bench, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

/* A whole reply, which must be of that size; or none. */
static void receive(struct bench *b, uint8_t *bytes, size_t size)
{
    size_t have = 0;
    while (have < size) {
        uint8_t packet[512];
        uint64_t now = b->now;
        const int count =
            b->device->bulk_in(b->model, 0x81, packet, b->device->endpoints[0].packet, &now);
        assert_true(count > 0 && have + (size_t)count <= size);
        memcpy(bytes + have, packet, (size_t)count);
        have += (size_t)count;
    }
}

static void assert_silent(struct bench *b)
{
    uint8_t packet[64];
    uint64_t now = b->now;
    assert_int_equal(b->device->bulk_in(b->model, 0x81, packet, sizeof packet, &now), USB_NAK);
}

static uint8_t status_of_block(struct bench *b)
{
    uint8_t status[12];
    COMMAND(b, 0xf2, 0x3e);
    receive(b, status, sizeof status);
    return status[0];
}

static uint64_t count_of(const struct bench *b, const char *name)
{
    struct usb_count counts[64];
    const size_t count = stlink_model_counts(b->model, counts, 64);
    for (size_t i = 0; i < count; i++)
        if (strcmp(counts[i].name, name) == 0)
            return counts[i].value;
    return 0;
}

static void a_version_has_its_parts_in_bits(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DFU);
    uint8_t reply[6];
    COMMAND(&b, 0xf1);
    receive(&b, reply, sizeof reply);
    assert_memory_equal(reply, ((const uint8_t[]){0x29, 0x47, 0x83, 0x04, 0x48, 0x37}), 6);
    assert_false(stlink_model_set_firmware(b.model, "2.37"));
    bench_free(&b);
}

static void a_v3_tells_its_version_in_bytes(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v3", STLINK_MODE_MASS);
    uint8_t reply[12];
    COMMAND(&b, 0xf1);
    receive(&b, reply, 6);
    assert_int_equal(reply[0] >> 4, 3);
    COMMAND(&b, 0xfb);
    receive(&b, reply, sizeof reply);
    assert_memory_equal(reply, ((const uint8_t[]){3, 3, 8, 3, 1, 0, 0, 0, 0x83, 0x04, 0x4f, 0x37}),
                        12);
    bench_free(&b);
}

static void in_dfu_mode_only_mode_and_version_are_told(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DFU);
    uint8_t mode[2];
    COMMAND(&b, 0xf2, 0x30, 0xa3);
    assert_silent(&b);
    COMMAND(&b, 0xf7);
    assert_silent(&b);
    COMMAND(&b, 0xf5);
    receive(&b, mode, 2);
    assert_int_equal(mode[0], 0);
    COMMAND(&b, 0xf3, 0x07);
    assert_silent(&b);
    COMMAND(&b, 0xf5);
    receive(&b, mode, 2);
    assert_int_equal(mode[0], 1);
    assert_int_equal(count_of(&b, "stlink.unknown-commands"), 2);
    bench_free(&b);
}

static void entering_finds_a_chip_or_no_idcode(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct bench b = bench_new("stlink-v2", STLINK_MODE_MASS);
        stm32_chip_set_fault(b.chip, STM32_FAULT_SWD_CUT, there == 0);
        uint8_t reply[12];
        COMMAND(&b, 0xf2, 0x30, 0xa3);
        receive(&b, reply, 2);
        assert_int_equal(reply[0], there == 0 ? 0x09 : 0x80);
        COMMAND(&b, 0xf2, 0x31);
        receive(&b, reply, 12);
        assert_int_equal(reply[7], there == 0 ? 0 : 0x1b);
        bench_free(&b);
    }
}

static void the_voltage_is_that_of_a_powered_target(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_MASS);
    uint8_t reply[8];
    COMMAND(&b, 0xf7);
    receive(&b, reply, 8);
    const int a = reply[0] | reply[1] << 8, v = reply[4] | reply[5] << 8;
    assert_in_range(2400 * v / a, 3240, 3260);
    stm32_chip_set_fault(b.chip, STM32_FAULT_NO_POWER, true);
    COMMAND(&b, 0xf7);
    receive(&b, reply, 8);
    assert_int_equal(reply[4] | reply[5], 0);
    bench_free(&b);
}

static void a_command_that_came_later_is_unknown_to_old_firmware(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    assert_true(stlink_model_set_firmware(b.model, "V2J21S4"));
    uint8_t reply[2];
    COMMAND(&b, 0xf2, 0x43, 0, 0); /* from J22 */
    receive(&b, reply, 2);
    assert_int_equal(reply[0], 0x42);
    assert_true(stlink_model_set_firmware(b.model, "V2J22S4"));
    COMMAND(&b, 0xf2, 0x43, 0, 0);
    receive(&b, reply, 2);
    assert_int_equal(reply[0], 0x80);
    assert_int_equal(count_of(&b, "stlink.swd-hz"), 4000000);
    bench_free(&b);
}

static void blocks_are_written_and_read(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t data[200], reply[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    COMMAND(&b, 0xf2, 0x08, 0x00, 0x01, 0x00, 0x20, sizeof data);
    send(&b, data, sizeof data);
    assert_silent(&b);
    assert_int_equal(status_of_block(&b), 0x80);
    COMMAND(&b, 0xf2, 0x07, 0x00, 0x01, 0x00, 0x20, sizeof data);
    receive(&b, reply, sizeof reply);
    assert_memory_equal(reply, data, sizeof data);
    COMMAND(&b, 0xf2, 0x0d, 0x00, 0x01, 0x00, 0x20, 1);
    send(&b, (const uint8_t[]){0xee}, 1);
    COMMAND(&b, 0xf2, 0x0c, 0x00, 0x01, 0x00, 0x20, 1);
    receive(&b, reply, 2); /* two bytes for one */
    assert_int_equal(reply[0], 0xee);
    bench_free(&b);
}

/* What the size of a block takes at 4 MHz: 50 bits for each word. */
static void a_block_takes_the_time_of_its_swd_transfers(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    static uint8_t reply[4096];
    COMMAND(&b, 0xf2, 0x43, 0, 0);
    receive(&b, reply, 2);
    const uint64_t begin = b.now;
    COMMAND(&b, 0xf2, 0x07, 0x00, 0x00, 0x00, 0x08, 0x00, 0x10);
    assert_in_range(b.now - begin, 1024 * 12500, 1024 * 12500 + 200000);
    receive(&b, reply, sizeof reply);
    bench_free(&b);
}

static void a_block_that_fails_brings_zeros_and_a_status(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    assert_true(stm32_chip_preset(b.chip, "rdp", 0));
    uint8_t reply[64];
    COMMAND(&b, 0xf2, 0x07, 0x00, 0x00, 0x00, 0x08, 64);
    receive(&b, reply, 64);
    assert_int_equal(reply[0] | reply[63], 0);
    COMMAND(&b, 0xf2, 0x3e);
    receive(&b, reply, 12);
    assert_int_equal(reply[0], 0x11);
    assert_int_equal(reply[7], 0x08); /* where */
    bench_free(&b);
}

static void blocks_that_are_too_long_or_crooked_are_refused(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t data[68] = {0};
    COMMAND(&b, 0xf2, 0x0d, 0x00, 0x00, 0x00, 0x20, sizeof data); /* 64 bytes at most */
    send(&b, data, sizeof data);
    assert_int_equal(status_of_block(&b), 0x0c);
    assert_int_equal(count_of(&b, "stlink.oversized"), 1);
    COMMAND(&b, 0xf2, 0x08, 0x02, 0x00, 0x00, 0x20, 4);
    send(&b, data, 4);
    assert_int_equal(status_of_block(&b), 0x0c);
    bench_free(&b);
}

static void the_address_wraps_within_four_kib(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    size_t size;
    uint8_t *sram = stm32_chip_memory(b.chip, "sram", &size);
    COMMAND(&b, 0xf2, 0x08, 0xfc, 0x0f, 0x00, 0x20, 8);
    send(&b, (const uint8_t[]){1, 1, 1, 1, 2, 2, 2, 2}, 8);
    assert_int_equal(sram[0xffc], 1);
    assert_int_equal(sram[0], 2);
    assert_int_not_equal(sram[0x1000], 2);
    bench_free(&b);
}

/* 128 tries at 1.8 MHz are 3.6 ms; an erase takes 30. */
static void waits_that_last_too_long_end_an_access(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    static const uint8_t writes[][10] = {
        {0xf2, 0x35, 0x04, 0x20, 0x02, 0x40, 0x23, 0x01, 0x67, 0x45},
        {0xf2, 0x35, 0x04, 0x20, 0x02, 0x40, 0xab, 0x89, 0xef, 0xcd},
        {0xf2, 0x35, 0x10, 0x20, 0x02, 0x40, 0x04},
        {0xf2, 0x35, 0x10, 0x20, 0x02, 0x40, 0x44},
    };
    uint8_t reply[8];
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        command(&b, writes[i], sizeof writes[i]);
        receive(&b, reply, 2);
        assert_int_equal(reply[0], 0x80);
    }
    COMMAND(&b, 0xf2, 0x36, 0x00, 0x00, 0x00, 0x08);
    receive(&b, reply, 8);
    assert_int_equal(reply[0], 0x10);
    assert_int_equal(reply[4], 0);
    b.now += 30 * STM32_MS;
    COMMAND(&b, 0xf2, 0x36, 0x00, 0x00, 0x00, 0x08);
    receive(&b, reply, 8);
    assert_int_equal(reply[0], 0x80);
    assert_int_equal(reply[4], 0xff);
    bench_free(&b);
}

static void core_registers_are_written_from_the_third_byte(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t reply[88];
    COMMAND(&b, 0xf2, 0x35, 0xf0, 0xed, 0x00, 0xe0, 0x03, 0x00, 0x5f, 0xa0);
    receive(&b, reply, 2);
    COMMAND(&b, 0xf2, 0x34, 2, 0x78, 0x56, 0x34, 0x12);
    receive(&b, reply, 2);
    COMMAND(&b, 0xf2, 0x33, 2);
    receive(&b, reply, 8);
    assert_memory_equal(reply + 4, ((const uint8_t[]){0x78, 0x56, 0x34, 0x12}), 4);
    COMMAND(&b, 0xf2, 0x3a);
    receive(&b, reply, 88);
    assert_int_equal(reply[4 + 8], 0x78);
    bench_free(&b);
}

static void a_list_of_accesses_stops_at_the_first_that_fails(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    static const uint8_t list[] = {
        1,    2,    3,    2,    /* operations */
        0x10, 0x00, 0x00, 0x20, /* where */
        0x78, 0x56, 0x34, 0x12, /* what */
        0x10, 0x00, 0x00, 0x20, /* read it */
        0x00, 0x00, 0x00, 0x00, /* write again */
    };
    uint8_t reply[64];
    COMMAND(&b, 0xf2, 0x51, 4);
    send(&b, list, sizeof list);
    COMMAND(&b, 0xf2, 0x52);
    receive(&b, reply, 32);
    assert_int_equal(reply[8], 0x78);
    assert_int_equal(reply[16 + 8], 0x80);
    static const uint8_t bad[] = {3, 3, 0, 0, 0, 0, 0, 0x30, 0, 0, 0, 0x20};
    COMMAND(&b, 0xf2, 0x51, 2);
    send(&b, bad, sizeof bad);
    COMMAND(&b, 0xf2, 0x52);
    receive(&b, reply, 16);
    assert_int_equal(reply[8], 0x11);
    assert_int_equal(reply[12], 0x11);
    bench_free(&b);
}

/* A host that gave up waiting must not take the late reply for the next command's. */
static void a_reply_that_was_not_fetched_comes_first(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t reply[6];
    COMMAND(&b, 0xf5);
    COMMAND(&b, 0xf1);
    receive(&b, reply, 2);
    assert_int_equal(reply[0], 2);
    receive(&b, reply, 6);
    assert_int_equal(reply[0], 0x29);
    assert_int_equal(count_of(&b, "stlink.stale-replies"), 1);
    bench_free(&b);
}

static void commands_that_have_not_sixteen_bytes_are_counted(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t reply[2];
    send(&b, (const uint8_t[]){0xf5}, 1);
    receive(&b, reply, 2);
    assert_int_equal(reply[0], 2);
    assert_int_equal(count_of(&b, "stlink.odd-commands"), 1);
    bench_free(&b);
}

static void nrst_is_driven_and_pulsed(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v2", STLINK_MODE_DEBUG);
    uint8_t reply[8];
    COMMAND(&b, 0xf2, 0x3c, 0);
    receive(&b, reply, 2);
    COMMAND(&b, 0xf2, 0x36, 0x00, 0x00, 0x00, 0x20); /* the bus is in reset */
    receive(&b, reply, 8);
    assert_int_equal(reply[0], 0x11);
    COMMAND(&b, 0xf2, 0x3c, 1);
    receive(&b, reply, 2);
    COMMAND(&b, 0xf2, 0x36, 0xf0, 0xed, 0x00, 0xe0);
    receive(&b, reply, 8);
    assert_int_equal(reply[7] & 2, 2); /* S_RESET_ST */
    COMMAND(&b, 0xf2, 0x3c, 2);
    receive(&b, reply, 2);
    COMMAND(&b, 0xf2, 0x36, 0xf0, 0xed, 0x00, 0xe0);
    receive(&b, reply, 8);
    assert_int_equal(reply[7] & 2, 2);
    bench_free(&b);
}

static void a_v3_chooses_a_frequency_not_above_the_one_wanted(void **state)
{
    (void)state;
    struct bench b = bench_new("stlink-v3", STLINK_MODE_MASS);
    uint8_t reply[52];
    COMMAND(&b, 0xf2, 0x61, 0, 0, 0xa0, 0x0f, 0, 0); /* 4000 kHz */
    receive(&b, reply, 8);
    assert_int_equal(reply[4] | reply[5] << 8, 3300);
    COMMAND(&b, 0xf2, 0x62, 0);
    receive(&b, reply, 52);
    assert_int_equal(reply[4] | reply[5] << 8, 3300);
    assert_int_equal(reply[8], 7);
    assert_int_equal(reply[12] | reply[13] << 8, 24000);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_has_its_parts_in_bits),
        cmocka_unit_test(a_v3_tells_its_version_in_bytes),
        cmocka_unit_test(in_dfu_mode_only_mode_and_version_are_told),
        cmocka_unit_test(entering_finds_a_chip_or_no_idcode),
        cmocka_unit_test(the_voltage_is_that_of_a_powered_target),
        cmocka_unit_test(a_command_that_came_later_is_unknown_to_old_firmware),
        cmocka_unit_test(blocks_are_written_and_read),
        cmocka_unit_test(a_block_takes_the_time_of_its_swd_transfers),
        cmocka_unit_test(a_block_that_fails_brings_zeros_and_a_status),
        cmocka_unit_test(blocks_that_are_too_long_or_crooked_are_refused),
        cmocka_unit_test(the_address_wraps_within_four_kib),
        cmocka_unit_test(waits_that_last_too_long_end_an_access),
        cmocka_unit_test(core_registers_are_written_from_the_third_byte),
        cmocka_unit_test(a_list_of_accesses_stops_at_the_first_that_fails),
        cmocka_unit_test(a_reply_that_was_not_fetched_comes_first),
        cmocka_unit_test(commands_that_have_not_sixteen_bytes_are_counted),
        cmocka_unit_test(nrst_is_driven_and_pulsed),
        cmocka_unit_test(a_v3_chooses_a_frequency_not_above_the_one_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
