/* The debug port's and the access port's registers, as ARM's "Debug Interface v5 Architecture
 * Specification" has them, and RW_MISC, which does many single accesses at once. */
#include <string.h>

#include "stlink_private.h"

enum { DEBUG_PORT = 0xffff, DP_DPIDR = 0x0, DP_CTRL_STAT = 0x4, DP_SELECT = 0x8, DP_RDBUFF = 0xc };
enum { AP_CSW = 0x00, AP_TAR = 0x04, AP_DRW = 0x0c, AP_BD0 = 0x10, AP_BD3 = 0x1c };
enum { AP_CFG = 0xf4, AP_BASE = 0xf8, AP_IDR = 0xfc };
enum { STICKYERR = 0x20, ACKS = 0xa0000000, REQUESTS = 0x50000000, DBGSWENABLE = 0x40 };

static unsigned width_of(const struct stlink_dap *dap)
{
    return 1u << (dap->csw & 3);
}

/* CSW's bits 5 and 4: 01 counts TAR up. */
static void count_up(struct stlink_dap *dap)
{
    if ((dap->csw >> 4 & 3) == 1)
        dap->tar = (dap->tar & ~0xfffu) | ((dap->tar + width_of(dap)) & 0xfff);
}

static enum stlink_status keep(struct stlink_model *s, enum stlink_status status)
{
    s->dap.sticky |= status == STLINK_AP_FAULT;
    return status;
}

/* Bytes and half-words are on the lanes that their address says. */
static enum stlink_status read_ap(struct stlink_model *s, uint16_t address, uint32_t *value,
                                  uint64_t *now)
{
    struct stlink_dap *dap = &s->dap;
    uint32_t at = dap->tar;
    enum stlink_status status;
    switch (address) {
    case AP_CSW:
        *value = dap->csw | DBGSWENABLE;
        return STLINK_OK;
    case AP_TAR:
        *value = dap->tar;
        return STLINK_OK;
    case AP_CFG:
        *value = 0;
        return STLINK_OK;
    case AP_BASE:
        *value = 0xe00ff003;
        return STLINK_OK;
    case AP_IDR:
        *value = 0x14770011;
        return STLINK_OK;
    case AP_DRW:
        status = keep(s, stlink_read(s, at, width_of(dap), value, now));
        *value <<= 8 * (at & 3);
        count_up(dap);
        return status;
    default:
        if (address < AP_BD0 || address > AP_BD3)
            return STLINK_BAD_AP;
        return keep(s, stlink_read(s, (at & ~0xfu) | (address & 0xcu), 4, value, now));
    }
}

static enum stlink_status write_ap(struct stlink_model *s, uint16_t address, uint32_t value,
                                   uint64_t *now)
{
    struct stlink_dap *dap = &s->dap;
    const uint32_t at = dap->tar;
    enum stlink_status status;
    switch (address) {
    case AP_CSW:
        dap->csw = value;
        return STLINK_OK;
    case AP_TAR:
        dap->tar = value;
        return STLINK_OK;
    case AP_DRW:
        status = keep(s, stlink_write(s, at, width_of(dap), value >> 8 * (at & 3), now));
        count_up(dap);
        return status;
    default:
        if (address < AP_BD0 || address > AP_BD3)
            return STLINK_BAD_AP;
        return keep(s, stlink_write(s, (at & ~0xfu) | (address & 0xcu), 4, value, now));
    }
}

static enum stlink_status read_dp(struct stlink_model *s, uint16_t address, uint32_t *value,
                                  const uint64_t *now)
{
    struct stlink_dap *dap = &s->dap;
    *value = 0;
    uint32_t dpidr;
    if (stm32_chip_connect(s->chip, &dpidr, *now) != STM32_ACK_OK)
        return STLINK_DP_ERROR;
    switch (address & 0xf) {
    case DP_DPIDR:
        *value = dpidr;
        break;
    case DP_CTRL_STAT: /* what is asked to be powered up is */
        *value = dap->ctrl | ((dap->ctrl & REQUESTS) << 1 & ACKS) | (dap->sticky ? STICKYERR : 0);
        break;
    case DP_RDBUFF:
        *value = dap->rdbuff;
        break;
    default:
        break;
    }
    return STLINK_OK;
}

