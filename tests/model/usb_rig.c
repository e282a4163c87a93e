/* Runs commands with modelled USB programmers plugged in; desk.h says how. `usb_rig --help` lists
 * the options. */
#include <stdlib.h>
#include <string.h>

#include "model/desk.h"
#include "model/usb_bus.h"
#include "model/usb_loop_model.h"
#include "model/usbasp_model.h"
#include "model/usbtiny_model.h"

/* A programmer and where it is plugged in. */
struct plugged {
    const struct usb_device *device;
    const char *path;
    struct usbtiny_model *usbtiny;
    struct usbasp_model *usbasp;
    struct usb_loop_model *loop;
    struct usb_node *node;
};

struct settings {
    struct plugged first, second; /* the second has a chip of its own, or is not there */
    struct usb_faults faults;     /* of the first */
    bool slow_jumper;
    struct avr_chip *second_chip;
};

static bool find_device(const char *kind, const struct usb_device **device)
{
    *device = usbtiny_model_device(kind);
    if (*device == NULL)
        *device = usbasp_model_device(kind);
    if (*device == NULL && strcmp(kind, usb_loop_device.name) == 0)
        *device = &usb_loop_device;
    return *device != NULL;
}

static bool take_device(void *context, const char *value)
{
    return find_device(value, &((struct settings *)context)->first.device);
}

static bool take_also(void *context, const char *value)
{
    return find_device(value, &((struct settings *)context)->second.device);
}

static bool take_path(void *context, const char *value)
{
    ((struct settings *)context)->first.path = value;
    return true;
}

static bool take_also_path(void *context, const char *value)
{
    ((struct settings *)context)->second.path = value;
    return true;
}

static bool take_usb_fault(void *context, const char *value)
{
    struct usb_faults *f = &((struct settings *)context)->faults;
    struct {
        const char *name;
        unsigned *at;
    } const counted[] = {{"unplug=", &f->unplug_at},
                         {"stall=", &f->stall_at},
                         {"hang=", &f->hang_at},
                         {"short=", &f->short_at}};
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        const size_t length = strlen(counted[i].name);
        if (strncmp(value, counted[i].name, length) == 0) {
            *counted[i].at = (unsigned)strtoul(value + length, NULL, 10);
            return *counted[i].at > 0;
        }
    }
    if (strncmp(value, "stall-request=", 14) == 0) {
        f->stall_request = (int)strtoul(value + 14, NULL, 0);
        return true;
    }
    f->permission |= strcmp(value, "permission") == 0;
    f->busy |= strcmp(value, "busy") == 0;
    return f->permission || f->busy;
}

static bool take_slow_jumper(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->slow_jumper = true;
    return true;
}

static const struct desk_option own_options[] = {
    {"device", "KIND",
     "usbtiny, arduinoisp, usbasp-1.05, usbasp-1.07, usbasp-1.11, usbasp-fixed, usbasp-clone,\n"
     "      usbasp-nameless, or loop, which sends back what comes in; default usbtiny",
     take_device},
    {"path", "PATH", "where it is plugged in; default 1-1", take_path},
    {"also", "KIND", "another one, with an ATmega328P", take_also},
    {"also-path", "PATH", "default 1-2", take_also_path},
    {"usb-fault", "NAME[=N]",
     "permission, busy; unplug=N, stall=N, hang=N, short=N: at the Nth transfer;\n"
     "      stall-request=R: request R is unknown",
     take_usb_fault},
    {"slow-jumper", NULL, "of a USBasp: closed", take_slow_jumper},
    {NULL, NULL, NULL, NULL},
};

static void prepare(void *context)
{
    usb_bus_export(context);
    desk_preload_umockdev();
}

static void plug(struct usb_bus *bus, struct plugged *p, struct avr_chip *chip,
                 const struct usb_faults *faults)
{
    void *self;
    if (p->device == &usb_loop_device)
        self = p->loop = usb_loop_model_new();
    else if (usbtiny_model_device(p->device->name) != NULL)
        self = p->usbtiny = usbtiny_model_new(chip, p->device);
    else
        self = p->usbasp = usbasp_model_new(chip, p->device);
    p->node = usb_bus_plug(bus, p->path, p->device, self, faults);
}

static void plug_all(struct usb_bus *bus, struct settings *s, struct avr_chip *chip)
{
    plug(bus, &s->first, chip, &s->faults);
    if (s->first.usbasp != NULL)
        usbasp_model_set_slow_jumper(s->first.usbasp, s->slow_jumper);
    if (s->second.device == NULL)
        return;
    const struct usb_faults none = usb_no_faults();
    s->second_chip = avr_chip_new(avr_chip_spec("m328p"), NULL);
    plug(bus, &s->second, s->second_chip, &none);
}

static void unplug(struct plugged *p)
{
    usbtiny_model_free(p->usbtiny);
    usbasp_model_free(p->usbasp);
    usb_loop_model_free(p->loop);
}

int main(int argc, char **argv)
{
    struct desk desk;
    struct settings s = {.first = {.device = usbtiny_model_device("usbtiny"), .path = "1-1"},
                         .second = {.path = "1-2"},
                         .faults = usb_no_faults()};
    int status;
    if (!desk_start(&desk, argc, argv, "usb_rig", own_options, &s, &status))
        return status;
    struct usb_bus *bus = usb_bus_new(desk.paced ? USB_PACED : USB_LEAP);
    plug_all(bus, &s, desk.chip);
    const bool good = desk_run(&desk, "usb", prepare, bus);
    avr_chip_settle(desk.chip, usb_bus_now(bus));
    struct usb_count found[64];
    struct desk_count counts[64];
    const size_t count = usb_node_counts(s.first.node, found, sizeof found / sizeof found[0]);
    for (size_t i = 0; i < count; i++)
        counts[i] = (struct desk_count){found[i].name, found[i].value};
    status = desk_finish(&desk, good, counts, count);
    unplug(&s.first);
    unplug(&s.second);
    avr_chip_free(s.second_chip);
    usb_bus_free(bus);
    return status;
}
