/* --gang: the same job on several programmers at the same time, a process for each. */
#include "gang.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "gang_board.h"
#include "gang_view.h"
#include "station.h"
#include "unique.h"

enum {
    SLICE_MS = 50,         /* how long nobody looks whether the user wants to stop */
    GRACE_US = 3 * 1000000 /* past the deadline: longer than any way out takes */
};

struct gang {
    struct run *run;
    struct job *job;
    struct gang_ports ports;
    struct gang_board *boards; /* as many as ports */
    struct gang_view view;
    sig_atomic_t forwarded; /* the signal that the processes were sent; 0: none */
};

/* --- what does not go with it --------------------------------------------------------------- */

static enum status refuse(struct error *e, const char *what, const char *why)
{
    return error_set(e, STATUS_USAGE, "--gang: %s: %s", what, why);
}

static enum status check_job(const struct job *job, bool json, struct error *e)
{
    for (size_t i = 0; i < job->operation_count; i++) {
        const struct operation *o = &job->operations[i];
        if (o->kind == OPERATION_COMMANDS)
            return refuse(e, "-t and -T", "commands are for one chip");
        if (o->kind == OPERATION_READ && (!json || strcmp(o->destination->name, "-") != 0))
            return refuse(e, o->destination->name,
                          "all boards would be read into one file; --json with - tells them apart");
    }
    return STATUS_OK;
}

static enum status check(const struct gang *g, struct error *e)
{
    const struct settings *s = &g->run->cli->settings;
    if (s->port != NULL)
        return refuse(e, "-P", "one --gang PORT for each programmer says where they are");
    if (g->job->rescue != NULL)
        return refuse(e, "--keep and --keep-eeprom", "one file cannot rescue several chips");
    if (s->record != NULL || s->replay != NULL)
        return refuse(e, "--record and --replay", "a recording is of one programmer");
    if (s->expect_usb)
        return refuse(e, "--expect-usb", "nobody could tell whose boot loader has appeared");
    if (s->no_write && !s->json)
        return refuse(e, "-n", "what would be written is the same for all; --json tells");
    return check_job(g->job, s->json, e);
}

/* All that can be wrong without a board is told once, here. */
static enum status check_unique(const struct gang *g, struct error *e)
{
    struct unique u;
    const enum status status = unique_open(&u, &g->run->cli->settings, &g->run->context, e);
    unique_close(&u);
    return status;
}

/* --- the processes -------------------------------------------------------------------------- */

struct listener {
    struct gang *gang;
    struct gang_board *board;
};

static void on_event(void *user, char *line)
{
    const struct listener *l = user;
    json_t *event = json_loads(line, 0, NULL);
    gang_board_hear(l->board, event);
    gang_view_event(&l->gang->view, l->board, event);
    l->gang->view.stale = true;
    json_decref(event);
}

static void on_talk(void *user, char *line)
{
    const struct listener *l = user;
    gang_view_say(&l->gang->view, l->board, line);
}

static uint64_t since_begin_us(const struct gang *g)
{
    return context_now_us(&g->run->context) - g->run->context.begin_us;
}

static void start_all(struct gang *g)
{
    const struct cli *cli = g->run->cli;
    const int verbosity = settings_verbosity(&cli->settings);
    const struct gang_voice voice = {
        .json = cli->settings.json,
        .progress = !g->view.live && cli->settings.progress != PROGRESS_NONE,
        .verbosity = g->view.live && verbosity == 0 ? -1 : verbosity, /* the lines tell the rest */
        .color = cli->sink.options.color,
    };
    for (size_t i = 0; i < g->ports.count; i++) {
        struct gang_board *b = &g->boards[i];
        struct error e;
        if (gang_board_start(b, g->run, g->job, &voice, g->boards, i, &e) == STATUS_OK)
            continue;
        b->status = e.code;
        (void)snprintf(b->text, sizeof b->text, "%s", e.text);
        gang_view_lost(&g->view, cli, b, since_begin_us(g));
    }
}

/* Reads what they say, for SLICE_MS at most. False: they all have closed their pipes. */
static bool listen_to_all(struct gang *g, struct pollfd *fds)
{
    const size_t count = g->ports.count;
    bool any = false;
    for (size_t i = 0; i < 2 * count; i++) {
        struct gang_board *b = &g->boards[i / 2];
        fds[i] = (struct pollfd){.fd = i % 2 == 0 ? b->events.fd : b->talk.fd, .events = POLLIN};
        any = any || fds[i].fd >= 0;
    }
    if (!any || poll(fds, (nfds_t)(2 * count), SLICE_MS) <= 0)
        return any;
    for (size_t i = 0; i < 2 * count; i++) {
        struct listener l = {.gang = g, .board = &g->boards[i / 2]};
        if (fds[i].fd >= 0 && fds[i].revents != 0)
            (void)gang_pipe_read(i % 2 == 0 ? &l.board->events : &l.board->talk,
                                 i % 2 == 0 ? on_event : on_talk, &l);
    }
    return true;
}

