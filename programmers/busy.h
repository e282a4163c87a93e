/* Waiting for a chip that is busy with a self-timed operation, for programmers where asking it
 * costs little. */
#ifndef PROGRAMMERS_BUSY_H
#define PROGRAMMERS_BUSY_H

#include "programmer/programmer.h"

struct busy {
    uint64_t until_us; /* on the context's clock: the chip is done by then in any case; 0: it is */
};

/* Asks the chip once. */
typedef enum status (*busy_ask)(struct programmer *p, const void *question, bool *ready,
                                struct error *e);

/* An operation of at most `wait_us` has just begun. Returns when the chip says it is ready, or the
 * time has passed; `ask` NULL: when it has passed. *usual_us (may be NULL; 0 at first) learns when
 * it is worth while to ask. Nothing interrupts it but a failing `ask`, since RESET in the middle
 * would leave cells undefined; busy->until_us remains for busy_rest() then. */
MUST_USE enum status busy_wait(struct programmer *p, struct busy *busy, uint32_t wait_us,
                               uint32_t *usual_us, busy_ask ask, const void *question,
                               struct error *e);

/* Before RESET is released: what is left of an operation that nobody waited for to the end. */
void busy_rest(struct programmer *p, struct busy *busy);

#endif
