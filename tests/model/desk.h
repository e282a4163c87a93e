/* What all rigs share: a chip on a desk, commands run against it, and what is expected of both.
 *
 *     stk500_rig --part m328p --expect fuse.high=0xde --expect-flash blink.hex
 *         -- avrdude -c stk500v1 -P {port} -b 19200 -p m328p -U flash:w:blink.hex -U hfuse:w:0xde:m
 *         -- avrdude ... a second command on the same chip
 *
 * In the commands, {port} is the programmer's port and {tmp} an empty folder that is removed at the
 * end; in the --expect options' file names, {tmp} as well. With --each N the first command runs N
 * times, with RIG_N being 1 to N, each time on the chip as it was preset. A rig's exit status is 0
 * if every command ended with the status expected of it and every expectation holds, 1 if not, 2 if
 * the rig could not be set up, 77 if something it needs is not installed.
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

enum { DESK_EXPECTATIONS_MAX = 64, DESK_COMMANDS_MAX = 16, DESK_STATUS_SKIPPED = 77 };

/* An option of one rig: "--baud 19200". `take` gets the value (NULL for a flag) and the rig's own
 * context, and says whether it is acceptable. */
struct desk_option {
    const char *name;  /* without the dashes; NULL ends the list */
    const char *value; /* its placeholder in the help; NULL: a flag */
    const char *help;
    bool (*take)(void *context, const char *value);
};

/* A kind of chips that a desk can have: what desk.c must know to make, fill and judge one. */
struct desk_family {
    const char *default_part;
    bool (*knows)(const char *part);
    const struct desk_option *options; /* their take() gets what new_settings() made */
    void *(*new_settings)(void);       /* freed with free() */
    /* A chip as the settings say, that writes its trace to `trace` (may be NULL). NULL: it has
     * complained. */
    void *(*make)(const char *part, const void *settings, FILE *trace);
    /* What it does with what was preset in its memories when its power comes; NULL: nothing. */
    void (*power_up)(void *chip);
    /* The bytes of "flash", "eeprom", ...; NULL: it has no such memory. */
    uint8_t *(*memory)(void *chip, const char *name, size_t *size);
    void (*settle)(void *chip, uint64_t now_ns);
    void (*dump)(void *chip, FILE *file);
    void (*free)(void *chip); /* takes NULL */
};
extern const struct desk_family desk_avr;   /* desk_avr.c: struct avr_chip */
extern const struct desk_family desk_stm32; /* desk_stm32.c: struct stm32_chip */

struct desk {
    const struct desk_family *family;
    void *chip;   /* of the family's type */
    bool paced;   /* --paced: the programmer runs at its real speed */
    char tmp[40]; /* {tmp} */
    /* the rest is for desk.c */
    const char *name;
    void *settings;
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
    const char *flash, *eeprom; /* files to preset them from; NULL: none */
    const char *statuses; /* "0,1,0": expected of the commands in turn; the last is repeated */
    unsigned timeout_s;
    bool dump;
    FILE *trace;
    uint32_t each;     /* --each; 0: the commands once */
    const char *dumps; /* --dumps */
};

/* Reads the command line; makes desk->chip, of the first of the `families` (NULL ends them) that
 * knows the --part. False: it has complained or shown the help, and the caller ends with *status.
 */
bool desk_start(struct desk *desk, int argc, char **argv, const char *name,
                const struct desk_family *const *families, const struct desk_option *own,
                void *context, int *status);

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

/* For options: a whole number, decimal, hexadecimal or octal. False: not one. */
bool desk_number(const char *text, unsigned long long *value);
bool desk_u32(const char *text, uint32_t *value);
/* Always false. */
bool desk_complain(const char *name, const char *about, const char *what);

/* For `prepare`: has umockdev's library preloaded, the test bed's folder being in UMOCKDEV_DIR. */
void desk_preload_umockdev(void);

#endif
