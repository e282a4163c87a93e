/* Programmers that speak STK500 version 1 over a serial port: above all Arduino boards with the
 * ArduinoISP sketch, also STK500 and AVRISP with their first firmware.
 *
 * Sources: application note AVR061, "STK500 Communication Protocol"; ArduinoISP.ino of the Arduino
 * examples (version 1.18). */
#include "stk500v1.h"

#include <string.h>

#include "drivers.h"

enum {
    READ_CARE = 256,  /* what every firmware gives at once */
    READ_TRIAL = 512, /* the sketch's length has 16 bits: tried once */
    READ_LONG = 1024, /* half a second at 19200 baud: no one who wants out waits much longer */
    WRITE_CARE = 32,  /* sketches before 2012 pause 40 ms between commands without reading */
    RECOVERIES_IN_A_ROW = 3,
    RECOVERIES = 16 /* in one operation */
};

static void stk500v1_close(struct programmer *p)
{
    struct stk500v1 *self = p->state;
    stream_close(self->stk.stream);
    self->stk.stream = NULL;
}

/* --- the device, programming mode ----------------------------------------------------------- */

/* AVR061, "Set Device Programming Parameters". The sketch looks at the device code (from 0xe0 on it
 * drives RESET active high) and the page size, which alone tells it when to commit. */
static struct stk_command set_device(const struct part *part)
{
    const struct memory *flash = part_memory(part, MEMORY_FLASH);
    const struct memory *eeprom = part_memory(part, MEMORY_EEPROM);
    const uint32_t page = flash != NULL ? flash->page_size : 0;
    const uint32_t flash_size = flash != NULL ? flash->size : 0;
    const uint32_t eeprom_size = eeprom != NULL ? eeprom->size : 0;
    const bool raise = part->reset_active_high && part->stk500_code < 0xe0;
    uint8_t fuses = 0;
    for (size_t i = 0; i < part->memory_count; i++)
        fuses = (uint8_t)(fuses + (part->memories[i].kind == MEMORY_FUSE ? 1 : 0));
    const uint8_t block[20] = {
        [0] = raise ? 0xe0 : part->stk500_code,
        [3] = 1, /* full parallel interface */
        [4] = 1, /* polling */
        [5] = 1, /* self-timed */
        [6] = 1, /* lock bytes */
        [7] = fuses,
        [8] = 0xff, /* poll values: flash, flash, EEPROM, EEPROM */
        [9] = 0xff,
        [10] = 0xff,
        [11] = 0xff,
        [12] = (uint8_t)(page >> 8),
        [13] = (uint8_t)page,
        [14] = (uint8_t)(eeprom_size >> 8),
        [15] = (uint8_t)eeprom_size,
        [16] = (uint8_t)(flash_size >> 24),
        [17] = (uint8_t)(flash_size >> 16),
        [18] = (uint8_t)(flash_size >> 8),
        [19] = (uint8_t)flash_size,
    };
    struct stk_command command = {.head = {STK_SET_DEVICE}, .head_size = 1 + sizeof block};
    memcpy(command.head + 1, block, sizeof block);
    return command;
}

/* AVR061, "Set Extended Device Programming Parameters". PAGEL and BS2 concern parallel programming
 * alone: their usual pins. The sketch ignores it all. */
static struct stk_command set_device_ext(const struct part *part)
{
    const struct memory *eeprom = part_memory(part, MEMORY_EEPROM);
    return (struct stk_command){
        .head = {STK_SET_DEVICE_EXT, 5, (uint8_t)(eeprom != NULL ? eeprom->page_size : 0), 0xd7,
                 0xc2, part->reset_as_io ? 1 : 0},
        .head_size = 6,
    };
}

static enum status tell_device(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    if (self->device == p->part)
        return STATUS_OK;
    const struct stk_command commands[] = {set_device(p->part), set_device_ext(p->part)};
    size_t answered = 0;
    TRY(stk_run(&self->stk, commands, self->sketch ? 1 : 2, &answered, e));
    self->device = p->part;
    return STATUS_OK;
}

