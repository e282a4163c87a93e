/* Time, UART rings and RESET of a programmer's board. */
#include "model/board.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RING_MAX = 64, USUAL_TX_RING = 63, WIRE_MAX = 1 << 20 };

struct timed_byte {
    uint8_t byte;
    bool clean;      /* sent at the board's own rate */
    uint64_t due_ns; /* in the ring, or at the computer */
};

/* Bytes on their way, oldest first. */
struct wire {
    struct timed_byte *bytes; /* WIRE_MAX of them */
    size_t head, count;
};

struct board {
    struct serial_port *port;
    struct board_options options;
    uint64_t start_ns, now_ns;      /* wall clock at start; simulated time since */
    uint64_t looked_ns;             /* wall clock when the outside was last looked at */
    uint64_t sent_ns, sent_wall_ns; /* when the last answer reaches the outside, and did */
    atomic_bool stop;
    unsigned dtr_seen; /* of the port's dtr_raised */
    bool reset;
    uint32_t baud;
    unsigned ring_size, tx_ring;
    bool overrun;
    struct timed_byte ring[RING_MAX];
    unsigned ring_head, ring_count;
    struct wire in, out;
    uint64_t in_last_ns, out_last_ns; /* when the wire's last byte ends */
    size_t flush_count;               /* so many of `out` are sent at flush_ns at the latest */
    uint64_t flush_ns, packet_ns;     /* packet_ns: when the last packet was sent */
    bool clean;
    uint64_t random;
    struct board_stats stats;
};

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct wire wire_new(void)
{
    struct wire w = {.bytes = calloc(WIRE_MAX, sizeof *w.bytes)};
    if (w.bytes == NULL) {
        abort();
    }
    return w;
}

static void wire_push(struct wire *w, struct timed_byte byte)
{
    if (w->count == WIRE_MAX) {
        fprintf(stderr, "board: more than %d bytes on their way\n", WIRE_MAX);
        abort();
    }
    w->bytes[(w->head + w->count++) % WIRE_MAX] = byte;
}

static struct timed_byte *wire_first(struct wire *w)
{
    return w->count > 0 ? &w->bytes[w->head] : NULL;
}

static void wire_pop(struct wire *w)
{
    w->head = (w->head + 1) % WIRE_MAX;
    w->count--;
}

struct board *board_new(struct serial_port *port, const struct board_options *options)
{
    struct board *board = calloc(1, sizeof *board);
    if (board == NULL) {
        abort();
    }
    board->port = port;
    board->options = *options;
    board->start_ns = board->sent_wall_ns = wall_ns();
    board->in = wire_new();
    board->out = wire_new();
    board->random = options->seed * 2 + 1;
    board->baud = 19200;
    board->ring_size = RING_MAX - 1;
    board->tx_ring = USUAL_TX_RING;
    return board;
}

void board_free(struct board *board)
{
    if (board != NULL) {
        free(board->in.bytes);
        free(board->out.bytes);
        free(board);
    }
}

void board_stop(struct board *board)
{
    atomic_store(&board->stop, true);
    serial_port_wake(board->port);
}

bool board_stopped(const struct board *board)
{
    return atomic_load(&board->stop);
}

void board_set_uart(struct board *board, uint32_t baud, unsigned ring)
{
    board->baud = baud;
    board->ring_size = ring < RING_MAX ? ring : RING_MAX - 1;
}

void board_set_transmitter(struct board *board, unsigned ring)
{
    board->tx_ring = ring;
}

bool board_overrun(const struct board *board)
{
    return board->overrun;
}

void board_clear_overrun(struct board *board)
{
    board->overrun = false;
    board->ring_count = 0;
}

uint64_t board_now(const struct board *board)
{
    return board->now_ns;
}

const struct board_stats *board_stats(const struct board *board)
{
    return &board->stats;
}

bool board_byte_was_clean(const struct board *board)
{
    return board->clean;
}

/* Now, for what comes from outside. Unpaced, the wall clock counts from the last answer on, so that
 * a program's own waits count in full however late this thread gets to run. */
static uint64_t outside_now(const struct board *board)
{
    const uint64_t wall = wall_ns();
    const uint64_t now =
        board->options.paced ? wall - board->start_ns : board->sent_ns + wall - board->sent_wall_ns;
    return now > board->now_ns ? now : board->now_ns;
}

/* 8N1: ten bits. */
static uint64_t byte_ns(const struct board *board)
{
    return board->options.link == BOARD_UART ? UINT64_C(10000000000) / board->baud : 0;
}

/* UARTs understand each other to within a few per cent. */
static bool rates_agree(const struct board *board)
{
    const uint64_t theirs = serial_port_baud(board->port);
    return board->options.link == BOARD_CDC || theirs == 0 ||
           (theirs * 100 >= board->baud * UINT64_C(96) &&
            theirs * 100 <= board->baud * UINT64_C(104));
}

