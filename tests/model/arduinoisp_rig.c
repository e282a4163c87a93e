/* Runs commands against the real "Arduino as ISP" sketch on an Uno in simavr, with a chip model
 * behind it; desk.h says how. `arduinoisp_rig --help` lists the options. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/desk.h"
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
    enum serial_port_kind port;
    struct uno_options uno;
};

static bool take_port(void *context, const char *value)
{
    struct settings *s = context;
    s->port = strcmp(value, "tty") == 0   ? SERIAL_PORT_TTY
              : strcmp(value, "tcp") == 0 ? SERIAL_PORT_TCP
                                          : SERIAL_PORT_PTY;
    return strcmp(value, "tty") == 0 || strcmp(value, "tcp") == 0 || strcmp(value, "pty") == 0;
}

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

static bool take_latency(void *context, const char *value)
{
    ((struct settings *)context)->uno.latency_ns = strtoul(value, NULL, 10) * AVR_US;
    return true;
}

static const struct desk_option own_options[] = {
    {"sketch", "FILE", "the firmware, by tests/wire/build_firmware.sh; required", take_sketch},
    {"port", "KIND", "pty, tty (libserialport finds it) or tcp; default pty", take_port},
    {"bootloader", "FILE", "optiboot for it; DTR then resets the board", take_bootloader},
    {"latency", "US", "of the serial adapter, towards the computer", take_latency},
    {NULL, NULL, NULL, NULL},
};

static void prepare(void *context)
{
    serial_port_export(context);
    if (getenv("UMOCKDEV_DIR") != NULL) {
        desk_preload_umockdev();
    }
}

static void *run_uno(void *context)
{
    uno_run(context);
    return NULL;
}

static bool run(struct desk *desk, struct serial_port *port, struct uno *uno)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_uno, uno) != 0) {
        return false;
    }
    const bool good = desk_run(desk, serial_port_name(port), prepare, port);
    uno_stop(uno);
    return pthread_join(thread, NULL) == 0 && good;
}

static bool have_firmware(const struct settings *s)
{
    const char *file = s->uno.sketch;
    if (file == NULL || access(file, R_OK) != 0) {
        fprintf(stderr, "arduinoisp_rig: no firmware%s%s: tests/wire/build_firmware.sh makes it\n",
                file != NULL ? " in " : "", file != NULL ? file : "");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct desk desk;
    struct settings s = {0};
    int status;
    if (!desk_start(&desk, argc, argv, "arduinoisp_rig", own_options, &s, &status)) {
        return status;
    }
    if (!have_firmware(&s)) {
        (void)desk_finish(&desk, true, NULL, 0);
        return DESK_STATUS_SKIPPED;
    }
    s.uno.paced = desk.paced;
    struct serial_port *port = serial_port_new(s.port, NULL);
    struct uno *uno = port != NULL ? uno_new(port, desk.chip, &s.uno) : NULL;
    if (uno == NULL) {
        serial_port_free(port);
        return 2;
    }
    const bool good = run(&desk, port, uno);
    avr_chip_settle(desk.chip, uno_now(uno));
    const struct uno_stats *u = uno_stats(uno);
    const struct serial_port_lines lines = serial_port_lines(port);
    const struct desk_count counts[] = {
        {"uno.bytes-in", u->bytes_in}, {"uno.bytes-out", u->bytes_out},
        {"uno.overruns", u->overruns}, {"uno.garbled", u->garbled},
        {"uno.resets", u->resets},     {"uno.spi-bytes", u->spi_bytes},
        {"uno.crashed", u->crashed},   {"uno.time-us", uno_now(uno) / AVR_US},
        {"port.opened", lines.opened}, {"port.dtr-raised", lines.dtr_raised},
    };
    status = desk_finish(&desk, good, counts, sizeof counts / sizeof *counts);
    uno_free(uno);
    serial_port_free(port);
    return status;
}
