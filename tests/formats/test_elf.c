/* ELF files: what is loaded where, what is refused and how that is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reading.h"
#include "support/elf_file.h"

/* .text, .data (in flash behind it), .eeprom, .fuse, .lock, .signature as avr-gcc has them. */
static const struct elf_request program = {
    .segments = {{.address = 0, .runs_at = 0, .bytes = "\x0c\x94\x34\x00", .size = 4},
                 {.address = 4, .runs_at = 0x800100, .bytes = "\x12\x34", .size = 2},
                 {.address = 0x810000, .runs_at = 0x810000, .bytes = "\1\2\3", .size = 3},
                 {.address = 0x820000, .runs_at = 0x820000, .bytes = "\xff\xd1\xfd", .size = 3},
                 {.address = 0x830000, .runs_at = 0x830000, .bytes = "\xcf", .size = 1},
                 {.address = 0x840000, .runs_at = 0x840000, .bytes = "\x0f\x95\x1e", .size = 3}},
    .count = 6};

static struct reading read_file(const struct elf_file *file, const struct memory *memory,
                                const struct part *part)
{
    const struct format_input in = {.name = "app.elf",
                                    .data = file->bytes,
                                    .size = file->size,
                                    .format = FORMAT_AUTO,
                                    .memory = memory,
                                    .part = part};
    return read_bytes(&in);
}

static struct reading read_request(const struct elf_request *r, const struct memory *memory)
{
    struct elf_file file;
    elf_file_make(r, &file);
    return read_file(&file, memory, NULL);
}

static void assert_refused(const struct elf_request *request, const char *text)
{
    struct reading r = read_request(request, NULL);
    assert_input_error(&r, text);
}

/* `change` breaks the file of `program`. */
static void assert_broken(void (*change)(struct elf_file *file), const char *text)
{
    struct elf_file file;
    elf_file_make(&program, &file);
    change(&file);
    struct reading r = read_file(&file, NULL, NULL);
    assert_input_error(&r, text);
}

static void each_memory_takes_its_sections(void **state)
{
    (void)state;
    static const struct memory signature = {
        .name = "signature", .kind = MEMORY_SIGNATURE, .size = 3};
    const struct {
        const struct memory *memory;
        const char *bytes;
        size_t size;
    } wanted[] = {{&test_flash, "\x0c\x94\x34\x00\x12\x34", 6},
                  {&test_eeprom, "\1\2\3", 3},
                  {&test_lfuse, "\xff", 1},
                  {&test_hfuse, "\xd1", 1},
                  {&test_lock, "\xcf", 1},
                  {&signature, "\x1e\x95\x0f", 3}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct reading r = read_request(&program, wanted[i].memory);
        assert_image(&r, 0, wanted[i].bytes, wanted[i].size);
        assert_int_equal(r.format, FORMAT_ELF);
        reading_free(&r);
    }
}

static void a_signature_may_stand_first_byte_first(void **state)
{
    (void)state;
    struct elf_request request = program;
    request.segments[5].bytes = "\x1e\x95\x0f";
    struct reading r = read_request(&request, NULL);
    uint8_t found[3] = {0};
    assert_int_equal(r.status, STATUS_OK);
    assert_int_equal(image_copy(r.image, 0x840000, found, 3, 0), 3);
    assert_memory_equal(found, "\x1e\x95\x0f", 3);
    reading_free(&r);
}

static void padding_of_a_segment_is_no_data(void **state)
{
    (void)state;
    struct elf_request request = {.segments = {{.bytes = "abc", .size = 3}}, .count = 1};
    request.padding = 5;
    struct reading r = read_request(&request, &test_flash);
    assert_image(&r, 0, "abc", 3);
    reading_free(&r);
    request.no_sections = true; /* nothing tells then what is padding */
    r = read_request(&request, &test_flash);
    assert_image(&r, 0, "abc\0\0\0\0\0", 8);
    reading_free(&r);
}

static void what_is_not_in_it_is_no_plain_file(void **state)
{
    (void)state;
    const struct elf_request flash_only = {.segments = {{.bytes = "abc", .size = 3}}, .count = 1};
    struct reading r = read_request(&flash_only, &test_eeprom);
    assert_input_error(&r, "app.elf: nothing for eeprom in it, only 3 bytes for flash");
}

