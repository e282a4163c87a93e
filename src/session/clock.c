/* SCK, where the user leaves it to the tool. Entering begins slow enough for a factory-fresh chip
 * at 1 MHz; the fuses then tell what the chip's clock may be. SCK goes to what the lowest of these
 * clocks bears. From there it goes up by doubling, each time with repeated readings of signature
 * and fuses, never to the data sheet's limit for the highest, and settles one step below the first
 * doubt. That second part is only for jobs that erase the chip and read back all that they write:
 * an instruction that is misread may be taken for another one. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session_private.h"

enum {
    FUSES_MAX = 16,
    READINGS = 12, /* at each step, of single bytes; the verify sees to the rest */
    WORTH_US = 100000
};

/* Data sheets, "Calibrated Internal RC Oscillator Accuracy": within 10 % as it leaves the factory;
 * the 128 kHz oscillator is no better. SCK is not tried out within that: little is to be won. */
enum { INTERNAL_MIN_PERCENT = 90 };

bool session_clock_is_ours(const struct session *s)
{
    return s->programmer->config->sck_hz == 0 && !s->clock_set && target_clock(s->target) != 0 &&
           (target_traits(s->target) & TARGET_CLOCK) != 0;
}

uint32_t session_clock(const struct session *s)
{
    return s->target != NULL ? target_clock(s->target) : 0;
}

enum status session_set_clock(struct session *s, uint32_t hz, struct error *e)
{
    TRY(target_set_clock(s->target, hz, e));
    s->clock_set = true;
    session_tell_clock(s);
    return STATUS_OK;
}

static void clock_text(uint32_t hz, char out[24])
{
    (void)snprintf(out, 24, "%.7g kHz", hz / 1000.0);
}

void session_tell_clock(struct session *s)
{
    char text[24];
    if (target_clock(s->target) == 0)
        return;
    clock_text(target_clock(s->target), text);
    context_value(s->context, "sck", text, NULL, 0);
}

/* --- what the fuses allow ------------------------------------------------------------------- */

static bool known_fuses(const struct session *s, uint8_t *fuses, size_t capacity)
{
    if (s->part->memory_count > capacity)
        return false;
    for (size_t i = 0; i < s->part->memory_count; i++)
        if (s->part->memories[i].kind == MEMORY_FUSE &&
            !session_byte(s, &s->part->memories[i], &fuses[i]))
            return false;
    return true;
}

static uint32_t at_most(uint32_t hz, uint32_t max_hz)
{
    return hz < max_hz ? hz : max_hz;
}

bool session_chip_clock(const struct session *s, struct part_clock *clock)
{
    uint8_t fuses[32] = {0};
    return known_fuses(s, fuses, sizeof fuses) && part_clock(s->part, fuses, clock);
}

bool session_sck_range(const struct session *s, struct sck_range *range)
{
    const uint32_t max_hz = s->programmer->driver->sck_max_hz;
    const uint32_t fastest_hz = max_hz != 0 ? max_hz : UINT32_MAX; /* fixed: not known here */
    struct part_clock clock = {.max_hz = s->part->clock_max_hz};
    (void)session_chip_clock(s, &clock);
    if (clock.max_hz == 0)
        return false;
    if (clock.internal) {
        clock.min_hz = (uint32_t)((uint64_t)clock.min_hz * INTERNAL_MIN_PERCENT / 100);
        clock.max_hz = (uint32_t)((uint64_t)clock.max_hz * INTERNAL_MIN_PERCENT / 100);
    }
    const uint32_t limit_hz = part_sck_limit(s->part, clock.max_hz);
    const uint32_t low_hz = part_sck_limit(s->part, clock.min_hz);
    range->chip_hz = low_hz;
    range->limit_hz = at_most(limit_hz > 1 ? limit_hz - 1 : 1, fastest_hz);
    range->start_hz = at_most(low_hz > 1 ? low_hz - 1 : 0, range->limit_hz);
    if (s->ceiling_hz != 0 && range->limit_hz >= s->ceiling_hz)
        range->limit_hz = s->ceiling_hz - 1;
    range->start_hz = at_most(range->start_hz, range->limit_hz);
    return true;
}

