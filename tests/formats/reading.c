#include "reading.h"

#include <stdio.h>
#include <string.h>

const struct memory test_flash = {.name = "flash", .kind = MEMORY_FLASH, .size = 32768};
const struct memory test_eeprom = {.name = "eeprom", .kind = MEMORY_EEPROM, .size = 1024};
const struct memory test_lfuse = {.name = "lfuse", .kind = MEMORY_FUSE, .size = 1};
const struct memory test_hfuse = {.name = "hfuse", .kind = MEMORY_FUSE, .size = 1};
const struct memory test_lock = {.name = "lock", .kind = MEMORY_LOCK, .size = 1};

static void record_event(struct sink *self, const struct event *event)
{
    struct reading *r = (struct reading *)self;
    static const char *const levels[] = {"warning", "note", "detail", "debug"};
    if (event->kind != EVENT_LOG)
        return;
    const size_t used = strlen(r->told);
    (void)snprintf(r->told + used, sizeof r->told - used, "%s: %s\n", levels[event->log.level],
                   event->log.text);
}

struct reading read_bytes(const struct format_input *in)
{
    struct reading r = {.sink = {.emit = record_event}};
    struct context context;
    struct format_result result = {0};
    context_init(&context, clock_system(), &r.sink, NULL);
    r.status = format_read(in, &context, &result, &r.error);
    r.image = result.image;
    r.format = result.format;
    return r;
}

struct reading read_text(enum format format, const char *text, const struct memory *memory)
{
    const struct format_input in = {.name = "file.hex",
                                    .data = (const uint8_t *)text,
                                    .size = strlen(text),
                                    .format = format,
                                    .memory = memory};
    return read_bytes(&in);
}

void reading_free(struct reading *r)
{
    image_free(r->image);
    r->image = NULL;
}

void assert_image(const struct reading *r, uint32_t address, const char *bytes, size_t size)
{
    struct extent extent;
    assert_string_equal(r->error.text, "");
    assert_int_equal(r->status, STATUS_OK);
    assert_true(image_next(r->image, 0, &extent));
    assert_int_equal(extent.address, address);
    assert_int_equal(extent.size, size);
    assert_memory_equal(extent.data, bytes, size);
    assert_int_equal(image_bytes(r->image), size);
}

void assert_input_error(const struct reading *r, const char *text)
{
    assert_string_equal(r->error.text, text);
    assert_int_equal(r->status, STATUS_INPUT);
    assert_null(r->image);
}