static void a_program_for_another_chip_is_refused(void **state)
{
    (void)state;
    struct part_database *parts = NULL;
    const struct part *part = NULL;
    struct error e = {0};
    struct elf_file file;
    elf_file_make(&program, &file);
    assert_int_equal(part_database_open(&parts, &e), STATUS_OK);
    assert_int_equal(part_find(parts, "m328p", &part, &e), STATUS_OK);
    struct reading r = read_file(&file, &test_flash, part);
    assert_int_equal(r.status, STATUS_OK);
    reading_free(&r);
    assert_int_equal(part_find(parts, "m32u4", &part, &e), STATUS_OK);
    r = read_file(&file, &test_flash, part);
    assert_input_error(&r, "app.elf: is for another chip: the signature in it is 1e 95 0f, but the "
                           "ATmega32U4 has 1e 95 87");
    assert_string_equal(r.error.hint, "if it is right all the same: --allow signature-mismatch");
    const struct format_input in = {.name = "app.elf",
                                    .data = file.bytes,
                                    .size = file.size,
                                    .format = FORMAT_ELF,
                                    .memory = &test_eeprom,
                                    .part = part,
                                    .allow = FORMAT_ALLOW_OTHER_CHIP};
    r = read_bytes(&in);
    assert_image(&r, 0, "\1\2\3", 3);
    assert_non_null(strstr(r.told, "note: app.elf: the signature in it is 1e 95 0f"));
    reading_free(&r);
    struct elf_request arm = program;
    arm.machine = EM_ARM;
    elf_file_make(&arm, &file);
    r = read_file(&file, &test_flash, part);
    assert_input_error(&r, "app.elf: an ELF file for ARM, but the ATmega32U4 is of another family");
    part_database_close(parts);
}

static void files_of_other_kinds_are_named(void **state)
{
    (void)state;
    struct elf_request request = program;
    request.machine = EM_X86_64;
    assert_refused(&request, "app.elf: an ELF file for x86-64, which no chip here is");
    request.machine = 0x1234;
    assert_refused(&request,
                   "app.elf: an ELF file for the machine of number 4660, which no chip here is");
    request.machine = EM_AVR;
    request.type = ET_REL;
    assert_refused(
        &request, "app.elf: an ELF file, but an object file that is not linked yet, not a program");
    request.type = ET_CORE;
    assert_refused(&request,
                   "app.elf: an ELF file, but the core dump of a crashed program, not a program");
    request.type = ET_DYN;
    assert_refused(&request, "app.elf: an ELF file, but a shared library, not a program");
    request.type = 77;
    assert_refused(&request,
                   "app.elf: an ELF file, but of a type that is not known, not a program");
}

static void make_64_bit(struct elf_file *file)
{
    file->bytes[EI_CLASS] = ELFCLASS64;
}

static void make_big_endian(struct elf_file *file)
{
    file->bytes[EI_DATA] = ELFDATA2MSB;
}

static void break_class(struct elf_file *file)
{
    file->bytes[EI_CLASS] = 9;
}

static void break_order(struct elf_file *file)
{
    file->bytes[EI_DATA] = 0;
}

static void cut_in_magic(struct elf_file *file)
{
    file->size = 6;
}

static void cut_in_header(struct elf_file *file)
{
    file->size = 40;
}

static void cut_in_sections(struct elf_file *file)
{
    file->size -= 10;
}

static void cut_in_content(struct elf_file *file)
{
    memset(file->bytes + offsetof(Elf32_Ehdr, e_shoff), 0, 4);
    memset(file->bytes + offsetof(Elf32_Ehdr, e_shnum), 0, 2);
    file->size = sizeof(Elf32_Ehdr) + program.count * sizeof(Elf32_Phdr) + 5;
}

static void shrink_headers(struct elf_file *file)
{
    file->bytes[offsetof(Elf32_Ehdr, e_phentsize)] = 7;
}

static void forget_segments(struct elf_file *file)
{
    memset(file->bytes + offsetof(Elf32_Ehdr, e_phoff), 0, 4);
    memset(file->bytes + offsetof(Elf32_Ehdr, e_phnum), 0, 2);
}

static void load_nothing(struct elf_file *file)
{
    for (size_t i = 0; i < program.count; i++)
        file->bytes[sizeof(Elf32_Ehdr) + i * sizeof(Elf32_Phdr)] = PT_NOTE;
}

static void load_twice(struct elf_file *file)
{
    file->bytes[sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_paddr)] = 0;
}

static void broken_files_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    assert_broken(make_64_bit, "app.elf: a 64-bit ELF file, and no chip here has 64-bit programs");
    assert_broken(make_big_endian,
                  "app.elf: a big-endian ELF file, and all chips here are little-endian");
    assert_broken(break_class, "app.elf: a broken ELF file: its class is 9");
    assert_broken(break_order, "app.elf: a broken ELF file: its byte order is 0");
    assert_broken(cut_in_magic, "app.elf: the ELF file is cut short, within its header");
    assert_broken(cut_in_header, "app.elf: the ELF file is cut short, within its header");
    assert_broken(cut_in_sections,
                  "app.elf: the ELF file is cut short: its section headers end at byte 540 of 530");
    assert_broken(cut_in_content,
                  "app.elf: the ELF file is cut short: what is for 0x4 ends at byte 250 of 249");
    assert_broken(shrink_headers, "app.elf: a broken ELF file: program headers of 7 bytes each");
    assert_broken(forget_segments,
                  "app.elf: the ELF file has no program headers: nothing says what is loaded");
    assert_broken(load_nothing, "app.elf: the ELF file loads nothing: there is nothing to program");
    assert_broken(load_twice, "app.elf: 0x12 for address 0x0, where it has 0x0c already");
}

