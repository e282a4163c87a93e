/* A programmer without a wire around the tests' chip model. */
#include "support/chip_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

enum { RESET_SETTLE_MS = 25 };

static struct chip_rig *rig_of(const struct programmer *p)
{
    return p->state;
}

/* --- clock and listener --------------------------------------------------------------------- */

static uint64_t rig_now_us(struct clock *self)
{
    return ((const struct chip_rig *)self)->now_ns / 1000;
}

static void rig_sleep_us(struct clock *self, uint64_t us)
{
    ((struct chip_rig *)self)->now_ns += us * 1000;
}

static struct chip_rig *rig_of_sink(struct sink *sink)
{
    return (struct chip_rig *)((char *)sink - offsetof(struct chip_rig, sink));
}

static void append(char *text, size_t capacity, const char *more)
{
    const size_t used = strlen(text);
    (void)snprintf(text + used, capacity - used, "%s", more);
}

static void hear_log(struct chip_rig *rig, const struct event *event)
{
    static const char *const levels[] = {"warning", "note", "detail", "debug"};
    char line[1200];
    (void)snprintf(line, sizeof line, "%s: %s\n", levels[event->log.level], event->log.text);
    append(rig->log, sizeof rig->log, line);
}

static void hear_end(struct chip_rig *rig, const struct event *event)
{
    char line[128];
    const struct memory *m = event->progress.memory;
    (void)snprintf(line, sizeof line, "%s%s%s %u/%u %s;", event_step_name(event->progress.step),
                   m != NULL ? " " : "", m != NULL ? m->name : "", (unsigned)event->progress.done,
                   (unsigned)event->progress.total, error_status_name(event->progress.status));
    append(rig->steps, sizeof rig->steps, line);
}

