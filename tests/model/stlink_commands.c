/* What an ST-Link does with each command. Bytes are named as in the table at the end: a32 is a
 * little-endian address, l16 a length. */
#include <string.h>

#include "stlink_private.h"

enum { GET_VERSION = 0xf1, DEBUG = 0xf2, DFU = 0xf3, SWIM = 0xf4, GET_MODE = 0xf5 };
enum { GET_VOLTAGE = 0xf7, GET_VERSION_EX = 0xfb };

/* --- Replies -------------------------------------------------------------------------------- */

void stlink_put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

void stlink_put_u32(uint8_t *at, uint32_t value)
{
    stlink_put_u16(at, value & 0xffff);
    stlink_put_u16(at + 2, value >> 16);
}

uint16_t stlink_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t stlink_u32(const uint8_t *at)
{
    return stlink_u16(at) | (uint32_t)stlink_u16(at + 2) << 16;
}

/* A reply that the host has not fetched stays first in the pipe. */
uint8_t *stlink_reply(struct stlink_model *s, size_t size)
{
    s->stale_replies += s->reply_count > 0;
    if (s->reply_count == STLINK_REPLIES_MAX) {
        s->lost_replies++;
        s->reply_count--;
    }
    struct stlink_reply *r = &s->replies[s->reply_count++];
    memset(r->bytes, 0, size);
    r->size = size;
    r->sent = 0;
    return r->bytes;
}

void stlink_reply_status(struct stlink_model *s, enum stlink_status status)
{
    stlink_reply(s, 2)[0] = (uint8_t)status;
}

/* --- The last block ------------------------------------------------------------------------- */

static void last_status(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    stlink_reply_status(s, (enum stlink_status)s->last_status);
}

static void last_status_2(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    uint8_t *reply = stlink_reply(s, 12);
    reply[0] = s->last_status;
    stlink_put_u32(reply + 4, s->last_address);
}

/* --- Single registers ----------------------------------------------------------------------- */

#define DHCSR UINT32_C(0xe000edf0)
#define DCRSR UINT32_C(0xe000edf4)
#define DCRDR UINT32_C(0xe000edf8)

static void read_debug(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    uint32_t value;
    stlink_set_up_access(s, now);
    const enum stlink_status status = stlink_read(s, stlink_u32(c + 2), 4, &value, now);
    uint8_t *reply = stlink_reply(s, 8);
    reply[0] = (uint8_t)status;
    stlink_put_u32(reply + 4, value);
}

static void write_debug(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    stlink_set_up_access(s, now);
    stlink_reply_status(s, stlink_write(s, stlink_u32(c + 2), 4, stlink_u32(c + 6), now));
}

static enum stlink_status read_core(struct stlink_model *s, uint8_t number, uint32_t *value,
                                    uint64_t *now)
{
    stlink_set_up_access(s, now);
    enum stlink_status status = stlink_write(s, DCRSR, 4, number, now);
    *value = 0;
    if (status == STLINK_OK)
        status = stlink_read(s, DCRDR, 4, value, now);
    return status;
}

static enum stlink_status write_core(struct stlink_model *s, uint8_t number, uint32_t value,
                                     uint64_t *now)
{
    stlink_set_up_access(s, now);
    const enum stlink_status status = stlink_write(s, DCRDR, 4, value, now);
    return status == STLINK_OK ? stlink_write(s, DCRSR, 4, 0x10000u | number, now) : status;
}

static void read_register(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    uint32_t value;
    const enum stlink_status status = read_core(s, c[2], &value, now);
    uint8_t *reply = stlink_reply(s, 8);
    reply[0] = (uint8_t)status;
    stlink_put_u32(reply + 4, value);
}

static void write_register(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    stlink_reply_status(s, write_core(s, c[2], stlink_u32(c + 3), now));
}

static void read_all_registers(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    enum stlink_status status = STLINK_OK;
    uint8_t *reply = stlink_reply(s, 88);
    for (uint8_t i = 0; i <= 20 && status == STLINK_OK; i++) {
        uint32_t value;
        status = read_core(s, i, &value, now);
        stlink_put_u32(reply + 4 + 4 * i, value);
    }
    reply[0] = (uint8_t)status;
}

