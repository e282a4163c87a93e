/* Commands on whole memories and files, as -U has them, and on files of commands: backup, restore,
 * verify, include. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../files.h"
#include "data.h"
#include "terminal.h"
#include "words.h"

enum { INCLUDE_DEPTH = 8 };

/* --- memories and files --------------------------------------------------------------------- */

/* One memory, or a list as -U takes it. */
static enum status list_memories(const struct terminal *t, const char *name,
                                 struct memory_list *out, struct error *e)
{
    const struct memory *m = NULL;
    if (session_is_memory_list(name))
        return session_list_memories(t->part, name, t->context, out, e);
    TRY(terminal_memory(t, name, &m, e));
    *out = (struct memory_list){.items = {{.memory = m, .named = true}}, .count = 1};
    return STATUS_OK;
}

/* The words of such a command. */
struct file_words {
    struct memory_list list;
    bool several;
    char *memories; /* as typed, for a list; owned, as is the file's name */
    char *file;
    enum format format;
};

static void free_words(struct file_words *w)
{
    free(w->memories);
    free(w->file);
    *w = (struct file_words){0};
}

/* `several`: the format for a list if none is given. */
static enum status take_words(const struct terminal *t, const struct text_list *arguments,
                              enum format one, enum format several, struct file_words *out,
                              struct error *e)
{
    struct file_words w = {.several = session_is_memory_list(arguments->items[0])};
    w.format = w.several ? several : one;
    TRY(list_memories(t, arguments->items[0], &w.list, e));
    w.memories = strdup(arguments->items[0]);
    if (w.memories == NULL) {
        (void)error_set(e, STATUS_NO_MEMORY, "no memory for the command");
        return STATUS_NO_MEMORY;
    }
    const enum status status = data_split_file(arguments->items[1], &w.file, &w.format, e);
    if (status != STATUS_OK) {
        free_words(&w);
        return status;
    }
    *out = w;
    return STATUS_OK;
}

/* --- backup --------------------------------------------------------------------------------- */

static enum status store_memory(struct terminal *t, const struct memory *m, struct destination *d,
                                struct error *e)
{
    struct image *image = image_new();
    uint8_t *data = malloc(m->size);
    enum status status = STATUS_OK;
    if (image == NULL || data == NULL)
        status = error_set(e, STATUS_NO_MEMORY, "no memory for the bytes");
    if (status == STATUS_OK)
        status = terminal_read(t, m, 0, m->size, data, e);
    if (status == STATUS_OK)
        status = image_put(image, m->base, data, m->size, IMAGE_OVERLAP_SAME, NULL, e);
    if (status == STATUS_OK)
        status = d->store(d, m, image, t->context, e);
    free(data);
    image_free(image);
    return status;
}

static enum status store_memories(struct terminal *t, const struct file_words *w,
                                  struct destination *d, struct error *e)
{
    TRY(d->prepare(d, e));
    for (size_t i = 0; i < w->list.count; i++)
        if (!w->several || w->list.items[i].memory->readable)
            TRY(store_memory(t, w->list.items[i].memory, d, e));
    return d->finish != NULL ? d->finish(d, t->context, e) : STATUS_OK;
}

enum status terminal_backup(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    struct file_words w;
    struct file_destination d;
    TRY(take_words(t, arguments, FORMAT_RAW, FORMAT_IHEX_COMMENTS, &w, e));
    enum status status = STATUS_OK;
    if (!format_writable(w.format))
        status =
            error_set(e, STATUS_USAGE, "%s: format '%c' cannot be written", w.file, (char)w.format);
    if (w.several)
        file_destination_init_list(&d, w.file, w.format);
    else
        file_destination_init(&d, w.file, w.format);
    d.json = t->cli->settings.json;
    if (status == STATUS_OK)
        status = cache_flush(t->cache, e);
    if (status == STATUS_OK)
        status = store_memories(t, &w, &d.destination, e);
    file_destination_free(&d);
    free_words(&w);
    return status;
}

/* --- restore and verify --------------------------------------------------------------------- */

/* What a file holds for the memories of a command; one image each, or NULL. */
struct loaded {
    const struct memory *memories[MEMORY_LIST_MAX];
    struct image *images[MEMORY_LIST_MAX];
    size_t count;
};

static void free_loaded(struct loaded *l)
{
    for (size_t i = 0; i < l->count; i++)
        image_free(l->images[i]);
    l->count = 0;
}

