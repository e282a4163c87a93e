/* Motorola S-records: M68000 Family Programmer's Reference Manual, "S-Record Output Format".
 *
 *   StLLAA..DD..CC   t type, LL bytes that follow, CC: all bytes add up to 0xff modulo 256
 *
 * Lines that are no record and text behind a record are passed over. */
#include "reader.h"

#include "writer.h"

enum {
    SREC_LINE_BYTES = 32,  /* data bytes a record we write */
    SREC_RECORD_MAX = 0xff /* bytes after the length byte */
};

struct srec_state {
    size_t records, data_records, end_line, last_line;
    bool counted; /* no data record since a count that was right */
};

/* Address bytes by record type; 0: S4 is reserved. */
static const uint8_t srec_address_bytes[10] = {2, 2, 3, 4, 0, 2, 3, 4, 3, 2};

struct srec_record {
    uint8_t type;
    uint32_t address;
    const uint8_t *data;
    size_t size;
    uint8_t bytes[1 + SREC_RECORD_MAX];
};

static bool srec_begins(struct line line)
{
    return line.size >= 2 && (line.text[0] == 'S' || line.text[0] == 's') && line.text[1] >= '0' &&
           line.text[1] <= '9';
}

bool srec_looks_like(struct line line)
{
    line = line_trim(line);
    return srec_begins(line) && hex_count(line, 2) >= 8;
}

/* Reads the record of a line that begins with S and a digit. */
static enum status srec_decode(const struct format_input *in, struct line line,
                               struct srec_record *record, struct error *e)
{
    record->type = (uint8_t)(line.text[1] - '0');
    const size_t address_bytes = srec_address_bytes[record->type];
    if (address_bytes == 0)
        return input_error(in, line.number, e, "S%u records are reserved", record->type);
    const size_t digits = hex_count(line, 2);
    const size_t length = digits >= 2 ? hex_byte(line.text + 2) : address_bytes + 1;
    if (length < address_bytes + 1)
        return input_error(in, line.number, e, "an S%u record has %zu bytes at least, not %zu",
                           record->type, address_bytes + 1, length);
    const size_t wanted = 2 * (1 + length);
    if (digits < wanted && 2 + digits < line.size)
        return input_error(in, line.number, e, "column %zu is no hex digit", digits + 3);
    if (digits < wanted)
        return input_error(in, line.number, e, "short line: %zu of %zu hex digits", digits, wanted);
    if (digits > wanted)
        return input_error(in, line.number, e,
                           "%zu hex digits, but the record's length byte asks for %zu", digits,
                           wanted);
    uint8_t sum = 0;
    for (size_t i = 0; i <= length; i++) {
        record->bytes[i] = hex_byte(line.text + 2 + 2 * i);
        sum = (uint8_t)(sum + record->bytes[i]);
    }
    if (sum != 0xff)
        return input_error(in, line.number, e, "checksum is 0x%02x, should be 0x%02x",
                           record->bytes[length], (uint8_t)(record->bytes[length] + 0xff - sum));
    record->address = 0;
    for (size_t i = 0; i < address_bytes; i++)
        record->address = record->address << 8 | record->bytes[1 + i];
    record->data = record->bytes + 1 + address_bytes;
    record->size = length - address_bytes - 1;
    return STATUS_OK;
}

static enum status srec_data(const struct format_input *in, struct line line, struct parsed *p,
                             struct srec_state *state, const struct srec_record *record,
                             struct error *e)
{
    state->data_records++;
    state->counted = false;
    if (state->end_line != 0 && record->size > 0 &&
        (in->allow & FORMAT_ALLOW_DATA_AFTER_END) == 0) {
        (void)input_error(in, line.number, e, "data after the end record in line %zu",
                          state->end_line);
        error_hint(e, "two files pasted together? join them with `merge`, or read on with "
                      "--allow data-after-end");
        return e->code;
    }
    return parsed_put(p, in, line.number, record->address, record->data, record->size, e);
}

static enum status srec_record(const struct format_input *in, struct line line, struct parsed *p,
                               struct srec_state *state, const struct srec_record *record,
                               struct error *e)
{
    switch (record->type) {
    case 0: /* header text */
        return STATUS_OK;
    case 1:
    case 2:
    case 3:
        return srec_data(in, line, p, state, record, e);
    case 5: /* the number of data records so far */
    case 6:
        if (record->address != state->data_records)
            return input_error(in, line.number, e, "counts %u data records, but %zu came before it",
                               record->address, state->data_records);
        state->counted = true;
        return STATUS_OK;
    default: /* 7, 8, 9: the end; the address is where a processor would start */
        state->end_line = line.number;
        state->data_records = 0;
        return STATUS_OK;
    }
}

enum status srec_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    struct srec_state state = {0};
    struct lines lines = lines_of(in->data, in->size);
    struct line line;
    while (lines_next(&lines, &line)) {
        line = line_trim(line);
        if (!srec_begins(line)) {
            parsed_pass_over(p, line);
            continue;
        }
        struct srec_record record;
        TRY(srec_decode(in, line, &record, e));
        TRY(srec_record(in, line, p, &state, &record, e));
        state.records++;
        state.last_line = line.number;
    }
    if (state.records == 0)
        return input_error(in, 0, e, "no S-record in it");
    /* srec_cat ends a file by its count alone when it knows of no start address: nothing is lost.
     */
    if (state.end_line == 0 && !state.counted && (in->allow & FORMAT_ALLOW_NO_END) == 0) {
        (void)input_error(in, state.last_line, e, "no end record: the file is cut short");
        error_hint(e, "--allow no-end-record takes it as it is");
        return e->code;
    }
    return STATUS_OK;
}

static void srec_append(struct buffer *b, uint8_t type, uint32_t address, const uint8_t *data,
                        size_t size)
{
    const size_t address_bytes = srec_address_bytes[type];
    const size_t length = address_bytes + size + 1;
    uint8_t sum = (uint8_t)length;
    buffer_print(b, "S%u%02zX%0*X", type, length, (int)(2 * address_bytes), address);
    for (size_t i = 0; i < address_bytes; i++)
        sum = (uint8_t)(sum + (address >> 8 * i));
    for (size_t i = 0; i < size; i++) {
        buffer_print(b, "%02X", data[i]);
        sum = (uint8_t)(sum + data[i]);
    }
    buffer_print(b, "%02X\n", (uint8_t)~sum);
}

/* One kind of data record throughout, as wide as the highest address needs; the end record is of
 * the kind that belongs to it (S9 to S1, S8 to S2, S7 to S3). */
void srec_write(const struct image *image, struct buffer *b)
{
    const uint64_t end = image_end(image);
    const uint8_t type = end <= 0x10000 ? 1 : end <= 0x1000000 ? 2 : 3;
    static const uint8_t header[] = {'i', 's', 'p', 'f', 'l', 'a', 's', 'h'};
    srec_append(b, 0, 0, header, sizeof header);
    uint32_t count = 0;
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size) {
        for (uint32_t done = 0; done < extent.size;) {
            const uint32_t left = extent.size - done;
            const uint32_t size = left < SREC_LINE_BYTES ? left : SREC_LINE_BYTES;
            srec_append(b, type, extent.address + done, extent.data + done, size);
            done += size;
            count++;
        }
    }
    if (count <= 0xffff)
        srec_append(b, 5, count, NULL, 0);
    else if (count <= 0xffffff)
        srec_append(b, 6, count, NULL, 0);
    srec_append(b, (uint8_t)(10 - type), 0, NULL, 0);
}
