/* Drives a fuzzing entry without libFuzzer: seeds made here, mutated the same way in every run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/format.h"
#include "support/elf_file.h"
#include "support/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_BYTES = 8192, SEED_COUNT = 16 };

struct sample {
    uint8_t bytes[SIZE_MAX_BYTES];
    size_t size;
};

/* An image of a few extents, some across 64 KiB, some in the windows of the GNU address map. */
static struct image *make_image(struct test_random *random)
{
    static const uint32_t begins[] = {0, 0x100, 0xfff0, 0x1fff0, 0x810000, 0x820000, 0x8000000};
    struct image *image = image_new();
    struct error e;
    for (size_t i = 0; image != NULL && i < 3; i++) {
        uint8_t data[80];
        const uint32_t size = 1 + random_below(random, sizeof data);
        for (uint32_t k = 0; k < size; k++)
            data[k] = (uint8_t)random_next(random);
        const uint32_t begin = begins[random_below(random, sizeof begins / sizeof begins[0])];
        if (image_put(image, begin, data, size, IMAGE_OVERLAP_REPLACE, NULL, &e) != STATUS_OK)
            abort();
    }
    return image;
}

static void seed_from_image(struct sample *sample, enum format format, struct test_random *random)
{
    static const char *const numbers[] = {"0x62", "1, 2 0b11,017\n-1", "# none\n0,XIV\n255"};
    struct error e;
    uint8_t *data = NULL;
    size_t size = 0;
    struct image *image = make_image(random);
    if (image == NULL)
        abort();
    if (!format_writable(format))
        format = FORMAT_IHEX;
    if ((format == FORMAT_IHEX || format == FORMAT_IHEX_COMMENTS || format == FORMAT_SREC) &&
        format_write(format, image, NULL, &data, &size, &e) == STATUS_OK) {
        sample->size = size < SIZE_MAX_BYTES ? size : SIZE_MAX_BYTES;
        memcpy(sample->bytes, data, sample->size);
    } else {
        const char *text = numbers[random_below(random, 3)];
        sample->size = strlen(text);
        memcpy(sample->bytes, text, sample->size);
    }
    free(data);
    image_free(image);
}

/* Sections of all memories, in random places of them. */
static void seed_from_elf(struct sample *sample, struct test_random *random)
{
    static const uint32_t begins[] = {0, 0x1000, 0x810000, 0x820000, 0x830000, 0x840000};
    struct elf_request request = {.count = 1 + random_below(random, 6),
                                  .no_sections = random_below(random, 4) == 0,
                                  .padding = random_below(random, 3)};
    struct elf_file file;
    for (size_t i = 0; i < request.count; i++)
        request.segments[i] = (struct elf_segment){.address = begins[i],
                                                   .runs_at = begins[i],
                                                   .bytes = "\x1e\x95\x0f\x42",
                                                   .size = 1 + random_below(random, 4)};
    elf_file_make(&request, &file);
    sample->size = file.size;
    memcpy(sample->bytes, file.bytes, file.size);
}

static void insert_bytes(struct sample *s, size_t at, const uint8_t *bytes, size_t size)
{
    if (s->size + size > SIZE_MAX_BYTES)
        return;
    memmove(s->bytes + at + size, s->bytes + at, s->size - at);
    memcpy(s->bytes + at, bytes, size);
    s->size += size;
}

static void remove_bytes(struct sample *s, size_t at, size_t size)
{
    if (size > s->size - at)
        size = s->size - at;
    memmove(s->bytes + at, s->bytes + at + size, s->size - at - size);
    s->size -= size;
}

