/* A chip, whatever family it is of and whichever programmer reaches it. The session speaks to this
 * and to nothing below, and asks for traits, never for the family: a new family is one more table
 * of operations (src/target/family.h) and changes nothing above. */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/diagnosis.h"
#include "ispflash/error.h"
#include "ispflash/image.h"
#include "ispflash/part.h"
#include "programmer/programmer.h"

struct target;

/* What family and programmer together can do. */
enum target_trait {
    TARGET_CHIP_ERASE = 1 << 0,   /* target_erase() blanks flash and, unless TARGET_UNLOCK, lifts
                                     the lock bits */
    TARGET_ERASES_PAGES = 1 << 1, /* target_write() erases each page of flash that it writes */
    TARGET_BYTES = 1 << 2,        /* fuses, lock bits and the like can be read and written */
    TARGET_CLOCK = 1 << 3,        /* the clock of the wire can be chosen */
    TARGET_UNLOCK = 1 << 4        /* a chip erase leaves lock bits alone: target_unlock() */
};

/* A stretch of memory: whole pages where the memory has them. */
struct target_run {
    uint32_t address; /* offset within the memory */
    uint32_t size;
};

/* `p` and `part` are borrowed for the target's life; `part` may be target_generic_part(). Touches
 * nothing yet. STATUS_UNSUPPORTED if the programmer cannot reach parts of this family. */
MUST_USE enum status target_open(struct programmer *p, const struct part *part, struct target **out,
                                 struct error *e);
void target_close(struct target *t); /* takes NULL; leaves programming mode if still in it */

/* Which traits (enum target_trait) such a pair has; 0 if the programmer cannot reach the part. */
unsigned target_traits_of(const struct programmer_driver *driver, const struct part *part);
unsigned target_traits(const struct target *t);
const struct part *target_part(const struct target *t); /* as last told; never NULL */

/* The part that stands for what such a programmer reaches until the signature is known. */
const struct part *target_generic_part(const struct programmer_driver *driver);

/* Enters programming mode, with retries and, unless the user chose the clock, ever slower ones. The
 * first is the one last set by target_set_clock(), else one that a factory-fresh chip follows.
 * STATUS_NO_TARGET explains what came back and lists causes in the hint. */
MUST_USE enum status target_enter(struct target *t, struct error *e);
/* Also to be called on the way out of a failure: cancellation does not stop it. */
MUST_USE enum status target_leave(struct target *t, struct error *e);

/* Reads the signature until two readings in a row agree. STATUS_NO_TARGET for answers no chip gives
 * (000000, ffffff, echoes) and for readings that never agree: erase and writes stay locked then,
 * whatever is forced. An old chip whose lock bits hide the signature answers 00 01 02. */
MUST_USE enum status target_identify(struct target *t, uint8_t signature[3], struct error *e);

/* True once the readings of target_identify() did not agree at first. */
bool target_unreliable(const struct target *t);

/* True if the chip that was identified is not made by the maker of `part`; `out` receives in what
 * it differs. */
bool target_is_clone(const struct target *t, const struct part *part, char *out, size_t capacity);

/* The part became known, or another one is believed in. Stays in programming mode. */
MUST_USE enum status target_select(struct target *t, const struct part *part, struct error *e);

/* The clock of the wire (SCK); 0: not known. */
uint32_t target_clock(const struct target *t);
/* STATUS_UNSUPPORTED without TARGET_CLOCK. Allowed in programming mode, which stays entered. The
 * programmer takes its fastest clock that is not above `hz`, and tells it by target_clock(). */
MUST_USE enum status target_set_clock(struct target *t, uint32_t hz, struct error *e);

/* Reads the signature and these fuse or lock bytes `times` over, in one batch, and counts the
 * answers that are not as given: on a wire that is too fast there are some. At most 256 answers at
 * once. Changes nothing. STATUS_UNSUPPORTED where no single answers can be asked for. */
