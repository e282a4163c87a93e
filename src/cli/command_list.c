/* `ispflash list`: what is plugged in, what it probably is, which options select it, and what keeps
 * it from being opened. */
#include <string.h>

#include "cli.h"
#include "devices.h"
#include "run.h"

struct catalogue {
    struct programmer_entry *entries;
    struct board_list *boards;
    struct bootloader_list *bootloaders;
    struct device_list found;
};

static enum status catalogue_open(struct catalogue *l, struct context *c, struct error *e)
{
    TRY(programmer_entries(&l->entries, e));
    TRY(boards_open(l->entries, &l->boards, e));
    TRY(bootloaders_open(&l->bootloaders, e));
    return devices_find(&l->found, c, e);
}

static void catalogue_close(struct catalogue *l)
{
    devices_free(&l->found);
    bootloaders_close(l->bootloaders);
    boards_close(l->boards);
    programmer_entries_free(l->entries);
}

/* A keyboard is nobody's business here. */
static bool is_of_interest(const struct catalogue *l, const struct device *d)
{
    if (d->serial_port || device_lookalike(d, l->entries) != NULL)
        return true;
    for (const struct programmer_entry *entry = l->entries; entry->id != NULL; entry++)
        if (device_fit(d, entry, l->entries) != DEVICE_FITS_NOT)
            return true;
    for (size_t i = 0; i < bootloader_count(l->bootloaders); i++)
        if (device_is_bootloader(d, bootloader_at(l->bootloaders, i)))
            return true;
    return false;
}

/* --- for people ----------------------------------------------------------------------------- */

/* "/dev/ttyACM0  2341:0043 Arduino Uno by Arduino LLC, serial number 7563" */
static void put_head(FILE *out, const struct device *d)
{
    const struct usb_info *info = &d->info;
    (void)fputs(d->port, out);
    if (d->usb)
        (void)fprintf(out, "  %04x:%04x", info->vendor, info->product);
    if (info->title[0] != '\0')
        (void)fprintf(out, " %s", info->title);
    if (info->manufacturer[0] != '\0')
        (void)fprintf(out, " by %s", info->manufacturer);
    if (info->serial[0] != '\0')
        (void)fprintf(out, ", serial number %s", info->serial);
    (void)fputc('\n', out);
}

static void put_names(FILE *out, const struct catalogue *l, const struct device *d)
{
    for (size_t i = 0; i < board_count(l->boards); i++)
        if (device_is_board(d, board_at(l->boards, i)))
            (void)fprintf(out, "  probably: %s (ispflash wiring %s)\n",
                          board_at(l->boards, i)->name, board_at(l->boards, i)->id);
    for (size_t i = 0; i < bootloader_count(l->bootloaders); i++) {
        const struct bootloader *b = bootloader_at(l->bootloaders, i);
        if (device_is_bootloader(d, b))
            (void)fprintf(out, "  perhaps a chip in its boot loader: %s (%s)\n", b->name, b->id);
    }
    if (!d->usb)
        (void)fputs("  a serial port of this machine, whatever is at its other end\n", out);
}

static void put_options(FILE *out, const struct catalogue *l, const struct device *d)
{
    for (const struct programmer_entry *entry = l->entries; entry->id != NULL; entry++) {
        switch (device_fit(d, entry, l->entries)) {
        case DEVICE_FITS:
            (void)fprintf(out, "  -c %s -P %s   %s\n", entry->id, d->port, entry->summary);
            break;
        case DEVICE_HAS_NO_DRIVER:
            (void)fprintf(out, "  %s (%s): ispflash cannot drive it, it needs %s\n", entry->summary,
                          entry->id, entry->needs);
            break;
        case DEVICE_FITS_NOT:
            break;
        }
    }
    const char *why = device_lookalike(d, l->entries);
    if (why != NULL)
        (void)fprintf(out, "  no programmer: %s\n", why);
}

static void put_places(FILE *out, const struct device *d)
{
    if (d->serial_port && d->by_id[0] != '\0')
        (void)fprintf(out, "  also: -P %s\n", d->by_id);
    if (d->serial_port && d->info.path[0] != '\0')
        (void)fprintf(out, "  also: -P usb:%s, whatever is plugged in there\n", d->info.path);
}

