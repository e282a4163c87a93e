/* The reader under damaged files: the built-in ones with bytes changed, lines lost, doubled and
 * swapped. Whatever comes, it ends in a part or in an error that names the file; the sanitizers
 * watch. The seed is fixed, and may be given: test_part_mutations SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/embed.h"
#include "ispflash/part.h"
#include "support/test.h"

extern const struct embedded_file part_files[];
extern const size_t part_files_count;

enum { ROUNDS = 600, ROUNDS_A_DATABASE = 50 };

static uint32_t seed = 20240607;

/* xorshift32 */
static uint32_t random_below(uint32_t *random, uint32_t limit)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random % limit;
}

static void change_bytes(char *text, size_t size, uint32_t *random)
{
    static const char favourites[] = "\n\n[]=:;#,-/<>. 0x9\0\xff";
    for (uint32_t i = random_below(random, 3) + 1; i > 0; i--)
        text[random_below(random, (uint32_t)size)] =
            favourites[random_below(random, sizeof favourites - 1)];
}

/* Copies a stretch of the text over another. */
static void move_bytes(char *text, size_t size, uint32_t *random)
{
    const size_t length = random_below(random, 60);
    if (length >= size)
        return;
    const size_t from = random_below(random, (uint32_t)(size - length));
    const size_t to = random_below(random, (uint32_t)(size - length));
    memmove(text + to, text + from, length);
}

static size_t cut_bytes(char *text, size_t size, uint32_t *random)
{
    const size_t length = random_below(random, 40);
    if (length >= size)
        return size;
    const size_t at = random_below(random, (uint32_t)(size - length));
    memmove(text + at, text + at + length, size - at - length);
    return size - length;
}

static void write_mutant(const char *path, uint32_t *random)
{
    const struct embedded_file *const file =
        &part_files[random_below(random, (uint32_t)part_files_count)];
    char *const text = malloc(file->size);
    assert_non_null(text);
    memcpy(text, file->data, file->size);
    size_t size = file->size;
    switch (random_below(random, 3)) {
    case 0:
        change_bytes(text, size, random);
        break;
    case 1:
        move_bytes(text, size, random);
        break;
    default:
        size = cut_bytes(text, size, random);
    }
    FILE *const out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    free(text);
}

static void damaged_files_end_in_parts_or_in_an_error_that_names_them(void **state)
{
    (void)state;
    char path[] = "/tmp/ispflash-mutant-XXXXXX";
    struct part_database *db = NULL;
    uint32_t random = seed;
    size_t taken = 0, refused = 0;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    for (int i = 0; i < ROUNDS; i++) {
        struct error e = {0};
        if (i % ROUNDS_A_DATABASE == 0) {
            part_database_close(db);
            assert_int_equal(part_database_open(&db, &e), STATUS_OK);
        }
        write_mutant(path, &random);
        const enum status status = part_database_add_file(db, path, &e);
        taken += status == STATUS_OK ? 1 : 0;
        refused += status == STATUS_INPUT ? 1 : 0;
        if (status != STATUS_OK && status != STATUS_INPUT)
            fail_msg("round %d: status %d: %s", i, (int)status, e.text);
        if (status == STATUS_INPUT && strncmp(e.text, path, strlen(path)) != 0)
            fail_msg("round %d: the error does not name the file: %s", i, e.text);
    }
    part_database_close(db);
    (void)unlink(path);
    print_message("%d damaged files: %zu taken, %zu refused\n", ROUNDS, taken, refused);
    assert_true(taken > 0 && refused > 0); /* or the damage is not what it should be */
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seed = (uint32_t)strtoul(argv[1], NULL, 0) | 1u;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_end_in_parts_or_in_an_error_that_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
