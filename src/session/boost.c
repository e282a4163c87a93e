/* A factory-fresh chip runs from its RC oscillator divided by 8 and follows a slow SCK only. Where
 * the job erases it, writes it, and writes the fuse byte with that divider anyway, the divider is
 * taken out for as long as the job lasts: same oscillator, so that the chip answers whatever
 * happens. It is seen to answer at the new clock before it is relied on; the wanted byte is written
 * last, in its turn. */
#include <inttypes.h>
#include <string.h>

#include "run.h"

enum {
    UNDIVIDED_MAX_HZ = 10000000, /* what the parts bear at undivided_min_mv: "Speed Grades" */
    WORTH_US = 300000            /* a second fuse write and entry cost about a third of that */
};

/* --- whether it is done --------------------------------------------------------------------- */

static const struct plan_step *next_write(const struct plan *plan, size_t first,
                                          const struct memory *m, size_t *index)
{
    for (size_t i = first; i < plan->count; i++)
        if (plan->steps[i].kind == PLAN_WRITE && plan->steps[i].memory == m) {
            *index = i;
            return &plan->steps[i];
        }
    return NULL;
}

/* Flash is written behind the erase, so that both can be done again, and later the fuse byte, with
 * another value than it has; and nobody looks at it before. */
static bool line_permits(const struct run *r, size_t erase, const struct memory *fuse)
{
    const struct memory *flash = part_memory(r->part, MEMORY_FLASH);
    size_t fuse_at = 0, flash_at = 0;
    const struct plan_step *write = next_write(&r->plan, erase, fuse, &fuse_at);
    const struct plan_step *program = next_write(&r->plan, erase, flash, &flash_at);
    uint8_t wanted, held;
    if (write == NULL || program == NULL || flash_at > fuse_at || write->image == NULL ||
        program->image == NULL || image_empty(program->image) ||
        !image_get(write->image, fuse->base, &wanted) || !session_byte(r->session, fuse, &held))
        return false;
    for (size_t i = erase + 1; i < fuse_at; i++) {
        const struct plan_step *step = &r->plan.steps[i];
        if (step->memory == fuse || step->kind == PLAN_COMMANDS ||
            (step->memory != NULL && step->memory->kind == MEMORY_LOCK) ||
            (i < flash_at && step->kind != PLAN_WRITE && !step->own))
            return false;
    }
    return ((wanted ^ held) & fuse->mask & fuse->write_mask) != 0;
}

static bool voltage_permits(const struct run *r)
{
    uint32_t millivolts;
    if (!target_voltage(r->session->target, &millivolts) || millivolts >= r->part->undivided_min_mv)
        return true;
    context_log(r->context, LOG_DETAIL,
                "the chip's clock is not raised: it has %" PRIu32 " mV, and undivided it may need "
                "%u mV",
                millivolts, r->part->undivided_min_mv);
    return false;
}

static bool saves_enough(const struct run *r, size_t erase, uint32_t undivided_hz)
{
    const uint32_t now_hz = target_clock(r->session->target);
    const uint32_t most_hz = r->session->programmer->driver->sck_max_hz;
    const uint32_t bears_hz = part_sck_limit(r->part, undivided_hz / 10 * 9);
    const uint32_t then_hz = bears_hz < most_hz ? bears_hz : most_hz;
    const uint64_t bits = 32 * run_bytes(r, erase);
    return then_hz > now_hz && bits * 1000000 / now_hz - bits * 1000000 / then_hz >= WORTH_US;
}

static bool is_wanted(const struct run *r, size_t erase, struct part_clock *clock)
{
    const struct session *s = r->session;
    if (r->boost_refused || s->boosted != NULL || run_has_flag(r, JOB_IN_ORDER) ||
        run_has_flag(r, JOB_NO_CLOCK_BOOST) || run_has_flag(r, JOB_AUTO_ERASE) ||
        run_keeps_bytes(r) || !session_clock_is_ours(s) || r->part->undivided_min_mv == 0 ||
        !session_chip_clock(s, clock))
        return false;
    return clock->internal && clock->divider != NULL && clock->min_hz == clock->max_hz &&
           clock->max_hz <= UNDIVIDED_MAX_HZ / 8 && target_readable(s->target, clock->divider) &&
           target_writable(s->target, clock->divider) && line_permits(r, erase, clock->divider) &&
           saves_enough(r, erase, 8 * clock->max_hz) && voltage_permits(r);
}

/* --- back ----------------------------------------------------------------------------------- */

/* What a chip that answers wrongly at the new clock is no reason to stop for. */
static bool is_doubt(enum status status)
{
    return status == STATUS_NO_TARGET || status == STATUS_UNVERIFIED || status == STATUS_VERIFY ||
           status == STATUS_SIGNATURE;
}

/* The old value, from a new start: what was asked last may have put the chip out of step. */
static enum status put_back_anew(struct run *r, struct error *e)
{
    struct session *s = r->session;
    uint8_t signature[3];
    TRY(target_leave(s->target, e));
    TRY(target_set_clock(s->target, s->entered_hz, e));
    TRY(target_enter(s->target, e));
    TRY(target_identify(s->target, signature, e));
    TRY(session_set_byte(s, s->boosted, s->boosted_from, e));
    return session_come_back(s, e);
}

/* The same before programming mode is left: other bytes of this job may count from there on. */
static enum status put_back_here(struct run *r, struct error *e)
{
    struct session *s = r->session;
    uint8_t found = 0;
    TRY(session_set_byte(s, s->boosted, s->boosted_from, e));
    if (session_byte(s, s->boosted, &found) && found == s->boosted_from)
        return STATUS_OK;
    return error_set(e, STATUS_UNVERIFIED, "it reads as 0x%02x", found);
}

