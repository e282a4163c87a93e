/* What the chip model tells about itself: names, trace, dump. */
#include <inttypes.h>
#include <string.h>

#include "model/avr_private.h"

static const char *const memory_names[AVR_MEMORY_COUNT] = {
    [AVR_FLASH] = "flash", [AVR_EEPROM] = "eeprom",       [AVR_FUSES] = "fuses",
    [AVR_LOCK] = "lock",   [AVR_SIGNATURE] = "signature", [AVR_CALIBRATION] = "calibration",
};

static const char *const fault_names[AVR_FAULT_COUNT] = {
    [AVR_FAULT_MISO_OPEN] = "miso-open", [AVR_FAULT_MISO_LOW] = "miso-low",
    [AVR_FAULT_MISO_HIGH] = "miso-high", [AVR_FAULT_ECHO] = "echo",
    [AVR_FAULT_MOSI_CUT] = "mosi-cut",   [AVR_FAULT_SCK_CUT] = "sck-cut",
    [AVR_FAULT_RESET_CUT] = "reset-cut", [AVR_FAULT_RUNS_ON] = "runs-on",
    [AVR_FAULT_SWAPPED] = "swapped",     [AVR_FAULT_NO_POWER] = "no-power",
    [AVR_FAULT_NO_CLOCK] = "no-clock",   [AVR_FAULT_BIT_ERRORS] = "bit-errors",
    [AVR_FAULT_NO_ERASE] = "no-erase",   [AVR_FAULT_NO_WRITE] = "no-write",
};

static const char *const op_names[AVR_OP_COUNT] = {
    [AVR_OP_ENABLE] = "enable",
    [AVR_OP_ERASE] = "erase",
    [AVR_OP_POLL] = "poll",
    [AVR_OP_EXTENDED_ADDRESS] = "extended-address",
    [AVR_OP_LOAD_PAGE] = "load-page",
    [AVR_OP_WRITE_PAGE] = "write-page",
    [AVR_OP_WRITE_FLASH_BYTE] = "write-flash-byte",
    [AVR_OP_READ_FLASH] = "read-flash",
    [AVR_OP_READ_EEPROM] = "read-eeprom",
    [AVR_OP_WRITE_EEPROM_BYTE] = "write-eeprom-byte",
    [AVR_OP_LOAD_EEPROM_PAGE] = "load-eeprom-page",
    [AVR_OP_WRITE_EEPROM_PAGE] = "write-eeprom-page",
    [AVR_OP_READ_SIGNATURE] = "read-signature",
    [AVR_OP_READ_CALIBRATION] = "read-calibration",
    [AVR_OP_READ_FUSE] = "read-fuse",
    [AVR_OP_WRITE_FUSE] = "write-fuse",
    [AVR_OP_READ_LOCK] = "read-lock",
    [AVR_OP_WRITE_LOCK] = "write-lock",
    [AVR_OP_UNKNOWN] = "unknown",
};

const char *avr_memory_name(enum avr_memory m)
{
    return memory_names[m];
}

const char *avr_fault_name(enum avr_fault f)
{
    return fault_names[f];
}

enum avr_fault avr_fault_find(const char *name)
{
    int f = 0;
    while (f < AVR_FAULT_COUNT && strcmp(fault_names[f], name) != 0) {
        f++;
    }
    return (enum avr_fault)f;
}

const char *avr_op_name(enum avr_op op)
{
    return op_names[op];
}

const struct avr_stats *avr_chip_stats(const struct avr_chip *chip)
{
    return &chip->stats;
}

void avr_chip_clear_stats(struct avr_chip *chip)
{
    chip->stats = (struct avr_stats){0};
}

void avr_remark(struct avr_chip *chip, const char *remark)
{
    chip->remark = remark;
}

void avr_undefined(struct avr_chip *chip, uint64_t *kind, const char *remark)
{
    chip->stats.undefined++;
    if (kind != NULL) {
        ++*kind;
    }
    avr_remark(chip, remark);
}

void avr_chip_trace(struct avr_chip *chip, FILE *file)
{
    chip->trace = file;
}

