/* The GNU address map as a table. */
#include "address_map.h"

#include <stddef.h>
#include <string.h>

static const struct address_region regions[] = {
    {0x000000, 0x800000, "flash", true},   {0x800000, 0x810000, "RAM", false},
    {0x810000, 0x820000, "eeprom", true},  {0x820000, 0x830000, "fuses", true},
    {0x830000, 0x840000, "lock", true},    {0x840000, 0x850000, "signature", true},
    {0x850000, 0x860000, "usersig", true}, {0x860000, 0x870000, "bootrow", true},
};

/* The fuse bytes stand in the order low, high, extended (avr-libc, <avr/fuse.h>). Parts with one
 * fuse byte have it first. */
static const char *const fuse_names[][2] = {{"lfuse", "fuse"}, {"hfuse", NULL}, {"efuse", NULL}};

const struct address_region *address_map_region(uint32_t address)
{
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++)
        if (address >= regions[i].begin && address < regions[i].end)
            return &regions[i];
    return NULL;
}

static bool fuse_offset(const char *name, uint32_t *offset)
{
    for (size_t i = 0; i < sizeof fuse_names / sizeof fuse_names[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (fuse_names[i][k] != NULL && strcmp(name, fuse_names[i][k]) == 0) {
                *offset = (uint32_t)i;
                return true;
            }
        }
    }
    return false;
}

static bool region_window(uint32_t address, uint32_t *begin, uint32_t *end)
{
    const struct address_region *region = address_map_region(address);
    *begin = region->begin;
    *end = region->end;
    return true;
}

bool address_map_memory(const struct memory *memory, uint32_t *begin, uint32_t *end)
{
    uint32_t offset;
    if (memory->base >= ADDRESS_MAP_DATA) { /* a chip with one address space for everything */
        *begin = memory->base;
        *end = memory->base + memory->size;
        return true;
    }
    switch (memory->kind) {
    case MEMORY_FLASH:
        return region_window(0, begin, end);
    case MEMORY_EEPROM:
        return region_window(ADDRESS_MAP_EEPROM, begin, end);
    case MEMORY_FUSE:
        if (!fuse_offset(memory->name, &offset))
            return false;
        *begin = 0x820000 + offset;
        *end = *begin + 1;
        return true;
    case MEMORY_LOCK:
        return region_window(0x830000, begin, end);
    case MEMORY_SIGNATURE:
        *begin = ADDRESS_MAP_SIGNATURE;
        *end = *begin + memory->size;
        return true;
    case MEMORY_CALIBRATION: /* behind the three signature bytes, as avrdude has it */
        *begin = 0x840003;
        *end = *begin + memory->size;
        return true;
    case MEMORY_USERSIG:
        return region_window(0x850000, begin, end);
    case MEMORY_UID:
        return false;
    }
    return false;
}
