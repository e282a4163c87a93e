/* A verify that found differences: is it the chip or the connection, how much, where, and what does
 * it look like? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_private.h"

enum {
    EVENTS_MAX = 64, /* single bytes told to the listener; the count is told in any case */
    RANGES_MAX = 4,  /* in the text */
    RANGE_GAP = 16,  /* bytes that agree between two of one range */
    WINDOW = 1024,   /* bytes read again at most: they tell a bad connection from a bad chip */
    SPOTS_MAX = 64,  /* in so many reads at most */
    LOOKS = 16,      /* that must all agree before a cell that was in doubt is believed in */
    ALIAS_MIN = 8    /* bytes that must agree elsewhere before it is called an alias */
};

/* One comparison of what was wanted with what was read. */
struct comparison {
    const struct memory *memory;
    const struct image *image;
    uint32_t address;                     /* of found[0], from memory->base on */
    const uint8_t *found, *again, *third; /* three readings */
    uint32_t size;
    uint32_t looked; /* only so many of the bytes were read three times where they differ */
    bool believed;   /* among those some are wrong for certain: so is what differs behind them */
};

struct tally {
    uint32_t wrong;           /* differ in all three readings, by the same value */
    uint32_t unstable;        /* differ between readings, or are in doubt with those that do */
    uint32_t blank;           /* wrong, read as 0xff */
    uint32_t low;             /* wrong, only by bits that are 0 and should be 1 */
    uint32_t address_pattern; /* wrong, read as the low byte of their word address */
    uint32_t first;           /* address of the first wrong byte; none: of the first unstable one */
    uint8_t first_wanted, first_found;
};

/* --- counting ------------------------------------------------------------------------------- */

static bool is_unstable(const struct comparison *c, uint32_t i)
{
    uint8_t wanted;
    if (i < c->looked)
        return c->found[i] != c->again[i] || c->found[i] != c->third[i];
    return !c->believed && image_get(c->image, c->address + i, &wanted) && c->found[i] != wanted;
}

/* Some byte is wrong, and three times the same. */
static bool is_wrong_for_certain(const struct comparison *c)
{
    for (uint32_t i = 0; i < c->looked; i++) {
        uint8_t wanted;
        if (image_get(c->image, c->address + i, &wanted) && c->found[i] != wanted &&
            !is_unstable(c, i))
            return true;
    }
    return false;
}

static struct tally count(const struct comparison *c)
{
    struct tally t = {0};
    for (uint32_t i = 0; i < c->size; i++) {
        const uint32_t address = c->address + i;
        const uint8_t found = c->found[i];
        uint8_t wanted;
        if (!image_get(c->image, address, &wanted))
            continue;
        const bool unstable = is_unstable(c, i);
        if (!unstable && found == wanted)
            continue;
        if ((t.wrong == 0 && !unstable) || t.wrong + t.unstable == 0) {
            t.first = address;
            t.first_wanted = wanted;
            t.first_found = found;
        }
        t.unstable += unstable;
        t.wrong += !unstable;
        t.blank += !unstable && found == 0xff;
        t.low += !unstable && (found & wanted) == found;
        t.address_pattern += !unstable && found == (uint8_t)(address >> 1);
    }
    return t;
}

/* What was wanted `distance` away is what was found here: address bits got lost. */
static bool is_alias(const struct comparison *c, uint32_t distance, uint32_t wrong)
{
    uint32_t agree = 0;
    for (uint32_t i = 0; i < c->size; i++) {
        uint8_t wanted, elsewhere;
        if (!image_get(c->image, c->address + i, &wanted) || c->found[i] == wanted)
            continue;
        if (image_get(c->image, (c->address + i) ^ distance, &elsewhere) &&
            c->found[i] == elsewhere && elsewhere != 0xff)
            agree++;
    }
    return agree >= ALIAS_MIN && agree >= wrong - wrong / 8;
}

/* --- telling -------------------------------------------------------------------------------- */

static bool differs(const struct comparison *c, uint32_t i, uint8_t *wanted)
{
    return image_get(c->image, c->address + i, wanted) &&
           (c->found[i] != *wanted || is_unstable(c, i));
}

