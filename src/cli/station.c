/* One programmer and what is put on it. Whether a board is there is found out by entering
 * programming mode, which the programmer stays open for; while nothing is there nothing is told but
 * what a person has to do. */
#include "station.h"

#include <stdio.h>
#include <string.h>

#include "tally.h"
#include "unique.h"

enum {
    LOOK_US = 300000, /* between two looks whether a board is there */
    OPEN_US = 300000, /* between two tries to open the programmer */
    SURE = 2          /* looks that have to agree: contacts bounce when a board is clipped on */
};

struct station {
    struct run *run;
    struct job *job;
    struct unique unique;
    struct session *session; /* NULL: its programmer is not open */
    struct tally tally;
    unsigned number; /* of the board */
    bool has_first;
    uint8_t first[3]; /* signature of the first board */
};

/* --- listening ------------------------------------------------------------------------------ */

/* Lets values through, and keeps what is only about the waiting to itself. */
struct value_sink {
    struct sink sink; /* first */
    struct sink *to;
};

static void emit_values(struct sink *self, const struct event *event)
{
    const struct value_sink *s = (const struct value_sink *)self;
    if (event->kind == EVENT_VALUE && s->to != NULL)
        s->to->emit(s->to, event);
}

static void tell_error(const struct station *st, const struct error *error)
{
    struct event event = {.kind = EVENT_ERROR, .error = error};
    context_emit(&st->run->context, &event);
}

/* For people who look at the board and not at the screen. */
static void beep(const struct station *st, unsigned times)
{
    const struct surroundings *around = st->run->cli->around;
    for (unsigned i = 0; i < times && around->talk_is_terminal; i++)
        (void)fputc('\a', around->talk);
    (void)fflush(around->talk);
}

/* --- waiting -------------------------------------------------------------------------------- */

/* 0: without an end. */
static uint64_t limit_us(const struct station *st)
{
    const uint32_t wait_s = st->run->cli->settings.wait_s;
    return wait_s > 0 ? context_now_us(&st->run->context) + wait_s * UINT64_C(1000000) : 0;
}

static bool is_over(const struct station *st, uint64_t until_us)
{
    return until_us != 0 && context_now_us(&st->run->context) >= until_us;
}

static enum status waited(const struct station *st, struct error *e)
{
    return error_in(e, "waited %u s", (unsigned)st->run->cli->settings.wait_s);
}

/* What may be because it has not been plugged in yet, or is just coming up. */
static bool is_absent(enum status status)
{
    return status == STATUS_NO_DEVICE || status == STATUS_PERMISSION || status == STATUS_BUSY ||
           status == STATUS_SILENT;
}

/* What may be because it was pulled. */
static bool is_lost(enum status status)
{
    return status == STATUS_LINK || status == STATUS_TIMEOUT || is_absent(status);
}

static enum status open_once(struct station *st, struct error *e)
{
    struct context *c = &st->run->context;
    struct value_sink values = {.sink = {.emit = emit_values}, .to = c->sink};
    c->sink = &values.sink;
    c->leaving = false;
    const enum status status =
        session_open(&st->job->programmer, st->run->parts, c, &st->session, e);
    c->sink = values.to;
    return status;
}

static enum status await_programmer(struct station *st, uint64_t until_us, struct error *e)
{
    struct context *c = &st->run->context;
    for (bool said = false;; said = true) {
        const enum status status = open_once(st, e);
        if (!is_absent(status))
            return status;
        if (is_over(st, until_us))
            return waited(st, e);
        if (!said)
            context_log(c, LOG_NOTE, "waiting for the programmer: %s", e->text);
        TRY(context_sleep(c, OPEN_US, e));
    }
}

static void close_programmer(struct station *st)
{
    session_close(st->session);
    st->session = NULL;
}

/* Whether a chip is there; what it takes to find out is not told. */
static enum status look(struct station *st, uint8_t signature[3], struct error *e)
{
    struct context *c = &st->run->context;
    struct sink *sink = c->sink;
    c->sink = NULL;
    c->leaving = false;
    const enum status status = session_look(st->session, st->job->part, signature, e);
    c->sink = sink;
    if (is_lost(status))
        close_programmer(st);
    return status;
}

