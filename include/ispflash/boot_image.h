/* Boot loaders as they look in a chip, as data: where one lies, and the CRC-32 of its bytes. The
 * built-in ones are parts/boot-images.ini, through a strict reader. */
#ifndef ISPFLASH_BOOT_IMAGE_H
#define ISPFLASH_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootloader.h"
#include "error.h"

/* All strings live as long as the list; those that may be NULL are marked. */
struct boot_image {
    const char *id;           /* "optiboot-atmega328" */
    const char *what;         /* "optiboot 4.4 of the Arduino IDE" */
    const char *file;         /* as in struct bootloader; or NULL */
    const char *const *parts; /* ids of parts; NULL-terminated */
    uint32_t begin, size;     /* bytes of flash */
    uint32_t crc32;           /* of these bytes, holes as 0xff */
    const char *source;
};

struct boot_image_list;

/* The built-in ones. STATUS_INTERNAL if the data is broken. */
MUST_USE enum status boot_images_open(struct boot_image_list **out, struct error *e);
void boot_images_close(struct boot_image_list *list); /* takes NULL */

/* Any text of that form, zero-terminated; STATUS_INPUT with "name:line: what". */
MUST_USE enum status boot_images_read(const char *name, const char *text,
                                      struct boot_image_list **out, struct error *e);

size_t boot_image_count(const struct boot_image_list *list);
const struct boot_image *boot_image_at(const struct boot_image_list *list, size_t index);

bool boot_image_is_for(const struct boot_image *image, const char *part_id);

/* The first USB device descriptor in these bytes (USB 2.0 specification, table 9-8); false: there
 * is none. */
bool boot_image_usb_id(const uint8_t *bytes, size_t size, uint16_t *vendor, uint16_t *product);

#endif
