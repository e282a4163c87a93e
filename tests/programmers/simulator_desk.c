/* The simulated programmer on a desk. */
#include "simulator_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

static uint64_t test_now(struct clock *self)
{
    return ((struct test_clock *)self)->now_us;
}

static void test_sleep(struct clock *self, uint64_t us)
{
    ((struct test_clock *)self)->now_us += us;
}

int desk_setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    assert_int_equal(part_database_open(&d->parts, &d->e), STATUS_OK);
    d->clock = (struct test_clock){.clock = {.now_us = test_now, .sleep_us = test_sleep}};
    context_init(&d->context, &d->clock.clock, NULL, &d->cancel);
    d->config = (struct programmer_config){.id = "sim", .options = d->options};
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(d->folder, sizeof d->folder, "%s/simXXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(d->folder));
    (void)snprintf(d->path, sizeof d->path, "%s/chip.state", d->folder);
    *state = d;
    return 0;
}

int desk_teardown(void **state)
{
    struct desk *d = *state;
    programmer_close(d->programmer);
    part_database_close(d->parts);
    (void)unlink(d->path);
    assert_int_equal(rmdir(d->folder), 0); /* no temporary file was left behind */
    free(d);
    return 0;
}

void desk_option(struct desk *d, const char *option)
{
    d->options[d->config.option_count++] = option;
}

static const struct part *desk_part(struct desk *d, const char *name)
{
    const struct part *part = NULL;
    assert_int_equal(part_find(d->parts, name, &part, &d->e), STATUS_OK);
    return part;
}

enum status desk_open(struct desk *d, const char *part)
{
    TRY(programmer_open(&d->config, &d->context, &d->programmer, &d->e));
    if (part != NULL)
        TRY(programmer_select(d->programmer, desk_part(d, part), &d->e));
    return programmer_enter(d->programmer, &d->e);
}

void desk_close(struct desk *d)
{
    programmer_close(d->programmer);
    d->programmer = NULL;
}

uint8_t desk_send(struct desk *d, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
    struct isp_exchange one = {.mosi = {b0, b1, b2, b3}};
    assert_int_equal(programmer_exchange(d->programmer, &one, 1, &d->e), STATUS_OK);
    return one.miso[3];
}

bool desk_enable(struct desk *d)
{
    struct isp_exchange one = {.mosi = {0xac, 0x53, 0, 0}};
    assert_int_equal(programmer_exchange(d->programmer, &one, 1, &d->e), STATUS_OK);
    const struct part *part = d->programmer->part;
    return one.miso[part->enable_reply_byte] == part->enable_reply_value;
}

void desk_begin(struct desk *d, const char *part)
{
    if (desk_open(d, part) != STATUS_OK)
        fail_msg("%s", d->e.text);
    assert_true(desk_enable(d));
}
