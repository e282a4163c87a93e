/* The doctor: one check after the other, from the cable to the chip. */
#include "doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    ATTEMPTS = 2,       /* at each SCK */
    ATTEMPTS_FIXED = 4, /* where there is one SCK only */
    CLOCKS_MAX = 4,
    READINGS = 480,
    READINGS_MAX_US = 3000000,
    SUPPLY_MIN_MV = 1500 /* as diagnose() has it */
};

/* Listens in on what the layers below learn, and passes all of it on. */
struct ear {
    struct sink sink; /* first */
    struct sink *next;
    char firmware[96], port[128], baud[16];
};

struct doctor {
    const struct doctor_request *request;
    struct session *session;
    const struct part *part; /* that is expected: how it answers is for its data to say; or NULL */
    struct context *context;
    struct doctor_report *report;
    struct ear ear;
    struct probe_facts facts;
    bool failed;
    struct error first; /* the failure that counts */
    bool ended;         /* there is nothing more to look at */
};

const char *doctor_check_name(enum doctor_check check)
{
    static const char *const names[DOCTOR_CHECKS] = {
        [DOCTOR_PROGRAMMER] = "programmer", [DOCTOR_ACCESS] = "access",
        [DOCTOR_FIRMWARE] = "firmware",     [DOCTOR_SUPPLY] = "supply",
        [DOCTOR_WIRES] = "wires",           [DOCTOR_SIGNATURE] = "signature",
        [DOCTOR_CLOCK] = "clock",           [DOCTOR_LOCK] = "lock",
        [DOCTOR_READINGS] = "readings"};
    return names[check];
}

/* --- what is heard and what is told --------------------------------------------------------- */

static void ear_emit(struct sink *self, const struct event *event)
{
    struct ear *ear = (struct ear *)self;
    const struct {
        const char *name;
        char *into;
        size_t size;
    } wanted[] = {{"firmware", ear->firmware, sizeof ear->firmware},
                  {"port", ear->port, sizeof ear->port},
                  {"baud", ear->baud, sizeof ear->baud}};
    for (size_t i = 0; event->kind == EVENT_VALUE && i < sizeof wanted / sizeof wanted[0]; i++)
        if (strcmp(event->value.name, wanted[i].name) == 0 && event->value.text != NULL)
            (void)snprintf(wanted[i].into, wanted[i].size, "%s", event->value.text);
    if (ear->next != NULL)
        ear->next->emit(ear->next, event);
}

static void tell(struct doctor *d, enum doctor_check check, enum doctor_outcome outcome,
                 const char *format, ...) PRINTF(4, 5);
static void tell(struct doctor *d, enum doctor_check check, enum doctor_outcome outcome,
                 const char *format, ...)
{
    char text[sizeof d->first.text];
    const struct doctor_step step = {.check = check, .outcome = outcome, .text = text};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    d->request->listener->step(d->request->listener, &step);
}

/* The first failure is the one that counts. */
static void fails(struct doctor *d, enum doctor_check check, const struct error *e)
{
    tell(d, check, DOCTOR_FAILS, "%s", e->text);
    if (!d->failed)
        d->first = *e;
    d->failed = true;
}

/* True for what tells of the desk, not of the request, of this machine or of what the user wants.
 */
static bool is_finding(enum status status)
{
    switch (status) {
    case STATUS_NO_DEVICE:
    case STATUS_PERMISSION:
    case STATUS_BUSY:
    case STATUS_SILENT:
    case STATUS_NO_TARGET:
    case STATUS_SIGNATURE:
    case STATUS_PROTECTED:
    case STATUS_UNVERIFIED:
    case STATUS_TIMEOUT:
    case STATUS_LINK:
        return true;
    case STATUS_OK:
    case STATUS_INTERNAL:
    case STATUS_NO_MEMORY:
    case STATUS_USAGE:
    case STATUS_INPUT:
    case STATUS_OUTPUT:
    case STATUS_REFUSED:
    case STATUS_VERIFY:
    case STATUS_UNSUPPORTED:
    case STATUS_SEVERAL:
    case STATUS_CANCELLED:
    case STATUS_COUNT:
        break;
    }
    return false;
}

