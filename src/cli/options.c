/* Reads arguments by the option table, with getopt's habits. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nearest.h"

enum status text_list_add(struct text_list *list, const char *text, size_t length, struct error *e)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the options");
    list->items = items;
    items[list->count] = strndup(text, length);
    if (items[list->count] == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the options");
    list->count++;
    return STATUS_OK;
}

void text_list_remove(struct text_list *list, size_t index)
{
    free(list->items[index]);
    list->count--;
    memmove(list->items + index, list->items + index + 1,
            (list->count - index) * sizeof *list->items);
}

void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}

enum status settings_add_task(struct settings *s, enum task_kind kind, const char *text,
                              struct error *e)
{
    struct task *tasks = realloc(s->tasks, (s->task_count + 1) * sizeof *tasks);
    if (tasks == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the options");
    s->tasks = tasks;
    tasks[s->task_count++] = (struct task){.kind = kind, .text = text};
    return STATUS_OK;
}

void settings_free(struct settings *s)
{
    text_list_free(&s->configs);
    text_list_free(&s->exit_options);
    text_list_free(&s->extended);
    text_list_free(&s->allow);
    text_list_free(&s->part_files);
    text_list_free(&s->keep);
    text_list_free(&s->operands);
    text_list_free(&s->gang);
    text_list_free(&s->unique);
    free(s->tasks);
    s->tasks = NULL;
    s->task_count = 0;
}

int settings_verbosity(const struct settings *s)
{
    const int quell = s->quell > 1 ? (int)s->quell - 1 : 0;
    return (int)s->verbose - quell;
}

/* Where the reading stands. */
struct cursor {
    int argc;
    char *const *argv;
    int index; /* of the argument to be read next */
};

static const char *cursor_next(struct cursor *at)
{
    return at->index < at->argc ? at->argv[at->index++] : NULL;
}

static enum status option_apply(const struct option_spec *spec, const char *typed,
                                const char *value, struct settings *s, struct error *e)
{
    s->given[spec - option_table] = true;
    if (spec->apply(spec, value, (char *)s + spec->offset, e) != STATUS_OK)
        return error_in(e, "%s", typed);
    return STATUS_OK;
}

const struct option_spec *option_of_name(const char *name, size_t length)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].name != NULL && strlen(option_table[i].name) == length &&
            strncmp(option_table[i].name, name, length) == 0)
            return &option_table[i];
    return NULL;
}

const struct option_spec *option_of_letter(char letter)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_table[i].letters != NULL && strchr(option_table[i].letters, letter) != NULL)
            return &option_table[i];
    return NULL;
}

/* "-FAU x", "-pm328p": all options of one argument. */
static enum status parse_letters(const char *argument, struct cursor *at, struct settings *s,
                                 struct error *e)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        const struct option_spec *spec = option_of_letter(*letter);
        const char typed[] = {'-', *letter, '\0'};
        if (spec == NULL) {
            (void)error_set(e, STATUS_USAGE, "%s is no option", typed);
            error_hint(e, "-h shows the options");
            return e->code;
        }
        if (spec->argument == NULL) {
            TRY(option_apply(spec, typed, NULL, s, e));
            continue;
        }
        const char *value = letter[1] != '\0' ? letter + 1 : cursor_next(at);
        if (value == NULL)
            return error_set(e, STATUS_USAGE, "%s needs a value: %s %s", typed, typed,
                             spec->argument);
        return option_apply(spec, typed, value, s, e);
    }
    return STATUS_OK;
}

/* How many long names of avrdude's (or of our own) begin with the `length` characters of `name`;
 * the last of them in *found. */
static size_t count_prefix(const char *name, size_t length, bool own,
                           const struct option_spec **found)
{
    size_t count = 0;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        if (spec->name != NULL && spec->own == own && strncmp(spec->name, name, length) == 0) {
            *found = spec;
            count++;
        }
    }
    return count;
}

