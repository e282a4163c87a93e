/* Serial programming instructions from the data of a part. */
#ifndef PROGRAMMERS_ENCODE_H
#define PROGRAMMERS_ENCODE_H

#include <stdint.h>

#include "ispflash/part.h"

/* `command` with its address (word address for flash with two reads, else byte address) in bytes 1
 * and 2, and data where the command wants it. */
void encode_instruction(const struct isp_command *command, uint32_t address, uint8_t data,
                        uint8_t out[4]);

/* The address an instruction of flash or EEPROM carries for byte `offset` of the memory: it counts
 * from the memory's own beginning. */
uint32_t encode_address(const struct memory *m, uint32_t offset);

/* Which of a pair of commands reaches that byte: [1] is the high byte of a word. */
unsigned encode_half(const struct memory *m, uint32_t offset);

#endif
