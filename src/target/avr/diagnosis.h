/* What a chip's answers to the first instructions tell about the wires. Pure. */
#ifndef TARGET_AVR_DIAGNOSIS_H
#define TARGET_AVR_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ispflash/error.h"
#include "ispflash/part.h"

/* What came back on one attempt to enter programming mode. */
struct avr_answer {
    bool enable_seen; /* enable[] is known: the programmer shows all four bytes */
    bool fourth_seen; /* enable[3] is known */
    bool signature_seen;
    uint8_t enable[4]; /* to AC 53 00 00 */
    uint8_t signature[3];
};

enum avr_symptom {
    SYMPTOM_HIDDEN,  /* the programmer only says that it did not work */
    SYMPTOM_LOW,     /* MISO was low throughout */
    SYMPTOM_HIGH,    /* MISO was high throughout */
    SYMPTOM_ECHO,    /* MISO repeats MOSI at once: the two are connected */
    SYMPTOM_SHIFTED, /* the right answer, some bits early or late */
    SYMPTOM_DEAF,    /* repeats what it is sent, a byte late, but knows no instruction */
    SYMPTOM_NOISE    /* anything else */
};

/* No chip has such a signature. 00 01 02 is one only where lock bits may hide it. */
bool signature_plausible(const uint8_t signature[3], bool lock_may_hide);
bool signature_hidden(const uint8_t signature[3]); /* 00 01 02 */

/* True if the answer proves that the chip is in programming mode. */
bool answer_enabled(const struct avr_answer *a, const struct part *part);

enum avr_symptom answer_symptom(const struct avr_answer *a);

/* "Programming Enable was answered 00 00 00 00, signature 00 00 00" */
void answer_describe(const struct avr_answer *a, char *out, size_t capacity);

/* One sentence for the symptom. */
const char *symptom_text(enum avr_symptom symptom);

/* Causes, likeliest first, as hint lines. `slower` is what to do for a slower SCK. */
void symptom_hints(enum avr_symptom symptom, const char *slower, struct error *e);

#endif
