/* What a modelled USB device is to the bus: its descriptors, and what it does with each packet.
 *
 * Time is nanoseconds on the bus's clock. Every packet operation is given in *now when the packet
 * is complete on the wire (IN: when the device may begin to prepare it) and moves *now on to when
 * the device is ready for the next packet (IN: when this packet lies ready). Until then the bus
 * sees NAKs. */
#ifndef MODEL_USB_DEVICE_H
#define MODEL_USB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define USB_US UINT64_C(1000)
#define USB_MS UINT64_C(1000000)

/* Results of the packet operations that are no byte count. */
enum {
    USB_STALL = -1, /* the device answers STALL */
    USB_NAK = -2,   /* nothing to send, or no room, before *now, or ever (USB_NEVER) unless other
                       packets change that; control: the device hangs until the next SETUP */
    USB_BUSY = -3   /* bulk: as USB_NAK, but the device is at work until *now, so that a bus that is
                       not paced may leap there */
};
#define USB_NEVER UINT64_MAX

enum usb_speed { USB_SPEED_LOW, USB_SPEED_FULL, USB_SPEED_HIGH };

struct usb_setup {
    uint8_t type, request; /* bmRequestType, bRequest */
    uint16_t value, index, length;
};

enum { USB_ENDPOINTS_MAX = 9 };

struct usb_endpoint {
    uint8_t address; /* bit 7: IN */
    uint8_t type;    /* bmAttributes: 2 bulk, 3 interrupt */
    uint16_t packet; /* wMaxPacketSize */
};

/* One kind of device. Const, alive for the whole process; `self` is the device's own. */
struct usb_device {
    const char *name; /* "usbtiny" */
    enum usb_speed speed;
    uint16_t vendor, product, release; /* idVendor, idProduct, bcdDevice */
    uint8_t device_class, interface_class;
    uint8_t interfaces;        /* 0: one; the endpoints are shared out among them in order */
    const char *kernel_driver; /* bound to every interface when plugged in; NULL: none */
    uint8_t control_packet;    /* bMaxPacketSize0 */
    const char *manufacturer, *product_name, *serial; /* NULL: no such string */
    struct usb_endpoint endpoints[USB_ENDPOINTS_MAX]; /* ends with address 0 */
    uint32_t in_nak_ns,
        out_nak_ns; /* work lost by refusing one packet, where that costs firmware */

    /* A control request other than the standard ones that the bus answers. 0 or USB_STALL; USB_NAK:
     * hangs. */
    int (*setup)(void *self, const struct usb_setup *setup, uint64_t *now);
    /* The next packet of its data stage: bytes, USB_STALL or USB_NAK. Less than a full packet ends
     * an IN data stage. */
    int (*control_in)(void *self, uint8_t *packet, size_t size, uint64_t *now);
    int (*control_out)(void *self, const uint8_t *packet, size_t size, uint64_t *now);
    /* NULL without such endpoints. bulk_out: bytes taken (all), or one of the above. */
    int (*bulk_in)(void *self, uint8_t endpoint, uint8_t *packet, size_t size, uint64_t *now);
    int (*bulk_out)(void *self, uint8_t endpoint, const uint8_t *packet, size_t size,
                    uint64_t *now);
    /* How much of what the last operation took was waiting for a timer, which refusing packets does
     * not lengthen. NULL: nothing ever is. */
    uint64_t (*timed_ns)(void *self);
    /* The device lost its power. */
    void (*unplug)(void *self, uint64_t now);
    const char *(*request_name)(const struct usb_setup *setup); /* never NULL; for counts */
};

/* NULL: none is called so. */
static inline const struct usb_device *usb_device_find(const struct usb_device *devices,
                                                       size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(devices[i].name, name) == 0)
            return &devices[i];
    return NULL;
}

#endif
