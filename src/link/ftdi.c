/* FTDI channels through libftdi1: finding and opening, modes, rates. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ftdi_link.h"
#include "recording_link.h"
#include "usb_enumerate.h"
#include "usb_link.h"

enum { CONTROL_MS = 1000, LATENCY_DEFAULT_MS = 16 };

/* --- what is the same for scripted ones ------------------------------------------------------ */

enum status ftdi_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs, struct error *e)
{
    return f->ops->set_mode(f, mode, outputs, e);
}

enum status ftdi_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    return f->ops->set_latency(f, ms, e);
}

enum status ftdi_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    return f->ops->set_baud(f, baud, e);
}

enum status ftdi_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                          size_t in_size, unsigned timeout_ms, struct error *e)
{
    return f->ops->transfer(f, out, out_size, in, in_size, timeout_ms, e);
}

void ftdi_close(struct ftdi *f)
{
    if (f != NULL)
        f->ops->close(f);
}

/* --- Requests -------------------------------------------------------------------------------- */

/* The SETUP packet of a request that the library sends. */
static void trace_request(const struct ftdi_channel *self, uint8_t request, uint16_t value)
{
    const uint16_t index = (uint16_t)self->library->index;
    const uint8_t setup[8] = {USB_VENDOR_OUT,        request,        (uint8_t)value,
                              (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8)};
    ftdi_trace(self, true, setup, sizeof setup);
}

/* The library does not say why a request failed: asking for the modem status tells. */
static bool is_gone(const struct ftdi_channel *self)
{
    unsigned char status[2];
    return libusb_control_transfer(self->library->usb_dev, USB_VENDOR_IN,
                                   SIO_POLL_MODEM_STATUS_REQUEST, 0, (uint16_t)self->library->index,
                                   status, sizeof status, CONTROL_MS) == LIBUSB_ERROR_NO_DEVICE;
}

static enum status explain_request(const struct ftdi_channel *self, const char *what,
                                   struct error *e)
{
    if (is_gone(self))
        return error_set(e, STATUS_LINK, "%s was unplugged, or lost its power, during %s",
                         self->base.name, what);
    return error_set(e, STATUS_LINK, "%s: %s failed: %s", self->base.name, what,
                     ftdi_get_error_string(self->library));
}

static enum status channel_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs,
                                    struct error *e)
{
    struct ftdi_channel *self = (struct ftdi_channel *)f;
    TRY(context_check(f->context, e));
    TRY(ftdi_abort(self, e));
    trace_request(self, SIO_SET_BITMODE_REQUEST, (uint16_t)(mode << 8 | outputs));
    if (ftdi_set_bitmode(self->library, outputs, (unsigned char)mode) != 0)
        return explain_request(self, "setting its mode", e);
    trace_request(self, SIO_RESET_REQUEST, SIO_TCIFLUSH);
    trace_request(self, SIO_RESET_REQUEST, SIO_TCOFLUSH);
    if (ftdi_tcioflush(self->library) != 0)
        return explain_request(self, "emptying its buffers", e);
    return STATUS_OK;
}

static enum status channel_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    struct ftdi_channel *self = (struct ftdi_channel *)f;
    TRY(context_check(f->context, e));
    trace_request(self, SIO_SET_LATENCY_TIMER_REQUEST, ms);
    if (ftdi_set_latency_timer(self->library, ms) != 0)
        return explain_request(self, "setting its latency timer", e);
    return STATUS_OK;
}

/* The library multiplies by four what it is given in a bit-bang mode. */
static enum status channel_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    struct ftdi_channel *self = (struct ftdi_channel *)f;
    TRY(context_check(f->context, e));
    const int factor = self->library->bitbang_enabled ? 4 : 1;
    if (ftdi_set_baudrate(self->library, (int)baud / factor) != 0)
        return explain_request(self, "setting its rate", e);
    return STATUS_OK;
}

/* --- Opening --------------------------------------------------------------------------------- */

static enum status explain_open(const struct ftdi_channel *self, int result, struct error *e)
{
    enum { NOT_OPENED = -4, NOT_CLAIMED = -5 }; /* of ftdi_usb_open_dev() */
    const struct ftdi *f = &self->base;
    if (!usb_may_open(&f->info))
        return usb_explain_permission(f->name, &f->info, e);
    if (result == NOT_CLAIMED)
        return usb_explain_busy(f->name, &f->info, e);
    return error_set(e, STATUS_NO_DEVICE, "%s cannot be opened%s: %s", f->name,
                     result == NOT_OPENED ? "" : " as a programmer",
                     ftdi_get_error_string(self->library));
}

