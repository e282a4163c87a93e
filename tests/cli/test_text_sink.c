/* What a person reads, letter by letter: on a terminal, in a pipe, and at each level of quiet. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text_sink.h"
#include "cli/text_units.h"
#include "ispflash/context.h"
#include "ispflash/part.h"
#include "ispflash/session.h"
#include "support/test.h"

/* A clock that only moves when told to. */
struct test_clock {
    struct clock clock;
    uint64_t us;
};

static uint64_t test_now_us(struct clock *self)
{
    return ((struct test_clock *)self)->us;
}

static void test_sleep_us(struct clock *self, uint64_t us)
{
    ((struct test_clock *)self)->us += us;
}

static const struct memory flash = {.name = "flash", .kind = MEMORY_FLASH, .size = 32768};
static const struct memory lfuse = {.name = "lfuse", .kind = MEMORY_FUSE, .size = 1};
static const struct memory hfuse = {.name = "hfuse", .kind = MEMORY_FUSE, .size = 1};
static const struct part part = {.id = "atmega328p", .name = "ATmega328P"};
static const uint8_t signature[3] = {0x1e, 0x95, 0x0f};

/* A sink that writes into memory, and a context that speaks to it. */
struct desk {
    char *text;
    size_t size;
    FILE *stream;
    struct text_sink sink;
    struct test_clock clock;
    struct context context;
};

static void desk_open(struct desk *d, struct text_options options)
{
    *d = (struct desk){.clock = {{test_now_us, test_sleep_us}, 0}};
    d->stream = open_memstream(&d->text, &d->size);
    assert_non_null(d->stream);
    options.stream = d->stream;
    options.program = "ispflash";
    text_sink_init(&d->sink, &options);
    context_init(&d->context, &d->clock.clock, &d->sink.sink, NULL);
}

static void desk_expect(struct desk *d, const char *wanted)
{
    assert_int_equal(fclose(d->stream), 0);
    assert_string_equal(d->text, wanted);
    free(d->text);
}

static void run_phase(struct desk *d, enum step step, uint32_t total, uint32_t chunk, unsigned ms)
{
    context_begin(&d->context, step, &flash, total);
    for (uint32_t done = 0; done < total; done += chunk) {
        d->clock.us += ms * 1000u;
        context_advance(&d->context, chunk);
    }
    context_end(&d->context, STATUS_OK);
}

/* A whole good run: what the session tells of writing flash and two fuses. */
static void run_job(struct desk *d)
{
    struct context *c = &d->context;
    context_value(c, "port", "/dev/ttyACM0", NULL, 0);
    context_begin(c, STEP_ENTER, NULL, 0);
    d->clock.us += 20000;
    context_end(c, STATUS_OK);
    context_value(c, "signature", "ATmega328P", signature, sizeof signature);
    context_begin(c, STEP_ERASE, NULL, 0);
    d->clock.us += 9000;
    context_end(c, STATUS_OK);
    run_phase(d, STEP_WRITE, 4096, 1024, 250);
    run_phase(d, STEP_VERIFY, 4096, 1024, 100);
    context_begin(c, STEP_WRITE, &lfuse, 1);
    context_advance(c, 1);
    context_end(c, STATUS_OK);
    struct memory_report memories[] = {
        {.memory = &flash, .written = 4096, .skipped = 128, .verified = 4096},
        {.memory = &lfuse,
         .written = 1,
         .has_before = true,
         .has_after = true,
         .before = 0x62,
         .after = 0xff},
        {.memory = &hfuse,
         .written = 1,
         .has_before = true,
         .has_after = true,
         .before = 0xd8,
         .after = 0xd8},
    };
    const struct report report = {.part = &part,
                                  .programmer = "avrisp",
                                  .erased = true,
                                  .elapsed_us = 1429000,
                                  .memories = memories,
                                  .memory_count = 3};
    struct event event = {.kind = EVENT_REPORT, .report = &report};
    context_emit(c, &event);
}

static void a_pipe_gets_one_line_a_phase_and_a_summary(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){0});
    run_job(&d);
    desk_expect(&d, "Device signature = 1E 95 0F (ATmega328P)\n"
                    "Erasing the chip: done in 0.01 s\n"
                    "Writing flash: 4096 bytes in 1.00 s, 4.1 kB/s\n"
                    "Verifying flash: 4096 bytes in 0.40 s, 10.2 kB/s\n"
                    "Done in 1.43 s: ATmega328P via avrisp\n"
                    "  chip erased\n"
                    "  4096 bytes of flash written, 128 of them there already\n"
                    "  4096 bytes of flash verified\n"
                    "  lfuse 0x62 -> 0xff\n"
                    "  hfuse 0xd8, as it was\n");
}

