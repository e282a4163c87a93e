/* An Arduino Uno that really runs its firmware: an ATmega328P at 16 MHz in simavr, its UART on the
 * serial port, the chip model on pins 10 (RESET) to 13 (SCK). simavr executes the instructions;
 * the UART, the SPI and the pins are our own, because simavr's take 100 us for every SPI byte, 11
 * bits for every UART byte, hold one byte less, and let interrupts begin in no time. */
#ifndef MODEL_UNO_H
#define MODEL_UNO_H

#include <stdbool.h>
#include <stdint.h>

#include "model/avr_chip.h"
#include "model/serial_port.h"

struct uno_options {
    const char *sketch;     /* .hex */
    const char *bootloader; /* .hex of optiboot, at 0x7c00; NULL: the sketch alone */
    bool paced;             /* never ahead of the wall clock */
    bool resets_with_dtr;
    uint64_t latency_ns; /* of the serial adapter, towards the computer */
};

struct uno_stats {
    uint64_t bytes_in, bytes_out;
    uint64_t overruns; /* bytes the UART itself lost; the sketch's ring is its own affair */
    uint64_t garbled;  /* bytes at another rate than the sketch's */
    uint64_t resets;
    uint64_t spi_bytes;
    bool crashed;
};

struct uno;

/* Borrows `port` and `chip`. The sketch has run for a second when this returns. NULL after a
 * complaint. */
struct uno *uno_new(struct serial_port *port, struct avr_chip *chip,
                    const struct uno_options *options);
void uno_free(struct uno *uno);          /* takes NULL */
void uno_run(struct uno *uno);           /* until uno_stop() */
void uno_stop(struct uno *uno);          /* from another thread */
uint64_t uno_now(const struct uno *uno); /* simulated ns */
const struct uno_stats *uno_stats(const struct uno *uno);
/* The Uno's own flash, as its boot loader may have changed it. */
const uint8_t *uno_flash(const struct uno *uno, size_t *size);

#endif
