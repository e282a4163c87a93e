/* USBtinyISP and its relatives (ArduinoISP board, FabISP, SparkFun Pocket AVR Programmer).
 *
 * A low-speed device of nothing but vendor requests on endpoint 0. It bit-bangs SPI and knows how
 * to read and to load flash and EEPROM in blocks; page writes, fuses and all else are single
 * instructions by request 7. Blocks carry 16 address bits: flash above 64 KiB is loaded in blocks
 * all the same, as only the place in the page counts there, and read by instructions.
 *
 * Sources: USBtiny firmware 1.5 by Dick Streefland, usbtinyisp/main.c and usbtiny/usb.c; figures
 * marked "measured" come from that firmware run instruction by instruction in an ATtiny2313 at
 * 12 MHz. */
#include <stdio.h>
#include <string.h>

#include "busy.h"
#include "drivers.h"
#include "encode.h"
#include "link/usb.h"
#include "usb_device.h"

/* usbtinyisp/main.c: bRequest; wValue and wIndex are the arguments. */
enum {
    USBTINY_ECHO = 0,
    USBTINY_POWERUP = 5,      /* SCK period in us, level of RESET */
    USBTINY_POWERDOWN = 6,    /* all pins released */
    USBTINY_SPI = 7,          /* the four bytes of an instruction */
    USBTINY_POLL_BYTES = 8,   /* two values that never end a poll */
    USBTINY_FLASH_READ = 9,   /* -, byte address */
    USBTINY_FLASH_WRITE = 10, /* poll time limit in us or 0, byte address */
    USBTINY_EEPROM_READ = 11,
    USBTINY_EEPROM_WRITE = 12
};

enum {
    PERIOD_MIN_US = 1,
    PERIOD_MAX_US = 250,
    SEGMENT_SIZE = 0x20000, /* what 16-bit word addresses cover */
    BLOCK_REACH = 0x10000,  /* what 16 address bits cover */
    READ_MAX = 248,  /* the length is counted in 8 bits; the V-USB port bears 254; packets have 8 */
    WRITE_MAX = 128, /* half a page of the largest parts, a page of most */
    BYTE_MODE_MAX = 16,    /* bytes that are programmed one by one, up to 20 ms each */
    TRANSFER_US = 250000,  /* no block should take longer, for progress and for who wants out */
    POLL_LIMIT_US = 50000, /* the 16-bit counter must not wrap */
    TIMEOUT_MS = 500,
    ENTER_US = 25000, /* ATmega328P data sheet, "Serial Programming Algorithm": at least 20 ms */
    /* Between the end of an instruction and the host's knowing, and between the start of a transfer
     * and its first instruction, a low-speed bus needs two packets each: 117 us for each of 8 bytes
     * (USB 2.0 specification, "Bus Transaction Times"), 67 us for an empty one. */
    BUS_LEAD_US = 400
};

struct usbtiny {
    struct usb *usb;
    uint8_t period_us;
    struct busy busy;
    uint32_t page_usual_us; /* learned: when a page is usually written */
    uint8_t answers[2 * USB_QUEUE_MAX][4];
};

/* --- timing --------------------------------------------------------------------------------- */

/* Measured: an SPI byte takes 96 x period + 140 cycles of 12 MHz. */
static uint32_t spi_byte_ns(uint8_t period_us)
{
    return (96u * period_us + 140u) * 1000u / 12u;
}

/* Measured: a block's byte takes one instruction and 64 cycles. */
static uint32_t block_byte_us(const struct usbtiny *self)
{
    return (4 * spi_byte_ns(self->period_us) + 64u * 1000u / 12u) / 1000u + 1;
}

static uint32_t sck_hz(uint8_t period_us)
{
    return 8u * 12000000u / (96u * period_us + 140u);
}

/* A transfer of `bytes` that take the device `byte_us` each. USB work may double that. */
static unsigned timeout_ms(size_t bytes, uint64_t byte_us)
{
    return TIMEOUT_MS + (unsigned)(2 * bytes * byte_us / 1000);
}

