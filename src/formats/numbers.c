/* Numbers as text: immediate data (-U lfuse:w:0x62:m) and the list formats h, d, o, b and R. They
 * are separated by a comma, blanks or both; files may have comments from '#' to the end of the
 * line.
 *
 * In: what core/literal.h reads, whatever the format, so that a number may take several bytes, and
 * strings are data too. A memory of one byte takes a number that fits, with any leading zeros.
 * Roman numerals for R only. Out: one line, commas, no
 * blanks and no leading zeros, as scripts expect it. */
#include "reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/literal.h"
#include "writer.h"

struct item {
    const uint8_t *text;
    size_t size, line;
};

struct items {
    const uint8_t *next, *end;
    size_t line;
    bool comments;     /* '#' begins one */
    bool after_number; /* a comma may stand here */
};

static struct items items_of(const struct format_input *in)
{
    const bool list = in->format != FORMAT_IMMEDIATE;
    return (struct items){
        .next = in->data, .end = in->data + in->size, .line = list ? 1 : 0, .comments = list};
}

static bool item_ends(const struct items *items, uint8_t character)
{
    return character == ',' || isspace(character) || (items->comments && character == '#');
}

/* Where the quotation that begins here ends; blanks and commas in it are its own. */
static const uint8_t *behind_quotes(const struct items *items)
{
    const uint8_t *at = items->next + 1;
    while (at < items->end && *at != *items->next)
        at += *at == '\\' && at + 1 < items->end ? 2 : 1;
    return at < items->end ? at + 1 : items->end;
}

enum item_result { ITEM_FOUND, ITEM_NONE, ITEM_MISSING };

/* ITEM_MISSING: a comma without a number before it. */
static enum item_result items_next(struct items *items, struct item *item)
{
    for (; items->next < items->end && item_ends(items, *items->next); items->next++) {
        if (*items->next == ',') {
            if (!items->after_number)
                return ITEM_MISSING;
            items->after_number = false;
        } else if (*items->next == '#') {
            while (items->next + 1 < items->end && items->next[1] != '\n')
                items->next++;
        } else if (*items->next == '\n' && items->line != 0) {
            items->line++;
        }
    }
    if (items->next == items->end)
        return ITEM_NONE;
    *item = (struct item){.text = items->next, .line = items->line};
    if (*items->next == '"' || *items->next == '\'')
        items->next = behind_quotes(items);
    while (items->next < items->end && !item_ends(items, *items->next))
        items->next++;
    item->size = (size_t)(items->next - item->text);
    items->after_number = true;
    return ITEM_FOUND;
}

struct number {
    bool negative;
    uint32_t magnitude; /* stops at NUMBER_TOO_BIG */
    enum format notation;
};

enum { NUMBER_TOO_BIG = 100000 };

static bool number_parse(struct item item, struct number *number)
{
    const uint8_t *text = item.text, *end = item.text + item.size;
    *number = (struct number){.notation = FORMAT_DECIMAL};
    if (text < end && *text == '-') {
        number->negative = true;
        text++;
    }
    uint32_t base = 10;
    if (end - text > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        number->notation = FORMAT_HEX;
        text += 2;
    } else if (end - text > 2 && text[0] == '0' && (text[1] | 0x20) == 'b') {
        base = 2;
        number->notation = FORMAT_BINARY;
        text += 2;
    } else if (end - text > 1 && text[0] == '0') {
        base = 8;
        number->notation = FORMAT_OCTAL;
        text += 1;
    }
    if (text == end)
        return false;
    for (; text < end; text++) {
        const int digit = hex_digit(*text);
        if (digit < 0 || (uint32_t)digit >= base)
            return false;
        number->magnitude = number->magnitude * base + (uint32_t)digit;
        if (number->magnitude > NUMBER_TOO_BIG)
            number->magnitude = NUMBER_TOO_BIG;
    }
    return true;
}

