/* The terminal on simulated chips: -T and -t from a pipe, every command, and what is wrong with
 * commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/complete.h"
#include "cli/terminal/terminal.h"
#include "cli_bench.h"
#include "support/test.h"

#define CHIP "-q -c sim -P chip -p m328p "

static int set_up(void **state)
{
    *state = cli_bench_new();
    return 0;
}

static int tear_down(void **state)
{
    cli_bench_free(*state);
    return 0;
}

/* One -T on the chip. */
static void expect(struct cli_bench *b, int code, const char *commands)
{
    char line[4096];
    assert_true((size_t)snprintf(line, sizeof line, CHIP "-T `%s`", commands) < sizeof line);
    cli_expect(b, code, line);
}

static void assert_answer(struct cli_bench *b, const char *commands, const char *answer)
{
    expect(b, 0, commands);
    if (strcmp(b->out, answer) != 0)
        fail_msg("%s: %s, not %s", commands, b->out, answer);
}

static void refuse(struct cli_bench *b, int code, const char *commands, const char *said)
{
    expect(b, code, commands);
    cli_assert_err(b, said);
}

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

/* --- chip and programmer -------------------------------------------------------------------- */

static void the_part_is_told(void **state)
{
    assert_answer(*state, "part -m",
                  "Memory        Size  Pg size\n---------------------------\n"
                  "flash        32768      128\neeprom        1024        4\n"
                  "lfuse            1        1\nhfuse            1        1\n"
                  "efuse            1        1\nlock             1        1\n"
                  "signature        3        1\ncalibration      1        1\n");
    expect(*state, 0, "part");
    cli_assert_out(*state, "ATmega328P with programming modes ISP, HVPP, debugWIRE\n");
    cli_assert_out(*state, "\nNames: ATmega328P, m328p");
    refuse(*state, 2, "part -x", "-x is none of its options");
    refuse(*state, 2, "part flash", "\"flash\" is none of its options");
    assert_answer(*state, "sig", "Device signature = 0x1e950f\n");
    refuse(*state, 17, "regfile", "registers of the ATmega328P cannot be reached");
}

static void raw_instructions_are_sent(void **state)
{
    expect(*state, 0, "send 0x30 0 1 0");
    cli_assert_out(*state, " 30 00 95\n"); /* what was clocked in first is the chip's own */
    expect(*state, 0, "send 0xac 0xa0 0 0xff; d lfuse");
    cli_assert_out(*state, "0000  ff");
    refuse(*state, 2, "send 0x30 0 1", "too few words");
    refuse(*state, 2, "send 1 2 3 4 5", "too many words");
    refuse(*state, 2, "send 0x30 0 1 256", "byte 256 is not between");
    refuse(*state, 2, "send 0x30 0 1 x", "byte x is not a whole number");
}

static void the_programmer_is_told(void **state)
{
    expect(*state, 0, "parms");
    cli_assert_out(*state, "Programmer : sim\n");
    assert_answer(*state, "sck 100kHz; sck", "SCK period = 10.00 us\nSCK freq   = 100 kHz\n");
    refuse(*state, 2, "sck fast", "no bit clock");
    refuse(*state, 17, "vtarg", "does not measure");
    refuse(*state, 17, "vtarg 5", "cannot set the supply");
    refuse(*state, 17, "varef 0 2.5", "no reference voltage");
    refuse(*state, 17, "fosc 1M", "no oscillator");
    refuse(*state, 17, "spi", "no direct SPI mode");
    refuse(*state, 17, "pgm", "no direct SPI mode");
}

static void how_much_is_said_can_be_set(void **state)
{
    struct cli_bench *b = *state;
    assert_answer(b, "verbose; quell; verbose 2; quell 3",
                  "Verbosity level: 0\nQuell level: 1\nVerbosity level: 2\nQuell level: 3\n");
    refuse(b, 2, "verbose 9", "level 9 is not between");
    refuse(b, 2, "quell x", "level x is not a whole number");
    expect(b, 0, "quell 5; bogus; sig");
    cli_assert_not_err(b, "bogus");
}

/* --- lines ---------------------------------------------------------------------------------- */

static void names_may_be_abbreviated(void **state)
{
    assert_answer(*state, "SIG; si", "Device signature = 0x1e950f\nDevice signature = 0x1e950f\n");
    refuse(*state, 2, "pa", "several commands: parms, part");
    cli_assert_err(*state, "\"pa\" is the beginning of several");
    refuse(*state, 2, "dmup flash", "did you mean \"dump\"");
    refuse(*state, 17, "!ls", "commands of the shell are not run");
    expect(*state, 0, "# only a comment");
    expect(*state, 0, "");
}

