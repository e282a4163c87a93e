/* What boot loaders look like: the built-in table holds together, and broken ones are refused with
 * their line. */
#include <stdio.h>
#include <string.h>

#include "ispflash/boot_image.h"
#include "support/test.h"

static void every_built_in_image_lies_in_the_flash_of_its_parts(void **state)
{
    (void)state;
    struct boot_image_list *images = NULL;
    struct bootloader_list *loaders = NULL;
    struct part_database *parts = NULL;
    struct error e = {0};
    assert_int_equal(boot_images_open(&images, &e), STATUS_OK);
    assert_int_equal(bootloaders_open(&loaders, &e), STATUS_OK);
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    assert_true(boot_image_count(images) >= 25);
    for (size_t i = 0; i < boot_image_count(images); i++) {
        const struct boot_image *image = boot_image_at(images, i);
        for (const char *const *id = image->parts; *id != NULL; id++) {
            const struct part *part = NULL;
            if (part_find(parts, *id, &part, &e) != STATUS_OK || strcmp(part->id, *id) != 0)
                fail_msg("[%s]: %s is no part's id", image->id, *id);
            const struct memory *flash = part_memory(part, MEMORY_FLASH);
            if ((uint64_t)image->begin + image->size > flash->size)
                fail_msg("[%s]: beyond the flash of the %s", image->id, part->name);
            assert_true(boot_image_is_for(image, *id));
        }
        assert_false(boot_image_is_for(image, "atmega103"));
        for (size_t k = 0; k < i; k++) {
            const struct boot_image *other = boot_image_at(images, k);
            if (other->crc32 == image->crc32 && other->begin == image->begin)
                fail_msg("[%s] and [%s] are the same", image->id, other->id);
        }
    }
    part_database_close(parts);
    bootloaders_close(loaders);
    boot_images_close(images);
}

/* A file that `burn` knows for the same part, where one is named. */
static void files_are_those_of_the_boot_loaders(void **state)
{
    (void)state;
    struct boot_image_list *images = NULL;
    struct bootloader_list *loaders = NULL;
    struct error e = {0};
    size_t known = 0;
    assert_int_equal(boot_images_open(&images, &e), STATUS_OK);
    assert_int_equal(bootloaders_open(&loaders, &e), STATUS_OK);
    for (size_t i = 0; i < boot_image_count(images); i++) {
        const struct boot_image *image = boot_image_at(images, i);
        for (size_t k = 0; image->file != NULL && k < bootloader_count(loaders); k++) {
            const struct bootloader *l = bootloader_at(loaders, k);
            known += l->file != NULL && strcmp(l->file, image->file) == 0 &&
                     bootloader_is_for(l, image->parts[0]);
        }
    }
    assert_true(known >= 30);
    bootloaders_close(loaders);
    boot_images_close(images);
}

static const char good[] = "[a]\n"
                           "what = A\n"
                           "part = atmega328p atmega328\n"
                           "begin = 0x7e00\n"
                           "size = 512\n"
                           "crc32 = 0x12345678\n"
                           "source = here\n";

static void a_section_is_read_with_all_its_keys(void **state)
{
    (void)state;
    struct boot_image_list *list = NULL;
    struct error e = {0};
    assert_int_equal(boot_images_read("x", good, &list, &e), STATUS_OK);
    assert_int_equal(boot_image_count(list), 1);
    const struct boot_image *image = boot_image_at(list, 0);
    assert_string_equal(image->id, "a");
    assert_string_equal(image->what, "A");
    assert_null(image->file);
    assert_true(boot_image_is_for(image, "atmega328"));
    assert_int_equal(image->begin, 0x7e00);
    assert_int_equal(image->size, 512);
    assert_int_equal(image->crc32, 0x12345678);
    boot_images_close(list);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"[a]\nwhat = A\n", "[a] has no part"},
        {"[a]\nwhat = A\nwhat = B\n", "x:3: double key what"},
        {"[a]\nwhere = A\n", "x:2: unknown key where"},
        {"[a]\nwhat =\n", "x:2: no value for what"},
        {"[a]\nsize = many\n", "x:2: \"many\" is no whole number"},
        {"[a]\nsize = 12x\n", "x:2: \"12x\" is no whole number"},
        {"[a]\nbegin = 0x1ffffffff\n", "is no whole number"},
        {"[a]\npart = a b c d e f g h i\n", "x:2: more than 8 parts"},
        {"[a]\nwhat = A\npart = b\nbegin = 0\nsize = 0\ncrc32 = 0\nsource = s\n",
         "[a] has no bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct boot_image_list *list = NULL;
        struct error e = {0};
        assert_int_equal(boot_images_read("x", rows[i].text, &list, &e), STATUS_INPUT);
        if (strstr(e.text, rows[i].error) == NULL)
            fail_msg("\"%s\" is not in: %s", rows[i].error, e.text);
    }
    char twice[2 * sizeof good];
    struct boot_image_list *list = NULL;
    struct error e = {0};
    (void)snprintf(twice, sizeof twice, "%s%s", good, good);
    assert_int_equal(boot_images_read("x", twice, &list, &e), STATUS_INPUT);
    assert_non_null(strstr(e.text, "double section [a]"));
}

static void a_usb_device_descriptor_is_found_and_nothing_like_it(void **state)
{
    (void)state;
    /* bLength, bDescriptorType, bcdUSB, class, subclass, protocol, bMaxPacketSize0, idVendor,
     * idProduct, bcdDevice, three strings, bNumConfigurations */
    static const uint8_t descriptor[18] = {18,   1,    0x10, 0x01, 2, 0, 0, 8, 0x41,
                                           0x23, 0x36, 0,    1,    0, 2, 1, 0, 1};
    uint8_t bytes[64];
    uint16_t vendor = 0, product = 0;
    memset(bytes, 0xff, sizeof bytes);
    assert_false(boot_image_usb_id(bytes, sizeof bytes, &vendor, &product));
    memcpy(bytes + 46, descriptor, sizeof descriptor); /* at the very end */
    assert_true(boot_image_usb_id(bytes, sizeof bytes, &vendor, &product));
    assert_int_equal(vendor, 0x2341);
    assert_int_equal(product, 0x0036);
    assert_false(boot_image_usb_id(bytes, sizeof bytes - 1, &vendor, &product));
    assert_false(boot_image_usb_id(bytes, 0, &vendor, &product));
    static const size_t telling[] = {0, 1, 3, 7, 17};
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        memcpy(bytes + 10, descriptor, sizeof descriptor);
        memset(bytes + 46, 0xff, sizeof descriptor);
        bytes[10 + telling[i]] = 0x55;
        assert_false(boot_image_usb_id(bytes, sizeof bytes, &vendor, &product));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_built_in_image_lies_in_the_flash_of_its_parts),
        cmocka_unit_test(files_are_those_of_the_boot_loaders),
        cmocka_unit_test(a_section_is_read_with_all_its_keys),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_usb_device_descriptor_is_found_and_nothing_like_it),
    };
    return cmocka_run_group_tests_name("boot images", tests, NULL, NULL);
}
