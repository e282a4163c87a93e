/* The plain-worded commands on simulated chips: erase, read, write, verify, factory, backup,
 * restore. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_bench.h"
#include "support/test.h"

static void put(struct image *image, uint32_t address, uint32_t size, unsigned seed)
{
    struct error e = {0};
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t byte = (uint8_t)((i * 29 + seed) % 255);
        assert_int_equal(image_put(image, address + i, &byte, 1, IMAGE_OVERLAP_SAME, NULL, &e),
                         STATUS_OK);
    }
}

/* A chip with something in every memory. */
static void fill_chip(struct cli_bench *b, const char *part)
{
    char line[160];
    struct image *image = image_new();
    put(image, 0, 700, 3);
    put(image, 0x1f00, 30, 5);
    cli_write_hex("app.hex", image);
    image_free(image);
    (void)remove("chip");
    (void)snprintf(line, sizeof line, "write app.hex -c sim -P chip -qq -p %s", part);
    cli_expect(b, 0, line);
    cli_expect(b, 0, "-c sim -P chip -qq -U eeprom:w:1,2,3,255,5:m");
    (void)snprintf(line, sizeof line, "-c sim -P chip -qq -p %s -U hfuse:w:0x%x:m -U lock:w:0xef:m",
                   part, 0xdb);
    cli_expect(b, 0, line);
}

static void a_backup_restores_every_memory_of_a_chip(void **state)
{
    struct cli_bench *b = *state;
    static const char *const parts[] = {"m328p", "m8", "m32u4", "t85", "m2560", "m128rfa1"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fill_chip(b, parts[i]);
        cli_expect(b, 0, "backup chip.hex -c sim -P chip");
        assert_int_equal(rename("chip", "first"), 0);
        cli_expect(b, 0, "restore chip.hex -c sim -P chip");
        cli_expect(b, 0, "backup again.hex -c sim -P chip");
        cli_assert_same("chip.hex", "again.hex");
        cli_assert_same("first", "chip");
    }
}

static void a_backup_is_whole_and_agrees_with_single_reads(void **state)
{
    struct cli_bench *b = *state;
    fill_chip(b, "m328p");
    cli_expect(b, 0, "backup chip.hex -c sim -P chip");
    static const char *const memories[] = {"flash", "eeprom", "lfuse",     "hfuse",
                                           "efuse", "lock",   "signature", "calibration"};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "verify %s chip.hex -c sim -P chip -qq", memories[i]);
        cli_expect(b, 0, line);
    }
    cli_expect(b, 0, "read chip.bin -c sim -P chip");
    size_t size;
    free(cli_read_file("chip.bin", &size));
    assert_int_equal(size, 32768);
}

static void s_records_and_comments_hold_a_backup_as_well(void **state)
{
    struct cli_bench *b = *state;
    static const char *const files[] = {"chip.s19", "chip.txt:I", "chip.txt:s"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char line[128], name[16] = "";
        (void)memcpy(name, files[i], strcspn(files[i], ":"));
        fill_chip(b, "m328p");
        assert_int_equal(rename("chip", "first"), 0);
        (void)snprintf(line, sizeof line, "backup %s -c sim -P first", files[i]);
        cli_expect(b, 0, line);
        (void)snprintf(line, sizeof line, "restore %s -c sim -P chip", name);
        cli_expect(b, 0, line);
        cli_assert_same("first", "chip");
    }
    cli_expect(b, 2, "backup chip.bin:r -c sim -P chip");
    cli_assert_err(b, "cannot hold several memories");
}

static void a_read_locked_chip_is_not_dumped(void **state)
{
    struct cli_bench *b = *state;
    (void)remove("dump.hex");
    fill_chip(b, "m328p");
    cli_expect(b, 0, "-c sim -P chip -qq -p m328p -U lock:w:0xec:m");
    cli_expect(b, 11, "backup dump.hex -c sim -P chip");
    cli_assert_err(b, "cannot be read: lock bits forbid it");
    assert_false(cli_file_exists("dump.hex"));
    cli_expect(b, 11, "read dump.hex -c sim -P chip");
    assert_false(cli_file_exists("dump.hex"));
}

