/* `backup` and `restore`: all that can be read of a chip in one file, by the GNU address map, as
 * avrdude 8 has it, and back. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "job.h"
#include "plan_text.h"
#include "run.h"

enum { MEMORIES_MAX = 32 };

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for an image");
}

/* One operand, no -U; `*file` without its format. */
static enum status parse_operand(const struct cli *cli, const char *name, char letter,
                                 struct update *update, struct error *e)
{
    const struct settings *s = &cli->settings;
    if (s->operands.count != 1 || s->task_count > 0)
        return error_set(e, STATUS_USAGE, "%s takes one file, and no -U, -T or -t", name);
    const char *file = s->operands.items[0];
    char *text = malloc(strlen(file) + sizeof "flash:w:");
    if (text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the file's name");
    (void)strcpy(text, "flash:w:");
    text[strlen("flash:")] = letter;
    (void)strcat(text, file);
    const enum status status = update_parse(text, update, e);
    free(text);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "%s", name);
}

/* --- backup --------------------------------------------------------------------------------- */

static enum status read_everything(struct run *r, struct file_destination *d, struct error *e)
{
    const struct operation all = {.kind = OPERATION_READ, .destination = &d->destination};
    struct cli_job j;
    struct plan_reviewer reviewer;
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    plan_reviewer_init(&reviewer, r->cli, NULL);
    j.job.operations = &all;
    j.job.operation_count = 1;
    j.job.reviewer = &reviewer.reviewer;
    if (status == STATUS_OK)
        status = run_job(r, &j.job, e);
    cli_job_free(&j);
    return status;
}

/* Intel HEX, unless another format that has addresses is asked for. */
static enum status backup_format(const struct cli *cli, const struct update *u, enum format *out,
                                 struct error *e)
{
    const char *operand = cli->settings.operands.items[0];
    *out = u->format;
    if (strlen(operand) == strlen(u->file)) /* none was given */
        *out = format_by_name(u->file) == FORMAT_SREC ? FORMAT_SREC : FORMAT_IHEX;
    if (*out == FORMAT_IHEX || *out == FORMAT_IHEX_COMMENTS || *out == FORMAT_SREC)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "backup: format '%c' cannot hold several memories",
                    (char)*out);
    error_hint(e, "i (Intel HEX), I (with comments) and s (S-record) can");
    return STATUS_USAGE;
}

static enum status backup(struct run *r, const struct update *u, struct error *e)
{
    struct file_destination d;
    enum format format;
    TRY(backup_format(r->cli, u, &format, e));
    TRY(run_read_configuration(r, e));
    file_destination_init_list(&d, u->file, format);
    d.json = r->cli->settings.json;
    const enum status status = read_everything(r, &d, e);
    file_destination_free(&d);
    return status;
}

enum status command_backup(struct cli *cli, struct error *e)
{
    struct run r;
    struct update u;
    TRY(parse_operand(cli, "backup", 'r', &u, e));
    enum status status = run_check_settings(cli, e);
    if (status == STATUS_OK) {
        status = run_open(&r, cli, e);
        if (status == STATUS_OK)
            status = backup(&r, &u, e);
        run_close(&r);
    }
    update_free(&u);
    return status;
}

/* --- restore -------------------------------------------------------------------------------- */

struct image_source {
    struct source source; /* first */
    const struct image *image;
};

struct restore {
    const struct update *update;
    const struct part *part;
    uint8_t *data;
    size_t size;
    struct image *images[MEMORIES_MAX]; /* owned; one a memory of the part, or NULL */
    struct image_source sources[MEMORIES_MAX];
    struct operation operations[MEMORIES_MAX];
    size_t count;
    bool erases;
};

static enum status image_load(struct source *self, const struct part *part,
                              const struct memory *memory, struct context *c, struct image **out,
                              struct error *e)
{
    const struct image_source *s = (const struct image_source *)self;
    struct image *image = image_new();
    (void)part, (void)memory, (void)c;
    enum status status = image != NULL ? image_merge(image, s->image, e) : no_memory(e);
    if (status == STATUS_OK)
        *out = image;
    else
        image_free(image);
    return status;
}

static struct format_input input_of(const struct restore *t)
{
    return (struct format_input){
        .name = t->update->file, .data = t->data, .size = t->size, .format = t->update->format};
}

/* The signature in the file, where the map has it. */
static enum status find_signature(const struct restore *t, struct context *c, bool *found,
                                  uint8_t signature[3], struct error *e)
{
    enum { MAP_SIGNATURE = 0x840000 };
    const struct format_input input = input_of(t);
    struct format_result whole = {0};
    TRY(format_read(&input, c, &whole, e));
    *found = image_copy(whole.image, MAP_SIGNATURE, signature, 3, 0) == 3;
    image_free(whole.image);
    return STATUS_OK;
}

