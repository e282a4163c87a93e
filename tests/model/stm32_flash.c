/* The flash controller and the option bytes: PM0075, "Flash memory operations", and PM0068 for the
 * second bank. */
#include <string.h>

#include "stm32_private.h"

enum {
    ACR = 0x00,
    KEYR = 0x04,
    OPTKEYR = 0x08,
    SR = 0x0c,
    CR = 0x10,
    AR = 0x14,
    OBR = 0x1c,
    WRPR = 0x20,
    SECOND_BANK = 0x40, /* KEYR2, SR2, CR2 and AR2 are so much higher */
    SR_BSY = 1,
    SR_PGERR = 4,
    SR_WRPRTERR = 0x10,
    SR_EOP = 0x20,
    CR_PG = 1,
    CR_PER = 2,
    CR_MER = 4,
    CR_OPTPG = 0x10,
    CR_OPTER = 0x20,
    CR_STRT = 0x40,
    CR_LOCK = 0x80,
    CR_OPTWRE = 0x200,
    CR_WRITABLE = 0x1677,
    OBR_OPTERR = 1,
    OBR_RDPRT = 2,
    RDP = 0, /* places in the option bytes */
    USER = 2,
    DATA0 = 4,
    DATA1 = 6,
    WRP0 = 8,
    RDP_OFF = 0xa5
};
#define KEY1 0x45670123u
#define KEY2 0xcdef89abu

/* Data sheet, "Memory characteristics": tprog 40, 52.5, 70 us; terase 20 to 40 ms; tME 20 to 40. */
#define HALF_WORD_NS (52500 * UINT64_C(1))
#define HALF_WORD_LONGEST_NS (70 * STM32_US)
#define ERASE_NS (30 * STM32_MS)
#define ERASE_LONGEST_NS (40 * STM32_MS)
#define STUCK_NS (2000 * STM32_MS)

static uint64_t half_word_ns(const struct stm32_chip *chip)
{
    return chip->options.longest ? HALF_WORD_LONGEST_NS : HALF_WORD_NS;
}

static uint64_t erase_ns(const struct stm32_chip *chip)
{
    if (chip->faults[STM32_FAULT_STUCK_BUSY])
        return STUCK_NS;
    return chip->options.longest ? ERASE_LONGEST_NS : ERASE_NS;
}

bool stm32_flash_protected(const struct stm32_chip *chip)
{
    return (chip->obr & OBR_RDPRT) != 0;
}

/* --- Operations ----------------------------------------------------------------------------- */

static void begin(struct stm32_chip *chip, struct stm32_bank *bank, enum stm32_op op,
                  uint32_t offset, uint16_t value, uint64_t ns)
{
    static const char *const names[] = {"",          "erase page", "erase all", "erase options",
                                        "half-word", "option"};
    bank->op = op;
    bank->op_offset = offset;
    bank->op_value = value;
    bank->busy_until_ns = chip->now_ns + ns;
    chip->flash_ns += ns;
    stm32_trace(chip, "%s %05x %04x", names[op], offset, value);
    if (++chip->operations == chip->options.power_lost_at) {
        chip->faults[STM32_FAULT_NO_POWER] = true;
        stm32_flash_reset(chip);
    }
}

static void apply_bad_cells(struct stm32_chip *chip)
{
    for (size_t i = 0; i < chip->bad_cell_count; i++) {
        uint8_t *cell = &chip->flash[chip->bad_cells[i].offset];
        *cell = (uint8_t)((*cell & ~chip->bad_cells[i].stuck) |
                          (chip->bad_cells[i].value & chip->bad_cells[i].stuck));
    }
}

static void erase(struct stm32_chip *chip, uint32_t offset, size_t size)
{
    if (!chip->faults[STM32_FAULT_NO_ERASE])
        memset(chip->flash + offset, 0xff, size);
}

