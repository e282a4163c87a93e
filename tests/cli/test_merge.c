/* `ispflash merge` against srec_cat: the same files, byte for byte the same image, both as the raw
 * file that we write and as the HEX file that srec_cat reads of ours. Skipped where that is not
 * installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_bench.h"
#include "support/random.h"
#include "support/test.h"

enum { FILES_MAX = 3, PIECES_MAX = 8 };

/* Bytes of a place are the same in every file that has it. */
static void put(struct image *image, uint32_t address, uint32_t size)
{
    struct error e = {0};
    for (uint32_t at = address; at < address + size; at++) {
        const uint8_t byte = (uint8_t)(at * 37 + (at >> 8) * 11 + (at >> 16));
        assert_int_equal(image_put(image, at, &byte, 1, IMAGE_OVERLAP_SAME, NULL, &e), STATUS_OK);
    }
}

struct piece {
    uint32_t address, size; /* size 0: no more */
};

static void write_file(unsigned index, const struct piece *pieces)
{
    char name[16];
    struct image *image = image_new();
    assert_non_null(image);
    for (; pieces->size > 0; pieces++)
        put(image, pieces->address, pieces->size);
    (void)snprintf(name, sizeof name, "%u.hex", index);
    cli_write_hex(name, image);
    image_free(image);
}

static void run_peer(const char *line)
{
    if (system(line) != 0)
        fail_msg("%s failed", line);
}

static void need_peer(void)
{
    if (system("command -v srec_cat >/dev/null 2>&1") == 0)
        return;
    print_message("skipped: srec_cat is not installed\n");
    skip();
}

/* Merges 0.hex, 1.hex, ... by both. Holes are 0xff; `end`: of the last byte. */
static void compare(struct cli_bench *b, unsigned count, uint32_t end)
{
    char names[64] = "", peers[128] = "", line[400];
    need_peer();
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), " %u.hex", i);
        (void)snprintf(peers + strlen(peers), sizeof peers - strlen(peers), " %u.hex -intel", i);
    }
    (void)snprintf(line, sizeof line, "merge%s -o ours.hex", names);
    cli_expect(b, 0, line);
    (void)snprintf(line, sizeof line, "merge%s -o ours.bin:r", names);
    cli_expect(b, 0, line);
    (void)snprintf(line, sizeof line,
                   "srec_cat '('%s ')' -fill 0xff 0 %u -o theirs.bin -binary 2>peer.log", peers,
                   end);
    run_peer(line);
    (void)snprintf(line, sizeof line,
                   "srec_cat ours.hex -intel -fill 0xff 0 %u -o again.bin -binary", end);
    run_peer(line);
    cli_assert_same("ours.bin", "theirs.bin");
    cli_assert_same("again.bin", "theirs.bin");
}

static void an_application_and_a_boot_loader_at_the_top(void **state)
{
    static const struct piece application[] = {{0, 5000}, {0}};
    static const struct piece boot[] = {{0x7000, 4000}, {0x7ffe, 2}, {0}};
    write_file(0, application);
    write_file(1, boot);
    compare(*state, 2, 0x8000);
}

static void an_application_that_ends_where_the_boot_loader_begins(void **state)
{
    static const struct piece application[] = {{0, 0x7e00}, {0}};
    static const struct piece boot[] = {{0x7e00, 512}, {0}};
    write_file(0, application);
    write_file(1, boot);
    compare(*state, 2, 0x8000);
}

static void bytes_that_both_have_and_that_are_equal(void **state)
{
    static const struct piece application[] = {{0, 1000}, {0x7ff0, 16}, {0}};
    static const struct piece boot[] = {{0x7000, 0x1000}, {0}};
    write_file(0, application);
    write_file(1, boot);
    compare(*state, 2, 0x8000);
}

static void gaps_odd_ends_and_three_files(void **state)
{
    static const struct piece application[] = {{0, 1}, {3, 17}, {0x101, 33}, {0x800, 255}, {0}};
    static const struct piece data[] = {{0x1001, 5}, {0x2fff, 2}, {0}};
    static const struct piece boot[] = {{0x7e03, 17}, {0x7fff, 1}, {0}};
    write_file(0, application);
    write_file(1, data);
    write_file(2, boot);
    compare(*state, 3, 0x8000);
}

static void a_boot_loader_beyond_64_kib(void **state)
{
    static const struct piece application[] = {{0, 100}, {0xfff0, 32}, {0x1fff0, 32}, {0}};
    static const struct piece boot[] = {{0x3e000, 8000}, {0}};
    write_file(0, application);
    write_file(1, boot);
    compare(*state, 2, 0x3e000 + 8000);
}

/* Below the boot section the pieces lie as they come. */
static void whatever_lies_wherever(void **state)
{
    struct test_random random = {.state = 6};
    for (unsigned round = 0; round < 12; round++) {
        uint32_t end = 0;
        for (unsigned i = 0; i < FILES_MAX - 1; i++) {
            struct piece pieces[PIECES_MAX + 1] = {{0}};
            pieces[0] = (struct piece){0, 1 + random_below(&random, 64)};
            for (unsigned k = 1; k < PIECES_MAX; k++)
                pieces[k] =
                    (struct piece){random_below(&random, 0x3d000), 1 + random_below(&random, 700)};
            write_file(i, pieces);
        }
        const struct piece boot[] = {{0x3e000, 1 + random_below(&random, 0x1fff)}, {0}};
        end = boot[0].address + boot[0].size;
        write_file(FILES_MAX - 1, boot);
        compare(*state, FILES_MAX, end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(an_application_and_a_boot_loader_at_the_top),
        CLI_TEST(an_application_that_ends_where_the_boot_loader_begins),
        CLI_TEST(bytes_that_both_have_and_that_are_equal),
        CLI_TEST(gaps_odd_ends_and_three_files),
        CLI_TEST(a_boot_loader_beyond_64_kib),
        CLI_TEST(whatever_lies_wherever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
