/* How many boards went well, and one outcome for all of them. */
#include "tally.h"

void tally_add(struct tally *t, enum status status)
{
    if (status == STATUS_OK) {
        t->good++;
        return;
    }
    if (t->failed++ == 0 || status == STATUS_CANCELLED)
        t->outcome = status;
    else if (t->outcome != status && t->outcome != STATUS_CANCELLED)
        t->outcome = STATUS_SEVERAL;
}

enum status tally_error(const struct tally *t, struct error *e)
{
    if (t->outcome == STATUS_OK)
        return STATUS_OK;
    return error_set(e, t->outcome, "%u of %u board%s failed", t->failed, t->good + t->failed,
                     t->good + t->failed == 1 ? "" : "s");
}
