/* Sums over the bytes of an image. */
#include "sums.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <zlib.h>

enum { SPAN_MAX = 16 << 20, CHUNK = 4096 };

bool sums_of(const struct image *image, uint64_t low, uint64_t end, struct sums *out)
{
    struct sha256_ctx sha;
    uint8_t digest[SHA256_DIGEST_SIZE], chunk[CHUNK];
    uLong crc = crc32(0, NULL, 0);
    if (end - low > SPAN_MAX)
        return false;
    sha256_init(&sha);
    for (uint64_t at = low; at < end; at += CHUNK) {
        const size_t size = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        (void)image_copy(image, (uint32_t)at, chunk, size, 0xff);
        crc = crc32(crc, chunk, (uInt)size);
        sha256_update(&sha, size, chunk);
    }
    sha256_digest(&sha, sizeof digest, digest);
    out->crc32 = (uint32_t)crc;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(out->sha256 + 2 * i, 3, "%02x", digest[i]);
    return true;
}
