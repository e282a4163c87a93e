/* Entering programming mode, and proving that a chip is there.
 * Sources: ATmega328P data sheet, "Serial Programming Algorithm" (wait 20 ms, Programming Enable,
 * RESET pulse and again if 53 does not echo); AT90S1200 data sheet, same heading (no echo: the
 * signature must tell); AT89S52 data sheet, "Serial Programming Algorithm" (69 in the fourth
 * byte). SCK must stay below a quarter of the chip's clock. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "avr.h"

enum {
    TRIES = 4,        /* at the first SCK; the sheets allow for some that find no sync */
    TRIES_SLOWER = 2, /* at each slower one */
    READINGS_MAX = 10 /* of the signature, until two in a row agree */
};

/* From what a factory-fresh chip at 1 MHz follows down to a 32.768 kHz crystal divided by 8. None
 * is just at a limit: a 128 kHz oscillator that is 10 % slow wants less than 28.8 kHz, a 32.768 kHz
 * crystal less than 8.19 kHz. At a limit a chip answers now and then, and takes one instruction for
 * another. */
static const uint32_t sck_ladder[] = {187500, 93750, 28000, 7000, 2000, 500};
enum { LADDER = sizeof sck_ladder / sizeof sck_ladder[0] };

enum status avr_set_clock(struct target *t, uint32_t hz, struct error *e)
{
    const struct programmer_driver *driver = t->programmer->driver;
    struct avr *self = t->state;
    uint32_t actual_hz = 0;
    if (driver->set_sck == NULL)
        return error_set(e, STATUS_UNSUPPORTED, "SCK of %s is fixed", t->programmer->entry->id);
    self->segment = -1; /* some programmers must enter programming mode anew for it */
    TRY(driver->set_sck(t->programmer, hz, &actual_hz, e));
    t->sck_hz = actual_hz;
    return STATUS_OK;
}

/* What a person can do about SCK with this programmer; may be empty. */
static const char *slower_advice(const struct target *t)
{
    const struct programmer_driver *driver = t->programmer->driver;
    if (t->sck_hz == 0) /* nobody could set it: it is fixed */
        return driver->sck_fixed_hint != NULL ? driver->sck_fixed_hint : "";
    return t->programmer->config->sck_hz != 0 ? "leave -B out, or give a slower one"
                                              : "try -B 2kHz";
}

/* --- one attempt ---------------------------------------------------------------------------- */

static enum status queue_signature(struct target *t, struct error *e)
{
    const struct memory *m = part_memory(t->part, MEMORY_SIGNATURE);
    for (uint32_t i = 0; i < 3; i++) {
        struct isp_exchange *item;
        TRY(avr_queue(t, &item, e));
        instruction_encode(&m->isp.read[0], i, item->mosi);
    }
    return STATUS_OK;
}

static void take_signature(const struct target *t, size_t first, uint8_t signature[3])
{
    const struct memory *m = part_memory(t->part, MEMORY_SIGNATURE);
    const struct avr *self = t->state;
    for (size_t i = 0; i < 3; i++)
        signature[i] = instruction_decode(&m->isp.read[0], self->queue[first + i].miso);
}

static enum status check_signature_memory(const struct target *t, struct error *e)
{
    const struct memory *m = part_memory(t->part, MEMORY_SIGNATURE);
    if (m == NULL || !m->isp.read[0].present)
        return error_set(e, STATUS_INTERNAL, "%s has no signature to read", t->part->name);
    return STATUS_OK;
}

/* What is sent behind RESET. */
enum questions {
    ASK_SIGNATURE,            /* what it takes to prove a chip */
    ASK_PATTERN_AND_SIGNATURE /* for a diagnosis */
};

static enum status queue_bytes(struct target *t, const uint8_t mosi[4], struct error *e)
{
    struct isp_exchange *item;
    TRY(avr_queue(t, &item, e));
    memcpy(item->mosi, mosi, sizeof item->mosi);
    return STATUS_OK;
}

static void take_bytes(const struct target *t, size_t at, uint8_t miso[4])
{
    const struct avr *self = t->state;
    memcpy(miso, self->queue[at].miso, 4);
}

