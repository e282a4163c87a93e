/* The inside of the ST-Link model; shared between the files of stlink_*.c alone. */
#ifndef MODEL_STLINK_PRIVATE_H
#define MODEL_STLINK_PRIVATE_H

#include "stlink_model.h"

enum {
    STLINK_COMMAND_SIZE = 16,
    STLINK_BLOCK_MAX = 6144, /* bytes in one memory command */
    STLINK_REPLIES_MAX = 8,
    STLINK_COMMANDS_MAX = 48,
    STLINK_MISC_MAX_V2 = 64, /* items of RW_MISC */
    STLINK_MISC_MAX = 256
};

/* The firmware's own time for a command: no figure of ST's. */
#define STLINK_FIRMWARE_NS (20 * USB_US)

enum stlink_status {
    STLINK_OK = 0x80,
    STLINK_NO_IDCODE = 0x09,
    STLINK_BAD_PARAMETER = 0x0c,
    STLINK_AP_WAIT = 0x10,
    STLINK_AP_FAULT = 0x11,
    STLINK_DP_ERROR = 0x16,
    STLINK_BAD_AP = 0x1d,
    STLINK_UNKNOWN_COMMAND = 0x42
};

struct stlink_reply {
    uint8_t bytes[STLINK_BLOCK_MAX];
    size_t size, sent;
};

/* Data that the host is about to send. */
struct stlink_incoming {
    void (*take)(struct stlink_model *s, uint64_t *now); /* NULL: none is awaited */
    uint32_t address;
    unsigned width;
    bool increment;
    size_t size, count;
    uint8_t bytes[STLINK_BLOCK_MAX];
};

struct stlink_dap {
    uint32_t select, csw, tar, rdbuff, ctrl;
    bool sticky;
};

struct stlink_misc {
    uint8_t operations[STLINK_MISC_MAX];
    uint32_t values[STLINK_MISC_MAX];
    uint8_t statuses[STLINK_MISC_MAX];
    size_t count;
    uint32_t address;
};

struct stlink_model {
    struct stm32_chip *chip;
    const struct usb_device *device;
    unsigned version, jtag, swim; /* V2J37S7 */
    enum stlink_mode mode;
    uint32_t swd_hz;
    unsigned millivolts, waits;
    struct stlink_reply replies[STLINK_REPLIES_MAX]; /* oldest first */
    size_t reply_count;
    struct stlink_incoming incoming;
    uint8_t last_status; /* of the last memory block */
    uint32_t last_address;
    struct stlink_dap dap;
    struct stlink_misc misc;
    uint64_t counts[STLINK_COMMANDS_MAX]; /* by the place in the table */
    uint64_t unknown, odd_commands, lost_replies, stale_replies, oversized;
};

/* Queues a reply of `size` zeros and gives its bytes. */
uint8_t *stlink_reply(struct stlink_model *s, size_t size);
void stlink_reply_status(struct stlink_model *s, enum stlink_status status);
void stlink_put_u16(uint8_t *at, uint32_t value);
void stlink_put_u32(uint8_t *at, uint32_t value);
uint16_t stlink_u16(const uint8_t *at);
uint32_t stlink_u32(const uint8_t *at);

/* stlink_memory.c: so many SWD transfers of 32 bits. */
uint64_t stlink_swd_ns(const struct stlink_model *s, unsigned transfers);
/* One access of the target, WAIT answers tried again. */
enum stlink_status stlink_read(struct stlink_model *s, uint32_t address, unsigned width,
                               uint32_t *value, uint64_t *now);
enum stlink_status stlink_write(struct stlink_model *s, uint32_t address, unsigned width,
                                uint32_t value, uint64_t *now);

/* CSW and TAR before an access, RDBUFF after it. */
void stlink_set_up_access(const struct stlink_model *s, uint64_t *now);
void stlink_read_block(struct stlink_model *s, const uint8_t *command, uint64_t *now);
void stlink_write_block(struct stlink_model *s, const uint8_t *command, uint64_t *now);

/* stlink_commands.c: `command` has all 16 bytes. */
void stlink_run_command(struct stlink_model *s, const uint8_t *command, uint64_t *now);
size_t stlink_command_counts(const struct stlink_model *s, struct usb_count *counts,
                             size_t capacity);

/* stlink_dap.c: the debug and access ports' registers, and RW_MISC. */
void stlink_read_dap(struct stlink_model *s, const uint8_t *command, uint64_t *now);
void stlink_write_dap(struct stlink_model *s, const uint8_t *command, uint64_t *now);
void stlink_misc_out(struct stlink_model *s, const uint8_t *command, uint64_t *now);
void stlink_misc_in(struct stlink_model *s, const uint8_t *command, uint64_t *now);

#endif
