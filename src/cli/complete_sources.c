/* Where the candidates of each placeholder come from. */
#include <string.h>

#include "complete.h"
#include "help.h"
#include "ispflash/bootloader.h"
#include "ispflash/fuses.h"
#include "job.h"
#include "link/stream.h"
#include "link/usb.h"
#include "programmer/board.h"
#include "programmer/programmer.h"

/* --- programmers and what they are plugged into --------------------------------------------- */

static void offer_programmers(const struct completion *c)
{
    struct programmer_entry *entries = NULL;
    struct error ignored = {0};
    if (programmer_entries(&entries, &ignored) != STATUS_OK)
        return;
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++)
        if (programmer_driver_of(entry) != NULL)
            complete_offer(c, entry->id, entry->summary);
    programmer_entries_free(entries);
}

static void offer_serial_port(const struct stream_port *port, void *user)
{
    complete_offer(user, port->path, port->title);
}

static void offer_usb_path(const struct usb_info *info, void *user)
{
    char name[64];
    (void)snprintf(name, sizeof name, "usb:%s", info->path);
    complete_offer(user, name, info->title);
}

static void offer_ports(const struct completion *c)
{
    struct completion copy = *c;
    struct error ignored = {0};
    stream_list(offer_serial_port, &copy);
    if (usb_list(offer_usb_path, &copy, &ignored) != STATUS_OK)
        return; /* the serial ones have to do */
}

/* The first words of the lines of a driver's -x help: names, with "=" where they take a value. */
static void offer_help_words(const struct completion *c, const char *help)
{
    while (*help != '\0') {
        const size_t length = strcspn(help, " =\n");
        char name[48];
        if (length > 0 && length < sizeof name - 1 && help[length] != '\n' && *help >= 'a') {
            (void)snprintf(name, sizeof name, "%.*s%s", (int)length, help,
                           help[length] == '=' ? "=" : "");
            complete_offer(c, name, NULL);
        }
        help += strcspn(help, "\n");
        help += *help == '\n';
    }
}

static void offer_extended(const struct completion *c)
{
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry;
    const struct programmer_driver *driver;
    struct error ignored = {0};
    complete_offer(c, "help", "lists them");
    if (c->programmer == NULL || programmer_entries(&entries, &ignored) != STATUS_OK)
        return;
    if (programmer_find(entries, c->programmer, &entry, &driver, &ignored) == STATUS_OK &&
        driver->options_help != NULL)
        offer_help_words(c, driver->options_help);
    programmer_entries_free(entries);
}

static void offer_boards(const struct completion *c)
{
    struct programmer_entry *entries = NULL;
    struct board_list *boards = NULL;
    struct error ignored = {0};
    if (programmer_entries(&entries, &ignored) != STATUS_OK)
        return;
    if (boards_open(entries, &boards, &ignored) == STATUS_OK)
        for (size_t i = 0; i < board_count(boards); i++)
            complete_offer(c, board_at(boards, i)->id, board_at(boards, i)->name);
    boards_close(boards);
    programmer_entries_free(entries);
}

/* --- chips ---------------------------------------------------------------------------------- */

/* By the name that people type, or by the other one if that is how the word begins. */
static void offer_parts(const struct completion *c)
{
    const struct part_database *parts = c->run->parts;
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part_entry entry = part_entry_at(parts, i);
        if (entry.alias_count > 0)
            complete_offer(c, entry.aliases[0], entry.name);
        if (entry.alias_count == 0 || c->word[0] != '\0')
            complete_offer(c, entry.id, NULL);
        if (c->word[0] != '\0' && strcmp(entry.name, entry.id) != 0)
            complete_offer(c, entry.name, NULL);
    }
}

static const struct part *named_part(const struct completion *c)
{
    struct error ignored = {0};
    const struct part *part = NULL;
    if (c->part == NULL || part_find(c->run->parts, c->part, &part, &ignored) != STATUS_OK)
        return NULL;
    return part;
}

/* Calls `each` for the memories of the part that is named, else for those that most have. */
static void for_memories(const struct completion *c,
                         void (*each)(const struct completion *c, const char *name))
{
    static const char *const usual[] = {"flash", "eeprom", "lfuse",     "hfuse",
                                        "efuse", "lock",   "signature", "calibration"};
    const struct part *part = named_part(c);
    for (size_t i = 0; part != NULL && i < part->memory_count; i++)
        each(c, part->memories[i].name);
    for (size_t i = 0; part == NULL && i < sizeof usual / sizeof usual[0]; i++)
        each(c, usual[i]);
}

static void offer_memory(const struct completion *c, const char *name)
{
    complete_offer(c, name, NULL);
}

/* "flash:r:", "flash:w:", "flash:v:" */
static void offer_operations(const struct completion *c, const char *name)
{
    for (const char *operation = "rwv"; *operation != '\0'; operation++) {
        char text[64];
        (void)snprintf(text, sizeof text, "%s:%c:", name, *operation);
        complete_offer(c, text, NULL);
    }
}

