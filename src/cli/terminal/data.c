/* The data of `write`. */
#include "data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/literal.h"
#include "core/nearest.h"
#include "words.h"

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the data");
}

static enum status take_bytes(const uint8_t *bytes, size_t size, enum data_kind kind,
                              struct data *out, struct error *e)
{
    struct image *image = image_new();
    if (image == NULL)
        return no_memory(e);
    const enum status status = image_put(image, 0, bytes, size, IMAGE_OVERLAP_SAME, NULL, e);
    if (status != STATUS_OK) {
        image_free(image);
        return status;
    }
    *out = (struct data){.kind = kind, .image = image, .size = (uint32_t)size};
    return STATUS_OK;
}

void data_free(struct data *data)
{
    image_free(data->image);
    *data = (struct data){0};
}

/* --- files ---------------------------------------------------------------------------------- */

enum status data_split_file(const char *word, char **file, enum format *format, struct error *e)
{
    const char *name = NULL;
    char *plain = word_plain(word);
    if (plain == NULL)
        return no_memory(e);
    const size_t length = strlen(plain);
    if (length >= 3 && plain[length - 2] == ':') {
        if (!format_known(plain[length - 1], &name)) {
            (void)error_set(e, STATUS_USAGE, "%s: '%c' is no file format", plain,
                            plain[length - 1]);
            free(plain);
            return STATUS_USAGE;
        }
        *format = (enum format)plain[length - 1];
        plain[length - 2] = '\0';
    }
    *file = plain;
    return STATUS_OK;
}

/* By the addresses that the file has in the memory. */
static enum status move_to_zero(const struct image *from, const struct memory *m, struct data *out,
                                struct error *e)
{
    struct image *image = image_new();
    struct extent extent;
    enum status status = image != NULL ? STATUS_OK : no_memory(e);
    for (uint64_t at = 0; status == STATUS_OK && image_next(from, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        status = image_put(image, extent.address - m->base, extent.data, extent.size,
                           IMAGE_OVERLAP_SAME, NULL, e);
    if (status != STATUS_OK) {
        image_free(image);
        return status;
    }
    *out = (struct data){.kind = DATA_FILE, .image = image, .size = (uint32_t)image_end(image)};
    return STATUS_OK;
}

static enum status read_image(const char *file, enum format format, const struct data_place *place,
                              struct data *out, struct error *e)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    struct format_result result = {0};
    TRY(file_read(file, &bytes, &size, e));
    const struct format_input input = {.name = strcmp(file, "-") == 0 ? "standard input" : file,
                                       .data = bytes,
                                       .size = size,
                                       .format = format,
                                       .memory = place->memory,
                                       .part = place->part,
                                       .allow = place->allow};
    enum status status = format_read(&input, place->context, &result, e);
    free(bytes);
    TRY(status);
    status = move_to_zero(result.image, place->memory, out, e);
    image_free(result.image);
    return status;
}

static enum status parse_file(const char *word, const struct data_place *place, struct data *out,
                              struct error *e)
{
    char *file = NULL;
    enum format format = FORMAT_AUTO;
    TRY(data_split_file(word, &file, &format, e));
    enum status status;
    if (strcmp(file, "-") == 0) /* the terminal itself may sit there */
        status = error_set(e, STATUS_USAGE, "data cannot come from standard input here");
    else
        status = read_image(file, format, place, out, e);
    free(file);
    if (status == STATUS_INPUT && strpbrk(word, "./:") == NULL)
        error_hint(e, "%s is neither a number nor a quoted string, so it was taken for a file",
                   word);
    return status;
}

/* --- items ---------------------------------------------------------------------------------- */

static enum status parse_item(const char *word, const struct data_place *place, struct data *out,
                              struct error *e)
{
    static const enum data_kind kinds[] = {[LITERAL_NUMBER] = DATA_NUMBER,
                                           [LITERAL_CHARACTER] = DATA_CHARACTER,
                                           [LITERAL_STRING] = DATA_STRING};
    struct literal literal;
    TRY(literal_parse(word, &literal, e));
    if (literal.kind == LITERAL_NONE)
        return parse_file(word, place, out, e);
    const enum status status = take_bytes(literal.bytes, literal.size, kinds[literal.kind], out, e);
    literal_free(&literal);
    return status;
}

enum status data_parse(const char *word, const struct data_place *place, struct data *out,
                       struct error *e)
{
    const size_t length = strlen(word);
    if (length < 2 || word[length - 1] != ',')
        return parse_item(word, place, out, e);
    char *shorter = strndup(word, length - 1);
    if (shorter == NULL)
        return no_memory(e);
    const enum status status = parse_item(shorter, place, out, e);
    free(shorter);
    return status;
}

/* --- several of them ------------------------------------------------------------------------ */

/* Where the next item goes, and how far it may. */
struct cursor {
    uint32_t base; /* of the memory */
    uint32_t at, end;
    bool cuts; /* what goes beyond is left out */
};

/* Zeros that only fill a number up may fall off the end: 0x00ff is a byte. */
static bool is_padding(const struct data *data, uint32_t offset)
{
    uint8_t value = 0;
    for (uint32_t i = offset; data->kind == DATA_NUMBER && i < data->size; i++)
        if (!image_get(data->image, i, &value) || value != 0)
            return false;
    return data->kind == DATA_NUMBER && offset > 0;
}

static enum status append(struct cursor *c, const char *word, const struct data *data,
                          struct image *into, struct error *e)
{
    struct extent extent;
    const uint32_t room = c->end - c->at;
    if (data->size > room && !c->cuts && !is_padding(data, room))
        return error_set(e, STATUS_USAGE,
                         "%s runs beyond the end: %" PRIu32 " bytes, with room for %" PRIu32, word,
                         data->size, room);
    for (uint64_t at = 0; image_next(data->image, at, &extent) && extent.address < room;
         at = (uint64_t)extent.address + extent.size) {
        const uint32_t left = room - extent.address;
        TRY(image_put(into, c->base + c->at + extent.address, extent.data,
                      extent.size < left ? extent.size : left, IMAGE_OVERLAP_REPLACE, NULL, e));
    }
    c->at += data->size < room ? data->size : room;
    return STATUS_OK;
}

static bool is_comma(const char *word)
{
    return strcmp(word, ",") == 0;
}

static enum status append_word(struct cursor *c, const char *word, const struct data_place *place,
                               struct data *data, struct image *into, struct error *e)
{
    data_free(data);
    TRY(data_parse(word, place, data, e));
    return append(c, word, data, into, e);
}

enum status data_image(char *const *words, size_t count, const struct data_place *place,
                       uint32_t address, uint32_t fill, struct image *into, struct error *e)
{
    struct data last = {0};
    const char *word = "";
    struct cursor c = {.base = place->memory->base,
                       .at = address,
                       .end = fill > 0 ? address + fill : place->memory->size,
                       .cuts = fill > 0};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (is_comma(words[i]))
            continue;
        word = words[i];
        status = append_word(&c, word, place, &last, into, e);
    }
    if (status == STATUS_OK && fill > 0 && c.at < c.end && last.size == 0)
        status = error_set(e, STATUS_USAGE, "%s has no bytes to fill with", word);
    while (status == STATUS_OK && fill > 0 && c.at < c.end)
        status = append(&c, word, &last, into, e);
    data_free(&last);
    return status;
}
