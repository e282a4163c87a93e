/* Pages and bytes of flash and EEPROM as serial programming instructions, for the drivers that line
 * up whole pages. */
#ifndef PROGRAMMERS_FTDI_PAGE_H
#define PROGRAMMERS_FTDI_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/part.h"

enum { FTDI_PAGE_MAX = 512, FTDI_PAGE_INSTRUCTIONS = FTDI_PAGE_MAX + 1 };

/* Whether ftdi_page_encode() can be used for [address, address + size). */
bool ftdi_page_suits(const struct memory *m, uint32_t address, size_t size);

/* The loads of one page and the instruction that programs it; returns how many: 0 if nothing need
 * be done, flash that stays 0xff. */
size_t ftdi_page_encode(const struct memory *m, uint32_t address, const uint8_t *data,
                        uint8_t out[FTDI_PAGE_INSTRUCTIONS][4]);

/* The instruction that reads one byte; the answer is its fourth byte. */
void ftdi_read_encode(const struct memory *m, uint32_t address, uint8_t out[4]);

#endif
