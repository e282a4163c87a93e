/* The core's debug registers and its resets: DDI0403, "ARMv7-M Debug" and "System Control
 * Space". */
#include <string.h>

#include "stm32_private.h"

#define FP_CTRL UINT32_C(0xe0002000)
#define DWT_CTRL UINT32_C(0xe0001000)
#define CPUID UINT32_C(0xe000ed00)
#define AIRCR UINT32_C(0xe000ed0c)
#define CFSR UINT32_C(0xe000ed28)
#define HFSR UINT32_C(0xe000ed2c)
#define DFSR UINT32_C(0xe000ed30)
#define BFAR UINT32_C(0xe000ed38)
#define DHCSR UINT32_C(0xe000edf0)
#define DCRSR UINT32_C(0xe000edf4)
#define DCRDR UINT32_C(0xe000edf8)
#define DEMCR UINT32_C(0xe000edfc)

enum {
    C_DEBUGEN = 1,
    C_HALT = 2,
    C_STEP = 4,
    C_MASKINTS = 8,
    S_REGRDY = 1 << 16,
    S_HALT = 1 << 17,
    S_SLEEP = 1 << 18,
    S_LOCKUP = 1 << 19,
    S_RETIRE_ST = 1 << 24,
    S_RESET_ST = 1 << 25,
    VC_CORERESET = 1,
    SYSRESETREQ = 4,
    VECTRESET = 1,
    DCRSR_WRITE = 1 << 16,
    DBGKEY = 0xa05f,
    VECTKEY = 0x05fa
};

/* --- Halting and resets --------------------------------------------------------------------- */

void stm32_core_halt(struct stm32_chip *chip, uint32_t why)
{
    if (chip->core.state == STM32_CORE_HALTED)
        return;
    chip->core.state = STM32_CORE_HALTED;
    chip->core.dhcsr |= C_HALT;
    chip->core.dfsr |= why;
    chip->counts[STM32_COUNT_HALTS]++;
    stm32_trace(chip, "halted at %08x, DFSR %x", chip->core.registers[STM32_PC], why);
}

static uint32_t vector(const struct stm32_chip *chip, size_t number)
{
    const uint8_t *v = chip->flash + 4 * number;
    return (uint32_t)v[0] | (uint32_t)v[1] << 8 | (uint32_t)v[2] << 16 | (uint32_t)v[3] << 24;
}

/* The core begins at its reset vector: of a blank chip, in lock-up in the HardFault handler. */
void stm32_core_reset(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    memset(core->registers, 0, sizeof core->registers);
    core->registers[STM32_SP] = core->registers[STM32_MSP] = vector(chip, 0) & ~3u;
    core->registers[STM32_LR] = 0xffffffff;
    core->registers[STM32_PC] = vector(chip, 1) & ~1u;
    core->registers[STM32_XPSR] = (vector(chip, 1) & 1) << 24;
    core->cfsr = core->hfsr = 0;
    core->ps = chip->now_ns * 1000;
    core->stepping = false;
    core->state = STM32_CORE_RUNNING;
    core->dhcsr &= ~(uint32_t)(C_HALT | C_STEP);
    if (core->registers[STM32_PC] == 0xfffffffe) {
        core->registers[STM32_XPSR] |= 3;
        core->state = STM32_CORE_LOCKED_UP;
    }
    if ((core->demcr & VC_CORERESET) != 0 && (core->dhcsr & C_DEBUGEN) != 0 &&
        !chip->faults[STM32_FAULT_NO_HALT])
        stm32_core_halt(chip, STM32_DFSR_VCATCH);
}

/* All but the debug logic, which keeps DHCSR, DEMCR and DBGMCU_CR. */
void stm32_system_reset(struct stm32_chip *chip)
{
    chip->counts[STM32_COUNT_RESETS]++;
    stm32_trace(chip, "reset");
    stm32_flash_reset(chip);
    memset(chip->peripherals, 0, sizeof chip->peripherals);
    chip->core.reset_seen = true;
    chip->started_ns = chip->now_ns;
    stm32_core_reset(chip);
    stm32_watchdog_reset(chip);
}

/* --- Core registers ------------------------------------------------------------------------- */

/* SP is one of the two stack pointers, by CONTROL's bit 1. */
static size_t stack_of(const struct stm32_core *core)
{
    return (core->registers[STM32_SPECIAL] >> 25 & 1) != 0 ? STM32_PSP : STM32_MSP;
}

static void transfer_register(struct stm32_chip *chip, uint32_t dcrsr)
{
    struct stm32_core *core = &chip->core;
    const uint32_t number = dcrsr & 0x1f;
    if (core->state != STM32_CORE_HALTED || number >= STM32_REGISTER_COUNT) {
        chip->counts[STM32_COUNT_UNDEFINED]++;
        return;
    }
    if ((dcrsr & DCRSR_WRITE) == 0) {
        core->dcrdr = core->registers[number];
        return;
    }
    core->registers[number] = number == STM32_PC ? core->dcrdr & ~1u : core->dcrdr;
    if (number == STM32_SP)
        core->registers[stack_of(core)] = core->dcrdr;
    else if (number == stack_of(core))
        core->registers[STM32_SP] = core->dcrdr;
}

/* --- DHCSR ---------------------------------------------------------------------------------- */

