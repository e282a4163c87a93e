/* The usbfs interface of a node: ioctls and reads, as <linux/usbdevice_fs.h> has them and Linux's
 * Documentation/driver-api/usb/usb.rst explains them. */
#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "usb_node.h"

static void complete(UMockdevIoctlClient *client, long result)
{
    umockdev_ioctl_client_complete(client, result < 0 ? -1 : result, result < 0 ? (int)-result : 0);
}

/* The memory that the pointer at `offset` of `data` points to in the process; NULL without. */
static UMockdevIoctlData *resolve(UMockdevIoctlData *data, size_t offset, size_t size)
{
    GError *error = NULL;
    UMockdevIoctlData *memory = umockdev_ioctl_data_resolve(data, offset, size, &error);
    if (error != NULL)
        g_error("reading the process's memory: %s", error->message);
    return memory;
}

static uint16_t le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static struct usb_request *request_new(UMockdevIoctlClient *client)
{
    struct usb_request *r = g_new0(struct usb_request, 1);
    r->client = g_object_ref(client);
    r->deadline_ns = USB_NEVER;
    return r;
}

/* --- Submitted URBs ------------------------------------------------------------------------- */

static long submit(struct usb_node *node, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    if (node->gone)
        return -ENODEV;
    struct usb_request *r = request_new(client);
    r->urb = resolve(arg, 0, sizeof(struct usbdevfs_urb));
    const struct usbdevfs_urb *urb = (const struct usbdevfs_urb *)(void *)r->urb->data;
    const size_t size = (size_t)urb->buffer_length;
    r->buffer = resolve(r->urb, offsetof(struct usbdevfs_urb, buffer), size);
    struct usb_transfer *t = &r->transfer;
    if (urb->type == USBDEVFS_URB_TYPE_CONTROL) {
        if (size < 8) {
            usb_request_free(r);
            return -EINVAL;
        }
        const uint8_t *setup = r->buffer->data;
        t->setup = (struct usb_setup){.type = setup[0],
                                      .request = setup[1],
                                      .value = le16(&setup[2]),
                                      .index = le16(&setup[4]),
                                      .length = le16(&setup[6])};
        t->data = r->buffer->data + 8;
        t->size = size - 8;
    } else {
        t->endpoint = urb->endpoint;
        t->data = r->buffer == NULL ? NULL : r->buffer->data;
        t->size = size;
    }
    usb_node_submit(node, r);
    return 0;
}

void usb_complete_reap(UMockdevIoctlClient *client, struct usb_request *request)
{
    if (request == NULL) {
        complete(client, -ENODEV);
        return;
    }
    struct usbdevfs_urb *urb = (struct usbdevfs_urb *)(void *)request->urb->data;
    urb->status = request->transfer.result;
    urb->actual_length = (int)request->transfer.actual;
    UMockdevIoctlData *where = resolve(umockdev_ioctl_client_get_arg(client), 0, sizeof(void *));
    umockdev_ioctl_data_set_ptr(where, 0, request->urb);
    complete(client, 0);
    g_object_unref(where);
    usb_request_free(request);
}

static void reap_now(struct usb_node *node, UMockdevIoctlClient *client)
{
    struct usb_request *r = usb_node_reap(node, client);
    if (r != NULL)
        usb_complete_reap(client, r);
    else
        complete(client, node->gone ? -ENODEV : -EAGAIN);
}

static void reap_later(struct usb_node *node, UMockdevIoctlClient *client)
{
    node->reaper = g_object_ref(client);
    usb_bus_pump(node->bus);
}

static long discard(struct usb_node *node, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    gulong address;
    memcpy(&address, arg->data, sizeof address);
    return usb_node_discard(node, client, address) ? 0 : -EINVAL;
}

/* --- Blocking transfers --------------------------------------------------------------------- */

static void begin_blocking(struct usb_node *node, struct usb_request *r, unsigned timeout_ms)
{
    r->transfer.data = r->buffer == NULL ? NULL : r->buffer->data;
    if (timeout_ms != 0)
        r->deadline_ns = usb_bus_now(node->bus) + timeout_ms * USB_MS;
    usb_node_submit(node, r);
}

static long control(struct usb_node *node, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    if (node->gone)
        return -ENODEV;
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(struct usbdevfs_ctrltransfer));
    const struct usbdevfs_ctrltransfer *c = (const void *)data->data;
    struct usb_request *r = request_new(client);
    r->buffer = resolve(data, offsetof(struct usbdevfs_ctrltransfer, data), c->wLength);
    r->transfer.setup = (struct usb_setup){.type = c->bRequestType,
                                           .request = c->bRequest,
                                           .value = c->wValue,
                                           .index = c->wIndex,
                                           .length = c->wLength};
    r->transfer.size = c->wLength;
    begin_blocking(node, r, c->timeout);
    g_object_unref(data);
    return 0;
}