static void report_long(const char *typed, const char *name, size_t length, size_t count,
                        struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    (void)error_set(e, STATUS_USAGE, "%s %s", typed,
                    count > 1 ? "is the beginning of several options" : "is no option");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        if (spec->name == NULL)
            continue;
        if (count > 1 && strncmp(spec->name, name, length) == 0)
            error_hint(e, "--%s", spec->name);
        else if (count == 0)
            nearest_offer(&nearest, spec->name);
    }
    nearest_hint(&nearest, e);
    error_hint(e, "--help shows all options");
}

/* Exact, else a beginning that no other name of avrdude's shares, else one of our own names. NULL:
 * there is none, as the error says. */
static const struct option_spec *find_long(const char *typed, struct error *e)
{
    const char *name = typed + 2;
    const size_t length = strlen(name);
    const struct option_spec *found = NULL;
    const struct option_spec *exact = option_of_name(name, length);
    if (exact != NULL)
        return exact;
    size_t count = count_prefix(name, length, false, &found);
    if (count == 0)
        count = count_prefix(name, length, true, &found);
    if (count == 1)
        return found;
    report_long(typed, name, length, count, e);
    return NULL;
}

/* "--part=m328p", "--part m328p". */
static enum status parse_long(const char *argument, struct cursor *at, struct settings *s,
                              struct error *e)
{
    const char *name = argument + 2;
    const size_t length = strcspn(name, "=");
    char typed[64];
    (void)snprintf(typed, sizeof typed, "--%.*s", (int)(length < 60 ? length : 60), name);
    const struct option_spec *spec = find_long(typed, e);
    if (spec == NULL)
        return e->code;
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (spec->argument == NULL && value != NULL)
        return error_set(e, STATUS_USAGE, "--%s takes no value", spec->name);
    if (spec->argument != NULL && value == NULL)
        value = cursor_next(at);
    if (spec->argument != NULL && value == NULL)
        return error_set(e, STATUS_USAGE, "--%s needs a value: --%s=%s", spec->name, spec->name,
                         spec->argument);
    return option_apply(spec, typed, value, s, e);
}

static enum status parse_argument(const char *argument, struct cursor *at, struct settings *s,
                                  struct error *e)
{
    if (argument[0] != '-' || argument[1] == '\0')
        return text_list_add(&s->operands, argument, strlen(argument), e);
    return argument[1] == '-' ? parse_long(argument, at, s, e) : parse_letters(argument, at, s, e);
}

enum status options_parse(int argc, char *const *argv, int first, struct settings *s,
                          struct error *e)
{
    struct cursor at = {.argc = argc, .argv = argv, .index = first};
    const char *argument = NULL;
    while ((argument = cursor_next(&at)) != NULL && strcmp(argument, "--") != 0)
        if (parse_argument(argument, &at, s, e) != STATUS_OK)
            return s->action != ACTION_RUN ? STATUS_OK : e->code;
    while ((argument = cursor_next(&at)) != NULL)
        TRY(text_list_add(&s->operands, argument, strlen(argument), e));
    return STATUS_OK;
}

/* True if `words`, separated by blanks, hold this one. */
static bool has_word(const char *words, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        const size_t size = strcspn(at, " ");
        if (size == length && strncmp(at, word, length) == 0)
            return true;
        at += size;
    }
    return false;
}

static enum status means_nothing(const struct option_spec *spec, const char *command,
                                 struct error *e)
{
    return error_set(e, STATUS_USAGE, "%s%.1s%s--%s means nothing to ispflash %s",
                     spec->letters != NULL ? "-" : "", spec->letters != NULL ? spec->letters : "",
                     spec->letters != NULL ? ", " : "", spec->name, command);
}

enum status options_check(const struct settings *s, const char *wanted, const char *command,
                          struct error *e)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        const bool work = spec->group == GROUP_CHIP || spec->group == GROUP_WORK ||
                          spec->group == GROUP_SAFETY || spec->group == GROUP_BOARDS;
        if (s->given[i] && work && !has_word(wanted, spec->name))
            return means_nothing(spec, command, e);
    }
    return STATUS_OK;
}

enum status options_check_boards(const struct settings *s, const char *command, struct error *e)
{
    for (size_t i = 0; i < option_count; i++)
        if (s->given[i] && option_table[i].group == GROUP_BOARDS)
            return means_nothing(&option_table[i], command, e);
    return STATUS_OK;
}
