/* Events as JSON, against golden lines. */
#include "cli/json_sink.h"

#include <stdlib.h>
#include <string.h>

#include "ispflash/part.h"
#include "ispflash/session.h"
#include "support/test.h"

static const struct memory flash = {.name = "flash", .kind = MEMORY_FLASH, .size = 0x8000};
static const struct memory lfuse = {.name = "lfuse", .kind = MEMORY_FUSE, .size = 1};

struct paper {
    char *text;
    size_t size;
    FILE *file;
    struct json_sink sink;
};

static void begin(struct paper *p, int verbosity, bool progress)
{
    p->file = open_memstream(&p->text, &p->size);
    assert_non_null(p->file);
    const struct json_options options = {
        .stream = p->file, .verbosity = verbosity, .progress = progress};
    json_sink_init(&p->sink, &options);
}

static void emit(struct paper *p, struct event event)
{
    p->sink.sink.emit(&p->sink.sink, &event);
}

static void expect(struct paper *p, const char *text)
{
    assert_int_equal(fclose(p->file), 0);
    if (strcmp(p->text, text) != 0)
        fail_msg("%s\ninstead of\n%s", p->text, text);
    free(p->text);
}

static void one(struct event event, const char *text)
{
    struct paper p;
    begin(&p, 3, true);
    emit(&p, event);
    expect(&p, text);
}

static void each_event_is_a_line_that_begins_with_the_schema(void **state)
{
    (void)state;
    static const uint8_t signature[] = {0x1e, 0x95, 0x0f};
    one((struct event){.kind = EVENT_LOG,
                       .time_us = 7,
                       .log = {.level = LOG_WARNING, .text = "say \"x\"\n"}},
        "{\"schema\":1,\"event\":\"log\",\"level\":\"warning\",\"text\":\"say \\\"x\\\"\\n\","
        "\"time_us\":7}\n");
    one((struct event){.kind = EVENT_BEGIN,
                       .progress = {.step = STEP_WRITE, .memory = &flash, .total = 128}},
        "{\"schema\":1,\"event\":\"begin\",\"step\":\"write\",\"memory\":\"flash\",\"done\":0,"
        "\"total\":128,\"time_us\":0}\n");
    one((struct event){.kind = EVENT_PROGRESS,
                       .time_us = 200000,
                       .progress = {.step = STEP_WRITE,
                                    .memory = &flash,
                                    .done = 64,
                                    .total = 128,
                                    .elapsed_us = 5}},
        "{\"schema\":1,\"event\":\"progress\",\"step\":\"write\",\"memory\":\"flash\",\"done\":64,"
        "\"total\":128,\"elapsed_us\":5,\"time_us\":200000}\n");
    one((struct event){.kind = EVENT_END,
                       .progress = {.step = STEP_ERASE, .status = STATUS_VERIFY, .elapsed_us = 9}},
        "{\"schema\":1,\"event\":\"end\",\"step\":\"erase\",\"memory\":null,\"done\":0,\"total\":0,"
        "\"elapsed_us\":9,\"status\":\"verify-mismatch\",\"time_us\":0}\n");
    one((struct event){.kind = EVENT_VALUE,
                       .value = {.name = "signature", .bytes = signature, .size = 3}},
        "{\"schema\":1,\"event\":\"value\",\"name\":\"signature\",\"text\":null,"
        "\"bytes\":[30,149,15],\"time_us\":0}\n");
    one((struct event){.kind = EVENT_VALUE, .value = {.name = "port", .text = "/dev/ttyACM0"}},
        "{\"schema\":1,\"event\":\"value\",\"name\":\"port\",\"text\":\"/dev/ttyACM0\","
        "\"time_us\":0}\n");
    one((struct event){.kind = EVENT_MISMATCH,
                       .mismatch = {.memory = &flash, .address = 256, .wanted = 1, .found = 255}},
        "{\"schema\":1,\"event\":\"mismatch\",\"memory\":\"flash\",\"address\":256,\"wanted\":1,"
        "\"found\":255,\"time_us\":0}\n");
    one((struct event){.kind = EVENT_WIRE,
                       .wire = {.to_device = true, .bytes = signature, .size = 2}},
        "{\"schema\":1,\"event\":\"wire\",\"direction\":\"out\",\"bytes\":[30,149],"
        "\"time_us\":0}\n");
}

