/* Shared by boards.c and boards_ftdi.c: the list of boards while it is made. */
#ifndef PROGRAMMERS_BOARDS_H
#define PROGRAMMERS_BOARDS_H

#include "core/arena.h"
#include "programmer/board.h"

struct board_list {
    struct arena arena;
    struct board *boards;
    size_t count;
    struct board_header *headers;
    size_t header_count;
};

/* A zeroed board at the end; its address holds until the next one is added. */
MUST_USE enum status boards_add(struct board_list *list, const char *id, struct board **out,
                                struct error *e);

/* Words separated by blanks, NULL-terminated. */
MUST_USE enum status boards_words(struct board_list *list, const char *text,
                                  const char *const **out, struct error *e);

/* Adds a board for each FTDI adapter among the programmers that has none yet. */
MUST_USE enum status boards_add_ftdi(struct board_list *list,
                                     const struct programmer_entry *entries, struct error *e);

#endif
