/* FT2232C/D/H, FT4232H and FT232H as programmers: the MPSSE engine executes a stream of commands,
 * in which whole pages, the waits for them and the questions are lined up in advance.
 *
 * Sources: FTDI AN_108 "Command Processor for MPSSE and MCU Host Bus Emulation Modes", AN_135 "FTDI
 * MPSSE Basics". */
#include <stdlib.h>
#include <string.h>

#include "drivers.h"
#include "ftdi_page.h"
#include "ftdi_pins.h"

/* AN_108, section 3. Data opcodes: MSB first, MOSI changes on the falling edge, MISO is read on the
 * rising one; a length of n bytes is sent as n - 1. */
enum {
    OP_WRITE = 0x11,
    OP_EXCHANGE = 0x31,
    OP_SET_LOW = 0x80, /* levels, directions (1: output) */
    OP_GET_LOW = 0x81,
    OP_SET_HIGH = 0x82,
    OP_LOOPBACK_OFF = 0x85,
    OP_DIVISOR = 0x86, /* low byte, high byte */
    OP_SEND_IMMEDIATE = 0x87,
    OP_CLOCK_60MHZ = 0x8a, /* this and the next two: the H chips alone */
    OP_THREE_PHASE_OFF = 0x8d,
    OP_ADAPTIVE_OFF = 0x97,
    OP_BOGUS = 0xaa, /* no command, on purpose: answered with ANSWER_BAD and itself */
    ANSWER_BAD = 0xfa,
    HEADER = 3, /* opcode and length of a data command */
    DATA_MAX = 65536
};

enum {
    LATENCY_MS = 16,   /* every answer is asked for: the timer has nothing to do */
    TIMEOUT_MS = 3000, /* beyond the time that SCK takes */
    SETTLE_US = 50000, /* AN_135: after the change to MPSSE */
    PULSE_US = 2000,   /* of RESET before programming mode: two cycles of a 4 kHz clock take 500 */
    RESET_US = 22000,  /* from there to Programming Enable: the data sheets say 20 ms */
    RUN_US = 100000,   /* how much is lined up at a time, about */
    COMMANDS_SIZE = 512 * 1024,
    ANSWERS_SIZE = 64 * 1024,
    PAGES_MAX = 64,   /* lined up at a time */
    BATCH_MAX = 1024, /* instructions of a batch at a time */
    SLICE_US = 500    /* between two looks at a chip that is busy */
};

struct mpsse {
    struct ftdi *ftdi;
    struct ftdi_pins pins;
    uint16_t levels, driven;
    bool high_speed;
    bool connected; /* in step with the engine */
    bool slow_chip; /* it takes longer to write than its data sheet says */
    uint16_t divisor;
    uint8_t *commands, *answers;
    size_t command_size, answer_size; /* of what is lined up */
    uint64_t periods;                 /* of SCK that it takes */
};

/* --- the stream ------------------------------------------------------------------------------ */

static uint32_t half_base_hz(const struct mpsse *self)
{
    return self->high_speed ? 30000000 : 6000000;
}

/* SCK = clock / (2 x (1 + divisor)): AN_108, "Set clk divisor". Rounded down. */
static uint32_t sck_hz(const struct mpsse *self)
{
    return half_base_hz(self) / (1u + self->divisor);
}

static void put(struct mpsse *self, uint8_t byte)
{
    self->commands[self->command_size++] = byte;
}

static void put_pins(struct mpsse *self)
{
    put(self, OP_SET_LOW);
    put(self, (uint8_t)self->levels);
    put(self, (uint8_t)self->driven);
    if (ftdi_pins_outputs(&self->pins) >> 8 == 0)
        return;
    put(self, OP_SET_HIGH);
    put(self, (uint8_t)(self->levels >> 8));
    put(self, (uint8_t)(self->driven >> 8));
}

/* The head of a data command; `size` bytes (1 to DATA_MAX) follow. */
static void put_data(struct mpsse *self, uint8_t opcode, size_t size)
{
    put(self, opcode);
    put(self, (uint8_t)(size - 1));
    put(self, (uint8_t)((size - 1) >> 8));
    self->periods += size * 8;
    if (opcode == OP_EXCHANGE)
        self->answer_size += size;
}

static void put_instruction(struct mpsse *self, const uint8_t instruction[4])
{
    memcpy(self->commands + self->command_size, instruction, 4);
    self->command_size += 4;
}

static const uint8_t poll_ready[4] = {0xf0, 0x00, 0x00, 0x00}; /* bit 0 of the answer: busy */

