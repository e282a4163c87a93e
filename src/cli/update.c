/* The grammar of -U. Once a file name is known it is never looked into again: it may hold colons,
 * spaces, anything. */
#include "update.h"

#include <stdlib.h>
#include <string.h>

/* The pieces of the argument; nothing is copied. */
struct pieces {
    const char *memory, *file;
    size_t memory_length, file_length;
    char operation, format; /* format 0: none given */
};

/* MEM:OP: is there only if the first two colons enclose exactly one character. */
static struct pieces split(const char *text)
{
    struct pieces pieces = {.memory = "flash", .memory_length = 5, .operation = 'w', .file = text};
    const char *colon = strchr(text, ':');
    if (colon != NULL && colon[1] != '\0' && colon[2] == ':' && colon[1] != ':') {
        pieces.memory = text;
        pieces.memory_length = (size_t)(colon - text);
        pieces.operation = colon[1];
        pieces.file = colon + 3;
    }
    pieces.file_length = strlen(pieces.file);
    /* "efuse:w::m", written by IDEs for a board without that fuse, is no data in format m. */
    const bool no_data = pieces.memory == text && strcmp(pieces.file, ":m") == 0;
    if (pieces.file_length >= (no_data ? 2 : 3) && pieces.file[pieces.file_length - 2] == ':') {
        pieces.format = pieces.file[pieces.file_length - 1];
        pieces.file_length -= 2;
    }
    return pieces;
}

static enum status parse_operation(char letter, enum operation_kind *kind, struct error *e)
{
    switch (letter) {
    case 'r':
        *kind = OPERATION_READ;
        return STATUS_OK;
    case 'w':
        *kind = OPERATION_WRITE;
        return STATUS_OK;
    case 'v':
        *kind = OPERATION_VERIFY;
        return STATUS_OK;
    }
    return error_set(e, STATUS_USAGE, "operation '%c' is not r (read), w (write) or v (verify)",
                     letter);
}

static enum status parse_format(char letter, enum operation_kind kind, enum format *format,
                                struct error *e)
{
    if (letter == '\0') {
        *format = kind == OPERATION_READ ? FORMAT_RAW : FORMAT_AUTO;
        return STATUS_OK;
    }
    const char *name = NULL;
    if (!format_known(letter, &name)) {
        (void)error_set(e, STATUS_USAGE, "'%c' is no file format", letter);
        error_hint(e, "the formats are i (Intel HEX), s (S-record), r (raw), e (ELF), m (immediate "
                      "values), h d o b R (number lists), I (HEX with comments) and a (automatic)");
        error_hint(e, "a file name whose last character but one is a colon needs a format behind "
                      "it, like NAME:i");
        return e->code;
    }
    if (kind == OPERATION_READ && !format_writable((enum format)letter))
        return error_set(e, STATUS_USAGE, "format '%c' (%s) cannot be written to a file", letter,
                         name);
    *format = (enum format)letter;
    return STATUS_OK;
}

/* Only what carries addresses tells several memories apart. */
static enum status check_several(const struct update *u, struct error *e)
{
    const char *name = NULL;
    switch (u->format) {
    case FORMAT_AUTO:
    case FORMAT_IHEX:
    case FORMAT_IHEX_COMMENTS:
    case FORMAT_SREC:
    case FORMAT_ELF:
        return STATUS_OK;
    case FORMAT_RAW:
    case FORMAT_IMMEDIATE:
    case FORMAT_HEX:
    case FORMAT_DECIMAL:
    case FORMAT_OCTAL:
    case FORMAT_BINARY:
    case FORMAT_ROMAN:
        break;
    }
    (void)format_known((char)u->format, &name);
    (void)error_set(e, STATUS_USAGE, "format '%c' (%s) cannot hold several memories",
                    (char)u->format, name);
    error_hint(e, u->kind == OPERATION_READ
                      ? "i (Intel HEX), I (with comments) and s (S-record) can"
                      : "i (Intel HEX), I (with comments), s (S-record) and e (ELF) can");
    return e->code;
}

static enum status parse(const char *text, struct update *out, struct error *e)
{
    const struct pieces pieces = split(text);
    TRY(parse_operation(pieces.operation, &out->kind, e));
    if (pieces.memory_length == 0)
        return error_set(e, STATUS_USAGE, "no memory is named before the first colon");
    TRY(parse_format(pieces.format, out->kind, &out->format, e));
    if (pieces.file_length == 0 && out->format != FORMAT_IMMEDIATE)
        return error_set(e, STATUS_USAGE, "no file is named");
    out->memory = strndup(pieces.memory, pieces.memory_length);
    out->file = strndup(pieces.file, pieces.file_length);
    if (out->memory == NULL || out->file == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the options");
    out->several = session_is_memory_list(out->memory);
    if (!out->several)
        return STATUS_OK;
    if (pieces.format == '\0' && out->kind == OPERATION_READ)
        out->format = FORMAT_IHEX_COMMENTS;
    return check_several(out, e);
}

enum status update_parse(const char *text, struct update *out, struct error *e)
{
    struct update update = {0};
    if (parse(text, &update, e) != STATUS_OK) {
        update_free(&update);
        return error_in(e, "-U %s", text);
    }
    *out = update;
    return STATUS_OK;
}

void update_free(struct update *update)
{
    free(update->memory);
    free(update->file);
    *update = (struct update){0};
}
