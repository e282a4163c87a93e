/* Sums over the bytes of an image, as a raw file would have them. */
#ifndef CLI_SUMS_H
#define CLI_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "ispflash/image.h"

enum { SUMS_SHA256_TEXT = 65 };

struct sums {
    uint32_t crc32;
    char sha256[SUMS_SHA256_TEXT]; /* 64 hex digits, lower case */
};

/* Of [low, end), holes as 0xff. False: that is more than any chip has. */
bool sums_of(const struct image *image, uint64_t low, uint64_t end, struct sums *out);

#endif