/* How many polls take that long. */
static size_t polls_for(const struct mpsse *self, uint32_t wait_us)
{
    return (size_t)((uint64_t)wait_us * (sck_hz(self) + 1) / 32000000 + 2);
}

/* Waits without leaving the stream: the only thing that a busy chip may be asked is whether it is
 * (ATmega328P data sheet, "Serial Programming Instruction Set", Poll RDY/BSY), and each time takes
 * 32 periods of SCK. The last of them is answered. */
static void put_wait(struct mpsse *self, uint32_t wait_us)
{
    for (size_t left = polls_for(self, wait_us) - 1; left > 0;) {
        const size_t part = left < DATA_MAX / 4 ? left : DATA_MAX / 4;
        put_data(self, OP_WRITE, part * 4);
        for (size_t i = 0; i < part; i++)
            put_instruction(self, poll_ready);
        left -= part;
    }
    put_data(self, OP_EXCHANGE, 4);
    put_instruction(self, poll_ready);
}

static size_t wait_size(const struct mpsse *self, uint32_t wait_us)
{
    const size_t polls = polls_for(self, wait_us);
    return polls * 4 + (polls / (DATA_MAX / 4) + 2) * HEADER;
}

/* Has the engine say when it has come here. */
static void put_question(struct mpsse *self)
{
    put(self, OP_GET_LOW);
    self->answer_size++;
}

static void begin(struct mpsse *self)
{
    self->command_size = self->answer_size = 0;
    self->periods = 0;
}

/* Sends what is lined up, at least one question among it, and waits for the answers: all has been
 * clocked out then. */
static enum status run(struct mpsse *self, struct error *e)
{
    const uint64_t clock_ms = self->periods * 1000 / sck_hz(self);
    put(self, OP_SEND_IMMEDIATE);
    self->connected = false;
    TRY(ftdi_transfer(self->ftdi, self->commands, self->command_size, self->answers,
                      self->answer_size, (unsigned)(clock_ms * 5 / 4 + TIMEOUT_MS), e));
    self->connected = true;
    return STATUS_OK;
}

/* The same, although the user may want out: a page that was begun is finished. */
static enum status run_to_the_end(struct mpsse *self, struct error *e)
{
    struct context *c = self->ftdi->context;
    const bool leaving = c->leaving;
    c->leaving = true;
    const enum status status = run(self, e);
    c->leaving = leaving;
    return status;
}

static enum status set_pins(struct mpsse *self, struct error *e)
{
    begin(self);
    put_pins(self);
    put_question(self);
    return run(self, e);
}

/* --- the engine ------------------------------------------------------------------------------ */

static enum status ask_bogus(struct mpsse *self, uint8_t opcode, bool *good, struct error *e)
{
    begin(self);
    put(self, opcode);
    self->answer_size = 2;
    TRY(run(self, e));
    *good = self->answers[0] == ANSWER_BAD && self->answers[1] == opcode;
    return STATUS_OK;
}

/* AN_135, "Configure FTDI Port For MPSSE Use" and "Synchronize The MPSSE". */
static enum status synchronize(struct mpsse *self, struct error *e)
{
    bool first = false, second = false;
    TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_UART, 0, e));
    TRY(ftdi_set_mode(self->ftdi, FTDI_MODE_MPSSE, 0, e));
    TRY(ask_bogus(self, OP_BOGUS, &first, e));
    TRY(ask_bogus(self, OP_BOGUS + 1, &second, e));
    self->connected = first && second;
    if (!self->connected)
        return error_set(e, STATUS_SILENT, "%s: the MPSSE engine is out of step", self->ftdi->name);
    return STATUS_OK;
}

static enum status connect(struct programmer *p, struct error *e)
{
    struct mpsse *self = p->state;
    enum status status = synchronize(self, e);
    if (status == STATUS_TIMEOUT || status == STATUS_SILENT) {
        TRY(context_sleep(p->context, SETTLE_US, e));
        status = synchronize(self, e);
    }
    if (status == STATUS_TIMEOUT) {
        (void)error_set(e, STATUS_SILENT, "%s: this channel has no MPSSE engine that answers",
                        self->ftdi->name);
        error_hint(e, "FT232R and FT245R are -c ft232r; unplug the adapter and plug it in again");
    }
    TRY(status);
    begin(self);
    if (self->high_speed) {
        put(self, OP_CLOCK_60MHZ);
        put(self, OP_ADAPTIVE_OFF);
        put(self, OP_THREE_PHASE_OFF);
    }
    put(self, OP_LOOPBACK_OFF);
    put(self, OP_DIVISOR);
    put(self, (uint8_t)self->divisor);
    put(self, (uint8_t)(self->divisor >> 8));
    put_question(self);
    return run(self, e);
}