/* RESET, Programming Enable and a look at the signature, in one batch. */
static enum status attempt(struct target *t, enum questions questions, struct isp_probe *p,
                           struct error *e)
{
    struct avr *self = t->state;
    const unsigned features = t->programmer->driver->features;
    const bool sees_echo = (features & PROGRAMMER_SEES_ECHO) != 0;
    const bool send_enable = sees_echo || (features & PROGRAMMER_ENABLES) == 0;
    const bool send_pattern = questions == ASK_PATTERN_AND_SIGNATURE;
    size_t at = 0;
    *p = (struct isp_probe){.sck_hz = t->sck_hz};
    self->queued = 0;
    self->segment = -1;
    const enum status status = programmer_enter(t->programmer, e);
    if (status == STATUS_NO_TARGET) {
        *e = (struct error){0};
        return STATUS_OK; /* nothing may be sent after that: some firmwares hang */
    }
    TRY(status);
    if (send_enable)
        TRY(queue_bytes(t, probe_enable, e));
    if (send_pattern)
        TRY(queue_bytes(t, probe_pattern, e));
    TRY(queue_signature(t, e));
    TRY(avr_flush(t, e));
    if (send_enable)
        take_bytes(t, at++, p->enable);
    if (send_pattern)
        take_bytes(t, at++, p->pattern);
    take_signature(t, at, p->signature);
    p->enable_seen = send_enable && sees_echo;
    p->fourth_seen = send_enable;
    p->pattern_seen = send_pattern;
    p->signature_seen = true;
    p->enabled = probe_proves_chip(p, t->part);
    return STATUS_OK;
}

/* The attempts of one entry, for what is said when all of them fail. */
enum { ATTEMPTS_MAX = TRIES + LADDER * TRIES_SLOWER };
struct entry {
    struct isp_probe attempts[ATTEMPTS_MAX];
    size_t count;
    bool enabled; /* the last of them */
};

static enum status attempts(struct target *t, unsigned tries, struct entry *entry, struct error *e)
{
    entry->enabled = false;
    for (unsigned i = 0; i < tries && !entry->enabled && entry->count < ATTEMPTS_MAX; i++) {
        struct isp_probe *p = &entry->attempts[entry->count];
        TRY(attempt(t, ASK_SIGNATURE, p, e));
        entry->count++;
        entry->enabled = p->enabled;
        if (p->enabled && i > 0)
            context_log(t->context, LOG_DETAIL, "the chip answered at attempt %u", i + 1);
    }
    return STATUS_OK;
}

enum status avr_probe(struct target *t, uint32_t sck_hz, struct isp_probe *out, struct error *e)
{
    if (t->programmer->entered)
        TRY(programmer_leave(t->programmer, e));
    if (sck_hz != 0) {
        const enum status status = avr_set_clock(t, sck_hz, e);
        if (status == STATUS_UNSUPPORTED)
            *e = (struct error){0};
        else
            TRY(status);
    }
    return attempt(t, ASK_PATTERN_AND_SIGNATURE, out, e);
}

/* --- entering ------------------------------------------------------------------------------- */

static enum status no_answer(struct target *t, const struct entry *entry, struct error *e)
{
    struct probe_facts facts = {0};
    struct diagnosis d;
    char came[128], clock[48] = "";
    facts.voltage_known = target_voltage(t, &facts.millivolts);
    diagnose(entry->attempts, entry->count, &facts, &d);
    probe_describe(&entry->attempts[entry->count - 1], came, sizeof came);
    if (t->sck_hz != 0)
        (void)snprintf(clock, sizeof clock, ", SCK %" PRIu32 " Hz", t->sck_hz);
    (void)error_set(e, STATUS_NO_TARGET, "no answer from the chip: %s (%s; %zu attempts%s)",
                    symptom_text(d.symptom), came, entry->count, clock);
    diagnosis_hints(&d, slower_advice(t), e);
    if (t->part->reset_pin != NULL && t->part->mosi_pin != NULL && t->part->miso_pin != NULL &&
        t->part->sck_pin != NULL)
        error_hint(e, "- the %s has RESET on %s, MOSI on %s, MISO on %s, SCK on %s", t->part->name,
                   t->part->reset_pin, t->part->mosi_pin, t->part->miso_pin, t->part->sck_pin);
    error_hint(e, "ispflash doctor goes through all of it, with the pins to look at");
    return STATUS_NO_TARGET;
}

/* The user's SCK, or one that a factory-fresh chip follows. `*ladder` tells whether slower ones may
 * be tried. */