static void put_access(FILE *out, const struct device *d)
{
    if (d->access == STATUS_OK) {
        (void)fputs("  it may be opened\n", out);
        return;
    }
    (void)fprintf(out, "  %s\n", d->problem.text);
    for (const char *line = d->problem.hint; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        (void)fprintf(out, "    %.*s\n", (int)length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

static void put_device(FILE *out, const struct catalogue *l, const struct device *d)
{
    put_head(out, d);
    put_names(out, l, d);
    put_options(out, l, d);
    put_places(out, d);
    put_access(out, d);
}

/* --- for programs --------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_text(text) : json_null();
}

static json_t *programmers_array(const struct catalogue *l, const struct device *d)
{
    json_t *array = json_array();
    for (const struct programmer_entry *entry = l->entries; entry->id != NULL; entry++) {
        const enum device_fit fit = device_fit(d, entry, l->entries);
        if (fit == DEVICE_FITS_NOT)
            continue;
        json_t *o = json_object();
        set(o, "id", json_text(entry->id));
        set(o, "summary", json_text(entry->summary));
        set(o, "needs", fit == DEVICE_FITS ? json_null() : json_text(entry->needs));
        (void)json_array_append_new(array, o);
    }
    return array;
}

static json_t *boards_array(const struct catalogue *l, const struct device *d)
{
    json_t *array = json_array();
    for (size_t i = 0; i < board_count(l->boards); i++)
        if (device_is_board(d, board_at(l->boards, i)))
            (void)json_array_append_new(array, json_text(board_at(l->boards, i)->id));
    return array;
}

static json_t *bootloaders_array(const struct catalogue *l, const struct device *d)
{
    json_t *array = json_array();
    for (size_t i = 0; i < bootloader_count(l->bootloaders); i++)
        if (device_is_bootloader(d, bootloader_at(l->bootloaders, i)))
            (void)json_array_append_new(array, json_text(bootloader_at(l->bootloaders, i)->id));
    return array;
}

static void put_json(FILE *out, const struct catalogue *l, const struct device *d)
{
    json_t *o = json_begin("device");
    char id[10];
    (void)snprintf(id, sizeof id, "%04x:%04x", d->info.vendor, d->info.product);
    set(o, "port", json_text(d->port));
    set(o, "kind", json_text(d->serial_port ? "serial" : "usb"));
    set(o, "usb", d->usb ? json_text(id) : json_null());
    set(o, "usb_path", text_or_null(d->info.path));
    set(o, "by_id", text_or_null(d->by_id));
    set(o, "title", text_or_null(d->info.title));
    set(o, "manufacturer", text_or_null(d->info.manufacturer));
    set(o, "serial", text_or_null(d->info.serial));
    set(o, "boards", boards_array(l, d));
    set(o, "bootloaders", bootloaders_array(l, d));
    set(o, "programmers", programmers_array(l, d));
    set(o, "lookalike", json_text(device_lookalike(d, l->entries)));
    set(o, "access", json_text(error_status_name(d->access)));
    set(o, "problem", text_or_null(d->problem.text));
    set(o, "hints", json_lines(d->problem.hint));
    json_line(out, o);
}

/* --- the command ---------------------------------------------------------------------------- */

static void put_all(struct cli *cli, const struct catalogue *l)
{
    FILE *out = cli->around->results;
    size_t count = 0;
    for (size_t i = 0; i < l->found.count; i++) {
        const struct device *d = &l->found.devices[i];
        if (!is_of_interest(l, d))
            continue;
        if (cli->settings.json) {
            put_json(out, l, d);
        } else {
            (void)fputs(count > 0 ? "\n" : "", out);
            put_device(out, l, d);
        }
        count++;
    }
    if (count == 0)
        cli_log(cli, LOG_NOTE,
                "no serial port is there, and no USB programmer: check the cable, some only "
                "charge");
}

enum status command_list(struct cli *cli, struct error *e)
{
    struct run r;
    struct catalogue l = {0};
    if (cli->settings.operands.count > 0)
        return error_set(e, STATUS_USAGE, "list takes no \"%s\"", cli->settings.operands.items[0]);
    enum status status = run_open(&r, cli, e);
    if (status == STATUS_OK)
        status = catalogue_open(&l, &r.context, e);
    if (status == STATUS_OK)
        put_all(cli, &l);
    catalogue_close(&l);
    run_close(&r);
    return status;
}
