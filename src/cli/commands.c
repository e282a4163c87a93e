/* The commands: what may stand as the first word. */
#include "cli.h"
#include "help.h"

static enum status command_help(struct cli *cli, struct error *e)
{
    FILE *out = cli->around->results;
    const struct text_list *topics = &cli->settings.operands;
    if (topics->count == 0)
        help_all(out, cli->around->program);
    for (size_t i = 0; i < topics->count; i++)
        TRY(help_topic(out, topics->items[i], e));
    return STATUS_OK;
}

const struct command command_table[] = {
    {.name = "bootloaders",
     .arguments = "[WORD]",
     .summary = "the boot loaders that burn knows: id, chip, fuses, lock bits, USB id, file",
     .run = command_bootloaders},
    {.name = "burn",
     .arguments = "ID [FILE]",
     .summary = "a boot loader with its fuses and lock bits, in the right order and proven",
     .run = command_burn},
    {.name = "help",
     .arguments = "[TOPIC]",
     .summary = "all options, or one of: exit-codes, formats",
     .run = command_help},
};

const size_t command_count = sizeof command_table / sizeof command_table[0];
