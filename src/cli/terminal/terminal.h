/* The terminal, -t and -T: commands that look at the chip and change it one by one, with the names
 * and the grammar of avrdude's. Flash and EEPROM are reached through the write-back cache, fuse and
 * lock bytes through the guard; no command knows more of the chip than the session does. */
#ifndef CLI_TERMINAL_TERMINAL_H
#define CLI_TERMINAL_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "../cli.h"
#include "../rescue.h"
#include "ispflash/cache.h"
#include "ispflash/session.h"

struct terminal_answer;

/* A copy of what an erase would lose; its file is chosen only when there is something to save. */
struct terminal_rescue {
    struct rescue rescue; /* first */
    const char *wanted;   /* --rescue-file; may be NULL */
    struct file_rescue file;
};

/* Where `dump` and `disasm` go on in a memory. */
struct terminal_spot {
    uint32_t next; /* offset */
    uint32_t size; /* as last asked for; 0: never */
};

enum { TERMINAL_SPOTS = 2 }; /* one of dump, one of disasm */

struct terminal {
    struct commands commands; /* first: an operation of the job */
    struct cli *cli;
    struct context *context;
    const struct job *job;    /* what it permits counts here, too */
    const struct task *tasks; /* -T and -t that stand in a row */
    size_t task_count;
    unsigned format_allow;          /* enum format_allowance */
    FILE *out;                      /* for answers */
    struct terminal_answer *answer; /* with --json: of the command that runs; NULL: none */

    /* While it runs. */
    struct session *session;
    const struct part *part;
    struct cache *cache;
    struct terminal_rescue rescue;
    struct terminal_spot *spots[TERMINAL_SPOTS]; /* one each memory of the part */
    const struct memory *last[TERMINAL_SPOTS];   /* that was looked at; NULL: none yet */
    unsigned disasm_hides;                       /* a bit each of its options */
    unsigned depth;                              /* of files that include files */
    bool quit;
};

/* `tasks` are `count` -T and -t; all pointers are borrowed. The terminal runs as an operation of
 * `job`: see t->commands; t->cli and t->context are to be set before that. */
void terminal_init(struct terminal *t, const struct job *job, const struct task *tasks,
                   size_t count, unsigned format_allow);

/* --- for the commands ------------------------------------------------------------------------- */

enum terminal_command_flag {
    COMMAND_CHANGES = 1 << 0, /* the chip, at once or when the cache is flushed */
    COMMAND_HIDDEN = 1 << 1   /* another name of the one before */
};

struct terminal_command {
    const char *name;
    const char *arguments; /* as its help shows them */
    const char *summary;
    const char *detail; /* more of its help; may be NULL */
    size_t least, most; /* words behind the name; options count */
    unsigned flags;
    enum status (*run)(struct terminal *t, const struct text_list *arguments, struct error *e);
};

/* Sorted by name but for hidden names, `count` of them. */
extern const struct terminal_command terminal_commands[];
extern const size_t terminal_command_count;

/* By its name, case ignored: exact, else the unique beginning. STATUS_USAGE. */
MUST_USE enum status terminal_find(const char *name, const struct terminal_command **out,
                                   struct error *e);

/* Runs the commands of a line. What goes wrong in one is told, and the next one is run; what comes
 * of the last is returned, and not told. */
MUST_USE enum status terminal_line(struct terminal *t, const char *line, struct error *e);

/* Tells what went wrong. */
void terminal_tell(struct terminal *t, struct error *e);

/* Prints all commands, a line each. */
void terminal_list(FILE *out);

/* Prints how the command is used. */
void terminal_usage(FILE *out, const struct terminal_command *command);

/* The memory of that name. STATUS_USAGE, with the names there are. */
MUST_USE enum status terminal_memory(const struct terminal *t, const char *name,
                                     const struct memory **out, struct error *e);

/* `size` bytes of the memory from the offset `start` on, around its end if need be, as they will be
 * once all is flushed. */
MUST_USE enum status terminal_read(struct terminal *t, const struct memory *m, uint32_t start,
                                   uint32_t size, uint8_t *data, struct error *e);

/* What MEM ADDR LEN mean, each of which may be missing, given what was looked at before: `which` of
 * t->spots, with `usual` bytes at first. */
struct range;
MUST_USE enum status terminal_stretch(struct terminal *t, const struct text_list *arguments,
                                      size_t which, uint32_t usual, const struct memory **m,
                                      struct range *range, struct error *e);
/* That was shown. */
void terminal_remember(struct terminal *t, size_t which, const struct memory *m,
                       const struct range *range);

/* Bytes by their addresses; flash and EEPROM through the cache, others at once. */
MUST_USE enum status terminal_write(struct terminal *t, const struct memory *m,
                                    const struct image *image, struct error *e);

/* Takes "-fv" and the like out of the words: `letters` are those there are, `*given` gets a bit for
 * each of them in that order. STATUS_USAGE for others. The caller frees `*rest`, also then. */
MUST_USE enum status terminal_options(const struct text_list *arguments, const char *letters,
                                      unsigned *given, struct text_list *rest, struct error *e);

/* The commands, a file each family. */
typedef enum status terminal_run(struct terminal *t, const struct text_list *arguments,
                                 struct error *e);
terminal_run terminal_dump, terminal_write_data, terminal_save; /* command_memory.c */
terminal_run terminal_flush, terminal_abort, terminal_erase, terminal_pgerase;
terminal_run terminal_backup, terminal_restore, terminal_verify,
    terminal_include;                                       /* command_file.c */
terminal_run terminal_config, terminal_factory;             /* command_config.c */
terminal_run terminal_part, terminal_regfile, terminal_sig; /* command_chip.c */
terminal_run terminal_send, terminal_parms, terminal_sck, terminal_vtarg, terminal_varef;
terminal_run terminal_fosc, terminal_spi, terminal_pgm;
terminal_run terminal_disasm;                                                /* command_disasm.c */
terminal_run terminal_verbose, terminal_quell, terminal_help, terminal_quit; /* commands.c */

#endif
