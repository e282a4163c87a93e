/* The terminal on simulated chips: the commands that show, write, erase and keep memories, and
 * those that set fuses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "terminal_bench.h"

/* --- memories ------------------------------------------------------------------------------- */

static void dump_shows_bytes_and_characters(void **state)
{
    assert_answer(*state, "write eeprom 0 1 2 3 4 0xcafe \"Avrdude\"; dump eeprom 0 16",
                  "0000  01 02 03 04 fe ca 41 76  72 64 75 64 65 00 ff ff  |......Avrdude...|\n");
    assert_answer(*state, "dump eeprom 4 3",
                  "0004  fe ca 41                                          |..A             |\n");
    assert_answer(*state, "d lfuse",
                  "0000  62                                                |b               |\n");
}

static void dump_goes_on_where_it_ended(void **state)
{
    assert_answer(*state, "write eeprom 0 1 2 3 4 5 6; dump eeprom 0 2; dump; read eeprom; r eep 5",
                  "0000  01 02                                             |..              |\n"
                  "0002  03 04                                             |..              |\n"
                  "0004  05 06                                             |..              |\n"
                  "0005  06 ff                                             |..              |\n");
    expect(*state, 0, "dump flash");
    cli_assert_out(*state, "\n00f0  ff");
    refuse(*state, 2, "dump", "nothing to go on with");
}

static void reading_goes_around_the_end(void **state)
{
    assert_answer(*state, "write eeprom 0 1 2; dump eeprom -2 4",
                  "03fe  ff ff                                             |..              |\n"
                  "0000  01 02                                             |..              |\n");
    struct cli_bench *b = *state;
    expect(b, 0, "dump eeprom ...");
    assert_int_equal(strlen(b->out), 64 * 75);
    expect(b, 0, "dump eeprom 1000 ...");
    cli_assert_out(b, "03f8  ");
    expect(b, 0, "dump eeprom 5 0");
    assert_string_equal(b->out, "");
}

static void code_is_shown_as_instructions(void **state)
{
    struct cli_bench *b = *state;
    expect(b, 0, "write flash 0 0x940c 0x0034 0xe085 0xcffc 0xffff 0xf409 0x94f8");
    assert_answer(b, "disasm flash 0 12; disasm -Oc flash 4 2; disasm -A; disasm -aoC flash 5 1",
                  "0000:  0c 94 34 00  jmp     0x68\n"
                  "0004:  85 e0        ldi     r24, 0x05        ; 5\n"
                  "0006:  fc cf        rjmp    .-8              ; 0x0\n"
                  "0008:  ff ff        .word   0xffff\n"
                  "000a:  09 f4        brne    .+2              ; 0xe\n"
                  "0004:  ldi     r24, 0x05        ; 5\n"
                  "rjmp    .-8              ; 0x0\n"
                  "0004:  85 e0        ldi     r24, 0x05\n");
    assert_answer(b, "write flash -2 0x940c; write flash 0 0x0034; disasm flash -2 2",
                  "7ffe:  0c 94 34 00  jmp     0x68\n");
    refuse(b, 2, "disasm -x flash", "-x is none of its options");
    refuse(b, 2, "disasm", "nothing to go on with");
    refuse(b, 2, "disasm lfuse", "no room for an instruction");
    refuse(b, 2, "disasm flash 0 1 2", "too many words");
    refuse(b, 2, "disasm flash x", "address x is not a whole number");
}

static void large_memories_have_longer_addresses(void **state)
{
    cli_expect(*state, 0, "-q -c sim -P other -p m2560 -T `dump flash -16 -1`");
    cli_assert_out(*state, "3fff0  ff");
}

