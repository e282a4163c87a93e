/* What is plugged in that could be a programmer, and which programmer ids fit it. Nothing is opened
 * or sent: that may reset a board. */
#ifndef CLI_DEVICES_H
#define CLI_DEVICES_H

#include <stdbool.h>

#include "ispflash/bootloader.h"
#include "link/usb.h"
#include "programmer/board.h"

struct device {
    bool serial_port; /* else a USB device */
    bool usb;         /* `info` is known, of a serial port but for release, bus and address */
    char port[128];   /* for -P: "/dev/ttyACM0", "usb:1-2" */
    char by_id[256];  /* of a serial port: its name in /dev/serial/by-id; may be empty */
    struct usb_info info;
    enum status access;   /* STATUS_OK: it may be opened */
    struct error problem; /* else: why not, and what to do */
};

struct device_list {
    struct device *devices; /* owned */
    size_t count;
};

/* Serial ports first. A USB that cannot be looked at is a warning in `c`. */
MUST_USE enum status devices_find(struct device_list *list, struct context *c, struct error *e);
void devices_free(struct device_list *list); /* takes a zeroed one */

enum device_fit {
    DEVICE_FITS_NOT,
    DEVICE_FITS,         /* -c and -P select it */
    DEVICE_HAS_NO_DRIVER /* it is this programmer, but ispflash cannot drive it */
};

/* `entry` is one of `entries`. */
enum device_fit device_fit(const struct device *d, const struct programmer_entry *entry,
                           const struct programmer_entry *entries);

/* Why a device that is often taken for a programmer cannot work as one; NULL: it is none. */
const char *device_lookalike(const struct device *d, const struct programmer_entry *entries);

bool device_is_board(const struct device *d, const struct board *board);
/* True if the chip on it is in that boot loader. */
bool device_is_bootloader(const struct device *d, const struct bootloader *b);

#endif
