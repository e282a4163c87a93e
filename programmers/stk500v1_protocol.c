/* Commands in flight and the search for a common beat; see the header. */
#include "stk500v1_protocol.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_MS = 1000, /* the longest command, ENTER_PROGMODE, takes the sketch 71 ms */
    WRITE_MS = 2000,  /* for the system to take bytes, beyond their time on the wire */
    QUIET_MS = 25,    /* an FT232R holds bytes back for up to 16 ms */
    QUIET_LIMIT_MS = 400,
    SIGN_ON_MS = 300,
    LONG_ANSWER = 16, /* bytes */
    FILL_SIZE = 320,  /* more than the longest PROG_PAGE */
    FILL_WAIT_MS = 120
};

static unsigned wire_ms(const struct stk *s, size_t bytes)
{
    return s->baud == 0 ? 0 : (unsigned)(bytes * 10u * 1000u / s->baud) + 1; /* 8N1: ten bits */
}

static enum status put(struct stk *s, const uint8_t *bytes, size_t size, struct error *e)
{
    return stream_write(s->stream, bytes, size, WRITE_MS + wire_ms(s, size), e);
}

/* --- receiving ------------------------------------------------------------------------------ */

/* Exactly `size` bytes; `out` may be NULL. */
static enum status take(struct stk *s, uint8_t *out, size_t size, unsigned timeout_ms,
                        struct error *e)
{
    for (size_t done = 0; done < size;) {
        if (s->at == s->have) {
            size_t got = 0;
            TRY(stream_read_some(s->stream, s->in, sizeof s->in, timeout_ms, &got, e));
            if (got == 0)
                return error_set(e, STATUS_TIMEOUT, "no answer from the programmer within %u ms",
                                 timeout_ms);
            s->at = 0;
            s->have = got;
        }
        const size_t left = s->have - s->at;
        const size_t count = left < size - done ? left : size - done;
        if (out != NULL)
            memcpy(out + done, s->in + s->at, count);
        s->at += count;
        done += count;
    }
    return STATUS_OK;
}

static const char *code_name(uint8_t code)
{
    switch (code) {
    case STK_OK:
        return " (OK)";
    case STK_FAILED:
        return " (not done)";
    case STK_UNKNOWN:
        return " (command unknown)";
    case STK_NODEVICE:
        return " (no device set)";
    case STK_INSYNC:
        return " (in sync)";
    case STK_NOSYNC:
        return " (out of step)";
    default:
        return "";
    }
}

static enum status expect(struct stk *s, uint8_t wanted, unsigned timeout_ms, struct error *e)
{
    uint8_t found = 0;
    TRY(take(s, &found, 1, timeout_ms, e));
    if (found == wanted)
        return STATUS_OK;
    return error_set(e, STATUS_SILENT, "the programmer answers %02x%s where %02x%s was due", found,
                     code_name(found), wanted, code_name(wanted));
}

static enum status take_answer(struct stk *s, const struct stk_command *c, unsigned timeout_ms,
                               struct error *e)
{
    if (c->load_address) {
        TRY(expect(s, STK_INSYNC, timeout_ms, e));
        TRY(expect(s, STK_OK, timeout_ms, e));
    }
    TRY(expect(s, STK_INSYNC, timeout_ms, e));
    TRY(take(s, c->answer, c->answer_size, timeout_ms, e));
    TRY(expect(s, STK_OK, timeout_ms, e));
    s->answer_us = context_now_us(s->context);
    return STATUS_OK;
}

/* --- commands in flight --------------------------------------------------------------------- */

/* One call of stk_run(): commands before `answered` are done, those before `sending` are sent, and
 * so are `offset` bytes of the next. */
struct run {
    const struct stk_command *commands;
    size_t count;
    size_t answered, sending, offset;
    size_t beyond; /* bytes sent of commands behind the oldest unanswered one */
    bool first;    /* nothing answered yet: `hold_us` has nothing to count from */
};

static size_t command_size(const struct stk_command *c)
{
    return (c->load_address ? 4u : 0u) + c->head_size + c->body_size + 1u;
}

static uint8_t command_byte(const struct stk_command *c, size_t i)
{
    if (c->load_address) {
        const uint8_t load[4] = {STK_LOAD_ADDRESS, (uint8_t)c->word_address,
                                 (uint8_t)(c->word_address >> 8), STK_EOP};
        if (i < sizeof load)
            return load[i];
        i -= sizeof load;
    }
    if (i < c->head_size)
        return c->head[i];
    i -= c->head_size;
    return i < c->body_size ? c->body[i] : STK_EOP;
}

