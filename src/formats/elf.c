/* ELF files of compilers: System V ABI, "Object Files" and "Program Loading"; the AVR's sections
 * are those of binutils' linker scripts (avr.sc) and of <avr/fuse.h>, <avr/lock.h>,
 * <avr/signature.h>.
 *
 * What is programmed is what the program headers load, at its physical address: .data runs in RAM
 * but lies in flash. Of a segment only what sections with content fill counts, so that padding and
 * the ELF header in it are no data; without a section table it is the whole segment. */
#include "reader.h"

#include <elf.h>
#include <gelf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "address_map.h"

enum { ELF_IDENT_SIZE = EI_NIDENT, ELF_HEADER_SIZE = sizeof(Elf32_Ehdr) };

bool elf_looks_like(const uint8_t *data, size_t size)
{
    return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

/* --- what kind of file it is ---------------------------------------------------------------- */

struct named {
    unsigned value;
    const char *name;
};

enum { EM_AVR32_OLD = 0x18ad /* before it had a number of its own */ };

static const struct named machines[] = {
    {EM_AVR, "AVR"},         {EM_ARM, "ARM"},       {EM_AVR32, "AVR32"},
    {EM_AVR32_OLD, "AVR32"}, {EM_386, "Intel 386"}, {EM_X86_64, "x86-64"},
    {EM_8051, "Intel 8051"}, {EM_RISCV, "RISC-V"},  {EM_MIPS, "MIPS"},
    {EM_AARCH64, "AArch64"}, {EM_XTENSA, "Xtensa"}, {EM_MSP430, "MSP430"},
    {EM_PPC, "PowerPC"},
};

static const struct named types[] = {
    {ET_NONE, "of no type"},
    {ET_REL, "an object file that is not linked yet"},
    {ET_DYN, "a shared library"},
    {ET_CORE, "the core dump of a crashed program"},
};

static const char *name_of(const struct named *list, size_t count, unsigned value)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].value == value)
            return list[i].name;
    return NULL;
}

/* "ARM", or a number in `text`. */
static const char *machine_name(unsigned machine, char text[32])
{
    const char *name = name_of(machines, sizeof machines / sizeof machines[0], machine);
    if (name != NULL)
        return name;
    (void)snprintf(text, 32, "the machine of number %u", machine);
    return text;
}

/* The machine that an ELF file for this part is of. */
static unsigned machine_of(const struct part *part)
{
    switch (part->family) {
    case PART_AVR_ISP:
        return EM_AVR;
    case PART_STM32F1:
        return EM_ARM;
    }
    return EM_NONE;
}

static unsigned get_le16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t get_le32(const uint8_t *bytes)
{
    return (uint32_t)get_le16(bytes) | (uint32_t)get_le16(bytes + 2) << 16;
}

/* Class and byte order: nothing behind them can be understood before. */
static enum status check_ident(const struct format_input *in, struct error *e)
{
    if (!elf_looks_like(in->data, in->size))
        return input_error(in, 0, e, "not an ELF file");
    if (in->size < ELF_IDENT_SIZE)
        return input_error(in, 0, e, "the ELF file is cut short, within its header");
    if (in->data[EI_CLASS] == ELFCLASS64)
        return input_error(in, 0, e, "a 64-bit ELF file, and no chip here has 64-bit programs");
    if (in->data[EI_CLASS] != ELFCLASS32)
        return input_error(in, 0, e, "a broken ELF file: its class is %u", in->data[EI_CLASS]);
    if (in->data[EI_DATA] == ELFDATA2MSB)
        return input_error(in, 0, e, "a big-endian ELF file, and all chips here are little-endian");
    if (in->data[EI_DATA] != ELFDATA2LSB)
        return input_error(in, 0, e, "a broken ELF file: its byte order is %u", in->data[EI_DATA]);
    if (in->size < ELF_HEADER_SIZE)
        return input_error(in, 0, e, "the ELF file is cut short, within its header");
    return STATUS_OK;
}

