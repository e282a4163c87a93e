/* Events as lines for a person. On a terminal a phase is a bar that is drawn over; elsewhere it is
 * one line when it ends, and one each ten seconds while it lasts. */
#include "text_sink.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "ispflash/part.h"
#include "ispflash/session.h"
#include "sums.h"
#include "text_units.h"

/* The verbosity from which on a thing is said. */
enum say {
    SAY_SYSTEM = -3, /* errors of the computer's side: files, ports, memory */
    SAY_ERROR = -2,
    SAY_WARNING = -1,
    SAY_INFO = 0,
    SAY_DETAIL = 1,
    SAY_DEBUG = 2,
    SAY_WIRE = 3
};

enum {
    REDRAW_US = 50000,
    PLAIN_LINE_US = 10000000,
    LABEL_WIDTH = 18,
    REST_WIDTH = 40, /* behind the bar: percentage, speed, time */
    BAR_MIN = 10,
    BAR_MAX = 50,
    WIRE_BYTES_PER_LINE = 16
};

static const char red[] = "31;1", yellow[] = "33", green[] = "32";

static bool says(const struct text_sink *s, enum say level)
{
    return s->options.verbosity >= (int)level;
}

/* --- lines ---------------------------------------------------------------------------------- */

/* Makes room for a line: what is drawn is wiped away, to be drawn again below. */
static void line_begin(struct text_sink *s)
{
    if (s->drawn)
        (void)fputs("\r\033[K", s->options.stream);
    s->drawn = false;
}

static void line_end(struct text_sink *s)
{
    (void)fputc('\n', s->options.stream);
    (void)fflush(s->options.stream);
}

static void put_colored(const struct text_sink *s, const char *color, const char *text)
{
    FILE *out = s->options.stream;
    if (s->options.color)
        (void)fprintf(out, "\033[%sm", color);
    text_put(out, text);
    if (s->options.color)
        (void)fputs("\033[0m", out);
}

/* "ispflash: warning: text" */
static void say_labelled(struct text_sink *s, const char *color, const char *label,
                         const char *text)
{
    line_begin(s);
    (void)fprintf(s->options.stream, "%s: ", s->options.program);
    if (color != NULL)
        put_colored(s, color, label);
    else
        (void)fputs(label, s->options.stream);
    (void)fputs(": ", s->options.stream);
    text_put(s->options.stream, text);
    line_end(s);
}

static void say(struct text_sink *s, const char *format, ...) PRINTF(2, 3);
static void say(struct text_sink *s, const char *format, ...)
{
    line_begin(s);
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(s->options.stream, format, arguments);
    va_end(arguments);
    line_end(s);
}

/* --- log, values, wire ---------------------------------------------------------------------- */

static void on_log(struct text_sink *s, enum log_level level, const char *text)
{
    switch (level) {
    case LOG_WARNING:
        if (says(s, SAY_WARNING))
            say_labelled(s, yellow, "warning", text);
        return;
    case LOG_NOTE:
        if (says(s, SAY_INFO))
            say_labelled(s, NULL, "note", text);
        return;
    case LOG_DETAIL:
    case LOG_DEBUG:
        if (!says(s, level == LOG_DETAIL ? SAY_DETAIL : SAY_DEBUG))
            return;
        line_begin(s);
        text_put(s->options.stream, text);
        line_end(s);
        return;
    }
}

/* Programs take the eight characters behind "signature = ", so these come in this form. */
static void show_signature(struct text_sink *s)
{
    s->signature_shown = true;
    say(s, "Device signature = %02X %02X %02X%s%s%s", s->signature[0], s->signature[1],
        s->signature[2], s->part[0] != '\0' ? " (" : "", s->part, s->part[0] != '\0' ? ")" : "");
}

static void on_signature(struct text_sink *s, const struct event *event)
{
    if (event->value.size != sizeof s->signature || event->value.bytes == NULL)
        return;
    memcpy(s->signature, event->value.bytes, sizeof s->signature);
    s->signature_known = true;
    (void)snprintf(s->part, sizeof s->part, "%s",
                   event->value.text != NULL ? event->value.text : "");
    if (says(s, s->options.as_avrdude ? SAY_DETAIL : SAY_INFO))
        show_signature(s);
}

