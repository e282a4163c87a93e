/* The way in and the way out.
 *
 * In: attach, and reset the core into a halt before it executes an instruction, so that firmware
 * can neither sleep nor turn SWD off. Where it has done so already: slower, then with NRST low,
 * then with a person's finger on RESET. Out: a reset, and no debugger any more.
 * Source: ARMv7-M Architecture Reference Manual, "Debug", "Reset Vector Catch". */
#include "stm32f1.h"

#include <inttypes.h>

enum {
    SLOW_HZ = 480000,
    HALT_MS = 100,       /* from the end of a reset; it takes microseconds */
    LINE_US = 20000,     /* NRST low: longer than any RC at the pin */
    SUPPLY_MIN_MV = 1500 /* less is no supply; data sheets: 2.0 V at least */
};

static const struct swd_ops *swd(const struct target *t)
{
    return t->programmer->driver->swd;
}

static enum status drive_line(struct target *t, bool low, struct error *e)
{
    struct stm32f1 *self = t->state;
    TRY(swd(t)->reset_line(t->programmer, low, e));
    self->line_low = low;
    return STATUS_OK;
}

static enum status attach(struct target *t, struct error *e)
{
    struct stm32f1 *self = t->state;
    self->attached = false;
    TRY(programmer_enter(t->programmer, e));
    self->attached = true;
    self->core_id = swd(t)->core_id(t->programmer);
    return STATUS_OK;
}

/* Whether that is cured by another attempt. */
static bool is_silence(enum status status)
{
    return status == STATUS_NO_TARGET || status == STATUS_TIMEOUT || status == STATUS_PROTECTED;
}

/* --- halting -------------------------------------------------------------------------------- */

/* The next reset ends in a halt. Reading DHCSR clears its memory of the last one. */
static enum status arm_catch(struct target *t, uint32_t *state, struct error *e)
{
    struct swd_word words[] = {{.address = DHCSR, .value = DHCSR_HALT, .write = true},
                               {.address = DEMCR, .value = DEMCR_CATCH, .write = true},
                               {.address = DHCSR}};
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    *state = words[2].value;
    return STATUS_OK;
}

static enum status wait_halt(struct target *t, unsigned limit_ms, struct error *e)
{
    const uint64_t limit_us = context_now_us(t->context) + limit_ms * UINT64_C(1000);
    for (;;) {
        uint32_t state;
        TRY(stm32f1_read_word(t, DHCSR, &state, e));
        if ((state & S_HALT) != 0)
            return STATUS_OK;
        if (context_now_us(t->context) >= limit_us)
            return error_set(e, STATUS_NO_TARGET,
                             "the core did not halt after its reset (DHCSR is 0x%08" PRIx32 ")",
                             state);
        TRY(context_sleep(t->context, 1000, e));
    }
}

/* The catch outlives resets, so it is taken back at once. The watchdogs stand while the core does:
 * RM0008, "Debug support for timers, watchdog, bxCAN and I2C". */
static enum status after_halt(struct target *t, struct error *e)
{
    struct swd_word words[] = {
        {.address = DEMCR, .value = DEMCR_TRACE, .write = true},
        {.address = DHCSR, .value = DHCSR_HALTED, .write = true},
        {.address = DBGMCU_CR, .value = DBGMCU_STOP_WATCHDOGS, .write = true}};
    return stm32f1_words(t, words, sizeof words / sizeof words[0], e);
}

static enum status halt_by_reset(struct target *t, struct error *e)
{
    uint32_t state;
    TRY(arm_catch(t, &state, e));
    TRY(stm32f1_write_word(t, AIRCR, AIRCR_RESET, e));
    TRY(wait_halt(t, HALT_MS, e));
    return after_halt(t, e);
}

enum status stm32f1_restart(struct target *t, struct error *e)
{
    TRY(halt_by_reset(t, e));
    return stm32f1_read_protection(t, e);
}

/* --- attempts ------------------------------------------------------------------------------- */

static enum status connect_normally(struct target *t, struct error *e)
{
    TRY(attach(t, e));
    return halt_by_reset(t, e);
}

static enum status connect_slowly(struct target *t, struct error *e)
{
    const struct programmer_driver *driver = t->programmer->driver;
    uint32_t hz;
    if (t->programmer->config->sck_hz == 0 && driver->set_sck != NULL)
        TRY(driver->set_sck(t->programmer, SLOW_HZ, &hz, e));
    return connect_normally(t, e);
}

/* The debug port answers while the core is held in reset. */
static enum status connect_under_reset(struct target *t, struct error *e)
{
    uint32_t state = 0;
    TRY(drive_line(t, true, e));
    TRY(context_sleep(t->context, LINE_US, e));
    TRY(attach(t, e));
    TRY(arm_catch(t, &state, e));
    if ((state & S_RESET) == 0)
        context_log(t->context, LOG_NOTE,
                    "NRST of the programmer does not seem to be wired to the chip");
    TRY(drive_line(t, false, e));
    TRY(wait_halt(t, HALT_MS, e));
    return after_halt(t, e);
}

