/* From the addresses of a file to those of one memory.
 *
 * A file is plain, its addresses being those of the memory it is for, unless something in it lies
 * at or above 0x800000: then it follows the GNU address map, and each memory takes what lies in its
 * window. So an EEPROM file may begin at 0 or at 0x810000. */
#include "reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "address_map.h"

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* The text for a person of what lies in other windows: "16 bytes for eeprom, 3 for fuses". */
struct left_out {
    char text[160];
    uint32_t bytes;
};

static void left_out_add(struct left_out *l, const char *name, uint32_t bytes)
{
    const size_t used = strlen(l->text);
    l->bytes += bytes;
    (void)snprintf(l->text + used, sizeof l->text - used, "%s%" PRIu32 "%s for %s",
                   used == 0 ? "" : ", ", bytes, used == 0 ? (bytes == 1 ? " byte" : " bytes") : "",
                   name);
}

/* How many bytes of the image lie in [begin, end). */
static uint32_t count_bytes(const struct image *image, uint64_t begin, uint64_t end)
{
    uint32_t bytes = 0;
    struct extent extent;
    for (uint64_t at = begin; image_next(image, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size) {
        const uint64_t left = end - extent.address;
        bytes += extent.size < left ? extent.size : (uint32_t)left;
    }
    return bytes;
}

/* Lists what lies in windows other than [begin, end), region by region. RAM and addresses beyond
 * the map are errors: nothing could ever be programmed there. */
static enum status list_others(const struct format_input *in, const struct parsed *p,
                               uint32_t begin, uint32_t end, struct left_out *l, struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; image_next(p->image, at, &extent);) {
        const struct address_region *region = address_map_region(extent.address);
        const size_t line = parsed_line(p, extent.address);
        if (region == NULL)
            return input_error(in, line, e, "data at 0x%" PRIx32 ", beyond every memory",
                               extent.address);
        if (!region->programmable) {
            (void)input_error(in, line, e,
                              "data for RAM at 0x%" PRIx32 ", which cannot be programmed",
                              extent.address);
            error_hint(e, "was the file made with virtual instead of load addresses?");
            return e->code;
        }
        uint32_t bytes = count_bytes(p->image, region->begin, region->end);
        if (begin >= region->begin && begin < region->end)
            bytes -= count_bytes(p->image, begin, end);
        if (bytes > 0)
            left_out_add(l, region->name, bytes);
        at = region->end;
    }
    return STATUS_OK;
}

