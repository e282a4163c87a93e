/* The Bus Pirate driver: finding it in whatever state it is, its rate, its terminal.
 *
 * Sources: firmware 6.3, procMenu.c (20 zeros lead from the prompt to bit-bang mode; menus take
 * numbers and an end of line; setBaudRate()) and binIO.c, binBB(); legacy4third.c of the Bus
 * Pirate 5. flashrom's buspirate_spi raises the rate of v3 hardware the same way. */
#include <stdio.h>
#include <string.h>

#include "buspirate.h"

enum {
    ANSWER_MS = 60,    /* an FT232R holds an answer for up to 16 ms */
    CERTAIN_MS = 1500, /* for an answer that must come */
    LEGACY_MS = 400,   /* for one that does not only if it is a Bus Pirate 5 */
    STEP_MS = 6,       /* between four zeros and four: a block of a page may be shifted meanwhile */
    QUIET_MS = 30,
    CLOCK_HZ = 4000000 /* the PIC's UART: baud = 4 MHz / (divisor + 1) */
};

/* Tried from the fastest on. */
static const uint32_t raised_rates[] = {2000000, 1000000};

bool buspirate_is_rate(uint32_t baud)
{
    return baud == BUSPIRATE_USUAL_BAUD ||
           (baud >= 300 && baud <= CLOCK_HZ / 2 && CLOCK_HZ % baud == 0);
}

static enum status set_host_rate(struct buspirate *self, uint32_t baud, struct error *e)
{
    if (self->baud == 0)
        return STATUS_OK;
    TRY(stream_drain(self->stream, e));
    TRY(stream_set_baud(self->stream, baud, e));
    self->baud = baud;
    return STATUS_OK;
}

/* --- finding it ------------------------------------------------------------------------------- */

enum answer { ANSWER_NONE, ANSWER_NOISE, ANSWER_PROMPT, ANSWER_BITBANG };

static enum status send_zeros(struct buspirate *self, size_t count, struct error *e)
{
    static const uint8_t zeros[4] = {0};
    return buspirate_send(self, zeros, count, e);
}

/* Whether an end of line brings a prompt: "HiZ>". Menus end in ")>" and take the end of line for
 * the usual choice. The space ends the wait for one after a change of rate. */
static enum status ask_terminal(struct buspirate *self, enum answer *answer, struct error *e)
{
    enum { MENUS = 8 };
    char text[16];
    size_t size = 0;
    for (unsigned i = 0; i < MENUS; i++) {
        TRY(buspirate_send(self, (const uint8_t *)" \r", 2, e));
        TRY(buspirate_listen(self, ANSWER_MS, ">", text, sizeof text, &size, e));
        if (!buspirate_ends_in(text, size, ")>"))
            break;
    }
    *answer = buspirate_ends_in(text, size, ">") ? ANSWER_PROMPT
              : size > 0                         ? ANSWER_NOISE
                                                 : ANSWER_NONE;
    return STATUS_OK;
}

/* What a page takes to be shifted: a zero may have been the last byte of it. */
static unsigned page_ms(const struct buspirate *self)
{
    enum { PAGE = 4 * 128 + 4 };
    return self->sck_hz == 0 ? 0 : (unsigned)(PAGE * buspirate_shift_most_ns(self) / 1000000u);
}

/* *heard: something has come. */
static enum status offer_zeros(struct buspirate *self, size_t count, unsigned wait_ms,
                               enum answer *answer, bool *heard, struct error *e)
{
    char text[16];
    size_t size = 0;
    TRY(send_zeros(self, count, e));
    TRY(buspirate_listen(self, wait_ms + page_ms(self), "BBIO1", text, sizeof text, &size, e));
    *heard = size > 0;
    if (buspirate_ends_in(text, size, "BBIO1")) {
        *answer = ANSWER_BITBANG;
        self->mode = BUSPIRATE_BITBANG;
        return stream_discard(self->stream, QUIET_MS, ANSWER_MS * 4, e);
    }
    if (size > 0 && *answer == ANSWER_NONE)
        *answer = ANSWER_NOISE;
    return STATUS_OK;
}

