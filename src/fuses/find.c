/* Fields by name, their parts too. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/nearest.h"
#include "names.h"

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

/* --- SUT_CKSEL and its parts ---------------------------------------------------------------- */

/* Which bits of the field are CKSEL, SUT and PLLCK: data sheets, "Fuse Low Byte". Right-aligned. */
static const struct split {
    uint8_t mask, cksel, sut, pllck;
} splits[] = {
    {0x3f, 0x0f, 0x30, 0},    /* most parts */
    {0xbf, 0x0f, 0x30, 0x80}, /* ATtiny26 */
    {0x1f, 0x0f, 0x10, 0},    /* ATtiny441, 1634 */
    {0x33, 0x03, 0x30, 0},    /* ATtiny828 */
    {0x0f, 0x03, 0x0c, 0},    /* ATtiny13 */
};

static const struct split *split_of(const struct field *field)
{
    if (strstr(field->name, "SUT") == NULL || strstr(field->name, "CKSEL") == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++)
        if (splits[i].mask == field->mask)
            return &splits[i];
    return NULL;
}

/* Bits that are 1 in every value of the list are not there at all (ATtiny48 and 88 have CKSEL1:0
 * only); those of SUT and CKSEL that remain. */
static uint8_t living_bits(const struct field *field, uint8_t part)
{
    uint8_t always = 0xff;
    for (size_t i = 0; i < field->value_count; i++)
        always &= field->values[i].value;
    return (uint8_t)(part & ~always);
}

static uint8_t part_mask(const struct field *field, const char *name)
{
    const struct split *split = split_of(field);
    if (split == NULL)
        return 0;
    return living_bits(field, strcasecmp(name, "CKSEL") == 0   ? split->cksel
                              : strcasecmp(name, "SUT") == 0   ? split->sut
                              : strcasecmp(name, "PLLCK") == 0 ? split->pllck
                                                               : 0);
}

/* avrdude calls every one of them sut_cksel. */
static bool is_called(const struct field *field, const char *name, bool start)
{
    return name_matches(field->name, name, start) ||
           (strcmp(field->name, "CKSEL_SUT") == 0 && name_matches("SUT_CKSEL", name, start));
}

/* --- by name -------------------------------------------------------------------------------- */

/* What a name may be, from the strictest on. */
enum match { MATCH_NAME, MATCH_PART, MATCH_START, MATCH_COUNT };

static bool matches(const struct field *field, const char *name, enum match match, uint8_t *mask)
{
    *mask = field->mask;
    switch (match) {
    case MATCH_NAME:
        return is_called(field, name, false);
    case MATCH_PART:
        *mask = part_mask(field, name);
        return *mask != 0;
    case MATCH_START:
        return is_called(field, name, true);
    case MATCH_COUNT:
        break;
    }
    return false;
}

static size_t search(const struct part *part, const struct memory *only, const char *name,
                     enum match match, struct fuse_field *out)
{
    size_t found = 0;
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        for (size_t k = 0; is_byte(m) && (only == NULL || only == m) && k < m->field_count; k++) {
            uint8_t mask;
            if (!matches(&m->fields[k], name, match, &mask))
                continue;
            *out = (struct fuse_field){.memory = m, .field = &m->fields[k], .mask = mask};
            (void)snprintf(out->name, sizeof out->name, "%s",
                           match == MATCH_PART ? name : m->fields[k].name);
            found++;
        }
    }
    return found;
}

static enum status unknown(const struct part *part, const char *name, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        if (!is_byte(m))
            continue;
        nearest_offer(&nearest, m->name);
        for (size_t k = 0; k < m->field_count; k++)
            nearest_offer(&nearest, m->fields[k].name);
    }
    (void)error_set(e, STATUS_USAGE, "the %s has no fuse or lock bits called %s", part->name, name);
    nearest_hint(&nearest, e);
    error_hint(e, "ispflash fuses -p %s shows all of them",
               part->alias_count > 0 ? part->aliases[0] : part->id);
    return STATUS_USAGE;
}

/* "hfuse.EESAVE": the byte, and what is behind the dot. */
static const char *split_byte(const struct part *part, const char *name, const struct memory **only)
{
    const char *dot = strchr(name, '.');
    *only = NULL;
    for (size_t i = 0; dot != NULL && i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        if (is_byte(m) && strlen(m->name) == (size_t)(dot - name) &&
            strncasecmp(m->name, name, strlen(m->name)) == 0) {
            *only = m;
            return dot + 1;
        }
    }
    return name;
}

enum status fuse_field_find(const struct part *part, const char *name, struct fuse_field *out,
                            struct error *e)
{
    const struct memory *only;
    const char *rest = split_byte(part, name, &only);
    for (enum match match = MATCH_NAME; match < MATCH_COUNT; match++) {
        const size_t found = rest[0] != '\0' ? search(part, only, rest, match, out) : 0;
        if (found == 1)
            return STATUS_OK;
        if (found == 0)
            continue;
        (void)error_set(e, STATUS_USAGE, "several fields of the %s begin like %s", part->name,
                        name);
        error_hint(e, "name the byte too: %s.%s", out->memory->name, out->name);
        return STATUS_USAGE;
    }
    return unknown(part, name, e);
}
