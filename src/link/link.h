/* Shared by the files of src/link/ alone: descriptors, the guarded opening of a terminal, and one
 * constructor for each kind of stream. */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "link/stream.h"

/* A terminal that is ours: open, locked against a second process, its settings kept. */
struct guard {
    int fd;
    bool exclusive;   /* TIOCEXCL is set */
    bool low_latency; /* ASYNC_LOW_LATENCY is set, by us */
    struct termios saved;
};

/* STATUS_NO_DEVICE, STATUS_PERMISSION or STATUS_BUSY, each with what to do about it. A device that
 * appeared within the last two seconds is given a second for its permissions to settle. */
MUST_USE enum status guard_open(struct guard *g, const char *path, struct context *c,
                                struct error *e);
/* Keeps other programs from opening it (root excepted) until guard_close(). */
void guard_exclude(struct guard *g);
/* Makes the driver pass bytes on at once, until guard_close(). False: it does not, or may not. */
bool guard_lower_latency(struct guard *g);
/* Gives output that is still on its way a moment, drops the rest, restores the settings, unlocks.
 */
void guard_close(struct guard *g, struct context *c);

/* For udev to set owner and mode of a new device, and between two looks at it. */
enum { NODE_SETTLE_MS = 1000, NODE_STEP_MS = 100 };
/* Whether the node, or its folder if it does not exist yet, has changed within two seconds. */
bool node_is_new(const char *path);

/* "minicom (process 1234)": who else has the character device open, as far as we may see. */
bool holder_find(uint64_t device, char *out, size_t capacity);

/* One read or write on a descriptor in O_NONBLOCK mode, waiting at most `timeout_ms` to begin. */
MUST_USE enum status fd_read(const struct stream *s, int fd, uint8_t *data, size_t size,
                             unsigned timeout_ms, size_t *done, struct error *e);
MUST_USE enum status fd_write(const struct stream *s, int fd, const uint8_t *data, size_t size,
                              unsigned timeout_ms, size_t *done, struct error *e);
/* The same on a socket: no SIGPIPE when the other side has gone. */
MUST_USE enum status fd_send(const struct stream *s, int fd, const uint8_t *data, size_t size,
                             unsigned timeout_ms, size_t *done, struct error *e);
/* Waits until a terminal's output queue is empty, DRAIN_LIMIT_MS at most. */
MUST_USE enum status fd_drain(const struct stream *s, int fd, struct error *e);

/* A port that libserialport knows. On success the stream owns the guard. STATUS_UNSUPPORTED: the
 * library does not take it for a serial port (a pseudo-terminal, a tty without modem lines). */
MUST_USE enum status serial_open(const struct guard *g, const char *path,
                                 const struct stream_options *options, struct context *c,
                                 struct stream **out, struct error *e);

/* Any terminal, by termios alone. On success the stream owns the guard. */
MUST_USE enum status tty_open(const struct guard *g, const char *path,
                              const struct stream_options *options, struct context *c,
                              struct stream **out, struct error *e);
/* A rate that termios has no constant for. False: the system or the driver refuses. */
bool tty_set_custom_baud(int fd, uint32_t baud);

/* "host:port" or "[v6]:port". */
MUST_USE enum status net_open(const char *address, struct context *c, struct stream **out,
                              struct error *e);

/* The path of the one port that "VID:PID[:SERIAL]" or "SERIAL" describes. */
MUST_USE enum status port_by_usb(const char *what, char *path, size_t capacity, struct error *e);
/* A hint line for each serial port there is. */
void port_hint_all(struct error *e);

#endif
