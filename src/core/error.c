/* Errors and the one table that ties a status to its exit code. */
#include "ispflash/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct status_row {
    int exit_code;
    const char *name, *text;
};

/* Documented in ispflash(1), EXIT STATUS. Codes are never renumbered. */
static const struct status_row rows[STATUS_COUNT] = {
    [STATUS_OK] = {0, "ok", "all that was asked is done"},
    [STATUS_INTERNAL] = {1, "internal", "a defect in ispflash"},
    [STATUS_NO_MEMORY] = {1, "no-memory", "the computer is out of memory"},
    [STATUS_USAGE] = {2, "usage", "unknown option, part, programmer or memory"},
    [STATUS_INPUT] = {3, "input-file", "an input file is missing, unreadable or does not fit"},
    [STATUS_OUTPUT] = {4, "output-file", "an output file cannot be written"},
    [STATUS_NO_DEVICE] = {5, "no-programmer", "the programmer or port is not there"},
    [STATUS_PERMISSION] = {6, "permission", "the programmer may not be opened"},
    [STATUS_BUSY] = {7, "busy", "the programmer is in use"},
    [STATUS_SILENT] = {8, "silent-programmer", "the programmer does not answer"},
    [STATUS_NO_TARGET] = {9, "silent-chip", "the chip does not answer"},
    [STATUS_SIGNATURE] = {10, "wrong-chip", "the chip is not the part that was named"},
    [STATUS_PROTECTED] = {11, "protected", "lock bits forbid it"},
    [STATUS_REFUSED] = {12, "refused", "dangerous, and not allowed by name"},
    [STATUS_VERIFY] = {13, "verify-mismatch", "the chip holds something else than wanted"},
    [STATUS_UNVERIFIED] = {14, "unverified", "what was written could not be checked"},
    [STATUS_TIMEOUT] = {15, "time-out", "an operation did not end in time"},
    [STATUS_LINK] = {16, "link-lost", "the connection to the programmer was lost"},
    [STATUS_UNSUPPORTED] = {17, "unsupported", "known, but it cannot be done here or not yet"},
    [STATUS_SEVERAL] = {18, "several", "of many boards some failed, in different ways"},
    [STATUS_CANCELLED] = {130, "interrupted", "stopped by the user"},
};

enum status error_set(struct error *e, enum status code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    e->code = code;
    (void)vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
    e->hint[0] = '\0';
    e->state[0] = '\0';
    return code;
}

enum status error_in(struct error *e, const char *format, ...)
{
    char text[sizeof e->text];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        return e->code;
    (void)snprintf(text + length, sizeof text - (size_t)length, ": %s", e->text);
    memcpy(e->text, text, sizeof text);
    return e->code;
}

void error_hint(struct error *e, const char *format, ...)
{
    char line[sizeof e->hint];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const size_t used = strlen(e->hint);
    const size_t separator = used > 0 ? 1 : 0;
    if (length < 0 || used + separator + (size_t)length >= sizeof e->hint)
        return;
    if (separator > 0)
        e->hint[used] = '\n';
    memcpy(e->hint + used + separator, line, (size_t)length + 1);
}

void error_state(struct error *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(e->state, sizeof e->state, format, arguments);
    va_end(arguments);
}

static const struct status_row *row_of(enum status code)
{
    const unsigned index = (unsigned)code;
    return &rows[index < STATUS_COUNT ? index : STATUS_INTERNAL];
}

int error_exit_code(enum status code)
{
    return row_of(code)->exit_code;
}

const char *error_status_name(enum status code)
{
    return row_of(code)->name;
}

const char *error_status_text(enum status code)
{
    return row_of(code)->text;
}
