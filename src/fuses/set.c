/* Sets of fuse and lock bytes, and wishes in words. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/nearest.h"
#include "names.h"

void fuse_set_init(struct fuse_set *s, const struct part *part)
{
    *s = (struct fuse_set){.part = part};
    for (size_t i = 0; i < part->memory_count && s->count < FUSE_BYTES_MAX; i++) {
        const struct memory *m = &part->memories[i];
        if (m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK)
            s->bytes[s->count++] = (struct fuse_byte){.memory = m, .value = 0xff};
    }
}

struct fuse_byte *fuse_set_find(struct fuse_set *s, const struct memory *m)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->bytes[i].memory == m)
            return &s->bytes[i];
    return NULL;
}

void fuse_set_factory(struct fuse_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->bytes[i].memory->initial_known) {
            s->bytes[i].value = s->bytes[i].memory->initial;
            s->bytes[i].given = 0xff;
        }
}

bool fuse_set_empty(const struct fuse_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->bytes[i].given != 0)
            return false;
    return true;
}

void fuse_set_apply(const struct fuse_set *wish, struct fuse_set *base)
{
    for (size_t i = 0; i < wish->count && i < base->count; i++) {
        const struct fuse_byte *from = &wish->bytes[i];
        struct fuse_byte *to = &base->bytes[i];
        to->value = (uint8_t)((to->value & ~from->given) | (from->value & from->given));
        to->given |= from->given;
    }
}

bool fuse_byte_differs(const struct fuse_byte *a, const struct fuse_byte *b)
{
    return ((a->value ^ b->value) & a->given & b->given & a->memory->mask) != 0;
}

/* --- one wish ------------------------------------------------------------------------------- */

/* "BODLEVEL=2V7" in two. */
struct wish {
    char name[FUSE_TEXT_SIZE];
    char value[FUSE_TEXT_SIZE];
    const char *text;
};

static enum status split(const char *text, struct wish *w, struct error *e)
{
    const char *equals = strchr(text, '=');
    const size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    if (length == 0 || equals[1] == '\0')
        return error_set(e, STATUS_USAGE, "\"%s\" is not NAME=VALUE", text);
    if (length >= sizeof w->name || strlen(equals + 1) >= sizeof w->value)
        return error_set(e, STATUS_USAGE, "\"%.40s...\" is too long", text);
    *w = (struct wish){.text = text};
    memcpy(w->name, text, length);
    memcpy(w->value, equals + 1, strlen(equals + 1));
    return STATUS_OK;
}

/* Bits of a byte are given once, or twice alike. */
static enum status give(struct fuse_byte *byte, uint8_t mask, uint8_t value, const struct wish *w,
                        struct error *e)
{
    const uint8_t both = mask & byte->given;
    if (((value ^ byte->value) & both & byte->memory->mask) != 0)
        return error_set(e, STATUS_USAGE,
                         "%s contradicts what was given before: bits 0x%02x of %s are 0x%02x there",
                         w->text, both, byte->memory->name, byte->value & both);
    byte->value = (uint8_t)((byte->value & ~mask) | (value & mask));
    byte->given |= mask;
    return STATUS_OK;
}

/* --- whole bytes ---------------------------------------------------------------------------- */

static struct fuse_byte *find_byte(struct fuse_set *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcasecmp(s->bytes[i].memory->name, name) == 0 ||
            (s->bytes[i].memory->kind == MEMORY_LOCK && strcasecmp(name, "lockbits") == 0))
            return &s->bytes[i];
    return NULL;
}

static enum status assign_byte(struct fuse_byte *byte, const struct wish *w, struct error *e)
{
    uint32_t value;
    if (!name_is_number(w->value, &value)) {
        (void)error_set(e, STATUS_USAGE, "%s: \"%s\" is no number", w->text, w->value);
        error_hint(e, "a whole byte is a number, as in %s=0x%02x", byte->memory->name,
                   byte->memory->initial);
        return STATUS_USAGE;
    }
    if (value > 0xff)
        return error_set(e, STATUS_USAGE, "%s: %s is one byte, 0x00 to 0xff", w->text,
                         byte->memory->name);
    return give(byte, 0xff, (uint8_t)value, w, e);
}

/* --- fields --------------------------------------------------------------------------------- */

static unsigned lowest_bit(uint8_t mask)
{
    unsigned shift = 0;
    while (mask != 0 && (mask >> shift & 1) == 0)
        shift++;
    return shift;
}

