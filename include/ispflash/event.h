/* Events: log, progress and results are one stream. Text, quiet and JSON are listeners to it; below
 * the command line nothing prints, exits or reads the environment. */
#ifndef ISPFLASH_EVENT_H
#define ISPFLASH_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct memory;
struct report;

enum event_kind {
    EVENT_LOG,      /* a sentence for a person */
    EVENT_BEGIN,    /* a step begins */
    EVENT_PROGRESS, /* a step goes on; never goes back */
    EVENT_END,      /* a step ended, well or not; every BEGIN has one */
    EVENT_VALUE,    /* something was learnt: signature, part, port, rate, SCK, a fuse */
    EVENT_MISMATCH, /* one byte differs from what was wanted */
    EVENT_WIRE,     /* bytes crossed the link; only src/link/ emits these */
    EVENT_REPORT,   /* the job is over: what was done */
    EVENT_ERROR     /* the job failed; the last event before or instead of REPORT */
};

enum log_level {
    LOG_WARNING, /* may cost data or the chip */
    LOG_NOTE,    /* worth knowing: recovered link errors, unimplemented bits, a skipped memory */
    LOG_DETAIL,  /* -v */
    LOG_DEBUG    /* -vv */
};

enum step {
    STEP_OPEN,     /* finding and opening the programmer */
    STEP_ENTER,    /* entering programming mode */
    STEP_IDENTIFY, /* reading signature, fuses and lock bits */
    STEP_ERASE,
    STEP_READ,
    STEP_WRITE,
    STEP_VERIFY,
    STEP_LEAVE
};

struct event {
    enum event_kind kind;
    uint64_t time_us; /* since the context began, on its clock */
    union {
        struct {
            enum log_level level;
            const char *text;
        } log;
        struct { /* BEGIN, PROGRESS, END */
            enum step step;
            const struct memory *memory; /* NULL where the step concerns no single memory */
            uint32_t done, total;        /* bytes truly transferred; total 0: not countable */
            enum status status;          /* END only */
            uint64_t elapsed_us;         /* since this step's BEGIN; END and PROGRESS */
        } progress;
        struct {
            const char *name;     /* stable key: "programmer", "port", "baud", "sck", "part",
                                     "signature" (text: the part it belongs to, or NULL), or a
                                     memory's name for a fuse or lock byte */
            const char *text;     /* for a person; may be NULL */
            const uint8_t *bytes; /* may be NULL */
            size_t size;
        } value;
        struct {
            const struct memory *memory;
            uint32_t address;
            uint8_t wanted, found;
        } mismatch;
        struct {
            bool to_device;
            const uint8_t *bytes;
            size_t size;
        } wire;
        const struct report *report;
        const struct error *error;
    };
};

/* A listener. Pointers in `event` are valid for this call only. */
struct sink {
    void (*emit)(struct sink *self, const struct event *event);
};

/* "enter", "write", ...: stable lower-case names. */
const char *event_step_name(enum step step);

#endif
