/* Whole jobs on the chip model: what happens, in which order, and what is told. */
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

static uint8_t app[1024], boot[512];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 7 % 250);
    for (size_t i = 0; i < sizeof boot; i++)
        boot[i] = (uint8_t)(i * 11 % 249);
    return 0;
}

/* --- the usual ------------------------------------------------------------------------------ */

static void a_bootloader_is_burned_with_its_fuses(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m32u4", RIG_PLAIN, "m32u4");
    job_write(b, "flash", 0x7000, app, sizeof app);
    job_write_byte(b, "lfuse", 0xff);
    job_write_byte(b, "hfuse", 0xd8);
    job_write_byte(b, "efuse", 0xcb);
    b->job.flags = JOB_NO_CLOCK_BOOST;
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_FLASH) + 0x7000, app, sizeof app);
    const uint8_t *fuses = job_chip(b, AVR_FUSES);
    assert_int_equal(fuses[0], 0xff);
    assert_int_equal(fuses[1], 0xd8);
    assert_int_equal(fuses[2] & 0x0f, 0x0b);
    assert_true(b->report.erased);
    assert_string_equal(b->report.part->name, "ATmega32U4");
    assert_int_equal(job_report(b, "flash")->written, sizeof app);
    assert_int_equal(job_report(b, "flash")->verified, sizeof app);
    assert_int_equal(job_report(b, "lfuse")->before, 0x52);
    assert_int_equal(job_report(b, "lfuse")->after, 0xff);
    assert_int_equal(job_report(b, "efuse")->skipped, 1); /* the factory's 0xfb is the same */
    job_assert_said(b, "note: efuse: 0xcb as given and 0xfb on the chip are the same setting");
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_FUSE), 2);
    assert_non_null(strstr(b->rig->steps, "enter 0/0 ok;identify 0/0 ok;"));
    assert_non_null(strstr(b->rig->steps, "erase 0/0 ok;write flash 1024/1024 ok;"
                                          "verify flash 1024/1024 ok;"));
    assert_non_null(strstr(b->rig->values, "signature=1e9587 ATmega32U4;"));
    job_bench_free(b);
}

static void reading_the_signature_touches_nothing_else(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    const size_t i = job_read(b, "signature");
    job_expect(b, STATUS_OK);
    uint8_t bytes[3];
    assert_int_equal(image_copy(b->destinations[i].image, 0, bytes, 3, 0), 3);
    assert_memory_equal(bytes, "\x1e\x95\x0f", 3);
    assert_int_equal(job_instructions(b, AVR_OP_READ_FUSE), 0);
    job_bench_free(b);
}

static void fuse_reads_share_one_transfer(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_BLIND, "m328p");
    const size_t l = job_read(b, "lfuse"), h = job_read(b, "hfuse");
    job_expect(b, STATUS_OK);
    uint8_t value;
    assert_true(image_get(b->destinations[l].image, 0, &value));
    assert_int_equal(value, 0x62);
    assert_true(image_get(b->destinations[h].image, 0, &value));
    assert_int_equal(value, 0xd9);
    assert_int_equal(b->rig->exchanges, 3); /* proof, signature, fuses */
    job_bench_free(b);
}

static void the_part_is_found_by_its_signature(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m32u4", RIG_PLAIN, NULL);
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_string_equal(b->report.part->name, "ATmega32U4");
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    assert_int_equal(b->sources[0].loads, 2); /* syntax first, then against the memory */
    job_bench_free(b);
}

static void every_kind_of_part_and_programmer_is_written_and_verified(void **state)
{
    (void)state;
    static const char *const parts[] = {"m328p", "m32u4",     "m2560",     "t85",
                                        "m8",    "at90s8515", "at90s1200", "at89s52"};
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (size_t k = 0; k < 3; k++) {
            struct job_bench *b = job_bench_new(parts[i], kinds[k], parts[i]);
            const bool eeprom = strcmp(parts[i], "at89s52") != 0;
            memset(job_chip(b, AVR_FLASH), 0x00, 64); /* so that the erase is needed */
            job_write(b, "flash", 0, app, 200);
            if (eeprom)
                job_write(b, "eeprom", 4, boot, 50);
            job_expect(b, STATUS_OK);
            assert_memory_equal(job_chip(b, AVR_FLASH), app, 200);
            if (eeprom)
                assert_memory_equal(job_chip(b, AVR_EEPROM) + 4, boot, 50);
            job_bench_free(b);
        }
}

