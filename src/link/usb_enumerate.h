/* Shared by the files of src/link/ that use libusb-1.0. */
#ifndef LINK_USB_ENUMERATE_H
#define LINK_USB_ENUMERATE_H

#include <libusb.h>

#include "link/usb.h"

MUST_USE enum status usb_library_open(libusb_context **library, struct error *e);

/* All devices but hubs, to be freed by usb_found_free(). */
struct usb_found {
    libusb_device **all;     /* the library's list, hubs among them */
    libusb_device **devices; /* as many as infos, each the same device */
    struct usb_info *infos;
    size_t count;
};
MUST_USE enum status usb_find_all(libusb_context *library, struct usb_found *found,
                                  struct error *e);
void usb_found_free(struct usb_found *found);

#endif
