/* USB devices that are recorded, and devices that a recording stands for.
 *
 *     usb VENDOR PRODUCT RELEASE BUS ADDRESS "PATH" "MANUFACTURER" "TITLE" "SERIAL"   opened
 *     submit SLOT ENDPOINT TYPE REQUEST VALUE INDEX SIZE [:BYTES]
 *     done SLOT RESULT ACTUAL [:BYTES]        RESULT as in enum usb_result
 *     idle                                    waited, and none ended
 *     cancel SLOT    unhalt ENDPOINT    close */
#include <stdlib.h>
#include <string.h>

#include "recording_usb.h"

struct record_event record_usb_event(const char *kind, const struct usb_info *info)
{
    struct record_event event = {
        .numbers = {info->vendor, info->product, info->release, info->bus, info->address},
        .number_count = 5,
        .texts = {info->path, info->manufacturer, info->title, info->serial},
        .text_count = 4,
    };
    (void)snprintf(event.kind, sizeof event.kind, "%s", kind);
    return event;
}

void replay_usb_info(const struct record_event *event, struct usb_info *info)
{
    *info = (struct usb_info){
        .vendor = (uint16_t)event->numbers[0],
        .product = (uint16_t)event->numbers[1],
        .release = (uint16_t)event->numbers[2],
        .bus = (uint8_t)event->numbers[3],
        .address = (uint8_t)event->numbers[4],
    };
    if (event->text_count < 4)
        return;
    (void)snprintf(info->path, sizeof info->path, "%s", event->texts[0]);
    (void)snprintf(info->manufacturer, sizeof info->manufacturer, "%s", event->texts[1]);
    (void)snprintf(info->title, sizeof info->title, "%s", event->texts[2]);
    (void)snprintf(info->serial, sizeof info->serial, "%s", event->texts[3]);
}

static struct record_event submit_event(const struct usb_transfer *t)
{
    const struct usb_request *r = &t->request;
    struct record_event event = {
        .kind = "submit",
        .numbers = {t->slot, r->endpoint, r->type, r->request, r->value, r->index, t->size},
        .number_count = 7,
        .bytes = t->size > 0 ? t->out : NULL,
        .size = t->size,
    };
    return event;
}

static struct record_event slot_event(const char *kind, unsigned slot)
{
    struct record_event event = {.numbers = {slot}, .number_count = 1};
    (void)snprintf(event.kind, sizeof event.kind, "%s", kind);
    return event;
}

/* --- recording ------------------------------------------------------------------------------ */

struct recorded_usb {
    struct usb base;
    struct usb *inner;
    bool pending[USB_QUEUE_MAX]; /* submitted, and its end not recorded yet */
};

/* Returns how many have. What one wait has brought has one time. */
static unsigned record_ended(struct recorded_usb *self)
{
    struct usb *u = &self->base;
    unsigned ended = 0;
    uint64_t time_us = 0;
    for (unsigned i = 0; i < u->count; i++) {
        const struct usb_transfer *t = &u->queue[(u->first + i) % USB_QUEUE_MAX];
        if (!self->pending[t->slot] || t->result == USB_PENDING)
            continue;
        self->pending[t->slot] = false;
        ended++;
        const struct record_event event = {.time_us = time_us,
                                           .kind = "done",
                                           .numbers = {t->slot, t->result, t->actual},
                                           .number_count = 3,
                                           .bytes = t->actual > 0 ? t->in : NULL,
                                           .size = t->actual};
        record(u->context, event, STATUS_OK, NULL);
        time_us = u->context->recording->now_us;
    }
    return ended;
}

static enum status recorded_submit(struct usb *u, struct usb_transfer *t, struct error *e)
{
    struct recorded_usb *self = (struct recorded_usb *)u;
    const enum status status = self->inner->ops->submit(self->inner, t, e);
    record(u->context, submit_event(t), status, e);
    self->pending[t->slot] = status == STATUS_OK;
    (void)record_ended(self); /* a device that is gone ends it at once */
    return status;
}

static enum status recorded_wait(struct usb *u, unsigned timeout_ms, struct error *e)
{
    struct recorded_usb *self = (struct recorded_usb *)u;
    const enum status status = self->inner->ops->wait(self->inner, timeout_ms, e);
    if (record_ended(self) == 0)
        record(u->context, (struct record_event){.kind = "idle"}, status, e);
    return status;
}

static void recorded_cancel(struct usb *u, struct usb_transfer *t)
{
    struct recorded_usb *self = (struct recorded_usb *)u;
    record(u->context, slot_event("cancel", t->slot), STATUS_OK, NULL);
    self->inner->ops->cancel(self->inner, t);
}

static void recorded_clear_halt(struct usb *u, uint8_t endpoint)
{
    struct recorded_usb *self = (struct recorded_usb *)u;
    record(u->context,
           (struct record_event){.kind = "unhalt", .numbers = {endpoint}, .number_count = 1},
           STATUS_OK, NULL);
    if (self->inner->ops->clear_halt != NULL)
        self->inner->ops->clear_halt(self->inner, endpoint);
}

static void recorded_close(struct usb *u)
{
    struct recorded_usb *self = (struct recorded_usb *)u;
    self->inner->ops->close(self->inner);
    record(u->context, (struct record_event){.kind = "close"}, STATUS_OK, NULL);
    free(self);
}

