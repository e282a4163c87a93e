/* The AVR family on the tests' chip model: what the chip sees, and what is said when it is not
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/chip_driver.h"
#include "support/test.h"
#include "target/target.h"

struct bench {
    struct part_database *parts;
    struct chip_rig *rig;
    const struct part *part;
    struct target *target;
    struct error error;
};

#define OK(call) ok((call), &b.error, __LINE__)

static void ok(enum status status, const struct error *e, int line)
{
    if (status != STATUS_OK)
        fail_msg("line %d: %s: %s", line, error_status_name(status), e->text);
}

static struct bench bench_new(const char *name, enum chip_rig_kind kind,
                              const struct avr_chip_options *options)
{
    struct bench b = {0};
    OK(part_database_open(&b.parts, &b.error));
    OK(part_find(b.parts, name, &b.part, &b.error));
    b.rig = chip_rig_new(name, kind, options);
    OK(target_open(&b.rig->programmer, b.part, &b.target, &b.error));
    return b;
}

static void bench_free(struct bench *b)
{
    target_close(b->target);
    assert_true(chip_rig_released(b->rig));
    chip_rig_free(b->rig);
    part_database_close(b->parts);
}

/* In programming mode, signature read, on a chip that answers. */
static struct bench bench_ready(const char *name, enum chip_rig_kind kind,
                                const struct avr_chip_options *options)
{
    struct bench b = bench_new(name, kind, options);
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_memory_equal(signature, b.part->signature, 3);
    return b;
}

/* Bytes that differ from their neighbours and between pages and segments; never 0xff. */
static uint8_t pattern(uint32_t address)
{
    return (uint8_t)((address * 37 + (address >> 8) * 11 + (address >> 16) * 5) % 251);
}

static struct image *pattern_image(uint32_t address, uint32_t size)
{
    struct error e;
    struct image *image = image_new();
    assert_non_null(image);
    uint8_t *data = malloc(size);
    for (uint32_t i = 0; i < size; i++)
        data[i] = pattern(address + i);
    assert_int_equal(image_put(image, address, data, size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    free(data);
    return image;
}

static struct image *blank_image(const struct memory *m)
{
    struct error e;
    struct image *image = image_new();
    uint8_t *data = malloc(m->size);
    memset(data, 0xff, m->size);
    assert_int_equal(image_put(image, m->base, data, m->size, IMAGE_OVERLAP_SAME, NULL, &e), 0);
    free(data);
    return image;
}

static const uint8_t *chip_bytes(const struct bench *b, enum avr_memory m)
{
    avr_chip_settle(b->rig->chip, b->rig->now_ns);
    return avr_chip_memory(b->rig->chip, m, NULL);
}

static uint64_t instructions(const struct bench *b, enum avr_op op)
{
    return avr_chip_stats(b->rig->chip)->instructions[op];
}

/* Nothing the data sheet forbids or leaves open. */
static void assert_clean(const struct bench *b)
{
    const struct avr_stats *s = avr_chip_stats(b->rig->chip);
    assert_int_equal(s->busy_violations, 0);
    assert_int_equal(s->undefined, 0);
    assert_int_equal(s->interrupted, 0);
    assert_int_equal(s->sck_violations, 0);
    assert_int_equal(instructions(b, AVR_OP_UNKNOWN), 0);
}

static const char *const all_parts[] = {"m328p", "m32u4",     "m2560",     "t85",
                                        "m8",    "at90s8515", "at90s1200", "at89s52"};
enum { PARTS = sizeof all_parts / sizeof all_parts[0] };

/* --- entering ------------------------------------------------------------------------------- */

static void every_part_is_entered_and_identified(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct bench b = bench_ready(all_parts[i], kinds[k], NULL);
            assert_int_equal(b.rig->enters, 1);
            assert_int_equal(b.rig->exchanges, 2); /* one to prove it, one for the signature */
            assert_clean(&b);
            OK(target_leave(b.target, &b.error));
            assert_true(chip_rig_released(b.rig));
            bench_free(&b);
        }
}

static void a_programmer_that_reports_needs_no_echo(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_REPORTS, NULL);
    assert_int_equal(b.rig->enters, 1);
    bench_free(&b);
}

