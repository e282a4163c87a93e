/* ST-Link: the device, its modes, the lines of the target. See stlink.h. */
#include "stlink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_options.h"
#include "drivers.h"
#include "usb_device.h"

enum {
    J_MIN = 15,   /* the first firmware that says what became of a memory block */
    J_SPEED = 22, /* the first that takes another clock than 1.8 MHz */
    GUIDE_S = 10, /* unless -x guide says otherwise */
    GUIDE_MAX_S = 600,
    MODE_TRIES = 3,
    FAST_KHZ = 4000
};

/* --- speeds --------------------------------------------------------------------------------- */

/* V2: the divider that DEBUG_SET_SPEED takes. */
static const struct speed {
    uint16_t khz, divider;
} speeds[] = {{4000, 0}, {1800, 1}, {1200, 2}, {950, 3},  {480, 7},  {240, 15},
              {125, 31}, {100, 40}, {50, 79},  {25, 158}, {15, 265}, {5, 798}};

/* V3 tells its own: a count at 8, then kHz, fastest first. */
static enum status speed_of_v3(struct programmer *p, uint32_t khz, uint32_t *out, struct error *e)
{
    enum { LIST_SIZE = 52, COUNT_AT = 8, LIST_AT = 12, LIST_MAX = 10 };
    const struct stlink_command command = {.name = "GET_COM_FREQ",
                                           .bytes = {STLINK_DEBUG, DEBUG_GET_SPEEDS_V3}};
    uint8_t answer[LIST_SIZE];
    TRY(stlink_order(p, &command, answer, sizeof answer, e));
    const unsigned count = answer[COUNT_AT] < LIST_MAX ? answer[COUNT_AT] : LIST_MAX;
    *out = 0;
    for (unsigned i = 0; i < count; i++) {
        const uint32_t here = stlink_get_le32(answer + LIST_AT + 4 * i);
        if (here != 0)
            *out = here;
        if (here <= khz)
            break;
    }
    struct stlink *self = p->state;
    return *out != 0
               ? STATUS_OK
               : error_set(e, STATUS_SILENT, "%s tells no speed that it has", self->usb->name);
}

static enum status set_speed_of_v3(struct programmer *p, uint32_t khz, uint32_t *actual_khz,
                                   struct error *e)
{
    struct stlink_command command = {.name = "SET_COM_FREQ",
                                     .bytes = {STLINK_DEBUG, DEBUG_SET_SPEED_V3}};
    uint8_t answer[8];
    TRY(speed_of_v3(p, khz, actual_khz, e));
    stlink_put_le32(command.bytes + 4, *actual_khz);
    return stlink_order(p, &command, answer, sizeof answer, e);
}

static enum status set_speed_of_v2(struct programmer *p, uint32_t khz, uint32_t *actual_khz,
                                   struct error *e)
{
    const struct stlink *self = p->state;
    struct stlink_command command = {.name = "SWD_SET_FREQ",
                                     .bytes = {STLINK_DEBUG, DEBUG_SET_SPEED}};
    uint8_t answer[2];
    size_t i = 0;
    if (self->j < J_SPEED) {
        *actual_khz = 1800;
        return STATUS_OK;
    }
    while (i + 1 < sizeof speeds / sizeof speeds[0] && speeds[i].khz > khz)
        i++;
    *actual_khz = speeds[i].khz;
    stlink_put_le16(command.bytes + 2, speeds[i].divider);
    return stlink_order(p, &command, answer, sizeof answer, e);
}

static enum status set_speed(struct programmer *p, uint32_t khz, struct error *e)
{
    struct stlink *self = p->state;
    uint32_t actual_khz = 0;
    TRY(self->v3 ? set_speed_of_v3(p, khz, &actual_khz, e)
                 : set_speed_of_v2(p, khz, &actual_khz, e));
    if (actual_khz != self->speed_khz)
        context_log(p->context, LOG_DETAIL, "SWCLK %" PRIu32 " kHz", actual_khz);
    self->speed_khz = actual_khz;
    return STATUS_OK;
}

/* Takes effect by the next enter(). */
static enum status stlink_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                  struct error *e)
{
    struct stlink *self = p->state;
    TRY(set_speed(p, hz / 1000, e));
    *actual_hz = self->speed_khz * 1000;
    return STATUS_OK;
}

/* --- version and mode ----------------------------------------------------------------------- */

