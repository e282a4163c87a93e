/* A session: one programmer, one chip. session_run() does a whole job as the command line words it;
 * the finer calls under it serve programs and commands that decide as they go.
 *
 * Two gates stand before the chip: nothing touches it until all that can fail without it has
 * passed, and nothing is erased or written until all that can fail without that has. RESET is
 * released on every way out. */
#ifndef ISPFLASH_SESSION_H
#define ISPFLASH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "error.h"
#include "fuses.h"
#include "image.h"
#include "part.h"

/* Which programmer, and how to reach it. Everything is borrowed while the session lives. */
struct programmer_config {
    const char *id;          /* as listed: "avrisp", "usbtiny" */
    const char *programmers; /* more of them than are built in, as programmers.ini has them; may be
                                NULL */
    const char *port;        /* NULL: to be found */
    uint32_t baud;           /* 0: to be found */
    uint32_t sck_hz;         /* -B; 0: the tool's choice */
    uint32_t edge_delay_us;  /* -i; 0: none */
    uint32_t wait_port_s;    /* how long to wait for one that somebody else uses; 0: not at all */
    uint32_t sync_timeout_s; /* how long to look for a silent one; 0: as long as its driver does */
    const char *const *options; /* -x */
    size_t option_count;
    const char *const *exit_options; /* -E, split at commas */
    size_t exit_option_count;
};

enum operation_kind {
    OPERATION_READ,
    OPERATION_WRITE,
    OPERATION_VERIFY,
    OPERATION_ERASE,
    OPERATION_COMMANDS /* somebody decides as he goes */
};

struct operation;

/* Where the bytes of a write or verify come from. Called with `part` and `memory` NULL before the
 * chip is touched if the part is not known by then, and again with them; must give the same bytes
 * each time. The image is the caller's to free. */
struct source {
    enum status (*load)(struct source *self, const struct part *part, const struct memory *memory,
                        struct context *c, struct image **out, struct error *e);
    const char *name; /* for messages */
    bool later;       /* an earlier read of this job makes it: load it only in its turn */
    /* With `later`: the read that makes it. If the part has nothing for that read, the bytes are
     * looked for at once. NULL: not said. */
    const struct operation *made_by;
    bool per_chip; /* its bytes change once struct per_chip has taken this chip's: other values
                      at the same addresses */
};

/* Where the bytes of a read go. prepare() is called before the chip is touched. */
struct destination {
    enum status (*prepare)(struct destination *self, struct error *e);
    enum status (*store)(struct destination *self, const struct memory *memory,
                         const struct image *image, struct context *c, struct error *e);
    /* Of an operation on several memories: all are stored. NULL: nothing to do then. */
    enum status (*finish)(struct destination *self, struct context *c, struct error *e);
    const char *name;
};

struct session;

/* What is this chip's alone, such as a serial number. take() is called when all has passed that can
 * fail without changing the chip, and only if it is going to be changed; until then the sources
 * that are `per_chip` give bytes of the same form. Called again for another attempt on the same
 * chip. */
struct per_chip {
    enum status (*take)(struct per_chip *self, const struct session *s, struct context *c,
                        struct error *e);
};

/* What is done in its turn among the other operations, by the calls below "step by step". run()
 * finds the chip in programming mode, with its fuse and lock bytes read, and leaves it so; nothing
 * of what it does is foreseen or judged by the job, and no erase is implied behind it. */
struct commands {
    enum status (*run)(struct commands *self, struct session *s, struct error *e);
};

struct operation {
    enum operation_kind kind;
    const char *memory; /* as typed: one, or a list (see session_list_memories()); NULL for
                           OPERATION_ERASE (the whole chip), and for all of them. Of several, those
                           count that can be read or written, and that the source has bytes for */
    struct source *source;
    struct destination *destination;
    struct commands *commands;
};

enum job_flag {
    JOB_ERASE = 1 << 0,           /* -e: erase at the very start */
    JOB_NO_ERASE = 1 << 1,        /* -D: no erase on account of a flash write */
    JOB_NO_VERIFY = 1 << 2,       /* -V */
    JOB_NO_WRITE = 1 << 3,        /* -n */
    JOB_WHOLE_READ = 1 << 4,      /* -A: keep trailing 0xff of flash */
    JOB_FORCE_SIGNATURE = 1 << 5, /* -F, --allow signature-mismatch */
    JOB_IN_ORDER = 1 << 6,        /* nothing is merged or moved */
    JOB_LEAVE_IN_RESET = 1 << 7,  /* -E reset: wanted; no programmer can, which is said */
    JOB_SKIP_IF_SAME = 1 << 8,    /* neither erase nor write if the chip holds all of it already */
    JOB_DRY_RUN = 1 << 9,         /* as far as the reviewer; nothing is erased, written or stored */
    JOB_KEEP_EEPROM = 1 << 10,    /* put the EEPROM back after an erase that takes it */
    JOB_KEEP_BOOT = 1 << 11,      /* the boot section of the present fuses survives an erase */
    JOB_AUTO_ERASE = 1 << 12,     /* no erase on account of a flash write that goes without */
    JOB_NO_CLOCK_BOOST = 1 << 13, /* the chip's clock stays as it is while it is written */
    JOB_REQUIRE_GENUINE = 1 << 14 /* a chip of another maker than the part's is an error */
};

