/* The files of -U as the session wants them. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "answer.h"

static enum status fetch(struct file_source *s, struct error *e)
{
    if (s->data != NULL)
        return STATUS_OK;
    if (s->format != FORMAT_IMMEDIATE)
        return file_read(s->file, &s->data, &s->size, e);
    s->data = (uint8_t *)strdup(s->file);
    if (s->data == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for %s", s->source.name);
    s->size = strlen(s->file);
    return STATUS_OK;
}

static bool is_empty(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && file.st_size == 0;
}

static enum status file_source_load(struct source *self, const struct part *part,
                                    const struct memory *memory, struct context *c,
                                    struct image **out, struct error *e)
{
    struct file_source *s = (struct file_source *)self;
    if (self->later && is_empty(s->file)) { /* what reading a blank flash left there */
        *out = image_new();
        return *out != NULL ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    }
    TRY(fetch(s, e));
    const struct format_input input = {.name = self->name,
                                       .data = s->data,
                                       .size = s->size,
                                       .format = s->format,
                                       .memory = memory,
                                       .part = part,
                                       .allow = s->allow};
    struct format_result result = {0};
    TRY(format_read(&input, c, &result, e));
    *out = result.image;
    return STATUS_OK;
}

void file_source_init(struct file_source *s, const char *name, const char *file, enum format format,
                      unsigned allow)
{
    *s = (struct file_source){.source = {.load = file_source_load, .name = name},
                              .file = file,
                              .format = format,
                              .allow = allow};
}

/* --- several memories in one file ----------------------------------------------------------- */

static void forget_images(struct file_source *s)
{
    for (size_t i = 0; i < MEMORY_LIST_MAX; i++) {
        image_free(s->images[i]);
        s->images[i] = NULL;
    }
    s->part = NULL;
}

/* What is in the file for memories of the part that the list does not have. */
static enum status tell_left_out(const struct file_source *s, struct context *c, struct error *e)
{
    char names[160] = "";
    size_t used = 0;
    struct memory_list list;
    struct context quiet; /* the names have been judged already */
    context_init(&quiet, clock_system(), NULL, NULL);
    TRY(session_list_memories(s->part, s->memories, &quiet, &list, e));
    for (size_t i = 0; i < s->part->memory_count && used < sizeof names; i++) {
        bool listed = s->images[i] == NULL;
        for (size_t k = 0; k < list.count; k++)
            listed = listed || list.items[k].memory == &s->part->memories[i];
        if (!listed)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", s->part->memories[i].name);
    }
    if (used > 0)
        context_log(c, LOG_NOTE, "%s: not asked for and left out: %s", s->source.name, names);
    return STATUS_OK;
}

/* Takes the file apart once it is known what for. */
static enum status take_apart(struct file_source *s, const struct part *part, struct context *c,
                              struct error *e)
{
    TRY(fetch(s, e));
    const struct format_input input = {.name = s->source.name,
                                       .data = s->data,
                                       .size = s->size,
                                       .format = s->format,
                                       .allow = s->allow};
    if (part->memory_count > MEMORY_LIST_MAX)
        return error_set(e, STATUS_INTERNAL, "more than %d memories", MEMORY_LIST_MAX);
    forget_images(s);
    TRY(format_read_multi(&input, part, c, s->images, e));
    s->part = part;
    return tell_left_out(s, c, e);
}

static enum status file_source_load_listed(struct source *self, const struct part *part,
                                           const struct memory *memory, struct context *c,
                                           struct image **out, struct error *e)
{
    struct file_source *s = (struct file_source *)self;
    if (part == NULL || memory == NULL)
        return file_source_load(self, NULL, NULL, c, out, e);
    if (s->part != part)
        TRY(take_apart(s, part, c, e));
    const struct image *own = s->images[memory - part->memories];
    struct image *copy = image_new();
    enum status status =
        copy != NULL ? STATUS_OK : error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    if (status == STATUS_OK && own != NULL)
        status = image_merge(copy, own, e);
    if (status == STATUS_OK)
        *out = copy;
    else
        image_free(copy);
    return status;
}

void file_source_init_list(struct file_source *s, const char *name, const char *file,
                           enum format format, unsigned allow, const char *memories)
{
    file_source_init(s, name, file, format, allow);
    s->source.load = file_source_load_listed;
    s->memories = memories;
}

