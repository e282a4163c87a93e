/* The formats as a table, detection, and the way from a file's bytes to the image of a memory. */
#include "ispflash/format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reader.h"
#include "writer.h"

struct format_row {
    enum format format;
    const char *name;
    enum status (*read)(const struct format_input *in, struct parsed *p, struct error *e);
    enum addressing addressing;
    bool writable;
};

static const struct format_row rows[] = {
    {FORMAT_AUTO, "automatic", NULL, ADDRESSING_NONE, false},
    {FORMAT_IHEX, "Intel HEX", ihex_read, ADDRESSING_ANY, true},
    {FORMAT_IHEX_COMMENTS, "Intel HEX with comments", ihex_read, ADDRESSING_ANY, true},
    {FORMAT_SREC, "Motorola S-record", srec_read, ADDRESSING_ANY, true},
    {FORMAT_RAW, "raw binary", raw_read, ADDRESSING_NONE, true},
    {FORMAT_ELF, "ELF", elf_read, ADDRESSING_MAP, false},
    {FORMAT_IMMEDIATE, "immediate data", numbers_read, ADDRESSING_NONE, false},
    {FORMAT_HEX, "list of hexadecimal numbers", numbers_read, ADDRESSING_NONE, true},
    {FORMAT_DECIMAL, "list of decimal numbers", numbers_read, ADDRESSING_NONE, true},
    {FORMAT_OCTAL, "list of octal numbers", numbers_read, ADDRESSING_NONE, true},
    {FORMAT_BINARY, "list of binary numbers", numbers_read, ADDRESSING_NONE, true},
    {FORMAT_ROMAN, "list of Roman numerals", numbers_read, ADDRESSING_NONE, true},
};

/* What the end of a name promises. */
static const struct {
    const char *suffix;
    enum format format;
} suffixes[] = {
    {".hex", FORMAT_IHEX}, {".ihex", FORMAT_IHEX}, {".ihx", FORMAT_IHEX}, {".eep", FORMAT_IHEX},
    {".s19", FORMAT_SREC}, {".s28", FORMAT_SREC},  {".s37", FORMAT_SREC}, {".srec", FORMAT_SREC},
    {".mot", FORMAT_SREC}, {".elf", FORMAT_ELF},
};

static const struct format_row *row_of(char letter)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((char)rows[i].format == letter)
            return &rows[i];
    return NULL;
}

bool format_known(char letter, const char **name)
{
    const struct format_row *row = row_of(letter);
    if (row == NULL)
        return false;
    if (name != NULL)
        *name = row->name;
    return true;
}

bool format_writable(enum format format)
{
    const struct format_row *row = row_of((char)format);
    return row != NULL && row->writable;
}

/* FORMAT_AUTO: promises nothing. */
static enum format promised_by_name(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t size = strlen(suffixes[i].suffix);
        if (length > size && strcasecmp(name + length - size, suffixes[i].suffix) == 0)
            return suffixes[i].format;
    }
    return FORMAT_AUTO;
}

/* A control character that no text has. */
static bool is_control(uint8_t character)
{
    return (character < ' ' && (character < '\t' || character > '\r') && character != 0x1a) ||
           character == 0x7f;
}

static bool line_is_binary(struct line line)
{
    for (size_t i = 0; i < line.size; i++)
        if (is_control(line.text[i]))
            return true;
    return false;
}

/* The first line that is a record decides, so that a comment may be in any alphabet; what is
 * binary before one comes is raw. FORMAT_AUTO: text without a record. */
static enum format detect_records(const uint8_t *data, size_t size)
{
    struct lines lines = lines_of(data, size);
    struct line line;
    bool beyond_ascii = false;
    while (lines_next(&lines, &line)) {
        if (ihex_looks_like(line))
            return FORMAT_IHEX;
        if (srec_looks_like(line))
            return FORMAT_SREC;
        if (line_is_binary(line))
            return FORMAT_RAW;
        for (size_t i = 0; i < line.size; i++)
            beyond_ascii = beyond_ascii || line.text[i] >= 0x80;
    }
    return beyond_ascii ? FORMAT_RAW : FORMAT_AUTO;
}

static enum format detect_content(const uint8_t *data, size_t size)
{
    if (elf_looks_like(data, size))
        return FORMAT_ELF;
    enum format format = detect_records(data, size);
    if (format == FORMAT_AUTO)
        (void)numbers_detect(data, size, &format);
    return format;
}

