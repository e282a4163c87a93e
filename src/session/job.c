/* A whole job: two gates, then the steps of the plan, the proof that the chip still answers, then
 * out.
 * Gate one: all that can be known without the chip. Gate two: all that its signature, fuses and
 * lock bits tell, before anything is erased or written. */
#include <stdlib.h>
#include <string.h>

#include "run.h"

static void forget_items(struct run *r)
{
    for (size_t i = 0; i < r->item_count; i++)
        image_free(r->items[i].image);
    r->item_count = 0;
}

static void run_free(struct run *r)
{
    plan_free(&r->plan);
    forget_items(r);
    free(r->items);
    image_free(r->late);
    session_close(r->session);
}

/* --- gate one: names, files, outputs -------------------------------------------------------- */

static bool has_memory(const struct operation *o)
{
    return o->kind != OPERATION_ERASE && o->kind != OPERATION_COMMANDS;
}

static bool has_source(const struct operation *o)
{
    return o->kind == OPERATION_WRITE || o->kind == OPERATION_VERIFY;
}

/* An earlier read makes the bytes, unless the part has nothing for it. */
static bool is_made_later(const struct run *r, const struct operation *o)
{
    const struct source *s = o->source;
    if (!s->later || s->made_by == NULL || r->part == NULL)
        return s->later;
    for (size_t i = 0; i < r->item_count; i++)
        if (r->items[i].operation == s->made_by)
            return true;
    return false;
}

/* Resolves one operation; with the part not known yet it only checks. */
static enum status take_operation(struct run *r, const struct operation *o, struct error *e)
{
    struct plan_item item = {.operation = o};
    if (has_memory(o)) {
        TRY(session_find_memory(r->part, o->memory, r->context, &item.memory, e));
        if (r->part != NULL && item.memory == NULL)
            return STATUS_OK;
    }
    if (has_source(o) && !is_made_later(r, o)) {
        TRY(run_load(r, o, item.memory, &item.image, e));
        if (item.image == NULL)
            return STATUS_OK;
    }
    if (r->part != NULL)
        r->items[r->item_count++] = item;
    return STATUS_OK;
}

/* Of an operation on several memories: true if nothing can be done with this one. */
static bool passes_over(const struct run *r, const struct operation *o,
                        const struct memory_list_item *listed)
{
    const struct memory *m = listed->memory;
    const bool read = o->kind == OPERATION_READ || o->kind == OPERATION_VERIFY;
    if (read ? m->readable : m->writable)
        return false;
    context_log(r->context, listed->named ? LOG_NOTE : LOG_DETAIL,
                "%s of the %s cannot be %s; skipped", m->name, r->part->name,
                read ? "read" : "written");
    return true;
}

static enum status take_listed(struct run *r, const struct operation *o,
                               const struct memory_list_item *listed, struct error *e)
{
    struct plan_item item = {.operation = o, .memory = listed->memory};
    if (passes_over(r, o, listed))
        return STATUS_OK;
    if (has_source(o) && !is_made_later(r, o)) {
        TRY(o->source->load(o->source, r->part, item.memory, r->context, &item.image, e));
        if (image_empty(item.image)) {
            image_free(item.image);
            context_log(r->context, listed->named ? LOG_NOTE : LOG_DETAIL,
                        "%s holds no bytes for %s", o->source->name, item.memory->name);
            return STATUS_OK;
        }
    }
    r->items[r->item_count++] = item;
    return STATUS_OK;
}

/* An operation on a list of memories, or on all: one item for each that can be read or written, and
 * that the source has bytes for. */
static enum status take_several(struct run *r, const struct operation *o, struct error *e)
{
    struct memory_list list;
    struct image *unused;
    TRY(session_list_memories(r->part, o->memory, r->context, &list, e));
    if (r->part == NULL)
        return has_source(o) && !is_made_later(r, o) ? run_load(r, o, NULL, &unused, e) : STATUS_OK;
    for (size_t i = 0; i < list.count; i++)
        TRY(take_listed(r, o, &list.items[i], e));
    return STATUS_OK;
}

