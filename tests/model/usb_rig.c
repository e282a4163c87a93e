/* Runs commands with modelled USB programmers plugged in; desk.h says how. `usb_rig --help` lists
 * the options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/desk.h"
#include "model/ftdi_model.h"
#include "model/stlink_model.h"
#include "model/usb_bus.h"
#include "model/usb_loop_model.h"
#include "model/usbasp_model.h"
#include "model/usbtiny_model.h"

struct settings;

/* One kind of model. */
struct kind {
    const struct desk_family *family; /* the chips it programs */
    const struct usb_device *(*find)(const char *name);
    void *(*make)(void *chip, const struct usb_device *device, const struct settings *s);
    size_t (*count)(const void *model, struct usb_count *counts, size_t capacity); /* may be NULL */
    void (*free)(void *model);
};

/* A programmer and where it is plugged in. */
struct plugged {
    const struct kind *kind;
    const struct usb_device *device; /* NULL: none */
    const char *serial;              /* NULL: the model's own */
    struct usb_device renamed;       /* with that serial number */
    const char *path;
    void *model;
    void *chip; /* that only this one has; may be NULL */
    struct usb_node *node;
};

struct settings {
    struct plugged first, second; /* the second has a chip of its own, or is not there */
    struct usb_faults faults;     /* of the first */
    bool slow_jumper;
    unsigned bitbang_factor; /* 0: the model's own */
    const char *firmware;    /* of an ST-Link; NULL: the model's own */
    enum stlink_mode mode;
    uint32_t millivolts, waits;
};

static void *make_usbtiny(void *chip, const struct usb_device *device, const struct settings *s)
{
    (void)s;
    return usbtiny_model_new(chip, device);
}

static void free_usbtiny(void *model)
{
    usbtiny_model_free(model);
}

static void *make_usbasp(void *chip, const struct usb_device *device, const struct settings *s)
{
    struct usbasp_model *model = usbasp_model_new(chip, device);
    usbasp_model_set_slow_jumper(model, s->slow_jumper);
    return model;
}

static void free_usbasp(void *model)
{
    usbasp_model_free(model);
}

static void *make_ftdi(void *chip, const struct usb_device *device, const struct settings *s)
{
    struct ftdi_model *model = ftdi_model_new(chip, device);
    if (s->bitbang_factor != 0)
        ftdi_model_set_bitbang_factor(model, s->bitbang_factor);
    return model;
}

static size_t count_ftdi(const void *model, struct usb_count *counts, size_t capacity)
{
    return ftdi_model_counts(model, counts, capacity);
}

static void free_ftdi(void *model)
{
    ftdi_model_free(model);
}

static const struct usb_device *find_loop(const char *name)
{
    return strcmp(name, usb_loop_device.name) == 0 ? &usb_loop_device : NULL;
}

static void *make_loop(void *chip, const struct usb_device *device, const struct settings *s)
{
    (void)chip;
    (void)device;
    (void)s;
    return usb_loop_model_new();
}

static void free_loop(void *model)
{
    usb_loop_model_free(model);
}

static void *make_stlink(void *chip, const struct usb_device *device, const struct settings *s)
{
    struct stlink_model *model = stlink_model_new(chip, device);
    if (s->firmware != NULL)
        (void)stlink_model_set_firmware(model, s->firmware);
    stlink_model_set_mode(model, s->mode);
    stlink_model_set_voltage(model, s->millivolts);
    stlink_model_set_waits(model, s->waits);
    return model;
}

static size_t count_stlink(const void *model, struct usb_count *counts, size_t capacity)
{
    return stlink_model_counts(model, counts, capacity);
}

static void free_stlink(void *model)
{
    stlink_model_free(model);
}

static const struct kind kinds[] = {
    {&desk_avr, usbtiny_model_device, make_usbtiny, NULL, free_usbtiny},
    {&desk_avr, usbasp_model_device, make_usbasp, NULL, free_usbasp},
    {&desk_avr, ftdi_model_device, make_ftdi, count_ftdi, free_ftdi},
    {&desk_avr, find_loop, make_loop, NULL, free_loop},
    {&desk_stm32, stlink_model_device, make_stlink, count_stlink, free_stlink},
};

static bool find_device(const char *name, struct plugged *p)
{
    p->device = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && p->device == NULL; i++) {
        p->kind = &kinds[i];
        p->device = p->kind->find(name);
    }
    return p->device != NULL;
}

static bool take_device(void *context, const char *value)
{
    return find_device(value, &((struct settings *)context)->first);
}

static bool take_also(void *context, const char *value)
{
    return find_device(value, &((struct settings *)context)->second);
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
                         {"noise=", &f->noise_at},
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

static bool take_bitbang_factor(void *context, const char *value)
{
    unsigned *factor = &((struct settings *)context)->bitbang_factor;
    *factor = (unsigned)strtoul(value, NULL, 10);
    return *factor > 0;
}

static bool take_serial(void *context, const char *value)
{
    ((struct settings *)context)->first.serial = value;
    return true;
}

static bool take_also_serial(void *context, const char *value)
{
    ((struct settings *)context)->second.serial = value;
    return true;
}

static bool take_firmware(void *context, const char *value)
{
    unsigned v, j, s;
    ((struct settings *)context)->firmware = value;
    return sscanf(value, "V%uJ%uS%u", &v, &j, &s) == 3;
}

static bool take_mode(void *context, const char *value)
{
    static const char *const names[] = {"dfu", "mass", "debug", "swim"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, names[i]) == 0) {
            ((struct settings *)context)->mode = (enum stlink_mode)i;
            return true;
        }
    }
    return false;
}

