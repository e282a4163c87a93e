/* What a programmer can do, whatever its wire. A driver is one const table in one file under
 * programmers/; the names users type for it are data in programmers/programmers.ini. A driver knows
 * its protocol and nothing of file formats, options or what the job is about. */
#ifndef PROGRAMMER_PROGRAMMER_H
#define PROGRAMMER_PROGRAMMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"
#include "ispflash/part.h"
#include "ispflash/session.h"

/* One four-byte serial programming instruction and its answer. */
struct isp_exchange {
    uint8_t mosi[4];
    uint8_t miso[4];  /* out; only [3] is valid unless the driver says PROGRAMMER_SEES_ECHO */
    uint32_t wait_us; /* the chip is busy for this long afterwards; the next instruction waits */
    uint32_t wait_min_us; /* what the data sheet says it takes; 0: not known. wait_us has margins */
    bool ready_poll;      /* F0 00 00 00 may end that wait sooner (POLL_READY) */
};

enum programmer_feature {
    PROGRAMMER_SEES_ECHO = 1 << 0,      /* exchange() gives all four answer bytes */
    PROGRAMMER_ENABLES = 1 << 1,        /* enter() also sends Programming Enable, unseen */
    PROGRAMMER_BOOTLOADER = 1 << 2,     /* no ISP: a boot loader; flash pages erase themselves */
    PROGRAMMER_REPORTS_ENABLE = 1 << 3, /* enter() fails with STATUS_NO_TARGET if not enabled */
    PROGRAMMER_SERIAL = 1 << 4          /* sits on a serial port: a configured one is for it */
};

/* An id users type, from programmers.ini. */
struct programmer_entry {
    const char *id;
    const char *const *aliases; /* NULL-terminated */
    const char *summary;
    const char *driver;   /* NULL: known, but not ours yet */
    const char *needs;    /* driver NULL: what it speaks; else the library of its driver, or NULL */
    const char *settings; /* the driver's own "key=value ..." string; may be NULL */
    const char *usb;      /* driver NULL: "VID:PID,..." that it shows; may be NULL */
};

struct programmer;
struct stream_usb_id; /* link/stream.h */
struct usb_lookalike; /* link/usb.h */

/* One word of an ARM core's memory, at an address that is a multiple of 4. */
struct swd_word {
    uint32_t address;
    uint32_t value; /* to be written, or what was read */
    bool write;
};

/* What a programmer that speaks SWD offers: the memory behind the debug port, which is all that a
 * family needs of it. enter() attaches to the port without touching the core, and may be called
 * with the reset line low; leave() lets go of it. STATUS_NO_TARGET: nothing answers;
 * STATUS_PROTECTED: the chip refused that access; STATUS_TIMEOUT: its bus stayed busy. */
struct swd_ops {
    /* In order, in as few transfers as possible. On failure those before the one that is named have
     * been done. */
    enum status (*words)(struct programmer *p, struct swd_word *words, size_t count,
                         struct error *e);
    /* Address and size are multiples of 4. read() reports bytes by context_advance(). */
    enum status (*read)(struct programmer *p, uint32_t address, uint8_t *data, size_t size,
                        struct error *e);
    enum status (*write)(struct programmer *p, uint32_t address, const uint8_t *data, size_t size,
                         struct error *e);
    /* Of the halted core: 0 to 15, 16 for xPSR. */
    enum status (*set_register)(struct programmer *p, unsigned number, uint32_t value,
                                struct error *e);
    /* Drives NRST low, or releases it. Nothing tells whether the line is wired. */
    enum status (*reset_line)(struct programmer *p, bool low, struct error *e);
    uint32_t (*core_id)(const struct programmer *p); /* IDCODE of the port, as read by enter() */
    unsigned (*guide_s)(const struct programmer *p); /* how long a person is asked for help */
};

/* One driver. Const, stateless, alive for the whole process. */
struct programmer_driver {
    const char *name;
    const char
        *proven;       /* "hardware", "firmware" (the real one, simulated), "model" or "untested" */
    unsigned features; /* enum programmer_feature */
    size_t state_size; /* zeroed storage that the core gives each instance */
    uint32_t sck_min_hz, sck_max_hz; /* both 0: one fixed clock */
    const char *sck_fixed_hint;      /* what to change where SCK is fixed; may be NULL */
    const char *options_help;        /* for -x help; NULL: takes none */
    const struct stream_usb_id
        *serial_ids; /* of the ports it may sit on; ends with vendor 0; NULL */
    const struct usb_lookalike *lookalikes; /* what is taken for its device; as above; NULL */

    const struct swd_ops *swd; /* speaks SWD instead of ISP; NULL: it does not */

    /* Before the device is looked for: are port, rate and options acceptable? Optional. */
    enum status (*check)(const struct programmer_entry *entry, const struct programmer_config *c,
                         struct error *e);

    /* Required. close() is the only clean-up path: it also runs after a failed open(). */
    enum status (*open)(struct programmer *p, struct error *e);
    void (*close)(struct programmer *p);

    /* Tells the part, before enter() or as soon as it is known. Optional. */
    enum status (*select)(struct programmer *p, const struct part *part, struct error *e);

