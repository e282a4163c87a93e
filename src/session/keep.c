/* A chip erase that something survives: read it twice, save it, erase, put it back, verify, and
 * only then let the copy go. */
#include <stdlib.h>
#include <string.h>

#include "session_private.h"

/* What only this process holds between the erase and the rewriting. */
struct kept {
    struct image *flash, *eeprom;
    bool lock_known;
    uint8_t lock;
};

static void kept_free(struct kept *kept)
{
    image_free(kept->flash);
    image_free(kept->eeprom);
}

static enum status overlay(struct image *image, const struct image *over, struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; over != NULL && image_next(over, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        TRY(image_put(image, extent.address, extent.data, extent.size, IMAGE_OVERLAP_REPLACE, NULL,
                      e));
    return STATUS_OK;
}

/* --- before the erase ----------------------------------------------------------------------- */

enum status session_fetch(struct session *s, const struct memory *m, uint32_t begin, uint32_t end,
                          struct image *into, struct error *e)
{
    const struct image *known = session_known(s, m);
    uint8_t value;
    for (uint32_t at = begin; at < end;) {
        uint32_t size = 0;
        while (at + size < end && !image_get(known, at + size, NULL))
            size++;
        if (size > 0)
            TRY(session_read(s, m, at, size, into, e));
        for (at += size; at < end && image_get(known, at, &value); at++)
            TRY(image_put(into, at, &value, 1, IMAGE_OVERLAP_REPLACE, NULL, e));
    }
    return STATUS_OK;
}

/* A second reading: a byte that was read wrong once would be written so. */
static enum status read_twice(struct session *s, const struct memory *m, const struct image *image,
                              struct error *e)
{
    bool same = true;
    TRY(session_holds(s, m, image, &same, e));
    if (same)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNVERIFIED,
                    "%s, which is to be kept, was read twice and not the same: nothing is erased",
                    m->name);
    error_hint(e, "use shorter wires, a good ground or a slower SCK");
    return STATUS_UNVERIFIED;
}

static enum status take_flash(struct session *s, const struct keep_request *k, struct kept *kept,
                              struct error *e)
{
    const struct memory *flash = part_memory(s->part, MEMORY_FLASH);
    for (size_t i = 0; i < k->flash_count; i++)
        TRY(session_fetch(s, flash, k->flash[i].begin, k->flash[i].end, kept->flash, e));
    return read_twice(s, flash, kept->flash, e);
}

static enum status take_eeprom(struct session *s, const struct keep_request *k, struct kept *kept,
                               struct error *e)
{
    const struct memory *eeprom = part_memory(s->part, MEMORY_EEPROM);
    if (!k->eeprom || session_eeprom_fate(s) != EEPROM_WIPED)
        return STATUS_OK;
    TRY(session_fetch(s, eeprom, eeprom->base, eeprom->base + eeprom->size, kept->eeprom, e));
    return read_twice(s, eeprom, kept->eeprom, e);
}

static void take_lock(struct session *s, const struct keep_request *k, struct kept *kept)
{
    const struct memory *lock = part_memory(s->part, MEMORY_LOCK);
    kept->lock_known =
        k->lock && lock != NULL && lock->writable && session_byte(s, lock, &kept->lock);
}

