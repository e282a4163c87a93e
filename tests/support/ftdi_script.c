/* The scripted FTDI channel; see ftdi_script.h. */
#include "support/ftdi_script.h"

#include <stdlib.h>
#include <string.h>

struct ftdi_script_wanted ftdi_script_wanted;
static struct ftdi_script *next;

/* Hex digits of `text` as bytes; returns how many. */
static size_t bytes_of(const char *text, uint8_t *bytes, size_t capacity)
{
    size_t count = 0;
    for (; text != NULL && *text != '\0' && count < capacity; text++) {
        unsigned value;
        if (*text == ' ')
            continue;
        if (sscanf(text, "%2x", &value) != 1)
            abort();
        bytes[count++] = (uint8_t)value;
        text++;
    }
    return count;
}

static void complain(struct ftdi_script *s, const char *what, const uint8_t *bytes, size_t size,
                     const char *expected)
{
    if (s->complaint[0] != '\0')
        return;
    size_t used =
        (size_t)snprintf(s->complaint, sizeof s->complaint, "call %zu is %s", s->at, what);
    for (size_t i = 0; i < size && used + 80 < sizeof s->complaint; i++)
        used +=
            (size_t)snprintf(s->complaint + used, sizeof s->complaint - used, " %02x", bytes[i]);
    (void)snprintf(s->complaint + used, sizeof s->complaint - used, ", expected: %.60s", expected);
}

/* The next step; NULL: there is none, or none is needed. *status is what the call gives. */
static const struct ftdi_step *take_step(struct ftdi_script *s, enum status *status,
                                         struct error *e)
{
    const struct ftdi_step *step = s->at < s->step_count ? &s->steps[s->at] : NULL;
    s->at++;
    s->clock->now_us += step == NULL ? 0 : step->takes_us;
    *status = STATUS_OK;
    if (s->at == s->cancel_at)
        *s->cancel = 1;
    if (s->at == s->fail_at)
        *status = error_set(e, s->fail, "%s: made to fail", s->base.name);
    return s->anything ? NULL : step;
}

static enum status call(struct ftdi *f, const char *what, struct error *e)
{
    struct ftdi_script *s = (struct ftdi_script *)f;
    enum status status;
    const struct ftdi_step *step = take_step(s, &status, e);
    if (!s->anything && (step == NULL || strcmp(step->expect, what) != 0))
        complain(s, what, NULL, 0, step == NULL ? "the end" : step->expect);
    return status;
}

static enum status script_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs,
                                   struct error *e)
{
    char what[32];
    (void)snprintf(what, sizeof what, "mode %02x %02x", (unsigned)mode, outputs);
    return call(f, what, e);
}

static enum status script_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    char what[32];
    (void)snprintf(what, sizeof what, "latency %u", ms);
    return call(f, what, e);
}

static enum status script_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    char what[32];
    (void)snprintf(what, sizeof what, "baud %lu", (unsigned long)baud);
    return call(f, what, e);
}

static enum status script_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                                   size_t in_size, unsigned timeout_ms, struct error *e)
{
    struct ftdi_script *s = (struct ftdi_script *)f;
    enum status status;
    const struct ftdi_step *step = take_step(s, &status, e);
    memset(in, 0, in_size);
    if (timeout_ms == 0)
        complain(s, "without a deadline", out, out_size, "one");
    if (status == STATUS_OK)
        status = context_check(f->context, e);
    if (s->anything || status != STATUS_OK)
        return status;
    uint8_t expected[4096], answer[4096];
    const size_t size = bytes_of(step == NULL ? NULL : step->expect, expected, sizeof expected);
    if (step == NULL || size != out_size || memcmp(expected, out, size) != 0)
        complain(s, "a transfer of", out, out_size, step == NULL ? "the end" : step->expect);
    if (step == NULL || step->answer == NULL)
        return status;
    const size_t got = bytes_of(step->answer, answer, sizeof answer);
    if (got != in_size)
        complain(s, "a transfer that asks for other answers:", out, out_size, step->answer);
    memcpy(in, answer, got < in_size ? got : in_size);
    return status;
}

static void script_close(struct ftdi *f)
{
    ((struct ftdi_script *)f)->closed = true;
}

static const struct ftdi_ops script_ops = {
    .set_mode = script_set_mode,
    .set_latency = script_set_latency,
    .set_baud = script_set_baud,
    .transfer = script_transfer,
    .close = script_close,
};

void ftdi_script_init(struct ftdi_script *s, const struct ftdi_step *steps, size_t count,
                      struct fake_clock *clock, uint16_t release)
{
    *s = (struct ftdi_script){.base = {.ops = &script_ops, .info = {.release = release}},
                              .clock = clock,
                              .steps = steps,
                              .step_count = count};
    (void)snprintf(s->base.name, sizeof s->base.name, "toy at usb:1-2");
    next = s;
}

enum status ftdi_open(const struct usb_wanted *wanted, const char *port, unsigned channel,
                      struct context *c, struct ftdi **out, struct error *e)
{
    (void)port;
    (void)e;
    ftdi_script_wanted = (struct ftdi_script_wanted){.id = wanted->ids[0], .channel = channel};
    next->base.context = c;
    next->opened = true;
    *out = &next->base;
    return STATUS_OK;
}

enum status ftdi_set_mode(struct ftdi *f, enum ftdi_mode mode, uint8_t outputs, struct error *e)
{
    return f->ops->set_mode(f, mode, outputs, e);
}

enum status ftdi_set_latency(struct ftdi *f, uint8_t ms, struct error *e)
{
    return f->ops->set_latency(f, ms, e);
}

enum status ftdi_set_baud(struct ftdi *f, uint32_t baud, struct error *e)
{
    return f->ops->set_baud(f, baud, e);
}

enum status ftdi_transfer(struct ftdi *f, const uint8_t *out, size_t out_size, uint8_t *in,
                          size_t in_size, unsigned timeout_ms, struct error *e)
{
    return f->ops->transfer(f, out, out_size, in, in_size, timeout_ms, e);
}

void ftdi_close(struct ftdi *f)
{
    if (f != NULL)
        f->ops->close(f);
}
