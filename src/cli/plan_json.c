/* Plans and boot loaders for programs. */
#include "plan_json.h"

#include "json_sink.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* --- plans ---------------------------------------------------------------------------------- */

static json_t *ranges(const struct image *image)
{
    struct extent extent;
    json_t *list = json_array();
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        json_t *range = json_object();
        set(range, "address", json_integer(extent.address));
        set(range, "bytes", json_bytes(extent.data, extent.size));
        (void)json_array_append_new(list, range);
    }
    return list;
}

static json_t *step_object(const struct session *s, const struct job_step *step)
{
    static const char *const names[] = {[JOB_STEP_ERASE] = "erase",
                                        [JOB_STEP_READ] = "read",
                                        [JOB_STEP_WRITE] = "write",
                                        [JOB_STEP_VERIFY] = "verify",
                                        [JOB_STEP_COMMANDS] = "commands"};
    json_t *o = json_object();
    uint8_t before;
    set(o, "step", json_text(names[step->kind]));
    if (step->memory == NULL)
        return o;
    set(o, "memory", json_text(step->memory->name));
    if (session_byte(s, step->memory, &before))
        set(o, "before", json_integer(before));
    if (step->kind == JOB_STEP_WRITE && step->image != NULL)
        set(o, "ranges", ranges(step->image));
    return o;
}

void plan_json(FILE *out, const struct session *s, const struct job_step *steps, size_t count)
{
    json_t *o = json_begin("plan"), *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, step_object(s, &steps[i]));
    set(o, "part", json_text(session_part(s)->name));
    set(o, "steps", list);
    json_line(out, o);
}

/* --- boot loaders --------------------------------------------------------------------------- */

static json_t *byte(const struct bootloader_byte *b)
{
    return b->known ? json_integer(b->value) : json_null();
}

static json_t *number(uint32_t value)
{
    return value != 0 ? json_integer(value) : json_null();
}

static json_t *usb_id(const struct bootloader *b)
{
    char text[10];
    (void)snprintf(text, sizeof text, "%04x:%04x", b->usb_vendor, b->usb_product);
    return b->has_usb ? json_text(text) : json_null();
}

void bootloader_json(FILE *out, const struct bootloader *b)
{
    json_t *o = json_begin("bootloader"), *parts = json_array();
    for (const char *const *part = b->parts; *part != NULL; part++)
        (void)json_array_append_new(parts, json_text(*part));
    set(o, "id", json_text(b->id));
    set(o, "name", json_text(b->name));
    set(o, "kind", json_text(b->kind));
    set(o, "parts", parts);
    set(o, "lfuse", byte(&b->lfuse));
    set(o, "hfuse", byte(&b->hfuse));
    set(o, "hfuse_no_jtag", byte(&b->hfuse_no_jtag));
    set(o, "efuse", byte(&b->efuse));
    set(o, "unlock", byte(&b->unlock));
    set(o, "lock", byte(&b->lock));
    set(o, "usb", usb_id(b));
    set(o, "clock_hz", number(b->clock_hz));
    set(o, "protocol", json_text(b->protocol));
    set(o, "baud", number(b->baud));
    set(o, "application_size", number(b->application_size));
    set(o, "file", json_text(b->file));
    set(o, "note", json_text(b->note));
    set(o, "source", json_text(b->source));
    json_line(out, o);
}