/* Bytes in a block: whole packets of 8, at most `most`. */
static size_t block_size(const struct usbtiny *self, size_t most)
{
    const size_t in_time = (size_t)TRANSFER_US / block_byte_us(self) / 8 * 8;
    return in_time < 8 ? 8 : in_time < most ? in_time : most;
}

/* --- messages ------------------------------------------------------------------------------- */

static enum status usbtiny_simple(struct usbtiny *self, const char *name, uint8_t request,
                                  uint16_t value, uint16_t index, struct error *e)
{
    const struct usb_request message = {
        .name = name, .type = USB_VENDOR_IN, .request = request, .value = value, .index = index};
    return usb_queue_in(self->usb, &message, NULL, 0, TIMEOUT_MS, 0, e);
}

/* The device answers with the SETUP packet itself. */
static enum status usbtiny_echo(struct programmer *p, struct error *e)
{
    struct usbtiny *self = p->state;
    const struct usb_request message = {.name = "ECHO",
                                        .type = USB_VENDOR_IN,
                                        .request = USBTINY_ECHO,
                                        .value = 0x55aa,
                                        .index = 0x1234};
    static const uint8_t wanted[8] = {USB_VENDOR_IN, USBTINY_ECHO, 0xaa, 0x55, 0x34, 0x12, 8, 0};
    uint8_t answer[8];
    size_t got = 0;
    TRY(usb_ask(self->usb, &message, answer, sizeof answer, TIMEOUT_MS, &got, e));
    if (got == sizeof answer && memcmp(answer, wanted, sizeof answer) == 0)
        return STATUS_OK;
    return error_set(e, STATUS_SILENT, "%s does not speak the protocol of a USBtinyISP",
                     self->usb->name);
}

/* Sets SCK and the level of RESET; SCK and MOSI go low. Sent again with RESET active it changes SCK
 * without leaving programming mode. */
static enum status usbtiny_powerup(struct programmer *p, bool reset_high, struct error *e)
{
    struct usbtiny *self = p->state;
    return usbtiny_simple(self, "POWERUP", USBTINY_POWERUP, self->period_us, reset_high ? 1 : 0, e);
}

/* Whether an instruction only looks: then it does no harm twice. */
enum repeat { ONCE, REPEATABLE };

/* Four bytes out, low byte of wValue first; the four that came in meanwhile, or none if the device
 * forgot its POWERUP. */
static enum status usbtiny_spi(struct usbtiny *self, enum repeat repeat, const uint8_t mosi[4],
                               uint8_t miso[4], uint32_t progress, struct error *e)
{
    const struct usb_request message = {
        .name = "SPI",
        .type = USB_VENDOR_IN,
        .request = USBTINY_SPI,
        .value = (uint16_t)(mosi[0] | mosi[1] << 8),
        .index = (uint16_t)(mosi[2] | mosi[3] << 8),
        .repeatable = repeat == REPEATABLE,
    };
    return usb_queue_in(self->usb, &message, miso, 4, TIMEOUT_MS, progress, e);
}

/* --- waiting -------------------------------------------------------------------------------- */

/* The question that tells a busy chip from a ready one. */
struct question {
    uint8_t mosi[4];
    uint8_t mask, wanted; /* of the fourth byte */
};

/* ATmega328P data sheet, "Serial Programming Instruction Set", Poll RDY/BSY. */
static const struct question ready_poll = {.mosi = {0xf0}, .mask = 1, .wanted = 0};

static enum status usbtiny_ask(struct programmer *p, const void *user, bool *ready, struct error *e)
{
    struct usbtiny *self = p->state;
    const struct question *question = user;
    uint8_t miso[4];
    TRY(usbtiny_spi(self, REPEATABLE, question->mosi, miso, 0, e));
    TRY(usb_finish(self->usb, e));
    *ready = (miso[3] & question->mask) == question->wanted;
    return STATUS_OK;
}

/* All that is queued was sent, and the chip is busy for up to `wait_us` with the last of it.
 * `question` NULL: the time must pass. */