static const struct {
    uint16_t value;
    char text[3];
} roman_digits[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                    {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                    {5, "V"},    {4, "IV"},   {1, "I"}};

enum {
    ROMAN_DIGITS = sizeof roman_digits / sizeof roman_digits[0],
    ROMAN_SIZE = 32 /* MMMDCCCLXXXVIII is the longest below 4000 */
};

/* 0 is written "0". */
static void roman_print(uint32_t value, char text[ROMAN_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; i < ROMAN_DIGITS; i++) {
        for (; value >= roman_digits[i].value; value -= roman_digits[i].value) {
            const size_t length = strlen(roman_digits[i].text);
            memcpy(text + size, roman_digits[i].text, length);
            size += length;
        }
    }
    if (size == 0)
        text[size++] = '0';
    text[size] = '\0';
}

/* Takes the one proper spelling of 1 to 3999, in either case. */
static bool roman_parse(struct item item, struct number *number)
{
    char upper[ROMAN_SIZE], proper[ROMAN_SIZE];
    if (item.size >= sizeof upper)
        return false;
    for (size_t i = 0; i < item.size; i++)
        upper[i] = (char)toupper(item.text[i]);
    upper[item.size] = '\0';
    uint32_t value = 0;
    const char *rest = upper;
    for (size_t i = 0; i < ROMAN_DIGITS; i++) {
        const size_t length = strlen(roman_digits[i].text);
        for (; strncmp(rest, roman_digits[i].text, length) == 0; rest += length)
            value += roman_digits[i].value;
    }
    if (*rest != '\0' || value == 0 || value > 3999)
        return false;
    roman_print(value, proper);
    if (strcmp(upper, proper) != 0)
        return false;
    *number = (struct number){.magnitude = value, .notation = FORMAT_ROMAN};
    return true;
}

/* The item for a message: cut, and without control characters. */
static const char *item_text(struct item item, char text[40])
{
    size_t size = item.size < 36 ? item.size : 36;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(item.text[i] >= ' ' && item.text[i] <= '~' ? item.text[i] : '?');
    memcpy(text + size, size < item.size ? "..." : "", size < item.size ? 4 : 1);
    return text;
}

static enum status does_not_fit(const struct format_input *in, struct item item, struct error *e)
{
    char text[40];
    return input_error(in, item.line, e, "'%s' does not fit into a byte of %s",
                       item_text(item, text), in->memory != NULL ? in->memory->name : "the memory");
}

/* A number for a memory of one byte: what is above it must be zeros. */
static bool fits_a_byte(const struct format_input *in, const struct literal *literal)
{
    if (in->memory == NULL || in->memory->size != 1 || literal->kind != LITERAL_NUMBER)
        return true;
    for (size_t i = 1; i < literal->size; i++)
        if (literal->bytes[i] != 0)
            return false;
    return true;
}

static enum status put_literal(const struct format_input *in, struct item item,
                               const struct literal *literal, uint64_t *address, struct parsed *p,
                               struct error *e)
{
    const bool byte =
        in->memory != NULL && in->memory->size == 1 && literal->kind == LITERAL_NUMBER;
    if (!fits_a_byte(in, literal))
        return does_not_fit(in, item, e);
    const size_t size = byte ? 1 : literal->size;
    TRY(parsed_put(p, in, item.line, *address, literal->bytes, size, e));
    *address += size;
    return STATUS_OK;
}

/* `word` is the item as a string. */
static enum status put_word(const struct format_input *in, struct item item, const char *word,
                            uint64_t *address, struct parsed *p, struct error *e)
{
    struct literal literal;
    struct error problem = {0};
    char text[40];
    enum status status = literal_parse(word, &literal, &problem);
    if (status == STATUS_NO_MEMORY)
        return error_set(e, status, "%s: out of memory", in->name);
    if (status != STATUS_OK)
        return input_error(in, item.line, e, "%s", problem.text);
    if (literal.kind == LITERAL_NONE)
        return input_error(in, item.line, e, "'%s' is not a number", item_text(item, text));
    status = put_literal(in, item, &literal, address, p, e);
    literal_free(&literal);
    return status;
}

static enum status put_item(const struct format_input *in, struct item item, uint64_t *address,
                            struct parsed *p, struct error *e)
{
    struct number number;
    if (in->format == FORMAT_ROMAN && roman_parse(item, &number)) {
        const uint8_t value = (uint8_t)number.magnitude;
        if (number.magnitude > 255)
            return does_not_fit(in, item, e);
        return parsed_put(p, in, item.line, (*address)++, &value, 1, e);
    }
    char text[40];
    if (memchr(item.text, '\0', item.size) != NULL)
        return input_error(in, item.line, e, "'%s' is not a number", item_text(item, text));
    char *word = strndup((const char *)item.text, item.size);
    if (word == NULL)
        return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", in->name);
    const enum status status = put_word(in, item, word, address, p, e);
    free(word);
    return status;
}

enum status numbers_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    struct items items = items_of(in);
    struct item item;
    uint64_t address = in->memory != NULL ? in->memory->base : 0;
    for (;;) {
        switch (items_next(&items, &item)) {
        case ITEM_NONE:
            return STATUS_OK;
        case ITEM_MISSING:
            return input_error(in, items.line, e, "a number is missing before a comma");
        case ITEM_FOUND:
            break;
        }
        TRY(put_item(in, item, &address, p, e));
    }
}