enum status format_detect(const struct format_input *in, enum format *out, struct error *e)
{
    if (in->size == 0)
        return input_error(in, 0, e, "empty");
    const enum format format = detect_content(in->data, in->size);
    if (format == FORMAT_AUTO) {
        (void)input_error(in, 0, e, "is text, but no format that is known");
        error_hint(e, "append the format: `:i` Intel HEX, `:s` S-record, `:r` its bytes as they "
                      "are");
        return e->code;
    }
    const enum format promised = promised_by_name(in->name);
    if (format == FORMAT_RAW && promised != FORMAT_AUTO) {
        (void)input_error(in, 0, e, "is binary, though its name says %s",
                          row_of((char)promised)->name);
        error_hint(e, "append `:r` if its bytes are to be written as they are");
        return e->code;
    }
    *out = format;
    return STATUS_OK;
}

/* Raw takes anything; a HEX file taken as raw is hardly what was meant. */
static void warn_of_disguise(const struct format_input *in, struct context *c)
{
    const enum format format = detect_content(in->data, in->size);
    if (format == FORMAT_ELF || format == FORMAT_IHEX || format == FORMAT_SREC)
        context_log(c, LOG_WARNING, "%s: looks like %s, but is taken as raw bytes as asked",
                    in->name, row_of((char)format)->name);
}

/* Kin, like an ATmega328 and an ATmega328P, run each other's programs. */
static void tell_chip(const struct format_input *in, const struct parsed *p, struct context *c)
{
    if (in->part == NULL || p->chip[0] == '\0')
        return;
    const size_t ours = strlen(in->part->id), theirs = strlen(p->chip);
    const bool kin = strncasecmp(in->part->id, p->chip, ours < theirs ? ours : theirs) == 0;
    context_log(c, kin ? LOG_DETAIL : LOG_NOTE, "%s: built for the %s%s%s", in->name, p->chip,
                kin ? "" : ", not for the ", kin ? "" : in->part->name);
}

static void tell(const struct format_input *in, const struct parsed *p, bool detected,
                 struct context *c)
{
    const bool comments = in->format == FORMAT_IHEX_COMMENTS;
    if (detected)
        context_log(c, LOG_DETAIL, "%s: read as %s", in->name, row_of((char)in->format)->name);
    if (in->format == FORMAT_RAW && !detected)
        warn_of_disguise(in, c);
    if (p->passed_over > 0)
        context_log(c, comments ? LOG_DETAIL : LOG_NOTE,
                    "%s: %zu line%s without a record passed over, the first is line %zu", in->name,
                    p->passed_over, p->passed_over == 1 ? "" : "s", p->first_passed_over);
    tell_chip(in, p, c);
    if (p->bad_checksums > 0)
        context_log(c, LOG_WARNING, "%s: %zu wrong checksum%s, the first in line %zu", in->name,
                    p->bad_checksums, p->bad_checksums == 1 ? "" : "s", p->first_bad_checksum);
}

/* A file that is not what it was said to be: name what it looks like. */
static void hint_at_format(const struct format_input *in, struct error *e)
{
    const enum format format = detect_content(in->data, in->size);
    if (e->code == STATUS_INPUT && format != in->format && format != FORMAT_AUTO &&
        format != FORMAT_RAW && in->format != FORMAT_IHEX_COMMENTS)
        error_hint(e, "it looks like %s: `:%c`", row_of((char)format)->name, (char)format);
}

/* Content first: `*input` is `in` with the format found. */
static enum status parse(const struct format_input *in, struct format_input *input,
                         const struct format_row **row, struct parsed *parsed, struct error *e)
{
    *input = *in;
    if (input->format == FORMAT_AUTO)
        TRY(format_detect(in, &input->format, e));
    *row = row_of((char)input->format);
    if (*row == NULL)
        return error_set(e, STATUS_USAGE, "%s: no such format: %c", in->name, (char)in->format);
    TRY((*row)->read(input, parsed, e));
    return STATUS_OK;
}

enum status format_read(const struct format_input *in, struct context *c, struct format_result *out,
                        struct error *e)
{
    struct format_input input;
    const struct format_row *row = NULL;
    struct parsed parsed;
    TRY(parsed_init(&parsed, e));
    enum status status = parse(in, &input, &row, &parsed, e);
    if (status != STATUS_OK && row != NULL && row->addressing != ADDRESSING_NONE &&
        parsed.record_count == 0)
        hint_at_format(&input, e);
    if (status == STATUS_OK && in->memory != NULL) {
        tell(&input, &parsed, in->format == FORMAT_AUTO, c);
        status = fit_to_memory(&input, &parsed, row->addressing, c, e);
    }
    if (status == STATUS_OK) {
        *out = (struct format_result){.image = parsed.image, .format = input.format};
        parsed.image = NULL;
    }
    parsed_free(&parsed);
    return status;
}

