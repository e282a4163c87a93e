/* What the files of the Bus Pirate driver share: buspirate.c (programming mode, the table),
 * buspirate_connect.c (finding it in whatever state, its rate, its terminal), buspirate_probe.c
 * (what the firmware can do), buspirate_talk.c (commands and answers), buspirate_memory.c (ranges).
 *
 * Sources: the firmware 6.3 of Dangerous Prototypes (SPI.c, binIO.c, procMenu.c), the community's
 * 7.1 and 8.0 (spi.c, binary_io.c), the Bus Pirate 5's legacy4third.c. */
#ifndef PROGRAMMERS_BUSPIRATE_H
#define PROGRAMMERS_BUSPIRATE_H

#include "buspirate_options.h"
#include "link/stream.h"
#include "programmer/programmer.h"

enum buspirate_mode {
    BUSPIRATE_UNKNOWN,  /* not found yet, or lost: answers may still be on their way */
    BUSPIRATE_TERMINAL, /* at its prompt */
    BUSPIRATE_BITBANG,  /* "BBIO1": all pins inputs, supply off */
    BUSPIRATE_SPI       /* or raw-wire mode */
};

enum buspirate_pace { BUSPIRATE_PACE_UNKNOWN, BUSPIRATE_PACE_OF_WIRE, BUSPIRATE_PACE_NONE };

enum {
    BUSPIRATE_BLOCK = 4096, /* most bytes of a write-then-read: the buffer of firmware 6 */
    /* Most that are used for pages: a run that is killed within a block must not cost the next too
     * much time to end it. */
    BUSPIRATE_PAGES = 2056,
    BUSPIRATE_USUAL_BAUD = 115200
};

struct buspirate {
    struct stream *stream;
    struct context *context;
    struct buspirate_options options;
    enum buspirate_mode mode;
    uint32_t baud;        /* 0: the stream has no rate */
    bool has_rate_menu;   /* the terminal's b */
    bool greeted;         /* it was a Bus Pirate: there is a terminal to return it to */
    bool legacy;          /* a Bus Pirate 5 or later in its legacy mode */
    bool streams;         /* 05 passes bytes on as they come: they may not come too fast */
    bool write_then_read; /* 05 */
    bool extended;        /* 06 */
    bool sorted_speeds;   /* 64 is 50 kHz and 66 is 2 MHz: community firmware 7 */
    enum buspirate_pace pace;
    bool supply; /* the Bus Pirate's, for the chip */
    bool probed_voltage;
    unsigned voltage_mv; /* at the ADC lead */
    unsigned speed;      /* index of 6x */
    uint32_t sck_hz;
    bool in_reset;        /* RESET is active */
    unsigned silent_ms;   /* that long without an answer is silence, while probing */
    unsigned enterings;   /* since the chip last answered */
    uint64_t busy_end_us; /* the chip writes until then */
};

/* --- buspirate_talk.c ------------------------------------------------------------------------- */

/* The time of one byte on the wire at the rate set; where there is no rate, as at 115200. */
uint64_t buspirate_byte_ns(const struct buspirate *self);
/* One SPI byte, with what the firmware needs beside its clock at most and at least. */
uint64_t buspirate_shift_most_ns(const struct buspirate *self);
uint64_t buspirate_shift_least_ns(const struct buspirate *self);
/* True if bytes that come one after another at that rate are shifted as fast as they come: the
 * receiver of a v3 holds four, and one more stops it until the power is cut. */
bool buspirate_keeps_up(const struct buspirate *self);

/* Sends, then takes exactly `size` bytes; `extra_ms` beyond the usual patience. On failure the
 * device counts as lost, and the error says what it seems to be doing. `what` names the command. */
MUST_USE enum status buspirate_talk(struct buspirate *self, const char *what, const uint8_t *out,
                                    size_t out_size, uint8_t *in, size_t size, unsigned extra_ms,
                                    struct error *e);
