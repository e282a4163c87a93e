/* Two chips written apart from the same data sheets, the simulator's and the tests' model, side by
 * side: the same random instructions at the same times must get the same answers and leave the same
 * bytes behind. Seeds are fixed, so that a failure can be repeated; the last instructions are
 * shown.
 *
 * What the data sheets leave open is kept out: a high byte without its low byte, a word loaded
 * twice, what a locked memory reads as, bits of an answer that carry no data, instructions an AT90S
 * gets between Chip Erase and the RESET pulse, reserved clock settings, the extended address before
 * its first Load. The model counts such things too, and its count must stay 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "ispflash/part.h"
#include "model/avr_chip.h"
#include "simulator_chip.h"
#include "support/test.h"

enum { STEPS = 1000, RUNS = 4, CRYSTAL_HZ = 8000000, PAGE_MAX = 256, TRAIL = 24 };

struct pair {
    const struct part *part;
    struct chip *sim;
    struct avr_chip *model;
    uint64_t now_ns;
    uint64_t half_ns; /* of SCK */
    uint32_t random;
    bool in;        /* programming mode */
    bool answering; /* with the fuses it was entered with, the chip runs */
    bool locked;    /* lock bits were touched: what flash and EEPROM read as is open */
    bool word_loaded[PAGE_MAX], eeprom_loaded[PAGE_MAX];
    uint32_t extended; /* half of a flash above 128 KiB */
    uint8_t sim_miso[4], model_miso[4];
    char trail[TRAIL][80];
    unsigned step;
};

/* --- random choices ----------------------------------------------------------------------------
 */

static uint32_t pick(struct pair *p, uint32_t count)
{
    p->random ^= p->random << 13; /* Marsaglia's xorshift32 */
    p->random ^= p->random >> 17;
    p->random ^= p->random << 5;
    return p->random % count;
}

/* Mostly the first pages and the last, so that things are met again. */
static uint32_t pick_address(struct pair *p, uint32_t size)
{
    const uint32_t near = size < 512 ? size : 512;
    return pick(p, 4) == 0   ? pick(p, size)
           : pick(p, 3) == 0 ? size - 1 - pick(p, near)
                             : pick(p, near);
}

/* --- both at once ------------------------------------------------------------------------------
 */

static void show_trail(const struct pair *p)
{
    for (unsigned i = 0; i < TRAIL; i++)
        print_error("%s", p->trail[(p->step + i) % TRAIL]);
}

static void send(struct pair *p, const uint8_t mosi[4])
{
    avr_chip_instruction(p->model, mosi, p->model_miso, &p->now_ns, p->half_ns);
    chip_exchange(p->sim, mosi, p->sim_miso, 0xff, (uint32_t)(1000000000 / (2 * p->half_ns)),
                  p->now_ns);
    (void)snprintf(p->trail[p->step++ % TRAIL], sizeof p->trail[0],
                   "%10llu us  %02x %02x %02x %02x  sim %02x %02x  model %02x %02x\n",
                   (unsigned long long)(p->now_ns / 1000), mosi[0], mosi[1], mosi[2], mosi[3],
                   p->sim_miso[2], p->sim_miso[3], p->model_miso[2], p->model_miso[3]);
}

static void send4(struct pair *p, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
    const uint8_t mosi[4] = {b0, b1, b2, b3};
    send(p, mosi);
}

static void check(struct pair *p, bool same, const char *what)
{
    if (same)
        return;
    show_trail(p);
    print_error("fuses");
    for (size_t i = 0; i < p->part->memory_count; i++) {
        if (p->part->memories[i].kind == MEMORY_FUSE)
            print_error(" %s %02x", p->part->memories[i].name, chip_bytes(p->sim, i)[0]);
    }
    print_error(", clock %u and %u Hz\n", (unsigned)chip_clock_hz(p->sim),
                (unsigned)avr_chip_cpu_hz(p->model));
    fail_msg("%s: the two disagree on %s", p->part->name, what);
}

