/* `ispflash burn`: every boot loader into a simulated chip, and what is refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_bench.h"
#include "ispflash/bootloader.h"
#include "ispflash/part.h"
#include "support/test.h"

struct world {
    struct cli_bench *bench;
    struct bootloader_list *all;
    struct part_database *parts;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct error e = {0};
    assert_non_null(w);
    w->bench = cli_bench_new();
    assert_int_equal(bootloaders_open(&w->all, &e), STATUS_OK);
    assert_int_equal(part_database_open(&w->parts, &e), STATUS_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    cli_bench_free(w->bench);
    bootloaders_close(w->all);
    part_database_close(w->parts);
    free(w);
    return 0;
}

static const struct part *part_named(struct world *w, const char *id)
{
    const struct part *part = NULL;
    struct error e = {0};
    if (part_find(w->parts, id, &part, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return part;
}

static const struct bootloader_byte *byte_for(const struct bootloader *b, const char *memory)
{
    static const struct bootloader_byte open = {false, 0};
    return strcmp(memory, "lfuse") == 0   ? &b->lfuse
           : strcmp(memory, "hfuse") == 0 ? &b->hfuse
           : strcmp(memory, "efuse") == 0 ? &b->efuse
           : strcmp(memory, "lock") == 0  ? &b->lock
                                          : &open;
}

/* --- images --------------------------------------------------------------------------------- */

static void put(struct image *image, uint32_t address, uint32_t size, unsigned seed)
{
    struct error e = {0};
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t byte = (uint8_t)((i * 37 + seed) % 255); /* never 0xff */
        assert_int_equal(image_put(image, address + i, &byte, 1, IMAGE_OVERLAP_SAME, NULL, &e),
                         STATUS_OK);
    }
}

/* Something for the boot section that the recipe's fuses select: its beginning, an odd end, and two
 * bytes alone at the end of flash. A part without one gets a reset vector and something high up. */
static struct image *image_for(struct world *w, const struct bootloader *b)
{
    const struct part *part = part_named(w, b->parts[0]);
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    struct image *image = image_new();
    uint8_t fuses[32] = {0};
    uint32_t start;
    for (size_t i = 0; i < part->memory_count; i++)
        fuses[i] = byte_for(b, part->memories[i].name)->value;
    const unsigned seed = (unsigned)(strlen(b->id) * 11 + (unsigned char)b->id[8]);
    if (!part_boot_start(part, fuses, &start)) {
        start = flash->size - 2880;
        put(image, 0, 16, seed);
    }
    put(image, start, flash->size - start > 301 ? 301 : 155, seed + 1);
    put(image, flash->size - 2, 2, seed + 2);
    return image;
}

/* --- what is in the chip then --------------------------------------------------------------- */

static void assert_flash(struct world *w, const struct bootloader *b, const struct image *image)
{
    const struct memory *flash = part_memory(part_named(w, b->parts[0]), MEMORY_FLASH);
    size_t size;
    cli_expect(w->bench, 0, "-c sim -P chip -qq -A -U flash:r:flash.bin:r");
    uint8_t *data = cli_read_file("flash.bin", &size);
    assert_int_equal(size, flash->size);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t wanted = 0xff;
        (void)image_get(image, i, &wanted);
        if (data[i] != wanted)
            fail_msg("%s: 0x%02x at 0x%" PRIx32 " of flash, not 0x%02x", b->id, data[i], i, wanted);
    }
    free(data);
}

static uint8_t byte_in_file(void)
{
    char copy[8] = "";
    size_t size;
    uint8_t *text = cli_read_file("byte", &size);
    assert_true(size < sizeof copy);
    memcpy(copy, text, size);
    const uint8_t value = (uint8_t)strtoul(copy, NULL, 16);
    free(text);
    return value;
}

static void assert_bytes(struct world *w, const struct bootloader *b)
{
    const struct part *part = part_named(w, b->parts[0]);
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        const struct bootloader_byte *byte = byte_for(b, m->name);
        char line[80];
        if (m->kind != MEMORY_FUSE && m->kind != MEMORY_LOCK)
            continue;
        (void)snprintf(line, sizeof line, "-c sim -P chip -qq -U %s:r:byte:h", m->name);
        cli_expect(w->bench, 0, line);
        const uint8_t found = byte_in_file();
        const uint8_t wanted = byte->known ? byte->value : m->initial;
        if (((found ^ wanted) & m->mask) != 0)
            fail_msg("%s: %s is 0x%02x, not 0x%02x", b->id, m->name, found, wanted);
    }
}

