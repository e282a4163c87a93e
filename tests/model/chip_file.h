/* Chip memories to and from files, for rigs: Intel HEX (".hex", ".eep") or raw binary. A small
 * reader of the models' own, so that it cannot share a mistake with the program's. */
#ifndef MODEL_CHIP_FILE_H
#define MODEL_CHIP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Puts the file's bytes over `data`; the others stay. Complains on stderr. */
bool chip_file_load(const char *path, uint8_t *data, size_t size);
bool chip_file_save(const char *path, const uint8_t *data, size_t size); /* raw */
/* Is `data` what the file says, and 0xff elsewhere? Names the first difference on stderr. */
bool chip_file_compare(const char *path, const uint8_t *data, size_t size, const char *name);

#endif
