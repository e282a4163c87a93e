/* AVRs on a desk: their options, presets and faults; see desk.h. */
#include <stdlib.h>
#include <string.h>

#include "model/avr_chip.h"
#include "model/desk.h"

enum { PRESETS_MAX = 64 };

enum preset_kind { PRESET_SET, PRESET_FAULT, PRESET_CELL, PRESET_RATE };

struct settings {
    struct avr_chip_options options;
    struct preset {
        enum preset_kind kind;
        const char *text;
    } presets[PRESETS_MAX];
    size_t preset_count;
};

static bool complain(const char *what, const char *about)
{
    return desk_complain("avr", about, what);
}

/* --- Options --------------------------------------------------------------------------------- */

static bool add_preset(struct settings *s, enum preset_kind kind, const char *text)
{
    if (s->preset_count == PRESETS_MAX) {
        return false;
    }
    s->presets[s->preset_count++] = (struct preset){kind, text};
    return true;
}

static bool choose(const char *text, const char *const *names, int *value)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static bool take_crystal(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->options.crystal_hz);
}

static bool take_external(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->options.external_hz);
}

static bool take_enable_wait(void *context, const char *value)
{
    return desk_u32(value, &((struct settings *)context)->options.enable_wait_us);
}

static bool take_seed(void *context, const char *value)
{
    uint32_t seed;
    const bool good = desk_u32(value, &seed);
    ((struct settings *)context)->options.seed = good ? seed : 0;
    return good;
}

static bool take_busy(void *context, const char *value)
{
    static const char *const names[] = {"typical", "longest", "random", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct settings *)context)->options.busy = (enum avr_busy)i;
    }
    return good;
}

static bool take_idle(void *context, const char *value)
{
    static const char *const names[] = {"high", "low", "noise", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct settings *)context)->options.idle = (enum avr_float)i;
    }
    return good;
}

static bool take_locked_read(void *context, const char *value)
{
    static const char *const names[] = {"address", "ff", "00", NULL};
    int i;
    const bool good = choose(value, names, &i);
    if (good) {
        ((struct settings *)context)->options.locked_read = (enum avr_locked_read)i;
    }
    return good;
}

static bool take_unused_0(void *context, const char *value)
{
    (void)value;
    ((struct settings *)context)->options.unused_fuse_bits_read_0 = true;
    return true;
}

static bool take_number(const char *value, uint32_t *out)
{
    char *end;
    *out = (uint32_t)strtoul(value, &end, 10);
    return *end == '\0' && end != value;
}

static bool take_comes(void *context, const char *value)
{
    return take_number(value, &((struct settings *)context)->options.comes_after);
}

static bool take_goes(void *context, const char *value)
{
    return take_number(value, &((struct settings *)context)->options.goes_after);
}

static bool take_set(void *context, const char *value)
{
    return add_preset(context, PRESET_SET, value);
}

static bool take_fault(void *context, const char *value)
{
    return avr_fault_find(value) != AVR_FAULT_COUNT && add_preset(context, PRESET_FAULT, value);
}

static bool take_bad_cell(void *context, const char *value)
{
    return add_preset(context, PRESET_CELL, value);
}

static bool take_error_rate(void *context, const char *value)
{
    return add_preset(context, PRESET_RATE, value);
}

static const struct desk_option options[] = {
    {"set", "NAME=VALUE", "preset fuse.low, fuse.high, fuse.extended or lock", take_set},
    {"crystal", "HZ", "on XTAL1 and XTAL2; 0: none; default 16000000", take_crystal},
    {"external-clock", "HZ", "signal on XTAL1; default 0: none", take_external},
    {"busy", "HOW", "typical, longest or random: how long the chip writes", take_busy},
    {"idle", "HOW", "high, low or noise: MISO while nobody drives it", take_idle},
    {"locked-read", "HOW", "address, ff or 00: what locked memories read as", take_locked_read},
    {"unused-fuse-bits-0", NULL, "unused fuse bits read 0 instead of 1", take_unused_0},
    {"enable-wait", "US", "from RESET to Programming Enable; default 20000", take_enable_wait},
    {"comes-after", "N", "clipped on when RESET has been asserted so often", take_comes},
    {"goes-after", "N", "taken away when RESET has been asserted so often", take_goes},
    {"fault", "NAME", "a fault of wiring or chip, see avr_chip.h; repeatable", take_fault},
    {"bad-cell", "MEM:ADDRESS:STUCK:VALUE:UNSTABLE", "bits that stick or waver", take_bad_cell},
    {"bit-error-rate", "BITS", "with --fault bit-errors: one in so many", take_error_rate},
    {"seed", "N", "of all that is random", take_seed},
    {NULL, NULL, NULL, NULL},
};

