/* The end of a job that changed fuses or lock bits. The chip takes them when it leaves programming
 * mode (ATmega328P data sheet, "Latching of Fuses"), so only a second entry shows that it still has
 * a clock, and a second reading that the bytes are what was written. */
#include <stdio.h>
#include <string.h>

#include "session_private.h"

static bool was_changed(const struct session *s, size_t i)
{
    return memory_is_byte(&s->part->memories[i]) &&
           (s->held[i].change == CHANGE_WRITTEN || s->held[i].change == CHANGE_VERIFIED);
}

/* The memory's report shows it in this hazard, and not before. */
static bool entered(const struct session *s, const struct hazard *hazard)
{
    const size_t i = session_index(s, hazard->memory);
    const struct memory_report *m = &s->report.memories[i];
    return was_changed(s, i) && m->has_after && hazard_hit(hazard, m->after) &&
           !(m->has_before && hazard_hit(hazard, m->before));
}

/* RESET no longer leads into programming mode, as was allowed by name. */
static const struct hazard *shuts_isp(const struct session *s)
{
    for (size_t i = 0; i < s->part->hazard_count; i++) {
        const struct hazard *hazard = &s->part->hazards[i];
        if ((hazard->kind == HAZARD_RESET_DISABLE || hazard->kind == HAZARD_DEBUGWIRE) &&
            entered(s, hazard))
            return hazard;
    }
    return NULL;
}

/* "lfuse 0x62 -> 0xe0, lock 0xff -> 0xcf" */
static void list_changes(const struct session *s, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->report.memory_count; i++) {
        const struct memory_report *m = &s->report.memories[i];
        char before[16] = "";
        if (!was_changed(s, i) || used >= capacity)
            continue;
        if (m->has_before)
            (void)snprintf(before, sizeof before, " 0x%02x ->", m->before);
        used += (size_t)snprintf(out + used, capacity - used, "%s%s%s 0x%02x", used > 0 ? ", " : "",
                                 m->memory->name, before, m->after);
    }
}

/* --- what brings it back -------------------------------------------------------------------- */

static void hint_put_back(const struct session *s, const struct memory *m, struct error *e)
{
    const struct memory_report *report = &s->report.memories[session_index(s, m)];
    if (report->has_before)
        error_hint(e, "to put back what was there: -U %s:w:0x%02x:m", m->name, report->before);
}

/* Data sheets, "External Clock": with any crystal setting too, XTAL1 is an input that a square wave
 * drives. AUX: Bus Pirate manual, "Frequency generator". */
static void hint_clock(const struct session *s, const struct hazard *hazard, struct error *e)
{
    error_hint(e, "%s", hazard->recovery);
    error_hint(e, "a square wave comes from a timer pin of another board, the AUX pin of a Bus "
                  "Pirate or an oscillator module; at the chip's supply voltage, grounds joined");
    error_hint(e, "SCK must stay below a quarter of it: -B 125kHz for 1 MHz");
    hint_put_back(s, hazard->memory, e);
}

static void hint_slow(const struct session *s, const struct hazard *hazard, struct error *e)
{
    error_hint(e, "the chip %s: leave -B out to have slower clocks tried, or use -B 2kHz",
               hazard->caption);
    hint_put_back(s, hazard->memory, e);
}

/* True if the hazard explains why the chip may be silent. */
static bool hint_one(const struct session *s, const struct hazard *hazard, struct error *e)
{
    if (!entered(s, hazard))
        return false;
    switch (hazard->kind) {
    case HAZARD_EXTERNAL_CLOCK:
    case HAZARD_CRYSTAL:
        hint_clock(s, hazard, e);
        return true;
    case HAZARD_SLOW_CLOCK:
    case HAZARD_CLOCK_DIVIDED:
        hint_slow(s, hazard, e);
        return true;
    case HAZARD_OTHER:
        error_hint(e, "%s: %s", hazard->memory->name, hazard->caption);
        return false;
    case HAZARD_RESET_DISABLE:
    case HAZARD_DEBUGWIRE:
    case HAZARD_SPI_DISABLE:
    case HAZARD_LOCK:
        return false;
    }
    return false;
}

static enum status no_longer_answers(const struct session *s, struct error *e)
{
    const struct error why = *e;
    char changes[160];
    bool explained = false;
    list_changes(s, changes, sizeof changes);
    (void)error_set(e, why.code,
                    "the chip does not answer any more since it left programming mode and took its "
                    "new bytes (%s): %s",
                    changes, why.text);
    for (size_t i = 0; i < s->part->hazard_count && !explained; i++)
        explained = hint_one(s, &s->part->hazards[i], e);
    if (!explained)
        error_hint(e, "%s", why.hint);
    return why.code;
}

/* --- the second reading --------------------------------------------------------------------- */

static enum status compare(struct session *s, size_t i, uint8_t written, struct error *e)
{
    const struct memory *m = &s->part->memories[i];
    uint8_t found;
    if (!session_byte(s, m, &found) || ((found ^ written) & m->mask & m->write_mask) == 0)
        return STATUS_OK;
    s->held[i].change = CHANGE_WRONG;
    s->report.mismatches++;
    struct event event = {.kind = EVENT_MISMATCH,
                          .mismatch = {.memory = m, .wanted = written, .found = found}};
    context_emit(s->context, &event);
    return error_set(e, STATUS_VERIFY,
                     "%s is 0x%02x since programming mode was entered anew, 0x%02x was written",
                     m->name, found, written);
}

static enum status read_again(struct session *s, struct error *e)
{
    enum { READINGS = 2, BYTES_MAX = 64 };
    uint8_t written[BYTES_MAX];
    for (size_t i = 0; i < s->report.memory_count && i < BYTES_MAX; i++)
        written[i] = s->report.memories[i].after;
    context_begin(s->context, STEP_IDENTIFY, NULL, 0);
    const enum status status = session_read_bytes(s, READINGS, e);
    context_end(s->context, status);
    TRY(status);
    for (size_t i = 0; i < s->report.memory_count && i < BYTES_MAX; i++)
        if (was_changed(s, i))
            TRY(compare(s, i, written[i], e));
    return STATUS_OK;
}

enum status session_prove(struct session *s, struct error *e)
{
    bool changed = false;
    for (size_t i = 0; i < s->report.memory_count; i++)
        changed = changed || was_changed(s, i);
    if (!changed)
        return STATUS_OK;
    if (shuts_isp(s) != NULL) {
        context_log(s->context, LOG_NOTE,
                    "ISP cannot be entered again, so the chip was not asked once more");
        return STATUS_OK;
    }
    const enum status status = session_reconnect(s, e);
    if (status == STATUS_NO_TARGET || status == STATUS_SIGNATURE || status == STATUS_UNVERIFIED)
        return no_longer_answers(s, e);
    TRY(status);
    return read_again(s, e);
}
