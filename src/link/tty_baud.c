/* Rates without a termios constant. Linux keeps them in struct termios2, whose header cannot be
 * included beside <termios.h>: hence a file of its own. */
#include <stdbool.h>
#include <stdint.h>

#ifdef __linux__
#include <asm/ioctls.h>
#include <asm/termbits.h>

extern int ioctl(int fd, unsigned long request, ...);
#endif

bool tty_set_custom_baud(int fd, uint32_t baud);

bool tty_set_custom_baud(int fd, uint32_t baud)
{
#if defined(__linux__) && defined(BOTHER)
    struct termios2 settings;
    if (ioctl(fd, TCGETS2, &settings) != 0)
        return false;
    settings.c_cflag = (settings.c_cflag & ~(tcflag_t)CBAUD) | BOTHER;
    settings.c_ispeed = baud;
    settings.c_ospeed = baud;
    return ioctl(fd, TCSETS2, &settings) == 0;
#else
    (void)fd;
    (void)baud;
    return false;
#endif
}