static enum status does_not_fit(const struct fuse_field *f, const struct wish *w, struct error *e)
{
    const uint8_t most = (uint8_t)(f->mask >> lowest_bit(f->mask));
    if ((most & (most + 1)) == 0)
        (void)error_set(e, STATUS_USAGE, "%s: %s holds 0 to %u", w->text, f->name, (unsigned)most);
    else
        (void)error_set(e, STATUS_USAGE, "%s: %s has only the bits 0x%02x", w->text, f->name,
                        (unsigned)most);
    return STATUS_USAGE;
}

/* The values that `text` names, or begins to. */
static size_t search(const struct field *field, const char *text, bool start, uint8_t *value)
{
    size_t found = 0;
    for (size_t i = 0; i < fuse_value_count(field); i++) {
        char name[FUSE_TEXT_SIZE], alias[FUSE_TEXT_SIZE], numbered[FUSE_TEXT_SIZE + 8];
        const uint8_t at = fuse_value_at(field, i);
        (void)fuse_value_name(field, at, name);
        (void)fuse_value_alias(field, at, alias);
        /* avrdude tells values of one name apart so */
        (void)snprintf(numbered, sizeof numbered, "%sx%02x", alias, at);
        if (name_matches(name, text, start) || name_matches(alias, text, start) ||
            name_matches(numbered, text, false)) {
            *value = at;
            found++;
        }
    }
    return found;
}

/* "gpio_pc6_warning_external_reset_disabled": a flag's word with more behind it. */
static bool search_longer(const struct field *field, const char *text, uint8_t *value)
{
    for (uint8_t bit = 0; field->value_count == 0 && bit < 2; bit++) {
        char alias[FUSE_TEXT_SIZE];
        if (fuse_value_alias(field, bit, alias)[0] != '\0' &&
            strncasecmp(text, alias, strlen(alias)) == 0 && text[strlen(alias)] == '_') {
            *value = bit;
            return true;
        }
    }
    return false;
}

static enum status unknown_value(const struct part *part, const struct fuse_field *f,
                                 const struct wish *w, bool several, struct error *e)
{
    struct nearest nearest;
    char names[FUSE_BYTES_MAX * 8][FUSE_TEXT_SIZE];
    size_t count = 0;
    nearest_begin(&nearest, w->value);
    for (size_t i = 0; i < fuse_value_count(f->field); i++) {
        if (count == sizeof names / sizeof names[0])
            break;
        nearest_offer(&nearest,
                      fuse_value_name(f->field, fuse_value_at(f->field, i), names[count++]));
    }
    (void)error_set(e, STATUS_USAGE,
                    several ? "%s: several values of %s begin like that"
                            : "%s: %s has no such value",
                    w->text, f->name);
    nearest_hint(&nearest, e);
    error_hint(e, "ispflash fuses -p %s %s lists its values",
               part->alias_count > 0 ? part->aliases[0] : part->id, f->name);
    return STATUS_USAGE;
}

static enum status field_value(const struct part *part, const struct fuse_field *f,
                               const struct wish *w, uint8_t *value, struct error *e)
{
    uint32_t number;
    if (name_is_number(w->value, &number)) {
        if (number > 0xff || (number << lowest_bit(f->mask) & ~(uint32_t)f->mask) != 0)
            return does_not_fit(f, w, e);
        *value = (uint8_t)number;
        return STATUS_OK;
    }
    if (f->mask != f->field->mask)
        return error_set(e, STATUS_USAGE, "%s: %s takes a number", w->text, f->name);
    size_t found = search(f->field, w->value, false, value);
    if (found == 1 || (found == 0 && fuse_value_count(f->field) == 2 &&
                       f->field->value_count == 0 && name_flag_word(w->value, value)))
        return STATUS_OK;
    if (found == 0 && search_longer(f->field, w->value, value))
        return STATUS_OK;
    if (found == 0)
        found = search(f->field, w->value, true, value);
    return found == 1 ? STATUS_OK : unknown_value(part, f, w, found > 1, e);
}

enum status fuse_set_assign(struct fuse_set *s, const char *text, struct error *e)
{
    struct wish w;
    struct fuse_field f;
    uint8_t value = 0;
    TRY(split(text, &w, e));
    struct fuse_byte *byte = find_byte(s, w.name);
    if (byte != NULL)
        return assign_byte(byte, &w, e);
    TRY(fuse_field_find(s->part, w.name, &f, e));
    TRY(field_value(s->part, &f, &w, &value, e));
    return give(fuse_set_find(s, f.memory), f.mask, (uint8_t)(value << lowest_bit(f.mask)), &w, e);
}
