/* The user's defaults and named jobs: files of "[defaults]" and "[job NAME]" sections, and the
 * environment. What is said later in this list wins:
 *
 *     the system's file     SYSCONFDIR/ispflash/config
 *     the user's            $XDG_CONFIG_HOME/ispflash/config, ~/.config/ispflash/config
 *     the project's         ispflash.conf in the working directory
 *     the environment       ISPFLASH_PROGRAMMER and its like: defaults only
 *
 * A job's keys are the long names of options. See ispflash(1), FILES and ENVIRONMENT. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "ispflash/error.h"
#include "options.h"

struct surroundings;

enum config_default {
    DEFAULT_PROGRAMMER,
    DEFAULT_PORT,
    DEFAULT_PART,
    DEFAULT_BITCLOCK,
    DEFAULT_BAUD,
    DEFAULT_COUNT
};

struct config_value {
    char *text;         /* NULL: not said */
    const char *origin; /* the file, or the variable; borrowed from the config or a constant */
};

struct config_file {
    char *path;
    bool found;
};

struct config_job; /* private */

enum { CONFIG_FILES = 3 };

/* Zeroed: nothing is said. Freed by config_free(). */
struct config {
    struct config_value defaults[DEFAULT_COUNT];
    struct config_file files[CONFIG_FILES];
    size_t file_count;
    struct config_job **jobs;
    size_t job_count;
};

/* The long name of the option, and the variable. */
const char *config_default_name(enum config_default which);
const char *config_default_variable(enum config_default which);

/* Reads files (unless `no_files`) and environment. A missing file is none; STATUS_INPUT with its
 * line for one that cannot be read or has something wrong in it; STATUS_USAGE for a variable. */
MUST_USE enum status config_read(struct config *c, const struct surroundings *around, bool no_files,
                                 struct error *e);
void config_free(struct config *c);

/* Adds what `text` says, as if it stood in the file `origin`, which is borrowed. */
MUST_USE enum status config_parse(struct config *c, const char *origin, const char *text,
                                  struct error *e);

/* Puts the defaults over those of an avrdude.conf. */
MUST_USE enum status config_apply(const struct config *c, struct conf *conf, struct error *e);

/* The job of that name: its options into `s`, which is what they are borrowed by; and the command
 * it runs in `*command` (NULL: none) with operands in s->operands. STATUS_USAGE with the nearest
 * names if there is none. */
MUST_USE enum status config_apply_job(const struct config *c, const char *name, struct settings *s,
                                      const char **command, struct error *e);

/* The names of the jobs and where they stand, in order of their first mention. NULL beyond the
 * last. */
const char *config_job_name(const struct config *c, size_t index, const char **origin);

#endif
