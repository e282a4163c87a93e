/* Waiting for a device of a certain id to appear on USB. */
#ifndef CLI_EXPECT_USB_H
#define CLI_EXPECT_USB_H

#include <stdint.h>

#include "ispflash/context.h"
#include "link/usb.h"

/* How USB is looked at: usb_list(), or a test's. */
typedef enum status (*usb_lister)(void (*each)(const struct usb_info *info, void *user), void *user,
                                  struct error *e);

struct expect_usb {
    usb_lister list;
    uint16_t vendor, product;
    unsigned before; /* how many of it were there while the chip stood in reset */
};

/* Counts what is there now; an error is left for expect_usb_wait() to meet again. */
void expect_usb_count(struct expect_usb *x);

/* Waits until there is one more. STATUS_TIMEOUT after 15 s, with what to look at. */
MUST_USE enum status expect_usb_wait(struct expect_usb *x, struct context *c, struct error *e);

#endif
