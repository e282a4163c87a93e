/* A USBtinyISP as its host sees it, with a chip on its ISP connector. Written from the USBtiny
 * firmware's description of its requests and from measurements of the real firmware (version 1.05
 * in an ATtiny2313 at 12 MHz, simulated cycle by cycle), apart from any driver.
 *
 * The requests that move single port pins (1 to 4, 13) are answered but move nothing. */
#ifndef MODEL_USBTINY_MODEL_H
#define MODEL_USBTINY_MODEL_H

#include "avr_chip.h"
#include "usb_device.h"

struct usbtiny_model;

/* "usbtiny": the USBtinyISP; "arduinoisp": the board of that name, the same on V-USB. NULL: other
 * names. */
const struct usb_device *usbtiny_model_device(const char *name);

/* `chip` is borrowed. Never NULL. */
struct usbtiny_model *usbtiny_model_new(struct avr_chip *chip, const struct usb_device *device);
void usbtiny_model_free(struct usbtiny_model *t); /* takes NULL */

#endif
