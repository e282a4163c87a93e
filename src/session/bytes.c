/* Fuse and lock bytes: read together, compared in their implemented bits, written one by one. */
#include <stdio.h>
#include <string.h>

#include "session_private.h"

enum { BYTES_MAX = 16 }; /* fuse and lock bytes of one part; five at most so far */

bool session_byte(const struct session *s, const struct memory *m, uint8_t *value)
{
    return s->held != NULL && memory_is_byte(m) &&
           image_get(s->held[session_index(s, m)].known, m->base, value);
}

static enum status learn_byte(struct session *s, const struct memory *m, uint8_t value,
                              struct error *e)
{
    struct image *known = s->held[session_index(s, m)].known;
    struct memory_report *report = &s->report.memories[session_index(s, m)];
    uint8_t before;
    const bool new = !image_get(known, m->base, &before) || before != value;
    TRY(image_put(known, m->base, &value, 1, IMAGE_OVERLAP_REPLACE, NULL, e));
    if (!report->has_before) {
        report->has_before = true;
        report->before = value;
    }
    report->has_after = true;
    report->after = value;
    if (new)
        context_value(s->context, m->name, NULL, &value, 1);
    return STATUS_OK;
}

static size_t readable_bytes(const struct session *s, const struct memory *list[BYTES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < s->part->memory_count && count < BYTES_MAX; i++) {
        const struct memory *m = &s->part->memories[i];
        if (memory_is_byte(m) && target_readable(s->target, m))
            list[count++] = m;
    }
    return count;
}

static enum status readings_differ(const struct memory *m, uint8_t first, uint8_t second,
                                   struct error *e)
{
    (void)error_set(e, STATUS_UNVERIFIED,
                    "the connection is unreliable: %s read as 0x%02x and then as 0x%02x", m->name,
                    first, second);
    error_hint(e, "use shorter wires, a good ground or a slower SCK before anything is written");
    return STATUS_UNVERIFIED;
}

enum status session_read_bytes(struct session *s, unsigned times, struct error *e)
{
    const struct memory *list[BYTES_MAX];
    uint8_t first[BYTES_MAX], next[BYTES_MAX];
    if ((target_traits(s->target) & TARGET_BYTES) == 0)
        return STATUS_OK;
    const size_t count = readable_bytes(s, list);
    TRY(target_read_bytes(s->target, list, first, count, e));
    for (unsigned i = 1; i < times; i++) {
        TRY(target_read_bytes(s->target, list, next, count, e));
        for (size_t k = 0; k < count; k++)
            if (next[k] != first[k])
                return readings_differ(list[k], first[k], next[k], e);
    }
    for (size_t i = 0; i < count; i++)
        TRY(learn_byte(s, list[i], first[i], e));
    return STATUS_OK;
}

static bool lock_byte(const struct session *s, uint8_t *lock)
{
    const struct memory *m = part_memory(s->part, MEMORY_LOCK);
    return m != NULL && session_byte(s, m, lock);
}

bool session_read_locked(const struct session *s)
{
    uint8_t lock;
    return lock_byte(s, &lock) && target_lock_blocks_read(s->target, lock);
}

bool session_write_locked(const struct session *s)
{
    uint8_t lock;
    return lock_byte(s, &lock) && target_lock_blocks_write(s->target, lock);
}

static bool same_implemented(const struct memory *m, uint8_t a, uint8_t b)
{
    return ((a ^ b) & m->mask) == 0;
}

/* The guide's case: 0xcb and 0xfb are one setting where bits 5 and 4 do not exist. */
static void note_unimplemented(struct session *s, const struct memory *m, uint8_t wanted,
                               uint8_t held)
{
    if (wanted != held && same_implemented(m, wanted, held))
        context_log(s->context, LOG_NOTE,
                    "%s: 0x%02x as given and 0x%02x on the chip are the same setting, they differ "
                    "only in bits that the %s does not have",
                    m->name, wanted, held, s->part->name);
}

