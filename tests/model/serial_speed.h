/* The rate of a terminal as a number, whichever way it was set. */
#ifndef MODEL_SERIAL_SPEED_H
#define MODEL_SERIAL_SPEED_H

#include <stdint.h>

uint32_t serial_speed_of(int fd); /* 0: not known */

#endif
