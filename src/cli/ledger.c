/* What both kinds of ledger do: entries, locks, and one at a time. */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger_private.h"

enum {
    TURN_US = 10000000, /* nobody holds the ledger longer than a moment, unless its disk is stuck */
    TURN_STEP_US = 5000
};

/* --- entries -------------------------------------------------------------------------------- */

void ledger_entry_free(struct ledger_entry *entry)
{
    for (size_t i = 0; i < entry->count; i++) {
        free(entry->names[i]);
        free(entry->values[i]);
    }
    free(entry->names);
    free(entry->values);
    free(entry->key);
    *entry = (struct ledger_entry){0};
}

const char *ledger_entry_value(const struct ledger_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->count; i++)
        if (strcmp(entry->names[i], name) == 0)
            return entry->values[i];
    return NULL;
}

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for a serial number");
}

enum status ledger_entry_add(struct ledger_entry *entry, const char *name, const char *value,
                             struct error *e)
{
    const size_t count = entry->count + 1;
    char **names = realloc(entry->names, count * sizeof *names);
    if (names != NULL)
        entry->names = names;
    char **values = realloc(entry->values, count * sizeof *values);
    if (values != NULL)
        entry->values = values;
    if (names == NULL || values == NULL)
        return no_memory(e);
    names[entry->count] = strdup(name);
    values[entry->count] = strdup(value);
    entry->count = count; /* also of a half: both are freed */
    return names[count - 1] != NULL && values[count - 1] != NULL ? STATUS_OK : no_memory(e);
}

static enum status copy_entry(struct ledger_entry *to, const struct ledger_entry *from,
                              struct error *e)
{
    to->key = strdup(from->key);
    if (to->key == NULL)
        return no_memory(e);
    for (size_t i = 0; i < from->count; i++)
        TRY(ledger_entry_add(to, from->names[i], from->values[i], e));
    return STATUS_OK;
}

/* --- locks ---------------------------------------------------------------------------------- */

/* Byte 0 is the turn to read and write the ledger; all others are marks. */
static bool set_lock(const struct ledger *l, short type, off_t at)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    return fcntl(l->fd, F_SETLK, &lock) == 0;
}

static enum status take_turn(const struct ledger *l, struct context *c, struct error *e)
{
    const uint64_t begin_us = context_now_us(c);
    while (!set_lock(l, F_WRLCK, 0)) {
        if (errno != EAGAIN && errno != EACCES)
            return ledger_failed(l, "cannot be locked", errno, e);
        if (context_now_us(c) - begin_us >= TURN_US)
            return error_set(e, STATUS_BUSY, "%s: another process has kept it locked for %d s",
                             l->path, TURN_US / 1000000);
        TRY(context_sleep(c, TURN_STEP_US, e));
    }
    return STATUS_OK;
}

static void end_turn(const struct ledger *l)
{
    (void)set_lock(l, F_UNLCK, 0);
}

enum status ledger_mark(struct ledger *l, off_t at, struct error *e)
{
    if (!set_lock(l, F_WRLCK, at))
        return ledger_failed(l, "cannot be locked", errno, e);
    l->mark = at;
    return STATUS_OK;
}

void ledger_unmark(struct ledger *l)
{
    if (l->mark != 0)
        (void)set_lock(l, F_UNLCK, l->mark);
    l->mark = 0;
}

bool ledger_is_marked(const struct ledger *l, off_t at)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    if (at == l->mark)
        return true;
    return fcntl(l->fd, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* --- words ---------------------------------------------------------------------------------- */

const char *ledger_time(char out[LEDGER_TIME_SIZE])
{
    struct tm parts;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &parts) == NULL ||
        strftime(out, LEDGER_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        (void)snprintf(out, LEDGER_TIME_SIZE, "-");
    return out;
}

void ledger_say_doubt(const struct ledger *l, struct context *c, const char *key)
{
    context_log(c, LOG_WARNING,
                "%s: %s was reserved by a run that ended without a word: it may be in a chip or "
                "not, is on record as in doubt, and is not given again",
                l->path, key);
}

enum status ledger_failed(const struct ledger *l, const char *what, int code, struct error *e)
{
    return error_set(e, STATUS_OUTPUT, "%s: %s: %s", l->path, what, strerror(code));
}

/* --- the ledger ----------------------------------------------------------------------------- */

static bool is_table(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".csv") == 0;
}

