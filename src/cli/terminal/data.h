/* The data of `write`: numbers, characters, strings and files, each as the bytes it stands for. */
#ifndef CLI_TERMINAL_DATA_H
#define CLI_TERMINAL_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"
#include "ispflash/format.h"
#include "ispflash/image.h"
#include "ispflash/part.h"

/* For what memory, and what else files need. All is borrowed. */
struct data_place {
    const struct part *part;
    const struct memory *memory;
    struct context *context;
    unsigned allow; /* enum format_allowance */
};

enum data_kind { DATA_NUMBER, DATA_CHARACTER, DATA_STRING, DATA_FILE };

struct data {
    enum data_kind kind;
    struct image *image; /* from address 0 on; a file may leave holes */
    uint32_t size;       /* bytes it takes, holes included */
};

/* Reads one word:
 *     12 -1 0x2a 012 0b11 10U 7LL    whole numbers, see core/integer.h
 *     1.5 2e3F 3.14D 0xA.8p2         floating point, 4 bytes, with D 8
 *     'c' '\n'                       a character
 *     "text\n"                       a string, with a zero behind it
 *     FILE FILE:FMT                  a file for that memory
 * All numbers have their low byte first; a comma behind the word counts for nothing. STATUS_USAGE
 * for what is none of it, STATUS_INPUT for a bad file. The caller frees it with data_free(). */
MUST_USE enum status data_parse(const char *word, const struct data_place *place, struct data *out,
                                struct error *e);
void data_free(struct data *data); /* takes a zeroed one */

/* What the words stand for, one behind the other from `address` of the memory on (an offset); a
 * comma of its own is passed over. `fill` is how many bytes the last one is repeated to make up,
 * and more than that is cut; 0: no more and no less than there is. STATUS_USAGE if it is more than
 * the memory holds. */
MUST_USE enum status data_image(char *const *words, size_t count, const struct data_place *place,
                                uint32_t address, uint32_t fill, struct image *into,
                                struct error *e);

/* FILE[:FMT]: a format is there if the last character but one is a colon with something before it.
 * `*file` is without quotes, and the caller's to free; `*format` stays as it is where none is
 * given. STATUS_USAGE for a letter that is no format. */
MUST_USE enum status data_split_file(const char *word, char **file, enum format *format,
                                     struct error *e);

#endif
