/* The steps of a plan, one by one. */
#include "run.h"

bool run_has_flag(const struct run *r, enum job_flag flag)
{
    return (r->job->flags & (unsigned)flag) != 0;
}

static enum status check_fits(const struct memory *m, const struct image *image,
                              const struct source *source, struct error *e)
{
    if (image_empty(image) ||
        (image_low(image) >= m->base && image_end(image) <= (uint64_t)m->base + m->size))
        return STATUS_OK;
    return error_set(e, STATUS_INPUT,
                     "%s: bytes from 0x%lx to 0x%llx do not fit into %s (%lu bytes)", source->name,
                     (unsigned long)image_low(image), (unsigned long long)image_end(image), m->name,
                     (unsigned long)m->size);
}

enum status run_load(const struct run *r, const struct operation *o, const struct memory *m,
                     struct image **image, struct error *e)
{
    *image = NULL;
    TRY(o->source->load(o->source, r->part, m, r->context, image, e));
    const enum status status = m != NULL ? check_fits(m, *image, o->source, e) : STATUS_OK;
    const bool empty = status == STATUS_OK && m != NULL && image_empty(*image);
    if (empty)
        context_log(r->context, LOG_NOTE, "%s holds no bytes for %s; nothing to do",
                    o->source->name, m->name);
    if (status != STATUS_OK || empty || m == NULL) {
        image_free(*image);
        *image = NULL;
    }
    return status;
}

struct guard_byte run_guard_byte(const struct run *r, const struct memory *m, uint8_t value)
{
    struct guard_byte byte = {.memory = m, .wanted = value};
    byte.known = r->session != NULL && session_byte(r->session, m, &byte.present);
    return byte;
}

enum status run_guard_bytes(const struct run *r, const struct guard_byte *bytes, size_t count,
                            struct error *e)
{
    const bool chip_was_read = r->session != NULL && session_part(r->session) != NULL;
    const struct guard_request request = {.part = r->part,
                                          .bytes = bytes,
                                          .count = count,
                                          .chip_was_read = chip_was_read,
                                          .allow = r->job->allow,
                                          .allow_count = r->job->allow_count};
    TRY(session_guard(&request, e));
    if (chip_was_read)
        session_guard_say(&request, r->context);
    return STATUS_OK;
}

/* As avrdude does: what follows the last byte that is not 0xff is left out of flash. */
static void trim(const struct run *r, const struct memory *m, bool whole, struct image *image)
{
    uint64_t end = 0;
    struct extent extent;
    if (m->kind != MEMORY_FLASH)
        return;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        for (uint32_t i = 0; i < extent.size; i++)
            if (extent.data[i] != 0xff)
                end = (uint64_t)extent.address + i + 1;
    if (end == 0)
        context_log(r->context, LOG_NOTE, "%s is blank: all of it is 0xff", m->name);
    if (!whole)
        image_truncate(image, end + (end & 1)); /* whole words */
}

bool run_is_for_several(const struct operation *o)
{
    return o->memory == NULL || session_is_memory_list(o->memory);
}

/* Behind the last memory of an operation on several. */
static enum status finish_read(struct run *r, const struct plan_step *step, struct error *e)
{
    struct destination *d = step->operation->destination;
    if (d->finish == NULL)
        return STATUS_OK;
    for (const struct plan_step *s = step + 1; s < r->plan.steps + r->plan.count; s++)
        if (s->operation == step->operation)
            return STATUS_OK;
    return d->finish(d, r->context, e);
}

static enum status do_read(struct run *r, const struct plan_step *step, struct error *e)
{
    struct destination *d = step->operation->destination;
    struct image *image = image_new();
    if (image == NULL)
        return session_no_memory(e);
    enum status status =
        session_read(r->session, step->memory, step->memory->base, step->memory->size, image, e);
    if (status == STATUS_OK) {
        /* Several memories are a backup: what is blank there is said by the file too. */
        trim(r, step->memory,
             run_has_flag(r, JOB_WHOLE_READ) || run_has_flag(r, JOB_NO_ERASE) ||
                 run_is_for_several(step->operation),
             image);
        status = d->store(d, step->memory, image, r->context, e);
    }
    image_free(image);
    return status == STATUS_OK ? finish_read(r, step, e) : status;
}

