/* Pins, clock and shift register of the chip model. "Serial Downloading" and "Serial Programming
 * Algorithm" of the ATmega328P data sheet, and the same chapters of the older chips'. */
#include "model/avr_chip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/avr_private.h"

/* xorshift64*: any generator with a seed does. */
uint64_t avr_random(struct avr_chip *chip)
{
    chip->random ^= chip->random >> 12;
    chip->random ^= chip->random << 25;
    chip->random ^= chip->random >> 27;
    return chip->random * UINT64_C(2685821657736338717) >> 11;
}

/* --- Making one ----------------------------------------------------------------------------- */

struct avr_chip_options avr_chip_defaults(void)
{
    return (struct avr_chip_options){
        .crystal_hz = 16000000,
        .busy = AVR_BUSY_TYPICAL,
        .idle = AVR_FLOAT_HIGH,
        .locked_read = AVR_LOCKED_READ_ADDRESS,
        .enable_wait_us = 20000,
        .seed = 1,
    };
}

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

static void make_memory(struct avr_chip *chip, enum avr_memory m, size_t size, uint8_t fill)
{
    if (size > 0) {
        chip->memory[m] = allocate(size);
        memset(chip->memory[m], fill, size);
    }
    chip->size[m] = size;
}

static void latch_fuses(struct avr_chip *chip);
static void update_pins(struct avr_chip *chip);

