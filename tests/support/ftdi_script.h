/* An FTDI channel that expects certain calls and answers them, on a clock that only moves when
 * somebody waits. ftdi_open() gives it out, in place of src/link/'s. */
#ifndef SUPPORT_FTDI_SCRIPT_H
#define SUPPORT_FTDI_SCRIPT_H

#include <signal.h>

#include "link/ftdi.h"
#include "support/record.h"

/* One call. Bytes are hex digits, blanks between them are for the reader. */
struct ftdi_step {
    const char *expect; /* "mode 02 0b", "latency 10", "baud 9600", or the bytes of a transfer */
    const char *answer; /* the bytes that come back; NULL: as many as asked for, all 00 */
    uint32_t takes_us;
};

struct ftdi_script {
    struct ftdi base; /* first: cast from struct ftdi */
    struct fake_clock *clock;
    const struct ftdi_step *steps;
    size_t step_count;
    size_t at;        /* the next step; also: how many calls there were */
    size_t fail_at;   /* this call fails, counted from 1; 0: none */
    enum status fail; /* so */
    size_t cancel_at; /* the user wants out during this call; a transfer heeds that where it may */
    sig_atomic_t *cancel;
    bool anything; /* whatever comes is right, and answered by 00 */
    bool opened, closed;
    char complaint[512]; /* the first call that was not as expected; empty: all were */
};

/* What ftdi_open() will give out next. */
void ftdi_script_init(struct ftdi_script *s, const struct ftdi_step *steps, size_t count,
                      struct fake_clock *clock, uint16_t release);

/* What ftdi_open() was asked for last. */
struct ftdi_script_wanted {
    struct usb_id id;
    unsigned channel;
};
extern struct ftdi_script_wanted ftdi_script_wanted;

#endif
