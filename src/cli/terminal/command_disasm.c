/* disasm: a memory as AVR instructions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "disasm.h"
#include "range.h"
#include "terminal.h"

enum { DISASM = 1, USUAL = 32 };

/* "AaOoCc": a capital letter takes away what the small one shows; both stay in force. */
static void take_options(struct terminal *t, unsigned given)
{
    for (unsigned i = 0; i < 3; i++) {
        if ((given >> 2 * i & 1) != 0)
            t->disasm_hides |= 1u << i;
        if ((given >> 2 * i & 2) != 0)
            t->disasm_hides &= ~(1u << i);
    }
}

static uint16_t word_at(const uint8_t *data)
{
    return (uint16_t)(data[0] | data[1] << 8);
}

/* "0034:  0e 94 40 00  call    0x80" */
static void put_line(const struct terminal *t, const struct memory *m, uint32_t address,
                     const uint8_t *data, const struct disasm_line *line)
{
    enum { HIDES_ADDRESS = 1, HIDES_BYTES = 2, HIDES_COMMENT = 4, BYTES = 4 };
    if ((t->disasm_hides & HIDES_ADDRESS) == 0)
        (void)fprintf(t->out, "%0*" PRIx32 ":  ", m->size > 0x10000 ? 5 : 4, address);
    for (unsigned i = 0; i < BYTES && (t->disasm_hides & HIDES_BYTES) == 0; i++) {
        if (i < 2 * line->words)
            (void)fprintf(t->out, "%02x ", data[i]);
        else
            (void)fputs("   ", t->out);
    }
    (void)fputs((t->disasm_hides & HIDES_BYTES) == 0 ? " " : "", t->out);
    if (line->comment[0] != '\0' && (t->disasm_hides & HIDES_COMMENT) == 0)
        (void)fprintf(t->out, "%-7s %-16s ; %s\n", line->mnemonic, line->operands, line->comment);
    else if (line->operands[0] != '\0')
        (void)fprintf(t->out, "%-7s %s\n", line->mnemonic, line->operands);
    else
        (void)fprintf(t->out, "%s\n", line->mnemonic);
}

/* As far as instructions that begin in the range reach; returns its true size. */
static uint32_t put_lines(const struct terminal *t, const struct memory *m,
                          const struct range *range, const uint8_t *data)
{
    uint32_t done = 0;
    while (done < range->size) {
        const uint32_t address = (range->start + done) % m->size;
        struct disasm_line line;
        disasm_decode(word_at(data + done), word_at(data + done + 2), address, m->size, &line);
        put_line(t, m, address, data + done, &line);
        done += 2 * line.words;
    }
    return done;
}

static enum status show(struct terminal *t, const struct text_list *words, struct error *e)
{
    enum { BEHIND = 4 }; /* the second word of the last instruction, and what follows an odd end */
    const struct memory *m = NULL;
    struct range range;
    TRY(terminal_stretch(t, words, DISASM, USUAL, &m, &range, e));
    if (m->size < 2)
        return error_set(e, STATUS_USAGE, "%s has no room for an instruction", m->name);
    range.size += range.start % 2;
    range.start -= range.start % 2;
    uint8_t *data = malloc(range.size + BEHIND);
    if (data == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the bytes");
    const uint32_t size = range.size + BEHIND < m->size ? range.size + BEHIND : m->size;
    memset(data, 0xff, range.size + BEHIND);
    const enum status status = terminal_read(t, m, range.start, size, data, e);
    if (status == STATUS_OK) {
        const struct range shown = {.start = range.start, .size = put_lines(t, m, &range, data)};
        terminal_remember(t, DISASM, m, &shown);
    }
    free(data);
    return status;
}

/* A negative address looks like an option: only the words before the memory are options. */
enum status terminal_disasm(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    unsigned given = 0;
    size_t first = 0;
    struct text_list none;
    while (first < arguments->count && arguments->items[first][0] == '-')
        first++;
    const struct text_list options = {.items = arguments->items, .count = first};
    const struct text_list words = {.items = arguments->items + first,
                                    .count = arguments->count - first};
    const enum status status = terminal_options(&options, "AaOoCc", &given, &none, e);
    text_list_free(&none);
    TRY(status);
    if (words.count > 3)
        return error_set(e, STATUS_USAGE, "too many words behind it");
    take_options(t, given);
    return show(t, &words, e);
}