static enum status usbtiny_wait(struct programmer *p, uint32_t wait_us, uint32_t *usual_us,
                                const struct question *question, struct error *e)
{
    struct usbtiny *self = p->state;
    self->busy.until_us = context_now_us(p->context) + wait_us; /* should it fail now */
    TRY(usb_finish(self->usb, e));
    const uint32_t left_us = wait_us > BUS_LEAD_US ? wait_us - BUS_LEAD_US : 0;
    return busy_wait(p, &self->busy, left_us, usual_us, question != NULL ? usbtiny_ask : NULL,
                     question, e);
}

/* --- the device, programming mode ----------------------------------------------------------- */

static enum status usbtiny_open(struct programmer *p, struct error *e)
{
    struct usbtiny *self = p->state;
    self->period_us = 10;
    TRY(usb_device_open(p, &self->usb, e));
    TRY(usbtiny_echo(p, e));
    char firmware[16];
    (void)snprintf(firmware, sizeof firmware, "%x.%02x", self->usb->info.release >> 8,
                   self->usb->info.release & 0xff);
    context_value(p->context, "firmware", firmware, NULL, 0);
    return STATUS_OK;
}

static void usbtiny_close(struct programmer *p)
{
    struct usbtiny *self = p->state;
    usb_close(self->usb);
    self->usb = NULL;
}

/* A RESET pulse with SCK low, as long as one transfer takes: more than two cycles of any clock. */
static enum status usbtiny_enter(struct programmer *p, struct error *e)
{
    struct usbtiny *self = p->state;
    const bool active_high = p->part->reset_active_high;
    busy_rest(p, &self->busy);
    TRY(usbtiny_powerup(p, !active_high, e));
    TRY(usbtiny_powerup(p, active_high, e));
    TRY(usb_finish(self->usb, e));
    return context_sleep(p->context, ENTER_US, e);
}

static enum status usbtiny_leave(struct programmer *p, struct error *e)
{
    struct usbtiny *self = p->state;
    busy_rest(p, &self->busy);
    TRY(usbtiny_simple(self, "POWERDOWN", USBTINY_POWERDOWN, 0, 0, e));
    return usb_finish(self->usb, e);
}

/* -i is the time between two edges of SCK, of which a period has two. */
static enum status usbtiny_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                   struct error *e)
{
    struct usbtiny *self = p->state;
    uint32_t period_us = 2 * p->config->edge_delay_us;
    if (period_us < PERIOD_MIN_US)
        period_us = PERIOD_MIN_US;
    while (period_us < PERIOD_MAX_US && sck_hz((uint8_t)period_us) > hz)
        period_us++;
    self->period_us = (uint8_t)(period_us < PERIOD_MAX_US ? period_us : PERIOD_MAX_US);
    if (p->entered) {
        TRY(usbtiny_powerup(p, p->part->reset_active_high, e));
        TRY(usb_finish(self->usb, e));
    }
    *actual_hz = sck_hz(self->period_us);
    return STATUS_OK;
}

static enum status usbtiny_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                    struct error *e)
{
    struct usbtiny *self = p->state;
    for (size_t i = 0; i < count; i++) {
        TRY(usbtiny_spi(self, ONCE, batch[i].mosi, batch[i].miso, 0, e));
        if (batch[i].wait_us == 0)
            continue;
        TRY(usbtiny_wait(p, batch[i].wait_us, NULL, batch[i].ready_poll ? &ready_poll : NULL, e));
    }
    return usb_finish(self->usb, e);
}

/* --- ranges --------------------------------------------------------------------------------- */

static bool is_command(const struct isp_command *c, uint8_t code)
{
    return c->present && c->bytes[0] == code && c->map_count == 0 && c->address_shift == 0;
}

/* What the firmware sends by itself: 20 and 28 with a word address, A0 with a byte address. */
static bool blocks_read(const struct memory *m)
{
    if (m->kind == MEMORY_FLASH)
        return is_command(&m->isp.read[0], 0x20) && is_command(&m->isp.read[1], 0x28);
    return m->kind == MEMORY_EEPROM && is_command(&m->isp.read[0], 0xa0);
}