static void every_command_explains_itself(void **state)
{
    for (size_t i = 0; i < terminal_command_count; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "%s -?", terminal_commands[i].name);
        expect(*state, 0, line);
        cli_assert_out(*state, terminal_commands[i].summary);
    }
    expect(*state, 0, "help");
    cli_assert_out(*state, "\nwrite MEM ADDR DATA...");
    expect(*state, 0, "? dump");
    cli_assert_out(*state, "dump [MEM [ADDR [LEN]]]\n");
    refuse(*state, 2, "help nothing", "\"nothing\" is no command");
}

/* As many words as it takes, and one more; and one less than it needs. */
static void every_command_counts_its_words(void **state)
{
    for (size_t i = 0; i < terminal_command_count; i++) {
        const struct terminal_command *command = &terminal_commands[i];
        char line[256];
        size_t used = (size_t)snprintf(line, sizeof line, "%s", command->name);
        for (size_t k = 0; k + 1 < command->least; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, " x");
        if (command->least > 0)
            refuse(*state, 2, line, "too few words");
        if (command->most > 16)
            continue;
        used = (size_t)snprintf(line, sizeof line, "%s", command->name);
        for (size_t k = 0; k <= command->most; k++)
            used += (size_t)snprintf(line + used, sizeof line - used, " x");
        refuse(*state, 2, line, command->most == 0 ? "takes nothing behind it" : "too many words");
    }
}

static void memories_that_are_not_there_are_named(void **state)
{
    static const char *const commands[] = {"dump %s", "write %s 0 1", "erase %s", "pgerase %s 0",
                                           "save %s x"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, commands[i], "usersig");
        refuse(*state, 2, line, "the ATmega328P has no memory usersig");
        cli_assert_err(*state, "has flash, eeprom, lfuse, hfuse, efuse, lock, signature");
        (void)snprintf(line, sizeof line, commands[i], "nosuch");
        refuse(*state, 2, line, "memory nosuch: no part has one of that name");
    }
    refuse(*state, 2, "dump eeprom x", "address x is not a whole number");
    refuse(*state, 2, "dump eeprom 1024", "is not between");
    refuse(*state, 2, "dump eeprom 0 x", "length x is not");
    refuse(*state, 2, "write eeprom 1024 1", "is not between");
    refuse(*state, 2, "write eeprom 1023 1 2", "runs beyond the end");
    refuse(*state, 2, "pgerase eeprom -1025", "is not between");
}

static void of_the_commands_of_a_line_the_last_counts(void **state)
{
    struct cli_bench *b = *state;
    expect(b, 0, "bogus; sig");
    cli_assert_err(b, "\"bogus\" is no command");
    cli_assert_out(b, "0x1e950f");
    refuse(b, 2, "sig; bogus", "-T sig; bogus: \"bogus\" is no command");
    cli_expect(b, 2, CHIP "-T `bogus` -T `sig`");
    assert_string_equal(b->out, "");
}

static void what_waits_is_not_written_after_an_error(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 2, CHIP "-T `write eeprom 0 7` -T `write eeprom 1 8; bogus` -U eeprom:w:9:m");
    cli_assert_err(b, "warning: 2 bytes waited to be written and are not");
    cli_assert_err(b, "nothing was erased or written");
    assert_answer(b, "dump eeprom 0 2",
                  "0000  ff ff                                             |..              |\n");
}

static void a_quote_that_does_not_end_writes_nothing(void **state)
{
    struct cli_bench *b = *state;
    refuse(b, 2, "write eeprom 0 1; write eeprom 0 \"abc", "in the middle of a quoted string");
    b->answers = "write eeprom 0 \"abc";
    cli_expect(b, 2, CHIP "-t");
    cli_assert_err(b, "in the middle of a quoted string: \"abc");
    b->answers = NULL;
    assert_answer(b, "dump eeprom 0 2",
                  "0000  ff ff                                             |..              |\n");
}

/* --- among other operations ----------------------------------------------------------------- */

