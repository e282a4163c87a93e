/* Whole numbers. */
#include "core/integer.h"

#include <string.h>
#include <strings.h>

struct integer {
    bool signed_text; /* it begins with + or - */
    bool negative;
    bool is_unsigned; /* suffix U */
    bool overflow;
    unsigned base;
    unsigned digits;
    unsigned size; /* by its suffix; 0: none */
    uint64_t magnitude;
};

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 99;
}

static const char *skip_prefix(const char *text, unsigned *base)
{
    const char second = (char)(text[0] == '0' ? text[1] | 0x20 : 0);
    *base = second == 'x' ? 16 : second == 'b' ? 2 : text[0] == '0' ? 8 : 10;
    return second == 'x' || second == 'b' ? text + 2 : text;
}

static const char *read_digits(const char *text, struct integer *n)
{
    for (; (unsigned)digit_value(*text) < n->base; text++) {
        const unsigned digit = (unsigned)digit_value(*text);
        n->overflow = n->overflow || n->magnitude > (UINT64_MAX - digit) / n->base;
        n->magnitude = n->magnitude * n->base + digit;
        n->digits++;
    }
    return text;
}

/* U may stand before or behind the size. */
static bool read_suffix(const char *text, struct integer *n)
{
    static const struct {
        const char *text;
        unsigned size;
    } sizes[] = {{"", 0}, {"hh", 1}, {"h", 2}, {"s", 2}, {"l", 4}, {"ll", 8}};
    char rest[4] = "";
    size_t length = strlen(text);
    if (length > 3)
        return false;
    memcpy(rest, text, length + 1);
    if (length > 0 && (rest[0] | 0x20) == 'u') {
        n->is_unsigned = true;
        memmove(rest, rest + 1, length);
    } else if (length > 0 && (rest[length - 1] | 0x20) == 'u') {
        n->is_unsigned = true;
        rest[length - 1] = '\0';
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcasecmp(rest, sizes[i].text) == 0) {
            n->size = sizes[i].size;
            return true;
        }
    return false;
}

static bool read_integer(const char *text, struct integer *n)
{
    *n = (struct integer){.signed_text = text[0] == '+' || text[0] == '-',
                          .negative = text[0] == '-'};
    const char *digits = skip_prefix(text + (n->signed_text ? 1 : 0), &n->base);
    const char *suffix = read_digits(digits, n);
    return suffix != digits && read_suffix(suffix, n);
}

/* The last value of `size` bytes, counted from the sign: what fits either as signed or as unsigned
 * number. */
static uint64_t largest(const struct integer *n, unsigned size)
{
    const uint64_t all = UINT64_MAX >> (64 - 8 * size);
    return n->negative && !n->is_unsigned ? all / 2 + 1 : all;
}

/* 1, 2, 4 or 8 bytes for so many bits. */
static unsigned size_for_bits(unsigned bits)
{
    return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

static unsigned fewest_bytes(const struct integer *n)
{
    const bool counts_digits = (n->base == 16 || n->base == 2) && !n->signed_text;
    if (counts_digits)
        return size_for_bits(n->digits * (n->base == 16 ? 4 : 1));
    if (n->overflow || (n->negative && n->is_unsigned && n->magnitude != 0))
        return 8; /* -1U is 0xffffffffffffffff, as in C */
    unsigned size = 1;
    while (size < 8 && n->magnitude > largest(n, size))
        size *= 2;
    return size;
}

enum integer_text integer_parse(const char *text, uint8_t bytes[8], unsigned *size)
{
    struct integer n;
    if (!read_integer(text, &n))
        return INTEGER_NONE;
    *size = n.size != 0 ? n.size : fewest_bytes(&n);
    if (n.overflow || n.magnitude > largest(&n, *size))
        return INTEGER_TOO_BIG;
    const uint64_t value = n.negative ? 0 - n.magnitude : n.magnitude;
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return INTEGER_FOUND;
}

enum status integer_between(const char *text, const char *what, int64_t low, int64_t high,
                            int64_t *value, struct error *e)
{
    struct integer n;
    if (!read_integer(text, &n) || n.size != 0)
        return error_set(e, STATUS_USAGE, "%s %s is not a whole number", what, text);
    const bool huge = n.overflow || n.magnitude > INT64_MAX;
    const int64_t found = huge ? 0 : n.negative ? -(int64_t)n.magnitude : (int64_t)n.magnitude;
    if (huge || found < low || found > high)
        return error_set(e, STATUS_USAGE, "%s %s is not between %s0x%llx and 0x%llx", what, text,
                         low < 0 ? "-" : "", (unsigned long long)(low < 0 ? -low : low),
                         (unsigned long long)high);
    *value = found;
    return STATUS_OK;
}
