/* Flash and EEPROM between a user who writes bytes here and there and a chip that can only erase
 * itself as a whole. Reads go through to the chip once; writes stay here until they are flushed.
 * Below it, for whoever plans for himself: an erase that something survives. */
#ifndef ISPFLASH_CACHE_H
#define ISPFLASH_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "image.h"
#include "part.h"
#include "session.h"

struct cache;

/* A cache over a session that is connected and whose fuse and lock bytes have been read. `s` and
 * `rescue` (NULL: no copy is made) are borrowed for the cache's life. */
MUST_USE enum status cache_open(struct session *s, struct rescue *rescue, struct cache **out,
                                struct error *e);
/* Takes NULL. What was not flushed is forgotten. */
void cache_close(struct cache *c);

/* True for flash and EEPROM; what else there is has no cache and is written at once. */
bool cache_holds(const struct memory *m);

/* Bytes as they will be once flushed. Reads from the chip only what is not known. Addresses from
 * memory->base on; STATUS_USAGE for what lies outside, STATUS_PROTECTED as session_read(). */
MUST_USE enum status cache_read(struct cache *c, const struct memory *m, uint32_t address,
                                uint8_t *data, uint32_t size, struct error *e);

/* Touches nothing yet. */
MUST_USE enum status cache_write(struct cache *c, const struct memory *m, uint32_t address,
                                 const uint8_t *data, uint32_t size, struct error *e);

/* How many bytes wait to be written. */
uint32_t cache_dirty(const struct cache *c, const struct memory *m);

/* Writes what waits, and verifies it. Where no bit of flash has to rise, only the pages that
 * differ are written. Otherwise the chip is erased and everything else on it, EEPROM and lock bits
 * included, put back; a copy of that is saved first. On failure what waited still waits, and the
 * error's state names the copy if the chip lacks something. */
MUST_USE enum status cache_flush(struct cache *c, struct error *e);

/* Forgets what waits. */
void cache_forget(struct cache *c);

/* Chip Erase at once; what waits is forgotten. */
MUST_USE enum status cache_erase(struct cache *c, struct error *e);

/* --- an erase that something survives --------------------------------------------------------- */

struct keep_request {
    const struct address_range *flash; /* must lie within flash */
    size_t flash_count;
    bool eeprom; /* where the erase would take it */
    bool lock;
    const struct image *flash_over, *eeprom_over; /* win over what is kept; may be NULL */
    const struct image *planned; /* flash to be written afterwards, NULL: none. Where it differs
                                    from what is kept nothing is erased: STATUS_INPUT. */
    struct rescue *rescue;       /* NULL: no copy */
};

/* Chip Erase with all of that put back and verified. It is read twice, and saved, before the erase
 * begins; from then on the wish to stop is heeded only when everything is back. */
MUST_USE enum status session_erase_keeping(struct session *s, const struct keep_request *k,
                                           struct error *e);

/* Whether bits of flash would have to rise, or lock bits to be lifted, for the image to get in.
 * Reads where the image goes, but no further than to the first such bit. */
MUST_USE enum status session_needs_erase(struct session *s, const struct image *image, bool *needs,
                                         struct error *e);

#endif
