/* `factory`: a chip as it came: erased, EEPROM too, with the fuses and lock bits of the part's data
 * file. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "job.h"
#include "plan_text.h"
#include "run.h"

static enum status put_blank(struct image *image, const struct memory *m, struct error *e)
{
    uint8_t *blank = malloc(m->size);
    if (blank == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    memset(blank, 0xff, m->size);
    const enum status status =
        image_put(image, m->base, blank, m->size, IMAGE_OVERLAP_SAME, NULL, e);
    free(blank);
    return status;
}

/* Flash is not in it: the erase blanks it. */
static enum status put_factory(struct image *image, const struct memory *m, struct context *c,
                               struct error *e)
{
    if (m->kind == MEMORY_EEPROM)
        return put_blank(image, m, e);
    if (m->kind != MEMORY_FUSE && m->kind != MEMORY_LOCK)
        return STATUS_OK;
    if (m->initial_known && m->writable)
        return image_put(image, m->base, &m->initial, 1, IMAGE_OVERLAP_SAME, NULL, e);
    if (m->writable)
        context_log(c, LOG_NOTE, "the factory value of %s is not known: it stays as it is",
                    m->name);
    return STATUS_OK;
}

static enum status factory_load(struct source *self, const struct part *part,
                                const struct memory *m, struct context *c, struct image **out,
                                struct error *e)
{
    (void)self, (void)part;
    struct image *image = image_new();
    enum status status =
        image != NULL ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    if (status == STATUS_OK && m != NULL)
        status = put_factory(image, m, c, e);
    if (status == STATUS_OK)
        *out = image;
    else
        image_free(image);
    return status;
}

static enum status reset_chip(struct run *r, struct error *e)
{
    struct source source = {.load = factory_load, .name = "the factory's values"};
    const struct operation all = {.kind = OPERATION_WRITE, .source = &source};
    struct cli_job j;
    struct plan_reviewer reviewer;
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    plan_reviewer_init(&reviewer, r->cli, NULL);
    j.job.operations = &all;
    j.job.operation_count = 1;
    j.job.flags |= JOB_ERASE;
    j.job.reviewer = &reviewer.reviewer;
    if (status == STATUS_OK)
        status = run_job(r, &j.job, e);
    cli_job_free(&j);
    return status;
}

enum status command_factory(struct cli *cli, struct error *e)
{
    struct run r;
    const struct settings *s = &cli->settings;
    if (s->operands.count > 0 || s->task_count > 0)
        return error_set(e, STATUS_USAGE, "factory takes neither a name nor -U, -T or -t");
    if (s->keep.count > 0 || s->keep_eeprom)
        return error_set(e, STATUS_USAGE,
                         "factory keeps nothing: --keep and --keep-eeprom do not "
                         "go with it");
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_read_configuration(&r, e);
    if (status == STATUS_OK)
        status = reset_chip(&r, e);
    run_close(&r);
    return status;
}
