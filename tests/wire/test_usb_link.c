/* The link layer over the real libusb: run by usb_rig, with the name of one test as argument, since
 * each needs other devices and faults. */
#include "support/test.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "link/usb.h"
#include "support/record.h"

static const struct usb_id usbtiny_ids[] = {{0x1781, 0x0c9f}, {0, 0}};
static const struct usb_wanted usbtiny = {.programmer = "usbtiny", .ids = usbtiny_ids};
static const struct usb_id loop_ids[] = {{0x1209, 0x0001}, {0, 0}};
static const struct usb_wanted loop = {.programmer = "loop", .ids = loop_ids};

static volatile sig_atomic_t cancel;

struct bench {
    struct record record;
    struct context context;
    struct error e;
    struct usb *usb;
};

static void begin(struct bench *b)
{
    *b = (struct bench){.record = record_new()};
    context_init(&b->context, clock_system(), &b->record.base, &cancel);
}

static void open_it(struct bench *b, const struct usb_wanted *wanted, const char *port)
{
    begin(b);
    if (usb_open(wanted, port, &b->context, &b->usb, &b->e) != STATUS_OK)
        fail_msg("%s", b->e.text);
}

/* Request 0 of a USBtinyISP: the SETUP packet comes back. */
static enum status queue_echo(struct bench *b, uint16_t value, uint8_t answer[8],
                              unsigned timeout_ms)
{
    const struct usb_request request = {
        .name = "ECHO", .type = USB_VENDOR_IN, .value = value, .index = 0x1234};
    return usb_queue_in(b->usb, &request, answer, 8, timeout_ms, 0, &b->e);
}

static enum status echo(struct bench *b, unsigned timeout_ms)
{
    uint8_t answer[8];
    const enum status status = queue_echo(b, 1, answer, timeout_ms);
    return status != STATUS_OK ? status : usb_finish(b->usb, &b->e);
}

static uint64_t cpu_us(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- rig: --device usbtiny --path 1-2.3 --------------------------------------------------------
 */

static void queued_transfers_end_in_order_with_their_own_data(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &usbtiny, NULL);
    assert_string_equal(b.usb->name, "usbtiny at usb:1-2.3");
    assert_string_equal(b.usb->info.title, "USBtinyISP");
    static uint8_t answers[200][8];
    for (uint16_t i = 0; i < 200; i++)
        assert_int_equal(queue_echo(&b, i, answers[i], 500), STATUS_OK);
    assert_int_equal(usb_finish(b.usb, &b.e), STATUS_OK);
    for (uint16_t i = 0; i < 200; i++) {
        const uint8_t wanted[8] = {0xc0, 0, (uint8_t)i, 0, 0x34, 0x12, 8, 0};
        assert_memory_equal(answers[i], wanted, 8);
    }
    assert_int_equal(b.record.wire_in, 200 * 8);
    usb_close(b.usb);
    open_it(&b, &usbtiny, "usb:1-2.3"); /* all was given back */
    usb_close(b.usb);
}

static void second_opening_is_busy(void **state)
{
    (void)state;
    struct bench first, second;
    open_it(&first, &usbtiny, NULL);
    begin(&second);
    assert_int_equal(usb_open(&usbtiny, NULL, &second.context, &second.usb, &second.e),
                     STATUS_BUSY);
    assert_int_equal(echo(&first, 500), STATUS_OK);
    usb_close(first.usb);
}

struct seen {
    unsigned count;
    struct usb_info last;
};

static void see(const struct usb_info *info, void *user)
{
    struct seen *seen = user;
    seen->count++;
    seen->last = *info;
}

static void devices_are_listed_without_being_opened(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct error e = {0};
    assert_int_equal(usb_list(see, &seen, &e), STATUS_OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.last.path, "1-2.3");
    assert_string_equal(seen.last.title, "USBtinyISP");
    assert_int_equal(seen.last.release, 0x0105);
}

/* --- other devices and faults ------------------------------------------------------------------
 */

static void missing_permission_is_told_from_absence(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    assert_int_equal(usb_open(&usbtiny, NULL, &b.context, &b.usb, &b.e), STATUS_PERMISSION);
    assert_non_null(strstr(b.e.text, "usbtiny at usb:1-1 is there, but may not be opened"));
    assert_non_null(strstr(b.e.hint, "ispflash udev"));
    struct seen seen = {0};
    assert_int_equal(usb_list(see, &seen, &b.e), STATUS_OK);
    assert_string_equal(seen.last.title, "USBtinyISP");
}

static void claimed_interface_is_busy(void **state)
{
    (void)state;
    struct bench b;
    begin(&b);
    assert_int_equal(usb_open(&usbtiny, NULL, &b.context, &b.usb, &b.e), STATUS_BUSY);
    assert_non_null(strstr(b.e.text, "usbtiny at usb:1-1 is in use by another program"));
}

static void unplugging_is_noticed_at_once(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &usbtiny, NULL);
    const uint64_t before = context_now_us(&b.context);
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < 100 && status == STATUS_OK; i++)
        status = echo(&b, 30000);
    assert_int_equal(status, STATUS_LINK);
    assert_non_null(strstr(b.e.text, "was unplugged"));
    assert_true(context_now_us(&b.context) - before < 5000000);
    assert_int_equal(echo(&b, 30000), STATUS_LINK);
    usb_close(b.usb);
}

