/* A USB device's node in /dev: whether it may be opened, and who has it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"
#include "usb_link.h"

static void node_of(const struct usb_info *info, char *out, size_t capacity)
{
    (void)snprintf(out, capacity, "/dev/bus/usb/%03u/%03u", info->bus, info->address);
}

enum status usb_explain_permission(const char *name, const struct usb_info *info, struct error *e)
{
    char node[40];
    node_of(info, node, sizeof node);
    (void)error_set(e, STATUS_PERMISSION, "%s is there, but may not be opened (%s)", name, node);
    error_hint(e, "a udev rule grants access: ispflash udev prints it for all programmers, and how "
                  "to load it");
    error_hint(e, "until then: sudo chmod a+rw %s", node);
    return STATUS_PERMISSION;
}

enum status usb_explain_busy(const char *name, const struct usb_info *info, struct error *e)
{
    char node[40], holder[96];
    node_of(info, node, sizeof node);
    struct stat device;
    if (stat(node, &device) == 0 && holder_find((uint64_t)device.st_rdev, holder, sizeof holder))
        return error_set(e, STATUS_BUSY, "%s is in use by %s", name, holder);
    (void)error_set(e, STATUS_BUSY, "%s is in use by another program", name);
    error_hint(e, "to find it: fuser -v %s", node);
    return STATUS_BUSY;
}

/* A device that appeared within the last two seconds is given a second for its permissions. */
static enum status settle(const struct usb_info *info, const char *node, struct context *c,
                          struct error *e)
{
    for (unsigned waited_ms = 0;
         waited_ms < NODE_SETTLE_MS && !usb_may_open(info) && node_is_new(node);
         waited_ms += NODE_STEP_MS)
        TRY(context_sleep(c, NODE_STEP_MS * 1000u, e));
    return STATUS_OK;
}

static enum status lock_node(const char *name, const struct usb_info *info, int *lock,
                             struct error *e)
{
    char node[40];
    node_of(info, node, sizeof node);
    *lock = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return usb_explain_busy(name, info, e);
    return STATUS_OK;
}

enum status usb_lock(const char *name, const struct usb_info *info, struct context *c, int *lock,
                     struct error *e)
{
    char node[40];
    node_of(info, node, sizeof node);
    *lock = -1;
    TRY(settle(info, node, c, e));
    return lock_node(name, info, lock, e);
}

bool usb_may_open(const struct usb_info *info)
{
    char node[40];
    node_of(info, node, sizeof node);
    return access(node, R_OK | W_OK) == 0 || errno != EACCES;
}

enum status usb_check(const struct usb_info *info, struct error *e)
{
    char node[40], holder[96], name[48];
    struct stat device;
    int lock = -1;
    (void)snprintf(name, sizeof name, "usb:%s", info->path);
    node_of(info, node, sizeof node);
    if (!usb_may_open(info))
        return usb_explain_permission(name, info, e);
    const enum status status = lock_node(name, info, &lock, e);
    if (lock >= 0)
        (void)close(lock);
    TRY(status);
    const bool held =
        stat(node, &device) == 0 && holder_find((uint64_t)device.st_rdev, holder, sizeof holder);
    return held ? usb_explain_busy(name, info, e) : STATUS_OK;
}