static enum status choose_clock(struct target *t, bool *ladder, struct error *e)
{
    const struct programmer *p = t->programmer;
    const uint32_t wanted = p->config->sck_hz;
    *ladder = wanted == 0 && p->driver->set_sck != NULL;
    if (p->driver->set_sck == NULL && wanted == 0)
        return STATUS_OK;
    const uint32_t max = p->driver->sck_max_hz;
    const uint32_t usual = max != 0 && max < sck_ladder[0] ? max : sck_ladder[0];
    const uint32_t first = t->chosen_hz != 0 ? t->chosen_hz : usual;
    const enum status status = avr_set_clock(t, wanted != 0 ? wanted : first, e);
    if (status != STATUS_UNSUPPORTED)
        return status;
    *ladder = false;
    if (wanted != 0)
        context_log(t->context, LOG_NOTE, "SCK of this programmer is fixed, -B changes nothing%s%s",
                    p->driver->sck_fixed_hint != NULL ? ": " : "",
                    p->driver->sck_fixed_hint != NULL ? p->driver->sck_fixed_hint : "");
    return STATUS_OK;
}

/* The next slower SCK, where the choice is ours; 0: there is none. */
static uint32_t slower_rung(const struct target *t)
{
    const struct programmer *p = t->programmer;
    if (p->config->sck_hz != 0 || p->driver->set_sck == NULL)
        return 0;
    for (size_t i = 0; i < LADDER; i++) {
        if (sck_ladder[i] < t->sck_hz && sck_ladder[i] >= p->driver->sck_min_hz)
            return sck_ladder[i];
    }
    return 0;
}

static enum status descend(struct target *t, struct entry *entry, struct error *e)
{
    const uint32_t first_hz = t->sck_hz;
    for (size_t i = 0; i < LADDER && !entry->enabled; i++) {
        if (sck_ladder[i] >= first_hz || sck_ladder[i] < t->programmer->driver->sck_min_hz)
            continue;
        TRY(avr_set_clock(t, sck_ladder[i], e));
        TRY(attempts(t, TRIES_SLOWER, entry, e));
    }
    if (entry->enabled)
        context_log(t->context, LOG_NOTE,
                    "the chip answers at SCK %" PRIu32 " Hz, not at %" PRIu32
                    " Hz: its clock is slower than %" PRIu32 " kHz",
                    t->sck_hz, first_hz, first_hz * 4 / 1000);
    return STATUS_OK;
}

enum status avr_enter(struct target *t, struct error *e)
{
    struct entry entry = {.count = 0};
    bool ladder;
    TRY(check_signature_memory(t, e));
    TRY(choose_clock(t, &ladder, e));
    TRY(attempts(t, TRIES, &entry, e));
    if (!entry.enabled && ladder && probe_symptom(&entry.attempts[entry.count - 1]) != SYMPTOM_ECHO)
        TRY(descend(t, &entry, e));
    return entry.enabled ? STATUS_OK : no_answer(t, &entry, e);
}

enum status avr_reenter(struct target *t, struct error *e)
{
    struct entry entry = {.count = 0};
    TRY(attempts(t, TRIES, &entry, e));
    return entry.enabled ? STATUS_OK : no_answer(t, &entry, e);
}

enum status avr_count_wrong(struct target *t, const uint8_t signature[3],
                            const struct memory *const *memories, const uint8_t *values,
                            size_t count, unsigned times, unsigned *wrong, struct error *e)
{
    struct avr *self = t->state;
    if (times * (3 + count) > AVR_BATCH)
        return error_set(e, STATUS_INTERNAL, "too many readings at once");
    for (unsigned round = 0; round < times; round++) {
        TRY(queue_signature(t, e));
        for (size_t i = 0; i < count; i++) {
            struct isp_exchange *item;
            TRY(avr_queue(t, &item, e));
            instruction_encode(&memories[i]->isp.read[0], 0, item->mosi);
        }
    }
    TRY(avr_flush(t, e));
    unsigned differ = 0;
    for (size_t at = 0; at < times * (3 + count); at += 3 + count) {
        uint8_t read[3];
        take_signature(t, at, read);
        for (size_t i = 0; i < 3; i++)
            differ += read[i] != signature[i] ? 1 : 0;
        for (size_t i = 0; i < count; i++)
            differ += instruction_decode(&memories[i]->isp.read[0], self->queue[at + 3 + i].miso) !=
                              values[i]
                          ? 1
                          : 0;
    }
    *wrong = differ;
    return STATUS_OK;
}

