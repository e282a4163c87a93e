#include "simulator_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/nearest.h"
#include "driver_options.h"

const char sim_options_help[] =
    "part=NAME           the chip that is there, whatever -p says\n"
    "crystal=FREQUENCY   the crystal beside it; 0: none (default 8MHz, or the chip's highest)\n"
    "clock=FREQUENCY     a clock signal into its clock input (default 0: none)\n"
    "fixed-sck=FREQUENCY the programmer has only this SCK\n"
    "supply=VOLTS        what the programmer measures at the target's VCC (default: it cannot)\n"
    "plain               single instructions only, no whole pages or ranges\n"
    "realtime            take as long as the real thing\n"
    "socket              the chip is there while the file of -P is: boards come and go with it\n"
    "fail=WHAT           a fault, of the wiring: miso-open, miso-low, miso-high, miso-late, echo,\n"
    "                    swapped, mosi-open, sck-open, reset-open, runs-on, no-power, no-clock;\n"
    "                    of the chip: no-erase, no-write; of the programmer: silent, unplug\n"
    "after=COUNT         the fault begins behind that many instructions (default 0)\n"
    "noise=N             one bit in N that the chip answers is wrong\n"
    "weak-cell=ADDRESS   a byte of flash that does not read the same twice\n"
    "stuck-cell=ADDRESS  a byte of flash that keeps its value; each up to 16 times, also\n"
    "                    eeprom:ADDRESS";

static const struct {
    const char *name;
    enum sim_fault fault;
} faults[] = {
    {"miso-open", SIM_FAULT_MISO_OPEN},
    {"miso-low", SIM_FAULT_MISO_LOW},
    {"miso-high", SIM_FAULT_MISO_HIGH},
    {"miso-late", SIM_FAULT_MISO_LATE},
    {"echo", SIM_FAULT_ECHO},
    {"swapped", SIM_FAULT_SWAPPED},
    {"mosi-open", SIM_FAULT_MOSI_OPEN},
    {"sck-open", SIM_FAULT_SCK_OPEN},
    {"reset-open", SIM_FAULT_RESET_OPEN},
    {"runs-on", SIM_FAULT_RUNS_ON},
    {"no-power", SIM_FAULT_NO_POWER},
    {"no-clock", SIM_FAULT_NO_CLOCK},
    {"no-erase", SIM_FAULT_NO_ERASE},
    {"no-write", SIM_FAULT_NO_WRITE},
    {"silent", SIM_FAULT_SILENT},
    {"unplug", SIM_FAULT_UNPLUG},
};

/* Each option's function takes its value, NULL for those without one. */

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

static enum status option_part(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    (void)e;
    o->part = value;
    return STATUS_OK;
}

static enum status option_crystal(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    o->crystal_chosen = true;
    return option_frequency(value, &o->chip.crystal_hz, e);
}

static enum status option_clock(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    return option_frequency(value, &o->chip.signal_hz, e);
}

static enum status option_fixed_sck(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    TRY(option_frequency(value, &o->fixed_sck_hz, e));
    return o->fixed_sck_hz > 0 ? STATUS_OK : option_bad(e, value, "a frequency above 0");
}

/* "3.3", "3.3V" */
static enum status option_supply(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    char *end = NULL;
    const double volts = strtod(value, &end);
    if (value[0] < '0' || value[0] > '9' || (*end != '\0' && strcasecmp(end, "V") != 0) ||
        volts > 30)
        return option_bad(e, value, "a voltage up to 30V");
    o->measures = true;
    o->millivolts = (uint32_t)(volts * 1000 + 0.5);
    return STATUS_OK;
}

static enum status option_plain(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    (void)value;
    (void)e;
    o->plain = true;
    return STATUS_OK;
}

static enum status option_socket(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    (void)value;
    (void)e;
    o->socket = true;
    return STATUS_OK;
}

static enum status option_realtime(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    (void)value;
    (void)e;
    o->realtime = true;
    return STATUS_OK;
}

static enum status option_fail(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
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

static enum status option_after(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    return option_number(value, 0, &o->fault_after, e);
}

static enum status option_noise(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
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

static enum status option_weak_cell(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    return option_cell(o, value, CHIP_CELL_WEAK, e);
}

static enum status option_stuck_cell(void *into, const char *value, struct error *e)
{
    struct sim_options *o = into;
    return option_cell(o, value, CHIP_CELL_STUCK, e);
}

static const struct driver_option options[] = {
    {"part", true, option_part},
    {"crystal", true, option_crystal},
    {"clock", true, option_clock},
    {"fixed-sck", true, option_fixed_sck},
    {"supply", true, option_supply},
    {"plain", false, option_plain},
    {"realtime", false, option_realtime},
    {"socket", false, option_socket},
    {"fail", true, option_fail},
    {"after", true, option_after},
    {"noise", true, option_noise},
    {"weak-cell", true, option_weak_cell},
    {"stuck-cell", true, option_stuck_cell},
};

enum status sim_options_parse(const struct programmer_config *config, struct sim_options *out,
                              struct error *e)
{
    struct sim_options o = {.part = NULL};
    TRY(driver_options_parse(config, options, sizeof options / sizeof options[0], &o, e));
    *out = o;
    return STATUS_OK;
}
