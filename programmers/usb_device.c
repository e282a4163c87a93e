/* The device that an entry of programmers.ini means; see usb_device.h. */
#include "usb_device.h"

#include <stdio.h>

#include "programmer/usb_ids.h"

enum status usb_device_check(const struct programmer_entry *entry,
                             const struct programmer_config *c, struct error *e)
{
    (void)entry;
    return usb_check_port(c->port, e);
}

enum status usb_device_open(struct programmer *p, struct usb **out, struct error *e)
{
    char vendor[48], product[48], anyway[48];
    struct usb_id ids[USB_IDS_MAX + 1];
    if (!programmer_usb_ids(p->entry, ids))
        return error_set(e, STATUS_INTERNAL, "%s: the setting usb= is missing or wrong",
                         p->entry->id);
    const struct usb_wanted wanted = {
        .programmer = p->entry->id,
        .ids = ids,
        .manufacturer = programmer_setting(p, "vendor", vendor, sizeof vendor) ? vendor : NULL,
        .title = programmer_setting(p, "product", product, sizeof product) ? product : NULL,
        .anyway = programmer_setting(p, "anyway", anyway, sizeof anyway) ? anyway : NULL,
        .lookalikes = p->driver->lookalikes,
    };
    TRY(usb_open(&wanted, p->config->port, p->context, out, e));
    usb_tell_port(p, &(*out)->info);
    return STATUS_OK;
}

void usb_tell_port(const struct programmer *p, const struct usb_info *info)
{
    char port[sizeof info->path + 4];
    (void)snprintf(port, sizeof port, "usb:%s", info->path);
    context_value(p->context, "port", port, NULL, 0);
}
