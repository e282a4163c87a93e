/* Small ELF files, byte by byte, as a linker would make them. */
#ifndef TESTS_SUPPORT_ELF_FILE_H
#define TESTS_SUPPORT_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_FILE_MAX = 4096, ELF_SEGMENTS_MAX = 8 };

struct elf_segment {
    uint32_t address; /* where it is loaded */
    uint32_t runs_at; /* where the program sees it */
    const char *bytes;
    uint32_t size;
};

struct elf_request {
    uint16_t machine; /* 0: EM_AVR */
    uint16_t type;    /* 0: ET_EXEC */
    bool no_sections; /* as sstrip leaves it */
    uint32_t padding; /* in each segment, behind its one section */
    struct elf_segment segments[ELF_SEGMENTS_MAX];
    size_t count;
};

struct elf_file {
    uint8_t bytes[ELF_FILE_MAX];
    size_t size;
};

/* Header, program headers, content, section headers: one section a segment. */
void elf_file_make(const struct elf_request *r, struct elf_file *file);

#endif
