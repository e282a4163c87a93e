/* When a run is over: by a signal, by its deadline, and not any more on the way out. */
#include "ispflash/context.h"
#include "support/test.h"

struct fake_clock {
    struct clock clock;
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

static struct fake_clock fake_clock(void)
{
    return (struct fake_clock){{fake_now, fake_sleep}, 1000};
}

static void without_a_deadline_a_run_may_take_for_ever(void **state)
{
    (void)state;
    struct fake_clock clock = fake_clock();
    struct context c;
    struct error e = {0};
    context_init(&c, &clock.clock, NULL, NULL);
    assert_int_equal(context_sleep(&c, UINT64_C(86400000000), &e), STATUS_OK);
    assert_false(context_cancelled(&c));
}

static void a_sleep_ends_at_the_deadline(void **state)
{
    (void)state;
    struct fake_clock clock = fake_clock();
    struct context c;
    struct error e = {0};
    context_init(&c, &clock.clock, NULL, NULL);
    c.deadline_us = c.begin_us + 300000;
    assert_int_equal(context_check(&c, &e), STATUS_OK);
    assert_int_equal(context_sleep(&c, 10000000, &e), STATUS_TIMEOUT);
    assert_true(clock.now_us < 1000 + 400000);
    assert_true(context_cancelled(&c));
    c.leaving = true; /* RESET is to be released */
    assert_false(context_cancelled(&c));
    assert_int_equal(context_check(&c, &e), STATUS_OK);
}

static void a_signal_counts_more_than_the_deadline(void **state)
{
    (void)state;
    struct fake_clock clock = fake_clock();
    volatile sig_atomic_t cancel = 2;
    struct context c;
    struct error e = {0};
    context_init(&c, &clock.clock, NULL, &cancel);
    c.deadline_us = 1;
    assert_int_equal(context_check(&c, &e), STATUS_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_deadline_a_run_may_take_for_ever),
        cmocka_unit_test(a_sleep_ends_at_the_deadline),
        cmocka_unit_test(a_signal_counts_more_than_the_deadline),
    };
    return cmocka_run_group_tests_name("core_context", tests, NULL, NULL);
}
