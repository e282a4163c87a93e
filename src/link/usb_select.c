/* Choosing one device among those that are plugged in: what -P may say, and what to tell the user
 * when the answer is none or several. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "usb_link.h"

/* What a -P means, by its shape. */
enum shape { SHAPE_ANY, SHAPE_PATH, SHAPE_ID, SHAPE_ADDRESS, SHAPE_SERIAL, SHAPE_NUMBER };

struct place {
    enum shape shape;
    const char *text;   /* behind "usb:" */
    struct usb_id id;   /* SHAPE_ID */
    const char *serial; /* SHAPE_ID, SHAPE_SERIAL; NULL: any */
    unsigned bus, address;
    unsigned number; /* SHAPE_NUMBER: among those wanted, in the system's order, from 0 */
};

static bool all_of(const char *text, size_t size, int (*is)(int))
{
    for (size_t i = 0; i < size; i++)
        if (!is((unsigned char)text[i]))
            return false;
    return size > 0;
}

bool usb_is_path(const char *text)
{
    const size_t bus = strcspn(text, "-");
    if (text[bus] == '\0' || !all_of(text, bus, isdigit))
        return false;
    const char *ports = text + bus + 1;
    for (;;) {
        const size_t port = strcspn(ports, ".");
        if (!all_of(ports, port, isdigit))
            return false;
        if (ports[port] == '\0')
            return true;
        ports += port + 1;
    }
}

static struct place place_of(const char *port)
{
    struct place place = {.shape = SHAPE_ANY};
    if (port == NULL || strcmp(port, "usb") == 0)
        return place;
    place.text = port + strlen("usb:");
    const char *colon = strchr(place.text, ':');
    const size_t first = strcspn(place.text, ":");
    const size_t second = colon == NULL ? 0 : strcspn(colon + 1, ":");
    const bool two = colon != NULL && colon[1 + second] == '\0';
    if (place.text[0] == '#' && all_of(place.text + 1, strlen(place.text + 1), isdigit)) {
        place.shape = SHAPE_NUMBER;
        place.number = (unsigned)strtoul(place.text + 1, NULL, 10);
    } else if (usb_is_path(place.text)) {
        place.shape = SHAPE_PATH;
    } else if (first == 4 && second == 4 && all_of(place.text, 4, isxdigit) &&
               all_of(colon + 1, 4, isxdigit)) {
        place.shape = SHAPE_ID;
        place.id.vendor = (uint16_t)strtoul(place.text, NULL, 16);
        place.id.product = (uint16_t)strtoul(colon + 1, NULL, 16);
        place.serial = two ? NULL : colon + 1 + second + 1;
    } else if (two && first <= 3 && second <= 3 && all_of(place.text, first, isdigit) &&
               all_of(colon + 1, second, isdigit)) {
        place.shape = SHAPE_ADDRESS;
        place.bus = (unsigned)strtoul(place.text, NULL, 10);
        place.address = (unsigned)strtoul(colon + 1, NULL, 10);
    } else {
        place.shape = SHAPE_SERIAL;
        place.serial = place.text;
    }
    return place;
}

enum status usb_check_port(const char *port, struct error *e)
{
    const bool fits = port == NULL || strcmp(port, "usb") == 0 ||
                      (strncmp(port, "usb:", strlen("usb:")) == 0 && port[strlen("usb:")] != '\0');
    if (fits)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "-P %s: this programmer is a USB device without a port name",
                    port);
    error_hint(e, "leave -P out, or name it: usb:1-2.3 (where it is plugged in), "
                  "usb:VID:PID[:SERIAL], usb:BUS:DEV or usb:SERIAL");
    return STATUS_USAGE;
}

/* --- What fits ------------------------------------------------------------------------------- */

static bool has_id(const struct usb_info *info, const struct usb_id *ids)
{
    for (; ids->vendor != 0; ids++)
        if (info->vendor == ids->vendor && info->product == ids->product)
            return true;
    return false;
}

static bool has_strings(const struct usb_info *info, const struct usb_wanted *wanted)
{
    return (wanted->manufacturer == NULL ||
            strcmp(info->manufacturer, wanted->manufacturer) == 0) &&
           (wanted->title == NULL || strcmp(info->title, wanted->title) == 0);
}

static bool is_wanted(const struct usb_info *info, const struct usb_wanted *wanted)
{
    return has_id(info, wanted->ids) && has_strings(info, wanted);
}

