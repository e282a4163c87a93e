/* A classic AVR (and an AT89S52) as its serial programming pins show it: RESET, SCK and MOSI in,
 * MISO out, power and clock. Written from the data sheets' "Memory Programming" chapters and
 * AVR910, apart from everything under src/ and programmers/: the tests use it to judge those.
 *
 * Time is always passed in: nanoseconds on a clock of the caller's, which must never go back. No
 * call blocks. Work at one of two levels, or mix them:
 *   pins   avr_chip_set_pin() at each edge, avr_chip_miso() just before a rising edge of SCK;
 *   bytes  avr_chip_transfer(), which does those edges for one byte.
 *
 *     struct avr_chip *chip = avr_chip_new(avr_chip_spec("m328p"), NULL);
 *     uint64_t now = 0;
 *     avr_chip_set_pin(chip, AVR_PIN_RESET, false, now);
 *     now += 25 * AVR_MS;
 *     uint8_t answer[4];
 *     avr_chip_instruction(chip, (const uint8_t[]){0xac, 0x53, 0, 0}, answer, &now, 4000);
 *
 * What a data sheet leaves open is counted in avr_stats.undefined, so that a test can insist on
 * none; what it forbids (an instruction while busy, SCK too fast) is counted by name. */
#ifndef MODEL_AVR_CHIP_H
#define MODEL_AVR_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AVR_US UINT64_C(1000)    /* nanoseconds */
#define AVR_MS UINT64_C(1000000) /* nanoseconds */

struct avr_chip;      /* opaque */
struct avr_chip_spec; /* one chip type; const, alive for the whole process */

/* By name or customary id, case ignored ("atmega328p", "m328p"). NULL: not modelled. */
const struct avr_chip_spec *avr_chip_spec(const char *name);
/* The type number `index`, for walking all of them; NULL behind the last. */
const struct avr_chip_spec *avr_chip_spec_at(size_t index);
const char *avr_chip_spec_name(const struct avr_chip_spec *spec); /* "atmega328p" */

enum avr_memory {
    AVR_FLASH,
    AVR_EEPROM,
    AVR_FUSES,       /* low, high, extended; as many as the chip has */
    AVR_LOCK,        /* one byte, bits where the Read Lock instruction or AVR910 has them: 1 = open.
                        AT89S52: bits 4..2 as its Read Lock shows them, 1 = locked */
    AVR_SIGNATURE,   /* three bytes */
    AVR_CALIBRATION, /* none on some chips */
    AVR_MEMORY_COUNT
};
const char *avr_memory_name(enum avr_memory m); /* "flash", "eeprom", "fuses", ... */

/* The level a wire has when nothing drives it. */
enum avr_float { AVR_FLOAT_HIGH, AVR_FLOAT_LOW, AVR_FLOAT_NOISE };

/* What reading flash or EEPROM gives in lock mode 3: data sheets do not say; these were seen. */
enum avr_locked_read { AVR_LOCKED_READ_ADDRESS, AVR_LOCKED_READ_FF, AVR_LOCKED_READ_00 };

/* How long self-timed operations take. The data sheets' waits (tWD_FLASH, ...) are the longest a
 * chip may take; most are sooner ready. */
enum avr_busy { AVR_BUSY_TYPICAL, AVR_BUSY_LONGEST, AVR_BUSY_RANDOM /* anything up to longest */ };

struct avr_chip_options {
    uint32_t crystal_hz;  /* on XTAL1/XTAL2; 0: none, a chip fused for one is silent */
    uint32_t external_hz; /* clock signal on XTAL1; 0: none */
    enum avr_busy busy;
    enum avr_float idle; /* of MISO while the chip does not drive it */
    enum avr_locked_read locked_read;
    uint32_t enable_wait_us; /* from RESET active until Programming Enable is understood: 20 ms by
                                the data sheets; less to imitate more patient silicon */
    bool unused_fuse_bits_read_0;     /* some silicon; most reads them as 1 */
    uint32_t comes_after, goes_after; /* the board is clipped on when RESET has been asserted that
                                         often, and taken away again; 0: at once, never */
    uint64_t seed;                    /* of every random choice; the same seed gives the same run */
};
/* The options avr_chip_new() takes when given NULL: a 16 MHz crystal, no clock signal, typical busy
 * times, MISO floating high, locked reads giving the address. */
struct avr_chip_options avr_chip_defaults(void);

