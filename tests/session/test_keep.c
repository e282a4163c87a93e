/* What survives an erase: --keep, --keep-eeprom, --erase-mode auto, and the copy that is made
 * first, with every call failing in its turn. */
#include <stdlib.h>
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

enum { BOOT = 0x7000, FLASH = 0x8000, EEPROM = 1024 }; /* of an ATmega32U4 as it comes */

/* A copy in memory, that tells what became of it. */
struct copy {
    struct rescue rescue; /* first */
    struct image *flash, *eeprom;
    unsigned prepared, saved, discarded;
    bool broken, sticky; /* save() fails; discard() fails */
};

static enum status copy_prepare(struct rescue *self, struct error *e)
{
    (void)e;
    ((struct copy *)self)->prepared++;
    return STATUS_OK;
}

static enum status copy_save(struct rescue *self, const struct memory_image *list, size_t count,
                             struct error *e)
{
    struct copy *c = (struct copy *)self;
    if (c->broken)
        return error_set(e, STATUS_OUTPUT, "disk full");
    c->saved++;
    image_truncate(c->flash, 0);
    image_truncate(c->eeprom, 0);
    for (size_t i = 0; i < count; i++) {
        if (list[i].memory->kind == MEMORY_FLASH)
            assert_int_equal(image_merge(c->flash, list[i].image, e), STATUS_OK);
        if (list[i].memory->kind == MEMORY_EEPROM)
            assert_int_equal(image_merge(c->eeprom, list[i].image, e), STATUS_OK);
    }
    return STATUS_OK;
}

static enum status copy_discard(struct rescue *self, struct error *e)
{
    struct copy *c = (struct copy *)self;
    if (c->sticky)
        return error_set(e, STATUS_OUTPUT, "it is read-only");
    c->discarded++;
    return STATUS_OK;
}

static void copy_init(struct copy *c)
{
    *c = (struct copy){.rescue = {.prepare = copy_prepare,
                                  .save = copy_save,
                                  .discard = copy_discard,
                                  .name = "the-copy.hex"},
                       .flash = image_new(),
                       .eeprom = image_new()};
}

static void copy_free(struct copy *c)
{
    image_free(c->flash);
    image_free(c->eeprom);
}

/* --- the chip ------------------------------------------------------------------------------- */

static uint8_t boot_byte(uint32_t address)
{
    return (uint8_t)(address * 7 + 1);
}

static uint8_t eeprom_byte(uint32_t address)
{
    return address % 5 == 0 ? 0xff : (uint8_t)(address * 3);
}

static uint8_t app[600];

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof app; i++)
        app[i] = (uint8_t)(i * 13 % 251);
    return 0;
}

/* An old application, a boot section and an EEPROM. */
static struct job_bench *new_bench(enum chip_rig_kind kind, struct copy *copy)
{
    struct job_bench *b = job_bench_new("m32u4", kind, "m32u4");
    uint8_t *flash = job_chip(b, AVR_FLASH), *eeprom = job_chip(b, AVR_EEPROM);
    memset(flash, 0x5a, 300);
    for (uint32_t i = BOOT; i < FLASH; i++)
        flash[i] = boot_byte(i);
    for (uint32_t i = 0; i < EEPROM; i++)
        eeprom[i] = eeprom_byte(i);
    copy_init(copy);
    b->job.rescue = &copy->rescue;
    return b;
}

static void end(struct job_bench *b, struct copy *copy)
{
    copy_free(copy);
    job_bench_free(b);
}

static bool boot_is_there(struct job_bench *b)
{
    const uint8_t *flash = job_chip(b, AVR_FLASH);
    for (uint32_t i = BOOT; i < FLASH; i++)
        if (flash[i] != boot_byte(i))
            return false;
    return true;
}

static bool eeprom_is_there(struct job_bench *b)
{
    const uint8_t *eeprom = job_chip(b, AVR_EEPROM);
    for (uint32_t i = 0; i < EEPROM; i++)
        if (eeprom[i] != eeprom_byte(i))
            return false;
    return true;
}