enum status run_lower_clock(struct run *r, enum status why, struct error *e)
{
    struct session *s = r->session;
    enum status status = STATUS_UNVERIFIED;
    if (s->boosted == NULL)
        return STATUS_OK;
    r->boost_refused = true;
    context_begin(r->context, STEP_IDENTIFY, NULL, 0);
    if (!is_doubt(why))
        status = put_back_here(r, e);
    if (status != STATUS_OK)
        status = put_back_anew(r, e);
    context_end(r->context, status);
    if (status != STATUS_OK)
        return error_in(e, "%s could not be set back to 0x%02x", s->boosted->name, s->boosted_from);
    s->held[session_index(s, s->boosted)].change = CHANGE_NONE;
    s->boosted = NULL;
    return STATUS_OK;
}

/* --- there ---------------------------------------------------------------------------------- */

static enum status raise_to(struct run *r, const struct part_clock *clock, uint8_t fast,
                            struct error *e)
{
    struct session *s = r->session;
    uint8_t found;
    TRY(session_set_byte(s, clock->divider, fast, e));
    if (!session_byte(s, clock->divider, &found) || found != fast)
        return error_set(e, STATUS_UNVERIFIED, "%s reads as 0x%02x after 0x%02x was written",
                         clock->divider->name, found, fast);
    s->ceiling_hz = 0;
    return session_come_back(s, e); /* the new byte counts from here on */
}

enum status run_raise_clock(struct run *r, size_t erase, struct error *e)
{
    struct session *s = r->session;
    struct part_clock clock;
    if (!is_wanted(r, erase, &clock) || !session_byte(s, clock.divider, &s->boosted_from))
        return STATUS_OK;
    const uint8_t fast = s->boosted_from | clock.divider_mask;
    context_log(r->context, LOG_NOTE,
                "the chip's clock is raised from %g to %g MHz while it is written: %s 0x%02x "
                "instead of 0x%02x, yours comes last (--no-clock-boost)",
                clock.max_hz / 1e6, 8 * clock.max_hz / 1e6, clock.divider->name, fast,
                s->boosted_from);
    s->boosted = clock.divider;
    context_begin(r->context, STEP_IDENTIFY, NULL, 0);
    enum status status = raise_to(r, &clock, fast, e);
    context_end(r->context, status);
    if (status == STATUS_OK)
        status = session_tune_clock(s, run_bytes(r, erase), false, e);
    if (status == STATUS_OK && s->ceiling_hz != 0)
        status =
            error_set(e, STATUS_UNVERIFIED, "the chip does not follow the SCK that this allows");
    return is_doubt(status) ? run_doubt_clock(r, e) : status;
}

enum status run_doubt_clock(struct run *r, struct error *e)
{
    context_log(r->context, LOG_WARNING,
                "%s; %s goes back to 0x%02x, and the chip is written at its old clock", e->text,
                r->session->boosted->name, r->session->boosted_from);
    *e = (struct error){0};
    return run_lower_clock(r, STATUS_UNVERIFIED, e);
}

/* --- the first page ------------------------------------------------------------------------- */

/* The bytes of the first page that the image touches, or all behind it. */
static enum status part_of(const struct memory *m, const struct image *image, bool first,
                           struct image *out, struct error *e)
{
    const uint32_t unit = m->page_size > 0 ? m->page_size : 1;
    const uint64_t end = m->base + (uint64_t)(image_low(image) - m->base) / unit * unit + unit;
    struct extent extent;
    for (uint64_t at = first ? 0 : end; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        if (first && extent.address >= end)
            break;
        if (first && extent.size > end - extent.address)
            extent.size = (uint32_t)(end - extent.address);
        TRY(image_put(out, extent.address, extent.data, extent.size, IMAGE_OVERLAP_SAME, NULL, e));
    }
    return STATUS_OK;
}

static enum status same_on_chip(struct session *s, const struct memory *m,
                                const struct image *image, struct error *e)
{
    struct extent extent;
    uint8_t found[256];
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        extent.size = extent.size < sizeof found ? extent.size : (uint32_t)sizeof found;
        TRY(target_read(s->target, m, extent.address - m->base, found, extent.size, e));
        if (memcmp(found, extent.data, extent.size) != 0)
            return error_set(e, STATUS_UNVERIFIED,
                             "the first page at the raised clock reads back wrong");
    }
    return STATUS_OK;
}

static enum status write_parts(struct session *s, const struct memory *m, const struct image *image,
                               struct image *first, struct image *rest, struct error *e)
{
    if (first == NULL || rest == NULL)
        return session_no_memory(e);
    TRY(part_of(m, image, true, first, e));
    TRY(part_of(m, image, false, rest, e));
    TRY(session_write(s, m, first, e));
    context_begin(s->context, STEP_VERIFY, m, image_bytes(first));
    const enum status status = same_on_chip(s, m, first, e);
    context_end(s->context, status);
    TRY(status);
    return image_empty(rest) ? STATUS_OK : session_write(s, m, rest, e);
}

enum status run_write_at_raised_clock(struct run *r, const struct memory *m,
                                      const struct image *image, struct error *e)
{
    struct image *first = image_new(), *rest = image_new();
    const enum status status = write_parts(r->session, m, image, first, rest, e);
    image_free(first);
    image_free(rest);
    return status;
}