/* --- The chip -------------------------------------------------------------------------------- */

static bool preset_value(struct avr_chip *chip, const char *text)
{
    static const struct {
        const char *name;
        enum avr_memory memory;
        size_t index;
    } names[] = {
        {"fuse.low=", AVR_FUSES, 0},
        {"fuse.high=", AVR_FUSES, 1},
        {"fuse.extended=", AVR_FUSES, 2},
        {"lock=", AVR_LOCK, 0},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i].name);
        unsigned long long value;
        size_t size;
        uint8_t *bytes = avr_chip_memory(chip, names[i].memory, &size);
        if (strncmp(text, names[i].name, length) == 0 && desk_number(text + length, &value) &&
            value <= 0xff && names[i].index < size) {
            bytes[names[i].index] = (uint8_t)value;
            return true;
        }
    }
    return complain("not a fuse or lock byte of this chip", text);
}

static bool preset_cell(struct avr_chip *chip, const char *text)
{
    char memory[8];
    unsigned address, stuck, value, unstable;
    if (sscanf(text, "%7[a-z]:%i:%i:%i:%i", memory, (int *)&address, (int *)&stuck, (int *)&value,
               (int *)&unstable) != 5) {
        return complain("not MEM:ADDRESS:STUCK:VALUE:UNSTABLE", text);
    }
    const enum avr_memory m = strcmp(memory, "eeprom") == 0 ? AVR_EEPROM : AVR_FLASH;
    size_t size;
    (void)avr_chip_memory(chip, m, &size);
    if (address >= size) {
        return complain("beyond the memory", text);
    }
    avr_chip_add_bad_cell(chip, m, address, (uint8_t)stuck, (uint8_t)value, (uint8_t)unstable);
    return true;
}

static bool preset(struct avr_chip *chip, const struct preset *p)
{
    unsigned long long rate;
    switch (p->kind) {
    case PRESET_SET:
        return preset_value(chip, p->text);
    case PRESET_FAULT:
        avr_chip_set_fault(chip, avr_fault_find(p->text), true);
        return true;
    case PRESET_CELL:
        return preset_cell(chip, p->text);
    case PRESET_RATE:
        if (!desk_number(p->text, &rate) || rate == 0 || rate > UINT32_MAX) {
            return complain("not a rate", p->text);
        }
        avr_chip_set_bit_error_rate(chip, (uint32_t)rate);
        return true;
    }
    return false;
}

static bool knows(const char *part)
{
    return avr_chip_spec(part) != NULL;
}

static void *new_settings(void)
{
    struct settings *s = calloc(1, sizeof *s);
    if (s == NULL) {
        abort();
    }
    s->options = avr_chip_defaults();
    return s;
}

static void *make(const char *part, const void *settings, FILE *trace)
{
    const struct settings *s = settings;
    struct avr_chip *chip = avr_chip_new(avr_chip_spec(part), &s->options);
    avr_chip_trace(chip, trace);
    for (size_t i = 0; i < s->preset_count; i++) {
        if (!preset(chip, &s->presets[i])) {
            avr_chip_free(chip);
            return NULL;
        }
    }
    return chip;
}

static uint8_t *memory(void *chip, const char *name, size_t *size)
{
    static const struct {
        const char *name;
        enum avr_memory memory;
    } names[] = {
        {"flash", AVR_FLASH}, {"eeprom", AVR_EEPROM}, {"fuses", AVR_FUSES}, {"lock", AVR_LOCK}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) == 0) {
            return avr_chip_memory(chip, names[i].memory, size);
        }
    }
    return NULL;
}

static void settle(void *chip, uint64_t now_ns)
{
    avr_chip_settle(chip, now_ns);
}

static void dump(void *chip, FILE *file)
{
    avr_chip_dump(chip, file);
}

static void free_chip(void *chip)
{
    avr_chip_free(chip);
}

const struct desk_family desk_avr = {
    .default_part = "m328p",
    .knows = knows,
    .options = options,
    .new_settings = new_settings,
    .make = make,
    .memory = memory,
    .settle = settle,
    .dump = dump,
    .free = free_chip,
};
