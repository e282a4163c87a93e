/* `ispflash merge` and `ispflash convert`: one file for production out of several, and one format
 * out of another. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "image_file.h"
#include "run.h"

struct merge {
    struct run *run;
    const struct part *part;     /* of -p; NULL: not named */
    const struct memory *memory; /* its flash; NULL */
    struct image_file *files;    /* as many as there are operands */
    size_t count;
    struct image *whole;
};

static enum status merge_open(struct merge *m, struct error *e)
{
    const struct settings *s = &m->run->cli->settings;
    if (s->part != NULL) {
        TRY(part_find(m->run->parts, s->part, &m->part, e));
        m->memory = part_memory(m->part, MEMORY_FLASH);
    }
    m->files = calloc(s->operands.count, sizeof *m->files);
    m->whole = image_new();
    if (m->files == NULL || m->whole == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the images");
    for (; m->count < s->operands.count; m->count++)
        TRY(image_file_read(s->operands.items[m->count], m->memory, &m->run->context,
                            &m->files[m->count], e));
    return STATUS_OK;
}

static void merge_close(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        image_file_free(&m->files[i]);
    free(m->files);
    image_free(m->whole);
}

/* --- what must not meet --------------------------------------------------------------------- */

/* Bytes at and beyond `from` where both images have one and they differ, or, with `b` NULL, all of
 * `a`. */
struct clash {
    uint32_t first, last, count;
};

static void clash_add(struct clash *clash, uint32_t address)
{
    if (clash->count++ == 0)
        clash->first = address;
    clash->last = address;
}

static struct clash clash_differing(const struct image *a, const struct image *b)
{
    struct clash clash = {0};
    struct extent x;
    for (uint64_t from = 0; image_next(a, from, &x); from = (uint64_t)x.address + x.size)
        for (uint32_t i = 0; i < x.size; i++) {
            uint8_t other;
            if (image_get(b, x.address + i, &other) && other != x.data[i])
                clash_add(&clash, x.address + i);
        }
    return clash;
}

/* Bytes of `a` in [start, end) that are not the same in `boot`. */
static struct clash clash_beyond(const struct image *a, const struct image *boot, uint32_t start,
                                 uint64_t end)
{
    struct clash clash = {0};
    struct extent x;
    for (uint64_t from = start; image_next(a, from, &x); from = (uint64_t)x.address + x.size)
        for (uint32_t i = 0; i < x.size && (uint64_t)x.address + i < end; i++) {
            uint8_t other;
            if (!image_get(boot, x.address + i, &other) || other != x.data[i])
                clash_add(&clash, x.address + i);
        }
    return clash;
}

/* What belongs to other memories (the GNU address map's data space begins here) is no application.
 */
enum { FLASH_END = 0x800000 };

/* The file that begins highest in flash, if it begins above 0. */
static const struct image_file *find_boot(const struct merge *m)
{
    const struct image_file *boot = NULL;
    uint32_t highest = 0;
    for (size_t i = 0; i < m->count; i++) {
        const uint32_t low = image_low(m->files[i].image);
        if (low <= highest || low >= FLASH_END)
            continue;
        boot = &m->files[i];
        highest = low;
    }
    return boot;
}

/* Where the boot section begins that holds all of `boot`: the smallest one of the part's, else the
 * image's own start. */
static uint32_t boot_section(const struct merge *m, const struct image *boot)
{
    for (size_t i = 0; m->part != NULL && i < m->part->boot_size_count; i++) {
        const uint32_t start = m->memory->base + m->memory->size - m->part->boot_sizes[i];
        if (start <= image_low(boot))
            return start;
    }
    return image_low(boot);
}

static enum status check_boot(const struct merge *m, struct error *e)
{
    const struct image_file *boot = find_boot(m);
    if (boot == NULL)
        return STATUS_OK;
    const uint32_t start = boot_section(m, boot->image);
    for (size_t i = 0; i < m->count; i++) {
        const struct image_file *file = &m->files[i];
        if (file == boot)
            continue;
        const struct clash clash = clash_beyond(file->image, boot->image, start, FLASH_END);
        if (clash.count == 0)
            continue;
        (void)error_set(e, STATUS_INPUT,
                        "%s runs into the boot section of %s, which begins at 0x%" PRIx32
                        ": %" PRIu32 " bytes, 0x%" PRIx32 " to 0x%" PRIx32,
                        file->name, boot->name, start, clash.count, clash.first, clash.last);
        error_hint(e, "the application has to end below 0x%" PRIx32, start);
        return STATUS_INPUT;
    }
    return STATUS_OK;
}

static enum status add_all(struct merge *m, struct error *e)
{
    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct clash clash = clash_differing(m->files[k].image, m->files[i].image);
            if (clash.count > 0)
                return error_set(e, STATUS_INPUT,
                                 "%s and %s both hold 0x%" PRIx32 " to 0x%" PRIx32
                                 " and differ there in %" PRIu32 " bytes",
                                 m->files[k].name, m->files[i].name, clash.first, clash.last,
                                 clash.count);
        }
        TRY(image_merge(m->whole, m->files[i].image, e));
    }
    return STATUS_OK;
}

/* --- the commands --------------------------------------------------------------------------- */

static enum status run_merge(struct merge *m, struct error *e)
{
    TRY(merge_open(m, e));
    TRY(check_boot(m, e));
    TRY(add_all(m, e));
    struct run *r = m->run;
    return image_file_write(r->cli->settings.output, m->memory, m->whole,
                            r->cli->settings.json ? &r->context : NULL, e);
}

static enum status command_files(struct cli *cli, struct error *e)
{
    struct run r;
    struct merge m = {.run = &r};
    if (cli->settings.output == NULL)
        return image_file_write(NULL, NULL, NULL, NULL, e);
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_merge(&m, e);
    merge_close(&m);
    run_close(&r);
    return status;
}

enum status command_merge(struct cli *cli, struct error *e)
{
    if (cli->settings.operands.count < 2)
        return error_set(e, STATUS_USAGE,
                         "merge takes two files or more: an application and a "
                         "boot loader");
    return command_files(cli, e);
}

enum status command_convert(struct cli *cli, struct error *e)
{
    if (cli->settings.operands.count != 1)
        return error_set(e, STATUS_USAGE, "convert takes one file");
    return command_files(cli, e);
}
