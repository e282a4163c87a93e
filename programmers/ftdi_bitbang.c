/* FT232R and FT245R as programmers: in synchronous bit-bang mode every byte written is clocked onto
 * the eight pins, and the levels just before come back, one byte for each.
 *
 * Sources: FTDI AN_232R-01 "Bit Bang Modes for the FT232R and FT245R"; TN_120 "FT232R Errata". */
#include <stdlib.h>
#include <string.h>

#include "drivers.h"
#include "ftdi_page.h"
#include "ftdi_pins.h"

enum {
    LATENCY_MS = 1,    /* what does not fill a packet waits for this timer */
    TIMEOUT_MS = 3000, /* beyond the time that the bytes take */
    PULSE_US = 2000,   /* of RESET before programming mode: two cycles of a 4 kHz clock take 500 */
    RESET_US = 22000,  /* from there to Programming Enable: the data sheets say 20 ms */
    RUN_US = 300000,   /* how much is lined up at a time, about */
    STREAM_SIZE = 512 * 1024,
    BITS = 32,
    BATCH_MAX = 512, /* instructions of a batch at a time */
    PAGES_MAX = 64   /* lined up at a time */
};

/* Bytes per second. Full-speed USB carries no more both ways: a faster clock would only make the
 * waits in the stream longer. */
enum { RATE_MAX = 750000, BAUD_MIN = 184 };

struct bitbang {
    struct ftdi *ftdi;
    struct ftdi_pins pins;
    uint8_t levels, outputs;
    bool driving;      /* the pins are ours */
    bool in_step;      /* every byte that was sent has come back */
    bool slow_chip;    /* it takes longer to write than its data sheet says */
    unsigned factor;   /* bytes clocked in one baud */
    uint32_t rate;     /* bytes per second */
    unsigned repeat;   /* bytes for each level: more than 1 below the slowest rate */
    uint8_t *out, *in; /* STREAM_SIZE bytes each */
    size_t size;       /* of what is lined up */
};

/* --- the stream ------------------------------------------------------------------------------ */

static void put(struct bitbang *self, uint8_t levels)
{
    for (unsigned i = 0; i < self->repeat; i++)
        self->out[self->size++] = levels;
}

static size_t instruction_size(const struct bitbang *self)
{
    return (size_t)2 * BITS * self->repeat;
}

/* Two levels of SCK for each bit; MOSI changes while SCK is low. */
static void put_instruction(struct bitbang *self, const uint8_t instruction[4])
{
    const uint8_t sck = (uint8_t)self->pins.mask[FTDI_SCK];
    const uint8_t mosi = (uint8_t)self->pins.mask[FTDI_MOSI];
    const uint8_t low = (uint8_t)(self->levels & ~(sck | mosi));
    for (unsigned i = 0; i < BITS; i++) {
        const bool bit = (instruction[i / 8] >> (7 - i % 8) & 1) != 0;
        const uint8_t levels = (uint8_t)(low | (bit ? mosi : 0));
        put(self, levels);
        put(self, (uint8_t)(levels | sck));
    }
}

/* A byte comes back sampled just before it is applied: the last one of a bit's SCK high phase shows
 * MISO in the byte behind it. */
static void take_instruction(const struct bitbang *self, size_t at, uint8_t answer[4])
{
    const uint8_t miso = (uint8_t)self->pins.mask[FTDI_MISO];
    memset(answer, 0, 4);
    for (unsigned i = 0; i < BITS; i++) {
        const size_t behind = at + (size_t)(2 * i + 2) * self->repeat;
        if ((self->in[behind] & miso) != 0)
            answer[i / 8] = (uint8_t)(answer[i / 8] | 0x80 >> i % 8);
    }
}

static size_t wait_size(const struct bitbang *self, uint32_t wait_us)
{
    return (size_t)((uint64_t)wait_us * self->rate / 1000000 + 1);
}

/* SCK stays low: nothing happens, for as long as the bytes take. */
static void put_wait(struct bitbang *self, uint32_t wait_us)
{
    const size_t size = wait_size(self, wait_us);
    memset(self->out + self->size, self->levels, size);
    self->size += size;
}

/* Sends what is lined up and a closing byte, and waits until all has been clocked. */
static enum status run(struct bitbang *self, struct error *e)
{
    self->out[self->size++] = self->levels;
    const uint64_t clock_ms =
        (uint64_t)self->size * 1000 / (self->rate < RATE_MAX / 2 ? self->rate : RATE_MAX / 2);
    self->in_step = false;
    TRY(ftdi_transfer(self->ftdi, self->out, self->size, self->in, self->size,
                      (unsigned)(clock_ms * 2 + TIMEOUT_MS), e));
    self->in_step = true;
    self->size = 0;
    return STATUS_OK;
}