static enum status read_blocks(struct usbtiny *self, const struct memory *m, uint32_t address,
                               uint8_t *data, size_t size, struct error *e)
{
    const bool flash = m->kind == MEMORY_FLASH;
    struct usb_request message = {
        .name = flash ? "FLASH_READ" : "EEPROM_READ",
        .type = USB_VENDOR_IN,
        .request = flash ? USBTINY_FLASH_READ : USBTINY_EEPROM_READ,
        .repeatable = true,
    };
    const size_t most = block_size(self, READ_MAX);
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < most ? size - done : most;
        message.index = (uint16_t)(address + done);
        TRY(usb_queue_in(self->usb, &message, data + done, part,
                         timeout_ms(part, block_byte_us(self)), (uint32_t)part, e));
        done += part;
    }
    return usb_finish(self->usb, e);
}

/* One instruction a byte, without a pause: when a transfer enters the queue, the one that was there
 * USB_QUEUE_MAX before has ended. */
static enum status read_bytes(struct usbtiny *self, const struct memory *m, uint32_t offset,
                              uint8_t *data, size_t size, struct error *e)
{
    enum { RING = 2 * USB_QUEUE_MAX };
    for (size_t i = 0; i < size + USB_QUEUE_MAX; i++) {
        if (i < size) {
            const uint32_t at = offset + (uint32_t)i;
            uint8_t mosi[4];
            encode_instruction(&m->isp.read[encode_half(m, at)], encode_address(m, at), 0, mosi);
            TRY(usbtiny_spi(self, REPEATABLE, mosi, self->answers[i % RING], 1, e));
        } else if (i == size) {
            TRY(usb_finish(self->usb, e));
        }
        if (i >= USB_QUEUE_MAX)
            data[i - USB_QUEUE_MAX] = self->answers[(i - USB_QUEUE_MAX) % RING][3];
    }
    return STATUS_OK;
}

static enum status usbtiny_read(struct programmer *p, const struct memory *m, uint32_t address,
                                uint8_t *data, size_t size, struct error *e)
{
    struct usbtiny *self = p->state;
    if (!blocks_read(m))
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be read in blocks", m->name);
    /* Beyond 128 KiB the chip adds what Load Extended Address said last. */
    const uint32_t first = (m->base + address) % SEGMENT_SIZE;
    size_t in_blocks = first < BLOCK_REACH ? BLOCK_REACH - first : 0;
    in_blocks = in_blocks < size ? in_blocks : size;
    enum status status = read_blocks(self, m, first, data, in_blocks, e);
    if (status == STATUS_OK)
        status = read_bytes(self, m, address + (uint32_t)in_blocks, data + in_blocks,
                            size - in_blocks, e);
    return status;
}

/* Data that goes into the page buffer, or into byte-wise memory with the device polling. */
static enum status write_block(struct usbtiny *self, const struct memory *m, uint32_t poll_us,
                               uint32_t address, const uint8_t *data, size_t size,
                               uint32_t progress, struct error *e)
{
    const bool flash = m->kind == MEMORY_FLASH;
    const struct usb_request message = {
        .name = flash ? "FLASH_WRITE" : "EEPROM_WRITE",
        .type = USB_VENDOR_OUT,
        .request = flash ? USBTINY_FLASH_WRITE : USBTINY_EEPROM_WRITE,
        .value = (uint16_t)poll_us,
        .index = (uint16_t)address,
    };
    /* A poll counts 32 periods and takes an instruction. */
    const uint64_t polls = poll_us / (32u * self->period_us) + 1;
    const uint64_t byte_us = block_byte_us(self) * (1 + (poll_us > 0 ? polls : 0));
    return usb_queue_out(self->usb, &message, data, size, timeout_ms(size, byte_us), progress, e);
}

/* The question for a page that was just written; false: none, the full time must pass. */
static bool page_question(const struct memory *m, uint32_t address, const uint8_t *data,
                          struct question *question)
{
    if (m->poll == POLL_READY) {
        *question = ready_poll;
        return true;
    }
    for (uint32_t i = 0; m->poll == POLL_VALUE && i < m->page_size; i++) {
        bool pollable = true;
        for (uint8_t k = 0; k < m->poll_value_count; k++)
            pollable &= data[i] != m->poll_values[k];
        if (!pollable)
            continue;
        const uint32_t at = address + i;
        *question = (struct question){.mask = 0xff, .wanted = data[i]};
        encode_instruction(&m->isp.read[encode_half(m, at)], encode_address(m, at), 0,
                           question->mosi);
        return true;
    }
    return false;
}