static void burn_one(struct world *w, const struct bootloader *b)
{
    char line[160];
    struct image *image = image_for(w, b);
    cli_write_hex("boot.hex", image);
    (void)remove("chip");
    (void)snprintf(line, sizeof line, "-c sim -P chip -p %s -qq -U flash:w:0x11,0x22,0x33:m",
                   b->parts[0]);
    cli_expect(w->bench, 0, line);
    (void)snprintf(line, sizeof line, "burn %s boot.hex -c sim -P chip --yes", b->id);
    cli_expect(w->bench, 0, line);
    assert_flash(w, b, image);
    assert_bytes(w, b);
    cli_expect(w->bench, 0, line); /* without --yes there is nothing to ask either */
    cli_assert_err(w->bench, "the chip holds all of this already");
    image_free(image);
}

static void every_boot_loader_gets_into_its_chip_with_fuses_and_lock_bits(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < bootloader_count(w->all); i++)
        burn_one(w, bootloader_at(w->all, i));
}

/* --- one at a time -------------------------------------------------------------------------- */

static const struct bootloader *recipe(struct world *w, const char *id)
{
    const struct bootloader *b = NULL;
    struct error e = {0};
    assert_int_equal(bootloader_find(w->all, id, &b, &e), STATUS_OK);
    return b;
}

/* boot.hex for that one, and a fresh chip. */
static void prepare(struct world *w, const char *id)
{
    struct image *image = image_for(w, recipe(w, id));
    cli_write_hex("boot.hex", image);
    image_free(image);
    (void)remove("chip");
}

static void assert_chip_is_fresh(struct world *w)
{
    assert_false(cli_file_exists("chip") && cli_run(w->bench, "-c sim -P chip -p m328p -qq "
                                                              "-U lfuse:v:0x62:m -U hfuse:v:0xd9:m "
                                                              "-U lock:v:0xff:m") != 0);
}

static void off_a_terminal_it_does_not_wait_but_names_the_option(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    cli_expect(w->bench, 12, "burn arduino-uno boot.hex -c sim -P chip");
    cli_assert_err(w->bench, "lfuse: 0x62 -> 0xff");
    cli_assert_err(w->bench, "--yes does it without asking");
    assert_chip_is_fresh(w);
}

static void a_person_is_asked_once_and_may_say_no(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    static const char *const refusals[] = {"n\n", "\n", "", "yesterday\n"};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        w->bench->answers = refusals[i];
        cli_expect(w->bench, 130, "burn arduino-uno boot.hex -c sim -P chip");
        cli_assert_err(w->bench, "Burn arduino-uno into this ATmega328P? [y/N] ");
        cli_assert_err(w->bench, "nothing was erased or written");
        assert_chip_is_fresh(w);
    }
    w->bench->answers = "Yes\n";
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip");
    cli_assert_err(w->bench, "  hfuse 0xd9 -> 0xde");
    w->bench->answers = NULL;
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip"); /* nothing to ask */
}

static void a_dry_run_prints_every_byte_and_changes_nothing(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --dry-run");
    cli_assert_out(w->bench, "  erase  the chip: flash, EEPROM, lock bits\n");
    cli_assert_out(w->bench, "  write  flash: 303 bytes, 0x7e00-0x7f2c 0x7ffe-0x7fff\n");
    cli_assert_out(w->bench, "    0x07f20: ");
    cli_assert_out(w->bench, "  write  lfuse: 0x62 -> 0xff\n");
    cli_assert_out(w->bench, "  write  efuse: 0xff -> 0xfd\n");
    cli_assert_err(w->bench, "this was a dry run");
    assert_chip_is_fresh(w);
}

static void without_jtag_the_other_high_fuse_is_written(void **state)
{
    struct world *w = *state;
    prepare(w, "atmel-dfu-atmega32u4");
    cli_expect(w->bench, 0, "burn atmel-dfu-atmega32u4 boot.hex -c sim -P chip --yes --no-jtag");
    cli_expect(w->bench, 0, "-c sim -P chip -qq -U hfuse:r:byte:h");
    assert_int_equal(byte_in_file(), 0xd9);
    prepare(w, "arduino-leonardo"); /* has it off already */
    cli_expect(w->bench, 0, "burn arduino-leonardo boot.hex -c sim -P chip --yes --no-jtag");
    prepare(w, "arduino-uno"); /* there is no JTAG */
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --yes --no-jtag");
    prepare(w, "usbasploader-atmega32a");
    cli_expect(w->bench, 0, "-c sim -P chip -p m328p -qq -U flash:w:1,2,3:m");
    cli_expect(w->bench, 0, "-c sim -P chip -p m328p -qq -U lock:w:0xfc:m");
}

static void a_locked_chip_is_unlocked_by_the_erase(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    cli_expect(w->bench, 0, "-c sim -P chip -p m328p -qq -U flash:w:1,2,3:m");
    cli_expect(w->bench, 0, "-c sim -P chip -p m328p -qq -U lock:w:0xfc:m");
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --yes");
    cli_expect(w->bench, 0, "-c sim -P chip -qq -U lock:r:byte:h");
    assert_int_equal(byte_in_file(), 0xcf);
}

