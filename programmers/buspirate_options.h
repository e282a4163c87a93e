/* What -x says to the Bus Pirate. */
#ifndef PROGRAMMERS_BUSPIRATE_OPTIONS_H
#define PROGRAMMERS_BUSPIRATE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "ispflash/session.h"

struct buspirate_options {
    bool reset_cs, reset_aux;  /* what RESET is wired to; at least one */
    bool speed_given;          /* spifreq or rawfreq: SCK is theirs */
    bool raw;                  /* rawfreq: raw-wire mode instead of SPI mode */
    unsigned speed;            /* the index given */
    uint32_t clock_khz;        /* cpufreq: a clock signal for the chip on AUX; 0: none */
    unsigned reply_ms;         /* serial_recv_timeout; 0: ours */
    bool no_write_then_read;   /* nopagedwrite */
    bool no_extended;          /* nopagedread */
    bool pull_ups, open_drain; /* pullups, hiz; pullups implies hiz */
};

/* The text of -x help. */
extern const char buspirate_options_help[];

MUST_USE enum status buspirate_options_parse(const struct programmer_config *config,
                                             struct buspirate_options *out, struct error *e);

#endif
