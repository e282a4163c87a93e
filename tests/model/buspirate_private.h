/* What the parts of the Bus Pirate model share: buspirate_model.c (pins, bytes, reset),
 * buspirate_terminal.c, buspirate_bitbang.c, buspirate_spi.c, buspirate_raw.c, buspirate_legacy.c.
 */
#ifndef MODEL_BUSPIRATE_PRIVATE_H
#define MODEL_BUSPIRATE_PRIVATE_H

#include "model/buspirate_model.h"

struct buspirate_model {
    struct board *board;
    struct avr_chip *chip;
    struct buspirate_options options;
    struct buspirate_stats stats;
    uint64_t received; /* bytes, for the fault */
    uint64_t random;
    bool fault_begun, at_prompt, restart;
    uint32_t baud;
    /* pins */
    bool supply, pull_ups;
    bool cs, cs_output, aux, aux_output;
    bool open_drain, spi_on;
    unsigned speed; /* index of 6x */
    uint64_t half_ns;
};

/* Each returns false when the rig stops or the device is reset: return at once. */
bool buspirate_get(struct buspirate_model *m, uint8_t *byte);
bool buspirate_get_16(struct buspirate_model *m, unsigned *value);
bool buspirate_get_32(struct buspirate_model *m, uint32_t *value);
bool buspirate_put(struct buspirate_model *m, uint8_t byte);
bool buspirate_put_text(struct buspirate_model *m, const char *text);
/* The end of a command's answer: 7.1 and later make the adapter send it. */
bool buspirate_answered(struct buspirate_model *m);
/* One byte through the SPI hardware, 8 SCK and the loop around it. */
bool buspirate_shift(struct buspirate_model *m, uint8_t out, uint8_t *in);
/* Passes the pins' state to the chip. */
void buspirate_pins(struct buspirate_model *m);
/* Everything an input, supply and pull-ups off. */
void buspirate_release(struct buspirate_model *m);
uint32_t buspirate_sck_hz(const struct buspirate_model *m, unsigned index); /* 0: no such speed */
/* What the ADC sees, in millivolts. */
unsigned buspirate_probe_mv(const struct buspirate_model *m);
/* 0100wxyz in SPI mode. */
void buspirate_peripherals(struct buspirate_model *m, uint8_t command);

/* The modes; each returns when it is left. */
bool buspirate_terminal(struct buspirate_model *m, bool menu); /* returns for bit-bang mode */
bool buspirate_bitbang(struct buspirate_model *m, bool greet); /* returns after 0F */
bool buspirate_spi(struct buspirate_model *m, bool greet);
bool buspirate_spi_write(struct buspirate_model *m, unsigned size); /* the data of 04 and 05 */
bool buspirate_raw(struct buspirate_model *m);
bool buspirate_legacy(struct buspirate_model *m);
/* 06 and what follows it. */
bool buspirate_extended(struct buspirate_model *m);

#endif
