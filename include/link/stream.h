/* A byte stream to a programmer: serial port, pseudo-terminal or network connection. Drivers hold a
 * struct stream and never a library handle. Every transfer has a deadline and ends in all its bytes
 * or an error; waits are sliced (100 ms or less) and look at the context's cancel flag. All traffic
 * is emitted as WIRE events here and nowhere else. */
#ifndef LINK_STREAM_H
#define LINK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"

struct stream;

/* The operations of one kind of stream; each is bounded by `timeout_ms`. Tests script these. */
struct stream_ops {
    /* Writes at least one byte; *done receives how many. */
    enum status (*write)(struct stream *s, const uint8_t *data, size_t size, unsigned timeout_ms,
                         size_t *done, struct error *e);
    /* Reads up to `size` bytes, waiting at most `timeout_ms` for the first; 0 bytes is no error. */
    enum status (*read)(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                        size_t *done, struct error *e);
    /* Waits until all written bytes have left, as far as the system can tell. */
    enum status (*drain)(struct stream *s, struct error *e);
    enum status (*set_baud)(struct stream *s, uint32_t baud, struct error *e); /* NULL: no rate */
    enum status (*set_lines)(struct stream *s, bool dtr, bool rts, struct error *e); /* NULL */
    bool (*lower_latency)(struct stream *s); /* NULL: nothing gathers bytes */
    void (*close)(struct stream *s);         /* frees s */
};

/* The common head of every stream; implementations embed it first. */
struct stream {
    const struct stream_ops *ops;
    struct context *context;
    char name[160]; /* for messages: "/dev/ttyACM0" */
};

struct stream_options {
    uint32_t baud;    /* initial rate */
    bool lines_alone; /* leave DTR and RTS as they are, as far as the system allows; else both on */
};

/* By name: a path (also a symlink), "usb:1-2.3" (where it is plugged in), "usb:VID:PID[:SERIAL]",
 * "usb:SERIAL", "net:host:port" (IPv6 in brackets), or a pseudo-terminal. The port is locked
 * against a second process. STATUS_NO_DEVICE, STATUS_PERMISSION (says which group owns it) and
 * STATUS_BUSY (names the holder when the system tells) are told apart. */
MUST_USE enum status stream_open(const char *port, const struct stream_options *options,
                                 struct context *c, struct stream **out, struct error *e);
void stream_close(struct stream *s); /* takes NULL; restores the port's settings */

/* A USB id that marks a port as a candidate when no -P is given; ends with {0, 0}. */
struct stream_usb_id {
    uint16_t vendor, product; /* product 0: any */
};

/* The one port whose USB id is listed. None or several: STATUS_NO_DEVICE, all candidates listed. */
MUST_USE enum status stream_find(const struct stream_usb_id *ids, char *port, size_t capacity,
                                 struct error *e);

/* stream_open() for a port that may be left out: NULL or "usb" is the one that stream_find()s. */
MUST_USE enum status stream_open_or_find(const char *port, const struct stream_usb_id *ids,
                                         const struct stream_options *options, struct context *c,
                                         struct stream **out, struct error *e);

/* A serial port the system knows; the strings are valid during the call only. */
struct stream_port {
    const char *path;
    bool usb; /* it belongs to a USB device; `vendor` and `product` are its */
    uint16_t vendor, product;
    const char *manufacturer, *title, *serial; /* what the device calls itself; may be NULL */
    char usb_path[32]; /* "1-2.3": bus and ports, the same after each re-plugging; may be empty */
};

/* Calls `each` for every serial port, in the system's order. */
void stream_list(void (*each)(const struct stream_port *port, void *user), void *user);

/* Whether stream_open() of that path would go well, as far as can be told without opening it, which
 * may reset a board: STATUS_OK, STATUS_NO_DEVICE, STATUS_PERMISSION or STATUS_BUSY. */
MUST_USE enum status stream_check(const char *path, struct error *e);

/* All of `data`. STATUS_TIMEOUT, STATUS_LINK (gone), STATUS_CANCELLED. */
MUST_USE enum status stream_write(struct stream *s, const uint8_t *data, size_t size,
                                  unsigned timeout_ms, struct error *e);
/* All `size` bytes within `timeout_ms` of silence at most (each arriving byte renews it); *got (may
 * be NULL) receives how many came, also on failure. */
MUST_USE enum status stream_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                                 size_t *got, struct error *e);
/* What arrives within `timeout_ms`, up to `size` bytes; returns at the first bytes. */
MUST_USE enum status stream_read_some(struct stream *s, uint8_t *data, size_t size,
                                      unsigned timeout_ms, size_t *got, struct error *e);
/* Throws input away until nothing has come for `quiet_ms`, at most `limit_ms` long. */
MUST_USE enum status stream_discard(struct stream *s, unsigned quiet_ms, unsigned limit_ms,
                                    struct error *e);
MUST_USE enum status stream_drain(struct stream *s, struct error *e);
MUST_USE enum status stream_set_baud(struct stream *s, uint32_t baud, struct error *e);
bool stream_has_baud(const struct stream *s);
MUST_USE enum status stream_set_lines(struct stream *s, bool dtr, bool rts, struct error *e);
/* Asks that received bytes be passed on at once rather than gathered first (an FTDI adapter: for 16
 * ms), until the stream is closed. False: the system does not let us, or cannot. */
bool stream_lower_latency(struct stream *s);

#endif
