/* Flash and EEPROM with a write-back cache. What the chip is known to hold is the session's; here
 * is what is wanted instead. */
#include <stdlib.h>
#include <string.h>

#include "session_private.h"

struct cache {
    struct session *session;
    struct rescue *rescue;
    struct image *flash, *eeprom; /* bytes that wait */
};

enum status cache_open(struct session *s, struct rescue *rescue, struct cache **out,
                       struct error *e)
{
    struct cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return session_no_memory(e);
    *c =
        (struct cache){.session = s, .rescue = rescue, .flash = image_new(), .eeprom = image_new()};
    if (c->flash == NULL || c->eeprom == NULL) {
        cache_close(c);
        return session_no_memory(e);
    }
    *out = c;
    return STATUS_OK;
}

void cache_close(struct cache *c)
{
    if (c == NULL)
        return;
    image_free(c->flash);
    image_free(c->eeprom);
    free(c);
}

bool cache_holds(const struct memory *m)
{
    return m->kind == MEMORY_FLASH || m->kind == MEMORY_EEPROM;
}

static struct image *waiting(const struct cache *c, const struct memory *m)
{
    return m->kind == MEMORY_FLASH ? c->flash : c->eeprom;
}

static enum status check_range(const struct memory *m, uint32_t address, uint32_t size,
                               struct error *e)
{
    if (!cache_holds(m))
        return error_set(e, STATUS_INTERNAL, "%s has no cache", m->name);
    if (address >= m->base && (uint64_t)address + size <= (uint64_t)m->base + m->size)
        return STATUS_OK;
    return error_set(e, STATUS_USAGE, "0x%lx to 0x%llx lies outside of %s (0x%lx to 0x%lx)",
                     (unsigned long)address, (unsigned long long)address + size - 1, m->name,
                     (unsigned long)m->base, (unsigned long)(m->base + m->size - 1));
}

enum status cache_read(struct cache *c, const struct memory *m, uint32_t address, uint8_t *data,
                       uint32_t size, struct error *e)
{
    TRY(check_range(m, address, size, e));
    TRY(session_tune_clock(c->session, size, false, e));
    struct image *read = image_new();
    if (read == NULL)
        return session_no_memory(e);
    const enum status status = session_fetch(c->session, m, address, address + size, read, e);
    if (status == STATUS_OK)
        (void)image_copy(read, address, data, size, 0xff);
    image_free(read);
    for (uint32_t i = 0; i < size && status == STATUS_OK; i++)
        (void)image_get(waiting(c, m), address + i, &data[i]);
    return status;
}

enum status cache_write(struct cache *c, const struct memory *m, uint32_t address,
                        const uint8_t *data, uint32_t size, struct error *e)
{
    TRY(check_range(m, address, size, e));
    return image_put(waiting(c, m), address, data, size, IMAGE_OVERLAP_REPLACE, NULL, e);
}

uint32_t cache_dirty(const struct cache *c, const struct memory *m)
{
    return cache_holds(m) ? image_bytes(waiting(c, m)) : 0;
}

void cache_forget(struct cache *c)
{
    image_truncate(c->flash, 0);
    image_truncate(c->eeprom, 0);
}

enum status cache_erase(struct cache *c, struct error *e)
{
    cache_forget(c);
    return session_erase(c->session, e);
}

/* --- flushing ------------------------------------------------------------------------------- */

static enum status flush_plainly(struct cache *c, enum memory_kind kind, struct image *image,
                                 struct error *e)
{
    const struct memory *m = part_memory(c->session->part, kind);
    if (image_empty(image))
        return STATUS_OK;
    TRY(session_tune_clock(c->session, 3 * (uint64_t)image_bytes(image), false, e));
    TRY(session_write(c->session, m, image, e));
    TRY(session_verify(c->session, m, image, e));
    image_truncate(image, 0);
    return STATUS_OK;
}

/* Everything survives, with what waits in its place. Lock bits are put back last, so that EEPROM
 * which the erase leaves alone is written before, with the others. */
static enum status flush_by_erase(struct cache *c, struct error *e)
{
    const struct memory *flash = part_memory(c->session->part, MEMORY_FLASH);
    const bool eeprom_survives = session_eeprom_fate(c->session) != EEPROM_WIPED;
    const struct address_range whole = {flash->base, flash->base + flash->size};
    const struct keep_request request = {.flash = &whole,
                                         .flash_count = 1,
                                         .eeprom = true,
                                         .lock = true,
                                         .flash_over = c->flash,
                                         .eeprom_over = c->eeprom,
                                         .rescue = c->rescue};
    if (eeprom_survives && !session_write_locked(c->session))
        TRY(flush_plainly(c, MEMORY_EEPROM, c->eeprom, e));
    if (eeprom_survives && !image_empty(c->eeprom)) {
        (void)error_set(e, STATUS_PROTECTED,
                        "lock bits forbid writing EEPROM, and EESAVE keeps it from the erase");
        error_hint(e, "erase the chip first");
        return STATUS_PROTECTED;
    }
    TRY(session_tune_clock(c->session, 4 * (uint64_t)flash->size, false, e));
    TRY(session_erase_keeping(c->session, &request, e));
    cache_forget(c);
    return STATUS_OK;
}

/* Lock bits that forbid writing leave no other way, for EEPROM neither. */
static enum status needs_erase(struct cache *c, bool *needs, struct error *e)
{
    struct session *s = c->session;
    *needs = session_write_locked(s);
    if (*needs || image_empty(c->flash) || (target_traits(s->target) & TARGET_ERASES_PAGES) != 0)
        return STATUS_OK;
    return session_needs_erase(s, c->flash, needs, e);
}

enum status cache_flush(struct cache *c, struct error *e)
{
    bool needs = false;
    if (image_empty(c->flash) && image_empty(c->eeprom))
        return STATUS_OK;
    TRY(needs_erase(c, &needs, e));
    if (needs)
        return flush_by_erase(c, e);
    TRY(flush_plainly(c, MEMORY_FLASH, c->flash, e));
    return flush_plainly(c, MEMORY_EEPROM, c->eeprom, e);
}
