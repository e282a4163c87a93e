/* Bulk transfers of an FTDI channel: several with the host controller each way, so that neither
 * direction waits for the other. The library's own asynchronous calls keep one each way. */
#include <stdlib.h>
#include <string.h>

#include "ftdi_link.h"

enum {
    SLICE_MS = 100,
    ABORT_MS = 1000, /* for cancelled transfers to come back; the system does it at once */
    CHUNK = 16384,   /* a multiple of every packet size */
    STATUS_BYTES = 2 /* modem and line status, at the beginning of every packet from the chip */
};

/* A transfer both ways, as far as it has come. */
struct exchange {
    const uint8_t *out;
    size_t out_size, sent; /* handed over */
    uint8_t *in;
    size_t in_size, got;
};

void ftdi_trace(const struct ftdi_channel *self, bool to_device, const uint8_t *bytes, size_t size)
{
    struct event event = {
        .kind = EVENT_WIRE,
        .wire = {.to_device = to_device, .bytes = bytes, .size = size},
    };
    context_emit(self->base.context, &event);
}

static void LIBUSB_CALL on_end(struct libusb_transfer *transfer)
{
    struct ftdi_flight *flight = transfer->user_data;
    flight->flying = false;
    flight->ended = true;
    flight->channel->any_ended = 1;
}

enum status ftdi_transfers_new(struct ftdi_channel *self, struct error *e)
{
    for (unsigned i = 0; i < 2 * FTDI_FLIGHT; i++) {
        struct ftdi_flight *flight = i < FTDI_FLIGHT ? &self->in[i] : &self->out[i - FTDI_FLIGHT];
        flight->channel = self;
        flight->transfer = libusb_alloc_transfer(0);
        flight->buffer = malloc(CHUNK);
        if (flight->transfer == NULL || flight->buffer == NULL)
            return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    return STATUS_OK;
}

void ftdi_transfers_free(struct ftdi_channel *self)
{
    for (unsigned i = 0; i < FTDI_FLIGHT; i++) {
        libusb_free_transfer(self->in[i].transfer);
        libusb_free_transfer(self->out[i].transfer);
        free(self->in[i].buffer);
        free(self->out[i].buffer);
    }
}

/* --- What goes wrong ------------------------------------------------------------------------- */

static enum status explain(const struct ftdi_channel *self, enum libusb_transfer_status status,
                           struct error *e)
{
    const char *name = self->base.name;
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return STATUS_OK;
    case LIBUSB_TRANSFER_NO_DEVICE:
        return error_set(e, STATUS_LINK, "%s was unplugged, or lost its power", name);
    case LIBUSB_TRANSFER_STALL:
        return error_set(e, STATUS_LINK, "%s refused a transfer", name);
    case LIBUSB_TRANSFER_CANCELLED:
        return error_set(e, STATUS_LINK, "%s: a USB transfer was given up", name);
    case LIBUSB_TRANSFER_OVERFLOW:
        return error_set(e, STATUS_LINK, "%s sent more than a packet holds", name);
    case LIBUSB_TRANSFER_TIMED_OUT: /* the library's own limit, which we never set */
    case LIBUSB_TRANSFER_ERROR:
        break;
    }
    (void)error_set(e, STATUS_LINK, "%s: a USB transfer failed", name);
    error_hint(e, "if it happens again: another USB port or cable, no hub between");
    return STATUS_LINK;
}

static enum status submit(struct ftdi_channel *self, struct ftdi_flight *flight, uint8_t endpoint,
                          size_t size, struct error *e)
{
    libusb_fill_bulk_transfer(flight->transfer, self->library->usb_dev, endpoint, flight->buffer,
                              (int)size, on_end, flight, 0);
    flight->ended = false;
    const int result = libusb_submit_transfer(flight->transfer);
    flight->flying = result == 0;
    if (result == 0)
        return STATUS_OK;
    if (result == LIBUSB_ERROR_NO_DEVICE)
        return explain(self, LIBUSB_TRANSFER_NO_DEVICE, e);
    return error_set(e, STATUS_LINK, "%s: %s", self->base.name, libusb_strerror(result));
}

static enum status handle_events(struct ftdi_channel *self, uint64_t timeout_us, struct error *e)
{
    struct timeval slice = {.tv_sec = (time_t)(timeout_us / 1000000),
                            .tv_usec = (suseconds_t)(timeout_us % 1000000)};
    self->any_ended = 0;
    const int result =
        libusb_handle_events_timeout_completed(self->library->usb_ctx, &slice, &self->any_ended);
    if (result == 0 || result == LIBUSB_ERROR_INTERRUPTED)
        return STATUS_OK;
    return error_set(e, STATUS_LINK, "%s: %s", self->base.name, libusb_strerror(result));
}

static bool any_flying(const struct ftdi_channel *self)
{
    for (unsigned i = 0; i < FTDI_FLIGHT; i++)
        if (self->in[i].flying || self->out[i].flying)
            return true;
    return false;
}

/* Newest first, so that none begins because the one before it went away. */
static void cancel_all(struct ftdi_channel *self)
{
    for (unsigned i = FTDI_FLIGHT; i-- > 0;) {
        struct ftdi_flight *out = &self->out[(self->out_first + i) % FTDI_FLIGHT];
        struct ftdi_flight *in = &self->in[(self->in_first + i) % FTDI_FLIGHT];
        if (out->flying)
            (void)libusb_cancel_transfer(out->transfer); /* fails where it has just ended */
        if (in->flying)
            (void)libusb_cancel_transfer(in->transfer);
    }
}

