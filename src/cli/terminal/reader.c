/* Lines by libedit, or as they come. */
#include "reader.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "complete.h"
#include "terminal.h"

enum { HISTORY_LINES = 500 };

struct reader {
    struct terminal *terminal;
    const struct surroundings *around;
    bool interactive;
    char prompt[40];
    char *line; /* owned */
    size_t capacity;
    EditLine *editor; /* NULL: lines are not edited */
    History *history;
    char *pending; /* what completes a word; owned */
    size_t pending_at;
};

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the line editor");
}

bool reader_is_interactive(const struct reader *r)
{
    return r->interactive;
}

/* --- the editor ----------------------------------------------------------------------------- */

static struct reader *reader_of(EditLine *editor)
{
    void *reader = NULL;
    (void)el_get(editor, EL_CLIENTDATA, &reader);
    return reader;
}

static char *show_prompt(EditLine *editor)
{
    return reader_of(editor)->prompt;
}

/* What all of them begin with. */
static size_t common_length(const struct text_list *names)
{
    size_t length = strlen(names->items[0]);
    for (size_t i = 1; i < names->count; i++)
        for (size_t k = 0; k < length; k++)
            if (names->items[i][k] != names->items[0][k])
                length = k;
    return length;
}

static void show_choices(const struct reader *r, const struct text_list *names)
{
    (void)fputc('\n', r->around->results);
    for (size_t i = 0; i < names->count; i++)
        (void)fprintf(r->around->results, "%s%s", names->items[i],
                      i + 1 < names->count ? "  " : "\n");
    (void)fflush(r->around->results);
}

/* What takes the place of the key in the line; NULL: nothing. The caller frees it. */
static char *completion(const struct reader *r, const struct text_list *names, size_t typed)
{
    static const char redraw[] = "\x1f"; /* ^_, as bound below */
    if (names->count == 0)
        return strdup("\a"); /* libedit beeps */
    const size_t common = common_length(names);
    if (names->count > 1 && common <= typed) {
        show_choices(r, names);
        return strdup(redraw);
    }
    char *text = malloc(common - typed + 2);
    if (text == NULL)
        return NULL;
    memcpy(text, names->items[0] + typed, common - typed);
    const bool ends = names->count == 1 && (common == 0 || names->items[0][common - 1] != '/');
    (void)strcpy(text + (common - typed), ends ? " " : "");
    return text;
}

/* The tabulator key: what completes the word comes next, as if it were typed. */
static void complete(struct reader *r)
{
    const LineInfo *info = el_line(r->editor);
    struct text_list names = {0};
    char *before = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    if (before == NULL)
        return;
    const size_t typed = complete_line(r->terminal, before, &names);
    free(r->pending);
    r->pending = completion(r, &names, typed);
    r->pending_at = 0;
    text_list_free(&names);
    free(before);
}

static bool is_cancelled(const struct reader *r)
{
    return r->around->cancel != NULL && *r->around->cancel != 0;
}

/* 1, or as read() has it. A signal may come just before one waits: so that is done in slices. */
static ssize_t read_byte(struct reader *r, char *byte)
{
    enum { SLICE_MS = 100 };
    struct pollfd input = {.fd = fileno(r->around->input), .events = POLLIN};
    if (r->pending != NULL && r->pending[r->pending_at] != '\0') {
        *byte = r->pending[r->pending_at++];
        return 1;
    }
    while (!is_cancelled(r)) {
        const int ready = poll(&input, 1, SLICE_MS);
        if (ready > 0)
            return read(input.fd, byte, 1);
        if (ready < 0 && errno != EINTR)
            return -1;
    }
    return -1;
}

/* One character of the terminal. libedit's own would read on after a signal. */
static int read_character(EditLine *editor, wchar_t *out)
{
    struct reader *r = reader_of(editor);
    mbstate_t state = {0};
    for (;;) {
        char byte = 0;
        const ssize_t count = read_byte(r, &byte);
        if (count <= 0)
            return (int)count;
        if (byte == '\t') {
            complete(r);
            continue;
        }
        const size_t taken = mbrtowc(out, &byte, 1, &state);
        if (taken == (size_t)-2) /* the first of several bytes */
            continue;
        if (taken == (size_t)-1)
            *out = L'?';
        return 1;
    }
}

static enum status open_editor(struct reader *r, struct error *e)
{
    HistEvent event;
    const struct surroundings *around = r->around;
    r->editor = el_init(around->program, around->input, around->results, around->talk);
    r->history = history_init();
    if (r->editor == NULL || r->history == NULL)
        return no_memory(e);
    (void)history(r->history, &event, H_SETSIZE, HISTORY_LINES);
    (void)history(r->history, &event, H_SETUNIQUE, 1);
    (void)el_set(r->editor, EL_CLIENTDATA, r);
    (void)el_set(r->editor, EL_PROMPT, show_prompt);
    (void)el_set(r->editor, EL_EDITOR, "emacs");
    (void)el_set(r->editor, EL_HIST, history, r->history);
    (void)el_set(r->editor, EL_GETCFN, read_character);
    (void)el_set(r->editor, EL_BIND, "^_", "ed-redisplay", NULL);
    return STATUS_OK;
}

static enum status edit_line(struct reader *r, const char **line, struct error *e)
{
    HistEvent event;
    int length = 0;
    const char *text = el_gets(r->editor, &length);
    if (text == NULL || length <= 0) {
        (void)fputc('\n', r->around->results);
        return STATUS_OK;
    }
    free(r->line);
    r->line = strndup(text, strcspn(text, "\n"));
    if (r->line == NULL)
        return no_memory(e);
    if (r->line[strspn(r->line, " \t")] != '\0')
        (void)history(r->history, &event, H_ENTER, text);
    *line = r->line;
    return STATUS_OK;
}

/* --- lines as they come --------------------------------------------------------------------- */

static enum status take_line(struct reader *r, const char **line, struct error *e)
{
    FILE *input = r->around->input;
    if (r->interactive) {
        (void)fputs(r->prompt, r->around->talk);
        (void)fflush(r->around->talk);
    }
    errno = 0;
    const ssize_t length = getline(&r->line, &r->capacity, input);
    if (length < 0 && ferror(input) && errno != EINTR)
        return error_set(e, STATUS_INPUT, "standard input: %s", strerror(errno));
    if (length < 0) {
        clearerr(input);
        return STATUS_OK;
    }
    r->line[strcspn(r->line, "\r\n")] = '\0';
    if (!r->interactive && !r->terminal->cli->settings.json)
        (void)fprintf(r->around->results, "%s%s\n", r->prompt, r->line);
    *line = r->line;
    return STATUS_OK;
}

/* --- both ----------------------------------------------------------------------------------- */

enum status reader_open(struct terminal *t, struct reader **out, struct error *e)
{
    const struct surroundings *around = t->cli->around;
    struct reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return no_memory(e);
    *r = (struct reader){.terminal = t, .around = around, .interactive = around->input_is_terminal};
    (void)snprintf(r->prompt, sizeof r->prompt, "%.32s> ", around->program);
    enum status status = STATUS_OK;
    if (around->input_is_terminal && around->results_are_terminal && !t->cli->settings.json)
        status = open_editor(r, e);
    if (status != STATUS_OK) {
        reader_close(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

void reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    if (r->editor != NULL)
        el_end(r->editor);
    if (r->history != NULL)
        history_end(r->history);
    free(r->pending);
    free(r->line);
    free(r);
}

enum status reader_next(struct reader *r, const char **line, struct error *e)
{
    *line = NULL;
    return r->editor != NULL ? edit_line(r, line, e) : take_line(r, line, e);
}