static void commands_come_in_their_turn(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0,
               CHIP "-U flash:w:0x11,0x22:m -T `write flash 0x7d00 0xc0cac01a \"cola\"` -U "
                    "flash:v:0x11,0x22:m -T `dump flash 0x7d00 16` -U flash:w:0x10,0x22:m");
    cli_assert_out(b, "7d00  1a c0 ca c0 63 6f 6c 61  00 ff");
    assert_answer(b, "dump flash 0 2; dump flash 0x7d00 4",
                  "0000  10 22                                             |.\"              |\n"
                  "7d00  1a c0 ca c0                                       |....            |\n");
    cli_expect(b, 13, CHIP "-T `part` -U flash:w:0xff:m");
    cli_assert_err(b, "cannot be written without an erase");
}

static void a_file_that_a_command_makes_is_not_missed(void **state)
{
    struct cli_bench *b = *state;
    cli_expect(b, 0, CHIP "-U eeprom:w:5,6:m");
    cli_expect(b, 0, CHIP "-T `save eeprom 0 2 made.bin` -U eeprom:v:made.bin:r");
    (void)remove("made.bin");
    cli_expect(b, 3, CHIP "-T `save eeprom 0 2 else.bin # made.bin` -U eeprom:w:made.bin:r");
    cli_assert_err(b, "made.bin: no such file");
    cli_expect(b, 3, CHIP "-T sig -U eeprom:w:made.bin:r");
    cli_assert_err(b, "the chip was not touched");
    b->answers = "save eeprom 0 2 made.bin\nquit\n";
    cli_expect(b, 0, CHIP "-t -U eeprom:v:made.bin:r");
    b->answers = NULL;
}

static void with_n_nothing_is_written(void **state)
{
    struct cli_bench *b = *state;
    static const char *const commands[] = {
        "write eeprom 0 1", "erase",         "flush",       "pgerase eeprom 0", "config bodlevel=4",
        "restore eeprom x", "factory reset", "send 1 2 3 4"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char line[128];
        (void)snprintf(line, sizeof line, CHIP "-n -T `%s`", commands[i]);
        cli_expect(b, 12, line);
        cli_assert_err(b, "-n: nothing is written");
    }
    cli_expect(b, 0, CHIP "-n -T `dump eeprom 0 16; config bodlevel`");
    cli_expect(b, 0, CHIP "--dry-run -T `write eeprom 0 1`");
    cli_assert_out(b, "  run    -T or -t: what that does is not foreseen\n");
}

/* --- a pipe --------------------------------------------------------------------------------- */

static void lines_come_from_a_pipe_too(void **state)
{
    struct cli_bench *b = *state;
    b->answers = "write eeprom 0 1 2\r\n\n# comment\ndump eeprom 0 2\n bogus\nsig";
    cli_expect(b, 0, CHIP "-t");
    assert_string_equal(
        b->out, "ispflash> write eeprom 0 1 2\nispflash> \nispflash> # comment\n"
                "ispflash> dump eeprom 0 2\n"
                "0000  01 02                                             |..              |\n"
                "ispflash>  bogus\nispflash> sig\nDevice signature = 0x1e950f\n");
    cli_assert_err(b, "\"bogus\" is no command");
    b->answers = "quit\nbogus\n";
    cli_expect(b, 0, CHIP "-t -T sig");
    cli_assert_out(b, "ispflash> quit\nDevice signature");
    b->answers = "sig\nbogus\n";
    cli_expect(b, 2, CHIP "-t -T sig");
    cli_assert_err(b, "the last command of the input did not work");
    b->answers = "";
    cli_expect(b, 0, CHIP "-t");
    cli_expect(b, 2, CHIP "-t -U eeprom:w:-:i");
    cli_assert_err(b, "standard input can be read once");
    b->answers = NULL;
    assert_answer(b, "dump eeprom 0 2",
                  "0000  01 02                                             |..              |\n");
}

static void files_of_commands_are_included(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("fuses.txt", "# settings\nconfig bodlevel=5\nconfig -c wdton=0\n");
    cli_write_text("loop.txt", "include loop.txt\n");
    cli_write_text("wrong.txt", "sig\nbogus\n");
    cli_write_text("leave.txt", "quit\nsig\n");
    assert_answer(b, "include fuses.txt", "config wdton=wdt_always_on # 0\n");
    assert_answer(b, "include -e \"fuses.txt\"",
                  "# # settings\n# config bodlevel=5\n# config -c wdton=0\n");
    refuse(b, 2, "include loop.txt", "include one another");
    refuse(b, 2, "include wrong.txt", "wrong.txt:2: \"bogus\" is no command");
    assert_answer(b, "include leave.txt", "");
    refuse(b, 3, "include none.txt", "none.txt: No such file");
    refuse(b, 2, "include -e", "it takes one file");
    refuse(b, 2, "include a b", "it takes one file");
}