static void emit(struct session *s, const struct comparison *c)
{
    unsigned told = 0;
    for (uint32_t i = 0; i < c->size && told < EVENTS_MAX; i++) {
        struct event event = {.kind = EVENT_MISMATCH,
                              .mismatch = {.memory = c->memory, .address = c->address + i}};
        if (!differs(c, i, &event.mismatch.wanted))
            continue;
        event.mismatch.found = c->found[i];
        context_emit(s->context, &event);
        told++;
    }
}

/* Belongs into the list: what is wrong for certain; if nothing is, what is in doubt. */
static bool is_listed(const struct comparison *c, uint32_t i)
{
    uint8_t wanted;
    return differs(c, i, &wanted) && !(c->believed && is_unstable(c, i));
}

/* "0x0000-0x007f, 0x0200, ..." */
static void list_ranges(const struct comparison *c, char *out, size_t capacity)
{
    unsigned ranges = 0;
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < c->size; i++) {
        if (!is_listed(c, i))
            continue;
        uint32_t last = i;
        for (uint32_t k = i + 1; k < c->size && k - last <= RANGE_GAP; k++)
            last = is_listed(c, k) ? k : last;
        if (++ranges > RANGES_MAX) {
            (void)snprintf(out + used, capacity - used, ", ...");
            return;
        }
        used +=
            (size_t)snprintf(out + used, capacity - used,
                             last > i ? "%s0x%04lx-0x%04lx" : "%s0x%04lx", ranges > 1 ? ", " : "",
                             (unsigned long)(c->address + i), (unsigned long)(c->address + last));
        i = last;
    }
}

static void hint_cause(const struct session *s, const struct comparison *c, const struct tally *t,
                       struct error *e)
{
    if (t->unstable > 0)
        error_hint(e,
                   "%lu bytes%s read differently each time: the connection is unreliable, use "
                   "shorter wires, a good ground or a slower SCK",
                   (unsigned long)t->unstable, t->wrong > 0 ? " more" : "");
    else if (t->blank == t->wrong)
        error_hint(e, "all of them read as 0xff: they were never written");
    else if (is_alias(c, 0x10000, t->wrong) || is_alias(c, 0x20000, t->wrong))
        error_hint(e,
                   "what belongs 64 or 128 KiB away was found there: upper address bits got lost "
                   "on the way");
    else if (session_read_locked(s) || (t->wrong > ALIAS_MIN && t->address_pattern == t->wrong))
        error_hint(e, "this looks like what a read-locked chip answers, not like its content");
    else if (t->low == t->wrong && c->memory->kind == MEMORY_FLASH)
        error_hint(e, "only bits that should be 1 are 0: the cells were not erased before%s",
                   s->report.erased ? " (the erase did not work)" : "; erase with -e");
    else
        error_hint(e, "if it is worn cells or bit errors: write again, with a slower SCK");
}

static enum status tell(struct session *s, const struct comparison *c, const struct tally *t,
                        struct error *e)
{
    char ranges[160];
    list_ranges(c, ranges, sizeof ranges);
    s->report.mismatches += t->wrong + t->unstable;
    emit(s, c);
    (void)error_set(e, t->wrong > 0 ? STATUS_VERIFY : STATUS_UNVERIFIED,
                    "%lu of %lu bytes %s, at %s; at 0x%04lx 0x%02x is wanted and 0x%02x was found",
                    (unsigned long)(t->wrong > 0 ? t->wrong : t->unstable),
                    (unsigned long)image_bytes(c->image),
                    t->wrong > 0 ? "differ" : "cannot be read reliably", ranges,
                    (unsigned long)t->first, t->first_wanted, t->first_found);
    hint_cause(s, c, t, e);
    return e->code;
}

/* --- looking again -------------------------------------------------------------------------- */

/* The next spot that differs, from `at` on: bytes that agree do not end it when more follow close
 * behind. False: there is none. */