/* An instruction of 32 bits for each byte of flash, whichever way it goes. */
static uint64_t wire_us(uint64_t bytes, uint32_t sck_hz)
{
    return bytes * 32 * 1000000 / sck_hz;
}

static bool pays(uint64_t bytes, uint32_t now_hz, uint32_t then_hz)
{
    return then_hz > now_hz && wire_us(bytes, now_hz) - wire_us(bytes, then_hz) >= WORTH_US;
}

/* --- what the chip answers ------------------------------------------------------------------ */

static enum status answers_as_known(struct session *s, bool *alike, struct error *e)
{
    const struct memory *list[FUSES_MAX];
    uint8_t values[FUSES_MAX];
    size_t count = 0;
    unsigned wrong = 0;
    for (size_t i = 0; i < s->part->memory_count && count < FUSES_MAX; i++) {
        const struct memory *m = &s->part->memories[i];
        if (m->kind == MEMORY_FUSE && target_readable(s->target, m) &&
            session_byte(s, m, &values[count]))
            list[count++] = m;
    }
    const unsigned times = (READINGS + 2 + (unsigned)count) / (3 + (unsigned)count);
    TRY(target_count_wrong(s->target, s->report.signature, list, values, count,
                           times < 2 ? 2 : times, &wrong, e));
    *alike = wrong == 0;
    return STATUS_OK;
}

enum status session_come_back(struct session *s, struct error *e)
{
    uint8_t signature[3];
    bool alike = false;
    TRY(target_leave(s->target, e));
    TRY(target_enter(s->target, e));
    TRY(target_identify(s->target, signature, e));
    TRY(answers_as_known(s, &alike, e));
    if (alike)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNVERIFIED,
                    "the connection is unreliable: signature and fuses no longer read as before");
    error_hint(e, "use shorter wires, a good ground or a slower SCK (-B)");
    return STATUS_UNVERIFIED;
}

/* --- the search ----------------------------------------------------------------------------- */

struct search {
    struct sck_range range;
    uint32_t first_hz; /* where it began */
    uint32_t best_hz;  /* the fastest without doubt; 0: none yet */
    uint32_t doubt_hz; /* the first that was in doubt; 0: none */
};

/* One step. A chip may have lost step after a doubtful one: nothing more is asked of it then. */
static enum status try_clock(struct session *s, struct search *search, uint32_t hz, struct error *e)
{
    bool alike = false;
    const enum status status = target_set_clock(s->target, hz, e);
    if (status == STATUS_NO_TARGET) {
        *e = (struct error){0};
        search->doubt_hz = hz;
        return STATUS_OK;
    }
    TRY(status);
    const uint32_t actual_hz = target_clock(s->target);
    if (actual_hz <= search->best_hz) /* the programmer has nothing between */
        return STATUS_OK;
    TRY(answers_as_known(s, &alike, e));
    if (!alike) {
        search->doubt_hz = actual_hz;
        return STATUS_OK;
    }
    search->best_hz = actual_hz;
    return STATUS_OK;
}

static uint32_t next_step(uint32_t hz, uint32_t limit_hz)
{
    return hz == 0 || hz > limit_hz / 2 ? limit_hz : 2 * hz;
}

static enum status climb(struct session *s, struct search *search, struct error *e)
{
    const uint32_t start_hz = search->range.start_hz, limit_hz = search->range.limit_hz;
    uint32_t hz = start_hz > search->best_hz ? start_hz : next_step(search->best_hz, limit_hz);
    for (; search->doubt_hz == 0 && hz > search->best_hz; hz = next_step(hz, limit_hz)) {
        TRY(try_clock(s, search, hz, e));
        if (hz == limit_hz)
            break;
    }
    return STATUS_OK;
}

