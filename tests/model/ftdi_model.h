/* FTDI adapters as their host sees them, with a chip wired to their pins: the vendor requests, the
 * two FIFOs with their packets and latency timer, the MPSSE engine of the FT2232, FT4232 and FT232H
 * and the synchronous bit-bang mode of the FT232R and FT245R. Written from FTDI's documents, apart
 * from any driver:
 *
 *   AN_108 "Command Processor for MPSSE and MCU Host Bus Emulation Modes"
 *   AN_135 "FTDI MPSSE Basics"
 *   AN_232R-01 "Bit Bang Modes for the FT232R and FT245R"
 *   TN_120 "FT232R Errata"
 *   the data sheets of the chips (FIFO sizes)
 *
 * A pin that is not driven is pulled up, as all of these chips do inside. */
#ifndef MODEL_FTDI_MODEL_H
#define MODEL_FTDI_MODEL_H

#include "avr_chip.h"
#include "usb_bus.h"
#include "usb_device.h"

struct ftdi_model;

/* By what is wired up: "ft232h", "2232hio", "arduino-ft232r", ... NULL: none such. */
const struct usb_device *ftdi_model_device(const char *name);
/* All names, for a help text; NULL behind the last. */
const char *ftdi_model_name(size_t index);

/* `chip` is borrowed. Never NULL. */
struct ftdi_model *ftdi_model_new(struct avr_chip *chip, const struct usb_device *device);
void ftdi_model_free(struct ftdi_model *m); /* takes NULL */

/* How many bytes a bit-bang mode clocks in one baud: 4 by default, as the authors of libftdi
 * measured with chips of three generations; AN_232R-01 says 16. */
void ftdi_model_set_bitbang_factor(struct ftdi_model *m, unsigned factor);

/* What the adapter was made to do, and what state it is in; returns how many counts. */
size_t ftdi_model_counts(const struct ftdi_model *m, struct usb_count *counts, size_t capacity);

#endif
