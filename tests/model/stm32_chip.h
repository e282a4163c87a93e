/* An STM32F1 as a debug probe sees it through SWD: the memory map, the core's debug registers, the
 * flash controller and the option bytes, and the program that runs in SRAM. Written from ST's and
 * ARM's documents, apart from everything under src/ and programmers/: the tests use it to judge
 * those.
 *
 *   RM0008 "STM32F101xx ... STM32F107xx advanced ARM-based 32-bit MCUs" (memory map, RCC, DBGMCU)
 *   PM0075 "STM32F10xxx Flash memory microcontrollers" (flash controller, option bytes)
 *   PM0068 "STM32F10xxx XL-density Flash programming" (two banks)
 *   DDI0403 "ARMv7-M Architecture Reference Manual" (debug registers)
 *   the data sheets of the parts (sizes, programming times)
 *
 * Time is always passed in: nanoseconds on a clock of the caller's. No call blocks; a bus access
 * that the chip holds up moves *now_ns on. Instructions in SRAM are executed (by Unicorn) one cycle
 * each, two for each load, store or taken branch; a program in flash is only known to run. A core
 * that polls FLASH_SR while it shows BSY is let forward to the end of the operation. */
#ifndef MODEL_STM32_CHIP_H
#define MODEL_STM32_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STM32_US UINT64_C(1000)    /* nanoseconds */
#define STM32_MS UINT64_C(1000000) /* nanoseconds */

struct stm32_chip;      /* opaque */
struct stm32_chip_spec; /* one chip type; const, alive for the whole process */

/* By name, case ignored ("stm32f103c8"). NULL: not modelled. */
const struct stm32_chip_spec *stm32_chip_spec(const char *name);
/* The type number `index`, for walking all of them; NULL behind the last. */
const struct stm32_chip_spec *stm32_chip_spec_at(size_t index);
const char *stm32_chip_spec_name(const struct stm32_chip_spec *spec);

/* What is in flash, if anything is, does so much after a reset. */
enum stm32_firmware {
    STM32_FIRMWARE_PLAIN,
    STM32_FIRMWARE_SLEEPS,   /* the bus stands still: the debug port answers, accesses fail */
    STM32_FIRMWARE_NO_SWD,   /* the debug port's pins have become something else */
    STM32_FIRMWARE_WATCHDOG, /* the independent watchdog (410 ms) is started, and fed while it runs
                              */
};

enum stm32_fault {
    STM32_FAULT_NO_POWER,   /* the target is not powered */
    STM32_FAULT_SWD_CUT,    /* SWDIO or SWCLK open, or the two swapped */
    STM32_FAULT_NRST_CUT,   /* NRST is not wired, as with most four-wire cables */
    STM32_FAULT_NO_ERASE,   /* erases take their time but nothing is erased */
    STM32_FAULT_NO_WRITE,   /* half-words take their time but nothing is written */
    STM32_FAULT_STUCK_BUSY, /* an erase takes 2 s */
    STM32_FAULT_NO_HALT,    /* the core does not halt */
    STM32_FAULT_NO_SRAM,    /* SRAM does not hold what is written */
    STM32_FAULT_COUNT
};
const char *stm32_fault_name(enum stm32_fault f); /* "no-power", ... */
/* By that name; STM32_FAULT_COUNT if there is none such. */
enum stm32_fault stm32_fault_find(const char *name);

struct stm32_chip_options {
    bool longest; /* flash operations take the data sheet's longest instead of typical times */
    enum stm32_firmware firmware;
    uint32_t firmware_after_us; /* from reset until it does what it does */
    uint32_t power_lost_at;     /* the power is gone during this flash operation; 0: never */
};

/* A factory-fresh chip, powered, at time 0. Never NULL for a spec that is not NULL (aborts without
 * memory). `options` is copied; NULL: typical times, plain firmware. */
struct stm32_chip *stm32_chip_new(const struct stm32_chip_spec *spec,
                                  const struct stm32_chip_options *options);
void stm32_chip_free(struct stm32_chip *chip); /* takes NULL */

void stm32_chip_set_fault(struct stm32_chip *chip, enum stm32_fault f, bool on);
/* Bits of a flash byte that always read as in `value`. Up to 16 cells. */
void stm32_chip_add_bad_cell(struct stm32_chip *chip, uint32_t offset, uint8_t stuck,
                             uint8_t value);
/* Presets an identity or option by name: "dpidr", "cpuid", "idcode", "flash-size" (KiB), "rdp",
 * "user", "data0", "data1", "wrp" (32 bits). Options act at once. False: none such. */
bool stm32_chip_preset(struct stm32_chip *chip, const char *name, uint32_t value);
/* The bytes of "flash", "sram" or "options" (16, with complements), to read and to preset. NULL:
 * none such. Call stm32_chip_settle() first. */
uint8_t *stm32_chip_memory(struct stm32_chip *chip, const char *name, size_t *size);

/* --- The wire ------------------------------------------------------------------------------- */

enum stm32_ack {
    STM32_ACK_OK,
    STM32_ACK_FAULT, /* the bus refused */
    STM32_ACK_NONE,  /* nothing drives SWDIO */
};

/* The line reset and the DPIDR that answers it. */
enum stm32_ack stm32_chip_connect(struct stm32_chip *chip, uint32_t *dpidr, uint64_t now_ns);
/* One access of 1, 2 or 4 bytes through the debug port, at *now_ns, which moves on by as long as
 * the bus holds it up. */
enum stm32_ack stm32_chip_read(struct stm32_chip *chip, uint32_t address, unsigned size,
                               uint32_t *value, uint64_t *now_ns);
enum stm32_ack stm32_chip_write(struct stm32_chip *chip, uint32_t address, unsigned size,
                                uint32_t value, uint64_t *now_ns);
void stm32_chip_set_nrst(struct stm32_chip *chip, bool level, uint64_t now_ns);
bool stm32_chip_powered(const struct stm32_chip *chip);
void stm32_chip_cycle_power(struct stm32_chip *chip, uint64_t now_ns);

/* --- What happened -------------------------------------------------------------------------- */

/* Lets time pass. */
void stm32_chip_settle(struct stm32_chip *chip, uint64_t now_ns);
/* "name value" lines, stable for grep: the part, options, state, and every count not 0, as
 * "option.rdp 0xa5", "state running", "op.erase-page 8", "count.interrupted 1". Settle first. */
void stm32_chip_dump(struct stm32_chip *chip, FILE *file);
/* Writes a line for each flash operation and reset. `file` is borrowed; NULL ends it. */
void stm32_chip_trace(struct stm32_chip *chip, FILE *file);

#endif
