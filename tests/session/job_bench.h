/* Jobs on the chip model: operations that take their bytes from memory and keep what they read. */
#ifndef SESSION_JOB_BENCH_H
#define SESSION_JOB_BENCH_H

#include "../../src/session/session_private.h"
#include "support/chip_driver.h"

enum { JOB_OPERATIONS = 12 };

/* Bytes of a write or verify. */
struct memory_source {
    struct source source; /* first */
    uint32_t address;
    const uint8_t *data; /* borrowed; NULL with size 0: an empty file */
    uint32_t size;
    const struct image *made; /* instead: what an earlier read stored; borrowed */
    unsigned loads;
};

/* What a read gave. */
struct memory_destination {
    struct destination destination; /* first */
    struct image *image;            /* NULL until stored */
    struct memory_source *feeds;    /* its `made` becomes this image; may be NULL */
    unsigned prepared, stored, finished;
    bool broken; /* prepare() fails */
};

struct job_bench {
    struct part_database *parts;
    struct chip_rig *rig;
    struct job job;
    struct operation operations[JOB_OPERATIONS];
    struct memory_source sources[JOB_OPERATIONS];
    struct memory_destination destinations[JOB_OPERATIONS];
    struct memory_destination dry;
    uint8_t bytes[JOB_OPERATIONS]; /* of job_write_byte() */
    struct report report;
    struct error error;
};

/* `part` is for -p and may be NULL; `chip` is what is there. */
struct job_bench *job_bench_new(const char *chip, enum chip_rig_kind kind, const char *part);
struct job_bench *job_bench_with(const char *chip, enum chip_rig_kind kind, const char *part,
                                 const struct avr_chip_options *options);
void job_bench_free(struct job_bench *b); /* asserts that RESET is released */

/* Adds an operation; each returns its index. Data is borrowed. */
size_t job_read(struct job_bench *b, const char *memory);
size_t job_write(struct job_bench *b, const char *memory, uint32_t address, const uint8_t *data,
                 uint32_t size);
size_t job_verify(struct job_bench *b, const char *memory, uint32_t address, const uint8_t *data,
                  uint32_t size);
size_t job_write_byte(struct job_bench *b, const char *memory, uint8_t value);
size_t job_verify_byte(struct job_bench *b, const char *memory, uint8_t value);
size_t job_erase(struct job_bench *b);

enum status job_run(struct job_bench *b);
/* Fails the test with the error's text unless the job ends like that. */
void job_expect(struct job_bench *b, enum status status);
/* Forgets operations, counts and what was heard; the chip stays as it is. */
void job_again(struct job_bench *b);

/* The chip's own bytes, finished. */
uint8_t *job_chip(struct job_bench *b, enum avr_memory m);
uint64_t job_instructions(const struct job_bench *b, enum avr_op op);
/* Nothing erased, nothing written. */
void job_assert_untouched(const struct job_bench *b);
/* The rules of every job: steps begin and end, progress is sane, notes do not cry wolf, the chip's
 * data sheet was kept. */
void job_assert_rules(const struct job_bench *b);
const struct memory_report *job_report(const struct job_bench *b, const char *memory);
void job_assert_said(const struct job_bench *b, const char *text);

#endif
