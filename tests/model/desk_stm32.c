/* STM32F1s on a desk: their options, presets and faults; see desk.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/desk.h"
#include "model/stm32_chip.h"

enum { PRESETS_MAX = 32 };

struct settings {
    struct stm32_chip_options options;
    bool faults[STM32_FAULT_COUNT];
    const char *presets[PRESETS_MAX], *bad_cells[PRESETS_MAX];
    size_t preset_count, bad_cell_count;
};

static bool complain(const char *what, const char *about)
{
    return desk_complain("stm32", about, what);
}

/* --- Options --------------------------------------------------------------------------------- */

static bool take_set(void *context, const char *value)
{
    struct settings *s = context;
    if (s->preset_count == PRESETS_MAX || strchr(value, '=') == NULL)
        return false;
    s->presets[s->preset_count++] = value;
    return true;
}

static bool take_fault(void *context, const char *value)
{
    const enum stm32_fault f = stm32_fault_find(value);
    if (f == STM32_FAULT_COUNT)
        return false;
    ((struct settings *)context)->faults[f] = true;
    return true;
}

static bool take_bad_cell(void *context, const char *value)
{
    struct settings *s = context;
    if (s->bad_cell_count == 16)
        return false;
    s->bad_cells[s->bad_cell_count++] = value;
    return true;
}

static bool take_busy(void *context, const char *value)
{
    ((struct settings *)context)->options.longest = strcmp(value, "longest") == 0;
    return strcmp(value, "longest") == 0 || strcmp(value, "typical") == 0;
}

/* "no-swd" or "no-swd:US": from when on. */
static bool take_runs(void *context, const char *value)
{
    static const char *const names[] = {"plain", "sleeps", "no-swd", "watchdog"};
    struct stm32_chip_options *o = &((struct settings *)context)->options;
    const size_t length = strcspn(value, ":");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(value, names[i], length) == 0 && names[i][length] == '\0') {
            o->firmware = (enum stm32_firmware)i;
            return value[length] == '\0' || desk_u32(value + length + 1, &o->firmware_after_us);
        }
    }
    return false;
}

static bool take_power_lost(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->options.power_lost_at);
}

static const struct desk_option options[] = {
    {"set", "NAME=VALUE",
     "preset rdp, user, data0, data1 or wrp (32 bits), or what the chip says of itself:\n"
     "      dpidr, cpuid, idcode, flash-size (KiB)",
     take_set},
    {"busy", "HOW", "typical or longest: how long the flash is at work", take_busy},
    {"runs", "WHAT[:US]",
     "what is in flash does so many us after a reset: plain (nothing of note), sleeps (the bus\n"
     "      stands still), no-swd (the debug port's pins are used otherwise), watchdog (it has one "
     "of\n"
     "      410 ms, fed while it runs)",
     take_runs},
    {"fault", "NAME",
     "no-power, swd-cut (or the wires swapped), nrst-cut, no-erase, no-write, stuck-busy (2 s),\n"
     "      no-halt, no-sram; repeatable",
     take_fault},
    {"lose-power-at", "N", "during the Nth erase or half-word the power is gone for good",
     take_power_lost},
    {"bad-cell", "OFFSET:STUCK:VALUE", "bits of a flash byte that stick", take_bad_cell},
    {NULL, NULL, NULL, NULL},
};

/* --- The chip -------------------------------------------------------------------------------- */

static bool preset(struct stm32_chip *chip, const char *text)
{
    char name[16];
    uint32_t value;
    const size_t length = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    return (desk_u32(text + length + 1, &value) && stm32_chip_preset(chip, name, value)) ||
           complain("nothing of this chip", text);
}

static bool add_bad_cell(struct stm32_chip *chip, const char *text)
{
    size_t size;
    (void)stm32_chip_memory(chip, "flash", &size);
    unsigned offset, stuck, value;
    if (sscanf(text, "%i:%i:%i", (int *)&offset, (int *)&stuck, (int *)&value) != 3 ||
        offset >= size)
        return complain("not OFFSET:STUCK:VALUE, or beyond the flash", text);
    stm32_chip_add_bad_cell(chip, offset, (uint8_t)stuck, (uint8_t)value);
    return true;
}

static bool knows(const char *part)
{
    return stm32_chip_spec(part) != NULL;
}

static void *new_settings(void)
{
    struct settings *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    return s;
}

static void *make(const char *part, const void *settings, FILE *trace)
{
    const struct settings *s = settings;
    struct stm32_chip *chip = stm32_chip_new(stm32_chip_spec(part), &s->options);
    stm32_chip_trace(chip, trace);
    bool good = true;
    for (int f = 0; f < STM32_FAULT_COUNT; f++)
        stm32_chip_set_fault(chip, (enum stm32_fault)f, s->faults[f]);
    for (size_t i = 0; i < s->preset_count; i++)
        good = good && preset(chip, s->presets[i]);
    for (size_t i = 0; i < s->bad_cell_count; i++)
        good = good && add_bad_cell(chip, s->bad_cells[i]);
    if (good)
        return chip;
    stm32_chip_free(chip);
    return NULL;
}

static void power_up(void *chip)
{
    stm32_chip_cycle_power(chip, 0);
}

static uint8_t *memory(void *chip, const char *name, size_t *size)
{
    return stm32_chip_memory(chip, name, size);
}

static void settle(void *chip, uint64_t now_ns)
{
    stm32_chip_settle(chip, now_ns);
}

static void dump(void *chip, FILE *file)
{
    stm32_chip_dump(chip, file);
}

static void free_chip(void *chip)
{
    stm32_chip_free(chip);
}

const struct desk_family desk_stm32 = {
    .default_part = "stm32f103c8",
    .knows = knows,
    .options = options,
    .new_settings = new_settings,
    .make = make,
    .power_up = power_up,
    .memory = memory,
    .settle = settle,
    .dump = dump,
    .free = free_chip,
};
