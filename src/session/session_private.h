/* What the files of this layer share. */
#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

#include "ispflash/cache.h"
#include "ispflash/session.h"
#include "plan.h"
#include "programmer/programmer.h"
#include "target/target.h"

enum { CANDIDATES_MAX = 16 };

/* How far a memory has been changed by this session. */
enum change {
    CHANGE_NONE,
    CHANGE_ERASED,
    CHANGE_PARTIAL,  /* a write began and did not end */
    CHANGE_WRITTEN,  /* not read back yet */
    CHANGE_VERIFIED, /* read back, as wanted */
    CHANGE_WRONG     /* read back, not as wanted */
};

/* One memory of the part, beside its memory_report. */
struct held {
    struct image *known; /* what the chip is known to hold; holes are unknown */
    enum change change;
};

struct session {
    struct context *context;
    struct part_database *parts;
    struct programmer *programmer;
    bool programmer_borrowed; /* the caller's to close */
    struct target *target;
    const struct part *part; /* NULL: not decided yet */
    const struct part *candidates[CANDIDATES_MAX];
    size_t candidate_count; /* may be more than fit */
    bool part_named;
    unsigned flags;               /* of session_connect() */
    bool touched;                 /* programming mode was entered at least once */
    bool erase_begun;             /* Chip Erase was sent and has not ended */
    bool instructed;              /* by raw instructions, whatever they did */
    bool clock_set;               /* by session_set_clock() */
    bool keeps_eeprom;            /* the erase to come is followed by its rewriting */
    const struct rescue *rescue;  /* holds what is not back in the chip; NULL: nothing */
    const struct memory *boosted; /* holds the raised clock in place of boosted_from; NULL: none */
    uint8_t boosted_from;
    uint32_t entered_hz;                /* SCK at which the chip answered first; 0: not known */
    uint32_t doubt_address, doubt_size; /* offsets of what was looked at again, see mismatch.c */
    uint32_t ceiling_hz;                /* SCK that was in doubt: to stay below; 0: none so far */
    struct report report;
    struct held *held; /* as many as report.memories */
};

/* A session on a programmer that is open already and stays the caller's. */
MUST_USE enum status session_open_on(struct programmer *p, struct part_database *parts,
                                     struct context *c, struct session **out, struct error *e);

/* session_run() on such a programmer; NULL: it is found and opened. */
MUST_USE enum status session_run_on(const struct job *job, struct part_database *parts,
                                    struct context *c, struct programmer *p, struct report *report,
                                    struct error *e);

/* patience.c: programmer_open(), again while one that is busy or silent is to be waited for. */
MUST_USE enum status session_open_patiently(const struct programmer_config *config,
                                            struct context *c, struct programmer **out,
                                            struct error *e);

/* state.c: the chip is no longer what it was when the session began. */
bool session_changed_chip(const struct session *s);

/* Hands the report over; the session forgets it and what it knew of the chip. */
void session_take_report(struct session *s, struct report *out);

/* The index of `m` among the part's memories. */
size_t session_index(const struct session *s, const struct memory *m);

/* session_verify(), with only the bits in `mask` of a fuse or lock byte looked at. */
MUST_USE enum status session_verify_bits(struct session *s, const struct memory *m,
                                         const struct image *image, uint8_t mask, struct error *e);

/* STATUS_PROTECTED if only an erase could set a lock byte that is `held` to `value`. */
MUST_USE enum status session_check_lock(const struct session *s, const struct memory *m,
                                        uint8_t held, uint8_t value, struct error *e);

/* "lock bits forbid it", in the words of the chip's family. */
const char *session_lock_text(const struct session *s);

/* Hints how lock bits are lifted: `before` an operation of this job, or at all. */
enum lift { LIFT_BEFORE, LIFT_AT_ALL };
void session_hint_lift(const struct session *s, enum lift lift, struct error *e);

bool memory_is_byte(const struct memory *m); /* a fuse or lock byte */

/* Writes a byte that was read before, whatever it holds, and reads it back. The report counts it as
 * nothing done. */
MUST_USE enum status session_set_byte(struct session *s, const struct memory *m, uint8_t value,
                                      struct error *e);

/* What the chip is known to hold of `m` now includes `image`, or nothing at all any more. */
MUST_USE enum status session_learn(struct session *s, const struct memory *m,
                                   const struct image *image, struct error *e);
void session_forget(struct session *s, const struct memory *m);
void session_forget_all(struct session *s);

/* Counts bytes that were found to be in the chip as wanted. */
MUST_USE enum status session_count_proven(struct session *s, const struct memory *m,
                                          const struct image *image, struct error *e);