static enum status reserve_items(struct run *r, struct error *e)
{
    const size_t each = r->part != NULL ? r->part->memory_count + 1 : 1;
    free(r->items);
    r->items = calloc(r->job->operation_count * each + 1, sizeof *r->items);
    return r->items != NULL ? STATUS_OK : session_no_memory(e);
}

static enum status take_operations(struct run *r, struct error *e)
{
    forget_items(r);
    TRY(reserve_items(r, e));
    for (size_t i = 0; i < r->job->operation_count; i++) {
        const struct operation *o = &r->job->operations[i];
        if (has_memory(o) && run_is_for_several(o))
            TRY(take_several(r, o, e));
        else
            TRY(take_operation(r, o, e));
    }
    return STATUS_OK;
}

static enum status prepare_outputs(const struct run *r, struct error *e)
{
    struct destination *dry = r->job->dry_output;
    for (size_t i = 0; i < r->job->operation_count; i++) {
        struct destination *d = r->job->operations[i].destination;
        if (r->job->operations[i].kind == OPERATION_READ && d->prepare != NULL)
            TRY(d->prepare(d, e));
    }
    if (r->job->rescue != NULL)
        TRY(r->job->rescue->prepare(r->job->rescue, e));
    if (run_has_flag(r, JOB_NO_WRITE) && dry != NULL && dry->prepare != NULL)
        TRY(dry->prepare(dry, e));
    return STATUS_OK;
}

/* What is wanted in a fuse or lock byte; false if it is not known yet. */
static bool wanted_byte(const struct plan_item *item, uint8_t *value)
{
    return item->operation->kind == OPERATION_WRITE && memory_is_byte(item->memory) &&
           item->image != NULL && image_get(item->image, item->memory->base, value);
}

static enum status guard(const struct run *r, struct error *e)
{
    uint8_t value;
    size_t count = 0;
    struct guard_byte *bytes = calloc(r->item_count + 1, sizeof *bytes);
    if (bytes == NULL)
        return session_no_memory(e);
    for (size_t i = 0; i < r->item_count; i++)
        if (r->items[i].memory != NULL && wanted_byte(&r->items[i], &value))
            bytes[count++] = run_guard_byte(r, r->items[i].memory, value);
    const enum status status = run_guard_bytes(r, bytes, count, e);
    free(bytes);
    return status;
}

static enum status gate_one(struct run *r, struct error *e)
{
    if (r->job->part != NULL)
        TRY(part_find(r->parts, r->job->part, &r->part, e));
    TRY(take_operations(r, e));
    TRY(run_check_keep(r, e));
    TRY(prepare_outputs(r, e));
    return r->part != NULL ? guard(r, e) : STATUS_OK;
}

/* --- the plan ------------------------------------------------------------------------------- */

static bool is_reachable(const struct plan_item *item, unsigned traits)
{
    return item->memory == NULL || !memory_is_byte(item->memory) || (traits & TARGET_BYTES) != 0;
}

/* Of an operation on several memories, what the programmer cannot reach is left out. */
static void drop_unreachable(struct run *r, unsigned traits)
{
    size_t left = 0;
    for (size_t i = 0; i < r->item_count; i++) {
        const struct plan_item *item = &r->items[i];
        if (is_reachable(item, traits) || !run_is_for_several(item->operation)) {
            r->items[left++] = *item;
            continue;
        }
        context_log(r->context, LOG_NOTE, "%s cannot reach %s; skipped", r->job->programmer.id,
                    item->memory->name);
        image_free(item->image);
    }
    r->item_count = left;
}

static enum status check_programmer(const struct run *r, unsigned traits, struct error *e)
{
    const char *id = r->job->programmer.id;
    if (run_has_flag(r, JOB_ERASE) && (traits & TARGET_CHIP_ERASE) == 0) {
        (void)error_set(e, STATUS_UNSUPPORTED, "%s cannot erase the chip", id);
        error_hint(e, "leave -e out: a boot loader erases the pages that it writes");
        return STATUS_UNSUPPORTED;
    }
    for (size_t i = 0; i < r->item_count; i++) {
        const struct plan_item *item = &r->items[i];
        if (is_reachable(item, traits))
            continue;
        (void)error_set(e, STATUS_UNSUPPORTED, "%s cannot reach %s", id, item->memory->name);
        error_hint(e, "fuses and lock bits need an ISP programmer");
        return STATUS_UNSUPPORTED;
    }
    return STATUS_OK;
}

