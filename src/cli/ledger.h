/* What is given to chips, each once: the numbers of a counter file or the rows of a table.
 *
 * A number is reserved, on disk, before it goes to a chip; afterwards its outcome is written behind
 * it. A reservation without an outcome whose owner is no longer there is in doubt: it may be in a
 * chip or not, is put on record so, and is never given again. Several processes may use one ledger
 * at a time. A process must not have two of the same file open: closing one would end the locks of
 * the other (fcntl(2), POSIX advisory locks). */
#ifndef CLI_LEDGER_H
#define CLI_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "ispflash/context.h"
#include "ispflash/error.h"

/* What is given: named values. Zeroed is empty; freed by ledger_entry_free(). */
struct ledger_entry {
    char *key; /* what it is called in the record: "1042" */
    char **names, **values;
    size_t count;
};

void ledger_entry_free(struct ledger_entry *entry);
/* NULL: it has no value of that name. */
const char *ledger_entry_value(const struct ledger_entry *entry, const char *name);
/* Adds copies. */
MUST_USE enum status ledger_entry_add(struct ledger_entry *entry, const char *name,
                                      const char *value, struct error *e);

struct ledger;

/* A table if the name ends in .csv, else a counter. The file must be there. */
MUST_USE enum status ledger_open(const char *path, struct ledger **out, struct error *e);
void ledger_close(struct ledger *l); /* takes NULL; what is reserved and not settled is in doubt */

/* What would be given next; nothing is reserved. STATUS_INPUT: there is none, or the file is wrong,
 * with its line. `*out` is empty before, and the caller's to free. */
MUST_USE enum status ledger_peek(struct ledger *l, struct context *c, struct ledger_entry *out,
                                 struct error *e);

/* Reserves the next one for `device`; on return that would survive a power cut. Says which ones
 * were found in doubt. */
MUST_USE enum status ledger_reserve(struct ledger *l, const char *device, struct context *c,
                                    struct ledger_entry *out, struct error *e);

/* Puts the outcome of what is reserved on record: "programmed", or `failure` (its class). */
MUST_USE enum status ledger_settle(struct ledger *l, const char *failure, struct context *c,
                                   struct error *e);

#endif