static void a_backup_of_another_chip_is_refused_before_the_chip_is_touched(void **state)
{
    struct cli_bench *b = *state;
    fill_chip(b, "m32u4");
    cli_expect(b, 0, "backup m32u4.hex -c sim -P chip");
    (void)remove("chip");
    cli_expect(b, 3, "restore m32u4.hex -c sim -P chip -p m328p");
    cli_assert_err(b, "is of another chip: the signature in it is 1e 95 87, the ATmega328P has");
    assert_false(cli_file_exists("chip"));
    cli_expect(b, 10, "restore m32u4.hex -c sim -P chip -x part=m328p");
    cli_assert_err(b, "nothing was erased or written");
}

static void a_file_without_a_signature_needs_the_part(void **state)
{
    struct cli_bench *b = *state;
    (void)remove("chip");
    cli_write_text("four.hex", ":0400000001020304F2\n:00000001FF\n");
    cli_expect(b, 2, "restore four.hex -c sim -P chip");
    cli_assert_err(b, "does not say which chip it is of");
    cli_expect(b, 0, "restore four.hex -c sim -P chip -p m328p");
    cli_expect(b, 0, "verify four.hex -c sim -P chip");
    cli_write_text("none.hex", ":00000001FF\n");
    cli_expect(b, 3, "restore none.hex -c sim -P chip -p m328p");
    cli_assert_err(b, "holds nothing that can be put back");
    cli_write_text("unknown.hex", ":02000004008476\n:03000000010203F7\n:00000001FF\n");
    cli_expect(b, 3, "restore unknown.hex -c sim -P chip");
    cli_assert_err(b, "no known part has the signature in it, 01 02 03");
}

static void dry_runs_change_nothing(void **state)
{
    struct cli_bench *b = *state;
    fill_chip(b, "m328p");
    cli_expect(b, 0, "backup chip.hex -c sim -P chip");
    (void)remove("dry.hex");
    cli_expect(b, 0, "backup dry.hex -c sim -P chip --dry-run");
    cli_assert_out(b, "  read   eeprom\n");
    assert_false(cli_file_exists("dry.hex"));
    static const char *const lines[] = {"factory -c sim -P chip --dry-run",
                                        "erase -c sim -P chip --dry-run",
                                        "write flash app.hex -c sim -P chip --dry-run",
                                        "restore chip.hex -c sim -P chip --dry-run"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cli_expect(b, 0, lines[i]);
        cli_assert_out(b, "  erase  the chip");
        cli_assert_err(b, "this was a dry run");
        cli_expect(b, 0, "backup again.hex -c sim -P chip -qq");
        cli_assert_same("chip.hex", "again.hex");
    }
}

static void factory_gives_back_a_fresh_chip(void **state)
{
    struct cli_bench *b = *state;
    static const char *const parts[] = {"m328p", "m8", "m32u4", "t85"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char line[128];
        fill_chip(b, parts[i]);
        cli_expect(b, 0, "-c sim -P chip -qq -U hfuse:w:0xd3:m"); /* EESAVE on most */
        cli_expect(b, 0, "factory -c sim -P chip");
        (void)remove("fresh");
        (void)snprintf(line, sizeof line, "backup fresh.hex -c sim -P fresh -p %s", parts[i]);
        cli_expect(b, 0, line);
        cli_expect(b, 0, "backup chip.hex -c sim -P chip");
        cli_assert_same("fresh.hex", "chip.hex");
    }
}

