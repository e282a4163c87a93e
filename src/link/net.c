/* "net:host:port": a serial port or simulator behind a TCP connection (ser2net in raw mode, socat,
 * an ESP bridge). It has neither rate nor modem lines. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, CONNECT_SLICE_MS = 100 };

struct net {
    struct stream base;
    int fd;
};

static enum status net_read(struct stream *s, uint8_t *data, size_t size, unsigned timeout_ms,
                            size_t *done, struct error *e)
{
    return fd_read(s, ((struct net *)s)->fd, data, size, timeout_ms, done, e);
}

static enum status net_write(struct stream *s, const uint8_t *data, size_t size,
                             unsigned timeout_ms, size_t *done, struct error *e)
{
    return fd_send(s, ((struct net *)s)->fd, data, size, timeout_ms, done, e);
}

static enum status net_drain(struct stream *s, struct error *e)
{
    (void)s; /* TCP_NODELAY: nothing is held back on this side */
    (void)e;
    return STATUS_OK;
}

static void net_close(struct stream *s)
{
    struct net *self = (struct net *)s;
    (void)close(self->fd);
    free(self);
}

static const struct stream_ops net_ops = {
    .write = net_write,
    .read = net_read,
    .drain = net_drain,
    .close = net_close,
};

/* "host:port" and "[v6]:port" to their two halves. */
static bool split(const char *address, char *host, size_t host_capacity, char *port,
                  size_t port_capacity)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address || colon[1] == '\0')
        return false;
    const char *begin = address;
    size_t length = (size_t)(colon - address);
    if (begin[0] == '[') {
        if (length < 3 || begin[length - 1] != ']')
            return false;
        begin++;
        length -= 2;
    } else if (memchr(begin, ':', length) != NULL) {
        return false; /* a bare IPv6 address: which colon would it be? */
    }
    if (length >= host_capacity || strlen(colon + 1) >= port_capacity)
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

/* Bounded, and interruptible in slices. *code: why it failed, as errno. */
static enum status connect_bounded(const struct addrinfo *to, struct context *c, int *fd, int *code,
                                   struct error *e)
{
    *code = 0;
    *fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->ai_protocol);
    if (*fd < 0) {
        *code = errno;
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    if (connect(*fd, to->ai_addr, to->ai_addrlen) != 0)
        *code = errno;
    for (unsigned waited = 0; *code == EINPROGRESS && status == STATUS_OK;
         waited += CONNECT_SLICE_MS) {
        struct pollfd wait = {.fd = *fd, .events = POLLOUT};
        const int ready = poll(&wait, 1, CONNECT_SLICE_MS);
        socklen_t size = sizeof *code;
        if (ready > 0 && getsockopt(*fd, SOL_SOCKET, SO_ERROR, code, &size) != 0)
            *code = errno;
        else if (ready == 0 && waited + CONNECT_SLICE_MS >= CONNECT_MS)
            *code = ETIMEDOUT;
        status = context_check(c, e);
    }
    if (status != STATUS_OK || *code != 0) {
        (void)close(*fd);
        *fd = -1;
    }
    return status;
}

static enum status connect_any(const char *host, const char *port, struct context *c, int *fd,
                               struct error *e)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    const int code = getaddrinfo(host, port, &wanted, &list);
    if (code != 0)
        return error_set(e, STATUS_NO_DEVICE, "net:%s:%s: %s", host, port, gai_strerror(code));
    int why = 0;
    enum status status = STATUS_OK;
    *fd = -1;
    for (const struct addrinfo *to = list; to != NULL && *fd < 0 && status == STATUS_OK;
         to = to->ai_next)
        status = connect_bounded(to, c, fd, &why, e);
    freeaddrinfo(list);
    if (status != STATUS_OK || *fd >= 0)
        return status;
    (void)error_set(e, STATUS_NO_DEVICE, "net:%s:%s: cannot connect: %s", host, port,
                    strerror(why));
    if (why == ECONNREFUSED)
        error_hint(e, "the host answers, but nothing listens on port %s", port);
    return STATUS_NO_DEVICE;
}

enum status net_open(const char *address, struct context *c, struct stream **out, struct error *e)
{
    char host[256];
    char port[32];
    if (!split(address, host, sizeof host, port, sizeof port)) {
        (void)error_set(e, STATUS_USAGE, "net:%s: not a network address", address);
        error_hint(e, "write net:host:port, an IPv6 address in brackets: net:[::1]:2000");
        return STATUS_USAGE;
    }
    int fd = -1;
    TRY(connect_any(host, port, c, &fd, e));
    const int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* only slower without */
    struct net *self = calloc(1, sizeof *self);
    if (self == NULL) {
        (void)close(fd);
        return error_set(e, STATUS_NO_MEMORY, "net:%s: out of memory", address);
    }
    *self = (struct net){.base = {.ops = &net_ops, .context = c}, .fd = fd};
    (void)snprintf(self->base.name, sizeof self->base.name, "net:%s", address);
    *out = &self->base;
    return STATUS_OK;
}