static enum status ensure_connected(struct programmer *p, struct error *e)
{
    const struct mpsse *self = p->state;
    return self->connected ? STATUS_OK : connect(p, e);
}

static enum status mpsse_check(const struct programmer_entry *entry,
                               const struct programmer_config *config, struct error *e)
{
    struct ftdi_pins pins;
    TRY(ftdi_pins_read(entry, config, FTDI_WIRING_MPSSE, &pins, e));
    return ftdi_check_port(config->port, e);
}

/* The FT4232H has eight pins a channel, the FT2232C and D have twelve: their data sheets. */
static enum status check_chip(struct mpsse *self, struct error *e)
{
    const uint16_t release = self->ftdi->info.release;
    const uint16_t outputs = ftdi_pins_outputs(&self->pins);
    const unsigned pins = release == FTDI_RELEASE_FT4232H   ? 8
                          : release == FTDI_RELEASE_FT2232D ? 12
                                                            : 16;
    self->high_speed = release >= FTDI_RELEASE_FT2232H;
    if (release < FTDI_RELEASE_FT2232D || release == FTDI_RELEASE_FT232R) {
        (void)error_set(e, STATUS_NO_DEVICE, "%s has no MPSSE engine", self->ftdi->name);
        error_hint(e, "FT232R and FT245R are -c ft232r or -c ft245r");
        return STATUS_NO_DEVICE;
    }
    if (outputs >> pins != 0)
        return error_set(e, STATUS_USAGE, "%s has only the pins 0 to %u", self->ftdi->name,
                         pins - 1);
    return STATUS_OK;
}

/* Nothing is driven yet: the pins, high as an idle serial port's, stay high by their pull-ups. */
static enum status mpsse_open(struct programmer *p, struct error *e)
{
    struct mpsse *self = p->state;
    TRY(ftdi_pins_read(p->entry, p->config, FTDI_WIRING_MPSSE, &self->pins, e));
    self->commands = malloc(COMMANDS_SIZE);
    self->answers = malloc(ANSWERS_SIZE);
    if (self->commands == NULL || self->answers == NULL)
        return error_set(e, STATUS_NO_MEMORY, "out of memory");
    TRY(ftdi_adapter_open(p, &self->ftdi, e));
    TRY(check_chip(self, e));
    self->divisor = (uint16_t)(half_base_hz(self) / 100000);
    TRY(ftdi_set_latency(self->ftdi, LATENCY_MS, e));
    return connect(p, e);
}

static void mpsse_close(struct programmer *p)
{
    struct mpsse *self = p->state;
    ftdi_close(self->ftdi);
    free(self->commands);
    free(self->answers);
    self->ftdi = NULL;
    self->commands = self->answers = NULL;
}

static enum status mpsse_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                 struct error *e)
{
    struct mpsse *self = p->state;
    const uint32_t base = half_base_hz(self);
    const uint32_t wanted = hz == 0 ? 1 : hz;
    const uint32_t ratio = (base - 1) / wanted + 1; /* never faster than wanted */
    TRY(ensure_connected(p, e));
    self->divisor = (uint16_t)((ratio > 65536 ? 65536 : ratio) - 1);
    begin(self);
    put(self, OP_DIVISOR);
    put(self, (uint8_t)self->divisor);
    put(self, (uint8_t)(self->divisor >> 8));
    put_question(self);
    TRY(run(self, e));
    *actual_hz = sck_hz(self);
    return STATUS_OK;
}

/* --- programming mode ------------------------------------------------------------------------ */

static void set_role(struct mpsse *self, enum ftdi_role role, bool on)
{
    self->levels = ftdi_pins_set(&self->pins, role, on, self->levels);
}

static void set_reset(struct programmer *p, bool asserted)
{
    set_role(p->state, FTDI_RESET, asserted == p->part->reset_active_high);
}

/* SCK is low before RESET becomes active, and RESET gives a pulse first: ATmega328P data sheet,
 * "Serial Programming Algorithm". */
static enum status mpsse_enter(struct programmer *p, struct error *e)
{
    struct mpsse *self = p->state;
    TRY(ensure_connected(p, e));
    self->levels = 0;
    for (unsigned role = FTDI_BUFFER; role < FTDI_ROLES; role++)
        set_role(self, role, role == FTDI_BUFFER || role == FTDI_READY);
    set_reset(p, false);
    self->driven = ftdi_pins_outputs(&self->pins);
    TRY(set_pins(self, e));
    TRY(context_sleep(p->context, PULSE_US, e));
    set_reset(p, true);
    TRY(set_pins(self, e));
    return context_sleep(p->context, RESET_US, e);
}

