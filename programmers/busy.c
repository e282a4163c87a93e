/* Waiting for a busy chip; see busy.h. */
#include "busy.h"

enum {
    STEP_US = 300,        /* how much sooner to ask when the first question found it ready */
    ASK_EARLIEST_US = 500 /* no chip writes faster */
};

static void sleep_until(struct programmer *p, uint64_t at_us)
{
    const uint64_t now = context_now_us(p->context);
    if (now < at_us)
        p->context->clock->sleep_us(p->context->clock, at_us - now);
}

static uint32_t first_question_us(const uint32_t *usual_us, uint32_t wait_us)
{
    const uint32_t first = usual_us != NULL && *usual_us != 0 ? *usual_us : wait_us / 2;
    return first < wait_us ? first : wait_us;
}

/* `last_busy_us` is 0 if the first question, at `asked_us`, found it ready. */
static void learn(uint32_t *usual_us, uint32_t asked_us, uint32_t last_busy_us)
{
    if (usual_us == NULL)
        return;
    if (last_busy_us != 0)
        *usual_us = last_busy_us + (asked_us - last_busy_us) / 2;
    else if (asked_us >= ASK_EARLIEST_US + STEP_US)
        *usual_us = asked_us - STEP_US;
}

enum status busy_wait(struct programmer *p, struct busy *busy, uint32_t wait_us, uint32_t *usual_us,
                      busy_ask ask, const void *question, struct error *e)
{
    const uint64_t begin = context_now_us(p->context);
    busy->until_us = begin + wait_us;
    uint32_t last_busy_us = 0;
    if (ask != NULL)
        sleep_until(p, begin + first_question_us(usual_us, wait_us));
    while (ask != NULL && context_now_us(p->context) < busy->until_us) {
        const uint32_t asked_us = (uint32_t)(context_now_us(p->context) - begin);
        bool ready;
        TRY(ask(p, question, &ready, e));
        if (ready) {
            learn(usual_us, asked_us, last_busy_us);
            busy->until_us = 0;
            return STATUS_OK;
        }
        last_busy_us = asked_us;
    }
    busy_rest(p, busy);
    return STATUS_OK;
}

void busy_rest(struct programmer *p, struct busy *busy)
{
    sleep_until(p, busy->until_us);
    busy->until_us = 0;
}