static void assert_app(struct job_bench *b)
{
    const uint8_t *flash = job_chip(b, AVR_FLASH);
    assert_memory_equal(flash, app, sizeof app);
    for (uint32_t i = sizeof app; i < BOOT; i++)
        assert_int_equal(flash[i], 0xff);
}

static void expect_text(const char *where, const char *text)
{
    if (strstr(where, text) == NULL)
        fail_msg("%s\nis not in: %s", text, where);
}

/* --- what survives -------------------------------------------------------------------------- */

static void the_boot_section_survives_one_erase(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_BLIND, RIG_RANGES, RIG_REPORTS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct copy copy;
        struct job_bench *b = new_bench(kinds[i], &copy);
        b->job.flags = JOB_KEEP_BOOT;
        job_write(b, "flash", 0, app, sizeof app);
        job_expect(b, STATUS_OK);
        assert_app(b);
        assert_true(boot_is_there(b));
        assert_false(eeprom_is_there(b));
        assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
        assert_int_equal(copy.saved, 1);
        assert_int_equal(copy.discarded, 1);
        assert_int_equal(image_bytes(copy.flash), FLASH - BOOT);
        assert_true(image_empty(copy.eeprom));
        end(b, &copy);
    }
}

static void the_eeprom_survives_an_erase_that_takes_it(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_EEPROM;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_app(b);
    assert_true(eeprom_is_there(b));
    assert_false(boot_is_there(b));
    job_assert_said(b, "note: the EEPROM is put back after the erase");
    assert_int_equal(copy.discarded, 1);
    end(b, &copy);
}

static void eesave_spares_the_work(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_EEPROM;
    job_chip(b, AVR_FUSES)[1] = 0x91; /* EESAVE programmed */
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_true(eeprom_is_there(b));
    assert_int_equal(copy.saved, 0);
    assert_int_equal(job_report(b, "eeprom")->read, 0);
    end(b, &copy);
}

static void ranges_survive_to_the_byte(void **state)
{
    (void)state;
    static const struct address_range ranges[] = {{0x7001, 0x7003}, {0x7ffe, 0x8000}};
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.keep = ranges;
    b->job.keep_count = 2;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    const uint8_t *flash = job_chip(b, AVR_FLASH);
    assert_int_equal(flash[0x7000], 0xff);
    assert_int_equal(flash[0x7001], boot_byte(0x7001));
    assert_int_equal(flash[0x7002], boot_byte(0x7002));
    assert_int_equal(flash[0x7003], 0xff);
    assert_int_equal(flash[0x7ffe], boot_byte(0x7ffe));
    assert_memory_equal(flash, app, sizeof app);
    end(b, &copy);
}

static void an_application_may_share_a_page_with_what_is_kept(void **state)
{
    (void)state;
    static const struct address_range range = {600, 700};
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    uint8_t *flash = job_chip(b, AVR_FLASH);
    memset(flash + 600, 0x33, 100);
    b->job.keep = &range;
    b->job.keep_count = 1;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    flash = job_chip(b, AVR_FLASH);
    assert_memory_equal(flash, app, sizeof app);
    for (size_t i = 600; i < 700; i++)
        assert_int_equal(flash[i], 0x33);
    end(b, &copy);
}

static void an_eeprom_file_goes_over_what_was_kept(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_EEPROM;
    job_write(b, "flash", 0, app, sizeof app);
    job_write(b, "eeprom", 4, app, 4);
    job_expect(b, STATUS_OK);
    const uint8_t *eeprom = job_chip(b, AVR_EEPROM);
    assert_memory_equal(eeprom + 4, app, 4);
    assert_int_equal(eeprom[3], eeprom_byte(3));
    assert_int_equal(eeprom[8], eeprom_byte(8));
    end(b, &copy);
}

/* --- refusals: nothing was erased ----------------------------------------------------------- */

static void refuse(struct job_bench *b, enum status status, const char *text)
{
    job_expect(b, status);
    expect_text(b->error.text, text);
    job_assert_untouched(b);
}

