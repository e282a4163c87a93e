/* A counter: a text file that only grows. Its records survive whatever ends a process or the
 * machine: each is one write() and an fsync().
 *
 *     first = 1000                                       the range to give from; `last` may be left
 *     last = 1999                                        out
 *     1000 reserved 2026-11-25T07:17:55Z usb:1-2
 *     1000 programmed 2026-11-25T07:17:58Z usb:1-2
 *     1001 reserved ...
 *     1001 failed 2026-11-25T07:18:30Z verify-mismatch usb:1-2
 *     1002 reserved ...
 *     1002 in-doubt 2026-11-25T08:00:00Z
 *
 * A last line without an end was cut off before anybody acted on it. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger_private.h"

/* A reservation without an outcome. */
struct open_number {
    uint64_t number;
    off_t at; /* where its line begins */
};

struct scan {
    const struct ledger *ledger;
    unsigned line;
    bool has_first, has_last, any; /* any: a number was given */
    uint64_t first, last, highest;
    struct open_number *open; /* owned */
    size_t open_count;
};

/* --- reading -------------------------------------------------------------------------------- */

static enum status wrong_line(const struct scan *s, const char *what, struct error *e)
{
    return error_set(e, STATUS_INPUT, "%s:%u: %s", s->ledger->path, s->line, what);
}

/* "1042"; `*end` is what stands behind it. */
static bool read_number(const char *text, uint64_t *out, const char **end)
{
    char *stop = NULL;
    errno = 0;
    *out = strtoull(text, &stop, 10);
    *end = stop;
    return isdigit((unsigned char)text[0]) && errno == 0;
}

/* "first = 1000" */
static enum status read_setting(struct scan *s, const char *line, struct error *e)
{
    char name[8], equals[2], number[24];
    const char *end;
    uint64_t value;
    if (sscanf(line, "%7s %1s %23s", name, equals, number) != 3 || strcmp(equals, "=") != 0 ||
        !read_number(number, &value, &end) || *end != '\0')
        return wrong_line(s, "neither \"first = NUMBER\" nor a record of a number", e);
    const bool is_first = strcmp(name, "first") == 0, is_last = strcmp(name, "last") == 0;
    if ((!is_first && !is_last) || (is_first ? s->has_first : s->has_last))
        return wrong_line(s, "\"first\" and \"last\" stand here once each, and nothing else", e);
    if (s->any)
        return wrong_line(s, "the range stands before the first record", e);
    *(is_first ? &s->first : &s->last) = value;
    *(is_first ? &s->has_first : &s->has_last) = true;
    return STATUS_OK;
}

