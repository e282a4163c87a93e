/* Byte streams that are recorded, and streams that a recording stands for.
 *
 *     stream RATE LINES LATENCY "NAME"   opened; 1: it has a rate, lines, a latency to lower
 *     out :BYTES    in :BYTES    idle    drain    baud RATE    lines DTR RTS    latency DONE close
 */
#include <stdlib.h>
#include <string.h>

#include "recording_link.h"

static struct record_event event_of(const char *kind, const unsigned long *numbers, unsigned count)
{
    struct record_event event = {.number_count = count};
    (void)snprintf(event.kind, sizeof event.kind, "%s", kind);
    for (unsigned i = 0; i < count; i++)
        event.numbers[i] = numbers[i];
    return event;
}

/* --- recording ------------------------------------------------------------------------------ */

struct recorded_stream {
    struct stream base;
    struct stream *inner;
    struct stream_ops ops; /* without those that the inner one lacks */
};

static struct stream *inner_of(struct stream *s)
{
    return ((struct recorded_stream *)s)->inner;
}

static enum status recorded_write(struct stream *s, const uint8_t *data, size_t size,
                                  unsigned timeout_ms, size_t *done, struct error *e)
{
    const enum status status =
        inner_of(s)->ops->write(inner_of(s), data, size, timeout_ms, done, e);
    struct record_event event = event_of("out", NULL, 0);
    if (*done > 0)
        event.bytes = data;
    event.size = *done;
    record(s->context, event, status, e);
    return status;
}

static enum status recorded_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                                 size_t *done, struct error *e)
{
    const enum status status = inner_of(s)->ops->read(inner_of(s), data, size, timeout_ms, done, e);
    struct record_event event = event_of(*done > 0 || status != STATUS_OK ? "in" : "idle", NULL, 0);
    if (*done > 0)
        event.bytes = data;
    event.size = *done;
    record(s->context, event, status, e);
    return status;
}

static enum status recorded_drain(struct stream *s, struct error *e)
{
    const enum status status = inner_of(s)->ops->drain(inner_of(s), e);
    record(s->context, event_of("drain", NULL, 0), status, e);
    return status;
}

static enum status recorded_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    const unsigned long numbers[] = {baud};
    const enum status status = inner_of(s)->ops->set_baud(inner_of(s), baud, e);
    record(s->context, event_of("baud", numbers, 1), status, e);
    return status;
}

static enum status recorded_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    const unsigned long numbers[] = {dtr, rts};
    const enum status status = inner_of(s)->ops->set_lines(inner_of(s), dtr, rts, e);
    record(s->context, event_of("lines", numbers, 2), status, e);
    return status;
}

static bool recorded_lower_latency(struct stream *s)
{
    const unsigned long numbers[] = {inner_of(s)->ops->lower_latency(inner_of(s))};
    record(s->context, event_of("latency", numbers, 1), STATUS_OK, NULL);
    return numbers[0] != 0;
}

static void recorded_close(struct stream *s)
{
    inner_of(s)->ops->close(inner_of(s));
    record(s->context, event_of("close", NULL, 0), STATUS_OK, NULL);
    free(s);
}

