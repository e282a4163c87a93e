/* Intel HEX: "Hexadecimal Object File Format Specification", revision A, 1988.
 *
 *   :LLAAAATTDD..CC   LL data bytes, AAAA offset, TT type, CC: all bytes add up to 0 modulo 256
 *
 * Lines that do not begin with ':' and text behind a record are passed over. */
#include "reader.h"

#include "writer.h"

enum ihex_type {
    IHEX_DATA = 0,
    IHEX_END = 1,
    IHEX_SEGMENT = 2, /* two bytes: the address bits 4 to 19 of what follows */
    IHEX_START_SEGMENT = 3,
    IHEX_LINEAR = 4, /* two bytes: the address bits 16 to 31 of what follows */
    IHEX_START_LINEAR = 5
};

enum {
    IHEX_OVERHEAD = 5,     /* LL AAAA TT CC */
    IHEX_LINE_BYTES = 32,  /* data bytes a record we write */
    IHEX_RECORD_MAX = 0xff /* data bytes a record can have */
};

struct ihex_record {
    uint8_t size, type;
    uint16_t offset;
    uint8_t data[IHEX_RECORD_MAX];
};

/* Which record gave the upper address bits: it decides how addresses run on past 0xffff. */
enum ihex_base { IHEX_BASE_NONE, IHEX_BASE_SEGMENT, IHEX_BASE_LINEAR };

struct ihex_state {
    enum ihex_base kind;
    uint32_t base;
    size_t records, end_line, last_line;
};

bool ihex_looks_like(struct line line)
{
    line = line_trim(line);
    return line.size > 0 && line.text[0] == ':' && hex_count(line, 1) >= 2 * IHEX_OVERHEAD;
}

/* Reads the record of a line that begins with ':'. */
static enum status ihex_decode(const struct format_input *in, struct line line, struct parsed *p,
                               struct ihex_record *record, struct error *e)
{
    const size_t digits = hex_count(line, 1);
    const size_t wanted =
        digits >= 2 ? 2 * ((size_t)hex_byte(line.text + 1) + IHEX_OVERHEAD) : 2 * IHEX_OVERHEAD;
    if (digits < wanted && 1 + digits < line.size)
        return input_error(in, line.number, e, "column %zu is no hex digit", digits + 2);
    if (digits < wanted)
        return input_error(in, line.number, e, "short line: %zu of %zu hex digits", digits, wanted);
    if (digits > wanted)
        return input_error(in, line.number, e,
                           "%zu hex digits, but the record's length byte asks for %zu", digits,
                           wanted);
    uint8_t bytes[IHEX_RECORD_MAX + IHEX_OVERHEAD];
    uint8_t sum = 0;
    const size_t count = wanted / 2;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = hex_byte(line.text + 1 + 2 * i);
        sum = (uint8_t)(sum + bytes[i]);
    }
    if (sum != 0 && in->format != FORMAT_IHEX_COMMENTS)
        return input_error(in, line.number, e, "checksum is 0x%02x, should be 0x%02x",
                           bytes[count - 1], (uint8_t)(bytes[count - 1] - sum));
    if (sum != 0 && p->bad_checksums++ == 0)
        p->first_bad_checksum = line.number;
    record->size = bytes[0];
    record->offset = (uint16_t)(bytes[1] << 8 | bytes[2]);
    record->type = bytes[3];
    for (size_t i = 0; i < record->size; i++)
        record->data[i] = bytes[4 + i];
    return STATUS_OK;
}

/* Stores a data record. The specification lets offsets wrap within the 64 KiB of a segment and run
 * on after a linear address; without either there is nothing beyond 0xffff. */
static enum status ihex_data(const struct format_input *in, struct line line, struct parsed *p,
                             const struct ihex_state *state, const struct ihex_record *record,
                             struct error *e)
{
    const uint32_t to_border = 0x10000u - record->offset;
    const uint64_t address = (uint64_t)state->base + record->offset;
    if (record->size <= to_border || state->kind == IHEX_BASE_LINEAR)
        return parsed_put(p, in, line.number, address, record->data, record->size, e);
    if (state->kind == IHEX_BASE_NONE)
        return input_error(in, line.number, e,
                           "data run past 0xffff without an extended address record");
    TRY(parsed_put(p, in, line.number, address, record->data, to_border, e));
    return parsed_put(p, in, line.number, state->base, record->data + to_border,
                      record->size - to_border, e);
}

static enum status ihex_length(const struct format_input *in, struct line line,
                               const struct ihex_record *record, uint8_t wanted, struct error *e)
{
    if (record->size == wanted)
        return STATUS_OK;
    return input_error(in, line.number, e, "a record of type %02x has %u data bytes, not %u",
                       record->type, wanted, record->size);
}

static enum status ihex_after_end(const struct format_input *in, struct line line,
                                  struct ihex_state *state, struct error *e)
{
    if ((in->allow & FORMAT_ALLOW_DATA_AFTER_END) == 0) {
        (void)input_error(in, line.number, e, "data after the end record in line %zu",
                          state->end_line);
        error_hint(e, "two files pasted together? join them with `merge`, or read on with "
                      "--allow data-after-end");
        return e->code;
    }
    return STATUS_OK;
}