enum status record_usb(struct usb **usb, struct error *e)
{
    static const struct usb_ops ops = {
        .submit = recorded_submit,
        .wait = recorded_wait,
        .cancel = recorded_cancel,
        .close = recorded_close,
        .clear_halt = recorded_clear_halt,
    };
    struct usb *inner = *usb;
    struct recorded_usb *self = calloc(1, sizeof *self);
    if (self == NULL) {
        usb_close(inner);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    self->base = *inner;
    self->base.ops = &ops;
    self->inner = inner;
    record(inner->context, record_usb_event("usb", &inner->info), STATUS_OK, NULL);
    *usb = &self->base;
    return STATUS_OK;
}

/* --- playing -------------------------------------------------------------------------------- */

static void tell_request(const struct usb_transfer *t, char *out, size_t capacity)
{
    const struct usb_request *r = &t->request;
    char bytes[64] = "";
    if (t->out != NULL)
        (void)record_bytes_text(t->out, t->size, bytes, sizeof bytes);
    (void)snprintf(out, capacity, "submits %s (%x %02x %02x %04x %04x, %zu bytes) %s", r->name,
                   r->endpoint, r->type, r->request, r->value, r->index, t->size, bytes);
}

static enum status played_submit(struct usb *u, struct usb_transfer *t, struct error *e)
{
    struct recording *r = u->context->recording;
    struct record_event *event;
    char what[160];
    if (r->differs)
        return STATUS_OK;
    tell_request(t, what, sizeof what);
    TRY(replay_expect(r, "submit", what, &event, e));
    const struct record_event wanted = submit_event(t);
    const bool same_request = event->number_count == wanted.number_count &&
                              memcmp(event->numbers, wanted.numbers, sizeof wanted.numbers) == 0;
    const bool same_bytes =
        wanted.bytes == NULL ||
        (event->size == wanted.size && memcmp(event->bytes, wanted.bytes, wanted.size) == 0);
    if (!same_request || !same_bytes)
        return replay_differs(r, event, what, e);
    return replay_use(r, event, e);
}

static void end_transfer(struct usb_transfer *t, const struct record_event *event)
{
    const size_t actual = event->numbers[2];
    t->result = event->numbers[1] <= USB_FAILED ? (enum usb_result)event->numbers[1] : USB_FAILED;
    t->actual = actual <= t->size ? actual : t->size;
    if (t->in != NULL && event->bytes != NULL && event->size >= t->actual)
        memcpy(t->in, event->bytes, t->actual);
}

static void end_one(struct usb *u, const struct record_event *event)
{
    for (unsigned i = 0; i < u->count; i++) {
        struct usb_transfer *t = &u->queue[(u->first + i) % USB_QUEUE_MAX];
        if (event->number_count == 3 && t->slot == event->numbers[0])
            end_transfer(t, event);
    }
}

/* On the way out after a difference. */
static void end_all(struct usb *u)
{
    for (unsigned i = 0; i < u->count; i++) {
        struct usb_transfer *t = &u->queue[(u->first + i) % USB_QUEUE_MAX];
        t->result = USB_DONE;
        t->actual = t->size;
        if (t->in != NULL)
            memset(t->in, 0, t->size);
    }
}

static enum status played_wait(struct usb *u, unsigned timeout_ms, struct error *e)
{
    struct recording *r = u->context->recording;
    struct record_event *event = replay_answer(r);
    if (r->differs) {
        end_all(u);
        return STATUS_OK;
    }
    if (event == NULL) {
        r->now_us += timeout_ms * UINT64_C(1000);
        return STATUS_OK;
    }
    const uint64_t time_us = event->time_us;
    for (; event != NULL && event->time_us == time_us; event = replay_answer(r)) {
        end_one(u, event);
        TRY(replay_use(r, event, e));
    }
    return STATUS_OK;
}

static void played_cancel(struct usb *u, struct usb_transfer *t)
{
    const unsigned long numbers[] = {t->slot};
    struct error ignored = {0};
    if (replay_command(u->context->recording, "cancel", numbers, 1, &ignored) != STATUS_OK)
        t->result = USB_DROPPED;
}

static void played_clear_halt(struct usb *u, uint8_t endpoint)
{
    const unsigned long numbers[] = {endpoint};
    struct error e = {0};
    if (replay_command(u->context->recording, "unhalt", numbers, 1, &e) != STATUS_OK)
        context_log(u->context, LOG_WARNING, "%s", e.text);
}

static void played_close(struct usb *u)
{
    struct recording *r = u->context->recording;
    struct error e = {0};
    if (replay_command(r, "close", NULL, 0, &e) != STATUS_OK)
        context_log(u->context, LOG_WARNING, "%s", e.text);
    free(u);
}

enum status replay_usb(const char *programmer, struct context *c, struct usb **out, struct error *e)
{
    static const struct usb_ops ops = {
        .submit = played_submit,
        .wait = played_wait,
        .cancel = played_cancel,
        .close = played_close,
        .clear_halt = played_clear_halt,
    };
    struct record_event *event;
    TRY(replay_expect(c->recording, "usb", "opens a USB device", &event, e));
    TRY(replay_use(c->recording, event, e));
    struct usb *u = calloc(1, sizeof *u);
    if (u == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    u->ops = &ops;
    u->context = c;
    replay_usb_info(event, &u->info);
    (void)snprintf(u->name, sizeof u->name, "%s at usb:%s", programmer, u->info.path);
    *out = u;
    return STATUS_OK;
}
