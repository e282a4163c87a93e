/* A chip, whatever family it is of and whichever programmer reaches it. The session speaks to this
 * and to nothing below. */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"
#include "ispflash/image.h"
#include "ispflash/part.h"
#include "programmer/programmer.h"

struct target;

/* What is known of the memory's present content, so that work can be left out. */
enum target_blank {
    TARGET_NOT_BLANK, /* write every byte of the image */
    TARGET_BLANK      /* just erased: what is 0xff need not be written */
};

/* `p` and `part` are borrowed for the target's life; `part` may be part_generic_avr(). */
MUST_USE enum status target_open(struct programmer *p, const struct part *part, struct target **out,
                                 struct error *e);
void target_close(struct target *t); /* takes NULL; leaves programming mode if still in it */

/* Enters programming mode, with retries; STATUS_NO_TARGET explains what came back. */
MUST_USE enum status target_enter(struct target *t, struct error *e);
MUST_USE enum status target_leave(struct target *t, struct error *e);

/* Reads the signature until two readings agree. STATUS_NO_TARGET for answers no chip gives (000000,
 * ffffff, echoes): nothing may be written then, whatever is forced. */
MUST_USE enum status target_identify(struct target *t, uint8_t signature[3], struct error *e);

/* The part became known, or another one is believed in. */
MUST_USE enum status target_select(struct target *t, const struct part *part, struct error *e);

/* Chip Erase and everything it entails; returns when the chip is ready again. */
MUST_USE enum status target_erase(struct target *t, struct error *e);

/* Addresses are offsets within the memory (0 is its first byte). Progress is reported as bytes are
 * done; the caller begins and ends the step. */
MUST_USE enum status target_read(struct target *t, const struct memory *m, uint32_t address,
                                 uint8_t *data, size_t size, struct error *e);

/* Reads several one-byte memories in as few transfers as possible. */
MUST_USE enum status target_read_bytes(struct target *t, const struct memory *const *memories,
                                       uint8_t *values, size_t count, struct error *e);

/* Writes the bytes of `image`, rounded to pages where the memory has them: bytes of a page that the
 * image does not hold keep what the chip has (read first unless `blank`). *written receives how
 * many bytes of the image went to the chip, *skipped how many were left out since the chip holds
 * them. */
MUST_USE enum status target_write(struct target *t, const struct memory *m,
                                  const struct image *image, enum target_blank blank,
                                  uint32_t *written, uint32_t *skipped, struct error *e);

/* A fuse or lock byte: unimplemented bits are written as 1. Returns when the chip is ready. */
MUST_USE enum status target_write_byte(struct target *t, const struct memory *m, uint8_t value,
                                       struct error *e);

/* Whether lock byte `lock` lets ISP read or write flash and EEPROM. */
bool target_lock_blocks_read(const struct target *t, uint8_t lock);
bool target_lock_blocks_write(const struct target *t, uint8_t lock);

#endif
