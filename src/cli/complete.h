/* What may stand where in a command line, for the shells' completion. Shared by the two files of
 * src/cli/complete*.c alone. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

#include "run.h"

/* One word to be completed. */
struct completion {
    struct run *run;
    const char *lead; /* what stands glued before it: "--part=", "-p"; not ended by a zero */
    size_t lead_length;
    const char *word;              /* what is there of it */
    const char *programmer, *part; /* as named on the line so far; NULL: not */
};

/* Prints a candidate if it begins with the word: "lead + candidate", a tab, and the description
 * unless that is NULL. */
void complete_offer(const struct completion *c, const char *candidate, const char *description);

/* Lets the shell add the files that fit. */
void complete_files(const struct completion *c);

/* Offers all that can stand for `placeholder`, as the tables of options and of commands have it
 * ("PART", "FILE"); `command` NULL: of an option. Nothing for one that can be anything. */
void complete_placeholder(const struct completion *c, const char *placeholder,
                          const struct command *command);

#endif
