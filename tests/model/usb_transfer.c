/* The transfers of modelled devices: queued, run on the wire, seen when their time has come. */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "usb_node.h"

enum { STANDARD_MASK = 0x60 }; /* of bmRequestType; 0: standard request */

uint64_t usb_bus_now(struct usb_bus *bus)
{
    return (uint64_t)g_get_monotonic_time() * 1000 - bus->base_ns + bus->skipped_ns;
}

/* --- Readiness ------------------------------------------------------------------------------ */

/* libusb polls the node for writability: a FIFO of one page is writable unless it holds a byte. */
static void set_writable(struct usb_node *node, bool writable)
{
    if (node->fifo_writable == writable)
        return;
    node->fifo_writable = writable;
    uint8_t byte = 0;
    const ssize_t done = writable ? read(node->fifo, &byte, 1) : write(node->fifo, &byte, 1);
    if (done != 1)
        g_error("%s: the FIFO is not as we left it", node->dev_path);
}

static bool visible(const struct usb_request *r, uint64_t now)
{
    return r->done && r->visible_ns <= now;
}

static void update_readiness(struct usb_node *node, uint64_t now)
{
    bool any = false;
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        const struct usb_request *r = i->data;
        any |= r->urb != NULL && visible(r, now);
    }
    set_writable(node, any);
}

/* --- The life of a request ------------------------------------------------------------------ */

void usb_request_free(struct usb_request *request)
{
    g_clear_object(&request->buffer);
    g_clear_object(&request->urb);
    g_clear_object(&request->client);
    g_free(request);
}

void usb_node_submit(struct usb_node *node, struct usb_request *request)
{
    request->start_ns = usb_next_microframe(usb_bus_now(node->bus));
    g_queue_push_tail(&node->queue, request);
    usb_bus_pump(node->bus);
}

struct usb_request *usb_node_reap(struct usb_node *node, const UMockdevIoctlClient *client)
{
    const uint64_t now = usb_bus_now(node->bus);
    for (GList *i = node->queue.head; i != NULL; i = i->next) {
        struct usb_request *r = i->data;
        if (r->urb == NULL || r->client != client || !visible(r, now))
            continue;
        g_queue_delete_link(&node->queue, i);
        update_readiness(node, now);
        return r;
    }
    return NULL;
}

bool usb_node_discard(struct usb_node *node, const UMockdevIoctlClient *client, gulong address)
{
    const uint64_t now = usb_bus_now(node->bus);
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        struct usb_request *r = i->data;
        if (r->urb == NULL || r->client != client || r->urb->client_addr != address ||
            visible(r, now))
            continue;
        r->done = true;
        r->visible_ns = 0;
        r->transfer.result = -ENOENT;
        usb_bus_pump(node->bus);
        return true;
    }
    return false;
}

void usb_node_forget(struct usb_node *node, const UMockdevIoctlClient *client)
{
    for (GList *i = node->queue.head; i != NULL;) {
        GList *const next = i->next;
        struct usb_request *r = i->data;
        if (r->client == client) {
            g_queue_delete_link(&node->queue, i);
            usb_request_free(r);
        }
        i = next;
    }
    for (size_t i = 0; i < USB_INTERFACES_MAX; i++)
        if (node->claimed_by[i] == client)
            g_clear_object(&node->claimed_by[i]);
    if (node->reaper == client)
        g_clear_object(&node->reaper);
    usb_bus_pump(node->bus);
}

static UMockdevIoctlClient *find_gone(const struct usb_node *node)
{
    for (size_t i = 0; i < USB_INTERFACES_MAX; i++)
        if (node->claimed_by[i] != NULL &&
            !umockdev_ioctl_client_get_connected(node->claimed_by[i]))
            return node->claimed_by[i];
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        const struct usb_request *r = i->data;
        if (!umockdev_ioctl_client_get_connected(r->client))
            return r->client;
    }
    return NULL;
}

void usb_node_forget_gone(struct usb_node *node)
{
    for (UMockdevIoctlClient *gone = find_gone(node); gone != NULL; gone = find_gone(node)) {
        g_object_ref(gone);
        usb_node_forget(node, gone);
        g_object_unref(gone);
    }
}

void usb_node_unplug(struct usb_node *node)
{
    if (node->gone)
        return;
    node->gone = true;
    if (node->device->unplug != NULL)
        node->device->unplug(node->line.self, usb_bus_now(node->bus));
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        struct usb_request *r = i->data;
        if (!r->done)
            r->transfer.result = -ESHUTDOWN;
        r->done = true;
        r->visible_ns = 0;
    }
    umockdev_testbed_remove_device(node->bus->testbed, node->sys_path);
}

