/* The memory map: RM0008, "Memory and bus architecture". */
#include "stm32_private.h"

#define SYSTEM_MEMORY_BASE UINT32_C(0x1ffff000)
#define ROM_TABLE_BASE UINT32_C(0xe00ff000)
#define DBGMCU_IDCODE UINT32_C(0xe0042000)
#define DBGMCU_CR UINT32_C(0xe0042004)

enum { ALIAS_END = 0x08000000, RCC_CR = 0x00, RCC_CFGR = 0x04, FPEC_SIZE = 0x400 };

static bool within(uint32_t address, uint32_t base, size_t size)
{
    return address >= base && address - base < size;
}

/* With BOOT0 low, flash shows at 0 too. True: `address` is in flash, at *offset. */
static bool in_flash(const struct stm32_chip *chip, uint32_t address, uint32_t *offset)
{
    *offset = address < ALIAS_END ? address : address - STM32_FLASH_BASE;
    return *offset < chip->flash_size;
}

static bool in_options(uint32_t address)
{
    return within(address, STM32_OPTIONS_BASE, STM32_OPTIONS_SIZE);
}

static uint32_t little_endian(const uint8_t *bytes, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

/* The part of a register's word that an access sees. */
static uint32_t part_of(uint32_t word, uint32_t address, unsigned size)
{
    const uint32_t shifted = word >> 8 * (address & 3);
    return size == 4 ? shifted : shifted & ((1u << 8 * size) - 1);
}

/* --- Clocks --------------------------------------------------------------------------------- */

/* What a register that only stores shows besides: an oscillator that is on is ready, except for a
 * crystal, which is not fitted; the clock that was chosen is the one in use. */
static uint32_t rcc_view(uint32_t offset, uint32_t stored)
{
    enum { HSION = 1, HSIRDY = 2, PLLON = 1 << 24, PLLRDY = 1 << 25 };
    if (offset == RCC_CR) {
        const uint32_t on = stored | HSION; /* it cannot be switched off while in use */
        return on | HSIRDY | ((stored & PLLON) != 0 ? PLLRDY : 0);
    }
    if (offset == RCC_CFGR) {
        const uint32_t sw = stored & 3;
        return (stored & ~UINT32_C(0xc)) | (sw == 2 ? sw << 2 : 0);
    }
    return stored;
}

/* 8 MHz from inside the chip, or what the PLL makes of half of them. */
uint32_t stm32_core_clock_hz(const struct stm32_chip *chip)
{
    const size_t rcc = (STM32_RCC_BASE - STM32_PERIPHERALS_BASE) / 4;
    const uint32_t cr = chip->peripherals[rcc], cfgr = chip->peripherals[rcc + 1];
    if ((cfgr & 3) != 2 || (cr & 1u << 24) == 0)
        return 8000000;
    const uint32_t factor = (cfgr >> 18 & 15) + 2;
    return 4000000u * (factor > 16 ? 16 : factor);
}

/* --- Reading -------------------------------------------------------------------------------- */

static uint8_t flash_byte(const struct stm32_chip *chip, uint32_t offset)
{
    uint8_t byte = chip->flash[offset];
    for (size_t i = 0; i < chip->bad_cell_count; i++)
        if (chip->bad_cells[i].offset == offset)
            byte = (uint8_t)((byte & ~chip->bad_cells[i].stuck) |
                             (chip->bad_cells[i].value & chip->bad_cells[i].stuck));
    return byte;
}

/* PM0075, "Read protection": neither the debug port nor a program in SRAM may read. */
static bool read_flash(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t *value)
{
    if (stm32_flash_protected(chip)) {
        chip->counts[STM32_COUNT_PROTECTED_READS]++;
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < size; i++)
        *value |= (uint32_t)flash_byte(chip, offset + i) << 8 * i;
    return true;
}

/* The boot loader's ROM is not modelled but for the registers at its end: RM0008, "Device
 * electronic signature". */
static uint32_t system_memory_byte(const struct stm32_chip *chip, uint32_t address)
{
    static const uint8_t unique_id[] = {0x34, 0xff, 0x6b, 0x06, 0x4e, 0x4d,
                                        0x38, 0x31, 0x16, 0x24, 0x17, 0x43};
    const uint32_t at = address - STM32_SIZE_REGISTER;
    if (at < 2)
        return chip->size_register >> 8 * at & 0xff;
    if (at >= 8 && at < 8 + sizeof unique_id)
        return unique_id[at - 8];
    return 0xff;
}

static bool read_peripheral(struct stm32_chip *chip, uint32_t address, unsigned size,
                            uint32_t *value)
{
    const uint32_t word = address & ~UINT32_C(3);
    uint32_t stored;
    if (within(word, STM32_FPEC_BASE, FPEC_SIZE))
        stored = stm32_flash_read_register(chip, word - STM32_FPEC_BASE);
    else if (within(word, STM32_RCC_BASE, FPEC_SIZE))
        stored =
            rcc_view(word - STM32_RCC_BASE, chip->peripherals[(word - STM32_PERIPHERALS_BASE) / 4]);
    else
        stored = chip->peripherals[(word - STM32_PERIPHERALS_BASE) / 4];
    *value = part_of(stored, address, size);
    return true;
}

/* The debug components' table: DDI0403, "ROM table"; entries for SCS, DWT and FPB. */
static uint32_t rom_table(uint32_t offset)
{
    static const uint32_t entries[] = {0xfff0f003, 0xfff02003, 0xfff03003, 0};
    static const uint32_t ids[] = {0x00, 0, 0, 0, 0x10, 0x04, 0x0a, 0, 0x0d, 0x10, 0x05, 0xb1};
    if (offset < sizeof entries)
        return entries[offset / 4];
    return offset >= 0xfd0 ? ids[(offset - 0xfd0) / 4] : 0;
}

static bool read_private(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t *value)
{
    const uint32_t word = address & ~UINT32_C(3);
    uint32_t stored = 0;
    if (word == DBGMCU_IDCODE)
        stored = chip->idcode;
    else if (word == DBGMCU_CR)
        stored = chip->dbgmcu_cr;
    else if (within(word, ROM_TABLE_BASE, 0x1000))
        stored = rom_table(word - ROM_TABLE_BASE);
    else if (!within(word, STM32_PPB_BASE, STM32_PPB_SIZE))
        stored = 0;
    else if (!stm32_debug_read(chip, word, &stored))
        stored = chip->ppb[(word - STM32_PPB_BASE) / 4];
    *value = part_of(stored, address, size);
    return true;
}

static bool read_bus(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t *value)
{
    uint32_t offset;
    if (in_flash(chip, address, &offset))
        return read_flash(chip, offset, size, value);
    if (in_options(address)) {
        *value = little_endian(&chip->option_bytes[address - STM32_OPTIONS_BASE], size);
        return true;
    }
    if (within(address, SYSTEM_MEMORY_BASE, 0x800)) {
        *value = 0;
        for (unsigned i = 0; i < size; i++)
            *value |= system_memory_byte(chip, address + i) << 8 * i;
        return true;
    }
    if (within(address, STM32_SRAM_BASE, chip->spec->sram)) {
        *value = little_endian(&chip->sram[address - STM32_SRAM_BASE], size);
        return true;
    }
    if (within(address, STM32_PERIPHERALS_BASE, STM32_PERIPHERALS_SIZE))
        return read_peripheral(chip, address, size, value);
    if (within(address, STM32_PPB_BASE, 0x100000))
        return read_private(chip, address, size, value);
    return false;
}

/* Sleeping, the bus has no clock unless DBGMCU_CR keeps it: RM0008, "Debug support for low-power
 * modes". The core's own registers are reached all the same. */
static bool asleep(const struct stm32_chip *chip, uint32_t address)
{
    return chip->options.firmware == STM32_FIRMWARE_SLEEPS && address < STM32_PPB_BASE &&
           chip->core.state == STM32_CORE_RUNNING && !stm32_core_in_sram(chip) &&
           chip->now_ns - chip->started_ns >= chip->options.firmware_after_us * STM32_US &&
           (chip->dbgmcu_cr & 7) == 0;
}

static bool refuse(struct stm32_chip *chip, uint32_t address)
{
    chip->counts[STM32_COUNT_BUS_ERRORS]++;
    stm32_trace(chip, "bus error at %08x", address);
    return false;
}

static bool reachable(const struct stm32_chip *chip, uint32_t address, unsigned size)
{
    const bool in_reset = chip->core.state == STM32_CORE_RESET && address < STM32_PPB_BASE;
    return address % size == 0 && !in_reset && !asleep(chip, address);
}

bool stm32_bus_read(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t *value)
{
    if (!reachable(chip, address, size) || !read_bus(chip, address, size, value))
        return refuse(chip, address);
    return true;
}

/* --- Writing -------------------------------------------------------------------------------- */

static void write_sram(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t value)
{
    if (chip->faults[STM32_FAULT_NO_SRAM])
        return;
    for (unsigned i = 0; i < size; i++)
        chip->sram[offset + i] = (uint8_t)(value >> 8 * i);
    chip->core.sram_changed = true;
}

/* Registers behind the peripheral bus get a word whatever is written. */
static bool write_peripheral(struct stm32_chip *chip, uint32_t address, unsigned size,
                             uint32_t value)
{
    if (within(address, STM32_FPEC_BASE, FPEC_SIZE)) {
        if (size != 4) { /* PM0075: words only */
            chip->counts[STM32_COUNT_UNDEFINED]++;
            return false;
        }
        return stm32_flash_write_register(chip, address - STM32_FPEC_BASE, value);
    }
    if (address == STM32_IWDG_KR)
        stm32_watchdog_key(chip, value & 0xffff);
    chip->peripherals[(address - STM32_PERIPHERALS_BASE) / 4] = value;
    return true;
}

static bool write_private(struct stm32_chip *chip, uint32_t address, uint32_t value)
{
    if (address == DBGMCU_CR)
        chip->dbgmcu_cr = value;
    else if (within(address, STM32_PPB_BASE, STM32_PPB_SIZE) &&
             !stm32_debug_write(chip, address, value))
        chip->ppb[(address - STM32_PPB_BASE) / 4] = value;
    return true;
}

static bool write_bus(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t value)
{
    uint32_t offset;
    if (in_flash(chip, address, &offset))
        return stm32_flash_write(chip, offset, size, value);
    if (in_options(address))
        return stm32_options_write(chip, address - STM32_OPTIONS_BASE, size, value);
    if (within(address, STM32_SRAM_BASE, chip->spec->sram)) {
        write_sram(chip, address - STM32_SRAM_BASE, size, value);
        return true;
    }
    if (within(address, STM32_PERIPHERALS_BASE, STM32_PERIPHERALS_SIZE))
        return write_peripheral(chip, address, size, value);
    if (within(address, STM32_PPB_BASE, 0x100000))
        return write_private(chip, address, value);
    return false;
}

bool stm32_bus_write(struct stm32_chip *chip, uint32_t address, unsigned size, uint32_t value)
{
    if (!reachable(chip, address, size) || !write_bus(chip, address, size, value))
        return refuse(chip, address);
    return true;
}

/* An access to a bank that is at work waits for it; option bytes are in the first bank. */
void stm32_bus_wait(struct stm32_chip *chip, uint32_t address)
{
    uint32_t offset;
    if (!in_flash(chip, address, &offset)) {
        if (!in_options(address) && !within(address, SYSTEM_MEMORY_BASE, 0x800))
            return;
        offset = 0;
    }
    chip->now_ns = stm32_flash_free_ns(chip, offset);
    stm32_flash_settle(chip);
}
