/* --gang: the same job on several programmers at the same time. */
#ifndef CLI_GANG_H
#define CLI_GANG_H

#include "run.h"

/* The ports that --gang names, each once. */
struct gang_ports {
    char **ports;  /* owned */
    char **titles; /* owned; what is there, "" if not known */
    size_t count;
};

MUST_USE enum status gang_find_ports(struct run *r, const char *programmer, struct gang_ports *out,
                                     struct error *e);
void gang_ports_free(struct gang_ports *p); /* takes a zeroed one */

/* Runs the job on each of --gang's ports, shows how it goes and a summary; the outcome is that of
 * struct tally. */
MUST_USE enum status gang_run(struct run *r, struct job *job, struct error *e);

#endif
