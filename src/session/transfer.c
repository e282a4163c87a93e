/* Reading, erasing, writing and verifying whole memories or parts of them. */
#include <stdlib.h>
#include <string.h>

#include "session_private.h"

static struct memory_report *report_of(struct session *s, const struct memory *m)
{
    return &s->report.memories[session_index(s, m)];
}

static enum status read_protected(const struct session *s, const struct memory *m, struct error *e)
{
    if ((m->kind != MEMORY_FLASH && m->kind != MEMORY_EEPROM) || !session_read_locked(s))
        return STATUS_OK;
    (void)error_set(e, STATUS_PROTECTED,
                    "%s cannot be read: %s, and what comes back is not its content", m->name,
                    session_lock_text(s));
    session_hint_lift(s, LIFT_AT_ALL, e);
    return STATUS_PROTECTED;
}

/* --- reading -------------------------------------------------------------------------------- */

static enum status read_step(struct session *s, enum step step, const struct memory *m,
                             uint32_t offset, uint8_t *data, uint32_t size, struct error *e)
{
    context_begin(s->context, step, m, size);
    const enum status status = target_read(s->target, m, offset, data, size, e);
    context_end(s->context, status);
    return status == STATUS_OK ? STATUS_OK : error_in(e, "read %s", m->name);
}

static enum status put_read(struct session *s, const struct memory *m, uint32_t offset,
                            const uint8_t *data, uint32_t size, struct image *into, struct error *e)
{
    struct image *known = s->held[session_index(s, m)].known;
    TRY(image_put(known, m->base + offset, data, size, IMAGE_OVERLAP_REPLACE, NULL, e));
    return into == NULL
               ? STATUS_OK
               : image_put(into, m->base + offset, data, size, IMAGE_OVERLAP_REPLACE, NULL, e);
}

static enum status read_range(struct session *s, const struct memory *m, uint32_t offset,
                              uint32_t size, struct image *into, struct error *e)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        return session_no_memory(e);
    enum status status = read_step(s, STEP_READ, m, offset, data, size, e);
    if (status == STATUS_OK)
        status = put_read(s, m, offset, data, size, into, e);
    free(data);
    return status;
}

enum status session_read(struct session *s, const struct memory *m, uint32_t address, uint32_t size,
                         struct image *into, struct error *e)
{
    struct memory_report *report = report_of(s, m);
    const uint64_t begin_us = context_now_us(s->context);
    uint8_t value;
    TRY(context_check(s->context, e));
    TRY(read_protected(s, m, e));
    if (session_byte(s, m, &value)) /* read already, and kept up to date since */
        TRY(image_put(into, m->base, &value, 1, IMAGE_OVERLAP_REPLACE, NULL, e));
    else
        TRY(read_range(s, m, address - m->base, size, into, e));
    report->read += size;
    report->read_us += context_now_us(s->context) - begin_us;
    return STATUS_OK;
}

/* --- erasing -------------------------------------------------------------------------------- */

/* `*eesave`: the part has a fuse that decides it. */
static enum eeprom_fate eeprom_fate(const struct session *s, bool *eesave)
{
    uint8_t fuses[64] = {0};
    *eesave = false;
    if (part_memory(s->part, MEMORY_EEPROM) == NULL)
        return EEPROM_NONE;
    for (size_t i = 0; i < s->part->memory_count && i < sizeof fuses; i++) {
        const struct memory *m = &s->part->memories[i];
        if (m->kind == MEMORY_FUSE && !session_byte(s, m, &fuses[i]))
            fuses[i] = 0xff; /* not known: unprogrammed, so the EEPROM counts as lost */
    }
    return part_eeprom_survives(s->part, fuses, eesave) ? EEPROM_KEPT : EEPROM_WIPED;
}

enum eeprom_fate session_eeprom_fate(const struct session *s)
{
    bool eesave;
    return eeprom_fate(s, &eesave);
}

static void announce_erase(struct session *s)
{
    bool eesave;
    switch (eeprom_fate(s, &eesave)) {
    case EEPROM_NONE:
        break;
    case EEPROM_WIPED:
        if (s->keeps_eeprom)
            context_log(s->context, LOG_NOTE, "the EEPROM is put back after the erase");
        else
            context_log(s->context, LOG_NOTE, "the erase takes the EEPROM too%s",
                        eesave ? " (EESAVE is not programmed)" : "");
        break;
    case EEPROM_KEPT:
        context_log(s->context, LOG_NOTE,
                    "the erase leaves the EEPROM alone (EESAVE is programmed)");
        break;
    }
}

