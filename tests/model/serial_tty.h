/* A serial device in a umockdev test bed: /sys as the kernel shows a USB serial adapter, a
 * pseudo-terminal behind /dev/ttyACM0, modem lines by ioctl. Alone in including umockdev. */
#ifndef MODEL_SERIAL_TTY_H
#define MODEL_SERIAL_TTY_H

#include <stdbool.h>

#include "model/serial_port.h"

struct serial_tty;

/* What the program does to the device; called from umockdev's thread, `closed` also from
 * serial_tty_look(). */
struct serial_tty_events {
    void (*opened)(void *context); /* each time: a program may have it open more than once */
    void (*closed)(void *context);
    void (*lines)(void *context, bool dtr, bool rts); /* set by it */
};

/* NULL after a complaint. `events` is borrowed. */
struct serial_tty *serial_tty_new(const struct serial_port_id *id,
                                  const struct serial_tty_events *events, void *context);
void serial_tty_free(struct serial_tty *tty); /* takes NULL */
const char *serial_tty_name(const struct serial_tty *tty);
int serial_tty_master(const struct serial_tty *tty); /* of the pseudo-terminal; stays the tty's */
/* Looks whether the program has closed the device. */
void serial_tty_look(struct serial_tty *tty);
/* What the program reads back as its lines. */
void serial_tty_set_lines(struct serial_tty *tty, bool dtr, bool rts);
/* Whether the driver passes bytes on at once (ASYNC_LOW_LATENCY), and how often that was asked for.
 */
bool serial_tty_low_latency(struct serial_tty *tty, unsigned *asked);
void serial_tty_export(const struct serial_tty *tty); /* in a child, before exec */
void serial_tty_unplug(struct serial_tty *tty);       /* gone from /dev and /sys, hung up */

#endif
