/* What -x says to the simulated programmers. */
#ifndef PROGRAMMERS_SIMULATOR_OPTIONS_H
#define PROGRAMMERS_SIMULATOR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "ispflash/session.h"
#include "simulator_chip.h"

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_MISO_OPEN,  /* MISO floats: the programmer's pull-up makes it 1 */
    SIM_FAULT_MISO_LOW,   /* shorted to ground */
    SIM_FAULT_MISO_HIGH,  /* shorted to VCC */
    SIM_FAULT_MISO_LATE,  /* read one bit late: its edges are too slow */
    SIM_FAULT_ECHO,       /* tied to MOSI */
    SIM_FAULT_SWAPPED,    /* MOSI and MISO exchanged: neither is driven */
    SIM_FAULT_MOSI_OPEN,  /* the chip hears zeros */
    SIM_FAULT_SCK_OPEN,   /* the chip hears nothing */
    SIM_FAULT_RESET_OPEN, /* its program goes on running, and leaves MISO alone */
    SIM_FAULT_RUNS_ON,    /* the same, but the program drives MISO */
    SIM_FAULT_NO_POWER,
    SIM_FAULT_NO_CLOCK,
    SIM_FAULT_NO_ERASE, /* Chip Erase does nothing */
    SIM_FAULT_NO_WRITE, /* writes do nothing */
    SIM_FAULT_SILENT,   /* the programmer itself does not answer */
    SIM_FAULT_UNPLUG    /* the programmer goes away */
};

struct sim_options {
    const char *part; /* NULL: as -p says; borrowed from the configuration */
    struct chip_options chip;
    bool crystal_chosen; /* else the driver chooses chip.crystal_hz when it knows the part */
    enum sim_fault fault;
    uint32_t fault_after;  /* the fault begins behind that many instructions */
    uint32_t noise;        /* one answer bit in so many flips; 0: none */
    uint32_t fixed_sck_hz; /* 0: SCK can be set */
    bool measures;         /* the target's supply, millivolts */
    uint32_t millivolts;
    bool plain;    /* only single instructions: no reads and writes of whole ranges */
    bool realtime; /* simulated time takes as long */
    bool socket;   /* the chip is there while its file is */
};

/* The text of -x help. */
extern const char sim_options_help[];

MUST_USE enum status sim_options_parse(const struct programmer_config *config,
                                       struct sim_options *out, struct error *e);

#endif