/* A check that could not go on: what stopped it is its finding, and there is nothing behind it. */
static enum status settle(struct doctor *d, enum doctor_check check, enum status status,
                          struct error *e)
{
    if (!is_finding(status))
        return status;
    fails(d, check, e);
    d->ended = true;
    *e = (struct error){0};
    return STATUS_OK;
}

/* --- the programmer ------------------------------------------------------------------------- */

static const char *firmware_text(const struct ear *ear)
{
    return ear->firmware[0] != '\0' ? ear->firmware : "it answers";
}

/* How far opening went shows in how it failed. */
static void tell_opening(struct doctor *d, enum status status, const struct error *e)
{
    const struct ear *ear = &d->ear;
    if (status == STATUS_NO_DEVICE) {
        fails(d, DOCTOR_PROGRAMMER, e);
        return;
    }
    if (status == STATUS_OK)
        tell(d, DOCTOR_PROGRAMMER, DOCTOR_OK, "%s: %s%s%s%s%s%s", d->session->programmer->entry->id,
             d->session->programmer->entry->summary, ear->port[0] != '\0' ? " at " : "", ear->port,
             ear->baud[0] != '\0' ? ", " : "", ear->baud, ear->baud[0] != '\0' ? " baud" : "");
    else
        tell(d, DOCTOR_PROGRAMMER, DOCTOR_OK, "%s: it is there", d->request->programmer.id);
    if (status == STATUS_PERMISSION || status == STATUS_BUSY) {
        fails(d, DOCTOR_ACCESS, e);
        return;
    }
    tell(d, DOCTOR_ACCESS, DOCTOR_OK, "it may be used");
    if (status != STATUS_OK)
        fails(d, DOCTOR_FIRMWARE, e);
    else
        tell(d, DOCTOR_FIRMWARE, DOCTOR_OK, "%s", firmware_text(ear));
}

static enum status check_programmer(struct doctor *d, struct part_database *parts,
                                    struct programmer *p, struct error *e)
{
    const struct programmer_config *config = &d->request->programmer;
    const enum status status = p != NULL ? session_open_on(p, parts, d->context, &d->session, e)
                                         : session_open(config, parts, d->context, &d->session, e);
    if (status != STATUS_OK && !is_finding(status))
        return status;
    tell_opening(d, status, e);
    d->ended = status != STATUS_OK;
    return STATUS_OK;
}

static void check_supply(struct doctor *d)
{
    d->facts.voltage_known = session_voltage(d->session, &d->facts.millivolts);
    const double volts = d->facts.millivolts / 1000.0;
    if (!d->facts.voltage_known)
        tell(d, DOCTOR_SUPPLY, DOCTOR_OPEN, "the programmer does not measure it");
    else if (d->facts.millivolts < SUPPLY_MIN_MV)
        tell(d, DOCTOR_SUPPLY, DOCTOR_OPEN,
             "%.2f V: the target has none, or the wire that measures it is not connected", volts);
    else
        tell(d, DOCTOR_SUPPLY, DOCTOR_OK, "%.2f V", volts);
}

/* --- the wires ------------------------------------------------------------------------------ */

/* Well below a quarter of 1 MHz (from the factory), 128 kHz (less 10 %), 32.768 kHz, and of the
 * last divided by 8. */
static size_t choose_clocks(const struct session *s, uint32_t out[CLOCKS_MAX])
{
    static const uint32_t rungs[CLOCKS_MAX] = {187500, 28000, 7000, 900};
    const struct programmer_driver *driver = s->programmer->driver;
    size_t count = 0;
    out[0] = s->programmer->config->sck_hz;
    if (out[0] != 0 || driver->set_sck == NULL)
        return 1;
    for (size_t i = 0; i < CLOCKS_MAX; i++) {
        uint32_t hz = rungs[i];
        hz = driver->sck_max_hz != 0 && hz > driver->sck_max_hz ? driver->sck_max_hz : hz;
        hz = hz < driver->sck_min_hz ? driver->sck_min_hz : hz;
        if (count == 0 || hz < out[count - 1])
            out[count++] = hz;
    }
    return count;
}

