#include "programmer/usb_ids.h"

#include <ctype.h>
#include <stdlib.h>

/* Exactly four hex digits; NULL: they are not there. */
static const char *read_number(const char *text, uint16_t *out)
{
    for (int i = 0; i < 4; i++)
        if (!isxdigit((unsigned char)text[i]))
            return NULL;
    char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
    *out = (uint16_t)strtoul(digits, NULL, 16);
    return text + 4;
}

const char *usb_id_read(const char *text, struct usb_id *out)
{
    const char *rest = read_number(text, &out->vendor);
    return rest != NULL && *rest == ':' ? read_number(rest + 1, &out->product) : NULL;
}

bool programmer_usb_ids(const struct programmer_entry *entry, struct usb_id out[USB_IDS_MAX + 1])
{
    char text[USB_IDS_MAX * sizeof "0000:0000"];
    const char *at = entry->usb;
    if (programmer_entry_setting(entry, "usb", text, sizeof text))
        at = text;
    if (at == NULL)
        return false;
    for (size_t count = 0; count < USB_IDS_MAX; count++) {
        at = usb_id_read(at, &out[count]);
        if (at == NULL)
            return false;
        out[count + 1] = (struct usb_id){0};
        if (*at == '\0')
            return true;
        if (*at++ != ',')
            return false;
    }
    return false;
}