/* One zero leaves a binary mode, where each that is too many is answered at length while a receiver
 * holds four: so one at a time where something answers. A prompt says nothing and wants 20, at a
 * pace it can follow; at one that is known to be there this comes first. */
static enum status ask_bitbang(struct buspirate *self, enum answer *answer, struct error *e)
{
    enum { SINGLES = 4, GROUPS = 5, MORE = 9 };
    const bool prompt = self->mode == BUSPIRATE_TERMINAL;
    const unsigned last_ms = prompt ? CERTAIN_MS : QUIET_MS;
    bool heard = !prompt;
    for (unsigned i = 0; i < SINGLES && heard && *answer != ANSWER_BITBANG; i++)
        TRY(offer_zeros(self, 1, QUIET_MS, answer, &heard, e));
    for (unsigned i = 1; i <= GROUPS && !heard && *answer != ANSWER_BITBANG; i++)
        TRY(offer_zeros(self, 4, i < GROUPS ? STEP_MS : last_ms, answer, &heard, e));
    for (unsigned i = 1; i <= MORE && *answer != ANSWER_BITBANG; i++)
        TRY(offer_zeros(self, 1, i < MORE / 2 ? QUIET_MS : ANSWER_MS, answer, &heard, e));
    return STATUS_OK;
}

/* The rest of a write-then-read that a killed run has left: zeros until something answers. Four at
 * a time, for the receiver holds no more while the firmware shifts the block or answers those that
 * are too many. */
static enum status end_block(struct buspirate *self, bool *heard, struct error *e)
{
    enum { ZEROS = 4 };
    *heard = false;
    for (size_t sent = 0; sent < BUSPIRATE_PAGES + 8 && !*heard; sent += ZEROS) {
        uint8_t byte;
        size_t got = 0;
        TRY(send_zeros(self, ZEROS, e));
        TRY(stream_read_some(self->stream, &byte, 1, STEP_MS + page_ms(self), &got, e));
        *heard = got > 0;
    }
    return *heard ? stream_discard(self->stream, QUIET_MS, ANSWER_MS * 4, e) : STATUS_OK;
}

static enum status regain_here(struct buspirate *self, enum answer *answer, struct error *e)
{
    *answer = ANSWER_NONE;
    TRY(stream_discard(self->stream, QUIET_MS, ANSWER_MS * 8, e));
    TRY(ask_bitbang(self, answer, e));
    if (*answer == ANSWER_NOISE) { /* at a prompt, which may have swallowed some zeros */
        TRY(ask_terminal(self, answer, e));
        TRY(ask_bitbang(self, answer, e));
    } else if (*answer == ANSWER_NONE) {
        bool heard;
        TRY(end_block(self, &heard, e));
        if (heard)
            TRY(ask_bitbang(self, answer, e));
    }
    return STATUS_OK;
}

/* A Bus Pirate that started anew is at its prompt, at the usual rate. */
enum status buspirate_regain(struct buspirate *self, struct error *e)
{
    enum answer answer;
    TRY(regain_here(self, &answer, e));
    if (answer != ANSWER_BITBANG && self->baud > BUSPIRATE_USUAL_BAUD) {
        TRY(set_host_rate(self, BUSPIRATE_USUAL_BAUD, e));
        TRY(regain_here(self, &answer, e));
        if (answer == ANSWER_BITBANG)
            context_log(self->context, LOG_NOTE,
                        "the Bus Pirate is at %d baud again: it has missed a change of rate, or "
                        "started anew (did its supply give way?)",
                        BUSPIRATE_USUAL_BAUD);
    }
    if (answer == ANSWER_BITBANG)
        return STATUS_OK;
    self->greeted = false; /* not twice */
    (void)error_set(e, STATUS_SILENT, "%s: the Bus Pirate no longer answers", self->stream->name);
    error_hint(e, "unplug it and plug it in again");
    return STATUS_SILENT;
}