/* All attempts at one SCK; *good: each of them proved a chip. */
static enum status probe_at(struct doctor *d, uint32_t sck_hz, unsigned attempts, bool *good,
                            struct error *e)
{
    struct doctor_report *r = d->report;
    *good = true;
    for (unsigned i = 0; i < attempts && r->probe_count < DOCTOR_PROBES_MAX; i++) {
        struct isp_probe *p = &r->probes[r->probe_count];
        TRY(context_check(d->context, e));
        d->session->touched = true;
        TRY(target_probe(d->session->target, sck_hz, p, e));
        r->probe_count++;
        *good = *good && p->enabled;
    }
    return STATUS_OK;
}

/* What is told of the wires, with all that is known by now. */
static void judge(struct doctor *d)
{
    if (d->report->diagnosed)
        diagnose(d->report->probes, d->report->probe_count, &d->facts, &d->report->diagnosis);
}

static enum status probe_wires(struct doctor *d, struct error *e)
{
    uint32_t clocks[CLOCKS_MAX];
    const size_t count = choose_clocks(d->session, clocks);
    bool good = false;
    for (size_t i = 0; i < count && !good; i++) {
        TRY(probe_at(d, clocks[i], count > 1 ? ATTEMPTS : ATTEMPTS_FIXED, &good, e));
        if (target_clock(d->session->target) == 0) /* it turned out to be fixed */
            break;
    }
    d->report->diagnosed = true;
    judge(d);
    return STATUS_OK;
}

/* "SCK 187.5 kHz, 32 kHz, 8 kHz"; "the programmer's SCK" where it is not known. */
static void clocks_text(const struct doctor_report *r, char *out, size_t capacity)
{
    size_t used = 0;
    uint32_t last_hz = 0;
    (void)snprintf(out, capacity, "the programmer's SCK");
    for (size_t i = 0; i < r->probe_count; i++) {
        const uint32_t hz = r->probes[i].sck_hz;
        if (hz == last_hz || used >= capacity)
            continue;
        last_hz = hz;
        used += (size_t)snprintf(out + used, capacity - used, "%s%.6g kHz",
                                 used > 0 ? ", " : "SCK ", hz / 1000.0);
    }
}

static void tell_good_wires(struct doctor *d)
{
    const struct diagnosis *found = &d->report->diagnosis;
    if (found->symptom == SYMPTOM_TOO_FAST)
        tell(d, DOCTOR_WIRES, DOCTOR_OK, "the chip answers at SCK %.6g kHz, not at %.6g kHz",
             found->good_hz / 1000.0, found->bad_hz / 1000.0);
    else if (found->good_hz != 0)
        tell(d, DOCTOR_WIRES, DOCTOR_OK, "the chip answers at SCK %.6g kHz",
             found->good_hz / 1000.0);
    else
        tell(d, DOCTOR_WIRES, DOCTOR_OK, "the chip answers");
}

static void tell_wires(struct doctor *d)
{
    const struct diagnosis *found = &d->report->diagnosis;
    const bool good = found->symptom == SYMPTOM_NONE || found->symptom == SYMPTOM_TOO_FAST;
    const bool answers = good || found->symptom == SYMPTOM_UNRELIABLE;
    char clocks[96];
    struct error e = {0};
    if (good) {
        tell_good_wires(d);
        return;
    }
    clocks_text(d->report, clocks, sizeof clocks);
    (void)error_set(&e, answers ? STATUS_UNVERIFIED : STATUS_NO_TARGET, "%s%s (at %s)",
                    answers ? "" : "no answer from the chip: ", symptom_text(found->symptom),
                    clocks);
    diagnosis_hints(found, d->request->programmer.sck_hz != 0 ? "leave -B out" : "", &e);
    fails(d, DOCTOR_WIRES, &e);
}

/* At the SCK that was found good the chip is entered next. */
static enum status keep_good_clock(struct doctor *d, struct error *e)
{
    const uint32_t hz = d->report->diagnosis.good_hz;
    if (hz == 0 || d->request->programmer.sck_hz != 0)
        return STATUS_OK;
    TRY(target_leave(d->session->target, e));
    return target_set_clock(d->session->target, hz, e);
}

static enum status check_wires(struct doctor *d, struct error *e)
{
    const struct part *generic = target_generic_part(d->session->programmer->driver);
    TRY(session_expect(d->session, d->part != NULL ? d->part : generic, e));
    check_supply(d);
    const enum status status = probe_wires(d, e);
    if (status == STATUS_UNSUPPORTED) { /* a boot loader: there are none */
        tell(d, DOCTOR_WIRES, DOCTOR_OPEN, "%s", e->text);
        *e = (struct error){0};
        return STATUS_OK;
    }
    TRY(settle(d, DOCTOR_WIRES, status, e));
    if (d->ended)
        return STATUS_OK;
    tell_wires(d);
    return settle(d, DOCTOR_WIRES, keep_good_clock(d, e), e);
}

