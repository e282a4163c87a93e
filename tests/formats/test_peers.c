/* Against other people's tools: what we write, srec_cat and avr-objcopy read, and the reverse. Each
 * test is skipped where the tool is not installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reading.h"
#include "support/random.h"

static const struct memory big = {.name = "flash", .kind = MEMORY_FLASH, .size = 0x40000};

static int enter_directory(void **state)
{
    char *path = strdup("/tmp/ispflash-peers-XXXXXX");
    *state = path;
    return path == NULL || mkdtemp(path) == NULL || chdir(path) != 0 ? -1 : 0;
}

static int leave_directory(void **state)
{
    static const char *const names[] = {"ours", "theirs.hex", "theirs.s", "theirs.bin"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)remove(names[i]);
    const int result = chdir("/") != 0 || rmdir(*state) != 0;
    free(*state);
    return result;
}

static void need(const char *tool)
{
    char command[100];
    (void)snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", tool);
    if (system(command) == 0)
        return;
    print_message("skipped: %s is not installed\n", tool);
    skip();
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* 70 KiB with holes, so that every kind of address record is needed. */
static struct image *make_image(void)
{
    struct test_random random = {.state = 7};
    struct image *image = image_new();
    struct error e = {0};
    assert_non_null(image);
    for (uint32_t address = 0; address < 70000; address += 200 + random_below(&random, 300)) {
        uint8_t data[199];
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)random_next(&random);
        assert_int_equal(image_put(image, address, data, sizeof data, IMAGE_OVERLAP_SAME, NULL, &e),
                         0);
    }
    return image;
}

static void write_ours(const struct image *image, enum format format)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    struct output *o = NULL;
    assert_int_equal(format_write(format, image, &big, &data, &size, &e), STATUS_OK);
    assert_int_equal(output_open("ours", &o, &e), STATUS_OK);
    assert_int_equal(output_commit(o, data, size, &e), STATUS_OK);
    output_close(o);
    free(data);
}

static void assert_theirs(const char *path, enum format format, const struct image *image)
{
    struct error e = {0};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path, &data, &size, &e), STATUS_OK);
    const struct format_input in = {
        .name = path, .data = data, .size = size, .format = format, .memory = &big};
    struct reading r = read_bytes(&in);
    free(data);
    assert_string_equal(r.error.text, "");
    assert_true(image_equal(r.image, image));
    assert_string_equal(r.told, "");
    reading_free(&r);
}

static void srec_cat_and_we_read_each_other(void **state)
{
    (void)state;
    need("srec_cat");
    struct image *image = make_image();
    write_ours(image, FORMAT_IHEX);
    run("srec_cat ours -intel -o theirs.s -motorola");
    assert_theirs("theirs.s", FORMAT_SREC, image);
    run("srec_cat ours -intel -o theirs.hex -intel");
    assert_theirs("theirs.hex", FORMAT_IHEX, image);
    write_ours(image, FORMAT_SREC);
    run("srec_cat ours -motorola -o theirs.hex -intel -address-length=3"); /* segment records */
    assert_theirs("theirs.hex", FORMAT_IHEX, image);
    image_free(image);
}

static void objcopy_and_we_read_each_other(void **state)
{
    (void)state;
    need("avr-objcopy");
    struct image *image = make_image();
    write_ours(image, FORMAT_IHEX);
    run("avr-objcopy -I ihex -O srec ours theirs.s");
    assert_theirs("theirs.s", FORMAT_SREC, image);
    write_ours(image, FORMAT_SREC);
    run("avr-objcopy -I srec -O ihex ours theirs.hex");
    assert_theirs("theirs.hex", FORMAT_IHEX, image);
    write_ours(image, FORMAT_IHEX);
    run("avr-objcopy -I ihex -O binary --gap-fill 0xff ours theirs.bin");
    write_ours(image, FORMAT_RAW);
    run("cmp ours theirs.bin");
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(srec_cat_and_we_read_each_other, enter_directory,
                                        leave_directory),
        cmocka_unit_test_setup_teardown(objcopy_and_we_read_each_other, enter_directory,
                                        leave_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
