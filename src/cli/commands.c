/* The commands: what may stand as the first word. */
#include "cli.h"
#include "help.h"

static enum status command_help(struct cli *cli, struct error *e)
{
    FILE *out = cli->around->results;
    const struct text_list *topics = &cli->settings.operands;
    if (cli->settings.json)
        return error_set(e, STATUS_USAGE, "--json: help is for people");
    if (topics->count == 0)
        help_all(out, cli->around->program);
    for (size_t i = 0; i < topics->count; i++)
        TRY(help_topic(out, topics->items[i], e));
    return STATUS_OK;
}

const struct command command_table[] = {
    {.name = "backup",
     .arguments = "FILE",
     .summary = "everything that can be read of the chip, into one Intel HEX file",
     .run = command_backup},
    {.name = "bootloaders",
     .arguments = "[WORD]",
     .summary = "the boot loaders that burn knows: id, chip, fuses, lock bits, USB id, file",
     .options = "part part-file noconfig",
     .run = command_bootloaders},
    {.name = "burn",
     .arguments = "ID [FILE]",
     .summary = "a boot loader with its fuses and lock bits, in the right order and proven",
     .run = command_burn},
    {.name = "completion",
     .arguments = "SHELL",
     .summary = "the script by which bash, fish or zsh completes what you type",
     .options = "",
     .run = command_completion},
    {.name = "config",
     .arguments = "show",
     .summary = "defaults and jobs, and the files or variables that they come from",
     .run = command_config},
    {.name = "convert",
     .arguments = "FILE -o FILE[:FMT]",
     .summary = "a file in another format",
     .options = "part part-file noconfig output",
     .run = command_convert},
    {.name = "diff",
     .arguments = "FILE [FILE]",
     .summary = "in what two files, or a file and the chip, differ",
     .options = "programmer port part baud bitclock isp-clock-delay extended exitspecs "
                "reconnect config noconfig part-file force",
     .run = command_diff},
    {.name = "erase", .arguments = "", .summary = "the whole chip", .run = command_erase},
    {.name = "factory",
     .arguments = "",
     .summary = "erase the chip and give it its factory fuses and lock bits",
     .run = command_factory},
    {.name = "fuses",
     .arguments = "[NAME=VALUE | NAME | FILE]... [vs ...]",
     .summary = "fuse and lock bits in words: show, compare, compute, check, set",
     .run = command_fuses},
    {.name = "help",
     .arguments = "[TOPIC]",
     .summary = "all options, or one of: exit-codes, formats",
     .options = "",
     .run = command_help},
    {.name = "info",
     .arguments = "FILE...",
     .summary = "what files hold: format, ranges, sums, and the chips they fit",
     .options = "part part-file noconfig",
     .run = command_info},
    {.name = "list",
     .arguments = "",
     .summary = "programmers and ports that are plugged in, and the options that select them",
     .options = "",
     .run = command_list},
    {.name = "merge",
     .arguments = "FILE FILE... -o FILE[:FMT]",
     .summary = "an application and a boot loader in one file",
     .options = "part part-file noconfig output",
     .run = command_merge},
    {.name = "read",
     .arguments = "[MEM] FILE[:FMT]",
     .summary = "a memory (flash) into a file, all of it",
     .run = command_read},
    {.name = "restore",
     .arguments = "FILE",
     .summary = "what backup has saved, back into the chip, and verify it",
     .run = command_restore},
    {.name = "run",
     .arguments = "JOB [ARGUMENT...]",
     .summary = "a job of the configuration's, with these arguments added"},
    {.name = "udev",
     .arguments = "",
     .summary = "udev rules that let you open the programmers, and how to load them",
     .options = "",
     .run = command_udev},
    {.name = "verify",
     .arguments = "[MEM] FILE[:FMT]",
     .summary = "a memory (flash) against a file",
     .run = command_verify},
    {.name = "wiring",
     .arguments = "[BOARD]",
     .summary = "which pin of the programmer's board goes to which pin of the chip",
     .options = "programmer part part-file noconfig",
     .run = command_wiring},
    {.name = "write",
     .arguments = "[MEM] FILE[:FMT]",
     .summary = "a file into a memory (flash), and verify it",
     .run = command_write},
};

const size_t command_count = sizeof command_table / sizeof command_table[0];