static uint32_t read_dhcsr(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    uint32_t value = core->dhcsr | S_REGRDY;
    if (core->state == STM32_CORE_HALTED)
        value |= S_HALT;
    else if (core->state == STM32_CORE_LOCKED_UP)
        value |= S_LOCKUP;
    if (core->state == STM32_CORE_RUNNING)
        value |= S_RETIRE_ST;
    if (core->reset_seen || core->state == STM32_CORE_RESET)
        value |= S_RESET_ST;
    core->reset_seen = false;
    return value;
}

static void leave_halt(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    stm32_trace(chip, "runs from %08x", core->registers[STM32_PC]);
    const bool runnable =
        (core->registers[STM32_XPSR] & 1u << 24) != 0 && core->registers[STM32_PC] < 0xf0000000;
    core->state = runnable ? STM32_CORE_RUNNING : STM32_CORE_LOCKED_UP;
    /* Interrupts of the program in flash would take the core away from one in SRAM. */
    const bool masked =
        (core->dhcsr & C_MASKINTS) != 0 || (core->registers[STM32_SPECIAL] & 1) != 0;
    if (runnable && stm32_core_in_sram(chip) && !masked)
        chip->counts[STM32_COUNT_UNMASKED_RUNS]++;
    core->ps = chip->now_ns * 1000;
    core->stepping = (core->dhcsr & C_STEP) != 0;
    if (runnable && !stm32_core_in_sram(chip)) {
        chip->started_ns = chip->now_ns;
        if (core->stepping) { /* one instruction of a program that is not executed */
            core->registers[STM32_PC] += 2;
            core->stepping = false;
            stm32_core_halt(chip, STM32_DFSR_HALTED);
        }
    }
}

/* C_MASKINTS may only change while halted, and not together with the start: DDI0403, "Debug Halting
 * Control and Status Register". */
static void write_dhcsr(struct stm32_chip *chip, uint32_t value)
{
    struct stm32_core *core = &chip->core;
    if (value >> 16 != DBGKEY) {
        chip->counts[STM32_COUNT_UNDEFINED]++;
        return;
    }
    const bool halted = core->state == STM32_CORE_HALTED;
    if (((core->dhcsr ^ value) & C_MASKINTS) != 0 && (!halted || (value & C_HALT) == 0) &&
        (value & C_DEBUGEN) != 0)
        chip->counts[STM32_COUNT_UNDEFINED]++;
    core->dhcsr = value & (C_DEBUGEN | C_HALT | C_STEP | C_MASKINTS);
    if ((value & C_DEBUGEN) == 0)
        core->dhcsr = 0;
    if (core->state == STM32_CORE_RESET)
        return;
    if ((core->dhcsr & C_HALT) == 0) {
        if (halted)
            leave_halt(chip);
    } else if (!chip->faults[STM32_FAULT_NO_HALT]) {
        stm32_core_halt(chip, STM32_DFSR_HALTED);
    }
}

static void write_aircr(struct stm32_chip *chip, uint32_t value)
{
    if (value >> 16 != VECTKEY)
        return;
    if ((value & SYSRESETREQ) != 0)
        stm32_system_reset(chip);
    else if ((value & VECTRESET) != 0) {
        chip->core.reset_seen = true;
        stm32_core_reset(chip);
    }
}

/* --- The registers -------------------------------------------------------------------------- */

bool stm32_debug_read(struct stm32_chip *chip, uint32_t address, uint32_t *value)
{
    struct stm32_core *core = &chip->core;
    switch (address) {
    case FP_CTRL: /* six instruction and two literal comparators */
        *value = 0x260 | (chip->ppb[(FP_CTRL - STM32_PPB_BASE) / 4] & 1);
        return true;
    case DWT_CTRL: /* four comparators */
        *value = 0x40000000 | (chip->ppb[(DWT_CTRL - STM32_PPB_BASE) / 4] & 0x0fffffff);
        return true;
    case CPUID:
        *value = chip->cpuid;
        return true;
    case AIRCR:
        *value = 0xfa050000;
        return true;
    case CFSR:
        *value = core->cfsr;
        return true;
    case HFSR:
        *value = core->hfsr;
        return true;
    case DFSR:
        *value = core->dfsr;
        return true;
    case BFAR:
        *value = core->bfar;
        return true;
    case DHCSR:
        *value = read_dhcsr(chip);
        return true;
    case DCRDR:
        *value = core->dcrdr;
        return true;
    case DEMCR:
        *value = core->demcr;
        return true;
    default:
        return false;
    }
}

bool stm32_debug_write(struct stm32_chip *chip, uint32_t address, uint32_t value)
{
    struct stm32_core *core = &chip->core;
    switch (address) {
    case CPUID:
        return true;
    case AIRCR:
        write_aircr(chip, value);
        return true;
    case CFSR:
        core->cfsr &= ~value;
        return true;
    case HFSR:
        core->hfsr &= ~value;
        return true;
    case DFSR:
        core->dfsr &= ~value;
        return true;
    case DHCSR:
        write_dhcsr(chip, value);
        return true;
    case DCRSR:
        transfer_register(chip, value);
        return true;
    case DCRDR:
        core->dcrdr = value;
        return true;
    case DEMCR:
        core->demcr = value;
        return true;
    default:
        return false;
    }
}
