/* The serial programming instructions, as the chip hears them. Sources as in simulator_chip.c.
 *
 * Where a data sheet leaves open what happens, the chip here does what a careless programmer
 * notices: it ignores the instruction and counts it. */
#include "simulator_chip_private.h"

#include <string.h>

#define MS UINT64_C(1000000)

enum { ENABLE_DELAY_MS = 20 }; /* "Wait for at least 20 ms", Serial Programming Algorithm, step 2 */

/* One instruction on its way through. */
struct shift {
    const uint8_t *mosi;
    uint8_t *miso;
    uint64_t begin_ns, now_ns; /* its first and its last bit */
};

/* True if bytes 0 and 1 are those of the command; where an address or data stand in byte 1, and in
 * bytes 2 and 3, anything will do. */
static bool chip_matches(const struct isp_command *command, bool addressed, const uint8_t *mosi)
{
    if (!command->present || mosi[0] != command->bytes[0])
        return false;
    uint8_t fixed = addressed ? 0 : 0xff;
    for (uint8_t i = 0; i < command->map_count; i++) {
        const struct bit_map *map = &command->maps[i];
        const int mask = map->shift >= 0 ? map->mask << map->shift : map->mask >> -map->shift;
        if (map->byte == 1)
            fixed &= (uint8_t)~mask;
    }
    return ((mosi[1] ^ command->bytes[1]) & fixed) == 0;
}

static uint8_t chip_data_in(const struct isp_command *command, const uint8_t *mosi)
{
    if (command->map_count == 0)
        return mosi[3];
    int value = 0;
    int known = 0;
    for (uint8_t i = 0; i < command->map_count; i++) {
        const struct bit_map *map = &command->maps[i];
        const int bits = mosi[map->byte];
        value |= (map->shift >= 0 ? bits >> map->shift : bits << -map->shift) & map->mask;
        known |= map->mask;
    }
    return (uint8_t)(value | ~known);
}

/* Bits of the answer that no map names stay as they are: two bytes can share one instruction. */
static void chip_data_out(const struct isp_command *command, uint8_t value, uint8_t *miso)
{
    if (command->map_count == 0) {
        miso[3] = value;
        return;
    }
    for (uint8_t i = 0; i < command->map_count; i++) {
        const struct bit_map *map = &command->maps[i];
        const int bits = value & map->mask;
        const int place = map->shift >= 0 ? map->mask << map->shift : map->mask >> -map->shift;
        const int out = map->shift >= 0 ? bits << map->shift : bits >> -map->shift;
        miso[map->byte] = (uint8_t)((miso[map->byte] & ~place) | out);
    }
}

/* The offset in the memory that the instruction's address means. Address bits the memory has no use
 * for are ignored, so that it repeats. Whether a flash that does not begin at 0 counts from its own
 * beginning is not documented: it hears both. False: nothing there. */
static bool chip_address(const struct chip *chip, const struct memory *m,
                         const struct isp_command *command, unsigned high, const uint8_t *mosi,
                         uint32_t *offset)
{
    uint32_t address = ((uint32_t)mosi[1] << 8 | mosi[2]) >> command->address_shift;
    if (m->kind == MEMORY_FLASH && chip->part->extended_address)
        address |= (uint32_t)chip->extended << 16;
    if (m->kind == MEMORY_FLASH && m->isp.read[1].present)
        address = address * 2 + high;
    if (m->kind == MEMORY_SIGNATURE || m->kind == MEMORY_CALIBRATION)
        address &= 0xff;
    if (address >= m->base)
        address -= m->base;
    if (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM)
        address %= m->size;
    *offset = address;
    return address < m->size;
}

/* What a location shows while it is being written: "Data Polling Flash", "Data Polling EEPROM". The
 * second value belongs to the write proper, after the automatic erase (AT90S8515 data sheet). */
static uint8_t chip_poll_value(const struct chip *chip, const struct memory *m, uint64_t now_ns)
{
    const bool second =
        m->poll_value_count > 1 && now_ns - chip->begin_ns > (chip->end_ns - chip->begin_ns) / 2;
    return m->poll_value_count > 0 ? m->poll_values[second ? 1 : 0] : 0xff;
}