    /* RESET low (high for AT89S) with SCK low, and Programming Enable if PROGRAMMER_ENABLES. Called
     * again it really enters anew: RESET is released and asserted. */
    enum status (*enter)(struct programmer *p, struct error *e);
    /* Releases RESET and the pins. Also called after failures, with the context on its way out;
     * must get rid of half-finished transfers by itself. */
    enum status (*leave)(struct programmer *p, struct error *e);

    /* A batch of instructions, in order; the driver packs as many into a transfer as its wire and
     * its device bear. NULL for a boot loader. On failure nothing is known of the answers. */
    enum status (*exchange)(struct programmer *p, struct isp_exchange *batch, size_t count,
                            struct error *e);

    /* Optional, and STATUS_UNSUPPORTED (before anything was sent) for one request: the target layer
     * then composes the same effect from exchange(). Whole ranges, so that a driver can stream,
     * send ahead and cross pages; both report bytes as they are done with context_advance().
     * write(): whole pages of flash or EEPROM (page_size 0: any bytes), address page-aligned, the
     * page buffer empty; returns when the last page is programmed. Does not verify. The user's wish
     * to stop is heeded between pages: one that was begun is finished.
     * Where the part has extended_address, the target layer has sent Load Extended Address before
     * the call and no range crosses 128 KiB. A PROGRAMMER_BOOTLOADER also reads the signature here
     * (MEMORY_SIGNATURE, three bytes). */
    enum status (*read)(struct programmer *p, const struct memory *m, uint32_t address,
                        uint8_t *data, size_t size, struct error *e);
    enum status (*write)(struct programmer *p, const struct memory *m, uint32_t address,
                         const uint8_t *data, size_t size, struct error *e);
    /* The whole of Chip Erase including its wait. Optional, as above. Like a batch with waits in
     * it, it is called with the context on its way out, so that nothing interrupts it. */
    enum status (*erase)(struct programmer *p, struct error *e);

    /* Takes the fastest clock that is not above `hz`, else the slowest there is; `*actual_hz` is
     * what the device really does. Optional, and STATUS_UNSUPPORTED from a device that turns out to
     * have one fixed clock. The target layer alone calls it, with -B's rate or its own choice:
     * before enter(), when it takes effect with it, or in programming mode, which it is still in
     * afterwards (some devices have to enter anew for it: STATUS_NO_TARGET if the chip does not
     * follow, and then it is not in programming mode). A clock that the device has already costs
     * nothing. */
    enum status (*set_sck)(struct programmer *p, uint32_t hz, uint32_t *actual_hz, struct error *e);

    /* The target's supply, where the device measures it. Optional. */
    enum status (*voltage)(struct programmer *p, uint32_t *millivolts, struct error *e);
};

/* An open programmer. Drivers read the first five; the core alone writes them. */
struct programmer {
    const struct programmer_driver *driver;
    const struct programmer_entry *entry;
    const struct programmer_config *config;
    struct context *context;
    const struct part *part; /* as last told by programmer_select(); never NULL */
    void *state;             /* driver->state_size bytes */
    bool entered;            /* RESET may be asserted: enter() was called, and leave() not since */
};

/* The ids, sorted, ends with an entry whose id is NULL. STATUS_INTERNAL if the data is broken. The
 * caller frees them with programmer_entries_free(), all at once. */
MUST_USE enum status programmer_entries(struct programmer_entry **out, struct error *e);
/* The same with more of them, `own` being in the form of programmers.ini (NULL: none). What is
 * wrong with it is STATUS_INTERNAL. */
MUST_USE enum status programmer_entries_with(const char *own, struct programmer_entry **out,
                                             struct error *e);
void programmer_entries_free(struct programmer_entry *entries); /* takes NULL */

/* The driver of an entry, or NULL: not ours yet, or built without the library it needs. */
const struct programmer_driver *programmer_driver_of(const struct programmer_entry *entry);

/* By id or alias: exact, else case ignored, else unique start. STATUS_USAGE with the nearest names,
 * STATUS_UNSUPPORTED for one that has no driver here. The results live as long as `entries`. */
MUST_USE enum status programmer_find(const struct programmer_entry *entries, const char *id,
                                     const struct programmer_entry **entry,
                                     const struct programmer_driver **driver, struct error *e);

/* Finds the driver and lets it check() and open(); close() on failure. `p` is freed by
 * programmer_close(), which leaves first if the chip is still in programming mode. */
MUST_USE enum status programmer_open(const struct programmer_config *config, struct context *c,
                                     struct programmer **out, struct error *e);
void programmer_close(struct programmer *p); /* takes NULL */

/* The driver's operations, guarded: they log nothing and keep p->entered and p->part. */
MUST_USE enum status programmer_select(struct programmer *p, const struct part *part,
                                       struct error *e);
MUST_USE enum status programmer_enter(struct programmer *p, struct error *e);
MUST_USE enum status programmer_leave(struct programmer *p, struct error *e);
MUST_USE enum status programmer_exchange(struct programmer *p, struct isp_exchange *batch,
                                         size_t count, struct error *e);

/* What becomes of a chip that is not left properly: "held in reset". */
const char *programmer_hold(const struct programmer *p);

/* The value of "key" in the entry's settings ("reset=pulse baud=115200"), copied into `out`
 * (capacity bytes). False: not there. */
bool programmer_setting(const struct programmer *p, const char *key, char *out, size_t capacity);
bool programmer_entry_setting(const struct programmer_entry *entry, const char *key, char *out,
                              size_t capacity);

#endif
