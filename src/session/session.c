/* A session's life: the programmer, programming mode, the part, and what is known of the chip. */
#include <stdlib.h>
#include <string.h>

#include "session_private.h"

enum status session_no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "out of memory");
}

bool memory_is_byte(const struct memory *m)
{
    return m->kind == MEMORY_FUSE || m->kind == MEMORY_LOCK;
}

size_t session_index(const struct session *s, const struct memory *m)
{
    return (size_t)(m - s->part->memories);
}

const struct part *session_part(const struct session *s)
{
    return s->part;
}

const struct report *session_report(const struct session *s)
{
    return &s->report;
}

void report_free(struct report *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->memory_count; i++)
        image_free(report->memories[i].proven);
    free(report->memories);
    *report = (struct report){0};
}

/* --- opening and closing -------------------------------------------------------------------- */

static struct session *session_new(struct part_database *parts, struct context *c)
{
    struct session *s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->context = c;
        s->parts = parts;
    }
    return s;
}

static enum status open_programmer(struct session *s, const struct programmer_config *config,
                                   struct error *e)
{
    context_begin(s->context, STEP_OPEN, NULL, 0);
    const enum status status = session_open_patiently(config, s->context, &s->programmer, e);
    context_end(s->context, status);
    return status;
}

static void took_programmer(struct session *s)
{
    s->report.programmer = s->programmer->config->id;
    context_value(s->context, "programmer", s->programmer->entry->id, NULL, 0);
}

enum status session_open(const struct programmer_config *config, struct part_database *parts,
                         struct context *c, struct session **out, struct error *e)
{
    struct session *s = session_new(parts, c);
    if (s == NULL)
        return session_no_memory(e);
    const enum status status = open_programmer(s, config, e);
    if (status != STATUS_OK) {
        session_close(s);
        return status;
    }
    took_programmer(s);
    *out = s;
    return STATUS_OK;
}

enum status session_open_on(struct programmer *p, struct part_database *parts, struct context *c,
                            struct session **out, struct error *e)
{
    struct session *s = session_new(parts, c);
    if (s == NULL)
        return session_no_memory(e);
    s->programmer = p;
    s->programmer_borrowed = true;
    took_programmer(s);
    *out = s;
    return STATUS_OK;
}

static void free_held(struct session *s)
{
    for (size_t i = 0; s->held != NULL && i < s->report.memory_count; i++)
        image_free(s->held[i].known);
    free(s->held);
    s->held = NULL;
}

void session_take_report(struct session *s, struct report *out)
{
    free_held(s);
    *out = s->report;
    s->report = (struct report){0};
}

void session_close(struct session *s)
{
    if (s == NULL)
        return;
    const bool leaving = s->context->leaving;
    s->context->leaving = true;
    target_close(s->target);
    if (!s->programmer_borrowed)
        programmer_close(s->programmer);
    s->context->leaving = leaving;
    free_held(s);
    report_free(&s->report);
    free(s);
}

/* --- what is known of the chip -------------------------------------------------------------- */

/* Room for what is known of each memory of the part that was decided on. */
static enum status prepare_memories(struct session *s, struct error *e)
{
    const size_t count = s->part->memory_count;
    free_held(s);
    for (size_t i = 0; i < s->report.memory_count; i++)
        image_free(s->report.memories[i].proven);
    free(s->report.memories);
    s->report.memories = calloc(count > 0 ? count : 1, sizeof *s->report.memories);
    s->report.memory_count = s->report.memories != NULL ? count : 0;
    s->held = calloc(count > 0 ? count : 1, sizeof *s->held);
    if (s->report.memories == NULL || s->held == NULL)
        return session_no_memory(e);
    for (size_t i = 0; i < count; i++) {
        s->report.memories[i].memory = &s->part->memories[i];
        s->held[i].known = image_new();
        if (s->held[i].known == NULL)
            return session_no_memory(e);
    }
    return STATUS_OK;
}

enum status session_learn(struct session *s, const struct memory *m, const struct image *image,
                          struct error *e)
{
    struct image *known = s->held[session_index(s, m)].known;
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        TRY(image_put(known, extent.address, extent.data, extent.size, IMAGE_OVERLAP_REPLACE, NULL,
                      e));
    return STATUS_OK;
}

void session_forget(struct session *s, const struct memory *m)
{
    image_truncate(s->held[session_index(s, m)].known, 0);
}

void session_forget_all(struct session *s)
{
    for (size_t i = 0; s->part != NULL && i < s->part->memory_count; i++)
        session_forget(s, &s->part->memories[i]);
}

const struct image *session_known(const struct session *s, const struct memory *m)
{
    return s->held[session_index(s, m)].known;
}

enum status session_may_change(const struct session *s, struct error *e)
{
    if (!s->report.signature_known)
        return error_set(e, STATUS_NO_TARGET,
                         "no chip answers with a signature, so nothing is erased or written");
    return session_part_is_certain(s, e);
}