/* Seen at a much higher rate, a byte of zeros and ones is a long low; at a much lower one, a short
 * spike. Between, anything. */
static uint8_t garble(struct board *board, uint8_t byte, uint32_t sent, uint32_t seen)
{
    enum { FAR = 8 };
    board->stats.garbled++;
    if (seen / FAR >= sent) {
        return 0x00;
    }
    if (sent / FAR >= seen) {
        return 0xff;
    }
    board->random = board->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint8_t)(byte ^ board->random >> 56);
}

static void take_from_port(struct board *board)
{
    uint8_t data[512];
    size_t size;
    while ((size = serial_port_read(board->port, data, sizeof data)) > 0) {
        const bool clean = rates_agree(board);
        const uint32_t theirs = serial_port_baud(board->port);
        const uint64_t now = outside_now(board);
        for (size_t i = 0; i < size; i++) {
            if (board->in_last_ns < now) {
                board->in_last_ns = now;
            }
            board->in_last_ns += byte_ns(board);
            wire_push(&board->in,
                      (struct timed_byte){
                          .byte = clean ? data[i] : garble(board, data[i], theirs, board->baud),
                          .clean = clean,
                          .due_ns = board->in_last_ns});
        }
    }
}

/* What has arrived by now enters the ring, or is lost. A USB port of the board's own leaves it with
 * the computer instead. */
static void fill_ring(struct board *board)
{
    struct timed_byte *first;
    while ((first = wire_first(&board->in)) != NULL && first->due_ns <= board->now_ns) {
        if (board->ring_count == board->ring_size && board->options.link == BOARD_CDC) {
            return;
        }
        if (board->ring_count == board->ring_size || board->overrun) {
            board->stats.overflows++;
            board->overrun = board->options.overrun_stops;
        } else {
            board->ring[(board->ring_head + board->ring_count++) % RING_MAX] = *first;
            if (board->ring_count > board->stats.deepest) {
                board->stats.deepest = board->ring_count;
            }
        }
        board->stats.bytes_in++;
        wire_pop(&board->in);
    }
}

/* How many bytes the adapter sends together next, and when; 0: none are there. An empty packet goes
 * out, too, whenever the timer runs out, so that its beat goes on. */
static size_t next_packet(const struct board *board, uint64_t *when_ns)
{
    const struct wire *out = &board->out;
    const unsigned full = board->options.packet_size;
    const uint64_t timer_ns = board->options.timer_ns;
    if (out->count == 0) {
        return 0;
    }
    const uint64_t first_ns = out->bytes[out->head].due_ns;
    *when_ns = first_ns;
    if (full == 0) {
        return 1;
    }
    const uint64_t since_ns = first_ns > board->packet_ns ? first_ns - board->packet_ns : 0;
    size_t count = 0;
    *when_ns = board->packet_ns + (since_ns / timer_ns + 1) * timer_ns;
    while (count < out->count && count < full &&
           out->bytes[(out->head + count) % WIRE_MAX].due_ns <= *when_ns) {
        count++;
    }
    const uint64_t last_ns = out->bytes[(out->head + count - 1) % WIRE_MAX].due_ns;
    if (count == full && last_ns < *when_ns) {
        *when_ns = last_ns;
    }
    if (board->flush_count > 0 && board->flush_ns < *when_ns) {
        *when_ns = board->flush_ns;
        return board->flush_count < full ? board->flush_count : full;
    }
    return count;
}

static void send_to_port(struct board *board)
{
    uint8_t data[512];
    size_t size = 0;
    const uint64_t now = outside_now(board);
    uint64_t when_ns;
    size_t count;
    while ((count = next_packet(board, &when_ns)) > 0 && size + count <= sizeof data &&
           (!board->options.paced || when_ns + board->options.latency_ns <= now)) {
        for (size_t i = 0; i < count; i++) {
            const struct timed_byte *first = wire_first(&board->out);
            data[size++] = first->byte;
            board->sent_ns = first->due_ns + board->options.latency_ns;
            wire_pop(&board->out);
        }
        board->packet_ns = when_ns;
        board->flush_count -= count < board->flush_count ? count : board->flush_count;
    }
    if (size > 0) {
        board->sent_wall_ns = wall_ns();
        serial_port_write(board->port, data, size);
    }
}

/* Exchanges with the outside whatever is due, without waiting. Unless the firmware wants a byte and
 * none is there, it looks outside only now and then: a fast wire brings one every few microseconds,
 * and each look costs as much. */
