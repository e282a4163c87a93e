/* What the readers share: lines, messages with their place, and the record of which line gave which
 * bytes. */
#ifndef FORMATS_READER_H
#define FORMATS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/format.h"

/* One line of a text file, without its end (LF, CRLF or CR). */
struct line {
    const uint8_t *text;
    size_t size;
    size_t number; /* from 1 */
};

struct lines {
    const uint8_t *next, *end;
    size_t number;
};

struct lines lines_of(const uint8_t *data, size_t size); /* passes over a UTF-8 byte order mark */
bool lines_next(struct lines *lines, struct line *line);

/* Cuts blanks from both ends. */
struct line line_trim(struct line line);

/* 0 to 15, or -1. */
int hex_digit(uint8_t character);

/* How many hex digits stand in a row from `at` on. */
size_t hex_count(struct line line, size_t at);

/* Two hex digits; the caller made sure they are there. */
uint8_t hex_byte(const uint8_t *text);

/* STATUS_INPUT, "name:line: what"; line 0 leaves it out. */
enum status input_error(const struct format_input *in, size_t line, struct error *e,
                        const char *format, ...) PRINTF(4, 5);

/* Bytes that stand one after another in the file and in the memory. */
struct record {
    uint32_t address, size;
    size_t line;
};

/* What a reader makes of a file. Addresses are as in the file, or, where files have none, from the
 * memory's base on. */
struct parsed {
    struct image *image;
    struct record *records;
    size_t record_count, record_capacity;
    size_t passed_over, first_passed_over; /* lines that are no record */
    size_t bad_checksums, first_bad_checksum;
    char chip[24]; /* "atmega328p": what the file says it was built for; empty: nothing */
};

MUST_USE enum status parsed_init(struct parsed *p, struct error *e);
void parsed_free(struct parsed *p); /* the image too, unless taken (set to NULL) */

/* Stores bytes that came from `line`. Different ones at the same address are an error that names
 * both lines, unless allowed. */
MUST_USE enum status parsed_put(struct parsed *p, const struct format_input *in, size_t line,
                                uint64_t address, const uint8_t *data, size_t size,
                                struct error *e);

/* The line that gave the byte at `address`; 0 if unknown. */
size_t parsed_line(const struct parsed *p, uint32_t address);

void parsed_pass_over(struct parsed *p, struct line line); /* counts it unless it is empty */

/* The readers. */
MUST_USE enum status ihex_read(const struct format_input *in, struct parsed *p, struct error *e);
MUST_USE enum status srec_read(const struct format_input *in, struct parsed *p, struct error *e);
MUST_USE enum status raw_read(const struct format_input *in, struct parsed *p, struct error *e);
MUST_USE enum status elf_read(const struct format_input *in, struct parsed *p, struct error *e);
MUST_USE enum status numbers_read(const struct format_input *in, struct parsed *p, struct error *e);

/* True if every item of the text is a number, and there is one at least; `*format` receives the
 * notation of the first. */
bool numbers_detect(const uint8_t *data, size_t size, enum format *format);

/* True if the line is, or was meant as, a record. */
bool ihex_looks_like(struct line line);
bool srec_looks_like(struct line line);
bool elf_looks_like(const uint8_t *data, size_t size);

/* Which addresses the bytes of a file have. */
enum addressing {
    ADDRESSING_NONE, /* none: one follows the other from the memory's base on */
    ADDRESSING_ANY,  /* the memory's own, or those of the GNU address map */
    ADDRESSING_MAP   /* those of the GNU address map, where the memory has a place in it */
};

/* Takes what belongs to in->memory out of the file, moved to where the memory begins, and makes
 * sure that it fits, and that the file is not for another chip than in->part. in->memory is not
 * NULL. */
MUST_USE enum status fit_to_memory(const struct format_input *in, struct parsed *p,
                                   enum addressing addressing, struct context *c, struct error *e);

/* The same for all memories of the part; see format_read_multi(). */
MUST_USE enum status fit_to_part(const struct format_input *in, const struct parsed *p,
                                 const struct part *part, struct context *c, struct image **images,
                                 struct error *e);

/* Adds a memory's image to `to`, at the addresses of the GNU address map; *begin receives where the
 * memory begins there. */
MUST_USE enum status map_memory(const struct memory *memory, const struct image *image,
                                struct image *to, uint32_t *begin, struct error *e);

#endif
