/* Descriptors and standard requests; USB 2.0 specification, "USB Device Framework". */
#include <string.h>

#include "usb_node.h"

enum {
    GET_STATUS = 0,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    GET_INTERFACE = 10,
    DESCRIPTOR_DEVICE = 1,
    DESCRIPTOR_CONFIGURATION = 2,
    DESCRIPTOR_STRING = 3,
    STRING_MANUFACTURER = 1,
    STRING_PRODUCT = 2,
    STRING_SERIAL = 3
};

static void append(GByteArray *to, const uint8_t *bytes, size_t size)
{
    g_byte_array_append(to, bytes, (guint)size);
}

static void append_device(GByteArray *to, const struct usb_device *d)
{
    const uint8_t bytes[18] = {
        18,
        DESCRIPTOR_DEVICE,
        d->speed == USB_SPEED_HIGH ? 0x00 : 0x10,
        d->speed == USB_SPEED_HIGH ? 0x02 : 0x01,
        d->device_class,
        0,
        0,
        d->control_packet,
        (uint8_t)d->vendor,
        (uint8_t)(d->vendor >> 8),
        (uint8_t)d->product,
        (uint8_t)(d->product >> 8),
        (uint8_t)d->release,
        (uint8_t)(d->release >> 8),
        d->manufacturer != NULL ? STRING_MANUFACTURER : 0,
        d->product_name != NULL ? STRING_PRODUCT : 0,
        d->serial != NULL ? STRING_SERIAL : 0,
        1,
    };
    append(to, bytes, sizeof bytes);
}

uint8_t usb_interface_count(const struct usb_device *device)
{
    return device->interfaces == 0 ? 1 : device->interfaces;
}

static void append_interface(GByteArray *to, const struct usb_device *d, uint8_t number,
                             unsigned endpoints)
{
    const uint8_t head[9] = {9, 4, number, 0, (uint8_t)endpoints, d->interface_class, 0, 0, 0};
    append(to, head, sizeof head);
    for (unsigned i = number * endpoints; i < (number + 1) * endpoints; i++) {
        const struct usb_endpoint *e = &d->endpoints[i];
        const uint8_t endpoint[7] = {
            7, 5, e->address, e->type, (uint8_t)e->packet, (uint8_t)(e->packet >> 8), 0};
        append(to, endpoint, sizeof endpoint);
    }
}

static void append_configuration(GByteArray *to, const struct usb_device *d)
{
    uint8_t count = 0;
    while (d->endpoints[count].address != 0)
        count++;
    const uint8_t interfaces = usb_interface_count(d);
    const uint8_t total = (uint8_t)(9 + 9 * interfaces + 7 * count);
    const uint8_t head[9] = {
        9, DESCRIPTOR_CONFIGURATION, total, 0, interfaces, 1, 0, 0x80, 50, /* bus-powered, 100 mA */
    };
    append(to, head, sizeof head);
    for (uint8_t i = 0; i < interfaces; i++)
        append_interface(to, d, i, count / interfaces);
}

GByteArray *usb_descriptors(const struct usb_device *device)
{
    GByteArray *all = g_byte_array_new();
    append_device(all, device);
    append_configuration(all, device);
    return all;
}

static bool append_string(GByteArray *to, const struct usb_device *d, unsigned index)
{
    const char *const strings[] = {NULL, d->manufacturer, d->product_name, d->serial};
    if (index == 0) {
        append(to, (const uint8_t[]){4, DESCRIPTOR_STRING, 0x09, 0x04}, 4); /* US English */
        return true;
    }
    if (index >= sizeof strings / sizeof strings[0] || strings[index] == NULL)
        return false;
    const size_t length = strlen(strings[index]);
    append(to, (const uint8_t[]){(uint8_t)(2 + 2 * length), DESCRIPTOR_STRING}, 2);
    for (size_t i = 0; i < length; i++)
        append(to, (const uint8_t[]){(uint8_t)strings[index][i], 0}, 2);
    return true;
}

static bool append_descriptor(GByteArray *to, const struct usb_device *d, uint16_t value)
{
    switch (value >> 8) {
    case DESCRIPTOR_DEVICE:
        append_device(to, d);
        return true;
    case DESCRIPTOR_CONFIGURATION:
        append_configuration(to, d);
        return (value & 0xff) == 0;
    case DESCRIPTOR_STRING:
        return append_string(to, d, value & 0xff);
    default:
        return false;
    }
}

GByteArray *usb_standard_request(const struct usb_device *device, const struct usb_setup *setup)
{
    GByteArray *answer = g_byte_array_new();
    bool known = true;
    switch (setup->request) {
    case GET_DESCRIPTOR:
        known = append_descriptor(answer, device, setup->value);
        break;
    case GET_STATUS:
        append(answer, (const uint8_t[]){0, 0}, 2);
        break;
    case GET_CONFIGURATION:
        append(answer, (const uint8_t[]){1}, 1);
        break;
    case GET_INTERFACE:
        append(answer, (const uint8_t[]){0}, 1);
        break;
    default:
        known = (setup->type & 0x80) == 0; /* the SET and CLEAR requests change nothing here */
        break;
    }
    if (answer->len > setup->length)
        g_byte_array_set_size(answer, setup->length);
    if (known)
        return answer;
    g_byte_array_unref(answer);
    return NULL;
}