static bool chip_addressed(const struct memory *m)
{
    return m->kind != MEMORY_FUSE && m->kind != MEMORY_LOCK;
}

/* During an operation only two things are heard: Poll RDY/BSY, and a read of the place being
 * written. False: the instruction was neither. */
static bool chip_answer_busy(const struct chip *chip, const struct shift *s)
{
    if (chip->running == OPERATION_ERASE_CHIP)
        return false;
    const struct memory *m = chip_memory(chip, chip->memory);
    if (m->poll != POLL_VALUE)
        return false;
    for (unsigned high = 0; high < 2; high++) {
        uint32_t offset = 0;
        const struct isp_command *read = &m->isp.read[high];
        if (!chip_matches(read, true, s->mosi) ||
            !chip_address(chip, m, read, high, s->mosi, &offset))
            continue;
        const uint32_t size = chip->running == OPERATION_COMMIT ? m->page_size : 1;
        if (offset < chip->address || offset - chip->address >= size)
            return false;
        s->miso[3] = chip_poll_value(chip, m, s->now_ns);
        return true;
    }
    return false;
}

static bool chip_has_ready_poll(const struct chip *chip)
{
    for (size_t i = 0; i < chip->part->memory_count; i++) {
        if (chip_memory(chip, i)->poll == POLL_READY)
            return true;
    }
    return false;
}

static bool chip_read(struct chip *chip, size_t index, unsigned high, const struct shift *s)
{
    const struct memory *m = chip_memory(chip, index);
    const struct isp_command *read = &m->isp.read[high];
    if (!chip_matches(read, chip_addressed(m), s->mosi))
        return false;
    uint32_t offset = 0;
    if (chip_addressed(m) && !chip_address(chip, m, read, high, s->mosi, &offset)) {
        s->miso[3] = 0xff;
        return true;
    }
    uint8_t value = chip_load(chip, index, offset);
    if (chip_lock_mode(chip) == LOCK_WRITE_AND_READ) {
        if (m->kind == MEMORY_SIGNATURE && chip->part->old_lock_hides_signature) {
            value = (uint8_t)offset; /* AVR910: 00 01 02 */
            chip->counts.locked++;
        } else if (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM) {
            value = s->mosi[2]; /* not specified; the address was seen on real ones */
            chip->counts.locked++;
        }
    }
    chip_data_out(read, value, s->miso);
    return true;
}

/* True if writing is forbidden; that is counted. Lock bits themselves can always be programmed. */
static bool chip_write_locked(struct chip *chip, const struct memory *m)
{
    if (m->kind == MEMORY_LOCK || chip_lock_mode(chip) == LOCK_NONE)
        return false;
    chip->counts.locked++;
    return true;
}

/* Fuse bits can be written either way but where ISP cannot change them (SPIEN); lock bits only be
 * programmed. */
static uint8_t chip_new_bits(const struct chip *chip, size_t index, const uint8_t *mosi)
{
    const struct memory *m = chip_memory(chip, index);
    const uint8_t before = chip->bytes[index][0];
    const uint8_t value = chip_data_in(&m->isp.write[0], mosi);
    if (m->kind == MEMORY_LOCK)
        return (uint8_t)((before & value) | chip_unused_bits(m));
    return (uint8_t)((before & ~m->write_mask) | (value & m->write_mask) | chip_unused_bits(m));
}

static bool chip_write(struct chip *chip, size_t index, unsigned high, const struct shift *s)
{
    const struct memory *m = chip_memory(chip, index);
    const struct isp_command *write = &m->isp.write[high];
    if (!chip_matches(write, chip_addressed(m), s->mosi))
        return false;
    if (chip_write_locked(chip, m))
        return true;
    uint32_t offset = 0;
    uint8_t value = 0;
    if (!chip_addressed(m)) {
        value = chip_new_bits(chip, index, s->mosi);
    } else {
        if (!chip_address(chip, m, write, high, s->mosi, &offset))
            return true;
        value = chip_data_in(write, s->mosi);
        if (m->kind == MEMORY_FLASH)
            value &= chip->bytes[index][offset]; /* no erase before a flash byte */
    }
    chip_begin_write(chip, OPERATION_STORE, index, offset, value, s->now_ns);
    return true;
}

