/* What the programmer rigs have in common: the chip behind a programmer as options describe it, and
 * the report written when the program under test has ended. */
#ifndef MODEL_RIG_H
#define MODEL_RIG_H

#include <stdbool.h>
#include <stdio.h>

#include "avr_chip.h"

/* Exit status of a rig that could not do what it was asked; otherwise it is the program's own. */
enum { RIG_FAILED = 125 };

struct rig_dump {
    enum avr_memory memory;
    const char *path;
};

enum { RIG_DUMPS_MAX = 8, RIG_PRESETS_MAX = 8, RIG_FAULTS_MAX = 8 };

/* Options as given; rig_chip_new() makes a chip of them. All strings are borrowed from argv. */
struct rig_chip {
    const char *name; /* "m328p" */
    struct avr_chip_options options;
    const char *presets[RIG_PRESETS_MAX]; /* "MEMORY=HEX" or "MEMORY=@FILE" (raw bytes) */
    const char *faults[RIG_FAULTS_MAX];
    struct rig_dump dumps[RIG_DUMPS_MAX];
    size_t preset_count, fault_count, dump_count;
    const char *trace_path;
    FILE *trace;
    struct avr_chip *chip; /* by rig_chip_new() */
};

/* The help lines of the options that rig_chip_option() knows. */
extern const char rig_chip_help[];

void rig_chip_init(struct rig_chip *r);
/* True if `name` ("--chip") is an option of the chip; `value` is its argument. Ends the process
 * with a message if the value is wrong. */
bool rig_chip_option(struct rig_chip *r, const char *name, const char *value);
struct avr_chip *rig_chip_new(struct rig_chip *r);
/* Writes the memories asked for and the chip's dump; frees the chip. */
void rig_chip_finish(struct rig_chip *r, uint64_t now_ns, FILE *report);

/* Prints "rig: ..." and ends the process with RIG_FAILED. */
void rig_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The exit status a shell would give for a wait status. */
int rig_exit_status(int wait_status);

#endif
