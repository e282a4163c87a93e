/* `ispflash info` and `ispflash diff`: what a file holds, and in what two differ. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "image_file.h"
#include "job.h"
#include "run.h"
#include "sums.h"

/* Where avr-gcc and GNU ld put each memory in one address space (avr-libc manual, "Memory
 * Sections"; binutils, avr.sc). */
static const struct region {
    const char *name;
    uint64_t start, end;
} regions[] = {
    {"flash", 0, 0x800000},          {"data", 0x800000, 0x810000},
    {"eeprom", 0x810000, 0x820000},  {"fuses", 0x820000, 0x830000},
    {"lock", 0x830000, 0x840000},    {"signature", 0x840000, 0x850000},
    {"usersig", 0x850000, 0x860000}, {"beyond any memory", 0x860000, UINT64_C(0x100000000)},
};

/* One region's share of the image. */
struct share {
    uint64_t low, end; /* end 0: nothing is in it */
    uint64_t bytes;
    unsigned ranges;
};

static struct share share_of(const struct image *image, const struct region *region)
{
    struct share share = {0};
    struct extent x;
    for (uint64_t from = region->start; image_next(image, from, &x) && x.address < region->end;) {
        const uint64_t end = (uint64_t)x.address + x.size;
        const uint64_t stop = end < region->end ? end : region->end;
        if (share.ranges++ == 0)
            share.low = x.address;
        share.end = stop;
        share.bytes += stop - x.address;
        from = stop;
    }
    return share;
}

static void put_ranges(FILE *out, const struct image *image, const struct share *share)
{
    struct extent x;
    for (uint64_t from = share->low; from < share->end && image_next(image, from, &x);) {
        const uint64_t end = (uint64_t)x.address + x.size;
        const uint64_t stop = end < share->end ? end : share->end;
        (void)fprintf(out, "    0x%06" PRIx32 "-0x%06" PRIx64 " %7" PRIu64 " bytes\n", x.address,
                      stop - 1, stop - x.address);
        from = stop;
    }
}

/* Of the bytes as a raw file has them: from the first to the last, holes as 0xff. */
static void put_sums(FILE *out, const struct image *image, const struct share *share)
{
    struct sums sums;
    if (sums_of(image, share->low, share->end, &sums))
        (void)fprintf(out, "    CRC-32 %08" PRIx32 "\n    SHA-256 %s\n", sums.crc32, sums.sha256);
    else
        (void)fputs("    CRC-32, SHA-256: the ranges lie too far apart\n", out);
}

/* --- which chips ---------------------------------------------------------------------------- */

/* True if the share lies in a boot section of the part that begins where it does. */
static bool is_boot_section(const struct part *part, const struct memory *flash,
                            const struct share *share, uint32_t *size)
{
    const uint64_t end = (uint64_t)flash->base + flash->size;
    for (size_t i = 0; i < part->boot_size_count; i++)
        if (share->low == end - part->boot_sizes[i] && share->end <= end) {
            *size = part->boot_sizes[i];
            return true;
        }
    return false;
}

static enum status put_part(FILE *out, const struct part *part, const struct share *share)
{
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    uint32_t size;
    if (flash == NULL)
        (void)fprintf(out, "    the %s has no flash\n", part->name);
    else if (share->low < flash->base || share->end > (uint64_t)flash->base + flash->size)
        (void)fprintf(out, "    does not fit the %s, which has %" PRIu32 " bytes\n", part->name,
                      flash->size);
    else if (is_boot_section(part, flash, share, &size))
        (void)fprintf(out, "    fits the boot section of %" PRIu32 " bytes of the %s\n", size,
                      part->name);
    else
        (void)fprintf(out, "    fits the %s: %" PRIu64 "%% of its flash\n", part->name,
                      share->bytes * 100 / flash->size);
    return STATUS_OK;
}

