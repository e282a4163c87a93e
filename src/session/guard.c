/* Settings that would cut ISP off are refused unless they are allowed by name. */
#include <strings.h>

#include "session_private.h"

static bool is_allowed(const char *name, const char *const *allow, size_t allow_count)
{
    for (size_t i = 0; i < allow_count; i++)
        if (strcasecmp(allow[i], name) == 0)
            return true;
    return false;
}

/* RESET as a pin and debugWIRE end ISP whatever the chip runs from. A clock signal from outside
 * does so unless it is there; a chip that runs from one now shows that it is. */
static bool cuts_off(const struct hazard *hazard, uint8_t value, const uint8_t *present)
{
    if (!hazard_hit(hazard, value))
        return false;
    switch (hazard->kind) {
    case HAZARD_RESET_DISABLE:
    case HAZARD_DEBUGWIRE:
        return true;
    case HAZARD_EXTERNAL_CLOCK:
        return present != NULL && !hazard_hit(hazard, *present);
    case HAZARD_CRYSTAL:
    case HAZARD_SLOW_CLOCK:
    case HAZARD_CLOCK_DIVIDED:
    case HAZARD_SPI_DISABLE: /* ignored by the chip when it comes over ISP */
    case HAZARD_LOCK:
    case HAZARD_OTHER:
        return false;
    }
    return false;
}

enum status session_guard(const struct part *part, const struct memory *m, uint8_t value,
                          const uint8_t *present, const char *const *allow, size_t allow_count,
                          struct error *e)
{
    for (size_t i = 0; i < part->hazard_count; i++) {
        const struct hazard *hazard = &part->hazards[i];
        const char *name = part_hazard_name(hazard->kind);
        if (hazard->memory != m || !cuts_off(hazard, value, present) ||
            is_allowed(name, allow, allow_count))
            continue;
        (void)error_set(e, STATUS_REFUSED, "%s 0x%02x would cut ISP off: %s", m->name, value,
                        hazard->caption != NULL ? hazard->caption : name);
        if (hazard->recovery != NULL)
            error_hint(e, "the way back afterwards: %s", hazard->recovery);
        error_hint(e, "if that is what you want: --allow %s", name);
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}