/* Both tables lie in the file; a file that was cut loses its section table first, at its end. */
static enum status check_tables(const struct format_input *in, struct error *e)
{
    const struct {
        const char *name;
        size_t at, size_at, count_at;
    } tables[] = {
        {"program headers", offsetof(Elf32_Ehdr, e_phoff), offsetof(Elf32_Ehdr, e_phentsize),
         offsetof(Elf32_Ehdr, e_phnum)},
        {"section headers", offsetof(Elf32_Ehdr, e_shoff), offsetof(Elf32_Ehdr, e_shentsize),
         offsetof(Elf32_Ehdr, e_shnum)},
    };
    const unsigned sizes[] = {sizeof(Elf32_Phdr), sizeof(Elf32_Shdr)};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const uint64_t begin = get_le32(in->data + tables[i].at);
        const unsigned size = get_le16(in->data + tables[i].size_at);
        const unsigned count = get_le16(in->data + tables[i].count_at);
        if (count > 0 && size != sizes[i])
            return input_error(in, 0, e, "a broken ELF file: %s of %u bytes each", tables[i].name,
                               size);
        if (begin + (uint64_t)count * size > in->size)
            return input_error(
                in, 0, e, "the ELF file is cut short: its %s end at byte %llu of %zu",
                tables[i].name, (unsigned long long)(begin + (uint64_t)count * size), in->size);
    }
    return STATUS_OK;
}

static enum status check_kind(const struct format_input *in, struct error *e)
{
    char text[32];
    const unsigned type = get_le16(in->data + offsetof(Elf32_Ehdr, e_type));
    const unsigned machine = get_le16(in->data + offsetof(Elf32_Ehdr, e_machine));
    const char *kind = name_of(types, sizeof types / sizeof types[0], type);
    if (machine != EM_AVR && machine != EM_ARM)
        return input_error(in, 0, e, "an ELF file for %s, which no chip here is",
                           machine_name(machine, text));
    if (type != ET_EXEC) {
        (void)input_error(in, 0, e, "an ELF file, but %s, not a program",
                          kind != NULL ? kind : "of a type that is not known");
        if (type == ET_REL)
            error_hint(e, "link it first: avr-gcc -mmcu=... FILE.o -o FILE.elf");
        return e->code;
    }
    if (in->part != NULL && machine != machine_of(in->part))
        return input_error(in, 0, e, "an ELF file for %s, but the %s is of another family",
                           machine_name(machine, text), in->part->name);
    return STATUS_OK;
}

/* --- what it loads -------------------------------------------------------------------------- */

struct elf_walk {
    const struct format_input *in;
    struct parsed *parsed;
    Elf *elf;
    bool avr;
};

/* <avr/signature.h> stores the three bytes last first; every AVR's first one is 0x1e. */
static enum status put_signature(const struct elf_walk *w, const uint8_t *data, struct error *e)
{
    const uint8_t turned[3] = {data[2], data[1], data[0]};
    const bool last_first = data[2] == 0x1e && data[0] != 0x1e;
    return parsed_put(w->parsed, w->in, 0, ADDRESS_MAP_SIGNATURE, last_first ? turned : data, 3, e);
}

static enum status put(const struct elf_walk *w, uint64_t address, uint64_t offset, uint64_t size,
                       struct error *e)
{
    const uint8_t *data = w->in->data + offset;
    if (w->avr && address == ADDRESS_MAP_SIGNATURE && size == 3)
        return put_signature(w, data, e);
    return parsed_put(w->parsed, w->in, 0, address, data, size, e);
}

/* Content that a loader takes into memory. */
static bool has_content(const GElf_Shdr *section)
{
    return (section->sh_flags & SHF_ALLOC) != 0 && section->sh_size > 0 &&
           section->sh_type != SHT_NOBITS && section->sh_type != SHT_NULL;
}

/* By its place in the file and in the memory that it runs in. */
static bool lies_in(const GElf_Shdr *section, const GElf_Phdr *segment)
{
    return section->sh_offset >= segment->p_offset &&
           section->sh_offset + section->sh_size <= segment->p_offset + segment->p_filesz &&
           section->sh_addr - segment->p_vaddr == section->sh_offset - segment->p_offset;
}

