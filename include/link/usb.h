/* A USB device that a driver speaks to by control and bulk transfers. Drivers hold a struct usb and
 * never a library handle. Transfers are queued: the next is with the host controller before the
 * last has ended, so that the bus does not idle between two. Every transfer has a deadline and ends
 * in all its bytes or an error; waits are sliced (100 ms or less) and look at the context's cancel
 * flag. All traffic is emitted as WIRE events here and nowhere else. */
#ifndef LINK_USB_H
#define LINK_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"

enum {
    USB_VENDOR_IN = 0xc0, /* bmRequestType: vendor request to the device, data to the host */
    USB_VENDOR_OUT = 0x40
};

/* A control request without its data, or an endpoint. */
struct usb_request {
    const char *name; /* for messages: "FLASH_READ" */
    uint8_t endpoint; /* 0: a control request; else bulk, bit 7: to the host */
    uint8_t type, request;
    uint16_t value, index;
    bool repeatable; /* sent again, a few times, if the bus was disturbed; harmless to repeat even
                        after those queued behind it */
};

enum { USB_QUEUE_MAX = 4 };

/* A device that is there, whether or not it may be opened. */
struct usb_info {
    uint16_t vendor, product, release;
    uint8_t bus, address;
    char path[32]; /* "1-2.3": bus and ports, the same after each re-plugging */
    char manufacturer[64], title[64], serial[64]; /* printable; empty: none, or cannot be read */
};

struct usb;

/* How a transfer ended. */
enum usb_result {
    USB_PENDING,
    USB_DONE,     /* with `actual` bytes */
    USB_STALLED,  /* the device refused the request */
    USB_GONE,     /* no such device any more */
    USB_DROPPED,  /* cancelled by us */
    USB_OVERFLOW, /* the device sent more than was asked for */
    USB_FAILED    /* the host controller gave up: noise, or the device hangs */
};

struct usb_transfer {
    struct usb_request request;
    const uint8_t *out;  /* data to the device, or */
    uint8_t *in;         /* where data from it goes; borrowed until the transfer has ended */
    size_t size;         /* may be 0, with both pointers NULL */
    bool may_be_short;   /* fewer bytes from the device are no error */
    unsigned timeout_ms; /* from when it is the oldest in the queue */
    uint32_t progress;   /* reported by context_advance() when it has ended well */
    unsigned repeats;    /* how often it was sent again */
    unsigned slot;       /* 0 to USB_QUEUE_MAX - 1: which one of those in the queue */
    size_t actual;       /* set by the implementation once ended */
    enum usb_result result;
};

/* What an implementation offers. Tests script these. */
struct usb_ops {
    /* Hands a transfer to the host controller; on failure it is as if never submitted. */
    enum status (*submit)(struct usb *u, struct usb_transfer *t, struct error *e);
    /* Waits at most `timeout_ms` for any transfer to end; sets `actual` and `result` of those that
     * did, and `in`. */
    enum status (*wait)(struct usb *u, unsigned timeout_ms, struct error *e);
    /* Asks for the transfer to end soon. */
    void (*cancel)(struct usb *u, struct usb_transfer *t);
    void (*close)(struct usb *u); /* frees u; nothing is pending */
    /* Ends the halt of a bulk endpoint that refused a transfer: until then it refuses all (USB 2.0,
     * 9.4.5). What fails shows in the next transfer. NULL: nothing halts. */
    void (*clear_halt)(struct usb *u, uint8_t endpoint);
};

/* The common head of every device; implementations embed it first. */
struct usb {
    const struct usb_ops *ops;
    struct context *context;
    char name[160];       /* for messages: "usbtiny at usb:1-2" */
    struct usb_info info; /* the device that was opened */
    struct usb_transfer queue[USB_QUEUE_MAX];
    unsigned first, count;   /* of the queue: the oldest, how many */
    uint64_t first_since_us; /* the oldest has been that since */
    uint8_t halted;          /* the bulk endpoint that refused a transfer; 0: none */
};

/* --- Finding and opening --------------------------------------------------------------------- */

/* Calls `each` for every USB device but hubs, in the system's order. */
MUST_USE enum status usb_list(void (*each)(const struct usb_info *info, void *user), void *user,
                              struct error *e);

/* Whether a device may be opened: STATUS_OK, STATUS_PERMISSION or STATUS_BUSY (as far as the system
 * tells). Nothing is sent to it. */
MUST_USE enum status usb_check(const struct usb_info *info, struct error *e);

/* Devices of this id that cannot work, and why: named when nothing else is found. */
struct usb_lookalike {
    uint16_t vendor, product;
    const char *why;
};

struct usb_id {
    uint16_t vendor, product;
};

/* What a driver looks for. */
struct usb_wanted {
    const char *programmer;                 /* the id the user typed, for messages */
    const struct usb_id *ids;               /* any of these; ends with vendor 0 */
    const char *manufacturer, *title;       /* strings it must have; NULL: any */
    const char *anyway;                     /* the programmer id that takes any strings; or NULL */
    const struct usb_lookalike *lookalikes; /* ends with vendor 0; may be NULL */
};

/* STATUS_USAGE unless `port` (may be NULL) is one that usb_open() takes. */
MUST_USE enum status usb_check_port(const char *port, struct error *e);

/* Opens the one device wanted, claims its interface 0 and locks it against a second process. `port`
 * is, by its shape: "usb" or NULL: whichever fits; "usb:1-2.3", a path; "usb:VID:PID[:SERIAL]", in
 * place of the ids and strings wanted; "usb:BUS:DEV"; "usb:SERIAL", whole or its end.
 * STATUS_NO_DEVICE (none, or several: all are listed), STATUS_PERMISSION and STATUS_BUSY (names the
 * holder when the system tells) are told apart. */
MUST_USE enum status usb_open(const struct usb_wanted *wanted, const char *port, struct context *c,
                              struct usb **out, struct error *e);
void usb_close(struct usb *u); /* takes NULL; drops what is queued */

/* --- Transfers ------------------------------------------------------------------------------- */

/* Queues a transfer, waiting for room first. Data is borrowed until usb_finish(). An error may be
 * that of an older transfer; the queue is empty then. The status is STATUS_TIMEOUT, STATUS_SILENT
 * (refused, or too few bytes), STATUS_LINK (gone or disturbed) or STATUS_CANCELLED. */
MUST_USE enum status usb_queue_in(struct usb *u, const struct usb_request *request, uint8_t *data,
                                  size_t size, unsigned timeout_ms, uint32_t progress,
                                  struct error *e);
MUST_USE enum status usb_queue_out(struct usb *u, const struct usb_request *request,
                                   const uint8_t *data, size_t size, unsigned timeout_ms,
                                   uint32_t progress, struct error *e);
/* Waits for all that is queued. */
MUST_USE enum status usb_finish(struct usb *u, struct error *e);

/* One transfer from the device, after all that is queued; *got receives how many bytes came. */
MUST_USE enum status usb_ask(struct usb *u, const struct usb_request *request, uint8_t *data,
                             size_t size, unsigned timeout_ms, size_t *got, struct error *e);

#endif
