/* A session whose programmer stays open while chips come and go: each is met with a session of its
 * own on the same programmer, so that nothing is known of a chip from the one before it. */
#include <string.h>

#include "session_private.h"

/* A chip is a chip, whichever it is: a signature that is not the part's is none of our business. */
static enum status look(struct session *visit, const char *part, uint8_t signature[3],
                        struct error *e)
{
    struct error leaving = {0};
    enum status status = session_connect(visit, part, 0, e);
    const struct report *report = session_report(visit);
    if (status == STATUS_SIGNATURE && report->signature_known)
        status = STATUS_OK;
    if (status == STATUS_OK)
        memcpy(signature, report->signature, 3);
    const bool left = session_disconnect(visit, &leaving) == STATUS_OK;
    if (status == STATUS_OK && !left)
        *e = leaving;
    return status == STATUS_OK && !left ? leaving.code : status;
}

enum status session_look(struct session *s, const char *part, uint8_t signature[3], struct error *e)
{
    struct session *visit = NULL;
    TRY(session_open_on(s->programmer, s->parts, s->context, &visit, e));
    const enum status status = look(visit, part, signature, e);
    session_close(visit);
    return status;
}

enum status session_run_job(struct session *s, const struct job *job, struct report *report,
                            struct error *e)
{
    const enum status status = session_run_on(job, s->parts, s->context, s->programmer, report, e);
    s->context->leaving = false; /* that way out has ended */
    return status;
}