/* Without -p: the chips with a boot section exactly there, and how many have the room. */
static enum status put_chips(FILE *out, struct part_database *parts, const struct share *share,
                             struct error *e)
{
    size_t fitting = 0, listed = 0;
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part *part = NULL;
        uint32_t size;
        TRY(part_find(parts, part_entry_at(parts, i).id, &part, e));
        const struct memory *flash = part_memory(part, MEMORY_FLASH);
        if (flash == NULL || share->low < flash->base ||
            share->end > (uint64_t)flash->base + flash->size)
            continue;
        fitting++;
        if (!is_boot_section(part, flash, share, &size))
            continue;
        (void)fprintf(out, "%s %s (%" PRIu32 ")", listed++ == 0 ? "    boot section of:" : ",",
                      part->name, size);
    }
    if (listed > 0)
        (void)fputc('\n', out);
    (void)fprintf(out, "    fits %zu of %zu chips\n", fitting, part_count(parts));
    return STATUS_OK;
}

static enum status put_file(struct run *r, const struct part *part, const char *text,
                            struct error *e)
{
    FILE *out = r->cli->around->results;
    struct image_file file = {0};
    const char *format = "";
    enum status status = STATUS_OK;
    TRY(image_file_read(text, NULL, &r->context, &file, e));
    (void)format_known((char)file.format, &format);
    (void)fprintf(out, "%s: %s, %" PRIu32 " bytes\n", file.name, format, image_bytes(file.image));
    for (size_t i = 0; i < sizeof regions / sizeof regions[0] && status == STATUS_OK; i++) {
        const struct share share = share_of(file.image, &regions[i]);
        if (share.ranges == 0)
            continue;
        (void)fprintf(out, "  %s: %" PRIu64 " bytes in %u range%s, %" PRIu64 " in holes\n",
                      regions[i].name, share.bytes, share.ranges, share.ranges > 1 ? "s" : "",
                      share.end - share.low - share.bytes);
        put_ranges(out, file.image, &share);
        put_sums(out, file.image, &share);
        if (i == 0)
            status =
                part != NULL ? put_part(out, part, &share) : put_chips(out, r->parts, &share, e);
    }
    image_file_free(&file);
    return status;
}

enum status command_info(struct cli *cli, struct error *e)
{
    const struct settings *s = &cli->settings;
    const struct part *part = NULL;
    struct run r;
    if (s->operands.count == 0)
        return error_set(e, STATUS_USAGE, "info takes files");
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK && s->part != NULL)
        status = part_find(r.parts, s->part, &part, e);
    for (size_t i = 0; i < s->operands.count && status == STATUS_OK; i++)
        status = put_file(&r, part, s->operands.items[i], e);
    run_close(&r);
    return status;
}

/* --- differences ---------------------------------------------------------------------------- */

static const char *put_byte(const struct image *image, uint64_t address, char text[4])
{
    uint8_t byte;
    if (!image_get(image, (uint32_t)address, &byte))
        return "--";
    (void)snprintf(text, 4, "%02x", byte);
    return text;
}

static bool same_at(const struct image *a, const struct image *b, uint64_t at)
{
    uint8_t x = 0, y = 0;
    const bool has_x = image_get(a, (uint32_t)at, &x), has_y = image_get(b, (uint32_t)at, &y);
    return has_x == has_y && x == y;
}

/* The first byte at or beyond `from` that either holds. False: there is none. */
static bool next_held(const struct image *a, const struct image *b, uint64_t from, uint64_t *at)
{
    struct extent x, y;
    const bool in_a = image_next(a, from, &x), in_b = image_next(b, from, &y);
    if (in_a && in_b)
        *at = x.address < y.address ? x.address : y.address;
    else if (in_a || in_b)
        *at = in_a ? x.address : y.address;
    return in_a || in_b;
}

/* One line a run of differing bytes, with its first byte in both; returns how many differ. */
static uint32_t put_differences(FILE *out, const struct image *a, const struct image *b)
{
    uint32_t count = 0;
    for (uint64_t at = 0; next_held(a, b, at, &at);) {
        char left[4], right[4];
        const uint64_t first = at;
        while (at <= UINT32_MAX && !same_at(a, b, at))
            at++;
        if (at == first) {
            at++;
            continue;
        }
        (void)fprintf(out, "0x%06" PRIx64 "-0x%06" PRIx64 " %7" PRIu64 " bytes, %s %s\n", first,
                      at - 1, at - first, put_byte(a, first, left), put_byte(b, first, right));
        count += (uint32_t)(at - first);
    }
    return count;
}