static long bulk(struct usb_node *node, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    if (node->gone)
        return -ENODEV;
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(struct usbdevfs_bulktransfer));
    const struct usbdevfs_bulktransfer *b = (const void *)data->data;
    struct usb_request *r = request_new(client);
    r->buffer = resolve(data, offsetof(struct usbdevfs_bulktransfer, data), b->len);
    r->transfer.endpoint = (uint8_t)b->ep;
    r->transfer.size = b->len;
    begin_blocking(node, r, b->timeout);
    g_object_unref(data);
    return 0;
}

void usb_complete_blocking(struct usb_request *request)
{
    const struct usb_transfer *t = &request->transfer;
    const long failed = t->result == -ESHUTDOWN ? -ENODEV : t->result;
    complete(request->client, failed != 0 ? failed : (long)t->actual);
}

/* --- The others ----------------------------------------------------------------------------- */

/* The interface number that an ioctl's argument begins with; -1: there is no such interface. */
static int interface_number(const struct usb_node *node, UMockdevIoctlData *arg, size_t size)
{
    UMockdevIoctlData *data = resolve(arg, 0, size);
    unsigned number;
    memcpy(&number, data->data, sizeof number);
    g_object_unref(data);
    return number < usb_interface_count(node->device) ? (int)number : -1;
}

static unsigned endpoint_number(UMockdevIoctlData *arg)
{
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(unsigned));
    unsigned number;
    memcpy(&number, data->data, sizeof number);
    g_object_unref(data);
    return number;
}

static long claim(struct usb_node *node, UMockdevIoctlClient *client, int interface)
{
    if (interface < 0)
        return -EINVAL;
    usb_node_forget_gone(node);
    UMockdevIoctlClient **by = &node->claimed_by[interface];
    if (node->driver_bound[interface] || (node->faults.busy && interface == 0) ||
        (*by != NULL && *by != client))
        return -EBUSY;
    if (*by == NULL)
        *by = g_object_ref(client);
    return 0;
}

static long release(struct usb_node *node, const UMockdevIoctlClient *client, int interface)
{
    if (interface < 0 || node->claimed_by[interface] != client)
        return -EINVAL;
    g_clear_object(&node->claimed_by[interface]);
    return 0;
}

/* Asked about a kernel driver, or to take it off its interface and put it back. */
static long driver_name(struct usb_node *node, UMockdevIoctlData *arg)
{
    const int interface = interface_number(node, arg, sizeof(struct usbdevfs_getdriver));
    if (interface < 0)
        return -EINVAL;
    const bool ours = node->claimed_by[interface] != NULL;
    if (!node->driver_bound[interface] && !ours)
        return -ENODATA;
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(struct usbdevfs_getdriver));
    struct usbdevfs_getdriver *get = (struct usbdevfs_getdriver *)(void *)data->data;
    g_strlcpy(get->driver, ours ? "usbfs" : node->device->kernel_driver, sizeof get->driver);
    g_object_unref(data);
    return 0;
}

static long driver_connect(struct usb_node *node, int interface, bool bound)
{
    if (interface < 0)
        return -EINVAL;
    if (node->device->kernel_driver == NULL || node->driver_bound[interface] == bound)
        return bound ? 0 : -ENODATA;
    if (node->claimed_by[interface] != NULL)
        return -EBUSY;
    node->driver_bound[interface] = bound;
    return bound ? 1 : 0;
}

static long driver_ioctl(struct usb_node *node, UMockdevIoctlData *arg)
{
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(struct usbdevfs_ioctl));
    struct usbdevfs_ioctl c;
    memcpy(&c, data->data, sizeof c);
    g_object_unref(data);
    const int interface = interface_number(node, arg, sizeof c);
    switch ((unsigned)c.ioctl_code) {
    case USBDEVFS_DISCONNECT:
        return driver_connect(node, interface, false);
    case USBDEVFS_CONNECT:
        return driver_connect(node, interface, true);
    default:
        return -ENOTTY;
    }
}

static long disconnect_claim(struct usb_node *node, UMockdevIoctlClient *client,
                             UMockdevIoctlData *arg)
{
    const int interface = interface_number(node, arg, sizeof(struct usbdevfs_disconnect_claim));
    if (interface >= 0 && node->driver_bound[interface])
        node->driver_bound[interface] = false;
    return claim(node, client, interface);
}

static long capabilities(UMockdevIoctlData *arg)
{
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(uint32_t));
    const uint32_t value = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                           USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
    memcpy(data->data, &value, sizeof value);
    g_object_unref(data);
    return 0;
}

static long connect_info(struct usb_node *node, UMockdevIoctlData *arg)
{
    UMockdevIoctlData *data = resolve(arg, 0, sizeof(struct usbdevfs_connectinfo));
    const char *number = strrchr(node->dev_path, '/') + 1;
    const struct usbdevfs_connectinfo info = {.devnum =
                                                  (unsigned)g_ascii_strtoull(number, NULL, 10),
                                              .slow = node->device->speed == USB_SPEED_LOW};
    memcpy(data->data, &info, sizeof info);
    g_object_unref(data);
    return 0;
}

