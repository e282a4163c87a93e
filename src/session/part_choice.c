/* From a signature to a part, and what to say when it is not the one that was named. */
#include <stdio.h>
#include <string.h>

#include "session_private.h"

size_t session_candidates(const struct session *s, const struct part **out, size_t capacity)
{
    for (size_t i = 0; i < capacity && i < s->candidate_count && i < CANDIDATES_MAX; i++)
        out[i] = s->candidates[i];
    return s->candidate_count;
}

/* What to give to -p. */
static const char *short_id(const struct part *part)
{
    return part->alias_count > 0 ? part->aliases[0] : part->id;
}

/* "m168, m168a": as many as fit. */
static void list_ids(const struct session *s, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->candidate_count && i < CANDIDATES_MAX; i++) {
        const int length = snprintf(out + used, capacity - used, "%s%s", i > 0 ? ", " : "",
                                    short_id(s->candidates[i]));
        if (length < 0 || (size_t)length >= capacity - used) {
            out[used] = '\0';
            return;
        }
        used += (size_t)length;
    }
}

static bool is_hidden(const uint8_t signature[3])
{
    return signature[0] == 0x00 && signature[1] == 0x01 && signature[2] == 0x02;
}

/* AT90S data sheets, "Signature Bytes": not readable when both lock bits are programmed. */
static enum status signature_is_hidden(const struct session *s, const struct part *named,
                                       struct error *e)
{
    if ((s->flags & SESSION_FORCE_SIGNATURE) != 0 && named != NULL)
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED,
                    "the chip is locked and hides its signature (it reads as 00 01 02)");
    error_hint(e, "if it really is %s, erasing unlocks it: -e -F",
               named != NULL ? named->name : "the chip you mean, name it with -p");
    return STATUS_PROTECTED;
}

/* What a signature of no known part may mean. */
static void hint_unknown(enum part_family family, struct error *e)
{
    switch (family) {
    case PART_AVR_ISP:
        error_hint(e, "bit errors can look like this: slow SCK down and look again");
        break;
    case PART_STM32F1:
        error_hint(e, "of all STM32s only the F1 family is known here");
        error_hint(e, "bit errors can look like this: shorter wires, or -B 480kHz");
        break;
    }
}

static void hint_other_part(const struct session *s, const struct part *named, struct error *e)
{
    char ids[160];
    if (s->candidate_count == 0) {
        hint_unknown(named->family, e);
        return;
    }
    error_hint(e, "use -p %s", short_id(s->candidates[0]));
    if (s->candidate_count > 1) {
        list_ids(s, ids, sizeof ids);
        error_hint(e, "parts with that signature are: %s", ids);
    }
    error_hint(e,
               part_same_layout(named, s->candidates[0])
                   ? "flash, pages and fuses of the two are laid out alike: what is meant for one "
                     "suits the other"
                   : "memories or fuses of the two differ: check that file and fuses are meant for "
                     "the %s",
               s->candidates[0]->name);
}

static enum status wrong_signature(const struct session *s, const struct part *named,
                                   const uint8_t signature[3], struct error *e)
{
    char looks_like[96] = "of no known part";
    if (s->candidate_count > 0)
        (void)snprintf(looks_like, sizeof looks_like, "that of %s%s", s->candidates[0]->name,
                       s->candidate_count > 1 ? " and others" : "");
    char has[PART_SIGNATURE_TEXT], wants[PART_SIGNATURE_TEXT];
    (void)error_set(e, STATUS_SIGNATURE, "the chip is not an %s: its %s is %s, %s, instead of %s",
                    named->name, part_signature_name(named->family),
                    part_signature_text(named->family, signature, has), looks_like,
                    part_signature_text(named->family, named->signature, wants));
    hint_other_part(s, named, e);
    return STATUS_SIGNATURE;
}

/* The chip has more than the part that was named, which may be all that its maker promises. */
static void note_more(const struct session *s, const struct part *named, const uint8_t signature[3])
{
    char has[PART_SIGNATURE_TEXT];
    if (memcmp(signature, named->signature, 3) != 0)
        context_log(s->context, LOG_DETAIL, "taken for an %s as named; the chip says %s: %s",
                    named->name, part_signature_name(named->family),
                    part_signature_text(named->family, signature, has));
}

