/* `ispflash wiring`: which board, which chip; wiring.c draws. */
#include <string.h>

#include "cli.h"
#include "run.h"
#include "wiring.h"

static void list_boards(const struct cli *cli, const struct board_list *boards)
{
    FILE *out = cli->around->results;
    for (size_t i = 0; i < board_count(boards); i++) {
        const struct board *board = board_at(boards, i);
        if (cli->settings.json) {
            board_json(out, board);
            continue;
        }
        (void)fprintf(out, "%-16s %s: -c", board->id, board->name);
        for (size_t k = 0; board->programmers[k] != NULL; k++)
            (void)fprintf(out, "%s %s", k > 0 ? "," : "", board->programmers[k]);
        (void)fputc('\n', out);
    }
}

static enum status name_candidates(const struct board_list *boards,
                                   const struct programmer_entry *entry, struct error *e)
{
    size_t count = 0;
    for (size_t i = 0; i < board_count(boards); i++)
        count += board_serves(board_at(boards, i), entry->id);
    if (count == 0)
        return error_set(e, STATUS_UNSUPPORTED, "-c %s: no wiring is known for it", entry->id);
    (void)error_set(e, STATUS_USAGE, "-c %s may be any of %zu boards; which one?", entry->id,
                    count);
    for (size_t i = 0; i < board_count(boards); i++)
        if (board_serves(board_at(boards, i), entry->id))
            error_hint(e, "ispflash wiring %s   %s", board_at(boards, i)->id,
                       board_at(boards, i)->name);
    return STATUS_USAGE;
}

/* The board of a programmer: the only one, or the one that bears its name. */
static enum status board_of_entry(const struct board_list *boards,
                                  const struct programmer_entry *entry, const struct board **out,
                                  struct error *e)
{
    *out = board_of(boards, entry->id, 0, 0);
    for (size_t i = 0; i < board_count(boards) && *out == NULL; i++)
        if (board_serves(board_at(boards, i), entry->id) &&
            strncmp(board_at(boards, i)->id, entry->id, strlen(entry->id)) == 0)
            *out = board_at(boards, i);
    return *out != NULL ? STATUS_OK : name_candidates(boards, entry, e);
}

static bool is_called(const struct programmer_entry *entry, const char *name)
{
    bool found = strcmp(entry->id, name) == 0;
    for (size_t i = 0; !found && entry->aliases != NULL && entry->aliases[i] != NULL; i++)
        found = strcmp(entry->aliases[i], name) == 0;
    return found;
}

/* A drawing needs no driver: one that this program was built without has its wires all the same. */
static enum status find_entry(const struct programmer_entry *entries, const char *typed,
                              const struct programmer_entry **out, struct error *e)
{
    const struct programmer_driver *driver = NULL;
    const enum status status = programmer_find(entries, typed, out, &driver, e);
    if (status != STATUS_UNSUPPORTED)
        return status;
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++)
        if (is_called(entry, typed) && entry->driver != NULL) {
            *out = entry;
            return STATUS_OK;
        }
    return status;
}

static enum status choose_board(struct run *r, const struct programmer_entry *entries,
                                struct wiring *w, struct error *e)
{
    const struct settings *s = &r->cli->settings;
    const struct programmer_entry *entry = NULL;
    if (s->operands.count == 1)
        TRY(board_find(w->boards, s->operands.items[0], &w->board, e));
    if (s->programmer == NULL)
        return STATUS_OK;
    TRY(find_entry(entries, s->programmer, &entry, e));
    if (w->board == NULL)
        return board_of_entry(w->boards, entry, &w->board, e);
    if (board_serves(w->board, entry->id))
        return STATUS_OK;
    return error_set(e, STATUS_USAGE, "the %s is no %s", w->board->name, entry->id);
}

/* An STM32 is reached by SWD, and by nothing else. */
static enum status match_part(struct wiring *w, struct error *e)
{
    const bool swd = w->part != NULL && w->part->family == PART_STM32F1;
    if (swd && w->board == NULL)
        return board_find(w->boards, "stlink", &w->board, e);
    if (w->part == NULL || w->board == NULL || w->board->swd == swd)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNSUPPORTED, "the %s cannot reach an %s", w->board->name,
                    w->part->name);
    if (swd)
        error_hint(e, "an STM32 is programmed over SWD: ispflash wiring stlink -p %s",
                   w->part->aliases[0]);
    return e->code;
}

static enum status show(struct run *r, const struct programmer_entry *entries, struct wiring *w,
                        struct error *e)
{
    const struct settings *s = &r->cli->settings;
    TRY(choose_board(r, entries, w, e));
    if (s->part != NULL)
        TRY(part_find(r->parts, s->part, &w->part, e));
    TRY(match_part(w, e));
    if (w->board == NULL && w->part == NULL)
        list_boards(r->cli, w->boards);
    else if (s->json)
        wiring_json(r->cli->around->results, w);
    else
        wiring_draw(r->cli->around->results, w, r->cli->around->utf8);
    return STATUS_OK;
}

enum status command_wiring(struct cli *cli, struct error *e)
{
    struct run r;
    struct programmer_entry *entries = NULL;
    struct board_list *boards = NULL;
    if (cli->settings.operands.count > 1)
        return error_set(e, STATUS_USAGE, "wiring takes one board");
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = programmer_entries(&entries, e);
    if (status == STATUS_OK)
        status = boards_open(entries, &boards, e);
    struct wiring w = {.boards = boards};
    if (status == STATUS_OK)
        status = show(&r, entries, &w, e);
    boards_close(boards);
    programmer_entries_free(entries);
    run_close(&r);
    return status;
}
