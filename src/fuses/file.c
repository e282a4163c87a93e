/* The small text file: one `name = value` a line, # comments. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "names.h"

enum { LINE_SIZE = 256 };

/* Where the reading stands. */
struct reader {
    const char *name;
    unsigned line;
    struct part_database *parts;
    const struct part *expected;
    bool part_named;
    struct fuse_set *set;
};

/* STATUS_INPUT whatever it was, with the place before it. */
static enum status at_line(const struct reader *r, struct error *e)
{
    e->code = STATUS_INPUT;
    return error_in(e, "%s:%u", r->name, r->line);
}

/* Cuts comment and blanks off both ends. */
static char *trim(char *text)
{
    text[strcspn(text, "#")] = '\0';
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static enum status take_part(struct reader *r, const char *name, struct error *e)
{
    const struct part *part;
    if (r->part_named)
        return error_set(e, STATUS_INPUT, "a second part line");
    r->part_named = true;
    TRY(part_find(r->parts, name, &part, e));
    if (r->expected != NULL && part != r->expected && !part_same_layout(part, r->expected))
        return error_set(e, STATUS_INPUT, "the file is for an %s, not for the %s", part->name,
                         r->expected->name);
    if (r->set->part == NULL)
        fuse_set_init(r->set, part);
    return STATUS_OK;
}

static enum status take_line(struct reader *r, char *line, struct error *e)
{
    char wish[2 * LINE_SIZE];
    char *equals = strchr(line, '=');
    if (line[0] == '\0')
        return STATUS_OK;
    if (equals == NULL)
        return error_set(e, STATUS_INPUT, "\"%s\" is not name = value", line);
    *equals = '\0';
    const char *name = trim(line), *value = trim(equals + 1);
    if (strcasecmp(name, "part") == 0)
        return take_part(r, value, e);
    if (r->set->part == NULL) {
        (void)error_set(e, STATUS_INPUT, "no part is named before this line");
        error_hint(e, "begin the file with part = NAME, or use -p");
        return STATUS_INPUT;
    }
    (void)snprintf(wish, sizeof wish, "%s=%s", name, value);
    return fuse_set_assign(r->set, wish, e);
}

/* One line of `data` from `*at` on, as text. */
static enum status next_line(const struct reader *r, const uint8_t *data, size_t size, size_t *at,
                             char line[LINE_SIZE], struct error *e)
{
    size_t length = 0;
    for (; *at < size && data[*at] != '\n'; ++*at) {
        if (data[*at] == '\0' || length + 1 == LINE_SIZE)
            return error_set(e, STATUS_INPUT, "%s:%u: not a line of text", r->name, r->line);
        line[length++] = (char)data[*at];
    }
    line[length] = '\0';
    ++*at;
    return STATUS_OK;
}

enum status fuse_file_read(const char *name, const uint8_t *data, size_t size,
                           struct part_database *parts, const struct part *part,
                           struct fuse_set *out, struct error *e)
{
    struct fuse_set set = {0};
    struct reader r = {.name = name, .parts = parts, .expected = part, .set = &set};
    if (part != NULL)
        fuse_set_init(&set, part);
    for (size_t at = 0; at < size;) {
        char line[LINE_SIZE];
        r.line++;
        TRY(next_line(&r, data, size, &at, line, e));
        if (take_line(&r, trim(line), e) != STATUS_OK)
            return at_line(&r, e);
    }
    if (set.part == NULL || fuse_set_empty(&set))
        return error_set(e, STATUS_INPUT, "%s: no fuse or lock bits are in it", name);
    *out = set;
    return STATUS_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

static void put_field(FILE *out, const struct field *field, uint8_t byte)
{
    char value[FUSE_TEXT_SIZE];
    const uint8_t held = field_get(field, byte);
    const char *meaning = fuse_value_meaning(field, held);
    (void)fprintf(out, "#   %s = %s", field->name, fuse_value_name(field, held, value));
    if (meaning[0] != '\0')
        (void)fprintf(out, "  # %s: %s", field->caption, meaning);
    (void)fputc('\n', out);
}

static void put_byte(FILE *out, const struct fuse_byte *b)
{
    if (b->given == 0xff)
        (void)fprintf(out, "\n%s = 0x%02x\n", b->memory->name, b->value);
    for (size_t i = 0; i < b->memory->field_count; i++) {
        const struct field *field = &b->memory->fields[i];
        char value[FUSE_TEXT_SIZE];
        if (b->given == 0xff)
            put_field(out, field, b->value);
        else if ((field->mask & ~b->given) == 0)
            (void)fprintf(out, "%s.%s = %s\n", b->memory->name, field->name,
                          fuse_value_name(field, field_get(field, b->value), value));
    }
}

enum status fuse_file_write(const struct fuse_set *s, char **text, size_t *size, struct error *e)
{
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the fuses' file: %s", strerror(errno));
    (void)fprintf(out, "# Fuse and lock bits, for: ispflash fuses\n\npart = %s\n", s->part->name);
    for (size_t i = 0; i < s->count; i++)
        if (s->bytes[i].given != 0)
            put_byte(out, &s->bytes[i]);
    if (fclose(out) == 0)
        return STATUS_OK;
    free(*text);
    return error_set(e, STATUS_NO_MEMORY, "no memory for the fuses' file");
}