/* The rates a Bus Pirate may have been left at; where there is no rate, one look. */
static size_t rates_to_try(const struct programmer *p, uint32_t out[4])
{
    const uint32_t wanted = p->config->baud;
    const struct buspirate *self = p->state;
    size_t count = 0;
    out[count++] = wanted != 0 ? wanted : BUSPIRATE_USUAL_BAUD;
    if (self->baud == 0)
        return count;
    if (wanted != 0 && wanted != BUSPIRATE_USUAL_BAUD)
        out[count++] = BUSPIRATE_USUAL_BAUD;
    for (size_t i = 0; i < sizeof raised_rates / sizeof raised_rates[0]; i++)
        if (raised_rates[i] != wanted)
            out[count++] = raised_rates[i];
    return count;
}

static enum status nobody_there(const struct programmer *p, bool heard, struct error *e)
{
    const struct buspirate *self = p->state;
    (void)error_set(e, STATUS_SILENT, "%s: %s", self->stream->name,
                    heard ? "the device answers, but not as a Bus Pirate does"
                          : "no Bus Pirate answers");
    error_hint(e, "is it the right port (-P)? a Bus Pirate 5 answers on its second port, after "
                  "\"binmode\" in its terminal has chosen the legacy mode");
    error_hint(e, "if it is the right one: unplug it and plug it in again");
    return STATUS_SILENT;
}

static enum status look_at_each_rate(struct programmer *p, enum answer *answer, bool *heard,
                                     struct error *e)
{
    struct buspirate *self = p->state;
    uint32_t rates[4];
    const size_t count = rates_to_try(p, rates);
    for (size_t i = 0; i < count; i++) {
        TRY(set_host_rate(self, rates[i], e));
        TRY(stream_discard(self->stream, QUIET_MS, ANSWER_MS * 8, e));
        TRY(ask_terminal(self, answer, e));
        if (*answer != ANSWER_PROMPT)
            TRY(ask_bitbang(self, answer, e));
        if (*answer >= ANSWER_PROMPT)
            return STATUS_OK;
        *heard = *heard || *answer == ANSWER_NOISE;
    }
    return STATUS_OK;
}

static enum status end_block_at(struct buspirate *self, uint32_t baud, enum answer *answer,
                                bool *heard, struct error *e)
{
    bool ended;
    TRY(set_host_rate(self, baud, e));
    TRY(end_block(self, &ended, e));
    *heard = *heard || ended;
    return ended ? ask_bitbang(self, answer, e) : STATUS_OK;
}

/* Our own rate first: what waits in the middle of a block has most likely been left there by us. */
static enum status end_block_at_each_rate(struct programmer *p, enum answer *answer, bool *heard,
                                          struct error *e)
{
    struct buspirate *self = p->state;
    uint32_t rates[4];
    const size_t count = rates_to_try(p, rates);
    if (count > 1)
        TRY(end_block_at(self, raised_rates[0], answer, heard, e));
    for (size_t i = 0; i < count && *answer < ANSWER_PROMPT; i++)
        if (rates[i] != raised_rates[0])
            TRY(end_block_at(self, rates[i], answer, heard, e));
    return STATUS_OK;
}

static enum status find(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    enum answer answer = ANSWER_NONE;
    bool heard = false;
    TRY(look_at_each_rate(p, &answer, &heard, e));
    if (answer < ANSWER_PROMPT)
        TRY(end_block_at_each_rate(p, &answer, &heard, e));
    if (answer < ANSWER_PROMPT)
        return nobody_there(p, heard, e);
    self->greeted = true;
    self->mode = answer == ANSWER_PROMPT ? BUSPIRATE_TERMINAL : BUSPIRATE_BITBANG;
    return STATUS_OK;
}

/* --- terminal and bit-bang mode --------------------------------------------------------------- */

static enum status to_bitbang(struct buspirate *self, struct error *e)
{
    enum answer answer = ANSWER_NONE;
    if (self->mode == BUSPIRATE_BITBANG)
        return STATUS_OK;
    TRY(ask_bitbang(self, &answer, e));
    if (answer == ANSWER_BITBANG)
        return STATUS_OK;
    (void)error_set(e, STATUS_UNSUPPORTED,
                    "%s: the Bus Pirate does not enter its binary mode from the prompt",
                    self->stream->name);
    error_hint(e, "its firmware is older than 2.4: load a later one");
    return STATUS_UNSUPPORTED;
}