static void one_memory_is_read_written_and_verified_in_plain_words(void **state)
{
    struct cli_bench *b = *state;
    fill_chip(b, "m328p");
    cli_expect(b, 0, "read eeprom e.eep -c sim -P chip");
    cli_expect(b, 0, "erase -c sim -P chip");
    cli_expect(b, 13, "verify eeprom e.eep -c sim -P chip");
    cli_expect(b, 0, "write eeprom e.eep -c sim -P chip");
    cli_expect(b, 0, "verify eeprom e.eep -c sim -P chip");
    cli_expect(b, 0, "read lock lock.txt -c sim -P chip");
    size_t size;
    uint8_t *text = cli_read_file("lock.txt", &size);
    assert_memory_equal(text, "0xff", 4);
    free(text);
    cli_expect(b, 0, "read flash x:d -c sim -P chip");
    text = cli_read_file("x", &size);
    assert_memory_equal(text, "255,255", 7);
    free(text);
}

static void fill_boot_and_eeprom(struct cli_bench *b)
{
    struct image *image = image_new();
    (void)remove("chip");
    put(image, 0, 700, 3);
    put(image, 0x7e00, 0x200, 5);
    cli_write_hex("both.hex", image);
    image_truncate(image, 0);
    put(image, 0x7e00, 0x200, 5);
    cli_write_hex("boot.hex", image);
    image_truncate(image, 0);
    put(image, 0, 300, 77);
    cli_write_hex("new.hex", image);
    image_truncate(image, 0);
    put(image, 0, 1024, 9);
    cli_write_hex("e.eep", image);
    image_free(image);
    cli_expect(b, 0, "-c sim -P chip -p m328p -qq -U both.hex -U eeprom:w:e.eep -U hfuse:w:0xde:m");
}

static void boot_section_and_eeprom_survive_a_new_application(void **state)
{
    struct cli_bench *b = *state;
    fill_boot_and_eeprom(b);
    cli_expect(b, 0, "write new.hex -c sim -P chip --keep boot --keep-eeprom --dry-run");
    cli_assert_out(b, "  and put back the EEPROM\n");
    cli_assert_out(b, "  and put back of flash: boot\n");
    cli_expect(b, 0, "write new.hex -c sim -P chip --keep boot --keep-eeprom");
    cli_expect(b, 0, "verify new.hex -c sim -P chip");
    cli_expect(b, 0, "verify boot.hex -c sim -P chip");
    cli_expect(b, 0, "verify eeprom e.eep -c sim -P chip");
    assert_false(cli_file_exists("ispflash-rescue.hex"));
    cli_expect(b, 0, "write both.hex -c sim -P chip --keep 0x7e00-0x7eff,0x7f10-0x7f11");
    cli_expect(b, 0, "write new.hex -c sim -P chip --erase-mode auto");
    cli_assert_err(b, "bits of flash have to rise, so the chip is erased");
}

/* The programmer goes away at ever later moments: what the chip lacks then is in the file. */
static void what_was_to_be_kept_is_in_a_file_when_the_programmer_goes_away(void **state)
{
    struct cli_bench *b = *state;
    unsigned rescued = 0;
    int code = 16;
    for (unsigned after = 400; code != 0 && after < 400000; after += after / 8) {
        char line[160];
        fill_boot_and_eeprom(b);
        (void)remove("ispflash-rescue.hex");
        (void)snprintf(line, sizeof line,
                       "write new.hex -c sim -P chip --keep boot --keep-eeprom -x fail=unplug "
                       "-x after=%u",
                       after);
        code = cli_run(b, line);
        if (!cli_file_exists("ispflash-rescue.hex"))
            continue;
        rescued++;
        assert_int_not_equal(code, 0);
        cli_assert_err(b, "what was to be kept is in the file ispflash-rescue.hex");
        cli_assert_err(b, "ispflash restore ispflash-rescue.hex");
        cli_expect(b, 0, "restore ispflash-rescue.hex -c sim -P chip");
        cli_expect(b, 0, "verify boot.hex -c sim -P chip");
        cli_expect(b, 0, "verify eeprom e.eep -c sim -P chip");
    }
    assert_int_equal(code, 0);
    assert_true(rescued > 2);
}

