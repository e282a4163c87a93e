/* The boot loaders: the built-in data, look-up, and what the reader refuses. */
#include <stdio.h>
#include <string.h>

#include "ispflash/bootloader.h"
#include "support/test.h"

#define ROW "[one]\nname = One\nkind = k\npart = atmega8\nlfuse = 0xff\nhfuse = 0xca\nsource = s\n"

static struct bootloader_list *built_in(void)
{
    struct bootloader_list *list = NULL;
    struct error e = {0};
    if (bootloaders_open(&list, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return list;
}

static const struct bootloader *named(const struct bootloader_list *list, const char *id)
{
    const struct bootloader *b = NULL;
    struct error e = {0};
    if (bootloader_find(list, id, &b, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return b;
}

static void all_of_them_are_there_sorted_by_id(void **state)
{
    (void)state;
    struct bootloader_list *list = built_in();
    assert_int_equal(bootloader_count(list), 73);
    for (size_t i = 1; i < bootloader_count(list); i++)
        assert_true(strcmp(bootloader_at(list, i - 1)->id, bootloader_at(list, i)->id) < 0);
    bootloaders_close(list);
}

/* A byte must be one the part has, and say something in a bit that exists. */
static void check_byte(const struct bootloader *b, const struct part *part, const char *memory,
                       const struct bootloader_byte *byte)
{
    const struct memory *m = NULL;
    if (!byte->known)
        return;
    if (part_memory_find(part, memory, &m) != MEMORY_FOUND || strcmp(m->name, memory) != 0)
        fail_msg("%s: the %s has no %s", b->id, part->name, memory);
}

/* "The way in stays open": SPIEN, RSTDISBL and DWEN as they have to be, and no clock from outside
 * that is not there. */
static void check_hazards(const struct bootloader *b, const struct part *part)
{
    const struct {
        const char *name;
        const struct bootloader_byte *byte;
    } bytes[] = {{"lfuse", &b->lfuse},
                 {"hfuse", &b->hfuse},
                 {"hfuse", &b->hfuse_no_jtag},
                 {"efuse", &b->efuse}};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        for (size_t k = 0; bytes[i].byte->known && k < part->hazard_count; k++) {
            const struct hazard *h = &part->hazards[k];
            if (strcmp(h->memory->name, bytes[i].name) == 0 && h->kind <= HAZARD_EXTERNAL_CLOCK &&
                hazard_hit(h, bytes[i].byte->value))
                fail_msg("%s: %s 0x%02x is %s", b->id, bytes[i].name, bytes[i].byte->value,
                         part_hazard_name(h->kind));
        }
    }
}

/* Whoever wants the JTAG pins free gets them free. */
static void check_jtag(const struct bootloader *b, const struct part *part)
{
    const struct memory *m = NULL;
    assert_int_equal(part_memory_find(part, "hfuse", &m), MEMORY_FOUND);
    const struct field *jtag = memory_field(m, "JTAGEN");
    const uint8_t hfuse = b->hfuse_no_jtag.known ? b->hfuse_no_jtag.value : b->hfuse.value;
    if (jtag != NULL && field_get(jtag, hfuse) == 0)
        fail_msg("%s: JTAG cannot be switched off", b->id);
}

static void check_row(const struct bootloader *b, struct part_database *db)
{
    struct error e = {0};
    const struct part *first = NULL;
    for (const char *const *id = b->parts; *id != NULL; id++) {
        const struct part *part = NULL;
        if (part_find(db, *id, &part, &e) != STATUS_OK)
            fail_msg("%s: %s", b->id, e.text);
        assert_string_equal(part->id, *id);
        first = first == NULL ? part : first;
        assert_memory_equal(part->signature, first->signature, 3);
        assert_true(part_same_layout(part, first));
        check_byte(b, part, "lfuse", &b->lfuse);
        check_byte(b, part, "hfuse", &b->hfuse);
        check_byte(b, part, "hfuse", &b->hfuse_no_jtag);
        check_byte(b, part, "efuse", &b->efuse);
        check_byte(b, part, "lock", &b->lock);
        check_hazards(b, part);
        check_jtag(b, part);
        if (b->application_size != 0)
            assert_true(b->application_size < part_memory(part, MEMORY_FLASH)->size);
    }
    assert_non_null(first);
}

static void each_fits_its_parts_and_leaves_the_way_in_open(void **state)
{
    (void)state;
    struct bootloader_list *list = built_in();
    struct part_database *db = NULL;
    struct error e = {0};
    assert_int_equal(part_database_open(&db, &e), STATUS_OK);
    for (size_t i = 0; i < bootloader_count(list); i++)
        check_row(bootloader_at(list, i), db);
    part_database_close(db);
    bootloaders_close(list);
}

static void a_row_is_what_the_file_says(void **state)
{
    (void)state;
    struct bootloader_list *list = built_in();
    const struct bootloader *b = named(list, "atmel-dfu-at90usb64");
    assert_string_equal(b->name, "Atmel DFU AT90USB64");
    assert_string_equal(b->kind, "atmel-dfu");
    assert_string_equal(b->parts[0], "at90usb646");
    assert_string_equal(b->parts[1], "at90usb647");
    assert_null(b->parts[2]);
    assert_true(b->hfuse_no_jtag.known);
    assert_int_equal(b->hfuse_no_jtag.value, 0xdb);
    assert_false(b->lock.known);
    assert_true(b->has_usb);
    assert_int_equal(b->usb_vendor, 0x03eb);
    assert_int_equal(b->usb_product, 0x2ff9);
    assert_true(bootloader_is_for(b, "at90usb647"));
    assert_false(bootloader_is_for(b, "at90usb1286"));
    b = named(list, "arduino-uno");
    assert_int_equal(b->baud, 115200);
    assert_int_equal(b->clock_hz, 16000000);
    assert_int_equal(b->application_size, 32256);
    assert_string_equal(b->protocol, "arduino");
    assert_int_equal(b->lock.value, 0x0f);
    assert_false(b->has_usb);
    bootloaders_close(list);
}

static void an_id_may_be_cut_short_while_it_is_the_only_one(void **state)
{
    (void)state;
    struct bootloader_list *list = built_in();
    const struct bootloader *b = NULL;
    struct error e = {0};
    assert_string_equal(named(list, "Arduino-UNO")->id, "arduino-uno"); /* not -unomini */
    assert_string_equal(named(list, "bootload")->id, "bootloadhid-atmega32a");
    assert_int_equal(bootloader_find(list, "sparkfun-pro", &b, &e), STATUS_USAGE);
    assert_non_null(strstr(e.text, "2 begin like that"));
    assert_non_null(strstr(e.hint, "sparkfun-promicro-8mhzatmega32u4"));
    assert_int_equal(bootloader_find(list, "arduino-uon", &b, &e), STATUS_USAGE);
    assert_non_null(strstr(e.hint, "arduino-uno"));
    assert_int_equal(bootloader_find(list, "", &b, &e), STATUS_USAGE);
    bootloaders_close(list);
}

static void what_is_wrong_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {ROW "part = atmega8\n", "t:8: double key part"},
        {ROW "usb = 03eb:2ff4\nusb = 03eb:2ff4\n", "t:9: double key usb"},
        {ROW "color = red\n", "t:8: unknown key color"},
        {ROW "efuse =\n", "t:8: no value for efuse"},
        {ROW "efuse = 5e\n", "t:8: \"5e\" is no byte like 0x5e"},
        {ROW "efuse = 0x5\n", "t:8: \"0x5\" is no byte like 0x5e"},
        {ROW "efuse = 0x5g\n", "t:8: \"0x5g\" is no byte like 0x5e"},
        {ROW "efuse = 0x5e0\n", "t:8: \"0x5e0\" is no byte like 0x5e"},
        {ROW "usb = 03eb-2ff4\n", "t:8: \"03eb-2ff4\" is no USB id like 03eb:2ff4"},
        {ROW "usb = 3eb:2ff4\n", "t:8: \"3eb:2ff4\" is no USB id like 03eb:2ff4"},
        {ROW "clock = fast\n", "t:8: \"fast\" is no whole number"},
        {ROW "clock = 0\n", "t:8: \"0\" is no whole number"},
        {ROW "baud = 115200x\n", "t:8: \"115200x\" is no whole number"},
        {ROW "baud = 5000000000\n", "t:8: \"5000000000\" is no whole number"},
        {ROW ROW, "t:8: double section [one]"},
        {"[one]\nname = One\n", "t: [one] has no kind"},
        {"[one]\n" ROW, "t:2: [one] has no name"},
        {"[a]\npart = 1 2 3 4 5 6 7 8 9\n", "t:2: more than 8 parts"},
        {"name = One\n", "t:1: a key before the first section"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bootloader_list *list = NULL;
        struct error e = {0};
        assert_int_equal(bootloaders_read("t", rows[i].text, &list, &e), STATUS_INPUT);
        assert_string_equal(e.text, rows[i].error);
        assert_null(list);
    }
}

static void a_text_without_sections_is_an_empty_list(void **state)
{
    (void)state;
    struct bootloader_list *list = NULL;
    struct error e = {0};
    const struct bootloader *b = NULL;
    assert_int_equal(bootloaders_read("t", "# nothing\n", &list, &e), STATUS_OK);
    assert_int_equal(bootloader_count(list), 0);
    assert_int_equal(bootloader_find(list, "one", &b, &e), STATUS_USAGE);
    bootloaders_close(list);
    bootloaders_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_are_there_sorted_by_id),
        cmocka_unit_test(each_fits_its_parts_and_leaves_the_way_in_open),
        cmocka_unit_test(a_row_is_what_the_file_says),
        cmocka_unit_test(an_id_may_be_cut_short_while_it_is_the_only_one),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
        cmocka_unit_test(a_text_without_sections_is_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
