/* The queue of USB transfers, over a scripted device. */
#include "support/test.h"

#include <string.h>

#include "support/usb_script.h"

struct bench {
    struct fake_clock clock;
    struct record record;
    struct context context;
    sig_atomic_t cancel;
    struct usb_script script;
    struct error e;
    uint8_t data[4][8];
};

static const struct usb_step steps[] = {
    {"c0 07 01 00 00 00 04 00", "11 12 13 14", 1000},
    {"c0 07 02 00 00 00 04 00", "21 22 23 24", 1000},
    {"40 0a 03 00 00 00 02 00 aa bb", NULL, 1000},
    {"c0 07 04 00 00 00 04 00", "41 42 43 44", 1000},
    {"c0 07 05 00 00 00 04 00", "51 52 53 54", 1000},
    {"c0 07 06 00 00 00 04 00", "61 62 63 64", 1000},
};

static void begin(struct bench *b)
{
    *b = (struct bench){.clock = fake_clock_new(), .record = record_new()};
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    usb_script_init(&b->script, steps, sizeof steps / sizeof steps[0], &b->context, &b->clock);
}

static enum status ask(struct bench *b, uint16_t value, unsigned timeout_ms)
{
    const struct usb_request request = {
        .name = "SPI", .type = USB_VENDOR_IN, .request = 7, .value = value};
    return usb_queue_in(&b->script.base, &request, b->data[value % 4], 4, timeout_ms, 4, &b->e);
}

static enum status give(struct bench *b, uint16_t value)
{
    static const uint8_t data[2] = {0xaa, 0xbb};
    const struct usb_request request = {
        .name = "FLASH_WRITE", .type = USB_VENDOR_OUT, .request = 10, .value = value};
    return usb_queue_out(&b->script.base, &request, data, sizeof data, 100, 2, &b->e);
}

static void run_all(struct bench *b, enum status wanted)
{
    enum status status = STATUS_OK;
    for (uint16_t value = 1; value <= 6 && status == STATUS_OK; value++)
        status = value == 3 ? give(b, value) : ask(b, value, 100);
    if (status == STATUS_OK)
        status = usb_finish(&b->script.base, &b->e);
    assert_int_equal(status, wanted);
    assert_int_equal(b->script.base.count, 0);
    assert_int_equal(b->script.flying_count, 0);
}

static void transfers_are_in_flight_together_and_end_in_order(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    context_begin(&b.context, STEP_READ, NULL, 100);
    run_all(&b, STATUS_OK);
    assert_string_equal(b.script.complaint, "");
    assert_int_equal(b.script.at, 6);
    assert_int_equal(b.script.most_flying, USB_QUEUE_MAX);
    assert_memory_equal(b.data[1], "\x51\x52\x53\x54", 4);
    assert_memory_equal(b.data[2], "\x61\x62\x63\x64", 4);
    assert_int_equal(b.record.progress, 5 * 4 + 2);
    assert_int_equal(b.record.wire_out, 6 * 8 + 2);
    assert_int_equal(b.record.wire_in, 5 * 4);
    context_end(&b.context, STATUS_OK);
}

static void deadline_counts_from_when_a_transfer_is_the_oldest(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    static const struct usb_step slow[] = {
        {"c0 07 01 00 00 00 04 00", "11 12 13 14", 90000},
        {"c0 07 02 00 00 00 04 00", "11 12 13 14", 90000},
        {"c0 07 03 00 00 00 04 00", "11 12 13 14", 90000},
    };
    b.script.steps = slow;
    b.script.step_count = 3;
    for (uint16_t value = 1; value <= 3; value++)
        assert_int_equal(ask(&b, value, 100), STATUS_OK);
    assert_int_equal(usb_finish(&b.script.base, &b.e), STATUS_OK);
}

static void silent_device_is_given_up_after_the_deadline(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    b.script.mishap_at = 2;
    b.script.mishap = MISHAP_HANG;
    const uint64_t before = b.clock.now_us;
    run_all(&b, STATUS_TIMEOUT);
    assert_string_equal(b.e.text, "toy at usb:1-2: no answer to SPI within 100 ms");
    assert_in_range(b.clock.now_us - before, 101000, 102000);
    assert_true(b.script.longest_wait_ms <= 100);
}

