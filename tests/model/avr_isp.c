/* The serial programming instructions of the chip model: "Serial Programming Instruction Set" and
 * "Memory Programming" of each chip's data sheet. Flash addresses travel as word addresses (AT89S:
 * byte addresses), everything here counts bytes. */
#include <assert.h>
#include <string.h>

#include "model/avr_private.h"

/* --- Which instruction ---------------------------------------------------------------------- */

/* AC xx: the second byte says what, with bits that some chips do not look at. */
static enum avr_op decode_ac(const struct avr_chip *chip, uint8_t second)
{
    const struct avr_chip_spec *spec = chip->spec;
    if (second == 0x53) {
        return AVR_OP_ENABLE;
    }
    if ((second & 0xe0) == 0x80) { /* 100x xxxx */
        return AVR_OP_ERASE;
    }
    if ((second & 0xe0) == 0xe0) { /* 111x xxxx */
        return AVR_OP_WRITE_LOCK;
    }
    if ((second == 0xa0 && spec->fuse_count > 0) || (second == 0xa8 && spec->fuse_count > 1) ||
        (second == 0xa4 && spec->fuse_count > 2)) {
        return AVR_OP_WRITE_FUSE;
    }
    return AVR_OP_UNKNOWN;
}

/* 50 00, 58 00, 50 08, 58 08: low fuse, lock, extended fuse, high fuse. */
static enum avr_op decode_fuse_read(const struct avr_chip *chip, uint8_t first, uint8_t second)
{
    const unsigned fuses = chip->spec->fuse_count;
    const bool eight = (second & 0x08) != 0;
    if (first == 0x58 && !eight) { /* AT90S1200 and AT90S8515 have no such instruction */
        return chip->spec->family == FAMILY_AVR ? AVR_OP_READ_LOCK : AVR_OP_UNKNOWN;
    }
    const unsigned needed = first == 0x58 ? 2 : eight ? 3 : 1;
    return fuses >= needed ? AVR_OP_READ_FUSE : AVR_OP_UNKNOWN;
}

static unsigned fuse_index(const uint8_t frame[FRAME_SIZE])
{
    if (frame[0] == 0xac) {
        return frame[1] == 0xa0 ? 0 : frame[1] == 0xa8 ? 1 : 2;
    }
    return frame[0] == 0x58 ? 1 : (frame[1] & 0x08) != 0 ? 2 : 0;
}

/* AT89S52 data sheet, "Serial Programming Instruction Set". Its page modes (30 and 50, followed by
 * 256 bytes) are not modelled. */
static enum avr_op decode_at89s(const struct avr_chip *chip)
{
    switch (chip->frame[0]) {
    case 0xac:
        return decode_ac(chip, chip->frame[1]);
    case 0x20:
        return AVR_OP_READ_FLASH;
    case 0x40:
        return AVR_OP_WRITE_FLASH_BYTE;
    case 0x24:
        return AVR_OP_READ_LOCK;
    case 0x28:
        return AVR_OP_READ_SIGNATURE;
    default:
        return AVR_OP_UNKNOWN;
    }
}

static enum avr_op decode(const struct avr_chip *chip)
{
    const struct avr_chip_spec *spec = chip->spec;
    if (spec->family == FAMILY_AT89S) {
        return decode_at89s(chip);
    }
    const bool pages = spec->flash_page > 0;
    switch (chip->frame[0]) {
    case 0xac:
        return decode_ac(chip, chip->frame[1]);
    case 0xf0:
        return spec->ready_poll ? AVR_OP_POLL : AVR_OP_UNKNOWN;
    case 0x4d:
        return spec->flash_size > 131072 ? AVR_OP_EXTENDED_ADDRESS : AVR_OP_UNKNOWN;
    case 0x40:
    case 0x48:
        return pages ? AVR_OP_LOAD_PAGE : AVR_OP_WRITE_FLASH_BYTE;
    case 0x4c:
        return pages ? AVR_OP_WRITE_PAGE : AVR_OP_UNKNOWN;
    case 0x20:
    case 0x28:
        return AVR_OP_READ_FLASH;
    case 0xa0:
        return AVR_OP_READ_EEPROM;
    case 0xc0:
        return AVR_OP_WRITE_EEPROM_BYTE;
    case 0xc1:
        return spec->eeprom_page > 0 ? AVR_OP_LOAD_EEPROM_PAGE : AVR_OP_UNKNOWN;
    case 0xc2:
        return spec->eeprom_page > 0 ? AVR_OP_WRITE_EEPROM_PAGE : AVR_OP_UNKNOWN;
    case 0x30:
        return AVR_OP_READ_SIGNATURE;
    case 0x38:
        return spec->calibration_count > 0 ? AVR_OP_READ_CALIBRATION : AVR_OP_UNKNOWN;
    case 0x50:
    case 0x58:
        return decode_fuse_read(chip, chip->frame[0], chip->frame[1]);
    default:
        return AVR_OP_UNKNOWN;
    }
}

