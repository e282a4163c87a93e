/* One chip family: the table of operations behind target.h. To add a family, write such a table in
 * a folder of its own and name it in target.c; the session does not change. */
#ifndef TARGET_FAMILY_H
#define TARGET_FAMILY_H

#include "target/target.h"

struct target_ops {
    const char *name;
    size_t state_size; /* zeroed storage that target_open() gives each instance */

    unsigned (*traits)(const struct programmer_driver *driver);
    enum status (*enter)(struct target *t, struct error *e);
    enum status (*leave)(struct target *t, struct error *e); /* NULL: the programmer's alone */
    enum status (*identify)(struct target *t, uint8_t signature[3], struct error *e);
    void (*selected)(struct target *t); /* t->part changed; NULL */
    enum status (*set_clock)(struct target *t, uint32_t hz, struct error *e); /* NULL: fixed */
    enum status (*count_wrong)(struct target *t, const uint8_t signature[3],
                               const struct memory *const *memories, const uint8_t *values,
                               size_t count, unsigned times, unsigned *wrong,
                               struct error *e); /* NULL: none */
    enum status (*probe)(struct target *t, uint32_t sck_hz, struct isp_probe *out,
                         struct error *e);                   /* NULL: none */
    enum status (*erase)(struct target *t, struct error *e); /* NULL: no chip erase */
    enum status (*read)(struct target *t, const struct memory *m, uint32_t address, uint8_t *data,
                        size_t size, struct error *e);
    enum status (*read_bytes)(struct target *t, const struct memory *const *memories,
                              uint8_t *values, size_t count, struct error *e); /* NULL: none */
    /* One run of target_next_run(), complete: `data` holds all its bytes. `blank`: the chip is
     * known to hold 0xff there. */
    enum status (*write_run)(struct target *t, const struct memory *m, uint32_t address,
                             const uint8_t *data, size_t size, bool blank, struct error *e);
    enum status (*write_byte)(struct target *t, const struct memory *m, uint8_t value,
                              struct error *e); /* NULL: none */
    bool (*readable)(const struct target *t, const struct memory *m);
    bool (*writable)(const struct target *t, const struct memory *m);
    bool (*lock_can_become)(uint8_t held, uint8_t value); /* NULL: bits only fall */
    bool (*lock_blocks_read)(const struct target *t, uint8_t lock);
    bool (*lock_blocks_write)(const struct target *t, uint8_t lock);
    enum status (*instruction)(struct target *t, const uint8_t mosi[4], uint8_t miso[4],
                               struct error *e); /* NULL: none */
    /* See target.h; NULL: there is no such thing. */
    bool (*is_clone)(const struct target *t, const struct part *part, char *out, size_t capacity);
    enum status (*unlock)(struct target *t, struct error *e);
    bool (*write_protected)(const struct target *t, uint32_t from, struct target_run *run);
    enum status (*unprotect)(struct target *t, const struct target_run *runs, size_t count,
                             struct error *e);
};

struct target {
    const struct target_ops *ops;
    struct programmer *programmer;
    struct context *context;
    const struct part *part;
    uint32_t sck_hz;    /* 0: not known */
    uint32_t chosen_hz; /* by target_set_clock(); 0: not yet */
    bool answers;       /* identified: erase and writes are allowed */
    bool unreliable;    /* readings that should have been equal were not */
    void *state;        /* ops->state_size bytes */
};

extern const struct target_ops target_avr;        /* classic AVR and AT89S over ISP */
extern const struct target_ops target_bootloader; /* flash through a boot loader */
extern const struct target_ops target_stm32f1;    /* STM32F1 over SWD */

#endif
