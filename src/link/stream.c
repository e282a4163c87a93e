/* What every stream has in common: deadlines, cancellation, and the trace of all traffic. */
#include "link/stream.h"

enum { SLICE_MS = 100, DISCARD_CHUNK = 256 };

static uint64_t deadline_after(const struct stream *s, unsigned timeout_ms)
{
    return context_now_us(s->context) + (uint64_t)timeout_ms * 1000u;
}

/* The next wait: what is left until the deadline, rounded up, in slices the cancel flag can bear.
 */
static unsigned slice_until(const struct stream *s, uint64_t deadline_us)
{
    const uint64_t now = context_now_us(s->context);
    if (now >= deadline_us)
        return 0;
    const uint64_t left_ms = (deadline_us - now + 999u) / 1000u;
    return left_ms < SLICE_MS ? (unsigned)left_ms : SLICE_MS;
}

static void trace(const struct stream *s, bool to_device, const uint8_t *bytes, size_t size)
{
    struct event event = {
        .kind = EVENT_WIRE,
        .wire = {.to_device = to_device, .bytes = bytes, .size = size},
    };
    context_emit(s->context, &event);
}

void stream_close(struct stream *s)
{
    if (s != NULL)
        s->ops->close(s);
}

enum status stream_write(struct stream *s, const uint8_t *data, size_t size, unsigned timeout_ms,
                         struct error *e)
{
    const uint64_t deadline = deadline_after(s, timeout_ms);
    size_t sent = 0;
    while (sent < size) {
        TRY(context_check(s->context, e));
        const unsigned slice = slice_until(s, deadline);
        size_t done = 0;
        TRY(s->ops->write(s, data + sent, size - sent, slice, &done, e));
        if (done > 0)
            trace(s, true, data + sent, done);
        sent += done;
        if (done == 0 && slice == 0)
            return error_set(e, STATUS_TIMEOUT, "%s took only %zu of %zu bytes within %u ms",
                             s->name, sent, size, timeout_ms);
    }
    return STATUS_OK;
}

enum status stream_read_some(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                             size_t *got, struct error *e)
{
    const uint64_t deadline = deadline_after(s, timeout_ms);
    for (;;) {
        TRY(context_check(s->context, e));
        const unsigned slice = slice_until(s, deadline);
        size_t done = 0;
        TRY(s->ops->read(s, data, size, slice, &done, e));
        if (done > 0)
            trace(s, false, data, done);
        if (done > 0 || slice == 0) {
            *got = done;
            return STATUS_OK;
        }
    }
}

enum status stream_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                        size_t *got, struct error *e)
{
    size_t have = 0;
    enum status status = STATUS_OK;
    while (have < size && status == STATUS_OK) {
        size_t done = 0;
        status = stream_read_some(s, data + have, size - have, timeout_ms, &done, e);
        have += done;
        if (status != STATUS_OK || done > 0)
            continue;
        status = have == 0 ? error_set(e, STATUS_TIMEOUT, "%s: no answer within %u ms", s->name,
                                       timeout_ms)
                           : error_set(e, STATUS_TIMEOUT,
                                       "%s: only %zu of %zu bytes came, then silence for %u ms",
                                       s->name, have, size, timeout_ms);
    }
    if (got != NULL)
        *got = have;
    return status;
}

enum status stream_discard(struct stream *s, unsigned quiet_ms, unsigned limit_ms, struct error *e)
{
    const uint64_t deadline = deadline_after(s, limit_ms);
    for (;;) {
        uint8_t dropped[DISCARD_CHUNK];
        size_t got = 0;
        TRY(stream_read_some(s, dropped, sizeof dropped, quiet_ms, &got, e));
        if (got == 0 || context_now_us(s->context) >= deadline)
            return STATUS_OK;
    }
}

enum status stream_drain(struct stream *s, struct error *e)
{
    return s->ops->drain(s, e);
}

bool stream_has_baud(const struct stream *s)
{
    return s->ops->set_baud != NULL;
}

enum status stream_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    return s->ops->set_baud == NULL ? STATUS_OK : s->ops->set_baud(s, baud, e);
}

enum status stream_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    return s->ops->set_lines == NULL ? STATUS_OK : s->ops->set_lines(s, dtr, rts, e);
}

bool stream_lower_latency(struct stream *s)
{
    return s->ops->lower_latency != NULL && s->ops->lower_latency(s);
}
