#include "simulator_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/nearest.h"

const char sim_options_help[] =
    "part=NAME           the chip that is there, whatever -p says\n"
    "crystal=FREQUENCY   the crystal beside it; 0: none (default 8MHz, or the chip's highest)\n"
    "clock=FREQUENCY     a clock signal into its clock input (default 0: none)\n"
    "fixed-sck=FREQUENCY the programmer has only this SCK\n"
    "plain               single instructions only, no whole pages or ranges\n"
    "realtime            take as long as the real thing\n"
    "fail=WHAT           a fault, of the wiring: miso-open, miso-low, miso-high, echo, mosi-open,\n"
    "                    sck-open, reset-open, no-power, no-clock; of the chip: no-erase,\n"
    "                    no-write; of the programmer: silent, unplug\n"
    "after=COUNT         the fault begins behind that many instructions (default 0)\n"
    "noise=N             one bit in N that the chip answers is wrong\n"
    "weak-cell=ADDRESS   a byte of flash that does not read the same twice\n"
    "stuck-cell=ADDRESS  a byte of flash that keeps its value; each up to 16 times, also\n"
    "                    eeprom:ADDRESS";

static const struct {
    const char *name;
    enum sim_fault fault;
} faults[] = {
    {"miso-open", SIM_FAULT_MISO_OPEN},   {"miso-low", SIM_FAULT_MISO_LOW},
    {"miso-high", SIM_FAULT_MISO_HIGH},   {"echo", SIM_FAULT_ECHO},
    {"mosi-open", SIM_FAULT_MOSI_OPEN},   {"sck-open", SIM_FAULT_SCK_OPEN},
    {"reset-open", SIM_FAULT_RESET_OPEN}, {"no-power", SIM_FAULT_NO_POWER},
    {"no-clock", SIM_FAULT_NO_CLOCK},     {"no-erase", SIM_FAULT_NO_ERASE},
    {"no-write", SIM_FAULT_NO_WRITE},     {"silent", SIM_FAULT_SILENT},
    {"unplug", SIM_FAULT_UNPLUG},
};

/* Each option: its value (NULL where there was no equals sign) into *o. */
typedef enum status option_parse(struct sim_options *o, const char *value, struct error *e);

static enum status option_bad(struct error *e, const char *value, const char *wanted)
{
    return error_set(e, STATUS_USAGE, "\"%s\" is not %s", value, wanted);
}

static enum status option_number(const char *value, uint32_t least, uint32_t *out, struct error *e)
{
    char *end = NULL;
    const unsigned long number = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > UINT32_MAX || number < least)
        return option_bad(e, value, least > 0 ? "a number above 0" : "a number");
    *out = (uint32_t)number;
    return STATUS_OK;
}

/* "16MHz", "128kHz", "32768", "32768Hz". */
static enum status option_frequency(const char *value, uint32_t *out, struct error *e)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1}, {"Hz", 1}, {"kHz", 1e3}, {"k", 1e3}, {"MHz", 1e6}, {"M", 1e6}};
    char *end = NULL;
    const double number = strtod(value, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(end, units[i].unit) != 0 || value[0] < '0' || value[0] > '9')
            continue;
        if (number * units[i].factor > 100e6)
            break;
        *out = (uint32_t)(number * units[i].factor + 0.5);
        return STATUS_OK;
    }
    return option_bad(e, value, "a frequency up to 100MHz");
}

static enum status option_part(struct sim_options *o, const char *value, struct error *e)
{
    (void)e;
    o->part = value;
    return STATUS_OK;
}

static enum status option_crystal(struct sim_options *o, const char *value, struct error *e)
{
    o->crystal_chosen = true;
    return option_frequency(value, &o->chip.crystal_hz, e);
}

static enum status option_clock(struct sim_options *o, const char *value, struct error *e)
{
    return option_frequency(value, &o->chip.signal_hz, e);
}

static enum status option_fixed_sck(struct sim_options *o, const char *value, struct error *e)
{
    TRY(option_frequency(value, &o->fixed_sck_hz, e));
    return o->fixed_sck_hz > 0 ? STATUS_OK : option_bad(e, value, "a frequency above 0");
}

