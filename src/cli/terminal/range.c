/* Addresses and lengths. */
#include "range.h"

#include <inttypes.h>

#include "core/integer.h"

enum status range_address(const struct memory *m, const char *text, uint32_t *address,
                          struct error *e)
{
    int64_t value = 0;
    TRY(integer_between(text, "address", -(int64_t)m->size, (int64_t)m->size - 1, &value, e));
    *address = (uint32_t)(value < 0 ? value + m->size : value);
    return STATUS_OK;
}

enum status range_parse(const struct memory *m, const char *address, const char *length,
                        enum range_end end, struct range *out, struct error *e)
{
    uint32_t start = 0;
    int64_t size = 0;
    TRY(range_address(m, address, &start, e));
    TRY(integer_between(length, "length", -(int64_t)m->size, INT32_MAX, &size, e));
    if (size < 0)
        size += (int64_t)m->size - start + 1;
    if (size < 0)
        return error_set(e, STATUS_USAGE, "length %s ends before address 0x%" PRIx32, length,
                         start);
    if (end == RANGE_WRAPS && size > m->size)
        size = m->size;
    if (end == RANGE_STOPS && start + size > m->size)
        return error_set(e, STATUS_USAGE,
                         "%" PRId64 " bytes from 0x%" PRIx32 " on run beyond the end of %s "
                         "(0x%" PRIx32 ")",
                         size, start, m->name, m->size - 1);
    *out = (struct range){.start = start, .size = (uint32_t)size};
    return STATUS_OK;
}
