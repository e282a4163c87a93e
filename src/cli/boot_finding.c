/* Which boot loader it is: byte for byte by the CRC-32 of its image, else by the USB device
 * descriptor in it. */
#include "boot_finding.h"

#include <string.h>

#include "sums.h"

bool boot_range_is_blank(const struct image *flash, uint32_t begin, uint32_t end)
{
    struct extent extent;
    for (uint64_t at = begin; image_next(flash, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size)
        for (uint32_t i = 0; i < extent.size && extent.address + i < end; i++)
            if (extent.data[i] != 0xff)
                return false;
    return true;
}

static bool is_for_one(const struct boot_question *q, const struct boot_image *image)
{
    for (size_t i = 0; i < q->part_count; i++)
        if (boot_image_is_for(image, q->parts[i]->id))
            return true;
    return false;
}

bool boot_region(const struct boot_question *q, const struct boot_finding *b, uint32_t *begin,
                 uint32_t *end)
{
    const struct memory *flash = part_memory(q->parts[0], MEMORY_FLASH);
    *end = flash->base + flash->size;
    *begin = b->section ? b->begin : *end;
    for (size_t i = 0; i < boot_image_count(q->images); i++) {
        const struct boot_image *image = boot_image_at(q->images, i);
        if (is_for_one(q, image) && image->begin < *begin)
            *begin = image->begin;
    }
    return *begin < *end;
}

static uint32_t crc_of(const struct boot_question *q, uint32_t begin, uint32_t size)
{
    struct sums sums = {0};
    (void)sums_of(q->flash, begin, (uint64_t)begin + size, &sums);
    return sums.crc32;
}

static void find_image(const struct boot_question *q, struct boot_finding *b)
{
    for (size_t i = 0; i < boot_image_count(q->images) && b->image == NULL; i++) {
        const struct boot_image *image = boot_image_at(q->images, i);
        if (is_for_one(q, image) && crc_of(q, image->begin, image->size) == image->crc32)
            b->image = image;
    }
    if (b->image != NULL && !b->section) {
        b->begin = b->image->begin;
        b->end = b->image->begin + b->image->size;
    }
}

/* From the first to the last byte that is no 0xff. */
static void find_extent(const struct boot_question *q, struct boot_finding *b)
{
    uint32_t first = b->begin, end = b->end;
    while (first < end && boot_range_is_blank(q->flash, first, first + 1))
        first++;
    while (end > first && boot_range_is_blank(q->flash, end - 1, end))
        end--;
    b->held = first < end;
    b->first = first;
    b->size = end - first;
    b->crc32 = b->held ? crc_of(q, b->first, b->size) : 0;
}

static void find_usb(const struct boot_question *q, struct boot_finding *b)
{
    uint8_t bytes[8192]; /* the largest boot section */
    const uint32_t size = b->end - b->begin < sizeof bytes ? b->end - b->begin : sizeof bytes;
    (void)image_copy(q->flash, b->begin, bytes, size, 0xff);
    b->has_usb = boot_image_usb_id(bytes, size, &b->usb_vendor, &b->usb_product);
}

/* By the file of the image, else by the USB id. */
static bool is_loader(const struct boot_finding *b, const struct bootloader *l)
{
    if (b->image != NULL && b->image->file != NULL)
        return l->file != NULL && strcmp(l->file, b->image->file) == 0;
    return b->has_usb && l->has_usb && l->usb_vendor == b->usb_vendor &&
           l->usb_product == b->usb_product;
}

static void find_loaders(const struct boot_question *q, struct boot_finding *b)
{
    for (size_t i = 0; i < bootloader_count(q->loaders); i++) {
        const struct bootloader *l = bootloader_at(q->loaders, i);
        if (bootloader_is_for(l, q->parts[0]->id) && is_loader(b, l) &&
            b->loader_count < LOADERS_MAX)
            b->loaders[b->loader_count++] = l;
    }
}

void boot_recognise(const struct boot_question *q, struct boot_finding *b)
{
    find_image(q, b);
    if (!b->section && b->image == NULL)
        return;
    find_extent(q, b);
    find_usb(q, b);
    find_loaders(q, b);
}
