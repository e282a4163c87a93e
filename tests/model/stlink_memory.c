/* The ST-Link's accesses of the target, one or a block at a time: a32 is a little-endian address,
 * l16 a length in bytes. */
#include <string.h>

#include "stlink_private.h"

/* Request, turn-around, acknowledge, 32 data bits, parity and idle: ARM Debug Interface v5
 * Architecture Specification, "Serial Wire Debug protocol". */
#define SWD_TRANSFER_BITS 50u
/* TAR does not count beyond these bits on a Cortex-M3: its Technical Reference Manual, "AHB-AP". */
#define TAR_WRAP 0x1000u

enum {
    READ_8 = 0x0c, /* f2 0c a32 l16, and likewise the others */
    WRITE_8 = 0x0d,
    READ_16 = 0x47,
    WRITE_16 = 0x48,
    WRITE_32_SAME = 0x50, /* the address is not counted up */
    READ_32_SAME = 0x54
};

/* --- The target ----------------------------------------------------------------------------- */

uint64_t stlink_swd_ns(const struct stlink_model *s, unsigned transfers)
{
    return transfers * SWD_TRANSFER_BITS * UINT64_C(1000000000) / s->swd_hz;
}

/* A WAIT answer comes after a transfer's request and acknowledge alone, but is followed by an
 * abort or another try; the access that was begun goes on meanwhile. */
static enum stlink_status after(struct stlink_model *s, enum stm32_ack ack, uint64_t start,
                                uint64_t *now)
{
    const uint64_t patience = s->waits * stlink_swd_ns(s, 1);
    if (ack == STM32_ACK_NONE)
        return STLINK_DP_ERROR;
    if (*now > start + patience) {
        *now = start + patience;
        return STLINK_AP_WAIT;
    }
    return ack == STM32_ACK_FAULT ? STLINK_AP_FAULT : STLINK_OK;
}

enum stlink_status stlink_read(struct stlink_model *s, uint32_t address, unsigned width,
                               uint32_t *value, uint64_t *now)
{
    *now += stlink_swd_ns(s, 1);
    const uint64_t start = *now;
    const enum stm32_ack ack = stm32_chip_read(s->chip, address, width, value, now);
    const enum stlink_status status = after(s, ack, start, now);
    if (status != STLINK_OK)
        *value = 0;
    return status;
}

enum stlink_status stlink_write(struct stlink_model *s, uint32_t address, unsigned width,
                                uint32_t value, uint64_t *now)
{
    *now += stlink_swd_ns(s, 1);
    const uint64_t start = *now;
    return after(s, stm32_chip_write(s->chip, address, width, value, now), start, now);
}

/* CSW and TAR before, RDBUFF after. */
void stlink_set_up_access(const struct stlink_model *s, uint64_t *now)
{
    *now += stlink_swd_ns(s, 3);
}

/* --- Memory blocks -------------------------------------------------------------------------- */

static unsigned width_of(uint8_t code)
{
    switch (code) {
    case READ_8:
    case WRITE_8:
        return 1;
    case READ_16:
    case WRITE_16:
        return 2;
    default:
        return 4;
    }
}

static uint32_t next_address(uint32_t address, unsigned width)
{
    return (address & ~(TAR_WRAP - 1)) | ((address + width) & (TAR_WRAP - 1));
}

static bool acceptable(struct stlink_model *s, uint32_t address, size_t size, unsigned width)
{
    const size_t most = width > 1                            ? STLINK_BLOCK_MAX
                        : s->device->speed == USB_SPEED_HIGH ? 512
                                                             : 64;
    if (size <= most && address % width == 0 && size % width == 0)
        return true;
    s->oversized += size > most;
    s->last_status = STLINK_BAD_PARAMETER;
    s->last_address = address;
    return false;
}

void stlink_read_block(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    const unsigned width = width_of(c[1]);
    const bool increment = c[1] != READ_32_SAME;
    uint32_t address = stlink_u32(c + 2);
    const size_t size = stlink_u16(c + 6);
    /* Whatever goes wrong, the bytes come: zeros. A single byte comes as two. */
    const size_t given = size > STLINK_BLOCK_MAX ? STLINK_BLOCK_MAX : size;
    uint8_t *reply = stlink_reply(s, width == 1 && given == 1 ? 2 : given);
    if (!acceptable(s, address, size, width))
        return;
    stlink_set_up_access(s, now);
    s->last_status = STLINK_OK;
    for (size_t i = 0; i < size && s->last_status == STLINK_OK; i += width) {
        uint32_t value;
        s->last_address = address;
        s->last_status = (uint8_t)stlink_read(s, address, width, &value, now);
        for (unsigned j = 0; j < width; j++)
            reply[i + j] = (uint8_t)(value >> 8 * j);
        address = increment ? next_address(address, width) : address;
    }
}

static void write_incoming(struct stlink_model *s, uint64_t *now)
{
    const struct stlink_incoming *in = &s->incoming;
    uint32_t address = in->address;
    *now += STLINK_FIRMWARE_NS;
    stlink_set_up_access(s, now);
    s->last_status = STLINK_OK;
    for (size_t i = 0; i < in->size && s->last_status == STLINK_OK; i += in->width) {
        uint32_t value = 0;
        for (unsigned j = 0; j < in->width; j++)
            value |= (uint32_t)in->bytes[i + j] << 8 * j;
        s->last_address = address;
        s->last_status = (uint8_t)stlink_write(s, address, in->width, value, now);
        address = in->increment ? next_address(address, in->width) : address;
    }
}

static void drop_incoming(struct stlink_model *s, uint64_t *now)
{
    (void)s;
    (void)now;
}

void stlink_write_block(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)now;
    const unsigned width = width_of(c[1]);
    struct stlink_incoming *in = &s->incoming;
    in->address = stlink_u32(c + 2);
    in->size = stlink_u16(c + 6);
    in->count = 0;
    in->width = width;
    in->increment = c[1] != WRITE_32_SAME;
    in->take = acceptable(s, in->address, in->size, width) ? write_incoming : drop_incoming;
    if (in->size > STLINK_BLOCK_MAX)
        in->size = STLINK_BLOCK_MAX;
    if (in->size == 0)
        in->take = NULL;
}
