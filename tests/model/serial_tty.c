/* The tty in a umockdev test bed. */
#include "model/serial_tty.h"

#include <fcntl.h>
#include <linux/serial.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <umockdev.h>
#include <unistd.h>

#define DEVICE "/devices/pci0000:00/usb1/1-1"
#define NODE "/dev/ttyACM0"

struct serial_tty {
    UMockdevTestbed *bed;
    UMockdevIoctlBase *ioctls;
    const struct serial_tty_events *events;
    void *context;
    pthread_mutex_t lock; /* of all that follows; never held while an event is told */
    GPtrArray *clients;   /* open file descriptors: UMockdevIoctlClient, referenced */
    int bits;             /* TIOCM_DTR, TIOCM_RTS */
    int flags;            /* ASYNC_LOW_LATENCY */
    unsigned low_latency_asked;
};

static int change_bits(struct serial_tty *tty, gulong request, int bits)
{
    pthread_mutex_lock(&tty->lock);
    if (request == TIOCMSET) {
        tty->bits = bits;
    } else if (request == TIOCMBIS) {
        tty->bits |= bits;
    } else if (request == TIOCMBIC) {
        tty->bits &= ~bits;
    }
    const int now = tty->bits;
    pthread_mutex_unlock(&tty->lock);
    return now;
}

/* Lets go of the clients that are gone. Returns how many. */
static unsigned forget_closed(struct serial_tty *tty)
{
    unsigned closed = 0;
    pthread_mutex_lock(&tty->lock);
    for (guint i = 0; i < tty->clients->len;) {
        if (umockdev_ioctl_client_get_connected(g_ptr_array_index(tty->clients, i))) {
            i++;
        } else {
            g_ptr_array_remove_index(tty->clients, i);
            closed++;
        }
    }
    pthread_mutex_unlock(&tty->lock);
    return closed;
}

void serial_tty_look(struct serial_tty *tty)
{
    for (unsigned closed = forget_closed(tty); closed > 0; closed--) {
        tty->events->closed(tty->context);
    }
}

/* A file descriptor of the program's. That it was closed umockdev does not announce. */
static void client_connected(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer data)
{
    (void)base;
    struct serial_tty *tty = data;
    serial_tty_look(tty);
    pthread_mutex_lock(&tty->lock);
    g_ptr_array_add(tty->clients, g_object_ref(client));
    pthread_mutex_unlock(&tty->lock);
    tty->events->opened(tty->context);
}

/* Of the driver's settings, as setserial(8) shows them, only the flags are there. */
static bool handle_settings(struct serial_tty *tty, UMockdevIoctlClient *client, bool set)
{
    UMockdevIoctlData *value = umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0,
                                                           sizeof(struct serial_struct), NULL);
    if (value == NULL) {
        return false;
    }
    struct serial_struct settings;
    memcpy(&settings, value->data, sizeof settings);
    pthread_mutex_lock(&tty->lock);
    if (set) {
        const bool asked = (settings.flags & (int)ASYNC_LOW_LATENCY) != 0;
        tty->low_latency_asked += asked && (tty->flags & (int)ASYNC_LOW_LATENCY) == 0;
        tty->flags = settings.flags;
    }
    settings = (struct serial_struct){.flags = tty->flags};
    pthread_mutex_unlock(&tty->lock);
    if (!set) {
        umockdev_ioctl_data_update(value, 0, (guint8 *)&settings, sizeof settings);
    }
    umockdev_ioctl_data_unref(value);
    umockdev_ioctl_client_complete(client, 0, 0);
    return true;
}

/* Runs in umockdev's thread. Modem lines and the driver's settings are ours; all else is for the
 * pseudo-terminal. */
static gboolean handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer data)
{
    (void)base;
    struct serial_tty *tty = data;
    const gulong request = umockdev_ioctl_client_get_request(client);
    if (request == TIOCGSERIAL || request == TIOCSSERIAL) {
        return handle_settings(tty, client, request == TIOCSSERIAL);
    }
    if (request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS && request != TIOCMBIC) {
        int problem = 0;
        const int result = umockdev_ioctl_client_execute(client, &problem, NULL);
        umockdev_ioctl_client_complete(client, result, problem);
        return TRUE;
    }
    UMockdevIoctlData *value =
        umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, sizeof(int), NULL);
    if (value == NULL) {
        return FALSE;
    }
    int bits = *(const int *)(const void *)value->data;
    bits = change_bits(tty, request, bits);
    if (request == TIOCMGET) {
        bits |= TIOCM_DSR | TIOCM_CTS | TIOCM_CAR;
        umockdev_ioctl_data_update(value, 0, (guint8 *)&bits, sizeof bits);
    } else {
        tty->events->lines(tty->context, (bits & TIOCM_DTR) != 0, (bits & TIOCM_RTS) != 0);
    }
    umockdev_ioctl_data_unref(value);
    umockdev_ioctl_client_complete(client, 0, 0);
    return TRUE;
}