static bool has_closed(const struct gang_board *b)
{
    return b->events.fd < 0 && b->talk.fd < 0;
}

/* Buries those that have ended and said all; what they start themselves is theirs alone. */
static void bury(struct gang *g)
{
    for (size_t i = 0; i < g->ports.count; i++) {
        struct gang_board *b = &g->boards[i];
        int status = 0;
        if (b->pid == 0 || !has_closed(b) || waitpid(b->pid, &status, WNOHANG) != b->pid)
            continue;
        if (!gang_board_end(b, status, context_now_us(&g->run->context)))
            gang_view_lost(&g->view, g->run->cli, b, since_begin_us(g));
        g->view.stale = true;
    }
}

static void send_all(const struct gang *g, int number)
{
    for (size_t i = 0; i < g->ports.count; i++)
        if (g->boards[i].pid > 0)
            (void)kill(g->boards[i].pid, number);
}

/* The user's wish to stop goes to all, once; the second signal ends this process, and that them. */
static void forward_signal(struct gang *g)
{
    const volatile sig_atomic_t *cancel = g->run->cli->around->cancel;
    if (cancel == NULL || *cancel == 0 || g->forwarded != 0)
        return;
    g->forwarded = *cancel;
    send_all(g, (int)g->forwarded);
}

/* Each keeps --timeout by itself; one that hangs is not waited for. */
static void keep_deadline(struct gang *g)
{
    const struct context *c = &g->run->context;
    if (c->deadline_us == 0 || context_now_us(c) < c->deadline_us + GRACE_US)
        return;
    for (size_t i = 0; i < g->ports.count; i++) {
        struct gang_board *b = &g->boards[i];
        b->killed = b->killed || b->pid > 0;
        if (b->pid > 0)
            (void)kill(b->pid, SIGKILL);
    }
}

static bool any_left(const struct gang *g)
{
    for (size_t i = 0; i < g->ports.count; i++)
        if (g->boards[i].pid > 0)
            return true;
    return false;
}

static enum status work(struct gang *g, struct error *e)
{
    struct clock *clock = g->run->context.clock;
    struct pollfd *fds = calloc(2 * g->ports.count, sizeof *fds);
    if (fds == NULL)
        return error_set(e, STATUS_NO_MEMORY, "--gang: no memory");
    start_all(g);
    gang_view_draw(&g->view, g->boards, g->ports.count, 0, true);
    while (any_left(g)) {
        if (!listen_to_all(g, fds))
            clock->sleep_us(clock, 1000); /* they are just ending */
        bury(g);
        forward_signal(g);
        keep_deadline(g);
        gang_view_draw(&g->view, g->boards, g->ports.count, context_now_us(&g->run->context),
                       false);
    }
    free(fds);
    return STATUS_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static enum status conclude(struct gang *g, struct error *e)
{
    struct tally tally = {0};
    gang_view_summary(&g->view, g->boards, g->ports.count);
    for (size_t i = 0; i < g->ports.count; i++)
        tally_add(&tally, g->boards[i].status);
    g->run->cli->told = false;
    return tally_error(&tally, e);
}

static enum status prepare(struct gang *g, struct error *e)
{
    TRY(check(g, e));
    TRY(gang_find_ports(g->run, g->job->programmer.id, &g->ports, e));
    TRY(station_read_files(g->job, e));
    return check_unique(g, e);
}

static void init_board(struct gang_board *b, const char *port, const char *title)
{
    b->port = port;
    b->title = title;
    b->events.fd = b->talk.fd = -1;
}

static enum status run_boards(struct gang *g, struct error *e)
{
    gang_view_init(&g->view, g->run->cli, g->boards, g->ports.count);
    TRY(work(g, e));
    return conclude(g, e);
}

enum status gang_run(struct run *r, struct job *job, struct error *e)
{
    struct gang g = {.run = r, .job = job};
    enum status status = prepare(&g, e);
    struct gang_board *boards = calloc(g.ports.count + 1, sizeof *boards);
    g.boards = boards;
    for (size_t i = 0; boards != NULL && i < g.ports.count; i++)
        init_board(&boards[i], g.ports.ports[i], g.ports.titles[i]);
    if (status == STATUS_OK)
        status = boards != NULL ? run_boards(&g, e)
                                : error_set(e, STATUS_NO_MEMORY, "--gang: no memory");
    for (size_t i = 0; boards != NULL && i < g.ports.count; i++)
        gang_board_free(&boards[i]);
    free(boards);
    gang_ports_free(&g.ports);
    return status;
}
