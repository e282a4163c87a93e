/* Bounded reading and writing on a descriptor, the same for terminals and sockets. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DRAIN_LIMIT_MS = 2000, DRAIN_STEP_US = 1000 };

static enum status gone(const struct stream *s, struct error *e)
{
    (void)error_set(e, STATUS_LINK, "the connection to %s was lost", s->name);
    error_hint(e, "unplugged, reset or switched off? check cable and power, then run again");
    return STATUS_LINK;
}

/* Whether an errno only says that nothing can be moved just now. */
static bool is_transient(int code)
{
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

/* *ready: worth a try. A signal ends the wait early: the caller looks at the cancel flag. */
static enum status wait_for(const struct stream *s, int fd, short what, unsigned timeout_ms,
                            bool *ready, struct error *e)
{
    struct pollfd wait = {.fd = fd, .events = what};
    const int count = poll(&wait, 1, (int)timeout_ms);
    if (count < 0 && errno != EINTR)
        return error_set(e, STATUS_LINK, "%s: cannot wait: %s", s->name, strerror(errno));
    *ready = count > 0;
    return STATUS_OK;
}

enum status fd_read(const struct stream *s, int fd, uint8_t *data, size_t size, unsigned timeout_ms,
                    size_t *done, struct error *e)
{
    *done = 0;
    bool ready = false;
    TRY(wait_for(s, fd, POLLIN, timeout_ms, &ready, e));
    if (!ready)
        return STATUS_OK;
    const ssize_t count = read(fd, data, size);
    if (count > 0)
        *done = (size_t)count;
    else if (count == 0 || !is_transient(errno)) /* ready and empty: hung up; EIO: unplugged */
        return gone(s, e);
    return STATUS_OK;
}

/* What a write or send moved, or why it did not. */
static enum status moved(const struct stream *s, ssize_t count, size_t *done, struct error *e)
{
    if (count >= 0)
        *done = (size_t)count;
    else if (!is_transient(errno))
        return gone(s, e);
    return STATUS_OK;
}

enum status fd_write(const struct stream *s, int fd, const uint8_t *data, size_t size,
                     unsigned timeout_ms, size_t *done, struct error *e)
{
    *done = 0;
    bool ready = false;
    TRY(wait_for(s, fd, POLLOUT, timeout_ms, &ready, e));
    return ready ? moved(s, write(fd, data, size), done, e) : STATUS_OK;
}

enum status fd_send(const struct stream *s, int fd, const uint8_t *data, size_t size,
                    unsigned timeout_ms, size_t *done, struct error *e)
{
    *done = 0;
    bool ready = false;
    TRY(wait_for(s, fd, POLLOUT, timeout_ms, &ready, e));
    return ready ? moved(s, send(fd, data, size, MSG_NOSIGNAL), done, e) : STATUS_OK;
}

enum status fd_drain(const struct stream *s, int fd, struct error *e)
{
    const uint64_t deadline = context_now_us(s->context) + DRAIN_LIMIT_MS * 1000u;
    int waiting = 0;
    while (ioctl(fd, TIOCOUTQ, &waiting) == 0 && waiting > 0) {
        if (context_now_us(s->context) >= deadline)
            return error_set(e, STATUS_TIMEOUT, "%s: %d bytes did not leave within %d ms", s->name,
                             waiting, DRAIN_LIMIT_MS);
        TRY(context_sleep(s->context, DRAIN_STEP_US, e));
    }
    return STATUS_OK; /* a system that cannot tell counts as empty */
}
