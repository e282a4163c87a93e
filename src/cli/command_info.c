/* `ispflash info`: what files hold. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "image_file.h"
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

enum { REGIONS = sizeof regions / sizeof regions[0] };

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

/* The next range of the share at or beyond `*from`, which moves behind it. */
static bool next_range(const struct image *image, const struct share *share, uint64_t *from,
                       uint32_t *address, uint64_t *size)
{
    struct extent x;
    if (*from >= share->end || !image_next(image, *from, &x) || x.address >= share->end)
        return false;
    const uint64_t end = (uint64_t)x.address + x.size;
    const uint64_t stop = end < share->end ? end : share->end;
    *address = x.address;
    *size = stop - x.address;
    *from = stop;
    return true;
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

enum fit { FIT_NO_FLASH, FIT_TOO_LARGE, FIT_BOOT_SECTION, FIT_FLASH };

/* `*size`: of the boot section. */
static enum fit fit_of(const struct part *part, const struct share *share, uint32_t *size)
{
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    if (flash == NULL)
        return FIT_NO_FLASH;
    if (share->low < flash->base || share->end > (uint64_t)flash->base + flash->size)
        return FIT_TOO_LARGE;
    return is_boot_section(part, flash, share, size) ? FIT_BOOT_SECTION : FIT_FLASH;
}

/* --- for people ----------------------------------------------------------------------------- */

static void put_part(FILE *out, const struct part *part, const struct share *share)
{
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    uint32_t size = 0;
    switch (fit_of(part, share, &size)) {
    case FIT_NO_FLASH:
        (void)fprintf(out, "    the %s has no flash\n", part->name);
        break;
    case FIT_TOO_LARGE:
        (void)fprintf(out, "    does not fit the %s, which has %" PRIu32 " bytes\n", part->name,
                      flash->size);
        break;
    case FIT_BOOT_SECTION:
        (void)fprintf(out, "    fits the boot section of %" PRIu32 " bytes of the %s\n", size,
                      part->name);
        break;
    case FIT_FLASH:
        (void)fprintf(out, "    fits the %s: %" PRIu64 "%% of its flash\n", part->name,
                      share->bytes * 100 / flash->size);
        break;
    }
}

/* Without -p: the chips with a boot section exactly there, and how many have the room. */
static enum status put_chips(FILE *out, struct part_database *parts, const struct share *share,
                             struct error *e)
{
    size_t fitting = 0, listed = 0;
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part *part = NULL;
        uint32_t size = 0;
        TRY(part_find(parts, part_entry_at(parts, i).id, &part, e));
        const enum fit fit = fit_of(part, share, &size);
        fitting += fit == FIT_BOOT_SECTION || fit == FIT_FLASH;
        if (fit != FIT_BOOT_SECTION)
            continue;
        (void)fprintf(out, "%s %s (%" PRIu32 ")", listed++ == 0 ? "    boot section of:" : ",",
                      part->name, size);
    }
    if (listed > 0)
        (void)fputc('\n', out);
    (void)fprintf(out, "    fits %zu of %zu chips\n", fitting, part_count(parts));
    return STATUS_OK;
}

static void put_share(FILE *out, const struct image *image, const char *name,
                      const struct share *share)
{
    uint64_t from = share->low, size;
    uint32_t address;
    struct sums sums;
    (void)fprintf(out, "  %s: %" PRIu64 " bytes in %u range%s, %" PRIu64 " in holes\n", name,
                  share->bytes, share->ranges, share->ranges > 1 ? "s" : "",
                  share->end - share->low - share->bytes);
    while (next_range(image, share, &from, &address, &size))
        (void)fprintf(out, "    0x%06" PRIx32 "-0x%06" PRIx64 " %7" PRIu64 " bytes\n", address,
                      address + size - 1, size);
    if (sums_of(image, share->low, share->end, &sums))
        (void)fprintf(out, "    CRC-32 %08" PRIx32 "\n    SHA-256 %s\n", sums.crc32, sums.sha256);
    else
        (void)fputs("    CRC-32, SHA-256: the ranges lie too far apart\n", out);
}

