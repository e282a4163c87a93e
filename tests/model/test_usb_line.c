#include "support/test.h"

#include <errno.h>
#include <string.h>

#include "model/usb_line.h"

/* A device that answers every IN packet with `in_size` bytes after `work_ns`, or not at all. */
struct toy {
    uint64_t work_ns;
    int in_size; /* or USB_STALL, USB_NAK */
    int setup_result;
    size_t received;
};

static int toy_setup(void *self, const struct usb_setup *setup, uint64_t *now)
{
    const struct toy *toy = self;
    (void)setup;
    (void)now;
    return toy->setup_result;
}

static int toy_in(void *self, uint8_t *packet, size_t size, uint64_t *now)
{
    const struct toy *toy = self;
    *now += toy->work_ns;
    if (toy->in_size > 0)
        memset(packet, 0x5a, size);
    return toy->in_size;
}

static int toy_out(void *self, const uint8_t *packet, size_t size, uint64_t *now)
{
    struct toy *toy = self;
    (void)packet;
    *now += toy->work_ns;
    toy->received += size;
    return (int)size;
}

static const struct usb_device device = {
    .name = "toy",
    .speed = USB_SPEED_LOW,
    .control_packet = 8,
    .in_nak_ns = 40000,
    .setup = toy_setup,
    .control_in = toy_in,
    .control_out = toy_out,
};

struct run {
    struct usb_line line;
    struct usb_transfer transfer;
    uint8_t data[64];
    uint64_t again_ns;
};

static enum usb_progress run(struct run *r, struct toy *toy, uint8_t type, uint16_t length)
{
    *r = (struct run){.line = {.device = &device, .self = toy}};
    r->transfer.setup = (struct usb_setup){.type = type, .length = length};
    r->transfer.data = r->data;
    r->transfer.size = length;
    return usb_line_run(&r->line, &r->transfer, 0, &r->again_ns);
}

/* USB 2.0 specification, "Bus Transaction Times": about 117 us for 8 bytes at low speed, 67 us for
 * none. */
static void low_speed_packets_take_what_the_specification_says(void **state)
{
    (void)state;
    struct toy toy = {.in_size = 8};
    struct run r;
    assert_int_equal(run(&r, &toy, 0xc0, 8), USB_DONE);
    assert_int_equal(r.transfer.result, 0);
    assert_int_equal(r.transfer.actual, 8);
    assert_int_equal(r.line.packets, 3);
    assert_in_range(r.line.free_ns, 295000, 305000); /* SETUP, data, status */
}

static void short_packet_ends_the_data_stage(void **state)
{
    (void)state;
    struct toy toy = {.in_size = 4};
    struct run r;
    assert_int_equal(run(&r, &toy, 0xc0, 64), USB_DONE);
    assert_int_equal(r.transfer.result, 0);
    assert_int_equal(r.transfer.actual, 4);
}

static void busy_device_refuses_packets_and_loses_time_by_it(void **state)
{
    (void)state;
    struct toy toy = {.in_size = 8, .work_ns = 200000};
    struct run quick, slow;
    toy.work_ns = 0;
    assert_int_equal(run(&quick, &toy, 0xc0, 8), USB_DONE);
    toy.work_ns = 200000;
    assert_int_equal(run(&slow, &toy, 0xc0, 8), USB_DONE);
    assert_int_equal(slow.line.refused, 1); /* ready after 240 us, asked at 0 and 250 us */
    assert_int_equal(slow.line.free_ns - quick.line.free_ns, 250000);
    toy.work_ns = 220000;
    assert_int_equal(run(&slow, &toy, 0xc0, 8), USB_DONE);
    assert_int_equal(slow.line.refused, 2); /* not yet ready at 250 us, by what refusing cost */
}

static void stall_ends_a_transfer_at_setup_or_data(void **state)
{
    (void)state;
    struct toy toy = {.in_size = USB_STALL};
    struct run r;
    assert_int_equal(run(&r, &toy, 0xc0, 8), USB_DONE);
    assert_int_equal(r.transfer.result, -EPIPE);
    toy.setup_result = USB_STALL;
    assert_int_equal(run(&r, &toy, 0x40, 0), USB_DONE);
    assert_int_equal(r.transfer.result, -EPIPE);
}

static void hanging_device_leaves_the_transfer_waiting(void **state)
{
    (void)state;
    struct toy toy = {.in_size = USB_NAK};
    struct run r;
    assert_int_equal(run(&r, &toy, 0xc0, 8), USB_WAITING);
    assert_true(r.again_ns == USB_NEVER);
    toy.setup_result = USB_NAK;
    assert_int_equal(run(&r, &toy, 0x40, 0), USB_WAITING);
}

static void out_data_goes_in_packets_of_the_endpoint(void **state)
{
    (void)state;
    struct toy toy = {.in_size = 0};
    struct run r;
    assert_int_equal(run(&r, &toy, 0x40, 20), USB_DONE);
    assert_int_equal(r.transfer.result, 0);
    assert_int_equal(toy.received, 20);
    assert_int_equal(r.line.packets, 5); /* SETUP, 8, 8, 4, status */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(low_speed_packets_take_what_the_specification_says),
        cmocka_unit_test(short_packet_ends_the_data_stage),
        cmocka_unit_test(busy_device_refuses_packets_and_loses_time_by_it),
        cmocka_unit_test(stall_ends_a_transfer_at_setup_or_data),
        cmocka_unit_test(hanging_device_leaves_the_transfer_waiting),
        cmocka_unit_test(out_data_goes_in_packets_of_the_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
