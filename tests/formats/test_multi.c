/* Several memories in one file, by the GNU address map. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ispflash/format.h"
#include "support/test.h"

enum { MEMORIES_MAX = 32 };

struct world {
    struct part_database *parts;
    const struct part *part; /* ATmega328P */
    struct image *images[MEMORIES_MAX];
    struct sink sink;
    char told[512];
    struct error error;
};

static void hear(struct sink *self, const struct event *event)
{
    struct world *w = (struct world *)((char *)self - offsetof(struct world, sink));
    if (event->kind == EVENT_LOG && event->log.level <= LOG_NOTE)
        (void)strncat(w->told, event->log.text, sizeof w->told - strlen(w->told) - 1);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->sink.emit = hear;
    assert_int_equal(part_database_open(&w->parts, &w->error), STATUS_OK);
    assert_int_equal(part_find(w->parts, "m328p", &w->part, &w->error), STATUS_OK);
    *state = w;
    return 0;
}

static void forget(struct world *w)
{
    for (size_t i = 0; i < MEMORIES_MAX; i++) {
        image_free(w->images[i]);
        w->images[i] = NULL;
    }
    w->told[0] = '\0';
}

static int tear_down(void **state)
{
    struct world *w = *state;
    forget(w);
    part_database_close(w->parts);
    free(w);
    return 0;
}

static enum status read_text(struct world *w, enum format format, const char *text)
{
    const struct format_input in = {
        .name = "f", .data = (const uint8_t *)text, .size = strlen(text), .format = format};
    struct context context;
    context_init(&context, clock_system(), &w->sink, NULL);
    forget(w);
    return format_read_multi(&in, w->part, &context, w->images, &w->error);
}

static const struct image *image_of(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->part->memory_count; i++)
        if (strcmp(w->part->memories[i].name, name) == 0)
            return w->images[i];
    fail_msg("no memory %s", name);
    return NULL;
}

static void assert_byte(const struct world *w, const char *name, uint32_t address, uint8_t wanted)
{
    uint8_t value;
    assert_non_null(image_of(w, name));
    assert_true(image_get(image_of(w, name), address, &value));
    assert_int_equal(value, wanted);
}

static void put(struct image *image, uint32_t address, const char *bytes, size_t size)
{
    struct error e = {0};
    assert_int_equal(
        image_put(image, address, (const uint8_t *)bytes, size, IMAGE_OVERLAP_SAME, NULL, &e),
        STATUS_OK);
}

static void every_memory_takes_its_window(void **state)
{
    struct world *w = *state;
    struct image *whole = image_new();
    put(whole, 0, "\xaa\xbb", 2);
    put(whole, 0x810005, "\x11", 1);
    put(whole, 0x820000, "\x62\xd9\xff", 3);
    put(whole, 0x830000, "\xcf", 1);
    put(whole, 0x840000, "\x1e\x95\x0f\x9a", 4);
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(format_write(FORMAT_IHEX, whole, NULL, &data, &size, &w->error), STATUS_OK);
    data = realloc(data, size + 1);
    data[size] = '\0';
    assert_int_equal(read_text(w, FORMAT_AUTO, (const char *)data), STATUS_OK);
    assert_byte(w, "flash", 1, 0xbb);
    assert_byte(w, "eeprom", 5, 0x11);
    assert_int_equal(image_bytes(image_of(w, "eeprom")), 1);
    assert_byte(w, "lfuse", 0, 0x62);
    assert_byte(w, "hfuse", 0, 0xd9);
    assert_byte(w, "efuse", 0, 0xff);
    assert_byte(w, "lock", 0, 0xcf);
    assert_byte(w, "signature", 2, 0x0f);
    assert_byte(w, "calibration", 0, 0x9a);
    assert_string_equal(w->told, "");
    free(data);
    image_free(whole);
}

static void a_plain_file_is_all_flash(void **state)
{
    struct world *w = *state;
    assert_int_equal(read_text(w, FORMAT_IHEX, ":0400000001020304F2\n:00000001FF\n"), STATUS_OK);
    assert_int_equal(image_bytes(image_of(w, "flash")), 4);
    assert_null(image_of(w, "eeprom"));
    assert_null(image_of(w, "lock"));
}

static void what_was_written_is_read_again(void **state)
{
    struct world *w = *state;
    static const enum format formats[] = {FORMAT_IHEX, FORMAT_IHEX_COMMENTS, FORMAT_SREC};
    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        struct memory_image list[MEMORIES_MAX];
        struct image *images[MEMORIES_MAX] = {NULL};
        size_t count = 0, size = 0;
        uint8_t *data = NULL;
        for (size_t i = 0; i < w->part->memory_count; i++) {
            const struct memory *m = &w->part->memories[i];
            if (m->kind == MEMORY_USERSIG)
                continue;
            images[count] = image_new();
            put(images[count], m->base + m->size - 1, &"abcdefgh"[i % 8], 1);
            list[count] = (struct memory_image){.memory = m, .image = images[count]};
            count++;
        }
        assert_int_equal(format_write_multi(formats[f], list, count, &data, &size, &w->error),
                         STATUS_OK);
        data = realloc(data, size + 1);
        data[size] = '\0';
        assert_int_equal(read_text(w, FORMAT_AUTO, (const char *)data), STATUS_OK);
        for (size_t i = 0; i < count; i++) {
            assert_true(image_equal(image_of(w, list[i].memory->name), list[i].image));
            image_free(images[i]);
        }
        free(data);
    }
}