/* Copies [begin, end) of `from`, moved so that `begin` comes to lie at `base`. */
static enum status move_window(const struct image *from, uint32_t begin, uint32_t end,
                               uint32_t base, struct image *to, struct error *e)
{
    struct extent extent;
    for (uint64_t at = begin; image_next(from, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size) {
        const uint32_t left = end - extent.address;
        TRY(image_put(to, extent.address - begin + base, extent.data,
                      extent.size < left ? extent.size : left, IMAGE_OVERLAP_SAME, NULL, e));
    }
    return STATUS_OK;
}

/* Replaces the file's image by the memory's part of it. `*shift` receives by how much it was moved
 * down. Flash has the same addresses in the map, also where it does not begin at 0. */
static enum status take_window(const struct format_input *in, struct parsed *p, uint32_t *shift,
                               struct context *c, struct error *e)
{
    const struct memory *memory = in->memory;
    uint32_t begin, end;
    if (!address_map_memory(memory, &begin, &end))
        return input_error(in, 0, e, "follows the GNU address map, in which %s has no place",
                           memory->name);
    struct left_out others = {{0}, 0};
    TRY(list_others(in, p, begin, end, &others, e));
    const uint32_t base = memory->kind == MEMORY_FLASH ? begin : memory->base;
    struct image *own = image_new();
    if (own == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", in->name);
    const enum status status = move_window(p->image, begin, end, base, own, e);
    if (status != STATUS_OK || image_empty(own)) {
        image_free(own);
        TRY(status);
        return input_error(in, 0, e, "nothing for %s in it, only %s", memory->name, others.text);
    }
    image_free(p->image);
    p->image = own;
    *shift = begin - base;
    if (others.bytes > 0)
        context_log(c, LOG_NOTE, "%s: only what is for %s is used; left out: %s", in->name,
                    memory->name, others.text);
    return STATUS_OK;
}

/* Everything in [base, base + size), or an error that says by how much it is not. `shift`: file
 * address minus image address, so that the line can be found. */
static enum status check_bounds(const struct format_input *in, const struct parsed *p,
                                bool addressed, uint32_t shift, struct error *e)
{
    const struct memory *memory = in->memory;
    const uint64_t end = (uint64_t)memory->base + memory->size;
    if (image_empty(p->image))
        return STATUS_OK;
    const uint32_t low = image_low(p->image);
    const uint64_t over = image_end(p->image) > end ? image_end(p->image) - end : 0;
    if (over > 0 && !addressed)
        return input_error(
            in, 0, e, "%" PRIu32 " byte%s, but %s has %" PRIu32 " (%" PRIu64 " too many)",
            image_bytes(p->image), plural(image_bytes(p->image)), memory->name, memory->size, over);
    if (low < memory->base) {
        (void)input_error(in, parsed_line(p, low + shift), e,
                          "data at 0x%" PRIx32 ", but %s begins at 0x%" PRIx32, low, memory->name,
                          memory->base);
        if (memory->kind == MEMORY_FLASH && memory->base >= ADDRESS_MAP_DATA)
            error_hint(e, "is it for another chip, or linked to 0? a raw binary (`:r`) has no "
                          "addresses and begins where flash does");
        return e->code;
    }
    if (over == 0)
        return STATUS_OK;
    struct extent first = {0};
    (void)image_next(p->image, end, &first);
    return input_error(in, parsed_line(p, first.address + shift), e,
                       "%s 0x%" PRIx64 ", but %s ends at 0x%" PRIx64 " (%" PRIu32
                       " bytes): %" PRIu64 " byte%s too far",
                       low >= end ? "the data begin beyond the memory and run to" : "data up to",
                       image_end(p->image) - 1, memory->name, end - 1, memory->size, over,
                       plural(over));
}

/* A file that follows the map may say which chip it is for. */
static enum status check_signature(const struct format_input *in, const struct parsed *p,
                                   const struct part *part, struct context *c, struct error *e)
{
    uint8_t found[3];
    char text[120];
    if (part == NULL || image_copy(p->image, ADDRESS_MAP_SIGNATURE, found, 3, 0) != 3 ||
        memcmp(found, part->signature, 3) == 0)
        return STATUS_OK;
    (void)snprintf(text, sizeof text,
                   "the signature in it is %02x %02x %02x, but the %s has %02x %02x %02x", found[0],
                   found[1], found[2], part->name, part->signature[0], part->signature[1],
                   part->signature[2]);
    if ((in->allow & FORMAT_ALLOW_OTHER_CHIP) != 0) {
        context_log(c, LOG_NOTE, "%s: %s", in->name, text);
        return STATUS_OK;
    }
    (void)input_error(in, 0, e, "is for another chip: %s", text);
    error_hint(e, "if it is right all the same: --allow signature-mismatch");
    return e->code;
}

enum status fit_to_memory(const struct format_input *in, struct parsed *p,
                          enum addressing addressing, struct context *c, struct error *e)
{
    uint32_t shift = 0;
    const bool mapped = addressing == ADDRESSING_MAP ||
                        (addressing == ADDRESSING_ANY && image_end(p->image) > ADDRESS_MAP_DATA);
    if (mapped && in->memory->base < ADDRESS_MAP_DATA) {
        TRY(check_signature(in, p, in->part, c, e));
        TRY(take_window(in, p, &shift, c, e));
    }
    return check_bounds(in, p, addressing != ADDRESSING_NONE, shift, e);
}

/* --- several memories ----------------------------------------------------------------------- */

/* Flash has the same addresses in the map, also where it does not begin at 0. */
static uint32_t base_in_map(const struct memory *memory, uint32_t begin)
{
    return memory->kind == MEMORY_FLASH ? begin : memory->base;
}

static enum status take_memory(const struct format_input *in, const struct parsed *p,
                               const struct memory *memory, struct image **out, struct error *e)
{
    uint32_t begin, end;
    *out = NULL;
    if (!address_map_memory(memory, &begin, &end) || count_bytes(p->image, begin, end) == 0)
        return STATUS_OK;
    struct format_input own = *in;
    struct parsed part = *p;
    const uint32_t base = base_in_map(memory, begin);
    own.memory = memory;
    part.image = image_new();
    if (part.image == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", in->name);
    enum status status = move_window(p->image, begin, end, base, part.image, e);
    if (status == STATUS_OK)
        status = check_bounds(&own, &part, true, begin - base, e);
    if (status != STATUS_OK) {
        image_free(part.image);
        return status;
    }
    *out = part.image;
    return STATUS_OK;
}

/* Bytes of memories that this part has not got. */
static void note_left_out(const struct format_input *in, const struct parsed *p,
                          const struct part *part, struct image *const *images, struct context *c)
{
    uint32_t left = image_bytes(p->image);
    for (size_t i = 0; i < part->memory_count; i++)
        left -= images[i] != NULL ? image_bytes(images[i]) : 0;
    if (left > 0)
        context_log(c, LOG_NOTE,
                    "%s: %" PRIu32 " byte%s for memories that the %s does not have; left out",
                    in->name, left, plural(left), part->name);
}

enum status fit_to_part(const struct format_input *in, const struct parsed *p,
                        const struct part *part, struct context *c, struct image **images,
                        struct error *e)
{
    struct left_out everything = {{0}, 0};
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    const bool mapped = flash == NULL || flash->base < ADDRESS_MAP_DATA;
    enum status status =
        mapped ? list_others(in, p, UINT32_MAX, UINT32_MAX, &everything, e) : STATUS_OK;
    if (status == STATUS_OK && mapped)
        status = check_signature(in, p, part, c, e);
    for (size_t i = 0; i < part->memory_count; i++) {
        images[i] = NULL;
        if (status == STATUS_OK)
            status = take_memory(in, p, &part->memories[i], &images[i], e);
    }
    if (status == STATUS_OK)
        note_left_out(in, p, part, images, c);
    for (size_t i = 0; i < part->memory_count && status != STATUS_OK; i++) {
        image_free(images[i]);
        images[i] = NULL;
    }
    return status;
}

enum status map_memory(const struct memory *memory, const struct image *image, struct image *to,
                       uint32_t *begin, struct error *e)
{
    uint32_t window, end;
    struct extent extent;
    if (!address_map_memory(memory, &window, &end))
        return error_set(e, STATUS_USAGE, "%s has no place in the GNU address map", memory->name);
    const uint32_t shift = window - base_in_map(memory, window);
    *begin = memory->base + shift;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        TRY(image_put(to, extent.address + shift, extent.data, extent.size, IMAGE_OVERLAP_SAME,
                      NULL, e));
    return STATUS_OK;
}
