/* From what a field's values do to any chip, to the hazards of one part. */
#include "building.h"

#include <string.h>

struct hazard_text {
    const char *caption;
    const char *cure; /* NULL: depends on the interfaces the part has */
};

/* Data sheets, "Fuse Bits", "System Clock and Clock Options", "Memory Lock Bits". */
static const struct hazard_text hazard_texts[] = {
    [HAZARD_RESET_DISABLE] = {"RESET becomes a port pin: ISP can no longer be entered", NULL},
    [HAZARD_DEBUGWIRE] = {"debugWIRE takes the RESET pin over: ISP can no longer be entered", NULL},
    [HAZARD_EXTERNAL_CLOCK] = {"needs a clock signal on the clock input; without one the chip does "
                               "not answer over ISP",
                               "feed a square wave of about 1 MHz to XTAL1/CLKI and rewrite the "
                               "fuse"},
    [HAZARD_CRYSTAL] = {"needs a crystal, resonator or RC network; without it the chip does not "
                        "answer over ISP",
                        "connect one, or feed a square wave to XTAL1, and rewrite the fuse"},
    [HAZARD_SLOW_CLOCK] = {"runs at 32 to 128 kHz, less if divided: SCK must stay below a quarter "
                           "of that",
                           "a slower SCK"},
    [HAZARD_CLOCK_DIVIDED] = {"clock divided by 8: SCK must stay below a quarter of the divided "
                              "clock",
                              "a slower SCK"},
    [HAZARD_SPI_DISABLE] = {"serial programming off; the chip ignores this bit when it is written "
                            "over ISP",
                            NULL},
    [HAZARD_LOCK] = {"flash, EEPROM and fuses can no longer be written, and perhaps not read",
                     "a chip erase"},
    [HAZARD_OTHER] = {NULL, "rewrite the fuse"},
};

static bool has_interface(const struct part *part, const char *name)
{
    for (size_t i = 0; i < part->interface_count; i++)
        if (strcmp(part->interfaces[i], name) == 0)
            return true;
    return false;
}

/* How the part is reached when ISP is shut. */
static const char *other_way_in(const struct part *part, enum hazard_kind kind)
{
    const bool parallel = has_interface(part, "hvpp"), serial = has_interface(part, "hvsp");
    if (kind == HAZARD_DEBUGWIRE)
        return parallel ? "a debugWIRE tool, or high-voltage parallel programming"
               : serial ? "a debugWIRE tool, or high-voltage serial programming"
                        : "a debugWIRE tool";
    if (kind == HAZARD_SPI_DISABLE && has_interface(part, "jtag"))
        return "JTAG, or high-voltage parallel programming";
    return parallel ? "high-voltage parallel programming"
           : serial ? "high-voltage serial programming"
                    : "none is known: the part has no high-voltage programming";
}

static enum status add_hazard(struct building *b, struct hazard *out, const struct memory *m,
                              const struct field *field, const struct field_hazard *from)
{
    uint8_t *const values = arena_alloc(b->library->arena, from->value_count);
    if (values == NULL)
        return part_no_memory(b->error);
    for (size_t i = 0; i < from->value_count; i++)
        values[i] = (uint8_t)(from->values[i] << field_shift(field->mask));
    const struct hazard_text *const usual = &hazard_texts[from->kind];
    const char *const cure = usual->cure != NULL ? usual->cure : other_way_in(b->part, from->kind);
    *out = (struct hazard){
        .kind = from->kind,
        .memory = m,
        .mask = field->mask,
        .values = values,
        .value_count = from->value_count,
        .caption = from->caption != NULL ? from->caption : usual->caption,
        .recovery = from->cure != NULL ? from->cure : cure,
    };
    return STATUS_OK;
}

enum status building_read_hazards(struct building *b)
{
    struct part *const part = b->part;
    size_t room = 0;
    for (size_t i = 0; i < part->memory_count; i++)
        for (size_t j = 0; j < b->memories[i].field_count; j++)
            room += b->definitions[i][j]->hazard_count;
    struct hazard *const hazards = arena_alloc(b->library->arena, room * sizeof *hazards);
    if (hazards == NULL)
        return part_no_memory(b->error);
    for (size_t i = 0; i < part->memory_count; i++) {
        const struct memory *const m = &b->memories[i];
        for (size_t j = 0; j < m->field_count; j++) {
            const struct field_definition *const d = b->definitions[i][j];
            for (size_t k = 0; k < d->hazard_count; k++)
                TRY(add_hazard(b, &hazards[part->hazard_count++], m, &m->fields[j],
                               &d->hazards[k]));
        }
    }
    part->hazards = hazards;
    return STATUS_OK;
}
