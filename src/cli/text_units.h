/* Durations, speeds and labels as the text sink writes them. */
#ifndef CLI_TEXT_UNITS_H
#define CLI_TEXT_UNITS_H

#include <stdint.h>
#include <stdio.h>

#include "ispflash/event.h"

enum { TEXT_UNIT_SIZE = 32 };

/* "0.04 s", "12.3 s", "2 min 05 s". Returns `out`, of TEXT_UNIT_SIZE bytes. */
const char *text_duration(uint64_t us, char *out);

/* "850 B/s", "3.1 kB/s"; "" when the time is too short to tell. */
const char *text_rate(uint32_t bytes, uint64_t us, char *out);

/* "Writing flash", "Erasing the chip". Returns `out`, of TEXT_UNIT_SIZE bytes. */
const char *text_step(enum step step, const struct memory *memory, char *out);

/* Writes `text` without control characters: a file's name must not steer the terminal. */
void text_put(FILE *stream, const char *text);

#endif
