/* The lists for programs, an object an item. */
#include "json_sink.h"
#include "link/stream.h"
#include "lists.h"
#include "programmer/programmer.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *names_array(const char *const *names, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, json_text(names[i]));
    return array;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names != NULL && names[count] != NULL)
        count++;
    return count;
}

static void put_programmer(FILE *out, const struct programmer_entry *entry,
                           const struct programmer_driver *driver)
{
    json_t *o = json_begin("programmer");
    set(o, "id", json_text(entry->id));
    set(o, "aliases", names_array(entry->aliases, count_names(entry->aliases)));
    set(o, "summary", json_text(entry->summary));
    set(o, "driver", json_text(driver->name));
    set(o, "proven", json_text(driver->proven));
    set(o, "options", json_text(driver->options_help));
    json_line(out, o);
}

enum status list_programmers_json(FILE *out, struct error *e)
{
    struct programmer_entry *entries = NULL;
    TRY(programmer_entries(&entries, e));
    for (const struct programmer_entry *entry = entries; entry->id != NULL; entry++) {
        const struct programmer_driver *driver = programmer_driver_of(entry);
        if (driver != NULL)
            put_programmer(out, entry, driver);
    }
    programmer_entries_free(entries);
    return STATUS_OK;
}

enum status list_extended_json(FILE *out, const char *id, struct error *e)
{
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    TRY(programmer_entries(&entries, e));
    const enum status status = programmer_find(entries, id, &entry, &driver, e);
    if (status == STATUS_OK)
        put_programmer(out, entry, driver);
    programmer_entries_free(entries);
    return status;
}

void list_parts_json(FILE *out, const struct part_database *parts)
{
    for (size_t i = 0; i < part_count(parts); i++) {
        const struct part_entry entry = part_entry_at(parts, i);
        json_t *o = json_begin("part");
        set(o, "id", json_text(entry.id));
        set(o, "name", json_text(entry.name));
        set(o, "aliases", names_array(entry.aliases, entry.alias_count));
        set(o, "signature", json_bytes(entry.signature, sizeof entry.signature));
        json_line(out, o);
    }
}

static void put_port(const struct stream_port *port, void *user)
{
    FILE *out = user;
    json_t *o = json_begin("port");
    char id[10];
    (void)snprintf(id, sizeof id, "%04x:%04x", port->vendor, port->product);
    set(o, "port", json_text(port->path));
    set(o, "usb", port->usb ? json_text(id) : json_null());
    set(o, "usb_path", port->usb_path[0] != '\0' ? json_text(port->usb_path) : json_null());
    set(o, "title", json_text(port->title));
    set(o, "manufacturer", json_text(port->manufacturer));
    set(o, "serial", json_text(port->serial));
    json_line(out, o);
}

void list_ports_json(FILE *out)
{
    stream_list(put_port, out);
}
