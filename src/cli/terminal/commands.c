/* The terminal's commands as one table: help, completion and the look-up go by it. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "core/integer.h"
#include "core/nearest.h"
#include "terminal.h"

enum { ANY = 1 << 20 /* words */ };

static const char dump_detail[] =
    "Without LEN as many bytes as the last time, at first 256; without ADDR from where the last\n"
    "one ended. A negative ADDR counts from the end of the memory, a negative LEN leads to that\n"
    "far before it: dump flash -64 -1 shows the last 64 bytes. Reading goes on around the end.";

static const char write_detail[] =
    "write MEM ADDR LEN DATA... ... repeats the last DATA to fill LEN bytes.\n"
    "write MEM DATA is enough for a memory of one byte, write MEM FILE for a file.\n"
    "DATA are whole numbers (12, 0x2a, 0b11, 012; HH, H, L, LL behind them make 1, 2, 4, 8 "
    "bytes),\n"
    "floating point (1.5 takes 4 bytes, 1.5D 8), 'c', \"text\" with a zero behind it, and\n"
    "FILE[:FMT]. Flash and EEPROM wait for flush; fuse and lock bits are written at once, unless\n"
    "that would cut ISP off.";

const struct terminal_command terminal_commands[] = {
    {"?", "[COMMAND]", "help", NULL, 0, 1, COMMAND_HIDDEN, terminal_help},
    {"abort", "", "forget what waits to be written", NULL, 0, 0, 0, terminal_abort},
    {"backup", "MEMS FILE[:FMT]", "memories into a file",
     "MEMS is a memory, or a list as for -U: flash,eeprom or ALL. Raw bytes of one memory, Intel\n"
     "HEX with comments of several, unless FMT says otherwise. What waits is flushed before.",
     2, 2, 0, terminal_backup},
    {"config", "[-f] [-a] [-v] [-c] [NAME[=[VALUE]]]",
     "fuse and lock bits by name: show, list, set",
     "Without a name all of them; NAME may be the beginning of one, or a pattern with * and ?.\n"
     "NAME= lists what it can be, NAME=VALUE sets it at once, by a name or a number.\n"
     "-f groups them by their bytes, -a lists all there is, -v explains, -c confirms a change.",
     0, 5, 0, terminal_config},
    {"d", "[MEM [ADDR [LEN]]]", "dump", dump_detail, 0, 3, COMMAND_HIDDEN, terminal_dump},
    {"disasm", "[-AaOoCc] [MEM [ADDR [LEN]]]", "a memory as AVR instructions",
     "As dump, at first 32 bytes. -A leaves out the addresses, -O the bytes, -C the comments; a,\n"
     "o and c show them again.",
     0, 9, 0, terminal_disasm},
    {"dump", "[MEM [ADDR [LEN]]]", "a memory as bytes and characters", dump_detail, 0, 3, 0,
     terminal_dump},
    {"erase", "[MEM [ADDR LEN]]", "the whole chip at once; or a memory, when it is flushed",
     "Without a name the chip is erased at once, and what waits is forgotten. A memory, or a part\n"
     "of it, becomes 0xff with the next flush, and everything else survives that.",
     0, 3, COMMAND_CHANGES, terminal_erase},
    {"factory", "reset", "the chip as it came: erased, with its factory fuses", NULL, 1, 1,
     COMMAND_CHANGES, terminal_factory},
    {"flush", "", "write what waits to be written",
     "Where no bit of flash has to rise only the pages that differ are written. Otherwise all of\n"
     "the chip is read, saved in a file, erased and put back.",
     0, 0, COMMAND_CHANGES, terminal_flush},
    {"fosc", "FREQUENCY | off", "the oscillator of the programmer", NULL, 0, 1, 0, terminal_fosc},
    {"help", "[COMMAND]", "the commands, or one of them", NULL, 0, 1, 0, terminal_help},
    {"include", "[-e] FILE", "run the lines of a file", "-e shows them.", 1, 2, 0,
     terminal_include},
    {"parms", "", "what is known of the programmer", NULL, 0, 0, 0, terminal_parms},
    {"part", "[-m] [-v]", "the chip and its memories",
     "-m shows its memories alone, -v the names it goes by.", 0, 2, 0, terminal_part},
    {"pgerase", "MEM ADDR", "one page becomes 0xff with the next flush", NULL, 2, 2,
     COMMAND_CHANGES, terminal_pgerase},
    {"pgm", "", "back from direct SPI mode", NULL, 0, 0, 0, terminal_pgm},
    {"q", "", "quit", NULL, 0, 0, COMMAND_HIDDEN, terminal_quit},
    {"quell", "[LEVEL]", "how much is not said, as with -q", NULL, 0, 1, 0, terminal_quell},
    {"quit", "", "write what waits, and leave", NULL, 0, 0, 0, terminal_quit},
    {"r", "[MEM [ADDR [LEN]]]", "dump", dump_detail, 0, 3, COMMAND_HIDDEN, terminal_dump},
    {"read", "[MEM [ADDR [LEN]]]", "the same as dump", dump_detail, 0, 3, 0, terminal_dump},
    {"regfile", "[OPTIONS] [NAME[=VALUE]]", "the registers of the chip", NULL, 0, ANY, 0,
     terminal_regfile},
    {"restore", "MEMS FILE[:FMT]", "memories from a file",
     "MEMS is a memory, or a list as for -U. Where bits of flash have to rise everything else\n"
     "survives; fuse and lock bits come last.",
     2, 2, COMMAND_CHANGES, terminal_restore},
    {"save", "MEM [ADDR LEN]... FILE[:FMT]", "parts of a memory into a file",
     "Raw bytes unless FMT says otherwise; only i, I and s keep the addresses.", 2, ANY, 0,
     terminal_save},
    {"sck", "[CLOCK]", "show or set SCK: microseconds, or a frequency such as 250kHz", NULL, 0, 1,
     0, terminal_sck},
    {"send", "B1 B2 B3 B4", "one raw instruction; its answer is shown",
     "Nothing is judged: an instruction that erases erases.", 4, 4, COMMAND_CHANGES, terminal_send},
    {"sig", "", "the signature of the chip", NULL, 0, 0, 0, terminal_sig},
    {"spi", "", "direct SPI mode", NULL, 0, 0, 0, terminal_spi},
    {"varef", "[CHANNEL] VOLTAGE", "the reference voltage of the programmer", NULL, 0, 2, 0,
     terminal_varef},
    {"verbose", "[LEVEL]", "how much is said, as with -v", NULL, 0, 1, 0, terminal_verbose},
    {"verify", "MEMS FILE[:FMT]", "memories against a file", NULL, 2, 2, 0, terminal_verify},
    {"vtarg", "[VOLTAGE]", "the supply of the chip", NULL, 0, 1, 0, terminal_vtarg},
    {"w", "MEM ADDR DATA...", "write", write_detail, 2, ANY, COMMAND_CHANGES | COMMAND_HIDDEN,
     terminal_write_data},
    {"write", "MEM ADDR DATA...", "bytes into a memory", write_detail, 2, ANY, COMMAND_CHANGES,
     terminal_write_data},
};

