/* One channel of an FTDI chip, not as a serial port but by its other modes: the MPSSE engine, which
 * executes a stream of commands, and synchronous bit-bang, which clocks a stream of bytes onto the
 * pins. Drivers hold a struct ftdi and never a library handle. Several transfers are with the host
 * controller at any time, so that writing and reading overlap. Every call has a deadline; waits are
 * sliced (100 ms or less) and look at the context's cancel flag. All traffic is emitted as WIRE
 * events here and nowhere else. */
#ifndef LINK_FTDI_H
#define LINK_FTDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"
#include "link/usb.h"

/* What the channel's pins do; the numbers are those of the SET_BITMODE request (FTDI AN_108,
 * AN_232R-01). */
enum ftdi_mode {
    FTDI_MODE_UART = 0x00, /* a serial port again, with its pins */
    FTDI_MODE_MPSSE = 0x02,
    FTDI_MODE_SYNC_BITBANG = 0x04
};

struct ftdi;

/* What an implementation offers; see the functions of the same name. Tests script these. */
struct ftdi_ops {
    enum status (*set_mode)(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs, struct error *e);
    enum status (*set_latency)(struct ftdi *f, uint8_t ms, struct error *e);
    enum status (*set_baud)(struct ftdi *f, uint32_t baud, struct error *e);
    enum status (*transfer)(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                            size_t in_size, unsigned timeout_ms, struct error *e);
    void (*close)(struct ftdi *f); /* frees f */
};

/* The common head of every channel; implementations embed it first. */
struct ftdi {
    const struct ftdi_ops *ops;
    struct context *context;
    char name[160];       /* for messages: "ft232h at usb:1-2" */
    struct usb_info info; /* the device that was opened */
};

/* What tells the chips apart: bcdDevice (their data sheets; the FT2232D and FT2232H share an id).
 */
enum {
    FTDI_RELEASE_FT2232D = 0x0500,
    FTDI_RELEASE_FT232R = 0x0600, /* also FT245R */
    FTDI_RELEASE_FT2232H = 0x0700,
    FTDI_RELEASE_FT4232H = 0x0800,
    FTDI_RELEASE_FT232H = 0x0900
};

/* Opens channel `channel` (0: A) of the one device wanted: `wanted` and `port` are as for
 * usb_open(), and so are the errors. The kernel's serial driver is taken off that channel until
 * ftdi_close(); no pin changes. */
MUST_USE enum status ftdi_open(const struct usb_wanted *wanted, const char *port, unsigned channel,
                               struct context *c, struct ftdi **out, struct error *e);
/* Takes NULL. The channel becomes a serial port again, with the kernel's driver if it had one. */
void ftdi_close(struct ftdi *f);

/* Empties both FIFOs and changes the mode; `outputs`: pins that bit-bang drives, bit 0 is pin 0. */
MUST_USE enum status ftdi_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs,
                                   struct error *e);
/* How long the chip keeps an answer that does not fill a packet, 1 to 255 ms. */
MUST_USE enum status ftdi_set_latency(struct ftdi *f, uint8_t ms, struct error *e);
/* The chip's baud rate, from which bit-bang derives its clock. */
MUST_USE enum status ftdi_set_baud(struct ftdi *f, uint32_t baud, struct error *e);
/* Sends `out` while it receives exactly `in_size` bytes; either size may be 0. `timeout_ms` is for
 * the whole. STATUS_TIMEOUT, STATUS_SILENT (more bytes came than were asked for), STATUS_LINK (gone
 * or disturbed), STATUS_CANCELLED; the chip may then still be at work: set the mode. */
MUST_USE enum status ftdi_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                                   size_t in_size, unsigned timeout_ms, struct error *e);

#endif