/* What the operation was to do is done. */
static void finish(struct stm32_chip *chip, struct stm32_bank *bank)
{
    const uint32_t o = bank->op_offset;
    switch (bank->op) {
    case STM32_OP_NONE:
        return;
    case STM32_OP_PAGE:
        erase(chip, o, chip->spec->page);
        chip->counts[STM32_COUNT_PAGE_ERASES]++;
        break;
    case STM32_OP_MASS:
        erase(chip, bank->base, bank->size);
        chip->counts[STM32_COUNT_MASS_ERASES]++;
        break;
    case STM32_OP_OPTIONS:
        memset(chip->option_bytes, 0xff, sizeof chip->option_bytes);
        chip->counts[STM32_COUNT_OPTION_ERASES]++;
        break;
    case STM32_OP_HALF_WORD:
        if (!chip->faults[STM32_FAULT_NO_WRITE]) {
            chip->flash[o] = (uint8_t)bank->op_value;
            chip->flash[o + 1] = (uint8_t)(bank->op_value >> 8);
        }
        chip->counts[STM32_COUNT_HALF_WORDS]++;
        break;
    case STM32_OP_OPTION:
        chip->option_bytes[o] = (uint8_t)bank->op_value;
        chip->option_bytes[o + 1] = (uint8_t)~bank->op_value; /* made by the controller */
        chip->counts[STM32_COUNT_OPTION_WORDS]++;
        break;
    }
    apply_bad_cells(chip);
    bank->op = STM32_OP_NONE;
    bank->sr |= SR_EOP;
    bank->cr &= ~(uint32_t)CR_STRT;
}

void stm32_flash_settle(struct stm32_chip *chip)
{
    for (size_t i = 0; i < 2; i++)
        if (chip->banks[i].op != STM32_OP_NONE && chip->banks[i].busy_until_ns <= chip->now_ns)
            finish(chip, &chip->banks[i]);
}

/* Cells that were being worked on when a reset came are neither erased nor written. */
static void interrupt(struct stm32_chip *chip, struct stm32_bank *bank)
{
    if (bank->op == STM32_OP_NONE)
        return;
    chip->counts[STM32_COUNT_INTERRUPTED]++;
    stm32_trace(chip, "interrupted");
    if (bank->op == STM32_OP_PAGE)
        memset(chip->flash + bank->op_offset, 0x5a, chip->spec->page / 2u);
    else if (bank->op == STM32_OP_MASS)
        memset(chip->flash + bank->base, 0x5a, bank->size / 2);
    else if (bank->op == STM32_OP_OPTIONS)
        memset(chip->option_bytes, 0xff, sizeof chip->option_bytes);
    else if (bank->op == STM32_OP_HALF_WORD)
        chip->flash[bank->op_offset] &= (uint8_t)(bank->op_value | 0xaa);
    bank->op = STM32_OP_NONE;
}

/* --- Option bytes --------------------------------------------------------------------------- */

/* A byte whose complement does not fit counts as 0xff, with OPTERR; an erased pair without. */
static uint8_t option(const struct stm32_chip *chip, size_t at, bool *error)
{
    const uint8_t value = chip->option_bytes[at], complement = chip->option_bytes[at + 1];
    const bool erased = value == 0xff && complement == 0xff;
    if (!erased && (value ^ complement) != 0xff) {
        *error = true;
        return 0xff;
    }
    return value;
}

void stm32_options_load(struct stm32_chip *chip)
{
    bool error = false;
    const bool protected = option(chip, RDP, &error) != RDP_OFF;
    uint32_t obr = protected ? OBR_RDPRT : 0;
    obr |= (uint32_t)option(chip, USER, &error) << 2;
    obr |= (uint32_t)option(chip, DATA0, &error) << 10;
    obr |= (uint32_t)option(chip, DATA1, &error) << 18;
    chip->wrpr = 0;
    for (size_t i = 0; i < 4; i++)
        chip->wrpr |= (uint32_t)option(chip, WRP0 + 2 * i, &error) << 8 * i;
    chip->obr = obr | (error ? OBR_OPTERR : 0);
}

/* PM0075, "Write protection": a bit of WRPR that is 0 protects its pages; the last bit all that
 * are left. */
static bool write_protected(const struct stm32_chip *chip, uint32_t offset)
{
    uint32_t bit = offset / chip->spec->page / chip->spec->pages_per_wrp;
    if (bit > 31)
        bit = 31;
    return (chip->wrpr >> bit & 1) == 0;
}

/* Programming RDPRT's key into a protected chip erases its flash first: PM0075, "Unprotection". */
static void begin_option(struct stm32_chip *chip, struct stm32_bank *bank, uint32_t at,
                         uint16_t value)
{
    uint64_t ns = half_word_ns(chip);
    if (at == RDP && (value & 0xff) == RDP_OFF && stm32_flash_protected(chip)) {
        stm32_trace(chip, "unprotect");
        erase(chip, 0, chip->flash_size);
        chip->counts[STM32_COUNT_MASS_ERASES]++;
        ns += erase_ns(chip);
    }
    begin(chip, bank, STM32_OP_OPTION, at, value, ns);
}