static enum status make_plan(struct run *r, struct error *e)
{
    const unsigned traits = target_traits_of(r->session->programmer->driver, r->part);
    drop_unreachable(r, traits);
    const struct plan_request request = {.part = r->part,
                                         .items = r->items,
                                         .count = r->item_count,
                                         .flags = r->job->flags,
                                         .traits = traits};
    TRY(check_programmer(r, traits, e));
    return plan_make(&request, r->context, &r->plan, e);
}

/* --- gate two: what the chip's bytes say ---------------------------------------------------- */

static bool writes_bytes(const struct run *r)
{
    for (size_t i = 0; i < r->plan.count; i++)
        if (r->plan.steps[i].kind == PLAN_WRITE && memory_is_byte(r->plan.steps[i].memory))
            return true;
    return false;
}

/* Reading signature and calibration needs nothing to be known; all else does. */
static bool needs_bytes(const struct run *r)
{
    for (size_t i = 0; i < r->plan.count; i++) {
        const struct memory *m = r->plan.steps[i].memory;
        if (m == NULL ||
            (m->kind != MEMORY_SIGNATURE && m->kind != MEMORY_CALIBRATION && m->kind != MEMORY_UID))
            return true;
    }
    return false;
}

static enum status read_bytes(struct run *r, struct error *e)
{
    if (!needs_bytes(r))
        return STATUS_OK;
    context_begin(r->context, STEP_IDENTIFY, NULL, 0);
    const enum status status = session_read_bytes(r->session, writes_bytes(r) ? 3 : 1, e);
    context_end(r->context, status);
    return status;
}

/* Takes a write and its verify out of the plan. */
static void forget_write(struct plan *plan, size_t at)
{
    const struct plan_step *next = plan->steps + at + 1;
    const size_t count = at + 1 < plan->count && next->own && next->image == next[-1].image ? 2 : 1;
    image_free(plan->steps[at].merged);
    plan->count -= count;
    memmove(plan->steps + at, plan->steps + at + count, (plan->count - at) * sizeof plan->steps[0]);
}

/* The way to what ISP does not reach (ATmega256RFR2 data sheet, "Flash User Signature"). */
static enum status out_of_reach(const struct run *r, const struct memory *m, const char *what,
                                struct error *e)
{
    (void)error_set(e, STATUS_UNSUPPORTED, "%s of the %s cannot be %s by %s", m->name,
                    r->part->name, what, r->job->programmer.id);
    if (m->kind == MEMORY_USERSIG)
        error_hint(e, "no ISP instruction reaches the user signature: JTAG and parallel "
                      "programming do, and the program in the chip");
    return STATUS_UNSUPPORTED;
}

/* What is asked for can be read. */
static enum status check_readable(const struct run *r, const struct plan_step *step,
                                  struct error *e)
{
    if ((step->kind != PLAN_READ && step->kind != PLAN_VERIFY) || step->own ||
        target_readable(r->session->target, step->memory))
        return STATUS_OK;
    return out_of_reach(r, step->memory, "read", e);
}

/* Memories that can only be read: equal is as good as written. */
static enum status check_read_only(struct run *r, size_t at, struct error *e)
{
    const struct plan_step *step = &r->plan.steps[at];
    if (step->kind != PLAN_WRITE || target_writable(r->session->target, step->memory))
        return STATUS_OK;
    if (step->image == NULL || !target_readable(r->session->target, step->memory))
        return out_of_reach(r, step->memory, "written", e);
    if (session_verify(r->session, step->memory, step->image, e) != STATUS_OK)
        return error_in(e, "%s cannot be written, and it holds something else", step->memory->name);
    context_log(r->context, LOG_NOTE, "%s cannot be written, but holds just that",
                step->memory->name);
    forget_write(&r->plan, at);
    return STATUS_OK;
}

