/* `ispflash udev`: the rules that let whoever sits at the machine open the programmers, and that
 * keep ModemManager off them. All from the data that the drivers go by. */
#include <stdlib.h>

#include "cli.h"
#include "link/stream.h"
#include "programmer/board.h"
#include "programmer/usb_ids.h"

#define RULES_FILE "60-ispflash.rules"

/* One USB id that a rule is for. */
struct rule {
    uint16_t vendor, product;
    bool serial; /* a serial port belongs to it */
};

struct rules {
    struct programmer_entry *entries;
    struct board_list *boards;
    struct rule *list;
    size_t count;
};

static enum status add(struct rules *r, uint16_t vendor, uint16_t product, bool serial,
                       struct error *e)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].vendor == vendor && r->list[i].product == product) {
            r->list[i].serial = r->list[i].serial || serial;
            return STATUS_OK;
        }
    struct rule *list = realloc(r->list, (r->count + 1) * sizeof *list);
    if (list == NULL)
        return error_set(e, STATUS_NO_MEMORY, "no memory for the rules");
    r->list = list;
    list[r->count++] = (struct rule){.vendor = vendor, .product = product, .serial = serial};
    return STATUS_OK;
}

/* Those of an entry that has a driver, whether or not this program was built with it: the same file
 * serves any build. */
static enum status add_entry(struct rules *r, const struct programmer_entry *entry, struct error *e)
{
    const struct programmer_driver *driver = programmer_driver_of(entry);
    struct usb_id ids[USB_IDS_MAX + 1];
    if (entry->driver == NULL)
        return STATUS_OK;
    if (programmer_usb_ids(entry, ids))
        for (const struct usb_id *id = ids; id->vendor != 0; id++)
            TRY(add(r, id->vendor, id->product, false, e));
    const struct stream_usb_id *serial = driver != NULL ? driver->serial_ids : NULL;
    for (; serial != NULL && serial->vendor != 0; serial++)
        TRY(add(r, serial->vendor, serial->product, true, e));
    return STATUS_OK;
}

static int compare(const void *a, const void *b)
{
    const struct rule *one = a, *other = b;
    if (one->vendor != other->vendor)
        return one->vendor < other->vendor ? -1 : 1;
    return one->product < other->product ? -1 : one->product > other->product;
}

static enum status collect(struct rules *r, struct error *e)
{
    TRY(programmer_entries(&r->entries, e));
    TRY(boards_open(r->entries, &r->boards, e));
    for (const struct programmer_entry *entry = r->entries; entry->id != NULL; entry++)
        TRY(add_entry(r, entry, e));
    for (size_t i = 0; i < board_count(r->boards); i++)
        for (const struct usb_id *id = board_at(r->boards, i)->usb; id->vendor != 0; id++)
            TRY(add(r, id->vendor, id->product, true, e));
    qsort(r->list, r->count, sizeof *r->list, compare);
    return STATUS_OK;
}

/* --- text ----------------------------------------------------------------------------------- */

static bool shows(const struct programmer_entry *entry, const struct rule *rule)
{
    struct usb_id ids[USB_IDS_MAX + 1];
    if (entry->driver == NULL || !programmer_usb_ids(entry, ids))
        return false;
    for (const struct usb_id *id = ids; id->vendor != 0; id++)
        if (id->vendor == rule->vendor && id->product == rule->product)
            return true;
    return false;
}

/* "# Arduino Uno; usbasp, usbasp-clone" */
static void put_names(FILE *out, const struct rules *r, const struct rule *rule)
{
    const char *between = "# ";
    for (size_t i = 0; i < board_count(r->boards); i++) {
        const struct board *board = board_at(r->boards, i);
        if (!board_shows(board, rule->vendor, rule->product))
            continue;
        (void)fprintf(out, "%s%s", between, board->name);
        between = ", ";
    }
    if (between[0] == ',')
        between = "; -c ";
    else
        between = "# -c ";
    for (const struct programmer_entry *entry = r->entries; entry->id != NULL; entry++) {
        if (!shows(entry, rule))
            continue;
        (void)fprintf(out, "%s%s", between, entry->id);
        between = ", ";
    }
    (void)fputc('\n', out);
}

/* 73-seat-late.rules of systemd acts upon uaccess, so the file's number has to be lower.
 * ModemManager looks for its mark at the device and at the port. */
static void put_rule(FILE *out, const struct rules *r, const struct rule *rule)
{
    put_names(out, r, rule);
    (void)fprintf(out,
                  "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ATTR{idVendor}==\"%04x\", "
                  "ATTR{idProduct}==\"%04x\", TAG+=\"uaccess\", ENV{ID_MM_DEVICE_IGNORE}=\"1\"\n",
                  rule->vendor, rule->product);
    if (rule->serial)
        (void)fprintf(out,
                      "SUBSYSTEM==\"tty\", ATTRS{idVendor}==\"%04x\", ATTRS{idProduct}==\"%04x\", "
                      "TAG+=\"uaccess\", ENV{ID_MM_PORT_IGNORE}=\"1\"\n",
                      rule->vendor, rule->product);
}

static void put_rules(FILE *out, const struct rules *r)
{
    (void)fputs("# Access to the programmers that ispflash drives, for whoever sits at the machine,"
                "\n# without ModemManager in between. Made by `ispflash udev`, for\n"
                "# /etc/udev/rules.d/" RULES_FILE
                ". Some ids are those of common serial adapters:\n"
                "# delete what is meant for one that carries a modem.\n\n"
                "ACTION==\"remove\", GOTO=\"ispflash_end\"\n"
                "SUBSYSTEM!=\"usb|tty\", GOTO=\"ispflash_end\"\n\n",
                out);
    for (size_t i = 0; i < r->count; i++)
        put_rule(out, r, &r->list[i]);
    (void)fputs("\nLABEL=\"ispflash_end\"\n", out);
}

enum status command_udev(struct cli *cli, struct error *e)
{
    struct rules r = {0};
    if (cli->settings.operands.count > 0)
        return error_set(e, STATUS_USAGE, "udev takes no \"%s\"", cli->settings.operands.items[0]);
    if (cli->settings.json)
        return error_set(e, STATUS_USAGE, "udev prints a file for udev, not JSON");
    const enum status status = collect(&r, e);
    if (status == STATUS_OK) {
        put_rules(cli->around->results, &r);
        cli_log(cli, LOG_NOTE,
                "to load them: ispflash udev | sudo tee /etc/udev/rules.d/" RULES_FILE
                " >/dev/null && sudo udevadm control --reload && sudo udevadm trigger; then plug "
                "the programmer in again");
    }
    free(r.list);
    boards_close(r.boards);
    programmer_entries_free(r.entries);
    return status;
}
