/* The write-back cache: bytes here and there, one page write; an erase only where bits rise, with
 * everything else surviving it. */
#include <stdlib.h>
#include <string.h>

#include "job_bench.h"
#include "support/test.h"

struct desk {
    struct job_bench *bench;
    struct session *session;
    struct cache *cache;
    const struct memory *flash, *eeprom;
};

/* A chip with something in flash and EEPROM, connected, its bytes read. */
static void open_desk(struct desk *d, enum chip_rig_kind kind, uint8_t lock)
{
    struct error e = {0};
    d->bench = job_bench_new("m328p", kind, "m328p");
    uint8_t *flash = job_chip(d->bench, AVR_FLASH), *eeprom = job_chip(d->bench, AVR_EEPROM);
    for (uint32_t i = 0; i < 0x8000; i++)
        flash[i] = i < 0x200 || i >= 0x7e00 ? (uint8_t)(i * 5) : 0xff;
    for (uint32_t i = 0; i < 1024; i++)
        eeprom[i] = (uint8_t)(i ^ 0x42);
    *job_chip(d->bench, AVR_LOCK) = lock;
    assert_int_equal(session_open_on(&d->bench->rig->programmer, d->bench->parts,
                                     &d->bench->rig->context, &d->session, &e),
                     STATUS_OK);
    assert_int_equal(session_connect(d->session, "m328p", 0, &e), STATUS_OK);
    assert_int_equal(session_read_bytes(d->session, 1, &e), STATUS_OK);
    assert_int_equal(cache_open(d->session, NULL, &d->cache, &e), STATUS_OK);
    d->flash = part_memory(session_part(d->session), MEMORY_FLASH);
    d->eeprom = part_memory(session_part(d->session), MEMORY_EEPROM);
    chip_rig_clear(d->bench->rig);
}

static void close_desk(struct desk *d)
{
    cache_close(d->cache);
    session_close(d->session);
    job_bench_free(d->bench);
}

static void put(struct desk *d, const struct memory *m, uint32_t address, uint8_t value)
{
    struct error e = {0};
    assert_int_equal(cache_write(d->cache, m, address, &value, 1, &e), STATUS_OK);
}

static uint8_t get(struct desk *d, const struct memory *m, uint32_t address)
{
    struct error e = {0};
    uint8_t value = 0;
    assert_int_equal(cache_read(d->cache, m, address, &value, 1, &e), STATUS_OK);
    return value;
}

static void flush(struct desk *d)
{
    struct error e = {0};
    if (cache_flush(d->cache, &e) != STATUS_OK)
        fail_msg("%s", e.text);
}

static void a_hundred_bytes_of_a_page_are_one_page_write(void **state)
{
    (void)state;
    struct desk d;
    open_desk(&d, RIG_PLAIN, 0xff);
    for (uint32_t i = 0; i < 100; i++)
        put(&d, d.flash, 0x1000 + i, (uint8_t)i);
    assert_int_equal(cache_dirty(d.cache, d.flash), 100);
    job_assert_untouched(d.bench);
    flush(&d);
    assert_int_equal(cache_dirty(d.cache, d.flash), 0);
    assert_int_equal(job_instructions(d.bench, AVR_OP_WRITE_PAGE), 1);
    assert_int_equal(job_instructions(d.bench, AVR_OP_ERASE), 0);
    assert_int_equal(job_chip(d.bench, AVR_FLASH)[0x1063], 99);
    close_desk(&d);
}

static void what_waits_is_read_and_the_chip_is_read_once(void **state)
{
    (void)state;
    struct desk d;
    struct error e = {0};
    uint8_t data[64];
    open_desk(&d, RIG_RANGES, 0xff);
    put(&d, d.flash, 0x10, 0x99);
    assert_int_equal(cache_read(d.cache, d.flash, 0, data, sizeof data, &e), STATUS_OK);
    const unsigned reads = d.bench->rig->reads;
    assert_int_equal(data[0x10], 0x99);
    assert_int_equal(data[0x11], (uint8_t)(0x11 * 5));
    assert_int_equal(get(&d, d.flash, 0x20), (uint8_t)(0x20 * 5));
    assert_int_equal(get(&d, d.eeprom, 3), 3 ^ 0x42);
    assert_int_equal(d.bench->rig->reads, reads + 1); /* the EEPROM's */
    job_assert_untouched(d.bench);
    cache_forget(d.cache);
    assert_int_equal(get(&d, d.flash, 0x10), 0x50);
    flush(&d); /* nothing waits */
    job_assert_untouched(d.bench);
    close_desk(&d);
}

static void rising_bits_leave_everything_else_as_it_was(void **state)
{
    (void)state;
    struct desk d;
    open_desk(&d, RIG_RANGES, 0xcf); /* with lock bits for the boot section */
    put(&d, d.flash, 0x05, 0xfe);    /* 0x19 is there */
    put(&d, d.eeprom, 7, 0x77);
    flush(&d);
    const uint8_t *flash = job_chip(d.bench, AVR_FLASH), *eeprom = job_chip(d.bench, AVR_EEPROM);
    for (uint32_t i = 0; i < 0x8000; i++) {
        const uint8_t before = i < 0x200 || i >= 0x7e00 ? (uint8_t)(i * 5) : 0xff;
        assert_int_equal(flash[i], i == 5 ? 0xfe : before);
    }
    for (uint32_t i = 0; i < 1024; i++)
        assert_int_equal(eeprom[i], i == 7 ? 0x77 : (uint8_t)(i ^ 0x42));
    assert_int_equal(*job_chip(d.bench, AVR_LOCK) & 0x3f, 0x0f);
    assert_int_equal(job_instructions(d.bench, AVR_OP_ERASE), 1);
    close_desk(&d);
}

