/* Commands of the terminal on a simulated ATmega328P that is kept in the file "chip". */
#ifndef CLI_TERMINAL_BENCH_H
#define CLI_TERMINAL_BENCH_H

#include <stdio.h>
#include <string.h>

#include "cli_bench.h"
#include "support/test.h"

#define CHIP "-q -c sim -P chip -p m328p "

/* One -T on the chip. */
static inline void expect(struct cli_bench *b, int code, const char *commands)
{
    char line[4096];
    assert_true((size_t)snprintf(line, sizeof line, CHIP "-T `%s`", commands) < sizeof line);
    cli_expect(b, code, line);
}

/* It prints just that. */
static inline void assert_answer(struct cli_bench *b, const char *commands, const char *answer)
{
    expect(b, 0, commands);
    if (strcmp(b->out, answer) != 0)
        fail_msg("%s: %s, not %s", commands, b->out, answer);
}

/* It ends with that code and says that. */
static inline void refuse(struct cli_bench *b, int code, const char *commands, const char *said)
{
    expect(b, code, commands);
    cli_assert_err(b, said);
}

#endif
