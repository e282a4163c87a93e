/* USBasp and its relatives (clones, NIBObee).
 *
 * A low-speed device of nothing but vendor requests on endpoint 0, with a firmware of many
 * versions. It reads and writes flash in blocks, commits pages and waits for them by itself; fuses
 * and all else are single instructions by TRANSMIT. EEPROM and byte-wise flash are written by
 * instructions too: the firmware waits a fixed 9.6 ms for each byte of the one, and polls the other
 * for a value that few chips show.
 *
 * Sources: USBasp firmware 2011-05-28 by Thomas Fischl, main.c and isp.c; its forks by nerdralph
 * (1.06, 1.07) and dioannidis (1.09 to 1.11); V-USB, usbdrv.c. Figures marked "measured" come from
 * the firmwares 1.05, 1.07 and 1.11 run instruction by instruction in an ATmega8 at 12 MHz. */
#include <inttypes.h>
#include <stdio.h>

#include "busy.h"
#include "drivers.h"
#include "encode.h"
#include "link/usb.h"
#include "usb_device.h"

/* main.c, usbFunctionSetup(): bRequest; wValue and wIndex are the arguments. */
enum {
    USBASP_CONNECT = 1,
    USBASP_DISCONNECT = 2,
    USBASP_TRANSMIT = 3,  /* the four bytes of an instruction */
    USBASP_READFLASH = 4, /* byte address */
    USBASP_ENABLEPROG = 5,
    USBASP_WRITEFLASH = 6,     /* byte address, page size and flags */
    USBASP_READEEPROM = 7,     /* byte address */
    USBASP_SETLONGADDRESS = 9, /* 32 address bits, which then count up; until CONNECT the blocks'
                                  own address is ignored */
    USBASP_SETISPSCK = 10,     /* option; takes effect at CONNECT */
    USBASP_GETCAPABILITIES = 127
};

enum { BLOCK_FIRST = 0x0100 }; /* in wIndex of WRITEFLASH: the page counter begins anew */

enum {
    READ_MAX =
        248, /* V-USB counts the length in 8 bits; measured: 254 is the most; packets have 8 */
    WRITE_MAX = 1024, /* measured: 4096 work everywhere; for progress and for who wants out, less */
    TRANSFER_US = 250000,   /* no block should take longer */
    BLOCK_REACH = 0x10000,  /* what 16 address bits cover */
    FLASH_OVERHEAD_US = 32, /* measured: 52.8 us a byte loaded at 1.5 MHz, of which SCK is 21.3 */
    PAGE_POLL_US = 9600,    /* isp.c: 30 x 320 us at most */
    PAGE_FIXED_US = 5000, /* 15 x 320 us if the page ends in 0xff: enough for tWD_FLASH of 4.5 ms */
    TIMEOUT_MS = 500,
    ENABLE_TIMEOUT_MS = 5000, /* measured: 1.5 s to try all SCK options */
    ENTER_US = 25000, /* ATmega328P data sheet, "Serial Programming Algorithm": at least 20 ms */
    TRY_US = 20640, /* 1.07 on: RESET pulse and wait of one try, of which there are three per SCK */
    /* Between the end of an instruction and the host's knowing, and between the start of a transfer
     * and its first instruction, a low-speed bus needs two packets each: 117 us for each of 8 bytes
     * (USB 2.0 specification, "Bus Transaction Times"), 67 us for an empty one. */
    BUS_LEAD_US = 400
};

/* usbasp.h, USBASP_ISP_SCK_*: what the options mean with a 12 MHz crystal. */
static const uint32_t sck_options[] = {
    0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 93750, 187500, 375000, 750000, 1500000, 3000000,
};
enum { SCK_AUTO = 0, SCK_SLOWEST = 1, SCK_1500KHZ = 12, SCK_3MHZ = 13 };

/* GETCAPABILITIES, first and last byte. The forks that know 3 MHz mark themselves differently. */
enum {
    CAPABILITY_SERIAL_BY_HID = 0x20, /* dioannidis */
    CAPABILITY_HID_UART = 0x80,      /* dioannidis */
    CAPABILITY_3MHZ = 0x01           /* last byte; UsbAsp-flash */
};

