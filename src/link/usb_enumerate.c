/* Which USB devices are plugged in, through libusb-1.0. */
#include "usb_enumerate.h"

#include <stdio.h>
#include <stdlib.h>

#include "usb_link.h"

static void path_of(libusb_device *device, char *out, size_t capacity)
{
    uint8_t ports[8]; /* USB 3.2 specification: at most seven tiers */
    const int count = libusb_get_port_numbers(device, ports, sizeof ports);
    size_t used = (size_t)snprintf(out, capacity, "%u", libusb_get_bus_number(device));
    for (int i = 0; i < count && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%c%u", i == 0 ? '-' : '.', ports[i]);
}

enum { STRING_MAX = 255, LANGUAGE_ENGLISH = 0x0409 };

/* A string as the system read it when the device was plugged in: needs no permission and no time on
 * the bus. */
static bool string_from_sysfs(const char *path, const char *name, bool serial, char *out,
                              size_t capacity)
{
    char file_name[96], text[3 * STRING_MAX];
    (void)snprintf(file_name, sizeof file_name, "/sys/bus/usb/devices/%s/%s", path, name);
    FILE *file = fopen(file_name, "r");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    if (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    if (serial) {
        usb_serial_text_utf8(text, size, out, capacity);
        return size > 0;
    }
    (void)snprintf(out, capacity, "%s", text);
    usb_clean_string(out);
    return size > 0;
}

static void serial_from_device(libusb_device_handle *handle, uint8_t index, char *out,
                               size_t capacity)
{
    unsigned char bytes[STRING_MAX];
    uint16_t units[STRING_MAX / 2];
    size_t count = 0;
    const int size =
        libusb_get_string_descriptor(handle, index, LANGUAGE_ENGLISH, bytes, sizeof bytes);
    for (int i = 2; i + 1 < size; i += 2) /* behind length and type */
        units[count++] = (uint16_t)(bytes[i] | bytes[i + 1] << 8);
    usb_serial_text(units, count, out, capacity);
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
        const bool serial = strings[i].out == info->serial;
        if (strings[i].index == 0 ||
            string_from_sysfs(info->path, strings[i].name, serial, strings[i].out, capacity))
            continue;
        if (handle == NULL && libusb_open(device, &handle) != 0)
            return;
        if (serial)
            serial_from_device(handle, strings[i].index, strings[i].out, capacity);
        else
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

void usb_found_free(struct usb_found *found)
{
    free(found->devices);
    free(found->infos);
    if (found->all != NULL)
        libusb_free_device_list(found->all, 1);
    *found = (struct usb_found){0};
}

enum status usb_find_all(libusb_context *library, struct usb_found *found, struct error *e)
{
    *found = (struct usb_found){0};
    const ssize_t total = libusb_get_device_list(library, &found->all);
    if (total < 0)
        return error_set(e, STATUS_NO_DEVICE, "the USB devices cannot be listed: %s",
                         libusb_strerror((int)total));
    found->devices = calloc((size_t)total + 1, sizeof(libusb_device *));
    found->infos = calloc((size_t)total + 1, sizeof *found->infos);
    if (found->devices == NULL || found->infos == NULL) {
        usb_found_free(found);
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    }
    for (ssize_t i = 0; i < total; i++) {
        if (!describe(found->all[i], &found->infos[found->count]))
            continue;
        found->devices[found->count++] = found->all[i];
    }
    return STATUS_OK;
}

enum status usb_library_open(libusb_context **library, struct error *e)
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
    TRY(usb_library_open(&library, e));
    struct usb_found found;
    const enum status status = usb_find_all(library, &found, e);
    if (status == STATUS_OK)
        for (size_t i = 0; i < found.count; i++)
            each(&found.infos[i], user);
    usb_found_free(&found);
    libusb_exit(library);
    return status;
}
