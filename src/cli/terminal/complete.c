/* Completion. */
#include "complete.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "terminal.h"

static void offer(struct text_list *names, const char *typed, const char *name)
{
    struct error e = {0};
    if (strncasecmp(typed, name, strlen(typed)) == 0)
        (void)(text_list_add(names, name, strlen(name), &e) == STATUS_OK);
}

static void offer_commands(const char *typed, struct text_list *names)
{
    for (size_t i = 0; i < terminal_command_count; i++)
        if ((terminal_commands[i].flags & COMMAND_HIDDEN) == 0)
            offer(names, typed, terminal_commands[i].name);
}

static void offer_memories(const struct terminal *t, const char *typed, struct text_list *names)
{
    for (size_t i = 0; i < t->part->memory_count; i++)
        offer(names, typed, t->part->memories[i].name);
}

/* As `config` prints them. */
static void offer_settings(const struct terminal *t, const char *typed, struct text_list *names)
{
    for (size_t i = 0; i < t->part->memory_count; i++)
        for (size_t k = 0; k < t->part->memories[i].field_count; k++) {
            char name[32] = "";
            const char *from = t->part->memories[i].fields[k].name;
            for (size_t c = 0; from[c] != '\0' && c + 1 < sizeof name; c++)
                name[c] = (char)tolower((unsigned char)from[c]);
            offer(names, typed, name);
        }
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Of the folder that is typed, or of this one. */
static void offer_files(const char *typed, struct text_list *names)
{
    const char *slash = strrchr(typed, '/');
    const int length = slash != NULL ? (int)(slash - typed) + 1 : 0;
    char path[512];
    (void)snprintf(path, sizeof path, "%.*s", length, typed);
    DIR *folder = opendir(length > 0 ? path : ".");
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strpbrk(entry->d_name, " \t\\\"'") != NULL) /* would have to be quoted */
            continue;
        if (entry->d_name[0] == '.' && (slash == NULL ? typed[0] : slash[1]) != '.')
            continue;
        (void)snprintf(path, sizeof path, "%.*s%s", length, typed, entry->d_name);
        if (is_folder(path) && strlen(path) + 1 < sizeof path)
            (void)strcat(path, "/");
        if (strncmp(path, typed, strlen(typed)) == 0)
            offer(names, typed, path);
    }
    (void)closedir(folder);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The word before the cursor, how many stand before it in its command, and the command's name. */
struct place {
    const char *word;
    size_t index;
    char command[16];
};

static struct place find_place(const char *before)
{
    struct place p = {.word = before};
    const char *at = before;
    for (;;) {
        at += strspn(at, " \t");
        const size_t length = strcspn(at, " \t");
        p.word = at;
        if (at[length] == '\0')
            return p;
        if (p.index++ == 0)
            (void)snprintf(p.command, sizeof p.command, "%.*s", (int)length, at);
        if (length > 0 && at[length - 1] == ';')
            p = (struct place){0};
        at += length;
    }
}

static bool is_one_of(const struct terminal_command *command, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(command->name, *list) == 0)
            return true;
    return false;
}

size_t complete_line(const struct terminal *t, const char *before, struct text_list *names)
{
    static const char *const of_memory[] = {"backup",  "d", "disasm", "dump",    "erase",
                                            "pgerase", "r", "read",   "restore", "save",
                                            "verify",  "w", "write",  NULL};
    static const char *const of_file[] = {"backup", "include", "restore", "save",
                                          "verify", "w",       "write",   NULL};
    const struct terminal_command *command = NULL;
    struct error e = {0};
    const struct place p = find_place(before);
    if (p.index > 0 && terminal_find(p.command, &command, &e) != STATUS_OK)
        return 0;
    if (command == NULL || strcmp(command->name, "help") == 0 || strcmp(command->name, "?") == 0)
        offer_commands(p.word, names);
    else if (strcmp(command->name, "config") == 0)
        offer_settings(t, p.word, names);
    else if (strcmp(command->name, "factory") == 0)
        offer(names, p.word, "reset");
    else if (p.index == 1 && is_one_of(command, of_memory))
        offer_memories(t, p.word, names);
    else if (is_one_of(command, of_file))
        offer_files(p.word, names);
    if (names->count > 1)
        qsort(names->items, names->count, sizeof *names->items, compare);
    return strlen(p.word);
}
