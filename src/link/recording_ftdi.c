/* FTDI channels that are recorded, and channels that a recording stands for.
 *
 *     ftdi VENDOR PRODUCT RELEASE BUS ADDRESS CHANNEL "PATH" "MANUFACTURER" "TITLE" "SERIAL"
 *     mode MODE OUTPUTS    latency MS    baud RATE    close
 *     transfer IN-SIZE [:BYTES], then its answer: in [:BYTES] */
#include <stdlib.h>
#include <string.h>

#include "recording_usb.h"

static struct record_event event_of(const char *kind, unsigned long first, unsigned long second,
                                    unsigned count)
{
    struct record_event event = {.numbers = {first, second}, .number_count = count};
    (void)snprintf(event.kind, sizeof event.kind, "%s", kind);
    return event;
}

/* --- recording ------------------------------------------------------------------------------ */

struct recorded_ftdi {
    struct ftdi base;
    struct ftdi *inner;
};

static struct ftdi *inner_of(struct ftdi *f)
{
    return ((struct recorded_ftdi *)f)->inner;
}

static enum status recorded_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs,
                                     struct error *e)
{
    const enum status status = inner_of(f)->ops->set_mode(inner_of(f), mode, outputs, e);
    record(f->context, event_of("mode", mode, outputs, 2), status, e);
    return status;
}

static enum status recorded_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    const enum status status = inner_of(f)->ops->set_latency(inner_of(f), ms, e);
    record(f->context, event_of("latency", ms, 0, 1), status, e);
    return status;
}

static enum status recorded_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    const enum status status = inner_of(f)->ops->set_baud(inner_of(f), baud, e);
    record(f->context, event_of("baud", baud, 0, 1), status, e);
    return status;
}

static enum status recorded_transfer(struct ftdi *f, const uint8_t *out, size_t out_size,
                                     uint8_t *in, size_t in_size, unsigned timeout_ms,
                                     struct error *e)
{
    struct record_event event = event_of("transfer", in_size, 0, 1);
    event.bytes = out_size > 0 ? out : NULL;
    event.size = out_size;
    record(f->context, event, STATUS_OK, NULL);
    const enum status status =
        inner_of(f)->ops->transfer(inner_of(f), out, out_size, in, in_size, timeout_ms, e);
    event = event_of("in", 0, 0, 0);
    event.bytes = status == STATUS_OK && in_size > 0 ? in : NULL;
    event.size = in_size;
    record(f->context, event, status, e);
    return status;
}

static void recorded_close(struct ftdi *f)
{
    inner_of(f)->ops->close(inner_of(f));
    record(f->context, event_of("close", 0, 0, 0), STATUS_OK, NULL);
    free(f);
}

enum status record_ftdi(struct ftdi **ftdi, unsigned channel, struct error *e)
{
    static const struct ftdi_ops ops = {
        .set_mode = recorded_set_mode,
        .set_latency = recorded_set_latency,
        .set_baud = recorded_set_baud,
        .transfer = recorded_transfer,
        .close = recorded_close,
    };
    struct ftdi *inner = *ftdi;
    struct recorded_ftdi *self = calloc(1, sizeof *self);
    if (self == NULL) {
        ftdi_close(inner);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    self->base = *inner;
    self->base.ops = &ops;
    self->inner = inner;
    struct record_event event = record_usb_event("ftdi", &inner->info);
    event.numbers[event.number_count++] = channel;
    record(inner->context, event, STATUS_OK, NULL);
    *ftdi = &self->base;
    return STATUS_OK;
}

/* --- playing -------------------------------------------------------------------------------- */

static enum status played_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs,
                                   struct error *e)
{
    const unsigned long numbers[] = {mode, outputs};
    return replay_command(f->context->recording, "mode", numbers, 2, e);
}

static enum status played_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    const unsigned long numbers[] = {ms};
    return replay_command(f->context->recording, "latency", numbers, 1, e);
}

static enum status played_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    const unsigned long numbers[] = {baud};
    return replay_command(f->context->recording, "baud", numbers, 1, e);
}

static enum status played_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                                   size_t in_size, unsigned timeout_ms, struct error *e)
{
    struct recording *r = f->context->recording;
    struct record_event *event;
    char bytes[64] = "", what[120];
    (void)timeout_ms;
    if (r->differs) {
        if (in_size > 0)
            memset(in, 0, in_size);
        return STATUS_OK;
    }
    if (out_size > 0)
        (void)record_bytes_text(out, out_size, bytes, sizeof bytes);
    (void)snprintf(what, sizeof what, "sends %zu bytes for %zu: %s", out_size, in_size, bytes);
    TRY(replay_expect(r, "transfer", what, &event, e));
    if (event->numbers[0] != in_size || event->size != out_size ||
        (out_size > 0 && memcmp(event->bytes, out, out_size) != 0))
        return replay_differs(r, event, what, e);
    TRY(replay_use(r, event, e));
    event = replay_answer(r);
    if (event == NULL)
        return replay_differs(r, event, what, e);
    if (event->bytes != NULL && event->size == in_size)
        memcpy(in, event->bytes, in_size);
    return replay_use(r, event, e);
}

static void played_close(struct ftdi *f)
{
    struct recording *r = f->context->recording;
    struct error e = {0};
    if (replay_command(r, "close", NULL, 0, &e) != STATUS_OK)
        context_log(f->context, LOG_WARNING, "%s", e.text);
    free(f);
}

enum status replay_ftdi(const char *programmer, unsigned channel, struct context *c,
                        struct ftdi **out, struct error *e)
{
    static const struct ftdi_ops ops = {
        .set_mode = played_set_mode,
        .set_latency = played_set_latency,
        .set_baud = played_set_baud,
        .transfer = played_transfer,
        .close = played_close,
    };
    struct record_event *event;
    char what[48];
    (void)snprintf(what, sizeof what, "opens channel %c of an FTDI chip", (char)('A' + channel));
    TRY(replay_expect(c->recording, "ftdi", what, &event, e));
    if (event->number_count < 6 || event->numbers[5] != channel)
        return replay_differs(c->recording, event, what, e);
    TRY(replay_use(c->recording, event, e));
    struct ftdi *f = calloc(1, sizeof *f);
    if (f == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    f->ops = &ops;
    f->context = c;
    replay_usb_info(event, &f->info);
    (void)snprintf(f->name, sizeof f->name, "%s at usb:%s", programmer, f->info.path);
    *out = f;
    return STATUS_OK;
}
