/* A job's plan for a person, and the question whether to go on. */
#ifndef CLI_PLAN_TEXT_H
#define CLI_PLAN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "cli.h"
#include "ispflash/session.h"

/* A line a step; `bytes`: also every byte that is to be written, in hexadecimal. */
void plan_text(FILE *out, const struct settings *settings, const struct session *s,
               const struct job_step *steps, size_t count, bool bytes);

/* STATUS_OK once a person has said yes, or --yes was given. STATUS_REFUSED: nobody is there to ask;
 * STATUS_CANCELLED: the answer was no. */
MUST_USE enum status plan_confirm(const struct cli *cli, const char *question, struct error *e);

/* Looks at a plan before it is done: prints all of it for --dry-run, asks for a command that wants
 * to be sure, unless --yes was given. */
struct plan_reviewer {
    struct reviewer reviewer; /* first */
    struct cli *cli;
    const char *question;       /* "Burn arduino-uno into this ATmega328P?"; NULL: nothing to ask */
    void (*before)(void *user); /* called first; may be NULL */
    void *user;
};

/* `question` is borrowed for the reviewer's life. */
void plan_reviewer_init(struct plan_reviewer *r, struct cli *cli, const char *question);

#endif