/* 0F in bit-bang mode -> 01 and a reset, after which the banner comes at 115200 baud and ends in a
 * prompt. A Bus Pirate 5 only says a text like that. */
enum status buspirate_to_terminal(struct buspirate *self, struct error *e)
{
    enum { RESET_MS = 1500 };
    static const uint8_t leave_spi = 0x00, leave = 0x0f;
    char text[64];
    size_t size = 0;
    if (self->mode == BUSPIRATE_SPI)
        TRY(buspirate_expect(self, "leaving SPI mode", &leave_spi, 1, "BBIO1", 5, 0, e));
    self->mode = BUSPIRATE_UNKNOWN;
    TRY(buspirate_send(self, &leave, 1, e));
    if (!self->legacy) {
        uint8_t answer = 0;
        TRY(stream_read(self->stream, &answer, 1, RESET_MS, NULL, e));
        TRY(set_host_rate(self, BUSPIRATE_USUAL_BAUD, e));
    }
    TRY(buspirate_listen(self, RESET_MS, ">", text, sizeof text, &size, e));
    if (!buspirate_ends_in(text, size, ">"))
        return error_set(e, STATUS_SILENT, "%s: no prompt after the reset", self->stream->name);
    self->mode = BUSPIRATE_TERMINAL;
    return STATUS_OK;
}

/* --- rate ------------------------------------------------------------------------------------- */

/* What to type at one menu, and whether another follows rather than the prompt. */
static enum status choose(struct buspirate *self, const char *typed, bool *another, struct error *e)
{
    char text[64];
    size_t size = 0;
    TRY(buspirate_send(self, (const uint8_t *)typed, strlen(typed), e));
    TRY(buspirate_listen(self, CERTAIN_MS, ">", text, sizeof text, &size, e));
    *another = buspirate_ends_in(text, size, ")>");
    return STATUS_OK;
}

/* "Adjust your terminal / Space to continue", of which the end may be lost: the device changes its
 * rate while its last characters are on the wire. */
static enum status await_change(struct buspirate *self, bool *announced, struct error *e)
{
    char text[160] = "";
    size_t used = 0;
    *announced = false;
    for (unsigned waited_ms = 0; waited_ms < CERTAIN_MS && used < sizeof text / 2;
         waited_ms += QUIET_MS) {
        size_t size = 0;
        TRY(buspirate_listen(self, QUIET_MS, NULL, text + used, sizeof text - used, &size, e));
        *announced = strstr(text, "Space") != NULL;
        if (*announced && size == 0)
            break;
        used += size;
    }
    return STATUS_OK;
}

/* A space, at the new rate, brings the prompt back. */
static enum status confirm_rate(struct buspirate *self, uint32_t baud, struct error *e)
{
    enum { TRIES = 20, TRY_MS = 100 };
    char text[16];
    size_t size = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        TRY(buspirate_send(self, (const uint8_t *)" ", 1, e));
        TRY(buspirate_listen(self, TRY_MS, ">", text, sizeof text, &size, e));
        if (buspirate_ends_in(text, size, ">"))
            return STATUS_OK;
    }
    self->mode = BUSPIRATE_UNKNOWN;
    (void)error_set(e, STATUS_SILENT, "%s: nothing sensible comes at %lu baud", self->stream->name,
                    (unsigned long)baud);
    error_hint(e,
               "the adapter or the line does not bear that rate: unplug the Bus Pirate, plug it "
               "in again, and use -b %d",
               BUSPIRATE_USUAL_BAUD);
    return STATUS_SILENT;
}

static bool host_bears(struct buspirate *self, uint32_t baud)
{
    struct error ignored = {0};
    const bool good = stream_set_baud(self->stream, baud, &ignored) == STATUS_OK;
    return stream_set_baud(self->stream, self->baud, &ignored) == STATUS_OK && good;
}

/* b, 10 (a divisor), the divisor, a space. *raised is false, and nothing is changed, where the host
 * or the terminal does not know the rate. */
