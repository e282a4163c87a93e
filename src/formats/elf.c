/* ELF: recognised and named. Source of the magic: System V ABI, "ELF Identification". */
#include "reader.h"

#include <string.h>

bool elf_looks_like(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data,
                               "\x7f"
                               "ELF",
                               4) == 0;
}

enum status elf_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    (void)p;
    if (!elf_looks_like(in->data, in->size))
        return input_error(in, 0, e, "not an ELF file");
    (void)error_set(e, STATUS_UNSUPPORTED, "%s: ELF files cannot be read yet", in->name);
    error_hint(e, "make a HEX file of it: avr-objcopy -O ihex FILE.elf FILE.hex");
    return e->code;
}
