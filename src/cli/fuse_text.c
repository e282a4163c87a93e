/* Fuse and lock bytes as tables for a person. */
#include "fuse_text.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static int name_width(const struct fuse_set *s)
{
    size_t width = 8;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->bytes[i].memory->field_count; k++) {
            const size_t length = strlen(s->bytes[i].memory->fields[k].name);
            width = length > width ? length : width;
        }
    return (int)width;
}

/* "0x22" or "5": long lists are in hexadecimal, as the data sheets and the raw byte are. */
static const char *number(const struct field *field, uint8_t value, char out[8])
{
    (void)snprintf(out, 8, field->value_count > 8 ? "0x%02x" : "%u", value);
    return out;
}

/* Behind the boot section's size: where it lies. */
static void put_boot_section(FILE *out, const struct fuse_set *s, const struct field *field)
{
    uint8_t fuses[64];
    uint32_t start;
    const struct memory *flash = part_memory(s->part, MEMORY_FLASH);
    if (strcmp(field->name, "BOOTSZ") != 0 || flash == NULL)
        return;
    memset(fuses, 0xff, sizeof fuses);
    for (size_t i = 0; i < s->count; i++)
        fuses[s->bytes[i].memory - s->part->memories] = s->bytes[i].value;
    if (part_boot_start(s->part, fuses, &start))
        (void)fprintf(out, ", 0x%04" PRIx32 " to 0x%04" PRIx32, start,
                      flash->base + flash->size - 1);
}

static void put_field(FILE *out, const struct fuse_set *s, const struct fuse_byte *b,
                      const struct field *field, int width)
{
    const uint8_t value = field_get(field, b->value);
    const char *meaning = fuse_value_meaning(field, value);
    char text[8];
    (void)fprintf(out, "  %-*s  %-4s  %s%s%s", width, field->name, number(field, value, text),
                  field->caption, meaning[0] != '\0' ? ": " : "", meaning);
    put_boot_section(out, s, field);
    (void)fputc('\n', out);
}

/* What shuts ISP, or needs a clock signal, is not to be overlooked. */
static void put_hazards(FILE *out, const struct part *part, const struct fuse_byte *b)
{
    for (size_t i = 0; i < part->hazard_count; i++) {
        const struct hazard *hazard = &part->hazards[i];
        if (hazard->memory != b->memory || (hazard->mask & ~b->given) != 0 ||
            !hazard_hit(hazard, b->value))
            continue;
        if (hazard->kind == HAZARD_RESET_DISABLE || hazard->kind == HAZARD_DEBUGWIRE ||
            hazard->kind == HAZARD_EXTERNAL_CLOCK || hazard->kind == HAZARD_SPI_DISABLE)
            (void)fprintf(out, "  ! %s: %s\n", part_hazard_name(hazard->kind), hazard->caption);
    }
}

void fuse_text_set(FILE *out, const struct fuse_set *s)
{
    const int width = name_width(s);
    for (size_t i = 0; i < s->count; i++) {
        const struct fuse_byte *b = &s->bytes[i];
        if (b->given == 0)
            continue;
        if (b->given == 0xff)
            (void)fprintf(out, "%s 0x%02x\n", b->memory->name, b->value);
        else
            (void)fprintf(out, "%s, in part\n", b->memory->name);
        for (size_t k = 0; k < b->memory->field_count; k++)
            if ((b->memory->fields[k].mask & ~b->given) == 0)
                put_field(out, s, b, &b->memory->fields[k], width);
        put_hazards(out, s->part, b);
    }
}

void fuse_text_options(FILE *out, const struct fuse_set *s)
{
    bool first = true;
    for (size_t i = 0; i < s->count; i++) {
        if (s->bytes[i].given != 0xff)
            continue;
        (void)fprintf(out, "%s-U %s:w:0x%02x:m", first ? "" : " ", s->bytes[i].memory->name,
                      s->bytes[i].value);
        first = false;
    }
    if (!first)
        (void)fputc('\n', out);
}

/* --- differences ---------------------------------------------------------------------------- */

static void put_change(FILE *out, const struct field *field, uint8_t before, uint8_t after,
                       int width)
{
    char was[8], is[8];
    const char *meant = fuse_value_meaning(field, before);
    const char *means = fuse_value_meaning(field, after);
    (void)fprintf(out, "  %-*s  %s -> %s", width, field->name, number(field, before, was),
                  number(field, after, is));
    (void)fprintf(out, "  %s", field->caption);
    if (meant[0] != '\0' || means[0] != '\0')
        (void)fprintf(out, ": %s -> %s", meant, means);
    (void)fputc('\n', out);
}

static void put_byte_difference(FILE *out, const struct fuse_byte *a, const struct fuse_byte *b,
                                int width)
{
    if (a->given == 0xff && b->given == 0xff)
        (void)fprintf(out, "%s 0x%02x -> 0x%02x\n", a->memory->name, a->value, b->value);
    else
        (void)fprintf(out, "%s\n", a->memory->name);
    for (size_t k = 0; k < a->memory->field_count; k++) {
        const struct field *field = &a->memory->fields[k];
        const uint8_t known = field->mask & a->given & b->given;
        if (((a->value ^ b->value) & known) != 0)
            put_change(out, field, field_get(field, a->value), field_get(field, b->value), width);
    }
}

bool fuse_text_difference(FILE *out, const struct fuse_set *a, const struct fuse_set *b)
{
    bool any = false;
    const int width = name_width(a);
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        const struct fuse_byte *x = &a->bytes[i], *y = &b->bytes[i];
        if (fuse_byte_differs(x, y))
            put_byte_difference(out, x, y, width);
        else if (x->given == 0xff && y->given == 0xff && x->value != y->value)
            (void)fprintf(out,
                          "%s 0x%02x and 0x%02x are the same setting: they differ only in bits "
                          "that the %s does not have\n",
                          x->memory->name, x->value, y->value, a->part->name);
        any = any || fuse_byte_differs(x, y);
    }
    return any;
}

/* --- choices -------------------------------------------------------------------------------- */

/* "* 5     2V7  2.7 V  (bod_2v7)" */
static void put_choice(FILE *out, const struct field *field, uint8_t value, bool present)
{
    char text[8], name[FUSE_TEXT_SIZE], alias[FUSE_TEXT_SIZE];
    const char *meaning = fuse_value_meaning(field, value);
    (void)fuse_value_name(field, value, name);
    (void)fuse_value_alias(field, value, alias);
    (void)fprintf(out, "%c %-4s", present ? '*' : ' ', number(field, value, text));
    if (field->value_count > 0)
        (void)fprintf(out, "  %s", name);
    if (meaning[0] != '\0')
        (void)fprintf(out, "  %s", meaning);
    if (alias[0] != '\0' && strcasecmp(alias, name) != 0)
        (void)fprintf(out, "  (%s)", alias);
    (void)fputc('\n', out);
}

void fuse_text_choices(FILE *out, const struct fuse_field *f, const struct fuse_byte *present)
{
    const bool known = present != NULL && (f->field->mask & ~present->given) == 0;
    (void)fprintf(out, "%s, in %s: %s\n", f->field->name, f->memory->name, f->field->caption);
    for (size_t i = 0; i < fuse_value_count(f->field); i++) {
        const uint8_t value = fuse_value_at(f->field, i);
        put_choice(out, f->field, value, known && field_get(f->field, present->value) == value);
    }
}