static enum status write_image(struct run *r, const struct memory *m, const struct image *image,
                               struct error *e)
{
    struct destination *dry = r->job->dry_output;
    uint8_t value;
    if (image == r->late && memory_is_byte(m) && image_get(image, m->base, &value)) {
        const struct guard_byte byte = run_guard_byte(r, m, value);
        TRY(run_guard_bytes(r, &byte, 1, e)); /* loaded only now */
    }
    if (!run_has_flag(r, JOB_NO_WRITE))
        return session_write(r->session, m, image, e);
    return dry != NULL ? dry->store(dry, m, image, r->context, e) : STATUS_OK;
}

/* Of what this job wrote itself, bits that could not be changed do not count. */
static enum status verify_image(struct run *r, const struct plan_step *step,
                                const struct image *image, struct error *e)
{
    const struct memory *m = step->memory;
    if (!step->own)
        return session_verify(r->session, m, image, e);
    if (target_readable(r->session->target, m))
        return session_verify_bits(r->session, m, image, m->mask & m->write_mask, e);
    context_log(r->context, LOG_NOTE, "%s of the %s cannot be read back, so it was not verified",
                m->name, r->part->name);
    return STATUS_OK;
}

/* What an earlier read of this job has made is loaded now, once for a write and its verify.
 * `*image` stays NULL if there is nothing in it. */
static enum status late_image(struct run *r, const struct plan_step *step,
                              const struct image **image, struct error *e)
{
    if (!step->own) {
        image_free(r->late);
        r->late = NULL;
        TRY(run_load(r, step->operation, step->memory, &r->late, e));
    }
    *image = r->late;
    return STATUS_OK;
}

static enum status do_with_image(struct run *r, const struct plan_step *step, struct error *e)
{
    const struct image *image = step->image;
    if (image == NULL)
        TRY(late_image(r, step, &image, e));
    if (image == NULL)
        return STATUS_OK;
    return step->kind == PLAN_WRITE ? write_image(r, step->memory, image, e)
                                    : verify_image(r, step, image, e);
}

static enum status do_step(struct run *r, const struct plan_step *step, struct error *e)
{
    switch (step->kind) {
    case PLAN_ERASE:
        return run_erase(r, step, e);
    case PLAN_READ:
        return do_read(r, step, e);
    case PLAN_WRITE:
    case PLAN_VERIFY:
        return do_with_image(r, step, e);
    case PLAN_COMMANDS:
        return step->operation->commands->run(step->operation->commands, r->session, e);
    }
    return error_set(e, STATUS_INTERNAL, "unknown step");
}

bool run_keeps_bytes(const struct run *r)
{
    return run_has_flag(r, JOB_KEEP_EEPROM) || run_has_flag(r, JOB_KEEP_BOOT) ||
           r->job->keep_count > 0;
}

uint64_t run_bytes(const struct run *r, size_t first)
{
    uint64_t bytes = 0;
    for (size_t i = first; i < r->plan.count; i++) {
        const struct plan_step *step = &r->plan.steps[i];
        if (step->memory == NULL || memory_is_byte(step->memory) ||
            (step->kind == PLAN_WRITE && run_has_flag(r, JOB_NO_WRITE)))
            continue;
        bytes += step->image != NULL ? image_bytes(step->image) : step->memory->size;
    }
    return bytes;
}

/* --- once more, slower ---------------------------------------------------------------------- */

/* The erase that the write before `at` stands on, if only writes and their verifies lie between:
 * then all of it can be done again. `at` itself: there is none. What was to survive the first erase
 * is not put at risk by a second. */
static size_t erase_before(const struct run *r, size_t at)
{
    for (size_t i = run_keeps_bytes(r) ? 0 : at; i-- > 0;) {
        const struct plan_step *step = &r->plan.steps[i];
        if (step->kind == PLAN_ERASE)
            return i;
        if (step->image == NULL || (step->kind != PLAN_WRITE && !step->own))
            break;
    }
    return at;
}

/* The report tells of the last attempt. */
static void forget_attempt(struct run *r, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        const struct memory *m = r->plan.steps[i].memory;
        if (m == NULL)
            continue;
        struct memory_report *report = &r->session->report.memories[session_index(r->session, m)];
        report->written = report->skipped = report->verified = 0;
        session_forget_proven(r->session, m);
    }
}

/* Writes again what did not verify: from the erase on, or on top of what is there. */
static enum status write_again(struct run *r, size_t at, struct error *e)
{
    const struct memory *m = r->plan.steps[at].memory;
    const size_t erase = memory_is_byte(m) ? at : erase_before(r, at);
    const size_t first = erase < at ? erase : at - 1;
    forget_attempt(r, first, at);
    if (memory_is_byte(m))
        TRY(session_read_bytes(r->session, 3, e));
    else
        session_forget(r->session, m);
    for (size_t i = first; i <= at; i++)
        TRY(do_step(r, &r->plan.steps[i], e));
    return STATUS_OK;
}