static bool next_spot(const struct memory *m, const struct image *image, uint32_t address,
                      const uint8_t *found, uint32_t size, uint32_t at, struct extent *spot)
{
    bool any = false;
    for (uint32_t i = at; i < size; i++) {
        uint8_t wanted;
        if (any && i - (spot->address + spot->size) >= RANGE_GAP)
            break;
        if (!image_get(image, m->base + address + i, &wanted) || wanted == found[i])
            continue;
        if (!any)
            spot->address = i;
        spot->size = i + 1 - spot->address;
        any = true;
    }
    return any;
}

/* Reads the spots that differ again, WINDOW bytes of them at most; elsewhere `again` equals
 * `found`. `*looked`: the bytes up to which nothing was left out. */
static enum status look_again(struct session *s, const struct memory *m, const struct image *image,
                              uint32_t address, const uint8_t *found, uint8_t *again, uint32_t size,
                              uint32_t *looked, struct error *e)
{
    struct extent spot = {0};
    uint32_t left = WINDOW, first = size;
    memcpy(again, found, size);
    *looked = 0;
    for (unsigned spots = 0; next_spot(m, image, address, found, size, *looked, &spot); spots++) {
        if (left == 0 || spots == SPOTS_MAX)
            return STATUS_OK;
        const uint32_t length = spot.size < left ? spot.size : left;
        TRY(target_read(s->target, m, address + spot.address, again + spot.address, length, e));
        left -= length;
        *looked = spot.address + length;
        first = first == size ? spot.address : first;
        s->doubt_address = address + first;
        s->doubt_size = *looked - first < WINDOW ? *looked - first : WINDOW;
    }
    *looked = size;
    return STATUS_OK;
}

static bool is_as_wanted(const struct memory *m, const struct image *image, uint32_t address,
                         const uint8_t *found, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t wanted;
        if (image_get(image, m->base + address + i, &wanted) && wanted != found[i])
            return false;
    }
    return true;
}

enum status session_look_closer(struct session *s, const struct memory *m,
                                const struct image *image, bool *clear, struct error *e)
{
    uint8_t found[WINDOW];
    enum status status = STATUS_OK;
    *clear = true;
    context_begin(s->context, STEP_VERIFY, m, LOOKS * s->doubt_size);
    for (unsigned i = 0; status == STATUS_OK && *clear && i < LOOKS; i++) {
        status = target_read(s->target, m, s->doubt_address, found, s->doubt_size, e);
        *clear =
            status == STATUS_OK && is_as_wanted(m, image, s->doubt_address, found, s->doubt_size);
    }
    context_end(s->context, status == STATUS_OK && !*clear ? STATUS_UNVERIFIED : status);
    return status;
}

static enum status judge(struct session *s, const struct comparison *c, struct error *e)
{
    const struct tally first = count(c);
    bool cleared = c->looked == c->size;
    for (uint32_t i = 0; i < c->size; i++) {
        uint8_t wanted;
        if (image_get(c->image, c->address + i, &wanted) &&
            (c->again[i] != wanted || c->third[i] != wanted))
            cleared = false;
    }
    if (!cleared)
        return tell(s, c, &first, e);
    context_log(s->context, LOG_WARNING,
                "the connection is unreliable: %lu bytes of %s read wrong once and right twice",
                (unsigned long)first.unstable, c->memory->name);
    return STATUS_OK;
}

enum status session_judge_mismatch(struct session *s, const struct memory *m,
                                   const struct image *image, uint32_t address,
                                   const uint8_t *found, uint32_t size, struct error *e)
{
    uint8_t *readings = malloc(2 * (size_t)size);
    if (readings == NULL)
        return session_no_memory(e);
    uint8_t *again = readings, *third = readings + size;
    struct comparison c = {.memory = m,
                           .image = image,
                           .address = m->base + address,
                           .found = found,
                           .again = again,
                           .third = third,
                           .size = size};
    enum status status = look_again(s, m, image, address, found, again, size, &c.looked, e);
    if (status == STATUS_OK)
        status = look_again(s, m, image, address, found, third, size, &c.looked, e);
    if (status == STATUS_OK) {
        c.believed = is_wrong_for_certain(&c);
        status = judge(s, &c, e);
    }
    free(readings);
    return status;
}