static void the_customary_file_is_taken_from_the_current_folder(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    cli_expect(w->bench, 3, "burn arduino-uno -c sim -P chip --yes");
    cli_assert_err(w->bench, "optiboot_atmega328.hex is wanted in this folder");
    assert_int_equal(rename("boot.hex", "optiboot_atmega328.hex"), 0);
    cli_expect(w->bench, 0, "burn arduino-uno -c sim -P chip --yes");
    cli_expect(w->bench, 2, "burn usbasploader-atmega328p -c sim -P chip --yes");
    cli_assert_err(w->bench, "it is built for each board");
}

/* --- refusals, before the chip is touched --------------------------------------------------- */

static void a_file_that_does_not_reach_the_boot_section_is_refused(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-atmegang-atmega168"); /* to 0x3fff */
    cli_expect(w->bench, 3, "burn arduino-uno boot.hex -c sim -P chip --yes");
    cli_assert_err(w->bench, "ends at 0x3fff, but the fuses of arduino-uno put the boot section at "
                             "0x7e00");
    prepare(w, "arduino-mega-atmega2560");
    cli_expect(w->bench, 3, "burn arduino-uno boot.hex -c sim -P chip --yes");
    cli_assert_err(w->bench, "flash ends at 0x7fff");
    assert_false(cli_file_exists("chip"));
}

static void a_file_for_a_larger_boot_section_is_refused(void **state)
{
    struct world *w = *state;
    struct image *image = image_new();
    put(image, 0x7c00, 0x300, 1);
    cli_write_hex("boot.hex", image);
    cli_expect(w->bench, 3, "burn arduino-uno boot.hex -c sim -P chip --yes");
    cli_assert_err(w->bench, "let the chip begin in the middle of it, at 0x7e00");
    assert_false(cli_file_exists("chip"));
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --yes --allow boot-start");
    put(image, 0, 0x7c00, 3); /* an application before it */
    cli_write_hex("boot.hex", image);
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --yes");
    image_free(image);
}

static void a_file_for_another_chip_is_refused_where_that_can_be_told(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    assert_int_equal(rename("boot.hex", "Caterina-Micro.hex"), 0);
    cli_expect(w->bench, 3, "burn arduino-uno Caterina-Micro.hex -c sim -P chip --yes");
    cli_assert_err(w->bench, "its name is that of caterina-arduino-micro, for the ATmega32U4");
    assert_false(cli_file_exists("chip"));
    cli_expect(w->bench, 0,
               "burn arduino-uno Caterina-Micro.hex -c sim -P chip --yes "
               "--allow other-chip");
    struct image *image = image_for(w, recipe(w, "arduino-uno"));
    static const uint8_t signature[] = {0x1e, 0x95, 0x87};
    struct error e = {0};
    assert_int_equal(image_put(image, 0x840000, signature, 3, IMAGE_OVERLAP_SAME, NULL, &e),
                     STATUS_OK);
    cli_write_hex("boot.hex", image);
    image_free(image);
    cli_expect(w->bench, 3, "burn arduino-uno boot.hex -c sim -P chip --yes");
    cli_assert_err(w->bench, "the signature in it is 1e 95 87");
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        int code;
        const char *line, *said;
    } rows[] = {
        {2, "burn -c sim", "takes the id of a boot loader"},
        {2, "burn arduino-uno a b -c sim", "takes the id of a boot loader"},
        {2, "burn arduino-unno boot.hex -c sim", "arduino-uno"},
        {2, "burn arduino boot.hex -c sim", "begin like that"},
        {2, "burn arduino-uno boot.hex -c sim -U lfuse:w:1:m", "does what its recipe says"},
        {2, "burn arduino-uno boot.hex -c sim -D", "do not go with burn"},
        {2, "burn arduino-uno boot.hex -c sim -V", "do not go with burn"},
        {2, "burn arduino-uno boot.hex -c sim -p m32u4",
         "is for the ATmega328P, not for the ATmega32U4"},
        {2, "burn arduino-uno boot.hex -c sim --yes --expect-usb", "does not show on USB"},
        {2, "burn arduino-uno boot.hex", "no programmer is named"},
        {3, "burn arduino-uno nothing.hex -c sim", "nothing.hex: no such file"},
        {10, "burn arduino-uno boot.hex -c sim -x part=m32u4 --yes", "use -p m32u4"},
        {2, "-c sim --no-jtag", "belong to ispflash burn"},
        {2, "bootloaders nonesuch", "no boot loader is like that"},
    };
    prepare(w, "arduino-uno");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cli_expect(w->bench, rows[i].code, rows[i].line);
        cli_assert_err(w->bench, rows[i].said);
    }
}

/* --- the list ------------------------------------------------------------------------------- */