struct fault_row {
    enum avr_fault fault;
    enum chip_rig_kind kind;
    const char *text, *hint;
};

static void a_broken_wire_is_told_by_what_came_back(void **state)
{
    (void)state;
    static const struct fault_row rows[] = {
        {AVR_FAULT_MISO_LOW, RIG_PLAIN, "MISO stays low", "has power"},
        {AVR_FAULT_MISO_HIGH, RIG_PLAIN, "MISO stays high", "MISO is connected"},
        {AVR_FAULT_NO_CLOCK, RIG_PLAIN, "no answer", "clock"},
        {AVR_FAULT_NO_POWER, RIG_PLAIN, "no answer", "power"},
        {AVR_FAULT_ECHO, RIG_PLAIN, "MISO repeats MOSI", "not connected to one another"},
        {AVR_FAULT_MISO_LOW, RIG_BLIND, "the signature read as 00 00 00", "SPI_CLOCK"},
        {AVR_FAULT_MISO_HIGH, RIG_BLIND, "the signature read as ff ff ff", "SPI_CLOCK"},
        {AVR_FAULT_RESET_CUT, RIG_PLAIN, "no answer", "RESET"},
        {AVR_FAULT_MISO_HIGH, RIG_REPORTS, "got no answer to Programming Enable", "has power"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b = bench_new("m328p", rows[i].kind, NULL);
        avr_chip_set_fault(b.rig->chip, rows[i].fault, true);
        assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
        assert_non_null(strstr(b.error.text, rows[i].text));
        assert_non_null(strstr(b.error.hint, rows[i].hint));
        assert_non_null(strstr(b.error.hint, "ispflash doctor")); /* all lines have room */
        bench_free(&b);
    }
}

/* Two attempts at each of two SCKs, as a diagnosis wants them. */
static const char *probed(const char *name, enum chip_rig_kind kind, enum avr_fault fault)
{
    struct bench b = bench_new(name, kind, NULL);
    const struct probe_facts facts = {.voltage_known = false};
    struct isp_probe series[4];
    struct diagnosis d;
    if (fault != AVR_FAULT_COUNT)
        avr_chip_set_fault(b.rig->chip, fault, true);
    for (size_t i = 0; i < 4; i++)
        OK(target_probe(b.target, i < 2 ? 100000 : 8000, &series[i], &b.error));
    diagnose(series, 4, &facts, &d);
    assert_int_equal(avr_chip_stats(b.rig->chip)->instructions[AVR_OP_UNKNOWN], 0);
    assert_false(chip_rig_released(b.rig) && d.symptom == SYMPTOM_NONE);
    bench_free(&b);
    return symptom_name(d.symptom);
}

static void a_probe_tells_how_the_chip_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < PARTS; i++)
        for (int kind = RIG_PLAIN; kind <= RIG_RANGES; kind++)
            assert_string_equal(probed(all_parts[i], (enum chip_rig_kind)kind, AVR_FAULT_COUNT),
                                "none");
    static const struct {
        enum avr_fault fault;
        const char *all, *fourth; /* for programmers that show all bytes, or the fourth alone */
    } rows[] = {
        {AVR_FAULT_MISO_LOW, "miso-low", "miso-low"},
        {AVR_FAULT_MISO_HIGH, "miso-high", "miso-high"},
        {AVR_FAULT_ECHO, "echo", "echo"},
        {AVR_FAULT_MOSI_CUT, "miso-high", "miso-high"},
        {AVR_FAULT_SWAPPED, "miso-high", "miso-high"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(probed("m328p", RIG_PLAIN, rows[i].fault), rows[i].all);
        assert_string_equal(probed("m328p", RIG_BLIND, rows[i].fault), rows[i].fourth);
        assert_string_equal(probed("m328p", RIG_REPORTS, rows[i].fault), "hidden");
    }
}

