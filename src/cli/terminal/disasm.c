/* The instruction set as a table: the bits as the manual prints them, and what they mean. */
#include "disasm.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* In `bits` 0 and 1 must be so, a letter is a bit of the field of that name, highest first. In
 * `operands` letters stand for
 *     d r    a register            D R    one of the upper half (or of r16 to r23)
 *     p P    a pair, field d or r  w      one of the four upper pairs
 *     K A    a number, an I/O address, in hexadecimal
 *     b q    a bit, an offset, in decimal
 *     k      where to, relative    a m    a program or data address, with the second word
 * and all else for itself. The first row that fits counts. */
static const struct row {
    const char *mnemonic, *bits, *operands;
} rows[] = {
    {"nop", "0000000000000000", ""},        {"movw", "00000001ddddrrrr", "p, P"},
    {"muls", "00000010ddddrrrr", "D, R"},   {"mulsu", "000000110ddd0rrr", "D, R"},
    {"fmul", "000000110ddd1rrr", "D, R"},   {"fmuls", "000000111ddd0rrr", "D, R"},
    {"fmulsu", "000000111ddd1rrr", "D, R"}, {"cpc", "000001rdddddrrrr", "d, r"},
    {"sbc", "000010rdddddrrrr", "d, r"},    {"add", "000011rdddddrrrr", "d, r"},
    {"cpse", "000100rdddddrrrr", "d, r"},   {"cp", "000101rdddddrrrr", "d, r"},
    {"sub", "000110rdddddrrrr", "d, r"},    {"adc", "000111rdddddrrrr", "d, r"},
    {"and", "001000rdddddrrrr", "d, r"},    {"eor", "001001rdddddrrrr", "d, r"},
    {"or", "001010rdddddrrrr", "d, r"},     {"mov", "001011rdddddrrrr", "d, r"},
    {"cpi", "0011KKKKddddKKKK", "D, K"},    {"sbci", "0100KKKKddddKKKK", "D, K"},
    {"subi", "0101KKKKddddKKKK", "D, K"},   {"ori", "0110KKKKddddKKKK", "D, K"},
    {"andi", "0111KKKKddddKKKK", "D, K"},   {"ld", "1000000ddddd0000", "d, Z"},
    {"ld", "1000000ddddd1000", "d, Y"},     {"st", "1000001ddddd0000", "Z, d"},
    {"st", "1000001ddddd1000", "Y, d"},     {"ldd", "10q0qq0ddddd0qqq", "d, Z+q"},
    {"ldd", "10q0qq0ddddd1qqq", "d, Y+q"},  {"std", "10q0qq1ddddd0qqq", "Z+q, d"},
    {"std", "10q0qq1ddddd1qqq", "Y+q, d"},  {"lds", "1001000ddddd0000", "d, m"},
    {"ld", "1001000ddddd0001", "d, Z+"},    {"ld", "1001000ddddd0010", "d, -Z"},
    {"lpm", "1001000ddddd0100", "d, Z"},    {"lpm", "1001000ddddd0101", "d, Z+"},
    {"elpm", "1001000ddddd0110", "d, Z"},   {"elpm", "1001000ddddd0111", "d, Z+"},
    {"ld", "1001000ddddd1001", "d, Y+"},    {"ld", "1001000ddddd1010", "d, -Y"},
    {"ld", "1001000ddddd1100", "d, X"},     {"ld", "1001000ddddd1101", "d, X+"},
    {"ld", "1001000ddddd1110", "d, -X"},    {"pop", "1001000ddddd1111", "d"},
    {"sts", "1001001ddddd0000", "m, d"},    {"st", "1001001ddddd0001", "Z+, d"},
    {"st", "1001001ddddd0010", "-Z, d"},    {"st", "1001001ddddd1001", "Y+, d"},
    {"st", "1001001ddddd1010", "-Y, d"},    {"st", "1001001ddddd1100", "X, d"},
    {"st", "1001001ddddd1101", "X+, d"},    {"st", "1001001ddddd1110", "-X, d"},
    {"push", "1001001ddddd1111", "d"},      {"com", "1001010ddddd0000", "d"},
    {"neg", "1001010ddddd0001", "d"},       {"swap", "1001010ddddd0010", "d"},
    {"inc", "1001010ddddd0011", "d"},       {"asr", "1001010ddddd0101", "d"},
    {"lsr", "1001010ddddd0110", "d"},       {"ror", "1001010ddddd0111", "d"},
    {"dec", "1001010ddddd1010", "d"},       {"sec", "1001010000001000", ""},
    {"sez", "1001010000011000", ""},        {"sen", "1001010000101000", ""},
    {"sev", "1001010000111000", ""},        {"ses", "1001010001001000", ""},
    {"seh", "1001010001011000", ""},        {"set", "1001010001101000", ""},
    {"sei", "1001010001111000", ""},        {"clc", "1001010010001000", ""},
    {"clz", "1001010010011000", ""},        {"cln", "1001010010101000", ""},
    {"clv", "1001010010111000", ""},        {"cls", "1001010011001000", ""},
    {"clh", "1001010011011000", ""},        {"clt", "1001010011101000", ""},
    {"cli", "1001010011111000", ""},        {"ret", "1001010100001000", ""},
    {"reti", "1001010100011000", ""},       {"sleep", "1001010110001000", ""},
    {"break", "1001010110011000", ""},      {"wdr", "1001010110101000", ""},
    {"lpm", "1001010111001000", ""},        {"elpm", "1001010111011000", ""},
    {"spm", "1001010111101000", ""},        {"ijmp", "1001010000001001", ""},
    {"eijmp", "1001010000011001", ""},      {"icall", "1001010100001001", ""},
    {"eicall", "1001010100011001", ""},     {"jmp", "1001010aaaaa110a", "a"},
    {"call", "1001010aaaaa111a", "a"},      {"adiw", "10010110KKddKKKK", "w, K"},
    {"sbiw", "10010111KKddKKKK", "w, K"},   {"cbi", "10011000AAAAAbbb", "A, b"},
    {"sbic", "10011001AAAAAbbb", "A, b"},   {"sbi", "10011010AAAAAbbb", "A, b"},
    {"sbis", "10011011AAAAAbbb", "A, b"},   {"mul", "100111rdddddrrrr", "d, r"},
    {"in", "10110AAdddddAAAA", "d, A"},     {"out", "10111AAdddddAAAA", "A, d"},
    {"rjmp", "1100kkkkkkkkkkkk", "k"},      {"rcall", "1101kkkkkkkkkkkk", "k"},
    {"ldi", "1110KKKKddddKKKK", "D, K"},    {"brcs", "111100kkkkkkk000", "k"},
    {"breq", "111100kkkkkkk001", "k"},      {"brmi", "111100kkkkkkk010", "k"},
    {"brvs", "111100kkkkkkk011", "k"},      {"brlt", "111100kkkkkkk100", "k"},
    {"brhs", "111100kkkkkkk101", "k"},      {"brts", "111100kkkkkkk110", "k"},
    {"brie", "111100kkkkkkk111", "k"},      {"brcc", "111101kkkkkkk000", "k"},
    {"brne", "111101kkkkkkk001", "k"},      {"brpl", "111101kkkkkkk010", "k"},
    {"brvc", "111101kkkkkkk011", "k"},      {"brge", "111101kkkkkkk100", "k"},
    {"brhc", "111101kkkkkkk101", "k"},      {"brtc", "111101kkkkkkk110", "k"},
    {"brid", "111101kkkkkkk111", "k"},      {"bld", "1111100ddddd0bbb", "d, b"},
    {"bst", "1111101ddddd0bbb", "d, b"},    {"sbrc", "1111110ddddd0bbb", "d, b"},
    {"sbrs", "1111111ddddd0bbb", "d, b"},
};

