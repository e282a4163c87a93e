/* USB devices through libusb-1.0: enumeration, opening, and the queue's transfers. */
#include <libusb.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link.h"
#include "usb_link.h"

/* Our side of one queue slot. The library's transfer lives as long as the device is open. */
struct slot {
    struct libusb_transfer *transfer;
    struct usb_transfer *current; /* NULL: not with the library */
    unsigned char *buffer;        /* control: setup packet and data; bulk: data */
    size_t capacity;
};

struct libusb_link {
    struct usb base; /* first: cast from struct usb */
    libusb_context *library;
    libusb_device_handle *handle;
    bool claimed;
    int lock; /* the node, flock()ed; -1: none */
    int any_ended;
    struct slot slots[USB_QUEUE_MAX];
};

enum { DATA_AT = LIBUSB_CONTROL_SETUP_SIZE };

/* --- Enumeration ----------------------------------------------------------------------------- */

static void path_of(libusb_device *device, char *out, size_t capacity)
{
    uint8_t ports[8]; /* USB 3.2 specification: at most seven tiers */
    const int count = libusb_get_port_numbers(device, ports, sizeof ports);
    size_t used = (size_t)snprintf(out, capacity, "%u", libusb_get_bus_number(device));
    for (int i = 0; i < count && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%c%u", i == 0 ? '-' : '.', ports[i]);
}

/* A string as the system read it when the device was plugged in: needs no permission and no time on
 * the bus. */
static bool string_from_sysfs(const char *path, const char *name, char *out, size_t capacity)
{
    char file_name[96];
    (void)snprintf(file_name, sizeof file_name, "/sys/bus/usb/devices/%s/%s", path, name);
    FILE *file = fopen(file_name, "r");
    if (file == NULL)
        return false;
    const bool read = fgets(out, (int)capacity, file) != NULL;
    (void)fclose(file);
    if (!read)
        out[0] = '\0';
    usb_clean_string(out);
    return read;
}

static void string_from_device(libusb_device_handle *handle, uint8_t index, char *out,
                               size_t capacity)
{
    out[0] = '\0';
    if (index != 0 &&
        libusb_get_string_descriptor_ascii(handle, index, (unsigned char *)out, (int)capacity) < 0)
        out[0] = '\0';
    usb_clean_string(out);
}

static void read_strings(libusb_device *device, const struct libusb_device_descriptor *d,
                         struct usb_info *info)
{
    struct {
        const char *name;
        uint8_t index;
        char *out;
    } const strings[] = {
        {"manufacturer", d->iManufacturer, info->manufacturer},
        {"product", d->iProduct, info->title},
        {"serial", d->iSerialNumber, info->serial},
    };
    libusb_device_handle *handle = NULL;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const size_t capacity = sizeof info->serial;
        if (strings[i].index == 0 ||
            string_from_sysfs(info->path, strings[i].name, strings[i].out, capacity))
            continue;
        if (handle == NULL && libusb_open(device, &handle) != 0)
            return;
        string_from_device(handle, strings[i].index, strings[i].out, capacity);
    }
    if (handle != NULL)
        libusb_close(handle);
}

/* False: a hub, or not to be looked at. */
static bool describe(libusb_device *device, struct usb_info *info)
{
    struct libusb_device_descriptor d;
    if (libusb_get_device_descriptor(device, &d) != 0 || d.bDeviceClass == LIBUSB_CLASS_HUB)
        return false;
    *info = (struct usb_info){.vendor = d.idVendor,
                              .product = d.idProduct,
                              .release = d.bcdDevice,
                              .bus = libusb_get_bus_number(device),
                              .address = libusb_get_device_address(device)};
    path_of(device, info->path, sizeof info->path);
    read_strings(device, &d, info);
    return true;
}

/* All devices but hubs, to be freed by found_free(). */
struct found {
    libusb_device **all;     /* the library's list, hubs among them */
    libusb_device **devices; /* as many as infos, each the same device */
    struct usb_info *infos;
    size_t count;
};

static void found_free(struct found *found)
{
    free(found->devices);
    free(found->infos);
    if (found->all != NULL)
        libusb_free_device_list(found->all, 1);
    *found = (struct found){0};
}