/* The first interface's forms, which later firmware still knows. */
static void read_register_1(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    uint32_t value;
    (void)read_core(s, c[2], &value, now);
    stlink_put_u32(stlink_reply(s, 4), value);
}

static void read_all_registers_1(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    uint8_t *reply = stlink_reply(s, 84);
    for (uint8_t i = 0; i <= 20; i++) {
        uint32_t value;
        (void)read_core(s, i, &value, now);
        stlink_put_u32(reply + 4 * i, value);
    }
}

static void set_dhcsr(struct stlink_model *s, uint32_t control, uint64_t *now)
{
    stlink_set_up_access(s, now);
    stlink_reply_status(s, stlink_write(s, DHCSR, 4, 0xa05f0000 | control, now));
}

static void force_debug(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    set_dhcsr(s, 3, now);
}

static void run_core(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    set_dhcsr(s, 1, now);
}

static void step_core(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    set_dhcsr(s, 5, now);
}

static void get_status(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    uint32_t value;
    stlink_set_up_access(s, now);
    (void)stlink_read(s, DHCSR, 4, &value, now);
    stlink_reply(s, 2)[0] = (value & 1u << 17) != 0 ? 0x81 : 0x80;
}

/* --- Connecting and resetting --------------------------------------------------------------- */

/* Only SWD is wired: f2 30 a3, f2 20 a3. */
static void enter(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    uint32_t dpidr;
    *now += stlink_swd_ns(s, 8); /* line reset, switching sequence, DPIDR, power-up request */
    const bool there = stm32_chip_connect(s->chip, &dpidr, *now) == STM32_ACK_OK;
    s->mode = STLINK_MODE_DEBUG;
    stlink_reply_status(s, there && c[2] == 0xa3 ? STLINK_OK : STLINK_NO_IDCODE);
}

static void exit_debug(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    s->mode = STLINK_MODE_MASS;
}

static void read_idcodes(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    uint32_t dpidr = 0;
    *now += stlink_swd_ns(s, 3);
    const bool there = stm32_chip_connect(s->chip, &dpidr, *now) == STM32_ACK_OK;
    uint8_t *reply = stlink_reply(s, 12);
    reply[0] = there ? STLINK_OK : STLINK_NO_IDCODE;
    stlink_put_u32(reply + 4, dpidr);
}

static void read_core_id(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    uint32_t dpidr = 0;
    *now += stlink_swd_ns(s, 3);
    (void)stm32_chip_connect(s->chip, &dpidr, *now);
    stlink_put_u32(stlink_reply(s, 4), dpidr);
}

/* Whether anything is on the other end of NRST, the dongle does not know. */
static void pulse_nrst(struct stlink_model *s, uint64_t *now)
{
    stm32_chip_set_nrst(s->chip, false, *now);
    *now += 100 * USB_US;
    stm32_chip_set_nrst(s->chip, true, *now);
}

static void reset_system(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    pulse_nrst(s, now);
    stlink_reply_status(s, STLINK_OK);
}

static void drive_nrst(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    if (c[2] == 2)
        pulse_nrst(s, now);
    else
        stm32_chip_set_nrst(s->chip, c[2] != 0, *now);
    stlink_reply_status(s, STLINK_OK);
}

static void set_frequency(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    static const struct {
        uint16_t divisor;
        uint32_t hz;
    } table[] = {{0, 4000000}, {1, 1800000}, {2, 1200000}, {3, 950000},  {7, 480000},  {15, 240000},
                 {31, 125000}, {40, 100000}, {79, 50000},  {158, 25000}, {265, 15000}, {798, 5000}};
    (void)now;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].divisor == stlink_u16(c + 2)) {
            s->swd_hz = table[i].hz;
            stlink_reply_status(s, STLINK_OK);
            return;
        }
    }
    stlink_reply_status(s, STLINK_BAD_PARAMETER);
}

/* V3: f2 61 00 00 k32, with the frequency in kHz; it answers with the one it took. */
static const uint32_t v3_khz[] = {24000, 8000, 3300, 1000, 200, 50, 5};

