/* Strict reading of small "[section]" and "key = value" texts. inih does the syntax; it would cut
 * what is too long for it without a word and take a line that begins with a blank for a continued
 * value. Here each of these is an error with its line. Comments are lines that begin with # or ;.
 */
#ifndef CORE_INI_H
#define CORE_INI_H

#include <stddef.h>

#include "ispflash/error.h"

enum { INI_LINE_SIZE_MAX = 196, INI_SECTION_SIZE_MAX = 64 };

/* Called in the order of the text; the strings are valid for the call only. What goes wrong needs
 * no place: the reader puts "name:line: " before the text. */
struct ini_handler {
    enum status (*section)(void *user, const char *name, struct error *e);
    enum status (*key)(void *user, const char *key, const char *value, struct error *e);
};

/* Reads `text` (zero-terminated). `code` is the status of what is wrong with its syntax, also of a
 * key before the first section. Stops at the first error. */
MUST_USE enum status ini_read(const char *name, const char *text, enum status code,
                              const struct ini_handler *handler, void *user, struct error *e);

#endif