static void on_value(struct text_sink *s, const struct event *event)
{
    if (strcmp(event->value.name, "signature") == 0) {
        on_signature(s, event);
        return;
    }
    if (strcmp(event->value.name, "chip") == 0 && event->value.text != NULL) {
        if (says(s, SAY_INFO))
            say(s, "Device has the %s", event->value.text);
        return;
    }
    if (!says(s, SAY_DETAIL))
        return;
    line_begin(s);
    FILE *out = s->options.stream;
    (void)fprintf(out, "%s:", event->value.name);
    if (event->value.text != NULL) {
        (void)fputc(' ', out);
        text_put(out, event->value.text);
    } else {
        for (size_t i = 0; i < event->value.size && event->value.bytes != NULL; i++)
            (void)fprintf(out, " 0x%02x", event->value.bytes[i]);
    }
    line_end(s);
}

static void on_wire(struct text_sink *s, const struct event *event)
{
    if (!says(s, SAY_WIRE))
        return;
    for (size_t i = 0; i < event->wire.size; i += WIRE_BYTES_PER_LINE) {
        line_begin(s);
        (void)fputs(event->wire.to_device ? "  >" : "  <", s->options.stream);
        for (size_t j = i; j < event->wire.size && j < i + WIRE_BYTES_PER_LINE; j++)
            (void)fprintf(s->options.stream, " %02x", event->wire.bytes[j]);
        line_end(s);
    }
}

static void on_mismatch(struct text_sink *s, const struct event *event)
{
    if (says(s, SAY_DEBUG))
        say(s, "%s 0x%04" PRIx32 ": wanted 0x%02x, found 0x%02x", event->mismatch.memory->name,
            event->mismatch.address, event->mismatch.wanted, event->mismatch.found);
}

/* --- phases --------------------------------------------------------------------------------- */

/* A byte or two needs no line of its own: the summary tells what became of a fuse. */
static bool is_counted(const struct event *event)
{
    return event->progress.memory != NULL && event->progress.total > 1;
}

/* What is said of this phase at all: the chip's part in it, unless the user wants every step. */
static bool phase_is_told(const struct text_sink *s, const struct event *event)
{
    if (s->options.progress == PROGRESS_NONE || s->options.quell)
        return false;
    return says(s, is_counted(event) || event->progress.step == STEP_ERASE ? SAY_INFO : SAY_DETAIL);
}

static bool draws(const struct text_sink *s, const struct event *event)
{
    return s->options.terminal && s->options.progress == PROGRESS_AUTO && is_counted(event);
}

static unsigned percent_of(const struct event *event)
{
    return (unsigned)((uint64_t)event->progress.done * 100 / event->progress.total);
}

static uint64_t time_left_us(const struct event *event)
{
    if (event->progress.done == 0)
        return 0;
    return (uint64_t)((double)event->progress.elapsed_us / event->progress.done *
                      (event->progress.total - event->progress.done));
}

/* "Writing flash      [#####     ]  50%  3.1 kB/s  1.2 s left" */
static void draw_bar(struct text_sink *s, const struct event *event, const char *tail)
{
    char label[TEXT_UNIT_SIZE], rate[TEXT_UNIT_SIZE], bar[BAR_MAX + 1];
    const unsigned columns = s->options.columns > 0 ? s->options.columns : 80;
    unsigned width = columns > LABEL_WIDTH + REST_WIDTH ? columns - LABEL_WIDTH - REST_WIDTH : 0;
    width = width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
    const unsigned percent = percent_of(event), filled = width * percent / 100;
    memset(bar, '#', filled);
    memset(bar + filled, ' ', width - filled);
    bar[width] = '\0';
    line_begin(s);
    (void)fprintf(s->options.stream, "%-*s [%s] %3u%%  %s  %s", LABEL_WIDTH,
                  text_step(event->progress.step, event->progress.memory, label), bar, percent,
                  text_rate(event->progress.done, event->progress.elapsed_us, rate), tail);
    (void)fflush(s->options.stream);
    s->drawn = true;
    s->drawn_percent = percent;
    s->drawn_us = event->time_us;
}

static void on_begin(struct text_sink *s, const struct event *event)
{
    s->drawn_us = event->time_us;
    if (phase_is_told(s, event) && draws(s, event))
        draw_bar(s, event, "");
}