/* --- the chip ------------------------------------------------------------------------------- */

static void tell_signature(struct doctor *d)
{
    const struct session *s = d->session;
    const uint8_t *signature = s->report.signature;
    const struct part *others[2];
    const size_t count = session_candidates(s, others, 2);
    d->report->part = s->part;
    char text[PART_SIGNATURE_TEXT];
    tell(d, DOCTOR_SIGNATURE, DOCTOR_OK, "%s: %s%s",
         part_signature_text(s->part->family, signature, text), s->part->name,
         !s->part_named && count > 1 ? ", or another of that signature" : "");
}

static enum status check_signature(struct doctor *d, struct error *e)
{
    const enum status status = session_connect(d->session, d->request->part, 0, e);
    if (status == STATUS_OK)
        tell_signature(d);
    return settle(d, status == STATUS_PROTECTED ? DOCTOR_LOCK : DOCTOR_SIGNATURE, status, e);
}

/* A chip that does not follow what its fuses promise has something on its wires. */
static void check_clock(struct doctor *d)
{
    struct part_clock clock;
    struct sck_range range;
    struct doctor_report *r = d->report;
    char source[64];
    if (!session_erase_unlocks(d->session)) {
        tell(d, DOCTOR_CLOCK, DOCTOR_OPEN, "SWD does not depend on it");
        return;
    }
    if (!session_chip_clock(d->session, &clock) || !session_sck_range(d->session, &range)) {
        tell(d, DOCTOR_CLOCK, DOCTOR_OPEN, "the fuses do not tell it");
        return;
    }
    session_clock_text(&clock, source, sizeof source);
    d->facts.promised_hz = range.start_hz;
    judge(d);
    if (range.chip_hz == 0) {
        tell(d, DOCTOR_CLOCK, DOCTOR_OPEN, "%s by its fuses", source);
        return;
    }
    if (r->diagnosis.bad_hz == 0 || r->diagnosis.bad_hz > range.start_hz) {
        tell(d, DOCTOR_CLOCK, DOCTOR_OK, "%s by its fuses: SCK has to stay below %.6g kHz", source,
             range.chip_hz / 1000.0);
        return;
    }
    struct error e = {0};
    (void)error_set(&e, STATUS_UNVERIFIED,
                    "%s by its fuses: it ought to follow SCK %.6g kHz, and does not always", source,
                    r->diagnosis.bad_hz / 1000.0);
    diagnosis_hints(&r->diagnosis, "", &e);
    fails(d, DOCTOR_CLOCK, &e);
}

static void check_lock(struct doctor *d)
{
    const struct session *s = d->session;
    const struct memory *lock = part_memory(s->part, MEMORY_LOCK);
    uint8_t value = 0;
    if (lock == NULL || !session_byte(s, lock, &value)) {
        tell(d, DOCTOR_LOCK, DOCTOR_OPEN, "the lock bits of the %s cannot be read", s->part->name);
        return;
    }
    if (!session_write_locked(s)) {
        tell(d, DOCTOR_LOCK, DOCTOR_OK, "0x%02x: open%s", value,
             session_is_protected(s) ? ", but parts of flash are write protected" : "");
        return;
    }
    struct error e = {0};
    if (session_erase_unlocks(s)) {
        (void)error_set(&e, STATUS_PROTECTED, "the chip is locked (0x%02x): lock bits forbid %s",
                        value, session_read_locked(s) ? "reading and writing" : "writing");
        error_hint(&e, "a chip erase lifts lock bits, and takes flash and EEPROM with it");
    } else {
        (void)error_set(&e, STATUS_PROTECTED, "%s (%s is 0x%02x)", session_lock_text(s), lock->name,
                        value);
        session_hint_lift(s, LIFT_AT_ALL, &e);
    }
    fails(d, DOCTOR_LOCK, &e);
}

