/* Packets on the wire; see usb_line.h. */
#include "usb_line.h"

#include <errno.h>

enum { MICROFRAME_NS = 125000 };

uint64_t usb_next_microframe(uint64_t ns)
{
    return (ns + MICROFRAME_NS - 1) / MICROFRAME_NS * MICROFRAME_NS;
}

/* USB 2.0 specification, "Bus Transaction Times", with 1 us of host delay and no hub delay; 7/6 is
 * the worst case of bit stuffing. */
static uint64_t transaction_ns(enum usb_speed speed, size_t bytes)
{
    const uint64_t bits = 3 + bytes * 8 * 7 / 6;
    switch (speed) {
    case USB_SPEED_LOW:
        return 64060 + 1000 + bits * 67667 / 100;
    case USB_SPEED_FULL:
        return 9107 + 1000 + bits * 8354 / 100;
    case USB_SPEED_HIGH:
        return 917 + bits * 2083 / 1000;
    }
    return 0;
}

/* The wire carries one packet that the device is ready for: waits, with what each refusal costs the
 * device, then sends. Returns when the packet is complete. */
static uint64_t packet(struct usb_line *line, uint64_t at_ns, size_t bytes, uint32_t nak_cost_ns)
{
    const uint64_t retry_ns =
        line->device->speed == USB_SPEED_HIGH ? MICROFRAME_NS / 8 : 2 * MICROFRAME_NS;
    while (at_ns < line->ready_ns) {
        if (at_ns < line->work_ns) {
            line->ready_ns += nak_cost_ns;
            line->work_ns += nak_cost_ns;
        }
        line->refused++;
        at_ns += retry_ns;
    }
    line->packets++;
    line->free_ns = at_ns + transaction_ns(line->device->speed, bytes);
    return line->free_ns;
}

/* The device is busy until `ready_ns`. */
static void occupy(struct usb_line *line, uint64_t ready_ns)
{
    const struct usb_device *d = line->device;
    line->ready_ns = ready_ns;
    line->work_ns = ready_ns - (d->timed_ns == NULL ? 0 : d->timed_ns(line->self));
}

static size_t packet_size(const struct usb_line *line, uint8_t endpoint)
{
    if (endpoint == 0)
        return line->device->control_packet;
    for (const struct usb_endpoint *e = line->device->endpoints; e->address != 0; e++)
        if (e->address == endpoint)
            return e->packet;
    return 0;
}

static int ask_in(struct usb_line *line, const struct usb_transfer *t, uint8_t *packet_data,
                  size_t size, uint64_t *now)
{
    return t->endpoint == 0
               ? line->device->control_in(line->self, packet_data, size, now)
               : line->device->bulk_in(line->self, t->endpoint, packet_data, size, now);
}

static int give_out(struct usb_line *line, const struct usb_transfer *t, const uint8_t *packet_data,
                    size_t size, uint64_t *now)
{
    return t->endpoint == 0
               ? line->device->control_out(line->self, packet_data, size, now)
               : line->device->bulk_out(line->self, t->endpoint, packet_data, size, now);
}

static enum usb_progress finish(struct usb_transfer *t, int result)
{
    t->result = result;
    return USB_DONE;
}

/* The data stage of an IN transfer. Returns USB_DONE with result 0 when it is complete. */
static enum usb_progress run_in(struct usb_line *line, struct usb_transfer *t, uint64_t at_ns,
                                uint64_t *again_ns)
{
    const size_t full = packet_size(line, t->endpoint);
    while (t->actual < t->size) {
        uint8_t bytes[1024];
        uint64_t now = line->ready_ns > at_ns ? line->ready_ns : at_ns;
        const int count = ask_in(line, t, bytes, full, &now);
        if (count == USB_NAK || count == USB_BUSY) {
            *again_ns = now;
            return count == USB_NAK ? USB_WAITING : USB_WORKING;
        }
        occupy(line, now);
        at_ns = packet(line, at_ns, count < 0 ? 0 : (size_t)count, line->device->in_nak_ns);
        if (count < 0)
            return finish(t, -EPIPE);
        if ((size_t)count > t->size - t->actual)
            return finish(t, -EOVERFLOW);
        for (int i = 0; i < count; i++)
            t->data[t->actual++] = bytes[i];
        if ((size_t)count < full)
            break;
    }
    return finish(t, 0);
}

static enum usb_progress run_out(struct usb_line *line, struct usb_transfer *t, uint64_t at_ns,
                                 uint64_t *again_ns)
{
    const size_t full = packet_size(line, t->endpoint);
    while (t->actual < t->size) {
        const size_t left = t->size - t->actual;
        const size_t count = left < full ? left : full;
        at_ns = packet(line, at_ns, count, line->device->out_nak_ns);
        uint64_t now = at_ns;
        const int taken = give_out(line, t, t->data + t->actual, count, &now);
        if (taken == USB_NAK || taken == USB_BUSY) {
            *again_ns = now;
            return taken == USB_NAK ? USB_WAITING : USB_WORKING;
        }
        if (taken < 0)
            return finish(t, -EPIPE);
        occupy(line, now);
        t->actual += count;
    }
    return finish(t, 0);
}

static enum usb_progress run_control(struct usb_line *line, struct usb_transfer *t,
                                     uint64_t start_ns, uint64_t *again_ns)
{
    const bool in = (t->setup.type & 0x80) != 0 && t->size > 0;
    uint64_t at_ns = start_ns;
    if (!t->setup_done) {
        at_ns = packet(line, at_ns, 8, 0);
        uint64_t now = at_ns;
        const int result = line->device->setup(line->self, &t->setup, &now);
        t->setup_done = true;
        if (result == USB_NAK) {
            *again_ns = USB_NEVER;
            return USB_WAITING;
        }
        occupy(line, now);
        if (result == USB_STALL) {
            packet(line, at_ns, 0, line->device->in_nak_ns);
            return finish(t, -EPIPE);
        }
    }
    const enum usb_progress data =
        in ? run_in(line, t, at_ns, again_ns) : run_out(line, t, at_ns, again_ns);
    if (data != USB_DONE) {
        *again_ns = USB_NEVER;
        return USB_WAITING;
    }
    if (t->result == 0) /* the status stage: an empty packet the other way */
        packet(line, t->actual > 0 ? line->free_ns : at_ns, 0, line->device->in_nak_ns);
    return USB_DONE;
}

enum usb_progress usb_line_run(struct usb_line *line, struct usb_transfer *t, uint64_t start_ns,
                               uint64_t *again_ns)
{
    line->free_ns = start_ns;
    enum usb_progress progress;
    if (t->endpoint == 0)
        progress = run_control(line, t, start_ns, again_ns);
    else if ((t->endpoint & 0x80) != 0)
        progress = run_in(line, t, start_ns, again_ns);
    else
        progress = run_out(line, t, start_ns, again_ns);
    line->busy_ns += line->free_ns - start_ns;
    return progress;
}
