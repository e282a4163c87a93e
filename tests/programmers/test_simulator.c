/* The simulated programmer: what it does with the chip, its options, its faults. */
#include <string.h>

#include "simulator_desk.h"
#include "support/test.h"

/* --- the chip --------------------------------------------------------------------------------- */

static void the_chip_is_the_part_of_minus_p(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m8");
    assert_int_equal(desk_send(d, 0x30, 0, 1, 0), 0x93);
    assert_int_equal(desk_send(d, 0x30, 0, 2, 0), 0x07);
}

static void without_a_part_it_is_an_atmega328p(void **state)
{
    struct desk *d = *state;
    desk_begin(d, NULL);
    assert_int_equal(desk_send(d, 0x30, 0, 2, 0), 0x0f);
}

static void another_chip_than_minus_p_can_be_there(void **state)
{
    struct desk *d = *state;
    desk_option(d, "part=m32u4");
    desk_begin(d, "m328p");
    assert_int_equal(desk_send(d, 0x30, 0, 2, 0), 0x87);
}

static void a_chip_that_nobody_knows_is_an_error(void **state)
{
    struct desk *d = *state;
    desk_option(d, "part=m329999");
    assert_int_equal(desk_open(d, "m328p"), STATUS_USAGE);
    assert_non_null(strstr(d->e.text, "-x part=m329999: "));
}

static void dryrun_ignores_ports_meant_for_others(void **state)
{
    struct desk *d = *state;
    d->config.id = "dryrun";
    d->config.port = "/no/such/folder/port";
    d->config.baud = 19200;
    desk_begin(d, "m328p");
    (void)desk_send(d, 0xc0, 0, 0, 0x11);
    desk_close(d);
    desk_begin(d, "m328p"); /* a fresh one */
    assert_int_equal(desk_send(d, 0xa0, 0, 0, 0), 0xff);
}

static void entering_again_resets_the_chip(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m328p");
    assert_int_equal(programmer_enter(d->programmer, &d->e), STATUS_OK);
    assert_int_equal(desk_send(d, 0x30, 0, 0, 0), 0xff);
    assert_true(desk_enable(d));
}

static void a_chip_left_alone_is_silent(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m328p");
    assert_int_equal(programmer_leave(d->programmer, &d->e), STATUS_OK);
    assert_false(d->programmer->entered);
    assert_int_equal(desk_send(d, 0x30, 0, 0, 0), 0xff);
}

/* --- ranges and single instructions --------------------------------------------------------- */

