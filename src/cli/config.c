/* Defaults and named jobs of the user's. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "core/ini.h"
#include "core/nearest.h"
#include "quantity.h"

enum { FILE_SIZE_MAX = 1 << 20 };

/* One "key = value" of a job. */
struct job_line {
    const struct option_spec *spec;
    char *value;
};

struct config_job {
    char *name;
    const char *origin;
    char *command; /* its words, separated by zeros and ended by an empty one; NULL: none */
    struct job_line *lines;
    size_t line_count;
};

static const struct {
    const char *name, *variable;
} default_names[DEFAULT_COUNT] = {
    [DEFAULT_PROGRAMMER] = {"programmer", "ISPFLASH_PROGRAMMER"},
    [DEFAULT_PORT] = {"port", "ISPFLASH_PORT"},
    [DEFAULT_PART] = {"part", "ISPFLASH_PART"},
    [DEFAULT_BITCLOCK] = {"bitclock", "ISPFLASH_BITCLOCK"},
    [DEFAULT_BAUD] = {"baud", "ISPFLASH_BAUD"},
};

const char *config_default_name(enum config_default which)
{
    return default_names[which].name;
}

const char *config_default_variable(enum config_default which)
{
    return default_names[which].variable;
}

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the configuration");
}

/* --- defaults ------------------------------------------------------------------------------- */

/* What cannot be a value of it: found where it stands, not where it is used. */
static enum status check_default(enum config_default which, const char *value, struct error *e)
{
    uint32_t number;
    if (value[0] == '\0')
        return error_set(e, STATUS_USAGE, "the value is empty");
    if (which == DEFAULT_BITCLOCK)
        return quantity_sck(value, &number, e);
    return which == DEFAULT_BAUD ? quantity_count(value, UINT32_MAX, &number, e) : STATUS_OK;
}

static enum status set_default(struct config *c, enum config_default which, const char *value,
                               const char *origin, struct error *e)
{
    TRY(check_default(which, value, e));
    char *copy = strdup(value);
    if (copy == NULL)
        return no_memory(e);
    free(c->defaults[which].text);
    c->defaults[which] = (struct config_value){copy, origin};
    return STATUS_OK;
}

static enum status take_default(struct config *c, const char *key, const char *value,
                                const char *origin, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, key);
    for (size_t i = 0; i < DEFAULT_COUNT; i++) {
        if (strcmp(default_names[i].name, key) == 0)
            return set_default(c, (enum config_default)i, value, origin, e);
        nearest_offer(&nearest, default_names[i].name);
    }
    (void)error_set(e, STATUS_USAGE, "there is no default \"%s\"", key);
    nearest_hint(&nearest, e);
    return e->code;
}

enum status config_apply(const struct config *c, struct conf *conf, struct error *e)
{
    const struct config_value *d = c->defaults;
    TRY(conf_set(&conf->programmer, d[DEFAULT_PROGRAMMER].text, e));
    TRY(conf_set(&conf->port, d[DEFAULT_PORT].text, e));
    TRY(conf_set(&conf->part, d[DEFAULT_PART].text, e));
    if (d[DEFAULT_BITCLOCK].text != NULL)
        TRY(quantity_sck(d[DEFAULT_BITCLOCK].text, &conf->sck_hz, e));
    if (d[DEFAULT_BAUD].text != NULL)
        TRY(quantity_count(d[DEFAULT_BAUD].text, UINT32_MAX, &conf->baud, e));
    return STATUS_OK;
}

/* --- jobs ----------------------------------------------------------------------------------- */

static void job_free(struct config_job *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; i < job->line_count; i++)
        free(job->lines[i].value);
    free(job->lines);
    free(job->command);
    free(job->name);
    free(job);
}

static struct config_job *find_job(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->job_count; i++)
        if (strcmp(c->jobs[i]->name, name) == 0)
            return c->jobs[i];
    return NULL;
}

