/* An AVR chip model on the programmer's desk, for the model's tests. */
#ifndef MODEL_AVR_BENCH_H
#define MODEL_AVR_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/avr_chip.h"

#define HALF_NS 2600 /* 192 kHz: what a 1 MHz chip follows */

struct desk {
    struct avr_chip *chip;
    uint64_t now;
    uint64_t half_ns;
};

/* The caller frees the chip. */
static inline struct desk desk_with(const char *name, const struct avr_chip_options *options)
{
    return (struct desk){.chip = avr_chip_new(avr_chip_spec(name), options), .half_ns = HALF_NS};
}

static inline struct desk desk_new(const char *name)
{
    return desk_with(name, NULL);
}

/* Returns the fourth answer byte. */
static inline uint8_t send(struct desk *d, uint8_t a, uint8_t b, uint8_t c, uint8_t value)
{
    uint8_t miso[4];
    avr_chip_instruction(d->chip, (const uint8_t[]){a, b, c, value}, miso, &d->now, d->half_ns);
    return miso[3];
}

static inline void wait_ms(struct desk *d, unsigned ms)
{
    d->now += ms * AVR_MS;
}

static inline void pulse_reset(struct desk *d, bool active_level)
{
    avr_chip_set_pin(d->chip, AVR_PIN_RESET, !active_level, d->now);
    d->now += 100 * AVR_US;
    avr_chip_set_pin(d->chip, AVR_PIN_RESET, active_level, d->now);
    wait_ms(d, 21);
}

/* Enters programming mode; true if Programming Enable was echoed. */
static inline bool enter(struct desk *d)
{
    uint8_t miso[4];
    pulse_reset(d, false);
    avr_chip_instruction(d->chip, (const uint8_t[]){0xac, 0x53, 0, 0}, miso, &d->now, d->half_ns);
    return miso[2] == 0x53;
}

static inline void leave(struct desk *d)
{
    avr_chip_set_pin(d->chip, AVR_PIN_RESET, true, d->now);
    wait_ms(d, 1);
    avr_chip_settle(d->chip, d->now);
}

/* The chip's own bytes, finished. */
static inline uint8_t *memory(struct desk *d, enum avr_memory m)
{
    avr_chip_settle(d->chip, d->now);
    return avr_chip_memory(d->chip, m, NULL);
}

static inline void load_word(struct desk *d, uint8_t word, uint8_t low, uint8_t high)
{
    send(d, 0x40, 0, word, low);
    send(d, 0x48, 0, word, high);
}

static inline const struct avr_stats *stats(const struct desk *d)
{
    return avr_chip_stats(d->chip);
}

#endif
