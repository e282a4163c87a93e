/* What all USB devices have in common: the queue of transfers with its deadlines, cancellation, and
 * the trace of all traffic. */
#include "link/usb.h"

#include <string.h>

enum {
    SLICE_MS = 100,
    REPEATS = 3,
    ABORT_MS = 1000 /* for cancelled transfers to come back; the system does it at once */
};

static bool to_host(const struct usb_transfer *t)
{
    const struct usb_request *r = &t->request;
    return ((r->endpoint == 0 ? r->type : r->endpoint) & 0x80) != 0;
}

static void trace_bytes(const struct usb *u, bool to_device, const uint8_t *bytes, size_t size)
{
    struct event event = {
        .kind = EVENT_WIRE,
        .wire = {.to_device = to_device, .bytes = bytes, .size = size},
    };
    context_emit(u->context, &event);
}

/* A control request as the eight bytes of its SETUP packet, then what goes to the device. */
static void trace_submitted(const struct usb *u, const struct usb_transfer *t)
{
    const struct usb_request *r = &t->request;
    if (r->endpoint == 0) {
        const uint8_t setup[8] = {
            r->type,           r->request,
            (uint8_t)r->value, (uint8_t)(r->value >> 8),
            (uint8_t)r->index, (uint8_t)(r->index >> 8),
            (uint8_t)t->size,  (uint8_t)(t->size >> 8),
        };
        trace_bytes(u, true, setup, sizeof setup);
    }
    if (!to_host(t) && t->size > 0)
        trace_bytes(u, true, t->out, t->size);
}

static enum status explain(struct usb *u, const struct usb_transfer *t, struct error *e)
{
    const char *name = t->request.name;
    switch (t->result) {
    case USB_DONE:
        if (t->actual == t->size || (to_host(t) && t->may_be_short))
            return STATUS_OK;
        return error_set(e, STATUS_SILENT, "%s: %zu bytes instead of %zu %s %s", u->name, t->actual,
                         t->size, to_host(t) ? "in answer to" : "taken by", name);
    case USB_STALLED:
        u->halted = t->request.endpoint;
        (void)error_set(e, STATUS_SILENT, "%s refused %s", u->name, name);
        error_hint(e, "it is out of step, or its firmware is too old to know that request");
        return e->code;
    case USB_GONE:
        return error_set(e, STATUS_LINK, "%s was unplugged, or lost its power, during %s", u->name,
                         name);
    case USB_OVERFLOW:
        return error_set(e, STATUS_SILENT, "%s: more than %zu bytes in answer to %s", u->name,
                         t->size, name);
    case USB_FAILED:
        (void)error_set(e, STATUS_LINK, "%s: the USB transfer %s failed", u->name, name);
        error_hint(e, "if it happens again: another USB port or cable, no hub between");
        return STATUS_LINK;
    case USB_PENDING:
    case USB_DROPPED:
        break;
    }
    return error_set(e, STATUS_LINK, "%s: the USB transfer %s was given up", u->name, name);
}

/* The oldest transfer, which was disturbed, once more. */
static enum status repeat(struct usb *u, struct usb_transfer *t, struct error *e)
{
    t->repeats++;
    t->result = USB_PENDING;
    t->actual = 0;
    u->first_since_us = context_now_us(u->context);
    context_log(u->context, LOG_NOTE, "%s: the USB transfer %s was disturbed and is repeated",
                u->name, t->request.name);
    trace_submitted(u, t);
    return u->ops->submit(u, t, e);
}

/* Takes the oldest transfer, which has ended, out of the queue. */
static enum status retire(struct usb *u, struct error *e)
{
    struct usb_transfer *t = &u->queue[u->first];
    if (t->result == USB_FAILED && t->request.repeatable && t->repeats < REPEATS)
        return repeat(u, t, e);
    u->first = (u->first + 1) % USB_QUEUE_MAX;
    u->count--;
    u->first_since_us = context_now_us(u->context);
    if (t->result == USB_DONE && to_host(t) && t->actual > 0)
        trace_bytes(u, false, t->in, t->actual);
    TRY(explain(u, t, e));
    context_advance(u->context, t->progress);
    return STATUS_OK;
}

/* Empties the queue, whatever becomes of the transfers. Newest first, so that none is begun because
 * the one before it went away. */