static void a_write_locked_chip_is_erased_and_locked_again(void **state)
{
    (void)state;
    struct desk d;
    open_desk(&d, RIG_RANGES, 0xfe);
    put(&d, d.eeprom, 0, 0x00);
    flush(&d);
    assert_int_equal(job_chip(d.bench, AVR_EEPROM)[0], 0x00);
    assert_int_equal(job_chip(d.bench, AVR_EEPROM)[1], 1 ^ 0x42);
    assert_int_equal(job_chip(d.bench, AVR_FLASH)[0x7fff], (uint8_t)(0x7fff * 5));
    assert_int_equal(*job_chip(d.bench, AVR_LOCK) & 0x3f, 0x3e);
    close_desk(&d);
}

static void eesave_and_lock_bits_together_leave_no_way_to_the_eeprom(void **state)
{
    (void)state;
    struct desk d;
    struct error e = {0};
    open_desk(&d, RIG_RANGES, 0xff);
    close_desk(&d);
    d.bench = job_bench_new("m328p", RIG_RANGES, "m328p");
    job_chip(d.bench, AVR_FUSES)[1] = 0xd1;
    *job_chip(d.bench, AVR_LOCK) = 0xfe;
    assert_int_equal(session_open_on(&d.bench->rig->programmer, d.bench->parts,
                                     &d.bench->rig->context, &d.session, &e),
                     STATUS_OK);
    assert_int_equal(session_connect(d.session, "m328p", 0, &e), STATUS_OK);
    assert_int_equal(session_read_bytes(d.session, 1, &e), STATUS_OK);
    assert_int_equal(cache_open(d.session, NULL, &d.cache, &e), STATUS_OK);
    d.eeprom = part_memory(session_part(d.session), MEMORY_EEPROM);
    put(&d, d.eeprom, 0, 0x00);
    assert_int_equal(cache_flush(d.cache, &e), STATUS_PROTECTED);
    assert_non_null(strstr(e.text, "EESAVE keeps it from the erase"));
    assert_int_equal(cache_dirty(d.cache, d.eeprom), 1);
    job_assert_untouched(d.bench);
    close_desk(&d);
}

static void an_erase_is_at_once_and_forgets_what_waits(void **state)
{
    (void)state;
    struct desk d;
    struct error e = {0};
    open_desk(&d, RIG_RANGES, 0xff);
    put(&d, d.flash, 0, 0x00);
    assert_int_equal(cache_erase(d.cache, &e), STATUS_OK);
    assert_int_equal(cache_dirty(d.cache, d.flash), 0);
    assert_int_equal(get(&d, d.flash, 0), 0xff);
    assert_int_equal(job_chip(d.bench, AVR_FLASH)[0x7fff], 0xff);
    close_desk(&d);
}

static void bytes_outside_of_the_memory_are_refused(void **state)
{
    (void)state;
    struct desk d;
    struct error e = {0};
    uint8_t byte = 0;
    open_desk(&d, RIG_RANGES, 0xff);
    assert_int_equal(cache_write(d.cache, d.flash, 0x8000, &byte, 1, &e), STATUS_USAGE);
    assert_string_equal(e.text, "0x8000 to 0x8000 lies outside of flash (0x0 to 0x7fff)");
    assert_int_equal(cache_read(d.cache, d.eeprom, 1023, &byte, 2, &e), STATUS_USAGE);
    assert_false(cache_holds(part_memory(session_part(d.session), MEMORY_LOCK)));
    close_desk(&d);
}

static void what_fails_to_be_written_still_waits(void **state)
{
    (void)state;
    struct desk d;
    struct error e = {0};
    open_desk(&d, RIG_RANGES, 0xff);
    put(&d, d.flash, 0x1000, 0x12);
    avr_chip_set_fault(d.bench->rig->chip, AVR_FAULT_NO_WRITE, true);
    assert_int_equal(cache_flush(d.cache, &e), STATUS_VERIFY);
    assert_int_equal(cache_dirty(d.cache, d.flash), 1);
    avr_chip_set_fault(d.bench->rig->chip, AVR_FAULT_NO_WRITE, false);
    session_forget(d.session, d.flash);
    flush(&d);
    assert_int_equal(job_chip(d.bench, AVR_FLASH)[0x1000], 0x12);
    close_desk(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_bytes_of_a_page_are_one_page_write),
        cmocka_unit_test(what_waits_is_read_and_the_chip_is_read_once),
        cmocka_unit_test(rising_bits_leave_everything_else_as_it_was),
        cmocka_unit_test(a_write_locked_chip_is_erased_and_locked_again),
        cmocka_unit_test(eesave_and_lock_bits_together_leave_no_way_to_the_eeprom),
        cmocka_unit_test(an_erase_is_at_once_and_forgets_what_waits),
        cmocka_unit_test(bytes_outside_of_the_memory_are_refused),
        cmocka_unit_test(what_fails_to_be_written_still_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