/* A factory-fresh chip, powered, RESET released, SCK and MOSI low, at time 0. Never NULL for a spec
 * that is not NULL (aborts without memory). `options` is copied. */
struct avr_chip *avr_chip_new(const struct avr_chip_spec *spec,
                              const struct avr_chip_options *options);
void avr_chip_free(struct avr_chip *chip); /* takes NULL */

/* --- The wire ------------------------------------------------------------------------------- */

/* Levels as the programmer puts them on its own connector; a pin it releases is given the level of
 * the pull resistor (RESET: high, except low for an AT89S). POWER is VCC. */
enum avr_pin { AVR_PIN_RESET, AVR_PIN_SCK, AVR_PIN_MOSI, AVR_PIN_POWER, AVR_PIN_COUNT };
void avr_chip_set_pin(struct avr_chip *chip, enum avr_pin pin, bool level, uint64_t now_ns);
/* The level that the pull resistor gives RESET when the programmer lets go of it. */
bool avr_chip_reset_released(const struct avr_chip *chip);
/* The level at the programmer's MISO input. */
bool avr_chip_miso(struct avr_chip *chip, uint64_t now_ns);

/* One byte in SPI mode 0, most significant bit first: SCK is low for `half_ns`, high for `half_ns`,
 * eight times, and left low. Advances *now_ns by 16 * half_ns. Returns the byte on MISO. */
uint8_t avr_chip_transfer(struct avr_chip *chip, uint8_t mosi, uint64_t *now_ns, uint64_t half_ns);
/* Four of them. `miso` may be NULL. */
void avr_chip_instruction(struct avr_chip *chip, const uint8_t mosi[4], uint8_t miso[4],
                          uint64_t *now_ns, uint64_t half_ns);

/* --- Looking at the chip and setting it up -------------------------------------------------- */

/* The bytes themselves, to read and to preset; *size may be NULL. NULL with *size 0: the chip has
 * no such memory. Presetting fuses acts like programming them: at the next entry into RESET. Call
 * avr_chip_settle() first so that an operation still running is seen finished. */
uint8_t *avr_chip_memory(struct avr_chip *chip, enum avr_memory m, size_t *size);
/* Lets time pass. */
void avr_chip_settle(struct avr_chip *chip, uint64_t now_ns);

const struct avr_chip_spec *avr_chip_type(const struct avr_chip *chip);
uint32_t avr_chip_cpu_hz(const struct avr_chip *chip); /* now, by fuses and options; 0: no clock */
/* The shortest low and high time of SCK the chip follows at that clock; 0 without clock. */
uint64_t avr_chip_sck_low_min_ns(const struct avr_chip *chip);
uint64_t avr_chip_sck_high_min_ns(const struct avr_chip *chip);
bool avr_chip_in_programming_mode(const struct avr_chip *chip);
bool avr_chip_busy(struct avr_chip *chip, uint64_t now_ns);
/* RESET is inactive and the chip has power, a clock, and nothing of an operation left. */
bool avr_chip_running(struct avr_chip *chip, uint64_t now_ns);

/* --- Faults --------------------------------------------------------------------------------- */

enum avr_fault {
    AVR_FAULT_MISO_OPEN,  /* the programmer's MISO floats (options.idle) */
    AVR_FAULT_MISO_LOW,   /* shorted to ground */
    AVR_FAULT_MISO_HIGH,  /* shorted to VCC */
    AVR_FAULT_ECHO,       /* MISO tied to MOSI */
    AVR_FAULT_MOSI_CUT,   /* the chip sees MOSI low */
    AVR_FAULT_SCK_CUT,    /* the chip sees SCK low */
    AVR_FAULT_RESET_CUT,  /* the chip's pull resistor keeps it running, MISO an input */
    AVR_FAULT_RUNS_ON,    /* the same, but its program drives MISO, this way and that */
    AVR_FAULT_SWAPPED,    /* MOSI and MISO crossed */
    AVR_FAULT_NO_POWER,   /* whatever AVR_PIN_POWER says */
    AVR_FAULT_NO_CLOCK,   /* whatever the fuses choose does not oscillate */
    AVR_FAULT_BIT_ERRORS, /* a noisy cable: see avr_chip_set_bit_error_rate() */
    AVR_FAULT_NO_ERASE,   /* Chip Erase is accepted and takes its time, but nothing is erased */
    AVR_FAULT_NO_WRITE,   /* writes are accepted and take their time, but nothing is written */
    AVR_FAULT_COUNT
};
const char *avr_fault_name(enum avr_fault f); /* "miso-open", ... */
/* By that name; AVR_FAULT_COUNT if there is none such. */
enum avr_fault avr_fault_find(const char *name);
void avr_chip_set_fault(struct avr_chip *chip, enum avr_fault f, bool on);
/* With AVR_FAULT_BIT_ERRORS: one in `bits` bits flips, on MOSI and on MISO alike. Default 1000. */
void avr_chip_set_bit_error_rate(struct avr_chip *chip, uint32_t bits);
/* A cell of flash or EEPROM whose bits in `stuck` always read as in `value`, from now on. Bits in
 * `unstable` change at random with every read. Up to 64 cells. */
