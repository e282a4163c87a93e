/* `ispflash detect`: what it says of blank, used, locked and slow chips, and of their boot loaders.
 * No boot loader's image is at hand: bytes of its length are made to have its CRC-32. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_bench.h"
#include "ispflash/boot_image.h"
#include "support/test.h"

/* --- an image with a given CRC-32 ----------------------------------------------------------- */

/* One step of CRC-32 (polynomial edb88320, bits reflected) for a byte of zeros, and back. */
static uint32_t step(uint32_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    return crc;
}

static uint32_t step_back(uint32_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = (crc & 0x80000000u) != 0 ? (crc ^ 0xedb88320u) << 1 | 1 : crc << 1;
    return crc;
}

/* Chooses the last four of `size` bytes so that all of them have that CRC-32. */
static void forge(uint8_t *data, size_t size, uint32_t wanted)
{
    uint32_t crc = 0xffffffffu, end = wanted ^ 0xffffffffu;
    for (size_t i = 0; i + 4 < size; i++)
        crc = step(crc ^ data[i]);
    for (int i = 0; i < 4; i++)
        end = step_back(end);
    for (size_t i = 0; i < 4; i++)
        data[size - 4 + i] = (uint8_t)((crc ^ end) >> 8 * i);
}

static void write_image(const char *name, uint32_t begin, const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct image *image = image_new();
    assert_int_equal(image_put(image, begin, data, size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    cli_write_hex(name, image);
    image_free(image);
}

/* A file that looks like that image. */
static void write_like(const char *name, const char *id)
{
    struct boot_image_list *list = NULL;
    struct error e = {0};
    const struct boot_image *found = NULL;
    assert_int_equal(boot_images_open(&list, &e), STATUS_OK);
    for (size_t i = 0; i < boot_image_count(list); i++)
        if (strcmp(boot_image_at(list, i)->id, id) == 0)
            found = boot_image_at(list, i);
    assert_non_null(found);
    uint8_t *data = calloc(1, found->size);
    memset(data, 0x5a, found->size);
    forge(data, found->size, found->crc32);
    write_image(name, found->begin, data, found->size);
    free(data);
    boot_images_close(list);
}

/* --- tests ---------------------------------------------------------------------------------- */

static void a_fresh_chip_is_told_in_words(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "detect -c sim -p m328p");
    cli_assert_out(b, "ATmega328P (m328p)\nsignature  1e 95 0f\n"
                      "clock      1 MHz by its fuses, from an oscillator of its own\n"
                      "SCK        224.999 kHz\n"
                      "lock       open\n"
                      "flash      32768 bytes, blank\n"
                      "boot       0x7000 to 0x7fff: blank\n"
                      "eeprom     1024 bytes, blank\n"
                      "lfuse 0x62\n");
    cli_assert_out(b, "BODLEVEL");
    cli_assert_out(b, "lock 0xff");
}

static void all_parts_of_the_signature_are_told_commonest_first(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "detect -c sim");
    cli_assert_out(b, "ATmega328P (m328p), or of the same signature: ATA6614Q (a6614q)\n");
    cli_expect(b, 0, "detect -c sim --json");
    cli_assert_out(b, "\"candidates\":[\"ATmega328P\",\"ATA6614Q\"]");
    cli_expect(b, 10, "detect -c sim -x part=m328p -p m32u4");
    cli_assert_err(b, "use -p m328p");
}

static void a_known_boot_loader_is_recognised_byte_for_byte(void **state)
{
    struct cli_bench *b = *state;
    write_like("boot.hex", "optiboot-atmega328");
    cli_expect(b, 0, "-c sim -P chip -p m328p -U flash:w:boot.hex -U hfuse:w:0xde:m");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "flash      32768 bytes, blank below the boot section\n"
                      "boot       0x7e00 to 0x7fff: optiboot 4.4 of the Arduino IDE\n"
                      "           as burn knows it: ");
    cli_assert_out(b, "arduino-uno");
    cli_expect(b, 0, "detect -c sim -P chip --json");
    cli_assert_out(b, "\"image\":\"optiboot-atmega328\"");
    cli_assert_out(b, "\"flash\":\"boot-only\"");
    cli_expect(b, 0, "-c sim -P chip -p m328p -D -U flash:w:0:m");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "flash      32768 bytes, holds something\n");
}

static void a_boot_loader_is_known_also_where_there_is_no_boot_section(void **state)
{
    struct cli_bench *b = *state;
    write_like("boot.hex", "gemma-v1");
    cli_expect(b, 0, "-c sim -P chip -p t85 -U flash:w:boot.hex");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "boot       0x14c0 to 0x1fdf: the Arduino Gemma's\n"
                      "           as burn knows it: arduino-gemma\n");
    cli_expect(b, 0, "erase -c sim -P chip");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "flash      8192 bytes, blank\n");
    cli_assert_not_out(b, "boot  ");
}