/* SCK and MOSI are let go as RESET is released; then everything. */
static enum status mpsse_leave(struct programmer *p, struct error *e)
{
    struct mpsse *self = p->state;
    TRY(ensure_connected(p, e));
    for (unsigned role = FTDI_READY; role < FTDI_ROLES; role++)
        set_role(self, role, false);
    set_reset(p, false);
    const uint16_t wires = self->pins.mask[FTDI_SCK] | self->pins.mask[FTDI_MOSI];
    begin(self);
    self->driven = (uint16_t)(self->driven & ~wires);
    put_pins(self);
    self->driven = 0;
    put_pins(self);
    put_question(self);
    return run(self, e);
}

/* --- instructions ---------------------------------------------------------------------------- */

static enum status still_busy(const struct mpsse *self, uint32_t wait_us, struct error *e)
{
    return error_set(e, STATUS_TIMEOUT, "%s: the chip is still busy %lu us after a write or erase",
                     self->ftdi->name, (unsigned long)wait_us);
}

/* Instructions up to the first that has to be waited for; returns how many. */
static size_t batch_row(const struct isp_exchange *batch, size_t count)
{
    size_t row = 1;
    while (row < count && row < BATCH_MAX && batch[row - 1].wait_us == 0)
        row++;
    return row;
}

static enum status exchange_row(struct mpsse *self, struct isp_exchange *batch, size_t count,
                                struct error *e)
{
    begin(self);
    put_data(self, OP_EXCHANGE, count * 4);
    for (size_t i = 0; i < count; i++)
        put_instruction(self, batch[i].mosi);
    TRY(run(self, e));
    for (size_t i = 0; i < count; i++)
        memcpy(batch[i].miso, self->answers + 4 * i, 4);
    return STATUS_OK;
}

/* Polls until the chip is ready. Nothing interrupts that: it is busy. */
static enum status wait_ready(struct programmer *p, uint32_t wait_us, struct error *e)
{
    struct mpsse *self = p->state;
    const uint64_t limit_us = context_now_us(p->context) + wait_us;
    for (;;) {
        const bool late = context_now_us(p->context) >= limit_us;
        begin(self);
        put_wait(self, SLICE_US);
        TRY(run(self, e));
        if ((self->answers[3] & 1) == 0)
            return STATUS_OK;
        if (late)
            return still_busy(self, wait_us, e);
    }
}

static enum status wait_after(struct programmer *p, const struct isp_exchange *x, struct error *e)
{
    if (x->wait_us == 0)
        return STATUS_OK;
    if (!x->ready_poll) {
        p->context->clock->sleep_us(p->context->clock, x->wait_us);
        return STATUS_OK;
    }
    const bool leaving = p->context->leaving;
    p->context->leaving = true;
    const enum status status = wait_ready(p, x->wait_us, e);
    p->context->leaving = leaving;
    return status;
}

static enum status mpsse_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                  struct error *e)
{
    while (count > 0) {
        const size_t row = batch_row(batch, count);
        TRY(context_check(p->context, e));
        TRY(exchange_row(p->state, batch, row, e));
        TRY(wait_after(p, &batch[row - 1], e));
        batch += row;
        count -= row;
    }
    return STATUS_OK;
}

/* --- ranges ---------------------------------------------------------------------------------- */

static enum status read_run(struct programmer *p, const struct memory *m, uint32_t address,
                            uint8_t *data, size_t size, struct error *e)
{
    struct mpsse *self = p->state;
    begin(self);
    set_role(self, FTDI_VERIFY, true);
    put_pins(self);
    put_data(self, OP_EXCHANGE, size * 4);
    for (size_t i = 0; i < size; i++) {
        uint8_t instruction[4];
        ftdi_read_encode(m, address + (uint32_t)i, instruction);
        put_instruction(self, instruction);
    }
    set_role(self, FTDI_VERIFY, false);
    put_pins(self);
    TRY(run(self, e));
    for (size_t i = 0; i < size; i++)
        data[i] = self->answers[4 * i + 3];
    return STATUS_OK;
}