/* Load Page: the low bits of the address choose the place, the others are ignored. */
static bool chip_load_page(struct chip *chip, size_t index, unsigned high, const struct shift *s)
{
    const struct memory *m = chip_memory(chip, index);
    const struct isp_command *load = &m->isp.load[high];
    if (!chip_matches(load, true, s->mosi) || m->page_size == 0)
        return false;
    const uint32_t address = (uint32_t)s->mosi[1] << 8 | s->mosi[2];
    if (m->kind == MEMORY_FLASH) {
        const uint32_t place = m->isp.read[1].present ? address * 2 + high : address;
        chip->flash_buffer[place % m->page_size] = s->mosi[3];
    } else {
        chip->eeprom_buffer[address % m->page_size] = s->mosi[3];
        chip->eeprom_loaded[address % m->page_size] = true;
    }
    return true;
}

static bool chip_commit(struct chip *chip, size_t index, const struct shift *s)
{
    const struct memory *m = chip_memory(chip, index);
    const struct isp_command *commit = &m->isp.commit;
    if (!chip_matches(commit, true, s->mosi) || m->page_size == 0)
        return false;
    uint32_t offset = 0;
    if (chip_write_locked(chip, m) || !chip_address(chip, m, commit, 0, s->mosi, &offset))
        return true;
    chip_begin_write(chip, OPERATION_COMMIT, index, offset - offset % m->page_size, 0, s->now_ns);
    return true;
}

/* AC 80 00 00; AT90S8515 data sheet: AC 100x xxxx. Afterwards an AT90S wants a RESET pulse ("give
 * RESET a positive pulse and start over from Step 2"). */
static bool chip_erase(struct chip *chip, const struct shift *s)
{
    const struct isp_command *erase = &chip->part->chip_erase;
    if (!erase->present || s->mosi[0] != erase->bytes[0] ||
        ((s->mosi[1] ^ erase->bytes[1]) & 0xe0) != 0)
        return false;
    chip_begin(chip, OPERATION_ERASE_CHIP,
               chip->part->erase_min_us > 0 ? chip->part->erase_min_us : chip->part->erase_us,
               s->now_ns);
    if (chip->part->reenter_after_erase) {
        chip->enabled = false;
        chip->deaf = true;
    }
    return true;
}

/* AT89S52 data sheet, "Serial Programming Instruction Set": Write Lock Bits, AC E0 to E3, carries
 * the mode less 1; the modes build on one another. */
static bool chip_lock_at89(struct chip *chip, const struct shift *s)
{
    static const uint8_t bits[4] = {0x00, 0x04, 0x08, 0x10};
    const struct memory *lock = part_memory(chip->part, MEMORY_LOCK);
    if (!chip->part->reset_active_high || lock == NULL || s->mosi[0] != 0xac ||
        (s->mosi[1] & 0xfc) != 0xe0)
        return false;
    const size_t index = (size_t)(lock - chip->part->memories);
    chip_begin_write(chip, OPERATION_STORE, index, 0, chip->bytes[index][0] | bits[s->mosi[1] & 3],
                     s->now_ns);
    return true;
}

/* Any instruction of programming mode; false: the part has none such. */
static bool chip_execute(struct chip *chip, const struct shift *s)
{
    if (s->mosi[0] == 0xac && s->mosi[1] == 0x53)
        return true; /* Programming Enable once more changes nothing */
    if (chip_erase(chip, s) || chip_lock_at89(chip, s))
        return true;
    if (chip_has_ready_poll(chip) && s->mosi[0] == 0xf0) {
        s->miso[3] = 0; /* F0 00 00 00: bit 0 tells busy */
        return true;
    }
    if (chip->part->extended_address && s->mosi[0] == 0x4d) {
        chip->extended = s->mosi[2];
        return true;
    }
    bool known = false;
    for (size_t i = 0; i < chip->part->memory_count; i++) {
        for (unsigned high = 0; high < 2; high++)
            known = chip_read(chip, i, high, s) || known;
    }
    for (size_t i = 0; i < chip->part->memory_count && !known; i++) {
        for (unsigned high = 0; high < 2 && !known; high++)
            known = chip_load_page(chip, i, high, s) || chip_write(chip, i, high, s);
        known = known || chip_commit(chip, i, s);
    }
    return known;
}