/* --- Addresses ------------------------------------------------------------------------------ */

static uint32_t frame_address(const struct avr_chip *chip)
{
    return (uint32_t)(chip->frame[1] << 8 | chip->frame[2]);
}

/* The byte a flash instruction means, without the extended address. */
static uint32_t flash_address_low(const struct avr_chip *chip)
{
    if (chip->spec->family == FAMILY_AT89S) {
        return frame_address(chip);
    }
    const bool high_byte = (chip->frame[0] & 0x08) != 0 && chip->frame[0] != 0x4c;
    return 2 * frame_address(chip) + high_byte;
}

static uint32_t flash_address(const struct avr_chip *chip)
{
    const uint32_t extended =
        chip->spec->flash_size > 131072 ? (uint32_t)chip->extended_address << 17 : 0;
    return (extended | flash_address_low(chip)) % chip->spec->flash_size;
}

/* Instructions that address flash: is what they leave to chance worth a count? */
static void check_flash_address(struct avr_chip *chip)
{
    const uint32_t size = chip->spec->flash_size;
    if (size > 131072 && !chip->extended_known) {
        avr_undefined(chip, &chip->stats.undefined_extended_address, "extended address not set");
    } else if (flash_address_low(chip) >= size) {
        avr_undefined(chip, NULL, "address beyond flash");
    }
}

static uint32_t eeprom_address(const struct avr_chip *chip)
{
    return frame_address(chip) % chip->spec->eeprom_size;
}

/* --- Protection ----------------------------------------------------------------------------- */

/* "Lock Bit Protection Modes": mode 2 forbids further programming, mode 3 reading as well. AT89S52:
 * lock bit 1 is about code fetched from outside and programming, lock bit 2 forbids verify. */
static bool writing_locked(const struct avr_chip *chip)
{
    const uint8_t lock = chip->memory[AVR_LOCK][0];
    if (chip->spec->family == FAMILY_AT89S) {
        return lock != 0;
    }
    const struct avr_lock_bits *bits = chip->spec->lock;
    return (lock & (bits->lb1 | bits->lb2)) != (bits->lb1 | bits->lb2);
}

static bool reading_locked(const struct avr_chip *chip)
{
    const uint8_t lock = chip->memory[AVR_LOCK][0];
    if (chip->spec->family == FAMILY_AT89S) {
        return (lock & 0x08) != 0;
    }
    return (lock & (chip->spec->lock->lb1 | chip->spec->lock->lb2)) == 0;
}

static bool refuse_write(struct avr_chip *chip)
{
    if (!writing_locked(chip)) {
        return false;
    }
    chip->stats.protected_writes++;
    avr_remark(chip, "locked");
    return true;
}

static uint8_t locked_answer(struct avr_chip *chip, uint32_t address)
{
    chip->stats.protected_reads++;
    switch (chip->options.locked_read) {
    case AVR_LOCKED_READ_ADDRESS:
        return (uint8_t)(chip->spec->family == FAMILY_AVR ? address / 2 : address);
    case AVR_LOCKED_READ_FF:
        return 0xff;
    case AVR_LOCKED_READ_00:
        return 0x00;
    }
    return 0xff;
}

/* --- Self-timed operations ------------------------------------------------------------------ */

