/* What the firmware models share: stk500v1_model.c, arduino_isp.c, optiboot.c, stk500.c. */
#ifndef MODEL_STK500V1_PRIVATE_H
#define MODEL_STK500V1_PRIVATE_H

#include "model/stk500v1_model.h"

enum { /* AVR061, "Commands" and "Responses" */
       STK_OK = 0x10,
       STK_FAILED = 0x11,
       STK_UNKNOWN = 0x12,
       STK_NODEVICE = 0x13,
       STK_INSYNC = 0x14,
       STK_NOSYNC = 0x15,
       STK_EOP = 0x20,
};

struct stk500v1_model {
    struct board *board;
    struct avr_chip *chip;
    struct stk500v1_options options;
    struct stk500v1_stats stats;
    bool application_ruined; /* the boot loader wrote over the sketch */

    /* of the sketch and the STK500; as after a reset when zeroed */
    struct {
        bool programming;
        bool device_set;
        uint8_t device[20]; /* SET_DEVICE */
        uint8_t parameter[256];
        uint16_t address; /* word address of LOAD_ADDRESS */
        uint8_t data[256];
    } ram;
};

/* The next byte. False: reset or stopped, return at once. */
bool stk500v1_get(struct stk500v1_model *m, uint8_t *byte);
bool stk500v1_get_all(struct stk500v1_model *m, uint8_t *bytes, size_t size);
bool stk500v1_put(struct stk500v1_model *m, uint8_t byte);
bool stk500v1_put_text(struct stk500v1_model *m, const char *text);

/* One instruction through the chip at `half_ns`; time passes. `answer` receives the fourth byte. */
bool stk500v1_spi(struct stk500v1_model *m, uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                  uint64_t half_ns, uint64_t software_ns, uint8_t *answer);
/* RESET as the firmware drives it: active is high for device codes of E0 and above (AT89S). */
void stk500v1_reset_pin(struct stk500v1_model *m, bool active);

/* The firmwares' loops; each returns when the board was reset or stopped, optiboot also when it
 * starts the application. */
void arduino_isp_run(struct stk500v1_model *m);
void optiboot_run(struct stk500v1_model *m);
void stk500_run(struct stk500v1_model *m);

#endif