static enum status await_board(struct station *st, uint8_t signature[3], struct error *e)
{
    struct context *c = &st->run->context;
    const uint64_t until_us = limit_us(st);
    unsigned agree = 0;
    for (bool said = false; agree < SURE;) {
        uint8_t seen[3] = {0};
        if (st->session == NULL)
            TRY(await_programmer(st, until_us, e));
        const enum status status = look(st, seen, e);
        if (status == STATUS_OK) {
            agree = agree > 0 && memcmp(seen, signature, 3) == 0 ? agree + 1 : 1;
            memcpy(signature, seen, 3);
        } else if (status == STATUS_NO_TARGET || is_lost(status)) {
            agree = 0;
        } else {
            return status;
        }
        if (agree == SURE)
            break;
        if (is_over(st, until_us))
            return agree > 0 ? error_set(e, STATUS_NO_TARGET,
                                         "waited %u s: the chip answers, but "
                                         "not twice the same",
                                         (unsigned)st->run->cli->settings.wait_s)
                             : waited(st, e);
        if (!said && status != STATUS_OK)
            context_log(c, LOG_NOTE, "waiting for a board");
        said = said || status != STATUS_OK;
        TRY(context_sleep(c, agree > 0 ? LOOK_US / 3 : LOOK_US, e));
    }
    return STATUS_OK;
}

static enum status await_removal(struct station *st, struct error *e)
{
    struct context *c = &st->run->context;
    context_log(c, LOG_NOTE, "take the board away");
    for (unsigned gone = 0; gone < SURE && st->session != NULL;) {
        uint8_t signature[3];
        const enum status status = look(st, signature, e);
        if (status != STATUS_OK && status != STATUS_NO_TARGET && !is_lost(status))
            return status;
        gone = status == STATUS_NO_TARGET ? gone + 1 : 0;
        if (gone < SURE)
            TRY(context_sleep(c, LOOK_US, e));
    }
    return STATUS_OK;
}

/* --- a board -------------------------------------------------------------------------------- */

/* Puts on record what became of it; a good board without a record is not a good one. */
static enum status settle(struct station *st, enum status outcome, struct error *e)
{
    struct error record = {0};
    if (unique_settle(&st->unique, outcome, &st->run->context, &record) == STATUS_OK)
        return outcome;
    if (outcome != STATUS_OK) {
        context_log(&st->run->context, LOG_WARNING, "%s", record.text);
        return outcome;
    }
    *e = record;
    error_state(e, "the chip is programmed and verified, but that is not on record");
    tell_error(st, e);
    return e->code;
}

/* A board of another kind than the first is left alone. */
static enum status check_kind(struct station *st, const uint8_t signature[3], struct error *e)
{
    const uint8_t *first = st->first;
    if (!st->has_first) {
        memcpy(st->first, signature, 3);
        st->has_first = true;
    }
    if (memcmp(signature, first, 3) == 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_SIGNATURE,
                    "another kind of board: its chip has the signature %02x %02x %02x, the first "
                    "one's had %02x %02x %02x",
                    signature[0], signature[1], signature[2], first[0], first[1], first[2]);
    error_state(e, "nothing was erased or written");
    error_hint(e, "end this run and begin another one for such boards");
    tell_error(st, e);
    return STATUS_SIGNATURE;
}

static enum status program(struct station *st, struct error *e)
{
    struct report report = {0};
    struct run *r = st->run;
    r->cli->told = true; /* the session's ERROR event */
    r->context.leaving = false;
    const enum status status = st->session != NULL
                                   ? session_run_job(st->session, st->job, &report, e)
                                   : session_run(st->job, r->parts, &r->context, &report, e);
    report_free(&report);
    if (st->session != NULL && is_lost(status))
        close_programmer(st);
    return settle(st, status, e);
}

/* --- one after another ---------------------------------------------------------------------- */

