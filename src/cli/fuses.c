/* `ispflash fuses`: fuse and lock bits in words, of the connected chip or of given values. Reads,
 * compares, computes, and sets what is named, by session_set_fuses(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "answer.h"
#include "cli.h"
#include "fuse_json.h"
#include "fuse_text.h"
#include "ispflash/format.h"
#include "ispflash/fuses.h"
#include "job.h"
#include "run.h"

enum { ASKED_MAX = 16 };

struct fuses {
    struct run run;
    const struct settings *settings;
    const struct part *part; /* NULL: the chip is to tell */
    bool online;
    struct fuse_set wish;   /* what the operands give */
    struct fuse_set other;  /* what stands behind `vs` */
    struct fuse_set wanted; /* of --check FILE */
    bool no_write;          /* -n, --dry-run */
    bool compares;          /* there is a `vs` */
    struct fuse_field asked[ASKED_MAX];
    size_t asked_count;
};

/* --- operands ------------------------------------------------------------------------------- */

static enum status read_file(const struct fuses *f, const char *path, const struct part *part,
                             struct fuse_set *out, struct error *e)
{
    uint8_t *data = NULL;
    size_t size = 0;
    TRY(file_read(path, &data, &size, e));
    const enum status status = fuse_file_read(strcmp(path, "-") == 0 ? "standard input" : path,
                                              data, size, f->run.parts, part, out, e);
    free(data);
    return status;
}

/* The name of a field goes before that of a file; what looks like a path is one. */
static bool is_file(const struct fuses *f, const char *operand)
{
    struct fuse_field field;
    struct error no_field = {0};
    if (strchr(operand, '=') != NULL ||
        (f->part != NULL && fuse_field_find(f->part, operand, &field, &no_field) == STATUS_OK))
        return false;
    return strcmp(operand, "-") == 0 || access(operand, F_OK) == 0 ||
           (f->part != NULL && strpbrk(operand, "./") != NULL);
}

/* -p, or the part that a file is for. */
static enum status find_part(struct fuses *f, struct error *e)
{
    const struct settings *s = f->settings;
    struct fuse_set set;
    const char *named = s->part != NULL ? s->part : f->run.conf.part;
    if (named != NULL)
        return part_find(f->run.parts, named, &f->part, e);
    if (s->check != NULL && strcmp(s->check, "-") != 0) {
        TRY(read_file(f, s->check, NULL, &set, e));
        f->part = set.part;
    }
    for (size_t i = 0; i < s->operands.count && f->part == NULL; i++) {
        const char *operand = s->operands.items[i];
        if (!is_file(f, operand) || strcmp(operand, "-") == 0)
            continue;
        TRY(read_file(f, operand, NULL, &set, e));
        f->part = set.part;
    }
    if (f->part != NULL || f->online)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "no chip is named, and no programmer to ask one");
    error_hint(e, "-p PART for values as they are, or -c PROGRAMMER for the chip behind it");
    return STATUS_USAGE;
}

/* Another set's bits, given like a wish: contradictions are found. */
static enum status merge(const struct fuse_set *from, const char *name, struct fuse_set *into,
                         struct error *e)
{
    for (size_t i = 0; i < from->count; i++)
        if (fuse_byte_differs(&from->bytes[i], &into->bytes[i]))
            return error_set(e, STATUS_USAGE, "%s contradicts what was given before: %s", name,
                             from->bytes[i].memory->name);
    fuse_set_apply(from, into);
    return STATUS_OK;
}

static enum status ask_field(struct fuses *f, const char *name, struct error *e)
{
    if (f->asked_count == ASKED_MAX)
        return error_set(e, STATUS_USAGE, "more than %d fields at once", ASKED_MAX);
    return fuse_field_find(f->part, name, &f->asked[f->asked_count++], e);
}

/* A byte's name asks for all of its fields. */
static enum status ask_byte(struct fuses *f, const struct memory *m, struct error *e)
{
    for (size_t i = 0; i < m->field_count; i++) {
        char name[FUSE_TEXT_SIZE];
        (void)snprintf(name, sizeof name, "%s.%s", m->name, m->fields[i].name);
        TRY(ask_field(f, name, e));
    }
    return STATUS_OK;
}

