/* Waiting for a boot loader on USB, on a clock that is not real. */
#include "cli/expect_usb.h"

#include <string.h>

#include "support/test.h"

/* A bus on which the wanted device appears with the look of that number; 0: never. */
static struct {
    unsigned looks, appears_at, before;
    enum status status;
} bus;

static enum status list(void (*each)(const struct usb_info *info, void *user), void *user,
                        struct error *e)
{
    const struct usb_info other = {.vendor = 0x2341, .product = 0x0043};
    const struct usb_info wanted = {.vendor = 0x03eb, .product = 0x2ff4};
    if (bus.status != STATUS_OK)
        return error_set(e, bus.status, "USB cannot be used");
    bus.looks++;
    each(&other, user);
    for (unsigned i = 0; i < bus.before; i++)
        each(&wanted, user);
    if (bus.appears_at != 0 && bus.looks >= bus.appears_at)
        each(&wanted, user);
    return STATUS_OK;
}

struct fake_clock {
    struct clock clock; /* first */
    uint64_t now_us;
};

static uint64_t fake_now(struct clock *clock)
{
    return ((struct fake_clock *)clock)->now_us;
}

static void fake_sleep(struct clock *clock, uint64_t us)
{
    ((struct fake_clock *)clock)->now_us += us;
}

static enum status wait_for_it(unsigned appears_at, unsigned before, struct error *e)
{
    struct fake_clock clock = {{fake_now, fake_sleep}, 0};
    struct context context;
    struct expect_usb x = {.list = list, .vendor = 0x03eb, .product = 0x2ff4};
    bus.looks = 0;
    bus.appears_at = appears_at;
    bus.before = before;
    context_init(&context, &clock.clock, NULL, NULL);
    expect_usb_count(&x);
    return expect_usb_wait(&x, &context, e);
}

static void a_device_that_appears_is_seen(void **state)
{
    struct error e = {0};
    (void)state;
    assert_int_equal(wait_for_it(2, 0, &e), STATUS_OK);
    assert_int_equal(wait_for_it(9, 0, &e), STATUS_OK);
    assert_int_equal(bus.looks, 9);
}

static void one_that_was_there_before_does_not_count(void **state)
{
    struct error e = {0};
    (void)state;
    assert_int_equal(wait_for_it(0, 1, &e), STATUS_TIMEOUT);
    assert_int_equal(wait_for_it(5, 1, &e), STATUS_OK);
}

static void one_that_never_comes_ends_the_wait_with_what_to_look_at(void **state)
{
    struct error e = {0};
    (void)state;
    assert_int_equal(wait_for_it(0, 0, &e), STATUS_TIMEOUT);
    assert_string_equal(e.text, "no device 03eb:2ff4 has appeared on USB within 15 s");
    assert_non_null(strstr(e.hint, "cable"));
}

static void a_bus_that_cannot_be_looked_at_is_told(void **state)
{
    struct error e = {0};
    (void)state;
    bus.status = STATUS_NO_DEVICE;
    assert_int_equal(wait_for_it(1, 0, &e), STATUS_NO_DEVICE);
    bus.status = STATUS_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_appears_is_seen),
        cmocka_unit_test(one_that_was_there_before_does_not_count),
        cmocka_unit_test(one_that_never_comes_ends_the_wait_with_what_to_look_at),
        cmocka_unit_test(a_bus_that_cannot_be_looked_at_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