/* The same, although the user may want out: a page that was begun is finished. */
static enum status run_to_the_end(struct bitbang *self, struct error *e)
{
    struct context *c = self->ftdi->context;
    const bool leaving = c->leaving;
    c->leaving = true;
    const enum status status = run(self, e);
    c->leaving = leaving;
    return status;
}

/* The pins as `levels` has them. */
static enum status set_pins(struct bitbang *self, struct error *e)
{
    self->size = 0;
    return run(self, e);
}

/* --- the clock ------------------------------------------------------------------------------- */

/* The chip's rates are 3 MHz / (n / 8): FTDI AN_120, "Aliasing VCP Baud Rates". */
static uint32_t eighths_for(uint32_t baud)
{
    return (24000000 - 1) / baud + 1;
}

/* How many bytes a baud clocks: AN_232R-01 says 16, measurements with libftdi say 4. It is found
 * out with all pins as inputs. Whatever disturbs a trial makes it longer, so that more than one
 * byte a baud proves four, and more than four prove sixteen. */
static enum status measure_factor(struct programmer *p, struct error *e)
{
    enum { BAUD = 9600, BYTES = 1024, TRIALS = 4, PERCENT = 104 };
    struct bitbang *self = p->state;
    self->factor = 1;
    self->rate = BAUD;
    self->repeat = 1;
    TRY(ftdi_set_baud(self->ftdi, BAUD, e));
    for (unsigned i = 0; i < TRIALS && self->factor < 16; i++) {
        const uint64_t begin_us = context_now_us(p->context);
        self->size = BYTES - 1;
        memset(self->out, self->levels, self->size);
        TRY(run(self, e));
        const uint64_t took_us = context_now_us(p->context) - begin_us + 1;
        const uint64_t percent = UINT64_C(100000000) * BYTES / BAUD / took_us;
        const unsigned factor = percent > 4 * PERCENT ? 16 : percent > PERCENT ? 4 : 1;
        if (factor > self->factor)
            self->factor = factor;
    }
    context_log(p->context, LOG_DETAIL, "%s: it clocks %u bytes a baud", self->ftdi->name,
                self->factor);
    return STATUS_OK;
}

/* Pulses are irregular (TN_120): none shall be shorter than half a period of `hz`, so the average
 * is half of that. */
static enum status bitbang_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                   struct error *e)
{
    struct bitbang *self = p->state;
    const uint32_t least = BAUD_MIN * self->factor;
    const uint32_t wanted = hz > RATE_MAX ? RATE_MAX : hz == 0 ? 1 : hz;
    const uint32_t repeat = wanted < least ? (least - 1) / wanted + 1 : 1;
    const uint32_t eighths = eighths_for(wanted * repeat / self->factor);
    const uint32_t baud = 24000000 / eighths;
    TRY(ftdi_set_baud(self->ftdi, baud, e));
    self->rate = (24000000 * self->factor - 1) / eighths + 1; /* up: waits are counted in it */
    self->repeat = repeat;
    *actual_hz = baud * self->factor / (2 * repeat);
    return STATUS_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static enum status bitbang_check(const struct programmer_entry *entry,
                                 const struct programmer_config *config, struct error *e)
{
    struct ftdi_pins pins;
    TRY(ftdi_pins_read(entry, config, FTDI_WIRING_BITBANG, &pins, e));
    return ftdi_check_port(config->port, e);
}

static enum status bitbang_open(struct programmer *p, struct error *e)
{
    struct bitbang *self = p->state;
    uint32_t actual_hz;
    TRY(ftdi_pins_read(p->entry, p->config, FTDI_WIRING_BITBANG, &self->pins, e));
    self->outputs = (uint8_t)ftdi_pins_outputs(&self->pins);
    self->levels = 0xff;
    self->out = malloc(STREAM_SIZE);
    self->in = malloc(STREAM_SIZE);
    if (self->out == NULL || self->in == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    TRY(ftdi_adapter_open(p, &self->ftdi, e));
    TRY(ftdi_set_latency(self->ftdi, LATENCY_MS, e));
    TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_SYNC_BITBANG, 0, e));
    if (measure_factor(p, e) != STATUS_OK)
        return error_in(e, "bit-bang mode");
    return bitbang_set_sck(p, 100000, &actual_hz, e);
}

static void bitbang_close(struct programmer *p)
{
    struct bitbang *self = p->state;
    ftdi_close(self->ftdi);
    free(self->out);
    free(self->in);
    self->ftdi = NULL;
    self->out = self->in = NULL;
}

/* --- programming mode ------------------------------------------------------------------------ */

static void set_role(struct bitbang *self, enum ftdi_role role, bool on)
{
    self->levels = (uint8_t)ftdi_pins_set(&self->pins, role, on, self->levels);
}

static void set_reset(struct programmer *p, bool asserted)
{
    set_role(p->state, FTDI_RESET, asserted == p->part->reset_active_high);
}

