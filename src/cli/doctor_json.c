/* The doctor's findings for programs. */
#include "doctor_report.h"
#include "json_sink.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *hertz(uint32_t hz)
{
    return hz != 0 ? json_integer(hz) : json_null();
}

void doctor_json_step(FILE *out, const struct doctor_step *step)
{
    static const char *const outcomes[] = {
        [DOCTOR_OK] = "ok", [DOCTOR_FAILS] = "fails", [DOCTOR_OPEN] = "unknown"};
    json_t *o = json_begin("check");
    set(o, "check", json_text(doctor_check_name(step->check)));
    set(o, "outcome", json_text(outcomes[step->outcome]));
    set(o, "text", json_text(step->text));
    json_line(out, o);
}

void doctor_json_soak(FILE *out, const struct soak_row *row)
{
    json_t *o = json_begin("soak");
    set(o, "sck_hz", hertz(row->sck_hz));
    set(o, "reads", json_integer(row->reads));
    set(o, "errors", json_integer(row->errors));
    set(o, "per_10000",
        row->reads > 0 ? json_real(row->errors * 10000.0 / row->reads) : json_null());
    set(o, "out_of_step", json_integer(row->lost));
    json_line(out, o);
}

static json_t *suspect_object(const struct doctor_report *r, const struct doctor_places *places,
                              const struct suspect *suspect)
{
    json_t *o = json_object(), *lines = json_array();
    char place[256];
    set(o, "check", json_text(suspect->check));
    for (unsigned k = 0; k < LINE_COUNT; k++) {
        const enum line line = (enum line)(1u << k);
        if ((suspect->lines & line) == 0)
            continue;
        json_t *item = json_object();
        set(item, "line", json_text(line_name(line)));
        set(item, "where", json_text(doctor_line_place(r, places, line, place, sizeof place)));
        (void)json_array_append_new(lines, item);
    }
    set(o, "lines", lines);
    return o;
}

static json_t *answer_object(const struct isp_probe *p)
{
    json_t *o = json_object();
    set(o, "sck_hz", hertz(p->sck_hz));
    set(o, "enabled", json_boolean(p->enabled));
    set(o, "enable", p->enable_seen ? json_bytes(p->enable, sizeof p->enable) : json_null());
    set(o, "pattern",
        !p->pattern_seen ? json_null()
        : p->enable_seen ? json_bytes(p->pattern, sizeof p->pattern)
                         : json_bytes(p->pattern + 3, 1));
    set(o, "signature",
        p->signature_seen ? json_bytes(p->signature, sizeof p->signature) : json_null());
    return o;
}

static void set_wires(json_t *o, const struct doctor_report *r, const struct doctor_places *places,
                      bool blamed)
{
    const struct diagnosis *d = &r->diagnosis;
    json_t *suspects = json_array(), *answers = json_array();
    set(o, "symptom", json_text(symptom_name(d->symptom)));
    set(o, "confidence", json_text(confidence_name(d->confidence)));
    set(o, "good_hz", hertz(d->good_hz));
    set(o, "bad_hz", hertz(d->bad_hz));
    for (size_t i = 0; blamed && i < d->suspect_count; i++)
        (void)json_array_append_new(suspects, suspect_object(r, places, &d->suspects[i]));
    for (size_t i = 0; i < r->probe_count; i++)
        (void)json_array_append_new(answers, answer_object(&r->probes[i]));
    set(o, "suspects", suspects);
    set(o, "answers", answers);
}

void doctor_json_end(FILE *out, const struct doctor_report *report,
                     const struct doctor_places *places, enum status status, const struct error *e)
{
    json_t *o = json_begin("diagnosis");
    set(o, "well", json_boolean(status == STATUS_OK));
    set(o, "text", status == STATUS_OK ? json_null() : json_text(e->text));
    set(o, "part", json_text(report->part != NULL ? report->part->name : NULL));
    set(o, "board", json_text(places->board != NULL ? places->board->name : NULL));
    if (report->diagnosed)
        set_wires(o, report, places, status != STATUS_OK && doctor_blames_wires(report, e));
    json_line(out, o);
}