static void a_file_that_runs_into_what_is_kept_is_refused(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_BOOT;
    job_write(b, "flash", BOOT - 10, app, 20);
    refuse(b, STATUS_INPUT, "at 0x7000 of flash, which is to be kept and holds 0x01");
    assert_int_equal(copy.saved, 0);
    end(b, &copy);
}

static void what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    static const struct address_range beyond = {0x7f00, 0x8001};
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.keep = &beyond;
    b->job.keep_count = 1;
    job_write(b, "flash", 0, app, 20);
    refuse(b, STATUS_USAGE, "0x7f00-0x8000, which is to be kept, does not lie in flash");
    assert_int_equal(b->rig->enters, 0);
    job_again(b);
    b->job.keep_count = 0;
    b->job.flags = JOB_KEEP_BOOT;
    *job_chip(b, AVR_LOCK) = 0xfc;
    job_write(b, "flash", 0, app, 20);
    refuse(b, STATUS_PROTECTED, "what is to be kept cannot be read: lock bits forbid it");
    end(b, &copy);

    b = job_bench_new("t85", RIG_RANGES, "t85");
    b->job.flags = JOB_KEEP_BOOT;
    job_write(b, "flash", 0, app, 20);
    refuse(b, STATUS_USAGE, "has no boot section to keep");
    job_bench_free(b);
}

static void a_copy_that_cannot_be_written_stops_the_erase(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_EEPROM;
    copy.broken = true;
    job_write(b, "flash", 0, app, 20);
    refuse(b, STATUS_OUTPUT, "a copy of what is to be kept: disk full");
    end(b, &copy);
}

static void a_copy_that_cannot_be_removed_is_told(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_KEEP_EEPROM;
    copy.sticky = true;
    job_write(b, "flash", 0, app, 20);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "everything is back in the chip, but the copy stays: it is read-only");
    end(b, &copy);
}

static void blank_memories_need_no_copy_and_jobs_without_erase_no_keeping(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    memset(job_chip(b, AVR_EEPROM), 0xff, EEPROM);
    b->job.flags = JOB_KEEP_EEPROM;
    job_write(b, "flash", 0, app, 20);
    job_expect(b, STATUS_OK);
    assert_int_equal(copy.saved, 0);
    job_again(b);
    b->job.flags = JOB_KEEP_EEPROM;
    job_write(b, "eeprom", 0, app, 20);
    job_expect(b, STATUS_OK);
    job_assert_said(b, "nothing is erased, so nothing has to be kept from it");
    end(b, &copy);
}

/* --- every call fails in its turn ----------------------------------------------------------- */

/* Whatever happens: what is to be kept is in the chip, or in a copy that the error names. */
static void assert_nothing_is_lost(struct job_bench *b, const struct copy *copy, unsigned at)
{
    const bool alive = copy->saved > copy->discarded;
    uint8_t value;
    if (boot_is_there(b) && eeprom_is_there(b) && !alive)
        return;
    if (!alive)
        fail_msg("call %u: it is neither in the chip nor in a copy: %s", at, b->error.text);
    for (uint32_t i = BOOT; i < FLASH; i++)
        assert_true(image_get(copy->flash, i, &value) && value == boot_byte(i));
    for (uint32_t i = 0; i < EEPROM; i++)
        assert_true(image_get(copy->eeprom, i, &value) && value == eeprom_byte(i));
    expect_text(b->error.state, "what was to be kept is in the file the-copy.hex");
    expect_text(b->error.hint, "ispflash restore the-copy.hex");
}

static void whatever_fails_nothing_is_lost(void **state)
{
    (void)state;
    static const enum chip_rig_kind kinds[] = {RIG_PLAIN, RIG_RANGES};
    unsigned failures = 0, with_copy = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        enum status status = STATUS_LINK;
        for (unsigned at = 1; status != STATUS_OK; at++) {
            struct copy copy;
            struct job_bench *b = new_bench(kinds[k], &copy);
            b->job.flags = JOB_KEEP_BOOT | JOB_KEEP_EEPROM;
            job_write(b, "flash", 0, app, sizeof app);
            b->rig->fail_at = at;
            status = job_run(b);
            assert_true(chip_rig_released(b->rig));
            if (status != STATUS_OK) {
                assert_nothing_is_lost(b, &copy, at);
                failures++;
                with_copy += copy.saved > copy.discarded;
            }
            end(b, &copy);
        }
    }
    assert_true(failures > 30);
    assert_true(with_copy > 5);
}