void avr_trace_instruction(struct avr_chip *chip, const char *name)
{
    if (chip->trace != NULL) {
        fprintf(chip->trace, "%" PRIu64 ".%03u", chip->now_ns / AVR_US,
                (unsigned)(chip->now_ns % AVR_US));
        for (int i = 0; i < FRAME_SIZE; i++) {
            fprintf(chip->trace, " %02x", chip->frame[i]);
        }
        fputs(" >", chip->trace);
        for (int i = 0; i < FRAME_SIZE; i++) {
            if (chip->answered[i]) {
                fprintf(chip->trace, " %02x", chip->answer[i]);
            } else {
                fputs(" --", chip->trace);
            }
        }
        fprintf(chip->trace, " %s%s%s\n", name, chip->remark != NULL ? ": " : "",
                chip->remark != NULL ? chip->remark : "");
    }
    chip->remark = NULL;
}

static void dump_count(FILE *file, const char *prefix, const char *name, uint64_t count)
{
    if (count > 0) {
        fprintf(file, "%s.%s %" PRIu64 "\n", prefix, name, count);
    }
}

static void dump_bytes(FILE *file, struct avr_chip *chip, enum avr_memory m)
{
    size_t size;
    const uint8_t *bytes = avr_chip_memory(chip, m, &size);
    if (size == 0) {
        return;
    }
    fprintf(file, "%s", avr_memory_name(m));
    for (size_t i = 0; i < size; i++) {
        fprintf(file, " %02x", bytes[i]);
    }
    fputc('\n', file);
}

/* How much of a memory is written, and a checksum to tell contents apart. */
static void dump_used(FILE *file, struct avr_chip *chip, enum avr_memory m)
{
    size_t size;
    const uint8_t *bytes = avr_chip_memory(chip, m, &size);
    size_t used = 0;
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < size; i++) {
        used += bytes[i] != 0xff;
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    fprintf(file, "%s.used %zu\n%s.hash %08" PRIx32 "\n", avr_memory_name(m), used,
            avr_memory_name(m), hash);
}

void avr_chip_dump(struct avr_chip *chip, FILE *file)
{
    static const char *const fuses[] = {"low", "high", "extended"};
    const struct avr_stats *s = &chip->stats;
    fprintf(file, "part %s\n", chip->spec->name);
    dump_bytes(file, chip, AVR_SIGNATURE);
    for (size_t i = 0; i < chip->size[AVR_FUSES]; i++) {
        fprintf(file, "fuse.%s 0x%02x\n", fuses[i], chip->memory[AVR_FUSES][i]);
    }
    fprintf(file, "lock 0x%02x\n", chip->memory[AVR_LOCK][0]);
    dump_used(file, chip, AVR_FLASH);
    if (chip->memory[AVR_EEPROM] != NULL) {
        dump_used(file, chip, AVR_EEPROM);
    }
    fprintf(file, "cpu-hz %" PRIu32 "\n", chip->cpu_hz);
    fprintf(file, "state %s\n",
            !chip->powered                  ? "off"
            : !chip->in_reset               ? "running"
            : chip->enabled || chip->erased ? "programming"
                                            : "reset");
    for (int op = 0; op < AVR_OP_COUNT; op++) {
        dump_count(file, "op", op_names[op], s->instructions[op]);
    }
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"enable-failures", s->enable_failures},
        {"ignored", s->ignored},
        {"busy-violations", s->busy_violations},
        {"interrupted", s->interrupted},
        {"protected-writes", s->protected_writes},
        {"protected-reads", s->protected_reads},
        {"sck-violations", s->sck_violations},
        {"bit-errors", s->bit_errors},
        {"sck-edges", s->sck_edges},
        {"reset-entries", s->reset_entries},
        {"reset-too-short", s->reset_too_short},
        {"undefined", s->undefined},
        {"undefined-high-without-low", s->undefined_high_without_low},
        {"undefined-word-loaded-twice", s->undefined_word_loaded_twice},
        {"undefined-extended-address", s->undefined_extended_address},
        {"undefined-sck-high-at-reset", s->undefined_sck_high_at_reset},
        {"undefined-after-erase", s->undefined_after_erase},
        {"spien-writes", s->spien_writes},
        {"busy-us", s->busy_ns / AVR_US},
        {"programming-us", s->programming_ns / AVR_US},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        dump_count(file, "count", counts[i].name, counts[i].count);
    }
}
