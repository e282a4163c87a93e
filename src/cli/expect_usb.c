/* Waiting for a device of a certain id to appear on USB. */
#include "expect_usb.h"

enum {
    LIMIT_US = 15000000, /* the host takes up to a few seconds for a new device */
    INTERVAL_US = 200000
};

struct tally {
    const struct expect_usb *wanted;
    unsigned count;
};

static void see(const struct usb_info *info, void *user)
{
    struct tally *t = user;
    if (info->vendor == t->wanted->vendor && info->product == t->wanted->product)
        t->count++;
}

static enum status count(const struct expect_usb *x, unsigned *out, struct error *e)
{
    struct tally t = {.wanted = x};
    TRY(x->list(see, &t, e));
    *out = t.count;
    return STATUS_OK;
}

void expect_usb_count(struct expect_usb *x)
{
    struct error ignored = {0};
    x->before = 0;
    (void)count(x, &x->before, &ignored);
}

static enum status gave_up(const struct expect_usb *x, struct error *e)
{
    (void)error_set(e, STATUS_TIMEOUT, "no device %04x:%04x has appeared on USB within %d s",
                    x->vendor, x->product, LIMIT_US / 1000000);
    error_hint(e, "the chip was programmed and verified: is its own USB cable plugged in, and does "
                  "its crystal swing?");
    error_hint(e, "some boot loaders show only after a press of RESET, or two");
    return STATUS_TIMEOUT;
}

enum status expect_usb_wait(struct expect_usb *x, struct context *c, struct error *e)
{
    const uint64_t begin_us = context_now_us(c);
    unsigned now = 0;
    for (;;) {
        TRY(count(x, &now, e));
        if (now > x->before)
            break;
        if (context_now_us(c) - begin_us >= LIMIT_US)
            return gave_up(x, e);
        TRY(context_sleep(c, INTERVAL_US, e));
    }
    context_log(c, LOG_NOTE, "the boot loader has appeared on USB as %04x:%04x", x->vendor,
                x->product);
    return STATUS_OK;
}
