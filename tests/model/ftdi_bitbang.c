/* The bit-bang modes: AN_232R-01. Every byte written is clocked onto the pins; in the synchronous
 * mode the levels just before that are sent back, and nothing is clocked while there is no room for
 * them. (The samples that the asynchronous mode sends are not modelled.) */
#include "ftdi_private.h"

enum { BAUD_MAX = 3000000 };

/* A byte's time. At any rate but the highest, pulses are irregular: TN_120. Here one byte in eight
 * comes half its time early, and the next one is longer by as much. */
static void byte_time(struct ftdi_engine *e)
{
    const uint64_t rate = (uint64_t)e->baud * e->bitbang_factor;
    const uint64_t sum = e->byte_rest + UINT64_C(1000000000);
    uint64_t ns = sum / rate;
    e->byte_rest = sum % rate;
    if (e->baud != BAUD_MAX && !e->board->high_speed) {
        const unsigned number = e->byte_number++ % 8;
        const uint64_t half = UINT64_C(500000000) / rate;
        if (number == 3)
            ns -= half;
        else if (number == 4)
            ns += half;
    }
    e->ns += ns;
}

bool ftdi_bitbang_step(struct ftdi_engine *e)
{
    const bool synchronous = e->mode == FTDI_SYNC_BITBANG;
    if (e->in.count == 0 || (synchronous && e->out.count == e->out.limit))
        return false;
    const uint8_t next = ftdi_fifo_take(&e->in);
    if (synchronous)
        (void)ftdi_fifo_put(&e->out, (uint8_t)ftdi_read_pins(e));
    e->value = next;
    ftdi_apply_pins(e);
    e->commands++;
    byte_time(e);
    return true;
}