/* What will be written after the erase must agree with what is kept. */
static enum status check_planned(const struct kept *kept, const struct image *planned,
                                 struct error *e)
{
    struct extent extent;
    for (uint64_t at = 0; planned != NULL && image_next(planned, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        for (uint32_t i = 0; i < extent.size; i++) {
            uint8_t held;
            if (!image_get(kept->flash, extent.address + i, &held) || held == extent.data[i])
                continue;
            (void)error_set(e, STATUS_INPUT,
                            "0x%02x is to be written at 0x%04lx of flash, which is to be kept and "
                            "holds 0x%02x",
                            extent.data[i], (unsigned long)(extent.address + i), held);
            error_hint(e, "does the file run into what --keep names?");
            return STATUS_INPUT;
        }
    return STATUS_OK;
}

static bool is_blank(const struct image *image)
{
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        for (uint32_t i = 0; i < extent.size; i++)
            if (extent.data[i] != 0xff)
                return false;
    return true;
}

/* With the signature, so that restoring finds the part. A blank copy of nothing is not saved. */
static enum status save(struct session *s, const struct keep_request *k, const struct kept *kept,
                        struct error *e)
{
    const struct memory *signature = part_memory(s->part, MEMORY_SIGNATURE);
    struct memory_image list[3];
    size_t count = 0;
    if (k->rescue == NULL || (is_blank(kept->flash) && is_blank(kept->eeprom)))
        return STATUS_OK;
    if (!image_empty(kept->flash))
        list[count++] = (struct memory_image){part_memory(s->part, MEMORY_FLASH), kept->flash};
    if (!image_empty(kept->eeprom))
        list[count++] = (struct memory_image){part_memory(s->part, MEMORY_EEPROM), kept->eeprom};
    struct image *id = image_new();
    enum status status = id != NULL ? STATUS_OK : session_no_memory(e);
    if (status == STATUS_OK && signature != NULL && s->report.signature_known) {
        status = image_put(id, signature->base, s->report.signature, sizeof s->report.signature,
                           IMAGE_OVERLAP_SAME, NULL, e);
        list[count++] = (struct memory_image){signature, id};
    }
    if (status == STATUS_OK)
        status = k->rescue->save(k->rescue, list, count, e);
    image_free(id);
    if (status == STATUS_OK)
        s->rescue = k->rescue;
    return status == STATUS_OK ? STATUS_OK : error_in(e, "a copy of what is to be kept");
}

/* --- from the erase on ---------------------------------------------------------------------- */

static enum status write_and_verify(struct session *s, enum memory_kind kind,
                                    const struct image *image, struct error *e)
{
    const struct memory *m = part_memory(s->part, kind);
    if (image_empty(image))
        return STATUS_OK;
    TRY(session_write(s, m, image, e));
    return session_verify(s, m, image, e);
}

static enum status put_back_lock(struct session *s, const struct kept *kept, struct error *e)
{
    const struct memory *lock = part_memory(s->part, MEMORY_LOCK);
    if (!kept->lock_known)
        return STATUS_OK;
    TRY(session_write_byte(s, lock, kept->lock, e));
    return STATUS_OK;
}

static enum status erase_and_put_back(struct session *s, const struct kept *kept, struct error *e)
{
    s->keeps_eeprom = !image_empty(kept->eeprom);
    enum status status = session_erase(s, e);
    s->keeps_eeprom = false;
    TRY(status);
    TRY(write_and_verify(s, MEMORY_FLASH, kept->flash, e));
    TRY(write_and_verify(s, MEMORY_EEPROM, kept->eeprom, e));
    return put_back_lock(s, kept, e);
}

static void let_copy_go(struct session *s, const struct keep_request *k)
{
    struct error e = {0};
    if (s->rescue == NULL)
        return;
    s->rescue = NULL;
    if (k->rescue->discard(k->rescue, &e) != STATUS_OK)
        context_log(s->context, LOG_NOTE, "everything is back in the chip, but the copy stays: %s",
                    e.text);
}

static void hint_copy(const struct session *s, struct error *e)
{
    if (s->rescue != NULL)
        error_hint(e, "to put it back: ispflash restore %s, then write what else belongs there",
                   s->rescue->name);
}

static enum status keep_all(struct session *s, const struct keep_request *k, struct kept *kept,
                            struct error *e)
{
    const bool leaving = s->context->leaving;
    TRY(take_flash(s, k, kept, e));
    TRY(take_eeprom(s, k, kept, e));
    take_lock(s, k, kept);
    TRY(check_planned(kept, k->planned, e));
    TRY(context_check(s->context, e));
    TRY(save(s, k, kept, e));
    TRY(overlay(kept->flash, k->flash_over, e));
    if (!image_empty(kept->eeprom))
        TRY(overlay(kept->eeprom, k->eeprom_over, e));
    s->context->leaving = true; /* nobody is better off with half of it */
    const enum status status = erase_and_put_back(s, kept, e);
    s->context->leaving = leaving;
    if (status != STATUS_OK) {
        hint_copy(s, e);
        return status;
    }
    let_copy_go(s, k);
    return context_check(s->context, e);
}

enum status session_erase_keeping(struct session *s, const struct keep_request *k, struct error *e)
{
    struct kept kept = {.flash = image_new(), .eeprom = image_new()};
    const enum status status =
        kept.flash != NULL && kept.eeprom != NULL ? keep_all(s, k, &kept, e) : session_no_memory(e);
    kept_free(&kept);
    return status;
}
