/* What everything that reaches for a chip begins with: the parts, the configuration, the
 * programmer's port, and a job's run. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli.h"
#include "conf.h"
#include "ispflash/context.h"
#include "ispflash/part.h"
#include "ispflash/session.h"

struct run {
    struct cli *cli;
    struct conf conf;
    struct part_database *parts; /* with the user's own */
    struct context context;      /* the command line's listener, the machine's clock */
};

/* Opens the parts. run_close() is to be called also after a failure. */
MUST_USE enum status run_open(struct run *r, struct cli *cli, struct error *e);
void run_close(struct run *r);

/* Takes in what -C names, and the user's own defaults. */
MUST_USE enum status run_read_configuration(struct run *r, struct error *e);

/* The port that the configuration names, where `p` has none and its programmer sits on one. */
MUST_USE enum status run_default_port(const struct run *r, struct programmer_config *p,
                                      struct error *e);

/* Says which options no programmer can follow; STATUS_UNSUPPORTED where that would be missed. */
MUST_USE enum status run_check_settings(struct cli *cli, struct error *e);

/* Runs the job that the settings describe: -U and the options beside it. */
MUST_USE enum status run_settings(struct run *r, struct error *e);

/* Runs the job; its outcome has been told then. */
MUST_USE enum status run_job(struct run *r, struct job *job, struct error *e);

#endif
