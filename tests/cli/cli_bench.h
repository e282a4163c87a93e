/* Whole command lines in this process, in a folder of their own, on simulated chips. */
#ifndef CLI_CLI_BENCH_H
#define CLI_CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/image.h"

struct cli_bench {
    char folder[64];     /* the current one while the bench lives */
    bool utf8;           /* its locale */
    const char *answers; /* what a person types; NULL: nobody is there */
    char out[1 << 18];   /* standard output and standard error of the last run */
    char err[1 << 16];
};

struct cli_bench *cli_bench_new(void);
void cli_bench_free(struct cli_bench *b); /* takes the folder with it */

/* A test whose state is a bench of its own. */
int cli_set_up(void **state);
int cli_tear_down(void **state);
#define CLI_TEST(test) cmocka_unit_test_setup_teardown(test, cli_set_up, cli_tear_down)

/* Runs `ispflash LINE`, words separated by blanks or held together by back quotes; returns the exit
 * code. */
int cli_run(struct cli_bench *b, const char *line);
/* Fails the test, with what was said, unless it ends with that code. */
void cli_expect(struct cli_bench *b, int code, const char *line);
void cli_assert_out(const struct cli_bench *b, const char *text);
void cli_assert_not_out(const struct cli_bench *b, const char *text);
void cli_assert_err(const struct cli_bench *b, const char *text);
void cli_assert_not_err(const struct cli_bench *b, const char *text);

/* Files in the folder. */
void cli_write_file(const char *name, const uint8_t *data, size_t size);
void cli_write_text(const char *name, const char *text);
void cli_write_hex(const char *name, const struct image *image);
/* The caller frees it. */
uint8_t *cli_read_file(const char *name, size_t *size);
void cli_assert_same(const char *name, const char *other); /* the bytes in them */
bool cli_file_exists(const char *name);

#endif
