/* The loader: a few instructions in SRAM that erase pages and program half-words while the next
 * bytes arrive behind them in a ring. */
#ifndef STM32F1_LOADER_H
#define STM32F1_LOADER_H

#include <stdint.h>

/* Where everything lies in SRAM; loader.c has the code to it. */
enum {
    LOADER_PARAMETERS = 0xb0, /* struct loader_parameters, words in that order */
    LOADER_READY = 0xe0,   /* how many bytes have been put into the ring; the host counts it up */
    LOADER_DONE = 0xe4,    /* how many of them are in flash, in whole pages */
    LOADER_STOP = 0xe8,    /* not 0: end behind the page that is being written */
    LOADER_CONTROL = 0xec, /* the value of CR while half-words are programmed */
    LOADER_RESULT = 0xf0,  /* SR at the end */
    LOADER_ADDRESS = 0xf4, /* at the end: behind the last half-word */
    LOADER_RING = 0x100
};

enum {
    PARAMETER_SOURCE,    /* r0: the first byte of the ring */
    PARAMETER_ADDRESS,   /* r1: of the first page */
    PARAMETER_REGISTERS, /* r2: of the flash controller */
    PARAMETER_END,       /* r3: behind the last page */
    PARAMETER_PAGE_MASK, /* r4: page size - 1 */
    PARAMETER_MAILBOX,   /* r5: LOADER_READY */
    PARAMETER_RING_END,  /* r6 */
    PARAMETER_RING_SIZE, /* r7 */
    PARAMETER_ERASE,     /* r8: not 0: erase each page */
    PARAMETER_WATCHDOG,  /* r9: IWDG_KR */
    PARAMETER_RELOAD,    /* r10: the value that feeds it */
    PARAMETER_COUNT
};

extern const uint16_t loader_code[LOADER_PARAMETERS / 2];

#endif
