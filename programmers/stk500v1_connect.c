/* The STK500v1 driver: finding the device at its rate, past a boot loader, and knowing what it is.
 *
 * Sources: ArduinoISP.ino of the Arduino examples (version 1.18) and HardwareSerial of the Arduino
 * core; optiboot.c; application note AVR061, "STK500 Communication Protocol". */
#include <stdio.h>
#include <string.h>

#include "stk500v1.h"

enum { SKETCH_MAJOR = 1, SKETCH_MINOR = 18 };

/* The sketch comes with 19200 and offers 115200 and 1000000; STK500 has 115200. */
static const uint32_t usual_rates[] = {19200, 115200, 57600, 9600, 1000000};

struct rates {
    const uint32_t *list;
    size_t count;
};

static struct rates rates_to_try(const struct programmer *p)
{
    const struct stk500v1 *self = p->state;
    if (p->config->baud != 0)
        return (struct rates){&p->config->baud, 1};
    if (!stream_has_baud(self->stk.stream))
        return (struct rates){usual_rates, 1};
    return (struct rates){usual_rates, sizeof usual_rates / sizeof usual_rates[0]};
}

/* One look at each rate. *who: the best answer; the rate that gave it stays set. */
static enum status look(struct programmer *p, unsigned wait_ms, bool fill, enum stk_identity *who,
                        struct error *e)
{
    struct stk500v1 *self = p->state;
    const struct rates rates = rates_to_try(p);
    *who = STK_NOBODY;
    for (size_t i = 0; i < rates.count; i++) {
        enum stk_identity found;
        bool heard = false;
        TRY(stk_set_baud(&self->stk, rates.list[i], e));
        TRY(stk_meet(&self->stk, 2, wait_ms, &found, e));
        if (found == STK_NOBODY && fill)
            TRY(stk_fill(&self->stk, &heard, e));
        if (found == STK_NONSENSE || heard) /* it may only be out of step: some more */
            TRY(stk_meet(&self->stk, 3, wait_ms, &found, e));
        if (found > *who)
            *who = found;
        if (found >= STK_BOOTLOADER)
            break;
    }
    return STATUS_OK;
}

/* A boot loader that hears LEAVE_PROGMODE starts the sketch (optiboot: by its watchdog, 16 ms).
 * Whether it does shows later: its answer does not matter. */
enum status stk500v1_dismiss_bootloader(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    context_log(p->context, LOG_NOTE,
                "the board's boot loader answers: told to leave, waiting for the ISP sketch");
    const enum status status = stk_simple(&self->stk, STK_LEAVE_PROGMODE, e);
    return status == STATUS_SILENT || status == STATUS_TIMEOUT ? STATUS_OK : status;
}

enum status stk500v1_reset_board(struct programmer *p, struct error *e)
{
    enum { IDLE_MS = 50, BOOT_MS = 2000 }; /* a boot loader's second, the sketch's blinking */
    struct stk500v1 *self = p->state;
    context_log(p->context, LOG_NOTE, "the board is silent: reset by DTR");
    TRY(stream_set_lines(self->stk.stream, false, false, e));
    TRY(context_sleep(p->context, IDLE_MS * 1000u, e));
    TRY(stream_set_lines(self->stk.stream, true, true, e));
    return context_sleep(p->context, BOOT_MS * 1000u, e);
}

static enum status nobody_there(const struct programmer *p, enum stk_identity who, struct error *e)
{
    const struct stk500v1 *self = p->state;
    const char *port = self->stk.stream->name;
    char heard[32];
    switch (who) {
    case STK_BOOTLOADER:
        (void)error_set(e, STATUS_SILENT,
                        "%s: this is a boot loader (optiboot or alike), not the ISP sketch", port);
        error_hint(e, "load File > Examples > ArduinoISP into the board first; to write the "
                      "board's own chip use -c arduino");
        break;
    case STK_NONSENSE:
        (void)error_set(e, STATUS_SILENT, "%s: the device answers, but not in STK500v1 (heard %s)",
                        port, stk_heard_text(&self->stk, heard, sizeof heard));
        error_hint(e, "is it the right port (-P), rate (-b) and programmer (-c)?");
        break;
    case STK_NOBODY:
    case STK_PROGRAMMER:
        (void)error_set(e, STATUS_SILENT, "%s: no programmer answers", port);
        error_hint(e, "is it the right port (-P), and has the board been loaded with the "
                      "ArduinoISP sketch?");
        break;
    }
    if (p->config->baud != 0)
        error_hint(e, "leave -b out to have the usual rates tried: the sketch comes with 19200");
    return STATUS_SILENT;
}