/* Big-endian: V in bits 15-12, J in 11-6, S or M in 5-0; V3 says no more than its V there. */
static enum status read_version(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    const struct stlink_command command = {.name = "GET_VERSION", .bytes = {STLINK_GET_VERSION}};
    const struct stlink_command extended = {.name = "GET_VERSION_EX",
                                            .bytes = {STLINK_GET_VERSION_EX}};
    uint8_t answer[12];
    TRY(stlink_ask(self, &command, answer, 6, e));
    const unsigned version = (unsigned)answer[0] << 8 | answer[1];
    self->v = version >> 12;
    self->j = version >> 6 & 0x3f;
    self->s = version & 0x3f;
    self->v3 = self->v == 3;
    self->mass = self->usb->info.product != 0x3748 || self->v3;
    if (self->v3) { /* V, S, J, M in a byte each */
        TRY(stlink_ask(self, &extended, answer, sizeof answer, e));
        self->j = answer[2];
        self->s = answer[3];
    }
    return STATUS_OK;
}

/* An answer to a command of an earlier run, which ended too soon, would be taken for this one's. */
static enum status meet(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    enum status status = read_version(p, e);
    if (status == STATUS_SILENT) {
        *e = (struct error){0};
        TRY(stlink_drain(self, e));
        status = read_version(p, e);
    }
    TRY(status);
    char version[32];
    (void)snprintf(version, sizeof version, "V%uJ%u%c%u", self->v, self->j, self->mass ? 'M' : 'S',
                   self->s);
    context_value(p->context, "firmware", version, NULL, 0);
    context_log(p->context, LOG_DETAIL, "%s has the firmware %s", self->usb->name, version);
    if (self->v < 2 || self->v > 3)
        return error_set(e, STATUS_UNSUPPORTED, "%s says it is an ST-Link V%u, which is not known",
                         self->usb->name, self->v);
    if (self->v3 || self->j >= J_MIN)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNSUPPORTED,
                    "the firmware %s of %s is too old: before J%u it does not say whether memory "
                    "was read or written",
                    version, self->usb->name, J_MIN);
    error_hint(e, "ST's STSW-LINK007 (ST-LinkUpgrade) brings it up to date");
    return e->code;
}

enum mode { MODE_DFU, MODE_MASS, MODE_DEBUG, MODE_SWIM, MODE_BOOT_LOADER };

static enum status read_mode(struct stlink *self, enum mode *mode, struct error *e)
{
    const struct stlink_command command = {.name = "GET_CURRENT_MODE", .bytes = {STLINK_GET_MODE}};
    uint8_t answer[2];
    TRY(stlink_ask(self, &command, answer, sizeof answer, e));
    *mode = (enum mode)answer[0];
    return STATUS_OK;
}

/* None of these has an answer. */
static enum status leave_mode(struct stlink *self, enum mode mode, struct error *e)
{
    static const struct stlink_command dfu = {.name = "DFU_EXIT", .bytes = {STLINK_DFU, 0x07}};
    static const struct stlink_command debug = {.name = "DEBUG_EXIT",
                                                .bytes = {STLINK_DEBUG, DEBUG_EXIT}};
    static const struct stlink_command swim = {.name = "SWIM_EXIT", .bytes = {STLINK_SWIM, 0x01}};
    switch (mode) {
    case MODE_DFU:
        TRY(stlink_send(self, &dfu, e));
        break;
    case MODE_DEBUG:
        TRY(stlink_send(self, &debug, e));
        break;
    case MODE_SWIM:
        TRY(stlink_send(self, &swim, e));
        break;
    case MODE_MASS:
    case MODE_BOOT_LOADER:
        break;
    }
    return usb_finish(self->usb, e);
}

/* A freshly plugged V2 is in DFU mode and deaf to what is about the target. */
static enum status take_mode(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    enum mode mode = MODE_DFU;
    for (unsigned i = 0; i < MODE_TRIES; i++) {
        TRY(read_mode(self, &mode, e));
        if (mode == MODE_MASS)
            return STATUS_OK;
        if (mode == MODE_BOOT_LOADER) {
            (void)error_set(e, STATUS_UNSUPPORTED, "%s waits for new firmware", self->usb->name);
            error_hint(e, "plug it in anew");
            return e->code;
        }
        TRY(leave_mode(self, mode, e));
    }
    return error_set(e, STATUS_SILENT, "%s does not leave its mode %u", self->usb->name, mode);
}

/* --- the driver ----------------------------------------------------------------------------- */

static enum status parse_guide(void *into, const char *value, struct error *e)
{
    unsigned *guide_s = into;
    char *end;
    const unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > GUIDE_MAX_S)
        return error_set(e, STATUS_USAGE, "is a number of seconds, 0 to %u", GUIDE_MAX_S);
    *guide_s = (unsigned)number;
    return STATUS_OK;
}

static enum status parse_options(const struct programmer_config *c, unsigned *guide_s,
                                 struct error *e)
{
    static const struct driver_option options[] = {
        {.name = "guide", .wants_value = true, .parse = parse_guide}};
    *guide_s = GUIDE_S;
    return driver_options_parse(c, options, sizeof options / sizeof options[0], guide_s, e);
}

static enum status stlink_check(const struct programmer_entry *entry,
                                const struct programmer_config *c, struct error *e)
{
    unsigned guide_s;
    (void)entry;
    TRY(parse_options(c, &guide_s, e));
    return usb_check_port(c->port, e);
}