static size_t without_colons(const char *text, char *out, size_t capacity)
{
    size_t size = 0;
    for (; *text != '\0' && size + 1 < capacity; text++)
        if (*text != ':')
            out[size++] = *text;
    out[size] = '\0';
    return size;
}

/* The whole serial number or its end, colons ignored, as avrdude has it. */
static bool has_serial(const struct usb_info *info, const char *serial, bool whole)
{
    char have[sizeof info->serial], want[sizeof info->serial];
    const size_t have_size = without_colons(info->serial, have, sizeof have);
    const size_t want_size = without_colons(serial, want, sizeof want);
    if (want_size > have_size || (whole && want_size != have_size))
        return false;
    return strcmp(have + have_size - want_size, want) == 0;
}

static bool fits(const struct usb_info *info, const struct usb_wanted *wanted,
                 const struct place *place, bool whole_serial)
{
    switch (place->shape) {
    case SHAPE_ANY:
        return is_wanted(info, wanted);
    case SHAPE_PATH:
        return strcmp(info->path, place->text) == 0;
    case SHAPE_ID:
        return info->vendor == place->id.vendor && info->product == place->id.product &&
               (place->serial == NULL || has_serial(info, place->serial, whole_serial));
    case SHAPE_ADDRESS:
        return info->bus == place->bus && info->address == place->address;
    case SHAPE_SERIAL:
        return is_wanted(info, wanted) && has_serial(info, place->serial, whole_serial);
    case SHAPE_NUMBER:
        return false;
    }
    return false;
}

/* --- What to say ----------------------------------------------------------------------------- */

/* `USBtinyISP, serial number 0042` */
static void describe(const struct usb_info *info, char *out, size_t capacity)
{
    const char *title = info->title[0] != '\0' ? info->title : "without a name";
    const char *by = info->manufacturer[0] != '\0' ? " by " : "";
    if (info->serial[0] != '\0')
        (void)snprintf(out, capacity, "%s%s%s, serial number %s", title, by, info->manufacturer,
                       info->serial);
    else
        (void)snprintf(out, capacity, "%s%s%s", title, by, info->manufacturer);
}

static void hint_device(struct error *e, const struct usb_info *info)
{
    char text[224];
    describe(info, text, sizeof text);
    error_hint(e, "-P usb:%s   %04x:%04x %s", info->path, info->vendor, info->product, text);
}

/* What is there that looks like the thing wanted, and why it is not. */
static void hint_lookalikes(const struct usb_wanted *wanted, const struct usb_info *infos,
                            size_t count, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        char text[224];
        describe(&infos[i], text, sizeof text);
        if (has_id(&infos[i], wanted->ids) && !has_strings(&infos[i], wanted)) {
            error_hint(e, "seen at usb:%s: %04x:%04x %s, not \"%s\"%s%s", infos[i].path,
                       infos[i].vendor, infos[i].product, text, wanted->title,
                       wanted->anyway == NULL ? "" : "; if it is a clone: -c ",
                       wanted->anyway == NULL ? "" : wanted->anyway);
            continue;
        }
        const struct usb_lookalike *like = wanted->lookalikes;
        for (; like != NULL && like->vendor != 0; like++)
            if (infos[i].vendor == like->vendor && infos[i].product == like->product)
                error_hint(e, "seen at usb:%s: %04x:%04x %s: %s", infos[i].path, infos[i].vendor,
                           infos[i].product, text, like->why);
    }
}

/* "1781:0c9f or 03eb:c7b4" */
static void list_ids(const struct usb_id *ids, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (const struct usb_id *id = ids; id->vendor != 0 && used < capacity; id++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%04x:%04x",
                                 id == ids ? "" : " or ", id->vendor, id->product);
}

static enum status explain_none(const struct usb_wanted *wanted, const char *port,
                                const struct usb_info *infos, size_t count, struct error *e)
{
    char ids[160];
    list_ids(wanted->ids, ids, sizeof ids);
    const struct place place = place_of(port);
    if (place.shape == SHAPE_ANY)
        (void)error_set(e, STATUS_NO_DEVICE, "no %s is plugged in (USB id %s)", wanted->programmer,
                        ids);
    else if (place.shape == SHAPE_NUMBER)
        (void)error_set(e, STATUS_NO_DEVICE, "no %s number %u (from 0) is plugged in",
                        wanted->programmer, place.number);
    else if (place.shape == SHAPE_SERIAL)
        (void)error_set(e, STATUS_NO_DEVICE, "no %s with the serial number %s is plugged in",
                        wanted->programmer, place.serial);
    else
        (void)error_set(e, STATUS_NO_DEVICE, "no USB device at %s", port);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(&infos[i], wanted))
            continue;
        any = true;
        hint_device(e, &infos[i]);
    }
    if (!any)
        hint_lookalikes(wanted, infos, count, e);
    if (e->hint[0] == '\0')
        error_hint(e, "check the cable, and whether lsusb shows the device");
    return STATUS_NO_DEVICE;
}