static enum status learn_blank(struct session *s, const struct memory *m, struct error *e)
{
    struct held *held = &s->held[session_index(s, m)];
    uint8_t *blank = malloc(m->size);
    if (blank == NULL)
        return session_no_memory(e);
    memset(blank, 0xff, m->size);
    const enum status status =
        image_put(held->known, m->base, blank, m->size, IMAGE_OVERLAP_REPLACE, NULL, e);
    free(blank);
    session_forget_proven(s, m);
    held->change = CHANGE_ERASED;
    return status;
}

static enum status learn_erased(struct session *s, enum eeprom_fate fate, struct error *e)
{
    for (size_t i = 0; i < s->part->memory_count; i++) {
        const struct memory *m = &s->part->memories[i];
        if (m->kind == MEMORY_FLASH || (m->kind == MEMORY_EEPROM && fate == EEPROM_WIPED))
            TRY(learn_blank(s, m, e));
        if (m->kind != MEMORY_LOCK || !target_readable(s->target, m))
            continue;
        uint8_t lock;
        TRY(target_read_bytes(s->target, &m, &lock, 1, e));
        TRY(image_put(s->held[i].known, m->base, &lock, 1, IMAGE_OVERLAP_REPLACE, NULL, e));
        s->report.memories[i].has_after = true;
        s->report.memories[i].after = lock;
    }
    return STATUS_OK;
}

enum status session_erase(struct session *s, struct error *e)
{
    const enum eeprom_fate fate = session_eeprom_fate(s);
    TRY(context_check(s->context, e));
    announce_erase(s);
    for (size_t i = 0; i < s->part->memory_count; i++)
        if (!memory_is_byte(&s->part->memories[i]) || s->part->memories[i].kind == MEMORY_LOCK)
            session_forget(s, &s->part->memories[i]);
    s->erase_begun = true;
    context_begin(s->context, STEP_ERASE, NULL, 0);
    const enum status status = target_erase(s->target, e);
    context_end(s->context, status);
    if (status != STATUS_OK)
        return error_in(e, "erase");
    s->erase_begun = false;
    s->report.erased = true;
    TRY(learn_erased(s, fate, e));
    return session_unhide_signature(s, e);
}

/* --- writing -------------------------------------------------------------------------------- */

/* Whether what the chip holds at `start` of this unit must be known before it is written: always,
 * but for whole pages that erase themselves. */
static bool must_know(const struct session *s, const struct memory *m, const struct image *image,
                      uint32_t start, uint32_t unit)
{
    const bool erases = (target_traits(s->target) & TARGET_ERASES_PAGES) != 0;
    const struct image *known = s->held[session_index(s, m)].known;
    bool wanted = false, whole = true, unknown = false;
    for (uint32_t i = 0; i < unit; i++) {
        const bool present = image_get(image, m->base + start + i, NULL);
        wanted = wanted || present;
        whole = whole && present;
        unknown = unknown || !image_get(known, m->base + start + i, NULL);
    }
    return wanted && unknown && !(erases && whole && m->kind == MEMORY_FLASH);
}

/* Reads what must be known, in stretches as long as possible. */
static enum status read_present(struct session *s, const struct memory *m,
                                const struct image *image, struct error *e)
{
    const uint32_t unit = m->page_size > 0 ? m->page_size : 1;
    const uint64_t end = image_end(image) - m->base;
    for (uint32_t at = (image_low(image) - m->base) / unit * unit; at < end; at += unit) {
        uint32_t size = 0;
        while (at + size < end && must_know(s, m, image, at + size, unit))
            size += unit;
        if (size > 0)
            TRY(read_range(s, m, at, size, NULL, e));
        at += size;
    }
    return STATUS_OK;
}

