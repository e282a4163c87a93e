/* From what the user calls a port to an open stream, and finding the port when nobody named one. */
#include "link.h"
#include "recording_link.h"

#include <ctype.h>
#include <libgen.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "usb_link.h"

/* What "1-2.3", "VID:PID[:SERIAL]" or "SERIAL" asks for. */
struct usb_wish {
    const char *path;    /* NULL: any */
    int vendor, product; /* -1: any */
    const char *serial;  /* NULL: any */
};

static bool parse_id(const char *text, size_t length, int *id)
{
    if (length == 0 || length > 4)
        return false;
    *id = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
        const int c = tolower((unsigned char)text[i]);
        *id = *id * 16 + (isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return true;
}

static struct usb_wish parse_wish(const char *what)
{
    struct usb_wish wish = {.vendor = -1, .product = -1, .serial = what};
    if (usb_is_path(what))
        return (struct usb_wish){.path = what, .vendor = -1, .product = -1};
    const size_t vendor = strcspn(what, ":");
    if (what[vendor] != ':')
        return wish;
    const char *rest = what + vendor + 1;
    const size_t product = strcspn(rest, ":");
    int vendor_id = 0;
    int product_id = 0;
    if (!parse_id(what, vendor, &vendor_id) || !parse_id(rest, product, &product_id))
        return wish; /* a serial number with colons in it */
    wish = (struct usb_wish){.vendor = vendor_id, .product = product_id};
    if (rest[product] == ':' && rest[product + 1] != '\0')
        wish.serial = rest + product + 1;
    return wish;
}

/* Compared from the right, so that the last digits suffice; colons do not count, nor does case. */
static bool serial_matches(const char *serial, const char *wanted)
{
    if (serial == NULL || wanted[0] == '\0')
        return false;
    size_t s = strlen(serial);
    size_t w = strlen(wanted);
    for (;;) {
        while (w > 0 && wanted[w - 1] == ':')
            w--;
        while (s > 0 && serial[s - 1] == ':')
            s--;
        if (w == 0 || s == 0)
            return w == 0;
        if (tolower((unsigned char)serial[--s]) != tolower((unsigned char)wanted[--w]))
            return false;
    }
}

/* Where the USB device of a port is plugged in, from the place of its tty in sysfs:
 * /sys/devices/.../1-2.3/1-2.3:1.0/tty/ttyACM0. Empty: it has none. */
static void usb_path_of(const char *port, char *out, size_t capacity)
{
    char link[64], place[PATH_MAX], name[64];
    out[0] = '\0';
    (void)snprintf(name, sizeof name, "%s", port);
    (void)snprintf(link, sizeof link, "/sys/class/tty/%.32s/device", basename(name));
    if (realpath(link, place) == NULL)
        return;
    for (char *at = place; at != NULL && *at != '\0'; at = strchr(at, '/')) {
        at += strspn(at, "/");
        const size_t size = strcspn(at, "/:");
        if (at[size] != ':' || size >= capacity)
            continue;
        (void)snprintf(out, capacity, "%.*s", (int)size, at);
        if (usb_is_path(out))
            return;
        out[0] = '\0';
    }
}

static bool wish_matches(const struct usb_wish *wish, const struct sp_port *port)
{
    int vendor = -1;
    int product = -1;
    char path[32];
    if (wish->path != NULL) {
        usb_path_of(sp_get_port_name(port), path, sizeof path);
        return strcmp(path, wish->path) == 0;
    }
    if (sp_get_port_usb_vid_pid(port, &vendor, &product) != SP_OK)
        return false;
    return (wish->vendor < 0 || wish->vendor == vendor) &&
           (wish->product < 0 || wish->product == product) &&
           (wish->serial == NULL || serial_matches(sp_get_port_usb_serial(port), wish->serial));
}

static bool listed(const struct stream_usb_id *ids, const struct sp_port *port)
{
    int vendor = -1;
    int product = -1;
    if (sp_get_port_usb_vid_pid(port, &vendor, &product) != SP_OK)
        return false;
    for (; ids->vendor != 0; ids++)
        if (ids->vendor == vendor && (ids->product == 0 || ids->product == product))
            return true;
    return false;
}

static struct stream_port describe(const struct sp_port *port)
{
    struct stream_port result = {.path = sp_get_port_name(port)};
    int vendor = 0;
    int product = 0;
    if (sp_get_port_usb_vid_pid(port, &vendor, &product) != SP_OK)
        return result;
    result.usb = true;
    result.vendor = (uint16_t)vendor;
    result.product = (uint16_t)product;
    result.manufacturer = sp_get_port_usb_manufacturer(port);
    result.title = sp_get_port_usb_product(port);
    result.serial = sp_get_port_usb_serial(port);
    usb_path_of(result.path, result.usb_path, sizeof result.usb_path);
    return result;
}

/* "-P /dev/ttyACM0: 2341:0043 Arduino Uno, serial 7563" */
static void hint_port(const struct sp_port *sp_port, struct error *e)
{
    const struct stream_port port = describe(sp_port);
    if (!port.usb) {
        error_hint(e, "-P %s", port.path);
        return;
    }
    error_hint(e, "-P %s: %04x:%04x%s%s%s%s", port.path, port.vendor, port.product,
               port.title != NULL ? " " : "", port.title != NULL ? port.title : "",
               port.serial != NULL ? ", serial " : "", port.serial != NULL ? port.serial : "");
}

void stream_list(void (*each)(const struct stream_port *port, void *user), void *user)
{
    struct sp_port **ports = NULL;
    if (sp_list_ports(&ports) != SP_OK)
        return;
    for (size_t i = 0; ports[i] != NULL; i++) {
        const struct stream_port port = describe(ports[i]);
        each(&port, user);
    }
    sp_free_port_list(ports);
}

void port_hint_all(struct error *e)
{
    struct sp_port **ports = NULL;
    if (sp_list_ports(&ports) != SP_OK || ports == NULL || ports[0] == NULL) {
        sp_free_port_list(ports);
        error_hint(e, "there is no serial port on this machine: is the programmer plugged in?");
        return;
    }
    for (size_t i = 0; ports[i] != NULL; i++)
        hint_port(ports[i], e);
    sp_free_port_list(ports);
}

/* The ports a search has left, the list to free with them. */
struct choice {
    struct sp_port **all;
    size_t count;                /* that fit */
    const struct sp_port *first; /* of those */
};

static enum status copy_choice(const struct choice *choice, char *path, size_t capacity,
                               struct error *e)
{
    const char *name = sp_get_port_name(choice->first);
    if (strlen(name) >= capacity)
        return error_set(e, STATUS_INTERNAL, "the name of port %s is too long", name);
    (void)snprintf(path, capacity, "%s", name);
    return STATUS_OK;
}

enum status port_by_usb(const char *what, char *path, size_t capacity, struct error *e)
{
    const struct usb_wish wish = parse_wish(what);
    struct choice choice = {0};
    if (sp_list_ports(&choice.all) != SP_OK)
        choice.all = NULL;
    for (size_t i = 0; choice.all != NULL && choice.all[i] != NULL; i++)
        if (wish_matches(&wish, choice.all[i]) && choice.count++ == 0)
            choice.first = choice.all[i];
    enum status status = STATUS_NO_DEVICE;
    if (choice.count == 1) {
        status = copy_choice(&choice, path, capacity, e);
    } else if (choice.count == 0) {
        (void)error_set(e, STATUS_NO_DEVICE, "no serial port belongs to usb:%s", what);
        port_hint_all(e);
    } else {
        (void)error_set(e, STATUS_NO_DEVICE, "usb:%s fits %zu ports", what, choice.count);
        for (size_t i = 0; choice.all[i] != NULL; i++)
            if (wish_matches(&wish, choice.all[i]))
                hint_port(choice.all[i], e);
    }
    sp_free_port_list(choice.all);
    return status;
}

enum status stream_find(const struct stream_usb_id *ids, char *port, size_t capacity,
                        struct error *e)
{
    struct choice choice = {0};
    if (sp_list_ports(&choice.all) != SP_OK)
        choice.all = NULL;
    for (size_t i = 0; choice.all != NULL && choice.all[i] != NULL; i++)
        if (listed(ids, choice.all[i]) && choice.count++ == 0)
            choice.first = choice.all[i];
    enum status status = STATUS_NO_DEVICE;
    if (choice.count == 1) {
        status = copy_choice(&choice, port, capacity, e);
    } else if (choice.count == 0) {
        (void)error_set(e, STATUS_NO_DEVICE,
                        "no port given (-P), and no known programmer board is plugged in");
        port_hint_all(e);
    } else {
        (void)error_set(e, STATUS_NO_DEVICE,
                        "no port given (-P), and %zu of those plugged in could be meant",
                        choice.count);
        for (size_t i = 0; choice.all[i] != NULL; i++)
            if (listed(ids, choice.all[i]))
                hint_port(choice.all[i], e);
    }
    sp_free_port_list(choice.all);
    return status;
}

static enum status open_path(const char *path, const struct stream_options *options,
                             struct context *c, struct stream **out, struct error *e)
{
    struct guard guard;
    TRY(guard_open(&guard, path, c, e));
    enum status status = serial_open(&guard, path, options, c, out, e);
    if (status == STATUS_UNSUPPORTED)
        status = tty_open(&guard, path, options, c, out, e);
    if (status != STATUS_OK) {
        guard_close(&guard, c);
        return status;
    }
    if (!options->lines_alone) /* boards with native USB may wait for DTR before they talk */
        status = stream_set_lines(*out, true, true, e);
    if (status != STATUS_OK)
        stream_close(*out);
    return status;
}

static enum status open_named(const char *port, const struct stream_options *options,
                              struct context *c, struct stream **out, struct error *e)
{
    if (strncmp(port, "net:", 4) == 0)
        return net_open(port + 4, c, out, e);
    if (strncmp(port, "usb:", 4) == 0) {
        char path[128];
        TRY(port_by_usb(port + 4, path, sizeof path, e));
        return open_path(path, options, c, out, e);
    }
    return open_path(port, options, c, out, e);
}

enum status stream_open(const char *port, const struct stream_options *options, struct context *c,
                        struct stream **out, struct error *e)
{
    if (c->recording != NULL && c->recording->plays)
        return replay_stream(c, out, e);
    TRY(open_named(port, options, c, out, e));
    return c->recording != NULL ? record_stream(out, e) : STATUS_OK;
}

enum status stream_open_or_find(const char *port, const struct stream_usb_id *ids,
                                const struct stream_options *options, struct context *c,
                                struct stream **out, struct error *e)
{
    char found[128];
    const bool plays = c->recording != NULL && c->recording->plays;
    if (plays || (port != NULL && strcmp(port, "usb") != 0))
        return stream_open(port, options, c, out, e);
    TRY(stream_find(ids, found, sizeof found, e));
    return stream_open(found, options, c, out, e);
}
