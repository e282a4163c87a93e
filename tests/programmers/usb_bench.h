/* A driver of a USB programmer over a scripted device, in simulated time. The bench stands in for
 * usb_open(), so that a driver is tested with the very calls it makes. */
#ifndef PROGRAMMERS_USB_BENCH_H
#define PROGRAMMERS_USB_BENCH_H

#include "support/test.h"

#include "programmer/programmer.h"
#include "support/usb_script.h"

enum { USB_BENCH_STEPS = 400 };

struct usb_bench {
    struct fake_clock clock;
    struct record record;
    sig_atomic_t cancel;
    struct context context;
    struct usb_script script;
    struct usb_step steps[USB_BENCH_STEPS];
    struct programmer_entry entry;
    struct programmer_config config;
    struct programmer programmer;
    struct part_database *parts;
    const struct part *part;
    struct error error;
    bool opened;
};

/* Nothing is expected yet. `settings` as in programmers.ini. */
struct usb_bench *usb_bench_new(const struct programmer_driver *driver, const char *settings,
                                const char *part);
/* Closes what is open; insists on that, and on nothing unexpected having been sent. */
void usb_bench_free(struct usb_bench *b);

/* The next transfer, see struct usb_step. Strings are copied. */
void usb_bench_expect(struct usb_bench *b, const char *sent, const char *answer);
/* The next transfer: a SETUP packet and `size` bytes behind it. */
void usb_bench_expect_data(struct usb_bench *b, const char *setup, const uint8_t *data,
                           size_t size);
/* The next transfer: `size` bytes come in answer. */
void usb_bench_expect_answer(struct usb_bench *b, const char *setup, const uint8_t *data,
                             size_t size);

/* open() as programmer_open() does it: close() follows if it fails. */
enum status usb_bench_open(struct usb_bench *b);
/* All that was expected has come, and nothing else. */
void usb_bench_check(struct usb_bench *b);
/* One instruction; the fourth answer byte. */
uint8_t usb_bench_instruction(struct usb_bench *b, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3);

/* What usb_open() was asked for last. */
struct usb_bench_wanted {
    struct usb_id ids[5];
    char manufacturer[48], title[48], anyway[48], port[48];
};
extern struct usb_bench_wanted usb_bench_wanted;

#endif
