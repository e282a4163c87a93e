/* A job on its way: what job.c (the gates) and steps.c (the plan's steps) share. */
#ifndef SESSION_RUN_H
#define SESSION_RUN_H

#include "session_private.h"

struct run {
    const struct job *job;
    struct part_database *parts;
    struct context *context;
    struct session *session;
    const struct part *part; /* NULL: not known yet */
    struct plan_item *items;
    size_t item_count;
    struct plan plan;
    bool boost_refused; /* the chip's clock was raised and has been put back: not again */
    bool boost_proven;  /* the first page at the raised clock was right */
    bool repeated;      /* a slower SCK has been given its one chance */
    struct image *late; /* of the last write that had to wait for an earlier read */
};

bool run_has_flag(const struct run *r, enum job_flag flag);

/* True for an operation on a list of memories, or on all. */
bool run_is_for_several(const struct operation *o);

/* The bytes of a write or verify; `*image` stays NULL where there is nothing to do. */
MUST_USE enum status run_load(const struct run *r, const struct operation *o,
                              const struct memory *m, struct image **image, struct error *e);

/* A value for a fuse or lock byte, beside what the chip is known to hold. */
struct guard_byte run_guard_byte(const struct run *r, const struct memory *m, uint8_t value);

/* The guard over `bytes`; what is only risky is said once the chip was read. */
MUST_USE enum status run_guard_bytes(const struct run *r, const struct guard_byte *bytes,
                                     size_t count, struct error *e);

/* True if bytes in the chip are to survive its erase. */
bool run_keeps_bytes(const struct run *r);

/* How many bytes of flash, EEPROM and the like the steps from `first` on will move. */
uint64_t run_bytes(const struct run *r, size_t first);

/* erase.c: whether what is to be kept can be; as far as the part, and once the chip was read, the
 * chip tell. */
MUST_USE enum status run_check_keep(const struct run *r, struct error *e);

/* An erase of the plan, with what is to survive it; or none, if the flash write that it is for goes
 * without. */
MUST_USE enum status run_erase(struct run *r, const struct plan_step *step, struct error *e);

/* protection.c: whether what is to be erased or written is write protected: STATUS_PROTECTED lists
 * it, unless --allow write-protected lets run_lift_protection() lift it. */
MUST_USE enum status run_check_protection(const struct run *r, struct error *e);
MUST_USE enum status run_lift_protection(struct run *r, struct error *e);

/* boost.c: raises the chip's clock behind the erase at step `erase`, if all that speaks for it does
 * and nothing against. Any doubt puts it back. */
MUST_USE enum status run_raise_clock(struct run *r, size_t erase, struct error *e);
/* Says `e` and puts the clock back for good; the chip is then as it was before. */
MUST_USE enum status run_doubt_clock(struct run *r, struct error *e);
/* The same without a word, on account of `why`; nothing to do if it is not raised. */
MUST_USE enum status run_lower_clock(struct run *r, enum status why, struct error *e);
/* The first write of flash then: its first page is read back before the others are written.
 * STATUS_UNVERIFIED if it is not as wanted. */
MUST_USE enum status run_write_at_raised_clock(struct run *r, const struct memory *m,
                                               const struct image *image, struct error *e);

/* All steps of the plan. */
MUST_USE enum status run_steps(struct run *r, struct error *e);

#endif
