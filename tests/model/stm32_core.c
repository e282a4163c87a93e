/* The core at work in SRAM: Unicorn executes, this file gives it the bus and the time. */
#include <stdlib.h>
#include <string.h>

#include <unicorn/unicorn.h>

#include "stm32_private.h"

enum { BKPT = 0xbe00, BKPT_MASK = 0xff00, PAGE = 0x1000, FAULT_PRECISE = 0x8200 };

#define HFSR_FORCED (1u << 30)
#define NO_INSTRUCTION UINT32_MAX

enum { REGION_COUNT = 5 };

struct region {
    struct stm32_chip *chip;
    uint32_t base;
};

struct engine {
    uc_engine *uc;
    struct region regions[REGION_COUNT]; /* all but SRAM */
};

/* Registers by their DCRSR numbers; the special ones are kept in ours. */
static const int engine_registers[] = {
    UC_ARM_REG_R0,  UC_ARM_REG_R1,  UC_ARM_REG_R2,  UC_ARM_REG_R3,  UC_ARM_REG_R4,  UC_ARM_REG_R5,
    UC_ARM_REG_R6,  UC_ARM_REG_R7,  UC_ARM_REG_R8,  UC_ARM_REG_R9,  UC_ARM_REG_R10, UC_ARM_REG_R11,
    UC_ARM_REG_R12, UC_ARM_REG_R13, UC_ARM_REG_R14, UC_ARM_REG_R15, UC_ARM_REG_XPSR};

bool stm32_core_in_sram(const struct stm32_chip *chip)
{
    return chip->core.registers[STM32_PC] - STM32_SRAM_BASE < chip->spec->sram;
}

static void set_clock(struct stm32_chip *chip)
{
    chip->core.cycle_ps = UINT64_C(1000000000000) / stm32_core_clock_hz(chip);
}

static void check(uc_err error, const char *what)
{
    if (error == UC_ERR_OK)
        return;
    fprintf(stderr, "stm32: %s: %s\n", what, uc_strerror(error));
    abort();
}

/* --- What the engine asks for --------------------------------------------------------------- */

static void tick(struct stm32_chip *chip)
{
    chip->core.ps += chip->core.cycle_ps;
    chip->now_ns = chip->core.ps / 1000;
}

static uint16_t opcode_at(const struct stm32_chip *chip, uint32_t address)
{
    const uint32_t offset = address - STM32_SRAM_BASE;
    if (offset + 1 >= chip->spec->sram)
        return 0;
    return (uint16_t)(chip->sram[offset] | chip->sram[offset + 1] << 8);
}

/* A loop that changes nothing waits for somebody else: it goes round until the time is up, which
 * need not be executed. Called at its head. */
static void skip_spinning(struct stm32_chip *chip, uc_engine *uc, uint32_t head)
{
    enum { SUSPICIOUS = 4 };
    struct stm32_spin *spin = &chip->core.spin;
    if (spin->head != head || spin->touched) {
        spin->head = head;
        spin->rounds = 0;
        spin->touched = spin->fed = false;
        return;
    }
    if (++spin->rounds < SUSPICIOUS)
        return;
    uint32_t now[STM32_XPSR + 1] = {0};
    void *to[STM32_XPSR + 1];
    for (size_t i = 0; i <= STM32_XPSR; i++)
        to[i] = &now[i];
    check(uc_reg_read_batch(uc, (int *)engine_registers, to, STM32_XPSR + 1), "registers");
    if (spin->rounds > SUSPICIOUS && memcmp(now, spin->registers, sizeof now) == 0 &&
        chip->core.ps < chip->core.limit_ps) {
        chip->core.ps = chip->core.limit_ps;
        if (spin->fed)
            chip->watchdog = (struct stm32_watchdog){.on = chip->watchdog.on,
                                                     .looked_ns = chip->core.limit_ps / 1000};
    }
    memcpy(spin->registers, now, sizeof now);
}

/* Before each instruction: the end, for now or for good, or the time it takes. */
static void on_instruction(uc_engine *engine, uint64_t address, uint32_t size, void *user)
{
    struct stm32_chip *chip = user;
    struct stm32_core *core = &chip->core;
    (void)size;
    const bool sequential = core->last_pc == NO_INSTRUCTION || address - core->last_pc <= 4;
    if (!sequential && address < core->last_pc)
        skip_spinning(chip, engine, (uint32_t)address);
    core->ended = core->faulted || core->ps >= core->limit_ps ||
                  address - STM32_SRAM_BASE >= chip->spec->sram;
    if (!core->ended && (opcode_at(chip, (uint32_t)address) & BKPT_MASK) == BKPT) {
        core->registers[STM32_PC] = (uint32_t)address;
        core->ended = true;
        if ((core->dhcsr & 1) != 0) /* C_DEBUGEN; else it is a fault */
            stm32_core_halt(chip, STM32_DFSR_BKPT);
        else
            core->faulted = true;
    }
    if (core->ended) {
        check(uc_emu_stop(engine), "stopping");
        return;
    }
    if (core->stepping)
        core->limit_ps = core->ps + 1;
    tick(chip);
    if (!sequential)
        tick(chip);
    core->last_pc = (uint32_t)address;
    chip->counts[STM32_COUNT_INSTRUCTIONS]++;
}