/* Bytes of a memory, by their addresses. */
struct address_range {
    uint32_t begin, end; /* `end` is one past the last */
};

/* A copy, outside of this process, of what only it holds between an erase and the rewriting. */
struct rescue {
    enum status (*prepare)(struct rescue *self, struct error *e); /* before the chip is touched */
    /* Returns when the copy would survive a power cut. */
    enum status (*save)(struct rescue *self, const struct memory_image *list, size_t count,
                        struct error *e);
    enum status (*discard)(struct rescue *self, struct error *e); /* it is back and verified */
    const char *name; /* for messages; known from prepare() on */
};

enum job_step_kind {
    JOB_STEP_ERASE,
    JOB_STEP_READ,
    JOB_STEP_WRITE,
    JOB_STEP_VERIFY,
    JOB_STEP_COMMANDS
};

/* What a job is about to do. */
struct job_step {
    enum job_step_kind kind;
    const struct memory *memory; /* NULL for JOB_STEP_ERASE and JOB_STEP_COMMANDS */
    const struct image *image;   /* of a write or verify; NULL: an earlier read makes it */
};

/* Called once all is known that can be without changing the chip, and before it is changed; only
 * for jobs that change it, and for JOB_DRY_RUN. Anything but STATUS_OK ends the job there. */
struct reviewer {
    enum status (*review)(struct reviewer *self, struct session *s, const struct job_step *steps,
                          size_t count, struct error *e);
};

struct job {
    struct programmer_config programmer;
    const char *part; /* NULL: found by its signature */
    const struct operation *operations;
    size_t operation_count;
    unsigned flags;
    const char *const *allow; /* --allow NAME: hazards, see part_hazard_name(); "lock": lock bits
                                 before what they forbid; "write-protected": write protection of
                                 what is to be written is lifted */
    size_t allow_count;
    struct destination *dry_output;   /* JOB_NO_WRITE: receives what would have been written */
    struct reviewer *reviewer;        /* NULL: nobody looks at it first */
    const struct address_range *keep; /* of flash: survive an erase */
    size_t keep_count;
    struct rescue *rescue;     /* for what is to be kept; NULL: no copy */
    struct per_chip *per_chip; /* NULL: all chips get the same */
    unsigned retries; /* how often to do it again after the programmer was lost or fell silent */
};

/* What happened to one memory. */
struct memory_report {
    const struct memory *memory;
    uint32_t read, written, verified; /* bytes; `written`: those that were to be written */
    uint32_t skipped;                 /* of `written`: equal already, or blank after the erase */
    struct image *proven;       /* owned; bytes read back and found as wanted, since they were last
                                   written;       NULL: none, or a fuse or lock byte */
    bool has_before, has_after; /* fuse and lock bytes */
    uint8_t before, after;
    uint64_t read_us, write_us, verify_us;
};

struct report {
    const struct part *part; /* NULL: never known */
    const char *programmer;
    bool signature_known;
    uint8_t signature[3];
    bool erased;
    uint64_t elapsed_us;
    struct memory_report *memories; /* as many as the part has, in its order */
    size_t memory_count;
    size_t mismatches;
};

/* --- memories by name ------------------------------------------------------------------------- */

enum { MEMORY_LIST_MAX = 32 };

struct memory_list_item {
    const struct memory *memory;
    bool named; /* by its own name, not with all others */
};

struct memory_list {
    struct memory_list_item items[MEMORY_LIST_MAX];
    size_t count;
};

/* True for a text that means several memories: ALL, all, etc, or anything with a comma, or with a
 * minus or backslash, which takes a memory out of the list so far. */
bool session_is_memory_list(const char *text);

/* The memories of such a text (NULL: all), in its order. A name that only other parts know is
 * skipped with a note; one of no part, or the beginning of several, is STATUS_USAGE. With `part`
 * NULL the list stays empty and only the names are checked. */