static void an_error_is_a_line_with_its_exit_status_and_hints(void **state)
{
    (void)state;
    struct error e;
    (void)error_set(&e, STATUS_REFUSED, "hfuse 0x59");
    error_hint(&e, "first");
    error_hint(&e, "second");
    error_state(&e, "untouched");
    one((struct event){.kind = EVENT_ERROR, .error = &e},
        "{\"schema\":1,\"event\":\"error\",\"class\":\"refused\",\"exit_status\":12,"
        "\"text\":\"hfuse 0x59\",\"state\":\"untouched\",\"hints\":[\"first\",\"second\"],"
        "\"time_us\":0}\n");
}

static void a_report_has_all_memories(void **state)
{
    (void)state;
    struct memory_report memories[] = {{.memory = &lfuse,
                                        .written = 1,
                                        .verified = 1,
                                        .has_before = true,
                                        .has_after = true,
                                        .before = 0x62,
                                        .after = 0xff}};
    const struct report report = {.programmer = "sim",
                                  .signature_known = true,
                                  .signature = {0x1e, 0x95, 0x0f},
                                  .erased = true,
                                  .elapsed_us = 12,
                                  .memories = memories,
                                  .memory_count = 1};
    one((struct event){.kind = EVENT_REPORT, .report = &report},
        "{\"schema\":1,\"event\":\"report\",\"programmer\":\"sim\",\"part\":null,"
        "\"signature\":[30,149,15],\"erased\":true,\"elapsed_us\":12,\"mismatches\":0,"
        "\"memories\":[{\"name\":\"lfuse\",\"read\":0,\"written\":1,\"skipped\":0,\"verified\":1,"
        "\"read_us\":0,\"write_us\":0,\"verify_us\":0,\"before\":98,\"after\":255}],"
        "\"time_us\":0}\n");
}

static void details_and_the_wire_are_told_when_asked_for(void **state)
{
    (void)state;
    static const uint8_t byte = 1;
    const struct event quiet[] = {
        {.kind = EVENT_LOG, .log = {.level = LOG_DETAIL, .text = "x"}},
        {.kind = EVENT_LOG, .log = {.level = LOG_DEBUG, .text = "x"}},
        {.kind = EVENT_WIRE, .wire = {.bytes = &byte, .size = 1}},
    };
    for (int verbosity = 0; verbosity <= 3; verbosity++) {
        struct paper p;
        begin(&p, verbosity, true);
        for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++)
            emit(&p, quiet[i]);
        assert_int_equal(fclose(p.file), 0);
        int lines = 0;
        for (const char *c = p.text; *c != '\0'; c++)
            lines += *c == '\n';
        assert_int_equal(lines, verbosity);
        free(p.text);
    }
}

static void progress_is_told_ten_times_a_second_or_not_at_all(void **state)
{
    (void)state;
    for (int progress = 0; progress < 2; progress++) {
        struct paper p;
        begin(&p, 0, progress != 0);
        for (uint64_t i = 1; i <= 50; i++)
            emit(&p, (struct event){.kind = EVENT_PROGRESS,
                                    .time_us = i * 10000,
                                    .progress = {.step = STEP_READ, .total = 50}});
        assert_int_equal(fclose(p.file), 0);
        int lines = 0;
        for (const char *c = p.text; *c != '\0'; c++)
            lines += *c == '\n';
        assert_int_equal(lines, progress != 0 ? 5 : 0);
        free(p.text);
    }
}

static void text_that_is_no_utf8_does_not_break_the_line(void **state)
{
    (void)state;
    one((struct event){.kind = EVENT_LOG,
                       .log = {.level = LOG_NOTE,
                               .text = "a\xff"
                                       "b"}},
        "{\"schema\":1,\"event\":\"log\",\"level\":\"note\",\"text\":\"a\\uFFFDb\",\"time_us\":0}"
        "\n");
    one((struct event){.kind = EVENT_LOG, .log = {.level = LOG_NOTE, .text = "\xc3\xbc"}},
        "{\"schema\":1,\"event\":\"log\",\"level\":\"note\",\"text\":\"\\u00FC\",\"time_us\":0}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_a_line_that_begins_with_the_schema),
        cmocka_unit_test(an_error_is_a_line_with_its_exit_status_and_hints),
        cmocka_unit_test(a_report_has_all_memories),
        cmocka_unit_test(details_and_the_wire_are_told_when_asked_for),
        cmocka_unit_test(progress_is_told_ten_times_a_second_or_not_at_all),
        cmocka_unit_test(text_that_is_no_utf8_does_not_break_the_line),
    };
    return cmocka_run_group_tests_name("json_sink", tests, NULL, NULL);
}