/* --- order ---------------------------------------------------------------------------------- */

static void a_backup_before_a_write_reads_what_was_there(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    memcpy(job_chip(b, AVR_FLASH), boot, sizeof boot);
    const size_t read = job_read(b, "flash");
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    uint8_t bytes[sizeof boot];
    image_copy(b->destinations[read].image, 0, bytes, sizeof bytes, 0);
    assert_memory_equal(bytes, boot, sizeof boot);
    assert_int_equal(image_end(b->destinations[read].image), sizeof boot);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    assert_true(strstr(b->rig->steps, "read flash") < strstr(b->rig->steps, "erase"));
    job_bench_free(b);
}

static void two_images_are_written_in_one_pass(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_write(b, "flash", 0, app, sizeof app);
    job_write(b, "flash", 0x7e00, boot, sizeof boot);
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    assert_memory_equal(job_chip(b, AVR_FLASH) + 0x7e00, boot, sizeof boot);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    job_assert_said(b, "several files are written in one pass");
    assert_non_null(strstr(b->rig->steps, "write flash 1536/1536 ok;verify flash 1536/1536 ok;"));
    job_bench_free(b);
}

static void lock_bits_are_written_last(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_ERASE;
    job_write_byte(b, "lock", 0xcf);
    job_write_byte(b, "hfuse", 0xde);
    job_write(b, "flash", 0x7e00, boot, sizeof boot);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_LOCK)[0] & 0x3f, 0x0f);
    assert_true(strstr(b->rig->steps, "write hfuse") < strstr(b->rig->steps, "write lock"));
    assert_true(strstr(b->rig->steps, "verify flash") < strstr(b->rig->steps, "write hfuse"));
    job_assert_said(b, "note: written in the order flash, hfuse, lock");
    job_bench_free(b);
}

static void unlock_and_lock_in_one_command_ends_locked(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lock", 0x3f);
    job_write(b, "flash", 0x7e00, boot, sizeof boot);
    job_write_byte(b, "lock", 0x0f);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_LOCK)[0] & 0x3f, 0x0f);
    job_assert_said(b, "lock is given more than once");
    job_bench_free(b);
}

static void eeprom_named_before_flash_survives_the_implied_erase(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "eeprom", 0, boot, 64);
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_EEPROM), boot, 64);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    job_bench_free(b);
}

static void in_order_keeps_the_order(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_IN_ORDER;
    job_write_byte(b, "hfuse", 0xde);
    job_write(b, "flash", 0, app, 128);
    job_write(b, "flash", 0x7e00, boot, 128);
    job_expect(b, STATUS_OK);
    assert_true(strstr(b->rig->steps, "write hfuse") < strstr(b->rig->steps, "erase"));
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    assert_non_null(strstr(b->rig->steps, "verify flash 128/128 ok;write flash 128/128"));
    job_bench_free(b);
}

static void an_earlier_read_can_feed_a_later_write(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memcpy(job_chip(b, AVR_FLASH), app, 256);
    const size_t read = job_read(b, "flash"), write = job_write(b, "flash", 0, NULL, 0);
    b->sources[write].source.later = true;
    b->destinations[read].feeds = &b->sources[write];
    job_expect(b, STATUS_OK);
    assert_int_equal(b->sources[write].loads, 1);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, 256);
    job_bench_free(b);
}

static void an_explicit_erase_comes_where_it_stands(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memcpy(job_chip(b, AVR_FLASH), app, 256);
    const size_t before = job_read(b, "flash");
    job_erase(b);
    const size_t after = job_read(b, "flash");
    job_write(b, "flash", 0, boot, 64);
    job_expect(b, STATUS_OK);
    assert_int_equal(image_bytes(b->destinations[before].image), 256);
    assert_true(image_empty(b->destinations[after].image));
    job_assert_said(b, "flash is blank");
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    job_bench_free(b);
}

/* --- erase ---------------------------------------------------------------------------------- */

static void the_erase_says_whether_eeprom_goes_too(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memset(job_chip(b, AVR_EEPROM), 0x11, 16);
    b->job.flags = JOB_ERASE;
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: the erase takes the EEPROM too (EESAVE is not programmed)");
    assert_int_equal(job_chip(b, AVR_EEPROM)[0], 0xff);
    job_again(b);
    memset(job_chip(b, AVR_EEPROM), 0x11, 16);
    job_chip(b, AVR_FUSES)[1] = 0xd1; /* EESAVE programmed */
    job_write(b, "flash", 0, app, 64);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: the erase leaves the EEPROM alone (EESAVE is programmed)");
    assert_int_equal(job_chip(b, AVR_EEPROM)[0], 0x11);
    job_bench_free(b);
}

