/* What the files of this folder share. */
#ifndef TARGET_AVR_AVR_H
#define TARGET_AVR_AVR_H

#include "../family.h"
#include "instruction.h"
#include "ispflash/diagnosis.h"

enum { AVR_BATCH = 256 }; /* instructions handed to the driver at once */

struct avr {
    int32_t segment; /* last Load Extended Address; -1: not known */
    size_t queued;
    struct isp_exchange queue[AVR_BATCH];
};

/* The queue: instructions gather until it is full or their answers are wanted. The pointer serves
 * to set wait_us and ready_poll, and is good until the next avr_queue() or avr_flush(). */
MUST_USE enum status avr_queue(struct target *t, struct isp_exchange **item, struct error *e);
MUST_USE enum status avr_flush(struct target *t, struct error *e);

/* enter.c */
MUST_USE enum status avr_enter(struct target *t, struct error *e);
MUST_USE enum status avr_reenter(struct target *t, struct error *e); /* with one RESET pulse */
MUST_USE enum status avr_identify(struct target *t, uint8_t signature[3], struct error *e);
MUST_USE enum status avr_set_clock(struct target *t, uint32_t hz, struct error *e);
MUST_USE enum status avr_probe(struct target *t, uint32_t sck_hz, struct isp_probe *out,
                               struct error *e);
MUST_USE enum status avr_count_wrong(struct target *t, const uint8_t signature[3],
                                     const struct memory *const *memories, const uint8_t *values,
                                     size_t count, unsigned times, unsigned *wrong,
                                     struct error *e);

/* transfer.c */
MUST_USE enum status avr_read(struct target *t, const struct memory *m, uint32_t address,
                              uint8_t *data, size_t size, struct error *e);
MUST_USE enum status avr_write_run(struct target *t, const struct memory *m, uint32_t address,
                                   const uint8_t *data, size_t size, bool blank, struct error *e);

/* The command and the address in it that reach the byte at `offset`. `commands` is a pair from
 * struct isp_commands: low byte and high byte of a word, or all bytes. */
const struct isp_command *avr_command(const struct isp_command commands[2], uint32_t offset,
                                      uint32_t *address);

#endif
