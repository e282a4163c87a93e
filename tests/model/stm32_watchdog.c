/* The independent watchdog, as far as a debugger meets it: RM0008, "Independent watchdog (IWDG)".
 */
#include "stm32_private.h"

/* As after a reset: 4096 counts of LSI divided by 4, which is about 40 kHz. */
#define PERIOD_NS (4096 * UINT64_C(100000))

enum { KEY_START = 0xcccc, DBG_IWDG_STOP = 1 << 8, USER_WDG_SW = 1 << 2 };

static bool firmware_runs(const struct stm32_chip *chip)
{
    return chip->core.state == STM32_CORE_RUNNING && !stm32_core_in_sram(chip);
}

void stm32_watchdog_key(struct stm32_chip *chip, uint32_t key)
{
    if (key == KEY_START)
        chip->watchdog.on = true;
    if (key == STM32_WATCHDOG_FEED || key == KEY_START)
        chip->watchdog.counted_ns = 0;
}

/* An option bit has it run from the reset on. */
void stm32_watchdog_reset(struct stm32_chip *chip)
{
    chip->watchdog = (struct stm32_watchdog){
        .on = (chip->obr & USER_WDG_SW) == 0,
        .looked_ns = chip->now_ns,
    };
}

/* Firmware that has one starts it and feeds it; one that is there already is fed as well. */
void stm32_watchdog_settle(struct stm32_chip *chip)
{
    struct stm32_watchdog *w = &chip->watchdog;
    const uint64_t passed_ns = chip->now_ns - w->looked_ns;
    w->looked_ns = chip->now_ns;
    if (firmware_runs(chip)) {
        w->on |= chip->options.firmware == STM32_FIRMWARE_WATCHDOG &&
                 chip->now_ns - chip->started_ns >= chip->options.firmware_after_us * STM32_US;
        w->counted_ns = 0;
    }
    const bool stopped =
        chip->core.state == STM32_CORE_HALTED && (chip->dbgmcu_cr & DBG_IWDG_STOP) != 0;
    if (!w->on || stopped)
        return;
    w->counted_ns += firmware_runs(chip) ? 0 : passed_ns;
    if (w->counted_ns >= PERIOD_NS) {
        chip->counts[STM32_COUNT_WATCHDOG_RESETS]++;
        stm32_system_reset(chip);
    }
}
