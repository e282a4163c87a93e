/* `ispflash diff`: in what two files, or a file and the chip, differ. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "image_file.h"
#include "job.h"
#include "run.h"

enum { MEMORIES_MAX = 32 };

/* --- runs of differing bytes ---------------------------------------------------------------- */

/* Two images that are compared; the runs found are printed as they come. */
struct comparison {
    struct run *run;
    const struct memory *memory; /* of a chip; NULL: two files */
    const struct image *a, *b;
    uint64_t count; /* bytes that differ */
};

static bool same_at(const struct comparison *c, uint64_t at)
{
    uint8_t x = 0, y = 0;
    const bool has_x = image_get(c->a, (uint32_t)at, &x);
    const bool has_y = image_get(c->b, (uint32_t)at, &y);
    return has_x == has_y && x == y;
}

/* The first byte at or beyond `from` that either holds. False: there is none. */
static bool next_held(const struct comparison *c, uint64_t from, uint64_t *at)
{
    struct extent x, y;
    const bool in_a = image_next(c->a, from, &x), in_b = image_next(c->b, from, &y);
    if (in_a && in_b)
        *at = x.address < y.address ? x.address : y.address;
    else if (in_a || in_b)
        *at = in_a ? x.address : y.address;
    return in_a || in_b;
}

static json_t *json_byte(const struct image *image, uint64_t address)
{
    uint8_t byte;
    return image_get(image, (uint32_t)address, &byte) ? json_integer(byte) : json_null();
}

static void put_json(FILE *out, const struct comparison *c, uint64_t first, uint64_t size)
{
    json_t *o = json_begin("unequal");
    (void)json_object_set_new(o, "memory", json_text(c->memory != NULL ? c->memory->name : NULL));
    (void)json_object_set_new(o, "address", json_integer((json_int_t)first));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)size));
    (void)json_object_set_new(o, "first", json_byte(c->a, first));
    (void)json_object_set_new(o, "second", json_byte(c->b, first));
    json_line(out, o);
}

static const char *byte_text(const struct image *image, uint64_t address, char text[4])
{
    uint8_t byte;
    if (!image_get(image, (uint32_t)address, &byte))
        return "--";
    (void)snprintf(text, 4, "%02x", byte);
    return text;
}

/* "flash 0x000003-0x000005       3 bytes, 04 05": the first byte of the run in both. */
static void put_text(FILE *out, const struct comparison *c, uint64_t first, uint64_t size)
{
    char left[4], right[4];
    if (c->memory != NULL)
        (void)fprintf(out, "%s ", c->memory->name);
    (void)fprintf(out, "0x%06" PRIx64 "-0x%06" PRIx64 " %7" PRIu64 " bytes, %s %s\n", first,
                  first + size - 1, size, byte_text(c->a, first, left),
                  byte_text(c->b, first, right));
}

static void compare(struct comparison *c)
{
    const struct cli *cli = c->run->cli;
    for (uint64_t at = 0; next_held(c, at, &at);) {
        const uint64_t first = at;
        while (at <= UINT32_MAX && !same_at(c, at))
            at++;
        if (at == first) {
            at++;
            continue;
        }
        (cli->settings.json ? put_json : put_text)(cli->around->results, c, first, at - first);
        c->count += at - first;
    }
}

static enum status verdict(const char *name, const char *other, uint64_t count, struct error *e)
{
    if (count == 0)
        return STATUS_OK;
    return error_set(e, STATUS_VERIFY, "%s and %s differ in %" PRIu64 " bytes", name, other, count);
}

/* --- two files ------------------------------------------------------------------------------ */

static enum status diff_files(struct run *r, struct error *e)
{
    const struct text_list *operands = &r->cli->settings.operands;
    struct image_file a = {0}, b = {0};
    enum status status = image_file_read(operands->items[0], NULL, &r->context, &a, e);
    if (status == STATUS_OK)
        status = image_file_read(operands->items[1], NULL, &r->context, &b, e);
    if (status == STATUS_OK) {
        struct comparison c = {.run = r, .a = a.image, .b = b.image};
        compare(&c);
        status = verdict(a.name, b.name, c.count, e);
    }
    image_file_free(&a);
    image_file_free(&b);
    return status;
}

/* --- a file and the chip -------------------------------------------------------------------- */

/* Both by the memories of the part; the images are owned. */
struct chip_diff {
    struct run *run;
    struct session *session;
    const struct part *part;
    struct image *wanted[MEMORIES_MAX], *found[MEMORIES_MAX];
};

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

