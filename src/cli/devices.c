#include "devices.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/stream.h"
#include "programmer/usb_ids.h"

/* --- what is there -------------------------------------------------------------------------- */

struct collector {
    struct device_list *list;
    bool complete; /* memory did not run out */
};

static struct device *add(struct collector *c)
{
    struct device_list *list = c->list;
    struct device *devices = realloc(list->devices, (list->count + 1) * sizeof *devices);
    if (devices == NULL) {
        c->complete = false;
        return NULL;
    }
    list->devices = devices;
    devices[list->count] = (struct device){.access = STATUS_OK};
    return &devices[list->count++];
}

static void copy(char *out, size_t capacity, const char *text)
{
    (void)snprintf(out, capacity, "%s", text != NULL ? text : "");
}

/* The name udev gave it by what it is, rather than by when it came. */
static void find_by_id(struct device *d)
{
    static const char folder[] = "/dev/serial/by-id";
    DIR *names = opendir(folder);
    const struct dirent *name;
    while (names != NULL && d->by_id[0] == '\0' && (name = readdir(names)) != NULL) {
        char link[PATH_MAX], target[PATH_MAX];
        (void)snprintf(link, sizeof link, "%s/%s", folder, name->d_name);
        if (realpath(link, target) != NULL && strcmp(target, d->port) == 0)
            copy(d->by_id, sizeof d->by_id, link);
    }
    if (names != NULL)
        (void)closedir(names);
}

static void take_port(const struct stream_port *port, void *user)
{
    struct device *d = add(user);
    if (d == NULL)
        return;
    d->serial_port = true;
    d->usb = port->usb;
    d->info.vendor = port->vendor;
    d->info.product = port->product;
    copy(d->port, sizeof d->port, port->path);
    copy(d->info.manufacturer, sizeof d->info.manufacturer, port->manufacturer);
    copy(d->info.title, sizeof d->info.title, port->title);
    copy(d->info.serial, sizeof d->info.serial, port->serial);
    copy(d->info.path, sizeof d->info.path, port->usb_path);
    find_by_id(d);
    d->access = stream_check(d->port, &d->problem);
}

static void take_usb(const struct usb_info *info, void *user)
{
    struct device *d = add(user);
    if (d == NULL)
        return;
    d->usb = true;
    d->info = *info;
    (void)snprintf(d->port, sizeof d->port, "usb:%s", info->path);
    d->access = usb_check(info, &d->problem);
}

static void find_usb(struct collector *collector, struct context *c)
{
    struct error e = {0};
    if (usb_list(take_usb, collector, &e) != STATUS_OK)
        context_log(c, LOG_WARNING, "%s", e.text);
}

static int compare(const void *a, const void *b)
{
    const struct device *one = a, *other = b;
    if (one->serial_port != other->serial_port)
        return one->serial_port ? -1 : 1;
    return strcmp(one->port, other->port);
}

enum status devices_find(struct device_list *list, struct context *c, struct error *e)
{
    *list = (struct device_list){0};
    struct collector collector = {.list = list, .complete = true};
    stream_list(take_port, &collector);
    find_usb(&collector, c);
    if (!collector.complete) {
        devices_free(list);
        return error_set(e, STATUS_NO_MEMORY, "no memory for the list of devices");
    }
    if (list->count > 0)
        qsort(list->devices, list->count, sizeof *list->devices, compare);
    return STATUS_OK;
}

void devices_free(struct device_list *list)
{
    free(list->devices);
    *list = (struct device_list){0};
}

/* --- what it is ----------------------------------------------------------------------------- */

/* What the entry wants the device to call itself; without such a wish anything will do. */
static bool has_string(const struct programmer_entry *entry, const char *key, const char *string)
{
    char wanted[48];
    return !programmer_entry_setting(entry, key, wanted, sizeof wanted) ||
           strcmp(wanted, string) == 0;
}

static bool has_usb_id(const struct device *d, const struct programmer_entry *entry)
{
    struct usb_id ids[USB_IDS_MAX + 1];
    if (!programmer_usb_ids(entry, ids))
        return false;
    for (const struct usb_id *id = ids; id->vendor != 0; id++)
        if (id->vendor == d->info.vendor && id->product == d->info.product)
            return has_string(entry, "vendor", d->info.manufacturer) &&
                   has_string(entry, "product", d->info.title);
    return false;
}

/* A port without USB, soldered to the machine, may lead to anything that sits on one. */
static bool has_serial_id(const struct device *d, const struct programmer_driver *driver)
{
    const struct stream_usb_id *id = driver != NULL ? driver->serial_ids : NULL;
    if (id != NULL && !d->usb)
        return true;
    for (; id != NULL && id->vendor != 0; id++)
        if (id->vendor == d->info.vendor && (id->product == 0 || id->product == d->info.product))
            return true;
    return false;
}

/* True if the device is a programmer by its strings too, of which this entry would take any. */
static bool is_known_better(const struct device *d, const struct programmer_entry *entry,
                            const struct programmer_entry *entries)
{
    char anyway[48];
    for (; entries->id != NULL; entries++)
        if (programmer_entry_setting(entries, "anyway", anyway, sizeof anyway) &&
            strcmp(anyway, entry->id) == 0 && has_usb_id(d, entries))
            return true;
    return false;
}

enum device_fit device_fit(const struct device *d, const struct programmer_entry *entry,
                           const struct programmer_entry *entries)
{
    const struct programmer_driver *driver = programmer_driver_of(entry);
    if (d->serial_port)
        return has_serial_id(d, driver) ? DEVICE_FITS : DEVICE_FITS_NOT;
    if (!has_usb_id(d, entry) || is_known_better(d, entry, entries))
        return DEVICE_FITS_NOT;
    return driver != NULL ? DEVICE_FITS : DEVICE_HAS_NO_DRIVER;
}

const char *device_lookalike(const struct device *d, const struct programmer_entry *entries)
{
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        const struct usb_lookalike *like = driver != NULL ? driver->lookalikes : NULL;
        for (; like != NULL && like->vendor != 0 && !d->serial_port; like++)
            if (like->vendor == d->info.vendor && like->product == d->info.product)
                return like->why;
    }
    return NULL;
}

bool device_is_board(const struct device *d, const struct board *board)
{
    return d->serial_port && d->usb && board_shows(board, d->info.vendor, d->info.product);
}

bool device_is_bootloader(const struct device *d, const struct bootloader *b)
{
    return d->usb && b->has_usb && b->usb_vendor == d->info.vendor &&
           b->usb_product == d->info.product;
}
