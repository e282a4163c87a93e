/* What a person, or a program, sees of a gang. */
#ifndef CLI_GANG_VIEW_H
#define CLI_GANG_VIEW_H

#include <stdio.h>

#include "gang_board.h"

struct gang_view {
    FILE *out; /* talk; with `json` where JSON goes */
    bool json;
    bool live;    /* a terminal: a line for each board, drawn over */
    bool summary; /* is shown at the end */
    bool color;
    unsigned columns;
    int width;         /* of the longest port */
    size_t drawn;      /* lines that stand there to be drawn over */
    uint64_t drawn_us; /* when */
    bool stale;        /* something has changed since */
};

void gang_view_init(struct gang_view *v, const struct cli *cli, const struct gang_board *boards,
                    size_t count);

/* A line of a board's talk, or an event as it came. */
void gang_view_say(struct gang_view *v, const struct gang_board *b, const char *line);
void gang_view_event(struct gang_view *v, const struct gang_board *b, const json_t *event);

/* A board's process ended without a word: the error that it did not tell. */
void gang_view_lost(struct gang_view *v, const struct cli *cli, const struct gang_board *b,
                    uint64_t time_us);

/* Draws the boards anew, if it is time for that. */
void gang_view_draw(struct gang_view *v, const struct gang_board *boards, size_t count,
                    uint64_t now_us, bool at_once);

/* All have ended. */
void gang_view_summary(struct gang_view *v, const struct gang_board *boards, size_t count);

#endif