static void an_early_erase_warns_of_a_late_read(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_ERASE;
    job_read(b, "flash");
    job_expect(b, STATUS_OK);
    job_assert_said(b, "warning: flash is read after the erase");
    job_bench_free(b);
}

static void without_erase_equal_pages_are_left_alone(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memcpy(job_chip(b, AVR_FLASH), app, sizeof app);
    memset(job_chip(b, AVR_FLASH) + 128, 0xff, 128); /* one page is blank */
    b->job.flags = JOB_NO_ERASE;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 0);
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_PAGE), 1);
    assert_int_equal(job_report(b, "flash")->skipped, sizeof app - 128);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, sizeof app);
    job_bench_free(b);
}

static void without_erase_bits_that_must_rise_are_told_before_writing(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memset(job_chip(b, AVR_FLASH) + 0x40, 0x00, 16);
    b->job.flags = JOB_NO_ERASE;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_VERIFY);
    assert_non_null(strstr(b->error.text, "flash is not blank where the image goes"));
    assert_non_null(strstr(b->error.text, "from 0x0040"));
    assert_non_null(strstr(b->error.state, "nothing was erased or written"));
    job_assert_untouched(b);
    job_bench_free(b);
}

static void an_empty_image_erases_nothing(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "flash", 0, NULL, 0);
    job_write(b, "efuse", 0, NULL, 0);
    job_expect(b, STATUS_OK);
    job_assert_untouched(b);
    job_assert_said(b, "note: file0 holds no bytes for flash; nothing to do");
    job_bench_free(b);
}

/* --- eeprom and fuses ----------------------------------------------------------------------- */

static void only_differing_eeprom_is_written(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    memcpy(job_chip(b, AVR_EEPROM), app, 512);
    job_chip(b, AVR_EEPROM)[100] ^= 0x3c;
    job_write(b, "eeprom", 0, app, 512);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_EEPROM_PAGE), 1);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 0);
    assert_memory_equal(job_chip(b, AVR_EEPROM), app, 512);
    job_again(b);
    job_write(b, "eeprom", 0, app, 512);
    job_expect(b, STATUS_OK);
    job_assert_untouched(b);
    job_assert_said(b, "note: eeprom holds this already");
    job_bench_free(b);
}

static void fuses_are_read_three_times_before_one_is_written(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lfuse", 0xe2);
    job_expect(b, STATUS_OK);
    assert_in_range(job_instructions(b, AVR_OP_READ_FUSE), 9 + 6, 12 + 6); /* twice at the end */
    assert_int_equal(job_instructions(b, AVR_OP_WRITE_FUSE), 1);
    assert_non_null(strstr(b->rig->values, "lfuse=62;"));
    assert_non_null(strstr(b->rig->values, "lfuse=e2;"));
    job_bench_free(b);
}

static void equal_fuses_are_left_alone(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "lfuse", 0x62);
    job_write_byte(b, "hfuse", 0xd9);
    job_write_byte(b, "lock", 0x3f);
    job_expect(b, STATUS_OK);
    job_assert_untouched(b);
    assert_int_equal(job_report(b, "lfuse")->skipped, 1);
    job_bench_free(b);
}

static void spien_is_not_ours_to_change(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write_byte(b, "hfuse", 0xfe); /* as 0xde but with SPIEN unprogrammed */
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_FUSES)[1], 0xde);
    assert_int_equal(avr_chip_stats(b->rig->chip)->spien_writes, 0);
    job_assert_said(b, "cannot be changed over ISP");
    job_bench_free(b);
}

static void a_memory_of_other_parts_is_a_note(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m8", RIG_PLAIN, "m8");
    job_write_byte(b, "efuse", 0xff);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "note: the ATmega8 has no memory efuse; skipped");
    job_assert_untouched(b);
    job_bench_free(b);
}

/* --- reads and verifies --------------------------------------------------------------------- */

static void flash_is_trimmed_unless_asked_for_whole(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("t85", RIG_RANGES, "t85");
    memcpy(job_chip(b, AVR_FLASH), app, 100);
    size_t i = job_read(b, "flash");
    job_expect(b, STATUS_OK);
    assert_int_equal(image_end(b->destinations[i].image), 100);
    job_again(b);
    b->job.flags = JOB_WHOLE_READ;
    i = job_read(b, "flash");
    job_expect(b, STATUS_OK);
    assert_int_equal(image_end(b->destinations[i].image), 8192);
    job_bench_free(b);
}