static void set_frequency_v3(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)now;
    const size_t count = sizeof v3_khz / sizeof v3_khz[0];
    size_t i = 0;
    while (i + 1 < count && v3_khz[i] > stlink_u32(c + 4))
        i++;
    s->swd_hz = v3_khz[i] * 1000;
    uint8_t *reply = stlink_reply(s, 8);
    reply[0] = STLINK_OK;
    stlink_put_u32(reply + 4, v3_khz[i]);
}

static void get_frequencies_v3(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    const size_t count = sizeof v3_khz / sizeof v3_khz[0];
    uint8_t *reply = stlink_reply(s, 52);
    reply[0] = STLINK_OK;
    stlink_put_u32(reply + 4, s->swd_hz / 1000);
    reply[8] = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        stlink_put_u32(reply + 12 + 4 * i, v3_khz[i]);
}

static void accept(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    stlink_reply_status(s, STLINK_OK);
}

static void trace_size(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    (void)c;
    (void)now;
    (void)stlink_reply(s, 2); /* nothing was traced */
}

/* --- The dongle itself ---------------------------------------------------------------------- */

static void get_version(struct stlink_model *s)
{
    const unsigned bits = s->version == 3 ? 0x3000 : s->version << 12 | s->jtag << 6 | s->swim;
    uint8_t *reply = stlink_reply(s, 6);
    reply[0] = (uint8_t)(bits >> 8);
    reply[1] = (uint8_t)bits;
    stlink_put_u16(reply + 2, s->device->vendor);
    stlink_put_u16(reply + 4, s->device->product);
}

static void get_version_ex(struct stlink_model *s)
{
    uint8_t *reply = stlink_reply(s, 12);
    reply[0] = (uint8_t)s->version;
    reply[1] = (uint8_t)s->swim;
    reply[2] = (uint8_t)s->jtag;
    reply[3] = 3; /* mass storage, bridge */
    reply[4] = 1;
    stlink_put_u16(reply + 8, s->device->vendor);
    stlink_put_u16(reply + 10, s->device->product);
}

/* Two measurements, of the internal 1.2 V and of half the target's voltage. */
static void get_voltage(struct stlink_model *s)
{
    enum { REFERENCE = 1489 }; /* of 4095, at 3.3 V */
    const unsigned millivolts = stm32_chip_powered(s->chip) ? s->millivolts : 0;
    uint8_t *reply = stlink_reply(s, 8);
    stlink_put_u32(reply, REFERENCE);
    stlink_put_u32(reply + 4, millivolts * REFERENCE / 2400);
}

/* --- The table ------------------------------------------------------------------------------ */

struct command {
    const char *name; /* for counts */
    void (*run)(struct stlink_model *s, const uint8_t *command, uint64_t *now);
    uint8_t code;
    uint8_t since; /* firmware: the number after J */
    uint8_t only;  /* on this version; 0: on all */
};