struct usbasp {
    struct usb *usb;
    struct busy busy;
    uint8_t sck_option; /* asked for; SCK_AUTO: never */
    uint8_t sck_last;   /* highest option the firmware knows */
    uint8_t crystal_mhz;
    bool connected, enabled;
    uint32_t sck_hz; /* what the chip sees, as far as we can tell */
    bool long_address;
    uint32_t next_address; /* where the firmware counts on, once long_address */
};

/* --- timing --------------------------------------------------------------------------------- */

static uint32_t option_hz(const struct usbasp *self, uint8_t option)
{
    return (uint32_t)((uint64_t)sck_options[option] * self->crystal_mhz / 12);
}

/* A byte of flash or EEPROM: one instruction. */
static uint32_t byte_us(const struct usbasp *self)
{
    return 32u * 1000000u / self->sck_hz + FLASH_OVERHEAD_US;
}

/* USB work may double it, and what SCK is may be a guess. */
static unsigned timeout_ms(const struct usbasp *self, size_t bytes)
{
    return TIMEOUT_MS + (unsigned)(4 * bytes * byte_us(self) / 1000);
}

static size_t block_size(const struct usbasp *self, size_t most)
{
    const size_t in_time = (size_t)TRANSFER_US / byte_us(self) / 8 * 8;
    return in_time < 8 ? 8 : in_time < most ? in_time : most;
}

/* --- messages ------------------------------------------------------------------------------- */

static struct usb_request vendor_in(const char *name, uint8_t request, uint16_t value,
                                    uint16_t index)
{
    return (struct usb_request){
        .name = name, .type = USB_VENDOR_IN, .request = request, .value = value, .index = index};
}

/* A request without data. */
static enum status usbasp_simple(struct usbasp *self, const char *name, uint8_t request,
                                 uint16_t value, uint16_t index, struct error *e)
{
    const struct usb_request message = vendor_in(name, request, value, index);
    return usb_queue_in(self->usb, &message, NULL, 0, TIMEOUT_MS, 0, e);
}

/* Four bytes out, low byte of wValue first; the four that came in meanwhile. Firmware from 1.07 on
 * hangs until it is unplugged if the chip was not enabled before (measured). */
static enum status usbasp_transmit(struct usbasp *self, const uint8_t mosi[4], uint8_t miso[4],
                                   struct error *e)
{
    if (!self->enabled)
        return error_set(e, STATUS_NO_TARGET, "%s: the chip is not in programming mode",
                         self->usb->name);
    const struct usb_request message =
        vendor_in("TRANSMIT", USBASP_TRANSMIT, (uint16_t)(mosi[0] | mosi[1] << 8),
                  (uint16_t)(mosi[2] | mosi[3] << 8));
    const unsigned instruction_ms = 4 * 32u * 1000u / self->sck_hz;
    return usb_queue_in(self->usb, &message, miso, 4, TIMEOUT_MS + instruction_ms, 0, e);
}

/* An empty answer means that the firmware does not know the request. */
static enum status usbasp_send_sck(struct usbasp *self, bool *known, struct error *e)
{
    const struct usb_request message =
        vendor_in("SETISPSCK", USBASP_SETISPSCK, self->sck_option, 0);
    uint8_t answer[1];
    size_t got = 0;
    TRY(usb_ask(self->usb, &message, answer, sizeof answer, TIMEOUT_MS, &got, e));
    *known = got == 1 && answer[0] == 0;
    return STATUS_OK;
}

/* --- the device ----------------------------------------------------------------------------- */

/* Old firmware answers with nothing. */
static enum status read_capabilities(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    const struct usb_request message = vendor_in("GETCAPABILITIES", USBASP_GETCAPABILITIES, 0, 0);
    static const uint8_t crystals_mhz[] = {12, 16, 18, 20};
    uint8_t answer[4] = {0};
    size_t got = 0;
    TRY(usb_ask(self->usb, &message, answer, sizeof answer, TIMEOUT_MS, &got, e));
    const bool whole = got == sizeof answer;
    const bool dioannidis =
        whole && (answer[0] & (CAPABILITY_SERIAL_BY_HID | CAPABILITY_HID_UART)) != 0;
    const bool fast = dioannidis || (whole && (answer[3] & CAPABILITY_3MHZ) != 0);
    self->sck_last = fast ? SCK_3MHZ : SCK_1500KHZ;
    self->crystal_mhz =
        dioannidis && answer[1] < sizeof crystals_mhz ? crystals_mhz[answer[1]] : crystals_mhz[0];
    char firmware[64];
    (void)snprintf(firmware, sizeof firmware, "%x.%02x, capabilities %02x %02x %02x %02x%s",
                   self->usb->info.release >> 8, self->usb->info.release & 0xff, answer[0],
                   answer[1], answer[2], answer[3], whole ? "" : " (it does not tell)");
    context_value(p->context, "firmware", firmware, NULL, 0);
    return STATUS_OK;
}

