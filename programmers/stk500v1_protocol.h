/* The STK500 version 1 protocol: commands in flight, finding the device, getting back in step.
 * Shared by the drivers for programmers (stk500v1.c) and boot loaders (arduino.c).
 *
 * Sources: application note AVR061, "STK500 Communication Protocol"; ArduinoISP.ino of the Arduino
 * examples (version 1.18); optiboot.c. */
#ifndef PROGRAMMERS_STK500V1_PROTOCOL_H
#define PROGRAMMERS_STK500V1_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/context.h"
#include "ispflash/error.h"
#include "link/stream.h"

/* AVR061, "Commands". */
enum stk_code {
    STK_GET_SYNC = 0x30,
    STK_GET_SIGN_ON = 0x31,
    STK_GET_PARAMETER = 0x41,
    STK_SET_DEVICE = 0x42,
    STK_SET_DEVICE_EXT = 0x45,
    STK_ENTER_PROGMODE = 0x50,
    STK_LEAVE_PROGMODE = 0x51,
    STK_LOAD_ADDRESS = 0x55,
    STK_UNIVERSAL = 0x56,
    STK_PROG_PAGE = 0x64,
    STK_READ_PAGE = 0x74,
    STK_READ_SIGN = 0x75,

    STK_OK = 0x10,
    STK_FAILED = 0x11,
    STK_UNKNOWN = 0x12,
    STK_NODEVICE = 0x13,
    STK_INSYNC = 0x14,
    STK_NOSYNC = 0x15,
    STK_EOP = 0x20
};

/* AVR061, "Parameters". */
enum stk_parameter { STK_SW_MAJOR = 0x81, STK_SW_MINOR = 0x82, STK_VTARGET = 0x84 };

enum {
    /* What a busy ArduinoISP sketch can have in its receive ring without loss: the 64 bytes of
     * HardwareSerial.h less the one that tells full from empty. Measured on the sketch: the 64th
     * byte corrupts. */
    STK_RING = 63,
    STK_BODY_MAX = 256 /* the sketch's block buffer */
};

/* Who answers GET_SIGN_ON. */
enum stk_identity {
    STK_NOBODY,     /* silence */
    STK_NONSENSE,   /* bytes, but not of this protocol */
    STK_BOOTLOADER, /* 14 10 without a text */
    STK_PROGRAMMER  /* 14 text 10 */
};

/* The conversation with one device. */
struct stk {
    struct stream *stream;
    struct context *context;
    uint32_t baud;      /* 0: the stream has none */
    unsigned ahead;     /* bytes that may be sent beyond the oldest unanswered command */
    bool in_step;       /* false: answers may still be on their way, or a command is unfinished */
    char sign_on[20];   /* the device's text */
    uint64_t answer_us; /* when the last answer was complete */
    size_t at, have;    /* of `in`: next byte, bytes */
    uint8_t in[512];    /* received, not yet looked at */
    uint8_t heard[8];   /* the first bytes that made no sense, for the message */
    size_t heard_size;
};

/* A command and what is due for it: 14, `answer_size` bytes, 10. EOP is added by itself. */
struct stk_command {
    bool load_address; /* LOAD_ADDRESS first, in the same breath; 14 10 more is due */
    uint16_t word_address;
    uint8_t head[24];
    size_t head_size;
    const uint8_t *body; /* PROG_PAGE's data; may be NULL */
    size_t body_size;
    uint8_t *answer; /* NULL: not wanted */
    size_t answer_size;
    uint32_t hold_us;  /* its EOP leaves no sooner than this after the answer before it */
    uint32_t progress; /* bytes done, for context_advance() */
    size_t tag;        /* the caller's */
};

/* Sends all, with as many bytes in flight as `ahead` permits, and takes the answers. *answered says
 * how many commands were, also on failure. When the user wants out, commands that have begun are
 * finished before STATUS_CANCELLED is returned, so that the device stays in step. STATUS_SILENT
 * (nonsense) and STATUS_TIMEOUT leave in_step false. */
MUST_USE enum status stk_run(struct stk *s, const struct stk_command *commands, size_t count,
                             size_t *answered, struct error *e);

/* One command without parameters. */
MUST_USE enum status stk_simple(struct stk *s, uint8_t code, struct error *e);
MUST_USE enum status stk_get_parameter(struct stk *s, uint8_t parameter, uint8_t *value,
                                       struct error *e);

/* Up to `tries` GET_SYNC of `wait_ms` each, then the sign-on. *who is STK_NOBODY or STK_NONSENSE if
 * no sync was found. Only the link's own troubles are errors. */
MUST_USE enum status stk_meet(struct stk *s, unsigned tries, unsigned wait_ms,
                              enum stk_identity *who, struct error *e);
/* Completes a PROG_PAGE that a killed run left in the middle of its data, with 0xff: where its EOP
 * is due comes 0xff too, so that the device answers NOSYNC and writes nothing. *heard: it said
 * something. */
MUST_USE enum status stk_fill(struct stk *s, bool *heard, struct error *e);

MUST_USE enum status stk_set_baud(struct stk *s, uint32_t baud, struct error *e);

/* "31 0d": the bytes kept in `heard`. */
const char *stk_heard_text(const struct stk *s, char *out, size_t capacity);

#endif
