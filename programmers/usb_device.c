/* The device that an entry of programmers.ini means; see usb_device.h. */
#include "usb_device.h"

#include <stdlib.h>

enum { IDS_MAX = 4 };

/* Four hex digits, and what stands behind them; NULL: there are none. */
static const char *read_number(const char *text, uint16_t *number)
{
    char *end;
    *number = (uint16_t)strtoul(text, &end, 16);
    return end == text + 4 ? end : NULL;
}

/* "16c0:05dc,03eb:c7b4" */
static bool read_ids(const char *text, struct usb_id ids[IDS_MAX + 1])
{
    for (size_t count = 0; count < IDS_MAX; count++) {
        text = read_number(text, &ids[count].vendor);
        if (text == NULL || *text++ != ':')
            return false;
        text = read_number(text, &ids[count].product);
        if (text == NULL)
            return false;
        ids[count + 1] = (struct usb_id){0};
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
    return false;
}

enum status usb_device_check(const struct programmer_entry *entry,
                             const struct programmer_config *c, struct error *e)
{
    if (c->option_count > 0)
        return error_set(e, STATUS_USAGE, "-x %s: %s takes no such options", c->options[0],
                         entry->id);
    return usb_check_port(c->port, e);
}

enum status usb_device_open(struct programmer *p, const struct usb_lookalike *lookalikes,
                            struct usb **out, struct error *e)
{
    char text[64], vendor[48], product[48], anyway[48];
    struct usb_id ids[IDS_MAX + 1];
    if (!programmer_setting(p, "usb", text, sizeof text) || !read_ids(text, ids))
        return error_set(e, STATUS_INTERNAL, "%s: the setting usb= is missing or wrong",
                         p->entry->id);
    const struct usb_wanted wanted = {
        .programmer = p->entry->id,
        .ids = ids,
        .manufacturer = programmer_setting(p, "vendor", vendor, sizeof vendor) ? vendor : NULL,
        .title = programmer_setting(p, "product", product, sizeof product) ? product : NULL,
        .anyway = programmer_setting(p, "anyway", anyway, sizeof anyway) ? anyway : NULL,
        .lookalikes = lookalikes,
    };
    return usb_open(&wanted, p->config->port, p->context, out, e);
}
