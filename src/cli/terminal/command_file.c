/* Commands on whole memories and files, and on files of commands: backup, restore, verify,
 * include. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../files.h"
#include "data.h"
#include "terminal.h"
#include "words.h"

enum { INCLUDE_DEPTH = 8 };

/* --- include -------------------------------------------------------------------------------- */

static enum status include_lines(struct terminal *t, FILE *file, const char *name, bool shows,
                                 struct error *e)
{
    char *line = NULL;
    size_t capacity = 0;
    enum status status = STATUS_OK;
    for (unsigned number = 1; !t->quit && getline(&line, &capacity, file) >= 0; number++) {
        if (status == STATUS_CANCELLED)
            break;
        if (status != STATUS_OK)
            terminal_tell(t, e);
        line[strcspn(line, "\r\n")] = '\0';
        if (shows)
            (void)fprintf(t->out, "# %s\n", line);
        status = terminal_line(t, line, e);
        if (status != STATUS_OK)
            (void)error_in(e, "%s:%u", name, number);
    }
    free(line);
    if (status == STATUS_OK && ferror(file))
        status = error_set(e, STATUS_INPUT, "%s: %s", name, strerror(errno));
    return status;
}

static enum status include_file(struct terminal *t, const char *name, bool shows, struct error *e)
{
    if (t->depth == INCLUDE_DEPTH)
        return error_set(e, STATUS_USAGE, "%s: files include one another %d deep", name,
                         INCLUDE_DEPTH);
    FILE *file = fopen(name, "re");
    if (file == NULL)
        return error_set(e, STATUS_INPUT, "%s: %s", name, strerror(errno));
    t->depth++;
    const enum status status = include_lines(t, file, name, shows, e);
    t->depth--;
    (void)fclose(file);
    return status;
}

enum status terminal_include(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    unsigned given = 0;
    struct text_list words;
    enum status status = terminal_options(arguments, "e", &given, &words, e);
    if (status == STATUS_OK && words.count != 1)
        status = error_set(e, STATUS_USAGE, "it takes one file");
    char *name = status == STATUS_OK ? word_plain(words.items[0]) : NULL;
    if (status == STATUS_OK && name == NULL)
        status = error_set(e, STATUS_NO_MEMORY, "no memory for the command");
    if (status == STATUS_OK)
        status = include_file(t, name, given != 0, e);
    free(name);
    text_list_free(&words);
    return status;
}
