/* For the tests of the boot loader driver. */
#ifndef PROGRAMMERS_ARDUINO_H
#define PROGRAMMERS_ARDUINO_H

#include "link/stream.h"
#include "programmer/programmer.h"

/* What open() does once the port is open; the stream is the driver's from then on. */
MUST_USE enum status arduino_adopt(struct programmer *p, struct stream *stream, struct error *e);

#endif
