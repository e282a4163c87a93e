/* A board with the ArduinoISP sketch (or only a boot loader, or an STK500) behind a scripted
 * stream, in simulated time: every byte takes its time on the wire, the sketch reads nothing while
 * it is busy, and its ring overflows. Faults can be injected at any transfer. On its pins hangs the
 * chip model. Written from ArduinoISP.ino 1.18, optiboot.c and AVR061. */
#ifndef PROGRAMMERS_FAKE_BOARD_H
#define PROGRAMMERS_FAKE_BOARD_H

#include "link/stream.h"
#include "model/avr_chip.h"
#include "support/record.h"

enum fake_firmware { FAKE_SKETCH, FAKE_BOOTLOADER, FAKE_STK500, FAKE_MUTE, FAKE_CHATTER };

enum fake_fault {
    FAULT_NONE,
    FAULT_SILENCE, /* nothing comes any more */
    FAULT_SHORT,   /* one byte, then nothing for this transfer's rest */
    FAULT_WRONG,   /* one byte is another */
    FAULT_UNPLUG   /* the link is gone */
};

struct fake_options {
    enum fake_firmware firmware;
    uint32_t baud;       /* of the firmware; 0: native USB, the rate does not matter */
    uint32_t boot_baud;  /* the board was reset when the port was opened: its loader comes first */
    bool boot_stays;     /* the loader ignores LEAVE_PROGMODE and waits for its window to end */
    uint32_t boot_us;    /* that window; 0: one second */
    bool no_flicker;     /* PROG_FLICKER off: no 30 ms after a commit */
    uint32_t latency_us; /* of answers, beyond the adapter's timer; 0: 0.5 ms */
    unsigned ring;       /* bytes that can lie unread; 0: 63 */
    uint32_t sck_hz;     /* 0: 125 kHz */
};

enum { FAKE_QUEUE = 4096, FAKE_RING = 64 };

struct fake_byte {
    uint64_t at_us;
    uint32_t baud; /* it was sent at */
    uint8_t value;
};

struct fake_board {
    struct stream base; /* first: cast from struct stream */
    struct fake_clock *clock;
    struct avr_chip *chip; /* borrowed */
    struct fake_options options;

    uint64_t now_us;  /* the firmware's own time, which may be ahead of the clock */
    uint64_t chip_ns; /* the chip's */
    uint32_t host_baud;
    bool booting;
    bool crashed; /* the sketch ran over its block buffer: until the next reset */
    bool dead;    /* a loader that was reset by its watchdog: nothing to start */
    uint64_t boot_end_us;
    bool in_pmode;
    bool device_set;
    uint16_t page_size;
    uint8_t device_code;
    uint32_t here;
    uint8_t command[300];
    size_t command_size;
    uint8_t spi_answer;        /* of UNIVERSAL, which acts before its EOP */
    uint8_t boot_flash[32768]; /* what the boot loader serves: the board's own chip */

    struct fake_byte arriving[FAKE_QUEUE]; /* host to board, not yet in the ring */
    size_t arriving_at, arriving_end;
    struct fake_byte ring[FAKE_RING];
    size_t ring_size;
    struct fake_byte leaving[FAKE_QUEUE * 16]; /* board to host */
    size_t leaving_at, leaving_end;
    uint64_t wire_in_us, wire_out_us; /* each direction is busy until then */

    /* faults */
    enum fake_fault fault;
    size_t fault_at;    /* transfer (read or write) from which it acts, counted from 1 */
    size_t lose_in[8];  /* bytes from the host that are lost, counted from 1; 0 ends */
    size_t lose_out[8]; /* bytes to the host */
    size_t reset_at;    /* byte from the host before which the board is reset */
    size_t cancel_at;   /* transfer at which the user presses Ctrl-C */
    sig_atomic_t *cancel;
    bool loose; /* every 40th byte from the host is lost */

    /* what happened */
    size_t transfers, bytes_in, bytes_out;
    size_t overflows, unknown, nosync, set_parameter, boot_pages, reset_pulses, closed, lines;
    size_t ahead_max; /* most bytes unread */
    uint8_t sent[65536];
    size_t sent_size; /* the first bytes from the host, as they were written */
};

/* Ready to be given to a driver as its stream. */
struct stream *fake_board_begin(struct fake_board *b, const struct fake_options *options,
                                struct fake_clock *clock, struct context *c, struct avr_chip *chip);

#endif