/* To the SCK that was found, with a new start if the chip may have lost step. */
static enum status settle(struct session *s, const struct search *search, struct error *e)
{
    const uint32_t hz = search->best_hz != 0 ? search->best_hz : search->first_hz;
    if (search->doubt_hz == 0)
        return hz != target_clock(s->target) ? target_set_clock(s->target, hz, e) : STATUS_OK;
    TRY(target_leave(s->target, e));
    TRY(target_set_clock(s->target, hz, e));
    s->ceiling_hz = search->doubt_hz;
    const enum status status = session_come_back(s, e);
    if ((status != STATUS_UNVERIFIED && status != STATUS_NO_TARGET) || hz == search->first_hz)
        return status;
    *e = (struct error){0};
    TRY(target_set_clock(s->target, search->first_hz, e));
    return session_come_back(s, e);
}

void session_clock_text(const struct part_clock *clock, char *out, size_t capacity)
{
    const bool mega = clock->max_hz >= 1000000;
    const double unit = mega ? 1e6 : 1e3;
    if (clock->min_hz < clock->max_hz)
        (void)snprintf(out, capacity, "%g to %g %s", clock->min_hz / unit, clock->max_hz / unit,
                       mega ? "MHz" : "kHz");
    else
        (void)snprintf(out, capacity, "%g %s", clock->max_hz / unit, mega ? "MHz" : "kHz");
}

static void tell(struct session *s, const struct search *search)
{
    struct part_clock clock;
    char now[24], limit[24], doubt[24], source[64] = "what they do not tell";
    clock_text(target_clock(s->target), now);
    clock_text(search->range.limit_hz, limit);
    clock_text(search->doubt_hz, doubt);
    if (session_chip_clock(s, &clock))
        session_clock_text(&clock, source, sizeof source);
    context_log(s->context, LOG_DETAIL,
                "SCK %s: the fuses clock the chip with %s, so it may be up to %s%s%s", now, source,
                limit, search->doubt_hz != 0 ? "; in doubt at " : "",
                search->doubt_hz != 0 ? doubt : "");
    session_tell_clock(s);
}

enum status session_tune_clock(struct session *s, uint64_t bytes, bool climb_on, struct error *e)
{
    struct search search = {0};
    if (!session_clock_is_ours(s) || !s->report.signature_known || target_unreliable(s->target) ||
        !session_sck_range(s, &search.range))
        return STATUS_OK;
    search.first_hz = target_clock(s->target);
    if (!climb_on)
        search.range.limit_hz = search.range.start_hz;
    if (search.first_hz <= search.range.limit_hz) {
        search.best_hz = search.first_hz;
        if (!pays(bytes, search.first_hz, search.range.limit_hz))
            return STATUS_OK;
    }
    context_begin(s->context, STEP_IDENTIFY, NULL, 0);
    enum status status = climb(s, &search, e);
    if (status == STATUS_OK)
        status = settle(s, &search, e);
    context_end(s->context, status);
    TRY(status);
    tell(s, &search);
    return STATUS_OK;
}

enum status session_find_clock(struct session *s, struct error *e)
{
    return session_tune_clock(s, UINT32_MAX, false, e);
}

enum status session_slow_down(struct session *s, bool *slower, struct error *e)
{
    const uint32_t now_hz = target_clock(s->target);
    *slower = session_clock_is_ours(s) && now_hz > s->entered_hz;
    if (!*slower)
        return STATUS_OK;
    s->ceiling_hz = now_hz;
    TRY(target_leave(s->target, e)); /* then a new SCK is only noted */
    TRY(target_set_clock(s->target, now_hz / 2 > s->entered_hz ? now_hz / 2 : s->entered_hz, e));
    context_begin(s->context, STEP_IDENTIFY, NULL, 0);
    const enum status status = session_come_back(s, e);
    context_end(s->context, status);
    TRY(status);
    session_tell_clock(s);
    return STATUS_OK;
}
