/* What the files of the Bus Pirate driver share: buspirate.c (programming mode, the table),
 * buspirate_connect.c (finding it in whatever state, its rate, its terminal), buspirate_probe.c
 * (what the firmware can do), buspirate_talk.c (commands and answers), buspirate_memory.c (ranges),
 * buspirate_stream.c (whole ranges without waiting for answers).
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

/* What the numbers of 6x mean. The first four are the same everywhere. */
enum buspirate_order {
    BUSPIRATE_ORDER_UNKNOWN,
    BUSPIRATE_ORDER_USUAL, /* 4 to 7 are 2, 2.6, 4 and 8 MHz */
    BUSPIRATE_ORDER_SORTED /* community firmwares from 2016 to 2025: 4 is 50 kHz, 8 is 3.2 MHz */
};

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
    enum buspirate_order order;
    enum buspirate_pace pace;
    bool supply; /* the Bus Pirate's, for the chip */
    bool probed_voltage;
    unsigned voltage_mv; /* at the ADC lead */
    unsigned speed;      /* index of 6x */
    uint32_t sck_hz;
    bool in_reset;         /* RESET is active */
    bool slow_chip;        /* it takes longer to write than its data sheet says */
    unsigned silent_ms;    /* that long without an answer is silence, while probing */
    unsigned enterings;    /* since the chip last answered */
    uint64_t busy_end_us;  /* the chip writes until then */
    uint64_t supply_on_us; /* when the supply was switched on */

    /* Of answers in SPI mode to commands that followed an answer at once: how many came promptly,
     * and how many after about the time of an FT232R's latency timer. */
    unsigned prompt_answers, held_answers;
    uint64_t held_us;     /* altogether */
    uint64_t answered_us; /* when the last one came */
};

/* --- buspirate_talk.c ------------------------------------------------------------------------- */

/* The time of one byte on the wire at the rate set; where there is no rate, as at 115200. */
uint64_t buspirate_byte_ns(const struct buspirate *self);
/* One SPI byte, with what the firmware needs beside its clock at most. */
uint64_t buspirate_shift_most_ns(const struct buspirate *self);
/* True if bytes that come one after another at that rate are shifted as fast as they come: the
 * receiver of a v3 holds four, and one more stops it until the power is cut. */
bool buspirate_keeps_up(const struct buspirate *self);
/* True if that also goes for full bulk transfers one behind the other, at `baud`. */
bool buspirate_bulk_keeps_up(const struct buspirate *self, uint32_t baud);
/* True if the adapter's latency timer holds each answer, for 16 ms. Then the firmware is none of
 * those that make the adapter send at the end of each command, and that hear nothing meanwhile. */
bool buspirate_timer_holds(const struct buspirate *self);

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

/* Four instructions by one bulk transfer, or fewer where it would not keep up. */
MUST_USE enum status buspirate_exchange(struct programmer *p, struct isp_exchange *batch,
                                        size_t count, struct error *e);
/* Fills `size` bytes with Poll RDY/BSY, the one instruction that a busy chip bears; returns it. */
size_t buspirate_put_polls(uint8_t *out, size_t size);
/* 05 without anything to read: `size` bytes to the chip; returns when they are shifted. */
MUST_USE enum status buspirate_write_block(struct buspirate *self, const uint8_t *data, size_t size,
                                           struct error *e);
/* The chip is busy for `us` from now on; await: for what is left of it, also when the user wants
 * out. */
void buspirate_chip_busy(struct buspirate *self, uint64_t us);
void buspirate_await_chip(struct buspirate *self);
/* What `size` bytes are that came in place of the answer to `what`; always fails. */
MUST_USE enum status buspirate_wrong_answer(struct buspirate *self, const char *what,
                                            const uint8_t *heard, size_t size, struct error *e);
/* The same of an answer of which only `got` of `size` bytes came. */
MUST_USE enum status buspirate_went_silent(struct buspirate *self, const char *what, size_t got,
                                           size_t size, struct error *e);

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
/* What the ADC saw then: in SPI mode it cannot be asked. */
enum status buspirate_voltage(struct programmer *p, uint32_t *millivolts, struct error *e);
/* In SPI mode with RESET released. */
MUST_USE enum status buspirate_probe(struct buspirate *self, struct error *e);
/* Do blocks take as long as their bytes need at the rate set? Not on a USB port of its own. */
MUST_USE enum status buspirate_measure_pace(struct buspirate *self, struct error *e);

/* --- buspirate.c ------------------------------------------------------------------------------ */

/* From bit-bang mode into SPI mode, set up, RESET released, the chip supplied. */
MUST_USE enum status buspirate_begin_spi(struct programmer *p, struct error *e);
/* Another rate in the middle of programming mode, into which it leads back. STATUS_NO_TARGET if the
 * chip does not follow. */
MUST_USE enum status buspirate_use_rate(struct programmer *p, uint32_t baud, struct error *e);
uint32_t buspirate_speed_hz(const struct buspirate *self, unsigned index); /* 0: none */

/* --- buspirate_memory.c ----------------------------------------------------------------------- */

/* A range to write. */
struct buspirate_job {
    struct programmer *programmer;
    const struct memory *m;
    uint32_t address;
    const uint8_t *data;
    size_t size;
    uint32_t unit;    /* bytes of a page, or 1 */
    uint32_t wait_us; /* the chip's, after each */
    bool leaving;     /* of the context when the job began: does the user's wish to stop count? */
};

/* The instructions of the unit at `offset` of the job; returns their bytes, at most
 * BUSPIRATE_PAGES. 0: there is nothing to do. */
size_t buspirate_build_unit(const struct buspirate_job *job, size_t offset, uint8_t *out);
bool buspirate_wants_out(const struct buspirate_job *job);

MUST_USE enum status buspirate_read(struct programmer *p, const struct memory *m, uint32_t address,
                                    uint8_t *data, size_t size, struct error *e);
MUST_USE enum status buspirate_write(struct programmer *p, const struct memory *m, uint32_t address,
                                     const uint8_t *data, size_t size, struct error *e);

/* --- buspirate_stream.c ----------------------------------------------------------------------- */

/* Where the timer holds answers: bulk transfers one behind the other, each unit followed by polls
 * whose answers show that the chip was ready in time. Worth while, and possible at the rate set? */
bool buspirate_streams_units(const struct buspirate_job *job);
MUST_USE enum status buspirate_stream_units(const struct buspirate_job *job, struct error *e);
/* At another rate it would be possible, and worth the change; 0: no. */
uint32_t buspirate_stream_rate(const struct buspirate_job *job);

/* On a wire so slow that the receiver bears it: small blocks without waiting for their answers. */
bool buspirate_pipes_units(const struct buspirate_job *job);
MUST_USE enum status buspirate_pipe_units(const struct buspirate_job *job, struct error *e);

#endif
