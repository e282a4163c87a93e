/* ST-Link V2, V2-1 and V3: what the files of this driver share.
 *
 * A device of bulk transfers: a command of 16 bytes, then data to it, an answer, or nothing. A
 * command and its answer are queued together. What a command without an answer is followed by may
 * be queued behind it, since the device takes one packet after the other; no command is sent before
 * the answer to the last has come.
 *
 * ST has not published the protocol. Sources: what OpenOCD (stlink_usb.c), stlink-tools and the
 * Black Magic Probe's host agree on; UM1075 and UM2448 (ST) for the devices. */
#ifndef STLINK_H
#define STLINK_H

#include "link/usb.h"
#include "programmer/programmer.h"

enum { STLINK_COMMAND_SIZE = 16 };

/* The first byte of a command; what follows STLINK_DEBUG is below. */
enum {
    STLINK_GET_VERSION = 0xf1,
    STLINK_DEBUG = 0xf2,
    STLINK_DFU = 0xf3,
    STLINK_SWIM = 0xf4,
    STLINK_GET_MODE = 0xf5,
    STLINK_GET_VOLTAGE = 0xf7,
    STLINK_GET_VERSION_EX = 0xfb /* V3 */
};

enum {
    DEBUG_READ_MEMORY = 0x07, /* 32 bits at a time */
    DEBUG_WRITE_MEMORY = 0x08,
    DEBUG_EXIT = 0x21,
    DEBUG_ENTER = 0x30,
    DEBUG_READ_IDCODES = 0x31,
    DEBUG_WRITE_REGISTER = 0x34,
    DEBUG_WRITE_WORD = 0x35,
    DEBUG_READ_WORD = 0x36,
    DEBUG_DRIVE_NRST = 0x3c,
    DEBUG_LAST_STATUS = 0x3e, /* of the last memory block; from J15 */
    DEBUG_SET_SPEED = 0x43,   /* V2, from J22 */
    DEBUG_MISC_OUT = 0x51,    /* words, by a list; V2 from J32 */
    DEBUG_MISC_IN = 0x52,
    DEBUG_SET_SPEED_V3 = 0x61,
    DEBUG_GET_SPEEDS_V3 = 0x62,
    ENTER_SWD = 0xa3
};

/* The first byte of most answers. */
enum {
    STLINK_OK = 0x80,
    STLINK_FAULT = 0x81,
    STLINK_NO_DEVICE = 0x05,
    STLINK_NO_IDCODE = 0x09,
    STLINK_AP_WAIT = 0x10,
    STLINK_AP_FAULT = 0x11,
    STLINK_AP_ERROR = 0x12,
    STLINK_AP_PARITY = 0x13,
    STLINK_DP_WAIT = 0x14,
    STLINK_UNKNOWN_COMMAND = 0x42
};

struct stlink {
    struct usb *usb;
    uint8_t out_endpoint;
    unsigned v, j, s; /* V2J37S7; V2-1 has M in the place of S */
    bool v3, mass;    /* mass: s is M */
    uint32_t speed_khz;
    uint32_t core_id;
    unsigned guide_s; /* -x guide */
    bool debugging;   /* in that mode, or tried to be */
    bool in_step;     /* every answer so far belonged to its command */
    unsigned next;    /* of the commands below */
    uint8_t commands[2 * USB_QUEUE_MAX][STLINK_COMMAND_SIZE]; /* borrowed while queued */
};

/* A command; bytes that are not given are 0. */
struct stlink_command {
    const char *name;
    uint8_t bytes[STLINK_COMMAND_SIZE];
};

/* stlink_usb.c. stlink_send() and stlink_data() only queue. */
MUST_USE enum status stlink_send(struct stlink *self, const struct stlink_command *command,
                                 struct error *e);
MUST_USE enum status stlink_data(struct stlink *self, const char *name, const uint8_t *data,
                                 size_t size, struct error *e);
/* A command and all of its answer. */
MUST_USE enum status stlink_ask(struct stlink *self, const struct stlink_command *command,
                                uint8_t *answer, size_t size, struct error *e);
/* The same where the answer begins with a status: STLINK_OK, or an error in words. While the target
 * answers WAIT it is asked again, for a quarter of a second. */
MUST_USE enum status stlink_order(struct programmer *p, const struct stlink_command *command,
                                  uint8_t *answer, size_t size, struct error *e);
/* The last answers may belong to commands of long ago: takes what comes, until nothing does. */
MUST_USE enum status stlink_drain(struct stlink *self, struct error *e);
/* STATUS_OK only for STLINK_OK. `what` was being done. */
MUST_USE enum status stlink_judge(const struct stlink *self, uint8_t status, const char *what,
                                  struct error *e);
bool stlink_is_wait(uint8_t status);

/* stlink_memory.c: the driver's struct swd_ops, but for the lines. */
MUST_USE enum status stlink_words(struct programmer *p, struct swd_word *words, size_t count,
                                  struct error *e);
MUST_USE enum status stlink_read(struct programmer *p, uint32_t address, uint8_t *data, size_t size,
                                 struct error *e);
MUST_USE enum status stlink_write(struct programmer *p, uint32_t address, const uint8_t *data,
                                  size_t size, struct error *e);
MUST_USE enum status stlink_set_register(struct programmer *p, unsigned number, uint32_t value,
                                         struct error *e);

void stlink_put_le16(uint8_t *out, uint16_t value);
void stlink_put_le32(uint8_t *out, uint32_t value);
uint32_t stlink_get_le32(const uint8_t *bytes);

#endif