static enum status count_readings(struct doctor *d, struct error *e)
{
    unsigned reads = 0, wrong = 0;
    const uint64_t begin_us = context_now_us(d->context);
    while (reads < READINGS && context_now_us(d->context) - begin_us < READINGS_MAX_US) {
        unsigned more = 0, errors = 0;
        TRY(session_reread(d->session, &more, &errors, e));
        reads += more;
        wrong += errors;
    }
    if (wrong == 0) {
        tell(d, DOCTOR_READINGS, DOCTOR_OK, "%u of %u were right", reads, reads);
        return STATUS_OK;
    }
    (void)error_set(e, STATUS_UNVERIFIED, "the connection is unreliable: %u of %u readings wrong",
                    wrong, reads);
    error_hint(e, "use shorter wires, a good ground or a slower SCK before anything is written");
    return STATUS_UNVERIFIED;
}

static void fails_at_readings(struct doctor *d, const struct error *e)
{
    fails(d, DOCTOR_READINGS, e);
    d->facts.readings_wrong = true;
    judge(d);
}

static enum status check_bytes(struct doctor *d, struct error *e)
{
    enum status status = session_read_bytes(d->session, 2, e);
    if (status == STATUS_OK) {
        check_clock(d);
        check_lock(d);
        if (d->report->diagnosed) /* else it is only a boot loader's word */
            status = count_readings(d, e);
    }
    if (status != STATUS_UNVERIFIED)
        return settle(d, DOCTOR_READINGS, status, e);
    fails_at_readings(d, e);
    return STATUS_OK;
}

/* What is asked for with a soak: how fast, is for -B to say, or for the fuses. */
static enum status soak(struct doctor *d, struct error *e)
{
    struct session *s = d->session;
    struct sck_range range = {0};
    if (d->request->soak == 0 || !d->report->diagnosed)
        return STATUS_OK;
    if (session_clock_is_ours(s))
        (void)session_sck_range(s, &range);
    const enum status status =
        session_soak(s, d->request->soak, range.start_hz, d->request->listener, e);
    if (is_finding(status) && !d->failed) {
        d->failed = true;
        d->first = *e;
    }
    return is_finding(status) ? STATUS_OK : status;
}

static bool chip_answers(const struct doctor *d)
{
    const enum symptom symptom = d->report->diagnosis.symptom;
    return !d->report->diagnosed || symptom == SYMPTOM_NONE || symptom == SYMPTOM_TOO_FAST ||
           symptom == SYMPTOM_UNRELIABLE;
}

static enum status examine(struct doctor *d, struct part_database *parts, struct programmer *p,
                           struct error *e)
{
    if (d->request->part != NULL) {
        TRY(part_find(parts, d->request->part, &d->part, e));
        d->report->part = d->part;
    }
    TRY(check_programmer(d, parts, p, e));
    if (d->ended)
        return STATUS_OK;
    TRY(check_wires(d, e));
    if (d->ended || !chip_answers(d))
        return STATUS_OK;
    TRY(check_signature(d, e));
    if (!d->ended)
        TRY(check_bytes(d, e));
    if (!d->ended)
        TRY(soak(d, e));
    return d->ended ? STATUS_OK : session_disconnect(d->session, e);
}

enum status doctor_run_on(const struct doctor_request *request, struct part_database *parts,
                          struct context *c, struct programmer *p, struct doctor_report *report,
                          struct error *e)
{
    *report = (struct doctor_report){.diagnosed = false};
    struct doctor d = {.request = request,
                       .context = c,
                       .report = report,
                       .ear = {.sink = {.emit = ear_emit}, .next = c->sink}};
    c->sink = &d.ear.sink;
    enum status status = examine(&d, parts, p, e);
    if (status == STATUS_OK && d.failed) {
        *e = d.first;
        status = e->code;
    }
    if (status != STATUS_OK && d.session != NULL)
        session_tell_state(d.session, e);
    else if (status != STATUS_OK)
        error_state(e, "the chip was not touched");
    session_close(d.session);
    c->sink = d.ear.next;
    (void)snprintf(report->port, sizeof report->port, "%s", d.ear.port);
    return status;
}

enum status doctor_run(const struct doctor_request *request, struct part_database *parts,
                       struct context *c, struct doctor_report *report, struct error *e)
{
    return doctor_run_on(request, parts, c, NULL, report, e);
}
