/* The dongle's two bulk pipes; see stlink_model.h. */
#include "stlink_model.h"

#include <stdlib.h>
#include <string.h>

#include "stlink_private.h"

/* A command of 16 bytes; then its data, a packet at a time. */
static int on_out(void *self, uint8_t endpoint, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct stlink_model *s = self;
    (void)endpoint;
    struct stlink_incoming *in = &s->incoming;
    if (in->take == NULL) {
        uint8_t command[STLINK_COMMAND_SIZE] = {0};
        memcpy(command, packet, size < sizeof command ? size : sizeof command);
        s->odd_commands += size != sizeof command;
        stlink_run_command(s, command, now);
        return (int)size;
    }
    const size_t room = in->size - in->count;
    memcpy(in->bytes + in->count, packet, size < room ? size : room);
    s->oversized += size > room;
    in->count += size < room ? size : room;
    if (in->count == in->size) {
        void (*const take)(struct stlink_model *, uint64_t *) = in->take;
        in->take = NULL;
        take(s, now);
    }
    return (int)size;
}

static int on_in(void *self, uint8_t endpoint, uint8_t *packet, size_t size, uint64_t *now)
{
    struct stlink_model *s = self;
    if (endpoint != 0x81 || s->reply_count == 0) {
        *now = USB_NEVER;
        return USB_NAK;
    }
    struct stlink_reply *r = &s->replies[0];
    const size_t left = r->size - r->sent;
    const size_t part = left < size ? left : size;
    memcpy(packet, r->bytes + r->sent, part);
    r->sent += part;
    if (r->sent == r->size)
        memmove(s->replies, s->replies + 1, --s->reply_count * sizeof *s->replies);
    return (int)part;
}

static int on_setup(void *self, const struct usb_setup *setup, uint64_t *now)
{
    (void)self;
    (void)setup;
    (void)now;
    return USB_STALL;
}

static void on_unplug(void *self, uint64_t now)
{
    struct stlink_model *s = self;
    stm32_chip_settle(s->chip, now);
    stm32_chip_set_nrst(s->chip, true, now);
}

static const char *request_name(const struct usb_setup *setup)
{
    (void)setup;
    return "stlink.control";
}

#define STLINK_DEVICE                                                                              \
    .vendor = 0x0483, .release = 0x0100, .interface_class = 0xff, .control_packet = 64,            \
    .manufacturer = "STMicroelectronics", .setup = on_setup, .bulk_in = on_in, .bulk_out = on_out, \
    .unplug = on_unplug, .request_name = request_name

static const struct usb_device devices[] = {
    {
        .name = "stlink-v2",
        .speed = USB_SPEED_FULL,
        .product = 0x3748,
        .product_name = "STM32 STLink",
        .serial = "37FF71064E573436DB011543",
        .endpoints = {{0x81, 2, 64}, {0x02, 2, 64}, {0x83, 2, 64}},
        STLINK_DEVICE,
    },
    {
        /* Twelve bytes where 24 hexadecimal digits should be. */
        .name = "stlink-v2-old",
        .speed = USB_SPEED_FULL,
        .product = 0x3748,
        .product_name = "STM32 STLink",
        .serial = "Q\xffn\x06I\x86PR$\x16\x17\x87",
        .endpoints = {{0x81, 2, 64}, {0x02, 2, 64}, {0x83, 2, 64}},
        STLINK_DEVICE,
    },
    {
        .name = "stlink-v2-1",
        .speed = USB_SPEED_FULL,
        .product = 0x374b,
        .product_name = "STM32 STLink",
        .serial = "0670FF485550755187121723",
        .endpoints = {{0x81, 2, 64}, {0x01, 2, 64}, {0x82, 2, 64}},
        STLINK_DEVICE,
    },
    {
        .name = "stlink-v3",
        .speed = USB_SPEED_HIGH,
        .product = 0x374f,
        .product_name = "STLINK-V3",
        .serial = "003A00253438510834313939",
        .endpoints = {{0x81, 2, 512}, {0x01, 2, 512}, {0x82, 2, 512}},
        STLINK_DEVICE,
    },
};

const struct usb_device *stlink_model_device(const char *name)
{
    return usb_device_find(devices, sizeof devices / sizeof devices[0], name);
}

struct stlink_model *stlink_model_new(struct stm32_chip *chip, const struct usb_device *device)
{
    struct stlink_model *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->chip = chip;
    s->device = device;
    s->swd_hz = 1800000;
    s->millivolts = 3250;
    s->waits = 128;
    (void)stlink_model_set_firmware(s, device->speed == USB_SPEED_HIGH              ? "V3J8S3"
                                       : device->product == 0x374b                  ? "V2J37S26"
                                       : strcmp(device->name, "stlink-v2-old") == 0 ? "V2J17S4"
                                                                                    : "V2J37S7");
    stlink_model_set_mode(s, STLINK_MODE_DFU);
    return s;
}

void stlink_model_free(struct stlink_model *s)
{
    free(s);
}

bool stlink_model_set_firmware(struct stlink_model *s, const char *version)
{
    return sscanf(version, "V%uJ%uS%u", &s->version, &s->jtag, &s->swim) == 3;
}

/* A V3 has no DFU mode of this kind: what it is plugged in with is its mass storage. */
void stlink_model_set_mode(struct stlink_model *s, enum stlink_mode mode)
{
    s->mode = mode == STLINK_MODE_DFU && s->version == 3 ? STLINK_MODE_MASS : mode;
}

void stlink_model_set_voltage(struct stlink_model *s, unsigned millivolts)
{
    s->millivolts = millivolts;
}

void stlink_model_set_waits(struct stlink_model *s, unsigned waits)
{
    s->waits = waits;
}

size_t stlink_model_counts(const struct stlink_model *s, struct usb_count *counts, size_t capacity)
{
    const struct usb_count all[] = {
        {"stlink.mode", s->mode},
        {"stlink.swd-hz", s->swd_hz},
        {"stlink.unknown-commands", s->unknown},
        {"stlink.odd-commands", s->odd_commands}, /* not of 16 bytes */
        {"stlink.lost-replies", s->lost_replies},
        {"stlink.stale-replies", s->stale_replies},
        {"stlink.replies-left", s->reply_count},
        {"stlink.oversized", s->oversized},
    };
    size_t count = 0;
    for (; count < sizeof all / sizeof all[0] && count < capacity; count++)
        counts[count] = all[count];
    return count + stlink_command_counts(s, counts + count, capacity - count);
}
