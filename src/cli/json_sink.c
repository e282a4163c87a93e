/* Events as JSON, one object a line. */
#include "json_sink.h"

#include <stdlib.h>
#include <string.h>

#include "ispflash/part.h"
#include "ispflash/session.h"
#include "sums.h"

enum { PROGRESS_US = 100000 };

/* --- pieces --------------------------------------------------------------------------------- */

json_t *json_begin(const char *event)
{
    return json_pack("{s:i, s:s}", "schema", JSON_SCHEMA, "event", event);
}

json_t *json_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    if (text == NULL)
        return json_null();
    json_t *whole = json_string(text);
    if (whole != NULL)
        return whole;
    char *clean = calloc(strlen(text) + 1, sizeof replacement - 1);
    size_t used = 0;
    for (const char *c = text; clean != NULL && *c != '\0'; c++) {
        const bool ascii = (unsigned char)*c < 0x80;
        memcpy(clean + used, ascii ? c : replacement, ascii ? 1 : sizeof replacement - 1);
        used += ascii ? 1 : sizeof replacement - 1;
    }
    whole = clean != NULL ? json_stringn(clean, used) : NULL;
    free(clean);
    return whole;
}

json_t *json_bytes(const uint8_t *bytes, size_t size)
{
    json_t *array = json_array();
    for (size_t i = 0; bytes != NULL && i < size; i++)
        (void)json_array_append_new(array, json_integer(bytes[i]));
    return array;
}

json_t *json_lines(const char *text)
{
    json_t *array = json_array();
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        char line[sizeof((struct error *)0)->hint];
        (void)snprintf(line, sizeof line, "%.*s", (int)length, text);
        (void)json_array_append_new(array, json_text(line));
        text += length + (text[length] == '\n' ? 1 : 0);
    }
    return array;
}

void json_line(FILE *out, json_t *object)
{
    if (object == NULL || json_dumpf(object, out, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        (void)fprintf(out, "{\"schema\":%d,\"event\":\"lost\"}", JSON_SCHEMA); /* no memory */
    (void)fputc('\n', out);
    (void)fflush(out);
    json_decref(object);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, json_text(text));
}

static void set_number(json_t *object, const char *key, uint64_t number)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)number));
}

/* --- events --------------------------------------------------------------------------------- */

static json_t *on_log(const struct json_sink *s, const struct event *event)
{
    static const char *const levels[] = {[LOG_WARNING] = "warning",
                                         [LOG_NOTE] = "note",
                                         [LOG_DETAIL] = "detail",
                                         [LOG_DEBUG] = "debug"};
    if ((event->log.level == LOG_DETAIL && s->options.verbosity < 1) ||
        (event->log.level == LOG_DEBUG && s->options.verbosity < 2))
        return NULL;
    json_t *o = json_begin("log");
    set_text(o, "level", levels[event->log.level]);
    set_text(o, "text", event->log.text);
    return o;
}

static json_t *on_step(struct json_sink *s, const struct event *event, const char *name)
{
    const struct memory *m = event->progress.memory;
    if (event->kind == EVENT_PROGRESS &&
        (!s->options.progress || event->time_us - s->told_us < PROGRESS_US))
        return NULL;
    s->told_us = event->time_us;
    json_t *o = json_begin(name);
    set_text(o, "step", event_step_name(event->progress.step));
    set_text(o, "memory", m != NULL ? m->name : NULL);
    set_number(o, "done", event->progress.done);
    set_number(o, "total", event->progress.total);
    if (event->kind != EVENT_BEGIN)
        set_number(o, "elapsed_us", event->progress.elapsed_us);
    if (event->kind == EVENT_END)
        set_text(o, "status", error_status_name(event->progress.status));
    return o;
}

static json_t *on_value(const struct event *event)
{
    json_t *o = json_begin("value");
    set_text(o, "name", event->value.name);
    set_text(o, "text", event->value.text);
    if (event->value.bytes != NULL)
        (void)json_object_set_new(o, "bytes", json_bytes(event->value.bytes, event->value.size));
    return o;
}