bool numbers_detect(const uint8_t *data, size_t size, enum format *format)
{
    struct items items = {.next = data, .end = data + size, .line = 1, .comments = true};
    struct item item;
    bool any = false;
    enum format first = FORMAT_DECIMAL;
    for (;;) {
        switch (items_next(&items, &item)) {
        case ITEM_NONE:
            if (any)
                *format = first;
            return any;
        case ITEM_MISSING:
            return false;
        case ITEM_FOUND:
            break;
        }
        struct number number;
        if (!number_parse(item, &number))
            return false;
        if (!any)
            first = number.notation;
        any = true;
    }
}

static void number_print(struct buffer *b, enum format format, uint8_t value)
{
    char text[ROMAN_SIZE];
    size_t digit = 8;
    switch (format) {
    case FORMAT_HEX:
        buffer_print(b, "0x%x", value);
        break;
    case FORMAT_OCTAL: /* below 8 there is no prefix */
        buffer_print(b, value < 8 ? "%o" : "0%o", value);
        break;
    case FORMAT_BINARY:
        while (digit > 1 && (value >> (digit - 1)) == 0)
            digit--;
        buffer_print(b, "0b");
        while (digit-- > 0)
            buffer_print(b, "%c", (value >> digit & 1) != 0 ? '1' : '0');
        break;
    case FORMAT_ROMAN:
        roman_print(value, text);
        buffer_print(b, "%s", text);
        break;
    case FORMAT_DECIMAL:
    case FORMAT_AUTO: /* the others are no number lists and never come here */
    case FORMAT_IHEX:
    case FORMAT_IHEX_COMMENTS:
    case FORMAT_SREC:
    case FORMAT_RAW:
    case FORMAT_ELF:
    case FORMAT_IMMEDIATE:
        buffer_print(b, "%u", value);
        break;
    }
}

enum status numbers_write(enum format format, const struct image *image, uint32_t base,
                          struct buffer *b, struct error *e)
{
    struct extent extent = {0};
    if (image_next(image, 0, &extent)) {
        const uint64_t end = (uint64_t)extent.address + extent.size;
        if (extent.address != base || image_end(image) != end)
            return error_set(e, STATUS_OUTPUT, "a list of numbers cannot leave out address 0x%x",
                             extent.address != base ? base : (uint32_t)end);
    }
    for (uint32_t i = 0; i < extent.size; i++) {
        if (i > 0)
            buffer_append(b, ",", 1);
        number_print(b, format, extent.data[i]);
    }
    buffer_append(b, "\n", 1);
    return STATUS_OK;
}