static void every_way_to_fail_has_its_status_and_leaves_nothing_queued(void **state)
{
    (void)state;
    static const struct {
        enum usb_mishap mishap;
        enum status status;
        const char *text;
    } cases[] = {
        {MISHAP_STALL, STATUS_SILENT, "toy at usb:1-2 refused SPI"},
        {MISHAP_GONE, STATUS_LINK, "toy at usb:1-2 was unplugged, or lost its power, during SPI"},
        {MISHAP_SHORT, STATUS_SILENT, "toy at usb:1-2: 3 bytes instead of 4 in answer to SPI"},
        {MISHAP_NOISE, STATUS_LINK, "toy at usb:1-2: the USB transfer SPI failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench b;
        begin(&b);
        b.script.mishap_at = 5;
        b.script.mishap = cases[i].mishap;
        run_all(&b, cases[i].status);
        assert_string_equal(b.e.text, cases[i].text);
        assert_string_equal(b.script.complaint, "");
    }
}

static void out_transfer_that_is_not_taken_whole_is_an_error(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    b.script.mishap_at = 3;
    b.script.mishap = MISHAP_SHORT;
    run_all(&b, STATUS_SILENT);
    assert_string_equal(b.e.text, "toy at usb:1-2: 1 bytes instead of 2 taken by FLASH_WRITE");
}

static void asking_takes_short_answers(void **state)
{
    (void)state;
    static const struct usb_step step[] = {{"c0 7f 00 00 00 00 04 00", "01", 100}};
    struct bench b;
    begin(&b);
    b.script.steps = step;
    b.script.step_count = 1;
    const struct usb_request request = {.name = "X", .type = USB_VENDOR_IN, .request = 127};
    size_t got = 99;
    assert_int_equal(usb_ask(&b.script.base, &request, b.data[0], 4, 100, &got, &b.e), STATUS_OK);
    assert_int_equal(got, 1);
    assert_string_equal(b.script.complaint, "");
}

static void disturbed_transfer_is_repeated_if_that_is_harmless(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    static const struct usb_step again[] = {
        {"c0 07 01 00 00 00 04 00", "11 12 13 14", 100},
        {"c0 07 02 00 00 00 04 00", "21 22 23 24", 100},
        {"c0 07 01 00 00 00 04 00", "11 12 13 14", 100},
    };
    b.script.steps = again;
    b.script.step_count = 3;
    b.script.mishap_at = 1;
    b.script.mishap = MISHAP_NOISE;
    for (uint16_t value = 1; value <= 2; value++) {
        const struct usb_request request = {
            .name = "SPI", .type = USB_VENDOR_IN, .request = 7, .value = value, .repeatable = true};
        assert_int_equal(usb_queue_in(&b.script.base, &request, b.data[value], 4, 100, 0, &b.e),
                         STATUS_OK);
    }
    assert_int_equal(usb_finish(&b.script.base, &b.e), STATUS_OK);
    assert_string_equal(b.script.complaint, "");
    assert_memory_equal(b.data[1], "\x11\x12\x13\x14", 4);
    assert_memory_equal(b.data[2], "\x21\x22\x23\x24", 4);
    assert_string_equal(
        b.record.log, "note: toy at usb:1-2: the USB transfer SPI was disturbed and is repeated\n");
}

static void cancelling_stops_within_a_slice(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    b.script.mishap_at = 1;
    b.script.mishap = MISHAP_HANG;
    b.script.cancel_in_wait = &b.cancel;
    assert_int_equal(ask(&b, 1, 60000), STATUS_OK);
    const uint64_t before = b.clock.now_us;
    assert_int_equal(usb_finish(&b.script.base, &b.e), STATUS_CANCELLED);
    assert_true(b.clock.now_us - before <= 100000);
    assert_int_equal(b.script.flying_count, 0);
    assert_int_equal(ask(&b, 2, 100), STATUS_CANCELLED);
    b.context.leaving = true; /* the way out still works */
    assert_int_equal(ask(&b, 2, 100), STATUS_OK);
    assert_int_equal(usb_finish(&b.script.base, &b.e), STATUS_OK);
}

static void closing_drops_what_is_queued(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    assert_int_equal(ask(&b, 1, 100), STATUS_OK);
    assert_int_equal(ask(&b, 2, 100), STATUS_OK);
    usb_close(&b.script.base);
    assert_int_equal(b.script.flying_count, 0);
    assert_true(b.script.closed);
    usb_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfers_are_in_flight_together_and_end_in_order),
        cmocka_unit_test(deadline_counts_from_when_a_transfer_is_the_oldest),
        cmocka_unit_test(silent_device_is_given_up_after_the_deadline),
        cmocka_unit_test(every_way_to_fail_has_its_status_and_leaves_nothing_queued),
        cmocka_unit_test(out_transfer_that_is_not_taken_whole_is_an_error),
        cmocka_unit_test(asking_takes_short_answers),
        cmocka_unit_test(disturbed_transfer_is_repeated_if_that_is_harmless),
        cmocka_unit_test(cancelling_stops_within_a_slice),
        cmocka_unit_test(closing_drops_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