static void fault(struct stm32_chip *chip, uc_engine *engine, uint32_t address)
{
    chip->core.faulted = true;
    chip->core.bfar = address;
    (void)uc_emu_stop(engine);
}

/* A core that asks whether the flash is still at work will ask until it is not. */
static void skip_polling(struct stm32_chip *chip, uint32_t address)
{
    for (size_t i = 0; i < 2; i++) {
        const struct stm32_bank *bank = &chip->banks[i];
        if (address != STM32_FPEC_BASE + 0x0c + 0x40 * i || bank->op == STM32_OP_NONE)
            continue;
        if (chip->core.ps < bank->busy_until_ns * 1000)
            chip->core.ps = bank->busy_until_ns * 1000;
    }
}

static uint64_t on_read(struct stm32_chip *chip, uc_engine *engine, uint32_t address, unsigned size)
{
    uint32_t value = 0;
    chip->core.spin.touched = true;
    tick(chip);
    stm32_bus_wait(chip, address);
    if (!stm32_bus_read(chip, address, size, &value))
        fault(chip, engine, address);
    if (chip->now_ns * 1000 > chip->core.ps)
        chip->core.ps = chip->now_ns * 1000;
    skip_polling(chip, address);
    return value;
}

static void on_write(struct stm32_chip *chip, uc_engine *engine, uint32_t address, unsigned size,
                     uint32_t value)
{
    if (address == STM32_IWDG_KR && value == STM32_WATCHDOG_FEED)
        chip->core.spin.fed = true;
    else
        chip->core.spin.touched = true;
    tick(chip);
    stm32_bus_wait(chip, address);
    if (!stm32_bus_write(chip, address, size, value))
        fault(chip, engine, address);
    if (chip->now_ns * 1000 > chip->core.ps)
        chip->core.ps = chip->now_ns * 1000;
    set_clock(chip); /* that may have been what it wrote */
}

/* SRAM is the engine's own; its accesses only take their time. */
static void on_sram(uc_engine *engine, uc_mem_type type, uint64_t address, int size, int64_t value,
                    void *user)
{
    (void)engine;
    (void)address;
    (void)size;
    (void)value;
    struct stm32_chip *chip = user;
    chip->core.spin.touched |= type == UC_MEM_WRITE;
    tick(chip);
}

static bool on_invalid(uc_engine *engine, uc_mem_type type, uint64_t address, int size,
                       int64_t value, void *user)
{
    (void)type;
    (void)size;
    (void)value;
    fault(user, engine, (uint32_t)address);
    return false;
}

/* Unicorn hands out offsets within a region. */
static uint64_t read_region(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    const struct region *r = user;
    return on_read(r->chip, uc, (uint32_t)(r->base + offset), size);
}

static void write_region(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    const struct region *r = user;
    on_write(r->chip, uc, (uint32_t)(r->base + offset), size, (uint32_t)value);
}

/* --- The engine ----------------------------------------------------------------------------- */

static void map_all(struct stm32_chip *chip, struct engine *engine)
{
    const struct {
        uint32_t base;
        size_t size;
    } regions[REGION_COUNT] = {
        {0, chip->flash_size},      {STM32_FLASH_BASE, chip->flash_size},
        {0x1ffff000, PAGE},         {STM32_PERIPHERALS_BASE, STM32_PERIPHERALS_SIZE},
        {STM32_PPB_BASE, 0x100000},
    };
    for (size_t i = 0; i < REGION_COUNT; i++) {
        struct region *r = &engine->regions[i];
        *r = (struct region){chip, regions[i].base};
        check(uc_mmio_map(engine->uc, r->base, regions[i].size, read_region, r, write_region, r),
              "mapping registers");
    }
    const size_t whole_pages = (chip->spec->sram + PAGE - 1u) / PAGE * PAGE;
    check(uc_mem_map_ptr(engine->uc, STM32_SRAM_BASE, whole_pages, UC_PROT_ALL, chip->sram),
          "mapping SRAM");
}