static enum status raise_at_prompt(struct buspirate *self, uint32_t baud, bool *raised,
                                   struct error *e)
{
    char divisor[16];
    bool good = false;
    *raised = false;
    if (!host_bears(self, baud))
        return STATUS_OK;
    TRY(choose(self, "b\r", &good, e));
    self->has_rate_menu = good;
    if (!good)
        return STATUS_OK;
    TRY(choose(self, "10\r", &good, e));
    const unsigned number = baud == BUSPIRATE_USUAL_BAUD ? 34 : (unsigned)(CLOCK_HZ / baud - 1);
    (void)snprintf(divisor, sizeof divisor, "%u\r", number);
    if (good) {
        TRY(buspirate_send(self, (const uint8_t *)divisor, strlen(divisor), e));
        TRY(await_change(self, &good, e));
    }
    if (!good)
        return error_set(e, STATUS_SILENT, "%s: the menu of rates is not as known",
                         self->stream->name);
    TRY(set_host_rate(self, baud, e));
    TRY(confirm_rate(self, baud, e));
    *raised = true;
    return STATUS_OK;
}

/* Nobody interrupts it: in the middle host and device are not at the same rate. */
static enum status raise_shielded(struct buspirate *self, uint32_t baud, bool *raised,
                                  struct error *e)
{
    const bool leaving = self->context->leaving;
    self->context->leaving = true;
    self->mode = BUSPIRATE_UNKNOWN;
    const enum status status = raise_at_prompt(self, baud, raised, e);
    if (status == STATUS_OK)
        self->mode = BUSPIRATE_TERMINAL;
    self->context->leaving = leaving;
    return status == STATUS_OK ? context_check(self->context, e) : status;
}

/* Bit-bang mode says its name several times over: at a rate that the line does not bear something
 * is missing. */
static enum status prove_rate(struct buspirate *self, struct error *e)
{
    enum { TIMES = 4 };
    static const uint8_t name = 0x00;
    for (unsigned i = 0; i < TIMES; i++)
        TRY(buspirate_expect(self, "its name", &name, 1, "BBIO1", 5, 0, e));
    return STATUS_OK;
}

enum status buspirate_change_rate(struct buspirate *self, uint32_t baud, struct error *e)
{
    bool raised = true;
    if (self->mode != BUSPIRATE_TERMINAL)
        TRY(buspirate_to_terminal(self, e));
    if (baud != self->baud)
        TRY(raise_shielded(self, baud, &raised, e));
    TRY(to_bitbang(self, e));
    if (!raised)
        return STATUS_OK;
    self->pace = BUSPIRATE_PACE_OF_WIRE; /* a line that has followed the menu is a wire */
    return prove_rate(self, e);
}

/* The user's rate must be had; of ours, the first that works. */
static enum status raise_rate(struct programmer *p, struct error *e)
{
    struct buspirate *self = p->state;
    if (p->config->baud != 0) {
        TRY(buspirate_change_rate(self, p->config->baud, e));
        if (self->baud == p->config->baud)
            return STATUS_OK;
        (void)error_set(e, STATUS_UNSUPPORTED, "%s: %lu baud cannot be set", self->stream->name,
                        (unsigned long)p->config->baud);
        error_hint(e, "leave -b out, or use -b %d", BUSPIRATE_USUAL_BAUD);
        return STATUS_UNSUPPORTED;
    }
    for (size_t i = 0; i < sizeof raised_rates / sizeof raised_rates[0]; i++) {
        const enum status status = buspirate_change_rate(self, raised_rates[i], e);
        if (status == STATUS_OK && (self->baud == raised_rates[i] || !self->has_rate_menu))
            return STATUS_OK;
        if (status == STATUS_OK)
            continue;
        struct error lost = {0};
        if (status == STATUS_CANCELLED || status == STATUS_LINK ||
            buspirate_regain(self, &lost) != STATUS_OK)
            return status;
        context_log(p->context, LOG_NOTE, "%lu baud does not work here (%s): slower",
                    (unsigned long)raised_rates[i], e->text);
        *e = (struct error){0};
    }
    return self->baud > BUSPIRATE_USUAL_BAUD ? buspirate_change_rate(self, BUSPIRATE_USUAL_BAUD, e)
                                             : STATUS_OK;
}