MUST_USE enum status session_list_memories(const struct part *part, const char *text,
                                           struct context *c, struct memory_list *out,
                                           struct error *e);

/* The same for one memory; *out is NULL if it is skipped or `part` is NULL. */
MUST_USE enum status session_find_memory(const struct part *part, const char *name,
                                         struct context *c, const struct memory **out,
                                         struct error *e);

/* --- a job in one call ------------------------------------------------------------------------ */

/* Runs the job, and again up to `retries` times if the programmer was lost, fell silent or did not
 * end in time; but not once the chip was changed if the job reads or keeps what that took. The
 * report is filled in as far as things went, also on failure, and freed by
 * report_free(). The error's `state` says what the chip holds. Emits REPORT on success and ERROR on
 * failure. */
MUST_USE enum status session_run(const struct job *job, struct part_database *parts,
                                 struct context *c, struct report *report, struct error *e);
/* On a session that is open and not connected, and that is so again afterwards: a bench where one
 * chip follows another keeps its programmer open. */

/* Whether a chip answers, by entering programming mode and leaving it; of a part that is not known
 * as well. `part` as for session_connect(). STATUS_NO_TARGET if none does. */
MUST_USE enum status session_look(struct session *s, const char *part, uint8_t signature[3],
                                  struct error *e);
/* session_run(), without the repeating. */
MUST_USE enum status session_run_job(struct session *s, const struct job *job,
                                     struct report *report, struct error *e);
void report_free(struct report *report); /* takes NULL */

/* --- step by step ----------------------------------------------------------------------------- */

/* Finds and opens the programmer; the chip is not touched. All arguments are borrowed for the
 * session's life. */
MUST_USE enum status session_open(const struct programmer_config *config,
                                  struct part_database *parts, struct context *c,
                                  struct session **out, struct error *e);
/* Leaves programming mode if it is still on and closes the programmer; takes NULL. Nothing
 * interrupts that. */
void session_close(struct session *s);

enum session_flag {
    SESSION_FORCE_SIGNATURE = 1 << 0, /* believe in the part that was named */
    SESSION_REQUIRE_GENUINE = 1 << 1  /* STATUS_SIGNATURE for a chip of another maker */
};

/* Enters programming mode, reads the signature and decides on the part: the one named, or (`part`
 * NULL) the one the signature belongs to. STATUS_NO_TARGET, or STATUS_SIGNATURE with the exact -p
 * to use instead. */
MUST_USE enum status session_connect(struct session *s, const char *part, unsigned flags,
                                     struct error *e);
/* Leaves programming mode: the chip runs. Fuses take effect. */
MUST_USE enum status session_disconnect(struct session *s, struct error *e);
/* Out and in again, with the signature as proof that the chip still answers. What was known of its
 * bytes is forgotten. */
MUST_USE enum status session_reconnect(struct session *s, struct error *e);

/* The part in use; NULL before session_connect(). Where several share the signature and none was
 * named it is the commonest; the others: session_candidates(), which returns how many there are and
 * stores up to `capacity`. */
const struct part *session_part(const struct session *s);
size_t session_candidates(const struct session *s, const struct part **out, size_t capacity);
/* STATUS_USAGE unless one part was named or all candidates are laid out alike: to be asked before
 * anything is written. */
MUST_USE enum status session_part_is_certain(const struct session *s, struct error *e);
/* The same, and STATUS_NO_TARGET where no signature was read: being forced goes as far as reading
 * such a chip. */
MUST_USE enum status session_may_change(const struct session *s, struct error *e);

/* What happened so far; grows until the session is closed. */
const struct report *session_report(const struct session *s);

/* SCK; 0: not known. Once it was set it is the user's choice, and the tool no longer moves it.
 * STATUS_UNSUPPORTED where it is fixed. */
uint32_t session_clock(const struct session *s);
MUST_USE enum status session_set_clock(struct session *s, uint32_t hz, struct error *e);

/* The chip's clock by its fuses, which must have been read; false: they do not tell. */
bool session_chip_clock(const struct session *s, struct part_clock *clock);
/* "8 MHz", "128 kHz", "8 to 20 MHz" */
void session_clock_text(const struct part_clock *clock, char *out, size_t capacity);

/* Puts SCK, where it is the tool's to choose, to the fastest that any clock which the fuses allow
 * bears, if the chip answers there without doubt, or as near to it as it does. The fuses must have
 * been read. */
MUST_USE enum status session_find_clock(struct session *s, struct error *e);

/* The chip's supply, where the programmer measures it. */
bool session_voltage(const struct session *s, uint32_t *millivolts);

