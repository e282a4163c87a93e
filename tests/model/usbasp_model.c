/* The firmwares of a USBasp; see usbasp_model.h. */
#include "usbasp_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT = 1,
    DISCONNECT,
    TRANSMIT,
    READFLASH,
    ENABLEPROG,
    WRITEFLASH,
    READEEPROM,
    WRITEEEPROM,
    SETLONGADDRESS,
    SETISPSCK,
    GETCAPABILITIES = 127
};

enum { BLOCK_FIRST = 1, BLOCK_LAST = 2 };

enum {
    SCK_AUTO = 0,
    SCK_8KHZ = 5,
    SCK_SOFTWARE_LAST = 7, /* 32 kHz; from 8 on by the SPI hardware */
    SCK_375KHZ = 10,
    SCK_1500KHZ = 12,
    SCK_3MHZ = 13
};

/* What differs between the firmwares. */
struct flavour {
    struct usb_device device;
    bool sets_sck;          /* knows SETISPSCK */
    bool searches;          /* ENABLEPROG steps SCK down until the chip answers */
    bool hangs_unconnected; /* TRANSMIT between CONNECT and a good ENABLEPROG is its end */
    bool long_transfers;    /* V-USB is built with those */
    int8_t capabilities;    /* the first byte; -1: GETCAPABILITIES is unknown */
    uint8_t sck_last;       /* highest option */
};

struct usbasp_model {
    struct avr_chip *chip;
    const struct flavour *flavour;
    bool slow_jumper;
    bool connected, enabled, dead;
    uint8_t sck_option; /* as asked for */
    uint8_t sck;        /* in use, never SCK_AUTO */
    bool long_address;
    uint32_t address;
    int extended; /* last one sent; -1: none */
    uint16_t page_size;
    uint8_t page_counter, block_flags;
    enum { IDLE, READING_FLASH, READING_EEPROM, WRITING_FLASH, WRITING_EEPROM, NEVER } state;
    size_t left;       /* bytes of the transfer in progress */
    uint64_t timed_ns; /* waited for the timer during the current packet */
    uint8_t reply[4];
    size_t reply_size, reply_sent;
};

static const char *request_name(const struct usb_setup *setup)
{
    static const char *const names[] = {
        NULL,
        "usbasp.connect",
        "usbasp.disconnect",
        "usbasp.transmit",
        "usbasp.read-flash",
        "usbasp.enable",
        "usbasp.write-flash",
        "usbasp.read-eeprom",
        "usbasp.write-eeprom",
        "usbasp.set-long-address",
        "usbasp.set-isp-sck",
    };
    if (setup->request == GETCAPABILITIES)
        return "usbasp.capabilities";
    const bool known = setup->request >= CONNECT && setup->request <= SETISPSCK;
    return known ? names[setup->request] : "usbasp.unknown";
}

/* --- SPI ------------------------------------------------------------------------------------ */

static uint64_t half_sck_ns(const struct usbasp_model *u)
{
    if (u->sck <= SCK_SOFTWARE_LAST)
        return (UINT64_C(3) << (SCK_SOFTWARE_LAST - u->sck)) * 16000 / 3; /* ticks of 64 / 12 MHz */
    const unsigned step = u->sck - SCK_SOFTWARE_LAST - 1; /* 93.75 kHz, doubled each */
    return UINT64_C(1000000000) / (93750u << step) / 2;
}

/* Measured at 1.5 MHz: 49.8 us to read a byte of flash, of which four SPI bytes are 21.3 us. */
static uint8_t spi(struct usbasp_model *u, uint8_t mosi, uint64_t *now)
{
    *now += 7 * USB_US;
    return avr_chip_transfer(u->chip, mosi, now, half_sck_ns(u));
}

static uint8_t instruction(struct usbasp_model *u, uint8_t code, uint8_t high, uint8_t low,
                           uint8_t data, uint64_t *now)
{
    (void)spi(u, code, now);
    (void)spi(u, high, now);
    (void)spi(u, low, now);
    return spi(u, data, now);
}

/* Load Extended Address is sent whenever the 64 Kword segment changes. */
static void select_segment(struct usbasp_model *u, uint32_t address, uint64_t *now)
{
    const int segment = (int)(address >> 17);
    if (segment == u->extended)
        return;
    u->extended = segment;
    (void)instruction(u, 0x4d, 0, (uint8_t)segment, 0, now);
}

static uint8_t flash_instruction(struct usbasp_model *u, uint8_t code, uint32_t address,
                                 uint8_t data, uint64_t *now)
{
    return instruction(u, (uint8_t)(code | (address & 1u) << 3), (uint8_t)(address >> 9),
                       (uint8_t)(address >> 1), data, now);
}

