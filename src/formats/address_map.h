/* Where the memories of an AVR stand in the one address space of the GNU tools (binutils' AVR
 * linker scripts: MEMORY and the .eeprom, .fuse, .lock, .signature, .user_signatures sections).
 * Object files and HEX files made from them use it. */
#ifndef FORMATS_ADDRESS_MAP_H
#define FORMATS_ADDRESS_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "ispflash/part.h"

enum {
    ADDRESS_MAP_DATA = 0x800000, /* RAM and registers; everything below is flash */
    ADDRESS_MAP_EEPROM = 0x810000,
    ADDRESS_MAP_SIGNATURE = 0x840000
};

/* One kind of memory's window, [begin, end). */
struct address_region {
    uint32_t begin, end;
    const char *name;  /* as a user types it, or what it is */
    bool programmable; /* false: RAM */
};

/* The window that holds `address`, or NULL: beyond all of them. */
const struct address_region *address_map_region(uint32_t address);

/* The window of one memory; within the fuses, of one fuse byte. False: it has none. */
bool address_map_memory(const struct memory *memory, uint32_t *begin, uint32_t *end);

#endif
