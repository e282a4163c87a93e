/* How many readings go wrong, at each SCK. Each reading is a byte of the signature, whose value is
 * known. Fuses are left alone: of all instructions Read Signature Byte (30) is the one that wrong
 * bits turn into a writing one least easily: three of them at once, for 40 or C0; two are enough to
 * make 4C of 58, or C0 of 50. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"

enum {
    BATCH = 20,     /* signatures between two looks at the wish to stop */
    LOST_MAX = 20,  /* times that the chip is entered anew at one SCK */
    STEPS_MAX = 16, /* of SCK */
    BELOW = 4,      /* it begins at that part of the present SCK */
    WORST = 10      /* no faster SCK is tried once one reading in so many is wrong */
};

enum status session_reread(struct session *s, unsigned *reads, unsigned *wrong, struct error *e)
{
    TRY(context_check(s->context, e));
    TRY(target_count_wrong(s->target, s->report.signature, NULL, NULL, 0, BATCH, wrong, e));
    *reads = 3 * BATCH;
    return STATUS_OK;
}

/* Wrong answers may come from a chip that is out of step: into step again. *back: it is. */
static enum status enter_anew(struct session *s, struct soak_row *row, bool *back, struct error *e)
{
    struct error lost = {0};
    row->lost++;
    TRY(target_leave(s->target, e));
    const enum status status = target_enter(s->target, &lost);
    *back = status == STATUS_OK && target_clock(s->target) == row->sck_hz;
    if (status != STATUS_OK && status != STATUS_NO_TARGET) {
        *e = lost;
        return status;
    }
    return STATUS_OK;
}

static enum status soak_batch(struct session *s, struct soak_row *row, bool *go_on, struct error *e)
{
    unsigned reads = 0, wrong = 0;
    TRY(session_reread(s, &reads, &wrong, e));
    row->reads += reads;
    row->errors += wrong;
    if (wrong == 0)
        return STATUS_OK;
    TRY(enter_anew(s, row, go_on, e));
    *go_on = *go_on && row->lost < LOST_MAX;
    return STATUS_OK;
}

/* Tells its row also where it was cut short. */
static enum status soak_at(struct session *s, unsigned reads, struct doctor_listener *listener,
                           struct soak_row *row, struct error *e)
{
    bool go_on = true;
    enum status status = STATUS_OK;
    *row = (struct soak_row){.sck_hz = target_clock(s->target)};
    while (go_on && row->reads < reads && status == STATUS_OK)
        status = soak_batch(s, row, &go_on, e);
    listener->soak(listener, row);
    return status;
}

/* To another SCK, with a new start. *there: the chip answers there. */
static enum status go_to_clock(struct session *s, uint32_t hz, bool *there, struct error *e)
{
    struct error slow = {0};
    TRY(target_leave(s->target, e));
    TRY(target_set_clock(s->target, hz, e));
    const uint32_t actual_hz = target_clock(s->target);
    const enum status status = target_enter(s->target, &slow);
    *there = status == STATUS_OK && target_clock(s->target) == actual_hz;
    if (status != STATUS_OK && status != STATUS_NO_TARGET) {
        *e = slow;
        return status;
    }
    return STATUS_OK;
}

/* The next faster one that the programmer has: twice as fast, or more where its steps are larger.
 * False in *there: there is none up to `fastest_hz`, or the chip does not follow it. */
static enum status next_clock(struct session *s, uint32_t fastest_hz, bool *there, struct error *e)
{
    const uint32_t before_hz = target_clock(s->target);
    uint32_t hz = before_hz;
    *there = true;
    while (*there && target_clock(s->target) <= before_hz && hz < fastest_hz) {
        hz = hz > fastest_hz / 2 ? fastest_hz : 2 * hz;
        TRY(go_to_clock(s, hz, there, e));
    }
    *there = *there && target_clock(s->target) > before_hz;
    return STATUS_OK;
}

enum status session_soak(struct session *s, unsigned reads, uint32_t fastest_hz,
                         struct doctor_listener *listener, struct error *e)
{
    unsigned errors = 0;
    bool there = true;
    if (fastest_hz != 0)
        TRY(go_to_clock(s, target_clock(s->target) / BELOW, &there, e));
    for (unsigned step = 0; there && step < STEPS_MAX; step++) {
        struct soak_row row;
        TRY(soak_at(s, reads, listener, &row, e));
        errors += row.errors;
        there = row.errors * WORST < row.reads;
        if (there)
            TRY(next_clock(s, fastest_hz, &there, e));
    }
    if (errors == 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNVERIFIED, "the connection is unreliable: %u readings were wrong",
                    errors);
    error_hint(e, "use shorter wires, a good ground, and keep other things off the pins");
    return STATUS_UNVERIFIED;
}