static void hear_value(struct chip_rig *rig, const struct event *event)
{
    char line[256];
    int used = snprintf(line, sizeof line, "%s=", event->value.name);
    for (size_t i = 0; event->value.bytes != NULL && i < event->value.size && i < 16; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%02x", event->value.bytes[i]);
    (void)snprintf(line + used, sizeof line - (size_t)used, "%s%s;",
                   event->value.bytes != NULL && event->value.text != NULL ? " " : "",
                   event->value.text != NULL ? event->value.text : "");
    append(rig->values, sizeof rig->values, line);
}

static void rig_emit(struct sink *self, const struct event *event)
{
    struct chip_rig *rig = rig_of_sink(self);
    switch (event->kind) {
    case EVENT_LOG:
        hear_log(rig, event);
        break;
    case EVENT_BEGIN:
        rig->begun++;
        rig->progress = 0;
        break;
    case EVENT_PROGRESS:
        if (event->progress.done < rig->progress || event->progress.done > event->progress.total)
            rig->progress_wrong = true;
        rig->progress = event->progress.done;
        break;
    case EVENT_END:
        rig->ended++;
        hear_end(rig, event);
        break;
    case EVENT_VALUE:
        hear_value(rig, event);
        break;
    case EVENT_MISMATCH:
        rig->mismatches++;
        break;
    case EVENT_REPORT:
        rig->reports++;
        break;
    case EVENT_ERROR:
        rig->errors++;
        break;
    case EVENT_WIRE:
        break;
    }
}

/* --- the driver ----------------------------------------------------------------------------- */

/* Counts a call; fails or interrupts it if it is the one. */
static enum status called(struct programmer *p, unsigned *counter, struct error *e)
{
    struct chip_rig *rig = rig_of(p);
    rig->calls++;
    (*counter)++;
    if (rig->calls == rig->cancel_at)
        rig->cancel = 1;
    if (rig->calls == rig->fail_at || (rig->gone_at != 0 && rig->calls >= rig->gone_at))
        return error_set(e, STATUS_LINK, "unplugged at call %u", rig->calls);
    return STATUS_OK;
}

static void instruct(struct chip_rig *rig, const uint8_t mosi[4], uint8_t miso[4])
{
    const bool noisy = rig->noisy_above_hz != 0 && rig->sck_hz > rig->noisy_above_hz &&
                       rig->instructions >= rig->noisy_from;
    if (rig->noisy_above_hz != 0)
        avr_chip_set_fault(rig->chip, AVR_FAULT_BIT_ERRORS, noisy);
    avr_chip_instruction(rig->chip, mosi, miso, &rig->now_ns,
                         (500000000u + rig->sck_hz - 1) / rig->sck_hz);
    rig->instructions++;
}

static bool active_high(const struct programmer *p)
{
    return p->part->reset_active_high;
}

static enum status rig_enter(struct programmer *p, struct error *e)
{
    struct chip_rig *rig = rig_of(p);
    rig->answered = false;
    TRY(called(p, &rig->enters, e));
    avr_chip_set_pin(rig->chip, AVR_PIN_SCK, false, rig->now_ns);
    avr_chip_set_pin(rig->chip, AVR_PIN_RESET, !active_high(p), rig->now_ns);
    rig->now_ns += AVR_MS;
    avr_chip_set_pin(rig->chip, AVR_PIN_RESET, active_high(p), rig->now_ns);
    rig->now_ns += RESET_SETTLE_MS * AVR_MS;
    if ((p->driver->features & PROGRAMMER_ENABLES) != 0) {
        uint8_t miso[4];
        instruct(rig, (const uint8_t[]){0xac, 0x53, 0, 0}, miso);
        if ((p->driver->features & PROGRAMMER_REPORTS_ENABLE) != 0 &&
            miso[p->part->enable_reply_byte] != p->part->enable_reply_value)
            return error_set(e, STATUS_NO_TARGET, "not enabled");
    }
    rig->answered = true;
    return STATUS_OK;
}

static enum status rig_leave(struct programmer *p, struct error *e)
{
    struct chip_rig *rig = rig_of(p);
    (void)e;
    rig->answered = false;
    rig->leaves++;
    avr_chip_set_pin(rig->chip, AVR_PIN_RESET, !active_high(p), rig->now_ns);
    rig->now_ns += AVR_MS;
    return STATUS_OK;
}

static void rig_wait(struct chip_rig *rig, const struct isp_exchange *item)
{
    const uint64_t end = rig->now_ns + item->wait_us * AVR_US;
    uint8_t miso[4] = {0, 0, 0, 1};
    while (item->ready_poll && rig->now_ns < end && (miso[3] & 1) != 0)
        instruct(rig, (const uint8_t[]){0xf0, 0, 0, 0}, miso);
    if (rig->now_ns < end && (miso[3] & 1) != 0)
        rig->now_ns = end;
}

/* Waits are cut short as soon as the user wants out, as in real drivers. */
static enum status rig_batch(struct programmer *p, struct isp_exchange *batch, size_t count,
                             struct error *e)
{
    struct chip_rig *rig = rig_of(p);
    for (size_t i = 0; i < count; i++) {
        instruct(rig, batch[i].mosi, batch[i].miso);
        if ((p->driver->features & PROGRAMMER_SEES_ECHO) == 0)
            memset(batch[i].miso, 0x5a, 3); /* not valid, so nobody may look */
        TRY(context_check(p->context, e));
        rig_wait(rig, &batch[i]);
    }
    return STATUS_OK;
}

static enum status rig_exchange(struct programmer *p, struct isp_exchange *batch, size_t count,
                                struct error *e)
{
    TRY(called(p, &rig_of(p)->exchanges, e));
    return rig_batch(p, batch, count, e);
}

static enum status one(struct programmer *p, const struct isp_command *c, uint32_t address,
                       uint8_t data, uint32_t wait_us, uint8_t *out, struct error *e)
{
    struct isp_exchange item = {.wait_us = wait_us};
    memcpy(item.mosi, c->bytes, 4);
    item.mosi[1] = (uint8_t)(item.mosi[1] | address >> 8);
    item.mosi[2] = (uint8_t)(item.mosi[2] | address);
    item.mosi[3] = (uint8_t)(item.mosi[3] | data);
    TRY(rig_batch(p, &item, 1, e));
    *out = item.miso[3];
    return STATUS_OK;
}

static enum status rig_read(struct programmer *p, const struct memory *m, uint32_t address,
                            uint8_t *data, size_t size, struct error *e)
{
    struct chip_rig *rig = rig_of(p);
    const bool words = m->isp.read[1].present;
    TRY(called(p, &rig->reads, e));
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t at = address + i;
        TRY(one(p, &m->isp.read[words ? at & 1 : 0], words ? at / 2 : at, 0, 0, &data[i], e));
        context_advance(p->context, 1);
    }
    return STATUS_OK;
}