static void on_progress(struct text_sink *s, const struct event *event)
{
    if (!is_counted(event) || !phase_is_told(s, event))
        return;
    char label[TEXT_UNIT_SIZE], left[TEXT_UNIT_SIZE], tail[TEXT_UNIT_SIZE + 8];
    const uint64_t since_us = event->time_us - s->drawn_us;
    const unsigned percent = percent_of(event);
    (void)text_duration(time_left_us(event), left);
    if (draws(s, event)) {
        if (s->drawn && (since_us < REDRAW_US || percent == s->drawn_percent))
            return;
        (void)snprintf(tail, sizeof tail, "%s left", left);
        draw_bar(s, event, tail);
    } else if (since_us >= PLAIN_LINE_US) {
        say(s, "%s: %u%%, %" PRIu32 " of %" PRIu32 " bytes, %s left",
            text_step(event->progress.step, event->progress.memory, label), percent,
            event->progress.done, event->progress.total, left);
        s->drawn_us = event->time_us;
    }
}

/* "Writing flash: 4096 bytes in 1.30 s, 3.1 kB/s" */
static void say_phase_end(struct text_sink *s, const struct event *event)
{
    char label[TEXT_UNIT_SIZE], time[TEXT_UNIT_SIZE], rate[TEXT_UNIT_SIZE];
    (void)text_step(event->progress.step, event->progress.memory, label);
    (void)text_duration(event->progress.elapsed_us, time);
    (void)text_rate(event->progress.done, event->progress.elapsed_us, rate);
    const bool counted = is_counted(event), done = event->progress.status == STATUS_OK;
    if (!counted)
        say(s, "%s: %s %s", label, done ? "done in" : "stopped after", time);
    else if (!done)
        say(s, "%s: stopped after %" PRIu32 " of %" PRIu32 " bytes, %s", label,
            event->progress.done, event->progress.total, time);
    else
        say(s, "%s: %" PRIu32 " bytes in %s%s%s", label, event->progress.done, time,
            rate[0] != '\0' ? ", " : "", rate);
}

static void on_end(struct text_sink *s, const struct event *event)
{
    if (!phase_is_told(s, event))
        return;
    if (!draws(s, event)) {
        say_phase_end(s, event);
        return;
    }
    char time[TEXT_UNIT_SIZE], tail[TEXT_UNIT_SIZE + 16];
    (void)snprintf(tail, sizeof tail, "%s%s",
                   event->progress.status == STATUS_OK ? "" : "stopped after ",
                   text_duration(event->progress.elapsed_us, time));
    draw_bar(s, event, tail);
    s->drawn = false;
    line_end(s);
}

/* --- the end -------------------------------------------------------------------------------- */