static void an_unknown_boot_loader_shows_its_usb_id(void **state)
{
    struct cli_bench *b = *state;
    static const uint8_t descriptor[18] = {18,   1,    0x10, 0x01, 2, 0, 0, 8, 0x41,
                                           0x23, 0x36, 0,    1,    0, 2, 1, 0, 1};
    uint8_t data[2000];
    memset(data, 0x5a, sizeof data);
    memcpy(data + 1000, descriptor, sizeof descriptor);
    write_image("boot.hex", 0x7000, data, sizeof data);
    cli_expect(b, 0, "-c sim -P chip -p m32u4 -U flash:w:boot.hex -U hfuse:w:0xd8:m");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "boot       0x7000 to 0x7fff: probably Arduino Leonardo, by its USB id; USB "
                      "2341:0036\n           2000 bytes from 0x7000, CRC-32 ");
    cli_assert_out(b, "as burn knows it: arduino-leonardo");
    cli_expect(b, 0, "detect -c sim -P chip --json");
    cli_assert_out(b, "\"usb\":\"2341:0036\"");
}

/* What is needed to add it to the data, as `info` tells it of the file. */
static void one_that_nobody_knows_is_told_by_range_and_sum(void **state)
{
    struct cli_bench *b = *state;
    static const uint8_t data[] = {1, 2, 3, 4};
    write_image("boot.hex", 0x7f00, data, sizeof data);
    cli_expect(b, 0, "-c sim -P chip -p m328p -U flash:w:boot.hex -U hfuse:w:0xde:m");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "boot       0x7e00 to 0x7fff: no boot loader that is known\n"
                      "           4 bytes from 0x7f00, CRC-32 b63cfbcd\n");
    cli_expect(b, 0, "info boot.hex");
    cli_assert_out(b, "CRC-32 b63cfbcd");
}

static void a_locked_chip_is_not_looked_into(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U flash:w:1,2,3:m -U lock:w:0xfc:m");
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "lock       reading and writing are forbidden; only a chip erase lifts that\n"
                      "flash      32768 bytes, hidden by the lock bits\n");
    cli_assert_out(b, "eeprom     1024 bytes, hidden by the lock bits\n");
    cli_expect(b, 0, "detect -c sim -P chip --json");
    cli_assert_out(b,
                   "\"lock\":\"no-read\",\"flash\":\"locked\",\"eeprom\":\"locked\",\"boot\":null");
    cli_expect(b, 0, "-c sim -P other -p m328p -U flash:w:1,2,3:m -U lock:w:0xfe:m");
    cli_expect(b, 0, "detect -c sim -P other");
    cli_assert_out(b, "lock       writing is forbidden");
    cli_assert_out(b, "flash      32768 bytes, holds something\n");
}

static void a_slow_clock_and_the_users_sck_are_told(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U lfuse:w:0xe3:m");
    cli_expect(b, 0, "detect -c sim -P chip -p m328p");
    cli_assert_out(b, "clock      128 kHz by its fuses, from an oscillator of its own\n"
                      "SCK        28.799 kHz\n");
    cli_expect(b, 0, "detect -c sim -P chip -p m328p -B 10kHz");
    cli_assert_out(b, "SCK        10 kHz\n");
    cli_expect(b, 0, "detect -c sim -x fixed-sck=100kHz");
    cli_assert_not_out(b, "SCK  ");
}

static void old_and_odd_chips_are_told_too(void **state)
{
    struct cli_bench *b = *state;
    static const char *const parts[] = {"at90s8515", "at90s1200", "at89s52", "t13", "m2560"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "detect -c sim -x part=%s -p %s", parts[i], parts[i]);
        cli_expect(b, 0, line);
        cli_assert_out(b, "bytes, blank\n");
    }
}

static void nothing_is_written_and_what_fails_is_told(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U eeprom:w:7:m");
    size_t before_size = 0, after_size = 0;
    uint8_t *before = cli_read_file("chip", &before_size);
    cli_expect(b, 0, "detect -c sim -P chip");
    cli_assert_out(b, "eeprom     1024 bytes, holds something\n");
    uint8_t *after = cli_read_file("chip", &after_size);
    assert_int_equal(before_size, after_size);
    assert_memory_equal(before, after, before_size);
    free(before);
    free(after);
    cli_expect(b, 9, "detect -c sim -x fail=echo");
    cli_assert_err(b, "MISO repeats MOSI");
    cli_expect(b, 16, "detect -c sim -x fail=unplug -x after=300");
    cli_expect(b, 2, "detect");
    cli_expect(b, 2, "detect -c sim m328p");
    cli_expect(b, 2, "detect -c sim -U flash:w:0:m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(a_fresh_chip_is_told_in_words),
        CLI_TEST(all_parts_of_the_signature_are_told_commonest_first),
        CLI_TEST(a_known_boot_loader_is_recognised_byte_for_byte),
        CLI_TEST(a_boot_loader_is_known_also_where_there_is_no_boot_section),
        CLI_TEST(an_unknown_boot_loader_shows_its_usb_id),
        CLI_TEST(one_that_nobody_knows_is_told_by_range_and_sum),
        CLI_TEST(a_locked_chip_is_not_looked_into),
        CLI_TEST(a_slow_clock_and_the_users_sck_are_told),
        CLI_TEST(old_and_odd_chips_are_told_too),
        CLI_TEST(nothing_is_written_and_what_fails_is_told),
    };
    return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
