/* Serial programming instructions as bytes.
 * Sources: ATmega328P data sheet, "Serial Downloading", Serial Programming Instruction Set; data
 * sheets of the AT90S and AT89S parts, same chapter, where fuse and lock bits travel elsewhere than
 * in the fourth byte. */
#include "instruction.h"

#include <string.h>

void instruction_encode(const struct isp_command *c, uint32_t address, uint8_t mosi[4])
{
    const uint32_t shifted = address << c->address_shift;
    memcpy(mosi, c->bytes, 4);
    mosi[1] = (uint8_t)(mosi[1] | (shifted >> 8 & 0xff));
    mosi[2] = (uint8_t)(mosi[2] | (shifted & 0xff));
}

static uint8_t shift_left(uint8_t bits, int by)
{
    return (uint8_t)(by >= 0 ? bits << by : bits >> -by);
}

void instruction_encode_data(const struct isp_command *c, uint32_t address, uint8_t value,
                             uint8_t mosi[4])
{
    instruction_encode(c, address, mosi);
    if (c->map_count == 0)
        mosi[3] = value;
    for (uint8_t i = 0; i < c->map_count; i++) {
        const struct bit_map *map = &c->maps[i];
        mosi[map->byte] |= shift_left(value & map->mask, map->shift);
    }
}

uint8_t instruction_decode(const struct isp_command *c, const uint8_t miso[4])
{
    if (c->map_count == 0)
        return miso[3];
    uint8_t value = 0, carried = 0;
    for (uint8_t i = 0; i < c->map_count; i++) {
        const struct bit_map *map = &c->maps[i];
        value |= shift_left(miso[map->byte], -map->shift) & map->mask;
        carried |= map->mask;
    }
    return (uint8_t)(value | (uint8_t)~carried);
}
