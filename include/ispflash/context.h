/* What every layer below the command line is given: the clock, the listener, and the flag that says
 * the user wants out. One context belongs to one job on one programmer and to one thread. */
#ifndef ISPFLASH_CONTEXT_H
#define ISPFLASH_CONTEXT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "event.h"

/* Time is an object, so that a test of a 9 ms erase takes no time. */
struct clock {
    uint64_t (*now_us)(struct clock *self); /* monotonic */
    void (*sleep_us)(struct clock *self, uint64_t us);
};

/* The machine's monotonic clock. */
struct clock *clock_system(void);

struct recording; /* link/recording.h */

struct context {
    struct clock *clock;
    struct sink *sink;                   /* NULL: nobody listens */
    const volatile sig_atomic_t *cancel; /* set by a signal handler; NULL: never */
    uint64_t deadline_us;                /* on the clock: time to give up; 0: never */
    struct recording *recording;         /* what links record into or answer from; NULL: none */
    bool leaving;                        /* neither counts any longer: on the way out */
    uint64_t begin_us;                   /* event times are relative to this */
    uint64_t step_begin_us;              /* of the running step */
    enum step step;                      /* the running step, for progress */
    const struct memory *step_memory;
    uint32_t step_done, step_total;
    bool step_running;
};

/* `sink` and `cancel` may be NULL; all are borrowed for the context's life. */
void context_init(struct context *c, struct clock *clock, struct sink *sink,
                  const volatile sig_atomic_t *cancel);

uint64_t context_now_us(const struct context *c);

/* True once the user asked to stop, or the deadline is over, and the way out has not begun. */
bool context_cancelled(const struct context *c);

/* Sleeps in slices of at most 50 ms; see context_check(). */
MUST_USE enum status context_sleep(struct context *c, uint64_t us, struct error *e);

/* STATUS_CANCELLED if the user asked to stop, STATUS_TIMEOUT if the deadline is over; to be called
 * between transfers. */
MUST_USE enum status context_check(struct context *c, struct error *e);

void context_log(struct context *c, enum log_level level, const char *format, ...) PRINTF(3, 4);
void context_value(struct context *c, const char *name, const char *text, const uint8_t *bytes,
                   size_t size);
void context_emit(struct context *c, struct event *event); /* fills in the time */

/* A step: BEGIN, PROGRESS by bytes, END. Steps do not nest. `memory` may be NULL. */
void context_begin(struct context *c, enum step step, const struct memory *memory, uint32_t total);
void context_advance(struct context *c, uint32_t bytes);
void context_end(struct context *c, enum status status);

#endif