/* How long the next byte must still be held back; UINT64_MAX: until the answer before it. */
static uint64_t held_us(const struct stk *s, const struct run *r)
{
    const struct stk_command *c = &r->commands[r->sending];
    if (c->hold_us == 0 || r->offset + 1 < command_size(c))
        return 0;
    if (r->sending != r->answered)
        return UINT64_MAX;
    const uint64_t now = context_now_us(s->context);
    const uint64_t due = s->answer_us + c->hold_us;
    return r->first || now >= due ? 0 : due - now;
}

/* Of long answers one is on its way and one is asked for: what is asked for must be taken, also
 * when the user wants out. */
static bool may_send(const struct stk *s, const struct run *r)
{
    if (r->sending >= r->count)
        return false;
    const bool far = r->sending > r->answered + 1;
    if (far && r->commands[r->sending].answer_size > LONG_ANSWER)
        return false;
    return r->sending == r->answered || r->beyond < s->ahead;
}

/* All that may leave now, in as few writes as possible. */
static enum status send_allowed(struct stk *s, struct run *r, struct error *e)
{
    uint8_t out[512];
    size_t size = 0;
    while (may_send(s, r)) {
        const uint64_t hold_us = held_us(s, r);
        if (hold_us == UINT64_MAX)
            break;
        if (size == sizeof out || (hold_us > 0 && size > 0)) {
            TRY(put(s, out, size, e));
            size = 0;
            continue;
        }
        TRY(context_sleep(s->context, hold_us, e));
        const struct stk_command *c = &r->commands[r->sending];
        out[size++] = command_byte(c, r->offset++);
        if (r->sending != r->answered)
            r->beyond++;
        if (r->offset == command_size(c)) {
            r->sending++;
            r->offset = 0;
        }
    }
    return size > 0 ? put(s, out, size, e) : STATUS_OK;
}

/* The oldest command is answered: what was sent of the next no longer lies beyond it. */
static void advance(struct stk *s, struct run *r)
{
    context_advance(s->context, r->commands[r->answered].progress);
    r->first = false;
    r->answered++;
    if (r->answered < r->sending)
        r->beyond -= command_size(&r->commands[r->answered]);
    else
        r->beyond -= r->offset;
}

/* Asks the context as it was before stk_run() shielded its transfers. */
static bool wants_out(struct context *c, bool leaving)
{
    c->leaving = leaving;
    const bool answer = context_cancelled(c);
    c->leaving = true;
    return answer;
}

enum status stk_run(struct stk *s, const struct stk_command *commands, size_t count,
                    size_t *answered, struct error *e)
{
    struct context *c = s->context;
    struct run r = {.commands = commands, .count = count, .first = true};
    enum status status = STATUS_OK;
    const bool leaving = c->leaving;
    c->leaving = true; /* a command that has begun is finished */
    while (r.answered < r.count && status == STATUS_OK) {
        if (wants_out(c, leaving)) /* nothing new begins */
            r.count = r.sending + (r.offset > 0 ? 1 : 0);
        if (r.answered == r.count)
            break;
        status = send_allowed(s, &r, e);
        if (status != STATUS_OK)
            break;
        const struct stk_command *oldest = &commands[r.answered];
        const unsigned timeout_ms = ANSWER_MS + wire_ms(s, command_size(oldest) + r.beyond);
        status = take_answer(s, oldest, timeout_ms, e);
        if (status == STATUS_OK)
            advance(s, &r);
    }
    const bool stopped = wants_out(c, leaving);
    c->leaving = leaving;
    s->in_step = status == STATUS_OK;
    *answered = r.answered;
    if (stopped && status != STATUS_LINK && r.answered < count)
        return error_set(e, STATUS_CANCELLED, "interrupted");
    return status;
}

enum status stk_simple(struct stk *s, uint8_t code, struct error *e)
{
    const struct stk_command command = {.head = {code}, .head_size = 1};
    size_t answered = 0;
    return stk_run(s, &command, 1, &answered, e);
}

enum status stk_get_parameter(struct stk *s, uint8_t parameter, uint8_t *value, struct error *e)
{
    const struct stk_command command = {
        .head = {STK_GET_PARAMETER, parameter}, .head_size = 2, .answer = value, .answer_size = 1};
    size_t answered = 0;
    return stk_run(s, &command, 1, &answered, e);
}

/* --- finding a common beat ------------------------------------------------------------------ */

enum status stk_set_baud(struct stk *s, uint32_t baud, struct error *e)
{
    s->baud = stream_has_baud(s->stream) ? baud : 0;
    return s->baud != 0 ? stream_set_baud(s->stream, baud, e) : STATUS_OK;
}