/* Back in step after lost bytes, a stray reset of the board, or a command cut short. */
static enum status resync(struct programmer *p, struct error *e)
{
    enum { TRIES = 4, DRAIN_QUIET_MS = 60, DRAIN_LIMIT_MS = 4000, BOOT_MS = 700, WINDOW_MS = 3000 };
    struct stk500v1 *self = p->state;
    unsigned dismissed = 0;
    self->stk.in_step = false;
    TRY(stream_discard(self->stk.stream, DRAIN_QUIET_MS, DRAIN_LIMIT_MS, e));
    for (unsigned i = 0; i < TRIES; i++) {
        enum stk_identity who;
        bool heard;
        TRY(stk_meet(&self->stk, 2, 250, &who, e));
        if (who == STK_PROGRAMMER)
            return STATUS_OK;
        if (who == STK_NOBODY && i == 1) /* a garbled length makes the sketch run over its buffer */
            TRY(stk500v1_reset_board(p, e));
        else if (who == STK_NOBODY)
            TRY(stk_fill(&self->stk, &heard, e));
        if (who == STK_BOOTLOADER) { /* the board was reset: nothing is written before its sketch */
            TRY(stk500v1_dismiss_bootloader(p, e));
            TRY(context_sleep(p->context, (dismissed++ == 0 ? BOOT_MS : WINDOW_MS) * 1000u, e));
        }
    }
    (void)error_set(e, STATUS_SILENT, "%s: the programmer no longer answers",
                    self->stk.stream->name);
    error_hint(e, "check cable and power of the programmer, reset it and run again");
    return STATUS_SILENT;
}

enum status stk500v1_ensure_step(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    return self->stk.in_step ? STATUS_OK : resync(p, e);
}

/* After resync() in programming mode. ENTER_PROGMODE does nothing if the sketch is still in it; if
 * the board was reset it is not, and the chip gets a RESET pulse. */
static enum status restore(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    self->device = NULL;
    TRY(tell_device(p, e));
    TRY(stk_simple(&self->stk, STK_ENTER_PROGMODE, e));
    if (!self->segment_known)
        return STATUS_OK;
    struct stk_command command = {.head = {STK_UNIVERSAL}, .head_size = 5, .answer_size = 1};
    memcpy(command.head + 1, self->segment, 4);
    size_t answered = 0;
    return stk_run(&self->stk, &command, 1, &answered, e);
}

static void more_careful(struct stk500v1 *self)
{
    self->long_reads = false;
    if (self->care < CARE_SMALL)
        self->care++;
    self->stk.ahead = 0;
    self->pace = PACE_NONE;
}

static bool is_lost_step(enum status status)
{
    return status == STATUS_SILENT || status == STATUS_TIMEOUT;
}

enum status stk500v1_recover(struct programmer *p, struct recovery *r, bool headway,
                             enum status status, struct error *e)
{
    struct stk500v1 *self = p->state;
    const struct error reason = *e;
    r->in_a_row = headway ? 0 : r->in_a_row;
    while (is_lost_step(status)) {
        if (++r->in_a_row > RECOVERIES_IN_A_ROW || ++r->total > RECOVERIES) {
            error_hint(e, "bytes get lost between computer and programmer: try another cable, port "
                          "or rate");
            return status;
        }
        if (r->total > 1) /* once may be chance */
            more_careful(self);
        status = resync(p, e);
        if (status == STATUS_OK)
            status = restore(p, e);
        if (status == STATUS_OK)
            context_log(p->context, LOG_NOTE,
                        "out of step with the programmer (%s): in step again, the last block is "
                        "repeated",
                        reason.text);
    }
    return status;
}

static enum status stk500v1_leave(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    self->segment_known = false;
    TRY(stk500v1_ensure_step(p, e));
    return stk_simple(&self->stk, STK_LEAVE_PROGMODE, e);
}

/* LEAVE first: in programming mode ENTER alone gives no RESET pulse. 71 ms in the sketch,
 * Programming Enable included. */
static enum status stk500v1_enter(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    self->segment_known = false;
    TRY(stk500v1_ensure_step(p, e));
    TRY(tell_device(p, e));
    const struct stk_command commands[] = {{.head = {STK_LEAVE_PROGMODE}, .head_size = 1},
                                           {.head = {STK_ENTER_PROGMODE}, .head_size = 1}};
    size_t answered = 0;
    return stk_run(&self->stk, commands, 2, &answered, e);
}

/* The real firmware wants to know its device before it enters. */
static enum status stk500v1_select(struct programmer *p, const struct part *part, struct error *e)
{
    struct stk500v1 *self = p->state;
    (void)part; /* p->part already */
    if (!p->entered || self->sketch || self->device == p->part)
        return STATUS_OK;
    return stk500v1_enter(p, e);
}

void stk500v1_chip_sleep(struct programmer *p, uint32_t us)
{
    p->context->clock->sleep_us(p->context->clock, us);
}

