/* Boot loaders as data: which chip, which fuse and lock bytes, which file. The built-in ones are
 * parts/bootloaders.ini, through a strict reader. */
#ifndef ISPFLASH_BOOTLOADER_H
#define ISPFLASH_BOOTLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "part.h"

/* A byte that may be left open. */
struct bootloader_byte {
    bool known;
    uint8_t value;
};

/* All strings live as long as the list; those that may be NULL are marked. */
struct bootloader {
    const char *id;           /* "arduino-uno" */
    const char *name;         /* "Arduino UNO" */
    const char *kind;         /* "optiboot" */
    const char *const *parts; /* ids of parts, all of one signature; NULL-terminated */
    struct bootloader_byte lfuse, hfuse, hfuse_no_jtag, efuse, unlock, lock;
    bool has_usb; /* it shows as this USB device */
    uint16_t usb_vendor, usb_product;
    uint32_t clock_hz;         /* of the board; 0: not known */
    uint32_t baud;             /* 0: not known */
    uint32_t application_size; /* bytes left for an application; 0: not known */
    const char *file;          /* customary name of the image; or NULL */
    const char *protocol;      /* what uploads through it: "arduino", "avr109"; or NULL */
    const char *note;          /* or NULL */
    const char *source;
};

struct bootloader_list;

/* The built-in ones. STATUS_INTERNAL if the data is broken. */
MUST_USE enum status bootloaders_open(struct bootloader_list **out, struct error *e);
void bootloaders_close(struct bootloader_list *list); /* takes NULL */

/* Any text of that form, zero-terminated; STATUS_INPUT with "name:line: what". */
MUST_USE enum status bootloaders_read(const char *name, const char *text,
                                      struct bootloader_list **out, struct error *e);

/* Sorted by id. */
size_t bootloader_count(const struct bootloader_list *list);
const struct bootloader *bootloader_at(const struct bootloader_list *list, size_t index);

/* By id, case ignored: exact, else unique start. STATUS_USAGE with the nearest names, or with those
 * that begin like that. */
MUST_USE enum status bootloader_find(const struct bootloader_list *list, const char *id,
                                     const struct bootloader **out, struct error *e);

/* True if it is for the part of that id. */
bool bootloader_is_for(const struct bootloader *b, const char *part_id);

#endif