/* The device number is of class 4 (ttyS): umockdev's isatty() believes no other. */
static bool describe(UMockdevTestbed *bed, const struct serial_port_id *id, GError **problem)
{
    char text[1024];
    snprintf(text, sizeof text,
             "P: " DEVICE "\nN: bus/usb/001/001\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_device\n"
             "A: busnum=1\\n\nA: devnum=1\\n\nA: idVendor=%04x\\n\nA: idProduct=%04x\\n\n"
             "A: product=%s\\n\nA: serial=%s\\n\n\n"
             "P: " DEVICE "/1-1:1.0\nE: SUBSYSTEM=usb\nE: DEVTYPE=usb_interface\n\n"
             "P: " DEVICE "/1-1:1.0/tty/ttyACM0\nN: ttyACM0\nE: SUBSYSTEM=tty\n"
             "E: DEVNAME=" NODE "\nA: dev=4:64\nL: device=../../../1-1:1.0\n\n",
             id->vendor, id->product, id->title, id->serial);
    return umockdev_testbed_add_from_string(bed, text, problem);
}

struct serial_tty *serial_tty_new(const struct serial_port_id *id,
                                  const struct serial_tty_events *events, void *context)
{
    struct serial_tty *tty = calloc(1, sizeof *tty);
    if (tty == NULL) {
        return NULL;
    }
    *tty = (struct serial_tty){.bed = umockdev_testbed_new(),
                               .ioctls = umockdev_ioctl_base_new(),
                               .clients = g_ptr_array_new_with_free_func(g_object_unref),
                               .events = events,
                               .context = context};
    pthread_mutex_init(&tty->lock, NULL);
    g_signal_connect(tty->ioctls, "client-connected", G_CALLBACK(client_connected), tty);
    g_signal_connect(tty->ioctls, "handle-ioctl", G_CALLBACK(handle_ioctl), tty);
    GError *problem = NULL;
    if (!describe(tty->bed, id, &problem) ||
        !umockdev_testbed_attach_ioctl(tty->bed, NODE, tty->ioctls, &problem)) {
        fprintf(stderr, "serial tty: %s\n", problem->message);
        g_error_free(problem);
        serial_tty_free(tty);
        return NULL;
    }
    return tty;
}

void serial_tty_free(struct serial_tty *tty)
{
    if (tty == NULL) {
        return;
    }
    g_object_unref(tty->bed);
    g_object_unref(tty->ioctls);
    g_ptr_array_unref(tty->clients);
    pthread_mutex_destroy(&tty->lock);
    free(tty);
}

const char *serial_tty_name(const struct serial_tty *tty)
{
    (void)tty;
    return NODE;
}

int serial_tty_master(const struct serial_tty *tty)
{
    return umockdev_testbed_get_dev_fd(tty->bed, NODE);
}

void serial_tty_set_lines(struct serial_tty *tty, bool dtr, bool rts)
{
    (void)change_bits(tty, TIOCMSET, (dtr ? TIOCM_DTR : 0) | (rts ? TIOCM_RTS : 0));
}

bool serial_tty_low_latency(struct serial_tty *tty, unsigned *asked)
{
    pthread_mutex_lock(&tty->lock);
    const bool on = (tty->flags & (int)ASYNC_LOW_LATENCY) != 0;
    *asked = tty->low_latency_asked;
    pthread_mutex_unlock(&tty->lock);
    return on;
}

void serial_tty_export(const struct serial_tty *tty)
{
    char *root = umockdev_testbed_get_root_dir(tty->bed);
    setenv("UMOCKDEV_DIR", root, 1);
    g_free(root);
}

void serial_tty_unplug(struct serial_tty *tty)
{
    /* The test bed keeps the pseudo-terminal; it hangs up when its descriptor becomes another. */
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        (void)dup2(nothing, serial_tty_master(tty));
        close(nothing);
    }
    umockdev_testbed_remove_device(tty->bed, DEVICE);
}