static enum status gate_two(struct run *r, struct error *e)
{
    if (plan_changes_chip(&r->plan))
        TRY(session_may_change(r->session, e));
    TRY(read_bytes(r, e));
    TRY(guard(r, e));
    for (size_t i = 0; i < r->plan.count; i++)
        TRY(check_readable(r, &r->plan.steps[i], e));
    for (size_t i = r->plan.count; i-- > 0;) /* from the end, since it takes out what is done */
        TRY(check_read_only(r, i, e));
    TRY(run_check_keep(r, e));
    TRY(session_forecast(r->session, &r->plan, r->job, e));
    return run_check_protection(r, e);
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum status connect(struct run *r, struct error *e)
{
    const unsigned flags = (run_has_flag(r, JOB_FORCE_SIGNATURE) ? SESSION_FORCE_SIGNATURE : 0u) |
                           (run_has_flag(r, JOB_REQUIRE_GENUINE) ? SESSION_REQUIRE_GENUINE : 0u);
    TRY(session_connect(r->session, r->job->part, flags, e));
    if (r->part != NULL)
        return STATUS_OK;
    r->part = session_part(r->session);
    TRY(take_operations(r, e));
    return make_plan(r, e);
}

/* A job that erases the chip anyway and compares all that it moves bears a misread instruction. */
static bool bears_errors(const struct run *r)
{
    bool erases = false;
    if (run_keeps_bytes(r) || run_has_flag(r, JOB_AUTO_ERASE))
        return false; /* what is in the chip cannot be had again */
    for (size_t i = 0; i < r->plan.count; i++) {
        const struct plan_step *step = &r->plan.steps[i];
        erases = erases || step->kind == PLAN_ERASE;
        if (step->kind == PLAN_COMMANDS)
            return false;
        if (step->kind == PLAN_READ && !memory_is_byte(step->memory))
            return false;
    }
    return erases && !run_has_flag(r, JOB_NO_VERIFY);
}

/* The last look before the chip is changed. */
static enum status before_steps(struct run *r, struct error *e)
{
    if (run_has_flag(r, JOB_SKIP_IF_SAME) && !run_has_flag(r, JOB_NO_WRITE)) {
        TRY(session_tune_clock(r->session, run_bytes(r, 0), false, e));
        TRY(plan_drop_done(&r->plan, r->session, e));
    }
    return plan_review(&r->plan, r->job, r->session, e);
}

/* Puts this chip's own bytes into the images of the plan, where bytes of the same form are. */
static enum status take_own_bytes(struct run *r, struct error *e)
{
    struct per_chip *own = r->job->per_chip;
    if (own == NULL || run_has_flag(r, JOB_NO_WRITE) || !plan_changes_chip(&r->plan))
        return STATUS_OK;
    TRY(own->take(own, r->session, r->context, e));
    for (size_t i = 0; i < r->item_count; i++) {
        const struct plan_item *item = &r->items[i];
        struct image *image = NULL;
        if (item->image == NULL || !item->operation->source->per_chip)
            continue;
        TRY(run_load(r, item->operation, item->memory, &image, e));
        const enum status status = plan_replace(&r->plan, item, image, e);
        image_free(image);
        TRY(status);
    }
    return STATUS_OK;
}

static enum status run(struct run *r, struct programmer *p, struct error *e)
{
    TRY(gate_one(r, e));
    if (p != NULL)
        TRY(session_open_on(p, r->parts, r->context, &r->session, e));
    else
        TRY(session_open(&r->job->programmer, r->parts, r->context, &r->session, e));
    if (r->part != NULL) {
        TRY(make_plan(r, e));
        TRY(session_expect(r->session, r->part, e));
        TRY(session_forecast(r->session, &r->plan, r->job, e));
    }
    TRY(connect(r, e));
    TRY(gate_two(r, e));
    TRY(before_steps(r, e));
    if (!run_has_flag(r, JOB_DRY_RUN)) {
        TRY(take_own_bytes(r, e));
        TRY(run_lift_protection(r, e));
        TRY(session_tune_clock(r->session, run_bytes(r, 0), bears_errors(r), e));
        TRY(run_steps(r, e));
    }
    if (!run_has_flag(r, JOB_NO_VERIFY))
        TRY(session_prove(r->session, e));
    if (run_has_flag(r, JOB_LEAVE_IN_RESET))
        context_log(r->context, LOG_NOTE, "-E reset: %s cannot hold the chip in reset, so it runs",
                    r->job->programmer.id);
    return session_disconnect(r->session, e);
}

static bool job_has(const struct job *job, enum operation_kind kind)
{
    for (size_t i = 0; i < job->operation_count; i++)
        if (job->operations[i].kind == kind)
            return true;
    return false;
}

/* Nothing that the job is to read or keep is gone from the chip, and nobody has given commands. */
static bool is_repeatable(const struct run *r)
{
    if (job_has(r->job, OPERATION_COMMANDS))
        return false;
    return r->session == NULL || !session_changed_chip(r->session) ||
           (!job_has(r->job, OPERATION_READ) && !run_keeps_bytes(r));
}

/* RESET is released on every way out; what that says is less than what went wrong before. */
static void leave_after_failure(struct run *r, struct error *e)
{
    struct error leaving = {0};
    r->context->leaving = true;
    if (r->session == NULL) {
        error_state(e, "the chip was not touched");
        return;
    }
    if (r->session->boosted != NULL && run_lower_clock(r, e->code, &leaving) != STATUS_OK)
        context_log(r->context, LOG_WARNING, "%s", leaving.text);
    session_tell_state(r->session, e);
    if (session_disconnect(r->session, &leaving) != STATUS_OK)
        context_log(r->context, LOG_WARNING, "the chip may still be %s: %s",
                    programmer_hold(r->session->programmer), leaving.text);
}

/* One attempt, without its last event. */
static enum status attempt(const struct job *job, struct part_database *parts, struct context *c,
                           struct programmer *p, struct report *report, bool *repeatable,
                           struct error *e)
{
    struct run r = {.job = job, .parts = parts, .context = c};
    const uint64_t begin_us = context_now_us(c);
    *report = (struct report){0};
    enum status status = run(&r, p, e);
    if (status != STATUS_OK)
        leave_after_failure(&r, e);
    else
        *e = (struct error){0}; /* what was forgiven on the way is not told twice */
    *repeatable = is_repeatable(&r);
    if (r.session != NULL)
        session_take_report(r.session, report);
    run_free(&r);
    report->programmer = job->programmer.id;
    report->elapsed_us = context_now_us(c) - begin_us;
    return status;
}

static void tell_outcome(struct context *c, enum status status, const struct report *report,
                         const struct error *e)
{
    struct event event = {.kind = EVENT_REPORT, .report = report};
    if (status != STATUS_OK)
        event = (struct event){.kind = EVENT_ERROR, .error = e};
    context_emit(c, &event);
}

enum status session_run_on(const struct job *job, struct part_database *parts, struct context *c,
                           struct programmer *p, struct report *report, struct error *e)
{
    bool repeatable;
    const enum status status = attempt(job, parts, c, p, report, &repeatable, e);
    tell_outcome(c, status, report, e);
    return status;
}

/* Only the link to the programmer is a reason; a programmer that is being plugged in again is
 * absent for a while, and new to the system. */
static bool is_link_failure(enum status status, unsigned attempts)
{
    return status == STATUS_LINK || status == STATUS_SILENT || status == STATUS_TIMEOUT ||
           (attempts > 0 && (status == STATUS_NO_DEVICE || status == STATUS_PERMISSION));
}

/* Whether the user or the deadline has ended the run, also now that it is on its way out. */
static bool is_over(struct context *c)
{
    c->leaving = false;
    return context_cancelled(c);
}

enum status session_run(const struct job *job, struct part_database *parts, struct context *c,
                        struct report *report, struct error *e)
{
    enum { PAUSE_US = 1000000 }; /* a USB device needs about that long to come back */
    enum status status;
    for (unsigned attempts = 0;; attempts++) {
        bool repeatable;
        c->leaving = false;
        status = attempt(job, parts, c, NULL, report, &repeatable, e);
        if (attempts == job->retries || !is_link_failure(status, attempts) || is_over(c))
            break;
        if (!repeatable) {
            error_hint(e, "not tried again: what the job reads or keeps is no longer in the chip");
            break;
        }
        context_log(c, LOG_WARNING, "%s; %s; once more (%u of %u)", e->text, e->state, attempts + 1,
                    job->retries);
        if (context_sleep(c, PAUSE_US, e) != STATUS_OK) {
            status = e->code;
            break;
        }
        report_free(report);
    }
    tell_outcome(c, status, report, e);
    return status;
}
