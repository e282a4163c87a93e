/* What the answers of a chip on ISP tell about its wires: what came back, attempt by attempt, and
 * one function that makes a diagnosis of it. Pure; the doctor (doctor.h) asks the chip. */
#ifndef ISPFLASH_DIAGNOSIS_H
#define ISPFLASH_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "part.h"

/* One attempt to enter programming mode: RESET, Programming Enable, the signature. */
struct isp_probe {
    uint32_t sck_hz;     /* 0: not known */
    bool enable_seen;    /* enable[] is known: the programmer shows all four bytes */
    bool fourth_seen;    /* enable[3] is known */
    bool pattern_seen;   /* pattern[3] is known, and all of it if enable_seen */
    bool signature_seen; /* all three false: the programmer only says that it did not work */
    uint8_t enable[4];   /* to AC 53 00 00 */
    uint8_t pattern[4];  /* to AC 53 A5 5A, the same once more: the data sheets leave bytes 3 and 4
                            open, so that they show who it is that repeats them */
    uint8_t signature[3];
    bool enabled; /* it proves that the chip is in programming mode */
};

extern const uint8_t probe_enable[4];  /* AC 53 00 00 */
extern const uint8_t probe_pattern[4]; /* AC 53 A5 5A */

/* No chip has such a signature. 00 01 02 is one only where lock bits may hide it. */
bool signature_plausible(const uint8_t signature[3], bool lock_may_hide);
bool signature_hidden(const uint8_t signature[3]); /* 00 01 02 */

/* True if the answer proves that the chip is in programming mode. */
bool probe_proves_chip(const struct isp_probe *p, const struct part *part);

/* "Programming Enable was answered ff ff ff ff, the signature read as ff ff ff" */
void probe_describe(const struct isp_probe *p, char *out, size_t capacity);

enum symptom {
    SYMPTOM_NONE,       /* a chip answers as it should */
    SYMPTOM_NO_POWER,   /* the programmer measures that the target has no supply */
    SYMPTOM_HIDDEN,     /* the programmer only says that it did not work */
    SYMPTOM_LOW,        /* MISO was low throughout */
    SYMPTOM_HIGH,       /* MISO was high throughout */
    SYMPTOM_ECHO,       /* MISO repeats MOSI at once: the two are connected */
    SYMPTOM_SHIFTED,    /* the right answer, some bits early or late */
    SYMPTOM_DEAF,       /* repeats what it is sent, a byte late, but knows no instruction */
    SYMPTOM_UNSTEADY,   /* another answer to the same bytes each time */
    SYMPTOM_NOISE,      /* anything else */
    SYMPTOM_TOO_FAST,   /* a chip answers, but only below some SCK */
    SYMPTOM_UNRELIABLE, /* a chip answers, but not always */
    SYMPTOM_COUNT
};

/* Of one answer; SYMPTOM_NONE if it proves a chip. */
enum symptom probe_symptom(const struct isp_probe *p);

/* Stable, for programs: "miso-high". One sentence for a person. */
const char *symptom_name(enum symptom symptom);
const char *symptom_text(enum symptom symptom);

/* What a wire of the programming cable is for. */
enum line {
    LINE_VCC = 1 << 0,
    LINE_GND = 1 << 1,
    LINE_RESET = 1 << 2,
    LINE_SCK = 1 << 3,
    LINE_MOSI = 1 << 4,
    LINE_MISO = 1 << 5,
    LINE_XTAL = 1 << 6 /* not in the cable: the chip's clock */
};
enum { LINE_COUNT = 7 };
const char *line_name(enum line line); /* "RESET" */

/* How far the evidence goes. */
enum confidence {
    CONFIDENCE_POSSIBLE, /* one of several things that look the same from here */
    CONFIDENCE_LIKELY,
    CONFIDENCE_CERTAIN
};
const char *confidence_name(enum confidence confidence);

struct suspect {
    unsigned lines;    /* enum line */
    const char *check; /* what ought to be so: "SCK reaches the chip" */
};
enum { SUSPECTS_MAX = 8 };

/* What else is known when a diagnosis is made. */
struct probe_facts {
    bool voltage_known; /* the programmer measures the target's supply */
    uint32_t millivolts;
    uint32_t promised_hz; /* SCK that the chip follows, if its fuses tell the truth; 0: not known */
    bool readings_wrong;  /* it answered, and some of its answers were wrong */
};

struct diagnosis {
    enum symptom symptom;
    enum confidence confidence;
    struct suspect suspects[SUSPECTS_MAX]; /* likeliest first */
    size_t suspect_count;
    bool slower; /* a slower SCK may be the cure */
    /* The fastest SCK at which all attempts went well, and the slowest above it at which not; 0:
     * none, or not known. */
    uint32_t good_hz, bad_hz;
};

/* Of all attempts, in the order they were made, SCK falling; with none at all it is SYMPTOM_HIDDEN.
 */
void diagnose(const struct isp_probe *series, size_t count, const struct probe_facts *facts,
              struct diagnosis *out);

/* The suspects as hint lines. `slower` is what to do for a slower SCK; may be "". */
void diagnosis_hints(const struct diagnosis *d, const char *slower, struct error *e);

#endif