void file_source_free(struct file_source *s)
{
    forget_images(s);
    free(s->data);
    s->data = NULL;
}

/* --- destinations --------------------------------------------------------------------------- */

static enum status file_destination_prepare(struct destination *self, struct error *e)
{
    struct file_destination *d = (struct file_destination *)self;
    return d->output != NULL ? STATUS_OK : output_open(d->file, &d->output, e);
}

static enum status render(const char *file, enum format format, const struct memory *memory,
                          const struct image *image, struct output *output, struct context *json,
                          struct error *e)
{
    struct answer answer = {.name = memory->name, .format = format};
    struct extent extent;
    uint8_t *data = NULL;
    enum status status = format_write(format, image, memory, &data, &answer.size, e);
    if (status != STATUS_OK)
        return error_in(e, "%s", file);
    if (image_next(image, 0, &extent) && extent.address == memory->base &&
        extent.size == image_bytes(image)) { /* otherwise numbers would not tell their addresses */
        answer.numbers = extent.data;
        answer.number_count = extent.size;
    }
    answer.data = data;
    status = answer_commit(&answer, output, file, json, e);
    free(data);
    return status;
}

static enum status file_destination_store(struct destination *self, const struct memory *memory,
                                          const struct image *image, struct context *c,
                                          struct error *e)
{
    struct file_destination *d = (struct file_destination *)self;
    const enum status status =
        render(d->file, d->format, memory, image, d->output, d->json ? c : NULL, e);
    file_destination_free(d);
    return status;
}

void file_destination_init(struct file_destination *d, const char *file, enum format format)
{
    *d = (struct file_destination){.destination = {.prepare = file_destination_prepare,
                                                   .store = file_destination_store,
                                                   .name = file},
                                   .file = file,
                                   .format = format};
}

static enum status store_listed(struct destination *self, const struct memory *memory,
                                const struct image *image, struct context *c, struct error *e)
{
    struct file_destination *d = (struct file_destination *)self;
    (void)c;
    if (d->count == MEMORY_LIST_MAX)
        return error_set(e, STATUS_INTERNAL, "more than %d memories", MEMORY_LIST_MAX);
    struct image *copy = image_new();
    if (copy == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for an image");
    d->images[d->count] = copy;
    d->list[d->count++] = (struct memory_image){.memory = memory, .image = copy};
    return image_merge(copy, image, e);
}

static enum status finish_listed(struct destination *self, struct context *c, struct error *e)
{
    struct file_destination *d = (struct file_destination *)self;
    struct answer answer = {.name = "file", .format = d->format};
    uint8_t *data = NULL;
    enum status status = format_write_multi(d->format, d->list, d->count, &data, &answer.size, e);
    answer.data = data;
    if (status != STATUS_OK)
        (void)error_in(e, "%s", d->file);
    else
        status = answer_commit(&answer, d->output, d->file, d->json ? c : NULL, e);
    free(data);
    file_destination_free(d);
    return status;
}

void file_destination_init_list(struct file_destination *d, const char *file, enum format format)
{
    file_destination_init(d, file, format);
    d->destination.store = store_listed;
    d->destination.finish = finish_listed;
}

void file_destination_free(struct file_destination *d)
{
    for (size_t i = 0; i < d->count; i++)
        image_free(d->images[i]);
    d->count = 0;
    output_close(d->output);
    d->output = NULL;
}

/* --- -n ------------------------------------------------------------------------------------- */

static enum status dry_prepare(struct destination *self, struct error *e)
{
    (void)self, (void)e;
    return STATUS_OK;
}

static enum status dry_store(struct destination *self, const struct memory *memory,
                             const struct image *image, struct context *c, struct error *e)
{
    const struct dry_destination *d = (const struct dry_destination *)self;
    struct output *output = NULL;
    TRY(output_open("-", &output, e));
    const enum status status =
        render("-", FORMAT_IHEX, memory, image, output, d->json ? c : NULL, e);
    output_close(output);
    return status;
}

void dry_destination_init(struct dry_destination *d, bool json)
{
    *d = (struct dry_destination){
        .destination = {.prepare = dry_prepare, .store = dry_store, .name = "standard output"},
        .json = json};
}