/* Bits that the part does not implement read as they like: they are taken to be as wanted. */
static enum status found_byte(struct chip_diff *d, size_t index, struct error *e)
{
    const struct memory *m = &d->part->memories[index];
    uint8_t wanted = 0xff, value = 0;
    if (!session_byte(d->session, m, &value))
        return error_set(e, STATUS_UNSUPPORTED, "the %s of the %s cannot be read", m->name,
                         d->part->name);
    (void)image_get(d->wanted[index], m->base, &wanted);
    value = (uint8_t)((value & m->mask) | (wanted & ~m->mask));
    return image_put(d->found[index], m->base, &value, 1, IMAGE_OVERLAP_REPLACE, NULL, e);
}

/* Reads of the chip what the file holds of this memory. */
static enum status read_same(struct chip_diff *d, size_t index, struct error *e)
{
    const struct memory *m = &d->part->memories[index];
    const struct image *wanted = d->wanted[index];
    struct extent x;
    d->found[index] = image_new();
    if (d->found[index] == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the chip's content");
    if (is_byte(m))
        return found_byte(d, index, e);
    for (uint64_t at = 0; image_next(wanted, at, &x); at = (uint64_t)x.address + x.size)
        TRY(session_read(d->session, m, x.address, x.size, d->found[index], e));
    return STATUS_OK;
}

static enum status check_not_empty(const struct chip_diff *d, struct error *e)
{
    for (size_t i = 0; i < d->part->memory_count; i++)
        if (d->wanted[i] != NULL && image_bytes(d->wanted[i]) > 0)
            return STATUS_OK;
    if (part_memory(d->part, MEMORY_FLASH) == NULL)
        return error_set(e, STATUS_UNSUPPORTED,
                         "the %s has no flash to compare with, and the file nothing else of it",
                         d->part->name);
    return error_set(e, STATUS_INPUT, "the file holds nothing of a memory of the %s",
                     d->part->name);
}

static enum status read_chip(struct chip_diff *d, struct error *e)
{
    const struct settings *s = &d->run->cli->settings;
    TRY(session_connect(d->session, s->part, s->force ? SESSION_FORCE_SIGNATURE : 0u, e));
    d->part = session_part(d->session);
    if (d->part->memory_count > MEMORIES_MAX)
        return error_set(e, STATUS_INTERNAL, "more than %d memories", MEMORIES_MAX);
    TRY(image_file_read_all(s->operands.items[0], d->part, &d->run->context, d->wanted, e));
    TRY(check_not_empty(d, e));
    TRY(session_read_bytes(d->session, 1, e)); /* the lock bits tell whether reading is worth it */
    for (size_t i = 0; i < d->part->memory_count; i++)
        if (d->wanted[i] != NULL)
            TRY(read_same(d, i, e));
    return session_disconnect(d->session, e);
}

static uint64_t compare_memories(const struct chip_diff *d)
{
    uint64_t count = 0;
    for (size_t i = 0; i < d->part->memory_count; i++) {
        if (d->wanted[i] == NULL)
            continue;
        struct comparison c = {
            .run = d->run, .memory = &d->part->memories[i], .a = d->wanted[i], .b = d->found[i]};
        compare(&c);
        count += c.count;
    }
    return count;
}

static enum status diff_session(struct run *r, struct session *s, const char *name, struct error *e)
{
    struct chip_diff d = {.run = r, .session = s};
    enum status status = read_chip(&d, e);
    if (status == STATUS_OK)
        status = verdict(name, "the chip", compare_memories(&d), e);
    for (size_t i = 0; i < MEMORIES_MAX; i++) {
        image_free(d.wanted[i]);
        image_free(d.found[i]);
    }
    return status;
}

static enum status diff_chip(struct run *r, struct error *e)
{
    const char *operand = r->cli->settings.operands.items[0];
    struct cli_job j;
    struct session *s = NULL;
    struct image_file checked = {0};
    if (strcmp(operand, "-") == 0)
        return error_set(e, STATUS_USAGE, "diff against the chip needs a file, not standard input");
    TRY(image_file_read(operand, NULL, &r->context, &checked, e));
    enum status status = run_read_configuration(r, e);
    if (status == STATUS_OK) {
        status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
        if (status == STATUS_OK)
            status = run_default_port(r, &j.job.programmer, e);
        if (status == STATUS_OK)
            status = session_open(&j.job.programmer, r->parts, &r->context, &s, e);
        if (status == STATUS_OK)
            status = diff_session(r, s, checked.name, e);
        session_close(s);
        cli_job_free(&j);
    }
    image_file_free(&checked);
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