void avr_chip_add_bad_cell(struct avr_chip *chip, enum avr_memory m, uint32_t address,
                           uint8_t stuck, uint8_t value, uint8_t unstable);

/* --- What happened -------------------------------------------------------------------------- */

enum avr_op {
    AVR_OP_ENABLE,
    AVR_OP_ERASE,
    AVR_OP_POLL,
    AVR_OP_EXTENDED_ADDRESS,
    AVR_OP_LOAD_PAGE,        /* 40, 48 into the page buffer */
    AVR_OP_WRITE_PAGE,       /* 4C */
    AVR_OP_WRITE_FLASH_BYTE, /* 40, 48 on chips without page buffer */
    AVR_OP_READ_FLASH,
    AVR_OP_READ_EEPROM,
    AVR_OP_WRITE_EEPROM_BYTE,
    AVR_OP_LOAD_EEPROM_PAGE,
    AVR_OP_WRITE_EEPROM_PAGE,
    AVR_OP_READ_SIGNATURE,
    AVR_OP_READ_CALIBRATION,
    AVR_OP_READ_FUSE,
    AVR_OP_WRITE_FUSE,
    AVR_OP_READ_LOCK,
    AVR_OP_WRITE_LOCK,
    AVR_OP_UNKNOWN, /* no instruction of this chip */
    AVR_OP_COUNT
};
const char *avr_op_name(enum avr_op op); /* "read-flash", ... */

struct avr_stats {
    uint64_t instructions[AVR_OP_COUNT]; /* complete ones, in programming mode and not ignored */
    uint64_t enable_failures;            /* Programming Enable not understood: early or no sync */
    uint64_t ignored;                    /* four-byte frames while not in programming mode */
    uint64_t busy_violations;  /* instructions other than a poll during a self-timed operation */
    uint64_t interrupted;      /* operations cut by RESET or power: cells undefined */
    uint64_t protected_writes; /* refused because of lock bits */
    uint64_t protected_reads;  /* answered with something else because of lock bits */
    uint64_t sck_violations;   /* SCK phases shorter than the CPU clock allows */
    uint64_t bit_errors;       /* bits that were misread, for whatever reason */
    uint64_t sck_edges;        /* rising ones, as the chip sees them, RESET active */
    uint64_t reset_entries;    /* RESET became active */
    uint64_t reset_too_short;  /* inactive pulses that the chip could not see */
    uint64_t undefined; /* what the data sheet leaves open, all kinds, including those next */
    uint64_t undefined_high_without_low;  /* 48 without 40 for the same word */
    uint64_t undefined_word_loaded_twice; /* without 4C between */
    uint64_t undefined_extended_address;  /* access above 128 KiB chips' first 4D */
    uint64_t undefined_sck_high_at_reset; /* SCK high when RESET became active */
    uint64_t undefined_after_erase;       /* AT90S: no RESET pulse after Chip Erase */
    uint64_t spien_writes;                /* attempts to change SPIEN, which ISP cannot */
    uint64_t busy_ns;                     /* time spent in self-timed operations */
    uint64_t programming_ns;              /* time spent in programming mode, up to the last leave */
};
const struct avr_stats *avr_chip_stats(const struct avr_chip *chip);
void avr_chip_clear_stats(struct avr_chip *chip);

/* Writes one line for each complete instruction: time in us, bytes in, bytes out (-- where the chip
 * drove nothing), name, remarks.
 * `file` is borrowed until the next call; NULL ends it. */
void avr_chip_trace(struct avr_chip *chip, FILE *file);
/* "name value" lines, stable for grep: the part, fuses, lock, state, and every count not 0, as
 * "fuse.low 0x62", "op.read-flash 128", "count.busy-violations 2". */
void avr_chip_dump(struct avr_chip *chip, FILE *file);

#endif
