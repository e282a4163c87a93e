/* A full-speed device that sends back on bulk endpoint 0x81 what came in on 0x02, to try the bus
 * and the link layer with. */
#ifndef MODEL_USB_LOOP_MODEL_H
#define MODEL_USB_LOOP_MODEL_H

#include "usb_device.h"

struct usb_loop_model;

extern const struct usb_device usb_loop_device; /* 1209:0001, "loop" */

struct usb_loop_model *usb_loop_model_new(void);    /* never NULL */
void usb_loop_model_free(struct usb_loop_model *l); /* takes NULL */

#endif