static enum status stlink_open(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    TRY(parse_options(p->config, &self->guide_s, e));
    TRY(usb_device_open(p, &self->usb, e));
    self->out_endpoint = self->usb->info.product == 0x3748 ? 0x02 : 0x01;
    TRY(meet(p, e));
    TRY(take_mode(p, e));
    return set_speed(p, p->config->sck_hz != 0 ? p->config->sck_hz / 1000 : FAST_KHZ, e);
}

static void stlink_close(struct programmer *p)
{
    struct stlink *self = p->state;
    usb_close(self->usb);
    self->usb = NULL;
}

/* V2 does not measure before J13; 0 V where the pin is not wired. */
static enum status stlink_voltage(struct programmer *p, uint32_t *millivolts, struct error *e)
{
    struct stlink *self = p->state;
    const struct stlink_command command = {.name = "GET_TARGET_VOLTAGE",
                                           .bytes = {STLINK_GET_VOLTAGE}};
    uint8_t answer[8];
    TRY(stlink_ask(self, &command, answer, sizeof answer, e));
    const uint32_t reference = stlink_get_le32(answer), target = stlink_get_le32(answer + 4);
    if (reference == 0)
        return error_set(e, STATUS_UNSUPPORTED, "%s does not measure the target's supply",
                         self->usb->name);
    *millivolts = (uint32_t)(UINT64_C(2400) * target / reference);
    return STATUS_OK;
}

static enum status read_core_id(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    const struct stlink_command command = {.name = "READ_IDCODES",
                                           .bytes = {STLINK_DEBUG, DEBUG_READ_IDCODES}};
    uint8_t answer[12];
    TRY(stlink_order(p, &command, answer, sizeof answer, e));
    self->core_id = stlink_get_le32(answer + 4);
    if (self->core_id != 0 && self->core_id != UINT32_MAX)
        return STATUS_OK;
    return error_set(e, STATUS_NO_TARGET, "the id of the chip's debug port reads as 0x%08" PRIx32,
                     self->core_id);
}

/* Attaches without a reset. What was attached before is let go of first, so that the port is set up
 * anew. */
static enum status stlink_enter(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    const struct stlink_command command = {.name = "ENTER",
                                           .bytes = {STLINK_DEBUG, DEBUG_ENTER, ENTER_SWD}};
    uint8_t answer[2];
    if (self->debugging)
        TRY(leave_mode(self, MODE_DEBUG, e));
    self->debugging = true;
    TRY(stlink_order(p, &command, answer, sizeof answer, e));
    return read_core_id(p, e);
}

/* The command that failed last may still have an answer on its way. */
static enum status stlink_leave(struct programmer *p, struct error *e)
{
    struct stlink *self = p->state;
    if (!self->in_step)
        TRY(stlink_drain(self, e));
    self->debugging = false;
    return leave_mode(self, MODE_DEBUG, e);
}

static enum status stlink_reset_line(struct programmer *p, bool low, struct error *e)
{
    const struct stlink_command command = {.name = "DRIVE_NRST",
                                           .bytes = {STLINK_DEBUG, DEBUG_DRIVE_NRST, low ? 0 : 1}};
    uint8_t answer[2];
    return stlink_order(p, &command, answer, sizeof answer, e);
}

static uint32_t stlink_core_id(const struct programmer *p)
{
    const struct stlink *self = p->state;
    return self->core_id;
}

static unsigned stlink_guide_s(const struct programmer *p)
{
    const struct stlink *self = p->state;
    return self->guide_s;
}

static const struct usb_lookalike stlink_lookalikes[] = {
    {0x0483, 0x3744, "an ST-Link V1, which speaks another protocol"},
    {0x0483, 0x5740, "a serial adapter, in spite of what may be printed on it"},
    {0, 0, NULL}};

static const struct swd_ops stlink_swd = {
    .words = stlink_words,
    .read = stlink_read,
    .write = stlink_write,
    .set_register = stlink_set_register,
    .reset_line = stlink_reset_line,
    .core_id = stlink_core_id,
    .guide_s = stlink_guide_s,
};

const struct programmer_driver stlink_driver = {
    .name = "stlink",
    .proven = "model",
    .state_size = sizeof(struct stlink),
    .sck_min_hz = 5000,
    .sck_max_hz = 24000000,
    .options_help = "guide=SECONDS  how long to wait for a finger on RESET where nothing else "
                    "helps (10); 0: not at all",
    .swd = &stlink_swd,
    .lookalikes = stlink_lookalikes,
    .check = stlink_check,
    .open = stlink_open,
    .close = stlink_close,
    .enter = stlink_enter,
    .leave = stlink_leave,
    .set_sck = stlink_set_sck,
    .voltage = stlink_voltage,
};
