/* The lists behind -c ?, -c ?type, -p ?, -P ?s and -x help. One line an item, its name first, so
 * that other programs can read them. */
#include "lists.h"

#include <string.h>

#include "link/stream.h"
#include "programmer/programmer.h"

enum status list_programmers(FILE *out, struct error *e)
{
    struct programmer_entry *entries = NULL;
    TRY(programmer_entries(&entries, e));
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        if (driver != NULL)
            (void)fprintf(out, "%-20s %s [%s]\n", entry->id, entry->summary, driver->proven);
    }
    programmer_entries_free(entries);
    return STATUS_OK;
}

static void put_kind(FILE *out, const struct programmer_entry *entries,
                     const struct programmer_driver *driver)
{
    const char *separator = "";
    (void)fprintf(out, "%-12s ", driver->name);
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        if (programmer_driver_of(entry) != driver)
            continue;
        (void)fprintf(out, "%s%s", separator, entry->id);
        separator = ", ";
    }
    (void)fputc('\n', out);
}

enum status list_kinds(FILE *out, struct error *e)
{
    struct programmer_entry *entries = NULL;
    TRY(programmer_entries(&entries, e));
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        bool first = driver != NULL;
        for (const struct programmer_entry *before = entries; first && before != entry; before++)
            first = programmer_driver_of(before) != driver;
        if (first)
            put_kind(out, entries, driver);
    }
    programmer_entries_free(entries);
    return STATUS_OK;
}

void list_parts(FILE *out, const struct part_database *parts)
{
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part_entry entry = part_entry_at(parts, i);
        const char *id =
            entry.alias_count > 0 ? entry.aliases[0] : entry.id; /* as people type it */
        (void)fprintf(out, "%-10s %-20s %02X %02X %02X\n", id, entry.name, entry.signature[0],
                      entry.signature[1], entry.signature[2]);
    }
}

static void print_port(const struct stream_port *port, void *user)
{
    FILE *out = user;
    (void)fputs(port->path, out);
    if (port->usb)
        (void)fprintf(out, "  usb:%04x:%04x", port->vendor, port->product);
    if (port->serial != NULL)
        (void)fprintf(out, ":%s", port->serial);
    if (port->title != NULL)
        (void)fprintf(out, "  %s", port->title);
    (void)fputc('\n', out);
}

void list_ports(FILE *out)
{
    stream_list(print_port, out);
}

enum status list_extended(FILE *out, const char *id, struct error *e)
{
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    TRY(programmer_entries(&entries, e));
    const enum status status = programmer_find(entries, id, &entry, &driver, e);
    if (status == STATUS_OK && driver->options_help != NULL)
        (void)fprintf(out, "%s\n", driver->options_help);
    else if (status == STATUS_OK)
        (void)fprintf(out, "%s takes no -x\n", entry->id);
    programmer_entries_free(entries);
    return status;
}
