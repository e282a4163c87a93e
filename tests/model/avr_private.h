/* The chip model's insides, shared by avr_spec.c, avr_chip.c, avr_isp.c and avr_report.c alone. */
#ifndef MODEL_AVR_PRIVATE_H
#define MODEL_AVR_PRIVATE_H

#include "model/avr_chip.h"

/* How a family differs where a table of numbers cannot say it. */
enum avr_family {
    FAMILY_AVR,       /* page buffer, fuse bytes; every AVR since about 2000 */
    FAMILY_AT90S,     /* byte by byte, no fuses over ISP, lock bits in byte 2 */
    FAMILY_AT90S1200, /* as AT90S, but no echo and an asymmetric SCK limit */
    FAMILY_AT89S,     /* 8051: RESET active high, 69 in byte 4, byte addresses */
};

struct fuse_bit {
    uint8_t byte, mask; /* mask 0: the chip has no such fuse */
};

struct busy_time {
    uint32_t typical_us, longest_us;
};

/* Entries of a clock table: a frequency of the chip's own, or one of these. */
enum {
    CLOCK_NONE = 0, /* reserved setting, or a circuit nobody attaches (external RC) */
    CLOCK_EXTERNAL = 1,
    CLOCK_WATCH_CRYSTAL = 2, /* 32768 Hz; silent unless crystal_hz says just that */
};

struct avr_times {
    struct busy_time flash; /* a page, or a byte where there are no pages */
    struct busy_time eeprom, erase, fuse;
};

struct avr_lock_bits {
    uint8_t mask;
    uint8_t lb1, lb2; /* programmed: lb1 alone is mode 2, both are mode 3 */
};

struct avr_clock {
    uint8_t mask;         /* CKSEL in the low fuse */
    uint8_t crystal_from; /* CKSEL values from here on are crystal oscillators */
    struct fuse_bit divide_by_8;
    uint32_t source[16]; /* of the others */
};

struct avr_special_fuses {
    struct fuse_bit spien, eesave, reset_disable, debugwire;
};

struct avr_chip_spec {
    const char *name, *id;
    enum avr_family family;
    uint8_t signature[3];
    uint32_t flash_size;
    uint16_t flash_page; /* bytes; 0: byte by byte */
    uint16_t eeprom_size;
    uint8_t eeprom_page; /* 0: no C1 and C2 */
    uint8_t fuse_count, fuse_default[3], fuse_mask[3];
    uint8_t calibration_count;
    const struct avr_lock_bits *lock;
    const struct avr_times *times;
    const struct avr_clock *clock;           /* NULL: always XTAL1 */
    const struct avr_special_fuses *special; /* NULL: no fuses over ISP */
    bool ready_poll;                         /* F0 */
    uint8_t flash_busy_value;                /* read back while busy, !ready_poll */
    uint8_t eeprom_busy_value[2];            /* in the first and the second half of the time */
};

enum { BAD_CELLS_MAX = 64, PAGE_MAX = 256, FRAME_SIZE = 4 };

struct bad_cell {
    enum avr_memory memory;
    uint32_t address;
    uint8_t stuck, value, unstable;
};

/* A self-timed operation under way. Its effect appears in the cells when it ends. */
struct operation {
    enum { OPERATION_NONE, OPERATION_WRITE, OPERATION_ERASE } kind;
    enum avr_memory memory;
    uint32_t address, size; /* write: which cells */
    uint8_t data[PAGE_MAX];
    bool change[PAGE_MAX]; /* which of them */
    uint64_t start_ns, end_ns;
};

struct avr_chip {
    const struct avr_chip_spec *spec;
    struct avr_chip_options options;
    uint8_t *memory[AVR_MEMORY_COUNT];
    size_t size[AVR_MEMORY_COUNT];

    /* the wire */
    bool level[AVR_PIN_COUNT]; /* as the programmer set them */
    uint32_t resets_asserted;  /* by the programmer, whether the board was there or not */
    bool fault[AVR_FAULT_COUNT];
    uint32_t bit_error_rate;
    struct bad_cell bad[BAD_CELLS_MAX];
    size_t bad_count;
    uint64_t now_ns;
    uint64_t random;
    bool powered, sck, mosi; /* as the chip sees them */
    bool reset_active;       /* the pin */
    bool in_reset;           /* the chip, after its filter */
    bool release_pending;    /* the pin is inactive, not yet for two CPU clocks */
    uint64_t release_ns, reset_ns, rise_ns, fall_ns;

    /* as latched from the fuses */
    uint8_t fuses[3];
    uint32_t cpu_hz;
    uint64_t sck_low_min_ns, sck_high_min_ns;

    /* the shift register */
    unsigned bits;              /* 0..31 of the frame */
    uint8_t in, out;            /* byte being shifted in, out */
    bool driven, miso;          /* MISO pin; driven: else it floats */
    uint8_t frame[FRAME_SIZE];  /* bytes in */
    uint8_t answer[FRAME_SIZE]; /* bytes out, for the trace ... */
    bool answered[FRAME_SIZE];  /* ... and whether MISO was driven */

    /* programming mode */
    bool enabled, erased; /* erased: AT90S that must see RESET again */
    uint64_t enabled_ns;
    uint8_t extended_address;
    bool extended_known;
    uint8_t low_latch; /* byte of the last Load Page low */
    uint32_t low_word;
    bool low_loaded;
    uint8_t page[PAGE_MAX];
    bool page_loaded[PAGE_MAX];
    uint8_t eeprom_page[PAGE_MAX];
    bool eeprom_loaded[PAGE_MAX];
    struct operation operation;

    struct avr_stats stats;
    FILE *trace;
    const char *remark; /* for the trace: what was odd about this instruction; may be NULL */
};

/* avr_chip.c */
uint64_t avr_random(struct avr_chip *chip);
void avr_clear_buffers(struct avr_chip *chip);

/* avr_isp.c: the instructions. Both are called with frame[] filled as far as said. */
uint8_t avr_isp_answer(struct avr_chip *chip);       /* after three bytes: the fourth byte out */
void avr_isp_execute(struct avr_chip *chip);         /* after four */
void avr_operation_finish(struct avr_chip *chip);    /* its time is over */
void avr_operation_interrupt(struct avr_chip *chip); /* RESET or power went away */
bool avr_fuse_programmed(const struct avr_chip_spec *spec, const uint8_t fuses[3],
                         struct fuse_bit bit);

/* avr_report.c */
void avr_remark(struct avr_chip *chip, const char *remark); /* shown with the next trace line */
void avr_trace_instruction(struct avr_chip *chip, const char *name);
void avr_undefined(struct avr_chip *chip, uint64_t *kind,
                   const char *remark); /* kind may be NULL */

#endif
