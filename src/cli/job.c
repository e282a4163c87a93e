/* From settings to a job for the session. */
#include "job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/nearest.h"
#include "ispflash/part.h"

/* --- what is permitted ---------------------------------------------------------------------- */

/* The names of --allow that are not hazards of a fuse. */
static const struct allowance {
    const char *name;
    unsigned format; /* enum format_allowance */
    unsigned job;    /* enum job_flag */
} allowances[] = {
    {"no-end-record", FORMAT_ALLOW_NO_END, 0},
    {"data-after-end", FORMAT_ALLOW_DATA_AFTER_END, 0},
    {"overlap", FORMAT_ALLOW_OVERLAP, 0},
    {"signature-mismatch", FORMAT_ALLOW_OTHER_CHIP, JOB_FORCE_SIGNATURE},
    {"write-protected", 0, 0}, /* the session's to ask for */
    {"other-chip", 0, 0},      /* burn's own to ask for */
    {"boot-start", 0, 0},
};

enum { ALLOWANCES = sizeof allowances / sizeof allowances[0] };

static const enum hazard_kind hazards[] = {HAZARD_RESET_DISABLE, HAZARD_DEBUGWIRE,
                                           HAZARD_EXTERNAL_CLOCK, HAZARD_LOCK};

enum { HAZARDS = sizeof hazards / sizeof hazards[0] };

const char *job_allowance_name(size_t index)
{
    if (index < ALLOWANCES)
        return allowances[index].name;
    return index < ALLOWANCES + HAZARDS ? part_hazard_name(hazards[index - ALLOWANCES]) : NULL;
}

/* Adds what `name` permits to *format and *job; a hazard's name is the session's to judge. */
static enum status take_allowance(const char *name, unsigned *format, unsigned *job,
                                  struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < ALLOWANCES; i++) {
        if (strcmp(allowances[i].name, name) == 0) {
            *format |= allowances[i].format;
            *job |= allowances[i].job;
            return STATUS_OK;
        }
        nearest_offer(&nearest, allowances[i].name);
    }
    for (size_t i = 0; i < HAZARDS; i++) {
        if (strcmp(part_hazard_name(hazards[i]), name) == 0)
            return STATUS_OK;
        nearest_offer(&nearest, part_hazard_name(hazards[i]));
    }
    (void)error_set(e, STATUS_USAGE, "--allow %s: nothing of that name is ever refused", name);
    nearest_hint(&nearest, e);
    return e->code;
}

/* --- how to leave --------------------------------------------------------------------------- */

static enum status check_exit_options(const struct text_list *list, unsigned *flags,
                                      struct error *e)
{
    const char *const *known = exit_option_words;
    for (size_t i = 0; i < list->count; i++) {
        struct nearest nearest;
        nearest_begin(&nearest, list->items[i]);
        size_t k = 0;
        while (known[k] != NULL && strcmp(known[k], list->items[i]) != 0)
            nearest_offer(&nearest, known[k++]);
        if (known[k] == NULL) {
            (void)error_set(e, STATUS_USAGE, "-E %s: no way to leave", list->items[i]);
            nearest_hint(&nearest, e);
            error_hint(e, "there are reset, noreset, vcc, novcc, d_high and d_low");
            return e->code;
        }
        if (strcmp(list->items[i], "reset") == 0)
            *flags |= JOB_LEAVE_IN_RESET;
        if (strcmp(list->items[i], "noreset") == 0)
            *flags &= ~(unsigned)JOB_LEAVE_IN_RESET;
    }
    return STATUS_OK;
}

/* --- operations ----------------------------------------------------------------------------- */

/* True if these commands may make the file: one of them names it, or a person may, and it is not
 * there. */
static bool may_make(const struct terminal *t, const char *file)
{
    bool person = false;
    for (size_t i = 0; i < t->task_count; i++) {
        person = person || t->tasks[i].kind == TASK_TERMINAL;
        if (t->tasks[i].kind == TASK_COMMAND && strstr(t->tasks[i].text, file) != NULL)
            return true;
    }
    return person && access(file, F_OK) != 0;
}

/* True if a read or a command that stands before operation `index` makes its file. */
static bool is_made_earlier(const struct cli_job *j, size_t index)
{
    const struct update *u = &j->updates[index];
    if (u->format == FORMAT_IMMEDIATE || strcmp(u->file, "-") == 0)
        return false;
    for (size_t i = 0; i < index; i++)
        if (j->operations[i].kind == OPERATION_READ && strcmp(j->updates[i].file, u->file) == 0)
            return true;
    for (size_t i = 0; i < j->terminal_count; i++)
        if (may_make(&j->terminals[i], u->file))
            return true;
    return false;
}