static void a_probe_sets_sck_where_it_can(void **state)
{
    (void)state;
    struct isp_probe p;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3; /* 128 kHz */
    OK(target_probe(b.target, 187500, &p, &b.error));
    assert_false(p.enabled);
    assert_int_equal(p.sck_hz, 187500);
    OK(target_probe(b.target, 8000, &p, &b.error));
    assert_true(p.enabled);
    assert_int_equal(p.sck_hz, 8000);
    bench_free(&b);
    b = bench_new("m328p", RIG_BLIND, NULL);
    OK(target_probe(b.target, 8000, &p, &b.error));
    assert_true(p.enabled);
    assert_int_equal(p.sck_hz, 0);
    bench_free(&b);
    b = bench_new("m328p", RIG_BOOTLOADER, NULL);
    assert_int_equal(target_probe(b.target, 0, &p, &b.error), STATUS_UNSUPPORTED);
    bench_free(&b);
}

static void nothing_is_written_after_a_probe(void **state)
{
    (void)state;
    struct isp_probe p;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    OK(target_probe(b.target, 0, &p, &b.error));
    assert_int_equal(target_erase(b.target, &b.error), STATUS_NO_TARGET);
    bench_free(&b);
}

static void wrong_answers_are_counted_one_by_one(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *fuse = part_memory(b.part, MEMORY_FUSE);
    const uint8_t right = 0x62, wrong = 0x63;
    unsigned count = 99;
    OK(target_count_wrong(b.target, b.part->signature, &fuse, &right, 1, 4, &count, &b.error));
    assert_int_equal(count, 0);
    OK(target_count_wrong(b.target, b.part->signature, &fuse, &wrong, 1, 4, &count, &b.error));
    assert_int_equal(count, 4);
    bench_free(&b);
}

static void nothing_is_sent_after_a_programmer_reported_no_chip(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_REPORTS, NULL);
    avr_chip_set_fault(b.rig->chip, AVR_FAULT_NO_POWER, true);
    assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(b.rig->exchanges, 0);
    bench_free(&b);
}

static void a_chip_that_has_not_answered_is_not_written_to(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = pattern_image(0, 16), *present = blank_image(flash);
    OK(target_enter(b.target, &b.error)); /* but not identified */
    assert_int_equal(target_erase(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(target_write(b.target, flash, image, present, &b.error), STATUS_NO_TARGET);
    assert_int_equal(target_write_byte(b.target, part_memory(b.part, MEMORY_FUSE), 0, &b.error),
                     STATUS_NO_TARGET);
    image_free(image);
    image_free(present);
    bench_free(&b);
}

static void a_slow_chip_is_found_by_a_slower_sck(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3; /* 128 kHz internal oscillator */
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_true(target_clock(b.target) < 32000);
    assert_non_null(strstr(b.rig->log, "note: the chip answers at SCK"));
    bench_free(&b);
}

/* ATtiny2313: 4 MHz divided by 8. SCK must stay below 125 kHz; Programming Enable may slip through
 * at 187.5 kHz, the signature then does not. */
static void an_sck_that_was_a_little_too_fast_is_lowered(void **state)
{
    (void)state;
    struct bench b = bench_new("t2313", RIG_PLAIN, NULL);
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0x62;
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    OK(target_identify(b.target, signature, &b.error));
    assert_memory_equal(signature, b.part->signature, 3);
    assert_true(target_clock(b.target) < 125000);
    assert_false(target_unreliable(b.target));
    bench_free(&b);
}

static void the_users_sck_is_kept(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    b.rig->config.sck_hz = 100000;
    avr_chip_memory(b.rig->chip, AVR_FUSES, NULL)[0] = 0xe3;
    assert_int_equal(target_enter(b.target, &b.error), STATUS_NO_TARGET);
    assert_int_equal(b.rig->sck_hz, 100000);
    assert_int_equal(b.rig->sck_changes, 1);
    assert_non_null(strstr(b.error.hint, "-B"));
    bench_free(&b);
}

static void a_fixed_sck_makes_b_a_note(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_BLIND, NULL);
    b.rig->config.sck_hz = 100000;
    OK(target_enter(b.target, &b.error));
    assert_non_null(strstr(b.rig->log, "fixed"));
    bench_free(&b);
}

static void bit_errors_are_called_an_unreliable_connection(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    uint8_t signature[3];
    OK(target_enter(b.target, &b.error));
    avr_chip_set_fault(b.rig->chip, AVR_FAULT_BIT_ERRORS, true);
    avr_chip_set_bit_error_rate(b.rig->chip, 12);
    assert_int_equal(target_identify(b.target, signature, &b.error), STATUS_NO_TARGET);
    assert_non_null(strstr(b.error.text, "unreliable"));
    assert_true(target_unreliable(b.target));
    bench_free(&b);
}

/* --- flash ---------------------------------------------------------------------------------- */

static void write_and_check(struct bench *pb, enum memory_kind kind, enum avr_memory model,
                            uint32_t address, uint32_t size)
{
    struct bench b = *pb;
    const struct memory *m = part_memory(b.part, kind);
    struct image *image = pattern_image(address, size), *present = blank_image(m);
    uint8_t *back = malloc(size);
    context_begin(&b.rig->context, STEP_WRITE, m, size);
    OK(target_write(b.target, m, image, present, &b.error));
    context_end(&b.rig->context, STATUS_OK);
    OK(target_read(b.target, m, address, back, size, &b.error));
    const uint8_t *chip = chip_bytes(&b, model);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(chip[address + i], pattern(address + i));
        assert_int_equal(back[i], pattern(address + i));
    }
    free(back);
    image_free(image);
    image_free(present);
    assert_clean(&b);
    assert_false(b.rig->progress_wrong);
}

