/* Fuses that would cut ISP off are refused unless they are allowed by name; what is merely risky is
 * said. The whole set of a job is judged together, before any of it is written. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session_private.h"

bool session_is_allowed(const char *name, const char *const *allow, size_t allow_count)
{
    for (size_t i = 0; i < allow_count; i++)
        if (strcasecmp(allow[i], name) == 0)
            return true;
    return false;
}

/* It is in the chip already, as far as ISP can change it. */
static bool is_present(const struct guard_byte *b)
{
    return b->known && ((b->wanted ^ b->present) & b->memory->mask & b->memory->write_mask) == 0;
}

/* The chip gets into the hazard, or may for all that is known. */
static bool enters(const struct hazard *hazard, const struct guard_byte *b)
{
    return hazard->memory == b->memory && !is_present(b) && hazard_hit(hazard, b->wanted);
}

/* RESET as a pin and debugWIRE end ISP whatever the chip runs from. A clock signal from outside
 * does so unless it is there; a chip that runs from one now shows that it is. */
static bool cuts_off(const struct guard_request *r, const struct hazard *hazard,
                     const struct guard_byte *b)
{
    if (!enters(hazard, b))
        return false;
    switch (hazard->kind) {
    case HAZARD_RESET_DISABLE:
    case HAZARD_DEBUGWIRE:
        return true;
    case HAZARD_EXTERNAL_CLOCK:
        return b->known ? !hazard_hit(hazard, b->present) : r->chip_was_read;
    case HAZARD_CRYSTAL:
    case HAZARD_SLOW_CLOCK:
    case HAZARD_CLOCK_DIVIDED:
    case HAZARD_SPI_DISABLE: /* ignored by the chip when it comes over ISP */
    case HAZARD_LOCK:
    case HAZARD_OTHER:
        return false;
    }
    return false;
}

/* --- hfuse and efuse mixed up --------------------------------------------------------------- */

/* How far the value is from what the fuse has from the factory: its bits, and one more each for
 * what hardly anybody wants, zeros in bits that do not exist and a bit that ISP cannot change. */
static unsigned strangeness(uint8_t value, const struct memory *m)
{
    unsigned count = 0;
    for (uint8_t bits = (uint8_t)((value ^ m->initial) & m->mask); bits != 0; bits >>= 1)
        count += bits & 1;
    count += (~value & ~m->mask & 0xff) != 0;
    count += ((value ^ m->initial) & m->mask & ~m->write_mask) != 0;
    return count;
}

/* The last byte wanted for the fuse of that name; NULL: none, or its factory value is not known. */
static const struct guard_byte *wanted_for(const struct guard_request *r, const char *name)
{
    const struct guard_byte *last = NULL;
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->bytes[i].memory->name, name) == 0)
            last = &r->bytes[i];
    return last != NULL && last->memory->initial_known ? last : NULL;
}

/* The fuse, other than `b`'s, whose factory value `b` has; NULL: none, or an erased 0xff. */
static const struct memory *default_of_another(const struct guard_request *r,
                                               const struct guard_byte *b)
{
    if (b->wanted == 0xff || b->wanted == b->memory->initial || is_present(b))
        return NULL;
    for (size_t i = 0; i < r->part->memory_count; i++) {
        const struct memory *m = &r->part->memories[i];
        if (m->kind == MEMORY_FUSE && m != b->memory && m->initial_known && m->initial == b->wanted)
            return m;
    }
    return NULL;
}

/* Values are exchanged if they would be less strange the other way round. A single one is
 * suspect if it is exactly another's. lfuse is left out: almost any clock is somebody's wish. */
static bool looks_swapped(const struct guard_request *r, char *out, size_t capacity)
{
    const struct guard_byte *h = wanted_for(r, "hfuse"), *e = wanted_for(r, "efuse");
    if (h != NULL && e != NULL) {
        const unsigned straight =
            strangeness(h->wanted, h->memory) + strangeness(e->wanted, e->memory);
        const unsigned crossed =
            strangeness(h->wanted, e->memory) + strangeness(e->wanted, h->memory);
        (void)snprintf(out, capacity, "hfuse 0x%02x and efuse 0x%02x look exchanged", h->wanted,
                       e->wanted);
        return crossed < straight && !(is_present(h) && is_present(e));
    }
    const struct guard_byte *b = h != NULL ? h : e;
    const struct memory *other = b != NULL ? default_of_another(r, b) : NULL;
    if (other == NULL)
        return false;
    (void)snprintf(out, capacity, "%s 0x%02x is the factory value of %s", b->memory->name,
                   b->wanted, other->name);
    return true;
}