static void what_is_written_waits_until_it_is_flushed(void **state)
{
    struct cli_bench *b = *state;
    expect(b, 0, "write flash 0x100 0x11 0x22; dump flash 0x100 2; abort; dump flash 0x100 2");
    cli_assert_out(b, "0100  11 22");
    cli_assert_out(b, "0100  ff ff");
    cli_assert_err(b, "2 bytes that waited to be written are forgotten");
    expect(b, 0, "write flash 0x100 0x11; flush; write flash 0x101 0x22; abort");
    assert_answer(b, "dump flash 0x100 2",
                  "0100  11 ff                                             |..              |\n");
}

static void several_lines_share_one_cache(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0,
               "-c sim -P chip -p m328p -T `write flash 0 1` -T `write flash 1 2` -T `write eeprom "
               "0 3`");
    const char *written = strstr(b->err, "Writing flash: 128 bytes");
    assert_non_null(written);
    assert_null(strstr(written + 1, "Writing flash"));
    cli_assert_err(b, "2 bytes of flash written");
}

static void bits_that_must_rise_cost_nothing_else(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, CHIP "-U eeprom:w:1,2,3:m -U flash:w:0x12,0x34,0x56:m -U lock:w:0xfc:m");
    refuse(b, 11, "write flash 0 0xff", "lock bits");
    (void)remove("chip");
    cli_expect(b, 0, CHIP "-U eeprom:w:1,2,3:m -U flash:w:0x12,0x34,0x56:m");
    expect(b, 0, "write flash 0 0xff");
    assert_answer(b, "dump flash 0 3; dump eeprom 0 3",
                  "0000  ff 34 56                                          |.4V             |\n"
                  "0000  01 02 03                                          |...             |\n");
    assert_false(cli_file_exists("ispflash-rescue.hex"));
}

static void data_fill_a_stretch(void **state)
{
    assert_answer(*state, "write eeprom -32 -1 1 0b10 0b11 4 5 ...; dump eeprom -32 -1",
                  "03e0  01 02 03 04 05 05 05 05  05 05 05 05 05 05 05 05  |................|\n"
                  "03f0  05 05 05 05 05 05 05 05  05 05 05 05 05 05 05 05  |................|\n");
    refuse(*state, 2, "write eeprom 0 ...", "filling needs MEM ADDR LEN DATA");
    refuse(*state, 2, "write eeprom 0 4 ...", "filling needs");
    refuse(*state, 2, "write eeprom 1020 8 1 ...", "beyond the end of eeprom");
    expect(*state, 0, "write eeprom 0 0 1 ...");
}

static void files_are_data_too(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("two.hex", ":0100000011EE\n:0100030044B8\n:00000001FF\n");
    cli_write_text("raw bytes", "xyz");
    assert_answer(b, "write eeprom 0x10 two.hex 0x77 raw\\ bytes:r; dump eeprom 0x10 8",
                  "0010  11 ff ff 44 77 78 79 7a                           |...Dwxyz        |\n");
    assert_answer(b, "write eeprom two.hex; dump eeprom 0 4",
                  "0000  11 ff ff 44                                       |...D            |\n");
    refuse(b, 2, "write eeprom 0x10", "either the address or the data is missing");
    refuse(b, 2, "write eeprom \"text\"", "either the address or the data is missing");
    refuse(b, 3, "write eeprom 0 nonsense", "nonsense: no such file");
    cli_assert_err(b, "neither a number nor a quoted string");
}

