/* The settings of one section together with those it inherits by `use`, and the readers of their
 * values. A key is taken by who understands it; what nobody took is an error. */
#ifndef PART_SETTINGS_H
#define PART_SETTINGS_H

#include <stdint.h>

#include "section.h"

struct settings {
    const struct section *section; /* for messages about what is missing */
    struct setting *items;         /* nearest first: an heir's value hides its family's */
    size_t count;
};

/* Collects the settings of `s` and of what it uses. Titles are looked for in the file of the
 * section that names them, then in the built-in ones. */
MUST_USE enum status settings_collect(struct settings *out, struct section *s,
                                      const struct section_list *all, struct arena *arena,
                                      struct error *e);

/* The section of this title that `text` means; NULL: there is none. `except`, which may be NULL, is
 * passed over: a user's part builds on the built-in one of its own name. */
struct section *section_find(const struct section_list *all, const struct part_text *text,
                             const char *title, const struct section *except);

/* The value for `key`, which is then taken; NULL if there is none. */
const struct setting *settings_take(struct settings *settings, const char *key);

/* The same for "memory.key". */
const struct setting *settings_take_of(struct settings *settings, const char *memory,
                                       const char *key);

/* Takes the key where the section itself has it; one that it inherits stays untaken. */
void settings_take_own(struct settings *settings, const char *key);

/* STATUS_INPUT for the first setting that was not taken. */
MUST_USE enum status settings_all_taken(const struct settings *settings, struct error *e);

/* The error that says a key is missing. */
enum status settings_missing(const struct settings *settings, const char *key, struct error *e);

/* True for no setting at all and for the value "none", which takes back what a family has. */
bool setting_absent(const struct setting *setting);

/* "file:line: key: what" */
enum status setting_error(const struct setting *setting, struct error *e, const char *format, ...)
    PRINTF(3, 4);

/* Decimal, or hexadecimal with 0x. */
MUST_USE enum status setting_number(const struct setting *setting, uint32_t max, uint32_t *out,
                                    struct error *e);
MUST_USE enum status setting_yes(const struct setting *setting, bool *out, struct error *e);

/* As setting_number(); an absent setting leaves *out alone. */
MUST_USE enum status setting_number_if(const struct setting *setting, uint32_t max, uint32_t *out,
                                       struct error *e);

/* Bytes as two hexadecimal digits each, between blanks: "1e 95 0f". */
MUST_USE enum status setting_bytes(const struct setting *setting, uint8_t *out, size_t capacity,
                                   size_t *count, struct error *e);

/* The words of a value, cut at blanks. */
MUST_USE enum status setting_words(const struct setting *setting, struct arena *arena,
                                   const char *const **out, size_t *count, struct error *e);

/* The number at the start of `text`, as setting_number() has them. Returns what follows it, NULL if
 * there is none or it exceeds `max`. */
const char *number_scan(const char *text, uint32_t max, uint32_t *out);

/* The byte of two hexadecimal digits at the start of `text`. Returns what follows, NULL if there is
 * none. */
const char *byte_scan(const char *text, uint8_t *out);

/* ASCII only: the user's locale changes nothing. The copy is NULL when out of memory. */
void text_to_lower(char *text);
char *text_lower(struct arena *arena, const char *text);

#endif
