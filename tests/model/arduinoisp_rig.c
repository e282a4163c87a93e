/* Runs commands against the real "Arduino as ISP" sketch on an Uno in simavr, with a chip model
 * behind it; desk.h says how. `arduinoisp_rig --help` lists the options. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/serial_rig.h"
#include "model/uno.h"

#ifdef __SANITIZE_ADDRESS__
/* simavr frees neither the names of its signals nor their pool. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsimavr\n";
}
#endif

struct settings {
    struct serial_settings serial;
    struct uno_options uno;
};

static bool take_sketch(void *context, const char *value)
{
    ((struct settings *)context)->uno.sketch = value;
    return true;
}

static bool take_bootloader(void *context, const char *value)
{
    struct settings *s = context;
    s->uno.bootloader = value;
    s->uno.resets_with_dtr = true;
    return true;
}

static const struct desk_option options[] = {
    {"sketch", "FILE", "the firmware, by tests/wire/build_firmware.sh; required", take_sketch},
    {"bootloader", "FILE", "optiboot for it; DTR then resets the board", take_bootloader},
    {NULL, NULL, NULL, NULL},
};

static bool available(const void *settings)
{
    const char *file = ((const struct settings *)settings)->uno.sketch;
    if (file == NULL || access(file, R_OK) != 0) {
        fprintf(stderr, "arduinoisp_rig: no firmware%s%s: tests/wire/build_firmware.sh makes it\n",
                file != NULL ? " in " : "", file != NULL ? file : "");
        return false;
    }
    return true;
}

static void *make(struct serial_port *port, struct avr_chip *chip, void *settings)
{
    struct settings *s = settings;
    s->uno.paced = s->serial.paced;
    s->uno.latency_ns = s->serial.latency_ns;
    return uno_new(port, chip, &s->uno);
}

static void run(void *programmer)
{
    uno_run(programmer);
}

static void stop(void *programmer)
{
    uno_stop(programmer);
}

static uint64_t now_ns(const void *programmer)
{
    return uno_now(programmer);
}

static size_t counts(const void *programmer, struct desk_count *out, size_t capacity)
{
    const struct uno_stats *u = uno_stats(programmer);
    const struct desk_count list[] = {
        {"uno.bytes-in", u->bytes_in}, {"uno.bytes-out", u->bytes_out},
        {"uno.overruns", u->overruns}, {"uno.garbled", u->garbled},
        {"uno.resets", u->resets},     {"uno.spi-bytes", u->spi_bytes},
        {"uno.crashed", u->crashed},   {"uno.time-us", uno_now(programmer) / AVR_US},
    };
    const size_t count = sizeof list / sizeof *list;
    memcpy(out, list, (count < capacity ? count : capacity) * sizeof *list);
    return count < capacity ? count : capacity;
}

static void free_programmer(void *programmer)
{
    uno_free(programmer);
}

static const struct serial_programmer arduino = {
    .name = "arduinoisp_rig",
    .options = options,
    .settings_size = sizeof(struct settings),
    .available = available,
    .make = make,
    .run = run,
    .stop = stop,
    .now_ns = now_ns,
    .counts = counts,
    .free = free_programmer,
};

int main(int argc, char **argv)
{
    return serial_rig_main(argc, argv, &arduino);
}