static void erasing_is_of_the_chip_or_of_a_stretch(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, CHIP "-U eeprom:w:1,2,3,4:m -U flash:w:5,6,7,8:m");
    expect(b, 0, "erase eeprom 1 2");
    assert_answer(b, "dump eeprom 0 4; dump flash 0 4",
                  "0000  01 ff ff 04                                       |....            |\n"
                  "0000  05 06 07 08                                       |....            |\n");
    expect(b, 0, "erase flash");
    assert_answer(b, "dump eeprom 0 4; dump flash 0 4",
                  "0000  01 ff ff 04                                       |....            |\n"
                  "0000  ff ff ff ff                                       |....            |\n");
    expect(b, 0, "write eeprom 300 1; pgerase eeprom 0");
    assert_answer(b, "dump eeprom 0 5; dump eeprom 300 1",
                  "0000  ff ff ff ff ff                                    |.....           |\n"
                  "012c  01                                                |.               |\n");
    expect(b, 0, "write eeprom 0 1; erase; write eeprom 1 2");
    assert_answer(b, "dump eeprom 0 4",
                  "0000  ff 02 ff ff                                       |....            |\n");
    refuse(b, 2, "erase eeprom 1", "a length is missing");
    refuse(b, 2, "erase lfuse", "cannot be erased by itself");
    refuse(b, 2, "pgerase signature 0", "cannot be erased by itself");
}

static void parts_of_a_memory_are_saved(void **state)
{
    struct cli_bench *b = *state;
    size_t size = 0;
    expect(b, 0,
           "write eeprom 0 1 2 3 4 5 6; save eeprom 4 2 0 1 two.bin; save eeprom whole.bin; "
           "save eeprom 1 2 -1 1 two.hex:i; save eeprom 0 3 numbers:d");
    uint8_t *data = cli_read_file("two.bin", &size);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "\5\6\1", 3);
    free(data);
    data = cli_read_file("whole.bin", &size);
    assert_int_equal(size, 1024);
    free(data);
    data = cli_read_file("two.hex", &size);
    assert_memory_equal(data, ":020001000203F8\n:0103FF00FFFE\n:00000001FF\n", size);
    free(data);
    data = cli_read_file("numbers", &size);
    assert_memory_equal(data, "1,2,3\n", size);
    free(data);
    refuse(b, 2, "save eeprom 0 file", "a length or the file is missing");
    refuse(b, 2, "save eeprom 0 4 file:e", "cannot be written");
    refuse(b, 2, "save eeprom 0 4 file:q", "'q' is no file format");
    refuse(b, 4, "save eeprom no/such/folder", "no/such/folder");
    assert_false(cli_file_exists("file"));
}

static void memories_are_backed_up_verified_and_restored(void **state)
{
    struct cli_bench *b = *state;
    size_t size = 0;
    cli_expect(b, 0, CHIP "-U eeprom:w:1,2,3:m -U flash:w:4,5,6:m -U efuse:w:0xfd:m");
    expect(b, 0,
           "backup flash,eeprom,efuse,lock all.hex; backup eeprom eeprom.bin; backup efuse "
           "efuse:h; backup ALL whole.srec:s");
    uint8_t *data = cli_read_file("eeprom.bin", &size);
    assert_int_equal(size, 1024);
    free(data);
    data = cli_read_file("efuse", &size);
    assert_memory_equal(data, "0xfd\n", size);
    free(data);
    expect(b, 0,
           "verify flash,eeprom,efuse,lock all.hex; verify eeprom eeprom.bin; verify ALL "
           "whole.srec");
    cli_expect(b, 0, CHIP "-e -U eeprom:w:9,9,9,9:m -U efuse:w:0xff:m -U flash:w:0,0,0,0:m");
    refuse(b, 13, "verify flash,eeprom,efuse,lock all.hex", "verify: verify flash");
    expect(b, 0, "restore flash,eeprom,efuse,lock all.hex");
    assert_answer(b, "dump flash 0 4; dump eeprom 0 4; d efuse",
                  "0000  04 05 06 ff                                       |....            |\n"
                  "0000  01 02 03 ff                                       |....            |\n"
                  "0000  fd                                                |.               |\n");
    expect(b, 0, "restore ALL,-lock whole.srec");
    cli_assert_err(b, "signature cannot be written, but holds just that");
}

