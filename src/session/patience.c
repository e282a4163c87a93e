/* Opening a programmer that somebody else still uses, or that does not answer yet. */
#include "session_private.h"

enum { AGAIN_US = 200000, SECOND_US = 1000000 };

/* One attempt, cut off at `limit_us` (0: by nothing more than the run's own deadline). */
static enum status attempt(const struct programmer_config *config, struct context *c,
                           uint64_t limit_us, struct programmer **out, struct error *e)
{
    const uint64_t run_us = c->deadline_us;
    const bool cuts = limit_us != 0 && (run_us == 0 || limit_us < run_us);
    if (cuts)
        c->deadline_us = limit_us;
    const enum status status = programmer_open(config, c, out, e);
    c->deadline_us = run_us;
    if (status != STATUS_TIMEOUT || !cuts || context_now_us(c) < limit_us)
        return status;
    (void)error_set(e, STATUS_SILENT, "%s did not answer within %lu s", config->id,
                    (unsigned long)config->sync_timeout_s);
    error_hint(e, "is it the right port (-P), rate (-b) and programmer (-c)?");
    return STATUS_SILENT;
}

enum status session_open_patiently(const struct programmer_config *config, struct context *c,
                                   struct programmer **out, struct error *e)
{
    const uint64_t begin_us = context_now_us(c);
    const uint64_t busy_us = begin_us + config->wait_port_s * UINT64_C(1000000);
    const uint64_t sync_us =
        config->sync_timeout_s > 0 ? begin_us + config->sync_timeout_s * UINT64_C(1000000) : 0;
    bool told = false;
    for (;;) {
        const enum status status = attempt(config, c, sync_us, out, e);
        const uint64_t until_us = status == STATUS_BUSY     ? busy_us
                                  : status == STATUS_SILENT ? sync_us
                                                            : 0;
        if (context_now_us(c) + AGAIN_US > until_us)
            return status;
        if (!told)
            context_log(c, LOG_NOTE, "%s; tried again for %lu s", e->text,
                        (unsigned long)((until_us - begin_us) / SECOND_US));
        told = true;
        TRY(context_sleep(c, AGAIN_US, e));
    }
}
