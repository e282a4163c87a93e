/* The simulated programmer's chip: any part of the database as its serial programming pins show it,
 * four-byte instruction by instruction. Source: the data sheets, "Memory Programming", "Serial
 * Downloading", and AVR910, "In-System Programming".
 *
 * Time is passed in and never goes back. Nothing here blocks, prints or fails for lack of memory
 * once the chip is made. */
#ifndef PROGRAMMERS_SIMULATOR_CHIP_H
#define PROGRAMMERS_SIMULATOR_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "ispflash/part.h"

struct chip;

/* A flash or EEPROM cell that does not do its duty. */
enum chip_cell_defect {
    CHIP_CELL_STUCK, /* keeps its value, whatever is written or erased */
    CHIP_CELL_WEAK   /* bit 0 reads as 0 or 1 by turns */
};
struct chip_cell {
    enum memory_kind memory; /* MEMORY_FLASH or MEMORY_EEPROM */
    uint32_t address;        /* offset in it; what lies beyond its end has no effect */
    enum chip_cell_defect defect;
};
enum { CHIP_CELLS_MAX = 16 };

struct chip_options {
    uint32_t crystal_hz; /* of the crystal on XTAL1/XTAL2; 0: none there */
    uint32_t signal_hz;  /* of a clock signal into XTAL1/CLKI; 0: none there */
    struct chip_cell cells[CHIP_CELLS_MAX];
    size_t cell_count;
};

/* What the chip saw that a programmer should not do, and what it did. */
struct chip_counts {
    uint32_t instructions; /* carried out */
    uint32_t ignored;      /* complete, but outside programming mode */
    uint32_t unknown;      /* no instruction of this part */
    uint32_t busy;         /* ignored, as the chip was busy */
    uint32_t interrupted;  /* self-timed operations cut off by RESET: not carried out */
    uint32_t locked;       /* writes that lock bits forbade, and reads they spoiled */
    uint32_t too_fast;     /* sent at an SCK the chip cannot follow */
};

/* A factory-fresh chip, RESET released, at time 0; NULL without memory. `part` is borrowed. */
struct chip *chip_new(const struct part *part, const struct chip_options *options);
void chip_free(struct chip *chip); /* takes NULL */

const struct part *chip_part(const struct chip *chip);
const struct chip_counts *chip_counts(const struct chip *chip);

/* The bytes of memory number `index` of the part, to look at and to preset; its size is that of the
 * memory. Preset fuses are in effect from the next chip_reset(chip, true, ...) on. */
uint8_t *chip_bytes(struct chip *chip, size_t index);

/* The system clock as the fuses in effect choose it, and the lowest SCK the chip no longer follows;
 * 0: it does not run, or does not listen (RESET is a port pin, debugWIRE). */
uint32_t chip_clock_hz(const struct chip *chip);
uint32_t chip_sck_limit_hz(const struct chip *chip);

/* From now on the chip takes erases and writes and the time for them, but nothing changes. */
void chip_wear_out(struct chip *chip, bool erases, bool writes);

/* RESET becomes active or inactive, whatever its polarity. */
void chip_reset(struct chip *chip, bool active, uint64_t now_ns);

/* Shifts one instruction through; it ends at `now_ns`. What a chip that does not drive MISO shows
 * is `idle` in all four bytes. */
void chip_exchange(struct chip *chip, const uint8_t mosi[4], uint8_t miso[4], uint8_t idle,
                   uint32_t sck_hz, uint64_t now_ns);

/* Lets time pass; true while a self-timed operation runs. */
bool chip_busy(struct chip *chip, uint64_t now_ns);

/* The clock that fuse bytes (indexed like part->memories) choose for a part; 0: none. */
uint32_t chip_clock_of(const struct part *part, uint8_t *const *bytes,
                       const struct chip_options *options);

#endif