/* The levels are clocked while all pins are still inputs, then again when they are ours. */
static enum status start_driving(struct bitbang *self, struct error *e)
{
    if (self->driving && self->in_step)
        return STATUS_OK;
    self->driving = false;
    TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_SYNC_BITBANG, 0, e));
    TRY(set_pins(self, e));
    self->driving = true;
    return ftdi_set_mode(self->ftdi, FTDI_MODE_SYNC_BITBANG, self->outputs, e);
}

/* SCK is low before RESET becomes active, and RESET gives a pulse first: ATmega328P data sheet,
 * "Serial Programming Algorithm". */
static enum status bitbang_enter(struct programmer *p, struct error *e)
{
    struct bitbang *self = p->state;
    self->levels = 0;
    for (unsigned role = FTDI_BUFFER; role < FTDI_ROLES; role++)
        set_role(self, role, role == FTDI_BUFFER || role == FTDI_READY);
    set_reset(p, false);
    TRY(start_driving(self, e));
    TRY(set_pins(self, e));
    TRY(context_sleep(p->context, PULSE_US, e));
    set_reset(p, true);
    TRY(set_pins(self, e));
    return context_sleep(p->context, RESET_US, e);
}

/* SCK and MOSI are let go, then RESET is released, then everything let go. If bytes are missing,
 * the chip's buffers are not in a known state: it becomes a serial port, whose lines idle high. */
static enum status bitbang_leave(struct programmer *p, struct error *e)
{
    struct bitbang *self = p->state;
    const bool in_step = self->in_step;
    self->driving = false;
    if (!in_step)
        TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_UART, 0, e));
    const uint8_t wires = (uint8_t)(self->pins.mask[FTDI_SCK] | self->pins.mask[FTDI_MOSI]);
    for (unsigned role = FTDI_READY; role < FTDI_ROLES; role++)
        set_role(self, role, false);
    if (in_step) {
        TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_SYNC_BITBANG, (uint8_t)(self->outputs & ~wires),
                          e));
        set_reset(p, false);
        TRY(set_pins(self, e));
    }
    return ftdi_set_mode(self->ftdi, FTDI_MODE_SYNC_BITBANG, 0, e);
}

/* --- instructions ---------------------------------------------------------------------------- */

/* As many instructions as fit, their waits in the stream; `at` receives where each one begins. */
static size_t put_batch(struct bitbang *self, const struct isp_exchange *batch, size_t count,
                        size_t at[BATCH_MAX])
{
    size_t done = 0;
    self->size = 0;
    for (; done < count && done < BATCH_MAX; done++) {
        const size_t size = instruction_size(self) + wait_size(self, batch[done].wait_us);
        if (done > 0 && self->size + size + 1 > STREAM_SIZE)
            break;
        at[done] = self->size;
        put_instruction(self, batch[done].mosi);
        if (batch[done].wait_us > 0)
            put_wait(self, batch[done].wait_us);
    }
    return done;
}

static enum status bitbang_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                    struct error *e)
{
    struct bitbang *self = p->state;
    while (count > 0) {
        size_t at[BATCH_MAX];
        TRY(context_check(p->context, e));
        const size_t done = put_batch(self, batch, count, at);
        TRY(run(self, e));
        for (size_t i = 0; i < done; i++)
            take_instruction(self, at[i], batch[i].miso);
        batch += done;
        count -= done;
    }
    return STATUS_OK;
}

/* --- ranges ---------------------------------------------------------------------------------- */

/* How many bytes of the stream RUN_US takes. */
static size_t run_size(const struct bitbang *self)
{
    const size_t size = (size_t)((uint64_t)self->rate * RUN_US / 1000000);
    return size < STREAM_SIZE / 2 ? size : STREAM_SIZE / 2;
}

static enum status read_run(struct bitbang *self, const struct memory *m, uint32_t address,
                            uint8_t *data, size_t size, struct error *e)
{
    const size_t each = instruction_size(self);
    self->size = 0;
    set_role(self, FTDI_VERIFY, true);
    for (size_t i = 0; i < size; i++) {
        uint8_t instruction[4];
        ftdi_read_encode(m, address + (uint32_t)i, instruction);
        put_instruction(self, instruction);
    }
    set_role(self, FTDI_VERIFY, false);
    TRY(run(self, e));
    for (size_t i = 0; i < size; i++) {
        uint8_t answer[4];
        take_instruction(self, i * each, answer);
        data[i] = answer[3];
    }
    return STATUS_OK;
}

