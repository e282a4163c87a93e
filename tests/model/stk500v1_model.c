/* Frame of the STK500v1 firmware models: reset, boot loader, application. */
#include "model/stk500v1_model.h"

#include <stdlib.h>
#include <string.h>

#include "model/stk500v1_private.h"

enum { SKETCH_RING = 63, BOOTLOADER_RING = 2 };

struct stk500v1_model *stk500v1_new(struct board *board, struct avr_chip *chip,
                                    const struct stk500v1_options *options)
{
    struct stk500v1_model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        abort();
    }
    m->board = board;
    m->chip = chip;
    m->options = *options;
    return m;
}

void stk500v1_free(struct stk500v1_model *model)
{
    free(model);
}

const struct stk500v1_stats *stk500v1_stats(const struct stk500v1_model *model)
{
    return &model->stats;
}

bool stk500v1_get(struct stk500v1_model *m, uint8_t *byte)
{
    return board_get(m->board, byte, UINT64_MAX) == BOARD_BYTE;
}

bool stk500v1_get_all(struct stk500v1_model *m, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!stk500v1_get(m, &bytes[i])) {
            return false;
        }
    }
    return true;
}

bool stk500v1_put(struct stk500v1_model *m, uint8_t byte)
{
    return board_put(m->board, byte);
}

bool stk500v1_put_text(struct stk500v1_model *m, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!stk500v1_put(m, (uint8_t)*text)) {
            return false;
        }
    }
    return true;
}

bool stk500v1_spi(struct stk500v1_model *m, uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                  uint64_t half_ns, uint64_t software_ns, uint8_t *answer)
{
    uint8_t miso[4];
    uint64_t now = board_now(m->board);
    avr_chip_instruction(m->chip, (const uint8_t[]){a, b, c, d}, miso, &now, half_ns);
    if (answer != NULL) {
        *answer = miso[3];
    }
    return board_pass_until(m->board, now + software_ns);
}

void stk500v1_reset_pin(struct stk500v1_model *m, bool active)
{
    const bool active_high = m->ram.device[0] >= 0xe0;
    avr_chip_set_pin(m->chip, AVR_PIN_RESET, active == active_high, board_now(m->board));
}

/* The microcontroller's pins are inputs in reset: the chip's pull resistor lets it run. */
static void release_pins(struct stk500v1_model *m)
{
    stk500v1_reset_pin(m, false);
    avr_chip_set_pin(m->chip, AVR_PIN_SCK, false, board_now(m->board));
}

static void run_application(struct stk500v1_model *m)
{
    m->stats.applications++;
    board_set_uart(m->board, m->options.baud, SKETCH_RING);
    switch (m->options.firmware) {
    case STK500V1_ARDUINO_ISP:
        if (m->application_ruined) {
            uint8_t byte;
            while (stk500v1_get(m, &byte)) { /* whatever it is now, it is no programmer */
            }
        } else {
            arduino_isp_run(m);
        }
        break;
    case STK500V1_OPTIBOOT: {
        uint8_t byte;
        (void)stk500v1_put_text(m, m->options.chatter != NULL ? m->options.chatter : "");
        while (stk500v1_get(m, &byte)) {
        }
        break;
    }
    case STK500V1_STK500:
        stk500_run(m);
        break;
    }
}

void stk500v1_run(struct stk500v1_model *m)
{
    bool bootloader_first = m->options.in_bootloader;
    for (;;) {
        memset(&m->ram, 0, sizeof m->ram);
        if (bootloader_first && m->options.bootloader_baud != 0) {
            board_set_uart(m->board, m->options.bootloader_baud, BOOTLOADER_RING);
            optiboot_run(m);
        }
        if (!board_was_reset(m->board)) {
            run_application(m);
        }
        if (!board_was_reset(m->board) && board_stopped(m->board)) {
            return;
        }
        release_pins(m);
        bootloader_first = true;
    }
}
