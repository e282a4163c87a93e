#include "support/elf_file.h"

#include <stdlib.h>
#include <string.h>

/* The host may be of either byte order. */
static void put16(uint8_t *at, size_t offset, uint32_t value)
{
    at[offset] = (uint8_t)value;
    at[offset + 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, size_t offset, uint32_t value)
{
    put16(at, offset, value & 0xffff);
    put16(at, offset + 2, value >> 16);
}

static void put_header(const struct elf_request *r, uint8_t *h, uint32_t sections)
{
    memcpy(h, ELFMAG, SELFMAG);
    h[EI_CLASS] = ELFCLASS32;
    h[EI_DATA] = ELFDATA2LSB;
    h[EI_VERSION] = EV_CURRENT;
    put16(h, offsetof(Elf32_Ehdr, e_type), r->type != 0 ? r->type : ET_EXEC);
    put16(h, offsetof(Elf32_Ehdr, e_machine), r->machine != 0 ? r->machine : EM_AVR);
    put32(h, offsetof(Elf32_Ehdr, e_version), EV_CURRENT);
    put32(h, offsetof(Elf32_Ehdr, e_phoff), sizeof(Elf32_Ehdr));
    put16(h, offsetof(Elf32_Ehdr, e_ehsize), sizeof(Elf32_Ehdr));
    put16(h, offsetof(Elf32_Ehdr, e_phentsize), sizeof(Elf32_Phdr));
    put16(h, offsetof(Elf32_Ehdr, e_phnum), (uint32_t)r->count);
    if (r->no_sections)
        return;
    put32(h, offsetof(Elf32_Ehdr, e_shoff), sections);
    put16(h, offsetof(Elf32_Ehdr, e_shentsize), sizeof(Elf32_Shdr));
    put16(h, offsetof(Elf32_Ehdr, e_shnum), (uint32_t)r->count + 1);
}

void elf_file_make(const struct elf_request *r, struct elf_file *file)
{
    uint8_t *const bytes = file->bytes;
    size_t at = sizeof(Elf32_Ehdr) + r->count * sizeof(Elf32_Phdr);
    uint8_t headers[ELF_SEGMENTS_MAX + 1][sizeof(Elf32_Shdr)] = {{0}};
    memset(bytes, 0, sizeof file->bytes);
    for (size_t i = 0; i < r->count; i++) {
        const struct elf_segment *s = &r->segments[i];
        uint8_t *p = bytes + sizeof(Elf32_Ehdr) + i * sizeof(Elf32_Phdr), *h = headers[i + 1];
        if (at + s->size + r->padding + sizeof headers > sizeof file->bytes)
            abort();
        put32(p, offsetof(Elf32_Phdr, p_type), PT_LOAD);
        put32(p, offsetof(Elf32_Phdr, p_offset), (uint32_t)at);
        put32(p, offsetof(Elf32_Phdr, p_vaddr), s->runs_at);
        put32(p, offsetof(Elf32_Phdr, p_paddr), s->address);
        put32(p, offsetof(Elf32_Phdr, p_filesz), s->size + r->padding);
        put32(p, offsetof(Elf32_Phdr, p_memsz), s->size + r->padding);
        put32(h, offsetof(Elf32_Shdr, sh_type), SHT_PROGBITS);
        put32(h, offsetof(Elf32_Shdr, sh_flags), SHF_ALLOC);
        put32(h, offsetof(Elf32_Shdr, sh_addr), s->runs_at);
        put32(h, offsetof(Elf32_Shdr, sh_offset), (uint32_t)at);
        put32(h, offsetof(Elf32_Shdr, sh_size), s->size);
        memcpy(bytes + at, s->bytes, s->size);
        at += s->size + r->padding;
    }
    put_header(r, bytes, (uint32_t)at);
    if (!r->no_sections) {
        memcpy(bytes + at, headers, (r->count + 1) * sizeof headers[0]);
        at += (r->count + 1) * sizeof headers[0];
    }
    file->size = at;
}
