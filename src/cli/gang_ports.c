/* The ports that --gang names. "usb" stands for all that are plugged in and fit the programmer. */
#include <stdlib.h>
#include <string.h>

#include "devices.h"
#include "gang.h"

static enum status no_memory(struct error *e)
{
    return error_set(e, STATUS_NO_MEMORY, "no memory for the list of ports");
}

static enum status add(struct gang_ports *p, const char *port, const char *title, struct error *e)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->ports[i], port) == 0)
            return error_set(e, STATUS_USAGE, "--gang %s: named twice", port);
    char **ports = realloc(p->ports, (p->count + 1) * sizeof *ports);
    if (ports != NULL)
        p->ports = ports;
    char **titles = realloc(p->titles, (p->count + 1) * sizeof *titles);
    if (titles != NULL)
        p->titles = titles;
    if (ports == NULL || titles == NULL)
        return no_memory(e);
    ports[p->count] = strdup(port);
    titles[p->count] = strdup(title);
    p->count++;
    return ports[p->count - 1] != NULL && titles[p->count - 1] != NULL ? STATUS_OK : no_memory(e);
}

static enum status add_plugged_in(struct gang_ports *p, const struct device_list *list,
                                  const struct programmer_entry *entry,
                                  const struct programmer_entry *entries, struct error *e)
{
    size_t found = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct device *d = &list->devices[i];
        /* a port without USB, soldered to the machine, says nothing of what is there */
        if (!d->usb || device_fit(d, entry, entries) != DEVICE_FITS)
            continue;
        TRY(add(p, d->port, d->info.serial, e));
        found++;
    }
    if (found > 0)
        return STATUS_OK;
    (void)error_set(e, STATUS_NO_DEVICE, "--gang usb: no %s is plugged in", entry->id);
    error_hint(e, "`ispflash list` shows what is");
    return STATUS_NO_DEVICE;
}

static enum status add_all_of_a_kind(struct gang_ports *p, struct run *r, const char *programmer,
                                     struct error *e)
{
    struct programmer_entry *entries = NULL;
    const struct programmer_entry *entry = NULL;
    const struct programmer_driver *driver = NULL;
    struct device_list list = {0};
    TRY(programmer_entries_with(r->conf.programmers, &entries, e));
    enum status status = programmer_find(entries, programmer, &entry, &driver, e);
    if (status == STATUS_OK)
        status = devices_find(&list, &r->context, e);
    if (status == STATUS_OK)
        status = add_plugged_in(p, &list, entry, entries, e);
    devices_free(&list);
    programmer_entries_free(entries);
    return status;
}

enum status gang_find_ports(struct run *r, const char *programmer, struct gang_ports *out,
                            struct error *e)
{
    const struct settings *s = &r->cli->settings;
    *out = (struct gang_ports){0};
    for (size_t i = 0; i < s->gang.count; i++) {
        if (strcmp(s->gang.items[i], "usb") == 0)
            TRY(add_all_of_a_kind(out, r, programmer, e));
        else
            TRY(add(out, s->gang.items[i], "", e));
    }
    return STATUS_OK;
}

void gang_ports_free(struct gang_ports *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->ports[i]);
        free(p->titles[i]);
    }
    free(p->ports);
    free(p->titles);
    *p = (struct gang_ports){0};
}
