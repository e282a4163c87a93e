/* What the readers share. */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines lines_of(const uint8_t *data, size_t size)
{
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    return (struct lines){.next = data, .end = data + size};
}

bool lines_next(struct lines *lines, struct line *line)
{
    if (lines->next == lines->end)
        return false;
    const uint8_t *end = lines->next;
    while (end < lines->end && *end != '\n' && *end != '\r')
        end++;
    *line = (struct line){
        .text = lines->next, .size = (size_t)(end - lines->next), .number = ++lines->number};
    if (end < lines->end && *end == '\r' && end + 1 < lines->end && end[1] == '\n')
        end++;
    lines->next = end < lines->end ? end + 1 : end;
    return true;
}

static bool is_blank(uint8_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

struct line line_trim(struct line line)
{
    while (line.size > 0 && is_blank(line.text[0])) {
        line.text++;
        line.size--;
    }
    while (line.size > 0 && is_blank(line.text[line.size - 1]))
        line.size--;
    return line;
}

int hex_digit(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return -1;
}

size_t hex_count(struct line line, size_t at)
{
    size_t count = 0;
    while (at + count < line.size && hex_digit(line.text[at + count]) >= 0)
        count++;
    return count;
}

uint8_t hex_byte(const uint8_t *text)
{
    return (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
}

enum status input_error(const struct format_input *in, size_t line, struct error *e,
                        const char *format, ...)
{
    char text[sizeof e->text];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (line == 0)
        return error_set(e, STATUS_INPUT, "%s: %s", in->name, text);
    return error_set(e, STATUS_INPUT, "%s:%zu: %s", in->name, line, text);
}

enum status parsed_init(struct parsed *p, struct error *e)
{
    *p = (struct parsed){.image = image_new()};
    return p->image != NULL ? STATUS_OK
                            : error_set(e, STATUS_NO_MEMORY, "out of memory for an image");
}

void parsed_free(struct parsed *p)
{
    image_free(p->image);
    free(p->records);
}

static bool record_holds(const struct record *record, uint32_t address)
{
    return address >= record->address && address - record->address < record->size;
}

size_t parsed_line(const struct parsed *p, uint32_t address)
{
    for (size_t i = p->record_count; i-- > 0;)
        if (record_holds(&p->records[i], address))
            return p->records[i].line;
    return 0;
}

enum status parsed_put(struct parsed *p, const struct format_input *in, size_t line,
                       uint64_t address, const uint8_t *data, size_t size, struct error *e)
{
    if (size == 0)
        return STATUS_OK;
    if (address > UINT32_MAX || size > UINT32_MAX - address + 1)
        return input_error(in, line, e, "data beyond the 32-bit addresses");
    const uint32_t at = (uint32_t)address;
    if (p->record_count == p->record_capacity) {
        const size_t capacity = p->record_capacity == 0 ? 64 : 2 * p->record_capacity;
        struct record *records = realloc(p->records, capacity * sizeof *records);
        if (records == NULL)
            return error_set(e, STATUS_NO_MEMORY, "%s: out of memory", in->name);
        p->records = records;
        p->record_capacity = capacity;
    }
    uint32_t conflict = UINT32_MAX;
    const bool replace = (in->allow & FORMAT_ALLOW_OVERLAP) != 0;
    const enum status status =
        image_put(p->image, at, data, size, replace ? IMAGE_OVERLAP_REPLACE : IMAGE_OVERLAP_SAME,
                  &conflict, e);
    if (status == STATUS_INPUT) {
        uint8_t present = 0;
        (void)image_get(p->image, conflict, &present);
        if (line == 0)
            (void)input_error(in, 0, e, "0x%02x for address 0x%x, where it has 0x%02x already",
                              data[conflict - at], conflict, present);
        else
            (void)input_error(in, line, e, "0x%02x for address 0x%x, where line %zu has 0x%02x",
                              data[conflict - at], conflict, parsed_line(p, conflict), present);
        error_hint(e, "--allow overlap lets the later %s win", line == 0 ? "one" : "line");
        return e->code;
    }
    TRY(status);
    p->records[p->record_count++] =
        (struct record){.address = at, .size = (uint32_t)size, .line = line};
    return STATUS_OK;
}

void parsed_pass_over(struct parsed *p, struct line line)
{
    if (line.size == 0 || (line.size == 1 && line.text[0] == 0x1a)) /* ^Z ends a CP/M text */
        return;
    if (p->passed_over++ == 0)
        p->first_passed_over = line.number;
}