/* --- ranges --------------------------------------------------------------------------------- */

/* What READ_PAGE does in the sketch: 20/28 with a word address, A0 with a byte address, and both
 * begin at an even byte. Atmel's firmware counts EEPROM addresses in bytes, and there are others
 * that nobody has seen: there EEPROM goes by instructions. */
static bool readable(const struct stk500v1 *self, const struct memory *m, uint32_t address,
                     size_t size)
{
    if (address % 2 != 0)
        return false;
    if (m->kind == MEMORY_FLASH)
        return size % 2 == 0 && m->isp.read[0].bytes[0] == 0x20 && m->isp.read[1].present &&
               m->isp.read[1].bytes[0] == 0x28;
    return self->sketch && m->kind == MEMORY_EEPROM && m->isp.read[0].bytes[0] == 0xa0;
}

/* The commands for [done, size) of a read, as many as fit; *trial: only one, to see if a long one
 * is answered. Flash reads advance the sketch's address, EEPROM reads do not. */
static size_t build_reads(const struct stk500v1 *self, const struct memory *m, uint32_t address,
                          uint8_t *data, size_t done, size_t size, struct stk_command *commands,
                          bool *trial)
{
    const bool flash = m->kind == MEMORY_FLASH;
    *trial = self->long_reads && !self->long_reads_proven && size - done > READ_CARE;
    const size_t most = !self->long_reads         ? READ_CARE
                        : self->long_reads_proven ? READ_LONG
                        : *trial                  ? READ_TRIAL
                                                  : READ_CARE;
    size_t built = 0;
    while (done < size && built < (*trial ? 1 : STK500V1_COMMANDS)) {
        const size_t length = size - done < most ? size - done : most;
        commands[built] = (struct stk_command){
            .load_address = built == 0 || !flash || self->stk.ahead == 0,
            .word_address = (uint16_t)((address + done) / 2),
            .head = {STK_READ_PAGE, (uint8_t)(length >> 8), (uint8_t)length, flash ? 'F' : 'E'},
            .head_size = 4,
            .answer = data + done,
            .answer_size = length,
            .progress = (uint32_t)length,
        };
        done += length;
        built++;
    }
    return built;
}

