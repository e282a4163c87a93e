/* What the files of the doctor share. */
#ifndef SESSION_DOCTOR_H
#define SESSION_DOCTOR_H

#include "ispflash/doctor.h"
#include "session_private.h"

/* doctor_run() on a programmer that is open already and stays the caller's; NULL: it is found. */
MUST_USE enum status doctor_run_on(const struct doctor_request *request,
                                   struct part_database *parts, struct context *c,
                                   struct programmer *p, struct doctor_report *report,
                                   struct error *e);

/* soak.c: a few dozen readings of which the answers are known. */
MUST_USE enum status session_reread(struct session *s, unsigned *reads, unsigned *wrong,
                                    struct error *e);

/* soak.c: reads `reads` times at each SCK, from below the present one up to `fastest_hz` (0: at the
 * present one alone), and tells each row. STATUS_UNVERIFIED if any reading was wrong. */
MUST_USE enum status session_soak(struct session *s, unsigned reads, uint32_t fastest_hz,
                                  struct doctor_listener *listener, struct error *e);

#endif