static void answers_are_lines_of_json(void **state)
{
    struct cli_bench *b = *state;
    cli_write_text("sig.txt", "sig\n");
    cli_expect(b, 0, CHIP "--json -T `part -m; include sig.txt`");
    cli_assert_out(
        b, "{\"schema\":1,\"event\":\"answer\",\"text\":\"lfuse            1        1\"}\n");
    cli_assert_out(
        b, "{\"schema\":1,\"event\":\"answer\",\"text\":\"Device signature = 0x1e950f\"}\n");
    for (const char *line = b->out; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_int_equal(line[0], '{');
}

/* --- completion ----------------------------------------------------------------------------- */

static void assert_completions(const char *line, size_t typed, const char *wanted)
{
    static const struct field field = {.name = "BODLEVEL"};
    static const struct memory memories[] = {{.name = "flash"},
                                             {.name = "eeprom"},
                                             {.name = "efuse", .fields = &field, .field_count = 1}};
    static const struct part part = {.memories = memories, .memory_count = 3};
    const struct terminal t = {.part = &part};
    struct text_list names = {0};
    char got[512] = "";
    assert_int_equal(complete_line(&t, line, &names), typed);
    for (size_t i = 0; i < names.count; i++) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, names.items[i]);
    }
    if (strcmp(got, wanted) != 0)
        fail_msg("%s: %s, not %s", line, got, wanted);
    text_list_free(&names);
}

static void words_are_completed(void **state)
{
    (void)state;
    cli_write_text("data.hex", "");
    cli_write_text("data two.hex", "");
    cli_write_text("date.bin", "");
    assert_completions("p", 1, "parms part pgerase pgm");
    assert_completions("  WR", 2, "write");
    assert_completions("dump ", 0, "eeprom efuse flash");
    assert_completions("sig; dump f", 1, "flash");
    assert_completions("d f", 1, "flash");
    assert_completions("config b", 1, "bodlevel");
    assert_completions("help qu", 2, "quell quit");
    assert_completions("factory ", 0, "reset");
    assert_completions("write eeprom 0 dat", 3, "data.hex date.bin");
    assert_completions("include ./da", 4, "./data.hex ./date.bin");
    assert_completions("dump eeprom 0", 1, "");
    assert_completions("nosuch x", 0, "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dump_shows_bytes_and_characters),
        TEST(dump_goes_on_where_it_ended),
        TEST(reading_goes_around_the_end),
        TEST(code_is_shown_as_instructions),
        TEST(large_memories_have_longer_addresses),
        TEST(what_is_written_waits_until_it_is_flushed),
        TEST(several_lines_share_one_cache),
        TEST(bits_that_must_rise_cost_nothing_else),
        TEST(data_fill_a_stretch),
        TEST(files_are_data_too),
        TEST(erasing_is_of_the_chip_or_of_a_stretch),
        TEST(parts_of_a_memory_are_saved),
        TEST(memories_are_backed_up_verified_and_restored),
        TEST(files_of_memories_are_checked_before_anything_is_done),
        TEST(fuses_are_written_at_once_and_through_the_guard),
        TEST(settings_are_shown_by_name),
        TEST(settings_are_set_by_name_or_number),
        TEST(settings_that_cannot_be_are_errors),
        TEST(a_factory_reset_leaves_nothing),
        TEST(the_part_is_told),
        TEST(raw_instructions_are_sent),
        TEST(the_programmer_is_told),
        TEST(how_much_is_said_can_be_set),
        TEST(names_may_be_abbreviated),
        TEST(every_command_explains_itself),
        TEST(every_command_counts_its_words),
        TEST(memories_that_are_not_there_are_named),
        TEST(of_the_commands_of_a_line_the_last_counts),
        TEST(what_waits_is_not_written_after_an_error),
        TEST(a_quote_that_does_not_end_writes_nothing),
        TEST(commands_come_in_their_turn),
        TEST(a_file_that_a_command_makes_is_not_missed),
        TEST(with_n_nothing_is_written),
        TEST(lines_come_from_a_pipe_too),
        TEST(files_of_commands_are_included),
        TEST(answers_are_lines_of_json),
        TEST(words_are_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