/* The library's own reset and rate setting while it opens change no pin of an idle serial port. */
static enum status open_device(struct ftdi_channel *self, libusb_device *device, unsigned channel,
                               struct error *e)
{
    static const enum ftdi_interface channels[] = {INTERFACE_A, INTERFACE_B, INTERFACE_C,
                                                   INTERFACE_D};
    struct ftdi *f = &self->base;
    TRY(usb_lock(f->name, &f->info, f->context, &self->lock, e));
    if (channel >= sizeof channels / sizeof channels[0] ||
        ftdi_set_interface(self->library, channels[channel]) != 0)
        return error_set(e, STATUS_INTERNAL, "%s: no channel %u", f->name, channel);
    self->library->module_detach_mode = AUTO_DETACH_REATACH_SIO_MODULE;
    self->library->usb_read_timeout = CONTROL_MS;
    self->library->usb_write_timeout = CONTROL_MS;
    const int result = ftdi_usb_open_dev(self->library, device);
    if (result != 0)
        return explain_open(self, result, e);
    self->open = true;
    return ftdi_transfers_new(self, e);
}

static enum status find_and_open(struct ftdi_channel *self, const struct usb_wanted *wanted,
                                 const char *port, unsigned channel, struct error *e)
{
    struct usb_found found;
    size_t chosen = 0;
    self->library = ftdi_new();
    if (self->library == NULL)
        return error_set(e, STATUS_NO_DEVICE, "USB cannot be used");
    TRY(usb_find_all(self->library->usb_ctx, &found, e));
    enum status status = usb_select(wanted, port, found.infos, found.count, &chosen, e);
    if (status == STATUS_OK) {
        self->base.info = found.infos[chosen];
        (void)snprintf(self->base.name, sizeof self->base.name, "%s at usb:%s", wanted->programmer,
                       self->base.info.path);
        status = open_device(self, found.devices[chosen], channel, e);
    }
    usb_found_free(&found);
    return status;
}

static void channel_close(struct ftdi *f)
{
    struct ftdi_channel *self = (struct ftdi_channel *)f;
    if (self->open) { /* what fails here fails because it was unplugged */
        struct error ignored = {0};
        if (ftdi_abort(self, &ignored) == STATUS_OK) {
            (void)ftdi_set_bitmode(self->library, 0, BITMODE_RESET);
            (void)ftdi_set_latency_timer(self->library, LATENCY_DEFAULT_MS);
        }
        (void)ftdi_usb_close(self->library);
    }
    ftdi_transfers_free(self);
    if (self->library != NULL)
        ftdi_free(self->library);
    if (self->lock >= 0)
        (void)close(self->lock); /* ends the lock too */
    free(self);
}

static const struct ftdi_ops channel_ops = {
    .set_mode = channel_set_mode,
    .set_latency = channel_set_latency,
    .set_baud = channel_set_baud,
    .transfer = ftdi_channel_transfer,
    .close = channel_close,
};

enum status ftdi_open(const struct usb_wanted *wanted, const char *port, unsigned channel,
                      struct context *c, struct ftdi **out, struct error *e)
{
    if (c->recording != NULL && c->recording->plays)
        return replay_ftdi(wanted->programmer, channel, c, out, e);
    struct ftdi_channel *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    self->base.ops = &channel_ops;
    self->base.context = c;
    self->lock = -1;
    const enum status status = find_and_open(self, wanted, port, channel, e);
    if (status != STATUS_OK) {
        channel_close(&self->base);
        return status;
    }
    context_log(c, LOG_DETAIL, "%s: USB %04x:%04x, release %x.%02x, channel %c%s%s",
                self->base.name, self->base.info.vendor, self->base.info.product,
                self->base.info.release >> 8, self->base.info.release & 0xff, (int)('A' + channel),
                self->base.info.title[0] == '\0' ? "" : ", ", self->base.info.title);
    *out = &self->base;
    return c->recording != NULL ? record_ftdi(out, channel, e) : STATUS_OK;
}
