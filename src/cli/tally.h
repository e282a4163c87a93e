/* How many boards went well, and one outcome for all of them. */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include "ispflash/error.h"

struct tally {
    unsigned good, failed;
    enum status outcome; /* STATUS_OK if none failed, what they failed with if that is the same for
                            all that did, STATUS_CANCELLED if one was interrupted, else
                            STATUS_SEVERAL */
};

void tally_add(struct tally *t, enum status status);

/* t->outcome, with "2 of 8 boards failed" as its error. */
MUST_USE enum status tally_error(const struct tally *t, struct error *e);

#endif