static void operation_start(struct avr_chip *chip, struct busy_time time)
{
    struct operation *op = &chip->operation;
    uint64_t us = time.typical_us;
    if (chip->options.busy == AVR_BUSY_LONGEST) {
        us = time.longest_us;
    } else if (chip->options.busy == AVR_BUSY_RANDOM) {
        us = time.longest_us / 4 + avr_random(chip) % (time.longest_us - time.longest_us / 4 + 1);
    }
    op->start_ns = chip->now_ns;
    op->end_ns = op->start_ns + us * AVR_US;
    chip->stats.busy_ns += us * AVR_US;
}

static void start_write(struct avr_chip *chip, enum avr_memory m, uint32_t address, uint32_t size,
                        const uint8_t *data, const bool *change, struct busy_time time)
{
    struct operation *op = &chip->operation;
    assert(size <= PAGE_MAX && address + size <= chip->size[m]);
    *op =
        (struct operation){.kind = OPERATION_WRITE, .memory = m, .address = address, .size = size};
    for (uint32_t i = 0; i < size; i++) {
        op->data[i] = data[i];
        op->change[i] = change == NULL || change[i];
    }
    operation_start(chip, time);
}

static void start_write_byte(struct avr_chip *chip, enum avr_memory m, uint32_t address,
                             uint8_t value, struct busy_time time)
{
    start_write(chip, m, address, 1, &value, NULL, time);
}

static bool eeprom_is_kept(const struct avr_chip *chip)
{
    /* "EESAVE takes effect once it is programmed": the cell counts, not what was latched. */
    const struct avr_special_fuses *special = chip->spec->special;
    return special != NULL &&
           avr_fuse_programmed(chip->spec, chip->memory[AVR_FUSES], special->eesave);
}

static void erase_memories(struct avr_chip *chip)
{
    memset(chip->memory[AVR_FLASH], 0xff, chip->size[AVR_FLASH]);
    if (chip->memory[AVR_EEPROM] != NULL && !eeprom_is_kept(chip)) {
        memset(chip->memory[AVR_EEPROM], 0xff, chip->size[AVR_EEPROM]);
    }
    chip->memory[AVR_LOCK][0] = chip->spec->family == FAMILY_AT89S ? 0x00 : 0xff;
}

void avr_operation_finish(struct avr_chip *chip)
{
    struct operation *op = &chip->operation;
    const bool erase = op->kind == OPERATION_ERASE;
    if (chip->fault[erase ? AVR_FAULT_NO_ERASE : AVR_FAULT_NO_WRITE]) {
        op->kind = OPERATION_NONE;
        return;
    }
    if (erase) {
        erase_memories(chip);
    } else {
        uint8_t *cells = chip->memory[op->memory] + op->address;
        /* Flash and lock cells only go from 1 to 0 (the AT89S52's write_lock() has seen to the
         * order of its modes); EEPROM and fuses are erased and written in one. */
        const bool only_clears = op->memory == AVR_FLASH ||
                                 (op->memory == AVR_LOCK && chip->spec->family != FAMILY_AT89S);
        for (uint32_t i = 0; i < op->size; i++) {
            if (op->change[i]) {
                cells[i] = only_clears ? cells[i] & op->data[i] : op->data[i];
            }
        }
    }
    op->kind = OPERATION_NONE;
}

/* Half done: each cell has some of its old bits and some of its new ones. After an interrupted
 * erase the lock bits are still set, since they go last. */
void avr_operation_interrupt(struct avr_chip *chip)
{
    struct operation *op = &chip->operation;
    chip->stats.interrupted++;
    avr_undefined(chip, NULL, "operation interrupted");
    if (op->kind == OPERATION_WRITE) {
        uint8_t *cells = chip->memory[op->memory] + op->address;
        for (uint32_t i = 0; i < op->size; i++) {
            const uint8_t done = (uint8_t)avr_random(chip);
            if (op->change[i]) {
                cells[i] = (uint8_t)((cells[i] & ~done) | (op->data[i] & done));
            }
        }
    } else if (op->kind == OPERATION_ERASE) {
        for (size_t i = 0; i < chip->size[AVR_FLASH]; i++) {
            chip->memory[AVR_FLASH][i] |= (uint8_t)avr_random(chip);
        }
    }
    op->kind = OPERATION_NONE;
}

/* --- Reading -------------------------------------------------------------------------------- */