struct avr_chip *avr_chip_new(const struct avr_chip_spec *spec,
                              const struct avr_chip_options *options)
{
    if (spec == NULL) {
        return NULL;
    }
    struct avr_chip *chip = allocate(sizeof *chip);
    chip->spec = spec;
    chip->options = options != NULL ? *options : avr_chip_defaults();
    chip->random = (chip->options.seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    chip->bit_error_rate = 1000;
    make_memory(chip, AVR_FLASH, spec->flash_size, 0xff);
    make_memory(chip, AVR_EEPROM, spec->eeprom_size, 0xff);
    make_memory(chip, AVR_FUSES, spec->fuse_count, 0xff);
    make_memory(chip, AVR_LOCK, 1, spec->family == FAMILY_AT89S ? 0x00 : 0xff);
    make_memory(chip, AVR_SIGNATURE, sizeof spec->signature, 0xff);
    make_memory(chip, AVR_CALIBRATION, spec->calibration_count, 0xff);
    memcpy(chip->memory[AVR_SIGNATURE], spec->signature, sizeof spec->signature);
    for (size_t i = 0; i < spec->fuse_count; i++) {
        chip->memory[AVR_FUSES][i] = spec->fuse_default[i];
    }
    for (size_t i = 0; i < spec->calibration_count; i++) {
        chip->memory[AVR_CALIBRATION][i] = (uint8_t)(0x95 + 7 * i); /* each chip has its own */
    }
    avr_clear_buffers(chip);
    latch_fuses(chip);
    chip->level[AVR_PIN_POWER] = true;
    chip->level[AVR_PIN_RESET] = avr_chip_reset_released(chip);
    update_pins(chip);
    return chip;
}

void avr_chip_free(struct avr_chip *chip)
{
    if (chip == NULL) {
        return;
    }
    for (int m = 0; m < AVR_MEMORY_COUNT; m++) {
        free(chip->memory[m]);
    }
    free(chip);
}

uint8_t *avr_chip_memory(struct avr_chip *chip, enum avr_memory m, size_t *size)
{
    if (size != NULL) {
        *size = chip->size[m];
    }
    return chip->memory[m];
}

const struct avr_chip_spec *avr_chip_type(const struct avr_chip *chip)
{
    return chip->spec;
}

/* --- Clock ---------------------------------------------------------------------------------- */

static uint32_t clock_source_hz(const struct avr_chip *chip)
{
    const struct avr_chip_options *options = &chip->options;
    const struct avr_clock *clock = chip->spec->clock;
    if (clock == NULL) { /* whatever is on XTAL1 */
        return options->crystal_hz != 0 ? options->crystal_hz : options->external_hz;
    }
    const uint8_t cksel = chip->fuses[0] & clock->mask;
    if (cksel >= clock->crystal_from) {
        /* An oscillator's XTAL1 also takes a signal from outside. */
        return options->crystal_hz != 0 ? options->crystal_hz : options->external_hz;
    }
    switch (clock->source[cksel]) {
    case CLOCK_EXTERNAL:
        return options->external_hz;
    case CLOCK_WATCH_CRYSTAL:
        return options->crystal_hz == 32768 ? options->crystal_hz : CLOCK_NONE;
    default:
        return clock->source[cksel];
    }
}

/* How many CPU clocks SCK must be low and high. "Serial Downloading": low and high > 2 CPU clock
 * cycles below 12 MHz, > 3 from there on. AT90S8515: > 2 XTAL1 cycles. AT90S1200: low > 1, high
 * > 4. AT89S52: at most 1/16 of the crystal, so 8 or more. */
static void find_sck_limits(struct avr_chip *chip)
{
    chip->sck_low_min_ns = chip->sck_high_min_ns = 0;
    if (chip->cpu_hz == 0) {
        return;
    }
    unsigned low = chip->cpu_hz < 12000000 ? 2 : 3;
    unsigned high = low;
    bool equal_allowed = false;
    switch (chip->spec->family) {
    case FAMILY_AVR:
        break;
    case FAMILY_AT90S:
        low = high = 2;
        break;
    case FAMILY_AT90S1200:
        low = 1;
        high = 4;
        break;
    case FAMILY_AT89S:
        low = high = 8;
        equal_allowed = true;
        break;
    }
    const uint64_t second = UINT64_C(1000000000);
    const uint64_t round = equal_allowed ? chip->cpu_hz - 1 : chip->cpu_hz;
    chip->sck_low_min_ns = (low * second + round) / chip->cpu_hz;
    chip->sck_high_min_ns = (high * second + round) / chip->cpu_hz;
}

bool avr_fuse_programmed(const struct avr_chip_spec *spec, const uint8_t fuses[3],
                         struct fuse_bit bit)
{
    return bit.mask != 0 && bit.byte < spec->fuse_count && (fuses[bit.byte] & bit.mask) == 0;
}

/* Fuses act from when they are latched: on entering and on leaving programming mode. */
static void latch_fuses(struct avr_chip *chip)
{
    const struct avr_chip_spec *spec = chip->spec;
    for (size_t i = 0; i < spec->fuse_count; i++) {
        chip->fuses[i] = chip->memory[AVR_FUSES][i];
    }
    chip->cpu_hz = chip->fault[AVR_FAULT_NO_CLOCK] ? 0 : clock_source_hz(chip);
    if (spec->clock != NULL && avr_fuse_programmed(spec, chip->fuses, spec->clock->divide_by_8)) {
        chip->cpu_hz /= 8;
    }
    find_sck_limits(chip);
}

uint32_t avr_chip_cpu_hz(const struct avr_chip *chip)
{
    return chip->cpu_hz;
}

uint64_t avr_chip_sck_low_min_ns(const struct avr_chip *chip)
{
    return chip->sck_low_min_ns;
}

uint64_t avr_chip_sck_high_min_ns(const struct avr_chip *chip)
{
    return chip->sck_high_min_ns;
}

/* --- RESET ---------------------------------------------------------------------------------- */

void avr_clear_buffers(struct avr_chip *chip)
{
    memset(chip->page, 0xff, sizeof chip->page);
    memset(chip->page_loaded, 0, sizeof chip->page_loaded);
    memset(chip->eeprom_page, 0xff, sizeof chip->eeprom_page);
    memset(chip->eeprom_loaded, 0, sizeof chip->eeprom_loaded);
    chip->low_loaded = false;
}

static bool reset_pin_disabled(const struct avr_chip *chip)
{
    const struct avr_special_fuses *special = chip->spec->special;
    return special != NULL &&
           (avr_fuse_programmed(chip->spec, chip->fuses, special->reset_disable) ||
            avr_fuse_programmed(chip->spec, chip->fuses, special->debugwire));
}

static void enter_reset(struct avr_chip *chip)
{
    latch_fuses(chip);
    if (reset_pin_disabled(chip)) {
        return;
    }
    chip->in_reset = true;
    chip->reset_ns = chip->now_ns;
    chip->bits = 0;
    chip->in = chip->out = 0;
    chip->driven = false;
    chip->enabled = false;
    chip->erased = false;
    chip->extended_known = false;
    avr_clear_buffers(chip);
    chip->stats.reset_entries++;
    if (chip->sck) {
        avr_undefined(chip, &chip->stats.undefined_sck_high_at_reset, "SCK high at RESET");
    }
}

static void leave_reset(struct avr_chip *chip, uint64_t when_ns)
{
    chip->release_pending = false;
    if (!chip->in_reset) {
        return;
    }
    if (chip->operation.kind != OPERATION_NONE && chip->operation.end_ns > when_ns) {
        avr_operation_interrupt(chip);
    }
    if (chip->enabled) {
        chip->stats.programming_ns += when_ns - chip->enabled_ns;
    }
    chip->in_reset = false;
    chip->enabled = false;
    chip->driven = false;
    latch_fuses(chip);
}

/* "RESET must be kept [in the other state] for at least two CPU clock cycles." */
static uint64_t shortest_release_ns(const struct avr_chip *chip)
{
    return chip->cpu_hz == 0 ? 0 : UINT64_C(2000000000) / chip->cpu_hz;
}

/* Lets time pass: what was to end by `now_ns` has ended. */
static void advance(struct avr_chip *chip, uint64_t now_ns)
{
    assert(now_ns >= chip->now_ns);
    if (chip->release_pending && now_ns - chip->release_ns >= shortest_release_ns(chip)) {
        leave_reset(chip, chip->release_ns);
    }
    if (chip->operation.kind != OPERATION_NONE && now_ns >= chip->operation.end_ns) {
        avr_operation_finish(chip);
    }
    chip->now_ns = now_ns;
}

static void see_reset(struct avr_chip *chip, bool active)
{
    if (active == chip->reset_active) {
        return;
    }
    chip->reset_active = active;
    if (!active) {
        chip->release_pending = true;
        chip->release_ns = chip->now_ns;
        advance(chip, chip->now_ns);
    } else if (chip->release_pending) {
        chip->release_pending = false;
        chip->stats.reset_too_short++;
    } else if (chip->powered) {
        enter_reset(chip);
    }
}

static void see_power(struct avr_chip *chip, bool powered)
{
    if (powered == chip->powered) {
        return;
    }
    chip->powered = powered;
    if (!powered) {
        leave_reset(chip, chip->now_ns);
        return;
    }
    chip->extended_address = 0;
    latch_fuses(chip);
    if (chip->reset_active) {
        enter_reset(chip);
    }
}

/* --- Shift register -------------------------------------------------------------------------- */

/* How likely a bit is misread when SCK was shorter than it may be: certainly noticed within a few
 * bytes when slightly too short, hopeless when far too short. */
static bool spoilt(struct avr_chip *chip, uint64_t phase_ns, uint64_t shortest_ns)
{
    if (phase_ns >= shortest_ns) {
        return false;
    }
    chip->stats.sck_violations++;
    const uint64_t lack = (shortest_ns - phase_ns) * 32 / shortest_ns; /* 0..32 */
    const bool flip = avr_random(chip) % 64 < (lack < 4 ? 4 : lack);
    chip->stats.bit_errors += flip;
    return flip;
}

static bool noisy(struct avr_chip *chip)
{
    const bool flip =
        chip->fault[AVR_FAULT_BIT_ERRORS] && avr_random(chip) % chip->bit_error_rate == 0;
    chip->stats.bit_errors += flip;
    return flip;
}

/* Programming Enable is answered once two bytes were understood: by 53 in the third byte, by the
 * AT89S by 69 in the fourth. */
static bool enable_understood(struct avr_chip *chip)
{
    const uint64_t waited_ns = chip->now_ns - chip->reset_ns;
    return chip->frame[0] == 0xac && chip->frame[1] == 0x53 && !chip->erased &&
           waited_ns >= chip->options.enable_wait_us * AVR_US;
}

static void byte_complete(struct avr_chip *chip, unsigned index)
{
    chip->frame[index] = chip->in;
    chip->answer[index] = chip->out;
    chip->answered[index] = chip->driven;
    chip->out = chip->spec->family == FAMILY_AT90S1200 ? 0x00 : chip->in; /* the echo */
    if (!chip->enabled) {
        chip->driven = (index == 1 || index == 2) && chip->spec->family != FAMILY_AT90S1200 &&
                       enable_understood(chip);
        if (index == 2 && chip->spec->family == FAMILY_AT89S) {
            chip->out = 0x69;
        }
        if (index < 3) {
            return;
        }
        if (!enable_understood(chip)) {
            const bool enable = chip->frame[0] == 0xac && chip->frame[1] == 0x53;
            chip->stats.enable_failures += enable;
            chip->stats.ignored += !enable;
            if (chip->erased) {
                avr_undefined(chip, &chip->stats.undefined_after_erase, "no RESET after erase");
            }
            avr_trace_instruction(chip, enable ? "enable too early" : "ignored");
            return;
        }
        chip->enabled = true;
        chip->enabled_ns = chip->now_ns;
        chip->driven = true;
        chip->stats.instructions[AVR_OP_ENABLE]++;
        avr_trace_instruction(chip, avr_op_name(AVR_OP_ENABLE));
        return;
    }
    if (index == 2) {
        chip->out = avr_isp_answer(chip);
    } else if (index == 3) {
        avr_isp_execute(chip);
    }
}

/* Mode 0: the chip reads MOSI on the rising edge ... */
static void sck_rises(struct avr_chip *chip)
{
    const bool spoilt_bit =
        spoilt(chip, chip->now_ns - chip->fall_ns, chip->sck_low_min_ns) ^ noisy(chip);
    chip->rise_ns = chip->now_ns;
    chip->stats.sck_edges++;
    chip->in = (uint8_t)(chip->in << 1 | (chip->mosi ^ spoilt_bit));
    chip->bits = (chip->bits + 1) % (8 * FRAME_SIZE);
    if (chip->bits % 8 == 0) {
        byte_complete(chip, (chip->bits / 8 + FRAME_SIZE - 1) % FRAME_SIZE);
    }
}

/* ... and changes MISO on the falling one. */
static void sck_falls(struct avr_chip *chip)
{
    const bool spoilt_bit =
        spoilt(chip, chip->now_ns - chip->rise_ns, chip->sck_high_min_ns) ^ noisy(chip);
    chip->fall_ns = chip->now_ns;
    chip->miso = (chip->out >> (7 - chip->bits % 8) & 1) ^ spoilt_bit;
}

static void see_sck(struct avr_chip *chip, bool level)
{
    if (level == chip->sck) {
        return;
    }
    chip->sck = level;
    if (!chip->in_reset || !chip->powered || !chip->reset_active || chip->cpu_hz == 0) {
        *(level ? &chip->rise_ns : &chip->fall_ns) = chip->now_ns;
    } else if (level) {
        sck_rises(chip);
    } else {
        sck_falls(chip);
    }
}

/* --- The wire ------------------------------------------------------------------------------- */

static bool floating(struct avr_chip *chip)
{
    return chip->options.idle == AVR_FLOAT_NOISE ? (avr_random(chip) & 1) != 0
                                                 : chip->options.idle == AVR_FLOAT_HIGH;
}

/* The board is on the programmer: see avr_chip_options. */
static bool clipped_on(const struct avr_chip *chip)
{
    const struct avr_chip_options *o = &chip->options;
    return chip->resets_asserted >= o->comes_after &&
           (o->goes_after == 0 || chip->resets_asserted < o->goes_after);
}

/* Brings what the programmer does through the wiring's faults to the chip's pins. */
static void update_pins(struct avr_chip *chip)
{
    const bool *fault = chip->fault;
    const bool inactive = avr_chip_reset_released(chip);
    if (fault[AVR_FAULT_MOSI_CUT]) {
        chip->mosi = false;
    } else if (fault[AVR_FAULT_SWAPPED]) { /* wired to an input that nobody drives */
        chip->mosi = floating(chip);
    } else {
        chip->mosi = chip->level[AVR_PIN_MOSI];
    }
    see_power(chip, chip->level[AVR_PIN_POWER] && !fault[AVR_FAULT_NO_POWER] && clipped_on(chip));
    see_sck(chip, chip->level[AVR_PIN_SCK] && !fault[AVR_FAULT_SCK_CUT]);
    const bool cut = fault[AVR_FAULT_RESET_CUT] || fault[AVR_FAULT_RUNS_ON];
    const bool reset = cut ? inactive : chip->level[AVR_PIN_RESET];
    see_reset(chip, reset != inactive);
}

void avr_chip_set_pin(struct avr_chip *chip, enum avr_pin pin, bool level, uint64_t now_ns)
{
    advance(chip, now_ns);
    if (pin == AVR_PIN_RESET && level != chip->level[pin] &&
        level != avr_chip_reset_released(chip)) {
        chip->resets_asserted++;
    }
    chip->level[pin] = level;
    update_pins(chip);
}

bool avr_chip_reset_released(const struct avr_chip *chip)
{
    return chip->spec->family != FAMILY_AT89S;
}

bool avr_chip_miso(struct avr_chip *chip, uint64_t now_ns)
{
    advance(chip, now_ns);
    const bool *fault = chip->fault;
    if (fault[AVR_FAULT_MISO_LOW] || fault[AVR_FAULT_MISO_HIGH]) {
        return fault[AVR_FAULT_MISO_HIGH];
    }
    if (fault[AVR_FAULT_ECHO]) {
        return chip->level[AVR_PIN_MOSI];
    }
    if (fault[AVR_FAULT_MISO_OPEN] || fault[AVR_FAULT_SWAPPED]) {
        return floating(chip);
    }
    if (!chip->powered) {
        return false; /* what pulls the line up feeds the chip through its protection diode */
    }
    if (fault[AVR_FAULT_RUNS_ON]) {
        return (avr_random(chip) & 1) != 0;
    }
    if (!chip->driven || !chip->in_reset) {
        return floating(chip);
    }
    return chip->miso;
}

uint8_t avr_chip_transfer(struct avr_chip *chip, uint8_t mosi, uint64_t *now_ns, uint64_t half_ns)
{
    uint8_t miso = 0;
    for (int bit = 7; bit >= 0; bit--) {
        avr_chip_set_pin(chip, AVR_PIN_MOSI, (mosi >> bit & 1) != 0, *now_ns);
        *now_ns += half_ns;
        miso = (uint8_t)(miso << 1 | avr_chip_miso(chip, *now_ns));
        avr_chip_set_pin(chip, AVR_PIN_SCK, true, *now_ns);
        *now_ns += half_ns;
        avr_chip_set_pin(chip, AVR_PIN_SCK, false, *now_ns);
    }
    return miso;
}

void avr_chip_instruction(struct avr_chip *chip, const uint8_t mosi[4], uint8_t miso[4],
                          uint64_t *now_ns, uint64_t half_ns)
{
    for (int i = 0; i < FRAME_SIZE; i++) {
        const uint8_t byte = avr_chip_transfer(chip, mosi[i], now_ns, half_ns);
        if (miso != NULL) {
            miso[i] = byte;
        }
    }
}

void avr_chip_settle(struct avr_chip *chip, uint64_t now_ns)
{
    advance(chip, now_ns);
}

bool avr_chip_in_programming_mode(const struct avr_chip *chip)
{
    return chip->in_reset && chip->enabled;
}

bool avr_chip_busy(struct avr_chip *chip, uint64_t now_ns)
{
    advance(chip, now_ns);
    return chip->operation.kind != OPERATION_NONE;
}

bool avr_chip_running(struct avr_chip *chip, uint64_t now_ns)
{
    advance(chip, now_ns);
    return chip->powered && !chip->in_reset && chip->cpu_hz != 0 &&
           chip->operation.kind == OPERATION_NONE;
}

/* --- Faults --------------------------------------------------------------------------------- */

void avr_chip_set_fault(struct avr_chip *chip, enum avr_fault f, bool on)
{
    chip->fault[f] = on;
    if (f == AVR_FAULT_NO_CLOCK) {
        latch_fuses(chip);
    }
    update_pins(chip);
}

void avr_chip_set_bit_error_rate(struct avr_chip *chip, uint32_t bits)
{
    assert(bits > 0);
    chip->bit_error_rate = bits;
}

void avr_chip_add_bad_cell(struct avr_chip *chip, enum avr_memory m, uint32_t address,
                           uint8_t stuck, uint8_t value, uint8_t unstable)
{
    assert(chip->bad_count < BAD_CELLS_MAX && address < chip->size[m]);
    chip->bad[chip->bad_count++] = (struct bad_cell){
        .memory = m, .address = address, .stuck = stuck, .value = value, .unstable = unstable};
}
