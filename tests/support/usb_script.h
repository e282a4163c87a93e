/* A USB device that expects certain transfers and answers them, on a clock that only moves when
 * somebody waits. Any one transfer can be made to fail. */
#ifndef SUPPORT_USB_SCRIPT_H
#define SUPPORT_USB_SCRIPT_H

#include <signal.h>

#include "link/usb.h"
#include "support/record.h"

/* One transfer. Bytes are hex digits, blanks between them are for the reader. */
struct usb_step {
    const char *expect; /* the eight bytes of the SETUP packet, then the data of an OUT transfer */
    const char *answer; /* the data of an IN transfer; may be NULL */
    uint32_t takes_us;
};

enum usb_mishap { MISHAP_NONE, MISHAP_STALL, MISHAP_GONE, MISHAP_SHORT, MISHAP_HANG, MISHAP_NOISE };

struct usb_script {
    struct usb base; /* first: cast from struct usb */
    struct fake_clock *clock;
    const struct usb_step *steps;
    size_t step_count;
    size_t at;        /* the next step; also: how many transfers there were */
    size_t mishap_at; /* transfer number, from 1; 0: none */
    enum usb_mishap mishap;
    bool gone;
    struct usb_transfer *flying[USB_QUEUE_MAX];
    uint64_t due_us[USB_QUEUE_MAX]; /* how long each still takes; hanging ones: UINT64_MAX */
    enum usb_result will[USB_QUEUE_MAX];
    size_t flying_count, most_flying;
    sig_atomic_t *cancel_in_wait; /* set to 1 while waiting; may be NULL */
    unsigned longest_wait_ms;
    bool closed;
    char complaint[512]; /* the first transfer that was not as expected; empty: all were */
};

/* `context` must run on `clock`. */
void usb_script_init(struct usb_script *s, const struct usb_step *steps, size_t count,
                     struct context *context, struct fake_clock *clock);

#endif
