/* The inside of the STM32F1 model; shared between the files of stm32_*.c alone. */
#ifndef MODEL_STM32_PRIVATE_H
#define MODEL_STM32_PRIVATE_H

#include "stm32_chip.h"

struct stm32_chip_spec {
    const char *name;
    uint32_t dpidr;  /* of the debug port: ARM's Cortex-M3 has 1ba01477 */
    uint32_t cpuid;  /* SCB */
    uint32_t idcode; /* DBGMCU_IDCODE: RM0008, "MCU device ID code" */
    uint16_t flash_kib;
    uint16_t page; /* bytes */
    uint32_t sram; /* bytes */
    uint8_t pages_per_wrp;
    bool two_banks; /* the second begins at 512 KiB */
};

#define STM32_FLASH_BASE UINT32_C(0x08000000)
#define STM32_SIZE_REGISTER UINT32_C(0x1ffff7e0)
#define STM32_OPTIONS_BASE UINT32_C(0x1ffff800)
#define STM32_SRAM_BASE UINT32_C(0x20000000)
#define STM32_PERIPHERALS_BASE UINT32_C(0x40000000)
#define STM32_IWDG_KR UINT32_C(0x40003000) /* the watchdog's keys */
#define STM32_RCC_BASE UINT32_C(0x40021000)
#define STM32_FPEC_BASE UINT32_C(0x40022000)
#define STM32_PPB_BASE UINT32_C(0xe0000000) /* private peripheral bus */

enum {
    STM32_BANK_SIZE = 0x80000,
    STM32_PERIPHERALS_SIZE = 0x40000,
    STM32_PPB_SIZE = 0x10000,
    STM32_OPTIONS_SIZE = 16,
    STM32_BAD_CELLS_MAX = 16
};

enum stm32_register {
    STM32_SP = 13,
    STM32_LR,
    STM32_PC,
    STM32_XPSR,
    STM32_MSP,
    STM32_PSP,
    STM32_SPECIAL = 20, /* CONTROL, FAULTMASK, BASEPRI, PRIMASK */
    STM32_REGISTER_COUNT
};

enum stm32_op {
    STM32_OP_NONE,
    STM32_OP_PAGE,
    STM32_OP_MASS,
    STM32_OP_OPTIONS,
    STM32_OP_HALF_WORD,
    STM32_OP_OPTION
};

enum stm32_keys { STM32_KEYS_NONE, STM32_KEYS_FIRST, STM32_KEYS_DEAD };

/* A bank of the flash controller. */
struct stm32_bank {
    uint32_t base, size; /* offsets in flash */
    uint32_t cr, sr, ar;
    enum stm32_keys keys;
    enum stm32_op op;
    uint32_t op_offset; /* in flash or in the option bytes */
    uint16_t op_value;
    uint64_t busy_until_ns;
};

enum stm32_core_state {
    STM32_CORE_RUNNING, /* in SRAM if pc is there, and else somewhere in flash */
    STM32_CORE_LOCKED_UP,
    STM32_CORE_HALTED,
    STM32_CORE_RESET /* NRST is low */
};

struct stm32_core {
    enum stm32_core_state state;
    uint32_t registers[STM32_REGISTER_COUNT];
    uint32_t dhcsr; /* its control bits */
    uint32_t demcr, dcrdr, dfsr, cfsr, hfsr, bfar;
    bool reset_seen; /* S_RESET_ST */
    bool stepping;   /* one instruction, then halt */
    uint64_t ps;     /* how far it has come */
    uint64_t limit_ps, cycle_ps;
    uint32_t last_pc;
    struct stm32_spin {
        uint32_t head; /* of the loop that it is in */
        unsigned rounds;
        bool touched; /* it wrote, or asked a register, since */
        bool fed;     /* the watchdog, which may go on for ever */
        uint32_t registers[STM32_XPSR + 1];
    } spin;
    bool faulted, ended;
    void *engine; /* of stm32_core.c; NULL until first needed */
    bool sram_changed;
};

enum { STM32_WATCHDOG_FEED = 0xaaaa };

struct stm32_watchdog {
    bool on;
    uint64_t counted_ns, looked_ns;
};

