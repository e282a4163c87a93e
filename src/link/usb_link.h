/* Shared by the files of src/link/usb*.c alone. */
#ifndef LINK_USB_LINK_H
#define LINK_USB_LINK_H

#include "link/usb.h"

/* Which of the devices is the one wanted; see usb_open() for `port` and the status. */
MUST_USE enum status usb_select(const struct usb_wanted *wanted, const char *port,
                                const struct usb_info *infos, size_t count, size_t *chosen,
                                struct error *e);

/* Keeps a second ispflash out before it sends anything: locks the node, whose permissions may have
 * to settle first; *lock is -1 or its descriptor, to be closed at the end. STATUS_BUSY if another
 * has it. Without permission there is nothing to lock: opening the device fails next and says so.
 */
MUST_USE enum status usb_lock(const char *name, const struct usb_info *info, struct context *c,
                              int *lock, struct error *e);
/* False: its node is there, but this user may not open it. */
bool usb_may_open(const struct usb_info *info);
/* STATUS_PERMISSION with the udev rule that helps; STATUS_BUSY with who has the device. */
enum status usb_explain_permission(const char *name, const struct usb_info *info, struct error *e);
enum status usb_explain_busy(const char *name, const struct usb_info *info, struct error *e);

/* "1-2.3": digits, a hyphen, digits and dots. */
bool usb_is_path(const char *text);

/* A serial number of UTF-16 units for people and for -P: its text, or, where that is none, the low
 * bytes in hexadecimal. Old ST-Links have 12 bytes of any value there. */
void usb_serial_text(const uint16_t *units, size_t count, char *out, size_t capacity);
/* The same from UTF-8, as the system has it. */
void usb_serial_text_utf8(const char *text, size_t size, char *out, size_t capacity);

/* Only what can be printed stays, in place. */
void usb_clean_string(char *text);

#endif