static void refused_transfer_fails_and_the_next_works(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &usbtiny, NULL);
    assert_int_equal(echo(&b, 500), STATUS_OK);
    assert_int_equal(echo(&b, 500), STATUS_SILENT);
    assert_string_equal(b.e.text, "usbtiny at usb:1-1 refused ECHO");
    assert_int_equal(echo(&b, 500), STATUS_OK);
    usb_close(b.usb);
}

static void waiting_for_a_hung_device_ends_in_time_and_costs_no_cpu(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &usbtiny, NULL);
    assert_int_equal(echo(&b, 500), STATUS_OK);
    const uint64_t before = context_now_us(&b.context), cpu_before = cpu_us();
    assert_int_equal(echo(&b, 1000), STATUS_TIMEOUT);
    const uint64_t took = context_now_us(&b.context) - before;
    assert_true(took >= 1000000 && took < 10000000);
    assert_true(cpu_us() - cpu_before < 500000);
    assert_int_equal(echo(&b, 500), STATUS_OK);
    usb_close(b.usb);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    cancel = 1;
}

static void cancelling_is_noticed_while_a_device_hangs(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &usbtiny, NULL);
    assert_int_equal(echo(&b, 500), STATUS_OK);
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    const struct itimerval soon = {.it_value = {.tv_usec = 50000}};
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    const uint64_t before = context_now_us(&b.context);
    assert_int_equal(echo(&b, 60000), STATUS_CANCELLED);
    assert_true(context_now_us(&b.context) - before < 10000000);
    b.context.leaving = true;
    assert_int_equal(echo(&b, 500), STATUS_OK);
    usb_close(b.usb);
}

static void two_devices_work_side_by_side(void **state)
{
    (void)state;
    struct bench a, b;
    begin(&a);
    assert_int_equal(usb_open(&usbtiny, NULL, &a.context, &a.usb, &a.e), STATUS_NO_DEVICE);
    assert_string_equal(a.e.text, "2 devices could be the usbtiny; which one?");
    open_it(&a, &usbtiny, "usb:1-1");
    open_it(&b, &usbtiny, "usb:1-4.2");
    uint8_t answers[2][40][8];
    for (uint16_t i = 0; i < 40; i++) {
        assert_int_equal(queue_echo(&a, i, answers[0][i], 500), STATUS_OK);
        assert_int_equal(queue_echo(&b, (uint16_t)(i + 100), answers[1][i], 500), STATUS_OK);
    }
    assert_int_equal(usb_finish(a.usb, &a.e), STATUS_OK);
    assert_int_equal(usb_finish(b.usb, &b.e), STATUS_OK);
    for (uint16_t i = 0; i < 40; i++) {
        assert_int_equal(answers[0][i][2], i);
        assert_int_equal(answers[1][i][2], i + 100);
    }
    usb_close(a.usb);
    usb_close(b.usb);
}

static void bulk_transfers_queue_on_both_endpoints(void **state)
{
    (void)state;
    struct bench b;
    open_it(&b, &loop, "usb:L1");
    static const struct usb_request out = {.name = "OUT", .endpoint = 0x02};
    static const struct usb_request in = {.name = "IN", .endpoint = 0x81};
    uint8_t sent[20][100], came[20][100];
    for (unsigned i = 0; i < 20; i++) {
        memset(sent[i], (int)i + 1, sizeof sent[i]);
        /* The answer is asked for first: the device has nothing to send until the next transfer. */
        assert_int_equal(usb_queue_in(b.usb, &in, came[i], 100, 500, 0, &b.e), STATUS_OK);
        assert_int_equal(usb_queue_out(b.usb, &out, sent[i], 100, 500, 0, &b.e), STATUS_OK);
    }
    assert_int_equal(usb_finish(b.usb, &b.e), STATUS_OK);
    assert_memory_equal(sent, came, sizeof sent);
    size_t got;
    assert_int_equal(usb_ask(b.usb, &in, came[0], 100, 200, &got, &b.e), STATUS_TIMEOUT);
    assert_int_equal(usb_queue_out(b.usb, &out, sent[0], 30, 500, 0, &b.e), STATUS_OK);
    assert_int_equal(usb_ask(b.usb, &in, came[0], 100, 500, &got, &b.e), STATUS_OK);
    assert_int_equal(got, 30);
    usb_close(b.usb);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queued_transfers_end_in_order_with_their_own_data),
        cmocka_unit_test(second_opening_is_busy),
        cmocka_unit_test(devices_are_listed_without_being_opened),
        cmocka_unit_test(missing_permission_is_told_from_absence),
        cmocka_unit_test(claimed_interface_is_busy),
        cmocka_unit_test(unplugging_is_noticed_at_once),
        cmocka_unit_test(refused_transfer_fails_and_the_next_works),
        cmocka_unit_test(waiting_for_a_hung_device_ends_in_time_and_costs_no_cpu),
        cmocka_unit_test(cancelling_is_noticed_while_a_device_hangs),
        cmocka_unit_test(two_devices_work_side_by_side),
        cmocka_unit_test(bulk_transfers_queue_on_both_endpoints),
    };
    bool known = false; /* a filter that fits nothing would pass */
    for (size_t i = 0; argc == 2 && i < sizeof tests / sizeof tests[0]; i++)
        known |= strcmp(tests[i].name, argv[1]) == 0;
    if (!known)
        return 2;
    cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