static enum status usbasp_open(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    self->sck_option = SCK_AUTO;
    TRY(usb_device_open(p, &self->usb, e));
    TRY(read_capabilities(p, e));
    self->sck_hz = option_hz(self, 10); /* 375 kHz, where SCK cannot be set */
    return STATUS_OK;
}

static void usbasp_close(struct programmer *p)
{
    struct usbasp *self = p->state;
    usb_close(self->usb);
    self->usb = NULL;
}

static enum status usbasp_select(struct programmer *p, const struct part *part, struct error *e)
{
    if (!part->reset_active_high)
        return STATUS_OK;
    return error_set(e, STATUS_UNSUPPORTED,
                     "%s wants RESET high for programming, which a %s cannot do", part->name,
                     p->entry->id);
}

/* --- programming mode ----------------------------------------------------------------------- */

static enum status usbasp_disconnect(struct usbasp *self, struct error *e)
{
    self->connected = self->enabled = false;
    TRY(usbasp_simple(self, "DISCONNECT", USBASP_DISCONNECT, 0, 0, e));
    return usb_finish(self->usb, e);
}

/* What firmware from 1.07 on arrived at: it steps SCK down, three tries each, until the chip
 * answers, and tells nobody. The time it took does. */
static uint8_t settled_option(const struct usbasp *self, uint64_t took_us)
{
    uint8_t option = self->sck_option != SCK_AUTO ? self->sck_option : SCK_1500KHZ;
    for (; option > SCK_SLOWEST; option--) {
        const uint64_t step_us = 3 * (TRY_US + 32u * UINT64_C(1000000) / option_hz(self, option));
        if (took_us < step_us)
            break;
        took_us -= step_us;
    }
    return option;
}

static enum status usbasp_enable(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    const struct usb_request message = vendor_in("ENABLEPROG", USBASP_ENABLEPROG, 0, 0);
    uint8_t answer[1] = {1};
    size_t got = 0;
    const uint64_t begin = context_now_us(p->context);
    TRY(usb_ask(self->usb, &message, answer, sizeof answer, ENABLE_TIMEOUT_MS, &got, e));
    const uint64_t took_us = context_now_us(p->context) - begin;
    self->enabled = got == 1 && answer[0] == 0;
    if (!self->enabled)
        return error_set(e, STATUS_NO_TARGET, "%s: no answer from the chip", self->usb->name);
    const uint8_t wanted = self->sck_option;
    const uint8_t option = settled_option(self, took_us);
    if (self->usb->info.release >= 0x0107 && wanted != SCK_AUTO && option < wanted) {
        self->sck_hz = option_hz(self, option);
        context_log(p->context, LOG_DETAIL, "%s: the firmware lowered SCK to about %" PRIu32 " Hz",
                    self->usb->name, self->sck_hz);
    }
    return STATUS_OK;
}

/* SETISPSCK before CONNECT, where it takes effect; DISCONNECT may have forgotten it. The wait is
 * for firmware before 1.07, which tries at once. */
static enum status usbasp_connect(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    bool known;
    self->enabled = false;
    if (self->sck_option != SCK_AUTO) {
        TRY(usbasp_send_sck(self, &known, e));
        if (!known)
            return error_set(e, STATUS_SILENT, "%s no longer answers to SETISPSCK",
                             self->usb->name);
        self->sck_hz = option_hz(self, self->sck_option);
    }
    TRY(usbasp_simple(self, "CONNECT", USBASP_CONNECT, 0, 0, e));
    TRY(usb_finish(self->usb, e));
    self->connected = true;
    self->long_address = false;
    TRY(context_sleep(p->context, ENTER_US, e));
    return usbasp_enable(p, e);
}

