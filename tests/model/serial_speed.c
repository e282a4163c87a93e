/* Rates without a termios constant are only in struct termios2, whose header cannot stand beside
 * <termios.h>. */
#include "model/serial_speed.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>

extern int ioctl(int fd, unsigned long request, ...);

uint32_t serial_speed_of(int fd)
{
    struct termios2 settings;
    return ioctl(fd, TCGETS2, &settings) == 0 ? settings.c_ospeed : 0;
}
