/* `ispflash doctor`: one check after the other, from the cable to the chip; then what is the matter
 * and where to look. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "doctor_report.h"
#include "job.h"
#include "run.h"

enum { SOAK_READS = 10000 };

/* --- as it goes ----------------------------------------------------------------------------- */

struct bedside {
    struct doctor_listener listener; /* first */
    FILE *out;
    bool json;
    bool told;    /* at least one step */
    bool soaking; /* the table has its head */
};

static void on_step(struct doctor_listener *self, const struct doctor_step *step)
{
    struct bedside *b = (struct bedside *)self;
    b->told = true;
    (b->json ? doctor_json_step : doctor_text_step)(b->out, step);
}

static void on_soak(struct doctor_listener *self, const struct soak_row *row)
{
    struct bedside *b = (struct bedside *)self;
    if (b->json)
        doctor_json_soak(b->out, row);
    else
        doctor_text_soak(b->out, row, !b->soaking);
    b->soaking = true;
}

/* The error is told behind it: what the answer has of it already is taken out. */
static void tell_end(const struct bedside *b, const struct doctor_report *report,
                     struct doctor_places *places, const char *programmer, enum status status,
                     struct error *e)
{
    doctor_places_choose(places, programmer, report->port);
    if (b->json) {
        doctor_json_end(b->out, report, places, status, e);
        return;
    }
    doctor_text_end(b->out, report, places, programmer, status, e);
    if (status != STATUS_OK)
        e->hint[0] = '\0';
}

/* --- the run -------------------------------------------------------------------------------- */

/* --soak, and the number behind it. */
static enum status soak_reads(const struct settings *s, unsigned *reads, struct error *e)
{
    const struct text_list *operands = &s->operands;
    char *end = NULL;
    *reads = s->soak ? SOAK_READS : 0;
    if (operands->count == 0)
        return STATUS_OK;
    const char *text = operands->items[0];
    const unsigned long number = strtoul(text, &end, 10);
    if (!s->soak || operands->count > 1)
        return error_set(e, STATUS_USAGE, "doctor takes no \"%s\"",
                         operands->items[s->soak ? 1 : 0]);
    if (text[0] < '1' || text[0] > '9' || *end != '\0' || number > SOAK_READS * 100ul)
        return error_set(e, STATUS_USAGE, "--soak %s: not a number of readings up to %lu", text,
                         SOAK_READS * 100ul);
    *reads = (unsigned)number;
    return STATUS_OK;
}

/* What the answer says is not said twice: text keeps warnings and errors unless more is wanted. */
static void hush(struct cli *cli)
{
    cli->sink.options.verbosity--;
}

static enum status examine(struct run *r, const struct programmer_config *programmer,
                           unsigned reads, struct error *e)
{
    struct cli *cli = r->cli;
    struct bedside bedside = {.listener = {.step = on_step, .soak = on_soak},
                              .out = cli->around->results,
                              .json = cli->settings.json};
    const struct doctor_request request = {.programmer = *programmer,
                                           .part = cli->settings.part,
                                           .soak = reads,
                                           .listener = &bedside.listener};
    struct doctor_report report;
    struct doctor_places places;
    TRY(doctor_places_open(&places, e));
    enum status status = doctor_run(&request, r->parts, &r->context, &report, e);
    if (bedside.told && status != STATUS_CANCELLED)
        tell_end(&bedside, &report, &places, programmer->id, status, e);
    doctor_places_close(&places);
    return status;
}

static enum status run_doctor(struct run *r, struct error *e)
{
    struct cli_job j;
    unsigned reads = 0;
    TRY(soak_reads(&r->cli->settings, &reads, e));
    TRY(run_read_configuration(r, e));
    enum status status = cli_job_init(&j, &r->cli->settings, &r->conf, e);
    if (status == STATUS_OK)
        status = run_default_port(r, &j.job.programmer, e);
    if (status == STATUS_OK)
        status = examine(r, &j.job.programmer, reads, e);
    cli_job_free(&j);
    return status;
}

enum status command_doctor(struct cli *cli, struct error *e)
{
    struct run r;
    hush(cli);
    TRY(run_check_settings(cli, e));
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = run_doctor(&r, e);
    run_close(&r);
    return status;
}