static enum status mpsse_read(struct programmer *p, const struct memory *m, uint32_t address,
                              uint8_t *data, size_t size, struct error *e)
{
    const struct mpsse *self = p->state;
    const size_t most = ANSWERS_SIZE / 4;
    const size_t in_time = (size_t)((uint64_t)sck_hz(self) * RUN_US / 32000000 + 1);
    const size_t limit = in_time < most ? in_time : most;
    if (!m->isp.read[0].present)
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be read", m->name);
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < limit ? size - done : limit;
        if (read_run(p, m, address + (uint32_t)done, data + done, part, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
        context_advance(p->context, (uint32_t)part);
        done += part;
    }
    return STATUS_OK;
}

/* Data sheets promise that a page takes no longer than write_min_us ("tWD_FLASH"), so that the next
 * one may follow in the stream. A chip that proves slower gets the whole of write_us. */
static uint32_t page_wait_us(const struct mpsse *self, const struct memory *m)
{
    return self->slow_chip || m->write_min_us == 0 ? m->write_us : m->write_min_us;
}

/* One page and the wait for it; false if there is nothing to do for it. */
static bool put_page(struct mpsse *self, const struct memory *m, uint32_t address,
                     const uint8_t *data)
{
    uint8_t instructions[FTDI_PAGE_INSTRUCTIONS][4];
    const size_t count = ftdi_page_encode(m, address, data, instructions);
    if (count == 0)
        return false;
    put_data(self, OP_WRITE, count * 4);
    for (size_t i = 0; i < count; i++)
        put_instruction(self, instructions[i]);
    put_wait(self, page_wait_us(self, m));
    return true;
}

static size_t page_size_max(const struct mpsse *self, const struct memory *m)
{
    return FTDI_PAGE_INSTRUCTIONS * 4 + 2 * HEADER + wait_size(self, page_wait_us(self, m));
}

/* As many pages as take about RUN_US; `*size` receives how many bytes, and `*busy` whether the chip
 * was not ready with one in time: what came behind it is to be written again. */
static enum status write_run(struct mpsse *self, const struct memory *m, uint32_t address,
                             const uint8_t *data, size_t *size, bool *busy, struct error *e)
{
    size_t ends[PAGES_MAX]; /* behind each page that is waited for */
    const uint64_t limit = (uint64_t)sck_hz(self) * RUN_US / 1000000;
    size_t done = 0, waited = 0;
    begin(self);
    set_role(self, FTDI_PROGRAM, true);
    put_pins(self);
    while (done < *size && waited < PAGES_MAX && self->periods < limit &&
           self->command_size + page_size_max(self, m) + 16 < COMMANDS_SIZE) {
        const bool any = put_page(self, m, address + (uint32_t)done, data + done);
        done += m->page_size;
        if (any)
            ends[waited++] = done;
    }
    set_role(self, FTDI_PROGRAM, false);
    put_pins(self);
    put_question(self);
    TRY(run_to_the_end(self, e));
    *busy = false;
    *size = done;
    for (size_t i = waited; i-- > 0;) {
        if ((self->answers[4 * i + 3] & 1) == 0)
            continue;
        *busy = true;
        *size = ends[i] - m->page_size;
    }
    return STATUS_OK;
}

/* Only where a busy chip may be asked: elsewhere nothing may stand in the stream for the wait. */
static bool is_writable(const struct mpsse *self, const struct memory *m, uint32_t address,
                        size_t size)
{
    return m->poll == POLL_READY && ftdi_page_suits(m, address, size) &&
           page_size_max(self, m) + 32 < COMMANDS_SIZE;
}

static enum status mpsse_write(struct programmer *p, const struct memory *m, uint32_t address,
                               const uint8_t *data, size_t size, struct error *e)
{
    struct mpsse *self = p->state;
    if (!is_writable(self, m, address, size))
        return error_set(e, STATUS_UNSUPPORTED, "%s is not written in whole pages", m->name);
    for (size_t done = 0; done < size;) {
        bool busy = false;
        size_t part = size - done;
        TRY(context_check(p->context, e));
        enum status status =
            write_run(self, m, address + (uint32_t)done, data + done, &part, &busy, e);
        if (status == STATUS_OK && busy && self->slow_chip)
            status = still_busy(self, m->write_us, e);
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

const struct programmer_driver mpsse_driver = {
    .name = "mpsse",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO,
    .state_size = sizeof(struct mpsse),
    .sck_min_hz = 458,
    .sck_max_hz = 30000000,
    .options_help = ftdi_mpsse_options_help,
    .check = mpsse_check,
    .open = mpsse_open,
    .close = mpsse_close,
    .enter = mpsse_enter,
    .leave = mpsse_leave,
    .exchange = mpsse_exchange,
    .read = mpsse_read,
    .write = mpsse_write,
    .set_sck = mpsse_set_sck,
};
