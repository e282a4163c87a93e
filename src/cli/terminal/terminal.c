/* The terminal's life: what stands in a row of -T and -t is one run of it, with one cache. */
#include "terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../json_sink.h"
#include "reader.h"
#include "words.h"

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the terminal");
}

/* --- the copy of what an erase would lose --------------------------------------------------- */

static enum status rescue_prepare(struct rescue *self, struct error *e)
{
    (void)self, (void)e;
    return STATUS_OK;
}

/* Under a new name each time: a copy that was not let go may be all that is left of something. */
static enum status rescue_save(struct rescue *self, const struct memory_image *list, size_t count,
                               struct error *e)
{
    struct terminal_rescue *r = (struct terminal_rescue *)self;
    file_rescue_free(&r->file);
    file_rescue_init(&r->file, r->wanted);
    self->name = r->file.path;
    TRY(r->file.rescue.prepare(&r->file.rescue, e));
    return r->file.rescue.save(&r->file.rescue, list, count, e);
}

static enum status rescue_discard(struct rescue *self, struct error *e)
{
    struct terminal_rescue *r = (struct terminal_rescue *)self;
    return r->file.rescue.discard(&r->file.rescue, e);
}

static void rescue_init(struct terminal_rescue *r, const char *wanted)
{
    *r = (struct terminal_rescue){.rescue = {.prepare = rescue_prepare,
                                             .save = rescue_save,
                                             .discard = rescue_discard,
                                             .name = ""},
                                  .wanted = wanted};
}

/* --- answers -------------------------------------------------------------------------------- */

/* What one command prints. With --json each line of it is an object. */
struct terminal_answer {
    struct terminal_answer *outer; /* of the command that runs this one (include) */
    FILE *memory;
    char *text;
    size_t size, told;
};

/* Tells the lines that have come since. */
static void tell_answer(const struct terminal *t, struct terminal_answer *a)
{
    (void)fflush(a->memory);
    for (char *end; a->told < a->size && (end = strchr(a->text + a->told, '\n')) != NULL;) {
        *end = '\0';
        json_t *o = json_begin("answer");
        (void)json_object_set_new(o, "text", json_text(a->text + a->told));
        json_line(t->cli->around->results, o);
        a->told = (size_t)(end - a->text) + 1;
    }
}

static enum status begin_answer(struct terminal *t, struct terminal_answer *a, struct error *e)
{
    *a = (struct terminal_answer){.outer = t->answer};
    if (!t->cli->settings.json)
        return STATUS_OK;
    if (t->answer != NULL)
        tell_answer(t, t->answer);
    a->memory = open_memstream(&a->text, &a->size);
    if (a->memory == NULL)
        return no_memory(e);
    t->answer = a;
    t->out = a->memory;
    return STATUS_OK;
}

static void end_answer(struct terminal *t, struct terminal_answer *a)
{
    if (a->memory == NULL) {
        (void)fflush(t->out);
        return;
    }
    tell_answer(t, a);
    (void)fclose(a->memory);
    free(a->text);
    t->answer = a->outer;
    t->out = a->outer != NULL ? a->outer->memory : t->cli->around->results;
}

/* --- commands ------------------------------------------------------------------------------- */

void terminal_tell(struct terminal *t, struct error *e)
{
    cli_error(t->cli, e);
    *e = (struct error){0};
}

static bool asks_for_help(const struct text_list *arguments)
{
    return arguments->count == 1 && strcmp(arguments->items[0], "-?") == 0;
}

static enum status check_count(const struct terminal_command *command, size_t count,
                               struct error *e)
{
    if (count >= command->least && count <= command->most)
        return STATUS_OK;
    if (command->most == 0)
        (void)error_set(e, STATUS_USAGE, "%s takes nothing behind it", command->name);
    else
        (void)error_set(e, STATUS_USAGE, "%s: too %s words behind it", command->name,
                        count < command->least ? "few" : "many");
    error_hint(e, "%s %s", command->name, command->arguments);
    error_hint(e, "%s -? tells more", command->name);
    return STATUS_USAGE;
}

static enum status check_change(const struct terminal *t, const struct terminal_command *command,
                                struct error *e)
{
    if ((command->flags & COMMAND_CHANGES) == 0)
        return STATUS_OK;
    if (t->cli->settings.no_write)
        return error_set(e, STATUS_REFUSED, "-n: nothing is written");
    return session_may_change(t->session, e);
}

static enum status run_command(struct terminal *t, const struct text_list *words, struct error *e)
{
    const struct terminal_command *command = NULL;
    const struct text_list arguments = {.items = words->items + 1, .count = words->count - 1};
    TRY(terminal_find(words->items[0], &command, e));
    if (asks_for_help(&arguments)) {
        terminal_usage(t->out, command);
        return STATUS_OK;
    }
    TRY(check_count(command, arguments.count, e));
    enum status status = check_change(t, command, e);
    if (status == STATUS_OK)
        status = command->run(t, &arguments, e);
    if (status == STATUS_OK)
        return STATUS_OK;
    if ((command->flags & COMMAND_CHANGES) != 0 && status != STATUS_USAGE)
        session_tell_state(t->session, e);
    return error_in(e, "%s", command->name);
}

static enum status answer(struct terminal *t, const struct text_list *words, struct error *e)
{
    struct terminal_answer a;
    TRY(begin_answer(t, &a, e));
    const enum status status = run_command(t, words, e);
    end_answer(t, &a);
    return status;
}

