/* The adapters that are modelled: which chip, which pins. Pins as avrdude.conf and the boards' own
 * documents have them; FIFO sizes, product ids and releases from the chips' data sheets. */
#include <string.h>

#include "ftdi_private.h"

#define FULL_SPEED(vid, pid, bcd, serial_number)                                  \
    .speed = USB_SPEED_FULL, .vendor = (vid), .product = (pid), .release = (bcd), \
    .interface_class = 0xff, .control_packet = 8, .manufacturer = "FTDI",         \
    .serial = (serial_number)
#define HIGH_SPEED(vid, pid, bcd, serial_number)                                  \
    .speed = USB_SPEED_HIGH, .vendor = (vid), .product = (pid), .release = (bcd), \
    .interface_class = 0xff, .control_packet = 64, .manufacturer = "FTDI",        \
    .serial = (serial_number)
#define CHANNEL(number, size)                                      \
    {.address = 0x81 + 2 * (number), .type = 2, .packet = (size)}, \
    {                                                              \
        .address = 2 + 2 * (number), .type = 2, .packet = (size)   \
    }

/* The calls of ftdi_model.c. */
#define DEVICE_CALLS                                                                     \
    .setup = ftdi_setup, .control_in = ftdi_control_in, .control_out = ftdi_control_out, \
    .bulk_in = ftdi_bulk_in, .bulk_out = ftdi_bulk_out, .unplug = ftdi_unplug,           \
    .request_name = ftdi_request_name

/* RESET on xD3 and no buffer: what most adapters have. */
#define PLAIN_MPSSE .mpsse = true, .sck = 0, .mosi = 1, .miso = 2, .reset = 3

static const struct ftdi_board boards[] = {
    {
        .device = {.name = "ft232h",
                   HIGH_SPEED(0x0403, 0x6014, 0x0900, "FT0H0001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "Single RS232-HS",
                   .interfaces = 1,
                   .endpoints = {CHANNEL(0, 512)}},
        .high_speed = true,
        .fifo_in = 1024,
        .fifo_out = 1024,
        PLAIN_MPSSE,
    },
    {
        .device = {.name = "ft2232h",
                   HIGH_SPEED(0x0403, 0x6010, 0x0700, "FT2H0001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "Dual RS232-HS",
                   .interfaces = 2,
                   .endpoints = {CHANNEL(0, 512), CHANNEL(1, 512)}},
        .high_speed = true,
        .fifo_in = 4096,
        .fifo_out = 4096,
        PLAIN_MPSSE,
    },
    {
        .device = {.name = "ft4232h",
                   HIGH_SPEED(0x0403, 0x6011, 0x0800, "FT4H0001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "Quad RS232-HS",
                   .interfaces = 4,
                   .endpoints = {CHANNEL(0, 512), CHANNEL(1, 512), CHANNEL(2, 512),
                                 CHANNEL(3, 512)}},
        .high_speed = true,
        .fifo_in = 2048,
        .fifo_out = 2048,
        PLAIN_MPSSE,
    },
    {
        .device = {.name = "ft2232d",
                   FULL_SPEED(0x0403, 0x6010, 0x0500, "FT2D0001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "Dual RS232",
                   .interfaces = 2,
                   .endpoints = {CHANNEL(0, 64), CHANNEL(1, 64)}},
        .fifo_in = 128,
        .fifo_out = 384,
        PLAIN_MPSSE,
    },
    {
        .device = {.name = "2232hio",
                   HIGH_SPEED(0x0403, 0x6010, 0x0700, "FTIO0001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "Dual RS232-HS",
                   .interfaces = 2,
                   .endpoints = {CHANNEL(0, 512), CHANNEL(1, 512)}},
        .high_speed = true,
        .fifo_in = 4096,
        .fifo_out = 4096,
        PLAIN_MPSSE,
        .buffer_count = 1,
        .buffers = {{.pin = 4, .active_high = false}},
    },
    {
        .device = {.name = "ktlink",
                   HIGH_SPEED(0x0403, 0xbbe2, 0x0700, "KT000001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "KT-LINK",
                   .interfaces = 2,
                   .endpoints = {CHANNEL(0, 512), CHANNEL(1, 512)}},
        .high_speed = true,
        .fifo_in = 4096,
        .fifo_out = 4096,
        .mpsse = true,
        .sck = 0,
        .mosi = 1,
        .miso = 2,
        .reset = 8,
        .buffer_count = 4,
        .buffers = {{.pin = 5, .active_high = true},
                    {.pin = 10, .active_high = false},
                    {.pin = 13, .active_high = false},
                    {.pin = 14, .active_high = false}},
    },
    {
        .device = {.name = "tumpa-b",
                   HIGH_SPEED(0x0403, 0x8a98, 0x0700, "TI000001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "TIAO USB Multi-Protocol Adapter",
                   .interfaces = 2,
                   .endpoints = {CHANNEL(0, 512), CHANNEL(1, 512)}},
        .channel = 1,
        .high_speed = true,
        .fifo_in = 4096,
        .fifo_out = 4096,
        PLAIN_MPSSE,
    },
    {
        .device = {.name = "ft232r",
                   FULL_SPEED(0x0403, 0x6001, 0x0600, "A5002R01"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "FT232R USB UART",
                   .interfaces = 1,
                   .endpoints = {CHANNEL(0, 64)}},
        .fifo_in = 128,
        .fifo_out = 256,
        .sck = 0,
        .mosi = 2,
        .miso = 1,
        .reset = 4,
    },
    {
        .device = {.name = "ft245r",
                   FULL_SPEED(0x0403, 0x6001, 0x0600, "A5002451"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "FT245R USB FIFO",
                   .interfaces = 1,
                   .endpoints = {CHANNEL(0, 64)}},
        .fifo_in = 128,
        .fifo_out = 256,
        .sck = 0,
        .mosi = 2,
        .miso = 1,
        .reset = 4,
    },
    {
        .device = {.name = "arduino-ft232r",
                   FULL_SPEED(0x0403, 0x6001, 0x0600, "A50028AR"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "FT232R USB UART",
                   .interfaces = 1,
                   .endpoints = {CHANNEL(0, 64)}},
        .fifo_in = 128,
        .fifo_out = 256,
        .sck = 5,
        .mosi = 6,
        .miso = 3,
        .reset = 7,
    },
    {
        .device = {.name = "ttl232r",
                   FULL_SPEED(0x0403, 0x6001, 0x0600, "FTTTL001"),
                   .kernel_driver = "ftdi_sio",
                   DEVICE_CALLS,
                   .product_name = "TTL232R",
                   .interfaces = 1,
                   .endpoints = {CHANNEL(0, 64)}},
        .fifo_in = 128,
        .fifo_out = 256,
        .sck = 1,
        .mosi = 3,
        .miso = 2,
        .reset = 0,
    },
};

const struct ftdi_board *ftdi_board_at(size_t index)
{
    return index < sizeof boards / sizeof boards[0] ? &boards[index] : NULL;
}

const struct ftdi_board *ftdi_board_find(const char *name)
{
    for (size_t i = 0; i < sizeof boards / sizeof boards[0]; i++)
        if (strcmp(boards[i].device.name, name) == 0)
            return &boards[i];
    return NULL;
}
