/* The whole chip: time, power, NRST, the debug port; see stm32_chip.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stm32_private.h"

enum { SRAM_PAGE = 0x1000 };

static const char *const fault_names[STM32_FAULT_COUNT] = {
    "no-power", "swd-cut", "nrst-cut", "no-erase", "no-write", "stuck-busy", "no-halt", "no-sram"};

const char *stm32_fault_name(enum stm32_fault f)
{
    return fault_names[f];
}

enum stm32_fault stm32_fault_find(const char *name)
{
    for (int f = 0; f < STM32_FAULT_COUNT; f++)
        if (strcmp(fault_names[f], name) == 0)
            return (enum stm32_fault)f;
    return STM32_FAULT_COUNT;
}

void stm32_trace(struct stm32_chip *chip, const char *format, ...)
{
    if (chip->trace == NULL)
        return;
    fprintf(chip->trace, "%10" PRIu64 " ", chip->now_ns / 1000);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(chip->trace, format, arguments);
    va_end(arguments);
    fputc('\n', chip->trace);
}

/* --- Making one ----------------------------------------------------------------------------- */

static void *allocate(size_t size)
{
    void *memory = aligned_alloc(SRAM_PAGE, (size + SRAM_PAGE - 1) / SRAM_PAGE * SRAM_PAGE);
    if (memory == NULL)
        abort();
    return memory;
}

/* As they leave the factory: unprotected, the rest erased, with complements. */
static void set_option(struct stm32_chip *chip, size_t at, uint8_t value)
{
    chip->option_bytes[at] = value;
    chip->option_bytes[at + 1] = (uint8_t)~value;
}

struct stm32_chip *stm32_chip_new(const struct stm32_chip_spec *spec,
                                  const struct stm32_chip_options *options)
{
    struct stm32_chip *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        abort();
    chip->spec = spec;
    if (options != NULL)
        chip->options = *options;
    chip->dpidr = spec->dpidr;
    chip->cpuid = spec->cpuid;
    chip->idcode = spec->idcode;
    chip->size_register = spec->flash_kib;
    chip->flash_size = (size_t)spec->flash_kib << 10;
    chip->flash = allocate(chip->flash_size);
    memset(chip->flash, 0xff, chip->flash_size);
    chip->sram = allocate(spec->sram);
    memset(chip->sram, 0xcc, (spec->sram + SRAM_PAGE - 1u) / SRAM_PAGE * SRAM_PAGE);
    set_option(chip, 0, 0xa5);
    for (size_t at = 2; at < STM32_OPTIONS_SIZE; at += 2)
        set_option(chip, at, 0xff);
    stm32_chip_cycle_power(chip, 0);
    return chip;
}

void stm32_chip_free(struct stm32_chip *chip)
{
    if (chip == NULL)
        return;
    stm32_core_free(chip);
    free(chip->flash);
    free(chip->sram);
    free(chip);
}

void stm32_chip_set_fault(struct stm32_chip *chip, enum stm32_fault f, bool on)
{
    chip->faults[f] = on;
}

void stm32_chip_add_bad_cell(struct stm32_chip *chip, uint32_t offset, uint8_t stuck, uint8_t value)
{
    if (chip->bad_cell_count == STM32_BAD_CELLS_MAX || offset >= chip->flash_size)
        abort();
    chip->bad_cells[chip->bad_cell_count].offset = offset;
    chip->bad_cells[chip->bad_cell_count].stuck = stuck;
    chip->bad_cells[chip->bad_cell_count++].value = value;
}

static bool preset_option(struct stm32_chip *chip, const char *name, uint32_t value)
{
    static const struct {
        const char *name;
        uint8_t at, count;
    } options[] = {{"rdp", 0, 1}, {"user", 2, 1}, {"data0", 4, 1}, {"data1", 6, 1}, {"wrp", 8, 4}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(options[i].name, name) != 0)
            continue;
        for (size_t j = 0; j < options[i].count; j++)
            set_option(chip, options[i].at + 2 * j, (uint8_t)(value >> 8 * j));
        stm32_options_load(chip);
        return options[i].count == 4 || value <= 0xff;
    }
    return false;
}

bool stm32_chip_preset(struct stm32_chip *chip, const char *name, uint32_t value)
{
    if (strcmp(name, "dpidr") == 0)
        chip->dpidr = value;
    else if (strcmp(name, "cpuid") == 0)
        chip->cpuid = value;
    else if (strcmp(name, "idcode") == 0)
        chip->idcode = value;
    else if (strcmp(name, "flash-size") == 0)
        chip->size_register = (uint16_t)value;
    else
        return preset_option(chip, name, value);
    return true;
}

uint8_t *stm32_chip_memory(struct stm32_chip *chip, const char *name, size_t *size)
{
    const struct {
        const char *name;
        uint8_t *bytes;
        size_t size;
    } memories[] = {{"flash", chip->flash, chip->flash_size},
                    {"sram", chip->sram, chip->spec->sram},
                    {"options", chip->option_bytes, sizeof chip->option_bytes}};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        if (strcmp(memories[i].name, name) == 0) {
            *size = memories[i].size;
            return memories[i].bytes;
        }
    }
    *size = 0;
    return NULL;
}

/* --- The wire ------------------------------------------------------------------------------- */

void stm32_chip_settle(struct stm32_chip *chip, uint64_t now_ns)
{
    if (now_ns > chip->now_ns)
        chip->now_ns = now_ns;
    stm32_flash_settle(chip);
    stm32_core_run(chip);
    stm32_watchdog_settle(chip);
}