static void a_terminal_gets_a_bar_that_is_drawn_over(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){.terminal = true, .columns = 69});
    run_phase(&d, STEP_WRITE, 2048, 1024, 250);
    context_log(&d.context, LOG_NOTE, "after");
    desk_expect(&d, "Writing flash      [           ]   0%    "
                    "\r\033[KWriting flash      [#####      ]  50%  4.1 kB/s  0.25 s left"
                    "\r\033[KWriting flash      [###########] 100%  4.1 kB/s  0.00 s left"
                    "\r\033[KWriting flash      [###########] 100%  4.1 kB/s  0.50 s\n"
                    "ispflash: note: after\n");
}

static void a_message_in_the_middle_of_a_bar_gets_a_line_of_its_own(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){.terminal = true, .columns = 69});
    context_begin(&d.context, STEP_READ, &flash, 100);
    context_log(&d.context, LOG_WARNING, "hot");
    d.clock.us += 1000000;
    context_advance(&d.context, 50);
    context_end(&d.context, STATUS_LINK);
    desk_expect(&d,
                "Reading flash      [           ]   0%    "
                "\r\033[Kispflash: warning: hot\n"
                "Reading flash      [#####      ]  50%  50 B/s  1.00 s left"
                "\r\033[KReading flash      [#####      ]  50%  50 B/s  stopped after 1.00 s\n");
}

static void a_long_phase_in_a_pipe_speaks_each_ten_seconds(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){0});
    run_phase(&d, STEP_WRITE, 30000, 1000, 1000);
    desk_expect(&d, "Writing flash: 33%, 10000 of 30000 bytes, 20.0 s left\n"
                    "Writing flash: 66%, 20000 of 30000 bytes, 10.0 s left\n"
                    "Writing flash: 100%, 30000 of 30000 bytes, 0.00 s left\n"
                    "Writing flash: 30000 bytes in 30.0 s, 1.0 kB/s\n");
}

static void plain_progress_draws_no_bar_on_a_terminal(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){.terminal = true, .progress = PROGRESS_PLAIN});
    run_phase(&d, STEP_READ, 2048, 1024, 250);
    desk_expect(&d, "Reading flash: 2048 bytes in 0.50 s, 4.1 kB/s\n");
}

static void without_progress_and_with_q_only_the_answer_is_left(void **state)
{
    (void)state;
    static const struct text_options rows[] = {{.quell = true},
                                               {.quell = true, .terminal = true},
                                               {.progress = PROGRESS_NONE},
                                               {.progress = PROGRESS_NONE, .terminal = true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk d;
        desk_open(&d, rows[i]);
        run_job(&d);
        desk_expect(&d, "Device signature = 1E 95 0F (ATmega328P)\n"
                        "Done in 1.43 s: ATmega328P via avrisp\n"
                        "  chip erased\n"
                        "  4096 bytes of flash written, 128 of them there already\n"
                        "  4096 bytes of flash verified\n"
                        "  lfuse 0x62 -> 0xff\n"
                        "  hfuse 0xd8, as it was\n");
    }
}

static void two_q_say_nothing_of_a_good_run(void **state)
{
    (void)state;
    for (int verbosity = -1; verbosity >= -4; verbosity--) {
        struct desk d;
        desk_open(&d, (struct text_options){.quell = true, .verbosity = verbosity});
        run_job(&d);
        context_log(&d.context, LOG_NOTE, "a recovered link");
        desk_expect(&d, "");
    }
}

/* cli-conventions of avrdude 8: -qq keeps warnings, -qqq errors, -qqqq the computer's own. */
static void each_q_takes_one_kind_of_message_away(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        [0] = ("ispflash: note: n\n"
               "ispflash: warning: w\n"
               "ispflash: error: chip [silent-chip]\n"
               "ispflash: error: file [input-file]\n"),
        [1] = ("ispflash: warning: w\n"
               "ispflash: error: chip [silent-chip]\n"
               "ispflash: error: file [input-file]\n"),
        [2] = ("ispflash: error: chip [silent-chip]\n"
               "ispflash: error: file [input-file]\n"),
        [3] = "ispflash: error: file [input-file]\n",
        [4] = "",
    };
    for (int quiet = 0; quiet <= 4; quiet++) {
        struct desk d;
        desk_open(&d, (struct text_options){.verbosity = -quiet});
        struct error e = {0};
        context_log(&d.context, LOG_DEBUG, "g");
        context_log(&d.context, LOG_DETAIL, "d");
        context_log(&d.context, LOG_NOTE, "n");
        context_log(&d.context, LOG_WARNING, "w");
        (void)error_set(&e, STATUS_NO_TARGET, "chip");
        text_sink_error(&d.sink, &e);
        (void)error_set(&e, STATUS_INPUT, "file");
        text_sink_error(&d.sink, &e);
        desk_expect(&d, wanted[quiet]);
    }
}