static void flash_is_written_and_read_on_every_part_and_programmer(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    static const enum avr_busy busy[] = {AVR_BUSY_TYPICAL, AVR_BUSY_LONGEST, AVR_BUSY_RANDOM};
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct avr_chip_options options = avr_chip_defaults();
            options.busy = busy[k];
            struct bench b = bench_ready(all_parts[i], kinds[k], &options);
            OK(target_erase(b.target, &b.error));
            write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x40, 0x200);
            bench_free(&b);
        }
}

static void eeprom_is_written_and_read_on_every_part_and_programmer(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < PARTS - 1; i++) /* the last has no EEPROM */
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct bench b = bench_ready(all_parts[i], kinds[k], NULL);
            write_and_check(&b, MEMORY_EEPROM, AVR_EEPROM, 0x10, 0x28);
            bench_free(&b);
        }
}

static void addresses_beyond_128k_are_extended(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_RANGES};
    for (size_t k = 0; k < 2; k++) {
        struct bench b = bench_ready("m2560", kinds[k], NULL);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x1fe00, 0x400);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x0ff00, 0x200);
        write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0x3ff00, 0x100);
        assert_in_range(instructions(&b, AVR_OP_EXTENDED_ADDRESS), 1, 8);
        bench_free(&b);
    }
}

static void blank_pages_and_words_are_left_out(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = image_new(), *present = blank_image(flash);
    uint8_t data[512];
    memset(data, 0xff, sizeof data);
    data[0x100] = 0x12; /* one word of the third page */
    OK(image_put(image, 0, data, sizeof data, IMAGE_OVERLAP_SAME, NULL, &b.error));
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_int_equal(instructions(&b, AVR_OP_WRITE_PAGE), 1);
    assert_int_equal(instructions(&b, AVR_OP_LOAD_PAGE), 2);
    assert_int_equal(chip_bytes(&b, AVR_FLASH)[0x100], 0x12);
    image_free(image);
    image_free(present);
    assert_clean(&b);
    bench_free(&b);
}

