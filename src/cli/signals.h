/* Signals: the first one asks for an orderly end, the second ends at once. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>

/* Catches SIGINT, SIGTERM and SIGHUP (those that are not ignored, as under nohup) and ignores
 * SIGPIPE: a reader that went away must not leave the chip in RESET. Returns the flag that the
 * first signal sets to its number. */
const volatile sig_atomic_t *signals_catch(void);

/* An interrupt was heeded and is over: the next signal is a first one again. */
void signals_forget_interrupt(void);

#endif