/* A bare name, or one with nothing behind its =, asks for the field's values. */
static enum status ask(struct fuses *f, const char *operand, struct error *e)
{
    char name[FUSE_TEXT_SIZE];
    const size_t length = strcspn(operand, "=");
    if (length >= sizeof name)
        return error_set(e, STATUS_USAGE, "\"%.40s...\" is too long", operand);
    memcpy(name, operand, length);
    name[length] = '\0';
    for (size_t i = 0; i < f->wish.count; i++)
        if (strcasecmp(name, f->wish.bytes[i].memory->name) == 0)
            return ask_byte(f, f->wish.bytes[i].memory, e);
    return ask_field(f, name, e);
}

static enum status take_operand(struct fuses *f, const char *operand, struct error *e)
{
    struct fuse_set *into = f->compares ? &f->other : &f->wish;
    struct fuse_set file;
    const char *equals = strchr(operand, '=');
    if (strcasecmp(operand, "vs") == 0) {
        if (f->compares)
            return error_set(e, STATUS_USAGE, "one \"vs\" is enough");
        f->compares = true;
        return STATUS_OK;
    }
    if (strcasecmp(operand, "factory") == 0) {
        fuse_set_init(&file, f->part);
        fuse_set_factory(&file);
        return merge(&file, operand, into, e);
    }
    if (equals != NULL && equals[1] != '\0')
        return fuse_set_assign(into, operand, e);
    if (equals != NULL || !is_file(f, operand))
        return ask(f, operand, e);
    TRY(read_file(f, operand, f->part, &file, e));
    return merge(&file, operand, into, e);
}

static enum status take_operands(struct fuses *f, struct error *e)
{
    const struct settings *s = f->settings;
    fuse_set_init(&f->wish, f->part);
    fuse_set_init(&f->other, f->part);
    for (size_t i = 0; i < s->operands.count; i++)
        TRY(take_operand(f, s->operands.items[i], e));
    if (f->compares && fuse_set_empty(&f->other))
        return error_set(e, STATUS_USAGE, "nothing stands behind \"vs\"");
    if (s->check != NULL)
        TRY(read_file(f, s->check, f->part, &f->wanted, e));
    return STATUS_OK;
}

/* What has no meaning here would be missed if it were passed over. */
static enum status check_settings(const struct settings *s, struct error *e)
{
    if (s->task_count > 0)
        return error_set(e, STATUS_USAGE, "-U, -T and -t do not go with fuses");
    if (s->no_jtag || s->expect_usb)
        return error_set(e, STATUS_USAGE, "--no-jtag and --expect-usb belong to ispflash burn");
    if (s->erase || s->no_erase || s->in_order || s->no_verify)
        return error_set(e, STATUS_USAGE,
                         "-e, -D, -V and --in-order do not go with fuses: it "
                         "changes only what is named, and verifies it");
    return STATUS_OK;
}

/* --- answers -------------------------------------------------------------------------------- */

static FILE *results(const struct fuses *f)
{
    return f->run.cli->around->results;
}

static void show_set(const struct fuses *f, const struct fuse_set *set)
{
    if (f->settings->json) {
        fuse_json_set(results(f), set);
        return;
    }
    (void)fprintf(results(f), "%s\n", set->part->name);
    fuse_text_set(results(f), set);
    fuse_text_options(results(f), set);
}

static void show_difference(const struct fuses *f, const struct fuse_set *a,
                            const struct fuse_set *b)
{
    if (f->settings->json)
        fuse_json_difference(results(f), a, b);
    else if (!fuse_text_difference(results(f), a, b))
        (void)fprintf(results(f), "no difference\n");
}

static void show_choices(const struct fuses *f, const struct fuse_field *field,
                         const struct fuse_byte *present)
{
    if (f->settings->json)
        fuse_json_choices(results(f), field, present);
    else
        fuse_text_choices(results(f), field, present);
}

