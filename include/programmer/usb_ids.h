/* The USB ids of programmers, from usb= of their entries or the settings there:
 * VID:PID[,VID:PID...]. */
#ifndef PROGRAMMER_USB_IDS_H
#define PROGRAMMER_USB_IDS_H

#include <stdbool.h>

#include "link/usb.h"
#include "programmer/programmer.h"

enum { USB_IDS_MAX = 12 };

/* "16c0:05dc"; returns what stands behind it, or NULL: it is none. */
const char *usb_id_read(const char *text, struct usb_id *out);

/* False: the entry has none, or they are malformed. The last of `out` has vendor 0. */
bool programmer_usb_ids(const struct programmer_entry *entry, struct usb_id out[USB_IDS_MAX + 1]);

#endif