static enum status load_source(struct terminal *t, const struct file_words *w,
                               struct source *source, struct loaded *out, struct error *e)
{
    for (size_t i = 0; i < w->list.count; i++) {
        struct image *image = NULL;
        const struct memory *m = w->list.items[i].memory;
        TRY(source->load(source, t->part, m, t->context, &image, e));
        if (image_empty(image)) {
            context_log(t->context, w->list.items[i].named ? LOG_NOTE : LOG_DETAIL,
                        "%s holds no bytes for %s", w->file, m->name);
            image_free(image);
            continue;
        }
        out->memories[out->count] = m;
        out->images[out->count++] = image;
    }
    return STATUS_OK;
}

/* All of it, before anything is done with any. */
static enum status load_file(struct terminal *t, const struct file_words *w, struct loaded *out,
                             struct error *e)
{
    struct file_source source;
    if (strcmp(w->file, "-") == 0)
        return error_set(e, STATUS_USAGE, "the file cannot be standard input here");
    if (w->several)
        file_source_init_list(&source, w->file, w->file, w->format, t->format_allow, w->memories);
    else
        file_source_init(&source, w->file, w->file, w->format, t->format_allow);
    const enum status status = load_source(t, w, &source.source, out, e);
    file_source_free(&source);
    return status;
}

static bool is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

/* The fuse and lock bytes of the file. */
static void wanted_bytes(const struct terminal *t, const struct loaded *l, struct fuse_set *wish)
{
    fuse_set_init(wish, t->part);
    for (size_t i = 0; i < l->count; i++) {
        const struct memory *m = l->memories[i];
        struct fuse_byte *byte = is_byte(m) ? fuse_set_find(wish, m) : NULL;
        if (byte != NULL && m->writable && image_get(l->images[i], m->base, &byte->value))
            byte->given = 0xff;
    }
}

/* Whether they may be written, before anything else is. */
static enum status judge(const struct terminal *t, const struct fuse_set *wish, struct error *e)
{
    struct guard_byte bytes[FUSE_BYTES_MAX];
    struct guard_request r = {.part = t->part,
                              .bytes = bytes,
                              .chip_was_read = true,
                              .allow = t->job->allow,
                              .allow_count = t->job->allow_count};
    for (size_t i = 0; i < wish->count; i++) {
        struct guard_byte *b = &bytes[r.count];
        if (wish->bytes[i].given == 0)
            continue;
        *b = (struct guard_byte){.memory = wish->bytes[i].memory, .wanted = wish->bytes[i].value};
        b->known = session_byte(t->session, b->memory, &b->present);
        r.count++;
    }
    return session_guard(&r, e);
}

/* Fuses and lock bits are written together, behind everything else. */
static enum status restore(struct terminal *t, const struct loaded *l, struct error *e)
{
    struct fuse_set wish;
    wanted_bytes(t, l, &wish);
    TRY(judge(t, &wish, e));
    for (size_t i = 0; i < l->count; i++)
        if (!is_byte(l->memories[i]) || !l->memories[i]->writable)
            TRY(terminal_write(t, l->memories[i], l->images[i], e));
    TRY(cache_flush(t->cache, e));
    if (fuse_set_empty(&wish))
        return STATUS_OK;
    return session_set_fuses(t->session, &wish, t->job->allow, t->job->allow_count, e);
}

static enum status verify(struct terminal *t, const struct loaded *l, struct error *e)
{
    TRY(cache_flush(t->cache, e));
    for (size_t i = 0; i < l->count; i++)
        TRY(session_verify(t->session, l->memories[i], l->images[i], e));
    return STATUS_OK;
}

static enum status with_file(struct terminal *t, const struct text_list *arguments,
                             enum status (*act)(struct terminal *t, const struct loaded *l,
                                                struct error *e),
                             struct error *e)
{
    struct file_words w;
    struct loaded l = {.count = 0};
    TRY(take_words(t, arguments, FORMAT_AUTO, FORMAT_AUTO, &w, e));
    enum status status = load_file(t, &w, &l, e);
    if (status == STATUS_OK)
        status = act(t, &l, e);
    free_loaded(&l);
    free_words(&w);
    return status;
}

enum status terminal_restore(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    return with_file(t, arguments, restore, e);
}

enum status terminal_verify(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    return with_file(t, arguments, verify, e);
}

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