/* "SPIEN, OCDEN": the fields that `bits` lie in. */
static void list_fields(const struct memory *m, uint8_t bits, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < m->field_count && used < capacity; i++)
        if ((m->fields[i].mask & bits) != 0)
            used += (size_t)snprintf(out + used, capacity - used, "%s%s", used > 0 ? ", " : "",
                                     m->fields[i].name);
}

/* Bits that exist but that ISP cannot change (SPIEN) stay as they are. */
static uint8_t writable_value(struct session *s, const struct memory *m, uint8_t value)
{
    uint8_t held;
    char fields[96];
    const uint8_t fixed = (uint8_t)(m->mask & ~m->write_mask);
    if (fixed == 0 || !session_byte(s, m, &held) || ((value ^ held) & fixed) == 0)
        return value;
    list_fields(m, (value ^ held) & fixed, fields, sizeof fields);
    context_log(s->context, LOG_NOTE, "%s: %s cannot be changed over ISP and stays as it is",
                m->name, fields);
    return (uint8_t)((value & ~fixed) | (held & fixed));
}

const char *session_lock_text(const struct session *s)
{
    return (target_traits(s->target) & TARGET_UNLOCK) != 0 ? "the chip is read protected"
                                                           : "lock bits forbid it";
}

void session_hint_lift(const struct session *s, enum lift lift, struct error *e)
{
    if ((target_traits(s->target) & TARGET_UNLOCK) != 0)
        error_hint(e, "`ispflash unlock` lifts the protection; it erases all of flash");
    else if (lift == LIFT_BEFORE)
        error_hint(e, "-e erases the chip and lifts them");
    else
        error_hint(e, "only a chip erase lifts lock bits, and it takes the content with it");
}

enum status session_check_lock(const struct session *s, const struct memory *m, uint8_t held,
                               uint8_t value, struct error *e)
{
    if (m->kind != MEMORY_LOCK || target_lock_can_become(s->target, m, held, value))
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED,
                    "%s holds 0x%02x and only a chip erase can set it to 0x%02x", m->name, held,
                    value);
    if ((target_traits(s->target) & TARGET_UNLOCK) != 0)
        session_hint_lift(s, LIFT_BEFORE, e);
    else
        error_hint(e, "-e erases the chip first");
    return STATUS_PROTECTED;
}

enum status session_set_byte(struct session *s, const struct memory *m, uint8_t value,
                             struct error *e)
{
    struct held *held = &s->held[session_index(s, m)];
    uint8_t now;
    held->change = CHANGE_PARTIAL;
    image_truncate(held->known, 0);
    TRY(target_write_byte(s->target, m, value, e));
    held->change = CHANGE_WRITTEN;
    s->report.memories[session_index(s, m)].has_after = true;
    s->report.memories[session_index(s, m)].after = value;
    if (!target_readable(s->target, m))
        return STATUS_OK;
    TRY(target_read_bytes(s->target, &m, &now, 1, e));
    return learn_byte(s, m, now, e);
}

enum status session_write_byte(struct session *s, const struct memory *m, uint8_t value,
                               struct error *e)
{
    struct memory_report *report = &s->report.memories[session_index(s, m)];
    uint8_t held = 0;
    const bool known = session_byte(s, m, &held);
    if (!known && target_readable(s->target, m))
        return error_set(e, STATUS_INTERNAL, "%s is written before it was read", m->name);
    value = writable_value(s, m, value);
    if (known)
        TRY(session_check_lock(s, m, held, value, e));
    report->written++;
    if (known && same_implemented(m, value, held)) {
        note_unimplemented(s, m, value, held);
        if (same_implemented(m, value, report->before)) /* not by this job itself */
            report->skipped++;
        return STATUS_OK;
    }
    if (session_write_locked(s) && m->kind != MEMORY_LOCK) {
        (void)error_set(e, STATUS_PROTECTED, "lock bits forbid writing %s", m->name);
        session_hint_lift(s, LIFT_BEFORE, e);
        return STATUS_PROTECTED;
    }
    context_begin(s->context, STEP_WRITE, m, 1);
    const enum status status = session_set_byte(s, m, value, e);
    if (status == STATUS_OK)
        context_advance(s->context, 1);
    context_end(s->context, status);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "write %s", m->name);
}
