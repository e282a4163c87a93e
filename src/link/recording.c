/* The file of a recording, and the order of its events. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recording_link.h"

static const char first_line[] = "ispflash-recording 1";

enum { FILE_SIZE_MAX = 256 << 20, SHOWN_BYTES = 12 };

/* --- time -----------------------------------------------------------------------------------

A run decides by the clock: how long to wait, whether to ask if the chip is ready. To make the same
decisions when it is played, it may see no other times than those in the file: while it is recorded,
too, its clock stands still between events, but for what it sleeps. */

static uint64_t real_now(void)
{
    return clock_system()->now_us(clock_system());
}

static uint64_t clock_now(struct clock *clock)
{
    return ((struct recording *)clock)->now_us;
}

static void clock_sleep(struct clock *clock, uint64_t us)
{
    struct recording *r = (struct recording *)clock;
    if (!r->plays)
        clock_system()->sleep_us(clock_system(), us);
    r->now_us += us;
}

static enum status new_recording(const char *path, bool plays, struct recording **out,
                                 struct error *e)
{
    struct recording *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->path = strdup(path);
    if (r == NULL || r->path == NULL) {
        free(r);
        return error_set(e, STATUS_NO_MEMORY, "no memory for the recording");
    }
    r->clock = (struct clock){.now_us = clock_now, .sleep_us = clock_sleep};
    r->now_us = plays ? 0 : real_now();
    r->plays = plays;
    *out = r;
    return STATUS_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

static void put_text(FILE *file, const char *text)
{
    (void)fputs(" \"", file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || !isprint((unsigned char)*text))
            (void)fprintf(file, "\\x%02x", (unsigned char)*text);
        else
            (void)fputc(*text, file);
    }
    (void)fputc('"', file);
}

void record(struct context *c, struct record_event event, enum status status, const struct error *e)
{
    struct recording *r = c->recording;
    FILE *file = r->file;
    r->now_us = event.time_us != 0 ? event.time_us : real_now();
    if (status != STATUS_OK) {
        event.texts[0] = error_status_name(status);
        event.texts[1] = e->text;
        event.text_count = 2;
        event.failed = true;
    }
    (void)fprintf(file, "%llu %s", (unsigned long long)(r->now_us - c->begin_us), event.kind);
    for (unsigned i = 0; i < event.number_count; i++)
        (void)fprintf(file, " %lx", event.numbers[i]);
    if (event.bytes != NULL)
        (void)fputs(" :", file);
    for (size_t i = 0; event.bytes != NULL && i < event.size; i++)
        (void)fprintf(file, "%02x", event.bytes[i]);
    if (event.failed)
        (void)fputs(" !", file);
    for (unsigned i = 0; i < event.text_count; i++)
        put_text(file, event.texts[i]);
    (void)fputc('\n', file);
}