/* A finger on RESET does what the line could not. */
static enum status connect_by_hand(struct target *t, struct error *e)
{
    const unsigned guide_s = swd(t)->guide_s(t->programmer);
    const uint64_t limit_us = context_now_us(t->context) + guide_s * UINT64_C(1000000);
    enum status status = STATUS_NO_TARGET;
    uint32_t state;
    context_log(t->context, LOG_WARNING, "hold the RESET button of the board, within %u s",
                guide_s);
    while (is_silence(status) && context_now_us(t->context) < limit_us) {
        *e = (struct error){0};
        status = attach(t, e);
        if (status == STATUS_OK)
            status = arm_catch(t, &state, e);
        if (is_silence(status))
            TRY(context_sleep(t->context, 20000, e));
    }
    TRY(status);
    context_log(t->context, LOG_WARNING, "release the RESET button");
    TRY(wait_halt(t, guide_s * 1000, e));
    return after_halt(t, e);
}

static enum status no_supply(struct target *t, uint32_t millivolts, struct error *e)
{
    (void)t;
    (void)error_set(e, STATUS_NO_TARGET,
                    "no chip answers over SWD, and the programmer measures %" PRIu32 ".%02" PRIu32
                    " V where its supply should be",
                    millivolts / 1000, millivolts % 1000 / 10);
    error_hint(e,
               "give the board its supply, and wire 3.3 V of the board to the programmer's VTref "
               "(3.3 V) pin");
    return e->code;
}

static enum status explain_silence(struct target *t, struct error *e)
{
    const struct error why = *e;
    (void)t;
    (void)error_set(e, STATUS_NO_TARGET, "no chip answers over SWD: %s", why.text);
    error_hint(e, "check, likeliest first:");
    error_hint(e, "- the supply of the board, and its ground, which must be the programmer's, too");
    error_hint(e, "- SWDIO (DIO) and SWCLK (CLK): they may be swapped, or not in contact");
    error_hint(e,
               "- firmware that sleeps or turns SWD off: hold RESET, start again, and release it "
               "when told (-x guide=10)");
    error_hint(e, "ispflash doctor goes through all of it, with the pins to look at");
    return e->code;
}

enum status stm32f1_enter(struct target *t, struct error *e)
{
    enum status (*const attempts[])(struct target *, struct error *) = {
        connect_normally, connect_slowly, connect_under_reset, connect_by_hand};
    static const char *const names[] = {"", "slower", "under reset", "by hand"};
    const struct stm32f1 *self = t->state;
    enum status status = STATUS_NO_TARGET;
    uint32_t millivolts;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (attempts[i] == connect_by_hand && swd(t)->guide_s(t->programmer) == 0)
            continue;
        if (i > 0)
            context_log(t->context, LOG_DETAIL, "%s; once more, %s", e->text, names[i]);
        status = attempts[i](t, e);
        if (status == STATUS_OK) {
            *e = (struct error){0};
            return STATUS_OK;
        }
        if (!is_silence(status))
            return status;
        struct error ignored = {0};
        if (self->line_low)
            TRY(drive_line(t, false, e));
        if (i == 0 && t->programmer->driver->voltage != NULL &&
            t->programmer->driver->voltage(t->programmer, &millivolts, &ignored) == STATUS_OK &&
            millivolts < SUPPLY_MIN_MV)
            return no_supply(t, millivolts, e);
    }
    return explain_silence(t, e);
}

/* --- out ------------------------------------------------------------------------------------ */

/* The core starts from its vectors as after power-on, and the reset locks the flash controller.
 * What starts may turn SWD off at once, so nothing need answer from then on. */
static enum status run_from_reset(struct target *t, struct error *e)
{
    uint32_t state = 0;
    struct swd_word words[] = {{.address = DBGMCU_CR, .value = 0, .write = true},
                               {.address = DEMCR, .value = 0, .write = true},
                               {.address = AIRCR, .value = AIRCR_RESET, .write = true}};
    TRY(stm32f1_words(t, words, sizeof words / sizeof words[0], e));
    enum status status = stm32f1_read_word(t, DHCSR, &state, e);
    if (status == STATUS_OK)
        status = stm32f1_write_word(t, DHCSR, DHCSR_OFF, e);
    if (!is_silence(status) && status != STATUS_OK)
        return status;
    *e = (struct error){0};
    context_log(t->context, LOG_DETAIL,
                status != STATUS_OK       ? "the core was reset, and what it runs turns SWD off"
                : (state & S_LOCKUP) != 0 ? "flash holds no program that the core can run"
                                          : "the core was reset and runs");
    return STATUS_OK;
}

enum status stm32f1_leave(struct target *t, struct error *e)
{
    struct stm32f1 *self = t->state;
    struct error later = {0};
    const bool leaving = t->context->leaving;
    enum status status = STATUS_OK;
    t->context->leaving = true; /* nobody interrupts the way out */
    if (self->line_low)
        status = drive_line(t, false, e);
    if (status == STATUS_OK && self->attached)
        status = run_from_reset(t, e);
    self->attached = false;
    const enum status left = programmer_leave(t->programmer, status == STATUS_OK ? e : &later);
    t->context->leaving = leaving;
    return status != STATUS_OK ? status : left;
}
