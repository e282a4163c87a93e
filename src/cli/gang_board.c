/* One board of a gang.
 *
 * Each is worked on by a process of its own, not a thread: one that crashes, hangs or is killed
 * takes nothing of the others with it, libusb and the drivers need not know that there are several,
 * and the reservation of a serial number ends with its owner. fork() alone is enough, since the
 * parent has opened no programmer and has no threads. The child speaks as any run does: the events
 * of ispflash-json(5) into one pipe, and, unless --json is given, the lines for people into
 * another. */
#include "gang_board.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "station.h"

/* --- the process ---------------------------------------------------------------------------- */

/* Both listeners hear every event. */
struct tee {
    struct sink sink; /* first */
    struct json_sink json;
    struct text_sink text;
    bool speaks; /* to people */
};

static void tee_emit(struct sink *self, const struct event *event)
{
    struct tee *t = (struct tee *)self;
    t->json.sink.emit(&t->json.sink, event);
    if (t->speaks)
        t->text.sink.emit(&t->text.sink, event);
}

static void tee_init(struct tee *t, const struct cli *cli, const struct gang_voice *voice,
                     FILE *events, FILE *talk)
{
    const struct json_options json = {.stream = events,
                                      .verbosity = voice->json ? voice->verbosity : 0,
                                      .progress = voice->progress || !voice->json};
    struct text_options text = cli->sink.options;
    text.stream = talk;
    text.terminal = false;
    text.color = voice->color;
    text.verbosity = voice->verbosity;
    text.progress = voice->progress ? PROGRESS_PLAIN : PROGRESS_NONE;
    *t = (struct tee){.sink = {.emit = tee_emit}, .speaks = !voice->json};
    json_sink_init(&t->json, &json);
    text_sink_init(&t->text, &text);
}

/* Signals come from the parent alone, once; they also come if it is gone. */
static void leave_family(pid_t parent)
{
    (void)setpgid(0, 0);
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        (void)raise(SIGTERM);
#else
    (void)parent;
#endif
}

/* The whole life of the process; returns its exit code. */
static int live(struct run *r, struct job *job, const struct gang_voice *voice, const char *port,
                FILE *events, FILE *talk)
{
    struct cli *cli = r->cli;
    struct surroundings around = *cli->around;
    struct tee tee;
    struct error e = {0};
    around.results = voice->json ? events : talk;
    around.talk = talk;
    around.can_ask = false;
    around.talk_is_terminal = false;
    tee_init(&tee, cli, voice, events, talk);
    cli->around = &around;
    cli->listener = r->context.sink = &tee.sink;
    job->programmer.port = port;
    enum status status = run_default_port(r, &job->programmer, &e); /* its rate */
    if (status == STATUS_OK)
        status = station_run(r, job, port, &e);
    if (status != STATUS_OK && !cli->told)
        cli_error(cli, &e);
    return error_exit_code(status);
}

/* --- starting ------------------------------------------------------------------------------- */

static enum status start_failed(const struct gang_board *b, const char *what, struct error *e)
{
    return error_set(e, STATUS_INTERNAL, "--gang %s: %s: %s", b->port, what, strerror(errno));
}

