/* What simulator_chip.c (the chip itself) and simulator_chip_isp.c (its serial programming
 * instructions) share. */
#ifndef PROGRAMMERS_SIMULATOR_CHIP_PRIVATE_H
#define PROGRAMMERS_SIMULATOR_CHIP_PRIVATE_H

#include "simulator_chip.h"

enum operation { OPERATION_NONE, OPERATION_ERASE_CHIP, OPERATION_STORE, OPERATION_COMMIT };

struct chip {
    const struct part *part;
    struct chip_options options;
    struct chip_counts counts;
    uint8_t **bytes;       /* of each memory of the part */
    uint32_t clock_hz;     /* by the fuses in effect */
    bool reset, enabled;   /* RESET is active; Programming Enable was understood */
    bool deaf;             /* until the next RESET pulse: after Chip Erase of an AT90S */
    uint64_t reset_ns;     /* since when */
    uint8_t extended;      /* Load Extended Address */
    uint8_t *flash_buffer; /* one page each, or NULL */
    uint8_t *eeprom_buffer;
    bool *eeprom_loaded; /* of each byte of that page */
    uint32_t random;     /* of the bit errors at too fast an SCK */
    bool no_erase, no_write;
    bool weak;              /* what weak cells read next */
    enum operation running; /* self-timed; carried out when it ends */
    size_t memory;          /* of STORE and COMMIT: number, place, and the new value */
    uint32_t address;
    uint8_t value;
    uint64_t begin_ns, end_ns;
};

enum lock_mode { LOCK_NONE, LOCK_WRITE, LOCK_WRITE_AND_READ };

const struct memory *chip_memory(const struct chip *chip, size_t index);

/* Unimplemented bits of fuse and lock bytes, which read as 1. */
uint8_t chip_unused_bits(const struct memory *m);

enum lock_mode chip_lock_mode(const struct chip *chip);

/* A byte as it reads now. */
uint8_t chip_load(struct chip *chip, size_t index, uint32_t address);

/* Begins a self-timed operation that takes `us`. */
void chip_begin(struct chip *chip, enum operation operation, uint32_t us, uint64_t now_ns);

/* Begins STORE of `value` or COMMIT in memory number `index`. */
void chip_begin_write(struct chip *chip, enum operation operation, size_t index, uint32_t address,
                      uint8_t value, uint64_t now_ns);

#endif
