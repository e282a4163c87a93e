/* What all streams have in common, over a scripted one. */
#include "support/test.h"

#include <string.h>

#include "link/stream.h"
#include "support/record.h"

struct scripted {
    struct stream base;
    struct fake_clock *clock;
    const char *input; /* what the device says */
    size_t available;  /* of `input`, bytes left */
    size_t per_read, per_write;
    unsigned longest_wait_ms;
    sig_atomic_t *cancel_after; /* set while waiting for input */
    bool gone;
};

static enum status scripted_write(struct stream *s, const uint8_t *data, size_t size,
                                  unsigned timeout_ms, size_t *done, struct error *e)
{
    struct scripted *self = (struct scripted *)s;
    (void)data;
    (void)e;
    *done = size < self->per_write ? size : self->per_write;
    if (*done == 0)
        self->clock->now_us += timeout_ms * 1000u;
    return STATUS_OK;
}

static enum status scripted_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                                 size_t *done, struct error *e)
{
    struct scripted *self = (struct scripted *)s;
    if (self->gone)
        return error_set(e, STATUS_LINK, "gone");
    size_t count = size < self->per_read ? size : self->per_read;
    if (count > self->available)
        count = self->available;
    if (timeout_ms > self->longest_wait_ms)
        self->longest_wait_ms = timeout_ms;
    if (count == 0) {
        self->clock->now_us += timeout_ms * 1000u;
        if (self->cancel_after != NULL)
            *self->cancel_after = 1;
    } else {
        memcpy(data, self->input, count);
        self->input += count;
        self->available -= count;
    }
    *done = count;
    return STATUS_OK;
}

static const struct stream_ops scripted_ops = {.write = scripted_write, .read = scripted_read};

struct bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct scripted stream;
};

static struct stream *bench_begin(struct bench *b, const char *input)
{
    b->clock = fake_clock_new();
    b->record = record_new();
    b->cancel = 0;
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    b->stream = (struct scripted){
        .base = {.ops = &scripted_ops, .context = &b->context, .name = "/dev/ttyTEST"},
        .clock = &b->clock,
        .input = input,
        .available = strlen(input),
        .per_read = 3,
        .per_write = 4,
    };
    return &b->stream.base;
}

static void read_joins_pieces_until_all_bytes_are_there(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "abcdefgh");
    uint8_t data[8];
    size_t got = 0;
    struct error e;
    assert_int_equal(stream_read(s, data, sizeof data, 100, &got, &e), STATUS_OK);
    assert_int_equal(got, 8);
    assert_memory_equal(data, "abcdefgh", 8);
    assert_int_equal(b.record.wire_in, 8);
}

static void read_that_falls_short_says_how_many_bytes_came(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "abcd");
    uint8_t data[8];
    size_t got = 0;
    struct error e;
    assert_int_equal(stream_read(s, data, sizeof data, 250, &got, &e), STATUS_TIMEOUT);
    assert_int_equal(got, 4);
    assert_non_null(strstr(e.text, "/dev/ttyTEST"));
    assert_non_null(strstr(e.text, "only 4 of 8 bytes"));
    assert_non_null(strstr(e.text, "250 ms"));
}

static void waits_are_sliced_and_end_at_the_deadline(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    uint8_t data[8];
    size_t got = 0;
    struct error e;
    const uint64_t begin = b.clock.now_us;
    assert_int_equal(stream_read_some(s, data, sizeof data, 1050, &got, &e), STATUS_OK);
    assert_int_equal(got, 0);
    assert_int_equal(b.clock.now_us - begin, 1050000);
    assert_true(b.stream.longest_wait_ms <= 100);
}

static void cancel_flag_ends_a_wait_after_the_running_slice(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    b.stream.cancel_after = &b.cancel;
    uint8_t data[8];
    size_t got = 0;
    struct error e;
    const uint64_t begin = b.clock.now_us;
    assert_int_equal(stream_read(s, data, sizeof data, 5000, &got, &e), STATUS_CANCELLED);
    assert_int_equal(b.clock.now_us - begin, 100000);
}

