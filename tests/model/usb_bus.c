/* The bus as a process sees it: sysfs, nodes, and the environment to run in; see usb_bus.h. */
#define _GNU_SOURCE
#include "usb_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "usb_node.h"

#define HOST "/devices/pci0000:00/0000:00:14.0"

enum { USB_MAJOR = 189, PIPE_PAGE = 4096 };

static gboolean on_timer(gint fd, GIOCondition condition, gpointer user)
{
    (void)condition;
    struct usb_bus *bus = user;
    g_mutex_lock(&bus->lock);
    uint64_t expirations;
    if (read(fd, &expirations, sizeof expirations) == sizeof expirations)
        usb_bus_pump(bus);
    g_mutex_unlock(&bus->lock);
    return G_SOURCE_CONTINUE;
}

struct usb_bus *usb_bus_new(enum usb_pace pace)
{
    struct usb_bus *bus = g_new0(struct usb_bus, 1);
    bus->pace = pace;
    bus->testbed = umockdev_testbed_new();
    bus->base_ns = (uint64_t)g_get_monotonic_time() * 1000;
    bus->next_device = 1;
    g_mutex_init(&bus->lock);
    bus->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (bus->timer < 0)
        g_error("timerfd_create: %s", g_strerror(errno));
    bus->timer_source = g_unix_fd_source_new(bus->timer, G_IO_IN);
    /* GLib's own cast of a callback whose type the source decides. */
    g_source_set_callback(bus->timer_source, G_SOURCE_FUNC(on_timer), bus, NULL);
    return bus;
}

static void node_free(struct usb_node *node)
{
    for (GList *i = node->queue.head; i != NULL; i = i->next)
        usb_request_free(i->data);
    g_queue_clear(&node->queue);
    for (size_t i = 0; i < USB_INTERFACES_MAX; i++)
        g_clear_object(&node->claimed_by[i]);
    g_clear_object(&node->reaper);
    g_object_unref(node->handler);
    g_byte_array_unref(node->descriptors);
    (void)close(node->fifo);
    g_free(node->sys_path);
    g_free(node->dev_path);
    g_free(node->fifo_path);
    g_free(node);
}

/* The test bed first: with it ends the thread in which the nodes are served, and which may only now
 * come to a process that has opened one and is gone. */
void usb_bus_free(struct usb_bus *bus)
{
    if (bus == NULL)
        return;
    g_object_unref(bus->testbed);
    g_source_destroy(bus->timer_source);
    g_source_unref(bus->timer_source);
    for (struct usb_node *node = bus->nodes; node != NULL;) {
        struct usb_node *const next = node->next;
        node_free(node);
        node = next;
    }
    (void)close(bus->timer);
    g_mutex_clear(&bus->lock);
    g_free(bus);
}

struct usb_faults usb_no_faults(void)
{
    return (struct usb_faults){.stall_request = -1};
}

/* --- Plugging in ---------------------------------------------------------------------------- */

/* "1-2.3" hangs under "1-2", and that under "usb1". */
static char *parent_path(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL)
        return g_strndup(path, (gsize)(dot - path));
    return g_strdup_printf("usb%.*s", (int)strcspn(path, "-"), path);
}

static char *sys_path(const char *path)
{
    if (g_str_has_prefix(path, "usb"))
        return g_strdup_printf(HOST "/%s", path);
    char *parent = parent_path(path);
    char *above = sys_path(parent);
    char *whole = g_strdup_printf("%s/%s", above, path);
    g_free(parent);
    g_free(above);
    return whole;
}

