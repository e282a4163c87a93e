/* From the cable to the chip, step by step: what works, what does not, and where to look. Changes
 * nothing: all that reaches a chip are RESET, Programming Enable and reads. */
#ifndef ISPFLASH_DOCTOR_H
#define ISPFLASH_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "diagnosis.h"
#include "error.h"
#include "part.h"
#include "session.h"

/* In this order; those behind one that fails are left out unless they still make sense. */
enum doctor_check {
    DOCTOR_PROGRAMMER, /* it is there */
    DOCTOR_ACCESS,     /* it may be opened, and nobody else has it */
    DOCTOR_FIRMWARE,   /* it answers */
    DOCTOR_SUPPLY,     /* the target's, where the programmer measures it */
    DOCTOR_WIRES,      /* the chip answers, at which SCK */
    DOCTOR_SIGNATURE,  /* always the same, of a known part, of the one that was named */
    DOCTOR_CLOCK,      /* SCK may be as fast as the fuses promise */
    DOCTOR_LOCK,       /* reading and writing are not forbidden */
    DOCTOR_READINGS,   /* many of them, without an error */
    DOCTOR_CHECKS
};
const char *doctor_check_name(enum doctor_check check); /* stable: "programmer" */

enum doctor_outcome {
    DOCTOR_OK,
    DOCTOR_FAILS,
    DOCTOR_OPEN /* it cannot be told */
};

struct doctor_step {
    enum doctor_check check;
    enum doctor_outcome outcome;
    const char *text; /* for this call only */
};

/* One SCK of a soak. It begins two octaves below the SCK at which the chip was found and goes up by
 * doubling to what any clock that the fuses allow bears, or until a tenth of the readings is wrong;
 * with -B it keeps to that one. */
struct soak_row {
    uint32_t sck_hz; /* 0: not known */
    unsigned reads, errors;
    unsigned lost; /* times that the chip had to be entered anew, or did not come back */
};

/* Told as it goes. */
struct doctor_listener {
    void (*step)(struct doctor_listener *self, const struct doctor_step *step);
    void (*soak)(struct doctor_listener *self, const struct soak_row *row); /* its row is complete,
                                                                               or cut short */
};

struct doctor_request {
    struct programmer_config programmer;
    const char *part;                 /* NULL: whichever answers */
    unsigned soak;                    /* reads at each SCK; 0: no soak */
    struct doctor_listener *listener; /* borrowed */
};

enum { DOCTOR_PROBES_MAX = 16 };

struct doctor_report {
    bool diagnosed; /* the wires were looked at: what follows is known */
    struct diagnosis diagnosis;
    struct isp_probe probes[DOCTOR_PROBES_MAX]; /* in the order they were made */
    size_t probe_count;
    const struct part *part; /* that was named, or found; NULL: not known */
    char port[128];          /* where the programmer is; "": not known */
};

/* STATUS_OK if all is well, else the class and the words of the first failure, with what to check
 * in the hint. The report is filled in as far as things went. A soak that finds errors is
 * STATUS_UNVERIFIED; STATUS_CANCELLED ends one after its last row was told. */
MUST_USE enum status doctor_run(const struct doctor_request *request, struct part_database *parts,
                                struct context *c, struct doctor_report *report, struct error *e);

#endif