/* Programming Enable: byte 2 comes back as byte 3 (AVR), or 69 as byte 4 (AT89S52 data sheet); an
 * AT90S1200 shows nothing. Heard only from 20 ms after RESET became active. */
static void chip_enable(struct chip *chip, const struct shift *s)
{
    const struct part *part = chip->part;
    if (s->mosi[0] != 0xac || s->mosi[1] != 0x53 || chip->deaf ||
        s->begin_ns - chip->reset_ns < ENABLE_DELAY_MS * MS) {
        chip->counts.ignored++;
        return;
    }
    chip->enabled = true;
    chip->counts.instructions++;
    if (part->enable_reply_value != 0 && part->enable_reply_byte < 4)
        s->miso[part->enable_reply_byte] = part->enable_reply_value;
}

/* Each byte comes back with the next one (data sheet, Figure "Serial Programming Instruction
 * example"); the third answer byte of Programming Enable is one case of it. */
static void chip_echo(const struct chip *chip, const struct shift *s)
{
    if (chip->part->enable_reply_value == 0 || chip->part->reset_active_high)
        return;
    for (size_t i = 1; i < 4; i++)
        s->miso[i] = s->mosi[i - 1];
}

static void chip_hear(struct chip *chip, const struct shift *s)
{
    const bool busy = chip_busy(chip, s->begin_ns);
    if (!busy && !chip->enabled) {
        chip_enable(chip, s);
        return;
    }
    chip_echo(chip, s);
    if (busy && chip_has_ready_poll(chip) && s->mosi[0] == 0xf0) {
        s->miso[3] = 1;
        chip->counts.instructions++;
    } else if (busy) {
        if (chip_answer_busy(chip, s))
            chip->counts.instructions++;
        else
            chip->counts.busy++;
    } else if (chip_execute(chip, s)) {
        chip->counts.instructions++;
    } else {
        chip->counts.unknown++;
    }
}

/* --- SCK -------------------------------------------------------------------------------------- */

static uint32_t chip_random(struct chip *chip)
{
    chip->random = chip->random * 1664525u + 1013904223u; /* Numerical Recipes' generator */
    return chip->random >> 16;
}

/* A clock edge now and then comes too early: one bit of about every fourth byte is lost. The same
 * run gives the same errors. */
static void chip_spoil(struct chip *chip, uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (chip_random(chip) % 4 == 0)
            bytes[i] ^= (uint8_t)(1u << chip_random(chip) % 8);
    }
}

void chip_exchange(struct chip *chip, const uint8_t mosi[4], uint8_t miso[4], uint8_t idle,
                   uint32_t sck_hz, uint64_t now_ns)
{
    memset(miso, idle, 4);
    if (!chip->reset || chip->clock_hz == 0) {
        chip->counts.ignored++;
        return;
    }
    uint8_t heard[4];
    memcpy(heard, mosi, sizeof heard);
    const struct shift s = {
        .mosi = heard,
        .miso = miso,
        .begin_ns = now_ns - UINT64_C(32000000000) / sck_hz,
        .now_ns = now_ns,
    };
    const uint32_t limit_hz = chip_sck_limit_hz(chip);
    if (sck_hz < limit_hz) {
        chip_hear(chip, &s);
        return;
    }
    chip->counts.too_fast++;
    if (sck_hz / 2 >= limit_hz)
        return; /* whole bits are missed: nothing makes sense any more */
    chip_spoil(chip, heard);
    chip_hear(chip, &s);
    chip_spoil(chip, miso);
}
