/* Every part of the database, erased, written and read through the target layer, on the simulated
 * programmer, once by whole ranges and once by single instructions. The chip behind it counts what
 * it should not have been sent; nothing may be left of that. */
#include <stdlib.h>
#include <string.h>

#include "ispflash/image.h"
#include "programmer/programmer.h"
#include "support/test.h"
#include "target/target.h"

enum { STRETCH = 96 };

/* Keeps what the chip says about the run when it is left. */
struct listener {
    struct sink sink;
    char counts[300];
};

static void listen(struct sink *self, const struct event *event)
{
    struct listener *listener = (struct listener *)self;
    if (event->kind != EVENT_LOG || strstr(event->log.text, "ignored while busy") == NULL)
        return;
    strncpy(listener->counts, event->log.text, sizeof listener->counts - 1);
}

struct rig {
    struct listener listener;
    struct context context;
    struct programmer *programmer;
    struct target *target;
    const struct part *part;
    struct error e;
};

static void must(struct rig *r, enum status status, const char *what)
{
    if (status != STATUS_OK)
        fail_msg("%s: %s: %s", r->part->name, what, r->e.text);
}

static uint8_t pattern(uint32_t address)
{
    return (uint8_t)(address * 31 + (address >> 8) * 7 + 1);
}

/* The first, a middle and the last stretch of a memory; the image's addresses begin at its base. */
static void stretch_at(const struct memory *m, unsigned which, uint32_t *address, uint32_t *size)
{
    *size = m->size < STRETCH ? m->size : STRETCH;
    *address = which == 0 ? 0 : which == 1 ? (m->size - *size) / 2 : m->size - *size;
}

/* The EEPROM as the chip holds it: of its pages, only bytes that are known can be left alone. Of
 * flash nothing needs to be known. */
static struct image *present_of(struct rig *r, const struct memory *m)
{
    struct image *image = image_new();
    assert_non_null(image);
    if (m->kind != MEMORY_EEPROM)
        return image;
    uint8_t *data = malloc(m->size);
    assert_non_null(data);
    must(r, target_read(r->target, m, 0, data, m->size, &r->e), m->name);
    must(r, image_put(image, m->base, data, m->size, IMAGE_OVERLAP_SAME, NULL, &r->e), m->name);
    free(data);
    return image;
}

static void check_stretch(struct rig *r, const struct memory *m, unsigned which)
{
    uint8_t found[STRETCH];
    uint32_t address = 0, size = 0;
    stretch_at(m, which, &address, &size);
    must(r, target_read(r->target, m, address, found, size, &r->e), m->name);
    for (uint32_t i = 0; i < size; i++) {
        if (found[i] != pattern(address + i))
            fail_msg("%s: %s 0x%04x: %02x instead of %02x", r->part->name, m->name,
                     (unsigned)(address + i), found[i], pattern(address + i));
    }
}

static void write_and_check(struct rig *r, const struct memory *m)
{
    struct image *wanted = image_new();
    assert_non_null(wanted);
    for (unsigned which = 0; which < 3; which++) {
        uint8_t data[STRETCH];
        uint32_t address = 0, size = 0;
        stretch_at(m, which, &address, &size);
        for (uint32_t i = 0; i < size; i++)
            data[i] = pattern(address + i);
        must(r, image_put(wanted, m->base + address, data, size, IMAGE_OVERLAP_SAME, NULL, &r->e),
             m->name);
    }
    struct image *present = present_of(r, m);
    must(r, target_write(r->target, m, wanted, present, &r->e), m->name);
    for (unsigned which = 0; which < 3; which++)
        check_stretch(r, m, which);
    image_free(wanted);
    image_free(present);
}

/* Fuses stay as they are: what they do is another matter; but the instruction is sent. */
static void rewrite_fuses(struct rig *r)
{
    for (size_t i = 0; i < r->part->memory_count; i++) {
        const struct memory *m = &r->part->memories[i];
        uint8_t before = 0, after = 0;
        if (m->kind != MEMORY_FUSE || !target_readable(r->target, m) ||
            !target_writable(r->target, m))
            continue;
        must(r, target_read_bytes(r->target, &m, &before, 1, &r->e), m->name);
        must(r, target_write_byte(r->target, m, before, &r->e), m->name);
        must(r, target_read_bytes(r->target, &m, &after, 1, &r->e), m->name);
        assert_int_equal(before, after);
    }
}

static void work_on(struct rig *r, const char *option)
{
    const char *const options[] = {"clock=8MHz", option};
    const struct programmer_config config = {
        .id = "sim",
        .sck_hz = 50000, /* all follow that, fresh from the factory */
        .options = options,
        .option_count = option != NULL ? 2 : 1,
    };
    uint8_t signature[3];
    static const enum memory_kind kinds[] = {MEMORY_FLASH, MEMORY_EEPROM};
    context_init(&r->context, clock_system(), &r->listener.sink, NULL);
    must(r, programmer_open(&config, &r->context, &r->programmer, &r->e), "open");
    must(r, target_open(r->programmer, r->part, &r->target, &r->e), "target");
    must(r, target_enter(r->target, &r->e), "enter");
    must(r, target_identify(r->target, signature, &r->e), "identify");
    assert_memory_equal(signature, r->part->signature, 3);
    must(r, target_erase(r->target, &r->e), "erase");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct memory *m = part_memory(r->part, kinds[i]);
        if (m != NULL && m->size > 0)
            write_and_check(r, m);
    }
    rewrite_fuses(r);
    must(r, target_leave(r->target, &r->e), "leave");
    target_close(r->target);
    programmer_close(r->programmer);
    if (strstr(r->listener.counts, " 0 ignored while busy, 0 outside programming mode, 0 unknown, "
                                   "0 forbidden by lock bits, 0 at too fast an SCK, 0 operations "
                                   "cut off") == NULL)
        fail_msg("%s: %s", r->part->name, r->listener.counts);
}

static void work_on_every_part(struct part_database *parts, const char *option)
{
    for (size_t i = 0; i < part_count(parts); i++) {
        struct rig r = {.listener.sink.emit = listen};
        assert_int_equal(part_find(parts, part_entry_at(parts, i).id, &r.part, &r.e), STATUS_OK);
        if (r.part->family == PART_AVR_ISP)
            work_on(&r, option);
    }
}

static void every_part_is_written_and_read_by_ranges(void **state)
{
    work_on_every_part(*state, NULL);
}

static void every_part_is_written_and_read_by_single_instructions(void **state)
{
    work_on_every_part(*state, "plain");
}

static int parts_open(void **state)
{
    struct part_database *parts = NULL;
    struct error e = {0};
    if (part_database_open(&parts, &e) != STATUS_OK)
        return -1;
    *state = parts;
    return 0;
}

static int parts_close(void **state)
{
    part_database_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_written_and_read_by_ranges),
        cmocka_unit_test(every_part_is_written_and_read_by_single_instructions),
    };
    return cmocka_run_group_tests(tests, parts_open, parts_close);
}