/* The last read before operation `index` that makes its file, if no terminal may do so. */
static const struct operation *made_by(const struct cli_job *j, size_t index)
{
    const char *file = j->updates[index].file;
    for (size_t i = 0; i < j->terminal_count; i++)
        if (may_make(&j->terminals[i], file))
            return NULL;
    for (size_t i = index; i-- > 0;)
        if (j->operations[i].kind == OPERATION_READ && strcmp(j->updates[i].file, file) == 0)
            return &j->operations[i];
    return NULL;
}

static enum status check_standard_input(const struct cli_job *j, struct error *e)
{
    size_t uses = 0;
    for (size_t i = 0; i < j->count; i++) {
        const struct update *u = &j->updates[i];
        if (u->file != NULL && u->kind != OPERATION_READ && u->format != FORMAT_IMMEDIATE &&
            strcmp(u->file, "-") == 0)
            uses++;
    }
    for (size_t i = 0; i < j->terminal_count; i++)
        for (size_t k = 0; k < j->terminals[i].task_count; k++)
            uses += j->terminals[i].tasks[k].kind == TASK_TERMINAL ? 1 : 0;
    if (uses > 1)
        return error_set(e, STATUS_USAGE,
                         "standard input can be read once, but %zu operations want it", uses);
    return STATUS_OK;
}

/* What messages call the bytes: the file's name, or the argument that holds the data. */
static const char *source_name(const struct update *u, const char *argument)
{
    if (u->format == FORMAT_IMMEDIATE)
        return argument;
    return strcmp(u->file, "-") == 0 ? "standard input" : u->file;
}

/* What j->updates[index] says, which was parsed from `argument`. */
static void add_operation(struct cli_job *j, const struct settings *s, size_t index,
                          const char *argument, unsigned allow)
{
    const struct update *u = &j->updates[index];
    struct operation *o = &j->operations[index];
    *o = (struct operation){.kind = u->kind, .memory = u->memory};
    if (u->kind == OPERATION_READ) {
        if (u->several)
            file_destination_init_list(&j->destinations[index], u->file, u->format);
        else
            file_destination_init(&j->destinations[index], u->file, u->format);
        j->destinations[index].json = s->json;
        o->destination = &j->destinations[index].destination;
        return;
    }
    if (u->several)
        file_source_init_list(&j->sources[index], source_name(u, argument), u->file, u->format,
                              allow, u->memory);
    else
        file_source_init(&j->sources[index], source_name(u, argument), u->file, u->format, allow);
    j->sources[index].source.later = is_made_earlier(j, index);
    j->sources[index].source.made_by = made_by(j, index);
    o->source = &j->sources[index].source;
}

/* All -T and -t in a row are one operation, from task `first` on; returns how many they are. */
static size_t add_commands(struct cli_job *j, const struct settings *s, size_t first,
                           unsigned allow)
{
    size_t count = 0;
    while (first + count < s->task_count && s->tasks[first + count].kind != TASK_UPDATE)
        count++;
    struct terminal *t = &j->terminals[j->terminal_count++];
    terminal_init(t, &j->job, &s->tasks[first], count, allow);
    j->operations[j->count++] =
        (struct operation){.kind = OPERATION_COMMANDS, .commands = &t->commands};
    return count;
}