static void mutate(struct sample *s, struct test_random *random)
{
    static const char *const words[] = {":",
                                        ":00000001FF\n",
                                        ":020000021000EC\n",
                                        ":020000040081"
                                        "79\n",
                                        ":0400000300003800C1\n",
                                        "S1",
                                        "S9030000FC\n",
                                        "S5030000FC\n",
                                        "\x7f"
                                        "ELF",
                                        "\xef\xbb\xbf",
                                        "0x",
                                        "0b",
                                        ",",
                                        "#",
                                        "\r",
                                        "FF"};
    const size_t at = random_below(random, (uint32_t)s->size + 1);
    const char *word = words[random_below(random, sizeof words / sizeof words[0])];
    uint8_t copy[64];
    size_t size;
    switch (random_below(random, 6)) {
    case 0: /* flip a bit */
        if (at < s->size)
            s->bytes[at] ^= (uint8_t)(1u << random_below(random, 8));
        break;
    case 1: /* another byte */
        if (at < s->size)
            s->bytes[at] = (uint8_t)random_next(random);
        break;
    case 2:
        insert_bytes(s, at, (const uint8_t *)word, strlen(word));
        break;
    case 3:
        remove_bytes(s, at, 1 + random_below(random, 40));
        break;
    case 4: /* a piece elsewhere once more */
        size = s->size - at < sizeof copy ? s->size - at : sizeof copy;
        memcpy(copy, s->bytes + at, size);
        insert_bytes(s, random_below(random, (uint32_t)s->size + 1), copy, size);
        break;
    default: /* cut */
        if (random_below(random, 8) == 0)
            s->size = at;
        break;
    }
}

static int hex_value(uint8_t digit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = digit != '\0' ? strchr(digits, digit) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Gives each record its right checksum again, so that mutations get past that check. */
static void repair_checksums(struct sample *s)
{
    for (size_t i = 0; i + 1 < s->size; i++) {
        const bool ihex = s->bytes[i] == ':';
        if (!ihex && s->bytes[i] != 'S')
            continue;
        size_t at = i + (ihex ? 1 : 2);
        unsigned sum = 0, last = 0;
        size_t end = 0;
        for (; at + 1 < s->size; at += 2) {
            const int high = hex_value(s->bytes[at]), low = hex_value(s->bytes[at + 1]);
            if (high < 0 || low < 0)
                break;
            sum += last;
            last = (unsigned)(high << 4 | low);
            end = at;
        }
        if (end == 0)
            continue;
        const unsigned checksum = (ihex ? 0x100u - (sum & 0xff) : ~sum) & 0xff;
        s->bytes[end] = (uint8_t) "0123456789ABCDEF"[checksum >> 4];
        s->bytes[end + 1] = (uint8_t) "0123456789ABCDEF"[checksum & 15];
    }
}

/* argv: format letter, number of runs. */
int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const enum format format = (enum format)argv[1][0];
    const long runs = strtol(argv[2], NULL, 10);
    struct test_random random = {.state = 0x9e3779b97f4a7c15u ^ (unsigned char)argv[1][0]};
    static struct sample seeds[SEED_COUNT];
    for (size_t i = 0; i < SEED_COUNT; i++) {
        if (format == FORMAT_ELF)
            seed_from_elf(&seeds[i], &random);
        else
            seed_from_image(&seeds[i], format, &random);
        (void)LLVMFuzzerTestOneInput(seeds[i].bytes, seeds[i].size);
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (long run = 0; run < runs; run++) {
        static struct sample sample;
        sample = seeds[random_below(&random, SEED_COUNT)];
        for (uint32_t steps = 1 + random_below(&random, 6); steps > 0; steps--)
            mutate(&sample, &random);
        if (random_below(&random, 2) == 0)
            repair_checksums(&sample);
        /* A block of exactly this size, so that the sanitizer sees a step beyond it. */
        uint8_t *data = malloc(sample.size > 0 ? sample.size : 1);
        if (data == NULL)
            return 2;
        memcpy(data, sample.bytes, sample.size);
        (void)LLVMFuzzerTestOneInput(data, sample.size);
        free(data);
    }
    (void)printf("%ld inputs\n", runs + SEED_COUNT + 1);
    return 0;
}