static void fill(uint8_t *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

static void write_and_read_back(struct desk *d, const char *part, enum memory_kind kind,
                                uint32_t address, size_t size)
{
    desk_begin(d, part);
    const struct memory *m = part_memory(d->programmer->part, kind);
    uint8_t wanted[512], found[512];
    assert_true(size <= sizeof wanted);
    fill(wanted, size, 3);
    const struct programmer_driver *driver = d->programmer->driver;
    context_begin(&d->context, STEP_WRITE, m, (uint32_t)size);
    assert_int_equal(driver->write(d->programmer, m, address, wanted, size, &d->e), STATUS_OK);
    assert_int_equal(d->context.step_done, size);
    context_end(&d->context, STATUS_OK);
    assert_int_equal(driver->read(d->programmer, m, address, found, size, &d->e), STATUS_OK);
    assert_memory_equal(found, wanted, size);
    desk_close(d);
}

static void whole_ranges_are_written_and_read(void **state)
{
    struct desk *d = *state;
    write_and_read_back(d, "m328p", MEMORY_FLASH, 0x7f00, 256);
    write_and_read_back(d, "m328p", MEMORY_EEPROM, 8, 128);
    write_and_read_back(d, "m8", MEMORY_FLASH, 64, 192);
    write_and_read_back(d, "m8", MEMORY_EEPROM, 5, 100);
    write_and_read_back(d, "at90s8515", MEMORY_FLASH, 3, 99);
    write_and_read_back(d, "at89s52", MEMORY_FLASH, 3, 99);
    write_and_read_back(d, "m2560", MEMORY_FLASH, 0x1ff00, 256);
}

static void a_whole_chip_erase_ends_ready(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m328p");
    struct isp_exchange byte = {.mosi = {0xc0, 0, 0, 0x12}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    assert_int_equal(d->programmer->driver->erase(d->programmer, &d->e), STATUS_OK);
    assert_int_equal(desk_send(d, 0xa0, 0, 0, 0), 0xff);
    assert_int_equal(desk_send(d, 0xf0, 0, 0, 0) & 1, 0);
}

static void plain_leaves_single_instructions_only(void **state)
{
    struct desk *d = *state;
    uint8_t byte = 0;
    desk_option(d, "plain");
    desk_begin(d, "m328p");
    const struct memory *m = part_memory(d->programmer->part, MEMORY_FLASH);
    const struct programmer_driver *driver = d->programmer->driver;
    assert_int_equal(driver->read(d->programmer, m, 0, &byte, 1, &d->e), STATUS_UNSUPPORTED);
    assert_int_equal(driver->write(d->programmer, m, 0, &byte, 1, &d->e), STATUS_UNSUPPORTED);
    assert_int_equal(driver->erase(d->programmer, &d->e), STATUS_UNSUPPORTED);
}

static void small_memories_are_reached_by_single_instructions(void **state)
{
    struct desk *d = *state;
    uint8_t byte = 0;
    desk_begin(d, "m328p");
    const struct memory *m = part_memory(d->programmer->part, MEMORY_LOCK);
    assert_int_equal(d->programmer->driver->read(d->programmer, m, 0, &byte, 1, &d->e),
                     STATUS_UNSUPPORTED);
}

static void a_batch_waits_between_its_instructions(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m328p");
    struct isp_exchange batch[] = {
        {.mosi = {0xc0, 0, 0, 0x11}, .wait_us = 20000},
        {.mosi = {0xc0, 0, 1, 0x22}, .wait_us = 20000, .ready_poll = true},
        {.mosi = {0xa0, 0, 0, 0}},
        {.mosi = {0xa0, 0, 1, 0}},
        {.mosi = {0xc0, 0, 2, 0x33}},
        {.mosi = {0xa0, 0, 2, 0}}, /* too early */
    };
    assert_int_equal(programmer_exchange(d->programmer, batch, 6, &d->e), STATUS_OK);
    assert_int_equal(batch[2].miso[3], 0x11);
    assert_int_equal(batch[3].miso[3], 0x22);
    assert_int_not_equal(batch[5].miso[3], 0x33);
}

/* --- time and SCK --------------------------------------------------------------------------- */

static void simulated_time_is_not_slept_through(void **state)
{
    struct desk *d = *state;
    desk_begin(d, "m328p");
    assert_int_equal(d->programmer->driver->erase(d->programmer, &d->e), STATUS_OK);
    assert_int_equal(d->clock.now_us, 0);
}

static void realtime_takes_as_long_as_the_real_thing(void **state)
{
    struct desk *d = *state;
    desk_option(d, "realtime");
    desk_begin(d, "m328p");
    assert_in_range(d->clock.now_us, 25000, 26000);
    const uint64_t before_us = d->clock.now_us;
    (void)desk_send(d, 0x30, 0, 0, 0); /* 32 bits at 125 kHz */
    assert_int_equal(d->clock.now_us - before_us, 256);
}

static void an_interrupt_ends_a_long_read(void **state)
{
    struct desk *d = *state;
    uint8_t data[512];
    desk_begin(d, "m328p");
    d->cancel = 1;
    const struct memory *m = part_memory(d->programmer->part, MEMORY_FLASH);
    assert_int_equal(d->programmer->driver->read(d->programmer, m, 0, data, sizeof data, &d->e),
                     STATUS_CANCELLED);
    assert_int_equal(programmer_leave(d->programmer, &d->e), STATUS_OK);
}

static void sck_is_set_within_limits(void **state)
{
    struct desk *d = *state;
    uint32_t hz = 0;
    desk_begin(d, "m328p");
    const struct programmer_driver *driver = d->programmer->driver;
    assert_int_equal(driver->set_sck(d->programmer, 1, &hz, &d->e), STATUS_OK);
    assert_int_equal(hz, driver->sck_min_hz);
    assert_int_equal(desk_send(d, 0x30, 0, 0, 0), 0x1e);
    assert_int_equal(driver->set_sck(d->programmer, 1000000000, &hz, &d->e), STATUS_OK);
    assert_int_equal(hz, driver->sck_max_hz);
    assert_int_not_equal(desk_send(d, 0x30, 0, 0, 0), 0x1e);
}

static void a_fixed_sck_cannot_be_set(void **state)
{
    struct desk *d = *state;
    uint32_t hz = 0;
    desk_option(d, "fixed-sck=1MHz");
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    assert_false(desk_enable(d)); /* too fast for a chip at 1 MHz */
    assert_int_equal(d->programmer->driver->set_sck(d->programmer, 1000, &hz, &d->e),
                     STATUS_UNSUPPORTED);
}

static void a_clock_signal_lets_a_lost_chip_answer(void **state)
{
    struct desk *d = *state;
    desk_option(d, "clock=1MHz");
    desk_begin(d, "m328p");
    struct isp_exchange fuse = {.mosi = {0xac, 0xa0, 0, 0xe0}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &fuse, 1, &d->e), STATUS_OK);
    assert_int_equal(programmer_enter(d->programmer, &d->e), STATUS_OK);
    assert_true(desk_enable(d));
}

/* --- faults --------------------------------------------------------------------------------- */

static void faults_of_the_wiring_show_on_miso(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *option;
        uint8_t answer[4]; /* to 30 00 01 00 */
    } rows[] = {
        {"fail=miso-open", {0xff, 0xff, 0xff, 0xff}},  {"fail=miso-low", {0, 0, 0, 0}},
        {"fail=miso-high", {0xff, 0xff, 0xff, 0xff}},  {"fail=echo", {0x30, 0, 1, 0}},
        {"fail=mosi-open", {0xff, 0xff, 0xff, 0xff}},  {"fail=sck-open", {0xff, 0xff, 0xff, 0xff}},
        {"fail=reset-open", {0xff, 0xff, 0xff, 0xff}}, {"fail=no-power", {0, 0, 0, 0}},
        {"fail=no-clock", {0xff, 0xff, 0xff, 0xff}},   {"fail=swapped", {0xff, 0xff, 0xff, 0xff}},
        {"fail=miso-late", {0xff, 0x98, 0x00, 0x4a}}, /* ff 30 00 95, a bit late */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        d->config.option_count = 0;
        desk_option(d, rows[i].option);
        assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
        assert_false(desk_enable(d));
        struct isp_exchange one = {.mosi = {0x30, 0, 1, 0}};
        assert_int_equal(programmer_exchange(d->programmer, &one, 1, &d->e), STATUS_OK);
        assert_memory_equal(one.miso, rows[i].answer, 4);
        desk_close(d);
    }
}