static enum status stk500v1_read(struct programmer *p, const struct memory *m, uint32_t address,
                                 uint8_t *data, size_t size, struct error *e)
{
    struct stk500v1 *self = p->state;
    struct recovery recovery = {0};
    struct stk_command commands[STK500V1_COMMANDS];
    if (!readable(self, m, address, size))
        return error_set(e, STATUS_UNSUPPORTED, "%s: READ_PAGE does not reach it", m->name);
    TRY(stk500v1_ensure_step(p, e));
    for (size_t done = 0; done < size;) {
        bool trial;
        size_t answered = 0;
        const size_t built = build_reads(self, m, address, data, done, size, commands, &trial);
        const enum status status = stk_run(&self->stk, commands, built, &answered, e);
        for (size_t i = 0; i < answered; i++)
            done += commands[i].progress;
        if (status == STATUS_OK) {
            self->long_reads_proven = self->long_reads_proven || trial;
            continue;
        }
        if (stk500v1_recover(p, &recovery, answered > 0, status, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
        if (trial)
            self->long_reads = false;
    }
    return STATUS_OK;
}

/* PROG_PAGE loads with 40/48 and commits with 4C, and knows four page sizes; any other makes it
 * commit each word. EEPROM goes by instructions: the sketch's own way takes 45 ms a byte. */
static bool writable(const struct memory *m)
{
    const uint32_t page = m->page_size;
    return m->kind == MEMORY_FLASH && (page == 32 || page == 64 || page == 128 || page == 256) &&
           m->isp.load[0].present && m->isp.load[0].bytes[0] == 0x40 && m->isp.load[1].present &&
           m->isp.load[1].bytes[0] == 0x48 && m->isp.commit.present &&
           m->isp.commit.bytes[0] == 0x4c;
}

/* One page a block. The sketch reads nothing while it works on one (some 64 ms for 128 bytes); what
 * of the next is sent ahead lies in its ring. After the commit it sleeps 30 ms, but only if
 * PROG_FLICKER is on: `hold_us` keeps it from working on the next page before this one is done. */
static size_t build_writes(const struct stk500v1 *self, const struct memory *m, uint32_t address,
                           const uint8_t *data, size_t done, size_t size,
                           struct stk_command *commands)
{
    const size_t block = self->care == CARE_SMALL ? (size_t)WRITE_CARE : m->page_size;
    size_t built = 0;
    while (done < size && built < STK500V1_COMMANDS) {
        const size_t length = size - done < block ? size - done : block;
        commands[built] = (struct stk_command){
            .load_address = built == 0 || self->stk.ahead == 0,
            .word_address = (uint16_t)((address + done) / 2),
            .head = {STK_PROG_PAGE, (uint8_t)(length >> 8), (uint8_t)length, 'F'},
            .head_size = 4,
            .body = data + done,
            .body_size = length,
            .hold_us = m->write_us,
            .progress = (uint32_t)length,
        };
        done += length;
        built++;
    }
    return built;
}

/* A byte that is lost makes its block one short: the sketch then finds the next command's first
 * byte where EOP belongs, answers NOSYNC and has written nothing. Repeating the block is safe. */
static enum status stk500v1_write(struct programmer *p, const struct memory *m, uint32_t address,
                                  const uint8_t *data, size_t size, struct error *e)
{
    struct stk500v1 *self = p->state;
    struct recovery recovery = {0};
    struct stk_command commands[STK500V1_COMMANDS];
    if (!writable(m))
        return error_set(e, STATUS_UNSUPPORTED, "%s: PROG_PAGE does not suit it", m->name);
    TRY(stk500v1_ensure_step(p, e));
    TRY(tell_device(p, e));
    for (size_t done = 0; done < size;) {
        size_t answered = 0;
        const size_t built = build_writes(self, m, address, data, done, size, commands);
        const enum status status = stk_run(&self->stk, commands, built, &answered, e);
        for (size_t i = 0; i < answered; i++)
            done += commands[i].progress;
        if (answered > 0)
            stk500v1_chip_sleep(p, m->write_us); /* the last page is done, and so is its wait */
        if (status != STATUS_OK &&
            stk500v1_recover(p, &recovery, answered > 0, status, e) != STATUS_OK)
            return error_in(e, "0x%04lx", (unsigned long)(address + done));
    }
    return STATUS_OK;
}

/* Boards that carry such firmware, and the USB adapters on their clones. */
static const struct stream_usb_id serial_ids[] = {
    {0x2341, 0x0043}, {0x2341, 0x0001}, {0x2341, 0x0243}, {0x2341, 0x006a}, /* Uno */
    {0x2a03, 0x0043},                                                       /* Uno */
    {0x2341, 0x0010}, {0x2341, 0x0042}, {0x2341, 0x0210}, {0x2341, 0x0242}, /* Mega */
    {0x2341, 0x8036}, {0x2341, 0x8037},                                     /* Leonardo, Micro */
    {0x1b4f, 0x9204}, {0x1b4f, 0x9206},                                     /* Pro Micro */
    {0x16c0, 0x0483},                                                       /* Teensy */
    {0x1a86, 0x7523},                                                       /* CH340 */
    {0x0403, 0x6001}, {0x0403, 0x6015},                                     /* FT232R, FT231X */
    {0x10c4, 0xea60},                                                       /* CP210x */
    {0, 0},
};

/* AVR061, "Get Parameter Value", VTARGET: in tenths of a volt. The sketch answers 0 whatever there
 * is. */
static enum status stk500v1_voltage(struct programmer *p, uint32_t *millivolts, struct error *e)
{
    struct stk500v1 *self = p->state;
    uint8_t tenths = 0;
    if (self->sketch)
        return error_set(e, STATUS_UNSUPPORTED, "the ArduinoISP sketch measures no voltage");
    TRY(stk500v1_ensure_step(p, e));
    TRY(stk_get_parameter(&self->stk, STK_VTARGET, &tenths, e));
    *millivolts = tenths * 100u;
    return STATUS_OK;
}

const struct programmer_driver stk500v1_driver = {
    .name = "stk500v1",
    .proven = "firmware",
    .features = PROGRAMMER_ENABLES,
    .state_size = sizeof(struct stk500v1),
    .serial_ids = serial_ids,
    .sck_fixed_hint = "lower SPI_CLOCK in the ArduinoISP sketch and load it again",
    .open = stk500v1_open,
    .close = stk500v1_close,
    .select = stk500v1_select,
    .enter = stk500v1_enter,
    .leave = stk500v1_leave,
    .exchange = stk500v1_exchange,
    .read = stk500v1_read,
    .write = stk500v1_write,
    .voltage = stk500v1_voltage,
};