static bool take_millivolts(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->millivolts);
}

static bool take_waits(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->waits);
}

static const struct desk_option own_options[] = {
    {"device", "KIND",
     "usbtiny, arduinoisp, usbasp-1.05, usbasp-1.07, usbasp-1.11, usbasp-fixed, usbasp-clone,\n"
     "      usbasp-nameless; ft232h, ft2232h, ft4232h, ft2232d, 2232hio, ktlink, tumpa-b, ft232r,\n"
     "      ft245r, arduino-ft232r, ttl232r; stlink-v2, stlink-v2-old, stlink-v2-1, stlink-v3 "
     "with\n"
     "      an STM32F1; or loop, which sends back what comes in; default usbtiny",
     take_device},
    {"path", "PATH", "where it is plugged in; default 1-1", take_path},
    {"serial", "TEXT", "its serial number", take_serial},
    {"also", "KIND", "another one, with a usual chip of its own", take_also},
    {"also-path", "PATH", "default 1-2", take_also_path},
    {"also-serial", "TEXT", "its serial number", take_also_serial},
    {"usb-fault", "NAME[=N]",
     "permission, busy; unplug=N, stall=N, hang=N, noise=N, short=N: at the Nth transfer;\n"
     "      stall-request=R: request R is unknown",
     take_usb_fault},
    {"slow-jumper", NULL, "of a USBasp: closed", take_slow_jumper},
    {"bitbang-factor", "N", "of an FTDI chip: bytes clocked in one baud, 4 or 16; default 4",
     take_bitbang_factor},
    {"firmware", "V2J37S7", "of an ST-Link: its version; older ones know less", take_firmware},
    {"mode", "NAME", "of an ST-Link when found: dfu, mass, debug or swim; default dfu", take_mode},
    {"millivolts", "N", "of an ST-Link: measured on a powered target; default 3250",
     take_millivolts},
    {"waits", "N", "of an ST-Link: how often it tries again after WAIT; default 128", take_waits},
    {NULL, NULL, NULL, NULL},
};

static void prepare(void *context)
{
    usb_bus_export(context);
    desk_preload_umockdev();
}

static void plug(struct usb_bus *bus, struct plugged *p, void *chip, const struct settings *s,
                 const struct usb_faults *faults)
{
    if (p->serial != NULL) {
        p->renamed = *p->device;
        p->renamed.serial = p->serial;
        p->device = &p->renamed;
    }
    p->model = p->kind->make(chip, p->device, s);
    p->node = usb_bus_plug(bus, p->path, p->device, p->model, faults);
}

static void plug_all(struct usb_bus *bus, struct settings *s, void *chip)
{
    plug(bus, &s->first, chip, s, &s->faults);
    if (s->second.device == NULL)
        return;
    const struct usb_faults none = usb_no_faults();
    const struct desk_family *family = s->second.kind->family;
    void *settings = family->new_settings();
    s->second.chip = family->make(family->default_part, settings, NULL);
    free(settings);
    plug(bus, &s->second, s->second.chip, s, &none);
}

static void unplug(struct plugged *p)
{
    if (p->device == NULL)
        return;
    p->kind->free(p->model);
    p->kind->family->free(p->chip);
}

static int run(struct desk *desk, struct settings *s)
{
    struct usb_bus *bus = usb_bus_new(desk->paced ? USB_PACED : USB_LEAP);
    plug_all(bus, s, desk->chip);
    const bool good = desk_run(desk, "usb", prepare, bus);
    desk->family->settle(desk->chip, usb_bus_now(bus));
    struct usb_count found[96];
    struct desk_count counts[96];
    const size_t capacity = sizeof found / sizeof found[0];
    size_t count = usb_node_counts(s->first.node, found, capacity);
    if (s->first.kind->count != NULL)
        count += s->first.kind->count(s->first.model, found + count, capacity - count);
    for (size_t i = 0; i < count; i++)
        counts[i] = (struct desk_count){found[i].name, found[i].value};
    const int status = desk_finish(desk, good, counts, count);
    unplug(&s->first);
    unplug(&s->second);
    usb_bus_free(bus);
    return status;
}

int main(int argc, char **argv)
{
    static const struct desk_family *const families[] = {&desk_avr, &desk_stm32, NULL};
    struct desk desk;
    struct settings s = {.first = {.path = "1-1"},
                         .second = {.path = "1-2"},
                         .faults = usb_no_faults(),
                         .millivolts = 3250,
                         .waits = 128};
    int status;
    (void)find_device("usbtiny", &s.first);
    if (!desk_start(&desk, argc, argv, "usb_rig", families, own_options, &s, &status))
        return status;
    if (s.first.kind->family != desk.family) {
        fputs("usb_rig: that programmer is for other parts; choose one with --part\n", stderr);
        return 2;
    }
    return run(&desk, &s);
}