static void wait_us(struct pair *p, uint64_t us)
{
    p->now_ns += us * 1000;
    avr_chip_settle(p->model, p->now_ns);
    (void)chip_busy(p->sim, p->now_ns);
}

/* --- entering -----------------------------------------------------------------------------------
 */

static void set_reset(struct pair *p, bool active)
{
    avr_chip_set_pin(p->model, AVR_PIN_RESET, p->part->reset_active_high ? active : !active,
                     p->now_ns);
    chip_reset(p->sim, active, p->now_ns);
    wait_us(p, active ? 25000 : 1000);
}

static void enter(struct pair *p)
{
    set_reset(p, false);
    set_reset(p, true);
    const uint32_t limit_hz = chip_sck_limit_hz(p->sim);
    /* A chip that does not listen has no clock to the simulator; the model tells the two apart. */
    check(p, limit_hz == 0 || chip_clock_hz(p->sim) == avr_chip_cpu_hz(p->model),
          "the system clock");
    p->half_ns = 1000000000 / (limit_hz > 0 ? limit_hz : 1000);
    send4(p, 0xac, 0x53, 0, 0);
    const uint8_t byte = p->part->enable_reply_byte, value = p->part->enable_reply_value;
    p->answering = limit_hz > 0;
    if (value != 0)
        check(p, (p->sim_miso[byte] == value) == (p->model_miso[byte] == value),
              "Programming Enable");
    memset(p->word_loaded, 0, sizeof p->word_loaded);
    memset(p->eeprom_loaded, 0, sizeof p->eeprom_loaded);
    p->in = p->answering;
    if (p->in && p->part->extended_address) {
        p->extended = pick(p, 2);
        send4(p, 0x4d, 0, (uint8_t)p->extended, 0);
    }
}

/* Fuses can have silenced the chip; somebody with a high-voltage programmer helps. */
static void rescue(struct pair *p)
{
    size_t size = 0;
    uint8_t *fuses = avr_chip_memory(p->model, AVR_FUSES, &size);
    size_t next = 0;
    set_reset(p, false);
    for (size_t i = 0; i < p->part->memory_count; i++) {
        const struct memory *m = &p->part->memories[i];
        if (m->kind == MEMORY_FUSE && next < size)
            fuses[next++] = chip_bytes(p->sim, i)[0] = m->initial | (uint8_t)~m->mask;
    }
    enter(p);
    check(p, p->in, "being alive with the factory's fuses");
}

static void step_reenter(struct pair *p)
{
    enter(p);
    if (!p->in)
        rescue(p);
}

/* --- what the part's memories allow --------------------------------------------------------------
 */

static const struct memory *pick_memory(struct pair *p, enum memory_kind kind)
{
    const struct memory *found = NULL;
    uint32_t count = 0;
    for (size_t i = 0; i < p->part->memory_count; i++) {
        if (p->part->memories[i].kind == kind && pick(p, ++count) == 0)
            found = &p->part->memories[i];
    }
    return found;
}

/* The bits of the fourth answer byte that carry data. */
static uint8_t answer_bits(const struct memory *m, const struct isp_command *read)
{
    int bits = 0;
    for (uint8_t i = 0; i < read->map_count; i++) {
        const struct bit_map *map = &read->maps[i];
        bits |= map->shift >= 0 ? map->mask << map->shift : map->mask >> -map->shift;
    }
    if (read->map_count > 0)
        return (uint8_t)bits;
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK ? m->mask : 0xff;
}

static void read_one(struct pair *p, const struct memory *m, uint32_t offset)
{
    const struct isp_command *read = &m->isp.read[encode_half(m, offset)];
    uint8_t mosi[4];
    if (!read->present)
        return;
    encode_instruction(read, encode_address(m, offset), 0, mosi);
    send(p, mosi);
    if (p->locked && (m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM))
        return;
    check(p, ((p->sim_miso[3] ^ p->model_miso[3]) & answer_bits(m, read)) == 0, m->name);
}