/* Strings have 16 bits a character on the wire; ours fill the low eight. */
static void append_string_attribute(GString *text, const char *name, const char *value)
{
    if (value == NULL)
        return;
    char *utf8 = g_convert(value, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
    g_string_append_printf(text, "A: %s=%s\\n\n", name, utf8);
    g_free(utf8);
}

/* A device in umockdev's own text form. `contents`: of a node that nobody serves. */
static void add_device(struct usb_bus *bus, const char *path, const struct usb_device *d,
                       unsigned number, bool contents)
{
    static const char *const speeds[] = {"1.5", "12", "480"};
    GByteArray *descriptors = usb_descriptors(d);
    GString *hex = g_string_new(NULL);
    for (guint i = 0; i < descriptors->len; i++)
        g_string_append_printf(hex, "%02X", descriptors->data[i]);
    const bool root = g_str_has_prefix(path, "usb");
    const unsigned bus_number = (unsigned)g_ascii_strtoull(root ? path + 3 : path, NULL, 10);
    char *sys = sys_path(path);
    GString *t = g_string_new(NULL);
    g_string_append_printf(t, "P: %s\nN: bus/usb/%03u/%03u%s%s\n", sys, bus_number, number,
                           contents ? "=" : "", contents ? hex->str : "");
    g_string_append_printf(t, "E: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\nE: MAJOR=%d\nE: MINOR=%u\n",
                           USB_MAJOR, (bus_number - 1) * 128 + number - 1);
    g_string_append_printf(t, "E: DEVNAME=/dev/bus/usb/%03u/%03u\nE: BUSNUM=%03u\nE: DEVNUM=%03u\n",
                           bus_number, number, bus_number, number);
    g_string_append_printf(t, "E: PRODUCT=%x/%x/%x\nE: TYPE=%d/0/0\n", d->vendor, d->product,
                           d->release, d->device_class);
    g_string_append_printf(t, "A: busnum=%u\\n\nA: devnum=%u\\n\nA: dev=%d:%u\\n\n", bus_number,
                           number, USB_MAJOR, (bus_number - 1) * 128 + number - 1);
    g_string_append_printf(t, "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: bcdDevice=%04x\\n\n",
                           d->vendor, d->product, d->release);
    g_string_append_printf(t, "A: bDeviceClass=%02x\\n\nA: speed=%s\\n\nA: devpath=%s\\n\n",
                           d->device_class, speeds[d->speed],
                           root ? "0" : path + strcspn(path, "-") + 1);
    g_string_append_printf(t,
                           "A: bConfigurationValue=1\\n\nA: bNumConfigurations=1\\n\n"
                           "A: bNumInterfaces=%2u\\n\n",
                           usb_interface_count(d));
    append_string_attribute(t, "manufacturer", d->manufacturer);
    append_string_attribute(t, "product", d->product_name);
    append_string_attribute(t, "serial", d->serial);
    g_string_append_printf(t, "H: descriptors=%s\n\n", hex->str);
    GError *error = NULL;
    if (!umockdev_testbed_add_from_string(bus->testbed, t->str, &error))
        g_error("adding %s: %s", path, error == NULL ? "?" : error->message);
    g_string_free(t, TRUE);
    g_string_free(hex, TRUE);
    g_byte_array_unref(descriptors);
    g_free(sys);
}

/* A hub above a device, down from the root. It has no function but to be there. */
static void add_hub(struct usb_bus *bus, const char *path)
{
    static const struct usb_device hub = {.name = "hub",
                                          .speed = USB_SPEED_HIGH,
                                          .vendor = 0x1d6b, /* Linux Foundation */
                                          .product = 0x0002,
                                          .release = 0x0601,
                                          .device_class = 9,
                                          .interface_class = 9,
                                          .control_packet = 64,
                                          .product_name = "Hub",
                                          .endpoints = {{.address = 0x81, .type = 3, .packet = 4}}};
    char *sys = sys_path(path);
    char *root = umockdev_testbed_get_root_dir(bus->testbed);
    char *there = g_strdup_printf("%s/sys%s/busnum", root, sys);
    if (!g_file_test(there, G_FILE_TEST_EXISTS)) {
        if (!g_str_has_prefix(path, "usb")) {
            char *parent = parent_path(path);
            add_hub(bus, parent);
            g_free(parent);
        }
        add_device(bus, path, &hub, bus->next_device++, true);
    }
    g_free(there);
    g_free(root);
    g_free(sys);
}

/* Replaces the node's regular file, which would always be ready, by a FIFO that is not. */
static void make_fifo(struct usb_node *node)
{
    char *root = umockdev_testbed_get_root_dir(node->bus->testbed);
    node->fifo_path = g_strdup_printf("%s%s", root, node->dev_path);
    g_free(root);
    if (unlink(node->fifo_path) != 0 || mkfifo(node->fifo_path, 0600) != 0)
        g_error("%s: %s", node->fifo_path, g_strerror(errno));
    node->fifo = open(node->fifo_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    /* One page, so that a single byte makes it full to a writer. */
    if (node->fifo < 0 || fcntl(node->fifo, F_SETPIPE_SZ, PIPE_PAGE) != PIPE_PAGE ||
        write(node->fifo, "", 1) != 1)
        g_error("%s: %s", node->fifo_path, g_strerror(errno));
    if (node->faults.permission && chmod(node->fifo_path, 0) != 0)
        g_error("%s: %s", node->fifo_path, g_strerror(errno));
}

struct usb_node *usb_bus_plug(struct usb_bus *bus, const char *path,
                              const struct usb_device *device, void *self,
                              const struct usb_faults *faults)
{
    char *parent = parent_path(path);
    add_hub(bus, parent);
    g_free(parent);
    const unsigned number = bus->next_device++;
    add_device(bus, path, device, number, false);
    struct usb_node *node = g_new0(struct usb_node, 1);
    node->bus = bus;
    node->device = device;
    node->line = (struct usb_line){.device = device, .self = self};
    node->faults = *faults;
    for (unsigned i = 0; i < usb_interface_count(device); i++)
        node->driver_bound[i] = device->kernel_driver != NULL;
    char *below = sys_path(path);
    node->sys_path = g_strdup_printf("/sys%s", below);
    g_free(below);
    node->dev_path = g_strdup_printf("/dev/bus/usb/%03u/%03u",
                                     (unsigned)g_ascii_strtoull(path, NULL, 10), number);
    node->descriptors = usb_descriptors(device);
    g_queue_init(&node->queue);
    make_fifo(node);
    node->next = bus->nodes;
    bus->nodes = node;
    usb_node_serve(node);
    return node;
}

/* --- The process's side --------------------------------------------------------------------- */

void usb_bus_export(struct usb_bus *bus)
{
    char *root = umockdev_testbed_get_root_dir(bus->testbed);
    (void)g_setenv("UMOCKDEV_DIR", root, TRUE);
    g_free(root);
    /* The superuser may open every node, whatever its mode; a test of that must not. */
    (void)prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
    (void)prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
}

size_t usb_node_counts(struct usb_node *node, struct usb_count *counts, size_t capacity)
{
    g_mutex_lock(&node->bus->lock);
    uint64_t drivers = 0;
    for (size_t i = 0; i < USB_INTERFACES_MAX; i++)
        drivers += node->driver_bound[i];
    const struct usb_count fixed[] = {
        {"usb.transfers", node->transfers},
        {"usb.failed", node->failed},
        {"usb.bytes-in", node->bytes_in},
        {"usb.bytes-out", node->bytes_out},
        {"usb.busy-us", node->line.busy_ns / 1000},
        {"usb.refused-packets", node->line.refused},
        {"usb.time-us", usb_bus_now(node->bus) / 1000},
        {"usb.kernel-drivers", drivers},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && count < capacity; i++)
        counts[count++] = fixed[i];
    for (size_t i = 0; i < USB_COUNTS_MAX && node->counts[i].name != NULL && count < capacity; i++)
        counts[count++] = node->counts[i];
    g_mutex_unlock(&node->bus->lock);
    return count;
}
