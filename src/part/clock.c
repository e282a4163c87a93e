/* From fuse bytes to the chip's clock, and from there to the SCK that it follows. */
#include "ispflash/part.h"

static bool hit(const struct part *part, enum hazard_kind kind, const struct memory *m,
                uint8_t byte, uint8_t *mask)
{
    for (size_t i = 0; i < part->hazard_count; i++) {
        const struct hazard *hazard = &part->hazards[i];
        if (hazard->kind != kind || hazard->memory != m || !hazard_hit(hazard, byte))
            continue;
        *mask = hazard->mask;
        return true;
    }
    return false;
}

/* What the fields of this fuse byte select; max 0: nothing, or it is not known. */
static const struct field_value *selected(const struct memory *m, uint8_t byte)
{
    for (size_t i = 0; i < m->field_count; i++)
        for (size_t j = 0; j < m->fields[i].value_count; j++) {
            const struct field_value *value = &m->fields[i].values[j];
            if (value->clock_max_hz != 0 && value->value == field_get(&m->fields[i], byte))
                return value;
        }
    return NULL;
}

bool part_clock(const struct part *part, const uint8_t *fuses, struct part_clock *out)
{
    struct part_clock clock = {0};
    uint8_t ignored;
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        const struct field_value *source = m->kind == MEMORY_FUSE ? selected(m, fuses[i]) : NULL;
        if (source != NULL) {
            clock.min_hz = source->clock_min_hz;
            clock.max_hz = source->clock_max_hz;
            clock.internal = !hit(part, HAZARD_CRYSTAL, m, fuses[i], &ignored) &&
                             !hit(part, HAZARD_EXTERNAL_CLOCK, m, fuses[i], &ignored);
        }
        if (m->kind == MEMORY_FUSE &&
            hit(part, HAZARD_CLOCK_DIVIDED, m, fuses[i], &clock.divider_mask))
            clock.divider = m;
    }
    if (part->clock_max_hz != 0 && clock.max_hz > part->clock_max_hz)
        clock.max_hz = part->clock_max_hz;
    if (clock.max_hz == 0 || clock.max_hz == UINT32_MAX)
        return false;
    /* Data sheets, "System Clock Prescaler": CKDIV8 programmed starts the chip at an eighth. */
    if (clock.divider != NULL) {
        clock.min_hz /= 8;
        clock.max_hz /= 8;
    }
    *out = clock;
    return true;
}

/* "Serial Downloading" of the data sheets. ATmega328P: SCK low and high for more than 2 CPU clock
 * cycles below 12 MHz, more than 3 from there on. AT90S1200: low for more than 1, high for more
 * than 4. AT89S52: not above a 16th of the crystal. */
uint32_t part_sck_limit(const struct part *part, uint32_t clock_hz)
{
    const uint32_t fast = 6, fast_from_hz = 12000000;
    const uint32_t divider = part->sck_divider;
    return clock_hz / (clock_hz >= fast_from_hz && divider < fast ? fast : divider);
}
