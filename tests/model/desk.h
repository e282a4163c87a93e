/* What all rigs share: a chip on a desk, commands run against it, and what is expected of both.
 *
 *     stk500_rig --part m328p --expect fuse.high=0xde --expect-flash blink.hex
 *         -- avrdude -c stk500v1 -P {port} -b 19200 -p m328p -U flash:w:blink.hex -U hfuse:w:0xde:m
 *         -- avrdude ... a second command on the same chip
 *
 * In the commands, {port} is the programmer's port and {tmp} an empty folder that is removed at the
 * end; in the --expect options' file names, {tmp} as well. A rig's exit status is 0 if every
 * command ended with the status expected of it and every expectation holds, 1 if not, 2 if the rig
 * could not be set up, 77 if something it needs is not installed.
 *
 * A rig's main() makes a struct desk, hands its own options in, sets its programmer model up on
 * desk->chip, starts it in a thread, calls desk_run(), stops the model, and ends with
 * desk_finish().
 */
#ifndef MODEL_DESK_H
#define MODEL_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/avr_chip.h"

enum { DESK_EXPECTATIONS_MAX = 64, DESK_COMMANDS_MAX = 16, DESK_STATUS_SKIPPED = 77 };

/* An option of one rig: "--baud 19200". `take` gets the value (NULL for a flag) and the rig's own
 * context, and says whether it is acceptable. */
struct desk_option {
    const char *name;  /* without the dashes; NULL ends the list */
    const char *value; /* its placeholder in the help; NULL: a flag */
    const char *help;
    bool (*take)(void *context, const char *value);
};

struct desk {
    struct avr_chip *chip;
    bool paced;   /* --paced: the programmer runs at its real speed */
    char tmp[40]; /* {tmp} */
    /* the rest is for desk.c */
    const char *name;
    struct avr_chip_options chip_options;
    const char *part;
    char **commands[DESK_COMMANDS_MAX];
    size_t command_count;
    struct desk_expectation {
        enum desk_expectation_kind {
            DESK_LINE,
            DESK_LINE_MIN,
            DESK_LINE_MAX,
            DESK_FLASH,
            DESK_EEPROM,
            DESK_SAVE_FLASH,
            DESK_SAVE_EEPROM
        } kind;
        const char *text;
    } expectations[DESK_EXPECTATIONS_MAX];
    size_t expectation_count;
    struct desk_preset {
        enum desk_preset_kind {
            DESK_PRESET_FLASH,
            DESK_PRESET_EEPROM,
            DESK_PRESET_SET,
            DESK_PRESET_FAULT,
            DESK_PRESET_CELL,
            DESK_PRESET_RATE
        } kind;
        const char *text;
    } presets[DESK_EXPECTATIONS_MAX];
    size_t preset_count;
    const char *statuses; /* "0,1,0": expected of the commands in turn; the last is repeated */
    unsigned timeout_s;
    bool dump;
    FILE *trace;
};

/* Reads the command line; makes desk->chip. False: it has complained or shown the help, and the
 * caller ends with *status. */
bool desk_start(struct desk *desk, int argc, char **argv, const char *name,
                const struct desk_option *own, void *context, int *status);

/* Runs the commands in turn. `port` stands for {port}; `prepare` (may be NULL) is called in each
 * child before it becomes the program. True: all ended as expected. */
bool desk_run(struct desk *desk, const char *port, void (*prepare)(void *context), void *context);

/* A line of the rig's own for the dump and the expectations: "board.overflows" 3. */
struct desk_count {
    const char *name;
    uint64_t value;
};

/* Checks what is expected, dumps what is asked for, frees everything. Returns the exit status. */
int desk_finish(struct desk *desk, bool commands_good, const struct desk_count *counts,
                size_t count);

/* For `prepare`: has umockdev's library preloaded, the test bed's folder being in UMOCKDEV_DIR. */
void desk_preload_umockdev(void);

#endif