static enum status tell(struct run *r, const struct image_file *a, const char *other,
                        const struct image *b, struct error *e)
{
    const uint32_t count = put_differences(r->cli->around->results, a->image, b);
    if (count == 0)
        return STATUS_OK;
    return error_set(e, STATUS_VERIFY, "%s and %s differ in %" PRIu32 " bytes", a->name, other,
                     count);
}

static enum status diff_files(struct run *r, struct error *e)
{
    const struct text_list *operands = &r->cli->settings.operands;
    struct image_file a = {0}, b = {0};
    enum status status = image_file_read(operands->items[0], NULL, &r->context, &a, e);
    if (status == STATUS_OK)
        status = image_file_read(operands->items[1], NULL, &r->context, &b, e);
    if (status == STATUS_OK)
        status = tell(r, &a, b.name, b.image, e);
    image_file_free(&a);
    image_file_free(&b);
    return status;
}

/* Reads of the chip what the file holds. */
static enum status read_same(struct session *s, const struct memory *flash,
                             const struct image *wanted, struct image *into, struct error *e)
{
    struct extent x;
    TRY(session_read_bytes(s, 1, e)); /* the lock bits tell whether reading is worth anything */
    for (uint64_t at = 0; image_next(wanted, at, &x); at = (uint64_t)x.address + x.size)
        TRY(session_read(s, flash, x.address, x.size, into, e));
    return STATUS_OK;
}

static enum status diff_session(struct run *r, struct session *s, struct error *e)
{
    const struct settings *settings = &r->cli->settings;
    struct image_file a = {0};
    struct image *chip = image_new();
    if (chip == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the chip's content");
    enum status status =
        session_connect(s, settings->part, settings->force ? SESSION_FORCE_SIGNATURE : 0u, e);
    const struct memory *flash =
        status == STATUS_OK ? part_memory(session_part(s), MEMORY_FLASH) : NULL;
    if (status == STATUS_OK && flash == NULL)
        status = error_set(e, STATUS_UNSUPPORTED, "the %s has no flash to compare with",
                           session_part(s)->name);
    if (status == STATUS_OK)
        status = image_file_read(settings->operands.items[0], flash, &r->context, &a, e);
    if (status == STATUS_OK)
        status = read_same(s, flash, a.image, chip, e);
    if (status == STATUS_OK)
        status = session_disconnect(s, e);
    if (status == STATUS_OK)
        status = tell(r, &a, "the chip", chip, e);
    image_file_free(&a);
    image_free(chip);
    return status;
}

static enum status diff_chip(struct run *r, struct error *e)
{
    struct cli_job j;
    struct session *s = NULL;
    struct image_file checked = {0};
    if (strcmp(r->cli->settings.operands.items[0], "-") == 0)
        return error_set(e, STATUS_USAGE, "diff against the chip needs a file, not standard input");
    TRY(image_file_read(r->cli->settings.operands.items[0], NULL, &r->context, &checked, e));
    image_file_free(&checked);
    TRY(run_read_configuration(r, e));
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    if (status == STATUS_OK)
        status = run_default_port(r, &j.job.programmer, e);
    if (status == STATUS_OK)
        status = session_open(&j.job.programmer, r->parts, &r->context, &s, e);
    if (status == STATUS_OK)
        status = diff_session(r, s, e);
    session_close(s);
    cli_job_free(&j);
    return status;
}

enum status command_diff(struct cli *cli, struct error *e)
{
    const struct settings *s = &cli->settings;
    struct run r;
    if (s->operands.count < 1 || s->operands.count > 2) {
        (void)error_set(e, STATUS_USAGE, "diff takes two files, or one to compare with the chip");
        error_hint(e, "ispflash diff FILE FILE, or ispflash diff FILE -c ID");
        return STATUS_USAGE;
    }
    if (s->operands.count == 2)
        TRY(options_check(s, "", "diff of two files", e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = s->operands.count == 2 ? diff_files(&r, e) : diff_chip(&r, e);
    run_close(&r);
    return status;
}