static enum status add_open(struct scan *s, uint64_t number, off_t at, struct error *e)
{
    struct open_number *open = realloc(s->open, (s->open_count + 1) * sizeof *open);
    if (open == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: no memory for it", s->ledger->path);
    s->open = open;
    open[s->open_count++] = (struct open_number){.number = number, .at = at};
    return STATUS_OK;
}

static bool close_open(struct scan *s, uint64_t number)
{
    for (size_t i = 0; i < s->open_count; i++) {
        if (s->open[i].number != number)
            continue;
        s->open[i] = s->open[--s->open_count];
        return true;
    }
    return false;
}

/* "1000 reserved 2026-11-25T07:17:55Z usb:1-2" */
static enum status read_record(struct scan *s, const char *line, off_t at, struct error *e)
{
    static const char *const outcomes[] = {"programmed", "failed", "in-doubt"};
    char word[16] = "";
    const char *rest;
    uint64_t number;
    if (!read_number(line, &number, &rest) || sscanf(rest, "%15s", word) != 1)
        return wrong_line(s, "no record of a number", e);
    if (strcmp(word, "reserved") == 0) {
        if (s->any && number <= s->highest)
            return wrong_line(s, "numbers are reserved in rising order", e);
        s->any = true;
        s->highest = number;
        return add_open(s, number, at, e);
    }
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (strcmp(word, outcomes[i]) == 0)
            return close_open(s, number)
                       ? STATUS_OK
                       : wrong_line(s, "this number is not reserved, or has its outcome already",
                                    e);
    return wrong_line(s, "a record says reserved, programmed, failed or in-doubt", e);
}

static enum status read_line(struct scan *s, const char *line, off_t at, struct error *e)
{
    s->line++;
    line += strspn(line, " \t\r");
    if (*line == '\0' || *line == '#')
        return STATUS_OK;
    return isdigit((unsigned char)*line) ? read_record(s, line, at, e) : read_setting(s, line, e);
}

static enum status read_lines(struct scan *s, char *text, size_t size, struct error *e)
{
    for (size_t at = 0; at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        /* A user's own line may lack its end; of a record it means that it was cut off. */
        if (end == NULL && isdigit((unsigned char)text[at]))
            break;
        const size_t length = end != NULL ? (size_t)(end - (text + at)) : size - at;
        if (memchr(text + at, '\0', length) != NULL)
            return error_set(e, STATUS_INPUT, "%s: not a text file", s->ledger->path);
        text[at + length] = '\0';
        TRY(read_line(s, text + at, (off_t)at, e));
        at += length + (end != NULL ? 1 : 0);
    }
    return s->has_first ? STATUS_OK
                        : error_set(e, STATUS_INPUT, "%s: no counter: it lacks \"first = NUMBER\"",
                                    s->ledger->path);
}

/* The whole file, through the descriptor that bears the locks: to close another would end them. */
static enum status read_all(const struct ledger *l, char **text, size_t *size, struct error *e)
{
    struct stat info;
    if (fstat(l->fd, &info) != 0)
        return ledger_failed(l, "cannot be read", errno, e);
    *size = 0;
    *text = malloc((size_t)info.st_size + 1);
    if (*text == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: no memory for it", l->path);
    while (*size < (size_t)info.st_size) {
        const ssize_t got = pread(l->fd, *text + *size, (size_t)info.st_size - *size, (off_t)*size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ledger_failed(l, "cannot be read", errno, e);
        if (got == 0)
            break;
        *size += (size_t)got;
    }
    return STATUS_OK;
}

/* `s->open` is to be freed also after a failure. */
static enum status scan(const struct ledger *l, struct scan *s, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    *s = (struct scan){.ledger = l};
    enum status status = read_all(l, &text, &size, e);
    if (status == STATUS_OK)
        status = read_lines(s, text, size, e);
    free(text);
    return status;
}

static enum status next_number(const struct scan *s, uint64_t *out, struct error *e)
{
    *out = s->any ? s->highest + 1 : s->first;
    if (s->any && s->highest < s->first)
        *out = s->first;
    if ((!s->has_last || *out <= s->last) && (!s->any || s->highest != UINT64_MAX))
        return STATUS_OK;
    return error_set(e, STATUS_INPUT, "%s: no number is left: %" PRIu64 " was the last",
                     s->ledger->path, s->has_last ? s->last : s->highest);
}

static enum status entry_of(uint64_t number, struct ledger_entry *out, struct error *e)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    out->key = strdup(text);
    if (out->key == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for a serial number");
    return ledger_entry_add(out, "serial", text, e);
}

/* --- writing -------------------------------------------------------------------------------- */

/* One record, on disk when this returns. What could not be written whole is taken back. */
static enum status append(const struct ledger *l, const char *line, off_t *at, struct error *e)
{
    const off_t end = lseek(l->fd, 0, SEEK_END);
    const size_t size = strlen(line);
    ssize_t written;
    do
        written = write(l->fd, line, size);
    while (written < 0 && errno == EINTR);
    const int code = written < 0 ? errno : ENOSPC;
    if (written == (ssize_t)size) {
        if (at != NULL)
            *at = end;
        return fsync(l->fd) == 0 ? STATUS_OK : ledger_failed(l, "cannot be written", errno, e);
    }
    if (written > 0 && ftruncate(l->fd, end) != 0)
        return ledger_failed(l, "a record is cut off", errno, e); /* the next turn takes it away */
    return ledger_failed(l, "cannot be written", code, e);
}

/* The last line gets its end, or goes if it is a record that was cut off. */
static enum status mend_end(const struct ledger *l, struct error *e)
{
    char tail[512];
    const off_t end = lseek(l->fd, 0, SEEK_END);
    const off_t from = end > (off_t)sizeof tail ? end - (off_t)sizeof tail : 0;
    const ssize_t got = pread(l->fd, tail, sizeof tail, from);
    if (end < 0 || got < 0)
        return ledger_failed(l, "cannot be read", errno, e);
    size_t begin = (size_t)got;
    while (begin > 0 && tail[begin - 1] != '\n')
        begin--;
    if (begin == (size_t)got)
        return STATUS_OK;
    if (!isdigit((unsigned char)tail[begin]))
        return append(l, "\n", NULL, e);
    return ftruncate(l->fd, from + (off_t)begin) == 0
               ? STATUS_OK
               : ledger_failed(l, "cannot be written", errno, e);
}

static enum status record_doubts(const struct ledger *l, const struct scan *s, struct context *c,
                                 struct error *e)
{
    for (size_t i = 0; i < s->open_count; i++) {
        char line[96], key[24], now[LEDGER_TIME_SIZE];
        if (ledger_is_marked(l, s->open[i].at))
            continue;
        (void)snprintf(key, sizeof key, "%" PRIu64, s->open[i].number);
        (void)snprintf(line, sizeof line, "%s in-doubt %s\n", key, ledger_time(now));
        TRY(append(l, line, NULL, e));
        ledger_say_doubt(l, c, key);
    }
    return STATUS_OK;
}

/* --- the operations ------------------------------------------------------------------------- */

static enum status counter_peek(struct ledger *l, struct ledger_entry *out, struct error *e)
{
    struct scan s;
    uint64_t number = 0;
    enum status status = scan(l, &s, e);
    if (status == STATUS_OK)
        status = next_number(&s, &number, e);
    free(s.open);
    return status == STATUS_OK ? entry_of(number, out, e) : status;
}

static enum status reserve(struct ledger *l, const struct scan *s, struct context *c,
                           struct ledger_entry *out, struct error *e)
{
    char line[256], now[LEDGER_TIME_SIZE];
    uint64_t number;
    off_t at;
    TRY(mend_end(l, e));
    TRY(record_doubts(l, s, c, e));
    TRY(next_number(s, &number, e));
    TRY(entry_of(number, out, e));
    (void)snprintf(line, sizeof line, "%" PRIu64 " reserved %s %s\n", number, ledger_time(now),
                   l->device);
    TRY(append(l, line, &at, e));
    return ledger_mark(l, at, e);
}

static enum status counter_reserve(struct ledger *l, struct context *c, struct ledger_entry *out,
                                   struct error *e)
{
    struct scan s;
    enum status status = scan(l, &s, e);
    if (status == STATUS_OK)
        status = reserve(l, &s, c, out, e);
    free(s.open);
    return status;
}

static enum status counter_settle(struct ledger *l, const char *failure, struct error *e)
{
    char line[256], now[LEDGER_TIME_SIZE];
    TRY(mend_end(l, e));
    (void)snprintf(line, sizeof line, "%s %s %s%s%s %s\n", l->entry.key,
                   failure != NULL ? "failed" : "programmed", ledger_time(now),
                   failure != NULL ? " " : "", failure != NULL ? failure : "", l->device);
    return append(l, line, NULL, e);
}

const struct ledger_ops ledger_counter_ops = {
    .peek = counter_peek, .reserve = counter_reserve, .settle = counter_settle};
