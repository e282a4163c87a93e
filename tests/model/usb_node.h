/* What a bus knows of one of its devices; shared between the files of usb_bus alone. */
#ifndef MODEL_USB_NODE_H
#define MODEL_USB_NODE_H

#include <glib.h>
#include <umockdev-1.0/umockdev.h>

#include "usb_bus.h"
#include "usb_line.h"

/* A transfer that a process asked for, by a submitted URB or by a blocking ioctl. */
struct usb_request {
    UMockdevIoctlClient *client;
    UMockdevIoctlData *urb;    /* struct usbdevfs_urb in the process; NULL: blocking ioctl */
    UMockdevIoctlData *buffer; /* may be NULL without data */
    struct usb_transfer transfer;
    bool begun, done;
    bool hung;            /* by a fault: never answered */
    bool working;         /* the device is at work until start_ns */
    uint64_t start_ns;    /* not before that; USB_NEVER: not before something else happened */
    uint64_t visible_ns;  /* once done: when the process may see it */
    uint64_t deadline_ns; /* of a blocking ioctl */
};

enum { USB_COUNTS_MAX = 40, USB_INTERFACES_MAX = 4 };

struct usb_node {
    struct usb_bus *bus;
    struct usb_node *next;
    const struct usb_device *device;
    struct usb_line line;
    struct usb_faults faults;
    UMockdevIoctlBase *handler;
    char *sys_path, *dev_path; /* as the process sees them */
    char *fifo_path;
    int fifo;
    bool fifo_writable;
    bool gone;
    GByteArray *descriptors;
    UMockdevIoctlClient *claimed_by[USB_INTERFACES_MAX]; /* referenced */
    bool driver_bound[USB_INTERFACES_MAX];               /* the kernel's */
    UMockdevIoctlClient *reaper;                         /* waits in REAPURB */
    GQueue queue;    /* of struct usb_request, in the order of submission */
    uint32_t halted; /* bulk endpoints, by usb_endpoint_bit() */
    uint64_t transfers, bytes_in, bytes_out, failed;
    struct usb_count counts[USB_COUNTS_MAX];
};

struct usb_bus {
    UMockdevTestbed *testbed;
    struct usb_node *nodes;
    enum usb_pace pace;
    uint64_t base_ns;    /* machine time at which the bus's clock was 0 */
    uint64_t skipped_ns; /* leapt over */
    unsigned next_device;
    GMutex lock; /* held by whoever looks at or changes any of this */
    int timer;
    GSource *timer_source;
};

/* usb_descriptor.c: the descriptors as the node and sysfs give them, device descriptor first. */
GByteArray *usb_descriptors(const struct usb_device *device);
uint8_t usb_interface_count(const struct usb_device *device);
/* Answers a standard request; the answer's bytes, or NULL for STALL. */
GByteArray *usb_standard_request(const struct usb_device *device, const struct usb_setup *setup);

/* One bit for each endpoint and direction. */
static inline uint32_t usb_endpoint_bit(unsigned endpoint)
{
    return UINT32_C(1) << ((endpoint & 0xf) | (endpoint & 0x80) >> 3);
}

/* usb_transfer.c: the transfers of a node. The bus's lock is held. */
void usb_node_submit(struct usb_node *node, struct usb_request *request);
/* Takes a request whose end the process may see; NULL: none. Submitted URBs only. */
struct usb_request *usb_node_reap(struct usb_node *node, const UMockdevIoctlClient *client);
/* Cancels the URB at `address` in the process. False: none such is unfinished. */
bool usb_node_discard(struct usb_node *node, const UMockdevIoctlClient *client, gulong address);
/* Drops everything the process had asked for. */
void usb_node_forget(struct usb_node *node, const UMockdevIoctlClient *client);
/* The same for processes that have ended or closed the node: umockdev does not say when. */
void usb_node_forget_gone(struct usb_node *node);
void usb_request_free(struct usb_request *request);
void usb_node_unplug(struct usb_node *node);
/* Lets things happen that are due, and sets the timer for what is next. */
void usb_bus_pump(struct usb_bus *bus);

/* usb_ioctl.c: serves the node's ioctls and reads. */
void usb_node_serve(struct usb_node *node);
/* Ends a blocking ioctl as its transfer ended, and a REAPURB with what was reaped (NULL: gone). */
void usb_complete_blocking(struct usb_request *request);
void usb_complete_reap(UMockdevIoctlClient *client, struct usb_request *request);

#endif
