/* The options: one table that the parser, --help, the manual's check and shell completion read.
 *
 * The letters and their long names are avrdude's, with getopt's habits: letters cluster (-FAU x),
 * values are glued (-pm328p) or follow, options and operands mix, "--" ends the options, and of an
 * option given twice the last counts, unless it collects. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"

/* Strings in the order given; owned copies. */
struct text_list {
    char **items;
    size_t count;
};

MUST_USE enum status text_list_add(struct text_list *list, const char *text, size_t length,
                                   struct error *e);
void text_list_remove(struct text_list *list, size_t index);
void text_list_free(struct text_list *list);

/* What is asked of the chip, in the order given. */
enum task_kind { TASK_UPDATE, TASK_COMMAND, TASK_TERMINAL }; /* -U, -T, -t */

struct task {
    enum task_kind kind;
    const char *text; /* as typed; NULL for -t */
};

enum action { ACTION_RUN, ACTION_SHORT_HELP, ACTION_HELP, ACTION_VERSION };
enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
enum erase_mode { ERASE_CHIP, ERASE_AUTO, ERASE_NONE };
enum choice { CHOICE_DEFAULT, CHOICE_YES, CHOICE_NO };
enum progress_style { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };

struct times {
    bool given;
    uint32_t count; /* 0: without an end */
};

enum { OPTIONS_MAX = 128 };

/* Everything the options can say. Zeroed is the default. Strings are borrowed from argv. */
struct settings {
    const char *programmer, *port, *part, *logfile;
    const char *check, *output; /* of commands */
    uint32_t baud, sck_hz, edge_delay_us;
    uint32_t timeout_s, sync_timeout_s, wait_port_s, retries; /* 0: none */
    bool erase, no_erase, force, no_write, no_verify, whole_read, in_order, osccal, no_config;
    bool json, no_clock_boost, require_genuine, soak;
    bool yes, dry_run, no_jtag, expect_usb, keep_eeprom;
    const char *rescue_file;
    const char *record, *replay;
    enum erase_mode erase_mode;
    enum choice skip_if_same; /* --skip-if-same, --no-skip-if-same */
    unsigned quell, verbose, reconnect;
    struct text_list configs, exit_options, extended, allow, part_files, keep, operands;
    struct text_list gang, unique;
    const char *unique_file;
    uint32_t wait_s;
    struct times repeat;
    struct task *tasks;
    size_t task_count;
    enum when color;
    enum progress_style progress;
    enum action action;
    bool given[OPTIONS_MAX]; /* by the index in option_table */
};

enum option_group {
    GROUP_CHIP, /* which programmer, which chip, how to reach it */
    GROUP_WORK, /* what to do */
    GROUP_SAFETY,
    GROUP_BOARDS, /* many of them, one after another or at the same time */
    GROUP_TALK,
    GROUP_OTHER,
    GROUP_HIDDEN, /* accepted for old scripts, does nothing */
    GROUP_COUNT
};

struct option_spec {
    const char *letters;  /* all stand for the same; NULL: only the long name */
    const char *name;     /* long name; NULL: only letters */
    const char *argument; /* its placeholder in the help; NULL: takes none */
    enum option_group group;
    bool common; /* on the first screen of help */
    bool own;    /* not one of avrdude's: never makes an abbreviation of those ambiguous */
    const char *const *choices; /* the words it takes, NULL at the end; NULL: not only words */
    const char *help;
    size_t offset; /* of the member of struct settings that apply() is given */
    enum status (*apply)(const struct option_spec *spec, const char *value, void *member,
                         struct error *e);
    int value; /* for apply() */
};

/* What -E takes; NULL at the end. */
extern const char *const exit_option_words[];

extern const struct option_spec option_table[];
extern const size_t option_count;

/* NULL: there is none. */
const struct option_spec *option_of_letter(char letter);
const struct option_spec *option_of_name(const char *name, size_t length);

const char *option_group_title(enum option_group group);

/* Reads argv[first] and on. Nothing is wrong any more behind --help and its like. `s` must be
 * zeroed; it is to be freed by settings_free() also on failure. STATUS_USAGE or STATUS_NO_MEMORY.
 */
MUST_USE enum status options_parse(int argc, char *const *argv, int first, struct settings *s,
                                   struct error *e);
void settings_free(struct settings *s);

/* STATUS_USAGE if an option was given that means nothing to a command: `wanted` has the long names
 * of those that do, separated by blanks. How much is said, and how, goes with all of them. */
MUST_USE enum status options_check(const struct settings *s, const char *wanted,
                                   const char *command, struct error *e);

/* The same for the options about many boards alone. */
MUST_USE enum status options_check_boards(const struct settings *s, const char *command,
                                          struct error *e);

/* For the table's rows of -U, -T and -t. `text` is borrowed. */
MUST_USE enum status settings_add_task(struct settings *s, enum task_kind kind, const char *text,
                                       struct error *e);

/* How much is said: each -v adds one, each -q beyond the first takes one away. */
int settings_verbosity(const struct settings *s);

#endif
