/* The firmware of a USBtinyISP; see usbtiny_model.h. */
#include "usbtiny_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    ECHO,
    READ,
    WRITE,
    CLEAR,
    SET,
    POWERUP,
    POWERDOWN,
    SPI,
    POLL_BYTES,
    FLASH_READ,
    FLASH_WRITE,
    EEPROM_READ,
    EEPROM_WRITE,
    DDR_WRITE,
    SPI1
};

struct usbtiny_model {
    struct avr_chip *chip;
    const struct usb_device *device;
    bool powered;    /* some bit of PORTB is 1 */
    uint16_t period; /* of SCK, us, as asked for */
    uint8_t poll[2]; /* values that do not end a poll */
    uint8_t request;
    uint8_t reply[8];
    size_t reply_size, reply_sent;
    uint8_t read_instruction, write_instruction; /* of the transfer in progress; 0: none */
    uint16_t address;
    uint16_t timeout_us;
    size_t left; /* bytes that a block read still sends */
};

static const char *request_name(const struct usb_setup *setup)
{
    static const char *const names[] = {
        "usbtiny.echo",         "usbtiny.read",       "usbtiny.write",       "usbtiny.clear",
        "usbtiny.set",          "usbtiny.powerup",    "usbtiny.powerdown",   "usbtiny.spi",
        "usbtiny.poll-bytes",   "usbtiny.flash-read", "usbtiny.flash-write", "usbtiny.eeprom-read",
        "usbtiny.eeprom-write", "usbtiny.ddr-write",  "usbtiny.spi1",
    };
    return setup->request < sizeof names / sizeof names[0] ? names[setup->request]
                                                           : "usbtiny.unknown";
}

/* Measured: an SPI byte takes 96 x period + 140 cycles of 12 MHz. */
static uint8_t spi(struct usbtiny_model *t, uint8_t mosi, uint64_t *now)
{
    const uint64_t byte_ns = (96u * t->period + 140u) * 1000u / 12u;
    return avr_chip_transfer(t->chip, mosi, now, byte_ns / 16);
}

static uint8_t instruction(struct usbtiny_model *t, uint8_t code, uint16_t address, uint8_t data,
                           uint64_t *now)
{
    (void)spi(t, code, now);
    (void)spi(t, (uint8_t)(address >> 8), now);
    (void)spi(t, (uint8_t)address, now);
    return spi(t, data, now);
}

/* A byte of flash or EEPROM, whichever the instruction's code is of: flash is addressed in words,
 * bit 3 of the code choosing the byte. */
static uint8_t memory_byte(struct usbtiny_model *t, uint8_t code, uint8_t data, uint64_t *now)
{
    const bool flash = (code & 0xa0) != 0xa0 && (code & 0xc0) != 0xc0;
    *now += 64u * 1000u / 12u; /* measured: 64 cycles around the four SPI bytes */
    if (!flash)
        return instruction(t, code, t->address, data, now);
    return instruction(t, (uint8_t)(code | (t->address & 1u) << 3), t->address >> 1, data, now);
}

static void set_pins(struct usbtiny_model *t, bool reset, uint64_t now)
{
    avr_chip_set_pin(t->chip, AVR_PIN_SCK, false, now);
    avr_chip_set_pin(t->chip, AVR_PIN_MOSI, false, now);
    avr_chip_set_pin(t->chip, AVR_PIN_RESET, reset, now);
}

static void reply(struct usbtiny_model *t, const uint8_t *bytes, size_t size)
{
    memcpy(t->reply, bytes, size);
    t->reply_size = size;
}

static void begin_block(struct usbtiny_model *t, const struct usb_setup *s, uint8_t read_code,
                        uint8_t write_code)
{
    t->read_instruction = read_code;
    t->write_instruction = write_code;
    t->address = s->index;
    t->timeout_us = s->value;
    /* The length is counted in 8 bits; 256 and more are answered with 255. The V-USB port's driver
     * keeps the same counter and its protocol one value less. */
    const size_t most = t->device->vendor == 0x2341 ? 254 : 255;
    t->left = s->length < most ? s->length : most;
}

static void begin_spi(struct usbtiny_model *t, const struct usb_setup *s, uint64_t *now)
{
    const uint8_t mosi[4] = {(uint8_t)s->value, (uint8_t)(s->value >> 8), (uint8_t)s->index,
                             (uint8_t)(s->index >> 8)};
    uint8_t miso[4];
    for (size_t i = 0; i < sizeof mosi; i++)
        miso[i] = spi(t, mosi[i], now);
    reply(t, miso, sizeof miso);
}

