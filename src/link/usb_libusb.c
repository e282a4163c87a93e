/* USB devices through libusb-1.0: opening, and the queue's transfers. */
#include <libusb.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording_link.h"
#include "usb_enumerate.h"
#include "usb_link.h"

/* Our side of one queue slot. The library's transfer lives as long as the device is open. */
struct slot {
    struct libusb_transfer *transfer;
    struct usb_transfer *current; /* NULL: not with the library */
    unsigned char *buffer;        /* control: setup packet and data; bulk: data */
    size_t capacity;
};

struct libusb_link {
    struct usb base; /* first: cast from struct usb */
    libusb_context *library;
    libusb_device_handle *handle;
    bool claimed;
    int lock; /* the node, flock()ed; -1: none */
    int any_ended;
    struct slot slots[USB_QUEUE_MAX];
};

enum { DATA_AT = LIBUSB_CONTROL_SETUP_SIZE };

/* --- Opening --------------------------------------------------------------------------------- */

static enum status explain_open(const struct libusb_link *self, int result, struct error *e)
{
    switch (result) {
    case LIBUSB_ERROR_ACCESS:
        return usb_explain_permission(self->base.name, &self->base.info, e);
    case LIBUSB_ERROR_BUSY:
        return usb_explain_busy(self->base.name, &self->base.info, e);
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND:
        return error_set(e, STATUS_NO_DEVICE, "%s has just been unplugged", self->base.name);
    default:
        return error_set(e, STATUS_NO_DEVICE, "%s cannot be opened: %s", self->base.name,
                         libusb_strerror(result));
    }
}

static enum status open_device(struct libusb_link *self, libusb_device *device, struct error *e)
{
    TRY(usb_lock(self->base.name, &self->base.info, self->base.context, &self->lock, e));
    int result = libusb_open(device, &self->handle);
    if (result == 0)
        result = libusb_claim_interface(self->handle, 0);
    if (result != 0)
        return explain_open(self, result, e);
    self->claimed = true;
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        self->slots[i].transfer = libusb_alloc_transfer(0);
        if (self->slots[i].transfer == NULL)
            return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    return STATUS_OK;
}

static enum status find_and_open(struct libusb_link *self, const struct usb_wanted *wanted,
                                 const char *port, struct error *e)
{
    TRY(usb_library_open(&self->library, e));
    struct usb_found found;
    TRY(usb_find_all(self->library, &found, e));
    size_t chosen = 0;
    enum status status = usb_select(wanted, port, found.infos, found.count, &chosen, e);
    if (status == STATUS_OK) {
        self->base.info = found.infos[chosen];
        (void)snprintf(self->base.name, sizeof self->base.name, "%s at usb:%s", wanted->programmer,
                       self->base.info.path);
        status = open_device(self, found.devices[chosen], e);
    }
    usb_found_free(&found);
    return status;
}

static void link_close(struct usb *u)
{
    struct libusb_link *self = (struct libusb_link *)u;
    if (self->claimed)
        (void)libusb_release_interface(self->handle, 0); /* fails if it was unplugged */
    if (self->handle != NULL)
        libusb_close(self->handle); /* also takes back transfers that never ended */
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        libusb_free_transfer(self->slots[i].transfer);
        free(self->slots[i].buffer);
    }
    if (self->lock >= 0)
        (void)close(self->lock); /* ends the flock() too */
    if (self->library != NULL)
        libusb_exit(self->library);
    free(self);
}

/* --- Transfers ------------------------------------------------------------------------------- */

static enum usb_result result_of(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return USB_DONE;
    case LIBUSB_TRANSFER_STALL:
        return USB_STALLED;
    case LIBUSB_TRANSFER_NO_DEVICE:
        return USB_GONE;
    case LIBUSB_TRANSFER_CANCELLED:
        return USB_DROPPED;
    case LIBUSB_TRANSFER_OVERFLOW:
        return USB_OVERFLOW;
    case LIBUSB_TRANSFER_TIMED_OUT: /* the library's own limit, which we never set */
    case LIBUSB_TRANSFER_ERROR:
        break;
    }
    return USB_FAILED;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *transfer)
{
    struct libusb_link *self = transfer->user_data;
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        struct slot *slot = &self->slots[i];
        struct usb_transfer *t = slot->current;
        if (slot->transfer != transfer || t == NULL)
            continue;
        slot->current = NULL;
        self->any_ended = 1;
        t->actual = (size_t)transfer->actual_length;
        t->result = result_of(transfer->status);
        if (t->in != NULL && t->actual > 0 && t->actual <= t->size)
            memcpy(t->in, slot->buffer + (t->request.endpoint == 0 ? DATA_AT : 0), t->actual);
    }
}