/* A job of the same name in a weaker file is replaced as a whole. */
static enum status begin_job(struct config *c, const char *name, const char *origin,
                             struct config_job **out, struct error *e)
{
    const struct config_job *present = find_job(c, name);
    if (present != NULL && strcmp(present->origin, origin) == 0)
        return error_set(e, STATUS_USAGE, "the job %s was there already", name);
    struct config_job *job = calloc(1, sizeof *job);
    char *copy = strdup(name);
    struct config_job **jobs = realloc(c->jobs, (c->job_count + 1) * sizeof(struct config_job *));
    if (jobs != NULL)
        c->jobs = jobs;
    if (job == NULL || copy == NULL || jobs == NULL) {
        free(job);
        free(copy);
        return no_memory(e);
    }
    job->name = copy;
    job->origin = origin;
    size_t index = 0;
    while (index < c->job_count && c->jobs[index] != present)
        index++;
    if (index < c->job_count)
        job_free(c->jobs[index]);
    else
        c->job_count++;
    c->jobs[index] = job;
    *out = job;
    return STATUS_OK;
}

/* The words of a command line: blanks part them, double quotes hold them together. */
static enum status split_words(const char *value, char **out, struct error *e)
{
    char *words = malloc(strlen(value) + 2), *to = words;
    if (words == NULL)
        return no_memory(e);
    bool quoted = false;
    for (const char *from = value; *from != '\0'; from++) {
        if (*from == '"')
            quoted = !quoted;
        else if (*from != ' ' || quoted)
            *to++ = *from;
        else if (to > words && to[-1] != '\0')
            *to++ = '\0';
    }
    *to++ = '\0';
    *to = '\0';
    if (quoted) {
        free(words);
        return error_set(e, STATUS_USAGE, "a quoted word does not end");
    }
    *out = words;
    return STATUS_OK;
}

static enum status set_command(struct config_job *job, const char *value, struct error *e)
{
    if (job->command != NULL)
        return error_set(e, STATUS_USAGE, "a job runs one command");
    return split_words(value, &job->command, e);
}

/* An option without a value is "yes" or "no" here. */
static enum status add_line(struct config_job *job, const struct option_spec *spec,
                            const char *value, struct error *e)
{
    if (spec->argument == NULL) {
        if (strcmp(value, "no") == 0)
            return STATUS_OK;
        if (strcmp(value, "yes") != 0)
            return error_set(e, STATUS_USAGE, "%s is yes or no, not \"%s\"", spec->name, value);
    }
    struct job_line *lines = realloc(job->lines, (job->line_count + 1) * sizeof *lines);
    if (lines == NULL)
        return no_memory(e);
    job->lines = lines;
    lines[job->line_count].spec = spec;
    lines[job->line_count].value = strdup(value);
    return lines[job->line_count++].value != NULL ? STATUS_OK : no_memory(e);
}

/* Help and the like are for the command line alone. */
static bool fits_a_job(const struct option_spec *spec)
{
    return spec->name != NULL && spec->group != GROUP_OTHER && spec->group != GROUP_HIDDEN;
}

static enum status take_job_line(struct config_job *job, const char *key, const char *value,
                                 struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, key);
    nearest_offer(&nearest, "command");
    if (strcmp(key, "command") == 0)
        return set_command(job, value, e);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        if (!fits_a_job(spec))
            continue;
        if (strcmp(spec->name, key) == 0)
            return add_line(job, spec, value, e);
        nearest_offer(&nearest, spec->name);
    }
    (void)error_set(e, STATUS_USAGE, "a job has no \"%s\"", key);
    nearest_hint(&nearest, e);
    error_hint(e, "the keys of a job are command, and the long names of options");
    return e->code;
}

static enum status no_such_job(const struct config *c, const char *name, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    (void)error_set(e, STATUS_USAGE, "no configuration file has a job \"%s\"", name);
    for (size_t i = 0; i < c->job_count; i++)
        nearest_offer(&nearest, c->jobs[i]->name);
    nearest_hint(&nearest, e);
    error_hint(e, "ispflash config show lists the jobs and the files");
    return e->code;
}

enum status config_apply_job(const struct config *c, const char *name, struct settings *s,
                             const char **command, struct error *e)
{
    const struct config_job *job = find_job(c, name);
    if (job == NULL)
        return no_such_job(c, name, e);
    for (size_t i = 0; i < job->line_count; i++) {
        const struct option_spec *spec = job->lines[i].spec;
        s->given[spec - option_table] = true;
        if (spec->apply(spec, job->lines[i].value, (char *)s + spec->offset, e) != STATUS_OK)
            return error_in(e, "%s: job %s: %s", job->origin, job->name, spec->name);
    }
    *command = job->command;
    if (job->command == NULL)
        return STATUS_OK;
    for (const char *word = job->command + strlen(job->command) + 1; *word != '\0';
         word += strlen(word) + 1)
        TRY(text_list_add(&s->operands, word, strlen(word), e));
    return STATUS_OK;
}