static void a_rescue_file_of_an_earlier_run_is_not_overwritten(void **state)
{
    struct cli_bench *b = *state;
    fill_boot_and_eeprom(b);
    cli_write_text("ispflash-rescue.hex", "precious");
    cli_expect(b, 0, "write new.hex -c sim -P chip --keep-eeprom");
    size_t size;
    free(cli_read_file("ispflash-rescue.hex", &size));
    assert_int_equal(size, 8);
    assert_false(cli_file_exists("ispflash-rescue-2.hex"));
    cli_expect(b, 4,
               "write new.hex -c sim -P chip --keep-eeprom --rescue-file ispflash-rescue.hex");
    cli_assert_err(b, "it exists already");
    cli_expect(b, 4, "write new.hex -c sim -P chip --keep-eeprom --rescue-file no/such/file");
    cli_expect(b, 0, "write new.hex -c sim -P chip --keep-eeprom --rescue-file mine.hex");
    assert_false(cli_file_exists("mine.hex"));
    (void)remove("ispflash-rescue.hex");
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct cli_bench *b = *state;
    static const struct {
        int code;
        const char *line, *said;
    } rows[] = {
        {2, "erase flash -c sim", "it erases the whole chip"},
        {2, "erase -c sim -U flash:r:x", "-U, -T and -t do not go with it"},
        {2, "read -c sim", "read takes a file"},
        {2, "write a b c -c sim", "write takes a file"},
        {2, "verify nonesuch four.hex -c sim", "no part has one of that name"},
        {2, "factory m328p -c sim", "factory takes neither"},
        {2, "backup -c sim", "backup takes one file"},
        {2, "restore a b -c sim", "restore takes one file"},
        {3, "restore nothing.hex -c sim", "nothing.hex: no such file"},
        {4, "backup no/such/folder.hex -c sim", "no/such"},
        {2, "write four.hex", "no programmer is named"},
        {2, "erase -c sim --expect-usb", "belong to ispflash burn"},
        {2, "factory -c sim --keep-eeprom", "factory keeps nothing"},
        {2, "burn arduino-uno -c sim --keep boot", "burn replaces all of flash"},
        {2, "write four.hex -c sim --keep 0x10", "neither boot nor a range"},
        {2, "write four.hex -c sim --keep 0x20-0x10", "neither boot nor a range"},
        {2, "write four.hex -c sim --keep -1-2", "neither boot nor a range"},
        {2, "write four.hex -c sim --keep 1-2x", "neither boot nor a range"},
        {2, "write four.hex -c sim --erase-mode often", "is not one of the choices"},
        {17, "factory -c sim -O", "-O"},
        {17, "backup x -c sim -O", "-O"},
        {17, "restore x -c sim -O", "-O"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cli_expect(b, rows[i].code, rows[i].line);
        cli_assert_err(b, rows[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_restores_every_memory_of_a_chip),
        cmocka_unit_test(a_backup_is_whole_and_agrees_with_single_reads),
        cmocka_unit_test(s_records_and_comments_hold_a_backup_as_well),
        cmocka_unit_test(a_read_locked_chip_is_not_dumped),
        cmocka_unit_test(a_backup_of_another_chip_is_refused_before_the_chip_is_touched),
        cmocka_unit_test(a_file_without_a_signature_needs_the_part),
        cmocka_unit_test(dry_runs_change_nothing),
        cmocka_unit_test(factory_gives_back_a_fresh_chip),
        cmocka_unit_test(one_memory_is_read_written_and_verified_in_plain_words),
        cmocka_unit_test(boot_section_and_eeprom_survive_a_new_application),
        cmocka_unit_test(what_was_to_be_kept_is_in_a_file_when_the_programmer_goes_away),
        cmocka_unit_test(a_rescue_file_of_an_earlier_run_is_not_overwritten),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, cli_set_up, cli_tear_down);
}