static void parts_without_ready_flag_get_whole_pages(void **state)
{
    (void)state;
    struct bench b = bench_ready("m8", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = pattern_image(0, 1), *present = blank_image(flash);
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_int_equal(instructions(&b, AVR_OP_LOAD_PAGE), flash->page_size);
    assert_int_equal(instructions(&b, AVR_OP_WRITE_PAGE), 1);
    image_free(image);
    image_free(present);
    assert_clean(&b);
    bench_free(&b);
}

static void value_polling_ends_before_the_full_wait(void **state)
{
    (void)state;
    struct bench b = bench_ready("m8", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    b.rig->sck_hz = 200000;
    const uint64_t begin_ns = b.rig->now_ns;
    write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0, 640); /* ten pages */
    const uint64_t wire_ns = b.rig->instructions * 32 * (1000000000u / 200000u);
    const uint64_t waited_us = (b.rig->now_ns - begin_ns - wire_ns) / 1000;
    assert_true(waited_us < 10 * flash->write_us);
    bench_free(&b);
}

static void a_byte_that_cannot_be_polled_for_is_waited_for(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s8515", RIG_PLAIN, NULL);
    const struct memory *flash = part_memory(b.part, MEMORY_FLASH);
    struct image *image = image_new(), *present = blank_image(flash);
    const uint8_t busy_value = flash->poll_values[0];
    OK(image_put(image, 0, &busy_value, 1, IMAGE_OVERLAP_SAME, NULL, &b.error));
    const uint64_t begin_us = b.rig->now_ns / 1000;
    OK(target_write(b.target, flash, image, present, &b.error));
    assert_true(b.rig->now_ns / 1000 - begin_us >= flash->write_us);
    assert_int_equal(instructions(&b, AVR_OP_READ_FLASH), 0);
    image_free(image);
    image_free(present);
    assert_clean(&b);
    bench_free(&b);
}

/* --- EEPROM --------------------------------------------------------------------------------- */

static void only_differing_eeprom_pages_are_written(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *eeprom = part_memory(b.part, MEMORY_EEPROM);
    struct image *present = pattern_image(0, eeprom->size), *image = pattern_image(0, eeprom->size);
    for (uint32_t i = 0; i < eeprom->size; i++)
        avr_chip_memory(b.rig->chip, AVR_EEPROM, NULL)[i] = pattern(i);
    const uint8_t other = 0xa5;
    OK(image_put(image, 0x123, &other, 1, IMAGE_OVERLAP_REPLACE, NULL, &b.error));
    OK(target_write(b.target, eeprom, image, present, &b.error));
    assert_int_equal(instructions(&b, AVR_OP_WRITE_EEPROM_PAGE), 1);
    assert_int_equal(instructions(&b, AVR_OP_LOAD_EEPROM_PAGE), eeprom->page_size);
    assert_int_equal(instructions(&b, AVR_OP_WRITE_EEPROM_BYTE), 0);
    const uint8_t *chip = chip_bytes(&b, AVR_EEPROM);
    for (uint32_t i = 0; i < eeprom->size; i++)
        assert_int_equal(chip[i], i == 0x123 ? other : pattern(i));
    image_free(image);
    image_free(present);
    bench_free(&b);
}

static void an_eeprom_page_of_unknown_rest_is_a_defect(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    const struct memory *eeprom = part_memory(b.part, MEMORY_EEPROM);
    struct image *nothing = image_new(), *image = pattern_image(1, 1);
    assert_int_equal(target_write(b.target, eeprom, image, nothing, &b.error), STATUS_INTERNAL);
    image_free(image);
    image_free(nothing);
    bench_free(&b);
}

/* --- bytes ---------------------------------------------------------------------------------- */

static void unimplemented_fuse_bits_are_written_as_1(void **state)
{
    (void)state;
    struct bench b = bench_ready("m32u4", RIG_PLAIN, NULL);
    const struct memory *efuse;
    uint8_t value;
    assert_int_equal(part_memory_find(b.part, "efuse", &efuse), MEMORY_FOUND);
    OK(target_write_byte(b.target, efuse, 0xcb, &b.error)); /* bits 7..4 do not exist */
    OK(target_read_bytes(b.target, &efuse, &value, 1, &b.error));
    assert_int_equal(value & 0x0f, 0x0b);
    assert_int_equal(chip_bytes(&b, AVR_FUSES)[2] | 0xf0, 0xfb);
    assert_clean(&b);
    bench_free(&b);
}

static void many_bytes_take_one_exchange(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_BLIND, NULL);
    const struct memory *list[8];
    uint8_t values[8];
    size_t count = 0;
    for (size_t i = 0; i < b.part->memory_count; i++)
        if (b.part->memories[i].kind == MEMORY_FUSE || b.part->memories[i].kind == MEMORY_LOCK)
            list[count++] = &b.part->memories[i];
    const unsigned before = b.rig->exchanges;
    OK(target_read_bytes(b.target, list, values, count, &b.error));
    assert_int_equal(b.rig->exchanges, before + 1);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(values[i] & list[i]->mask, list[i]->initial & list[i]->mask);
    bench_free(&b);
}