static bool fits(const struct row *row, uint16_t word)
{
    for (unsigned i = 0; i < 16; i++) {
        const char bit = (word >> (15 - i) & 1) != 0 ? '1' : '0';
        if ((row->bits[i] == '0' || row->bits[i] == '1') && row->bits[i] != bit)
            return false;
    }
    return true;
}

/* The bits of a field, and how many they are. */
static unsigned field_of(const struct row *row, uint16_t word, char letter, unsigned *count)
{
    unsigned value = 0;
    *count = 0;
    for (unsigned i = 0; i < 16; i++) {
        if (row->bits[i] != letter)
            continue;
        value = value << 1 | (word >> (15 - i) & 1);
        ++*count;
    }
    return value;
}

/* An instruction on its way into text. */
struct decoding {
    const struct row *row;
    uint16_t word, next;
    uint32_t address, size;
    struct disasm_line *out;
};

static unsigned value_of(const struct decoding *d, char letter)
{
    unsigned count = 0;
    return field_of(d->row, d->word, letter, &count);
}

/* Words from behind this one, as bytes. */
static int distance(const struct decoding *d)
{
    unsigned count = 0;
    const int value = (int)field_of(d->row, d->word, 'k', &count);
    return 2 * (value >= 1 << (count - 1) ? value - (1 << count) : value);
}