/* An ioctl that ends at once. */
static long simple(struct usb_node *node, UMockdevIoctlClient *client, gulong request,
                   UMockdevIoctlData *arg)
{
    switch (request) {
    case USBDEVFS_SUBMITURB:
        return submit(node, client, arg);
    case USBDEVFS_DISCARDURB:
        return discard(node, client, arg);
    case USBDEVFS_CLAIMINTERFACE:
        return node->gone ? -ENODEV : claim(node, client, interface_number(node, arg, sizeof(int)));
    case USBDEVFS_RELEASEINTERFACE:
        return release(node, client, interface_number(node, arg, sizeof(int)));
    case USBDEVFS_DISCONNECT_CLAIM:
        return node->gone ? -ENODEV : disconnect_claim(node, client, arg);
    case USBDEVFS_GETDRIVER:
        return driver_name(node, arg);
    case USBDEVFS_IOCTL:
        return node->gone ? -ENODEV : driver_ioctl(node, arg);
    case USBDEVFS_GET_CAPABILITIES:
        return capabilities(arg);
    case USBDEVFS_CONNECTINFO:
        return connect_info(node, arg);
    case USBDEVFS_SETCONFIGURATION:
    case USBDEVFS_SETINTERFACE:
    case USBDEVFS_CLEAR_HALT:
        node->halted &= ~usb_endpoint_bit(endpoint_number(arg));
        return node->gone ? -ENODEV : 0;
    case USBDEVFS_RESETEP:
    case USBDEVFS_RESET:
        return node->gone ? -ENODEV : 0;
    default:
        return -ENOTTY;
    }
}

static gboolean on_ioctl(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, void *user)
{
    (void)handler;
    struct usb_node *node = user;
    g_mutex_lock(&node->bus->lock);
    const gulong request = umockdev_ioctl_client_get_request(client);
    UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
    const bool blocking = request == USBDEVFS_CONTROL || request == USBDEVFS_BULK;
    if (blocking) {
        const long result =
            request == USBDEVFS_CONTROL ? control(node, client, arg) : bulk(node, client, arg);
        if (result != 0)
            complete(client, result);
    } else if (request == USBDEVFS_REAPURB) {
        reap_later(node, client);
    } else if (request == USBDEVFS_REAPURBNDELAY) {
        reap_now(node, client);
    } else {
        complete(client, simple(node, client, request, arg));
    }
    g_mutex_unlock(&node->bus->lock);
    return TRUE;
}

/* Reading the node gives the descriptors; each open file has its own position. */
static gboolean on_read(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, void *user)
{
    (void)handler;
    const struct usb_node *node = user;
    UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
    const gsize position = GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(client), "position"));
    const gsize left = node->descriptors->len - position;
    const gsize part = (gsize)arg->data_len < left ? (gsize)arg->data_len : left;
    memcpy(arg->data, node->descriptors->data + position, part);
    g_object_set_data(G_OBJECT(client), "position", GSIZE_TO_POINTER(position + part));
    complete(client, (long)part);
    return TRUE;
}

static void on_connected_changed(UMockdevIoctlClient *client, GParamSpec *property, void *user)
{
    (void)property;
    struct usb_node *node = user;
    if (umockdev_ioctl_client_get_connected(client))
        return;
    g_mutex_lock(&node->bus->lock);
    usb_node_forget(node, client);
    g_mutex_unlock(&node->bus->lock);
}

static void on_connect(UMockdevIoctlBase *handler, UMockdevIoctlClient *client, void *user)
{
    (void)handler;
    struct usb_bus *bus = ((struct usb_node *)user)->bus;
    g_signal_connect(client, "notify::connected", G_CALLBACK(on_connected_changed), user);
    g_mutex_lock(&bus->lock);
    /* The bus's timer runs in the thread that serves the nodes, known from the first client on. */
    if (g_source_get_context(bus->timer_source) == NULL)
        g_source_attach(bus->timer_source, g_main_context_get_thread_default());
    g_mutex_unlock(&bus->lock);
}

void usb_node_serve(struct usb_node *node)
{
    node->handler = umockdev_ioctl_base_new();
    g_signal_connect(node->handler, "handle-ioctl", G_CALLBACK(on_ioctl), node);
    g_signal_connect(node->handler, "handle-read", G_CALLBACK(on_read), node);
    g_signal_connect(node->handler, "client-connected", G_CALLBACK(on_connect), node);
    GError *error = NULL;
    if (!umockdev_testbed_attach_ioctl(node->bus->testbed, node->dev_path, node->handler, &error))
        g_error("%s: %s", node->dev_path, error == NULL ? "?" : error->message);
}