static enum status usbasp_enter(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    busy_rest(p, &self->busy);
    if (self->connected)
        TRY(usbasp_disconnect(self, e));
    return usbasp_connect(p, e);
}

static enum status usbasp_leave(struct programmer *p, struct error *e)
{
    struct usbasp *self = p->state;
    busy_rest(p, &self->busy);
    return usbasp_disconnect(self, e);
}

/* In programming mode it takes a new CONNECT, which is a RESET pulse, to change SCK. */
static enum status usbasp_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                  struct error *e)
{
    struct usbasp *self = p->state;
    uint8_t option = self->sck_last;
    bool known;
    while (option > SCK_SLOWEST && option_hz(self, option) > hz)
        option--;
    const uint8_t before = self->sck_option;
    if (self->enabled && option == before) {
        *actual_hz = option_hz(self, option);
        return STATUS_OK;
    }
    self->sck_option = option;
    TRY(usbasp_send_sck(self, &known, e));
    if (!known) {
        self->sck_option = before;
        context_log(p->context, LOG_DETAIL, "%s: its firmware cannot set SCK, which is fixed",
                    self->usb->name);
        return error_set(e, STATUS_UNSUPPORTED, "%s: its firmware cannot set SCK", self->usb->name);
    }
    if (self->enabled) {
        busy_rest(p, &self->busy);
        TRY(usbasp_connect(p, e));
    }
    *actual_hz = option_hz(self, option);
    return STATUS_OK;
}

/* --- instructions --------------------------------------------------------------------------- */

/* ATmega328P data sheet, "Serial Programming Instruction Set", Poll RDY/BSY. */
static enum status usbasp_ask_ready(struct programmer *p, const void *question, bool *ready,
                                    struct error *e)
{
    struct usbasp *self = p->state;
    static const uint8_t poll[4] = {0xf0, 0, 0, 0};
    uint8_t miso[4];
    (void)question;
    TRY(usbasp_transmit(self, poll, miso, e));
    TRY(usb_finish(self->usb, e));
    *ready = (miso[3] & 1) == 0;
    return STATUS_OK;
}

static enum status usbasp_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                   struct error *e)
{
    struct usbasp *self = p->state;
    for (size_t i = 0; i < count; i++) {
        const uint32_t wait_us = batch[i].wait_us;
        TRY(usbasp_transmit(self, batch[i].mosi, batch[i].miso, e));
        if (wait_us == 0)
            continue;
        self->busy.until_us = context_now_us(p->context) + wait_us; /* should it fail now */
        TRY(usb_finish(self->usb, e));
        TRY(busy_wait(p, &self->busy, wait_us > BUS_LEAD_US ? wait_us - BUS_LEAD_US : 0, NULL,
                      batch[i].ready_poll ? usbasp_ask_ready : NULL, NULL, e));
    }
    return usb_finish(self->usb, e);
}

/* --- ranges --------------------------------------------------------------------------------- */

static bool is_command(const struct isp_command *c, uint8_t code)
{
    return c->present && c->bytes[0] == code && c->map_count == 0 && c->address_shift == 0;
}

/* What the firmware sends by itself (isp.c): 20 and 28 with a word address, A0 with a byte
 * address. */
static bool blocks_read(const struct memory *m)
{
    if (m->kind == MEMORY_FLASH)
        return is_command(&m->isp.read[0], 0x20) && is_command(&m->isp.read[1], 0x28);
    return m->kind == MEMORY_EEPROM && is_command(&m->isp.read[0], 0xa0);
}

/* 40, 48 and 4C; and the firmware's waits must be long enough. */
static bool blocks_written(const struct memory *m)
{
    const uint32_t least_us = m->write_min_us != 0 ? m->write_min_us : m->write_us;
    return m->kind == MEMORY_FLASH && m->page_size > 0 && least_us <= PAGE_FIXED_US &&
           is_command(&m->isp.load[0], 0x40) && is_command(&m->isp.load[1], 0x48) &&
           is_command(&m->isp.commit, 0x4c);
}

/* Below 64 KiB the blocks carry their address, unless it was once set by itself. */
static enum status set_address(struct usbasp *self, const struct memory *m, uint32_t address,
                               struct error *e)
{
    if (!self->long_address && m->base + m->size <= BLOCK_REACH)
        return STATUS_OK;
    if (self->long_address && self->next_address == address)
        return STATUS_OK;
    TRY(usbasp_simple(self, "SETLONGADDRESS", USBASP_SETLONGADDRESS, (uint16_t)address,
                      (uint16_t)(address >> 16), e));
    self->long_address = true;
    self->next_address = address;
    return STATUS_OK;
}

