/* A programmer without a wire: a driver that talks to the tests' chip model in this process, counts
 * what it is asked, and fails or is interrupted at any call it is told to. */
#ifndef SUPPORT_CHIP_DRIVER_H
#define SUPPORT_CHIP_DRIVER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "model/avr_chip.h"
#include "programmer/programmer.h"

enum chip_rig_kind {
    RIG_PLAIN,     /* instructions only, all answer bytes, SCK can be set */
    RIG_BLIND,     /* instructions only, the fourth answer byte, enables unseen, SCK fixed */
    RIG_RANGES,    /* also whole ranges of flash and EEPROM, and Chip Erase */
    RIG_REPORTS,   /* as RIG_RANGES, but enter() itself says whether the chip answered */
    RIG_BOOTLOADER /* flash of the chip without ISP, pages erase themselves */
};

struct chip_rig {
    struct clock clock; /* first: cast from struct clock; time moves with the wire and with sleep */
    struct sink sink;   /* second: see rig_of_sink() */
    struct avr_chip *chip;
    uint64_t now_ns;
    uint32_t sck_hz;
    const uint32_t *sck_rates; /* that the programmer has, rising, ends with 0; NULL: any */
    bool answered;             /* the last enter() went well, and leave() was not called since */
    struct programmer programmer;
    struct programmer_config config;
    struct context context;
    volatile sig_atomic_t cancel;

    /* What the driver was asked. */
    unsigned calls; /* all but leave and close */
    unsigned enters, leaves, exchanges, reads, writes, erases, sck_changes;
    uint64_t instructions;

    /* What is to go wrong; calls count from 1, 0: nothing. */
    unsigned fail_at, cancel_at;
    unsigned gone_at;   /* from this call on nothing works */
    uint32_t supply_mv; /* measured; 0: it is not */
    /* Bit errors above this SCK (0: none), from this instruction on. */
    uint32_t noisy_above_hz;
    uint64_t noisy_from;

    /* What was heard. */
    char log[16384];   /* one line each: "note: text\n" */
    char steps[4096];  /* "enter ok;write flash 128/128 ok;": at each END */
    char values[4096]; /* "signature=1e950f;": at each VALUE */
    unsigned begun, ended, mismatches;
    bool progress_wrong; /* it went back, or beyond its total */
    uint32_t progress;
    unsigned reports, errors;
};

/* A rig around a factory-fresh chip of this name; `options` may be NULL. Aborts the test if the
 * model does not know it. Free it with chip_rig_free(). */
struct chip_rig *chip_rig_new(const char *chip, enum chip_rig_kind kind,
                              const struct avr_chip_options *options);
void chip_rig_free(struct chip_rig *rig);

/* RESET is released and the chip is not in programming mode. */
bool chip_rig_released(struct chip_rig *rig);

/* Forgets what was counted and heard, on both sides. */
void chip_rig_clear(struct chip_rig *rig);

#endif
