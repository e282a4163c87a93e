/* Terminals that libserialport does not open: pseudo-terminals (socat, simulators, ser2net clients)
 * and drivers without modem lines. Plain termios. */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

struct tty {
    struct stream base;
    struct guard guard;
};

static const struct {
    uint32_t baud;
    speed_t code;
} rates[] = {
    {1200, B1200},       {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400},     {57600, B57600}, {115200, B115200}, {230400, B230400},
#ifdef B460800
    {460800, B460800},
#endif
#ifdef B500000
    {500000, B500000},
#endif
#ifdef B921600
    {921600, B921600},
#endif
#ifdef B1000000
    {1000000, B1000000},
#endif
#ifdef B2000000
    {2000000, B2000000},
#endif
};

static enum status tty_write(struct stream *s, const uint8_t *data, size_t size,
                             unsigned timeout_ms, size_t *done, struct error *e)
{
    return fd_write(s, ((struct tty *)s)->guard.fd, data, size, timeout_ms, done, e);
}

static enum status tty_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                            size_t *done, struct error *e)
{
    return fd_read(s, ((struct tty *)s)->guard.fd, data, size, timeout_ms, done, e);
}

static enum status tty_drain(struct stream *s, struct error *e)
{
    return fd_drain(s, ((struct tty *)s)->guard.fd, e);
}

/* Raw, 8N1, no flow control, and the rate if termios has a constant for it. */
static enum status configure(const struct stream *s, int fd, uint32_t baud, struct error *e)
{
    struct termios settings;
    if (tcgetattr(fd, &settings) != 0)
        return error_set(e, STATUS_LINK, "%s: cannot read the settings: %s", s->name,
                         strerror(errno));
    settings.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL |
                                     IXON | IXOFF | IXANY | INPCK);
    settings.c_oflag &= (tcflag_t)~OPOST;
    settings.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings.c_cflag &= (tcflag_t) ~(CSIZE | PARENB | CSTOPB);
#ifdef CRTSCTS
    settings.c_cflag &= (tcflag_t)~CRTSCTS;
#endif
    settings.c_cflag |= CS8 | CREAD | CLOCAL;
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    bool standard = false;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (rates[i].baud == baud)
            standard = cfsetispeed(&settings, rates[i].code) == 0 &&
                       cfsetospeed(&settings, rates[i].code) == 0;
    if (tcsetattr(fd, TCSANOW, &settings) != 0)
        return error_set(e, STATUS_LINK, "%s: cannot set raw mode at %lu baud: %s", s->name,
                         (unsigned long)baud, strerror(errno));
    if (!standard && !tty_set_custom_baud(fd, baud))
        return error_set(e, STATUS_LINK, "%s: cannot set %lu baud", s->name, (unsigned long)baud);
    return STATUS_OK;
}

static enum status tty_set_baud(struct stream *s, uint32_t baud, struct error *e)
{
    return configure(s, ((struct tty *)s)->guard.fd, baud, e);
}

/* Where there are no lines (pseudo-terminals: ENOTTY or EINVAL) there is nothing to reset either.
 */
static enum status tty_set_lines(struct stream *s, bool dtr, bool rts, struct error *e)
{
    const int fd = ((struct tty *)s)->guard.fd;
    int lines = 0;
    if (ioctl(fd, TIOCMGET, &lines) != 0)
        return STATUS_OK;
    lines = (lines & ~(TIOCM_DTR | TIOCM_RTS)) | (dtr ? TIOCM_DTR : 0) | (rts ? TIOCM_RTS : 0);
    if (ioctl(fd, TIOCMSET, &lines) != 0)
        return error_set(e, STATUS_LINK, "%s: cannot set DTR and RTS: %s", s->name,
                         strerror(errno));
    return STATUS_OK;
}

static bool tty_lower_latency(struct stream *s)
{
    return guard_lower_latency(&((struct tty *)s)->guard);
}

static void tty_close(struct stream *s)
{
    struct tty *self = (struct tty *)s;
    guard_close(&self->guard, s->context);
    free(self);
}

static const struct stream_ops tty_ops = {
    .write = tty_write,
    .read = tty_read,
    .drain = tty_drain,
    .set_baud = tty_set_baud,
    .set_lines = tty_set_lines,
    .lower_latency = tty_lower_latency,
    .close = tty_close,
};

/* No TIOCEXCL here: on a pseudo-terminal it outlives a killed process for as long as the other side
 * keeps it open, and would shut out the next run. flock() does not. */
enum status tty_open(const struct guard *g, const char *path, const struct stream_options *options,
                     struct context *c, struct stream **out, struct error *e)
{
    struct tty *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", path);
    *self = (struct tty){.base = {.ops = &tty_ops, .context = c}, .guard = *g};
    (void)snprintf(self->base.name, sizeof self->base.name, "%s", path);
    const enum status status = configure(&self->base, g->fd, options->baud, e);
    if (status != STATUS_OK) {
        free(self);
        return status;
    }
    *out = &self->base;
    return STATUS_OK;
}
