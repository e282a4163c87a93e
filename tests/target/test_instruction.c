/* Instructions as bytes, held against the data sheets' tables. */
#include "../../src/target/avr/instruction.h"

#include "support/test.h"

static void an_address_goes_into_bytes_1_and_2(void **state)
{
    (void)state;
    const struct isp_command read_high = {.present = true, .bytes = {0x28}};
    uint8_t mosi[4];
    instruction_encode(&read_high, 0x1234, mosi);
    assert_memory_equal(mosi, ((const uint8_t[]){0x28, 0x12, 0x34, 0x00}), 4);
}

static void a_word_address_beyond_16_bits_keeps_its_low_16(void **state)
{
    (void)state;
    const struct isp_command read_low = {.present = true, .bytes = {0x20}};
    uint8_t mosi[4];
    instruction_encode(&read_low, 0x1fffe, mosi);
    assert_memory_equal(mosi, ((const uint8_t[]){0x20, 0xff, 0xfe, 0x00}), 4);
}

static void at89s_signature_addresses_are_shifted_into_byte_1(void **state)
{
    (void)state;
    const struct isp_command read = {.present = true, .bytes = {0x28}, .address_shift = 8};
    uint8_t mosi[4];
    instruction_encode(&read, 2, mosi);
    assert_memory_equal(mosi, ((const uint8_t[]){0x28, 0x02, 0x00, 0x00}), 4);
}

static void data_without_a_map_is_the_fourth_byte(void **state)
{
    (void)state;
    const struct isp_command write = {.present = true, .bytes = {0xac, 0xa8}};
    uint8_t mosi[4];
    instruction_encode_data(&write, 0, 0xd9, mosi);
    assert_memory_equal(mosi, ((const uint8_t[]){0xac, 0xa8, 0x00, 0xd9}), 4);
    assert_int_equal(instruction_decode(&write, (const uint8_t[]){1, 2, 3, 0x7e}), 0x7e);
}

static void at90s_lock_bits_travel_in_byte_1(void **state)
{
    (void)state;
    const struct isp_command write = {
        .present = true,
        .bytes = {0xac, 0xf9},
        .map_count = 2,
        .maps = {{.mask = 0x02, .byte = 1}, {.mask = 0x04, .byte = 1}}};
    uint8_t mosi[4];
    instruction_encode_data(&write, 0, 0xfd, mosi); /* LB1 programmed */
    assert_memory_equal(mosi, ((const uint8_t[]){0xac, 0xfd, 0x00, 0x00}), 4);
    instruction_encode_data(&write, 0, 0xf9, mosi); /* both */
    assert_memory_equal(mosi, ((const uint8_t[]){0xac, 0xf9, 0x00, 0x00}), 4);
}

static void mapped_bits_are_read_back_and_the_others_are_1(void **state)
{
    (void)state;
    /* AT90S2323: LB1 is bit 7 of the answer, LB2 bit 6. */
    const struct isp_command read = {
        .present = true,
        .bytes = {0x58},
        .map_count = 2,
        .maps = {{.mask = 0x02, .byte = 3, .shift = 6}, {.mask = 0x04, .byte = 3, .shift = 4}}};
    assert_int_equal(instruction_decode(&read, (const uint8_t[]){0, 0, 0, 0x80}), 0xfb);
    assert_int_equal(instruction_decode(&read, (const uint8_t[]){0, 0, 0, 0x40}), 0xfd);
    assert_int_equal(instruction_decode(&read, (const uint8_t[]){0, 0, 0, 0x3f}), 0xf9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_goes_into_bytes_1_and_2),
        cmocka_unit_test(a_word_address_beyond_16_bits_keeps_its_low_16),
        cmocka_unit_test(at89s_signature_addresses_are_shifted_into_byte_1),
        cmocka_unit_test(data_without_a_map_is_the_fourth_byte),
        cmocka_unit_test(at90s_lock_bits_travel_in_byte_1),
        cmocka_unit_test(mapped_bits_are_read_back_and_the_others_are_1),
    };
    return cmocka_run_group_tests_name("instruction", tests, NULL, NULL);
}