static void at90s_lock_bits_block_and_chip_erase_lifts_them(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s8515", RIG_PLAIN, NULL);
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    assert_false(target_readable(b.target, lock));
    OK(target_write_byte(b.target, lock, 0xfd, &b.error)); /* LB1 */
    assert_int_equal(chip_bytes(&b, AVR_LOCK)[0] & lock->mask, 0x04);
    assert_true(target_lock_blocks_write(b.target, 0xfd));
    assert_false(target_lock_blocks_read(b.target, 0xfd));
    assert_true(target_lock_blocks_read(b.target, 0xf9));
    OK(target_erase(b.target, &b.error));
    assert_int_equal(chip_bytes(&b, AVR_LOCK)[0] & lock->mask, 0x06);
    assert_int_equal(b.rig->enters, 2); /* Chip Erase ends in a RESET pulse there */
    assert_clean(&b);
    bench_free(&b);
}

static void at89s_lock_bits_read_the_other_way_round(void **state)
{
    (void)state;
    struct bench b = bench_ready("at89s52", RIG_PLAIN, NULL);
    assert_false(target_lock_blocks_write(b.target, 0xe3));
    assert_true(target_lock_blocks_write(b.target, 0xe7)); /* LB1 */
    assert_false(target_lock_blocks_read(b.target, 0xe7));
    assert_true(target_lock_blocks_read(b.target, 0xef)); /* LB2 */
    bench_free(&b);
}

static void an_unreadable_byte_is_unsupported(void **state)
{
    (void)state;
    struct bench b = bench_ready("at90s1200", RIG_PLAIN, NULL);
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    uint8_t value;
    assert_int_equal(target_read_bytes(b.target, &lock, &value, 1, &b.error), STATUS_UNSUPPORTED);
    bench_free(&b);
}

static void a_raw_instruction_gives_its_answer(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_PLAIN, NULL);
    uint8_t miso[4];
    OK(target_instruction(b.target, (const uint8_t[]){0x30, 0, 1, 0}, miso, &b.error));
    assert_int_equal(miso[3], 0x95);
    bench_free(&b);
}

/* --- boot loader ---------------------------------------------------------------------------- */

