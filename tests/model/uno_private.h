/* Shared by uno.c, uno_uart.c and uno_pins.c alone. */
#ifndef MODEL_UNO_PRIVATE_H
#define MODEL_UNO_PRIVATE_H

#include <simavr/sim_avr.h>
#include <stdatomic.h>

#include "model/uno.h"

enum { UNO_HZ = 16000000 };

/* A byte and the cycle at which it is complete. */
struct uno_byte {
    uint8_t byte;
    bool framing_error;
    avr_cycle_count_t due;
};

struct uno_queue {
    struct uno_byte *bytes;
    size_t head, count, capacity;
};

/* ATmega328P data sheet, "USART0": two bytes in the receive buffer and one in the shift register;
 * one in the transmit buffer and one in the shift register. */
struct uno_uart {
    avr_io_t io; /* its reset function */
    struct avr_int_vector_t *rx, *udre, *tx;
    struct uno_byte received[3];
    unsigned received_count;
    bool sending, waiting;
    uint8_t shift, buffer;
    struct uno_queue in, out;
    avr_cycle_count_t in_last; /* when the last byte on its way ends */
};

struct uno_pins {
    bool spi_busy;
    uint8_t spi_out, spi_in;
    avr_cycle_count_t spi_start;
    unsigned spi_divider;
    bool spif_seen; /* SPSR was read with SPIF set */
    avr_irq_t *miso;
};

struct uno {
    avr_t *avr;
    struct serial_port *port;
    struct avr_chip *chip;
    struct uno_options options;
    struct uno_uart uart;
    struct uno_pins pins;
    struct uno_stats stats;
    atomic_bool stop;
    unsigned dtr_seen;
    uint64_t start_ns;               /* wall clock */
    avr_cycle_count_t last_activity; /* of UART, SPI or RESET */
};

uint64_t uno_cycle_ns(avr_cycle_count_t cycle);

void uno_queue_push(struct uno_queue *q, struct uno_byte byte);
struct uno_byte *uno_queue_first(struct uno_queue *q);
void uno_queue_pop(struct uno_queue *q);

/* uno_uart.c */
void uno_uart_init(struct uno *uno);
void uno_uart_take(struct uno *uno, const uint8_t *data, size_t size); /* from the computer */
uint32_t uno_uart_baud(const struct uno *uno);

/* uno_pins.c */
void uno_pins_init(struct uno *uno);

#endif
