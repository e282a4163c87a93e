/* Whole command lines in this process. */
#include "cli_bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "ispflash/format.h"
#include "support/test.h"

enum { WORDS_MAX = 48 };

struct cli_bench *cli_bench_new(void)
{
    struct cli_bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    (void)strcpy(b->folder, "/tmp/ispflash-test-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    assert_int_equal(chdir(b->folder), 0);
    return b;
}

void cli_bench_free(struct cli_bench *b)
{
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        (void)unlink(entry->d_name);
    (void)closedir(folder);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(b->folder), 0);
    free(b);
}

int cli_set_up(void **state)
{
    *state = cli_bench_new();
    return 0;
}

int cli_tear_down(void **state)
{
    cli_bench_free(*state);
    return 0;
}

/* Words end at blanks, those in back quotes at the next back quote. */
static size_t split(char *line, char *words[WORDS_MAX])
{
    static char program[] = "ispflash";
    size_t count = 0;
    words[count++] = program;
    while (*(line += strspn(line, " ")) != '\0') {
        const char *const end = *line == '`' ? "`" : " ";
        line += *line == '`' ? 1 : 0;
        assert_true(count < WORDS_MAX - 1);
        words[count++] = line;
        line += strcspn(line, end);
        if (*line != '\0')
            *line++ = '\0';
    }
    words[count] = NULL;
    return count;
}

static void drain(FILE *stream, char *into, size_t capacity)
{
    rewind(stream);
    const size_t size = fread(into, 1, capacity - 1, stream);
    assert_true(size < capacity - 1);
    into[size] = '\0';
    (void)fclose(stream);
}

int cli_run(struct cli_bench *b, const char *line)
{
    char copy[8192], *words[WORDS_MAX];
    FILE *results = tmpfile(), *talk = tmpfile(), *input = tmpfile();
    assert_true(strlen(line) < sizeof copy);
    (void)strcpy(copy, line);
    assert_true(results != NULL && talk != NULL && input != NULL);
    if (b->answers != NULL)
        (void)fputs(b->answers, input);
    rewind(input);
    const struct surroundings around = {.program = "ispflash",
                                        .results = results,
                                        .talk = talk,
                                        .input = input,
                                        .can_ask = b->answers != NULL,
                                        .utf8 = b->utf8,
                                        .home = b->folder};
    const size_t count = split(copy, words);
    const int code = cli_main(&around, (int)count, words);
    (void)fclose(input);
    drain(results, b->out, sizeof b->out);
    drain(talk, b->err, sizeof b->err);
    return code;
}

void cli_expect(struct cli_bench *b, int code, const char *line)
{
    const int got = cli_run(b, line);
    if (got != code)
        fail_msg("%s: exit code %d, not %d\n%s", line, got, code, b->err);
}

void cli_assert_out(const struct cli_bench *b, const char *text)
{
    if (strstr(b->out, text) == NULL)
        fail_msg("not printed: %s\nbut: %s", text, b->out);
}

void cli_assert_not_out(const struct cli_bench *b, const char *text)
{
    if (strstr(b->out, text) != NULL)
        fail_msg("printed: %s\nin: %s", text, b->out);
}

void cli_assert_err(const struct cli_bench *b, const char *text)
{
    if (strstr(b->err, text) == NULL)
        fail_msg("not said: %s\nbut: %s", text, b->err);
}

void cli_assert_not_err(const struct cli_bench *b, const char *text)
{
    if (strstr(b->err, text) != NULL)
        fail_msg("said: %s\nin: %s", text, b->err);
}

/* --- files ---------------------------------------------------------------------------------- */

void cli_write_file(const char *name, const uint8_t *data, size_t size)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void cli_write_text(const char *name, const char *text)
{
    cli_write_file(name, (const uint8_t *)text, strlen(text));
}

void cli_write_hex(const char *name, const struct image *image)
{
    uint8_t *data = NULL;
    size_t size = 0;
    struct error e = {0};
    assert_int_equal(format_write(FORMAT_IHEX, image, NULL, &data, &size, &e), STATUS_OK);
    cli_write_file(name, data, size);
    free(data);
}

uint8_t *cli_read_file(const char *name, size_t *size)
{
    uint8_t *data = NULL;
    struct error e = {0};
    if (file_read(name, &data, size, &e) != STATUS_OK)
        fail_msg("%s", e.text);
    return data;
}

void cli_assert_same(const char *name, const char *other)
{
    size_t size, other_size;
    uint8_t *data = cli_read_file(name, &size), *other_data = cli_read_file(other, &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(data, other_data, size);
    free(data);
    free(other_data);
}

bool cli_file_exists(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0;
}