const size_t terminal_command_count = sizeof terminal_commands / sizeof terminal_commands[0];

/* --- looking one up ------------------------------------------------------------------------- */

static enum status unknown(const char *name, struct error *e)
{
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < terminal_command_count; i++)
        nearest_offer(&nearest, terminal_commands[i].name);
    if (name[0] == '!') {
        (void)error_set(e, STATUS_UNSUPPORTED, "%s: commands of the shell are not run from here",
                        name);
        return STATUS_UNSUPPORTED;
    }
    (void)error_set(e, STATUS_USAGE, "\"%s\" is no command", name);
    nearest_hint(&nearest, e);
    error_hint(e, "help shows what there is");
    return STATUS_USAGE;
}

static enum status ambiguous(const char *name, struct error *e)
{
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < terminal_command_count && used < sizeof list; i++) {
        const struct terminal_command *command = &terminal_commands[i];
        if ((command->flags & COMMAND_HIDDEN) == 0 &&
            strncasecmp(command->name, name, strlen(name)) == 0)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                                     command->name);
    }
    return error_set(e, STATUS_USAGE, "\"%s\" is the beginning of several commands: %s", name,
                     list);
}

enum status terminal_find(const char *name, const struct terminal_command **out, struct error *e)
{
    const struct terminal_command *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < terminal_command_count; i++) {
        const struct terminal_command *command = &terminal_commands[i];
        if (strcasecmp(command->name, name) == 0) {
            *out = command;
            return STATUS_OK;
        }
        if ((command->flags & COMMAND_HIDDEN) != 0 ||
            strncasecmp(command->name, name, strlen(name)) != 0)
            continue;
        found = command;
        count++;
    }
    if (count > 1)
        return ambiguous(name, e);
    if (count == 0)
        return unknown(name, e);
    *out = found;
    return STATUS_OK;
}