static void a_boot_loader_reaches_flash_and_nothing_else(void **state)
{
    (void)state;
    struct bench b = bench_ready("m328p", RIG_BOOTLOADER, NULL);
    uint8_t value, miso[4];
    const struct memory *lock = part_memory(b.part, MEMORY_LOCK);
    assert_int_equal(target_traits(b.target), TARGET_ERASES_PAGES);
    write_and_check(&b, MEMORY_FLASH, AVR_FLASH, 0, 0x180);
    assert_int_equal(target_erase(b.target, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_read_bytes(b.target, &lock, &value, 1, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_write_byte(b.target, lock, 0xff, &b.error), STATUS_UNSUPPORTED);
    assert_int_equal(target_instruction(b.target, (const uint8_t[4]){0}, miso, &b.error),
                     STATUS_UNSUPPORTED);
    bench_free(&b);
}

/* --- faults --------------------------------------------------------------------------------- */

static enum status whole_job(struct bench *b)
{
    const struct memory *flash = part_memory(b->part, MEMORY_FLASH);
    struct image *image = pattern_image(0, 0x100), *present = blank_image(flash);
    uint8_t signature[3], back[0x100];
    enum status status = target_enter(b->target, &b->error);
    if (status == STATUS_OK)
        status = target_identify(b->target, signature, &b->error);
    if (status == STATUS_OK)
        status = target_erase(b->target, &b->error);
    if (status == STATUS_OK)
        status = target_write(b->target, flash, image, present, &b->error);
    if (status == STATUS_OK)
        status = target_read(b->target, flash, 0, back, sizeof back, &b->error);
    image_free(image);
    image_free(present);
    return status;
}

static void every_call_may_fail_and_reset_is_released(void **state)
{
    (void)state;
    static const char *const parts[] = {"m328p", "m8", "at90s8515", "m2560"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (unsigned k = 1;; k++) {
            struct bench b = bench_new(parts[i], i % 2 == 0 ? RIG_PLAIN : RIG_RANGES, NULL);
            b.rig->fail_at = k;
            const enum status status = whole_job(&b);
            if (status != STATUS_OK) {
                assert_int_equal(status, STATUS_LINK);
                assert_non_null(strstr(b.error.text, "unplugged at call"));
            }
            bench_free(&b); /* asserts that RESET is released */
            if (status == STATUS_OK)
                break;
            assert_true(k < 2000);
        }
    }
}

static void cancelling_stops_at_the_next_transfer(void **state)
{
    (void)state;
    struct bench b = bench_new("m328p", RIG_PLAIN, NULL);
    b.rig->cancel_at = 5;
    assert_int_equal(whole_job(&b), STATUS_CANCELLED);
    assert_int_equal(b.rig->calls, 5);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_entered_and_identified),
        cmocka_unit_test(a_programmer_that_reports_needs_no_echo),
        cmocka_unit_test(a_broken_wire_is_told_by_what_came_back),
        cmocka_unit_test(a_probe_tells_how_the_chip_answers),
        cmocka_unit_test(a_probe_sets_sck_where_it_can),
        cmocka_unit_test(nothing_is_written_after_a_probe),
        cmocka_unit_test(wrong_answers_are_counted_one_by_one),
        cmocka_unit_test(nothing_is_sent_after_a_programmer_reported_no_chip),
        cmocka_unit_test(a_chip_that_has_not_answered_is_not_written_to),
        cmocka_unit_test(a_slow_chip_is_found_by_a_slower_sck),
        cmocka_unit_test(an_sck_that_was_a_little_too_fast_is_lowered),
        cmocka_unit_test(the_users_sck_is_kept),
        cmocka_unit_test(a_fixed_sck_makes_b_a_note),
        cmocka_unit_test(bit_errors_are_called_an_unreliable_connection),
        cmocka_unit_test(flash_is_written_and_read_on_every_part_and_programmer),
        cmocka_unit_test(eeprom_is_written_and_read_on_every_part_and_programmer),
        cmocka_unit_test(addresses_beyond_128k_are_extended),
        cmocka_unit_test(blank_pages_and_words_are_left_out),
        cmocka_unit_test(parts_without_ready_flag_get_whole_pages),
        cmocka_unit_test(value_polling_ends_before_the_full_wait),
        cmocka_unit_test(a_byte_that_cannot_be_polled_for_is_waited_for),
        cmocka_unit_test(only_differing_eeprom_pages_are_written),
        cmocka_unit_test(an_eeprom_page_of_unknown_rest_is_a_defect),
        cmocka_unit_test(unimplemented_fuse_bits_are_written_as_1),
        cmocka_unit_test(many_bytes_take_one_exchange),
        cmocka_unit_test(at90s_lock_bits_block_and_chip_erase_lifts_them),
        cmocka_unit_test(at89s_lock_bits_read_the_other_way_round),
        cmocka_unit_test(an_unreadable_byte_is_unsupported),
        cmocka_unit_test(a_raw_instruction_gives_its_answer),
        cmocka_unit_test(a_boot_loader_reaches_flash_and_nothing_else),
        cmocka_unit_test(every_call_may_fail_and_reset_is_released),
        cmocka_unit_test(cancelling_stops_at_the_next_transfer),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