static void pump(struct board *board, bool wanting)
{
    const uint64_t look_interval_ns = 200000;
    const uint64_t wall = wall_ns();
    const bool must = wanting && board->ring_count == 0 && board->in.count == 0;
    if (!must && wall - board->looked_ns < look_interval_ns) {
        fill_ring(board);
        return;
    }
    board->looked_ns = wall;
    take_from_port(board);
    fill_ring(board);
    send_to_port(board);
    const unsigned raised = serial_port_lines(board->port).dtr_raised;
    if (raised != board->dtr_seen) {
        board->dtr_seen = raised;
        board->reset = board->reset || board->options.resets_with_dtr;
    }
}

bool board_was_reset(struct board *board)
{
    const bool reset = board->reset;
    if (reset) {
        board->reset = false;
        board->stats.resets++;
        board->ring_count = 0;
        board->out.count = board->flush_count = 0;
        board->overrun = false;
    }
    return reset;
}

/* When something is due that needs no one outside: a byte's arrival here or there. */
static uint64_t next_due(struct board *board, uint64_t deadline_ns)
{
    const struct timed_byte *in = wire_first(&board->in);
    uint64_t out_ns;
    if (in != NULL && in->due_ns < deadline_ns) {
        deadline_ns = in->due_ns;
    }
    if (board->options.paced && next_packet(board, &out_ns) > 0 &&
        out_ns + board->options.latency_ns < deadline_ns) {
        deadline_ns = out_ns + board->options.latency_ns;
    }
    return deadline_ns;
}

/* While the firmware waits for bytes and none are there, its time is that of the outside. */
static void follow_outside(struct board *board)
{
    if (board->ring_count == 0 && board->in.count == 0) {
        board->now_ns = outside_now(board);
    }
}

static void wait_for_outside(struct board *board, uint64_t until_ns)
{
    const uint64_t longest_ns = 100000000;
    const uint64_t now = outside_now(board);
    uint64_t ns = until_ns > now ? until_ns - now : 0;
    if (ns > longest_ns) {
        ns = longest_ns;
    }
    if (ns > 0) {
        serial_port_wait(board->port, ns);
    }
    const uint64_t later = outside_now(board);
    board->now_ns = later < until_ns ? later : until_ns;
}

enum board_result board_get(struct board *board, uint8_t *byte, uint64_t deadline_ns)
{
    for (;;) {
        follow_outside(board);
        pump(board, true);
        if (board->reset) {
            return BOARD_INTERRUPTED;
        }
        if (board->ring_count > 0) {
            const struct timed_byte *first = &board->ring[board->ring_head];
            *byte = first->byte;
            board->clean = first->clean;
            board->ring_head = (board->ring_head + 1) % RING_MAX;
            board->ring_count--;
            return BOARD_BYTE;
        }
        if (board->now_ns >= deadline_ns) {
            return BOARD_TIMEOUT;
        }
        const struct timed_byte *in = wire_first(&board->in);
        if (in == NULL && board->out.count == 0 && board_stopped(board)) {
            return BOARD_INTERRUPTED;
        }
        const uint64_t due = next_due(board, deadline_ns);
        if (!board->options.paced && in != NULL && in->due_ns == due) {
            board->now_ns = due;
        } else {
            wait_for_outside(board, due);
        }
    }
}

bool board_pass_until(struct board *board, uint64_t then_ns)
{
    if (!board->options.paced && then_ns > board->now_ns) {
        board->now_ns = then_ns;
    }
    /* Paced: small steps are made up for together, to save system calls. */
    const uint64_t slack_ns = 500000;
    while (board->now_ns < then_ns) {
        const uint64_t wall = wall_ns() - board->start_ns;
        if (wall + slack_ns >= then_ns) {
            board->now_ns = then_ns;
            break;
        }
        pump(board, false);
        if (board->reset) {
            return false;
        }
        wait_for_outside(board, next_due(board, then_ns));
    }
    pump(board, false);
    return !board->reset;
}

bool board_pass(struct board *board, uint64_t ns)
{
    return board_pass_until(board, board->now_ns + ns);
}

bool board_put(struct board *board, uint8_t byte)
{
    /* The transmit ring: those not yet on the wire. */
    const uint64_t ring_ns = (board->tx_ring + 1) * byte_ns(board);
    while (board->out_last_ns > board->now_ns + ring_ns) {
        if (!board_pass_until(board, board->out_last_ns - ring_ns)) {
            return false;
        }
    }
    if (board->out_last_ns < board->now_ns) {
        board->out_last_ns = board->now_ns;
    }
    board->out_last_ns += byte_ns(board);
    board->stats.bytes_out++;
    const uint32_t theirs = serial_port_baud(board->port);
    wire_push(&board->out,
              (struct timed_byte){
                  .byte = rates_agree(board) ? byte : garble(board, byte, board->baud, theirs),
                  .due_ns = board->out_last_ns});
    return true;
}

void board_flush(struct board *board)
{
    board->flush_count = board->out.count;
    board->flush_ns = board->out_last_ns;
}

bool board_drain(struct board *board)
{
    return board_pass_until(board, board->out_last_ns);
}
