/* What a chip is made of, and what it does by itself: cells, lock bits, self-timed operations,
 * RESET. Rules are quoted beside the code that follows them; "data sheet" without a name is the
 * ATmega328P's, "Memory Programming", which the others share unless said. */
#include "simulator_chip_private.h"

#include <stdlib.h>
#include <string.h>

enum { WRITE_DEFAULT_US = 4500 }; /* where the part does not say */

/* --- making and looking ---------------------------------------------------------------------- */

/* Unimplemented bits of fuse and lock bytes read as 1. */
uint8_t chip_unused_bits(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK ? (uint8_t)~m->mask : 0;
}

/* Lock bits as Chip Erase leaves them. A lock bit is programmed as 0, but as 1 in an AT89S52 (data
 * sheet, "Program Memory Lock Bits", and Read Lock Bits). */
static uint8_t chip_open_lock(const struct chip *chip, const struct memory *lock)
{
    return chip->part->reset_active_high ? (uint8_t)~lock->mask : 0xff;
}

/* A fuse byte whose factory value nobody noted: unprogrammed, but open to serial programming, as
 * every chip is delivered. */
static uint8_t chip_likely_fuses(const struct chip *chip, const struct memory *m)
{
    uint8_t value = 0xff;
    for (size_t i = 0; i < chip->part->hazard_count; i++) {
        const struct hazard *hazard = &chip->part->hazards[i];
        if (hazard->memory == m && hazard->kind == HAZARD_SPI_DISABLE)
            value &= (uint8_t)~hazard->mask;
    }
    return value;
}

static void chip_fill_factory(struct chip *chip, size_t index)
{
    const struct memory *m = &chip->part->memories[index];
    uint8_t *bytes = chip->bytes[index];
    memset(bytes, 0xff, m->size);
    if (m->kind == MEMORY_FUSE)
        bytes[0] =
            (m->initial_known ? m->initial : chip_likely_fuses(chip, m)) | chip_unused_bits(m);
    if (m->kind == MEMORY_LOCK)
        bytes[0] = chip_open_lock(chip, m);
    if (m->kind == MEMORY_SIGNATURE)
        memcpy(bytes, chip->part->signature, m->size < 3 ? m->size : 3);
    for (uint32_t i = 0; m->kind == MEMORY_CALIBRATION && i < m->size; i++)
        bytes[i] = (uint8_t)(0xa0 + i); /* any value: each chip has its own */
}

static bool chip_allocate(struct chip *chip)
{
    const struct part *part = chip->part;
    chip->bytes = calloc(part->memory_count, sizeof *chip->bytes);
    if (chip->bytes == NULL)
        return false;
    for (size_t i = 0; i < part->memory_count; i++) {
        chip->bytes[i] = malloc(part->memories[i].size > 0 ? part->memories[i].size : 1);
        if (chip->bytes[i] == NULL)
            return false;
        chip_fill_factory(chip, i);
    }
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    const struct memory *eeprom = part_memory(part, MEMORY_EEPROM);
    chip->flash_buffer = calloc(1, flash != NULL ? flash->page_size + 1 : 1);
    chip->eeprom_buffer = calloc(1, eeprom != NULL ? eeprom->page_size + 1 : 1);
    chip->eeprom_loaded = calloc(eeprom != NULL ? eeprom->page_size + 1 : 1, sizeof(bool));
    return chip->flash_buffer != NULL && chip->eeprom_buffer != NULL && chip->eeprom_loaded != NULL;
}

struct chip *chip_new(const struct part *part, const struct chip_options *options)
{
    struct chip *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return NULL;
    chip->part = part;
    chip->options = *options;
    chip->random = 1;
    if (!chip_allocate(chip)) {
        chip_free(chip);
        return NULL;
    }
    chip->clock_hz = chip_clock_of(part, chip->bytes, &chip->options);
    return chip;
}

void chip_free(struct chip *chip)
{
    if (chip == NULL)
        return;
    for (size_t i = 0; chip->bytes != NULL && i < chip->part->memory_count; i++)
        free(chip->bytes[i]);
    free(chip->bytes);
    free(chip->flash_buffer);
    free(chip->eeprom_buffer);
    free(chip->eeprom_loaded);
    free(chip);
}

const struct part *chip_part(const struct chip *chip)
{
    return chip->part;
}

