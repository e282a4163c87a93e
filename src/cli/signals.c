/* Signals: the first one asks for an orderly end, the second ends at once. */
#include "signals.h"

#include <stddef.h>

/* A handler is given nothing but the number: this is the one variable that must be global. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    if (caught != 0) { /* takes effect when this returns */
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    caught = number;
}

/* Without SA_RESTART: what waits for a terminal's input must notice. */
static void catch_signal(int number)
{
    struct sigaction present;
    if (sigaction(number, NULL, &present) != 0 || present.sa_handler == SIG_IGN)
        return;
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

const volatile sig_atomic_t *signals_catch(void)
{
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    return &caught;
}

/* Others than an interrupt end the program and stay. */
void signals_forget_interrupt(void)
{
    if (caught == SIGINT)
        caught = 0;
}