static uint8_t cell(struct avr_chip *chip, enum avr_memory m, uint32_t address)
{
    uint8_t value = chip->memory[m][address];
    for (size_t i = 0; i < chip->bad_count; i++) {
        const struct bad_cell *bad = &chip->bad[i];
        if (bad->memory == m && bad->address == address) {
            value = (uint8_t)((value & ~bad->stuck) | (bad->value & bad->stuck));
            value ^= (uint8_t)avr_random(chip) & bad->unstable;
        }
    }
    return value;
}

/* "Data Polling": reading what is being written gives a fixed value until it is done (AT89S52: the
 * byte with its highest bit inverted). Only on chips without RDY/BSY polling. */
static bool is_value_poll(const struct avr_chip *chip, enum avr_memory m, uint32_t address)
{
    const struct operation *op = &chip->operation;
    return !chip->spec->ready_poll && op->kind == OPERATION_WRITE && op->memory == m &&
           address >= op->address && address < op->address + op->size;
}

static uint8_t value_poll(const struct avr_chip *chip)
{
    const struct operation *op = &chip->operation;
    if (chip->spec->family == FAMILY_AT89S) {
        return op->data[0] ^ 0x80;
    }
    if (op->memory == AVR_FLASH) {
        return chip->spec->flash_busy_value;
    }
    const bool second_half = chip->now_ns - op->start_ns >= (op->end_ns - op->start_ns) / 2;
    return chip->spec->eeprom_busy_value[second_half];
}

static uint8_t read_signature(struct avr_chip *chip)
{
    const bool at89s = chip->spec->family == FAMILY_AT89S;
    const unsigned index = at89s ? chip->frame[1] & 0x03 : chip->frame[2] & 0x03;
    /* AT90S8515 data sheet, "Signature Bytes": not readable in lock mode 3; the bytes are then 00,
     * 01, 02. */
    if (chip->spec->family != FAMILY_AVR && !at89s && reading_locked(chip)) {
        chip->stats.protected_reads++;
        return (uint8_t)index;
    }
    return index < 3 ? chip->memory[AVR_SIGNATURE][index] : 0xff;
}

static uint8_t read_fuse(struct avr_chip *chip)
{
    const unsigned i = fuse_index(chip->frame);
    const uint8_t mask = chip->spec->fuse_mask[i];
    const uint8_t unused = (uint8_t)(chip->options.unused_fuse_bits_read_0 ? 0 : ~mask);
    return (uint8_t)((chip->memory[AVR_FUSES][i] & mask) | unused);
}

static uint8_t read_memory(struct avr_chip *chip, enum avr_memory m, uint32_t address)
{
    if (is_value_poll(chip, m, address)) {
        return value_poll(chip);
    }
    return reading_locked(chip) ? locked_answer(chip, address) : cell(chip, m, address);
}

/* An instruction other than the poll that belongs to the operation under way. */
static bool violates_busy(const struct avr_chip *chip, enum avr_op op)
{
    if (chip->operation.kind == OPERATION_NONE || op == AVR_OP_POLL) {
        return false;
    }
    if (op == AVR_OP_READ_FLASH) {
        return !is_value_poll(chip, AVR_FLASH, flash_address(chip));
    }
    if (op == AVR_OP_READ_EEPROM) {
        return !is_value_poll(chip, AVR_EEPROM, eeprom_address(chip));
    }
    return true;
}