static void a_read_only_memory_passes_if_equal(void **state)
{
    (void)state;
    static const uint8_t own[3] = {0x1e, 0x95, 0x0f}, other[3] = {0x1e, 0x95, 0x14};
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    job_write(b, "signature", 0, own, 3);
    job_expect(b, STATUS_OK);
    job_again(b);
    job_write(b, "signature", 0, other, 3);
    job_write(b, "flash", 0, app, 16);
    job_expect(b, STATUS_VERIFY);
    job_assert_untouched(b);
    job_bench_free(b);
}

static void a_dry_run_writes_nothing_and_shows_the_bytes(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, "m328p");
    b->job.flags = JOB_NO_WRITE | JOB_ERASE;
    job_write(b, "flash", 0, app, 64);
    job_write(b, "flash", 0x100, boot, 64);
    job_expect(b, STATUS_OK);
    job_assert_untouched(b);
    assert_int_equal(b->dry.stored, 1);
    assert_int_equal(image_bytes(b->dry.image), 128);
    job_bench_free(b);
}

static void a_fuse_is_verified_in_its_implemented_bits(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m32u4", RIG_PLAIN, "m32u4");
    job_verify_byte(b, "efuse", 0xcb);
    job_expect(b, STATUS_OK);
    job_again(b);
    job_verify_byte(b, "efuse", 0xc3);
    job_expect(b, STATUS_VERIFY);
    assert_int_equal(b->rig->mismatches, 1);
    job_bench_free(b);
}

static void lock_bits_that_cannot_be_read_are_written_unverified(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("at90s8515", RIG_PLAIN, "at90s8515");
    job_write_byte(b, "lock", 0xfd);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_chip(b, AVR_LOCK)[0] & 0x06, 0x04);
    job_assert_said(b, "so it was not verified");
    job_bench_free(b);
}

/* --- what the boards' tools call ------------------------------------------------------------- */

static void the_ides_burn_bootloader_calls_pass(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        uint8_t lock, efuse, hfuse, lfuse, locked;
        uint32_t boot;
    } boards[] = {
        {"m328p", 0x3f, 0xfd, 0xde, 0xff, 0x0f, 0x7e00},  /* Uno */
        {"m32u4", 0x3f, 0xcb, 0xd8, 0xff, 0x2f, 0x7000},  /* Leonardo */
        {"m2560", 0x3f, 0xfd, 0xd8, 0xff, 0x0f, 0x3e000}, /* Mega */
        {"m8", 0x3f, 0x00, 0xca, 0xdf, 0x0f, 0x1e00},     /* NG: no efuse, so an empty argument */
        {"t85", 0xff, 0xfe, 0xdd, 0xe1, 0xff, 0x1800},    /* Gemma */
    };
    for (size_t i = 0; i < sizeof boards / sizeof boards[0]; i++) {
        struct job_bench *b = job_bench_new(boards[i].part, RIG_RANGES, boards[i].part);
        b->job.flags = JOB_ERASE;
        job_write_byte(b, "lock", boards[i].lock);
        if (boards[i].efuse != 0)
            job_write_byte(b, "efuse", boards[i].efuse);
        else
            job_write(b, "efuse", 0, NULL, 0);
        job_write_byte(b, "hfuse", boards[i].hfuse);
        job_write_byte(b, "lfuse", boards[i].lfuse);
        job_expect(b, STATUS_OK);
        assert_int_equal(job_chip(b, AVR_FUSES)[0], boards[i].lfuse);
        job_again(b);
        job_write(b, "flash", boards[i].boot, boot, sizeof boot);
        job_write_byte(b, "lock", boards[i].locked);
        job_expect(b, STATUS_OK);
        assert_memory_equal(job_chip(b, AVR_FLASH) + boards[i].boot, boot, sizeof boot);
        assert_null(strstr(b->rig->log, "warning"));
        job_bench_free(b);
    }
}

/* --- a boot loader -------------------------------------------------------------------------- */

