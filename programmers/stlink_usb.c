/* ST-Link: commands, answers, and what a status means. */
#include <string.h>

#include "stlink.h"

enum {
    TIMEOUT_MS = 3000, /* a busy machine, too, is faster than that */
    DRAIN_MS = 20,
    DRAINS = 8,
    WAITS = 8 /* 1, 2, 4, ... ms */
};

enum { ENDPOINT_IN = 0x81 };

void stlink_put_le16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

void stlink_put_le32(uint8_t *out, uint32_t value)
{
    stlink_put_le16(out, (uint16_t)value);
    stlink_put_le16(out + 2, (uint16_t)(value >> 16));
}

uint32_t stlink_get_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

enum status stlink_send(struct stlink *self, const struct stlink_command *command, struct error *e)
{
    const struct usb_request request = {.name = command->name, .endpoint = self->out_endpoint};
    uint8_t *bytes = self->commands[self->next];
    self->next = (self->next + 1) % (2 * USB_QUEUE_MAX);
    memcpy(bytes, command->bytes, STLINK_COMMAND_SIZE);
    return usb_queue_out(self->usb, &request, bytes, STLINK_COMMAND_SIZE, TIMEOUT_MS, 0, e);
}

enum status stlink_data(struct stlink *self, const char *name, const uint8_t *data, size_t size,
                        struct error *e)
{
    const struct usb_request request = {.name = name, .endpoint = self->out_endpoint};
    return usb_queue_out(self->usb, &request, data, size, TIMEOUT_MS, 0, e);
}

enum status stlink_ask(struct stlink *self, const struct stlink_command *command, uint8_t *answer,
                       size_t size, struct error *e)
{
    const struct usb_request request = {.name = command->name, .endpoint = ENDPOINT_IN};
    self->in_step = false;
    TRY(stlink_send(self, command, e));
    TRY(usb_queue_in(self->usb, &request, answer, size, TIMEOUT_MS, 0, e));
    TRY(usb_finish(self->usb, e));
    self->in_step = true;
    return STATUS_OK;
}

enum status stlink_drain(struct stlink *self, struct error *e)
{
    const struct usb_request request = {.name = "what is left over", .endpoint = ENDPOINT_IN};
    uint8_t bytes[64];
    for (unsigned i = 0; i < DRAINS; i++) {
        size_t got;
        const enum status status =
            usb_ask(self->usb, &request, bytes, sizeof bytes, DRAIN_MS, &got, e);
        if (status == STATUS_TIMEOUT) {
            *e = (struct error){0};
            self->in_step = true;
            return STATUS_OK;
        }
        TRY(status);
    }
    return error_set(e, STATUS_SILENT, "%s talks without being asked", self->usb->name);
}

bool stlink_is_wait(uint8_t status)
{
    return status == STLINK_AP_WAIT || status == STLINK_DP_WAIT;
}

enum status stlink_judge(const struct stlink *self, uint8_t status, const char *what,
                         struct error *e)
{
    const char *name = self->usb->name;
    switch (status) {
    case STLINK_OK:
        return STATUS_OK;
    case STLINK_AP_WAIT:
    case STLINK_DP_WAIT:
        return error_set(e, STATUS_TIMEOUT, "%s: %s: the chip's bus stays busy", name, what);
    case STLINK_AP_FAULT:
        return error_set(e, STATUS_PROTECTED, "%s: %s: the chip refused that access (bus error)",
                         name, what);
    case STLINK_NO_DEVICE:
    case STLINK_NO_IDCODE:
        return error_set(e, STATUS_NO_TARGET, "%s: %s: no chip answers", name, what);
    case STLINK_UNKNOWN_COMMAND:
        (void)error_set(e, STATUS_UNSUPPORTED, "%s does not know %s", name, what);
        error_hint(e, "its firmware may be too old: ST's STSW-LINK007 brings it up to date");
        return e->code;
    default:
        break;
    }
    return error_set(e, STATUS_NO_TARGET,
                     "%s: %s: the chip does not answer properly (status 0x%02x)", name, what,
                     status);
}

enum status stlink_order(struct programmer *p, const struct stlink_command *command,
                         uint8_t *answer, size_t size, struct error *e)
{
    struct stlink *self = p->state;
    for (unsigned wait = 0;; wait++) {
        TRY(stlink_ask(self, command, answer, size, e));
        if (!stlink_is_wait(answer[0]) || wait == WAITS)
            return stlink_judge(self, answer[0], command->name, e);
        TRY(context_sleep(p->context, UINT64_C(1000) << wait, e));
    }
}