bool stm32_chip_powered(const struct stm32_chip *chip)
{
    return !chip->faults[STM32_FAULT_NO_POWER];
}

/* Firmware that uses the pins itself does so until the next reset. */
static bool pins_taken(const struct stm32_chip *chip)
{
    return chip->options.firmware == STM32_FIRMWARE_NO_SWD &&
           chip->core.state == STM32_CORE_RUNNING && !stm32_core_in_sram(chip) &&
           chip->now_ns - chip->started_ns >= chip->options.firmware_after_us * STM32_US;
}

static bool answers(const struct stm32_chip *chip)
{
    return stm32_chip_powered(chip) && !chip->faults[STM32_FAULT_SWD_CUT] && !pins_taken(chip);
}

enum stm32_ack stm32_chip_connect(struct stm32_chip *chip, uint32_t *dpidr, uint64_t now_ns)
{
    stm32_chip_settle(chip, now_ns);
    if (!answers(chip))
        return STM32_ACK_NONE;
    *dpidr = chip->dpidr;
    return STM32_ACK_OK;
}

enum stm32_ack stm32_chip_read(struct stm32_chip *chip, uint32_t address, unsigned size,
                               uint32_t *value, uint64_t *now_ns)
{
    *value = 0;
    stm32_chip_settle(chip, *now_ns);
    if (!answers(chip))
        return STM32_ACK_NONE;
    stm32_bus_wait(chip, address);
    *now_ns = chip->now_ns;
    return stm32_bus_read(chip, address, size, value) ? STM32_ACK_OK : STM32_ACK_FAULT;
}

enum stm32_ack stm32_chip_write(struct stm32_chip *chip, uint32_t address, unsigned size,
                                uint32_t value, uint64_t *now_ns)
{
    stm32_chip_settle(chip, *now_ns);
    if (!answers(chip))
        return STM32_ACK_NONE;
    stm32_bus_wait(chip, address);
    *now_ns = chip->now_ns;
    return stm32_bus_write(chip, address, size, value) ? STM32_ACK_OK : STM32_ACK_FAULT;
}

/* Low, the core and the bus are in reset; high again, the chip begins anew. */
void stm32_chip_set_nrst(struct stm32_chip *chip, bool level, uint64_t now_ns)
{
    stm32_chip_settle(chip, now_ns);
    if (chip->nrst == level || chip->faults[STM32_FAULT_NRST_CUT] || !stm32_chip_powered(chip))
        return;
    chip->nrst = level;
    if (level) {
        stm32_system_reset(chip);
    } else {
        stm32_flash_reset(chip);
        chip->core.state = STM32_CORE_RESET;
    }
}

/* Everything is lost but what is in flash. */
void stm32_chip_cycle_power(struct stm32_chip *chip, uint64_t now_ns)
{
    stm32_chip_settle(chip, now_ns);
    chip->core.dhcsr = chip->core.demcr = chip->core.dfsr = 0;
    chip->dbgmcu_cr = 0;
    memset(chip->ppb, 0, sizeof chip->ppb);
    memset(chip->sram, 0xcc, chip->spec->sram);
    chip->core.sram_changed = true;
    chip->nrst = true;
    stm32_system_reset(chip);
    chip->counts[STM32_COUNT_RESETS]--; /* only resets of a powered chip count */
    chip->core.reset_seen = false;
}

/* --- What happened -------------------------------------------------------------------------- */

void stm32_chip_trace(struct stm32_chip *chip, FILE *file)
{
    chip->trace = file;
}

static const char *state_name(const struct stm32_chip *chip)
{
    switch (chip->core.state) {
    case STM32_CORE_RUNNING:
        return "running";
    case STM32_CORE_LOCKED_UP:
        return "locked-up";
    case STM32_CORE_HALTED:
        return "halted";
    case STM32_CORE_RESET:
        return "reset";
    }
    return "?";
}

void stm32_chip_dump(struct stm32_chip *chip, FILE *file)
{
    static const char *const names[STM32_COUNT_COUNT] = {
        "op.erase-page",      "op.erase-all",
        "op.erase-options",   "op.half-word",
        "op.option",          "count.resets",
        "count.halts",        "core.instructions",
        "count.pgerr",        "count.wrprterr",
        "count.wrong-keys",   "count.locked-cr-writes",
        "count.bus-errors",   "count.protected-reads",
        "count.interrupted",  "count.undefined",
        "count.core-faults",  "count.watchdog-resets",
        "count.unmasked-runs"};
    fprintf(file, "part %s\n", chip->spec->name);
    static const char *const options[] = {"rdp",  "user", "data0", "data1",
                                          "wrp0", "wrp1", "wrp2",  "wrp3"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        fprintf(file, "option.%s 0x%02x\n", options[i], chip->option_bytes[2 * i]);
    fprintf(file, "state %s\n", state_name(chip));
    fprintf(file, "pc 0x%08x\n", chip->core.registers[STM32_PC]);
    fprintf(file, "flash.locked %d\n", (chip->banks[0].cr & 0x80) != 0);
    fprintf(file, "debug.dhcsr 0x%x\n", chip->core.dhcsr);
    fprintf(file, "debug.demcr 0x%x\n", chip->core.demcr);
    fprintf(file, "time.flash-us %" PRIu64 "\n", chip->flash_ns / 1000);
    for (size_t i = 0; i < STM32_COUNT_COUNT; i++)
        if (chip->counts[i] != 0)
            fprintf(file, "%s %" PRIu64 "\n", names[i], chip->counts[i]);
}