enum status terminal_line(struct terminal *t, const char *line, struct error *e)
{
    enum status status = STATUS_OK;
    for (const char *rest = line; *rest != '\0' && !t->quit;) {
        struct text_list words = {0};
        if (status == STATUS_CANCELLED)
            break;
        if (status != STATUS_OK)
            terminal_tell(t, e);
        status = words_next(&rest, &words, e);
        const bool taken = status == STATUS_OK;
        if (taken && words.count > 0)
            status = answer(t, &words, e);
        text_list_free(&words);
        if (!taken)
            break;
    }
    return status;
}

/* --- lines ---------------------------------------------------------------------------------- */

/* True if the user wants to stop a command, not the terminal. */
static bool is_interrupt(const struct terminal *t)
{
    const struct surroundings *around = t->cli->around;
    return around->cancel != NULL && *around->cancel == SIGINT && around->forget_interrupt != NULL;
}

static bool is_cancelled(const struct terminal *t)
{
    const struct surroundings *around = t->cli->around;
    return around->cancel != NULL && *around->cancel != 0;
}

/* A person who quits learns what could not be written, and may try again. */
static enum status quit(struct terminal *t, bool interactive, struct error *e)
{
    const enum status status = cache_flush(t->cache, e);
    if (status == STATUS_OK || !interactive)
        return status;
    session_tell_state(t->session, e);
    (void)error_in(e, "quit");
    error_hint(e, "it waits still: flush tries again, abort forgets it");
    terminal_tell(t, e);
    t->quit = false;
    return STATUS_OK;
}

/* After a command that was interrupted: the programmer may still be talking of it, which leaving
 * programming mode puts an end to. */
static enum status resume(struct terminal *t, struct error *e)
{
    t->cli->around->forget_interrupt();
    TRY(session_reconnect(t->session, e));
    return session_read_bytes(t->session, 1, e);
}

/* One line after the other. For a program at the other end the last one counts, as with -T. */
static enum status read_lines(struct terminal *t, struct reader *reader, struct error *e)
{
    const bool interactive = reader_is_interactive(reader);
    enum status status = STATUS_OK;
    t->quit = false;
    while (!t->quit) {
        const char *line = NULL;
        TRY(reader_next(reader, &line, e));
        if (line == NULL && is_cancelled(t)) {
            if (!interactive || !is_interrupt(t))
                return error_set(e, STATUS_CANCELLED, "interrupted");
            t->cli->around->forget_interrupt();
            continue;
        }
        if (line == NULL)
            break;
        status = terminal_line(t, line, e);
        if (status == STATUS_CANCELLED && !(interactive && is_interrupt(t)))
            return status;
        const bool interrupted = status == STATUS_CANCELLED;
        if (status != STATUS_OK)
            terminal_tell(t, e);
        if (interrupted)
            TRY(resume(t, e));
        if (t->quit)
            TRY(quit(t, interactive, e));
    }
    TRY(cache_flush(t->cache, e));
    if (status == STATUS_OK || interactive)
        return STATUS_OK;
    return error_set(e, status, "the last command of the input did not work");
}

static enum status run_terminal(struct terminal *t, struct error *e)
{
    struct reader *reader = NULL;
    TRY(reader_open(t, &reader, e));
    const enum status status = read_lines(t, reader, e);
    reader_close(reader);
    return status;
}

static enum status run_tasks(struct terminal *t, struct error *e)
{
    for (size_t i = 0; i < t->task_count; i++) {
        const struct task *task = &t->tasks[i];
        t->quit = false;
        if (task->kind == TASK_TERMINAL)
            TRY(run_terminal(t, e));
        else if (terminal_line(t, task->text, e) != STATUS_OK)
            return error_in(e, "-T %s", task->text);
    }
    return cache_flush(t->cache, e);
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum status open_terminal(struct terminal *t, struct session *s, struct error *e)
{
    t->session = s;
    t->part = session_part(s);
    rescue_init(&t->rescue, t->cli->settings.rescue_file);
    t->out = t->cli->around->results;
    for (size_t i = 0; i < TERMINAL_SPOTS; i++) {
        t->last[i] = NULL;
        t->spots[i] = calloc(t->part->memory_count + 1, sizeof *t->spots[i]);
        if (t->spots[i] == NULL)
            return no_memory(e);
    }
    return cache_open(s, &t->rescue.rescue, &t->cache, e);
}

static uint32_t waiting_bytes(const struct terminal *t)
{
    uint32_t bytes = 0;
    for (size_t i = 0; t->cache != NULL && i < t->part->memory_count; i++)
        bytes += cache_dirty(t->cache, &t->part->memories[i]);
    return bytes;
}

static void close_terminal(struct terminal *t)
{
    const uint32_t waiting = waiting_bytes(t);
    if (waiting > 0)
        cli_log(t->cli, LOG_WARNING, "%lu byte%s waited to be written and %s not",
                (unsigned long)waiting, waiting == 1 ? "" : "s", waiting == 1 ? "is" : "are");
    cache_close(t->cache);
    t->cache = NULL;
    for (size_t i = 0; i < TERMINAL_SPOTS; i++) {
        free(t->spots[i]);
        t->spots[i] = NULL;
    }
    file_rescue_free(&t->rescue.file);
}

static enum status run(struct commands *self, struct session *s, struct error *e)
{
    struct terminal *t = (struct terminal *)self;
    enum status status = open_terminal(t, s, e);
    if (status == STATUS_OK)
        status = run_tasks(t, e);
    close_terminal(t);
    return status;
}

void terminal_init(struct terminal *t, const struct job *job, const struct task *tasks,
                   size_t count, unsigned format_allow)
{
    *t = (struct terminal){.commands = {.run = run},
                           .job = job,
                           .tasks = tasks,
                           .task_count = count,
                           .format_allow = format_allow};
}
