/* The Bus Pirate driver against a Bus Pirate in simulated time, with the chip model on its pins. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "buspirate.h"
#include "drivers.h"
#include "fake_pirate.h"

static const struct programmer_entry entry = {.id = "buspirate", .driver = "buspirate"};

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct programmer_config config;
    struct programmer programmer;
    struct avr_chip *chip;
    struct fake_pirate pirate;
    struct part_database *parts;
    struct error error;
};

static const struct pirate_options usual = {.host_max_baud = 0};

static struct bench *bench_new(const struct pirate_options *options)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->clock = fake_clock_new();
    b->record = record_new();
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    struct avr_chip_options chip = avr_chip_defaults();
    chip.busy = AVR_BUSY_LONGEST;
    chip.crystal_hz = 20000000;
    b->chip = avr_chip_new(avr_chip_spec("m328p"), &chip);
    avr_chip_memory(b->chip, AVR_FUSES, NULL)[0] = 0xff;
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    b->config = (struct programmer_config){.id = "buspirate"};
    b->programmer = (struct programmer){
        .driver = &buspirate_driver,
        .entry = &entry,
        .config = &b->config,
        .context = &b->context,
        .state = calloc(1, buspirate_driver.state_size),
    };
    assert_non_null(b->programmer.state);
    assert_int_equal(part_find(b->parts, "m328p", &b->programmer.part, &b->error), STATUS_OK);
    (void)fake_pirate_begin(&b->pirate, options, &b->clock, &b->context, b->chip);
    b->pirate.cancel = &b->cancel;
    return b;
}

static void bench_close(struct bench *b)
{
    if (b->pirate.closed == 0)
        buspirate_driver.close(&b->programmer);
    assert_int_equal(b->pirate.closed, 1);
}

static void bench_free(struct bench *b)
{
    bench_close(b);
    free(b->programmer.state);
    part_database_close(b->parts);
    avr_chip_free(b->chip);
    free(b);
}

static enum status open_and_enter(struct bench *b)
{
    struct isp_exchange enable = {.mosi = {0xac, 0x53, 0x00, 0x00}};
    uint32_t hz;
    TRY(buspirate_adopt(&b->programmer, &b->pirate.base, &b->error));
    TRY(buspirate_driver.set_sck(&b->programmer, 2000000, &hz, &b->error));
    TRY(programmer_enter(&b->programmer, &b->error));
    return programmer_exchange(&b->programmer, &enable, 1, &b->error);
}

static struct bench *bench_ready(const struct pirate_options *options)
{
    struct bench *b = bench_new(options);
    if (open_and_enter(b) != STATUS_OK)
        fail_msg("%s", b->error.text);
    return b;
}

static void fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 256 + 1);
}

static enum status transfer(struct bench *b, bool write, uint32_t address, uint8_t *data,
                            size_t size)
{
    const struct memory *m = part_memory(b->programmer.part, MEMORY_FLASH);
    context_begin(&b->context, write ? STEP_WRITE : STEP_READ, m, (uint32_t)size);
    const enum status status =
        write ? buspirate_driver.write(&b->programmer, m, address, data, size, &b->error)
              : buspirate_driver.read(&b->programmer, m, address, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

static const uint8_t *flash_of(const struct bench *b)
{
    avr_chip_settle(b->chip, b->clock.now_us * 1000);
    return avr_chip_memory(b->chip, AVR_FLASH, NULL);
}

static void it_works_at_2000000_and_is_returned_to_its_prompt_at_115200(void **state)
{
    (void)state;
    struct bench *b = bench_ready(&usual);
    assert_int_equal(b->pirate.baud, 2000000);
    assert_true(b->pirate.reset_low);
    assert_int_equal(b->pirate.latency_asked, 1);
    assert_int_equal(programmer_leave(&b->programmer, &b->error), STATUS_OK);
    assert_false(b->pirate.reset_low);
    bench_close(b);
    assert_int_equal(b->pirate.mode, PIRATE_TERMINAL);
    assert_int_equal(b->pirate.baud, 115200);
    bench_free(b);
}

static void slower_rates_serve_where_the_host_has_no_others(void **state)
{
    static const struct {
        uint32_t max, baud;
        size_t rates;
    } cases[] = {{1000000, 1000000, 1}, {230400, 115200, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct pirate_options options = {.host_max_baud = cases[i].max};
        struct bench *b = bench_ready(&options);
        assert_int_equal(b->pirate.baud, cases[i].baud);
        assert_int_equal(b->pirate.rates, cases[i].rates);
        bench_free(b);
    }
}

static void users_rate_is_kept_or_refused(void **state)
{
    (void)state;
    struct bench *b = bench_new(&usual);
    b->config.baud = 500000;
    assert_int_equal(buspirate_driver.check(&entry, &b->config, &b->error), STATUS_OK);
    assert_int_equal(open_and_enter(b), STATUS_OK);
    assert_int_equal(b->pirate.baud, 500000);
    bench_free(b);

    const struct pirate_options menuless = {.no_rate_menu = true};
    b = bench_new(&menuless);
    b->config.baud = 1000000;
    assert_int_equal(open_and_enter(b), STATUS_UNSUPPORTED);
    b->config.baud = 19000;
    assert_int_equal(buspirate_driver.check(&entry, &b->config, &b->error), STATUS_USAGE);
    bench_free(b);
}

/* Buffered blocks, small ones in a stream, several pages a block, single instructions. */
static void every_way_of_writing_leaves_the_chip_as_wanted(void **state)
{
    static const struct pirate_options kinds[] = {
        {.host_max_baud = 0},
        {.host_max_baud = 115200},
        {.streams = true},
        {.streams = true, .host_max_baud = 115200},
    };
    enum { SIZE = 4096 };
    static uint8_t data[SIZE], back[SIZE];
    (void)state;
    fill(data, SIZE);
    memset(data + 256, 0xff, 128);
    memset(data + 600, 0xff, 40);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bench *b = bench_ready(&kinds[i]);
        if (transfer(b, true, 0x400, data, SIZE) != STATUS_OK)
            fail_msg("%zu: %s", i, b->error.text);
        assert_memory_equal(flash_of(b) + 0x400, data, SIZE);
        assert_int_equal(transfer(b, false, 0x400, back, SIZE), STATUS_OK);
        assert_memory_equal(back, data, SIZE);
        const struct avr_stats *stats = avr_chip_stats(b->chip);
        assert_int_equal(stats->busy_violations, 0);
        assert_int_equal(stats->undefined, 0);
        assert_int_equal(stats->instructions[AVR_OP_LOAD_PAGE], SIZE - 128 - 40);
        assert_int_equal(stats->instructions[AVR_OP_WRITE_PAGE], SIZE / 128 - 1);
        bench_free(b);
    }
}

