/* Port, programmer thread and commands of a rig on a serial port; see serial_rig.h. */
#include "model/serial_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_port(void *context, const char *value)
{
    static const char *const names[] = {"pty", "tty", "tcp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            ((struct serial_settings *)context)->kind = (enum serial_port_kind)i;
            return true;
        }
    }
    return false;
}

static bool take_usb_id(void *context, const char *value)
{
    struct serial_port_id *id = &((struct serial_settings *)context)->id;
    unsigned vendor, product;
    if (sscanf(value, "%4x:%4x", &vendor, &product) != 2) {
        return false;
    }
    *id = (struct serial_port_id){.vendor = (uint16_t)vendor,
                                  .product = (uint16_t)product,
                                  .title = "serial adapter",
                                  .serial = "0001"};
    return true;
}

static bool take_number(const char *value, uint64_t *number)
{
    char *end;
    *number = strtoull(value, &end, 0);
    return end != value && *end == '\0';
}

static bool take_latency(void *context, const char *value)
{
    struct serial_settings *s = context;
    const bool good = take_number(value, &s->latency_ns);
    s->latency_ns *= AVR_US;
    return good;
}

static bool take_unplug(void *context, const char *value)
{
    return take_number(value, &((struct serial_settings *)context)->faults.unplug_after);
}

static bool take_mute(void *context, const char *value)
{
    return take_number(value, &((struct serial_settings *)context)->faults.mute_after);
}

static bool take_lose_in(void *context, const char *value)
{
    return take_number(value, &((struct serial_settings *)context)->faults.lose_in);
}

static bool take_lose_out(void *context, const char *value)
{
    return take_number(value, &((struct serial_settings *)context)->faults.lose_out);
}

static bool take_noise_out(void *context, const char *value)
{
    return take_number(value, &((struct serial_settings *)context)->faults.noise_out);
}

static const struct desk_option port_options[] = {
    {"port", "KIND", "pty, tty (libserialport finds it) or tcp; default pty", take_port},
    {"usb-id", "VID:PID", "of a tty; default 2341:0043, an Uno", take_usb_id},
    {"latency", "US", "of the serial adapter, towards the computer", take_latency},
    {"unplug-after", "N", "the port vanishes after N bytes from the computer", take_unplug},
    {"mute-after", "N", "nothing more is answered after N bytes from the computer", take_mute},
    {"lose-in", "N", "the N-th byte from the computer is lost", take_lose_in},
    {"lose-out", "N", "the N-th byte to the computer is lost", take_lose_out},
    {"noise-out", "N", "a byte of noise follows the N-th to the computer", take_noise_out},
    {NULL, NULL, NULL, NULL},
};

static size_t list_length(const struct desk_option *list)
{
    size_t length = 0;
    while (list[length].name != NULL) {
        length++;
    }
    return length;
}

/* The programmer's options and the port's, in one list. */
static struct desk_option *join(const struct desk_option *own)
{
    const size_t count = list_length(own);
    struct desk_option *list = calloc(1, count * sizeof *list + sizeof port_options);
    if (list == NULL) {
        abort();
    }
    memcpy(list, own, count * sizeof *list);
    memcpy(list + count, port_options, sizeof port_options);
    return list;
}

static void prepare(void *context)
{
    serial_port_export(context);
    if (getenv("UMOCKDEV_DIR") != NULL) {
        desk_preload_umockdev();
    }
}

struct run {
    const struct serial_programmer *type;
    void *programmer;
};

static void *run_programmer(void *context)
{
    const struct run *r = context;
    r->type->run(r->programmer);
    return NULL;
}

static bool run_commands(struct desk *desk, struct serial_port *port, struct run *r)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_programmer, r) != 0) {
        return false;
    }
    const bool good = desk_run(desk, serial_port_name(port), prepare, port);
    r->type->stop(r->programmer);
    return pthread_join(thread, NULL) == 0 && good;
}

enum { COUNTS_MAX = 48, PORT_COUNTS = 5 };

static int finish(struct desk *desk, bool good, const struct serial_programmer *type,
                  const void *programmer, struct serial_port *port)
{
    struct desk_count counts[COUNTS_MAX];
    const struct serial_port_lines lines = serial_port_lines(port);
    avr_chip_settle(desk->chip, type->now_ns(programmer));
    size_t count = type->counts(programmer, counts, COUNTS_MAX - PORT_COUNTS);
    counts[count++] = (struct desk_count){"port.opened", lines.opened};
    counts[count++] = (struct desk_count){"port.dtr-raised", lines.dtr_raised};
    counts[count++] = (struct desk_count){"port.touches-1200", lines.touches_1200};
    counts[count++] = (struct desk_count){"port.low-latency", lines.low_latency};
    counts[count++] = (struct desk_count){"port.low-latency-asked", lines.low_latency_asked};
    return desk_finish(desk, good, counts, count);
}

static int run_rig(struct desk *desk, const struct serial_programmer *type,
                   struct serial_settings *settings)
{
    if (type->available != NULL && !type->available(settings)) {
        (void)desk_finish(desk, true, NULL, 0);
        return DESK_STATUS_SKIPPED;
    }
    settings->paced = desk->paced;
    int status = 2;
    struct serial_port *port =
        serial_port_new(settings->kind, settings->id.vendor != 0 ? &settings->id : NULL);
    void *programmer = NULL;
    if (port != NULL) {
        serial_port_set_faults(port, &settings->faults);
        programmer = type->make(port, desk->chip, settings);
    }
    if (programmer != NULL) {
        const bool good = run_commands(desk, port, &(struct run){type, programmer});
        status = finish(desk, good, type, programmer, port);
        type->free(programmer);
    } else {
        (void)desk_finish(desk, false, NULL, 0);
    }
    serial_port_free(port);
    return status;
}

/* Programmers on a serial port have an AVR on their desk. */
static const struct desk_family *const families[] = {&desk_avr, NULL};

int serial_rig_main(int argc, char **argv, const struct serial_programmer *programmer)
{
    struct desk desk;
    struct serial_settings *settings = calloc(1, programmer->settings_size);
    struct desk_option *options = join(programmer->options);
    if (settings == NULL) {
        abort();
    }
    int status;
    if (desk_start(&desk, argc, argv, programmer->name, families, options, settings, &status)) {
        status = run_rig(&desk, programmer, settings);
    }
    free(options);
    free(settings);
    return status;
}
