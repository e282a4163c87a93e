/* One board of a gang: the process that works on it, and what is known of it from what it tells. */
#ifndef CLI_GANG_BOARD_H
#define CLI_GANG_BOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run.h"
#include "tally.h"

/* What has been read of a pipe and is no whole line yet. */
struct gang_pipe {
    int fd; /* -1: closed */
    char *text;
    size_t used, capacity;
};

struct gang_board {
    const char *port, *title; /* borrowed */
    pid_t pid;                /* 0: it has ended */
    bool killed;              /* by us, since it did not end */
    struct gang_pipe events;  /* JSON, as of ispflash-json(5) */
    struct gang_pipe talk;    /* lines for a person */
    uint64_t begin_us, end_us;

    /* What it has told. */
    char doing[48]; /* "write flash"; empty: nothing */
    uint32_t done, total;
    char part[32];
    bool signature_known;
    uint8_t signature[3];
    char unique[96];    /* "serial=1042" */
    unsigned good;      /* with --repeat: boards that are done */
    bool told;          /* how it ended, at least once */
    enum status status; /* of the last end that was told; from gang_board_end() on, of all */
    char text[160];     /* of its error */
};

/* How a board's process is to speak. */
struct gang_voice {
    bool json;     /* nothing for people */
    bool progress; /* phases as lines among the talk */
    int verbosity; /* of the talk */
    bool color;
};

/* Starts the process. `others`, `count` of them, were started before. */
MUST_USE enum status gang_board_start(struct gang_board *b, struct run *r, struct job *job,
                                      const struct gang_voice *voice,
                                      const struct gang_board *others, size_t count,
                                      struct error *e);

/* Reads what there is; calls `each` for every whole line. False: the other side has closed it. */
bool gang_pipe_read(struct gang_pipe *p, void (*each)(void *user, char *line), void *user);

/* Takes in what an event says of the board. */
void gang_board_hear(struct gang_board *b, const json_t *event);

/* The process has ended with this wait status; decides on b->status. False: it could not say itself
 * what went wrong, so b->text does. */
bool gang_board_end(struct gang_board *b, int wait_status, uint64_t now_us);

void gang_board_free(struct gang_board *b);

#endif
