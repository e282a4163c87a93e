/* The command line as a whole: what surrounds a run, and the commands there are. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "ispflash/context.h"
#include "ispflash/error.h"
#include "json_sink.h"
#include "options.h"
#include "text_sink.h"

/* All that a run takes from the process it is in. main() alone looks there. */
struct surroundings {
    const char *program;  /* as called, without folders */
    FILE *results, *talk; /* standard output and standard error */
    FILE *input;          /* standard input, for answers */
    bool input_is_terminal, results_are_terminal;
    bool can_ask;            /* a person is there to answer: both ends are a terminal */
    bool talk_is_terminal;   /* one that takes escape sequences */
    unsigned columns, rows;  /* of that terminal; 0: unknown */
    bool utf8;               /* the locale is one of UTF-8 */
    const char *home;        /* $HOME; this and all below may be NULL */
    const char *config_home; /* $XDG_CONFIG_HOME */
    const char *no_color;    /* $NO_COLOR */
    const char *force_color; /* $CLICOLOR_FORCE */
    const char *(*variable)(const char *name); /* $ISPFLASH_...; NULL: there are none */
    const volatile sig_atomic_t *cancel;       /* the number of the signal that came */
    void (*forget_interrupt)(void); /* an interrupt was heeded and is over; may be NULL */
};

struct cli {
    const struct surroundings *around;
    bool as_avrdude; /* called by that name */
    struct settings settings;
    struct config config;        /* defaults and jobs */
    struct text_sink sink;       /* where messages go, for a person */
    struct json_sink json;       /* and for programs, with --json */
    struct sink *listener;       /* the one of the two that is asked for */
    FILE *logfile;               /* NULL: none */
    struct recording *recording; /* NULL: none */
    bool told;                   /* the error has been shown already */
    int exit_code;               /* of a run without an error */
};

/* A first word that is no option. */
struct command {
    const char *name, *arguments, *summary;
    const char *options; /* long names of those that mean something to it; NULL: all */
    bool boards;         /* also those about many boards */
    /* `cli` has its settings read; its operands are what stands behind the name. NULL: the command
     * stands for another line, see expand_job(). */
    enum status (*run)(struct cli *cli, struct error *e);
};

/* Sorted by name, `count` of them. */
extern const struct command command_table[];
extern const size_t command_count;

/* Runs a whole command line; returns the exit code. */
int cli_main(const struct surroundings *around, int argc, char *const *argv);

/* A context for one run: the listener, the clock (a recording's if one is played), the limits. */
void cli_context(const struct cli *cli, struct context *c);

/* A note from the command line itself, and an error from before or outside a session. */
void cli_log(const struct cli *cli, enum log_level level, const char *format, ...) PRINTF(3, 4);
void cli_error(const struct cli *cli, const struct error *error);

/* The path of `name` in the folder of the user's configuration, of the folder itself for "". False:
 * there is no such folder, or it is too long to be opened. */
bool cli_config_path(const struct surroundings *around, const char *name, char *out,
                     size_t capacity);

/* The line without a command: as avrdude's. */
MUST_USE enum status flash_run(struct cli *cli, struct error *e);

/* The commands, a file each family. */
MUST_USE enum status command_bootloaders(struct cli *cli, struct error *e); /* bootloaders.c */
MUST_USE enum status command_burn(struct cli *cli, struct error *e);        /* burn.c */
MUST_USE enum status command_unlock(struct cli *cli, struct error *e);      /* unlock.c */
MUST_USE enum status command_erase(struct cli *cli, struct error *e);       /* memories.c */
MUST_USE enum status command_read(struct cli *cli, struct error *e);
MUST_USE enum status command_write(struct cli *cli, struct error *e);
MUST_USE enum status command_verify(struct cli *cli, struct error *e);
MUST_USE enum status command_factory(struct cli *cli, struct error *e); /* factory.c */
MUST_USE enum status command_backup(struct cli *cli, struct error *e);  /* backup.c */
MUST_USE enum status command_restore(struct cli *cli, struct error *e);
MUST_USE enum status command_fuses(struct cli *cli, struct error *e);      /* fuses.c */
MUST_USE enum status command_convert(struct cli *cli, struct error *e);    /* command_merge.c */
MUST_USE enum status command_completion(struct cli *cli, struct error *e); /* complete.c */
MUST_USE enum status command_config(struct cli *cli, struct error *e);     /* command_config.c */
MUST_USE enum status command_detect(struct cli *cli, struct error *e);     /* command_detect.c */
MUST_USE enum status command_diff(struct cli *cli, struct error *e);       /* command_diff.c */
MUST_USE enum status command_doctor(struct cli *cli, struct error *e);     /* command_doctor.c */
MUST_USE enum status command_info(struct cli *cli, struct error *e);       /* command_info.c */
MUST_USE enum status command_udev(struct cli *cli, struct error *e);       /* command_udev.c */
MUST_USE enum status command_merge(struct cli *cli, struct error *e);      /* command_merge.c */
MUST_USE enum status command_wiring(struct cli *cli, struct error *e);     /* command_wiring.c */
MUST_USE enum status command_list(struct cli *cli, struct error *e);       /* command_list.c */

#endif
