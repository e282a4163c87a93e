/* In place of the files that use libusb-1.0, where ispflash is built without it: no device is
 * found. Drivers that open one are not built then. */
#include "link/usb.h"

enum status usb_list(void (*each)(const struct usb_info *info, void *user), void *user,
                     struct error *e)
{
    (void)each;
    (void)user;
    return error_set(e, STATUS_UNSUPPORTED,
                     "this ispflash is built without libusb-1.0: USB devices are not looked for");
}