/* --- On the wire ---------------------------------------------------------------------------- */

static void count(struct usb_node *node, const char *name)
{
    for (size_t i = 0; i < USB_COUNTS_MAX; i++) {
        if (node->counts[i].name == NULL)
            node->counts[i].name = name;
        if (strcmp(node->counts[i].name, name) == 0) {
            node->counts[i].value++;
            return;
        }
    }
    g_error("%s: more kinds of requests than can be counted", node->device->name);
}

/* A device that answers one standard request for the real one, at the same cost. */
struct standard {
    GByteArray *answer;
    guint sent;
};

static int standard_setup(void *self, const struct usb_setup *setup, uint64_t *now)
{
    (void)setup;
    (void)now;
    const struct standard *s = self;
    return s->answer == NULL ? USB_STALL : 0;
}

static int standard_in(void *self, uint8_t *packet, size_t size, uint64_t *now)
{
    (void)now;
    struct standard *s = self;
    const guint left = s->answer->len - s->sent;
    const guint part = left < size ? left : (guint)size;
    memcpy(packet, s->answer->data + s->sent, part);
    s->sent += part;
    return (int)part;
}

static int standard_out(void *self, const uint8_t *packet, size_t size, uint64_t *now)
{
    (void)self;
    (void)packet;
    (void)now;
    return (int)size;
}

static enum usb_progress run_standard(struct usb_node *node, struct usb_transfer *t,
                                      uint64_t start_ns, uint64_t *again_ns)
{
    struct usb_device device = *node->device;
    device.setup = standard_setup;
    device.control_in = standard_in;
    device.control_out = standard_out;
    device.timed_ns = NULL;
    struct standard self = {.answer = usb_standard_request(node->device, &t->setup)};
    struct usb_line line = node->line;
    line.device = &device;
    line.self = &self;
    const enum usb_progress progress = usb_line_run(&line, t, start_ns, again_ns);
    line.device = node->line.device;
    line.self = node->line.self;
    node->line = line;
    if (self.answer != NULL)
        g_byte_array_unref(self.answer);
    return progress;
}

/* Counts a transfer that begins, and lets happen what is to go wrong with it. True: it has. */
static bool meets_fault(struct usb_node *node, struct usb_request *r)
{
    const struct usb_transfer *t = &r->transfer;
    if (t->endpoint != 0 && (node->halted & usb_endpoint_bit(t->endpoint)) != 0) {
        r->transfer.result = -EPIPE;
        r->done = true;
        return true;
    }
    node->transfers++;
    count(node, t->endpoint == 0            ? node->device->request_name(&t->setup)
                : (t->endpoint & 0x80) != 0 ? "usb.bulk-in"
                                            : "usb.bulk-out");
    const struct usb_faults *f = &node->faults;
    if (f->unplug_at != 0 && node->transfers == f->unplug_at) {
        usb_node_unplug(node);
        return true;
    }
    if (f->hang_at != 0 && node->transfers == f->hang_at) {
        r->start_ns = USB_NEVER;
        r->hung = true;
        return true;
    }
    if (f->noise_at != 0 && node->transfers == f->noise_at) {
        r->transfer.result = -EPROTO;
        r->done = true;
        return true;
    }
    if ((f->stall_at != 0 && node->transfers == f->stall_at) ||
        (t->endpoint == 0 && t->setup.request == f->stall_request)) {
        if (t->endpoint != 0)
            node->halted |= usb_endpoint_bit(t->endpoint);
        r->transfer.result = -EPIPE;
        r->done = true;
        return true;
    }
    return false;
}

/* Runs one request from the wire's next free moment on. */
static void run(struct usb_node *node, struct usb_request *r)
{
    struct usb_transfer *t = &r->transfer;
    struct usb_line *line = &node->line;
    const bool standard = t->endpoint == 0 && (t->setup.type & STANDARD_MASK) == 0;
    const bool first = !r->begun;
    r->begun = true;
    if (line->free_ns < r->start_ns)
        line->free_ns = r->start_ns;
    if (first && !standard && meets_fault(node, r)) {
        r->visible_ns = line->free_ns;
        return;
    }
    uint64_t again_ns = USB_NEVER;
    const enum usb_progress progress = standard ? run_standard(node, t, line->free_ns, &again_ns)
                                                : usb_line_run(line, t, line->free_ns, &again_ns);
    if (progress != USB_DONE) {
        r->start_ns = again_ns;
        r->working = progress == USB_WORKING;
        return;
    }
    const bool in = ((t->endpoint == 0 ? t->setup.type : t->endpoint) & 0x80) != 0;
    if (in && !standard && node->transfers == node->faults.short_at && t->actual > 0)
        t->actual--;
    r->done = true;
    r->visible_ns = usb_next_microframe(line->free_ns);
    if (!standard) {
        *(in ? &node->bytes_in : &node->bytes_out) += t->actual;
        node->failed += t->result != 0;
    }
}