enum status format_read_multi(const struct format_input *in, const struct part *part,
                              struct context *c, struct image **images, struct error *e)
{
    struct format_input input;
    const struct format_row *row = NULL;
    struct parsed parsed;
    TRY(parsed_init(&parsed, e));
    enum status status = parse(in, &input, &row, &parsed, e);
    if (status == STATUS_OK && row->addressing == ADDRESSING_NONE)
        status = input_error(&input, 0, e,
                             "%s has no addresses, so it cannot hold several memories", row->name);
    if (status == STATUS_OK) {
        tell(&input, &parsed, in->format == FORMAT_AUTO, c);
        status = fit_to_part(&input, &parsed, part, c, images, e);
    }
    parsed_free(&parsed);
    return status;
}

static enum status render(enum format format, const struct image *image, uint32_t base,
                          const struct memory_labels *labels, struct buffer *b, struct error *e)
{
    switch (format) {
    case FORMAT_IHEX:
    case FORMAT_IHEX_COMMENTS:
        ihex_write(image, format == FORMAT_IHEX_COMMENTS ? labels : NULL, b);
        return STATUS_OK;
    case FORMAT_SREC:
        srec_write(image, b);
        return STATUS_OK;
    case FORMAT_RAW:
        return raw_write(image, base, b, e);
    case FORMAT_HEX:
    case FORMAT_DECIMAL:
    case FORMAT_OCTAL:
    case FORMAT_BINARY:
    case FORMAT_ROMAN:
        return numbers_write(format, image, base, b, e);
    case FORMAT_AUTO:
    case FORMAT_ELF:
    case FORMAT_IMMEDIATE:
        break;
    }
    const struct format_row *row = row_of((char)format);
    return error_set(e, STATUS_USAGE, "%s cannot be written", row != NULL ? row->name : "that");
}

static enum status write_labelled(enum format format, const struct image *image, uint32_t base,
                                  const struct memory_labels *labels, uint8_t **out, size_t *size,
                                  struct error *e)
{
    struct buffer buffer = {0};
    enum status status = render(format, image, base, labels, &buffer, e);
    if (status == STATUS_OK && buffer.data == NULL && !buffer.failed) {
        buffer.data = malloc(1); /* an empty file is a buffer too */
        buffer.failed = buffer.data == NULL;
    }
    if (status == STATUS_OK && buffer.failed)
        status = error_set(e, STATUS_NO_MEMORY, "out of memory for a file");
    if (status != STATUS_OK) {
        free(buffer.data);
        return status;
    }
    *out = buffer.data;
    *size = buffer.size;
    return STATUS_OK;
}

enum status format_write(enum format format, const struct image *image, const struct memory *memory,
                         uint8_t **out, size_t *size, struct error *e)
{
    struct memory_label label = {0};
    if (memory != NULL)
        label = (struct memory_label){.address = memory->base, .name = memory->name};
    const struct memory_labels labels = {.items = &label, .count = memory != NULL ? 1 : 0};
    return write_labelled(format, image, label.address, &labels, out, size, e);
}

static enum status write_list(enum format format, const struct memory_image *list, size_t count,
                              struct memory_label *items, struct image *whole, uint8_t **out,
                              size_t *size, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        items[i].name = list[i].memory->name;
        TRY(map_memory(list[i].memory, list[i].image, whole, &items[i].address, e));
    }
    const struct memory_labels labels = {.items = items, .count = count};
    return write_labelled(format, whole, 0, &labels, out, size, e);
}

enum status format_write_multi(enum format format, const struct memory_image *list, size_t count,
                               uint8_t **out, size_t *size, struct error *e)
{
    const struct format_row *row = row_of((char)format);
    if (row == NULL || !row->writable || row->addressing == ADDRESSING_NONE)
        return error_set(e, STATUS_USAGE, "%s cannot hold several memories",
                         row != NULL ? row->name : "that");
    struct image *whole = image_new();
    struct memory_label *items = calloc(count + 1, sizeof *items);
    const enum status status = whole != NULL && items != NULL
                                   ? write_list(format, list, count, items, whole, out, size, e)
                                   : error_set(e, STATUS_NO_MEMORY, "out of memory for a file");
    free(items);
    image_free(whole);
    return status;
}

enum format format_by_name(const char *name)
{
    return promised_by_name(name);
}
