/* Runs commands against a Bus Pirate model with a chip model behind it; desk.h says how.
 * `buspirate_rig --help` lists the options. */
#include <stdlib.h>
#include <string.h>

#include "model/buspirate_model.h"
#include "model/serial_rig.h"

struct settings {
    struct serial_settings serial;
    struct buspirate_options model;
    struct buspirate_firmware firmware;
    uint64_t timer_ms; /* 0: 16 */
};

struct programmer {
    struct board *board;
    struct serial_port *port;
    struct buspirate_model *model;
};

static bool choose(const char *value, const char *const *names, int *index)
{
    for (*index = 0; names[*index] != NULL; (*index)++) {
        if (strcmp(value, names[*index]) == 0) {
            return true;
        }
    }
    return false;
}

static bool take_firmware(void *context, const char *value)
{
    struct settings *s = context;
    const struct buspirate_firmware *found = buspirate_firmware(value);
    if (found != NULL) {
        s->firmware = *found;
    }
    return found != NULL;
}

static bool take_state(void *context, const char *value)
{
    static const char *const names[] = {"terminal", "menu",    "bitbang", "spi",
                                        "i2c",      "writing", NULL};
    int i;
    const bool good = choose(value, names, &i);
    ((struct settings *)context)->model.state = (enum buspirate_state)i;
    return good;
}

static bool take_number(const char *value, uint64_t *number)
{
    char *end;
    *number = strtoull(value, &end, 10);
    return end != value && *end == '\0';
}

static bool take_found_baud(void *context, const char *value)
{
    uint64_t number;
    const bool good = take_number(value, &number);
    ((struct settings *)context)->model.found_baud = (uint32_t)number;
    return good;
}

static bool take_max_baud(void *context, const char *value)
{
    uint64_t number;
    const bool good = take_number(value, &number);
    ((struct settings *)context)->model.max_baud = (uint32_t)number;
    return good;
}

static bool take_reset_pin(void *context, const char *value)
{
    static const char *const names[] = {"cs", "aux", NULL};
    int i;
    const bool good = choose(value, names, &i);
    ((struct settings *)context)->model.reset_on_aux = i == 1;
    return good;
}

static bool take_powered(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->model.powered = true;
    return true;
}

static bool take_supply_short(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->model.supply_short = true;
    return true;
}

static bool take_probe(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->model.probe = true;
    return true;
}

static bool take_vpu(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->model.pull_ups = true;
    return true;
}

/* "reset:2000" */
static bool take_device_fault(void *context, const char *value)
{
    struct settings *s = context;
    const char *colon = strchr(value, ':');
    if (colon == NULL || !take_number(colon + 1, &s->model.fault_at)) {
        return false;
    }
    s->model.fault =
        strncmp(value, "reset", 5) == 0 ? BUSPIRATE_FAULT_RESET : BUSPIRATE_FAULT_GARBAGE;
    return strncmp(value, "reset:", 6) == 0 || strncmp(value, "garbage:", 8) == 0;
}

static bool take_timer(void *context, const char *value)
{
    struct settings *s = context;
    return take_number(value, &s->timer_ms) && s->timer_ms > 0;
}

static const struct desk_option options[] = {
    {"firmware", "NAME", "v3-5, v3-6, v3-7, v3-8, v4-6, v5; default v3-7", take_firmware},
    {"state", "NAME", "found in: terminal, menu, bitbang, spi, i2c, writing", take_state},
    {"found-baud", "RATE", "found at this rate", take_found_baud},
    {"max-baud", "RATE", "the line garbles above it", take_max_baud},
    {"reset-pin", "PIN", "cs or aux: where RESET is wired to", take_reset_pin},
    {"powered", NULL, "the chip has a supply of its own", take_powered},
    {"supply-short", NULL, "the Bus Pirate's supply cannot be switched on", take_supply_short},
    {"probe", NULL, "the ADC lead is at VCC", take_probe},
    {"vpu", NULL, "Vpu is at VCC: pull-ups pull up", take_vpu},
    {"device-fault", "NAME:N", "reset or garbage, from the N-th byte on", take_device_fault},
    {"timer", "MS", "latency timer of the FTDI adapter; default 16", take_timer},
    {NULL, NULL, NULL, NULL},
};

/* A v3 sits behind an FT232R. The computer asks a USB device for data about once a millisecond. */
static void *make(struct serial_port *port, struct avr_chip *chip, void *settings)
{
    struct settings *s = settings;
    if (s->firmware.name == NULL) {
        s->firmware = *buspirate_firmware("v3-7");
    }
    const bool uart = s->firmware.link == BOARD_UART;
    s->model.firmware = &s->firmware;
    s->model.paced = s->serial.paced;
    const struct board_options board = {
        .link = s->firmware.link,
        .paced = s->serial.paced,
        .latency_ns = s->serial.latency_ns != 0 ? s->serial.latency_ns : AVR_MS,
        .packet_size = uart ? 62 : 0,
        .timer_ns = (s->timer_ms != 0 ? s->timer_ms : 16) * AVR_MS,
        .overrun_stops = uart,
    };
    struct programmer *p = calloc(1, sizeof *p);
    if (p == NULL) {
        abort();
    }
    p->port = port;
    p->board = board_new(port, &board);
    p->model = buspirate_new(p->board, chip, &s->model);
    return p;
}

static void run(void *programmer)
{
    buspirate_run(((struct programmer *)programmer)->model);
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
    const struct buspirate_stats *m = buspirate_stats(p->model);
    const struct board_stats *b = board_stats(p->board);
    const struct desk_count list[] = {
        {"bp.commands", m->commands},
        {"bp.refused", m->refused},
        {"bp.spi-bytes", m->spi_bytes},
        {"bp.open-drain", m->open_drain},
        {"bp.resets", m->resets},
        {"bp.rates", m->rates},
        {"bp.hangs", m->hangs},
        {"bp.at-prompt", buspirate_at_prompt(p->model)},
        {"bp.baud", buspirate_baud(p->model)},
        {"bp.supplies", buspirate_supplies(p->model)},
        {"board.bytes-in", b->bytes_in},
        {"board.bytes-out", b->bytes_out},
        {"board.overflows", b->overflows},
        {"board.garbled", b->garbled},
        {"board.deepest", b->deepest},
        {"board.time-us", board_now(p->board) / AVR_US},
    };
    const size_t count = sizeof list / sizeof *list;
    memcpy(out, list, (count < capacity ? count : capacity) * sizeof *list);
    return count < capacity ? count : capacity;
}

static void free_programmer(void *programmer)
{
    struct programmer *p = programmer;
    buspirate_free(p->model);
    board_free(p->board);
    free(p);
}

static const struct serial_programmer buspirate = {
    .name = "buspirate_rig",
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
    return serial_rig_main(argc, argv, &buspirate);
}