/* What a slower SCK can cure: a verify of this job's own writes, and readings that differ. */
static bool may_repeat(const struct run *r, const struct plan_step *step, enum status status)
{
    if (r->repeated || step->kind != PLAN_VERIFY)
        return false;
    return status == STATUS_UNVERIFIED || (status == STATUS_VERIFY && step->own);
}

/* At a slower SCK. First it is only read, for it may have been the reading. */
static enum status verify_again(struct run *r, size_t at, enum status failed, struct error *e)
{
    const struct plan_step *step = &r->plan.steps[at];
    const struct memory *m = step->memory;
    const struct image *image = step->image != NULL ? step->image : r->late;
    struct held *held = &r->session->held[session_index(r->session, m)];
    bool clear = true;
    if (!memory_is_byte(m))
        TRY(session_look_closer(r->session, m, image, &clear, e));
    if (!clear && (failed != STATUS_VERIFY || !step->own))
        return failed; /* it was not SCK */
    if (held->change != CHANGE_NONE)
        held->change = CHANGE_WRITTEN;
    enum status status = clear ? do_step(r, step, e) : failed;
    if (status == STATUS_VERIFY && step->own)
        status = write_again(r, at, e);
    return status;
}

/* A verify failed at an SCK that this tool chose: it is given one chance at a slower one. */
static enum status once_more(struct run *r, size_t at, enum status failed, struct error *e)
{
    const struct error before = *e;
    const size_t mismatches = r->session->report.mismatches;
    bool slower = false;
    enum status status = session_slow_down(r->session, &slower, e);
    if (status == STATUS_OK && !slower)
        return failed;
    r->repeated = true;
    if (status == STATUS_OK) {
        context_log(r->context, LOG_WARNING, "%s; once more with a slower SCK", before.text);
        r->session->report.mismatches = 0;
        status = verify_again(r, at, failed, e);
    }
    if (status == STATUS_OK) {
        *e = (struct error){0};
        return STATUS_OK;
    }
    if (status == failed || status == STATUS_UNVERIFIED || status == STATUS_NO_TARGET) {
        *e = before; /* what was found first says more */
        r->session->report.mismatches = mismatches;
        return failed;
    }
    return status;
}

/* A step while the chip's clock may be raised. Any doubt puts it back, and `*next`, the step to go
 * on with, is the erase again. */
static enum status do_boosted(struct run *r, size_t at, size_t *next, struct error *e)
{
    const struct plan_step *step = &r->plan.steps[at];
    const bool first = !r->boost_proven && step->kind == PLAN_WRITE;
    enum status status;
    if (r->session->boosted == NULL || step->memory == NULL || step->memory->kind != MEMORY_FLASH)
        return do_step(r, step, e);
    const size_t mismatches = r->session->report.mismatches;
    status =
        first ? run_write_at_raised_clock(r, step->memory, step->image, e) : do_step(r, step, e);
    r->boost_proven = r->boost_proven || (first && status == STATUS_OK);
    const size_t erase = erase_before(r, at);
    if ((status != STATUS_UNVERIFIED && status != STATUS_VERIFY) || erase == at)
        return status;
    *next = erase;
    forget_attempt(r, *next, at);
    r->session->report.mismatches = mismatches;
    return run_doubt_clock(r, e);
}

/* What follows from a step that went well. */
static enum status after_step(struct run *r, size_t at, struct error *e)
{
    const struct plan_step *step = &r->plan.steps[at];
    if (step->kind == PLAN_ERASE)
        return run_raise_clock(r, at, e);
    if (step->kind == PLAN_WRITE && step->memory == r->session->boosted)
        r->session->boosted = NULL; /* it holds what is wanted now */
    return STATUS_OK;
}

enum status run_steps(struct run *r, struct error *e)
{
    for (size_t i = 0, next; i < r->plan.count; i = next) {
        next = i + 1;
        enum status status = do_boosted(r, i, &next, e);
        if (may_repeat(r, &r->plan.steps[i], status))
            status = once_more(r, i, status, e);
        TRY(status);
        if (next > i)
            TRY(after_step(r, i, e));
    }
    return STATUS_OK;
}
