/* Serial programming instructions of the AVR and AT89S families as bytes. Pure. */
#ifndef TARGET_AVR_INSTRUCTION_H
#define TARGET_AVR_INSTRUCTION_H

#include <stdint.h>

#include "ispflash/part.h"

/* An instruction that carries an address and no data. `address` is what the data sheet calls for:
 * a word address for flash, else a byte address; its low 16 bits are used. */
void instruction_encode(const struct isp_command *c, uint32_t address, uint8_t mosi[4]);

/* The same with data, each bit where the command's maps want it. */
void instruction_encode_data(const struct isp_command *c, uint32_t address, uint8_t value,
                             uint8_t mosi[4]);

/* The data in an answer; bits that the command does not carry read as 1. */
uint8_t instruction_decode(const struct isp_command *c, const uint8_t miso[4]);

#endif
