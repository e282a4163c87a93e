/* A Bus Pirate behind a scripted stream, in simulated time: terminal with its menu of rates,
 * bit-bang and SPI mode of firmware 6 and 7 (a block is buffered) or 8 (it is passed on), the chip
 * model on its pins. Faults can be injected at any transfer. */
#ifndef PROGRAMMERS_FAKE_PIRATE_H
#define PROGRAMMERS_FAKE_PIRATE_H

#include "link/stream.h"
#include "model/avr_chip.h"
#include "support/record.h"

enum pirate_fault {
    PIRATE_NONE,
    PIRATE_SILENCE, /* nothing comes any more */
    PIRATE_SHORT,   /* one byte to the host is lost */
    PIRATE_WRONG,   /* one byte to the host is another */
    PIRATE_DEAF,    /* one byte from the host is lost */
    PIRATE_UNPLUG   /* the link is gone */
};

struct pirate_options {
    bool no_rate_menu, no_extended, no_write_then_read, streams;
    bool sorted; /* 64 is 50 kHz, 68 is 3.2 MHz; else 68 is refused */
    bool stalls; /* each answer is late by 80 ms */
    bool holds;  /* less than 62 bytes wait for the adapter's latency timer, 16 ms */
    bool
        legacy; /* a Bus Pirate 5, as far as opening goes: of zeros in a row it answers the first */
    uint32_t host_max_baud; /* the host refuses more; 0: no limit */
};

enum pirate_mode { PIRATE_TERMINAL, PIRATE_BITBANG, PIRATE_SPI };

enum { PIRATE_QUEUE = 1 << 17, PIRATE_COMMAND = 4200 };

struct fake_pirate {
    struct stream base; /* first: cast from struct stream */
    struct fake_clock *clock;
    struct avr_chip *chip; /* borrowed */
    struct pirate_options options;
    enum pirate_mode mode;
    unsigned zeros, menu; /* terminal; menu 1 to 3: choice, divisor, space */
    char line[32];
    size_t line_size;
    uint32_t baud, host_baud;
    uint64_t half_ns, chip_ns;
    uint64_t wire_ns; /* of the running microsecond, for bytes that take no whole number of them */
    uint8_t command[PIRATE_COMMAND];
    size_t command_size;
    uint8_t out[PIRATE_QUEUE];
    size_t out_at, out_end;

    enum pirate_fault fault;
    size_t fault_at;  /* transfer from which it acts, counted from 1 */
    size_t cancel_at; /* transfer at which the user presses Ctrl-C */
    sig_atomic_t *cancel;

    size_t transfers, closed, latency_asked, rates;
    uint64_t blocks; /* write-then-reads */
    bool reset_low;
};

struct stream *fake_pirate_begin(struct fake_pirate *f, const struct pirate_options *options,
                                 struct fake_clock *clock, struct context *c,
                                 struct avr_chip *chip);

#endif