/* "  lfuse 0x62 -> 0xff" */
static void say_byte_report(struct text_sink *s, const struct memory_report *m)
{
    const char *name = m->memory->name;
    if (m->written > 0 && m->has_before && m->has_after && m->before != m->after)
        say(s, "  %s 0x%02x -> 0x%02x", name, m->before, m->after);
    else if (m->written > 0 && m->has_after)
        say(s, "  %s 0x%02x%s", name, m->after, m->has_before ? ", as it was" : "");
    else if ((m->read > 0 || m->verified > 0) && m->has_before)
        say(s, "  %s 0x%02x", name, m->before);
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static void say_hash(struct text_sink *s, const struct memory_report *m)
{
    const struct image *proven = m->proven;
    struct sums sums;
    if (proven != NULL && !image_empty(proven) &&
        sums_of(proven, image_low(proven), image_end(proven), &sums))
        say(s, "  SHA-256 of 0x%" PRIx32 "-0x%" PRIx64 " of %s: %s", image_low(proven),
            image_end(proven) - 1, m->memory->name, sums.sha256);
}

static void say_memory_report(struct text_sink *s, const struct memory_report *m)
{
    const char *name = m->memory->name;
    if (m->memory->kind == MEMORY_FUSE || m->memory->kind == MEMORY_LOCK) {
        say_byte_report(s, m);
        return;
    }
    if (m->read > 0)
        say(s, "  %" PRIu32 " byte%s of %s read", m->read, plural(m->read), name);
    if (m->written > 0 && m->skipped == 0)
        say(s, "  %" PRIu32 " byte%s of %s written", m->written, plural(m->written), name);
    else if (m->written > 0)
        say(s, "  %" PRIu32 " byte%s of %s written, %" PRIu32 " of them there already", m->written,
            plural(m->written), name, m->skipped);
    if (m->verified > 0)
        say(s, "  %" PRIu32 " byte%s of %s verified", m->verified, plural(m->verified), name);
    if (says(s, SAY_DETAIL))
        say_hash(s, m);
}

static void on_report(struct text_sink *s, const struct report *report)
{
    if (!says(s, SAY_INFO))
        return;
    char time[TEXT_UNIT_SIZE];
    line_begin(s);
    put_colored(s, green, "Done");
    (void)fprintf(s->options.stream, " in %s: %s via %s", text_duration(report->elapsed_us, time),
                  report->part != NULL ? report->part->name : "unknown chip", report->programmer);
    line_end(s);
    if (report->erased)
        say(s, "  chip erased");
    for (size_t i = 0; i < report->memory_count; i++)
        say_memory_report(s, &report->memories[i]);
    if (s->options.as_avrdude) /* what some programs wait for */
        say(s, "\n%s done.  Thank you.", s->options.program);
}

/* True for what the computer refused, false for what the chip, the programmer or the user did. */
static bool is_system(enum status code)
{
    switch (code) {
    case STATUS_INTERNAL:
    case STATUS_NO_MEMORY:
    case STATUS_INPUT:
    case STATUS_OUTPUT:
    case STATUS_NO_DEVICE:
    case STATUS_PERMISSION:
    case STATUS_BUSY:
    case STATUS_LINK:
        return true;
    case STATUS_OK:
    case STATUS_USAGE:
    case STATUS_SILENT:
    case STATUS_NO_TARGET:
    case STATUS_SIGNATURE:
    case STATUS_PROTECTED:
    case STATUS_REFUSED:
    case STATUS_VERIFY:
    case STATUS_UNVERIFIED:
    case STATUS_TIMEOUT:
    case STATUS_UNSUPPORTED:
    case STATUS_SEVERAL:
    case STATUS_CANCELLED:
    case STATUS_COUNT:
        break;
    }
    return false;
}

/* "  hint: ...", further lines of `text` below the first. */
static void say_lines(struct text_sink *s, const char *label, const char *text)
{
    const int width = (int)strlen(label);
    for (bool first = true; *text != '\0'; first = false) {
        char line[sizeof((struct error *)0)->hint];
        const size_t length = strcspn(text, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)length, text);
        (void)fprintf(s->options.stream, "  %*s%c ", width, first ? label : "", first ? ':' : ' ');
        text_put(s->options.stream, line);
        line_end(s);
        text += length + (text[length] == '\n' ? 1 : 0);
    }
}

void text_sink_error(struct text_sink *s, const struct error *error)
{
    if (!says(s, is_system(error->code) ? SAY_SYSTEM : SAY_ERROR))
        return;
    if (error->code == STATUS_SIGNATURE && s->signature_known && !s->signature_shown)
        show_signature(s);
    char text[sizeof error->text + 32];
    (void)snprintf(text, sizeof text, "%s [%s]", error->text, error_status_name(error->code));
    say_labelled(s, red, "error", text);
    say_lines(s, "state", error->state);
    say_lines(s, "hint", error->hint);
}

static void text_sink_emit(struct sink *self, const struct event *event)
{
    struct text_sink *s = (struct text_sink *)self;
    switch (event->kind) {
    case EVENT_LOG:
        on_log(s, event->log.level, event->log.text);
        return;
    case EVENT_BEGIN:
        on_begin(s, event);
        return;
    case EVENT_PROGRESS:
        on_progress(s, event);
        return;
    case EVENT_END:
        on_end(s, event);
        return;
    case EVENT_VALUE:
        on_value(s, event);
        return;
    case EVENT_MISMATCH:
        on_mismatch(s, event);
        return;
    case EVENT_WIRE:
        on_wire(s, event);
        return;
    case EVENT_REPORT:
        on_report(s, event->report);
        return;
    case EVENT_ERROR:
        text_sink_error(s, event->error);
        return;
    }
}

void text_sink_init(struct text_sink *s, const struct text_options *options)
{
    *s = (struct text_sink){.sink = {.emit = text_sink_emit}, .options = *options};
}