static enum status option_plain(struct sim_options *o, const char *value, struct error *e)
{
    (void)value;
    (void)e;
    o->plain = true;
    return STATUS_OK;
}

static enum status option_realtime(struct sim_options *o, const char *value, struct error *e)
{
    (void)value;
    (void)e;
    o->realtime = true;
    return STATUS_OK;
}

static enum status option_fail(struct sim_options *o, const char *value, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, value);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (strcmp(faults[i].name, value) == 0) {
            o->fault = faults[i].fault;
            return STATUS_OK;
        }
        nearest_offer(&nearest, faults[i].name);
    }
    (void)option_bad(e, value, "a fault that can be simulated");
    nearest_hint(&nearest, e);
    return e->code;
}

static enum status option_after(struct sim_options *o, const char *value, struct error *e)
{
    return option_number(value, 0, &o->fault_after, e);
}

static enum status option_noise(struct sim_options *o, const char *value, struct error *e)
{
    return option_number(value, 1, &o->noise, e);
}

static enum status option_cell(struct sim_options *o, const char *value,
                               enum chip_cell_defect defect, struct error *e)
{
    struct chip_cell cell = {.memory = MEMORY_FLASH, .defect = defect};
    if (strncmp(value, "eeprom:", 7) == 0) {
        cell.memory = MEMORY_EEPROM;
        value += 7;
    }
    TRY(option_number(value, 0, &cell.address, e));
    if (o->chip.cell_count == CHIP_CELLS_MAX)
        return error_set(e, STATUS_USAGE, "more than %d bad cells", CHIP_CELLS_MAX);
    o->chip.cells[o->chip.cell_count++] = cell;
    return STATUS_OK;
}

static enum status option_weak_cell(struct sim_options *o, const char *value, struct error *e)
{
    return option_cell(o, value, CHIP_CELL_WEAK, e);
}

static enum status option_stuck_cell(struct sim_options *o, const char *value, struct error *e)
{
    return option_cell(o, value, CHIP_CELL_STUCK, e);
}

static const struct {
    const char *name;
    bool wants_value;
    option_parse *parse;
} options[] = {
    {"part", true, option_part},
    {"crystal", true, option_crystal},
    {"clock", true, option_clock},
    {"fixed-sck", true, option_fixed_sck},
    {"plain", false, option_plain},
    {"realtime", false, option_realtime},
    {"fail", true, option_fail},
    {"after", true, option_after},
    {"noise", true, option_noise},
    {"weak-cell", true, option_weak_cell},
    {"stuck-cell", true, option_stuck_cell},
};

/* The name is the first `size` characters of `text`. */
static enum status option_unknown(const char *text, size_t size, struct error *e)
{
    char name[32];
    struct nearest nearest;
    (void)error_set(e, STATUS_USAGE, "unknown option");
    (void)snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : 0), text);
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        nearest_offer(&nearest, options[i].name);
    nearest_hint(&nearest, e);
    error_hint(e, "-x help lists the options");
    return e->code;
}

static enum status option_take(struct sim_options *o, const char *text, struct error *e)
{
    const size_t size = strcspn(text, "=");
    const char *value = text[size] == '=' ? text + size + 1 : NULL;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strlen(options[i].name) != size || strncmp(options[i].name, text, size) != 0)
            continue;
        if (options[i].wants_value && (value == NULL || value[0] == '\0'))
            return error_set(e, STATUS_USAGE, "needs a value");
        if (!options[i].wants_value && value != NULL)
            return error_set(e, STATUS_USAGE, "takes no value");
        return options[i].parse(o, value, e);
    }
    return option_unknown(text, size, e);
}

enum status sim_options_parse(const struct programmer_config *config, struct sim_options *out,
                              struct error *e)
{
    struct sim_options o = {.part = NULL};
    for (size_t i = 0; i < config->option_count; i++) {
        if (option_take(&o, config->options[i], e) != STATUS_OK)
            return error_in(e, "-x %s", config->options[i]);
    }
    *out = o;
    return STATUS_OK;
}