/* The first unfinished request of an endpoint that may start by `by_ns`. */
static struct usb_request *next_to_run(struct usb_node *node, uint64_t by_ns)
{
    bool taken[256] = {false};
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        struct usb_request *r = i->data;
        if (r->done || taken[r->transfer.endpoint])
            continue;
        if (r->start_ns <= by_ns)
            return r;
        taken[r->transfer.endpoint] = true;
    }
    return NULL;
}

/* What happened to one endpoint may have given another something to send. */
static void ask_others(struct usb_node *node)
{
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        struct usb_request *r = i->data;
        if (r->transfer.endpoint != 0 && r->begun && !r->done && !r->hung)
            r->start_ns = node->line.free_ns;
    }
}

static void run_due(struct usb_node *node, uint64_t now)
{
    while (node->line.free_ns <= now && !node->gone) {
        /* A request that was just submitted starts at the next microframe. */
        struct usb_request *const r = next_to_run(node, usb_next_microframe(now));
        if (r == NULL)
            return;
        const uint64_t actual = r->transfer.actual;
        run(node, r);
        if (r->done || r->transfer.actual != actual)
            ask_others(node);
    }
}

/* --- Time ----------------------------------------------------------------------------------- */

static void expire(struct usb_request *r, uint64_t now)
{
    if (r->deadline_ns > now || visible(r, now))
        return;
    r->done = true;
    r->visible_ns = now;
    r->transfer.result = -ETIMEDOUT;
}

/* Ends blocking ioctls that are over. */
static void finish_blocking(struct usb_node *node, uint64_t now)
{
    for (GList *i = node->queue.head; i != NULL;) {
        GList *const next = i->next;
        struct usb_request *r = i->data;
        if (r->urb == NULL) {
            expire(r, now);
            if (visible(r, now)) {
                g_queue_delete_link(&node->queue, i);
                usb_complete_blocking(r);
                usb_request_free(r);
            }
        }
        i = next;
    }
    struct usb_request *const reaped =
        node->reaper == NULL ? NULL : usb_node_reap(node, node->reaper);
    if (reaped != NULL || (node->reaper != NULL && node->gone)) {
        UMockdevIoctlClient *const client = node->reaper;
        node->reaper = NULL;
        usb_complete_reap(client, reaped);
        g_object_unref(client);
    }
}

static void keep_earliest(uint64_t *earliest, uint64_t at)
{
    if (at < *earliest)
        *earliest = at;
}

/* When something is due next: *wire for what the clock may leap to, *wait for what takes its time
 * for real: a device that will have something to send then. */
static void find_due(struct usb_node *node, uint64_t now, uint64_t *wire, uint64_t *wait)
{
    if (!node->gone && next_to_run(node, node->line.free_ns) != NULL)
        keep_earliest(wire, node->line.free_ns);
    for (const GList *i = node->queue.head; i != NULL; i = i->next) {
        const struct usb_request *r = i->data;
        if (r->done && r->visible_ns > now)
            keep_earliest(wire, r->visible_ns);
        if (!r->done && r->urb == NULL)
            keep_earliest(wire, r->deadline_ns);
        if (!r->done && r->start_ns > now)
            keep_earliest(r->working ? wire : wait, r->start_ns);
    }
}

static void arm_timer(struct usb_bus *bus, uint64_t at_ns)
{
    struct itimerspec when = {0};
    if (at_ns != USB_NEVER) {
        const uint64_t machine_ns = at_ns - bus->skipped_ns + bus->base_ns;
        when.it_value.tv_sec = (time_t)(machine_ns / 1000000000);
        when.it_value.tv_nsec = (long)(machine_ns % 1000000000);
    }
    if (timerfd_settime(bus->timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
        g_error("timerfd_settime: %s", g_strerror(errno));
}

void usb_bus_pump(struct usb_bus *bus)
{
    for (;;) {
        const uint64_t now = usb_bus_now(bus);
        uint64_t wire = USB_NEVER, wait = USB_NEVER;
        for (struct usb_node *node = bus->nodes; node != NULL; node = node->next) {
            run_due(node, now);
            finish_blocking(node, now);
            update_readiness(node, now);
            find_due(node, now, &wire, &wait);
        }
        if (bus->pace == USB_PACED || wire == USB_NEVER) {
            arm_timer(bus, wire < wait ? wire : wait);
            return;
        }
        if (wire > now)
            bus->skipped_ns += wire - now;
    }
}
