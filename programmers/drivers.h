/* The drivers, listed by registry.c. */
#ifndef PROGRAMMERS_DRIVERS_H
#define PROGRAMMERS_DRIVERS_H

#include "programmer/programmer.h"

extern const struct programmer_driver arduino_driver;
extern const struct programmer_driver buspirate_driver;
extern const struct programmer_driver bitbang_driver; /* needs libftdi1 */
extern const struct programmer_driver mpsse_driver;   /* needs libftdi1 */
extern const struct programmer_driver sim_driver;
extern const struct programmer_driver stk500v1_driver;
extern const struct programmer_driver stlink_driver;
extern const struct programmer_driver usbasp_driver;
extern const struct programmer_driver usbtiny_driver;

#endif
