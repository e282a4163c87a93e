/* A session: one programmer, one chip, one job. session_run() does what the command line asks for;
 * the finer calls serve programs that decide as they go.
 *
 * Two gates stand before the chip: nothing touches it until all that can fail without it has
 * passed, and nothing is erased or written until all that can fail without that has. RESET is
 * released on every way out. */
#ifndef ISPFLASH_SESSION_H
#define ISPFLASH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "error.h"
#include "image.h"
#include "part.h"

/* Which programmer, and how to reach it. Everything is borrowed while the session lives. */
struct programmer_config {
    const char *id;             /* as listed: "avrisp", "usbtiny" */
    const char *port;           /* NULL: to be found */
    uint32_t baud;              /* 0: to be found */
    uint32_t sck_hz;            /* -B; 0: the tool's choice */
    uint32_t edge_delay_us;     /* -i; 0: none */
    const char *const *options; /* -x */
    size_t option_count;
    const char *const *exit_options; /* -E, split at commas */
    size_t exit_option_count;
};

enum operation_kind { OPERATION_READ, OPERATION_WRITE, OPERATION_VERIFY, OPERATION_ERASE };

/* Where the bytes of a write or verify come from. Called with `memory` NULL before the chip is
 * touched if the part is not known by then, and again with it; must give the same bytes each time.
 * The image is the caller's to free. */
struct source {
    enum status (*load)(struct source *self, const struct memory *memory, struct context *c,
                        struct image **out, struct error *e);
    const char *name; /* for messages */
    bool later;       /* an earlier read of this job makes it: load it only in its turn */
};

/* Where the bytes of a read go. prepare() is called before the chip is touched. */
struct destination {
    enum status (*prepare)(struct destination *self, struct error *e);
    enum status (*store)(struct destination *self, const struct memory *memory,
                         const struct image *image, struct context *c, struct error *e);
    const char *name;
};

struct operation {
    enum operation_kind kind;
    const char *memory; /* as typed; NULL for OPERATION_ERASE (the whole chip) */
    struct source *source;
    struct destination *destination;
};

enum job_flag {
    JOB_ERASE = 1 << 0,           /* -e: erase at the very start */
    JOB_NO_ERASE = 1 << 1,        /* -D: no erase on account of a flash write */
    JOB_NO_VERIFY = 1 << 2,       /* -V */
    JOB_NO_WRITE = 1 << 3,        /* -n */
    JOB_WHOLE_READ = 1 << 4,      /* -A: keep trailing 0xff of flash */
    JOB_FORCE_SIGNATURE = 1 << 5, /* -F, --allow signature-mismatch */
    JOB_IN_ORDER = 1 << 6,        /* nothing is merged or moved */
    JOB_LEAVE_IN_RESET = 1 << 7   /* -E reset */
};

struct job {
    struct programmer_config programmer;
    const char *part; /* NULL: found by its signature */
    const struct operation *operations;
    size_t operation_count;
    unsigned flags;
    const char *const *allow; /* --allow NAME: hazards, see part_hazard_name() */
    size_t allow_count;
    struct destination *dry_output; /* JOB_NO_WRITE: receives what would have been written */
};

/* What happened to one memory. */
struct memory_report {
    const struct memory *memory;
    uint32_t read, written, verified; /* bytes; `written`: those that were to be written */
    uint32_t skipped;                 /* of `written`: equal already, or blank after the erase */
    bool has_before, has_after;       /* fuse and lock bytes */
    uint8_t before, after;
    uint64_t read_us, write_us, verify_us;
};

struct report {
    const struct part *part; /* NULL: never known */
    const char *programmer;
    bool signature_known;
    uint8_t signature[3];
    bool erased;
    uint64_t elapsed_us;
    struct memory_report *memories; /* as many as the part has, in its order */
    size_t memory_count;
    size_t mismatches;
};

/* Runs the job. The report is filled in as far as things went, also on failure, and freed by
 * report_free(). The error's `state` says what the chip holds. Emits REPORT on success and ERROR on
 * failure. */
MUST_USE enum status session_run(const struct job *job, struct part_database *parts,
                                 struct context *c, struct report *report, struct error *e);
void report_free(struct report *report);

#endif
