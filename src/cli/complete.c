/* `ispflash completion`: the shells' scripts, and what they ask for at each key.
 *
 * The scripts know nothing of ispflash. They hand over the words of the line, and the tables of
 * options and commands tell here what the last of them may become. */
#include "complete.h"

#include <string.h>

#include "core/embed.h"
#include "core/nearest.h"

extern const struct embedded_file completion_files[];
extern const size_t completion_files_count;

static const struct {
    const char *shell, *file;
} shells[] = {{"bash", "ispflash.bash"}, {"fish", "ispflash.fish"}, {"zsh", "_ispflash"}};

void complete_offer(const struct completion *c, const char *candidate, const char *description)
{
    if (strncmp(candidate, c->word, strlen(c->word)) != 0)
        return;
    FILE *out = c->run->cli->around->results;
    (void)fprintf(out, "%.*s%s", (int)c->lead_length, c->lead, candidate);
    if (description != NULL)
        (void)fprintf(out, "\t%s", description);
    (void)fputc('\n', out);
}

void complete_files(const struct completion *c)
{
    (void)fputs(":files\n", c->run->cli->around->results);
}

/* --- the words before ----------------------------------------------------------------------- */

/* The line as far as it stands. */
struct line {
    const struct command *command;     /* NULL: none */
    size_t operands;                   /* behind the command's name */
    const struct option_spec *pending; /* the last word before ours wants a value: ours; NULL */
    bool options_end;                  /* "--" was there */
};

static void take_value(struct completion *c, const struct option_spec *spec, const char *value)
{
    if (strcmp(spec->argument, "PART") == 0)
        c->part = value;
    else if (spec->letters != NULL && strchr(spec->letters, 'c') != NULL)
        c->programmer = value;
}

/* "-FAU x", "-pm328p" */
static void take_letters(struct completion *c, struct line *line, const char *word)
{
    for (const char *letter = word + 1; *letter != '\0'; letter++) {
        const struct option_spec *spec = option_of_letter(*letter);
        if (spec == NULL || spec->argument == NULL)
            continue;
        if (letter[1] == '\0')
            line->pending = spec;
        else
            take_value(c, spec, letter + 1);
        return;
    }
}

static void take_long(struct completion *c, struct line *line, const char *word)
{
    const char *value = strchr(word, '=');
    const size_t length = value != NULL ? (size_t)(value - word) - 2 : strlen(word + 2);
    const struct option_spec *spec = option_of_name(word + 2, length);
    if (spec == NULL || spec->argument == NULL)
        return;
    if (value != NULL)
        take_value(c, spec, value + 1);
    else
        line->pending = spec;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

static void take_word(struct completion *c, struct line *line, const char *word, bool first)
{
    if (line->pending != NULL) {
        take_value(c, line->pending, word);
        line->pending = NULL;
    } else if (line->options_end || word[0] != '-' || word[1] == '\0') {
        if (first)
            line->command = find_command(word);
        else
            line->operands++;
    } else if (strcmp(word, "--") == 0) {
        line->options_end = true;
    } else if (word[1] == '-') {
        take_long(c, line, word);
    } else {
        take_letters(c, line, word);
    }
}

/* --- our word ------------------------------------------------------------------------------- */

static void complete_value(struct completion *c, const struct option_spec *spec)
{
    for (size_t i = 0; spec->choices != NULL && spec->choices[i] != NULL; i++)
        complete_offer(c, spec->choices[i], NULL);
    if (spec->choices == NULL)
        complete_placeholder(c, spec->argument, NULL);
}

static void complete_option_names(const struct completion *c)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_spec *spec = &option_table[i];
        char name[64];
        if (spec->group == GROUP_HIDDEN)
            continue;
        for (const char *letter = spec->letters; letter != NULL && *letter != '\0'; letter++) {
            (void)snprintf(name, sizeof name, "-%c", *letter);
            complete_offer(c, name, spec->help);
        }
        if (spec->name != NULL) {
            (void)snprintf(name, sizeof name, "--%s%s", spec->name,
                           spec->argument != NULL ? "=" : "");
            complete_offer(c, name, spec->help);
        }
    }
}

