/* One run of the program: options, messages, the command, the exit code. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "core/nearest.h"
#include "help.h"
#include "link/recording.h"

/* Colour: what the option says, else NO_COLOR, else CLICOLOR_FORCE, else whether it is a terminal
 * (https://no-color.org, https://bixense.com/clicolors). */
static bool wants_color(const struct surroundings *around, enum when when, bool terminal)
{
    const char *no = around->no_color, *force = around->force_color;
    if (when != WHEN_AUTO)
        return when == WHEN_ALWAYS;
    if (no != NULL && no[0] != '\0')
        return false;
    if (force != NULL && force[0] != '\0' && strcmp(force, "0") != 0)
        return true;
    return terminal;
}

/* All that is told goes to standard output then, among the answers, which are JSON too. */
static void listen_in_json(struct cli *cli)
{
    const struct settings *s = &cli->settings;
    const struct json_options options = {
        .stream = cli->logfile != NULL ? cli->logfile : cli->around->results,
        .verbosity = settings_verbosity(s),
        .progress = s->progress != PROGRESS_NONE && s->quell == 0,
    };
    json_sink_init(&cli->json, &options);
    cli->listener = &cli->json.sink;
}

/* Sends the talk where the options want it. */
static enum status set_sink(struct cli *cli, struct error *e)
{
    const struct settings *s = &cli->settings;
    const struct surroundings *around = cli->around;
    const bool terminal = around->talk_is_terminal && s->logfile == NULL;
    struct text_options options = {
        .stream = around->talk,
        .program = around->program,
        .terminal = terminal,
        .color = wants_color(around, s->color, terminal),
        .columns = around->columns,
        .verbosity = settings_verbosity(s),
        .quell = s->quell > 0,
        .progress = s->progress,
        .as_avrdude = cli->as_avrdude,
    };
    if (s->logfile != NULL) {
        cli->logfile = fopen(s->logfile, "we");
        if (cli->logfile == NULL) {
            if (cli->as_avrdude) /* as there */
                cli->sink.options.stream = around->results;
            return error_set(e, STATUS_OUTPUT, "-l %s: %s", s->logfile, strerror(errno));
        }
        options.stream = cli->logfile;
    }
    text_sink_init(&cli->sink, &options);
    if (s->json)
        listen_in_json(cli);
    cli_log(cli, LOG_DETAIL, "ispflash version %s", ISPFLASH_VERSION);
    return STATUS_OK;
}

void cli_log(const struct cli *cli, enum log_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct event event = {.kind = EVENT_LOG, .log = {.level = level, .text = text}};
    cli->listener->emit(cli->listener, &event);
}

void cli_error(const struct cli *cli, const struct error *error)
{
    const struct event event = {.kind = EVENT_ERROR, .error = error};
    cli->listener->emit(cli->listener, &event);
}

static enum status find_command(const char *name, const struct command **out, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(command_table[i].name, name) == 0) {
            *out = &command_table[i];
            return STATUS_OK;
        }
        nearest_offer(&nearest, command_table[i].name);
    }
    (void)error_set(e, STATUS_USAGE, "\"%s\" is no command", name);
    nearest_hint(&nearest, e);
    error_hint(e, "to write a file to flash: -U %s", name);
    error_hint(e, "-h shows what there is");
    return e->code;
}

bool cli_config_path(const struct surroundings *around, const char *name, char *out,
                     size_t capacity)
{
    const bool xdg = around->config_home != NULL && around->config_home[0] == '/';
    const char *base = xdg ? around->config_home : around->home;
    if (base == NULL || base[0] == '\0')
        return false;
    const int length = snprintf(out, capacity, "%s%s/ispflash%s%s", base, xdg ? "" : "/.config",
                                name[0] != '\0' ? "/" : "", name);
    return length > 0 && (size_t)length < capacity;
}

/* `ispflash run JOB ...`: the line that the configuration gives the job, with what stands behind
 * its name as further options and operands. `*command`: the command it runs. */
