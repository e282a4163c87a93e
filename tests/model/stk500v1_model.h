/* Programmers that speak STK500 version 1, as models: what the firmware answers to every byte, and
 * when. Written from AVR061 "STK500 communication protocol", the behaviour of the "Arduino as ISP"
 * sketch (software 1.18) and of the optiboot boot loader. The chip model hangs on their pins. */
#ifndef MODEL_STK500V1_MODEL_H
#define MODEL_STK500V1_MODEL_H

#include "model/avr_chip.h"
#include "model/board.h"

enum stk500v1_firmware {
    STK500V1_ARDUINO_ISP, /* the sketch; after a reset its board's boot loader comes first */
    STK500V1_OPTIBOOT,    /* a board with nothing but its boot loader: it is the chip */
    STK500V1_STK500,      /* Atmel's board: wants SET_DEVICE, knows every command */
};

struct stk500v1_options {
    enum stk500v1_firmware firmware;
    uint32_t baud;            /* of the sketch or the STK500 */
    uint32_t bootloader_baud; /* of optiboot; 0: the board has no boot loader */
    bool in_bootloader;       /* begin at reset instead of in a sketch that has run for long */
    const char *chatter;      /* what the sketch (or optiboot's application) sends as it starts */
};

struct stk500v1_stats {
    uint64_t commands;         /* by the sketch or the STK500, good or not */
    uint64_t unknown, no_sync; /* answers 12 and 15 */
    uint64_t sequence_errors;  /* answers 13 */
    uint64_t bootloader_commands;
    uint64_t bootloader_pages; /* written by the boot loader: on a programmer's board a disaster */
    uint64_t crashes;          /* the sketch's 256-byte buffer was overrun */
    uint64_t applications;     /* starts of the application after the boot loader */
};

struct stk500v1_model;

/* Borrows `board` and `chip`. */
struct stk500v1_model *stk500v1_new(struct board *board, struct avr_chip *chip,
                                    const struct stk500v1_options *options);
void stk500v1_free(struct stk500v1_model *model); /* takes NULL */
/* Runs until board_stop(). */
void stk500v1_run(struct stk500v1_model *model);
const struct stk500v1_stats *stk500v1_stats(const struct stk500v1_model *model);

#endif