static void put_number(const struct decoding *d, char *text, size_t size, unsigned value)
{
    (void)snprintf(text, size, "0x%02X", value);
    (void)snprintf(d->out->comment, sizeof d->out->comment, "%u", value);
}

static void put_relative(const struct decoding *d, char *text, size_t size)
{
    const int bytes = distance(d);
    const int64_t to = (int64_t)d->address + 2 + bytes + d->size;
    (void)snprintf(text, size, ".%+d", bytes);
    (void)snprintf(d->out->comment, sizeof d->out->comment, "0x%" PRIx32, (uint32_t)(to % d->size));
}

/* What a letter of `operands` stands for. */
static void put_operand(const struct decoding *d, char letter, char *text, size_t size)
{
    switch (letter) {
    case 'd':
    case 'r':
        (void)snprintf(text, size, "r%u", value_of(d, letter));
        return;
    case 'D':
        (void)snprintf(text, size, "r%u", 16 + value_of(d, 'd'));
        return;
    case 'R':
        (void)snprintf(text, size, "r%u", 16 + value_of(d, 'r'));
        return;
    case 'p':
        (void)snprintf(text, size, "r%u", 2 * value_of(d, 'd'));
        return;
    case 'P':
        (void)snprintf(text, size, "r%u", 2 * value_of(d, 'r'));
        return;
    case 'w':
        (void)snprintf(text, size, "r%u", 24 + 2 * value_of(d, 'd'));
        return;
    case 'K':
    case 'A':
        put_number(d, text, size, value_of(d, letter));
        return;
    case 'b':
    case 'q':
        (void)snprintf(text, size, "%u", value_of(d, letter));
        return;
    case 'k':
        put_relative(d, text, size);
        return;
    case 'a':
        (void)snprintf(text, size, "0x%" PRIx32, 2 * ((uint32_t)value_of(d, 'a') << 16 | d->next));
        return;
    case 'm':
        (void)snprintf(text, size, "0x%04X", d->next);
        return;
    default:
        (void)snprintf(text, size, "%c", letter);
        return;
    }
}

static void decode_row(struct decoding *d)
{
    d->out->mnemonic = d->row->mnemonic;
    d->out->words = strpbrk(d->row->operands, "am") != NULL ? 2 : 1;
    for (const char *letter = d->row->operands; *letter != '\0'; letter++) {
        const size_t used = strlen(d->out->operands);
        put_operand(d, *letter, d->out->operands + used, sizeof d->out->operands - used);
    }
}

void disasm_decode(uint16_t word, uint16_t next, uint32_t address, uint32_t size,
                   struct disasm_line *out)
{
    struct decoding d = {.word = word, .next = next, .address = address, .size = size, .out = out};
    *out = (struct disasm_line){.words = 1, .mnemonic = ".word"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!fits(&rows[i], word))
            continue;
        d.row = &rows[i];
        decode_row(&d);
        return;
    }
    (void)snprintf(out->operands, sizeof out->operands, "0x%04x", word);
}