/* f2 45 p16 r16 */
void stlink_read_dap(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    const uint16_t port = stlink_u16(c + 2), address = stlink_u16(c + 4);
    uint32_t value = 0;
    *now += stlink_swd_ns(s, 2);
    enum stlink_status status;
    if (port == DEBUG_PORT)
        status = read_dp(s, address, &value, now);
    else if (port == 0)
        status = read_ap(s, address, &value, now);
    else
        status = STLINK_OK; /* an access port that is not there reads as 0 */
    s->dap.rdbuff = value;
    uint8_t *reply = stlink_reply(s, 8);
    reply[0] = (uint8_t)status;
    stlink_put_u32(reply + 4, value);
}

/* f2 46 p16 r16 v32 */
void stlink_write_dap(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    const uint16_t port = stlink_u16(c + 2), address = stlink_u16(c + 4);
    const uint32_t value = stlink_u32(c + 6);
    *now += stlink_swd_ns(s, 2);
    enum stlink_status status = STLINK_OK;
    if (port == 0) {
        status = write_ap(s, address, value, now);
    } else if (port == DEBUG_PORT && (address & 0xf) == DP_CTRL_STAT) {
        s->dap.ctrl = value & REQUESTS;
    } else if (port == DEBUG_PORT && (address & 0xf) == DP_DPIDR) { /* ABORT, when written */
        s->dap.sticky = false;
    } else if (port == DEBUG_PORT && (address & 0xf) == DP_SELECT) {
        s->dap.select = value;
    }
    stlink_reply_status(s, status);
}

/* --- RW_MISC -------------------------------------------------------------------------------- */

enum { MISC_ADDRESS = 1, MISC_WRITE = 2, MISC_READ = 3, MISC_PORT = 5 };

/* After the first failure the rest is not done. */
static void do_misc(struct stlink_model *s, uint64_t *now)
{
    struct stlink_misc *m = &s->misc;
    const uint8_t *in = s->incoming.bytes;
    const size_t padded = (m->count + 3) / 4 * 4;
    enum stlink_status status = STLINK_OK;
    *now += STLINK_FIRMWARE_NS;
    for (size_t i = 0; i < m->count; i++) {
        const uint32_t given = stlink_u32(in + padded + 4 * i);
        m->values[i] = 0;
        if (status == STLINK_OK && in[i] == MISC_ADDRESS)
            m->address = given;
        else if (status == STLINK_OK && in[i] == MISC_WRITE)
            status = stlink_write(s, m->address, 4, given, now);
        else if (status == STLINK_OK && in[i] == MISC_READ)
            status = stlink_read(s, given, 4, &m->values[i], now);
        else if (in[i] != MISC_ADDRESS && in[i] != MISC_WRITE && in[i] != MISC_READ &&
                 in[i] != MISC_PORT)
            status = STLINK_BAD_PARAMETER;
        m->statuses[i] = (uint8_t)status;
    }
}

/* f2 51 n32, then n operations, padded to a multiple of four, and n words: where to write, what to
 * write there, where to read, which access port */
void stlink_misc_out(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)now;
    const uint32_t count = stlink_u32(c + 2);
    const uint32_t most = s->version == 3 ? STLINK_MISC_MAX : STLINK_MISC_MAX_V2;
    s->misc.count = count < most ? count : most;
    s->oversized += count > most;
    s->incoming.size = (s->misc.count + 3) / 4 * 4 + 4 * s->misc.count;
    s->incoming.count = 0;
    s->incoming.take = s->incoming.size == 0 ? NULL : do_misc;
}

/* f2 52: of the last f2 51 the n values, then n status words */
void stlink_misc_in(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    const struct stlink_misc *m = &s->misc;
    uint8_t *reply = stlink_reply(s, 8 * m->count);
    for (size_t i = 0; i < m->count; i++) {
        stlink_put_u32(reply + 4 * i, m->values[i]);
        stlink_put_u32(reply + 4 * (m->count + i), m->statuses[i]);
    }
}
