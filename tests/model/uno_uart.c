/* The Uno's UART: ATmega328P data sheet, "USART0", in place of simavr's. */
#include <simavr/sim_cycle_timers.h>
#include <simavr/sim_interrupts.h>
#include <stdlib.h>

#include "model/uno_private.h"

enum { /* data addresses and bits; vectors */
       UCSRA = 0xc0,
       UCSRB = 0xc1,
       UBRRL = 0xc4,
       UBRRH = 0xc5,
       UDR = 0xc6,
       RXC = 0x80,
       TXC = 0x40,
       UDRE = 0x20,
       FE = 0x10,
       DOR = 0x08,
       U2X = 0x02,
       MPCM = 0x01,
       RXEN = 0x10,
       TXEN = 0x08,
       RXCIE = 0x80,
       UDRIE = 0x20,
       RX_VECTOR = 18,
       UDRE_VECTOR = 19,
       TX_VECTOR = 20,
};

static uint32_t bit_cycles(const struct uno *uno)
{
    const uint8_t *data = uno->avr->data;
    const uint32_t divider = (uint32_t)((data[UBRRH] & 0x0f) << 8 | data[UBRRL]) + 1;
    return divider * ((data[UCSRA] & U2X) != 0 ? 8 : 16);
}

uint32_t uno_uart_baud(const struct uno *uno)
{
    return UNO_HZ / bit_cycles(uno);
}

static void set_flags(struct uno *uno, uint8_t flags, bool on)
{
    uint8_t *a = &uno->avr->data[UCSRA];
    *a = (uint8_t)(on ? *a | flags : *a & ~flags);
}

/* --- Receiving ------------------------------------------------------------------------------ */

static avr_cycle_count_t receive(avr_t *avr, avr_cycle_count_t when, void *param);

static void await_next(struct uno *uno)
{
    const struct uno_byte *first = uno_queue_first(&uno->uart.in);
    if (first != NULL && avr_cycle_timer_status(uno->avr, receive, uno) == 0) {
        const avr_cycle_count_t now = uno->avr->cycle;
        avr_cycle_timer_register(uno->avr, first->due > now ? first->due - now : 1, receive, uno);
    }
}

static void show_received(struct uno *uno)
{
    const struct uno_uart *u = &uno->uart;
    set_flags(uno, RXC, u->received_count > 0);
    set_flags(uno, FE, u->received_count > 0 && u->received[0].framing_error);
    if (u->received_count > 0) {
        avr_raise_interrupt(uno->avr, u->rx);
    }
}

/* A byte is complete. */
static avr_cycle_count_t receive(avr_t *avr, avr_cycle_count_t when, void *param)
{
    (void)when;
    struct uno *uno = param;
    struct uno_uart *u = &uno->uart;
    const struct uno_byte *first = uno_queue_first(&u->in);
    uno->last_activity = avr->cycle;
    uno->stats.bytes_in++;
    if ((avr->data[UCSRB] & RXEN) == 0) {
        /* lost, as when the microcontroller is in reset */
    } else if (u->received_count == 3) {
        uno->stats.overruns++;
        set_flags(uno, DOR, true);
    } else {
        u->received[u->received_count++] = *first;
        show_received(uno);
    }
    uno_queue_pop(&u->in);
    first = uno_queue_first(&u->in);
    if (first == NULL) {
        return 0;
    }
    return first->due > avr->cycle ? first->due : avr->cycle + 1;
}

void uno_uart_take(struct uno *uno, const uint8_t *data, size_t size)
{
    struct uno_uart *u = &uno->uart;
    const uint32_t theirs = serial_port_baud(uno->port);
    const uint32_t ours = uno_uart_baud(uno);
    const uint32_t baud = theirs != 0 ? theirs : ours;
    const bool agree =
        baud * UINT64_C(100) >= ours * UINT64_C(96) && baud * UINT64_C(100) <= ours * UINT64_C(104);
    for (size_t i = 0; i < size; i++) {
        if (u->in_last < uno->avr->cycle) {
            u->in_last = uno->avr->cycle;
        }
        u->in_last += UNO_HZ * 10 / baud;
        uno->stats.garbled += !agree;
        uno_queue_push(&u->in, (struct uno_byte){.byte = agree ? data[i] : (uint8_t)~data[i],
                                                 .framing_error = !agree,
                                                 .due = u->in_last});
    }
    await_next(uno);
}

static uint8_t read_data(avr_t *avr, avr_io_addr_t addr, void *param)
{
    (void)addr;
    struct uno *uno = param;
    struct uno_uart *u = &uno->uart;
    if (u->received_count == 0) {
        return avr->data[UDR];
    }
    const uint8_t byte = u->received[0].byte;
    u->received_count--;
    for (unsigned i = 0; i < u->received_count; i++) {
        u->received[i] = u->received[i + 1];
    }
    set_flags(uno, DOR, false);
    show_received(uno);
    avr->data[UDR] = byte;
    return byte;
}

