/* A small Intel HEX and raw reader for rigs; see chip_file.h. */
#include "model/chip_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(const char *path, const char *what)
{
    fprintf(stderr, "rig: %s: %s\n", path, what);
    return false;
}

static bool is_hex(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot != NULL && (strcmp(dot, ".hex") == 0 || strcmp(dot, ".eep") == 0);
}

/* One record. `base` is what extended address records have set; *end: it was the last. */
static bool load_record(const char *line, uint32_t *base, bool *end, uint8_t *data, size_t size)
{
    uint8_t bytes[260];
    size_t count = 0;
    uint8_t sum = 0;
    unsigned value;
    for (line++; count < sizeof bytes && sscanf(line, "%2x", &value) == 1; line += 2) {
        bytes[count++] = (uint8_t)value;
        sum = (uint8_t)(sum + value);
    }
    if (count < 5 || count != bytes[0] + 5u || sum != 0) {
        return false;
    }
    const uint32_t word = (uint32_t)(bytes[4] << 8 | bytes[5]);
    switch (bytes[3]) {
    case 0:
        break;
    case 1:
        *end = true;
        return true;
    case 2:
        *base = word << 4;
        return true;
    case 4:
        *base = word << 16;
        return true;
    default:
        return true; /* start addresses */
    }
    const size_t address = *base + (uint32_t)(bytes[1] << 8 | bytes[2]);
    if (address + bytes[0] > size) {
        return false;
    }
    memcpy(data + address, bytes + 4, bytes[0]);
    return true;
}

static bool load_hex(FILE *file, const char *path, uint8_t *data, size_t size)
{
    char line[600];
    uint32_t base = 0;
    bool end = false;
    while (!end && fgets(line, sizeof line, file) != NULL) {
        if (line[0] == ':' && !load_record(line, &base, &end, data, size)) {
            return fail(path, "bad record, or beyond the memory");
        }
    }
    return end || fail(path, "no end record");
}

bool chip_file_load(const char *path, uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail(path, strerror(errno));
    }
    bool good;
    if (is_hex(path)) {
        good = load_hex(file, path, data, size);
    } else {
        (void)!fread(data, 1, size, file);
        good = (!ferror(file) && fgetc(file) == EOF) || fail(path, "longer than the memory");
    }
    fclose(file);
    return good;
}

bool chip_file_save(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return fail(path, strerror(errno));
    }
    const bool written = fwrite(data, 1, size, file) == size;
    return (fclose(file) == 0 && written) || fail(path, strerror(errno));
}

bool chip_file_compare(const char *path, const uint8_t *data, size_t size, const char *name)
{
    uint8_t *wanted = malloc(size);
    if (wanted == NULL) {
        return fail(path, "no memory");
    }
    memset(wanted, 0xff, size);
    bool good = chip_file_load(path, wanted, size);
    for (size_t i = 0; good && i < size; i++) {
        if (data[i] != wanted[i]) {
            fprintf(stderr, "rig: %s differs from %s at 0x%05zx: wanted %02x, found %02x\n", name,
                    path, i, wanted[i], data[i]);
            good = false;
        }
    }
    free(wanted);
    return good;
}