enum status record_stream(struct stream **stream, struct error *e)
{
    struct stream *inner = *stream;
    struct recorded_stream *self = calloc(1, sizeof *self);
    if (self == NULL) {
        stream_close(inner);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    *self = (struct recorded_stream){
        .base = *inner,
        .inner = inner,
        .ops = {.write = recorded_write,
                .read = recorded_read,
                .drain = recorded_drain,
                .set_baud = inner->ops->set_baud != NULL ? recorded_set_baud : NULL,
                .set_lines = inner->ops->set_lines != NULL ? recorded_set_lines : NULL,
                .lower_latency = inner->ops->lower_latency != NULL ? recorded_lower_latency : NULL,
                .close = recorded_close}};
    self->base.ops = &self->ops;
    const unsigned long has[] = {inner->ops->set_baud != NULL, inner->ops->set_lines != NULL,
                                 inner->ops->lower_latency != NULL};
    struct record_event event = event_of("stream", has, 3);
    event.texts[event.text_count++] = inner->name;
    record(inner->context, event, STATUS_OK, NULL);
    *stream = &self->base;
    return STATUS_OK;
}

/* --- playing -------------------------------------------------------------------------------- */

struct played_stream {
    struct stream base;
    struct stream_ops ops;
};

/* What is written need not come in the pieces that it was recorded in. */
static enum status played_write(struct stream *s, const uint8_t *data, size_t size,
                                unsigned timeout_ms, size_t *done, struct error *e)
{
    struct recording *r = s->context->recording;
    struct record_event *event;
    char bytes[64], what[80];
    (void)timeout_ms;
    *done = r->differs ? size : 0;
    if (r->differs)
        return STATUS_OK;
    (void)snprintf(what, sizeof what, "sends %s",
                   record_bytes_text(data, size, bytes, sizeof bytes));
    TRY(replay_expect(r, "out", what, &event, e));
    const size_t left = event->size - event->taken, count = size < left ? size : left;
    if (count > 0 && memcmp(event->bytes + event->taken, data, count) != 0)
        return replay_differs(r, event, what, e);
    *done = count;
    event->taken += count;
    return event->taken == event->size ? replay_use(r, event, e) : STATUS_OK;
}

static enum status played_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                               size_t *done, struct error *e)
{
    struct recording *r = s->context->recording;
    struct record_event *event = replay_answer(r);
    *done = 0;
    if (event == NULL) {
        r->now_us += timeout_ms * UINT64_C(1000);
        return STATUS_OK;
    }
    const size_t left = event->size - event->taken, count = size < left ? size : left;
    if (count > 0)
        memcpy(data, event->bytes + event->taken, count);
    *done = count;
    event->taken += count;
    return event->taken == event->size ? replay_use(r, event, e) : STATUS_OK;
}

static enum status played_drain(struct stream *s, struct error *e)
{
    return replay_command(s->context->recording, "drain", NULL, 0, e);
}

static enum status played_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    const unsigned long numbers[] = {baud};
    return replay_command(s->context->recording, "baud", numbers, 1, e);
}

static enum status played_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    const unsigned long numbers[] = {dtr, rts};
    return replay_command(s->context->recording, "lines", numbers, 2, e);
}

static bool played_lower_latency(struct stream *s)
{
    struct record_event *event;
    struct error ignored = {0};
    if (replay_expect(s->context->recording, "latency", "lowers the latency", &event, &ignored) !=
            STATUS_OK ||
        replay_use(s->context->recording, event, &ignored) != STATUS_OK)
        return false;
    return event->numbers[0] != 0;
}

static void played_close(struct stream *s)
{
    struct recording *r = s->context->recording;
    struct error e = {0};
    if (replay_command(r, "close", NULL, 0, &e) != STATUS_OK)
        context_log(s->context, LOG_WARNING, "%s", e.text);
    free(s);
}

enum status replay_stream(struct context *c, struct stream **out, struct error *e)
{
    struct record_event *event;
    TRY(replay_expect(c->recording, "stream", "opens a serial port", &event, e));
    TRY(replay_use(c->recording, event, e));
    struct played_stream *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    self->ops = (struct stream_ops){
        .write = played_write,
        .read = played_read,
        .drain = played_drain,
        .set_baud = event->numbers[0] != 0 ? played_set_baud : NULL,
        .set_lines = event->numbers[1] != 0 ? played_set_lines : NULL,
        .lower_latency = event->numbers[2] != 0 ? played_lower_latency : NULL,
        .close = played_close,
    };
    self->base = (struct stream){.ops = &self->ops, .context = c};
    if (event->text_count > 0)
        (void)snprintf(self->base.name, sizeof self->base.name, "%s", event->texts[0]);
    *out = &self->base;
    return STATUS_OK;
}