enum status recording_create(const char *path, const char *title, struct recording **out,
                             struct error *e)
{
    struct recording *r = NULL;
    TRY(new_recording(path, false, &r, e));
    r->file = fopen(path, "we");
    if (r->file == NULL) {
        (void)error_set(e, STATUS_OUTPUT, "%s: %s", path, strerror(errno));
        free(r->path);
        free(r);
        return STATUS_OUTPUT;
    }
    (void)fprintf(r->file, "%s\n# %s\n", first_line, title);
    *out = r;
    return STATUS_OK;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum status wrong(const struct recording *r, unsigned line, const char *what,
                         struct error *e)
{
    return error_set(e, STATUS_INPUT, "%s:%u: %s", r->path, line, what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ":3020" becomes two bytes where it stood; *at moves behind it. */
static bool read_bytes(char **at, struct record_event *event)
{
    char *from = *at + 1;
    uint8_t *to = (uint8_t *)*at;
    event->bytes = to;
    while (hex_digit(from[0]) >= 0 && hex_digit(from[1]) >= 0) {
        *to++ = (uint8_t)(hex_digit(from[0]) << 4 | hex_digit(from[1]));
        from += 2;
    }
    event->size = (size_t)(to - event->bytes);
    *at = from;
    return *from == ' ' || *from == '\0';
}

static bool read_text(char **at, struct record_event *event)
{
    char *from = *at + 1, *to = *at;
    if (event->text_count == RECORD_TEXTS)
        return false;
    event->texts[event->text_count++] = to;
    while (*from != '"' && *from != '\0') {
        if (from[0] == '\\' && from[1] == 'x' && hex_digit(from[2]) >= 0 &&
            hex_digit(from[3]) >= 0) {
            *to++ = (char)(hex_digit(from[2]) << 4 | hex_digit(from[3]));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    if (*from != '"')
        return false;
    *at = from + 1;
    *to = '\0';
    return **at == ' ' || **at == '\0';
}

static bool read_number(char **at, struct record_event *event)
{
    char *end;
    if (event->number_count == RECORD_NUMBERS || hex_digit(**at) < 0)
        return false;
    event->numbers[event->number_count++] = strtoul(*at, &end, 16);
    *at = end;
    return **at == ' ' || **at == '\0';
}

/* What stands behind a blank. */
static bool read_item(char **at, struct record_event *event)
{
    if (**at == ':')
        return read_bytes(at, event);
    if (**at == '"')
        return read_text(at, event);
    if (**at != '!')
        return read_number(at, event);
    event->failed = true;
    ++*at;
    return **at == ' ';
}

static bool read_event(char *line, struct record_event *event)
{
    char *at;
    if (!isdigit((unsigned char)line[0]))
        return false;
    event->time_us = strtoull(line, &at, 10);
    if (*at++ != ' ')
        return false;
    const size_t length = strcspn(at, " ");
    if (length == 0 || length >= sizeof event->kind)
        return false;
    memcpy(event->kind, at, length);
    at += length;
    while (*at == ' ') {
        at++;
        if (!read_item(&at, event))
            return false;
    }
    return *at == '\0' && (!event->failed || event->text_count == 2);
}

static enum status read_lines(struct recording *r, struct error *e)
{
    unsigned line = 0;
    size_t lines = 1;
    for (const char *c = r->data; *c != '\0'; c++)
        lines += *c == '\n';
    r->events = calloc(lines, sizeof *r->events);
    if (r->events == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the recording");
    for (char *at = r->data, *next; at != NULL && *at != '\0'; at = next) {
        next = strchr(at, '\n');
        if (next != NULL)
            *next++ = '\0';
        line++;
        if (line == 1 && strcmp(at, first_line) != 0)
            return wrong(r, line, "not a recording of this version of ispflash", e);
        if (line == 1 || *at == '#')
            continue;
        struct record_event *event = &r->events[r->count++];
        event->line = line;
        if (!read_event(at, event))
            return wrong(r, line, "not an event of a recording", e);
        if (next == NULL)
            return wrong(r, line, "the recording is cut short", e);
    }
    return line > 0 ? STATUS_OK : wrong(r, 1, "an empty file", e);
}

static enum status read_file(struct recording *r, struct error *e)
{
    FILE *file = fopen(r->path, "re");
    if (file == NULL)
        return error_set(e, STATUS_INPUT, "%s: %s", r->path, strerror(errno));
    size_t capacity = 0;
    const ssize_t size = getdelim(&r->data, &capacity, '\0', file); /* text has no zero */
    const int failed = ferror(file) ? errno : 0;
    (void)fclose(file); /* read only: nothing can be lost */
    if (failed != 0)
        return error_set(e, STATUS_INPUT, "%s: %s", r->path, strerror(failed));
    if (size <= 0)
        return wrong(r, 1, "an empty file", e);
    if (size > FILE_SIZE_MAX)
        return wrong(r, 1, "too long for a recording", e);
    return read_lines(r, e);
}

static void free_recording(struct recording *r)
{
    free(r->events);
    free(r->data);
    free(r->path);
    free(r);
}

enum status recording_open(const char *path, struct recording **out, struct error *e)
{
    struct recording *r = NULL;
    TRY(new_recording(path, true, &r, e));
    const enum status status = read_file(r, e);
    if (status != STATUS_OK) {
        free_recording(r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

struct clock *recording_clock(struct recording *r)
{
    return &r->clock;
}

/* --- playing -------------------------------------------------------------------------------- */

const char *record_bytes_text(const uint8_t *bytes, size_t size, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < size && i < SHOWN_BYTES; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%02x", i > 0 ? " " : "", bytes[i]);
    if (size > SHOWN_BYTES)
        (void)snprintf(out + used, capacity - used, " ...");
    return out;
}

static bool is_answer(const struct record_event *event)
{
    return strcmp(event->kind, "in") == 0 || strcmp(event->kind, "done") == 0 ||
           strcmp(event->kind, "idle") == 0;
}

/* Where the events begin that are not used up yet. */
static size_t first_left(struct recording *r)
{
    while (r->first < r->count && r->events[r->first].used)
        r->first++;
    return r->first;
}

static struct record_event *next_command(struct recording *r)
{
    for (size_t i = first_left(r); i < r->count; i++)
        if (!r->events[i].used && !is_answer(&r->events[i]))
            return &r->events[i];
    return NULL;
}

enum status replay_differs(struct recording *r, const struct record_event *event, const char *what,
                           struct error *e)
{
    char bytes[64] = "", place[64] = "at its end";
    r->differs = true;
    if (event != NULL && event->bytes != NULL)
        (void)record_bytes_text(event->bytes + event->taken, event->size - event->taken, bytes,
                                sizeof bytes);
    if (event != NULL)
        (void)snprintf(place, sizeof place, "in line %u, at %.6f s", event->line,
                       (double)event->time_us / 1e6);
    (void)error_set(e, STATUS_INPUT, "the run goes another way than %s %s: it %s", r->path, place,
                    what);
    if (event != NULL)
        error_hint(e, "recorded is: %s %s", event->kind, bytes);
    error_hint(e, "the first lines of the recording tell its command and version; are the files "
                  "still those?");
    return STATUS_INPUT;
}

enum status replay_expect(struct recording *r, const char *kind, const char *what,
                          struct record_event **out, struct error *e)
{
    *out = next_command(r);
    if (*out == NULL || strcmp((*out)->kind, kind) != 0)
        return replay_differs(r, *out, what, e);
    return STATUS_OK;
}

struct record_event *replay_answer(struct recording *r)
{
    const size_t first = first_left(r);
    return first < r->count && is_answer(&r->events[first]) ? &r->events[first] : NULL;
}

static enum status status_of_name(const char *name)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (strcmp(error_status_name((enum status)i), name) == 0)
            return (enum status)i;
    return STATUS_LINK;
}

enum status replay_use(struct recording *r, struct record_event *event, struct error *e)
{
    event->used = true;
    if (event->time_us > r->now_us)
        r->now_us = event->time_us;
    if (!event->failed)
        return STATUS_OK;
    return error_set(e, status_of_name(event->texts[0]), "%s", event->texts[1]);
}

enum status replay_command(struct recording *r, const char *kind, const unsigned long *numbers,
                           unsigned count, struct error *e)
{
    struct record_event *event;
    char what[80];
    if (r->differs)
        return STATUS_OK;
    int used = snprintf(what, sizeof what, "gives the command %s", kind);
    for (unsigned i = 0; i < count && used > 0 && (size_t)used < sizeof what; i++)
        used += snprintf(what + used, sizeof what - (size_t)used, " %lx", numbers[i]);
    TRY(replay_expect(r, kind, what, &event, e));
    for (unsigned i = 0; i < count; i++)
        if (event->number_count <= i || event->numbers[i] != numbers[i])
            return replay_differs(r, event, what, e);
    return replay_use(r, event, e);
}

/* --- the end -------------------------------------------------------------------------------- */

static enum status end_replay(struct recording *r, struct error *e)
{
    const struct record_event *left = next_command(r);
    if (left == NULL || r->differs)
        return STATUS_OK;
    return replay_differs(r, left, "ends", e);
}

static enum status end_record(struct recording *r, struct error *e)
{
    const bool complete = !ferror(r->file);
    if (fclose(r->file) == 0 && complete)
        return STATUS_OK;
    return error_set(e, STATUS_OUTPUT, "%s: %s", r->path, strerror(errno));
}

enum status recording_close(struct recording *r, struct error *e)
{
    if (r == NULL)
        return STATUS_OK;
    const enum status status = r->plays ? end_replay(r, e) : end_record(r, e);
    free_recording(r);
    return status;
}