/* Moves `length` characters from the word to what stands before it. */
static void advance(struct completion *c, size_t length)
{
    c->lead = c->word;
    c->lead_length = length;
    c->word += length;
}

static void complete_long(struct completion *c)
{
    const char *value = strchr(c->word, '=');
    if (value == NULL) {
        complete_option_names(c);
        return;
    }
    const struct option_spec *spec = option_of_name(c->word + 2, (size_t)(value - c->word) - 2);
    if (spec == NULL || spec->argument == NULL)
        return;
    advance(c, (size_t)(value - c->word) + 1);
    complete_value(c, spec);
}

static void complete_letters(struct completion *c)
{
    for (size_t i = 1; c->word[i] != '\0'; i++) {
        const struct option_spec *spec = option_of_letter(c->word[i]);
        if (spec == NULL)
            return;
        if (spec->argument != NULL && c->word[i + 1] != '\0') {
            advance(c, i + 1);
            complete_value(c, spec);
            return;
        }
    }
    complete_option_names(c);
}

/* The word of "ID [FILE]" that stands for operand `index`; the last one stands for all further. */
static void complete_operand(const struct completion *c, const struct command *command,
                             size_t index)
{
    char placeholder[32] = "";
    for (const char *at = command->arguments; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        if (at[0] == '-') /* the rest are options */
            break;
        (void)snprintf(placeholder, sizeof placeholder, "%.*s", (int)length, at);
        if (index-- == 0)
            break;
        at += length + strspn(at + length, " ");
    }
    complete_placeholder(c, placeholder, command);
}

static void complete_word(struct completion *c, const struct line *line, bool first)
{
    if (line->pending != NULL) {
        complete_value(c, line->pending);
    } else if (!line->options_end && c->word[0] == '-') {
        if (c->word[1] == '-')
            complete_long(c);
        else
            complete_letters(c);
    } else if (first) {
        for (size_t i = 0; i < command_count; i++)
            complete_offer(c, command_table[i].name, command_table[i].summary);
    } else if (line->command != NULL) {
        complete_operand(c, line->command, line->operands);
    }
}

/* The words of the line without the program's name; the last is the one to complete. */
static void complete_line(struct run *r, const struct text_list *words)
{
    struct completion c = {.run = r, .lead = "", .word = ""};
    struct line line = {0};
    for (size_t i = 1; i + 1 < words->count; i++)
        take_word(&c, &line, words->items[i], i == 1);
    if (words->count > 1)
        c.word = words->items[words->count - 1];
    complete_word(&c, &line, words->count <= 2);
}

/* --- the command ---------------------------------------------------------------------------- */

static enum status print_script(FILE *out, const char *shell, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, shell);
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        nearest_offer(&nearest, shells[i].shell);
        if (strcmp(shells[i].shell, shell) != 0)
            continue;
        for (size_t k = 0; k < completion_files_count; k++)
            if (strcmp(completion_files[k].name, shells[i].file) == 0)
                (void)fwrite(completion_files[k].data, 1, completion_files[k].size, out);
        return STATUS_OK;
    }
    (void)error_set(e, STATUS_USAGE, "no completion for the shell \"%s\"", shell);
    nearest_hint(&nearest, e);
    error_hint(e, "there are bash, fish and zsh");
    return e->code;
}

enum status command_completion(struct cli *cli, struct error *e)
{
    const struct text_list *operands = &cli->settings.operands;
    if (operands->count == 1 && strcmp(operands->items[0], "words") != 0)
        return print_script(cli->around->results, operands->items[0], e);
    if (operands->count == 0 || strcmp(operands->items[0], "words") != 0)
        return error_set(e, STATUS_USAGE,
                         "completion needs the name of a shell: bash, fish or zsh");
    struct run r;
    const enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        complete_line(&r, operands);
    run_close(&r);
    return status;
}