const struct chip_counts *chip_counts(const struct chip *chip)
{
    return &chip->counts;
}

uint8_t *chip_bytes(struct chip *chip, size_t index)
{
    return chip->bytes[index];
}

uint32_t chip_clock_hz(const struct chip *chip)
{
    return chip->clock_hz;
}

/* SCK low and high, "Serial Programming Algorithm": more than 2 CPU clocks each, more than 3 from
 * 12 MHz on. AT90S1200 data sheet: low more than 1, high more than 4. AT89S52 data sheet, "Serial
 * Programming Algorithm": not above 1/16 of the crystal. SCK here has equal halves. */
uint32_t chip_sck_limit_hz(const struct chip *chip)
{
    if (chip->part->reset_active_high)
        return chip->clock_hz / 16 + 1;
    if (chip->part->enable_reply_value == 0)
        return chip->clock_hz / 8;
    return chip->clock_hz / (chip->clock_hz < 12000000 ? 4 : 6);
}

void chip_wear_out(struct chip *chip, bool erases, bool writes)
{
    chip->no_erase = erases;
    chip->no_write = writes;
}

const struct memory *chip_memory(const struct chip *chip, size_t index)
{
    return &chip->part->memories[index];
}

/* --- lock bits -------------------------------------------------------------------------------- */

/* "Lock Bit Protection Modes": LB1 programmed (0) forbids writing, LB1 and LB2 also reading. LB2
 * alone is not listed; it counts as LB1. AT89S52 data sheet, "Program Memory Lock Bits": LB1 (bit 2
 * of Read Lock, 1 = programmed) forbids writing, LB2 (bit 3) and LB3 also reading. */
enum lock_mode chip_lock_mode(const struct chip *chip)
{
    const struct memory *lock = part_memory(chip->part, MEMORY_LOCK);
    if (lock == NULL)
        return LOCK_NONE;
    const uint8_t byte = chip->bytes[lock - chip->part->memories][0];
    if (chip->part->reset_active_high && (byte & 0x1c) == 0)
        return LOCK_NONE;
    if (chip->part->reset_active_high)
        return (byte & 0x18) != 0 ? LOCK_WRITE_AND_READ : LOCK_WRITE;
    const uint8_t lb1 = lock->mask & (uint8_t)-lock->mask;
    const uint8_t above = lock->mask & (uint8_t)~lb1;
    const uint8_t lb2 = above & (uint8_t)-above;
    if ((byte & lb1) != 0 && (byte & lb2) != 0)
        return LOCK_NONE;
    return (byte & (lb1 | lb2)) == 0 ? LOCK_WRITE_AND_READ : LOCK_WRITE;
}

/* --- cells ------------------------------------------------------------------------------------ */

static const struct chip_cell *chip_cell_at(const struct chip *chip, size_t index, uint32_t address)
{
    for (size_t i = 0; i < chip->options.cell_count; i++) {
        const struct chip_cell *cell = &chip->options.cells[i];
        if (cell->memory == chip_memory(chip, index)->kind && cell->address == address)
            return cell;
    }
    return NULL;
}

uint8_t chip_load(struct chip *chip, size_t index, uint32_t address)
{
    const struct chip_cell *cell = chip_cell_at(chip, index, address);
    uint8_t value = chip->bytes[index][address];
    if (cell != NULL && cell->defect == CHIP_CELL_WEAK) {
        value = (uint8_t)((value & 0xfe) | (chip->weak ? 1 : 0));
        chip->weak = !chip->weak;
    }
    return value;
}

static void chip_store(struct chip *chip, size_t index, uint32_t address, uint8_t value)
{
    const struct chip_cell *cell = chip_cell_at(chip, index, address);
    if (cell == NULL || cell->defect != CHIP_CELL_STUCK)
        chip->bytes[index][address] = value;
}

/* --- self-timed operations -------------------------------------------------------------------- */

static void chip_clear_flash_buffer(struct chip *chip)
{
    const struct memory *flash = part_memory(chip->part, MEMORY_FLASH);
    if (flash != NULL)
        memset(chip->flash_buffer, 0xff, flash->page_size);
}

static void chip_clear_eeprom_buffer(struct chip *chip)
{
    const struct memory *eeprom = part_memory(chip->part, MEMORY_EEPROM);
    for (uint32_t i = 0; eeprom != NULL && i < eeprom->page_size; i++)
        chip->eeprom_loaded[i] = false;
}

