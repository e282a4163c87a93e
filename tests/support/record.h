/* A clock that only moves when something sleeps or waits on it, and a listener that keeps the log
 * lines and counts the bytes on the wire. */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ispflash/context.h"

struct fake_clock {
    struct clock base; /* first: cast from struct clock */
    uint64_t now_us;
};

static inline uint64_t fake_clock_now_us(struct clock *self)
{
    return ((struct fake_clock *)self)->now_us;
}

static inline void fake_clock_sleep_us(struct clock *self, uint64_t us)
{
    ((struct fake_clock *)self)->now_us += us;
}

static inline struct fake_clock fake_clock_new(void)
{
    return (struct fake_clock){
        .base = {.now_us = fake_clock_now_us, .sleep_us = fake_clock_sleep_us},
        .now_us = 1000000,
    };
}

struct record {
    struct sink base; /* first: cast from struct sink */
    char log[16384];  /* one line each: "note: text\n", "port=/dev/ttyACM0\n"; what does not fit
                         is dropped */
    size_t wire_in, wire_out;
    unsigned begun, ended;
    uint32_t progress; /* the last `done` */
};

static inline void record_emit(struct sink *self, const struct event *event)
{
    static const char *const levels[] = {"warning", "note", "detail", "debug"};
    struct record *r = (struct record *)self;
    const size_t used = strlen(r->log);
    switch (event->kind) {
    case EVENT_LOG:
        (void)snprintf(r->log + used, sizeof r->log - used, "%s: %s\n", levels[event->log.level],
                       event->log.text);
        break;
    case EVENT_WIRE:
        if (event->wire.to_device)
            r->wire_out += event->wire.size;
        else
            r->wire_in += event->wire.size;
        break;
    case EVENT_BEGIN:
        r->begun++;
        break;
    case EVENT_PROGRESS:
        r->progress = event->progress.done;
        break;
    case EVENT_END:
        r->ended++;
        break;
    case EVENT_VALUE:
        if (event->value.text != NULL)
            (void)snprintf(r->log + used, sizeof r->log - used, "%s=%s\n", event->value.name,
                           event->value.text);
        break;
    case EVENT_MISMATCH:
    case EVENT_REPORT:
    case EVENT_ERROR:
        break;
    }
}

static inline struct record record_new(void)
{
    return (struct record){.base = {.emit = record_emit}};
}

#endif