MUST_USE enum status buspirate_send(struct buspirate *self, const uint8_t *out, size_t size,
                                    struct error *e);
/* `wanted` must be the answer. */
MUST_USE enum status buspirate_expect(struct buspirate *self, const char *what, const uint8_t *out,
                                      size_t out_size, const char *wanted, size_t size,
                                      unsigned extra_ms, struct error *e);
/* One byte, answered by 01. */
MUST_USE enum status buspirate_command(struct buspirate *self, const char *what, uint8_t code,
                                       struct error *e);
/* Takes what comes until it ends in `last` (may be NULL) or nothing has come for `quiet_ms`. Keeps
 * the end of it, zero-terminated. */
MUST_USE enum status buspirate_listen(struct buspirate *self, unsigned quiet_ms, const char *last,
                                      char *text, size_t capacity, size_t *size, struct error *e);
bool buspirate_ends_in(const char *text, size_t size, const char *last);

/* Up to four instructions by one bulk transfer, or one where it would not keep up. */
MUST_USE enum status buspirate_exchange(struct programmer *p, struct isp_exchange *batch,
                                        size_t count, struct error *e);
/* 05 without anything to read: `size` bytes to the chip; returns when they are shifted. */
MUST_USE enum status buspirate_write_block(struct buspirate *self, const uint8_t *data, size_t size,
                                           struct error *e);
/* Sleeps although the user wants out: the chip is writing. */
void buspirate_chip_sleep(struct buspirate *self, uint64_t us);
void buspirate_await_chip(struct buspirate *self);

/* --- buspirate_connect.c ---------------------------------------------------------------------- */

MUST_USE enum status buspirate_open(struct programmer *p, struct error *e);
/* What open() does once the port is open; the stream is the driver's from then on. Tests come in
 * here with a scripted one. */
MUST_USE enum status buspirate_adopt(struct programmer *p, struct stream *stream, struct error *e);
/* From whatever it is doing to bit-bang mode, in which it has released RESET. */
MUST_USE enum status buspirate_regain(struct buspirate *self, struct error *e);
/* From SPI or bit-bang mode to the prompt, at 115200 baud. */
MUST_USE enum status buspirate_to_terminal(struct buspirate *self, struct error *e);
/* From bit-bang mode: to another rate, and back to bit-bang mode. */
MUST_USE enum status buspirate_change_rate(struct buspirate *self, uint32_t baud, struct error *e);
bool buspirate_is_rate(uint32_t baud);

/* --- buspirate_probe.c ------------------------------------------------------------------------ */

/* In bit-bang mode: is there a supply, and what does the ADC see? */
MUST_USE enum status buspirate_measure(struct buspirate *self, struct error *e);
/* In SPI mode with RESET released. */
MUST_USE enum status buspirate_probe(struct buspirate *self, struct error *e);
/* Do blocks take as long as their bytes need at the rate set? Not on a USB port of its own. */
MUST_USE enum status buspirate_measure_pace(struct buspirate *self, struct error *e);

/* --- buspirate.c ------------------------------------------------------------------------------ */

/* From bit-bang mode into SPI mode, set up, RESET released, the chip supplied. */
MUST_USE enum status buspirate_begin_spi(struct programmer *p, struct error *e);
/* Another rate in the middle of programming mode, into which it leads back. */
MUST_USE enum status buspirate_adapt_rate(struct programmer *p, struct error *e);
uint32_t buspirate_speed_hz(const struct buspirate *self, unsigned index); /* 0: none */

/* --- buspirate_memory.c ----------------------------------------------------------------------- */

MUST_USE enum status buspirate_read(struct programmer *p, const struct memory *m, uint32_t address,
                                    uint8_t *data, size_t size, struct error *e);
MUST_USE enum status buspirate_write(struct programmer *p, const struct memory *m, uint32_t address,
                                     const uint8_t *data, size_t size, struct error *e);

#endif
