/* A USBasp as its host sees it, with a chip on its ISP connector. Written from the description of
 * the firmware's requests and from measurements of the real firmwares 1.05, 1.07 and 1.11 (in an
 * ATmega8 at 12 MHz, simulated cycle by cycle), apart from any driver. TPI is not modelled. */
#ifndef MODEL_USBASP_MODEL_H
#define MODEL_USBASP_MODEL_H

#include "avr_chip.h"
#include "usb_device.h"

struct usbasp_model;

/* "usbasp-1.05", "usbasp-1.07", "usbasp-1.11"; "usbasp-fixed": firmware of before 2009, which
 * cannot set SCK and knows no capabilities; "usbasp-clone": 1.05 with strings of its own;
 * "usbasp-nameless": 1.05 without strings. NULL: other names. */
const struct usb_device *usbasp_model_device(const char *name);

/* `chip` is borrowed. Never NULL. */
struct usbasp_model *usbasp_model_new(struct avr_chip *chip, const struct usb_device *device);
void usbasp_model_free(struct usbasp_model *u); /* takes NULL */
/* The jumper that forces SCK to 8 kHz on firmware before 1.07. */
void usbasp_model_set_slow_jumper(struct usbasp_model *u, bool closed);

#endif