static enum status put_text(struct run *r, const struct part *part, const struct image_file *file,
                            const char *format, struct error *e)
{
    FILE *out = r->cli->around->results;
    (void)fprintf(out, "%s: %s, %" PRIu32 " bytes\n", file->name, format, image_bytes(file->image));
    for (size_t i = 0; i < REGIONS; i++) {
        const struct share share = share_of(file->image, &regions[i]);
        if (share.ranges == 0)
            continue;
        put_share(out, file->image, regions[i].name, &share);
        if (i == 0 && part != NULL)
            put_part(out, part, &share);
        else if (i == 0)
            TRY(put_chips(out, r->parts, &share, e));
    }
    return STATUS_OK;
}

/* --- for programs --------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *share_object(const struct image *image, const char *name, const struct share *share)
{
    json_t *o = json_object(), *ranges = json_array();
    uint64_t from = share->low, size;
    uint32_t address;
    char crc[9] = "";
    struct sums sums;
    const bool known = sums_of(image, share->low, share->end, &sums);
    while (next_range(image, share, &from, &address, &size)) {
        json_t *range = json_object();
        set(range, "address", number(address));
        set(range, "bytes", number(size));
        (void)json_array_append_new(ranges, range);
    }
    (void)snprintf(crc, sizeof crc, "%08" PRIx32, sums.crc32);
    set(o, "memory", json_text(name));
    set(o, "bytes", number(share->bytes));
    set(o, "holes", number(share->end - share->low - share->bytes));
    set(o, "ranges", ranges);
    set(o, "crc32", known ? json_text(crc) : json_null());
    set(o, "sha256", known ? json_text(sums.sha256) : json_null());
    return o;
}

/* Of the part that is named, or of all that have the room. */
static enum status fits_array(struct run *r, const struct part *named, const struct share *share,
                              json_t *array, struct error *e)
{
    for (size_t i = 0; i < (named != NULL ? 1 : part_count(r->parts)); i++) {
        const struct part *part = named;
        uint32_t size = 0;
        if (named == NULL)
            TRY(part_find(r->parts, part_entry_at(r->parts, i).id, &part, e));
        const enum fit fit = fit_of(part, share, &size);
        if (fit != FIT_FLASH && fit != FIT_BOOT_SECTION)
            continue;
        json_t *o = json_object();
        set(o, "part", json_text(part->name));
        set(o, "boot_section", fit == FIT_BOOT_SECTION ? number(size) : json_null());
        (void)json_array_append_new(array, o);
    }
    return STATUS_OK;
}

static enum status put_json(struct run *r, const struct part *part, const struct image_file *file,
                            const char *format, struct error *e)
{
    json_t *o = json_begin("file"), *shares = json_array(), *fits = json_array();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < REGIONS && status == STATUS_OK; i++) {
        const struct share share = share_of(file->image, &regions[i]);
        if (share.ranges == 0)
            continue;
        (void)json_array_append_new(shares, share_object(file->image, regions[i].name, &share));
        if (i == 0)
            status = fits_array(r, part, &share, fits, e);
    }
    set(o, "name", json_text(file->name));
    set(o, "format", json_text(format));
    set(o, "bytes", number(image_bytes(file->image)));
    set(o, "memories", shares);
    set(o, "fits", fits);
    if (status == STATUS_OK)
        json_line(r->cli->around->results, o);
    else
        json_decref(o);
    return status;
}

/* --- the command ---------------------------------------------------------------------------- */

static enum status put_file(struct run *r, const struct part *part, const char *text,
                            struct error *e)
{
    struct image_file file = {0};
    const char *format = "";
    TRY(image_file_read(text, NULL, &r->context, &file, e));
    (void)format_known((char)file.format, &format);
    const enum status status =
        (r->cli->settings.json ? put_json : put_text)(r, part, &file, format, e);
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