static enum status explain_several(const struct usb_wanted *wanted, const struct place *place,
                                   bool whole_serial, const struct usb_info *infos, size_t count,
                                   size_t found, struct error *e)
{
    (void)error_set(e, STATUS_NO_DEVICE, "%zu devices could be the %s; which one?", found,
                    wanted->programmer);
    for (size_t i = 0; i < count; i++)
        if (fits(&infos[i], wanted, place, whole_serial))
            hint_device(e, &infos[i]);
    return STATUS_NO_DEVICE;
}

/* A device that was named by its place must be of the kind wanted. */
static enum status check_kind(const struct usb_wanted *wanted, const struct usb_info *info,
                              const char *port, struct error *e)
{
    if (is_wanted(info, wanted))
        return STATUS_OK;
    char text[224], ids[160];
    describe(info, text, sizeof text);
    list_ids(wanted->ids, ids, sizeof ids);
    (void)error_set(e, STATUS_NO_DEVICE, "%s is %04x:%04x %s, not a %s (%s)", port, info->vendor,
                    info->product, text, wanted->programmer, ids);
    if (has_id(info, wanted->ids) && wanted->anyway != NULL)
        error_hint(e, "if it is a clone: -c %s", wanted->anyway);
    else
        error_hint(e, "if it speaks the protocol all the same: -P usb:%04x:%04x", info->vendor,
                   info->product);
    return STATUS_NO_DEVICE;
}

enum status usb_select(const struct usb_wanted *wanted, const char *port,
                       const struct usb_info *infos, size_t count, size_t *chosen, struct error *e)
{
    TRY(usb_check_port(port, e));
    const struct place place = place_of(port);
    for (size_t i = 0, number = 0; i < count && place.shape == SHAPE_NUMBER; i++) {
        if (!is_wanted(&infos[i], wanted) || number++ != place.number)
            continue;
        *chosen = i;
        return STATUS_OK;
    }
    for (int whole_serial = 1; whole_serial >= 0; whole_serial--) {
        size_t found = 0, last = 0;
        for (size_t i = 0; i < count; i++) {
            if (fits(&infos[i], wanted, &place, whole_serial)) {
                found++;
                last = i;
            }
        }
        if (found > 1)
            return explain_several(wanted, &place, whole_serial, infos, count, found, e);
        if (found == 1) {
            if (place.shape == SHAPE_PATH || place.shape == SHAPE_ADDRESS)
                TRY(check_kind(wanted, &infos[last], port, e));
            *chosen = last;
            return STATUS_OK;
        }
    }
    return explain_none(wanted, port, infos, count, e);
}

void usb_clean_string(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (isprint((unsigned char)*from))
            *to++ = *from;
    *to = '\0';
    while (to > text && to[-1] == ' ')
        *--to = '\0';
}

void usb_serial_text(const uint16_t *units, size_t count, char *out, size_t capacity)
{
    bool printable = true;
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        printable = printable && units[i] >= ' ' && units[i] < 0x7f;
    out[0] = '\0';
    for (size_t i = 0; i < count && used + 3 <= capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, printable ? "%c" : "%02X",
                                 units[i] & 0xff);
    if (printable)
        usb_clean_string(out);
}

/* Up to three bytes a character: there are no others in UTF-16 units by themselves. */
void usb_serial_text_utf8(const char *text, size_t size, char *out, size_t capacity)
{
    enum { UNITS_MAX = 126 }; /* of a string descriptor: USB 2.0 specification, "String" */
    uint16_t units[UNITS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < size && count < UNITS_MAX; count++) {
        const uint8_t first = (uint8_t)text[i++];
        const unsigned more = first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
        unsigned unit = more == 2 ? first & 0x0fu : more == 1 ? first & 0x1fu : first;
        for (unsigned k = 0; k < more && i < size; k++)
            unit = unit << 6 | ((uint8_t)text[i++] & 0x3fu);
        units[count] = (uint16_t)unit;
    }
    usb_serial_text(units, count, out, capacity);
}
