/* Shared by the files of src/link/usb*.c alone. */
#ifndef LINK_USB_LINK_H
#define LINK_USB_LINK_H

#include "link/usb.h"

/* Which of the devices is the one wanted; see usb_open() for `port` and the status. */
MUST_USE enum status usb_select(const struct usb_wanted *wanted, const char *port,
                                const struct usb_info *infos, size_t count, size_t *chosen,
                                struct error *e);

/* Only what can be printed stays, in place. */
void usb_clean_string(char *text);

#endif
