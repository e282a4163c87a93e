/* What a person, or a program, sees of a gang: on a terminal a line for each board that is drawn
 * over, with what they say above it; elsewhere what they say, each line with its board in front; as
 * JSON their events with the key "device". At the end, one line a board. */
#include "gang_view.h"

#include <inttypes.h>
#include <string.h>

#include "text_units.h"

enum { REDRAW_US = 100000, BAR_WIDTH = 20, LINE_SIZE = 256 };

static const char red[] = "31;1", green[] = "32";

void gang_view_init(struct gang_view *v, const struct cli *cli, const struct gang_board *boards,
                    size_t count)
{
    const struct settings *s = &cli->settings;
    const struct text_options *text = &cli->sink.options;
    *v = (struct gang_view){
        .out = s->json ? cli->json.options.stream : text->stream,
        .json = s->json,
        .live = !s->json && text->terminal && s->progress == PROGRESS_AUTO && !text->quell &&
                (cli->around->rows == 0 || count + 2 < cli->around->rows),
        .summary = s->json || text->verbosity >= 0,
        .color = text->color,
        .columns = text->columns > 0 ? text->columns : 80,
    };
    for (size_t i = 0; i < count; i++) {
        const int width = (int)strlen(boards[i].port);
        v->width = width > v->width ? width : v->width;
    }
}

/* --- what boards say ------------------------------------------------------------------------ */

/* Takes away what is drawn. */
static void wipe(struct gang_view *v)
{
    if (v->drawn > 0)
        (void)fprintf(v->out, "\033[%zuA\033[J", v->drawn);
    v->stale = v->stale || v->drawn > 0;
    v->drawn = 0;
}

void gang_view_say(struct gang_view *v, const struct gang_board *b, const char *line)
{
    wipe(v);
    (void)fprintf(v->out, "[%-*s] %s\n", v->width, b->port, line);
    (void)fflush(v->out);
}

void gang_view_event(struct gang_view *v, const struct gang_board *b, const json_t *event)
{
    json_t *told, *value;
    const char *key;
    if (!v->json)
        return;
    told = json_object();
    (void)json_object_set(told, "schema", json_object_get(event, "schema"));
    (void)json_object_set(told, "event", json_object_get(event, "event"));
    (void)json_object_set_new(told, "device", json_text(b->port));
    json_object_foreach((json_t *)event, key, value)(void) json_object_set(told, key, value);
    json_line(v->out, told);
}

void gang_view_lost(struct gang_view *v, const struct cli *cli, const struct gang_board *b,
                    uint64_t time_us)
{
    struct error e;
    (void)error_set(&e, b->status, "%s: %s", b->port, b->text);
    error_state(&e, "nobody can say what the chip holds");
    error_hint(&e, "do this board again; if the programmer does not answer, unplug it first");
    wipe(v);
    if (!v->json) {
        cli_error(cli, &e);
        return;
    }
    json_t *told = json_error_event(&e);
    (void)json_object_set_new(told, "time_us", json_integer((json_int_t)time_us));
    gang_view_event(v, b, told);
    json_decref(told);
}

/* --- a line a board ------------------------------------------------------------------------- */

static void put_colored(const struct gang_view *v, const char *color, const char *text)
{
    if (v->color)
        (void)fprintf(v->out, "\033[%sm%s\033[0m", color, text);
    else
        (void)fputs(text, v->out);
}

static void draw_board(const struct gang_view *v, const struct gang_board *b)
{
    char line[LINE_SIZE], bar[BAR_WIDTH + 1] = "";
    const unsigned percent = b->total > 0 ? (unsigned)((uint64_t)b->done * 100 / b->total) : 0;
    const int room = (int)v->columns - v->width - 3;
    if (b->pid == 0 && b->status == STATUS_OK) {
        put_colored(v, green, "done");
        return;
    }
    if (b->pid == 0) {
        put_colored(v, red, error_status_name(b->status));
        return;
    }
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', BAR_WIDTH * percent / 100);
    if (b->total > 1)
        (void)snprintf(line, sizeof line, "%-16s [%s] %3u%%", b->doing, bar, percent);
    else
        (void)snprintf(line, sizeof line, "%s", b->doing);
    (void)fprintf(v->out, "%.*s", room > 0 ? room : 0, line);
}

void gang_view_draw(struct gang_view *v, const struct gang_board *boards, size_t count,
                    uint64_t now_us, bool at_once)
{
    if (!v->live || (!at_once && (!v->stale || now_us - v->drawn_us < REDRAW_US)))
        return;
    wipe(v);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(v->out, "%-*.*s  ", v->width, (int)v->columns - 1, boards[i].port);
        draw_board(v, &boards[i]);
        (void)fputc('\n', v->out);
    }
    (void)fflush(v->out);
    v->drawn = count;
    v->drawn_us = now_us;
    v->stale = false;
}

/* --- the end -------------------------------------------------------------------------------- */

/* "  usb:1-2  ATmega328P   1e 95 0f  ok                  2.31 s  serial=1042" */
static void put_row(const struct gang_view *v, const struct gang_board *b)
{
    enum { RESULT_WIDTH = 18 };
    char time[TEXT_UNIT_SIZE], signature[12] = "-";
    const char *result = b->status == STATUS_OK ? "ok" : error_status_name(b->status);
    if (b->signature_known)
        (void)snprintf(signature, sizeof signature, "%02x %02x %02x", b->signature[0],
                       b->signature[1], b->signature[2]);
    (void)fprintf(v->out, "  %-*s  %-12s %-8s  ", v->width, b->port,
                  b->part[0] != '\0' ? b->part : "-", signature);
    put_colored(v, b->status == STATUS_OK ? green : red, result);
    (void)fprintf(v->out, "%*s %8s", RESULT_WIDTH - (int)strlen(result), "",
                  text_duration(b->end_us - b->begin_us, time));
    if (b->good > 1)
        (void)fprintf(v->out, "  %u boards", b->good);
    if (b->unique[0] != '\0')
        (void)fprintf(v->out, "  %s", b->unique);
    if (b->title[0] != '\0')
        (void)fprintf(v->out, "  (%s)", b->title);
    (void)fputc('\n', v->out);
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_text(text) : json_null();
}

static json_t *row_object(const struct gang_board *b)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "device", json_text(b->port));
    (void)json_object_set_new(o, "serial", text_or_null(b->title));
    (void)json_object_set_new(o, "part", text_or_null(b->part));
    (void)json_object_set_new(o, "signature",
                              b->signature_known ? json_bytes(b->signature, 3) : json_null());
    (void)json_object_set_new(o, "status", json_text(error_status_name(b->status)));
    (void)json_object_set_new(o, "text", text_or_null(b->text));
    (void)json_object_set_new(o, "unique", text_or_null(b->unique));
    (void)json_object_set_new(o, "done", json_integer(b->good));
    (void)json_object_set_new(o, "elapsed_us", json_integer((json_int_t)(b->end_us - b->begin_us)));
    return o;
}

void gang_view_summary(struct gang_view *v, const struct gang_board *boards, size_t count)
{
    wipe(v);
    if (!v->summary)
        return;
    if (v->json) {
        json_t *o = json_begin("gang"), *rows = json_array();
        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(rows, row_object(&boards[i]));
        (void)json_object_set_new(o, "boards", rows);
        json_line(v->out, o);
        return;
    }
    for (size_t i = 0; i < count; i++)
        put_row(v, &boards[i]);
    (void)fflush(v->out);
}