static enum status expand_job(struct cli *cli, int argc, char *const *argv,
                              const struct command **command, struct error *e)
{
    struct settings given = cli->settings, *s = &cli->settings;
    const char *word = NULL;
    if (given.operands.count == 0)
        return error_set(e, STATUS_USAGE, "run needs the name of a job: ispflash run JOB");
    *s = (struct settings){0};
    enum status status = config_apply_job(&cli->config, given.operands.items[0], s, &word, e);
    const size_t name_at = s->operands.count;
    if (status == STATUS_OK)
        status = options_parse(argc, argv, 2, s, e);
    if (status == STATUS_OK)
        text_list_remove(&s->operands, name_at);
    *command = NULL;
    if (status == STATUS_OK && word != NULL)
        status = find_command(word, command, e);
    if (status == STATUS_OK && word != NULL && (*command)->run == NULL)
        status = error_set(e, STATUS_USAGE, "a job cannot run a job");
    settings_free(&given);
    return status;
}

static enum status show_help(const struct cli *cli, void (*show)(FILE *, const char *),
                             struct error *e)
{
    const struct surroundings *around = cli->around;
    if (cli->settings.json)
        return error_set(e, STATUS_USAGE, "--json: help is for people");
    /* avrdude explains itself on standard error */
    show(cli->as_avrdude ? around->talk : around->results, around->program);
    return STATUS_OK;
}

static enum status show_version(struct cli *cli, struct error *e)
{
    if (!cli->settings.json)
        return help_version(cli->around->results, cli->settings.verbose > 0, e);
    const struct event event = {.kind = EVENT_VALUE,
                                .value = {.name = "version", .text = ISPFLASH_VERSION}};
    listen_in_json(cli);
    cli->listener->emit(cli->listener, &event);
    return STATUS_OK;
}

