/* AVR machine code as assembler source, in the words of avr-objdump. Document: AVR Instruction Set
 * Manual, for the cores that are programmed over ISP. */
#ifndef CLI_TERMINAL_DISASM_H
#define CLI_TERMINAL_DISASM_H

#include <stdint.h>

struct disasm_line {
    unsigned words;       /* 1 or 2 */
    const char *mnemonic; /* ".word" for what is no instruction */
    char operands[24];
    char comment[24]; /* where a jump leads, or a number in decimal; may be empty */
};

/* `word` stands at the byte address `address` of a memory of `size` bytes, `next` behind it. */
void disasm_decode(uint16_t word, uint16_t next, uint32_t address, uint32_t size,
                   struct disasm_line *out);

#endif
