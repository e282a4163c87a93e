/* The plan of a job as its reviewer gets to see it. */
#include <stdlib.h>

#include "plan.h"
#include "session_private.h"

static enum job_step_kind public_kind(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_ERASE:
        return JOB_STEP_ERASE;
    case PLAN_READ:
        return JOB_STEP_READ;
    case PLAN_WRITE:
        return JOB_STEP_WRITE;
    case PLAN_COMMANDS:
        return JOB_STEP_COMMANDS;
    case PLAN_VERIFY:
        break;
    }
    return JOB_STEP_VERIFY;
}

enum status plan_review(const struct plan *plan, const struct job *job, struct session *s,
                        struct error *e)
{
    struct reviewer *reviewer = job->reviewer;
    if (reviewer == NULL || (!plan_changes_chip(plan) && (job->flags & JOB_DRY_RUN) == 0))
        return STATUS_OK;
    struct job_step *steps = calloc(plan->count + 1, sizeof *steps);
    if (steps == NULL)
        return session_no_memory(e);
    for (size_t i = 0; i < plan->count; i++)
        steps[i] = (struct job_step){.kind = public_kind(plan->steps[i].kind),
                                     .memory = plan->steps[i].memory,
                                     .image = plan->steps[i].image};
    const enum status status = reviewer->review(reviewer, s, steps, plan->count, e);
    free(steps);
    return status;
}