uint8_t avr_isp_answer(struct avr_chip *chip)
{
    const enum avr_op op = decode(chip);
    const uint8_t echo = chip->out;
    if (violates_busy(chip, op)) {
        return op == AVR_OP_READ_FLASH || op == AVR_OP_READ_EEPROM ? 0xff : echo;
    }
    switch (op) {
    case AVR_OP_ENABLE:
        return chip->spec->family == FAMILY_AT89S ? 0x69 : echo;
    case AVR_OP_POLL:
        return chip->operation.kind != OPERATION_NONE ? 0xff : 0xfe;
    case AVR_OP_READ_FLASH:
        return read_memory(chip, AVR_FLASH, flash_address(chip));
    case AVR_OP_READ_EEPROM:
        return read_memory(chip, AVR_EEPROM, eeprom_address(chip));
    case AVR_OP_READ_SIGNATURE:
        return read_signature(chip);
    case AVR_OP_READ_CALIBRATION:
        return chip->frame[2] < chip->spec->calibration_count
                   ? chip->memory[AVR_CALIBRATION][chip->frame[2]]
                   : 0xff;
    case AVR_OP_READ_FUSE:
        return read_fuse(chip);
    case AVR_OP_READ_LOCK:
        return chip->memory[AVR_LOCK][0];
    case AVR_OP_ERASE:
    case AVR_OP_EXTENDED_ADDRESS:
    case AVR_OP_LOAD_PAGE:
    case AVR_OP_WRITE_PAGE:
    case AVR_OP_WRITE_FLASH_BYTE:
    case AVR_OP_WRITE_EEPROM_BYTE:
    case AVR_OP_LOAD_EEPROM_PAGE:
    case AVR_OP_WRITE_EEPROM_PAGE:
    case AVR_OP_WRITE_FUSE:
    case AVR_OP_WRITE_LOCK:
    case AVR_OP_UNKNOWN:
    case AVR_OP_COUNT:
        break;
    }
    return echo;
}

/* --- Writing -------------------------------------------------------------------------------- */

/* "The low byte must be loaded before the high byte": the word enters the buffer with the high. */
static void load_page(struct avr_chip *chip)
{
    const uint32_t word = frame_address(chip) % (chip->spec->flash_page / 2u);
    if (chip->frame[0] == 0x40) {
        chip->low_latch = chip->frame[3];
        chip->low_word = word;
        chip->low_loaded = true;
        return;
    }
    if (!chip->low_loaded || chip->low_word != word) {
        avr_undefined(chip, &chip->stats.undefined_high_without_low, "high byte without its low");
    }
    if (chip->page_loaded[2 * word]) {
        avr_undefined(chip, &chip->stats.undefined_word_loaded_twice, "word loaded twice");
    }
    chip->page[2 * word] &= chip->low_latch;
    chip->page[2 * word + 1] &= chip->frame[3];
    chip->page_loaded[2 * word] = chip->page_loaded[2 * word + 1] = true;
    chip->low_loaded = false;
}

static void write_page(struct avr_chip *chip)
{
    check_flash_address(chip);
    if (!refuse_write(chip)) {
        const uint32_t size = chip->spec->flash_page;
        const uint32_t address = flash_address(chip) / size * size;
        start_write(chip, AVR_FLASH, address, size, chip->page, chip->page_loaded,
                    chip->spec->times->flash);
    }
    memset(chip->page, 0xff, sizeof chip->page);
    memset(chip->page_loaded, 0, sizeof chip->page_loaded);
    chip->low_loaded = false;
}

static void load_eeprom_page(struct avr_chip *chip)
{
    const unsigned offset = chip->frame[2] % chip->spec->eeprom_page;
    chip->eeprom_page[offset] = chip->frame[3];
    chip->eeprom_loaded[offset] = true;
}

static void write_eeprom_page(struct avr_chip *chip)
{
    if (!refuse_write(chip)) {
        const uint32_t size = chip->spec->eeprom_page;
        const uint32_t address = eeprom_address(chip) / size * size;
        start_write(chip, AVR_EEPROM, address, size, chip->eeprom_page, chip->eeprom_loaded,
                    chip->spec->times->eeprom);
    }
    memset(chip->eeprom_loaded, 0, sizeof chip->eeprom_loaded);
}

static void write_fuse(struct avr_chip *chip)
{
    if (refuse_write(chip)) {
        return;
    }
    const struct avr_chip_spec *spec = chip->spec;
    const unsigned i = fuse_index(chip->frame);
    const uint8_t mask = spec->fuse_mask[i];
    const uint8_t old = chip->memory[AVR_FUSES][i];
    uint8_t value = (uint8_t)((chip->frame[3] & mask) | (uint8_t)~mask);
    /* "The SPIEN Fuse is not accessible in serial programming mode." */
    if (spec->special->spien.byte == i && ((value ^ old) & spec->special->spien.mask) != 0) {
        chip->stats.spien_writes++;
        value ^= spec->special->spien.mask;
    }
    start_write_byte(chip, AVR_FUSES, i, value, spec->times->fuse);
}

