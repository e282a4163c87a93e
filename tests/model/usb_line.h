/* The wire between a host controller and one device: transfers as packets, and how long they take.
 *
 * Transaction times are those of the USB 2.0 specification, "Bus Transaction Times". A host starts
 * an idle endpoint at the next microframe (125 us), goes on without a gap while transfers are
 * queued, tries a packet that was refused again every second microframe, as a split transaction
 * takes through a hub, and tells the system of a finished transfer at the next microframe. */
#ifndef MODEL_USB_LINE_H
#define MODEL_USB_LINE_H

#include "usb_device.h"

struct usb_line {
    const struct usb_device *device;
    void *self;
    uint64_t free_ns;  /* the wire is taken until then */
    uint64_t ready_ns; /* the device refuses packets until then */
    uint64_t work_ns;  /* until then at most, refusing one makes that later */
    uint64_t busy_ns;  /* sum of the time that transfers took */
    uint64_t packets, refused;
};

/* A transfer in progress. */
struct usb_transfer {
    uint8_t endpoint; /* 0: control */
    struct usb_setup setup;
    uint8_t *data;
    size_t size, actual;
    bool setup_done;
    int result; /* once done: 0, or a negative errno */
};

enum usb_progress {
    USB_DONE,    /* line->free_ns is when it ended */
    USB_WAITING, /* refused; *again_ns is when to try again, USB_NEVER: not before other packets */
    USB_WORKING  /* the same, and the device is at work until then */
};

/* Runs a transfer from `start_ns` on (at which the wire must be free) as far as it goes. */
enum usb_progress usb_line_run(struct usb_line *line, struct usb_transfer *t, uint64_t start_ns,
                               uint64_t *again_ns);

/* The first microframe that begins at or after `ns`. */
uint64_t usb_next_microframe(uint64_t ns);

#endif