const char *config_job_name(const struct config *c, size_t index, const char **origin)
{
    if (index >= c->job_count)
        return NULL;
    *origin = c->jobs[index]->origin;
    return c->jobs[index]->name;
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    struct config *config;
    const char *origin;
    struct config_job *job; /* NULL: in [defaults] */
};

static enum status read_section(void *user, const char *name, struct error *e)
{
    struct reader *r = user;
    r->job = NULL;
    if (strcmp(name, "defaults") == 0)
        return STATUS_OK;
    if (strncmp(name, "job ", 4) == 0 && name[4] != '\0' && strchr(name + 4, ' ') == NULL)
        return begin_job(r->config, name + 4, r->origin, &r->job, e);
    return error_set(e, STATUS_INPUT, "[%s] is neither [defaults] nor [job NAME]", name);
}

static enum status read_key(void *user, const char *key, const char *value, struct error *e)
{
    const struct reader *r = user;
    return r->job != NULL ? take_job_line(r->job, key, value, e)
                          : take_default(r->config, key, value, r->origin, e);
}

enum status config_parse(struct config *c, const char *origin, const char *text, struct error *e)
{
    static const struct ini_handler handler = {read_section, read_key};
    struct reader r = {.config = c, .origin = origin};
    const enum status status = ini_read(origin, text, STATUS_INPUT, &handler, &r, e);
    if (status != STATUS_USAGE)
        return status;
    e->code = STATUS_INPUT; /* what is wrong in a file is wrong with the file */
    return STATUS_INPUT;
}

static enum status read_text(FILE *file, const char *path, char **out, struct error *e)
{
    *out = calloc(1, FILE_SIZE_MAX + 1);
    if (*out == NULL)
        return no_memory(e);
    const size_t size = fread(*out, 1, FILE_SIZE_MAX, file);
    if (ferror(file))
        return error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    if (size == FILE_SIZE_MAX || strlen(*out) != size)
        return error_set(e, STATUS_INPUT, "%s: too long, or no text", path);
    return STATUS_OK;
}

static enum status read_file(struct config *c, const char *path, struct error *e)
{
    struct config_file *entry = &c->files[c->file_count];
    entry->path = strdup(path);
    if (entry->path == NULL)
        return no_memory(e);
    c->file_count++;
    FILE *file = fopen(path, "re");
    if (file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return STATUS_OK;
    if (file == NULL)
        return error_set(e, STATUS_INPUT, "%s: %s", path, strerror(errno));
    char *text = NULL;
    entry->found = true;
    enum status status = read_text(file, path, &text, e);
    (void)fclose(file); /* read only: nothing can be lost */
    if (status == STATUS_OK)
        status = config_parse(c, entry->path, text, e);
    free(text);
    return status;
}

static enum status read_files(struct config *c, const struct surroundings *around, struct error *e)
{
    char path[PATH_MAX];
    TRY(read_file(c, ISPFLASH_SYSTEM_CONFIG, e));
    if (cli_config_path(around, "config", path, sizeof path))
        TRY(read_file(c, path, e));
    return read_file(c, "ispflash.conf", e);
}

enum status config_read(struct config *c, const struct surroundings *around, bool no_files,
                        struct error *e)
{
    if (!no_files && read_files(c, around, e) != STATUS_OK) {
        error_hint(e, "-N leaves the configuration files alone");
        return e->code;
    }
    for (size_t i = 0; i < DEFAULT_COUNT && around->variable != NULL; i++) {
        const char *name = default_names[i].variable, *value = around->variable(name);
        if (value != NULL && value[0] != '\0' &&
            set_default(c, (enum config_default)i, value, name, e) != STATUS_OK)
            return error_in(e, "%s", name);
    }
    return STATUS_OK;
}

void config_free(struct config *c)
{
    for (size_t i = 0; i < DEFAULT_COUNT; i++)
        free(c->defaults[i].text);
    for (size_t i = 0; i < c->file_count; i++)
        free(c->files[i].path);
    for (size_t i = 0; i < c->job_count; i++)
        job_free(c->jobs[i]);
    free(c->jobs);
    *c = (struct config){0};
}
