/* One sentence on what the chip holds now, and one on how to go on from there: what every failure
 * must tell. */
#include <stdio.h>
#include <string.h>

#include "session_private.h"

static const char *change_text(enum change change)
{
    switch (change) {
    case CHANGE_NONE:
        return "unchanged";
    case CHANGE_ERASED:
        return "blank";
    case CHANGE_PARTIAL:
        return "written in part";
    case CHANGE_WRITTEN:
        return "written, not verified";
    case CHANGE_VERIFIED:
        return "written and verified";
    case CHANGE_WRONG:
        return "written, not as wanted";
    }
    return "unknown";
}

bool session_changed_chip(const struct session *s)
{
    if (s->report.erased || s->erase_begun || s->instructed)
        return true;
    for (size_t i = 0; s->held != NULL && i < s->report.memory_count; i++)
        if (s->held[i].change != CHANGE_NONE)
            return true;
    return false;
}

static size_t append(char *out, size_t capacity, size_t used, const char *format, const char *name,
                     const char *what)
{
    const int length = snprintf(out + used, capacity - used, format, name, what);
    return length < 0 || (size_t)length >= capacity - used ? capacity - 1 : used + (size_t)length;
}

/* A job that was cut off by its programmer can be done again as a whole. */
static void tell_how_to_go_on(const struct session *s, struct error *e)
{
    const bool cut_off =
        e->code == STATUS_LINK || e->code == STATUS_TIMEOUT || e->code == STATUS_SILENT;
    if (!cut_off)
        return;
    error_hint(e, "unplug the programmer, plug it in again and repeat the command: %s",
               s->report.erased || s->erase_begun
                   ? "it begins with an erase, so that nothing is left of this attempt"
                   : "what the chip holds already is left alone");
    if (s->rescue != NULL)
        error_hint(e, "then write back what was to be kept, from %s", s->rescue->name);
}

void session_tell_state(const struct session *s, struct error *e)
{
    char text[sizeof e->state] = "";
    size_t used = 0, listed = 0;
    if (e->state[0] != '\0')
        return;
    if (!s->touched) {
        error_state(e, "the chip was not touched");
        return;
    }
    if (!session_changed_chip(s)) {
        error_state(e, "the chip holds what it held before: nothing was erased or written");
        return;
    }
    if (s->rescue != NULL)
        used = append(text, sizeof text, used, "what was to be kept is in the file %s%s",
                      s->rescue->name, "; ");
    if (s->erase_begun)
        used =
            append(text, sizeof text, used, "%s%s", "the chip erase began and may not have ended",
                   "; flash, EEPROM and lock bits are not to be trusted");
    else if (s->report.erased)
        used = append(text, sizeof text, used, "%s%s", "the chip was erased", "");
    if (s->instructed)
        used = append(text, sizeof text, used, "%s%s", used > 0 ? "; " : "",
                      "raw instructions were sent, whatever they did");
    for (size_t i = 0; s->held != NULL && i < s->report.memory_count; i++) {
        if (s->held[i].change == CHANGE_NONE)
            continue;
        used = append(text, sizeof text, used,
                      s->erase_begun || s->report.erased || s->instructed || listed > 0 ? "; %s %s"
                                                                                        : "%s %s",
                      s->part->memories[i].name, change_text(s->held[i].change));
        listed++;
    }
    if (s->boosted != NULL)
        (void)append(text, sizeof text, used,
                     "; %s is not back at its old value: it keeps the "
                     "oscillator%s",
                     s->boosted->name, ", undivided, so that the chip answers");
    error_state(e, "%s", text);
    tell_how_to_go_on(s, e);
}