/* Opening the port may have reset the board: then its boot loader has the line for one or two
 * seconds, at its own rate, and every byte that it understands prolongs that; then the sketch
 * blinks for half a second. So: a quick look, and further ones after a silence. */
static enum status find_programmer(struct programmer *p, struct error *e)
{
    static const struct {
        unsigned silence_ms, wait_ms;
        bool fill;
    } looks[] = {{0, 150, false}, {1500, 150, true}, {3000, 250, true}};
    enum { AFTER_LEAVE_MS = 700 };
    enum stk_identity best = STK_NOBODY;
    bool dismissed = false;
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        enum stk_identity who;
        TRY(context_sleep(p->context, looks[i].silence_ms * 1000u, e));
        TRY(look(p, looks[i].wait_ms, looks[i].fill, &who, e));
        if (who == STK_BOOTLOADER) {
            best = who;
            TRY(stk500v1_dismiss_bootloader(p, e));
            if (!dismissed) {
                dismissed = true;
                TRY(context_sleep(p->context, AFTER_LEAVE_MS * 1000u, e));
                TRY(look(p, looks[i].wait_ms, false, &who, e));
            }
        }
        if (who == STK_PROGRAMMER)
            return STATUS_OK;
        best = who > best ? who : best;
    }
    return nobody_there(p, best, e);
}

/* The sketch says "AVR ISP", as the real AVRISP does, but always version 1.18 and 0 for a target
 * voltage it cannot measure. */
static enum status identify(struct programmer *p, struct error *e)
{
    struct stk500v1 *self = p->state;
    uint8_t major = 0, minor = 0, vtarget = 0;
    TRY(stk_get_parameter(&self->stk, STK_SW_MAJOR, &major, e));
    TRY(stk_get_parameter(&self->stk, STK_SW_MINOR, &minor, e));
    TRY(stk_get_parameter(&self->stk, STK_VTARGET, &vtarget, e));
    self->sketch = strcmp(self->stk.sign_on, "AVR ISP") == 0 && major == SKETCH_MAJOR &&
                   minor == SKETCH_MINOR && vtarget == 0;
    self->long_reads = self->sketch;
    self->stk.ahead = self->sketch ? STK_RING : 0;
    char rate[40];
    char firmware[64];
    (void)snprintf(firmware, sizeof firmware, "%s %u.%u%s", self->stk.sign_on, (unsigned)major,
                   (unsigned)minor, self->sketch ? " (ArduinoISP sketch)" : "");
    context_value(p->context, "firmware", firmware, NULL, 0);
    context_value(p->context, "port", self->stk.stream->name, NULL, 0);
    if (self->stk.baud != 0) {
        (void)snprintf(rate, sizeof rate, "%lu", (unsigned long)self->stk.baud);
        context_value(p->context, "baud", rate, NULL, 0);
    }
    return STATUS_OK;
}

enum status stk500v1_adopt(struct programmer *p, struct stream *stream, struct error *e)
{
    struct stk500v1 *self = p->state;
    self->stk.context = p->context;
    self->stk.stream = stream;
    TRY(find_programmer(p, e));
    return identify(p, e);
}

enum status stk500v1_open(struct programmer *p, struct error *e)
{
    struct stream *stream = NULL;
    const uint32_t baud = p->config->baud != 0 ? p->config->baud : usual_rates[0];
    const struct stream_options options = {.baud = baud, .lines_alone = true};
    TRY(stream_open_or_find(p->config->port, p->driver->serial_ids, &options, p->context, &stream,
                            e));
    return stk500v1_adopt(p, stream, e);
}