static void data_beyond_a_memory_and_for_ram_is_refused(void **state)
{
    (void)state;
    struct elf_request request = program;
    request.segments[0].address = 0x7ffe;
    struct reading r = read_request(&request, &test_flash);
    assert_input_error(&r, "app.elf: data up to 0x8001, but flash ends at 0x7fff (32768 bytes): 2 "
                           "bytes too far");
    request = program;
    request.segments[1].address = 0x800100;
    r = read_request(&request, &test_flash);
    assert_input_error(&r, "app.elf: data for RAM at 0x800100, which cannot be programmed");
}

/* --- avr-gcc's own -------------------------------------------------------------------------- */

static const char source[] =
    "#include <avr/io.h>\n#include <avr/eeprom.h>\n#include <avr/fuse.h>\n#include <avr/lock.h>\n"
    "#include <avr/signature.h>\n"
    "FUSES = {.low = 0xff, .high = 0xd1, .extended = 0xfd};\n"
    "LOCKBITS = LB_MODE_1 & BLB0_MODE_1 & BLB1_MODE_2;\n"
    "uint8_t EEMEM settings[4] = {1, 2, 3, 4};\n"
    "volatile int counter = 0x1234;\n"
    "int main(void) { for (;;) counter++; }\n";

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

static void avr_gcc_writes_what_is_read(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "", "-Wl,-N", "-Wl,--relax -mrelax", "-Wl,-n", "-Wl,-Ttext=0x7000", "-s"};
    if (system("command -v avr-gcc >/dev/null 2>&1") != 0) {
        print_message("skipped: avr-gcc is not installed\n");
        skip();
    }
    char folder[] = "/tmp/ispflash-elf-XXXXXX", command[300];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    FILE *file = fopen("app.c", "w");
    assert_non_null(file);
    (void)fputs(source, file);
    (void)fclose(file);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        struct error e = {0};
        (void)snprintf(command, sizeof command,
                       "avr-gcc -mmcu=atmega328p -Os %s -o app.elf app.c && avr-objcopy -j .text "
                       "-j .data -O binary app.elf app.bin",
                       variants[i]);
        run(command);
        uint8_t *elf = NULL, *bin = NULL;
        size_t elf_size = 0, bin_size = 0;
        assert_int_equal(file_read("app.elf", &elf, &elf_size, &e), STATUS_OK);
        assert_int_equal(file_read("app.bin", &bin, &bin_size, &e), STATUS_OK);
        const struct format_input in = {
            .name = "app.elf", .data = elf, .size = elf_size, .format = FORMAT_ELF};
        struct reading r = read_bytes(&in);
        assert_string_equal(r.error.text, "");
        uint8_t *flash = malloc(bin_size), bytes[4];
        const uint32_t begin = image_low(r.image);
        assert_int_equal(begin, i == 4 ? 0x7000 : 0);
        assert_int_equal(image_copy(r.image, begin, flash, bin_size, 0xff), bin_size);
        assert_memory_equal(flash, bin, bin_size);
        assert_int_equal(image_copy(r.image, 0x810000, bytes, 4, 0), 4);
        assert_memory_equal(bytes, "\1\2\3\4", 4);
        assert_int_equal(image_copy(r.image, 0x820000, bytes, 3, 0), 3);
        assert_memory_equal(bytes, "\xff\xd1\xfd", 3);
        assert_int_equal(image_copy(r.image, 0x830000, bytes, 1, 0), 1);
        assert_int_equal(bytes[0], 0xef);
        assert_int_equal(image_copy(r.image, 0x840000, bytes, 3, 0), 3);
        assert_memory_equal(bytes, "\x1e\x95\x0f", 3);
        assert_int_equal(image_bytes(r.image), bin_size + 4 + 3 + 1 + 3);
        reading_free(&r);
        free(flash);
        free(elf);
        free(bin);
    }
    assert_int_equal(chdir("/"), 0);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    run(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_memory_takes_its_sections),
        cmocka_unit_test(a_signature_may_stand_first_byte_first),
        cmocka_unit_test(padding_of_a_segment_is_no_data),
        cmocka_unit_test(what_is_not_in_it_is_no_plain_file),
        cmocka_unit_test(a_program_for_another_chip_is_refused),
        cmocka_unit_test(files_of_other_kinds_are_named),
        cmocka_unit_test(broken_files_are_refused_with_what_is_wrong),
        cmocka_unit_test(data_beyond_a_memory_and_for_ram_is_refused),
        cmocka_unit_test(avr_gcc_writes_what_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