MUST_USE enum status target_count_wrong(struct target *t, const uint8_t signature[3],
                                        const struct memory *const *memories, const uint8_t *values,
                                        size_t count, unsigned times, unsigned *wrong,
                                        struct error *e);

/* One attempt to enter programming mode at this SCK (0, or where it is fixed: as it is), and what
 * came back: answers of any kind are no failure. Nothing is retried, and nothing that could change
 * a chip is sent. The chip counts as not identified afterwards, and programming mode may be on.
 * STATUS_UNSUPPORTED for a programmer that shows nothing of the wires. */
MUST_USE enum status target_probe(struct target *t, uint32_t sck_hz, struct isp_probe *out,
                                  struct error *e);

/* What the programmer measures of the chip's supply; false: it does not. */
bool target_voltage(struct target *t, uint32_t *millivolts);

/* Chip Erase and everything it entails; returns when the chip is ready again. */
MUST_USE enum status target_erase(struct target *t, struct error *e);

/* Lifts write protection and read protection; the chip erases all of flash as the latter goes.
 * Other settings keep their values. STATUS_UNSUPPORTED without TARGET_UNLOCK. */
MUST_USE enum status target_unlock(struct target *t, struct error *e);

/* The first stretch at or beyond `from` (an offset) that the chip protects from erasing and
 * writing, by blocks of its own. False: none. Only after target_identify(). */
bool target_write_protected(const struct target *t, uint32_t from, struct target_run *run);
/* Lifts that from these stretches and what shares their blocks; the content stays. */
MUST_USE enum status target_unprotect(struct target *t, const struct target_run *runs, size_t count,
                                      struct error *e);

/* Addresses are offsets within the memory (0 is its first byte). Progress is reported as bytes are
 * done; the caller begins and ends the step. */
MUST_USE enum status target_read(struct target *t, const struct memory *m, uint32_t address,
                                 uint8_t *data, size_t size, struct error *e);

/* Reads several one-byte memories in as few transfers as possible. STATUS_UNSUPPORTED if one of
 * them cannot be read; see target_readable(). */
MUST_USE enum status target_read_bytes(struct target *t, const struct memory *const *memories,
                                       uint8_t *values, size_t count, struct error *e);
bool target_readable(const struct target *t, const struct memory *m);
bool target_writable(const struct target *t, const struct memory *m);

/* The first stretch at or beyond `from` that target_write() has to transfer. `image` is what is
 * wanted and `present` what the chip is known to hold, both by address (memory->base on): bytes
 * that are known to be there already need no writing. False: nothing is left to do. Pure. */
bool target_next_run(const struct memory *m, const struct image *image, const struct image *present,
                     uint32_t from, struct target_run *run);

/* Writes `image`, leaving out what `present` shows to be there (see target_next_run()), and reports
 * the bytes of the runs as progress. Bytes of a page that the image does not hold keep what the
 * chip has; where a page is erased as it is written (EEPROM, TARGET_ERASES_PAGES) `present` must
 * tell what that is. Does not verify. */
MUST_USE enum status target_write(struct target *t, const struct memory *m,
                                  const struct image *image, const struct image *present,
                                  struct error *e);

/* A fuse or lock byte: unimplemented bits are written as 1. Returns when the chip is ready. */
MUST_USE enum status target_write_byte(struct target *t, const struct memory *m, uint8_t value,
                                       struct error *e);

/* Whether lock byte `lock`, now `held`, may be set to `value` without an erase; pure. */
bool target_lock_can_become(const struct target *t, const struct memory *m, uint8_t held,
                            uint8_t value);

/* Whether lock byte `lock` lets the programmer read or write flash and EEPROM; pure. */
bool target_lock_blocks_read(const struct target *t, uint8_t lock);
bool target_lock_blocks_write(const struct target *t, uint8_t lock);

/* One raw instruction and its answer, for people who know what they do; the chip is ready again
 * then, whatever it was. STATUS_UNSUPPORTED where the family has no such thing. */
MUST_USE enum status target_instruction(struct target *t, const uint8_t mosi[4], uint8_t miso[4],
                                        struct error *e);

#endif