static enum status write_unit(struct programmer *p, const struct memory *m, uint32_t address,
                              const uint8_t *data, uint32_t unit, struct error *e)
{
    const bool paged = m->page_size > 0, words = m->isp.read[1].present;
    const struct isp_command *c = paged ? m->isp.load : m->isp.write;
    uint8_t ignored;
    for (uint32_t i = 0; i < unit; i++) {
        const uint32_t at = address + i;
        TRY(one(p, &c[words ? at & 1 : 0], words ? at / 2 : at, data[i], paged ? 0 : m->write_us,
                &ignored, e));
    }
    if (paged)
        TRY(one(p, &m->isp.commit, words ? address / 2 : address, 0, m->write_us, &ignored, e));
    context_advance(p->context, unit);
    return STATUS_OK;
}

/* A page that was begun is finished, whoever wants out. */
static enum status rig_write(struct programmer *p, const struct memory *m, uint32_t address,
                             const uint8_t *data, size_t size, struct error *e)
{
    const uint32_t unit = m->page_size > 0 ? m->page_size : 1;
    TRY(called(p, &rig_of(p)->writes, e));
    if (address % unit != 0 || size % unit != 0)
        return error_set(e, STATUS_INTERNAL, "not whole pages");
    for (uint32_t i = 0; i < size; i += unit) {
        TRY(context_check(p->context, e));
        const bool leaving = p->context->leaving;
        p->context->leaving = true;
        const enum status status = write_unit(p, m, address + i, data + i, unit, e);
        p->context->leaving = leaving;
        TRY(status);
    }
    return STATUS_OK;
}

static enum status rig_erase(struct programmer *p, struct error *e)
{
    uint8_t ignored;
    TRY(called(p, &rig_of(p)->erases, e));
    return one(p, &p->part->chip_erase, 0, 0, p->part->erase_us, &ignored, e);
}

static enum status rig_set_sck(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                               struct error *e)
{
    TRY(called(p, &rig_of(p)->sck_changes, e));
    struct chip_rig *rig = rig_of(p);
    rig->sck_hz = rig->sck_rates != NULL ? rig->sck_rates[0] : hz;
    for (const uint32_t *rate = rig->sck_rates; rate != NULL && *rate != 0; rate++)
        rig->sck_hz = *rate <= hz ? *rate : rig->sck_hz;
    *actual_hz = rig->sck_hz;
    return STATUS_OK;
}

static enum status rig_voltage(struct programmer *p, uint32_t *millivolts, struct error *e)
{
    if (rig_of(p)->supply_mv == 0)
        return error_set(e, STATUS_UNSUPPORTED, "it is not measured");
    *millivolts = rig_of(p)->supply_mv;
    return STATUS_OK;
}

/* As a USBasp: a new SCK takes a new start, and that says whether the chip follows. */
static enum status rig_set_sck_anew(struct programmer *p, uint32_t hz, uint32_t *actual_hz,
                                    struct error *e)
{
    const uint32_t before_hz = rig_of(p)->sck_hz;
    TRY(rig_set_sck(p, hz, actual_hz, e));
    return rig_of(p)->answered && *actual_hz != before_hz ? rig_enter(p, e) : STATUS_OK;
}

/* --- a boot loader instead ------------------------------------------------------------------ */

static enum avr_memory model_memory(const struct memory *m)
{
    return m->kind == MEMORY_FLASH    ? AVR_FLASH
           : m->kind == MEMORY_EEPROM ? AVR_EEPROM
                                      : AVR_SIGNATURE;
}

static enum status boot_enter(struct programmer *p, struct error *e)
{
    return called(p, &rig_of(p)->enters, e);
}

static enum status boot_leave(struct programmer *p, struct error *e)
{
    (void)e;
    rig_of(p)->leaves++;
    return STATUS_OK;
}

static enum status boot_read(struct programmer *p, const struct memory *m, uint32_t address,
                             uint8_t *data, size_t size, struct error *e)
{
    TRY(called(p, &rig_of(p)->reads, e));
    memcpy(data, avr_chip_memory(rig_of(p)->chip, model_memory(m), NULL) + address, size);
    context_advance(p->context, (uint32_t)size);
    return STATUS_OK;
}