static void drop_all(struct usb *u)
{
    for (unsigned i = u->count; i-- > 0;) {
        struct usb_transfer *t = &u->queue[(u->first + i) % USB_QUEUE_MAX];
        if (t->result == USB_PENDING)
            u->ops->cancel(u, t);
    }
    const uint64_t limit_us = context_now_us(u->context) + ABORT_MS * UINT64_C(1000);
    while (u->count > 0) {
        const struct usb_transfer *t = &u->queue[u->first];
        struct error ignored = {0};
        if (t->result == USB_PENDING && context_now_us(u->context) < limit_us) {
            if (u->ops->wait(u, SLICE_MS, &ignored) == STATUS_OK)
                continue;
        }
        u->first = (u->first + 1) % USB_QUEUE_MAX;
        u->count--;
    }
}

/* Waits, in one slice, for the oldest transfer. */
static enum status wait_slice(struct usb *u, struct error *e)
{
    TRY(context_check(u->context, e));
    const struct usb_transfer *t = &u->queue[u->first];
    const uint64_t now = context_now_us(u->context);
    const uint64_t deadline = u->first_since_us + t->timeout_ms * UINT64_C(1000);
    if (now >= deadline)
        return error_set(e, STATUS_TIMEOUT, "%s: no answer to %s within %u ms", u->name,
                         t->request.name, t->timeout_ms);
    const uint64_t left_ms = (deadline - now + 999) / 1000;
    return u->ops->wait(u, left_ms < SLICE_MS ? (unsigned)left_ms : SLICE_MS, e);
}

/* Waits until at most `keep` transfers are left. On failure none is. */
static enum status settle(struct usb *u, unsigned keep, struct error *e)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && u->count > keep) {
        if (u->queue[u->first].result == USB_PENDING)
            status = wait_slice(u, e);
        else
            status = retire(u, e);
    }
    if (status != STATUS_OK)
        drop_all(u);
    if (u->halted != 0 && u->ops->clear_halt != NULL)
        u->ops->clear_halt(u, u->halted);
    u->halted = 0;
    return status;
}

static enum status enqueue(struct usb *u, const struct usb_transfer *what, struct error *e)
{
    TRY(settle(u, USB_QUEUE_MAX - 1, e));
    TRY(context_check(u->context, e));
    const unsigned slot = (u->first + u->count) % USB_QUEUE_MAX;
    struct usb_transfer *t = &u->queue[slot];
    *t = *what;
    t->slot = slot;
    if (u->count == 0)
        u->first_since_us = context_now_us(u->context);
    trace_submitted(u, t);
    u->count++;
    const enum status status = u->ops->submit(u, t, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    u->count--;
    drop_all(u);
    return error_in(e, "%s: %s", u->name, t->request.name);
}

enum status usb_queue_in(struct usb *u, const struct usb_request *request, uint8_t *data,
                         size_t size, unsigned timeout_ms, uint32_t progress, struct error *e)
{
    const struct usb_transfer t = {.request = *request,
                                   .in = data,
                                   .size = size,
                                   .timeout_ms = timeout_ms,
                                   .progress = progress};
    return enqueue(u, &t, e);
}

enum status usb_queue_out(struct usb *u, const struct usb_request *request, const uint8_t *data,
                          size_t size, unsigned timeout_ms, uint32_t progress, struct error *e)
{
    const struct usb_transfer t = {.request = *request,
                                   .out = data,
                                   .size = size,
                                   .timeout_ms = timeout_ms,
                                   .progress = progress};
    return enqueue(u, &t, e);
}

enum status usb_finish(struct usb *u, struct error *e)
{
    return settle(u, 0, e);
}

enum status usb_ask(struct usb *u, const struct usb_request *request, uint8_t *data, size_t size,
                    unsigned timeout_ms, size_t *got, struct error *e)
{
    TRY(usb_finish(u, e));
    const struct usb_transfer t = {.request = *request,
                                   .in = data,
                                   .size = size,
                                   .may_be_short = true,
                                   .timeout_ms = timeout_ms};
    TRY(enqueue(u, &t, e));
    const unsigned slot = u->first;
    TRY(usb_finish(u, e));
    *got = u->queue[slot].actual;
    return STATUS_OK;
}

void usb_close(struct usb *u)
{
    if (u == NULL)
        return;
    drop_all(u);
    u->ops->close(u);
}
