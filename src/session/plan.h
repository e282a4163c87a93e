/* From the operations as given to the steps as they are done. Pure: no hardware, and nothing is
 * known of the chip but its part. */
#ifndef SESSION_PLAN_H
#define SESSION_PLAN_H

#include "ispflash/session.h"

/* One operation, resolved for the part. */
struct plan_item {
    const struct operation *operation;
    const struct memory *memory; /* NULL for OPERATION_ERASE and OPERATION_COMMANDS */
    struct image *image;         /* NULL for reads, erases, and what an earlier read will make */
};

enum plan_kind { PLAN_ERASE, PLAN_READ, PLAN_WRITE, PLAN_VERIFY, PLAN_COMMANDS };

struct plan_step {
    enum plan_kind kind;
    const struct memory *memory;       /* NULL for PLAN_ERASE and PLAN_COMMANDS */
    const struct operation *operation; /* the first it comes from; NULL: implied */
    const struct image *image;         /* borrowed; NULL: loaded in its turn, or read */
    struct image *merged;              /* the same, if the plan owns it */
    bool own;                          /* PLAN_VERIFY of a write of this job */
};

struct plan {
    struct plan_step *steps;
    size_t count, capacity;
};

struct plan_request {
    const struct part *part; /* tells which fuse sets the clock; may be NULL */
    const struct plan_item *items;
    size_t count;
    unsigned flags;  /* enum job_flag */
    unsigned traits; /* enum target_trait */
};

/* Makes the plan; the images of the items are borrowed for its life.
 *
 * Reads and verifies are barriers. Between two of them the writes are done in the order flash,
 * EEPROM, fuses, the fuse that sets the clock, lock bits, with all images of one memory merged,
 * unless JOB_IN_ORDER. Fuses also go behind reads and verifies of other memories, to the end of the
 * job: the chip takes them when it leaves programming mode, and what could go wrong before that
 * should have passed by then. The erase that a flash write implies comes before the first write of
 * its stretch, and only once; behind OPERATION_COMMANDS there is none. Each write is followed by
 * its verify. What was moved or merged is said as a note.
 *
 * STATUS_INPUT for images that contradict one another, STATUS_USAGE for an order that cannot
 * work. */
MUST_USE enum status plan_make(const struct plan_request *request, struct context *c,
                               struct plan *plan, struct error *e);
void plan_free(struct plan *plan);

/* Puts the bytes of `image` over those that an item has in the plan. */
MUST_USE enum status plan_replace(const struct plan *plan, const struct plan_item *item,
                                  const struct image *image, struct error *e);

/* same.c: takes the writes out, with the erase and the verifies that belong to them, if the chip
 * turns out to hold all of what they would write. */
MUST_USE enum status plan_drop_done(struct plan *plan, struct session *s, struct error *e);

/* review.c: shows the plan to the job's reviewer. */
MUST_USE enum status plan_review(const struct plan *plan, const struct job *job, struct session *s,
                                 struct error *e);

/* True if any step erases or writes. */
bool plan_changes_chip(const struct plan *plan);

#endif