/* An offset in flash that the extended address now reaches. */
static uint32_t pick_flash(struct pair *p, const struct memory *m)
{
    const uint32_t half = 0x20000;
    if (!p->part->extended_address)
        return pick_address(p, m->size);
    return p->extended * half + pick_address(p, half);
}

/* Right behind a writing instruction: nothing but a poll is heard. Then waits, or polls to the end.
 */
static void be_busy(struct pair *p, const struct memory *m, uint32_t offset, uint32_t us)
{
    const bool soon = p->half_ns * 64 < 500000; /* an instruction takes less than half a ms */
    if (soon && pick(p, 3) == 0)
        send4(p, 0xac, 0xe0, 0, 0xc0);
    if (soon && pick(p, 3) == 0 && m != NULL)
        send4(p, 0xc0, 0, (uint8_t)pick(p, 64), 0x00);
    if (soon && m != NULL && m->poll == POLL_READY) {
        send4(p, 0xf0, 0, 0, 0);
        check(p, (p->sim_miso[3] & 1) == 1 && (p->model_miso[3] & 1) == 1, "being busy");
    }
    if (soon && m != NULL && m->poll == POLL_VALUE && m->kind != MEMORY_FUSE &&
        m->kind != MEMORY_LOCK)
        read_one(p, m, offset);
    wait_us(p, 2 * (uint64_t)us + 20000);
    if (m != NULL && m->poll == POLL_READY) {
        send4(p, 0xf0, 0, 0, 0);
        check(p, (p->sim_miso[3] & 1) == 0 && (p->model_miso[3] & 1) == 0, "being ready");
    }
}

/* Lock bits forbid a write: whether the chip is busy then and what becomes of a page buffer is
 * open. */
static void be_refused(struct pair *p)
{
    wait_us(p, 100000);
    step_reenter(p);
}

/* --- steps --------------------------------------------------------------------------------------
 */

static void step_read(struct pair *p)
{
    static const enum memory_kind kinds[] = {MEMORY_FLASH,     MEMORY_FLASH, MEMORY_EEPROM,
                                             MEMORY_SIGNATURE, MEMORY_FUSE,  MEMORY_LOCK};
    const struct memory *m = pick_memory(p, kinds[pick(p, sizeof kinds / sizeof kinds[0])]);
    if (m == NULL || m->size == 0)
        return;
    if (m->kind == MEMORY_SIGNATURE && p->locked && p->part->old_lock_hides_signature)
        return;
    read_one(p, m, m->kind == MEMORY_FLASH ? pick_flash(p, m) : pick_address(p, m->size));
}

static void step_load(struct pair *p, const struct memory *flash)
{
    const uint32_t word = pick(p, flash->page_size / 2);
    if (p->word_loaded[word])
        return;
    p->word_loaded[word] = true;
    send4(p, 0x40, 0, (uint8_t)word, (uint8_t)pick(p, 256));
    send4(p, 0x48, 0, (uint8_t)word, (uint8_t)pick(p, 256));
}

static void step_flash(struct pair *p)
{
    const struct memory *flash = part_memory(p->part, MEMORY_FLASH);
    uint8_t mosi[4];
    if (flash->page_size > 0 && pick(p, 3) != 0) {
        step_load(p, flash);
        return;
    }
    const uint32_t offset = pick_flash(p, flash);
    if (flash->page_size > 0) {
        encode_instruction(&flash->isp.commit, encode_address(flash, offset), 0, mosi);
        memset(p->word_loaded, 0, sizeof p->word_loaded);
    } else {
        encode_instruction(&flash->isp.write[encode_half(flash, offset)],
                           encode_address(flash, offset), (uint8_t)pick(p, 256), mosi);
    }
    send(p, mosi);
    if (p->locked)
        be_refused(p);
    else
        be_busy(p, flash, offset, flash->write_us);
}