static enum status of_another_chip(const struct restore *t, const uint8_t signature[3],
                                   struct error *e)
{
    (void)error_set(e, STATUS_INPUT,
                    "%s is of another chip: the signature in it is %02x %02x %02x, the %s has "
                    "%02x %02x %02x",
                    t->update->file, signature[0], signature[1], signature[2], t->part->name,
                    t->part->signature[0], t->part->signature[1], t->part->signature[2]);
    error_hint(e, "single memories of it: ispflash write MEM %s", t->update->file);
    return STATUS_INPUT;
}

/* The part that -p names, or the one whose signature the file has. */
static enum status restore_part(struct run *r, struct restore *t, struct error *e)
{
    const char *named = r->cli->settings.part;
    uint8_t signature[3];
    bool found = false;
    size_t count = 0;
    TRY(find_signature(t, &r->context, &found, signature, e));
    if (named != NULL)
        TRY(part_find(r->parts, named, &t->part, e));
    else if (found)
        TRY(part_by_signature(r->parts, signature, &t->part, 1, &count, e));
    if (t->part == NULL && found)
        return error_set(e, STATUS_INPUT,
                         "%s: no known part has the signature in it, %02x %02x "
                         "%02x",
                         t->update->file, signature[0], signature[1], signature[2]);
    if (t->part == NULL) {
        (void)error_set(e, STATUS_USAGE, "%s does not say which chip it is of", t->update->file);
        error_hint(e, "-p PART does");
        return STATUS_USAGE;
    }
    return found && memcmp(signature, t->part->signature, 3) != 0 ? of_another_chip(t, signature, e)
                                                                  : STATUS_OK;
}

/* Signature, calibration and unique id are the chip's own. */
static bool is_restored(const struct memory *m)
{
    switch (m->kind) {
    case MEMORY_FLASH:
    case MEMORY_EEPROM:
    case MEMORY_FUSE:
    case MEMORY_LOCK:
        return true;
    case MEMORY_USERSIG:
        return m->writable;
    case MEMORY_SIGNATURE:
    case MEMORY_CALIBRATION:
    case MEMORY_UID:
        break;
    }
    return false;
}

static void add_operations(struct restore *t)
{
    for (size_t i = 0; i < t->part->memory_count; i++) {
        const struct memory *m = &t->part->memories[i];
        if (t->images[i] == NULL || !is_restored(m))
            continue;
        t->sources[i] = (struct image_source){
            .source = {.load = image_load, .name = t->update->file}, .image = t->images[i]};
        t->operations[t->count++] = (struct operation){
            .kind = OPERATION_WRITE, .memory = m->name, .source = &t->sources[i].source};
        t->erases = t->erases || m->kind == MEMORY_FLASH || m->kind == MEMORY_LOCK;
    }
}

static enum status take_apart(struct run *r, struct restore *t, struct error *e)
{
    const struct format_input input = input_of(t);
    TRY(restore_part(r, t, e));
    if (t->part->memory_count > MEMORIES_MAX)
        return error_set(e, STATUS_INTERNAL, "more than %d memories", MEMORIES_MAX);
    TRY(format_read_multi(&input, t->part, &r->context, t->images, e));
    add_operations(t);
    return t->count > 0 ? STATUS_OK
                        : error_set(e, STATUS_INPUT, "%s holds nothing that can be put back",
                                    t->update->file);
}

static enum status write_everything(struct run *r, struct restore *t, struct error *e)
{
    struct cli_job j;
    struct plan_reviewer reviewer;
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    plan_reviewer_init(&reviewer, r->cli, NULL);
    j.job.part = t->part->id;
    j.job.operations = t->operations;
    j.job.operation_count = t->count;
    j.job.flags |= t->erases ? JOB_ERASE : 0u;
    j.job.reviewer = &reviewer.reviewer;
    if (status == STATUS_OK)
        status = run_job(r, &j.job, e);
    cli_job_free(&j);
    return status;
}

static enum status restore(struct run *r, const struct update *u, struct error *e)
{
    struct restore t = {.update = u};
    enum status status = file_read(u->file, &t.data, &t.size, e);
    if (status == STATUS_OK)
        status = take_apart(r, &t, e);
    if (status == STATUS_OK)
        status = run_read_configuration(r, e);
    if (status == STATUS_OK)
        status = write_everything(r, &t, e);
    for (size_t i = 0; i < MEMORIES_MAX; i++)
        image_free(t.images[i]);
    free(t.data);
    return status;
}

enum status command_restore(struct cli *cli, struct error *e)
{
    struct run r;
    struct update u;
    TRY(parse_operand(cli, "restore", 'w', &u, e));
    enum status status = run_check_settings(cli, e);
    if (status == STATUS_OK) {
        status = run_open(&r, cli, e);
        if (status == STATUS_OK)
            status = restore(&r, &u, e);
        run_close(&r);
    }
    update_free(&u);
    return status;
}