static bool reserve(struct slot *slot, size_t size)
{
    if (size <= slot->capacity)
        return true;
    unsigned char *larger = realloc(slot->buffer, size);
    if (larger == NULL)
        return false;
    slot->buffer = larger;
    slot->capacity = size;
    return true;
}

static enum status link_submit(struct usb *u, struct usb_transfer *t, struct error *e)
{
    struct libusb_link *self = (struct libusb_link *)u;
    struct slot *slot = &self->slots[t->slot];
    const struct usb_request *r = &t->request;
    if (slot->current != NULL)
        return error_set(e, STATUS_LINK, "the one before it has not come back");
    if (!reserve(slot, DATA_AT + t->size))
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    if (t->out != NULL && t->size > 0)
        memcpy(slot->buffer + (r->endpoint == 0 ? DATA_AT : 0), t->out, t->size);
    if (r->endpoint == 0) {
        libusb_fill_control_setup(slot->buffer, r->type, r->request, r->value, r->index,
                                  (uint16_t)t->size);
        libusb_fill_control_transfer(slot->transfer, self->handle, slot->buffer, on_end, self, 0);
    } else {
        libusb_fill_bulk_transfer(slot->transfer, self->handle, r->endpoint, slot->buffer,
                                  (int)t->size, on_end, self, 0);
    }
    slot->current = t;
    const int result = libusb_submit_transfer(slot->transfer);
    if (result == 0)
        return STATUS_OK;
    slot->current = NULL;
    if (result != LIBUSB_ERROR_NO_DEVICE)
        return error_set(e, STATUS_LINK, "%s", libusb_strerror(result));
    t->result = USB_GONE;
    return STATUS_OK;
}

static enum status link_wait(struct usb *u, unsigned timeout_ms, struct error *e)
{
    struct libusb_link *self = (struct libusb_link *)u;
    struct timeval slice = {.tv_usec = (suseconds_t)timeout_ms * 1000};
    self->any_ended = 0;
    const int result =
        libusb_handle_events_timeout_completed(self->library, &slice, &self->any_ended);
    if (result == 0 || result == LIBUSB_ERROR_INTERRUPTED)
        return STATUS_OK;
    return error_set(e, STATUS_LINK, "%s: %s", u->name, libusb_strerror(result));
}

static void link_cancel(struct usb *u, struct usb_transfer *t)
{
    const struct libusb_link *self = (const struct libusb_link *)u;
    /* It fails where the transfer has ended already: wait() will tell. */
    (void)libusb_cancel_transfer(self->slots[t->slot].transfer);
}

static void link_clear_halt(struct usb *u, uint8_t endpoint)
{
    (void)libusb_clear_halt(((const struct libusb_link *)u)->handle, endpoint);
}

static const struct usb_ops link_ops = {
    .submit = link_submit,
    .wait = link_wait,
    .cancel = link_cancel,
    .close = link_close,
    .clear_halt = link_clear_halt,
};

enum status usb_open(const struct usb_wanted *wanted, const char *port, struct context *c,
                     struct usb **out, struct error *e)
{
    if (c->recording != NULL && c->recording->plays)
        return replay_usb(wanted->programmer, c, out, e);
    struct libusb_link *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    self->base.ops = &link_ops;
    self->base.context = c;
    self->lock = -1;
    const enum status status = find_and_open(self, wanted, port, e);
    if (status != STATUS_OK) {
        usb_close(&self->base);
        return status;
    }
    context_log(c, LOG_DETAIL, "%s: USB %04x:%04x, release %x.%02x%s%s", self->base.name,
                self->base.info.vendor, self->base.info.product, self->base.info.release >> 8,
                self->base.info.release & 0xff, self->base.info.title[0] == '\0' ? "" : ", ",
                self->base.info.title);
    *out = &self->base;
    return c->recording != NULL ? record_usb(out, e) : STATUS_OK;
}
