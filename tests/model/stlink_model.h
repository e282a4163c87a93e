/* An ST-Link as its host sees it, with an STM32F1 on its SWD connector: V2, V2-1 and V3. Only the
 * debug interface is there; a real V2-1 and V3 are a drive and a serial port besides. Written from
 * what is known of the protocol from the hosts that speak it, apart from any driver.
 *
 * What a command does takes the time of its SWD transfers at the frequency that was set, and some
 * for the firmware itself, during which all packets are refused. */
#ifndef MODEL_STLINK_MODEL_H
#define MODEL_STLINK_MODEL_H

#include "stm32_chip.h"
#include "usb_bus.h"
#include "usb_device.h"

struct stlink_model;

/* "stlink-v2"; "stlink-v2-old": its serial number is no text; "stlink-v2-1"; "stlink-v3". NULL:
 * other names. */
const struct usb_device *stlink_model_device(const char *name);

enum stlink_mode {
    STLINK_MODE_DFU, /* as plugged in */
    STLINK_MODE_MASS,
    STLINK_MODE_DEBUG,
    STLINK_MODE_SWIM
};

/* `chip` is borrowed. Never NULL. */
struct stlink_model *stlink_model_new(struct stm32_chip *chip, const struct usb_device *device);
void stlink_model_free(struct stlink_model *s); /* takes NULL */

/* "V2J17S4": commands that came later are unknown to it. False: not such a version. */
bool stlink_model_set_firmware(struct stlink_model *s, const char *version);
void stlink_model_set_mode(struct stlink_model *s, enum stlink_mode mode);
/* What the voltage measurement finds on a powered target, in mV; 0: it is not wired. Default 3250.
 */
void stlink_model_set_voltage(struct stlink_model *s, unsigned millivolts);
/* How often a WAIT answer is tried again before the command fails. Default 128. */
void stlink_model_set_waits(struct stlink_model *s, unsigned waits);

/* Commands by name, and what state the dongle was left in; returns how many counts. */
size_t stlink_model_counts(const struct stlink_model *s, struct usb_count *counts, size_t capacity);

#endif