static enum status usbasp_read(struct programmer *p, const struct memory *m, uint32_t address,
                               uint8_t *data, size_t size, struct error *e)
{
    struct usbasp *self = p->state;
    if (!blocks_read(m))
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be read in blocks", m->name);
    const bool flash = m->kind == MEMORY_FLASH;
    struct usb_request message = vendor_in(flash ? "READFLASH" : "READEEPROM",
                                           flash ? USBASP_READFLASH : USBASP_READEEPROM, 0, 0);
    const size_t most = block_size(self, READ_MAX);
    address += m->base;
    TRY(set_address(self, m, address, e));
    message.repeatable = !self->long_address; /* else the firmware has counted on */
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < most ? size - done : most;
        message.value = (uint16_t)(address + done);
        TRY(usb_queue_in(self->usb, &message, data + done, part, timeout_ms(self, part),
                         (uint32_t)part, e));
        done += part;
        self->next_address = address + (uint32_t)done;
    }
    return usb_finish(self->usb, e);
}

/* Blocks of whole pages and more: the firmware counts bytes and commits by itself, so that only the
 * first block is marked. */
static enum status write_blocks(struct programmer *p, const struct memory *m, uint32_t address,
                                const uint8_t *data, size_t size, struct error *e)
{
    struct usbasp *self = p->state;
    const uint32_t page = m->page_size;
    struct usb_request message = {
        .name = "WRITEFLASH", .type = USB_VENDOR_OUT, .request = USBASP_WRITEFLASH};
    const size_t in_time = block_size(self, WRITE_MAX);
    const size_t most = in_time < page ? page : in_time / page * page;
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < most ? size - done : most;
        const unsigned waits_ms = (unsigned)(part / page + 1) * PAGE_POLL_US / 1000;
        message.value = (uint16_t)(address + done);
        message.index =
            (uint16_t)((page & 0xff) | (page >> 8) << 12 | (unsigned)(done == 0 ? BLOCK_FIRST : 0));
        self->busy.until_us = context_now_us(p->context) + m->write_us; /* should it fail */
        TRY(usb_queue_out(self->usb, &message, data + done, part, timeout_ms(self, part) + waits_ms,
                          (uint32_t)part, e));
        done += part;
        self->next_address = address + (uint32_t)done;
    }
    TRY(usb_finish(self->usb, e));
    self->busy.until_us = 0;
    return STATUS_OK;
}

static enum status usbasp_write(struct programmer *p, const struct memory *m, uint32_t address,
                                const uint8_t *data, size_t size, struct error *e)
{
    struct usbasp *self = p->state;
    if (!blocks_written(m))
        return error_set(e, STATUS_UNSUPPORTED, "%s cannot be written in blocks", m->name);
    address += m->base;
    TRY(set_address(self, m, address, e));
    if (write_blocks(p, m, address, data, size, e) == STATUS_OK)
        return STATUS_OK;
    return error_in(e, "writing from 0x%04" PRIx32, address);
}

static const struct usb_lookalike lookalikes[] = {
    {0x03eb, 0xc8b4, "a HID device of another make that only looks like a USBasp"},
    {0, 0, NULL},
};

const struct programmer_driver usbasp_driver = {
    .name = "usbasp",
    .proven = "model",
    .features = PROGRAMMER_SEES_ECHO | PROGRAMMER_ENABLES | PROGRAMMER_REPORTS_ENABLE,
    .state_size = sizeof(struct usbasp),
    .lookalikes = lookalikes,
    .sck_min_hz = 500,
    .sck_max_hz = 3000000,
    .sck_fixed_hint = "close the slow-SCK jumper of the USBasp (JP3), or update its firmware",
    .check = usb_device_check,
    .open = usbasp_open,
    .close = usbasp_close,
    .select = usbasp_select,
    .enter = usbasp_enter,
    .leave = usbasp_leave,
    .exchange = usbasp_exchange,
    .read = usbasp_read,
    .write = usbasp_write,
    .set_sck = usbasp_set_sck,
};
