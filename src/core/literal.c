/* Numbers, characters and strings as bytes. */
#include "core/literal.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/integer.h"

static enum status take_bytes(const uint8_t *bytes, size_t size, enum literal_kind kind,
                              struct literal *out, struct error *e)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the data");
    memcpy(copy, bytes, size);
    *out = (struct literal){.kind = kind, .bytes = copy, .size = size};
    return STATUS_OK;
}

/* --- floating point ------------------------------------------------------------------------- */

/* What strtod() would take but that is rather a whole number or a name. */
static bool looks_floating(const char *text)
{
    const char *digits = text + (text[0] == '+' || text[0] == '-' ? 1 : 0);
    const bool hex = digits[0] == '0' && (digits[1] | 0x20) == 'x';
    const size_t length = strlen(digits);
    const int last = length > 0 ? digits[length - 1] | 0x20 : 0;
    if (!isdigit((unsigned char)digits[0]) && digits[0] != '.')
        return false;
    return strpbrk(digits, hex ? ".pP" : ".eE") != NULL || (!hex && (last == 'f' || last == 'd'));
}

/* IEEE 754 single or double precision, as avr-gcc and this machine have it; low byte first. */
static void put_low_first(uint64_t bits, size_t size, uint8_t *bytes)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(bits >> (8 * i));
}

/* False: the text is no such number. */
static bool parse_floating(const char *text, uint8_t bytes[8], size_t *size, bool *too_big)
{
    char *end = NULL;
    if (!looks_floating(text))
        return false;
    double number = strtod(text, &end);
    const char suffix = (char)(*end != '\0' ? *end | 0x20 : '\0');
    if (end == text || (suffix != '\0' && (end[1] != '\0' || (suffix != 'f' && suffix != 'd'))))
        return false;
    *size = suffix == 'd' ? sizeof(double) : sizeof(float);
    *too_big = isinf(number);
    uint64_t bits = 0;
    if (suffix == 'd') {
        memcpy(&bits, &number, sizeof number);
    } else {
        const float single = strtof(text, NULL); /* rounded once */
        uint32_t bits_of_single = 0;
        memcpy(&bits_of_single, &single, sizeof single);
        bits = bits_of_single;
        *too_big = isinf(single);
    }
    put_low_first(bits, *size, bytes);
    return true;
}

/* --- characters and strings ----------------------------------------------------------------- */

/* One escape sequence behind its backslash; NULL: there is none like that. */
static const char *decode_escape(const char *at, uint8_t *byte)
{
    static const char letters[] = "abefnrtv\\'\"?", values[] = "\a\b\033\f\n\r\t\v\\'\"?";
    const char *letter = *at != '\0' ? strchr(letters, *at) : NULL;
    if (letter != NULL) {
        *byte = (uint8_t)values[letter - letters];
        return at + 1;
    }
    const int base = *at == 'x' ? 16 : 8, most = *at == 'x' ? 2 : 3;
    char digits[4] = "";
    const char *begin = at + (*at == 'x' ? 1 : 0);
    for (int i = 0; i < most && isxdigit((unsigned char)begin[i]); i++)
        digits[i] = begin[i];
    char *end = NULL;
    const unsigned long value = strtoul(digits, &end, base);
    if (end == digits || value > 0xff)
        return NULL;
    *byte = (uint8_t)value;
    return begin + (end - digits);
}

/* What stands between the quotes, of which the first is behind us. */
static enum status decode_quoted(const char *word, uint8_t *out, size_t *size, struct error *e)
{
    const char *at = word + 1;
    *size = 0;
    while (*at != word[0]) {
        uint8_t byte = (uint8_t)*at++;
        if (byte == '\\') {
            const char *behind = decode_escape(at, &byte);
            if (behind == NULL)
                return error_set(e, STATUS_USAGE, "%s: there is no escape \\%c", word, *at);
            at = behind;
        }
        out[(*size)++] = byte;
    }
    return at[1] == '\0'
               ? STATUS_OK
               : error_set(e, STATUS_USAGE, "%s: \"%s\" follows the quotes", word, at + 1);
}

static enum status parse_quoted(const char *word, struct literal *out, struct error *e)
{
    size_t size = 0;
    uint8_t *bytes = malloc(strlen(word) + 1);
    if (bytes == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the data");
    enum status status = decode_quoted(word, bytes, &size, e);
    if (status == STATUS_OK && word[0] == '"')
        bytes[size++] = '\0';
    else if (status == STATUS_OK && size != 1)
        status = error_set(e, STATUS_USAGE, "%s is not one character of one byte", word);
    if (status == STATUS_OK)
        status =
            take_bytes(bytes, size, word[0] == '"' ? LITERAL_STRING : LITERAL_CHARACTER, out, e);
    free(bytes);
    return status;
}

/* "..." alone; with something behind the second quote it is the name of a file: "a b.hex":i. */
static bool is_quoted(const char *word)
{
    const char *at = word + 1;
    if (word[0] != '"' && word[0] != '\'')
        return false;
    for (; *at != '\0' && *at != word[0]; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at != '\0' && at[1] == '\0';
}

enum status literal_parse(const char *word, struct literal *out, struct error *e)
{
    uint8_t bytes[8];
    unsigned size = 0;
    size_t floating_size = 0;
    bool too_big = false;
    if (is_quoted(word))
        return parse_quoted(word, out, e);
    switch (integer_parse(word, bytes, &size)) {
    case INTEGER_FOUND:
        return take_bytes(bytes, size, LITERAL_NUMBER, out, e);
    case INTEGER_TOO_BIG:
        return error_set(e, STATUS_USAGE, "%s does not fit into %u byte%s", word, size,
                         size == 1 ? "" : "s");
    case INTEGER_NONE:
        break;
    }
    if (!parse_floating(word, bytes, &floating_size, &too_big)) {
        *out = (struct literal){.kind = LITERAL_NONE};
        return STATUS_OK;
    }
    if (too_big)
        return error_set(e, STATUS_USAGE,
                         "%s is too large for a floating point number of %zu bytes", word,
                         floating_size);
    return take_bytes(bytes, floating_size, LITERAL_NUMBER, out, e);
}

void literal_free(struct literal *literal)
{
    free(literal->bytes);
    *literal = (struct literal){.kind = LITERAL_NONE};
}
