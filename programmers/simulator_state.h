/* A simulated chip as a text file, to be kept from run to run, read, edited and compared:
 *
 *   [chip]
 *   version = 1
 *   part    = atmega328p
 *
 *   [lfuse]
 *   0x0000 = 62
 *
 *   [flash]
 *   0x0000 = 0c 94 34 00 0c 94 51 00 0c 94 51 00 0c 94 51 00
 *
 * One section a memory, under its name and in any order; a row is an address (of its first byte,
 * offset in the memory) and 1 to 16 bytes in hex; rows ascend. What no row names is 0xff, and in
 * memories of one byte, the signature and the calibration bytes as the factory left it. Comments
 * are lines that begin with #. */
#ifndef PROGRAMMERS_SIMULATOR_STATE_H
#define PROGRAMMERS_SIMULATOR_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "simulator_chip.h"

enum { SIM_PART_NAME_SIZE = 48 };

/* The part a file (zero-terminated text) is about; checks all but the memories. Errors of both are
 * "name:line: what" with STATUS_INPUT. */
MUST_USE enum status sim_state_part(const char *name, const char *text,
                                    char part[SIM_PART_NAME_SIZE], struct error *e);

/* Puts the bytes into a factory-fresh chip of that part. */
MUST_USE enum status sim_state_load(const char *name, const char *text, struct chip *chip,
                                    struct error *e);

/* The chip as such a text (malloc, the caller's to free). */
MUST_USE enum status sim_state_save(struct chip *chip, char **text, size_t *size, struct error *e);

#endif
