/* The terminal on simulated chips: -T and -t from a pipe, what is wrong with commands, and those
 * that are not about memories. */
#include <stdio.h>
#include <string.h>

#include "cli/terminal/complete.h"
#include "cli/terminal/terminal.h"
#include "support/test.h"
#include "terminal_bench.h"

/* As cli_expect(), with the input of -t. */
static void expect_of_input(struct cli_bench *b, int code, const char *line, const char *input)
{
    b->answers = input;
    cli_expect(b, code, line);
    b->answers = NULL;
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
    expect_of_input(b, 2, CHIP "-t", "write eeprom 0 \"abc");
    cli_assert_err(b, "in the middle of a quoted string: \"abc");
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
    expect_of_input(b, 0, CHIP "-t -U eeprom:v:made.bin:r", "save eeprom 0 2 made.bin\nquit\n");
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
    expect_of_input(b, 0, CHIP "-t",
                    "write eeprom 0 1 2\r\n\n# comment\ndump eeprom 0 2\n bogus\nsig");
    assert_string_equal(
        b->out, "ispflash> write eeprom 0 1 2\nispflash> \nispflash> # comment\n"
                "ispflash> dump eeprom 0 2\n"
                "0000  01 02                                             |..              |\n"
                "ispflash>  bogus\nispflash> sig\nDevice signature = 0x1e950f\n");
    cli_assert_err(b, "\"bogus\" is no command");
    expect_of_input(b, 0, CHIP "-t -T sig", "quit\nbogus\n");
    cli_assert_out(b, "ispflash> quit\nDevice signature");
    expect_of_input(b, 2, CHIP "-t -T sig", "sig\nbogus\n");
    cli_assert_err(b, "the last command of the input did not work");
    expect_of_input(b, 0, CHIP "-t", "");
    expect_of_input(b, 2, CHIP "-t -U eeprom:w:-:i", "");
    cli_assert_err(b, "standard input can be read once");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(the_part_is_told),
        CLI_TEST(raw_instructions_are_sent),
        CLI_TEST(the_programmer_is_told),
        CLI_TEST(how_much_is_said_can_be_set),
        CLI_TEST(names_may_be_abbreviated),
        CLI_TEST(every_command_explains_itself),
        CLI_TEST(every_command_counts_its_words),
        CLI_TEST(memories_that_are_not_there_are_named),
        CLI_TEST(of_the_commands_of_a_line_the_last_counts),
        CLI_TEST(what_waits_is_not_written_after_an_error),
        CLI_TEST(a_quote_that_does_not_end_writes_nothing),
        CLI_TEST(commands_come_in_their_turn),
        CLI_TEST(a_file_that_a_command_makes_is_not_missed),
        CLI_TEST(with_n_nothing_is_written),
        CLI_TEST(lines_come_from_a_pipe_too),
        CLI_TEST(files_of_commands_are_included),
        CLI_TEST(answers_are_lines_of_json),
        CLI_TEST(words_are_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