/* "The Chip Erase operation ... erases the Flash and EEPROM memories plus Lock bits. ... The EEPROM
 * is preserved if the EESAVE Fuse is programmed": as it stands now, not as it was at the last
 * reset. Fuse bits stay. */
static void chip_finish_erase(struct chip *chip)
{
    uint8_t fuses[256] = {0};
    for (size_t i = 0; i < chip->part->memory_count && i < sizeof fuses; i++)
        fuses[i] = chip->bytes[i][0];
    bool known = false;
    const bool keep = part_eeprom_survives(chip->part, fuses, &known) && known;
    for (size_t i = 0; i < chip->part->memory_count; i++) {
        const struct memory *m = chip_memory(chip, i);
        if (m->kind == MEMORY_LOCK)
            chip->bytes[i][0] = chip_open_lock(chip, m);
        if (m->kind == MEMORY_FLASH || (m->kind == MEMORY_EEPROM && !keep)) {
            for (uint32_t at = 0; at < m->size; at++)
                chip_store(chip, i, at, 0xff);
        }
    }
}

/* Write Program Memory Page: cells go from 1 to 0 only, and the buffer is empty afterwards. Write
 * EEPROM Page: the bytes loaded, each erased and written; the others stay. */
static void chip_finish_commit(struct chip *chip)
{
    const struct memory *m = chip_memory(chip, chip->memory);
    for (uint32_t i = 0; i < m->page_size; i++) {
        const uint32_t at = chip->address + i;
        if (m->kind == MEMORY_FLASH)
            chip_store(chip, chip->memory, at,
                       chip->bytes[chip->memory][at] & chip->flash_buffer[i]);
        else if (chip->eeprom_loaded[i])
            chip_store(chip, chip->memory, at, chip->eeprom_buffer[i]);
    }
}

static void chip_finish(struct chip *chip)
{
    switch (chip->running) {
    case OPERATION_NONE:
        break;
    case OPERATION_ERASE_CHIP:
        if (!chip->no_erase)
            chip_finish_erase(chip);
        break;
    case OPERATION_STORE:
        if (!chip->no_write)
            chip_store(chip, chip->memory, chip->address, chip->value);
        break;
    case OPERATION_COMMIT:
        if (!chip->no_write)
            chip_finish_commit(chip);
        if (chip_memory(chip, chip->memory)->kind == MEMORY_FLASH)
            chip_clear_flash_buffer(chip);
        else
            chip_clear_eeprom_buffer(chip);
        break;
    }
    chip->running = OPERATION_NONE;
}

bool chip_busy(struct chip *chip, uint64_t now_ns)
{
    if (chip->running != OPERATION_NONE && now_ns >= chip->end_ns)
        chip_finish(chip);
    return chip->running != OPERATION_NONE;
}

void chip_begin(struct chip *chip, enum operation operation, uint32_t us, uint64_t now_ns)
{
    chip->running = operation;
    chip->begin_ns = now_ns;
    chip->end_ns = now_ns + (uint64_t)(us > 0 ? us : WRITE_DEFAULT_US) * 1000;
}

void chip_begin_write(struct chip *chip, enum operation operation, size_t index, uint32_t address,
                      uint8_t value, uint64_t now_ns)
{
    const struct memory *m = chip_memory(chip, index);
    chip->memory = index;
    chip->address = address;
    chip->value = value;
    chip_begin(chip, operation, m->write_min_us > 0 ? m->write_min_us : m->write_us, now_ns);
}

void chip_reset(struct chip *chip, bool active, uint64_t now_ns)
{
    if (chip_busy(chip, now_ns)) {
        chip->counts.interrupted++;
        chip->running = OPERATION_NONE;
    }
    /* New fuses take effect when programming mode is left. */
    if (active != chip->reset)
        chip->clock_hz = chip_clock_of(chip->part, chip->bytes, &chip->options);
    if (active && !chip->reset)
        chip->reset_ns = now_ns;
    chip->reset = active;
    chip->enabled = false;
    chip->deaf = false;
    chip->extended = 0;
    chip_clear_flash_buffer(chip);
    chip_clear_eeprom_buffer(chip);
}
