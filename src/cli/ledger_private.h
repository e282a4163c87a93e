/* What the two kinds of ledger share. */
#ifndef CLI_LEDGER_PRIVATE_H
#define CLI_LEDGER_PRIVATE_H

#include <sys/types.h>

#include "ledger.h"

struct ledger_ops {
    enum status (*peek)(struct ledger *l, struct ledger_entry *out, struct error *e);
    enum status (*reserve)(struct ledger *l, struct context *c, struct ledger_entry *out,
                           struct error *e);
    enum status (*settle)(struct ledger *l, const char *failure, struct error *e);
};

struct ledger {
    const struct ledger_ops *ops;
    char *path;
    int fd;                    /* bears the locks: the counter itself, or a file beside the table */
    char device[128];          /* what the reservation is for */
    struct ledger_entry entry; /* reserved and not settled; key NULL: nothing is */
    off_t mark;                /* of the reservation: a byte of `fd` that is locked meanwhile */
};

extern const struct ledger_ops ledger_counter_ops, ledger_table_ops;

/* A reservation's owner holds a lock on one byte, which the system takes away when the process
 * ends, however that happens. */
MUST_USE enum status ledger_mark(struct ledger *l, off_t at, struct error *e);
void ledger_unmark(struct ledger *l);
/* Somebody holds it, perhaps we. */
bool ledger_is_marked(const struct ledger *l, off_t at);

enum { LEDGER_TIME_SIZE = 24 };

/* "2026-11-25T07:17:55Z" */
const char *ledger_time(char out[LEDGER_TIME_SIZE]);

void ledger_say_doubt(const struct ledger *l, struct context *c, const char *key);
enum status ledger_failed(const struct ledger *l, const char *what, int code, struct error *e);

#endif