static void step_eeprom(struct pair *p)
{
    const struct memory *eeprom = part_memory(p->part, MEMORY_EEPROM);
    if (eeprom == NULL)
        return;
    const uint32_t offset = pick_address(p, eeprom->size);
    const uint8_t high = (uint8_t)(offset >> 8), low = (uint8_t)offset;
    if (eeprom->page_size > 0 && pick(p, 3) != 0) {
        const uint32_t place = offset % eeprom->page_size;
        if (!p->eeprom_loaded[place])
            send4(p, 0xc1, 0, (uint8_t)place, (uint8_t)pick(p, 256));
        p->eeprom_loaded[place] = true;
        return;
    }
    if (eeprom->page_size > 0 && pick(p, 2) == 0) {
        send4(p, 0xc2, high, low & (uint8_t) ~(eeprom->page_size - 1), 0);
        memset(p->eeprom_loaded, 0, sizeof p->eeprom_loaded);
    } else {
        for (uint32_t i = 0; i < eeprom->page_size; i++) {
            if (p->eeprom_loaded[i])
                return; /* C0 in the middle of loading a page: open */
        }
        send4(p, 0xc0, high, low, (uint8_t)pick(p, 256));
    }
    if (p->locked)
        be_refused(p);
    else
        be_busy(p, eeprom, offset, eeprom->write_us);
}

/* Reserved settings of a clock field are open. */
static bool is_reserved(const struct memory *m, uint8_t value)
{
    for (size_t i = 0; i < m->field_count; i++) {
        const struct field *field = &m->fields[i];
        bool listed = field->value_count == 0 || strstr(field->name, "CKSEL") == NULL;
        for (size_t j = 0; j < field->value_count; j++)
            listed = listed || field->values[j].value == field_get(field, value);
        if (!listed)
            return true;
    }
    return false;
}

static void step_fuse(struct pair *p)
{
    const struct memory *m = pick_memory(p, MEMORY_FUSE);
    uint8_t mosi[4];
    if (m == NULL || !m->isp.write[0].present)
        return;
    uint8_t value = (uint8_t)(pick(p, 256) | (uint8_t)~m->mask);
    while (is_reserved(m, value))
        value = (uint8_t)(pick(p, 256) | (uint8_t)~m->mask);
    encode_instruction(&m->isp.write[0], 0, value, mosi);
    send(p, mosi);
    wait_us(p, 2 * (uint64_t)m->write_us + 20000);
}

/* Mode 2 or 3; the boot lock bits as they come. */
static void step_lock(struct pair *p)
{
    const struct memory *m = part_memory(p->part, MEMORY_LOCK);
    uint8_t mosi[4];
    if (m == NULL || !m->isp.write[0].present)
        return;
    const uint8_t lb1 = m->mask & (uint8_t)-m->mask;
    const uint8_t lb2 = (uint8_t)(lb1 << 1);
    uint8_t value = (uint8_t)(pick(p, 256) | (uint8_t)~m->mask | lb1 | lb2);
    value &= (uint8_t) ~(pick(p, 2) == 0 ? lb1 : lb1 | lb2);
    encode_instruction(&m->isp.write[0], 0, value, mosi);
    send(p, mosi);
    p->locked = true;
    wait_us(p, 2 * (uint64_t)m->write_us + 20000);
}

static void step_erase(struct pair *p)
{
    const struct isp_command *erase = &p->part->chip_erase;
    send(p, erase->bytes);
    p->locked = false;
    if (p->part->reenter_after_erase)
        wait_us(p, 2 * (uint64_t)p->part->erase_us + 20000);
    else
        be_busy(p, NULL, 0, p->part->erase_us);
    if (p->part->reenter_after_erase || pick(p, 4) == 0)
        step_reenter(p);
}