/* --- the signature -------------------------------------------------------------------------- */

/* Two readings in one batch. */
static enum status read_twice(struct target *t, uint8_t first[3], uint8_t second[3],
                              struct error *e)
{
    TRY(queue_signature(t, e));
    TRY(queue_signature(t, e));
    TRY(avr_flush(t, e));
    take_signature(t, 0, first);
    take_signature(t, 3, second);
    return STATUS_OK;
}

static enum status unstable(const struct target *t, const uint8_t first[3], const uint8_t second[3],
                            struct error *e)
{
    (void)error_set(e, STATUS_NO_TARGET,
                    "the connection is unreliable: the signature reads differently each time "
                    "(%02x %02x %02x, then %02x %02x %02x)",
                    first[0], first[1], first[2], second[0], second[1], second[2]);
    error_hint(e, "use shorter wires and a good ground, and keep other things off the pins");
    if (slower_advice(t)[0] != '\0')
        error_hint(e, "slow SCK down: %s", slower_advice(t));
    error_hint(e, "ispflash doctor --soak counts the errors at each SCK");
    return STATUS_NO_TARGET;
}

static enum status not_a_signature(const struct target *t, const uint8_t signature[3],
                                   struct error *e)
{
    struct isp_probe probe = {.signature_seen = true};
    const struct probe_facts facts = {.voltage_known = false};
    struct diagnosis d;
    memcpy(probe.signature, signature, 3);
    diagnose(&probe, 1, &facts, &d);
    (void)error_set(e, STATUS_NO_TARGET,
                    "no chip has the signature %02x %02x %02x, so nothing can be done with it: %s",
                    signature[0], signature[1], signature[2], symptom_text(d.symptom));
    diagnosis_hints(&d, slower_advice(t), e);
    return STATUS_NO_TARGET;
}

/* Reads until two readings in a row agree; `*wavered` tells whether some did not. False in
 * `*agreed`: they never do. */
static enum status settle(struct target *t, uint8_t first[3], uint8_t second[3], bool *agreed,
                          bool *wavered, struct error *e)
{
    *agreed = false;
    *wavered = false;
    for (unsigned readings = 2; readings <= READINGS_MAX && !*agreed; readings += 2) {
        TRY(read_twice(t, first, second, e));
        *agreed = memcmp(first, second, 3) == 0;
        *wavered = *wavered || !*agreed;
    }
    return STATUS_OK;
}

/* An SCK somewhat too fast lets Programming Enable through now and then, and shows itself by bit
 * errors: where SCK is ours to choose, the next slower one is tried. False in `*again`: there is
 * none, or the chip no longer answers there. */
static enum status slow_down(struct target *t, bool *again, struct error *e)
{
    const uint32_t before_hz = t->sck_hz;
    const uint32_t slower_hz = slower_rung(t);
    *again = false;
    if (slower_hz == 0)
        return STATUS_OK;
    TRY(avr_set_clock(t, slower_hz, e));
    const enum status status = avr_reenter(t, e);
    if (status == STATUS_NO_TARGET)
        return STATUS_OK;
    TRY(status);
    context_log(t->context, LOG_NOTE,
                "two readings of the signature differ at SCK %" PRIu32 " Hz: trying %" PRIu32 " Hz",
                before_hz, t->sck_hz);
    *again = true;
    return STATUS_OK;
}

enum status avr_identify(struct target *t, uint8_t signature[3], struct error *e)
{
    uint8_t first[3], second[3];
    bool agreed, again;
    do {
        TRY(settle(t, first, second, &agreed, &t->unreliable, e));
        again = false;
        if (t->unreliable)
            TRY(slow_down(t, &again, e));
    } while (again);
    if (!agreed)
        return unstable(t, first, second, e);
    if (t->unreliable)
        context_log(t->context, LOG_WARNING,
                    "the connection is unreliable: two readings of the signature differ");
    if (!signature_plausible(first, t->part->old_lock_hides_signature))
        return not_a_signature(t, first, e);
    memcpy(signature, first, 3);
    return STATUS_OK;
}