static enum status quieten(struct stk *s, struct error *e)
{
    s->at = s->have = 0;
    return stream_discard(s->stream, QUIET_MS, QUIET_LIMIT_MS, e);
}

/* Two bytes out; whatever comes back goes to `in`, until it ends in `last` or it stays silent.
 * `first_ms` is allowed for the first byte. */
static enum status ask(struct stk *s, uint8_t code, unsigned first_ms, size_t least, uint8_t last,
                       struct error *e)
{
    const uint8_t command[2] = {code, STK_EOP};
    s->at = s->have = 0;
    TRY(put(s, command, sizeof command, e));
    unsigned wait_ms = first_ms + wire_ms(s, 4);
    while (s->have < 64) {
        size_t got = 0;
        TRY(stream_read_some(s->stream, s->in + s->have, 64 - s->have, wait_ms, &got, e));
        s->have += got;
        if (got == 0 || (s->have >= least && s->in[s->have - 1] == last))
            break;
        wait_ms = 2 * QUIET_MS;
    }
    return STATUS_OK;
}

static void remember_heard(struct stk *s)
{
    if (s->heard_size > 0 || s->have == 0)
        return;
    s->heard_size = s->have < sizeof s->heard ? s->have : sizeof s->heard;
    memcpy(s->heard, s->in, s->heard_size);
}

const char *stk_heard_text(const struct stk *s, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->heard_size && used + 4 < capacity; i++)
        used +=
            (size_t)snprintf(out + used, capacity - used, "%s%02x", i > 0 ? " " : "", s->heard[i]);
    return out;
}

/* Whether noise may stand before the answer, as a board's greeting does. */
static bool ends_in_sync(const struct stk *s)
{
    return s->have >= 2 && s->in[s->have - 2] == STK_INSYNC && s->in[s->have - 1] == STK_OK;
}

/* The sign-on in `in`: 14 text 10 and nothing else. */
static enum stk_identity judge_sign_on(struct stk *s)
{
    if (s->have < 2)
        return s->have == 0 ? STK_NOBODY : STK_NONSENSE;
    if (s->in[0] != STK_INSYNC || s->in[s->have - 1] != STK_OK)
        return STK_NONSENSE;
    const size_t size = s->have - 2;
    if (size >= sizeof s->sign_on)
        return STK_NONSENSE;
    for (size_t i = 0; i < size; i++)
        if (!isprint(s->in[1 + i]))
            return STK_NONSENSE;
    memcpy(s->sign_on, s->in + 1, size);
    s->sign_on[size] = '\0';
    return size == 0 ? STK_BOOTLOADER : STK_PROGRAMMER;
}

/* An answer to an earlier GET_SYNC that comes late looks like a boot loader's: ask twice. */
static enum status read_sign_on(struct stk *s, enum stk_identity *who, struct error *e)
{
    for (int i = 0; i < 2; i++) {
        TRY(ask(s, STK_GET_SIGN_ON, SIGN_ON_MS, 2, STK_OK, e));
        *who = judge_sign_on(s);
        if (*who == STK_PROGRAMMER)
            break;
        remember_heard(s);
        TRY(quieten(s, e));
    }
    s->at = s->have = 0;
    s->in_step = *who == STK_PROGRAMMER || *who == STK_BOOTLOADER;
    return STATUS_OK;
}

enum status stk_meet(struct stk *s, unsigned tries, unsigned wait_ms, enum stk_identity *who,
                     struct error *e)
{
    *who = STK_NOBODY;
    s->in_step = false;
    for (unsigned i = 0; i < tries; i++) {
        TRY(ask(s, STK_GET_SYNC, wait_ms, 2, STK_OK, e));
        if (ends_in_sync(s)) {
            if (i > 0 || s->have > 2) /* earlier questions may still be answered */
                TRY(quieten(s, e));
            return read_sign_on(s, who, e);
        }
        if (s->have > 0) {
            *who = STK_NONSENSE;
            remember_heard(s);
            TRY(quieten(s, e));
        }
    }
    return STATUS_OK;
}

enum status stk_fill(struct stk *s, bool *heard, struct error *e)
{
    uint8_t fill[FILL_SIZE];
    size_t got = 0;
    memset(fill, 0xff, sizeof fill);
    TRY(put(s, fill, sizeof fill, e));
    TRY(stream_read_some(s->stream, s->in, sizeof s->in, FILL_WAIT_MS + wire_ms(s, sizeof fill),
                         &got, e));
    *heard = got > 0;
    return quieten(s, e);
}