/* Requests that need a powered target. */
static void programming_request(struct usbtiny_model *t, const struct usb_setup *s, uint64_t *now)
{
    switch (s->request) {
    case SPI:
        begin_spi(t, s, now);
        break;
    case SPI1:
        t->reply[0] = spi(t, (uint8_t)s->value, now);
        t->reply_size = 1;
        break;
    case POLL_BYTES:
        t->poll[0] = (uint8_t)s->value;
        t->poll[1] = (uint8_t)(s->value >> 8);
        break;
    case FLASH_READ:
        begin_block(t, s, 0x20, 0);
        break;
    case FLASH_WRITE:
        begin_block(t, s, 0x20, 0x40);
        break;
    case EEPROM_READ:
        begin_block(t, s, 0xa0, 0);
        break;
    case EEPROM_WRITE:
        begin_block(t, s, 0xa0, 0xc0);
        break;
    default:
        break; /* DDR_WRITE; unknown ones give an empty answer too */
    }
}

static int on_setup(void *self, const struct usb_setup *s, uint64_t *now)
{
    struct usbtiny_model *t = self;
    t->request = s->request;
    t->reply_size = t->reply_sent = 0;
    t->read_instruction = t->write_instruction = 0;
    t->left = 0;
    switch (s->request) {
    case ECHO:
        reply(t,
              (const uint8_t[]){s->type, s->request, (uint8_t)s->value, (uint8_t)(s->value >> 8),
                                (uint8_t)s->index, (uint8_t)(s->index >> 8), (uint8_t)s->length,
                                (uint8_t)(s->length >> 8)},
              8);
        break;
    case READ:
        reply(t, (const uint8_t[]){0}, 1);
        break;
    case POWERUP:
        t->period = (s->value & 0xff) == 0 ? 256 : s->value & 0xff;
        t->powered = true; /* the LED's bit */
        set_pins(t, (s->index & 0xff) != 0, *now);
        break;
    case POWERDOWN:
        t->powered = false;
        set_pins(t, true, *now);
        break;
    default:
        if (t->powered)
            programming_request(t, s, now);
        break;
    }
    return 0;
}

static int on_in(void *self, uint8_t *packet, size_t size, uint64_t *now)
{
    struct usbtiny_model *t = self;
    size_t count = 0;
    if (t->read_instruction != 0 && t->write_instruction == 0) {
        for (; count < size && t->left > 0; count++, t->left--, t->address++)
            packet[count] = memory_byte(t, t->read_instruction, 0, now);
        return (int)count;
    }
    for (; count < size && t->reply_sent < t->reply_size; count++)
        packet[count] = t->reply[t->reply_sent++];
    return (int)count;
}

/* Polls until the value is there or the time is up, counting 32 SCK periods a poll. */
static void poll(struct usbtiny_model *t, uint8_t data, uint64_t *now)
{
    for (uint32_t us = 0; us < t->timeout_us; us += 32u * t->period) {
        const uint8_t value = memory_byte(t, t->read_instruction, 0, now);
        if (value == data && value != t->poll[0] && value != t->poll[1])
            return;
    }
}

static int on_out(void *self, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct usbtiny_model *t = self;
    if (t->write_instruction == 0)
        return (int)size; /* not powered, or data after a request that takes none */
    for (size_t i = 0; i < size; i++, t->address++) {
        (void)memory_byte(t, t->write_instruction, packet[i], now);
        poll(t, packet[i], now);
    }
    return (int)size;
}

static void on_unplug(void *self, uint64_t now)
{
    struct usbtiny_model *t = self;
    t->powered = false;
    set_pins(t, true, now);
}

/* Measured: refusing an IN packet costs the firmware 40 us, an OUT packet of 8 bytes 108 us. */
static const struct usb_device devices[] = {
    {
        .name = "usbtiny",
        .speed = USB_SPEED_LOW,
        .vendor = 0x1781,
        .product = 0x0c9f,
        .release = 0x0105,
        .device_class = 0xff,
        .interface_class = 0xff,
        .control_packet = 8,
        .product_name = "USBtinyISP",
        .in_nak_ns = 40000,
        .out_nak_ns = 108000,
        .setup = on_setup,
        .control_in = on_in,
        .control_out = on_out,
        .unplug = on_unplug,
        .request_name = request_name,
    },
    {
        .name = "arduinoisp",
        .speed = USB_SPEED_LOW,
        .vendor = 0x2341,
        .product = 0x0049,
        .release = 0x0104,
        .device_class = 0xff,
        .control_packet = 8,
        .product_name = "ArduinoISP",
        .in_nak_ns = 40000,
        .out_nak_ns = 108000,
        .setup = on_setup,
        .control_in = on_in,
        .control_out = on_out,
        .unplug = on_unplug,
        .request_name = request_name,
    },
};

const struct usb_device *usbtiny_model_device(const char *name)
{
    return usb_device_find(devices, sizeof devices / sizeof devices[0], name);
}

struct usbtiny_model *usbtiny_model_new(struct avr_chip *chip, const struct usb_device *device)
{
    struct usbtiny_model *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->chip = chip;
    t->device = device;
    t->period = 10;
    return t;
}

void usbtiny_model_free(struct usbtiny_model *t)
{
    free(t);
}