static enum status check_named(struct session *s, const struct part *named,
                               const uint8_t signature[3], struct error *e)
{
    if (part_accepts(named, signature)) {
        note_more(s, named, signature);
        return STATUS_OK;
    }
    const enum status status = is_hidden(signature) && named->old_lock_hides_signature
                                   ? signature_is_hidden(s, named, e)
                                   : wrong_signature(s, named, signature, e);
    if (status == STATUS_OK || (s->flags & SESSION_FORCE_SIGNATURE) == 0)
        return status;
    context_log(s->context, LOG_WARNING, "%s; going on as if it were, as forced", e->text);
    return STATUS_OK;
}

static enum status by_signature(struct session *s, const uint8_t signature[3], struct error *e)
{
    if (s->candidate_count > 0)
        return STATUS_OK;
    if (is_hidden(signature))
        return signature_is_hidden(s, NULL, e);
    const enum part_family family = target_part(s->target)->family;
    char text[PART_SIGNATURE_TEXT];
    (void)error_set(e, STATUS_SIGNATURE, "no known part has the %s %s", part_signature_name(family),
                    part_signature_text(family, signature, text));
    hint_unknown(family, e);
    error_hint(e, "if it really is a part that ispflash does not know: --part-file FILE");
    return STATUS_SIGNATURE;
}

/* Told before it is judged: a listener wants to know it also where the run ends on it. */
static void tell_signature(struct session *s, const struct part *named, const uint8_t signature[3])
{
    const char *name = s->candidate_count > 0 ? s->candidates[0]->name : NULL;
    char text[PART_SIGNATURE_TEXT], chip[96];
    const enum part_family family = target_part(s->target)->family;
    if (named != NULL && part_accepts(named, signature))
        name = named->name;
    if (family == PART_AVR_ISP) {
        context_value(s->context, "signature", name, signature, 3);
        return;
    }
    (void)snprintf(chip, sizeof chip, "%s %s%s%s%s", part_signature_name(family),
                   part_signature_text(family, signature, text), name != NULL ? " (" : "",
                   name != NULL ? name : "", name != NULL ? ")" : "");
    context_value(s->context, "chip", chip, NULL, 0);
}

static void tell_part(struct session *s)
{
    char ids[256];
    context_value(s->context, "part", s->part->name, NULL, 0);
    if (s->part_named || s->candidate_count <= 1)
        return;
    list_ids(s, ids, sizeof ids);
    context_log(s->context, LOG_NOTE,
                "several parts have this signature (%s); taken for an %s, -p says it for sure", ids,
                s->part->name);
}

enum status session_choose_part(struct session *s, const char *name, const uint8_t *signature,
                                struct error *e)
{
    const struct part *named = NULL;
    s->candidate_count = 0;
    if (signature != NULL)
        TRY(part_by_signature(s->parts, signature, s->candidates, CANDIDATES_MAX,
                              &s->candidate_count, e));
    if (name != NULL)
        TRY(part_find(s->parts, name, &named, e));
    if (signature != NULL)
        tell_signature(s, named, signature);
    if (named != NULL && signature != NULL)
        TRY(check_named(s, named, signature, e));
    if (named == NULL)
        TRY(by_signature(s, signature, e));
    s->part = named != NULL ? named : s->candidates[0];
    tell_part(s);
    return STATUS_OK;
}

enum status session_unhide_signature(struct session *s, struct error *e)
{
    uint8_t signature[3];
    if (!s->report.signature_known || !is_hidden(s->report.signature))
        return STATUS_OK;
    TRY(target_identify(s->target, signature, e));
    memcpy(s->report.signature, signature, sizeof signature);
    context_value(s->context, "signature", NULL, signature, sizeof signature);
    if (memcmp(signature, s->part->signature, sizeof signature) == 0)
        return STATUS_OK;
    TRY(part_by_signature(s->parts, signature, s->candidates, CANDIDATES_MAX, &s->candidate_count,
                          e));
    return wrong_signature(s, s->part, signature, e);
}

enum status session_part_is_certain(const struct session *s, struct error *e)
{
    char ids[256];
    bool alike = true;
    for (size_t i = 1; i < s->candidate_count && i < CANDIDATES_MAX; i++)
        alike = alike && part_same_layout(s->candidates[0], s->candidates[i]);
    if (s->part_named || alike)
        return STATUS_OK;
    list_ids(s, ids, sizeof ids);
    (void)error_set(e, STATUS_USAGE,
                    "several parts that differ have the signature %02x %02x %02x, so one has to be "
                    "named before anything is written",
                    s->report.signature[0], s->report.signature[1], s->report.signature[2]);
    error_hint(e, "use one of -p %s", ids);
    return STATUS_USAGE;
}