static enum status bitbang_read(struct programmer *p, const struct memory *m, uint32_t address,
                                uint8_t *data, size_t size, struct error *e)
{
    struct bitbang *self = p->state;
    const size_t limit = run_size(self) / instruction_size(self) + 1;
    if (!m->isp.read[0].present)
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be read", m->name);
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < limit ? size - done : limit;
        if (read_run(self, m, address + (uint32_t)done, data + done, part, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
        context_advance(p->context, (uint32_t)part);
        done += part;
    }
    return STATUS_OK;
}

/* Data sheets promise that a page takes no longer than write_min_us ("tWD_FLASH"); where the chip
 * can be asked whether that was true, the next page follows at once. A chip that proves slower, or
 * cannot be asked, gets the whole of write_us. */
static uint32_t page_wait_us(const struct bitbang *self, const struct memory *m)
{
    const bool trust = m->poll == POLL_READY && m->write_min_us > 0 && !self->slow_chip;
    return trust ? m->write_min_us : m->write_us;
}

/* One page, the wait for it and the question whether it is done. False if there is nothing to do
 * for it; else `*question` is where that begins. */
static bool put_page(struct bitbang *self, const struct memory *m, uint32_t address,
                     const uint8_t *data, size_t *question)
{
    static const uint8_t poll_ready[4] = {0xf0, 0x00, 0x00, 0x00};
    uint8_t instructions[FTDI_PAGE_INSTRUCTIONS][4];
    const size_t count = ftdi_page_encode(m, address, data, instructions);
    for (size_t i = 0; i < count; i++)
        put_instruction(self, instructions[i]);
    if (count == 0)
        return false;
    put_wait(self, page_wait_us(self, m));
    *question = self->size;
    if (m->poll == POLL_READY)
        put_instruction(self, poll_ready);
    return true;
}

static size_t page_size_max(const struct bitbang *self, const struct memory *m)
{
    return (m->page_size + 2) * instruction_size(self) + wait_size(self, page_wait_us(self, m)) + 1;
}

/* As many pages as take about RUN_US; `*size` receives how many bytes, and `*busy` whether the chip
 * was not ready with one in time: what came behind it is to be written again. */
static enum status write_run(struct bitbang *self, const struct memory *m, uint32_t address,
                             const uint8_t *data, size_t *size, bool *busy, struct error *e)
{
    size_t ends[PAGES_MAX], questions[PAGES_MAX];
    size_t done = 0, waited = 0;
    self->size = 0;
    set_role(self, FTDI_PROGRAM, true);
    while (done < *size && waited < PAGES_MAX && self->size < run_size(self) &&
           self->size + page_size_max(self, m) <= STREAM_SIZE) {
        const bool any =
            put_page(self, m, address + (uint32_t)done, data + done, &questions[waited]);
        done += m->page_size;
        if (any)
            ends[waited++] = done;
    }
    set_role(self, FTDI_PROGRAM, false);
    TRY(run_to_the_end(self, e));
    *busy = false;
    *size = done;
    for (size_t i = waited; i-- > 0 && m->poll == POLL_READY;) {
        uint8_t answer[4];
        take_instruction(self, questions[i], answer);
        if ((answer[3] & 1) == 0)
            continue;
        *busy = true;
        *size = ends[i] - m->page_size;
    }
    return STATUS_OK;
}

static enum status bitbang_write(struct programmer *p, const struct memory *m, uint32_t address,
                                 const uint8_t *data, size_t size, struct error *e)
{
    struct bitbang *self = p->state;
    if (!ftdi_page_suits(m, address, size) || page_size_max(self, m) > STREAM_SIZE)
        return error_set(e, STATUS_UNSUPPORTED, "%s is not written in whole pages", m->name);
    for (size_t done = 0; done < size;) {
        bool busy = false;
        size_t part = size - done;
        TRY(context_check(p->context, e));
        enum status status =
            write_run(self, m, address + (uint32_t)done, data + done, &part, &busy, e);
        if (status == STATUS_OK && busy && self->slow_chip)
            status = error_set(e, STATUS_TIMEOUT, "%s: the chip is still busy %lu us after a write",
                               self->ftdi->name, (unsigned long)m->write_us);
        if (status != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
        if (busy) {
            context_log(p->context, LOG_NOTE,
                        "the chip takes longer to write than its data sheet says: slower now");
            self->slow_chip = true;
        }
        context_advance(p->context, (uint32_t)part);
        done += part;
    }
    return STATUS_OK;
}

const struct programmer_driver bitbang_driver = {
    .name = "bitbang",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO,
    .state_size = sizeof(struct bitbang),
    .sck_min_hz = 16,
    .sck_max_hz = RATE_MAX, /* what may be asked for: pulses as short as that; on average half */
    .options_help = ftdi_bitbang_options_help,
    .check = bitbang_check,
    .open = bitbang_open,
    .close = bitbang_close,
    .enter = bitbang_enter,
    .leave = bitbang_leave,
    .exchange = bitbang_exchange,
    .read = bitbang_read,
    .write = bitbang_write,
    .set_sck = bitbang_set_sck,
};