/* One raw instruction of four bytes and its answer, for people who know what they do: nothing of it
 * is judged. What was known of the chip's content is forgotten, and its fuse and lock bytes are
 * read anew once the chip is ready after whatever it was. */
MUST_USE enum status session_instruction(struct session *s, const uint8_t mosi[4], uint8_t miso[4],
                                         struct error *e);

/* Fuse and lock bytes. They are read together, `times` times over, and all readings must agree
 * (three before any is written). session_byte() then tells what was read last: false where it is
 * not known or cannot be read. */
MUST_USE enum status session_read_bytes(struct session *s, unsigned times, struct error *e);
bool session_byte(const struct session *s, const struct memory *m, uint8_t *value);

/* True if the lock bits are known to forbid it. */
bool session_read_locked(const struct session *s);
bool session_write_locked(const struct session *s);

/* What Chip Erase does to the EEPROM. */
enum eeprom_fate { EEPROM_NONE, EEPROM_WIPED, EEPROM_KEPT };
enum eeprom_fate session_eeprom_fate(const struct session *s);

/* Reads [address, address + size) into `into`, addresses from memory->base on. STATUS_PROTECTED
 * where lock bits make the answer worthless. */
MUST_USE enum status session_read(struct session *s, const struct memory *m, uint32_t address,
                                  uint32_t size, struct image *into, struct error *e);

/* Chip Erase. Says beforehand what becomes of the EEPROM. */
MUST_USE enum status session_erase(struct session *s, struct error *e);

/* True if that lifts the lock bits, too. */
bool session_erase_unlocks(const struct session *s);

/* Lifts write protection, and read protection, which erases all of flash. session_read_bytes() must
 * have been called. STATUS_UNSUPPORTED where a chip erase does it. */
MUST_USE enum status session_unlock(struct session *s, struct error *e);
/* Whether there is something for session_unlock() to lift. */
bool session_is_protected(const struct session *s);

/* Brings the image into the memory with as few writes as possible: what has to be known of the
 * present content is read first, equal bytes are left alone. Does not verify and does not erase:
 * bits of flash that would have to rise are STATUS_VERIFY before anything is written. Fuse and lock
 * bytes go through session_write_byte(). */
MUST_USE enum status session_write(struct session *s, const struct memory *m,
                                   const struct image *image, struct error *e);
/* Reads back what the image holds. STATUS_VERIFY with count, ranges and likely cause;
 * STATUS_UNVERIFIED if two readings differ. Fuse and lock bytes count in their implemented bits. */
MUST_USE enum status session_verify(struct session *s, const struct memory *m,
                                    const struct image *image, struct error *e);

/* One fuse or lock byte: left alone if equal in the implemented bits, else written with all others
 * as 1. session_read_bytes() must have been called. Judges no hazard: see session_guard(). */
MUST_USE enum status session_write_byte(struct session *s, const struct memory *m, uint8_t value,
                                        struct error *e);

/* A fuse or lock byte that is about to be written. */
struct guard_byte {
    const struct memory *memory;
    uint8_t wanted;
    bool known; /* `present` is what the chip holds now */
    uint8_t present;
};

/* All of them together; of several values for one byte each is judged. */
struct guard_request {
    const struct part *part;
    const struct guard_byte *bytes;
    size_t count;
    bool chip_was_read; /* false: only what is dangerous whatever the chip holds is refused */
    const char *const *allow;
    size_t allow_count;
};

/* STATUS_REFUSED, with all that --allow has to name, if the bytes would cut ISP off: RESET as a
 * pin, debugWIRE, a clock signal from outside that the chip does not run from now. Pure. */
MUST_USE enum status session_guard(const struct guard_request *r, struct error *e);

/* Says what is only risky: another clock source, a slower clock, values that look swapped. */
void session_guard_say(const struct guard_request *r, struct context *c);

/* Brings the bits that `wish` gives onto the chip: reads all bytes, judges them (session_guard()),
 * changes only those bits, in the order of a job's end, verifies, and goes out and in again to see
 * that the chip still answers. What is there already is not written. `allow` as in struct job. */
MUST_USE enum status session_set_fuses(struct session *s, const struct fuse_set *wish,
                                       const char *const *allow, size_t allow_count,
                                       struct error *e);

/* What the chip holds of its fuse and lock bytes, as last read. */
void session_fuses(const struct session *s, struct fuse_set *out);

/* What is known of a memory's content: what was read, erased or written since session_connect().
 * Holes are not known. Borrowed until the next call that touches the chip. */
const struct image *session_known(const struct session *s, const struct memory *m);

/* Fills in e->state, unless somebody did: what the chip holds now. */
void session_tell_state(const struct session *s, struct error *e);

#endif
