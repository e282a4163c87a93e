/* Which boot loader is in a chip, if it is one that is known. Pure. */
#ifndef CLI_BOOT_FINDING_H
#define CLI_BOOT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/boot_image.h"
#include "ispflash/bootloader.h"
#include "ispflash/image.h"
#include "ispflash/part.h"

enum { LOADERS_MAX = 24 };

/* What lies in the boot section, or where a known boot loader lies. */
struct boot_finding {
    bool section;                   /* begin and end are those that the fuses select */
    uint32_t begin, end;            /* byte addresses; `end` is one past the last */
    bool held;                      /* it holds something: */
    uint32_t first, size, crc32;    /* from the first to the last byte that is not 0xff */
    const struct boot_image *image; /* known byte for byte; NULL: not */
    bool has_usb;                   /* a USB device descriptor is in it */
    uint16_t usb_vendor, usb_product;
    const struct bootloader *loaders[LOADERS_MAX]; /* as `burn` knows them */
    size_t loader_count;
};

/* What a boot loader is looked for with; all borrowed. */
struct boot_question {
    const struct boot_image_list *images;
    const struct bootloader_list *loaders;
    const struct part *const *parts; /* those that the chip may be */
    size_t part_count;
    const struct image *flash;
};

/* What of flash has to be read for it: the boot section, if b->section (then with begin and end),
 * and what the images for these parts cover, to the end. False: nothing. */
bool boot_region(const struct boot_question *q, const struct boot_finding *b, uint32_t *begin,
                 uint32_t *end);

/* Fills in the rest; that region of flash is known. */
void boot_recognise(const struct boot_question *q, struct boot_finding *b);

/* True if what is known of [begin, end) is all 0xff. */
bool boot_range_is_blank(const struct image *flash, uint32_t begin, uint32_t end);

#endif
