/* pattern FILE SIZE SEED [START]: writes an image of that many pseudo-random bytes, as Intel HEX if
 * the name ends in .hex or .eep, else raw. START is the address of the first, a multiple of 16; HEX
 * only. For the wire tests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_hex(FILE *file, const uint8_t *data, uint32_t size, uint32_t start)
{
    unsigned high = 0;
    for (uint32_t at = 0; at < size; at += 16) {
        const unsigned count = size - at < 16 ? size - at : 16;
        const unsigned address = start + at;
        if (address >> 16 != high) {
            high = address >> 16;
            fprintf(file, ":02000004%04X%02X\n", high,
                    (0x100 - ((6 + (high >> 8) + high) & 0xff)) & 0xff);
        }
        unsigned sum = count + (address >> 8) + address;
        fprintf(file, ":%02X%04X00", count, address & 0xffff);
        for (unsigned i = 0; i < count; i++) {
            fprintf(file, "%02X", data[at + i]);
            sum += data[at + i];
        }
        fprintf(file, "%02X\n", (0x100 - (sum & 0xff)) & 0xff);
    }
    fputs(":00000001FF\n", file);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: pattern FILE SIZE SEED [START]\n");
        return 2;
    }
    const uint32_t size = (uint32_t)strtoul(argv[2], NULL, 0);
    uint32_t random = (uint32_t)strtoul(argv[3], NULL, 0);
    uint8_t *data = calloc(size + 1, 1);
    FILE *file = fopen(argv[1], "wb");
    if (data == NULL || file == NULL) {
        perror(argv[1]);
        return 1;
    }
    for (uint32_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        data[i] = (uint8_t)(random >> 24);
    }
    const char *dot = strrchr(argv[1], '.');
    if (dot != NULL && (strcmp(dot, ".hex") == 0 || strcmp(dot, ".eep") == 0)) {
        write_hex(file, data, size, argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 0) : 0);
    } else {
        fwrite(data, 1, size, file);
    }
    free(data);
    return fclose(file) == 0 ? 0 : 1;
}
