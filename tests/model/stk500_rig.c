/* Runs commands against a model of an STK500v1 programmer with a chip model behind it; desk.h says
 * how. `stk500_rig --help` lists the options. */
#include <stdlib.h>
#include <string.h>

#include "model/serial_rig.h"
#include "model/stk500v1_model.h"

struct settings {
    struct serial_settings serial;
    struct board_options board;
    struct stk500v1_options model;
};

struct programmer {
    struct board *board;
    struct stk500v1_model *model;
};

static bool take_firmware(void *context, const char *value)
{
    struct settings *s = context;
    static const char *const names[] = {"arduino-isp", "optiboot", "stk500"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            s->model.firmware = (enum stk500v1_firmware)i;
            return true;
        }
    }
    return false;
}

static bool take_native_usb(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->board.link = BOARD_CDC;
    return true;
}

static bool take_baud(void *context, const char *value)
{
    struct settings *s = context;
    s->model.baud = (uint32_t)strtoul(value, NULL, 10);
    return s->model.baud > 0;
}

static bool take_bootloader(void *context, const char *value)
{
    struct settings *s = context;
    s->model.bootloader_baud = (uint32_t)strtoul(value, NULL, 10);
    s->board.resets_with_dtr = true;
    return s->model.bootloader_baud > 0;
}

static bool take_chatter(void *context, const char *value)
{
    ((struct settings *)context)->model.chatter = value;
    return true;
}

static const struct desk_option options[] = {
    {"firmware", "NAME", "arduino-isp, optiboot or stk500; default arduino-isp", take_firmware},
    {"baud", "RATE", "of the firmware; default 19200 (stk500 and optiboot: 115200)", take_baud},
    {"native-usb", NULL, "a board with USB of its own: no rate, no overflow", take_native_usb},
    {"bootloader", "RATE", "DTR resets the board, optiboot at RATE comes first", take_bootloader},
    {"chatter", "TEXT", "what the firmware sends as it starts", take_chatter},
    {NULL, NULL, NULL, NULL},
};

static void complete(struct settings *s)
{
    const bool sketch = s->model.firmware == STK500V1_ARDUINO_ISP;
    if (s->model.baud == 0) {
        s->model.baud = sketch ? 19200 : 115200;
    }
    if (s->model.firmware == STK500V1_OPTIBOOT && s->model.bootloader_baud == 0) {
        s->model.bootloader_baud = s->model.baud;
        s->board.resets_with_dtr = true;
    }
    s->board.paced = s->serial.paced;
    s->board.latency_ns = s->serial.latency_ns;
}

static void *make(struct serial_port *port, struct avr_chip *chip, void *settings)
{
    struct settings *s = settings;
    complete(s);
    struct programmer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->board = board_new(port, &s->board);
    p->model = stk500v1_new(p->board, chip, &s->model);
    return p;
}

static void run(void *programmer)
{
    stk500v1_run(((struct programmer *)programmer)->model);
}

static void stop(void *programmer)
{
    board_stop(((struct programmer *)programmer)->board);
}

static uint64_t now_ns(const void *programmer)
{
    return board_now(((const struct programmer *)programmer)->board);
}

static size_t counts(const void *programmer, struct desk_count *out, size_t capacity)
{
    const struct programmer *p = programmer;
    const struct stk500v1_stats *m = stk500v1_stats(p->model);
    const struct board_stats *b = board_stats(p->board);
    const struct desk_count list[] = {
        {"stk.commands", m->commands},
        {"stk.unknown", m->unknown},
        {"stk.no-sync", m->no_sync},
        {"stk.sequence-errors", m->sequence_errors},
        {"stk.crashes", m->crashes},
        {"boot.commands", m->bootloader_commands},
        {"boot.pages", m->bootloader_pages},
        {"boot.applications", m->applications},
        {"board.bytes-in", b->bytes_in},
        {"board.bytes-out", b->bytes_out},
        {"board.overflows", b->overflows},
        {"board.garbled", b->garbled},
        {"board.deepest", b->deepest},
        {"board.resets", b->resets},
        {"board.time-us", board_now(p->board) / AVR_US},
    };
    const size_t count = sizeof list / sizeof *list;
    memcpy(out, list, (count < capacity ? count : capacity) * sizeof *list);
    return count < capacity ? count : capacity;
}

static void free_programmer(void *programmer)
{
    struct programmer *p = programmer;
    stk500v1_free(p->model);
    board_free(p->board);
    free(p);
}

static const struct serial_programmer stk500 = {
    .name = "stk500_rig",
    .options = options,
    .settings_size = sizeof(struct settings),
    .make = make,
    .run = run,
    .stop = stop,
    .now_ns = now_ns,
    .counts = counts,
    .free = free_programmer,
};

int main(int argc, char **argv)
{
    return serial_rig_main(argc, argv, &stk500);
}
