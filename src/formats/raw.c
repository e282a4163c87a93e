/* Raw binary: byte k of the file is byte k of the memory. */
#include "reader.h"

#include "writer.h"

enum status raw_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    const uint32_t base = in->memory != NULL ? in->memory->base : 0;
    return parsed_put(p, in, 0, base, in->data, in->size, e);
}

enum status raw_write(const struct image *image, uint32_t base, struct buffer *b, struct error *e)
{
    if (!image_empty(image) && image_low(image) < base)
        return error_set(e, STATUS_OUTPUT,
                         "data at 0x%x, before the memory begins at 0x%x: not for a raw file",
                         image_low(image), base);
    struct extent extent;
    for (uint64_t at = base; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        buffer_fill(b, 0xff, (size_t)(extent.address - at));
        buffer_append(b, extent.data, extent.size);
    }
    return STATUS_OK;
}
