/* Options, presets and reports of the rigs; see rig.h. */
#include "rig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char rig_chip_help[] =
    "  --chip NAME           the chip: m328p, t85, usb1286, ...\n"
    "  --crystal HZ          what is on XTAL1/XTAL2; 0: nothing\n"
    "  --busy HOW            typical, longest or random waits\n"
    "  --chip-fault NAME     miso-open, no-power, bit-errors, ...\n"
    "  --preset MEM=HEX      bytes of a memory, from its start; MEM=@FILE: from a raw file\n"
    "  --dump MEM=FILE       write a memory's bytes to a raw file at the end\n"
    "  --trace FILE          one line for each instruction\n";

void rig_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("rig: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(RIG_FAILED);
}

int rig_exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void rig_chip_init(struct rig_chip *r)
{
    *r = (struct rig_chip){.options = avr_chip_defaults()};
}

static enum avr_busy busy_by_name(const char *name)
{
    static const char *const names[] = {"typical", "longest", "random"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum avr_busy)i;
    rig_die("--busy is typical, longest or random, not %s", name);
}

/* "MEM=rest": the memory, and *rest. */
static enum avr_memory memory_by_prefix(const char *text, const char **rest)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        rig_die("%s: MEMORY=... expected", text);
    *rest = equals + 1;
    const size_t length = (size_t)(equals - text);
    for (int m = 0; m < AVR_MEMORY_COUNT; m++) {
        const char *name = avr_memory_name((enum avr_memory)m);
        if (strlen(name) == length && strncmp(name, text, length) == 0)
            return (enum avr_memory)m;
    }
    rig_die("%.*s: no such memory", (int)length, text);
}

static void add_dump(struct rig_chip *r, const char *value)
{
    if (r->dump_count == RIG_DUMPS_MAX)
        rig_die("too many --dump");
    struct rig_dump *dump = &r->dumps[r->dump_count++];
    dump->memory = memory_by_prefix(value, &dump->path);
}

static void add_fault(struct rig_chip *r, const char *value)
{
    if (r->fault_count == RIG_FAULTS_MAX || avr_fault_find(value) == AVR_FAULT_COUNT)
        rig_die("--chip-fault %s: no such fault, or too many", value);
    r->faults[r->fault_count++] = value;
}

bool rig_chip_option(struct rig_chip *r, const char *name, const char *value)
{
    if (strcmp(name, "--chip") == 0) {
        r->name = value;
    } else if (strcmp(name, "--crystal") == 0) {
        r->options.crystal_hz = (uint32_t)strtoul(value, NULL, 0);
    } else if (strcmp(name, "--busy") == 0) {
        r->options.busy = busy_by_name(value);
    } else if (strcmp(name, "--chip-fault") == 0) {
        add_fault(r, value);
    } else if (strcmp(name, "--preset") == 0) {
        if (r->preset_count == RIG_PRESETS_MAX)
            rig_die("too many --preset");
        r->presets[r->preset_count++] = value;
    } else if (strcmp(name, "--dump") == 0) {
        add_dump(r, value);
    } else if (strcmp(name, "--trace") == 0) {
        r->trace_path = value;
    } else {
        return false;
    }
    return true;
}

static void preset_from_file(const char *path, uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        rig_die("%s: %s", path, strerror(errno));
    (void)fread(bytes, 1, size, file);
    if (ferror(file) || fgetc(file) != EOF)
        rig_die("%s: cannot be read, or is longer than the memory", path);
    (void)fclose(file);
}

static void preset_from_hex(const char *hex, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        unsigned value;
        if (i == size || sscanf(hex + 2 * i, "%2x", &value) != 1)
            rig_die("%s: no hex bytes, or more than the memory holds", hex);
        bytes[i] = (uint8_t)value;
    }
}

struct avr_chip *rig_chip_new(struct rig_chip *r)
{
    const struct avr_chip_spec *spec = r->name == NULL ? NULL : avr_chip_spec(r->name);
    if (spec == NULL)
        rig_die("--chip %s: not modelled", r->name == NULL ? "is missing" : r->name);
    r->chip = avr_chip_new(spec, &r->options);
    for (size_t i = 0; i < r->preset_count; i++) {
        const char *value;
        size_t size;
        uint8_t *bytes = avr_chip_memory(r->chip, memory_by_prefix(r->presets[i], &value), &size);
        if (value[0] == '@')
            preset_from_file(value + 1, bytes, size);
        else
            preset_from_hex(value, bytes, size);
    }
    for (size_t i = 0; i < r->fault_count; i++)
        avr_chip_set_fault(r->chip, avr_fault_find(r->faults[i]), true);
    if (r->trace_path != NULL) {
        r->trace = fopen(r->trace_path, "w");
        if (r->trace == NULL)
            rig_die("%s: %s", r->trace_path, strerror(errno));
        avr_chip_trace(r->chip, r->trace);
    }
    return r->chip;
}

static void dump(struct avr_chip *chip, const struct rig_dump *d)
{
    size_t size;
    const uint8_t *bytes = avr_chip_memory(chip, d->memory, &size);
    FILE *file = fopen(d->path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        rig_die("%s: %s", d->path, strerror(errno));
}

void rig_chip_finish(struct rig_chip *r, uint64_t now_ns, FILE *report)
{
    avr_chip_settle(r->chip, now_ns);
    for (size_t i = 0; i < r->dump_count; i++)
        dump(r->chip, &r->dumps[i]);
    if (report != NULL)
        avr_chip_dump(r->chip, report);
    avr_chip_trace(r->chip, NULL);
    if (r->trace != NULL)
        (void)fclose(r->trace);
    avr_chip_free(r->chip);
}
