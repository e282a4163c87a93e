/* Runs commands against a model of an STK500v1 programmer with a chip model behind it; desk.h says
 * how. `stk500_rig --help` lists the options. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "model/desk.h"
#include "model/stk500v1_model.h"

struct settings {
    enum serial_port_kind port;
    struct board_options board;
    struct stk500v1_options model;
};

static bool take_port(void *context, const char *value)
{
    struct settings *s = context;
    s->port = strcmp(value, "tty") == 0   ? SERIAL_PORT_TTY
              : strcmp(value, "tcp") == 0 ? SERIAL_PORT_TCP
                                          : SERIAL_PORT_PTY;
    return strcmp(value, "tty") == 0 || strcmp(value, "tcp") == 0 || strcmp(value, "pty") == 0;
}

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

static bool take_latency(void *context, const char *value)
{
    ((struct settings *)context)->board.latency_ns = strtoul(value, NULL, 10) * AVR_US;
    return true;
}

static const struct desk_option own_options[] = {
    {"port", "KIND", "pty, tty (libserialport finds it) or tcp; default pty", take_port},
    {"firmware", "NAME", "arduino-isp, optiboot or stk500; default arduino-isp", take_firmware},
    {"baud", "RATE", "of the firmware; default 19200 (stk500 and optiboot: 115200)", take_baud},
    {"native-usb", NULL, "a board with USB of its own: no rate, no overflow", take_native_usb},
    {"bootloader", "RATE", "DTR resets the board, optiboot at RATE comes first", take_bootloader},
    {"chatter", "TEXT", "what the firmware sends as it starts", take_chatter},
    {"latency", "US", "of the serial adapter, towards the computer", take_latency},
    {NULL, NULL, NULL, NULL},
};

static void prepare(void *context)
{
    const struct serial_port *port = context;
    serial_port_export(port);
    if (getenv("UMOCKDEV_DIR") != NULL) {
        desk_preload_umockdev();
    }
}

static void *run_model(void *context)
{
    stk500v1_run(context);
    return NULL;
}

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
}

static bool run(struct desk *desk, struct serial_port *port, struct board *board,
                struct stk500v1_model *model)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_model, model) != 0) {
        return false;
    }
    const bool good = desk_run(desk, serial_port_name(port), prepare, port);
    board_stop(board);
    return pthread_join(thread, NULL) == 0 && good;
}

int main(int argc, char **argv)
{
    struct desk desk;
    struct settings s = {0};
    int status;
    if (!desk_start(&desk, argc, argv, "stk500_rig", own_options, &s, &status)) {
        return status;
    }
    complete(&s);
    s.board.paced = desk.paced;
    struct serial_port *port = serial_port_new(s.port, NULL);
    if (port == NULL) {
        return 2;
    }
    struct board *board = board_new(port, &s.board);
    struct stk500v1_model *model = stk500v1_new(board, desk.chip, &s.model);
    const bool good = run(&desk, port, board, model);
    avr_chip_settle(desk.chip, board_now(board));
    const struct stk500v1_stats *m = stk500v1_stats(model);
    const struct board_stats *b = board_stats(board);
    const struct serial_port_lines lines = serial_port_lines(port);
    const struct desk_count counts[] = {
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
        {"board.time-us", board_now(board) / AVR_US},
        {"port.opened", lines.opened},
        {"port.dtr-raised", lines.dtr_raised},
        {"port.touches-1200", lines.touches_1200},
    };
    status = desk_finish(&desk, good, counts, sizeof counts / sizeof *counts);
    stk500v1_free(model);
    board_free(board);
    serial_port_free(port);
    return status;
}