/* --- Sending -------------------------------------------------------------------------------- */

static avr_cycle_count_t sent(avr_t *avr, avr_cycle_count_t when, void *param);

static void offer_buffer(struct uno *uno)
{
    set_flags(uno, UDRE, true);
    if ((uno->avr->data[UCSRB] & UDRIE) != 0) {
        avr_raise_interrupt(uno->avr, uno->uart.udre);
    }
}

static void start_sending(struct uno *uno, uint8_t byte)
{
    uno->uart.shift = byte;
    uno->uart.sending = true;
    avr_cycle_timer_register(uno->avr, 10 * bit_cycles(uno), sent, uno);
    offer_buffer(uno);
}

static avr_cycle_count_t sent(avr_t *avr, avr_cycle_count_t when, void *param)
{
    (void)when;
    struct uno *uno = param;
    struct uno_uart *u = &uno->uart;
    const uint32_t theirs = serial_port_baud(uno->port);
    const uint32_t ours = uno_uart_baud(uno);
    const bool agree = theirs == 0 || (theirs * UINT64_C(100) >= ours * UINT64_C(96) &&
                                       theirs * UINT64_C(100) <= ours * UINT64_C(104));
    uno_queue_push(&u->out, (struct uno_byte){.byte = agree ? u->shift : (uint8_t)~u->shift,
                                              .due = avr->cycle});
    uno->stats.bytes_out++;
    uno->last_activity = avr->cycle;
    u->sending = false;
    if (u->waiting) {
        u->waiting = false;
        start_sending(uno, u->buffer);
    } else {
        set_flags(uno, TXC, true);
    }
    return 0;
}

static void write_data(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    (void)addr;
    struct uno *uno = param;
    if ((avr->data[UCSRB] & TXEN) == 0) {
        return;
    }
    if (!uno->uart.sending) {
        start_sending(uno, value);
        return;
    }
    uno->uart.buffer = value;
    uno->uart.waiting = true;
    set_flags(uno, UDRE, false);
}

/* --- Registers ------------------------------------------------------------------------------ */

static void write_control_a(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    (void)param;
    uint8_t now = avr->data[addr];
    if ((value & TXC) != 0) { /* written one to clear */
        now = (uint8_t)(now & ~TXC);
    }
    avr->data[addr] = (uint8_t)((now & ~(U2X | MPCM)) | (value & (U2X | MPCM)));
}

static void write_control_b(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    struct uno *uno = param;
    avr->data[addr] = value;
    if ((value & UDRIE) != 0 && (avr->data[UCSRA] & UDRE) != 0) {
        avr_raise_interrupt(avr, uno->uart.udre);
    }
    if ((value & RXCIE) != 0 && uno->uart.received_count > 0) {
        avr_raise_interrupt(avr, uno->uart.rx);
    }
}

static void write_plain(avr_t *avr, avr_io_addr_t addr, uint8_t value, void *param)
{
    (void)param;
    avr->data[addr] = value;
}

static void reset(avr_io_t *io)
{
    struct uno_uart *u = (struct uno_uart *)io;
    u->received_count = 0;
    u->sending = u->waiting = false;
    u->io.avr->data[UCSRA] = UDRE;
}

static struct avr_int_vector_t *find_vector(avr_t *avr, uint8_t number)
{
    for (int i = 0; i < avr->interrupts.vector_count; i++) {
        if (avr->interrupts.vector[i]->vector == number) {
            return avr->interrupts.vector[i];
        }
    }
    abort(); /* an ATmega328P has it */
}

static void take_over(struct uno *uno, unsigned addr, avr_io_read_t read, avr_io_write_t write)
{
    avr_t *avr = uno->avr;
    avr->io[AVR_DATA_TO_IO(addr)].r.c = read;
    avr->io[AVR_DATA_TO_IO(addr)].r.param = uno;
    avr->io[AVR_DATA_TO_IO(addr)].w.c = write;
    avr->io[AVR_DATA_TO_IO(addr)].w.param = uno;
}

void uno_uart_init(struct uno *uno)
{
    take_over(uno, UDR, read_data, write_data);
    take_over(uno, UCSRA, NULL, write_control_a);
    take_over(uno, UCSRB, NULL, write_control_b);
    take_over(uno, UBRRL, NULL, write_plain);
    take_over(uno, UBRRH, NULL, write_plain);
    uno->uart.rx = find_vector(uno->avr, RX_VECTOR);
    uno->uart.udre = find_vector(uno->avr, UDRE_VECTOR);
    uno->uart.tx = find_vector(uno->avr, TX_VECTOR);
    uno->uart.io = (avr_io_t){.kind = "uno uart", .reset = reset};
    avr_register_io(uno->avr, &uno->uart.io);
    reset(&uno->uart.io);
}