/* MEM:OP:FILE, or a file. */
static void offer_updates(const struct completion *c)
{
    const char *colon = strchr(c->word, ':');
    if (colon == NULL || strchr(colon + 1, ':') == NULL)
        for_memories(c, offer_operations);
    if (colon == NULL || strchr(colon + 1, ':') != NULL)
        complete_files(c);
}

static void offer_memories_or_files(const struct completion *c)
{
    for_memories(c, offer_memory);
    complete_files(c);
}

static void offer_field_values(const struct completion *c, const struct field *field)
{
    char text[2 * FUSE_TEXT_SIZE];
    for (size_t i = 0; i < field->value_count; i++) {
        char name[FUSE_TEXT_SIZE];
        (void)snprintf(text, sizeof text, "%s=%s", field->name,
                       fuse_value_name(field, field->values[i].value, name));
        complete_offer(c, text, fuse_value_meaning(field, field->values[i].value));
    }
}

/* Names of bytes and of fields; behind a field's name and "=" its values. */
static void offer_fields(const struct completion *c)
{
    const struct part *part = named_part(c);
    char text[FUSE_TEXT_SIZE + 1];
    for (size_t i = 0; part != NULL && i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        if (m->field_count == 0)
            continue;
        (void)snprintf(text, sizeof text, "%s=", m->name);
        complete_offer(c, text, NULL);
        for (size_t k = 0; k < m->field_count; k++) {
            (void)snprintf(text, sizeof text, "%s=", m->fields[k].name);
            if (strncmp(c->word, text, strlen(text)) == 0)
                offer_field_values(c, &m->fields[k]);
            else
                complete_offer(c, text, m->fields[k].caption);
        }
    }
    if (strchr(c->word, '=') == NULL)
        complete_files(c);
}

/* --- names of our own ----------------------------------------------------------------------- */

static void offer_bootloaders(const struct completion *c)
{
    struct bootloader_list *all = NULL;
    struct error ignored = {0};
    if (bootloaders_open(&all, &ignored) != STATUS_OK)
        return;
    for (size_t i = 0; i < bootloader_count(all); i++)
        complete_offer(c, bootloader_at(all, i)->id, bootloader_at(all, i)->name);
    bootloaders_close(all);
}

static void offer_jobs(const struct completion *c)
{
    const char *name, *origin;
    for (size_t i = 0; (name = config_job_name(&c->run->cli->config, i, &origin)) != NULL; i++)
        complete_offer(c, name, origin);
}

static void offer_allowances(const struct completion *c)
{
    const char *name;
    for (size_t i = 0; (name = job_allowance_name(i)) != NULL; i++)
        complete_offer(c, name, NULL);
}

static void offer_shells(const struct completion *c)
{
    complete_offer(c, "bash", NULL);
    complete_offer(c, "fish", NULL);
    complete_offer(c, "zsh", NULL);
}

static void offer_topics(const struct completion *c)
{
    const char *name;
    for (size_t i = 0; (name = help_topic_name(i)) != NULL; i++)
        complete_offer(c, name, NULL);
}

/* --- placeholders --------------------------------------------------------------------------- */

static const struct candidates {
    const char *placeholder;
    bool operand; /* of a command; else of an option */
    void (*offer)(const struct completion *c);
} sources[] = {
    {"ID", false, offer_programmers},
    {"PORT", false, offer_ports},
    {"PART", false, offer_parts},
    {"PARAM", false, offer_extended},
    {"MEM:OP:FILE[:FMT]", false, offer_updates},
    {"NAME", false, offer_allowances},
    {"FILE", false, complete_files},
    {"ID", true, offer_bootloaders},
    {"WORD", true, offer_bootloaders},
    {"BOARD", true, offer_boards},
    {"JOB", true, offer_jobs},
    {"SHELL", true, offer_shells},
    {"TOPIC", true, offer_topics},
    {"NAME=VALUE", true, offer_fields},
    {"MEM", true, offer_memories_or_files},
    {"FILE", true, complete_files},
};

/* True if `placeholder` is `name` without its brackets, dots and format: "[FILE]", "FILE[:FMT]". */
static bool is_placeholder(const char *placeholder, const char *name)
{
    const size_t length = strlen(name);
    placeholder += strspn(placeholder, "[");
    return strncmp(placeholder, name, length) == 0 && strchr("].[", placeholder[length]) != NULL;
}

void complete_placeholder(const struct completion *c, const char *placeholder,
                          const struct command *command)
{
    char literal[32];
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (sources[i].operand == (command != NULL) &&
            is_placeholder(placeholder, sources[i].placeholder)) {
            sources[i].offer(c);
            return;
        }
    }
    if (command != NULL && placeholder[0] >= 'a' && placeholder[0] <= 'z') { /* "show": itself */
        (void)snprintf(literal, sizeof literal, "%.31s", placeholder);
        complete_offer(c, literal, NULL);
    }
}
