/* Running the Uno: time, the serial port, reset. */
#include "model/uno.h"

#include <simavr/sim_interrupts.h>
#include <simavr/sim_io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/chip_file.h"
#include "model/uno_private.h"

enum {
    FLASH_SIZE = 32768,
    BOOTLOADER_START = 0x7c00,         /* as build_firmware.sh links it */
    SLICE_CYCLES = 1600,               /* 100 us between two looks at the port */
    IDLE_CYCLES = UNO_HZ / 1000 * 150, /* longer than anything the sketch waits for by itself */
};

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- Queues --------------------------------------------------------------------------------- */

void uno_queue_push(struct uno_queue *q, struct uno_byte byte)
{
    if (q->count == q->capacity) {
        const size_t capacity = q->capacity == 0 ? 1024 : 2 * q->capacity;
        struct uno_byte *bytes = calloc(capacity, sizeof *bytes);
        if (bytes == NULL) {
            abort();
        }
        for (size_t i = 0; i < q->count; i++) {
            bytes[i] = q->bytes[(q->head + i) % q->capacity];
        }
        free(q->bytes);
        q->bytes = bytes;
        q->capacity = capacity;
        q->head = 0;
    }
    q->bytes[(q->head + q->count++) % q->capacity] = byte;
}

struct uno_byte *uno_queue_first(struct uno_queue *q)
{
    return q->count > 0 ? &q->bytes[q->head] : NULL;
}

void uno_queue_pop(struct uno_queue *q)
{
    q->head = (q->head + 1) % q->capacity;
    q->count--;
}

/* --- Making one ----------------------------------------------------------------------------- */

static void log_nothing(avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void)avr;
    (void)level;
    (void)format;
    (void)arguments;
}

/* "The interrupt execution response for all the enabled interrupts is four clock cycles minimum."
 * Zero: an interrupt ends. */
static void interrupt_begins(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    if (value != 0) {
        ((struct uno *)param)->avr->cycle += 4;
    }
}

static bool load_firmware(struct uno *uno)
{
    uint8_t code[FLASH_SIZE];
    memset(code, 0xff, sizeof code);
    if (!chip_file_load(uno->options.sketch, code, sizeof code) ||
        (uno->options.bootloader != NULL &&
         !chip_file_load(uno->options.bootloader, code, sizeof code))) {
        return false;
    }
    avr_loadcode(uno->avr, code, sizeof code, 0);
    uno->avr->codeend = FLASH_SIZE - 1;
    if (uno->options.bootloader != NULL) {
        uno->avr->reset_pc = BOOTLOADER_START;
    }
    return true;
}

static void run_until(struct uno *uno, avr_cycle_count_t until)
{
    while (uno->avr->cycle < until && !uno->stats.crashed) {
        const int state = avr_run(uno->avr);
        uno->stats.crashed = state == cpu_Done || state == cpu_Crashed;
    }
}

/* Lets the sketch blink its LEDs before anybody speaks to it: the board was plugged in long ago. */
static void warm_up(struct uno *uno)
{
    run_until(uno, UNO_HZ);
    uno->start_ns = wall_ns() - uno_now(uno);
}

struct uno *uno_new(struct serial_port *port, struct avr_chip *chip,
                    const struct uno_options *options)
{
    struct uno *uno = calloc(1, sizeof *uno);
    avr_global_logger_set(log_nothing);
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    if (uno == NULL || avr == NULL) {
        abort();
    }
    uno->avr = avr;
    uno->port = port;
    uno->chip = chip;
    uno->options = *options;
    avr_init(avr);
    avr->frequency = UNO_HZ;
    if (!load_firmware(uno)) {
        uno_free(uno);
        return NULL;
    }
    uno_uart_init(uno);
    uno_pins_init(uno);
    avr_irq_t *any = avr_get_interrupt_irq(avr, AVR_INT_ANY);
    avr_irq_register_notify(any + AVR_INT_IRQ_RUNNING, interrupt_begins, uno);
    avr->pc = 0; /* the boot loader has long gone: it comes back with the first reset */
    warm_up(uno);
    return uno;
}

void uno_free(struct uno *uno)
{
    if (uno == NULL) {
        return;
    }
    avr_terminate(uno->avr);
    free(uno->avr);
    free(uno->uart.in.bytes);
    free(uno->uart.out.bytes);
    free(uno);
}

void uno_stop(struct uno *uno)
{
    atomic_store(&uno->stop, true);
    serial_port_wake(uno->port);
}

uint64_t uno_now(const struct uno *uno)
{
    return uno_cycle_ns(uno->avr->cycle);
}

const struct uno_stats *uno_stats(const struct uno *uno)
{
    return &uno->stats;
}

const uint8_t *uno_flash(const struct uno *uno, size_t *size)
{
    *size = FLASH_SIZE;
    return uno->avr->flash;
}

/* --- Running -------------------------------------------------------------------------------- */

/* RESET by the capacitor at DTR: the boot loader looks for EXTRF in MCUSR. */
static void pull_reset(struct uno *uno)
{
    avr_reset(uno->avr);
    avr_regbit_set(uno->avr, uno->avr->reset_flags.extrf);
    uno->stats.resets++;
    uno->last_activity = uno->avr->cycle;
}

static void exchange(struct uno *uno)
{
    uint8_t data[512];
    size_t size;
    while ((size = serial_port_read(uno->port, data, sizeof data)) > 0) {
        uno->last_activity = uno->avr->cycle;
        uno_uart_take(uno, data, size);
    }
    const unsigned raised = serial_port_lines(uno->port).dtr_raised;
    if (raised != uno->dtr_seen) {
        uno->dtr_seen = raised;
        if (uno->options.resets_with_dtr) {
            pull_reset(uno);
        }
    }
    struct uno_byte *first;
    size = 0;
    while ((first = uno_queue_first(&uno->uart.out)) != NULL && size < sizeof data &&
           uno_cycle_ns(first->due) + uno->options.latency_ns <= uno_now(uno)) {
        data[size++] = first->byte;
        uno_queue_pop(&uno->uart.out);
    }
    serial_port_write(uno->port, data, size);
}

/* Paced: waits while the simulation is ahead of the clock. Else: runs freely while the sketch has
 * something to do, and in step with the clock while it only waits for the computer. */
static void pace(struct uno *uno)
{
    const uint64_t now = uno_now(uno);
    const bool idle = uno->avr->cycle - uno->last_activity > IDLE_CYCLES &&
                      uno->uart.in.count == 0 && uno->uart.out.count == 0;
    if (uno->options.paced) {
        const uint64_t wall = wall_ns() - uno->start_ns;
        const uint64_t slack_ns = 200000;
        if (now > wall + slack_ns) {
            serial_port_wait(uno->port, now - wall);
        }
    } else if (idle) {
        serial_port_wait(uno->port, uno_cycle_ns(SLICE_CYCLES));
    }
}

static bool finished(const struct uno *uno)
{
    return uno->stats.crashed || (atomic_load(&uno->stop) && uno->uart.in.count == 0 &&
                                  uno->avr->cycle - uno->last_activity > IDLE_CYCLES);
}

void uno_run(struct uno *uno)
{
    while (!finished(uno)) {
        exchange(uno);
        run_until(uno, uno->avr->cycle + SLICE_CYCLES);
        pace(uno);
    }
}