static enum status write_memory(struct bench *b, const struct memory *m, uint8_t *data, size_t size)
{
    context_begin(&b->context, STEP_WRITE, m, (uint32_t)size);
    const enum status status = buspirate_driver.write(&b->programmer, m, 0, data, size, &b->error);
    context_end(&b->context, status);
    return status;
}

/* What a job asks the chip beforehand shows that the timer holds each answer. */
static struct bench *bench_held(uint32_t baud)
{
    const struct pirate_options options = {.holds = true};
    struct isp_exchange signature = {.mosi = {0x30, 0x00, 0x00, 0x00}};
    struct bench *b = bench_new(&options);
    b->config.baud = baud;
    assert_int_equal(open_and_enter(b), STATUS_OK);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(programmer_exchange(&b->programmer, &signature, 1, &b->error), STATUS_OK);
    return b;
}

/* Answers that wait for the timer are not waited for; the rate goes to where that is possible. */
static void held_answers_are_not_waited_for(void **state)
{
    enum { SIZE = 16384 };
    static uint8_t data[SIZE];
    (void)state;
    fill(data, SIZE);
    memset(data + 256, 0xff, 128);
    struct bench *b = bench_held(0);
    const uint64_t blocks = b->pirate.blocks;
    if (transfer(b, true, 0, data, SIZE) != STATUS_OK)
        fail_msg("%s", b->error.text);
    assert_int_equal(b->pirate.baud, 1000000);
    assert_int_equal(b->pirate.blocks, blocks); /* bulk transfers instead */
    assert_memory_equal(flash_of(b), data, SIZE);
    assert_int_equal(avr_chip_stats(b->chip)->busy_violations, 0);
    assert_int_equal(avr_chip_stats(b->chip)->undefined, 0);
    bench_free(b);
}

/* It says so by the poll in the stream; what came behind it is written again. */
static void chip_slower_than_promised_is_met_in_the_stream(void **state)
{
    enum { SIZE = 1024 };
    static uint8_t data[SIZE];
    (void)state;
    fill(data, SIZE);
    struct bench *b = bench_held(1000000);
    struct memory flash = *part_memory(b->programmer.part, MEMORY_FLASH);
    flash.write_min_us = 3000;
    assert_int_equal(write_memory(b, &flash, data, SIZE), STATUS_OK);
    assert_memory_equal(flash_of(b), data, SIZE);
    assert_non_null(strstr(b->record.log, "takes longer to write"));

    flash.write_us = 3000; /* a chip that is never done */
    assert_int_equal(write_memory(b, &flash, data, SIZE), STATUS_TIMEOUT);
    assert_non_null(strstr(b->error.text, "still busy"));
    bench_free(b);
}