static uint8_t read_flash(struct usbasp_model *u, uint32_t address, uint64_t *now)
{
    select_segment(u, address, now);
    return flash_instruction(u, 0x20, address, 0, now);
}

/* --- Connecting ----------------------------------------------------------------------------- */

/* The firmware's timer ticks go on while packets are refused. */
static void wait(struct usbasp_model *u, uint64_t ns, uint64_t *now)
{
    *now += ns;
    u->timed_ns += ns;
}

static void reset_pulse(struct usbasp_model *u, uint64_t *now)
{
    avr_chip_set_pin(u->chip, AVR_PIN_RESET, true, *now);
    wait(u, 320 * USB_US, now);
    avr_chip_set_pin(u->chip, AVR_PIN_RESET, false, *now);
}

static void apply_sck(struct usbasp_model *u)
{
    const bool searches = u->flavour->searches;
    uint8_t option = u->sck_option;
    if (u->slow_jumper && !searches)
        option = SCK_8KHZ;
    if (option == SCK_AUTO)
        option = searches ? SCK_1500KHZ : SCK_375KHZ;
    u->sck = option;
}

static void connect(struct usbasp_model *u, uint64_t *now)
{
    apply_sck(u);
    avr_chip_set_pin(u->chip, AVR_PIN_SCK, false, *now);
    avr_chip_set_pin(u->chip, AVR_PIN_MOSI, false, *now);
    avr_chip_set_pin(u->chip, AVR_PIN_RESET, false, *now);
    if (!u->flavour->searches)
        reset_pulse(u, now);
    u->connected = true;
    u->enabled = false;
    u->long_address = false;
    u->extended = u->flavour->searches ? -1 : 0;
}

static void disconnect(struct usbasp_model *u, uint64_t now)
{
    avr_chip_set_pin(u->chip, AVR_PIN_SCK, false, now);
    avr_chip_set_pin(u->chip, AVR_PIN_MOSI, false, now);
    avr_chip_set_pin(u->chip, AVR_PIN_RESET, true, now);
    u->connected = u->enabled = false;
    u->sck_option = SCK_AUTO;
}

static bool try_enable(struct usbasp_model *u, uint64_t *now)
{
    uint8_t echo[4];
    static const uint8_t enable[4] = {0xac, 0x53, 0, 0};
    for (size_t i = 0; i < sizeof enable; i++)
        echo[i] = spi(u, enable[i], now);
    return echo[2] == 0x53;
}

/* Firmware before 1.07: 32 tries without a wait, the chip's time being the host's business. */
static bool enable_at_once(struct usbasp_model *u, uint64_t *now)
{
    for (unsigned tries = 0; tries < 32; tries++) {
        if (try_enable(u, now))
            return true;
        wait(u, 320 * USB_US, now);
        reset_pulse(u, now);
        wait(u, 320 * USB_US, now);
    }
    return false;
}

/* From 1.07 on: three tries with 20 ms each at every SCK from the chosen one down. */
static bool enable_searching(struct usbasp_model *u, uint64_t *now)
{
    for (; u->sck >= 1; u->sck--) {
        for (unsigned tries = 0; tries < 3; tries++) {
            reset_pulse(u, now);
            wait(u, 20 * USB_MS, now);
            if (try_enable(u, now))
                return true;
        }
    }
    u->sck = 1;
    return false;
}

static bool enable(struct usbasp_model *u, uint64_t *now)
{
    if (!u->connected)
        return false;
    u->enabled = u->flavour->searches ? enable_searching(u, now) : enable_at_once(u, now);
    return u->enabled;
}

/* --- Blocks --------------------------------------------------------------------------------- */

static uint8_t read_byte(struct usbasp_model *u, uint64_t *now)
{
    const uint32_t address = u->address++;
    if (u->state == READING_FLASH)
        return read_flash(u, address, now);
    return instruction(u, 0xa0, (uint8_t)(address >> 8), (uint8_t)address, 0, now);
}

/* Waits as the firmware does: a fixed time if the cell holds `blank`, else until it does not. */
static void wait_written(struct usbasp_model *u, uint32_t address, uint8_t data, uint8_t blank,
                         uint64_t *now)
{
    if (data == blank) {
        wait(u, 15 * 320 * USB_US, now);
        return;
    }
    for (unsigned tries = 0; tries < 30; tries++) {
        if (read_flash(u, address, now) != blank)
            return;
        wait(u, 320 * USB_US, now);
    }
}

static void flush_page(struct usbasp_model *u, uint32_t address, uint8_t last, uint64_t *now)
{
    select_segment(u, address, now);
    (void)instruction(u, 0x4c, (uint8_t)(address >> 9), (uint8_t)(address >> 1), 0, now);
    wait_written(u, address, last, 0xff, now);
}

