/* A Bus Pirate as its serial port and its pins show it: terminal, bit-bang mode, SPI mode, with the
 * chip model on its pins: CS or AUX to RESET, MOSI, MISO, CLK to SCK, its supply to VCC.
 *
 * Written from the firmware's behaviour: version 6.3 (SPI.c, binIO.c, procMenu.c), the community's
 * 7.1 and 8.0 (spi.c, binary_io.c), and of the Bus Pirate 5 its legacy mode (legacy4third.c). */
#ifndef MODEL_BUSPIRATE_MODEL_H
#define MODEL_BUSPIRATE_MODEL_H

#include "model/avr_chip.h"
#include "model/board.h"

/* What differs between firmwares. */
struct buspirate_firmware {
    const char *name;     /* "v3-6" */
    const char *banner;   /* up to the prompt */
    enum board_link link; /* UART: a v3 behind an FT232R; CDC: USB of its own */
    bool streams;         /* write-then-read passes bytes on as they come; else 4096 are buffered */
    bool empty_write;     /* 05 with nothing to write and read is accepted */
    bool flushes;         /* toggles CTS of the FT232R after each command */
    bool extended;        /* 06: AVR extended commands */
    bool wide_speeds;     /* 6x has four bits of speed */
    bool sorted_speeds;   /* with new ones among the old: 64 is 50 kHz, 66 is 2 MHz */
    bool write_then_read; /* 04, 05 */
    bool rate_menu;       /* terminal: b */
    bool legacy;          /* the Bus Pirate 5's second port: no terminal, modes are all one */
    uint8_t filler;       /* shifted out while write-then-read reads */
};

/* By name; NULL: none such. */
const struct buspirate_firmware *buspirate_firmware(const char *name);

/* Where a run that was killed, or a person, has left it. */
enum buspirate_state {
    BUSPIRATE_TERMINAL, /* at its prompt */
    BUSPIRATE_MENU,     /* in the terminal's menu of modes */
    BUSPIRATE_BITBANG,
    BUSPIRATE_SPI,
    BUSPIRATE_I2C,
    BUSPIRATE_WRITING /* in the middle of a write-then-read: 1000 bytes are still to come */
};

enum buspirate_fault {
    BUSPIRATE_FAULT_NONE,
    BUSPIRATE_FAULT_GARBAGE, /* from then on answers are noise */
    BUSPIRATE_FAULT_RESET    /* the device starts anew, as by a brown-out */
};

struct buspirate_options {
    const struct buspirate_firmware *firmware;
    enum buspirate_state state;
    uint32_t found_baud; /* the rate it was left at; 0: 115200 */
    uint32_t max_baud;   /* above it the line garbles; 0: no limit */
    bool paced;          /* the board keeps real time by itself */
    bool reset_on_aux;   /* RESET is wired to AUX instead of CS */
    bool powered;        /* the chip has a supply of its own */
    bool supply_short;   /* the Bus Pirate's supply cannot be switched on */
    bool probe;          /* the ADC lead is at VCC */
    bool pull_ups;       /* Vpu is wired to VCC, so that pull-ups work */
    enum buspirate_fault fault;
    uint64_t fault_at; /* it begins with this byte received; 1: the first */
};

struct buspirate_stats {
    uint64_t commands;   /* in SPI mode */
    uint64_t refused;    /* of those, answered with 0 */
    uint64_t spi_bytes;  /* shifted */
    uint64_t resets;     /* of the device */
    uint64_t rates;      /* changes by the rate menu */
    uint64_t open_drain; /* SPI bytes that no wire carried: open drain without pull-ups */
    uint64_t hangs;      /* receiver overruns in binary mode, which only a power cycle ends */
};

struct buspirate_model;

/* Borrows `board` and `chip`. */
struct buspirate_model *buspirate_new(struct board *board, struct avr_chip *chip,
                                      const struct buspirate_options *options);
void buspirate_free(struct buspirate_model *m); /* takes NULL */
/* Runs until board_stop(). */
void buspirate_run(struct buspirate_model *m);
const struct buspirate_stats *buspirate_stats(const struct buspirate_model *m);
/* How it stands at the end, for expectations. */
bool buspirate_at_prompt(const struct buspirate_model *m);
uint32_t buspirate_baud(const struct buspirate_model *m);
bool buspirate_supplies(const struct buspirate_model *m);

#endif