static void the_list_has_the_id_first_and_can_be_narrowed(void **state)
{
    struct world *w = *state;
    size_t lines = 0;
    cli_expect(w->bench, 0, "bootloaders");
    for (const char *c = w->bench->out; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 73);
    assert_memory_equal(w->bench->out, "arduino-atmegang-atmega168 ", 27);
    cli_expect(w->bench, 0, "bootloaders leonardo");
    cli_assert_out(w->bench, "ff d8 cb 2f 2341:0036 Caterina-Leonardo.hex");
    cli_assert_out(w->bench, "ff d8 fb -- 2341:0036 Caterina-Leonardo.hex");
    cli_expect(w->bench, 0, "bootloaders -p t85");
    assert_memory_equal(w->bench->out, "arduino-gemma ", 14);
    cli_expect(w->bench, 0, "bootloaders -v arduino-uno");
    cli_assert_out(w->bench, "  upload: arduino, 115200 baud\n");
}

/* --- the plain line ------------------------------------------------------------------------- */

static void the_plain_line_can_be_run_dry_and_skipped_too(void **state)
{
    struct world *w = *state;
    (void)remove("chip");
    cli_expect(w->bench, 0,
               "-c sim -P chip -p m328p -U flash:w:1,2,3:m -U lfuse:w:0xff:m --dry-run");
    cli_assert_out(w->bench, "    0x00000: 01 02 03\n");
    assert_chip_is_fresh(w);
    cli_expect(w->bench, 0,
               "-c sim -P chip -p m328p -U flash:w:1,2,3:m -U lfuse:w:0xff:m "
               "--skip-if-same");
    cli_assert_err(w->bench, "chip erased");
    cli_expect(w->bench, 0,
               "-c sim -P chip -p m328p -U flash:w:1,2,3:m -U lfuse:w:0xff:m "
               "--skip-if-same");
    cli_assert_err(w->bench, "nothing was erased or written");
    cli_assert_not_err(w->bench, "chip erased");
    cli_expect(w->bench, 0,
               "-c sim -P chip -p m328p -U flash:w:1,2,4:m -U lfuse:w:0xff:m "
               "--skip-if-same");
    cli_assert_err(w->bench, "chip erased");
    cli_expect(w->bench, 0, "-c sim -P chip -p m328p -U flash:r:x.hex:i --dry-run");
    cli_assert_out(w->bench, "  read   flash\n");
    assert_false(cli_file_exists("x.hex"));
}

static void programs_get_plans_and_boot_loaders_as_json(void **state)
{
    struct world *w = *state;
    prepare(w, "arduino-uno");
    cli_expect(w->bench, 0, "burn arduino-uno boot.hex -c sim -P chip --dry-run --json");
    cli_assert_out(
        w->bench,
        "{\"schema\":1,\"event\":\"plan\",\"part\":\"ATmega328P\",\"steps\":[{\"step\":"
        "\"erase\"},{\"step\":\"write\",\"memory\":\"flash\",\"ranges\":[{\"address\":32256,"
        "\"bytes\":[");
    cli_assert_out(w->bench, "{\"step\":\"write\",\"memory\":\"lock\",\"before\":255,\"ranges\":[{"
                             "\"address\":0,\"bytes\":[15]}]}");
    cli_expect(w->bench, 0, "bootloaders atmel-dfu-atmega16u4 --json");
    cli_assert_out(w->bench, "\"parts\":[\"atmega16u4\"],\"lfuse\":94,\"hfuse\":153,"
                             "\"hfuse_no_jtag\":217,\"efuse\":243,\"unlock\":null,\"lock\":null,"
                             "\"usb\":\"03eb:2ff3\",\"clock_hz\":null,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_boot_loader_gets_into_its_chip_with_fuses_and_lock_bits),
        cmocka_unit_test(off_a_terminal_it_does_not_wait_but_names_the_option),
        cmocka_unit_test(a_person_is_asked_once_and_may_say_no),
        cmocka_unit_test(a_dry_run_prints_every_byte_and_changes_nothing),
        cmocka_unit_test(without_jtag_the_other_high_fuse_is_written),
        cmocka_unit_test(a_locked_chip_is_unlocked_by_the_erase),
        cmocka_unit_test(the_customary_file_is_taken_from_the_current_folder),
        cmocka_unit_test(a_file_that_does_not_reach_the_boot_section_is_refused),
        cmocka_unit_test(a_file_for_a_larger_boot_section_is_refused),
        cmocka_unit_test(a_file_for_another_chip_is_refused_where_that_can_be_told),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(the_list_has_the_id_first_and_can_be_narrowed),
        cmocka_unit_test(programs_get_plans_and_boot_loaders_as_json),
        cmocka_unit_test(the_plain_line_can_be_run_dry_and_skipped_too),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