/* What the next board would not cure. */
static bool ends_bench(enum status status)
{
    return status == STATUS_INTERNAL || status == STATUS_NO_MEMORY || status == STATUS_USAGE ||
           status == STATUS_INPUT || status == STATUS_OUTPUT || status == STATUS_UNSUPPORTED ||
           status == STATUS_CANCELLED;
}

static enum status next_board(struct station *st, struct error *e)
{
    struct context *c = &st->run->context;
    uint8_t signature[3] = {0};
    char number[16];
    TRY(await_board(st, signature, e));
    (void)snprintf(number, sizeof number, "%u", ++st->number);
    context_value(c, "board", number, NULL, 0);
    enum status status = check_kind(st, signature, e);
    if (status == STATUS_OK)
        status = program(st, e);
    c->leaving = false;
    tally_add(&st->tally, status);
    if (status == STATUS_OK)
        context_log(c, LOG_NOTE, "board %u: done", st->number);
    else
        context_log(c, LOG_WARNING, "board %u: FAILED (%s)", st->number, error_status_name(status));
    beep(st, status == STATUS_OK ? 1 : 3);
    return status;
}

/* Ctrl-C between two boards is how a bench is closed, and so is, without a count, that none comes
 * within --wait; neither is a failure. */
static bool is_closed(const struct station *st, enum status status)
{
    const bool none_came = status == STATUS_NO_TARGET || status == STATUS_NO_DEVICE;
    if (st->number == 0 || st->tally.outcome == STATUS_CANCELLED)
        return false;
    return status == STATUS_CANCELLED || (none_came && st->run->cli->settings.repeat.count == 0);
}

static enum status repeat(struct station *st, struct error *e)
{
    const struct times *times = &st->run->cli->settings.repeat;
    struct context *c = &st->run->context;
    for (;;) {
        const unsigned before = st->number;
        enum status status = unique_next(&st->unique, c, e);
        if (status == STATUS_OK)
            status = next_board(st, e);
        const bool worked_on = st->number > before;
        if (!worked_on && !is_closed(st, status)) {
            st->run->cli->told = false;
            return status; /* what was waited for did not come */
        }
        if (!worked_on || ends_bench(status) || st->number == times->count)
            break;
        status = await_removal(st, e);
        if (is_closed(st, status))
            break;
        st->run->cli->told = false;
        TRY(status);
    }
    context_log(c, LOG_NOTE, "%u boards: %u done, %u failed", st->number, st->tally.good,
                st->tally.failed);
    st->run->cli->told = false;
    return tally_error(&st->tally, e);
}

/* --- the whole ------------------------------------------------------------------------------ */

enum status station_read_files(const struct job *job, struct error *e)
{
    struct context quiet; /* what is to be said is said when the job reads them again */
    context_init(&quiet, clock_system(), NULL, NULL);
    for (size_t i = 0; i < job->operation_count; i++) {
        struct source *source = job->operations[i].source;
        struct image *image = NULL;
        if (source == NULL || source->later)
            continue;
        TRY(source->load(source, NULL, NULL, &quiet, &image, e));
        image_free(image);
    }
    return STATUS_OK;
}

static enum status run_one(struct station *st, struct error *e)
{
    uint8_t signature[3];
    if (st->run->cli->settings.wait_s > 0) {
        TRY(station_read_files(st->job, e));
        TRY(await_board(st, signature, e));
    }
    return program(st, e);
}

static enum status run_all(struct station *st, const char *device, struct error *e)
{
    const struct settings *s = &st->run->cli->settings;
    TRY(unique_open(&st->unique, s, &st->run->context, e));
    TRY(unique_join(&st->unique, st->job, device, e));
    if (!s->repeat.given)
        return run_one(st, e);
    TRY(station_read_files(st->job, e));
    return repeat(st, e);
}

enum status station_run(struct run *r, struct job *job, const char *device, struct error *e)
{
    struct job own = *job; /* --unique adds to its operations */
    struct station st = {.run = r, .job = &own};
    const enum status status = run_all(&st, device, e);
    session_close(st.session);
    unique_close(&st.unique);
    return status;
}