/* The line as it was typed, for a comment: what a shell would not take as it stands is quoted. */
static void put_line(char *out, size_t capacity, int argc, char *const *argv)
{
    size_t used = (size_t)snprintf(out, capacity, "ispflash %s:", ISPFLASH_VERSION);
    for (int i = 1; i < argc && used < capacity; i++) {
        const bool plain = argv[i][0] != '\0' && strpbrk(argv[i], " \t\n'\"\\$`") == NULL;
        used += (size_t)snprintf(out + used, capacity - used, plain ? " %s" : " '%s'", argv[i]);
    }
    for (char *c = out; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
}

static enum status open_recording(struct cli *cli, int argc, char *const *argv, struct error *e)
{
    const struct settings *s = &cli->settings;
    char line[1024];
    if (s->record != NULL && s->replay != NULL)
        return error_set(e, STATUS_USAGE, "--record and --replay exclude each other");
    if (s->replay != NULL)
        return recording_open(s->replay, &cli->recording, e);
    if (s->record == NULL)
        return STATUS_OK;
    put_line(line, sizeof line, argc, argv);
    return recording_create(s->record, line, &cli->recording, e);
}

void cli_context(const struct cli *cli, struct context *c)
{
    const uint32_t timeout_s = cli->settings.timeout_s;
    struct clock *clock = cli->recording != NULL ? recording_clock(cli->recording) : clock_system();
    context_init(c, clock, cli->listener, cli->around->cancel);
    c->recording = cli->recording;
    if (timeout_s > 0)
        c->deadline_us = c->begin_us + timeout_s * UINT64_C(1000000);
}

static enum status run(struct cli *cli, int argc, char *const *argv, struct error *e)
{
    const struct command *command = NULL;
    const bool named = argc > 1 && argv[1][0] != '-';
    if (argc <= 1)
        return show_help(cli, help_short, e);
    if (named)
        TRY(find_command(argv[1], &command, e));
    TRY(options_parse(argc, argv, named ? 2 : 1, &cli->settings, e));
    switch (cli->settings.action) {
    case ACTION_SHORT_HELP:
        return show_help(cli, help_short, e);
    case ACTION_HELP:
        return show_help(cli, help_all, e);
    case ACTION_VERSION:
        return show_version(cli, e);
    case ACTION_RUN:
        break;
    }
    TRY(config_read(&cli->config, cli->around, cli->settings.no_config, e));
    if (command != NULL && command->run == NULL)
        TRY(expand_job(cli, argc, argv, &command, e));
    TRY(set_sink(cli, e));
    TRY(open_recording(cli, argc, argv, e));
    if (command != NULL && command->options != NULL)
        TRY(options_check(&cli->settings, command->options, command->name, e));
    if (command != NULL && !command->boards)
        TRY(options_check_boards(&cli->settings, command->name, e));
    return command != NULL ? command->run(cli, e) : flash_run(cli, e);
}

/* Nothing may be lost on its way to the file or pipe behind standard output. A reader that went
 * away, as in `ispflash -p ? | head`, is no error of ours. */
static enum status flush_results(FILE *results, struct error *e)
{
    if ((fflush(results) == 0 && !ferror(results)) || errno == EPIPE)
        return STATUS_OK;
    return error_set(e, STATUS_OUTPUT, "standard output: %s", strerror(errno));
}

/* A run that came to its end may have come there another way than the recording. */
static enum status close_recording(struct cli *cli, struct error *e)
{
    const enum status status = recording_close(cli->recording, e);
    cli->recording = NULL;
    if (status != STATUS_OK)
        cli_error(cli, e);
    return status;
}

/* What did not get into the log file can only be said elsewhere. */
static enum status close_logfile(struct cli *cli, struct error *e)
{
    FILE *logfile = cli->logfile;
    if (logfile == NULL)
        return STATUS_OK;
    const bool complete = !ferror(logfile);
    cli->sink.options.stream = cli->around->talk;
    cli->json.options.stream = cli->around->results;
    if (fclose(logfile) == 0 && complete)
        return STATUS_OK;
    (void)error_set(e, STATUS_OUTPUT, "-l %s: %s", cli->settings.logfile, strerror(errno));
    cli_error(cli, e);
    return STATUS_OUTPUT;
}

/* A run that a signal ended says which, as a shell would: 128 + its number. */
static int exit_code(const struct cli *cli, enum status status)
{
    const volatile sig_atomic_t *cancel = cli->around->cancel;
    if (status == STATUS_CANCELLED && cancel != NULL && *cancel != 0)
        return 128 + (int)*cancel;
    return status == STATUS_OK ? cli->exit_code : error_exit_code(status);
}

/* Whether --json stands among the words, also behind one that is wrong. */
static bool wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

int cli_main(const struct surroundings *around, int argc, char *const *argv)
{
    struct cli cli = {.around = around, .as_avrdude = strcmp(around->program, "avrdude") == 0};
    const struct text_options plain = {
        .stream = around->talk,
        .program = around->program,
        .color = wants_color(around, WHEN_AUTO, around->talk_is_terminal)};
    struct error e = {0};
    text_sink_init(&cli.sink, &plain);
    cli.listener = &cli.sink.sink;
    enum status status = run(&cli, argc, argv, &e);
    if (status == STATUS_OK) {
        status = flush_results(around->results, &e);
        cli.told = false;
    }
    if (status != STATUS_OK && !cli.told) {
        if ((cli.settings.json || wants_json(argc, argv)) && cli.listener == &cli.sink.sink)
            listen_in_json(&cli); /* the options were wrong */
        cli_error(&cli, &e);
    }
    const enum status recorded = close_recording(&cli, &e);
    if (status == STATUS_OK)
        status = recorded;
    const enum status closed = close_logfile(&cli, &e);
    if (status == STATUS_OK)
        status = closed;
    settings_free(&cli.settings);
    config_free(&cli.config);
    return exit_code(&cli, status);
}
