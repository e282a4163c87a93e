/* The grammar of --unique, and values as bytes. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nearest.h"
#include "unique.h"

static const struct {
    const char *name;
    enum unique_format format;
} formats[] = {
    {"dec", UNIQUE_DECIMAL}, {"hex", UNIQUE_HEX},   {"le", UNIQUE_LITTLE},
    {"be", UNIQUE_BIG},      {"text", UNIQUE_TEXT}, {"bytes", UNIQUE_BYTES},
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

/* --- the grammar ---------------------------------------------------------------------------- */

static enum status wrong(const char *text, const char *what, struct error *e)
{
    (void)error_set(e, STATUS_USAGE, "--unique %s: %s", text, what);
    error_hint(e, "MEMORY@ADDRESS=FIELD:WIDTH[:FORMAT], such as eeprom@0x10=serial:8 or "
                  "flash@0x7ff0=mac:6:bytes");
    return STATUS_USAGE;
}

/* Copies what stands before `end`. False: nothing does, or it does not fit. */
static bool copy_word(const char *from, const char *end, char *out, size_t capacity)
{
    const size_t length = end != NULL ? (size_t)(end - from) : 0;
    if (length == 0 || length >= capacity)
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

static bool read_number(const char *from, const char *end, uint32_t most, uint32_t *out)
{
    char *stop = NULL;
    errno = 0;
    const unsigned long value = strtoul(from, &stop, 0);
    *out = (uint32_t)value;
    return isdigit((unsigned char)from[0]) && stop == end && errno == 0 && value <= most;
}

static enum status read_format(const char *text, const char *name, enum unique_format *out,
                               struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *out = formats[i].format;
            return STATUS_OK;
        }
        nearest_offer(&nearest, formats[i].name);
    }
    (void)error_set(e, STATUS_USAGE, "--unique %s: \"%s\" is no format", text, name);
    nearest_hint(&nearest, e);
    error_hint(e, "there are dec, hex, le, be, text and bytes");
    return STATUS_USAGE;
}

enum status unique_parse(const char *text, struct unique_template *out, struct error *e)
{
    struct unique_template t = {.text = text, .format = UNIQUE_DECIMAL};
    const char *at = strchr(text, '@');
    const char *equals = at != NULL ? strchr(at, '=') : NULL;
    const char *width = equals != NULL ? strchr(equals, ':') : NULL;
    const char *format = width != NULL ? strchr(width + 1, ':') : NULL;
    if (!copy_word(text, at, t.memory, sizeof t.memory))
        return wrong(text, "the memory's name ends with @", e);
    if (equals == NULL || !read_number(at + 1, equals, UINT32_MAX - UNIQUE_WIDTH_MAX, &t.address))
        return wrong(text, "a byte address stands between @ and =", e);
    if (!copy_word(equals + 1, width, t.field, sizeof t.field))
        return wrong(text, "the field's name ends with :", e);
    if (!read_number(width + 1, format != NULL ? format : width + 1 + strlen(width + 1),
                     UNIQUE_WIDTH_MAX, &t.width) ||
        t.width == 0)
        return wrong(text, "the width is 1 to 64 bytes", e);
    if (format != NULL)
        TRY(read_format(text, format + 1, &t.format, e));
    *out = t;
    return STATUS_OK;
}

/* --- values --------------------------------------------------------------------------------- */

static enum status unfit(const struct unique_template *t, const char *value, const char *what,
                         struct error *e)
{
    return error_set(e, STATUS_INPUT, "--unique %s: \"%s\" %s", t->text, value, what);
}

/* "1042" or "0x412"; a zero in front does not make it octal. */
static enum status read_value(const struct unique_template *t, const char *value, uint64_t *out,
                              struct error *e)
{
    char *end = NULL;
    const bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
    errno = 0;
    *out = strtoull(value, &end, hex ? 16 : 10);
    if (isdigit((unsigned char)value[0]) && *end == '\0' && errno == 0)
        return STATUS_OK;
    (void)unfit(t, value, "is no number", e);
    error_hint(e, "the format text takes it as it is, bytes takes pairs of hex digits");
    return STATUS_INPUT;
}

/* As bytes: no zero ends them. */
static void put_chars(uint8_t *bytes, const char *chars)
{
    for (size_t i = 0; chars[i] != '\0'; i++)
        bytes[i] = (uint8_t)chars[i];
}

static enum status put_digits(const struct unique_template *t, const char *value, uint8_t *bytes,
                              struct error *e)
{
    char digits[24];
    uint64_t number;
    TRY(read_value(t, value, &number, e));
    (void)snprintf(digits, sizeof digits, t->format == UNIQUE_HEX ? "%" PRIX64 : "%" PRIu64,
                   number);
    const size_t length = strlen(digits);
    if (length > t->width)
        return unfit(t, value, "has more digits than that", e);
    memset(bytes, '0', t->width - length);
    put_chars(bytes + t->width - length, digits);
    return STATUS_OK;
}

static enum status put_binary(const struct unique_template *t, const char *value, uint8_t *bytes,
                              struct error *e)
{
    uint64_t number;
    TRY(read_value(t, value, &number, e));
    for (uint32_t i = 0; i < t->width; i++) {
        bytes[t->format == UNIQUE_LITTLE ? i : t->width - 1 - i] = (uint8_t)number;
        number >>= 8;
    }
    return number == 0 ? STATUS_OK : unfit(t, value, "does not fit into so many bytes", e);
}

static enum status put_text(const struct unique_template *t, const char *value, uint8_t *bytes,
                            struct error *e)
{
    const size_t length = strlen(value);
    if (length > t->width)
        return unfit(t, value, "is longer than that", e);
    memset(bytes, 0, t->width);
    put_chars(bytes, value);
    return STATUS_OK;
}

static int digit_of(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static enum status put_pairs(const struct unique_template *t, const char *value, uint8_t *bytes,
                             struct error *e)
{
    uint32_t count = 0;
    for (const char *at = value; *at != '\0';) {
        if (!isxdigit((unsigned char)at[0]) || !isxdigit((unsigned char)at[1]))
            return unfit(t, value, "is not made of pairs of hex digits", e);
        if (count < t->width)
            bytes[count] = (uint8_t)(digit_of(at[0]) << 4 | digit_of(at[1]));
        count++;
        at += 2;
        at += *at != '\0' && strchr(":- ", *at) != NULL ? 1 : 0;
    }
    return count == t->width ? STATUS_OK : unfit(t, value, "is not just so many bytes", e);
}

enum status unique_encode(const struct unique_template *t, const char *value, uint8_t *bytes,
                          struct error *e)
{
    switch (t->format) {
    case UNIQUE_DECIMAL:
    case UNIQUE_HEX:
        return put_digits(t, value, bytes, e);
    case UNIQUE_LITTLE:
    case UNIQUE_BIG:
        return put_binary(t, value, bytes, e);
    case UNIQUE_TEXT:
        return put_text(t, value, bytes, e);
    case UNIQUE_BYTES:
        return put_pairs(t, value, bytes, e);
    }
    return error_set(e, STATUS_INTERNAL, "--unique %s: no such format", t->text);
}