static void a_program_that_runs_on_answers_something_else_each_time(void **state)
{
    struct desk *d = *state;
    struct isp_exchange two[2] = {{.mosi = {0x30, 0, 1, 0}}, {.mosi = {0x30, 0, 1, 0}}};
    desk_option(d, "fail=runs-on");
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    assert_false(desk_enable(d));
    assert_int_equal(programmer_exchange(d->programmer, two, 2, &d->e), STATUS_OK);
    assert_memory_not_equal(two[0].miso, two[1].miso, 4);
}

static void the_supply_is_measured_only_where_one_is_given(void **state)
{
    struct desk *d = *state;
    uint32_t millivolts = 0;
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    assert_int_equal(d->programmer->driver->voltage(d->programmer, &millivolts, &d->e),
                     STATUS_UNSUPPORTED);
    desk_close(d);
    desk_option(d, "supply=3.3V");
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    assert_int_equal(d->programmer->driver->voltage(d->programmer, &millivolts, &d->e), STATUS_OK);
    assert_int_equal(millivolts, 3300);
    desk_close(d);
    d->config.option_count = 0;
    desk_option(d, "supply=lots");
    assert_int_equal(desk_open(d, "m328p"), STATUS_USAGE);
}

static void a_fault_can_begin_later(void **state)
{
    struct desk *d = *state;
    desk_option(d, "fail=unplug");
    desk_option(d, "after=2");
    desk_begin(d, "m328p");
    assert_int_equal(desk_send(d, 0x30, 0, 0, 0), 0x1e);
    struct isp_exchange one = {.mosi = {0x30, 0, 1, 0}};
    assert_int_equal(programmer_exchange(d->programmer, &one, 1, &d->e), STATUS_LINK);
    assert_int_equal(programmer_leave(d->programmer, &d->e), STATUS_LINK);
}

static void a_silent_programmer_does_not_enter(void **state)
{
    struct desk *d = *state;
    desk_option(d, "fail=silent");
    assert_int_equal(desk_open(d, "m328p"), STATUS_SILENT);
}