enum stm32_count {
    STM32_COUNT_PAGE_ERASES,
    STM32_COUNT_MASS_ERASES,
    STM32_COUNT_OPTION_ERASES,
    STM32_COUNT_HALF_WORDS,
    STM32_COUNT_OPTION_WORDS,
    STM32_COUNT_RESETS,
    STM32_COUNT_HALTS,
    STM32_COUNT_INSTRUCTIONS,
    STM32_COUNT_PGERR,
    STM32_COUNT_WRPRTERR,
    STM32_COUNT_WRONG_KEYS,
    STM32_COUNT_LOCKED_WRITES,
    STM32_COUNT_BUS_ERRORS,
    STM32_COUNT_PROTECTED_READS,
    STM32_COUNT_INTERRUPTED,
    STM32_COUNT_UNDEFINED,
    STM32_COUNT_CORE_FAULTS,
    STM32_COUNT_WATCHDOG_RESETS,
    STM32_COUNT_UNMASKED_RUNS,
    STM32_COUNT_COUNT
};

struct stm32_chip {
    const struct stm32_chip_spec *spec;
    struct stm32_chip_options options;
    uint32_t dpidr, cpuid, idcode;
    uint16_t size_register;
    bool faults[STM32_FAULT_COUNT];
    struct {
        uint32_t offset;
        uint8_t stuck, value;
    } bad_cells[STM32_BAD_CELLS_MAX];
    size_t bad_cell_count;

    uint64_t now_ns;
    uint64_t started_ns; /* when the firmware began */
    bool nrst;
    uint8_t *flash;
    size_t flash_size;
    uint8_t *sram;
    uint8_t option_bytes[STM32_OPTIONS_SIZE]; /* as they are in flash */
    uint32_t obr, wrpr;                       /* as loaded at the last reset */
    enum stm32_keys option_keys;
    struct stm32_bank banks[2];
    struct stm32_core core;
    struct stm32_watchdog watchdog;
    uint32_t peripherals[STM32_PERIPHERALS_SIZE / 4]; /* registers that only store */
    uint32_t ppb[STM32_PPB_SIZE / 4];
    uint32_t dbgmcu_cr;
    uint64_t flash_ns; /* in operations */
    uint32_t operations;
    uint64_t counts[STM32_COUNT_COUNT];
    FILE *trace;
};

void stm32_trace(struct stm32_chip *chip, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* stm32_flash.c: the flash controller, at chip->now_ns. */
void stm32_flash_reset(struct stm32_chip *chip);
void stm32_flash_settle(struct stm32_chip *chip);
void stm32_options_load(struct stm32_chip *chip);
uint32_t stm32_flash_read_register(struct stm32_chip *chip, uint32_t offset);
bool stm32_flash_write_register(struct stm32_chip *chip, uint32_t offset, uint32_t value);
/* A write into flash (its offset) or the option bytes; false: bus error. */
bool stm32_flash_write(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t value);
bool stm32_options_write(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t value);
/* Until when an access to that offset is held up. */
uint64_t stm32_flash_free_ns(const struct stm32_chip *chip, uint32_t offset);
bool stm32_flash_protected(const struct stm32_chip *chip); /* from reading */

/* stm32_bus.c: one access, by the debug port or by the core, at chip->now_ns. False: bus error. */
bool stm32_bus_read(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t *value);
bool stm32_bus_write(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t value);
/* Lets the time that such an access is held up pass. */
void stm32_bus_wait(struct stm32_chip *chip, uint32_t address);
uint32_t stm32_core_clock_hz(const struct stm32_chip *chip);

/* stm32_debug.c: the core's debug registers, and what a reset does to it. */
bool stm32_debug_read(struct stm32_chip *chip, uint32_t address, uint32_t *value);
bool stm32_debug_write(struct stm32_chip *chip, uint32_t address, uint32_t value);
void stm32_core_reset(struct stm32_chip *chip);
void stm32_core_halt(struct stm32_chip *chip, uint32_t why); /* a bit of DFSR */
void stm32_system_reset(struct stm32_chip *chip);

/* stm32_watchdog.c */
void stm32_watchdog_reset(struct stm32_chip *chip);
void stm32_watchdog_key(struct stm32_chip *chip, uint32_t key);
void stm32_watchdog_settle(struct stm32_chip *chip);

/* stm32_core.c: executes what is in SRAM until chip->now_ns. */
void stm32_core_run(struct stm32_chip *chip);
bool stm32_core_in_sram(const struct stm32_chip *chip);
void stm32_core_free(struct stm32_chip *chip);

enum { STM32_DFSR_HALTED = 1, STM32_DFSR_BKPT = 2, STM32_DFSR_VCATCH = 8 };

#endif