/* Programming flash over ISP only clears bits. */
static enum status check_rising_bits(const struct session *s, const struct memory *m,
                                     const struct image *image, struct error *e)
{
    const struct image *known = s->held[session_index(s, m)].known;
    uint32_t count = 0, first = 0;
    struct extent extent;
    if (m->kind != MEMORY_FLASH || (target_traits(s->target) & TARGET_ERASES_PAGES) != 0)
        return STATUS_OK;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        for (uint32_t i = 0; i < extent.size; i++) {
            uint8_t held;
            if (!image_get(known, extent.address + i, &held) || (extent.data[i] & ~held) == 0)
                continue;
            first = count == 0 ? extent.address + i : first;
            count++;
        }
    }
    if (count == 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_VERIFY,
                    "%s is not blank where the image goes: %lu bytes, from 0x%04lx on, cannot be "
                    "written without an erase",
                    m->name, (unsigned long)count, (unsigned long)first);
    error_hint(e, "let the chip be erased first: leave -D out, or give -e");
    return STATUS_VERIFY;
}

/* Bytes of the image that target_write() transfers, and the whole transfer in bytes. */
static void measure(const struct session *s, const struct memory *m, const struct image *image,
                    uint32_t *transfer, uint32_t *sent)
{
    struct target_run run;
    *transfer = 0;
    *sent = 0;
    for (uint32_t from = 0; target_next_run(m, image, session_known(s, m), from, &run);
         from = run.address + run.size) {
        *transfer += run.size;
        for (uint32_t i = 0; i < run.size; i++)
            *sent += image_get(image, m->base + run.address + i, NULL) ? 1 : 0;
    }
}

static enum status write_runs(struct session *s, const struct memory *m, const struct image *image,
                              uint32_t transfer, struct error *e)
{
    struct held *held = &s->held[session_index(s, m)];
    held->change = CHANGE_PARTIAL;
    session_doubt_proven(s, m, image);
    context_begin(s->context, STEP_WRITE, m, transfer);
    const enum status status = target_write(s->target, m, image, held->known, e);
    context_end(s->context, status);
    if (status != STATUS_OK) {
        session_forget(s, m);
        return status;
    }
    held->change = CHANGE_WRITTEN;
    return session_learn(s, m, image, e);
}

static enum status write_ranges(struct session *s, const struct memory *m,
                                const struct image *image, struct error *e)
{
    uint32_t transfer, sent;
    struct memory_report *report = report_of(s, m);
    TRY(read_present(s, m, image, e));
    TRY(check_rising_bits(s, m, image, e));
    measure(s, m, image, &transfer, &sent);
    report->written += image_bytes(image);
    report->skipped += image_bytes(image) - sent;
    if (transfer > 0)
        return write_runs(s, m, image, transfer, e);
    context_log(s->context, LOG_NOTE, "%s holds this already, nothing had to be written", m->name);
    return STATUS_OK;
}

enum status session_write(struct session *s, const struct memory *m, const struct image *image,
                          struct error *e)
{
    const uint64_t begin_us = context_now_us(s->context);
    enum status status = context_check(s->context, e);
    uint8_t value;
    if (status == STATUS_OK && memory_is_byte(m)) {
        if (image_get(image, m->base, &value))
            status = session_write_byte(s, m, value, e);
    } else if (status == STATUS_OK && session_write_locked(s)) {
        status = error_set(e, STATUS_PROTECTED, "lock bits forbid writing %s", m->name);
        session_hint_lift(s, LIFT_BEFORE, e);
    } else if (status == STATUS_OK && !image_empty(image)) {
        status = write_ranges(s, m, image, e);
        if (status != STATUS_OK)
            (void)error_in(e, "write %s", m->name);
    }
    report_of(s, m)->write_us += context_now_us(s->context) - begin_us;
    return status;
}

/* --- verifying ------------------------------------------------------------------------------ */

bool session_stretch(const struct image *image, uint64_t from, struct extent *stretch)
{
    enum { HOLE_MAX = 32 };
    struct extent next;
    if (!image_next(image, from, stretch))
        return false;
    while (image_next(image, (uint64_t)stretch->address + stretch->size, &next) &&
           next.address - stretch->address - stretch->size <= HOLE_MAX)
        stretch->size = next.address + next.size - stretch->address;
    stretch->data = NULL;
    return true;
}

