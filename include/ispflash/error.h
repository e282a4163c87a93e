/* Errors: a status, a sentence, a hint, and what state the chip was left in.
 *
 * Every function that can fail returns MUST_USE enum status and takes `struct error *e` last.
 * Results go through out-parameters, written only on success. Who fails states its own fact; a
 * caller that knows more prepends its context with error_in(). */
#ifndef ISPFLASH_ERROR_H
#define ISPFLASH_ERROR_H

#if defined(__GNUC__)
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(position, first) __attribute__((format(printf, position, first)))
#else
#define MUST_USE
#define PRINTF(position, first)
#endif

/* One class of failure each. error_exit_code() maps them to the documented exit codes. */
enum status {
    STATUS_OK = 0,
    STATUS_INTERNAL,    /* a defect in ispflash itself */
    STATUS_NO_MEMORY,   /* the machine's, not the chip's */
    STATUS_USAGE,       /* the request makes no sense: option, part, programmer, memory */
    STATUS_INPUT,       /* an input file is missing, unreadable, corrupt or does not fit */
    STATUS_OUTPUT,      /* an output file cannot be written */
    STATUS_NO_DEVICE,   /* no such programmer or port, or none can be chosen */
    STATUS_PERMISSION,  /* the programmer is there but may not be opened */
    STATUS_BUSY,        /* the programmer is in use by somebody else */
    STATUS_SILENT,      /* the programmer does not answer, or talks nonsense */
    STATUS_NO_TARGET,   /* the programmer works, the chip does not answer */
    STATUS_SIGNATURE,   /* a chip answers, but not the one that was named */
    STATUS_PROTECTED,   /* lock bits forbid it */
    STATUS_REFUSED,     /* dangerous, and not allowed by name */
    STATUS_VERIFY,      /* the chip holds something else than what was wanted */
    STATUS_UNVERIFIED,  /* it could not be checked */
    STATUS_TIMEOUT,     /* an operation that had begun did not end in time */
    STATUS_LINK,        /* the connection to the programmer was lost */
    STATUS_UNSUPPORTED, /* known, but this tool, programmer or chip cannot do it */
    STATUS_SEVERAL,     /* of several chips some failed, not all in the same way */
    STATUS_CANCELLED,   /* interrupted by the user */
    STATUS_COUNT
};

struct error {
    enum status code;
    char text[640];  /* outermost context first, no trailing full stop or newline */
    char hint[640];  /* what to try next, possibly several lines; empty: nothing useful known */
    char state[240]; /* what the chip holds now; empty: nobody has said so yet */
};

/* Sets code and text and clears hint and state. Returns code. `e` must not be NULL. */
enum status error_set(struct error *e, enum status code, const char *format, ...) PRINTF(3, 4);

/* Prepends "format: " to the text; keeps the code. Returns the code. */
enum status error_in(struct error *e, const char *format, ...) PRINTF(2, 3);

/* Adds a line to the hint. Lines that do not fit are dropped whole. */
void error_hint(struct error *e, const char *format, ...) PRINTF(2, 3);

/* Says what the chip holds now; the last caller wins. */
void error_state(struct error *e, const char *format, ...) PRINTF(2, 3);

/* The process exit code of a status, 0 to 255. See ispflash(1), EXIT STATUS. */
int error_exit_code(enum status code);

/* A stable lower-case name ("verify-mismatch"), and one line of explanation. Never NULL. */
const char *error_status_name(enum status code);
const char *error_status_text(enum status code);

/* Returns from the enclosing function what failed. */
#define TRY(call)                               \
    do {                                        \
        const enum status try_status_ = (call); \
        if (try_status_ != STATUS_OK)           \
            return try_status_;                 \
    } while (0)

#endif