static void write_flash_byte(struct usbasp_model *u, uint8_t data, bool last_of_block,
                             uint64_t *now)
{
    const uint32_t address = u->address++;
    *now += 3 * USB_US; /* measured: 52.8 us a byte where reading takes 49.8 us */
    (void)flash_instruction(u, 0x40, address, data, now);
    if (u->page_size == 0) {
        wait_written(u, address, data, 0x7f, now);
        return;
    }
    u->page_counter--;
    if (u->page_counter == 0) {
        flush_page(u, address, data, now);
        u->page_counter = (uint8_t)u->page_size;
    }
    /* The counter has 8 bits, the size 12: a page of 256 bytes is flushed once more. */
    if (last_of_block && (u->block_flags & BLOCK_LAST) != 0 && u->page_counter != u->page_size)
        flush_page(u, address, data, now);
}

static void write_eeprom_byte(struct usbasp_model *u, uint8_t data, uint64_t *now)
{
    const uint32_t address = u->address++;
    (void)instruction(u, 0xc0, (uint8_t)(address >> 8), (uint8_t)address, data, now);
    wait(u, 30 * 320 * USB_US, now);
}

/* --- Requests ------------------------------------------------------------------------------- */

/* Without long transfers V-USB takes lengths modulo 256, and 255 means something else to it. */
static size_t in_length(const struct usbasp_model *u, uint16_t length)
{
    return u->flavour->long_transfers ? length : length & 0xff;
}

static void begin_block(struct usbasp_model *u, const struct usb_setup *s)
{
    if (!u->long_address)
        u->address = s->value;
    u->left = s->length;
    if (s->request == READFLASH || s->request == READEEPROM) {
        u->left = in_length(u, s->length);
        u->state = s->request == READFLASH ? READING_FLASH : READING_EEPROM;
        if (!u->flavour->long_transfers && u->left == 255)
            u->state = NEVER;
        return;
    }
    u->state = s->request == WRITEFLASH ? WRITING_FLASH : WRITING_EEPROM;
    if (s->request == WRITEEEPROM)
        return;
    u->block_flags = (s->index >> 8) & 0x0f;
    u->page_size = (uint16_t)((s->index & 0xff) | (s->index >> 12) << 8);
    if ((u->block_flags & BLOCK_FIRST) != 0)
        u->page_counter = (uint8_t)u->page_size;
}

static void reply(struct usbasp_model *u, const uint8_t *bytes, size_t size)
{
    memcpy(u->reply, bytes, size);
    u->reply_size = size;
}

static void transmit(struct usbasp_model *u, const struct usb_setup *s, uint64_t *now)
{
    if (u->flavour->hangs_unconnected && !u->enabled) {
        u->dead = true;
        return;
    }
    const uint8_t mosi[4] = {(uint8_t)s->value, (uint8_t)(s->value >> 8), (uint8_t)s->index,
                             (uint8_t)(s->index >> 8)};
    uint8_t miso[4];
    for (size_t i = 0; i < sizeof mosi; i++)
        miso[i] = spi(u, mosi[i], now);
    reply(u, miso, sizeof miso);
}

static void set_sck(struct usbasp_model *u, const struct usb_setup *s)
{
    if (!u->flavour->sets_sck)
        return;
    const uint8_t option = (uint8_t)s->value;
    u->sck_option = option <= u->flavour->sck_last ? option : SCK_AUTO;
    reply(u, (const uint8_t[]){0}, 1);
}

static void capabilities(struct usbasp_model *u)
{
    if (u->flavour->capabilities >= 0)
        reply(u, (const uint8_t[]){(uint8_t)u->flavour->capabilities, 0, 0, 0}, 4);
}

static int on_setup(void *self, const struct usb_setup *s, uint64_t *now)
{
    struct usbasp_model *u = self;
    u->reply_size = u->reply_sent = 0;
    u->state = IDLE;
    switch (u->dead ? 0 : s->request) {
    case CONNECT:
        connect(u, now);
        break;
    case DISCONNECT:
        disconnect(u, *now);
        break;
    case TRANSMIT:
        transmit(u, s, now);
        break;
    case ENABLEPROG:
        reply(u, (const uint8_t[]){enable(u, now) ? 0 : 1}, 1);
        break;
    case READFLASH:
    case WRITEFLASH:
    case READEEPROM:
    case WRITEEEPROM:
        begin_block(u, s);
        break;
    case SETLONGADDRESS:
        u->address = (uint32_t)s->index << 16 | s->value;
        u->long_address = true;
        break;
    case SETISPSCK:
        set_sck(u, s);
        break;
    case GETCAPABILITIES:
        capabilities(u);
        break;
    default:
        break; /* an empty answer */
    }
    return u->dead ? USB_NAK : 0;
}

