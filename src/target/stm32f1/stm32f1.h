/* What the files of this family share: registers, state, and the steps that each is made of.
 * Sources: RM0008 (ST); PM0075, "STM32F10xxx Flash memory microcontrollers"; ARMv7-M Architecture
 * Reference Manual, "Debug". */
#ifndef TARGET_STM32F1_H
#define TARGET_STM32F1_H

#include "../family.h"

/* ARMv7-M, "Debug register support in the SCS". */
enum { CPUID = 0xe000ed00u, AIRCR = 0xe000ed0cu, DHCSR = 0xe000edf0u, DEMCR = 0xe000edfcu };

enum {
    AIRCR_RESET = 0x05fa0004u,  /* VECTKEY, SYSRESETREQ */
    DHCSR_OFF = 0xa05f0000u,    /* DBGKEY */
    DHCSR_HALT = 0xa05f0003u,   /* C_DEBUGEN, C_HALT */
    DHCSR_HALTED = 0xa05f000bu, /* and C_MASKINTS, which may only change while halted */
    DHCSR_RUN = 0xa05f0009u,    /* interrupts masked */
    S_HALT = 1u << 17,
    S_LOCKUP = 1u << 19,
    S_RESET = 1u << 25,        /* a reset since the last read */
    DEMCR_CATCH = 0x01000001u, /* TRCENA, VC_CORERESET: halt before the first instruction */
    DEMCR_TRACE = 0x01000000u
};

/* RM0008, "Debug MCU configuration", "Device electronic signature". */
enum {
    DBGMCU_IDCODE = 0xe0042000u,
    DBGMCU_CR = 0xe0042004u,
    DBGMCU_STOP_WATCHDOGS = 0x300, /* while the core is halted */
    FLASH_SIZE = 0x1ffff7e0u,      /* in KiB, a half-word */
    IWDG_KR = 0x40003000u,
    SRAM = 0x20000000u
};

/* PM0075, "Register descriptions"; the second bank of XL-density parts has the same at +0x40. */
enum {
    FLASH_REGISTERS = 0x40022000u,
    FLASH_BANK_STEP = 0x40,
    FLASH_KEYR = 0x04,
    FLASH_OPTKEYR = 0x08,
    FLASH_SR = 0x0c,
    FLASH_CR = 0x10,
    FLASH_AR = 0x14,
    FLASH_OBR = 0x1c,
    FLASH_WRPR = 0x20
};

enum {
    FLASH_KEY1 = 0x45670123u,
    FLASH_KEY2 = 0xcdef89abu,
    SR_BUSY = 1 << 0,
    SR_NOT_BLANK = 1 << 2, /* PGERR */
    SR_PROTECTED = 1 << 4, /* WRPRTERR */
    SR_CLEAR = 0x34,       /* both, and EOP: written 1 */
    CR_PG = 1 << 0,
    CR_MER = 1 << 2,
    CR_OPTPG = 1 << 4,
    CR_OPTER = 1 << 5,
    CR_STRT = 1 << 6,
    CR_LOCK = 1 << 7,
    CR_OPTWRE = 1 << 9,
    OBR_PROTECTED = 1 << 1, /* RDPRT: what counts, whatever the option byte says by now */
    RDP_OFF = 0xa5,
    PROTECTION_BLOCK = 4096 /* one bit of WRPR; the last has all that follows */
};

struct stm32f1 {
    bool attached; /* words can be read and written */
    bool line_low; /* NRST is driven */
    uint32_t cpuid, core_id;
    uint32_t obr, wrpr; /* as loaded at the last reset */
    uint16_t flash_kib; /* by the size register; 0: it says nothing that can be believed */
};

/* words.c: small sets of words. */
MUST_USE enum status stm32f1_words(struct target *t, struct swd_word *words, size_t count,
                                   struct error *e);
MUST_USE enum status stm32f1_read_word(struct target *t, uint32_t address, uint32_t *value,
                                       struct error *e);
MUST_USE enum status stm32f1_write_word(struct target *t, uint32_t address, uint32_t value,
                                        struct error *e);

/* connect.c: attaches and halts the core before it has executed an instruction; leaves it running
 * from reset. */
MUST_USE enum status stm32f1_enter(struct target *t, struct error *e);
MUST_USE enum status stm32f1_leave(struct target *t, struct error *e);
/* A reset into the halt, and what the chip has loaded by it. */
MUST_USE enum status stm32f1_restart(struct target *t, struct error *e);

/* identify.c */
MUST_USE enum status stm32f1_identify(struct target *t, uint8_t signature[3], struct error *e);
MUST_USE enum status stm32f1_read_protection(struct target *t, struct error *e);
void stm32f1_selected(struct target *t);
bool stm32f1_is_clone(const struct target *t, const struct part *part, char *out, size_t capacity);

/* controller.c: the flash controllers. `registers` is where those of the bank begin. */
uint32_t stm32f1_registers(const struct memory *flash, uint32_t offset);
MUST_USE enum status stm32f1_unlock_flash(struct target *t, uint32_t registers, struct error *e);
/* Waits for the controller; judges SR. */
MUST_USE enum status stm32f1_wait(struct target *t, uint32_t registers, uint32_t least_us,
                                  const char *what, struct error *e);
MUST_USE enum status stm32f1_judge(uint32_t sr, uint32_t address, struct error *e);
MUST_USE enum status stm32f1_erase(struct target *t, struct error *e);

/* What the loader does in one go. */
struct loader_job {
    uint32_t registers; /* of the bank */
    uint32_t address;   /* where programming begins: a multiple of page_size */
    const uint8_t *data;
    uint32_t size;      /* a multiple of page_size */
    uint32_t page_size; /* a power of 2 */
    bool erase;         /* each page first */
    uint32_t control;   /* CR while programming */
    uint32_t page_us;   /* a page takes no longer */
};

/* program.c: runs the loader; reports bytes by context_advance(). The controller is unlocked. */
MUST_USE enum status stm32f1_program(struct target *t, const struct loader_job *job,
                                     struct error *e);
MUST_USE enum status stm32f1_write_run(struct target *t, const struct memory *m, uint32_t address,
                                       const uint8_t *data, size_t size, bool blank,
                                       struct error *e);

/* options.c */
MUST_USE enum status stm32f1_read_bytes(struct target *t, const struct memory *const *memories,
                                        uint8_t *values, size_t count, struct error *e);
MUST_USE enum status stm32f1_write_byte(struct target *t, const struct memory *m, uint8_t value,
                                        struct error *e);
MUST_USE enum status stm32f1_unlock(struct target *t, struct error *e);
bool stm32f1_write_protected(const struct target *t, uint32_t from, struct target_run *run);
MUST_USE enum status stm32f1_unprotect(struct target *t, const struct target_run *runs,
                                       size_t count, struct error *e);

#endif
