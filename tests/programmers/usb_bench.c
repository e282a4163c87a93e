/* The bench for drivers of USB programmers; see usb_bench.h. */
#include "usb_bench.h"

#include <stdlib.h>
#include <string.h>

struct usb_bench_wanted usb_bench_wanted;
static struct usb_bench *current; /* what usb_open() opens */

static void copy(char *to, size_t capacity, const char *from)
{
    (void)snprintf(to, capacity, "%s", from == NULL ? "" : from);
}

enum status usb_open(const struct usb_wanted *wanted, const char *port, struct context *c,
                     struct usb **out, struct error *e)
{
    struct usb_bench_wanted *w = &usb_bench_wanted;
    *w = (struct usb_bench_wanted){0};
    for (size_t i = 0; i < 4 && wanted->ids[i].vendor != 0; i++)
        w->ids[i] = wanted->ids[i];
    copy(w->manufacturer, sizeof w->manufacturer, wanted->manufacturer);
    copy(w->title, sizeof w->title, wanted->title);
    copy(w->anyway, sizeof w->anyway, wanted->anyway);
    copy(w->port, sizeof w->port, port);
    assert_ptr_equal(c, &current->context);
    if (current->script.mishap_at == 0 && current->script.mishap != MISHAP_NONE)
        return error_set(e, STATUS_NO_DEVICE, "not there");
    current->opened = true;
    *out = &current->script.base;
    return STATUS_OK;
}

struct usb_bench *usb_bench_new(const struct programmer_driver *driver, const char *settings,
                                const char *part)
{
    struct usb_bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->clock = fake_clock_new();
    b->record = record_new();
    context_init(&b->context, &b->clock.base, &b->record.base, &b->cancel);
    usb_script_init(&b->script, b->steps, 0, &b->context, &b->clock);
    assert_int_equal(part_database_open(&b->parts, &b->error), STATUS_OK);
    assert_int_equal(part_find(b->parts, part, &b->part, &b->error), STATUS_OK);
    b->entry =
        (struct programmer_entry){.id = driver->name, .driver = driver->name, .settings = settings};
    b->config.id = driver->name;
    b->programmer = (struct programmer){
        .driver = driver,
        .entry = &b->entry,
        .config = &b->config,
        .context = &b->context,
        .part = b->part,
        .state = calloc(1, driver->state_size),
    };
    assert_non_null(b->programmer.state);
    current = b;
    return b;
}

void usb_bench_free(struct usb_bench *b)
{
    b->programmer.driver->close(&b->programmer);
    assert_true(b->script.closed || !b->opened);
    assert_int_equal(b->script.flying_count, 0);
    assert_string_equal(b->script.complaint, "");
    for (size_t i = 0; i < b->script.step_count; i++) {
        free((char *)(uintptr_t)b->steps[i].expect);
        free((char *)(uintptr_t)b->steps[i].answer);
    }
    free(b->programmer.state);
    part_database_close(b->parts);
    free(b);
    current = NULL;
}

static char *duplicate(const char *text)
{
    char *copied = text == NULL ? NULL : strdup(text);
    assert_true(text == NULL || copied != NULL);
    return copied;
}

/* `head`, then the bytes in hex. */
static char *with_bytes(const char *head, const uint8_t *data, size_t size)
{
    const size_t used = strlen(head);
    char *text = malloc(used + 2 * size + 1);
    assert_non_null(text);
    memcpy(text, head, used + 1);
    for (size_t i = 0; i < size; i++)
        (void)snprintf(text + used + 2 * i, 3, "%02x", data[i]);
    return text;
}

static void append(struct usb_bench *b, char *sent, char *answer)
{
    assert_true(b->script.step_count < USB_BENCH_STEPS);
    b->steps[b->script.step_count++] =
        (struct usb_step){.expect = sent, .answer = answer, .takes_us = 500};
}

void usb_bench_expect(struct usb_bench *b, const char *sent, const char *answer)
{
    append(b, duplicate(sent), duplicate(answer));
}

void usb_bench_expect_data(struct usb_bench *b, const char *setup, const uint8_t *data, size_t size)
{
    append(b, with_bytes(setup, data, size), NULL);
}

void usb_bench_expect_answer(struct usb_bench *b, const char *setup, const uint8_t *data,
                             size_t size)
{
    append(b, duplicate(setup), with_bytes("", data, size));
}

enum status usb_bench_open(struct usb_bench *b)
{
    const enum status status = b->programmer.driver->open(&b->programmer, &b->error);
    if (status != STATUS_OK)
        b->programmer.driver->close(&b->programmer);
    return status;
}

void usb_bench_check(struct usb_bench *b)
{
    assert_string_equal(b->script.complaint, "");
    assert_int_equal(b->script.at, b->script.step_count);
}

uint8_t usb_bench_instruction(struct usb_bench *b, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3)
{
    struct isp_exchange item = {.mosi = {b0, b1, b2, b3}};
    assert_int_equal(programmer_exchange(&b->programmer, &item, 1, &b->error), STATUS_OK);
    return item.miso[3];
}