static bool stretch_matches(const struct image *image, uint32_t address, const uint8_t *found,
                            uint32_t size)
{
    struct extent extent;
    const uint64_t end = (uint64_t)address + size;
    for (uint64_t at = address; image_next(image, at, &extent) && extent.address < end;
         at = (uint64_t)extent.address + extent.size) {
        const uint64_t left = end - extent.address;
        if (memcmp(found + (extent.address - address), extent.data,
                   extent.size < left ? extent.size : (size_t)left) != 0)
            return false;
    }
    return true;
}

/* How many bytes the stretches are. */
static uint32_t stretched_bytes(const struct image *image)
{
    struct extent stretch;
    uint32_t total = 0;
    for (uint64_t at = 0; session_stretch(image, at, &stretch);
         at = (uint64_t)stretch.address + stretch.size)
        total += stretch.size;
    return total;
}

/* All of the image's bytes into `found`, which begins at image_low(). */
static enum status read_back(struct session *s, const struct memory *m, const struct image *image,
                             uint8_t *found, struct error *e)
{
    struct extent stretch;
    for (uint64_t at = 0; session_stretch(image, at, &stretch);
         at = (uint64_t)stretch.address + stretch.size)
        TRY(target_read(s->target, m, stretch.address - m->base,
                        found + (stretch.address - image_low(image)), stretch.size, e));
    return STATUS_OK;
}

static enum status verify_ranges(struct session *s, const struct memory *m,
                                 const struct image *image, struct error *e)
{
    const uint32_t low = image_low(image), span = (uint32_t)(image_end(image) - low);
    uint8_t *found = malloc(span);
    if (found == NULL)
        return session_no_memory(e);
    context_begin(s->context, STEP_VERIFY, m, stretched_bytes(image));
    enum status status = read_back(s, m, image, found, e);
    if (status == STATUS_OK && !stretch_matches(image, low, found, span))
        status = session_judge_mismatch(s, m, image, low - m->base, found, span, e);
    context_end(s->context, status);
    free(found);
    return status;
}

static enum status verify_byte(struct session *s, const struct memory *m, uint8_t wanted,
                               uint8_t mask, struct error *e)
{
    uint8_t found;
    TRY(target_read_bytes(s->target, &m, &found, 1, e));
    if (((found ^ wanted) & mask) == 0)
        return STATUS_OK;
    s->report.mismatches++;
    struct event event = {.kind = EVENT_MISMATCH,
                          .mismatch = {.memory = m, .wanted = wanted, .found = found}};
    context_emit(s->context, &event);
    return error_set(e, STATUS_VERIFY, "%s is 0x%02x, wanted 0x%02x (of the bits 0x%02x it has)",
                     m->name, found, wanted, m->mask);
}

static enum status verify_any(struct session *s, const struct memory *m, const struct image *image,
                              uint8_t mask, struct error *e)
{
    uint8_t wanted;
    if (!target_readable(s->target, m))
        return error_set(e, STATUS_UNVERIFIED, "%s of the %s cannot be read", m->name,
                         s->part->name);
    TRY(read_protected(s, m, e));
    if (memory_is_byte(m))
        return image_get(image, m->base, &wanted) ? verify_byte(s, m, wanted, mask, e) : STATUS_OK;
    return image_empty(image) ? STATUS_OK : verify_ranges(s, m, image, e);
}

enum status session_verify_bits(struct session *s, const struct memory *m,
                                const struct image *image, uint8_t mask, struct error *e)
{
    struct held *held = &s->held[session_index(s, m)];
    struct memory_report *report = report_of(s, m);
    const uint64_t begin_us = context_now_us(s->context);
    enum status status = context_check(s->context, e);
    if (status == STATUS_OK)
        status = verify_any(s, m, image, mask, e);
    report->verify_us += context_now_us(s->context) - begin_us;
    if (status == STATUS_VERIFY && held->change != CHANGE_NONE)
        held->change = CHANGE_WRONG;
    if (status != STATUS_OK)
        return error_in(e, "verify %s", m->name);
    if (held->change == CHANGE_WRITTEN)
        held->change = CHANGE_VERIFIED;
    return session_count_proven(s, m, image, e);
}

enum status session_verify(struct session *s, const struct memory *m, const struct image *image,
                           struct error *e)
{
    return session_verify_bits(s, m, image, m->mask, e);
}