/* --- Registers ------------------------------------------------------------------------------ */

static struct stm32_bank *bank_of(struct stm32_chip *chip, uint32_t offset)
{
    return &chip->banks[chip->spec->two_banks && offset >= STM32_BANK_SIZE];
}

static bool busy(const struct stm32_chip *chip, const struct stm32_bank *bank)
{
    return bank->op != STM32_OP_NONE && bank->busy_until_ns > chip->now_ns;
}

uint64_t stm32_flash_free_ns(const struct stm32_chip *chip, uint32_t offset)
{
    const struct stm32_bank *bank =
        &chip->banks[chip->spec->two_banks && offset >= STM32_BANK_SIZE];
    return busy(chip, bank) ? bank->busy_until_ns : chip->now_ns;
}

void stm32_flash_reset(struct stm32_chip *chip)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct stm32_bank *bank = &chip->banks[i];
        interrupt(chip, bank);
        const uint32_t first = chip->spec->two_banks ? STM32_BANK_SIZE : (uint32_t)chip->flash_size;
        *bank = (struct stm32_bank){.cr = CR_LOCK,
                                    .base = i * first,
                                    .size = i == 0 ? first : (uint32_t)chip->flash_size - first};
    }
    chip->option_keys = STM32_KEYS_NONE;
    stm32_options_load(chip);
}

/* KEY1, then KEY2; anything else is a bus error, and nothing opens before the next reset. */
static bool take_key(struct stm32_chip *chip, enum stm32_keys *keys, uint32_t value, bool *open)
{
    *open = false;
    if (*keys == STM32_KEYS_NONE && value == KEY1) {
        *keys = STM32_KEYS_FIRST;
        return true;
    }
    if (*keys == STM32_KEYS_FIRST && value == KEY2) {
        *keys = STM32_KEYS_NONE;
        *open = true;
        return true;
    }
    chip->counts[STM32_COUNT_WRONG_KEYS]++;
    *keys = STM32_KEYS_DEAD;
    return false;
}

static bool write_key(struct stm32_chip *chip, struct stm32_bank *bank, uint32_t value)
{
    if ((bank->cr & CR_LOCK) == 0)
        return true;
    bool open;
    const bool good = take_key(chip, &bank->keys, value, &open);
    if (open)
        bank->cr &= ~(uint32_t)CR_LOCK;
    return good;
}

static bool write_option_key(struct stm32_chip *chip, uint32_t value)
{
    struct stm32_bank *bank = &chip->banks[0];
    if ((bank->cr & CR_OPTWRE) != 0)
        return true;
    bool open;
    const bool good = take_key(chip, &chip->option_keys, value, &open);
    if (open && (bank->cr & CR_LOCK) == 0)
        bank->cr |= CR_OPTWRE;
    return good;
}

static void refuse(struct stm32_chip *chip, struct stm32_bank *bank, uint32_t flag)
{
    bank->sr |= flag;
    bank->cr &= ~(uint32_t)CR_STRT;
    chip->counts[flag == SR_PGERR ? STM32_COUNT_PGERR : STM32_COUNT_WRPRTERR]++;
    stm32_trace(chip, flag == SR_PGERR ? "PGERR" : "WRPRTERR");
}

static bool any_write_protected(const struct stm32_chip *chip, const struct stm32_bank *bank)
{
    for (uint32_t at = bank->base; at < bank->base + bank->size; at += chip->spec->page)
        if (write_protected(chip, at))
            return true;
    return false;
}

static void start(struct stm32_chip *chip, struct stm32_bank *bank)
{
    const uint32_t what = bank->cr & (CR_PG | CR_PER | CR_MER | CR_OPTPG | CR_OPTER);
    const uint32_t offset = bank->ar - STM32_FLASH_BASE;
    if (what == CR_PER && offset >= bank->base && offset - bank->base < bank->size) {
        if (stm32_flash_protected(chip) || write_protected(chip, offset))
            refuse(chip, bank, SR_WRPRTERR);
        else
            begin(chip, bank, STM32_OP_PAGE, offset / chip->spec->page * chip->spec->page, 0,
                  erase_ns(chip));
    } else if (what == CR_MER) {
        if (any_write_protected(chip, bank))
            refuse(chip, bank, SR_WRPRTERR);
        else
            begin(chip, bank, STM32_OP_MASS, bank->base, 0, erase_ns(chip));
    } else if (what == CR_OPTER && (bank->cr & CR_OPTWRE) != 0) {
        begin(chip, bank, STM32_OP_OPTIONS, 0, 0, erase_ns(chip));
    } else {
        chip->counts[STM32_COUNT_UNDEFINED]++;
        bank->cr &= ~(uint32_t)CR_STRT;
    }
}

