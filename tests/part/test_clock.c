/* The clock that the fuses choose, and the SCK it allows. */
#include <string.h>

#include "ispflash/part.h"
#include "support/test.h"

static int open_database(void **state)
{
    struct error e = {0};
    return part_database_open((struct part_database **)state, &e) == STATUS_OK ? 0 : -1;
}

static int close_database(void **state)
{
    part_database_close(*state);
    return 0;
}

static const struct part *part_named(struct part_database *db, const char *name)
{
    struct error e = {0};
    const struct part *part = NULL;
    assert_int_equal(part_find(db, name, &part, &e), STATUS_OK);
    return part;
}

/* The clock with this low fuse (or only fuse), all others as they leave the factory. */
static bool clock_of(const struct part *part, int low, struct part_clock *clock)
{
    uint8_t fuses[16] = {0};
    bool first = true;
    for (size_t i = 0; i < part->memory_count; i++) {
        if (part->memories[i].kind != MEMORY_FUSE)
            continue;
        fuses[i] = first && low >= 0 ? (uint8_t)low : part->memories[i].initial;
        first = false;
    }
    return part_clock(part, fuses, clock);
}

struct row {
    const char *part;
    int low; /* -1: factory */
    uint32_t min_hz, max_hz;
    bool internal, divided;
};

/* Values from the data sheets' "System Clock and Clock Options". */
static const struct row rows[] = {
    {"m328p", -1, 1000000, 1000000, true, true},
    {"m328p", 0xe2, 8000000, 8000000, true, false},
    {"m328p", 0xff, 8000000, 16000000, false, false},
    {"m328p", 0x7f, 1000000, 2000000, false, true},
    {"m328p", 0xf7, 400000, 20000000, false, false},
    {"m328p", 0xe3, 128000, 128000, true, false},
    {"m328p", 0x63, 16000, 16000, true, true},
    {"m328p", 0xe4, 32768, 32768, false, false},
    {"m328p", 0xe0, 0, 20000000, false, false},
    {"m328p", 0xfd, 3000000, 8000000, false, false},
    {"m8", -1, 1000000, 1000000, true, false},
    {"m8", 0xe4, 8000000, 8000000, true, false},
    {"m8", 0xff, 1000000, 16000000, false, false},
    {"m8", 0xe9, 32768, 32768, false, false},
    {"m32", 0xe3, 4000000, 4000000, true, false},
    {"t85", -1, 1000000, 1000000, true, true},
    {"t85", 0xe1, 16000000, 16000000, true, false},
    {"t85", 0xe4, 128000, 128000, true, false},
    {"t13", -1, 1200000, 1200000, true, true},
    {"t13", 0x79, 4800000, 4800000, true, false},
    {"t13", 0x7b, 128000, 128000, true, false},
    {"t12", 0x52, 600000, 1200000, true, false},
    {"t15", -1, 1600000, 1600000, true, false},
    {"m2560", -1, 1000000, 1000000, true, true},
    {"m2560", 0xff, 8000000, 16000000, false, false},
    {"usb1286", 0xde, 8000000, 20000000, false, false},
    {"usb1286", -1, 1000000, 2500000, false, true},
};

static void fuses_tell_the_clock(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct part_clock clock;
        if (!clock_of(part_named(*state, row->part), row->low, &clock))
            fail_msg("%s 0x%02x: no clock", row->part, (unsigned)row->low);
        if (clock.min_hz != row->min_hz || clock.max_hz != row->max_hz ||
            clock.internal != row->internal || (clock.divider != NULL) != row->divided)
            fail_msg("%s 0x%02x: %u to %u Hz%s%s", row->part, (unsigned)row->low,
                     (unsigned)clock.min_hz, (unsigned)clock.max_hz,
                     clock.internal ? ", internal" : "", clock.divider != NULL ? ", divided" : "");
    }
}

static void the_divider_is_named(void **state)
{
    const struct part *m328p = part_named(*state, "m328p"), *t13 = part_named(*state, "t13");
    struct part_clock clock;
    assert_true(clock_of(m328p, 0x62, &clock));
    assert_string_equal(clock.divider->name, "lfuse");
    assert_int_equal(clock.divider_mask, 0x80);
    assert_true(clock_of(t13, 0x6a, &clock));
    assert_int_equal(clock.divider_mask, 0x10);
}

static void parts_without_such_fuses_have_no_known_clock(void **state)
{
    struct part_clock clock;
    assert_false(clock_of(part_named(*state, "at90s8515"), -1, &clock));
    assert_false(clock_of(part_named(*state, "at89s52"), -1, &clock));
    assert_false(clock_of(part_generic_avr(), 0x62, &clock));
}

static void sck_stays_below_what_the_data_sheet_says(void **state)
{
    const struct part *m328p = part_named(*state, "m328p");
    assert_int_equal(part_sck_limit(m328p, 1000000), 250000);
    assert_int_equal(part_sck_limit(m328p, 11900000), 2975000);
    assert_int_equal(part_sck_limit(m328p, 12000000), 2000000);
    assert_int_equal(part_sck_limit(m328p, 20000000), 3333333);
    assert_int_equal(part_sck_limit(part_named(*state, "at90s1200"), 12000000), 1500000);
    assert_int_equal(part_sck_limit(part_named(*state, "at89s52"), 24000000), 1500000);
    assert_int_equal(part_sck_limit(part_generic_avr(), 1000000), 250000);
}

/* A clock source that is offered by name has its frequency beside it, but for those that hang on
 * another setting. */
static void factory_clocks_are_known_where_fuses_choose(void **state)
{
    size_t known = 0;
    for (size_t i = 0; i < part_count(*state); i++) {
        const struct part *part = part_named(*state, part_entry_at(*state, i).id);
        struct part_clock clock;
        if (!clock_of(part, -1, &clock))
            continue;
        known++;
        assert_true(clock.min_hz <= clock.max_hz);
        assert_true(part->undivided_min_mv == 0 || part->undivided_min_mv == 2700);
    }
    assert_in_range(known, 150, part_count(*state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fuses_tell_the_clock),
        cmocka_unit_test(the_divider_is_named),
        cmocka_unit_test(parts_without_such_fuses_have_no_known_clock),
        cmocka_unit_test(sck_stays_below_what_the_data_sheet_says),
        cmocka_unit_test(factory_clocks_are_known_where_fuses_choose),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
