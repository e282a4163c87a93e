/* Which clock a chip runs from, by its fuses: what decides how fast SCK may be, and whether the
 * chip answers at all. Source: the data sheets, "System Clock and Clock Options", by way of the
 * fields and hazards of the part. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "simulator_chip.h"

enum {
    WATCH_CRYSTAL_HZ = 32768,
    RC_HZ = 8000000,     /* where the name of a setting gives no frequency */
    OLD_RC_HZ = 1000000, /* RCEN of AT90S parts: the watchdog's oscillator, "about 1 MHz" */
    PLL_HZ = 16000000    /* "PLL Clock": 64 MHz divided by 4 */
};

/* The frequency a caption names ("Int. RC Osc. 9.6 MHz; Start-up ..."), or 0. */
static uint32_t clock_in_caption(const char *caption)
{
    for (const char *at = caption; at != NULL && *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            continue;
        char *end = NULL;
        const double number = strtod(at, &end);
        while (*end == ' ')
            end++;
        if (strncmp(end, "MHz", 3) == 0)
            return (uint32_t)(number * 1e6 + 0.5);
        if (strncasecmp(end, "kHz", 3) == 0)
            return (uint32_t)(number * 1e3 + 0.5);
        at = end > at ? end - 1 : at;
    }
    return 0;
}

/* Whether the byte of this memory meets a hazard of that kind. */
static bool clock_hazard(const struct part *part, uint8_t *const *bytes, enum hazard_kind kind)
{
    for (size_t i = 0; i < part->hazard_count; i++) {
        const struct hazard *hazard = &part->hazards[i];
        const size_t index = (size_t)(hazard->memory - part->memories);
        if (hazard->kind == kind && hazard_hit(hazard, bytes[index][0]))
            return true;
    }
    return false;
}

static const struct field *clock_field(const struct part *part, const char *word, size_t *index)
{
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *m = &part->memories[i];
        for (size_t j = 0; m->kind == MEMORY_FUSE && j < m->field_count; j++) {
            if (strstr(m->fields[j].name, word) != NULL) {
                *index = i;
                return &m->fields[j];
            }
        }
    }
    return NULL;
}

static const struct field_value *clock_value(const struct field *field, uint8_t byte)
{
    const uint8_t value = field_get(field, byte);
    for (size_t i = 0; i < field->value_count; i++) {
        if (field->values[i].value == value)
            return &field->values[i];
    }
    return NULL;
}

static uint32_t clock_source(const struct part *part, uint8_t *const *bytes,
                             const struct chip_options *options)
{
    size_t index = 0;
    const struct field *enable = clock_field(part, "RCEN", &index);
    if (enable != NULL && field_get(enable, bytes[index][0]) == 0)
        return OLD_RC_HZ;
    if (enable != NULL)
        return options->signal_hz != 0 ? options->signal_hz : options->crystal_hz;
    if (clock_hazard(part, bytes, HAZARD_EXTERNAL_CLOCK))
        return options->signal_hz;
    const struct field *select = clock_field(part, "CKSEL", &index);
    if (select == NULL)
        return options->crystal_hz;
    const struct field_value *value = clock_value(select, bytes[index][0]);
    const char *name = value != NULL ? value->name : "";
    if (strstr(name, "LOFXTAL") != NULL || strncmp(name, "TOSC", 4) == 0)
        return options->crystal_hz != 0 ? WATCH_CRYSTAL_HZ : 0;
    if (clock_hazard(part, bytes, HAZARD_CRYSTAL))
        return options->crystal_hz;
    const uint32_t named = value != NULL ? clock_in_caption(value->caption) : 0;
    if (named != 0)
        return named;
    if (clock_hazard(part, bytes, HAZARD_SLOW_CLOCK))
        return WATCH_CRYSTAL_HZ;
    return strncmp(name, "PLL", 3) == 0 ? PLL_HZ : RC_HZ;
}

uint32_t chip_clock_of(const struct part *part, uint8_t *const *bytes,
                       const struct chip_options *options)
{
    if (clock_hazard(part, bytes, HAZARD_RESET_DISABLE) ||
        clock_hazard(part, bytes, HAZARD_DEBUGWIRE) ||
        clock_hazard(part, bytes, HAZARD_SPI_DISABLE))
        return 0;
    const uint32_t hz = clock_source(part, bytes, options);
    return clock_hazard(part, bytes, HAZARD_CLOCK_DIVIDED) ? hz / 8 : hz;
}