static void bus_pirate_5_refuses_what_it_would_misunderstand(void **state)
{
    static const char *const bad[] = {"rawfreq=1", "cpufreq=1000"};
    const struct pirate_options options = {.legacy = true};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bench *b = bench_new(&options);
        b->config.options = &bad[i];
        b->config.option_count = 1;
        assert_int_equal(buspirate_adopt(&b->programmer, &b->pirate.base, &b->error),
                         STATUS_UNSUPPORTED);
        assert_non_null(strstr(b->error.text, "legacy"));
        bench_free(b);
    }
}

static void voltage_is_what_the_adc_has_seen(void **state)
{
    uint32_t millivolts = 0;
    (void)state;
    struct bench *b = bench_ready(&usual);
    assert_int_equal(buspirate_driver.voltage(&b->programmer, &millivolts, &b->error), STATUS_OK);
    assert_in_range(millivolts, 4900, 5000);
    bench_free(b);
}

static void firmware_without_a_command_is_served_by_instructions(void **state)
{
    const struct pirate_options bare = {.no_extended = true, .no_write_then_read = true};
    uint8_t data[128];
    (void)state;
    struct bench *b = bench_ready(&bare);
    assert_int_equal(transfer(b, false, 0, data, sizeof data), STATUS_UNSUPPORTED);
    assert_int_equal(transfer(b, true, 0, data, sizeof data), STATUS_UNSUPPORTED);
    bench_free(b);
}

static void sck_is_what_the_device_really_does(void **state)
{
    static const struct {
        uint32_t wanted, actual;
    } cases[] = {{2000000, 2000000}, {1999999, 1000000}, {187500, 125000},
                 {31250, 31250},     {10000, 31250},     {2700000, 2666667}};
    (void)state;
    struct bench *b = bench_ready(&usual);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t hz = 0;
        assert_int_equal(buspirate_driver.set_sck(&b->programmer, cases[i].wanted, &hz, &b->error),
                         STATUS_OK);
        assert_int_equal(hz, cases[i].actual);
        assert_true(b->pirate.reset_low); /* setting it released RESET: programming mode again */
    }
    bench_free(b);
}

static void chip_that_does_not_follow_a_new_sck_is_told(void **state)
{
    uint32_t hz = 0;
    (void)state;
    struct bench *b = bench_ready(&usual);
    assert_int_equal(buspirate_driver.set_sck(&b->programmer, 9000000, &hz, &b->error),
                     STATUS_NO_TARGET);
    assert_int_equal(buspirate_driver.set_sck(&b->programmer, 2000000, &hz, &b->error), STATUS_OK);
    assert_int_equal(hz, 2000000);
    bench_free(b);
}

/* 64 is 2 MHz or 50 kHz. A host or device that stalls makes either look slow: then only what is the
 * same everywhere is used. */
static void order_of_speeds_is_proven_by_what_is_fast(void **state)
{
    static const struct {
        bool sorted, slow;
        uint32_t wanted, actual;
    } cases[] = {{false, false, 1999999, 1000000}, {true, false, 1999999, 1333333},
                 {false, false, 2700000, 2666667}, {true, false, 2700000, 2666667},
                 {false, true, 2700000, 1000000},  {true, true, 2700000, 1000000}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct pirate_options options = {.sorted = cases[i].sorted, .stalls = cases[i].slow};
        uint32_t hz = 0;
        struct bench *b = bench_ready(&options);
        assert_int_equal(buspirate_driver.set_sck(&b->programmer, cases[i].wanted, &hz, &b->error),
                         STATUS_OK);
        if (hz != cases[i].actual || b->pirate.half_ns != UINT64_C(500000000) / hz)
            fail_msg("case %zu: %lu Hz, in truth %lu", i, (unsigned long)hz,
                     (unsigned long)(500000000 / b->pirate.half_ns));
        bench_free(b);
    }
}

static void options_are_strict(void **state)
{
    static const char *const bad[] = {
        "reset=miso", "reset=aux2", "spifreq=12", "rawfreq=4", "cpufreq=5",
        "hiz=1",      "ascii",      "speed=3",    "reset",     "serial_recv_timeout=0"};
    static const char *const together[] = {"reset=aux", "cpufreq=1000"};
    static const char *const good[] = {"reset=CS,AUX", "spifreq=0", "nopagedread"};
    struct buspirate_options o;
    struct error e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct programmer_config c = {.options = &bad[i], .option_count = 1};
        assert_int_not_equal(buspirate_options_parse(&c, &o, &e), STATUS_OK);
    }
    const struct programmer_config both = {.options = together, .option_count = 2};
    assert_int_equal(buspirate_options_parse(&both, &o, &e), STATUS_USAGE);
    const struct programmer_config fine = {.options = good, .option_count = 3};
    assert_int_equal(buspirate_options_parse(&fine, &o, &e), STATUS_OK);
    assert_true(o.reset_cs && o.reset_aux && o.speed_given && o.no_extended);
}

