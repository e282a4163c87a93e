/* The inside of an FTDI model; shared between the files of ftdi_*.c alone. */
#ifndef MODEL_FTDI_PRIVATE_H
#define MODEL_FTDI_PRIVATE_H

#include "ftdi_model.h"

enum { FTDI_FIFO_MAX = 4096, FTDI_BUFFERS_MAX = 4, FTDI_NO_PIN = 0xff };

/* Bit modes: AN_232R-01 and AN_108; the numbers are those of SET_BITMODE. */
enum ftdi_mode {
    FTDI_UART = 0x00,
    FTDI_ASYNC_BITBANG = 0x01,
    FTDI_MPSSE = 0x02,
    FTDI_SYNC_BITBANG = 0x04
};

/* A buffer between adapter and chip that some pin switches on. */
struct ftdi_buffer {
    uint8_t pin;
    bool active_high;
};

/* An adapter: the chip on it, and what its pins lead to. Pins 0 to 7 are xD0 to xD7 (or TXD, RXD,
 * RTS, CTS, DTR, DSR, DCD, RI), 8 to 15 are xC0 to xC7. */
struct ftdi_board {
    struct usb_device device;
    uint8_t channel;        /* 0: A */
    bool mpsse, high_speed; /* high_speed: engine clock of 60 MHz and the opcodes that came with */
    uint16_t fifo_in, fifo_out; /* bytes from and to the host */
    uint8_t sck, mosi, miso, reset;
    uint8_t buffer_count;
    struct ftdi_buffer buffers[FTDI_BUFFERS_MAX];
};

struct ftdi_fifo {
    uint8_t bytes[FTDI_FIFO_MAX];
    size_t first, count, limit;
};

/* Everything that time moves on; copied to look into the future. */
struct ftdi_engine {
    const struct ftdi_board *board;
    struct avr_chip *chip; /* NULL: a look into the future, the pins are left alone */
    uint64_t ns;           /* how far the engine has come; also how long it is busy */
    enum ftdi_mode mode;
    uint16_t value, driven; /* levels and directions of the pins */
    bool dtr, rts;
    bool flush; /* "send immediate" was executed */
    struct ftdi_fifo in, out;

    /* MPSSE */
    uint8_t opcode, arguments[3];
    unsigned argument_count; /* those already taken */
    bool in_command;
    uint32_t data_left; /* bytes, or bits with the bit mode */
    uint16_t divisor;
    bool base_60mhz, loopback;
    uint64_t half_rest; /* of a half period, in 1/60 ns */

    /* Bit-bang */
    uint32_t baud;
    unsigned bitbang_factor;
    uint64_t byte_rest; /* of a byte's time, in 1/baud ns */
    unsigned byte_number;

    uint64_t bad_opcodes, uart_bytes, commands;
};

struct ftdi_model {
    struct ftdi_engine engine;
    uint64_t last_in_ns; /* the latency timer began */
    uint32_t latency_ms;
    uint8_t reply[2];
    size_t reply_size;
};

bool ftdi_fifo_put(struct ftdi_fifo *f, uint8_t byte); /* false: full */
uint8_t ftdi_fifo_take(struct ftdi_fifo *f);           /* not empty */

/* Puts the levels of the pins through to the chip. */
void ftdi_apply_pins(struct ftdi_engine *e);
/* The levels as the adapter reads them. */
uint16_t ftdi_read_pins(struct ftdi_engine *e);

/* One step at e->ns, which moves on by what it takes. False: nothing to do, or no room for the
 * answer. */
bool ftdi_mpsse_step(struct ftdi_engine *e);
bool ftdi_bitbang_step(struct ftdi_engine *e);
void ftdi_mpsse_begin(struct ftdi_engine *e);

/* ftdi_boards.c */
const struct ftdi_board *ftdi_board_at(size_t index); /* NULL behind the last */
const struct ftdi_board *ftdi_board_find(const char *name);

/* ftdi_model.c: what struct usb_device asks for; `self` is a struct ftdi_model. */
int ftdi_setup(void *self, const struct usb_setup *setup, uint64_t *now);
int ftdi_control_in(void *self, uint8_t *packet, size_t size, uint64_t *now);
int ftdi_control_out(void *self, const uint8_t *packet, size_t size, uint64_t *now);
int ftdi_bulk_in(void *self, uint8_t endpoint, uint8_t *packet, size_t size, uint64_t *now);
int ftdi_bulk_out(void *self, uint8_t endpoint, const uint8_t *packet, size_t size, uint64_t *now);
void ftdi_unplug(void *self, uint64_t now);
const char *ftdi_request_name(const struct usb_setup *setup);

#endif
