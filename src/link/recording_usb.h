/* Shared by the recordings of USB devices and of FTDI chips. */
#ifndef LINK_RECORDING_USB_H
#define LINK_RECORDING_USB_H

#include "recording_link.h"

/* The device as an event that says it was opened; its strings are borrowed from `info`. */
struct record_event record_usb_event(const char *kind, const struct usb_info *info);
void replay_usb_info(const struct record_event *event, struct usb_info *info);

#endif