static void an_error_tells_text_state_and_each_hint(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){.color = true});
    struct error e = {0};
    (void)error_set(&e, STATUS_VERIFY, "flash: 3 bytes differ");
    error_state(&e, "erased; flash partly written");
    error_hint(&e, "slow down: -B 125kHz");
    error_hint(&e, "check the wires");
    struct event event = {.kind = EVENT_ERROR, .error = &e};
    context_emit(&d.context, &event);
    desk_expect(&d, "ispflash: \033[31;1merror\033[0m: flash: 3 bytes differ [verify-mismatch]\n"
                    "  state: erased; flash partly written\n"
                    "  hint: slow down: -B 125kHz\n"
                    "        check the wires\n");
}

static void control_characters_in_a_name_do_not_reach_the_terminal(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){0});
    context_log(&d.context, LOG_NOTE, "file \"a\033[2Jb\nc\177\"");
    desk_expect(&d, "ispflash: note: file \"a?[2Jb?c?\"\n");
}

/* Under its name avrdude 8 shows the signature with -v, or when it is not the part's. */
static void under_the_name_avrdude_the_signature_is_shown_as_there(void **state)
{
    (void)state;
    struct error e = {0};
    (void)error_set(&e, STATUS_SIGNATURE, "not an ATmega8");
    for (int verbosity = -2; verbosity <= 1; verbosity++) {
        struct desk d;
        desk_open(&d, (struct text_options){.as_avrdude = true, .verbosity = verbosity});
        context_value(&d.context, "signature", "ATmega328P", signature, sizeof signature);
        if (verbosity < 1)
            assert_int_equal(ftell(d.stream), 0);
        text_sink_error(&d.sink, &e);
        desk_expect(&d, "Device signature = 1E 95 0F (ATmega328P)\n"
                        "ispflash: error: not an ATmega8 [wrong-chip]\n");
    }
}

static void v_shows_values_and_small_steps_and_more_of_them_the_wire(void **state)
{
    (void)state;
    struct desk d;
    desk_open(&d, (struct text_options){.verbosity = 3});
    const uint8_t bytes[] = {0x30, 0x20};
    context_value(&d.context, "sck", "125 kHz", NULL, 0);
    context_value(&d.context, "lfuse", NULL, bytes, 1);
    context_begin(&d.context, STEP_ENTER, NULL, 0);
    struct event wire = {.kind = EVENT_WIRE,
                         .wire = {.to_device = true, .bytes = bytes, .size = sizeof bytes}};
    context_emit(&d.context, &wire);
    wire.wire.to_device = false;
    wire.wire.size = 1;
    context_emit(&d.context, &wire);
    d.clock.us += 20000;
    context_end(&d.context, STATUS_OK);
    struct event mismatch = {
        .kind = EVENT_MISMATCH,
        .mismatch = {.memory = &flash, .address = 0x10, .wanted = 0x12, .found = 0xff}};
    context_emit(&d.context, &mismatch);
    desk_expect(&d, "sck: 125 kHz\n"
                    "lfuse: 0x30\n"
                    "  > 30 20\n"
                    "  < 30\n"
                    "Entering programming mode: done in 0.02 s\n"
                    "flash 0x0010: wanted 0x12, found 0xff\n");
}

