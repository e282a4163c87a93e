/* Which clock a chip runs from, by its fuses: what decides how fast SCK may be, and whether the
 * chip answers at all. Source: the data sheets, "System Clock and Clock Options", by way of the
 * fields and hazards of the part. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "simulator_chip.h"

enum {
    SLOW_CRYSTAL_MAX_HZ = 100000, /* above it a crystal does not swing with the oscillator that
                                     drives a watch crystal, below it not with the other */
    TINY15_HZ = 6400000,          /* ATtiny15 compatibility mode: "always divided by four" */
    RC_HZ = 8000000,              /* "Int. RC Osc." */
    OLD_RC_HZ = 1200000,          /* the same in an ATtiny12 */
    RCEN_HZ = 1000000,            /* RCEN of AT90S parts: the watchdog's, "about 1 MHz" */
    PLL_HZ = 16000000             /* "PLL Clock": 64 MHz divided by 4 */
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

/* Whether a fuse meets a hazard of that kind; `byte` stands for memory number `index`. */
static bool clock_hazard_with(const struct part *part, uint8_t *const *bytes, size_t index,
                              uint8_t byte, enum hazard_kind kind)
{
    for (size_t i = 0; i < part->hazard_count; i++) {
        const struct hazard *hazard = &part->hazards[i];
        const size_t at = (size_t)(hazard->memory - part->memories);
        if (hazard->kind == kind && hazard_hit(hazard, at == index ? byte : bytes[at][0]))
            return true;
    }
    return false;
}

static bool clock_hazard(const struct part *part, uint8_t *const *bytes, enum hazard_kind kind)
{
    return clock_hazard_with(part, bytes, 0, bytes[0][0], kind);
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

/* The setting a byte chooses; NULL for a reserved one. The start-up time has a reserved value of
 * its own, which leaves the clock source as it is: the upper two bits where the field is SUT_CKSEL.
 */
static const struct field_value *clock_value(const struct field *field, uint8_t byte)
{
    const uint8_t value = field_get(field, byte);
    const uint8_t all = field_get(field, 0xff);
    const uint8_t source = strncmp(field->name, "SUT", 3) == 0 ? all >> 2 : all;
    const struct field_value *similar = NULL;
    for (size_t i = 0; i < field->value_count; i++) {
        if (field->values[i].value == value)
            return &field->values[i];
        if (((field->values[i].value ^ value) & source) == 0)
            similar = &field->values[i];
    }
    return similar;
}

/* "EXTLOFXTAL_..." and "TOSC_..." are; "EXTLOFXTALRES_..." are resonators of 0.4 to 0.9 MHz. */
static bool clock_is_watch_crystal(const char *name)
{
    const char *at = strstr(name, "LOFXTAL");
    return (at != NULL && strncmp(at, "LOFXTALRES", 10) != 0) || strncmp(name, "TOSC", 4) == 0;
}

static uint32_t clock_crystal(const struct chip_options *options, bool slow)
{
    return (options->crystal_hz <= SLOW_CRYSTAL_MAX_HZ) == slow ? options->crystal_hz : 0;
}

/* A chip that takes its clock from XTAL1 without a fuse to choose. */
static uint32_t clock_at_xtal1(const struct chip_options *options)
{
    return options->signal_hz != 0 ? options->signal_hz : options->crystal_hz;
}

static uint32_t clock_source(const struct part *part, uint8_t *const *bytes,
                             const struct chip_options *options)
{
    size_t index = 0;
    const struct field *enable = clock_field(part, "RCEN", &index);
    if (enable != NULL)
        return field_get(enable, bytes[index][0]) == 0 ? RCEN_HZ : clock_at_xtal1(options);
    const struct field *select = clock_field(part, "CKSEL", &index);
    if (select == NULL || select->value_count == 0)
        return clock_at_xtal1(options);
    const struct field_value *value = clock_value(select, bytes[index][0]);
    if (value == NULL)
        return 0; /* reserved: nothing is promised */
    const unsigned lowest = (unsigned)select->mask & -(unsigned)select->mask;
    const uint8_t byte = (uint8_t)((bytes[index][0] & ~select->mask) | value->value * lowest);
    if (clock_hazard_with(part, bytes, index, byte, HAZARD_EXTERNAL_CLOCK))
        return options->signal_hz;
    if (strncmp(value->name, "EXTRC", 5) == 0)
        return 0; /* an RC network, which a board with a crystal has not */
    const bool slow = clock_is_watch_crystal(value->name);
    if (slow || clock_hazard_with(part, bytes, index, byte, HAZARD_CRYSTAL))
        return clock_crystal(options, slow);
    const uint32_t named = clock_in_caption(value->caption);
    if (named == TINY15_HZ) /* ATtiny85 data sheet, "Calibrated Internal Oscillator" */
        return named / 4;
    if (named != 0)
        return named;
    if (strncmp(value->name, "PLL", 3) == 0)
        return PLL_HZ;
    return strstr(select->name, "SUT") != NULL ? RC_HZ : OLD_RC_HZ;
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