static void hook(struct stm32_chip *chip, uc_engine *uc, int what, void *callback, uint64_t first,
                 uint64_t last)
{
    uc_hook handle;
    check(uc_hook_add(uc, &handle, what, callback, chip, first, last), "hooking");
}

static struct engine *engine_new(struct stm32_chip *chip)
{
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        abort();
    check(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &engine->uc), "starting Unicorn");
    check(uc_ctl_set_cpu_model(engine->uc, UC_CPU_ARM_CORTEX_M3), "choosing the core");
    map_all(chip, engine);
    /* Unicorn takes callbacks of all kinds as pointers to nothing. */
    hook(chip, engine->uc, UC_HOOK_CODE, (void *)on_instruction, 1, 0); /* everywhere */
    hook(chip, engine->uc, UC_HOOK_MEM_INVALID, (void *)on_invalid, 1, 0);
    hook(chip, engine->uc, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_sram, STM32_SRAM_BASE,
         STM32_SRAM_BASE + chip->spec->sram - 1);
    return engine;
}

void stm32_core_free(struct stm32_chip *chip)
{
    struct engine *engine = chip->core.engine;
    if (engine != NULL)
        (void)uc_close(engine->uc);
    free(engine);
    chip->core.engine = NULL;
}

static void put_registers(struct stm32_chip *chip, uc_engine *engine)
{
    for (size_t i = 0; i <= STM32_XPSR; i++)
        check(uc_reg_write(engine, engine_registers[i], &chip->core.registers[i]), "registers");
}

static void take_registers(struct stm32_chip *chip, uc_engine *engine)
{
    for (size_t i = 0; i <= STM32_XPSR; i++)
        check(uc_reg_read(engine, engine_registers[i], &chip->core.registers[i]), "registers");
    chip->core.registers[STM32_XPSR] |= 1u << 24;
    chip->core.registers[STM32_PC] &= ~1u;
    chip->core
        .registers[(chip->core.registers[STM32_SPECIAL] >> 25 & 1) != 0 ? STM32_PSP : STM32_MSP] =
        chip->core.registers[STM32_SP];
}

/* Nobody handles a fault here: a program in flash would, a blank chip locks up. */
static void take_fault(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    chip->counts[STM32_COUNT_CORE_FAULTS]++;
    stm32_trace(chip, "fault at %08x, address %08x", core->registers[STM32_PC], core->bfar);
    core->cfsr |= FAULT_PRECISE;
    core->hfsr |= HFSR_FORCED;
    core->registers[STM32_XPSR] = (core->registers[STM32_XPSR] & ~0x1ffu) | 3;
    const uint8_t *v = chip->flash + 12;
    core->registers[STM32_PC] =
        ((uint32_t)v[0] | (uint32_t)v[1] << 8 | (uint32_t)v[2] << 16 | (uint32_t)v[3] << 24) & ~1u;
    if ((core->demcr & 1u << 10) != 0) /* VC_HARDERR */
        stm32_core_halt(chip, STM32_DFSR_VCATCH);
    else if (core->registers[STM32_PC] == 0xfffffffe)
        core->state = STM32_CORE_LOCKED_UP;
}

static void run_slice(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    if (core->engine == NULL)
        core->engine = engine_new(chip);
    uc_engine *engine = ((struct engine *)core->engine)->uc;
    if (core->sram_changed)
        check(uc_ctl_remove_cache(engine, STM32_SRAM_BASE, STM32_SRAM_BASE + chip->spec->sram),
              "forgetting code");
    core->sram_changed = core->faulted = core->ended = false;
    core->last_pc = NO_INSTRUCTION;
    core->spin.touched = true;
    set_clock(chip);
    put_registers(chip, engine);
    const uc_err error = uc_emu_start(engine, core->registers[STM32_PC] | 1, 0xfffffffe, 0, 0);
    const uint32_t halted_at = core->registers[STM32_PC];
    take_registers(chip, engine);
    if (core->state == STM32_CORE_HALTED)
        core->registers[STM32_PC] = halted_at;
    if (core->faulted || (error != UC_ERR_OK && core->state == STM32_CORE_RUNNING))
        take_fault(chip);
}

void stm32_core_run(struct stm32_chip *chip)
{
    struct stm32_core *core = &chip->core;
    if (core->state != STM32_CORE_RUNNING || !stm32_core_in_sram(chip))
        return;
    const uint64_t until_ns = chip->now_ns;
    core->limit_ps = until_ns * 1000;
    if (core->ps < core->limit_ps)
        run_slice(chip);
    if (core->stepping && core->state == STM32_CORE_RUNNING) {
        core->stepping = false;
        stm32_core_halt(chip, STM32_DFSR_HALTED);
    }
    chip->now_ns = until_ns;
    stm32_flash_settle(chip);
}