static int on_in(void *self, uint8_t *packet, size_t size, uint64_t *now)
{
    struct usbasp_model *u = self;
    size_t count = 0;
    switch (u->state) {
    case NEVER:
        return USB_NAK;
    case WRITING_FLASH:
    case WRITING_EEPROM:
        return USB_STALL;
    case READING_FLASH:
    case READING_EEPROM:
        for (; count < size && u->left > 0; count++, u->left--)
            packet[count] = read_byte(u, now);
        break;
    case IDLE:
        for (; count < size && u->reply_sent < u->reply_size; count++)
            packet[count] = u->reply[u->reply_sent++];
        break;
    }
    return (int)count;
}

static int on_out(void *self, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct usbasp_model *u = self;
    if (u->state != WRITING_FLASH && u->state != WRITING_EEPROM)
        return USB_STALL;
    for (size_t i = 0; i < size && u->left > 0; i++) {
        u->left--;
        if (u->state == WRITING_EEPROM)
            write_eeprom_byte(u, packet[i], now);
        else
            write_flash_byte(u, packet[i], u->left == 0, now);
    }
    return (int)size;
}

static uint64_t timed_ns(void *self)
{
    struct usbasp_model *u = self;
    const uint64_t timed = u->timed_ns;
    u->timed_ns = 0;
    return timed;
}

static void on_unplug(void *self, uint64_t now)
{
    disconnect(self, now);
}

/* Refusing packets costs V-USB about what it costs the USBtiny driver. */
#define USBASP_DEVICE                                                                      \
    .speed = USB_SPEED_LOW, .vendor = 0x16c0, .product = 0x05dc, .device_class = 0xff,     \
    .control_packet = 8, .in_nak_ns = 40000, .out_nak_ns = 108000, .setup = on_setup,      \
    .control_in = on_in, .control_out = on_out, .timed_ns = timed_ns, .unplug = on_unplug, \
    .request_name = request_name

#define USBASP_STRINGS .manufacturer = "www.fischl.de", .product_name = "USBasp"

static const struct flavour flavours[] = {
    {
        .device = {.name = "usbasp-1.05", USBASP_STRINGS, .release = 0x0105, USBASP_DEVICE},
        .sets_sck = true,
        .capabilities = 0x01,
        .sck_last = SCK_1500KHZ,
    },
    {
        .device = {.name = "usbasp-1.07", USBASP_STRINGS, .release = 0x0107, USBASP_DEVICE},
        .sets_sck = true,
        .searches = true,
        .hangs_unconnected = true,
        .capabilities = 0x01,
        .sck_last = SCK_1500KHZ,
    },
    {
        .device = {.name = "usbasp-1.11",
                   USBASP_STRINGS,
                   .release = 0x0111,
                   .serial = "0000",
                   USBASP_DEVICE},
        .sets_sck = true,
        .searches = true,
        .hangs_unconnected = true,
        .long_transfers = true,
        .capabilities = 0x21,
        .sck_last = SCK_3MHZ,
    },
    {
        .device = {.name = "usbasp-fixed", USBASP_STRINGS, .release = 0x0102, USBASP_DEVICE},
        .capabilities = -1,
    },
    {
        .device = {.name = "usbasp-clone",
                   .manufacturer = "zhifengsoft",
                   .product_name = "USBHID",
                   .release = 0x0105,
                   USBASP_DEVICE},
        .sets_sck = true,
        .capabilities = 0x01,
        .sck_last = SCK_1500KHZ,
    },
    {
        .device = {.name = "usbasp-nameless", .release = 0x0105, USBASP_DEVICE},
        .sets_sck = true,
        .capabilities = 0x01,
        .sck_last = SCK_1500KHZ,
    },
};

const struct usb_device *usbasp_model_device(const char *name)
{
    for (size_t i = 0; i < sizeof flavours / sizeof flavours[0]; i++)
        if (strcmp(flavours[i].device.name, name) == 0)
            return &flavours[i].device;
    return NULL;
}

struct usbasp_model *usbasp_model_new(struct avr_chip *chip, const struct usb_device *device)
{
    struct usbasp_model *u = calloc(1, sizeof *u);
    if (u == NULL)
        abort();
    u->chip = chip;
    for (size_t i = 0; i < sizeof flavours / sizeof flavours[0]; i++)
        if (&flavours[i].device == device)
            u->flavour = &flavours[i];
    u->sck = SCK_375KHZ;
    return u;
}

void usbasp_model_free(struct usbasp_model *u)
{
    free(u);
}

void usbasp_model_set_slow_jumper(struct usbasp_model *u, bool closed)
{
    u->slow_jumper = closed;
}
