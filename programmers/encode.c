#include "encode.h"

#include <string.h>

void encode_instruction(const struct isp_command *command, uint32_t address, uint8_t data,
                        uint8_t out[4])
{
    memcpy(out, command->bytes, 4);
    address <<= command->address_shift;
    out[1] |= (uint8_t)(address >> 8);
    out[2] |= (uint8_t)address;
    if (command->map_count == 0)
        out[3] |= data;
    for (uint8_t i = 0; i < command->map_count; i++) {
        const struct bit_map *map = &command->maps[i];
        const int bits = data & map->mask;
        out[map->byte] |= (uint8_t)(map->shift >= 0 ? bits << map->shift : bits >> -map->shift);
    }
}

uint32_t encode_address(const struct memory *m, uint32_t offset)
{
    return m->isp.read[1].present ? offset / 2 : offset;
}

unsigned encode_half(const struct memory *m, uint32_t offset)
{
    return m->isp.read[1].present ? offset & 1 : 0;
}
