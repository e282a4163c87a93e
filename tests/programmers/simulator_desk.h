/* The simulated programmer on a desk, with a clock that shows whether somebody sleeps and a folder
 * for the file in which a chip is kept. */
#ifndef PROGRAMMERS_SIMULATOR_DESK_H
#define PROGRAMMERS_SIMULATOR_DESK_H

#include "programmer/programmer.h"

struct test_clock {
    struct clock clock;
    uint64_t now_us;
};

struct desk {
    struct part_database *parts;
    struct test_clock clock;
    struct context context;
    volatile sig_atomic_t cancel;
    struct programmer_config config;
    const char *options[8];
    struct programmer *programmer;
    char folder[64], path[96]; /* of a state file */
    struct error e;
};

int desk_setup(void **state);
int desk_teardown(void **state); /* insists on nothing but the chip's file in the folder */
#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, desk_setup, desk_teardown)

/* -x OPTION from the next desk_open() on. */
void desk_option(struct desk *d, const char *option);
/* Opened and entered; `part` is for -p and may be NULL. */
enum status desk_open(struct desk *d, const char *part);
/* The same, and the chip has answered. */
void desk_begin(struct desk *d, const char *part);
void desk_close(struct desk *d);

/* Sends one instruction; returns the fourth answer byte. */
uint8_t desk_send(struct desk *d, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3);
/* Programming Enable; true if the chip answers as its data sheet says. */
bool desk_enable(struct desk *d);

#endif
