/* What the drivers of USB programmers have in common: the device an entry of programmers.ini means.
 *
 * Settings of such an entry: usb=VID:PID[,VID:PID...], vendor=STRING and product=STRING that the
 * device must call itself, anyway=ID: the programmer id that takes it with other strings. */
#ifndef PROGRAMMERS_USB_DEVICE_H
#define PROGRAMMERS_USB_DEVICE_H

#include "link/usb.h"
#include "programmer/programmer.h"

/* For check(): -P must name a USB device. */
MUST_USE enum status usb_device_check(const struct programmer_entry *entry,
                                      const struct programmer_config *c, struct error *e);

/* For open(). */
MUST_USE enum status usb_device_open(struct programmer *p, struct usb **out, struct error *e);

/* Tells the listener which device it is: "usb:1-2.3", as -P takes it. */
void usb_tell_port(const struct programmer *p, const struct usb_info *info);

#endif