static enum status add_operations(struct cli_job *j, const struct settings *s, unsigned allow,
                                  struct error *e)
{
    j->updates = calloc(s->task_count, sizeof *j->updates);
    j->operations = calloc(s->task_count, sizeof *j->operations);
    j->sources = calloc(s->task_count, sizeof *j->sources);
    j->destinations = calloc(s->task_count, sizeof *j->destinations);
    j->terminals = calloc(s->task_count, sizeof *j->terminals);
    if (j->updates == NULL || j->operations == NULL || j->sources == NULL ||
        j->destinations == NULL || j->terminals == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the operations");
    for (size_t i = 0; i < s->task_count;) {
        if (s->tasks[i].kind != TASK_UPDATE) {
            i += add_commands(j, s, i, allow);
            continue;
        }
        TRY(update_parse(s->tasks[i].text, &j->updates[j->count], e));
        j->count++;
        add_operation(j, s, j->count - 1, s->tasks[i++].text, allow);
    }
    return check_standard_input(j, e);
}

/* --- what survives an erase ----------------------------------------------------------------- */

/* "0x7000-0x7fff": both ends belong to it. */
static enum status parse_range(const char *text, struct address_range *out, struct error *e)
{
    char *end = NULL;
    const unsigned long first = strtoul(text, &end, 0);
    const bool begins = text[0] >= '0' && text[0] <= '9' && *end == '-';
    const char *rest = begins ? end + 1 : text;
    const unsigned long last = strtoul(rest, &end, 0);
    if (!begins || rest[0] < '0' || rest[0] > '9' || *end != '\0' || last < first ||
        last >= UINT32_MAX) {
        (void)error_set(e, STATUS_USAGE, "--keep %s: neither boot nor a range of byte addresses",
                        text);
        error_hint(e, "--keep 0x7000-0x7fff keeps these 4 KiB");
        return STATUS_USAGE;
    }
    *out = (struct address_range){(uint32_t)first, (uint32_t)last + 1};
    return STATUS_OK;
}

static enum status set_keep(struct cli_job *j, const struct settings *s, struct error *e)
{
    size_t count = 0;
    j->keep = calloc(s->keep.count + 1, sizeof *j->keep);
    if (j->keep == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the options");
    for (size_t i = 0; i < s->keep.count; i++) {
        if (strcmp(s->keep.items[i], "boot") == 0)
            j->job.flags |= JOB_KEEP_BOOT;
        else
            TRY(parse_range(s->keep.items[i], &j->keep[count++], e));
    }
    j->job.keep = j->keep;
    j->job.keep_count = count;
    if (s->keep.count == 0 && !s->keep_eeprom)
        return STATUS_OK;
    file_rescue_init(&j->rescue, s->rescue_file);
    j->job.rescue = s->dry_run ? NULL : &j->rescue.rescue;
    return STATUS_OK;
}

/* --- the whole ------------------------------------------------------------------------------ */

static unsigned job_flags(const struct settings *s)
{
    return (s->erase ? JOB_ERASE : 0u) | (s->no_erase ? JOB_NO_ERASE : 0u) |
           (s->no_verify ? JOB_NO_VERIFY : 0u) | (s->no_write ? JOB_NO_WRITE : 0u) |
           (s->whole_read ? JOB_WHOLE_READ : 0u) | (s->force ? JOB_FORCE_SIGNATURE : 0u) |
           (s->in_order ? JOB_IN_ORDER : 0u) | (s->no_clock_boost ? JOB_NO_CLOCK_BOOST : 0u) |
           (s->dry_run ? JOB_DRY_RUN : 0u) |
           (s->skip_if_same == CHOICE_YES ? JOB_SKIP_IF_SAME : 0u) |
           (s->keep_eeprom ? JOB_KEEP_EEPROM : 0u) |
           (s->require_genuine ? JOB_REQUIRE_GENUINE : 0u) |
           (s->erase_mode == ERASE_AUTO ? JOB_AUTO_ERASE : 0u);
}

static enum status set_programmer(struct programmer_config *p, const struct settings *s,
                                  const struct conf *conf, struct error *e)
{
    *p = (struct programmer_config){
        .id = s->programmer != NULL ? s->programmer : conf->programmer,
        .programmers = conf->programmers,
        .port = s->port,
        .baud = s->baud != 0 ? s->baud : conf->baud,
        .sck_hz = s->sck_hz != 0 ? s->sck_hz : conf->sck_hz,
        .edge_delay_us = s->edge_delay_us,
        .wait_port_s = s->wait_port_s,
        .sync_timeout_s = s->sync_timeout_s,
        .options = (const char *const *)s->extended.items,
        .option_count = s->extended.count,
        .exit_options = (const char *const *)s->exit_options.items,
        .exit_option_count = s->exit_options.count,
    };
    if (p->id != NULL)
        return STATUS_OK;
    (void)error_set(e, STATUS_USAGE, "no programmer is named");
    error_hint(e, "-c ID names one; -c ? lists them");
    return e->code;
}

enum status cli_job_init(struct cli_job *j, const struct settings *s, const struct conf *conf,
                         struct error *e)
{
    *j = (struct cli_job){
        .job = {.part = s->part != NULL ? s->part : conf->part, .flags = job_flags(s)}};
    unsigned format_allow = s->force ? FORMAT_ALLOW_OTHER_CHIP : 0u;
    for (size_t i = 0; i < s->allow.count; i++)
        TRY(take_allowance(s->allow.items[i], &format_allow, &j->job.flags, e));
    TRY(check_exit_options(&s->exit_options, &j->job.flags, e));
    TRY(set_programmer(&j->job.programmer, s, conf, e));
    TRY(set_keep(j, s, e));
    if (s->task_count > 0)
        TRY(add_operations(j, s, format_allow, e));
    dry_destination_init(&j->dry_output, s->json);
    j->job.operations = j->operations;
    j->job.operation_count = j->count;
    j->job.allow = (const char *const *)s->allow.items;
    j->job.allow_count = s->allow.count;
    j->job.dry_output = &j->dry_output.destination;
    j->job.retries = s->retries;
    return STATUS_OK;
}

void cli_job_open_terminals(struct cli_job *j, struct cli *cli, struct context *context)
{
    for (size_t i = 0; i < j->terminal_count; i++) {
        j->terminals[i].cli = cli;
        j->terminals[i].context = context;
    }
}

void cli_job_free(struct cli_job *j)
{
    for (size_t i = 0; i < j->count; i++) {
        file_source_free(&j->sources[i]);
        file_destination_free(&j->destinations[i]);
        update_free(&j->updates[i]);
    }
    file_rescue_free(&j->rescue);
    free(j->keep);
    free(j->updates);
    free(j->operations);
    free(j->sources);
    free(j->destinations);
    free(j->terminals);
    *j = (struct cli_job){0};
}
