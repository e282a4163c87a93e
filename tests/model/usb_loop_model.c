/* The loop-back device; see usb_loop_model.h. */
#include "usb_loop_model.h"

#include <stdlib.h>

enum { HELD_MAX = 4096, WORK_NS = 50000 };

struct usb_loop_model {
    uint8_t held[HELD_MAX];
    size_t first, count;
};

static int on_setup(void *self, const struct usb_setup *setup, uint64_t *now)
{
    (void)self;
    (void)setup;
    (void)now;
    return USB_STALL;
}

static int on_out(void *self, uint8_t endpoint, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct usb_loop_model *l = self;
    (void)endpoint;
    if (l->count + size > HELD_MAX)
        return USB_STALL;
    for (size_t i = 0; i < size; i++)
        l->held[(l->first + l->count++) % HELD_MAX] = packet[i];
    *now += WORK_NS;
    return (int)size;
}

static int on_in(void *self, uint8_t endpoint, uint8_t *packet, size_t size, uint64_t *now)
{
    struct usb_loop_model *l = self;
    (void)endpoint;
    if (l->count == 0) {
        *now = USB_NEVER;
        return USB_NAK;
    }
    size_t part = 0;
    for (; part < size && l->count > 0; part++, l->count--) {
        packet[part] = l->held[l->first];
        l->first = (l->first + 1) % HELD_MAX;
    }
    return (int)part;
}

static const char *request_name(const struct usb_setup *setup)
{
    (void)setup;
    return "loop.unknown";
}

const struct usb_device usb_loop_device = {
    .name = "loop",
    .speed = USB_SPEED_FULL,
    .vendor = 0x1209, /* pid.codes: 0001 is for testing */
    .product = 0x0001,
    .interface_class = 0xff,
    .control_packet = 64,
    .product_name = "Loop",
    .serial = "L1",
    .endpoints = {{0x02, 2, 64}, {0x81, 2, 64}},
    .setup = on_setup,
    .bulk_in = on_in,
    .bulk_out = on_out,
    .request_name = request_name,
};

struct usb_loop_model *usb_loop_model_new(void)
{
    struct usb_loop_model *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    return l;
}

void usb_loop_model_free(struct usb_loop_model *l)
{
    free(l);
}