static json_t *on_mismatch(const struct event *event)
{
    json_t *o = json_begin("mismatch");
    set_text(o, "memory", event->mismatch.memory->name);
    set_number(o, "address", event->mismatch.address);
    set_number(o, "wanted", event->mismatch.wanted);
    set_number(o, "found", event->mismatch.found);
    return o;
}

static json_t *on_wire(const struct json_sink *s, const struct event *event)
{
    if (s->options.verbosity < 3)
        return NULL;
    json_t *o = json_begin("wire");
    set_text(o, "direction", event->wire.to_device ? "out" : "in");
    (void)json_object_set_new(o, "bytes", json_bytes(event->wire.bytes, event->wire.size));
    return o;
}

/* A hash of the bytes that were read back, as a raw file of them has. */
static void set_proven(json_t *o, const struct image *proven)
{
    struct sums sums;
    if (proven == NULL || image_empty(proven) ||
        !sums_of(proven, image_low(proven), image_end(proven), &sums))
        return;
    set_number(o, "first", image_low(proven));
    set_number(o, "last", image_end(proven) - 1);
    set_text(o, "sha256", sums.sha256);
}

static json_t *memory_report(const struct memory_report *m)
{
    json_t *o = json_object();
    set_text(o, "name", m->memory->name);
    set_number(o, "read", m->read);
    set_number(o, "written", m->written);
    set_number(o, "skipped", m->skipped);
    set_number(o, "verified", m->verified);
    set_number(o, "read_us", m->read_us);
    set_number(o, "write_us", m->write_us);
    set_number(o, "verify_us", m->verify_us);
    set_proven(o, m->proven);
    if (m->has_before)
        set_number(o, "before", m->before);
    if (m->has_after)
        set_number(o, "after", m->after);
    return o;
}

static json_t *on_report(const struct report *report)
{
    json_t *o = json_begin("report"), *memories = json_array();
    set_text(o, "programmer", report->programmer);
    set_text(o, "part", report->part != NULL ? report->part->name : NULL);
    (void)json_object_set_new(
        o, "signature", report->signature_known ? json_bytes(report->signature, 3) : json_null());
    (void)json_object_set_new(o, "erased", json_boolean(report->erased));
    set_number(o, "elapsed_us", report->elapsed_us);
    set_number(o, "mismatches", report->mismatches);
    for (size_t i = 0; i < report->memory_count; i++)
        (void)json_array_append_new(memories, memory_report(&report->memories[i]));
    (void)json_object_set_new(o, "memories", memories);
    return o;
}

json_t *json_error_event(const struct error *error)
{
    json_t *o = json_begin("error");
    set_text(o, "class", error_status_name(error->code));
    set_number(o, "exit_status", (uint64_t)error_exit_code(error->code));
    set_text(o, "text", error->text);
    set_text(o, "state", error->state);
    (void)json_object_set_new(o, "hints", json_lines(error->hint));
    return o;
}

/* NULL for what is not told. */
static json_t *object_of(struct json_sink *s, const struct event *event)
{
    switch (event->kind) {
    case EVENT_LOG:
        return on_log(s, event);
    case EVENT_BEGIN:
        return on_step(s, event, "begin");
    case EVENT_PROGRESS:
        return on_step(s, event, "progress");
    case EVENT_END:
        return on_step(s, event, "end");
    case EVENT_VALUE:
        return on_value(event);
    case EVENT_MISMATCH:
        return on_mismatch(event);
    case EVENT_WIRE:
        return on_wire(s, event);
    case EVENT_REPORT:
        return on_report(event->report);
    case EVENT_ERROR:
        return json_error_event(event->error);
    }
    return NULL;
}

static void json_sink_emit(struct sink *self, const struct event *event)
{
    struct json_sink *s = (struct json_sink *)self;
    json_t *o = object_of(s, event);
    if (o == NULL)
        return;
    set_number(o, "time_us", event->time_us);
    json_line(s->options.stream, o);
}

void json_sink_init(struct json_sink *s, const struct json_options *options)
{
    *s = (struct json_sink){.sink = {.emit = json_sink_emit}, .options = *options};
}