static enum status write_output(struct fuses *f, const struct fuse_set *set, struct error *e)
{
    struct answer answer = {.name = "file", .format = FORMAT_AUTO};
    char *text = NULL;
    struct output *output = NULL;
    if (f->settings->output == NULL)
        return STATUS_OK;
    enum status status = fuse_file_write(set, &text, &answer.size, e);
    if (status != STATUS_OK)
        return status;
    answer.data = (const uint8_t *)text;
    status = output_open(f->settings->output, &output, e);
    if (status == STATUS_OK)
        status = answer_commit(&answer, output, f->settings->output,
                               f->settings->json ? &f->run.context : NULL, e);
    output_close(output);
    free(text);
    return status;
}

/* --check: what differs is shown, and counts as a verify that did not pass. */
static enum status check(const struct fuses *f, const struct fuse_set *present, struct error *e)
{
    char names[64] = "";
    size_t used = 0;
    for (size_t i = 0; i < present->count; i++) {
        const struct fuse_byte *wanted = &f->wanted.bytes[i], *held = &present->bytes[i];
        if ((wanted->given & ~held->given & held->memory->mask) != 0)
            return error_set(e, STATUS_UNVERIFIED, "%s is not known, so %s could not be checked",
                             held->memory->name, f->settings->check);
        if (fuse_byte_differs(held, wanted) && used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", held->memory->name);
    }
    show_difference(f, present, &f->wanted);
    if (used == 0)
        return STATUS_OK;
    return error_set(e, STATUS_VERIFY, "%s wants another setting of %s", f->settings->check, names);
}

/* What is to be shown of a set; `present` is what the stars stand for. */
static enum status answer(struct fuses *f, const struct fuse_set *set, struct error *e)
{
    struct fuse_set marks = *set;
    TRY(write_output(f, set, e));
    for (size_t i = 0; i < f->asked_count; i++)
        show_choices(f, &f->asked[i], fuse_set_find(&marks, f->asked[i].memory));
    if (f->compares)
        show_difference(f, set, &f->other);
    else if (f->settings->check != NULL)
        return check(f, set, e);
    else if (f->asked_count == 0 &&
             (f->settings->output == NULL || strcmp(f->settings->output, "-") != 0))
        show_set(f, set);
    return STATUS_OK;
}

/* --- without a chip ------------------------------------------------------------------------- */

/* Bits that nobody gave are the factory's, in bytes that are given in part; with nothing given at
 * all, everything is. */
static void fill_up(const struct fuses *f, struct fuse_set *set)
{
    const bool empty = fuse_set_empty(set);
    struct fuse_set factory;
    fuse_set_init(&factory, f->part);
    fuse_set_factory(&factory);
    for (size_t i = 0; i < set->count; i++) {
        struct fuse_byte *b = &set->bytes[i];
        if ((b->given == 0 && !empty) || b->given == 0xff || factory.bytes[i].given == 0)
            continue;
        if (b->given != 0)
            cli_log(f->run.cli, LOG_NOTE,
                    "%s: bits that are not given are as the factory leaves them", b->memory->name);
        b->value = (uint8_t)((b->value & b->given) | (factory.bytes[i].value & ~b->given));
        b->given = 0xff;
    }
}

static enum status offline(struct fuses *f, struct error *e)
{
    fill_up(f, &f->wish);
    if (f->compares)
        fill_up(f, &f->other);
    return answer(f, &f->wish, e);
}

/* --- with a chip ---------------------------------------------------------------------------- */

static bool writes(const struct fuses *f)
{
    return !f->compares && f->settings->check == NULL && !fuse_set_empty(&f->wish);
}

/* Before the chip is touched: what is dangerous whatever it holds. */
static enum status guard(const struct fuses *f, const struct job *job, struct error *e)
{
    struct guard_byte bytes[FUSE_BYTES_MAX];
    struct fuse_set wanted;
    struct guard_request r = {
        .part = f->part, .bytes = bytes, .allow = job->allow, .allow_count = job->allow_count};
    fuse_set_init(&wanted, f->part);
    fuse_set_factory(&wanted);
    fuse_set_apply(&f->wish, &wanted);
    for (size_t i = 0; i < wanted.count; i++)
        if (f->wish.bytes[i].given != 0)
            bytes[r.count++] = (struct guard_byte){.memory = wanted.bytes[i].memory,
                                                   .wanted = wanted.bytes[i].value};
    return session_guard(&r, e);
}

static enum status talk(struct fuses *f, const struct job *job, struct session *s, struct error *e)
{
    struct fuse_set present, wanted;
    const unsigned flags = (job->flags & JOB_FORCE_SIGNATURE) != 0 ? SESSION_FORCE_SIGNATURE : 0;
    const bool known = f->part != NULL;
    TRY(session_connect(s, known ? f->part->id : NULL, flags, e));
    f->part = session_part(s);
    if (!known)
        TRY(take_operands(f, e));
    TRY(session_read_bytes(s, writes(f) ? 3 : 2, e));
    session_fuses(s, &present);
    if (!writes(f)) {
        TRY(session_disconnect(s, e));
        return answer(f, &present, e);
    }
    wanted = present;
    fuse_set_apply(&f->wish, &wanted);
    show_difference(f, &present, &wanted);
    if (!f->no_write)
        TRY(session_set_fuses(s, &f->wish, job->allow, job->allow_count, e));
    session_fuses(s, &present);
    TRY(session_disconnect(s, e));
    return write_output(f, f->no_write ? &wanted : &present, e);
}

static void tell_end(struct fuses *f, const struct session *s, uint64_t begin_us,
                     enum status status, const struct error *e)
{
    struct context *c = &f->run.context;
    struct report report = *session_report(s);
    report.elapsed_us = context_now_us(c) - begin_us;
    struct event event = {.kind = EVENT_REPORT, .report = &report};
    if (status != STATUS_OK)
        event = (struct event){.kind = EVENT_ERROR, .error = e};
    f->run.cli->told = true;
    if (status != STATUS_OK || writes(f))
        context_emit(c, &event);
}

static enum status online(struct fuses *f, struct error *e)
{
    struct context *c = &f->run.context;
    struct cli_job j;
    struct session *s = NULL;
    const uint64_t begin_us = context_now_us(c);
    enum status status = cli_job_init(&j, f->settings, &f->run.conf, e);
    if (status == STATUS_OK)
        status = run_default_port(&f->run, &j.job.programmer, e);
    if (status == STATUS_OK && f->part != NULL)
        status = guard(f, &j.job, e);
    if (status == STATUS_OK)
        status = session_open(&j.job.programmer, f->run.parts, c, &s, e);
    if (status == STATUS_OK)
        status = talk(f, &j.job, s, e);
    if (status != STATUS_OK && s != NULL)
        session_tell_state(s, e);
    else if (status != STATUS_OK)
        error_state(e, "the chip was not touched");
    if (s != NULL)
        tell_end(f, s, begin_us, status, e);
    session_close(s);
    cli_job_free(&j);
    return status;
}

static enum status run_fuses(struct fuses *f, struct error *e)
{
    TRY(run_read_configuration(&f->run, e));
    /* A default programmer is asked, but values alone never make a line that writes. */
    f->online = f->settings->programmer != NULL ||
                (f->run.conf.programmer != NULL && f->settings->operands.count == 0);
    TRY(find_part(f, e));
    if (f->part != NULL)
        TRY(take_operands(f, e));
    return f->online ? online(f, e) : offline(f, e);
}

enum status command_fuses(struct cli *cli, struct error *e)
{
    struct fuses f = {.settings = &cli->settings,
                      .no_write = cli->settings.no_write || cli->settings.dry_run};
    TRY(check_settings(&cli->settings, e));
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&f.run, cli, e);
    if (status == STATUS_OK)
        status = run_fuses(&f, e);
    run_close(&f.run);
    return status;
}