static void the_wish_to_stop_waits_until_all_is_back(void **state)
{
    (void)state;
    unsigned cancelled = 0;
    enum status status = STATUS_CANCELLED;
    for (unsigned at = 1; status == STATUS_CANCELLED; at++) {
        struct copy copy;
        struct job_bench *b = new_bench(RIG_RANGES, &copy);
        b->job.flags = JOB_KEEP_BOOT | JOB_KEEP_EEPROM;
        job_write(b, "flash", 0, app, sizeof app);
        b->rig->cancel_at = at;
        status = job_run(b);
        assert_int_equal(copy.saved, copy.discarded);
        assert_true(boot_is_there(b));
        assert_true(eeprom_is_there(b));
        cancelled += status == STATUS_CANCELLED;
        end(b, &copy);
    }
    assert_int_equal(status, STATUS_OK);
    assert_true(cancelled > 10);
}

/* --- erasing only where bits have to rise --------------------------------------------------- */

static void without_rising_bits_nothing_is_erased(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_AUTO_ERASE;
    job_write(b, "flash", 0x1000, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 0);
    assert_true(boot_is_there(b) && eeprom_is_there(b));
    assert_memory_equal(job_chip(b, AVR_FLASH) + 0x1000, app, sizeof app);
    assert_int_equal(job_chip(b, AVR_FLASH)[0], 0x5a);
    job_assert_said(b, "no bit of flash has to rise, so nothing is erased");
    job_again(b);
    const uint8_t fewer[] = {0x12, 0x50}; /* of 0x5a, 0x5a */
    b->job.flags = JOB_AUTO_ERASE;
    job_write(b, "flash", 0, fewer, 2);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 0);
    end(b, &copy);
}

static void rising_bits_and_locks_need_the_erase(void **state)
{
    (void)state;
    struct copy copy;
    struct job_bench *b = new_bench(RIG_RANGES, &copy);
    b->job.flags = JOB_AUTO_ERASE | JOB_KEEP_BOOT;
    job_write(b, "flash", 0, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    assert_app(b);
    assert_true(boot_is_there(b));
    job_again(b);
    *job_chip(b, AVR_LOCK) = 0xfe;
    b->job.flags = JOB_AUTO_ERASE;
    job_write(b, "flash", 0x1000, app, sizeof app);
    job_expect(b, STATUS_OK);
    assert_int_equal(job_instructions(b, AVR_OP_ERASE), 1);
    end(b, &copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boot_section_survives_one_erase),
        cmocka_unit_test(the_eeprom_survives_an_erase_that_takes_it),
        cmocka_unit_test(eesave_spares_the_work),
        cmocka_unit_test(ranges_survive_to_the_byte),
        cmocka_unit_test(an_application_may_share_a_page_with_what_is_kept),
        cmocka_unit_test(an_eeprom_file_goes_over_what_was_kept),
        cmocka_unit_test(a_file_that_runs_into_what_is_kept_is_refused),
        cmocka_unit_test(what_cannot_be_kept_is_refused),
        cmocka_unit_test(a_copy_that_cannot_be_written_stops_the_erase),
        cmocka_unit_test(a_copy_that_cannot_be_removed_is_told),
        cmocka_unit_test(blank_memories_need_no_copy_and_jobs_without_erase_no_keeping),
        cmocka_unit_test(whatever_fails_nothing_is_lost),
        cmocka_unit_test(the_wish_to_stop_waits_until_all_is_back),
        cmocka_unit_test(without_rising_bits_nothing_is_erased),
        cmocka_unit_test(rising_bits_and_locks_need_the_erase),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
