/* Where the terminal's lines come from: a person at a terminal, with line editing, or a pipe. */
#ifndef CLI_TERMINAL_READER_H
#define CLI_TERMINAL_READER_H

#include <stdbool.h>

#include "ispflash/error.h"

struct terminal;
struct reader;

MUST_USE enum status reader_open(struct terminal *t, struct reader **out, struct error *e);
void reader_close(struct reader *r); /* takes NULL */

bool reader_is_interactive(const struct reader *r);

/* The next line, without its end; NULL: there is none, or a signal came. Valid until the next call.
 * A line of a pipe is shown among the answers, behind the prompt. */
MUST_USE enum status reader_next(struct reader *r, const char **line, struct error *e);

#endif