static const struct command commands[] = {
    {"stlink.get-status", get_status, 0x01, 0, 2},
    {"stlink.force-debug", force_debug, 0x02, 0, 2},
    {"stlink.reset-1", reset_system, 0x03, 0, 2},
    {"stlink.read-all-1", read_all_registers_1, 0x04, 0, 2},
    {"stlink.read-register-1", read_register_1, 0x05, 0, 2},
    {"stlink.write-register-1", write_register, 0x06, 0, 2},
    {"stlink.read-32", stlink_read_block, 0x07, 0, 0},   /* a32 l16 */
    {"stlink.write-32", stlink_write_block, 0x08, 0, 0}, /* a32 l16 */
    {"stlink.run", run_core, 0x09, 0, 2},
    {"stlink.step", step_core, 0x0a, 0, 2},
    {"stlink.read-8", stlink_read_block, 0x0c, 0, 0},   /* a32 l16 */
    {"stlink.write-8", stlink_write_block, 0x0d, 0, 0}, /* a32 l16 */
    {"stlink.write-debug-1", write_debug, 0x0f, 0, 2},
    {"stlink.enter", enter, 0x20, 0, 2},
    {"stlink.exit", exit_debug, 0x21, 0, 0},
    {"stlink.read-core-id", read_core_id, 0x22, 0, 2},
    {"stlink.enter", enter, 0x30, 11, 0}, /* a3 */
    {"stlink.read-idcodes", read_idcodes, 0x31, 11, 0},
    {"stlink.reset", reset_system, 0x32, 11, 0},
    {"stlink.read-register", read_register, 0x33, 11, 0},   /* number */
    {"stlink.write-register", write_register, 0x34, 11, 0}, /* number v32 */
    {"stlink.write-debug", write_debug, 0x35, 11, 0},       /* a32 v32 */
    {"stlink.read-debug", read_debug, 0x36, 11, 0},         /* a32 */
    {"stlink.read-all", read_all_registers, 0x3a, 11, 0},
    {"stlink.status", last_status, 0x3b, 11, 0},
    {"stlink.drive-nrst", drive_nrst, 0x3c, 11, 0}, /* 0 low, 1 high, 2 pulse */
    {"stlink.status-2", last_status_2, 0x3e, 15, 0},
    {"stlink.start-trace", accept, 0x40, 13, 0},
    {"stlink.stop-trace", accept, 0x41, 13, 0},
    {"stlink.trace-size", trace_size, 0x42, 13, 0},
    {"stlink.set-frequency", set_frequency, 0x43, 22, 2}, /* divisor16 */
    {"stlink.read-dap", stlink_read_dap, 0x45, 24, 0},
    {"stlink.write-dap", stlink_write_dap, 0x46, 24, 0},
    {"stlink.read-16", stlink_read_block, 0x47, 26, 0},   /* a32 l16 */
    {"stlink.write-16", stlink_write_block, 0x48, 26, 0}, /* a32 l16 */
    {"stlink.init-ap", accept, 0x4b, 28, 0},
    {"stlink.close-ap", accept, 0x4c, 28, 0},
    {"stlink.write-32-same", stlink_write_block, 0x50, 26, 0}, /* a32 l16 */
    {"stlink.misc-out", stlink_misc_out, 0x51, 32, 0},
    {"stlink.misc-in", stlink_misc_in, 0x52, 32, 0},
    {"stlink.read-32-same", stlink_read_block, 0x54, 32, 0}, /* a32 l16 */
    {"stlink.set-frequency", set_frequency_v3, 0x61, 0, 3},
    {"stlink.get-frequencies", get_frequencies_v3, 0x62, 0, 3},
};
_Static_assert(sizeof commands / sizeof commands[0] <= STLINK_COMMANDS_MAX, "counts");

static void unknown(struct stlink_model *s)
{
    s->unknown++;
    stlink_reply_status(s, STLINK_UNKNOWN_COMMAND);
}

static void debug_command(struct stlink_model *s, const uint8_t *c, uint64_t *now)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *known = &commands[i];
        const bool here = known->only == 0 || known->only == s->version;
        if (known->code == c[1] && here && (s->version == 3 || s->jtag >= known->since)) {
            s->counts[i]++;
            known->run(s, c, now);
            return;
        }
    }
    unknown(s);
}

void stlink_run_command(struct stlink_model *s, const uint8_t *command, uint64_t *now)
{
    *now += STLINK_FIRMWARE_NS;
    const bool dfu = s->mode == STLINK_MODE_DFU;
    if (command[0] == GET_VERSION) {
        get_version(s);
    } else if (command[0] == GET_MODE) {
        stlink_reply(s, 2)[0] = (uint8_t)s->mode;
    } else if (command[0] == DFU) {
        if (command[1] == 7 && dfu)
            s->mode = STLINK_MODE_MASS;
    } else if (dfu) {
        s->unknown++; /* nothing else is understood, nor answered */
    } else if (command[0] == SWIM) {
        if (command[1] == 1 && s->mode == STLINK_MODE_SWIM)
            s->mode = STLINK_MODE_MASS;
    } else if (command[0] == GET_VOLTAGE && s->jtag >= 13 - 11 * (s->version == 3)) {
        get_voltage(s);
    } else if (command[0] == GET_VERSION_EX && s->version == 3) {
        get_version_ex(s);
    } else if (command[0] == DEBUG) {
        debug_command(s, command, now);
    } else {
        unknown(s);
    }
}

size_t stlink_command_counts(const struct stlink_model *s, struct usb_count *counts,
                             size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0] && count < capacity; i++)
        if (s->counts[i] != 0)
            counts[count++] = (struct usb_count){commands[i].name, s->counts[i]};
    return count;
}