static enum status find_all(libusb_context *library, struct found *found, struct error *e)
{
    *found = (struct found){0};
    const ssize_t total = libusb_get_device_list(library, &found->all);
    if (total < 0)
        return error_set(e, STATUS_NO_DEVICE, "the USB devices cannot be listed: %s",
                         libusb_strerror((int)total));
    found->devices = calloc((size_t)total + 1, sizeof(libusb_device *));
    found->infos = calloc((size_t)total + 1, sizeof *found->infos);
    if (found->devices == NULL || found->infos == NULL) {
        found_free(found);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    for (ssize_t i = 0; i < total; i++) {
        if (!describe(found->all[i], &found->infos[found->count]))
            continue;
        found->devices[found->count++] = found->all[i];
    }
    return STATUS_OK;
}

static enum status library_open(libusb_context **library, struct error *e)
{
    const int result = libusb_init(library);
    if (result == 0)
        return STATUS_OK;
    return error_set(e, STATUS_NO_DEVICE, "USB cannot be used: %s", libusb_strerror(result));
}

enum status usb_list(void (*each)(const struct usb_info *info, void *user), void *user,
                     struct error *e)
{
    libusb_context *library;
    TRY(library_open(&library, e));
    struct found found;
    const enum status status = find_all(library, &found, e);
    if (status == STATUS_OK)
        for (size_t i = 0; i < found.count; i++)
            each(&found.infos[i], user);
    found_free(&found);
    libusb_exit(library);
    return status;
}

/* --- Opening --------------------------------------------------------------------------------- */

static void node_of(const struct usb_info *info, char *out, size_t capacity)
{
    (void)snprintf(out, capacity, "/dev/bus/usb/%03u/%03u", info->bus, info->address);
}

static enum status explain_permission(const struct libusb_link *self, struct error *e)
{
    char node[40];
    node_of(&self->base.info, node, sizeof node);
    (void)error_set(e, STATUS_PERMISSION, "%s is there, but may not be opened (%s)",
                    self->base.name, node);
    error_hint(e,
               "a udev rule grants access, in /etc/udev/rules.d/60-ispflash.rules: "
               "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"%04x\", ATTR{idProduct}==\"%04x\", "
               "TAG+=\"uaccess\"",
               self->base.info.vendor, self->base.info.product);
    error_hint(e, "then: sudo udevadm control --reload, and plug the programmer in again");
    return STATUS_PERMISSION;
}

static enum status explain_busy(const struct libusb_link *self, struct error *e)
{
    char node[40], holder[96];
    node_of(&self->base.info, node, sizeof node);
    struct stat info;
    if (stat(node, &info) == 0 && holder_find((uint64_t)info.st_rdev, holder, sizeof holder))
        return error_set(e, STATUS_BUSY, "%s is in use by %s", self->base.name, holder);
    (void)error_set(e, STATUS_BUSY, "%s is in use by another program", self->base.name);
    error_hint(e, "to find it: fuser -v %s", node);
    return STATUS_BUSY;
}

static enum status explain_open(const struct libusb_link *self, int result, struct error *e)
{
    switch (result) {
    case LIBUSB_ERROR_ACCESS:
        return explain_permission(self, e);
    case LIBUSB_ERROR_BUSY:
        return explain_busy(self, e);
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND:
        return error_set(e, STATUS_NO_DEVICE, "%s has just been unplugged", self->base.name);
    default:
        return error_set(e, STATUS_NO_DEVICE, "%s cannot be opened: %s", self->base.name,
                         libusb_strerror(result));
    }
}

/* Keeps a second ispflash out before it sends anything. Without permission to open the node there
 * is nothing to lock: opening it for real fails next and says so. */
static enum status lock_node(struct libusb_link *self, struct error *e)
{
    char node[40];
    node_of(&self->base.info, node, sizeof node);
    self->lock = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (self->lock >= 0 && flock(self->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return explain_busy(self, e);
    return STATUS_OK;
}

static enum status open_device(struct libusb_link *self, libusb_device *device, struct error *e)
{
    TRY(lock_node(self, e));
    int result = libusb_open(device, &self->handle);
    if (result == 0)
        result = libusb_claim_interface(self->handle, 0);
    if (result != 0)
        return explain_open(self, result, e);
    self->claimed = true;
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        self->slots[i].transfer = libusb_alloc_transfer(0);
        if (self->slots[i].transfer == NULL)
            return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    return STATUS_OK;
}

static enum status find_and_open(struct libusb_link *self, const struct usb_wanted *wanted,
                                 const char *port, struct error *e)
{
    TRY(library_open(&self->library, e));
    struct found found;
    TRY(find_all(self->library, &found, e));
    size_t chosen = 0;
    enum status status = usb_select(wanted, port, found.infos, found.count, &chosen, e);
    if (status == STATUS_OK) {
        self->base.info = found.infos[chosen];
        (void)snprintf(self->base.name, sizeof self->base.name, "%s at usb:%s", wanted->programmer,
                       self->base.info.path);
        status = open_device(self, found.devices[chosen], e);
    }
    found_free(&found);
    return status;
}

static void link_close(struct usb *u)
{
    struct libusb_link *self = (struct libusb_link *)u;
    if (self->claimed)
        (void)libusb_release_interface(self->handle, 0); /* fails if it was unplugged */
    if (self->handle != NULL)
        libusb_close(self->handle); /* also takes back transfers that never ended */
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        libusb_free_transfer(self->slots[i].transfer);
        free(self->slots[i].buffer);
    }
    if (self->lock >= 0)
        (void)close(self->lock); /* ends the flock() too */
    if (self->library != NULL)
        libusb_exit(self->library);
    free(self);
}

/* --- Transfers ------------------------------------------------------------------------------- */

static enum usb_result result_of(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
        return USB_DONE;
    case LIBUSB_TRANSFER_STALL:
        return USB_STALLED;
    case LIBUSB_TRANSFER_NO_DEVICE:
        return USB_GONE;
    case LIBUSB_TRANSFER_CANCELLED:
        return USB_DROPPED;
    case LIBUSB_TRANSFER_OVERFLOW:
        return USB_OVERFLOW;
    case LIBUSB_TRANSFER_TIMED_OUT: /* the library's own limit, which we never set */
    case LIBUSB_TRANSFER_ERROR:
        break;
    }
    return USB_FAILED;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *transfer)
{
    struct libusb_link *self = transfer->user_data;
    for (size_t i = 0; i < USB_QUEUE_MAX; i++) {
        struct slot *slot = &self->slots[i];
        struct usb_transfer *t = slot->current;
        if (slot->transfer != transfer || t == NULL)
            continue;
        slot->current = NULL;
        self->any_ended = 1;
        t->actual = (size_t)transfer->actual_length;
        t->result = result_of(transfer->status);
        if (t->in != NULL && t->actual > 0 && t->actual <= t->size)
            memcpy(t->in, slot->buffer + (t->request.endpoint == 0 ? DATA_AT : 0), t->actual);
    }
}

static bool reserve(struct slot *slot, size_t size)
{
    if (size <= slot->capacity)
        return true;
    unsigned char *larger = realloc(slot->buffer, size);
    if (larger == NULL)
        return false;
    slot->buffer = larger;
    slot->capacity = size;
    return true;
}

static enum status link_submit(struct usb *u, struct usb_transfer *t, struct error *e)
{
    struct libusb_link *self = (struct libusb_link *)u;
    struct slot *slot = &self->slots[t->slot];
    const struct usb_request *r = &t->request;
    if (slot->current != NULL)
        return error_set(e, STATUS_LINK, "the one before it has not come back");
    if (!reserve(slot, DATA_AT + t->size))
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    if (t->out != NULL && t->size > 0)
        memcpy(slot->buffer + (r->endpoint == 0 ? DATA_AT : 0), t->out, t->size);
    if (r->endpoint == 0) {
        libusb_fill_control_setup(slot->buffer, r->type, r->request, r->value, r->index,
                                  (uint16_t)t->size);
        libusb_fill_control_transfer(slot->transfer, self->handle, slot->buffer, on_end, self, 0);
    } else {
        libusb_fill_bulk_transfer(slot->transfer, self->handle, r->endpoint, slot->buffer,
                                  (int)t->size, on_end, self, 0);
    }
    slot->current = t;
    const int result = libusb_submit_transfer(slot->transfer);
    if (result == 0)
        return STATUS_OK;
    slot->current = NULL;
    if (result != LIBUSB_ERROR_NO_DEVICE)
        return error_set(e, STATUS_LINK, "%s", libusb_strerror(result));
    t->result = USB_GONE;
    return STATUS_OK;
}

static enum status link_wait(struct usb *u, unsigned timeout_ms, struct error *e)
{
    struct libusb_link *self = (struct libusb_link *)u;
    struct timeval slice = {.tv_usec = (suseconds_t)timeout_ms * 1000};
    self->any_ended = 0;
    const int result =
        libusb_handle_events_timeout_completed(self->library, &slice, &self->any_ended);
    if (result == 0 || result == LIBUSB_ERROR_INTERRUPTED)
        return STATUS_OK;
    return error_set(e, STATUS_LINK, "%s: %s", u->name, libusb_strerror(result));
}

static void link_cancel(struct usb *u, struct usb_transfer *t)
{
    const struct libusb_link *self = (const struct libusb_link *)u;
    /* It fails where the transfer has ended already: wait() will tell. */
    (void)libusb_cancel_transfer(self->slots[t->slot].transfer);
}

static const struct usb_ops link_ops = {
    .submit = link_submit,
    .wait = link_wait,
    .cancel = link_cancel,
    .close = link_close,
};

enum status usb_open(const struct usb_wanted *wanted, const char *port, struct context *c,
                     struct usb **out, struct error *e)
{
    struct libusb_link *self = calloc(1, sizeof *self);
    if (self == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    self->base.ops = &link_ops;
    self->base.context = c;
    self->lock = -1;
    const enum status status = find_and_open(self, wanted, port, e);
    if (status != STATUS_OK) {
        usb_close(&self->base);
        return status;
    }
    context_log(c, LOG_DETAIL, "%s: USB %04x:%04x, release %x.%02x%s%s", self->base.name,
                self->base.info.vendor, self->base.info.product, self->base.info.release >> 8,
                self->base.info.release & 0xff, self->base.info.title[0] == '\0' ? "" : ", ",
                self->base.info.title);
    *out = &self->base;
    return STATUS_OK;
}
