/* What `ispflash detect` finds, for a person and for programs. */
#ifndef CLI_DETECTION_H
#define CLI_DETECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "boot_finding.h"
#include "ispflash/fuses.h"
#include "ispflash/part.h"

enum { CANDIDATES_MAX = 16, TOLD_MAX = 8 };

/* A value of the programmer's or the chip's own, as the layers below tell it. */
struct told {
    char name[16], text[96];
};

enum content {
    CONTENT_ABSENT, /* the chip has no such memory, or it cannot be read */
    CONTENT_LOCKED, /* lock bits hide it */
    CONTENT_BLANK,
    CONTENT_BOOT_ONLY, /* blank but for what is in the boot section */
    CONTENT_HOLDS
};

enum lock_state { LOCK_UNKNOWN, LOCK_OPEN, LOCK_NO_WRITE, LOCK_NO_READ };

struct detection {
    const struct part *part;
    const struct part *candidates[CANDIDATES_MAX]; /* commonest first; one if a part was named */
    size_t candidate_count;
    uint8_t signature[3];
    struct fuse_set bytes; /* fuses and lock bits */
    enum lock_state lock;
    bool clock_known;
    struct part_clock clock;
    uint32_t sck_hz; /* at which it answers without doubt; 0: not known */
    enum content flash, eeprom;
    struct boot_finding boot;
    struct told told[TOLD_MAX];
    size_t told_count;
};

void detection_text(FILE *out, const struct detection *d);
/* {"schema":1,"event":"detection","part":...,"candidates":[...],"boot":{...}} */
void detection_json(FILE *out, const struct detection *d);

#endif