/* --- what is refused ------------------------------------------------------------------------ */

/* All that is refused, gathered into one answer. */
struct refusal {
    unsigned kinds; /* a bit each enum hazard_kind */
    char names[96]; /* "reset-disable,debugwire" */
};

static void refuse(struct refusal *refusal, const struct hazard *hazard, const struct guard_byte *b,
                   struct error *e)
{
    const char *name = part_hazard_name(hazard->kind);
    const size_t used = strlen(refusal->names);
    if (refusal->kinds == 0)
        (void)error_set(e, STATUS_REFUSED, "%s 0x%02x would cut ISP off: %s", b->memory->name,
                        b->wanted, hazard->caption != NULL ? hazard->caption : name);
    else
        (void)error_in(e, "%s 0x%02x means %s too", b->memory->name, b->wanted, name);
    if ((refusal->kinds & 1u << hazard->kind) == 0)
        (void)snprintf(refusal->names + used, sizeof refusal->names - used, "%s%s",
                       used > 0 ? "," : "", name);
    refusal->kinds |= 1u << hazard->kind;
    if (hazard->recovery != NULL)
        error_hint(e, "the way back after %s: %s", name, hazard->recovery);
}

enum status session_guard(const struct guard_request *r, struct error *e)
{
    struct refusal refusal = {0};
    char swapped[96];
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->part->hazard_count; k++) {
            const struct hazard *hazard = &r->part->hazards[k];
            if (cuts_off(r, hazard, &r->bytes[i]) &&
                !session_is_allowed(part_hazard_name(hazard->kind), r->allow, r->allow_count))
                refuse(&refusal, hazard, &r->bytes[i], e);
        }
    if (refusal.kinds == 0)
        return STATUS_OK;
    if (looks_swapped(r, swapped, sizeof swapped))
        error_hint(e, "%s", swapped);
    error_hint(e, "if that is what you want: --allow %s", refusal.names);
    return STATUS_REFUSED;
}

/* --- what is said --------------------------------------------------------------------------- */

/* What the bits of `hazard` mean in `value`: "Internal RC oscillator 8 MHz, ..."; NULL: no words */
static const char *meaning(const struct hazard *hazard, uint8_t value)
{
    for (size_t i = 0; i < hazard->memory->field_count; i++) {
        const struct field *field = &hazard->memory->fields[i];
        if (field->mask != hazard->mask)
            continue;
        for (size_t k = 0; k < field->value_count; k++)
            if (field->values[k].value == field_get(field, value))
                return field->values[k].caption;
    }
    return NULL;
}

static void say_clock(const struct hazard *hazard, const struct guard_byte *b, struct context *c)
{
    const char *wanted = meaning(hazard, b->wanted);
    const char *present = b->known ? meaning(hazard, b->present) : NULL;
    context_log(c, LOG_NOTE, "%s 0x%02x changes the clock%s%s%s%s: %s", b->memory->name, b->wanted,
                present != NULL ? " from " : "", present != NULL ? present : "",
                wanted != NULL ? " to " : "", wanted != NULL ? wanted : "", hazard->caption);
}

static void say_hazard(const struct hazard *hazard, const struct guard_byte *b, struct context *c)
{
    if (!enters(hazard, b) || (b->known && hazard_hit(hazard, b->present)))
        return;
    switch (hazard->kind) {
    case HAZARD_EXTERNAL_CLOCK: /* allowed by name */
    case HAZARD_CRYSTAL:
    case HAZARD_SLOW_CLOCK:
        say_clock(hazard, b, c);
        return;
    case HAZARD_CLOCK_DIVIDED:
    case HAZARD_OTHER:
        context_log(c, LOG_NOTE, "%s 0x%02x: %s", b->memory->name, b->wanted, hazard->caption);
        return;
    case HAZARD_RESET_DISABLE: /* allowed by name, and nothing comes after it */
    case HAZARD_DEBUGWIRE:
        context_log(c, LOG_WARNING, "%s 0x%02x: %s", b->memory->name, b->wanted, hazard->caption);
        return;
    case HAZARD_SPI_DISABLE: /* said when the bit is left as it is */
    case HAZARD_LOCK:
        return;
    }
}

void session_guard_say(const struct guard_request *r, struct context *c)
{
    char swapped[96];
    if (looks_swapped(r, swapped, sizeof swapped))
        context_log(c, LOG_WARNING, "%s", swapped);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->part->hazard_count; k++)
            say_hazard(&r->part->hazards[k], &r->bytes[i], c);
}