static void files_of_memories_are_checked_before_anything_is_done(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("two.hex", ":020000021000EC\n:0100000011EE\n:00000001FF\n");
    refuse(b, 2, "backup flash,nosuch x.hex", "memory nosuch: no part has one of that name");
    refuse(b, 2, "restore nosuch x.hex", "memory nosuch: no part has one of that name");
    refuse(b, 2, "verify eeprom,nosuch x.hex", "memory nosuch: no part has one of that name");
    refuse(b, 3, "restore eeprom no.hex", "no.hex: no such file");
    refuse(b, 3, "restore eeprom two.hex", "two.hex");
    refuse(b, 3, "verify flash,eeprom no.hex", "no.hex: no such file");
    refuse(b, 2, "restore eeprom -:i", "cannot be standard input");
    refuse(b, 2, "backup flash x:q", "'q' is no file format");
    refuse(b, 2, "backup flash x:e", "cannot be written");
    refuse(b, 2, "backup flash,eeprom x:r", "cannot hold several memories");
    refuse(b, 4, "backup flash no/such/folder", "no/such/folder");
    expect(b, 0, "backup hfuse,lfuse fuses.hex; write lfuse 0xff");
    cli_expect(b, 0, CHIP "-U hfuse:r:fuse.bin:r");
    cli_write_text("reset.txt", "0x59");
    refuse(b, 12, "restore hfuse reset.txt", "would cut ISP off");
    cli_write_text("both.hex", ":020000040000FA\n:0100000011EE\n:020000040082"
                               "78\n:01000100"
                               "59A5\n"
                               ":00000001FF\n");
    refuse(b, 12, "restore flash,hfuse both.hex", "would cut ISP off");
    cli_assert_err(b, "nothing was erased or written");
    assert_answer(b, "restore hfuse,lfuse fuses.hex; d lfuse",
                  "0000  62                                                |b               |\n");
}

/* --- fuses ---------------------------------------------------------------------------------- */

static void fuses_are_written_at_once_and_through_the_guard(void **state)
{
    struct cli_bench *b = *state;
    assert_answer(b, "write efuse 0xfd; d efuse",
                  "0000  fd                                                |.               |\n");
    cli_assert_err(b, "efuse 0xff -> 0xfd");
    refuse(b, 12, "write hfuse 0x59", "would cut ISP off");
    cli_assert_err(b, "--allow reset-disable");
    assert_answer(b, "d hfuse",
                  "0000  d9                                                |.               |\n");
    expect(b, 0, "write lfuse 0x00ff");
    refuse(b, 2, "write lfuse 300", "runs beyond the end");
    expect(b, 0, "write signature 0 0x1e");
    cli_assert_err(b, "cannot be written, but holds just that");
    refuse(b, 13, "write signature 0 0x1f", "verify signature");
    cli_expect(b, 0, CHIP "--allow reset-disable -T `write hfuse 0x59`");
}

static void settings_are_shown_by_name(void **state)
{
    struct cli_bench *b = *state;
    assert_answer(b, "config bodlevel", "config bodlevel=bod_disabled # 7\n");
    assert_answer(b, "c BOD", "config bodlevel=bod_disabled # 7\n");
    assert_answer(b, "config ck*", "config ckdiv8=by_8 # 0\nconfig ckout=co_disabled # 1\n");
    assert_answer(b, "config -f -v ?odlevel",
                  "# efuse 0xff\n# Brown-out detection level\nconfig bodlevel=bod_disabled "
                  "# 7 (off)\n");
    assert_answer(b, "config bodlevel=",
                  "# conf bodlevel=bod_4v3      # 4\n# conf bodlevel=bod_2v7      # 5\n"
                  "# conf bodlevel=bod_1v8      # 6\nconfig bodlevel=bod_disabled # 7 (factory)\n");
    expect(b, 0, "config");
    cli_assert_out(b, "config sut_cksel=intrcosc_8mhz_6ck_14ck_65ms # 34\n");
    cli_assert_out(b, "config lb=no_lock # 3\n");
    expect(b, 0, "config -a");
    cli_assert_out(b, "# conf lb=");
    refuse(b, 2, "config bodlevle", "did you mean \"BODLEVEL\"");
    refuse(b, 2, "config -a bodlevel", "no name goes with it");
    refuse(b, 2, "config -x", "-x is none of its options");
    refuse(b, 2, "config bodlevel = 5", "without blanks");
}

