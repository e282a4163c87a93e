/* `ispflash merge`, `convert`, `info` and `diff`: golden text, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "cli_bench.h"
#include "support/test.h"

static int set_up(void **state)
{
    *state = cli_bench_new();
    cli_write_text("app.hex", ":0400000001020304F2\n:00000001FF\n");
    cli_write_text("boot.hex", ":047E00000A0B0C0D50\n:00000001FF\n");
    return 0;
}

static int tear_down(void **state)
{
    cli_bench_free(*state);
    return 0;
}

static void merge_holds_both_files(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "merge app.hex boot.hex -o both.hex");
    size_t size = 0;
    uint8_t *text = cli_read_file("both.hex", &size);
    assert_int_equal(size, strlen(":0400000001020304F2\n:047E00000A0B0C0D50\n:00000001FF\n"));
    assert_memory_equal(text, ":0400000001020304F2\n:047E00000A0B0C0D50\n:00000001FF\n", size);
    free(text);
    cli_expect(b, 0, "merge boot.hex app.hex -o again.hex");
    cli_expect(b, 0, "diff both.hex again.hex");
    cli_expect(b, 0, "diff both.hex both.hex");
}

static void merge_refuses_bytes_that_differ(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("other.hex", ":0400000001020305F1\n:00000001FF\n");
    cli_expect(b, 3, "merge app.hex other.hex -o both.hex");
    cli_assert_err(b, "app.hex and other.hex both hold 0x3 to 0x3 and differ there in 1 bytes");
    assert_false(cli_file_exists("both.hex"));
}

static void merge_refuses_an_application_in_the_boot_section(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("long.hex", ":0400000001020304F2\n:017DFF000182\n:017F0000017F\n:00000001FF\n");
    cli_expect(b, 3, "merge long.hex boot.hex -o both.hex");
    cli_assert_err(b, "long.hex runs into the boot section of boot.hex, which begins at 0x7e00: "
                      "1 bytes, 0x7f00 to 0x7f00");
    /* The part's boot section may begin below the image. */
    cli_write_text("long.hex", ":0400000001020304F2\n:017C00000182\n:00000001FF\n");
    cli_expect(b, 0, "merge long.hex boot.hex -o both.hex");
    cli_write_text("boot.hex", ":047D00000A0B0C0D51\n:00000001FF\n");
    cli_expect(b, 3, "merge long.hex boot.hex -p m328p -o both.hex");
    cli_assert_err(b, "begins at 0x7c00: 1 bytes, 0x7c00 to 0x7c00");
}

static void convert_fills_holes_of_a_raw_file(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "merge app.hex boot.hex -o both.bin:r");
    size_t size = 0;
    uint8_t *data = cli_read_file("both.bin", &size);
    assert_int_equal(size, 0x7e04);
    assert_int_equal(data[4], 0xff);
    assert_int_equal(data[0x7e00], 0x0a);
    free(data);
    cli_expect(b, 0, "convert app.hex -o app.srec:s");
    cli_expect(b, 0, "convert app.srec -o again.hex");
    cli_expect(b, 0, "diff app.hex again.hex");
}

/* The sums are those of `crc32` and `sha256sum` over the bytes 01 02 03 04. */
static void info_tells_ranges_sums_and_chips(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "info app.hex -p m328p");
    assert_string_equal(
        b->out, "app.hex: Intel HEX, 4 bytes\n"
                "  flash: 4 bytes in 1 range, 0 in holes\n"
                "    0x000000-0x000003       4 bytes\n"
                "    CRC-32 b63cfbcd\n"
                "    SHA-256 9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a\n"
                "    fits the ATmega328P: 0% of its flash\n");
    cli_expect(b, 0, "info boot.hex -p m328p");
    cli_assert_out(b, "fits the boot section of 512 bytes of the ATmega328P");
    cli_expect(b, 0, "info boot.hex -p m8");
    cli_assert_out(b, "does not fit the ATmega8, which has 8192 bytes");
    cli_expect(b, 0, "info boot.hex");
    cli_assert_out(b, "boot section of:");
    cli_assert_out(b, "ATmega328P (512)");
}

static void diff_tells_each_run_of_bytes(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("other.hex", ":0400000001020305F1\n:00000001FF\n");
    cli_expect(b, 13, "diff app.hex other.hex");
    assert_string_equal(b->out, "0x000003-0x000003       1 bytes, 04 05\n");
    cli_expect(b, 13, "diff app.hex boot.hex");
    cli_assert_out(b, "0x000000-0x000003       4 bytes, 01 --\n");
}

static void diff_reads_the_chip(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U app.hex");
    cli_expect(b, 0, "diff app.hex -c sim -P chip");
    assert_string_equal(b->out, "");
    cli_expect(b, 13, "diff boot.hex -c sim -P chip");
    cli_assert_out(b, "0x007e00-0x007e03       4 bytes, 0a ff\n");
    cli_expect(b, 0, "-c sim -P chip -p m328p -U lock:w:0xc0:m");
    cli_expect(b, 11, "diff app.hex -c sim -P chip");
}