static void the_summary_tells_what_became_of_each_memory(void **state)
{
    (void)state;
    static const struct memory calibration = {.name = "calibration", .kind = MEMORY_CALIBRATION};
    static const struct {
        struct memory_report m;
        const char *line;
    } rows[] = {
        {{.memory = &lfuse}, ""},
        {{.memory = &lfuse, .has_before = true, .before = 1}, ""},
        {{.memory = &lfuse, .read = 1, .has_before = true, .before = 1}, "  lfuse 0x01\n"},
        {{.memory = &lfuse,
          .read = 1,
          .has_before = true,
          .before = 1,
          .has_after = true,
          .after = 1},
         "  lfuse 0x01\n"},
        {{.memory = &lfuse, .verified = 1, .has_before = true, .before = 1}, "  lfuse 0x01\n"},
        {{.memory = &lfuse, .written = 1, .has_after = true, .after = 2}, "  lfuse 0x02\n"},
        {{.memory = &lfuse,
          .written = 1,
          .has_before = true,
          .before = 1,
          .has_after = true,
          .after = 2},
         "  lfuse 0x01 -> 0x02\n"},
        {{.memory = &calibration, .read = 1}, "  1 byte of calibration read\n"},
        {{.memory = &flash, .read = 2, .verified = 1},
         "  2 bytes of flash read\n  1 byte of flash verified\n"},
        {{.memory = &flash, .written = 4, .skipped = 4},
         "  4 bytes of flash written, 4 of them there already\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct desk d;
        char wanted[128];
        struct memory_report memory = rows[i].m;
        const struct report report = {.programmer = "sim", .memories = &memory, .memory_count = 1};
        struct event event = {.kind = EVENT_REPORT, .report = &report};
        desk_open(&d, (struct text_options){0});
        context_emit(&d.context, &event);
        (void)snprintf(wanted, sizeof wanted, "Done in 0.00 s: unknown chip via sim\n%s",
                       rows[i].line);
        desk_expect(&d, wanted);
    }
}

/* Wrappers take either word on standard error, in any case, for a run gone wrong. */
static void a_good_run_never_says_error_or_fail(void **state)
{
    (void)state;
    for (int terminal = 0; terminal <= 1; terminal++) {
        struct desk d;
        desk_open(&d, (struct text_options){.terminal = terminal == 1, .verbosity = 3});
        run_job(&d);
        assert_int_equal(fclose(d.stream), 0);
        assert_non_null(strstr(d.text, "signature = 1E 95 0F"));
        assert_non_null(strstr(d.text, "bytes of flash verified"));
        for (char *c = d.text; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        assert_null(strstr(d.text, "error"));
        assert_null(strstr(d.text, "fail"));
        free(d.text);
    }
}

static void durations_and_rates_are_short(void **state)
{
    (void)state;
    char text[TEXT_UNIT_SIZE];
    assert_string_equal(text_duration(0, text), "0.00 s");
    assert_string_equal(text_duration(9994000, text), "9.99 s");
    assert_string_equal(text_duration(9996000, text), "10.0 s");
    assert_string_equal(text_duration(59940000, text), "59.9 s");
    assert_string_equal(text_duration(59960000, text), "1 min 00 s");
    assert_string_equal(text_duration(125400000, text), "2 min 05 s");
    assert_string_equal(text_rate(100, 999, text), "");
    assert_string_equal(text_rate(0, 1000000, text), "0 B/s");
    assert_string_equal(text_rate(999, 1000000, text), "999 B/s");
    assert_string_equal(text_rate(1000, 1000000, text), "1.0 kB/s");
    assert_string_equal(text_rate(32768, 1000000, text), "32.8 kB/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gets_one_line_a_phase_and_a_summary),
        cmocka_unit_test(a_terminal_gets_a_bar_that_is_drawn_over),
        cmocka_unit_test(a_message_in_the_middle_of_a_bar_gets_a_line_of_its_own),
        cmocka_unit_test(a_long_phase_in_a_pipe_speaks_each_ten_seconds),
        cmocka_unit_test(plain_progress_draws_no_bar_on_a_terminal),
        cmocka_unit_test(without_progress_and_with_q_only_the_answer_is_left),
        cmocka_unit_test(two_q_say_nothing_of_a_good_run),
        cmocka_unit_test(each_q_takes_one_kind_of_message_away),
        cmocka_unit_test(an_error_tells_text_state_and_each_hint),
        cmocka_unit_test(control_characters_in_a_name_do_not_reach_the_terminal),
        cmocka_unit_test(under_the_name_avrdude_the_signature_is_shown_as_there),
        cmocka_unit_test(v_shows_values_and_small_steps_and_more_of_them_the_wire),
        cmocka_unit_test(the_summary_tells_what_became_of_each_memory),
        cmocka_unit_test(a_good_run_never_says_error_or_fail),
        cmocka_unit_test(durations_and_rates_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
