/* The microcontroller board a serial programmer's firmware runs on, as far as the firmware notices:
 * time, a UART (or a USB port of its own) with its buffers, and RESET pulled by DTR.
 *
 * The firmware's models are straight-line code: board_getch() returns when a byte is there,
 * board_pass() when that much time has passed. Both say no once the board was reset or the rig
 * stops; the firmware then returns to its caller, who starts it anew or ends.
 *
 * Time is simulated. Paced, it never runs ahead of the wall clock, so that the program under test
 * meets the programmer at its real speed. Unpaced, it jumps over whatever it would wait for; only
 * while the firmware waits for the program does it follow the wall clock. */
#ifndef MODEL_BOARD_H
#define MODEL_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/serial_port.h"

enum board_link {
    BOARD_UART, /* behind a USB serial adapter: no flow control, a ring that overflows */
    BOARD_CDC,  /* the microcontroller's own USB: the host is held off while the buffer is full */
};

struct board_options {
    enum board_link link;
    bool paced;
    bool resets_with_dtr; /* by the capacitor between DTR and RESET */
    uint64_t latency_ns;  /* of the adapter, from the UART to the computer */
    /* An FTDI adapter sends what has come once a packet is full, or each time its latency timer has
     * run out. 0: byte by byte. Only paced. */
    unsigned packet_size;
    uint64_t timer_ns;
    bool overrun_stops; /* a byte for a full ring stops the receiver until board_clear_overrun() */
    uint64_t seed;      /* of what a wrong baud rate turns bytes into */
};

struct board_stats {
    uint64_t bytes_in, bytes_out; /* as the UART saw and sent them */
    uint64_t overflows;           /* bytes lost because the ring was full */
    uint64_t garbled;             /* bytes at another rate than the board's */
    uint64_t deepest;             /* most bytes that lay unread in the ring */
    uint64_t resets;
};

struct board;

struct board *board_new(struct serial_port *port, const struct board_options *options);
void board_free(struct board *board); /* takes NULL */

/* From another thread: the firmware ends at the next moment it waits for a byte that is not there
 * (or at once if it does not wait for any). */
void board_stop(struct board *board);
bool board_stopped(const struct board *board);
/* True once after each reset; clears the rings. The caller starts the firmware from its vector. */
bool board_was_reset(struct board *board);

/* How the firmware has set its UART up. `ring` bytes can lie unread (63 in an Arduino sketch, 2 in
 * a boot loader without interrupts). */
void board_set_uart(struct board *board, uint32_t baud, unsigned ring);

/* How many bytes wait in the transmitter before board_put() blocks; 63 unless set. */
void board_set_transmitter(struct board *board, unsigned ring);
/* The adapter sends what it has when the byte last put has reached it (its CTS was toggled). */
void board_flush(struct board *board);
/* The firmware is busy until the last byte has left. False: interrupted. */
bool board_drain(struct board *board);
bool board_overrun(const struct board *board);
void board_clear_overrun(struct board *board); /* empties the ring, too */

uint64_t board_now(const struct board *board); /* simulated ns since the board was made */

enum board_result { BOARD_BYTE, BOARD_TIMEOUT, BOARD_INTERRUPTED };
/* The next byte; BOARD_TIMEOUT when board_now() reaches `deadline_ns` (UINT64_MAX: never) first. */
enum board_result board_get(struct board *board, uint8_t *byte, uint64_t deadline_ns);
/* Was the byte last returned sent at the board's own rate? */
bool board_byte_was_clean(const struct board *board);
/* The firmware is busy until then. False: interrupted. */
bool board_pass(struct board *board, uint64_t ns);
bool board_pass_until(struct board *board, uint64_t then_ns);
/* Blocks while 63 bytes wait to be sent. False: interrupted. */
bool board_put(struct board *board, uint8_t byte);

const struct board_stats *board_stats(const struct board *board);

#endif
