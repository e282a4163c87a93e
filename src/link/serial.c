/* Serial ports through libserialport: it knows how each system sets rates and modem lines. Bytes
 * travel by the descriptor it opened, since its own blocking calls would spin on an unplugged port
 * and restart after a signal. */
#include "link.h"

#include <errno.h>
#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serial {
    struct stream base;
    struct guard guard;
    struct sp_port *port;
    int fd; /* of `port` */
};

static enum status refused(const struct stream *s, const char *what, struct error *e)
{
    char *reason = sp_last_error_message();
    (void)error_set(e, STATUS_LINK, "%s: cannot %s: %s", s->name, what,
                    reason != NULL ? reason : "no reason given");
    sp_free_error_message(reason);
    return STATUS_LINK;
}

static enum status serial_write(struct stream *s, const uint8_t *data, size_t size,
                                unsigned timeout_ms, size_t *done, struct error *e)
{
    return fd_write(s, ((struct serial *)s)->fd, data, size, timeout_ms, done, e);
}

static enum status serial_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                               size_t *done, struct error *e)
{
    return fd_read(s, ((struct serial *)s)->fd, data, size, timeout_ms, done, e);
}

static enum status serial_drain(struct stream *s, struct error *e)
{
    return fd_drain(s, ((struct serial *)s)->fd, e);
}

static enum status serial_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    struct serial *self = (struct serial *)s;
    if (sp_set_baudrate(self->port, (int)baud) != SP_OK) {
        char what[48];
        (void)snprintf(what, sizeof what, "set %lu baud", (unsigned long)baud);
        return refused(s, what, e);
    }
    return STATUS_OK;
}

static enum status serial_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    struct serial *self = (struct serial *)s;
    if (sp_set_dtr(self->port, dtr ? SP_DTR_ON : SP_DTR_OFF) != SP_OK ||
        sp_set_rts(self->port, rts ? SP_RTS_ON : SP_RTS_OFF) != SP_OK)
        return refused(s, "set DTR and RTS", e);
    return STATUS_OK;
}

static bool serial_lower_latency(struct stream *s)
{
    return guard_lower_latency(&((struct serial *)s)->guard);
}

static void serial_close(struct stream *s)
{
    struct serial *self = (struct serial *)s;
    (void)sp_close(self->port); /* the guard holds the device open while it restores it */
    sp_free_port(self->port);
    guard_close(&self->guard, s->context);
    free(self);
}

static const struct stream_ops serial_ops = {
    .write = serial_write,
    .read = serial_read,
    .drain = serial_drain,
    .set_baud = serial_set_baud,
    .set_lines = serial_set_lines,
    .lower_latency = serial_lower_latency,
    .close = serial_close,
};

/* The library takes only names right below /dev that /sys/class/tty lists: a symbolic link (such
 * as those in /dev/serial/by-id) is followed first. */
static struct sp_port *find_port(const char *path)
{
    struct sp_port *port = NULL;
    if (sp_get_port_by_name(path, &port) == SP_OK)
        return port;
    char *real = realpath(path, NULL);
    if (real != NULL && sp_get_port_by_name(real, &port) != SP_OK)
        port = NULL;
    free(real);
    return port;
}

/* 8N1 without flow control. Each call keeps DTR and RTS as the library has read them. */
static bool configure(struct sp_port *port, uint32_t baud)
{
    return sp_set_bits(port, 8) == SP_OK && sp_set_parity(port, SP_PARITY_NONE) == SP_OK &&
           sp_set_stopbits(port, 1) == SP_OK &&
           sp_set_flowcontrol(port, SP_FLOWCONTROL_NONE) == SP_OK &&
           sp_set_baudrate(port, (int)baud) == SP_OK;
}

enum status serial_open(const struct guard *g, const char *path,
                        const struct stream_options *options, struct context *c,
                        struct stream **out, struct error *e)
{
    struct sp_port *port = find_port(path);
    /* sp_open() sets a raw mode, CLOCAL and HUPCL, and writes the modem lines back as they are. */
    if (port == NULL || sp_open(port, SP_MODE_READ_WRITE) != SP_OK) {
        sp_free_port(port);
        return error_set(e, STATUS_UNSUPPORTED, "%s: not a port that libserialport opens", path);
    }
    int fd = -1;
    struct serial *self = calloc(1, sizeof *self);
    if (self == NULL) {
        (void)sp_close(port);
        sp_free_port(port);
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", path);
    }
    (void)sp_get_port_handle(port, &fd); /* cannot fail on an open port */
    *self = (struct serial){
        .base = {.ops = &serial_ops, .context = c}, .guard = *g, .port = port, .fd = fd};
    (void)snprintf(self->base.name, sizeof self->base.name, "%s", path);
    if (!configure(port, options->baud)) {
        const enum status status = refused(&self->base, "set 8N1 and the rate", e);
        (void)sp_close(port);
        sp_free_port(port);
        free(self);
        return status;
    }
    guard_exclude(&self->guard);
    *out = &self->base;
    return STATUS_OK;
}