/* All that a backup holds is compared, each memory by its own addresses. */
static void diff_against_the_chip_looks_at_all_memories(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U app.hex -U eeprom:w:1,2,3:m");
    cli_expect(b, 0, "backup all.hex -c sim -P chip");
    cli_expect(b, 0, "diff all.hex -c sim -P chip");
    assert_string_equal(b->out, "");
    cli_expect(b, 0,
               "-c sim -P chip -p m328p -D -U eeprom:w:1,9,3:m -U hfuse:w:0xd8:m "
               "-U efuse:w:0x05:m");
    cli_expect(b, 13, "diff all.hex -c sim -P chip");
    assert_string_equal(b->out, "eeprom 0x000001-0x000001       1 bytes, 02 09\n"
                                "hfuse 0x000000-0x000000       1 bytes, d9 d8\n"
                                "efuse 0x000000-0x000000       1 bytes, ff fd\n");
    cli_assert_err(b, "all.hex and the chip differ in 3 bytes");
    cli_write_text("data.hex", ":0200000400807A\n:0100000001FE\n:00000001FF\n");
    cli_expect(b, 3, "diff data.hex -c sim -P chip");
    cli_write_text("none.hex", ":00000001FF\n");
    cli_expect(b, 3, "diff none.hex -c sim -P chip");
    cli_assert_err(b, "holds nothing of a memory of the ATmega328P");
}

static void diff_takes_a_raw_file_for_flash(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "-c sim -P chip -p m328p -U app.hex");
    cli_expect(b, 0, "convert app.hex -o app.bin:r");
    cli_expect(b, 0, "diff app.bin:r -c sim -P chip");
    cli_expect(b, 0, "diff app.bin -c sim -P chip");
    cli_write_file("app.bin", (const uint8_t *)"\x01\x02\x03\x05", 4);
    cli_expect(b, 13, "diff app.bin -c sim -P chip");
    assert_string_equal(b->out, "flash 0x000003-0x000003       1 bytes, 05 04\n");
}

static void programs_get_info_and_differences_as_json(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, "info boot.hex -p m328p --json");
    assert_string_equal(
        b->out,
        "{\"schema\":1,\"event\":\"file\",\"name\":\"boot.hex\",\"format\":\"Intel HEX\","
        "\"bytes\":4,\"memories\":[{\"memory\":\"flash\",\"bytes\":4,\"holes\":0,\"ranges\":"
        "[{\"address\":32256,\"bytes\":4}],\"crc32\":\"90a8e328\",\"sha256\":"
        "\"b23549dda157801533d1d272da5ff88683bf1fbe6ee46deb3066bf55f7d05507\"}],"
        "\"fits\":[{\"part\":\"ATmega328P\",\"boot_section\":512}]}\n");
    cli_expect(b, 0, "info boot.hex --json");
    cli_assert_out(b, "{\"part\":\"ATmega328P\",\"boot_section\":512}");
    assert_null(strstr(b->out, "ATtiny13"));
    cli_write_text("other.hex", ":0400000001020305F1\n:00000001FF\n");
    cli_expect(b, 13, "diff app.hex other.hex --json");
    cli_assert_out(b, "{\"schema\":1,\"event\":\"unequal\",\"memory\":null,\"address\":3,"
                      "\"bytes\":1,\"first\":4,\"second\":5}\n");
    cli_assert_out(b, "\"event\":\"error\",\"class\":\"verify-mismatch\",\"exit_status\":13");
    cli_expect(b, 13, "diff app.hex boot.hex --json");
    cli_assert_out(b, "\"address\":32256,\"bytes\":4,\"first\":null,\"second\":10}");
}

static void options_that_mean_nothing_are_refused(void **state)
{
    static const struct {
        const char *line, *told;
    } cases[] = {
        {"info app.hex -U app.hex", "-U, --memory means nothing to ispflash info"},
        {"info app.hex -c sim", "-c, --programmer means nothing to ispflash info"},
        {"info app.hex --yes", "--yes means nothing to ispflash info"},
        {"diff app.hex app.hex -p m328p", "-p, --part means nothing to ispflash diff of two files"},
        {"diff app.hex -c sim -o x", "-o, --output means nothing to ispflash diff"},
        {"diff app.hex -c sim -V", "-V, --noverify-memory means nothing to ispflash diff"},
        {"merge app.hex boot.hex -o x.hex --allow overlap", "--allow means nothing"},
        {"convert app.hex -o x.hex -F", "-F, --force means nothing to ispflash convert"},
        {"bootloaders -c sim", "-c, --programmer means nothing to ispflash bootloaders"},
        {"help -e", "-e, --erase means nothing to ispflash help"},
    };
    struct cli_bench *b = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_expect(b, 2, cases[i].line);
        cli_assert_err(b, cases[i].told);
    }
    cli_expect(b, 0, "info app.hex -v -q --progress none --color never");
}

static void bad_requests_are_named(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 2, "merge app.hex -o x.hex");
    cli_expect(b, 2, "merge app.hex boot.hex");
    cli_assert_err(b, "no file is named to write to");
    cli_expect(b, 2, "merge app.hex boot.hex -o x.hex:e");
    cli_expect(b, 2, "merge app.hex boot.hex -o x.hex -c usbtiny");
    cli_expect(b, 2, "convert app.hex boot.hex -o x.hex");
    cli_expect(b, 3, "convert missing.hex -o x.hex");
    cli_expect(b, 3, "merge app.hex boot.hex -p m8 -o x.hex");
    cli_expect(b, 2, "info");
    cli_expect(b, 2, "info app.hex -p m329x");
    cli_expect(b, 3, "info missing.hex");
    cli_expect(b, 2, "diff");
    cli_expect(b, 2, "diff app.hex");
    cli_expect(b, 3, "diff app.hex missing.hex");
    assert_false(cli_file_exists("x.hex"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(merge_holds_both_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merge_refuses_bytes_that_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merge_refuses_an_application_in_the_boot_section, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(convert_fills_holes_of_a_raw_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(info_tells_ranges_sums_and_chips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(diff_tells_each_run_of_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(diff_reads_the_chip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(diff_against_the_chip_looks_at_all_memories, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(diff_takes_a_raw_file_for_flash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(programs_get_info_and_differences_as_json, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(options_that_mean_nothing_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_requests_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("images", tests, NULL, NULL);
}