static enum status write_page(struct programmer *p, const struct memory *m, uint32_t address,
                              const uint8_t *data, struct error *e)
{
    struct usbtiny *self = p->state;
    const size_t most = block_size(self, WRITE_MAX);
    struct question question;
    uint8_t commit[4];
    for (uint32_t done = 0; done < m->page_size;) {
        const uint32_t left = m->page_size - done;
        const uint32_t part = left < most ? left : (uint32_t)most;
        TRY(write_block(self, m, 0, m->base + address + done, data + done, part, 0, e));
        done += part;
    }
    encode_instruction(&m->isp.commit, encode_address(m, address), 0, commit);
    TRY(usbtiny_spi(self, ONCE, commit, self->answers[0], m->page_size, e));
    const bool asks = page_question(m, address, data, &question);
    return usbtiny_wait(p, m->write_us, &self->page_usual_us, asks ? &question : NULL, e);
}

/* Pages of flash, loaded by 40 and 48 and programmed by one more instruction. */
static bool pages_written(const struct memory *m)
{
    return m->kind == MEMORY_FLASH && m->page_size > 0 && is_command(&m->isp.load[0], 0x40) &&
           is_command(&m->isp.load[1], 0x48) && m->isp.commit.present;
}

/* Memory without pages whose end of writing shows in its value: the device polls it itself. (EEPROM
 * pages go by instructions: four bytes in one write time.) */
static bool bytes_written(const struct memory *m)
{
    const bool flash = m->kind == MEMORY_FLASH && is_command(&m->isp.write[0], 0x40) &&
                       is_command(&m->isp.write[1], 0x48);
    const bool eeprom = m->kind == MEMORY_EEPROM && is_command(&m->isp.write[0], 0xc0);
    return (flash || eeprom) && m->page_size == 0 && m->poll == POLL_VALUE &&
           m->poll_value_count > 0 && m->write_us <= POLL_LIMIT_US && m->size <= BLOCK_REACH;
}

static enum status write_bytes(struct programmer *p, const struct memory *m, uint32_t address,
                               const uint8_t *data, size_t size, struct error *e)
{
    struct usbtiny *self = p->state;
    const uint8_t second = m->poll_values[m->poll_value_count > 1 ? 1 : 0];
    TRY(usbtiny_simple(self, "POLL_BYTES", USBTINY_POLL_BYTES,
                       (uint16_t)(m->poll_values[0] | second << 8), 0, e));
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < BYTE_MODE_MAX ? size - done : BYTE_MODE_MAX;
        TRY(write_block(self, m, m->write_us, m->base + address + (uint32_t)done, data + done, part,
                        (uint32_t)part, e));
        done += part;
    }
    self->busy.until_us = context_now_us(p->context) + m->write_us; /* should finishing fail */
    TRY(usb_finish(self->usb, e));
    self->busy.until_us = 0;
    return STATUS_OK;
}

static enum status usbtiny_write(struct programmer *p, const struct memory *m, uint32_t address,
                                 const uint8_t *data, size_t size, struct error *e)
{
    if (bytes_written(m))
        return write_bytes(p, m, address, data, size, e);
    if (!pages_written(m))
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be written in blocks", m->name);
    for (size_t done = 0; done < size; done += m->page_size)
        if (write_page(p, m, address + (uint32_t)done, data + done, e) != STATUS_OK)
            return error_in(e, "page 0x%04lx", (unsigned long)(address + done));
    return STATUS_OK;
}

const struct programmer_driver usbtiny_driver = {
    .name = "usbtiny",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO,
    .state_size = sizeof(struct usbtiny),
    .sck_min_hz = 3980,
    .sck_max_hz = 406779,
    .check = usb_device_check,
    .open = usbtiny_open,
    .close = usbtiny_close,
    .enter = usbtiny_enter,
    .leave = usbtiny_leave,
    .exchange = usbtiny_exchange,
    .read = usbtiny_read,
    .write = usbtiny_write,
    .set_sck = usbtiny_set_sck,
};
