/* The erase of a plan: whether it is needed, and what survives it. */
#include <stdlib.h>

#include "run.h"

/* --- is it needed? -------------------------------------------------------------------------- */

/* True if a bit at or beyond `from` that is held 0 is wanted 1; as far as is known. */
static bool rises(const struct image *image, const struct image *known, uint32_t begin,
                  uint32_t end)
{
    for (uint32_t at = begin; at < end; at++) {
        uint8_t wanted, held;
        if (image_get(image, at, &wanted) && image_get(known, at, &held) && (wanted & ~held) != 0)
            return true;
    }
    return false;
}

enum status session_needs_erase(struct session *s, const struct image *image, bool *needs,
                                struct error *e)
{
    enum { CHUNK = 1024 };
    const struct memory *flash = part_memory(s->part, MEMORY_FLASH);
    struct extent stretch;
    *needs = session_read_locked(s) || session_write_locked(s);
    struct image *read = image_new();
    enum status status = read != NULL ? STATUS_OK : session_no_memory(e);
    for (uint64_t at = 0; status == STATUS_OK && !*needs && session_stretch(image, at, &stretch);
         at = (uint64_t)stretch.address + stretch.size)
        for (uint32_t done = 0; done < stretch.size && status == STATUS_OK && !*needs;) {
            const uint32_t left = stretch.size - done, size = left < CHUNK ? left : CHUNK;
            const uint32_t begin = stretch.address + done;
            status = session_fetch(s, flash, begin, begin + size, read, e);
            *needs = rises(image, session_known(s, flash), begin, begin + size);
            done += size;
        }
    image_free(read);
    return status;
}

/* The flash that is written after this erase and before the next; NULL: none, or not known yet. */
static const struct image *written_after(const struct run *r, const struct plan_step *erase)
{
    for (const struct plan_step *step = erase + 1; step < r->plan.steps + r->plan.count; step++) {
        if (step->kind == PLAN_ERASE || step->kind == PLAN_COMMANDS)
            break;
        if (step->kind == PLAN_WRITE && step->memory->kind == MEMORY_FLASH)
            return step->image;
    }
    return NULL;
}

static enum status goes_without(struct run *r, const struct plan_step *step, bool *without,
                                struct error *e)
{
    const struct image *image = written_after(r, step);
    bool needs = true;
    *without = false;
    if (!run_has_flag(r, JOB_AUTO_ERASE) || run_has_flag(r, JOB_ERASE) || step->operation != NULL ||
        image == NULL)
        return STATUS_OK;
    TRY(session_needs_erase(r->session, image, &needs, e));
    *without = !needs;
    context_log(r->context, LOG_NOTE,
                needs ? "bits of flash have to rise, so the chip is erased"
                      : "no bit of flash has to rise, so nothing is erased");
    return STATUS_OK;
}

/* --- what survives it ----------------------------------------------------------------------- */

static bool boot_section(const struct run *r, struct address_range *out)
{
    const struct memory *flash = part_memory(r->part, MEMORY_FLASH);
    uint8_t fuses[64] = {0};
    for (size_t i = 0; i < r->part->memory_count && i < sizeof fuses; i++)
        if (r->session != NULL && r->session->held != NULL)
            (void)session_byte(r->session, &r->part->memories[i], &fuses[i]);
    if (!part_boot_start(r->part, fuses, &out->begin))
        return false;
    out->end = flash->base + flash->size;
    return true;
}

static enum status check_range(const struct run *r, const struct address_range *range,
                               struct error *e)
{
    const struct memory *flash = part_memory(r->part, MEMORY_FLASH);
    if (range->begin >= flash->base && range->begin < range->end &&
        range->end <= flash->base + flash->size)
        return STATUS_OK;
    return error_set(e, STATUS_USAGE,
                     "0x%lx-0x%lx, which is to be kept, does not lie in flash (0x%lx-0x%lx)",
                     (unsigned long)range->begin, (unsigned long)range->end - 1,
                     (unsigned long)flash->base, (unsigned long)(flash->base + flash->size - 1));
}

static bool keeps_anything(const struct run *r)
{
    return run_has_flag(r, JOB_KEEP_EEPROM) || run_has_flag(r, JOB_KEEP_BOOT) ||
           r->job->keep_count > 0;
}

static bool erases(const struct run *r)
{
    for (size_t i = 0; i < r->plan.count; i++)
        if (r->plan.steps[i].kind == PLAN_ERASE)
            return true;
    return false;
}

static enum status check_chip(const struct run *r, struct error *e)
{
    if (!erases(r)) {
        context_log(r->context, LOG_NOTE, "nothing is erased, so nothing has to be kept from it");
        return STATUS_OK;
    }
    if (!session_read_locked(r->session))
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED,
                    "what is to be kept cannot be read: lock bits forbid it, and only the erase "
                    "lifts them");
    error_hint(e, "without --keep and --keep-eeprom the chip is erased as a whole");
    return STATUS_PROTECTED;
}

enum status run_check_keep(const struct run *r, struct error *e)
{
    struct address_range boot;
    if (!keeps_anything(r) || r->part == NULL)
        return STATUS_OK;
    if (run_has_flag(r, JOB_KEEP_BOOT) && !boot_section(r, &boot)) {
        (void)error_set(e, STATUS_USAGE, "the %s has no boot section to keep", r->part->name);
        error_hint(e, "--keep FROM-TO keeps any range of flash");
        return STATUS_USAGE;
    }
    for (size_t i = 0; i < r->job->keep_count; i++)
        TRY(check_range(r, &r->job->keep[i], e));
    return r->session != NULL && r->session->held != NULL ? check_chip(r, e) : STATUS_OK;
}

static enum status erase_keeping(struct run *r, const struct plan_step *step, struct error *e)
{
    const size_t count = r->job->keep_count;
    struct address_range *ranges = calloc(count + 1, sizeof *ranges);
    if (ranges == NULL)
        return session_no_memory(e);
    for (size_t i = 0; i < count; i++)
        ranges[i] = r->job->keep[i];
    const bool boot = run_has_flag(r, JOB_KEEP_BOOT) && boot_section(r, &ranges[count]);
    const struct keep_request request = {.flash = ranges,
                                         .flash_count = count + (boot ? 1 : 0),
                                         .eeprom = run_has_flag(r, JOB_KEEP_EEPROM),
                                         .planned = written_after(r, step),
                                         .rescue = r->job->rescue};
    const enum status status = session_erase_keeping(r->session, &request, e);
    free(ranges);
    return status;
}

enum status run_erase(struct run *r, const struct plan_step *step, struct error *e)
{
    bool without;
    TRY(goes_without(r, step, &without, e));
    if (without)
        return STATUS_OK;
    return keeps_anything(r) ? erase_keeping(r, step, e) : session_erase(r->session, e);
}