static enum status open_counter(struct ledger *l, struct error *e)
{
    l->fd = open(l->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY);
    if (l->fd >= 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_INPUT, "%s: cannot be opened: %s", l->path, strerror(errno));
    if (errno == ENOENT)
        error_hint(e, "a new counter is a line of text: echo \"first = 1\" >%s", l->path);
    return STATUS_INPUT;
}

/* A table is replaced whenever it changes, so its locks are on a file beside it that stays. */
static enum status open_table(struct ledger *l, struct error *e)
{
    char *name = malloc(strlen(l->path) + sizeof ".lock");
    if (name == NULL)
        return no_memory(e);
    if (access(l->path, R_OK | W_OK) != 0) {
        free(name);
        return error_set(e, STATUS_INPUT, "%s: cannot be opened: %s", l->path, strerror(errno));
    }
    (void)strcat(strcpy(name, l->path), ".lock");
    l->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
    const int code = errno;
    free(name);
    return l->fd >= 0 ? STATUS_OK : ledger_failed(l, "its .lock cannot be made", code, e);
}

enum status ledger_open(const char *path, struct ledger **out, struct error *e)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return no_memory(e);
    l->fd = -1;
    l->path = strdup(path);
    l->ops = is_table(path) ? &ledger_table_ops : &ledger_counter_ops;
    if (l->path == NULL) {
        ledger_close(l);
        return no_memory(e);
    }
    const enum status status = is_table(path) ? open_table(l, e) : open_counter(l, e);
    if (status != STATUS_OK) {
        ledger_close(l);
        return status;
    }
    *out = l;
    return STATUS_OK;
}

void ledger_close(struct ledger *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        (void)close(l->fd); /* ends all locks */
    ledger_entry_free(&l->entry);
    free(l->path);
    free(l);
}

enum status ledger_peek(struct ledger *l, struct context *c, struct ledger_entry *out,
                        struct error *e)
{
    TRY(take_turn(l, c, e));
    const enum status status = l->ops->peek(l, out, e);
    end_turn(l);
    if (status != STATUS_OK)
        ledger_entry_free(out);
    return status;
}

enum status ledger_reserve(struct ledger *l, const char *device, struct context *c,
                           struct ledger_entry *out, struct error *e)
{
    if (l->entry.key != NULL)
        return error_set(e, STATUS_INTERNAL, "%s: %s is reserved already", l->path, l->entry.key);
    (void)snprintf(l->device, sizeof l->device, "%s", device);
    for (char *at = l->device; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = '?'; /* a record is one line */
    TRY(take_turn(l, c, e));
    enum status status = l->ops->reserve(l, c, &l->entry, e);
    end_turn(l);
    if (status == STATUS_OK)
        status = copy_entry(out, &l->entry, e);
    else
        ledger_entry_free(&l->entry);
    return status;
}

enum status ledger_settle(struct ledger *l, const char *failure, struct context *c, struct error *e)
{
    const bool leaving = c->leaving;
    if (l->entry.key == NULL)
        return error_set(e, STATUS_INTERNAL, "%s: nothing is reserved", l->path);
    c->leaving = true; /* the wish to stop does not count here */
    enum status status = take_turn(l, c, e);
    if (status == STATUS_OK) {
        status = l->ops->settle(l, failure, e);
        end_turn(l);
    }
    c->leaving = leaving;
    ledger_unmark(l);
    ledger_entry_free(&l->entry);
    return status;
}