static enum status boot_write(struct programmer *p, const struct memory *m, uint32_t address,
                              const uint8_t *data, size_t size, struct error *e)
{
    TRY(called(p, &rig_of(p)->writes, e));
    memcpy(avr_chip_memory(rig_of(p)->chip, model_memory(m), NULL) + address, data, size);
    context_advance(p->context, (uint32_t)size);
    return STATUS_OK;
}

static const struct programmer_driver drivers[] = {
    [RIG_PLAIN] = {.name = "plain",
                   .features = PROGRAMMER_SEES_ECHO,
                   .sck_min_hz = 500,
                   .sck_max_hz = 4000000,
                   .enter = rig_enter,
                   .leave = rig_leave,
                   .exchange = rig_exchange,
                   .set_sck = rig_set_sck,
                   .voltage = rig_voltage},
    [RIG_BLIND] = {.name = "blind",
                   .features = PROGRAMMER_ENABLES,
                   .sck_fixed_hint = "change SPI_CLOCK in the sketch",
                   .enter = rig_enter,
                   .leave = rig_leave,
                   .exchange = rig_exchange},
    [RIG_RANGES] = {.name = "ranges",
                    .features = PROGRAMMER_SEES_ECHO,
                    .sck_min_hz = 500,
                    .sck_max_hz = 4000000,
                    .enter = rig_enter,
                    .leave = rig_leave,
                    .exchange = rig_exchange,
                    .read = rig_read,
                    .write = rig_write,
                    .erase = rig_erase,
                    .set_sck = rig_set_sck,
                    .voltage = rig_voltage},
    [RIG_REPORTS] = {.name = "reports",
                     .features = PROGRAMMER_ENABLES | PROGRAMMER_REPORTS_ENABLE,
                     .sck_min_hz = 500,
                     .sck_max_hz = 4000000,
                     .enter = rig_enter,
                     .leave = rig_leave,
                     .exchange = rig_exchange,
                     .read = rig_read,
                     .write = rig_write,
                     .erase = rig_erase,
                     .set_sck = rig_set_sck_anew,
                     .voltage = rig_voltage},
    [RIG_BOOTLOADER] = {.name = "bootloader",
                        .features = PROGRAMMER_BOOTLOADER,
                        .enter = boot_enter,
                        .leave = boot_leave,
                        .read = boot_read,
                        .write = boot_write},
};

static const struct programmer_entry entry = {.id = "rig", .summary = "the tests' programmer"};

/* --- the rig -------------------------------------------------------------------------------- */

struct chip_rig *chip_rig_new(const char *chip, enum chip_rig_kind kind,
                              const struct avr_chip_options *options)
{
    struct chip_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_non_null(avr_chip_spec(chip));
    rig->clock = (struct clock){.now_us = rig_now_us, .sleep_us = rig_sleep_us};
    rig->sink.emit = rig_emit;
    rig->chip = avr_chip_new(avr_chip_spec(chip), options);
    rig->sck_hz = 125000;
    rig->config.id = entry.id;
    context_init(&rig->context, &rig->clock, &rig->sink, &rig->cancel);
    rig->programmer = (struct programmer){.driver = &drivers[kind],
                                          .entry = &entry,
                                          .config = &rig->config,
                                          .context = &rig->context,
                                          .part = part_generic_avr(),
                                          .state = rig};
    return rig;
}

void chip_rig_free(struct chip_rig *rig)
{
    avr_chip_free(rig->chip);
    free(rig);
}

bool chip_rig_released(struct chip_rig *rig)
{
    avr_chip_settle(rig->chip, rig->now_ns);
    return !rig->programmer.entered && !avr_chip_in_programming_mode(rig->chip);
}

void chip_rig_clear(struct chip_rig *rig)
{
    avr_chip_clear_stats(rig->chip);
    rig->calls = rig->enters = rig->leaves = rig->exchanges = rig->reads = rig->writes = 0;
    rig->erases = rig->sck_changes = rig->begun = rig->ended = rig->mismatches = 0;
    rig->reports = rig->errors = 0;
    rig->fail_at = rig->cancel_at = 0;
    rig->cancel = 0;
    rig->progress_wrong = false;
    rig->log[0] = rig->steps[0] = rig->values[0] = '\0';
}