bool session_voltage(const struct session *s, uint32_t *millivolts)
{
    return target_voltage(s->target, millivolts);
}

enum status session_instruction(struct session *s, const uint8_t mosi[4], uint8_t miso[4],
                                struct error *e)
{
    TRY(context_check(s->context, e));
    s->instructed = true;
    session_forget_all(s);
    for (size_t i = 0; i < s->part->memory_count; i++)
        session_forget_proven(s, &s->part->memories[i]);
    TRY(target_instruction(s->target, mosi, miso, e));
    return session_read_bytes(s, 1, e);
}

/* --- programming mode ----------------------------------------------------------------------- */

static enum status enter(struct session *s, struct error *e)
{
    TRY(context_check(s->context, e));
    s->touched = true;
    context_begin(s->context, STEP_ENTER, NULL, 0);
    const enum status status = target_enter(s->target, e);
    context_end(s->context, status);
    return status;
}

/* With SESSION_FORCE_SIGNATURE a signature that makes no sense may do for reading; the target
 * refuses to write then. `*known` tells. */
static enum status identify(struct session *s, uint8_t signature[3], bool *known, struct error *e)
{
    const bool forced = (s->flags & SESSION_FORCE_SIGNATURE) != 0 && s->part_named;
    context_begin(s->context, STEP_IDENTIFY, NULL, 0);
    const enum status status = target_identify(s->target, signature, e);
    context_end(s->context, status);
    *known = status == STATUS_OK;
    if (status != STATUS_NO_TARGET || !forced)
        return status;
    context_log(s->context, LOG_WARNING, "%s; going on for reading only, as forced", e->text);
    return STATUS_OK;
}

static enum status named_part(struct session *s, const char *name, const struct part **part,
                              struct error *e)
{
    *part = target_generic_part(s->programmer->driver);
    return name != NULL ? part_find(s->parts, name, part, e) : STATUS_OK;
}

enum status session_expect(struct session *s, const struct part *part, struct error *e)
{
    if (s->target == NULL)
        return target_open(s->programmer, part, &s->target, e);
    return target_select(s->target, part, e);
}

/* What is sold under the name of another: said, or no longer borne. */
static enum status check_maker(struct session *s, struct error *e)
{
    char what[160];
    if (!s->report.signature_known || !target_is_clone(s->target, s->part, what, sizeof what))
        return STATUS_OK;
    if ((s->flags & SESSION_REQUIRE_GENUINE) != 0)
        return error_set(e, STATUS_SIGNATURE, "the chip is no genuine %s: %s", s->part->name, what);
    context_log(s->context, LOG_WARNING, "the chip is a clone of the %s: %s", s->part->name, what);
    return STATUS_OK;
}

enum status session_connect(struct session *s, const char *part, unsigned flags, struct error *e)
{
    const struct part *first;
    uint8_t signature[3] = {0};
    bool known;
    s->flags = flags;
    s->part_named = part != NULL;
    TRY(named_part(s, part, &first, e));
    TRY(session_expect(s, first, e));
    TRY(enter(s, e));
    s->entered_hz = target_clock(s->target);
    s->ceiling_hz = 0;
    session_tell_clock(s);
    TRY(identify(s, signature, &known, e));
    s->report.signature_known = known;
    memcpy(s->report.signature, signature, sizeof signature);
    TRY(session_choose_part(s, part, known ? signature : NULL, e));
    s->report.part = s->part;
    TRY(prepare_memories(s, e));
    TRY(check_maker(s, e));
    return s->part != target_part(s->target) ? target_select(s->target, s->part, e) : STATUS_OK;
}

enum status session_disconnect(struct session *s, struct error *e)
{
    if (s->target == NULL || !s->programmer->entered)
        return STATUS_OK;
    context_begin(s->context, STEP_LEAVE, NULL, 0);
    const enum status status = target_leave(s->target, e);
    context_end(s->context, status);
    session_forget_all(s);
    return status;
}

enum status session_reconnect(struct session *s, struct error *e)
{
    uint8_t signature[3];
    bool known;
    TRY(session_disconnect(s, e));
    if (session_clock_is_ours(s)) /* new fuses may have made the chip slower */
        TRY(target_set_clock(s->target, s->entered_hz, e));
    TRY(enter(s, e));
    TRY(identify(s, signature, &known, e));
    if (known && s->report.signature_known &&
        memcmp(signature, s->report.signature, sizeof signature) != 0)
        return error_set(e, STATUS_SIGNATURE,
                         "the signature is %02x %02x %02x now and was %02x %02x %02x before",
                         signature[0], signature[1], signature[2], s->report.signature[0],
                         s->report.signature[1], s->report.signature[2]);
    return STATUS_OK;
}