/* Everything a job does. */
static enum status whole_job(struct bench *b, uint8_t *back)
{
    static uint8_t data[512];
    fill(data, sizeof data);
    TRY(open_and_enter(b));
    TRY(transfer(b, true, 0, data, sizeof data));
    TRY(transfer(b, false, 0, back, sizeof data));
    return memcmp(back, data, sizeof data) == 0 ? STATUS_OK : STATUS_VERIFY;
}

static void leave_after(struct bench *b)
{
    struct error ignored = {0};
    if (b->programmer.entered && programmer_leave(&b->programmer, &ignored) != STATUS_OK)
        assert_true(ignored.text[0] != '\0');
    bench_close(b);
}

static size_t transfers_of_a_job(const struct pirate_options *options)
{
    uint8_t back[512];
    struct bench *b = bench_new(options);
    assert_int_equal(whole_job(b, back), STATUS_OK);
    const size_t count = b->pirate.transfers;
    bench_free(b);
    return count;
}

/* At each transfer: it ends in time, in success with the right data or in an error that says
 * something, and where the device listens again RESET is released. */
static void every_step_may_fail(void **state)
{
    static const enum pirate_fault faults[] = {PIRATE_SILENCE, PIRATE_SHORT, PIRATE_WRONG,
                                               PIRATE_DEAF, PIRATE_UNPLUG};
    enum { LONGEST_US = 120000000 };
    (void)state;
    const size_t count = transfers_of_a_job(&usual);
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
        for (size_t at = 1; at <= count; at++) {
            uint8_t back[512];
            struct bench *b = bench_new(&usual);
            b->pirate.fault = faults[f];
            b->pirate.fault_at = at;
            const uint64_t begin_us = b->clock.now_us;
            const enum status status = whole_job(b, back);
            if (status != STATUS_OK && status != STATUS_VERIFY && b->error.text[0] == '\0')
                fail_msg("fault %zu at %zu: nothing said", f, at);
            leave_after(b);
            if (b->clock.now_us - begin_us > LONGEST_US)
                fail_msg("fault %zu at %zu: endless", f, at);
            const bool passes = faults[f] != PIRATE_SILENCE && faults[f] != PIRATE_UNPLUG;
            if (passes && b->pirate.reset_low)
                fail_msg("fault %zu at %zu: RESET stays low", f, at);
            if (passes && (b->pirate.mode != PIRATE_TERMINAL || b->pirate.baud != 115200))
                fail_msg("fault %zu at %zu: mode %d at %lu baud; %s", f, at, (int)b->pirate.mode,
                         (unsigned long)b->pirate.baud, b->record.log);
            if (passes && avr_chip_stats(b->chip)->interrupted != 0)
                fail_msg("fault %zu at %zu: a write was interrupted", f, at);
            bench_free(b);
        }
    }
}

static void user_may_stop_at_every_step(void **state)
{
    (void)state;
    const size_t count = transfers_of_a_job(&usual);
    for (size_t at = 1; at <= count; at++) {
        uint8_t back[512];
        struct bench *b = bench_new(&usual);
        b->pirate.cancel_at = at;
        const enum status status = whole_job(b, back);
        assert_true(status == STATUS_CANCELLED || status == STATUS_OK);
        leave_after(b);
        assert_false(b->pirate.reset_low);
        if (b->pirate.mode != PIRATE_TERMINAL)
            fail_msg("at %zu: %s; %s", at, b->error.text, b->record.log);
        assert_int_equal(avr_chip_stats(b->chip)->interrupted, 0);
        bench_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_works_at_2000000_and_is_returned_to_its_prompt_at_115200),
        cmocka_unit_test(slower_rates_serve_where_the_host_has_no_others),
        cmocka_unit_test(users_rate_is_kept_or_refused),
        cmocka_unit_test(every_way_of_writing_leaves_the_chip_as_wanted),
        cmocka_unit_test(held_answers_are_not_waited_for),
        cmocka_unit_test(chip_slower_than_promised_is_met_in_the_stream),
        cmocka_unit_test(bus_pirate_5_refuses_what_it_would_misunderstand),
        cmocka_unit_test(voltage_is_what_the_adc_has_seen),
        cmocka_unit_test(firmware_without_a_command_is_served_by_instructions),
        cmocka_unit_test(sck_is_what_the_device_really_does),
        cmocka_unit_test(chip_that_does_not_follow_a_new_sck_is_told),
        cmocka_unit_test(order_of_speeds_is_proven_by_what_is_fast),
        cmocka_unit_test(options_are_strict),
        cmocka_unit_test(every_step_may_fail),
        cmocka_unit_test(user_may_stop_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