static void step(struct pair *p)
{
    const uint32_t choice = pick(p, 100);
    if (choice < 35)
        step_read(p);
    else if (choice < 68)
        step_flash(p);
    else if (choice < 88)
        step_eeprom(p);
    else if (choice < 92)
        step_fuse(p);
    else if (choice < 93)
        step_lock(p);
    else if (choice < 95)
        step_erase(p);
    else if (p->part->extended_address && choice < 98)
        send4(p, 0x4d, 0, (uint8_t)(p->extended = pick(p, 2)), 0);
    else
        step_reenter(p);
}

/* --- runs ---------------------------------------------------------------------------------------
 */

static void compare_memory(struct pair *p, enum memory_kind kind, enum avr_memory in_model)
{
    size_t size = 0, next = 0;
    const uint8_t *bytes = avr_chip_memory(p->model, in_model, &size);
    if (bytes == NULL)
        return; /* fuses that no instruction reaches are not modelled */
    for (size_t i = 0; i < p->part->memory_count; i++) {
        const struct memory *m = &p->part->memories[i];
        if (m->kind != kind || m->size == 0)
            continue;
        check(p, next + m->size <= size, "the size of a memory");
        const uint8_t mask = kind == MEMORY_FUSE ? m->mask : 0xff;
        for (uint32_t at = 0; at < m->size; at++) {
            if (((chip_bytes(p->sim, i)[at] ^ bytes[next + at]) & mask) == 0)
                continue;
            show_trail(p);
            fail_msg("%s: %s 0x%04x is %02x in the simulator, %02x in the model", p->part->name,
                     m->name, (unsigned)at, chip_bytes(p->sim, i)[at], bytes[next + at]);
        }
        next += m->size;
    }
    check(p, next == size, "the size of a kind of memory");
}

static void run(const struct part *part, uint32_t seed)
{
    const struct chip_options options = {.crystal_hz = CRYSTAL_HZ};
    struct avr_chip_options model_options = avr_chip_defaults();
    model_options.crystal_hz = CRYSTAL_HZ;
    model_options.busy = AVR_BUSY_LONGEST;
    struct pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->part = part;
    p->random = seed * 2654435761u | 1;
    p->sim = chip_new(part, &options);
    p->model = avr_chip_new(avr_chip_spec(part->id), &model_options);
    assert_non_null(p->sim);
    assert_non_null(p->model);
    enter(p);
    if (!p->in)
        rescue(p);
    for (unsigned i = 0; i < STEPS; i++)
        step(p);
    set_reset(p, false);
    compare_memory(p, MEMORY_FLASH, AVR_FLASH);
    compare_memory(p, MEMORY_EEPROM, AVR_EEPROM);
    compare_memory(p, MEMORY_FUSE, AVR_FUSES);
    compare_memory(p, MEMORY_SIGNATURE, AVR_SIGNATURE);
    const struct avr_stats *stats = avr_chip_stats(p->model);
    check(p, stats->undefined == 0 && stats->sck_violations == 0, "what is allowed");
    check(p, stats->busy_violations == chip_counts(p->sim)->busy, "what came while busy");
    chip_free(p->sim);
    avr_chip_free(p->model);
    free(p);
}

static void the_two_chips_cannot_be_told_apart(void **state)
{
    struct part_database *parts = *state;
    for (size_t i = 0; avr_chip_spec_at(i) != NULL; i++) {
        const struct part *part = NULL;
        struct error e = {0};
        assert_int_equal(part_find(parts, avr_chip_spec_name(avr_chip_spec_at(i)), &part, &e),
                         STATUS_OK);
        for (uint32_t seed = 1; seed <= RUNS; seed++)
            run(part, seed + 100 * (uint32_t)i);
    }
}

static int parts_open(void **state)
{
    struct part_database *parts = NULL;
    struct error e = {0};
    if (part_database_open(&parts, &e) != STATUS_OK)
        return -1;
    *state = parts;
    return 0;
}

static int parts_close(void **state)
{
    part_database_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_chips_cannot_be_told_apart),
    };
    return cmocka_run_group_tests(tests, parts_open, parts_close);
}
