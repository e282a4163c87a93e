/* Shared by the files of src/link/ftdi*.c alone. */
#ifndef LINK_FTDI_LINK_H
#define LINK_FTDI_LINK_H

#include <libusb.h>

#include <ftdi.h>

#include "link/ftdi.h"

enum { FTDI_FLIGHT = 4 }; /* transfers with the host controller, each way */

struct ftdi_channel;

/* One of them. */
struct ftdi_flight {
    struct ftdi_channel *channel;
    struct libusb_transfer *transfer;
    unsigned char *buffer;
    bool flying;
    bool ended; /* and not yet looked at */
};

struct ftdi_channel {
    struct ftdi base; /* first: cast from struct ftdi */
    struct ftdi_context *library;
    bool open;
    int lock; /* the node, locked; -1: none */
    struct ftdi_flight in[FTDI_FLIGHT], out[FTDI_FLIGHT];
    unsigned in_first, out_first; /* the oldest */
    int any_ended;
};

void ftdi_trace(const struct ftdi_channel *self, bool to_device, const uint8_t *bytes, size_t size);

MUST_USE enum status ftdi_transfers_new(struct ftdi_channel *self, struct error *e);
void ftdi_transfers_free(struct ftdi_channel *self); /* the device is closed */
enum status ftdi_channel_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                                  size_t in_size, unsigned timeout_ms, struct error *e);
/* Takes back all transfers that are still with the host controller. */
enum status ftdi_abort(struct ftdi_channel *self, struct error *e);

#endif