static void write_cr(struct stm32_chip *chip, struct stm32_bank *bank, uint32_t value)
{
    if ((bank->cr & CR_LOCK) != 0) {
        chip->counts[STM32_COUNT_LOCKED_WRITES]++;
        return;
    }
    if (busy(chip, bank)) {
        chip->counts[STM32_COUNT_UNDEFINED]++;
        return;
    }
    /* OPTWRE can be cleared by writing, but only the keys set it. */
    const uint32_t optwre = bank->cr & value & CR_OPTWRE;
    bank->cr = (value & CR_WRITABLE & ~(uint32_t)CR_OPTWRE) | optwre | (value & CR_LOCK);
    if ((bank->cr & CR_STRT) != 0)
        start(chip, bank);
}

uint32_t stm32_flash_read_register(struct stm32_chip *chip, uint32_t offset)
{
    stm32_flash_settle(chip);
    const bool second = chip->spec->two_banks && offset >= SECOND_BANK;
    const struct stm32_bank *bank = &chip->banks[second];
    switch (second ? offset - SECOND_BANK : offset) {
    case ACR:
        return chip->peripherals[(STM32_FPEC_BASE - STM32_PERIPHERALS_BASE) / 4];
    case SR:
        return bank->sr | (busy(chip, bank) ? SR_BSY : 0);
    case CR:
        return bank->cr;
    case AR:
        return bank->ar;
    case OBR:
        return chip->obr;
    case WRPR:
        return chip->wrpr;
    default:
        return 0;
    }
}

bool stm32_flash_write_register(struct stm32_chip *chip, uint32_t offset, uint32_t value)
{
    stm32_flash_settle(chip);
    const bool second = chip->spec->two_banks && offset >= SECOND_BANK;
    struct stm32_bank *bank = &chip->banks[second];
    switch (second ? offset - SECOND_BANK : offset) {
    case ACR:
        chip->peripherals[(STM32_FPEC_BASE - STM32_PERIPHERALS_BASE) / 4] = (value & 0x1f) | 0x20;
        return true;
    case KEYR:
        return write_key(chip, bank, value);
    case OPTKEYR:
        return write_option_key(chip, value);
    case SR:
        bank->sr &= ~(value & (SR_PGERR | SR_WRPRTERR | SR_EOP));
        return true;
    case CR:
        write_cr(chip, bank, value);
        return true;
    case AR:
        if (!busy(chip, bank))
            bank->ar = value;
        return true;
    default:
        return true; /* read-only and reserved ones */
    }
}

/* --- Programming ---------------------------------------------------------------------------- */

bool stm32_flash_write(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t value)
{
    stm32_flash_settle(chip);
    struct stm32_bank *bank = bank_of(chip, offset);
    if ((bank->cr & CR_PG) == 0 || size != 2) {
        chip->counts[STM32_COUNT_UNDEFINED] += size == 2;
        return false;
    }
    const bool erased = chip->flash[offset] == 0xff && chip->flash[offset + 1] == 0xff;
    if (stm32_flash_protected(chip) || write_protected(chip, offset))
        refuse(chip, bank, SR_WRPRTERR);
    else if (!erased && (value & 0xffff) != 0)
        refuse(chip, bank, SR_PGERR);
    else
        begin(chip, bank, STM32_OP_HALF_WORD, offset, (uint16_t)value, half_word_ns(chip));
    return true;
}

bool stm32_options_write(struct stm32_chip *chip, uint32_t offset, unsigned size, uint32_t value)
{
    stm32_flash_settle(chip);
    struct stm32_bank *bank = &chip->banks[0];
    if ((bank->cr & CR_OPTPG) == 0 || (bank->cr & CR_OPTWRE) == 0 || size != 2)
        return false;
    const bool erased =
        chip->option_bytes[offset] == 0xff && chip->option_bytes[offset + 1] == 0xff;
    if (!erased && (value & 0xff) != 0)
        refuse(chip, bank, SR_PGERR);
    else
        begin_option(chip, bank, offset, (uint16_t)value);
    return true;
}
