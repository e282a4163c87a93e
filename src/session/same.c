/* Doing nothing fast: a chip that holds already what a job would write is left alone. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "session_private.h"

/* --- does the chip hold it? ----------------------------------------------------------------- */

enum { CHUNK = 1024 /* a difference ends the comparison within that many bytes */ };

static bool equal_here(const struct image *image, uint32_t address, const uint8_t *found,
                       uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t wanted;
        if (image_get(image, address + i, &wanted) && wanted != found[i])
            return false;
    }
    return true;
}

/* Reads one stretch, chunk by chunk. */
static enum status compare_stretch(struct session *s, const struct memory *m,
                                   const struct image *image, const struct extent *stretch,
                                   bool *same, struct error *e)
{
    struct image *known = s->held[session_index(s, m)].known;
    uint8_t found[CHUNK];
    for (uint32_t done = 0; done < stretch->size && *same;) {
        const uint32_t address = stretch->address + done;
        const uint32_t left = stretch->size - done, size = left < CHUNK ? left : CHUNK;
        TRY(target_read(s->target, m, address - m->base, found, size, e));
        TRY(image_put(known, address, found, size, IMAGE_OVERLAP_REPLACE, NULL, e));
        *same = equal_here(image, address, found, size);
        done += size;
    }
    return STATUS_OK;
}

static uint32_t stretched_bytes(const struct image *image)
{
    struct extent stretch;
    uint32_t total = 0;
    for (uint64_t at = 0; session_stretch(image, at, &stretch);
         at = (uint64_t)stretch.address + stretch.size)
        total += stretch.size;
    return total;
}

static enum status compare_ranges(struct session *s, const struct memory *m,
                                  const struct image *image, bool *same, struct error *e)
{
    struct extent stretch;
    enum status status = STATUS_OK;
    context_begin(s->context, STEP_READ, m, stretched_bytes(image));
    for (uint64_t at = 0; status == STATUS_OK && *same && session_stretch(image, at, &stretch);
         at = (uint64_t)stretch.address + stretch.size)
        status = compare_stretch(s, m, image, &stretch, same, e);
    context_end(s->context, status);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "compare %s", m->name);
}

enum status session_holds(struct session *s, const struct memory *m, const struct image *image,
                          bool *same, struct error *e)
{
    uint8_t wanted, held;
    TRY(context_check(s->context, e));
    *same = true;
    if (image_empty(image))
        return STATUS_OK;
    if (memory_is_byte(m)) {
        *same = image_get(image, m->base, &wanted) && session_byte(s, m, &held) &&
                ((wanted ^ held) & m->mask & m->write_mask) == 0;
        return STATUS_OK;
    }
    *same = target_readable(s->target, m) && !session_read_locked(s);
    return *same ? compare_ranges(s, m, image, same, e) : STATUS_OK;
}

/* --- a plan that is done already ------------------------------------------------------------ */

static bool is_write(const struct plan_step *step)
{
    return step->kind == PLAN_WRITE;
}

/* False also where it is not known what will be written, and where an erase of its own or commands
 * stand among the steps. */
static bool can_be_done_already(const struct plan *plan)
{
    size_t writes = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        if ((is_write(step) && step->image == NULL) || step->kind == PLAN_COMMANDS ||
            (step->kind == PLAN_ERASE && step->operation != NULL))
            return false;
        writes += is_write(step) ? 1 : 0;
    }
    return writes > 0;
}

/* Bytes first: they are known, and a difference there spares the reading. */
static enum status holds_all(struct session *s, const struct plan *plan, bool *same,
                             struct error *e)
{
    *same = true;
    for (int bytes = 1; bytes >= 0; bytes--)
        for (size_t i = 0; i < plan->count && *same; i++) {
            const struct plan_step *step = &plan->steps[i];
            if (is_write(step) && memory_is_byte(step->memory) == (bytes == 1))
                TRY(session_holds(s, step->memory, step->image, same, e));
        }
    return STATUS_OK;
}

static enum status report_held(struct session *s, const struct plan_step *step, struct error *e)
{
    struct memory_report *report = &s->report.memories[session_index(s, step->memory)];
    const uint32_t bytes = image_bytes(step->image);
    report->written += bytes;
    report->skipped += bytes;
    return session_count_proven(s, step->memory, step->image, e);
}

static bool belongs_to_writes(const struct plan_step *step)
{
    return is_write(step) || step->kind == PLAN_ERASE || (step->kind == PLAN_VERIFY && step->own);
}

enum status plan_drop_done(struct plan *plan, struct session *s, struct error *e)
{
    bool same = false;
    size_t left = 0;
    if (!can_be_done_already(plan))
        return STATUS_OK;
    TRY(holds_all(s, plan, &same, e));
    if (!same)
        return STATUS_OK;
    for (size_t i = 0; i < plan->count; i++)
        if (is_write(&plan->steps[i]))
            TRY(report_held(s, &plan->steps[i], e));
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_step *step = &plan->steps[i];
        if (belongs_to_writes(step))
            image_free(step->merged);
        else
            plan->steps[left++] = *step;
    }
    context_log(s->context, LOG_NOTE,
                "the chip holds all of this already: nothing was erased or written");
    plan->count = left;
    return STATUS_OK;
}