static void way_out_is_not_stopped_by_the_cancel_flag(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "x");
    b.cancel = 1;
    b.context.leaving = true;
    uint8_t data[1];
    struct error e;
    assert_int_equal(stream_read(s, data, 1, 100, NULL, &e), STATUS_OK);
    assert_int_equal(stream_write(s, data, 1, 100, &e), STATUS_OK);
}

static void write_that_the_device_never_takes_times_out(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    b.stream.per_write = 0;
    struct error e;
    const uint64_t begin = b.clock.now_us;
    assert_int_equal(stream_write(s, (const uint8_t *)"hello", 5, 300, &e), STATUS_TIMEOUT);
    assert_int_equal(b.clock.now_us - begin, 300000);
    assert_non_null(strstr(e.text, "0 of 5 bytes"));
}

static void write_reports_every_byte_on_the_wire(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    struct error e;
    assert_int_equal(stream_write(s, (const uint8_t *)"hello world", 11, 300, &e), STATUS_OK);
    assert_int_equal(b.record.wire_out, 11);
}

static void lost_link_is_reported_as_such(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    b.stream.gone = true;
    uint8_t data[1];
    struct error e;
    assert_int_equal(stream_read(s, data, 1, 100, NULL, &e), STATUS_LINK);
    assert_int_equal(stream_discard(s, 10, 100, &e), STATUS_LINK);
}

static enum status chatter(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                           size_t *done, struct error *e)
{
    struct scripted *self = (struct scripted *)s;
    (void)size;
    (void)timeout_ms;
    (void)e;
    self->clock->now_us += 1000;
    data[0] = 'x';
    *done = 1;
    return STATUS_OK;
}

static void discard_ends_at_its_limit_when_the_device_never_stops_talking(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    const struct stream_ops ops = {.read = chatter};
    s->ops = &ops;
    struct error e;
    const uint64_t begin = b.clock.now_us;
    assert_int_equal(stream_discard(s, 50, 400, &e), STATUS_OK);
    assert_true(b.clock.now_us - begin <= 402000);
}

static void discard_ends_when_it_has_been_quiet(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "some stale bytes");
    struct error e;
    const uint64_t begin = b.clock.now_us;
    assert_int_equal(stream_discard(s, 50, 4000, &e), STATUS_OK);
    assert_int_equal(b.stream.available, 0);
    assert_int_equal(b.clock.now_us - begin, 50000);
}

static bool lowers(struct stream *s)
{
    (void)s;
    return true;
}

static void latency_is_lowered_only_where_the_stream_can(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    assert_false(stream_lower_latency(s));
    const struct stream_ops ops = {.lower_latency = lowers};
    s->ops = &ops;
    assert_true(stream_lower_latency(s));
}

static void stream_without_rate_or_lines_accepts_both_silently(void **state)
{
    (void)state;
    struct bench b;
    struct stream *s = bench_begin(&b, "");
    struct error e;
    assert_false(stream_has_baud(s));
    assert_int_equal(stream_set_baud(s, 9600, &e), STATUS_OK);
    assert_int_equal(stream_set_lines(s, true, false, &e), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_joins_pieces_until_all_bytes_are_there),
        cmocka_unit_test(read_that_falls_short_says_how_many_bytes_came),
        cmocka_unit_test(waits_are_sliced_and_end_at_the_deadline),
        cmocka_unit_test(cancel_flag_ends_a_wait_after_the_running_slice),
        cmocka_unit_test(way_out_is_not_stopped_by_the_cancel_flag),
        cmocka_unit_test(write_that_the_device_never_takes_times_out),
        cmocka_unit_test(write_reports_every_byte_on_the_wire),
        cmocka_unit_test(lost_link_is_reported_as_such),
        cmocka_unit_test(discard_ends_at_its_limit_when_the_device_never_stops_talking),
        cmocka_unit_test(discard_ends_when_it_has_been_quiet),
        cmocka_unit_test(latency_is_lowered_only_where_the_stream_can),
        cmocka_unit_test(stream_without_rate_or_lines_accepts_both_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
