/* Read and write protection where neither is lifted by a chip erase. */
#include <stdio.h>

#include "run.h"

enum { RUNS_MAX = 64 }; /* blocks that have a protection of their own; STM32F1: 32 */

bool session_erase_unlocks(const struct session *s)
{
    return (target_traits(s->target) & TARGET_UNLOCK) == 0;
}

bool session_is_protected(const struct session *s)
{
    struct target_run run;
    return session_read_locked(s) || session_write_locked(s) ||
           target_write_protected(s->target, 0, &run);
}

enum status session_unlock(struct session *s, struct error *e)
{
    TRY(context_check(s->context, e));
    if (!s->report.signature_known)
        return error_set(e, STATUS_NO_TARGET, "no chip answers, so nothing is unlocked");
    const bool erases = session_read_locked(s);
    session_forget_all(s);
    s->erase_begun = erases;
    context_begin(s->context, STEP_ERASE, NULL, 0);
    const enum status status = target_unlock(s->target, e);
    context_end(s->context, status);
    if (status != STATUS_OK)
        return error_in(e, "unlock");
    s->erase_begun = false;
    s->report.erased = erases;
    return session_read_bytes(s, 1, e);
}

/* --- pages that a job needs ------------------------------------------------------------------- */

/* The first byte of the job in this stretch of flash: every one for an erase, else those that the
 * images hold. */
static bool is_needed(const struct run *r, const struct memory *flash, const struct target_run *run)
{
    for (size_t i = 0; i < r->plan.count; i++) {
        const struct plan_step *step = &r->plan.steps[i];
        struct extent extent;
        if (step->kind == PLAN_ERASE)
            return true;
        if (step->kind != PLAN_WRITE || step->memory != flash || run_has_flag(r, JOB_NO_WRITE))
            continue;
        if (step->image == NULL ||
            (image_next(step->image, (uint64_t)flash->base + run->address, &extent) &&
             extent.address < (uint64_t)flash->base + run->address + run->size))
            return true;
    }
    return false;
}

/* The first stretch at or beyond `from` that is protected and needed. */
static bool next_needed(const struct run *r, uint32_t from, struct target_run *run)
{
    const struct memory *flash = part_memory(r->part, MEMORY_FLASH);
    for (; flash != NULL && target_write_protected(r->session->target, from, run);
         from = run->address + run->size)
        if (is_needed(r, flash, run))
            return true;
    return false;
}

/* "0x08000000-0x08000fff, 0x08003000-0x08003fff", neighbours joined; cut where it gets too long. */
static void list_needed(const struct run *r, char *out, size_t capacity)
{
    const struct memory *flash = part_memory(r->part, MEMORY_FLASH);
    struct target_run run, next;
    size_t used = 0;
    bool more = next_needed(r, 0, &run);
    while (more && used < capacity) {
        while ((more = next_needed(r, run.address + run.size, &next)) &&
               next.address == run.address + run.size)
            run.size += next.size;
        used += (size_t)snprintf(out + used, capacity - used, "%s0x%08lx-0x%08lx",
                                 used > 0 ? ", " : "", (unsigned long)(flash->base + run.address),
                                 (unsigned long)(flash->base + run.address + run.size - 1));
        run = next;
    }
}

static bool may_lift(const struct run *r)
{
    return session_is_allowed("write-protected", r->job->allow, r->job->allow_count);
}

enum status run_check_protection(const struct run *r, struct error *e)
{
    char list[320] = "";
    struct target_run run;
    if (!next_needed(r, 0, &run))
        return STATUS_OK;
    list_needed(r, list, sizeof list);
    if (may_lift(r)) {
        context_log(r->context, LOG_NOTE, "write protected: %s; the protection is lifted", list);
        return STATUS_OK;
    }
    (void)error_set(e, STATUS_PROTECTED, "flash is write protected where this job needs it: %s",
                    list);
    error_hint(e, "--allow write-protected lifts that protection; other option bytes and the rest "
                  "of flash are kept");
    return STATUS_PROTECTED;
}

enum status run_lift_protection(struct run *r, struct error *e)
{
    struct target_run runs[RUNS_MAX];
    size_t count = 0;
    for (uint32_t from = 0; count < RUNS_MAX && may_lift(r) && next_needed(r, from, &runs[count]);
         count++)
        from = runs[count].address + runs[count].size;
    if (count == 0)
        return STATUS_OK;
    TRY(target_unprotect(r->session->target, runs, count, e));
    return session_read_bytes(r->session, 1, e);
}
