/* USB under umockdev: modelled devices behind usbfs nodes and sysfs, so that the real libusb, 0.1
 * (synchronous ioctls, descriptors read from the node) or 1.0 (submitted URBs), finds, opens and
 * talks to them in another process. Several URBs may be in flight, on several devices.
 *
 * Time: the bus has a clock that follows the machine's. Paced, transfers take their time for real.
 * Otherwise the clock leaps over them, so that a run takes only as long as its processes compute
 * and sleep; what a transfer took is counted the same.
 *
 * The nodes are FIFOs: libusb waits for them to become writable, which they are just while a
 * finished URB is to be reaped. */
#ifndef MODEL_USB_BUS_H
#define MODEL_USB_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "usb_device.h"

struct usb_bus;
struct usb_node;

enum usb_pace { USB_LEAP, USB_PACED };

/* Never NULL: what fails in a test rig ends it with a message. */
struct usb_bus *usb_bus_new(enum usb_pace pace);
void usb_bus_free(struct usb_bus *bus); /* takes NULL; frees the nodes, not what stands behind */

/* What goes wrong, and when. Transfers are counted from 1, all but standard requests. */
struct usb_faults {
    bool permission;    /* the node may not be opened */
    bool busy;          /* another program has claimed interface 0 */
    unsigned unplug_at; /* the device is gone when this transfer begins; 0: never */
    unsigned stall_at;  /* this transfer is answered with STALL */
    unsigned hang_at;   /* this one is never answered */
    unsigned noise_at;  /* this one is disturbed on the way (EPROTO) */
    unsigned short_at;  /* this IN transfer brings one byte less */
    int stall_request;  /* this request always gets STALL, as if it did not exist; -1: none */
};
struct usb_faults usb_no_faults(void);

/* Plugs a device in at `path` ("1-2" or "1-2.3": bus, port of the root hub, port of the hub there).
 * `device` and `self` are borrowed for the bus's life. */
struct usb_node *usb_bus_plug(struct usb_bus *bus, const char *path,
                              const struct usb_device *device, void *self,
                              const struct usb_faults *faults);

/* To be called in a child process before it becomes a program that shall see this bus, with
 * umockdev's library preloaded: sets the environment, and drops the superuser's right to open
 * every node. */
void usb_bus_export(struct usb_bus *bus);

struct usb_count {
    const char *name; /* "usb.transfers", "usbtiny.spi", ... */
    uint64_t value;
};

/* Transfers, their counts by request, bytes, bus time, refused packets; returns how many. */
size_t usb_node_counts(struct usb_node *node, struct usb_count *counts, size_t capacity);

/* Nanoseconds on the bus's clock. */
uint64_t usb_bus_now(struct usb_bus *bus);

#endif
