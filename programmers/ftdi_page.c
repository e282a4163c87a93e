#include "ftdi_page.h"

#include "encode.h"

bool ftdi_page_suits(const struct memory *m, uint32_t address, size_t size)
{
    return m->page_size > 0 && m->page_size <= FTDI_PAGE_MAX && m->isp.load[0].present &&
           m->isp.commit.present && address % m->page_size == 0 && size % m->page_size == 0;
}

/* The page buffer is 0xff after each page write, so that words of 0xffff need no loading. Data
 * sheets say so of the parts with RDY/BSY; the oldest are given whole pages. Low byte before high
 * byte: the word enters the buffer with the latter. */
size_t ftdi_page_encode(const struct memory *m, uint32_t address, const uint8_t *data,
                        uint8_t out[FTDI_PAGE_INSTRUCTIONS][4])
{
    const bool words = m->isp.load[1].present;
    const bool may_skip = m->kind == MEMORY_FLASH && m->poll == POLL_READY && words;
    size_t count = 0;
    for (uint32_t i = 0; i < m->page_size; i++) {
        const uint8_t *word = &data[i & ~1u];
        if (may_skip && word[0] == 0xff && word[1] == 0xff)
            continue;
        encode_instruction(&m->isp.load[words ? i & 1 : 0], words ? i / 2 : i, data[i],
                           out[count++]);
    }
    if (count > 0)
        encode_instruction(&m->isp.commit, encode_address(m, address), 0, out[count++]);
    return count;
}

void ftdi_read_encode(const struct memory *m, uint32_t address, uint8_t out[4])
{
    encode_instruction(&m->isp.read[encode_half(m, address)], encode_address(m, address), 0, out);
}
