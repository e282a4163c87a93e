/* `unlock`: read and write protection off, where a chip erase does not do that. */
#include "cli.h"
#include "job.h"
#include "plan_text.h"
#include "run.h"

struct unlock {
    struct run *run;
    const struct job *job;
    struct session *session;
    bool changed; /* the chip was */
};

static enum status check_request(const struct settings *s, struct error *e)
{
    if (s->operands.count > 0 || s->task_count > 0)
        return error_set(e, STATUS_USAGE, "unlock takes neither a name nor -U, -T or -t");
    if (s->keep.count > 0 || s->keep_eeprom || s->erase || s->no_erase || s->no_write)
        return error_set(e, STATUS_USAGE,
                         "unlock erases flash if the chip is read protected, and nothing is kept: "
                         "--keep, -e, -D and -n do not go with it");
    return STATUS_OK;
}

static enum status confirm(const struct unlock *u, struct error *e)
{
    const bool erases = session_read_locked(u->session);
    FILE *talk = u->run->cli->around->talk;
    if (!u->run->cli->settings.yes)
        (void)fprintf(talk, "%s: %s\n", session_part(u->session)->name,
                      erases ? "it is read protected, and all of its flash is erased as that goes"
                             : "write protection is lifted, and flash stays as it is");
    return plan_confirm(u->run->cli, "Unlock it?", e);
}

static enum status work(struct unlock *u, struct error *e)
{
    struct session *s = u->session;
    struct context *c = &u->run->context;
    const unsigned flags =
        (u->job->flags & JOB_FORCE_SIGNATURE) != 0 ? SESSION_FORCE_SIGNATURE : 0u;
    TRY(session_connect(s, u->job->part, flags, e));
    if (session_erase_unlocks(s)) {
        (void)error_set(e, STATUS_UNSUPPORTED, "the lock bits of the %s are lifted by an erase",
                        session_part(s)->name);
        error_hint(e, "ispflash erase");
        return e->code;
    }
    TRY(session_read_bytes(s, 2, e));
    if (!session_is_protected(s)) {
        context_log(c, LOG_NOTE, "the chip is not protected: nothing to do");
        return session_disconnect(s, e);
    }
    if (u->run->cli->settings.dry_run) {
        context_log(c, LOG_NOTE, "this was a dry run: the protection stays%s",
                    session_read_locked(s) ? "; lifting it would erase all of flash" : "");
        return session_disconnect(s, e);
    }
    TRY(confirm(u, e));
    TRY(session_unlock(s, e));
    u->changed = true;
    TRY(session_disconnect(s, e));
    context_log(c, LOG_NOTE,
                "the chip is unlocked; unplug the board and plug it in again, for it may be "
                "protected until it has lost its power");
    return STATUS_OK;
}

static void tell_end(struct unlock *u, uint64_t begin_us, enum status status, const struct error *e)
{
    struct context *c = &u->run->context;
    struct report report = *session_report(u->session);
    report.elapsed_us = context_now_us(c) - begin_us;
    struct event event = {.kind = EVENT_REPORT, .report = &report};
    if (status != STATUS_OK)
        event = (struct event){.kind = EVENT_ERROR, .error = e};
    u->run->cli->told = true;
    if (status != STATUS_OK || u->changed)
        context_emit(c, &event);
}

static enum status unlock(struct run *r, const struct cli_job *j, struct error *e)
{
    struct unlock u = {.run = r, .job = &j->job};
    const uint64_t begin_us = context_now_us(&r->context);
    TRY(session_open(&j->job.programmer, r->parts, &r->context, &u.session, e));
    const enum status status = work(&u, e);
    if (status != STATUS_OK)
        session_tell_state(u.session, e);
    tell_end(&u, begin_us, status, e);
    session_close(u.session);
    return status;
}

enum status command_unlock(struct cli *cli, struct error *e)
{
    struct run r;
    TRY(check_request(&cli->settings, e));
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_read_configuration(&r, e);
    if (status == STATUS_OK) {
        struct cli_job j;
        status = cli_job_init(&j, &cli->settings, &r.conf, e);
        if (status == STATUS_OK)
            status = run_default_port(&r, &j.job.programmer, e);
        if (status == STATUS_OK)
            status = unlock(&r, &j, e);
        cli_job_free(&j);
    }
    run_close(&r);
    return status;
}