/* Of two zeros in a row a Bus Pirate 5 answers only the first; all others answer each. */
static enum status meet_legacy(struct buspirate *self, struct error *e)
{
    char text[16];
    size_t size = 0;
    if (self->mode != BUSPIRATE_BITBANG)
        return STATUS_OK;
    TRY(send_zeros(self, 1, e));
    TRY(buspirate_listen(self, LEGACY_MS, "BBIO1", text, sizeof text, &size, e));
    self->legacy = size == 0;
    return STATUS_OK;
}

/* In its legacy mode these would be other commands. */
static enum status refuse_on_legacy(const struct buspirate *self, struct error *e)
{
    const char *option = self->options.raw              ? "rawfreq"
                         : self->options.clock_khz != 0 ? "cpufreq"
                                                        : NULL;
    return option == NULL
               ? STATUS_OK
               : error_set(e, STATUS_UNSUPPORTED,
                           "%s: -x %s: a Bus Pirate 5 in its legacy mode has no such thing",
                           self->stream->name, option);
}

static void tell(const struct programmer *p)
{
    const struct buspirate *self = p->state;
    char rate[24];
    context_value(p->context, "port", self->stream->name, NULL, 0);
    if (self->baud != 0) {
        (void)snprintf(rate, sizeof rate, "%lu", (unsigned long)self->baud);
        context_value(p->context, "baud", rate, NULL, 0);
    }
    context_log(p->context, LOG_DETAIL, "Bus Pirate%s: %s%s, %s",
                self->legacy ? " 5, legacy mode" : "",
                self->write_then_read
                    ? (self->streams ? "write-then-read, streaming" : "write-then-read, buffered")
                    : "no write-then-read",
                self->extended ? ", AVR extended commands" : ", no AVR extended commands",
                self->supply ? "supply on" : "supply off");
}

/* Silence that was only a late answer misleads: once more, with more patience. */
static enum status probe(struct programmer *p, struct error *e)
{
    enum { SILENT_MS = 40, SILENT_LONG_MS = 200 };
    struct buspirate *self = p->state;
    self->silent_ms = SILENT_MS;
    TRY(buspirate_begin_spi(p, e));
    const enum status status = buspirate_probe(self, e);
    if (status != STATUS_SILENT)
        return status;
    self->silent_ms = SILENT_LONG_MS;
    TRY(buspirate_regain(self, e));
    TRY(buspirate_begin_spi(p, e));
    return buspirate_probe(self, e);
}

enum status buspirate_adopt(struct programmer *p, struct stream *stream, struct error *e)
{
    struct buspirate *self = p->state;
    self->stream = stream;
    self->context = p->context;
    self->has_rate_menu = true;
    self->baud = !stream_has_baud(stream) ? 0
                 : p->config->baud != 0   ? p->config->baud
                                          : BUSPIRATE_USUAL_BAUD;
    TRY(buspirate_options_parse(p->config, &self->options, e));
    self->speed = self->options.raw ? self->options.speed : 1; /* 125 kHz */
    if (!stream_lower_latency(stream) && self->baud != 0)
        context_log(p->context, LOG_DEBUG, "%s: low latency cannot be set", stream->name);
    TRY(find(p, e));
    TRY(meet_legacy(self, e));
    if (self->legacy)
        TRY(refuse_on_legacy(self, e));
    const uint32_t wanted = p->config->baud != 0 ? p->config->baud : raised_rates[0];
    if (!self->legacy && self->baud != 0 && self->baud != wanted)
        TRY(raise_rate(p, e));
    TRY(to_bitbang(self, e));
    TRY(buspirate_measure(self, e));
    TRY(probe(p, e));
    tell(p);
    return STATUS_OK;
}

enum status buspirate_open(struct programmer *p, struct error *e)
{
    struct stream *stream = NULL;
    const uint32_t baud = p->config->baud != 0 ? p->config->baud : BUSPIRATE_USUAL_BAUD;
    const struct stream_options options = {.baud = baud};
    TRY(stream_open_or_find(p->config->port, p->driver->serial_ids, &options, p->context, &stream,
                            e));
    return buspirate_adopt(p, stream, e);
}
