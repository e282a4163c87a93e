/* File formats: bytes in memory to and from images. Readers take a buffer and a name, never a path,
 * and report "name:line: what" with STATUS_INPUT. */
#ifndef ISPFLASH_FORMAT_H
#define ISPFLASH_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "error.h"
#include "image.h"
#include "part.h"

/* The letters of -U. */
enum format {
    FORMAT_AUTO = 'a',
    FORMAT_IHEX = 'i',
    FORMAT_IHEX_COMMENTS = 'I',
    FORMAT_SREC = 's',
    FORMAT_RAW = 'r',
    FORMAT_ELF = 'e',
    FORMAT_IMMEDIATE = 'm',
    FORMAT_HEX = 'h',
    FORMAT_DECIMAL = 'd',
    FORMAT_OCTAL = 'o',
    FORMAT_BINARY = 'b',
    FORMAT_ROMAN = 'R'
};

/* Allowances a person may still want to grant, by --allow NAME. */
enum format_allowance {
    FORMAT_ALLOW_NO_END = 1 << 0,         /* "no-end-record": HEX or S-record that is cut short */
    FORMAT_ALLOW_DATA_AFTER_END = 1 << 1, /* "data-after-end" */
    FORMAT_ALLOW_OVERLAP = 1 << 2,        /* "overlap": the later record wins */
    FORMAT_ALLOW_OTHER_CHIP = 1 << 3      /* the signature in the file is not the part's */
};

struct format_input {
    const char *name; /* for messages: the file's name, "-" or "-U argument" */
    const uint8_t *data;
    size_t size;
    enum format format;
    const struct memory *memory; /* limits; NULL: not known yet, so only the syntax is checked */
    const struct part *part;     /* whose memory that is; NULL: not known, so that what the file
                                    says of its chip is not looked at */
    unsigned allow;              /* enum format_allowance */
};

struct format_result {
    struct image *image; /* the caller's to free */
    enum format format;  /* what AUTO found */
};

/* True for a letter of -U; `name` (may be NULL) receives "Intel HEX" and the like. */
bool format_known(char letter, const char **name);

/* True if format_write() can render it: all but auto, ELF and immediate. */
bool format_writable(enum format format);

/* Content decides; the name only helps the message. STATUS_INPUT if nothing fits. */
MUST_USE enum status format_detect(const struct format_input *in, enum format *out,
                                   struct error *e);

/* Parses. Image addresses run from memory->base on. Data beyond `memory` is STATUS_INPUT and says
 * by how much; a file of nothing but an end record, and empty immediate data, give an empty image.
 * A file that follows the GNU address map (eeprom at 0x810000, fuses at 0x820000, lock at
 * 0x830000), as ELF files always do, is read where `memory` lies in it; a signature in it
 * (0x840000) must be that of `part`. Notes (format chosen, text passed over, bytes that belong to
 * other memories) go to the context, but only when `memory` is given: without it this is a check.
 */
MUST_USE enum status format_read(const struct format_input *in, struct context *c,
                                 struct format_result *out, struct error *e);

/* Renders `image` as a new buffer (malloc, the caller's to free). `memory` (may be NULL: base 0)
 * tells where raw files and number lists begin, and the name for comments. Raw fills holes with
 * 0xff; the number formats want an image without holes. STATUS_USAGE: cannot be written. */
MUST_USE enum status format_write(enum format format, const struct image *image,
                                  const struct memory *memory, uint8_t **out, size_t *size,
                                  struct error *e);

/* --- several memories in one file ----------------------------------------------------------- */

/* Takes a file apart by the GNU address map (flash 0, eeprom 0x810000, fuses 0x820000, lock
 * 0x830000, signature 0x840000, calibration 0x840003): images[i] receives what is for
 * part->memories[i], NULL where there is nothing; the caller frees them. `in->memory` is not looked
 * at. STATUS_INPUT for data beyond a memory, for RAM, or in a format without addresses. Bytes for
 * memories that other parts have are left out with a note. */
MUST_USE enum status format_read_multi(const struct format_input *in, const struct part *part,
                                       struct context *c, struct image **images, struct error *e);

/* Renders several memories as one file with that map: Intel HEX and S-record. */
MUST_USE enum status format_write_multi(enum format format, const struct memory_image *list,
                                        size_t count, uint8_t **out, size_t *size, struct error *e);

/* What the end of a file's name promises (.hex, .eep, .s19, .elf, ...); FORMAT_AUTO: nothing. */
enum format format_by_name(const char *name);

/* --- files: whole or not at all ------------------------------------------------------------- */

/* Reads a whole file, or standard input for "-". *data is malloc'd; STATUS_INPUT says which of
 * missing, unreadable, a directory or empty it is. */
MUST_USE enum status file_read(const char *path, uint8_t **data, size_t *size, struct error *e);

/* An output that appears under its name only when it is complete: a temporary file beside it,
 * synced and renamed by output_commit(). "-" is standard output and devices (/dev/null) are written
 * in place. */
struct output;
MUST_USE enum status output_open(const char *path, struct output **out, struct error *e);
MUST_USE enum status output_commit(struct output *o, const uint8_t *data, size_t size,
                                   struct error *e); /* may be called once */
void output_close(struct output *o); /* without a commit: nothing is left behind; takes NULL */

#endif