enum status ftdi_abort(struct ftdi_channel *self, struct error *e)
{
    const uint64_t limit_us = context_now_us(self->base.context) + ABORT_MS * UINT64_C(1000);
    cancel_all(self);
    while (any_flying(self)) {
        if (context_now_us(self->base.context) >= limit_us)
            return error_set(e, STATUS_LINK, "%s: USB transfers do not come back", self->base.name);
        TRY(handle_events(self, SLICE_MS * UINT64_C(1000), e));
    }
    for (unsigned i = 0; i < FTDI_FLIGHT; i++)
        self->in[i].ended = self->out[i].ended = false;
    return STATUS_OK;
}

/* --- Both ways ------------------------------------------------------------------------------- */

static enum status more_out(struct ftdi_channel *self, struct exchange *x, struct error *e)
{
    for (unsigned i = 0; i < FTDI_FLIGHT && x->sent < x->out_size; i++) {
        struct ftdi_flight *flight = &self->out[(self->out_first + i) % FTDI_FLIGHT];
        if (flight->flying || flight->ended)
            continue;
        const size_t left = x->out_size - x->sent;
        const size_t part = left < CHUNK ? left : CHUNK;
        memcpy(flight->buffer, x->out + x->sent, part);
        TRY(submit(self, flight, (uint8_t)self->library->in_ep, part, e));
        ftdi_trace(self, true, x->out + x->sent, part);
        x->sent += part;
    }
    return STATUS_OK;
}

/* As many as could still bring something, so that the bus never waits for us. They stay with the
 * host controller from one exchange to the next. */
static enum status more_in(struct ftdi_channel *self, const struct exchange *x, struct error *e)
{
    for (unsigned i = 0; i < FTDI_FLIGHT && x->got < x->in_size; i++) {
        struct ftdi_flight *flight = &self->in[(self->in_first + i) % FTDI_FLIGHT];
        if (!flight->flying && !flight->ended)
            TRY(submit(self, flight, (uint8_t)self->library->out_ep, CHUNK, e));
    }
    return STATUS_OK;
}

/* The packets of one transfer, without their status. */
static enum status take_packets(const struct ftdi_channel *self, struct exchange *x,
                                const unsigned char *bytes, size_t size, struct error *e)
{
    const size_t packet = self->library->max_packet_size;
    for (size_t at = 0; at < size; at += packet) {
        const size_t length = size - at < packet ? size - at : packet;
        if (length <= STATUS_BYTES)
            continue;
        const size_t payload = length - STATUS_BYTES;
        ftdi_trace(self, false, bytes + at + STATUS_BYTES, payload);
        if (payload > x->in_size - x->got)
            return error_set(e, STATUS_SILENT, "%s sent more than was asked for: out of step",
                             self->base.name);
        memcpy(x->in + x->got, bytes + at + STATUS_BYTES, payload);
        x->got += payload;
    }
    return STATUS_OK;
}

/* Looks at what has ended, oldest first. */
static enum status take_ended(struct ftdi_channel *self, struct exchange *x, struct error *e)
{
    for (struct ftdi_flight *in = &self->in [self->in_first]; in->ended;
         in = &self->in[self->in_first]) {
        in->ended = false;
        self->in_first = (self->in_first + 1) % FTDI_FLIGHT;
        TRY(explain(self, in->transfer->status, e));
        TRY(take_packets(self, x, in->buffer, (size_t)in->transfer->actual_length, e));
    }
    for (struct ftdi_flight *out = &self->out[self->out_first]; out->ended;
         out = &self->out[self->out_first]) {
        out->ended = false;
        self->out_first = (self->out_first + 1) % FTDI_FLIGHT;
        TRY(explain(self, out->transfer->status, e));
        if (out->transfer->actual_length != out->transfer->length)
            return error_set(e, STATUS_LINK, "%s: a USB transfer was cut short", self->base.name);
    }
    return STATUS_OK;
}

static bool is_done(const struct ftdi_channel *self, const struct exchange *x)
{
    if (x->sent < x->out_size || x->got < x->in_size)
        return false;
    for (unsigned i = 0; i < FTDI_FLIGHT; i++)
        if (self->out[i].flying || self->out[i].ended)
            return false;
    return true;
}

static enum status run(struct ftdi_channel *self, struct exchange *x, unsigned timeout_ms,
                       struct error *e)
{
    struct context *c = self->base.context;
    const uint64_t deadline_us = context_now_us(c) + timeout_ms * UINT64_C(1000);
    for (;;) {
        TRY(context_check(c, e));
        TRY(take_ended(self, x, e));
        if (is_done(self, x))
            return STATUS_OK;
        TRY(more_out(self, x, e));
        TRY(more_in(self, x, e));
        const uint64_t now_us = context_now_us(c);
        if (now_us >= deadline_us)
            return error_set(e, STATUS_TIMEOUT, "%s: only %zu of %zu bytes came within %u ms",
                             self->base.name, x->got, x->in_size, timeout_ms);
        const uint64_t left_us = deadline_us - now_us;
        const uint64_t slice_us = SLICE_MS * UINT64_C(1000);
        TRY(handle_events(self, left_us < slice_us ? left_us : slice_us, e));
    }
}

enum status ftdi_channel_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                                  size_t in_size, unsigned timeout_ms, struct error *e)
{
    struct ftdi_channel *self = (struct ftdi_channel *)f;
    struct exchange x = {.out = out, .out_size = out_size, .in = in, .in_size = in_size};
    const enum status status = run(self, &x, timeout_ms, e);
    if (status != STATUS_OK) {
        struct error ignored = {0}; /* the first error is the one that tells */
        (void)ftdi_abort(self, &ignored);
    }
    return status;
}