static enum status ihex_record(const struct format_input *in, struct line line, struct parsed *p,
                               struct ihex_state *state, const struct ihex_record *record,
                               struct error *e)
{
    switch (record->type) {
    case IHEX_DATA:
        if (state->end_line != 0 && record->size > 0)
            TRY(ihex_after_end(in, line, state, e));
        return ihex_data(in, line, p, state, record, e);
    case IHEX_END:
        TRY(ihex_length(in, line, record, 0, e));
        state->end_line = line.number;
        state->kind = IHEX_BASE_NONE; /* what follows, if allowed, is another file */
        state->base = 0;
        return STATUS_OK;
    case IHEX_SEGMENT:
        TRY(ihex_length(in, line, record, 2, e));
        state->kind = IHEX_BASE_SEGMENT;
        state->base = (uint32_t)record->data[0] << 12 | (uint32_t)record->data[1] << 4;
        return STATUS_OK;
    case IHEX_LINEAR:
        TRY(ihex_length(in, line, record, 2, e));
        state->kind = IHEX_BASE_LINEAR;
        state->base = (uint32_t)record->data[0] << 24 | (uint32_t)record->data[1] << 16;
        return STATUS_OK;
    case IHEX_START_SEGMENT: /* where a processor would start: of no use to a memory */
    case IHEX_START_LINEAR:
        return ihex_length(in, line, record, 4, e);
    default:
        return input_error(in, line.number, e, "unknown record type %02x", record->type);
    }
}

enum status ihex_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    struct ihex_state state = {.kind = IHEX_BASE_NONE};
    struct lines lines = lines_of(in->data, in->size);
    struct line line;
    while (lines_next(&lines, &line)) {
        line = line_trim(line);
        if (line.size == 0 || line.text[0] != ':') {
            parsed_pass_over(p, line);
            continue;
        }
        struct ihex_record record;
        TRY(ihex_decode(in, line, p, &record, e));
        TRY(ihex_record(in, line, p, &state, &record, e));
        state.records++;
        state.last_line = line.number;
    }
    if (state.records == 0)
        return input_error(in, 0, e, "no Intel HEX record in it");
    if (state.end_line == 0 && (in->allow & FORMAT_ALLOW_NO_END) == 0) {
        (void)input_error(in, state.last_line, e, "no end record: the file is cut short");
        error_hint(e, "--allow no-end-record takes it as it is");
        return e->code;
    }
    return STATUS_OK;
}

/* Appends one record without its line end. */
static void ihex_append(struct buffer *b, enum ihex_type type, uint16_t offset, const uint8_t *data,
                        size_t size)
{
    uint8_t sum = (uint8_t)(size + (offset >> 8) + (offset & 0xff) + type);
    buffer_print(b, ":%02X%04X%02X", (unsigned)size, offset, (unsigned)type);
    for (size_t i = 0; i < size; i++) {
        buffer_print(b, "%02X", data[i]);
        sum = (uint8_t)(sum + data[i]);
    }
    buffer_print(b, "%02X", (uint8_t)(0x100 - sum));
}

static const struct memory_label *label_at(const struct memory_labels *labels, uint32_t address)
{
    for (size_t i = 0; labels != NULL && i < labels->count; i++)
        if (labels->items[i].address == address)
            return &labels->items[i];
    return NULL;
}

/* " // 00a40> text flash": what a record holds, for a person, and the memory that begins there; a
 * few bytes of a memory's are numbers. */
static void ihex_comment(struct buffer *b, const struct memory_label *label, uint32_t address,
                         const uint8_t *data, size_t size)
{
    enum { FEW = 8 };
    for (size_t i = size; i < IHEX_LINE_BYTES; i++)
        buffer_append(b, "  ", 2);
    buffer_print(b, " // %05x> ", address);
    for (size_t i = 0; i < size; i++) {
        if (label != NULL && size <= FEW)
            buffer_print(b, "%s0x%02x", i > 0 ? " " : "", data[i]);
        else
            buffer_print(b, "%c", data[i] >= ' ' && data[i] <= '~' ? data[i] : '.');
    }
    if (label != NULL)
        buffer_print(b, " %s", label->name);
}

static void ihex_extent(struct buffer *b, const struct extent *extent, uint32_t *upper,
                        const struct memory_labels *labels)
{
    for (uint32_t done = 0; done < extent->size;) {
        const uint32_t address = extent->address + done;
        const uint8_t *data = extent->data + done;
        if (address >> 16 != *upper) {
            *upper = address >> 16;
            const uint8_t bytes[2] = {(uint8_t)(*upper >> 8), (uint8_t)*upper};
            ihex_append(b, IHEX_LINEAR, 0, bytes, sizeof bytes);
            buffer_print(b, "\n");
        }
        uint32_t size = extent->size - done;
        if (size > IHEX_LINE_BYTES)
            size = IHEX_LINE_BYTES;
        if (size > 0x10000u - (address & 0xffff)) /* a record never crosses a 64 KiB border */
            size = 0x10000u - (address & 0xffff);
        /* nor, with comments, the beginning of a memory */
        for (uint32_t i = 1; labels != NULL && i < size; i++)
            if (label_at(labels, address + i) != NULL)
                size = i;
        ihex_append(b, IHEX_DATA, (uint16_t)address, data, size);
        if (labels != NULL)
            ihex_comment(b, label_at(labels, address), address, data, size);
        buffer_print(b, "\n");
        done += size;
    }
}

void ihex_write(const struct image *image, const struct memory_labels *labels, struct buffer *b)
{
    uint32_t upper = 0;
    struct extent extent;
    for (uint64_t at = 0; image_next(image, at, &extent);
         at = (uint64_t)extent.address + extent.size)
        ihex_extent(b, &extent, &upper, labels);
    ihex_append(b, IHEX_END, 0, NULL, 0);
    buffer_print(b, "\n");
}
