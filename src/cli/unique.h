/* --unique: bytes that differ from chip to chip, from a ledger into a job. */
#ifndef CLI_UNIQUE_H
#define CLI_UNIQUE_H

#include "ispflash/session.h"
#include "ledger.h"
#include "options.h"

enum unique_format {
    UNIQUE_DECIMAL, /* ASCII digits, zeros in front */
    UNIQUE_HEX,     /* the same, hexadecimal */
    UNIQUE_LITTLE,  /* a number in bytes, the low one first */
    UNIQUE_BIG,     /* the high one first */
    UNIQUE_TEXT,    /* as it is, zero bytes behind */
    UNIQUE_BYTES    /* pairs of hex digits, colons and the like between them */
};

enum { UNIQUE_WIDTH_MAX = 64, UNIQUE_TEMPLATES_MAX = 16 };

/* "eeprom@0x10=serial:8:dec" */
struct unique_template {
    const char *text; /* as typed */
    char memory[24], field[48];
    uint32_t address;
    uint32_t width; /* bytes */
    enum unique_format format;
};

MUST_USE enum status unique_parse(const char *text, struct unique_template *out, struct error *e);
/* The bytes of a value, template->width of them. STATUS_INPUT if it does not go in. */
MUST_USE enum status unique_encode(const struct unique_template *t, const char *value,
                                   uint8_t *bytes, struct error *e);

/* A job's sources with this chip's bytes among theirs. */
struct unique_source;

struct unique {
    struct per_chip per_chip; /* first: the session takes the bytes by it */
    struct unique_template templates[UNIQUE_TEMPLATES_MAX];
    size_t template_count;     /* 0: nothing is asked for */
    struct ledger *ledger;     /* owned */
    struct ledger_entry entry; /* what would be next, or once `taken` this chip's */
    bool taken;
    const char *device;            /* for the record; borrowed */
    struct operation *operations;  /* owned; in place of the job's */
    struct unique_source *sources; /* owned; one an operation */
};

/* Reads --unique and --unique-file and looks whether there is something left to give.
 * unique_close() is to be called also after a failure. */
MUST_USE enum status unique_open(struct unique *u, const struct settings *s, struct context *c,
                                 struct error *e);
void unique_close(struct unique *u);

/* Looks whether there is something left for the next chip. */
MUST_USE enum status unique_next(struct unique *u, struct context *c, struct error *e);

/* Has the job write what is asked for. `job` and all it has is borrowed until unique_close(). */
MUST_USE enum status unique_join(struct unique *u, struct job *job, const char *device,
                                 struct error *e);

/* After a chip: puts on record how it ended, if something was taken for it, and says so. */
MUST_USE enum status unique_settle(struct unique *u, enum status outcome, struct context *c,
                                   struct error *e);

#endif
