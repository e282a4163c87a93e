/* Runs a program with modelled USB programmers plugged in:
 *
 *   usb_rig --device usbtiny --chip m328p --report out.txt -- avrdude -c usbtiny -p m328p
 *
 * The exit status is the program's. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "usb_bus.h"
#include "usb_loop_model.h"
#include "usbasp_model.h"
#include "usbtiny_model.h"

static const char help[] =
    "usage: usb_rig [--pace] [--report FILE] [--timeout S] --device KIND [OPTION]... -- "
    "PROGRAM...\n"
    "Options of a device follow its --device; several devices may be given.\n"
    "  --device KIND         usbtiny, arduinoisp, usbasp-1.05, usbasp-1.07, usbasp-1.11,\n"
    "                        usbasp-fixed, usbasp-clone, usbasp-nameless; loop, which has\n"
    "                        no chip and sends back what comes in\n"
    "  --path PATH           where it is plugged in: 1-2, 1-2.3 (default 1-1, 1-2, ...)\n"
    "  --fault NAME[=N]      permission, busy; unplug=N, stall=N, hang=N, short=N: at the Nth\n"
    "                        transfer; stall-request=R: request R is unknown\n"
    "  --slow-jumper         USBasp: closed\n"
    "  --pace                transfers take their time for real\n"
    "  --report FILE         what happened on the bus and in the chips\n"
    "  --timeout S           kill the program after S seconds (default 60)\n";

struct slot {
    const struct usb_device *device;
    const char *path;
    char default_path[16];
    struct usb_faults faults;
    bool slow_jumper;
    struct rig_chip chip;
    struct usbtiny_model *usbtiny;
    struct usbasp_model *usbasp;
    struct usb_loop_model *loop;
    struct usb_node *node;
};

enum { SLOTS_MAX = 4 };

struct rig {
    struct slot slots[SLOTS_MAX];
    size_t slot_count;
    enum usb_pace pace;
    const char *report_path;
    unsigned timeout_s;
    char **command;
};

static unsigned number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 0);
}

static void add_fault(struct usb_faults *f, const char *text)
{
    struct {
        const char *name;
        unsigned *at;
    } const counted[] = {{"unplug=", &f->unplug_at},
                         {"stall=", &f->stall_at},
                         {"hang=", &f->hang_at},
                         {"short=", &f->short_at}};
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        const size_t length = strlen(counted[i].name);
        if (strncmp(text, counted[i].name, length) == 0) {
            *counted[i].at = number(text + length);
            return;
        }
    }
    if (strcmp(text, "permission") == 0)
        f->permission = true;
    else if (strcmp(text, "busy") == 0)
        f->busy = true;
    else if (strncmp(text, "stall-request=", 14) == 0)
        f->stall_request = (int)number(text + 14);
    else
        rig_die("--fault %s: unknown", text);
}

static void add_slot(struct rig *r, const char *kind)
{
    if (r->slot_count == SLOTS_MAX)
        rig_die("too many devices");
    struct slot *s = &r->slots[r->slot_count++];
    s->device = usbtiny_model_device(kind);
    if (s->device == NULL)
        s->device = usbasp_model_device(kind);
    if (strcmp(kind, usb_loop_device.name) == 0)
        s->device = &usb_loop_device;
    if (s->device == NULL)
        rig_die("--device %s: not modelled", kind);
    (void)snprintf(s->default_path, sizeof s->default_path, "1-%zu", r->slot_count);
    s->path = s->default_path;
    s->faults = usb_no_faults();
    rig_chip_init(&s->chip);
}

/* Options with a value. */
static void take_option(struct rig *r, const char *name, const char *value)
{
    if (value == NULL)
        rig_die("%s needs a value", name);
    struct slot *s = r->slot_count == 0 ? NULL : &r->slots[r->slot_count - 1];
    if (strcmp(name, "--device") == 0)
        add_slot(r, value);
    else if (strcmp(name, "--report") == 0)
        r->report_path = value;
    else if (strcmp(name, "--timeout") == 0)
        r->timeout_s = number(value);
    else if (s == NULL)
        rig_die("%s: --device comes first", name);
    else if (strcmp(name, "--path") == 0)
        s->path = value;
    else if (strcmp(name, "--fault") == 0)
        add_fault(&s->faults, value);
    else if (!rig_chip_option(&s->chip, name, value))
        rig_die("%s: unknown option", name);
}

static void parse(struct rig *r, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("%s%s", help, rig_chip_help);
            exit(0);
        }
        if (strcmp(argv[i], "--pace") == 0)
            r->pace = USB_PACED;
        else if (strcmp(argv[i], "--slow-jumper") == 0 && r->slot_count > 0)
            r->slots[r->slot_count - 1].slow_jumper = true;
        else {
            take_option(r, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        }
    }
    if (i + 1 >= argc)
        rig_die("-- PROGRAM is missing; see --help");
    r->command = argv + i + 1;
}

static void plug(struct usb_bus *bus, struct slot *s)
{
    void *self;
    struct avr_chip *chip = s->device == &usb_loop_device ? NULL : rig_chip_new(&s->chip);
    if (chip == NULL) {
        self = s->loop = usb_loop_model_new();
    } else if (usbtiny_model_device(s->device->name) != NULL) {
        self = s->usbtiny = usbtiny_model_new(chip, s->device);
    } else {
        self = s->usbasp = usbasp_model_new(chip, s->device);
        usbasp_model_set_slow_jumper(s->usbasp, s->slow_jumper);
    }
    s->node = usb_bus_plug(bus, s->path, s->device, self, &s->faults);
}

static void finish(struct slot *s, uint64_t now_ns, FILE *report)
{
    if (report != NULL)
        usb_node_report(s->node, report);
    if (s->loop == NULL)
        rig_chip_finish(&s->chip, now_ns, report);
    usb_loop_model_free(s->loop);
    usbtiny_model_free(s->usbtiny);
    usbasp_model_free(s->usbasp);
}

int main(int argc, char **argv)
{
    struct rig r = {.timeout_s = 60};
    parse(&r, argc, argv);
    struct usb_bus *bus = usb_bus_new(r.pace);
    for (size_t i = 0; i < r.slot_count; i++)
        plug(bus, &r.slots[i]);
    FILE *report = r.report_path == NULL ? NULL : fopen(r.report_path, "w");
    if (r.report_path != NULL && report == NULL)
        rig_die("%s cannot be written", r.report_path);
    const int status = rig_exit_status(usb_bus_run(bus, r.command, r.timeout_s));
    if (report != NULL)
        fprintf(report, "rig.status %d\nrig.time-ms %llu\n", status,
                (unsigned long long)(usb_bus_now(bus) / USB_MS));
    for (size_t i = 0; i < r.slot_count; i++)
        finish(&r.slots[i], usb_bus_now(bus), report);
    if (report != NULL && fclose(report) != 0)
        rig_die("%s cannot be written", r.report_path);
    usb_bus_free(bus);
    return status;
}