static enum status put_sections(const struct elf_walk *w, const GElf_Phdr *segment, bool *any,
                                struct error *e)
{
    Elf_Scn *section = NULL;
    *any = false;
    while ((section = elf_nextscn(w->elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL)
            return input_error(w->in, 0, e, "a broken ELF file: %s", elf_errmsg(-1));
        if (!has_content(&header) || !lies_in(&header, segment))
            continue;
        *any = true;
        TRY(put(w, segment->p_paddr + (header.sh_offset - segment->p_offset), header.sh_offset,
                header.sh_size, e));
    }
    return STATUS_OK;
}

static enum status put_segment(const struct elf_walk *w, const GElf_Phdr *segment, struct error *e)
{
    const uint64_t end = segment->p_offset + segment->p_filesz;
    bool any = false;
    if (segment->p_type != PT_LOAD || segment->p_filesz == 0)
        return STATUS_OK;
    if (end > w->in->size)
        return input_error(w->in, 0, e,
                           "the ELF file is cut short: what is for 0x%lx ends at byte %llu of %zu",
                           (unsigned long)segment->p_paddr, (unsigned long long)end, w->in->size);
    TRY(put_sections(w, segment, &any, e));
    return any ? STATUS_OK : put(w, segment->p_paddr, segment->p_offset, segment->p_filesz, e);
}

static enum status put_segments(const struct elf_walk *w, struct error *e)
{
    size_t count = 0;
    if (elf_getphdrnum(w->elf, &count) != 0)
        return input_error(w->in, 0, e, "a broken ELF file: %s", elf_errmsg(-1));
    if (count == 0)
        return input_error(w->in, 0, e,
                           "the ELF file has no program headers: nothing says what is loaded");
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(w->elf, (int)i, &segment) == NULL)
            return input_error(w->in, 0, e, "a broken ELF file: %s", elf_errmsg(-1));
        TRY(put_segment(w, &segment, e));
    }
    if (image_empty(w->parsed->image))
        return input_error(w->in, 0, e, "the ELF file loads nothing: there is nothing to program");
    return STATUS_OK;
}

/* --- the chip it was built for -------------------------------------------------------------- */

/* The note that the start-up code of avr-libc leaves: memory sizes, offsets, and the chip's name
 * as -mmcu= has it (binutils, include/elf/avr.h: AVR_NOTE, struct avr_device_info). */
static void find_chip(const struct elf_walk *w)
{
    enum { HEADER = 12, NAME = 4, INFO = 6 * 4, OFFSETS = HEADER + NAME + INFO };
    Elf_Scn *section = NULL;
    size_t names;
    if (elf_getshdrstrndx(w->elf, &names) != 0)
        return;
    while ((section = elf_nextscn(w->elf, section)) != NULL) {
        GElf_Shdr header;
        const char *name = gelf_getshdr(section, &header) != NULL
                               ? elf_strptr(w->elf, names, header.sh_name)
                               : NULL;
        if (name == NULL || strcmp(name, ".note.gnu.avr.deviceinfo") != 0 ||
            header.sh_offset + header.sh_size > w->in->size || header.sh_size < OFFSETS + 8)
            continue;
        /* The offset table begins with its size; behind it lie the strings. */
        const uint8_t *note = w->in->data + header.sh_offset;
        const uint64_t strings = (uint64_t)OFFSETS + get_le32(note + OFFSETS);
        const uint64_t at = strings + get_le32(note + OFFSETS + 4);
        for (size_t i = 0; i + 1 < sizeof w->parsed->chip && at + i < header.sh_size; i++)
            w->parsed->chip[i] = (char)note[at + i];
    }
}

enum status elf_read(const struct format_input *in, struct parsed *p, struct error *e)
{
    TRY(check_ident(in, e));
    TRY(check_tables(in, e));
    TRY(check_kind(in, e));
    if (elf_version(EV_CURRENT) == EV_NONE)
        return error_set(e, STATUS_UNSUPPORTED, "this libelf is too old: %s", elf_errmsg(-1));
    /* Opened for reading alone, so that the bytes stay as they are. */
    struct elf_walk w = {.in = in, .parsed = p, .elf = elf_memory((char *)in->data, in->size)};
    if (w.elf == NULL)
        return input_error(in, 0, e, "a broken ELF file: %s", elf_errmsg(-1));
    w.avr = get_le16(in->data + offsetof(Elf32_Ehdr, e_machine)) == EM_AVR;
    const enum status status = put_segments(&w, e);
    if (status == STATUS_OK && w.avr)
        find_chip(&w);
    (void)elf_end(w.elf);
    return status;
}
