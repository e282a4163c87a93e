/* Files of images for the commands that need no chip. */
#include "image_file.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "update.h"

/* The grammar of FILE[:FMT] is that of -U. */
static enum status parse(const char *text, const char *operation, struct update *out,
                         struct error *e)
{
    char *argument = malloc(strlen(operation) + strlen(text) + 1);
    if (argument == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the file's name");
    (void)strcat(strcpy(argument, operation), text);
    const enum status status = update_parse(argument, out, e);
    free(argument);
    return status;
}

static enum status read_update(const struct update *u, const struct memory *memory,
                               struct context *c, struct format_result *out, struct error *e)
{
    struct format_input input = {.name = u->file, .format = u->format, .memory = memory};
    uint8_t *data = NULL;
    if (u->format == FORMAT_IMMEDIATE)
        return error_set(e, STATUS_USAGE, "immediate data is no file");
    TRY(file_read(u->file, &data, &input.size, e));
    input.data = data;
    const enum status status = format_read(&input, c, out, e);
    free(data);
    return status;
}

enum status image_file_read(const char *text, const struct memory *memory, struct context *c,
                            struct image_file *out, struct error *e)
{
    struct update u = {0};
    struct format_result result = {0};
    TRY(parse(text, "flash:w:", &u, e));
    const enum status status = read_update(&u, memory, c, &result, e);
    if (status == STATUS_OK) {
        *out = (struct image_file){.name = u.file, .image = result.image, .format = result.format};
        u.file = NULL;
    }
    update_free(&u);
    return status;
}

static bool has_addresses(enum format format)
{
    return format == FORMAT_IHEX || format == FORMAT_IHEX_COMMENTS || format == FORMAT_SREC ||
           format == FORMAT_ELF;
}

/* What has no addresses can only be meant for flash. */
static enum status read_flash(const char *text, const struct part *part, struct context *c,
                              struct image **images, struct error *e)
{
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    struct image_file file = {0};
    if (flash == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "the %s has no flash", part->name);
    TRY(image_file_read(text, flash, c, &file, e));
    images[flash - part->memories] = file.image;
    file.image = NULL;
    image_file_free(&file);
    return STATUS_OK;
}

enum status image_file_read_all(const char *text, const struct part *part, struct context *c,
                                struct image **images, struct error *e)
{
    struct update u = {0};
    uint8_t *data = NULL;
    TRY(parse(text, "flash:w:", &u, e));
    struct format_input input = {.name = u.file, .format = u.format, .part = part};
    enum format found = u.format;
    enum status status = file_read(u.file, &data, &input.size, e);
    input.data = data;
    if (status == STATUS_OK && u.format == FORMAT_AUTO)
        status = format_detect(&input, &found, e);
    if (status == STATUS_OK)
        status = has_addresses(found) ? format_read_multi(&input, part, c, images, e)
                                      : read_flash(text, part, c, images, e);
    free(data);
    update_free(&u);
    return status;
}

void image_file_free(struct image_file *file)
{
    free(file->name);
    image_free(file->image);
    *file = (struct image_file){0};
}

static enum status write_update(const struct update *u, const struct memory *memory,
                                const struct image *image, struct context *json, struct error *e)
{
    struct answer answer = {.name = "file", .format = u->format};
    struct output *output = NULL;
    uint8_t *data = NULL;
    if (format_write(u->format, image, memory, &data, &answer.size, e) != STATUS_OK)
        return error_in(e, "%s", u->file);
    answer.data = data;
    enum status status = output_open(u->file, &output, e);
    if (status == STATUS_OK)
        status = answer_commit(&answer, output, u->file, json, e);
    output_close(output);
    free(data);
    return status;
}

enum status image_file_write(const char *text, const struct memory *memory,
                             const struct image *image, struct context *json, struct error *e)
{
    struct update u = {0};
    if (text == NULL) {
        (void)error_set(e, STATUS_USAGE, "no file is named to write to");
        error_hint(e, "-o FILE[:FMT]; -o - is standard output");
        return STATUS_USAGE;
    }
    TRY(parse(text, "flash:r:", &u, e));
    const size_t length = strlen(text);
    if (length < 3 || text[length - 2] != ':') /* no :FMT */
        u.format = FORMAT_IHEX;
    const enum status status = write_update(&u, memory, image, json, e);
    update_free(&u);
    return status;
}
