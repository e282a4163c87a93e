/* Names of values beside those of the part files. */
#ifndef FUSES_NAMES_H
#define FUSES_NAMES_H

#include "ispflash/fuses.h"

/* True for letters, digits and _ that are the same but for case. `start`: text may end early. */
bool name_matches(const char *name, const char *text, bool start);

/* "0x2f", "0b11", "12": the whole of `text` is a number. `*value` is UINT32_MAX if it is huge. */
bool name_is_number(const char *text, uint32_t *value);

/* The words for a flag that belong to no single field: on, off, programmed, ... */
bool name_flag_word(const char *text, uint8_t *value);

#endif
