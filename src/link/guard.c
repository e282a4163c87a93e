/* Opening a terminal so that it is ours alone, and giving it back as it was.
 *
 * flock() keeps out a second ispflash and whoever else takes that lock; TIOCEXCL keeps out every
 * program that does not run as root. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/serial.h>
#endif

enum {
    CLOSE_DRAIN_MS = 200, /* for the last bytes to leave */
    CLOSE_STEP_US = 1000
};

static enum status open_settled(const char *path, struct context *c, int *fd, struct error *e)
{
    for (unsigned waited_ms = 0;; waited_ms += NODE_STEP_MS) {
        *fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (*fd >= 0)
            return STATUS_OK;
        const int code = errno;
        const bool may_change = code == EACCES || code == ENOENT;
        if (!may_change || waited_ms >= NODE_SETTLE_MS || !node_is_new(path)) {
            errno = code;
            return STATUS_NO_DEVICE;
        }
        TRY(context_sleep(c, NODE_STEP_MS * 1000u, e));
    }
}

static enum status explain_permission(const char *path, struct error *e)
{
    (void)error_set(e, STATUS_PERMISSION, "%s: permission denied", path);
    struct stat info;
    if (stat(path, &info) != 0)
        return STATUS_PERMISSION;
    const struct group *group = getgrgid(info.st_gid);
    const bool group_may = (info.st_mode & (S_IRGRP | S_IWGRP)) == (S_IRGRP | S_IWGRP);
    if (group != NULL && group_may && info.st_gid != 0)
        error_hint(e,
                   "it belongs to the group %s: sudo usermod -aG %s $USER, then log in anew (or "
                   "use: newgrp %s)",
                   group->gr_name, group->gr_name, group->gr_name);
    else
        error_hint(e, "its mode is %03o and its group %s: a udev rule must grant access",
                   (unsigned)(info.st_mode & 0777), group != NULL ? group->gr_name : "unknown");
    error_hint(e, "for the usual boards, ispflash udev prints the rules and how to load them");
    return STATUS_PERMISSION;
}

static enum status explain_busy(const char *path, uint64_t device, struct error *e)
{
    char holder[96];
    if (!holder_find(device, holder, sizeof holder)) {
        (void)error_set(e, STATUS_BUSY, "%s: in use by another program", path);
        error_hint(e, "close serial monitors and other flashers; to find it: fuser -v %s", path);
        return STATUS_BUSY;
    }
    (void)error_set(e, STATUS_BUSY, "%s: in use by %s", path, holder);
    if (strncmp(holder, "ModemManager", strlen("ModemManager")) == 0)
        error_hint(e, "ModemManager looks at new serial ports for some seconds: wait, or keep it "
                      "off with the rules that ispflash udev prints");
    else
        error_hint(e, "close it, or wait until it has finished");
    return STATUS_BUSY;
}

static enum status explain_open(const char *path, int code, struct error *e)
{
    struct stat info;
    switch (code) {
    case EACCES:
    case EPERM:
        return explain_permission(path, e);
    case EBUSY: /* TIOCEXCL of another program */
        return explain_busy(path, stat(path, &info) == 0 ? (uint64_t)info.st_rdev : 0, e);
    case ENOENT:
    case ENOTDIR:
        (void)error_set(e, STATUS_NO_DEVICE, "%s: no such port", path);
        break;
    case ENXIO:
    case ENODEV:
    case EIO:
        (void)error_set(e, STATUS_NO_DEVICE, "%s: no device behind this port", path);
        break;
    default:
        (void)error_set(e, STATUS_NO_DEVICE, "%s: cannot open: %s", path, strerror(code));
        break;
    }
    port_hint_all(e);
    return STATUS_NO_DEVICE;
}

enum status stream_check(const char *path, struct error *e)
{
    struct stat info;
    char holder[96];
    if (stat(path, &info) != 0 || access(path, R_OK | W_OK) != 0)
        return explain_open(path, errno, e);
    if (holder_find((uint64_t)info.st_rdev, holder, sizeof holder))
        return explain_busy(path, (uint64_t)info.st_rdev, e);
    return STATUS_OK;
}

enum status guard_open(struct guard *g, const char *path, struct context *c, struct error *e)
{
    int fd = -1;
    const enum status status = open_settled(path, c, &fd, e);
    if (status != STATUS_OK)
        return status == STATUS_NO_DEVICE ? explain_open(path, errno, e) : status;

    struct termios saved;
    if (tcgetattr(fd, &saved) != 0) {
        (void)close(fd);
        (void)error_set(e, STATUS_NO_DEVICE, "%s: not a serial port", path);
        port_hint_all(e);
        return STATUS_NO_DEVICE;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        const int code = errno;
        struct stat info;
        const uint64_t device = fstat(fd, &info) == 0 ? (uint64_t)info.st_rdev : 0;
        if (code == EWOULDBLOCK) {
            (void)close(fd);
            return explain_busy(path, device, e);
        }
        context_log(c, LOG_NOTE, "%s: cannot be locked against other programs: %s", path,
                    strerror(code));
    }
    *g = (struct guard){.fd = fd, .saved = saved};
    return STATUS_OK;
}

void guard_exclude(struct guard *g)
{
    g->exclusive = ioctl(g->fd, TIOCEXCL) == 0;
}

/* ASYNC_LOW_LATENCY of setserial(8): the FTDI driver then sets the adapter's latency timer to 1 ms.
 */
static bool set_low_latency(const struct guard *g, bool on, bool *was_on)
{
#if defined(__linux__) && defined(ASYNC_LOW_LATENCY)
    struct serial_struct settings;
    if (ioctl(g->fd, TIOCGSERIAL, &settings) != 0)
        return false;
    *was_on = ((unsigned)settings.flags & ASYNC_LOW_LATENCY) != 0;
    if (*was_on == on)
        return true;
    settings.flags = (int)((unsigned)settings.flags ^ ASYNC_LOW_LATENCY);
    return ioctl(g->fd, TIOCSSERIAL, &settings) == 0;
#else
    (void)g;
    (void)on;
    (void)was_on;
    return false;
#endif
}

bool guard_lower_latency(struct guard *g)
{
    bool was_on = false;
    if (!set_low_latency(g, true, &was_on))
        return false;
    g->low_latency = g->low_latency || !was_on;
    return true;
}

void guard_close(struct guard *g, struct context *c)
{
    bool was_on = false;
    if (g->low_latency)
        (void)set_low_latency(g, false, &was_on); /* a port that is gone has no settings */
    /* The kernel's own wait for unsent output at close can last 30 s: bounded here instead. */
    int waiting = 0;
    for (int ms = 0; ms < CLOSE_DRAIN_MS; ms++) {
        if (ioctl(g->fd, TIOCOUTQ, &waiting) != 0 || waiting == 0)
            break;
        c->clock->sleep_us(c->clock, CLOSE_STEP_US);
    }
    (void)tcflush(g->fd, TCIOFLUSH);
    /* Nothing is left to tell the user: a port that is gone has no settings. */
    (void)tcsetattr(g->fd, TCSANOW, &g->saved);
    if (g->exclusive)
        (void)ioctl(g->fd, TIOCNXCL);
    (void)close(g->fd); /* ends the flock() too */
}
