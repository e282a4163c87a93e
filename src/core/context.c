/* The clock, the stream of events and the wish to stop. */
#include "ispflash/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { SLICE_US = 50000 };

static uint64_t system_now_us(struct clock *self)
{
    (void)self;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void system_sleep_us(struct clock *self, uint64_t us)
{
    (void)self;
    struct timespec left = {.tv_sec = (time_t)(us / 1000000u),
                            .tv_nsec = (long)(us % 1000000u) * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

struct clock *clock_system(void)
{
    static struct clock clock = {.now_us = system_now_us, .sleep_us = system_sleep_us};
    return &clock;
}

void context_init(struct context *c, struct clock *clock, struct sink *sink,
                  const volatile sig_atomic_t *cancel)
{
    *c = (struct context){.clock = clock, .sink = sink, .cancel = cancel};
    c->begin_us = clock->now_us(clock);
}

uint64_t context_now_us(const struct context *c)
{
    return c->clock->now_us(c->clock);
}

static bool is_interrupted(const struct context *c)
{
    return c->cancel != NULL && *c->cancel != 0 && !c->leaving;
}

bool context_cancelled(const struct context *c)
{
    return is_interrupted(c) ||
           (c->deadline_us != 0 && !c->leaving && context_now_us(c) >= c->deadline_us);
}

enum status context_check(struct context *c, struct error *e)
{
    if (!context_cancelled(c))
        return STATUS_OK;
    return is_interrupted(c) ? error_set(e, STATUS_CANCELLED, "interrupted")
                             : error_set(e, STATUS_TIMEOUT, "the time for the run is over");
}

enum status context_sleep(struct context *c, uint64_t us, struct error *e)
{
    while (us > 0) {
        TRY(context_check(c, e));
        const uint64_t slice = us < SLICE_US ? us : SLICE_US;
        c->clock->sleep_us(c->clock, slice);
        us -= slice;
    }
    return context_check(c, e);
}

void context_emit(struct context *c, struct event *event)
{
    if (c->sink == NULL)
        return;
    event->time_us = context_now_us(c) - c->begin_us;
    c->sink->emit(c->sink, event);
}

void context_log(struct context *c, enum log_level level, const char *format, ...)
{
    if (c->sink == NULL)
        return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct event event = {.kind = EVENT_LOG, .log = {.level = level, .text = text}};
    context_emit(c, &event);
}

void context_value(struct context *c, const char *name, const char *text, const uint8_t *bytes,
                   size_t size)
{
    struct event event = {.kind = EVENT_VALUE,
                          .value = {.name = name, .text = text, .bytes = bytes, .size = size}};
    context_emit(c, &event);
}

static void emit_step(struct context *c, enum event_kind kind, enum status status)
{
    struct event event = {
        .kind = kind,
        .progress = {.step = c->step,
                     .memory = c->step_memory,
                     .done = c->step_done,
                     .total = c->step_total,
                     .status = status,
                     .elapsed_us = context_now_us(c) - c->step_begin_us},
    };
    context_emit(c, &event);
}

void context_begin(struct context *c, enum step step, const struct memory *memory, uint32_t total)
{
    if (c->step_running)
        context_end(c, STATUS_INTERNAL);
    c->step = step;
    c->step_memory = memory;
    c->step_done = 0;
    c->step_total = total;
    c->step_begin_us = context_now_us(c);
    c->step_running = true;
    emit_step(c, EVENT_BEGIN, STATUS_OK);
}

void context_advance(struct context *c, uint32_t bytes)
{
    if (!c->step_running || bytes == 0)
        return;
    const uint32_t left = c->step_total - c->step_done;
    c->step_done += bytes < left ? bytes : left;
    emit_step(c, EVENT_PROGRESS, STATUS_OK);
}

void context_end(struct context *c, enum status status)
{
    if (!c->step_running)
        return;
    c->step_running = false;
    emit_step(c, EVENT_END, status);
}

const char *event_step_name(enum step step)
{
    switch (step) {
    case STEP_OPEN:
        return "open";
    case STEP_ENTER:
        return "enter";
    case STEP_IDENTIFY:
        return "identify";
    case STEP_ERASE:
        return "erase";
    case STEP_READ:
        return "read";
    case STEP_WRITE:
        return "write";
    case STEP_VERIFY:
        return "verify";
    case STEP_LEAVE:
        return "leave";
    }
    return "unknown";
}
