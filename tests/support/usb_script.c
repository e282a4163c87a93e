/* The scripted USB device; see usb_script.h. */
#include "support/usb_script.h"

#include <stdlib.h>
#include <string.h>

/* Digits of `hex` as bytes; returns how many, at most `capacity`. */
static size_t bytes_of(const char *hex, uint8_t *bytes, size_t capacity)
{
    size_t count = 0;
    for (; hex != NULL && *hex != '\0' && count < capacity; hex++) {
        unsigned value;
        if (*hex == ' ')
            continue;
        if (sscanf(hex, "%2x", &value) != 1)
            abort();
        bytes[count++] = (uint8_t)value;
        hex++;
    }
    return count;
}

static size_t bytes_sent(const struct usb_transfer *t, uint8_t *bytes, size_t capacity)
{
    const struct usb_request *r = &t->request;
    const uint8_t setup[8] = {
        r->type,           r->request,
        (uint8_t)r->value, (uint8_t)(r->value >> 8),
        (uint8_t)r->index, (uint8_t)(r->index >> 8),
        (uint8_t)t->size,  (uint8_t)(t->size >> 8),
    };
    memcpy(bytes, setup, sizeof setup);
    size_t count = sizeof setup;
    if (t->out != NULL)
        for (size_t i = 0; i < t->size && count < capacity; i++)
            bytes[count++] = t->out[i];
    return count;
}

static void complain(struct usb_script *s, const uint8_t *sent, size_t size, const char *expected)
{
    if (s->complaint[0] != '\0')
        return;
    size_t used = (size_t)snprintf(s->complaint, sizeof s->complaint, "transfer %zu is", s->at);
    for (size_t i = 0; i < size && used + 80 < sizeof s->complaint; i++)
        used += (size_t)snprintf(s->complaint + used, sizeof s->complaint - used, " %02x", sent[i]);
    (void)snprintf(s->complaint + used, sizeof s->complaint - used, ", expected: %.60s", expected);
}

static void check(struct usb_script *s, const struct usb_step *step, const struct usb_transfer *t)
{
    uint8_t sent[8 + 4096], expected[8 + 4096];
    const size_t sent_size = bytes_sent(t, sent, sizeof sent);
    if (step == NULL) {
        complain(s, sent, sent_size, "the end");
        return;
    }
    const size_t expected_size = bytes_of(step->expect, expected, sizeof expected);
    if (sent_size != expected_size || memcmp(sent, expected, sent_size) != 0)
        complain(s, sent, sent_size, step->expect);
}

static void answer(const struct usb_step *step, struct usb_transfer *t)
{
    uint8_t bytes[4096];
    t->actual = t->size;
    if (t->in == NULL)
        return;
    const size_t count = bytes_of(step == NULL ? NULL : step->answer, bytes, sizeof bytes);
    t->actual = count < t->size ? count : t->size;
    memcpy(t->in, bytes, t->actual);
}

static enum status script_submit(struct usb *u, struct usb_transfer *t, struct error *e)
{
    (void)e;
    struct usb_script *s = (struct usb_script *)u;
    const struct usb_step *step = s->at < s->step_count ? &s->steps[s->at] : NULL;
    s->at++;
    check(s, step, t);
    const size_t index = s->flying_count++;
    if (s->flying_count > s->most_flying)
        s->most_flying = s->flying_count;
    s->flying[index] = t;
    s->due_us[index] = step == NULL ? 0 : step->takes_us;
    s->will[index] = USB_DONE;
    answer(step, t);
    const enum usb_mishap mishap = s->at == s->mishap_at ? s->mishap : MISHAP_NONE;
    if (mishap == MISHAP_GONE)
        s->gone = true;
    if (s->gone)
        s->will[index] = USB_GONE;
    else if (mishap == MISHAP_STALL)
        s->will[index] = USB_STALLED;
    else if (mishap == MISHAP_NOISE)
        s->will[index] = USB_FAILED;
    else if (mishap == MISHAP_SHORT && t->actual > 0)
        t->actual--;
    else if (mishap == MISHAP_HANG)
        s->due_us[index] = UINT64_MAX;
    return STATUS_OK;
}

static void take_out(struct usb_script *s, size_t index)
{
    s->flying_count--;
    for (; index < s->flying_count; index++) {
        s->flying[index] = s->flying[index + 1];
        s->due_us[index] = s->due_us[index + 1];
        s->will[index] = s->will[index + 1];
    }
}

static enum status script_wait(struct usb *u, unsigned timeout_ms, struct error *e)
{
    (void)e;
    struct usb_script *s = (struct usb_script *)u;
    const uint64_t timeout_us = timeout_ms * UINT64_C(1000);
    if (timeout_ms > s->longest_wait_ms)
        s->longest_wait_ms = timeout_ms;
    if (s->cancel_in_wait != NULL)
        *s->cancel_in_wait = 1;
    if (s->flying_count == 0 || s->due_us[0] > timeout_us) {
        s->clock->now_us += timeout_us;
        if (s->flying_count > 0 && s->due_us[0] != UINT64_MAX)
            s->due_us[0] -= timeout_us;
        return STATUS_OK;
    }
    s->clock->now_us += s->due_us[0];
    s->flying[0]->result = s->will[0];
    take_out(s, 0);
    return STATUS_OK;
}

static void script_cancel(struct usb *u, struct usb_transfer *t)
{
    struct usb_script *s = (struct usb_script *)u;
    for (size_t i = 0; i < s->flying_count; i++) {
        if (s->flying[i] != t)
            continue;
        t->result = USB_DROPPED;
        take_out(s, i);
        return;
    }
}

static void script_close(struct usb *u)
{
    ((struct usb_script *)u)->closed = true;
}

static const struct usb_ops script_ops = {
    .submit = script_submit,
    .wait = script_wait,
    .cancel = script_cancel,
    .close = script_close,
};

void usb_script_init(struct usb_script *s, const struct usb_step *steps, size_t count,
                     struct context *context, struct fake_clock *clock)
{
    *s = (struct usb_script){.base = {.ops = &script_ops, .context = context},
                             .clock = clock,
                             .steps = steps,
                             .step_count = count};
    (void)snprintf(s->base.name, sizeof s->base.name, "toy at usb:1-2");
}
