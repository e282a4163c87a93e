/* From settings to a job for the session, with everything it borrows. */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include <stddef.h>

#include "conf.h"
#include "files.h"
#include "ispflash/session.h"
#include "options.h"
#include "rescue.h"
#include "terminal/terminal.h"
#include "update.h"

struct cli_job {
    struct job job; /* for session_run() */
    struct update *updates;
    struct operation *operations;
    struct file_source *sources;           /* one an operation, unused for reads */
    struct file_destination *destinations; /* one an operation, unused but for reads */
    struct terminal *terminals;            /* one for all -T and -t that stand in a row */
    size_t terminal_count;
    struct dry_destination dry_output;
    struct address_range *keep; /* --keep FROM-TO */
    struct file_rescue rescue;
    size_t count;
};

/* Checks all that can be checked without part and programmer. `s` and `conf` are borrowed for the
 * job's life; cli_job_free() also after a failure. */
MUST_USE enum status cli_job_init(struct cli_job *j, const struct settings *s,
                                  const struct conf *conf, struct error *e);
/* -T and -t work for this run; the others are not to have any. */
void cli_job_open_terminals(struct cli_job *j, struct cli *cli, struct context *context);
void cli_job_free(struct cli_job *j);

/* The names that --allow takes; NULL beyond the last. */
const char *job_allowance_name(size_t index);

#endif
