/* Goes through a plan in mind: what would not work is said before it begins. */
#include "plan.h"
#include "session_private.h"

/* What the plan will have done to the chip by a certain step. */
struct forecast {
    const struct session *session;
    const struct job *job;
    bool locked_read, locked_write; /* by what the chip holds */
    uint8_t lock;                   /* the last one that this job writes, if lock_written */
    bool lock_written;
    bool erased;
    bool eeprom_written;
};

static bool knows_chip(const struct forecast *f)
{
    return f->session->held != NULL;
}

/* A chip erase lifts nothing. */
static bool keeps_lock(const struct forecast *f)
{
    return (target_traits(f->session->target) & TARGET_UNLOCK) != 0;
}

/* Lock bits of this job's own that come too early. */
static enum status lock_too_early(const struct forecast *f, const char *what, const char *cannot,
                                  struct error *e)
{
    const char *name = part_hazard_name(HAZARD_LOCK);
    if (session_is_allowed(name, f->job->allow, f->job->allow_count))
        return STATUS_OK;
    (void)error_set(e, STATUS_REFUSED, "lock 0x%02x comes too early: %s %s", f->lock, what, cannot);
    error_hint(e, "lock bits belong at the end of the line");
    error_hint(e, "if that is what you want: --allow %s", name);
    return STATUS_REFUSED;
}

/* The chip holds it already and it will be left alone. */
static bool is_equal(const struct forecast *f, const struct plan_step *step)
{
    const struct memory *m = step->memory;
    uint8_t wanted, held;
    return memory_is_byte(m) && step->image != NULL && image_get(step->image, m->base, &wanted) &&
           session_byte(f->session, m, &held) && ((wanted ^ held) & m->mask & m->write_mask) == 0;
}

static enum status forecast_write(const struct forecast *f, const struct plan_step *step,
                                  struct error *e)
{
    const struct memory *m = step->memory;
    uint8_t wanted, held;
    if (m->kind == MEMORY_LOCK)
        return !f->erased && step->image != NULL && image_get(step->image, m->base, &wanted) &&
                       session_byte(f->session, m, &held)
                   ? session_check_lock(f->session, m, held, wanted, e)
                   : STATUS_OK;
    if (is_equal(f, step))
        return STATUS_OK;
    if (f->lock_written && target_lock_blocks_write(f->session->target, f->lock))
        TRY(lock_too_early(f, m->name, "could not be written behind it", e));
    if (!f->locked_write)
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED, "%s cannot be written: %s", m->name,
                    session_lock_text(f->session));
    if (keeps_lock(f))
        session_hint_lift(f->session, LIFT_BEFORE, e);
    else
        error_hint(e, "-e erases the chip first and lifts the lock bits");
    return STATUS_PROTECTED;
}

static enum status forecast_read(const struct forecast *f, const struct plan_step *step,
                                 struct error *e)
{
    const struct memory *m = step->memory;
    if (m->kind != MEMORY_FLASH && m->kind != MEMORY_EEPROM)
        return STATUS_OK;
    if (f->lock_written && target_lock_blocks_read(f->session->target, f->lock))
        TRY(lock_too_early(f, m->name,
                           step->kind == PLAN_VERIFY ? "could not be verified behind it"
                                                     : "could not be read behind it",
                           e));
    if (!f->locked_read)
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED, "%s cannot be read: %s", m->name,
                    session_lock_text(f->session));
    session_hint_lift(f->session, LIFT_AT_ALL, e);
    return STATUS_PROTECTED;
}

static enum status forecast_erase(struct forecast *f, struct error *e)
{
    if (f->lock_written)
        TRY(lock_too_early(f, "the erase", "that comes with flash would lift it again", e));
    if (f->eeprom_written && knows_chip(f) && (f->job->flags & JOB_KEEP_EEPROM) == 0 &&
        session_eeprom_fate(f->session) == EEPROM_WIPED) {
        (void)error_set(e, STATUS_USAGE,
                        "the erase that comes with flash would wipe the EEPROM written before it");
        error_hint(e, "write flash before EEPROM, or erase at the very start with -e");
        return STATUS_USAGE;
    }
    if (keeps_lock(f) && f->locked_write) {
        (void)error_set(e, STATUS_PROTECTED, "the chip is protected, and an erase lifts nothing");
        session_hint_lift(f->session, LIFT_AT_ALL, e);
        return STATUS_PROTECTED;
    }
    f->locked_read = f->locked_write = f->lock_written = false;
    f->erased = !keeps_lock(f);
    return STATUS_OK;
}

/* The lock bits of an erased chip lock nothing and may stand anywhere. */
static void forecast_lock(struct forecast *f, const struct plan_step *step)
{
    const struct memory *m = step->memory;
    uint8_t lock;
    if (m->kind != MEMORY_LOCK || step->image == NULL || !image_get(step->image, m->base, &lock))
        return;
    f->lock = lock;
    f->lock_written = m->initial_known ? ((lock ^ m->initial) & m->mask) != 0
                                       : target_lock_blocks_write(f->session->target, lock);
}

static enum status forecast_step(struct forecast *f, const struct plan_step *step, struct error *e)
{
    switch (step->kind) {
    case PLAN_ERASE:
        return forecast_erase(f, e);
    case PLAN_READ:
    case PLAN_VERIFY:
        return forecast_read(f, step, e);
    case PLAN_WRITE:
        TRY(forecast_write(f, step, e));
        f->eeprom_written = f->eeprom_written || step->memory->kind == MEMORY_EEPROM;
        forecast_lock(f, step);
        return STATUS_OK;
    case PLAN_COMMANDS: /* they may lift or set lock bits, and see what the others wrote */
        *f = (struct forecast){.session = f->session, .job = f->job};
        return STATUS_OK;
    }
    return error_set(e, STATUS_INTERNAL, "unknown step");
}

enum status session_forecast(const struct session *s, const struct plan *plan,
                             const struct job *job, struct error *e)
{
    struct forecast f = {.session = s, .job = job};
    if (knows_chip(&f)) {
        f.locked_read = session_read_locked(s);
        f.locked_write = session_write_locked(s);
    }
    for (size_t i = 0; i < plan->count; i++)
        TRY(forecast_step(&f, &plan->steps[i], e));
    return STATUS_OK;
}