static void close_all(const int fds[4])
{
    for (int i = 0; i < 4; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* fds: events to read and write, talk to read and write. */
static enum status open_pipes(const struct gang_board *b, int fds[4], struct error *e)
{
    for (int i = 0; i < 4; i++)
        fds[i] = -1;
    if (pipe(&fds[0]) == 0 && pipe(&fds[2]) == 0) {
        for (int i = 0; i < 4; i++)
            (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        return STATUS_OK;
    }
    (void)start_failed(b, "no pipe", e);
    close_all(fds);
    return e->code;
}

static void become_child(struct run *r, struct job *job, const struct gang_voice *voice,
                         const char *port, const int fds[4])
{
    int code = error_exit_code(STATUS_NO_MEMORY);
    FILE *events = fdopen(fds[1], "w"), *talk = fdopen(fds[3], "w");
    (void)close(fds[0]);
    (void)close(fds[2]);
    if (events != NULL && talk != NULL) {
        (void)setvbuf(talk, NULL, _IOLBF, 0);
        code = live(r, job, voice, port, events, talk);
        (void)fflush(events);
        (void)fflush(talk);
    }
    _exit(code); /* what the parent has still to write is not ours */
}

enum status gang_board_start(struct gang_board *b, struct run *r, struct job *job,
                             const struct gang_voice *voice, const struct gang_board *others,
                             size_t count, struct error *e)
{
    int fds[4];
    const pid_t parent = getpid();
    TRY(open_pipes(b, fds, e));
    (void)fflush(NULL);
    b->begin_us = context_now_us(&r->context);
    b->pid = fork();
    if (b->pid == 0) {
        leave_family(parent);
        for (size_t i = 0; i < count; i++) {
            (void)close(others[i].events.fd);
            (void)close(others[i].talk.fd);
        }
        become_child(r, job, voice, b->port, fds);
    }
    (void)close(fds[1]);
    (void)close(fds[3]);
    if (b->pid < 0) {
        b->pid = 0;
        (void)start_failed(b, "no process", e);
        (void)close(fds[0]);
        (void)close(fds[2]);
        return e->code;
    }
    (void)setpgid(b->pid, b->pid); /* whichever of the two comes first */
    b->events = (struct gang_pipe){.fd = fds[0]};
    b->talk = (struct gang_pipe){.fd = fds[2]};
    return STATUS_OK;
}

/* --- hearing -------------------------------------------------------------------------------- */

static void take_lines(struct gang_pipe *p, void (*each)(void *user, char *line), void *user)
{
    size_t begin = 0;
    for (char *end; (end = memchr(p->text + begin, '\n', p->used - begin)) != NULL;
         begin = (size_t)(end - p->text) + 1) {
        *end = '\0';
        each(user, p->text + begin);
    }
    memmove(p->text, p->text + begin, p->used - begin);
    p->used -= begin;
}

bool gang_pipe_read(struct gang_pipe *p, void (*each)(void *user, char *line), void *user)
{
    enum { CHUNK = 65536 };
    if (p->capacity - p->used < CHUNK) {
        char *larger = realloc(p->text, p->used + 2 * (size_t)CHUNK);
        if (larger == NULL)
            return true; /* another time */
        p->text = larger;
        p->capacity = p->used + 2 * (size_t)CHUNK;
    }
    const ssize_t got = read(p->fd, p->text + p->used, CHUNK);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    p->used += (size_t)got;
    take_lines(p, each, user);
    if (got > 0)
        return true;
    (void)close(p->fd);
    p->fd = -1;
    return false;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text != NULL ? text : "";
}

static uint32_t number_of(const json_t *event, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(event, key));
}

static enum status status_of(const char *name)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (strcmp(error_status_name((enum status)i), name) == 0)
            return (enum status)i;
    return STATUS_INTERNAL;
}

static void hear_step(struct gang_board *b, const json_t *event)
{
    const char *memory = text_of(event, "memory");
    (void)snprintf(b->doing, sizeof b->doing, "%s%s%s", text_of(event, "step"),
                   memory[0] != '\0' ? " " : "", memory);
    b->done = number_of(event, "done");
    b->total = number_of(event, "total");
}

static void hear_value(struct gang_board *b, const json_t *event)
{
    const char *name = text_of(event, "name");
    const json_t *bytes = json_object_get(event, "bytes");
    if (strcmp(name, "signature") == 0 && json_array_size(bytes) == sizeof b->signature) {
        b->signature_known = true;
        for (size_t i = 0; i < sizeof b->signature; i++)
            b->signature[i] = (uint8_t)json_integer_value(json_array_get(bytes, i));
    }
    if (strcmp(name, "part") == 0)
        (void)snprintf(b->part, sizeof b->part, "%s", text_of(event, "text"));
    if (strcmp(name, "board") == 0) /* the next one, with --repeat */
        b->unique[0] = '\0';
    const size_t used = strlen(b->unique);
    if (strcmp(name, "unique") == 0)
        (void)snprintf(b->unique + used, sizeof b->unique - used, "%s%s", used > 0 ? " " : "",
                       text_of(event, "text"));
}

static void hear_end(struct gang_board *b, const char *class, const char *text)
{
    b->told = true;
    b->status = status_of(class);
    b->good += b->status == STATUS_OK ? 1 : 0;
    (void)snprintf(b->text, sizeof b->text, "%s", text);
    b->doing[0] = '\0';
}

void gang_board_hear(struct gang_board *b, const json_t *event)
{
    const char *kind = text_of(event, "event");
    if (strcmp(kind, "begin") == 0 || strcmp(kind, "progress") == 0)
        hear_step(b, event);
    else if (strcmp(kind, "value") == 0)
        hear_value(b, event);
    else if (strcmp(kind, "report") == 0)
        hear_end(b, error_status_name(STATUS_OK), "");
    else if (strcmp(kind, "error") == 0)
        hear_end(b, text_of(event, "class"), text_of(event, "text"));
}

/* --- the end -------------------------------------------------------------------------------- */

/* Where the process could not say what went wrong with itself. */
static void explain(struct gang_board *b, int wait_status)
{
    b->status = b->killed ? STATUS_TIMEOUT : STATUS_INTERNAL;
    if (b->killed)
        (void)snprintf(b->text, sizeof b->text, "its process did not end in time and was killed");
    else if (WIFSIGNALED(wait_status))
        (void)snprintf(b->text, sizeof b->text, "its process was ended by signal %d (%s)",
                       WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
    else
        (void)snprintf(b->text, sizeof b->text, "its process ended with %d and said nothing",
                       WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1);
}

bool gang_board_end(struct gang_board *b, int wait_status, uint64_t now_us)
{
    b->pid = 0;
    b->end_us = now_us;
    b->doing[0] = '\0';
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        b->status = STATUS_OK;
    else if (!WIFEXITED(wait_status) || !b->told || b->status == STATUS_OK)
        explain(b, wait_status);
    else
        return true;
    return b->status == STATUS_OK;
}

void gang_board_free(struct gang_board *b)
{
    struct gang_pipe *pipes[] = {&b->events, &b->talk};
    for (size_t i = 0; i < 2; i++) {
        if (pipes[i]->fd >= 0)
            (void)close(pipes[i]->fd);
        free(pipes[i]->text);
    }
}
