/* The files of -U as the session wants them. */
#include "files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

void file_source_free(struct file_source *s)
{
    free(s->data);
    s->data = NULL;
}

static enum status file_destination_prepare(struct destination *self, struct error *e)
{
    struct file_destination *d = (struct file_destination *)self;
    return d->output != NULL ? STATUS_OK : output_open(d->file, &d->output, e);
}

static enum status render(const char *file, enum format format, const struct memory *memory,
                          const struct image *image, struct output *output, struct error *e)
{
    uint8_t *data = NULL;
    size_t size = 0;
    enum status status = format_write(format, image, memory, &data, &size, e);
    if (status != STATUS_OK)
        return error_in(e, "%s", file);
    status = output_commit(output, data, size, e);
    free(data);
    return status;
}

static enum status file_destination_store(struct destination *self, const struct memory *memory,
                                          const struct image *image, struct context *c,
                                          struct error *e)
{
    (void)c;
    struct file_destination *d = (struct file_destination *)self;
    const enum status status = render(d->file, d->format, memory, image, d->output, e);
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

void file_destination_free(struct file_destination *d)
{
    output_close(d->output);
    d->output = NULL;
}

static enum status dry_prepare(struct destination *self, struct error *e)
{
    (void)self, (void)e;
    return STATUS_OK;
}

static enum status dry_store(struct destination *self, const struct memory *memory,
                             const struct image *image, struct context *c, struct error *e)
{
    (void)c;
    struct output *output = NULL;
    TRY(output_open("-", &output, e));
    const enum status status = render(self->name, FORMAT_IHEX, memory, image, output, e);
    output_close(output);
    return status;
}

void dry_destination_init(struct destination *d)
{
    *d =
        (struct destination){.prepare = dry_prepare, .store = dry_store, .name = "standard output"};
}
