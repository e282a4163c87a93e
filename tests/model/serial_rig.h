/* The rig of a programmer on a serial port, whatever its firmware: desk.h's options, those of the
 * port, those of the programmer. A rig's main() is a call of serial_rig_main(). */
#ifndef MODEL_SERIAL_RIG_H
#define MODEL_SERIAL_RIG_H

#include "model/avr_chip.h"
#include "model/desk.h"
#include "model/serial_port.h"

/* What is set on the command line; the programmer's own settings begin with it. */
struct serial_settings {
    enum serial_port_kind kind;
    struct serial_port_id id;
    struct serial_port_faults faults;
    uint64_t latency_ns; /* of the serial adapter, towards the computer */
    bool paced;
};

struct serial_programmer {
    const char *name;                  /* "stk500_rig" */
    const struct desk_option *options; /* its own; their context is the settings */
    size_t settings_size;
    /* Is what it needs there? False after a complaint: the rig ends with DESK_STATUS_SKIPPED.
     * NULL: nothing is needed. */
    bool (*available)(const void *settings);
    /* Both borrowed. NULL after a complaint. */
    void *(*make)(struct serial_port *port, struct avr_chip *chip, void *settings);
    void (*run)(void *programmer); /* in a thread, until stop() */
    void (*stop)(void *programmer);
    uint64_t (*now_ns)(const void *programmer);
    size_t (*counts)(const void *programmer, struct desk_count *counts, size_t capacity);
    void (*free)(void *programmer);
};

/* The exit status of main(). */
int serial_rig_main(int argc, char **argv, const struct serial_programmer *programmer);

#endif