static void a_chip_that_cannot_be_erased_or_written_stays_as_it_is(void **state)
{
    struct desk *d = *state;
    desk_option(d, "fail=no-write");
    desk_begin(d, "m328p");
    struct isp_exchange byte = {.mosi = {0xc0, 0, 0, 0x12}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    assert_int_equal(desk_send(d, 0xa0, 0, 0, 0), 0xff);
    desk_close(d);
    d->config.option_count = 0;
    desk_option(d, "fail=no-erase");
    desk_begin(d, "m328p");
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    assert_int_equal(d->programmer->driver->erase(d->programmer, &d->e), STATUS_OK);
    assert_int_equal(desk_send(d, 0xa0, 0, 0, 0), 0x12);
}

static void noise_flips_answer_bits(void **state)
{
    struct desk *d = *state;
    unsigned wrong = 0;
    desk_option(d, "noise=100");
    assert_int_equal(desk_open(d, "m328p"), STATUS_OK);
    (void)desk_enable(d);
    for (unsigned i = 0; i < 100; i++)
        wrong += desk_send(d, 0x30, 0, 0, 0) != 0x1e;
    assert_in_range(wrong, 1, 30);
}

static void bad_cells_are_where_they_were_put(void **state)
{
    struct desk *d = *state;
    desk_option(d, "weak-cell=0x10");
    desk_option(d, "stuck-cell=eeprom:3");
    desk_begin(d, "m328p");
    assert_int_not_equal(desk_send(d, 0x20, 0, 8, 0), desk_send(d, 0x20, 0, 8, 0));
    struct isp_exchange byte = {.mosi = {0xc0, 0, 3, 0x12}, .wait_us = 10000};
    assert_int_equal(programmer_exchange(d->programmer, &byte, 1, &d->e), STATUS_OK);
    assert_int_equal(desk_send(d, 0xa0, 0, 3, 0), 0xff);
}

static void options_that_make_no_sense_are_refused_before_anything_is_opened(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *option, *message;
    } rows[] = {
        {"colour=red", "-x colour=red: unknown option"},
        {"plain=1", "-x plain=1: takes no value"},
        {"part", "-x part: needs a value"},
        {"part=", "-x part=: needs a value"},
        {"noise=0", "-x noise=0: \"0\" is not a number above 0"},
        {"noise=x", "-x noise=x: \"x\" is not a number above 0"},
        {"after=-1", "-x after=-1: \"-1\" is not a number"},
        {"after=4294967296", "-x after=4294967296: \"4294967296\" is not a number"},
        {"fail=miso-opn", "-x fail=miso-opn: \"miso-opn\" is not a fault that can be simulated"},
        {"crystal=fast", "-x crystal=fast: \"fast\" is not a frequency up to 100MHz"},
        {"crystal=1GHz", "-x crystal=1GHz: \"1GHz\" is not a frequency up to 100MHz"},
        {"clock=200MHz", "-x clock=200MHz: \"200MHz\" is not a frequency up to 100MHz"},
        {"fixed-sck=0", "-x fixed-sck=0: \"0\" is not a frequency above 0"},
        {"weak-cell=ram:1", "-x weak-cell=ram:1: \"ram:1\" is not a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        d->config.option_count = 0;
        desk_option(d, rows[i].option);
        assert_int_equal(programmer_open(&d->config, &d->context, &d->programmer, &d->e),
                         STATUS_USAGE);
        assert_string_equal(d->e.text, rows[i].message);
        assert_null(d->programmer);
    }
}

static void a_mistyped_option_or_fault_gets_a_suggestion(void **state)
{
    struct desk *d = *state;
    desk_option(d, "cristal=8MHz");
    assert_int_equal(desk_open(d, NULL), STATUS_USAGE);
    assert_non_null(strstr(d->e.hint, "crystal"));
    d->config.option_count = 0;
    desk_option(d, "fail=miso-opn");
    assert_int_equal(desk_open(d, NULL), STATUS_USAGE);
    assert_non_null(strstr(d->e.hint, "miso-open"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_chip_is_the_part_of_minus_p),
        DESK_TEST(without_a_part_it_is_an_atmega328p),
        DESK_TEST(another_chip_than_minus_p_can_be_there),
        DESK_TEST(a_chip_that_nobody_knows_is_an_error),
        DESK_TEST(dryrun_ignores_ports_meant_for_others),
        DESK_TEST(entering_again_resets_the_chip),
        DESK_TEST(a_chip_left_alone_is_silent),
        DESK_TEST(whole_ranges_are_written_and_read),
        DESK_TEST(a_whole_chip_erase_ends_ready),
        DESK_TEST(plain_leaves_single_instructions_only),
        DESK_TEST(small_memories_are_reached_by_single_instructions),
        DESK_TEST(a_batch_waits_between_its_instructions),
        DESK_TEST(simulated_time_is_not_slept_through),
        DESK_TEST(realtime_takes_as_long_as_the_real_thing),
        DESK_TEST(an_interrupt_ends_a_long_read),
        DESK_TEST(sck_is_set_within_limits),
        DESK_TEST(a_fixed_sck_cannot_be_set),
        DESK_TEST(a_clock_signal_lets_a_lost_chip_answer),
        DESK_TEST(faults_of_the_wiring_show_on_miso),
        DESK_TEST(a_program_that_runs_on_answers_something_else_each_time),
        DESK_TEST(the_supply_is_measured_only_where_one_is_given),
        DESK_TEST(a_fault_can_begin_later),
        DESK_TEST(a_silent_programmer_does_not_enter),
        DESK_TEST(a_chip_that_cannot_be_erased_or_written_stays_as_it_is),
        DESK_TEST(noise_flips_answer_bits),
        DESK_TEST(bad_cells_are_where_they_were_put),
        DESK_TEST(options_that_make_no_sense_are_refused_before_anything_is_opened),
        DESK_TEST(a_mistyped_option_or_fault_gets_a_suggestion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