/* Forgets which ones: all, or if one of them is to become what `image` says. */
void session_forget_proven(struct session *s, const struct memory *m);
void session_doubt_proven(struct session *s, const struct memory *m, const struct image *image);

MUST_USE enum status session_no_memory(struct error *e);

/* The next stretch of the image to read at once: small holes are read across, since a new range
 * costs more than a few bytes. `data` is NULL. False: none at or beyond `from`. */
bool session_stretch(const struct image *image, uint64_t from, struct extent *stretch);

/* keep.c: [begin, end) of the memory, by address; read from the chip only where it is not known. */
MUST_USE enum status session_fetch(struct session *s, const struct memory *m, uint32_t begin,
                                   uint32_t end, struct image *into, struct error *e);

/* same.c: whether the chip holds all of the image. Reads only until a byte differs; learns what it
 * read. Of fuse and lock bytes those bits count that ISP can change; session_read_bytes() must have
 * been called. */
MUST_USE enum status session_holds(struct session *s, const struct memory *m,
                                   const struct image *image, bool *same, struct error *e);

/* part_choice.c: from the signature (NULL: could not be read) to the part. */
MUST_USE enum status session_choose_part(struct session *s, const char *name,
                                         const uint8_t *signature, struct error *e);

/* A chip that hid its signature has shown it after the erase: is it the part it was taken for? */
MUST_USE enum status session_unhide_signature(struct session *s, struct error *e);

/* guard.c: whether --allow names it. */
bool session_is_allowed(const char *name, const char *const *allow, size_t allow_count);

/* Says which part is to be expected, before session_connect(); touches nothing. */
MUST_USE enum status session_expect(struct session *s, const struct part *part, struct error *e);

/* forecast.c: goes through the plan in mind. Before session_connect(), but not before
 * session_expect(), it finds what contradicts itself; behind it also what the chip's lock bits
 * forbid. STATUS_REFUSED, STATUS_PROTECTED or STATUS_USAGE. */
MUST_USE enum status session_forecast(const struct session *s, const struct plan *plan,
                                      const struct job *job, struct error *e);

/* proof.c: if this session has changed fuses or lock bits: out and in again, and they are read. The
 * error says what brings the chip back. */
MUST_USE enum status session_prove(struct session *s, struct error *e);

/* clock.c: SCK, where the user leaves it to the tool (no -B) and the programmer can set it. */
bool session_clock_is_ours(const struct session *s);

/* Puts SCK where the fuses and the chip's answers allow, if that pays for `bytes` that are still to
 * cross the wire. With `climb_on` faster ones than every clock that the fuses allow would bear are
 * tried, too. The fuse bytes must have been read. The chip stays in programming mode, and what is
 * known of it stays known. */
MUST_USE enum status session_tune_clock(struct session *s, uint64_t bytes, bool climb_on,
                                        struct error *e);

/* Which SCK the chip's clock bears, and the programmer has; false if nothing at all is known. */
struct sck_range {
    uint32_t start_hz; /* right for any clock that the fuses allow; 0: they do not tell */
    uint32_t limit_hz; /* right for the fastest of these clocks only */
    uint32_t chip_hz;  /* what any such clock no longer follows, whatever the programmer has */
};
bool session_sck_range(const struct session *s, struct sck_range *range);

/* Tells the listener what SCK is, if that is known. */
void session_tell_clock(struct session *s);

/* SCK is halved, but not below where the chip answered first, and programming mode entered anew.
 * `*slower` is false, and nothing happens, where that is not possible. */
MUST_USE enum status session_slow_down(struct session *s, bool *slower, struct error *e);

/* Out of programming mode and in again at SCK as it is set. STATUS_UNVERIFIED unless the signature
 * and the fuse bytes answer as known. */
MUST_USE enum status session_come_back(struct session *s, struct error *e);

/* mismatch.c: reads again where `found` differs from `wanted` and tells what it looks like. Both
 * are `size` bytes from offset `address`; `care` is 1 where a byte counts. STATUS_OK if the second
 * look clears it. */
MUST_USE enum status session_judge_mismatch(struct session *s, const struct memory *m,
                                            const struct image *image, uint32_t address,
                                            const uint8_t *found, uint32_t size, struct error *e);

/* Reads what session_judge_mismatch() last looked at many times over. `*clear`: it was as wanted
 * each time. */
MUST_USE enum status session_look_closer(struct session *s, const struct memory *m,
                                         const struct image *image, bool *clear, struct error *e);

#endif