/* --- help, quit, how much is said ----------------------------------------------------------- */

void terminal_usage(FILE *out, const struct terminal_command *command)
{
    (void)fprintf(out, "%s%s%s\n    %s\n", command->name, command->arguments[0] != '\0' ? " " : "",
                  command->arguments, command->summary);
    for (const char *line = command->detail; line != NULL && *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        (void)fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

void terminal_list(FILE *out)
{
    enum { COLUMN = 34 };
    for (size_t i = 0; i < terminal_command_count; i++) {
        const struct terminal_command *command = &terminal_commands[i];
        if ((command->flags & COMMAND_HIDDEN) != 0)
            continue;
        const int width = fprintf(out, "%s %s", command->name, command->arguments);
        const bool fits = width + 1 < COLUMN;
        (void)fprintf(out, "%s%*s%s\n", fits ? "" : "\n", fits ? COLUMN - width : COLUMN, "",
                      command->summary);
    }
    (void)fputs("\nThe beginning of a name will do; d, r, w and q are dump, read, write and quit.\n"
                "COMMAND -? tells more. A semicolon separates commands, # begins a comment.\n",
                out);
}

enum status terminal_help(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    const struct terminal_command *command = NULL;
    if (arguments->count == 0) {
        terminal_list(t->out);
        return STATUS_OK;
    }
    TRY(terminal_find(arguments->items[0], &command, e));
    terminal_usage(t->out, command);
    return STATUS_OK;
}

enum status terminal_quit(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    (void)arguments, (void)e;
    t->quit = true;
    return STATUS_OK;
}

enum status terminal_verbose(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    struct settings *s = &t->cli->settings;
    int64_t level = s->verbose;
    if (arguments->count > 0)
        TRY(integer_between(arguments->items[0], "level", 0, 4, &level, e));
    s->verbose = (unsigned)level;
    t->cli->sink.options.verbosity = settings_verbosity(s);
    t->cli->json.options.verbosity = settings_verbosity(s);
    (void)fprintf(t->out, "Verbosity level: %" PRId64 "\n", level);
    return STATUS_OK;
}

enum status terminal_quell(struct terminal *t, const struct text_list *arguments, struct error *e)
{
    struct settings *s = &t->cli->settings;
    int64_t level = s->quell;
    if (arguments->count > 0)
        TRY(integer_between(arguments->items[0], "level", 0, 5, &level, e));
    s->quell = (unsigned)level;
    t->cli->sink.options.verbosity = settings_verbosity(s);
    t->cli->sink.options.quell = level > 0;
    t->cli->json.options.verbosity = settings_verbosity(s);
    (void)fprintf(t->out, "Quell level: %" PRId64 "\n", level);
    return STATUS_OK;
}

/* --- words ---------------------------------------------------------------------------------- */

enum status terminal_options(const struct text_list *arguments, const char *letters,
                             unsigned *given, struct text_list *rest, struct error *e)
{
    *given = 0;
    *rest = (struct text_list){0};
    for (size_t i = 0; i < arguments->count; i++) {
        const char *word = arguments->items[i];
        if (word[0] != '-' || word[1] == '\0') {
            const enum status status = text_list_add(rest, word, strlen(word), e);
            if (status != STATUS_OK)
                return status;
            continue;
        }
        for (const char *letter = word + 1; *letter != '\0'; letter++) {
            const char *known = strchr(letters, *letter);
            if (known == NULL)
                return error_set(e, STATUS_USAGE, "-%c is none of its options", *letter);
            *given |= 1u << (known - letters);
        }
    }
    return STATUS_OK;
}