/* The lock bits travel in the fourth byte; AT90S: AC 111x x(LB2)(LB1)x; AT89S52: AC 1110 00(B1)(B2)
 * names the mode, and "each of the lock bit modes must be activated sequentially". */
static void write_lock(struct avr_chip *chip)
{
    const struct avr_chip_spec *spec = chip->spec;
    const uint8_t lock = chip->memory[AVR_LOCK][0];
    uint8_t value = (uint8_t)(chip->frame[3] | (uint8_t)~spec->lock->mask);
    if (spec->family == FAMILY_AT90S || spec->family == FAMILY_AT90S1200) {
        value = (uint8_t)(chip->frame[1] | (uint8_t)~spec->lock->mask);
    } else if (spec->family == FAMILY_AT89S) {
        static const uint8_t by_mode[] = {0x00, 0x04, 0x0c, 0x1c};
        const unsigned wanted = chip->frame[1] & 0x03;
        if (wanted == 0 || lock != by_mode[wanted - 1]) {
            avr_undefined(chip, NULL, "lock modes out of order");
            return;
        }
        value = by_mode[wanted];
    }
    start_write_byte(chip, AVR_LOCK, 0, value, spec->times->fuse);
}

static void chip_erase(struct avr_chip *chip)
{
    chip->operation = (struct operation){.kind = OPERATION_ERASE};
    operation_start(chip, chip->spec->times->erase);
    const enum avr_family family = chip->spec->family;
    if (family == FAMILY_AT90S || family == FAMILY_AT90S1200) {
        /* "Wait tWD_ERASE after the instruction, give RESET a positive pulse, and start over." */
        chip->erased = true;
        chip->enabled = false;
        chip->stats.programming_ns += chip->now_ns - chip->enabled_ns;
    }
}

void avr_isp_execute(struct avr_chip *chip)
{
    const struct avr_times *times = chip->spec->times;
    const enum avr_op op = decode(chip);
    if (violates_busy(chip, op)) {
        chip->stats.busy_violations++;
        avr_trace_instruction(chip, "ignored, busy");
        return;
    }
    chip->stats.instructions[op]++;
    switch (op) {
    case AVR_OP_ERASE:
        chip_erase(chip);
        break;
    case AVR_OP_EXTENDED_ADDRESS: /* bit 16 of the word address is all there is */
        chip->extended_address = chip->frame[2] & 0x01;
        chip->extended_known = true;
        break;
    case AVR_OP_LOAD_PAGE:
        load_page(chip);
        break;
    case AVR_OP_WRITE_PAGE:
        write_page(chip);
        break;
    case AVR_OP_WRITE_FLASH_BYTE:
        check_flash_address(chip);
        if (!refuse_write(chip)) {
            start_write_byte(chip, AVR_FLASH, flash_address(chip), chip->frame[3], times->flash);
        }
        break;
    case AVR_OP_WRITE_EEPROM_BYTE:
        if (!refuse_write(chip)) {
            start_write_byte(chip, AVR_EEPROM, eeprom_address(chip), chip->frame[3], times->eeprom);
        }
        break;
    case AVR_OP_LOAD_EEPROM_PAGE:
        load_eeprom_page(chip);
        break;
    case AVR_OP_WRITE_EEPROM_PAGE:
        write_eeprom_page(chip);
        break;
    case AVR_OP_WRITE_FUSE:
        write_fuse(chip);
        break;
    case AVR_OP_WRITE_LOCK:
        write_lock(chip);
        break;
    case AVR_OP_READ_FLASH:
        check_flash_address(chip);
        break;
    case AVR_OP_UNKNOWN:
        avr_undefined(chip, NULL, "no instruction of this chip");
        break;
    case AVR_OP_ENABLE:
    case AVR_OP_POLL:
    case AVR_OP_READ_EEPROM:
    case AVR_OP_READ_SIGNATURE:
    case AVR_OP_READ_CALIBRATION:
    case AVR_OP_READ_FUSE:
    case AVR_OP_READ_LOCK:
    case AVR_OP_COUNT:
        break;
    }
    avr_trace_instruction(chip, avr_op_name(op));
}