static void settings_are_set_by_name_or_number(void **state)
{
    struct cli_bench *b = *state;
    assert_answer(b, "config -v bodlevel=bod_2v7", "config bodlevel=bod_2v7 # 5\n");
    assert_answer(b, "c -c bod=*1v8", "config bodlevel=bod_1v8 # 6\n");
    assert_answer(b, "c -c bod=6", "");
    assert_answer(b, "c bod=4; c bod; c su=0x17; c su",
                  "config bodlevel=bod_4v3 # 4\nconfig sut_cksel=extfsxtal_16kck_14ck_0ms # 23\n");
    refuse(b, 2, "config sut_cksel=extfs", "several values are called like that");
    cli_assert_err(b, "extfsxtal_258ck_14ck_4ms1 # 6");
    expect(b, 0, "config bodlevel=2");
    cli_assert_err(b, "warning: BODLEVEL=2 is reserved");
}

static void settings_that_cannot_be_are_errors(void **state)
{
    struct cli_bench *b = *state;
    refuse(b, 2, "config bodlevel=8", "is not between");
    refuse(b, 2, "config bodlevel=3v3", "no value is called like that");
    cli_assert_err(b, "bod_2v7 # 5");
    refuse(b, 2, "config ck*=1", "several settings are called like that");
    refuse(b, 12, "config rstdisbl=0", "would cut ISP off");
    refuse(b, 12, "config sut_cksel=0", "external-clock");
    refuse(b, 2, "config nosuch=1", "has no setting nosuch");
    assert_answer(b, "d lfuse; d hfuse; d efuse",
                  "0000  62                                                |b               |\n"
                  "0000  d9                                                |.               |\n"
                  "0000  ff                                                |.               |\n");
}

static void a_factory_reset_leaves_nothing(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, CHIP "-U eeprom:w:1,2:m -U flash:w:3:m -U efuse:w:0xfd:m -U hfuse:w:0xd1:m");
    refuse(b, 2, "factory", "too few words");
    refuse(b, 2, "factory res", "reset, in full");
    expect(b, 0, "factory reset");
    assert_answer(b, "dump eeprom 0 2; dump flash 0 1; d hfuse; d efuse",
                  "0000  ff ff                                             |..              |\n"
                  "0000  ff                                                |.               |\n"
                  "0000  d9                                                |.               |\n"
                  "0000  ff                                                |.               |\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(dump_shows_bytes_and_characters),
        CLI_TEST(dump_goes_on_where_it_ended),
        CLI_TEST(reading_goes_around_the_end),
        CLI_TEST(code_is_shown_as_instructions),
        CLI_TEST(large_memories_have_longer_addresses),
        CLI_TEST(what_is_written_waits_until_it_is_flushed),
        CLI_TEST(several_lines_share_one_cache),
        CLI_TEST(bits_that_must_rise_cost_nothing_else),
        CLI_TEST(data_fill_a_stretch),
        CLI_TEST(files_are_data_too),
        CLI_TEST(erasing_is_of_the_chip_or_of_a_stretch),
        CLI_TEST(parts_of_a_memory_are_saved),
        CLI_TEST(memories_are_backed_up_verified_and_restored),
        CLI_TEST(files_of_memories_are_checked_before_anything_is_done),
        CLI_TEST(fuses_are_written_at_once_and_through_the_guard),
        CLI_TEST(settings_are_shown_by_name),
        CLI_TEST(settings_are_set_by_name_or_number),
        CLI_TEST(settings_that_cannot_be_are_errors),
        CLI_TEST(a_factory_reset_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
