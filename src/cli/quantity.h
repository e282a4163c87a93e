/* Numbers as people type them behind options. */
#ifndef CLI_QUANTITY_H
#define CLI_QUANTITY_H

#include <stdint.h>

#include "ispflash/error.h"

/* A whole number from 1 to `limit`, decimal or 0x.... */
MUST_USE enum status quantity_count(const char *text, uint32_t limit, uint32_t *out,
                                    struct error *e);

/* -B: a period in microseconds ("4", "0.5us") or a frequency ("250kHz", "1 M", "125000Hz"). The
 * result is whole Hz. */
MUST_USE enum status quantity_sck(const char *text, uint32_t *hz, struct error *e);

#endif
