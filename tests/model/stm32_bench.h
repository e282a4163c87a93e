/* An STM32F1 model and a clock, and words of its registers, for the model's tests. */
#ifndef MODEL_STM32_BENCH_H
#define MODEL_STM32_BENCH_H

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "stm32_chip.h"

#define KEYR 0x40022004u
#define OPTKEYR 0x40022008u
#define SR 0x4002200cu
#define CR 0x40022010u
#define AR 0x40022014u
#define OBR 0x4002201cu
#define WRPR 0x40022020u
#define KEY1 0x45670123u
#define KEY2 0xcdef89abu
#define FLASH 0x08000000u
#define OPTIONS 0x1ffff800u
#define SRAM 0x20000000u
#define CFSR 0xe000ed28u
#define HFSR 0xe000ed2cu
#define DFSR 0xe000ed30u
#define AIRCR 0xe000ed0cu
#define DHCSR 0xe000edf0u
#define DCRSR 0xe000edf4u
#define DCRDR 0xe000edf8u
#define DEMCR 0xe000edfcu
#define HALTED 0x20000u

enum { BSY = 1, PGERR = 4, WRPRTERR = 0x10, EOP = 0x20, LOCK = 0x80 };

struct bench {
    struct stm32_chip *chip;
    uint64_t now;
};

static inline struct bench bench_new(const char *part)
{
    return (struct bench){.chip = stm32_chip_new(stm32_chip_spec(part), NULL)};
}

static inline enum stm32_ack get(struct bench *b, uint32_t address, unsigned size, uint32_t *value)
{
    b->now += 10 * STM32_US;
    return stm32_chip_read(b->chip, address, size, value, &b->now);
}

static inline uint32_t word(struct bench *b, uint32_t address)
{
    uint32_t value;
    assert_int_equal(get(b, address, 4, &value), STM32_ACK_OK);
    return value;
}

static inline enum stm32_ack put(struct bench *b, uint32_t address, unsigned size, uint32_t value)
{
    b->now += 10 * STM32_US;
    return stm32_chip_write(b->chip, address, size, value, &b->now);
}

static inline void set(struct bench *b, uint32_t address, uint32_t value)
{
    assert_int_equal(put(b, address, 4, value), STM32_ACK_OK);
}

static inline void unlock(struct bench *b)
{
    set(b, KEYR, KEY1);
    set(b, KEYR, KEY2);
    assert_int_equal(word(b, CR) & LOCK, 0);
}

static inline void wait_ready(struct bench *b)
{
    while ((word(b, SR) & BSY) != 0)
        b->now += STM32_MS;
}

/* The value of a line of the dump; 0 where it is not there. */
static inline unsigned long dumped(struct bench *b, const char *name)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    stm32_chip_settle(b->chip, b->now);
    stm32_chip_dump(b->chip, file);
    fclose(file);
    const char *at = strstr(text, name);
    const unsigned long value = at == NULL ? 0 : strtoul(at + strlen(name), NULL, 0);
    free(text);
    return value;
}

static inline uint8_t *flash(struct bench *b)
{
    size_t size;
    return stm32_chip_memory(b->chip, "flash", &size);
}

static inline void halt(struct bench *b)
{
    set(b, DHCSR, 0xa05f0003);
    assert_int_equal(word(b, DHCSR) & HALTED, HALTED);
}

#endif
