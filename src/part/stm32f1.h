/* The memories of the STM32F1 as a programmer sees them. */
#ifndef PART_STM32F1_H
#define PART_STM32F1_H

#include "building.h"

/* In the order of listings. Sizes of what does not vary. */
enum {
    STM32F1_FLASH,
    STM32F1_RDP, /* the option bytes, in the order of their addresses */
    STM32F1_USER,
    STM32F1_DATA0,
    STM32F1_DATA1,
    STM32F1_WRP0,
    STM32F1_WRP1,
    STM32F1_WRP2,
    STM32F1_WRP3,
    STM32F1_UID,
    STM32F1_MEMORIES
};
extern const struct memory stm32f1_memories[STM32F1_MEMORIES];

/* What a part file says of an STM32F1; the keys are described in parts/stm32f1.part. */
MUST_USE enum status building_read_stm32f1(struct building *b);

#endif