static void a_boot_loader_writes_flash_without_an_erase(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_BOOTLOADER, "m328p");
    memset(job_chip(b, AVR_FLASH), 0x22, 512);
    job_write(b, "flash", 0, app, 200); /* the second page is not full */
    job_expect(b, STATUS_OK);
    assert_memory_equal(job_chip(b, AVR_FLASH), app, 200);
    assert_int_equal(job_chip(b, AVR_FLASH)[200], 0x22);
    assert_int_equal(job_chip(b, AVR_FLASH)[255], 0x22);
    assert_false(b->report.erased);
    job_again(b);
    job_write_byte(b, "lfuse", 0xff);
    job_expect(b, STATUS_UNSUPPORTED);
    assert_int_equal(b->rig->calls, 0);
    job_bench_free(b);
}

/* --- the finer calls ------------------------------------------------------------------------ */

static void a_program_can_decide_as_it_goes(void **state)
{
    (void)state;
    struct job_bench *b = job_bench_new("m328p", RIG_PLAIN, NULL);
    struct session *s;
    struct error *e = &b->error;
    uint8_t value;
    assert_int_equal(session_open_on(&b->rig->programmer, b->parts, &b->rig->context, &s, e), 0);
    assert_int_equal(session_connect(s, NULL, 0, e), 0);
    const struct memory *lfuse;
    assert_int_equal(part_memory_find(session_part(s), "lfuse", &lfuse), MEMORY_FOUND);
    assert_false(session_byte(s, lfuse, &value));
    assert_int_equal(session_write_byte(s, lfuse, 0xe2, e), STATUS_INTERNAL);
    assert_int_equal(session_read_bytes(s, 3, e), 0);
    assert_true(session_byte(s, lfuse, &value));
    assert_int_equal(value, 0x62);
    assert_int_equal(session_write_byte(s, lfuse, 0xe2, e), 0);
    assert_int_equal(session_reconnect(s, e), 0);
    assert_false(session_byte(s, lfuse, &value));
    assert_int_equal(session_read_bytes(s, 1, e), 0);
    assert_true(session_byte(s, lfuse, &value));
    assert_int_equal(value, 0xe2);
    assert_int_equal(session_disconnect(s, e), 0);
    assert_true(chip_rig_released(b->rig));
    session_close(s);
    job_bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bootloader_is_burned_with_its_fuses),
        cmocka_unit_test(reading_the_signature_touches_nothing_else),
        cmocka_unit_test(fuse_reads_share_one_transfer),
        cmocka_unit_test(the_part_is_found_by_its_signature),
        cmocka_unit_test(every_kind_of_part_and_programmer_is_written_and_verified),
        cmocka_unit_test(a_backup_before_a_write_reads_what_was_there),
        cmocka_unit_test(two_images_are_written_in_one_pass),
        cmocka_unit_test(lock_bits_are_written_last),
        cmocka_unit_test(unlock_and_lock_in_one_command_ends_locked),
        cmocka_unit_test(eeprom_named_before_flash_survives_the_implied_erase),
        cmocka_unit_test(in_order_keeps_the_order),
        cmocka_unit_test(an_earlier_read_can_feed_a_later_write),
        cmocka_unit_test(an_explicit_erase_comes_where_it_stands),
        cmocka_unit_test(the_erase_says_whether_eeprom_goes_too),
        cmocka_unit_test(an_early_erase_warns_of_a_late_read),
        cmocka_unit_test(without_erase_equal_pages_are_left_alone),
        cmocka_unit_test(without_erase_bits_that_must_rise_are_told_before_writing),
        cmocka_unit_test(an_empty_image_erases_nothing),
        cmocka_unit_test(only_differing_eeprom_is_written),
        cmocka_unit_test(fuses_are_read_three_times_before_one_is_written),
        cmocka_unit_test(equal_fuses_are_left_alone),
        cmocka_unit_test(spien_is_not_ours_to_change),
        cmocka_unit_test(a_memory_of_other_parts_is_a_note),
        cmocka_unit_test(flash_is_trimmed_unless_asked_for_whole),
        cmocka_unit_test(a_read_only_memory_passes_if_equal),
        cmocka_unit_test(a_dry_run_writes_nothing_and_shows_the_bytes),
        cmocka_unit_test(a_fuse_is_verified_in_its_implemented_bits),
        cmocka_unit_test(lock_bits_that_cannot_be_read_are_written_unverified),
        cmocka_unit_test(the_ides_burn_bootloader_calls_pass),
        cmocka_unit_test(a_boot_loader_writes_flash_without_an_erase),
        cmocka_unit_test(a_program_can_decide_as_it_goes),
    };
    return cmocka_run_group_tests_name("session", tests, fill, NULL);
}