static void comments_name_the_memories(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"flash", "lfuse", "hfuse", "signature", "calibration"};
    static const char *const bytes[] = {"0123456789", "\x62", "\xd9", "\x1e\x95\x0f", "\x9a"};
    struct memory_image list[5];
    struct image *images[5];
    uint8_t *data = NULL;
    size_t size = 0;
    for (size_t i = 0; i < 5; i++) {
        const struct memory *m = NULL;
        assert_int_equal(part_memory_find(w->part, names[i], &m), MEMORY_FOUND);
        images[i] = image_new();
        put(images[i], 0, bytes[i], strlen(bytes[i]));
        list[i] = (struct memory_image){.memory = m, .image = images[i]};
    }
    assert_int_equal(format_write_multi(FORMAT_IHEX_COMMENTS, list, 5, &data, &size, &w->error),
                     STATUS_OK);
    data = realloc(data, size + 1);
    data[size] = '\0';
    static const char *const wanted[] = {
        " // 00000> 0123456789 flash\n", " // 820000> 0x62 lfuse\n", " // 820001> 0xd9 hfuse\n",
        " // 840000> 0x1e 0x95 0x0f signature\n", " // 840003> 0x9a calibration\n"};
    const char *at = (const char *)data;
    for (size_t i = 0; i < 5; i++) {
        at = strstr(at, wanted[i]);
        assert_non_null(at);
        image_free(images[i]);
    }
    free(data);
}

static void what_no_memory_of_the_part_holds_is_told(void **state)
{
    struct world *w = *state;
    /* two bytes of a user row */
    assert_int_equal(read_text(w, FORMAT_IHEX,
                               ":0400000001020304F2\n:02000004008575\n:020000000102FB\n"
                               ":00000001FF\n"),
                     STATUS_OK);
    assert_string_equal(w->told,
                        "f: 2 bytes for memories that the ATmega328P does not have; left out");
}

static void bytes_beyond_a_memory_and_for_ram_are_errors(void **state)
{
    struct world *w = *state;
    assert_int_equal(read_text(w, FORMAT_IHEX, ":02000004008179\n:010400000AF1\n:00000001FF\n"),
                     STATUS_INPUT);
    assert_non_null(strstr(w->error.text, "eeprom ends at 0x3ff"));
    assert_int_equal(read_text(w, FORMAT_IHEX, ":02000004008377\n:02000000CFFF30\n:00000001FF\n"),
                     STATUS_INPUT);
    assert_non_null(strstr(w->error.text, "lock ends at 0x0"));
    assert_int_equal(read_text(w, FORMAT_IHEX, ":0200000400807A\n:010100000AF4\n:00000001FF\n"),
                     STATUS_INPUT);
    assert_non_null(strstr(w->error.text, "RAM"));
    for (size_t i = 0; i < MEMORIES_MAX; i++)
        assert_null(w->images[i]);
}

static void formats_without_addresses_cannot_hold_several(void **state)
{
    struct world *w = *state;
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(read_text(w, FORMAT_RAW, "abc"), STATUS_INPUT);
    assert_non_null(strstr(w->error.text, "cannot hold several memories"));
    assert_int_equal(format_write_multi(FORMAT_RAW, NULL, 0, &data, &size, &w->error),
                     STATUS_USAGE);
    assert_int_equal(read_text(w, FORMAT_IHEX, ":01000000"), STATUS_INPUT);
}

static void a_name_promises_a_format(void **state)
{
    (void)state;
    assert_int_equal(format_by_name("a.HEX"), FORMAT_IHEX);
    assert_int_equal(format_by_name("a.eep"), FORMAT_IHEX);
    assert_int_equal(format_by_name("a.s19"), FORMAT_SREC);
    assert_int_equal(format_by_name("a.bin"), FORMAT_AUTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_memory_takes_its_window),
        cmocka_unit_test(a_plain_file_is_all_flash),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(comments_name_the_memories),
        cmocka_unit_test(what_no_memory_of_the_part_holds_is_told),
        cmocka_unit_test(bytes_beyond_a_memory_and_for_ram_are_errors),
        cmocka_unit_test(formats_without_addresses_cannot_hold_several),
        cmocka_unit_test(a_name_promises_a_format),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
