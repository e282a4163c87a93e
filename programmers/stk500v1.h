/* What the files of the STK500v1 driver share: stk500v1.c (programming mode, ranges, the table),
 * stk500v1_connect.c (finding and knowing the device) and stk500v1_exchange.c (instructions). */
#ifndef PROGRAMMERS_STK500V1_H
#define PROGRAMMERS_STK500V1_H

#include "programmer/programmer.h"
#include "stk500v1_protocol.h"

enum { STK500V1_COMMANDS = 160 }; /* handed to stk_run() at once */

/* How much the device has shown to stand. Each step down is for good. */
enum stk500v1_care {
    CARE_NONE,   /* STK_RING bytes ahead */
    CARE_SINGLE, /* one command at a time */
    CARE_SMALL   /* and only a few bytes in it */
};

/* Whether the bytes truly travel at the rate that is set: then polls make the chip's waits. */
enum stk500v1_pace { PACE_UNKNOWN, PACE_OF_WIRE, PACE_NONE };

struct stk500v1 {
    struct stk stk;
    bool sketch; /* ArduinoISP; otherwise some real STK500 or AVRISP: nothing but AVR061 */
    bool long_reads, long_reads_proven;
    enum stk500v1_care care;
    enum stk500v1_pace pace;
    const struct part *device; /* what SET_DEVICE told; NULL: nothing yet */
    bool segment_known;        /* Load Extended Address, to be repeated after a lost step */
    uint8_t segment[4];
};

/* Counts the recoveries of one operation. */
struct recovery {
    unsigned total, in_a_row;
};

/* stk500v1_connect.c */
MUST_USE enum status stk500v1_open(struct programmer *p, struct error *e);
/* What open() does once the port is open; the stream is the driver's from then on. Tests come in
 * here with a scripted one. */
MUST_USE enum status stk500v1_adopt(struct programmer *p, struct stream *stream, struct error *e);
/* Tells a boot loader to make way for the sketch. */
MUST_USE enum status stk500v1_dismiss_bootloader(struct programmer *p, struct error *e);
/* The last resort for a device that has gone silent: DTR and RTS reset most boards. Returns when
 * its sketch should be running. */
MUST_USE enum status stk500v1_reset_board(struct programmer *p, struct error *e);

/* stk500v1.c */
/* In step before anything new is asked. */
MUST_USE enum status stk500v1_ensure_step(struct programmer *p, struct error *e);
/* After a stk_run() that ended with `status` and made headway or not: in step again, or the failure
 * for good. */
MUST_USE enum status stk500v1_recover(struct programmer *p, struct recovery *r, bool headway,
                                      enum status status, struct error *e);
/* A wait that must not be cut short, for the chip is writing. */
void stk500v1_chip_sleep(struct programmer *p, uint32_t us);

/* stk500v1_exchange.c */
MUST_USE enum status stk500v1_exchange(struct programmer *p, struct isp_exchange *batch,
                                       size_t count, struct error *e);

#endif
